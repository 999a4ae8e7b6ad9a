-- Option tables: names checked, values checked, defaults filled in. One way for every layer, loss and optimizer, so
-- that a misspelt option is always an error with the nearest right one.

local contract = require "nn.internal.contract"
local core = require "nn.core"

local M = {}

local checks = {
  number = function(v)
    return type(v) == "number"
  end,
  integer = function(v)
    return math.type(v) == "integer"
  end,
  boolean = function(v)
    return type(v) == "boolean"
  end,
  string = function(v)
    return type(v) == "string"
  end,
  table = function(v)
    return type(v) == "table"
  end,
  module = function(v)
    return require("nn.layers.module").is_module(v)
  end,
  ["function"] = function(v)
    return type(v) == "function"
  end,
  any = function()
    return true
  end,
}

---True for a table with keys that are no numbers, as options have.
function M.has_names(t)
  if type(t) == "table" then
    for key in pairs(t) do
      if type(key) ~= "number" then
        return true
      end
    end
  end
  return false
end

---"a number", "an integer"
function M.a(kind)
  if kind == "module" then
    return "a model or layer"
  end
  return (kind:find "^[aeiou]" and "an " or "a ") .. kind
end

-- Why a value of the right kind does not do, or nil: bounds (least, most, above) and one_of, a list of strings.
local function why_not(value, rule)
  if value ~= value then
    return "must be a number"
  elseif rule.least and value < rule.least then
    return ("must be at least %g"):format(rule.least)
  elseif rule.above and value <= rule.above then
    return ("must be above %g"):format(rule.above)
  elseif rule.most and value > rule.most then
    return ("must be at most %g"):format(rule.most)
  elseif rule.one_of then
    for _, known in ipairs(rule.one_of) do
      if value == known then
        return nil
      end
    end
    return ("must be \"%s\""):format(table.concat(rule.one_of, "\" or \""))
  end
end

