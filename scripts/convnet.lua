-- Shows: a small convolutional net names 92% of Fashion-MNIST's test images after some two minutes of training.
--
--   ./nnlua --seed 1 scripts/convnet.lua [--epochs 8] [--width 24] [--hold 5000]
--
-- Three blocks of 3x3 convolution, batch norm, ReLU and pooling, twice as wide each time, then one hidden layer with
-- dropout; AdamW with one cycle of the learning rate. Half of the images are mirrored in each epoch. --hold N keeps the last
-- N training images for validation, on which this design was chosen; the test images were not looked at for it.

local nn = require "nn"

-- Mirrors a random half of the images (batch x 1 x height x width).
local function mirror_some(x)
  local mirrored = nn.rand { #x, 1, 1, 1 }:lt(0.5)
  return nn.where(mirrored, x:flip(4), x)
end

local function build(width)
  local model, from = nn.Sequential(), 1
  for _, to in ipairs { width, 2 * width, 4 * width } do
    model:add(nn.Conv2d(from, to, 3, { padding = 1, bias = false, init = "he_normal" })):add(nn.BatchNorm2d(to)):add(nn.ReLU())
      :add(nn.MaxPool2d(2))
    from = to
  end
  return model:add(nn.Flatten()):add(nn.Linear(from * 9, 128)):add(nn.ReLU()):add(nn.Dropout(0.3)):add(nn.Linear(128, 10))
end

return nn.experiment {
  name = "fashion_convnet", doc = "A small convolutional net on Fashion-MNIST",
  params = {
    epochs = { 8, min = 1 }, width = { 24, min = 1, doc = "channels of the first block" }, batch_size = { 100, min = 1 },
    lr = { 5e-3, min = 0, doc = "at the top of the cycle" }, decay = { 1e-2, min = 0, doc = "of weights, not of biases" },
    hold = { 0, min = 0, max = 30000, doc = "training images kept for validation" },
  },
  run = function(p)
    local train, test = nn.data.fashion_mnist { flatten = false, normalize = true }
    for _, part in ipairs { train, test } do
      part.x = part.x:unsqueeze(2) -- one channel
    end
    local fit, valid = train:range(1, #train - p.hold), p.hold > 0 and train:range(#train - p.hold + 1, #train) or nil
    local model = build(p.width)
    print(model)

    local groups = nn.optim.groups(model, { { "bias$", weight_decay = 0 }, { ".*", weight_decay = p.decay } })
    local opt = nn.optim.AdamW(groups, { lr = p.lr })
    local loader = fit:loader { batch_size = p.batch_size, shuffle = true, drop_last = true }
    local schedule = nn.sched.OneCycleLR(opt, { max_lr = p.lr, epochs = p.epochs, steps_per_epoch = #loader })
    local criterion = nn.CrossEntropyLoss()
    local step = nn.compile(function(x, y)
      opt:zero_grad()
      local loss = criterion(model(mirror_some(x)), y)
      loss:backward()
      opt:step()
      return loss
    end)

    local begun = nn.time()
    for epoch = 1, p.epochs do
      local started, sum = nn.time(), 0
      model:train()
      for x, y in loader do
        sum = sum + step(x, y):item()
        schedule:step()
      end
      local line = ("epoch %d  loss %.4f"):format(epoch, sum / #loader)
      if valid then
        local v = nn.train.evaluate(model, valid:loader { batch_size = 1000 }, { metrics = { "accuracy" } })
        line = ("%s  valid_accuracy %.4f"):format(line, v.accuracy)
      end
      print(("%s  %.1f s"):format(line, nn.time() - started))
    end
    local seconds = nn.time() - begun
    local result = nn.train.evaluate(model, test:loader { batch_size = 1000 }, { metrics = { "accuracy" } })
    print(("test accuracy: %.4f after %.0f s of training"):format(result.accuracy, seconds))
    return { accuracy = result.accuracy, seconds = seconds, parameters = model:parameter_count() }
  end,
}
