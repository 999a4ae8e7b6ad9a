-- The lecture page's table of building blocks: what, the tools, where they are proved.
local function optimizers()
  local names = {}
  for i, rule in ipairs(require("nn.core").optimizers()) do
    names[i] = i == 1 and "`nn.optim." .. rule.name .. "`" or "`" .. rule.name .. "`"
  end
  return table.concat(names, " ")
end

return {
  { "Perceptron", "`nn.Perceptron` (plain, averaged, voted, pocket; two or more classes), `nn.theory.separable`, `nn.theory.margin`", "scripts 01 to 04; tests/lua/models/test_models.lua" },
  { "Linear models", "`nn.LinearRegression`, `nn.RidgeRegression`, `nn.LassoRegression`, `nn.lasso_path`, `nn.LogisticRegression` (Newton, gradient, softmax)", "scripts 08, 11, 34 to 36; tests/lua/models/test_models.lua" },
  { "Activations", "`nn.Sigmoid` `Tanh` `ReLU` `LeakyReLU` `PReLU` `RReLU` `ReLU6` `ELU` `SELU` `CELU` `GELU` `SiLU` `Mish` `Softplus` `Softsign` `LogSigmoid` `Hardtanh` `Hardsigmoid` `Hardswish` `Hardshrink` `Softshrink` `Tanhshrink` `Threshold` `Step` `Maxout` `GLU` `Softmax` `LogSoftmax` `Softmin`", "golden; scripts 05, 07, 17, 19 to 21" },
  { "Losses", "`nn.MSELoss` `L1Loss` `HuberLoss` `SmoothL1Loss` `LogCoshLoss` `QuantileLoss` `PoissonNLLLoss` `GaussianNLLLoss` `LaplaceNLLLoss` `NLLLoss` `CrossEntropyLoss` `BCELoss` `BCEWithLogitsLoss` `FocalLoss` `KLDivLoss` `HingeLoss` `SquaredHingeLoss` `SoftMarginLoss` `HingeEmbeddingLoss` `MarginRankingLoss` `MultiMarginLoss` `MultiLabelMarginLoss` `MultiLabelSoftMarginLoss` `CosineEmbeddingLoss` `TripletMarginLoss`", "golden; scripts 22, 23" },
  { "Initializers", "`nn.init.*_`, `nn.init.apply`, `nn.init.calculate_gain`, `nn.init.lsuv`", "golden (statistics); scripts 18, 24 to 26; tests/lua/init/test_init.lua" },
  { "Normalization", "`nn.BatchNorm1d` `BatchNorm2d` `LayerNorm` `RMSNorm` `GroupNorm` `InstanceNorm1d` `InstanceNorm2d` `LocalResponseNorm` `WeightNorm` `SpectralNorm`, `nn.population_statistics`, `nn.fold_batch_norm`", "golden; scripts 16, 30 to 33; tests/lua/layers/test_norm.lua" },
  { "Regularization", "`nn.Dropout` (both forms) `Dropout1d` `Dropout2d` `AlphaDropout` `GaussianDropout` `GaussianNoise` `DropConnect`, `nn.regularize.*`, early stopping in `nn.train.fit`, `nn.optim.groups`", "scripts 27 to 29, 34 to 36; tests/lua/layers/test_dropout.lua, tests/lua/regularize/test_regularize.lua" },
  { "Optimizers", optimizers() .. " `LBFGS` `ConjugateGradient` `LevenbergMarquardt` `AveragedModel` `Lookahead`, clipping", "golden; tests/lua/optim" },
  { "Schedules", "`nn.sched.StepLR` `MultiStepLR` `ExponentialLR` `ConstantLR` `LinearLR` `PolynomialLR` `CosineAnnealingLR` `CosineAnnealingWarmRestarts` `OneCycleLR` `ReduceLROnPlateau` `LambdaLR` `ChainedScheduler` `SequentialLR`", "golden (all values)" },
  { "Gating, and nets that are no MLPs", "`nn.Highway` `Residual` `GLU` `RNN` `LSTM` `GRU` and their cells, `Conv1d` `Conv2d`, pooling, `Embedding`", "golden; scripts 15, 37" },
  { "Patterns", "`nn.rex` (PCRE2)", "tests/lua/rex/test_rex.lua" },
  { "Synthetic data", "`nn.data.xor` `parity` `spirals` `moons` `circles` `blobs` `checkerboard` `gaussian_quantiles` `separable` `sines` `steps` `teacher` `swiss_roll` `noise`", "tests/lua/data/test_synthetic.lua; most scripts" },
  { "Looking inside", "`nn.diagnose`, `nn.diagnose.watch`", "tests/lua/diagnose; docs/diagnose.md; scripts 13 to 18" },
  { "Theory", "`nn.theory.vc_bounds` `vc_dimension` `shatters` `cover_count` `rademacher_linear` `rademacher_finite` `linear_regions` `constructive_net` `random_feature_net` `trained_net` `loss_line` `loss_plane` `hessian_eigenvalues` `mean_field` `edge_of_chaos` `jacobian` `singular_values`", "scripts 09, 10, 13, 19, 26; tests/lua/theory/test_theory.lua" },
  { "Pictures", "`nn.plot.line` `scatter` `bar` `hist` `heatmap` `image` `grid` `boundary` `quiver` `surface` `graph`", "tests/lua/plot/test_plot.lua; all scripts" },
}
