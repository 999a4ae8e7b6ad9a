-- Beyond overfitting: double descent.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "44_double_descent",
  title = "Where the field went on: double descent", slide = "Regularization in Deep Neural Networks",
    tools = "nn.svd, nn.RidgeRegression", source = "Belkin et al. 2019; Hastie et al. 2022",
  says = "Overfitting is an issue in neural networks. Even more so in deep neural networks.",
  does = "Regression on N random ReLU features from n noisy samples, with the solution of smallest norm (what gradient descent "
    .. "from 0 finds): the test error as N grows past n. Then the same with one of several ridge penalties, chosen by "
    .. "other samples.",
  wrong = "'Even more so': with more weights there is not always more overfitting. The error is worst where the weights just "
    .. "suffice to fit every sample, N = n, and falls again beyond; a good penalty removes the peak. (This is width; for depth "
    .. "see 27, where more layers do end in a higher validation loss.)",
  asks = {
    { "100 samples. With how many features is the test error worst?", "with about 100: the only solution that fits has "
      .. "huge weights" },
    { "Why does it fall again with 1,000?", "among the many solutions that fit, the one of smallest norm gets smaller" },
  },
  seeds = { 20, small = 4 },
  params = { n = { 100, small = 50, doc = "samples", min = 10 }, noise = { 0.5, min = 0.0 } },
  run = function(p)
    local n, d = p.n, 20
    local shares, curves = L.size({ 0.1, 0.2, 0.5, 0.8, 0.95, 1, 1.05, 1.25, 2, 5, 10 }, { 0.2, 0.5, 1, 2, 10 }), { least = {},
      ridge = {}, train = {} }
    local lists = {}
    for i, share in ipairs(shares) do
      local N = math.max(1, math.floor(share * n + 0.5))
      lists[i] = L.over(p, function(seed)
        local g = nn.Generator(seed)
        local function randn(...)
          return nn.randn({ ... }, { generator = g, dtype = "float64" })
        end
        local truth = randn(d) / math.sqrt(d)
        local x, tx, vx = randn(n, d), randn(1000, d), randn(n, d)
        local y, ty = x:matmul(truth) + randn(n) * p.noise, tx:matmul(truth)
        local w = randn(d, N) / math.sqrt(d)
        local vy = vx:matmul(truth) + randn(n) * p.noise -- the penalty is chosen by these
        local f, tf, vf = nn.relu(x:matmul(w)) / math.sqrt(N), nn.relu(tx:matmul(w)) / math.sqrt(N),
          nn.relu(vx:matmul(w)) / math.sqrt(N)
        local u, s, vt = nn.svd(f)
        local uy = u:t():matmul(y)
        local function solve(lambda)
          local keep = lambda == 0 and nn.where(s:gt(1e-10 * s[1]:item()), 1 / s, 0.0) or s / (s:square() + lambda)
          local a = vt:t():matmul(uy * keep)
          return (tf:matmul(a) - ty):square():mean():item(), (f:matmul(a) - y):square():mean():item(),
            (vf:matmul(a) - vy):square():mean():item()
        end
        local best, least = nil, math.huge
        for k = -6, 2 do
          local of_test, _, of_valid = solve(10.0 ^ k)
          if of_valid < least then
            best, least = of_test, of_valid
          end
        end
        local test, train = solve(0)
        return { least = test, ridge = best, train = train }
      end, ("share_%g_"):format(share))
    end
    local rows = {}
    for i, share in ipairs(shares) do
      for name, list in pairs(curves) do
        list[i] = math.exp(L.mean((function(values)
          local logs = {}
          for k, v in ipairs(values) do
            logs[k] = math.log(math.max(v, 1e-12))
          end
          return logs
        end)(lists[i][name])))
      end
      rows[i] = { share, curves.train[i] < 1e-10 and 0 or curves.train[i], curves.least[i], curves.ridge[i] }
    end
    L.table({ "features / samples", "training error", "test error, smallest norm", "test error, ridge penalty by validation" },
      rows,
      ("Geometric means of the seeds, n = %d:"):format(n))
    L.picture("line", { { x = shares, y = curves.least, label = "smallest norm", style = "linespoints" }, { x = shares,
      y = curves.ridge, label = "ridge penalty by validation", style = "linespoints" } },
      { title = "Double descent", xlabel = "features / samples", ylabel = "test error", log = "xy" })
    local peak = 1
    for i, share in ipairs(shares) do
      peak = share == 1 and i or peak
    end
    local last = #shares
    local up = L.compare("test error: as many features as samples over half as many", lists[peak].least, lists[L.size(3,
      2)].least, { ratio = true })
    local down = L.compare(("test error: %g times as many over as many"):format(shares[last]), lists[last].least,
      lists[peak].least, { ratio = true })
    local ridge = L.compare("as many features as samples: chosen penalty over none", lists[peak].ridge, lists[peak].least,
      { ratio = true })
    local many = L.compare(("smallest norm: %g times as many over half as many"):format(shares[last]), lists[last].least,
      lists[L.size(3, 2)].least, { ratio = true })
    L.expect(up, "higher")
    L.expect(down, "lower")
    L.expect(ridge, "lower")
    L.finding("with as many features as samples the test error is %s as with half as many, with %g times as many %s as that; a "
      .. "ridge penalty makes the peak %s; and far past it the error is %s as before it", tostring(up), shares[last],
      tostring(down), tostring(ridge), tostring(many))
  end,
}
