-- Ctrl-C: an error that pcall sees, within kernels too; twice ends the program. (How fast is measured by make bench.)

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestInterrupt = {}

-- Runs a script, sends it SIGINT (or another signal) after it said "ready", `times` times with a pause between.
local function interrupted(text, times, pause, signal, environment)
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write("local nn = require 'nn'\n" .. text)
  f:close()
  -- a shell makes what it starts in the background ignore SIGINT; env gives the signal its default meaning back
  local command = ([[
    out=%s.out; : >$out
    env --default-signal=INT %s %s %s >$out 2>$out.err &
    pid=$!
    for i in $(seq 200); do grep -q ready $out && break; sleep 0.05; done
    sleep 0.2
    for i in $(seq %d); do kill -%s $pid 2>/dev/null; sleep %s; done
    ( sleep 20; kill -KILL $pid 2>/dev/null ) & guard=$!
    wait $pid; echo "ended $?"
    kill $guard 2>/dev/null
    cat $out $out.err; rm -f $out $out.err
  ]]):format(path, environment or "", process.nnlua, path, times or 1, signal or "INT", pause or "0.05")
  local out = process.run(command)
  os.remove(path)
  return out
end

local say = "io.stdout:write('ready\\n') io.stdout:flush() "

function TestInterrupt:test_lua_loop()
  local out = interrupted(say .. "print(pcall(function() while true do end end)) print 'alive'")
  lu.assertStrContains(out, "interrupted!")
  lu.assertStrContains(out, "alive")
  lu.assertStrContains(out, "ended 0")
end

function TestInterrupt:test_long_product()
  local out = interrupted("local x = nn.ones(6000, 6000) " .. say
    .. "print(pcall(function() while true do x:matmul(x) end end)) print(nn.ones(2):sum():item())")
  lu.assertStrContains(out, "interrupted!")
  lu.assertStrContains(out, "2.0")
  lu.assertStrContains(out, "ended 0")
end

-- A processor for which nothing generates code, and no OpenBLAS: minutes, if it were not stopped.
function TestInterrupt:test_long_product_without_libraries()
  local out = interrupted("local x = nn.ones(6000, 6000) " .. say .. "print(pcall(x.matmul, x, x))", 1, nil, nil,
    "NNLUA_ISA=plain NNLUA_BLAS=/nonexistent")
  lu.assertStrContains(out, "interrupted!")
  lu.assertStrContains(out, "ended 0")
end

function TestInterrupt:test_uncaught_ends_with_an_error()
  local out = interrupted(say .. "while true do end")
  lu.assertStrContains(out, "interrupted!")
  lu.assertStrContains(out, "ended 1")
end

function TestInterrupt:test_twice_ends_the_program()
  local out = interrupted(say .. "while true do pcall(function() while true do end end) end", 2, "0.1")
  lu.assertStrContains(out, "ended 130")
end

