-- Metrics of how scores order the samples: the area under the ROC curve and average precision. No batch knows its share of
-- them, so all scores are kept until the end; then they are sorted once.

local core = require "nn.core"
local counts = require "nn.train.metrics.counts"
local forms = require "nn.train.metrics.forms"

local M = {}

-- ---- what is kept ----

-- Scores (targets x questions), truth (bool, as many; or labels), and which of them count, or false. Copies: what a model
-- gave may be written to later.
local function scores(m, output, target)
  if forms.form_of(m, output, target) == "binary" then
    local a, truth, found = forms.binary(m, output, target)
    return found, a:clone(), truth:clone(), false
  end
  local rows, labels, counted, found = forms.classes(m, output, target)
  local classes, kind = rows:size(2), forms.setting(m, "input_is")
  if classes == 2 then -- order is all that counts, so the difference of logits does for all that softmax makes of them
    local probabilities = kind == "probabilities"
    local second, first = rows:narrow(2, 2, 1), rows:narrow(2, 1, 1)
    return found, probabilities and second:clone() or second:to("float64") - first:to("float64"), labels:eq(2):unsqueeze(2),
      counted or false
  elseif not kind then
    core.raise(("%s: with %d classes it matters whether the output is scores or probabilities; say it: %s for logits "
      .. "and log-probabilities, \"probabilities\" for what softmax gave"):format(m.name, classes,
      forms.write(m, "input_is = \"scores\"")))
  end
  return found, rows:clone(), labels, counted or false
end

-- Adds a piece to a list, so that a piece is longer than all behind it: there are few, and each element is copied few times.
local function append(list, piece)
  while #list > 0 and #list[#list] <= #piece do
    piece = core.cat { table.remove(list), piece }
  end
  list[#list + 1] = piece
end

local function merge(m, s, _, found, rows, truth, counted)
  forms.note(m, s, found)
  if counted then
    local at = counted:nonzero():reshape(-1)
    rows, truth = rows:index_select(1, at), truth:index_select(1, at)
  end
  s.scores, s.truth = s.scores or {}, s.truth or {}
  if #rows > 0 then
    append(s.scores, rows)
    append(s.truth, truth)
  elseif #s.scores == 0 then
    s.scores[1], s.truth[1] = rows, truth
  end
end

-- ---- one question ----

-- Of each distinct score, the smallest first: its positives; positives and all targets up to it (int64).
local function groups(x, truth)
  local sorted, places = x:sort(1)
  local _, _, sizes = sorted:unique_consecutive()
  local ends = sizes:cumsum(1)
  local sums = truth:to("int64"):index_select(1, places):cumsum(1):index_select(1, ends)
  return core.cat({ core.zeros(1, { dtype = "int64" }), sums }):diff(), sums, ends
end

-- Of all pairs of a positive and a negative, in how many the positive has the higher score; equal scores count half (Mann &
-- Whitney 1947). Whole numbers up to the last division, so no order of samples changes a bit.
local function roc_auc(x, truth)
  local positive, sums, ends = groups(x, truth)
  local up_to = ends - sums -- negatives
  local negative = core.cat({ core.zeros(1, { dtype = "int64" }), up_to }):diff()
  local pairs_twice = (positive * (up_to * 2 - negative)):sum():item()
  local p, n = sums[-1]:item(), up_to[-1]:item()
  if p == 0 or n == 0 then
    return nil
  end
  return pairs_twice / (2 * p * n)
end

-- The sum over the distinct scores of precision times what recall gains there, as scikit-learn has it: no interpolation.
local function average_precision(x, truth)
  local positive, sums, ends = groups(x, truth)
  local p, n = sums[-1]:item(), #x
  if p == 0 then
    return nil
  end
  local from = sums * -1 + p + positive -- positives from this score on; then all targets
  local all = core.cat { core.full({ 1 }, n, { dtype = "int64" }), (ends * -1 + n):narrow(1, 1, #ends - 1) }
  return (positive:to("float64") / p * from:to("float64") / all:to("float64")):sum():item()
end

-- ---- the kinds ----

-- Outputs that softmax makes probabilities of; values (of MSELoss against one-hot rows) stand for probabilities themselves.
local as_softmax = { scores = true, logits = true }

local function ranking(name, title, of, undefined)
  return {
    name = name, title = title, mode = "max", width = 4, takes = "input_is ignore_index",
    settings = { average = { "string", "macro", one_of = { "macro", "weighted", "none" } } },
    tabular = function(settings)
      return settings.average == "none"
    end,
    parts = scores, merge = merge,
    state = { scores = { "list", "float", 2 }, truth = { "list" }, nan = { "boolean" }, form = { "number" } },
    fits = function(s)
      local first = s.truth[1]
      for i, x in ipairs(s.scores) do
        local truth = s.truth[i]
        if not truth or #truth ~= #x or x:size(2) ~= s.scores[1]:size(2) or x.dtype ~= s.scores[1].dtype
          or truth.dtype ~= first.dtype or truth.ndim ~= first.ndim
          or truth.dtype == "bool" and truth.shape ~= x.shape or truth.dtype ~= "bool" and truth.ndim ~= 1 then
          return false
        end
      end
      return #s.truth == #s.scores
    end,
    result = function(m, s)
      local x, truth, how = core.cat(s.scores), core.cat(s.truth), m.settings.average
      local classes = truth.ndim == 1 -- labels; else yes or no
      local questions, values, support, why = x:size(2), {}, {}, nil
      if s.nan or #x == 0 then
        x, why = nil, s.nan and forms.saw_nan or forms.saw_nothing
      elseif classes and as_softmax[forms.setting(m, "input_is")] then
        x = x:to("float64"):log_softmax(2)
      end
      for i = 1, questions do
        local is = classes and truth:eq(i) or not classes and truth:select(2, i)
        support[i] = is:to("int64"):sum():item()
        values[i] = x and of(x:select(2, i), is)
        if not values[i] then
          local which = (classes or s.form < 0) and i
          values[i], why = forms.nan, why or undefined(which, support[i], classes and "class" or "answer")
        end
      end
      if questions == 1 and how ~= "none" then
        return values[1], why
      end
      values = core.tensor(values, { dtype = "float64" })
      support = core.tensor(support)
      return counts.average(how, values, support, core.ones_like(support):eq(1)), why
    end,
  }
end

M.kinds = {
  ranking("auc", "AUC", roc_auc, function(i, positives, what)
    return not i and "all targets are of one class, and a ROC curve needs two"
      or ("%s %d has %s targets, and a ROC curve needs both"):format(what, i, positives == 0 and "no" or "all")
  end),
  ranking("average_precision", "AveragePrecision", average_precision, function(i, _, what)
    return i and ("%s %d has no targets, and recall needs some"):format(what, i)
      or "no target is positive, and recall needs some"
  end),
}

return M
