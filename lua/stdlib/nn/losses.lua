-- Losses as modules. Each takes {reduction = "mean" | "sum" | "none"}; names, settings and defaults are PyTorch's.
-- Classes count from 1.

local core = require "nn.core"
local module = require "nn.module"
local options = require "nn.options"

local M = {}

local where, softplus, relu = core.where, core.softplus, core.relu

-- Settings of all losses beside those each one names.
local function define(name, settings, f, default_reduction, extra_reductions)
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
  M[name] = Loss
end

local function check_pair(self, input, target)
  for i, what in ipairs { "input", "target" } do
    local t = i == 1 and input or i == 2 and target
    if not core.is_tensor(t) then
      core.raise(("%s: the %s must be a tensor, but is %s"):format(self._name, what, core.describe(t or nil)))
    end
  end
end

-- Both given, both tensors, one shape.
local function check_equal(self, input, target)
  check_pair(self, input, target)
  if input.shape ~= target.shape then
    core.raise(("%s: the input has shape %s, but the target %s"):format(self._name, tostring(input.shape),
      tostring(target.shape)))
  end
end

local function reduce(self, values)
  if self.reduction == "mean" then
    return values:mean()
  elseif self.reduction == "sum" then
    return values:sum()
  end
  return values
end

-- A loss that is a formula for each element of input and target.
local function elementwise(name, settings, formula)
  define(name, settings, function(self, input, target)
    check_equal(self, input, target)
    return reduce(self, formula(self, input, target))
  end)
end

-- ---- regression: what is minimized says what noise is assumed ----

-- (input - target)^2: the negative log-likelihood of Gaussian noise, up to constants.
define("MSELoss", {}, function(self, input, target)
  return core.mse_loss(input, target, self.reduction)
end)

---|input - target|: the negative log-likelihood of Laplace noise, up to constants.
elementwise("L1Loss", {}, function(_, x, y)
  return (x - y):abs()
end)

---Quadratic within delta, linear beyond: Huber 1964.
elementwise("HuberLoss", { delta = { "number", 1 } }, function(self, x, y)
  local d, a = self.delta, (x - y):abs()
  return where(a:lt(d), a * a * 0.5, (a - 0.5 * d) * d)
end)

---Huber's loss divided by beta: Girshick 2015.
elementwise("SmoothL1Loss", { beta = { "number", 1 } }, function(self, x, y)
  local b, a = self.beta, (x - y):abs()
  return b == 0 and a or where(a:lt(b), a * a * (0.5 / b), a - 0.5 * b)
end)

---log cosh(input - target): between the square and the absolute value, smooth.
elementwise("LogCoshLoss", {}, function(_, x, y)
  local d = x - y
  return d + softplus(d * -2) - math.log(2)
end)

---q (target - input) where that is positive, else (q - 1) (target - input): its minimum is the target's q-quantile
---(Koenker & Bassett 1978).
elementwise("QuantileLoss", { q = { "number", 0.5 } }, function(self, x, y)
  local d = y - x
  return where(d:gt(0), d * self.q, d * (self.q - 1))
end)

---Targets are counts. log_input: the input is the logarithm of the rate; full: with Stirling's term.
elementwise("PoissonNLLLoss", {
  log_input = { "boolean", true }, full = { "boolean", false }, eps = { "number", 1e-8 },
}, function(self, x, y)
  local loss = self.log_input and x:exp() - y * x or x - y * (x + self.eps):log()
  if self.full then
    local safe = where(y:gt(1), y, 1)
    local stirling = y * safe:log() - y + (safe * (2 * math.pi)):log() * 0.5
    loss = loss + where(y:gt(1), stirling, 0)
  end
  return loss
end)

-- A loss with a third tensor for the spread.
local function with_spread(name, settings, formula)
  define(name, settings, function(self, input, target, spread)
    check_equal(self, input, target)
    if not core.is_tensor(spread) then
      core.raise(("%s: needs a third tensor, the noise's variance or scale, but it is %s"):format(self._name,
        core.describe(spread)))
    end
    return reduce(self, formula(self, input, target, spread))
  end)
end

---loss(mean, target, variance): 1/2 (log var + (mean - target)^2 / var); full adds log(2 pi) / 2.
with_spread("GaussianNLLLoss", { full = { "boolean", false }, eps = { "number", 1e-6 } }, function(self, x, y, var)
  local floored = var + (var:clamp { min = self.eps } - var):detach() -- the gradient is that of var
  local loss = (floored:log() + (x - y):square() / floored) * 0.5
  return self.full and loss + 0.5 * math.log(2 * math.pi) or loss
end)

