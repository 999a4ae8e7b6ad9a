-- Shows: two images pass one ResNet-18, and it learns to say whether they are of one class (siamese_network of
-- pytorch/examples).
--
--   ./nnlua --seed 1 scripts/examples/siamese_network.lua [--epochs 14] [--batch_size 64] [--lr 1] [--limit 60000]
--
-- The net without its last layer gives 512 features of each image; two linear layers and a sigmoid compare them. Every other
-- pair is of one class. Net, loss (BCE), optimizer and schedule are those of PyTorch's example; the images are clothes here.
-- --limit N draws N pairs an epoch from the first N training images, and N // 6 pairs from as many test images. An epoch of
-- 60000 pairs takes some ten minutes on one processor, --limit 1200 --epochs 2 half a minute.

local nn = require "nn"

local Siamese = nn.Module:extend "Siamese"
function Siamese:init()
  self.resnet = nn.models.resnet18()
  self.resnet.conv1 = nn.Conv2d(1, 64, 7, { stride = 2, padding = 3, bias = false }) -- grey images
  self.resnet.fc = nn.Identity()
  self.fc = nn.Sequential(nn.Linear(2 * 512, 256), nn.ReLU(), nn.Linear(256, 1))
  nn.init.apply(self.fc, { { "weight$", "xavier_uniform" }, { "bias$", "constant", 0.01 } })
end
function Siamese:forward(a, b) -- two batches of images to a probability for each pair
  return self.fc(nn.cat({ self.resnet(a), self.resnet(b) }, 2)):sigmoid():squeeze(2)
end

-- Gives a function that draws n pairs of images (two tensors) and 1 for those of one class, 0 for the others.
local function pairs_of(data, generator)
  local images = data.x:unsqueeze(2) * 255 -- unscaled bytes, as in PyTorch's example
  local counts = data.y:bincount() -- of classes 1 to 10
  local starts, order = counts:cumsum(1) - counts, data.y:argsort()
  local draws = { generator = generator }
  local function below(limits) -- a whole number from 0 to limit - 1 for each limit
    return nn.minimum((nn.rand(limits.shape, draws) * limits):long(), limits - 1)
  end
  return function(n)
    local same = nn.arange(n) % 2
    local class_a = nn.randint(1, 11, { n }, draws)
    local class_b = (class_a - 1 + (1 - same) * nn.randint(1, 10, { n }, draws)) % 10 + 1
    local place_a = below(counts:take(class_a))
    local count_b = counts:take(class_b)
    local another = (place_a + 1 + below(count_b - 1)) % count_b -- never the first image itself
    local place_b = nn.where(same:eq(1), another, below(count_b))
    local function pick(class, place)
      return images:index_select(1, order:take(starts:take(class) + place + 1))
    end
    return pick(class_a, place_a), pick(class_b, place_b), same:float()
  end
end

return nn.experiment {
  name = "siamese_network", doc = "Do two images show one kind of clothes? (siamese_network of pytorch/examples)",
  params = {
    epochs = { 14, min = 1 }, batch_size = { 64, min = 2 }, test_batch_size = { 1000, min = 1 },
    lr = { 1.0, min = 0, doc = "Adadelta's factor, in the first epoch" },
    gamma = { 0.7, min = 0, doc = "the factor of lr after each epoch" },
    limit = { 60000, min = 600, max = 60000, doc = "pairs an epoch, and training images they are drawn from" },
  },
  run = function(p, run)
    local train, test = nn.data.fashion_mnist { flatten = false }
    local draw = pairs_of(train:range(1, p.limit), nn.Generator(p.seed))
    local draw_test = pairs_of(test:range(1, p.limit // 6), nn.Generator(p.seed + 1))
    local tests = {}
    for first = 1, p.limit // 6, p.test_batch_size do
      tests[#tests + 1] = table.pack(draw_test(math.min(p.test_batch_size, p.limit // 6 - first + 1)))
    end
    local model = Siamese()
    print(("a ResNet-18 and two linear layers: %d parameters"):format(model:parameter_count()))

    local criterion = nn.BCELoss()
    local opt = nn.optim.Adadelta(model:parameters(), { lr = p.lr })
    local schedule = nn.sched.StepLR(opt, { step_size = 1, gamma = p.gamma })
    local step = nn.compile(function(a, b, same)
      opt:zero_grad()
      local loss = criterion(model(a, b), same)
      loss:backward()
      opt:step()
      return loss
    end)
    local function evaluate()
      local sum, right, n = 0, 0, 0
      model:eval()
      nn.no_grad(function()
        for _, batch in ipairs(tests) do
          local a, b, same = table.unpack(batch)
          local output = model(a, b)
          sum, n = sum + criterion(output, same):item() * #same, n + #same
          right = right + output:gt(0.5):eq(same:bool()):sum():item()
        end
      end)
      model:train()
      return sum / n, right / n
    end

    local begun, steps, loss, accuracy = nn.time(), p.limit // p.batch_size, nil, nil
    for epoch = 1, p.epochs do
      local started, sum = nn.time(), 0
      for i = 1, steps do
        sum = sum + step(draw(p.batch_size)):item()
        if i % 100 == 0 then
          print(("epoch %d  step %d of %d  loss %.4f  %.1f s"):format(epoch, i, steps, sum / i, nn.time() - started))
        end
      end
      schedule:step()
      loss, accuracy = evaluate()
      run:log { epoch = epoch, loss = sum / steps, test_loss = loss, test_accuracy = accuracy }
      print(("epoch %d  loss %.4f  test_loss %.4f  test_accuracy %.4f  %.1f s"):format(epoch, sum / steps, loss, accuracy,
        nn.time() - started))
    end
    local file = run:file "model.safetensors"
    if file then
      nn.save(file, model:state_dict())
    end
    return { accuracy = accuracy, loss = loss, seconds = nn.time() - begun, parameters = model:parameter_count() }
  end,
}
