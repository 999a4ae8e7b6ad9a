-- The workloads that are timed. Each gives a function that does one training step, and how many steps make a sample of
-- some tens of milliseconds or more. peer_torch.py builds the same ones.

local nn = require "nn"

local M = {}

local function step_of(model, criterion, opt, x, y)
  return function()
    opt:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    opt:step()
    return loss
  end
end

---XOR: 2-8-1 tanh, full batch of 4, binary cross-entropy on logits, SGD.
function M.xor()
  local model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
  local x = nn.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }:float()
  local y = nn.tensor { { 0 }, { 1 }, { 1 }, { 0 } }:float()
  return step_of(model, nn.BCEWithLogitsLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }), x, y), 2000
end

---784-256-128-10 ReLU, batch 128, cross-entropy, SGD with momentum.
function M.mlp()
  local model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
  local x, y = nn.randn(128, 784), nn.randint(1, 11, { 128 })
  local opt = nn.optim.SGD(model:parameters(), { lr = 0.01, momentum = 0.9 })
  return step_of(model, nn.CrossEntropyLoss(), opt, x, y), 100
end

---32 layers of 64 tanh units, batch 32, mean squared error, SGD.
function M.deep()
  local model = nn.Sequential()
  for _ = 1, 32 do
    model:add(nn.Linear(64, 64)):add(nn.Tanh())
  end
  local x, y = nn.randn(32, 64), nn.randn(32, 64)
  return step_of(model, nn.MSELoss(), nn.optim.SGD(model:parameters(), { lr = 0.01 }), x, y), 100
end

M.order = { "xor", "mlp", "deep" }
M.titles = {
  xor = "2-8-1 XOR, batch 4, SGD",
  mlp = "784-256-128-10 ReLU, batch 128, momentum",
  deep = "32 layers of 64 tanh, batch 32, SGD",
}
M.bounds = { xor = 0.15, mlp = 0.6, deep = 0.4 } -- what the ratio to PyTorch should not exceed

return M
