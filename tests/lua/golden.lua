-- Reads the golden data: JSON made by tests/golden/make.py.

local nn = require "nn"
local core = require "nn.core"

local M = {}

function M.read(name)
  local f = assert(io.open("tests/golden/" .. name .. ".json"))
  local data = assert(core.json_decode(f:read "a"))
  f:close()
  return data
end

local words = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }

---A tensor from {dtype, shape, data}.
function M.tensor(t)
  local values = {}
  for i, v in ipairs(t.data) do
    values[i] = words[v] or v
    if t.dtype == "bool" then
      values[i] = v ~= 0
    end
  end
  return nn.tensor(values, { dtype = t.dtype }):reshape(t.shape)
end

M.words = words

---The largest difference, relative to the larger of 1 and the wanted value; inf and nan must stand at the same places.
function M.difference(got, want)
  local worst = 0
  local a, b = got:reshape(-1):totable(), want:reshape(-1):totable()
  for i = 1, #b do
    local x, y = a[i], b[i]
    if type(y) == "boolean" then
      worst = x == y and worst or math.huge
    elseif y ~= y then
      worst = x ~= x and worst or math.huge
    elseif y == math.huge or y == -math.huge then
      worst = x == y and worst or math.huge
    else
      local d = math.abs(x - y) / math.max(1, math.abs(y))
      worst = (d ~= d) and math.huge or math.max(worst, d)
    end
  end
  return worst
end

return M
