-- ELU against ReLU: mean activations near 0, and faster learning?
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "21_elu_against_relu",
  title = "ELU against ReLU", slide = "Example: ReLUs and ELUs", tools = "nn.ELU, nn.ReLU, nn.LeakyReLU",
    source = "Clevert, Unterthiner & Hochreiter 2015, figure 3",
  says = "Exponential linear unit, by Clevert, Unterthiner, Hochreiter in 2015.",
  does = "Their experiment in kind: deep narrow nets on Fashion-MNIST instead of MNIST (they: 8 layers of 128 units, SGD with "
    .. "rate 0.01), with ReLU, leaky ReLU "
    .. "and ELU: the mean activation of the hidden units and the training loss over time. Each activation at three learning "
    .. "rates, and compared at the best of each as well as at the paper's.",
  asks = {
    { "ReLU's outputs are never negative. What does that do to the next layer's inputs?", "their mean is not 0; the bias shift "
      .. "that ELU was made against" },
    { "The paper compares at one learning rate. Is that fair?", "only if the best rate is the same for both: see the table" },
  },
  seeds = { 6, small = 2 },
  params = {
    n = { 3000, small = 800, doc = "training images", min = 64 }, epochs = { 6, small = 3, min = 1 }, layers = { 8, min = 2 },
      width = { 96, small = 32, min = 2 },
    rates = { { 0.003, 0.01, 0.03, 0.05 }, doc = "learning rates of SGD" },
  },
  run = function(p)
    local kinds, curves = { "ReLU", "LeakyReLU", "ELU" }, {}
    local rates = L.size(p.rates, { 0.03 })
    local middle = rates[(#rates + 1) // 2]
    local r = L.over(p, function(seed)
      local train = L.images(seed, p.n)
      local out = {}
      for _, kind in ipairs(kinds) do
        for _, lr in ipairs(rates) do
          nn.manual_seed(seed)
          local sizes = { 784 }
          for i = 1, p.layers do
            sizes[i + 1] = p.width
          end
          sizes[#sizes + 1] = 10
          local net = L.mlp(sizes, { act = nn[kind], init = "he_normal" })
          local run = L.fit(net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = lr }), epochs = p.epochs })
          out[("%s %g"):format(kind, lr)] = run.history[p.epochs].loss
          if lr == middle then
            curves[kind] = curves[kind] or {}
            table.insert(curves[kind], L.history(run, "loss"))
            local h, total, count = train.x[{ { 1, 500 } }], 0, 0
            nn.no_grad(function()
              for i = 1, #net - 1 do
                h = net[i](h)
                if i % 2 == 0 then
                  total, count = total + h:mean(1):abs():mean():item(), count + 1
                end
              end
            end)
            out[kind .. " mean"] = total / count
          end
        end
      end
      return out
    end)
    local rows, columns, best = {}, { "activation", "mean |mean activation|" }, {}
    for _, lr in ipairs(rates) do
      columns[#columns + 1] = ("loss, rate %g"):format(lr)
    end
    local series = {}
    for k, kind in ipairs(kinds) do
      rows[k] = { kind, L.pm(r[kind .. " mean"]) }
      for _, lr in ipairs(rates) do
        local list = r[("%s %g"):format(kind, lr)]
        table.insert(rows[k], L.pm(list))
        if not best[kind] or L.mean(list) < L.mean(r[("%s %g"):format(kind, best[kind])]) then
          best[kind] = lr
        end
      end
      series[k] = L.band(curves[kind], { label = kind })
    end
    L.table(columns, rows, ("Training loss after %d epochs:"):format(p.epochs))
    L.picture("line", series, { title = ("Training loss at the rate %g (bands: one deviation)"):format(middle),
      xlabel = "epoch", ylabel = "loss" })
    local function at(lr, other)
      return L.compare(("loss: ELU (rate %g) over ReLU (rate %g)"):format(lr, other or lr), r[("ELU %g"):format(lr)],
        r[("ReLU %g"):format(other or lr)])
    end
    local paper, fair = at(middle), at(best.ELU, best.ReLU)
    local mean = L.compare("|mean activation|: ELU over ReLU", r["ELU mean"], r["ReLU mean"])
    L.expect(mean, "lower")
    L.expect(paper, "lower")
    L.say("Agreement with the paper: ELU's mean activations are nearer to 0, and at the middle rate its loss is %s. At the "
      .. "best rate of each (ELU %g, ReLU %g) it is %s.", tostring(paper), best.ELU, best.ReLU, tostring(fair))
    L.finding("in %d-layer nets the mean activation of a unit is %.2f away from 0 with ReLU and %.2f with ELU; after %d epochs "
      .. "ELU's training loss is %s than ReLU's at the rate %g, and %s at the best rate of each",
      p.layers, L.mean(r["ReLU mean"]), L.mean(r["ELU mean"]), p.epochs, tostring(paper), middle, tostring(fair))
  end,
}
