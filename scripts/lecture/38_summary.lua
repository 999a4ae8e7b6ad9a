-- The summary: one deep net with and without each trick.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "38_summary",
  title = "Summary: each trick taken away", slide = "Summary", tools = "nn.init, nn.Dropout, nn.BatchNorm1d, nn.optim.groups",
  says = "From perceptrons to multi-layer perceptron; activation functions; vanishing gradient; initialization; regularization: dropout, batch normalization, weight decay.",
  does = "A net of six hidden layers on Fashion-MNIST with ReLU, He initialization, batch norm, dropout and weight decay; then the same net with one trick taken away at a time, and one that has none of them.",
  params = {
    seeds = { 2, small = 1 },
    epochs = { 6, small = 3 },
    width = { 128, small = 48 },
  },
  run = function(p)
    local train, _, test = L.images(L.size(10000, 800), 0, L.size(5000, 800))
    local seeds, epochs, width = p.seeds, p.epochs, p.width
    local all = { act = "ReLU", init = "he_normal", norm = true, dropout = 0.2, decay = 1e-4 }
    local cases = {
      { "all tricks", {} }, { "sigmoid instead of ReLU", { act = "Sigmoid" } }, { "N(0, 0.01) instead of He", { init = "small_normal" } }, { "no batch norm", { norm = false } }, { "no dropout", { dropout = 0 } },
      { "no weight decay", { decay = 0 } }, { "no batch norm, sigmoid", { norm = false, act = "Sigmoid" } }, { "none of them", { act = "Sigmoid", init = "small_normal", norm = false, dropout = 0, decay = 0 } },
    }
    local rows, names, bars, result = {}, {}, {}, {}
    for _, c in ipairs(cases) do
      local o = {}
      for k, v in pairs(all) do
        o[k] = v
        if c[2][k] ~= nil then
          o[k] = c[2][k]
        end
      end
      local test_acc, train_acc = {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local sizes = { 784 }
        for i = 1, 6 do
          sizes[i + 1] = width
        end
        sizes[8] = 10
        local net = L.mlp(sizes, { act = nn[o.act], init = o.init, before = o.norm and function(_, n) return nn.BatchNorm1d(n) end or nil, after = o.dropout > 0 and function() return nn.Dropout(o.dropout) end or nil })
        local opt = nn.optim.AdamW(nn.optim.groups(net, { { "weight$", weight_decay = o.decay }, { ".*", weight_decay = 0 } }), { lr = 1e-3 })
        L.fit(net, train, { optimizer = opt, epochs = epochs })
        test_acc[seed], train_acc[seed] = L.accuracy(net, test), L.accuracy(net, train)
      end
      result[c[1]] = L.mean(test_acc)
      rows[#rows + 1] = { c[1], L.pm(train_acc), L.pm(test_acc) }
      names[#names + 1], bars[#bars + 1] = c[1], L.mean(test_acc)
    end
    L.table({ "net with 6 hidden layers", "training accuracy", "test accuracy" }, rows)
    L.picture("bar", bars, names, { title = "Test accuracy", columns = 2 })
    -- 4 standard errors of the difference of two shares over the test images
    L.check(result["all tricks"] > result["none of them"] + 4 * math.sqrt(0.3 / #test), "all tricks together are better than none by more than the noise")
    L.finding("a net of six hidden layers reaches %.1f%% of the test images with all tricks and %.1f%% with none; without batch norm %.1f%%, without dropout %.1f%%, with sigmoid and no batch norm %.1f%%",
      100 * result["all tricks"], 100 * result["none of them"],
      100 * result["no batch norm"], 100 * result["no dropout"], 100 * result["no batch norm, sigmoid"])
  end,
}
