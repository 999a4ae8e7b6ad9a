-- nn.autograd.gradcheck: says true of right gradients, and of a wrong one where and how.

local lu = require "luaunit"
local nn = require "nn"

TestGradcheckFunction = {}

local check = nn.autograd.gradcheck

function TestGradcheckFunction:test_right_ones()
  nn.manual_seed(3)
  lu.assertTrue(check(function(x)
    return (x:tanh() * x):logsumexp(1)
  end, nn.randn(3, 4)))
  lu.assertTrue(check(function(x, w, i, n)
    return x:matmul(w):index_select(1, i) * n, x:sum()
  end, { nn.randn(3, 4), nn.randn(4, 2), nn.tensor { 1, 3 }, 2.5 }))
  lu.assertTrue(check(nn.sin, nn.tensor(0.5)))
  lu.assertTrue(check(nn.sin, nn.randn(3, 2):t()))
  lu.assertTrue(check(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5)):to "float64", nn.randn(2, 3)))
  lu.assertTrue(check(function(x) -- what is not used has no gradient
    return x * 2
  end, { nn.randn(2), nn.randn(2) }))
  lu.assertTrue(check(function(x) -- a copy, whose change harms nothing
    return x:clone():mul_(3)
  end, nn.ones(2)))
  lu.assertTrue(check(nn.sin, nn.zeros(0)))
end

function TestGradcheckFunction:test_wrong_ones()
  local Wrong = nn.autograd.Function {
    forward = function(_, x)
      return x * x
    end,
    backward = function(_, g)
      return g
    end,
  }
  local ok, why = pcall(function()
    check(function(x, y)
      return x, Wrong(y)
    end, { nn.ones(2), nn.tensor { { 0.5, 0.5, 3 } } })
  end)
  lu.assertFalse(ok)
  lu.assertStrContains(why, "test_gradcheck.lua:")
  lu.assertStrContains(why, "gradcheck: the gradient for input 2, element [1, 3] (of result 2, element [1, 3]) is 1 by backward, "
    .. "but 6 by differences")
  -- only those that require a gradient, where some do
  lu.assertTrue(check(function(x, y)
    return x * Wrong(y)
  end, { nn.ones(2):requires_grad_(), nn.full({ 2 }, 3.0) }))
  lu.assertErrorMsgContains("is 0 by backward, but 1 by differences", check, function(x)
    return x:detach()
  end, nn.ones(1))
  lu.assertErrorMsgContains("is nan by backward", check, function(x)
    return (x * 0):sqrt() + x
  end, nn.ones(1))
  lu.assertTrue(check(Wrong, nn.full({ 1 }, 3.0), { atol = 10 }))
end

function TestGradcheckFunction:test_refusals_and_random_numbers()
  lu.assertErrorMsgContains("result 1 of the function is float32", check, function(x)
    return x:float()
  end, nn.ones(1))
  lu.assertErrorMsgContains("no float tensor among the inputs", check, nn.sin, { 1 })
  lu.assertErrorMsgContains("result 1 is the number 1", check, function()
    return 1
  end, nn.ones(1))
  lu.assertErrorMsgContains("has no option 'epsilon'", check, nn.sin, nn.ones(1), { epsilon = 1 })
  lu.assertErrorMsgContains("f must be a function", check, 1, nn.ones(1))
  nn.manual_seed(4)
  local before = { nn.rng_state() }
  local x = nn.ones(2):requires_grad_()
  check(nn.Dropout(0.5), x)
  lu.assertEquals({ nn.rng_state() }, before)
  lu.assertNil(x.grad)
end

-- Gradients that f asks for itself, and gradients of gradients.
function TestGradcheckFunction:test_second_order()
  lu.assertTrue(check(function(x)
    return nn.grad((x ^ 3):sum(), x, { create_graph = true })
  end, nn.randn(3)))
  lu.assertTrue(nn.autograd.gradgradcheck(function(x, w)
    return x:matmul(w):tanh(), x:sum()
  end, { nn.randn(2, 3), nn.randn(3, 2) }))
  lu.assertTrue(nn.autograd.gradgradcheck(nn.Conv1d(2, 3, 2):to "float64", nn.randn(1, 2, 4)))
  local Cut = nn.autograd.Function {
    forward = function(ctx, x)
      ctx:save_for_backward(x)
      return x ^ 3
    end,
    backward = function(ctx, g)
      return g * 3 * ctx.saved_tensors[1]:detach() ^ 2
    end,
  }
  lu.assertTrue(check(Cut, nn.randn(2)))
  lu.assertErrorMsgContains("is 0 by backward", nn.autograd.gradgradcheck, Cut, nn.randn(2))
  local Deaf = nn.autograd.Function { -- knows nothing of what comes in
    forward = function(ctx, x)
      ctx:save_for_backward(x)
      return x * x
    end,
    backward = function(ctx, g)
      return g:detach() * 2 * ctx:saved()
    end,
  }
  lu.assertErrorMsgContains("the gradient for input 2", nn.autograd.gradgradcheck, Deaf, nn.randn(2))
end
