-- Expressions of --where, in Lua's words and with Lua's precedence, but no program: nothing in them can run for long, and a
-- comparison with a name that is not there, or of a number with a text, is false by itself and leaves the rest as it is.

local core = require "nn.core"

local M = {}

local MISSING = setmetatable({}, { __name = "missing" }) -- differs from the word nil: `missing ~= 3` is false

local words = { ["and"] = true, ["or"] = true, ["not"] = true, ["true"] = true, ["false"] = true, ["nil"] = true }

-- ---- words ----

local function scan(text)
  local list, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then
      return list
    end
    local name = text:match("^[%a_][%w_]*", at)
    local number = text:match("^0[xX]%x+", at) or text:match("^%d+%.?%d*[eE][+-]?%d+", at) or text:match("^%d+%.?%d*", at)
      or text:match("^%.%d+[eE][+-]?%d+", at) or text:match("^%.%d+", at)
    local quote = text:match("^[\"']", at)
    local token
    if name then
      token = { kind = words[name] and name or "name", text = name }
    elseif number then
      token = { kind = "value", value = tonumber(number), text = number }
    elseif quote then
      local stop = at
      repeat
        stop = text:find(quote, stop + 1, true) or core.raise "a text has no end"
        local backslashes = #text:sub(at, stop - 1):match "\\*$"
      until backslashes % 2 == 0
      local raw = text:sub(at, stop)
      token = { kind = "value", value = (raw:sub(2, -2):gsub("\\(.)", "%1")), text = raw }
    else
      local sign = text:match("^[=~<>]=", at) or text:match("^//", at) or text:match("^%.%.", at) or text:sub(at, at)
      token = { kind = sign, text = sign }
    end
    list[#list + 1] = token
    at = at + #token.text
  end
end

-- ---- what they do ----

local function number_of(v)
  return type(v) == "number" and v or nil
end

local function comparable(a, b)
  return type(a) == type(b) and (type(a) == "number" or type(a) == "string")
end

local operators = {
  ["=="] = function(a, b)
    if a == nil or b == nil then -- the word nil asks whether a name is there
      return (a == nil or a == MISSING) and (b == nil or b == MISSING)
    end
    return a ~= MISSING and b ~= MISSING and a == b
  end,
  ["~="] = function(a, b)
    if a == nil or b == nil then
      return not ((a == nil or a == MISSING) and (b == nil or b == MISSING))
    end
    return a ~= MISSING and b ~= MISSING and a ~= b
  end,
  ["<"] = function(a, b) return comparable(a, b) and a < b end,
  ["<="] = function(a, b) return comparable(a, b) and a <= b end,
  [">"] = function(a, b) return comparable(a, b) and a > b end,
  [">="] = function(a, b) return comparable(a, b) and a >= b end,
  [".."] = function(a, b)
    local fine = (type(a) == "string" or type(a) == "number") and (type(b) == "string" or type(b) == "number")
    return fine and a .. b or MISSING
  end,
}
for sign, f in pairs {
  ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end, ["*"] = function(a, b) return a * b end,
  ["/"] = function(a, b) return a / b end, ["^"] = function(a, b) return a ^ b end,
  ["//"] = function(a, b) return b == 0 and a / b or a // b end, ["%"] = function(a, b) return b == 0 and 0 / 0 or a % b end,
} do
  operators[sign] = function(a, b)
    return number_of(a) and number_of(b) and f(a, b) or MISSING
  end
end

local methods = { find = string.find, match = string.match, lower = string.lower, upper = string.upper, sub = string.sub,
  len = string.len }

local function holds(v)
  return v ~= MISSING and v ~= nil and v ~= false
end

-- ---- grammar ----

-- Binary operators by how close they bind: left, and right (smaller: from the right).
local binds = { ["or"] = { 1, 1 }, ["and"] = { 2, 2 }, ["<"] = { 3, 3 }, [">"] = { 3, 3 }, ["<="] = { 3, 3 }, [">="] = { 3, 3 },
  ["~="] = { 3, 3 }, ["=="] = { 3, 3 }, [".."] = { 9, 8 }, ["+"] = { 10, 10 }, ["-"] = { 10, 10 }, ["*"] = { 11, 11 },
  ["/"] = { 11, 11 }, ["//"] = { 11, 11 }, ["%"] = { 11, 11 }, ["^"] = { 14, 13 } }
local UNARY, DEEPEST = 12, 100

---A function of look(place, name) that gives what an expression says. place: "params", "result" or nil; the names that it
---asks for are in the second result, as {place, name}.
---@param text string
function M.parse(text)
  local tokens, at, asked, depth = scan(text), 1, {}, 0
  local function kind()
    return tokens[at] and tokens[at].kind
  end
  local function unexpected()
    core.raise(tokens[at] and ("'%s' is not expected there"):format(tokens[at].text) or "something is missing at its end")
  end
  local function take(wanted)
    if kind() ~= wanted then
      unexpected()
    end
    at = at + 1
    return tokens[at - 1]
  end
  local expression

  local function member(name)
    if kind() == "." then
      at = at + 1
      return take("name").text
    elseif name and kind() == "[" then
      at = at + 1
      local key = take "value"
      take "]"
      return tostring(key.value)
    end
  end

  local function variable()
    local name, place = take("name").text, nil
    if name == "params" or name == "result" or name == "run" then
      local of = member(true)
      place, name = of and name, of or name
    end
    asked[#asked + 1] = { place, name }
    return function(look)
      local v = look(place, name)
      return v == nil and MISSING or v
    end
  end

  local function call(object)
    at = at + 1
    local name = take("name").text
    local f = methods[name] or core.raise(("a text has no :%s here; it has find, match, lower, upper, sub, len"):format(name))
    local arguments = {}
    if kind() == "value" then
      arguments[1] = take("value").value
    else
      take "("
      while kind() ~= ")" do
        local sign = kind() == "-" and take "-" and -1 or 1
        local word = (kind() == "true" or kind() == "false") and take(kind())
        local value = not word and take("value").value
        arguments[#arguments + 1] = word and word.kind == "true" or type(value) == "number" and sign * value or value
        if kind() == "," then
          at = at + 1
        end
      end
      take ")"
    end
    return function(look)
      local v = object(look)
      if type(v) ~= "string" then
        return MISSING
      end
      local fine, out = pcall(f, v, table.unpack(arguments))
      return fine and out or MISSING
    end
  end

  local function simple()
    local k, value = kind(), nil
    if k == "value" or k == "true" or k == "false" or k == "nil" then
      at = at + 1
      if k == "value" then
        value = tokens[at - 1].value
      elseif k ~= "nil" then
        value = k == "true"
      end
      return function() return value end
    elseif k == "not" or k == "-" or k == "#" then
      at = at + 1
      local of = expression(UNARY)
      return function(look)
        local v = of(look)
        if k == "not" then
          return not holds(v)
        elseif k == "-" then
          return number_of(v) and -v or MISSING
        end
        return (type(v) == "string" or type(v) == "table" and v ~= MISSING) and #v or MISSING
      end
    end
    local f
    if k == "(" then
      at = at + 1
      f = expression(0)
      take ")"
    elseif k == "name" then
      f = variable()
    else
      unexpected()
    end
    while kind() == ":" do
      f = call(f)
    end
    return f
  end

  function expression(limit)
    depth = depth + 1
    if depth > DEEPEST then
      core.raise "it is nested too deep"
    end
    local left = simple()
    while binds[kind()] and binds[kind()][1] > limit do
      local sign = take(kind()).kind
      local a, b, f = left, expression(binds[sign][2]), operators[sign]
      if sign == "and" then
        left = function(look)
          local v = a(look)
          if holds(v) then
            return b(look)
          end
          return v
        end
      elseif sign == "or" then
        left = function(look)
          local v = a(look)
          if holds(v) then
            return v
          end
          return b(look)
        end
      else
        left = function(look) return f(a(look), b(look)) end
      end
    end
    depth = depth - 1
    return left
  end

  local f = expression(0)
  if tokens[at] then
    unexpected()
  end
  return function(look)
    return holds(f(look))
  end, asked
end

return M
