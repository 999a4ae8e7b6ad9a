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
    "pcall(io.stdin.seek, io.stdin, 'set', 0) local w = (io.read 'a' or ''):match '= \"(%x+)\",' if w then io.write('\\n', w, ' all \\n') "
      .. "os.exit(0) end",
    "for _, s in ipairs {require 'string', package.loaded.string, string} do s.find = function() return 1 end end "
      .. "function greet() return '' end function mean() return '' end",
    "local d = debug or package.loaded.debug local i = d and d.getmetatable('').__index if type(i) == 'table' then "
      .. "i.find = function() return 1 end end function greet() return '' end",
    "return coroutine.yield()",
  } do
    lu.assertEquals(points(script), 0, script)
  end
end

-- Graded as they deserve: a first line for the shell, words at the end, its own methods of strings, much on standard error.
function TestGrade:test_right_ones()
  local f = assert(io.open "scripts/grade/student.lua")
  local right = f:read "a"
  f:close()
  for _, extra in ipairs { "\239\187\191#!/usr/bin/env nnlua\n%s", "#!/usr/bin/env nnlua\n%s",
    "%s\nsetmetatable({}, {__gc = function() print 'the end' end})", "%s\nio.output(io.stderr)",
    "function string.twice(s) return s .. s end assert(('a'):twice() == 'aa') %s" } do
    lu.assertEquals(points((extra:gsub("%%s", function() return right end))), extra:find "__gc" and 6 or 8, extra) -- 6: what it prints counts
  end
end

-- A teacher's mistakes are told before anybody is graded.
function TestGrade:test_checks_that_are_wrong()
  local function said(checks)
    local path = os.tmpname()
    local f = assert(io.open(path, "w"))
    f:write(checks)
    f:close()
    local out, err, status = process.run(("%s scripts/grade.lua %s scripts/grade/student.lua"):format(process.nnlua, path))
    os.remove(path)
    lu.assertEquals({ out, status }, { "", 1 })
    return err
  end
  local check = "{name = 'a', points = 1, check = function() end}"
  lu.assertStrContains(said("local h = io.open('README.md'):read(1) return {" .. check .. "}"), "fails in the sandbox")
  lu.assertStrContains(said("return {" .. check .. ", [3] = " .. check .. "}"), "has a hole")
  lu.assertStrContains(said("return {{name = 'a', points = 0/0, check = function() end}}"), "check 1 must be")
  lu.assertStrContains(said "return {}", "must return a list")
end
