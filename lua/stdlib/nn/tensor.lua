-- Tensor methods that are short compositions of rows.

local core = require "nn.core"

local methods = core.tensor_methods

function methods.float(x)
  return x:to("float32")
end
function methods.double(x)
  return x:to("float64")
end
function methods.long(x)
  return x:to("int64")
end
function methods.byte(x)
  return x:to("uint8")
end
function methods.bool(x)
  return x:to("bool")
end

---True (a boolean, not a tensor) if isclose holds everywhere.
---@param x nn.Tensor
---@param y nn.Tensor|number
---@return boolean
function methods.allclose(x, y, ...)
  return core.isclose(x, y, ...):all():item()
end

---Sets every element to 0.
function methods.zero_(x)
  return x:fill_(0)
end

core.set_tensor_hint(function(name)
  return require("nn.names").answer("tensor", name)
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

return methods
