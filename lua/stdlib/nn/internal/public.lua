-- What users find in `nn` beside what is written in C (core.public), and where it is: nn.lua loads it when it is first touched.
-- A room of this folder that has a file of its own name is a namespace (nn.optim is nn/optim.lua); of the other rooms the
-- classes and functions stand in nn itself. tests/lua/internal/test_public.lua holds this against what the files have.

local core = require "nn.core"

local M = {}

---Namespaces: name -> module.
M.namespaces = {}
for name in ([[optim sched data train lab init io rex regularize theory diagnose plot linalg func autograd
  testing models]]):gmatch("%S+") do
  M.namespaces[name] = "nn." .. name
end

---Names of nn itself -> the module whose field of that name it is.
M.homes = {}
for file, names in pairs {
  ["layers.module"] = "Module",
  ["layers.batch_norm"] = "batch_norm",
  ["layers.fold"] = "fold_batch_norm population_statistics",
  ["models.perceptron"] = "Perceptron",
  ["models.linear"] = "LinearRegression RidgeRegression LassoRegression LogisticRegression lasso_path",
  ["internal.compile"] = "compile",
  ["internal.einsum"] = "einsum",
  ["internal.help"] = "help",
  ["lab.experiment"] = "experiment",
  ["lab.sweep"] = "sweep",
  autograd = "checkpoint",
  io = "save load",
} do
  for name in names:gmatch "%S+" do
    M.homes[name] = "nn." .. file
  end
end

for _, name in ipairs(core.layer_names()) do
  M.homes[name] = "nn.layers.builtin"
end
for name in pairs(core.layer_functions()) do
  M.homes[name] = "nn.layers.functional"
end
for alias, name in pairs(require "nn.internal.aliases") do
  M.homes[alias] = M.homes[name]
end

return M
