-- nnlua --profile: rows and lines, eager and compiled, and also of a script that fails.

local lu = require "luaunit"
local process = require "process"

TestProfile = {}

local script = [[
local nn = require "nn"
local x = nn.randn(64, 64)
for _ = 1, 10 do
  local y = x:matmul(x):relu()
end
local f = nn.compile(function(a) return (a * 2 + 1):sum() end)
for _ = 1, 5 do
  f(x)
end
print "done"
]]

function TestProfile:test_report()
  local out, err, status = process.script(script, "--profile", "work.lua")
  lu.assertEquals({ out, status }, { "done\n", 0 }, err)
  lu.assertStrContains(err, "operation")
  local calls, share = err:match "\nmatmul +(%d+) +[%d.]+ +([%d.]+)%%"
  lu.assertEquals(calls, "10")
  lu.assertTrue(tonumber(share) > 0 and tonumber(share) <= 100)
  lu.assertStrContains(err, "\nwork.lua:4 ")
  lu.assertEquals(err:match "\nmul %+ add +(%d+)", "4") -- the first call records, the others replay
  lu.assertTrue(tonumber(err:match "peak of one thread: ([%d.]+) GFLOP/s") > 0.1)
end

function TestProfile:test_of_a_script_that_fails()
  local _, err, status = process.script("local nn = require 'nn' nn.ones(2):exp() error 'mine'", "--profile", "work.lua")
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "mine")
  lu.assertStrContains(err, "\nexp ")
end

function TestProfile:test_nothing_without_it()
  local _, err = process.script(script, "", "work.lua")
  lu.assertEquals(err, "")
end
