-- The scripts that a NumPy user recognises give what NumPy gives.

local lu = require "luaunit"
local golden = require "golden"

TestNumpyScripts = {}

for name, want in pairs(golden.read "scripts") do
  TestNumpyScripts["test_" .. name] = function()
    local original, lines = print, 0
    _G.print = function()
      lines = lines + 1
    end
    local ok, got = pcall(dofile, ("scripts/numpy/%s.lua"):format(name))
    _G.print = original
    lu.assertTrue(ok, got)
    lu.assertTrue(lines > 0)
    lu.assertAlmostEquals(got, want, 1e-8 * math.abs(want))
  end
end
