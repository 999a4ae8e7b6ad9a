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
  params = {
    seeds = { 10, small = 3 },
  },
  run = function(p)
    local seeds = p.seeds
    local rows, points, bounds, all_within = {}, { x = {}, y = {} }, { x = {}, y = {} }, true
    local worst = 0
    for _, margin in ipairs { 0.3, 0.1, 0.03, 0.01 } do
      local updates, bound = {}, {}
      for seed = 1, seeds do
        local d = nn.data.separable { n = 100, margin = margin, seed = seed }
        local r = nn.Perceptron({ epochs = 100000 }):fit(d.x, d.y)
        L.check(r.converged and r.accuracy == 1, "it ends with no mistake (margin %g, seed %d)", margin, seed)
        updates[seed], bound[seed] = r.updates, r.bound
        all_within = all_within and r.updates <= r.bound
        worst = math.max(worst, r.updates / r.bound)
        table.insert(points.x, 1 / r.margin)
        table.insert(points.y, math.max(1, r.updates))
        table.insert(bounds.x, 1 / r.margin)
        table.insert(bounds.y, r.bound)
      end
      rows[#rows + 1] = { margin, L.mean(updates), math.max(table.unpack(updates)), L.mean(bound), all_within and "yes" or "NO" }
    end
    L.table({ "margin", "updates (mean)", "updates (most)", "bound (mean)", "within bound" }, rows)
    L.check(all_within, "no run exceeds Novikoff's bound: it is a theorem, so the tolerance is 0")

    local overlap = nn.data.moons { n = 100, noise = 0.3 }
    local r = nn.Perceptron({ epochs = L.size(2000, 200) }):fit(overlap.x, overlap.y)
    local proof = nn.theory.separable(overlap.x, overlap.y)
    L.say("Overlapping classes: after %d epochs and %d updates it still makes mistakes. The reason, proved: a point lies in the "
      .. "convex hulls of both classes (%d and %d points make it).", r.epochs, r.updates, #proof.higher, #proof.lower)
    L.check(not r.converged and proof.separable == false, "without a separating plane it never ends")
    points.label, bounds.label = "updates", "bound"
    L.picture("scatter", { points, bounds }, { title = "Updates until the end", xlabel = "1 / margin", ylabel = "updates", log = "xy" })
    L.finding("in all %d separable runs the perceptron ended without mistakes, with at most %.0f%% of the (R/gamma)^2 updates that the "
      .. "theorem allows; on classes that overlap it never ended", 4 * seeds, 100 * worst)
  end,
}
