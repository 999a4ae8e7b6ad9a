-- The workloads that are timed: one training step each. peer_torch.py, peer_sklearn.py and peer_kann.c build the same
-- ones, under the same names. E1 to E6 are programs of pytorch/examples (examples.lua).

local nn = require "nn"
local examples = require "examples"

local M = {}

M.step_of = require "step"

---A multi-layer perceptron: widths {784, 256, 10}, `between` makes what stands behind each hidden Linear.
function M.mlp(widths, between)
  local model = nn.Sequential()
  for i = 2, #widths do
    model:add(nn.Linear(widths[i - 1], widths[i]))
    if i < #widths then
      for _, layer in ipairs { between(widths[i]) } do
        model:add(layer)
      end
    end
  end
  return model
end

local function classifier(widths, batch, between, optimizer)
  local model = M.mlp(widths, between)
  local x, y = nn.randn(batch, widths[1]), nn.randint(1, widths[#widths] + 1, { batch })
  return M.step_of(model, nn.CrossEntropyLoss(), optimizer(model:parameters()), x, y)
end

local function deep(activation, optimizer)
  local model = nn.Sequential()
  for _ = 1, 32 do
    model:add(nn.Linear(64, 64)):add(activation())
  end
  local x, y = nn.randn(32, 64), nn.randn(32, 64)
  return M.step_of(model, nn.MSELoss(), optimizer(model:parameters()), x, y)
end

local function momentum(p)
  return nn.optim.SGD(p, { lr = 0.01, momentum = 0.9 })
end

local function images(model, batch, channels, size)
  local x, y = nn.randn(batch, channels, size, size), nn.randint(1, 11, { batch })
  return M.step_of(model, nn.CrossEntropyLoss(), momentum(model:parameters()), x, y)
end

-- A recurrent layer, and a linear one behind its last output.
local function sequence(layer)
  local head = nn.Linear(128, 10)
  local params = layer:parameters()
  for _, p in ipairs(head:parameters()) do
    params[#params + 1] = p
  end
  local x, y = nn.randn(50, 32, 64), nn.randint(1, 11, { 32 })
  return M.step_of(function(input)
    return head((layer(input))[-1])
  end, nn.CrossEntropyLoss(), nn.optim.Adam(params), x, y)
end

-- steps: how many make a sample of some tens of milliseconds; bound: what the compiled and the eager step's ratio to
-- PyTorch should not exceed.
local function relu()
  return nn.ReLU()
end

M.list = {
  { name = "W1", title = "XOR 2-8-1 tanh, batch 4, SGD", steps = 4000, bound = { 0.0052, 0.07 }, make = function()
    local model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    local x = nn.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }:float()
    local y = nn.tensor { { 0 }, { 1 }, { 1 }, { 0 } }:float()
    return M.step_of(model, nn.BCEWithLogitsLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }), x, y)
  end },
  { name = "W2", title = "784-256-128-10 ReLU, batch 128, momentum", steps = 30, bound = { 0.426, 0.47 }, make = function()
    return classifier({ 784, 256, 128, 10 }, 128, relu, momentum)
  end },
  { name = "W3", title = "784-512-512-256-10 norm, dropout, Adam", steps = 8, bound = { 0.352, 0.44 }, make = function()
    return classifier({ 784, 512, 512, 256, 10 }, 128, function(n)
      return nn.BatchNorm1d(n), nn.ReLU(), nn.Dropout(0.5)
    end, nn.optim.Adam)
  end },
  { name = "W4", title = "1024-4096-4096-10 ReLU, batch 512, mom.", steps = 1, rounds = 3, bound = { 0.376, 0.388 },
    make = function()
      return classifier({ 1024, 4096, 4096, 10 }, 512, relu, momentum)
    end },
  { name = "W5", title = "32 layers of 64 tanh, batch 32, SGD", steps = 80, bound = { 0.117, 0.212 }, make = function()
    return deep(nn.Tanh, function(p) return nn.optim.SGD(p, { lr = 0.01 }) end)
  end },
  { name = "W5b", title = "32 layers of 64 ELU, batch 32, Adam", steps = 60, bound = { 0.0863, 0.164 }, make = function()
    return deep(nn.ELU, nn.optim.Adam)
  end },
  { name = "W7", title = "logistic regression 64-1, batch 32, SGD", steps = 4000, bound = { 0.0088, 0.07 },
    make = function()
      local model = nn.Linear(64, 1)
      local x, y = nn.randn(32, 64), nn.rand(32, 1):gt(0.5):float()
      return M.step_of(model, nn.BCEWithLogitsLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }), x, y)
    end },
  { name = "W6", title = "LeNet-5 on 28x28, batch 64, momentum", steps = 20, bound = { 0.45, 0.55 }, make = function()
    local model = nn.Sequential(nn.Conv2d(1, 6, 5, { padding = 2 }), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
      nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return images(model, 64, 1, 28)
  end },
  { name = "W8", title = "conv blocks 32-64-128, 3x32x32, batch 64", steps = 2, rounds = 7, bound = { 0.60, 0.65 },
    make = function()
      local model, from = nn.Sequential(), 3
      for _, to in ipairs { 32, 64, 128 } do
        model:add(nn.Conv2d(from, to, 3, { padding = 1 })):add(nn.BatchNorm2d(to)):add(nn.ReLU()):add(nn.MaxPool2d(2))
        from = to
      end
      return images(model:add(nn.Flatten()):add(nn.Linear(2048, 10)), 64, 3, 32)
    end },
  { name = "W9", title = "LSTM 64-128, 50 steps, batch 32, Adam", steps = 4, bound = { 0.60, 0.70 }, make = function()
    return sequence(nn.LSTM(64, 128))
  end },
  { name = "W10", title = "GRU 64-128, 50 steps, batch 32, Adam", steps = 4, bound = { 0.45, 0.60 }, make = function()
    return sequence(nn.GRU(64, 128))
  end },
  { name = "W11", title = "RNN 64-128, 50 steps, batch 32, Adam", steps = 10, bound = { 0.45, 0.60 }, make = function()
    return sequence(nn.RNN(64, 128))
  end },
  { name = "W12", title = "transformer block of 128, 64 x 16, AdamW", steps = 4, bound = { 0.50, 0.60 }, make = function()
    local model = nn.TransformerEncoderLayer(128, 4, { dim_feedforward = 512, batch_first = true })
    local x, y = nn.randn(16, 64, 128), nn.randn(16, 64, 128)
    return M.step_of(model, nn.MSELoss(), nn.optim.AdamW(model:parameters()), x, y)
  end },
  { name = "W13", title = "depthwise and 1x1, 32 to 64, batch 32", steps = 4, rounds = 7, bound = { 0.60, 0.65 },
    make = function()
      local model = nn.Sequential(nn.Conv2d(32, 32, 3, { padding = 1, groups = 32 }), nn.ReLU(), nn.Conv2d(32, 64, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
      return images(model, 32, 32, 32)
    end },
  { name = "E1", title = "examples/mnist, batch 64, Adadelta", steps = 1, rounds = 7, bound = { 0.7, 0.7 }, make = examples.mnist },
  { name = "E2", title = "examples/word_language_model, LSTM", steps = 1, rounds = 7, bound = { 0.7, 0.7 }, make = examples.words },
  { name = "E3", title = "examples/dcgan, half as wide", steps = 1, rounds = 7, bound = { 0.7, 0.7 }, make = examples.gan },
  { name = "E4", title = "examples/siamese_network, batch 16", steps = 1, rounds = 7, bound = { 0.7, 0.7 }, make = examples.twins },
  { name = "E5", title = "examples/fast_neural_style, 64 x 64", steps = 1, rounds = 7, bound = { 0.7, 0.7 }, make = examples.style },
  { name = "E6", title = "examples/word_language_model, transformer", steps = 1, rounds = 7, bound = { 0.7, 0.7 },
    make = examples.sentences },
}

---The workloads of these names, "W6 E1", in the order of the list; all when none is named.
---@param names string
---@return table[]
function M.choose(names)
  local wanted, chosen = {}, {}
  for name in names:gmatch "%S+" do
    wanted[name] = true
  end
  for _, w in ipairs(M.list) do
    if next(wanted) == nil or wanted[w.name] then
      chosen[#chosen + 1] = w
    end
  end
  for name in names:gmatch "%S+" do
    for _, w in ipairs(chosen) do
      wanted[name] = wanted[name] and w.name ~= name
    end
    assert(not wanted[name], ("there is no workload %s; see tests/bench/workloads.lua"):format(name))
  end
  return chosen
end

---A network for the growth tables: `depth` hidden layers of `width`, ReLU, SGD.
function M.grown(batch, width, depth)
  local model, n = nn.Sequential(), 64
  for _ = 1, depth do
    model:add(nn.Linear(n, width)):add(nn.ReLU())
    n = width
  end
  model:add(nn.Linear(n, 10))
  local x, y = nn.randn(batch, 64), nn.randint(1, 11, { batch })
  return M.step_of(model, nn.CrossEntropyLoss(), nn.optim.SGD(model:parameters(), { lr = 0.001 }), x, y)
end

return M
