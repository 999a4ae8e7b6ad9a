-- The grader: the example's points, and students who would like more than they earned.

local lu = require "luaunit"
local process = require "process"

TestGrade = {}

local function points(script)
  local path = script and os.tmpname() or "scripts/grade/student.lua"
  if script then
    local f = assert(io.open(path, "w"))
    f:write(script)
    f:close()
  end
  local out, err, status = process.run(("%s scripts/grade.lua scripts/grade/checks.lua %s"):format(process.nnlua, path))
  lu.assertEquals({ err, status }, { "", 0 })
  if script then
    os.remove(path)
  end
  return tonumber(out:match "(%d+) /%s+9\n$"), out
end

function TestGrade:test_example()
  local sum, out = points()
  lu.assertEquals(sum, 8)
  lu.assertStrContains(out, "   2 /  2  the mean of a list\n")
  lu.assertStrContains(out, "   0 /  1  the mean of an empty list is an error: checks:9: mean{} gave a value\n")
end

function TestGrade:test_cheating()
  for _, script in ipairs {
    "",
    "os.exit(0)",
    "print 'all' io.write('\\n', ('0'):rep(32), ' all \\n')",
    "local g = load 'return _G' () for _, t in ipairs {g, _G} do t.assert = function() end t.error = t.assert t.pcall = t.assert end",
    "mean = function() return setmetatable({}, {__eq = function() return true end}) end",
    "for i = 0, 9 do pcall(debug.getlocal, i, 1) local f = debug.getinfo(i, 'f') if f and f.func then f.func() end end",
    "getmetatable(''.x)",
    "local m = getmetatable '' if m then m.__index.format = error end mean = function() error(setmetatable({}, {__tostring = error})) end",
    "print(io.open 'scripts/grade/checks.lua', loadfile 'scripts/grade/checks.lua', io.read 'a')",
    "io.output(io.stderr)",
    "return coroutine.yield()",
  } do
    lu.assertEquals(points(script), 0, script)
  end
end
