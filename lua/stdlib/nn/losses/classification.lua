-- Losses of classification, and divergences. Classes count from 1. Names, settings and defaults are PyTorch's.

local core = require "nn.core"
local common = require "nn.losses.common"

local M = {}

local where, softplus = core.where, core.softplus
local check_pair, check_equal, reduce = common.check_pair, common.check_equal, common.reduce
local class_rows, check_classes, pick = common.class_rows, common.check_classes, common.pick

local function define(...)
  common.define(M, ...)
end

local function elementwise(...)
  common.elementwise(M, ...)
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

common.input_is(M, "scores", "CrossEntropyLoss NLLLoss")
common.input_is(M, "logits", "BCEWithLogitsLoss FocalLoss")
common.input_is(M, "probabilities", "BCELoss")

return M
