-- Batch norm as a function, with the arguments that PyTorch's has.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local function of_channels(name, t, x)
  if t ~= nil and not (core.is_tensor(t) and t.ndim == 1 and #t == x:size(2) and t.dtype:find "float") then
    core.raise(("batch_norm: %s must be a float tensor of shape %d, one element for each channel (dim 2 of shape %s), but is %s")
      :format(name, x:size(2), tostring(x.shape), core.describe(t)))
  end
end

---Normalizes each channel (dim 2: a column, or a plane of every image) by running_mean and running_var, then scales and shifts
---it. With training = true by the mean and the variance of the batch, which the running ones then follow (they may be left out).
---@param x nn.Tensor batch x channels (x ...)
---@param running_mean? nn.Tensor|table of the channels; changed in place while training; or all options by name
---@param running_var? nn.Tensor
---@param opts? {weight: nn.Tensor, bias: nn.Tensor, training: boolean, momentum: number, eps: number} false, 0.1, 1e-5; weight
---  and bias may also stand before the options
---@return nn.Tensor
---example:
---  > nn.batch_norm(nn.tensor {{1.0, 2.0}, {3.0, 6.0}}, nn.zeros(2), nn.full({2}, 4.0))
---  tensor([[0.5000, 1.0000],
---          [1.5000, 3.0000]], shape=2x2, float32)
---  > nn.batch_norm(nn.tensor {{1.0, 2.0}, {3.0, 6.0}}, nil, nil, {training = true})
---  tensor([[-1.0000, -1.0000],
---          [ 1.0000,  1.0000]], shape=2x2, float32)
---see: nn.BatchNorm1d, nn.BatchNorm2d, nn.layer_norm, nn.instance_norm
---source: Ioffe & Szegedy 2015, "Batch normalization", algorithm 1
function M.batch_norm(x, running_mean, running_var, ...)
  if not core.is_tensor(x) or x.ndim < 2 or not x.dtype:find "float" then
    core.raise(("batch_norm: x must be floats of shape batch x channels (x ...), but is %s"):format(core.describe(x)))
  end
  if type(running_mean) == "table" and running_var == nil and select("#", ...) == 0 then -- all by name
    local given = {}
    for key, value in pairs(running_mean) do
      given[key] = value
    end
    running_mean, running_var = given.running_mean, given.running_var
    given.running_mean, given.running_var = nil, nil
    return M.batch_norm(x, running_mean, running_var, given)
  end
  local more = table.pack(...)
  local last = more[more.n]
  local opts = type(last) == "table" and last or nil
  local o = options.read("batch_norm", opts, { weight = { "any" }, bias = { "any" }, training = { "boolean", false },
    momentum = { "number", 0.1 }, eps = { "number", 1e-5, above = 0 } })
  local count = more.n - (opts and 1 or 0)
  for i, name in ipairs { "weight", "bias", "training", "momentum", "eps" } do -- by place
    if i <= count and more[i] ~= nil then
      o[name] = more[i]
    end
  end
  if count > 5 or type(o.training) ~= "boolean" or type(o.momentum) ~= "number" or type(o.eps) ~= "number" then
    core.raise("batch_norm: takes x, running_mean, running_var, weight, bias, training (true or false), momentum, eps (numbers)")
  end
  of_channels("running_mean", running_mean, x)
  of_channels("running_var", running_var, x)
  of_channels("weight", o.weight, x)
  of_channels("bias", o.bias, x)
  if (running_mean == nil) ~= (running_var == nil) then
    core.raise(("batch_norm: running_mean and running_var go together, but %s was left out"):format(
      running_mean and "running_var" or "running_mean"))
  elseif o.training then
    local n = x:size(2) > 0 and x:numel() // x:size(2) or 0
    if n < 2 then
      core.raise(("batch_norm: a batch of one value (shape %s) has no variance to train on"):format(tostring(x.shape)))
    end
    local y, mean, var = core.batch_standardize(x, o.weight, o.bias, { eps = o.eps })
    if running_mean then
      core.no_grad(function()
        running_mean:mul_(1 - o.momentum):add_(mean:detach() * o.momentum)
        running_var:mul_(1 - o.momentum):add_(var:detach() * (o.momentum * n / (n - 1)))
      end)
    end
    return y
  elseif not running_mean then
    core.raise "batch_norm: needs running_mean and running_var, or training = true"
  end
  local shape = { 1, x:size(2) }
  for d = 3, x.ndim do
    shape[d] = 1
  end
  local y = (x - running_mean:reshape(shape)) / (running_var + o.eps):sqrt():reshape(shape)
  y = o.weight and y * o.weight:reshape(shape) or y
  return o.bias and y + o.bias:reshape(shape) or y
end

return M
