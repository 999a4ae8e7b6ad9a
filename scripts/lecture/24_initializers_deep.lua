-- Every initializer at depth 30: which train, how fast, and what the width has to do with it.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "24_initializers_deep",
  title = "Initializers at depth 30", slide = "Weight initialization", tools = "nn.init",
  source = "LeCun et al. 1998; Glorot & Bengio 2010; He et al. 2015; Saxe et al. 2014; Mishkin & Matas 2016",
  says = "Good initializations can help against vanishing gradients, can help to converge quickly (fewer iterations needed), "
    .. "and are able to train even 30+ layer nets. 99% of the time, a "
    .. "reasonably sized net will learn even with a cheap initialization. LeCun 1998: make sure layer output has variance of "
    .. "1; heuristic: W ~ U(-1/k, 1/k).",
  does = "Tanh and ReLU nets of 30 hidden layers with every initializer, and tanh nets of 2: k Var(W), the deviation of the "
    .. "activations in the last hidden layer, gradient at the first over that at the last, training accuracy after "
    .. "some epochs, and the epochs until the loss is below 0.5. Then N(0, 0.01) at three widths.",
  wrong = "U(-1/k, 1/k) has k Var(W) = 1/(3k), which goes to 0 as the layer gets wider; it does not make the output's variance "
    .. "1. LeCun's own rule is Var(W) = 1/k (his equation 16), "
    .. "that is U(-sqrt(3/k), sqrt(3/k)).",
  asks = {
    { "U(-1/k, 1/k) with k = 64: by what is the signal's deviation multiplied in "
      .. "each layer?", "by sqrt(k/(3k^2)) = sqrt(1/192) = 0.07; after 30 layers nothing is left" },
    { "N(0, 0.01) is a fixed variance. At which width is it LeCun's rule?", "at k = 100; the last table shows the "
      .. "nets around it" },
    { "Does 'a cheap initialization' do for 2 layers?", "yes: see the last column" },
  },
  seeds = { 6, small = 2 },
  params = {
    depth = { 30, small = 30, doc = "hidden layers", min = 3 }, width = { 64, small = 24, min = 2 }, epochs = { 10, small = 3,
      min = 1 }, lr = { 0.01, doc = "of SGD with momentum 0.9", min = 0.0 },
    n = { 1500, small = 800, doc = "samples", min = 64 },
  },
  run = function(p)
    local depth, width, epochs = p.depth, p.width, p.epochs
    local schemes = { "small_normal", "inverse_uniform", "default_linear", "sparse", "lecun_normal", "lecun_uniform", "glorot_normal", "glorot_uniform", "relu_uniform",
      "he_normal", "he_uniform", "orthogonal", "lsuv" }
    local names = { small_normal = "N(0, 0.01)", inverse_uniform = "U(-1/k, 1/k)",
      default_linear = "U(-1/√k, 1/√k), PyTorch's", sparse = "sparse (15 of a row)", lecun_normal = "LeCun, N(0, 1/k)",
      lecun_uniform = "LeCun, uniform", glorot_normal = "Glorot, normal", glorot_uniform = "Glorot, U(±√(6/(k+l)))",
        relu_uniform = "slide's ReLU rule, U(±√(3/(k+l)))", he_normal = "He, N(0, 2/k)",
      he_uniform = "He, uniform", orthogonal = "orthogonal", lsuv = "LSUV" }
    local short = { "N(0, 0.01)", "U(±1/k)", "U(±1/√k)", "sparse", "LeCun N", "LeCun U", "Glorot N", "Glorot U", "U(±√3/..)", "He N", "He U",
      "orthogonal", "LSUV" }
    local function build(act, scheme, layers, x, w)
      local sizes = { 16 }
      for i = 1, layers do
        sizes[i + 1] = w or width
      end
      sizes[#sizes + 1] = 4
      local net = L.mlp(sizes, { act = nn[act] })
      for i = 1, #net, 2 do
        nn.init.zeros_(net[i].bias)
        if scheme == "orthogonal" then
          nn.init.orthogonal_(net[i].weight, { gain = act == "ReLU" and math.sqrt(2) or 1 })
        elseif scheme ~= "lsuv" then
          nn.init[scheme .. "_"](net[i].weight)
        end
      end
      if scheme == "lsuv" then
        nn.init.lsuv(net, x)
      end
      return net
    end
    local function train(net, d, optimizer)
      local ok, run = pcall(L.fit, net, d, { optimizer = optimizer, epochs = epochs, batch = 32 })
      local until_half = epochs + 1
      if ok then
        for e = epochs, 1, -1 do
          until_half = run.history[e].loss < 0.5 and e or until_half
        end
      end
      return ok and run.history[epochs].accuracy or 0, until_half
    end
    local r = L.over(p, function(seed)
      local d = nn.data.teacher { n = p.n, features = 16, outputs = 4, classes = true, seed = seed }
      local x, y, out = d.x[{ { 1, 256 } }], d.y[{ { 1, 256 } }], { chance = 0 }
      for c = 1, 4 do
        out.chance = math.max(out.chance, d.y:eq(c):to("float32"):mean():item())
      end
      for _, scheme in ipairs(schemes) do
        for _, act in ipairs { "Tanh", "ReLU" } do
          nn.manual_seed(seed)
          local net, key = build(act, scheme, depth, x), act .. scheme
          local w = net[3].weight:detach()
          out["kvar " .. key] = w:size(2) * w:square():mean():item()
          local g = L.layer_gradients(net, x, y)
          local h = x
          nn.no_grad(function()
            for i = 1, #net - 1 do
              h = net[i](h)
            end
          end)
          out["std " .. key], out["grad " .. key] = h:std():item(), g[depth] > 0 and g[1] / g[depth] or 0
          out[key], out["epochs " .. key] = train(net, d, nn.optim.SGD(net:parameters(), { lr = p.lr, momentum = 0.9 }))
        end
        nn.manual_seed(seed)
        local shallow = build("Tanh", scheme, 2, x)
        out["two " .. scheme] = train(shallow, d, nn.optim.Adam(shallow:parameters(), { lr = 0.01 }))
      end
      return out
    end)
    local rows, labels = {}, {}
    for i, scheme in ipairs(schemes) do
      local function column(what, act)
        return r[what .. act .. scheme]
      end
      local function middle(list) -- of the seeds; a seed that did not get there counts as later than all
        local sorted = table.move(list, 1, #list, 1, {})
        table.sort(sorted)
        return sorted[#sorted // 2 + 1]
      end
      local tanh_epochs, relu_epochs = middle(column("epochs ", "Tanh")), middle(column("epochs ", "ReLU"))
      rows[i] = { names[scheme], L.mean(column("kvar ", "Tanh")), L.mean(column("std ", "Tanh")),
        L.mean(column("grad ", "Tanh")), L.percent(column("", "Tanh"), 0),
        tanh_epochs > epochs and "-" or tanh_epochs, L.mean(column("grad ", "ReLU")),
          L.percent(column("", "ReLU"), 0),
        relu_epochs > epochs and "-" or relu_epochs, L.percent(r["two " .. scheme], 0) }
      labels[i] = short[i]
    end
    L.table({ "initializer", "k Var(W)", "tanh: std", "gradient", "accuracy", "epochs", "ReLU: gradient", "accuracy", "epochs", "2 layers: accuracy" }, rows,
      ("%d hidden layers; epochs: until the training loss is below 0.5, median, of %d (-: not reached by most):"):format(depth,
        epochs))
    local tanh, relu = {}, {}
    for i, s in ipairs(schemes) do
      tanh[i], relu[i] = r["Tanh" .. s], r["ReLU" .. s]
    end
    local chance = L.mean(r.chance)
    L.picture("bar", { L.bars(tanh, { label = "tanh" }), L.bars(relu, { label = "ReLU" }) }, labels,
      { title = ("Training accuracy at depth %d"):format(depth), columns = 2, yrange = { 0, 1 },
      hline = { chance, "the most frequent class" } })

    local widths, width_rows, by_width = L.size({ 32, 64, 100, 200 }, { 24, 64 }), {}, {}
    for i, w in ipairs(widths) do
      local s = L.over(p, function(seed)
        local d = nn.data.teacher { n = p.n, features = 16, outputs = 4, classes = true, seed = seed }
        local net = build("Tanh", "small_normal", depth, nil, w)
        local g = L.layer_gradients(net, d.x[{ { 1, 256 } }], d.y[{ { 1, 256 } }])
        local acc = train(net, d, nn.optim.SGD(net:parameters(), { lr = p.lr, momentum = 0.9 }))
        return { accuracy = acc, gradient = g[1] / g[depth] }
      end, ("width_%d_"):format(w))
      by_width[i] = s.accuracy
      width_rows[i] = { w, 0.01 * w, L.mean(s.gradient), L.percent(s.accuracy, 0) }
    end
    L.table({ "width", "k Var(W)", "gradient first / last", "training accuracy" }, width_rows, "N(0, 0.01) in tanh nets of the "
      .. "same depth:")
    L.check(L.mean(r.Tanhinverse_uniform) < chance + 0.06
      and L.mean(r.ReLUinverse_uniform) < chance + 0.06, "U(-1/k, 1/k) does not train %d layers (chance %.2f)", depth, chance)
    local function over(what, a, b)
      local c = L.compare("accuracy: " .. what, r[a], r[b], { points = true })
      L.expect(c, "higher")
      return c
    end
    local glorot = over("tanh, Glorot over U(-1/k, 1/k)", "Tanhglorot_normal", "Tanhinverse_uniform")
    local orthogonal = L.compare("accuracy: tanh, orthogonal over Glorot", r.Tanhorthogonal, r.Tanhglorot_normal,
      { points = true })
    local he = over("ReLU, He over U(-1/k, 1/k)", "ReLUhe_normal", "ReLUinverse_uniform")
    local own = L.compare("accuracy: ReLU, He over Glorot", r.ReLUhe_normal, r.ReLUglorot_normal, { points = true })
    over("ReLU, He over the slide's rule", "ReLUhe_uniform", "ReLUrelu_uniform")
    local wide = L.compare(("accuracy: N(0, 0.01) at width %d over %d"):format(widths[L.size(3, 2)], widths[1]),
      by_width[L.size(3, 2)], by_width[1], { points = true })
    L.expect(wide, "higher")
    L.finding("at %d layers U(-1/k, 1/k) leaves tanh and ReLU nets at %.0f%% (chance %.0f%%); Glorot's make tanh nets %s, "
      .. "orthogonal weights are %s than those; ReLU nets are %s with He's, which are %s than Glorot's; with 2 layers even "
      .. "U(-1/k, 1/k) "
      .. "reaches %.0f%%; N(0, 0.01) trains where k Var(W) is 1 or more: %s at width %d than at %d", depth,
      100 * L.mean(r.Tanhinverse_uniform), 100 * chance, tostring(glorot), tostring(orthogonal), tostring(he), tostring(own),
      100 * L.mean(r["two inverse_uniform"]), tostring(wide), widths[L.size(3, 2)], widths[1])
  end,
}
