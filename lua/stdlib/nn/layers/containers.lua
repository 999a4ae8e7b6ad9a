-- What layers that hold others have beyond their entries: how they are filled. A Sequential's forward is in C
-- (src/lua/layer_call.c).

local core = require "nn.core"
local module = require "nn.layers.module"

local M = {}

-- Things that can stand in a Sequential: modules, and plain functions.
local function check_layer(who, i, layer)
  if module.is_module_class(layer) then
    core.raise(("%s: layer %s is the class %s, not a layer; call it: nn.%s(...)"):format(who, i, layer._name, layer._name))
  end
  if not module.is_module(layer) and type(layer) ~= "function" then
    core.raise(("%s: layer %s must be a layer, but is %s"):format(who, i, core.describe(layer)))
  end
end

local function check_parameter(who, i, p)
  if not core.is_tensor(p) or not p.is_parameter then
    core.raise(("%s: element %s must be an nn.Parameter, but is %s"):format(who, i, core.describe(p)))
  end
end

-- Makes a class whose objects are lists: of what `check` lets pass, called `what`.
local function make_list(Class, what, check)
  local name = Class._name

  -- A place in the list gets something that can stand there, or, at its end, nothing: holes would end it early.
  function Class:__set(key, value)
    if math.type(key) == "integer" then
      local n = #self
      if value ~= nil and key >= 1 and key <= n + 1 then
        check(name, key, value)
      elseif value ~= nil or key ~= n and core.fields(self)[key] ~= nil then
        core.raise(("%s: there are %d %s, so net[%d] cannot be %s; net:add(%s) appends, table.remove(net, i) takes one "
          .. "out"):format(name, n, what, key, value == nil and "taken away" or "set", what:sub(1, -2)))
      end
    end
    core.set_field(self, key, value)
  end

  function Class:init(...)
    local list = { ... }
    local n = select("#", ...)
    if n == 1 and type(list[1]) == "table" and not getmetatable(list[1]) then
      list = list[1]
      n = #list
      for key in pairs(list) do
        if type(key) == "string" then
          core.raise(("%s: a %s is named '%s', but names in a Lua table have no order; list them: nn.%s{a, b}"):format(name,
            what:sub(1, -2), key, name))
        end
      end
    end
    if #self > 0 then
      core.raise(("%s: init was called on this one before; make a new one: nn.%s(...)"):format(name, name))
    end
    for i = 1, n do
      check(name, i, list[i])
      self[i] = list[i]
    end
  end

  ---Appends one.
  ---@param value any
  function Class:add(value)
    check(name, #self + 1, value)
    self[#self + 1] = value
    return self
  end
  Class.append = Class.add

  ---Gives a list of some of its layers (or parameters), first .. last, both included: the same ones, not copies. Negative
  ---numbers count from the end: net:slice(1, -2) is all but the last.
  ---@param first integer
  ---@param last? integer default -1
  function Class:slice(first, last)
    local n, ends = #self, { first, last == nil and -1 or last }
    for i, at in ipairs(ends) do
      if math.type(at) ~= "integer" then
        core.raise(("%s:slice: takes the places of the first and the last of the %s, but got %s"):format(name, what,
          core.describe(at)))
      end
      ends[i] = at < 0 and n + 1 + at or at
      if ends[i] < 1 or ends[i] > n then
        core.raise(("%s:slice: there are %d %s, so %d is the place of none"):format(name, n, what, at))
      end
    end
    local part = {}
    for i = ends[1], ends[2] do
      part[#part + 1] = self[i]
    end
    return require("nn.layers.builtin")[name](part)
  end
end

function M.Sequential(Class)
  make_list(Class, "layers", check_layer)
end

function M.ModuleList(Class)
  make_list(Class, "layers", check_layer)
  function Class.forward()
    core.raise "ModuleList has no forward: it only holds layers; call them: for _, layer in ipairs(list) do x = layer(x) end"
  end
end

function M.ParameterList(Class)
  make_list(Class, "parameters", check_parameter)
  function Class.forward()
    core.raise "ParameterList has no forward: it only holds parameters"
  end
end

function M.ModuleDict(Class)
  function Class:__set(key, value)
    if type(key) ~= "string" then
      core.raise(("ModuleDict: layers have names, but %s is none"):format(core.describe(key)))
    elseif rawget(core.fields(module.Module), key) ~= nil or rawget(core.fields(Class), key) ~= nil then
      core.raise(("ModuleDict: '%s' is a method of layers; give the layer another name"):format(key))
    elseif key == "training" and value ~= nil and type(value) ~= "boolean" then
      core.raise "ModuleDict: 'training' is the mode of layers; give the layer another name"
    elseif value ~= nil and not key:find "^_" then
      check_layer("ModuleDict", ("'%s'"):format(key), value)
    end
    core.set_field(self, key, value)
  end

  -- {name = layer}, in the order of the names, or {{name, layer}, ...}, in this one.
  function Class:init(layers)
    if layers ~= nil and (type(layers) ~= "table" or getmetatable(layers)) then
      core.raise(("ModuleDict: takes a table {name = layer}, but got %s"):format(core.describe(layers)))
    end
    local names = {}
    for key, value in pairs(layers or {}) do
      if type(key) == "string" then
        names[#names + 1] = key
      elseif type(value) ~= "table" or #value ~= 2 then
        core.raise(("ModuleDict: takes {name = layer} or {{name, layer}, ...}, but element %s is %s"):format(tostring(key),
          core.describe(value)))
      end
    end
    table.sort(names)
    for _, pair in ipairs(layers or {}) do
      self[pair[1]] = pair[2]
    end
    for _, key in ipairs(names) do
      self[key] = layers[key]
    end
  end

  ---The layers' names, in order.
  ---@return string[]
  function Class:keys()
    local names = {}
    for name in pairs(self) do
      names[#names + 1] = name
    end
    return names
  end

  function Class.forward()
    core.raise "ModuleDict has no forward: it only holds layers; call one: x = dict.name(x)"
  end
end

return M
