-- Dropout: no unit can rely on others.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "28_dropout",
  title = "Dropout", slide = "Dropout", tools = "nn.Dropout", source = "Srivastava et al. 2014, figures 4 and 7",
  says = "Randomly drop out units during training. No unit can rely on the presence of other units for their work. Typical "
    .. "dropout rates: 0.5 for hidden and 0.2 for input units. Need to force units to prevent co-adaptation.",
  does = "Their experiments in kind on Fashion-MNIST with few training images: test error and test loss with and without "
    .. "dropout on inputs and hidden units; and co-adaptation, measured as how much the loss rises "
    .. "when a random half of the first hidden units is silenced (the rest doubled; mean of ten masks), and as the mean "
    .. "correlation between units.",
  asks = {
    { "Dropout of 0.5 on 256 hidden units: how many nets are trained at once?", "2^256, which share their weights" },
    { "Is the training accuracy higher or lower with dropout?", "lower for as many epochs: the net is handicapped "
      .. "while it trains" },
  },
  seeds = { 12, small = 2 },
  params = {
    n = { 800, small = 400, doc = "training images", min = 64 }, epochs = { 16, small = 6, min = 1 }, width = { 256,
      small = 64, min = 2 }, hidden = { 0.5, doc = "rate for hidden units", min = 0.0, max = 0.95 },
    input = { 0.2, doc = "rate for inputs", min = 0.0, max = 0.95 },
  },
  run = function(p)
    local width = p.width
    local rates = { { 0.0, 0.0 }, { p.input, 0.0 }, { 0.0, p.hidden }, { p.input, p.hidden } }
    local curves, rows, series, names = {}, {}, {}, {}
    local r = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, L.size(3000, 800))
      local out = {}
      for k, rate in ipairs(rates) do
        nn.manual_seed(seed)
        local net = nn.Sequential(nn.Dropout(rate[1]), nn.Linear(784, width), nn.ReLU(), nn.Dropout(rate[2]), nn.Linear(width,
          width), nn.ReLU(), nn.Dropout(rate[2]), nn.Linear(width, 10))
        local run = L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = p.epochs,
          valid = test })
        curves[k] = curves[k] or {}
        table.insert(curves[k], L.history(run, "valid_loss"))
        net:eval()
        local last = run.history[p.epochs]
        out["error" .. k], out["loss" .. k], out["train" .. k] = 1 - last.valid_accuracy, last.valid_loss, L.accuracy(net, train)
        nn.no_grad(function()
          local x, y = test.x[{ { 1, 500 } }], test.y[{ { 1, 500 } }]
          local h = net[3](net[2](x))
          local ce = nn.CrossEntropyLoss()
          local whole, silenced = ce(net[8](net[6](net[5](h))), y):item(), 0
          for _ = 1, 10 do
            local mask = nn.rand(1, width):ge(0.5):to "float32" * 2
            silenced = silenced + ce(net[8](net[6](net[5](h * mask))), y):item() / 10
          end
          out["silenced" .. k] = silenced - whole
          -- mean absolute correlation between units that are ever on
          local z = h - h:mean(1, true)
          local s = z:square():mean(1, true):sqrt()
          local u = (z / (s + 1e-6)):t()[s:squeeze(1):gt(1e-4)]
          local count = #u
          out["correlated" .. k] = ((u:matmul(u:t()) / 500):abs():sum():item() - count) / (count * (count - 1))
        end)
      end
      return out
    end)
    for k, rate in ipairs(rates) do
      rows[k] = { rate[1], rate[2], L.percent(r["train" .. k]), L.percent(r["error" .. k], 2), L.pm(r["loss" .. k], 3),
        L.pm(r["silenced" .. k], 2), L.pm(r["correlated" .. k], 3) }
      names[k] = ("input %g, hidden %g"):format(rate[1], rate[2])
      series[k] = L.band(curves[k], { label = names[k] })
    end
    L.table({ "input rate", "hidden rate", "training accuracy", "test error", "test loss", "loss + with half the units silent", "mean |correlation| of units" }, rows)
    L.picture("line", series, { title = "Test loss by epoch (bands: one deviation)", xlabel = "epoch", ylabel = "loss" })
    local function against(what, list, k, opts)
      return L.compare(what .. ", " .. names[k] .. " over none", r[list .. k], r[list .. 1], opts)
    end
    local err, loss = against("test error", "error", 3, { points = true }), against("test loss", "loss", 3)
    local input = against("test error", "error", 2, { points = true })
    local both = against("test error", "error", 4, { points = true })
    local silent, corr = against("rise of the loss", "silenced", 3), against("correlation", "correlated", 3)
    L.expect(corr, "lower")
    if not L.small then -- so few epochs underfit, and dropout takes away from that
      L.expect(loss, "lower")
      L.expect(silent, "lower")
    end
    L.say("Beside the paper, where the error falls: with hidden dropout the test error is here %s, with input dropout %s, with "
      .. "both %s (they train "
      .. "for much longer, with max-norm).", tostring(err), tostring(input), tostring(both))
    L.finding("on %d images hidden dropout makes the test loss %s, and the test error %s; input dropout of %g makes the error "
      .. "%s; the correlation between units is %s, and silencing half of them raises the loss by %.2f without and %.2f "
      .. "with dropout", p.n,
      tostring(loss), tostring(err), p.input, tostring(input), tostring(corr), L.mean(r.silenced1), L.mean(r.silenced3))
  end,
}
