-- The gradient vanishes with depth: sigmoid, tanh, ReLU and ELU.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "13_vanishing_gradient",
  title = "The vanishing gradient", slide = "Vanishing Gradient / Activation functions = the main culprits",
  tools = "nn.grad, nn.diagnose, nn.theory.mean_field", source = "Hochreiter 1991",
  says = "Gradients multiply according to the chain rule. In the saturation regions of the activation functions the gradients "
    .. "are close to zero. Gradient signal gets lost in the noise of the network.",
  does = "The gradient's size at every layer of untrained nets of 5 to 30 layers with four activations and two "
    .. "initializations; the factor it is multiplied with from layer to layer.",
  run = function()
    local depths, width, seeds = L.size({ 5, 10, 20, 30 }, { 5, 15 }), 64, L.size(5, 2)
    local x, y = nn.randn(128, width), nn.randint(1, 11, { 128 })
    local rows, factor, series = {}, {}, {}
    for _, init in ipairs { "default_linear", "glorot_uniform" } do
      for _, act in ipairs { "Sigmoid", "Tanh", "ReLU", "ELU" } do
        local row, per = { act, init }, nil
        for _, depth in ipairs(depths) do
          local ratios = {}
          for seed = 1, seeds do
            nn.manual_seed(seed)
            local sizes = { width }
            for i = 1, depth do
              sizes[i + 1] = width
            end
            sizes[#sizes + 1] = 10
            local net = L.mlp(sizes, { act = nn[act], init = init })
            local list = L.layer_gradients(net, x, y)
            ratios[seed] = list[1] / list[depth]
            if seed == 1 and depth == depths[#depths] and init == "default_linear" then
              series[#series + 1] = { y = table.move(list, 1, depth, 1, {}), label = act }
            end
          end
          row[#row + 1] = L.mean(ratios)
          per = L.mean(ratios) ^ (1 / (depth - 1))
        end
        row[#row + 1] = per
        factor[act .. " " .. init] = per
        rows[#rows + 1] = row
      end
    end
    local columns = { "activation", "initialization" }
    for _, d in ipairs(depths) do
      columns[#columns + 1] = d .. " layers"
    end
    columns[#columns + 1] = "factor a layer"
    L.table(columns, rows, "Gradient at the first layer / at the last hidden layer (1 would be ideal):")
    L.picture("line", series, { title = "Size of the gradient by layer, PyTorch's default initialization", xlabel = "layer (1 = next to the input)",
      ylabel = "gradient", log = "y", key = "bottom right" })
    -- sigma' <= 1/4, and the default weights U(-1/sqrt n, 1/sqrt n) have E|W v|^2 = |v|^2 / 3: at most 1/4 sqrt(1/3) = 0.144
    L.check(factor["Sigmoid default_linear"] < 0.16, "sigmoid with default weights: at most 0.144 a layer by theory (10%% for finite width)")
    L.check(factor["Tanh glorot_uniform"] > 0.8 and factor["Sigmoid glorot_uniform"] < 0.3, "Glorot's weights help tanh, not sigmoid")
    L.finding("from layer to layer the gradient is multiplied by %.2f with sigmoid, %.2f with tanh, %.2f with ReLU and %.2f with ELU (default "
      .. "weights); with Glorot's by %.2f, %.2f, %.2f and %.2f", factor["Sigmoid default_linear"], factor["Tanh default_linear"],
      factor["ReLU default_linear"], factor["ELU default_linear"], factor["Sigmoid glorot_uniform"], factor["Tanh glorot_uniform"],
      factor["ReLU glorot_uniform"], factor["ELU glorot_uniform"])
  end,
}
