-- XOR has no separating plane: a proof, and a perceptron that never ends.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "04_xor_no_plane",
  title = "XOR has no separating plane", slide = "Perceptrons and linear separability",
  tools = "nn.theory.separable, nn.Perceptron, nn.data.xor",
  says = "Perceptrons cannot solve classification tasks that are not linearly separable: simple XOR problems.",
  does = "nn.theory.separable is asked for a plane or a proof that there is none; the proof is checked in exact fractions. "
    .. "The perceptron and its variants are let loose on XOR.",
  asks = {
    { "How many of the four points can a line get right at most?", "three; the pocket algorithm keeps the best line "
      .. "it has seen" },
    { "Add a third input, x1 x2. Is XOR separable now?", "yes: x1 + x2 - 2 x1 x2 > 1/2; one learned or given feature is enough" },
  },
  run = function()
    local d = nn.data.xor()
    local proof = nn.theory.separable(d.x, d.y)
    L.say("%s.", tostring(proof))
    L.say("In words: the middle of the two points of class 1 is the middle of the two points of class 0. A plane with "
      .. "both points "
      .. "of a class on one side has their middle on that side, too; the same point cannot be on both sides.")
    L.check(proof.separable == false and proof.exact, "the certificate says no, exactly")
    local rows, best = {}, 0
    for _, variant in ipairs { "plain", "averaged", "voted", "pocket" } do
      local epochs = L.size(10000, 300)
      local r = nn.Perceptron({ variant = variant, epochs = epochs }):fit(d.x, d.y)
      rows[#rows + 1] = { variant, r.epochs, r.updates, r.converged and "yes" or "no", r.accuracy }
      best = math.max(best, r.accuracy)
      L.check(not r.converged, "the %s perceptron does not end", variant)
    end
    L.table({ "variant", "epochs", "updates", "ended", "share right" }, rows)
    L.check(best <= 0.75, "a plane gets at most 3 of the 4 points")
    L.picture("scatter", d.x, { classes = d.y, labels = { "0", "1" }, title = "XOR: no line divides the classes" })
    L.result { best = best }
    L.finding("XOR is not linearly separable, proved by 1/2 x2 + 1/2 x3 = 1/2 x1 + 1/2 x4; no perceptron got more than %d of "
      .. "the 4 points",
      math.floor(best * 4 + 0.5))
  end,
}
