-- Weight norm, layer norm and others beside batch norm.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "33_other_norms",
  title = "Many variants exist", slide = "Batch normalization", tools = "nn.LayerNorm, nn.WeightNorm, nn.RMSNorm, nn.GroupNorm, nn.SpectralNorm", source = "Ba et al. 2016; Salimans & Kingma 2016; Zhang & Sennrich 2019; Wu & He 2018",
  says = "Many variants exist: Weight Norm, Layer Norm, ...",
  does = "One ReLU net on Fashion-MNIST with each normalization; test accuracy with batches of 64 and of 4, and whether a sample's output depends on what else is in its batch.",
  params = {
    width = { 128, small = 48 },
    epochs = { 5, small = 2 },
  },
  run = function(p)
    local train, _, test = L.images(L.size(5000, 800), 0, L.size(3000, 800))
    local width, epochs = p.width, p.epochs
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
      { "none", with() }, { "batch norm", with(nn.BatchNorm1d) }, { "layer norm", with(nn.LayerNorm) }, { "RMS norm", with(nn.RMSNorm) },
      { "group norm (8)", with(function(n) return nn.GroupNorm(8, n) end) }, { "weight norm", with(nil, nn.WeightNorm) }, { "spectral norm", with(nil, nn.SpectralNorm) },
    }
    local rows, acc, dependence, names, bars = {}, {}, {}, {}, {}
    for _, k in ipairs(kinds) do
      local row = { k[1] }
      for _, batch in ipairs { 64, 4 } do
        nn.manual_seed(1)
        local net = k[2]()
        L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = batch == 4 and 3e-4 or 1e-3 }), epochs = batch == 4 and math.max(1, epochs // 3) or epochs, batch = batch })
        acc[k[1] .. batch] = L.accuracy(net, test)
        row[#row + 1] = acc[k[1] .. batch]
        if batch == 64 then
          net:train()
          local a = nn.no_grad(net.forward, net, test.x[{ { 1, 32 } }])
          local b = nn.no_grad(net.forward, net, nn.cat({ test.x[{ { 1, 16 } }], test.x[{ { 101, 116 } }] }, 1))
          dependence[k[1]] = (a[{ { 1, 16 } }] - b[{ { 1, 16 } }]):abs():max():item()
        end
      end
      row[#row + 1] = dependence[k[1]]
      rows[#rows + 1], names[#names + 1], bars[#bars + 1] = row, k[1], row[2]
    end
    L.table({ "normalization", "test accuracy, batches of 64", "batches of 4", "output changes with the batch by" }, rows)
    L.picture("bar", bars, names, { title = "Test accuracy", yrange = { 0.5, 1 } })
    L.check(dependence["batch norm"] > 1e-3 and dependence["layer norm"] < 1e-5 and dependence["weight norm"] < 1e-5, "only batch norm's outputs depend on the rest of the batch while training")
    L.finding("with batches of 64 the nets reach %.1f%% (none), %.1f%% (batch norm), %.1f%% (layer norm) and %.1f%% (weight norm); only batch norm lets a sample's output depend on its batch (by %.2f)", 100 * acc.none64, 100 * acc["batch norm64"],
      100 * acc["layer norm64"], 100 * acc["weight norm64"], dependence["batch norm"])
  end,
}
