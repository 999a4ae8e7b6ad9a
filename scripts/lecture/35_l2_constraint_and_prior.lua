-- L2: penalty, constraint and Gaussian prior are the same.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "35_l2_constraint_and_prior",
  title = "L2: constraint, penalty, prior", slide = "L2 Weight Decay", tools = "nn.regularize.project_l2_, "
    .. "lambda_of_constraint", source = "Hoerl & Kennard 1970",
  says = "Equivalent: keep norm of W smaller than some given constant: min sum (g(x_i; W) - y_i)^2 s. t. sum w_j^2 <= T. This "
    .. "form has many names: L2 regularization, Gaussian weight prior, ridge regression, Tikhonov regularization.",
  does = "A regression under sum w^2 <= T is solved by projected gradients; the lambda that belongs to T is computed at the "
    .. "solution, and ridge regression with this lambda must give the same weights. Then the same for a small network, and "
    .. "the Gaussian prior: the most probable weights under N(0, 1 / (2 lambda)).",
  asks = {
    { "T gets smaller. What happens to the lambda that belongs to it?", "it grows: a tighter constraint is a stronger penalty" },
    { "A prior N(0, 1) on the weights, noise of variance 1 on y: which lambda is that?", "1: the penalty is sum w^2 / 2 beside "
      .. "sum e^2 / 2" },
  },
  seeds = { 8, small = 2 },
  params = { n = { 60, doc = "samples", min = 10 }, steps = { 4000, small = 1500, doc = "of projected gradients", min = 100 } },
  run = function(p)
    local shown
    local r = L.over(p, function(seed)
      local g = nn.Generator(seed)
      local x = nn.randn({ p.n, 8 }, { generator = g, dtype = "float64" })
      x = x - x:mean(1, true)
      local y = x:matmul(nn.randn({ 8 }, { generator = g, dtype = "float64" })) + nn.randn({ p.n }, { generator = g,
        dtype = "float64" })
      y = y - y:mean()
      local free = nn.LinearRegression({ intercept = false }):fit(x, y).weight:square():sum():item()
      local rows, worst, ts, ls = {}, 0, {}, {}
      for _, share in ipairs { 0.9, 0.5, 0.2, 0.05 } do
        local T = share * free
        local w = nn.Parameter(nn.zeros({ 8 }, { dtype = "float64" }))
        local opt = nn.optim.SGD({ w }, { lr = 2e-3 })
        local residual, lambda
        local step = nn.compile(function()
          opt:zero_grad()
          local loss = (x:matmul(w) - y):square():sum()
          loss:backward()
          opt:step()
          return loss
        end)
        for _ = 1, p.steps do
          step()
          nn.regularize.project_l2_({ w }, T)
        end
        opt:zero_grad();
        (x:matmul(w) - y):square():sum():backward()
        lambda, residual = nn.regularize.lambda_of_constraint { w }
        local ridge = nn.RidgeRegression({ lambda = lambda, intercept = false }):fit(x, y).weight
        local off = (ridge - w:detach()):abs():max():item()
        worst = math.max(worst, off)
        ts[#ts + 1], ls[#ls + 1] = T, lambda
        rows[#rows + 1] = { T, lambda, w:detach():square():sum():item(), ridge:square():sum():item(), off, residual }
      end
      -- a network: the same identity at its (local) solution
      nn.manual_seed(seed)
      local d = nn.data.sines { n = 100, scale = 0.2, seed = seed }
      local net = L.mlp({ 1, 16, 1 }, { act = nn.Tanh }):to "float64"
      local dx, dy = d.x:to "float64", d.y:to "float64"
      local weights = nn.regularize.weights(net)
      local opt = nn.optim.SGD(net:parameters(), { lr = 2e-4 })
      local step = nn.compile(function()
        opt:zero_grad()
        local loss = (net(dx) - dy):square():sum()
        loss:backward()
        opt:step()
        return loss
    end)
    for _ = 1, 5 * p.steps do
      step()
      nn.regularize.project_l2_(weights, 6)
    end
    opt:zero_grad();
    (net(dx) - dy):square():sum():backward()
    local net_lambda, net_residual = nn.regularize.lambda_of_constraint(weights)
    -- the prior: -log of likelihood exp(-sum e^2) times N(w; 0, 1 / (2 lambda)) is the penalized sum, up to a constant
    local lambda = rows[2][2]
    local w = nn.randn({ 8 }, { generator = g, dtype = "float64" })
    local variance = 1 / (2 * lambda)
    local log_prior = -0.5 * w:square():sum():item() / variance - 4 * math.log(2 * math.pi * variance)
    local penalty = lambda * w:square():sum():item()
    local constant = -4 * math.log(2 * math.pi * variance)
    L.check(math.abs(-log_prior + constant - penalty) < 1e-9 * math.max(1, penalty), "-log N(w; 0, 1/(2 lambda)) is lambda sum "
      .. "w^2 and a constant")
    shown = shown or { rows = rows, ts = ts, ls = ls }
    return { worst = worst, net_lambda = net_lambda, net_residual = net_residual, lambda_tight = ls[4], lambda_loose = ls[1] }
    end)
    L.table({ "T", "lambda", "sum w^2, constraint", "sum w^2, penalty", "largest difference of weights", "gradient's part not along w" }, shown.rows, ("Of seed %d:"):format(p.seed))
    L.picture("line", { x = shown.ts, y = shown.ls, style = "linespoints" }, { title = "The lambda that belongs to T",
      xlabel = "T", ylabel = "lambda", log = "xy" })
    L.say("A 1-16-1 tanh net under sum w^2 <= 6: its gradient is -2 lambda w with lambda = %s, up to %.1f%% of its length.",
      L.pm(r.net_lambda, 2), 100 * L.mean(r.net_residual))
    local worst = math.max(table.unpack(r.worst))
    L.check(worst < 1e-4, "constraint and penalty have the same solution (the iteration stops at finite precision)")
    L.check(math.min(table.unpack(r.net_lambda)) > 0, "the constraint is active: a larger norm would lower the error")
    local grows = L.compare("lambda: T of 5% over T of 90%", r.lambda_tight, r.lambda_loose, { ratio = true })
    L.expect(grows, "higher")
    L.finding("for four values of T on %d data sets the constrained solution and ridge regression with the lambda that belongs "
      .. "to T differ by at most %.0e; from T at 90%% of the free solution's norm to 5%% lambda gets %s", p.seeds, worst,
      tostring(grows))
  end,
}
