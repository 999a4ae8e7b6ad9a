-- The sandbox: ways out that a stranger's script may try, and what it can still do. What counts is what is seen from
-- outside: that no secret is printed, that no file appears, changes or goes outside of the directory that may be written.

local lu = require "luaunit"
local process = require "process"

TestSandbox = {}

local quote = process.quote

-- A kernel that lacks something says so in a line; the wall in Lua is tested there all the same (the kernel's own is in
-- tests/c/test_sandbox.c).
local function run(command, input)
  local out, err, status = process.run(command, input)
  return out, (err:gsub("^[^\n]*%-%-sandbox: this kernel has no [^\n]*\n", "")), status
end

local base = os.tmpname()
local program = process.nnlua:sub(1, 1) == "/" and process.nnlua or io.popen("pwd"):read "l" .. "/" .. process.nnlua

local function put(name, text)
  local f = assert(io.open(base .. "/" .. name, "wb"))
  f:write(text)
  f:close()
end

-- home/ holds the script; home/in may be written, home/data be read; secret/ is nobody's.
function TestSandbox:setUp()
  local nn = require "nn"
  os.remove(base)
  os.execute(("mkdir -p %s/home/in %s/home/data %s/home/data2 %s/secret"):format(base, base, base, base))
  put("secret/secret.txt", "s3cret\n")
  put("secret/code.lua", "print 's3cret' return 's3cret'")
  put("home/data/a.txt", "public\n")
  put("home/data2/b.txt", "s3cret\n")
  put("home/notes.txt", "s3cret\n")
  put("home/sister.lua", "return {answer = 42}")
  put("home/code.lua", string.dump(function()
    print "bytecode ran"
  end))
  put("home/data/code.luac", string.dump(function()
    print "bytecode ran"
  end))
  nn.save(base .. "/secret/x.safetensors", { x = nn.tensor { 31337 } })
  nn.io.npy(base .. "/secret/x.npy", nn.tensor { 31337 })
  nn.io.npz(base .. "/secret/x.npz", { x = nn.tensor { 31337 } })
  for link, target in pairs { ["data/link.txt"] = "../../secret/secret.txt", ["in/up"] = "../../secret",
    ["in/dangling"] = "../../secret/new.txt", ["linked.lua"] = "../secret/code.lua", ["outside"] = "in" } do
    os.execute(("ln -s %s %s/home/%s"):format(target, base, link))
  end
end

function TestSandbox:tearDown()
  os.execute("rm -rf " .. base)
end

-- Everything outside of home/in, by names, sizes and contents.
local function outside()
  return run(("cd %s && find . -path ./home/in -prune -o -print | sort && find . -path ./home/in -prune -o -type f "
    .. "-exec cksum {} + | sort"):format(base))
end

local allowed = "--allow-read data --allow-write in"

-- Runs a script as home/script.lua in home.
local function stranger(script, options, input)
  put("home/script.lua", script)
  local before = outside()
  local out, err, status = run(("cd %s/home && %s --sandbox %s script.lua"):format(base, quote(program), options or allowed),
    input)
  local said = out .. err
  lu.assertEquals(outside(), before, script)
  for _, secret in ipairs { "s3cret", "31337", "bytecode ran", "root:" } do
    lu.assertNil(said:find(secret, 1, true), script .. "\n" .. said)
  end
  return said, status
end

local bytecode = ("%q"):format(string.dump(function()
  print "bytecode ran"
end))

