-- Batch norm after training, the slides' Algorithm 2: statistics of the whole set, and layers that have taken them in.

local core = require "nn.core"
local builtin = require "nn.layers.builtin"
local module = require "nn.layers.module"

local M = {}

local function is_batch_norm(m)
  local entry = module.is_module(m) and core.entry_of(m)
  return type(entry) == "string" and entry:find "^BatchNorm%dd$" ~= nil
end

---Sets the running statistics of every batch norm of a model to those of the training set:
---the mean over mini-batches of the batch's mean, and m/(m-1) times the mean of its variance, m being the number of
---values of a feature in a batch. Batches of another size count by it. Dropout is off meanwhile.
---@param model nn.Module
---@param loader nn.Loader
---@return nn.Module model
---example:
---  > model = nn.Sequential(nn.BatchNorm1d(1))
---  > data = nn.data.tensors(nn.tensor {{1.0}, {3.0}}, nn.tensor {1, 2})
---  > model = nn.population_statistics(model, data:loader())
---  > model[1].running_mean, model[1].running_var
---  tensor([2.], shape=1, float32)	tensor([2.], shape=1, float32)
---see: nn.fold_batch_norm, nn.optim.AveragedModel, nn.BatchNorm1d
---source: Ioffe & Szegedy 2015, "Batch normalization", algorithm 2, line 10
function M.population_statistics(model, loader)
  local sums, restore = {}, {}
  for _, entry in ipairs(model:named_modules()) do
    local m = entry[2]
    restore[m] = m.training
    if is_batch_norm(m) then
      if not m.running_mean then
        core.raise "population_statistics: a batch norm has track_running_stats = false, so there is nowhere to put them"
      end
      sums[m] = { mean = core.zeros_like(m.running_mean), var = core.zeros_like(m.running_var), values = 0 }
      core.set_hidden(m, "training", true)
    else
      core.set_hidden(m, "training", false)
    end
  end
  local ok, err = xpcall(core.no_grad, function(e)
    return e
  end, function()
    local own = {}
    for m, sum in pairs(sums) do
      own[m] = { forward = core.fields(m).forward, momentum = m.momentum, seen = m.num_batches_tracked,
        mean = m.running_mean:clone(), var = m.running_var:clone() }
      m.momentum = 1 -- the running averages are those of the batch then, the variance the unbiased one
      m.num_batches_tracked = nil
      m.running_mean:zero_()
      m.running_var:zero_()
      core.set_hidden(m, "forward", function(self, x)
        local y = core.class_of(self).forward(self, x)
        local n = x:numel() // self.num_features
        sum.mean:add_(self.running_mean * n)
        sum.var:add_(self.running_var * n)
        sum.values = sum.values + n
        return y
      end)
    end
    local fine, why = xpcall(function()
      for x in loader do
        if not core.is_tensor(x) then
          core.raise(("population_statistics: the loader must give tensors, but gave %s"):format(core.describe(x)))
        end
        model(x)
      end
    end, function(e)
      return e
    end)
    for m in pairs(sums) do
      core.set_hidden(m, "forward", own[m].forward)
      m.momentum, m.num_batches_tracked = own[m].momentum, own[m].seen
      m.running_mean:copy_(own[m].mean)
      m.running_var:copy_(own[m].var)
    end
    if not fine then
      error(why, 0)
    end
    for m, sum in pairs(sums) do
      if sum.values == 0 then
        core.raise "population_statistics: the loader gave no batches"
      end
      m.running_mean:copy_(sum.mean / sum.values)
      m.running_var:copy_(sum.var / sum.values)
    end
  end)
  for m, was in pairs(restore) do
    core.set_hidden(m, "training", was)
  end
  if not ok then
    error(err, 0)
  end
  return model
end

-- scale and shift of a trained batch norm: algorithm 2, line 11
local function affine_of(bn)
  if not bn.running_mean then
    core.raise "fold_batch_norm: a batch norm has track_running_stats = false, so it has no statistics to fold"
  end
  local inv = 1 / (bn.running_var + bn.eps):sqrt()
  local scale = bn.weight and bn.weight:detach() * inv or inv
  local shift = -bn.running_mean * scale
  return scale, bn.bias and bn.bias:detach() + shift or shift
