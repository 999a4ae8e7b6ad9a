-- Activations as modules. Names, settings and defaults are PyTorch's.

local core = require "nn.core"
local layer = require "nn.layers.builtin"
local module = require "nn.layers.module"

local M = {}

local function define(name, settings, forward, build)
  return layer.define(M, name, settings, forward, build)
end

local softplus, where, is_tensor = core.softplus, core.where, core.is_tensor

-- A layer that is an op of one tensor.
local function of_op(name, op)
  local Layer = module.Module:extend(name)
  function Layer:forward(x)
    if not is_tensor(x) then
      layer.want_tensor(self, x)
    end
    return op(x)
  end
  M[name] = Layer
end

of_op("ReLU", core.relu)
of_op("Tanh", core.tanh)
of_op("Sigmoid", core.sigmoid)

-- ---- the rectified family ----

---x for x > 0, else alpha (exp(x) - 1): Clevert, Unterthiner & Hochreiter 2015.
define("ELU", { { "alpha", "number", 1 } }, function(self, x)
  return core.elu(x, self.alpha)
end)

---x for x > 0, else negative_slope x: Maas, Hannun & Ng 2013.
define("LeakyReLU", { { "negative_slope", "number", 0.01 } }, function(self, x)
  return core.leaky_relu(x, self.negative_slope)
end)

---x for x > 0, else weight x with a learned weight, one or one a channel: He et al. 2015.
define("PReLU", { { "num_parameters", "integer", 1, 1 }, { "init", "number", 0.25 } }, function(self, x)
  if #self.weight > 1 and (x.ndim < 2 or x:size(2) ~= #self.weight) then
    layer.fail(self, "the input must have %d channels in dim 2, but has shape %s", #self.weight, tostring(x.shape))
  end
  return core.prelu(x, self.weight)
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
of_op("ReLU6", core.relu6)

---scale * elu(x, alpha) with the constants for which activations keep mean 0 and variance 1: Klambauer et al. 2017.
of_op("SELU", core.selu)

---max(0, x) + min(0, alpha (exp(x / alpha) - 1)): Barron 2017.
define("CELU", { { "alpha", "number", 1 } }, function(self, x)
  return core.celu(x, self.alpha)
end)

-- ---- smooth ones ----

---x Phi(x) with the normal distribution's Phi, or its approximation by tanh: Hendrycks & Gimpel 2016.
define("GELU", { { "approximate", "string", "none" } }, function(self, x)
  return core.gelu(x, self.approximate)
end)

---x sigmoid(x), also called swish: Elfwing et al. 2018.
of_op("SiLU", core.silu)

---x tanh(softplus(x)): Misra 2019.
of_op("Mish", core.mish)

---log(1 + exp(beta x)) / beta; stable, so `threshold` is not needed and only kept for PyTorch's scripts.
define("Softplus", { { "beta", "number", 1, 1e-30, 1e30 }, { "threshold", "number", 20 } }, function(self, x)
  local b = self.beta
  return b == 1 and softplus(x) or softplus(x * b) / b
end)

---x / (1 + |x|)
of_op("Softsign", core.softsign)

---log sigmoid(x)
of_op("LogSigmoid", core.logsigmoid)

-- ---- piecewise linear ones ----

define("Hardtanh", { { "min_val", "number", -1 }, { "max_val", "number", 1 } }, function(self, x)
  return x:clamp(self.min_val, self.max_val)
end)

---0 below -3, 1 above 3, x / 6 + 1/2 between.
of_op("Hardsigmoid", core.hardsigmoid)

---x hardsigmoid(x): Howard et al. 2019.
of_op("Hardswish", core.hardswish)

---x where |x| > lambd, else 0.
define("Hardshrink", { { "lambd", "number", 0.5, 0 } }, function(self, x)
  return core.hardshrink(x, self.lambd)
end)

---x moved towards 0 by lambd, and 0 where it would change its sign.
define("Softshrink", { { "lambd", "number", 0.5, 0 } }, function(self, x)
  return core.softshrink(x, self.lambd)
end)

---x - tanh(x)
of_op("Tanhshrink", core.tanhshrink)

---x where x > threshold, else value.
define("Threshold", { { "threshold", "number", nil, "needed" }, { "value", "number", nil, "needed" } }, function(self, x)
  return core.threshold(x, self.threshold, self.value)
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
along("Softmin", core.softmin)

---The first half of dim `dim` times the sigmoid of the second: Dauphin et al. 2017.
along("GLU", core.glu)

---The largest of `pieces` linear maps, for each output: Goodfellow et al. 2013.
---@class nn.Maxout: nn.Module
local Maxout = module.Module:extend "Maxout"
M.Maxout = Maxout

---@param in_features integer
---@param out_features integer
---@param pieces? integer default 2
function Maxout:init(in_features, out_features, pieces)
  self.in_features, self.out_features, self.pieces = in_features, out_features, pieces or 2
  self.linear = require("nn.layers.linear").Linear(in_features, out_features * self.pieces)
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
