-- Cures for the vanishing gradient, one alone: the activation function.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "17_cure_activation",
  title = "Cure 3: activation functions", slide = "How to solve the vanishing gradient problem",
    tools = "nn.ReLU, nn.ELU, nn.SELU",
  source = "Nair & Hinton 2010; Clevert et al. 2015; Klambauer et al. 2017",
  says = "Activation functions which avoid vanishing gradient.",
  does = "The same sick net with other activations, twice: with Glorot's initial weights for all, the sigmoid net included, so "
    .. "that only the activation differs; and each of the ReLU kind "
    .. "with He's, which are made for it.",
  asks = {
    { "With Glorot's weights ReLU does worse than tanh. Why?", "they keep tanh's variance; ReLU loses half of it in each "
      .. "layer, 2^-20 over the net" },
    { "And with its own weights?", "He's rows: then the factor is 1 again (script 13)" },
  },
  seeds = { 6, small = 2 },
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 }, width = { 32, min = 2 }, lr = { 0.01,
      doc = "of SGD with momentum 0.9", min = 0.0 },
    epochs = { 15, small = 5, min = 1 },
  },
  run = function(p)
    local cure = assert(loadfile(here .. "cure.lua"))(L, p)
    local function with(act, init)
      return function()
        return cure.patient { act = nn[act], init = init }
      end
    end
    local r = cure.compare {
      { "sigmoid, Glorot", with("Sigmoid", "glorot_normal") }, { "tanh, Glorot", with("Tanh", "glorot_normal") },
        { "ReLU, Glorot", with("ReLU", "glorot_normal") },
      { "ReLU, He", with("ReLU", "he_normal") }, { "ELU, Glorot", with("ELU", "glorot_normal") }, { "ELU, He",
        with("ELU", "he_normal") },
      { "SELU, Glorot", with("SELU", "glorot_normal") }, { "sigmoid, He", with("Sigmoid", "he_normal") },
    }
    local relu, tanh, own = cure.gain(r, "ReLU, He"), cure.gain(r, "tanh, Glorot"), cure.gain(r, "ReLU, He", "ReLU, Glorot")
    local against = cure.gain(r, "ReLU, He", "tanh, Glorot")
    L.check(L.mean(r["sigmoid, Glorot"]) < cure.chance + 0.1
      and L.mean(r["sigmoid, He"]) < cure.chance + 0.1, "neither Glorot's nor He's weights alone save sigmoid units")
    L.expect(relu, "higher")
    L.expect(tanh, "higher")
    L.expect(cure.carries(r, "ReLU, He", "ReLU, Glorot"), "higher")
    L.finding("a %d-layer net of sigmoids stays at %.0f%% (chance %.0f%%) with any of these weights; tanh with Glorot's is %s, "
      .. "ReLU with He's %s. ReLU with its own weights is %s than with Glorot's, and %s than tanh",
      cure.depth, 100 * L.mean(r["sigmoid, Glorot"]), 100 * cure.chance, tostring(tanh), tostring(relu), tostring(own),
        tostring(against))
  end,
}
