-- The metrics that are sums: accuracy and its kin, mean errors, top-k accuracy. The functions are also public, as
-- nn.train.metrics.accuracy(output, target) and so on: they give the sum over a batch and, where that is not the number of
-- samples, of how many.

local core = require "nn.core"
local forms = require "nn.train.metrics.forms"
local module = require "nn.layers.module"

local M = {}

local aligned, per_sample, show = forms.aligned, forms.per_sample, forms.show

-- ---- decisions ----

-- The mean over each sample's elements, summed over the samples; nan where the output has one.
local function share(right, output)
  local sum = right:to("float32"):sum() / per_sample(right)
  return output.dtype:find "float" and sum + forms.poison(output) or sum
end

local function binary(who, output, target, threshold)
  local a, b = aligned(who, output, target)
  return share(a:gt(threshold):eq(b:gt(0.5)), output)
end

-- Class scores over dim 2 against labels, or against shares of the classes (one-hot targets, say).
local function categorical(who, output, target, loss)
  if output.ndim < 2 then
    core.raise(("%s: the output has shape %s, but must be samples x classes"):format(who, show(output)))
  end
  local chosen = output:argmax(2)
  if target.dtype:find "float" and target.shape == output.shape then
    return share(chosen:eq(target:argmax(2)), output)
  end
  local hint = chosen:numel() ~= target:numel() and forms.hint_of_order(output, target) or ""
  if hint ~= "" then
    core.raise(("%s: the output has shape %s, but the target %s%s"):format(who, show(output), show(target), hint))
  end
  local _, labels = aligned(who, chosen, target)
  local ignored = module.is_module(loss) and loss.ignore_index
  if not ignored then
    return share(chosen:reshape(labels.shape):eq(labels), output)
  end
  local counts = labels:ne(ignored)
  local right = core.logical_and(counts, chosen:reshape(labels.shape):eq(labels)):sum()
  return output.dtype:find "float" and right + forms.poison(output) or right, counts:sum()
end

-- What an output means is said by the loss (predicts, in the layer table). A loss over values, such as MSELoss, says it
-- only together with how the classes are written in the targets: `coding` is halfway between the two numbers.
local function accuracy(output, target, loss, coding)
  local kind = module.is_module(loss) and loss.input_is
  local rows = output.ndim >= 2 and output:size(2) > 1
  if kind == "logits" then
    return binary("accuracy", output, target, 0)
  elseif kind == "probabilities" then
    return binary("accuracy", output, target, 0.5)
  elseif kind == "scores" or (rows and (kind == "values" or not target.dtype:find "float")) then
    return categorical("accuracy", output, target, loss)
  elseif kind == "values" and coding then
    return binary("accuracy", output, target, coding)
  elseif kind == "values" then
    core.raise(("accuracy: with %s, the targets must be classes, all of them 0 or 1, or all -1 or 1; for others say where the "
      .. "output is taken for the second class: {\"binary_accuracy\", threshold = 0.5}"):format(loss._name))
  end
  core.raise(("accuracy: the loss does not tell what an output of shape %s means; say it: {\"binary_accuracy\", threshold = 0} "
    .. "for logits, {\"binary_accuracy\", threshold = 0.5} for probabilities, or \"categorical_accuracy\" for scores of "
    .. "classes"):format(show(output)))
end

local function mean_of(who, formula)
  return function(output, target)
    local a, b = aligned(who, output, target)
    local values = formula(a - b)
    return values:sum() / per_sample(values)
  end
end

M.accuracy = accuracy

function M.categorical_accuracy(output, target, loss)
  return categorical("categorical_accuracy", output, target, loss)
end

function M.binary_accuracy(output, target, threshold)
  return binary("binary_accuracy", output, target, type(threshold) == "number" and threshold or 0)
end

M.mae = mean_of("mae", function(d)
  return d:abs()
end)

M.mse = mean_of("mse", function(d)
  return d:square()
end)

