-- Cures for the vanishing gradient, one alone: weight initialization.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "18_cure_initialization",
  title = "Cure 4: weight initialization", slide = "How to solve the vanishing gradient problem", tools = "nn.init",
  source = "Glorot & Bengio 2010; He et al. 2015; Saxe et al. 2014",
  says = "Clever weight initialization.",
  does = "Tanh and ReLU nets of the same depth with small random weights (variance 0.01), PyTorch's default, and the "
    .. "schemes that keep "
    .. "variances: only the initial weights differ.",
  asks = {
    { "N(0, 0.01) has deviation 0.1. For which width is that the right size for tanh?", "k Var(W) = 1 at k = 100 inputs; with "
      .. "32 it is 0.32, and 0.32^20 is 10^-10" },
    { "So what does 'N(0, 0.01) works' depend on?", "on the width: script 24 shows the same weights at width 64" },
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
      { "tanh, N(0, 0.01)", with("Tanh", "small_normal") }, { "tanh, default", with("Tanh", "default_linear") },
        { "tanh, Glorot", with("Tanh", "glorot_normal") },
      { "tanh, orthogonal", with("Tanh", "orthogonal") }, { "ReLU, N(0, 0.01)", with("ReLU", "small_normal") },
        { "ReLU, default", with("ReLU", "default_linear") },
      { "ReLU, He", with("ReLU", "he_normal") },
    }
    L.expect(cure.carries(r, "tanh, Glorot", "tanh, N(0, 0.01)"), "higher")
    L.expect(cure.carries(r, "ReLU, He", "ReLU, N(0, 0.01)"), "higher")
    local glorot, orthogonal = cure.gain(r, "tanh, Glorot", "tanh, N(0, 0.01)"), cure.gain(r, "tanh, orthogonal", "tanh, Glorot")
    local he, default = cure.gain(r, "ReLU, He", "ReLU, N(0, 0.01)"), cure.gain(r, "tanh, Glorot", "tanh, default")
    L.expect(glorot, "higher")
    L.expect(he, "higher")
    L.finding("with weights from N(0, 0.01), k Var(W) = %.2f, a %d-layer tanh net reaches %.0f%% (chance %.0f%%); Glorot's are "
      .. "%s (and %s than PyTorch's default), orthogonal ones %s than Glorot's; for a ReLU net "
      .. "He's are %s than N(0, 0.01)", p.width * 0.01, cure.depth, 100 * L.mean(r["tanh, N(0, 0.01)"]), 100 * cure.chance,
      tostring(glorot), tostring(default), tostring(orthogonal), tostring(he))
  end,
}
