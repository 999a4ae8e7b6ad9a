-- What an output and its targets are to a metric: scores of classes with labels, or scores of one or more yes-or-no
-- questions. The loss tells it (input_is, in the layer table), or the metric's own setting of that name. No value is read
-- here, so that all of it can stand in a compiled step: what is wrong with values is counted, and told when it is merged.

local core = require "nn.core"
local module = require "nn.layers.module"

local M = {}

function M.show(t)
  return tostring(t.shape)
end

---Output and target with one shape, when they differ only by a last dim of 1.
function M.aligned(who, output, target)
  local function wide(t) -- differences of bytes would wrap around
    return t.dtype == "uint8" and t:to "int64" or t
  end
  output, target = wide(output), wide(target)
  if output.shape == target.shape then
    return output, target
  end
  local n = math.max(output.ndim, target.ndim)
  local longer = output.ndim == n and output or target
  if math.abs(output.ndim - target.ndim) == 1 and longer:size(n) == 1 and output:numel() == target:numel() then
    return output:reshape(longer.shape), target:reshape(longer.shape)
  end
  core.raise(("%s: the output has shape %s, but the target %s; they must be equal, one figure for each target"):format(who,
    M.show(output), M.show(target)))
end

---How many elements belong to a sample.
function M.per_sample(t)
  return #t == 0 and 1 or t:numel() / #t
end

---nan where an output has one, else 0: comparisons with nan are false, and false would count as an answer.
function M.poison(output)
  return core.where(output:isnan():any(), 0 / 0, 0.0)
end

-- ---- what is known ----

