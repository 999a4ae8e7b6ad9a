-- Layers. Names, meaning and defaults are PyTorch's.

local core = require "nn.core"
local module = require "nn.module"
local options = require "nn.options"
local want_tensor = require("nn.layer").want_tensor

local Module = module.Module
local is_tensor = core.is_tensor
local M = {}

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

-- ---- activations and other layers without parameters ----

local function elementwise(name, f)
  local Layer = Module:extend(name)
  function Layer:forward(x)
    if not is_tensor(x) then
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

---x for x > 0, else alpha (exp(x) - 1): Clevert, Unterthiner & Hochreiter 2015.
local ELU = Module:extend "ELU"
M.ELU = ELU

---@param alpha? number default 1
function ELU:init(alpha)
  self.alpha = options.argument("ELU", "alpha", alpha or 1, "number")
end

function ELU:extra()
  return self.alpha == 1 and "" or ("%g"):format(self.alpha)
end

function ELU:forward(x)
  want_tensor(self, x)
  return core.elu(x, self.alpha)
end

-- ---- Sequential ----

---Layers one after another: net[1] is the first, #net their number, net:add(layer) appends.
---@class nn.Sequential: nn.Module
local Sequential = Module:extend "Sequential"
M.Sequential = Sequential

-- Things that can stand in a Sequential: modules, and plain functions.
local function check_layer(i, layer)
  if module.is_module_class(layer) then
    core.raise(("Sequential: layer %d is the class %s, not a layer; call it: nn.%s(...)"):format(i, layer._name, layer._name))
  end
  if not module.is_module(layer) and type(layer) ~= "function" then
    core.raise(("Sequential: layer %d must be a layer, but is %s"):format(i, core.describe(layer)))
  end
end

-- A place in the list gets a layer, or, at its end, nothing: holes would end the net early.
function Sequential:__set(key, value)
  if math.type(key) == "integer" then
    local n = #self
    if value ~= nil and key >= 1 and key <= n + 1 then
      check_layer(key, value)
    elseif value ~= nil or key ~= n and core.fields(self)[key] ~= nil then
      core.raise(("Sequential: there are %d layers, so net[%d] cannot be %s; net:add(layer) appends, table.remove(net, i) takes "
        .. "one out"):format(n, key, value == nil and "taken away" or "set"))
    end
  end
  core.set_field(self, key, value)
end

function Sequential:init(...)
  local list = { ... }
  local n = select("#", ...)
  if n == 1 and type(list[1]) == "table" and not getmetatable(list[1]) then
    list = list[1]
    n = #list
    for key in pairs(list) do
      if type(key) == "string" then
        core.raise(("Sequential: a layer is named '%s', but names in a Lua table have no order; list the layers: "
          .. "nn.Sequential(nn.Linear(4, 8), nn.ReLU())"):format(key))
      end
    end
  end
  for i = 1, n do
    check_layer(i, list[i])
    self[i] = list[i]
  end
end

---Appends a layer.
---@param layer any a module, or a function
function Sequential:add(layer)
  check_layer(#self + 1, layer)
  self[#self + 1] = layer
  return self
end

function Sequential:forward(x)
  local i, layer = 1, self[1]
  while layer do
    x = layer(x)
    i = i + 1
    layer = self[i]
  end
  return x
end

return M
