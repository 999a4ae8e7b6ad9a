-- Layers. Names, meaning and defaults are PyTorch's.

local core = require "nn.core"
local module = require "nn.module"
local options = require "nn.options"

local Module = module.Module
local M = {}

-- What a layer got, when it is no tensor.
local function want_tensor(self, x)
  if not module.is_tensor(x) then
    core.raise(("%s: the input must be a tensor, but is %s"):format(tostring(self):match "^[^\n]-%)" or self._name,
      core.describe(x)))
  end
end

-- ---- Linear ----

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

local linear = core.linear
function Linear:forward(x)
  if not module.is_tensor(x) then
    want_tensor(self, x)
  end
  local n = x.ndim
  if n == 0 or x:size(n) ~= self.in_features then
    local hint = ""
    if n > 2 and x:numel() == x:size(1) * self.in_features then
      hint = "; flatten it first, e.g. x:flatten(2)"
    elseif n > 0 and x:numel() == self.in_features then
      hint = "; flatten it first, e.g. x:flatten()"
    end
    core.raise(("Linear(%s): input has %s in its last dim (shape %s)%s"):format(self:extra(),
      n == 0 and "no features" or x:size(n) .. " features", tostring(x.shape), hint))
  end
  return linear(x, self.weight, self.bias)
end

-- ---- activations and other layers without parameters ----

local function elementwise(name, f)
  local Layer = Module:extend(name)
  function Layer:forward(x)
    if not module.is_tensor(x) then
      want_tensor(self, x)
    end
    return f(x)
  end
  M[name] = Layer
end

elementwise("ReLU", core.relu)
elementwise("Tanh", core.tanh)
elementwise("Sigmoid", core.sigmoid)
elementwise("Identity", function(x)
  return x
end)

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

---While training, sets each element to 0 with probability p and scales the others by 1/(1-p) (Srivastava et al. 2014).
local Dropout = Module:extend "Dropout"
M.Dropout = Dropout

---@param p? number default 0.5
function Dropout:init(p)
  self.p = options.argument("Dropout", "p", p or 0.5, "number", 0)
  if self.p > 1 then
    core.raise(("Dropout: p is a probability, at most 1, but is %g"):format(self.p))
  end
end

function Dropout:extra()
  return ("%g"):format(self.p)
end

function Dropout:forward(x)
  want_tensor(self, x)
  if not self.training or self.p == 0 then
    return x
  end
  return core.dropout(x, self.p)
end

-- ---- Sequential ----

---Layers one after another: net[1] is the first, #net their number, net:add(layer) appends.
---@class nn.Sequential: nn.Module
local Sequential = Module:extend "Sequential"
M.Sequential = Sequential

-- Things that can stand in a Sequential: modules, and plain functions.
local function check_layer(i, layer)
  if type(layer) == "table" and not module.is_module(layer) and rawget(layer, "_is_module_class") then
    core.raise(("Sequential: layer %d is the class %s, not a layer; call it: nn.%s(...)"):format(i, layer._name, layer._name))
  end
  if not module.is_module(layer) and type(layer) ~= "function" then
    core.raise(("Sequential: layer %d must be a layer, but is %s"):format(i, core.describe(layer)))
  end
end

function Sequential:init(...)
  local list = { ... }
  local n = select("#", ...)
  if n == 1 and type(list[1]) == "table" and not getmetatable(list[1]) then
    list = list[1]
    n = #list
  end
  for i = 1, n do
    check_layer(i, list[i])
    self[i] = list[i]
  end
end

---Appends a layer.
function Sequential:add(layer)
  check_layer(#self + 1, layer)
  self[#self + 1] = layer
  return self
end

function Sequential:forward(x)
  for i = 1, #self do
    x = self[i](x)
  end
  return x
end

return M
