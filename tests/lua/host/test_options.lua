-- The command line: what lua does, nnlua does. Each case runs both programs and compares what they print.

local lu = require "luaunit"
local process = require "process"

TestOptions = {}

local quote, run = process.quote, process.run

-- Standard output and error with the program's own name taken out.
local function outcome(program, arguments, input, setting)
  local out, err, status = run(("%s %s %s"):format(setting or "", program, arguments), input)
  local function plain(s)
    return (s:gsub(program:gsub("%p", "%%%0"), "PROGRAM"):gsub("=nnlua ", "=PROGRAM "):gsub("[^\n]*Copyright[^\n]*", "VERSION"))
  end
  -- tracebacks name C frames that differ
  return { out = plain(out), err = plain(err):match "^[^\n]*", status = status }
end

local dir = os.tmpname()
os.remove(dir)

function TestOptions:setUp()
  os.execute("mkdir -p " .. dir)
  local f = assert(io.open(dir .. "/args.lua", "w"))
  f:write [[
for i = -10, 10 do if arg[i] then io.write(i, "=", (arg[i]:gsub(".*/", "")), " ") end end
print(#arg, select("#", ...), ...)
]]
  f:close()
  f = assert(io.open(dir .. "/shebang", "w"))
  f:write("#!/usr/bin/env nnlua\nprint('shebang', ...)\n")
  f:close()
  f = assert(io.open(dir .. "/mod.lua", "w"))
  f:write "return {answer = 42}\n"
  f:close()
end

function TestOptions:tearDown()
  os.execute("rm -r " .. dir)
end

local function same(arguments, input, setting)
  arguments = arguments:gsub("@", dir)
  local theirs = outcome("lua5.4", arguments, input, setting)
  local mine = outcome(process.nnlua, arguments, input, setting)
  lu.assertEquals(mine, theirs, arguments)
end

function TestOptions:test_like_lua()
  local cases = {
    [[-e 'print(1+1)']], [[-e 'print(1)' -e 'print(2)']], [[-e'print(3)']], [[-e 'x = 5' @/args.lua a b]],
    [[@/args.lua]], [[@/args.lua a b c]], [[-W @/args.lua -x --y]], [[-- @/args.lua -e]], [[@/shebang one]],
    [[-e 'error("boom")']], [[-e 'error({})']], [[-e 'error(setmetatable({}, {__tostring = function() return "custom" end}))']],
    [[-e 'error()']], [[-e 'x = = 1']], [[/no/such/script.lua]], [[-e]], [[-q]], [[-ex -i]], [[-l]], [[-vv]],
    [[-e 'os.exit(3)']], [[-e 'os.exit(true, true)']], [[-e 'os.exit(false)']],
    [[-e 'setmetatable({}, {__gc = function() print("closed") end}) os.exit(0, true)']],
    [[-e 'local t <close> = setmetatable({}, {__close = function() print("shut") end})']],
    [[-W -e 'warn("careful")']], [[-e 'warn("unseen")']], [[-e 'warn("@on") warn("a", "b")']],
    [[-E -e 'print(package.path == nil)']], [[-e 'return 5']], [[-e 'print(...)' ]],
    [[-l nosuchmodule]], [[-e 'print(coroutine.wrap(function() error("inside") end)())']], [[-e 'string.rep("x", -1)()']],
  }
  for _, c in ipairs(cases) do
    same(c)
  end
  same("-", "print('from stdin', ...)")
  same("", "print('piped')")
  same("", "error 'piped boom'")
  same("-v", "")
  same("-l mod -e 'print(mod.answer)'", "", ("LUA_PATH='%s/?.lua;;'"):format(dir))
  same("-l m=mod -e 'print(m.answer)'", "", ("LUA_PATH='%s/?.lua;;'"):format(dir))
  same("-e 'print(package.path)'", "", "LUA_PATH='/somewhere/?.lua'")
  same("-e 'print(package.path)'", "", "LUA_PATH_5_4='/elsewhere/?.lua'")
  same("-E -e 'print(package.path)'", "", "LUA_PATH='/somewhere/?.lua'")
  same("-e 'print(z)'", "", "LUA_INIT='z = 7'")
  same("-E -e 'print(z)'", "", "LUA_INIT='z = 7'")
  same("-e 'print(1)'", "", "LUA_INIT='error(\"in init\")'")
  same("-e 'print(1)'", "", "LUA_INIT=@" .. dir .. "/nosuch.lua")
  same("-e 'print(z)'", "", "LUA_INIT_5_4='z = 8' LUA_INIT='z = 7'")
end

local function mine(arguments, input)
  return run(process.nnlua .. " " .. arguments, input)
end

function TestOptions:test_ours()
  local out, err, status = mine "--help"
  lu.assertStrContains(out, "--threads N")
  lu.assertEquals(status, 0, err)
  out = mine "--version"
  for _, word in ipairs { "nnlua", "Lua 5.4", "kernels:", "OpenBLAS", "zlib" } do
    lu.assertStrContains(out, word)
  end
  lu.assertEquals((mine [[--threads 2 -e 'print(require("nn").get_num_threads())']]), "2\n")
  lu.assertEquals((mine [[--threads=1 -e 'print(require("nn").get_num_threads())']]), "1\n")
  lu.assertEquals(mine [[--seed 4 -e 'print(math.random(1 << 40))']], mine [[-e 'math.randomseed(4) print(math.random(1 << 40))']])
  local _, said = mine [[-l nn -e 'print(nn.Sequential(nn.Linear(1, 1)).weight:norm())']]
  lu.assertStrContains(said, "a layer without 'weight' gives nil, and what holds layers has none of its own: net[1].weight")
  local a = mine [[--seed 4 -e 'print(require("nn").rand(3))']]
  local b = mine [[-e 'local nn = require "nn" nn.manual_seed(4) print(nn.rand(3))']]
  lu.assertEquals(a, b)
  local function refused(arguments, text)
    local _, message, code = mine(arguments)
    lu.assertEquals(code, 1)
    lu.assertStrContains(message, text)
  end
  refused("--thread 2", "unrecognized option '--thread'")
  refused("--threads x", "e.g. --threads 2")
  refused([[--max-memory 10M -e 'require("nn").zeros(10000000)']], "38.15 MiB could not be had")
  refused([[--max-memory inf -e "print(1)"]], "needs a size")
  out = mine(("--threads 1 --seed 3 %s/args.lua x"):format(dir))
  lu.assertStrContains(out, "-1=3 0=args.lua 1=x 1\t1\tx")
end

-- Debian's lua echoes what it reads from a pipe (readline does), so this is compared with what it should be.
function TestOptions:test_the_prompt()
  local out, err, status = mine("-i",
    "1 + 1\nx = 5\nx\n= x\nfor i = 1, 2 do\nprint(i)\nend\nerror 'oops'\nprint 'still here'\nnil\nreturn 1, 2\nx = = 1\n")
  lu.assertEquals(status, 0)
  lu.assertEquals(out:match "^[^\n]*Copyright[^\n]*\n(.*)$",
    "> 2\n> > 5\n> 5\n> >> >> 1\n2\n> > still here\n> nil\n> 1\t2\n> > \n")
  lu.assertEquals(err:match "^[^\n]*", "stdin:1: oops")
  lu.assertStrContains(err, "unexpected symbol near '='")
  lu.assertEquals((mine("-i -e 'y = 3'", "y\n"):match "> (%d)"), "3")
end

function TestOptions:test_the_prompt_has_nn()
  local out, _, status = mine("-i", "nn.zeros(2)\nnn.zeros(2):reshape(3)\n1 + 1\n")
  lu.assertEquals(status, 0)
  lu.assertStrContains(out, "tensor([0., 0.], shape=2, float32)")
  lu.assertStrContains(out, "2\n")
end

function TestOptions:test_namespaces_load_when_touched()
  local out = mine [[-e 'local nn = require "nn" print(package.loaded["nn.optim"]) local o = nn.optim print(o == require "nn.optim", rawequal(o, package.loaded["nn.optim"]))']]
  lu.assertEquals(out, "nil\ntrue\ttrue\n")
end

function TestOptions:test_a_forced_path()
  local out = run(("NNLUA_ISA=plain %s --version"):format(process.nnlua))
  lu.assertStrContains(out, "kernels: plain")
end

function TestOptions:test_quoting_helper()
  lu.assertEquals((run("printf %s " .. quote "it's")), "it's")
end
