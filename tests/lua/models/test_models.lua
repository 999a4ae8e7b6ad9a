-- Perceptron and linear models, and what is proved of them.

local lu = require "luaunit"
local nn = require "nn"

TestModels = {}

function TestModels:test_certificates()
  for seed = 1, 20 do
    local d = nn.data.separable { n = 40, features = 3, margin = 0.05, seed = seed }
    local c = nn.theory.separable(d.x, d.y)
    lu.assertTrue(c.separable and c.exact, "seed " .. seed)
    lu.assertTrue(c.margin >= 0.05 - 1e-6)
    local side = d.x:to("float64"):matmul(c.w) - c.theta
    lu.assertTrue(side:gt(0):eq(d.y:eq(2)):all():item())
    -- two clouds that overlap: the weights give one point
    local b = nn.randn({ 60, 3 }, { generator = nn.Generator(seed) })
    local y = nn.arange(60):ge(30):to "int64"
    local no = nn.theory.separable(b, y)
    lu.assertEquals(no.separable, false, "seed " .. seed)
    local rows = b:to("float64"):totable()
    for k = 1, 3 do
      local high, low, sum = 0, 0, 0
      for _, t in ipairs(no.higher) do
        high, sum = high + t.weight * rows[t.index][k], sum + t.weight
        lu.assertTrue(t.weight > 0)
      end
      for _, t in ipairs(no.lower) do
        low = low + t.weight * rows[t.index][k]
      end
      lu.assertAlmostEquals(high, low, 1e-12)
      lu.assertAlmostEquals(sum, 1, 1e-12)
    end
  end
end

