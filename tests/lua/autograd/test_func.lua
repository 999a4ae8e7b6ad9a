-- nn.func: derivatives of functions.

local lu = require "luaunit"
local nn = require "nn"

local f64 = { dtype = "float64" }
local function close(a, b, bound)
  lu.assertTrue((a - b):abs():max():item() <= (bound or 1e-12), ("%s is not %s"):format(tostring(a), tostring(b)))
end

TestFunc = {}

local function f(x)
  return (x * x * nn.tensor({ 1.0, 2.0, 3.0 }, f64)):cumsum()
end

function TestFunc:test_vjp_and_jvp()
  local x, t = nn.randn({ 3 }, f64), nn.randn({ 3 }, f64)
  local j = nn.func.jacobian(f, x)
  local y, pull = nn.func.vjp(f, x)
  close(y, f(x))
  local v = nn.randn({ 3 }, f64)
  close(pull(v), v:matmul(j))
  local y2, tangent = nn.func.jvp(f, { x }, { t })
  close(y2, f(x))
  close(tangent, j:matmul(t))
end

function TestFunc:test_jacobian_and_hessian()
  local x = nn.randn({ 3 }, f64)
  local w = nn.tensor({ 1.0, 2.0, 3.0 }, f64)
  close(nn.func.jacobian(f, x), nn.ones({ 3, 3 }, f64):tril() * (x * w * 2))
  local h = nn.func.hessian(function(z)
    return (z * z * z):sum() + z[1] * z[2]
  end, x)
  local want = nn.diag(x * 6)
  want[{ 1, 2 }], want[{ 2, 1 }] = 1, 1
  close(h, want)
  lu.assertEquals(tostring(nn.func.jacobian(function(z)
    return z:sum(1)
  end, nn.zeros(2, 3)).shape), "3x2x3")
  close(nn.func.hessian(function(z)
    return z:sum()
  end, x), nn.zeros({ 3, 3 }, f64))
end

function TestFunc:test_wrong_arguments()
  for _, name in ipairs { "vjp", "jvp", "jacobian", "hessian", "vmap" } do
    lu.assertErrorMsgMatches(".*" .. name .. ": .* must be a function, but is the number 3", nn.func[name], 3, nn.ones(2))
  end
  lu.assertErrorMsgContains("checkpoint: the first argument must be a function", nn.checkpoint, 3)
  lu.assertErrorMsgContains("detect_anomaly: the first argument must be a function", nn.autograd.detect_anomaly)
  lu.assertErrorMsgContains("1 primals do not go with 2 tangents", nn.func.jvp, f, { nn.ones(3) }, { nn.ones(3), nn.ones(3) })
  lu.assertErrorMsgContains("model must be a model or layer, but is nil", nn.func.per_sample_gradients)
  lu.assertErrorMsgContains("did you mean 'jacobian'?", function() return nn.func.jakobian end)
  lu.assertErrorMsgContains("did you mean 'Function'?", function() return nn.autograd.Funktion end)
end

function TestFunc:test_vmap_and_per_sample_gradients()
  local a, b = nn.randn(4, 3), nn.randn(3, 4)
  close(nn.func.vmap(nn.dot, { 1, 2 })(a, b), (a * b:t()):sum(2), 1e-6)
  local model = nn.Linear(3, 2)
  local x, y = nn.randn(5, 3), nn.tensor({ 1, 2, 1, 2, 1 })
  local loss = nn.CrossEntropyLoss()
  local per = nn.func.per_sample_gradients(model, loss, x, y)
  lu.assertEquals(tostring(per.weight.shape), "5x2x3")
  loss(model(x), y):backward()
  close(per.weight:mean(1), model.weight.grad, 1e-6)
end

-- Within a compiled function, too: an argument is not changed by being differentiated.
function TestFunc:test_within_compiled_functions()
  local function cube(w)
    return (w ^ 3):sum()
  end
  local step = nn.compile(function(x)
    local _, pull = nn.func.vjp(cube, x)
    return nn.func.hessian(cube, x), nn.func.jacobian(cube, x), pull(nn.ones {})
  end)
  for i = 1, 3 do
    local x = nn.full({ 2 }, i + 0.0)
    local hessian, jacobian, pulled = step(x)
    lu.assertEquals(hessian:totable(), { { 6 * i, 0 }, { 0, 6 * i } })
    lu.assertEquals(jacobian:totable(), { 3 * i * i, 3 * i * i })
    lu.assertEquals(pulled:totable(), { 3 * i * i, 3 * i * i })
  end
  lu.assertErrorMsgContains("only float tensors can have gradients", nn.func.hessian, cube, nn.tensor { 1, 2 })
end
