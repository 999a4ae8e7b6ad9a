-- What a public function takes is said once, in the annotations above it, and held to: more arguments than it names, and
-- arguments of other kinds than it says, are errors that name the function and the argument.
--
--   ---@param x nn.Tensor
--   ---@param dim? integer
--   function M.f(x, dim)

local core = require "nn.core"

local M = {}

local source = debug.getinfo(1, "S").source
local library = source:gsub("internal/contract%.lua$", "")

local inner = setmetatable({}, { __mode = "k" }) -- wrappers -> what they wrap

-- Functions -> a function that gives their help, where it is made of a table and stands in no comment.
M.help = setmetatable({}, { __mode = "k" })

---Of functions that are layers with their settings: {entry = the row of the layer table, more = names of further options}.
M.settings = setmetatable({}, { __mode = "k" })

-- ---- kinds ----

local function is_callable(v)
  local meta = getmetatable(v)
  return type(v) == "function" or type(meta) == "table" and meta.__call ~= nil
end

-- Things that hold fields: plain tables, and objects made of them (an optimizer's groups).
local function is_table(v)
  return type(v) == "table" or core.fields(v) ~= nil
end

local function named(name)
  return function(v)
    local meta = debug.getmetatable(v)
    return type(meta) == "table" and meta.__name == name
  end
end

-- Kind -> a test, and how it is called. Kinds that are not here are not tested.
local kinds = {
  number = { function(v)
    return type(v) == "number"
  end, "a number" },
  integer = { function(v)
    return math.type(v) == "integer"
  end, "an integer" },
  string = { function(v)
    return type(v) == "string"
  end, "a string" },
  boolean = { function(v)
    return type(v) == "boolean"
  end, "true or false" },
  ["nil"] = { function(v)
    return v == nil
  end, "nil" },
  ["function"] = { is_callable, "a function" },
  table = { is_table, "a table" },
  ["nn.Tensor"] = { core.is_tensor, "a tensor" },
  ["nn.Tensor[]"] = { function(v)
    return core.is_tensor(v) or is_table(v)
  end, "a list of tensors" },
  ["nn.Module"] = { function(v)
    return require("nn.layers.module").is_module(v)
  end, "a model or layer" },
  ["nn.Loader"] = { function(v)
    return is_callable(v) and not require("nn.layers.module").is_module(v)
  end, "a loader (data:loader{batch_size = 32}, or a function)" },
  ["nn.Dataset"] = { named "nn.Dataset", "a data set, e.g. nn.data.tensors(x, y)" },
  ["nn.Generator"] = { named "nn.Generator", "a generator, e.g. nn.Generator(1)" },
  ["nn.Optimizer"] = { function(v)
    return require("nn.optim.optimizer").is_optimizer(v)
  end, "an optimizer" },
}

-- One alternative of a type, from place `at` of the text: its kind, and where it ends.
local function read_kind(text, at)
  local kind, stop
  if text:find("^fun%b()", at) then
    kind, stop = "function", select(2, text:find("^fun%b()", at))
    local result = text:match("^: *()", stop + 1)
    if result then -- its type belongs to it
      repeat
        local _, after = read_kind(text, result)
        stop = after - 1
        result = text:match("^[|,] *()", after)
      until not result
    end
  elseif text:find("^%b{}", at) then
    kind, stop = "table", select(2, text:find("^%b{}", at))
  elseif text:find('^"', at) then
    kind, stop = "string", select(2, text:find('^"[^"]*"', at)) or #text
  else
    stop = select(2, text:find("^[%w_.]+", at)) or at
    kind = text:sub(at, stop)
    local generic = select(2, text:find("^%b<>", stop + 1))
    stop = generic or stop
  end
  local list = select(2, text:find("^[%[%]]+", stop + 1))
  if list then
    kind, stop = kind == "nn.Tensor" and "nn.Tensor[]" or "table", list
  end
  return kind, stop + 1
end

---The alternatives of a type as it stands in an annotation: "nn.Tensor|number" -> {"nn.Tensor", "number"}.
function M.read_type(text)
  local list, at = {}, 1
  repeat
    local kind, stop = read_kind(text, at)
    list[#list + 1] = kind
    at = text:match("^|()", stop)
  until not at
  return list
end

-- ---- annotations ----

local files = {} -- path -> number of a line -> what the @param lines right above it say: {{name, optional, kind}, ...}

local function params_in(path)
  local out = files[path]
  if not out then
    out = {}
    files[path] = out
    local f, number, above = io.open(path), 0, nil
    for line in f and f:lines() or function() end do
      number = number + 1
      local text = line:match "^%s*%-%-%-(.*)"
      local name, optional, kind = (text or ""):match "^@param ([%w_]+)(%??) +(.*)"
      if name then
        above = above or {}
        above[#above + 1] = { name, optional == "?", kind }
      elseif not text then
        out[number], above = above, nil
      end
    end
    if f then
      f:close()
    end
  end
  return out
end

---What the annotations above a function say: name -> {kinds =, optional =}.
function M.annotations(f)
  local info, out = debug.getinfo(M.original(f), "S"), {}
  for _, param in ipairs(params_in(info.source:match "^@(.*)" or "")[info.linedefined] or {}) do
    out[param[1]] = { kinds = M.read_type(param[3]), optional = param[2] }
  end
  return out
end

-- ---- checks ----

local function one_of(tests)
  if #tests == 1 then
    return tests[1]
  end
  return function(v)
    for _, test in ipairs(tests) do
      if test(v) then
        return true
      end
    end
    return false
  end
end

-- The test of an argument and how what passes is called; nil where any value does.
local function test_of(rule)
  local tests, words, seen = {}, {}, {}
  for _, kind in ipairs(rule.kinds) do
    local known = kinds[kind]
    if not known then
      return nil
    end
    tests[#tests + 1] = known[1]
    if not seen[known[2]] then
      words[#words + 1] = known[2]
      seen[known[2]] = true
    end
  end
  return one_of(tests), table.concat(words, " or ")
end

local function belongs(who)
  return ("what it belongs to (call it with ':', as in object:%s(...))"):format(who:match "[^:.]*$")
end

-- A function that tests the arguments of f (but not self); false where there is nothing to test. Second result: whether it
-- has something to say where all of them are nil.
local function make_check(who, f, names)
  local rules = M.annotations(f)
  local head, body, parts, words, needed = {}, {}, {}, {}, false
  for i, name in ipairs(names) do
    head[i] = "a" .. i
    local test, word
    if rules[name] and name ~= "self" then
      test, word = test_of(rules[name])
    end
    if test then
      parts[#parts + 1], words[i] = test, word
      local given = rules[name].optional and ("a%d ~= nil and "):format(i) or ""
      needed = needed or not rules[name].optional
      body[#body + 1] = ("if %snot t%d(a%d) then fail(%d, a%d) end"):format(given, #parts, i, i, i)
    end
  end
  if #parts == 0 then
    return false, false
  end
  local tests = {}
  for i = 1, #parts do
    tests[i] = "t" .. i
  end
  local text = ("local fail, %s = ... return function(%s) %s end"):format(table.concat(tests, ", "), table.concat(head, ", "),
    table.concat(body, " "))
  return assert(load(text, source, "t"))(function(i, value)
    core.raise(("%s: %s must be %s, but is %s"):format(who, names[i], words[i], core.describe(value)))
  end, table.unpack(parts)), needed
end

-- ---- wrappers ----

local makers = {}

-- A function that makes wrappers of functions with n parameters. They stand in every call, so they do little: one argument
-- more than there should be is looked at, self is only looked at when it is of another class than the last, and arguments
-- only where there are some.
local function maker(n, method)
  local key = method and -n or n
  if not makers[key] then
    local list, given = {}, {}
    for i = 1, n do
      list[i] = "a" .. i
      if not (method and i == 1) then
        given[#given + 1] = ("a%d ~= nil"):format(i)
      end
    end
    local names = table.concat(list, ", ")
    makers[key] = assert(load(([[
      local f, too_many, make_check, check_self, class_of = ...
      local check, needed, last
      return function(%s)
        if more ~= nil then
          too_many(more)
        end
        %s
        if check == nil then
          check, needed = make_check()
        end
        if check and (needed or %s) then
          check(%s)
        end
        return f(%s)
      end]]):format(n > 0 and names .. ", more" or "more", method and [[
        local class = class_of(a1)
        if class == nil or class ~= last then
          check_self(a1)
          last = class
        end]] or "", #given > 0 and table.concat(given, " or ") or "false", names, names), source, "t")) -- nil: no memory
  end
  return makers[key]
end

---True for a function of this library that takes a number of arguments that is known.
local function is_limited(f)
  if type(f) ~= "function" or inner[f] then
    return false
  end
  local info = debug.getinfo(f, "Su")
  return info.what == "Lua" and not info.isvararg and info.source:sub(1, #library) == library
end

-- A method with any number of arguments.
local function is_vararg(f)
  if type(f) ~= "function" or inner[f] then
    return false
  end
  local info = debug.getinfo(f, "Su")
  return info.isvararg and info.what == "Lua" and info.source:sub(1, #library) == library and debug.getlocal(f, 1) == "self"
end

local function self_check(who, is_self)
  return function(v)
    if not is_self(v) then
      core.raise(("%s: self must be %s, but is %s"):format(who, belongs(who), core.describe(v)))
    end
  end
end

local function guarded(who, f, is_self)
  local check_self = self_check(who, is_self)
  local function wrapper(self, ...)
    check_self(self)
    return f(self, ...)
  end
  inner[wrapper] = f
  return wrapper
end

---What stands behind a wrapper: the function as it was written.
function M.original(f)
  return inner[f] or f
end

---The function, held to what it says it takes. What is no function of this library's, or takes any number of arguments, is
---given back as it is.
---@param who string what it is called in errors
---@param f any
---@param is_self? fun(v: any): boolean for a method, whether v is what it belongs to
function M.strict(who, f, is_self)
  if is_self and is_vararg(f) then
    return guarded(who, f, is_self)
  elseif not is_limited(f) then
    return f
  end
  local n, names = debug.getinfo(f, "u").nparams, {}
  for i = 1, n do
    names[i] = debug.getlocal(f, i)
  end
  local method = names[1] == "self"
  local function too_many(more)
    local list = table.move(names, method and 2 or 1, n, 1, {})
    core.raise(("%s: takes %s, but got more: %s"):format(who, #list == 0 and "no arguments"
      or ("at most %d argument%s (%s)"):format(#list, #list == 1 and "" or "s", table.concat(list, ", ")), core.describe(more)))
  end
  local wrapper = maker(n, method and is_self ~= nil)(f, too_many, function()
    if n == 0 or core.is_recording() then -- files are not read while a function is recorded
      return n > 0 and nil
    end
    return make_check(who, f, names)
  end, is_self and self_check(who, is_self), core.class_of)
  inner[wrapper] = f
  return wrapper
end

return M
