-- Saturation: the derivative dies where the activation is flat, and the signal drowns in noise.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "14_saturation_and_noise",
  title = "Saturation, and the signal in the noise", slide = "Activation functions = the main culprits / Vanishing Gradient",
  tools = "nn.diagnose", source = "Hochreiter 1991",
  says = "In the saturation regions of the activation functions the gradients are close to zero. Gradient signal gets lost in "
    .. "the noise.",
  does = "A tanh net with weights scaled from too small to too large: the share of saturated units, the gradient at the first "
    .. "layer, and the signal of the gradient over its noise between mini-batches, before and after training.",
  run = function()
    local d = nn.data.teacher { n = L.size(4096, 1024), features = 16, outputs = 4, classes = true, seed = 2 }
    local loader = d:loader { batch_size = 64, shuffle = true }
    local ce = nn.CrossEntropyLoss()
    local rows, saturated, gradient, scales = {}, {}, {}, { 0.3, 1, 3, 10 }
    for i, scale in ipairs(scales) do
      nn.manual_seed(1)
      local net = L.mlp({ 16, 32, 32, 32, 32, 32, 4 }, { act = nn.Tanh, init = "lecun_normal" })
      nn.no_grad(function()
        for k = 1, #net - 1 do
          if net[k].weight then
            net[k].weight:mul_(scale)
          end
        end
      end)
      local r = nn.diagnose(net, loader, ce, { batches = 16, jacobian = false })
      saturated[i], gradient[i] = r.layers[10].saturated, r.layers[1].grad_rms / r.layers[9].grad_rms
      local first, last = r.parameters[1], r.parameters[#r.parameters - 1]
      local loss0 = r.loss
      local run = L.fit(net, d, { optimizer = nn.optim.SGD(net:parameters(), { lr = 0.05, momentum = 0.9 }), epochs = L.size(10, 4) })
      rows[i] = { scale, ("%.0f%%"):format(100 * saturated[i]), gradient[i], first.signal_to_noise, last.signal_to_noise, loss0,
        run.history[#run.history].loss }
    end
    L.table({ "weights x", "saturated", "gradient first / last layer", "signal/noise, first", "signal/noise, last", "loss before", "after" },
      rows)
    local t = nn.linspace(-4, 4, 200)
    L.picture("line", { { x = t, y = nn.tanh(t), label = "tanh" }, { x = t, y = 1 - nn.tanh(t):square(), label = "its derivative" } },
      { title = "The derivative is close to 0 in the saturation regions", key = "top left" })
    L.check(saturated[4] > 0.6 and saturated[2] < 0.1, "weights ten times too large saturate most units, right ones few")
    L.check(gradient[1] < 0.05, "weights that are too small make the gradient vanish, too: 0.3^4 = 0.008 over four layers")
    L.finding("with weights of the right size %.0f%% of the units are saturated, with ten times larger ones %.0f%%; the training loss then ends "
      .. "at %.2f and %.2f", 100 * saturated[2], 100 * saturated[4], rows[2][7], rows[4][7])
  end,
}
