-- Batch norm, Algorithm 1: line by line by hand.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "30_batch_norm_by_hand",
  title = "Batch norm by hand (Algorithm 1)", slide = "Batch Normalization, Algorithm 1", tools = "nn.BatchNorm1d",
    source = "Ioffe & Szegedy 2015, algorithm 1",
  says = "mu = 1/m sum x_i; sigma^2 = 1/m sum (x_i - mu)^2; x_hat = (x - mu) / sqrt(sigma^2 + eps); y = gamma x_hat + beta.",
  does = "The four lines are computed by hand on batches with wild means and deviations, and compared with the layer: outputs, "
    .. "gradients for x, gamma and beta, and second derivatives.",
  asks = {
    { "What are the mean and the deviation of gamma x_hat + beta?", "beta and |gamma| (but for eps)" },
    { "Feature 3 has deviation 0.01. Why is its x_hat's deviation not 1?", "eps = 1e-5 is a tenth of its variance of 1e-4: "
      .. "1/sqrt(1.1) = 0.953" },
  },
  seeds = { 10, small = 2 },
  params = { m = { 64, doc = "samples in the batch", min = 2 } },
  run = function(p)
    local kept
    local r = L.over(p, function()
      local layer = nn.BatchNorm1d(3, { dtype = "float64" })
      nn.no_grad(function()
        layer.weight:copy_(nn.tensor({ 0.5, 2.0, -1.0 }, { dtype = "float64" }))
        layer.bias:copy_(nn.tensor({ 0.0, 1.0, 3.0 }, { dtype = "float64" }))
    end)
    local x = (nn.randn({ p.m, 3 }, { dtype = "float64" }) * nn.tensor({ 1.0, 30.0, 0.01 }, { dtype = "float64" })
      + nn.tensor({ 0.0, 500.0, -2.0 }, { dtype = "float64" })):requires_grad_()
    local function by_hand(v)
      local mu = v:mean(1)
      local sigma2 = (v - mu):square():mean(1)
      local x_hat = (v - mu) / (sigma2 + 1e-5):sqrt()
      return layer.weight * x_hat + layer.bias, mu, sigma2, x_hat
    end
    local mine, mu, sigma2, x_hat = by_hand(x)
    local theirs = layer(x)
    local weights = nn.randn({ p.m, 3 }, { dtype = "float64" })
    local leaves = { x, layer.weight, layer.bias }
    local function gradients(y, graph)
      return nn.grad((y * weights):sum(), leaves, { create_graph = graph, retain_graph = true })
    end
    local a, b = gradients(mine, true), gradients(theirs, true)
    local second_a = nn.grad((a[1]:square() * weights):sum(), { x })[1]
    local second_b = nn.grad((b[1]:square() * weights):sum(), { x })[1]
    local rows, worst = {}, 0
    for _, c in ipairs { { "y", mine, theirs }, { "dL/dx", a[1], b[1] }, { "dL/dgamma", a[2], b[2] }, { "dL/dbeta", a[3], b[3] },
      { "a second derivative", second_a, second_b } } do
      local off = (c[2] - c[3]):detach():abs():max():item() / math.max(1e-300, c[2]:detach():abs():max():item())
      worst = math.max(worst, off)
      rows[#rows + 1] = { c[1], off }
    end
    kept = kept or { rows = rows, x = x, x_hat = x_hat, mu = mu, sigma2 = sigma2 }
    local deviation = x_hat:square():mean(1):sqrt()
    return { worst = worst, mean = x_hat:mean(1):abs():max():item(), deviation_3 = deviation[3]:item(),
      deviation_1 = deviation[1]:item() }
    end)
    local x_hat, mu, sigma2 = kept.x_hat, kept.mu, kept.sigma2
    L.table({ "by hand and by the layer", "relative difference" }, kept.rows)
    local stats = {}
    for i = 1, 3 do
      stats[i] = { i, mu[i]:item(), math.sqrt(sigma2[i]:item()), x_hat:mean(1)[i]:item(),
        math.sqrt(x_hat:square():mean(1)[i]:item()) }
    end
    L.table({ "feature", "mean of x", "deviation of x", "mean of x̂", "deviation of x̂" }, stats,
      ("Of the batch of seed %d:"):format(p.seed))
    local hists = {}
    for i, what in ipairs { "1 (x: mean 0, deviation 1)", "2 (x: 500, 30)", "3 (x: -2, 0.01)" } do
      hists[i] = { y = x_hat:detach():select(2, i), label = "x̂ of feature " .. what }
    end
    L.picture("hist", hists, { title = "After normalization all three features lie alike", bins = 14, key = "above" })
    local worst = math.max(table.unpack(r.worst))
    L.check(worst < 1e-8, "equal to float64's rounding; x - mu loses the digits that 500 / 30 and 2 / 0.01 say, second "
      .. "derivatives lose them twice")
    L.check(math.max(table.unpack(r.mean)) < 1e-10, "x_hat has mean 0")
    L.finding("the four lines of Algorithm 1 and nn.BatchNorm1d agree to %.0e in outputs, gradients and second derivatives on "
      .. "%d batches; each feature of x_hat has mean 0 and deviation %.4f (%.3f for the one whose "
      .. "deviation is 0.01: eps counts there)", worst, p.seeds, L.mean(r.deviation_1), L.mean(r.deviation_3))
  end,
}
