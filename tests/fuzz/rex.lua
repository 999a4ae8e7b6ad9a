-- Random calls of nn.rex beside lrexlib's rex_pcre2: the same results, the same arguments for the functions they call, and
-- errors at the same calls.
--   ./nnlua tests/fuzz/rex.lua [calls] [seed] [alone]
-- With "alone" nn.rex is compared with itself: for sanitizers, because lrexlib leaks.
--
-- Differences on purpose, each as narrow as it can be told:
--   utf     With UTF-8, gmatch, gsub, split and count of lrexlib go on a byte after an empty match, which is an error
--           (BADUTFOFFSET) before a longer character. Here they go on a character: the matches must be those that
--           lrexlib's find gives from the places where characters begin.
--   int     lrexlib cuts positions, n and flags to 32 bits; here they are what they are. It gets the nearest it can take.
--   float   lrexlib takes an n, compile flags or a control function's second result that is no integer for 0. Here that
--           is an error.
--   letter  The letter u is UTF here; lrexlib has no such letter (it gets the number). It passes over letters that it
--           does not know, here they are an error.
--   buffer  lrexlib's dfa_exec takes no buffers, though its manual says so. It gets the string.
--   size    lrexlib's dfa_exec takes a negative or huge ovecsize or wscount as it comes, and fails or crashes. Not tried.
--   jit     Patterns are compiled by the JIT at once, so that patterninfo's JITSIZE is another. Where PCRE2's interpreter
--           and its JIT disagree (in calls of groups, for one in a million calls or so; see src/lua/rex_traits.c for the
--           patterns that are not left to the JIT), the result must be that of lrexlib after re:jit_compile().
--   limit   A call that needs too much effort is an error here that says so. There it takes long (0.2 seconds or more), or
--           is an error too. Some calls that are an error there (MATCHLIMIT) are within the limits here.
--   room    dfa_exec gives itself more workspace than it is told where a text is long (262144 / wscount bytes), so that it
--           is not an error (DFA_WSSIZE).
--   facts   flags(nil) gives a table, as the manual says of optional arguments; config(5) is an error. There are more
--           constants, and config has names without PCRE2_CONFIG_ too. patterninfo's numbers are integers.
-- Not tried, because lrexlib crashes or reads what it never wrote: texts that are no UTF-8 with the flag NO_UTF_CHECK, \K in
-- subroutines, DFA_RESTART.

package.cpath = package.cpath .. ";/usr/lib/x86_64-linux-gnu/lua/5.4/?.so;/usr/local/lib/lua/5.4/?.so"
local ours = require("nn").rex
local there, theirs = true, ours
if arg[3] ~= "alone" then
  there, theirs = pcall(require, "rex_pcre2")
end
if not there then
  print "skipped: there is no lrexlib to compare with; apt-get install lua-rex-pcre2"
  os.exit(0)
end
local flags = ours.flags()
local calls, seed = tonumber(arg[1]) or 100000, tonumber(arg[2]) or os.time()
print(("seed %d, %s, PCRE2 %s"):format(seed, theirs._VERSION, theirs.version()))

local random = math.random

