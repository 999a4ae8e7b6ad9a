-- Two classes of points: the nearest points of their convex hulls in floating point, and how what comes out is proved.
-- A problem is {x, positive, sides, signs}: x (n x d, float64), booleans, a byte for each, and a column of 1 and -1.

local core = require "nn.core"

local M = {}

local F64 = { dtype = "float64" }
local EPS, TINY = 2.0 ^ -52, 5e-324

---Up to so many points, weights are wanted as fractions. Up to MOST exact arithmetic takes seconds.
M.FEW, M.MOST = 24, 150

---The power of two that is above |v| / 2 and not above |v| (v finite, not 0); at least 2^-1022.
---@param v number
---@return number
function M.power(v)
  local e = string.unpack("<i8", string.pack("<d", math.abs(v))) >> 52
  return string.unpack("<d", string.pack("<i8", math.max(e, 1) << 52))
end

-- 1 / p is beyond float64 for p = 2^-1022 no more than for 2^1023, where it is subnormal: exact in both.
local function scale_of(largest)
  return largest > 0 and 1 / M.power(largest) or 1.0
end

local function column(list)
  return core.tensor(list, F64):unsqueeze(2)
end

---@param x nn.Tensor n x d, float64 and finite
---@param positive boolean[]
---@return table
function M.problem(x, positive)
  local bytes, signs, ups = {}, {}, 0
  for i, p in ipairs(positive) do
    bytes[i], signs[i], ups = p and "\1" or "\0", p and 1.0 or -1.0, ups + (p and 1 or 0)
  end
  if ups == 0 or ups == #positive then
    return { one_class = true }
  end
  x = (x + 0.0):contiguous() -- no -0
  return { x = x, positive = positive, sides = table.concat(bytes), signs = column(signs),
    up = core.tensor(bytes and signs, F64):gt(0) }
end

