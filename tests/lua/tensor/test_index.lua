-- Indexing and slicing: reading, assigning, differentiating.

local lu = require "luaunit"
local nn = require "nn"

TestIndex = {}

local function grid()
  return nn.arange(1, 13):reshape(3, 4)
end

function TestIndex:test_reading()
  local x = grid()
  lu.assertEquals(x[2]:totable(), { 5, 6, 7, 8 })
  lu.assertEquals(x[-1]:totable(), { 9, 10, 11, 12 })
  lu.assertEquals(x[{ 2, 3 }]:item(), 7)
  lu.assertEquals(x[{ { 2, 3 }, 1 }]:totable(), { 5, 9 })
  lu.assertEquals(x[{ {}, { 2, 3 } }]:totable(), { { 2, 3 }, { 6, 7 }, { 10, 11 } })
  lu.assertEquals(x[{ 1, { 1, -1, 2 } }]:totable(), { 1, 3 })
  lu.assertEquals(x[{ 1, { -2, -1 } }]:totable(), { 3, 4 })
  lu.assertEquals(x[{ { 3, 2 } }]:numel(), 0)
  lu.assertEquals(x[nn.tensor { 3, 1 }]:totable(), { { 9, 10, 11, 12 }, { 1, 2, 3, 4 } })
  lu.assertEquals(x[{ {}, nn.tensor { 4, 4 } }]:totable(), { { 4, 4 }, { 8, 8 }, { 12, 12 } })
  lu.assertEquals(x[x:gt(10)]:totable(), { 11, 12 })
  lu.assertEquals(x[nn.tensor { false, true, false }]:totable(), { { 5, 6, 7, 8 } })
  lu.assertEquals(#x, 3)
end

function TestIndex:test_pairs()
  local rows = {}
  for i, row in pairs(grid()) do
    rows[i] = row:sum():item()
  end
  lu.assertEquals(rows, { 10, 26, 42 })
end

function TestIndex:test_views_share_memory()
  local x = grid()
  x[2]:fill_(0)
  lu.assertEquals(x:totable()[2], { 0, 0, 0, 0 })
  local column = x[{ {}, 2 }]
  column:add_(100)
  lu.assertEquals(x[{ 1, 2 }]:item(), 102)
  lu.assertEquals(x:t()[2]:totable(), column:totable())
end

function TestIndex:test_assigning()
  local x = grid()
  x[1] = 0
  x[{ 2, 3 }] = -7
  x[{ { 2, 3 }, { 1, 2 } }] = nn.tensor { { 1, 2 }, { 3, 4 } }
  x[{ 3, {} }] = { 9, 9, 9, 9 }
  lu.assertEquals(x:totable(), { { 0, 0, 0, 0 }, { 1, 2, -7, 8 }, { 9, 9, 9, 9 } })
  x[x:lt(0)] = 5
  lu.assertEquals(x[{ 2, 3 }]:item(), 5)
  x[nn.tensor { 1, 3 }] = nn.tensor { { 1, 1, 1, 1 }, { 3, 3, 3, 3 } }
  lu.assertEquals(x:totable(), { { 1, 1, 1, 1 }, { 1, 2, 5, 8 }, { 3, 3, 3, 3 } })
  x[x:eq(1)] = nn.tensor { 10, 20, 30, 40, 50 }
  lu.assertEquals(x:totable(), { { 10, 20, 30, 40 }, { 50, 2, 5, 8 }, { 3, 3, 3, 3 } })
  x[nn.tensor { false, false, true }] = 0
  lu.assertEquals(x[3]:totable(), { 0, 0, 0, 0 })
end

function TestIndex:test_overlapping_copy()
  local x = nn.arange(1, 7)
  x[{ { 2, 6 } }] = x[{ { 1, 5 } }]
  lu.assertEquals(x:totable(), { 1, 1, 2, 3, 4, 5 })
  local y = nn.arange(1, 10):reshape(3, 3)
  y:copy_(y:t())
  lu.assertEquals(y:totable(), { { 1, 4, 7 }, { 2, 5, 8 }, { 3, 6, 9 } })
end

function TestIndex:test_errors_name_the_range()
  local x = grid()
  lu.assertErrorMsgContains("index 4 is out of range: dim 1 has 3 elements", function()
    return x[4]
  end)
  lu.assertErrorMsgContains("index 0", function()
    return x[0]
  end)
  lu.assertErrorMsgContains("more indices than dims", function()
    return x[{ 1, 1, 1 }]
  end)
  lu.assertErrorMsgContains("do not fit into shape 4", function()
    x[1] = nn.zeros(3)
  end)
  lu.assertErrorMsgContains("the number 1.5", function()
    return x[1.5]
  end)
  lu.assertErrorMsgContains("0-dim", function()
    return nn.tensor(1)[1]
  end)
end

function TestIndex:test_gradients_flow_through_writes()
  local w = nn.tensor({ 1.0, 2.0, 3.0 }, { requires_grad = true })
  local x = nn.zeros(2, 3)
  x[1] = w * 2
  x[{ 2, 2 }] = w[3]
  x[1]:mul_(nn.tensor { 1.0, 10.0, 100.0 })
  ;(x * nn.tensor { { 1.0, 1.0, 1.0 }, { 0.0, 5.0, 0.0 } }):sum():backward()
  lu.assertEquals(w.grad:totable(), { 2.0, 20.0, 205.0 })
end

function TestIndex:test_old_views_see_new_values()
  local w = nn.tensor({ 1.0, 2.0 }, { requires_grad = true })
  local x = nn.zeros(2)
  local first = x[1] -- made before x depends on w
  x:copy_(w * 3)
  first:backward()
  lu.assertEquals(w.grad:totable(), { 3.0, 0.0 })
end

TestShape = {}

function TestShape:test_split_and_chunk()
  local x = nn.arange(1, 8)
  local parts = x:split(3)
  lu.assertEquals(#parts, 3)
  lu.assertEquals(parts[3]:totable(), { 7 })
  lu.assertEquals(x:split({ 2, 5 })[2]:totable(), { 3, 4, 5, 6, 7 })
  lu.assertEquals(#x:chunk(2), 2)
  lu.assertErrorMsgContains("add up to 3", x.split, x, { 1, 2 })
end

function TestShape:test_contiguous_returns_itself()
  local x = nn.ones(2, 3)
  lu.assertTrue(rawequal(x:contiguous(), x))
  lu.assertTrue(rawequal(x:to "float32", x))
  lu.assertFalse(x:t():is_contiguous())
  lu.assertTrue(x:t():contiguous():is_contiguous())
end

function TestShape:test_view_refuses_what_it_cannot()
  lu.assertErrorMsgContains("use reshape", function()
    nn.ones(2, 3):t():view(6)
  end)
  lu.assertErrorMsgContains("do not fill shape", function()
    nn.ones(2, 3):reshape(4)
  end)
end

function TestShape:test_inplace_keeps_shape_and_dtype()
  lu.assertErrorMsgContains("does not fit", function()
    nn.ones(3):add_(nn.ones(2, 3))
  end)
  lu.assertErrorMsgContains("cannot be written into a int64", function()
    nn.tensor({ 1, 2 }):add_(0.5)
  end)
  lu.assertErrorMsgContains("expanded", function()
    nn.ones(1, 3):expand(2, 3):add_(1)
  end)
  local x = nn.ones(2, 2)
  lu.assertTrue(rawequal(x:mul_(3), x))
end

function TestIndex:test_ipairs_says_pairs()
  local x, seen = nn.ones(3, 2), 0
  local ok, why = pcall(function()
    for _ in ipairs(x) do
      seen = seen + 1
    end
  end)
  lu.assertEquals({ ok, seen }, { false, 3 })
  lu.assertStrContains(why, "ipairs does not end with the last slice: use pairs(x)")
  ok, why = pcall(function()
    return x[4]
  end)
  lu.assertFalse(ok)
  lu.assertNotStrContains(why, "pairs")
end