-- ---- as kinds ----

---The number that a part is: what a metric of one's own gives may be anything.
function M.number(m, value)
  if module.is_tensor(value) then
    if value:numel() ~= 1 then
      core.raise(("metric '%s': gave a tensor of shape %s, but must give one number, a sum over the batch"):format(m.name,
        show(value)))
    end
    return value:item()
  elseif type(value) ~= "number" then
    core.raise(("metric '%s': must give a number, a sum over the batch, but gave %s"):format(m.name, core.describe(value)))
  end
  return value
end

---Merges a sum, and of how many (false or nil: the samples).
function M.merge_sum(m, s, n, sum, count)
  s.sum = (s.sum or 0) + M.number(m, sum)
  s.count = (s.count or 0) + (count and M.number(m, count) or n)
end

local function mean(_, s)
  return s.sum / s.count, s.count == 0 and forms.saw_nothing or s.sum ~= s.sum and "an output or a target was nan" or nil
end

---What is kept of a sum.
M.sums = { sum = { "number" }, count = { "number" } }

-- A kind whose parts are those of one of the functions.
local function plain(name, title, mode, parts, settings)
  return { name = name, title = title, mode = mode, width = 2, parts = parts, merge = M.merge_sum, result = mean,
    state = M.sums, settings = settings, old = true }
end

-- Accuracy as an object, which may be told what the loss would.
local function accuracy_of(m, output, target)
  local kind = m.settings.input_is
  if kind == "scores" then
    return categorical("accuracy", output, target, m.loss)
  elseif kind == "logits" or kind == "probabilities" then
    return binary("accuracy", output, target, kind == "logits" and 0 or 0.5)
  end
  return accuracy(output, target, m.loss, m.coding)
end

-- Targets that rank among the k best scores. Of equal scores the first counts as better, as argmax has it.
local function top_k(m, output, target)
  local rows, labels, counts, found = forms.classes(m, output, target)
  local k, classes = m.settings.k, rows:size(2)
  if k > classes then
    core.raise(("%s: k is %d, but the output has scores of %d classes"):format(m.name, k, classes))
  end
  local of_label = rows:gather(2, labels:unsqueeze(2))
  local place = (core.arange(classes) + 1):to("int64"):unsqueeze(1)
  local before = core.logical_or(rows:gt(of_label), core.logical_and(rows:eq(of_label), place:lt(labels:unsqueeze(2))))
  local right = before:to("int64"):sum(2):lt(k)
  right = counts and core.logical_and(right, counts) or right
  return forms.pack(found, right:to("int64"):sum(), counts and counts:to("int64"):sum() or #labels)
end

local function count_result(_, s)
  if s.nan then
    return forms.nan, forms.saw_nan
  elseif s.count == 0 then
    return forms.nan, forms.saw_nothing
  end
  return s.sum / s.count
end

M.kinds = {
  plain("accuracy", "Accuracy", "max", accuracy_of, {
    input_is = { "string", one_of = { "scores", "probabilities", "logits" } },
  }),
  plain("categorical_accuracy", "CategoricalAccuracy", "max", function(m, output, target)
    return M.categorical_accuracy(output, target, m.loss)
  end),
  plain("binary_accuracy", "BinaryAccuracy", "max", function(m, output, target)
    return M.binary_accuracy(output, target, m.settings.threshold)
  end, { threshold = { "number" } }),
  plain("mae", "MAE", "min", function(_, output, target)
    return M.mae(output, target)
  end),
  plain("mse", "MSE", "min", function(_, output, target)
    return M.mse(output, target)
  end),
  {
    name = "top_k", title = "TopK", mode = "max", width = 1, takes = "ignore_index",
    settings = { k = { "integer", 5, least = 1 } },
    label = function(settings)
      return "top_" .. settings.k
    end,
    parts = top_k, merge = forms.merge_sum, result = count_result, state = forms.sums,
  },
}

return M
