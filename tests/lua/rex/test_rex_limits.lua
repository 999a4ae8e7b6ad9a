-- nn.rex: no call runs for ever. What a pattern may try is limited for a call as a whole, in relation to the length of the
-- text; long honest work is none of that; Ctrl-C ends a call. (How fast is for tests/bench.)

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local rex = nn.rex
local flags = rex.flags()

TestRexLimits = {}

local too_much = "more steps or memory"

function TestRexLimits:test_one_start()
  local a40 = ("a"):rep(40) .. "!"
  lu.assertErrorMsgContains(too_much, rex.match, a40, "^(a+)+$")
  lu.assertErrorMsgContains(too_much, rex.find, a40, "^(a|aa)+$")
  lu.assertErrorMsgContains(too_much, rex.find, a40, "^(a+)+$", 1, 0, flags.NO_JIT)
  lu.assertErrorMsgContains("(41 bytes)", rex.new("(a+)+$").exec, rex.new "(a+)+$", a40)
  lu.assertErrorMsgContains("possessive ones (a++) the cure", rex.count, a40, "(x+x+)*(a|a)+$")
  lu.assertErrorMsgContains(too_much, rex.find, ("a"):rep(3000), "a*a*a*a*[bc]")
end

-- Each start is cheap, or each match is; all of them are not.
function TestRexLimits:test_many_starts()
  lu.assertErrorMsgContains(too_much, rex.find, (" "):rep(500000) .. "x", "\\s*\\s+$")
  lu.assertErrorMsgContains(too_much, rex.find, ("a"):rep(100000), "(.*)\\1[bc]")
  lu.assertErrorMsgContains(too_much, rex.find, ("a"):rep(100000), "(?:(?=.*+)a)*[bc]")
  local lines = (("a"):rep(40) .. "!\n"):rep(10000)
  lu.assertErrorMsgContains(too_much, rex.gsub, lines, "(?m)^(a+)+$", "x")
  lu.assertErrorMsgContains(too_much, rex.count, lines, "(?m)^(a+)+$")
  lu.assertErrorMsgContains(too_much, rex.split(lines, "(?m)^(a+)+$"))
  -- every match is found at once, and every search looks to the end of the text
  lu.assertErrorMsgContains(too_much, function()
    for _ in rex.gmatch(("a"):rep(200000), "a(?=(.*))(?!\\1[bc].)") do -- luacheck: ignore 542
    end
  end)
end

function TestRexLimits:test_patterns_that_know_the_start()
  local text = ("a"):rep(100000)
  lu.assertErrorMsgContains(too_much, rex.find, text, "[a-z]+(*PRUNE:x)[0-9]")
  lu.assertErrorMsgContains(too_much, rex.find, text, "(?:\\Gb|a)*a*[0-9]")
  lu.assertErrorMsgContains(too_much, rex.find, text, "(*ANYCRLF)a*a*[0-9]")
  lu.assertErrorMsgContains(too_much, rex.find, text .. "-", "a*a*[0-9]", 1, 0, flags.PARTIAL_HARD)
end

function TestRexLimits:test_dfa()
  local function ends(pattern, ...)
    return rex.new(pattern):dfa_exec(...)
  end
  lu.assertErrorMsgContains(too_much, ends, "[a-z]+[0-9]", ("a"):rep(500000))
  lu.assertErrorMsgContains(too_much, ends, "(a(?1)?(?1)?|b)[cd]", ("a"):rep(60), 1, 0, 100, 1000)
  lu.assertErrorMsgContains(too_much, ends, "(a(?1)|a)", ("a"):rep(1000000), 1, 0, 100, 1000) -- would be deep on C's stack
end

-- A pattern's own limits count as PCRE2's manual says.
function TestRexLimits:test_own_limits()
  lu.assertErrorMsgContains(too_much, rex.find, "aaaaaaaaaa", "(*LIMIT_MATCH=3)(?:a|b)*[cd]")
  lu.assertEquals({ rex.find("aac", "(*LIMIT_MATCH=100)(?:a|b)*c") }, { 1, 3 })
end

