-- Saturation: where it makes gradients vanish, where it does not, and the signal in the noise.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "14_saturation_and_noise",
  title = "Saturation, and the signal in the noise", slide = "Activation functions = the main culprits / Vanishing Gradient",
  tools = "nn.diagnose, nn.theory.mean_field", source = "Hochreiter 1991; Schoenholz et al. 2017",
  says = "In the saturation regions of the activation functions the gradients are close to zero. Gradient signal gets lost in "
    .. "the noise.",
  does = "Tanh nets are driven into saturation in two ways: by larger weights, and by biases of +b or -b at weights of the "
    .. "right size. For both, the share of "
    .. "saturated units and the factor by which the gradient is multiplied in each layer. Then both kinds are trained, and the "
    .. "gradient's signal over "
    .. "its noise between mini-batches is measured before and after.",
  wrong = "Saturation alone does not make gradients vanish. The factor of a layer is |W| times tanh', and where larger weights "
    .. "saturate, |W| grows faster than tanh' falls: "
    .. "E[tanh'^2] is of the order of 1/|W|, so the squared factor |W|^2 E[tanh'^2] grows like |W|. The gradient explodes. It "
    .. "vanishes where units saturate at a fixed size of the weights: by biases, "
    .. "by inputs far from 0, by means that sigmoid units pass on.",
  asks = {
    { "Multiply all weights of a tanh net by 10. Does the first layer's gradient "
      .. "shrink or grow?", "it grows: the weights' factor of 10 in each layer outweighs the flat tanh" },
    { "How must units be saturated so that the gradient does vanish?", "without larger weights: by biases or inputs far from 0" },
  },
  seeds = { 10, small = 3 },
  params = {
    depth = { 10, small = 6, doc = "hidden layers", min = 3 }, width = { 64, small = 32, min = 2 }, lr = { 0.05,
      doc = "of SGD with momentum 0.9", min = 0.0 },
    epochs = { 8, small = 3, min = 1 },
  },
  run = function(p)
    local depth, width = p.depth, p.width
    local function build(scale, shift)
      local sizes = { 16 }
      for i = 1, depth do
        sizes[i + 1] = width
      end
      sizes[#sizes + 1] = 4
      local net = L.mlp(sizes, { act = nn.Tanh, init = "lecun_normal" })
      nn.no_grad(function()
        for k = 1, #net - 1, 2 do
          net[k].weight:mul_(scale)
          net[k].bias:copy_((nn.rand(width):ge(0.5):to "float32" * 2 - 1) * shift)
        end
      end)
      return net
    end
    local function measure(net, x, y)
      local saturated, h = {}, x
      nn.no_grad(function()
        for i = 1, #net - 1 do
          h = net[i](h)
          if i % 2 == 0 then
            saturated[#saturated + 1] = (1 - h:square()):lt(0.1):to("float32"):mean():item()
          end
        end
      end)
      local g = L.layer_gradients(net, x, y)
      return L.mean(saturated), (g[1] / g[depth]) ^ (1 / (depth - 1))
    end
    local function data(seed, n)
      return nn.data.teacher { n = n, features = 16, outputs = 4, classes = true, seed = seed }
    end
    local ways = {
      { "weights x", L.size({ 0.5, 1, 2, 3, 5, 10 }, { 1, 3, 10 }), function(v) return build(v, 0) end },
      { "biases +-", L.size({ 0, 0.5, 1, 1.5, 2, 3 }, { 0, 1, 3 }), function(v) return build(1, v) end },
    }
    local rows, series, factors, shares = {}, {}, {}, {}
    for k, way in ipairs(ways) do
      series[k] = { x = {}, y = {}, label = k == 1 and "larger weights" or "biases, weights as they are", style = "linespoints" }
      factors[k], shares[k] = {}, {}
      for i, v in ipairs(way[2]) do
        local r = L.over(p, function(seed)
          local d = data(seed, 256)
          nn.manual_seed(seed)
          local share, factor = measure(way[3](v), d.x, d.y)
          return { saturated = share, factor = factor }
        end, ("%s_%g_"):format(k == 1 and "weights" or "biases", v))
        factors[k][i], shares[k][i] = r.factor, r.saturated
        local chi
        if k == 1 then
          chi = math.sqrt(nn.theory.mean_field(nn.tanh, { sigma_w = v, sigma_b = 0 }).chi_1)
        end
        rows[#rows + 1] = { ("%s %g"):format(way[1], v), L.percent(r.saturated, 0), L.pm(r.factor, 2), chi or "" }
        series[k].x[i], series[k].y[i] = L.mean(r.saturated), L.mean(r.factor)
      end
    end
    L.table({ "", "units saturated", "gradient's factor a layer", "mean-field theory" }, rows, ("%d hidden layers of %d tanh "
      .. "units (saturated: the slope is below 0.1):"):format(depth, width))
    L.picture("line", series, { title = "The same saturation, the opposite effect", xlabel = "share of saturated units",
      ylabel = "gradient's factor from layer to layer", log = "y",
      hline = { 1, "neither vanishes nor explodes" }, key = "bottom left" })
    local last = #ways[1][2]
    L.check(L.mean(shares[1][last]) > 0.5 and L.mean(shares[2][last]) > 0.5, "both ways saturate more than half of the units")
    local by_weights = L.compare("factor a layer: largest weights over weights x 1", factors[1][last], factors[1][L.size(2,
      1)], { ratio = true })
    local by_biases = L.compare("factor a layer: largest biases over none", factors[2][last], factors[2][1], { ratio = true })
    L.expect(by_weights, "higher")
    L.expect(by_biases, "lower")

    -- signal and noise, before and after training
    local kinds = { { "as it should be", 1, 0 }, { "weights x 5", 5, 0 }, { "biases +-2", 1, 2 } }
    local noise_rows, loss, signal = {}, {}, {}
    for _, kind in ipairs(kinds) do
      local r = L.over(p, function(seed)
        local d = data(seed, L.size(2048, 512))
        nn.manual_seed(seed)
        local net = build(kind[2], kind[3])
        local loader, ce = d:loader { batch_size = 64, shuffle = true }, nn.CrossEntropyLoss()
        local function ratio()
          return nn.diagnose(net, loader, ce, { batches = 16, jacobian = false, samples = 0 }).parameters[1].signal_to_noise
        end
        local out = { before = ratio() }
        local run = L.fit(net, d, { optimizer = nn.optim.SGD(net:parameters(), { lr = p.lr, momentum = 0.9 }),
          epochs = p.epochs })
        out.after, out.loss = ratio(), run.history[#run.history].loss
        return out
      end, kind[1]:gsub("%W+", "_") .. "_")
      loss[kind[1]] = r.loss
      signal[#signal + 1] = r.before
      noise_rows[#noise_rows + 1] = { kind[1], L.pm(r.before, 2), L.pm(r.after, 2), L.pm(r.loss, 2) }
    end
    L.table({ "net", "signal / noise, first layer: before training", "after", "training loss after" }, noise_rows)
    local t = nn.linspace(-4, 4, 200)
    L.picture("line", { { x = t, y = nn.tanh(t), label = "tanh" }, { x = t, y = 1 - nn.tanh(t):square(),
      label = "its derivative" } },
      { title = "The derivative is close to 0 in the saturation regions", key = "top left" })
    L.expect(L.compare("training loss: weights x 5 over as it should be", loss["weights x 5"], loss["as it should be"]), "higher")
    L.expect(L.compare("signal / noise before training: weights x 5 over as it should be", signal[2],
      signal[1]), "lower")
    local slow = L.compare("training loss: biases +-2 over as it should be", loss["biases +-2"], loss["as it should be"])
    L.expect(slow, "higher")
    L.finding("with weights ten times larger %.0f%% of the units are saturated and the gradient's factor a layer is %.2f: it "
      .. "explodes; with biases of +-3 %.0f%% are, and the factor is %.2f: it vanishes. Noise drowns the signal of the "
      .. "exploding net (signal / noise %.2f for %.2f), not that of the vanishing one (%.2f)",
      100 * L.mean(shares[1][last]), L.mean(factors[1][last]), 100 * L.mean(shares[2][last]), L.mean(factors[2][last]),
        L.mean(signal[2]), L.mean(signal[1]),
      L.mean(signal[3]))
  end,
}
