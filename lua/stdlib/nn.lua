-- nn: everything under one name. What is written in C comes from nn.core; layers, losses and the rest are Lua on top.
-- Families (nn.optim, nn.data, ...) load when first touched; `require "nn.optim"` gives the same table.

local core = require "nn.core"

-- Errors blame the nearest line that is not in one of these files.
local here = debug.getinfo(1, "S").source
core.set_stdlib((here:gsub("%.lua$", "")))

local nn = { _VERSION = "0.1.0" }

for name, value in pairs(core.public) do
  nn[name] = value
end

for alias, op in pairs(require "nn.aliases") do
  nn[alias] = core[op]
  local methods = core.tensor_methods
  methods[alias] = methods[op]
  methods[alias .. "_"] = methods[alias .. "_"] or methods[op .. "_"] -- copy_ is an op of its own
end

-- Where a name lives that is not here yet.
local families = {}
for name in ("optim sched data train init io rex regularize theory diagnose plot linalg func autograd"):gmatch "%S+" do
  families[name] = "nn." .. name
end
local homes = {}
for file, names in pairs {
  module = "Module",
  layers = "Sequential Linear ReLU Tanh Sigmoid Flatten Identity ELU",
  activations = "LeakyReLU PReLU RReLU ReLU6 SELU CELU GELU SiLU Mish Softplus Softsign LogSigmoid Hardtanh Hardsigmoid "
    .. "Hardswish Hardshrink Softshrink Tanhshrink Threshold Step Softmax LogSoftmax Softmin GLU Maxout",
  dropout = "Dropout Dropout1d Dropout2d AlphaDropout GaussianDropout GaussianNoise DropConnect",
  norm = "BatchNorm1d BatchNorm2d LayerNorm RMSNorm GroupNorm InstanceNorm1d InstanceNorm2d LocalResponseNorm WeightNorm "
    .. "SpectralNorm Affine fold_batch_norm population_statistics",
  gating = "Highway Residual",
  recurrent = "RNN LSTM GRU RNNCell LSTMCell GRUCell",
  conv = "Conv1d Conv2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d Embedding",
  losses = "CrossEntropyLoss NLLLoss MSELoss L1Loss HuberLoss SmoothL1Loss LogCoshLoss QuantileLoss PoissonNLLLoss "
    .. "GaussianNLLLoss LaplaceNLLLoss BCELoss BCEWithLogitsLoss FocalLoss KLDivLoss HingeLoss SquaredHingeLoss "
    .. "SoftMarginLoss HingeEmbeddingLoss MarginRankingLoss MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss "
    .. "CosineEmbeddingLoss TripletMarginLoss",
  perceptron = "Perceptron",
  linear_models = "LinearRegression RidgeRegression LassoRegression LogisticRegression lasso_path",
  compile = "compile",
  einsum = "einsum",
  autograd = "checkpoint",
  help = "help",
  io = "save load",
} do
  for name in names:gmatch "%S+" do
    homes[name] = "nn." .. file
  end
end

local function known_names()
  local names = {}
  for _, t in ipairs { nn, families, homes } do
    for name in pairs(t) do
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

setmetatable(nn, {
  __index = function(t, name)
    local value
    if families[name] then
      value = require(families[name])
    elseif homes[name] then
      value = require("nn.contract").strict(name, require(homes[name])[name])
    elseif type(name) == "string" then
      core.raise(("nn has no '%s'%s"):format(name, require("nn.options").hint("nn", name, known_names(), "nn.")))
    end
    if value ~= nil then
      rawset(t, name, value)
    end
    return value
  end,
  __name = "nn",
})

-- nn and nn.x may require each other; this makes the half-built table visible to them.
package.loaded.nn = nn
require "nn.tensor"
require "nn.autograd"

return nn
