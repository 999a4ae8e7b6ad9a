-- L2: lambda = 0 is regression, lambda to infinity the straight line through the mean.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "34_l2_weight_decay",
  title = "L2 weight decay: the two ends", slide = "Weight decay / L2 Weight Decay", tools = "nn.RidgeRegression, nn.optim.SGD "
    .. "weight_decay, nn.regularize.l2",
  source = "Hoerl & Kennard 1970; van Laarhoven 2017",
  says = "min sum (g(x_i; W) - y_i)^2 + lambda sum w_j^2. lambda = 0 => standard regression. lambda = infinity => W = 0 "
    .. "(except w_0, straight line through mean). Weights around 0 correspond to low complexity models.",
  does = "Polynomials of degree 9 are fitted to 20 noisy points for lambda from 0 to huge, in closed form: weights, error on "
    .. "the points and on the truth; lambda is chosen by 20 other points. That decay in the optimizer and "
    .. "a penalty in the loss are the same step is computed, too. And a control for 'low complexity': a net with batch norm, "
    .. "all of whose weights before a norm are made ten times smaller.",
  wrong = "'Weights around 0 correspond to low complexity models' holds where the size of the weights matters. Before a batch "
    .. "norm it does not: the net with all those weights divided by 10 is the same function (van Laarhoven 2017); there weight "
    .. "decay acts as a higher learning rate.",
  asks = {
    { "lambda = 10^6: what is the fitted curve?", "the mean of the y: w_0 is not penalized" },
    { "Divide the weights before a batch norm by 10. How does the net's function change?", "not at all, but for eps" },
  },
  seeds = { 20, small = 3 },
  params = { n = { 20, doc = "points", min = 3 }, noise = { 0.2, min = 0.0 }, degree = { 9, min = 1, max = 15 } },
  run = function(p)
    local function features(x)
      local cols = {}
      for k = 1, p.degree do
        cols[k] = x:pow(k)
      end
      return nn.stack(cols, 2)
    end
    local function truth(x) return (x * 3):sin() end
    local fresh = nn.linspace(-1, 1, 400, { dtype = "float64" })
    local lambdas, curves, data = { 0, 1e-6, 1e-4, 1e-2, 1, 100, 1e6 }, {}, nil
    local r = L.over(p, function(seed, run)
      local g = nn.Generator(seed)
      local function points(n)
        local x = nn.rand({ n }, { generator = g, dtype = "float64" }) * 2 - 1
        return x, truth(x) + nn.randn({ n }, { generator = g, dtype = "float64" }) * p.noise
      end
      local x, y = points(p.n)
      local vx, vy = points(p.n)
      local out, best, last = {}, math.huge, math.huge
      for i, lambda in ipairs(lambdas) do
        local fit = nn.RidgeRegression({ lambda = lambda }):fit(features(x), y)
        local valid = (fit:predict(features(vx)) - vy):square():mean():item()
        local size = fit.weight:square():sum():item()
        L.check(size <= last * (1 + 1e-6), "a larger lambda never has larger weights")
        last = size
        out["size" .. i], out["w0" .. i] = size, fit.bias
        out["error" .. i] = (fit:predict(features(x)) - y):square():mean():item()
        out["fresh" .. i] = (fit:predict(features(fresh)) - truth(fresh)):square():mean():item()
        if valid < best then
          best, out.chosen, out.chosen_lambda = valid, out["fresh" .. i], lambda
        end
        if run == 1 and (i == 1 or i == 4 or i == 7) then
          curves[#curves + 1] = { x = fresh, y = fit:predict(features(fresh)), label = ("lambda = %g"):format(lambda) }
        end
      end
      data = data or { x = x, y = y, label = "data", style = "points" }
      local exact = nn.LinearRegression():fit(features(x), y)
      local at_0 = nn.RidgeRegression({ lambda = 0 }):fit(features(x), y)
      out.at_0 = (at_0:predict(features(x)) - exact:predict(features(x))):abs():max():item()
      out.at_inf = math.abs(out.w07 - y:mean():item())
      -- the same penalty two ways, one step of gradient descent each
      local w0 = nn.randn({ p.degree }, { generator = g, dtype = "float64" })
      local function one_step(decay)
        local w = nn.Parameter(w0:clone())
        local opt = nn.optim.SGD({ w }, { lr = 0.01, weight_decay = decay and 2 * 0.3 or 0 })
        local loss = (features(x):matmul(w) - y):square():sum()
        if not decay then
          loss = loss + 0.3 * nn.regularize.l2(w)
        end
        loss:backward()
        opt:step()
        return w:detach()
      end
      out.same = (one_step(true) - one_step(false)):abs():max():item()
      -- before a norm the size of the weights says nothing
      nn.manual_seed(seed)
      local net = L.mlp({ 8, 32, 32, 3 }, { init = "he_normal", before = function(_, n) return nn.BatchNorm1d(n,
        { eps = 1e-12 }) end }):to "float64"
      local probe = nn.randn({ 200, 8 }, { generator = g, dtype = "float64" })
      local before = net(probe):detach()
      nn.no_grad(function()
        net[1].weight:mul_(0.1)
        net[1].bias:mul_(0.1)
        net[4].weight:mul_(0.1)
        net[4].bias:mul_(0.1)
      end)
      out.by_norm = (net(probe):detach() - before):abs():max():item()
      return out
    end)
    local rows = {}
    for i, lambda in ipairs(lambdas) do
      rows[i] = { lambda, L.mean(r["size" .. i]), L.mean(r["w0" .. i]), L.mean(r["error" .. i]), L.pm(r["fresh" .. i]) }
    end
    rows[#rows + 1] = { "chosen by validation", "", "", "", L.pm(r.chosen) }
    L.table({ "lambda", "sum w^2", "w_0", "error on the points", "on the truth" }, rows, "Mean of the seeds:")
    curves[#curves + 1] = data
    L.picture("line", curves, { title = ("Degree %d, three lambdas (seed %d)"):format(p.degree, p.seed), yrange = { -2, 2 },
      key = "top left" })
    local function most(name)
      return math.max(table.unpack(r[name]))
    end
    L.check(most "at_0" < 1e-5, "lambda = 0 is least squares (normal equations of degree 9 lose digits)")
    L.check(most "size7" < 1e-6 and most "at_inf" < 1e-4, "lambda = 10^6 leaves the straight line through the mean")
    L.check(most "same" < 1e-12, "weight_decay = 2 lambda and the penalty lambda sum w^2 are the same step")
    L.check(most "by_norm" < 1e-6, "weights ten times smaller before a batch norm are the same function")
    local none = L.compare("error on the truth: chosen lambda over lambda = 0", r.chosen, r.fresh1, { ratio = true })
    local mean = L.compare("error on the truth: chosen lambda over lambda = 10^6", r.chosen, r.fresh7, { ratio = true })
    L.expect(none, "lower")
    L.expect(mean, "lower")
    L.finding("with lambda = 0 the fit is least squares (difference %.0e), with 10^6 all weights are 0 and w_0 is the mean "
      .. "(off by %.0e); with the lambda that %d other points choose the error on the truth is %s as with 0, and %s as with "
      .. "10^6; a net with batch norm is the same function "
      .. "with weights ten times smaller (difference %.0e)", most "at_0", most "at_inf", p.n, tostring(none), tostring(mean),
      most "by_norm")
  end,
}
