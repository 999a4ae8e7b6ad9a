-- nn.data: data sets and loaders.
--
--   local train, test = nn.data.fashion_mnist()
--   for x, y in train:loader{batch_size = 128, shuffle = true} do ... end

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

-- ---- data sets ----

---Samples: x and y have the same first dim, as have further tensors.
---@class nn.Dataset
---@field x nn.Tensor
---@field y nn.Tensor
---@field more nn.Tensor[] what comes with them: the third tensor and so on
---@field classes string[]|nil names of the classes, by label
local Dataset = options.strict_class("nn.Dataset", { x = true, y = true, more = true, classes = true },
  "a sample is data.x[i], data.y[i]; data:range(first, last) gives some of them, data:loader() batches")

-- What f makes of each tensor of a data set, as a data set of the same kind.
local function each(data, f)
  local more = {}
  for i, t in ipairs(data.more) do
    more[i] = f(t)
  end
  return setmetatable({ x = f(data.x), y = f(data.y), more = more, classes = data.classes }, Dataset)
end

---Makes a data set from inputs and targets, sample by sample along dim 1. The tensors are not copied. More tensors may follow:
---the loader's batches then have them, too (x, y, and so on), for loops that are written by hand.
---Options: classes, the names of the classes by label (default none). An error where the first dims differ.
---@param x nn.Tensor inputs: samples x ...
---@param y nn.Tensor targets: samples ...
---@param ... any further tensors, samples x ...; last {classes: string[]}
---@return nn.Dataset
---example:
---  > d = nn.data.tensors(nn.randn(6, 2), nn.tensor {1, 2, 1, 2, 1, 2})
---  > d
---  Dataset(6 samples, x 6x2 float32, y 6 int64)
---  classes: 1 3, 2 3
---  > #d
---  6
---see: nn.Dataset:loader, nn.Dataset:split, nn.data.normalize
function M.tensors(x, y, ...)
  local all, opts = table.pack(x, y, ...), nil
  if all.n > 2 and not module.is_tensor(all[all.n]) then
    opts, all.n = all[all.n], all.n - 1
  end
  if x == nil or y == nil then
    core.raise "data.tensors: needs inputs and targets"
  end
  for i = 1, all.n do
    local t, name = all[i], i < 3 and ("xy"):sub(i, i) or ("tensor %d"):format(i)
    if not module.is_tensor(t) then
      core.raise(("data.tensors: %s must be a tensor, but is %s"):format(name, core.describe(t)))
    elseif x.ndim == 0 or t.ndim == 0 or #x ~= #t then
      core.raise(("data.tensors: x has shape %s and %s %s; their first dims must be equal"):format(tostring(x.shape), name,
        tostring(t.shape)))
    end
  end
  local o = options.read("data.tensors", opts, { classes = { "table" } })
  return setmetatable({ x = x, y = y, more = table.move(all, 3, all.n, 1, {}), classes = o.classes }, Dataset)
end

function Dataset:__len()
  return #self.x
end

