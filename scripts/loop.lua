-- Shows: the training of fashion_mnist.lua written by hand, with a layer of one's own in Lua.
--
--   ./nnlua scripts/loop.lua

local nn = require "nn"

-- A linear layer whose output is scaled by one learned number.
local Scaled = nn.Module:extend "Scaled"
function Scaled:init(n_in, n_out)
  self.linear = nn.Linear(n_in, n_out)
  self.scale = nn.Parameter(nn.ones(1))
end
function Scaled:forward(x)
  return self.linear(x) * self.scale
end

local train, test
if nn.data.has_fashion_mnist() then
  train, test = nn.data.fashion_mnist()
else
  train, test = nn.data.synthetic_images()
end
nn.data.normalize(train, test)

local model = nn.Sequential(Scaled(784, 256), nn.ReLU(), Scaled(256, 128), nn.ReLU(), nn.Linear(128, 10))
local criterion = nn.CrossEntropyLoss()
local opt = nn.optim.Adam(model:parameters(), { lr = 1e-3 })
local loader = train:loader { batch_size = 128, shuffle = true }

for epoch = 1, tonumber(arg[1] or 5) do
  for x, y in loader do
    opt:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    opt:step()
  end
  local right = nn.no_grad(function()
    return model(test.x):argmax(2):eq(test.y):sum():item()
  end)
  print(("epoch %d: test accuracy %.4f"):format(epoch, right / #test))
end
