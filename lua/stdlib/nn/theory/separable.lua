-- Linear separability with certificates.
--
-- The nearest points of the two classes' convex hulls are found in floating point (nn.internal.hulls). If they differ, a
-- plane between them separates; if they coincide, the convex weights that make them prove that no plane can. Neither is
-- believed: the plane is held against every point by sums without rounding, the weights are enclosed rigorously, and
-- where floating point does not get as far, the same algorithm runs over the rational numbers.

local core = require "nn.core"
local hulls = require "nn.internal.hulls"
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

---Finds the point of smallest norm in a convex hull: of points that are only known through an oracle. A point is {p = {x1,
---x2, ...}, key = what tells it from the others, ...}; two points of one key are the same.
---@param oracle fun(x: number[]): table the point with the smallest p . x
---@param first table some point
---@return number[] x, table[] set the points with their weights {p, key, weight, ...}
---example:
---  > points = {{p = {1, 1}, key = 1}, {p = {1, -1}, key = 2}}
---  > oracle = function(x) return x[2] > 0 and points[2] or points[1] end
---  > x = nn.theory.min_norm_point(oracle, points[1])
---  > ("%.3f %.3f"):format(x[1], math.abs(x[2]))
---  1.000 0.000
---see: nn.theory.separable, nn.theory.margin
---source: P. Wolfe 1976, "Finding the nearest point in a polytope"
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

-- Up to so many points, the margin of a plane through the origin is wanted to the last digit.
local MANY = 500

-- What is longer is not printed: terms of a side, characters of a fraction.
local MOST_TERMS, LONGEST = 12, 40

