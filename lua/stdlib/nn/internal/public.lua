-- What users find in `nn` beside what is written in C (core.public), and where it is: nn.lua loads it when it is first touched.
-- A room of this folder that has a file of its own name is a namespace (nn.optim is nn/optim.lua); of the other rooms the
-- classes and functions stand in nn itself. tests/lua/internal/test_public.lua holds this against what the files have.

local M = {}

---Namespaces: name -> module.
M.namespaces = {}
for name in ("optim sched data train init io rex regularize theory diagnose plot linalg func autograd"):gmatch "%S+" do
  M.namespaces[name] = "nn." .. name
end

---Names of nn itself -> the module whose field of that name it is.
M.homes = {}
for file, names in pairs {
  ["layers.module"] = "Module",
  ["layers.linear"] = "Linear Flatten Identity",
  ["layers.sequential"] = "Sequential",
  ["layers.activations"] = "ReLU Tanh Sigmoid ELU LeakyReLU PReLU RReLU ReLU6 SELU CELU GELU SiLU Mish Softplus Softsign "
    .. "LogSigmoid Hardtanh Hardsigmoid Hardswish Hardshrink Softshrink Tanhshrink Threshold Step Softmax LogSoftmax Softmin "
    .. "GLU Maxout",
  ["layers.dropout"] = "Dropout Dropout1d Dropout2d AlphaDropout GaussianDropout GaussianNoise DropConnect",
  ["layers.norm"] = "BatchNorm1d BatchNorm2d LayerNorm RMSNorm GroupNorm InstanceNorm1d InstanceNorm2d LocalResponseNorm "
    .. "WeightNorm SpectralNorm",
  ["layers.fold"] = "Affine fold_batch_norm population_statistics",
  ["layers.gating"] = "Highway Residual",
  ["layers.recurrent"] = "RNN LSTM GRU RNNCell LSTMCell GRUCell",
  ["layers.conv"] = "Conv1d Conv2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d Embedding",
  ["losses.regression"] = "MSELoss L1Loss HuberLoss SmoothL1Loss LogCoshLoss QuantileLoss PoissonNLLLoss GaussianNLLLoss "
    .. "LaplaceNLLLoss",
  ["losses.classification"] = "CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss FocalLoss KLDivLoss",
  ["losses.margin"] = "HingeLoss SquaredHingeLoss SoftMarginLoss HingeEmbeddingLoss MarginRankingLoss MultiMarginLoss "
    .. "MultiLabelMarginLoss MultiLabelSoftMarginLoss CosineEmbeddingLoss TripletMarginLoss",
  ["models.perceptron"] = "Perceptron",
  ["models.linear"] = "LinearRegression RidgeRegression LassoRegression LogisticRegression lasso_path",
  ["internal.compile"] = "compile",
  ["internal.einsum"] = "einsum",
  ["internal.help"] = "help",
  autograd = "checkpoint",
  io = "save load",
} do
  for name in names:gmatch "%S+" do
    M.homes[name] = "nn." .. file
  end
end

return M
