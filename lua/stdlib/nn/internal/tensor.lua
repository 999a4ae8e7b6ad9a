-- Tensor methods that are short compositions of ops.

local core = require "nn.core"

local contract = require "nn.internal.contract"

local methods = core.tensor_methods

local function is_tensor(v)
  return core.is_tensor(v)
end

function methods.float(self)
  return self:to("float32")
end
function methods.double(self)
  return self:to("float64")
end
function methods.long(self)
  return self:to("int64")
end
function methods.byte(self)
  return self:to("uint8")
end
function methods.bool(self)
  return self:to("bool")
end

---True (a boolean, not a tensor) if isclose holds everywhere.
---@param y nn.Tensor|number
---@return boolean
function methods.allclose(self, y, ...)
  return core.isclose(self, y, ...):all():item()
end

---Sets every element to 0.
function methods.zero_(self)
  local ok, result = core.try(self.fill_, self, 0)
  if not ok then
    error((tostring(result):gsub("fill_: ", "zero_: ", 1)), 0)
  end
  return result
end

core.set_tensor_hint(function(name)
  return require("nn.internal.names").answer("tensor", name)
end)

-- for i, row in pairs(x) do ... end: the slices of the first dim. (ipairs would go on until an index is nil, and there
-- is no such index: one beyond the end is an error.)
getmetatable(core.zeros(0)).__pairs = function(x)
  local n = #x
  return function(_, i)
    if i < n then
      return i + 1, x[i + 1]
    end
  end, x, 0
end

for _, name in ipairs { "float", "double", "long", "byte", "bool", "allclose", "zero_" } do
  methods[name] = contract.strict(name, methods[name], is_tensor)
end

return methods
