-- Shows: logistic regression cannot learn XOR, since no straight line separates its classes; a network with one hidden
-- layer of four units can.
--
--   ./nnlua scripts/xor.lua

local nn = require "nn"
nn.manual_seed(1)

local x = nn.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }:float()
local y = nn.tensor { { 0 }, { 1 }, { 1 }, { 0 } }:float()

local function learn(name, model)
  local loss_of = nn.BCEWithLogitsLoss()
  local opt = nn.optim.SGD(model:parameters(), { lr = 0.5, momentum = 0.9 })
  local loss
  for _ = 1, 2000 do
    opt:zero_grad()
    loss = loss_of(model(x), y)
    loss:backward()
    opt:step()
  end
  local p = nn.no_grad(function()
    return model(x):sigmoid()
  end)
  print(("%s: loss %.4f"):format(name, loss:item()))
  print "  x1  x2   xor   learned"
  local right = 0
  for i = 1, 4 do
    local said = p[{ i, 1 }]:item()
    local agrees = (said > 0.5) == (y[{ i, 1 }]:item() > 0.5)
    right = right + (agrees and 1 or 0)
    print(("   %d   %d     %d   %.3f  %s"):format(x[{ i, 1 }]:item(), x[{ i, 2 }]:item(), y[{ i, 1 }]:item(), said,
      agrees and "right" or "wrong"))
  end
  return right
end

local straight = learn("logistic regression", nn.Linear(2, 1))
local bent = learn("network 2-4-1", nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)))
print(("logistic regression gets %d of 4 right, the network %d of 4"):format(straight, bent))