-- Name, script, and what the output must contain. The secrets and the files outside are looked at in all of them.
local ways = {
  { "read a file", [[print(io.open "../secret/secret.txt")]],
    "io.open: the sandbox allows no reading of '../secret/secret.txt'; give --allow-read ../secret" },
  { "an absolute path", [[print(io.open "/etc/passwd")]], "give --allow-read /etc" },
  { "a number as a name", [[print(io.open(7, "w"))]], "no writing of '7'" },
  { "the script's own directory", [[print(io.open "notes.txt")]], "no reading of 'notes.txt'; give --allow-read ." },
  { "..", [[print(io.open "data/../../secret/secret.txt")]], "no reading" },
  { ".. behind what is not there", [[print(io.open "data/none/../../../secret/secret.txt")]], "no reading" },
  { "a directory whose name begins alike", [[print(io.open "data2/b.txt")]], "no reading" },
  { "a link made before", [[print(io.open "data/link.txt")]], "no reading" },
  { "a directory that is a link", [[print(io.open "in/up/secret.txt")]], "no reading" },
  { "/proc/self/root", [[print(io.open("/proc/self/root/etc/passwd"))]], "no reading" },
  { "/proc/self/cwd", [[print(io.open("/proc/self/cwd/notes.txt"))]], "no reading" },
  { "the environment by /proc", [[print(io.open("/proc/self/environ"))]], "no reading" },
  { "the program's memory", [[print(io.open("/proc/self/mem", "r+"))]], "no writing" },
  { "/dev/fd", [[for i = 0, 20 do assert(not io.open("/dev/fd/" .. i)) end print(io.open "/dev/fd/3")]], "no reading" },
  { "a zero byte", [[print(io.open "../secret/secret.txt\0/../../home/data/a.txt")]], "zero byte" },
  { "a zero byte behind", [[print(io.open "data/a.txt\0.lua")]], "zero byte" },
  { "a very long path", [[print(io.open(("a/"):rep(2000) .. "../../etc/passwd"), io.open(("a/"):rep(1e6)))]], "no reading" },
  { "no name", [[print(io.open "")]], "no reading" },
  { "io.lines", [[for l in io.lines "../secret/secret.txt" do print(l) end]], "script.lua:1: io.lines: the sandbox" },
  { "io.input", [[io.input "../secret/secret.txt" print(io.read "a")]], "io.input: the sandbox allows no reading" },
  { "io.output", [[io.output "../secret/new.txt" io.write "x"]], "io.output: the sandbox allows no writing" },
  { "write", [[print(io.open("../secret/secret.txt", "w"))]], "no writing of '../secret/secret.txt'" },
  { "append", [[print(io.open("../secret/secret.txt", "a"))]], "no writing" },
  { "r+", [[print(io.open("data/a.txt", "r+"))]], "no writing of 'data/a.txt'; give --allow-write data" },
  { "write where reading is allowed", [[print(io.open("data/new.txt", "w"))]], "no writing" },
  { "write through a link to nothing", [[print(io.open("in/dangling", "w"))]], "no writing" },
  { "io.tmpfile", [[io.tmpfile()]], "io.tmpfile: the sandbox has no place" },
  { "os.tmpname", [[os.tmpname()]], "os.tmpname: the sandbox has no place" },
  { "os.remove", [[print(os.remove "../secret/secret.txt")]], "os.remove: the sandbox allows no writing" },
  { "os.remove of a link that leads in", [[print(os.remove "outside")]], "os.remove: the sandbox" },
  { "os.remove by a link", [[print(os.remove "in/up/secret.txt")]], "os.remove: the sandbox" },
  { "os.rename out", [[io.open("in/x", "w"):write("x"):close() print(os.rename("in/x", "../secret/x"))]],
    "os.rename: the sandbox allows no writing" },
  { "os.rename in", [[print(os.rename("../secret/secret.txt", "in/moved")) print(io.open "in/moved")]], "No such file" },
  { "os.rename of a directory out", [[print(os.rename("in", "data/in"))]], "os.rename: the sandbox" },
  { "programs", [[os.execute "cat ../secret/secret.txt"]], "script.lua:1: os.execute: the sandbox starts no programs" },
  { "is there a shell", [[print(os.execute())]], "starts no programs" },
  { "pipes", [[print(io.popen("cat ../secret/secret.txt"):read "a")]], "io.popen: the sandbox starts no programs" },
  { "native modules", [[package.loadlib("/usr/lib/x86_64-linux-gnu/libc.so.6", "system")]], "loads no native modules" },
  { "native modules by cpath", [[package.cpath = "/usr/lib/lua/5.4/?.so;/usr/lib/x86_64-linux-gnu/lua/5.4/?.so"
    print(pcall(require, "rex_pcre2")) print(package.searchers[4])]], "not found" },
  { "searchers", [[for i, f in ipairs(package.searchers) do print(i, pcall(f, "../secret/code")) end]], "2\t" },
  { "package.path", [[package.path = "../secret/?.lua" require "code"]], "but not '../secret/code.lua'" },
  { "names of modules", [[print(pcall(require, "../secret/code")) print(pcall(require, "nn.../../../secret/code"))]],
    "not found" },
  { "package.searchpath", [[package.searchpath("secret", "../secret/?.txt")]], "package.searchpath: the sandbox" },
  { "a module that is a link", [[require "linked"]], "but not './linked.lua'" },
  { "a module that is bytecode", [[require "code"]], "attempt to load a binary chunk" },
  { "a file that is no code", [[print(loadfile "notes.txt")]], "loadfile: the sandbox loads code from" },
  { "dofile", [[dofile "../secret/code.lua"]], "dofile: the sandbox loads code from the script's directory, but not" },
  { "load of bytecode", "print(load(" .. bytecode .. "))", "attempt to load a binary chunk" },
  { "load with mode b", "print(load(" .. bytecode .. ", 'x', 'b'))", "loads no bytecode" },
  { "load by pieces", "local s, i = " .. bytecode .. [[, 0
    print(load(function() i = i + 1 if i <= #s then return s:sub(i, i) end end, "x", "bt"))]], "attempt to load a binary" },
  { "loadfile of bytecode", [[print(loadfile "data/code.luac") print(loadfile("data/code.luac", "b"))]], "binary chunk" },
  { "dofile of bytecode", [[dofile "code.lua"]], "binary chunk" },
  { "string.dump", [[print(pcall(string.dump, print)) print(pcall(getmetatable("").__index.dump, function() end))]],
    "makes no bytecode" },
  { "debug", [[for name in pairs(debug) do io.write(name, " ") end print(debug.getupvalue, debug.sethook, debug.getregistry)]],
    "nil\tnil\tnil" },
  { "debug by require", [[print(require "debug".getregistry, package.loaded.debug.setmetatable)]], "nil\tnil" },
  { "functions on the stack", [[print(debug.getinfo(1, "f").func, debug.getinfo(io.open, "fu").func, debug.getinfo(1, "l").currentline)]],
    "nil\tnil\t1" },
  { "values of variables", [[print(pcall(debug.getlocal, 1, 1))]], "shows no variables" },
  { "metatables", [[
    local meta = getmetatable("") meta.__index = function(s, k) return function(...) print("seen", ...) return true end end
    print(rawget(_G, "io").open("../secret/secret.txt"))]], "no reading" },
  { "functions of string replaced", [[
    string.find = function() return true end string.gsub = string.find string.gmatch = string.find
    print(io.open("../secret/secret.txt", "w")) print(io.open("../secret/secret.txt"))]], "no reading" },
  { "globals replaced", [[
    error = function() end type = function() return "nil" end select = type pcall(rawset, _G, "tostring", type)
    print(io.open "../secret/secret.txt") print(io.lines, (pcall(io.lines, "../secret/secret.txt")))]], "false" },
  { "metatables of files", [[
    local m = getmetatable(io.stdout) for k, v in pairs(m.__index) do assert(k ~= "open") end
    print(pcall(m.__index.lines, "../secret/secret.txt"))]], "FILE* expected" },
  { "our own judge replaced", [[
    local core = require "nn.core" local yes = function() return true end
    core.may_read, core.may_write, core.is_sandboxed = yes, yes, yes package.loaded["nn.internal.sandbox"] = nil
    print(pcall(require, "nn.internal.sandbox")) print(io.open "../secret/secret.txt")]], "no reading" },
  { "loaded once more", [[package.loaded.io = nil package.loaded["nn.core"] = nil
    print(pcall(require, "io")) print(pcall(require("nn.core").write_file, "../secret/new.txt", "x"))]], "no writing" },
  { "nn.core.write_file", [[require("nn.core").write_file("../secret/secret.txt", "x")]], "no writing" },
  { "nn.core.replace_file", [[local core = require "nn.core" core.write_file("in/x", "x") core.replace_file("in/x", "../secret/x")]],
    "no writing" },
  { "nn.core.replace_file of another's", [[require("nn.core").replace_file("../secret/secret.txt", "in/x")]], "no writing" },
  { "nn.core.make_directory", [[require("nn.core").make_directory("in/../../secret/new")]], "no writing" },
  { "nn.core.file_exists", [[print(require("nn.core").file_exists "../secret/secret.txt")]], "false\tthe sandbox" },
  { "nn.core.idx_read", [[require("nn.core").idx_read "../secret/secret.txt"]], "idx: the sandbox allows no reading" },
  { "nn.load", [[print(require("nn").load "../secret/x.safetensors".x)]], "load: the sandbox allows no reading" },
  { "nn.save", [[local nn = require "nn" nn.save("../secret/new", {x = nn.zeros(2)})]], "script.lua:1: save: the sandbox allows no writing" },
  { "nn.save over another's", [[local nn = require "nn" nn.save("../secret/x.safetensors", {x = nn.zeros(2)})]], "no writing" },
  { "nn.save by a link", [[local nn = require "nn" nn.save("in/up/new", {x = nn.zeros(2)})]], "no writing" },
  { "nn.io.npy", [[local nn = require "nn" print(pcall(nn.io.npy, "../secret/x.npy")) nn.io.npy("../secret/n.npy", nn.zeros(2))]],
    "npy: the sandbox allows no writing" },
  { "nn.io.csv", [[local nn = require "nn" print(pcall(nn.io.csv, "../secret/secret.txt")) nn.io.csv("../secret/n.csv", nn.zeros(2, 2))]],
    "no writing" },
  { "nn.io.npz", [[local nn = require "nn" print(pcall(nn.io.npz, "../secret/x.npz")) nn.io.npz("../secret/n.npz", {x = nn.zeros(2)})]],
    "npz: the sandbox allows no writing" },
  { "fit{out}", [[local nn = require "nn" local model = nn.Linear(2, 1)
    nn.train.fit{model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}), epochs = 1,
      train = nn.data.tensors(nn.zeros(4, 2), nn.zeros(4, 1)):loader{batch_size = 2}, out = "../secret/run"}]], "no writing" },
  { "nn.plot", [[require("nn").plot.line({1, 2}, {file = "../secret/x.png"})]], "the sandbox writes no pictures" },
  { "nn.data", [[require("nn").data.fashion_mnist{root = "/etc"}]], "fashion_mnist: the sandbox allows no reading" },
  { "nn.help of a function that claims to be elsewhere", [[
    print(pcall(require("nn").help, load("return function() end", "@../secret/secret.txt")()))]], "" },
  { "the environment", [[print(os.getenv "HOME", os.getenv "SECRET", os.getenv "PATH")]], "nil\tnil\tnil" },
  { "locales", [[print(os.setlocale "de_DE.UTF-8", os.setlocale "C")]], "nil\tC" },
  { "finalizers at the end", [[setmetatable({}, {__gc = function() print(io.open "../secret/secret.txt") end})]], "no reading" },
  { "in a coroutine", [[print(coroutine.wrap(function() return io.open "../secret/secret.txt" end)())]], "no reading" },
  { "in a hook of xpcall", [[xpcall(error, function() print(io.open "../secret/secret.txt") end)]], "no reading" },
  { "while compiled", [[local nn = require "nn"
    print(pcall(nn.compile(function(x) print(io.open "../secret/secret.txt") return x + 1 end), nn.zeros(2)))]], "" },
}

function TestSandbox:test_ways_out()
  for _, way in ipairs(ways) do
    local said = stranger(way[2])
    lu.assertStrContains(said, way[3], false, false, way[1])
  end
end

-- With nothing allowed, and where the script is piped in.
function TestSandbox:test_nothing_allowed()
  lu.assertStrContains(stranger([[print(io.open "data/a.txt")]], ""), "no reading of 'data/a.txt'; give --allow-read data")
  lu.assertStrContains(stranger([[print(io.open("in/x", "w"))]], ""), "no writing")
  local out, err = run(("cd %s/home && %s --sandbox -"):format(base, quote(program)),
    [[print(pcall(require, "sister")) print(pcall(dofile, "sister.lua")) print(io.open "notes.txt")]])
  lu.assertEquals(err, "")
  lu.assertStrContains(out, "not found")
  lu.assertStrContains(out, "no reading of 'notes.txt'")
  lu.assertStrContains(out, "but not 'sister.lua'")
end

function TestSandbox:test_the_script_itself()
  put("home/compiled", string.dump(function()
    print "bytecode ran"
  end))
  for _, how in ipairs { "compiled", "- <compiled", "<compiled" } do
    local out, err, status = run(("cd %s/home && %s --sandbox %s"):format(base, quote(program), how))
    lu.assertEquals(out, "")
    lu.assertStrContains(err, "attempt to load a binary chunk")
    lu.assertEquals(status, how:find "<" and how ~= "- <compiled" and 0 or 1)
  end
end

function TestSandbox:test_the_users_environment_does_not_matter()
  put("secret/init.lua", "leaked = 's3cret'")
  local out = run(("cd %s/home && LUA_INIT=@../secret/init.lua LUA_PATH='../secret/?.lua' LUA_CPATH='../secret/?.so' "
    .. "%s --sandbox -e 'print(leaked, package.path, package.cpath, pcall(require, \"code\"))'"):format(base, quote(program)))
  lu.assertStrContains(out, "nil\t\t\tfalse")
end

-- What a well-behaved script does goes on working.
function TestSandbox:test_what_is_allowed()
  local said, status = stranger([[
    local nn = require "nn"
    assert(io.open("data/a.txt"):read "l" == "public" and io.open("data/../data/a.txt"))
    for l in io.lines "data/a.txt" do assert(l == "public") end
    assert(require "sister".answer == 42 and dofile "sister.lua".answer == 42 and loadfile "./sister.lua"().answer == 42)
    assert(load "return 1 + 1"() == 2 and load("return x", "c", "t", {x = 5})() == 5 and load("return x", "c", "bt", {})() == nil)
    local f = assert(io.open("in/x", "w")) f:write "hello" f:close()
    assert(os.rename("in/x", "in/y") and io.open("in/y"):read "a" == "hello" and os.remove "in/y")
    assert(os.remove "in/dangling") -- the link itself lies in what may be written
    nn.save("in/s.safetensors", {a = nn.tensor{1, 2}, n = 5})
    assert(nn.load("in/s.safetensors").a:sum():item() == 3)
    nn.io.npz("in/z.npz", {a = nn.ones(3)}, {compress = true}) assert(nn.io.npz("in/z.npz").a:sum():item() == 3)
    nn.io.npy("in/z.npy", nn.ones(3)) assert(nn.io.npy("in/z.npy"):sum():item() == 3)
    local a = nn.randn(300, 300) assert(a:matmul(a):isfinite():all():item() and nn.linalg.svdvals(a))
    local model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    local run = nn.train.fit{model = model, loss = nn.MSELoss(), progress = "none", epochs = 2, out = "in",
      optimizer = nn.optim.Adam(model:parameters(), {lr = 0.1}),
      train = nn.data.tensors(nn.zeros(8, 2), nn.zeros(8, 1)):loader{batch_size = 2}}
    assert(io.open "in/history.json" and nn.rex.match("abc", "b+") == "b")
    nn.help(nn.optim.Adam)
    assert(not nn.data.has_fashion_mnist{root = "/nowhere"})
    print(run.compiled, debug.traceback("here", 1):match "^here", arg[0], os.date "%Y" > "2000")
  ]], allowed .. " --threads 3")
  lu.assertStrContains(said, "(Kingma & Ba 2015")
  lu.assertStrContains(said, "\ntrue\there\tscript.lua\ttrue\n")
  lu.assertEquals(status, 0)
end

function TestSandbox:test_pictures()
  local said = stranger [[require("nn").plot.line({1, 2, 3}, {file = "in/x.png"})]]
  lu.assertStrContains(said, "the sandbox writes no pictures")
  lu.assertStrContains(stranger [[print(require("nn").plot.line{1, 2, 3})]], "\n")
end

-- Scripts that go on for ever, and a limit in seconds; with and without the sandbox.
function TestSandbox:test_max_seconds()
  os.execute(("mkfifo %s/silent"):format(base)) -- input that never comes
  for _, script in ipairs {
    [[while true do end]],
    [[while true do pcall(function() while true do end end) end]],
    [[while true do xpcall(error, function() while true do end end) end]],
    [[local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do pcall(co) end]],
    [[local _ = ("a"):rep(3e5):find(".-.-.-.-.-b")]],
    [[local nn = require "nn" local a = nn.randn(1500, 1500) while true do a:matmul(a) end]],
    [[io.read "a"]],
    [[setmetatable({}, {__gc = function() while true do end end}) collectgarbage()]],
    [[setmetatable({}, {__gc = function() while true do end end})]],
    [[setmetatable({}, {__gc = function() while true do end end}) os.exit(0, true)]],
    [[collectgarbage "stop" require("nn.core").whole(function() while true do end end)]],
    [[local t <close> = setmetatable({}, {__close = function() while true do end end})]],
  } do
    for _, options in ipairs { "--sandbox --max-seconds 0.4", "--max-seconds=0.4" } do
      put("home/script.lua", "print 'begun'\n" .. script)
      local out, err, status = run(("cd %s/home && %s %s script.lua <>../silent"):format(base, quote(program), options))
      lu.assertEquals({ out, err, status }, { "begun\n", "nnlua: --max-seconds: ended after 0.4 seconds\n", 124 }, script)
    end
  end
  local out, err, status = run(quote(program) .. " --max-seconds 60 -e 'print(1)'")
  lu.assertEquals({ out, err, status }, { "1\n", "", 0 })
end

function TestSandbox:test_max_memory()
  local said, status = stranger([[
    local nn = require "nn"
    print(pcall(string.rep, "x", 1 << 30))
    print(pcall(function() local t = {} for i = 1, 1 << 40 do t[i] = {i} end end))
    collectgarbage "stop"
    print(pcall(function() local t = {} for i = 1, 1 << 20 do t[i] = ("x"):rep(1 << 16) .. i end end))
    collectgarbage "restart"
    print(pcall(table.concat, setmetatable({}, {__len = function() return 1 << 40 end, __index = function() return "xxxxxxxx" end})))
    nn.set_max_memory(1e15)
    print(pcall(nn.zeros, 1 << 26)) nn.set_max_memory() print(pcall(nn.zeros, 1 << 26))
    local held = {} print(pcall(function() for i = 1, 1000 do held[i] = nn.zeros(1 << 18) end end)) held = nil
    collectgarbage()
    print("lives", #("x"):rep(1000), nn.memory().limit)
  ]], "--max-memory 64M")
  local _, failed = said:gsub("not enough memory", "")
  lu.assertEquals({ failed, status }, { 7, 0 }, said)
  lu.assertStrContains(said, "lives\t1000\t67108864")
  if not program:find "address" and not program:find "thread" then -- memory that a library takes: 800 MB for 34 MB of JSON
    lu.assertStrContains(stranger([[
      local text = "[1" .. (",1"):rep(1 << 24) .. "]"
      print(pcall(require("nn.core").json_decode, text))]], "--max-memory 100M"),
      "not enough memory")
  end
end

function TestSandbox:test_the_command_line()
  for arguments, wants in pairs {
    ["--sandbox -i -e 'print(1)'"] = "needs a script: there is no prompt in it",
    ["-i --sandbox"] = "needs a script: there is no prompt in it",
    ["--allow-read /tmp -e 'print(1)'"] = "needs --sandbox",
    ["--sandbox --allow-read /no/such -e 'print(1)'"] = "'/no/such': No such file or directory",
    ["--sandbox --allow-write /etc/passwd -e 'print(1)'"] = "'/etc/passwd' is not a directory",
    ["--sandbox --allow-read"] = "needs a directory",
    ["--max-seconds 0 -e 'print(1)'"] = "needs a number of seconds",
    ["--max-seconds 5x -e 'print(1)'"] = "needs a number of seconds",
    ["--max-seconds nan -e 'print(1)'"] = "needs a number of seconds",
    ["--sandbox /no/such/script.lua"] = "cannot open /no/such/script.lua",
  } do
    local out, err, status = run(quote(program) .. " " .. arguments)
    lu.assertEquals({ out, status }, { "", 1 }, arguments)
    lu.assertStrContains(err, wants)
  end
end
