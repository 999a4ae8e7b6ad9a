-- Every initializer at depth 30: the simple ones fail, the good ones train.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "24_initializers_deep",
  title = "Initializers at depth 30", slide = "Weight initialization", tools = "nn.init", source = "LeCun 1998; Glorot & Bengio 2010; He et al. 2015; Saxe et al. 2014; Mishkin & Matas 2016",
  says = "Good initializations can help against vanishing gradients, can help to converge quickly, and are able to train even 30+ layer nets. 99% of the time, a "
    .. "reasonably sized net will learn even with a cheap initialization.",
  does = "Tanh and ReLU nets of 30 hidden layers (and, for the last sentence, of 2) with every initializer: deviation of the activations in the last hidden "
    .. "layer, gradient at the first over that at the last, and training accuracy after some epochs.",
  params = {
    depth = { 30, small = 30 },
    width = { 64, small = 24 },
    epochs = { 12, small = 3 },
  },
  run = function(p)
    local depth, width = p.depth, p.width
    local train = nn.data.teacher { n = L.size(3000, 800), features = 16, outputs = 4, classes = true, seed = 3 }
    local epochs = p.epochs
    local schemes = { "small_normal", "inverse_uniform", "default_linear", "sparse", "lecun_normal", "lecun_uniform", "glorot_normal", "glorot_uniform", "relu_uniform",
      "he_normal", "he_uniform", "orthogonal", "lsuv" }
    local function build(act, scheme, layers)
      local sizes = { 16 }
      for i = 1, layers do
        sizes[i + 1] = width
      end
      sizes[#sizes + 1] = 4
      local net = L.mlp(sizes, { act = nn[act] })
      for i = 1, #net, 2 do
        nn.init.zeros_(net[i].bias)
        if scheme ~= "lsuv" then
          if scheme == "orthogonal" then
            nn.init.orthogonal_(net[i].weight, { gain = act == "ReLU" and math.sqrt(2) or 1 })
          else
            nn.init[scheme .. "_"](net[i].weight)
          end
        end
      end
      if scheme == "lsuv" then
        nn.init.lsuv(net, train.x[{ { 1, 256 } }])
      end
      return net
    end
    local rows, accuracy = {}, {}
    for _, scheme in ipairs(schemes) do
      local row = { scheme }
      for _, act in ipairs { "Tanh", "ReLU" } do
        nn.manual_seed(2)
        local net = build(act, scheme, depth)
        local x, y = train.x[{ { 1, 256 } }], train.y[{ { 1, 256 } }]
        local g = L.layer_gradients(net, x, y)
        local h = x
        nn.no_grad(function()
          for i = 1, #net - 1 do
            h = net[i](h)
          end
        end)
        row[#row + 1] = h:std():item()
        row[#row + 1] = g[1] / g[depth]
        local ok, run = pcall(L.fit, net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = 0.01, momentum = 0.9 }), epochs = epochs, batch = 32 })
        accuracy[act .. scheme] = ok and run.history[epochs].accuracy or 0
        row[#row + 1] = ok and accuracy[act .. scheme] or "diverged"
      end
      nn.manual_seed(2)
      local shallow = build("Tanh", scheme, 2)
      local run = L.fit(shallow, train, { optimizer = nn.optim.Adam(shallow:parameters(), { lr = 0.01 }), epochs = epochs, batch = 32 })
      accuracy["shallow" .. scheme] = run.history[epochs].accuracy
      row[#row + 1] = accuracy["shallow" .. scheme]
      rows[#rows + 1] = row
    end
    L.table({ "initializer", "tanh: std", "gradient", "accuracy", "ReLU: std", "gradient", "accuracy", "2 layers: accuracy" }, rows)
    local tanh, relu = {}, {}
    for i, s in ipairs(schemes) do
      tanh[i], relu[i] = accuracy["Tanh" .. s], accuracy["ReLU" .. s]
    end
    for i, scheme in ipairs(schemes) do
      L.result { ["tanh_" .. scheme] = tanh[i], ["relu_" .. scheme] = relu[i] }
    end
    L.picture("bar", { { y = tanh, label = "tanh" }, { y = relu, label = "ReLU" } }, schemes, { title = "Training accuracy at depth 30", columns = 2 })
    local most = 0
    for c = 1, 4 do
      most = math.max(most, train.y:eq(c):to("float32"):mean():item())
    end
    local noise = 4 * 0.5 / math.sqrt(#train)
    L.check(accuracy.Tanhinverse_uniform < most + noise + 0.02 and accuracy.Tanhsparse < most + noise + 0.02, "weights that are too small do not train 30 layers (chance %.2f)", most)
    L.check(math.max(accuracy.Tanhglorot_normal, accuracy.Tanhorthogonal) > most + 0.1, "Glorot's or orthogonal ones do")
    L.check(math.max(accuracy.ReLUhe_normal, accuracy.ReLUhe_uniform, accuracy.ReLUorthogonal) > accuracy.ReLUglorot_normal - noise, "for ReLU the forms made for it are not worse")
    L.finding("at %d layers tanh nets reach %.0f%% with U(-1/k, 1/k) (chance %.0f%%), %.0f%% with Glorot's, %.0f%% with orthogonal weights; ReLU nets %.0f%% with Glorot's and %.0f%% with "
      .. "He's; with 2 layers even N(0, 0.01) reaches %.0f%%", depth, 100 * accuracy.Tanhinverse_uniform, 100 * most, 100 * accuracy.Tanhglorot_normal,
      100 * accuracy.Tanhorthogonal, 100 * accuracy.ReLUglorot_normal, 100 * accuracy.ReLUhe_normal, 100 * accuracy.shallowsmall_normal)
  end,
}
