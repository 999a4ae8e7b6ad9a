-- What lives on between chunks, what errors show, and the prompt's commands: lines through a pipe.

local lu = require "luaunit"
local process = require "process"

TestSession = {}

-- What these lines print, without the prompts; second: the errors.
local function session(lines, script)
  local out, err, status = process.run(("HOME=/nonexistent %s -i %s"):format(process.nnlua, script or ""), lines)
  lu.assertEquals(status, 0, err)
  out = out:gsub("^[^\n]*\n", ""):gsub("%f[^\n\0]>>? ", ""):gsub("^>+ ", "")
  repeat
    local n
    out, n = out:gsub("\n>>? ", "\n")
  until n == 0
  return out, err
end

function TestSession:test_locals_stay()
  local out = session "local x = 3\nx + 1\nlocal function f() x = x + 1 return x end\nf(), f()\nx\nx = 10\nf()\n"
  lu.assertStrContains(out, "4\n")
  lu.assertStrContains(out, "4\t5\n5\n")
  lu.assertStrContains(out, "11\n") -- the function and the prompt have one variable, not two
end

function TestSession:test_kinds_of_locals()
  local out, err = session([[
local a, b = 1, {2}
local c <const> = 7
local d <close> = setmetatable({}, {__close = function() print 'closed' end})
print('got', a, b[1], c, d)
local a = a + 1; local a = a * 10
print('again', a)
do local inner = 1 end
print('none', inner)
for i = 1, 2 do local loop = i end
print('none', loop, i)
local r = 5 return r * 2
print('r', r)
goto skip; local s = 1; ::skip::
local function odd(n) return n > 0 and odd(n - 2) or n end
odd(4)
local _ENV = {print = print}
print(a)
]])
  lu.assertEquals(err, "")
  lu.assertStrContains(out, "closed\n")
  lu.assertStrContains(out, "got\t1\t2\t7\tnil\n")
  lu.assertStrContains(out, "again\t20\n")
  lu.assertStrContains(out, "none\tnil\n")
  lu.assertStrContains(out, "none\tnil\tnil\n")
  lu.assertStrContains(out, "10\n")
  lu.assertStrContains(out, "r\t5\n")
end

-- A script that is pasted works as it does in a file, each of its lines alone, too.
function TestSession:test_the_lines_of_a_script()
  local out, err = session [[
local nn = require "nn"
nn.manual_seed(1)
local model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
local opt = nn.optim.SGD(model:parameters(), {lr = 0.1})
local x = nn.randn(8, 2)
local first
for i = 1, 20 do
  opt:zero_grad()
  local loss = model(x):square():mean()
  first = first or loss:item()
  loss:backward()
  opt:step()
end
model(x):square():mean():item() < first
local step = nn.compile(function() return model(x):sum() end)
local before = step():item()
x:fill_(0)
step():item() ~= before
]]
  lu.assertEquals(err, "")
  lu.assertStrContains(out, "true\n")
  lu.assertEquals(select(2, out:gsub("true\n", "")), 2)
end

function TestSession:test_the_locals_of_what_failed()
  local out, err = session "local u = 4 error 'bad'\nu\nlocal v, w = 1, nil + 1\nv\n"
  lu.assertStrContains(err, "stdin:1: bad")
  lu.assertStrContains(out, "4\n")
  lu.assertStrContains(out, "nil\n")
end

-- The variables of a chunk that failed are the ones that its functions have, and none of an inner block.
function TestSession:test_what_failed_shares_its_locals()
  local out = session [[
local n = 0; function inc() n = n + 1 return n end; error "x"
inc(), inc(), n
local i = 5; for i = 1, 3 do error "x" end
i
local a, b = 1, 2; goto done; do local c = 3 end ::done::
a + b
local keep_locals_ = 4
keep_locals_ + 1
local q <const>, w = 3, 4 return q * w
w
local _ENV = {print = print}
zz = 4
print(_ENV.zz, zz)
]]
  lu.assertStrContains(out, "1\t2\t2\n5\n3\n5\n12\n4\n4\t4\n")
end

