-- nn.linalg: the ops of linear algebra under the names that NumPy and PyTorch have there.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

for name in ([[solve lstsq inv pinv det slogdet logdet cholesky cholesky_solve cholesky_inverse qr svd svdvals eigh eigvalsh
  eig eigvals lu matrix_rank matrix_norm cond solve_triangular matrix_exp matrix_power multi_dot cross diagonal
  outer tensordot matmul]]):gmatch "%S+" do
  M[name] = core[name]
end

---The p-norm of vectors: core's norm.
M.vector_norm = core.norm

---As NumPy's: of a vector (or of one dim) a vector_norm, of a matrix (or of two dims) a matrix_norm; without ord the
---2-norm of all elements.
---@param x nn.Tensor
---@param ord? number|string 2, 1, math.huge, "fro", "nuc", ...
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
---example:
---  > nn.linalg.norm(nn.tensor {3.0, 4.0})
---  tensor(5., float32)
---  > nn.linalg.norm(nn.tensor {{3.0, 0.0}, {0.0, 4.0}}, "nuc")
---  tensor(7., float32)
---see: nn.linalg.vector_norm, nn.linalg.matrix_norm, nn.norm
function M.norm(x, ord, dim, keepdim)
  if type(ord) == "table" then
    local o = options.read("norm", ord, { ord = { "any" }, dim = { "any" }, keepdim = { "boolean", false } })
    ord, dim, keepdim = o.ord, o.dim, o.keepdim
  end
  local dims = type(dim) == "table" and #dim or (dim and 1)
  if ord == nil then
    return core.norm(x, 2, dim, keepdim or false)
  end
  if dims == 2 or (not dims and x.ndim == 2) then
    local matrix = dim and core.moveaxis(x, dim, { -2, -1 }) or x
    local result = core.matrix_norm(matrix, ord, keepdim or false)
    return keepdim and dim and core.moveaxis(result, { -2, -1 }, dim) or result
  end
  if type(ord) ~= "number" then
    core.raise(("norm: ord %s is of matrices, but the tensor has shape %s%s"):format(core.describe(ord), tostring(x.shape),
      dim and " and one dim is named" or ""))
  end
  return core.norm(x, ord, dim, keepdim or false)
end

return options.namespace("nn.linalg", M)
