-- Each unit can focus on one specific thing: selectivity before and after training.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "43_units_specialize",
  title = "Units that focus on one thing", slide = "Regularization in Deep Neural Networks", tools = "nn.Dropout, nn.no_grad",
    source = "Morcos et al. 2018",
  says = "Deep nets have enough units that each one can focus on one specific thing. Need to force units to prevent "
    .. "co-adaptation.",
  does = "For each hidden unit of nets on Fashion-MNIST, its selectivity: (mean activation for its favourite class - mean for "
    .. "the others) / (their sum), 1 for a unit that answers to one class only. Before and after training, for the first and "
    .. "the last of three hidden layers, for narrow and wide nets, and with dropout. "
    .. "And is a specialist important? The most and the least selective tenth of the last layer are silenced, one after the "
    .. "other, and beside them a random tenth.",
  asks = {
    { "Which layer's units are more selective after training, the first's or the last's?", "without dropout hardly either; "
      .. "with it the first's: see the table" },
    { "Dropout lets no unit rely on others. Does that make units more or less selective?", "more: each must be of use alone" },
    { "Silence the most selective units. Does the accuracy fall more than for random ones?", "less: many of them are nearly "
      .. "silent; selectivity is not importance (Morcos et al.)" },
  },
  seeds = { 8, small = 2 },
  params = { n = { 3000, small = 600, doc = "training images", min = 64 }, epochs = { 8, small = 3, min = 1 }, width = { 128,
    small = 40, min = 20 }, rate = { 0.5, doc = "dropout", min = 0.0, max = 0.9 } },
  run = function(p)
    local function selectivity(h, y)
      local means = {}
      for c = 1, 10 do
        means[c] = h[y:eq(c)]:mean(1)
      end
      local m = nn.stack(means, 1)
      local best = m:max(1)
      local rest = (m:sum(1) - best) / 9
      return (best - rest) / (best + rest + 1e-9), best
    end
    local function layers(net, x)
      local h, list = x, {}
      nn.no_grad(function()
        net:eval()
        for i = 1, #net do
          h = net[i](h)
          if net[i]._name == "ReLU" then
            list[#list + 1] = h
          end
        end
        net:train()
      end)
      return list
    end
    local kinds = { { "narrow", p.width // 4, 0.0 }, { "wide", p.width, 0.0 }, { "wide, dropout", p.width, p.rate } }
    local r = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, 2000)
      local out = {}
      for k, kind in ipairs(kinds) do
        nn.manual_seed(seed)
        local w = kind[2]
        local net = L.mlp({ 784, w, w, w, 10 }, { init = "he_normal", after = kind[3] > 0
          and function() return nn.Dropout(kind[3]) end or nil })
        local function note(name)
          local list = layers(net, test.x)
          for _, which in ipairs { 1, 3 } do
            local s, size = selectivity(list[which], test.y)
            out[("%s%d_%d"):format(name, which, k)] = s[size:gt(1e-3)]:mean():item()
          end
          return list
        end
        note "before"
        L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = p.epochs })
        local list = note "after"
        -- silencing a tenth of the last hidden layer
        local order = select(2, selectivity(list[3], test.y):sort())
        local tenth = math.max(1, w // 10)
        local whole = nn.no_grad(function()
          return net[#net](list[3]):argmax(2):eq(test.y):to("float32"):mean():item()
        end)
        local function silenced(index)
          return nn.no_grad(function()
            local h = list[3]:clone()
            h:index_fill_(2, index, 0)
            return whole - net[#net](h):argmax(2):eq(test.y):to("float32"):mean():item()
          end)
        end
        out["accuracy_" .. k] = whole
        out["least_" .. k], out["most_" .. k] = silenced(order[{ { 1, tenth } }]), silenced(order[{ { w - tenth + 1, w } }])
        local random = 0
        for _ = 1, 5 do
          random = random + silenced(nn.randperm(w)[{ { 1, tenth } }]) / 5
        end
        out["random_" .. k] = random
      end
      return out
    end)
    local rows, cut, series = {}, {}, {}
    for k, kind in ipairs(kinds) do
      rows[k] = { ("%s (%d units)"):format(kind[1], kind[2]), L.pm(r["before1_" .. k], 2), L.pm(r["before3_" .. k], 2),
        L.pm(r["after1_" .. k], 2), L.pm(r["after3_" .. k], 2) }
      cut[k] = { kind[1], L.percent(r["accuracy_" .. k]), L.percent(r["most_" .. k], 2), L.percent(r["least_" .. k], 2),
        L.percent(r["random_" .. k], 2) }
      series[k] = L.bars({ r["before1_" .. k], r["after1_" .. k], r["before3_" .. k], r["after3_" .. k] }, { label = kind[1] })
    end
    L.table({ "net", "before training: layer 1", "layer 3", "after: layer 1", "layer 3" }, rows, "Mean selectivity of the units:")
    L.table({ "net", "test accuracy", "lost with the most selective tenth", "the least selective", "a random tenth" },
      cut, "Silencing a tenth of the last hidden layer:")
    L.picture("bar", series, { "layer 1, before", "layer 1, after", "layer 3, before", "layer 3, after" },
      { title = "Selectivity of the units (bars: one deviation)", yrange = { 0, 1 } })
    local trained = L.compare("selectivity, layer 3, wide: after over before training", r.after3_2, r.before3_2)
    local deep = L.compare("selectivity after training, wide: layer 3 over layer 1", r.after3_2, r.after1_2)
    local dropout = L.compare("selectivity, layer 3: with dropout over without", r.after3_3, r.after3_2)
    local loss = L.compare("accuracy lost, wide: most selective tenth over a random one", r.most_2, r.random_2, { points = true })
    L.expect(trained, "higher")
    L.expect(dropout, "higher")
    L.finding("training makes the selectivity of the last hidden layer %s (%.2f to %.2f), compared with the first layer it is "
      .. "%s; with dropout it is %s; the accuracy lost by silencing the most selective tenth is %s than by a random tenth",
      tostring(trained), L.mean(r.before3_2), L.mean(r.after3_2), tostring(deep),
      tostring(dropout), tostring(loss))
  end,
}
