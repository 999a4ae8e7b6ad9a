-- The gradient vanishes with depth: sigmoid, tanh, ReLU and ELU.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "13_vanishing_gradient",
  title = "The vanishing gradient", slide = "Vanishing Gradient / Activation functions = the main culprits",
  tools = "nn.grad, nn.init", source = "Hochreiter 1991; Glorot & Bengio 2010; He et al. 2015",
  says = "Gradients multiply according to the chain rule. In the saturation regions of the activation functions the gradients "
    .. "are close to zero. Gradient signal gets lost in the noise of the network.",
  does = "The gradient's size at every layer of untrained nets of 5 to 30 layers with four activations and three "
    .. "initializations (PyTorch's default, Glorot's and He's); the factor it is multiplied with from layer to layer.",
  asks = {
    { "Sigmoid's derivative is at most 1/4. By what is the gradient multiplied in each layer at most, with weights of "
      .. "variance 1/(3k)?", "by 1/4 times sqrt(1/3) = 0.144" },
    { "With Glorot's weights the gradient through ReLUs shrinks, through tanh it does not. Is tanh the better activation?",
      "no: Glorot's weights are made for tanh. ReLU lets half of the signal through and needs twice the variance, He's; see "
        .. "the last rows" },
  },
  seeds = { 10, small = 3 },
  params = { width = { 64, min = 2 }, depth = { 30, small = 15, doc = "of the deepest nets", min = 6 } },
  run = function(p)
    local depths, width = L.size({ 5, 10, 20, p.depth }, { 5, p.depth }), p.width
    local deepest = depths[#depths]
    local inits, acts = { "default_linear", "glorot_uniform", "he_uniform" }, { "Sigmoid", "Tanh", "ReLU", "ELU" }
    local names = { default_linear = "default", glorot_uniform = "Glorot", he_uniform = "He" }
    local curves = {}
    local r = L.over(p, function(seed)
      local g = nn.Generator(seed)
      local x, y = nn.randn({ 128, width }, { generator = g }), nn.randint(1, 11, { 128 }, { generator = g })
      local out = {}
      for _, init in ipairs(inits) do
        for _, act in ipairs(acts) do
          for _, depth in ipairs(depths) do
            nn.manual_seed(seed)
            local sizes = { width }
            for i = 1, depth do
              sizes[i + 1] = width
            end
            sizes[#sizes + 1] = 10
            local list = L.layer_gradients(L.mlp(sizes, { act = nn[act], init = init }), x, y)
            local name = act .. " " .. names[init]
            out[name .. " " .. depth] = list[1] / list[depth]
            if depth == deepest then
              out[name] = (list[1] / list[depth]) ^ (1 / (depth - 1))
              curves[name] = curves[name] or {}
              local logs = {}
              for i = 1, depth do
                logs[i] = list[i]
              end
              table.insert(curves[name], logs)
            end
          end
        end
      end
      return out
    end)
    local rows, columns = {}, { "activation", "initialization" }
    for _, init in ipairs(inits) do
      for _, act in ipairs(acts) do
        local name = act .. " " .. names[init]
        local row = { act, names[init] }
        for _, depth in ipairs(depths) do
          row[#row + 1] = L.mean(r[name .. " " .. depth])
        end
        row[#row + 1] = L.pm(r[name], 2)
        rows[#rows + 1] = row
      end
    end
    for _, d in ipairs(depths) do
      columns[#columns + 1] = d .. " layers"
    end
    columns[#columns + 1] = "factor a layer"
    L.table(columns, rows, "Gradient at the first layer / at the last hidden layer (1 would be ideal), mean of the seeds:")
    local function picture(init, title)
      local series = {}
      for i, act in ipairs(acts) do
        series[i] = { y = L.band(curves[act .. " " .. init]).y, label = act }
      end
      L.picture("line", series, { title = title, xlabel = "layer (1 = next to the input)", ylabel = "gradient", log = "y",
        key = "bottom right" })
    end
    picture("default", "Size of the gradient by layer, PyTorch's default weights")
    picture("He", "Size of the gradient by layer, He's weights")
    -- sigma' <= 1/4, and the default weights U(-1/sqrt n, 1/sqrt n) have E|W v|^2 = |v|^2 / 3: at most 1/4 sqrt(1/3) = 0.144
    L.check(L.mean(r["Sigmoid default"]) < 0.16, "sigmoid with default weights: at most 0.144 a layer by theory (10%% for "
      .. "finite width)")
    local relu = L.compare("factor a layer: ReLU with He's over with Glorot's", r["ReLU He"], r["ReLU Glorot"])
    L.expect(relu, "higher")
    L.expect(L.compare("factor a layer with Glorot's: tanh over ReLU", r["Tanh Glorot"], r["ReLU Glorot"]), "higher")
    L.expect(L.compare("factor a layer with its own weights: ReLU (He) over tanh (Glorot)", r["ReLU He"],
      r["Tanh Glorot"]), "higher")
    L.check(L.mean(r["Sigmoid He"]) < 0.5, "no weights of these save sigmoid units: 1/4 times sqrt 2 at most")
    L.finding("from layer to layer the gradient is multiplied by %.2f with sigmoid, %.2f with tanh, %.2f with ReLU and %.2f "
      .. "with ELU at PyTorch's default weights; each with the weights made for it, by "
      .. "%.2f (tanh, Glorot) and %.2f (ReLU, He). With Glorot's weights ReLU has only %.2f: they are not its own",
      L.mean(r["Sigmoid default"]), L.mean(r["Tanh default"]),
      L.mean(r["ReLU default"]), L.mean(r["ELU default"]), L.mean(r["Tanh Glorot"]), L.mean(r["ReLU He"]),
        L.mean(r["ReLU Glorot"]))
  end,
}
