-- Training steps of six programs of pytorch/examples, for workloads.lua; peer_examples.py has the same ones. The programs
-- themselves are in scripts/examples.

local nn = require "nn"
local step_of = require "step"

local M = {}

-- mnist, batch 64
function M.mnist()
  local model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
    nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(2))
  local x, y = nn.randn(64, 1, 28, 28), nn.randint(1, 11, { 64 })
  return step_of(model, nn.NLLLoss(), nn.optim.Adadelta(model:parameters(), { lr = 1 }), x, y)
end

-- word_language_model with an LSTM
function M.words()
  local Net = nn.Module:extend "Words"
  function Net:init()
    self.encoder, self.lstm, self.decoder = nn.Embedding(10000, 200), nn.LSTM(200, 200, { num_layers = 2, dropout = 0.2 }),
      nn.Linear(200, 10000)
    self.drop = nn.Dropout(0.2)
  end
  function Net:forward(x)
    return self.decoder(self.drop((self.lstm(self.drop(self.encoder(x)))))):reshape(-1, 10000)
  end
  local model = Net()
  local x, y = nn.randint(1, 10001, { 35, 20 }), nn.randint(1, 10001, { 700 })
  local criterion = nn.CrossEntropyLoss()
  return function() -- plain SGD by hand, with clipping, as there
    model:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    nn.optim.clip_grad_norm_(model:parameters(), 0.25)
    nn.no_grad(function()
      for _, p in ipairs(model:parameters()) do
        p:add_(p.grad * -0.05)
      end
    end)
    return loss
  end
end

-- dcgan, half as wide, batch 16
function M.gan()
  local function up(from, to, stride, padding)
    return nn.ConvTranspose2d(from, to, 4, stride, padding, { bias = false }), nn.BatchNorm2d(to), nn.ReLU()
  end
  local generator = nn.Sequential()
  for _, g in ipairs { { 100, 256, 1, 0 }, { 256, 128, 2, 1 }, { 128, 64, 2, 1 }, { 64, 32, 2, 1 } } do
    for _, layer in ipairs { up(table.unpack(g)) } do
      generator:add(layer)
    end
  end
  generator:add(nn.ConvTranspose2d(32, 3, 4, 2, 1, { bias = false })):add(nn.Tanh())
  local critic, from = nn.Sequential(nn.Conv2d(3, 32, 4, { stride = 2, padding = 1, bias = false }), nn.LeakyReLU(0.2)), 32
  for _, to in ipairs { 64, 128, 256 } do
    critic:add(nn.Conv2d(from, to, 4, { stride = 2, padding = 1, bias = false })):add(nn.BatchNorm2d(to)):add(nn.LeakyReLU(0.2))
    from = to
  end
  critic:add(nn.Conv2d(256, 1, 4, { bias = false })):add(nn.Sigmoid())
  local x, z, ones, zeros = nn.randn(16, 3, 64, 64), nn.randn(16, 100, 1, 1), nn.ones(16), nn.zeros(16)
  local loss = nn.BCELoss()
  local of_critic = nn.optim.Adam(critic:parameters(), { lr = 2e-4, betas = { 0.5, 0.999 } })
  local of_generator = nn.optim.Adam(generator:parameters(), { lr = 2e-4, betas = { 0.5, 0.999 } })
  return function()
    critic:zero_grad()
    loss(critic(x):reshape(-1), ones):backward()
    local fake = generator(z)
    loss(critic(fake:detach()):reshape(-1), zeros):backward()
    of_critic:step()
    generator:zero_grad()
    local deceived = loss(critic(fake):reshape(-1), ones)
    deceived:backward()
    of_generator:step()
    return deceived
  end
end

