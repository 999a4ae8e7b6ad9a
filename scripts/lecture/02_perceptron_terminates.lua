-- Rosenblatt's rule ends when the classes are separable, within (R/gamma)^2 updates.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "02_perceptron_terminates",
  title = "The perceptron terminates", slide = "Perceptrons and linear separability",
  tools = "nn.Perceptron, nn.data.separable, nn.theory.separable", source = "Novikoff 1962",
  says = "In case that the data set is linearly separable, the perceptron learning algorithm terminates and finally solves "
    .. "the learning task.",
  does = "Data with margins from wide to narrow, several seeds each: updates until no mistake is left, beside the bound "
    .. "(R/gamma)^2 with R the longest input and gamma the best margin. Then the same with classes that overlap.",
  asks = {
    { "The margin gets ten times smaller. How many more updates does the bound allow?", "a hundred times as many" },
    { "And how many are really needed?", "far fewer: the table shows the share of the bound that was used" },
  },
  seeds = { 10, small = 3 },
  params = { n = { 100, doc = "points in a data set", min = 10 }, margin = { 0.01, doc = "the narrowest margin", min = 0.0,
    max = 0.3 } },
  run = function(p)
    local rows, points, bounds = {}, { x = {}, y = {} }, { x = {}, y = {} }
    local worst, runs = 0, 0
    for _, margin in ipairs { 0.3, 0.1, 0.03, p.margin } do
      local r = L.over(p, function(seed)
        local d = nn.data.separable { n = p.n, margin = margin, seed = seed }
        local r = nn.Perceptron({ epochs = 100000 }):fit(d.x, d.y)
        L.check(r.converged and r.accuracy == 1, "it ends with no mistake (margin %g, seed %d)", margin, seed)
        L.check(r.updates <= r.bound, "no run exceeds Novikoff's bound: it is a theorem, so the tolerance is 0")
        table.insert(points.x, 1 / r.margin)
        table.insert(points.y, math.max(1, r.updates))
        table.insert(bounds.x, 1 / r.margin)
        table.insert(bounds.y, r.bound)
        worst, runs = math.max(worst, r.updates / r.bound), runs + 1
        return { updates = r.updates, bound = r.bound, share = r.updates / r.bound }
      end, ("margin_%g_"):format(margin))
      rows[#rows + 1] = { margin, L.pm(r.updates, 0), math.max(table.unpack(r.updates)), L.mean(r.bound), L.percent(r.share) }
    end
    L.table({ "margin", "updates (mean)", "updates (most)", "bound (mean)", "of the bound" }, rows)
    local ended, overlap = 0, nil
    for i = 1, p.seeds do
      local d = nn.data.moons { n = p.n, noise = 0.3, seed = p.seed + i - 1 }
      if nn.theory.separable(d.x, d.y).separable == false then
        overlap = nn.Perceptron({ epochs = L.size(2000, 200) }):fit(d.x, d.y)
        ended = ended + (overlap.converged and 1 or 0)
      end
    end
    L.check(overlap ~= nil, "moons with noise of 0.3 overlap in some of the data sets")
    L.say("Overlapping classes: after %d epochs and %d updates it still makes mistakes. The reason, proved: a point lies in the "
      .. "convex hulls of both classes.", overlap.epochs, overlap.updates)
    L.check(ended == 0, "without a separating plane it never ends")
    points.label, bounds.label = "updates", "bound"
    L.picture("scatter", { points, bounds }, { title = "Updates until the end", xlabel = "1 / margin", ylabel = "updates",
      log = "xy" })
    L.result { largest_share = worst }
    L.finding("in all %d separable runs the perceptron ended without mistakes, with at most %.0f%% of the (R/gamma)^2 "
      .. "updates that the "
      .. "theorem allows; on classes that overlap it never ended", runs, 100 * worst)
  end,
}
