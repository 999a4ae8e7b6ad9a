-- Properties that hold for every op: layouts do not matter, in place equals out of place, threads do not matter.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local core = require "nn.core"

TestProperties = {}

local g = nn.Generator(11)
local function tensor(dtype, shape)
  local x = nn.randn(shape, { generator = g }) * 3
  return dtype == "bool" and x:gt(0) or (dtype == "uint8" and x:abs() or x):to(dtype)
end

-- The same values in another layout.
local layouts = {
  transposed = function(x)
    return x:t():contiguous():t()
  end,
  stepped = function(x)
    local wide = nn.zeros({ x:size(1), x:size(2) * 2 }, { dtype = x.dtype })
    local view = wide[{ {}, { 1, -1, 2 } }]
    view:copy_(x)
    return view
  end,
  offset = function(x)
    local big = nn.zeros({ x:size(1) + 2, x:size(2) + 3 }, { dtype = x.dtype })
    local view = big[{ { 2, -2 }, { 3, -2 } }]
    view:copy_(x)
    return view
  end,
}

local function same(a, b)
  if type(a) == "table" then
    for i = 1, math.max(#a, #b) do
      if not (a[i] and b[i] and same(a[i], b[i])) then
        return false
      end
    end
    return true
  end
  local x, y = a:reshape(-1):totable(), b:reshape(-1):totable()
  for i = 1, math.max(#x, #y) do
    if x[i] ~= y[i] and not (x[i] ~= x[i] and y[i] ~= y[i]) then
      return false
    end
  end
  return a.dtype == b.dtype and a.shape == b.shape
end

-- Ops that multiply matrices: the libraries sum in another order for another layout. (kron: its results are large.)
local of_matmul = {}
for name in ([[matmul outer bmm mm mv dot vdot inner tensordot cov corrcoef matrix_power addmm addmv addr baddbmm addbmm
  lstsq pinv inv cholesky_solve cholesky_inverse kron]]):gmatch "%S+" do
  of_matmul[name] = true
end

-- Ops that take only tensors or operands, and reductions, can be called without knowing more about them.
local function simple_ops()
  local list = {}
  for _, op in ipairs(core.ops()) do
    local simple = not (op.random or op.create or op.internal or op.inplace_only or op.view)
    local tensors = 0
    for _, p in ipairs(op.params) do
      if p.kind == "tensor" or p.kind == "operand" then
        tensors = tensors + 1
      elseif not p.optional then
        simple = false
      end
    end
    if simple and tensors >= 1 and tensors <= 2 and not of_matmul[op.name] and op.name ~= "cat" then
      list[#list + 1] = { op, tensors }
    end
  end
  return list
end

function TestProperties:test_layouts_do_not_matter()
  local compared = 0
  for _, entry in ipairs(simple_ops()) do
    local op, count = entry[1], entry[2]
    for _, dtype in ipairs { "float32", "float64", "int64", "uint8", "bool" } do
      local args = {}
      for i = 1, count do
        args[i] = tensor(dtype, { 6, 7 })
      end
      local ok, want = pcall(core[op.name], table.unpack(args))
      if ok then
        for name, layout in pairs(layouts) do
          for which = 1, count do
            local others = { table.unpack(args) }
            others[which] = layout(args[which])
            lu.assertTrue(same(core[op.name](table.unpack(others)), want), ("%s %s %s"):format(op.name, dtype, name))
            compared = compared + 1
          end
        end
        -- expanded: one row stands for all
        local first = tensor(dtype, { 1, 7 })
        local wide, copies = { first:expand(6, 7) }, { first:expand(6, 7):clone() }
        for i = 2, count do
          wide[i], copies[i] = args[i], args[i]
        end
        lu.assertTrue(same(core[op.name](table.unpack(wide)), core[op.name](table.unpack(copies))), op.name .. " expanded")
        local dot = tensor(dtype, { 1, 1 })
        wide[1], copies[1] = dot:expand(6, 700), dot:expand(6, 700):clone()
        for i = 2, count do
          wide[i] = tensor(dtype, { 6, 700 })
          copies[i] = wide[i]
        end
        lu.assertTrue(same(core[op.name](table.unpack(wide)), core[op.name](table.unpack(copies))), op.name .. " one element expanded")
      end
    end
  end
  lu.assertTrue(compared > 500, compared .. " comparisons")
end

function TestProperties:test_in_place_equals_out_of_place()
  local compared = 0
  for _, entry in ipairs(simple_ops()) do
    local op, count = entry[1], entry[2]
    if op.inplace then
      for _, dtype in ipairs { "float32", "float64", "int64" } do
        local x, y = tensor(dtype, { 6, 7 }), tensor(dtype, { 7 })
        local ok, want = pcall(core[op.name], x, count == 2 and y or nil)
        if ok and want.dtype == dtype then
          for _, layout in pairs(layouts) do
            local z = layout(x)
            lu.assertTrue(same(core.tensor_methods[op.name .. "_"](z, count == 2 and y or nil), want), op.name)
            compared = compared + 1
          end
        end
      end
    end
  end
  lu.assertTrue(compared > 50, compared .. " comparisons")
end

function TestProperties:test_threads_do_not_matter()
  local before = nn.get_num_threads()
  local function all(threads)
    nn.set_num_threads(threads)
    local h = nn.Generator(3)
    local x = nn.randn(300, 700, { generator = h })
    local y = nn.randn(700, 200, { generator = h })
    local results = {
      x, x:tanh(), x:matmul(y), x:sum(), x:sum(1), x:sum(2), x:var(), x:softmax(), x + x:sum(1), x:max(), x:logsumexp(2),
      x:t():matmul(x), (x:double():sum()), nn.randn(1 << 20, { generator = h }):sum(), x:norm(),
    }
    return results
  end
  local one = all(1)
  for _, threads in ipairs { 2, 3, 4 } do
    for i, r in ipairs(all(threads)) do
      lu.assertTrue(same(r, one[i]), ("result %d with %d threads"):format(i, threads))
    end
  end
  nn.set_num_threads(before)
end

function TestProperties:test_every_row_has_a_doc_line()
  for _, op in ipairs(core.ops()) do
    lu.assertTrue(#op.doc > 3 and op.doc:sub(-1) == ".", op.name .. ": its doc line is a sentence")
  end
end

function TestProperties:test_options_by_name_and_place_agree()
  local x = nn.randn(3, 4)
  lu.assertTrue(x:sum(2, true):equal(x:sum { dim = 2, keepdim = true }))
  lu.assertTrue(x:sum(2, true):equal(nn.sum(x, 2, { keepdim = true })))
  lu.assertTrue(x:sum({ 1, 2 }):equal(x:sum()))
  lu.assertTrue(x:clamp { min = 0 }:equal(x:clamp(0)))
  lu.assertErrorMsgContains("did you mean 'keepdim'", x.sum, x, { keepdims = true })
  lu.assertEquals(tostring(nn.cat({ x, x, dim = 2 }).shape), "3x8")
  lu.assertErrorMsgContains("did you mean 'dim'", nn.cat, { x, x, dims = 2 })
  lu.assertErrorMsgContains("y is given twice", nn.add, x, 1, { y = 2 })
  lu.assertErrorMsgContains("takes at most", x.tanh, x, 1, 2)
  lu.assertErrorMsgContains("dim must be", x.sum, x, "rows")
  lu.assertErrorMsgContains("index is missing", x.gather, x, 1)
  lu.assertErrorMsgContains("dim 3 does not exist", x.sum, x, 3)
  lu.assertErrorMsgContains("named twice", x.sum, x, { 1, -2 })
  lu.assertErrorMsgContains("must be one of mean|sum|none", nn.mse_loss, x, x, "avg")
end

-- Functions of one element at the ends of float32: what float64 gives, rounded, within a few units in the last place.
-- (What has no gradient may be about the floats themselves.)
local ulps = { -- of those that are worse than 16: why
  gelu = 64, -- a product of three rounded factors
  gelu_erf = 64, ndtr = 64, erfinv = 64, mish = 64, logit = 64,
  lgamma = 64, digamma = 1e4, -- near their zeros
  hardswish = 64, deg2rad = 64, rad2deg = 64, softshrink = 64, xlogy = 64, entr = 64, log1p = 64, silu = 64, selu = 64, celu = 64,
  softsign = 64, square = 64, expm1 = 64, elu = 64, logsigmoid = 64, softplus = 64,
}
-- Differences of numbers near 1, whose small results have an absolute error: sin(pi x) at whole x, x - tanh(x) near 0.
local absolute = { sinc = 1e-7, tanhshrink = 1e-7 }
function TestProperties:test_float32_agrees_with_float64_at_extremes()
  local values = {}
  for _, v in ipairs { 0.0, 1e-45, 1e-40, 1.2e-38, 1e-30, 1e-10, 1e-5, 0.1, 0.5, 1.0, 1.5, 2.5, 3.0, 10.0, 30.0, 80.0, 88.7, 90.0,
    1e3, 1e5, 1e10, 1e30, 3e38, math.huge } do
    values[#values + 1], values[#values + 2] = v, -v
  end
  values[#values + 1] = 0 / 0
  local x = nn.tensor(values)
  local compared = 0
  for _, op in ipairs(core.ops()) do
    local first = op.params[1]
    local one = first and first.kind == "tensor" and not (op.params[2] and not op.params[2].optional)
    if one and op.differentiable and not op.random and not op.create and ({ elementwise = 1, math = 1, activation = 1 })[op.family] and op.name ~= "clamp"
      and op.name ~= "clamp_between" and op.name ~= "glu" and op.name ~= "softmin" and op.name ~= "bitwise_not" then
      local narrow, wide = core[op.name](x), core[op.name](x:double())
      if narrow.dtype == "float32" then
        narrow, wide = narrow:totable(), wide:to("float32"):totable()
        for i, w in ipairs(wide) do
          local n = narrow[i]
          local fine = n == w or (n ~= n and w ~= w)
          if not fine and math.abs(w) < math.huge and math.abs(n) < math.huge then
            fine = math.abs(n - w) <= (ulps[op.name] or 16) * math.max(math.abs(w) * 2 ^ -24, 2 ^ -149)
              or math.abs(n - w) <= (absolute[op.name] or 0)
          elseif not fine then -- at the edge of overflow
            fine = math.max(math.abs(w), math.abs(n)) == math.huge and math.min(math.abs(w), math.abs(n)) > 3.3e38
          end
          lu.assertTrue(fine, ("%s(%g) is %.9g in float32 and %.9g in float64"):format(op.name, values[i], n, w))
          compared = compared + 1
        end
      end
    end
  end
  lu.assertTrue(compared > 1500, compared .. " comparisons")
end

-- The golden data also hold on the path without vector instructions, and on AVX2.
function TestProperties:test_other_paths()
  local counts = os.tmpname()
  for _, isa in ipairs { "plain", "avx2" } do
    local ok = os.execute(("NNLUA_ISA=%s %s tests/lua/run.lua %s tests/lua/ops/test_golden.lua >/dev/null 2>&1"):format(isa,
      process.nnlua, counts))
    lu.assertTrue(ok, isa)
  end
  os.remove(counts)
end
