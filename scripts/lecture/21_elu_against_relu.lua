-- ELU against ReLU: mean activations near 0, and faster learning?
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "21_elu_against_relu",
  title = "ELU against ReLU", slide = "Example: ReLUs and ELUs", tools = "nn.ELU, nn.ReLU", source = "Clevert, Unterthiner & Hochreiter 2015, figure 3",
  says = "Exponential linear unit, by Clevert, Unterthiner, Hochreiter in 2015.",
  does = "Their experiment in kind: deep narrow nets on Fashion-MNIST instead of MNIST (they: 8 layers of 128 units, SGD with rate 0.01), with ReLU, leaky ReLU "
    .. "and ELU, several seeds: the mean activation of the hidden units and the training loss over time.",
  run = function()
    local train = L.images(L.size(10000, 1000), 0, 500)
    local seeds, epochs, layers = L.size(5, 2), L.size(8, 3), 8
    local curves, rows, means, final = {}, {}, {}, {}
    for k, kind in ipairs { "ReLU", "LeakyReLU", "ELU" } do
      local finals, activation, sums = {}, {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local sizes = { 784 }
        for i = 1, layers do
          sizes[i + 1] = L.size(128, 48)
        end
        sizes[#sizes + 1] = 10
        local net = L.mlp(sizes, { act = nn[kind], init = "he_normal" })
        local run = L.fit(net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = L.size(0.01, 0.03) }), epochs = epochs })
        for e, row in ipairs(run.history) do
          sums[e] = (sums[e] or 0) + row.loss / seeds
        end
        finals[seed] = run.history[epochs].loss
        local h, total, count = train.x[{ { 1, 500 } }], 0, 0
        nn.no_grad(function()
          for i = 1, #net - 1 do
            h = net[i](h)
            if i % 2 == 0 then
              total, count = total + h:mean(1):abs():mean():item(), count + 1
            end
          end
        end)
        activation[seed] = total / count
      end
      curves[k] = { y = sums, label = kind }
      means[kind], final[kind] = L.mean(activation), finals
      rows[k] = { kind, L.pm(activation), L.pm(finals) }
    end
    L.table({ "activation", "mean |mean activation| of a unit", "training loss at the end" }, rows)
    L.picture("line", curves, { title = "Training loss (mean of " .. seeds .. " seeds)", xlabel = "epoch", ylabel = "loss" })
    local faster = L.mean(final.ELU) < L.mean(final.ReLU)
    L.say("Agrees with the paper: %s.%s", faster and "the training loss falls faster with ELU" or "nothing about speed",
      faster and "" or " Here ReLU learned as fast or faster, which does not agree with their figure 3.")
    L.say("Their claim on mean activations, that ELUs bring them closer to 0, is measured as the mean over units of |mean activation|: ELU %.3f, ReLU %.3f: %s.",
      means.ELU, means.ReLU, means.ELU < means.ReLU and "it agrees" or "it does not agree here")
    L.check(faster, "ELU's training loss is below ReLU's at the end (mean over the seeds)")
    L.finding("in %d-layer nets the mean activation of a unit is %.2f away from 0 with ReLU and %.2f with ELU; after %d epochs the training loss is %.3f "
      .. "with ReLU and %.3f with ELU", layers, means.ReLU, means.ELU, epochs, L.mean(final.ReLU), L.mean(final.ELU))
  end,
}
