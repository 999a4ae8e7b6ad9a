-- Networks that nothing ails, of many kinds. Each is made anew for every seed: {name, make(seed)}.

local H = require "patients.help"
local nn = require "nn"

local list = {}
local function healthy(name, make)
  list[#list + 1] = { name = name, make = make }
end
local ce, mse, case, mlp, sizes = H.ce, H.mse, H.case, H.mlp, H.sizes

-- ---- fresh networks of each activation ----

for _, a in ipairs {
  { "ReLU", "he_normal", 4 }, { "Tanh", "glorot_uniform", 5 }, { "ELU", "he_normal", 5 }, { "GELU", "he_normal", 4 },
  { "SiLU", "he_normal", 4 }, { "LeakyReLU", "he_normal", 6 }, { "SELU", "lecun_normal", 8 }, { "Mish", "he_normal", 4 },
  { "Softplus", "glorot_uniform", 2 }, { "PReLU", "he_normal", 4 }, { "Softsign", "glorot_uniform", 3 },
  { "Hardswish", "he_normal", 3 }, { "Hardtanh", "glorot_uniform", 3 },
} do
  healthy(("%d layers of %s"):format(a[3], a[1]), function(seed)
    return case(mlp(sizes(16, 32, a[3], 4), nn[a[1]], { init = a[2] }), H.classes(seed), ce)
  end)
end
healthy("one hidden layer of sigmoids", function(seed)
  return case(mlp({ 16, 24, 4 }, nn.Sigmoid, { init = "glorot_normal" }), H.classes(seed), ce)
end)
healthy("default initialization, ReLU", function(seed)
  return case(nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)), H.classes(seed), ce)
end)
healthy("softmax regression", function(seed)
  return case(nn.Sequential(nn.Linear(16, 4)), H.classes(seed), ce)
end)
healthy("linear regression", function(seed)
  return case(nn.Linear(16, 1), H.numbers(seed), mse)
end)
healthy("a narrow net of 8 units", function(seed)
  return case(mlp({ 16, 8, 8, 4 }, nn.ReLU), H.classes(seed), ce)
end)
healthy("a wide net of 256 units", function(seed)
  return case(mlp({ 16, 256, 256, 4 }, nn.ReLU), H.classes(seed), ce)
end)
healthy("10 layers of ReLU, He", function(seed)
  return case(mlp(sizes(16, 64, 10, 4), nn.ReLU), H.classes(seed), ce)
end)
healthy("12 layers with batch norm", function(seed)
  return case(mlp(sizes(16, 32, 12, 4), nn.ReLU, { norm = nn.BatchNorm1d }), H.classes(seed), ce)
end)
healthy("sigmoids with batch norm", function(seed)
  return case(mlp(sizes(16, 32, 4, 4), nn.Sigmoid, { norm = nn.BatchNorm1d, init = "glorot_normal" }), H.classes(seed), ce)
end)
healthy("layer norm and GELU", function(seed)
  return case(mlp(sizes(16, 32, 4, 4), nn.GELU, { norm = nn.LayerNorm }), H.classes(seed), ce)
end)
healthy("dropout 0.5", function(seed)
  return case(mlp(sizes(16, 64, 2, 4), nn.ReLU, { dropout = 0.5 }), H.classes(seed), ce)
end)
healthy("dropout 0.8 in a wide layer", function(seed)
  return case(mlp(sizes(16, 256, 1, 4), nn.ReLU, { dropout = 0.8 }), H.classes(seed), ce)
end)
healthy("functional ReLU", function(seed)
  local net = H.module("Functional", { a = nn.Linear(16, 32), b = nn.Linear(32, 32), c = nn.Linear(32, 4) }, function(self, x)
    return self.c(nn.relu(self.b(nn.relu(self.a(x)))))
  end)
  return case(net, H.classes(seed), ce)
end)
healthy("float64", function(seed)
  local d = H.classes(seed)
  return case(mlp({ 16, 32, 32, 4 }, nn.Tanh, { init = "glorot_uniform" }):to "float64", nn.data.tensors(d.x:to "float64", d.y), ce)
end)

