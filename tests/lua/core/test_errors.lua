-- What a beginner's wrong scripts say: file, line, operation, shapes, what to do.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestErrors = {}

local function says(text, ...)
  local _, err, status = process.script("local nn = require 'nn'\n" .. text, nil, "mlp.lua")
  lu.assertEquals(status, 1, err)
  local first = err:match "^[^\n]*"
  for _, want in ipairs { ... } do
    lu.assertStrContains(first, want)
  end
end

function TestErrors:test_wrong_shape()
  says("local m = nn.Linear(784, 256)\nm(nn.zeros(32, 100))", "mlp.lua:3:", "Linear(784, 256)", "100 features", "32x100")
end

function TestErrors:test_forgotten_flatten()
  says("local m = nn.Sequential(nn.Linear(784, 256), nn.ReLU())\nlocal y = m(nn.zeros(32, 28, 28))", "mlp.lua:3:",
    "Linear(784, 256): input has 28 features in its last dim (shape 32x28x28); flatten it first, e.g. x:flatten(2)")
end

function TestErrors:test_labels_from_zero()
  says("local y = nn.tensor{0, 1, 2}\nnn.CrossEntropyLoss()(nn.zeros(3, 10), y)", "mlp.lua:3:", "cross_entropy",
    "target 1 of 3 is 0", "classes count from 1 to 10", "y + 1")
end

function TestErrors:test_missing_file()
  says("nn.load('weights.safetensors')", "mlp.lua:2:", "weights.safetensors: No such file or directory")
end

function TestErrors:test_inplace_on_a_leaf()
  says("local w = nn.zeros{3, requires_grad = true}\nw:add_(1)", "mlp.lua:3:", "add_: a leaf that requires a gradient (shape 3)",
    "nn.no_grad(function() ... end)")
end

function TestErrors:test_float_labels()
  says("local y = nn.ones(3)\nnn.CrossEntropyLoss()(nn.zeros(3, 10), y)", "mlp.lua:3:", "targets are float32 (shape 3)",
    "int64", "y:to(\"int64\")")
end

function TestErrors:test_nil_option()
  says("local width\nlocal m = nn.Linear(784, width)", "mlp.lua:3:", "Linear: out_features is missing; it takes in_features, out_features")
end

function TestErrors:test_misspelt_option()
  says("local m = nn.Linear(784, 10)\nnn.optim.SGD(m:parameters(), {lr = 0.1, momentun = 0.9})", "mlp.lua:3:",
    "SGD: has no option 'momentun'; did you mean 'momentum'?")
end

function TestErrors:test_misspelt_layer()
  says("local m = nn.Sequential(\n  nn.Linaer(784, 10))", "mlp.lua:3:", "nn has no 'Linaer'; did you mean 'nn.Linear'?")
end

function TestErrors:test_wrong_dtype()
  says("local x = nn.zeros({2, 3}, {dtype = 'float64'})\nnn.matmul(x, nn.zeros(3, 4))", "mlp.lua:3:", "matmul",
    "the first matrix is float64 and the second is float32", "x:to(\"float32\")")
end

function TestErrors:test_backward_twice()
  says("local w = nn.ones{3, requires_grad = true}\nlocal loss = (w * w):sum()\nloss:backward()\nloss:backward()", "mlp.lua:5:",
    "backward", "freed by an earlier backward", "retain_graph = true")
end

function TestErrors:test_deep_inside_fit()
  says([[
local d = nn.data.tensors(nn.zeros(4, 3), nn.tensor{1, 2, 1, 2})
local m = nn.Linear(2, 2)
nn.train.fit{model = m, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(m:parameters()),
  train = d:loader{}, progress = "none"}]], "mlp.lua:", "Linear(2, 2): input has 3 features")
end

-- A message that is too long keeps both ends.
function TestErrors:test_long_names()
  local long = ("k"):rep(5000)
  local ok, why = pcall(nn.load, long)
  lu.assertFalse(ok)
  lu.assertStrContains(why, "load: kkk")
  lu.assertStrContains(why, "kkk ... kkk")
  lu.assertStrContains(why, "File name too long")
  ok, why = pcall(function()
    return nn.ones(1)[long]
  end)
  lu.assertFalse(ok)
  lu.assertNotStrContains(why, "did you mean")
end

function TestErrors:test_one_of_two_results_of_rng_state()
  local seed, counter = nn.rng_state()
  local first = nn.rand(3)
  nn.set_rng_state(seed, counter)
  lu.assertTrue(nn.rand(3):equal(first))
  lu.assertErrorMsgContains("takes both results of nn.rng_state()", nn.set_rng_state, seed)
end

function TestErrors:test_a_traceback_follows()
  local _, err = process.script("local nn = require 'nn'\nlocal function f() return nn.zeros(2):reshape(3) end\nf()")
  lu.assertStrContains(err, "stack traceback:")
end
