-- Every op against PyTorch: values, dtypes, shapes and gradients.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"
local golden = require "golden"

TestGolden = {}

local tolerance = { float32 = 2e-6, float64 = 1e-12, int64 = 0, uint8 = 0, bool = 0 }
-- Sums of a thousand terms and long products are rounded in another order than PyTorch's.
-- batch_standardize's case at an offset of 100 and a deviation of 3 rounds x - mean by 100/3 times float32's precision.
local looser = { batch_standardize = 1e-5, sum = 1e-5, mean = 1e-5, prod = 1e-5, matmul = 1e-5, linear = 1e-5, addmm = 1e-5, pow = 1e-5, norm = 1e-5,
  sinc = 1e-5, conv1d = 1e-5, conv2d = 1e-5, conv3d = 1e-5, conv = 1e-5, conv_input = 1e-5, conv_weight = 1e-5 }

local by_op = golden.ops()

-- PyTorch's trigamma is off by up to 8e-10 (at 1, where it is pi^2 / 6).
local looser64 = { digamma = 1e-9, polygamma = 1e-9 }

-- Vectors whose sign is free: compared without it. That they belong together is tested in test_linalg.lua.
local any_sign = { qr = true, svd = true, eigh = true }

local function check(name, got, want_data)
  local want = golden.tensor(want_data)
  if any_sign[name:match "^[%w_]+"] then
    got, want = got:abs(), want:abs()
  end
  lu.assertEquals(got.dtype, want.dtype, name .. ": dtype")
  lu.assertEquals(tostring(got.shape), tostring(want.shape), name .. ": shape")
  local op = name:match "^[%w_]+"
  local bound = want.dtype == "float32" and looser[op] or want.dtype == "float64" and looser64[op] or tolerance[want.dtype]
  local d = golden.difference(got, want)
  if not (d <= bound) then
    lu.fail(("%s: differs by %g (bound %g)\ngot %s\nwant %s"):format(name, d, bound, tostring(got), tostring(want)))
  end
end

local function run(c, number, strided)
  local leaves, args = {}, {}
  local function place(t)
    local x = golden.tensor(t)
    if strided and x.ndim >= 1 then -- the same values, laid out backwards
      local order = {}
      for d = 1, x.ndim do
        order[d] = x.ndim + 1 - d
      end
      x = x:permute(order):contiguous():permute(order)
    end
    if c.grads and x.dtype:find "float" then
      x = x:detach():requires_grad_()
      leaves[#leaves + 1] = x
    end
    return x
  end
  for i, a in ipairs(c.args) do
    if a.t then
      args[i] = place(a.t)
    elseif a.list then
      args[i] = {}
      for k, t in ipairs(a.list) do
        args[i][k] = place(t)
      end
    else
      args[i] = golden.value(a.v)
    end
  end
  local name = ("%s case %d%s"):format(c.op, number, strided and ", strided" or "")
  if strided and c.op == "view" then
    return -- refuses such a layout, as it should
  end
  local outs = golden.results(golden.functions[c.op](table.unpack(args, 1, #c.args)))
  lu.assertEquals(#outs, #c.out, name .. ": number of results")
  for i, want in ipairs(c.out) do
    check(("%s, result %d"):format(name, i), outs[i]:detach(), want)
  end
  if c.grads then
    (outs[1] * golden.tensor(c.weights)):sum():backward()
    for i, want in ipairs(c.grads) do
      check(("%s, gradient %d"):format(name, i), leaves[i].grad or nn.zeros_like(leaves[i]):detach(), want)
    end
  end
end

for op, list in pairs(by_op) do
  TestGolden["test_" .. op] = function()
    for i, c in ipairs(list) do
      run(c, i, false)
      run(c, i, true)
    end
  end
end

-- Ops that need no golden data, and why.
local excused = {
  empty = "uninitialized", empty_like = "uninitialized", dropout = "tested in nn/test_dropout",
  copy_ = "in place, tested in tensor/test_index", fill_ = "in place",
}

function TestGolden:test_every_row_has_data()
  for _, op in ipairs(core.ops()) do
    if not excused[op.name] and not op.random then -- random ones: test_draw.lua
      lu.assertNotNil(by_op[op.name], ("op '%s' has no golden data: add it to tests/golden/make_more_ops.py"):format(op.name))
    end
  end
end