-- siamese_network: two images of each pair through one ResNet-18, batch 16.
function M.twins()
  local body = nn.models.resnet18 { in_channels = 1 }
  body.fc = nn.Identity()
  local head = nn.Sequential(nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 1))
  local params = body:parameters()
  table.move(head:parameters(), 1, 4, #params + 1, params)
  local opt, loss = nn.optim.Adadelta(params, { lr = 1 }), nn.BCELoss()
  local a, b, y = nn.randn(16, 1, 28, 28), nn.randn(16, 1, 28, 28), nn.arange(16):remainder(2):float()
  return function()
    opt:zero_grad()
    local l = loss(head(nn.cat({ body(a), body(b) }, 2)):sigmoid():squeeze(2), y)
    l:backward()
    opt:step()
    return l
  end
end

-- fast_neural_style: one picture of 64 x 64, features of VGG-16 with random weights.
function M.style()
  local Block = nn.Module:extend "Block"
  function Block:init(...)
    self.body = nn.Sequential(...)
  end
  function Block:forward(x)
    return self.body(x) + x
  end
  local net = nn.Sequential()
  local function conv(to, from, n, size, stride) -- padding by reflection
    to:add(nn.ReflectionPad2d(size // 2)):add(nn.Conv2d(from, n, size, stride))
  end
  local function normed(to, from, n, size, stride)
    conv(to, from, n, size, stride)
    to:add(nn.InstanceNorm2d(n, { affine = true })):add(nn.ReLU())
  end
  normed(net, 3, 32, 9, 1)
  normed(net, 32, 64, 3, 2)
  normed(net, 64, 128, 3, 2)
  for _ = 1, 5 do
    local body = nn.Sequential()
    normed(body, 128, 128, 3, 1)
    conv(body, 128, 128, 3, 1)
    net:add(Block(body:add(nn.InstanceNorm2d(128, { affine = true }))))
  end
  for _, from in ipairs { 128, 64 } do
    net:add(nn.Upsample { scale_factor = 2, mode = "nearest" })
    normed(net, from, from // 2, 3, 1)
  end
  conv(net, 32, 3, 9, 1)
  local stages, from = {}, 3
  for i, n in ipairs { 64, 128, 256, 512 } do
    stages[i] = i > 1 and nn.Sequential(nn.MaxPool2d(2)) or nn.Sequential()
    for _ = 1, i > 2 and 3 or 2 do
      stages[i]:add(nn.Conv2d(from, n, 3, { padding = 1, init = "he_normal" })):add(nn.ReLU())
      from = n
    end
    stages[i]:requires_grad_(false)
  end
  local mean, std = nn.tensor { 0.485, 0.456, 0.406 }:reshape(3, 1, 1), nn.tensor { 0.229, 0.224, 0.225 }:reshape(3, 1, 1)
  local function features(x)
    local out = {}
    x = (x / 255 - mean) / std
    for i, stage in ipairs(stages) do
      x = stage(x)
      out[i] = x
    end
    return out
  end
  local function gram(x)
    local n, channels, height, width = table.unpack(x.shape)
    x = x:reshape(n, channels, height * width)
    return x:bmm(x:transpose(2, 3)) / (channels * height * width)
  end
  local x, wanted = nn.rand(1, 3, 64, 64) * 255, {}
  nn.no_grad(function()
    for i, f in ipairs(features(nn.rand(1, 3, 64, 64) * 255)) do
      wanted[i] = gram(f)
    end
  end)
  local params = net:parameters()
  local opt = nn.optim.Adam(params, { lr = 1e-3 })
  return function()
    opt:zero_grad()
    local of_y, of_x = features(net(x)), features(x)
    local l = nn.mse_loss(of_y[2], of_x[2]) * 1e5
    for i, f in ipairs(of_y) do
      l = l + nn.mse_loss(gram(f), wanted[i]) * 1e10
    end
    l:backward()
    opt:step()
    return l
  end
end

-- word_language_model with its transformer.
function M.sentences()
  local Net = nn.Module:extend "Sentences"
  function Net:init()
    self.embedding = nn.Embedding(10000, 200)
    self.places = nn.PositionalEncoding(200, { dropout = 0.2 })
    self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(200, 2, 200, { dropout = 0.2 }), 2, nn.LayerNorm(200))
    self.decoder = nn.Linear(200, 10000)
  end
  function Net:forward(x)
    x = self.places(self.embedding(x) * math.sqrt(200))
    return self.decoder(self.encoder(x, { is_causal = true })):log_softmax(-1):reshape(-1, 10000)
  end
  local model = Net()
  for _, w in ipairs { model.embedding.weight, model.decoder.weight } do
    nn.init.uniform_(w, -0.1, 0.1)
  end
  local params = model:parameters()
  local x, y = nn.randint(1, 10001, { 35, 20 }), nn.randint(1, 10001, { 700 })
  local criterion, opt = nn.NLLLoss(), nn.optim.SGD(params, { lr = 0.05 })
  return function()
    opt:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    nn.optim.clip_grad_norm_(params, 0.25)
    opt:step()
    return loss
  end
end

return M
