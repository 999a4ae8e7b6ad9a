-- Losses of margins and of similarity. Classes count from 1. Names, settings and defaults are PyTorch's.

local core = require "nn.core"
local common = require "nn.losses.common"

local M = {}

local where, softplus, relu = core.where, core.softplus, core.relu
local check_pair, check_equal, reduce = common.check_pair, common.check_equal, common.reduce
local check_classes, pick, check_signs = common.check_classes, common.pick, common.check_signs

local function define(...)
  common.define(M, ...)
end

local function elementwise(...)
  common.elementwise(M, ...)
end

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

common.input_is(M, "scores", "MultiMarginLoss")
common.input_is(M, "logits", "HingeLoss SquaredHingeLoss SoftMarginLoss MultiLabelSoftMarginLoss")

return M
