-- nn.theory.separable: what it says is held against exact methods of another kind, and its proofs are redone here.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestSeparable = {}

local F64 = { dtype = "float64" }

local function labels_of(positive)
  return nn.tensor(positive):to "int64"
end

-- Redoes the proof: signs of w . x - theta for every point, exactly; weights above 0 that give the same point.
local function check(x, y, message)
  local c = nn.theory.separable(x, y)
  x = x:to "float64"
  local rows, labels = x:totable(), y:totable()
  local high = math.max(table.unpack(labels))
  lu.assertNotNil(c.separable, message)
  lu.assertTrue(c.exact, message)
  if c.separable then
    local planes = { c, table.unpack(c.rest or {}) }
    local w = {} -- of all parts, one behind the other, and then their thetas
    for _, part in ipairs(planes) do
      table.move(part.w:totable(), 1, #rows[1], #w + 1, w)
    end
    for _, part in ipairs(planes) do
      w[#w + 1] = -part.theta
    end
    for i, row in ipairs(rows) do
      local point = {}
      for k = 1, #planes do
        table.move(row, 1, #row, (k - 1) * #row + 1, point)
      end
      for _ = 1, #planes do
        point[#point + 1] = 1.0
      end
      lu.assertEquals(core.exact_sign(w, point, 0.0), labels[i] == high and 1 or -1, message)
    end
    lu.assertTrue(c.margin >= 0 and c.margin <= c.margin_most and c.margin_most < math.huge, message)
  else
    local size = math.max(x:abs():max():item(), 1e-300)
    for j = 1, #rows[1] do
      local sum = 0
      for _, t in ipairs(c.higher) do
        sum = sum + t.weight * (rows[t.index][j] / size)
      end
      for _, t in ipairs(c.lower) do
        sum = sum - t.weight * (rows[t.index][j] / size)
      end
      lu.assertTrue(math.abs(sum) < 1e-11, message)
    end
    for side, list in pairs { [true] = c.higher, [false] = c.lower } do
      local sum = 0
      for _, t in ipairs(list) do
        sum = sum + t.weight
        lu.assertTrue(t.weight > t.within and (labels[t.index] == high) == side, message)
      end
      lu.assertAlmostEquals(sum, 1, 1e-11)
    end
  end
  return c
end

local function dot(a, b)
  return a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
end
local function minus(a, b)
  return { a[1] - b[1], a[2] - b[2], a[3] - b[3] }
end
local function cross(a, b)
  return { a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1] }
end

-- The square of the largest margin of whole points in three dimensions, by trying every direction that nearest points of
-- two polytopes can have: corner to corner, corner to edge, corner to face, edge to edge. 0: no plane separates.
local function best_square(up, down)
  local best = 0
  local function try(w)
    local low, high = math.huge, -math.huge
    for _, p in ipairs(up) do
      low = math.min(low, dot(w, p))
    end
    for _, p in ipairs(down) do
      high = math.max(high, dot(w, p))
    end
    if low > high then
      best = math.max(best, (low - high) ^ 2 / dot(w, w) / 4)
    end
  end
  local function both(w)
    try(w)
    try { -w[1], -w[2], -w[3] }
  end
  local edges = {}
  for s, side in ipairs { up, down } do
    edges[s] = {}
    for i = 1, #side do
      for k = i + 1, #side do
        table.insert(edges[s], { side[i], minus(side[k], side[i]) })
      end
    end
    local other = s == 1 and down or up
    for _, e in ipairs(edges[s]) do
      for _, p in ipairs(other) do -- from the edge's line to the point, times the edge's square
        local from, along = minus(p, e[1]), dot(e[2], e[2])
        local by = dot(from, e[2])
        both { from[1] * along - by * e[2][1], from[2] * along - by * e[2][2], from[3] * along - by * e[2][3] }
      end
    end
    for i = 1, #edges[s] do
      for k = i + 1, #edges[s] do
        both(cross(edges[s][i][2], edges[s][k][2]))
      end
    end
  end
  for _, p in ipairs(up) do
    for _, q in ipairs(down) do
      try(minus(p, q))
    end
  end
  for _, e in ipairs(edges[1]) do
    for _, f in ipairs(edges[2]) do
      both(cross(e[2], f[2]))
    end
  end
  return best
end

function TestSeparable:test_whole_points_against_brute_force()
  local g = nn.Generator(5)
  local counts = { [true] = 0, [false] = 0 }
  for round = 1, 400 do
    local d, n, size = round % 3 + 1, 2 + round % 7, 1 + round % 4 -- small sizes: many that touch
    local x = nn.randint(-size, size + 1, { n, d }, { generator = g })
    local y = nn.randint(0, 2, { n }, { generator = g }):totable()
    y[1], y[2] = 0, 1
    local up, down = {}, {}
    for i, row in ipairs(x:totable()) do
      table.insert(y[i] == 1 and up or down, { row[1], row[2] or 0, row[3] or 0 })
    end
    local best = best_square(up, down)
    local c = check(x, nn.tensor(y), "round " .. round)
    lu.assertEquals(c.separable, best > 0, "round " .. round)
    counts[c.separable] = counts[c.separable] + 1
    if c.separable then
      lu.assertAlmostEquals(c.margin / math.sqrt(best), 1, 1e-9)
      lu.assertAlmostEquals(c.margin_most / math.sqrt(best), 1, 1e-9)
    end
  end
  lu.assertTrue(counts[true] > 100 and counts[false] > 100)
end

-- The ways that are for many points (twice the digits, enclosed weights) against fractions from the beginning to the end,
-- where there are few.
function TestSeparable:test_floating_point_against_fractions()
  local hulls = require "nn.internal.hulls"
  local g, few = nn.Generator(6), hulls.FEW
  hulls.FEW = 0
  local ok, message = pcall(function()
    for round = 1, 400 do
      local d, n, size = 1 + round % 9, 2 + round * 7 % 37, ({ 1, 2, 5, 100 })[round % 4 + 1]
      local x = nn.randint(-size, size + 1, { n, d }, { generator = g }):to "float64" / (round % 3 == 0 and 7 or 1)
      if round % 5 == 0 and d > 2 then
        x = nn.cat({ x, x:narrow(2, 1, 1) + x:narrow(2, 2, 1), nn.ones({ n, 1 }, F64) }, 2)
      end
      local w = nn.randn({ x:size(2) }, { generator = g, dtype = "float64" }):round()
      local y = (round % 2 == 0 and nn.randint(0, 2, { n }, { generator = g }) or x:matmul(w):ge(0):to "int64"):totable()
      y[1], y[2] = 0, 1
      local c = check(x, nn.tensor(y), "round " .. round)
      local sides = string.char(table.unpack(y))
      local answer, _, _, _, _, _, margin = core.exact_hull(x:contiguous(), sides, { 1, 2 }, { 1.0, 1.0 }, 64)
      lu.assertEquals(c.separable, answer == "apart", "round " .. round)
      if c.separable then
        lu.assertTrue(margin >= c.margin * (1 - 1e-12) and margin <= c.margin_most * (1 + 1e-12), "round " .. round)
      end
    end
  end)
  hulls.FEW = few
  if not ok then
    error(message, 0)
  end
end

-- The margin is that of the construction: points whose last coordinate begins at +-m, above and below each other.
function TestSeparable:test_small_margins()
  for _, d in ipairs { 2, 10 } do
    for _, m in ipairs { 1e-8, 1e-12, 1e-16, 1e-40, 1e-150, 1e-300 } do
      local g = nn.Generator(1)
      local x = nn.rand({ 200, d }, { generator = g, dtype = "float64" })
      local last = m * (1 + nn.rand({ 200 }, { generator = g, dtype = "float64" }))
      last[1], last[101] = m, m
      local y = nn.arange(200):ge(100)
      x[101] = x[1]
      x = nn.cat({ x:narrow(2, 1, d - 1), (last * nn.where(y, 1.0, -1.0)):unsqueeze(2) }, 2)
      local c = check(x, labels_of(y), ("d = %d, margin %g"):format(d, m))
      lu.assertAlmostEquals(c.margin / m, 1, 1e-6)
      lu.assertAlmostEquals(c.margin_most / m, 1, 1e-6)
    end
  end
end

-- With a hundred points at the margin, which are too many for quick fractions: twice the digits of float64 find the plane.
function TestSeparable:test_small_margins_of_many_points()
  for e, precision in pairs { [9] = 1e-6, [12] = 1e-4, [13] = 1e-3, [16] = math.huge } do
    local g = nn.Generator(e)
    local d, n = 70, 210
    local x = nn.rand({ n, d }, { generator = g, dtype = "float64" })
    local y = nn.arange(n):ge(n // 2)
    local last = (1 + nn.rand({ n }, { generator = g, dtype = "float64" })) * nn.where(y, 1.0, -1.0) * 10.0 ^ -e
    x = nn.cat({ x:narrow(2, 1, d - 1), last:unsqueeze(2) }, 2)
    local c = check(x, labels_of(y), "margin 1e-" .. e)
    lu.assertTrue(c.separable and c.margin > 10.0 ^ -e and c.margin_most < c.margin * (1 + 1e-6), "margin 1e-" .. e)
    local turn = nn.qr(nn.randn({ d, d }, { generator = g, dtype = "float64" }))
    local turned = check(x:matmul(turn), labels_of(y), "turned 1e-" .. e)
    if precision < 1 then
      lu.assertTrue(turned.separable and turned.margin_most < turned.margin * (1 + 10 * precision))
      lu.assertAlmostEquals(turned.margin / c.margin, 1, 10 * precision)
    end
  end
end

-- Turned, so that no coordinate shows the margin: rounding makes points that touch, or not; what is said holds.
function TestSeparable:test_margins_as_small_as_rounding()
  local seen = {}
  for _, d in ipairs { 2, 4 } do
    for e = 8, 18 do
      local g = nn.Generator(e)
      local x = nn.rand({ 60, d }, { generator = g, dtype = "float64" })
      local y = nn.arange(60):ge(30)
      x = nn.cat({ x:narrow(2, 1, d - 1), (nn.where(y, 1.0, -1.0):to "float64" * 10.0 ^ -e):unsqueeze(2) }, 2)
      local turn = nn.qr(nn.randn({ d, d }, { generator = g, dtype = "float64" }))
      local c = check(x:matmul(turn), labels_of(y), ("d = %d, margin 1e-%d"):format(d, e))
      seen[c.separable] = true
      if e < 15 then
        lu.assertAlmostEquals(c.margin_most * 10.0 ^ e, 1, 10.0 ^ (e - 15))
      end
    end
  end
  lu.assertEquals(seen, { [true] = true, [false] = true })
end

function TestSeparable:test_scales()
  local g = nn.Generator(2)
  local x = nn.randn({ 100, 5 }, { generator = g, dtype = "float64" })
  local yes, no = labels_of(x:select(2, 1):gt(0)), nn.randint(0, 2, { 100 }, { generator = g })
  local margin = check(x, yes).margin
  for _, e in ipairs { 200, -200, 307, -290 } do
    local scale = 10.0 ^ e
    local c = check(x * scale, yes, "scale 1e" .. e)
    lu.assertAlmostEquals(c.margin / scale / margin, 1, 1e-9)
    lu.assertFalse(check(x * scale, no, "scale 1e" .. e).separable)
  end
  local columns = nn.tensor({ 1e-200, 1e-100, 1.0, 1e100, 1e200 }, F64)
  lu.assertTrue(check(x * columns, yes, "columns").separable)
  lu.assertFalse(check(x * columns, no, "columns").separable)
  local rows = (nn.randn({ 100, 1 }, { generator = g, dtype = "float64" }) * 30):exp()
  lu.assertTrue(check(x * rows, yes, "rows").separable)
  local wide = nn.tensor({ { 1.7e308, 1e308 }, { -1.7e308, 1e308 }, { 1, 1e-300 } }, F64)
  lu.assertTrue(check(wide, nn.tensor { 0, 1, 0 }).separable)
  lu.assertTrue(check(nn.tensor({ { 0.0 }, { 5e-324 } }, F64), nn.tensor { 0, 1 }).separable)
end

-- An equal point in both classes, whatever else there is; -0 is 0.
function TestSeparable:test_equal_points()
  for _, d in ipairs { 3, 501, 1200 } do
    local x = nn.randn({ 40, d }, { generator = nn.Generator(3), dtype = "float64" })
    x[7] = x[30]
    x[7][1], x[30][1] = 0.0, -0.0
    local c = check(x, labels_of(nn.arange(40):ge(20)), d .. " dimensions")
    lu.assertFalse(c.separable)
    lu.assertEquals({ c.higher[1].index, c.higher[1].text, c.lower[1].index, c.lower[1].text }, { 30, "1", 7, "1" })
  end
  lu.assertFalse(nn.theory.separable(nn.ones(2, 0), nn.tensor { 0, 1 }).separable)
end

-- Hulls that touch in a corner, an edge, a face, or overlap in less than all dimensions; few points, and many.
function TestSeparable:test_touching()
  local square = { { 0, 0 }, { 0, 2 }, { 2, 0 }, { 2, 2 } }
  for _, point in ipairs { { 2, 1 }, { 1, 0 }, { 2, 2 }, { 1, 1 } } do
    lu.assertFalse(check(nn.tensor { point, table.unpack(square) }, nn.tensor { 1, 0, 0, 0, 0 }).separable)
  end
  lu.assertTrue(check(nn.tensor { { 2.0, 3.0 }, table.unpack(square) }, nn.tensor { 1, 0, 0, 0, 0 }).separable)
  -- the hulls touch in the plane x1 = 0 and nowhere else: sign(x1) separates all but the points in it
  for _, d in ipairs { 4, 30, 100 } do
    local g = nn.Generator(d)
    local n = 6 * d
    local x = nn.randn({ n, d }, { generator = g, dtype = "float64" })
    local y = nn.randint(0, 2, { n }, { generator = g }):eq(1)
    x = nn.cat({ (x:select(2, 1):abs() * nn.where(y, 1.0, -1.0)):unsqueeze(2), x:narrow(2, 2, d - 1) }, 2)
    lu.assertTrue(check(x, labels_of(y)).separable)
    x:narrow(1, 1, 4 * d):select(2, 1):fill_(0)
    lu.assertFalse(check(x, labels_of(y), d .. " dimensions").separable)
  end
end

-- Columns that are constant, equal, or sums of others; points that come twice.
function TestSeparable:test_dependent_columns()
  for _, d in ipairs { 5, 80 } do
    local g = nn.Generator(d)
    local n = 6 * d
    local x = nn.randn({ n, d }, { generator = g, dtype = "float64" })
    local whole = nn.randint(-3, 4, { n, d }, { generator = g }):to "float64"
    local no = nn.randint(0, 2, { n }, { generator = g })
    local one_hot = nn.zeros({ n, d }, F64)
    for i = 1, n do
      one_hot[i][1 + i * i % d] = 1
    end
    for name, data in pairs {
      constant = nn.cat({ x, nn.full({ n, 2 }, 1 / 3, F64), nn.zeros({ n, 1 }, F64) }, 2),
      equal = nn.cat({ x, x, x:narrow(2, 1, 2) * -4 }, 2),
      sums = nn.cat({ whole, whole:sum(2, true), whole:select(2, 1):unsqueeze(2) + 2 * whole:select(2, 2):unsqueeze(2) }, 2),
      one_hot = nn.cat({ x, one_hot }, 2),
    } do
      lu.assertTrue(check(data, labels_of(data:select(2, 2):gt(0.1)), name).separable)
      lu.assertFalse(check(nn.cat({ data, data }, 1), nn.cat({ no, no }, 1), name .. ", twice").separable)
    end
  end
end

-- Few points in many dimensions can always be separated, random ones up to about n = 2 (d + 1) (Cover 1965).
function TestSeparable:test_random_labels()
  for _, d in ipairs { 20, 100 } do
    local share = {}
    for _, per in ipairs { 1, 1.5, 2, 3 } do
      local yes = 0
      for seed = 1, 6 do
        local g = nn.Generator(seed)
        local n = math.floor(per * (d + 1))
        local x = nn.randn({ n, d }, { generator = g })
        yes = yes + (check(x, nn.randint(0, 2, { n }, { generator = g })).separable and 1 or 0)
      end
      share[#share + 1] = yes
    end
    lu.assertEquals({ share[1], share[2], share[4] }, { 6, 6, 0 })
  end
end

function TestSeparable:test_margin()
  local x, y = nn.tensor({ { 1.0, 2.0 }, { 3.0, 1.0 }, { -1.0, -1.0 } }, F64), nn.tensor { 1, 1, 0 }
  for _, e in ipairs { 0, 200, -200 } do
    local m, radius = nn.theory.margin(x * 10.0 ^ e, y, { bias = false })
    lu.assertAlmostEquals(m / 10.0 ^ e, math.sqrt(2), 1e-9)
    lu.assertAlmostEquals(radius / 10.0 ^ e, math.sqrt(10), 1e-9)
  end
  lu.assertEquals((nn.theory.margin(nn.tensor { { 1, 1 }, { -1, -1 }, { 1, 0 } }, nn.tensor { 1, 1, 0 }, { bias = false })), 0)
  local near = nn.tensor({ { 1.0 }, { 1.0 + 2 ^ -40 } }, F64)
  lu.assertAlmostEquals(nn.theory.margin(near, nn.tensor { 0, 1 }), 2 ^ -40 / math.sqrt(8), 1e-21)
end

function TestSeparable:test_one_class_and_refusals()
  local c = nn.theory.separable(nn.ones(3, 2), nn.ones(3))
  lu.assertEquals({ c.separable, c.margin, c.theta }, { true, math.huge, 1.0 })
  lu.assertErrorMsgContains("labels of two classes", nn.theory.separable, nn.ones(3, 2), nn.tensor { 1, 2, 3 })
  lu.assertErrorMsgContains("not finite", nn.theory.separable, nn.ones(2, 2) / 0, nn.tensor { 1, 2 })
  lu.assertStrContains(tostring(nn.theory.separable(nn.tensor { { 0.0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } },
    nn.tensor { 0, 1, 1, 0 })), "1/2 * x2 + 1/2 * x3 = 1/2 * x1 + 1/2 * x4")
end

-- Sums of products without rounding, against fractions that can be told.
function TestSeparable:test_exact_sums()
  local function sign(...)
    return core.exact_sign(...)
  end
  lu.assertEquals(sign({ 1e308, 1.0, -1e308 }, { 1e308, 1e-300, 1e308 }, 0.0), 1)
  lu.assertEquals(sign({ 1e308, 1e-323, -1e308 }, { 1e308, -1e-323, 1e308 }, 0.0), -1)
  lu.assertEquals(sign({ 0.1, 0.2, -0.3 }, { 1.0, 1.0, 1.0 }, 0.0), 1) -- of what 0.1, 0.2 and 0.3 are in binary
  lu.assertEquals(sign({ 5e-324, -5e-324 }, { 5e-324, 5e-324 }, 0.0), 0)
  lu.assertEquals(sign({ 3.0 }, { 1 / 3 }, 1.0), -1)
  local g = nn.Generator(4)
  for _ = 1, 50 do
    local a = nn.randint(-1 << 52, 1 << 52, { 20, 2 }, { generator = g })
    local b = nn.randint(-200, 200, { 2 }, { generator = g })
    local want = a:matmul(b):totable() -- int64 has room
    local got = core.exact_dots(a:to "float64", nn.cat({ b:to "float64", nn.zeros({ 1 }, F64) }, 1):unsqueeze(1)):totable()
    for i = 1, 20 do
      lu.assertTrue(got[i] == want[i] or math.abs(got[i] / want[i] - 1) < 3e-16)
    end
  end
end
