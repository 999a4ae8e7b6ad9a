-- Metrics: figures that are told beside the loss. Here is the list of them as fit and evaluate are given it, and what is done
-- with it over an epoch; what a metric is, metrics/metric.lua says. A metric of one's own is a function(output, target) that
-- gives a sum over a batch; it is divided by the number of samples, or by what the function gives as a second value.

local core = require "nn.core"
local metric = require "nn.train.metrics.metric"
local module = require "nn.layers.module"
local options = require "nn.internal.options"
local plain = require "nn.train.metrics.plain"

metric.define(plain.kinds)
for _, file in ipairs { "counts", "ranking", "values", "likelihood" } do
  metric.define(require("nn.train.metrics." .. file).kinds)
end

local M = {}

-- ---- nn.train.metrics ----

-- Functions of a batch, in small letters, and objects that count over many.
local public = {}

local function check(who, output, target)
  if output.ndim < 1 or target.ndim < 1 then
    core.raise(("%s: the output has shape %s and the target %s; both must be samples x ..."):format(who, tostring(output.shape),
      tostring(target.shape)))
  end
end

---Counts how many samples of a batch are taken for the class they are of. What the output means, the loss says: scores of
---classes (CrossEntropyLoss, NLLLoss, MultiMarginLoss: the largest counts), a logit (BCEWithLogitsLoss, HingeLoss and their
---kin: its sign), a probability (BCELoss: above 1/2), a value (MSELoss and its kin: nearer to which of the targets 0 and 1, or
----1 and 1; coding is halfway between them).
---@param output nn.Tensor
---@param target nn.Tensor
---@param loss? any
---@param coding? number
---@return nn.Tensor sum, nn.Tensor|nil count
---example:
---  > nn.train.metrics.accuracy(nn.tensor {{2.0, 1.0}, {0.0, 1.0}}, nn.tensor {1, 1})
---  tensor(1., float32)
---see: nn.train.metrics.Accuracy, nn.train.evaluate
function public.accuracy(output, target, loss, coding)
  check("accuracy", output, target)
  return plain.accuracy(output, target, loss, coding)
end

---Counts how often the output's largest score (dim 2) is that of the target: labels from 1, or one-hot rows.
---@param output nn.Tensor
---@param target nn.Tensor
---@param loss? any its ignore_index counts
---@return nn.Tensor sum, nn.Tensor|nil count
---example:
---  > nn.train.metrics.categorical_accuracy(nn.tensor {{2.0, 1.0}, {0.0, 1.0}}, nn.tensor {1, 2})
---  tensor(2., float32)
---see: nn.train.metrics.CategoricalAccuracy, nn.train.metrics.accuracy
function public.categorical_accuracy(output, target, loss)
  check("categorical_accuracy", output, target)
  return plain.categorical_accuracy(output, target, loss)
end

---Counts how often an output above the threshold meets a target of 1: 0 for logits (the default), 1/2 for probabilities.
---@param output nn.Tensor
---@param target nn.Tensor
---@param threshold? any
---@return nn.Tensor sum
---example:
---  > nn.train.metrics.binary_accuracy(nn.tensor {1.5, -0.5, 2.0}, nn.tensor {1.0, 0.0, 0.0})
---  tensor(2., float32)
---see: nn.train.metrics.BinaryAccuracy
function public.binary_accuracy(output, target, threshold)
  check("binary_accuracy", output, target)
  return plain.binary_accuracy(output, target, threshold)
end

---Gives the sum over a batch of each sample's mean absolute error.
---@param output nn.Tensor
---@param target nn.Tensor
---@return nn.Tensor sum
---example:
---  > nn.train.metrics.mae(nn.tensor {1.0, 3.0}, nn.tensor {1.0, 1.0})
---  tensor(2., float32)
---see: nn.train.metrics.MAE, nn.L1Loss
function public.mae(output, target)
  check("mae", output, target)
  return plain.mae(output, target)
end

---Gives the sum over a batch of each sample's mean squared error.
---@param output nn.Tensor
---@param target nn.Tensor
---@return nn.Tensor sum
---example:
---  > nn.train.metrics.mse(nn.tensor {1.0, 3.0}, nn.tensor {1.0, 1.0})
---  tensor(4., float32)
---see: nn.train.metrics.MSE, nn.MSELoss
function public.mse(output, target)
  check("mse", output, target)
  return plain.mse(output, target)
