-- Metrics of decisions: precision, recall, F1 and the confusion matrix. What is merged are counts, so they are exact.
-- Averages over classes are scikit-learn's (precision_recall_fscore_support with zero_division = 0).

local core = require "nn.core"
local forms = require "nn.train.metrics.forms"

local M = {}

local function zeros(n)
  return core.zeros(n, { dtype = "int64" })
end

-- Of each class: how often it was right, was predicted, was true (3 x classes, int64).
local function tally(m, output, target)
  if forms.form_of(m, output, target) == "classes" then
    local rows, labels, counts, found = forms.classes(m, output, target)
    local classes, chosen = rows:size(2), rows:argmax(2)
    local one = counts and counts:to("int64") or core.ones_like(labels)
    local right = chosen:eq(labels):to("int64") * one
    return forms.pack(found, zeros(classes):scatter_add(1, labels, right), zeros(classes):scatter_add(1, chosen, one),
      zeros(classes):scatter_add(1, labels, one))
  end
  local scores, truth, found = forms.binary(m, output, target)
  local chosen = scores:gt(forms.threshold(m, output))
  local function count(t)
    return t:to("int64"):sum(1)
  end
  local right, predicted, actual = count(core.logical_and(chosen, truth)), count(chosen), count(truth)
  if scores:size(2) == 1 then -- of one question, the no is a class, too
    local n = #scores
    right = core.cat { right + n - predicted - actual, right }
    predicted, actual = core.cat { n - predicted, predicted }, core.cat { n - actual, actual }
  end
  return forms.pack(found, right, predicted, actual)
end

-- How many classes the counts of a form have.
local function columns(form)
  return form == 0 and 2 or math.abs(form)
end

local function merge(m, s, _, packed)
  local counts = forms.note(m, s, packed):to("int64"):reshape(-1, columns(s.form))
  s.counts = s.counts and s.counts + counts or counts
end

-- num / den, 0 where that is 0 / 0
local function ratio(num, den)
  return core.where(den:eq(0), 0, num:to("float64") / den:to("float64"))
end

---One number of those of the classes. Classes that neither occur nor were predicted are left out of the macro average.
---@param how string
---@param values nn.Tensor float64, one for each class
---@param support nn.Tensor how often each class occurs
---@param occurs nn.Tensor bool
function M.average(how, values, support, occurs)
  if how == "none" then
    return values
  elseif how == "macro" then
    return (core.where(occurs, values, 0):sum() / occurs:to("float64"):sum()):item()
  end
  local weights = support:to("float64")
  local total = weights:sum():item()
  return total == 0 and 0 or ((values * weights):sum() / total):item()
end

-- A kind from what it makes of (right, predicted, actual), each a tensor.
local function decision(name, title, of)
  return {
    name = name, title = title, mode = "max", width = 1, takes = "input_is ignore_index",
    settings = {
      threshold = { "number" }, average = { "string", one_of = { "binary", "macro", "micro", "weighted", "none" } },
    },
    tabular = function(settings)
      return settings.average == "none"
    end,
    parts = tally, merge = merge, state = { counts = { "tensor", "int64", 2 }, nan = { "boolean" }, form = { "number" } },
    fits = function(s)
      return s.counts:size(1) == 3 and s.counts:size(2) == columns(s.form)
    end,
    result = function(m, s)
      local right, predicted, actual = table.unpack(s.counts:unbind(1))
      local two = s.form == 0 or s.form == 2
      local how = m.settings.average or two and "binary" or "macro"
      if how == "binary" and not two then
        core.raise(("%s: average \"binary\" is for one yes or no, or two classes, and not for %d; take \"macro\", \"micro\", "
          .. "\"weighted\" or \"none\""):format(m.name, #actual))
      elseif s.nan or actual:sum():item() == 0 and s.form >= 0 then
        local nan = forms.nan
        return how == "none" and core.full({ #actual }, nan, { dtype = "float64" }) or nan,
          s.nan and forms.saw_nan or forms.saw_nothing
      elseif how == "micro" then
        return of(right:sum(), predicted:sum(), actual:sum()):item()
      end
      local values = of(right, predicted, actual)
      if how == "binary" then
        return values[2]:item()
      end
      local occurs = core.logical_or(actual:gt(0), predicted:gt(0))
      if s.form < 0 then -- several answers a sample: each is a class that could have been
        occurs = core.ones_like(occurs)
      end
      return M.average(how, values, actual, occurs)
    end,
  }
end

-- ---- the confusion matrix ----

local function matrix(m, output, target)
  local labels, chosen, counts, found, classes
  if forms.form_of(m, output, target) == "classes" then
    local rows
    rows, labels, counts, found = forms.classes(m, output, target)
    classes, chosen = rows:size(2), rows:argmax(2)
  else
    local scores, truth
    scores, truth, found = forms.binary(m, output, target)
    if scores:size(2) > 1 then
      core.raise(("%s: %d answers a sample have no confusion matrix; look at one of them, or take \"precision\" and \"recall\" "
        .. "with average = \"none\""):format(m.name, scores:size(2)))
    end
    chosen = scores:gt(forms.threshold(m, output)):to("int64"):reshape(-1) + 1
    labels, classes = truth:to("int64"):reshape(-1) + 1, 2
  end
  local one = counts and counts:to("int64") or core.ones_like(labels)
  local places = (labels - 1) * classes + chosen
  return forms.pack(found, zeros(classes * classes):scatter_add(1, places, one))
end

M.kinds = {
  decision("precision", "Precision", function(right, predicted)
    return ratio(right, predicted)
  end),
  decision("recall", "Recall", function(right, _, actual)
    return ratio(right, actual)
  end),
  decision("f1", "F1", function(right, predicted, actual)
    return ratio(right * 2, predicted + actual)
  end),
  {
    name = "confusion", title = "Confusion", width = 1, takes = "input_is ignore_index",
    settings = { threshold = { "number" } },
    tabular = function()
      return true
    end,
    parts = matrix, merge = merge, state = { counts = { "tensor", "int64", 2 }, nan = { "boolean" }, form = { "number" } },
    fits = function(s)
      return s.counts:size(1) == columns(s.form) and s.counts:size(2) == columns(s.form)
    end,
    result = function(_, s)
      if s.nan then
        return core.full(s.counts.shape, forms.nan, { dtype = "float64" }), forms.saw_nan
      end
      return s.counts
    end,
  },
}

return M
