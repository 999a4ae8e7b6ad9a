-- Batch norm, Algorithm 1: line by line by hand.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "30_batch_norm_by_hand",
  title = "Batch norm by hand (Algorithm 1)", slide = "Batch Normalization, Algorithm 1", tools = "nn.BatchNorm1d", source = "Ioffe & Szegedy 2015, algorithm 1",
  says = "mu = 1/m sum x_i; sigma^2 = 1/m sum (x_i - mu)^2; x_hat = (x - mu) / sqrt(sigma^2 + eps); y = gamma x_hat + beta.",
  does = "The four lines are computed by hand on batches with wild means and deviations, and compared with the layer: outputs, gradients for x, gamma and beta, and second derivatives.",
  run = function()
    local layer = nn.BatchNorm1d(3, { dtype = "float64" })
    nn.no_grad(function()
      layer.weight:copy_(nn.tensor({ 0.5, 2.0, -1.0 }, { dtype = "float64" }))
      layer.bias:copy_(nn.tensor({ 0.0, 1.0, 3.0 }, { dtype = "float64" }))
    end)
    local x = (nn.randn({ 64, 3 }, { dtype = "float64" }) * nn.tensor({ 1.0, 30.0, 0.01 }, { dtype = "float64" })
      + nn.tensor({ 0.0, 500.0, -2.0 }, { dtype = "float64" })):requires_grad_()
    local function by_hand(v)
      local mu = v:mean(1)
      local sigma2 = (v - mu):square():mean(1)
      local x_hat = (v - mu) / (sigma2 + 1e-5):sqrt()
      return layer.weight * x_hat + layer.bias, mu, sigma2, x_hat
    end
    local mine, mu, sigma2, x_hat = by_hand(x)
    local theirs = layer(x)
    local weights = nn.randn({ 64, 3 }, { dtype = "float64" })
    local leaves = { x, layer.weight, layer.bias }
    local function gradients(y, graph)
      return nn.grad((y * weights).sum and (y * weights):sum() or y, leaves, { create_graph = graph, retain_graph = true })
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
    L.table({ "by hand and by the layer", "relative difference" }, rows)
    local stats = {}
    for i = 1, 3 do
      stats[i] = { i, mu[i]:item(), math.sqrt(sigma2[i]:item()), x_hat:mean(1)[i]:item(), math.sqrt(x_hat:square():mean(1)[i]:item()) }
    end
    L.table({ "feature", "mean of x", "deviation of x", "mean of x_hat", "deviation of x_hat" }, stats)
    L.picture("hist", { { y = x:detach():select(2, 3), label = "x (feature 3)" }, { y = x_hat:detach():select(2, 3), label = "x_hat" } }, { title = "Before and after", bins = 30 })
    L.check(worst < 1e-8, "equal to float64's rounding; x - mu loses the digits that 500 / 30 and 2 / 0.01 say, second derivatives lose them twice")
    L.check(math.abs(x_hat:mean():item()) < 1e-10, "x_hat has mean 0")
    L.finding("the four lines of Algorithm 1 and nn.BatchNorm1d agree to %.0e in outputs, gradients and second derivatives; each feature of x_hat has mean 0 and deviation 1 (%.4f for the one whose "
      .. "deviation is 0.01: eps counts there)", worst, stats[3][5])
  end,
}
