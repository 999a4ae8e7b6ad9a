-- nn.theory: what can be said about networks without training them, and what can be measured of those that were.

local options = require "nn.internal.options"

local M = {}

local homes = {}
for file, names in pairs {
  separable = "separable margin min_norm_point",
  capacity = "vc_bounds vc_dimension shatters cover_count cover_probability rademacher_linear rademacher_finite",
  regions = "linear_regions plot_regions",
  approximation = "constructive_net random_feature_net trained_net sup_error",
  mean_field = "mean_field edge_of_chaos",
  landscape = "loss_line loss_plane hessian_eigenvalues jacobian singular_values",
} do
  for name in names:gmatch "%S+" do
    homes[name] = "nn.theory." .. file
  end
end

return options.namespace("nn.theory", M, homes)