---A setting of the metric, or else of the loss. (The loss's is read each time: it may change between epochs.)
local function setting(m, name)
  local own = m.settings[name]
  if own ~= nil then
    return own
  end
  return module.is_module(m.loss) and m.loss[name] or nil
end
M.setting = setting

---Raises unless both are tensors with a dim of samples.
function M.check(who, output, target)
  for i, t in ipairs { output or false, target or false } do
    if not module.is_tensor(t) then
      core.raise(("%s: the %s must be a tensor, but is %s"):format(who, i == 1 and "output" or "target",
        core.describe(t or nil)))
    end
  end
  if output.ndim < 1 or target.ndim < 1 or output:numel() == 0 or #output ~= #target then
    core.raise(("%s: the output has shape %s and the target %s; both must be samples x ..., with as many samples"):format(who,
      M.show(output), M.show(target)))
  end
end

-- Scores that have a dim of classes (dim 2), which the targets, being labels, have not.
local function has_labels(output, target)
  return output.ndim >= 2 and output:size(2) > 1 and output.shape ~= target.shape
    and target:numel() * output:size(2) == output:numel()
end

---What to do where an output has its classes behind the steps, and not in dim 2; else an empty text.
function M.hint_of_order(output, target)
  local last = output.ndim >= 3 and target.ndim == output.ndim - 1 and target:numel() * output:size(-1) == output:numel()
  return last and "; classes are dim 2: if they stand last, move them, e.g. scores:movedim(-1, 2)" or ""
end

---How one writes a metric with settings: by hand, and in a list.
function M.write(m, settings)
  return (m.state and "%s{%s}" or "{\"%s\", %s}"):format(m.state and m.kind.title or m.kind.name, settings)
end

---"classes" or "binary".
function M.form_of(m, output, target)
  M.check(m.name, output, target)
  local kind = setting(m, "input_is")
  local rows = output.ndim >= 2 and output:size(2) > 1
  if kind == "scores" or (kind == "values" and rows) then
    return "classes"
  elseif has_labels(output, target) and (kind or not target.dtype:find "float") then
    return "classes"
  elseif kind or not rows then
    return "binary"
  end
  core.raise(("%s: it is not known what an output of shape %s means with a target of shape %s; say it: %s for scores or "
    .. "log-probabilities of classes, \"probabilities\" or \"logits\" for several answers a sample"):format(m.name,
    M.show(output), M.show(target), M.write(m, "input_is = \"scores\"")))
end

---The number above which an output of a yes-or-no question is a yes.
function M.threshold(m, output)
  local kind = setting(m, "input_is")
  if m.settings.threshold then
    return m.settings.threshold
  elseif kind == "logits" then
    return 0
  elseif kind == "probabilities" then
    return 0.5
  elseif kind == "values" and m.coding then
    return m.coding
  end
  core.raise(("%s: it is not known from where on an output of shape %s is a yes; say it: %s for logits, "
    .. "%s for probabilities"):format(m.name, M.show(output), M.write(m, "threshold = 0"), M.write(m, "threshold = 0.5")))
end

-- ---- the two forms ----

local function number(x)
  return x:to("float64")
end

-- What is looked at when a batch is merged: has the output nan; are targets wrong, and between which numbers are those; the
-- form: the number of classes, 0, or minus the number of questions.
local function checks(output, wrong, y, form)
  local at = core.where(wrong, y, 1)
  return core.stack { number(output:isnan():any()), number(wrong:any()), number(at:min()), number(at:max()),
    core.full({}, form, { dtype = "float64" }) }
end

---Scores of classes: rows (targets x classes), labels from 1 (those that do not count are 1), which of them count (nil: all),
---and what to check. Targets may be shares of the classes (one-hot rows, say): the label is that of the largest.
---@return nn.Tensor rows, nn.Tensor labels, nn.Tensor|nil counts, nn.Tensor checks, nn.Tensor|nil shares
function M.classes(m, output, target)
  local ndim, who = output.ndim, m.name
  if ndim < 2 then
    core.raise(("%s: the output has shape %s, but must be samples x classes"):format(who, M.show(output)))
  end
  local classes = output:size(2)
  local function flat(t)
    return (ndim > 2 and t:moveaxis(2, ndim) or t):reshape(-1, classes)
  end
  local rows = flat(output)
  if not rows.dtype:find "float" then
    rows = rows:to("float64")
  end
  if target.shape == output.shape and target.dtype:find "float" then
    local shares = flat(target)
    local wrong = shares:isnan()
    return rows, shares:argmax(2), nil, checks(rows, wrong, shares, classes), shares
  elseif not has_labels(output, target) and not (classes == 1 and output:numel() == target:numel()) then
    core.raise(("%s: the output has shape %s, but the target %s; with scores of %d classes there must be one label for each "
      .. "target (from 1), or one share for each score%s"):format(who, M.show(output), M.show(target), classes,
      M.hint_of_order(output, target)))
  end
  local y = target:reshape(-1)
  y = y.dtype == "bool" and y:to("int64") or y
  local ignored, counts = setting(m, "ignore_index"), nil
  if ignored then
    counts = y:ne(ignored)
    y = core.where(counts, y, 1)
  end
  local wrong = core.logical_or(y:lt(1), y:gt(classes))
  if y.dtype:find "float" then
    wrong = core.logical_or(wrong, y:ne(y:floor()))
  end
  return rows, core.where(wrong, 1, y):to("int64"), counts, checks(rows, wrong, y, classes), nil
end

---Answers to yes-or-no questions: scores and truth, both targets x questions. Questions of several dims stand in dim 2.
---@return nn.Tensor scores, nn.Tensor truth, nn.Tensor checks
function M.binary(m, output, target)
  local a, b = M.aligned(m.name, output, target)
  local ndim = a.ndim
  local questions = ndim >= 2 and a:size(2) or 1
  local function flat(t)
    return (ndim > 2 and t:moveaxis(2, ndim) or t):reshape(-1, questions)
  end
  a, b = flat(a), flat(b)
  a = a.dtype:find "float" and a or a:to("float64")
  b = b.dtype:find "float" and b or b:to("int64")
  local wrong = core.logical_and(core.logical_and(b:ne(0), b:ne(1)), b:ne(-1))
  return a, b:gt(0), checks(a, wrong, b, questions > 1 and -questions or 0)
end

-- ---- merging ----

local function text(x)
  return x ~= x and "nan" or ("%.14g"):format(x)
end

-- "scores of 3 classes", "a yes or no", "4 answers a sample"
local function words_of(form)
  return form == 0 and "one yes or no" or form > 0 and ("scores of %d classes"):format(form)
    or ("%d answers a sample"):format(-form)
end

---The checks and what a metric counts in one vector, float64: a compiled function gives few values, and reading one is dear.
---@param found nn.Tensor the checks
---@param ... nn.Tensor|number
function M.pack(found, ...)
  local list = { found }
  for i, part in ipairs { ... } do
    list[i + 1] = type(part) == "number" and core.full({ 1 }, part, { dtype = "float64" }) or number(part):reshape(-1)
  end
  return core.cat(list)
end

---Takes what a batch's checks found into the state; raises for targets that are none. Returns what was packed behind them.
---@return nn.Tensor
function M.note(m, state, packed)
  local nan, wrong, low, high, form = table.unpack(packed:narrow(1, 1, 5):totable())
  form = math.tointeger(form)
  if wrong > 0 and form > 0 then
    local at = low < 1 and low or high
    core.raise(("%s: with %d classes the targets must be labels from 1 to %d, but one is %s%s"):format(m.name, form, form,
      text(at), at == 0 and "; if they count from 0, add 1" or ""))
  elseif wrong > 0 then
    core.raise(("%s: the targets must be 0 or 1, or -1 and 1, but one is %s%s"):format(m.name,
      text(low ~= 1 and low or high), high == 2 and "; of labels 1 and 2, take away 1" or ""))
  elseif state.form and state.form ~= form then
    core.raise(("%s: the output was %s before, and now is %s"):format(m.name, words_of(state.form), words_of(form)))
  end
  state.form = form
  state.nan = state.nan or nan > 0
  return packed:narrow(1, 6, #packed - 5)
end

---Merges a sum and of how many that is, packed.
function M.merge_sum(m, state, _, packed)
  local sum, count = table.unpack(M.note(m, state, packed):totable())
  state.sum, state.count = (state.sum or 0) + sum, (state.count or 0) + count
end

---What is kept of it.
M.sums = { sum = { "number" }, count = { "number" }, nan = { "boolean" }, form = { "number" } }

---nan without a sign.
M.nan = (string.unpack("<d", "\0\0\0\0\0\0\xf8\x7f"))
M.saw_nan = "an output was nan"
M.saw_nothing = "no target counted"

return M
