-- The tape: accumulation, graphs used twice, writes in place, detached values, deep graphs, memory.

local lu = require "luaunit"
local nn = require "nn"

TestTape = {}

local function leaf(values)
  return nn.tensor(values, { requires_grad = true })
end

function TestTape:test_gradients_accumulate()
  local x = leaf { 1.0, 2.0 }
  x:sum():backward()
  nn.sum(x * 3):backward()
  lu.assertEquals(x.grad:totable(), { 4.0, 4.0 })
  x.grad = nil
  lu.assertNil(x.grad)
end

function TestTape:test_a_value_used_twice()
  local x = leaf { 2.0 }
  local y = x * x
  nn.sum(y * y + y):backward()
  lu.assertEquals(x.grad:item(), 4 * 8 + 2 * 2)
end

function TestTape:test_backward_with_gradient()
  local x = leaf { 1.0, 2.0 }
  local y = x * 2
  y:backward(nn.tensor { 1.0, 10.0 })
  lu.assertEquals(x.grad:totable(), { 2.0, 20.0 })
end

function TestTape:test_grad_of_grad()
  local x = leaf { 1.5 }
  local y = x:pow(3)
  local first = nn.grad(y:sum(), x, { create_graph = true })
  local second = nn.grad(first:sum(), x, { create_graph = true })
  local third = nn.grad(second:sum(), x)
  lu.assertAlmostEquals(first:item(), 3 * 1.5 ^ 2, 1e-5)
  lu.assertAlmostEquals(second:item(), 6 * 1.5, 1e-5)
  lu.assertAlmostEquals(third:item(), 6, 1e-5)
  lu.assertNil(x.grad)
end

function TestTape:test_grad_of_inner_values()
  local x = leaf { 3.0 }
  local y = x * 2
  local z = (y * y):sum()
  local grads = nn.grad(z, { y, x })
  lu.assertEquals(grads[1]:item(), 12.0)
  lu.assertEquals(grads[2]:item(), 24.0)
end

function TestTape:test_unused_inputs()
  local x, y = leaf { 1.0 }, leaf { 1.0 }
  lu.assertErrorMsgContains("does not depend on input 1", nn.grad, x:sum(), y)
  lu.assertEquals(nn.grad(x:sum(), { y }, { allow_unused = true }), { false })
end

function TestTape:test_twice_is_an_error_that_says_what_to_do()
  local x = leaf { 1.0 }
  local y = (x * x):sum()
  y:backward()
  lu.assertErrorMsgContains("retain_graph = true", y.backward, y)
  local z = (x * x):sum()
  z:backward { retain_graph = true }
  z:backward()
end

function TestTape:test_changed_values_are_noticed()
  local x = leaf { 1.0, 2.0 }
  local y = x * 1
  local z = y * y
  y:add_(1)
  lu.assertErrorMsgContains("was changed in place after it was used", function()
    z:sum():backward()
  end)
  -- where the gradient does not need the value, a change does no harm
  local a = x * 1
  local b = a + 1
  a:add_(5)
  b:sum():backward()
end

function TestTape:test_inplace_forms_have_their_functions_gradients()
  local x = leaf { 0.5, 1.5 }
  local a = x * 1
  a:mul_(a) -- a appears twice: its old value is kept
  a:exp_()
  a:sum():backward()
  local y = leaf { 0.5, 1.5 }
  nn.exp(y * y):sum():backward()
  lu.assertTrue((x.grad - y.grad):abs():max():item() < 1e-5)
end

function TestTape:test_overwritten_values_get_no_gradient()
  local w, v = leaf { 1.0, 2.0, 3.0 }, leaf { 5.0 }
  local x = w * 2
  x:fill_(v[1])
  x:backward(nn.tensor { 1.0, math.huge, 3.0 })
  lu.assertEquals(w.grad:totable(), { 0.0, 0.0, 0.0 }) -- not inf * 0
  lu.assertEquals(v.grad:item(), math.huge)
  for _, name in ipairs { "uniform_", "normal_", "bernoulli_" } do
    w.grad = nil
    local y = w * 2
    y[name](y)
    y:backward(nn.tensor { 1.0, math.huge, 3.0 })
    lu.assertEquals(w.grad:totable(), { 0.0, 0.0, 0.0 }, name)
  end
end

function TestTape:test_leaves_are_protected()
  local x = leaf { 1.0 }
  lu.assertErrorMsgContains("nn.no_grad", function()
    x:add_(1)
  end)
  lu.assertErrorMsgContains("nn.no_grad", function()
    x[1] = 5
  end)
  nn.no_grad(function()
    x:add_(1)
  end)
  lu.assertEquals(x:item(), 2.0)
end

