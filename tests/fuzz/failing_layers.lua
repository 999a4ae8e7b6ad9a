-- Each layer of the table is made, called and gone back through while the n-th request for memory fails, for n = 1, 2, 3, ...
-- until nothing fails: an error that says memory each time, and nothing is left behind. A process of its own, whose heap is
-- small: at each failure the collector goes through all of it.
--   ./nnlua tests/fuzz/failing_layers.lua

package.path = "tests/lua/?.lua;" .. package.path
local nn = require "nn"
local cases = require "layer_cases"
local core = require "nn.core"

local points = 0

local function settle()
  collectgarbage()
  collectgarbage()
  return nn.memory().live
end

cases.each(function(entry)
  local inputs = cases.inputs(entry, cases.make(entry))
  local function use()
    local object = cases.make(entry)
    local y = inputs and object(table.unpack(inputs))
    if y and y.requires_grad then
      y:sum():backward()
    end
  end
  use()
  local before = settle()
  for n = 1, math.huge do
    core.fail_memory_at(n)
    local ok, why = pcall(use)
    core.fail_memory_at(0)
    nn.set_grad_enabled(true)
    if ok then
      points = points + n
      break
    elseif not tostring(why):find "memory" then
      error(("%s, failure at request %d: %s"):format(entry.name, n, why))
    end
  end
  local left = settle() - before
  if left ~= 0 then
    error(("%s: %d bytes are left behind"):format(entry.name, left))
  end
end)
print(points .. " failures, nothing left behind")
