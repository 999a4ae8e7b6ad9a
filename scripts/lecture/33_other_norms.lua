-- Weight norm, layer norm and others beside batch norm.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "33_other_norms",
  title = "Many variants exist", slide = "Batch normalization", tools = "nn.LayerNorm, nn.WeightNorm, nn.RMSNorm, "
    .. "nn.GroupNorm, nn.SpectralNorm",
  source = "Ba et al. 2016; Salimans & Kingma 2016; Zhang & Sennrich 2019; Wu & He 2018; Miyato et al. 2018",
  says = "Many variants exist: Weight Norm, Layer Norm, ...",
  does = "One ReLU net on Fashion-MNIST with each normalization; test accuracy with batches of 64 and of 4, and whether a "
    .. "sample's output depends on what else is in its batch (two copies of the net in the same state, so that spectral norm's "
    .. "own iteration, which moves with every call, does not count).",
  asks = {
    { "Which norms can be used with a batch of one?", "all but batch norm" },
    { "Spectral norm's output changes from call to call in training. Does it depend "
      .. "on the batch?", "no: its power iteration takes a step each call; see the last column" },
  },
  seeds = { 24, small = 2 },
  params = { width = { 128, small = 48, min = 8 }, epochs = { 5, small = 2, min = 1 }, n = { 2000, small = 600,
    doc = "training images", min = 64 }, lr = { 1e-3, doc = "Adam's, for batches of 64; 3e-4 for 4", min = 0.0 } },
  run = function(p)
    local width = p.width
    local function with(before, wrap)
      return function()
        local net = nn.Sequential()
        local sizes = { 784, width, width, 10 }
        for i = 1, 3 do
          local linear = nn.Linear(sizes[i], sizes[i + 1])
          net:add(i < 3 and wrap and wrap(linear) or linear)
          if i < 3 then
            if before then
              net:add(before(sizes[i + 1]))
            end
            net:add(nn.ReLU())
          end
        end
        return net
      end
    end
    local kinds = {
      { "none", with() }, { "batch norm", with(nn.BatchNorm1d) }, { "layer norm", with(nn.LayerNorm) }, { "RMS norm",
        with(nn.RMSNorm) },
      { "group norm (8)", with(function(n) return nn.GroupNorm(8, n) end) }, { "weight norm", with(nil, nn.WeightNorm) },
        { "spectral norm", with(nil, nn.SpectralNorm) },
    }
    local r = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, L.size(3000, 800))
      local out = {}
      for k, kind in ipairs(kinds) do
        for _, batch in ipairs { 64, 4 } do
          nn.manual_seed(seed)
          local net = kind[2]()
          L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = batch == 4 and 0.3 * p.lr or p.lr }),
            epochs = batch == 4 and math.max(1, p.epochs // 3) or p.epochs, batch = batch })
          out[("accuracy_%d_%d"):format(k, batch)] = L.accuracy(net, test)
          if batch == 64 then
            net:train()
            local other = net:clone()
            local a = nn.no_grad(net.forward, net, test.x[{ { 1, 32 } }])
            local b = nn.no_grad(other.forward, other, nn.cat({ test.x[{ { 1, 16 } }], test.x[{ { 101, 116 } }] }, 1))
            out["depends_" .. k] = (a[{ { 1, 16 } }] - b[{ { 1, 16 } }]):abs():max():item()
          end
        end
      end
      return out
    end)
    local rows, names, bars, small_bars = {}, {}, {}, {}
    for k, kind in ipairs(kinds) do
      local a, b = r[("accuracy_%d_64"):format(k)], r[("accuracy_%d_4"):format(k)]
      rows[k] = { kind[1], L.percent(a), L.percent(b), L.mean(r["depends_" .. k]) }
      names[k], bars[k], small_bars[k] = kind[1], a, b
      L.check(k == 2 and L.mean(r["depends_2"]) > 1e-2 or k ~= 2
        and L.mean(r["depends_" .. k]) < 1e-4, "only batch norm's outputs depend on the rest of the batch while training (%s)",
        kind[1])
    end
    L.table({ "normalization", "test accuracy, batches of 64", "batches of 4", "output changes with the batch by" }, rows)
    L.picture("bar", { L.bars(bars, { label = "batches of 64" }), L.bars(small_bars, { label = "batches of 4" }) }, names,
      { title = "Test accuracy (bars: one deviation)", yrange = { 0.6, 0.9 }, columns = 2 })
    local batch = {}
    for k = 2, #kinds do
      batch[k] = L.compare(("batches of 64, test accuracy: %s over none"):format(kinds[k][1]), bars[k], bars[1],
        { points = true })
    end
    local small = L.compare("batches of 4, test accuracy: batch norm over layer norm", small_bars[2], small_bars[3],
      { points = true })
    L.expect(small, "lower")
    L.finding("only batch norm lets a sample's output depend on its batch (by %.2f), and with batches of 4 it is %s than layer "
      .. "norm; with batches of 64 the test accuracy over none is, with batch norm, %s; with layer norm, %s; with "
      .. "weight norm, %s", L.mean(r.depends_2),
      tostring(small), tostring(batch[2]), tostring(batch[3]), tostring(batch[6]))
  end,
}
