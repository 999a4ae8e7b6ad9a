-- nn.experiment: parameters from tables and from the command line, calls, nested runs, what a run's directory holds.

local core = require "nn.core"
local lu = require "luaunit"
local nn = require "nn"
local plain = require "nn.lab.plain"
local process = require "process"

TestExperiment = {}

local nnlua = core.real_path(process.nnlua)

local function depth()
  return nn.experiment {
    name = "depth", doc = "a doc",
    params = {
      depth = { 3, doc = "layers", min = 1, max = 9 }, lr = 0.5, init = { "a", choices = { "a", "bee" } }, flag = false,
      hidden = { { 4, 5 }, min = 1 }, name_it = "x",
    },
    run = function(p, run)
      run:log { loss = p.lr, draw = nn.rand(1):item() }
      return { depth = p.depth, lr = p.lr, flag = p.flag, hidden = p.hidden, draw = nn.rand(1):item(), init = p.init }
    end,
  }
end

function TestExperiment:test_calls()
  local d = depth()
  lu.assertEquals(d {}.depth, 3)
  local r, run = d { depth = 4, lr = 1, hidden = { 7 } }
  lu.assertEquals({ r.depth, r.lr, r.hidden }, { 4, 1.0, { 7 } })
  lu.assertEquals(math.type(r.lr), "float")
  lu.assertEquals(#run.history, 1)
  lu.assertEquals(d { seed = 5 }.draw, d { seed = 5 }.draw)
  lu.assertNotEquals(d { seed = 5 }.draw, d { seed = 6 }.draw)
  lu.assertEquals(d:with({ depth = 8 }) {}.depth, 8)
  lu.assertEquals(d {}.depth, 3)
  lu.assertStrContains(tostring(d), "Experiment depth(depth = 3, ")
  for text, given in pairs {
    ["no parameter 'dept'; did you mean 'depth'?"] = { dept = 1 }, ["'depth' must be at least 1, but is 0"] = { depth = 0 },
    ["'depth' must be at most 9, but is 10"] = { depth = 10 }, ["'depth' must be an integer, but is the number 1.5"] = { depth = 1.5 },
    ["'init' must be one of a, bee, but is be; did you mean 'bee'?"] = { init = "be" },
    ["'flag' must be true or false"] = { flag = 1 }, ["'hidden' must be at least 1, but is 0"] = { hidden = { 3, 0 } },
    ["'lr' must be a number, but is nan"] = { lr = 0 / 0 }, ["'hidden' must be a list"] = { hidden = { a = 1 } },
  } do
    lu.assertErrorMsgContains(text, d, given)
  end
  lu.assertErrorMsgContains("no parameter 'deph'; did you mean 'depth'?", nn.experiment {
    name = "a", params = { depth = 1 }, run = function(p)
      return { x = p.deph }
    end,
  }, {})
end

function TestExperiment:test_declarations()
  local function declare(params)
    return function()
      nn.experiment { name = "a", params = params, run = print }
    end
  end
  for text, params in pairs {
    ["has no setting 'mim'; did you mean 'min'?"] = { a = { 1, mim = 2 } }, ["has no default"] = { a = { doc = "x" } },
    ["'a' must be at least 2, but is 1"] = { a = { 1, min = 2 } }, ["cannot be called so: --out"] = { out = 1 },
    ["'a' must be one of"] = { a = { "x", choices = { "y" } } }, ["needs a name of letters"] = { ["a-b"] = 1 },
    ["has no choices"] = { a = { 1, choices = {} } },
  } do
    lu.assertErrorMsgContains(text, declare(params))
  end
  lu.assertErrorMsgContains("needs a name", nn.experiment, { run = print })
  lu.assertErrorMsgContains("needs run =", nn.experiment, { name = "a" })
end

local script = [[
local nn = require "nn"
local inner = nn.experiment{name = "inner", params = {n = 1}, run = function(p, run)
  run:log{n = p.n}
  return {value = p.n * 10 + nn.rand(1):item()}
end}
return nn.experiment{
  name = "outer", doc = "calls another", params = {n = 2, flag = true, list = {{1, 2}}, fail = false},
  run = function(p, run)
    local sum, before = 0, nn.rand(1):item()
    for i = 1, p.n do
      sum = sum + inner{n = i}.value
      run:log{i = i, sum = sum, nothing = 0/0}
    end
    print("printed", p.flag)
    io.write("written ", #p.list, "\n")
    local f = assert(io.open(run:file "own/data.txt", "w"))
    f:write "own"
    f:close()
    run:figure("line", function(file) local g = assert(io.open(file, "w")) g:write "png" g:close() end)
    if p.fail then error "it fails" end
    return {sum = sum, before = before, after = nn.rand(1):item(), t = nn.ones(1), v = nn.ones(2), bad = 0/0}
  end,
}
]]

local function with_directory(f)
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  core.write_file(directory .. "/outer.lua", script)
  f(directory, function(arguments)
    return process.run(("cd '%s' && '%s' %s"):format(directory, nnlua, arguments))
  end)
  os.execute(("rm -r '%s'"):format(directory))
end

function TestExperiment:test_a_run_is_a_directory()
  with_directory(function(directory, run)
    local out, err, status = run "outer.lua --n 3 --no-flag --list 4,5,6 --seed 7"
    lu.assertEquals(status, 0, err)
    lu.assertStrContains(out, "printed\tfalse\nwritten 3\n")
    local place = directory .. "/" .. err:match "run: (%S+)"
    local about, result = plain.read(place .. "/run.json"), plain.read(place .. "/result.json")
    lu.assertEquals(about.parameters, { n = 3, flag = false, list = { 4, 5, 6 }, fail = false, seed = 7 })
    lu.assertEquals({ result.state, result.result.t, result.result.v }, { "finished", 1, { 1, 1 } })
    lu.assertNotEquals(result.result.bad, result.result.bad)
    local rows = require("nn.lab.index").history(place)
    lu.assertEquals({ #rows, rows[3].i, rows[3].sum }, { 3, 3, result.result.sum })
    lu.assertNotEquals(rows[1].nothing, rows[1].nothing)
    local function text(name)
      local f = assert(io.open(place .. "/" .. name))
      local all = f:read "a"
      f:close()
      return all
    end
    lu.assertEquals(text "script.lua", script)
    lu.assertEquals(text "log.txt", "printed\tfalse\nwritten 3\n")
    lu.assertEquals({ text "own/data.txt", text "figures/line.png" }, { "own", "png" })
    lu.assertEquals(core.list_directory(place .. "/runs"), { "inner", "inner+2", "inner+3" })
    lu.assertEquals(plain.read(place .. "/runs/inner+2/result.json").state, "finished")
    -- what it draws does not depend on those that it calls
    local _, other = run "outer.lua --n 1 --seed 7"
    local second = plain.read(directory .. "/" .. other:match "run: (%S+)" .. "/result.json")
    lu.assertEquals(second.result.after, result.result.after)
    -- one that fails says so, with the user's lines
    local _, why, failed = run "outer.lua --fail"
    lu.assertEquals(failed, 1)
    lu.assertStrContains(why, "outer.lua:20: it fails")
    lu.assertNotStrContains(why, "nn/lab")
    lu.assertEquals(plain.read(directory .. "/" .. why:match "run: (%S+)" .. "/result.json").state, "failed")
    out = run "runs --json"
    lu.assertEquals(#core.json_decode(out), 3)
    lu.assertStrContains(run "runs --where \"n > 2\"", "finished")
    lu.assertEquals(run "runs --where \"n > 20\"", "no run is like that\n")
    local _, unknown = run "runs --where \"nn > 2\" --sort=-n"
    lu.assertStrContains(unknown, "no run has 'nn'; did you mean 'n'?")
    lu.assertEquals(select(2, run "runs --where \"n > 2 and state == 'finished'\" --sort=-n"), "")
    local _, wrong = run "runs --where \"n >\""
    lu.assertStrContains(wrong, "is no expression")
    lu.assertStrContains(run "list .", "outer.lua  calls another\n  --fail false --flag true --list 1,2 --n 2 --seed 1")
  end)
end

-- The type stands once, and what is beside it is what the word does not say.
function TestExperiment:test_help_says_the_type_once()
  local e = nn.experiment { name = "e", params = { n = 3, lr = { 0.1, min = 0, doc = "step" } }, run = function() end }
  local text = require("nn.lab.command").help(e, "e.lua")
  lu.assertStrContains(text, "--n INTEGER     default: 3\n")
  lu.assertStrContains(text, "--lr NUMBER     step; at least 0 (default: 0.1)\n")
end

function TestExperiment:test_command_line()
  with_directory(function(_, run)
    for text, arguments in pairs {
      ["'n' must be an integer, but is 'x'"] = "--n x", ["--n needs a value"] = "--n", ["'y' is no option"] = "y",
      ["has no parameter 'lits'; did you mean 'list'?"] = "--lits 3", ["must be true or false, but is 'maybe'"] = "--flag=maybe",
    } do
      local _, err, status = run("outer.lua " .. arguments)
      lu.assertEquals(status, 1)
      lu.assertStrContains(err, text)
      lu.assertNotStrContains(err, "traceback")
    end
    local out, _, status = run "outer.lua --help"
    lu.assertEquals(status, 0)
    lu.assertStrContains(out, "--flag, --no-flag")
    local _, err = run "outer.lua --no-record --n 0"
    lu.assertNotStrContains(err, "run:")
    out = run "list; ls"
    lu.assertNotStrContains(out, "runs")
    for _, words in ipairs { "compare", "diff a", "sweep", "resume", "new", "runs a b", "runs --wher x", "compare x y",
      "sweep none.lua", "resume nowhere" } do
      local _, why, code = run(words)
      lu.assertEquals(code, 1, words)
      lu.assertNotStrContains(why, "traceback", false, words)
      lu.assertNotStrContains(why, "nn/lab", false, words)
    end
  end)
end

-- Tab in a shell, as bash asks for it.
function TestExperiment:test_completion()
  with_directory(function(directory, run)
    lu.assertStrContains(run "completion words ''", "board check compare completion diff doc list new")
    lu.assertStrContains(run "completion words outer.lua --", "--fail --no-fail --flag --no-flag --list --n --seed")
    lu.assertEquals(run "completion words sweep outer.lua --search ''", "grid random tpe halving\n")
    lu.assertEquals(run "completion words sweep outer.lua --set ''", "fail= flag= list= n= seed=\n")
    core.write_file(directory .. "/c.lua", [[
      print "noise"
      return require("nn").experiment{name = "c", params = {init = {"a", choices = {"a", "bee"}}}, run = print}
    ]])
    lu.assertEquals(run "completion words c.lua --init ''", "a bee\n")
    local out = process.run(("cd '%s' && PATH='%s':$PATH bash -c 'source <(nnlua completion bash); COMP_WORDS=(nnlua outer.lua --f); "
      .. "COMP_CWORD=2; _nnlua; echo ${COMPREPLY[@]}'"):format(directory, nnlua:match "^(.*)/"))
    lu.assertEquals(out, "--fail --flag\n")
  end)
end

-- In the sandbox: nothing is recorded, or only where writing is allowed.
function TestExperiment:test_sandbox()
  with_directory(function(directory, run)
    core.write_file(directory .. "/s.lua", [[
      local nn = require "nn"
      return nn.experiment{name = "s", run = function(p, run)
        run:log{loss = 1}
        run:figure("a", function(file) assert(file == nil) end)
        return {loss = 2}
      end}
    ]])
    local out, err = run "--sandbox s.lua"
    lu.assertEquals(out, "s: loss 2\n", err)
    lu.assertFalse(core.is_directory(directory .. "/runs"))
    core.make_directory(directory .. "/w")
    out, err = run "--sandbox --allow-write w s.lua --out w"
    lu.assertEquals(out, "s: loss 2\n", err)
    lu.assertEquals(require("nn.lab.index").runs(directory .. "/w")[1].state, "finished")
  end)
end
