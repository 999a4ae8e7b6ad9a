-- Every op that has a gradient, checked in float64 against central differences, first and second order, with plain and
-- with strided inputs. The ops come from the table: an op without a case fails here. Its cases are those below and the
-- float64 ones among its golden data (tests/golden/make_more_ops.py).

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"
local golden = require "golden"

TestGradcheck = {}

local g = nn.Generator(7)
local function randn(...)
  return nn.randn({ ... }, { dtype = "float64", generator = g })
end
local function rand(lo, hi, ...)
  return nn.rand({ ... }, { dtype = "float64", generator = g }) * (hi - lo) + lo
end
-- away from 0, where abs and its kin have a corner
local function corner_free(...)
  local x = randn(...)
  return x + x:sign() * 0.3
end
local function int(list)
  return nn.tensor(list, { dtype = "int64" })
end

-- Cases: a function that gives the arguments; tensors of floats are differentiated. `first_only`: the second derivative
-- is not defined or not wanted (with the reason).
local unary = function()
  return { randn(3, 4) }
end
local positive = function()
  return { rand(0.3, 2, 3, 4) }
end
local pair = function()
  return { randn(3, 4), randn(3, 4) }
end

local cases = {
  neg = { unary }, square = { unary }, exp = { unary }, tanh = { unary }, sigmoid = { unary }, softplus = { unary },
  clone = { unary }, log = { positive }, log1p = { positive }, sqrt = { positive },
  elu = { function() return { corner_free(3, 4) } end, function() return { corner_free(5), 0.5 } end },
  elu_backward = {
    function() return { randn(3, 4), corner_free(3, 4), randn(3, 4) } end,
    function() return { randn(5), corner_free(5), randn(5), 0.5 } end,
  },
  batch_standardize = {
    function() return { randn(6, 3), randn(3), randn(3) } end, function() return { randn(5, 2) } end,
  },
  abs = { function() return { corner_free(3, 4) } end },
  sign = { function() return { corner_free(3, 4) } end },
  relu = { function() return { corner_free(3, 4) } end },
  add = { pair, function() return { randn(3, 4), randn(4) } end, function() return { randn(2, 1, 4), randn(3, 1) } end },
  sub = { pair, function() return { randn(3, 1), randn(1, 4) } end },
  mul = { pair, function() return { randn(3, 4), randn() } end, function() return { randn(3, 4), 2.5 } end },
  div = { function() return { randn(3, 4), rand(0.5, 2, 4) } end },
  pow = {
    function() return { rand(0.5, 2, 3, 4), rand(-2, 2, 3, 4) } end,
    function() return { randn(3, 4), 2 } end,
    function() return { randn(3, 4), 3 } end,
    function() return { rand(0.5, 2, 3, 4), 0.5 } end,
    function() return { 2.5, randn(3) } end,
  },
  maximum = { pair }, minimum = { pair },
  tanh_backward = { pair }, sigmoid_backward = { pair },
  relu_backward = { function() return { randn(3, 4), corner_free(3, 4) } end },
  clamp_between = { function() return { corner_free(4, 4), -0.25, 0.25 } end, function() return { corner_free(3), 0.1 } end },
  where = { function() return { randn(3, 4):gt(0), randn(3, 4), randn(4) } end },
  masked_fill = {
    function() return { randn(3, 4), randn(4):gt(0), 1.5 } end,
    function() return { randn(3, 4), randn(3, 1):gt(0), randn() } end,
  },
  to = { function() return { randn(3, 4), "float64" } end },
  sum = { unary, function() return { randn(3, 4, 2), 2 } end, function() return { randn(3, 4, 2), { 1, 3 }, true } end },
  mean = { unary, function() return { randn(3, 4, 2), { 1, 3 } } end, function() return { randn(3, 4), -1, true } end },
  prod = { function() return { rand(0.5, 2, 3, 4) } end, function() return { rand(0.5, 2, 3, 4), 1 } end },
  logsumexp = { unary, function() return { randn(3, 4), 1 } end, function() return { randn(2, 3, 2), { 1, 3 }, true } end },
  var = { unary, function() return { randn(3, 4), 1 } end, function() return { randn(3, 4), 2, 0, true } end },
  std = { unary, function() return { randn(3, 4), 2 } end },
  norm = {
    unary, function() return { corner_free(3, 4), 1, 2 } end, function() return { corner_free(3, 4), 3 } end,
    function() return { corner_free(3, 4), math.huge, 1 } end,
  },
  max = { unary, function() return { randn(3, 4), 2 } end, function() return { randn(3, 4), 1, true } end },
  min = { unary, function() return { randn(3, 4), 2 } end },
  reshape = { function() return { randn(3, 4), 2, -1 } end }, view = { function() return { randn(3, 4), { 4, 3 } } end },
  flatten = { function() return { randn(2, 3, 2), 2 } end },
  squeeze = { function() return { randn(2, 1, 3, 1) } end, function() return { randn(2, 1, 3, 1), 2 } end },
  unsqueeze = { function() return { randn(2, 3), 2 } end, function() return { randn(2, 3), -1 } end },
  transpose = { function() return { randn(2, 3, 4), 1, -1 } end },
  permute = { function() return { randn(2, 3, 4), 3, 1, 2 } end },
  expand = { function() return { randn(3, 1), 2, 3, 4 } end },
  select = { function() return { randn(3, 4), 2, -1 } end },
  slice = { function() return { randn(5, 4), 1, 2, 5, 2 } end, function() return { randn(5), 1, 4, 3 } end },
  narrow = { function() return { randn(5, 4), 2, 2, 3 } end },
  slice_zeros = { function() return { randn(2, 3), 1, 2, 2, { 5, 3 } } end },
  cat = { function() return { { randn(2, 3), randn(1, 3) }, 1 } end, function() return { { randn(2, 1), randn(2, 2), randn(2, 3) }, -1 } end },
  stack = { function() return { { randn(2, 3), randn(2, 3) }, 2 } end },
  gather = { function() return { randn(3, 4), 2, int { { 1, 2 }, { 4, 4 }, { -1, 1 } } } end },
  scatter_add = { function() return { randn(3, 4), 2, int { { 1, 1 }, { 4, 2 }, { 3, 3 } }, randn(3, 2) } end },
  scatter_zeros = { function() return { randn(3, 2), int { { 1, 1 }, { 4, 2 }, { 3, 3 } }, 2, { 3, 4 } } end },
  index_select = { function() return { randn(3, 4), 2, int { 4, 1, 1 } } end },
  embedding = { function() return { int { { 2, 4 }, { 4, 1 } }, randn(4, 3) } end },
  index_zeros = { function() return { randn(3, 3), int { 4, 1, 1 }, 2, { 3, 4 } } end },
  masked_take = { function() return { randn(2, 3), nn.tensor { { true, false, true }, { false, false, true } }, 3 } end },
  masked_select = { function() return { randn(3, 4), randn(3, 4):gt(0) } end },
  masked_scatter = { function()
    local mask = nn.tensor { { true, false, true }, { false, false, true } }
    return { randn(2, 3), mask, randn(3) }
  end },
  as_strided = { function() return { randn(12), { 3, 2 }, { 3, 0 }, 1 } end },
  strided_zeros = { function() return { randn(3, 2), { 3, 2 }, { 3, 1 }, 1, 12 } end },
  view_scatter = { function() return { randn(3, 4), randn(2, 2), { 2, 2 }, { 4, 1 }, 1 } end },
  matmul = {
    function() return { randn(3, 4), randn(4, 2) } end, function() return { randn(4), randn(4, 2) } end,
    function() return { randn(3, 4), randn(4) } end, function() return { randn(4), randn(4) } end,
    function() return { randn(2, 3, 4), randn(4, 2) } end, function() return { randn(2, 1, 3, 4), randn(5, 4, 2) } end,
    function() return { randn(2, 3, 4), randn(4) } end,
  },
  linear = {
    function() return { randn(3, 4), randn(2, 4), randn(2) } end, function() return { randn(3, 4), randn(2, 4) } end,
    function() return { randn(2, 3, 4), randn(2, 4), randn(2) } end, function() return { randn(4), randn(2, 4), randn(2) } end,
  },
  addmm = { function() return { randn(2), randn(3, 4), randn(4, 2), 0.5, 2 } end },
  outer = { function() return { randn(3), randn(4) } end },
  softmax = { unary, function() return { randn(3, 4, 2), 2 } end },
  log_softmax = { unary, function() return { randn(3, 4, 2), 1 } end },
  softmax_backward = { pair }, log_softmax_backward = { pair },
  cross_entropy = {
    function() return { randn(3, 4), int { 1, 4, 2 } } end, function() return { randn(3, 4), int { 1, 4, 2 }, "sum" } end,
    function() return { randn(3, 4), int { 1, 4, 2 }, "none" } end, function() return { randn(4), int(3) } end,
  },
  cross_entropy_backward = {
    function() return { randn(), randn(3, 4), int { 1, 4, 2 } } end,
    function() return { randn(3), randn(3, 4), int { 1, 4, 2 }, "none" } end,
  },
  mse_loss = { pair, function() return { randn(3), randn(3), "none" } end },
  bce_with_logits = { function() return { randn(3, 4), rand(0, 1, 3, 4) } end, function() return { randn(3), rand(0, 1, 3), "sum" } end },
  erf = { unary }, sin = { unary }, cos = { unary }, floor = { unary },
  solve = {
    function() return { randn(3, 3) + nn.eye(3, { dtype = "float64" }) * 3, randn(3, 2) } end,
    function() return { randn(3, 3) + nn.eye(3, { dtype = "float64" }) * 3, randn(3) } end,
    function() return { randn(2, 3, 3) + nn.eye(3, { dtype = "float64" }) * 3, randn(2, 3, 2) } end,
  },
  sort = { unary, function() return { randn(3, 4), 1, true } end },
  topk = { function() return { randn(3, 4), 2 } end, function() return { randn(3, 4), 2, 1, false } end },
}
-- (Random ops: see test_draw.lua.)
local elsewhere = {
  copy_ = "in place", fill_ = "in place",
  eigh_lower = "of symmetric changes: through eigh", cholesky_lower = "of symmetric changes: through cholesky",
  slogdet = "its second result: below", svd = "its vectors up to their sign: below",
}

