-- nnlua check, test, doc and completion, and nn.testing.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestTools = {}

-- Runs nnlua in a new directory with these files; {text, errors, status}.
local function in_directory(files, command)
  local dir = os.tmpname()
  os.remove(dir)
  os.execute("mkdir -p " .. dir .. "/tests")
  for name, text in pairs(files) do
    local f = assert(io.open(dir .. "/" .. name, "w"))
    f:write(text)
    f:close()
  end
  local program = process.nnlua:sub(1, 1) == "/" and process.nnlua or (io.popen("pwd"):read "l" .. "/" .. process.nnlua)
  local out, err, status = process.run(("cd %s && %s %s"):format(dir, program, command))
  os.execute("rm -r " .. dir)
  return out, err, status
end

-- ---- check ----

function TestTools:test_check_finds()
  local out, _, status = in_directory({ ["a.lua"] = [[
#!/usr/bin/env nnlua
local nn = require "nn"
local optim = require "nn.optim"
local Conv = nn.Conv2d
local model = nn.Sequential(nn.Linaer(4, 8), nn.Linear(8, 2, {bais = false, init = "he_norml"}))
local opt = optim.Adma(model:parameters(), {lr = 1})
local layers = {Conv(1, 2, 3, {paddding = 1}), nn.GELU{approximate = "tnh"}}
for i = 1, 3 do
  prnt(i, Linear(3, 4))
end
function helper() return helper2() end
nn.train.fit{model = model, optimiser = opt,
  metrics = {"accuracy"}}
nn.mine = 5
local t = {lr = 1, nn = {Linaer = 2}}
return t.nn.Linaer, layers
]] }, "check a.lua")
  lu.assertEquals(status, 1)
  lu.assertEquals(out, [[
a.lua:5: nn has no 'Linaer'; did you mean 'nn.Linear'?
a.lua:5: nn.Linear has no option 'bais'; did you mean 'bias'?
a.lua:5: nn.Linear: init = "he_norml" is none of its choices; did you mean "he_normal"?
]] .. out:match "a.lua:6: nn.optim has no 'Adma'; did you mean 'Adam'%?[^\n]*\n" .. [[
a.lua:7: nn.Conv2d has no option 'paddding'; did you mean 'padding'?
a.lua:7: nn.GELU: approximate = "tnh" is none of its choices; did you mean "tanh"?
a.lua:9: nobody defines 'Linear'; did you mean 'nn.Linear'?
a.lua:9: nobody defines 'prnt'; did you mean 'print'?
a.lua:11: nobody defines 'helper2'; did you mean 'helper'?
a.lua:12: nn.train.fit has no option 'optimiser'; did you mean 'optimizer'?
]])
end

-- What the documentation shows is right: no option in it is taken for a mistake.
function TestTools:test_check_of_the_documentation()
  local check, pieces = require "nn.tool.check", 0
  local list = assert(io.popen "ls README.md docs/guide/*.md docs/reference/*.md")
  for path in list:lines() do
    local file = assert(io.open(path))
    for piece in file:read("a"):gmatch "```lua\n(.-)```" do
      pieces = pieces + 1
      check.names(piece:gsub("%f[^\n\0]>>? ", ""), function(line, what)
        if what:find "option" or what:find "choices" then
          lu.fail(("%s: line %d of %s: %s"):format(path, line, piece, what))
        end
      end)
    end
    file:close()
  end
  list:close()
  lu.assertTrue(pieces > 500, pieces)
end

function TestTools:test_check_of_options()
  local out = in_directory({ ["a.lua"] = [[
local nn = require "nn"
local x = nn.randn(1, 1, 5, 5)
nn.conv2d(x, nn.ones(1, 1, 3, 3), {bias = nn.ones(1)})
nn.scaled_dot_product_attention(x, x, x, {attn_mask = nn.ones(5, 5)})
nn.dropout(x, {p = 0.1, training = false, generator = nn.Generator(1)})
nn.layer_norm(x, {5}, {weight = nn.ones(5)})
nn.io.npz("x", {a = nn.zeros(1)})
nn.io.npz("x", {a = nn.zeros(1)}, {compres = true})
nn.nll_loss(nn.zeros(2, 3), nn.tensor {1, 2}, {wieght = nn.ones(3)})
]] }, "check a.lua")
  lu.assertEquals(out, "a.lua:8: nn.io.npz has no option 'compres'; did you mean 'compress'?\n"
    .. "a.lua:9: nn.nll_loss has no option 'wieght'; did you mean 'weight'?\n")
