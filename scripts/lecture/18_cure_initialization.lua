-- Cures for the vanishing gradient, one alone: weight initialization.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "18_cure_initialization",
  title = "Cure 4: weight initialization", slide = "How to solve the vanishing gradient problem", tools = "nn.init",
  says = "Clever weight initialization.",
  does = "Tanh and ReLU nets of the same depth with small random weights (variance 0.01), PyTorch's default, and the schemes that keep "
    .. "variances: only the initial weights differ.",
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 },
    seeds = { 5, small = 2, min = 1 },
    epochs = { 15, small = 5, min = 1 },
  },
  run = function(p)
    local cure = assert(loadfile(here .. "cure.lua"))(L, p)
    local function with(act, init)
      return function()
        return cure.patient { act = nn[act], init = init }
      end
    end
    local r, chance = cure.compare {
      { "tanh, N(0, 0.01)", with("Tanh", "small_normal") }, { "tanh, Glorot", with("Tanh", "glorot_normal") },
      { "tanh, orthogonal", with("Tanh", "orthogonal") }, { "ReLU, N(0, 0.01)", with("ReLU", "small_normal") },
      { "ReLU, He", with("ReLU", "he_normal") },
    }
    L.check(r[3].ratio > 10 * r[2].ratio and r[6].ratio > 10 * r[5].ratio, "the schemes keep the gradient, small weights lose it")
    L.check(math.max(r[3].accuracy, r[4].accuracy) > r[2].accuracy + 0.1, "and so the tanh net learns")
    L.finding("with weights from N(0, 0.01) a %d-layer tanh net reaches %.0f%% (chance %.0f%%), with Glorot's %.0f%%, orthogonal %.0f%%; a ReLU net "
      .. "%.0f%% against %.0f%% with He's", cure.depth, 100 * r[2].accuracy, 100 * chance, 100 * r[3].accuracy, 100 * r[4].accuracy,
      100 * r[5].accuracy, 100 * r[6].accuracy)
  end,
}
