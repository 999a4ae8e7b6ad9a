-- The built-in layers and losses: the classes of the layer table's entries (src/nn), each made when it is first asked for.
-- What a class has beyond its entry stands in a file of its own, which is given the class.

local core = require "nn.core"
local module = require "nn.layers.module"

-- Families with methods written in Lua -> the file that adds them, as functions of the class by its name.
local more = { containers = "nn.layers.containers", transformer = "nn.layers.transformer" }

local M = {}

local function make(name)
  local Class = module.Module:extend(name)
  for method, f in pairs(core.layer_methods(Class, name)) do
    Class[method] = f
  end
  Class.input_is = core.layer_predicts(name) or false -- false: it does not say
  M[name] = Class
  local file = more[core.layer_family(name)]
  local add = file and require(file)[name]
  if add then
    add(Class)
  end
  return Class
end

core.layer_finder(function(name, tensor, who)
  if tensor then
    return require("nn.init").by_name(who, name)(tensor)
  end
  return M[name]
end)

return setmetatable(M, { __index = function(_, name)
  return core.layer_family(name) and make(name) or nil
end })