function Certificate:__tostring()
  if self.separable == nil then
    return "undecided: " .. self.reason
  end
  if self.separable then
    local margin = ("margin %.6g"):format(self.margin)
    if self.margin_most > self.margin * (1 + 1e-6) and self.margin_most < math.huge then
      margin = ("margin %.6g, and no plane has more than %.6g"):format(self.margin, self.margin_most)
    end
    return ("separable: w . x > theta for every point of the higher class, < for every other, checked exactly; %s%s"):format(
      margin, self.rest and "; w and theta have parts in rest" or "")
  end
  local parts = {}
  for _, side in ipairs { "higher", "lower" } do
    local terms = {}
    for k, t in ipairs(self[side]) do
      terms[k] = k <= MOST_TERMS and ("%s * x%d"):format(
        #t.text > LONGEST and ("about %.6g"):format(t.weight) or t.text, t.index) or nil
    end
    local more = #self[side] - #terms
    parts[#parts + 1] = table.concat(terms, " + ") .. (more > 0 and (" + %d more"):format(more) or "")
  end
  return ("not separable: %s = %s, checked exactly: a point in both convex hulls"):format(parts[1], parts[2])
end

local function certificate(t)
  t.exact = t.separable ~= nil or nil
  return setmetatable(t, Certificate)
end

-- Two lists of {index, weight, text, within} of weights for some points.
local function meeting(problem, indices, weights, texts, within)
  local higher, lower = {}, {}
  for k, i in ipairs(indices) do
    table.insert(problem.positive[i] and higher or lower, { index = i, weight = weights[k],
      text = texts and texts[k] or ("about %.6g"):format(weights[k]), within = within and within[k] or 0.0 })
  end
  return certificate { separable = false, higher = higher, lower = lower, distance = 0.0 }
end

local function apart(plane, most)
  most = math.max(most, plane.margin)
  return certificate { separable = true, w = plane.w, theta = plane.theta, rest = plane.rest, margin = plane.margin,
    margin_most = most, distance = 2 * most }
end

-- Floating point first, then floating point with twice the digits, then fractions; and where these have too many points to
-- deal with, once more on other scales.
local function decide(problem)
  local indices, weights, w, distance = hulls.nearest(problem)
  local plane = hulls.try_plane(problem, w)
  local most = plane and hulls.margin_bound(problem, indices, weights, plane)
  local few = #indices <= hulls.FEW
  local enough = 1 + (few and 1e-9 or #indices <= hulls.MOST and 1e-6 or 1e-3)
  if plane and most <= plane.margin * enough then
    return apart(plane, most)
  end

  -- the better of two planes; no bound is worse for it
  local function offer(other, bound)
    plane = other and not (plane and plane.margin >= other.margin) and other or plane
    most = math.min(most or math.huge, bound)
  end
  local function prove()
    if plane then
      return nil
    end
    local found, near, within = hulls.prove_meeting(problem, indices, weights)
    return found and meeting(problem, found, near, nil, within)
  end
  local known = not few and prove()
  if known then
    return known
  end
  if not few then
    local points, shares, place = hulls.nearest_wide(problem, indices, weights)
    if points then
      local high, low = place[1]:clone(), place[2]:clone()
      local other = hulls.try_plane(problem, high)
      local fine = shares[1]:totable()
      local bound = other and hulls.margin_bound(problem, points, fine, other, shares[2]) or math.huge
      if not other then
        other = hulls.try_plane(problem, high, low)
        bound = other and hulls.margin_bound(problem, points, fine, other, shares[2]) or math.huge
      end
      offer(other, bound)
      indices, weights = points, fine
      known = plane and (most <= plane.margin * 1.01 or #points > hulls.MOST) and apart(plane, most) or prove()
      if known then
        return known
      end
    end
  end
  local exact = hulls.exactly(problem, indices, weights)
  if exact and exact.meet then
    return meeting(problem, exact.indices, exact.weights, exact.texts)
  elseif exact then
    offer(hulls.best_plane(problem, exact), exact.margin)
  elseif not plane then
    indices, weights, w = hulls.nearest_scaled(problem)
    local other = hulls.try_plane(problem, w)
    offer(other, other and hulls.margin_bound(problem, indices, weights, other) or math.huge)
    known = prove()
    if known then
      return known
    end
  end
  if plane then
    return apart(plane, most)
  end
  return certificate { distance = exact and 2 * exact.margin or distance,
    reason = exact and "a plane separates the classes, but float64 cannot hold one"
      or ("the classes are too near to each other for floating point (about %.3g), and %d points too many for exact "
        .. "arithmetic"):format(distance, #indices) }
end

---Tells whether a plane separates two classes of points, with a certificate. Touching classes are not separable.
---separable = true: w (float64), theta, margin: w . x > theta for the class with the higher label, w . x < theta for the
---other, and no point is nearer to the plane than margin (in units of x; a lower bound that holds, rounding and all). No
---plane has more than margin_most: where the two agree to some 1e-9, and they nearly always do, the plane is the best.
---rest, seldom there: a list of {w, theta} to be added, for classes so near to each other that one float64 a number is not
---enough. separable = false: higher and lower, lists of {index, weight, text, within}: convex weights of points of each
---class that give the same point; text is the exact fraction where within = 0, else the exact weight, which is above 0, is
---as near as within. exact = true: proved, without rounding. separable = nil, very seldom: not decided; reason says why.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels of two classes
---@return table certificate
---example:
---  > data = nn.data.xor()
---  > nn.theory.separable(data.x, data.y).separable
---  false
---  > found = nn.theory.separable(nn.tensor {{0.0}, {2.0}}, nn.tensor {1, 2})
---  > found.separable, ("%.3f"):format(found.margin)
---  true	1.000
---see: nn.theory.margin, nn.Perceptron, nn.data.separable
---source: P. Wolfe 1976, "Finding the nearest point in a polytope"; S. M. Rump 2010, "Verification methods", section 10
function M.separable(x, y)
  local positive
  x, positive = M.two_classes("theory.separable", x, y)
  local problem = hulls.problem(x, positive)
  if problem.one_class then
    return certificate { separable = true, w = core.zeros(x:size(2), { dtype = "float64" }),
      theta = positive[1] and -1.0 or 1.0, margin = math.huge, margin_most = math.huge, distance = math.huge }
  end
  local i, j = hulls.same_point(problem)
  if i then
    return meeting(problem, { i, j }, { 1.0, 1.0 }, { "1", "1" })
  end
  return decide(problem)
end

---Gives the largest margin of a plane through the origin: max over unit vectors u of min_i s_i u . x_i, with s_i = 1 for the
---higher class and -1 for the other. With bias = true (the default) the points get a last coordinate -1, so that u's last
---entry is the threshold: the margin of the perceptron's convergence theorem. 0 where there is none. What
---a plane was seen to have, without rounding errors that make it too large.
---@param x nn.Tensor n x d
---@param y nn.Tensor n
---@param opts? {bias: boolean}
---@return number margin, number radius the largest norm of a point (with its -1)
---example:
---  > margin, radius = nn.theory.margin(nn.tensor {{-1.0}, {1.0}}, nn.tensor {1, 2})
---  > ("%.3f %.3f"):format(margin, radius)
---  1.000 1.414
---see: nn.theory.separable, nn.Perceptron
---source: Novikoff 1962, "On convergence proofs on perceptrons"
function M.margin(x, y, opts)
  local o = options.read("theory.margin", opts, { bias = { "boolean", true } })
  local positive
  x, positive = M.two_classes("theory.margin", x, y)
  local given = x
  if o.bias then
    x = core.cat({ x, core.full({ #x, 1 }, -1.0, { dtype = "float64" }) }, 2)
  end
  local signs = {}
  for i, p in ipairs(positive) do
    signs[i] = p and 1.0 or -1.0
  end
  local largest = x:abs():max():item()
  local scale = largest > 0 and hulls.power(largest) or 1.0
  local radius = (x / scale):square():sum(2):max():sqrt():item() * scale
  local z = x * core.tensor(signs, { dtype = "float64" }):unsqueeze(2)
  local margin, most = hulls.origin_margin(z)
  if margin > 0 and (#z > MANY or most <= margin * (1 + 1e-6)) or o.bias and M.separable(given, y).separable == false then
    return math.max(margin, 0.0), radius
  end
  -- the hulls of the points and of their mirror images have their nearest points at the margin, and opposite to each other
  local c = M.separable(core.cat({ z, -z }, 1), core.arange(2 * #x):lt(#x):to "int64")
  return math.max(margin, c.separable and c.margin or 0.0), radius
end

return M
