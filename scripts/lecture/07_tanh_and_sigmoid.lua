-- Sigmoid and tanh are rescaled versions of each other.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "07_tanh_and_sigmoid",
  title = "Sigmoid and tanh are the same function", slide = "Activation functions", tools = "nn.Sigmoid, nn.Tanh",
  says = "Earlier used activation functions: sigmoid, tanh. tanh(x) = 2 sigma(2x) - 1. Rescaled versions of each other.",
  does = "The identity is computed over a wide range. Then a trained net of tanh units is rewritten as a net of sigmoid units "
    .. "with other weights, which must give the same outputs. Then both kinds are trained from the same kind of start.",
  asks = {
    { "A net of tanh units is given. Which sigmoid net is the same function?", "double the weights and biases into each unit, "
      .. "double those out of it, "
      .. "and take the sum of the weights out off the next bias" },
    { "If they are the same functions, why does training differ?", "the same start is another function, and the slope at 0 is "
      .. "1/4 in the place of 1" },
  },
  seeds = { 10, small = 3 },
  params = {
    epochs = { 60, small = 15, min = 1 },
    lr = { 0.3, doc = "of SGD", min = 0.0 },
    width = { 16, min = 1 },
  },
  run = function(p)
    local x = nn.linspace(-20, 20, 100001, { dtype = "float64" })
    local identity = (nn.tanh(x) - (2 * nn.sigmoid(2 * x) - 1)):abs():max():item()
    L.check(identity < 1e-15, "the identity holds to float64's rounding, 2 units in the last place of 1")

    nn.manual_seed(p.seed)
    local d = nn.data.moons { n = 300, noise = 0.15, seed = p.seed }
    local epochs = p.epochs
    local net = L.mlp({ 2, 16, 16, 2 }, { act = nn.Tanh })
    L.fit(net, d, { optimizer = nn.optim.Adam(net:parameters(), { lr = 0.01 }), epochs = epochs })
    -- tanh(Wx + b) = 2 sigma(2Wx + 2b) - 1: double what goes in; double what takes it up, and move its bias
    local twin = L.mlp({ 2, 16, 16, 2 }, { act = nn.Sigmoid })
    nn.no_grad(function()
      for _, i in ipairs { 1, 3, 5 } do
        local takes, gives = i > 1 and 2 or 1, i < 5 and 2 or 1
        local w, b = net[i].weight:detach(), net[i].bias:detach()
        twin[i].weight:copy_(w * (takes * gives))
        twin[i].bias:copy_((b - (i > 1 and w:sum(2) or 0)) * gives)
      end
    end)
    local difference = (net(d.x) - twin(d.x)):abs():max():item()
    local size = net(d.x):abs():max():item()
    L.check(difference < 1e-5 * math.max(1, size), "the rewritten net is the same function up to float32 rounding")

    local final = L.over(p, function(seed)
      local data, out = nn.data.moons { n = 300, noise = 0.15, seed = seed }, {}
      for _, act in ipairs { "Tanh", "Sigmoid" } do
        nn.manual_seed(seed)
        local m = L.mlp({ 2, p.width, p.width, p.width, 2 }, { act = nn[act], init = "glorot_uniform" })
        local run = L.fit(m, data, { optimizer = nn.optim.SGD(m:parameters(), { lr = p.lr }), epochs = epochs })
        out[act] = run.history[#run.history].loss
      end
      return out
    end)
    L.table({ "activation", "training loss after " .. epochs .. " epochs" }, { { "tanh", L.pm(final.Tanh) }, { "sigmoid",
      L.pm(final.Sigmoid) } },
      "The same start (Glorot), the same learning rate:")
    local t = nn.linspace(-4, 4, 200)
    L.picture("line", { { x = t, y = nn.tanh(t), label = "tanh(x)" }, { x = t, y = nn.sigmoid(t), label = "sigma(x)" },
      { x = t, y = 2 * nn.sigmoid(2 * t) - 1, label = "2 sigma(2x) - 1" } }, { title = "Rescaled versions of each other",
        key = "bottom right" })
    L.expect(L.compare("training loss: tanh over sigmoid", final.Tanh, final.Sigmoid), "lower") -- its slope at 0 is 1, not 1/4
    L.finding("tanh(x) = 2 sigma(2x) - 1 to %.0e, and a tanh net rewritten with sigmoids differs by %.0e; what differs is "
      .. "training: from "
      .. "the same start and at the same rate the loss ends %s with tanh (%.3f and %.3f)", identity, difference,
      tostring(L.comparisons[1]), L.mean(final.Tanh),
      L.mean(final.Sigmoid))
  end,
}
