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
