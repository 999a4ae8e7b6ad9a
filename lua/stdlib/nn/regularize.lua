-- nn.regularize: penalties, projections and proximal steps on weights; noise and mixtures of the data.
--
-- Which parameters: a list of tensors, or a model with a pattern (PCRE2) over the names, by default everything but biases
-- and the parameters of norms: nn.regularize.l2(model), nn.regularize.l2(model, "^1\\.weight$").

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

---Parameters by name; without a pattern those with 2 or more dims, which leaves out biases and the scales of norms.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor[]
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

---sum w^2, to be added to a loss: loss + lambda * nn.regularize.l2(model). The gradient is 2 lambda w, so an optimizer's
---weight_decay of 2 lambda is the same.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor scalar
function M.l2(model, pattern)
  return total(M.weights(model, pattern), function(w)
    return w:square():sum()
  end)
end

---sum |w|
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
function M.l1(model, pattern)
  return total(M.weights(model, pattern), function(w)
    return w:abs():sum()
  end)
end

---l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2: Zou & Hastie 2005.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param l1_ratio? number
---@param pattern? string
function M.elastic_net(model, l1_ratio, pattern)
  l1_ratio = options.argument("elastic_net", "l1_ratio", l1_ratio or 0.5, "number", 0)
  return M.l1(model, pattern) * l1_ratio + M.l2(model, pattern) * ((1 - l1_ratio) / 2)
end

-- ---- after a step ----

---The proximal step of t sum |w|: every weight moves t towards 0 and stays there if it would pass it. After each
---optimizer step on the loss alone, with t = lr * lambda, this minimizes loss + lambda sum |w| and gives exact zeros
---(ISTA: Daubechies, Defrise & De Mol 2004).
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@param t number
function M.proximal_l1_(model, t, pattern)
  options.argument("proximal_l1_", "t", t, "number", 0)
  core.no_grad(function()
    for _, w in ipairs(M.weights(model, pattern)) do
      w:copy_(core.relu(w - t) - core.relu(-w - t))
    end
  end)
end

---The proximal step of t (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2).
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param t number
---@param l1_ratio number
---@param pattern? string
function M.proximal_elastic_net_(model, t, l1_ratio, pattern)
  M.proximal_l1_(model, t * l1_ratio, pattern)
  core.no_grad(function()
    for _, w in ipairs(M.weights(model, pattern)) do
      w:div_(1 + t * (1 - l1_ratio))
    end
  end)
end

---Brings all weights together back to sum w^2 <= T, the nearest such point. After each optimizer step this minimizes the
---loss under that constraint (projected gradients).
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@param T number
---@return boolean projected
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

---The lambda for which minimizing loss + lambda sum w^2 and minimizing the loss under sum w^2 <= T have the same solution,
---at a solution: there the loss's gradient is -2 lambda w. From the gradients of the loss alone, which must have been
---computed: lambda = -<g, w> / (2 sum w^2). Second result: |g + 2 lambda w| / |g|, 0 at an exact solution.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return number lambda, number residual
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

---Scales the incoming weights of each unit (each row) whose norm is above `limit` down to it: Srebro & Shraibman 2005;
---with dropout: Srivastava et al. 2014.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param limit number
---@param pattern? string
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

---Share of weights that are exactly 0.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
function M.sparsity(model, pattern)
  local zeros, all = 0, 0
  for _, w in ipairs(M.weights(model, pattern)) do
    zeros, all = zeros + w:detach():eq(0):sum():item(), all + w:numel()
  end
  return zeros / all
end

-- ---- of the data ----

---Targets as probabilities: batch x classes.
---@param y nn.Tensor labels from 1
---@param classes? integer
function M.one_hot(y, classes)
  local n = classes or y:max():item()
  return (core.arange(n) + 1):unsqueeze(1):eq(y:unsqueeze(2)):to "float32"
end

---Label smoothing: the share `epsilon` of each target is spread over all classes (Szegedy et al. 2016). Gives targets for
---CrossEntropyLoss; its option label_smoothing does the same.
---@param y nn.Tensor labels from 1
---@param classes integer
---@param epsilon number
function M.smooth_labels(y, classes, epsilon)
  return M.one_hot(y, classes) * (1 - epsilon) + epsilon / classes
end

---Mixes each sample with another of the batch: x' = m x + (1 - m) x[p], and the targets alike, with m ~ Beta(alpha, alpha)
---(Zhang et al. 2018). Gives inputs and probabilities for CrossEntropyLoss.
---@param x nn.Tensor
---@param y nn.Tensor int64 classes or probabilities
---@param classes integer
---@param opts? {alpha: number, generator: nn.Generator}
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

---Sets a square of size x size to 0 in each image, at a random place that may reach over the edge (DeVries & Taylor 2017).
---x: batch x height x width, or batch x channels x height x width.
---@param x nn.Tensor
---@param size integer
---@param opts? {generator: nn.Generator}
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

---x plus noise from N(0, std^2).
---@param x nn.Tensor
---@param std number
function M.noise(x, std)
  return x + core.randn_like(x) * std
end

return options.namespace("nn.regularize", M)
