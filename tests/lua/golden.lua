-- Reads the golden data: JSON made by the scripts in tests/golden.

local nn = require "nn"
local core = require "nn.core"

local M = {}

function M.read(name)
  local f = assert(io.open("tests/golden/" .. name .. ".json"))
  local data = assert(core.json_decode(f:read "a"))
  f:close()
  return data
end

---The cases of ops, by op: what make.py ("ops"), make_more_ops.py ("more_ops") make_conv.py ("conv") and make_nets.py ("nets") made, or all.
function M.ops(which)
  local by_op = {}
  for _, name in ipairs(which and { which } or { "ops", "more_ops", "conv", "nets" }) do
    for _, c in ipairs(M.read(name).cases) do
      by_op[c.op] = by_op[c.op] or {}
      table.insert(by_op[c.op], c)
    end
  end
  return by_op
end

-- nan without a sign: that of 0/0 differs between processors
local words = { inf = math.huge, ["-inf"] = -math.huge, nan = (string.unpack("<d", "\0\0\0\0\0\0\xf8\x7f")) }

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

---An argument that is no tensor.
function M.value(v)
  if v ~= "nil" then
    return words[v] or v
  end
end

---An op's results as a list, also of an op that gives a list.
function M.results(...)
  local first = ...
  return type(first) == "table" and first or { ... }
end

---An op, or a function of nn that is written in Lua.
M.functions = setmetatable({}, {
  __index = function(_, name)
    return core[name] or nn[name]
  end,
})

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
