-- Special functions where the golden data does not go.

local lu = require "luaunit"
local nn = require "nn"

TestSpecial = {}

-- In float64 close to 1 and -1, as far as 1 - x goes. The values were computed with 60 digits.
function TestSpecial:test_erfinv_near_one()
  for x, y in pairs {
    [0.9967] = 2.0777034861650991, [0.999] = 2.32675376551352449, [1 - 2.0 ^ -16] = 3.05817958185091609,
    [1 - 2.0 ^ -40] = 5.05125408524938997, [1 - 2.0 ^ -46] = 5.44079494297684353, [1 - 2.0 ^ -53] = 5.86358474875516793,
  } do
    local both = nn.tensor({ x, -x }, { dtype = "float64" }):erfinv():totable()
    lu.assertAlmostEquals(both[1], y, 4e-15 * y, tostring(x))
    lu.assertAlmostEquals(both[2], -y, 4e-15 * y, tostring(x))
  end
  -- and all the way there: erfc gives 1 - x back, to what the slope makes of the last bit
  for k = 1, 53 do
    local rest = 2.0 ^ -k
    local back = nn.tensor({ 1 - rest }, { dtype = "float64" }):erfinv():erfc():item()
    lu.assertAlmostEquals(back / rest, 1, 1e-13, "1 - 2^-" .. k)
  end
end

-- float32 is rounded from float64.
function TestSpecial:test_erfinv_of_float32()
  local x = nn.tensor { 1 - 2.0 ^ -24, -1 + 2.0 ^ -24, 0.99999, 0.5, 1e-30 }
  lu.assertTrue(x:erfinv():equal(x:double():erfinv():float()))
end

-- The squares of these are inf or 0 in their dtype; the norms are not.
function TestSpecial:test_norms_where_squares_leave_the_range()
  for _, case in ipairs { { "float32", 1e25 }, { "float32", 1e-30 }, { "float64", 1e200 }, { "float64", 1e-200 } } do
    local dtype, size = case[1], case[2]
    local x = nn.tensor({ { 3, -4, 0 }, { 0, 0, 0 }, { 1, 2, 2 } }, { dtype = dtype }) * size
    for p, want in pairs { [2] = { 5, 0, 3 }, [3] = { 91 ^ (1 / 3), 0, 17 ^ (1 / 3) }, [1] = { 7, 0, 5 } } do
      local got = (x:norm(p, 2):double() / size):totable()
      for i = 1, 3 do
        lu.assertAlmostEquals(got[i], want[i], 2e-6, ("%s, %g, p = %g"):format(dtype, size, p))
      end
    end
    lu.assertAlmostEquals(x:norm():item() / size, math.sqrt(34), 2e-6)
    lu.assertAlmostEquals(nn.cosine_similarity(x[1], x[3], 1, 0):item(), -1 / 3, 2e-6)
    local leaf = (nn.ones(4, { dtype = dtype }) * size):requires_grad_()
    leaf:norm():backward()
    lu.assertAlmostEquals(leaf.grad[1]:item(), 0.5, 1e-6)
    leaf.grad = leaf.grad * size -- of length `size`
    lu.assertAlmostEquals(nn.optim.clip_grad_norm_({ leaf }, 1.0):item() / size, 1, 2e-6)
    lu.assertAlmostEquals(leaf.grad:norm():item(), math.min(1, size), 2e-6)
  end
  lu.assertEquals(tostring(nn.tensor { 1e25, math.huge }:norm():item()), "inf")
  lu.assertEquals(tostring(nn.tensor({ 1e25, 0 / 0 }):norm():isnan():item()), "true")
  lu.assertEquals(tostring(nn.tensor({ 1e-25, 0 / 0 }):norm(3):isnan():item()), "true")
end
