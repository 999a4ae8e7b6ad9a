-- Running out of memory is an error at every point where it can happen, and loses nothing; loops do not grow.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"
local process = require "process"

TestMemory = {}

-- Lets the n-th request fail, for n = 1, 2, 3, ... until the operation succeeds.
local function fails_cleanly(name, f)
  f() -- once, so that what is made on first use is there
  collectgarbage()
  collectgarbage()
  local before = nn.memory().live
  for n = 1, 2000 do
    core.fail_memory_at(n)
    local ok, err = pcall(f)
    core.fail_memory_at(0)
    nn.set_grad_enabled(true)
    if ok then
      err = nil -- luacheck: ignore 311 (it is the result, which must not live on)
      collectgarbage()
      collectgarbage()
      lu.assertEquals(nn.memory().live, before, name .. ": live memory after failures")
      return n
    end
    lu.assertStrContains(tostring(err), "memory")
  end
  lu.fail(name .. " never succeeded")
end

function TestMemory:test_failing_allocations_of_layers()
  local out, err, status = process.run(process.nnlua .. " tests/fuzz/failing_layers.lua")
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, "nothing left behind")
end

-- Calls that change something are not made twice.
function TestMemory:test_failing_allocations_in_calls_with_effects()
  local out, err, status = process.run(process.nnlua .. " tests/fuzz/failing_effects.lua")
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, " 0 wrong")
end

-- Models that are made, trained a step and dropped leave nothing behind: also such as name themselves in a closure, or in a hook.
function TestMemory:test_models_come_and_go()
  local x, y, mse = nn.randn(8, 4), nn.randn(8, 2), nn.MSELoss()
  local Net = nn.Module:extend "Net"
  function Net.init(net)
    net.a = nn.Linear(4, 4)
    net.f = function(v)
      return net.a(v)
    end
  end
  function Net.forward(net, v)
    return net.f(v)
  end
  local function models(n)
    for i = 1, n do
      local net = nn.Sequential(Net(), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 2))
      local opt = nn.optim.SGD(net:parameters(), { lr = 0.1 })
      if i % 2 == 0 then
        net[1]:register_forward_hook(function(_, out)
          return net.training and out or nil
        end)
      end
      mse(net(x), y):backward()
      opt:step()
    end
    collectgarbage()
    collectgarbage()
    return nn.memory().live, collectgarbage "count"
  end
  local live, lua = models(200)
  local live_after, lua_after = models(3000)
  lu.assertEquals(live_after, live)
  lu.assertTrue(lua_after < lua + 200, ("%.0f KB of Lua's memory, then %.0f"):format(lua, lua_after))
end

function TestMemory:test_failing_allocations()
  local counts = {}
  counts.create = fails_cleanly("create", function()
    return nn.zeros(10, 10)
  end)
  counts.arithmetic = fails_cleanly("arithmetic", function()
    return (nn.ones(3, 4):double() + nn.ones(4) * 2):sum(1)
  end)
  counts.index = fails_cleanly("index", function()
    local x = nn.zeros(4, 4)
    x[{ { 1, 2 }, 3 }] = nn.tensor { 1, 2 }
    x[x:eq(0)] = 3
    return x[{ {}, nn.tensor { 1, 2 } }]
  end)
  counts.training = fails_cleanly("training", function()
    local model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    local opt = nn.optim.Adam(model:parameters())
    nn.CrossEntropyLoss()(model(nn.ones(5, 3)), nn.tensor { 1, 2, 1, 2, 1 }):backward()
    opt:step()
  end)
  counts.compiled = fails_cleanly("compiled", function()
    local model = nn.Sequential(nn.Linear(3, 4), nn.ELU(), nn.Dropout(0.5), nn.Linear(4, 2))
    local opt = nn.optim.SGD(model:parameters(), { momentum = 0.9 })
    local step = nn.compile(function(x, y)
      opt:zero_grad()
      local start = nn.tensor { 0, 0 }
      start:add_(1)
      local loss = nn.cross_entropy(model(x) * start, y)
      loss:backward()
      opt:step()
      return loss
    end)
    local x, y = nn.ones(5, 3), nn.tensor { 1, 2, 1, 2, 1 }
    local kept = { step(x, y), step(x, y), step(x, y) }
    local shown, profiled = tostring(step), kept[1]:item()
    return kept, shown, profiled
  end)
  counts.second_order = fails_cleanly("second order", function()
    local x = nn.ones { 3, requires_grad = true }
    local g = nn.grad((x * x:tanh()):sum(), x, { create_graph = true })
    return nn.grad(g:sum(), x)
  end)
  counts.writes = fails_cleanly("writes through views", function()
    local w = nn.ones { 3, requires_grad = true }
    local x = nn.zeros(2, 3)
    x[1] = w * 2
    x[2]:add_(w)
    x:sum():backward()
  end)
  counts.save = fails_cleanly("save and load", function()
    local path = os.tmpname()
    local ok, err = pcall(function()
      nn.save(path, { a = nn.ones(3, 2):t(), b = nn.zeros(2) })
      return nn.load(path)
    end)
    os.remove(path)
    if not ok then
      error(err, 0)
    end
  end)
  for name, n in pairs(counts) do
    lu.assertTrue(n > 2, ("%s failed only %d times"):format(name, n - 1))
  end
