-- What a Sequential has beyond its entry: net[1] is the first layer, #net their number, net:add(layer) appends. Its forward is
-- in C (src/lua/layer.c).

local core = require "nn.core"
local module = require "nn.layers.module"

-- Things that can stand in a Sequential: modules, and plain functions.
local function check_layer(i, layer)
  if module.is_module_class(layer) then
    core.raise(("Sequential: layer %d is the class %s, not a layer; call it: nn.%s(...)"):format(i, layer._name, layer._name))
  end
  if not module.is_module(layer) and type(layer) ~= "function" then
    core.raise(("Sequential: layer %d must be a layer, but is %s"):format(i, core.describe(layer)))
  end
end

---@class nn.Sequential: nn.Module
return function(Sequential)
  -- A place in the list gets a layer, or, at its end, nothing: holes would end the net early.
  function Sequential:__set(key, value)
    if math.type(key) == "integer" then
      local n = #self
      if value ~= nil and key >= 1 and key <= n + 1 then
        check_layer(key, value)
      elseif value ~= nil or key ~= n and core.fields(self)[key] ~= nil then
        core.raise(("Sequential: there are %d layers, so net[%d] cannot be %s; net:add(layer) appends, table.remove(net, i) "
          .. "takes one out"):format(n, key, value == nil and "taken away" or "set"))
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
end