-- Where floating point alone would be wrong: points that touch, and ones a last bit apart.
function TestModels:test_certificates_at_the_edge()
  local touching = nn.tensor({ { 0.0, 0.0 }, { 2.0, 2.0 }, { 1.0, 1.0 } }, { dtype = "float64" })
  lu.assertEquals(nn.theory.separable(touching, nn.tensor { 1, 1, 2 }).separable, false)
  local third = nn.tensor({ { 0.1, 0.3 }, { 0.2, 0.6 }, { 0.3, 0.9 } }, { dtype = "float64" }) -- 0.1 + 0.2 ~= 0.3 in binary
  local c = nn.theory.separable(third, nn.tensor { 1, 2, 1 })
  -- it may be undecided, if the hulls are a last bit apart; whatever else it says must hold in exact arithmetic
  if c.separable == nil then
    lu.assertTrue(c.distance < 1e-15)
  elseif c.separable then
    local core = require "nn.core"
    for i, row in ipairs(third:totable()) do
      lu.assertEquals(core.exact_sign(c.w:totable(), row, c.theta), i == 2 and 1 or -1)
    end
  else
    lu.assertEquals({ #c.higher, #c.lower, c.higher[1].weight }, { 1, 2, 1.0 })
  end
  local near = nn.tensor({ { 1.0 }, { 1.0 + 2 ^ -50 } }, { dtype = "float64" })
  local n = nn.theory.separable(near, nn.tensor { 0, 1 })
  lu.assertTrue(n.separable == true or n.separable == nil)
end

-- From a start that is far from 0 it takes more updates than (R / gamma)^2, and no more than its own bound.
function TestModels:test_perceptron_bound_from_elsewhere()
  local more = 0
  for seed = 1, 30 do
    local d = nn.data.separable { n = 30, margin = 0.3, seed = seed }
    for _, lr in ipairs { 0.003, 0.2 } do
      local p = nn.Perceptron { init = "random", seed = seed, lr = lr, epochs = 100000 }
      local r = p:fit(d.x, d.y)
      lu.assertTrue(r.converged and r.updates <= r.bound)
      more = more + (r.updates > (r.radius / r.margin) ^ 2 and 1 or 0)
    end
  end
  lu.assertTrue(more > 0)
end

function TestModels:test_perceptron_bound_and_variants()
  for seed = 1, 10 do
    local d = nn.data.separable { n = 50, margin = 0.1, seed = seed }
    local r = nn.Perceptron():fit(d.x, d.y)
    lu.assertTrue(r.converged and r.updates <= r.bound)
    for _, variant in ipairs { "averaged", "voted", "pocket" } do
      local p = nn.Perceptron { variant = variant, epochs = 200 }
      lu.assertTrue(p:fit(d.x, d.y).accuracy > 0.9, variant)
      lu.assertEquals(p:predict(d.x).dtype, "int64")
    end
  end
  local blobs = nn.data.blobs { n = 60, std = 0.3, seed = 4 }
  local p = nn.Perceptron()
  lu.assertTrue(p:fit(blobs.x, blobs.y).converged)
  lu.assertEquals(p:score(blobs.x, blobs.y), 1)
  lu.assertErrorMsgContains("call fit first", function() return nn.Perceptron():predict(blobs.x) end)
  lu.assertErrorMsgContains("only one class", function() return nn.Perceptron():fit(nn.ones(2, 2), nn.ones(2)) end)
end

function TestModels:test_linear_models()
  local g = nn.Generator(1)
  local x = nn.randn({ 80, 5 }, { generator = g, dtype = "float64" })
  local w = nn.tensor({ 2.0, -1.0, 0.0, 0.5, 0.0 }, { dtype = "float64" })
  local y = x:matmul(w) + 3 + nn.randn({ 80 }, { generator = g, dtype = "float64" }) * 0.1
  local ols = nn.LinearRegression():fit(x, y)
  local residual = ols:predict(x) - y
  lu.assertTrue(x:t():matmul(residual):abs():max():item() < 1e-9) -- the normal equations
  lu.assertAlmostEquals(ols.bias, 3, 0.1)
  lu.assertTrue(ols:score(x, y) > 0.99)
  local lambda = 7
  local xc, yc = x - x:mean(1, true), y - y:mean()
  local ridge = nn.RidgeRegression({ lambda = lambda }):fit(x, y)
  lu.assertTrue((xc:t():matmul(xc:matmul(ridge.weight) - yc) + ridge.weight * lambda):abs():max():item() < 1e-8)
  -- the lasso's optimality conditions: the gradient is -lambda sign(w), or inside +-lambda where w = 0
  local lasso = nn.LassoRegression({ lambda = 20 }):fit(x, y)
  local gradient = (xc:t():matmul(xc:matmul(lasso.weight) - yc) * 2):totable()
  for j, v in ipairs(lasso.weight:totable()) do
    if v == 0 then
      lu.assertTrue(math.abs(gradient[j]) <= 20 + 1e-6)
    else
      lu.assertAlmostEquals(gradient[j], -20 * (v > 0 and 1 or -1), 1e-6)
    end
  end
  lu.assertEquals(lasso.weight[3]:item(), 0)
  lu.assertErrorMsgContains("linearly dependent", function()
    nn.LinearRegression():fit(nn.ones(5, 2), nn.ones(5))
  end)
end

function TestModels:test_logistic_regression()
  local d = nn.data.moons { n = 200, noise = 0.3 }
  local a = nn.LogisticRegression({ l2 = 0.1 }):fit(d.x, d.y)
  local b = nn.LogisticRegression({ l2 = 0.1, method = "gradient", max_iter = 3000 }):fit(d.x, d.y)
  lu.assertTrue(a.converged)
  lu.assertTrue((a.weight - b.weight):abs():max():item() < 1e-4)
  lu.assertEquals(a:predict(d.x).dtype, "int64")
  -- the slides' gradient is 0 at the optimum
  local free = nn.LogisticRegression():fit(d.x, d.y)
  local s = free:predict_proba(d.x) - d.y:eq(2):to "float64"
  lu.assertTrue((s:unsqueeze(2) * d.x:to "float64"):sum(1):abs():max():item() < 1e-5)
  local blobs = nn.data.blobs { n = 150, std = 1 }
  local m = nn.LogisticRegression({ l2 = 0.01 }):fit(blobs.x, blobs.y)
  lu.assertTrue((m:predict_proba(blobs.x):sum(2) - 1):abs():max():item() < 1e-9)
  lu.assertTrue(m:score(blobs.x, blobs.y) > 0.6)
end
