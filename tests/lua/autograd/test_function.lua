-- Lua on the way back: functions with their own backward, hooks, checkpoints, anomalies; and nn.func.

local lu = require "luaunit"
local nn = require "nn"

TestFunction = {}

local f64 = { dtype = "float64" }
local function close(a, b, bound)
  lu.assertTrue((a - b):abs():max():item() <= (bound or 1e-12), ("%s is not %s"):format(tostring(a), tostring(b)))
end

function TestFunction:test_function_with_backward()
  local Cube = nn.autograd.Function {
    forward = function(ctx, x, scale)
      ctx:save_for_backward(x)
      ctx.scale = scale
      return x * x * x * scale
    end,
    backward = function(ctx, g)
      local x = ctx:saved()
      return g * 3 * x * x * ctx.scale
    end,
  }
  local x = nn.randn({ 4 }, f64):requires_grad_()
  local y = Cube(x, 2)
  y:sum():backward { retain_graph = true }
  close(x.grad, x:detach():square() * 6)
  local g = nn.grad(Cube(x, 2):sum(), x, { create_graph = true })
  close(nn.grad(g:sum(), x), x:detach() * 12)
  lu.assertFalse(nn.no_grad(Cube, x, 2).requires_grad)
end

function TestFunction:test_several_inputs_and_results()
  local Both = nn.autograd.Function {
    forward = function(ctx, a, b)
      ctx:save_for_backward(a, b)
      return a * b, a + b
    end,
    backward = function(ctx, gp, gs)
      local a, b = ctx:saved()
      gp, gs = gp or nn.zeros_like(a), gs or nn.zeros_like(a)
      return gp * b + gs, gp * a + gs
    end,
  }
  local a, b = nn.randn({ 3 }, f64):requires_grad_(), nn.randn({ 3 }, f64):requires_grad_()
  local p, s = Both(a, b)
  ;(p + s * 2):sum():backward()
  close(a.grad, b:detach() + 2)
  close(b.grad, a:detach() + 2)
  a.grad = nil
  p = Both(a, b)
  p:sum():backward()
  close(a.grad, b:detach())
end

function TestFunction:test_errors_in_backward()
  local Bad = nn.autograd.Function {
    forward = function(_, x)
      return x * 2
    end,
    backward = function()
      error "something of mine"
    end,
  }
  local x = nn.ones(3):requires_grad_()
  local y = Bad(x)
  lu.assertErrorMsgContains("something of mine", y.sum(y).backward, y:sum())
  lu.assertErrorMsgMatches(".*called at .*test_function.lua:%d+.*", y.sum(y).backward, Bad(x):sum())
  local Wrong = nn.autograd.Function {
    forward = function(_, x1)
      return x1 * 2
    end,
    backward = function()
      return nn.ones(2)
    end,
  }
  lu.assertErrorMsgContains("a gradient of shape 2 for input 1, whose shape is 3", function()
    Wrong(x):sum():backward()
  end)
  lu.assertErrorMsgContains("backward is nil", nn.autograd.Function, { forward = print })
end

function TestFunction:test_functions_do_not_leak()
  local Double = nn.autograd.Function {
    forward = function(ctx, x)
      local y = x * 2
      ctx:save_for_backward(x, y)
      return y
    end,
    backward = function(_, g)
      return g * 2
    end,
  }
  local x = nn.ones(1000):requires_grad_()
  local function steps(n)
    for _ = 1, n do
      Double(x):sum():backward()
      Double(x) -- and without a way back
    end
    collectgarbage()
    collectgarbage()
    return nn.memory().live
  end
  local before = steps(50)
  lu.assertTrue(steps(500) <= before + 20000)
end

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

TestCheckpoint = {}

