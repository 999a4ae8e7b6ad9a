-- Slices along a dim by an index, and their gradient, beside plain loops over elements.

local lu = require "luaunit"
local nn = require "nn"

TestSlices = {}

local ids = { 3, 1, -1, 1, 2, 3, -2, 1, 1 }
local index = nn.tensor(ids)

local function from_start(id, n)
  return id < 0 and id + n + 1 or id
end

-- As a tensor of (outer, n, inner).
local function around(x, dim)
  local outer, inner = 1, 1
  for d, n in ipairs(x.shape) do
    if d < dim then
      outer = outer * n
    elseif d > dim then
      inner = inner * n
    end
  end
  return x:reshape(outer, x.shape[dim], inner)
end

-- Every dim of tensors with long and with short rows, of one element and of many, negative places and doubles among
-- them.
function TestSlices:test_values_and_gradients()
  nn.manual_seed(1)
  for _, shape in ipairs { { 3 }, { 3, 4 }, { 4, 3 }, { 2, 3, 5 }, { 5, 2, 3 }, { 3, 2, 70 }, { 40, 30, 3 } } do
    for dim, n in ipairs(shape) do
      for _, dtype in ipairs { "float32", "float64", "int64", "uint8", "bool" } do
        if n == 3 then
          local what = ("%s, dim %d, %s"):format(table.concat(shape, "x"), dim, dtype)
          local x = nn.randint(0, dtype == "bool" and 2 or 100, shape):to(dtype)
          local y = x:index_select(dim, index)
          local a, b = around(x, dim), around(y, dim)
          for i, id in ipairs(ids) do
            lu.assertTrue(b:select(2, i):equal(a:select(2, from_start(id, n))), what)
          end
          if dtype:find "float" then
            local w = x:clone():requires_grad_()
            local g = nn.randint(-9, 9, y.shape):to(dtype)
            w:index_select(dim, index):backward(g)
            local want, parts = nn.zeros(x.shape):to(dtype), around(g, dim)
            for i, id in ipairs(ids) do
              around(want, dim):select(2, from_start(id, n)):add_(parts:select(2, i))
            end
            lu.assertTrue(w.grad:equal(want), what .. ", gradient")
          end
        end
      end
    end
  end
end

-- Many outer rows are shared out among threads; each sum has one order.
function TestSlices:test_threads()
  local x, many = nn.randn(300, 200), nn.randint(1, 201, { 1000 })
  local g = nn.randn(300, 1000)
  local first, gradient
  for _, threads in ipairs { 1, 2, 3 } do
    nn.set_num_threads(threads)
    local w = x:clone():requires_grad_()
    local y = w:index_select(2, many)
    y:backward(g)
    first, gradient = first or y, gradient or w.grad
    lu.assertTrue(y:equal(first) and w.grad:equal(gradient))
  end
  nn.set_num_threads(2)
  lu.assertTrue(first:equal(x:gather(2, many:unsqueeze(1):expand(300, 1000))))
end

function TestSlices:test_of_nothing()
  local none = nn.zeros(0):long()
  lu.assertEquals(nn.randn(3, 2):index_select(1, none).shape, { 0, 2 })
  lu.assertEquals(nn.randn(3, 2):index_select(2, none).shape, { 3, 0 })
  lu.assertEquals(nn.randn(3, 0):index_select(1, index).shape, { 9, 0 })
  lu.assertEquals(nn.randn(0, 3):index_select(2, index).shape, { 0, 9 })
  local x = nn.randn(3, 2):requires_grad_()
  x:index_select(1, none):sum():backward()
  lu.assertTrue(x.grad:equal(nn.zeros(3, 2)))
end

-- Bools that meet at one place are true where one of them is.
function TestSlices:test_bools_at_one_place()
  local x = nn.tensor { true, false, false }
  for _, many in ipairs { 1, 2, 255, 256 } do
    local y = nn.scatter_add(x, 1, nn.full({ many }, 2):long(), nn.ones(many):bool())
    lu.assertTrue(y:equal(nn.tensor { true, true, false }), many)
    lu.assertEquals(y:long():totable(), { 1, 1, 0 })
  end
end

-- What a negative side leaves is what goes round, reflects or repeats.
function TestSlices:test_padding_with_a_negative_side()
  local x = nn.tensor { { { 1.0, 2.0, 3.0, 4.0, 5.0 } } }
  local function padded(by, mode)
    return x:pad(by, mode):reshape(-1):totable()
  end
  lu.assertEquals(padded({ 2, -1 }, "circular"), { 3, 4, 1, 2, 3, 4 })
  lu.assertEquals(padded({ -1, 2 }, "circular"), { 2, 3, 4, 5, 2, 3 })
  lu.assertEquals(padded({ 2, -1 }, "reflect"), { 3, 2, 1, 2, 3, 4 })
  lu.assertEquals(padded({ -1, 2 }, "replicate"), { 2, 3, 4, 5, 5, 5 })
  lu.assertErrorMsgContains("is not possible", padded, { -3, 3 }, "circular")
end

-- gather and scatter_add of any layout, and of an index that is smaller, beside one element after another.
function TestSlices:test_gather_of_any_layout()
  nn.manual_seed(6)
  local x = nn.randint(0, 100, { 4, 5, 6 }):float()
  for _, order in ipairs { { 1, 2, 3 }, { 3, 1, 2 }, { 2, 3, 1 }, { 3, 2, 1 } } do
    local view = x:permute(order)
    for dim = 1, 3 do
      for _, smaller in ipairs { 0, 1 } do
        local shape = { view:size(1) - smaller, view:size(2) - smaller, view:size(3) - smaller }
        shape[dim] = 7
        local n = view:size(dim)
        for name, places in pairs {
          rows = nn.randint(1, n + 1, shape),
          turned = nn.randint(1, n + 1, { shape[3], shape[2], shape[1] }):permute(3, 2, 1),
          negative = nn.randint(-n, 0, { shape[1], 1, shape[3] }):expand(shape),
        } do
          local y, source = view:gather(dim, places), nn.randint(0, 100, shape):float()
          local sums, want = view:scatter_add(dim, places, source), view:clone()
          for i = 1, shape[1] do
            for j = 1, shape[2] do
              for k = 1, shape[3] do
                local at = { i, j, k }
                at[dim] = places[{ i, j, k }]:item()
                lu.assertEquals(y[{ i, j, k }]:item(), view[at]:item(), name)
                want[at] = want[at] + source[{ i, j, k }]
              end
            end
          end
          lu.assertTrue(sums:equal(want), name)
        end
      end
    end
  end
end