function TestInterrupt:test_fit_returns_the_history()
  local out = interrupted([[
local d = nn.data.tensors(nn.randn(1000, 10), nn.randint(1, 3, {1000}))
local m = nn.Linear(10, 2)
]] .. say .. [[
local run = nn.train.fit{model = m, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(m:parameters()),
  train = d:loader{batch_size = 10}, epochs = 1000000, progress = "none"}
print("interrupted", run.interrupted, #run.history > 0, run.steps > 100)]])
  lu.assertStrContains(out, "interrupted\ttrue\ttrue\ttrue")
  lu.assertStrContains(out, "ended 0")
end

-- What was told to ignore the signal (nohup, a shell's &) goes on.
function TestInterrupt:test_an_ignored_signal_stays_ignored()
  local script = [[local nn = require "nn"; local stop = nn.time() + 0.6; repeat local x = nn.ones(10) * 2 until nn.time() > stop
    print "to the end"]]
  local out = process.run(("trap '' INT; %s -e %s & pid=$!; sleep 0.3; kill -INT $pid; wait $pid; echo ended $?"):format(
    process.nnlua, process.quote(script)))
  lu.assertEquals(out, "to the end\nended 0\n")
end

-- An optimizer's step is whole or did not happen, whatever the kind and the loop. (A thousand: make test-long.)
function TestInterrupt:test_steps_are_whole()
  local faults = dofile "tests/faults/interrupts.lua"
  faults.nnlua = process.nnlua
  local lines = {}
  lu.assertEquals(faults.run(7, 12, function(text)
    lines[#lines + 1] = text
  end), 0, table.concat(lines))
end

function TestInterrupt:test_a_loop_in_a_coroutine()
  for _, start in ipairs { "coroutine.wrap(f)()", "print(coroutine.resume(coroutine.create(f)))",
    "print(pcall(coroutine.wrap(function() coroutine.wrap(f)() end)))" } do
    local out = interrupted("local function f() " .. say .. " while true do end end print(pcall(function() " .. start .. " end)) print 'alive'")
    lu.assertStrContains(out, "interrupted!")
    lu.assertStrContains(out, "alive")
    lu.assertStrContains(out, "ended 0")
  end
end

-- Calls that no piece of ours can stop: they are left behind, and the program goes on. (Times: tests/long/latency.lua.)
function TestInterrupt:test_long_calls_are_left()
  for _, call in ipairs { "nn.svd(x)", "nn.linalg.eigh(x + x:t())", "nn.matrix_exp(x)", "nn.multinomial(x:abs():reshape(-1), 2000000)",
    "nn.io.npz(p, {x = x}, {compress = true})" } do
    local out = interrupted("local x, p = nn.randn(1500, 1500), os.tmpname() " .. say
      .. ("local since = nn.time() print(pcall(function() while true do %s end end)) "):format(call)
      .. "print(select(2, nn.svd(nn.eye(2))):sum():item()) print(nn.time() - since < 5) os.remove(p)")
    lu.assertStrContains(out, "interrupted!", false, call)
    lu.assertStrContains(out, "2.0\ntrue", false, call)
    lu.assertStrContains(out, "ended 0", false, call)
  end
end

-- A machine that ends programs leaves them some seconds: what fit has reached is saved, and the program ends by the signal.
function TestInterrupt:test_sigterm_saves_and_ends()
  local directory = os.tmpname()
  os.remove(directory)
  local out = interrupted(([[
nn.manual_seed(1)
local d = nn.data.tensors(nn.randn(1000, 10), nn.randint(1, 3, {1000}))
local m = nn.Linear(10, 3)
]] .. say .. [[
local closed <close> = setmetatable({}, {__close = function() print "closed" end})
nn.train.fit{model = m, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(m:parameters(), {lr = 0.1}),
  train = d:loader{batch_size = 10}, epochs = 1000000, progress = "none", out = "%s"}
print "not reached"]]):format(directory), 1, nil, "TERM")
  lu.assertStrContains(out, "terminated!")
  lu.assertStrContains(out, "closed")
  lu.assertNotStrContains(out, "not reached")
  lu.assertStrContains(out, "ended 143")
  local history = io.open(directory .. "/history.json"):read "a"
  lu.assertStrContains(history, '"epoch":1,')
  lu.assertEquals(history:sub(-2), "}]")
  lu.assertEquals(nn.load(directory .. "/interrupted.safetensors").weight.shape, { 3, 10 })
  os.execute(("rm -r '%s'"):format(directory))
end

function TestInterrupt:test_sigterm_ends_a_loop_and_twice_at_once()
  lu.assertStrContains(interrupted(say .. "while true do end", 1, nil, "TERM"), "ended 143")
  lu.assertStrContains(interrupted(say .. "while true do pcall(function() while true do end end) end", 2, "0.1", "TERM"), "ended 143")
end

function TestInterrupt:test_what_a_coroutine_closes()
  local out = interrupted([[
local co = coroutine.create(function()
  local x <close> = setmetatable({}, {__close = function() while true do end end})
  coroutine.yield()
end)
coroutine.resume(co)
]] .. say .. "print(coroutine.close(co)) print 'alive'")
  lu.assertStrContains(out, "interrupted!")
  lu.assertStrContains(out, "alive")
end
