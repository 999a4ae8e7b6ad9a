-- Draws, by goodness of fit with fixed seeds: Kolmogorov and Smirnov's statistic against the distribution function for
-- continuous ones, chi-squared for counts. A statistic beyond its bound would be there once in a million honest draws.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestDraw = {}

local N = 20000
local f64 = { dtype = "float64" }

-- sqrt(n) D stays below 2.7 with probability 1 - 1e-6
local function fits(name, draws, cdf)
  local x = draws:double():reshape(-1):sort()
  local n = #x
  local f = cdf(x)
  local i = nn.arange(n, f64)
  local d = math.max((f - i / n):max():item(), ((i + 1) / n - f):max():item())
  lu.assertTrue(d * math.sqrt(n) < 2.7, ("%s: D sqrt(n) = %g"):format(name, d * math.sqrt(n)))
end

-- counts against expected probabilities: chi-squared within 5 deviations of its mean
local function counts_fit(name, counts, expected)
  local total = counts:sum():item()
  local e = expected * total
  local chi = ((counts:double() - e):square() / e):sum():item()
  local df = counts:numel() - 1
  lu.assertTrue(chi < df + 5 * math.sqrt(2 * df) + 5, ("%s: chi-squared %g with %d degrees of freedom"):format(name, chi, df))
end

local function g(seed)
  return { generator = nn.Generator(seed) }
end

function TestDraw:test_continuous()
  local shape = { N }
  for _, dtype in ipairs { "float32", "float64" } do
    local function par(v)
      return nn.tensor({ v }, { dtype = dtype })
    end
    fits("normal", nn.normal(par(2.0), par(3.0), shape, g(1)), function(x) return ((x - 2) / 3):ndtr() end)
    fits("uniform", nn.uniform(par(-1.0), par(3.0), shape, g(2)), function(x) return (x + 1) / 4 end)
    fits("exponential", nn.exponential(par(2.0), shape, g(3)), function(x) return 1 - (x * -2):exp() end)
    fits("laplace", nn.laplace(par(1.0), par(2.0), shape, g(4)), function(x)
      local u = (x - 1) / 2
      return nn.where(u:lt(0), u:exp() / 2, 1 - (-u):exp() / 2)
    end)
    local fill = function()
      return nn.empty(N, { dtype = dtype })
    end
    fits("exponential_", fill():exponential_(0.5, g(5)), function(x) return 1 - (x * -0.5):exp() end)
    fits("cauchy_", fill():cauchy_(1, 2, g(6)), function(x) return ((x - 1) / 2):atan() / math.pi + 0.5 end)
    fits("log_normal_", fill():log_normal_(0.5, 0.25, g(7)), function(x) return ((x:log() - 0.5) / 0.25):ndtr() end)
    fits("laplace_", fill():laplace_(0, 1, g(8)), function(x)
      return nn.where(x:lt(0), x:exp() / 2, 1 - (-x):exp() / 2)
    end)
    -- gamma with shape 1 is exponential; the sum of squares of normals over 2 is gamma with shape 1/2
    fits("gamma 1", nn.gamma(par(1.0), 2, shape, g(9)), function(x) return 1 - (x * -2):exp() end)
    fits("gamma 1/2", nn.gamma(par(0.5), 1, shape, g(10)), function(x) return x:sqrt():erf() end)
    -- with shape 3: 1 - e^-x (1 + x + x^2 / 2)
    fits("gamma 3", nn.gamma(par(3.0), 1, shape, g(11)), function(x) return 1 - (-x):exp() * (1 + x + x * x / 2) end)
    fits("beta 2, 1", nn.beta(par(2.0), 1, shape, g(12)), function(x) return x * x end)
    fits("beta 1, 3", nn.beta(par(1.0), 3, shape, g(13)), function(x) return 1 - (1 - x) * (1 - x) * (1 - x) end)
  end
end

