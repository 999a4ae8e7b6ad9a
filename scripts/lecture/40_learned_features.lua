-- Logistic regression with learned features: what the last layer of a net is.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "40_learned_features",
  title = "Logistic regression with learned features", slide = "Remember: Logistic Regression",
    tools = "nn.LogisticRegression, nn.Sequential", source = "Rosenblatt 1958; Rumelhart, Hinton & Williams 1986",
  says = "Logistic regression: g(x_i) = sigma(W . x_i + b). Logistic regression with learned features: g(x_i) = sigma(W(2) "
    .. ". f_i + b).",
  does = "On two problems that no line solves: logistic regression on the inputs, on features f_i of a random hidden layer, "
    .. "and on those of the hidden layer of a trained net. The last layer of the net must be nearly as good as logistic "
    .. "regression's optimum on its features. "
    .. "",
  asks = {
    { "The net's last layer is itself a logistic regression on f_i. Why does refitting it "
      .. "change little?", "training has brought it near its optimum, which is unique: the problem is convex in "
      .. "the last layer" },
    { "Random features already help. What do learned ones add?", "they need fewer units for the same accuracy; with many units "
      .. "random ones are as good here" },
  },
  seeds = { 10, small = 2 },
  params = { widths = { { 4, 16, 64 }, doc = "hidden units" }, epochs = { 80, small = 30, min = 1 }, n = { 500, small = 200,
    doc = "training samples", min = 10 } },
  run = function(p)
    local problems = {
      { "two spirals", function(seed, n) return nn.data.spirals { n = n, turns = 0.75, seed = seed } end }, { "circles",
        function(seed, n) return nn.data.circles { n = n, noise = 0.1, factor = 0.6, seed = seed } end },
    }
    local rows, lists = {}, {}
    for _, problem in ipairs(problems) do
      for _, width in ipairs(p.widths) do
        local r = L.over(p, function(seed)
          local train, test = problem[2](seed, p.n), problem[2](seed + 100000, 2000)
          nn.manual_seed(seed)
          local net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 2))
          local function features(x)
            return nn.no_grad(function() return net[2](net[1](x)) end)
          end
          local function regress(f)
            return nn.LogisticRegression({ l2 = 1e-3 }):fit(f(train.x), train.y):score(f(test.x), test.y)
          end
          local out = { inputs = regress(function(x) return x end), random = regress(features) }
          L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 0.02 }), epochs = p.epochs, batch = 50 })
          out.net, out.learned = L.accuracy(net, test), regress(features)
          return out
        end, ("%s_%d_"):format(problem[1]:gsub(" ", "_"), width))
        lists[problem[1] .. width] = r
        rows[#rows + 1] = { problem[1], width, L.percent(r.inputs), L.percent(r.random), L.percent(r.learned), L.percent(r.net) }
      end
    end
    L.table({ "problem", "hidden units", "on the inputs", "on random features", "on learned features", "the net itself" },
      rows, "Test accuracy of logistic regression:")
    local width = p.widths[1]
    local function bars(key)
      local y = {}
      for i, w in ipairs(p.widths) do
        y[i] = lists["circles" .. w][key]
      end
      return y
    end
    local names = {}
    for i, w in ipairs(p.widths) do
      names[i] = ("%d units"):format(w)
    end
    L.picture("bar", { L.bars(bars "inputs", { label = "inputs" }), L.bars(bars "random", { label = "random features" }),
      L.bars(bars "learned", { label = "learned features" }) }, names,
      { title = "Circles: logistic regression on ...", yrange = { 0, 1.05 }, hline = { 0.5, "chance" } })
    local r, wide = lists["circles" .. width], lists["circles" .. p.widths[#p.widths]]
    local learned = L.compare(("circles, %d units: learned over random features"):format(width), r.learned, r.random,
      { points = true })
    local inputs = L.compare(("circles, %d units: random features over inputs"):format(width), r.random, r.inputs,
      { points = true })
    local net = L.compare(("circles, %d units: refitted last layer over the net's own"):format(width), r.learned, r.net,
      { points = true })
    local many = L.compare(("circles, %d units: learned over random features"):format(p.widths[#p.widths]), wide.learned,
      wide.random, { points = true })
    L.expect(learned, "higher")
    L.expect(inputs, "higher")
    L.check(math.abs(net.mean) < L.size(3, 15), "the net's last layer is nearly logistic regression's optimum on its features")
    L.finding("on circles logistic regression gets %.0f%% on the inputs; on %d random features it is %s, on learned ones %s "
      .. "than that, and %s than the net whose features they are; with %d units learned features are %s than random ones",
      100 * L.mean(r.inputs), width, tostring(inputs), tostring(learned),
      tostring(net), p.widths[#p.widths], tostring(many))
  end,
}
