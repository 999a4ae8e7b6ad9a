-- How much a class of functions can express: VC dimension, Cover's count, Rademacher complexity.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local function log2(v)
  return math.log(v, 2)
end

---Gives bounds on the VC dimension of a network: of W weights (biases counted), M computing units, L layers of weights and d
---inputs, by kind of unit: a list of {kind = "upper" | "lower", value, formula, source}. Of a bound that is known up to a
---constant only (order = true) there is no value, but `scale`: the formula without its constant, for how it grows.
---Options: weights and units (needed), layers (2), activation ("threshold"; "relu" and other piecewise linear ones; "sigmoid"
---and tanh).
---@param opts {weights: integer, units: integer, layers: integer, activation: string}
---@return table[]
---example:
---  > bounds = nn.theory.vc_bounds{weights = 9, units = 3, activation = "threshold"}
---  > bounds[1].kind, bounds[1].formula
---  upper	2 W log2(e M)
---see: nn.theory.vc_dimension, nn.theory.cover_count
function M.vc_bounds(opts)
  local o = options.read("vc_bounds", opts, {
    weights = { "integer" }, units = { "integer" }, layers = { "integer", 2 }, activation = { "string", "threshold" },
  })
  if not o.weights or not o.units or o.weights < 1 or o.units < 1 then
    core.raise "vc_bounds: needs weights and units, e.g. nn.theory.vc_bounds{weights = 9, units = 3}"
  end
  local W, units, L = o.weights, o.units, o.layers
  local list = {}
  local function add(kind, value, formula, source, order)
    list[#list + 1] = { kind = kind, value = not order and value or nil, scale = order and value or nil, formula = formula,
      source = source, order = order or false }
  end
  if o.activation == "threshold" then
    if units == 1 then
      add("upper", W, "W (= d + 1)", "Cover 1965: half-spaces in d dims")
      add("lower", W, "W (= d + 1)", "Cover 1965: half-spaces in d dims")
    else
      add("upper", 2 * W * log2(math.exp(1) * units), "2 W log2(e M)", "Baum & Haussler 1989, corollary 2")
      add("lower", W * log2(units), "W log M", "Maass 1994: nets with two hidden layers", true)
    end
  elseif o.activation == "relu" then
    add("upper", W * L * log2(W), "W L log W", "Bartlett, Harvey, Liaw & Mehrabian 2019, theorem 6", true)
    add("lower", W * L * log2(math.max(2, W / L)), "W L log(W / L)", "Bartlett, Harvey, Liaw & Mehrabian 2019, theorem 3", true)
    add("upper", W * units, "W M", "Bartlett et al. 2019, theorem 8 (any depth)", true)
  elseif o.activation == "sigmoid" then
    add("upper", (W * units) ^ 2 + 11 * W * units * log2(18 * W * units ^ 2), "(W M)^2 + 11 W M log2(18 W M^2)",
      "Karpinski & Macintyre 1997; Anthony & Bartlett 1999, theorem 8.13")
    add("lower", W * W, "W^2", "Koiran & Sontag 1997", true)
  else
    core.raise(("vc_bounds: activation must be threshold, relu or sigmoid, but is '%s'"):format(o.activation))
  end
  return list
end

-- Built-in classes: can points be labelled so? points: list of numbers' lists; labels: booleans.
local classes = {}

function classes.halfspaces(points, labels)
  local y = {}
  local first, mixed = labels[1], false
  for i, l in ipairs(labels) do
    y[i], mixed = l and 1 or 0, mixed or l ~= first
  end
  if not mixed then
    return true
  end
  return require("nn.theory.separable").separable(core.tensor(points, { dtype = "float64" }), core.tensor(y)).separable == true
end

function classes.intervals(points, labels) -- on the first coordinate; inside is true
  local low, high = math.huge, -math.huge
  for i, p in ipairs(points) do
    if labels[i] then
      low, high = math.min(low, p[1]), math.max(high, p[1])
    end
  end
  for i, p in ipairs(points) do
    if not labels[i] and p[1] >= low and p[1] <= high then
      return false
    end
  end
  return true
end

