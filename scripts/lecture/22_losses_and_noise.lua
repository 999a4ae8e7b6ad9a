-- The loss is an assumption about the noise: Gaussian gives MSE, Laplace gives L1.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "22_losses_and_noise",
  title = "Losses and noise", slide = "One word about loss functions", tools = "nn.MSELoss, nn.L1Loss, nn.GaussianNLLLoss, nn.LaplaceNLLLoss, nn.QuantileLoss",
  says = "Mean-squared error for Gaussian noise assumption, absolute error for Laplace noise assumption. If specific information about noise is known the loss "
    .. "function can be adapted.",
  does = "That the likelihoods are these losses is computed. Then linear regressions with both losses on data with each kind of noise, many times: whose "
    .. "estimates are nearer to the truth?",
  run = function()
    local x, y = nn.randn({ 1000 }, { dtype = "float64" }), nn.randn({ 1000 }, { dtype = "float64" })
    local one = nn.ones_like(x)
    local gauss = (nn.GaussianNLLLoss()(x, y, one) - nn.MSELoss()(x, y) / 2):abs():item()
    local laplace = (nn.LaplaceNLLLoss()(x, y, one) - nn.L1Loss()(x, y)):abs():item()
    L.check(gauss < 1e-12 and laplace < 1e-12, "the negative log-likelihoods are MSE / 2 and L1, up to constants")
    local runs, n = L.size(200, 40), 100
    local kinds = { "gaussian", "laplace", "uniform", "student" }
    local losses = { "MSELoss", "L1Loss", "HuberLoss" }
    local errors, rows = {}, {}
    for k, kind in ipairs(kinds) do
      errors[kind] = {}
      local row = { kind }
      for l, loss in ipairs(losses) do
        local sum = 0
        for run = 1, runs do
          local g = nn.Generator(1000 * k + run)
          local a = nn.rand({ n }, { generator = g, dtype = "float64" }) * 2 - 1
          local b = a * 2 + 1 + nn.data.noise(kind, n, kind == "laplace" and math.sqrt(0.5) or (kind == "uniform" and math.sqrt(3) or
            (kind == "student" and math.sqrt(1 / 3) or 1)), { seed = 7000 * k + run }):to "float64"
          local w = nn.Parameter(nn.zeros({ 2 }, { dtype = "float64" }))
          local features = nn.stack({ a, nn.ones_like(a) }, 2)
          local criterion = nn[loss]()
          local opt = nn.optim.LBFGS({ w }, { line_search_fn = "strong_wolfe", max_iter = 60, tolerance_change = 1e-10 })
          opt:step(function()
            opt:zero_grad()
            local v = criterion(features:matmul(w), b)
            v:backward()
            return v
          end)
          sum = sum + (w:detach() - nn.tensor({ 2.0, 1.0 }, { dtype = "float64" })):square():sum():item()
        end
        errors[kind][loss] = sum / runs
        row[l + 1] = math.sqrt(sum / runs)
      end
      rows[k] = row
    end
    L.table({ "noise (deviation 1)", "MSE", "L1", "Huber" }, rows, "Root mean square error of the two coefficients over " .. runs .. " data sets:")
    L.picture("bar", { { y = { rows[1][2], rows[2][2], rows[3][2], rows[4][2] }, label = "MSE" }, { y = { rows[1][3], rows[2][3], rows[3][3], rows[4][3] }, label = "L1" } },
      kinds, { title = "Error of the estimates" })
    local ratio_g, ratio_l = errors.gaussian.L1Loss / errors.gaussian.MSELoss, errors.laplace.L1Loss / errors.laplace.MSELoss
    -- theory for many samples: pi / 2 = 1.57 and 1/2; 40 runs of paired estimates leave room of a third
    L.check(ratio_g > 1.1, "with Gaussian noise MSE has the smaller error (theory: L1's variance is pi/2 times larger)")
    L.check(ratio_l < 0.9, "with Laplace noise L1 has it (theory: half the variance)")
    L.finding("with Gaussian noise L1's squared error is %.2f times MSE's (theory pi/2 = 1.57), with Laplace noise %.2f times (theory 0.5): the loss that assumes "
      .. "the noise there is wins", ratio_g, ratio_l)
  end,
}
