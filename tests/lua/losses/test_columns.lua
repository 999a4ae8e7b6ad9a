-- Softmax and cross-entropy along a dim that is not the last, as of images whose channels are classes.

local lu = require "luaunit"
local nn = require "nn"

TestSoftmaxColumns = {}

local function close(a, b, bound)
  lu.assertEquals(tostring(a.shape), tostring(b.shape))
  local worst = (a - b):abs():max():item()
  lu.assertTrue(worst <= bound, worst)
end

-- The same numbers as along the last dim, for whole blocks, tails, and widths too small for vectors.
function TestSoftmaxColumns:test_like_rows()
  for _, dtype in ipairs { "float32", "float64" } do
    local bound = dtype == "float32" and 2e-6 or 1e-14
    for _, inner in ipairs { 1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 80, 131, 600 } do
      local x = nn.randn({ 3, 5, inner }, { dtype = dtype })
      local g = nn.randn({ 3, 5, inner }, { dtype = dtype })
      for _, name in ipairs { "softmax", "log_softmax" } do
        local a, b = x:clone():requires_grad_(), x:clone():requires_grad_()
        local ya, yb = a[name](a, 2), b:movedim(2, 3)
        yb = yb[name](yb, 3):movedim(3, 2)
        close(ya, yb, bound)
        ya:backward(g)
        yb:backward(g)
        close(a.grad, b.grad, 4 * bound)
      end
      local y = nn.randint(1, 6, { 3, inner })
      y[{ 1, 1 }] = -100
      for _, reduction in ipairs { "mean", "sum", "none" } do
        local a, b = x:clone():requires_grad_(), x:clone():requires_grad_()
        local la = nn.cross_entropy(a, y, { reduction = reduction })
        local lb = nn.cross_entropy(b:movedim(2, 3):reshape(-1, 5), y:reshape(-1), { reduction = reduction })
        close(la:reshape(-1), lb:reshape(-1), 3 * inner * bound)
        la:sum():backward()
        lb:sum():backward()
        close(a.grad, b.grad, 4 * bound)
        lu.assertEquals(a.grad[{ 1, {}, 1 }]:abs():sum():item(), 0)
      end
    end
  end
end

function TestSoftmaxColumns:test_extremes()
  local inf = math.huge
  local x = nn.tensor({ { { 1e30, -inf, inf, 0 / 0 }, { 1e30, -inf, 0, 0 }, { -1e30, 0, 0, 0 } } }):repeat_interleave(5, 3)
  local y, z = x:softmax(2), x:movedim(2, 3):contiguous():softmax(3):movedim(3, 2)
  for i, v in ipairs(y:reshape(-1):totable()) do
    local w = z:reshape(-1)[i]:item()
    lu.assertTrue(v == w or (v ~= v and w ~= w), i)
  end
end

-- Any layout, any number of threads: the same bits.
function TestSoftmaxColumns:test_same_bits()
  local x, y = nn.randn(4, 9, 40, 33), nn.randint(1, 10, { 4, 40, 33 })
  local function all(t)
    t = t:detach():requires_grad_()
    local loss = nn.cross_entropy(t, y)
    loss:backward()
    return loss, t.grad, t:softmax(2)
  end
  local a, b, c = all(x)
  nn.set_num_threads(1)
  local d, e, f = all(x:movedim(2, -1):contiguous():movedim(-1, 2))
  nn.set_num_threads(0)
  lu.assertTrue(a:equal(d) and b:equal(e) and c:equal(f))
  local step = nn.compile(function(t)
    return nn.cross_entropy(t, y)
  end)
  for _ = 1, 3 do
    lu.assertTrue(step(x):equal(a))
  end
end

function TestSoftmaxColumns:test_gradients_of_gradients()
  local y = nn.tensor { { 1, 3, -100, 2, 2, 1, 3, 1, 2 } }
  for _, reduction in ipairs { "mean", "sum", "none" } do
    local function f(x)
      local t = x:reshape(1, 3, 9)
      local loss = nn.cross_entropy(t, y, { reduction = reduction }):square():sum()
      return nn.grad(loss, { x }, { create_graph = true })[1]
    end
    local x = nn.randn({ 27 }, { dtype = "float64" })
    lu.assertTrue(nn.autograd.gradcheck(function(t)
      return nn.enable_grad(function()
        return f(t:requires_grad_())
      end)
    end, { x }))
  end
end

function TestSoftmaxColumns:test_targets_that_do_not_count()
  local x = nn.randn(4, 3):requires_grad_()
  local y = nn.tensor { 1, -100, 3, -100 }
  local loss = nn.cross_entropy(x, y)
  close(loss, nn.cross_entropy(x[nn.tensor { 1, 3 }], nn.tensor { 1, 3 }), 1e-7)
  close(nn.CrossEntropyLoss()(x, y), loss, 0)
  close(nn.nll_loss(x:log_softmax(2), y), loss, 1e-6)
  loss:backward()
  lu.assertEquals(x.grad[2]:abs():sum():item(), 0)
  local none = nn.cross_entropy(x, nn.full({ 4 }, -100))
  lu.assertTrue(none:isnan():item())
  local weight = nn.tensor { 1., 2., 3. }
  close(nn.cross_entropy(x, y, { weight = weight }), nn.cross_entropy(x[nn.tensor { 1, 3 }], nn.tensor { 1, 3 },
    { weight = weight }), 1e-6)
  -- an ignored row of inf is no nan in the sum
  local bad = nn.tensor { { 0., 0. }, { math.huge, 0. } }
  for _, o in ipairs { {}, { weight = nn.ones(2) }, { label_smoothing = 0.1 } } do
    lu.assertFalse(nn.cross_entropy(bad, nn.tensor { 1, -100 }, o):isnan():item())
  end
  for text, f in pairs {
    ["targets that are not to count are -100, or what ignore_index says"] = function()
      nn.cross_entropy(x, nn.tensor { 1, -1, 2, 3 })
    end,
    ["if the classes stand last, move them, e.g. x:movedim(-1, 2)"] = function()
      nn.cross_entropy(nn.randn(2, 4, 5), nn.randint(1, 6, { 2, 4 }))
    end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
end

return TestSoftmaxColumns
