-- nn.optim: optimizers. opt.param_groups is a list of groups {params = {...}, lr = ..., ...} that may be read and changed
-- at any time; a step over all of them is one call into C.

local core = require "nn.core"
local module = require "nn.layers.module"
local optimizer = require "nn.optim.optimizer"
local options = require "nn.internal.options"

local M = {}

local function not_negative(who, o, ...)
  for _, name in ipairs { ... } do
    if o[name] < 0 or o[name] ~= o[name] then
      core.raise(("%s: %s must be 0 or more, but is %g"):format(who, name, o[name]))
    end
  end
end

local function define(name, spec, check)
  local make = optimizer.define(name, spec, check)
  ---@param params table parameters, or groups {params = ..., lr = ...}
  ---@param opts? table
  M[name] = function(params, opts)
    return make(params, opts)
  end
end

---Stochastic gradient descent; momentum and Nesterov's form as in Sutskever et al. 2013.
define("SGD", {
  lr = { "number", 1e-3 }, momentum = { "number", 0 }, dampening = { "number", 0 }, weight_decay = { "number", 0 },
  nesterov = { "boolean", false }, maximize = { "boolean", false },
}, function(who, o)
  not_negative(who, o, "lr", "momentum", "weight_decay")
  if o.nesterov and (o.momentum == 0 or o.dampening ~= 0) then
    core.raise(("%s: nesterov needs momentum above 0 and no dampening"):format(who))
  end
end)

local adam = {
  lr = { "number", 1e-3 }, betas = { "table", { 0.9, 0.999 } }, eps = { "number", 1e-8 },
  weight_decay = { "number", 0 }, maximize = { "boolean", false },
}
local function check_adam(who, o)
  not_negative(who, o, "lr", "eps", "weight_decay")
  for i = 1, 2 do
    local b = o.betas[i]
    if type(b) ~= "number" or not (b >= 0 and b < 1) then
      core.raise(("%s: betas must be two numbers in 0 <= beta < 1, e.g. {0.9, 0.999}"):format(who))
    end
  end
end

---Adam: Kingma & Ba 2015. Weight decay is added to the gradient.
define("Adam", adam, check_adam)

---AdamW: Loshchilov & Hutter 2019. Weight decay is applied to the weights, 1e-2 by default.
define("AdamW", {
  lr = adam.lr, betas = adam.betas, eps = adam.eps, weight_decay = { "number", 1e-2 }, maximize = adam.maximize,
}, check_adam)

-- A list of numbers in an option, each inside its bounds.
local function numbers(who, o, name, n, low, high)
  for i = 1, n do
    local v = type(o[name]) == "table" and o[name][i]
    if type(v) ~= "number" or not (v >= low and v < high) then
      core.raise(("%s: %s must be %d numbers of at least %g and below %g"):format(who, name, n, low, high))
    end
  end
end

-- Rules that are an entry in src/optim/update.c: their options here must be those there.
local function plain(...)
  local names = { ... }
  return function(who, o)
    not_negative(who, o, "lr", table.unpack(names))
    if o.betas then
      check_adam(who, { lr = 0, eps = 0, weight_decay = 0, betas = o.betas })
    end
  end
end

local function adam_like(lr, eps, extra)
  local spec = { lr = { "number", lr }, betas = { "table", { 0.9, 0.999 } }, eps = { "number", eps },
    weight_decay = { "number", 0 }, maximize = { "boolean", false } }
  for name, rule in pairs(extra or {}) do
    spec[name] = rule
  end
  return spec
end

---Duchi, Hazan & Singer 2011.
define("Adagrad", {
  lr = { "number", 1e-2 }, lr_decay = { "number", 0 }, weight_decay = { "number", 0 },
  initial_accumulator_value = { "number", 0 }, eps = { "number", 1e-10 }, maximize = { "boolean", false },
}, plain("lr_decay", "weight_decay", "initial_accumulator_value", "eps"))

---Zeiler 2012.
define("Adadelta", {
  lr = { "number", 1 }, rho = { "number", 0.9 }, eps = { "number", 1e-6 }, weight_decay = { "number", 0 },
  maximize = { "boolean", false },
}, plain("rho", "eps", "weight_decay"))

---Tieleman & Hinton 2012; centered: Graves 2013.
define("RMSprop", {
  lr = { "number", 1e-2 }, alpha = { "number", 0.99 }, eps = { "number", 1e-8 }, weight_decay = { "number", 0 },
  momentum = { "number", 0 }, centered = { "boolean", false }, maximize = { "boolean", false },
}, plain("alpha", "eps", "weight_decay", "momentum"))

