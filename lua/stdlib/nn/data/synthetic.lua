-- Data sets made by formulas, for experiments: seeded, as nn.Dataset with x (float32, samples x features) and y. Class
-- labels count from 1. Every maker takes {seed = 1} and its own settings.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- Settings, a generator of their own, and what every maker has.
local function read(who, opts, spec)
  spec.seed = { "integer", 1 }
  local o = options.read(who, opts, spec)
  if o.n and o.n < 1 then
    core.raise(("data.%s: n must be at least 1, but is %d"):format(who, o.n))
  end
  return o, core.Generator(o.seed)
end

local function dataset(x, y, classes)
  return require("nn.data").tensors(x, y, classes and { classes = classes } or nil)
end

local function normal(g, std, ...)
  return core.randn({ ... }, { generator = g }) * std
end

local function rand(g, ...)
  return core.rand({ ... }, { generator = g })
end

-- Classes 1 .. k in turn, n of them.
local function in_turn(n, k)
  return core.arange(n) - (core.arange(n) / k):floor():to "int64" * k + 1
end

-- Rows in random order.
local function shuffled(g, x, y, classes)
  local order = core.randperm(#x, { generator = g })
  return dataset(x:index_select(1, order), y:index_select(1, order), classes)
end

---Makes the exclusive or of two bits, which no line separates: the four points, or n points around them with noise. y is 0 or 1
---as float32 with targets = "float" (n x 1), else classes 1 and 2.
---Options: n (4), noise (0, a standard deviation), targets ("class" or "float"), seed (1).
---@param opts? {n: integer, noise: number, targets: string, seed: integer}
---@return nn.Dataset
---example:
---  > d = nn.data.xor()
---  > d.x
---  tensor([[0., 0.],
---          [0., 1.],
---          [1., 0.],
---          [1., 1.]], shape=4x2, float32)
---  > d.y
---  tensor([1, 2, 2, 1], shape=4, int64)
---see: nn.data.parity, nn.Perceptron, nn.theory.separable
---source: Minsky & Papert 1969, "Perceptrons"
function M.xor(opts)
  local o, g = read("xor", opts, { n = { "integer", 4 }, noise = { "number", 0 }, targets = { "string", "class" } })
  local k = core.arange(o.n)
  local a = k - (k / 2):floor():to "int64" * 2
  local h = (k / 2):floor():to "int64"
  local b = h - (h / 2):floor():to "int64" * 2
  local x = core.stack({ b:to "float32", a:to "float32" }, 2)
  local y = a:ne(b)
  if o.noise > 0 then
    x = x + normal(g, o.noise, o.n, 2)
  end
  if o.targets == "float" then
    return dataset(x, y:to("float32"):unsqueeze(2))
  end
  return dataset(x, y:to "int64" + 1, { "0", "1" })
end

---Makes bits and whether their number is odd (class 2): all 2^bits of them, or n drawn at random. x is n x bits, of 0 and 1.
---Options: bits (4, at most 24), n (default all), seed (1).
---@param opts? {bits: integer, n: integer, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.parity{bits = 2}.y
---  tensor([1, 2, 2, 1], shape=4, int64)
---  > nn.data.parity{bits = 8}
---  Dataset(256 samples, x 256x8 float32, y 256 int64, 2 classes)
---  classes: even 128, odd 128
---see: nn.data.xor
function M.parity(opts)
  local o, g = read("parity", opts, { bits = { "integer", 4 }, n = { "integer" } })
  if o.bits < 1 or o.bits > 24 then
    core.raise(("data.parity: bits must be 1 to 24, but is %d"):format(o.bits))
  end
  local x
  if o.n then
    x = rand(g, o.n, o.bits):ge(0.5):to "float32"
  else
    local columns, k = {}, core.arange(1 << o.bits):to "float64"
    for i = o.bits, 1, -1 do
      local half = (k / 2):floor()
      columns[i] = (k - half * 2):to "float32"
      k = half
    end
    x = core.stack(columns, 2)
  end
  local sum = x:sum(2)
  local y = (sum - (sum / 2):floor() * 2):to "int64" + 1
  return dataset(x, y, { "even", "odd" })
end

---Makes arms that wind around the origin, one class each: hard for a small net (Lang & Witbrock 1988 with two arms).
---Options: n (400 points in all), arms (2), turns (1.5), noise (0.02, a standard deviation), seed (1).
---@param opts? {n: integer, arms: integer, turns: number, noise: number, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.spirals{n = 6, arms = 3}
---  Dataset(6 samples, x 6x2 float32, y 6 int64)
---  classes: 1 2, 2 2, 3 2
---see: nn.data.moons, nn.data.checkerboard, nn.plot.scatter
---source: Lang & Witbrock 1988, "Learning to tell two spirals apart"
function M.spirals(opts)
  local o, g = read("spirals", opts, {
    n = { "integer", 400 }, arms = { "integer", 2 }, turns = { "number", 1.5 }, noise = { "number", 0.02 },
  })
  local y = in_turn(o.n, o.arms)
  local t = rand(g, o.n):sqrt()
  local angle = t * (2 * math.pi * o.turns) + (y - 1):to "float32" * (2 * math.pi / o.arms)
  local x = core.stack({ t * angle:cos(), t * angle:sin() }, 2) + normal(g, o.noise, o.n, 2)
  return shuffled(g, x, y)
end

---Makes two half circles that reach into each other: one class each; no line separates them, a small net does.
---Options: n (400 points in all), noise (0.1, a standard deviation), seed (1).
---@param opts? {n: integer, noise: number, seed: integer}
---@return nn.Dataset
---example:
---  > d = nn.data.moons{n = 4}
---  > d
---  Dataset(4 samples, x 4x2 float32, y 4 int64)
---  classes: 1 2, 2 2
---  > d.y
---  tensor([1, 2, 2, 1], shape=4, int64)
---see: nn.data.circles, nn.data.spirals, nn.plot.scatter
function M.moons(opts)
  local o, g = read("moons", opts, { n = { "integer", 400 }, noise = { "number", 0.1 } })
  local y = in_turn(o.n, 2)
  local angle = rand(g, o.n) * math.pi
  local second = y:eq(2)
  local x1 = core.where(second, 1 - angle:cos(), angle:cos())
  local x2 = core.where(second, 0.5 - angle:sin(), angle:sin())
  return shuffled(g, core.stack({ x1, x2 }, 2) + normal(g, o.noise, o.n, 2), y)
end

---Makes two circles in the plane: one of radius 1 (class 1) and one inside it (class 2).
---Options: n (400 points in all), noise (0.05, a standard deviation), factor (0.5, the inner one's radius), seed (1).
---@param opts? {n: integer, noise: number, factor: number, seed: integer}
---@return nn.Dataset
---example:
---  > d = nn.data.circles{n = 4, noise = 0}
---  > d.x:norm(2, 2)
---  tensor([1.0, 0.5, 0.5, 1.0], shape=4, float32)
---  > d.y
---  tensor([1, 2, 2, 1], shape=4, int64)
---see: nn.data.moons, nn.data.gaussian_quantiles
function M.circles(opts)
  local o, g = read("circles", opts, { n = { "integer", 400 }, noise = { "number", 0.05 }, factor = { "number", 0.5 } })
  local y = in_turn(o.n, 2)
  local angle = rand(g, o.n) * (2 * math.pi)
  local radius = core.where(y:eq(2), o.factor, 1.0)
  local x = core.stack({ radius * angle:cos(), radius * angle:sin() }, 2)
  return shuffled(g, x + normal(g, o.noise, o.n, 2), y)
end

---Makes Gaussian clouds, one class each: around centers that are uniform in -spread .. spread.
---Options: n (300 points in all), classes (3), features (2), std (1, of a cloud), spread (5), seed (1).
---@param opts? {n: integer, classes: integer, features: integer, std: number, spread: number, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.blobs{n = 6, classes = 2, features = 3}
---  Dataset(6 samples, x 6x3 float32, y 6 int64)
---  classes: 1 3, 2 3
---see: nn.data.separable, nn.data.gaussian_quantiles
function M.blobs(opts)
  local o, g = read("blobs", opts, {
    n = { "integer", 300 }, classes = { "integer", 3 }, features = { "integer", 2 }, std = { "number", 1 },
    spread = { "number", 5 },
  })
  local centers = (rand(g, o.classes, o.features) * 2 - 1) * o.spread
  local y = in_turn(o.n, o.classes)
  return shuffled(g, centers:index_select(1, y) + normal(g, o.std, o.n, o.features), y)
end

---Makes the two classes of a chess board: points in the square -1 .. 1 whose class (1 or 2) changes from field to field.
---Options: n (1000), fields (4 a side), noise (0, a standard deviation of x), seed (1).
---@param opts? {n: integer, fields: integer, noise: number, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.checkerboard{n = 5}
---  Dataset(5 samples, x 5x2 float32, y 5 int64)
---  classes: 1 3, 2 2
---see: nn.data.spirals, nn.data.xor
function M.checkerboard(opts)
  local o, g = read("checkerboard", opts, { n = { "integer", 1000 }, fields = { "integer", 4 }, noise = { "number", 0 } })
  local x = rand(g, o.n, 2)
  local cell = (x * o.fields):floor():sum(2)
  local y = (cell - (cell / 2):floor() * 2):to "int64" + 1
  return dataset((x * 2 - 1) + normal(g, o.noise, o.n, 2), y)
end

---Cuts one Gaussian cloud into shells: of equal numbers, by the distance from its middle; shell i is class i.
---Options: n (600), classes (3), features (2), seed (1).
---@param opts? {n: integer, classes: integer, features: integer, seed: integer}
---@return nn.Dataset
---example:
---  > d = nn.data.gaussian_quantiles{n = 6, classes = 2}
---  > d.y:bincount()
---  tensor([3, 3], shape=2, int64)
---see: nn.data.circles, nn.data.blobs
function M.gaussian_quantiles(opts)
  local o, g = read("gaussian_quantiles", opts, {
    n = { "integer", 600 }, classes = { "integer", 3 }, features = { "integer", 2 },
  })
  local x = normal(g, 1, o.n, o.features)
  local _, order = x:square():sum(2):sort()
  local _, rank = order:sort()
  local y = ((rank - 1):to "float64" * o.classes / o.n):floor():to "int64" + 1
  return dataset(x, y)
end

---Makes two classes with a plane between them: no point is nearer than `margin` to the plane w.x = theta, and the nearest of
---each class is exactly that far. Classes 1 (below) and 2 (above). Second result: {w = unit vector, theta, margin}.
---Options: n (100), features (2), margin (0.1), theta (0), seed (1).
---@param opts? {n: integer, features: integer, margin: number, theta: number, seed: integer}
---@return nn.Dataset, table plane
---example:
---  > d, plane = nn.data.separable{n = 10, margin = 0.5}
---  > plane.margin, nn.theory.separable(d.x, d.y).separable
---  0.5	true
---see: nn.Perceptron, nn.theory.margin, nn.data.blobs
function M.separable(opts)
  local o, g = read("separable", opts, {
    n = { "integer", 100 }, features = { "integer", 2 }, margin = { "number", 0.1 }, theta = { "number", 0 },
  })
  local w = normal(g, 1, o.features)
  w = w / w:norm()
  local x = (rand(g, o.n, o.features) * 2 - 1)
  local y = in_turn(o.n, 2)
  local above = y:eq(2)
  -- each point's distance is set: |d| + margin on its class's side, less the smallest of its class
  local d = x:matmul(w) - o.theta
  local size = d:abs()
  local least1 = core.where(above, math.huge, size):min()
  local least2 = core.where(above, size, math.huge):min()
  local wanted = core.where(above, size - least2 + o.margin, -(size - least1 + o.margin))
  x = x + (wanted - d):unsqueeze(2) * w
  return dataset(x, y), { w = w, theta = o.theta, margin = o.margin }
end

-- ---- regression ----

local noises = {
  gaussian = function(g, n, scale)
    return normal(g, scale, n)
  end,
  laplace = function(g, n, scale) -- inverse distribution function; deviation sqrt(2) scale
    local u = rand(g, n) - 0.5
    return u:sign() * (1 - u:abs() * 2):clamp({ min = 1e-7 }):log() * -scale
  end,
  uniform = function(g, n, scale)
    return (rand(g, n) * 2 - 1) * scale
  end,
  student = function(g, n, scale) -- 3 degrees of freedom
    local z = normal(g, 1, n)
    return z / ((normal(g, 1, n):square() + normal(g, 1, n):square() + normal(g, 1, n):square()) / 3):sqrt() * scale
  end,
  none = function(_, n)
    return core.zeros(n)
  end,
}

---Draws n numbers of noise around 0 of a kind and scale: "gaussian" (scale is the deviation), "laplace" (deviation sqrt(2)
---scale), "uniform" (-scale .. scale), "student" (t with 3 degrees of freedom, times scale: far outliers) or "none" (zeros).
---Options: seed (1).
---@param kind any a string
---@param n any an integer
---@param scale? any a number; needed unless kind is "none"
---@param opts? {seed: integer}
---@return nn.Tensor n
---example:
---  > nn.data.noise("uniform", 3, 0.1)
---  tensor([0.0781, 0.0789, 0.0171], shape=3, float32)
---see: nn.data.sines, nn.regularize.noise
function M.noise(kind, n, scale, opts)
  local _, g = read("noise", opts, {})
  local f = noises[kind]
  if not f then
    core.raise(("data.noise: kind must be gaussian, laplace, uniform, student or none, but is '%s'"):format(tostring(kind)))
  end
  return f(g, n, scale)
end

-- y = f(x) + noise for x in low .. high
local function regression(name, f, spec)
  M[name] = function(opts)
    local own = {
      n = { "integer", 200 }, noise = { "string", "gaussian" }, scale = { "number", 0.1 }, low = { "number", -1 },
      high = { "number", 1 },
    }
    for key, rule in pairs(spec) do
      own[key] = rule
    end
    local o, g = read(name, opts, own)
    if not noises[o.noise] then
      core.raise(("data.%s: noise must be gaussian, laplace, uniform, student or none, but is '%s'"):format(name, o.noise))
    end
    local x = rand(g, o.n) * (o.high - o.low) + o.low
    local y = f(x, o) + noises[o.noise](g, o.n, o.scale)
    return dataset(x:unsqueeze(2), y:unsqueeze(2))
  end
end
---Makes a regression of one number: x uniform in low .. high (n x 1), y = sin(2 pi frequency x) + noise (n x 1).
---Options: n (200), frequency (1), noise ("gaussian"; see nn.data.noise), scale (0.1, of the noise), low (-1), high (1), seed
---(1).
---@param opts? {n: integer, frequency: number, noise: string, scale: number, low: number, high: number, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.sines{n = 5, frequency = 2}
---  Dataset(5 samples, x 5x1 float32, y 5x1 float32)
---see: nn.data.steps, nn.data.noise
regression("sines", function(x, o)
  return (x * (2 * math.pi * o.frequency)):sin()
end, { frequency = { "number", 1 } })
---Makes a regression of a staircase: x uniform in low .. high (n x 1), y from 0 to 1 in `steps` equal steps, with noise (n x
---1).
---Options: n (200), steps (4), noise ("gaussian"; see nn.data.noise), scale (0.1, of the noise), low (-1), high (1), seed (1).
---@param opts? {n: integer, steps: integer, noise: string, scale: number, low: number, high: number, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.steps{n = 4, steps = 3, noise = "none"}.y
---  tensor([[1.0],
---          [1.0],
---          [0.5],
---          [1.0]], shape=4x1, float32)
---see: nn.data.sines, nn.data.noise
regression("steps", function(x, o)
  return ((x - o.low) / (o.high - o.low) * o.steps):floor() / math.max(1, o.steps - 1)
end, { steps = { "integer", 4 } })

---Makes the targets of a random network: it is known that a net can meet them. Inputs N(0, 1), outputs of a tanh net with
---one hidden layer whose weights are drawn once. Second result: the teacher.
---Options: n (1000), features (10), hidden (5 units), outputs (1), classes (false; true: labels, the largest of the outputs),
---noise (0, a standard deviation added to the outputs), seed (1).
---@param opts? {n: integer, features: integer, hidden: integer, outputs: integer, classes: boolean, noise: number, seed:
---integer}
---@return nn.Dataset, nn.Module teacher
---example:
---  > d, teacher = nn.data.teacher{n = 4, features = 3}
---  > d
---  Dataset(4 samples, x 4x3 float32, y 4x1 float32)
---  > (teacher(d.x) - d.y):abs():max():item()
---  0.0
---see: nn.data.sines, nn.data.tensors
function M.teacher(opts)
  local o, g = read("teacher", opts, {
    n = { "integer", 1000 }, features = { "integer", 10 }, hidden = { "integer", 5 }, outputs = { "integer", 1 },
    classes = { "boolean", false }, noise = { "number", 0 },
  })
  local nn = require "nn"
  local net = nn.Sequential(nn.Linear(o.features, o.hidden), nn.Tanh(), nn.Linear(o.hidden, o.outputs))
  core.no_grad(function()
    for _, p in ipairs(net:parameters()) do
      local fan = p.ndim == 2 and p:size(2) or 1
      p:copy_(core.randn(p.shape, { generator = g }) * (p.ndim == 2 and 2 / math.sqrt(fan) or 0.5))
    end
  end)
  local x = normal(g, 1, o.n, o.features)
  local y = core.no_grad(net.forward, net, x)
  if o.noise > 0 then
    y = y + normal(g, o.noise, o.n, o.outputs)
  end
  return dataset(x, o.classes and y:argmax(2) or y), net
end

---Makes a sheet rolled up in three dims: x is n x 3, y (n x 1) the place along the roll, from 1.5 pi to 4.5 pi.
---Options: n (1000), noise (0, a standard deviation of x), seed (1).
---@param opts? {n: integer, noise: number, seed: integer}
---@return nn.Dataset
---example:
---  > nn.data.swiss_roll{n = 3}
---  Dataset(3 samples, x 3x3 float32, y 3x1 float32)
---see: nn.data.spirals
function M.swiss_roll(opts)
  local o, g = read("swiss_roll", opts, { n = { "integer", 1000 }, noise = { "number", 0 } })
  local t = (rand(g, o.n) * 2 + 1) * (1.5 * math.pi)
  local x = core.stack({ t * t:cos(), rand(g, o.n) * 21, t * t:sin() }, 2) + normal(g, o.noise, o.n, 3)
  return dataset(x, t:unsqueeze(2))
end

return M
