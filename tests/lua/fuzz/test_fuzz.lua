-- Random ops, and everything reachable from nn, with wild arguments: only results or errors that blame the caller.
-- tests/fuzz/api.lua and wild.lua run longer; the seeds are printed.

local lu = require "luaunit"
local fuzz = dofile "tests/fuzz/api.lua"
local process = require "process"

TestFuzz = {}

function TestFuzz:test_wild_arguments()
  local seed = tonumber(os.getenv "FUZZ_SEED") or 20261123
  local calls, results = fuzz.run(seed, 30000)
  lu.assertEquals(calls, 30000)
  lu.assertTrue(results > 1000, "only " .. results .. " calls gave a result (seed " .. seed .. ")")
end

function TestFuzz:test_wild_calls()
  local out, err, status = process.run(("%s tests/fuzz/wild.lua %d 4000"):format(process.nnlua, os.time()))
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, "4000 calls")
end