local function one_of(list)
  return list[random(#list)]
end

local function chance(percent)
  return random(100) <= percent
end

-- ---- patterns ----

local plain = { "a", "b", "c", "A", "1", " ", ",", "x", "é", "aa", "ab", "-", "_" }
local single = { ".", "[ab]", "[^a]", "[a-c1]", "[[:alpha:]]", "[^[:space:]]", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\h",
  "\\N", "[\\w,]", "\\x61", "[é]", "\\p{L}", "\\P{Lu}", "\\n", "[^\\n]", "\\t", "\\.", "\\x{e9}", "[]a]", "\\Qa.\\E" }
local places = { "^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?<=ab|c)", "(?=.?a)" }
local quantifiers = { "?", "*", "+", "{2}", "{1,2}", "{0,3}", "{1,}", "??", "*?", "+?", "{1,2}?", "?+", "*+", "++", "{1,2}+" }
local odd = { "\\R", "\\X", "\\K", "(?#note)", "(?C1)", "(*PRUNE)", "(*SKIP)", "(*COMMIT)", "(*FAIL)", "(*ACCEPT)", "(*THEN)",
  "(?i)", "(?-i)", "(?s)", "(?m)", "(?x)", "(?U)", "(?J)", "\\C", "\\1", "\\2", "\\k<n>", "(?P=n)", "\\g{-1}", "(?1)", "(?R)",
  "(?&n)", "(?(1)a|b)", "(?(<n>)a)", "(?(?=a)ab|b)" }
local openings = { "(", "(", "(", "(", "(?:", "(?:", "(?<n>", "(?'m'", "(?P<n>", "(?>", "(?|", "(?i:", "(?s-i:", "(?=", "(?!",
  "(?^:" }
local beginnings = { "(*UTF)", "(*UCP)", "(*CRLF)", "(*ANYCRLF)", "(*CR)", "(*NOTEMPTY)", "(*NOTEMPTY_ATSTART)", "(*NO_JIT)",
  "(*LIMIT_MATCH=5)", "(*NO_START_OPT)", "(*BSR_ANYCRLF)" }

local sequence

local function quantified(p)
  return p .. (chance(35) and one_of(quantifiers) or "")
end

local function item(depth)
  local r = random(100)
  if r <= 35 then
    return quantified(one_of(plain))
  elseif r <= 57 then
    return quantified(one_of(single))
  elseif r <= 66 then
    return one_of(places)
  elseif r <= 72 then
    return one_of(odd)
  elseif r <= 75 then
    return one_of { "(?<=", "(?<!" } .. one_of(plain) .. (chance(30) and "|" .. one_of(single) or "") .. ")"
  elseif depth > 0 then
    local inner = sequence(depth - 1)
    for _ = 1, random(0, 2) do
      inner = inner .. "|" .. sequence(depth - 1)
    end
    return quantified(one_of(openings) .. inner .. ")")
  end
  return quantified("(" .. one_of(single) .. ")")
end

function sequence(depth)
  local out = {}
  for i = 1, random(0, 3) do
    out[i] = item(depth)
  end
  return table.concat(out)
end

local function any_pattern(depth)
  local p = sequence(depth)
  while chance(25) do
    p = p .. "|" .. sequence(depth)
  end
  return chance(4) and one_of(beginnings) .. p or p
end

-- Mostly one that compiles.
local function pattern(depth)
  local p = any_pattern(depth)
  if chance(4) and #p > 0 then -- something is missing
    local i = random(#p)
    return p:sub(1, i - 1) .. p:sub(i + 1)
  end
  while not pcall(theirs.new, p) and chance(95) do
    p = any_pattern(depth)
  end
  return p
end

-- ---- subjects ----

local pieces = { "a", "b", "c", "A", "1", " ", ",", "x", "é", "aa", "ab", "abc", "\n", "\r\n", "\r", "ß€", "𝄞", "-", "_", "\t", "\0",
  "É" }

local function subject(long)
  if chance(6) then
    return ""
  end
  local out = {}
  for i = 1, random(1, chance(20) and 25 or 8) do
    out[i] = one_of(pieces)
  end
  local s = table.concat(out)
  if chance(2) then
    s = s .. one_of { "\xff", "\xc3", "\x80a" } -- is no UTF-8
  end
  if long then -- longer than what is searched at once; often with nothing at the beginning
    return chance(60) and one_of { "-", "b", "\n", "é" }:rep(random(200, 1500)) .. s or s:rep(600 // #s + random(200))
  end
  return s
end

-- ---- values: what a call is made of, as text and as what each library gets ----

local libraries = { ours = ours, theirs = theirs }

local function value(text, mine, other)
  return { text = text, ours = mine, theirs = other == nil and mine or other }
end

-- What text says, in an environment with rex (the library) and log (which keeps what a function got).
local function code(text)
  local v = { text = text }
  for name, library in pairs(libraries) do
    v[name] = function(log)
      return load("return " .. text, "=value", "t", setmetatable({ rex = library, log = log }, { __index = _G }))()
    end
  end
  v.made = true
  return v
end

local function quoted(s)
  return '"' .. s:gsub('[%c"\\\x80-\xff]', function(c)
    return (c == '"' or c == "\\") and "\\" .. c or ("\\x%02x"):format(c:byte())
  end) .. '"'
end

local function literal(v)
  return value(type(v) == "string" and quoted(v) or tostring(v), v)
end

local none = value "nil"

local function clamp(i)
  return math.type(i) == "integer" and math.max(-0x7fffffff, math.min(0x7fffffff, i)) or i
end

local function integer(i)
  return value(type(i) == "string" and ("%q"):format(i) or tostring(i), i, clamp(i))
end

local function place()
  if chance(45) then
    return none
  end
  return integer(one_of { 1, 1, 2, 3, 5, 0, -1, -2, -5, 9, 100, -100, "2", "-1", 2.0, 1.5, "x", 1 << 40, -1 << 40,
    math.mininteger, math.maxinteger, (1 << 32) + 1 })
end

local names = { i = "CASELESS", m = "MULTILINE", s = "DOTALL", x = "EXTENDED", U = "UNGREEDY", u = "UTF" }

local function compile_flags()
  local r = random(100)
  if r <= 45 then
    return none
  elseif r <= 75 then
    local letters, sum = "", 0
    for _ = 1, random(0, 3) do
      local c = one_of { "i", "m", "s", "x", "U", "u", "u" }
      letters, sum = letters .. c, sum | flags[names[c]]
    end
    return value(("%q"):format(letters), letters, letters:find "u" and sum or letters)
  elseif r <= 97 then
    local sum = 0
    for _ = 1, random(0, 3) do
      sum = sum | flags[one_of { "CASELESS", "MULTILINE", "DOTALL", "EXTENDED", "UNGREEDY", "UTF", "UTF", "UCP", "ANCHORED",
        "DOLLAR_ENDONLY", "DUPNAMES", "FIRSTLINE", "NO_AUTO_CAPTURE", "NO_AUTO_POSSESS", "NO_START_OPTIMIZE",
        "NO_DOTSTAR_ANCHOR", "MATCH_UNSET_BACKREF", "ALLOW_EMPTY_CLASS", "ALT_BSUX", "AUTO_CALLOUT", "ALT_CIRCUMFLEX",
        "NEVER_BACKSLASH_C", "NEVER_UTF", "USE_OFFSET_LIMIT", "ENDANCHORED", "LITERAL", "EXTENDED_MORE" }]
    end
    return literal(chance(10) and sum + 0.0 or sum)
  end
  return one_of { literal(1 << 30 | 1 << 29), literal(-1), literal {}, literal(true), literal(1 << 27) }
end

local function match_flags(dfa)
  local r = random(100)
  if r <= 65 then
    return none
  elseif r <= 98 then
    local sum = 0
    for _ = 1, random(1, 2) do
      sum = sum | flags[one_of(chance(20) and dfa and { "DFA_SHORTEST" } or { "NOTBOL", "NOTEOL", "NOTEMPTY",
        "NOTEMPTY_ATSTART", "ANCHORED", "PARTIAL_SOFT", "PARTIAL_HARD", "NO_JIT", "ENDANCHORED" })]
    end
    return literal(chance(10) and tostring(sum) or chance(10) and sum + 0.0 or sum)
  end
  return one_of { literal "x", literal(0.5), literal {}, literal(1 << 20), literal(-1) }
end

local function locale()
  if chance(97) then
    return none
  end
  return one_of { literal "C", literal "no such locale", code "rex.maketables()", code "rex.maketables()", literal(7), literal {},
    literal "C.utf8" }
end

local function subject_value(long, strings)
  local s = subject(long)
  local v = literal(s)
  if chance(8) and not strings then
    local buffer = code(("rex._newmembuffer(%s)"):format(v.text))
    buffer.string = v
    return buffer
  end
  return chance(2) and one_of { literal(121), none, literal(true), literal {}, literal(1.5), code "rex.new 'a'" } or v
end

local good_replacements = { [["<%0>"]], [["%1%1"]], [["x"]], [[""]], [[{a = "1", b = false, ab = 2}]],
  [[setmetatable({}, {__index = function(_, k) log(k) return k .. k end})]], "function(...) log(...) return ... end",
  "function(a) log(a) return a == 'a' and 'AA' end", "function(...) log(...) return #... end" }
local replacements = { [["<%0>"]], [["<%1>"]], [["%2%1"]], [["x"]], [[""]], [["%%"]], [["%a%"]], [["%1%1%9"]], "7", "nil", "false",
  "1.5", [[{a = "1", b = false, ab = 2}]], "{a = {}}",
  [[setmetatable({}, {__index = function(_, k) log(k) return k .. k end})]],
  "function(...) log(...) return ... end", "function(...) log(...) end", "function(...) log(...) return false end",
  "function(...) log(...) return 5 end", "function(a) log(a) return a == 'a' and 'AA' end", "function() return {} end",
  "function() error 'no' end", "function() return true end", "function(a, b) log(a, b) return b end" }

local controls = { "function(...) log(...) return true end", "function(...) log(...) end",
  "function(...) log(...) return nil, true end", "function(...) log(...) return true, true end",
  "function(...) log(...) return true, 1 end", "function(...) log(...) return nil, 0 end",
  "function(...) log(...) return true, -1 end", "function(...) log(...) return true, '1' end",
  "function(...) log(...) return true, 1.0 end", "function(a, b) log(a, b) return a .. '-' .. b end",
  "function(a) log(a) return a % 2 == 0, a > 4 end", "function(a) log(a) return a % 2 == 0, a > 4 and 2 end",
  "function() return 12 end", "function() return {} end", "function() error 'no' end",
  "function(a, b, r) log(a, b, r) return r end", "function(a, b, r) log(a, b, r) return false, {} end" }

local function most()
  local r = random(100)
  if r <= 45 then
    return none
  elseif r <= 75 then
    return code(one_of(controls))
  end
  return integer(one_of { 0, 1, 2, 3, 10, -1, "1", "2.0", 2.0, "x", 1 << 40, math.mininteger })
end

-- ---- calls ----

local functions = { "match", "find", "gmatch", "gsub", "gsub", "gsub", "split", "count" }
local methods = { "match", "find", "tfind", "exec", "dfa_exec", "patterninfo" }

-- {name, pattern, ...} with the places of its arguments by name, so that they can be made smaller.
local function new_call()
  local long = chance(7)
  local p = pattern(long and 1 or random(0, 3))
  if long and chance(20) then
    p = one_of { "\\Ga|", "\\G|", "b*+", "(?m)^", "[^b]*", ".*?" } .. p
  end
  local c = { patt = literal(p), cf = compile_flags(), lo = locale() }
  c.method = chance(40)
  c.name = one_of(c.method and methods or functions)
  c.ef = long and chance(15) and literal(flags.NOTEMPTY_ATSTART) or match_flags(c.name == "dfa_exec")
  c.subj = subject_value(long)
  c.init = place()
  if c.method then
    c.order = { "subj", "init", "ef" }
    if c.name == "dfa_exec" then
      c.ovecsize = chance(70) and none or integer(one_of { 0, 1, 2, 3, 4, 50, 1000, "10" })
      c.wscount = chance(80) and none or integer(one_of { 20, 21, 30, 100, 1000, 100000, "200" })
      c.order = { "subj", "init", "ef", "ovecsize", "wscount" }
    elseif c.name == "patterninfo" then
      c.order = {}
    end
    return c
  end
  if chance(10) then
    c.compiled = true
  elseif chance(2) then
    c.patt = one_of { literal(1), none, literal {}, literal(true) }
  end
  if c.name == "gsub" then
    c.repl, c.n = code(one_of(chance(60) and good_replacements or replacements)), most()
    c.order = { "subj", "patt", "repl", "n", "cf", "ef", "lo" }
  elseif c.name == "match" or c.name == "find" then
    c.order = { "subj", "patt", "init", "cf", "ef", "lo" }
  else
    c.order = { "subj", "patt", "cf", "ef", "lo" }
  end
  return c
end

local function text_of(c)
  local compiled = ("rex.new(%s, %s, %s)"):format(c.patt.text, c.cf.text, c.lo.text):gsub(", nil%)$", ")"):gsub(", nil%)$", ")")
  local list = {}
  for i, name in ipairs(c.order) do
    list[i] = name == "patt" and c.compiled and compiled or c[name].text
  end
  while list[#list] == "nil" do
    list[#list] = nil
  end
  local arguments = "(" .. table.concat(list, ", ") .. ")"
  return c.method and compiled .. ":" .. c.name .. arguments or "rex." .. c.name .. arguments
end

local function show(v)
  local kind = type(v)
  if kind == "string" then
    return ("%q"):format(v)
  elseif kind == "number" then -- 2 and 2.0 are the same here
    return ("%.14g"):format(v)
  elseif kind == "table" then
    local list = {}
    for k, x in pairs(v) do
      list[#list + 1] = ("[%s]=%s"):format(show(k), show(x))
    end
    table.sort(list)
    return "{" .. table.concat(list, " ") .. "}"
  end
  return kind == "userdata" and "userdata" or tostring(v)
end

local function show_all(...)
  local list = table.pack(...)
  for i = 1, list.n do
    list[i] = show(list[i])
  end
  return table.concat(list, " ")
end

-- Runs a call in one library: what it gave and what its functions got, as text; and the error, if it is one.
local function run(c, which, jit)
  local library, log = libraries[which], {}
  local function keep(...)
    log[#log + 1] = "(" .. show_all(...) .. ")"
  end
  local function get(name)
    local v = c[name]
    if which == "theirs" and c.name == "dfa_exec" and name == "subj" and v.string then
      v = v.string
    end
    if v.made then
      return v[which](keep)
    end
    return v[which]
  end
  local ok, result = pcall(function()
    local list, n = {}, #c.order
    local function compiled()
      local re = library.new(get "patt", get "cf", get "lo")
      if jit then
        re:jit_compile()
      end
      return re
    end
    for i, name in ipairs(c.order) do
      list[i] = name == "patt" and (c.compiled or jit) and compiled() or get(name)
    end
    if c.method then
      local re = compiled()
      if c.name == "patterninfo" then
        local info = re:patterninfo()
        info.JITSIZE, info.HEAPLIMIT, info.DEPTHLIMIT = nil, nil, nil
        return show(info)
      end
      return show_all(re[c.name](re, table.unpack(list, 1, n)))
    elseif c.name ~= "gmatch" and c.name ~= "split" then
      return show_all(library[c.name](table.unpack(list, 1, n)))
    end
    local step = library[c.name](table.unpack(list, 1, n))
    local out = {}
    for i = 1, 2000 do
      local got = table.pack(step())
      out[i] = "(" .. show_all(table.unpack(got, 1, got.n)) .. ")"
      if got.n == 0 then
        break
      end
    end
    return table.concat(out)
  end)
  return (ok and result or "error") .. " " .. table.concat(log), not ok and tostring(result) or nil
end

-- ---- differences on purpose ----

-- The matches by lrexlib's find, from where characters begin.
local function places_of(c)
  local s, list, at, last = c.subj.string and c.subj.string.ours or c.subj.ours, {}, 1, nil
  local re = theirs.new(c.patt.theirs, c.cf.theirs, c.lo.made and c.lo.theirs() or c.lo.theirs)
  while at <= #s + 1 do
    local from, to = re:find(s, at, c.ef.theirs)
    if not from then
      break
    end
    local here = at
    at = to >= from and to + 1 or to + 2
    if to == last then
      at = here + 1
    else
      list[#list + 1] = from .. "-" .. to
    end
    last = to
    while at <= #s and s:byte(at) & 0xC0 == 0x80 do
      at = at + 1
    end
  end
  return table.concat(list, " ")
end

local function our_places(c)
  local list = {}
  ours.gsub(c.subj.string and c.subj.string.ours or c.subj.ours, c.patt.ours, "", function(from, to)
    list[#list + 1] = from .. "-" .. to
  end, c.cf.ours, c.ef.ours, c.lo.made and c.lo.ours() or c.lo.ours)
  return table.concat(list, " ")
end

local many = { gmatch = true, gsub = true, split = true, count = true }

local by_jit, jit_calls = false, 0

local function on_purpose(c, a, our_error, their_error, their_seconds)
  if our_error and our_error:find("more steps or memory", 1, true) then
    return their_error ~= nil or their_seconds > 0.2
  elseif their_error and their_error:find("PCRE2_ERROR_MATCHLIMIT", 1, true) then
    return not our_error
  elseif c.name == "dfa_exec" and their_error and their_error:find("DFA_WSSIZE", 1, true) then
    local s, words = c.subj.string and c.subj.string.ours or c.subj.ours, c.wscount == none and 50 or c.wscount.ours
    return not our_error and #s > (1 << 18) // words
  end
  if many[c.name] and their_error and their_error:find("BADUTFOFFSET", 1, true) then
    local ok, list = pcall(our_places, c)
    local they, their_list = pcall(places_of, c)
    return ok == they and (not ok or list == their_list)
  end
  by_jit = run(c, "theirs", true) == a
  return by_jit
end

local function differs(c)
  by_jit = false
  local a, our_error = run(c, "ours")
  local start = os.clock()
  local b, their_error = run(c, "theirs")
  return a ~= b and not on_purpose(c, a, our_error, their_error, os.clock() - start), our_error or a, their_error or b
end

-- ---- making a call smaller while it still differs ----

local function with(c, name, v)
  local d = {}
  for k, x in pairs(c) do
    d[k] = x
  end
  d[name] = v
  return d
end

local function smaller(c)
  for _, name in ipairs { "lo", "ef", "init", "n", "cf", "ovecsize", "wscount", "compiled" } do
    if c[name] and c[name] ~= none then
      local d = with(c, name, name ~= "compiled" and none or nil)
      c = differs(d) and d or c
    end
  end
  for _, name in ipairs { "subj", "patt" } do
    local i, length = 1, 64
    while length >= 1 do
      local s = c[name].string and c[name].string.ours or c[name].ours
      if type(s) ~= "string" then
        break
      end
      if i > #s then
        i, length = 1, length // 2
      else
        local d = with(c, name, literal(s:sub(1, i - 1) .. s:sub(i + length)))
        if differs(d) then
          c = d
        else
          i = i + length
        end
      end
    end
  end
  return c
end

for _, name in ipairs { "flags", "config" } do
  local mine = ours[name]()
  for key, v in pairs(theirs[name]()) do
    if mine[key] ~= v and key ~= "MINOR" then -- of the headers each was built with
      print(("%s().%s is %s, not %s"):format(name, key, mine[key], v))
      os.exit(1)
    end
  end
end
local found = 0
for i = 1, calls do
  math.randomseed(seed, i)
  local c = new_call()
  local different = differs(c)
  jit_calls = jit_calls + (by_jit and 1 or 0)
  if different then
    found = found + 1
    local small = smaller(c)
    local _, a, b = differs(small)
    print(("call %d: %s\n  nn.rex:  %s\n  lrexlib: %s"):format(i, text_of(small), a, b))
    if found == 20 then
      break
    end
  end
end
print(("%d calls, %d differences, %d where PCRE2's JIT is another opinion"):format(calls, found, jit_calls))
os.exit(found == 0 and jit_calls * 100000 <= calls + 200000 and 0 or 1, true)
