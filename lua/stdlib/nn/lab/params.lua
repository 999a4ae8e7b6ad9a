-- Parameters of experiments: what is declared, and how a value is read from a table, from the command line, or from a
-- sweep. One declaration says the default, and by it the type:
--
--   depth = {30, doc = "hidden layers", min = 1}, width = 64, init = {"he_normal", choices = {"he_normal", "orthogonal"}}

local core = require "nn.core"

local M = {}

-- What every experiment has; its own parameters cannot be called so.
local reserved = {
  help = "shows the parameters", out = "names the directory of the runs", resume = "goes on with a run",
  record = "says whether the run is recorded", directory = "is a trial's place", budget = "is what a trial may use",
  parameters = "gives them all",
  params = "is the declaration itself",
}

local kinds = { integer = true, number = true, boolean = true, string = true, list = true }

local function is_list(value)
  return type(value) == "table" and getmetatable(value) == nil
end

local function kind_of(value)
  if type(value) == "number" then
    return math.type(value) == "integer" and "integer" or "number"
  end
  return is_list(value) and "list" or type(value)
end

local function article(kind)
  return kind == "integer" and "an integer" or kind == "boolean" and "true or false" or "a " .. kind
end

---A value as one writes it.
function M.text(value)
  if is_list(value) then
    local parts = {}
    for i, item in ipairs(value) do
      parts[i] = M.text(item)
    end
    return table.concat(parts, ",")
  elseif value ~= value then
    return "nan"
  elseif math.type(value) == "float" then
    for digits = 1, 17 do
      local text = ("%." .. digits .. "g"):format(value)
      if tonumber(text) == value then
        return text:find "^-?%d+$" and text .. ".0" or text
      end
    end
  end
  return tostring(value)
end

-- ---- declarations ----

local settings = { doc = "string", min = "number", max = "number", choices = "table", type = "string", default = "any" }

local function bad(who, name, why, ...)
  core.raise(("%s: parameter '%s' %s"):format(who, tostring(name), why:format(...)))
end

-- {default, doc = ..., ...}, or the default alone. A list of numbers is written {{64, 32}}.
local function read_declaration(who, name, given)
  if type(name) ~= "string" or not name:find "^%a[%w_]*$" then
    bad(who, name, "needs a name of letters, digits and _, e.g. lr")
  elseif reserved[name] then
    bad(who, name, "cannot be called so: --%s %s", name, reserved[name])
  end
  local p = { name = name }
  if type(given) ~= "table" then
    p.default = given
  else
    for key, value in pairs(given) do
      if key ~= 1 and not settings[key] then
        local near = core.nearest(tostring(key), { "doc", "min", "max", "choices", "type", "default" })
        bad(who, name, "has no setting '%s'%s (it takes the default first, and doc, min, max, choices, type)", tostring(key),
          near and ("; did you mean '%s'?"):format(near) or "")
      elseif key ~= 1 and settings[key] ~= "any" and type(value) ~= settings[key] then
        bad(who, name, "has %s for its %s, which must be a %s", core.describe(value), key, settings[key])
      end
      p[key] = value
    end
    if p[1] ~= nil then
      p.default, p[1] = p[1], nil
    end
  end
  if p.default == nil then
    bad(who, name, "has no default; write %s = {30, doc = \"...\"}", name)
  end
  p.type = p.type or kind_of(p.default)
  if not kinds[p.type] then
    bad(who, name, "is of type '%s'; a parameter is an integer, a number, a boolean, a string or a list of them", p.type)
  elseif p.choices and #p.choices == 0 then
    bad(who, name, "has no choices")
  end
  p.default = M.check(who, p, p.default)
  return p
end

---Reads the declarations of an experiment.
---@param who string
---@param given table name -> default or {default, doc =, min =, max =, choices =, type =}
---@return table params name -> {name, default, type, doc, min, max, choices}
function M.declare(who, given)
  local params = {}
  for name, one in pairs(given) do
    params[name] = read_declaration(who, name, one)
  end
  if not params.seed then
    params.seed = { name = "seed", default = 1, type = "integer", doc = "random numbers start from it" }
  end
  return params
end

---Names in the order in which they are shown: seed last.
function M.names(params)
  local names = {}
  for name in pairs(params) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    if (a == "seed") ~= (b == "seed") then
      return b == "seed"
    end
    return a < b
  end)
  return names
end

-- ---- values ----

local function check_item(who, p, value, kind)
  local have = kind_of(value)
  if kind == "number" and have == "integer" then
    value, have = value + 0.0, "number"
  elseif kind == "integer" and have == "number" and math.tointeger(value) then
    value, have = math.tointeger(value), "integer"
  end
  if have ~= kind then
    bad(who, p.name, "must be %s, but is %s", article(kind), core.describe(value))
  elseif have ~= "string" and have ~= "boolean" and value ~= value then
    bad(who, p.name, "must be a number, but is nan")
  elseif p.min and type(value) == "number" and value < p.min then
    bad(who, p.name, "must be at least %s, but is %s", M.text(p.min), M.text(value))
  elseif p.max and type(value) == "number" and value > p.max then
    bad(who, p.name, "must be at most %s, but is %s", M.text(p.max), M.text(value))
  end
  return value