end

function TestTools:test_check_of_odd_files()
  local files = { ["syntax.lua"] = "local x = = 1\n", ["binary.lua"] = "\27Lua\0\1\2", ["empty.lua"] = "", ["open.lua"] = "x = {{{ nn.Linear(",
    ["noise.lua"] = ("\255\0[[("):rep(50), ["no.lua"] = "x = nn.ones(3)\n" }
  local out, err, status = in_directory(files, "check syntax.lua binary.lua empty.lua open.lua noise.lua no.lua gone.lua")
  lu.assertEquals({ err, status }, { "", 1 })
  lu.assertStrContains(out, "syntax.lua:1: unexpected symbol near '='\n")
  lu.assertStrContains(out, "gone.lua: gone.lua: No such file")
  lu.assertStrContains(out, "no.lua:1: nobody defines 'nn'; begin with: local nn = require \"nn\"\n")
  lu.assertNotStrContains(out, "empty.lua")
  lu.assertStrContains(out, "binary.lua:")
end

-- Functions with more constants than an instruction can name.
function TestTools:test_check_of_long_functions()
  local lines = {}
  for i = 1, 150 do
    lines[#lines + 1] = ("local a%d = 's%d'"):format(i, i)
  end
  for i = 1, 300 do
    lines[#lines + 1] = ("print('t%d')"):format(i)
  end
  lines[#lines + 1] = "set_here = 1 print(set_here) pritn('oops')"
  local out = in_directory({ ["long.lua"] = table.concat(lines, "\n") }, "check long.lua")
  lu.assertEquals(out, "long.lua:451: nobody defines 'pritn'; did you mean 'print'?\n")
  out = in_directory({ ["a.lua"] = "print(math.flor(2), string.format('x'), jit, unpack)\nlocal t = {flag = True}\nreturn t" }, "check a.lua")
  lu.assertEquals(out, "a.lua:1: math has no 'flor'; did you mean 'math.floor'?\na.lua:2: nobody defines 'True'; Lua's word is true\n")
  out = in_directory({ ["bom.lua"] = "\xef\xbb\xbfprint(1)" }, "check bom.lua tests")
  lu.assertStrContains(out, "tests: ")
  lu.assertNotStrContains(out, "bom.lua:")
end

-- Whatever runs in this repository has nothing wrong with it.
function TestTools:test_check_finds_nothing_in_our_scripts()
  local out, err, status = process.run(process.nnlua .. " check experiments/*.lua scripts/*.lua scripts/lecture/*.lua docs/guide/*.lua")
  lu.assertEquals({ err, status }, { "", 0 }, out)
  lu.assertStrContains(out, "files: nothing found")
end

function TestTools:test_check_runs_one_batch()
  local script = [[
local nn = require "nn"
local data = nn.data.moons{n = 40}
local model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, %d))
nn.train.fit{model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}),
  train = data:loader{batch_size = 10}, epochs = 1000000}
error "not reached"
]]
  local out, err, status = in_directory({ ["a.lua"] = script:format(2) }, "--seed 1 check --run a.lua")
  lu.assertEquals({ err, status }, { "", 0 })
  lu.assertStrContains(out, "the first batch: x 10x2 float32, y 10 int64\n  input  10x2 float32\n  1      10x8 float32")
  lu.assertStrContains(out, "gradients reach all 4 parameters")
  out, err, status = in_directory({ ["a.lua"] = script:format(1) }, "check --run a.lua")
  lu.assertEquals(status, 1, out)
  lu.assertStrContains(err, "a.lua:4")
  -- a loop by hand, with a layer that gets no gradient
  out, err, status = in_directory({ ["b.lua"] = [[
local nn = require "nn"
local a, b = nn.Linear(2, 1), nn.Linear(2, 1)
local params = a:parameters()
for _, p in ipairs(b:parameters()) do params[#params + 1] = p end
local opt = nn.optim.SGD(params, {lr = 0.1})
while true do a(nn.ones(3, 2)):sum():backward() opt:step() end
]] }, "check --run b.lua")
  lu.assertEquals({ err, status }, { "", 1 })
  lu.assertStrContains(out, "the first update: 2 of 4 parameters got no gradient")
  out = in_directory({ ["c.lua"] = "print('hello', ...)" }, "check --run c.lua -- 5")
  lu.assertStrContains(out, "hello\t5\nthe script ended without an update")
end

-- ---- test ----

function TestTools:test_test()
  local files = { ["mine.lua"] = "return {two = function() return 2 end}", ["tests/helper.lua"] = "return {three = 3}",
    ["tests/test_a.lua"] = [[
local nn = require "nn"
local mine, helper = require "mine", require "helper"
TestA = {}
function TestA:test_two() nn.testing.assert_close(nn.tensor{2.0}, {mine.two()}) end
function TestA:test_three() lu.assertEquals(helper.three, 3) end
]], ["b_test.lua"] = "TestB = {} function TestB:test_wrong() lu.assertEquals(1, 2) end", ["other.lua"] = "error 'is no test'" }
  local out, _, status = in_directory(files, "test")
  lu.assertEquals(status, 0, out)
  lu.assertStrContains(out, "2 successes")
  out, _, status = in_directory(files, "test .")
  lu.assertEquals(status, 1)
  lu.assertStrContains(out, "TestB.test_wrong")
  out, _, status = in_directory(files, "test . -p three -v")
  lu.assertEquals(status, 0, out)
  lu.assertStrContains(out, "1 success")
  -- a suite that runs itself when it is run alone
  files["tests/test_a.lua"] = files["tests/test_a.lua"] .. "os.exit(require('luaunit').LuaUnit.run('-o', 'nil'), true)\n"
  out, _, status = in_directory(files, "test .")
  lu.assertEquals(status, 1)
  lu.assertStrContains(out, "Ran 3 tests")
  local _, err
  _, err, status = in_directory({ ["tests/test_b.lua"] = "local TestX = {}" }, "test")
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "no suite in tests/test_b.lua")
  _, err, status = in_directory({}, "test")
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "there is no test_*.lua in tests")
end