---loss(center, target, scale): log(scale) + |center - target| / scale; full adds log 2.
with_spread("LaplaceNLLLoss", { full = { "boolean", false }, eps = { "number", 1e-6 } }, function(self, x, y, scale)
  local floored = scale + (scale:clamp { min = self.eps } - scale):detach()
  local loss = floored:log() + (x - y):abs() / floored
  return self.full and loss + math.log(2) or loss
end)

-- ---- classes ----

-- log-probabilities as rows x classes (from batch x classes x ...), integer targets as a vector, and how to bring a
-- vector of losses back.
local function class_rows(self, x, target)
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

local function check_classes(self, target, n)
  if not core.is_tensor(target) or target.dtype ~= "int64" then
    core.raise(("%s: targets are %s but must be int64 class labels from 1 to %d; convert them with y:to(\"int64\")"):format(
      self._name, core.describe(target), n))
  end
end

-- rows[i][t[i]], with the loss's name in the error for a class that is not there.
local function pick(self, rows, t)
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

-- Signs for each pair: a tensor of the pairs' shape.
local function check_signs(self, y, pairs_shape)
  if not core.is_tensor(y) or y.shape ~= pairs_shape then
    core.raise(("%s: needs a third tensor of 1 and -1, one for each pair (shape %s), but it is %s"):format(self._name,
      tostring(pairs_shape), core.describe(y)))
  end
end

-- -sum of (1 - smoothing) w[t] logp[t] + smoothing / C sum_c w_c logp_c, as PyTorch reduces it
local function nll(self, logp, target, smoothing)
  local rows, t, back = class_rows(self, logp, target)
  local classes = rows:size(2)
  if self.weight and self.weight:numel() ~= classes then
    core.raise(("%s: weight must have one element for each of the %d classes, but has %d"):format(self._name, classes,
      self.weight:numel()))
  end
  local valid
  if self.ignore_index then
    valid = t:ne(self.ignore_index)
    t = where(valid, t, 1)
  end
  local picked = -pick(self, rows, t:unsqueeze(2)):squeeze(2)
  local weight_of
  if self.weight then
    weight_of = self.weight:index_select(1, t)
    picked = picked * weight_of
  end
  local smooth = smoothing > 0 and -(self.weight and rows * self.weight or rows):sum(2)
  if valid then
    local on = valid:to(rows.dtype)
    picked = picked * on
    smooth = smooth and smooth * on
    weight_of = weight_of and weight_of * on or on
  end
  local loss = smooth and picked * (1 - smoothing) + smooth * (smoothing / classes) or picked
  if self.reduction == "none" then
    return back(loss)
  elseif self.reduction == "sum" then
    return loss:sum()
  end
  return weight_of and loss:sum() / weight_of:sum() or loss:mean()
end

---Cross-entropy of softmax(logits) against classes (int64, from 1) or against probabilities of the logits' shape. Input:
---batch x classes, or batch x classes x ... with targets batch x ....
---weight: a factor for each class; label_smoothing: this share of each target is spread over all classes (Szegedy et al.
---2016); ignore_index: targets with this value do not count.
define("CrossEntropyLoss", {
  weight = { "any" }, ignore_index = { "integer" }, label_smoothing = { "number", 0 },
}, function(self, logits, target)
  local probabilities = core.is_tensor(target) and target.dtype:find "float" and core.is_tensor(logits)
    and target.shape == logits.shape
  if not probabilities then
    local plain = not self.weight and not self.ignore_index and self.label_smoothing == 0
    if plain and (not core.is_tensor(logits) or logits.ndim <= 2) then
      return core.cross_entropy(logits, target, self.reduction)
    end
    check_pair(self, logits, target)
    local dim = logits.ndim > 1 and 2 or 1
    check_classes(self, target, logits:size(dim))
    return nll(self, core.log_softmax(logits, dim), target, self.label_smoothing)
  end
  local dim = logits.ndim > 1 and 2 or 1
  local classes = logits:size(dim)
  local logp = core.log_softmax(logits, dim)
  if self.weight then
    local shape = {}
    for d = 1, logits.ndim do
      shape[d] = d == dim and -1 or 1
    end
    logp = logp * self.weight:reshape(shape)
  end
  if self.label_smoothing > 0 then
    target = target * (1 - self.label_smoothing) + self.label_smoothing / classes
  end
  return reduce(self, -(logp * target):sum(dim))
end)

---Negative log-likelihood: as CrossEntropyLoss, but the input is log-probabilities.
define("NLLLoss", { weight = { "any" }, ignore_index = { "integer" } }, function(self, logp, target)
  check_pair(self, logp, target)
  check_classes(self, target, logp:size(logp.ndim > 1 and 2 or 1))
  return nll(self, logp, target, 0)
end)