-- ---- zeros and equal weights that do no harm ----

healthy("a last layer that starts at 0", function(seed)
  return case(mlp(sizes(16, 32, 4, 4), nn.ReLU, { last = "zeros" }), H.classes(seed), ce)
end)
healthy("a first layer at 0, the next random", function(seed)
  local net = mlp({ 16, 32, 4 }, nn.Tanh, { init = "glorot_uniform" })
  nn.init.zeros_(net[1].weight)
  return case(net, H.classes(seed), ce)
end)
healthy("equal weights, random biases", function(seed)
  local net = mlp({ 16, 32, 32, 4 }, nn.Tanh, { init = "glorot_uniform" })
  nn.init.constant_(net[3].weight, 0.1)
  nn.init.normal_(net[3].bias, 0, 0.5)
  return case(net, H.classes(seed), ce)
end)
healthy("residual blocks whose last layer starts at 0", function(seed)
  local net = nn.Sequential(nn.Linear(16, 32))
  for _ = 1, 6 do
    local second = nn.Linear(32, 32)
    nn.init.zeros_(second.weight)
    net:add(nn.Residual(nn.LayerNorm(32), nn.Linear(32, 32), nn.ReLU(), second))
  end
  return case(net:add(nn.LayerNorm(32)):add(nn.Linear(32, 4)), H.classes(seed), ce)
end)

-- ---- inputs ----

healthy("an embedding of token numbers", function(seed)
  local net = nn.Sequential(nn.Embedding(501, 16), nn.Flatten(), nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 2))
  return case(net, H.tokens(seed), ce)
end)
healthy("the mean of embeddings", function(seed)
  local net = H.module("Bag", { words = nn.Embedding(2001, 32), out = nn.Linear(32, 2) }, function(self, x)
    return self.out(self.words(x):mean(2))
  end)
  return case(net, H.tokens(seed, { vocabulary = 2000, n = 1024 }), ce)
end)
healthy("one-hot inputs", function(seed)
  local g = nn.Generator(seed)
  local k = nn.randint(1, 3001, { 1024 }, { generator = g })
  local x = nn.one_hot(k, 3000):to "float32"
  return case(mlp({ 3000, 32, 3 }, nn.ReLU), nn.data.tensors(x, (k / 1000):ceil():clamp(1, 3):long()), ce)
end)
healthy("inputs between 0 and 1", function(seed)
  local d = H.classes(seed)
  return case(mlp({ 16, 32, 32, 4 }, nn.ReLU), nn.data.tensors(d.x:sigmoid(), d.y), ce)
end)
healthy("pixels that are seldom lit", function(seed)
  local g = nn.Generator(seed)
  local y = nn.randint(1, 4, { 512 }, { generator = g })
  local rate = nn.rand({ 3, 64 }, { generator = g }):pow(4)
  local x = nn.rand({ 512, 64 }, { generator = g }):lt(rate:index_select(1, y)):to "float32"
    * (nn.rand({ 512, 64 }, { generator = g }) * 0.5 + 0.5)
  return case(mlp({ 64, 32, 3 }, nn.ReLU), nn.data.tensors(x, y), ce)
end)
healthy("features of deviations 0.3 to 3", function(seed)
  local d = H.classes(seed)
  return case(mlp({ 16, 32, 32, 4 }, nn.ReLU), nn.data.tensors(d.x * (nn.linspace(-0.5, 0.5, 16) * math.log(10)):exp(), d.y), ce)
end)

-- ---- data ----

for _, name in ipairs { "xor", "spirals", "moons", "circles", "checkerboard" } do
  healthy("the data set " .. name, function(seed)
    local d = nn.data[name] { n = 512, seed = seed }
    return case(mlp({ 2, 32, 32, 2 }, nn.ReLU), d, ce)
  end)
