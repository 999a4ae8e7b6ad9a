-- A multilayer perceptron on Fashion-MNIST (Xiao et al. 2017). About 0.88 after 5 epochs.
--
--   nnlua experiments/mlp.lua --hidden 256,128 --dropout 0.2

local nn = require "nn"

return nn.experiment {
  name = "mlp", doc = "A multilayer perceptron on Fashion-MNIST",
  params = {
    hidden = { { 256, 128 }, doc = "units of the hidden layers", min = 1 },
    activation = { "ReLU", choices = { "ReLU", "Tanh", "Sigmoid", "GELU" } },
    dropout = { 0.0, doc = "share of units that is dropped", min = 0, max = 0.95 },
    batch_norm = { false, doc = "batch norm before each activation" },
    lr = { 1e-3, doc = "learning rate of Adam", min = 0 },
    weight_decay = { 0.0, min = 0 },
    batch_size = { 128, min = 1 },
    epochs = { 5, min = 1 },
    samples = { 60000, doc = "of the training set", min = 100, max = 60000 },
  },
  run = function(p, run)
    local train, test = nn.data.fashion_mnist { normalize = true }
    local model, width = nn.Sequential(), 784
    for _, units in ipairs(p.hidden) do
      model:append(nn.Linear(width, units, { init = "he_normal" }))
      if p.batch_norm then
        model:append(nn.BatchNorm1d(units))
      end
      model:append(nn[p.activation]())
      if p.dropout > 0 then
        model:append(nn.Dropout(p.dropout))
      end
      width = units
    end
    model:append(nn.Linear(width, 10))
    local fit = nn.train.fit {
      model = model, loss = nn.CrossEntropyLoss(),
      optimizer = nn.optim.AdamW(model:parameters(), { lr = p.lr, weight_decay = p.weight_decay }),
      train = train:range(1, p.samples):loader { batch_size = p.batch_size, shuffle = true },
      valid = test:loader { batch_size = 1000 }, epochs = p.epochs, metrics = { "accuracy" }, run = run, observe = true,
    }
    run:figure("curves", function(file)
      local train_loss, valid_loss = {}, {}
      for i, row in ipairs(fit.history) do
        train_loss[i], valid_loss[i] = row.loss, row.valid_loss
      end
      nn.plot.line({ { y = train_loss, label = "training" }, { y = valid_loss, label = "validation" } },
        { file = file, xlabel = "epoch", ylabel = "cross-entropy" })
    end)
    return { accuracy = fit.best.valid_accuracy, loss = fit.best.valid_loss, parameters = model:parameter_count() }
  end,
}
