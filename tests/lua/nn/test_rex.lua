-- nn.rex: lrexlib's names and behaviour on PCRE2.

local lu = require "luaunit"
local nn = require "nn"
local rex = nn.rex

TestRex = {}

local function all(iterator)
  local out = {}
  for a, b in iterator do
    out[#out + 1] = b == nil and { a } or { a, b }
  end
  return out
end

function TestRex:test_match_and_find()
  lu.assertEquals({ rex.match("conv1.weight", [[^(\w+)\.(weight|bias)$]]) }, { "conv1", "weight" })
  lu.assertEquals(rex.match("abc", "b."), "bc")
  lu.assertNil(rex.match("abc", "x"))
  lu.assertEquals({ rex.find("hello", "l+") }, { 3, 4 })
  lu.assertEquals({ rex.find("hello", "(l)(x)?") }, { 3, 3, "l", false })
  lu.assertEquals({ rex.find("hello", "l", -1) }, {})
  lu.assertEquals({ rex.find("hello", "o", -1) }, { 5, 5 })
  lu.assertEquals(rex.match("ABC", "b", nil, "i"), "B")
  lu.assertEquals(rex.match("a\nb", "^b", 1, rex.flags().MULTILINE), "b")
  lu.assertNil(rex.match("abc", "a", 99))
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
  lu.assertEquals(re:fullinfo().CAPTURECOUNT, 3)
end

function TestRex:test_gmatch_split_count()
  lu.assertEquals(all(rex.gmatch("a=1, b=2", [[(\w)=(\d)]])), { { "a", "1" }, { "b", "2" } })
  lu.assertEquals(all(rex.gmatch("ab", "")), { { "" }, { "" }, { "" } })
  lu.assertEquals(all(rex.split("a,b;c", "[,;]")), { { "a", "," }, { "b", ";" }, { "c" } })
  lu.assertEquals(all(rex.split("abc", "")), { { "a", "" }, { "b", "" }, { "c" } })
  lu.assertEquals(all(rex.split("", ",")), { { "" } })
  lu.assertEquals(all(rex.split(",a,", ",")), { { "", "," }, { "a", "," }, { "" } })
  lu.assertEquals(rex.count("banana", "an"), 2)
end

function TestRex:test_gsub()
  lu.assertEquals({ rex.gsub("a1b22", [[\d+]], "<%0>") }, { "a<1>b<22>", 2, 2 })
  lu.assertEquals({ rex.gsub("hello", "(l)(l)", "%2%1%%") }, { "hell%o", 1, 1 })
  lu.assertEquals({ rex.gsub("abc", "\\w", { a = "1", b = false }) }, { "1bc", 3, 1 })
  lu.assertEquals({ rex.gsub("abc", "\\w", string.upper, 2) }, { "ABc", 2, 2 })
  lu.assertEquals({ rex.gsub("aaa", "a", "b", function(first)
    return first ~= 2
  end) }, { "bab", 3, 2 })
  lu.assertEquals({ rex.gsub("abc", "\\w*", "x") }, { "x", 1, 1 }) -- as Lua 5.4
  lu.assertEquals((rex.gsub("äöü", ".", "x", nil, "u")), "xxx")
  lu.assertEquals((rex.gsub("abc", "", "-")), "-a-b-c-")
end

function TestRex:test_errors()
  lu.assertErrorMsgContains("is wrong at position 3", rex.match, "a", "(a")
  lu.assertErrorMsgContains("more steps or memory", rex.match, ("a"):rep(40) .. "!", "^(a+)+$")
  lu.assertErrorMsgContains("there is no flag 'q'", rex.new, "a", "q")
  lu.assertErrorMsgContains("the pattern must be a string", rex.match, "a", {})
  lu.assertErrorMsgContains("has 1 groups", rex.gsub, "a", "(a)", "%2")
  lu.assertErrorMsgContains("UTF-8", rex.match, "\xff", ".", 1, "u")
  lu.assertErrorMsgContains("must be a string or false", rex.gsub, "a", "a", function()
    return {}
  end)
end

function TestRex:test_what_it_is()
  lu.assertStrMatches(rex.version(), "10%..*")
  lu.assertEquals(rex.flags({ x = 1 }).x, 1)
  lu.assertEquals(math.type(rex.config().MATCHLIMIT), "integer")
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
