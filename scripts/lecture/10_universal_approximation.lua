-- Universal approximation: error against the number of units.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "10_universal_approximation",
  title = "Universal approximation", slide = "Universal Approximation Theorem",
  tools = "nn.theory.constructive_net, random_feature_net, trained_net", source = "Hornik 1991; Cybenko 1989",
  says = "For any continuous f on [0, 1]^m and epsilon > 0 there is F(x) = sum alpha_i phi(w_i . x + b_i) with "
    .. "|F(x) - f(x)| < epsilon for all x.",
  does = "Three ways to choose N units for f(x) = sin(2 pi x) + |x - 0.3|: weights written down (the idea of the proof), random "
    .. "hidden weights with a fitted output layer, and all weights trained. The largest error on a fine grid, against N.",
  run = function()
    local function f(x)
      return (x * (2 * math.pi)):sin() + (x - 0.3):abs()
    end
    local widths = L.size({ 2, 4, 8, 16, 32, 64, 128 }, { 4, 16 })
    local ways = {
      { "constructed", nn.theory.constructive_net }, { "random features", nn.theory.random_feature_net },
      { "trained", function(g, n)
        return nn.theory.trained_net(g, n, { iterations = L.size(500, 100) })
      end },
    }
    local rows, series, errors = {}, {}, {}
    for i, n in ipairs(widths) do
      rows[i] = { n }
    end
    for k, way in ipairs(ways) do
      errors[k] = {}
      for i, n in ipairs(widths) do
        errors[k][i] = nn.theory.sup_error(way[2](f, n), f)
        rows[i][k + 1] = errors[k][i]
      end
      series[k] = { x = widths, y = errors[k], label = way[1], style = "linespoints" }
    end
    L.table({ "N", "constructed", "random features", "trained" }, rows, "max |F(x) - f(x)|:")
    L.picture("line", series, { title = "Error against the number of units", xlabel = "N", ylabel = "largest error", log = "xy" })
    local n, last = #widths, widths[#widths]
    -- f changes by at most 2 pi + 1 per unit; the construction is off by at most that over N + 1 (half for the step, half for the
    -- smoothing)
    for i, width in ipairs(widths) do
      L.check(errors[1][i] <= (2 * math.pi + 1) / (width + 1), "the construction keeps its bound K / (N + 1) with K = 2 pi + 1 (N = %d)", width)
    end
    L.check(errors[3][n] < errors[1][n] and errors[2][n] < errors[1][n], "chosen weights need fewer units than the construction")
    local slope = math.log(errors[1][n] / errors[1][1]) / math.log(widths[n] / widths[1])
    L.finding("with N = %d units the largest error is %.3g by construction, %.3g with random features and %.3g trained; the construction's "
      .. "error falls like N^%.2f", last, errors[1][n], errors[2][n], errors[3][n], slope)
  end,
}
