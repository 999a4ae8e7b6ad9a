-- Optimizers side by side on one task: the same net, the same start, the same batches. An experiment that runs experiments.
--
--   nnlua experiments/optimizers.lua --seed 2

local nn = require "nn"

local one = nn.experiment {
  name = "one", doc = "One optimizer on two spirals",
  params = {
    optimizer = { "Adam", choices = { "SGD", "Momentum", "Nesterov", "RMSprop", "Adagrad", "Adam", "NAdam" } },
    lr = { 0.01, min = 0 }, epochs = { 60, min = 1 }, width = { 32, min = 1 },
  },
  run = function(p, run)
    local data = nn.data.spirals { n = 400, noise = 0.1 }
    local train, valid = data:split(0.75)
    local model = nn.Sequential(nn.Linear(2, p.width), nn.Tanh(), nn.Linear(p.width, p.width), nn.Tanh(), nn.Linear(p.width, 2))
    local names = { Momentum = "SGD", Nesterov = "SGD" }
    local options = { lr = p.lr, momentum = names[p.optimizer] and 0.9 or nil, nesterov = p.optimizer == "Nesterov" or nil }
    local fit = nn.train.fit {
      model = model, loss = nn.CrossEntropyLoss(), epochs = p.epochs, metrics = { "accuracy" }, progress = "none", run = run,
      optimizer = nn.optim[names[p.optimizer] or p.optimizer](model:parameters(), options),
      train = train:loader { batch_size = 20, shuffle = true }, valid = valid:loader { batch_size = 100 },
    }
    return { accuracy = fit.best.valid_accuracy, loss = fit.history[#fit.history].loss }
  end,
}

return nn.experiment {
  name = "optimizers", doc = "Which optimizer learns two spirals, each at the best of its learning rates",
  params = { epochs = { 60, min = 1 }, rates = { { 0.001, 0.01, 0.1 }, doc = "learning rates that each may try", min = 0 } },
  run = function(p, run)
    local result = {}
    for _, name in ipairs(one.params.optimizer.choices) do
      local best
      for _, lr in ipairs(p.rates) do
        local ok, r = pcall(one, { optimizer = name, lr = lr, epochs = p.epochs, seed = p.seed }) -- some rates are too large
        if ok and (not best or r.loss < best.loss) then
          best = { loss = r.loss, accuracy = r.accuracy, lr = lr }
        end
      end
      if best then
        run:log { optimizer = name, loss = best.loss, accuracy = best.accuracy, lr = best.lr }
        print(("%-9s accuracy %.3f  loss %.4f  at lr %g"):format(name, best.accuracy, best.loss, best.lr))
        result[name] = best.accuracy
      end
    end
    return result
  end,
}
