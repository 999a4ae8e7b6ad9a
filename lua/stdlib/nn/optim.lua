-- nn.optim: optimizers. opt.param_groups is a list of groups {params = {...}, lr = ..., ...} that may be read and changed
-- at any time; a step over all of them is one call into C.

local contract = require "nn.internal.contract"
local core = require "nn.core"
local module = require "nn.layers.module"
local optimizer = require "nn.optim.optimizer"
local options = require "nn.internal.options"

local M = {}

-- ---- the rules of src/optim/rules.c ----

-- A rule's options as options.read takes them.
local function spec_of(rule)
  local spec = {}
  for _, o in ipairs(rule.options) do
    if o.at > 0 then
      spec[o.name] = spec[o.name] or { "table", {} }
      spec[o.name][2][o.at] = o.default
    else
      spec[o.name] = o.boolean and { "boolean", false } or { "number", o.default }
    end
  end
  return spec
end

local function help_of(rule)
  local notes = require "nn.optim.notes"
  local own = notes.rules[rule.name]
  local out, seen = {}, {}
  local spec, heads = spec_of(rule), {}
  out[1] = ""
  out[2] = rule.doc
  out[3] = own.formula
  out[4] = "  params: parameters, or groups {params = {...}, lr = ...}"
  for _, o in ipairs(rule.options) do
    if not seen[o.name] then
      seen[o.name] = true
      local default = spec[o.name][2]
      local text = type(default) == "table" and ("{%s}"):format(table.concat(default, ", ")) or tostring(default)
      local meaning = (own.options or {})[o.name] or notes.options[o.name]
      out[#out + 1] = ("  %s: default %s%s"):format(o.name, text, meaning and "; " .. meaning or "")
      heads[#heads + 1] = ("%s = %s"):format(o.name, text)
    end
  end
  out[1] = ("nn.optim.%s(params, {%s})"):format(rule.name, table.concat(heads, ", "))
  if #rule.states > 0 then
    out[#out + 1] = "Keeps for each parameter: " .. table.concat(rule.states, ", ") .. "."
  end
  out[#out + 1] = ([[
example:
  > w = nn.Parameter(nn.tensor {1.0, -2.0})
  > opt = nn.optim.%s({w}, {lr = %s})
  > (w * w):sum():backward() opt:step() opt:zero_grad()
  > w:detach()
  %s
see: %s]]):format(rule.name, own.lr, own.after, own.see)
  return table.concat(out, "\n")
end

for _, rule in ipairs(core.optimizers()) do
  local spec = spec_of(rule)
  local make = optimizer.define(rule.name, spec, core.check_options)
  ---@param params table parameters, or groups {params = ..., lr = ...}
  ---@param opts? table
  local function new(params, opts)
    return make(params, opts)
  end
  M[rule.name] = new
  contract.help[new] = function()
    return help_of(rule)
  end
end

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
  if p == 2 and #grads > 0 then
    local norms = {}
    for i, g in ipairs(grads) do
      norms[i] = g:norm()
    end
    return core.stack(norms):norm()
  end
  local total = core.zeros()
  for _, g in ipairs(grads) do
    if p == math.huge then
      total = g:numel() > 0 and core.maximum(total, g:abs():max()) or total
    else
      total = total + g:abs():pow(p):sum()
    end
  end
  return p == math.huge and total or total:pow(1 / p)
end

---Limits the joint norm of all gradients: scales them together so that it is at most max_norm, against steps that are too
---large. The direction stays. Reads no value, so it can stand in a compiled function. Call it between backward and step.
---@param params nn.Tensor[]
---@param max_norm number
---@param norm_type? number which p-norm: default 2, the Euclidean one; math.huge: the largest absolute value
---@return nn.Tensor the norm before, a scalar
---example:
---  > w = nn.Parameter(nn.tensor {3.0, 4.0})
---  > (w * w):sum():backward()
---  > nn.optim.clip_grad_norm_({w}, 1)
---  tensor(10., float32)
---  > w.grad
---  tensor([0.6, 0.8], shape=2, float32)
---see: nn.optim.clip_grad_value_, nn.train.fit
---source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1
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

---Limits each element of all gradients: to -limit .. limit, which changes their direction. Call it between backward and
---step.
---@param params nn.Tensor[]
---@param limit number
---example:
---  > w = nn.Parameter(nn.tensor {0.25, 4.0})
---  > (w * w):sum():backward()
---  > nn.optim.clip_grad_value_({w}, 1)
---  > w.grad
---  tensor([0.5, 1.0], shape=2, float32)
---see: nn.optim.clip_grad_norm_, nn.train.fit
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
