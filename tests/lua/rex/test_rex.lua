-- nn.rex: lrexlib's names and behaviour on PCRE2. (tests/fuzz/rex.lua compares random calls with lrexlib itself; limits and
-- Ctrl-C are in test_rex_limits.lua.)

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local rex = nn.rex
local flags = rex.flags()

TestRex = {}

-- What an iterator gives, each step as a list; nils at the end count.
local function all(iterator)
  local out = {}
  repeat
    local step = table.pack(iterator())
    out[#out + 1] = step.n > 0 and { table.unpack(step, 1, step.n) } or nil
  until step.n == 0
  return out
end

local function buffer(s)
  return rex._newmembuffer(s)
end

function TestRex:test_match_and_find()
  lu.assertEquals({ rex.match("conv1.weight", [[^(\w+)\.(weight|bias)$]]) }, { "conv1", "weight" })
  lu.assertEquals(rex.match("abc", "b."), "bc")
  lu.assertNil(rex.match("abc", "x"))
  lu.assertEquals(select("#", rex.match("abc", "x")), 1)
  lu.assertEquals({ rex.find("hello", "l+") }, { 3, 4 })
  lu.assertEquals({ rex.find("hello", "(l)(x)?") }, { 3, 3, "l", false })
  lu.assertEquals({ rex.find("hello", "l", -1) }, {})
  lu.assertEquals({ rex.find("hello", "o", -1) }, { 5, 5 })
  lu.assertEquals(rex.match("ABC", "b", nil, "i"), "B")
  lu.assertEquals(rex.match("a\nb", "^b", 1, flags.MULTILINE), "b")
  lu.assertNil(rex.match("abc", "a", 99))
  lu.assertEquals({ rex.tfind("abc", "(?<x>b)") }, { 2, 2, { "b", x = "b" } })
  lu.assertEquals({ rex.exec("abc", "(?<x>b)") }, { 2, 2, { 2, 2, x = "b" } })
end

function TestRex:test_places()
  lu.assertEquals({ rex.find("abc", "", 4) }, { 4, 3 })
  lu.assertNil(rex.find("abc", "", 5))
  lu.assertNil(rex.find("abc", "(", 5)) -- nothing is compiled for a place that is not there
  lu.assertEquals({ rex.find("abc", ".", -99) }, { 1, 1 })
  lu.assertEquals({ rex.find("abc", ".", 0) }, { 1, 1 })
  lu.assertEquals({ rex.find("abc", ".", "2") }, { 2, 2 })
  lu.assertEquals({ rex.find("abc", ".", 2.0) }, { 2, 2 })
  lu.assertEquals({ rex.find("abc", ".", math.mininteger) }, { 1, 1 })
  for _, far in ipairs { math.maxinteger, (1 << 32) + 1, 1 << 40 } do
    lu.assertNil(rex.find("abc", ".", far))
    lu.assertNil(rex.new("."):exec("abc", far))
  end
  lu.assertEquals({ rex.find(121, 2) }, { 2, 2 })
  lu.assertErrorMsgContains("rex.find: init must be an integer, but is the number 1.5", rex.find, "a", "a", 1.5)
  lu.assertErrorMsgContains("init must be an integer", rex.find, "a", "a", {})
end

function TestRex:test_objects()
  local re = rex.new "(?<year>\\d+)-(?<month>\\d+)(x)?"
  local first, last, captures = re:tfind "in 2026-11"
  lu.assertEquals({ first, last, captures[1], captures.month, captures[3] }, { 4, 10, "2026", "11", false })
  local _, _, offsets = re:exec "2026-11"
  lu.assertEquals({ table.unpack(offsets, 1, 6) }, { 1, 4, 6, 7, false, false })
  lu.assertEquals(offsets.year, "2026")
  lu.assertEquals({ re:match "1-2" }, { "1", "2", false })
  lu.assertEquals({ re:find "x" }, {})
  lu.assertEquals(type(re), "userdata")
  lu.assertEquals(tostring(rex.new 'a"\n'), [[rex("a\"\010")]])
  lu.assertNotEquals(rex.new "a", rex.new "a")
  -- flags and locale are checked, though a compiled pattern has no use for them
  lu.assertEquals(rex.match("A", rex.new "a", 1, "i"), nil)
  lu.assertErrorMsgContains("no flag 'q'", rex.match, "A", rex.new "a", 1, "q")
end

function TestRex:test_info()
  local re = rex.new("(?<n>a)(b)\\1", "i")
  local info = re:patterninfo()
  lu.assertEquals({ info.CAPTURECOUNT, info.NAMECOUNT, info.BACKREFMAX, info.MINLENGTH }, { 2, 1, 1, 3 })
  lu.assertEquals({ info.ALLOPTIONS, info.ARGOPTIONS }, { flags.CASELESS, flags.CASELESS })
  lu.assertEquals(math.type(info.SIZE), "integer")
  lu.assertNil(info.MATCHLIMIT)
  lu.assertEquals(rex.new("(*LIMIT_MATCH=7)a"):patterninfo().MATCHLIMIT, 7)
  local full = re:fullinfo()
  lu.assertEquals({ full.CAPTURECOUNT, full.NAMES, full.PATTERN }, { 2, { n = 1 }, "(?<n>a)(b)\\1" })
  lu.assertEquals(full.JIT, full.JITSIZE > 0)
  lu.assertIsTrue(re:jit_compile())
  local ok, why = re:jit_compile(1 << 20)
  lu.assertIsFalse(ok)
  lu.assertStrContains(why, "option")
end

function TestRex:test_gmatch_and_count()
  lu.assertEquals(all(rex.gmatch("a=1, b=2", [[(\w)=(\d)]])), { { "a", "1" }, { "b", "2" } })
  lu.assertEquals(all(rex.gmatch("ab", "")), { { "" }, { "" }, { "" } })
  lu.assertEquals(all(rex.gmatch("ab,c", "[^,]*")), { { "ab" }, { "c" } })
  lu.assertEquals(rex.count("banana", "an"), 2)
  lu.assertEquals(rex.count("abc", ".*"), 1)
  lu.assertEquals(rex.count("a\nb", "^.", "m"), 2)
  lu.assertEquals(rex.count("aaa", "a", nil, flags.ANCHORED), 3)
  -- an iterator ends with nothing, and stays there
  local step = rex.gmatch("a", "a")
  lu.assertEquals(step(), "a")
  lu.assertEquals({ select("#", step()), select("#", step()) }, { 0, 0 })
end

function TestRex:test_split()
  lu.assertEquals(all(rex.split("a,b;c", "[,;]")), { { "a", "," }, { "b", ";" }, { "c" } })
  lu.assertEquals(all(rex.split("", ",")), { { "" } })
  lu.assertEquals(all(rex.split(",a,", ",")), { { "", "," }, { "a", "," }, { "" } })
  lu.assertEquals(all(rex.split("x1(y)2z", "(\\d)\\((.)\\)(\\d)(-)?")), { { "x", "1", "y", "2", false }, { "z" } })
  -- empty separators count at both ends
  lu.assertEquals(all(rex.split("abc", "")), { { "", "" }, { "a", "" }, { "b", "" }, { "c", "" }, { "" } })
  lu.assertEquals(all(rex.split("xy", "$")), { { "xy", "" }, { "" } })
  lu.assertEquals(all(rex.split("xyz", "^")), { { "", "" }, { "xyz" } })
  lu.assertEquals(all(rex.split("k:v", ":*")), { { "", "" }, { "k", ":" }, { "v", "" }, { "" } })
  local step = rex.split("a", ",")
  lu.assertEquals({ step() }, { "a" })
  lu.assertEquals({ select("#", step()), select("#", step()) }, { 0, 0 })
end

function TestRex:test_gsub_strings_and_tables()
  lu.assertEquals({ rex.gsub("a1b22", [[\d+]], "<%0>") }, { "a<1>b<22>", 2, 2 })
  lu.assertEquals({ rex.gsub("hello", "(l)(l)", "%2%1%%") }, { "hell%o", 1, 1 })
  lu.assertEquals({ rex.gsub("abc", "b", "[%1]") }, { "a[b]c", 1, 1 }) -- %1 is the match where there is no group
  lu.assertEquals({ rex.gsub("ab", "(x)?b", "<%1>%a%") }, { "a<>a", 1, 1 })
  lu.assertEquals({ rex.gsub("abc", "\\w", { a = "1", b = false }) }, { "1bc", 3, 1 })
  lu.assertEquals({ rex.gsub("ab", "(a)(b)", { a = 2.5 }) }, { "2.5", 1, 1 })
  lu.assertEquals({ rex.gsub("ab", "b", 7) }, { "a7", 1, 1 })
  lu.assertEquals({ rex.gsub("abc", "\\w*", "x") }, { "x", 1, 1 }) -- as Lua 5.4
  lu.assertEquals((rex.gsub("abc", "", "-")), "-a-b-c-")
  local asked = {}
  lu.assertEquals((rex.gsub("ab", ".", setmetatable({}, { __index = function(_, key)
    asked[#asked + 1] = key
    return key .. key
  end }))), "aabb")
  lu.assertEquals(asked, { "a", "b" })
end

function TestRex:test_gsub_functions()
  lu.assertEquals({ rex.gsub("abc", "\\w", string.upper, 2) }, { "ABc", 2, 2 })
  lu.assertEquals({ rex.gsub("a1b", "([a-z])(\\d)?", function(letter, digit)
    return digit and digit .. letter
  end) }, { "1ab", 2, 1 })
  lu.assertEquals({ rex.gsub("ab", ".", function()
    return 5
  end) }, { "55", 2, 2 })
  -- the pattern may be in use again within
  local re = rex.new "(\\d)(\\d)"
  lu.assertEquals({ rex.gsub("12 34", re, function(a, b)
    lu.assertEquals({ re:match "98" }, { "9", "8" })
    lu.assertEquals(rex.gsub("56", re, "%2%1"), "65")
    return b .. a
  end) }, { "21 43", 2, 2 })
end

function TestRex:test_gsub_n()
  for _, n in ipairs { 2, 2.0, "2" } do
    lu.assertEquals({ rex.gsub("aaa", "a", "b", n) }, { "bba", 2, 2 })
  end
  lu.assertEquals({ rex.gsub("aaa", "a", "b", 0) }, { "aaa", 0, 0 })
  lu.assertEquals({ rex.gsub("aaa", "a", "b", math.mininteger) }, { "aaa", 0, 0 })
  lu.assertEquals({ rex.gsub("aaa", "a", "b", 1 << 40) }, { "bbb", 3, 3 })
  lu.assertErrorMsgContains("rex.gsub: n must be an integer", rex.gsub, "a", "a", "b", 1.5)
  lu.assertErrorMsgContains("rex.gsub: n must be an integer", rex.gsub, "a", "a", "b", "x")
  lu.assertErrorMsgContains("rex.gsub: n must be an integer", rex.gsub, "a", "a", "b", false)
end

-- gsub of six letters in pairs, with a control function that returns what is given.
local function controlled(repl, ...)
  local results, calls = table.pack(...), {}
  local out = { rex.gsub("qwerty", "..", repl, function(...)
    calls[#calls + 1] = { ... }
    return table.unpack(results, 1, results.n)
  end) }
  out[4] = #calls
  return out, calls
end

function TestRex:test_gsub_control()
  local out, calls = controlled("<%0>", true)
  lu.assertEquals(out, { "<qw><er><ty>", 3, 3, 3 })
  lu.assertEquals(calls, { { 1, 2, "<qw>" }, { 3, 4, "<er>" }, { 5, 6, "<ty>" } })
  lu.assertEquals(controlled "-", { "qwerty", 3, 0, 3 })
  lu.assertEquals(controlled("-", nil), { "qwerty", 3, 0, 3 })
  lu.assertEquals(controlled("-", false), { "qwerty", 3, 0, 3 })
  lu.assertEquals(controlled("-", {}), { "---", 3, 3, 3 })
  lu.assertEquals(controlled("-", "+"), { "+++", 3, 3, 3 })
  lu.assertEquals(controlled("-", 8), { "888", 3, 3, 3 })
  -- the second result: no more questions
  lu.assertEquals(controlled("-", true, true), { "---", 3, 3, 1 })
  lu.assertEquals(controlled("-", nil, true), { "qw--", 3, 2, 1 })
  lu.assertEquals(controlled("-", "+", 1), { "+-ty", 2, 2, 1 })
  lu.assertEquals(controlled("-", nil, 0), { "qwerty", 1, 0, 1 })
  lu.assertEquals(controlled("-", true, -3), { "-erty", 1, 1, 1 })
  lu.assertEquals(controlled("-", true, math.maxinteger), { "---", 3, 3, 1 })
  lu.assertEquals(controlled("-", true, "0"), { "---", 3, 3, 1 }) -- a string is no number here
  lu.assertErrorMsgContains("second result of the control function", controlled, "-", true, 0.5)
  -- what the replacement gave is what the control function gets
  local keep = { er = 4 }
  out, calls = controlled(keep, true)
  lu.assertEquals(out, { "qw4ty", 3, 1, 3 })
  lu.assertEquals(calls, { { 1, 2, nil }, { 3, 4, "4" }, { 5, 6, nil } })
end

function TestRex:test_yields()
  local co = coroutine.wrap(function()
    return rex.gsub("abc", "(\\w)", coroutine.yield, function(...)
      return coroutine.yield(...)
    end)
  end)
  lu.assertEquals({ co() }, { "a" })
  lu.assertEquals({ co "X" }, { 1, 1, "X" })
  lu.assertEquals({ co(true) }, { "b" })
  collectgarbage()
  lu.assertEquals({ co(nil) }, { 2, 2 })
  lu.assertEquals({ co(true) }, { "c" })
  lu.assertEquals({ co(7) }, { 3, 3, "7" })
  lu.assertEquals({ co "Z" }, { "XbZ", 3, 2 })
  -- a table's __index, iterators within, and coroutines that are left behind
  local fields = setmetatable({}, { __index = function(_, key)
    return coroutine.yield(key)
  end })
  co = coroutine.wrap(function()
    for word in rex.gmatch("ab cd", "\\w+") do
      coroutine.yield((rex.gsub(word, ".", fields)))
    end
  end)
  lu.assertEquals({ co(), co "1", co "2", co(), co(false) }, { "a", "b", "12", "c", "d" })
  lu.assertEquals(co "!", "c!")
  co = nil -- luacheck: ignore 311
  collectgarbage()
end

function TestRex:test_utf()
  lu.assertEquals((rex.gsub("äöü", ".", "x", nil, "u")), "xxx")
  lu.assertEquals((rex.gsub("äß€x", "", "-", nil, "u")), "-ä-ß-€-x-")
  lu.assertEquals((rex.gsub("äß", "x*", "-", nil, flags.UTF)), "-ä-ß-")
  lu.assertEquals((rex.gsub("äß", "(*UTF)", "-")), "-ä-ß-")
  lu.assertEquals(rex.count("äß€", "", "u"), 4)
  lu.assertEquals(all(rex.gmatch("ä€", "()", "u")), { { "" }, { "" }, { "" } })
  lu.assertEquals(all(rex.split("ä€", "", "u")), { { "", "" }, { "ä", "" }, { "€", "" }, { "" } })
  lu.assertEquals({ rex.find("ä€", ".", 3, "u") }, { 3, 5 })
  lu.assertErrorMsgContains("within a UTF-8 character", rex.find, "ä€", ".", 2, "u")
  lu.assertErrorMsgContains("no UTF-8 at byte 2", rex.match, "a\xff", ".", 1, "u")
  lu.assertErrorMsgContains("no UTF-8 at byte 4", rex.gsub, "abc\xe4", "b", "", nil, "u")
  -- the flag that would make PCRE2 believe it is checked all the same
  lu.assertErrorMsgContains("no UTF-8", rex.match, "a\xff", ".", 1, "u", flags.NO_UTF_CHECK)
  lu.assertErrorMsgContains("no UTF-8", rex.match, "a\xff", ".", 1, flags.UTF | flags.NO_UTF_CHECK)
  lu.assertErrorMsgContains("UTF-8", rex.new, "a\xff", flags.UTF | flags.NO_UTF_CHECK)
  lu.assertEquals((rex.gsub("a\xffb", "\\w", "-", nil, flags.UTF | flags.MATCH_INVALID_UTF)), "-\xff-")
end

function TestRex:test_names_and_doubles()
  local _, _, texts = rex.new("(?J)(?<n>a)|(?<n>b)"):tfind "b"
  lu.assertEquals(texts, { false, "b", n = "b" })
  _, _, texts = rex.new("(?<a>x)(?<b>y)?"):exec "x"
  lu.assertEquals(texts, { 1, 1, false, false, a = "x", b = false })
  local many = rex.new(("(a)"):rep(300))
  lu.assertEquals(select("#", many:match(("a"):rep(300))), 300)
  lu.assertEquals(select("#", rex.gmatch(("a"):rep(300), many)()), 300)
  lu.assertEquals({ rex.gsub(("a"):rep(300), many, function(...)
    return select("#", ...)
  end) }, { "300", 1, 1 })
end

function TestRex:test_dfa_exec()
  local function ends(pattern, ...)
    return { rex.new(pattern):dfa_exec(...) }
  end
  lu.assertEquals(ends("<.*>", "a<b><c>"), { 2, { 7, 4 }, 2 })
  lu.assertEquals(ends("x*?", "xxx", 2), { 2, { 3, 2, 1 }, 3 })
  lu.assertEquals(ends("x*?", "xxx", -1), { 3, { 3, 2 }, 2 })
  lu.assertEquals(ends("z", "xxx"), {})
  lu.assertEquals(ends("wxyz", "awx", 1, flags.PARTIAL_SOFT), { 2, { 3 }, flags.ERROR_PARTIAL })
  lu.assertEquals(ends("x*?", "xxxx", 1, 0, 4), { 1, { 4, 3 }, 0 }) -- room for two
  lu.assertEquals(ends("x*?", "xxxx", 1, 0, 0), { 1, {}, 0 })
  lu.assertEquals(ends("x*?", "xxxx", 1, flags.DFA_SHORTEST), { 1, { 0 }, 1 })
  lu.assertEquals(ends("a|b", buffer "xb"), { 2, { 2 }, 1 })
  lu.assertErrorMsgContains("DFA_BADRESTART", ends, "a", "a", 1, flags.DFA_RESTART)
  lu.assertErrorMsgContains("DFA_WSSIZE", ends, "(?:a|.b|..c|...d|.{4}e)*[xy]", "aaaaaaa", 1, 0, 100, 20)
  lu.assertErrorMsgContains("BADOFFSET", ends, "a", "a", 3)
  lu.assertErrorMsgContains("ovecsize must be from 0", ends, "a", "a", 1, 0, -1)
  lu.assertErrorMsgContains("wscount must be from 20", ends, "a", "a", 1, 0, 100, 1)
  lu.assertErrorMsgContains("wscount must be from 20", ends, "a", "a", 1, 0, 100, 1 << 40)
  -- and the pattern is as good as before
  local re = rex.new "(a)(b)?"
  re:dfa_exec("ab", 1, 0, 1000)
  lu.assertEquals({ re:find "xa" }, { 2, 2, "a", false })
end

function TestRex:test_partial_is_an_error()
  for _, name in ipairs { "find", "match", "count" } do
    local init = name ~= "count" and { 1 } or {}
    local arguments = { "abc", "bcd" }
    table.move(init, 1, #init, 3, arguments)
    arguments[#arguments + 1] = 0
    arguments[#arguments + 1] = flags.PARTIAL_SOFT
    lu.assertErrorMsgContains("PCRE2_ERROR_PARTIAL", rex[name], table.unpack(arguments))
  end
  lu.assertEquals({ rex.find("abc bcd", "bcd", 1, 0, flags.PARTIAL_SOFT) }, { 5, 7 })
end

function TestRex:test_buffers()
  local b = buffer "some words"
  lu.assertEquals(rex.match(b, "\\w+", 6), "words")
  lu.assertEquals(rex.count(b, "\\w+"), 2)
  lu.assertEquals({ rex.gsub(b, "o", "0") }, { "s0me w0rds", 2, 2 })
  lu.assertEquals(all(rex.split(b, " ")), { { "some", " " }, { "words" } })
  lu.assertEquals(rex.new("(w)"):match(b), "w")
  local step = rex.gmatch(buffer "ab", ".")
  collectgarbage()
  lu.assertEquals({ step(), step() }, { "a", "b" })
  lu.assertEquals(rex.gsub(buffer "", "", "x"), "x")
  -- a table that points into another
  local part = setmetatable({ topointer = function()
    return b:topointer()
  end }, { __len = function()
    return 4
  end })
  lu.assertEquals(rex.match(part, ".*"), "some")
end

function TestRex:test_bad_buffers()
  local pointer = buffer("abc"):topointer()
  local function one(point, length)
    return setmetatable({ topointer = point }, { __len = length })
  end
  local function gives(v)
    return function()
      return v
    end
  end
  local fail = function()
    error "no buffer today"
  end
  for text, bad in pairs {
    ["without a method topointer"] = {},
    ["must give a light userdata, but gave nil"] = one(gives(nil), gives(3)),
    ["must give a light userdata, but gave a FILE*"] = one(gives(io.stdout), gives(3)),
    ["length must be an integer from 0, but is the number 1.5"] = one(gives(pointer), gives(1.5)),
    ["length must be an integer from 0, but is the number -1"] = one(gives(pointer), gives(-1)),
    ["length must be an integer from 0, but is nil"] = one(gives(pointer), gives(nil)),
    ["no buffer today"] = one(fail, gives(3)),
    ["must be a string or a buffer, but is a FILE*"] = io.stdout,
    ["must be a string or a buffer, but is nil"] = false,
  } do
    for _, name in ipairs { "find", "match", "gmatch", "split", "count" } do
      lu.assertErrorMsgContains(text, rex[name], bad or nil, "a")
    end
    lu.assertErrorMsgContains(text, rex.gsub, bad or nil, "a", "")
    lu.assertErrorMsgContains(text, rex.new("a").dfa_exec, rex.new "a", bad or nil)
  end
  lu.assertErrorMsgContains("no buffer today", rex.find, one(gives(pointer), fail), "a")
  lu.assertErrorMsgContains("must be a string", rex.find, rex.new "a", "a")
  lu.assertErrorMsgContains("topointer", rex.find, nn.zeros(2), "a")
end

function TestRex:test_locales()
  lu.assertEquals(rex.match("ab", "\\w+", 1, nil, nil, "C"), "ab")
  local tables = rex.maketables()
  lu.assertEquals(type(tables), "userdata")
  lu.assertStrContains(tostring(tables), "maketables")
  local re = rex.new("[[:upper:]]+", 0, tables)
  tables = nil -- luacheck: ignore 311
  collectgarbage()
  lu.assertEquals(re:match "aBCd", "BC")
  lu.assertEquals(rex.gsub("aB", "[[:lower:]]", "-", nil, "i", nil, rex.maketables()), "--")
  lu.assertErrorMsgContains("no locale 'xx_XX.none'", rex.new, "a", 0, "xx_XX.none")
  lu.assertErrorMsgContains("the locale must be a name or rex.maketables()", rex.find, "a", "a", 1, 0, 0, {})
  lu.assertErrorMsgContains("the locale must be a name", rex.find, "a", "a", 1, 0, 0, rex.new "a")
end

function TestRex:test_constants()
  lu.assertStrMatches(rex.version(), "10%..*")
  lu.assertStrContains(rex._VERSION, "Lrexlib 2.9.4 (for PCRE2)")
  lu.assertEquals(flags.MAJOR, 10)
  lu.assertEquals({ flags.ERROR_NOMATCH, flags.ERROR_PARTIAL, flags.INFO_SIZE, flags.JIT_COMPLETE }, { -1, -2, 22, 1 })
  for _, name in ipairs { "DFA_SHORTEST", "NEWLINE_CRLF", "BSR_UNICODE", "SUBSTITUTE_GLOBAL", "ERROR_UTF8_ERR21", "MINOR" } do
    lu.assertEquals(math.type(flags[name]), "integer", name)
  end
  lu.assertNil(rex.match("ba", "a", 1, flags.ANCHORED))
  lu.assertNil(rex.match("ba", "a", 1, flags.ANCHORED & 0xffffffff)) -- with and without the sign
  local filled = { x = 1 }
  lu.assertIs(rex.flags(filled), filled)
  lu.assertEquals({ filled.x, filled.UTF }, { 1, flags.UTF })
  lu.assertEquals(rex.flags(nil).UTF, flags.UTF)
  local config = rex.config { y = 2 }
  lu.assertEquals(config.y, 2)
  lu.assertEquals(config.PCRE2_CONFIG_MATCHLIMIT, config.MATCHLIMIT)
  lu.assertEquals(math.type(config.PCRE2_CONFIG_LINKSIZE), "integer")
  lu.assertErrorMsgContains("rex.flags: wants a table", rex.flags, 1)
end

function TestRex:test_errors()
  lu.assertErrorMsgContains("is wrong at position 3", rex.match, "a", "(a")
  lu.assertErrorMsgContains("there is no flag 'q'", rex.new, "a", "q")
  lu.assertErrorMsgContains("the pattern must be a string", rex.match, "a", {})
  lu.assertErrorMsgContains("a compiled one already", rex.new, rex.new "a")
  lu.assertErrorMsgContains("has 1 groups", rex.gsub, "a", "(a)", "%2")
  lu.assertErrorMsgContains("has 1 groups", rex.gsub, "b", "(a)", "%2")
  lu.assertErrorMsgContains("must be a string or false", rex.gsub, "a", "a", function()
    return {}
  end)
  lu.assertErrorMsgContains("must be a string, table or function, but is nil", rex.gsub, "a", "a", nil)
  lu.assertErrorMsgContains("flags must be an integer, but is the number 0.5", rex.find, "a", "a", 1, 0.5)
  lu.assertErrorMsgContains("of 32 bits", rex.find, "a", "a", 1, 1 << 40)
  lu.assertErrorMsgContains("the match flags must be an integer", rex.find, "a", "a", 1, 0, "x")
  lu.assertErrorMsgContains("PCRE2_ERROR_BADOPTION", rex.find, "a", "a", 1, 0, flags.DFA_SHORTEST)
  lu.assertErrorMsgContains("oh", rex.gsub, "a", "a", function()
    error "oh"
  end)
  local out, err = process.script('local rex = require "nn".rex\n\nlocal n = rex.count("a", "[")', nil, "counting.lua")
  lu.assertStrContains(out .. err, "counting.lua:3: rex.count: the pattern '[' is wrong at position 2")
end

function TestRex:test_wrong_and_closed_objects()
  local re = rex.new "a(?R)?"
  local meta = getmetatable(re)
  for _, name in ipairs { "match", "find", "tfind", "exec", "dfa_exec", "patterninfo", "fullinfo", "jit_compile" } do
    for _, wrong in ipairs { 1, "a", io.stdout, {}, rex.maketables(), nn.zeros(1) } do
      lu.assertErrorMsgContains("rex." .. name .. ": must be called on a compiled pattern", re[name], wrong, "a")
    end
    lu.assertErrorMsgContains("must be called on", re[name])
  end
  meta.__gc(io.stdout)
  meta.__gc(nil)
  local other = rex.new "a(?R)?"
  meta.__gc(re)
  meta.__gc(re)
  lu.assertEquals(tostring(re), "rex(closed)")
  for _, name in ipairs { "match", "exec", "dfa_exec", "patterninfo", "jit_compile" } do
    lu.assertErrorMsgContains("the pattern was closed", re[name], re, "a")
  end
  lu.assertErrorMsgContains("the pattern was closed", rex.gsub, "a", re, "")
  lu.assertEquals(other:match "aa", "aa")
  lu.assertEquals(rex.match("aa", "a(?R)?"), "aa")
  -- closed by a callback, or by the subject
  local verbs = rex.new "(*SKIP)a"
  lu.assertErrorMsgContains("closed while it was in use", rex.gsub, "aaa", verbs, function()
    meta.__gc(verbs)
  end)
  local again = rex.new "(*SKIP)a"
  lu.assertErrorMsgContains("closed", again.find, again, setmetatable({ topointer = function()
    meta.__gc(again)
    return buffer("a"):topointer()
  end }, { __len = function()
    return 0
  end }))
end

-- Compared with Lua's own patterns where both mean the same.
function TestRex:test_beside_string_library()
  local g = nn.Generator(3)
  for _ = 1, 200 do
    local s = {}
    for i = 1, 12 do
      s[i] = ("ab1 "):sub(g:integer(4), -1):sub(1, 1)
    end
    local text = table.concat(s)
    lu.assertEquals({ rex.gsub(text, "[a-b]*", "<%0>") }, (function()
      local r, n = text:gsub("[a-b]*", "<%0>")
      return { r, n, n }
    end)(), text)
    lu.assertEquals({ rex.find(text, "(\\d+)") }, { text:find "(%d+)" }, text)
  end
end

function TestRex:test_beside_lrexlib()
  local lrexlib_leaks = "ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 "
  local out, err, status = process.run(lrexlib_leaks .. process.nnlua .. " tests/fuzz/rex.lua 3000 1")
  lu.assertEquals(status, 0, out .. err)
end
