-- The solution is not unique: it depends on the initial weights.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

-- The angle in degrees between directions a and b, both in degrees: 0 to 180.
local function apart(a, b)
  local d = math.abs(a - b) % 360
  return math.min(d, 360 - d)
end

return L.experiment {
  name = "03_solution_depends_on_start",
  title = "The solution depends on the start", slide = "Perceptrons and linear separability",
  tools = "nn.Perceptron, nn.theory.separable",
  says = "The final solution is not unique: arbitrary solution (depending on initial weights).",
  does = "Separable data sets, each learned from many random initial weights: the largest angle between two solutions "
    .. "of one data "
    .. "set (angles are compared around the circle), their margins, and the largest margin there is.",
  asks = {
    { "Which of the many planes would you like to have?", "the one with the largest margin; script 23 finds it with "
      .. "the hinge loss" },
    { "Start all weights at 0: how many solutions are left?", "one for each order of the samples: the rule itself draws no "
      .. "random numbers" },
  },
  seeds = { 10, small = 3 },
  params = {
    starts = { 30, small = 8, doc = "random starts for each data set", min = 2 },
    margin = { 0.15, doc = "the data's margin", min = 0.01, max = 0.4 },
  },
  run = function(p)
    local low, high = -1.3, 1.3
    local lines, kept = {}, nil
    local r = L.over(p, function(seed, i)
      local d = nn.data.separable { n = 60, margin = p.margin, seed = seed }
      local best = nn.theory.separable(d.x, d.y)
      local angles, margins = {}, {}
      for start = 1, p.starts do
        local unit = nn.Perceptron { init = "random", seed = 1000 * seed + start, lr = 0.2 }
        local report = unit:fit(d.x, d.y)
        L.check(report.converged and report.accuracy == 1, "every start ends with a solution (seed %d, start %d)", seed, start)
        local w, theta = unit.W:totable(), unit.theta
        angles[start] = math.deg(math.atan(w[2], w[1]))
        margins[start] = unit:decision(d.x):abs():min():item() / unit.W:norm():item() / best.margin
        L.check(margins[start] <= 1 + 1e-6, "no solution has more than the largest margin (to float32 rounding)")
        if i == 1 and start <= 8 then
          -- the line w1 x + w2 y = theta inside the square
          local x, y = {}, {}
          local steep = math.abs(w[1]) > math.abs(w[2])
          for k = 0, 100 do
            local t = low + (high - low) * k / 100
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
      kept = kept or d
      local widest = 0
      for a = 1, p.starts do
        for b = a + 1, p.starts do
          widest = math.max(widest, apart(angles[a], angles[b]))
        end
      end
      return { widest = widest, margin = L.mean(margins), least = math.min(table.unpack(margins)),
        most = math.max(table.unpack(margins)) }
    end)
    for class = 1, 2 do
      local index = kept.y:eq(class)
      lines[#lines + 1] = { x = kept.x:select(2, 1)[index], y = kept.x:select(2, 2)[index], style = "points",
        label = "class " .. class }
    end
    L.table({ ("of %d data sets"):format(p.seeds), "smallest", "mean ± deviation", "largest" }, {
      { "largest angle between two solutions (degrees)", math.min(table.unpack(r.widest)), L.pm(r.widest, 1),
        math.max(table.unpack(r.widest)) },
      { "margin / best margin, mean of the starts", math.min(table.unpack(r.margin)), L.pm(r.margin),
        math.max(table.unpack(r.margin)) },
      { "  of the worst start", math.min(table.unpack(r.least)), L.pm(r.least), math.max(table.unpack(r.least)) },
      { "  of the luckiest start", math.min(table.unpack(r.most)), L.pm(r.most), math.max(table.unpack(r.most)) },
    })
    L.picture("line", lines, { title = "Solutions from 8 starts", xrange = { low, high }, yrange = { low, high } })
    L.check(math.min(table.unpack(r.widest)) > 1, "in every data set two solutions differ by more than a degree")
    L.finding("on each of %d data sets %d starts gave correct planes in different directions, %.0f ± %.0f degrees apart at "
      .. "most; a start's plane has "
      .. "%.0f%% of the best margin on average, the worst start of a data set %.0f%% on average", p.seeds, p.starts,
      L.mean(r.widest), L.deviation(r.widest),
      100 * L.mean(r.margin),
      100 * L.mean(r.least))
  end,
}