-- A script's own locals stay, as of one that worked; those of its functions stand before the prompt's, and go away again.
function TestSession:test_frames_put_back_what_they_hide()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write "local x = 1\nlocal function g() local y = 2 error 'bad' end\ng()\n"
  f:close()
  local good = os.tmpname()
  f = assert(io.open(good, "w"))
  f:write "local other = 3 error 'bad, too'\n"
  f:close()
  local out = session(("local x = 5\nfunction getx() return x end\n%%run %s\nx, y\n%%run %s\nx, y, getx(), other\n"):format(path, good))
  lu.assertStrContains(out, "1\t2\n")
  lu.assertStrContains(out, "1\tnil\t5\t3\n")
  os.remove(path)
  os.remove(good)
end

-- Deep stacks are shown by their ends, at once.
function TestSession:test_runaway_recursion()
  local _, err = session "local function r() return 1 + r() end\nr()\n"
  lu.assertStrContains(err, "stack overflow")
  lu.assertTrue(#err < 5000, #err)
  local out, why = process.run("timeout 20 " .. process.nnlua .. " -", "local nn = require 'nn' local function r(n) return n > 0 and 1 + r(n - 1) "
    .. "or nn.Linear() end r(100000)")
  lu.assertEquals(out, "")
  lu.assertStrContains(why, "in_features is missing")
  lu.assertTrue(#why < 5000, #why)
end

-- The prompt's own code may be broken by what is typed: the line that mends it is heard.
function TestSession:test_a_broken_library()
  local out, err = session "kept = debug\ndebug = nil\nx = 41\nx + 1\ndebug = kept\nlocal y = 1\ny + 1\n"
  lu.assertStrContains(out, "42\n")
  lu.assertStrContains(out, "2\n")
  lu.assertStrContains(err, "the prompt's own code fails")
end

function TestSession:test_where_it_is_wrong()
  local _, err = session [[
x = = 3
t = {1, 2
3}
pritn(3)
nn.Lineer(3)
local y = 1 + undefned.a
Linear(3, 4)
f = function(a)
  return a.b.c
end
f {}
x = nn.matmul(nn.ones(2), nn.ones(3))
q = 'ä', nothing()
]]
  lu.assertStrContains(err, "stdin:1: unexpected symbol near '='\n  x = = 3\n      ^\n")
  lu.assertStrContains(err, "stdin:2: '}' expected (to close '{' at line 1) near '3'\n  3}\n  ^\n")
  lu.assertStrContains(err, "(global 'pritn'); did you mean 'print'?\n  pritn(3)\n  ^\n")
  lu.assertStrContains(err, "nn has no 'Lineer'; did you mean 'nn.Linear'?\n")
  lu.assertStrContains(err, "(global 'undefned')\n  local y = 1 + undefned.a\n                ^\n")
  lu.assertStrContains(err, "(global 'Linear'); did you mean 'nn.Linear'?")
  lu.assertStrContains(err, "(field 'b')\n") -- in a chunk before: that line is not this one
  lu.assertStrContains(err, "do not multiply: the first has 2 columns, the second 3 rows\n  x = nn.matmul(nn.ones(2), nn.ones(3))\n         ^\n")
  lu.assertStrContains(err, "(global 'nothing')\n  q = 'ä', nothing()\n           ^\n")
end

function TestSession:test_an_expression_behind_statements()
  local out, err = session "d = 5; d\nx = 1 y = 2 x + y\nlocal z = 3; z, z + 1\nnn.ones(2); 7\n"
  lu.assertEquals(err, "")
  lu.assertEquals(out:gsub("\n+$", ""), "5\n3\n3\t4\n7")
end

function TestSession:test_names_that_are_not_there()
  local out = session "lenght = 3\nlength\nt = {width = 1}\nt.widht\nnil\n"
  lu.assertStrContains(out, "nil\nthere is no 'length'; did you mean 'lenght'?\n")
  lu.assertStrContains(out, "nil\n't' has no 'widht'; did you mean 'width'?\n")
end

-- Several lines that are no chunk together, as they come from a page; the locals of one are there in the next.
function TestSession:test_lines_that_are_chunks_each()
  local session_of = require "nn.prompt.session"
  lu.assertEquals(session_of.pieces "1 + 1\n2 + 2", { "1 + 1", "2 + 2" })
  lu.assertEquals(session_of.pieces "x = 1\n\nfor i = 1, 2 do\n  f()\nend\nx", { "x = 1", "for i = 1, 2 do\n  f()\nend", "x" })
  lu.assertNil(session_of.pieces "x = 1\ny = = 2")
  lu.assertNil(session_of.pieces "x = 1\nfor i = 1, 2 do")
  lu.assertNil(session_of.pieces "1 + 1")
end

function TestSession:test_words_of_other_languages()
  local out, err = session("x = nn.ones(2, 3)\nif x != 3 then end\nx += 1\nx[:, 1]\nprint x\nimport torch\na ** 2\nx.shape[0]\n"
    .. "for r in x do end\nt = {b = False, None = 1}\ns = 'open\n?string.format\n?for\n%time 1 +\n")
  for _, hint in ipairs { "'not equal' is ~=", "there is no += here", "a slice is x[{{first, last}, {}}]", "print is a function",
    'local nn = require "nn"', "a power is x ^ y", "shape[0]: dims count from 1 here", "write for i, row in pairs(x) do",
    "unfinished string", "it ends too early" } do
    lu.assertStrContains(err, hint)
  end
  lu.assertStrContains(out, "'False' is nil here; Lua's word is false\n")
  lu.assertNotStrContains(out, "'None'")
  lu.assertStrContains(out, "manual.html#pdf-string.format")
  lu.assertStrContains(out, "'for' is a word of Lua")
end

function TestSession:test_leaving()
  for _, word in ipairs { "quit", "exit", "quit()", " exit() " } do
    lu.assertNotStrContains(session(word .. "\nprint('still' .. 'there')\n"), "stillthere")
  end
  lu.assertStrContains(session "quit = 5\nquit\nprint('still' .. 'there')\n", "5\nstillthere")
  lu.assertStrContains(session "help\n", "??word searches")
end

function TestSession:test_values()
  local out = session [[
nn.manual_seed(1)
rows = {{epoch = 1, loss = 2.0}, {epoch = 2, loss = 1.0}, {epoch = 3, loss = 0.5}}
rows
nn.data.tensors(nn.rand(12, 8, 8), nn.ones(12):long())
big = {} for i = 1, 200 do big[i] = {i, {a = i}} end
big
%all big
]]
  lu.assertStrContains(out, "3 rows\n  loss              2 ")
  lu.assertStrContains(out, "  epoch  loss\n      1     2\n")
  lu.assertStrContains(out, "classes: 1 12\n")
  lu.assertStrContains(out, "%all shows everything")
  lu.assertStrContains(out, "{200, {a = 200}}")
end

-- ---- commands ----

function TestSession:test_scripts_of_what_was_typed()
  local function printed(chunks)
    local script = require("nn.prompt.commands").script(chunks)
    local out, err, status = process.run(process.nnlua .. " -", script)
    lu.assertEquals({ err, status }, { "", 0 }, script)
    return out
  end
  lu.assertEquals(printed { "x = 5", "x -- a comment", "x;", "d = 5; d -- c" }, "5\n5\n5\n")
  lu.assertEquals(printed { "return 5", "6" }, "5\n6\n")
  lu.assertEquals(printed { "local f = print", "(f or print)('hello')" }, "hello\n")
  lu.assertEquals(printed { "t = {}", "h = t", "(h or {})[1] = 2", "t[1]" }, "2\n")
  lu.assertEquals(printed { "6 * 7", "_ + 1", "_1" }, "42\n43\n42\n")
  lu.assertEquals(printed { "= 1 + 1", "local a, b = 1, 2", "a, b" }, "2\n1\t2\n")
end

function TestSession:test_saving_what_worked()
  local path = os.tmpname()
  os.remove(path)
  local out, err = session(("local a = 2\nb = a + 1\nb\nerror 'not this'\nx = = 1\n%%who\nfunction f()\n  return b\nend\nf()\nd = 1; d\n"
    .. "%%save %s\n%%save %s\n%%save -f %s\n"):format(path, path, path))
  lu.assertStrContains(out, "6 chunks in " .. path)
  lu.assertStrContains(err, "is there; %save -f")
  local f = assert(io.open(path))
  local text = f:read "a"
  f:close()
  lu.assertEquals(text, [[
local nn = require "nn"
local a = 2
b = a + 1
print(b)
function f()
  return b
end
f()
d = 1; print(d)
]])
  lu.assertEquals((process.run(process.nnlua .. " " .. path)), "3\n1\n")
  os.remove(path)
end

function TestSession:test_editing()
  local program = "HOME=/nonexistent " .. process.nnlua .. " -i"
  local out, err = process.run("EDITOR='sed -i s/1/2/' " .. program, "function g() return 1 end\n%edit g\ng()\n%edit none\n")
  lu.assertStrContains(err, "no chunk that was typed here makes 'none'")
  lu.assertStrContains(out, "function g() return 2 end\n> 2\n")
  local _, why = process.run("EDITOR=false " .. program, "x = 1\n%edit\n")
  lu.assertStrContains(why, "set EDITOR")
end

function TestSession:test_forgetting_and_going_elsewhere()
  local out, err = session("local a = 1\nb = nn.ones(3)\nb\n%reset\na, b, _\n%cd /\n%cd\n%cd /nonexistent\n%debug on\n"
    .. "nn.Linear(1)\n%debug maybe\n%theme none\n")
  lu.assertStrContains(out, "nil\tnil\tnil\n/\n/\n")
  lu.assertStrContains(err, "/nonexistent: No such file or directory")
  lu.assertStrContains(err, "stack traceback:\n\t[C]:")
  lu.assertStrContains(err, "%debug on shows all frames")
  lu.assertStrContains(err, "the themes are dark, light, plain")
end

function TestSession:test_running_a_script()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write "#!/usr/bin/env nnlua\nlocal kept, other = 5, {...}\nlocal function fail() local inner = 7 error 'oops' end\nif other[1] then fail() end\n"
  f:close()
  local out, err = session(("%%run %s\nkept\n%%run %s now\ninner\n%%up\n%%where\n%%up\n%%down\nother\n%%run -f %s now\n"):format(path, path, path))
  os.remove(path)
  lu.assertStrContains(out, "5\nframe 1 of 2: " .. path .. ":3, in fail\n  its variables: inner")
  lu.assertStrContains(out, "7\nframe 2 of 2: " .. path .. ":4, in the script\n")
  lu.assertStrContains(out, '{"now"}')
  lu.assertStrContains(err, ":3: oops")
  lu.assertNotStrContains(out, "keep_locals")
end

function TestSession:test_locals_of_a_script()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write "local hidden = 41\nlocal function more() hidden = hidden + 1 return hidden end\nreturn 'given'\n"
  f:close()
  lu.assertStrContains(session("more()\nhidden\n", path), "42\n42\n")
  os.remove(path)
end

-- A user's own file runs first and may add commands.
function TestSession:test_init_file()
  local dir = os.tmpname()
  os.remove(dir)
  os.execute(("mkdir -p %s/nnlua"):format(dir))
  local f = assert(io.open(dir .. "/nnlua/init.lua", "w"))
  f:write [[
mine = 12
require("nn.prompt.commands").commands.shout = {"TEXT: in capitals", function(text) print(text:upper()) end}
]]
  f:close()
  local out = process.run(("XDG_CONFIG_HOME=%s NNLUA_HISTORY=/dev/null TERM=xterm script -qec '%s' /dev/null"):format(dir,
    process.nnlua), "mine + 1\r%shout hello\r\4")
  os.execute("rm -r " .. dir)
  lu.assertStrContains(out, "13\r\n")
  lu.assertStrContains(out, "HELLO\r\n")
end

-- Of thousands of names none is lost without a word.
function TestSession:test_many_locals()
  local lines = {}
  for i = 1, 160 do
    lines[i] = ("local v%d = %d"):format(i, i)
  end
  local few, many = {}, {}
  for i = 1, 160 do
    many[i] = "v" .. i
    few[#few + 1] = i <= 100 and "v" .. i or nil
  end
  local out, err = session(("%s\n%s\n%s\n"):format(table.concat(lines, "\n"), table.concat(few, " + "), table.concat(many, " + ")))
  lu.assertStrContains(out, "5050\n")
  lu.assertStrContains(err, "a chunk can use at most 149 of the prompt's locals, but names 160")
end
