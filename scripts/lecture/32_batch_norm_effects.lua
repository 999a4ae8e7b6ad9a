-- Batch norm helps optimization; does it regularize, and is it the shift?
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

-- After a norm: every unit is shifted and scaled by noise that changes with each step, while training (Santurkar et al.).
local Noise = nn.Module:extend "Noise"
function Noise.forward(self, x)
  if not self.training then
    return x
  end
  local shape = { 1, x:size(2) }
  return x * (nn.rand(shape) * 0.5 + 0.75) + (nn.rand(shape) - 0.5)
end

return L.experiment {
  name = "32_batch_norm_effects",
  title = "What batch norm does", slide = "Batch normalization", tools = "nn.BatchNorm1d",
    source = "Ioffe & Szegedy 2015, figure 1; Santurkar et al. 2018, figure 2",
  says = "During learning, the output distribution of a layer will change; higher layers have to continuously adapt to this "
    .. "change. BN normalizes each minibatch to mean 0 and std 1. BN helps both for regularization and optimization. Best way "
    .. "to do this is still not completely understood!",
  does = "Sigmoid nets of three hidden layers on Fashion-MNIST (Ioffe and Szegedy: MNIST, 100 units). Optimization: test "
    .. "accuracy with and without batch norm over learning rates, and for three times as many epochs. The shift: how far the "
    .. "inputs of the last "
    .. "sigmoid layer move from epoch to epoch. Santurkar's counter-experiment: batch norm with noise behind it that shifts "
    .. "and scales each unit anew in each step. Regularization: ReLU nets with and without batch norm at two batch sizes, at "
    .. "the same learning rate and as many steps.",
  wrong = "'BN helps both for regularization and optimization': how much it helps optimization depends on the learning rate; "
    .. "most of the gap at one rate is made up by a better rate and more epochs. Its regularization is measured with a control "
    .. "here, and does not show.",
  asks = {
    { "At a rate of 0.01 batch norm looks like a miracle. At which rate is the gap smallest?", "see the first table: each net "
      .. "has its own best rate" },
    { "If batch norm helps because it stops the inputs from moving, what must noise "
      .. "behind it do?", "undo the help; it does not (Santurkar et al. 2018)" },
  },
  seeds = { 6, small = 2 },
  params = { epochs = { 5, small = 2, min = 1 }, width = { 100, small = 40, min = 2 }, n = { 3000, small = 800,
    doc = "training images", min = 128 }, momentum = { 0.9, doc = "of SGD", min = 0.0, max = 0.99 } },
  run = function(p)
    local width = p.width
    local function bn(_, n) return nn.BatchNorm1d(n) end
    local function noisy(_, n) return nn.Sequential(nn.BatchNorm1d(n), Noise()) end
    local function build(before)
      return L.mlp({ 784, width, width, width, 10 }, { act = nn.Sigmoid, before = before })
    end
    -- Quantiles of what comes into the last sigmoid, of one unit, and how far the units' means move between epochs.
    local function look(net, x)
      return nn.no_grad(function()
        net:eval()
        for _, entry in ipairs(net:named_modules()) do
          entry[2].training = entry[2]._name == "Noise" -- as the layers behind it see it while training
        end
        local h = x
        for i = 1, #net - 2 do
          h = net[i](h)
        end
        net:train()
        return h
      end)
    end
    local function train(seed, before, lr, epochs, train_set, test, watch, valid)
      nn.manual_seed(seed)
      local net = build(before)
      local moved, last, quantiles = 0, nil, { {}, {}, {} }
      local x = test.x[{ { 1, 300 } }]
      local run = L.fit(net, train_set, { optimizer = nn.optim.SGD(net:parameters(), { lr = lr, momentum = p.momentum }),
        epochs = epochs, batch = 60, valid = test,
        on_epoch = watch and function()
          local h = look(net, x)
          local mean, deviation = h:mean(1), h:std(1)
          if last then
            moved = moved + ((mean - last[1]):abs() / (last[2] + 1e-6)):mean():item() / (epochs - 1)
          end
          last = { mean, deviation }
          local sorted = h:select(2, 1):sort()
          for k, share in ipairs { 0.15, 0.5, 0.85 } do
            table.insert(quantiles[k], sorted[math.floor(share * 299) + 1]:item())
          end
        end or nil })
      local curve = L.history(run, "valid_accuracy")
      return run.history[epochs].valid_accuracy, curve, moved, quantiles, valid and L.accuracy(net, valid)
    end
    local rates = L.size({ 0.003, 0.01, 0.03, 0.1, 0.3 }, { 0.01, 0.1 })
    local kinds = { { "without", nil }, { "batch norm", bn }, { "batch norm, then noise", noisy } }
    local curves, shown = {}, nil
    local watched = rates[L.size(3, 1)]
    local r = L.over(p, function(seed)
      local train_set, test, valid = L.images(seed, p.n, 500, L.size(2000, 600))
      local out = {}
      for k, kind in ipairs(kinds) do
        for _, lr in ipairs(rates) do
          local acc, curve, moved, quantiles, chosen_by = train(seed, kind[2], lr, p.epochs, train_set, test, lr == watched,
            valid)
          out[("v%d_%g"):format(k, lr)] = chosen_by
          out[("k%d_%g"):format(k, lr)] = acc
          if lr == watched then
            curves[k] = curves[k] or {}
            table.insert(curves[k], curve)
            out["moved_" .. k] = moved
            shown = shown or {}
            shown[k] = shown[k] or quantiles
          end
        end
      end
      return out
    end)
    local rows, best = {}, {}
    for i, lr in ipairs(rates) do
      rows[i] = { lr }
      for k = 1, #kinds do
        local list = r[("k%d_%g"):format(k, lr)]
        rows[i][k + 1] = L.percent(list)
        -- the best rate is that of other images than the test's
        if not best[k] or L.mean(r[("v%d_%g"):format(k, lr)]) > L.mean(r[("v%d_%g"):format(k, best[k])]) then
          best[k] = lr
        end
      end
    end
    L.table({ "learning rate", "without", "batch norm", "batch norm, then noise" }, rows, ("Test accuracy of sigmoid nets "
      .. "after %d epochs of SGD with momentum %g:"):format(p.epochs, p.momentum))
    local long = L.over(p, function(seed)
      local train_set, test = L.images(seed, p.n, 0, L.size(2000, 600))
      local out = {}
      for k = 1, 2 do
        out["k" .. k] = train(seed, kinds[k][2], best[k], 3 * p.epochs, train_set, test)
      end
      return out
    end, "long_")
    L.table({ "each at its best rate", "after " .. p.epochs .. " epochs", "after " .. 3 * p.epochs }, {
      { ("without (%g)"):format(best[1]), L.percent(r[("k1_%g"):format(best[1])]), L.percent(long.k1) },
        { ("batch norm (%g)"):format(best[2]), L.percent(r[("k2_%g"):format(best[2])]), L.percent(long.k2) },
    })
    local series = {}
    for k, kind in ipairs(kinds) do
      series[k] = L.band(curves[k], { label = kind[1] })
    end
    L.picture("line", series, { title = ("Test accuracy by epoch at the rate %g"):format(watched), xlabel = "epoch",
      ylabel = "accuracy", key = "bottom right", hline = { 0.1, "chance" } })
    local lines = {}
    for k = 1, 2 do
      for q, name in ipairs { "15%", "median", "85%" } do
        lines[#lines + 1] = { y = shown[k][q], label = ("%s, %s"):format(kinds[k][1], name) }
      end
    end
    L.picture("line", lines, { title = ("Input of one unit of the last sigmoid layer, seed %d"):format(p.seed),
      xlabel = "epoch", ylabel = "input", columns = 2, key = "above maxrows 2" })
    L.table({ "", "what comes into the last sigmoid moves from epoch to epoch by" }, { { "without", L.pm(r.moved_1, 2)
      .. " deviations" }, { "batch norm", L.pm(r.moved_2, 2) .. " deviations" },
      { "batch norm, then noise", L.pm(r.moved_3, 2) .. " deviations" } },
      ("At the rate %g, mean over units of |change of the mean| / deviation:"):format(watched))

    -- regularization, with its control
    local reg = L.over(p, function(seed)
      local train_set, test = L.images(seed, L.size(1000, 400), 0, L.size(2000, 600))
      local out = {}
      for _, batch in ipairs { 10, 100 } do
        for k = 1, 2 do
          nn.manual_seed(seed)
          local net = L.mlp({ 784, width, width, 10 }, { before = kinds[k][2], init = "he_normal" })
          local steps = L.size(600, 60)
          L.fit(net, train_set, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }),
            epochs = steps * batch // #train_set, batch = batch })
          local name = ("b%d_%d"):format(batch, k)
          out["test_" .. name], out["train_" .. name] = L.accuracy(net, test), L.accuracy(net, train_set)
          out["gap_" .. name] = out["train_" .. name] - out["test_" .. name]
        end
      end
      return out
    end, "reg_")
    local reg_rows = {}
    for _, batch in ipairs { 10, 100 } do
      for k = 1, 2 do
        local name = ("b%d_%d"):format(batch, k)
        reg_rows[#reg_rows + 1] = { batch, kinds[k][1], L.percent(reg["train_" .. name]), L.percent(reg["test_" .. name]),
          L.percent(reg["gap_" .. name]) }
      end
    end
    L.table({ "batch size", "", "training accuracy", "test accuracy", "gap" }, reg_rows, ("Regularization: ReLU nets, %d steps "
      .. "of Adam at the same rate:"):format(L.size(600, 60)))
    local function at(k, lr)
      return r[("k%d_%g"):format(k, lr)]
    end
    local low = L.compare(("test accuracy at the rate %g: batch norm over without"):format(watched), at(2, watched), at(1,
      watched), { points = true })
    local fair = L.compare("at the best rate of each: batch norm over without", at(2, best[2]), at(1, best[1]), { points = true })
    local later = L.compare(("the same after %d epochs"):format(3 * p.epochs), long.k2, long.k1, { points = true })
    local noise = L.compare(("test accuracy at the rate %g: noise behind it over without"):format(watched), at(3, watched),
      at(1, watched), { points = true })
    local moved = L.compare("movement of the inputs: batch norm over without", r.moved_2, r.moved_1)
    local test_10 = L.compare("test accuracy, batches of 10: batch norm over without", reg.test_b10_2, reg.test_b10_1,
      { points = true })
    local gap_10 = L.compare("gap, batches of 10: batch norm over without", reg.gap_b10_2, reg.gap_b10_1, { points = true })
    local test_100 = L.compare("test accuracy, batches of 100: batch norm over without", reg.test_b100_2, reg.test_b100_1,
      { points = true })
    L.expect(low, "higher")
    L.expect(moved, "lower")
    L.expect(noise, "higher")
    L.finding("at a rate of %g batch norm makes the test accuracy of a sigmoid net %s after %d epochs; at the best rate of "
      .. "each it is %s, and after %d epochs %s. Noise behind the norm leaves %s. As a regularizer, against the control: the "
      .. "test accuracy is %s with batches of 10 and %s with 100, and the gap "
      .. "between training and test %s", watched, tostring(low), p.epochs, tostring(fair), 3 * p.epochs, tostring(later),
      tostring(noise), tostring(test_10), tostring(test_100), tostring(gap_10))
  end,
}
