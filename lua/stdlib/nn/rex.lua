-- nn.rex: Perl's regular expressions by PCRE2, with the names and meaning of lrexlib's rex_pcre2.
--
--   local rex = nn.rex
--   rex.match("conv1.weight", [[^(\w+)\.(?:weight|bias)$]])   --> conv1
--   rex.gsub("a1b22", [[\d+]], "<%0>")                         --> a<1>b<22>  2  2
--   for key, value in rex.gmatch("a=1, b=2", [[(\w)=(\d)]]) do print(key, value) end
--
-- Compile flags are a number (rex.flags()) or letters: i caseless, m multi-line, s dot matches newlines, x extended,
-- U ungreedy, u UTF-8. Groups that took no part are false. Positions count from 1, in bytes. An empty match right after
-- another match is skipped, as Lua 5.4's gsub does. A pattern that needs too many steps is an error.

local core = require "nn.core"
local raw = core.rex

local M = {}
local Regex = {}
Regex.__index = Regex
Regex.__name = "nn.Regex"

local letters = { i = "CASELESS", m = "MULTILINE", s = "DOTALL", x = "EXTENDED", U = "UNGREEDY", u = "UTF" }
local values = raw.flags()

local function read_flags(who, cf)
  if cf == nil then
    return 0
  end
  if math.type(cf) == "integer" then
    return cf
  end
  if type(cf) ~= "string" then
    core.raise(("rex.%s: flags must be a number or letters, but are %s"):format(who, core.describe(cf)))
  end
  local sum = 0
  for letter in cf:gmatch "." do
    if not letters[letter] then
      core.raise(("rex.%s: there is no flag '%s' (there are i, m, s, x, U, u)"):format(who, letter))
    end
    sum = sum | values[letters[letter]]
  end
  return sum
end

local function want_string(who, name, s)
  if type(s) == "number" then
    return tostring(s)
  end
  if type(s) ~= "string" then
    core.raise(("rex.%s: %s must be a string, but is %s"):format(who, name, core.describe(s)))
  end
  return s
end

-- Compiled patterns, the last few hundred, so that functions on strings do not compile at each call.
local kept, kept_count = {}, 0

local function compiled(who, patt, cf)
  if getmetatable(patt) == Regex then
    return patt
  end
  local flags = read_flags(who, cf)
  patt = want_string(who, "the pattern", patt)
  local key = flags .. ":" .. patt
  local re = kept[key]
  if not re then
    local code = raw.compile(patt, flags)
    re = setmetatable({ code = code, pattern = patt, names = raw.names(code), groups = (raw.groups(code)),
      utf = flags & values.UTF ~= 0 }, Regex)
    if kept_count >= 256 then
      kept, kept_count = {}, 0
    end
    kept[key], kept_count = re, kept_count + 1
  end
  return re
end

---Compiles a pattern; the object has the methods match, find, tfind, exec.
---@param patt string
---@param cf? integer|string compile flags
---@return nn.Regex
function M.new(patt, cf, locale)
  if locale ~= nil then
    core.raise "rex.new: locales are not supported; use the flag u for UTF-8"
  end
  return compiled("new", patt, cf)
end

function Regex:__tostring()
  return ("rex(%q)"):format(self.pattern)
end

