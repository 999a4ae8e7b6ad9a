-- Linear separability with certificates.
--
-- The nearest points of the two classes' convex hulls are found by Wolfe's algorithm (P. Wolfe 1976, "Finding the nearest
-- point in a polytope"), over differences of a point of each. If they differ, the plane halfway between them separates;
-- if they coincide, the convex weights that make them prove that no plane can. Either certificate is then checked in
-- exact arithmetic over the points as they are (every float is a rational number).

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local function dot(a, b)
  local s = 0.0
  for i = 1, #a do
    s = s + a[i] * b[i]
  end
  return s
end

-- Solves a small system by elimination with pivots; nil where it is singular.
local function solve(a, b)
  local n = #b
  for c = 1, n do
    local best = c
    for r = c + 1, n do
      if math.abs(a[r][c]) > math.abs(a[best][c]) then
        best = r
      end
    end
    if math.abs(a[best][c]) < 1e-300 then
      return nil
    end
    a[c], a[best], b[c], b[best] = a[best], a[c], b[best], b[c]
    for r = c + 1, n do
      local f = a[r][c] / a[c][c]
      if f ~= 0 then
        for k = c, n do
          a[r][k] = a[r][k] - f * a[c][k]
        end
        b[r] = b[r] - f * b[c]
      end
    end
  end
  for r = n, 1, -1 do
    for k = r + 1, n do
      b[r] = b[r] - a[r][k] * b[k]
    end
    b[r] = b[r] / a[r][r]
  end
  return b
end

-- Weights (they add up to 1, and may be negative) of the point of smallest norm in the affine hull.
local function affine_minimum(set)
  local n = #set
  local a, b = { { 0.0 } }, { 1.0 }
  for i = 1, n do
    a[1][i + 1], b[i + 1] = 1.0, 0.0
    a[i + 1] = { 1.0 }
    for k = 1, n do
      a[i + 1][k + 1] = dot(set[i].p, set[k].p)
    end
  end
  local v = solve(a, b)
  return v and table.move(v, 2, n + 1, 1, {})
end

local function check_point(what, v)
  local p = type(v) == "table" and v.p
  if type(p) ~= "table" or #p == 0 or math.type(p[1]) == nil then
    core.raise(("min_norm_point: %s must be a table {p = {x1, x2, ...}}, but is %s"):format(what, core.describe(v)))
  end
  return v
end

---The point of smallest norm in the convex hull of points that are only known through an oracle.
---@param oracle fun(x: number[]): table the {p = point, ...} with the smallest p . x
---@param first table some {p = point, ...}
---@return number[] x, table[] set the points with their weights {p, weight, ...}
function M.min_norm_point(oracle, first)
  local set = { check_point("first", first) }
  first.weight = 1.0
  local x = table.move(first.p, 1, #first.p, 1, {})
  local scale = dot(x, x)
  for _ = 1, 10000 do
    local new = check_point("what the oracle gives", oracle(x))
    scale = math.max(scale, dot(new.p, new.p))
    local gap = dot(x, x) - dot(x, new.p)
    if gap <= 1e-13 * scale or gap <= 1e-10 * dot(x, x) then
      break
    end
    for _, s in ipairs(set) do
      if s.key == new.key then
        return x, set
      end
    end
    new.weight = 0.0
    set[#set + 1] = new
    while true do
      local alpha = affine_minimum(set)
      if not alpha then -- affinely dependent by rounding: the new point adds nothing
        table.remove(set)
        return x, set
      end
      local inside, theta = true, 1.0
      for i, s in ipairs(set) do
        if alpha[i] <= 1e-12 then
          inside = false
          if s.weight > alpha[i] then
            theta = math.min(theta, s.weight / (s.weight - alpha[i]))
          end
        end
      end
      for i, s in ipairs(set) do
        s.weight = inside and alpha[i] or theta * alpha[i] + (1 - theta) * s.weight
      end
      if not inside then
        for i = #set, 1, -1 do
          if set[i].weight <= 1e-12 then
            table.remove(set, i)
          end
        end
      end
      for d = 1, #x do
        x[d] = 0.0
        for _, s in ipairs(set) do
          x[d] = x[d] + s.weight * s.p[d]
        end
      end
      if inside then
        break
      end
    end
  end
  return x, set
end

---Points and 0/1 for each, from a matrix and labels of two kinds; the larger label is 1.
---@param who string
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return nn.Tensor x float64, boolean[] positive
function M.two_classes(who, x, y)
  if not core.is_tensor(x) or x.ndim ~= 2 or not core.is_tensor(y) or y:numel() ~= #x then
    core.raise(("%s: needs points as n x d and n labels, but got %s and %s"):format(who, core.describe(x), core.describe(y)))
  end
  local labels = y:reshape(-1):to("float64"):totable()
  local low, high = math.huge, -math.huge
  for _, v in ipairs(labels) do
    low, high = math.min(low, v), math.max(high, v)
  end
  local positive = {}
  for i, v in ipairs(labels) do
    if v ~= low and v ~= high then
      core.raise(("%s: needs labels of two classes, but there are %g, %g and %g"):format(who, low, v, high))
    end
    positive[i] = v == high and high > low
  end
  x = x:detach():to "float64"
  if x:numel() > 0 and not core.logical_and(x:eq(x), x:abs():lt(math.huge)):all():item() then
    core.raise(("%s: the points have values that are not finite"):format(who))
  end
  return x, positive
end

local Certificate = options.class "nn.Certificate"

function Certificate:__tostring()
  if self.separable == nil then
    return ("undecided: the hulls are nearer than %.3g"):format(self.distance)
  end
  if self.separable then
    return ("separable: w . x > theta for every point of the higher class, < for every other, checked %s; margin %.6g"):format(
      self.exact and "exactly" or "in floating point", self.margin)
  end
  local parts = {}
  for _, side in ipairs { "higher", "lower" } do
    local terms = {}
    for _, t in ipairs(self[side]) do
      terms[#terms + 1] = ("%s * x%d"):format(t.text, t.index)
    end
    parts[#parts + 1] = table.concat(terms, " + ")
  end
  return ("not separable: %s = %s, checked exactly: a point in both convex hulls"):format(parts[1], parts[2])
end

-- Exact signs of w . x - theta for the points whose floating-point sign could be wrong.
local function check_plane(x, positive, w, theta)
  local wt = core.tensor(w, { dtype = "float64" })
  local values = (x:matmul(wt) - theta):totable()
  local bounds = (x:abs():matmul(wt:abs()) + math.abs(theta)):totable()
  for i, v in ipairs(values) do
    local sign = v > 0 and 1 or (v < 0 and -1 or 0)
    if math.abs(v) <= bounds[i] * (#w + 3) * 2.3e-16 then
      sign = core.exact_sign(w, x[i]:totable(), theta)
    end
    if sign ~= (positive[i] and 1 or -1) then
      return false
    end
  end
  return true
end

-- Exact convex weights near those found.
local function check_weights(rows, set)
  local columns, where = {}, {}
  local function column(index, sign)
    local key = sign * index
    if not where[key] then
      columns[#columns + 1] = { index = index, sign = sign, weight = 0.0 }
      where[key] = columns[#columns]
    end
    return where[key]
  end
  for _, s in ipairs(set) do
    local a, b = column(s.a, 1), column(s.b, -1)
    a.weight, b.weight = a.weight + s.weight, b.weight + s.weight
  end
  local d, values, right, given = #rows[1], {}, {}, {}
  for r = 1, d + 2 do
    right[r] = r > d and 1.0 or 0.0
    for _, c in ipairs(columns) do
      local v
      if r <= d then
        v = c.sign * rows[c.index][r]
      elseif r == d + 1 then
        v = c.sign == 1 and 1.0 or 0.0
      else
        v = c.sign == -1 and 1.0 or 0.0
      end
      values[#values + 1] = v
    end
  end
  for i, c in ipairs(columns) do
    given[i] = c.weight
  end
  if #columns > 500 or d > 500 then
    return nil
  end
  local numbers, texts, smallest = core.exact_solve(d + 2, #columns, values, right, given)
  if not numbers or smallest < 0 then
    return nil
  end
  local higher, lower = {}, {}
  for i, c in ipairs(columns) do
    if numbers[i] ~= 0 then
      table.insert(c.sign == 1 and higher or lower, { index = c.index, weight = numbers[i], text = texts[i] })
    end
  end
  return higher, lower
end

---Whether a plane separates two classes of points, with a certificate.
---
---separable = true: w (tensor), theta, margin (of the nearest point to the plane): w . x > theta for the class with the
---higher label, w . x < theta for the other; the plane has the largest margin. separable = false: higher and lower, lists
---of {index, weight, text}: convex weights of points of each class that give the same point. exact = true: checked in
---exact arithmetic. separable = nil: the classes are nearer to each other than floating point can decide.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels of two classes
---@return table certificate
function M.separable(x, y)
  local positive
  x, positive = M.two_classes("theory.separable", x, y)
  local rows, up, down = x:totable(), {}, {}
  for i in ipairs(rows) do
    table.insert(positive[i] and up or down, i)
  end
  if #up == 0 or #down == 0 then
    return setmetatable({ separable = true, w = core.zeros(x:size(2), { dtype = "float64" }), theta = #up > 0 and -1.0 or 1.0,
      margin = math.huge, exact = true, distance = math.huge }, Certificate)
  end
  local d = x:size(2)
  local upper, lower = x:index_select(1, core.tensor(up)), x:index_select(1, core.tensor(down))
  local function difference(i, j)
    local p = {}
    for k = 1, d do
      p[k] = rows[i][k] - rows[j][k]
    end
    return { p = p, a = i, b = j, key = i * (#rows + 1) + j }
  end
  local nearest, set = M.min_norm_point(function(v)
    local t = core.tensor(v, { dtype = "float64" })
    return difference(up[upper:matmul(t):argmin():item()], down[lower:matmul(t):argmax():item()])
  end, difference(up[1], down[1]))
  local distance = math.sqrt(dot(nearest, nearest))
  local t = core.tensor(nearest, { dtype = "float64" })
  local low, high = lower:matmul(t):max():item(), upper:matmul(t):min():item()
  local theta = low + (high - low) / 2
  if high > low and check_plane(x, positive, nearest, theta) then
    return setmetatable({ separable = true, w = t, theta = theta, margin = (high - low) / 2 / distance, exact = true,
      distance = distance }, Certificate)
  end
  local above, below = check_weights(rows, set)
  if above then
    return setmetatable({ separable = false, higher = above, lower = below, exact = true, distance = 0.0 }, Certificate)
  end
  return setmetatable({ distance = distance }, Certificate)
end

---The largest margin of a plane through the origin: max over unit vectors u of min_i s_i u . x_i, with s_i = 1 for the
---higher class and -1 for the other. With bias = true (the default) the points get a last coordinate -1, so that u's last
---entry is the threshold: the margin of the perceptron's convergence theorem (Novikoff 1962). 0 where there is none.
---@param x nn.Tensor n x d
---@param y nn.Tensor n
---@param opts? {bias: boolean}
---@return number margin, number radius the largest norm of a point (with its -1)
function M.margin(x, y, opts)
  local o = options.read("theory.margin", opts, { bias = { "boolean", true } })
  local positive
  x, positive = M.two_classes("theory.margin", x, y)
  if o.bias then
    x = core.cat({ x, core.full({ #x, 1 }, -1.0, { dtype = "float64" }) }, 2)
  end
  local signs = {}
  for i, p in ipairs(positive) do
    signs[i] = p and 1.0 or -1.0
  end
  local radius = x:square():sum(2):max():sqrt():item()
  local z = x * core.tensor(signs, { dtype = "float64" }):unsqueeze(2)
  local rows = z:totable()
  local nearest = M.min_norm_point(function(v)
    local i = z:matmul(core.tensor(v, { dtype = "float64" })):argmin():item()
    return { p = rows[i], key = i }
  end, { p = rows[1], key = 1 })
  local size = math.sqrt(dot(nearest, nearest))
  local least = z:matmul(core.tensor(nearest, { dtype = "float64" })):min():item()
  return size > 0 and least > 0 and least / size or 0.0, radius
end

return M
