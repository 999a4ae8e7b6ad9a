-- A small convolutional network on Fashion-MNIST: two convolutions, pooling, a classifier (after LeCun et al. 1998).
--
--   nnlua experiments/convnet.lua --channels 8,16 --samples 10000

local nn = require "nn"

return nn.experiment {
  name = "convnet", doc = "A small convolutional network on Fashion-MNIST",
  params = {
    channels = { { 8, 16 }, doc = "of the two convolutions", min = 1 }, kernel = { 5, choices = { 3, 5 } },
    lr = { 2e-3, min = 0 }, epochs = { 2, min = 1 }, batch_size = { 64, min = 1 },
    samples = { 20000, doc = "of the training set", min = 100, max = 60000 },
  },
  run = function(p, run)
    local train, test = nn.data.fashion_mnist { flatten = false, normalize = true }
    for _, part in ipairs { train, test } do
      part.x = part.x:unsqueeze(2) -- one channel
    end
    local a, b, pad = p.channels[1], p.channels[2] or p.channels[1], p.kernel // 2
    local model = nn.Sequential(
      nn.Conv2d(1, a, p.kernel, { padding = pad }), nn.ReLU(), nn.MaxPool2d(2),
      nn.Conv2d(a, b, p.kernel, { padding = pad }), nn.ReLU(), nn.MaxPool2d(2),
      nn.Flatten(), nn.Linear(b * 49, 64), nn.ReLU(), nn.Linear(64, 10))
    local fit = nn.train.fit {
      model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters(), { lr = p.lr }),
      train = train:range(1, p.samples):loader { batch_size = p.batch_size, shuffle = true },
      valid = test:range(1, 2000):loader { batch_size = 500 }, epochs = p.epochs, metrics = { "accuracy", { "top_k", k = 3 } },
      run = run, observe = true,
    }
    run:figure("filters", function(file)
      nn.plot.grid(model[1].weight:detach():squeeze(2), { file = file, title = "the first layer's kernels" })
    end)
    return { accuracy = fit.best.valid_accuracy, top_3 = fit.best.valid_top_3, parameters = model:parameter_count() }
  end,
}
