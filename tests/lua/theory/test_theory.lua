-- nn.theory against what is known.

local lu = require "luaunit"
local nn = require "nn"
local theory = nn.theory

TestTheory = {}

function TestTheory:test_vc()
  lu.assertEquals((theory.vc_dimension("intervals", { { 1 }, { 2 }, { 3 } })), 2)
  lu.assertEquals((theory.vc_dimension("halfspaces", { { 1 }, { 2 }, { 3 } })), 2)
  lu.assertEquals((theory.vc_dimension("halfspaces", { { 0, 0, 0 }, { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 1, 1, 1.5 } })), 4)
  lu.assertFalse((theory.shatters("halfspaces", { { 0, 0 }, { 1, 1 }, { 2, 2 } })))
  lu.assertEquals(theory.vc_bounds({ weights = 3, units = 1 })[1].value, 3)
  lu.assertErrorMsgContains("activation must be", theory.vc_bounds, { weights = 3, units = 2, activation = "gelu" })
end

function TestTheory:test_cover()
  lu.assertEquals(theory.cover_count(4, 3), 14) -- 4 points, half-planes with a threshold: all but XOR's two
  lu.assertEquals(theory.cover_count(3, 5), 8)
  for d = 1, 6 do
    lu.assertAlmostEquals(theory.cover_probability(2 * d, d), 0.5, 1e-12)
    lu.assertAlmostEquals(theory.cover_probability(7, d), theory.cover_count(7, d) / 2 ^ 7, 1e-12)
  end
end

function TestTheory:test_rademacher()
  local x = nn.randn({ 100, 5 }, { generator = nn.Generator(1) })
  local estimate, bound = theory.rademacher_linear(x, { norm = 2 })
  lu.assertTrue(estimate < bound and estimate > 0.7 * bound)
  local one = theory.rademacher_finite(nn.ones(1, 50), { draws = 2000 })
  lu.assertTrue(math.abs(one) < 5 / math.sqrt(2000 * 50)) -- one function has none
end

