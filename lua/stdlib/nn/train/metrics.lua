-- Metrics: figures that are told beside the loss. A metric is a function(output, target) that gives a sum over a batch; fit
-- and evaluate divide by the number of samples, or by what the function gives as a second value. Those here read no value,
-- so that they can stand in a compiled step.

local core = require "nn.core"
local module = require "nn.layers.module"

local M = {}

local function show(t)
  return tostring(t.shape)
end

-- ---- decisions ----

-- Output and target with one shape, when they differ only by a last dim of 1.
local function aligned(who, output, target)
  if output.shape == target.shape then
    return output, target
  end
  local n = math.max(output.ndim, target.ndim)
  local longer = output.ndim == n and output or target
  if math.abs(output.ndim - target.ndim) == 1 and longer:size(n) == 1 and output:numel() == target:numel() then
    return output:reshape(longer.shape), target:reshape(longer.shape)
  end
  core.raise(("%s: the output has shape %s, but the target %s; they must be equal, one figure for each target"):format(who,
    show(output), show(target)))
end

-- How many elements belong to a sample.
local function per_sample(t)
  return #t == 0 and 1 or t:numel() / #t
end

-- The mean over each sample's elements, summed over the samples.
local function share(right)
  return right:to("float32"):sum() / per_sample(right)
end

local function binary(who, output, target, threshold)
  local a, b = aligned(who, output, target)
  return share(a:gt(threshold):eq(b:gt(0.5)))
end

-- Class scores over dim 2 against labels, or against shares of the classes (one-hot targets, say).
local function categorical(who, output, target, loss)
  if output.ndim < 2 then
    core.raise(("%s: the output has shape %s, but must be samples x classes"):format(who, show(output)))
  end
  local chosen = output:argmax(2)
  if target.dtype:find "float" and target.shape == output.shape then
    return share(chosen:eq(target:argmax(2)))
  end
  local _, labels = aligned(who, chosen, target)
  local ignored = module.is_module(loss) and loss.ignore_index
  if not ignored then
    return share(chosen:reshape(labels.shape):eq(labels))
  end
  local counts = labels:ne(ignored)
  return core.logical_and(counts, chosen:reshape(labels.shape):eq(labels)):sum(), counts:sum()
end

-- ---- the metrics ----

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

M.functions = {
  ---Share of samples that are taken for the class they are of. What the output means, the loss says: scores of classes
  ---(CrossEntropyLoss, NLLLoss, MultiMarginLoss: the largest counts), a logit (BCEWithLogitsLoss, HingeLoss and their kin:
  ---its sign), a probability (BCELoss: above 1/2), a value (MSELoss and its kin: nearer to which of the targets 0 and 1, or
  --- -1 and 1).
  accuracy = accuracy,
  ---The output's largest score (dim 2) is that of the target: labels from 1, or one-hot rows.
  categorical_accuracy = function(output, target, loss)
    return categorical("categorical_accuracy", output, target, loss)
  end,
  ---An output above the threshold means a target of 1: 0 for logits (the default), 1/2 for probabilities.
  binary_accuracy = function(output, target, threshold)
    return binary("binary_accuracy", output, target, type(threshold) == "number" and threshold or 0)
  end,
  ---Mean absolute error.
  mae = mean_of("mae", function(d)
    return d:abs()
  end),
  ---Mean squared error.
  mse = mean_of("mse", function(d)
    return d:square()
  end),
}

local lower_is_better = { mae = true, mse = true }

-- Halfway between the two numbers by which the targets of a data set name the classes; nil where they are no two such.
local function coding_of(loader)
  local meta = type(loader) == "table" and getmetatable(loader)
  local y = type(meta) == "table" and meta.__name == "nn.Loader" and loader.dataset.y
  if not module.is_tensor(y) or y:numel() == 0 then
    return nil
  end
  local one = y:eq(1)
  if core.logical_or(one, y:eq(0)):all():item() then
    return 0.5
  elseif core.logical_or(one, y:eq(-1)):all():item() then
    return 0
  end
end

-- ---- a list of metrics as the user gives it ----

local function names_of(t)
  local names = {}
  for name in pairs(t) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function check_direction(who, i, mode)
  if mode ~= nil and mode ~= "max" and mode ~= "min" then
    core.raise(("%s: metric %d: which way is better must be \"max\" or \"min\", but is %s"):format(who, i, core.describe(mode)))
  end
  return mode