-- What the mean of such a loss is over: the weights of the targets that count. A number, or nil where it is over the samples.
local function mean_over(self, target)
  if not (self.weight or self.ignore_index) or not core.is_tensor(target) or target.dtype ~= "int64" then
    return nil
  end
  local t = target:reshape(-1)
  local valid = self.ignore_index and t:ne(self.ignore_index)
  t = valid and t:masked_select(valid) or t
  return self.weight and self.weight:detach():index_select(1, t):sum():item() or #t
end
M.CrossEntropyLoss._mean_over, M.NLLLoss._mean_over = mean_over, mean_over

---Binary cross-entropy of sigmoid(logits) against targets in 0..1, stable. pos_weight: a factor for the targets' side of 1.
define("BCEWithLogitsLoss", { pos_weight = { "any" }, weight = { "any" } }, function(self, x, y)
  if not self.pos_weight and not self.weight then
    return core.bce_with_logits(x, y, self.reduction)
  end
  check_equal(self, x, y)
  local factor = self.pos_weight and y * (self.pos_weight - 1) + 1
  local low = softplus(-x)
  local loss = (1 - y) * x + (factor and low * factor or low)
  return reduce(self, self.weight and loss * self.weight or loss)
end)

---Binary cross-entropy of probabilities; logarithms end at -100. Numbers outside of 0..1 are an error (in a compiled function
---the loss is nan then).
elementwise("BCELoss", { weight = { "any" } }, function(self, p, y)
  if not core.is_recording() and p:numel() > 0 then
    local low, high = p:detach():aminmax()
    low, high = low:item(), high:item()
    if low < 0 or high > 1 then
      core.raise(("BCELoss: the input (shape %s) must be probabilities in 0..1, but goes from %g to %g; end the model with "
        .. "nn.Sigmoid(), or use nn.BCEWithLogitsLoss, which takes logits"):format(tostring(p.shape), low, high))
    end
  end
  local loss = -(y * p:log():clamp { min = -100 } + (1 - y) * (1 - p):log():clamp { min = -100 })
  return self.weight and loss * self.weight or loss
end)

---alpha (1 - p_t)^gamma times the binary cross-entropy of logits: easy samples count less (Lin et al. 2017).
elementwise("FocalLoss", { gamma = { "number", 2 }, alpha = { "number", 0.25 } }, function(self, x, y)
  local bce = core.bce_with_logits(x, y, "none")
  local p = core.sigmoid(x)
  local miss = 1 - (p * y + (1 - p) * (1 - y))
  local loss = bce * miss:pow(self.gamma)
  if self.alpha >= 0 then
    loss = loss * (y * self.alpha + (1 - y) * (1 - self.alpha))
  end
  return loss
end)

---sum target (log target - input), the input being log-probabilities. reduction "batchmean" is the divergence itself;
---log_target: the target is log-probabilities, too.
define("KLDivLoss", { log_target = { "boolean", false } }, function(self, x, y)
  check_equal(self, x, y)
  local loss
  if self.log_target then
    loss = y:exp() * (y - x)
  else
    local positive = y:gt(0)
    loss = where(positive, y * (where(positive, y, 1):log() - x), 0)
  end
  if self.reduction == "batchmean" then
    return loss:sum() / #x
  end
  return reduce(self, loss)
end, "mean", "batchmean")

-- ---- margins ----

-- Targets -1 and 1, or 0 and 1.
local function signs(y)
  return where(y:gt(0), 1.0, -1.0)
end

---max(0, margin - y f) with y in {-1, 1} (or {0, 1}): the support vector machine's loss (Cortes & Vapnik 1995).
elementwise("HingeLoss", { margin = { "number", 1 } }, function(self, f, y)
  return relu(self.margin - signs(y) * f)
end)

---max(0, margin - y f)^2
elementwise("SquaredHingeLoss", { margin = { "number", 1 } }, function(self, f, y)
  return relu(self.margin - signs(y) * f):square()
end)

---log(1 + exp(-y f)) with y in {-1, 1}
elementwise("SoftMarginLoss", {}, function(_, f, y)
  return softplus(-y * f)
end)

---f where y = 1, max(0, margin - f) where y = -1
elementwise("HingeEmbeddingLoss", { margin = { "number", 1 } }, function(self, f, y)
  return where(y:gt(0), f, relu(self.margin - f))
end)

---loss(a, b, y): max(0, -y (a - b) + margin): a should be larger where y = 1, b where y = -1.
define("MarginRankingLoss", { margin = { "number", 0 } }, function(self, a, b, y)
  check_equal(self, a, b)
  check_signs(self, y, a.shape)
  return reduce(self, relu(-y * (a - b) + self.margin))
end)

