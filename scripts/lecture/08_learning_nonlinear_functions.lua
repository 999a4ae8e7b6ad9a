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
    .. "circles, two spirals, and, as a control, on classes that a line divides (blobs); accuracy on data that neither has seen.",
  asks = {
    { "On which of the five does the MLP gain nothing?", "where a line divides the classes; there logistic "
      .. "regression is as good" },
    { "What does logistic regression answer on the four points of XOR?", "1/2 for each: its weights are 0 at the optimum" },
  },
  seeds = { 10, small = 3 },
  params = {
    epochs = { 100, small = 40, min = 1 },
    width = { 32, min = 1 },
    noise = { 0.2, doc = "of the XOR clouds", min = 0.0 },
  },
  run = function(p)
    local problems = {
      { "xor with noise", function(seed, n) return nn.data.xor { n = n or 400, noise = p.noise, seed = seed } end },
      { "moons", function(seed, n) return nn.data.moons { n = n or 400, seed = seed } end },
      { "circles", function(seed, n) return nn.data.circles { n = n or 400, seed = seed } end },
      { "two spirals", function(seed, n) return nn.data.spirals { n = n or 600, turns = 1, seed = seed } end },
      -- two clouds whose middles are 4 deviations apart: the best possible accuracy is 97.7%, and a line has it
      { "two clouds (the control)", function(seed, n)
        local g = nn.Generator(seed)
        local y = nn.randint(1, 3, { n or 400 }, { generator = g })
        local x = nn.randn({ n or 400, 2 }, { generator = g })
        x[{ {}, 1 }]:add_((y * 4 - 6):to "float32")
        return nn.data.tensors(x, y)
      end },
    }
    local rows, lists, shown = {}, {}, nil
    for _, problem in ipairs(problems) do
      local r = L.over(p, function(seed)
        local train, test = problem[2](seed), problem[2](seed + 100000, 2000)
        nn.manual_seed(seed)
        local m = L.mlp({ 2, p.width, p.width, 2 }, { act = nn.Tanh, init = "glorot_uniform" })
        L.fit(m, train, { optimizer = nn.optim.Adam(m:parameters(), { lr = 0.01 }), epochs = p.epochs })
        if problem[1] == "circles" then
          shown = { m, train }
        end
        return { linear = nn.LogisticRegression({ l2 = 1e-3 }):fit(train.x, train.y):score(test.x, test.y),
          deep = L.accuracy(m, test) }
      end, problem[1]:match "^%w+%s?%w*" .. "_")
      rows[#rows + 1] = { problem[1], L.pm(r.linear), L.pm(r.deep) }
      lists[problem[1]] = r
    end
    L.table({ "problem", "logistic regression", ("MLP 2-%d-%d-2"):format(p.width, p.width) }, rows)
    L.picture("boundary", shown[1], shown[2].x, shown[2].y, { title = "Circles, by the MLP" })
    local four = nn.data.xor()
    local exact = nn.LogisticRegression():fit(four.x, four.y)
    L.say("On the four XOR points themselves logistic regression's optimum is the constant 1/2: weights %.1e and %.1e, loss "
      .. "%.4f = 4 log 2.",
      exact.weight[1]:item(), exact.weight[2]:item(), exact.loss)
    L.check(math.abs(exact.loss - 4 * math.log(2)) < 1e-6, "at its optimum it says 1/2 for each point")
    local clouds, circles, control = lists["xor with noise"], lists.circles, lists["two clouds (the control)"]
    local gain = {}
    for _, problem in ipairs(problems) do
      gain[problem[1]] = L.compare(problem[1] .. ": MLP over logistic regression", lists[problem[1]].deep,
        lists[problem[1]].linear, { points = true })
    end
    -- the standard error of a share of 1/2 over 400 points is 0.025, that of the mean over 10 runs 0.008
    L.check(math.abs(L.mean(clouds.linear) - 0.5) < 0.1, "logistic regression is at chance on XOR")
    for _, name in ipairs { "xor with noise", "moons", "circles", "two spirals" } do
      L.expect(gain[name], "higher")
    end
    L.check(gain["two clouds (the control)"].mean < 1, "where a line suffices the MLP gains less than a point")
    L.finding("on XOR logistic regression gets %.0f%% (chance), the MLP %.0f%%; on circles %.0f%% and %.0f%%; on unseen points "
      .. "of two clouds that a line "
      .. "divides (best possible 97.7%%) %.1f%% and %.1f%%: the MLP is %s there", 100 * L.mean(clouds.linear),
      100 * L.mean(clouds.deep), 100 * L.mean(circles.linear),
      100 * L.mean(circles.deep), 100 * L.mean(control.linear), 100 * L.mean(control.deep),
        tostring(gain["two clouds (the control)"]))
  end,
}
