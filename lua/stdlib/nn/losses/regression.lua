-- Losses of regression: what is minimized says what noise is assumed. Names, settings and defaults are PyTorch's.

local core = require "nn.core"
local common = require "nn.losses.common"

local M = {}

local where, softplus = core.where, core.softplus
local check_equal, reduce = common.check_equal, common.reduce

local function define(...)
  common.define(M, ...)
end

local function elementwise(...)
  common.elementwise(M, ...)
end

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

common.input_is(M, "values", "MSELoss L1Loss HuberLoss SmoothL1Loss LogCoshLoss QuantileLoss")

return M
