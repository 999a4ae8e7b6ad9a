-- Dropout against width.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "45_dropout_and_width",
  title = "Where the field went on: dropout against width", slide = "Dropout", tools = "nn.Dropout",
    source = "Srivastava et al. 2014, section 7.3",
  says = "Typical dropout rates: 0.5 for hidden and 0.2 for input units.",
  does = "Nets of two hidden layers of 16, 64 and 256 units on few images, with hidden dropout of 0, 0.25, 0.5 and "
    .. "0.75: test loss "
    .. "and test error. A rate leaves width times (1 - rate) units at a time: does the best rate depend on the width?",
  asks = {
    { "16 units and a rate of 0.75: how many units are there at a time?", "four; too few for ten classes" },
    { "Should a wide net have a higher rate?", "by the loss it can take one; see the best rate of each width" },
  },
  seeds = { 6, small = 2 },
  params = { n = { 800, small = 300, doc = "training images", min = 64 }, epochs = { 20, small = 4, min = 1 }, widths = { { 16,
    64, 256 }, doc = "units of both hidden layers" } },
  run = function(p)
    local widths, rates = L.size(p.widths, { 16, 64 }), L.size({ 0.0, 0.25, 0.5, 0.75 }, { 0.0, 0.75 })
    local r = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, L.size(2000, 600))
      local out = {}
      for _, width in ipairs(widths) do
        for _, rate in ipairs(rates) do
          nn.manual_seed(seed)
          local net = L.mlp({ 784, width, width, 10 }, { init = "he_normal", after = function() return nn.Dropout(rate) end })
          L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = p.epochs, batch = 32 })
          local e = nn.train.evaluate(net, test:loader { batch_size = 500 }, { loss = nn.CrossEntropyLoss(),
            metrics = { "accuracy" } })
          out[("loss_%d_%g"):format(width, rate)], out[("error_%d_%g"):format(width, rate)] = e.loss, 1 - e.accuracy
        end
      end
      return out
    end)
    local function of(what, width, rate)
      return r[("%s_%d_%g"):format(what, width, rate)]
    end
    local rows, series, columns, best = {}, {}, { "units" }, {}
    for _, rate in ipairs(rates) do
      columns[#columns + 1] = ("loss, rate %g"):format(rate)
      columns[#columns + 1] = "error"
    end
    for i, width in ipairs(widths) do
      rows[i] = { width }
      local lists = {}
      for k, rate in ipairs(rates) do
        table.insert(rows[i], L.pm(of("loss", width, rate), 2))
        table.insert(rows[i], L.percent(of("error", width, rate)))
        lists[k] = of("loss", width, rate)
        if not best[i] or L.mean(lists[k]) < L.mean(of("loss", width, best[i])) then
          best[i] = rate
        end
      end
      series[i] = L.bars(lists, { x = rates, label = width .. " units" })
    end
    L.table(columns, rows, "On test images:")
    L.picture("line", series, { title = "Test loss against the dropout rate (bands: one deviation)", xlabel = "rate",
      ylabel = "test loss" })
    local high, first, last = rates[L.size(3, 2)], widths[1], widths[#widths]
    local narrow = L.compare(("test loss, %d units: rate %g over 0"):format(first, high), of("loss", first, high), of("loss",
      first, 0.0))
    local wide = L.compare(("test loss, %d units: rate %g over 0"):format(last, high), of("loss", last, high), of("loss", last,
      0.0))
    local err = L.compare(("test error, %d units: rate %g over 0"):format(last, high), of("error", last, high), of("error",
      last, 0.0), { points = true })
    L.expect(narrow, "higher")
    L.expect(wide, "lower")
    L.finding("with %d units a rate of %g makes the test loss %s, with %d units %s (the test error: %s); the rate with the "
      .. "lowest loss is %g with %d units and %g with %d", first, high, tostring(narrow), last, tostring(wide), tostring(err),
      best[1], first, best[#best], last)
  end,
}
