-- An epoch of Fashion-MNIST with loader, shuffling and accuracy, ours by nn.train.fit, beside PyTorch's by hand.

local nn = require "nn"
local stats = require "stats"
local workloads = require "workloads"

local M = {}

local nets = {
  { "plain", "784-256-128-10, momentum, batch 128", 0.40 / 1.2, function()
    local model = workloads.mlp({ 784, 256, 128, 10 }, function()
      return nn.ReLU()
    end)
    return model, nn.optim.SGD(model:parameters(), { lr = 0.01, momentum = 0.9 })
  end },
  { "norm", "784-512-512-256-10, batch norm, dropout, Adam", 1.7 / 4.75, function()
    local model = workloads.mlp({ 784, 512, 512, 256, 10 }, function(n)
      return nn.BatchNorm1d(n), nn.ReLU(), nn.Dropout(0.5)
    end)
    return model, nn.optim.Adam(model:parameters())
  end },
}

---Prints a table and gives {name = {ours = {...}, torch = {...}}}. torch: the peer, or nil.
function M.run(torch, rounds)
  if not nn.data.has_fashion_mnist() then
    print "\nno epochs: Fashion-MNIST is not here; apt-get install dataset-fashion-mnist"
    return {}
  end
  local train = nn.data.fashion_mnist()
  print(("\nAn epoch of Fashion-MNIST (60,000 samples, shuffled, with accuracy), one thread, seconds\n\n%-52s%-24s%-24s%s"):format(
    "", "nn.train.fit", "PyTorch", "ratio (wanted)"))
  local report = {}
  for _, net in ipairs(nets) do
    local name, title, bound, make = table.unpack(net)
    nn.manual_seed(1)
    local model, opt = make()
    local ours, theirs = {}, {}
    nn.train.fit {
      model = model, loss = nn.CrossEntropyLoss(), optimizer = opt, train = train:loader { batch_size = 128, shuffle = true },
      epochs = rounds, metrics = { "accuracy" }, progress = "none", on_epoch = function(row)
        table.insert(ours, row.seconds)
        if torch then
          table.insert(theirs, torch:time("epoch:" .. name, 1) / 1e6)
        end
      end,
    }
    print(("%-52s%-24s%-24s%s"):format(title, stats.spread(ours), stats.spread(theirs),
      stats.bounded(stats.ratio(ours, torch and theirs), bound)))
    report[name] = { ours = ours, torch = theirs }
  end
  return report
end

return M
