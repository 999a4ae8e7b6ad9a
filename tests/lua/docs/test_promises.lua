-- docs/promises.md: each promise names a test that is there.

local lu = require "luaunit"

TestPromises = {}

function TestPromises:test_each_has_its_test()
  local promises = 0
  for line in io.lines "docs/promises.md" do
    if line:find "^|" and not line:find "^| Promise" and not line:find "^| %-%-%-" then
      local file, name = line:match "`(tests/[%w_/]+%.lua)` ([%w_]+:[%w_]+) |$"
      lu.assertNotNil(file, line)
      local f = assert(io.open(file), file)
      local text = f:read "a"
      f:close()
      lu.assertStrContains(text, "function " .. name .. "()", false, line)
      promises = promises + 1
    end
  end
  lu.assertTrue(promises > 20)
end