end

-- Batch norm scales the features in dim 2, a Linear those in the last: the same in a matrix alone.
local function want_matrix(layer_folded, x)
  if core.is_tensor(x) and x.ndim ~= 2 then
    core.raise(("%s: a batch norm was folded into it, which is right for inputs of shape batch x features, but this one has "
      .. "shape %s; use the model that was not folded"):format(tostring(layer_folded):match "^[^\n]-%)", tostring(x.shape)))
  end
end

-- Puts a batch norm into the linear or convolutional layer before it.
local function fold_into(before, bn)
  if before._name == "Linear" then
    before:register_forward_pre_hook(want_matrix)
  end
  local scale, shift = affine_of(bn)
  local shape = { -1 }
  for d = 2, before.weight.ndim do
    shape[d] = 1
  end
  before.weight:copy_(before.weight:detach() * scale:reshape(shape))
  if before.bias then
    before.bias:copy_(before.bias:detach() * scale + shift)
  else
    before.bias = core.Parameter(shift)
  end
end

-- What a batch norm does, as a layer of its own.
local function as_affine(bn)
  local scale, shift = affine_of(bn)
  local affine = builtin.Affine(bn.num_features):to(scale.dtype)
  affine.weight:copy_(scale)
  affine.bias:copy_(shift)
  return affine
end

local takes_scale = { Linear = true, Conv1d = true, Conv2d = true, Conv3d = true }

-- How often each layer and each parameter is used in a model: what is used elsewhere, too, must stay what it is.
local function uses_in(model)
  local uses = {}
  for _, entry in ipairs(model:named_modules()) do
    for _, child in ipairs(module.children_of(entry[2])) do
      uses[child.value] = (uses[child.value] or 0) + 1
    end
  end
  return uses
end

local function can_take(before, uses)
  if not module.is_module(before) or before._hooks then -- a hook may change what it gives
    return false
  end
  local alone = takes_scale[before._name] and uses[before] == 1 and uses[before.weight] == 1
  return alone and (before.bias == nil or uses[before.bias] == 1)
end

-- Folds what follows a layer it can be folded into, and takes it out of the list.
local function fold_sequential(m, uses)
  local kept = {}
  for _, child in ipairs(m) do
    local before = kept[#kept]
    if is_batch_norm(child) and not child._hooks and before and can_take(before, uses) then
      fold_into(before, child)
    else
      kept[#kept + 1] = child
    end
  end
  for i = #m, 1, -1 do
    m[i] = kept[i]
  end
end

local function fold(model)
  local uses = uses_in(model)
  for _, entry in ipairs(model:named_modules()) do
    local m = entry[2]
    if m._name == "Sequential" then
      fold_sequential(m, uses)
    end
    for _, child in ipairs(module.children_of(m)) do
      if is_batch_norm(child.value) and not child.value._hooks then
        child.owner[child.key] = as_affine(child.value)
      end
    end
  end
end

---Makes the network for inference: a copy of the model in which every batch norm is
---folded into the Linear or Conv layer before it, or is an Affine layer where there is none. Same outputs as the model
---in evaluation, fewer operations. With a loader, the population's statistics are taken from it first (and also set in
---the model); without, the running averages are used.
---@param model nn.Module
---@param loader? nn.Loader over the training set
---@return nn.Module
---example:
---  > model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
---  > nn.fold_batch_norm(model)
---  Sequential(
---    (1): Linear(2, 3)  9 parameters
---    (2): ReLU()
---  )  9 parameters
---see: nn.population_statistics, nn.BatchNorm1d, nn.Module:eval
---source: Ioffe & Szegedy 2015, "Batch normalization", algorithm 2
function M.fold_batch_norm(model, loader)
  if not module.is_module(model) then
    core.raise(("fold_batch_norm: the model must be an nn.Module, but is %s"):format(core.describe(model)))
  end
  if loader ~= nil then
    M.population_statistics(model, loader)
  end
  if is_batch_norm(model) then
    model = builtin.Sequential(model)
  end
  local copy = model:clone()
  core.no_grad(fold, copy)
  return copy:eval()
end

return M
