-- Tensor methods that are short compositions of ops.

local core = require "nn.core"

local contract = require "nn.internal.contract"

local methods = core.tensor_methods

local function is_tensor(v)
  return core.is_tensor(v)
end

---Gives the tensor as float32; itself, where it is one.
---@return nn.Tensor
---example:
---  > nn.tensor({1, 2}):float()
---  tensor([1., 2.], shape=2, float32)
---see: x:double, x:long, nn.Module:to
function methods.float(self)
  return self:to("float32")
end
---Gives the tensor as float64; itself, where it is one.
---@return nn.Tensor
---example:
---  > nn.tensor({1, 2}):double()
---  tensor([1., 2.], shape=2, float64)
---see: x:float, x:long
function methods.double(self)
  return self:to("float64")
end
---Gives the tensor as int64, without the digits after the point, e.g. for labels; itself, where it is one.
---@return nn.Tensor
---example:
---  > nn.tensor({1.7, -1.7}):long()
---  tensor([ 1, -1], shape=2, int64)
---see: x:float, nn.round
function methods.long(self)
  return self:to("int64")
end
---Gives the tensor as uint8, integers from 0 to 255, e.g. for images; itself, where it is one.
---@return nn.Tensor
---example:
---  > nn.tensor({0.0, 255.0}):byte()
---  tensor([  0, 255], shape=2, uint8)
---see: x:long, x:bool
function methods.byte(self)
  return self:to("uint8")
end
---Gives the tensor as bool: false where it is 0; itself, where it is one.
---@return nn.Tensor
---example:
---  > nn.tensor({0, 2}):bool()
---  tensor([false,  true], shape=2, bool)
---see: x:long, nn.ne
function methods.bool(self)
  return self:to("bool")
end

---Tells whether two tensors are nearly equal: |x - y| <= atol + rtol |y| everywhere. Gives a boolean, not a tensor. Arguments
---after y are those of isclose, whose defaults hold.
---@param y nn.Tensor|number
---@return boolean
---example:
---  > nn.tensor({1.0, 2.0}):allclose(nn.tensor {1.0, 2.000001})
---  true
---see: nn.isclose, x:equal
function methods.allclose(self, y, ...)
  return core.isclose(self, y, ...):all():item()
end

---Sets every element to 0, in place.
---@return nn.Tensor x
---example:
---  > nn.ones(2):zero_()
---  tensor([0., 0.], shape=2, float32)
---see: nn.init.zeros_, nn.zeros
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
