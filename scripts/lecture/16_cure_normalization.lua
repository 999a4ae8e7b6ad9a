-- Cures for the vanishing gradient, one alone: normalization.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "16_cure_normalization",
  title = "Cure 2: normalization", slide = "How to solve the vanishing gradient problem",
  tools = "nn.BatchNorm1d, nn.LayerNorm, nn.WeightNorm", source = "Ioffe & Szegedy 2015; Ba et al. 2016; Salimans & Kingma 2016",
  says = "Normalization: distorts gradient, increases noise. Batch normalization, layer normalization, weight normalization.",
  does = "The same sick net with batch norm, layer norm, or weight norm, and nothing else. Weight norm twice: with rows of "
    .. "length 1, as it begins, and of length 4, which sigmoid's slope of 1/4 "
    .. "calls for; and, as the control, plain weights of that length without any norm. Then the slide's 'increases noise' and "
    .. "'distorts gradient' are measured: how much the gradient of 16 samples "
    .. "changes with the 48 others in their batch, and the angle by which a norm turns the gradient that comes into it.",
  wrong = "'Distorts gradient, increases noise' is said of normalization, but noise is batch normalization's alone: layer and "
    .. "weight norm treat each sample by itself.",
  asks = {
    { "Which of the three lets a sample's gradient depend on the others in its batch?", "batch norm only" },
    { "Weight norm with rows of length 4 makes the gradient's ratio a hundred million times larger. Does "
      .. "the net train?", "no: 10^-4 is not enough over 20 layers; and plain weights of that length have the same ratio" },
  },
  seeds = { 6, small = 2 },
  params = {
    depth = { 20, small = 12, doc = "hidden layers", min = 2 }, width = { 32, min = 2 }, lr = { 0.01,
      doc = "of SGD with momentum 0.9", min = 0.0 },
    epochs = { 15, small = 5, min = 1 },
  },
  run = function(p)
    local cure = assert(loadfile(here .. "cure.lua"))(L, p)
    local function weight_normed(length, norm)
      return function()
        local net, s = nn.Sequential(), cure.sizes()
        for i = 1, #s - 1 do
          local layer = nn.WeightNorm(nn.Linear(s[i], s[i + 1]))
          if i < #s - 1 then
            nn.init.constant_(layer.weight_g, length)
          end
          if not norm then -- the same first weights, without the norm
            local plain = nn.Linear(s[i], s[i + 1])
            nn.no_grad(function()
              local v = layer.weight_v
              plain.weight:copy_(v / v:norm(2, 2, true) * layer.weight_g:reshape(-1, 1))
            end)
            layer = plain
          end
          net:add(layer)
          if i < #s - 1 then
            net:add(nn.Sigmoid())
          end
        end
        return net
      end
    end
    local function normed(layer)
      return function()
        return cure.patient { act = nn.Sigmoid, before = function(_, n) return layer(n) end }
      end
    end
    local r = cure.compare {
      { "batch norm", normed(nn.BatchNorm1d) }, { "layer norm", normed(nn.LayerNorm) }, { "weight norm, rows of 1",
        weight_normed(1, true) },
      { "weight norm, rows of 4", weight_normed(4, true) }, { "plain weights, rows of 4", weight_normed(4, false) },
    }

    -- what a norm does to the gradient: a net of two hidden layers, so that nothing has vanished yet
    local makers = { ["batch norm"] = nn.BatchNorm1d, ["layer norm"] = nn.LayerNorm, none = false }
    local noise = L.over(p, function(seed)
      local d = nn.data.teacher { n = 2000, features = 16, outputs = 4, classes = true, seed = seed }
      local ce, out = nn.CrossEntropyLoss(), {}
      for name, maker in pairs(makers) do
        nn.manual_seed(seed)
        local net = L.mlp({ 16, 32, 32, 4 }, { act = nn.Sigmoid, init = "glorot_normal", before = maker and function(_,
          n) return maker(n) end or nil })
        local gradients = {}
        for k = 1, 20 do -- the same 16 samples in 20 batches
          local from = 16 + 48 * k
          local x = nn.cat({ d.x[{ { 1, 16 } }], d.x[{ { from + 1, from + 48 } }] }, 1)
          gradients[k] = nn.grad(ce(net(x)[{ { 1, 16 } }], d.y[{ { 1, 16 } }]), { net[1].weight })[1]
        end
        local all = nn.stack(gradients, 1)
        local mean = all:mean(1)
        out[name .. " noise"] = ((all - mean:unsqueeze(1)):square():sum() / 20):sqrt():item() / mean:norm():item()
        if maker then -- the gradient before and behind the first norm
          local x, y = d.x[{ { 1, 64 } }], d.y[{ { 1, 64 } }]
          local into = net[1](x)
          local from = net[2](into)
          local h = from
          for i = 3, #net do
            h = net[i](h)
          end
          local g = nn.grad(ce(h, y), { into, from })
          out[name .. " angle"] = math.deg(math.acos((g[1] * g[2]):sum():item() / (g[1]:norm():item() * g[2]:norm():item())))
        end
      end
      return out
    end, "noise_")
    L.table({ "", "gradient of 16 samples changes with their batch by", "angle between the gradients behind and "
      .. "before the norm" }, {
      { "none", L.percent(noise["none noise"]), "" }, { "batch norm", L.percent(noise["batch norm noise"]),
        L.pm(noise["batch norm angle"], 0) .. " degrees" },
      { "layer norm", L.percent(noise["layer norm noise"]), L.pm(noise["layer norm angle"], 0) .. " degrees" },
    }, "'Increases noise' and 'distorts gradient':")
    local batch, layer, weight = cure.gain(r, "batch norm"), cure.gain(r, "layer norm"), cure.gain(r, "weight norm, rows of 4")
    local norm_alone = cure.gain(r, "weight norm, rows of 4", "plain weights, rows of 4")
    L.expect(cure.carries(r, "batch norm"), "higher")
    L.expect(cure.carries(r, "layer norm"), "higher")
    L.expect(cure.carries(r, "weight norm, rows of 4", "weight norm, rows of 1"), "higher")
    L.expect(batch, "higher")
    L.check(L.mean(noise["batch norm noise"]) > 0.02
      and L.mean(noise["layer norm noise"]) < 1e-5, "only batch norm lets a gradient depend on the rest of the batch")
    L.finding("a %d-layer sigmoid net stays at %.0f%% (chance %.0f%%); with batch norm it is %s, with layer norm %s, with "
      .. "weight norm of length 4 %s, against plain weights of that length: %s; the "
      .. "gradient of a sample changes with its batch by %.0f%% with batch norm and not at all with layer norm", cure.depth,
      100 * L.mean(r["the patient: sigmoid"]), 100 * cure.chance,
      tostring(batch), tostring(layer), tostring(weight), tostring(norm_alone), 100 * L.mean(noise["batch norm noise"]))
  end,
}