end

local function make(name, opts)
  local kind = metric.kinds[name]
  return metric.new(kind.title, kind, opts)
end

---Measures accuracy, the share of targets that are met. In fit "accuracy".
---Options: input_is (what the output is, as the loss says in fit), name (in a row).
---@param opts? {input_is: "scores"|"logits"|"probabilities", name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.Accuracy{input_is = "scores"}:add(nn.tensor {{2.0, 1.0}, {0.0, 1.0}}, nn.tensor {1, 1})
---  Accuracy{input_is = "scores"}: 0.5
---see: nn.train.metrics.TopK, nn.train.metrics.F1, nn.train.evaluate
function public.Accuracy(opts)
  return make("accuracy", opts)
end

---Measures the accuracy of scores of classes (dim 2): the largest is that of the target. In fit "categorical_accuracy".
---Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.CategoricalAccuracy():add(nn.tensor {{2.0, 1.0}, {0.0, 1.0}}, nn.tensor {1, 1})
---  CategoricalAccuracy(): 0.5
---see: nn.train.metrics.Accuracy
function public.CategoricalAccuracy(opts)
  return make("categorical_accuracy", opts)
end

---Measures the accuracy of yes or no: an output above the threshold means a target of 1. In fit "binary_accuracy".
---Options: threshold (0, which is right for logits), name (in a row).
---@param opts? {threshold: number, name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.BinaryAccuracy{threshold = 0.5}:add(nn.tensor {0.9, 0.2, 0.7, 0.4}, nn.tensor {1.0, 0.0, 0.0, 0.0})
---  BinaryAccuracy{threshold = 0.5}: 0.75
---see: nn.train.metrics.Accuracy, nn.train.metrics.Precision
function public.BinaryAccuracy(opts)
  return make("binary_accuracy", opts)
end

---Measures the mean absolute error. In fit "mae". Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.MAE():add(nn.tensor {1.0, 3.0}, nn.tensor {1.0, 1.0})
---  MAE(): 1
---see: nn.train.metrics.RMSE, nn.L1Loss
function public.MAE(opts)
  return make("mae", opts)
end

---Measures the mean squared error. In fit "mse". Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.MSE():add(nn.tensor {1.0, 3.0}, nn.tensor {1.0, 1.0})
---  MSE(): 2
---see: nn.train.metrics.RMSE, nn.MSELoss, nn.train.metrics.R2
function public.MSE(opts)
  return make("mse", opts)
end

---Measures how often the target is among the k best scores. Classes are dim 2; of equal scores the first counts as better, as
---argmax has it. In fit {"top_k", k = 3}; the row calls it top_3. Options: k (5), ignore_index (default the loss's), name (in a
---row).
---@param k? integer|table default 5; or the options, with k among them
---@param opts? {k: integer, ignore_index: integer, name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.TopK(2):add(nn.tensor {{3.0, 2.0, 1.0}, {3.0, 2.0, 1.0}}, nn.tensor {2, 3})
---  TopK{k = 2}: 0.5
---see: nn.train.metrics.Accuracy, nn.topk
function public.TopK(k, opts)
  if type(k) == "table" and opts == nil then
    return make("top_k", k)
  elseif k == nil then
    return make("top_k", opts)
  end
  local given = { k = k }
  for name, value in pairs(opts or {}) do
    if name == "k" then
      core.raise "TopK: k is given twice"
    end
    given[name] = value
  end
  return make("top_k", given)
end

---@class nn.DecisionOptions
---@field average? string "binary" (of two classes), "macro" (of more), "micro", "weighted" or "none"
---@field threshold? number above it an output is a yes: default 0 of logits, 1/2 of probabilities
---@field input_is? string what the output is, where no loss tells: "scores" (of classes), "logits", "probabilities", "values"
---@field ignore_index? integer targets with this value do not count; default the loss's
---@field name? string in a row, e.g. "f1_micro"

---Measures precision: of what was taken for a class, the share that is of it. In fit "precision".
---One yes or no, and two classes, give the figure of the yes (target 1, or label 2). Of several classes, or several answers a
---sample (dim 2), average says how their figures become one: "macro" (the default) is the mean, "weighted" counts each class
---as often as it occurs, "micro" counts all decisions in one, "none" gives a tensor with all of them, which is no figure of a
---row. As with scikit-learn's zero_division = 0, the figure of a class that was never predicted is 0; a class that neither
---occurs nor was predicted is left out of the macro average.
---@param opts? nn.DecisionOptions
---@return nn.Metric
---example:
---  > nn.train.metrics.Precision{threshold = 0.5}:add(nn.tensor {0.9, 0.8, 0.1}, nn.tensor {1.0, 0.0, 1.0})
---  Precision{threshold = 0.5}: 0.5
---see: nn.train.metrics.Recall, nn.train.metrics.F1, nn.train.metrics.Confusion
function public.Precision(opts)
  return make("precision", opts)
end

---Measures recall: of what is of a class, the share that was taken for it; of a class that does not occur it is 0. In fit
---"recall".
---Options as Precision's.
---@param opts? nn.DecisionOptions
---@return nn.Metric
---example:
---  > nn.train.metrics.Recall{threshold = 0.5}:add(nn.tensor {0.9, 0.8, 0.1, 0.2}, nn.tensor {1.0, 1.0, 1.0, 1.0})
---  Recall{threshold = 0.5}: 0.5
---see: nn.train.metrics.Precision, nn.train.metrics.F1
function public.Recall(opts)
  return make("recall", opts)
end

---Measures F1, the harmonic mean of precision and recall: 2 right / (predicted + true); 0 where that is 0 / 0. In fit "f1".
---Options as Precision's. The average is that of the classes' F1, as scikit-learn has it, not the F1 of averages.
---@param opts? nn.DecisionOptions
---@return nn.Metric
---example:
---  > nn.train.metrics.F1{threshold = 0.5}:add(nn.tensor {0.9, 0.8, 0.1}, nn.tensor {1.0, 0.0, 1.0})
---  F1{threshold = 0.5}: 0.5
---see: nn.train.metrics.Precision, nn.train.metrics.Recall
function public.F1(opts)
  return make("f1", opts)
end

---Counts the confusion matrix: how often a target of class i (row) was taken for class j (column); an int64 tensor. Of yes or
---no, the no is class 1. Rows of a history hold numbers only: fit has it in run.tables, evaluate gives it in a second table.
---In fit "confusion". Options: threshold (above it an output is a yes: 0 of logits, 1/2 of probabilities), input_is,
---ignore_index, name.
---@param opts? {threshold: number, input_is: string, ignore_index: integer, name: string}
---@return nn.Metric
---example:
---  > m = nn.train.metrics.Confusion{input_is = "scores"}
---  > m:add(nn.tensor {{2.0, 1.0}, {0.0, 1.0}, {0.0, 1.0}}, nn.tensor {1, 1, 2}):value()
---  tensor([[1, 1],
---          [0, 1]], shape=2x2, int64)
---  nil
---see: nn.plot.heatmap, nn.train.metrics.F1
function public.Confusion(opts)
  return make("confusion", opts)
end

---@class nn.RankingOptions
---@field average? string "macro" (default), "weighted" or "none": of several classes, or answers a sample
---@field input_is? string what the output is, where no loss tells: "scores" (of classes), "logits", "probabilities", "values"
---@field ignore_index? integer targets with this value do not count; default the loss's
---@field name? string in a row

---Measures the area under the ROC curve: of all pairs of a yes and a no, the share in which the yes has the higher score; equal
---scores count half. Of several classes, each against the rest, by softmax's probabilities; of these the mean.
---All scores are kept until the end of the epoch. Where a class has no targets, or all of them, it is nan. In fit "auc".
---@param opts? nn.RankingOptions
---@return nn.Metric
---example:
---  > nn.train.metrics.AUC():add(nn.tensor {0.1, 0.4, 0.35, 0.8}, nn.tensor {0.0, 0.0, 1.0, 1.0})
---  AUC(): 0.75
---see: nn.train.metrics.AveragePrecision, nn.train.metrics.Accuracy
---source: Mann & Whitney 1947, "On a test of whether one of two random variables is stochastically larger than the other"
function public.AUC(opts)
  return make("auc", opts)
end

---Measures the area under precision over recall: the curve's, as a sum over its steps, without interpolation. Classes and
---options as AUC's. Where a class has no targets it is nan. In fit "average_precision".
---@param opts? nn.RankingOptions
---@return nn.Metric
---example:
---  > nn.train.metrics.AveragePrecision():add(nn.tensor {0.1, 0.4, 0.35, 0.8}, nn.tensor {0.0, 0.0, 1.0, 1.0}):value()
---  0.83333333333333	nil
---see: nn.train.metrics.AUC, nn.train.metrics.Precision
function public.AveragePrecision(opts)
  return make("average_precision", opts)
end

---Measures the root of the mean squared error: of all values together, in the units of the targets. In fit "rmse".
---Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.RMSE():add(nn.tensor {1.0, 5.0}, nn.tensor {1.0, 1.0}):value()
---  2.8284271247462	nil
---see: nn.train.metrics.MSE, nn.train.metrics.R2
function public.RMSE(opts)
  return make("rmse", opts)
end

---Measures the share of the targets' variance that is explained: 1 - sum (y - output)^2 / sum (y - mean y)^2, computed in
---float64 by Chan, Golub & LeVeque's formula (1979). Of several values a sample it is the mean over these. Where all targets
---are equal it is nan. In fit "r2". Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.R2():add(nn.tensor {1.0, 2.0, 3.0}, nn.tensor {1.0, 2.0, 4.0})
---  R2(): 0.785714
---see: nn.train.metrics.MSE, nn.LinearRegression:score
function public.R2(opts)
  return make("r2", opts)
end

---Measures the perplexity of a language model, over tokens: exp of the mean negative log-likelihood of the targets. Class
---weights and ignore_index, the loss's or its own, count as they do in the loss; label smoothing does not. In fit "perplexity".
---Options: input_is (what the output is, as the loss says in fit), ignore_index, weight (of the classes), name (in a row).
---@param opts? {input_is: "scores"|"probabilities", ignore_index: integer, weight: nn.Tensor, name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.Perplexity{input_is = "scores"}:add(nn.zeros(2, 4), nn.tensor {1, 3})
---  Perplexity{input_is = "scores"}: 4
---see: nn.train.metrics.LogLoss, nn.CrossEntropyLoss
function public.Perplexity(opts)
  return make("perplexity", opts)
end

---Measures the mean negative log-likelihood of the targets: without weights and label smoothing. Logarithms of probabilities
---end at -100, as BCELoss's do. In fit "log_loss".
---Options: input_is (what the output is, as the loss says in fit), ignore_index, name (in a row).
---@param opts? {input_is: "scores"|"logits"|"probabilities", ignore_index: integer, name: string}
---@return nn.Metric
---example:
---  > nn.train.metrics.LogLoss{input_is = "scores"}:add(nn.zeros(2, 4), nn.tensor {1, 3})
---  LogLoss{input_is = "scores"}: 1.38629
---see: nn.train.metrics.Perplexity, nn.CrossEntropyLoss, nn.BCELoss
function public.LogLoss(opts)
  return make("log_loss", opts)
end

M.functions = options.namespace("nn.train.metrics", public)

-- ---- a list of metrics as the user gives it ----

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

-- The kind of a metric of one's own: its function may read values, so it is called outside of the compiled step.
local own_kind = { width = 0, merge = plain.merge_sum }

function own_kind.result(_, s)
  local value = s.sum / s.count
  return value, value ~= value and "its function gave nan, or counted nothing" or nil
end

local function own(who, i, given)
  for key in pairs(given) do
    if key ~= 1 and key ~= 2 and key ~= 3 and key ~= "mode" then
      core.raise(("%s: metric %d ('%s') has no setting '%s'; it is {name, function, \"max\" or \"min\"}"):format(who, i, given[1],
        tostring(key)))
    end
  end
  return { name = given[1], f = given[2], own = true, kind = own_kind, mode = check_direction(who, i, given[3] or given.mode) }
end

local function named(who, i, name, given)
  local kind = metric.kinds[name]
  if not kind then
    local near = core.nearest(name, names_of(metric.kinds))
    core.raise(("%s: there is no metric '%s'%s (there are: %s; or give your own as {name, function(output, target), \"max\" or "
      .. "\"min\"}, a sum over the batch)"):format(who, name, near and ("; did you mean '%s'?"):format(near) or "",
      table.concat(names_of(metric.kinds), ", ")))
  end
  local settings = {}
  for key, value in pairs(given) do
    if key ~= 1 then
      settings[key] = value
    end
  end
  for key, value in pairs(kind.old and settings or {}) do
    local fits = key == "name" and type(value) == "string" or key == "threshold" and type(value) == "number"
    if not (fits and (key == "name" or name == "binary_accuracy")) and not (key == "input_is" and name == "accuracy") then
      core.raise(("%s: metric %d: '%s' has no setting %s%s"):format(who, i, name, tostring(key),
        name == "binary_accuracy" and " (it takes threshold, a number)" or ""))
    end
  end
  return metric.new(("%s: metric %d: '%s'"):format(who, i, name), kind, settings)
end

---Reads a list of metrics: names, {name, setting = ...}, {name, function, "max" | "min"}, and objects (nn.train.metrics.AUC()).
---@param who string
---@param list table
---@param loss any what is minimized, if anything
---@param loader any where the samples come from
---@return table[] {name =, mode = "max", "min" or nil, tabular = it gives a tensor, own = its function is the user's, kind =}
function M.read(who, list, loss, loader)
  local out, seen = {}, { loss = true, epoch = true, seconds = true, lr = true }
  local coding = #list > 0 and module.is_module(loss) and loss.input_is == "values" and coding_of(loader) or nil
  for i, given in ipairs(list) do
    local m
    if type(given) == "string" then
      m = metric.bind(named(who, i, given, {}), loss, coding)
    elseif metric.is(given) then
      m = metric.bind(given, loss, coding)
      local first, n = m.name, 1
      while seen[m.name] and not given.settings.name do -- it did not choose its name
        n = n + 1
        m.name = ("%s_%d"):format(first, n)
      end
    elseif type(given) == "table" and type(given[1]) == "string" and type(given[2]) == "function" then
      m = own(who, i, given)
    elseif type(given) == "table" and type(given[1]) == "string" and given[2] == nil then
      m = metric.bind(named(who, i, given[1], given), loss, coding)
    else
      core.raise(("%s: metric %d must be a name, {name, setting = ...}, {name, function, \"max\" or \"min\"} or an object such "
        .. "as nn.train.metrics.AUC(), but is %s"):format(who, i, core.describe(given)))
    end
    if seen[m.name] then
      core.raise(("%s: another figure is called '%s'; give metric %d another name%s"):format(who, m.name, i,
        m.own and "" or (": {\"%s\", name = \"...\"}"):format(m.kind.name)))
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

-- ---- over an epoch ----

---The values a step gives for its metrics: as many for each as its kind is wide. Those of the user's own functions, which may
---read values, are left to M.add, outside of the compiled step.
function M.values(list, output, target)
  local values, at = {}, 0
  for _, m in ipairs(list) do
    local width = m.kind.width
    if width > 0 then
      local parts = table.pack(m.kind.parts(m, output, target))
      for i = 1, width do
        values[at + i] = parts[i] or false
      end
    end
    at = at + width
  end
  return table.unpack(values, 1, at)
end

---Merges a batch's values (from index `at` of the packed values) into the sums: name -> state. Between two batches, nn.save
---can store the sums, and what nn.load gives goes on with the same bits.
function M.add(list, sums, values, at, output, target)
  for _, m in ipairs(list) do
    local s = sums[m.name] or {}
    sums[m.name] = s
    if m.own then
      m.kind.merge(m, s, #target, m.f(output, target))
    else
      m.kind.merge(m, s, #target, table.unpack(values, at, at + m.kind.width - 1))
    end
    at = at + m.kind.width
  end
end

---Puts the metrics of an epoch into a row. What is a tensor (a confusion matrix) goes into a second table, and why a figure is
---nan into a third.
---@return table row, table<string, nn.Tensor> tables, table<string, string> why
function M.finish(list, sums, row, prefix)
  local tables, reasons = {}, {}
  for _, m in ipairs(list) do
    local name = prefix .. m.name
    local value, why = metric.result(m, sums[m.name])
    if m.tabular then
      tables[name] = value
    else
      row[name] = value
    end
    reasons[name] = why
  end
  return row, tables, reasons
end

return M
