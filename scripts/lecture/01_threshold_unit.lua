-- The threshold unit: what g(x; W, theta) can be.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "01_threshold_unit",
  title = "The threshold unit", slide = "Perceptrons", tools = "nn.Perceptron, nn.Step",
  says = "A perceptron is a simple linear threshold unit: g(x; W, theta) = 1 if W . x > theta, else 0. It is nothing else "
    .. "but a simple linear classifier.",
  does = "All 16 functions of two bits are put to a unit: which have a W and a theta, found by Rosenblatt's rule, and which "
    .. "are proved to have none?",
  run = function()
    local x = nn.tensor { { 0.0, 0.0 }, { 0.0, 1.0 }, { 1.0, 0.0 }, { 1.0, 1.0 } }
    local names = { [0] = "never", [1] = "and not-nor...", [8] = "AND", [14] = "OR", [6] = "XOR", [9] = "equal", [7] = "NAND",
      [15] = "always" }
    names[1] = "NOR"
    local rows, possible = {}, 0
    for code = 0, 15 do
      local bits = {}
      for i = 0, 3 do
        bits[i + 1] = code >> i & 1
      end
      local y = nn.tensor(bits)
      local text = table.concat(bits, " ")
      if code == 0 or code == 15 then
        possible = possible + 1
        rows[#rows + 1] = { text, names[code], "yes", "0 0", code == 0 and 0.5 or -0.5 }
      else
        local unit = nn.Perceptron { epochs = 100 }
        local report = unit:fit(x, y)
        local proof = nn.theory.separable(x, y)
        L.check(report.converged == proof.separable, "the rule ends exactly where a plane exists (function %s)", text)
        if report.converged then
          possible = possible + 1
          local w = unit.W:totable()
          rows[#rows + 1] = { text, names[code] or "", "yes", ("%g %g"):format(w[1], w[2]), unit.theta }
        else
          rows[#rows + 1] = { text, names[code] or "", "no, proved", "", "" }
        end
      end
    end
    L.table({ "g(00) g(01) g(10) g(11)", "name", "a unit can", "W", "theta" }, rows)

    local unit = nn.Perceptron()
    unit:fit(x, nn.tensor { 0, 1, 1, 1 })
    L.picture("boundary", function(p)
      return unit:decision(p)
    end, x, nn.tensor { 1, 2, 2, 2 }, { title = "OR by one unit: a line" })
    L.check(possible == 14, "14 of the 16 functions are linearly separable; XOR and its opposite are not")
    L.finding("one threshold unit can be %d of the 16 functions of two bits; the other %d (XOR and equality) are proved impossible",
      possible, 16 - possible)
  end,
}