function classes.rectangles(points, labels) -- with sides along the axes
  local low, high = {}, {}
  for i, p in ipairs(points) do
    if labels[i] then
      for d, v in ipairs(p) do
        low[d], high[d] = math.min(low[d] or v, v), math.max(high[d] or v, v)
      end
    end
  end
  for i, p in ipairs(points) do
    local inside = low[1] ~= nil
    for d, v in ipairs(p) do
      inside = inside and v >= low[d] and v <= high[d]
    end
    if inside and not labels[i] then
      return false
    end
  end
  return true
end

local function oracle_of(class)
  local f = type(class) == "function" and class or classes[class]
  if not f then
    core.raise(("vc_dimension: the class must be halfspaces, intervals, rectangles or a function(points, labels), but is %s")
      :format(core.describe(class)))
  end
  return f
end

---Tells whether a class gives all 2^n labellings of n points (20 at most); else also the first labelling that it does not give.
---class: as in vc_dimension.
---@param class string|fun(points: number[][], labels: boolean[]): boolean
---@param points number[][]
---@return boolean, boolean[]|nil the first labelling that the class does not give
---example:
---  > nn.theory.shatters("halfspaces", {{0, 0}, {0, 1}, {1, 0}})
---  true
---  > nn.theory.shatters("intervals", {{1}, {2}, {3}})
---  false	{true, false, true}
---see: nn.theory.vc_dimension
function M.shatters(class, points)
  local f, n = oracle_of(class), #points
  if n > 20 then
    core.raise(("shatters: %d points have 2^%d labellings; 20 points are the most"):format(n, n))
  end
  for code = 0, (1 << n) - 1 do
    local labels = {}
    for i = 1, n do
      labels[i] = code >> (i - 1) & 1 == 1
    end
    if not f(points, labels) then
      return false, labels
    end
  end
  return true
end

