-- Overfitting, seen, and three ways against it.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "27_overfitting",
  title = "Overfitting", slide = "Regularization in Deep Neural Networks", tools = "nn.train.fit with early_stopping, "
    .. "nn.optim.AdamW, nn.Dropout",
  says = "Overfitting is an issue in neural networks. Even more so in deep neural networks. Good regularization schemes needed.",
  does = "Nets far larger than their few hundred noisy samples (a fifth of the labels are random), of one, three and five "
    .. "hidden layers: training and validation loss by epoch, and the loss on test data that neither saw. Then the net of "
    .. "three layers "
    .. "with early stopping, with weight decay, and with dropout.",
  asks = {
    { "A fifth of the labels are random among three classes. Which accuracy is the best possible "
      .. "on such data?", "4/5 + 1/5 * 1/3 = 87%" },
    { "The training accuracy is 100%. What has the net learned?", "also the random labels: the validation loss says "
      .. "what that costs" },
  },
  seeds = { 10, small = 2 },
  params = { n = { 400, small = 150, doc = "training samples", min = 10 }, noise = { 0.2, doc = "share of random labels",
    min = 0.0, max = 1.0 }, width = { 128, small = 48, min = 1 }, epochs = { 60, small = 20, min = 1 } },
  run = function(p)
    local function data(seed)
      local total = p.n + 3000
      local all = nn.data.teacher { n = total, features = 20, hidden = 5, outputs = 3, classes = true, seed = seed }
      local g = nn.Generator(seed)
      local y = nn.where(nn.rand({ total }, { generator = g }):lt(p.noise), nn.randint(1, 4, { total }, { generator = g }), all.y)
      local function part(from, to)
        return nn.data.tensors(all.x[{ { from, to } }], y[{ { from, to } }])
      end
      return part(1, p.n), part(p.n + 1, p.n + 1000), part(p.n + 1001, total)
    end
    local function train(seed, depth, opts)
      local set, valid, test = data(seed)
      nn.manual_seed(seed)
      local sizes = { 20 }
      for i = 1, depth do
        sizes[i + 1] = p.width
      end
      sizes[#sizes + 1] = 3
      local net = L.mlp(sizes, { after = opts.dropout and function() return nn.Dropout(opts.dropout) end or nil })
      local run = L.fit(net, set, { optimizer = nn.optim.AdamW(net:parameters(), { lr = 2e-3, weight_decay = opts.decay
        or 0 }), epochs = p.epochs, valid = valid, batch = 32,
        early_stopping = opts.stop and { patience = 10, restore = true } or nil })
      local e = nn.train.evaluate(net, test:loader { batch_size = 500 }, { loss = nn.CrossEntropyLoss(),
        metrics = { "accuracy" } })
      return run, e.loss, e.accuracy
    end
    local depths, curves = { 1, 3, 5 }, { train = {}, valid = {} }
    local ways = { { "early stopping", { stop = true } }, { "weight decay 1", { decay = 1 } }, { "dropout 0.5",
      { dropout = 0.5 } } }
    local r = L.over(p, function(seed)
      local out = {}
      for _, depth in ipairs(depths) do
        local run, loss, accuracy = train(seed, depth, {})
        local best, at = math.huge, 0
        for e, row in ipairs(run.history) do
          if row.valid_loss < best then
            best, at = row.valid_loss, e
          end
        end
        local last = run.history[#run.history]
        for name, value in pairs { loss = last.loss, valid = last.valid_loss, best = best, at = at,
          train_accuracy = last.accuracy, test = loss, accuracy = accuracy } do
          out[name .. depth] = value
        end
        if depth == 3 then
          table.insert(curves.train, L.history(run, "loss"))
          table.insert(curves.valid, L.history(run, "valid_loss"))
        end
      end
      for k, way in ipairs(ways) do
        local _, loss, accuracy = train(seed, 3, way[2])
        out["way_loss" .. k], out["way_accuracy" .. k] = loss, accuracy
      end
      return out
    end)
    local rows = {}
    for i, depth in ipairs(depths) do
      rows[i] = { depth, L.pm(r["loss" .. depth]), L.pm(r["valid" .. depth], 2), L.pm(r["best" .. depth], 2),
        L.pm(r["at" .. depth], 1), L.percent(r["train_accuracy" .. depth]), L.percent(r["accuracy" .. depth]) }
    end
    L.table({ "hidden layers", "loss: training", "validation, last", "validation, best", "in epoch", "accuracy: training", "test" }, rows)
    local against = { { "nothing", L.pm(r.test3, 2), L.percent(r.accuracy3) } }
    for k, way in ipairs(ways) do
      against[k + 1] = { way[1], L.pm(r["way_loss" .. k], 2), L.percent(r["way_accuracy" .. k]) }
    end
    L.table({ "3 layers, against overfitting", "test loss", "test accuracy" }, against)
    L.picture("line", { L.band(curves.train, { label = "training" }), L.band(curves.valid, { label = "validation" }) },
      { title = "Loss with 3 hidden layers (bands: one deviation)", xlabel = "epoch", ylabel = "loss", key = "top left" })
    local rise = L.compare("3 layers, validation loss: last over best epoch", r.valid3, r.best3, { ratio = true })
    local gap = L.compare("3 layers, last epoch: validation loss over training loss", r.valid3, r.loss3)
    local deep = L.compare("validation loss, last epoch: 5 layers over 1", r.valid5, r.valid1)
    L.expect(rise, "higher")
    L.expect(gap, "higher")
    local gains = {}
    for k, way in ipairs(ways) do
      gains[k] = L.compare("test loss: " .. way[1] .. " over nothing", r["way_loss" .. k], r.test3)
    end
    L.expect(gains[1], "lower")
    L.finding("with 3 layers the validation loss is lowest in epoch %.0f and in the end %s; with 5 layers it is then %s than "
      .. "with 1; the test loss is %s with early stopping, %s with weight decay, %s with dropout", L.mean(r.at3),
      tostring(rise),
      tostring(deep), tostring(gains[1]), tostring(gains[2]), tostring(gains[3]))
  end,
}