function Dataset:__tostring()
  local classes = self.classes and (", %d classes"):format(#self.classes) or ""
  local more = ""
  for _, t in ipairs(self.more) do
    more = ("%s, %s %s"):format(more, tostring(t.shape), t.dtype)
  end
  return ("Dataset(%d samples, x %s %s, y %s %s%s%s)"):format(#self.x, tostring(self.x.shape), self.x.dtype,
    tostring(self.y.shape), self.y.dtype, more, classes)
end

---Gives samples first .. last (from 1, both included) as a data set. Its tensors are views of the same memory.
---@param first integer
---@param last integer
---@return nn.Dataset
---example:
---  > nn.data.moons{n = 10}:range(1, 4)
---  Dataset(4 samples, x 4x2 float32, y 4 int64)
---  classes: 1 2, 2 2
---see: nn.Dataset:split, nn.data.tensors
function Dataset:range(first, last)
  return each(self, function(t)
    return t[{ { first, last } }]
  end)
end

-- How many of n samples a share or a number means. A part without samples is nobody's wish.
local function part_of(n, share)
  local count = math.type(share) == "integer" and share or math.floor(n * share + 0.5)
  if math.type(share) ~= "integer" and not (share > 0 and share < 1) then
    core.raise(("Dataset:split: takes a share between 0 and 1, such as 0.8, or a number of samples, but got %s"):format(
      core.describe(share)))
  elseif count < 1 or count >= n then
    core.raise(("Dataset:split: %s of %d samples would leave one part empty"):format(tostring(share), n))
  end
  return count
end

---Cuts the samples at random into two data sets, the given share and the rest: for a validation set.
---Samples are copied. Options: generator (default: the one that nn.manual_seed seeds). A part that would be empty is an error.
---@param share number a share between 0 and 1 (0.8), or a number of samples (800)
---@param opts? {generator: nn.Generator}
---@return nn.Dataset part, nn.Dataset rest
---example:
---  > train, valid = nn.data.moons{n = 10}:split(0.8)
---  > #train, #valid
---  8	2
---see: nn.Dataset:range, nn.Dataset:loader, nn.Generator
function Dataset:split(share, opts)
  options.argument("Dataset:split", "share", share, "number")
  local o = options.read("Dataset:split", opts, { generator = { "any" } })
  local n = #self.x
  local first = part_of(n, share)
  local order = o.generator and core.randperm(n, { generator = o.generator }) or core.randperm(n)
  local function part(index)
    return each(self, function(t)
      return t:index_select(1, index)
    end)
  end
  return part(order:narrow(1, 1, first)), part(order:narrow(1, first + 1, n - first))
end

-- ---- loaders ----

---Batches of a data set. Each `for x, y in loader do` goes once over all samples; #loader is the number of batches.
---@class nn.Loader
local Loader = options.strict_class("nn.Loader", {
  dataset = true, batch_size = true, shuffle = true, drop_last = true, generator = true,
}, "batches are gone through with: for x, y in loader do ... end")

---Gives the samples in batches: `for x, y in loader do` goes once over all of them, #loader is the number of batches.
---Options: batch_size (32), shuffle (false: in order; true: a new order each pass), drop_last (false; true: a last batch that
---is smaller is left out), generator of the orders (default: the one that nn.manual_seed seeds).
---@param opts? {batch_size: integer, shuffle: boolean, drop_last: boolean, generator: nn.Generator}
---@return nn.Loader
---example:
---  > loader = nn.data.moons{n = 10}:loader{batch_size = 4, shuffle = true}
---  > loader
---  Loader(3 batches of 4, shuffled)
---  > for x, y in loader do print(x.shape, y.shape) end
---  4x2	4
---  4x2	4
---  2x2	2
---see: nn.data.tensors, nn.train.fit, nn.Loader:state_dict
function Dataset:loader(opts)
  local o = options.read("loader", opts, {
    batch_size = { "integer", 32 }, shuffle = { "boolean", false }, drop_last = { "boolean", false },
    generator = { "any" },
  })
  if o.batch_size < 1 then
    core.raise(("loader: batch_size must be at least 1, but is %d"):format(o.batch_size))
  end
  return setmetatable({
    dataset = self, batch_size = o.batch_size, shuffle = o.shuffle, drop_last = o.drop_last, generator = o.generator,
    passes = setmetatable({}, { __mode = "k" }), open = setmetatable({}, { __mode = "k" }),
    started = 0, resumed = false,
  }, Loader)
end

function Loader:__len()
  local n = #self.dataset
  return self.drop_last and n // self.batch_size or (n + self.batch_size - 1) // self.batch_size
end

function Loader:__tostring()
  return ("Loader(%d batches of %d%s)"):format(#self, self.batch_size, self.shuffle and ", shuffled" or "")
end

-- A pass: the order of its samples, and how many batches were given.
function Loader:_begin()
  local n = #self.dataset
  local pass = self.resumed or { at = 0, order = false }
  if self.shuffle and not self.resumed then
    pass.order = self.generator and core.randperm(n, { generator = self.generator }) or core.randperm(n)
  end
  self.resumed, self.started = false, self.started + 1
  pass.number = self.started
  self.open[pass] = true
  return pass
end

-- The next batch of a pass, or nil at its end.
function Loader:_next(pass)
  pass.at = pass.at + 1
  if pass.at > #self then
    self.open[pass] = nil
    return nil
  end
  local data, size = self.dataset, self.batch_size
  local first = (pass.at - 1) * size + 1
  local length = math.min(size, #self.dataset - first + 1)
  local index = pass.order and pass.order:narrow(1, first, length)
  local function part(t)
    if index then
      return t:index_select(1, index)
    end
    return t:narrow(1, first, length)
  end
  if not data.more[1] then
    return part(data.x), part(data.y)
  end
  local batch = { part(data.x), part(data.y) }
  for i, t in ipairs(data.more) do
    batch[i + 2] = part(t)
  end
  return table.unpack(batch)
end

---Gives an iterator over one pass: each call gives the next batch x, y (and what else the data set has), and nil at the end.
---@return fun(): nn.Tensor?, nn.Tensor?, ...
---example:
---  > next_batch = nn.data.xor():loader{batch_size = 2}:batches()
---  > x, y = next_batch()
---  > x
---  tensor([[0., 0.],
---          [0., 1.]], shape=2x2, float32)
---see: nn.Dataset:loader
function Loader:batches()
  local pass = self:_begin()
  return function()
    return self:_next(pass)
  end
end

-- `for x, y in loader` calls the loader itself with the control variable: nil at the start of every loop, then the batch
-- given last. Each pass is found by that batch, so that loops may be left early, repeated, and nested.
function Loader:__call(_, last)
  local passes = self.passes
  local pass = last == nil and self:batches() or passes[last]
  if not pass then
    core.raise "loader: this batch is not from a pass that is under way; write: for x, y in loader do ... end"
  end
  if last ~= nil then
    passes[last] = nil
  end
  local function kept(x, ...)
    if x then
      passes[x] = pass
    end
    return x, ...
  end
  return kept(pass())
end

-- The pass that loops are in: the outermost one, where they are nested. A loop that was left holds its pass no longer.
function Loader:_under_way()
  collectgarbage() -- a batch that goes holds its pass until it has gone, which the second collection sees
  collectgarbage()
  local first = self.resumed or nil
  for pass in pairs(self.open) do
    first = first and (not first.number or first.number < pass.number) and first or pass
  end
  return first or { at = 0, order = false }
end

---Gives what is needed to go on in the middle of a pass: the order of the samples, how many batches were given, and the state
---of the loader's generator. Without a generator, the order of later passes is drawn from what nn.rng_state() gives.
---@return table state
---example:
---  > loader = nn.data.xor():loader{batch_size = 2}
---  > for x, y in loader do state = loader:state_dict() break end
---  > state
---  {at = 1, batch_size = 2, samples = 4}
---see: nn.Loader:load_state_dict, nn.train.checkpoint
function Loader:state_dict()
  return self:_state(self:_under_way())
end

function Loader:_state(pass)
  pass = pass or { at = 0, order = false }
  return {
    samples = #self.dataset, batch_size = self.batch_size, at = math.min(pass.at, #self), order = pass.order or nil,
    generator = self.generator and self.generator:state(),
  }
end

---Lets the next pass go on where the saved one was. The loader must have the same number of samples and the same options.
---@param saved any what state_dict gave
---example:
---  > loader = nn.data.xor():loader{batch_size = 1}
---  > loader:load_state_dict {samples = 4, batch_size = 1, at = 3}
---  > for x, y in loader do print(x) end
---  tensor([[1., 1.]], shape=1x2, float32)
---see: nn.Loader:state_dict, nn.train.checkpoint
function Loader:load_state_dict(saved)
  if type(saved) ~= "table" or math.type(saved.at) ~= "integer" then
    core.raise(("loader: load_state_dict needs what state_dict gave, but got %s"):format(core.describe(saved)))
  elseif saved.samples ~= #self.dataset or saved.batch_size ~= self.batch_size then
    core.raise(("loader: load_state_dict: the state is of %s samples in batches of %s, this loader has %d in batches of "
      .. "%d"):format(tostring(saved.samples), tostring(saved.batch_size), #self.dataset, self.batch_size))
  elseif (saved.order ~= nil and not self.shuffle) or (saved.order == nil and self.shuffle and saved.at > 0)
    or saved.at < 0 or saved.at > #self
    or (saved.generator ~= nil) ~= (self.generator ~= nil) then
    core.raise "loader: load_state_dict: the state is of a loader with other options (shuffle, drop_last, generator)"
  end
  if saved.order and not (module.is_tensor(saved.order) and saved.order.dtype == "int64" and #saved.order == #self.dataset) then
    core.raise(("loader: load_state_dict: the order of the samples is %s"):format(core.describe(saved.order)))
  end
  if self.generator then
    self.generator:set_state(saved.generator)
  end
  self.resumed = (saved.at > 0 or saved.order ~= nil) and { at = saved.at, order = saved.order or false }
end

-- ---- Fashion-MNIST ----

M.fashion_mnist_classes = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
}

---Where Debian's package dataset-fashion-mnist puts its files; the environment variable NNLUA_DATA names another place.
M.fashion_mnist_directory = "/usr/share/datasets/fashion-mnist"

local function directory_of(o)
  return o.root or os.getenv "NNLUA_DATA" or M.fashion_mnist_directory
end

---Tells whether the files of Fashion-MNIST are there: so that a script can take other data instead.
---Options: root, their directory (default: $NNLUA_DATA, else nn.data.fashion_mnist_directory).
---@param opts? {root: string}
---@return boolean
---example:
---  > nn.data.has_fashion_mnist{root = "/nowhere"}
---  false
---see: nn.data.fashion_mnist, nn.data.synthetic_images
function M.has_fashion_mnist(opts)
  local o = options.read("has_fashion_mnist", opts, { root = { "string" } })
  return (core.file_exists(directory_of(o) .. "/train-images-idx3-ubyte.gz"))
end

---Reads Fashion-MNIST (Xiao et al. 2017): 60,000 training and 10,000 test images of clothes, 28 x 28, in 10 classes.
---x is float32 in 0..1, samples x 784 (or samples x 28 x 28), y is int64 in 1..10, `classes` names them.
---Options: root (default: $NNLUA_DATA, else nn.data.fashion_mnist_directory), flatten (true; false: samples x 28 x 28),
---normalize (false; true: subtract the training set's mean and divide by its deviation, both parts by the same numbers).
---Where the files are not there, the error says how to get them.
---@param opts? {root: string, flatten: boolean, normalize: boolean}
---@return nn.Dataset train, nn.Dataset test
---example:
---  $ train, test = nn.data.fashion_mnist()
---  $ train
---  Dataset(60000 samples, x 60000x784 float32, y 60000 int64, 10 classes)
---see: nn.data.has_fashion_mnist, nn.data.synthetic_images, nn.data.normalize
---source: Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms"
function M.fashion_mnist(opts)
  local o = options.read("fashion_mnist", opts, {
    root = { "string" }, flatten = { "boolean", true }, normalize = { "boolean", false },
  })
  local root = directory_of(o)
  local there, hidden = core.file_exists(root .. "/train-images-idx3-ubyte.gz")
  if hidden then
    core.raise("fashion_mnist: " .. hidden)
  elseif not there then
    core.raise(("fashion_mnist: no data in %s; install it with: apt-get install dataset-fashion-mnist"):format(root))
  end
  local function part(name)
    local x = core.idx_read(("%s/%s-images-idx3-ubyte.gz"):format(root, name))
    local y = core.idx_read(("%s/%s-labels-idx1-ubyte.gz"):format(root, name))
    if x.ndim ~= 3 or y.ndim ~= 1 then
      core.raise(("fashion_mnist: %s/%s-*: images have shape %s and labels %s"):format(root, name, tostring(x.shape),
        tostring(y.shape)))
    end
    x = x:to("float32"):div_(255)
    if o.flatten then
      x = x:flatten(2)
    end
    return M.tensors(x, y:to("int64") + 1, { classes = M.fashion_mnist_classes })
  end
  local train, test = part "train", part "t10k"
  if o.normalize then
    M.normalize(train, test)
  end
  return train, test
end

---Brings x to mean 0 and deviation 1, in place: of the first data set, over all its elements, and the others by the same
---numbers. So give the training set first: the test set must not have a say in it.
---@param train nn.Dataset
---@param ... nn.Dataset
---@return number mean, number deviation
---example:
---  > train, test = nn.data.moons{n = 100}, nn.data.moons{n = 20, seed = 2}
---  > mean, std = nn.data.normalize(train, test)
---  > ("%.3f"):format(train.x:std():item())
---  1.000
---see: nn.data.tensors, nn.LayerNorm
function M.normalize(train, ...)
  for i, d in ipairs { train, ... } do
    if getmetatable(d) ~= Dataset then
      core.raise(("data.normalize: argument %d must be a data set, but is %s"):format(i, core.describe(d)))
    end
  end
  if not train then
    core.raise "data.normalize: needs a data set"
  end
  local mean, std = train.x:mean():item(), train.x:std():item()
  if not (std > 0 and std < math.huge) then
    core.raise(("data.normalize: the deviation of x (shape %s) is %g, so it cannot be divided by: x needs two values that "
      .. "differ, and none that is nan or infinite"):format(tostring(train.x.shape), std ~= std and 0 / 0 or std))
  end
  for _, d in ipairs { train, ... } do
    d.x:sub_(mean):div_(std)
  end
  return mean, std
end

-- ---- synthetic images ----

---Makes ten classes of 28 x 28 images, for machines without Fashion-MNIST: each class is a smooth random pattern, each image
---its class's pattern shifted by up to 2 pixels, scaled, with noise. x is float32, samples x 784, y int64 in 1..10.
---Options: train (10000 images), test (2000), seed (1), noise (2.5, the deviation of a pixel's noise).
---@param opts? {train: integer, test: integer, seed: integer, noise: number}
---@return nn.Dataset train, nn.Dataset test
---example:
---  > train, test = nn.data.synthetic_images{train = 20, test = 10}
---  > train
---  Dataset(20 samples, x 20x784 float32, y 20 int64, 10 classes)
---  ...
---see: nn.data.fashion_mnist, nn.plot.grid
function M.synthetic_images(opts)
  local o = options.read("synthetic_images", opts, {
    train = { "integer", 10000 }, test = { "integer", 2000 }, seed = { "integer", 1 }, noise = { "number", 2.5 },
  })
  local g = core.Generator(o.seed)
  -- smooth: random values on a 8 x 8 grid, blended by a fixed matrix of tent functions
  local tent = core.zeros(32, 8)
  for i = 1, 32 do
    local at = (i - 1) * 7 / 31 + 1
    local low = math.min(7, math.floor(at))
    tent[{ i, low }] = low + 1 - at
    tent[{ i, low + 1 }] = at - low
  end
  local patterns = tent:matmul(core.randn({ 10, 8, 8 }, { generator = g })):matmul(tent:t())
  local function make(n)
    local x = core.randn({ n, 28, 28 }, { generator = g }):mul_(o.noise)
    local y = core.randint(1, 11, { n }, { generator = g })
    local label, gain = y:totable(), core.rand({ n }, { generator = g }):totable()
    for i = 1, n do
      local dx, dy = g:integer(5), g:integer(5)
      x[i]:add_(patterns[{ label[i], { dx, dx + 27 }, { dy, dy + 27 } }] * (0.5 + gain[i]))
    end
    return M.tensors(x:flatten(2), y, { classes = M.fashion_mnist_classes })
  end
  return make(o.train), make(o.test)
end

M.StandardScaler = require("nn.data.scaler").StandardScaler

for name, make in pairs(require "nn.data.synthetic") do
  M[name] = make
end

return options.namespace("nn.data", M)
