-- Hooks on gradients and on modules.

local lu = require "luaunit"
local nn = require "nn"

TestHooks = {}

function TestHooks:test_hooks_see_and_change_gradients()
  local x = nn.tensor({ 1.0, 2.0 }, { requires_grad = true })
  local y = x * 3
  local seen
  y:register_hook(function(g)
    seen = g:totable()
    return g * 10
  end)
  local leaf = {}
  local remove = x:register_hook(function(g)
    leaf[#leaf + 1] = g:totable()
  end)
  ;(y * y + x):sum():backward()
  lu.assertEquals(seen, { 6.0, 12.0 })
  lu.assertEquals(x.grad:totable(), { 181.0, 361.0 })
  lu.assertEquals(leaf, { { 181.0, 361.0 } }) -- once, with all that arrived
  remove()
  x:sum():backward()
  lu.assertEquals(#leaf, 1)
  lu.assertErrorMsgContains("requires no gradient", nn.ones(2).register_hook, nn.ones(2), print)
end

-- A hook may take itself away, and others, while hooks run.
function TestHooks:test_hooks_that_take_hooks_away()
  for _, x in ipairs { nn.ones(2):requires_grad_(), nn.ones(2):requires_grad_() * 2 } do
    local calls, remove = { 0, 0, 0 }, {}
    for i = 1, 3 do
      remove[i] = x:register_hook(function()
        calls[i] = calls[i] + 1
        if i == 2 then
          remove[1]()
          remove[2]()
          remove[3]()
          collectgarbage()
        end
      end)
    end
    for _ = 1, 2 do
      x:sum():backward { retain_graph = true }
    end
    lu.assertEquals(calls, { 1, 1, 0 })
    x:register_hook(function() calls[3] = 10 end)
    x:sum():backward()
    lu.assertEquals(calls, { 1, 1, 10 })
  end
end

-- A hook that comes after a function was recorded is not passed over.
function TestHooks:test_hooks_after_recording()
  local w = nn.ones(2):requires_grad_()
  local step = nn.compile(function(x)
    w.grad = nil
    ;(x * w):sum():backward()
    return w.grad
  end)
  step(nn.ones(2))
  step(nn.ones(2))
  w:register_hook(function() end)
  lu.assertErrorMsgContains("cannot be recorded", step, nn.ones(2))
end

function TestHooks:test_errors_of_hooks()
  local x = nn.ones(2):requires_grad_()
  x:register_hook(function()
    return nn.ones(3)
  end)
  lu.assertErrorMsgContains("a hook must give a gradient of shape 2", x.sum(x).backward, x:sum())
end

function TestHooks:test_hooks_of_modules()
  local m = nn.Linear(2, 2)
  local calls = {}
  local remove = m:register_forward_hook(function(module, y)
    calls[#calls + 1] = module == m
    return y * 0
  end)
  m:register_forward_pre_hook(function(_, x)
    return x + 1
  end)
  lu.assertEquals(m(nn.ones(1, 2)):totable(), { { 0.0, 0.0 } })
  lu.assertEquals(calls, { true })
  remove()
  lu.assertTrue(m(nn.zeros(1, 2)):equal(m:forward(nn.ones(1, 2))))
end

-- What runs Lua on the way back cannot be replayed without it, and says so.
function TestHooks:test_not_compiled()
  local w = nn.ones(2):requires_grad_()
  local remove = w:register_hook(function() end)
  local step = nn.compile(function(x)
    w.grad = nil
    ;(x * w):sum():backward()
    return w.grad
  end)
  lu.assertErrorMsgContains("cannot be recorded", step, nn.ones(2))
  remove()
  lu.assertEquals(step(nn.ones(2) * 3):totable(), { 3.0, 3.0 })
end

-- A hook may run a backward of its own over what the outer one is going through.
function TestHooks:test_a_backward_inside_a_hook()
  local w = nn.tensor({ 3.0 }, { requires_grad = true })
  local a = w * w
  local s, c, inner = a:sum(), a * 2, nil
  c:register_hook(function()
    inner = nn.grad(s, { w }, { retain_graph = true })[1]
  end)
  ;(c + a * 1):sum():backward()
  lu.assertEquals(w.grad:item(), 18.0)
  lu.assertEquals(inner:item(), 6.0)
end

-- In its own backward a hook is not called again, so one that asks for the gradient it looks at ends.
function TestHooks:test_a_hook_that_asks_for_its_own_gradient()
  local w = nn.tensor({ 3.0 }, { requires_grad = true })
  local s, calls, inner = (w * w):sum(), 0, nil
  w:register_hook(function(g)
    calls = calls + 1
    inner = nn.grad(s, w, { retain_graph = true })
    return g * 10
  end)
  lu.assertEquals(nn.grad(s, w, { retain_graph = true }):item(), 60.0)
  s:backward { retain_graph = true }
  lu.assertEquals(w.grad:item(), 60.0)
  lu.assertEquals(inner:item(), 6.0)
  lu.assertEquals(calls, 2)
end

function TestHooks:test_taken_away_after_a_write()
  local w = nn.ones(2):requires_grad_()
  local c, calls = w * 2, 0
  local remove = c:register_hook(function()
    calls = calls + 1
  end)
  c:mul_(2)
  remove()
  c:sum():backward()
  lu.assertEquals(calls, 0)
end

local function live_after(rounds, f)
  for _ = 1, rounds do
    f()
  end
  collectgarbage()
  collectgarbage()
  return nn.memory().live
end

-- The collector sees hooks: a hook that names a tensor of its own graph goes with it.
function TestHooks:test_hooks_that_name_their_tensors_are_collected()
  for _, make in ipairs {
    function()
      local w = nn.randn(1000):requires_grad_()
      w:register_hook(function() return nil, w end)
      return w * w
    end,
    function()
      local w = nn.randn(1000):requires_grad_()
      local c = w * 2
      c:register_hook(function() return nil, { c, w } end)
      return c * w
    end,
    function()
      local w, v = nn.randn(1000):requires_grad_(), nn.randn(1000):requires_grad_() * 1
      local c = w * 2
      c:register_hook(function() return nil, { c, w } end)
      v[1]:mul_(c[1])
      return v
    end,
  } do
    local function round()
      make():sum():backward()
      make()
    end
    local before = live_after(20, round)
    lu.assertTrue(live_after(100, round) <= before)
  end
end

-- And a hook stays as long as some tensor leads back to it, whoever else is gone.
function TestHooks:test_hooks_stay()
  local calls = 0
  local function count()
    calls = calls + 1
  end
  local function hooked()
    local w = nn.ones(3):requires_grad_()
    local c = w * 2
    c:register_hook(count)
    return c
  end
  local loss = (hooked() * 2):sum()
  collectgarbage()
  loss:backward()
  lu.assertEquals(calls, 1)
  loss = (function() -- after others have begun to use the tensor
    local c = nn.ones(3):requires_grad_() * 2
    local l = (c * c):sum()
    c:register_hook(count)
    return l
  end)()
  collectgarbage()
  loss:backward()
  lu.assertEquals(calls, 2)
  local v = nn.zeros(3) -- written through a view
  v[1]:add_(hooked()[1])
  collectgarbage()
  v:sum():backward()
  lu.assertEquals(calls, 3)
  local w = nn.ones(3):requires_grad_() -- in the history of a gradient
  ;(function()
    local c = w * 2
    c:register_hook(count)
    ;(c * c):sum():backward { create_graph = true }
  end)()
  collectgarbage()
  w.grad:sum():backward()
  lu.assertEquals(calls, 5)
  w.grad = nil -- it leads back to w, which holds it: with a history this is a circle that only this ends
end
