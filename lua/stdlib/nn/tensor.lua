-- Tensor methods that are short compositions of rows.

local core = require "nn.core"

local M = {}
local methods = core.tensor_methods

---Cuts x into pieces along a dim: pieces of `size` (the last may be shorter), or of the sizes listed.
---@param x nn.Tensor
---@param size integer|integer[]
---@param dim? integer default 1
---@return nn.Tensor[] views
function M.split(x, size, dim)
  dim = dim or 1
  local total = x:size(dim)
  local sizes = size
  if type(size) ~= "table" then
    if math.type(size) ~= "integer" or size < 1 then
      core.raise(("split: the size must be a positive integer or a list of sizes, but is %s"):format(core.describe(size)))
    end
    sizes = {}
    for first = 1, total, size do
      sizes[#sizes + 1] = math.min(size, total - first + 1)
    end
  end
  local sum = 0
  for _, n in ipairs(sizes) do
    sum = sum + n
  end
  if sum ~= total then
    core.raise(("split: the sizes add up to %d, but dim %d of shape %s has %d"):format(sum, dim, tostring(x.shape), total))
  end
  local pieces, at = {}, 1
  for i, n in ipairs(sizes) do
    pieces[i] = x:narrow(dim, at, n)
    at = at + n
  end
  return pieces
end

---Cuts x into at most `count` pieces of equal size along a dim (the last may be shorter).
---@param x nn.Tensor
---@param count integer
---@param dim? integer default 1
---@return nn.Tensor[] views
function M.chunk(x, count, dim)
  if math.type(count) ~= "integer" or count < 1 then
    core.raise(("chunk: the count must be a positive integer, but is %s"):format(core.describe(count)))
  end
  local total = x:size(dim or 1)
  return M.split(x, math.max(1, (total + count - 1) // count), dim)
end

methods.split = M.split
methods.chunk = M.chunk

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

---Sets every element to 0.
function methods.zero_(x)
  return x:fill_(0)
end

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

return M
