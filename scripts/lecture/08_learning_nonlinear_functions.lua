-- What logistic regression cannot learn and an MLP can.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "08_learning_nonlinear_functions",
  title = "What logistic regression cannot and an MLP can", slide = "Learning non-linear functions",
  tools = "nn.LogisticRegression, nn.Sequential, nn.data",
  says = "The XOR classification problem can't be solved by logistic regression, and is trivial to solve using an MLP.",
  does = "Logistic regression (by Newton's method, so that it is at its optimum) and one small MLP on XOR clouds, moons, "
    .. "circles, spirals and a checkerboard; accuracy on fresh data.",
  params = {
    seeds = { 5, small = 2 },
    epochs = { 150, small = 40 },
  },
  run = function(p)
    local seeds, epochs = p.seeds, p.epochs
    local problems = {
      { "xor with noise", function(seed) return nn.data.xor { n = 400, noise = 0.2, seed = seed } end },
      { "moons", function(seed) return nn.data.moons { n = 400, seed = seed } end },
      { "circles", function(seed) return nn.data.circles { n = 400, seed = seed } end },
      { "two spirals", function(seed) return nn.data.spirals { n = 600, turns = 1, seed = seed } end },
      { "separable (a control)", function() return nn.data.separable { n = 400, seed = 1, margin = 0.02 } end },
    }
    local rows, means, shown = {}, {}, nil
    for _, problem in ipairs(problems) do
      local linear, deep = {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local train, test = problem[2](seed), problem[2](seed + 100)
        linear[seed] = nn.LogisticRegression({ l2 = 1e-3 }):fit(train.x, train.y):score(test.x, test.y)
        local m = L.mlp({ 2, 32, 32, 2 }, { act = nn.Tanh, init = "glorot_uniform" })
        L.fit(m, train, { optimizer = nn.optim.Adam(m:parameters(), { lr = 0.01 }), epochs = epochs })
        deep[seed] = L.accuracy(m, test)
        if problem[1] == "circles" then
          shown = { m, train }
        end
      end
      rows[#rows + 1] = { problem[1], L.pm(linear), L.pm(deep) }
      means[problem[1]] = { L.mean(linear), L.mean(deep) }
    end
    L.table({ "problem", "logistic regression", "MLP 2-32-32-2" }, rows)
    L.picture("boundary", shown[1], shown[2].x, shown[2].y, { title = "Circles, by the MLP" })
    local four = nn.data.xor()
    local exact = nn.LogisticRegression():fit(four.x, four.y)
    L.say("On the four XOR points themselves logistic regression's optimum is the constant 1/2: weights %.1e and %.1e, loss %.4f = 4 log 2.",
      exact.weight[1]:item(), exact.weight[2]:item(), exact.loss)
    L.check(math.abs(exact.loss - 4 * math.log(2)) < 1e-6, "at its optimum it says 1/2 for each point")
    -- 400 test points: 3 standard errors of a share of 1/2 are 0.075, of the mean over seeds less
    L.check(math.abs(means["xor with noise"][1] - 0.5) < 0.1, "logistic regression is at chance on XOR")
    L.check(means["xor with noise"][2] > 0.9 and means.circles[2] > 0.9, "the MLP solves XOR and circles")
    L.finding("on XOR logistic regression gets %.0f%% (chance), the MLP %.0f%%; on circles %.0f%% and %.0f%%; where a line suffices both get "
      .. "%.0f%% and %.0f%%", 100 * means["xor with noise"][1], 100 * means["xor with noise"][2], 100 * means.circles[1],
      100 * means.circles[2], 100 * means["separable (a control)"][1], 100 * means["separable (a control)"][2])
  end,
}
