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
  params = {
    seeds = { 5, small = 2 },
    epochs = { 60, small = 15 },
  },
  run = function(p)
    local depth = 10
    local net = L.mlp({ 2, 32, 32, 32, 32, 32, 32, 32, 32, 32, 2 }, { act = false, init = "orthogonal" })
    local w, b = nn.eye(2), nn.zeros(2)
    nn.no_grad(function()
      for i = 1, #net do
        nn.init.normal_(net[i].bias, 0, 0.1)
        w, b = net[i].weight:matmul(w), net[i].weight:matmul(b) + net[i].bias
      end
    end)
    local x = nn.randn(1000, 2)
    local difference = (net(x) - (x:matmul(w:t()) + b)):abs():max():item()
    L.say("%d linear layers with %d weights equal one 2 x 2 matrix and a bias: largest difference %.1e (float32 rounding).", depth,
      (net:parameter_count()), difference)
    -- ten products of 32 terms with values about 1: 10 * 32 * 6e-8 bounds the rounding
    L.check(difference < 2e-5, "the difference is rounding")

    local d, test = nn.data.moons { n = 400, noise = 0.15, seed = 1 }, nn.data.moons { n = 1000, noise = 0.15, seed = 2 }
    local seeds, epochs = p.seeds, p.epochs
    local linear, curved = {}, {}
    local shown
    for seed = 1, seeds do
      nn.manual_seed(seed)
      for _, case in ipairs { { false, linear }, { nn.Tanh, curved } } do
        local m = L.mlp({ 2, 32, 32, 32, 2 }, { act = case[1] })
        L.fit(m, d, { optimizer = nn.optim.Adam(m:parameters(), { lr = 0.01 }), epochs = epochs })
        case[2][seed] = L.accuracy(m, test)
        shown = m
      end
    end
    local logistic = nn.LogisticRegression():fit(d.x, d.y):score(test.x, test.y)
    L.table({ "model", "test accuracy" }, {
      { "logistic regression", logistic }, { "4 layers, no activation", L.pm(linear) }, { "4 layers, tanh", L.pm(curved) },
    })
    L.picture("boundary", shown, d.x, d.y, { title = "With tanh between the layers" })
    -- 1000 test points: 3 standard errors of a share near 0.87 are 0.032
    L.check(math.abs(L.mean(linear) - logistic) < 0.04, "the deep linear net is as good as logistic regression, no better")
    L.check(L.mean(curved) > logistic + 0.05, "with activations it is better by more than the noise")
    L.finding("a linear net of %d layers is one matrix (difference %.0e); on the moons it reaches %.1f%%, logistic regression %.1f%%, and "
      .. "the same net with tanh %.1f%%", depth, difference, 100 * L.mean(linear), 100 * logistic, 100 * L.mean(curved))
  end,
}
