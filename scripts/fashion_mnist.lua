-- Shows: a plain network of two hidden layers learns Fashion-MNIST to about 88% in 5 epochs and some seconds.
--
--   ./nnlua scripts/fashion_mnist.lua [--epochs 5] [--batch 128] [--lr 1e-3] [--hidden 256,128]
--
-- 784-256-128-10, ReLU, Adam; inputs are normalized by the training set's mean and deviation. The learning rate falls
-- evenly from epoch to epoch, so that the last steps are small ones.
--
--   ./nnlua --seed 1 scripts/fashion_mnist.lua --net best [--epochs 20] [--hold 5000]
--
-- The lecture's tricks together: four fully connected columns 784-512-512-256-10 with He initialization, batch norm,
-- dropout and weight decay (not on biases), trained side by side with one cycle of the learning rate; their probabilities
-- are averaged. --hold N keeps the last N training images for validation, on which this design was chosen; the test
-- images were not looked at for it. Some minutes.

local nn = require "nn"

-- The command line: --name value.
local settings = { epochs = "5", batch = "128", lr = "1e-3", hidden = "256,128", net = "plain", hold = "0" }
local given = {}
do
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(%w+)$"
    if not settings[name] or not arg[i + 1] then
      io.stderr:write(("unknown option, or one without a value: %s\nusage: %s [--epochs 5] [--batch 128] [--lr 1e-3] "
        .. "[--hidden 256,128] [--net plain|best] [--hold 0]\n"):format(arg[i], arg[0]))
      os.exit(1)
    end
    settings[name], given[name] = arg[i + 1], true
    i = i + 2
  end
end
local function number_of(name)
  return tonumber(settings[name]) or error(("--%s must be a number, but is '%s'"):format(name, settings[name]), 0)
end
local epochs, batch_size = math.tointeger(number_of "epochs"), math.tointeger(number_of "batch")

local train, test
if nn.data.has_fashion_mnist() then
  train, test = nn.data.fashion_mnist()
else
  print "Fashion-MNIST is not here; for the real images: apt-get install dataset-fashion-mnist"
  print "Going on with a synthetic data set made by the program."
  train, test = nn.data.synthetic_images()
end
nn.data.normalize(train, test)

if settings.net == "best" then
  local function default(name, value)
    return given[name] and number_of(name) or value
  end
  epochs = given.epochs and epochs or 20
  local hold, lr = math.tointeger(number_of "hold"), default("lr", 4e-3)
  local fit, valid = train:range(1, #train - hold), hold > 0 and train:range(#train - hold + 1, #train) or nil

  -- Several columns whose probabilities are averaged.
  local Columns = nn.Module:extend "Columns"
  function Columns:init(list)
    self.columns = list
  end
  function Columns:forward(x)
    local sum
    for _, column in ipairs(self.columns) do
      local p = nn.softmax(column(x), 2)
      sum = sum and sum + p or p
    end
    return (sum / #self.columns):log()
  end

  local columns = {}
  for c = 1, 4 do
    columns[c] = nn.Sequential()
    local width = train.x:size(2)
    for _, n in ipairs { 512, 512, 256 } do
      columns[c]:add(nn.Linear(width, n, { bias = false, init = "he_normal" })):add(nn.BatchNorm1d(n)):add(nn.ReLU())
        :add(nn.Dropout(0.3))
      width = n
    end
    columns[c]:add(nn.Linear(width, 10))
  end
  local model = Columns(columns)
  print(columns[1])
  print("four such columns")

  local groups = nn.optim.groups(model, { { "bias$", weight_decay = 0 }, { ".*", weight_decay = 1e-2 } })
  local opt = nn.optim.AdamW(groups, { lr = lr })
  local loader = fit:loader { batch_size = batch_size, shuffle = true, drop_last = true }
  local schedule = nn.sched.OneCycleLR(opt, { max_lr = lr, epochs = epochs, steps_per_epoch = #loader })
  local criterion = nn.CrossEntropyLoss()
  local step = nn.compile(function(x, y)
    opt:zero_grad()
    local loss
    for _, column in ipairs(columns) do
      local l = criterion(column(x), y)
      loss = loss and loss + l or l
    end
    loss:backward()
    opt:step()
    return loss
  end)
  for epoch = 1, epochs do
    local started, sum, n = nn.time(), 0, 0
    model:train()
    for x, y in loader do
      sum, n = sum + step(x, y):item() / #columns, n + 1
      schedule:step()
    end
    local line = ("epoch %d  loss %.4f"):format(epoch, sum / n)
    if valid then
      local v = nn.train.evaluate(model, valid:loader { batch_size = 1000 }, { metrics = { "accuracy" } })
      line = ("%s  valid_accuracy %.4f"):format(line, v.accuracy)
    end
    print(("%s  %.1f s"):format(line, nn.time() - started))
  end
  local result = nn.train.evaluate(model, test:loader { batch_size = 1000 }, { metrics = { "accuracy" } })
  print(("test accuracy: %.4f"):format(result.accuracy))
  return
elseif settings.net ~= "plain" then
  error(("--net must be plain or best, but is '%s'"):format(settings.net), 0)
end

local model = nn.Sequential()
local width = train.x:size(2)
for hidden in settings.hidden:gmatch "%d+" do
  model:add(nn.Linear(width, math.tointeger(tonumber(hidden)))):add(nn.ReLU())
  width = math.tointeger(tonumber(hidden))
end
model:add(nn.Linear(width, 10))
print(model)

local lr = number_of "lr"
local optimizer = nn.optim.Adam(model:parameters(), { lr = lr })
nn.train.fit {
  model = model,
  loss = nn.CrossEntropyLoss(),
  optimizer = optimizer,
  train = train:loader { batch_size = batch_size, shuffle = true },
  valid = test:loader { batch_size = 1000 },
  epochs = epochs,
  metrics = { "accuracy" },
  on_epoch = function(row)
    optimizer.param_groups[1].lr = lr * (1 - row.epoch / epochs)
  end,
}

local result = nn.train.evaluate(model, test:loader { batch_size = 1000 }, { metrics = { "accuracy" } })
print(("test accuracy: %.4f"):format(result.accuracy))
