-- Random programs of ops, with writes in place, broadcasting and views: compiled they give the bits they give eagerly,
-- and leave the same behind in what they wrote.
--   ./nnlua tests/fuzz/compile.lua SEED PROGRAMS

local nn = require "nn"

local seed, programs = math.tointeger(tonumber(arg[1] or 1)), math.tointeger(tonumber(arg[2] or 1000))
local unary = { "neg", "abs", "square", "exp", "tanh", "sigmoid", "relu", "softplus", "sign" }
local binary = { "add", "sub", "mul", "maximum", "minimum" }
local rows, columns = 4, 6

local function one_of(list, n)
  return list[(n - 1) % #list + 1]
end

-- What one step of a program makes of two earlier values; n chooses. `ours` may be written to.
local steps = {
  function(x, _, n) return x[one_of(unary, n)](x) end,
  function(x, y, n) return nn[one_of(binary, n)](x, y) end,
  function(x, y) return nn.where(x:gt(y), x, y) end,
  function(x) return x.ndim == 2 and x:sum(1, true) or x * 1 end,
  function(x) return x:numel() == rows * columns and nn.cat({ x[{ { 1, 2 } }], x[{ { 3, 4 } }] }, 1) or x + 0.5 end,
  function(x) return x:numel() == rows * columns and x:t():contiguous():t() or -x end,
  function(x) return x:clamp(-2, 2) end,
  function(x, y, n, ours)
    if ours and n % 2 == 0 then
      x:add_(y:numel() == x:numel() and y or 0.25)
    elseif ours and n % 3 == 0 then
      x[{ {}, { 2, 4 } }] = y:numel() == x:numel() and y[{ {}, { 1, 3 } }] or 0.5
    end
    return x * 0.5
  end,
}

-- A function of two tensors that also sees, and may write to, `kept`.
local function make(plan, kept)
  return function(a, b)
    local values = { a, b, kept }
    for _, p in ipairs(plan) do
      local x, y = one_of(values, p[2]), one_of(values, p[3])
      local ours = (p[2] - 1) % #values >= 2
      local v = steps[p[1]](x, y, p[4], ours and x:numel() == rows * columns)
      if v:numel() ~= rows * columns then
        v = v + nn.zeros(rows, columns)
      end
      values[#values + 1] = v
    end
    return values[#values], values[#values - 1], values[#values - 2]
  end
end

local function same(x, y)
  return x:ne(x):equal(y:ne(y)) and nn.where(x:ne(x), 0, x):equal(nn.where(y:ne(y), 0, y))
end

local r = nn.Generator(seed)
nn.manual_seed(seed)
local different = 0
for program = 1, programs do
  local plan = {}
  for i = 1, 2 + r:integer(25) do
    plan[i] = { r:integer(#steps), r:integer(1000), r:integer(1000), r:integer(1000) }
  end
  local eager_kept = nn.randn(rows, columns)
  local compiled_kept = eager_kept:clone()
  local eager, compiled = make(plan, eager_kept), nn.compile(make(plan, compiled_kept))
  for call = 1, 3 do
    local a, b = nn.randn(rows, columns), nn.randn(rows, columns)
    local want, got = { eager(a, b) }, { compiled(a:clone(), b:clone()) }
    local fine = same(eager_kept, compiled_kept)
    for i, t in ipairs(want) do
      fine = fine and same(t, got[i])
    end
    if not fine then
      different = different + 1
      print(("seed %d, program %d, call %d: compiled and eager differ"):format(seed, program, call))
      break
    end
  end
end
print(("%d programs, %d different"):format(programs, different))
os.exit(different == 0)
