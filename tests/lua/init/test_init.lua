-- Initializers by rules and by structure.

local lu = require "luaunit"
local nn = require "nn"

TestInit = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end

function TestInit:test_init_apply()
  local m = net()
  nn.init.apply(m, { { "bias$", "zeros" }, { "^1\\.", "constant", 0.5 }, { "weight", function(t, name)
    lu.assertEquals(name, "3.weight")
    return t:fill_(2)
  end } })
  lu.assertTrue(m[1].bias:eq(0):all():item())
  lu.assertTrue(m[1].weight:eq(0.5):all():item())
  lu.assertTrue(m[3].weight:eq(2):all():item())
  lu.assertErrorMsgContains("rule 2 ('^9') is the first to match no parameter", nn.init.apply, m, { { ".", "zeros" }, { "^9", "ones" } })
  lu.assertErrorMsgContains("did you mean 'zeros'", nn.init.apply, m, { { ".", "zeroes" } })
end

function TestInit:test_init_structure()
  nn.manual_seed(1)
  local w = nn.init.orthogonal_(nn.zeros({ 30, 20 }, { dtype = "float64" }))
  lu.assertTrue((w:t():matmul(w) - nn.eye(20, { dtype = "float64" })):abs():max():item() < 1e-12)
  local c = nn.Conv1d(3, 3, 3, { padding = 1, bias = false })
  nn.init.dirac_(c.weight)
  local x = nn.randn(2, 3, 5)
  lu.assertTrue((c(x) - x):abs():max():item() < 1e-6)
  lu.assertEquals(nn.init.identity_(nn.zeros(2, 2)):totable(), { { 1.0, 0.0 }, { 0.0, 1.0 } })
  lu.assertEquals(nn.init.delta_(nn.ones(2, 2)):totable(), { { 1.0, 0.0 }, { 0.0, 1.0 } })
  lu.assertAlmostEquals(nn.init.calculate_gain(nn.relu), math.sqrt(2), 1e-6)
  lu.assertAlmostEquals(nn.init.calculate_gain(function(z) return z end), 1, 1e-9)
  for _, row in ipairs(nn.init.lsuv(net(), nn.randn(200, 3))) do
    lu.assertTrue(math.abs(row.variance - 1) < 0.03)
  end
end

function TestInit:test_moments()
  nn.manual_seed(5)
  local n = 400 * 300
  local function check(name, variance)
    local w = nn.Linear(300, 400, { init = name }).weight:detach()
    -- five standard errors of mean and variance
    lu.assertTrue(math.abs(w:mean():item()) < 5 * math.sqrt(variance / n), name)
    lu.assertTrue(math.abs(w:var():item() / variance - 1) < 5 * math.sqrt(2 / n), name)
  end
  check("he_normal", 2 / 300)
  check("he_uniform", 2 / 300)
  check("glorot_normal", 2 / 700)
  check("glorot_uniform", 2 / 700)
  check("default_linear", 1 / 900)
end
