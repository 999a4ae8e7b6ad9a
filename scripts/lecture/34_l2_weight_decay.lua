-- L2: lambda = 0 is regression, lambda to infinity the straight line through the mean.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "34_l2_weight_decay",
  title = "L2 weight decay: the two ends", slide = "L2 Weight Decay", tools = "nn.RidgeRegression, nn.optim.SGD weight_decay, nn.regularize.l2",
  says = "min sum (g(x_i; W) - y_i)^2 + lambda sum w_j^2. lambda = 0 => standard regression. lambda = infinity => W = 0 (except w_0, straight line through mean). Weights around 0 correspond to low complexity models.",
  does = "A polynomial of degree 9 is fitted to 20 noisy points for lambda from 0 to huge, in closed form and by gradient descent with weight decay: weights, error on the points and on fresh ones. That decay in the optimizer and "
    .. "a penalty in the loss are the same step is computed, too.",
  run = function()
    local function features(x)
      local cols = {}
      for p = 1, 9 do
        cols[p] = x:pow(p)
      end
      return nn.stack(cols, 2)
    end
    local function truth(x) return (x * 3):sin() end
    local g = nn.Generator(5)
    local x = nn.rand({ 20 }, { generator = g, dtype = "float64" }) * 2 - 1
    local y = truth(x) + nn.randn({ 20 }, { generator = g, dtype = "float64" }) * 0.2
    local fresh = nn.linspace(-1, 1, 400, { dtype = "float64" })
    local rows, curves, test_error = {}, {}, {}
    local lambdas = { 0, 1e-4, 1e-2, 1, 100, 1e6 }
    for i, lambda in ipairs(lambdas) do
      local fit = nn.RidgeRegression({ lambda = lambda }):fit(features(x), y)
      local err = (fit:predict(features(x)) - y):square():mean():item()
      test_error[i] = (fit:predict(features(fresh)) - truth(fresh)):square():mean():item()
      rows[i] = { lambda, fit.weight:square():sum():item(), fit.bias, err, test_error[i] }
      if i == 1 or i == 3 or i == 6 then
        curves[#curves + 1] = { x = fresh, y = fit:predict(features(fresh)), label = ("lambda = %g"):format(lambda) }
      end
    end
    curves[#curves + 1] = { x = x, y = y, label = "data", style = "points" }
    L.table({ "lambda", "sum w^2", "w_0", "error on the points", "on fresh ones" }, rows)
    L.picture("line", curves, { title = "Degree 9, three lambdas", yrange = { -2, 2 }, key = "top left" })
    local exact = nn.LinearRegression():fit(features(x), y)
    local at0 = (nn.RidgeRegression({ lambda = 0 }):fit(features(x), y):predict(fresh:unsqueeze(2):expand(400, 9) * 0 + features(fresh)) - exact:predict(features(fresh))):abs():max():item()
    local at_inf = math.abs(rows[6][3] - y:mean():item())
    -- the same penalty three ways, one step of gradient descent each
    local w0 = nn.randn({ 9 }, { generator = g, dtype = "float64" })
    local function one_step(kind)
      local w = nn.Parameter(w0:clone())
      local opt = nn.optim.SGD({ w }, { lr = 0.01, weight_decay = kind == "decay" and 2 * 0.3 or 0 })
      local loss = (features(x):matmul(w) - y):square():sum()
      if kind == "penalty" then
        loss = loss + 0.3 * nn.regularize.l2(w)
      end
      loss:backward()
      opt:step()
      return w:detach()
    end
    local same = (one_step "decay" - one_step "penalty"):abs():max():item()
    L.check(at0 < 1e-6, "lambda = 0 is least squares (normal equations of degree 9 lose digits)")
    L.check(rows[6][2] < 1e-6 and at_inf < 1e-4, "lambda = 10^6 leaves the straight line through the mean")
    L.check(same < 1e-12, "weight_decay = 2 lambda and the penalty lambda sum w^2 are the same step")
    for i = 2, #lambdas do
      L.check(rows[i][2] <= rows[i - 1][2], "a larger lambda never has larger weights")
    end
    local best = 1
    for i in ipairs(lambdas) do
      best = test_error[i] < test_error[best] and i or best
    end
    L.check(lambdas[best] > 0 and lambdas[best] < 1e6, "the best fit lies between the ends")
    L.finding("with lambda = 0 the fit is least squares (difference %.0e), with 10^6 all weights are 0 and w_0 is the mean (off by %.0e); on fresh points lambda = %g is best: error %.3f against %.3f and %.3f at the ends", at0, at_inf,
      lambdas[best], test_error[best], test_error[1], test_error[6])
  end,
}
