-- Overfitting, seen.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "27_overfitting",
  title = "Overfitting", slide = "Regularization in Deep Neural Networks", tools = "nn.train.fit with early_stopping, nn.regularize",
  says = "Overfitting is an issue in neural networks. Even more so in deep neural networks. Good regularization schemes needed.",
  does = "A net far larger than its 500 noisy training samples: training and validation loss by epoch, for three depths; what early stopping would have kept.",
  params = {
    n = { 500, small = 200 },
  },
  run = function(p)
    local n = p.n
    local all = nn.data.teacher { n = n + 2000, features = 20, hidden = 5, outputs = 3, classes = true, seed = 6 }
    local noisy = all.y:clone()
    local g = nn.Generator(3)
    local flip = nn.rand({ n + 2000 }, { generator = g }):lt(0.2)
    noisy = nn.where(flip, nn.randint(1, 4, { n + 2000 }, { generator = g }), noisy)
    local train, test = nn.data.tensors(all.x[{ { 1, n } }], noisy[{ { 1, n } }]), nn.data.tensors(all.x[{ { n + 1, n + 2000 } }], noisy[{ { n + 1, n + 2000 } }])
    local rows, shown = {}, nil
    for _, depth in ipairs { 1, 3, 5 } do
      nn.manual_seed(1)
      local sizes = { 20 }
      for i = 1, depth do
        sizes[i + 1] = 128
      end
      sizes[#sizes + 1] = 3
      local net = L.mlp(sizes)
      local run = L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 2e-3 }), epochs = L.size(60, 25), valid = test, batch = 32 })
      local best, at = math.huge, 0
      for e, row in ipairs(run.history) do
        if row.valid_loss < best then
          best, at = row.valid_loss, e
        end
      end
      local last = run.history[#run.history]
      rows[#rows + 1] = { depth, (net:parameter_count()), last.loss, last.valid_loss, best, at, last.accuracy, last.valid_accuracy }
      if depth == 3 then
        shown = run
      end
    end
    L.table({ "hidden layers", "weights", "loss: training", "validation", "best", "in epoch", "accuracy: training", "validation" }, rows)
    L.picture("line", { { y = L.history(shown, "loss"), label = "training" }, { y = L.history(shown, "valid_loss"), label = "validation" } },
      { title = "Loss with 3 hidden layers", xlabel = "epoch", ylabel = "loss", key = "top left" })
    L.check(rows[2][3] < 0.5 * rows[2][4], "training loss ends far below validation loss")
    L.check(rows[2][4] > rows[2][5] * 1.1, "validation loss rises again after its best epoch")
    L.finding("with 3 layers the training loss falls to %.2f while the validation loss falls to %.2f (epoch %d) and then rises to %.2f: the net learned the %d samples, noise included",
      rows[2][3], rows[2][5], rows[2][6], rows[2][4], n)
  end,
}