end
healthy("a fifth of the labels wrong", function(seed)
  local d, g = H.classes(seed, { n = 1024 }), nn.Generator(seed + 100)
  local wrong = nn.rand({ 1024 }, { generator = g }):lt(0.2)
  return case(mlp({ 16, 32, 4 }, nn.ReLU), nn.data.tensors(d.x, nn.where(wrong, nn.randint(1, 5, { 1024 }, { generator = g }), d.y)), ce)
end)
healthy("batches of 8, 128 samples", function(seed)
  return case(mlp({ 16, 32, 4 }, nn.ReLU), H.classes(seed, { n = 128 }), ce, { batch = 8 })
end)
healthy("8 batches of 8", function(seed)
  return case(mlp({ 8, 32, 2 }, nn.ReLU), H.classes(seed, { n = 64, features = 8, outputs = 2 }), ce, { batch = 8 })
end)
healthy("rare classes, 9 to 1", function(seed)
  local d = H.classes(seed, { n = 1024, outputs = 2 })
  local rank = d.x:narrow(2, 1, 3):sum(2)
  return case(mlp({ 16, 32, 2 }, nn.ReLU), nn.data.tensors(d.x, rank:gt(2.2):long() + 1), ce)
end)
healthy("a hundred classes", function(seed)
  local d = nn.data.blobs { n = 1024, classes = 100, features = 16, seed = seed, spread = 1.5, std = 0.5 }
  return case(mlp({ 16, 64, 100 }, nn.ReLU), d, ce)
end)

healthy("the sign of a product of two of ten features", function(seed)
  local x = nn.randn({ 1500, 10 }, { generator = nn.Generator(seed) })
  return case(mlp({ 10, 64, 64, 2 }, nn.ReLU), nn.data.tensors(x, (x:select(2, 2) * x:select(2, 7)):gt(0):long() + 1), ce)
end)
healthy("the same, of 500 samples", function(seed)
  local x = nn.randn({ 500, 10 }, { generator = nn.Generator(seed) })
  return case(mlp({ 10, 64, 64, 2 }, nn.ReLU), nn.data.tensors(x, (x:select(2, 2) * x:select(2, 7)):gt(0):long() + 1), ce)
end)
healthy("two features of 40 count", function(seed)
  local x = nn.randn({ 512, 40 }, { generator = nn.Generator(seed) })
  return case(mlp({ 40, 32, 2 }, nn.Tanh), nn.data.tensors(x, (x:select(2, 2) + x:select(2, 7)):gt(0):long() + 1), ce)
end)
healthy("which of two words comes first", function(seed)
  local g = nn.Generator(seed)
  local x = nn.randint(3, 20, { 1024, 6 }, { generator = g })
  local swap = nn.rand({ 1024 }, { generator = g }):gt(0.5):long()
  x:narrow(2, 2, 1):copy_((swap + 1):unsqueeze(2))
  x:narrow(2, 5, 1):copy_((2 - swap):unsqueeze(2))
  local net = nn.Sequential(nn.Embedding(20, 16), nn.Flatten(), nn.Linear(96, 32), nn.ReLU(), nn.Linear(32, 2))
  return case(net, nn.data.tensors(x, swap + 1), ce)
end)

-- ---- losses ----

healthy("regression", function(seed)
  return case(mlp({ 16, 32, 32, 1 }, nn.ReLU), H.numbers(seed), mse)
end)
healthy("regression of three numbers, Huber", function(seed)
  return case(mlp({ 16, 32, 32, 3 }, nn.Tanh, { init = "glorot_uniform" }), H.numbers(seed, { outputs = 3 }), nn.HuberLoss())
end)
healthy("log-softmax and NLLLoss", function(seed)
  return case(mlp({ 16, 32, 4 }, nn.ReLU):add(nn.LogSoftmax(2)), H.classes(seed), nn.NLLLoss())
end)
healthy("sigmoid and BCELoss", function(seed)
  local d = H.classes(seed, { outputs = 2 })
  return case(mlp({ 16, 32, 1 }, nn.ReLU):add(nn.Sigmoid()), nn.data.tensors(d.x, (d.y - 1):to("float32"):unsqueeze(2)), nn.BCELoss())
end)
healthy("BCEWithLogitsLoss", function(seed)
  local d = H.classes(seed, { outputs = 2 })
  return case(mlp({ 16, 32, 1 }, nn.ReLU), nn.data.tensors(d.x, (d.y - 1):to("float32"):unsqueeze(2)), nn.BCEWithLogitsLoss())
end)
healthy("tanh output, targets within -1 .. 1", function(seed)
  local d = H.numbers(seed)
  return case(mlp({ 16, 32, 1 }, nn.ReLU):add(nn.Tanh()), nn.data.tensors(d.x, (d.y * 0.8):tanh()), mse)
end)
healthy("an autoencoder with a linear bottleneck", function(seed)
  local x = H.classes(seed).x:matmul(nn.randn({ 16, 32 }, { generator = nn.Generator(seed) }) * 0.25)
  return case(nn.Sequential(nn.Linear(32, 8), nn.Linear(8, 32)), nn.data.tensors(x, x), mse)
end)
healthy("a loss that is a function", function(seed)
  return case(mlp({ 16, 32, 1 }, nn.ReLU), H.numbers(seed), function(out, y)
    return (out - y):abs():mean()
  end)
end)

