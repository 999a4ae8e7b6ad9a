-- Convolutional and recurrent nets are no MLPs: the same task, the same size.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "37_no_mlps",
  title = "Convolutional and recurrent nets", slide = "Activation functions", tools = "nn.Conv2d, nn.MaxPool2d, nn.LSTM, nn.GRU",
  says = "MLP is fully connected feed-forward neural network (FNN). Convolutional NNs are only partially connected, recurrent NNs have feedback loops (No MLPs!).",
  does = "Images: an MLP and a convolutional net of about the same number of weights. Sequences: an MLP over the whole sequence and an LSTM and a GRU of about the same number, on a task that needs memory (the first symbol is to be named at the end).",
  params = {
    epochs = { 12, small = 2 },
    length = { 20, small = 10 },
    n = { 1500, small = 600 },
  },
  run = function(p)
    local train, _, test = L.images(L.size(3000, 500), 0, L.size(2000, 500))
    local function images(d) return nn.data.tensors(d.x:reshape(-1, 1, 28, 28), d.y) end
    local epochs = p.epochs
    local rows, acc = {}, {}
    nn.manual_seed(1)
    local mlp = nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10))
    nn.manual_seed(1)
    local cnn = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, { padding = 1 }), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 56), nn.ReLU(), nn.Linear(56, 10))
    for _, c in ipairs { { "MLP 784-12-10", mlp }, { "convolutional", cnn } } do
      L.fit(c[2], images(train), { optimizer = nn.optim.Adam(c[2]:parameters(), { lr = 3e-3 }), epochs = epochs })
      acc[c[1]] = L.accuracy(c[2], images(test))
      rows[#rows + 1] = { "images", c[1], (c[2]:parameter_count()), acc[c[1]] }
    end
    -- sequences: which of two symbols came first; the rest is noise
    local length, n = p.length, p.n
    local function sequences(seed)
      local g = nn.Generator(seed)
      local x = nn.randn({ n, length, 2 }, { generator = g }) * 0.5
      local y = nn.randint(1, 3, { n }, { generator = g })
      x[{ {}, 1, 1 }] = (y * 2 - 3):to "float32"
      return nn.data.tensors(x, y)
    end
    local Last = nn.Module:extend "Last"
    function Last:init(layer, hidden) self.layer, self.out = layer, nn.Linear(hidden, 2) end
    function Last:forward(x) return self.out((self.layer(x)):select(2, -1)) end
    local sets = { sequences(1), sequences(2) }
    local hidden = 12
    for _, c in ipairs { { "MLP", nn.Sequential(nn.Flatten(), nn.Linear(2 * length, L.size(18, 30)), nn.Tanh(), nn.Linear(L.size(18, 30), 2)) }, { "RNN", Last(nn.RNN(2, 24, { batch_first = true }), 24) },
      { "LSTM", Last(nn.LSTM(2, hidden, { batch_first = true }), hidden) }, { "GRU", Last(nn.GRU(2, 14, { batch_first = true }), 14) } } do
      L.fit(c[2], sets[1], { optimizer = nn.optim.Adam(c[2]:parameters(), { lr = 1e-2 }), epochs = L.size(25, 8) })
      acc[c[1]] = L.accuracy(c[2], sets[2])
      rows[#rows + 1] = { "sequences", c[1], (c[2]:parameter_count()), acc[c[1]] }
    end
    L.table({ "task", "net", "weights", "test accuracy" }, rows)
    L.picture("grid", cnn[2].weight:detach():squeeze(2), { title = "The 8 filters of the first convolution", across = 8 })
    L.check(math.max(acc.LSTM, acc.GRU) > 0.8, "a gated recurrent net remembers the first symbol")
    L.finding("with about %d weights each the MLP gets %.1f%% of the images and the convolutional net %.1f%%; on sequences the MLP gets %.0f%%, the RNN %.0f%%, the LSTM %.0f%% and the GRU %.0f%%", (mlp:parameter_count()), 100 * acc["MLP 784-12-10"],
      100 * acc.convolutional, 100 * acc.MLP, 100 * acc.RNN, 100 * acc.LSTM, 100 * acc.GRU)
  end,
}
