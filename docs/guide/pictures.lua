-- Makes the pictures of the guide anew, in docs/guide/pictures:
--
--   ./nnlua docs/guide/pictures.lua
--
-- gnuplot draws them (apt-get install gnuplot-nox). Some seconds.

local nn = require "nn"

nn.plot.directory = "docs/guide/pictures"
if not nn.plot.available() then
  error("gnuplot is missing: apt-get install gnuplot-nox", 0)
end

-- 4. Training: what a network of 16 units says in the plane.
do
  nn.manual_seed(1)
  local data = nn.data.moons { n = 600, noise = 0.15, seed = 1 }
  local model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
  nn.train.fit { model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters(), { lr = 0.02 }),
    train = data:loader { batch_size = 32, shuffle = true }, epochs = 30, progress = "none" }
  local part = data:range(1, 200)
  nn.plot.boundary(model, part.x, part.y, { file = "boundary.png", resolution = 200, title = "Two moons, 16 hidden units" })
end

-- 4. Training: schedules.
do
  local function rates(make)
    local opt = nn.optim.SGD({ nn.Parameter(nn.ones(1)) }, { lr = 0.1 })
    local schedule, list = make(opt), {}
    for epoch = 1, 60 do
      list[epoch] = opt.param_groups[1].lr
      schedule:step()
    end
    return list
  end
  nn.plot.line({
    { y = rates(function(o) return nn.sched.StepLR(o, { step_size = 20, gamma = 0.3 }) end), label = "StepLR" },
    { y = rates(function(o) return nn.sched.ExponentialLR(o, { gamma = 0.95 }) end), label = "ExponentialLR" },
    { y = rates(function(o) return nn.sched.CosineAnnealingLR(o, { T_max = 60 }) end), label = "CosineAnnealingLR" },
    { y = rates(function(o) return nn.sched.OneCycleLR(o, { max_lr = 0.1, total_steps = 60 }) end), label = "OneCycleLR" },
  }, { file = "schedules.png", xlabel = "epoch", ylabel = "learning rate" })
end

-- 4. Training: a network that is too free for 60 noisy points.
do
  nn.manual_seed(6)
  local train, valid = nn.data.moons { n = 660, noise = 0.35, seed = 6 }:split(60)
  local model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
  local run = nn.train.fit { model = model, loss = nn.CrossEntropyLoss(),
    optimizer = nn.optim.Adam(model:parameters(), { lr = 0.003 }), train = train:loader { batch_size = 20, shuffle = true },
    valid = valid:loader { batch_size = 600 }, epochs = 300, progress = "none" }
  local a, b = {}, {}
  for i, row in ipairs(run.history) do
    a[i], b[i] = row.loss, row.valid_loss
  end
  nn.plot.line({ { y = a, label = "training" }, { y = b, label = "validation" } },
    { file = "overfitting.png", key = "above",
      xlabel = "epoch", ylabel = "cross-entropy", title = "60 noisy points, 4,482 weights" })
end

-- 5. Data: two images of each class of Fashion-MNIST, or of those that the program makes.
do
  local data = nn.data.has_fashion_mnist() and nn.data.fashion_mnist { flatten = false } or nil
  if not data then
    data = nn.data.synthetic_images { train = 1000, test = 10 }
    data.x = data.x:reshape(-1, 28, 28)
  end
  local chosen = {}
  for row = 1, 2 do
    for class = 1, 10 do
      chosen[#chosen + 1] = data.x[data.y:eq(class):nonzero()[{ row, 1 }]:item()]
    end
  end
  local sheet = nn.stack(chosen)
  sheet = ((sheet - sheet:min()) / (sheet:max() - sheet:min()) * 15):round() -- 16 greys make a small file
  nn.plot.grid(sheet, { file = "images.png", across = 10, size = { 918, 238 } })
end

-- 6. Looking inside: gradients by layer of ten layers.
do
  local function norms(activation)
    local sums = nn.zeros(10)
    for seed = 1, 20 do
      nn.manual_seed(seed)
      local net = nn.Sequential()
      for _ = 1, 10 do
        net:add(nn.Linear(32, 32, { init = "xavier_normal" })):add(activation())
      end
      net(nn.randn(64, 32)):square():mean():backward()
      for i = 1, 10 do
        sums[i] = sums[i] + net[2 * i - 1].weight.grad:norm():log10()
      end
    end
    return (10 ^ (sums / 20)):totable()
  end
  nn.plot.line({
    { y = norms(nn.Tanh), label = "tanh" }, { y = norms(nn.ReLU), label = "ReLU" },
    { y = norms(nn.Sigmoid), label = "sigmoid" },
  }, { file = "gradients.png", log = "y", key = "bottom right",
    xlabel = "layer, from the input", ylabel = "norm of the weight's gradient" })
end

-- 6. Looking inside: activations.
do
  nn.manual_seed(1)
  local x = nn.randn(500, 32)
  nn.plot.hist({
    { y = nn.Linear(32, 64)(x):tanh(), label = "default" },
    { y = nn.Linear(32, 64, { init = "normal" })(x):tanh(), label = "deviation 1" },
  }, { bins = 40, file = "histogram.png", key = "top center", xlabel = "activation", ylabel = "how often, of 32,000" })
end
