-- Without activation functions a deep net is linear.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "06_linear_without_activation",
  title = "Without activation, a deep net is linear", slide = "Activation functions", tools = "nn.Linear, nn.LogisticRegression",
  says = "Without activation functions, neural networks are linear: activations allow to learn nonlinear functions.",
  does = "A net of many linear layers is multiplied out into one matrix and compared with it. Then nets with and without "
    .. "activations are trained on two moons, beside logistic regression.",
  asks = {
    { "Ten linear layers have 8,000 weights. How many different functions of the plane "
      .. "can they be?", "those of one 2 x 2 matrix and a bias: 6 numbers" },
    { "Is the deep linear net's training also that of logistic regression?", "no: the function is, the way there is not "
      .. "(script 26)" },
  },
  seeds = { 10, small = 3 },
  params = {
    depth = { 10, doc = "linear layers multiplied out", min = 1 },
    width = { 32, min = 1 },
    noise = { 0.15, doc = "the moons'", min = 0.0 },
    epochs = { 60, small = 15, min = 1 },
  },
  run = function(p)
    nn.manual_seed(p.seed)
    local depth, chain = p.depth, { 2 }
    for i = 2, depth do
      chain[i] = p.width
    end
    chain[depth + 1] = 2
    local net = L.mlp(chain, { act = false, init = "orthogonal" })
    local w, b = nn.eye(2), nn.zeros(2)
    nn.no_grad(function()
      for i = 1, #net do
        nn.init.normal_(net[i].bias, 0, 0.1)
        w, b = net[i].weight:matmul(w), net[i].weight:matmul(b) + net[i].bias
      end
    end)
    local x = nn.randn(1000, 2)
    local difference = (net(x) - (x:matmul(w:t()) + b)):abs():max():item()
    L.say("%d linear layers with %d weights equal one 2 x 2 matrix and a bias: largest difference %.1e (float32 rounding).",
      depth,
      (net:parameter_count()), difference)
    -- ten products of 32 terms with values about 1: 10 * 32 * 6e-8 bounds the rounding
    L.check(difference < 2e-5, "the difference is rounding")

    local shown, d
    local r = L.over(p, function(seed)
      d = nn.data.moons { n = 400, noise = p.noise, seed = seed }
      local test = nn.data.moons { n = 1000, noise = p.noise, seed = seed + 100000 }
      local out = { logistic = nn.LogisticRegression():fit(d.x, d.y):score(test.x, test.y) }
      for name, act in pairs { linear = false, tanh = nn.Tanh } do
        nn.manual_seed(seed)
        local m = L.mlp({ 2, p.width, p.width, p.width, 2 }, { act = act })
        L.fit(m, d, { optimizer = nn.optim.Adam(m:parameters(), { lr = 0.01 }), epochs = p.epochs })
        out[name] = L.accuracy(m, test)
        shown = act and m or shown
      end
      return out
    end)
    L.table({ "model", "test accuracy" }, {
      { "logistic regression", L.pm(r.logistic) }, { "4 layers, no activation", L.pm(r.linear) }, { "4 layers, tanh",
        L.pm(r.tanh) },
    })
    L.picture("boundary", shown, d.x, d.y, { title = "With tanh between the layers" })
    local none = L.compare("accuracy: 4 linear layers over logistic regression", r.linear, r.logistic, { points = true })
    local curved = L.compare("accuracy: tanh over no activation", r.tanh, r.linear, { points = true })
    L.check(math.abs(none.mean) < 3, "the deep linear net is as good as logistic regression to 3 points")
    L.expect(curved, "higher")
    L.finding("a linear net of %d layers is one matrix (difference %.0e); on the moons four linear layers reach %.1f%%, "
      .. "logistic regression %.1f%%; with tanh "
      .. "between the layers the accuracy is %s", depth, difference, 100 * L.mean(r.linear), 100 * L.mean(r.logistic),
      tostring(curved))
  end,
}
