-- 100,000 models are made, trained for one step and dropped: resident memory stays where it was after the first tenth.
--   ./nnlua tests/long/models.lua [models]

local nn = require "nn"

local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s+(%d+)"
    if kb then
      return tonumber(kb) / 1024
    end
  end
end

local n = tonumber(arg[1] or 100000)
local x, y, mse = nn.randn(8, 4), nn.randn(8, 2), nn.MSELoss()
local Net = nn.Module:extend "Net"
function Net:init()
  self.inner = nn.Linear(4, 4)
  self.f = function(v)
    return self.inner(v)
  end
end
function Net:forward(v)
  return self.f(v)
end

local first
for i = 1, n do
  local net = nn.Sequential(Net(), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.1), nn.LSTMCell(4, 3), nn.Linear(3, 2))
  local opt = nn.optim.Adam(net:parameters(), { lr = 0.1 })
  if i % 2 == 0 then
    net[1]:register_forward_hook(function(_, out)
      return net.training and out or nil
    end)
  end
  mse(net(x), y):backward()
  opt:step()
  if i == n // 10 then
    first = resident()
  end
end
print(("%d models: %.1f MB resident after a tenth, %.1f MB at the end"):format(n, first, resident()))
os.exit(resident() < first + 4)
