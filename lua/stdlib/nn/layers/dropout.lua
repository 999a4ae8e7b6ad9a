-- Layers that disturb what passes through them while training, against co-adaptation and overfitting.

local core = require "nn.core"
local layer = require "nn.layers.builtin"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local function define(name, settings, forward, build)
  return layer.define(M, name, settings, forward, build)
end

---While training, sets each element to 0 with probability p, anew for each unit of each sample (Srivastava et al. 2014).
---inverted = true (the default, and PyTorch's form) scales the others by 1/(1-p) at once and does nothing in evaluation;
---inverted = false is the paper's and the lecture's form: no scaling while training, times 1-p in evaluation.
define("Dropout", { { "p", "number", 0.5, 0, 1 }, { "inverted", "boolean", true, named = true } }, function(self, x)
  local p = self.p
  if p == 0 then
    return x
  elseif self.inverted then
    return self.training and core.dropout(x, p) or x
  elseif self.training then
    return core.dropout(x, p) * (1 - p)
  end
  return x * (1 - p)
end)

-- Zeros and ones (kept with probability 1 - p) of a shape, in x's dtype.
local function mask(x, shape, p)
  return core.rand(shape, { dtype = x.dtype }):ge(p):to(x.dtype)
end

-- Whole channels: the mask has size 1 in the dims after the second.
local function channels(name, ndim, shape_word)
  define(name, { { "p", "number", 0.5, 0, 1 } }, function(self, x)
    if x.ndim ~= ndim then
      layer.fail(self, "the input must be %s, but has shape %s", shape_word, tostring(x.shape))
    end
    if not self.training or self.p == 0 then
      return x
    elseif self.p == 1 then
      return x * 0
    end
    local shape = { table.unpack(x.shape) }
    for d = 3, ndim do
      shape[d] = 1
    end
    return x * (mask(x, shape, self.p) / (1 - self.p))
  end)
end
---Drops whole channels: Tompson et al. 2015.
channels("Dropout1d", 3, "batch x channels x length")
channels("Dropout2d", 4, "batch x channels x height x width")

---Dropout for SELU nets: units are set to SELU's negative limit and the result is moved and scaled so that mean and
---variance stay (Klambauer et al. 2017).
define("AlphaDropout", { { "p", "number", 0.5, 0, 1 } }, function(self, x)
  local p = self.p
  if not self.training or p == 0 then
    return x
  elseif p == 1 then
    return x * 0
  end
  local low = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717
  local a = ((1 - p) * (1 + p * low * low)) ^ -0.5
  local keep = mask(x, x.shape, p)
  return (x * keep + (1 - keep) * low) * a - a * low * p
end)

---x times noise from N(1, p / (1 - p)), the Gaussian with dropout's variance (Srivastava et al. 2014, section 10).
define("GaussianDropout", { { "p", "number", 0.5, 0, 1 } }, function(self, x)
  if not self.training or self.p == 0 then
    return x
  end
  return x * (core.randn_like(x) * math.sqrt(self.p / (1 - self.p)) + 1)
end)

---x plus noise from N(0, std^2) while training (Bishop 1995: for small noise, a penalty on the slope).
define("GaussianNoise", { { "std", "number", 0.1, 0 } }, function(self, x)
  if not self.training or self.std == 0 then
    return x
  end
  return x + core.randn_like(x) * self.std
end)

---A linear layer whose weights, not units, are dropped: a mask over the weight for each batch, scaled by 1/(1-p); the
---mean weights in evaluation (Wan et al. 2013, who draw a mask for each sample).
---@class nn.DropConnect: nn.Module
local DropConnect = module.Module:extend "DropConnect"
M.DropConnect = DropConnect

---@param linear nn.Linear any layer with a `weight`
---@param p? number default 0.5
function DropConnect:init(linear, p)
  if not module.is_module(linear) or not core.is_tensor(linear.weight) then
    core.raise(("DropConnect: the first argument must be a layer with a weight, but is %s"):format(core.describe(linear)))
  end
  self.p = options.argument("DropConnect", "p", p or 0.5, "number", 0)
  if self.p >= 1 then
    core.raise(("DropConnect: p must be below 1, but is %g"):format(self.p))
  end
  self.layer = linear
end

function DropConnect:extra()
  return ("%g"):format(self.p)
end

function DropConnect:forward(x)
  if not self.training or self.p == 0 then
    return self.layer(x)
  end
  return module.with_field(self.layer, "weight", core.dropout(self.layer.weight, self.p), x)
end

return M
