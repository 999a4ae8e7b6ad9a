-- Cures for the vanishing gradient, one alone: normalization.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "16_cure_normalization",
  title = "Cure 2: normalization", slide = "How to solve the vanishing gradient problem",
  tools = "nn.BatchNorm1d, nn.LayerNorm, nn.WeightNorm", source = "Ioffe & Szegedy 2015; Ba et al. 2016; Salimans & Kingma 2016",
  says = "Normalization: distorts gradient, increases noise. Batch normalization, layer normalization, weight normalization.",
  does = "The same sick net with batch norm, layer norm or weight norm (with lengths of 4, which sigmoid's slope of 1/4 calls "
    .. "for) and nothing else.",
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 },
    seeds = { 5, small = 2, min = 1 },
    epochs = { 15, small = 5, min = 1 },
  },
  run = function(p)
    local cure = assert(loadfile(here .. "cure.lua"))(L, p)
    local function weight_normed()
      local net = nn.Sequential()
      local s = cure.sizes()
      for i = 1, #s - 1 do
        local layer = nn.WeightNorm(nn.Linear(s[i], s[i + 1]))
        if i < #s - 1 then
          nn.init.constant_(layer.weight_g, 4)
        end
        net:add(layer)
        if i < #s - 1 then
          net:add(nn.Sigmoid())
        end
      end
      return net
    end
    local function normed(layer)
      return function()
        return cure.patient { act = nn.Sigmoid, before = function(_, n) return layer(n) end }
      end
    end
    local r, chance = cure.compare { { "batch norm", normed(nn.BatchNorm1d) }, { "layer norm", normed(nn.LayerNorm) } }
    local wn_ratio = cure.measure(weight_normed)[1]
    L.say("Weight norm with lengths of 4: gradient first / last %.2g.", wn_ratio)
    L.check(r[2].accuracy > chance + 0.1 and r[2].ratio > 100 * r[1].ratio, "batch norm carries the gradient and the net learns")
    L.check(wn_ratio > 10 * r[1].ratio, "weight norm with larger lengths carries more gradient")
    L.finding("a %d-layer sigmoid net stays at %.0f%% (chance %.0f%%); batch norm brings it to %.0f%%, layer norm to %.0f%%; the gradient's "
      .. "ratio rises from %.0e to %.2g and %.2g, with weight norm to %.2g", cure.depth, 100 * r[1].accuracy, 100 * chance,
      100 * r[2].accuracy, 100 * r[3].accuracy, r[1].ratio, r[2].ratio, r[3].ratio, wn_ratio)
  end,
}
