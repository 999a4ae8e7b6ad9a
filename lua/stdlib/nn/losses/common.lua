-- What losses share: how one is made, its checks, its reduction. A loss of your own is a function(output, target) that returns
-- a scalar tensor.

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

---Makes a loss: its settings beside the reduction, and its formula.
---@param into table where the class goes, under its name
function M.define(into, name, settings, f, default_reduction, extra_reductions)
  local Loss = module.Module:extend(name)
  local spec = { reduction = { "string", default_reduction or "mean" } }
  for key, rule in pairs(settings) do
    spec[key] = rule
  end
  local reductions = { mean = true, sum = true, none = true }
  if extra_reductions then
    reductions[extra_reductions] = true
  end
  ---@param opts? table
  function Loss:init(opts)
    local o = options.read(name, opts, spec)
    if not reductions[o.reduction] then
      core.raise(("%s: reduction must be \"mean\", \"sum\"%s or \"none\", but is \"%s\""):format(name,
        extra_reductions and (', "%s"'):format(extra_reductions) or "", o.reduction))
    end
    for key, value in pairs(o) do
      self[key] = value
    end
  end
  function Loss:extra()
    local names, parts = {}, {}
    for key in pairs(spec) do
      names[#names + 1] = key
    end
    table.sort(names)
    for _, key in ipairs(names) do
      local value = self[key]
      if value ~= spec[key][2] and not core.is_tensor(value) then
        parts[#parts + 1] = ("%s = %s"):format(key, type(value) == "string" and ("%q"):format(value) or tostring(value))
      elseif core.is_tensor(value) then
        parts[#parts + 1] = ("%s of %s"):format(key, tostring(value.shape))
      end
    end
    return table.concat(parts, ", ")
  end
  Loss.forward = f
  into[name] = Loss
end

---Both given, both tensors.
function M.check_pair(self, input, target)
  for i, what in ipairs { "input", "target" } do
    local t = i == 1 and input or i == 2 and target
    if not core.is_tensor(t) then
      core.raise(("%s: the %s must be a tensor, but is %s"):format(self._name, what, core.describe(t or nil)))
    end
  end
end

---The same, of one shape.
function M.check_equal(self, input, target)
  M.check_pair(self, input, target)
  if input.shape ~= target.shape then
    core.raise(("%s: the input has shape %s, but the target %s"):format(self._name, tostring(input.shape),
      tostring(target.shape)))
  end
end

---The loss of a batch, as the reduction says.
function M.reduce(self, values)
  if self.reduction == "mean" then
    return values:mean()
  elseif self.reduction == "sum" then
    return values:sum()
  end
  return values
end

---A loss that is a formula for each element of input and target.
function M.elementwise(into, name, settings, formula)
  M.define(into, name, settings, function(self, input, target)
    M.check_equal(self, input, target)
    return M.reduce(self, formula(self, input, target))
  end)
end

---log-probabilities as rows x classes (from batch x classes x ...), integer targets as a vector, and how to bring a
---vector of losses back.
function M.class_rows(self, x, target)
  local n = x.ndim
  if n == 1 then
    return x:reshape(1, -1), target:reshape(-1), function(v)
      return v:reshape(target.shape)
    end
  elseif n == 2 then
    return x, target, function(v)
      return v
    end
  end
  local order = { 1 }
  for d = 3, n do
    order[#order + 1] = d
  end
  order[n] = 2
  if target:numel() * x:size(2) ~= x:numel() then
    core.raise(("%s: the input has shape %s, but the target %s"):format(self._name, tostring(x.shape), tostring(target.shape)))
  end
  return x:permute(order):reshape(-1, x:size(2)), target:reshape(-1), function(v)
    return v:reshape(target.shape)
  end
end

---Raises unless the target is class labels.
function M.check_classes(self, target, n)
  if not core.is_tensor(target) or target.dtype ~= "int64" then
    core.raise(("%s: targets are %s but must be int64 class labels from 1 to %d; convert them with y:to(\"int64\")"):format(
      self._name, core.describe(target), n))
  end
end

---rows[i][t[i]], with the loss's name in the error for a class that is not there.
function M.pick(self, rows, t)
  local ok, picked = pcall(core.gather, rows, 2, t)
  if not ok then
    local what = tostring(picked):match "gather: (.*out of range.*)"
    if what then
      core.raise(("%s: target %s (input %s); classes count from 1: if your labels start at 0, add 1: y + 1"):format(self._name,
        what, tostring(rows.shape)))
    end
    error(picked, 0)
  end
  return picked
end

---Signs for each pair: a tensor of the pairs' shape.
function M.check_signs(self, y, pairs_shape)
  if not core.is_tensor(y) or y.shape ~= pairs_shape then
    core.raise(("%s: needs a third tensor of 1 and -1, one for each pair (shape %s), but it is %s"):format(self._name,
      tostring(pairs_shape), core.describe(y)))
  end
end

---Says what the first argument of losses is, for those who make a decision of it (nn.train's accuracy): "scores" of classes
---along dim 2, the largest counts; "logits", the sign; "probabilities", above 1/2; "values", nearer to which target.
---@param losses table<string, nn.Module>
---@param kind string
---@param names string
function M.input_is(losses, kind, names)
  for name in names:gmatch "%S+" do
    losses[name].input_is = kind
  end
end

return M