-- A string that is the same for lists of the same numbers, and for no others.
local function key_of(row)
  local parts = {}
  for from = 1, #row, 200 do
    local to = math.min(from + 199, #row)
    parts[#parts + 1] = string.pack(("d"):rep(to - from + 1), table.unpack(row, from, to))
  end
  return table.concat(parts)
end

---A point that both classes have.
---@param problem table
---@return integer? higher, integer? lower
function M.same_point(problem)
  local first = { {}, {} }
  for i, row in ipairs(problem.x:size(2) > 0 and problem.x:totable() or {}) do
    local key, side = key_of(row), problem.positive[i] and 1 or 2
    local other = first[3 - side][key]
    if other then
      return side == 1 and i or other, side == 1 and other or i
    end
    first[side][key] = first[side][key] or i
  end
  if problem.x:size(2) == 0 then
    return problem.sides:find("\1", 1, true), problem.sides:find("\0", 1, true)
  end
end

---Indices and weights of the nearest points, their difference w (d), and how far they are from each other.
---@param problem table
---@return integer[] indices, number[] weights, nn.Tensor w, number distance
function M.nearest(problem)
  local scale = scale_of(problem.x:abs():max():item())
  local z = problem.x * scale
  z = z - z:mean(1, true)
  local size = z:square():sum(2):max():sqrt():item()
  local indices, weights, w = core.hull_nearest((z * problem.signs / size):contiguous(), problem.sides)
  return indices, weights, w, w:norm():item() * size / scale
end

---The same, each column and each point being on a scale of its own: what is near is another question then, but whether
---the hulls meet is the same.
---@param problem table
---@return integer[] indices, number[] weights, nn.Tensor w
function M.nearest_scaled(problem)
  local d = problem.x:size(2)
  local scales, largest = {}, problem.x:abs():amax(1):totable()
  for j = 1, d do
    scales[j] = scale_of(largest[j])
  end
  local columns = core.tensor(scales, F64)
  local z = problem.x * columns
  z = z - z:mean(1, true)
  scales = z:abs():amax(1):totable()
  for j = 1, d do
    scales[j] = scale_of(scales[j])
  end
  local again = core.tensor(scales, F64)
  z = core.cat({ z * again, core.ones({ #z, 1 }, F64) }, 2)
  local norms = z:square():sum(2, true):sqrt()
  local indices, shares, w = core.hull_nearest((z * problem.signs / norms):contiguous(), nil)
  local weights, sums = {}, { 0.0, 0.0 }
  norms = norms:reshape(-1):totable()
  for k, i in ipairs(indices) do
    weights[k] = shares[k] / norms[i]
    local side = problem.positive[i] and 1 or 2
    sums[side] = sums[side] + weights[k]
  end
  for k, i in ipairs(indices) do
    weights[k] = weights[k] / sums[problem.positive[i] and 1 or 2]
  end
  return indices, weights, w:narrow(1, 1, d) * columns * again
end

---The same as nearest with twice the digits, beginning with those points. nil where the points have no common scale.
---@param problem table
---@param indices integer[]
---@param weights number[]
---@return integer[]? indices, nn.Tensor? weights 2 x k, nn.Tensor? w 2 x d: sums of two rows each
function M.nearest_wide(problem, indices, weights)
  local scale = scale_of(problem.x:abs():max():item())
  local z = (problem.x * scale):contiguous()
  if not (z / scale):eq(problem.x):all():item() then
    return nil
  end
  return core.hull_nearest_wide(z, problem.sides, z:mean(1), indices, weights)
end

-- The values of w . x - theta, and the smallest of them on the right side: below or at 0 where the plane is wrong.
local function look(problem, planes)
  local values = core.exact_dots(problem.x, planes)
  local high = core.where(problem.up, values, math.huge):min():item()
  local low = core.where(problem.up, -math.huge, values):max():item()
  return math.min(high, -low), low, high
end

-- The norm, rounded up: its square loses at most numel + 4 roundings.
local function norm_above(v)
  local largest = v:abs():max():item()
  return largest > 0 and (v / largest):norm():item() * (1 + (v:numel() + 8) * EPS) * largest + TINY or 0.0
end

-- Rounded down: the smallest value over |w|.
local function margin_of(least, w)
  local largest = w:abs():max():item()
  return least / norm_above(w / largest) / largest * (1 - 8 * EPS)
end

local function row_of(w, theta)
  return core.cat({ w, core.tensor({ theta }, F64) }, 1):unsqueeze(1)
end

---The plane with this normal that lies in the middle; nil where there is none. Every point was looked at, exactly.
---@param problem table
---@param w nn.Tensor d
---@param w_low? nn.Tensor d: to be added
---@return table? {w, theta, rest, margin}
function M.try_plane(problem, w, w_low)
  local largest = w:numel() > 0 and w:abs():max():item() or 0
  if not (largest > 0 and largest < math.huge) then
    return nil
  end
  -- products of a size that float64 can hold, whatever the points' is; else w as large as 1
  local scales, size = { scale_of(largest) }, problem.x:abs():max():item()
  if size < 1e-150 or size > 1e150 then
    scales[2] = scale_of(size)
  end
  for _, scale in ipairs(scales) do
    w, w_low = w * scale, w_low and w_low * scale
  end
  local function planes(theta, theta_low)
    local first = row_of(w, theta)
    return w_low and core.cat({ first, row_of(w_low, theta_low) }, 1) or first
  end
  local _, low, high = look(problem, planes(0.0, 0.0))
  local theta, theta_low = low + (high - low) / 2, 0.0
  if theta ~= theta or math.abs(theta) == math.huge then
    return nil
  end
  local least
  least, low, high = look(problem, planes(theta, 0.0))
  if w_low then
    theta_low = low + (high - low) / 2
    least = look(problem, planes(theta, theta_low))
  end
  return least > 0 and { w = w, theta = theta, rest = w_low and { { w = w_low, theta = theta_low } },
    margin = margin_of(least, w) } or nil
end

-- Weights as whole numbers of 2^-52, those of either side adding up to 2^52 exactly; nil where they are too far from it.
local function whole_weights(problem, indices, weights)
  local whole, sums, largest = {}, { 0, 0 }, {}
  for k, i in ipairs(indices) do
    local side = problem.positive[i] and 1 or 2
    whole[k] = math.floor(weights[k] * 2.0 ^ 52)
    sums[side] = sums[side] + whole[k]
    largest[side] = whole[k] > (whole[largest[side]] or -1) and k or largest[side]
  end
  for side = 1, 2 do
    whole[largest[side]] = whole[largest[side]] + (1 << 52) - sums[side]
    if whole[largest[side]] < 0 then
      return nil
    end
  end
  return core.tensor(whole, F64) * 2.0 ^ -52, largest
end

-- Changes of weights, as multiples of a power of two that add up to 0 on either side, exactly; nil where they are none.
local function whole_changes(change, up, largest)
  local most = change:abs():max():item()
  if not (most > 0 and most < 1e-6) then
    return nil
  end
  local step = M.power(most) * 2.0 ^ -50
  local list, sides, sums = (change / step):totable(), up:totable(), { 0, 0 }
  for k, number in ipairs(list) do
    list[k] = math.floor(number)
    local side = sides[k] == 1 and 1 or 2
    sums[side] = sums[side] + list[k]
  end
  for side = 1, 2 do
    list[largest[side]] = list[largest[side]] - sums[side]
    if math.abs(list[largest[side]]) > 1 << 53 then
      return nil
    end
  end
  return core.tensor(list, F64) * step
end

-- What is to be added to the weights for their point (values) to lie along w; nil where that is not to be had.
local function correction(points, up, values, w)
  local scale = scale_of(points:abs():max():item())
  local unit, v = w / w:abs():max(), values * scale
  unit = unit / unit:norm()
  local rows = core.cat({ core.stack({ up, 1 - up }, 1), (points * scale):t() }, 1)
  local lacking = core.cat({ core.zeros({ 2 }, F64), unit * (unit * v):sum() - v }, 1)
  local ok, delta = core.try(core.lstsq, rows, lacking:unsqueeze(2))
  return ok and delta:reshape(-1) or nil
end

---No plane has a larger margin than this: half the distance of a point in either hull, that of these weights, or of ones
---near them that are better.
---@param problem table
---@param indices integer[]
---@param weights number[]
---@param plane table
---@param weights_low? nn.Tensor what float64 left of the weights
---@return number
function M.margin_bound(problem, indices, weights, plane, weights_low)
  local first, largest = whole_weights(problem, indices, weights)
  if not first then
    return math.huge
  end
  local where = core.tensor(indices)
  local signs = problem.signs:index_select(1, where)
  local points = problem.x:index_select(1, where) * signs
  local columns, up = points:t():contiguous(), signs:reshape(-1):gt(0):to "float64"
  local function half_norm(planes)
    local values = core.exact_dots(columns, planes)
    return values, norm_above(values) / 2 * (1 + 8 * EPS) + TINY
  end
  local values, bound = half_norm(row_of(first, 0.0))
  if bound <= plane.margin * (1 + 1e-9) then
    return bound
  end
  local change = weights_low and core.tensor(weights, F64) - first + weights_low or correction(points, up, values, plane.w)
  local second = change and whole_changes(change, up, largest)
  if second and (first + second):ge(0):all():item() then -- rounding keeps the sign of a sum
    local _, better = half_norm(core.cat({ row_of(first, 0.0), row_of(second, 0.0) }, 1))
    bound = math.min(bound, better)
  end
  return bound
end

---The largest margin of a plane through the origin that has all points on its upper side: what a plane was seen to have
---(at or below 0: no such plane was found), and what none exceeds.
---@param z nn.Tensor n x d, float64
---@return number margin, number most
function M.origin_margin(z)
  local scale = scale_of(z:abs():max():item())
  local scaled = z * scale
  local size = scaled:square():sum(2):max():sqrt():item()
  local indices, weights, w = core.hull_nearest((scaled / size):contiguous(), nil)
  local largest = w:abs():max():item()
  if largest == 0 or largest ~= largest then
    return 0.0, math.huge
  end
  w = w * scale_of(largest)
  local margin = margin_of(core.exact_dots(z:contiguous(), row_of(w, 0.0)):min():item(), w)
  local columns = z:index_select(1, core.tensor(indices)):t():contiguous()
  local shares = core.tensor(weights, F64)
  local values = core.exact_dots(columns, row_of(shares, 0.0))
  return margin, norm_above(values) / shares:sum():item() * (1 + (#indices + 8) * EPS) + TINY
end

---The exact answer, beginning with these weights; nil where too many points are in it.
---@param problem table
---@param indices integer[]
---@param weights number[]
---@return table? {meet, indices, weights, texts, parts, tries, margin}
function M.exactly(problem, indices, weights)
  local answer, found, near, texts, parts, tries, margin = core.exact_hull(problem.x, problem.sides, indices, weights, M.MOST)
  return answer and { meet = answer == "meet", indices = found, weights = near, texts = texts, parts = parts, tries = tries,
    margin = answer == "apart" and margin * (1 + 8 * EPS) + TINY or 0.0 }
end

---A plane in float64 near the exact one: one whose rounding did little harm, else one in several parts; nil: there is
---none.
---@param problem table
---@param exact table
---@return table? {w, theta, rest, margin}
function M.best_plane(problem, exact)
  local d, best = problem.x:size(2), nil
  for t = 1, #exact.tries do
    local plane = M.try_plane(problem, exact.tries[t]:narrow(1, 1, d))
    if plane and not (best and best.margin >= plane.margin) then
      best = plane
      if best.margin >= exact.margin * (1 - 1e-9) then
        break
      end
    end
  end
  if best then
    return best
  end
  for count = 2, #exact.parts do
    local planes = exact.parts:narrow(1, 1, count):contiguous()
    local least = look(problem, planes)
    if least > 0 then
      local rest, list = {}, planes:totable()
      for p = 2, count do
        rest[p - 1] = { w = planes[p]:narrow(1, 1, d):clone(), theta = list[p][d + 1] }
      end
      local w = planes[1]:narrow(1, 1, d):clone()
      return { w = w, theta = list[1][d + 1], rest = rest, margin = margin_of(least, w) }
    end
  end
end

-- The equations that weights of some points fulfil where the hulls meet: a row for each, without those that follow from
-- others at sight; rows and columns times powers of two. Returns rows, right sides, the columns' scales.
local function equations(problem, indices)
  local where = core.tensor(indices)
  local points, signs = problem.x:index_select(1, where), problem.signs:index_select(1, where):reshape(-1)
  local keep, seen = {}, {}
  for j, row in ipairs(points:t():contiguous():totable()) do
    local key = key_of(row)
    local same = seen[key]
    for k = 2, same and 0 or #row do
      same = row[k] == row[1]
      if not same then
        break
      end
    end
    seen[key] = true
    if not same then -- a constant: the weights of either side add up to the same
      keep[#keep + 1] = j
    end
  end
  local up = signs:gt(0):to "float64"
  local rows = core.stack({ up, 1 - up }, 1)
  if #keep > 0 then
    rows = core.cat({ rows, points:index_select(2, core.tensor(keep)):t() * signs }, 1)
  end
  local right = core.zeros({ #rows }, F64)
  right[1], right[2] = 1.0, 1.0
  local function scales(largest)
    local list = largest:totable()
    for k, v in ipairs(list) do
      list[k] = scale_of(v)
    end
    return core.tensor(list, F64)
  end
  local of_rows = scales(rows:abs():amax(2))
  local scaled = rows * of_rows:unsqueeze(2)
  local of_columns = scales(scaled:abs():amax(1))
  scaled = scaled * of_columns
  -- nothing may have become too small to be exact
  if not (scaled / of_columns / of_rows:unsqueeze(2)):eq(rows):all():item() then
    return nil
  end
  return scaled:contiguous(), right * of_rows, of_columns
end

-- Is each of the other rows, with its right side, a combination of the chosen ones, exactly? Numbers that are simple
-- fractions are tried.
local function follows(rows, right, chosen, inverse)
  local is_chosen, others = {}, {}
  for _, r in ipairs(chosen) do
    is_chosen[r] = true
  end
  for r = 1, #rows do
    if not is_chosen[r] then
      others[#others + 1] = r
    end
  end
  if #others == 0 then
    return true
  end
  local all = core.cat({ rows, right:unsqueeze(2) }, 2)
  local basis = all:index_select(1, core.tensor(chosen)):t()
  local factors = rows:index_select(1, core.tensor(others)):matmul(inverse)
  for k, r in ipairs(others) do
    local table_ = core.cat({ basis, all[r]:unsqueeze(2) }, 2):contiguous()
    local fits = false
    for _, den in ipairs { 1, 2, 3, 4, 5, 6, 8, 12, 16, 64, 256, 1024 } do
      local numbers = (factors[k] * den):round()
      if (numbers - factors[k] * den):abs():max():item() < 1e-6 * den then
        local plane = core.cat({ numbers, core.tensor({ -1.0 * den, 0.0 }, F64) }, 1):unsqueeze(1)
        fits = core.exact_dots(table_, plane):eq(0):all():item()
      end
      if fits then
        break
      end
    end
    if not fits then
      return false
    end
  end
  return true
end

-- The solution of a x = b in several parts, and how far each of its numbers is from the exact one; nil where a may be
-- singular. With E = |I - R a|: |x - x~| <= |R| |b - a x~| + E |x - x~| (S. M. Rump 2010, "Verification methods", 10.5);
-- every sum is bounded with what it may have lost by rounding, the residual is exact.
local function enclose(a, b, inverse)
  local n = #a
  local loss = (n + 8) * EPS
  local size = inverse:abs()
  local defect = ((inverse:matmul(a) - core.eye(n, F64)):abs() + size:matmul(a:abs()) * loss + n * 1e-300) * (1 + loss)
  local sums = defect:sum(2) * (1 + loss)
  local contraction = sums:max():item()
  if contraction >= 0.5 or contraction ~= contraction then
    return nil
  end
  local system = core.cat({ a, -b:unsqueeze(2) }, 2):contiguous()
  local parts, rows, residual = {}, {}, -b
  for p = 1, 3 do
    parts[p] = -inverse:matmul(residual)
    rows[p] = core.cat({ parts[p], core.tensor({ p == 1 and 1.0 or 0.0, 0.0 }, F64) }, 1):unsqueeze(1)
    residual = core.exact_dots(system, core.cat(rows, 1):contiguous())
  end
  local near = (size:matmul(residual:abs()) + n * 1e-300) * (1 + loss)
  local most = near:max():item() / (1 - contraction) * (1 + 8 * EPS)
  local x = parts[1] + (parts[2] + parts[3])
  return x, (near + sums * most + x:abs() * EPS) * (1 + 8 * EPS)
end

---Proves that the hulls meet: that the equations have a solution near these weights, all of it above 0. Returns the
---points, weights, and how far each is from the exact one; nil where that did not succeed.
---@param problem table
---@param indices integer[]
---@param weights number[]
---@return integer[]? indices, number[]? weights, number[]? within
function M.prove_meeting(problem, indices, weights)
  local most, points = 0, {}
  for _, w in ipairs(weights) do
    most = math.max(most, w)
  end
  for k, i in ipairs(indices) do
    if weights[k] > 1e-11 * most then -- less is 0, and rounding
      points[#points + 1] = i
    end
  end
  local rows, right, scales = equations(problem, points)
  if not rows or #rows < #points then
    return nil
  end
  local chosen = core.independent_rows(rows, 1e-12)
  if #chosen < #points then
    return nil
  end
  local where = core.tensor(chosen)
  local a, b = rows:index_select(1, where):contiguous(), right:index_select(1, where)
  local ok, inverse = core.try(core.inv, a)
  if not ok then -- singular
    return nil
  end
  local x, within = enclose(a, b, inverse)
  if not x or not x:gt(within * 2):all():item() or not follows(rows, right, chosen, inverse) then
    return nil
  end
  return points, (x * scales):totable(), (within * scales):totable()
end

return M
