-- Functions with a backward of their own, and the search for nan.

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

-- A result that was kept has its history: the second derivative of x e^x is (x + 2) e^x.
function TestFunction:test_kept_results_have_their_history()
  local Exp = nn.autograd.Function {
    forward = function(ctx, x)
      local y = x:exp()
      ctx:save_for_backward(y)
      return y
    end,
    backward = function(ctx, g)
      return g * ctx:saved()
    end,
  }
  local x = nn.randn({ 3 }, f64):requires_grad_()
  local g = nn.grad((x * Exp(x)):sum(), x, { create_graph = true })
  close(nn.grad(g:sum(), x), ((x + 2) * x:exp()):detach())
end

-- Another tensor that was kept has its own.
function TestFunction:test_kept_tensors_have_their_history()
  local w = nn.tensor({ 3.0 }, f64):requires_grad_()
  local h = w * w
  local Times = nn.autograd.Function {
    forward = function(ctx, x)
      ctx:save_for_backward(h)
      return x * h
    end,
    backward = function(ctx, g)
      return g * ctx:saved()
    end,
  }
  local x = nn.tensor({ 2.0 }, f64):requires_grad_()
  local g = nn.grad(Times(x):sum(), x, { create_graph = true })
  lu.assertEquals(nn.grad(g:sum(), w):item(), 6.0)
end

function TestFunction:test_changed_values_are_noticed()
  local Square = nn.autograd.Function {
    forward = function(ctx, x)
      ctx:save_for_backward(x)
      return x * x
    end,
    backward = function(ctx, g)
      return g * 2 * ctx:saved()
    end,
  }
  local x = nn.ones(3):requires_grad_()
  local h = x * 2
  local y = Square(h)
  h:add_(1)
  lu.assertErrorMsgContains("was changed in place after it was used", function()
    y:sum():backward()
  end)
  y = Square(x)
  y:sum():backward()
  lu.assertErrorMsgContains("freed by an earlier backward; build the loss again", function()
    y:sum():backward()
  end)
end

function TestFunction:test_results_without_use()
  local seen
  local Two = nn.autograd.Function {
    forward = function(ctx, x, materialize)
      ctx:set_materialize_grads(materialize)
      return x * 1, nn.zeros(2, 2) + x:sum()
    end,
    backward = function(_, a, b)
      seen = { a, b }
      return a
    end,
  }
  local x = nn.ones(3):requires_grad_()
  Two(x, true):sum():backward()
  lu.assertEquals(seen[2]:totable(), { { 0.0, 0.0 }, { 0.0, 0.0 } })
  Two(x, false):sum():backward()
  lu.assertNil(seen[2])
end

-- What forward returns keeps being what it was.
function TestFunction:test_returning_what_was_there_before()
  local w = nn.ones(2):requires_grad_()
  local h = w * 3
  local x = nn.ones(2):requires_grad_()
  for _, what in ipairs { w, h, x, x:detach() } do
    local Give = nn.autograd.Function {
      forward = function()
        return what
      end,
      backward = function(_, g)
        return g * 7
      end,
    }
    local y = Give(x)
    y:sum():backward()
    lu.assertEquals(x.grad:totable(), { 7.0, 7.0 })
    lu.assertTrue(w.is_leaf)
    lu.assertNil(w.grad)
    x.grad = nil
  end
  h:sum():backward()
  lu.assertEquals(w.grad:totable(), { 3.0, 3.0 })
end

function TestFunction:test_arguments_changed_in_place()
  local Bad = nn.autograd.Function {
    forward = function(_, _, x)
      return x:add_(1)
    end,
    backward = function(_, g)
      return g
    end,
  }
  local x = nn.ones(2):requires_grad_()
  lu.assertErrorMsgContains("forward changed its argument 2 in place", Bad, 1, x * 1)
  lu.assertErrorMsgContains("save_for_backward: takes tensors, but argument 1 is the number 3", nn.autograd.Function({
    forward = function(ctx, y)
      ctx:save_for_backward(3)
      return y
    end,
    backward = print,
  }), x)
end

function TestFunction:test_what_ctx_holds_is_collected()
  local Double = nn.autograd.Function {
    forward = function(ctx, x)
      ctx.y = x * 2
      return ctx.y
    end,
    backward = function(_, g)
      return g * 2
    end,
  }
  local function steps(n)
    for _ = 1, n do
      local x = nn.ones(1000):requires_grad_()
      Double(x)
      Double(x):sum():backward()
    end
    collectgarbage()
    collectgarbage()
    return nn.memory().live
  end
  local before = steps(20)
  lu.assertTrue(steps(200) <= before)
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


function TestFunction:test_number_of_gradients()
  for given, backward in pairs { [0] = function() end, [2] = function(_, g)
    return g, g
  end } do
    local f = nn.autograd.Function { forward = function(_, x)
      return x * 2
    end, backward = backward }
    local loss = f(nn.ones(2):requires_grad_()):sum()
    lu.assertErrorMsgContains(("must return as many gradients (nil for those that have none), but it returned %d"):format(given),
      loss.backward, loss)
  end
end

-- What PyTorch's users look for.
function TestFunction:test_names_of_pytorch()
  local wanted
  local F = nn.autograd.Function {
    forward = function(ctx, x, k, y)
      ctx:save_for_backward(x, y)
      wanted = ctx.needs_input_grad
      return x * k * y
    end,
    backward = function(ctx, g)
      local x, y = table.unpack(ctx.saved_tensors)
      return g * 2 * y, nil, g * 2 * x
    end,
  }
  local x = nn.ones(2):requires_grad_()
  F(x, 2, nn.full({ 2 }, 3.)):sum():backward()
  lu.assertEquals({ wanted, x.grad:totable() }, { { true, false, false }, { 6, 6 } })
  lu.assertErrorMsgContains("F:apply(x), or F(x), but got a float32 tensor", F.apply, x)
  local Plain = nn.autograd.Function { forward = function(_, a)
    return a * 2
  end, backward = function(_, g)
    return g * 2
  end }
  local refused = nn.compile(function()
    local w = nn.ones(2):requires_grad_()
    local loss = Plain(w):sum()
    loss:backward()
    return loss
  end)
  lu.assertErrorMsgContains("nn.train.fit does so by itself", refused)
end
