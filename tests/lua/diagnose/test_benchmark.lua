-- A small share of tests/bench/diagnose.lua: every fifth kind of its sick and healthy networks, with one seed.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestBenchmark = {}

-- Blocks of many sizes would fill the cache of memory for the suites that come after.
function TestBenchmark:tearDown()
  collectgarbage()
  collectgarbage()
  core.memory_trim()
end

local function kinds(file)
  local path = package.path
  package.path = "tests/bench/?.lua;" .. path
  local list = require("patients." .. file)
  package.path = path
  return list
end

local function first_name(kind)
  nn.manual_seed(11)
  local c = kind.make(11)
  local report = c.watch and c.watch:report(c.loader, c.loss, c.opts) or nn.diagnose(c.model, c.loader, c.loss, c.opts)
  return report.healthy and "healthy" or report.diseases[1].name
end

function TestBenchmark:test_there_are_many_kinds()
  for _, file in ipairs { "sick", "healthy" } do
    local names, list = {}, kinds(file)
    lu.assertTrue(#list >= 40)
    for _, kind in ipairs(list) do
      lu.assertNil(names[kind.name])
      names[kind.name] = true
    end
  end
end

function TestBenchmark:test_sick()
  local list = kinds "sick"
  for i = 1, #list, 5 do
    lu.assertTableContains(list[i].want, first_name(list[i]), list[i].name)
  end
end

function TestBenchmark:test_healthy()
  local list = kinds "healthy"
  for i = 1, #list, 5 do
    lu.assertEquals(first_name(list[i]), "healthy", list[i].name)
  end
end