function TestDraw:test_counts()
  for seed, rate in ipairs { 0.7, 4.0, 9.9, 10.1, 60.0 } do
    local x = nn.poisson(nn.full({ N }, rate), g(20 + seed)):to "int64"
    local lo, hi = math.max(0, math.floor(rate - 3 * math.sqrt(rate))), math.ceil(rate + 3 * math.sqrt(rate))
    local counts, p = {}, {}
    local k = nn.arange(lo, hi + 1, f64)
    local logp = k * math.log(rate) - rate - (k + 1):lgamma()
    for i = lo, hi do
      counts[#counts + 1] = x:eq(i):sum():item()
      p[#p + 1] = logp[i - lo + 1]:exp():item()
    end
    counts[#counts + 1] = N - nn.tensor(counts):sum():item()
    p[#p + 1] = 1 - nn.tensor(p, f64):sum():item()
    counts_fit("poisson " .. rate, nn.tensor(counts), nn.tensor(p, f64))
  end
  local p = nn.tensor({ 0.1, 0.5, 0.9 })
  local hits = nn.bernoulli(p:expand(N, 3), g(30)):sum(1)
  lu.assertTrue(((hits / N - p):abs() / (p * (1 - p) / N):sqrt()):max():item() < 5)
  local trials = nn.empty(N):geometric_(0.3, g(31))
  local seen = {}
  for i = 1, 12 do
    seen[i] = trials:eq(i):sum():item()
  end
  seen[13] = N - nn.tensor(seen):sum():item()
  local expected = nn.tensor(0.7, f64) ^ nn.arange(12, f64) * 0.3
  counts_fit("geometric", nn.tensor(seen), nn.cat { expected, (1 - expected:sum()):reshape(1) })
end

function TestDraw:test_multinomial()
  local w = nn.tensor({ 1.0, 0.0, 3.0, 4.0 })
  local again = nn.multinomial(w, N, true, g(40))
  lu.assertEquals(again.dtype, "int64")
  local counts = again:bincount { minlength = 4 }
  lu.assertEquals(counts[2]:item(), 0)
  local some = nn.tensor { 1, 3, 4 }
  counts_fit("multinomial", counts[some], nn.tensor({ 1 / 8, 3 / 8, 4 / 8 }, f64))
  local rows = nn.multinomial(w:expand(N, 4), 3, false, g(41))
  lu.assertTrue((rows:sort(2)):equal(some:expand(N, 3))) -- each once
  counts_fit("first drawn", rows[{ {}, 1 }]:bincount { minlength = 4 }[some], nn.tensor({ 1 / 8, 3 / 8, 4 / 8 }, f64))
  lu.assertErrorMsgContains("has 3 positive weights, but 4 different draws", nn.multinomial, w, 4)
  lu.assertErrorMsgContains("not negative", nn.multinomial, nn.tensor { -1.0, 2.0 }, 1)
end

function TestDraw:test_gumbel_softmax()
  local logits = nn.tensor({ 0.0, math.log(3.0) })
  local hard = nn.gumbel_softmax(logits:expand(N, 2), 1, true, -1, g(50))
  lu.assertTrue(hard:sum(2):equal(nn.ones(N)))
  counts_fit("gumbel", hard:sum(1):to "int64", nn.tensor({ 0.25, 0.75 }, f64))
  local x = nn.zeros(3):requires_grad_()
  nn.gumbel_softmax(x, 1, true, -1, g(51))[1]:backward()
  lu.assertTrue(x.grad:abs():sum():item() > 0)
end

-- Draws that are smooth in their parameters pass gradients on.
function TestDraw:test_gradients()
  for name, want in pairs { normal = true, uniform = true, laplace = true } do
    local a, b = nn.tensor({ 0.5 }, f64):requires_grad_(), nn.tensor({ 2.0 }, f64):requires_grad_()
    local y = nn[name](a, b, { 5 }, g(60))
    y:sum():backward()
    lu.assertEquals(want, a.grad ~= nil and b.grad ~= nil, name)
    local h = 1e-6
    for _, p in ipairs { a, b } do
      local shifted = nn.no_grad(function()
        return nn[name](rawequal(p, a) and a + h or a, rawequal(p, b) and b + h or b, { 5 }, g(60)) - y:detach()
      end)
      lu.assertAlmostEquals(shifted:sum():item() / h, p.grad:item(), 1e-6)
    end
  end
  local rate = nn.tensor({ 2.0 }, f64):requires_grad_()
  local y = nn.exponential(rate, { 4 }, g(61))
  y:sum():backward()
  lu.assertAlmostEquals(rate.grad:item(), -y:detach():sum():item() / 2, 1e-12)
end

-- Every random op: the same seed gives the same bits for any number of threads; a saved generator goes on where it was.
function TestDraw:test_reproducible()
  local before = nn.get_num_threads()
  local p = nn.rand(50000, g(70))
  local draws = {
    function(o) return nn.normal(0, 1, { 50000 }, o) end, function(o) return nn.gamma(p + 0.1, 1, o) end,
    function(o) return nn.poisson(p * 20, o) end, function(o) return nn.bernoulli(p, o) end,
    function(o) return nn.beta(p + 0.1, 2, o) end, function(o) return nn.multinomial(p, 100, o) end,
    function(o) return nn.empty(50000):laplace_(0, 1, o) end, function(o) return nn.gumbel_softmax(p, o) end,
  }
  for i, draw in ipairs(draws) do
    local results = {}
    for _, threads in ipairs { 1, 2, 3 } do
      nn.set_num_threads(threads)
      results[#results + 1] = draw(g(80 + i))
    end
    lu.assertTrue(results[1]:equal(results[2]) and results[1]:equal(results[3]), "draw " .. i)
    local generator = nn.Generator(5)
    draw { generator = generator }
    local state = generator:state()
    local second = draw { generator = generator }
    generator:set_state(state)
    lu.assertTrue(draw({ generator = generator }):equal(second), "draw " .. i .. " after set_state")
    lu.assertFalse(draw({ generator = generator }):equal(second), "draw " .. i .. " goes on")
  end
  nn.set_num_threads(before)
  for _, row in ipairs(core.ops()) do
    lu.assertTrue(not row.random or row.example ~= nil or row.internal, row.name)
  end
end

-- Compiled, each replay draws on, as the function itself would.
function TestDraw:test_compiled()
  local p = nn.rand(50, g(90))
  for name, f in pairs {
    poisson = function() return nn.poisson(p * 10) end, gamma = function() return nn.gamma(p + 0.1, 1) end,
    normal = function() return nn.normal(p, 1) end, multinomial = function() return nn.multinomial(p, 5) end,
    gumbel = function() return nn.gumbel_softmax(p, 1, true) end, beta = function() return nn.beta(p + 0.1, 2) end,
    bernoulli = function() return nn.bernoulli(p) end, laplace_ = function() return nn.empty(9):laplace_() end,
  } do
    nn.manual_seed(5)
    local want = { f(), f(), f(), f() }
    nn.manual_seed(5)
    local compiled = nn.compile(f)
    for i, w in ipairs(want) do
      lu.assertTrue(compiled():equal(w), ("%s, call %d"):format(name, i))
    end
  end
end

function TestDraw:test_wrong_parameters()
  lu.assertTrue(nn.gamma(-1, 1):isnan():item())
  lu.assertTrue(nn.poisson(nn.tensor { -1.0 }):isnan():item())
  lu.assertErrorMsgContains("do not fit into draws of shape 1", nn.normal, nn.zeros(3), 1, { 1 })
  lu.assertErrorMsgContains("rate must be positive", nn.zeros(2).exponential_, nn.zeros(2), -1)
  lu.assertErrorMsgContains("exponential_: ", nn.zeros(2).exponential_, nn.zeros(2), -1)
  lu.assertErrorMsgContains("float tensor is needed", nn.zeros(2).cauchy_, nn.tensor { 1, 2 })
end