-- ---- convolutions ----

local function conv_net(channels, norm)
  local net = nn.Sequential(nn.Conv2d(channels, 8, 3, { padding = 1 }))
  if norm then
    net:add(nn.BatchNorm2d(8))
  end
  return net:add(nn.ReLU()):add(nn.MaxPool2d(2)):add(nn.Conv2d(8, 16, 3, { padding = 1 })):add(nn.ReLU()):add(nn.MaxPool2d(2))
    :add(nn.Flatten()):add(nn.Linear(144, 3))
end
healthy("a convolutional net", function(seed)
  return case(conv_net(1), H.images(seed), ce)
end)
healthy("convolutions with batch norm, 3 channels", function(seed)
  return case(conv_net(3, true), H.images(seed, { channels = 3 }), ce)
end)
healthy("convolutions by depth, then by point", function(seed)
  local net = nn.Sequential(nn.Conv2d(1, 8, 3, { padding = 1 }), nn.ReLU(), nn.Conv2d(8, 8, 3, { padding = 1, groups = 8 }),
    nn.Conv2d(8, 16, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(144, 3))
  return case(net, H.images(seed), ce)
end)
healthy("convolutions in one dim", function(seed)
  local d = H.sequences(seed, 16)
  local x = d.x:transpose(2, 3):contiguous()
  local net = nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Conv1d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 2))
  return case(net, nn.data.tensors(x, d.y), ce)
end)
healthy("20 residual blocks", function(seed)
  local net = nn.Sequential(nn.Linear(16, 32))
  for _ = 1, 20 do
    net:add(nn.Residual(nn.LayerNorm(32), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32)))
  end
  return case(net:add(nn.LayerNorm(32)):add(nn.Linear(32, 4)), H.classes(seed), ce)
end)
healthy("residual blocks of convolutions", function(seed)
  local net = nn.Sequential(nn.Conv2d(1, 8, 3, { padding = 1 }), nn.ReLU())
  for _ = 1, 4 do
    net:add(nn.Residual(nn.Conv2d(8, 8, 3, { padding = 1 }), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, { padding = 1 }),
      nn.BatchNorm2d(8)))
  end
  return case(net:add(nn.MaxPool2d(4)):add(nn.Flatten()):add(nn.Linear(72, 3)), H.images(seed), ce)
end)

-- ---- sequences ----