end

local function own(who, i, given)
  for key in pairs(given) do
    if key ~= 1 and key ~= 2 and key ~= 3 and key ~= "mode" then
      core.raise(("%s: metric %d ('%s') has no setting '%s'; it is {name, function, \"max\" or \"min\"}"):format(who, i, given[1],
        tostring(key)))
    end
  end
  return { name = given[1], f = given[2], own = true, mode = check_direction(who, i, given[3] or given.mode) }
end

local function named(who, i, name, settings, loss, loader)
  local f = M.functions[name]
  if not f then
    local near = core.nearest(name, names_of(M.functions))
    core.raise(("%s: there is no metric '%s'%s (there are: %s; or give your own as {name, function(output, target), \"max\" or "
      .. "\"min\"}, a sum over the batch)"):format(who, name, near and ("; did you mean '%s'?"):format(near) or "",
      table.concat(names_of(M.functions), ", ")))
  end
  local threshold = settings.threshold
  for key in pairs(settings) do
    if key ~= 1 and not (key == "threshold" and name == "binary_accuracy" and type(threshold) == "number") then
      core.raise(("%s: metric %d: '%s' has no setting %s%s"):format(who, i, name, tostring(key),
        name == "binary_accuracy" and " (it takes threshold, a number)" or ""))
    end
  end
  local coding = name == "accuracy" and module.is_module(loss) and loss.input_is == "values" and coding_of(loader) or nil
  return { name = name, mode = lower_is_better[name] and "min" or "max", f = function(output, target)
    if name == "binary_accuracy" then
      return f(output, target, threshold)
    end
    return f(output, target, loss, coding)
  end }
end

---Reads a list of metrics: names, {name, setting = ...}, and {name, function, "max" | "min"}.
---@param who string
---@param list table
---@param loss any what is minimized, if anything
---@param loader any where the samples come from
---@return table[] {name =, f =, mode = "max", "min" or nil, own = its function is the user's}
function M.read(who, list, loss, loader)
  local out, seen = {}, { loss = true, epoch = true, seconds = true, lr = true }
  for i, given in ipairs(list) do
    local m
    if type(given) == "string" then
      m = named(who, i, given, {}, loss, loader)
    elseif type(given) == "table" and type(given[1]) == "string" and type(given[2]) == "function" then
      m = own(who, i, given)
    elseif type(given) == "table" and type(given[1]) == "string" and given[2] == nil then
      m = named(who, i, given[1], given, loss, loader)
    else
      core.raise(("%s: metric %d must be a name or {name, function, \"max\" or \"min\"}, but is %s"):format(who, i,
        core.describe(given)))
    end
    if seen[m.name] then
      core.raise(("%s: another figure is called '%s'; give metric %d another name"):format(who, m.name, i))
    end
    seen[m.name] = true
    out[i] = m
  end
  for key in pairs(list) do
    if math.type(key) ~= "integer" or key < 1 or key > #out then
      core.raise(("%s: metrics is a list, but has the key '%s'; write metrics = {\"accuracy\", {\"mae\", f, \"min\"}}"):format(
        who, tostring(key)))
    end
  end
  return out
end

-- ---- sums over an epoch ----

local function number(m, value)
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

---The values a step gives for its metrics: for each, its sum and its count, or false and false where the function is the
---user's, which may read values and is left to M.add, outside the compiled step.
function M.values(list, output, target)
  local values = {}
  for i, m in ipairs(list) do
    local sum, count = false, false
    if not m.own then
      sum, count = m.f(output, target)
    end
    values[2 * i - 1], values[2 * i] = sum, count or false
  end
  return table.unpack(values, 1, 2 * #list)
end

---Adds a batch's values (from index `at` of the packed values) to the sums.
function M.add(list, sums, values, at, output, target)
  for i, m in ipairs(list) do
    local sum, count = values[at + 2 * i - 2], values[at + 2 * i - 1]
    if m.own then
      sum, count = m.f(output, target)
    end
    local s = sums[m.name] or { sum = 0, count = 0 }
    sums[m.name] = s
    s.sum = s.sum + number(m, sum)
    s.count = s.count + (count and number(m, count) or #target)
  end
end

---Puts the metrics of an epoch into a row.
function M.finish(list, sums, row, prefix)
  for _, m in ipairs(list) do
    local s = sums[m.name]
    row[prefix .. m.name] = s.sum / s.count
  end
  return row
end

return M
