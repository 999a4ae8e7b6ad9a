-- The threshold unit: what g(x; W, theta) can be.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "01_threshold_unit",
  title = "The threshold unit", slide = "Perceptrons", tools = "nn.Perceptron, nn.Step, nn.theory.separable",
  says = "A perceptron is a simple linear threshold unit: g(x; W, theta) = 1 if W . x > theta, else 0. It is nothing else "
    .. "but a simple linear classifier.",
  does = "All 16 functions of two bits are put to a unit: which have a W and a theta, found by Rosenblatt's rule, and which "
    .. "are proved to have none? Each unit found is written down as a layer with nn.Step behind it, which must be the function.",
  asks = {
    { "Which of the 16 functions of two bits can a threshold unit not be?", "XOR and its opposite, equality; the other 14 "
      .. "have a line" },
    { "And of the 256 functions of three bits: how many can it be?", "104 (Muroga 1971); try nn.theory.separable on "
      .. "all of them" },
  },
  run = function()
    local x = nn.tensor { { 0.0, 0.0 }, { 0.0, 1.0 }, { 1.0, 0.0 }, { 1.0, 1.0 } }
    local names = { [0] = "never", [1] = "NOR", [8] = "AND", [14] = "OR", [6] = "XOR", [9] = "equal", [7] = "NAND",
      [15] = "always" }
    local rows, possible = {}, 0
    local function is_function(w, theta, bits)
      local unit = nn.Sequential(nn.Linear(2, 1), nn.Step())
      nn.no_grad(function()
        unit[1].weight:copy_(nn.tensor { w })
        unit[1].bias:copy_(nn.tensor { -theta })
      end)
      return unit(x):reshape(-1):detach():equal(nn.tensor(bits):to "float32")
    end
    for code = 0, 15 do
      local bits = {}
      for i = 0, 3 do
        bits[i + 1] = code >> i & 1
      end
      local y = nn.tensor(bits)
      local text = table.concat(bits, " ")
      local w, theta
      if code == 0 or code == 15 then
        w, theta = { 0.0, 0.0 }, code == 0 and 0.5 or -0.5
      else
        local unit = nn.Perceptron { epochs = 100 }
        local report = unit:fit(x, y)
        local proof = nn.theory.separable(x, y)
        L.check(report.converged == proof.separable, "the rule ends exactly where a plane exists (function %s)", text)
        if report.converged then
          w, theta = unit.W:totable(), unit.theta
        end
      end
      if w then
        possible = possible + 1
        L.check(is_function(w, theta, bits), "the layer with nn.Step is the function (%s)", text)
        rows[#rows + 1] = { text, names[code] or "", "yes", ("%g %g"):format(w[1], w[2]), theta }
      else
        rows[#rows + 1] = { text, names[code] or "", "no, proved", "", "" }
      end
    end
    L.table({ "g(00) g(01) g(10) g(11)", "name", "a unit can", "W", "theta" }, rows)

    local unit = nn.Perceptron()
    unit:fit(x, nn.tensor { 0, 1, 1, 1 })
    L.picture("boundary", function(p)
      return unit:decision(p)
    end, x, nn.tensor { 1, 2, 2, 2 }, { title = "OR by one unit: a line" })
    L.check(possible == 14, "14 of the 16 functions are linearly separable; XOR and its opposite are not")
    L.result { possible = possible }
    L.finding("one threshold unit can be %d of the 16 functions of two bits; the other %d (XOR and equality) are "
      .. "proved impossible",
      possible, 16 - possible)
  end,
}