-- A group that calls itself without getting on is noticed by the interpreter, not by the JIT.
function TestRexLimits:test_recursion()
  lu.assertEquals({ rex.find("xxb", "b|(?R)*?", 1, 0, flags.NOTEMPTY) }, { 3, 3 })
  local deep = ("("):rep(20000) .. (")"):rep(20000)
  lu.assertEquals({ rex.find(deep, "^(\\((?1)*\\))$") }, { 1, #deep, deep })
end

function TestRexLimits:test_honest_work()
  local words = ("some words, here "):rep(200000)
  local text, found = rex.gsub(words, "\\w+", "<%0>")
  lu.assertEquals({ #text, found }, { #words + 2 * 600000, 600000 })
  lu.assertEquals(rex.count(words, "(\\w)\\w*(?:, )?"), 600000)
  lu.assertEquals(rex.count(words, "(?:so|he)(?:me|re)\\b"), 400000)
  local umlauts = ("äöü und "):rep(100000)
  lu.assertEquals(rex.count(umlauts, "[\\wäöü]+", "u"), 200000)
  lu.assertEquals(rex.count(umlauts, "\\w+", flags.UTF | flags.UCP), 200000)
  -- one long match, step by step, and one that takes memory for each
  local long = ("a"):rep(1000000)
  lu.assertEquals({ rex.find(long .. "!", "a.*?!") }, { 1, 1000001 })
  lu.assertEquals({ rex.find(long .. "!", "^(?:a|b)*!") }, { 1, 1000001 })
  lu.assertEquals({ rex.find(long .. "!", "(?:a|b)*!", 800001, 0, flags.NO_JIT) }, { 800001, 1000001 })
  -- nothing to be found in a run, from any start in it: the JIT sees that at once
  lu.assertEquals(rex.count(long, "[a-z]+[0-9]"), 0)
  -- some thousand steps for each line
  local line = "one two three four " .. ("."):rep(50) .. " [five] six \"seven\" 8 9\n"
  lu.assertEquals(rex.count(line:rep(20000), [[^(.*) (.*) (.*) \[(.*)\] (.*) "(.*)" (\d+) (\d+)$]], "m"), 20000)
end

-- In a long text the starts are tried piece by piece. Nothing tells.
function TestRexLimits:test_pieces()
  local filler = ("-"):rep(70000)
  for _, n in ipairs { 255, 256, 257, 511, 512, 513, 600, 767, 768, 769, 5000, 65536 } do
    local text = filler:sub(1, n) .. "ab" .. filler
    lu.assertEquals({ rex.find(text, "[a-z]+") }, { n + 1, n + 2 })
    lu.assertEquals({ rex.find(text, "(?<=-)b|(?<=a)b") }, { n + 2, n + 2 })
    lu.assertEquals({ rex.find(text, "\\Bb|[^-]\\B", 3) }, { n + 1, n + 1 })
    lu.assertEquals({ rex.find(text, "^[^-]|(?m)^a") }, {})
    lu.assertEquals({ rex.find(text, "\\Ga|\\Gb") }, {})
    lu.assertEquals({ rex.find(text, "a(*COMMIT)x|b") }, {})
    lu.assertEquals({ rex.find(text, "(?s).*?b") }, { 1, n + 2 })
    lu.assertEquals({ rex.find(text, "x?", 1, 0, flags.NOTEMPTY_ATSTART) }, { 2, 1 })
    lu.assertEquals({ rex.find(filler:sub(1, n) .. "\nab", "[a-z]+", 1, flags.FIRSTLINE) }, {})
    local umlauts = ("ä"):rep(n) .. "b" .. ("ö"):rep(1000)
    lu.assertEquals({ rex.find(umlauts, "[a-z]", 1, "u") }, { 2 * n + 1, 2 * n + 1 })
    lu.assertEquals({ rex.find(umlauts, "[a-z]", 3, "u") }, { 2 * n + 1, 2 * n + 1 })
    lu.assertEquals({ rex.find(umlauts, "ö", 1, "u") }, { 2 * n + 2, 2 * n + 3 })
  end
end

-- ---- Ctrl-C ----

-- Runs a call and sends it SIGINT when it has said that it begins: what pcall says of it.
local function interrupted(call)
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write([[
local rex = require "nn".rex
local long = (" "):rep(40000000)
local words = ("some words "):rep(8000000)
io.stdout:write "ready\n"
io.stdout:flush()
print(pcall(function() ]] .. call .. [[ end))
print "alive"
]])
  f:close()
  -- a shell makes what it starts in the background ignore SIGINT; env gives the signal its default meaning back
  local out = process.run(([[
    out=%s.out; : >$out
    env --default-signal=INT %s %s >$out 2>$out.err &
    pid=$!
    for i in $(seq 400); do grep -q ready $out && break; sleep 0.05; done
    sleep 0.2; kill -INT $pid
    ( sleep 60; kill -KILL $pid ) >/dev/null 2>&1 & guard=$!
    wait $pid; echo "ended $?"
    kill $guard 2>/dev/null
    cat $out $out.err; rm -f $out $out.err
  ]]):format(path, process.nnlua, path))
  os.remove(path)
  return out
end

function TestRexLimits:test_interrupt()
  for _, call in ipairs {
    [[rex.find(long .. "x", "\\s*\\s+$")]], -- goes back and tries again
    [[rex.count(words, "\\w+")]], -- finds much
    [[rex.gsub(words, "\\w", "x")]],
    [[rex.new("\\s+[ax]"):dfa_exec(long)]],
  } do
    local out = interrupted(call)
    lu.assertStrContains(out, "interrupted!", false, call .. out)
    lu.assertStrContains(out, "alive")
    lu.assertStrContains(out, "ended 0")
  end
end
