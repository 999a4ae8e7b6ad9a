-- Columns of mean 0 and deviation 1, and back again.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

---@class nn.StandardScaler
---@field mean nn.Tensor of each column, float64
---@field std nn.Tensor and its deviation; 1 where a column is constant
local Scaler = options.strict_class("nn.StandardScaler", { mean = true, std = true, dims = true },
  "what was fitted is scaler.mean and scaler.std")

local function floats(who, x)
  if not core.is_tensor(x) then
    core.raise(("%s: x must be a tensor, but is %s"):format(who, core.describe(x)))
  end
  return x, x.dtype:find "float" and x.dtype or "float32"
end

---Takes mean and deviation from these samples: those of the training set.
---@param x nn.Tensor
---@return nn.StandardScaler self
---example:
---  > nn.data.StandardScaler():fit(nn.tensor {{0.0}, {4.0}}).std
---  tensor([[2.]], shape=1x1, float64)
---see: nn.StandardScaler:transform, nn.data.normalize
function Scaler:fit(x)
  floats("StandardScaler:fit", x)
  for _, d in ipairs(self.dims) do
    if d > x.ndim then
      core.raise(("StandardScaler:fit: dim %d is not there: the shape of x is %s"):format(d, tostring(x.shape)))
    end
  end
  local values = x:detach():to "float64"
  if values:numel() == 0 then
    core.raise(("StandardScaler:fit: there are no samples: the shape of x is %s"):format(tostring(x.shape)))
  elseif not values:isfinite():all():item() then
    core.raise(("StandardScaler:fit: %d of the values of x are nan or infinite; leave these samples out, or fill them in"):format(
      values:isfinite():logical_not():sum():item()))
  end
  local mean = values:mean(self.dims, true)
  local var = (values - mean):square():mean(self.dims, true)
  -- what is left of a constant by rounding is no deviation (the bound is scikit-learn's)
  local n, eps = values:numel() // mean:numel(), 2.0 ^ -52
  local constant = var:le(n * eps * var + (n * eps * mean):square())
  self.mean, self.std = mean, core.where(constant, core.ones_like(var), var:sqrt())
  return self
end

local function fitted(self, who, x)
  local dtype
  x, dtype = floats(who, x)
  local mean = self.mean
  if not mean then
    core.raise(("%s: nothing is fitted yet; scaler:fit(x) comes first, with the training set"):format(who))
  end
  local fits = x.ndim == mean.ndim
  for d = 1, fits and mean.ndim or 0 do
    fits = fits and (mean:size(d) == 1 or mean:size(d) == x:size(d))
  end
  if not fits then
    core.raise(("%s: x has shape %s, which does not go with the mean's, %s"):format(who, tostring(x.shape), tostring(mean.shape)))
  end
  return x, dtype, mean, self.std
end

-- In float64, as mean and deviation are: large numbers that differ little keep their differences.
local function calculated(x, dtype, f)
  return f(x:to "float64"):to(dtype)
end

---Shifts and scales x by what was fitted: (x - mean) / std.
---@param x nn.Tensor
---@return nn.Tensor
---example:
---  > scaler = nn.data.StandardScaler():fit(nn.tensor {{0.0}, {4.0}})
---  > scaler:transform(nn.tensor {{6.0}})
---  tensor([[2.]], shape=1x1, float32)
---see: nn.StandardScaler:inverse_transform, nn.StandardScaler:fit
function Scaler:transform(x)
  local y, dtype, mean, std = fitted(self, "StandardScaler:transform", x)
  return calculated(y, dtype, function(v)
    return (v - mean) / std
  end)
end

---Does both: fit(x), and gives x transformed.
---@param x nn.Tensor
---@return nn.Tensor
---example:
---  > nn.data.StandardScaler():fit_transform(nn.tensor {{0.0}, {4.0}})
---  tensor([[-1.],
---          [ 1.]], shape=2x1, float32)
---see: nn.StandardScaler:transform
function Scaler:fit_transform(x)
  return self:fit(x):transform(x)
end

---Undoes transform, x * std + mean: predictions in the units of the targets.
---@param x nn.Tensor
---@return nn.Tensor
---example:
---  > scaler = nn.data.StandardScaler():fit(nn.tensor {{0.0}, {4.0}})
---  > scaler:inverse_transform(nn.tensor {{1.0}})
---  tensor([[4.]], shape=1x1, float32)
---see: nn.StandardScaler:transform
function Scaler:inverse_transform(x)
  local y, dtype, mean, std = fitted(self, "StandardScaler:inverse_transform", x)
  return calculated(y, dtype, function(v)
    return v * std + mean
  end)
end

---Gives mean and std, for nn.save beside the model.
---@return table
---example:
---  > nn.data.StandardScaler():fit(nn.tensor {{0.0}, {4.0}}):state_dict()
---  {mean = tensor([[2.]], shape=1x1, float64), std = tensor([[2.]], shape=1x1, float64)}
---see: nn.StandardScaler:load_state_dict, nn.save
function Scaler:state_dict()
  return { mean = self.mean, std = self.std }
end

---Goes on with what state_dict gave.
---@param saved any
---@return nn.StandardScaler self
---example:
---  > state = nn.data.StandardScaler():fit(nn.tensor {{0.0}, {4.0}}):state_dict()
---  > nn.data.StandardScaler():load_state_dict(state)
---  StandardScaler(1x1)
---see: nn.StandardScaler:state_dict, nn.load
function Scaler:load_state_dict(saved)
  local fine = type(saved) == "table" and core.is_tensor(saved.mean) and core.is_tensor(saved.std)
  if not (fine and saved.mean.shape == saved.std.shape) then
    core.raise(("StandardScaler:load_state_dict needs what state_dict gave, but got %s"):format(core.describe(saved)))
  end
  self.mean, self.std = saved.mean:to "float64", saved.std:to "float64"
  return self
end

function Scaler:__tostring()
  return ("StandardScaler(%s)"):format(self.mean and tostring(self.mean.shape) or "not fitted")
end

---Shifts and scales columns to mean 0 and deviation 1, by what the training set says, and back, as scikit-learn's:
---fit, transform, fit_transform, inverse_transform, state_dict and load_state_dict; what they give are new tensors.
---The deviation is that of the samples (divided by their number). A constant column is only shifted.
---@param opts? {dim: integer|integer[]} the dims that mean and deviation are taken over: 1, the samples; {1, 3, 4} gives one for
---each channel of images
---@return nn.StandardScaler
---example:
---  > targets = nn.data.StandardScaler()
---  > y = targets:fit_transform(nn.tensor {{10.0}, {30.0}})
---  > y
---  tensor([[-1.],
---          [ 1.]], shape=2x1, float32)
---  > targets:inverse_transform(y)
---  tensor([[10.],
---          [30.]], shape=2x1, float32)
---see: nn.StandardScaler:fit, nn.data.normalize, nn.BatchNorm1d
function M.StandardScaler(opts)
  local o = options.read("StandardScaler", opts, { dim = { "any", 1 } })
  local dims = type(o.dim) == "table" and o.dim or { o.dim }
  for _, d in ipairs(dims) do
    if math.type(d) ~= "integer" or d < 1 then
      core.raise(("StandardScaler: dim must be an integer from 1 on, or a list of such, but has %s"):format(core.describe(d)))
    end
  end
  if #dims == 0 then
    core.raise "StandardScaler: dim is empty"
  end
  return setmetatable({ dims = dims }, Scaler)
end

return M
