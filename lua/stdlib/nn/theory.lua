-- nn.theory: what can be said about networks without training them, and what can be measured of those that were.

local options = require "nn.options"

local M = {}

local homes = {
  separable = "separable", margin = "separable", min_norm_point = "separable",
  vc_bounds = "capacity", vc_dimension = "capacity", shatters = "capacity", cover_count = "capacity",
  cover_probability = "capacity", rademacher_linear = "capacity", rademacher_finite = "capacity",
  linear_regions = "regions", plot_regions = "regions",
  constructive_net = "approximation", random_feature_net = "approximation", trained_net = "approximation",
  sup_error = "approximation", mean_field = "mean_field", edge_of_chaos = "mean_field",
  loss_line = "landscape", loss_plane = "landscape", hessian_eigenvalues = "landscape",
  jacobian = "landscape", singular_values = "landscape",
}

return setmetatable(M, {
  __index = function(_, name)
    if homes[name] then
      local value = require("nn.theory." .. homes[name])[name]
      M[name] = value
      return value
    end
    options.unknown("nn.theory", name, homes)
  end,
})
