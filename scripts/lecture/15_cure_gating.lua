-- Cures for the vanishing gradient, one alone: gates and shortcuts.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "15_cure_gating",
  title = "Cure 1: gating", slide = "How to solve the vanishing gradient problem", tools = "nn.Highway, nn.Residual",
  source = "Srivastava, Greff & Schmidhuber 2015; He et al. 2016",
  says = "Currently applied methods: gating (mostly used in RNNs). Clever usage is 'trick of the trade' in deep learning.",
  does = "A deep sigmoid net that does not learn; the same net with its layers inside highway gates (their bias at -3, as the "
    .. "paper advises for depth), or with shortcuts. Nothing "
    .. "else is changed.",
  asks = {
    { "What is the derivative of x + f(x), and why does it not vanish "
      .. "over 20 layers?", "1 + f'(x): a product of numbers near 1" },
    { "Why does a highway gate begin nearly closed (bias -3)?", "then each layer begins as the identity, and the "
      .. "gradient passes" },
  },
  seeds = { 6, small = 2 },
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 }, width = { 32, min = 2 }, lr = { 0.01,
      doc = "of SGD with momentum 0.9", min = 0.0 },
    epochs = { 15, small = 5, min = 1 },
  },
  run = function(p)
    local cure = assert(loadfile(here .. "cure.lua"))(L, p)
    local function stack(block)
      return function()
        local net = nn.Sequential(nn.Linear(16, cure.width), nn.Sigmoid())
        for _ = 2, cure.depth do
          net:add(block())
        end
        return net:add(nn.Linear(cure.width, 4))
      end
    end
    local r = cure.compare {
      { "highway gates", stack(function() return nn.Highway(cure.width, { activation = nn.Sigmoid(), gate_bias = -3 }) end) },
      { "shortcuts", stack(function() return nn.Residual(nn.Linear(cure.width, cure.width), nn.Sigmoid()) end) },
    }
    local gates, shortcuts = cure.gain(r, "highway gates"), cure.gain(r, "shortcuts")
    L.expect(cure.carries(r, "highway gates"), "higher")
    L.expect(cure.carries(r, "shortcuts"), "higher")
    L.expect(gates, "higher")
    L.expect(shortcuts, "higher")
    L.finding("a %d-layer sigmoid net stays at %.0f%% (chance %.0f%%); with highway gates it is %s, with shortcuts %s",
      cure.depth,
      100 * L.mean(r["the patient: sigmoid"]), 100 * cure.chance, tostring(gates), tostring(shortcuts))
  end,
}