---Reads options by a specification.
---@param who string what to call itself in errors, e.g. "Adam"
---@param given table|nil what the user gave
---@param spec table<string, table> name -> {type, default, least =, above =, most =, one_of =, needed =}; without default the
---option may be nil; needed: the user must give it (the caller looks)
---@return table options
function M.read(who, given, spec)
  if given ~= nil and type(given) ~= "table" then
    core.raise(("%s: options must be a table, but are %s"):format(who, core.describe(given)))
  end
  local out = {}
  for name, value in pairs(given or {}) do
    local rule = spec[name]
    if not rule then
      local names = {}
      for n in pairs(spec) do
        names[#names + 1] = n
      end
      table.sort(names)
      local missing = {} -- what must be given and is not is the likelier one
      for _, n in ipairs(names) do
        missing[#missing + 1] = spec[n].needed and given[n] == nil and n or nil
      end
      local near = core.nearest(tostring(name), missing) or core.nearest(tostring(name), names)
      local needless = not near and core.needless(tostring(name))
      if needless then
        core.raise(("%s: '%s' is %s"):format(who, name, needless))
      end
      core.raise(("%s: has no option '%s'%s (it takes %s)"):format(who, tostring(name),
        near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
    end
    if not checks[rule[1]](value) then
      core.raise(("%s: option %s must be %s, but is %s"):format(who, name, M.a(rule[1]), core.describe(value)))
    end
    local why = why_not(value, rule)
    if why then
      core.raise(("%s: option %s %s, but is %s"):format(who, name, why, core.describe(value)))
    end
    out[name] = value
  end
  for name, rule in pairs(spec) do
    if out[name] == nil then
      out[name] = rule[2]
    end
  end
  return out
end

---What to say of a name that is not there: what PyTorch's or NumPy's name is called here, else the nearest one.
---@param where string|nil "nn", "optim", ...: see nn.names
---@param name string
---@param names string[] those that are there
---@param prefix? string put before the nearest
function M.hint(where, name, names, prefix)
  local answer = where and require("nn.internal.names").answer(where, name)
  local near = not answer and core.nearest(name, names)
  return answer and "; " .. answer or near and ("; did you mean '%s%s'?"):format(prefix or "", near) or ""
end

---Raises for a name that a namespace does not have, with what it may be.
---@param space string e.g. "nn.optim"
---@param name any
---@param ... table tables whose keys are the names
function M.unknown(space, name, ...)
  local names = {}
  for _, t in ipairs { ... } do
    for known in pairs(t) do
      if type(known) == "string" and known:find "^[^_*]" then
        names[#names + 1] = known
      end
    end
  end
  table.sort(names)
  core.raise(("%s has no '%s'%s (it has %s)"):format(space, tostring(name),
    M.hint(space:match "^nn%.(%l+)$", tostring(name), names), table.concat(names, ", ")))
end

---Makes a namespace of a table of functions: unknown names are errors, and so are arguments that a function does not take.
---@param space string e.g. "nn.optim"
---@param t table
---@param homes? table<string, string> names that come from another file -> that file; "*": all names are looked for there
---@param meta? table metamethods
function M.namespace(space, t, homes, meta)
  meta = meta or {}
  meta.__name = space
  meta.homes = homes
  meta.__index = function(_, name)
    local home = homes and (homes[name] or type(name) == "string" and homes["*"])
    local value = home and rawget(require(home), name)
    if value == nil then
      if type(name) ~= "string" then
        return nil
      end
      M.unknown(space, name, t, homes or {}, homes and homes["*"] and require(homes["*"]) or {})
    end
    value = contract.strict(space:match "[^.]*$" .. "." .. name, value)
    rawset(t, name, value)
    return value
  end
  for name, value in pairs(t) do
    t[name] = contract.strict(space:match "[^.]*$" .. "." .. name, value)
  end
  return setmetatable(t, meta)
end

---A metatable for tables of one kind, which is also where their methods go: these are held to what they say they take.
---@param name string what the tables are called, e.g. "nn.Perceptron"
function M.class(name)
  local class = { __name = name }
  class.__index = class
  return setmetatable(class, { __newindex = function(_, key, value)
    local event = type(key) == "string" and key:find "^__"
    rawset(class, key, event and value or contract.strict(("%s:%s"):format(name, tostring(key)), value, function(v)
      return getmetatable(v) == class
    end))
  end })
end

---The same, where names that are neither methods nor fields are errors.
---@param name string
---@param fields table<string, boolean> fields that may be nil
---@param numbered string what to do instead of value[1]
function M.strict_class(name, fields, numbered)
  local class = M.class(name)
  class.__index = function(_, key)
    local value = rawget(class, key)
    if value ~= nil or fields[key] then
      return value
    elseif type(key) == "number" then
      core.raise(("%s: [%s] is not there; %s"):format(name, tostring(key), numbered))
    end
    M.unknown(name, key, class, fields)
  end
  return class
end

---Raises unless f can be called.
---@param who string
---@param f any
function M.callable(who, f)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    core.raise(("%s: the first argument must be a function, but is %s"):format(who, core.describe(f)))
  end
end

---A user's function, held to giving a tensor; with `same` one of the shape it is given.
---@param who string
---@param name string the argument's name
---@param f function
---@param same? boolean
function M.gives_tensor(who, name, f, same)
  local of_lua = type(f) == "function" and debug.getinfo(f, "S").what == "C" -- its errors name the line that called it
  local function call(...)
    local ok, y = core.try(f, ...)
    if not ok then
      core.raise(("%s: %s: %s"):format(who, name, tostring(y)))
    end
    return y
  end
  return function(x, ...)
    local y = (of_lua and call or f)(x, ...)
    if not core.is_tensor(y) or (same and y.shape ~= x.shape) then
      core.raise(("%s: %s must give a tensor%s, but gave %s"):format(who, name,
        same and (" of the shape it is given (%s)"):format(tostring(x.shape)) or "", core.describe(y)))
    end
    return y
  end
end

---Checks one positional argument.
---@param who string
---@param name string the argument's name
---@param value any
---@param kind string "integer", "number", ...
---@param least? number the smallest allowed value
function M.argument(who, name, value, kind, least)
  if not checks[kind](value) or (least and (value < least or value ~= value)) then
    core.raise(("%s: %s must be %s%s, but is %s"):format(who, name, M.a(kind),
      least and (" of at least %g"):format(least) or "", core.describe(value)))
  end
  return value
end

return M
