-- Synthetic data: seeded, and as described.

local lu = require "luaunit"
local nn = require "nn"

TestSynthetic = {}

function TestSynthetic:test_data()
  for _, name in ipairs { "xor", "parity", "spirals", "moons", "circles", "blobs", "checkerboard", "gaussian_quantiles", "separable", "sines", "steps", "teacher", "swiss_roll" } do
    local a, b = nn.data[name] { seed = 3 }, nn.data[name] { seed = 3 }
    lu.assertTrue(a.x:equal(b.x) and a.y:equal(b.y), name .. " is seeded")
    lu.assertTrue(a.x:eq(a.x):all():item(), name)
    local c = nn.data[name] { seed = 4 }
    lu.assertTrue(name == "xor" or name == "parity" or not a.x:equal(c.x), name .. ": another seed is another set")
  end
  local d, plane = nn.data.separable { n = 100, margin = 0.2, features = 4, theta = 0.3 }
  local distance = d.x:matmul(plane.w) - plane.theta
  lu.assertAlmostEquals(distance:abs():min():item(), 0.2, 1e-5)
  lu.assertTrue(distance:gt(0):eq(d.y:eq(2)):all():item())
  local p = nn.data.parity { bits = 5 }
  lu.assertEquals(#p, 32)
  lu.assertEquals(p.y:eq(2):sum():item(), 16)
  local q = nn.data.gaussian_quantiles { n = 300, classes = 3 }
  lu.assertEquals(q.y:eq(1):sum():item(), 100)
  local noise = nn.data.noise("laplace", 50000, 1)
  lu.assertAlmostEquals(noise:abs():mean():item(), 1, 5 / math.sqrt(50000))
  lu.assertErrorMsgContains("kind must be gaussian", nn.data.noise, "pink", 5, 1)
end
