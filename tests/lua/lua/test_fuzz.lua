-- Random rows with wild arguments: only results or Lua errors. tests/fuzz/api.lua runs longer; the seed is printed.

local lu = require "luaunit"
local fuzz = dofile "tests/fuzz/api.lua"

TestFuzz = {}

function TestFuzz:test_wild_arguments()
  local seed = tonumber(os.getenv "FUZZ_SEED") or 20261123
  local calls, results = fuzz.run(seed, 30000)
  lu.assertEquals(calls, 30000)
  lu.assertTrue(results > 1000, "only " .. results .. " calls gave a result (seed " .. seed .. ")")
end