function TestTape:test_no_grad_and_detach()
  local x = leaf { 1.0 }
  lu.assertFalse(nn.no_grad(function()
    return x * 2
  end).requires_grad)
  lu.assertFalse((x:detach() * 2).requires_grad)
  lu.assertErrorMsgContains("boom", nn.no_grad, function()
    error "boom"
  end)
  lu.assertTrue(nn.is_grad_enabled())
  lu.assertErrorMsgContains("no history", function()
    nn.ones(1):backward()
  end)
  lu.assertErrorMsgContains("starts from one number", function()
    (leaf { 1.0, 2.0 } * 2):backward()
  end)
  lu.assertErrorMsgContains("only float tensors", function()
    nn.tensor({ 1, 2 }):requires_grad_()
  end)
  lu.assertErrorMsgContains("was computed", function()
    nn.mul(x, 2):requires_grad_(false)
  end)
end

function TestTape:test_broadcast_gradients_have_their_inputs_shape()
  local a, b = nn.randn(3, 1):requires_grad_(), nn.randn(4):requires_grad_()
  nn.sum(a * b):backward()
  lu.assertEquals(tostring(a.grad.shape), "3x1")
  lu.assertEquals(tostring(b.grad.shape), "4")
  local c = leaf { 1.0 }
  local d = nn.tensor({ 2.0 }, { dtype = "float64", requires_grad = true })
  nn.sum(c * d):backward()
  lu.assertEquals(c.grad.dtype, "float32")
  lu.assertEquals(d.grad.dtype, "float64")
end

function TestTape:test_deep_graphs()
  local x = leaf { 1.0 }
  local y = x
  for _ = 1, 100000 do
    y = y + 1
  end
  y:sum():backward()
  lu.assertEquals(x.grad:item(), 1.0)
  y = nil -- frees a chain of 100000 nodes without recursion
  collectgarbage()
  lu.assertNil(y)
end

function TestTape:test_nothing_is_kept()
  collectgarbage()
  collectgarbage()
  local before = nn.memory().live
  for _ = 1, 50 do
    local x = nn.randn(100, 100):requires_grad_()
    local y = (x:matmul(x:t()):tanh() * x):sum()
    local g = nn.grad(y, x, { create_graph = true })
    g:sum():backward()
    local view = x:detach()[1]
    view:add_(1)
  end
  collectgarbage()
  collectgarbage()
  lu.assertTrue(nn.memory().live - before < 100000, "live memory grew by " .. nn.memory().live - before)
end

-- An error or a yield in a coroutine gives the mode back, too.
function TestTape:test_no_grad_in_coroutines()
  for _, f in ipairs { function() error "mine" end, function() coroutine.yield() end } do
    local co = coroutine.create(function()
      nn.no_grad(f)
    end)
    lu.assertFalse(coroutine.resume(co))
    lu.assertTrue(nn.is_grad_enabled())
    nn.no_grad(function()
      coroutine.close(co)
      lu.assertFalse(nn.is_grad_enabled())
    end)
  end
end

-- A value that no gradient needs may change: of x * 2 nobody asks for x.
function TestTape:test_values_that_are_not_needed()
  for want, f in pairs { [2] = function(h)
    return h * 2
  end, [0.5] = function(h)
    return h / 2
  end, [3] = function(h)
    return nn.linear(h, nn.ones(3, 2))
  end, [4] = function(h)
    return h:matmul(nn.ones(2, 4))
  end, [5] = function(h)
    return nn.ones(5, 2):matmul(h)
  end } do
    local x = nn.ones(2):requires_grad_()
    local h = x * 1
    local u = f(h)
    h:add_(1)
    u:sum():backward()
    lu.assertEquals(x.grad:totable(), { want, want })
  end
  local x = nn.ones(4):requires_grad_()
  local h = x * 1
  h[{ { 1, 2 } }] = h[{ { 2, 3 } }] * 2
  h:sum():backward()
  lu.assertEquals(x.grad:totable(), { 0, 2, 3, 1 })
end

-- More values wait for their turn than there is room for at first.
function TestTape:test_wide_graphs()
  local x, parts = leaf { 1.0, 2.0 }, {}
  for i = 1, 300 do
    parts[i] = (x * i):tanh() * i + x * x
  end
  nn.stack(parts):sum():backward()
  local expected = nn.zeros(2, { dtype = "float64" })
  for i = 1, 300 do
    local y = x:detach():double()
    expected = expected + i * i * (1 - (y * i):tanh() ^ 2) + 2 * y
  end
  lu.assertTrue(x.grad:double():allclose(expected, 1e-5, 1e-5), tostring(x.grad))
end

function TestTape:test_the_same_input_twice()
  local x, count = leaf { 1.0, 2.0 }, 0
  local y = (x * x):sum()
  local a, b = table.unpack(nn.grad(y, { x, x }, { retain_graph = true }))
  lu.assertEquals({ a:totable(), b:totable() }, { { 2.0, 4.0 }, { 2.0, 4.0 } })
  x:register_hook(function(g)
    count = count + 1
    return g * 3
  end)
  a, b = table.unpack(nn.grad(y, { x, x }))
  lu.assertEquals({ a:totable(), b:totable() }, { { 6.0, 12.0 }, { 6.0, 12.0 } })
  lu.assertEquals(count, 1)
end
