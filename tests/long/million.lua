-- A million compiled steps: resident memory stays flat, and after the tenth step nothing is asked of the system.
--   ./nnlua tests/long/million.lua [steps]

local nn = require "nn"

local function resident()
  local f = assert(io.open "/proc/self/statm")
  local pages = f:read("a"):match "^%d+ (%d+)"
  f:close()
  return tonumber(pages) * 4096
end

local steps = math.tointeger(tonumber(arg[1] or 1000000))
nn.manual_seed(1)
local model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
local criterion, opt = nn.BCEWithLogitsLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 })
local step = nn.compile(function(x, y)
  opt:zero_grad()
  local loss = criterion(model(x), y)
  loss:backward()
  opt:step()
  return loss
end)
local x = nn.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }:float()
local y = nn.tensor { { 0 }, { 1 }, { 1 }, { 0 } }:float()
for _ = 1, 10 do
  step(x, y)
end
local asked = nn.memory().from_system
for _ = 1, 10000 do
  step(x, y)
end
local before, began = resident(), nn.time()
for _ = 1, steps do
  step(x, y)
end
local grown, seconds = resident() - before, nn.time() - began
local asks = nn.memory().from_system - asked
print(("%d steps: resident memory grew by %d kB to %d MB, the system was asked %d times, %.2f us a step, loss %.4f"):format(steps,
  grown // 1024, resident() // 1000000, asks, seconds / steps * 1e6, step(x, y):item()))
os.exit(grown < 1 << 20 and asks == 0)