function TestCheckpoint:test_same_gradients()
  local model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1))
  local x = nn.randn(5, 4):requires_grad_()
  nn.manual_seed(3)
  model(x):sum():backward()
  local want = { x.grad:clone() }
  for _, p in ipairs(model:parameters()) do
    want[#want + 1] = p.grad:clone()
  end
  model:zero_grad()
  x.grad = nil
  nn.manual_seed(3)
  nn.checkpoint(model, x):sum():backward()
  local got = { x.grad }
  for _, p in ipairs(model:parameters()) do
    got[#got + 1] = p.grad
  end
  for i, g in ipairs(want) do
    close(got[i], g, 1e-6)
  end
end

TestAnomaly = {}

function TestAnomaly:test_forward_and_backward()
  lu.assertErrorMsgContains("log: made nan from inputs without nan", nn.autograd.detect_anomaly, function()
    return nn.tensor({ -1.0 }):log()
  end)
  local x = nn.tensor({ 0.0 }, { requires_grad = true })
  lu.assertErrorMsgMatches(".*gradient of sqrt %(called at .*test_function.lua:%d+%): .*made nan.*", nn.autograd.detect_anomaly, function()
    (x:sqrt() * 0):sum():backward() -- 0 times infinity
  end)
  lu.assertEquals(nn.tensor({ -1.0 }):log():ne(0):item(), true) -- off again
end

TestFunc = {}

local function f(x)
  return (x * x * nn.tensor({ 1.0, 2.0, 3.0 }, f64)):cumsum()
end

function TestFunc:test_vjp_and_jvp()
  local x, t = nn.randn({ 3 }, f64), nn.randn({ 3 }, f64)
  local j = nn.func.jacobian(f, x)
  local y, pull = nn.func.vjp(f, x)
  close(y, f(x))
  local v = nn.randn({ 3 }, f64)
  close(pull(v), v:matmul(j))
  local y2, tangent = nn.func.jvp(f, { x }, { t })
  close(y2, f(x))
  close(tangent, j:matmul(t))
end

function TestFunc:test_jacobian_and_hessian()
  local x = nn.randn({ 3 }, f64)
  local w = nn.tensor({ 1.0, 2.0, 3.0 }, f64)
  close(nn.func.jacobian(f, x), nn.ones({ 3, 3 }, f64):tril() * (x * w * 2))
  local h = nn.func.hessian(function(z)
    return (z * z * z):sum() + z[1] * z[2]
  end, x)
  local want = nn.diag(x * 6)
  want[{ 1, 2 }], want[{ 2, 1 }] = 1, 1
  close(h, want)
  lu.assertEquals(tostring(nn.func.jacobian(function(z)
    return z:sum(1)
  end, nn.zeros(2, 3)).shape), "3x2x3")
  close(nn.func.hessian(function(z)
    return z:sum()
  end, x), nn.zeros({ 3, 3 }, f64))
end

function TestFunc:test_wrong_arguments()
  for _, name in ipairs { "vjp", "jvp", "jacobian", "hessian", "vmap" } do
    lu.assertErrorMsgMatches(".*" .. name .. ": the first argument must be a function, but is the number 3", nn.func[name], 3, nn.ones(2))
  end
  lu.assertErrorMsgContains("checkpoint: the first argument must be a function", nn.checkpoint, 3)
  lu.assertErrorMsgContains("detect_anomaly: the first argument must be a function", nn.autograd.detect_anomaly)
  lu.assertErrorMsgContains("1 primals do not go with 2 tangents", nn.func.jvp, f, { nn.ones(3) }, { nn.ones(3), nn.ones(3) })
  lu.assertErrorMsgContains("takes a module first", nn.func.per_sample_gradients)
  lu.assertErrorMsgContains("did you mean 'jacobian'?", function() return nn.func.jakobian end)
  lu.assertErrorMsgContains("did you mean 'Function'?", function() return nn.autograd.Funktion end)
end

function TestFunc:test_vmap_and_per_sample_gradients()
  local a, b = nn.randn(4, 3), nn.randn(3, 4)
  close(nn.func.vmap(nn.dot, { 1, 2 })(a, b), (a * b:t()):sum(2), 1e-6)
  local model = nn.Linear(3, 2)
  local x, y = nn.randn(5, 3), nn.tensor({ 1, 2, 1, 2, 1 })
  local loss = nn.CrossEntropyLoss()
  local per = nn.func.per_sample_gradients(model, loss, x, y)
  lu.assertEquals(tostring(per.weight.shape), "5x2x3")
  loss(model(x), y):backward()
  close(per.weight:mean(1), model.weight.grad, 1e-6)
end
