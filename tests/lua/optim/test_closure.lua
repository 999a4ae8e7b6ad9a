-- Optimizers that ask for the loss again, and averages of weights.

local lu = require "luaunit"
local nn = require "nn"

TestClosure = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end

local function problem(n)
  local g = nn.Generator(2)
  local x = nn.randn({ n or 40, 3 }, { generator = g })
  return x, (x:select(2, 1) * 2):sin():unsqueeze(2)
end

function TestClosure:test_closure_optimizers_converge()
  local x, y = problem()
  for _, kind in ipairs { "LBFGS", "ConjugateGradient" } do
    local m = net()
    local opt = nn.optim[kind](m:parameters(), kind == "LBFGS" and { line_search_fn = "strong_wolfe", max_iter = 100 } or { max_iter = 100 })
    local function closure()
      opt:zero_grad()
      local loss = nn.mse_loss(m(x), y)
      loss:backward()
      return loss
    end
    local first = opt:step(closure)
    local last = closure():item()
    lu.assertTrue(last < 0.05 * first, ("%s: from %g to %g"):format(kind, first, last))
  end
  -- a quadratic: L-BFGS finds the exact minimum
  local w = nn.Parameter(nn.zeros({ 3 }, { dtype = "float64" }))
  local a = nn.tensor({ 1.0, 10.0, 100.0 }, { dtype = "float64" })
  local opt = nn.optim.LBFGS({ w }, { line_search_fn = "strong_wolfe", max_iter = 50 })
  opt:step(function()
    opt:zero_grad()
    local loss = (a * (w - 1):square()):sum()
    loss:backward()
    return loss
  end)
  lu.assertTrue((w:detach() - 1):abs():max():item() < 1e-5)
  local m = net()
  local lm = nn.optim.LevenbergMarquardt(m:parameters(), { max_iter = 50 })
  local before, after = lm:step(function()
    return m(x) - y
  end)
  lu.assertTrue(after < 1e-3 * before, ("LM: from %g to %g"):format(before, after))
  lu.assertErrorMsgContains("LBFGS: step needs a function", function()
    opt:step(function() end)
  end)
end

function TestClosure:test_averaging()
  local m = net()
  local swa, ema = nn.optim.AveragedModel(m), nn.optim.AveragedModel(m, { decay = 0.5 })
  local values = { 1, 2, 6 }
  for _, v in ipairs(values) do
    nn.init.constant_(m[1].bias, v)
    swa:update()
    ema:update()
  end
  lu.assertAlmostEquals(swa.model[1].bias[1]:item(), 3, 1e-5)
  lu.assertAlmostEquals(ema.model[1].bias[1]:item(), 0.5 * (0.5 * 1 + 0.5 * 2) + 0.5 * 6, 1e-5)
  local w = nn.Parameter(nn.tensor { 1.0 })
  local opt = nn.optim.Lookahead(nn.optim.SGD({ w }, { lr = 1 }), { k = 2, alpha = 0.5 })
  for _ = 1, 2 do
    opt:zero_grad()
    w:sum():backward()
    opt:step()
  end
  lu.assertAlmostEquals(w:item(), 0, 1e-6) -- 1 -> 0 -> -1, and half of the way back
end
