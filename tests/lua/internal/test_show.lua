-- How the prompt shows values, and its commands.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local show = require("nn.internal.show").show

TestShow = {}

local function lines(text)
  return select(2, (text .. "\n"):gsub("\n", ""))
end

function TestShow:test_tables()
  lu.assertEquals(show {}, "{}")
  lu.assertEquals(show { 1, 2.0, "a\nb", x = { true, y = 1e-3 }, [3.5] = false },
    '{1, 2.0, "a\\nb", [3.5] = false, x = {true, y = 0.001}}')
  local t = { 1 }
  t.me = t
  lu.assertEquals(show(t), "{1, me = {the table above}}")
  -- the same table twice is no cycle
  local shared = { 7 }
  lu.assertEquals(show { shared, shared }, "{{7}, {7}}")
  lu.assertEquals(show { { { { { 1 } } } } }, "{{{{{... 1}}}}}")
end

function TestShow:test_nothing_is_longer_than_a_screen()
  local long, wide, deep = {}, {}, {}
  for i = 1, 5000 do
    long[i], wide["key" .. i], deep[i] = i, ("x"):rep(50), { i, { i } }
  end
  for _, t in ipairs { long, wide, deep } do
    local text = show(t)
    lu.assertTrue(lines(text) <= 40, text)
    for line in text:gmatch "[^\n]+" do
      lu.assertTrue(#line <= 130, line)
    end
  end
  lu.assertStrContains(show(long), "4900 more, 5000 in all")
  lu.assertTrue(#show { ("y"):rep(100000) } < 400)
end

function TestShow:test_values_that_speak_for_themselves_or_cannot()
  lu.assertEquals(show(nn.Linear(2, 3)), tostring(nn.Linear(2, 3)))
  lu.assertEquals(show(setmetatable({ 1 }, { __tostring = function() return "mine" end })), "mine")
  local bad = setmetatable({}, { __tostring = function() error "no" end })
  lu.assertEquals(show { bad }, "{<table whose __tostring fails>}")
  lu.assertEquals(show { weights = nn.zeros(20, 3), few = nn.ones(2) },
    "{few = tensor([1., 1.], shape=2, float32), weights = tensor 20x3 float32}")
  lu.assertEquals(show(setmetatable({ 1 }, { __index = function() error "touched" end })), "{1}")
end

function TestShow:test_functions()
  lu.assertEquals(show(nn.softmax), "function nn.softmax(x, dim = -1)")
  lu.assertStrMatches(show(function(a, b, ...) return a, b, ... end), "function %(a, b, %.%.%.%)  %-%- .*test_show%.lua:%d+")
  lu.assertEquals(show(print), "function (...)  -- in C")
end

function TestShow:test_families()
  local text = show(nn.optim)
  lu.assertStrContains(text, "Adam ")
  lu.assertStrContains(text, "Kingma & Ba 2015")
  lu.assertStrContains(show(nn.data), "Fashion-MNIST (Xiao et al.")
  lu.assertStrContains(show(nn), "families")
  lu.assertNil(require("nn.internal.help").family { 1 })
end

local function session(input)
  return process.run(process.nnlua .. " -i", input)
end

function TestShow:test_lists_and_search()
  local out = session "?layers\n?losses\n?Adam\n?schedules\n??dropout\n??weight decay\n?loader\n?softmx\n??zzqq\n?\n"
  lu.assertStrMatches(out, ".*  Linear +A linear map.*")
  lu.assertStrContains(out, "  MSELoss ")
  lu.assertStrContains(out, "nn.optim.Adam(params, {lr = 0.001, betas = {0.9, 0.999}")
  lu.assertStrMatches(out, ".*StepLR +Lets the rate fall by gamma.*")
  lu.assertStrMatches(out, ".*> nn%.Dropout +While training.*") -- the name itself comes first
  lu.assertStrMatches(out, ".*nn%.optim%.AdamW +.*[wW]eight.*")
  lu.assertStrContains(out, "Dataset:loader(opts?)\nGives the samples in batches")
  lu.assertStrContains(out, "did you mean 'softmax'?")
  lu.assertStrContains(out, "??word searches")
  lu.assertStrContains(out, "nothing is written about 'zzqq'")
  out = session "?train.fitt\n?load_state_dict\n?optimizer.step\n"
  lu.assertStrContains(out, "did you mean 'train.fit'?")
  lu.assertStrContains(out, "Module:load_state_dict")
end

-- Each optimizer and schedule has a head, and an example that makes one. (test_examples.lua runs them.)
function TestShow:test_what_is_said_of_optimizers_and_schedules()
  local count = 0
  for _, family in ipairs { "optim", "sched" } do
    for name, f in pairs(nn[family]) do
      local help = require("nn.internal.contract").help[require("nn.internal.contract").original(f)]
      if help then
        local text = help()
        lu.assertStrContains(text, ("nn.%s.%s("):format(family, name))
        lu.assertStrMatches(text, (".*  > [^\n]* = nn%%.%s%%.%s%%(.*"):format(family, name))
        lu.assertNil(text:find("nil", 1, true), text)
        count = count + 1
      end
    end
  end
  lu.assertEquals(count, 22)
end

function TestShow:test_tab_knows_the_place()
  local complete = require "nn.prompt.complete"
  local function words(line)
    return table.concat((complete.candidates(line)), " ")
  end
  rawset(_G, "nn", nn)
  lu.assertEquals(words "?softm", "softmax softmin")
  lu.assertEquals(words "?optim.Adam", "Adam AdamW Adamax")
  lu.assertEquals(words "?laye", "layer_norm layers")
  lu.assertEquals(words "%tim", "time timeit")
  lu.assertEquals(words "%time nn.optim.Ada", "Adadelta Adagrad Adam AdamW Adamax")
  lu.assertEquals(words "%run tests/lua/internal/test_sh", "test_show.lua")
  lu.assertEquals(words "%debug o", "off on")
  lu.assertEquals(words "require 'nn.op", "nn.optim")
  lu.assertEquals(words "io.open('tests/lua/inter", "internal/")
  lu.assertEquals(words "nn.Lin", "Linear LinearRegression")
  lu.assertEquals(words "nn.op", "optim")
  lu.assertEquals(words "nn.Linear(3, 4, {b", "bias = ")
  lu.assertEquals(words "nn.GELU({approximate = '", "none tanh")
  lu.assertEquals(words "nn.Linear(3, 4, {init = 'he_n", "he_normal")
  lu.assertEquals(words "opt = nn.optim.Adam(m:parameters(), {l", "lr = ")
  lu.assertEquals(words "nn.sched.StepLR(opt, {step_size = 3, ", "gamma =  step_size = ")
  lu.assertEquals(words "nn.train.fit{model = f({1}), epo", "epochs = ")
  lu.assertEquals(words "print(math.flo", "floor")
  lu.assertEquals(words "('x'):upp", "") -- no name to look at
  for _, line in ipairs { "f(", "}}}{", "nn.nothing{a.", "", "-- nn.Lin", "1..", "x = x." } do
    lu.assertEquals(words(line), "", line)
  end
  rawset(_G, "net", nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
  lu.assertEquals(words "net[1].wei", "weight")
  lu.assertEquals(words "net:parameter", "parameter_count parameters")
  lu.assertEquals(words "net[1].weight.sha", "shape")
  rawset(_G, "net", nil)
  rawset(_G, "nn", nil)
end

function TestShow:test_the_last_results_are_kept()
  local out = session "1 + 1\n'two'\n{3}\n_1\n_ .. '!'\nnil\n_\n"
  lu.assertStrContains(out, "> {3}\n> two\n> two!\n> nil\n> two!\n")
end

function TestShow:test_commands()
  local out, err = session("%\nx = nn.ones(3, 4)\nnet = nn.Linear(3, 4)\nfunction f(a) return a end\n%who\n%time 1 + 1\n"
    .. "%timeit nn.ones(3):sum()\n%tme\n%time\n%time error 'oops'\n%mem\n%prof nn.ones(5, 5):inv()\n")
  lu.assertStrContains(out, "%timeit")
  lu.assertStrMatches(out, ".*x    tensor 3x4 float32 +48 bytes.*")
  lu.assertStrContains(out, "net  Linear, 16 parameters")
  lu.assertStrContains(out, "f    function f(a)")
  lu.assertStrMatches(out, ".*> 2\ntook %d.*")
  lu.assertStrMatches(out, ".*best of 7 rounds.*")
  lu.assertStrMatches(out, ".*tensors %d.*programs %d.*")
  lu.assertStrContains(out, "solve")
  lu.assertStrContains(err, "there is no command %tme; did you mean %time?")
  lu.assertStrContains(err, "e.g. %time")
  lu.assertStrContains(err, "oops")
end

function TestShow:test_a_script_runs_in_the_session()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write "made = {...}\nreturn nn.experiment{name = 'e', params = {a = 1}, run = function(p) ran = p.a return {} end}\n"
  f:close()
  local out = session(("%%run %s --a 5 --no-record\nran\nmade\n#arg\n"):format(path))
  os.remove(path)
  lu.assertStrContains(out, '> 5\n> {"--a", "5", "--no-record"}\n> 1\n')
end

-- ---- the user's frames ----

function TestShow:test_tracebacks_leave_the_library_out()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write "local nn = require 'nn'\nlocal function inner()\n  nn.train.fit{}\nend\nlocal function outer() inner() inner() end\nouter()\n"
  f:close()
  local _, err, status = process.run(process.nnlua .. " " .. path)
  local _, all = process.run("NNLUA_TRACEBACK=all " .. process.nnlua .. " " .. path)
  os.remove(path)
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, ":3: in upvalue 'inner'")
  lu.assertStrContains(err, ":6: in main chunk")
  lu.assertNotStrContains(err, "train.lua")
  lu.assertStrContains(all, "train.lua")
  -- at the prompt a slip of the fingers is one line
  local _, slip = session "nn.lineer(3)\nx.y = 2\n"
  lu.assertEquals(slip, "stdin:1: nn has no 'lineer'; did you mean 'nn.Linear'?\nstdin:1: attempt to index a nil value (global 'x')\n"
    .. "  x.y = 2\n  ^\n")
end