-- Regions of one layer: 1 + lines + crossings inside the square, counted by brute force over a fine grid of patterns.
function TestTheory:test_linear_regions()
  nn.manual_seed(3)
  local net = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))
  local r = theory.linear_regions(net)
  local g = nn.linspace(-1, 1, 600)
  local points = nn.stack({ g:unsqueeze(1):expand(600, 600):reshape(-1), g:unsqueeze(2):expand(600, 600):reshape(-1) }, 2)
  local h1 = net[1](points):detach()
  local h2 = net[3](nn.relu(h1)):detach()
  local bits = nn.cat({ h1:gt(0), h2:gt(0) }, 2):to("float64"):matmul(nn.tensor({ 1, 2, 4, 8, 16, 32, 64, 128, 256 }, { dtype = "float64" }))
  local seen, patterns = {}, 0
  for _, b in ipairs(bits:totable()) do
    if not seen[b] then
      seen[b], patterns = true, patterns + 1
    end
  end
  lu.assertTrue(r.count >= patterns, ("%d regions, %d patterns seen"):format(r.count, patterns))
  lu.assertTrue(r.count <= patterns + 3) -- what is smaller than the grid
  -- areas add up to the square; inside each piece the affine map is the net
  local area = 0
  for k, polygon in ipairs(r.polygons) do
    local a, cx, cy = 0, 0, 0
    for i, p in ipairs(polygon) do
      local q = polygon[i % #polygon + 1]
      a = a + p[1] * q[2] - q[1] * p[2]
      cx, cy = cx + p[1] / #polygon, cy + p[2] / #polygon
    end
    area = area + math.abs(a) / 2
    local m = r.maps[k][1]
    lu.assertAlmostEquals(m[1] * cx + m[2] * cy + m[3], net(nn.tensor { { cx, cy } }):item(), 1e-4)
  end
  lu.assertAlmostEquals(area, 4, 1e-9)
  lu.assertErrorMsgContains("layer 2 is Tanh", theory.linear_regions, nn.Sequential(nn.Linear(2, 2), nn.Tanh()))
end

function TestTheory:test_mean_field()
  -- ReLU: chi_1 = sigma_w^2 / 2 exactly
  lu.assertAlmostEquals(theory.mean_field(nn.relu, { sigma_w = 1.2 }).chi_1, 0.72, 2e-3)
  lu.assertAlmostEquals(theory.edge_of_chaos(nn.relu, 0), math.sqrt(2), 2e-3)
  lu.assertAlmostEquals(theory.edge_of_chaos(nn.tanh, 0), 1, 2e-3)
  lu.assertEquals(theory.mean_field(nn.tanh, { sigma_w = 0.5, sigma_b = 0.1 }).phase, "ordered")
  lu.assertEquals(theory.mean_field(nn.tanh, { sigma_w = 3 }).phase, "chaotic")
end

function TestTheory:test_landscape()
  -- a quadratic: the Hessian's eigenvalues are known, the loss along a line is a parabola
  local w = nn.Parameter(nn.tensor({ 1.0, -1.0, 0.5 }, { dtype = "float64" }))
  local a = nn.tensor({ 5.0, -2.0, 1.0 }, { dtype = "float64" })
  local function loss()
    return (a * w:square()):sum() * 0.5
  end
  local values = theory.hessian_eigenvalues({ w }, loss, { k = 3 })
  for i, want in ipairs { 5, -2, 1 } do
    lu.assertAlmostEquals(values[i], want, 1e-8)
  end
  local zero = nn.zeros({ 3 }, { dtype = "float64" })
  local t, l = theory.loss_line({ w }, { zero }, { nn.ones({ 3 }, { dtype = "float64" }) }, loss, { steps = 5 })
  for i = 1, 5 do
    lu.assertAlmostEquals(l[i], 2 * t[i] ^ 2, 1e-12)
  end
  lu.assertEquals(w:totable(), { 1.0, -1.0, 0.5 }) -- put back
  local net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
  local x = nn.randn(10, 2)
  local plane = theory.loss_plane(net, function() return net(x):square():mean() end, { steps = 5 })
  lu.assertAlmostEquals(plane[3][3]:item(), net(x):square():mean():item(), 1e-6)
  local linear = nn.Linear(3, 2):to "float64"
  local j = theory.jacobian(linear, nn.randn({ 3 }, { dtype = "float64" }))
  lu.assertTrue((j - linear.weight:detach()):abs():max():item() < 1e-12)
end

function TestTheory:test_approximation()
  local function f(x) return x:square() end
  local net = theory.constructive_net(f, 40)
  lu.assertTrue(theory.sup_error(net, f) < 2 / 41)
  lu.assertTrue(theory.sup_error(theory.random_feature_net(f, 40), f) < 0.01)
  lu.assertTrue(theory.sup_error(theory.trained_net(f, 5, { iterations = 50 }), f) < 0.05)
end

-- Steep functions: chi_1 = sigma_w^2 E phi'^2, by the limit of tanh as a step: 4/3 sigma_w^2 / sqrt(2 pi q).
function TestTheory:test_mean_field_of_steep_functions()
  for _, s in ipairs { 200, 1000, 10000 } do
    local m = nn.theory.mean_field(nn.tanh, { sigma_w = s })
    lu.assertAlmostEquals(m.q / (s * s * (1 - math.sqrt(2 / math.pi) / math.sqrt(m.q))), 1, 1e-3)
    lu.assertAlmostEquals(m.chi_1 / (4 / 3 * s * s / math.sqrt(2 * math.pi * m.q)), 1, 1e-3)
    lu.assertEquals(m.phase, "chaotic")
  end
  -- in the chaotic phase correlations come to 0 (tanh is odd, there is no bias), and xi_c is finite: the slope there is
  -- sigma_w^2 (E phi')^2; at a steep step (2 / pi)
  local m = nn.theory.mean_field(nn.tanh, { sigma_w = 1000 })
  lu.assertAlmostEquals(m.c, 0, 1e-6)
  lu.assertAlmostEquals(m.xi_c, -1 / math.log(2 / math.pi), 0.02)
  -- ReLU: any variance stays at the edge; chi_1 = sigma_w^2 / 2
  for _, q0 in ipairs { 0.1, 1, 30 } do
    local r = nn.theory.mean_field(nn.relu, { sigma_w = math.sqrt(2), q0 = q0 })
    lu.assertAlmostEquals(r.q, q0, 1e-6 * q0)
    lu.assertEquals(r.phase, "edge")
  end
end

-- A function with two basins: which fixed point is reached depends on where signals begin.
function TestTheory:test_mean_field_of_two_basins()
  local function phi(x)
    return x * (x * 3 - 3):sigmoid()
  end
  local low = nn.theory.mean_field(phi, { sigma_w = 1.35, q0 = 0.001 })
  local high = nn.theory.mean_field(phi, { sigma_w = 1.45, q0 = 50 })
  lu.assertEquals(low.q, 0)
  lu.assertTrue(high.q > 1)
end

function TestTheory:test_hessian_multiplicities()
  local function values(d, k)
    local n = #d
    local w = nn.Parameter(nn.randn({ n }, { dtype = "float64" }))
    return nn.theory.hessian_eigenvalues({ w }, function()
      return (w * w * d):sum() / 2
    end, { k = k })
  end
  nn.manual_seed(1)
  local function near(a, b)
    lu.assertEquals(#a, #b)
    for i, v in ipairs(a) do
      lu.assertAlmostEquals(v, b[i], 1e-6)
    end
  end
  near(values(nn.tensor({ 5, 5, 5, 1 }, { dtype = "float64" }), 4), { 5, 5, 5, 1 })
  local d = nn.ones(300, { dtype = "float64" })
  for i = 1, 5 do
    d[i] = 7
  end
  d[6], d[7] = -3, -3
  near(values(d, 9), { 7, 7, 7, 7, 7, -3, -3, 1, 1 })
  near(values(nn.zeros(6, { dtype = "float64" }), 3), { 0, 0, 0 })
  local w = nn.Parameter(nn.ones(3))
  near(nn.theory.hessian_eigenvalues({ w }, function()
    return w:sum()
  end, { k = 2 }), { 0, 0 })
end

-- The number of regions does not depend on the unit in which weights are measured.
function TestTheory:test_regions_of_any_scale()
  nn.manual_seed(2)
  local net = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1)):to "float64"
  local count = nn.theory.linear_regions(net).count
  lu.assertTrue(count > 10)
  for _, scale in ipairs { 1e-13, 1e-6, 1e9 } do
    local other = net:clone()
    nn.no_grad(function()
      other[1].weight:mul_(scale)
      other[1].bias:mul_(scale)
      other[3].bias:mul_(scale)
    end)
    lu.assertEquals(nn.theory.linear_regions(other).count, count, scale)
  end
end

-- What is known up to a constant has no value that could stand above another bound.
function TestTheory:test_vc_bounds_are_bounds()
  for _, activation in ipairs { "threshold", "relu", "sigmoid" } do
    for weights = 1, 40 do
      for units = 1, 8 do
        local upper, lower = math.huge, 0
        for _, b in ipairs(nn.theory.vc_bounds { weights = weights, units = units, activation = activation }) do
          lu.assertEquals(b.value == nil, b.order)
          if b.value then
            upper = b.kind == "upper" and math.min(upper, b.value) or upper
            lower = b.kind == "lower" and math.max(lower, b.value) or lower
          end
        end
        lu.assertTrue(lower <= upper)
      end
    end
  end
end
