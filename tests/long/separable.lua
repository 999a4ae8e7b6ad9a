-- How long nn.theory.separable takes for images, and that its answers hold: planes and weights are looked at here again.
--   ./nnlua tests/long/separable.lua

local nn = require "nn"
local core = require "nn.core"

local train = nn.data.has_fashion_mnist() and nn.data.fashion_mnist()
if not train then
  print "skipped: there is no Fashion-MNIST here (apt-get install dataset-fashion-mnist)"
  os.exit(true)
end
local labels = train.y:totable()

local function pair(n, a, b)
  local chosen = {}
  for i, l in ipairs(labels) do
    if (l == a or l == b) and #chosen < n then
      chosen[#chosen + 1] = i
    end
  end
  local where = nn.tensor(chosen)
  return train.x:index_select(1, where):reshape(n, 784), train.y:index_select(1, where)
end

local function random(n, seed)
  return train.x:narrow(1, 1, n):reshape(n, 784), nn.randint(0, 2, { n }, { generator = nn.Generator(seed) })
end

local wrong = 0
local function check(c, x, y)
  x = x:to "float64"
  local high = y:eq(y:max())
  if c.separable then
    local plane = nn.cat({ c.w, nn.tensor({ c.theta }, { dtype = "float64" }) }, 1):unsqueeze(1)
    local values = core.exact_dots(x:contiguous(), plane)
    return nn.where(high, values, -values):gt(0):all():item() and c.margin_most <= c.margin * (1 + 1e-6)
  end
  local sum = nn.zeros({ 784 }, { dtype = "float64" })
  for sign, list in pairs { [1.0] = c.higher or {}, [-1.0] = c.lower or {} } do
    for _, t in ipairs(list) do
      sum = sum + x[t.index] * (sign * t.weight)
    end
  end
  return c.separable == false and sum:abs():max():item() < 1e-12
end

local function try(name, want, x, y)
  local start = os.clock()
  local c = nn.theory.separable(x, y)
  local took = os.clock() - start
  local fine = check(c, x, y) and (want == nil or c.separable == want)
  wrong = wrong + (fine and 0 or 1)
  print(("%-44s %5d x %d %6.1f s  %s%s"):format(name, #x, x:size(2), took, c.separable and ("separable, margin %.6g"):format(c.margin)
    or c.separable == false and ("not separable, %d points"):format(#c.higher + #c.lower) or tostring(c), fine and "" or "  WRONG"))
end

try("a pair of classes", true, pair(773, 1, 7))
try("a pair of classes", true, pair(1200, 1, 7))
try("a pair of classes", true, pair(2000, 1, 7))
try("a pair of classes", true, pair(2000, 3, 5))
try("a pair of classes, far apart", true, pair(2000, 1, 10))
try("a pair of classes that overlap", false, pair(12000, 1, 7))
try("a pair of classes that overlap", false, pair(6000, 3, 5))
for _, n in ipairs { 1400, 1570, 2000 } do
  for seed = 1, 2 do
    try("random labels", nil, random(n, seed))
  end
end
local x, y = pair(2000, 1, 7)
local half = x:narrow(2, 200, 392)
try("columns twice", nil, nn.cat({ half, half }, 2), y)
try("columns twice, random labels", false, nn.cat({ half, half }, 2), nn.randint(0, 2, { 2000 }, { generator = nn.Generator(1) }))
x, y = pair(1000, 1, 7)
try("points twice", true, nn.cat({ x, x }, 1), nn.cat({ y, y }, 1))
try("points twice, with other labels", false, nn.cat({ x, x }, 1), nn.randint(0, 2, { 2000 }, { generator = nn.Generator(1) }))
os.exit(wrong == 0)