---Gives the size of the largest subset of `points` that a class shatters: its VC dimension, if the points are general enough
---(what they leave out can only raise it). Searches all subsets, smallest first.
---class: "halfspaces", "intervals" (of the first coordinate), "rectangles" (with sides along the axes), or a function(points,
---labels) that tells whether the class has a member with these labels. Options: most (8: stop at this size).
---@param class string|function
---@param points nn.Tensor|number[][]
---@param opts? {most: integer}
---@return integer dimension, number[][] a shattered subset
---example:
---  > nn.theory.vc_dimension("intervals", {{1}, {2}, {3}})
---  2	{{1}, {2}}
---see: nn.theory.shatters, nn.theory.vc_bounds
---source: Vapnik & Chervonenkis 1971
function M.vc_dimension(class, points, opts)
  local o = options.read("vc_dimension", opts, { most = { "integer", 8 } })
  points = core.is_tensor(points) and points:to("float64"):totable() or points
  local dimension, witness = 0, {}
  for size = 1, math.min(o.most, #points) do
    local chosen, found = {}, nil
    local function search(from)
      if found then
        return
      elseif #chosen == size then
        if M.shatters(class, chosen) then
          found = table.move(chosen, 1, size, 1, {})
        end
        return
      end
      for i = from, #points - (size - #chosen) + 1 do
        chosen[#chosen + 1] = points[i]
        search(i + 1)
        chosen[#chosen] = nil
      end
    end
    search(1)
    if not found then
      break
    end
    dimension, witness = size, found
  end
  return dimension, witness
end

---Counts the labellings that half-spaces give: of n points in general position, half-spaces through the origin of d dims give
---2 sum_{k < d} C(n - 1, k). With a threshold, use d + 1.
---@param n integer
---@param d integer
---@return number
---example:
---  > nn.theory.cover_count(4, 3)
---  14.0
---see: nn.theory.cover_probability, nn.theory.vc_dimension
---source: Cover 1965, "Geometrical and statistical properties of systems of linear inequalities"
function M.cover_count(n, d)
  options.argument("cover_count", "n", n, "integer", 1)
  options.argument("cover_count", "d", d, "integer", 1)
  local sum, term = 0.0, 1.0
  for k = 0, math.min(d, n) - 1 do
    sum = sum + term
    term = term * (n - 1 - k) / (k + 1)
    if term == 0 or sum == math.huge then
      break
    end
  end
  return 2 * sum
end

---Gives the share of labellings that half-spaces give: of all 2^n of n points in general position, through the origin of d
---dims; 1/2 at n = 2 d, the capacity of a perceptron.
---@param n integer
---@param d integer
---@return number
---example:
---  > nn.theory.cover_probability(20, 10)
---  0.5
---see: nn.theory.cover_count, nn.Perceptron
---source: Cover 1965, "Geometrical and statistical properties of systems of linear inequalities"
function M.cover_probability(n, d)
  options.argument("cover_probability", "n", n, "integer", 1)
  options.argument("cover_probability", "d", d, "integer", 1)
  if d >= n then
    return 1.0
  elseif n > 1000000 then -- the sum is a binomial distribution's; from here on the normal one agrees to eight digits
    local z = (d - 0.5 - (n - 1) / 2) / math.sqrt((n - 1) / 4)
    return core.erfc(core.tensor(-z / math.sqrt(2), { dtype = "float64" })):item() / 2
  end
  local sum, log_term = 0.0, -(n - 1) * math.log(2)
  for k = 0, math.min(d, n) - 1 do
    sum = sum + math.exp(log_term)
    log_term = log_term + math.log(math.max(n - 1 - k, 1e-300)) - math.log(k + 1)
  end
  return math.min(1, sum)
end

---Gives the Rademacher complexity of linear functions: the empirical one, of {x -> w . x : |w| <= norm} on points: norm / n
---E|sum s_i x_i|, by Monte Carlo; second result: the bound norm sqrt(sum |x_i|^2) / n. Options: norm (1), draws (500), seed
---(1).
---@param x nn.Tensor points x dims
---@param opts? {norm: number, draws: integer, seed: integer}
---@return number complexity, number bound
---example:
---  > complexity, bound = nn.theory.rademacher_linear(nn.eye(4))
---  > ("%.3f %.3f"):format(complexity, bound)
---  0.500 0.500
---see: nn.theory.rademacher_finite, nn.theory.vc_dimension
---source: Bartlett & Mendelson 2002, lemma 22
function M.rademacher_linear(x, opts)
  local o = options.read("rademacher_linear", opts, {
    norm = { "number", 1 }, draws = { "integer", 500 }, seed = { "integer", 1 },
  })
  local g = core.Generator(o.seed)
  x = x:to "float64"
  local signs = core.rand({ o.draws, #x }, { generator = g, dtype = "float64" }):ge(0.5):to "float64" * 2 - 1
  local norms = signs:matmul(x):square():sum(2):sqrt()
  return o.norm / #x * norms:mean():item(), o.norm / #x * x:square():sum():sqrt():item()
end

---Gives the Rademacher complexity of finitely many functions: the empirical one, of functions given by their values on n
---points (functions x n): E max_f 1/n sum s_i f(x_i), by Monte Carlo; second result: Massart's bound max |f| sqrt(2 log
---functions) / n.
---Options: draws (500), seed (1).
---@param values nn.Tensor functions x points
---@param opts? {draws: integer, seed: integer}
---@return number complexity, number bound
---example:
---  > complexity, bound = nn.theory.rademacher_finite(nn.tensor {{1, 1, 1, 1}, {-1, -1, -1, -1}})
---  > complexity < bound
---  true
---see: nn.theory.rademacher_linear
---source: Massart 2000, "Some applications of concentration inequalities to statistics"
function M.rademacher_finite(values, opts)
  local o = options.read("rademacher_finite", opts, { draws = { "integer", 500 }, seed = { "integer", 1 } })
  local g = core.Generator(o.seed)
  values = values:to "float64"
  local k, n = values:size(1), values:size(2)
  local signs = core.rand({ o.draws, n }, { generator = g, dtype = "float64" }):ge(0.5):to "float64" * 2 - 1
  local best = signs:matmul(values:t()):max(2)
  local largest = values:square():sum(2):sqrt():max():item()
  return best:mean():item() / n, largest * math.sqrt(2 * math.log(k)) / n
end

return M