local function is_float(t)
  return nn.is_tensor(t) and t.dtype == "float64"
end

-- The float tensors among the arguments (also within lists), and a function that calls the op with others.
local function inputs_of(args)
  local list = {}
  for i = 1, args.n or #args do
    local a = args[i]
    if is_float(a) then
      list[#list + 1] = { args, i }
    elseif type(a) == "table" and is_float(a[1]) then
      for k = 1, #a do
        list[#list + 1] = { a, k }
      end
    end
  end
  return list
end

local function scalar_of(f, args, weights)
  local out = golden.results(f(table.unpack(args, 1, args.n or #args)))[1]
  if not weights[1] then
    weights[1] = nn.randn(out.shape, { dtype = "float64", generator = g })
  end
  return (out * weights[1]):sum()
end

-- Numeric gradient of `value()` for one tensor, by central differences, element by element.
local function numeric(value, x)
  local h = 1e-5
  local out = nn.zeros(x.shape, { dtype = "float64" })
  local flat, gradient = x:view(-1), out:view(-1)
  for i = 1, x:numel() do
    local was = flat[i]:item()
    flat[i] = was + h
    local up = value()
    flat[i] = was - h
    local down = value()
    flat[i] = was
    gradient[i] = (up - down) / (2 * h)
  end
  return out
end

local function compare(name, got, want, tolerance)
  local difference = (got - want):abs():max():item()
  local size = math.max(1, want:abs():max():item())
  if not (difference <= tolerance * size) then
    lu.fail(("%s: gradient differs by %g (tolerance %g)\ngot %s\nwant %s"):format(name, difference, tolerance * size,
      tostring(got), tostring(want)))
  end
end

local function check(name, f, make, strided)
  local args = make()
  local places = inputs_of(args)
  local leaves = {}
  for i, place in ipairs(places) do
    local t = place[1][place[2]]
    if strided and t.ndim > 0 then
      -- the same values, every second element of a larger one: leaf first, view as argument
      local wide = nn.zeros(t:numel(), 2, { dtype = "float64" })
      wide:select(2, 1):copy_(t:reshape(-1))
      leaves[i] = wide:requires_grad_()
    else
      leaves[i] = t:clone():requires_grad_()
    end
  end
  local function bind()
    for i, place in ipairs(places) do
      local t = leaves[i]
      if strided and place.shape == nil then
        place.shape = place[1][place[2]].shape
      end
      place[1][place[2]] = (strided and #place.shape > 0) and t:select(2, 1):reshape(place.shape) or t
    end
    return args
  end
  local weights = {}
  local function loss()
    return scalar_of(f, bind(), weights)
  end
  local function value()
    return nn.no_grad(function()
      return loss():item()
    end)
  end
  local function gradients()
    local list = nn.grad(loss(), leaves, { create_graph = true, allow_unused = true })
    for i, leaf in ipairs(leaves) do
      list[i] = list[i] or nn.zeros_like(leaf)
    end
    return list
  end
  local grads = gradients()
  for i, leaf in ipairs(leaves) do
    compare(("%s, input %d"):format(name, i), grads[i]:detach(), nn.no_grad(numeric, value, leaf), 1e-6)
  end
  -- second order: the gradient of sum(grads * v)
  local vs = {}
  for i, gr in ipairs(grads) do
    vs[i] = nn.randn(gr.shape, { dtype = "float64", generator = g })
  end
  local function inner()
    local sum = nn.zeros { dtype = "float64" }
    for i, gr in ipairs(gradients()) do
      sum = sum + (gr * vs[i]):sum()
    end
    return sum
  end
  local total = inner()
  -- a gradient that recorded nothing claims to be a constant, which the numbers below must confirm
  local second = total.requires_grad and nn.grad(total, leaves, { allow_unused = true }) or {}
  for i, leaf in ipairs(leaves) do
    local want = numeric(function()
      return inner():detach():item()
    end, leaf:detach())
    local got = second[i] or nn.zeros(leaf.shape, { dtype = "float64" })
    compare(("%s, second order, input %d"):format(name, i), got, want, 1e-5)
  end
end

-- Golden cases with gradients, all of whose floats are float64.
local function from_golden(list)
  local makes = {}
  for _, c in ipairs(list) do
    local fits = c.grads ~= nil
    local function double(t)
      fits = fits and t.dtype ~= "float32"
    end
    for _, a in ipairs(c.args) do
      if a.t then
        double(a.t)
      end
      for _, t in ipairs(a.list or {}) do
        double(t)
      end
    end
    if fits then
      makes[#makes + 1] = function()
        local args = {}
        for i, a in ipairs(c.args) do
          if a.list then
            args[i] = {}
            for k, t in ipairs(a.list) do
              args[i][k] = golden.tensor(t)
            end
          else
            args[i] = a.t and golden.tensor(a.t) or golden.value(a.v)
          end
        end
        args.n = #c.args
        return args
      end
    end
  end
  return makes
end
local other_by_design = { embedding = true } -- what is padding has no gradient
for _, file in ipairs { "more_ops", "conv", "nets" } do
  for op, list in pairs(golden.ops(file)) do
    local makes = other_by_design[op] and {} or from_golden(list)
    cases[op] = cases[op] or {}
    table.move(makes, 1, #makes, #cases[op] + 1, cases[op])
  end
end

for _, op in ipairs(core.ops()) do
  if op.differentiable and not op.random and not elsewhere[op.name] then
    TestGradcheck["test_" .. op.name] = function()
      lu.assertTrue(cases[op.name] ~= nil and #cases[op.name] > 0, op.name .. " has no gradcheck case")
      for i, make in ipairs(cases[op.name]) do
        check(("%s case %d"):format(op.name, i), core[op.name], make, false)
        check(("%s case %d, strided"):format(op.name, i), core[op.name], make, true)
      end
    end
  end
end

-- The batch's mean and variance are results with gradients, too.
function TestGradcheck:test_batch_norm_statistics()
  for which = 2, 3 do
    check("batch_standardize, result " .. which, function(x)
      return (select(which, core.batch_standardize(x)))
    end, function()
      return { randn(5, 3) }
    end, false)
  end
end

-- Results other than the first, and vectors up to their sign.
local function matrix()
  return { randn(4, 3) }
end
local function symmetric()
  local x = randn(4, 4)
  return { x + x:t() }
end
for name, entry in pairs {
  slogdet = { function(x) return (select(2, core.slogdet(x))) end, function() return { randn(3, 3) } end },
  svd_u = { function(x) return core.svd(x):square() end, matrix },
  svd_v = { function(x) return (select(3, core.svd(x))):square() end, matrix },
  svd_all = { function(x) local u, s, vt = core.svd(x) return (u * s:sqrt()):matmul(vt) end, function() return { randn(3, 4) } end },
  qr_r = { function(x) return (select(2, core.qr(x))):square() end, matrix },
  eigh_vectors = { function(x) return (select(2, core.eigh(x))):square() end, symmetric },
  std_of_std_mean = { function(x) return (select(2, core.std_mean(x, 2))) end, matrix },
  aminmax_max = { function(x) return (select(2, core.aminmax(x, 1))) end, matrix },
} do
  TestGradcheck["test_result_" .. name] = function()
    check(name, entry[1], entry[2], false)
    check(name .. ", strided", entry[1], entry[2], true)
  end
end

function TestGradcheck:test_einsum()
  for i, make in ipairs(cases.einsum) do
    check("einsum case " .. i, nn.einsum, make, false)
  end
end

-- prod where elements are 0: the product of the others
function TestGradcheck:test_prod_at_zero()
  local x = nn.tensor({ 2.0, 0.0, 3.0 }, { requires_grad = true })
  x:prod():backward()
  lu.assertEquals(x.grad:totable(), { 0.0, 6.0, 0.0 })
  local y = nn.tensor({ 2.0, 0.0, 0.0 }, { requires_grad = true })
  y:prod():backward()
  lu.assertEquals(y.grad:totable(), { 0.0, 0.0, 0.0 })
end

function TestGradcheck:test_dropout_uses_its_mask()
  local x = nn.ones(1000):requires_grad_()
  local y = nn.dropout(x, 0.25)
  y:sum():backward()
  lu.assertTrue(y:equal(x.grad)) -- both are mask / (1 - p)
end
