-- Convolution, pooling and embedding: layers that are only partly connected. A convolution is a matrix product over
-- windows of its input; windows are looked at through strides, and their gradient adds up where they overlap.

local core = require "nn.core"
local layer = require "nn.layers.builtin"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

-- x with `before` and `after` zeros (or another value) around dim d.
local function pad_dim(x, d, before, after, value)
  if before == 0 and after == 0 then
    return x
  end
  local shape = { table.unpack(x.shape) }
  if value == 0 then
    shape[d] = shape[d] + before + after
    return core.slice_zeros(x, d, before + 1, 1, shape)
  end
  local function block(n)
    shape[d] = n
    return core.full(shape, value, { dtype = x.dtype })
  end
  return core.cat({ block(before), x, block(after) }, d)
end

-- The windows of x (batch x channels x spatial dims): batch x out... x channels x kernel...; also the out sizes.
local function windows(self, x, value)
  local n = #self.kernel_size
  for i = 1, n do
    x = pad_dim(x, i + 2, self.padding[i], self.padding[i], value)
  end
  local b, c = x:size(1), x:size(2)
  local shape, strides, out, room = { b }, {}, {}, {}
  local step = 1
  for d = x.ndim, 1, -1 do
    room[d], step = step, step * x:size(d)
  end
  strides[1] = room[1]
  for i = 1, n do
    local reach = self.dilation[i] * (self.kernel_size[i] - 1) + 1
    out[i] = (x:size(i + 2) - reach) // self.stride[i] + 1
    if out[i] < 1 then
      layer.fail(self, "the window (%d wide) does not fit into the padded input, whose shape is %s", reach, tostring(x.shape))
    end
    shape[i + 1], strides[i + 1] = out[i], room[i + 2] * self.stride[i]
  end
  shape[n + 2], strides[n + 2] = c, room[2]
  for i = 1, n do
    shape[n + 2 + i], strides[n + 2 + i] = self.kernel_size[i], room[i + 2] * self.dilation[i]
  end
  return core.as_strided(x, shape, strides, 0), out
end

local words = { "batch x %d x length", "batch x %d x height x width" }

local function check(self, x, n, channels)
  if not core.is_tensor(x) then
    layer.want_tensor(self, x)
  end
  if x.ndim ~= n + 2 or (channels and x:size(2) ~= channels) then
    layer.fail(self, "the input must be %s, but has shape %s",
      words[n]:gsub("%%d", channels and tostring(channels) or "channels"), tostring(x.shape))
  end
end

-- ---- convolution ----

