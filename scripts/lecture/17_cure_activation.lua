-- Cures for the vanishing gradient, one alone: the activation function.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "17_cure_activation",
  title = "Cure 3: activation functions", slide = "How to solve the vanishing gradient problem", tools = "nn.ReLU, nn.ELU, nn.SELU",
  says = "Activation functions which avoid vanishing gradient.",
  does = "The same sick net with other activations; initialization by Glorot's rule for all, the sigmoid net included, so that "
    .. "only the activation differs.",
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 },
    seeds = { 5, small = 2, min = 1 },
    epochs = { 15, small = 5, min = 1 },
  },
  run = function(p)
    local cure = assert(loadfile(here .. "cure.lua"))(L, p)
    local function with(act)
      return function()
        return cure.patient { act = nn[act], init = "glorot_normal" }
      end
    end
    local r, chance = cure.compare {
      { "sigmoid, Glorot", with "Sigmoid" }, { "tanh, Glorot", with "Tanh" }, { "ReLU, Glorot", with "ReLU" },
      { "ELU, Glorot", with "ELU" }, { "SELU, Glorot", with "SELU" },
    }
    L.check(r[2].accuracy < chance + 0.1, "Glorot's weights alone do not save sigmoid units")
    L.check(math.max(r[3].accuracy, r[5].accuracy, r[6].accuracy) > chance + 0.15, "another activation does")
    L.finding("with the same initial weights a %d-layer net reaches %.0f%% with sigmoid (chance %.0f%%), %.0f%% with tanh, %.0f%% with ReLU, "
      .. "%.0f%% with ELU and %.0f%% with SELU", cure.depth, 100 * r[2].accuracy, 100 * chance, 100 * r[3].accuracy, 100 * r[4].accuracy,
      100 * r[5].accuracy, 100 * r[6].accuracy)
  end,
}
