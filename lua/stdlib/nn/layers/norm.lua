-- Normalization. The ops of each layer have gradients of their own, so second derivatives work everywhere.

local core = require "nn.core"
local layer = require "nn.layers.builtin"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local along_channels, channel_rows, from_rows = layer.along_channels, layer.channel_rows, layer.from_rows

-- ---- batch norm ----

---While training, normalizes each feature by the batch's mean and (biased) variance; in evaluation by their running
---averages, where the variance is the unbiased one (Ioffe & Szegedy 2015; PyTorch's form). Input: batch x features, or
---batch x features x length.
---@class nn.BatchNorm1d: nn.Module
---@field num_features integer
local BatchNorm = module.Module:extend "BatchNorm"

---@param num_features integer
---@param opts? {eps: number, momentum: number, affine: boolean, track_running_stats: boolean, dtype: string}
function BatchNorm:init(num_features, opts)
  self.num_features = options.argument(self._name, "num_features", num_features, "integer", 1)
  local o = options.read(self._name, opts, {
    eps = { "number", 1e-5 }, momentum = { "number", 0.1 }, affine = { "boolean", true },
    track_running_stats = { "boolean", true }, dtype = { "string", "float32" },
  })
  self.eps, self.momentum = o.eps, o.momentum
  local like = { dtype = o.dtype }
  if o.affine then
    self.weight = core.Parameter(core.ones(num_features, like))
    self.bias = core.Parameter(core.zeros(num_features, like))
  end
  if o.track_running_stats then
    self:register_buffer("running_mean", core.zeros(num_features, like))
    self:register_buffer("running_var", core.ones(num_features, like))
    self:register_buffer("num_batches_tracked", core.zeros({ dtype = "int64" }))
  end
end

function BatchNorm:extra()
  return tostring(self.num_features)
end

-- running = (1 - momentum) running + momentum batch
local function track(self, mean, var, n)
  local m = self.momentum
  self.running_mean:mul_(1 - m):add_(mean * m)
  self.running_var:mul_(1 - m):add_(var * (m * n / math.max(1, n - 1)))
  self.num_batches_tracked:add_(1)
end

function BatchNorm:forward(x)
  if not core.is_tensor(x) then
    layer.want_tensor(self, x)
  end
  local n, rule = x.ndim, self._accepts
  if n < rule[1] or n > rule[2] or x:size(2) ~= self.num_features then
    core.raise(("%s(%d): input must be %s, but has shape %s"):format(self._name, self.num_features,
      rule[3]:gsub("%%d", tostring(self.num_features)), tostring(x.shape)))
  end
  local rows = channel_rows(x)
  if self.training or not self.running_mean then
    if #rows < 2 and self.training then
      core.raise(("%s(%d): a batch of one value (shape %s) has no variance to train on; use larger batches, or "
        .. "drop_last = true in the loader"):format(self._name, self.num_features, tostring(x.shape)))
    end
    local y, mean, var = core.batch_norm(rows, self.weight, self.bias, self.eps)
    if self.running_mean and self.training then
      core.no_grad(track, self, mean:detach(), var:detach(), #rows)
    end
    return from_rows(y, x)
  end
  local y = (rows - self.running_mean) / (self.running_var + self.eps):sqrt()
  if self.weight then
    y = y * self.weight + self.bias
  end
  return from_rows(y, x)
end

-- accepts: the least and the largest number of dims, and the words for them.
local function batch_norm(name, accepts)
  local Class = BatchNorm:extend(name)
  Class._accepts, Class._is_batch_norm = accepts, true
  M[name] = Class
end
batch_norm("BatchNorm1d", { 2, 3, "batch x %d (or batch x %d x length)" })
---Input: batch x channels x height x width; each channel is normalized over the three other dims.
batch_norm("BatchNorm2d", { 4, 4, "batch x %d x height x width" })

-- ---- norms that look at one sample ----

-- (x - mean) / sqrt(var + eps) over dims
local function standardize(x, dims, eps)
  local dev = x - x:mean(dims, true)
  return dev / (dev:square():mean(dims, true) + eps):sqrt()
end

---Normalizes each sample over its last dims, of the given shape: Ba, Kiros & Hinton 2016.
layer.define(M, "LayerNorm", {
  { "normalized_shape", "any", nil, "needed" }, { "eps", "number", 1e-5 }, { "elementwise_affine", "boolean", true },
}, function(self, x)
  local shape, n = self.normalized_shape, #self.normalized_shape
  local dims = {}
  for i = 1, n do
    dims[i] = x.ndim - n + i
    if dims[i] < 1 or x:size(dims[i]) ~= shape[i] then
      layer.fail(self, "the input's last dims must be %s, but its shape is %s", table.concat(shape, "x"), tostring(x.shape))
    end
  end
  local y = standardize(x, dims, self.eps)
  return self.weight and y * self.weight + self.bias or y
end, function(self)
  local shape = self.normalized_shape
  self.normalized_shape = layer.tuple("LayerNorm", "normalized_shape", shape, type(shape) == "table" and #shape or 1, 1)
  if self.elementwise_affine then
    self.weight = core.Parameter(core.ones(self.normalized_shape))
    self.bias = core.Parameter(core.zeros(self.normalized_shape))
  end
end)

---Divides by the root of the mean square over the last dims: Zhang & Sennrich 2019.
layer.define(M, "RMSNorm", {
  { "normalized_shape", "any", nil, "needed" }, { "eps", "number", 1e-5 }, { "elementwise_affine", "boolean", true },
}, function(self, x)
  local n, dims = #self.normalized_shape, {}
  for i = 1, n do
    dims[i] = -i
  end
  if x.ndim < n or x:size(-1) ~= self.normalized_shape[n] then
    layer.fail(self, "the input's last dims must be %s, but its shape is %s", table.concat(self.normalized_shape, "x"),
      tostring(x.shape))
  end
  local y = x / (x:square():mean(dims, true) + self.eps):sqrt()
  return self.weight and y * self.weight or y
end, function(self)
  local shape = self.normalized_shape
  self.normalized_shape = layer.tuple("RMSNorm", "normalized_shape", shape, type(shape) == "table" and #shape or 1, 1)
  if self.elementwise_affine then
    self.weight = core.Parameter(core.ones(self.normalized_shape))
  end
end)

-- A vector of channels, to go with x (channels in dim 2).

---Normalizes each sample over groups of channels: Wu & He 2018.
layer.define(M, "GroupNorm", {
  { "num_groups", "integer", nil, "needed" }, { "num_channels", "integer", nil, "needed" }, { "eps", "number", 1e-5 },
  { "affine", "boolean", true },
}, function(self, x)
  if x.ndim < 2 or x:size(2) ~= self.num_channels then
    layer.fail(self, "the input must have %d channels in dim 2, but has shape %s", self.num_channels, tostring(x.shape))
  end
  local y = standardize(x:reshape(x:size(1), self.num_groups, -1), -1, self.eps):reshape(x.shape)
  return self.weight and y * along_channels(self.weight, x) + along_channels(self.bias, x) or y
end, function(self)
  if self.num_groups < 1 or self.num_channels % self.num_groups ~= 0 then
    layer.fail(self, "the channels must divide evenly into the groups")
  end
  if self.affine then
    self.weight = core.Parameter(core.ones(self.num_channels))
    self.bias = core.Parameter(core.zeros(self.num_channels))
  end
end)

---Normalizes each channel of each sample over its positions: Ulyanov, Vedaldi & Lempitsky 2016.
local function instance_norm(name, ndim, words)
  layer.define(M, name, {
    { "num_features", "integer", nil, "needed" }, { "eps", "number", 1e-5 }, { "affine", "boolean", false },
  }, function(self, x)
    if x.ndim ~= ndim or x:size(2) ~= self.num_features then
      layer.fail(self, "the input must be %s, but has shape %s", words, tostring(x.shape))
    end
    local dims = {}
    for d = 3, ndim do
      dims[#dims + 1] = d
    end
    local y = standardize(x, dims, self.eps)
    return self.weight and y * along_channels(self.weight, x) + along_channels(self.bias, x) or y
  end, function(self)
    if self.affine then
      self.weight = core.Parameter(core.ones(self.num_features))
      self.bias = core.Parameter(core.zeros(self.num_features))
    end
  end)
end
instance_norm("InstanceNorm1d", 3, "batch x channels x length")
instance_norm("InstanceNorm2d", 4, "batch x channels x height x width")

---x / (k + alpha / size * sum of squares over `size` neighbouring channels)^beta: Krizhevsky et al. 2012.
layer.define(M, "LocalResponseNorm", {
  { "size", "integer", nil, "needed" }, { "alpha", "number", 1e-4 }, { "beta", "number", 0.75 }, { "k", "number", 1 },
}, function(self, x)
  if x.ndim < 3 then
    layer.fail(self, "the input must be batch x channels x ..., but has shape %s", tostring(x.shape))
  end
  local square, c, low = x:square(), x:size(2), self.size // 2
  local padded = core.slice_zeros(square, 2, low + 1, 1, (function()
    local shape = { table.unpack(x.shape) }
    shape[2] = c + self.size - 1
    return shape
  end)())
  local sum = padded:narrow(2, 1, c)
  for i = 2, self.size do
    sum = sum + padded:narrow(2, i, c)
  end
  return x / (sum * (self.alpha / self.size) + self.k):pow(self.beta)
end)

-- ---- norms of the weights ----

-- A layer whose parameter `name` is computed from others at each call.
local function takes_layer(who, inner, name)
  if not module.is_module(inner) or not core.is_tensor(inner[name]) or not inner[name].is_parameter then
    core.raise(("%s: the first argument must be a layer with a parameter '%s', but is %s"):format(who, name,
      core.describe(inner)))
  end
  return inner[name]
end

-- The norm over all dims but `dim`, kept as dims of size 1; over everything without `dim`.
local function norm_except(v, dim)
  local dims = {}
  for d = 1, v.ndim do
    if d ~= dim then
      dims[#dims + 1] = d
    end
  end
  return v:square():sum(dims, true):sqrt()
end

---A layer with weight = g v / |v|, length and direction trained apart (Salimans & Kingma 2016), one length for each
---output: nn.WeightNorm(nn.Linear(10, 5)). Its parameters are weight_g and weight_v.
---@class nn.WeightNorm: nn.Module
local WeightNorm = module.Module:extend "WeightNorm"
M.WeightNorm = WeightNorm

---@param inner nn.Module
---@param opts? {name: string, dim: integer} which parameter ("weight"), and the dim with lengths of its own (1)
function WeightNorm:init(inner, opts)
  local o = options.read("WeightNorm", opts, { name = { "string", "weight" }, dim = { "integer", 1 } })
  local weight = takes_layer("WeightNorm", inner, o.name)
  self.name, self.dim = o.name, o.dim
  local value = weight:detach()
  self.weight_g = core.Parameter(norm_except(value, o.dim))
  self.weight_v = core.Parameter(value:clone())
  inner[o.name] = nil -- no parameter of the layer any more
  inner[o.name] = value
  self.layer = inner
end

---The weight as it is now.
function WeightNorm:weight()
  return self.weight_v * (self.weight_g / norm_except(self.weight_v, self.dim))
end

function WeightNorm:forward(x)
  return module.with_field(self.layer, self.name, self:weight(), x)
end

---A layer whose weight is divided by its largest singular value, found by power iteration while training: Miyato et al.
---2018.
---@class nn.SpectralNorm: nn.Module
local SpectralNorm = module.Module:extend "SpectralNorm"
M.SpectralNorm = SpectralNorm

-- n steps of the power method.
local function iterate(self, n)
  local w = self.weight_orig:detach():flatten(2)
  local u, v = self.weight_u, self.weight_v
  for _ = 1, n do
    local wv = w:t():matmul(u)
    v:copy_(wv / (wv:norm() + self.eps))
    local wu = w:matmul(v)
    u:copy_(wu / (wu:norm() + self.eps))
  end
end

---@param inner nn.Module
---@param opts? {name: string, n_power_iterations: integer, eps: number}
function SpectralNorm:init(inner, opts)
  local o = options.read("SpectralNorm", opts, {
    name = { "string", "weight" }, n_power_iterations = { "integer", 1 }, eps = { "number", 1e-12 },
  })
  local weight = takes_layer("SpectralNorm", inner, o.name)
  self.name, self.n_power_iterations, self.eps = o.name, o.n_power_iterations, o.eps
  self.weight_orig = core.Parameter(weight:detach():clone())
  inner[o.name] = nil
  inner[o.name] = weight:detach()
  local rows = weight:size(1)
  local u = core.randn({ rows }, { dtype = weight.dtype })
  self:register_buffer("weight_u", u / u:norm())
  local v = core.randn({ weight:numel() // rows }, { dtype = weight.dtype })
  self:register_buffer("weight_v", v / v:norm())
  self.layer = inner
  core.no_grad(iterate, self, 15)
end

function SpectralNorm:forward(x)
  if self.training then
    core.no_grad(iterate, self, self.n_power_iterations)
  end
  -- clones: the buffers change in place at the next call, before this one's backward may have run
  local u, v = self.weight_u:clone(), self.weight_v:clone()
  local sigma = (u * self.weight_orig:flatten(2):matmul(v)):sum()
  return module.with_field(self.layer, self.name, self.weight_orig / sigma, x)
end

return M
