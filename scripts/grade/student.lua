local nn = require "nn"
nn.manual_seed(1)

function mean(list)
  local sum = 0
  for _, v in ipairs(list) do
    sum = sum + v
  end
  return sum / #list
end

local model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
local x = nn.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }:float()
local y = nn.tensor { { 0 }, { 0 }, { 0 }, { 1 } }:float()
local opt = nn.optim.Adam(model:parameters(), { lr = 0.1 })
for _ = 1, 300 do
  opt:zero_grad()
  nn.BCELoss()(model(x), y):backward()
  opt:step()
end

function neuron(input)
  return model(input)
end

print("Hello, " .. (io.read() or "nobody") .. "!")
