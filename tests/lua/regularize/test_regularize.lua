-- Proximal steps, projections, multipliers, mixing.

local lu = require "luaunit"
local nn = require "nn"

TestRegularize = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end

function TestRegularize:test_proximal_and_projection()
  local w = nn.Parameter(nn.tensor { 3.0, -0.5, 0.2, -2.0 })
  nn.regularize.proximal_l1_(w, 0.5)
  lu.assertEquals(w:totable(), { 2.5, 0.0, 0.0, -1.5 })
  lu.assertEquals(nn.regularize.sparsity(w), 0.5)
  lu.assertTrue(nn.regularize.project_l2_(w, 1))
  lu.assertAlmostEquals(nn.regularize.l2(w):item(), 1, 1e-6)
  lu.assertFalse(nn.regularize.project_l2_(w, 2))
  local m = nn.Parameter(nn.tensor { { 3.0, 4.0 }, { 0.3, 0.4 } })
  nn.regularize.max_norm_(m, 1)
  lu.assertTrue((m:detach() - nn.tensor { { 0.6, 0.8 }, { 0.3, 0.4 } }):abs():max():item() < 1e-6)
  lu.assertEquals(#nn.regularize.weights(net()), 2) -- biases are exempt
  lu.assertEquals(#nn.regularize.weights(net(), "bias$"), 2)
end

-- The optimum under sum w^2 <= T is ridge regression's with lambda_of_constraint's lambda.
function TestRegularize:test_lambda_of_a_constraint()
  local g = nn.Generator(1)
  local x = nn.randn({ 50, 4 }, { generator = g, dtype = "float64" })
  local y = nn.randn({ 50 }, { generator = g, dtype = "float64" })
  local w = nn.Parameter(nn.zeros({ 4 }, { dtype = "float64" }))
  local T = 0.5 * nn.LinearRegression({ intercept = false }):fit(x, y).weight:square():sum():item()
  local opt = nn.optim.SGD({ w }, { lr = 2e-3 })
  for _ = 1, 1500 do
    opt:zero_grad();
    (x:matmul(w) - y):square():sum():backward()
    opt:step()
    nn.regularize.project_l2_(w, T)
  end
  opt:zero_grad();
  (x:matmul(w) - y):square():sum():backward()
  local lambda, residual = nn.regularize.lambda_of_constraint(w)
  lu.assertTrue(residual < 1e-6)
  local ridge = nn.RidgeRegression({ lambda = lambda, intercept = false }):fit(x, y).weight
  lu.assertTrue((ridge - w:detach()):abs():max():item() < 1e-8)
end

function TestRegularize:test_mixing()
  nn.manual_seed(1)
  local x, y = nn.randn(6, 4), nn.tensor { 1, 2, 3, 1, 2, 3 }
  local mx, my = nn.regularize.mixup(x, y, 3, { alpha = 0.4 })
  lu.assertTrue((my:sum(2) - 1):abs():max():item() < 1e-6)
  lu.assertAlmostEquals(mx:sum():item(), x:sum():item(), 1e-4) -- a permutation mixed with itself
  lu.assertTrue(nn.CrossEntropyLoss()(nn.randn(6, 3), my):item() > 0)
  local holes = nn.regularize.cutout(nn.ones(50, 8, 8), 4)
  local zeros = holes:eq(0):sum({ 2, 3 })
  lu.assertTrue(zeros:max():item() == 16 and zeros:min():item() >= 4)
  lu.assertAlmostEquals(nn.regularize.smooth_labels(y, 3, 0.3)[1][1]:item(), 0.8, 1e-6)
  lu.assertAlmostEquals(nn.regularize.elastic_net(nn.tensor { { 1.0, -2.0 } }, 0.5):item(), 0.5 * 3 + 0.25 * 5, 1e-6)
end
