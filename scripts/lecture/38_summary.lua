-- The summary: one net with and without each trick, where they are needed and where they are not.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "38_summary",
  title = "Summary: each trick taken away", slide = "Summary", tools = "nn.init, nn.Dropout, nn.BatchNorm1d, nn.optim.groups",
  says = "From perceptrons to multi-layer perceptron; activation functions; vanishing gradient; initialization; "
    .. "regularization: dropout, batch normalization, weight decay.",
  does = "Fully connected nets on Fashion-MNIST with ReLU, He's initialization, batch norm, dropout and weight decay, and the "
    .. "same nets with one trick taken away, with pairs taken away, and with none. In three settings: six layers and enough "
    .. "images; twenty layers, where only the tricks of "
    .. "optimization are used; and three layers, few images and a fifth of the labels random, for the tricks of "
    .. "regularization. Test accuracy on images that no run saw.",
  asks = {
    { "Which single trick can be taken away without a loss at six layers?", "He's weights and weight decay; dropout is even in "
      .. "the way there; the verdicts say which" },
    { "Dropout of 0.2 behind each of 20 layers: which share of the paths through the "
      .. "net is left?", "0.8^20 = 1%; such a net learns nothing here (try --deep-dropout 0.2)" },
    { "At twenty layers batch norm makes a ReLU net worse. How can that be?", "at the start it makes the gradients of deep "
      .. "plain nets explode (Yang et al. 2019); shortcuts take that away" },
  },
  seeds = { 8, small = 2 },
  params = {
    epochs = { 6, small = 2, min = 1 }, width = { 96, small = 48, min = 2 }, n = { 3000, small = 600,
      doc = "training images; the other settings get fewer", min = 64 },
    dropout = { 0.2, doc = "rate at six layers", min = 0.0, max = 0.9 }, decay = { 0.1, doc = "of AdamW", min = 0.0 },
      depth = { 20, small = 12, doc = "hidden layers of the deep net", min = 2 },
    deep_dropout = { 0.0, doc = "rate at twenty layers", min = 0.0, max = 0.9 },
  },
  run = function(p)
    local function settings_of()
      local all = { act = "ReLU", init = "he_normal", norm = true, dropout = p.dropout, decay = p.decay }
      local deep = { act = "ReLU", init = "he_normal", norm = true, dropout = p.deep_dropout, decay = 0 }
      local noisy = { act = "ReLU", init = "he_normal", norm = true, dropout = 0.5, decay = 10 * p.decay }
      local sigmoid, small, bare = { "sigmoid, not ReLU", { act = "Sigmoid" } }, { "N(0, 0.01), not He",
        { init = "small_normal" } }, { "no batch norm", { norm = false } }
      local dropout, decay = { "no dropout", { dropout = 0 } }, { "no weight decay", { decay = 0 } }
      local pair, pair2 = { "no batch norm, no He", { norm = false, init = "small_normal" } }, { "no batch norm, sigmoid",
        { norm = false, act = "Sigmoid" } }
      local neither, none = { "no dropout, no decay", { dropout = 0, decay = 0 } }, { "none of them", { act = "Sigmoid",
        init = "small_normal", norm = false, dropout = 0, decay = 0 } }
      local base = { "all tricks", {} }
      return {
        { name = "6 layers", depth = 6, n = p.n, epochs = p.epochs, noise = 0, base = all, cases = { base, sigmoid, small,
          bare, dropout, decay, pair, pair2, neither, none } },
        { name = ("%d layers"):format(p.depth), depth = p.depth, n = p.n // 2, epochs = 2 * p.epochs, noise = 0, base = deep,
          cases = { { "all of optimization's", {} }, sigmoid, small, bare, pair, pair2, none } },
        { name = "noisy labels", depth = 3, n = p.n // 4, epochs = 6 * p.epochs, noise = 0.2, base = noisy, cases = { base,
          dropout, decay, neither, bare } },
      }
    end
    local settings, missed, better = settings_of(), {}, {}
    for s, setting in ipairs(settings) do
      local r = L.over(p, function(seed)
        local train, test = L.images(seed, setting.n, 0, L.size(2000, 600))
        local g, out = nn.Generator(seed), {}
        train.y:copy_(nn.where(nn.rand({ setting.n }, { generator = g }):lt(setting.noise), nn.randint(1, 11, { setting.n },
          { generator = g }), train.y))
        for k, c in ipairs(setting.cases) do
          local o = setmetatable({}, { __index = function(_, key)
            if c[2][key] ~= nil then
              return c[2][key]
            end
            return setting.base[key]
          end })
          nn.manual_seed(seed)
          local sizes = { 784 }
          for i = 1, setting.depth do
            sizes[i + 1] = p.width
          end
          sizes[#sizes + 1] = 10
          local net = L.mlp(sizes, { act = nn[o.act], init = o.init, before = o.norm and function(_,
            n) return nn.BatchNorm1d(n) end or nil, after = o.dropout > 0 and function() return nn.Dropout(o.dropout) end
            or nil })
          local opt = nn.optim.AdamW(nn.optim.groups(net, { { "weight$", weight_decay = o.decay }, { ".*",
            weight_decay = 0 } }), { lr = 1e-3 })
          L.fit(net, train, { optimizer = opt, epochs = setting.epochs })
          out["test_" .. k], out["train_" .. k] = L.accuracy(net, test), L.accuracy(net, train)
        end
        return out
      end, ("%s_"):format(setting.name))
      local rows, names, lists = {}, {}, {}
      missed[s], better[s], setting.r, setting.verdicts = {}, {}, r, {}
      for k, c in ipairs(setting.cases) do
        rows[k] = { c[1], L.percent(r["train_" .. k]), L.percent(r["test_" .. k]) }
        names[k], lists[k] = c[1], r["test_" .. k]
        if k > 1 then
          local v = L.compare(("%s: %s, over all"):format(setting.name, c[1]), lists[k], lists[1], { points = true })
          setting.verdicts[c[1]] = v
          if v.verdict ~= "within noise" then
            table.insert(v.verdict == "lower" and missed[s] or better[s], c[1])
          end
        end
      end
      L.table({ setting.name, "training accuracy", "test accuracy" }, rows, ("%d images, %d epochs%s:"):format(setting.n,
        setting.epochs, setting.noise > 0 and ", a fifth of the labels random" or ""))
      L.picture("bar", { L.bars(lists) }, names, { title = ("Test accuracy, %s (bars: one deviation)"):format(setting.name),
        columns = 2, yrange = { 0, 1 }, size = { 1100, 480 }, hline = { 0.1, "chance" } })
    end
    local first, deep, noisy = settings[1], settings[2], settings[3]
    L.expect(first.verdicts["none of them"], "lower")
    L.expect(deep.verdicts["none of them"], "lower")
    L.expect(deep.verdicts["no batch norm, sigmoid"], "lower")
    L.expect(noisy.verdicts["no dropout, no decay"], "lower")
    local function list(s)
      return ("missed: %s; better without: %s"):format(#missed[s] > 0 and table.concat(missed[s], ", ") or "nothing",
        #better[s] > 0 and table.concat(better[s], ", ") or "nothing")
    end
    local function shown(setting, k)
      return 100 * L.mean(setting.r["test_" .. k])
    end
    L.finding("with six layers the test accuracy is %.1f%% with all tricks and %.1f%% with none (%s); with %d layers it is "
      .. "%.1f%% and %.1f%% (%s); on noisy labels %.1f%% with the tricks of regularization and %.1f%% without (%s)",
      shown(first, 1), shown(first, #first.cases),
      list(1), p.depth, shown(deep, 1), shown(deep, #deep.cases), list(2), shown(noisy, 1), shown(noisy, 4), list(3))
  end,
}
