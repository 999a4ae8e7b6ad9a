-- Sweeps: what is varied, the searches, trials that fail, sweeps that are killed.

local core = require "nn.core"
local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local search = require "nn.lab.search"
local space = require "nn.lab.space"
local summary = require "nn.lab.summary"

TestSweep = {}

local nnlua = core.real_path(process.nnlua)

local experiment = nn.experiment {
  name = "e", params = { n = { 3, min = 1, max = 100 }, lr = { 0.1, min = 0 }, kind = { "a", choices = { "a", "b" } }, on = true },
  run = function()
    return { loss = 1 }
  end,
}

function TestSweep:test_space()
  local function d(name, given)
    return space.dimension(experiment, name, given)
  end
  lu.assertEquals(d("n", "1,2,3").values, { 1, 2, 3 })
  lu.assertEquals(d("on", "true,false").values, { true, false })
  local log = d("lr", "log(1e-4,1,5)")
  local grid = space.grid { d("kind", "a,b"), log }
  lu.assertEquals(#grid, 10)
  lu.assertEquals({ grid[1].lr, grid[2].lr, grid[5].lr, grid[6].kind }, { 1e-4, 1e-3, 1.0, "b" })
  for at = 0, 1, 0.1 do
    lu.assertAlmostEquals(space.place_of(log, space.value_at(log, at)), at, 1e-3)
  end
  local n = d("n", "uniform(2,5)")
  local seen = {}
  for at = 0, 0.999, 0.01 do
    seen[space.value_at(n, at)] = true
  end
  lu.assertEquals(seen, { [2] = true, [3] = true, [4] = true, [5] = true })
  for text, given in pairs {
    ["no parameter 'm'"] = { "m", "1" }, ["'n' must be an integer, but is 'x'"] = { "n", "1,x" },
    ["'n' must be at most 100"] = { "n", "uniform(1,200)" }, ["its low end must be above 0"] = { "lr", "log(0,1)" },
    ["there is no 'exp(...)'"] = { "lr", "exp(1,2)" }, ["takes a low and a high end"] = { "lr", "log(1)" },
    ["is no range"] = { "lr", "uniform(2,1)" }, ["a range is of numbers"] = { "kind", "uniform(1,2)" },
    ["must be one of a, b"] = { "kind", "c" }, ["has no values"] = { "n", {} },
  } do
    lu.assertErrorMsgContains(text, d, given[1], given[2])
  end
  lu.assertErrorMsgContains("a grid needs values", space.grid, { d("lr", "log(1e-4,1)") })
end

-- On a function with one valley, the estimator comes nearer than chance; the same proposals again for the same results.
function TestSweep:test_tpe()
  local d = { space.dimension(experiment, "lr", "log(1e-4,1)"), space.dimension(experiment, "kind", "a,b") }
  local function best(kind, seed)
    local s, ended = search.new(kind, d, { seed = seed, max_trials = 40 }), {}
    for i = 1, 40 do
      local p = s.propose(i, ended)
      ended[i] = { number = i, parameters = p, value = math.abs(math.log(p.lr, 10) + 2.5) + (p.kind == "a" and 0.3 or 0) }
    end
    local mean = 0
    for i = 31, 40 do
      mean = mean + ended[i].value / 10
    end
    return mean, ended
  end
  local tpe, random = 0, 0
  for seed = 1, 10 do
    tpe, random = tpe + best("tpe", seed), random + best("random", seed)
  end
  lu.assertTrue(tpe < 0.6 * random, ("%g against %g"):format(tpe, random))
  local _, one = best("tpe", 3)
  local _, two = best("tpe", 3)
  lu.assertEquals(one, two)
end

function TestSweep:test_halving()
  lu.assertEquals(search.rungs(27), { 1, 3, 9, 27 })
  lu.assertEquals(search.rungs(1), { 1 })
  local rungs, trials = search.rungs(9), {}
  for i = 1, 6 do
    trials[i] = { number = i, rung = 1, values = { i }, state = "paused" }
  end
  local t, rung = search.promotion(trials, rungs)
  lu.assertEquals({ t.number, rung }, { 1, 2 })
  trials[1].rung, trials[1].values[2] = 2, 5
  lu.assertEquals(search.promotion(trials, rungs).number, 2)
  trials[2].state = "running"
  lu.assertNil(search.promotion(trials, rungs))
end

function TestSweep:test_summary()
  local trials = {}
  for i, v in ipairs { 1, 1.2, 3, 3.2, 5, 5.2 } do
    trials[i] = { parameters = { a = (i + 1) // 2, b = i % 2, seed = i }, value = v, state = "finished" }
  end
  trials[7] = { parameters = { a = 3, b = 1 }, state = "failed", error = "x" }
  local groups = summary.groups(trials, { "a" })
  lu.assertEquals({ #groups, groups[1].parameters.a, groups[1].count, groups[3].failed }, { 3, 1, 2, 1 })
  lu.assertAlmostEquals(groups[1].mean, 1.1, 1e-12)
  lu.assertAlmostEquals(groups[1].deviation, math.sqrt(0.02), 1e-12)
  -- between: 2 * ((1.1 - 3.1)^2 + 0 + (5.1 - 3.1)^2) = 16; in all: 16 + 6 * 0.01
  lu.assertAlmostEquals(summary.explained(trials, "a"), 16 / 16.06, 1e-12)
  lu.assertAlmostEquals(summary.explained(trials, "b"), 0.06 / 16.06, 1e-12)
  lu.assertNil(summary.explained(trials, "seed"))
end

local function run_in(script, arguments)
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  core.write_file(directory .. "/e.lua", script)
  local out, err, status = process.run(("cd '%s' && '%s' %s"):format(directory, nnlua, arguments))
  os.execute(("rm -r '%s'"):format(directory))
  return out, err, status
end

function TestSweep:test_trials_that_fail()
  local out, err, status = run_in([[
    local nn = require "nn"
    return nn.experiment{name = "e", params = {kind = 1}, run = function(p)
      if p.kind == 2 then error "boom" elseif p.kind == 3 then while true do end
      elseif p.kind == 4 then local t = {} for i = 1, 1e9 do t[i] = nn.ones(1000) end
      elseif p.kind == 5 then os.exit(3) elseif p.kind == 6 then return {other = 1} end
      return {loss = p.kind}
    end}
  ]], "sweep e.lua --set kind=1,2,3,4,5,6 --jobs 2 --seconds 3 --memory 100M")
  lu.assertEquals(status, 0, err)
  for _, text in ipairs { "e.lua:3: boom", "it took longer than 3 seconds", "not enough memory", "it ended with status 3 and no result",
    "its result has no number 'loss'" } do
    lu.assertStrContains(out, text)
  end
  lu.assertStrContains(err, "(6 trials, 6 sets of parameters)")
end

-- Killed on the way and started again: every trial once. (More of it: tests/faults/sweep.lua.)
function TestSweep:test_killed()
  local out, err, status = process.run(("'%s' tests/faults/sweep.lua 16 1"):format(nnlua))
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, "16 lines, 0 wrong")
end

local function in_directory(files, f)
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  for name, text in pairs(files) do
    core.write_file(directory .. "/" .. name, text)
  end
  f(directory, function(command)
    return process.run(("cd '%s' && nnlua() { '%s' \"$@\"; } && %s"):format(directory, nnlua, command))
  end)
  os.execute(("rm -r '%s'"):format(directory))
end

local tell = [[
  local nn = require "nn"
  local e = nn.experiment{name = "e", params = {width = 16, names = {{"x"}}, flags = {{true}}, tag = "t", x = 1.0}, run = function(p)
    return {loss = #p.names * 1000 + p.width + (p.names[1] == "a,b" and 0.5 or 0) + (p.flags[1] == false and 0.25 or 0)
      + (p.tag == "nan" and 0.125 or 0)}
  end}
]]

-- What a trial is given is what was said: other defaults, lists of strings with commas, false, strings that are words of JSON.
function TestSweep:test_what_trials_get()
  in_directory({ ["e.lua"] = tell .. "return e", ["s.lua"] = [[
    local nn = require "nn"
    local e = require "e"
    local s = nn.sweep{experiment = e:with{width = 64}, progress = false,
      set = {names = {{"a,b"}, {"c", "d"}}, flags = {{false}}, tag = {"nan"}}}
    print(s.trials[1].value, s.trials[2].value, s.best.value)
  ]] }, function(_, run)
    local out, err = run "nnlua s.lua"
    lu.assertEquals(out, "1064.875\t2064.375\t1064.875\n", err)
    out = run [[nnlua sweep e.lua --set "names={a,b},{c}" --set width=1,1,2]]
    lu.assertStrContains(out, "2001")
    lu.assertStrContains(out, "1002")
    lu.assertEquals(select(2, out:gsub("2001", "")), 1) -- the same value twice is one trial
  end)
end

-- A sweep is of one text; a file that sweeps when it is loaded does not begin sweeps in its trials without end.
function TestSweep:test_texts()
  in_directory({ ["e.lua"] = tell .. "return e", ["bomb.lua"] = tell .. "nn.sweep{experiment = e, set = {x = {1, 2}}, progress = false}"
    .. " return e" }, function(directory, run)
    run "nnlua sweep e.lua --set x=1,2"
    core.write_file(directory .. "/e.lua", tell .. "return e -- changed")
    local _, err = run "nnlua sweep --resume runs/e/sweep-1"
    lu.assertStrContains(err, "was changed (or is gone) since the sweep began")
    local out, why = run "nnlua bomb.lua --no-record"
    lu.assertStrContains(out .. why, "must not sweep when it is loaded")
    lu.assertNil(core.list_directory(directory .. "/runs/e/sweep-3"))
  end)
end

-- A trial that ends itself by a signal is not begun again; a figure that is nan is no best one.
function TestSweep:test_odd_ends()
  in_directory({ ["e.lua"] = [[
    local nn = require "nn"
    return nn.experiment{name = "e", params = {kind = 1}, run = function(p)
      if p.kind == 2 then os.execute "kill -TERM $PPID" while true do end end
      return {loss = p.kind == 3 and 0/0 or p.kind}
    end}]] }, function(directory, run)
    local out = run "nnlua sweep e.lua --set kind=1,2,3 --maximize loss"
    lu.assertStrContains(out, "it was ended by a signal")
    lu.assertStrContains(out, "loss is nan")
    lu.assertNotStrContains(out, "inf")
    -- left by a sweep that was killed, beyond its time
    core.write_file(directory .. "/late.lua", [[
      local nn = require "nn"
      return nn.experiment{name = "late", params = {kind = 1}, run = function() while true do end end}]])
    run "nnlua sweep late.lua --set kind=1 --seconds 1 & sleep 0.4; kill -9 $!; wait"
    out = run "nnlua sweep --resume runs/late/sweep-1"
    lu.assertStrContains(out, "it took longer than 1 seconds")
  end)
end

-- A search that learns keeps away from where trials fail.
function TestSweep:test_tpe_and_failures()
  local d = { space.dimension(experiment, "lr", "uniform(0,1)") }
  local failed = { tpe = 0, random = 0 }
  for kind in pairs(failed) do
    for seed = 1, 6 do
      local s, ended = search.new(kind, d, { seed = seed, max_trials = 40 }), {}
      for i = 1, 40 do
        local p = s.propose(i, ended)
        local bad = p.lr > 0.7
        failed[kind] = failed[kind] + (bad and 1 or 0)
        ended[i] = { number = i, parameters = p, value = bad and math.huge or (p.lr - 0.6) ^ 2 }
      end
    end
  end
  lu.assertTrue(failed.tpe < failed.random, ("%d against %d"):format(failed.tpe, failed.random))
end
