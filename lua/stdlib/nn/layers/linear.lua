-- Linear, and layers that only pass on or flatten. Names, meaning and defaults are PyTorch's.

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"
local want_tensor = require("nn.layers.builtin").want_tensor

local Module = module.Module
local M = {}

---y = x W^T + b over the last dim. weight: out_features x in_features, bias: out_features; both drawn from
---U(-1/sqrt(in), 1/sqrt(in)), PyTorch's default (He et al. 2015 with a = sqrt(5)).
---@class nn.Linear: nn.Module
---@field weight nn.Tensor
---@field bias nn.Tensor|nil
local Linear = Module:extend "Linear"
M.Linear = Linear

---@param in_features integer
---@param out_features integer
---@param opts? {bias: boolean, init: string, dtype: string} init: the name of an initializer in nn.init for the weight
function Linear:init(in_features, out_features, opts)
  options.argument("Linear", "in_features", in_features, "integer", 1)
  options.argument("Linear", "out_features", out_features, "integer", 1)
  local o = options.read("Linear", opts, {
    bias = { "boolean", true }, init = { "string" }, dtype = { "string", "float32" },
  })
  self.in_features, self.out_features = in_features, out_features
  local init = require "nn.init"
  self.weight = core.Parameter(core.empty(out_features, in_features, { dtype = o.dtype }))
  init.by_name("Linear", o.init or "default_linear")(self.weight)
  if o.bias then
    self.bias = core.Parameter(core.empty(out_features, { dtype = o.dtype }))
    local bound = 1 / math.sqrt(in_features)
    init.uniform_(self.bias, -bound, bound)
  end
end

function Linear:extra()
  return ("%d, %d%s"):format(self.in_features, self.out_features, self.bias and "" or ", bias = false")
end

-- Says what is wrong with an input that linear would not take.
local function refuse(self, x)
  want_tensor(self, x)
  local n, hint = x.ndim, ("; it takes %d"):format(self.in_features)
  if n > 2 and x:numel() == x:size(1) * self.in_features then
    hint = "; flatten it first, e.g. x:flatten(2)"
  elseif n > 0 and x:numel() == self.in_features then
    hint = "; flatten it first, e.g. x:flatten()"
  end
  core.raise(("Linear(%s): input has %s in its last dim (shape %s)%s"):format(self:extra(),
    n == 0 and "no features" or x:size(n) .. " features", tostring(x.shape), hint))
end

local linear, has_features = core.linear, core.has_features
function Linear:forward(x)
  if not has_features(x, self.in_features) then
    refuse(self, x)
  end
  return linear(x, self.weight, self.bias)
end

---Gives its input back.
local Identity = Module:extend "Identity"
M.Identity = Identity

function Identity:forward(x)
  want_tensor(self, x)
  return x
end

---Joins dims start_dim .. end_dim into one; by default all but the first.
local Flatten = Module:extend "Flatten"
M.Flatten = Flatten

---@param start_dim? integer default 2
---@param end_dim? integer default -1
function Flatten:init(start_dim, end_dim)
  self.start_dim = options.argument("Flatten", "start_dim", start_dim or 2, "integer")
  self.end_dim = options.argument("Flatten", "end_dim", end_dim or -1, "integer")
end

function Flatten:extra()
  return (self.start_dim == 2 and self.end_dim == -1) and "" or ("%d, %d"):format(self.start_dim, self.end_dim)
end

function Flatten:forward(x)
  want_tensor(self, x)
  return x:flatten(self.start_dim, self.end_dim)
end

return M