local function conv(n)
  local name = ("Conv%dd"):format(n)
  local Conv = module.Module:extend(name)
  M[name] = Conv

  ---Cross-correlation over n spatial dims. weight: out_channels x in_channels/groups x kernel...
  ---@param in_channels integer
  ---@param out_channels integer
  ---@param kernel_size integer|integer[]
  ---@param opts? {stride: integer, padding: integer|string, dilation: integer, groups: integer, bias: boolean, init: string}
  ---padding = "same" keeps the size (stride 1, odd kernels)
  function Conv:init(in_channels, out_channels, kernel_size, opts)
    local o = options.read(name, opts, {
      stride = { "any", 1 }, padding = { "any", 0 }, dilation = { "any", 1 }, groups = { "integer", 1 },
      bias = { "boolean", true }, init = { "string" },
    })
    self.in_channels = options.argument(name, "in_channels", in_channels, "integer", 1)
    self.out_channels = options.argument(name, "out_channels", out_channels, "integer", 1)
    self.kernel_size = layer.tuple(name, "kernel_size", kernel_size, n, 1)
    self.stride = layer.tuple(name, "stride", o.stride, n, 1)
    self.dilation = layer.tuple(name, "dilation", o.dilation, n, 1)
    if o.padding == "same" then
      self.padding = {}
      for i = 1, n do
        local extra = self.dilation[i] * (self.kernel_size[i] - 1)
        if extra % 2 == 1 or self.stride[i] ~= 1 then
          core.raise(("%s: padding = \"same\" needs an odd kernel and stride 1"):format(name))
        end
        self.padding[i] = extra // 2
      end
    else
      self.padding = layer.tuple(name, "padding", o.padding, n, 0)
    end
    self.groups = o.groups
    if o.groups < 1 or in_channels % o.groups ~= 0 or out_channels % o.groups ~= 0 then
      core.raise(("%s: in_channels (%d) and out_channels (%d) must be multiples of groups (%d)"):format(name, in_channels,
        out_channels, o.groups))
    end
    local init = require "nn.init"
    self.weight = core.Parameter(core.empty { out_channels, in_channels // o.groups, table.unpack(self.kernel_size) })
    init.by_name(name, o.init or "default_linear")(self.weight)
    if o.bias then
      local bound = 1 / math.sqrt((init.fans(self.weight)))
      self.bias = core.Parameter(init.uniform_(core.empty(out_channels), -bound, bound))
    end
  end

  function Conv:extra()
    return ("%d, %d, %s"):format(self.in_channels, self.out_channels, table.concat(self.kernel_size, "x"))
  end

  function Conv:forward(x)
    check(self, x, n, self.in_channels)
    local per = self.in_channels // self.groups
    local outs, out = {}, nil
    local width = self.out_channels // self.groups
    for g = 1, self.groups do
      local part = self.groups == 1 and x or x:narrow(2, (g - 1) * per + 1, per)
      local view
      view, out = windows(self, part, 0)
      local weight = self.weight:reshape(self.out_channels, -1)
      weight = self.groups == 1 and weight or weight:narrow(1, (g - 1) * width + 1, width)
      outs[g] = core.linear(view:reshape(-1, weight:size(2)), weight)
    end
    local rows = self.groups == 1 and outs[1] or core.cat(outs, 2)
    if self.bias then
      rows = rows + self.bias
    end
    local back = { 1, n + 2 }
    for i = 1, n do
      back[i + 2] = i + 1
    end
    table.insert(out, 1, #x)
    out[#out + 1] = self.out_channels
    return rows:reshape(out):permute(back)
  end
end
conv(1)
conv(2)

-- ---- pooling ----

local function pool(name, n, value, reduce)
  local Pool = module.Module:extend(name)
  M[name] = Pool

  ---@param kernel_size integer|integer[]
  ---@param opts? {stride: integer, padding: integer} stride: the kernel's size by default
  function Pool:init(kernel_size, opts)
    local o = options.read(name, opts, { stride = { "any" }, padding = { "any", 0 } })
    self.kernel_size = layer.tuple(name, "kernel_size", kernel_size, n, 1)
    self.stride = layer.tuple(name, "stride", o.stride or { table.unpack(self.kernel_size) }, n, 1)
    self.padding = layer.tuple(name, "padding", o.padding, n, 0)
    self.dilation = layer.tuple(name, "dilation", 1, n, 1)
    for i = 1, n do
      if self.padding[i] * 2 > self.kernel_size[i] then
        core.raise(("%s: padding can be half of the kernel's size at most"):format(name))
      end
    end
  end

  function Pool:extra()
    return table.concat(self.kernel_size, "x")
  end

  function Pool:forward(x)
    check(self, x, n)
    local view, out = windows(self, x, value)
    table.insert(out, 1, #x)
    out[#out + 1], out[#out + 2] = x:size(2), -1
    local y = reduce(view:reshape(out))
    local back = { 1, n + 2 }
    for i = 1, n do
      back[i + 2] = i + 1
    end
    return y:permute(back)
  end
end
for n = 1, 2 do
  pool(("MaxPool%dd"):format(n), n, -math.huge, function(v)
    return (v:max(-1))
  end)
  pool(("AvgPool%dd"):format(n), n, 0, function(v)
    return v:mean(-1)
  end)
end

---Mean over each of output_size x output_size parts of the image (a number, or {height, width}).
local function adaptive(name, n)
  layer.define(M, name, { { "output_size", "any", nil, "needed" } }, function(self, x)
    check(self, x, n)
    for i = 1, n do
      local d, parts, count = i + 2, {}, self.output_size[i]
      local size = x:size(d)
      for k = 0, count - 1 do
        local first, last = k * size // count, ((k + 1) * size + count - 1) // count
        parts[k + 1] = x:narrow(d, first + 1, last - first):mean(d, true)
      end
      x = count == 1 and parts[1] or core.cat(parts, d)
    end
    return x
  end, function(self)
    self.output_size = layer.tuple(name, "output_size", self.output_size, n, 1)
  end)
end
adaptive("AdaptiveAvgPool1d", 1)
adaptive("AdaptiveAvgPool2d", 2)

-- ---- embedding ----

---A vector for each of num_embeddings symbols: int64 symbols of any shape (from 1) to shape x embedding_dim.
---@class nn.Embedding: nn.Module
local Embedding = module.Module:extend "Embedding"
M.Embedding = Embedding

---@param num_embeddings integer
---@param embedding_dim integer
---@param opts? {padding_idx: integer} this symbol's vector is 0 and stays so
function Embedding:init(num_embeddings, embedding_dim, opts)
  local o = options.read("Embedding", opts, { padding_idx = { "integer" } })
  self.num_embeddings = options.argument("Embedding", "num_embeddings", num_embeddings, "integer", 1)
  self.embedding_dim = options.argument("Embedding", "embedding_dim", embedding_dim, "integer", 1)
  self.padding_idx = o.padding_idx
  local weight = core.randn(num_embeddings, embedding_dim)
  if o.padding_idx then
    weight[o.padding_idx] = 0
  end
  self.weight = core.Parameter(weight)
end

function Embedding:extra()
  return ("%d, %d"):format(self.num_embeddings, self.embedding_dim)
end

function Embedding:forward(symbols)
  if not core.is_tensor(symbols) or symbols.dtype ~= "int64" then
    core.raise(("Embedding(%s): the input must be an int64 tensor of symbols from 1 to %d, but is %s"):format(self:extra(),
      self.num_embeddings, core.describe(symbols)))
  end
  local weight = self.weight
  if self.padding_idx then -- no gradient for this row
    local keep = core.arange(self.num_embeddings):ne(self.padding_idx - 1):unsqueeze(2):to(weight.dtype)
    weight = weight * keep
  end
  local shape = { table.unpack(symbols.shape) }
  shape[#shape + 1] = self.embedding_dim
  local ok, rows = pcall(core.index_select, weight, 1, symbols:reshape(-1))
  if not ok then
    local what = tostring(rows):match "index_select: (.*out of range.*)"
    if what then
      core.raise(("Embedding(%s): %s (input %s); symbols count from 1"):format(self:extra(), what, tostring(symbols.shape)))
    end
    error(rows, 0)
  end
  return rows:reshape(shape)
end

return M