end

local function check_choice(who, p, value)
  if not p.choices then
    return
  end
  local texts = {}
  for i, choice in ipairs(p.choices) do
    if choice == value then
      return
    end
    texts[i] = M.text(choice)
  end
  local near = type(value) == "string" and core.nearest(value, texts)
  bad(who, p.name, "must be one of %s, but is %s%s", table.concat(texts, ", "), M.text(value),
    near and ("; did you mean '%s'?"):format(near) or "")
end

---The value as the parameter takes it (an integer becomes a number where one is wanted); raises with the reason.
function M.check(who, p, value)
  if p.type ~= "list" then
    value = check_item(who, p, value, p.type)
    check_choice(who, p, value)
    return value
  elseif not is_list(value) then
    bad(who, p.name, "must be a list such as {64, 32}, but is %s", core.describe(value))
  end
  local out, kind = {}, nil
  for i, item in ipairs(value) do
    kind = kind or kind_of(item)
    if kind == "integer" and kind_of(item) == "number" then
      kind = "number"
    end
    out[i] = item
  end
  for key in pairs(value) do
    if out[key] == nil then
      bad(who, p.name, "must be a list, but has the key %s", tostring(key))
    end
  end
  for i, item in ipairs(out) do
    out[i] = check_item(who, p, item, kind)
    check_choice(who, p, out[i])
  end
  return out
end

local function read_item(text)
  if text == "true" or text == "false" then
    return text == "true"
  end
  local number = tonumber(text)
  if number and number == number then
    return number
  end
  return text
end

---Reads a value from the command line.
function M.read(who, p, text)
  if p.type == "string" then
    return M.check(who, p, text)
  elseif p.type == "boolean" then
    local value = ({ ["true"] = true, ["false"] = false, yes = true, no = false, ["1"] = true, ["0"] = false })[text]
    if value == nil then
      bad(who, p.name, "must be true or false, but is '%s'", text)
    end
    return value
  elseif p.type == "list" then
    local list = {}
    for part in text:gmatch "[^,]+" do
      list[#list + 1] = read_item(part)
    end
    return M.check(who, p, list)
  end
  local number = tonumber(text)
  if not number then
    bad(who, p.name, "must be %s, but is '%s'", article(p.type), text)
  end
  return M.check(who, p, number)
end

-- A parameter that is asked for and is not there is an error, as for all that has names.
local Values = {}
function Values.__index(values, name)
  local names = {}
  for known in pairs(values) do
    names[#names + 1] = known
  end
  local near = core.nearest(tostring(name), names)
  core.raise(("there is no parameter '%s'%s"):format(tostring(name), near and ("; did you mean '%s'?"):format(near) or ""))
end
function Values.__newindex(_, name)
  core.raise(("parameter '%s': parameters are given, not set; make a variable of your own"):format(tostring(name)))
end
function Values.__tostring(values)
  local parts = {}
  for i, name in ipairs(M.names(values)) do
    parts[i] = ("%s = %s"):format(name, M.text(rawget(values, name)))
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end
Values.__name = "nn.Parameters"

---All values of an experiment: those given, checked, and the defaults.
---@param who string
---@param params table the declarations
---@param given table|nil
function M.values(who, params, given)
  if given ~= nil and type(given) ~= "table" then
    core.raise(("%s: takes a table of parameters, e.g. {seed = 2}, but got %s"):format(who, core.describe(given)))
  end
  local values = {}
  for name, value in pairs(given or {}) do
    values[name] = M.check(who, M.known(who, params, name), value)
  end
  for name, p in pairs(params) do
    if values[name] == nil then
      values[name] = p.default
    end
  end
  return setmetatable(values, Values)
end

---The declaration of a name, or an error with the nearest one.
function M.known(who, params, name)
  local p = type(name) == "string" and params[name]
  if not p then
    local names = M.names(params)
    local near = core.nearest(tostring(name), names)
    core.raise(("%s: has no parameter '%s'%s (it has %s)"):format(who, tostring(name),
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
  end
  return p
end

---What a parameter takes, in words: "integer, at least 1".
---@param p table
---@param shown? boolean the type stands beside it already
function M.describe(p, shown)
  local parts = { not shown and p.type or nil }
  if p.choices then
    local texts = {}
    for i, choice in ipairs(p.choices) do
      texts[i] = M.text(choice)
    end
    parts = { table.concat(texts, ", ") }
  end
  if p.min and p.max then
    parts[#parts + 1] = ("%s to %s"):format(M.text(p.min), M.text(p.max))
  elseif p.min then
    parts[#parts + 1] = "at least " .. M.text(p.min)
  elseif p.max then
    parts[#parts + 1] = "at most " .. M.text(p.max)
  end
  return table.concat(parts, ", ")
end

return M
