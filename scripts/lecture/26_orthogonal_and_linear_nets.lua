-- Orthogonal weights, and Saxe's exact dynamics of learning in deep linear nets.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "26_orthogonal_and_linear_nets",
  title = "Orthogonal weights and deep linear nets", slide = "Weight initialization - newer schemes (Saxe 2014)", tools = "nn.init.orthogonal_, nn.svd, nn.theory.singular_values",
  source = "Saxe, McClelland & Ganguli 2014, eqs. 6 and 7, figure 2",
  says = "Initialize with random orthogonal matrices. Reasoning comes from analyzing linear nets. Essential idea: keep determinant of Jacobian close to 1, then you won't lose "
    .. "much information.",
  does = "A linear net with one hidden layer learns a map with known singular values s; Saxe's solution says that each mode's strength follows "
    .. "u(t) = s e^(2st/tau) / (e^(2st/tau) - 1 + s/u0). Gradient descent is compared with it. Then the singular values of the Jacobian of deep products, Gaussian against orthogonal.",
  run = function()
    local function randn(g, ...)
      return nn.randn({ ... }, { generator = g, dtype = "float64" })
    end
    local seeds, n, hidden = L.size(5, 2), 8, 8
    local strengths = { 3, 2, 1 }
    local u0, lr, steps = 0.001, 0.005, L.size(2000, 1500)
    local worst, series, theory_half, measured_half = 0, {}, {}, {}
    for seed = 1, seeds do
      local g = nn.Generator(seed)
      local U, V, R = nn.qr(randn(g, n, n)), nn.qr(randn(g, n, n)), nn.qr(randn(g, hidden, hidden))
      local s = nn.zeros({ n }, { dtype = "float64" })
      for i, v in ipairs(strengths) do
        s[i] = v
      end
      local map = (U * s):matmul(V:t())
      -- Saxe's decoupled start: modes aligned with the map's, all of strength u0
      local small = nn.eye(n, { dtype = "float64" }) * math.sqrt(u0)
      local W1, W2 = nn.Parameter(R:matmul(small):matmul(V:t())), nn.Parameter(U:matmul(small):matmul(R:t()))
      local opt = nn.optim.SGD({ W1, W2 }, { lr = lr })
      -- inputs with covariance 1: the mean square error is |W2 W1 - map|^2 / 2
      local step = nn.compile(function()
        opt:zero_grad()
        local loss = (W2:matmul(W1) - map):square():sum() * 0.5
        loss:backward()
        opt:step()
        return loss
      end)
      for t = 1, steps do
        step()
        if t % 10 == 0 then
          local strength = (U:t():matmul(W2:detach()):matmul(W1:detach()):matmul(V) * nn.eye(n, { dtype = "float64" })):sum(1):totable()
          for i, target in ipairs(strengths) do
            local e = math.exp(2 * target * t * lr)
            local exact = target * e / (e - 1 + target / u0)
            worst = math.max(worst, math.abs(strength[i] - exact) / target)
            if seed == 1 then
              series[i] = series[i] or { x = {}, y = {}, label = ("s = %g, gradient descent"):format(target) }
              series[i + 3] = series[i + 3] or { x = {}, y = {}, label = ("s = %g, Saxe's equation"):format(target), style = t and "points" }
              table.insert(series[i].x, t)
              table.insert(series[i].y, strength[i])
              if t % 60 == 0 then
                table.insert(series[i + 3].x, t)
                table.insert(series[i + 3].y, exact)
              end
              if not measured_half[i] and strength[i] >= target / 2 then
                measured_half[i] = t
              end
            end
          end
        end
      end
      for i, target in ipairs(strengths) do
        theory_half[i] = math.log((target / u0 - 1)) / (2 * target * lr)
      end
    end
    local rows = {}
    for i, s in ipairs(strengths) do
      rows[i] = { s, measured_half[i], theory_half[i] }
    end
    L.table({ "mode's strength s", "half learned after (steps, measured)", "by the equation" }, rows)
    L.picture("line", series, { title = "Modes are learned one after another", xlabel = "step", ylabel = "strength", key = "above maxrows 2" })
    -- gradient descent with step h follows the flow up to O(h s): half a step's growth, h * 2 s = 0.03 relative, at the steepest place
    L.check(worst < 0.04, "discrete steps differ from the equation by about lr * 2 s = 0.03 at most")

    local depth_rows, spread = {}, {}
    for _, depth in ipairs(L.size({ 1, 10, 50, 100 }, { 1, 10, 50 })) do
      local row = { depth }
      for _, kind in ipairs { "gaussian", "orthogonal" } do
        local low, high = 0, 0
        for seed = 1, seeds do
          nn.manual_seed(seed)
          local product = nn.eye(64, { dtype = "float64" })
          for _ = 1, depth do
            local w = nn.zeros({ 64, 64 }, { dtype = "float64" })
            if kind == "gaussian" then
              nn.init.normal_(w, 0, 1 / 8)
            else
              nn.init.orthogonal_(w)
            end
            product = w:matmul(product)
          end
          local _, sv = nn.svd(product)
          low, high = low + sv[32]:item() / seeds, high + sv[1]:item() / seeds
        end
        row[#row + 1], row[#row + 2] = high, low
        spread[kind] = { high, low }
      end
      depth_rows[#depth_rows + 1] = row
    end
    L.table({ "layers", "Gaussian: largest", "middle", "orthogonal: largest", "middle" }, depth_rows, "Singular values of the product of the weights (64 x 64):")
    L.check(math.abs(spread.orthogonal[1] - 1) < 1e-9 and spread.gaussian[2] < 1e-3, "orthogonal products keep every length; Gaussian ones of variance 1/n lose half of the directions")
    L.say("Agreement with the paper: gradient descent follows the analytic solution (their figure 2); the sigmoidal learning curves and the order of the modes are reproduced.")
    L.finding("gradient descent follows Saxe's equation within %.1f%% of a mode's strength over %d seeds; after %d layers the middle singular value is %.0e with Gaussian weights and %.3f "
      .. "with orthogonal ones", 100 * worst, seeds, depth_rows[#depth_rows][1], spread.gaussian[2], spread.orthogonal[2])
  end,
}
