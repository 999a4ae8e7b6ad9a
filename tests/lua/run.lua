-- Runs the LuaUnit suites named on the command line (or all of them) and writes the counts, for tests/run.
--   nnlua tests/lua/run.lua COUNTS_FILE [suite.lua ...]

package.path = "tests/lua/?.lua;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.3/?.lua;" .. package.path
local counts, suites = arg[1], { table.unpack(arg, 2) }
_G.arg = { [0] = arg[0] } -- luacheck: ignore 142 (LuaUnit would read the names as names of tests)
local lu = require "luaunit"

if #suites == 0 then
  for path in io.popen("find tests/lua -name 'test_*.lua' | sort"):lines() do
    suites[#suites + 1] = path
  end
end
local suite_of = {} -- name of a suite -> {suite, path}: two of one name would be one of them without a word
for _, path in ipairs(suites) do
  dofile(path)
  for name, value in pairs(_G) do
    if type(name) == "string" and name:find "^Test" then
      local known = suite_of[name] or { value, path }
      assert(known[1] == value, ("%s and %s both have the suite %s"):format(known[2], path, name))
      suite_of[name] = known
    end
  end
end

-- Where there is no OpenBLAS (make matrix), a test that ends with the error that says so is skipped.
local function unless_it_needs_openblas(test)
  return function(...)
    local ok, err = pcall(test, ...)
    local text = type(err) == "table" and err.msg or err
    lu.skipIf(not ok and tostring(text):find("needs OpenBLAS", 1, true), "needs OpenBLAS")
    if not ok then
      error(err, 0)
    end
  end
end
if os.getenv "NNLUA_BLAS" == "/nonexistent" then
  for _, known in pairs(suite_of) do
    for name, test in pairs(known[1]) do
      known[1][name] = name:find "^test" and type(test) == "function" and unless_it_needs_openblas(test) or test
    end
  end
end

local runner = lu.LuaUnit.new()
runner:setOutputType(os.getenv "VERBOSE" and "tap" or "text")
runner:runSuite()
local r = runner.result
local f = assert(io.open(counts, "w"))
f:write(("%d %d %d\n"):format(r.successCount, r.failureCount + r.errorCount, r.skippedCount))
f:close()
os.exit(r.failureCount + r.errorCount == 0 and 0 or 1, true)