---mean over classes i other than y of max(0, margin - x_y + x_i)^p: Crammer & Singer 2001.
define("MultiMarginLoss", {
  p = { "integer", 1 }, margin = { "number", 1 }, weight = { "any" },
}, function(self, x, target)
  check_pair(self, x, target)
  local classes = x:size(-1)
  check_classes(self, target, classes)
  local rows, t = x:reshape(-1, classes), target:reshape(-1, 1)
  local own = pick(self, rows, t)
  local over = relu(rows - own + self.margin)
  over = self.p == 2 and over:square() or over
  local others = (core.arange(classes) + 1):unsqueeze(1):ne(t):to(x.dtype)
  over = over * others
  if self.weight then
    over = over * self.weight:index_select(1, t:reshape(-1)):unsqueeze(2)
  end
  return reduce(self, over:sum(2) / classes)
end)

---Several classes a sample: each row of the target lists its classes, then 0. Mean over pairs of (a listed class, another
---class) of max(0, 1 - (x_listed - x_other)).
define("MultiLabelMarginLoss", {}, function(self, x, target)
  check_equal(self, x, target)
  check_classes(self, target, x:size(-1))
  local classes = x:size(-1)
  local rows, t = x:reshape(-1, classes), target:reshape(-1, classes)
  -- what stands after the first 0 does not count
  local ended = core.zeros({ #t }, { dtype = "bool" })
  local listed, loss = core.zeros { #rows, classes }, nil
  local places = (core.arange(classes) + 1):unsqueeze(1)
  local on = {}
  for k = 1, classes do
    local tk = t:select(2, k)
    ended = core.logical_or(ended, tk:le(0))
    on[k] = core.logical_not(ended):to(x.dtype)
    listed = listed + places:eq(tk:unsqueeze(2)):to(x.dtype) * on[k]:unsqueeze(2)
  end
  local other = 1 - listed
  for k = 1, classes do
    local tk = where(t:select(2, k):gt(0), t:select(2, k), 1):unsqueeze(2)
    local part = (relu(1 - (rows:gather(2, tk) - rows)) * other):sum(2) * on[k]
    loss = loss and loss + part or part
  end
  loss = loss / classes
  return reduce(self, x.ndim == 1 and loss:reshape {} or loss)
end)

---Mean over classes of the binary cross-entropy of each logit.
define("MultiLabelSoftMarginLoss", { weight = { "any" } }, function(self, x, y)
  check_equal(self, x, y)
  local loss = core.bce_with_logits(x, y, "none")
  loss = self.weight and loss * self.weight or loss
  return reduce(self, loss:mean(-1))
end)

-- ---- similarity ----

---loss(a, b, y): 1 - cos where y = 1, max(0, cos - margin) where y = -1.
define("CosineEmbeddingLoss", { margin = { "number", 0 } }, function(self, a, b, y)
  check_equal(self, a, b)
  local cos = core.cosine_similarity(a, b, { dim = -1, eps = 1e-12 })
  check_signs(self, y, cos.shape)
  return reduce(self, where(y:gt(0), 1 - cos, relu(cos - self.margin)))
end)

-- |a - b + eps| in the p-norm over the last dim
local function distance(a, b, p, eps)
  return (a - b + eps):norm(p, -1)
end

---loss(anchor, positive, negative): max(0, d(a, p) - d(a, n) + margin) (Schroff et al. 2015); swap: the negative's
---distance is the smaller one of those to anchor and positive.
define("TripletMarginLoss", {
  margin = { "number", 1 }, p = { "number", 2 }, eps = { "number", 1e-6 }, swap = { "boolean", false },
}, function(self, anchor, positive, negative)
  check_equal(self, anchor, positive)
  check_equal(self, anchor, negative)
  local near = distance(anchor, positive, self.p, self.eps)
  local far = distance(anchor, negative, self.p, self.eps)
  if self.swap then
    far = core.minimum(far, distance(positive, negative, self.p, self.eps))
  end
  return reduce(self, relu(near - far + self.margin))
end)

-- What the first argument of a loss is, for those who make a decision of it (nn.train's accuracy).
for kind, names in pairs {
  scores = "CrossEntropyLoss NLLLoss MultiMarginLoss", -- of classes, along dim 2; the largest counts
  logits = "BCEWithLogitsLoss FocalLoss HingeLoss SquaredHingeLoss SoftMarginLoss MultiLabelSoftMarginLoss", -- the sign
  probabilities = "BCELoss", -- above 1/2
  values = "MSELoss L1Loss HuberLoss SmoothL1Loss LogCoshLoss QuantileLoss", -- nearer to which target
} do
  for name in names:gmatch "%S+" do
    M[name].input_is = kind
  end
end

-- A loss of your own is a function(output, target) that returns a scalar tensor.
return M