-- ---- nn.testing ----

function TestTools:test_assertions()
  local t = nn.testing
  t.assert_close(nn.tensor { 1.0, 2.0 }, { 1.0, 2.000001 })
  t.assert_close(nn.tensor { math.huge, -math.huge }, { math.huge, -math.huge })
  t.assert_close(nn.zeros(0, 3), nn.zeros(0, 3))
  t.assert_close(2, 2)
  t.assert_close(nn.tensor { 0 / 0 }, nn.tensor { 0 / 0 }, { equal_nan = true })
  t.assert_close(nn.ones(2), nn.ones(2, { dtype = "float64" }), { check_dtype = false })
  local w = nn.ones(2, { requires_grad = true })
  t.assert_close(w, nn.ones(2))
  for _, case in ipairs {
    { "2 of 4 elements differ; the largest difference is 3 at [{2, 1}]: 6 is not 3", nn.tensor { { 1.0, 2.5 }, { 6.0, 4.0 } },
      nn.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } } },
    { "the shape is 2, but should be 1x2", nn.ones(2), nn.ones(1, 2) },
    { "the dtype is float32, but should be float64", nn.ones(2), nn.ones(2, { dtype = "float64" }) },
    { "1 of 1 elements differ", nn.tensor { 0 / 0 }, nn.tensor { 0 / 0 } },
    { "inf is not -inf", nn.tensor { math.huge }, nn.tensor { -math.huge } },
    { "inf is not 1", nn.tensor { math.huge }, nn.tensor { 1.0 } },
    { "1 is not inf", nn.tensor { 1.0 }, nn.tensor { math.huge } },
    { "actual must be a tensor", print, nn.ones(2) },
    { "differ", nn.tensor { 1 }, nn.tensor { 2 } },
    { "differ", nn.tensor { true }, nn.tensor { false } },
    { "2.5", nn.tensor { 2 }, { 2.5 } },
    { "differ", nn.tensor { true }, { 2 } },
    { "257", nn.tensor({ 1 }, { dtype = "uint8" }), { 257 } },
    { "inf is not 1", nn.tensor { 1 / 0 }, { 1e300 } },
    { "differ", nn.tensor { 9007199254740993 }, nn.tensor { 9007199254740992 } },
    { "differ", nn.tensor { math.maxinteger }, nn.tensor { math.maxinteger - 100 } },
  } do
    lu.assertErrorMsgContains(case[1], t.assert_close, case[2], case[3])
  end
  t.assert_equal(nn.arange(3), { 0, 1, 2 })
  lu.assertErrorMsgContains("assert_equal: 1 of 1", t.assert_equal, nn.tensor { 1.0 }, { 1.0000001 })
  lu.assertErrorMsgContains("differ", t.assert_equal, 16777217.0, 16777216.0)
  lu.assertErrorMsgContains("atol", t.assert_close, 1, 1, { atol = -1 })
  t.assert_shape(nn.ones(2, 3), { -1, 3 })
  t.assert_shape(nn.tensor(1), {})
  lu.assertErrorMsgContains("is 2x3, but should be 2xanyx3", t.assert_shape, nn.ones(2, 3), { 2, -1, 3 })
  t.assert_error("do not multiply", nn.matmul, nn.ones(2), nn.ones(3))
  lu.assertErrorMsgContains("there was no error", t.assert_error, "x", function() end)
  lu.assertErrorMsgContains("but says: y", t.assert_error, "x", error, "y")
