-- Dropout: no unit can rely on others.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "28_dropout",
  title = "Dropout", slide = "Dropout", tools = "nn.Dropout", source = "Srivastava et al. 2014, figures 4 and 7",
  says = "Randomly drop out units during training. No unit can rely on the presence of other units for their work. Typical dropout rates: 0.5 for hidden and 0.2 for input units.",
  does = "Their experiments in kind on Fashion-MNIST with few training images, five seeds: test error with and without dropout; and co-adaptation, measured as how much the loss rises "
    .. "when a random half of the hidden units is silenced (the rest doubled), and as the mean correlation between units.",
  params = {
    n = { 3000, small = 600 },
    seeds = { 5, small = 2 },
    epochs = { 18, small = 10 },
    width = { 512, small = 128 },
  },
  run = function(p)
    local n = p.n
    local train, _, test = L.images(n, 0, L.size(5000, 1000))
    local seeds, epochs, width = p.seeds, p.epochs, p.width
    local rates = { { 0, 0 }, { 0.2, 0 }, { 0, 0.5 }, { 0.2, 0.5 } }
    local rows, errors, fragile, correlated = {}, {}, {}, {}
    local curves = {}
    for k, r in ipairs(rates) do
      local e, f, c, train_acc, curve = {}, {}, {}, {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local net = nn.Sequential(nn.Dropout(r[1]), nn.Linear(784, width), nn.ReLU(), nn.Dropout(r[2]), nn.Linear(width, width), nn.ReLU(), nn.Dropout(r[2]), nn.Linear(width, 10))
        local run = L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = epochs, valid = seed == 1 and test or nil })
        if seed == 1 then
          for i, row in ipairs(run.history) do
            curve[i] = 1 - row.valid_accuracy
          end
        end
        net:eval()
        e[seed], train_acc[seed] = 1 - L.accuracy(net, test), L.accuracy(net, train)
        nn.no_grad(function()
          local x, y = test.x[{ { 1, 500 } }], test.y[{ { 1, 500 } }]
          local h = net[3](net[2](x))
          local ce = nn.CrossEntropyLoss()
          local whole = ce(net[8](net[6](net[5](h))), y):item()
          local mask = nn.rand(1, width):ge(0.5):to "float32" * 2
          f[seed] = ce(net[8](net[6](net[5](h * mask))), y):item() / whole
          -- mean absolute correlation between units that are ever on
          local z = h - h:mean(1, true)
          local s = z:square():mean(1, true):sqrt()
          local on = s:squeeze(1):gt(1e-4)
          local u = (z / (s + 1e-6)):t()[on]
          local m = u:matmul(u:t()) / 500
          local count = #u
          c[seed] = (m:abs():sum():item() - count) / (count * (count - 1))
        end)
      end
      errors[k], fragile[k], correlated[k] = L.mean(e), L.mean(f), L.mean(c)
      rows[k] = { r[1], r[2], L.pm(train_acc), L.pm(e, 4), fragile[k], correlated[k] }
      curves[k] = { y = curve, label = ("input %g, hidden %g"):format(r[1], r[2]) }
    end
    L.table({ "input rate", "hidden rate", "training accuracy", "test error", "loss x with half the units silent", "mean |correlation| of units" }, rows)
    L.picture("line", curves, { title = "Test error by epoch (seed 1)", xlabel = "epoch", ylabel = "error" })
    L.check(correlated[3] < correlated[1], "units trained with dropout are less correlated: they rely less on each other")
    -- test images k: standard error of a paired difference of shares is at most sqrt(0.3 / k)
    L.check(errors[3] < errors[1] + 2 * math.sqrt(0.3 / #test), "dropout's test error is not above plain training's by more than the noise")
    L.say("Agreement with the paper: %s", errors[3] < errors[1] and "test error falls with hidden dropout, as in their figure 4."
      or "the test error did not fall with hidden dropout here, unlike in their figure 4 (they train much longer, with max-norm).")
    L.say("Input dropout of 0.2 %s.", errors[2] < errors[1] and "helps here, too" or "does not help here, unlike in the paper")
    L.finding("on %d images the test error is %.1f%% without dropout, %.1f%% with 0.5 for hidden units and %.1f%% with 0.2 for inputs as well; the mean correlation between units is %.3f without and "
      .. "%.3f with dropout, and silencing half of them raises the loss %.2f and %.2f times", n, 100 * errors[1], 100 * errors[3], 100 * errors[4], correlated[1], correlated[3], fragile[1], fragile[3])
  end,
}
