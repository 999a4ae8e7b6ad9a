-- Blocks with a way around: gates and shortcuts, along which gradients pass unchanged.

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local function make_layer(who, given)
  if module.is_module_class(given) then
    return given()
  end
  if not module.is_module(given) and type(given) ~= "function" then
    core.raise(("%s: an activation must be a layer, but is %s"):format(who, core.describe(given)))
  end
  return given
end

---y = H(x) T(x) + x (1 - T(x)) with H(x) = activation(W x + b) and the gate T(x) = sigmoid(W_T x + b_T); the gate's bias
---starts at -1, so that a deep stack starts as (nearly) the identity: Srivastava, Greff & Schmidhuber 2015.
---@class nn.Highway: nn.Module
local Highway = module.Module:extend "Highway"
M.Highway = Highway

---@param features integer
---@param opts? {activation: nn.Module, gate_bias: number, init: string}
function Highway:init(features, opts)
  local o = options.read("Highway", opts, {
    activation = { "any" }, gate_bias = { "number", -1 }, init = { "string" },
  })
  local Linear, ReLU = require("nn.layers.linear").Linear, require("nn.layers.activations").ReLU
  self.features = features
  self.transform = Linear(features, features, { init = o.init })
  self.gate = Linear(features, features)
  core.no_grad(function()
    self.gate.bias:fill_(o.gate_bias)
  end)
  self.activation = make_layer("Highway", o.activation or ReLU())
end

function Highway:extra()
  return tostring(self.features)
end

function Highway:forward(x)
  local t = core.sigmoid(self.gate(x))
  return self.activation(self.transform(x)) * t + x * (1 - t)
end

---y = x + f(x), or projection(x) + f(x): He et al. 2016.
---@class nn.Residual: nn.Module
local Residual = module.Module:extend "Residual"
M.Residual = Residual

---@param ... nn.Module layers of f; a last table {projection = layer} gives the shortcut a layer of its own
function Residual:init(...)
  local list = { ... }
  local last = list[#list]
  local opts
  if type(last) == "table" and not getmetatable(last) then
    opts, list[#list] = last, nil
  end
  local o = options.read("Residual", opts, { projection = { "module" } })
  if #list == 0 then
    core.raise "Residual: needs at least one layer, e.g. nn.Residual(nn.Linear(64, 64), nn.ReLU())"
  end
  self.body = require("nn.layers.sequential").Sequential(list)
  self.projection = o.projection
end

function Residual:forward(x)
  local y = self.body(x)
  local short = self.projection and self.projection(x) or x
  if y.shape ~= short.shape then
    core.raise(("Residual: f(x) has shape %s, but the shortcut %s; give it a layer: {projection = nn.Linear(...)}"):format(
      tostring(y.shape), tostring(short.shape)))
  end
  return short + y
end

return M