end

-- ---- doc, completion, man ----

function TestTools:test_doc()
  local out = process.run(process.nnlua .. " doc softmax nn.optim.Adam")
  lu.assertStrContains(out, "softmax(x, dim = -1) -> tensor")
  lu.assertStrContains(out, "nn.optim.Adam(params, {lr = 0.001")
  out = process.run(process.nnlua .. " doc --search weight decay")
  lu.assertStrContains(out, "nn.optim.AdamW")
  local dir = os.tmpname()
  os.remove(dir)
  out = process.run(("DISPLAY= WAYLAND_DISPLAY= BROWSER= XDG_CACHE_HOME=%s %s doc"):format(dir, process.nnlua))
  lu.assertEquals(out, dir .. "/nnlua/reference.html\n")
  local f = assert(io.open(dir .. "/nnlua/reference.html"))
  local page = f:read "a"
  f:close()
  os.execute("rm -r " .. dir)
  local ids, count = {}, 0
  for id in page:gmatch '<article id="([^"]+)"' do
    lu.assertNil(ids[id], id)
    ids[id], count = true, count + 1
  end
  lu.assertTrue(count >= 800, count)
  for target in page:gmatch 'href="#([^"]+)"' do
    lu.assertNotNil(ids[target], target)
  end
  lu.assertEquals(select(3, process.run(process.nnlua .. " doc optim.Adm")), 1)
  local _, err, status = process.run(process.nnlua .. " doc --html /nonexistent/x.html")
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "/nonexistent/x.html: No such file or directory")
end

function TestTools:test_completion()
  local function words(line)
    return " " .. process.run(("%s completion words %s"):format(process.nnlua, line)):gsub("\n", " ")
  end
  lu.assertStrContains(words "''", " check ")
  lu.assertStrContains(words "check --", " --run ")
  lu.assertStrContains(words "--t", " --threads ")
  for _, shell in ipairs { "bash", "zsh", "fish" } do
    local out = process.run(process.nnlua .. " completion " .. shell)
    lu.assertStrContains(out, "completion words")
    if os.execute("command -v " .. shell .. " >/dev/null") then
      local f = os.tmpname()
      local h = assert(io.open(f, "w"))
      h:write(out)
      h:close()
      lu.assertTrue(os.execute(("%s -n %s"):format(shell, f)), shell)
      os.remove(f)
    end
  end
end

-- Every word is in --help, and each says how it is used.
function TestTools:test_words()
  local help = process.run(process.nnlua .. " --help")
  for word in pairs(require("nn.tool.main").words) do
    lu.assertNotNil(help:find("%f[%w]" .. word .. "%f[^%w]"), word)
    local out, err, status = process.run(("%s %s --help"):format(process.nnlua, word))
    lu.assertEquals({ err, status }, { "", 0 }, word)
    lu.assertStrContains(out, "usage: ")
  end
end
