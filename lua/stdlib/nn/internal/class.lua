-- Classes and their objects, whose changes are counted (src/lua/object.c). A class is itself such an object: its fields are
-- the methods and static fields, those of the base behind them. Names that begin with two underscores are metamethods of
-- its objects.

local contract = require "nn.internal.contract"
local core = require "nn.core"

local class_of, base_of = core.class_of, core.base_of

local M = {}

-- Of each class: its methods, the metamethods of its objects, the classes derived from it, and these objects' metatables.
local infos = setmetatable({}, { __mode = "k" })
local weak_keys = { __mode = "k" }

-- A metamethod of a class is one of every object of it, and of the classes derived from it that have none of their own.
local function set_event(class, name, f)
  local info = infos[class]
  info.events[name] = f
  for meta in pairs(name ~= "__index" and name ~= "__newindex" and info.metas or {}) do
    meta[name] = f
  end
  for derived in pairs(info.derived) do
    if infos[derived].methods[name] == f then
      set_event(derived, name, f)
    end
  end
end

local function is_event(name)
  return type(name) == "string" and name:sub(1, 2) == "__"
end

-- A test for what is an object of a class, or a class derived from it. Only extend is called on classes.
local function self_test(class, takes_classes)
  return function(v)
    local c = class_of(v)
    if c == nil and not (takes_classes and base_of(v) ~= nil) then
      return false
    end
    c = c or v
    while c and c ~= class do
      c = base_of(c)
    end
    return c == class
  end
end

-- A method as it is kept: those of the library's own classes take no more arguments than they name.
local function as_method(class, name, f)
  if type(f) ~= "function" or not core.is_library(class) or is_event(name) or name == "call" or name == "new" then
    return f
  elseif name == "forward" then
    return f
  end
  return contract.strict(name == "init" and class._name or ("%s:%s"):format(class._name, name), f,
    self_test(class, name == "extend"))
end

local class_events = {
  __call = function(class, ...)
    return class:new(...)
  end,
  __tostring = function(class)
    return ("class %s"):format(class._name)
  end,
  __newindex = function(class, name, value)
    if name == "__init" or name == "__init__" then -- Torch7's and Python's names: it would never be called
      core.raise(("%s: what makes an object is called init: function %s:init(...)"):format(class._name, class._name))
    end
    value = as_method(class, name, value)
    core.set_field(class, name, value)
    if is_event(name) then
      set_event(class, name, value)
    end
  end,
}

-- The function a class has in place of what its objects do when a field is read or set that is not there.
local function own_access(info)
  local index, newindex = info.events.__index, info.events.__newindex
  local events = {}
  if index then
    events.__index = function(object, key)
      local value = core.fields(object)[key]
      if value == nil then
        return type(index) == "function" and index(object, key) or type(index) ~= "function" and index[key] or nil
      end
      return value
    end
  end
  if newindex then
    events.__newindex = function(object, key, value)
      if core.fields(object)[key] ~= nil then
        core.set_field(object, key, value)
      elseif type(newindex) == "function" then
        newindex(object, key, value)
      else
        newindex[key] = value
      end
    end
  end
  return events
end

---Makes a class.
---@param name string
---@param base any a class, or nil
---@param events table metamethods of its objects
function M.new(name, base, events)
  local above = base and infos[base]
  local class = core.object(base, class_events, above and above.fields_meta, true)
  local methods = core.fields(class)
  if above and above.for_library and core.is_library(class) then
    setmetatable(methods, above.for_library)
  elseif base and core.is_library(base) then
    setmetatable(methods, { __index = core.inherits(base), methods = infos[base].methods })
  end
  local info = { methods = methods, fields_meta = { __index = methods }, events = {}, metas = setmetatable({}, weak_keys),
    derived = setmetatable({}, weak_keys) }
  for _, from in ipairs { above and above.events or {}, events } do
    for event, f in pairs(from) do
      info.events[event] = f
    end
  end
  info.events.__name = name
  infos[class] = info
  if above then
    above.derived[class] = true
  end
  getmetatable(class).__name = "class " .. name
  core.set_field(class, "_name", name)
  core.set_field(class, "_base", base)
  return class
end

---From now on, library classes derived from this one call missing(name) when something is asked for that is not there: it
---may raise.
function M.on_missing(class, missing)
  local info = infos[class]
  local methods, none = info.methods, {}
  info.for_library = { methods = methods, __index = core.absent(methods, none, function(name)
    if not core.is_recording() then
      missing(name)
      none[name] = true
    end
  end) }
end

---An object of a class, without fields.
function M.object(class)
  local info = infos[class]
  local events = info.events
  if events.__set then
    events = { __newindex = events.__set } -- of the library's own: all assignments pass through it
    for name, f in pairs(info.events) do
      events[name] = events[name] or f
    end
  elseif events.__index or events.__newindex then
    events = own_access(info)
    for name, f in pairs(info.events) do
      events[name] = events[name] or f
    end
  end
  local object = core.object(class, events, info.fields_meta)
  info.metas[getmetatable(object)] = true
  return object
end

---True if value is an object of the class or of one derived from it.
function M.is(value, class)
  local c = core.class_of(value)
  while c do
    if c == class then
      return true
    end
    c = core.base_of(c)
  end
  return false
end

-- A value in which all that is set is counted: plain tables become objects.
local function counted(value, events, made)
  if type(value) ~= "table" or getmetatable(value) then
    return value
  end
  made = made or {} -- a table that is there twice, or within itself, is one object
  local object = made[value]
  if not object then
    object = core.object(nil, events)
    made[value] = object
    for k, v in pairs(value) do
      core.set_field(object, k, counted(v, events, made))
    end
  end
  return object
end

local counted_events = {}
local checks = setmetatable({}, weak_keys) -- object -> what looks at its assignments

function counted_events.__newindex(object, key, value)
  if checks[object] then
    checks[object](key, value)
  end
  core.set_field(object, key, counted(value, counted_events))
end

---From now on check(key, value) is called before each assignment to a field of such an object, and may raise.
function M.check_assignments(object, check)
  checks[object] = check
end

---A plain table, and those in it, as objects whose changes are counted; also what is assigned to them later.
function M.counted(value)
  return counted(value, counted_events)
end

local function plain(value, made)
  local fields = core.fields(value) or type(value) == "table" and not getmetatable(value) and value
  if not fields then
    return value
  end
  local out = made[value]
  if not out then
    out = {}
    made[value] = out
    for k, v in next, fields do
      out[k] = plain(v, made)
    end
  end
  return out
end

function counted_events.__tostring(object)
  return require("nn.internal.show").show(plain(object, {}))
end

---A plain copy of such an object, or of a plain table.
function M.plain(value)
  return plain(value, {})
end

return M
