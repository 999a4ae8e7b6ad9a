-- Convolutions of many small images, which share panels, against the same images one by one.

local lu = require "luaunit"
local nn = require "nn"

TestConvTogether = {}

local g = nn.Generator(31)
local function pick(low, high)
  return nn.randint(low, high + 1, { 1 }, { generator = g }):item()
end

function TestConvTogether:test_one_by_one()
  for case = 1, 80 do
    local dtype = case % 3 == 0 and "float32" or "float64"
    local n, groups = pick(1, 70), case % 4 == 0 and pick(1, 3) or 1
    local ic, oc = groups * pick(1, 5), groups * pick(1, 20)
    local kernel, stride, dilation = { pick(1, 4), pick(1, 4) }, { pick(1, 2), pick(1, 2) }, { pick(1, 2), 1 }
    local padding = { pick(0, 2), pick(0, 2) }
    local image = {}
    for d = 1, 2 do
      image[d] = math.max(1, dilation[d] * (kernel[d] - 1) + 1 - 2 * padding[d]) + pick(0, 4)
    end
    local function randn(...)
      return nn.randn({ ... }, { dtype = dtype, generator = g }):requires_grad_()
    end
    local x, w = randn(n, ic, image[1], image[2]), randn(oc, ic // groups, kernel[1], kernel[2])
    local bias = case % 2 == 0 and randn(oc) or nil
    local function conv(images)
      return nn.conv2d(images, w, bias, stride, padding, dilation, groups)
    end
    local y = conv(x)
    local single = {}
    for i = 1, n do
      single[i] = conv(x[{ { i, i } }])
    end
    local z = nn.cat(single, 1)
    local up = nn.randn(y.shape, { dtype = dtype, generator = g })
    local leaves = { x, w, bias }
    local ours, theirs = nn.grad((y * up):sum(), leaves), nn.grad((z * up):sum(), leaves)
    local bound = dtype == "float32" and 2e-5 or 1e-12
    local what = ("case %d: %d images of %dx%d, %d to %d channels, kernel %dx%d"):format(case, n, image[1], image[2], ic, oc,
      kernel[1], kernel[2])
    lu.assertTrue(((y - z):abs() / (z:abs() + 1)):max():item() < bound, what)
    for i = 1, #leaves do
      local scale = theirs[i]:abs():max():item() + 1
      lu.assertTrue((ours[i] - theirs[i]):abs():max():item() < bound * scale, ("%s, gradient %d"):format(what, i))
    end
  end
end

-- Many channels and positions: the input's gradient is a convolution with the channels changed round, unless a weight is
-- inf or nan, and unless there are few positions, as there are of each image by itself.
function TestConvTogether:test_many_positions()
  for case, sizes in ipairs { { 9, 64, 40, 9, 1 }, { 2, 70, 64, 17, 2 }, { 20, 128, 128, 6, 1, 2 } } do
    local n, ic, oc, size, dilation, groups = table.unpack(sizes)
    groups = groups or 1
    local x = nn.randn({ n, ic, size, size + 1 }, { generator = g })
    local w = nn.randn({ oc, ic // groups, 3, 2 }, { generator = g })
    for _, wrong in ipairs { false, math.huge } do
      if wrong then
        w[{ 2, 3, 1, 1 }] = wrong
      end
      local function gradient(image)
        local leaf = image:clone():requires_grad_()
        local y = nn.conv2d(leaf, w, nil, 1, { 2, 1 }, dilation, groups)
        return nn.grad((y:nan_to_num(0, 0, 0) ^ 2):sum() / 2 + y:sum(), { leaf })[1]
      end
      local all, each = gradient(x), {}
      for i = 1, n do
        each[i] = gradient(x[{ { i, i } }])
      end
      local want = nn.cat(each, 1)
      lu.assertTrue(all:isfinite():equal(want:isfinite()), case)
      local difference, scale = (all - want):nan_to_num(0, 0, 0):abs():max():item(), want:nan_to_num(0, 0, 0):abs():max():item()
      lu.assertTrue(difference < 1e-5 * scale, ("case %d: %g of %g"):format(case, difference, scale))
      lu.assertEquals(all:isfinite():all():item(), not wrong)
    end
  end
end

function TestConvTogether:test_threads()
  local x, w = nn.randn({ 37, 5, 6, 6 }, { generator = g }):requires_grad_(), nn.randn({ 9, 5, 3, 3 }, { generator = g }):requires_grad_()
  local threads, first = nn.get_num_threads(), nil
  for _, n in ipairs { 1, 2, 3 } do
    nn.set_num_threads(n)
    local y = nn.conv2d(x, w, nil, 2)
    local all = { y, table.unpack(nn.grad((y ^ 2):sum(), { x, w })) }
    first = first or all
    for i = 1, 3 do
      lu.assertTrue(all[i]:equal(first[i]))
    end
  end
  nn.set_num_threads(threads)
end