healthy("an Elman net over 10 steps, orthogonal", function(seed)
  return case(H.recurrent(H.orthogonal(nn.RNN(3, 24, { batch_first = true })), 24, 2), H.sequences(seed, 10), ce)
end)
healthy("an Elman net over 30 steps, orthogonal", function(seed)
  return case(H.recurrent(H.orthogonal(nn.RNN(3, 48, { batch_first = true })), 48, 2), H.sequences(seed, 30), ce)
end)
healthy("an LSTM over 8 steps", function(seed)
  return case(H.recurrent(nn.LSTM(3, 24, { batch_first = true }), 24, 2), H.sequences(seed, 8), ce)
end)
healthy("an LSTM over 40 steps, open gates", function(seed)
  local rnn = nn.LSTM(3, 24, { batch_first = true })
  nn.no_grad(function()
    rnn.bias_ih_l1:narrow(1, 25, 24):fill_(3)
  end)
  return case(H.recurrent(rnn, 24, 2), H.sequences(seed, 40), ce)
end)
healthy("a GRU over 12 steps, all outputs", function(seed)
  local net = H.module("Tagger", { rnn = nn.GRU(3, 24, { batch_first = true }), out = nn.Linear(24, 1) }, function(self, x)
    return self.out((self.rnn(x)))
  end)
  local d = H.sequences(seed, 12)
  return case(net, nn.data.tensors(d.x, d.x:narrow(3, 1, 1):cumsum(2) * 0.3), mse)
end)
healthy("an RNN cell that is called 12 times", function(seed)
  local net = H.module("Cells", { cell = H.orthogonal(nn.RNNCell(3, 24)), out = nn.Linear(24, 2) }, function(self, x)
    local h
    for t = 1, x:size(2) do
      h = self.cell(x:select(2, t), h)
    end
    return self.out(h)
  end)
  return case(net, H.sequences(seed, 12), ce)
end)

-- ---- while and after training ----

for _, t in ipairs {
  { "SGD 0.05", "SGD", { lr = 0.05 } }, { "SGD 0.01 with momentum", "SGD", { lr = 0.01, momentum = 0.9 } },
  { "Adam 1e-3", "Adam", { lr = 1e-3 } }, { "AdamW 3e-3", "AdamW", { lr = 3e-3 } }, { "RMSprop 1e-3", "RMSprop", { lr = 1e-3 } },
  { "Adam 2e-4", "Adam", { lr = 2e-4 } },
} do
  healthy("with " .. t[1], function(seed)
    local d, net = H.classes(seed), mlp({ 16, 64, 64, 4 }, nn.ReLU)
    return case(net, d, ce, { optimizer = nn.optim[t[2]](net:parameters(), t[3]) })
  end)
end
healthy("watched over 60 steps of Adam", function(seed)
  local d, net = H.classes(seed), mlp({ 16, 64, 64, 4 }, nn.ReLU)
  local watch = nn.diagnose.watch(net)
  H.train(net, d, ce, nn.optim.Adam(net:parameters(), { lr = 2e-3 }), 60, { watch = watch })
  return case(net, d, ce, { watch = watch })
end)
healthy("trained to the end", function(seed)
  local d, net = H.classes(seed, { n = 256 }), mlp({ 16, 64, 64, 4 }, nn.ReLU)
  local opt = nn.optim.Adam(net:parameters(), { lr = 3e-3 })
  H.train(net, d, ce, opt, 300)
  return case(net, d, ce, { optimizer = opt })
end)
for _, t in ipairs { { "SGD 0.05", 0.05, 600 }, { "SGD 0.1", 0.1, 600 } } do
  healthy("trained to the end with " .. t[1], function(seed)
    local d, net = H.classes(seed, { n = 256 }), mlp({ 16, 64, 64, 4 }, nn.ReLU)
    local opt = nn.optim.SGD(net:parameters(), { lr = t[2], momentum = 0.9 })
    H.train(net, d, ce, opt, t[3])
    return case(net, d, ce, { optimizer = opt })
  end)
end
healthy("softmax regression at its optimum", function(seed)
  local d, net = H.classes(seed), nn.Sequential(nn.Linear(16, 4))
  H.train(net, d, ce, nn.optim.Adam(net:parameters(), { lr = 0.02 }), 300)
  return case(net, d, ce)
end)
healthy("a trained regression", function(seed)
  local d, net = H.numbers(seed), mlp({ 16, 32, 32, 1 }, nn.ReLU)
  H.train(net, d, mse, nn.optim.Adam(net:parameters(), { lr = 3e-3 }), 200)
  return case(net, d, mse)
end)
healthy("a trained convolutional net", function(seed)
  local d, net = H.images(seed), conv_net(1)
  H.train(net, d, ce, nn.optim.Adam(net:parameters(), { lr = 3e-3 }), 40)
  return case(net, d, ce)
end)

return list
