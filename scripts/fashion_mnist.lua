-- Shows: a plain network of two hidden layers learns Fashion-MNIST to about 88% in 5 epochs and some seconds.
--
--   ./nnlua scripts/fashion_mnist.lua [--epochs 5] [--batch 128] [--lr 1e-3] [--hidden 256,128]
--
-- 784-256-128-10, ReLU, Adam; inputs are normalized by the training set's mean and deviation. The learning rate falls
-- evenly from epoch to epoch, so that the last steps are small ones.

local nn = require "nn"

-- The command line: --name value.
local settings = { epochs = "5", batch = "128", lr = "1e-3", hidden = "256,128" }
do
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(%w+)$"
    if not settings[name] or not arg[i + 1] then
      io.stderr:write(("unknown option, or one without a value: %s\nusage: %s [--epochs 5] [--batch 128] [--lr 1e-3] "
        .. "[--hidden 256,128]\n"):format(arg[i], arg[0]))
      os.exit(1)
    end
    settings[name] = arg[i + 1]
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
