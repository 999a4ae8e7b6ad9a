-- Memory that runs out in the middle of a call with an effect: a write in place happens once or not at all, a draw that failed has
-- drawn nothing. A process of its own, whose heap is small: at each failure the collector goes through all of it.
--   ./nnlua tests/fuzz/failing_effects.lua

local nn = require "nn"
local core = require "nn.core"

local wrong, points = 0, 0

local function check(right, what, n)
  points = points + 1
  if not right then
    wrong = wrong + 1
    print(("%s, failure at request %d"):format(what, n))
  end
end

-- f(...) while the n-th request fails.
local function failing(n, f, ...)
  core.fail_memory_at(n)
  local ok, value = pcall(f, ...)
  core.fail_memory_at(0)
  return ok, value
end

local weight, ones, double = nn.Parameter(nn.ones(4)), nn.ones(4), nn.ones(4):double()
for what, f in pairs {
  ["a number"] = function(y) y:add_(1) end,
  ["a tensor with a gradient"] = function(y) y:add_(weight) end,
  ["a tensor of another dtype"] = function(y) y:add_(double) end,
  ["a view"] = function(y) y[{ { 1, 2 } }]:add_(1) end,
  ["an assignment"] = function(y) y[{ { 1, 2 } }] = y[{ { 1, 2 } }] + 1 end,
  ["a form in place that is composed"] = function(y) y:lerp_(ones, 1.0) end,
} do
  for n = 1, 60 do
    local y = nn.zeros(4)
    failing(n, f, y)
    local largest = y:detach():max():item()
    check(largest == 0 or largest == 1, what, n)
  end
end

local x, layer = nn.ones(50), nn.Dropout(0.5)
nn.manual_seed(3)
local want, next_draw = nn.dropout(x, 0.5):clone(), nn.rand(3)
for what, f in pairs { ["an op that draws"] = nn.dropout, ["a layer that draws"] = layer } do
  for n = 1, 60 do
    nn.manual_seed(3)
    local ok, y = failing(n, f, x)
    if ok then
      check(y:equal(want) and nn.rand(3):equal(next_draw), what, n)
    else
      check(nn.dropout(x, 0.5):equal(want), what .. ", the call after it", n)
    end
  end
end

print(("%d failures, %d wrong"):format(points, wrong))
os.exit(wrong == 0)