-- init as users write it (from 1, negative from the end) to an offset.
local function offset_of(who, s, init)
  if init == nil then
    return 0
  end
  if math.type(init) ~= "integer" then
    core.raise(("rex.%s: init must be an integer, but is %s"):format(who, core.describe(init)))
  end
  return init > 0 and init - 1 or (init < 0 and math.max(0, #s + init) or 0)
end

-- Capture g of a match, as a string or false.
local function capture(s, v, g)
  local first = v[2 * g + 1]
  return first and s:sub(first, v[2 * g + 2])
end

local function captures(re, s, v, whole)
  if re.groups == 0 then
    return whole and { s:sub(v[1], v[2]) } or {}
  end
  local list = {}
  for g = 1, re.groups do
    list[g] = capture(s, v, g)
  end
  return list
end

local function run(who, re, s, init, ef)
  s = want_string(who, "the subject", s)
  return s, raw.run(re.code, s, offset_of(who, s, init), ef or 0)
end

---The captures of the first match (or the whole match, where the pattern has none); nil where there is none.
function Regex:match(s, init, ef)
  local text, v = run("match", self, s, init, ef)
  if v then
    return table.unpack(captures(self, text, v, true))
  end
  return nil
end

---First and last position of the first match, then its captures; nil where there is none.
function Regex:find(s, init, ef)
  local text, v = run("find", self, s, init, ef)
  if v then
    return v[1], v[2], table.unpack(captures(self, text, v, false))
  end
  return nil
end

---First and last position, and a table of the captures by number and, for named groups, by name.
function Regex:tfind(s, init, ef)
  local text, v = run("tfind", self, s, init, ef)
  if not v then
    return nil
  end
  local list = captures(self, text, v, false)
  for name, g in pairs(self.names) do
    list[name] = capture(text, v, g)
  end
  return v[1], v[2], list
end

---First and last position, and a table of the captures' first and last positions (and named groups' texts by name).
function Regex:exec(s, init, ef)
  local text, v = run("exec", self, s, init, ef)
  if not v then
    return nil
  end
  local list = table.move(v, 3, #v, 1, {})
  for name, g in pairs(self.names) do
    list[name] = capture(text, v, g)
  end
  return v[1], v[2], list
end

---Number of groups, names and whether the just-in-time compiler took the pattern.
function Regex:fullinfo()
  local groups, jit = raw.groups(self.code)
  return { CAPTURECOUNT = groups, NAMES = self.names, JIT = jit, PATTERN = self.pattern }
end

for _, name in ipairs { "match", "find", "tfind", "exec" } do
  M[name] = function(s, patt, init, cf, ef)
    local re = compiled(name, patt, cf)
    return re[name](re, s, init, ef)
  end
end

-- One character on: in UTF-8 mode, not into the middle of one.
local function step(re, s, at)
  at = at + 1
  while re.utf and at <= #s and s:byte(at) & 0xC0 == 0x80 do
    at = at + 1
  end
  return at
end

-- All matches in turn; an empty one right after another is skipped.
local function matches(re, s, ef)
  local at, last = 1, nil
  return function()
    while at <= #s + 1 do
      local v = raw.run(re.code, s, at - 1, ef or 0)
      if not v then
        at = #s + 2
        return nil
      end
      if v[2] >= v[1] then
        at, last = v[2] + 1, v[2] + 1
        return v
      end
      at = step(re, s, v[1])
      if v[1] ~= last then
        last = nil
        return v
      end
    end
  end
end

---An iterator over the matches: their captures, or the whole match.
function M.gmatch(s, patt, cf, ef)
  local re = compiled("gmatch", patt, cf)
  s = want_string("gmatch", "the subject", s)
  local next_match = matches(re, s, ef)
  return function()
    local v = next_match()
    if v then
      return table.unpack(captures(re, s, v, true))
    end
    return nil
  end
end

---Number of matches.
function M.count(s, patt, cf, ef)
  local n = 0
  for _ in matches(compiled("count", patt, cf), want_string("count", "the subject", s), ef) do
    n = n + 1
  end
  return n
end

---An iterator over the parts between matches of `sep`: each part with the separator's captures (or the separator), the
---last part alone.
function M.split(s, sep, cf, ef)
  local re = compiled("split", sep, cf)
  s = want_string("split", "the subject", s)
  local from, done = 1, false
  return function()
    if done then
      return nil
    end
    local at = from
    while at <= #s do
      local v = raw.run(re.code, s, at - 1, ef or 0)
      if not v then
        break
      end
      if v[2] >= v[1] or (v[1] > from and v[1] <= #s) then
        local part = s:sub(from, v[1] - 1)
        from = v[2] + 1
        return part, table.unpack(captures(re, s, v, true))
      end
      at = step(re, s, at)
    end
    done = true
    return s:sub(from)
  end
end

-- "%1" and friends in a replacement, as a list of strings and group numbers.
local function template(repl, groups)
  local parts, i = {}, 1
  while i <= #repl do
    local j = repl:find("%", i, true)
    if not j then
      parts[#parts + 1] = repl:sub(i)
      break
    end
    if j > i then
      parts[#parts + 1] = repl:sub(i, j - 1)
    end
    local c = repl:sub(j + 1, j + 1)
    if c:find "%d" then
      local g = tonumber(c)
      g = (g == 1 and groups == 0) and 0 or g
      if g > groups then
        core.raise(("rex.gsub: %%%d in the replacement, but the pattern has %d groups"):format(g, groups))
      end
      parts[#parts + 1] = g
    else
      parts[#parts + 1] = c
    end
    i = j + 2
  end
  return parts
end

local function fill(parts, s, v)
  local out = {}
  for i, part in ipairs(parts) do
    out[i] = type(part) == "number" and (capture(s, v, part) or "") or part
  end
  return table.concat(out)
end

---Replaces matches. repl: a string (%0 the match, %1 .. %9 captures, %% a percent sign), a table (by the first capture),
---or a function (of the captures); false or nil leaves the match as it is. n: how many at most, or a function(first,
---last, replacement) that decides: true replaces, false does not, a second result of true ends it.
---@return string result, integer matches, integer replaced
function M.gsub(s, patt, repl, n, cf, ef)
  local re = compiled("gsub", patt, cf)
  s = want_string("gsub", "the subject", s)
  local kind = type(repl)
  if kind == "number" then
    repl, kind = tostring(repl), "string"
  end
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    core.raise(("rex.gsub: the replacement must be a string, table or function, but is %s"):format(core.describe(repl)))
  end
  local decide = type(n) == "function" and n
  local most = math.type(n) == "integer" and n or math.huge
  local parts = kind == "string" and template(repl, re.groups)
  local out, from, found, replaced = {}, 1, 0, 0
  if most > 0 then
    for v in matches(re, s, ef) do
      found = found + 1
      local with
      if parts then
        with = fill(parts, s, v)
      else
        local list = captures(re, s, v, true)
        if kind == "table" then
          with = repl[list[1]]
        else
          with = repl(table.unpack(list))
        end
        if with and type(with) ~= "string" and type(with) ~= "number" then
          core.raise(("rex.gsub: a replacement must be a string or false, but is %s"):format(core.describe(with)))
        end
      end
      local stop
      if decide then
        local answer
        answer, stop = decide(v[1], v[2], with and tostring(with))
        if answer == false then
          with = nil
        elseif type(answer) == "string" then
          with = answer
        end
      end
      out[#out + 1] = s:sub(from, v[1] - 1)
      out[#out + 1] = with and tostring(with) or s:sub(v[1], v[2])
      replaced = replaced + (with and 1 or 0)
      from = v[2] + 1
      if found >= most or stop then
        break
      end
    end
  end
  out[#out + 1] = s:sub(from)
  return table.concat(out), found, replaced
end

local function filled(t, from)
  if t ~= nil and type(t) ~= "table" then
    core.raise(("rex: wants a table to fill, but got %s"):format(core.describe(t)))
  end
  t = t or {}
  for name, value in pairs(from) do
    t[name] = value
  end
  return t
end

---The flags by name (without PCRE2_), for compiling and matching.
function M.flags(t)
  return filled(t, values)
end

---How PCRE2 was built.
function M.config(t)
  return filled(t, raw.config())
end

---PCRE2's version, e.g. "10.42 2022-12-11".
function M.version()
  return raw.version()
end

return M
