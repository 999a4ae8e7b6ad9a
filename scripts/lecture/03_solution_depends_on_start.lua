-- The solution is not unique: it depends on the initial weights.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "03_solution_depends_on_start",
  title = "The solution depends on the start", slide = "Perceptrons and linear separability",
  tools = "nn.Perceptron, nn.theory.separable",
  says = "The final solution is not unique: arbitrary solution (depending on initial weights).",
  does = "One separable data set, learned from many random initial weights: the angles between the solutions, their margins, "
    .. "and the largest margin there is.",
  params = {
    starts = { 50, small = 12 },
  },
  run = function(p)
    local d = nn.data.separable { n = 60, margin = 0.15, seed = 3 }
    local best = nn.theory.separable(d.x, d.y)
    local starts = p.starts
    local angles, margins, lines = {}, {}, {}
    local low, high = -1.3, 1.3
    for seed = 1, starts do
      local unit = nn.Perceptron { init = "random", seed = seed, lr = 0.2 }
      local r = unit:fit(d.x, d.y)
      L.check(r.converged and r.accuracy == 1, "every start ends with a solution (start %d)", seed)
      local w, theta = unit.W:totable(), unit.theta
      angles[seed] = math.deg(math.atan(w[2], w[1]))
      local distance = unit:decision(d.x):abs():min():item() / unit.W:norm():item()
      margins[seed] = distance
      if seed <= 8 then
        -- the line w1 x + w2 y = theta inside the square
        local x, y = {}, {}
        local steep = math.abs(w[1]) > math.abs(w[2])
        for i = 0, 100 do
          local t = low + (high - low) * i / 100
          local a = steep and (theta - w[2] * t) / w[1] or t
          local b = steep and t or (theta - w[1] * t) / w[2]
          if a >= low and a <= high and b >= low and b <= high then
            x[#x + 1], y[#y + 1] = a, b
          end
        end
        if #x > 1 then
          lines[#lines + 1] = { x = x, y = y, style = "lines" }
        end
      end
    end
    for class = 1, 2 do
      local index = d.y:eq(class)
      lines[#lines + 1] = { x = d.x:select(2, 1)[index], y = d.x:select(2, 2)[index], style = "points", label = "class " .. class }
    end
    local spread = math.max(table.unpack(angles)) - math.min(table.unpack(angles))
    L.table({ "", "smallest", "mean", "largest" }, {
      { "direction of W (degrees)", math.min(table.unpack(angles)), L.mean(angles), math.max(table.unpack(angles)) },
      { "margin", math.min(table.unpack(margins)), L.mean(margins), math.max(table.unpack(margins)) },
      { "largest margin possible", "", best.margin, "" },
    })
    L.picture("line", lines, { title = "Solutions from 8 starts", xrange = { low, high }, yrange = { low, high } })
    L.check(math.max(table.unpack(margins)) <= best.margin * (1 + 1e-9), "no solution has more than the largest margin")
    L.check(spread > 1, "the solutions differ by more than a degree")
    L.finding("%d starts gave %d different correct planes, %.0f degrees apart at most; their margins lie between %.0f%% and %.0f%% of the "
      .. "best one", starts, starts, spread, 100 * math.min(table.unpack(margins)) / best.margin,
      100 * math.max(table.unpack(margins)) / best.margin)
  end,
}
