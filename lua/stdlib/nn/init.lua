-- nn.init: initializers. Each fills a tensor in place and returns it. (nn itself is in ../nn.lua.)

local core = require "nn.core"

local M = {}

---fan_in and fan_out of a weight: its second and first dim, times the receptive field of the dims after.
---@param weight nn.Tensor
---@return integer fan_in, integer fan_out
function M.fans(weight)
  if weight.ndim < 2 then
    core.raise(("init: fan_in and fan_out need a weight of 2 or more dims, but its shape is %s"):format(tostring(weight.shape)))
  end
  local field = 1
  for d = 3, weight.ndim do
    field = field * weight:size(d)
  end
  return weight:size(2) * field, weight:size(1) * field
end

local function quietly(f, ...)
  return core.no_grad(f, ...)
end

---U(low, high).
function M.uniform_(t, low, high)
  return quietly(t.uniform_, t, low or 0, high or 1)
end

---N(mean, std^2).
function M.normal_(t, mean, std)
  return quietly(t.normal_, t, mean or 0, std or 1)
end

function M.constant_(t, value)
  return quietly(t.fill_, t, value)
end

function M.zeros_(t)
  return M.constant_(t, 0)
end

function M.ones_(t)
  return M.constant_(t, 1)
end

---U(-a, a) with a = sqrt(6 / (fan_in + fan_out)): Glorot & Bengio 2010, eq. 16.
function M.glorot_uniform_(t)
  local fan_in, fan_out = M.fans(t)
  local a = math.sqrt(6 / (fan_in + fan_out))
  return M.uniform_(t, -a, a)
end

---N(0, 2 / (fan_in + fan_out)): Glorot & Bengio 2010.
function M.glorot_normal_(t)
  local fan_in, fan_out = M.fans(t)
  return M.normal_(t, 0, math.sqrt(2 / (fan_in + fan_out)))
end

---U(-a, a) with a = sqrt(6 / fan_in), for ReLU: He et al. 2015.
function M.he_uniform_(t)
  local a = math.sqrt(6 / M.fans(t))
  return M.uniform_(t, -a, a)
end

---N(0, 2 / fan_in), for ReLU: He et al. 2015, eq. 10.
function M.he_normal_(t)
  return M.normal_(t, 0, math.sqrt(2 / M.fans(t)))
end

---PyTorch's default for linear layers: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
function M.default_linear_(t)
  local bound = 1 / math.sqrt(M.fans(t))
  return M.uniform_(t, -bound, bound)
end

---The initializer of a name such as "he_normal".
---@param who string for errors
---@param name string
function M.by_name(who, name)
  local f = M[name .. "_"]
  if f then
    return f
  end
  local names = {}
  for n in pairs(M) do
    names[#names + 1] = n:match "^(.*)_$"
  end
  table.sort(names)
  local near = core.nearest(name, names)
  core.raise(("%s: there is no initializer '%s'%s (there are %s)"):format(who, name,
    near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
end

return M
