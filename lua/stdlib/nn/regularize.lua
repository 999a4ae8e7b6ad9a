-- nn.regularize: penalties, projections and proximal steps on weights; noise and mixtures of the data.
--
-- Which parameters: a list of tensors, or a model with a pattern (PCRE2) over the names, by default everything but biases
-- and the parameters of norms: nn.regularize.l2(model), nn.regularize.l2(model, "^1\\.weight$").

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

---Gives the parameters that a penalty is of: those whose name a pattern (PCRE2) matches; without a pattern those with 2 or more
---dims, which leaves out biases and the scales of norms. The other functions of this family choose theirs so.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor[]
---example:
---  > model = nn.Linear(3, 2)
---  > #nn.regularize.weights(model), #nn.regularize.weights(model, ".*")
---  1	2
---see: nn.regularize.l2, nn.Module:named_parameters, nn.optim.groups
function M.weights(model, pattern)
  if core.is_tensor(model) then
    return { model }
  elseif not module.is_module(model) then
    if type(model) ~= "table" then
      core.raise(("regularize: takes a model or a list of parameters, but got %s"):format(core.describe(model)))
    end
    if model[1] == nil then
      core.raise "regularize: the list of parameters is empty"
    end
    for i, w in ipairs(model) do
      if not core.is_tensor(w) then
        core.raise(("regularize: parameter %d must be a tensor, but is %s"):format(i, core.describe(w)))
      end
    end
    return model
  end
  local list = {}
  local re = pattern and require("nn.rex").new(pattern)
  for _, entry in ipairs(model:named_parameters()) do
    if (re and re:find(entry[1])) or (not re and entry[2].ndim >= 2) then
      list[#list + 1] = entry[2]
    end
  end
  if #list == 0 then
    core.raise(("regularize: no parameter %s"):format(pattern and ("matches '%s'"):format(pattern) or "has 2 or more dims"))
  end
  return list
end

local function total(list, f)
  local sum
  for _, w in ipairs(list) do
    local part = f(w)
    sum = sum and sum + part or part
  end
  return sum
end

---Gives the penalty sum w^2, to be added to a loss: loss + lambda * nn.regularize.l2(model). The gradient is 2 lambda w, so an
---optimizer's weight_decay of 2 lambda is the same.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor scalar
---example:
---  > nn.regularize.l2(nn.tensor {{1.0, -2.0}})
---  tensor(5., float32)
---see: nn.regularize.l1, nn.regularize.elastic_net, nn.optim.SGD, nn.RidgeRegression
function M.l2(model, pattern)
  return total(M.weights(model, pattern), function(w)
    return w:square():sum()
  end)
end

---Gives the penalty sum |w|, to be added to a loss: it makes weights small. With gradients they do not become exactly 0;
---proximal_l1_ does that.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor scalar
---example:
---  > nn.regularize.l1(nn.tensor {{1.0, -2.0}})
---  tensor(3., float32)
---see: nn.regularize.proximal_l1_, nn.regularize.l2, nn.LassoRegression
function M.l1(model, pattern)
  return total(M.weights(model, pattern), function(w)
    return w:abs():sum()
  end)
end

---Gives the elastic net's penalty, to be added to a loss: l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param l1_ratio? number from 0 (l2 alone) to 1 (l1 alone)
---@param pattern? string
---@return nn.Tensor scalar
---example:
---  > nn.regularize.elastic_net(nn.tensor {{1.0, -2.0}}, 0.5)
---  tensor(2.75, float32)
---see: nn.regularize.l1, nn.regularize.l2, nn.regularize.proximal_elastic_net_
---source: Zou & Hastie 2005, "Regularization and variable selection via the elastic net"
function M.elastic_net(model, l1_ratio, pattern)
  l1_ratio = options.argument("elastic_net", "l1_ratio", l1_ratio or 0.5, "number", 0)
  return M.l1(model, pattern) * l1_ratio + M.l2(model, pattern) * ((1 - l1_ratio) / 2)
end

-- ---- after a step ----

---Makes the proximal step of t sum |w|, in place: every weight moves t towards 0 and stays there if it would pass it. After
---each optimizer step on the loss alone, with t = lr * lambda, this minimizes loss + lambda sum |w| and gives exact zeros
---(ISTA).
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@param t number
---example:
---  > w = nn.Parameter(nn.tensor {{0.3, -0.05}})
---  > nn.regularize.proximal_l1_({w}, 0.1)
---  > w:detach()
---  tensor([[0.2, 0.0]], shape=1x2, float32)
---see: nn.regularize.l1, nn.regularize.sparsity, nn.train.fit
---source: Daubechies, Defrise & De Mol 2004
function M.proximal_l1_(model, t, pattern)
  options.argument("proximal_l1_", "t", t, "number", 0)
  core.no_grad(function()
    for _, w in ipairs(M.weights(model, pattern)) do
      w:copy_(core.relu(w - t) - core.relu(-w - t))
    end
  end)
end

---Makes the elastic net's proximal step, in place: of t (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2), in place.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param t number
---@param l1_ratio number
---@param pattern? string
---example:
---  > w = nn.Parameter(nn.tensor {{0.5, -0.05}})
---  > nn.regularize.proximal_elastic_net_({w}, 0.2, 0.5)
---  > w:detach()
---  tensor([[0.3636, 0.0000]], shape=1x2, float32)
---see: nn.regularize.elastic_net, nn.regularize.proximal_l1_
function M.proximal_elastic_net_(model, t, l1_ratio, pattern)
  M.proximal_l1_(model, t * l1_ratio, pattern)
  core.no_grad(function()
    for _, w in ipairs(M.weights(model, pattern)) do
      w:div_(1 + t * (1 - l1_ratio))
    end
  end)
end

---Brings all weights together back to sum w^2 <= T, the nearest such point, in place. After each optimizer step this minimizes
---the loss under that constraint (projected gradients). Gives whether they were outside.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@param T number
---@return boolean projected
---example:
---  > w = nn.Parameter(nn.tensor {{3.0, 4.0}})
---  > nn.regularize.project_l2_({w}, 1)
---  true
---  > w:detach()
---  tensor([[0.6, 0.8]], shape=1x2, float32)
---see: nn.regularize.lambda_of_constraint, nn.regularize.max_norm_
function M.project_l2_(model, T, pattern)
  options.argument("project_l2_", "T", T, "number", 0)
  local list = M.weights(model, pattern)
  return core.no_grad(function()
    local size = M.l2(list):item()
    if size <= T then
      return false
    end
    for _, w in ipairs(list) do
      w:mul_(math.sqrt(T / size))
    end
    return true
  end)
end

---Gives the lambda that belongs to a constraint: for it, minimizing loss + lambda sum w^2 and minimizing the loss under sum
---w^2 <= T have the same solution, at a solution: there the loss's gradient is -2 lambda w. From the gradients of the loss
---alone, which must have been computed: lambda = -<g, w> / (2 sum w^2). Second result: |g + 2 lambda w| / |g|, 0 at an exact
---solution.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return number lambda, number residual
---example:
---  > w = nn.Parameter(nn.tensor {{0.6, 0.8}})
---  > ((w - nn.tensor {{3.0, 4.0}}) ^ 2):sum():backward()
---  > lambda, residual = nn.regularize.lambda_of_constraint {w}
---  > ("%.3f"):format(lambda)
---  4.000
---see: nn.regularize.project_l2_, nn.regularize.l2
function M.lambda_of_constraint(model, pattern)
  local gw, ww, gg = 0, 0, 0
  for _, w in ipairs(M.weights(model, pattern)) do
    if not w.grad then
      core.raise "lambda_of_constraint: the weights have no gradients; call loss:backward() on the loss without penalty first"
    end
    local g, value = w.grad:detach(), w:detach()
    gw = gw + (g * value):sum():item()
    ww = ww + value:square():sum():item()
    gg = gg + g:square():sum():item()
  end
  if ww == 0 or gg == 0 then
    return 0, 0
  end
  local lambda = -gw / (2 * ww)
  local rest = gg + 4 * lambda * gw + 4 * lambda * lambda * ww
  return lambda, math.sqrt(math.max(0, rest) / gg)
end

---Limits the norm of each unit's incoming weights, in place: rows of a larger norm are scaled down to `limit`. After each
---step.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param limit number
---@param pattern? string
---example:
---  > w = nn.Parameter(nn.tensor {{3.0, 4.0}, {0.3, 0.4}})
---  > nn.regularize.max_norm_({w}, 1)
---  > w:detach()
---  tensor([[0.6, 0.8],
---          [0.3, 0.4]], shape=2x2, float32)
---see: nn.regularize.project_l2_, nn.Dropout, nn.train.fit
---source: Srebro & Shraibman 2005; with dropout Srivastava et al. 2014
function M.max_norm_(model, limit, pattern)
  options.argument("max_norm_", "limit", limit, "number", 0)
  core.no_grad(function()
    for _, w in ipairs(M.weights(model, pattern)) do
      local rows = w:flatten(2)
      local norm = rows:square():sum(2, true):sqrt()
      local factor = core.minimum(limit / (norm + 1e-12), 1)
      w:copy_((rows * factor):reshape(w.shape))
    end
  end)
end

---Gives the share of weights that are exactly 0.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return number
---example:
---  > nn.regularize.sparsity(nn.tensor {{0.0, 1.0}, {0.0, 0.0}})
---  0.75
---see: nn.regularize.proximal_l1_, nn.LassoRegression
function M.sparsity(model, pattern)
  local zeros, all = 0, 0
  for _, w in ipairs(M.weights(model, pattern)) do
    zeros, all = zeros + w:detach():eq(0):sum():item(), all + w:numel()
  end
  return zeros / all
end

-- ---- of the data ----

---Turns labels into probabilities, batch x classes: 1 for the label's class, 0 elsewhere. classes: by default the largest
---label.
---@param y nn.Tensor labels from 1
---@param classes? integer
---@return nn.Tensor
---example:
---  > nn.regularize.one_hot(nn.tensor {1, 3}, 3)
---  tensor([[1., 0., 0.],
---          [0., 0., 1.]], shape=2x3, float32)
---see: nn.regularize.smooth_labels, nn.one_hot, nn.CrossEntropyLoss
function M.one_hot(y, classes)
  local n = classes or y:max():item()
  return (core.arange(n) + 1):unsqueeze(1):eq(y:unsqueeze(2)):to "float32"
end

---Smooths labels for CrossEntropyLoss: the share `epsilon` of each target is spread over all classes. Gives targets for
---CrossEntropyLoss, batch x classes; its option label_smoothing does the same.
---@param y nn.Tensor labels from 1
---@param classes integer
---@param epsilon number
---example:
---  > nn.regularize.smooth_labels(nn.tensor {1}, 4, 0.2)
---  tensor([[0.85, 0.05, 0.05, 0.05]], shape=1x4, float32)
---see: nn.CrossEntropyLoss, nn.regularize.one_hot, nn.regularize.mixup
---source: Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", section 7
function M.smooth_labels(y, classes, epsilon)
  return M.one_hot(y, classes) * (1 - epsilon) + epsilon / classes
end

---Mixes each sample with another of the batch: x' = m x + (1 - m) x[p], and the targets alike, with m ~ Beta(alpha, alpha).
---Gives inputs and probabilities for CrossEntropyLoss. Options: alpha (0.2; 0: no mixing), generator (default: the one that
---nn.manual_seed seeds).
---@param x nn.Tensor
---@param y nn.Tensor int64 classes or probabilities
---@param classes integer
---@param opts? {alpha: number, generator: nn.Generator}
---@return nn.Tensor x, nn.Tensor y batch x classes
---example:
---  > x, y = nn.regularize.mixup(nn.randn(4, 2), nn.tensor {1, 2, 1, 2}, 2)
---  > y.shape, y:sum(2)
---  4x2	tensor([1., 1., 1., 1.], shape=4, float32)
---see: nn.regularize.smooth_labels, nn.regularize.cutout
---source: Zhang et al. 2018, "mixup: beyond empirical risk minimization"
function M.mixup(x, y, classes, opts)
  local o = options.read("mixup", opts, { alpha = { "number", 0.2 }, generator = { "any" } })
  if y.dtype == "int64" then
    y = M.one_hot(y, classes)
  end
  if o.alpha <= 0 then
    return x, y
  end
  local g = o.generator
  local function uniform()
    return (g and core.rand({}, { generator = g, dtype = "float64" }) or core.rand({}, { dtype = "float64" })):item()
  end
  -- Beta(a, a) by Joehnk 1964
  local m
  repeat
    local u, v = uniform() ^ (1 / o.alpha), uniform() ^ (1 / o.alpha)
    m = u + v > 0 and u + v <= 1 and u / (u + v)
  until m
  local order = g and core.randperm(#x, { generator = g }) or core.randperm(#x)
  local function mix(t)
    return t * m + t:index_select(1, order) * (1 - m)
  end
  return mix(x), mix(y)
end

---Cuts a square out of each image: size x size pixels are 0, at a random place that may reach over the edge. x: batch x
---height x width, or batch x channels x height x width. Options: generator (default: the one that nn.manual_seed seeds).
---@param x nn.Tensor
---@param size integer
---@param opts? {generator: nn.Generator}
---example:
---  > nn.manual_seed(1)
---  > nn.regularize.cutout(nn.ones(1, 4, 4), 2)
---  tensor([[[1., 1., 1., 1.],
---           [1., 1., 1., 1.],
---           [1., 1., 0., 0.],
---           [1., 1., 0., 0.]]], shape=1x4x4, float32)
---see: nn.regularize.mixup, nn.Dropout
---source: DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with cutout"
function M.cutout(x, size, opts)
  local o = options.read("cutout", opts, { generator = { "any" } })
  if x.ndim ~= 3 and x.ndim ~= 4 then
    core.raise(("cutout: images must be batch x height x width (or with channels), but have shape %s"):format(tostring(x.shape)))
  end
  local function inside(n)
    local at = o.generator and core.randint(0, n, { #x, 1 }, { generator = o.generator }) or core.randint(0, n, { #x, 1 })
    local from = at - size // 2
    local place = core.arange(n):unsqueeze(1)
    return core.logical_and(place:ge(from), place:lt(from + size))
  end
  local h, w = x:size(-2), x:size(-1)
  local hole = core.logical_and(inside(h):unsqueeze(3), inside(w):unsqueeze(2))
  if x.ndim == 4 then
    hole = hole:unsqueeze(2)
  end
  return x:masked_fill(hole, 0)
end

---Gives x plus noise from N(0, std^2), new at each call: against learning the samples by heart.
---@param x nn.Tensor
---@param std number
---@return nn.Tensor
---example:
---  > nn.regularize.noise(nn.zeros(2, 3), 0.1).shape
---  2x3
---see: nn.data.noise, nn.regularize.cutout, nn.randn
function M.noise(x, std)
  return x + core.randn_like(x) * std
end

return options.namespace("nn.regularize", M)
