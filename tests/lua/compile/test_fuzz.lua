-- Short runs of the fuzzers of compiled functions, which print their seeds; tests/long/run has longer ones.

local lu = require "luaunit"
local process = require "process"

TestFuzzCompiled = {}

local function run(name)
  local out, err, status = process.run(("%s tests/fuzz/%s.lua %d 150"):format(process.nnlua, name, os.time() * 1000))
  lu.assertEquals(status, 0, out .. err)
  lu.assertTrue(tonumber(out:match "(%d+) calls compared") > 300, out)
end

function TestFuzzCompiled:test_steps()
  run "steps"
end

function TestFuzzCompiled:test_mutations()
  run "mutations"
end
