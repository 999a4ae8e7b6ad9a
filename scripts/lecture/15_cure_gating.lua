-- Cures for the vanishing gradient, one alone: gates and shortcuts.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "15_cure_gating",
  title = "Cure 1: gating", slide = "How to solve the vanishing gradient problem", tools = "nn.Highway, nn.Residual",
  source = "Srivastava, Greff & Schmidhuber 2015; He et al. 2016",
  says = "Currently applied methods: gating (mostly used in RNNs). Clever usage is 'trick of the trade' in deep learning.",
  does = "A deep sigmoid net that does not learn; the same net with its layers inside highway gates (their bias at -3, as the paper advises for depth), or with shortcuts. Nothing "
    .. "else is changed.",
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 },
    seeds = { 5, small = 2, min = 1 },
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
    local r, chance = cure.compare {
      { "highway gates", stack(function() return nn.Highway(cure.width, { activation = nn.Sigmoid(), gate_bias = -3 }) end) },
      { "shortcuts", stack(function() return nn.Residual(nn.Linear(cure.width, cure.width), nn.Sigmoid()) end) },
    }
    L.check(r[2].ratio > 100 * r[1].ratio and r[3].ratio > 100 * r[1].ratio, "gates and shortcuts carry the gradient")
    L.check(math.max(r[2].accuracy, r[3].accuracy) > chance + 0.15, "and with them the net learns")
    L.finding("a %d-layer sigmoid net stays at %.0f%% (chance %.0f%%); with highway gates it reaches %.0f%%, with shortcuts %.0f%%: the "
      .. "gradient's ratio rises from %.0e to %.2g and %.2g", cure.depth, 100 * r[1].accuracy, 100 * chance, 100 * r[2].accuracy,
      100 * r[3].accuracy, r[1].ratio, r[2].ratio, r[3].ratio)
  end,
}
