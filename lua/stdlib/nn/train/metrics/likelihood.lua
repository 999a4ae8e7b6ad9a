-- Metrics of probabilities: the mean negative log-likelihood of the targets, and its exponential, the perplexity.

local core = require "nn.core"
local forms = require "nn.train.metrics.forms"
local module = require "nn.layers.module"

local M = {}

-- The losses whose input is a probability, or becomes one; a hinge loss's, say, is a score that is none.
local probable = { CrossEntropyLoss = true, NLLLoss = true, BCEWithLogitsLoss = true, BCELoss = true, FocalLoss = true }

local function input_is(m, output, cross_entropy)
  local kind = m.settings.input_is
  if kind == "values" or not kind and not (module.is_module(m.loss) and probable[m.loss._name]) then
    core.raise(("%s: it is not known how an output of shape %s becomes probabilities; say it: %s for "
      .. "logits and log-probabilities of classes, \"probabilities\" for what softmax%s gave%s"):format(m.name,
      forms.show(output), forms.write(m, "input_is = \"scores\""), cross_entropy and "" or " or sigmoid",
      cross_entropy and "" or ", \"logits\" for one answer"))
  end
  return kind or m.loss.input_is
end

-- As BCELoss has it: no less than -100.
local function log(p)
  return p:log():clamp(-100)
end

-- Sums over the classes' targets: of -log p, and of how much they count.
local function of_classes(m, output, target, kind, weighted)
  local rows, labels, counts, found, shares = forms.classes(m, output, target)
  rows = rows:to("float64")
  local logp = kind == "probabilities" and log(rows) or rows:log_softmax(2)
  local weight = weighted and forms.setting(m, "weight") or nil
  if weight and weight:numel() ~= rows:size(2) then
    core.raise(("%s: weight must have one element for each of the %d classes, but has %d"):format(m.name, rows:size(2),
      weight:numel()))
  end
  weight = weight and weight:detach():to("float64"):reshape(-1)
  if shares then
    logp = weight and logp * weight or logp
    return forms.pack(found, core.where(shares:eq(0), 0, logp * shares):sum() * -1, #rows)
  end
  local each = logp:gather(2, labels:unsqueeze(2)):squeeze(2) * -1
  local count = weight and weight:index_select(1, labels)
  each = count and each * count or each
  if counts then
    each = core.where(counts, each, 0)
    count = count and core.where(counts, count, 0) or counts:to("float64")
  end
  return forms.pack(found, each:sum(), count and count:sum() or #rows)
end

local function of_answers(m, output, target, kind)
  local x, truth, found = forms.binary(m, output, target)
  x = x:to("float64")
  local yes = kind == "probabilities" and log(x) or core.logsigmoid(x)
  local no = kind == "probabilities" and log(1 - x) or core.logsigmoid(-x)
  return forms.pack(found, core.where(truth, yes, no):sum() * -1, x:numel())
end

local function mean_of(_, s)
  if s.nan then
    return forms.nan, forms.saw_nan
  elseif s.count == 0 then
    return forms.nan, forms.saw_nothing
  end
  local value = s.sum / s.count
  return value, value ~= value and "a probability was outside of 0..1, or a target nan" or nil
end

M.kinds = {
  {
    name = "log_loss", title = "LogLoss", mode = "min", width = 1, takes = "input_is ignore_index", state = forms.sums,
    merge = forms.merge_sum,
    parts = function(m, output, target)
      local kind = input_is(m, output, false)
      if forms.form_of(m, output, target) == "classes" then
        return of_classes(m, output, target, kind, false)
      end
      return of_answers(m, output, target, kind)
    end,
    result = mean_of,
  },
  {
    name = "perplexity", title = "Perplexity", mode = "min", width = 1, takes = "input_is ignore_index", state = forms.sums,
    settings = { weight = { "any" } }, merge = forms.merge_sum,
    refuse = function(who, settings)
      local w = settings.weight
      if w ~= nil and not (module.is_tensor(w) and w.ndim == 1 and w.dtype:find "float") then
        core.raise(("%s: option weight must be a tensor with one number for each class, but is %s"):format(who,
          core.describe(w)))
      end
    end,
    parts = function(m, output, target)
      local kind = input_is(m, output, true)
      if forms.form_of(m, output, target) ~= "classes" then
        core.raise(("%s: is of classes, but the output has shape %s and the target %s; for yes or no take \"log_loss\""):format(
          m.name, forms.show(output), forms.show(target)))
      end
      return of_classes(m, output, target, kind, true)
    end,
    result = function(m, s)
      local value, why = mean_of(m, s)
      return math.exp(value), why
    end,
  },
}

return M
