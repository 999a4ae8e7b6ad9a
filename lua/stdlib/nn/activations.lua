-- Activations as modules. Names, settings and defaults are PyTorch's.

local core = require "nn.core"
local layer = require "nn.layer"
local module = require "nn.module"

local M = {}

local function define(name, settings, forward, build)
  return layer.define(M, name, settings, forward, build)
end

local relu, elu, sigmoid, tanh, softplus, where = core.relu, core.elu, core.sigmoid, core.tanh, core.softplus, core.where

-- ---- the rectified family ----

---x for x > 0, else negative_slope x: Maas, Hannun & Ng 2013.
define("LeakyReLU", { { "negative_slope", "number", 0.01 } }, function(self, x)
  return where(x:gt(0), x, x * self.negative_slope)
end)

-- A parameter per channel (dim 2) as a shape that broadcasts over x.
local function per_channel(weight, x)
  if #weight == 1 or x.ndim < 2 then
    return weight
  end
  local shape = {}
  for d = 1, x.ndim do
    shape[d] = d == 2 and #weight or 1
  end
  return weight:reshape(shape)
end

---x for x > 0, else weight x with a learned weight, one or one a channel: He et al. 2015.
define("PReLU", { { "num_parameters", "integer", 1, 1 }, { "init", "number", 0.25 } }, function(self, x)
  if #self.weight > 1 and (x.ndim < 2 or x:size(2) ~= #self.weight) then
    layer.fail(self, "the input must have %d channels in dim 2, but has shape %s", #self.weight, tostring(x.shape))
  end
  return where(x:gt(0), x, x * per_channel(self.weight, x))
end, function(self)
  self.weight = core.Parameter(core.full({ self.num_parameters }, self.init + 0.0))
end)

---Leaky with a slope drawn from U(lower, upper) for each element while training, their mean afterwards: Xu et al. 2015.
define("RReLU", { { "lower", "number", 1 / 8 }, { "upper", "number", 1 / 3 } }, function(self, x)
  local slope = (self.lower + self.upper) / 2
  if self.training then
    slope = core.rand_like(x) * (self.upper - self.lower) + self.lower
  end
  return where(x:gt(0), x, x * slope)
end)

---min(max(0, x), 6): Krizhevsky 2010.
define("ReLU6", {}, function(_, x)
  return relu(x):clamp { max = 6 }
end)

local selu_alpha, selu_scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

---scale * elu(x, alpha) with the constants for which activations keep mean 0 and variance 1: Klambauer et al. 2017.
define("SELU", {}, function(_, x)
  return elu(x, selu_alpha) * selu_scale
end)

---max(0, x) + min(0, alpha (exp(x / alpha) - 1)): Barron 2017.
define("CELU", { { "alpha", "number", 1 } }, function(self, x)
  local a = self.alpha
  return a == 1 and elu(x) or elu(x / a) * a
end)

-- ---- smooth ones ----

---x Phi(x) with the normal distribution's Phi, or its approximation by tanh: Hendrycks & Gimpel 2016.
define("GELU", { { "approximate", "string", "none" } }, function(self, x)
  if self.approximate == "tanh" then
    local inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
    return x * 0.5 * (tanh(inner) + 1)
  elseif self.approximate ~= "none" then
    layer.fail(self, "approximate must be \"none\" or \"tanh\"")
  end
  return x * 0.5 * (core.erf(x * math.sqrt(0.5)) + 1)
end)

---x sigmoid(x), also called swish: Elfwing et al. 2018.
define("SiLU", {}, function(_, x)
  return x * sigmoid(x)
end)

---x tanh(softplus(x)): Misra 2019.
define("Mish", {}, function(_, x)
  return x * tanh(softplus(x))
end)

---log(1 + exp(beta x)) / beta; stable, so `threshold` is not needed and only kept for PyTorch's scripts.
define("Softplus", { { "beta", "number", 1 }, { "threshold", "number", 20 } }, function(self, x)
  local b = self.beta
  return b == 1 and softplus(x) or softplus(x * b) / b
end)

---x / (1 + |x|)
define("Softsign", {}, function(_, x)
  return x / (x:abs() + 1)
end)

---log sigmoid(x)
define("LogSigmoid", {}, function(_, x)
  return -softplus(-x)
end)

-- ---- piecewise linear ones ----

define("Hardtanh", { { "min_val", "number", -1 }, { "max_val", "number", 1 } }, function(self, x)
  return x:clamp(self.min_val, self.max_val)
end)

---0 below -3, 1 above 3, x / 6 + 1/2 between.
define("Hardsigmoid", {}, function(_, x)
  return (x / 6 + 0.5):clamp(0, 1)
end)

---x hardsigmoid(x): Howard et al. 2019.
define("Hardswish", {}, function(_, x)
  return x * (x / 6 + 0.5):clamp(0, 1)
end)

---x where |x| > lambd, else 0.
define("Hardshrink", { { "lambd", "number", 0.5, 0 } }, function(self, x)
  return where(x:abs():gt(self.lambd), x, 0)
end)

---x moved towards 0 by lambd, and 0 where it would change its sign.
define("Softshrink", { { "lambd", "number", 0.5, 0 } }, function(self, x)
  return relu(x - self.lambd) - relu(-x - self.lambd)
end)

---x - tanh(x)
define("Tanhshrink", {}, function(_, x)
  return x - tanh(x)
end)

---x where x > threshold, else value.
define("Threshold", { { "threshold", "number", nil, "needed" }, { "value", "number", nil, "needed" } }, function(self, x)
  return where(x:gt(self.threshold), x, self.value)
end)

---The slides' threshold unit: 1 where x > 0, else 0. Its derivative is 0 almost everywhere, so the straight-through
---gradient stands in: 1 where |x| <= width, else 0 (Bengio, Leonard & Courville 2013; Hubara et al. 2016). width =
---math.huge passes every gradient.
define("Step", { { "width", "number", 1, 0 } }, function(self, x)
  local through = self.width == math.huge and x or x:clamp(-self.width, self.width)
  return through + (x:gt(0):to(x.dtype) - through):detach()
end)

-- ---- over a dim ----

local function along(name, f)
  define(name, { { "dim", "integer", -1 } }, function(self, x)
    return f(x, self.dim)
  end)
end
along("Softmax", core.softmax)
along("LogSoftmax", core.log_softmax)
along("Softmin", function(x, dim)
  return core.softmax(-x, dim)
end)

---The first half of dim `dim` times the sigmoid of the second: Dauphin et al. 2017.
define("GLU", { { "dim", "integer", -1 } }, function(self, x)
  local n = x.ndim > 0 and x:size(self.dim) or 1
  if n % 2 == 1 then
    layer.fail(self, "halves dim %d, whose size must be even, but the input has shape %s", self.dim, tostring(x.shape))
  end
  return x:narrow(self.dim, 1, n // 2) * sigmoid(x:narrow(self.dim, n // 2 + 1, n // 2))
end)

---The largest of `pieces` linear maps, for each output: Goodfellow et al. 2013.
---@class nn.Maxout: nn.Module
local Maxout = module.Module:extend "Maxout"
Maxout._static = {}
M.Maxout = Maxout

---@param in_features integer
---@param out_features integer
---@param pieces? integer default 2
function Maxout:init(in_features, out_features, pieces)
  self.in_features, self.out_features, self.pieces = in_features, out_features, pieces or 2
  self.linear = require("nn.layers").Linear(in_features, out_features * self.pieces)
end

function Maxout:extra()
  return ("%d, %d, %d"):format(self.in_features, self.out_features, self.pieces)
end

function Maxout:forward(x)
  local y = self.linear(x)
  local shape = { table.unpack(x.shape) }
  shape[#shape], shape[#shape + 1] = self.out_features, self.pieces
  return (y:reshape(shape):max(-1))
end

return M