---Resilient backpropagation, for full batches: Riedmiller & Braun 1993.
define("Rprop", {
  lr = { "number", 1e-2 }, etas = { "table", { 0.5, 1.2 } }, step_sizes = { "table", { 1e-6, 50 } },
  maximize = { "boolean", false },
}, function(who, o)
  not_negative(who, o, "lr")
  numbers(who, o, "etas", 2, 0, math.huge)
  numbers(who, o, "step_sizes", 2, 0, math.huge)
end)

---Kingma & Ba 2015, algorithm 2.
define("Adamax", adam_like(2e-3, 1e-8), plain("eps", "weight_decay"))

---Adam with Nesterov's momentum: Dozat 2016.
define("NAdam", adam_like(2e-3, 1e-8, { momentum_decay = { "number", 4e-3 } }), plain("eps", "weight_decay", "momentum_decay"))

---Rectified Adam: Liu et al. 2020.
define("RAdam", adam_like(1e-3, 1e-8), plain("eps", "weight_decay"))

---Layer-wise rates for large batches: You et al. 2020. Weight decay is part of the direction.
define("LAMB", adam_like(1e-3, 1e-6), plain("eps", "weight_decay"))

---The sign of an average; decoupled weight decay: Chen et al. 2023.
define("Lion", {
  lr = { "number", 1e-4 }, betas = { "table", { 0.9, 0.99 } }, weight_decay = { "number", 0 },
  maximize = { "boolean", false },
}, plain("weight_decay"))

---Averaged SGD: Polyak & Juditsky 1992. The average of a parameter is the second result of opt.state:get(parameter); see
---also AveragedModel.
define("ASGD", {
  lr = { "number", 1e-2 }, lambd = { "number", 1e-4 }, alpha = { "number", 0.75 }, t0 = { "number", 1e6 },
  weight_decay = { "number", 0 }, maximize = { "boolean", false },
}, plain("lambd", "weight_decay", "t0"))

-- ---- clipping ----

local function with_gradients(who, params)
  if module.is_tensor(params) then
    params = { params }
  end
  local list = {}
  for i, p in ipairs(optimizer.list_of(who, params)) do
    if not module.is_tensor(p) then
      core.raise(("%s: parameter %d must be a tensor, but is %s"):format(who, i, core.describe(p)))
    end
    list[#list + 1] = p.grad
  end
  return list
end

-- The p-norm of all of them together.
local function joint_norm(grads, p)
  local total = core.zeros()
  for _, g in ipairs(grads) do
    if p == math.huge then
      total = g:numel() > 0 and core.maximum(total, g:abs():max()) or total
    else
      total = total + (p == 2 and g:square() or g:abs():pow(p)):sum()
    end
  end
  return p == 2 and total:sqrt() or p == math.huge and total or total:pow(1 / p)
end

---Scales all gradients together so that their joint norm is at most max_norm (Pascanu et al. 2013). Reads no value, so it
---can stand in a compiled function.
---@param params nn.Tensor[]
---@param max_norm number
---@param norm_type? number which p-norm: default 2, the Euclidean one; math.huge: the largest absolute value
---@return nn.Tensor the norm before, a scalar
function M.clip_grad_norm_(params, max_norm, norm_type)
  options.argument("clip_grad_norm_", "max_norm", max_norm, "number", 0)
  norm_type = options.argument("clip_grad_norm_", "norm_type", norm_type or 2, "number")
  if norm_type <= 0 or norm_type ~= norm_type then
    core.raise(("clip_grad_norm_: norm_type must be above 0, but is %g"):format(norm_type))
  end
  local grads = with_gradients("clip_grad_norm_", params)
  return core.no_grad(function()
    local norm = joint_norm(grads, norm_type)
    local factor = core.minimum(max_norm / (norm + 1e-6), 1)
    for _, g in ipairs(grads) do
      g:mul_(factor)
    end
    return norm
  end)
end

---Brings each element of all gradients into -limit .. limit.
---@param params nn.Tensor[]
---@param limit number
function M.clip_grad_value_(params, limit)
  options.argument("clip_grad_value_", "limit", limit, "number", 0)
  local grads = with_gradients("clip_grad_value_", params)
  core.no_grad(function()
    for _, g in ipairs(grads) do
      g:clamp_(-limit, limit)
    end
  end)
end

-- What lives in files of its own.
local homes = {
  LBFGS = "nn.optim.closure", ConjugateGradient = "nn.optim.closure", LevenbergMarquardt = "nn.optim.closure",
  AveragedModel = "nn.optim.averaging", Lookahead = "nn.optim.averaging", groups = "nn.optim.averaging",
}

return options.namespace("nn.optim", M, homes)
