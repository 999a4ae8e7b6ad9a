-- Properties that hold for every row: layouts do not matter, in place equals out of place, threads do not matter.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestProperties = {}

local g = nn.Generator(11)
local function tensor(dtype, shape)
  local x = nn.randn(shape, { generator = g }) * 3
  return dtype == "bool" and x:gt(0) or x:to(dtype)
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

-- Rows that multiply matrices: the libraries sum in another order for another layout. (kron: its results are large.)
local of_matmul = {}
for name in ([[matmul outer bmm mm mv dot vdot inner tensordot cov corrcoef matrix_power addmm addmv addr baddbmm addbmm
  lstsq pinv inv cholesky_solve cholesky_inverse kron]]):gmatch "%S+" do
  of_matmul[name] = true
end

-- Rows that take only tensors or operands, and reductions, can be called without knowing more about them.
local function simple_rows()
  local list = {}
  for _, row in ipairs(core.ops()) do
    local simple = not (row.random or row.create or row.internal or row.inplace_only or row.view)
    local tensors = 0
    for _, p in ipairs(row.params) do
      if p.kind == "tensor" or p.kind == "operand" then
        tensors = tensors + 1
      elseif not p.optional then
        simple = false
      end
    end
    if simple and tensors >= 1 and tensors <= 2 and not of_matmul[row.name] and row.name ~= "cat" then
      list[#list + 1] = { row, tensors }
    end
  end
  return list
end

function TestProperties:test_layouts_do_not_matter()
  local compared = 0
  for _, entry in ipairs(simple_rows()) do
    local row, count = entry[1], entry[2]
    for _, dtype in ipairs { "float32", "float64", "int64", "uint8", "bool" } do
      local args = {}
      for i = 1, count do
        args[i] = tensor(dtype, { 6, 7 })
      end
      local ok, want = pcall(core[row.name], table.unpack(args))
      if ok then
        for name, layout in pairs(layouts) do
          for which = 1, count do
            local others = { table.unpack(args) }
            others[which] = layout(args[which])
            lu.assertTrue(same(core[row.name](table.unpack(others)), want), ("%s %s %s"):format(row.name, dtype, name))
            compared = compared + 1
          end
        end
        -- expanded: one row stands for all
        local first = tensor(dtype, { 1, 7 })
        local wide, copies = { first:expand(6, 7) }, { first:expand(6, 7):clone() }
        for i = 2, count do
          wide[i], copies[i] = args[i], args[i]
        end
        lu.assertTrue(same(core[row.name](table.unpack(wide)), core[row.name](table.unpack(copies))), row.name .. " expanded")
        local dot = tensor(dtype, { 1, 1 })
        wide[1], copies[1] = dot:expand(6, 700), dot:expand(6, 700):clone()
        for i = 2, count do
          wide[i] = tensor(dtype, { 6, 700 })
          copies[i] = wide[i]
        end
        lu.assertTrue(same(core[row.name](table.unpack(wide)), core[row.name](table.unpack(copies))), row.name .. " one element expanded")
      end
    end
  end
  lu.assertTrue(compared > 500, compared .. " comparisons")
end

function TestProperties:test_in_place_equals_out_of_place()
  local compared = 0
  for _, entry in ipairs(simple_rows()) do
    local row, count = entry[1], entry[2]
    if row.inplace then
      for _, dtype in ipairs { "float32", "float64", "int64" } do
        local x, y = tensor(dtype, { 6, 7 }), tensor(dtype, { 7 })
        local ok, want = pcall(core[row.name], x, count == 2 and y or nil)
        if ok and want.dtype == dtype then
          for _, layout in pairs(layouts) do
            local z = layout(x)
            lu.assertTrue(same(core.tensor_methods[row.name .. "_"](z, count == 2 and y or nil), want), row.name)
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
  for _, row in ipairs(core.ops()) do
    lu.assertTrue(#row.doc > 3 and row.doc:sub(-1) == ".", row.name .. ": its doc line is a sentence")
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