end

function TestMemory:test_the_limit()
  collectgarbage()
  collectgarbage()
  local held = nn.memory().live + nn.memory().script
  nn.set_max_memory(held + (2 << 20))
  local ok, err = pcall(nn.zeros, 1 << 20)
  nn.set_max_memory()
  lu.assertFalse(ok)
  lu.assertStrContains(err, "4 MiB")
  for _, wrong in ipairs { -1, 0, 0 / 0, "2G", true } do
    lu.assertErrorMsgContains("set_max_memory: takes a number of bytes", nn.set_max_memory, wrong)
  end
  lu.assertNil(nn.memory().limit)
  -- garbage is collected before the limit is an error
  nn.set_max_memory(held + (8 << 20))
  for _ = 1, 100 do
    nn.zeros(1 << 20)
  end
  nn.set_max_memory()
end

-- A hundred gigabytes are tried by tests/long/memory.lua; here two.
function TestMemory:test_temporaries_do_not_pile_up()
  collectgarbage()
  local highest, before = 0, nn.memory().live
  for _ = 1, 500 do
    local x = nn.empty(1 << 20) + 1
    highest = math.max(highest, nn.memory().live - before)
    lu.assertEquals(#x, 1 << 20)
  end
  lu.assertTrue(highest < 100 << 20, "live memory rose to " .. highest)
end

-- In a program of its own, where the collector's rhythm is that of the loop.
function TestMemory:test_steady_training_asks_the_system_for_nothing()
  local out, err = process.script [[
local nn = require "nn"
local model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))
local opt = nn.optim.SGD(model:parameters(), { lr = 0.1, momentum = 0.9 })
local x, y = nn.randn(16, 20), nn.randint(1, 6, { 16 })
local loss_of = nn.CrossEntropyLoss()
local function steps(n)
  for _ = 1, n do
    opt:zero_grad()
    loss_of(model(x), y):backward()
    opt:step()
  end
end
steps(8000) -- until the collector has found its rhythm
local before = nn.memory().from_system
steps(2000)
print(nn.memory().from_system - before)]]
  lu.assertTrue(tonumber(out) < 100, out .. err) -- 4000 steps make about 100,000 tensors
end

-- A limit counts all that is held for the script, and what ran out can go on: each in a process of its own.
function TestMemory:test_a_limit_holds_for_everything()
  lu.skipIf(process.nnlua:find "address" or process.nnlua:find "thread", "sanitizers need memory of their own")
  local fill = {
    tables = "local t = {} while true do t[#t+1] = {} end", strings = "local t = {} while true do t[#t+1] = ('x'):rep(1000) .. #t end",
    views = "local x, t = nn.ones(10), {} while true do t[#t+1] = x:narrow(1, 1, 5) end",
    tensors = "local t = {} while true do t[#t+1] = nn.ones(10) end",
    graph = "local y = nn.ones(10):requires_grad_() while true do y = y * 1 end",
    programs = "local t = {} while true do local f = nn.compile(function(x) return x * 2 + 1 end) f(nn.ones(3)) t[#t+1] = f end",
    models = "local t = {} while true do t[#t+1] = nn.Linear(3, 3) end",
  }
  for name, body in pairs(fill) do
    local out, err = process.run(("%s --max-memory 30M -e %s"):format(process.nnlua, process.quote(([[
      local nn = require "nn"
      local ok, why = pcall(function() %s end)
      print(ok, why)
      print(nn.ones(3):sum():item(), tonumber(io.open("/proc/self/status"):read("a"):match("VmRSS:%%s+(%%d+)")) // 1024 < 60)]]):format(body))))
    lu.assertStrContains(out, "not enough memory", false, name .. err)
    lu.assertStrContains(out, "3.0\ttrue", false, name .. err)
  end
end

-- What piles up as garbage is collected where it is needed: by operations, the way back, steps and compiled steps.
function TestMemory:test_garbage_is_no_reason_to_fail()
  lu.skipIf(process.nnlua:find "address" or process.nnlua:find "thread", "sanitizers need memory of their own")
  for _, compiled in ipairs { false, true } do
    local out, err = process.run(("%s --max-memory 14M -e %s"):format(process.nnlua, process.quote(([[
      local nn = require "nn"
      collectgarbage "stop"
      local m = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 10))
      local opt, loss = nn.optim.Adam(m:parameters()), nn.CrossEntropyLoss()
      local x, y = nn.randn(256, 100), nn.randint(1, 10, {256})
      local function step() opt:zero_grad() loss(m(x), y):backward() opt:step() end
      step = %s and nn.compile(step) or step
      for _ = 1, 1000 do step() local junk = nn.ones(10000) end
      print "done"]]):format(compiled))))
    lu.assertEquals(out, "done\n", err)
  end
end
