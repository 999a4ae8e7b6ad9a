-- Healthy networks that were written after the thresholds were fixed; some verdicts were mended for them.

local H = require "patients.help"
local nn = require "nn"

local list = {}
local function healthy(name, make)
  list[#list + 1] = { name = name, make = make }
end
local ce, mse, case, mlp, sizes = H.ce, H.mse, H.case, H.mlp, H.sizes

local function attention_net(vocabulary, width, blocks)
  local Block = nn.Module:extend "Block"
  function Block:init()
    self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
    self.q, self.k, self.v, self.o = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
    self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
  end
  function Block:forward(x)
    local h = self.norm1(x)
    local weights = nn.softmax(self.q(h):bmm(self.k(h):transpose(2, 3)) / math.sqrt(width), 3)
    x = x + self.o(weights:bmm(self.v(h)))
    return x + self.down(nn.gelu(self.up(self.norm2(x))))
  end
  local Net = nn.Module:extend "Transformer"
  function Net:init()
    self.words, self.blocks = nn.Embedding(vocabulary, width), {}
    for i = 1, blocks do
      self.blocks[i] = Block()
    end
    self.out = nn.Linear(width, 2)
  end
  function Net:forward(x)
    local h = self.words(x)
    for _, b in ipairs(self.blocks) do
      h = b(h)
    end
    return self.out(h:mean(2))
  end
  return Net()
end
healthy("a transformer of three blocks", function(seed)
  return case(attention_net(301, 16, 3), H.tokens(seed, { vocabulary = 300 }), ce)
end)
healthy("a net of convolutions, all functional", function(seed)
  local net = H.module("LeNet", { a = nn.Conv2d(1, 6, 3), b = nn.Conv2d(6, 12, 3), c = nn.Linear(108, 32), d = nn.Linear(32, 3) },
    function(self, x)
      local h = nn.MaxPool2d(2)(nn.relu(self.a(x)))
      h = nn.relu(self.b(h)):flatten(2)
      return self.d(nn.relu(self.c(h)))
    end)
  return case(net, H.images(seed), ce)
end)
healthy("a deep autoencoder", function(seed)
  local x = H.classes(seed).x:matmul(nn.randn({ 16, 32 }, { generator = nn.Generator(seed) }) * 0.25)
  return case(mlp({ 32, 24, 12, 24, 32 }, nn.ELU), nn.data.tensors(x, x), mse)
end)
healthy("20 layers of SELU, LeCun's weights", function(seed)
  return case(mlp(sizes(16, 64, 20, 4), nn.SELU, { init = "lecun_normal" }), H.classes(seed), ce)
end)
healthy("highway layers", function(seed)
  local net = nn.Sequential(nn.Linear(16, 32), nn.Tanh())
  for _ = 1, 6 do
    net:add(nn.Highway(32))
  end
  return case(net:add(nn.Linear(32, 4)), H.classes(seed), ce)
end)
healthy("maxout", function(seed)
  local net = H.module("Max", { a = nn.Linear(16, 64), b = nn.Linear(32, 64), c = nn.Linear(32, 4) }, function(self, x)
    local h = self.a(x):reshape(#x, 32, 2):amax(3)
    return self.c(self.b(h):reshape(#x, 32, 2):amax(3))
  end)
  return case(net, H.classes(seed), ce)
end)
healthy("gated linear units", function(seed)
  local net = nn.Sequential(nn.Linear(16, 64), nn.GLU(), nn.Linear(32, 64), nn.GLU(), nn.Linear(32, 4))
  return case(net, H.classes(seed), ce)
end)
healthy("focal loss, rare class", function(seed)
  local d = H.classes(seed, { n = 1024 })
  return case(mlp({ 16, 32, 1 }, nn.ReLU), nn.data.tensors(d.x, d.x:narrow(2, 1, 2):sum(2, true):gt(2):float()), nn.FocalLoss())
end)
healthy("the sine of one input", function(seed)
  local d = nn.data.sines { n = 256, seed = seed }
  return case(mlp({ 1, 32, 32, 1 }, nn.Tanh, { init = "glorot_uniform" }), d, mse)
end)
healthy("forecasting a series from its last 20 values", function(seed)
  local t = nn.arange(1, 700):float()
  local s = (t / 7):sin() + (t / 23):sin() + nn.randn({ 699 }, { generator = nn.Generator(seed) }) * 0.3
  local rows = {}
  for i = 1, 20 do
    rows[i] = s:narrow(1, i, 640)
  end
  return case(mlp({ 20, 32, 1 }, nn.ReLU), nn.data.tensors(nn.stack(rows, 2), s:narrow(1, 21, 640):unsqueeze(2)), mse)
end)
healthy("counts, PoissonNLLLoss", function(seed)
  local d, g = H.numbers(seed), nn.Generator(seed)
  local rate = (d.y * 0.5):exp()
  local y = nn.zeros(512, 1)
  for _ = 1, 8 do
    y = y + nn.rand({ 512, 1 }, { generator = g }):lt((rate / 8):clamp(0, 1)):float()
  end
  return case(mlp({ 16, 32, 1 }, nn.ReLU), nn.data.tensors(d.x, y), nn.PoissonNLLLoss())
end)
healthy("half of the weights pruned", function(seed)
  local net = mlp({ 16, 64, 64, 4 }, nn.ReLU)
  nn.no_grad(function()
    for _, i in ipairs { 1, 3 } do
      net[i].weight:mul_(nn.rand(net[i].weight.shape[1], net[i].weight.shape[2]):gt(0.5):float() * 1.4)
    end
  end)
  return case(net, H.classes(seed), ce)
end)
healthy("an adapter of low rank that starts at 0", function(seed)
  local net = H.module("Adapted", { base = nn.Linear(16, 32), down = nn.Linear(16, 4), up = nn.Linear(4, 32), out = nn.Linear(32, 4) },
    function(self, x)
      return self.out(nn.relu(self.base(x) + self.up(self.down(x))))
    end)
  nn.init.zeros_(net.up.weight)
  nn.init.zeros_(net.up.bias)
  return case(net, H.classes(seed), ce)
end)
healthy("two towers that share their weights", function(seed)
  local net = H.module("Siamese", { a = nn.Linear(8, 32), b = nn.Linear(32, 16), out = nn.Linear(16, 2) }, function(self, x)
    local function tower(t)
      return self.b(nn.relu(self.a(t)))
    end
    return self.out((tower(x:narrow(2, 1, 8)) - tower(x:narrow(2, 9, 8))):square())
  end)
  local x = nn.randn({ 512, 16 }, { generator = nn.Generator(seed) })
  local near = (x:narrow(2, 1, 2) - x:narrow(2, 9, 2)):square():sum(2):lt(2.8)
  return case(net, nn.data.tensors(x, near:long() + 1), ce)
end)
healthy("numbers and flags side by side", function(seed)
  local d = H.classes(seed)
  local flags = d.x:narrow(2, 1, 8):gt(0.8):float()
  return case(mlp({ 16, 32, 4 }, nn.ReLU), nn.data.tensors(nn.cat({ flags, d.x:narrow(2, 9, 8) }, 2), d.y), ce)
end)
healthy("features with long tails", function(seed)
  local d = H.classes(seed)
  return case(mlp({ 16, 32, 4 }, nn.ReLU), nn.data.tensors(d.x * d.x:abs(), d.y), ce)
end)
healthy("a GRU over 30 steps", function(seed)
  return case(H.recurrent(nn.GRU(3, 32, { batch_first = true }), 32, 2), H.sequences(seed, 30), ce)
end)
healthy("a tagger: LSTM over 40 steps, loss at each", function(seed)
  local net = H.module("Tagger", { rnn = nn.LSTM(3, 24, { batch_first = true }), out = nn.Linear(24, 1) }, function(self, x)
    return self.out((self.rnn(x)))
  end)
  local d = H.sequences(seed, 40)
  return case(net, nn.data.tensors(d.x, d.x:narrow(3, 1, 1) * 0.7 + d.x:narrow(3, 2, 1) * 0.7), mse)
end)
healthy("30 convolutions with shortcuts and norms", function(seed)
  local net = nn.Sequential(nn.Conv2d(1, 6, 3, { padding = 1 }), nn.BatchNorm2d(6), nn.ReLU())
  for _ = 1, 14 do
    net:add(nn.Residual(nn.Conv2d(6, 6, 3, { padding = 1 }), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, { padding = 1 }),
      nn.BatchNorm2d(6))):add(nn.ReLU())
  end
  return case(net:add(nn.AdaptiveAvgPool2d(3)):add(nn.Flatten()):add(nn.Linear(54, 3)), H.images(seed, { n = 128 }), ce, { batch = 32 })
end)
healthy("hinge loss of two classes", function(seed)
  local d = H.classes(seed, { outputs = 2 })
  return case(mlp({ 16, 32, 1 }, nn.ReLU), nn.data.tensors(d.x, ((d.y - 1):float() * 2 - 1):unsqueeze(2)), nn.HingeLoss())
end)
healthy("in the middle of training with dropout and Adam", function(seed)
  local d, net = H.classes(seed), mlp(sizes(16, 64, 3, 4), nn.ReLU, { dropout = 0.3 })
  local opt = nn.optim.Adam(net:parameters(), { lr = 1e-3 })
  H.train(net, d, ce, opt, 80)
  return case(net, d, ce, { optimizer = opt })
end)
healthy("trained batch norm, small images", function(seed)
  local net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 32),
    nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
  local d = H.images(seed)
  H.train(net, d, ce, nn.optim.Adam(net:parameters(), { lr = 3e-3 }), 40)
  return case(net, d, ce)
end)
healthy("two thirds of the labels right, 300 samples", function(seed)
  local d, g = H.classes(seed, { n = 300 }), nn.Generator(seed + 9)
  local wrong = nn.rand({ 300 }, { generator = g }):lt(0.33)
  return case(mlp({ 16, 32, 4 }, nn.ReLU), nn.data.tensors(d.x, nn.where(wrong, nn.randint(1, 5, { 300 }, { generator = g }), d.y)),
    ce, { batch = 16 })
end)
healthy("parity of 6 bits", function(seed)
  local d = nn.data.parity { bits = 6, n = 512, seed = seed }
  return case(mlp({ 6, 64, 2 }, nn.ReLU), nn.data.tensors(d.x * 2 - 1, d.y), ce)
end)

return list
