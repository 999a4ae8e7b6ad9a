-- nn.init: initializers. Each fills a tensor in place and returns it; those with settings take them in one last table,
-- e.g. init.he_normal_(w, {mode = "fan_out"}). For a weight, dim 1 is the outputs, dim 2 the inputs. (nn itself is in
-- ../nn.lua.)

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

---Gives fan_in and fan_out of a weight: the numbers of inputs and outputs of a unit: its second and first dim, times the
---receptive field of the dims after.
---@param weight nn.Tensor
---@return integer fan_in, integer fan_out
---example:
---  > nn.init.fans(nn.zeros(10, 4))
---  4	10
---  > nn.init.fans(nn.zeros(8, 3, 5, 5))
---  75	200
---see: nn.init.calculate_gain, nn.init.glorot_normal_
function M.fans(weight)
  if weight.ndim < 2 then
    core.raise(("init: fan_in and fan_out need a weight of 2 or more dims, but its shape is %s"):format(tostring(weight.shape)))
  end
  local field = 1
  for d = 3, weight.ndim do
    field = field * weight:size(d)
  end
  return weight:size(2) * field, weight:size(1) * field
end

local function quietly(f, ...)
  return core.no_grad(f, ...)
end

-- ---- values that do not depend on the shape ----

---Fills a tensor with numbers from the uniform distribution U(low, high), in place.
---@param t nn.Tensor
---@param low? number default 0
---@param high? number default 1
---@return nn.Tensor t
---example:
---  > w = nn.init.uniform_(nn.zeros(100), -1, 1)
---  > w:abs():max():item() <= 1
---  true
---see: nn.init.normal_, nn.init.glorot_uniform_
function M.uniform_(t, low, high)
  return quietly(t.uniform_, t, low or 0, high or 1)
end

---Fills a tensor with numbers from the normal distribution N(mean, std^2), in place.
---@param t nn.Tensor
---@param mean? number default 0
---@param std? number default 1
---@return nn.Tensor t
---example:
---  > nn.manual_seed(1)
---  > nn.init.normal_(nn.zeros(3), 0, 0.1)
---  tensor([ 0.0059, -0.0478, -0.0886], shape=3, float32)
---see: nn.init.uniform_, nn.init.trunc_normal_, nn.init.he_normal_
function M.normal_(t, mean, std)
  return quietly(t.normal_, t, mean or 0, std or 1)
end

---Fills a tensor with one number, in place.
---@param t nn.Tensor
---@param value number
---@return nn.Tensor t
---example:
---  > nn.init.constant_(nn.zeros(3), 0.1)
---  tensor([0.1, 0.1, 0.1], shape=3, float32)
---see: nn.init.zeros_, nn.init.ones_
function M.constant_(t, value)
  return quietly(t.fill_, t, value)
end

---Fills a tensor with 0, in place; usual for biases. (Weights of hidden layers that are all 0 stay equal: they must differ.)
---@param t nn.Tensor
---@return nn.Tensor t
---example:
---  > layer = nn.Linear(2, 3)
---  > nn.init.zeros_(layer.bias)
---  tensor([0., 0., 0.], shape=3, float32, requires_grad)
---see: nn.init.constant_, nn.init.ones_
function M.zeros_(t)
  return M.constant_(t, 0)
end

---Fills a tensor with 1, in place; usual for the scales of norms.
---@param t nn.Tensor
---@return nn.Tensor t
---example:
---  > nn.init.ones_(nn.zeros(2))
---  tensor([1., 1.], shape=2, float32)
---see: nn.init.constant_, nn.init.zeros_
function M.ones_(t)
  return M.constant_(t, 1)
end

---Fills a tensor from a truncated normal distribution, in place: N(mean, std^2) without what lies outside a .. b (in units
---of t, as in PyTorch), drawn anew until it lies inside. Options: mean (0), std (1), a (-2), b (2).
---@param t nn.Tensor
---@param opts? {mean: number, std: number, a: number, b: number}
---example:
---  > w = nn.init.trunc_normal_(nn.zeros(1000), {std = 0.5, a = -1, b = 1})
---  > w:abs():max():item() <= 1
---  true
---see: nn.init.normal_
function M.trunc_normal_(t, opts)
  local o = options.read("trunc_normal_", opts, {
    mean = { "number", 0 }, std = { "number", 1 }, a = { "number", -2 }, b = { "number", 2 },
  })
  if o.a >= o.b or o.b < o.mean - 6 * o.std or o.a > o.mean + 6 * o.std then
    core.raise(("trunc_normal_: a .. b must lie where N(%g, %g^2) has values, but is %g .. %g"):format(o.mean, o.std, o.a, o.b))
  end
  return quietly(function()
    t:normal_(o.mean, o.std)
    while true do
      local outside = core.logical_or(t:lt(o.a), t:gt(o.b))
      if not outside:any():item() then
        return t
      end
      t:copy_(core.where(outside, core.randn_like(t) * o.std + o.mean, t))
    end
  end)
end

---Fills a tensor from N(0, variance) with a small variance, in place: the lecture's simplest scheme. Options: variance (0.01).
---@param t nn.Tensor
---@param opts? {variance: number}
---example:
---  > w = nn.init.small_normal_(nn.zeros(100, 100))
---  > ("%.2f"):format(w:std():item())
---  0.10
---see: nn.init.normal_, nn.init.glorot_normal_
function M.small_normal_(t, opts)
  local o = options.read("small_normal_", opts, { variance = { "number", 0.01 } })
  return M.normal_(t, 0, math.sqrt(o.variance))
end

-- ---- variance by the fans ----

---Fills a weight from U(-1/k, 1/k) with k = fan_in, in place: the lecture's heuristic.
---@param t nn.Tensor
---example:
---  > w = nn.init.inverse_uniform_(nn.zeros(20, 10))
---  > w:abs():max():item() <= 0.1
---  true
---see: nn.init.lecun_uniform_, nn.init.default_linear_, nn.init.fans
---source: after LeCun, Bottou, Orr & Mueller 1998, "Efficient BackProp"
function M.inverse_uniform_(t)
  local k = M.fans(t)
  return M.uniform_(t, -1 / k, 1 / k)
end

---Standard deviation gain * sqrt(1 / fan) where fan is fan_in, fan_out or their mean.
local function deviation(who, t, opts, spec)
  spec.gain, spec.mode = spec.gain or { "number" }, spec.mode or { "string", "fan_in" }
  spec.nonlinearity, spec.a = spec.nonlinearity or { "any" }, { "number" }
  local o = options.read(who, opts, spec)
  local fan_in, fan_out = M.fans(t)
  local fan = ({ fan_in = fan_in, fan_out = fan_out, fan_avg = (fan_in + fan_out) / 2 })[o.mode]
  if not fan then
    core.raise(("%s: mode must be \"fan_in\", \"fan_out\" or \"fan_avg\", but is \"%s\""):format(who, o.mode))
  end
  local gain = o.gain or M.calculate_gain(o.nonlinearity or "linear", o.a)
  return gain / math.sqrt(fan)
end

-- Two initializers of one variance: a normal and a uniform one. `names` are what they are called.
local function pair(name, spec_of)
  ---@param t nn.Tensor
  ---@param opts? table
  M[name .. "_normal_"] = function(t, opts)
    return M.normal_(t, 0, deviation(name .. "_normal_", t, opts, spec_of()))
  end
  ---@param t nn.Tensor
  ---@param opts? table
  M[name .. "_uniform_"] = function(t, opts)
    local a = math.sqrt(3) * deviation(name .. "_uniform_", t, opts, spec_of())
    return M.uniform_(t, -a, a)
  end
end

---Fills a weight with variance 1 / fan_in, in place: lecun_normal_ from a normal, lecun_uniform_ from a uniform distribution,
---so that the outputs of a linear layer have the variance of its inputs.
---Options: gain (1; the deviation is multiplied with it), mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity and a (another
---way to say the gain: see nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
---example:
---  > w = nn.init.lecun_normal_(nn.zeros(200, 100))
---  > ("%.2f"):format(w:std():item())
---  0.10
---see: nn.init.glorot_normal_, nn.init.he_normal_, nn.init.calculate_gain
---source: LeCun, Bottou, Orr & Mueller 1998, "Efficient BackProp", section 4.6
pair("lecun", function()
  return {}
end)
---Fills a weight with variance gain^2 2 / (fan_in + fan_out), in place, for tanh and linear layers: glorot_normal_ (also
---xavier_normal_) from a normal, glorot_uniform_ (xavier_uniform_) from a uniform distribution.
---Options: gain (1), mode ("fan_avg"; or "fan_in", "fan_out"), nonlinearity and a (another way to say the gain: see
---nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
---example:
---  > w = nn.init.glorot_normal_(nn.zeros(150, 50))
---  > ("%.2f"):format(w:std():item())
---  0.10
---  > u = nn.init.glorot_uniform_(nn.zeros(150, 50))
---  > u:abs():max():item() <= math.sqrt(6 / 200)
---  true
---see: nn.init.he_normal_, nn.init.lecun_normal_, nn.init.apply
---source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16
pair("glorot", function()
  return { mode = { "string", "fan_avg" } }
end)
---Fills a weight with variance gain^2 / fan, for ReLU 2 / fan_in, in place: he_normal_ (also kaiming_normal_) from a normal,
---he_uniform_ (kaiming_uniform_) from a uniform distribution.
---Options: mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity ("relu"; a name, function or layer that sets the gain) and a
---(0.01, the slope of "leaky_relu"), gain (instead of these).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
---example:
---  > w = nn.init.he_normal_(nn.zeros(100, 200))
---  > ("%.2f"):format(w:std():item())
---  0.10
---  > nn.init.he_normal_(nn.zeros(4, 4), {nonlinearity = "tanh", mode = "fan_out"}).shape
---  4x4
---see: nn.init.glorot_normal_, nn.init.calculate_gain, nn.init.lsuv
---source: He et al. 2015, "Delving deep into rectifiers", eq. 10 (mode = "fan_out": eq. 14)
pair("he", function()
  return { nonlinearity = { "any", "relu" } }
end)
M.xavier_normal_, M.xavier_uniform_ = M.glorot_normal_, M.glorot_uniform_

-- PyTorch's own names and defaults: leaky_relu with slope a = 0
M.kaiming_normal_, M.kaiming_uniform_ = M.he_normal_, M.he_uniform_

---Fills a weight from U(-a, a) with a = sqrt(3) / sqrt(fan_in + fan_out), in place: the lecture's form for ReLU, the Glorot
---form with sqrt(3) instead of sqrt(6).
---@param t nn.Tensor
---example:
---  > w = nn.init.relu_uniform_(nn.zeros(150, 150))
---  > w:abs():max():item() <= 0.1
---  true
---see: nn.init.glorot_uniform_, nn.init.he_uniform_
function M.relu_uniform_(t)
  local fan_in, fan_out = M.fans(t)
  local a = math.sqrt(3 / (fan_in + fan_out))
  return M.uniform_(t, -a, a)
end

---Fills a weight as nn.Linear and PyTorch do where nothing else is said, in place: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
---@param t nn.Tensor
---example:
---  > w = nn.init.default_linear_(nn.zeros(20, 100))
---  > w:abs():max():item() <= 0.1
---  true
---see: nn.Linear, nn.init.lecun_uniform_
function M.default_linear_(t)
  local bound = 1 / math.sqrt(M.fans(t))
  return M.uniform_(t, -bound, bound)
end

-- ---- structure ----

---Makes a weight orthogonal, in place: its rows (or columns, whichever are fewer) are orthonormal, times gain. Dims after
---the first count as one. Options: gain (1).
---@param t nn.Tensor
---@param opts? {gain: number}
---example:
---  > w = nn.init.orthogonal_(nn.zeros(2, 5))
---  > w:matmul(w:t()):allclose(nn.eye(2), {atol = 1e-5})
---  true
---see: nn.init.lsuv, nn.init.eye_, nn.qr
---source: Saxe, McClelland & Ganguli 2014
function M.orthogonal_(t, opts)
  local o = options.read("orthogonal_", opts, { gain = { "number", 1 } })
  if t.ndim < 2 then
    core.raise(("orthogonal_: needs 2 or more dims, but the shape is %s"):format(tostring(t.shape)))
  end
  return quietly(function()
    local rows = t:size(1)
    local cols = t:numel() // math.max(1, rows)
    local a = core.randn({ math.max(rows, cols), math.min(rows, cols) }, { dtype = t.dtype })
    local q, r = core.qr(a)
    -- signs make q uniform over the orthogonal matrices (Mezzadri 2007)
    local n = math.min(rows, cols)
    local diagonal = (r * core.eye(n, { dtype = t.dtype })):sum(1)
    q = q * core.where(diagonal:lt(0), -1.0, 1.0)
    if rows < cols then
      q = q:t()
    end
    return t:copy_(q:reshape(t.shape) * o.gain)
  end)
end

---Fills a matrix with ones on the diagonal and zeros elsewhere, in place: a linear layer that passes its inputs on.
---@param t nn.Tensor
---example:
---  > nn.init.eye_(nn.zeros(2, 3))
---  tensor([[1., 0., 0.],
---          [0., 1., 0.]], shape=2x3, float32)
---see: nn.init.dirac_, nn.init.orthogonal_, nn.eye
function M.eye_(t)
  if t.ndim ~= 2 then
    core.raise(("eye_: needs a matrix, but the shape is %s"):format(tostring(t.shape)))
  end
  return quietly(t.copy_, t, core.eye(t:size(1), t:size(2), { dtype = t.dtype }))
end

---Makes a convolution that passes its channels on unchanged, in place: a one in the middle of kernel (i, i), zeros elsewhere.
---Of a matrix, eye_. Also identity_ and delta_. Options: groups (1).
---@param t nn.Tensor
---@param opts? {groups: integer}
---example:
---  > nn.init.dirac_(nn.zeros(1, 1, 3))
---  tensor([[[0., 1., 0.]]], shape=1x1x3, float32)
---see: nn.init.eye_, nn.Conv2d
function M.dirac_(t, opts)
  local o = options.read("dirac_", opts, { groups = { "integer", 1 } })
  if t.ndim < 3 then
    return M.eye_(t)
  end
  local per = t:size(1) // o.groups
  if t:size(1) % o.groups ~= 0 then
    core.raise(("dirac_: dim 1 (%d) must divide evenly into %d groups"):format(t:size(1), o.groups))
  end
  return quietly(function()
    t:zero_()
    for g = 0, o.groups - 1 do
      for i = 1, math.min(per, t:size(2)) do
        local at = { g * per + i, i }
        for d = 3, t.ndim do
          at[d] = t:size(d) // 2 + 1
        end
        t[at] = 1
      end
    end
    return t
  end)
end
M.identity_, M.delta_ = M.dirac_, M.dirac_

---Sets a share of each column to 0 and fills the rest from N(0, std^2), in place: units with few inputs.
---Options: sparsity (0.9, the share), std (0.01).
---@param t nn.Tensor
---@param opts? {sparsity: number, std: number}
---example:
---  > w = nn.init.sparse_(nn.zeros(10, 3), {sparsity = 0.8})
---  > w:eq(0):sum(1)
---  tensor([8, 8, 8], shape=3, int64)
---see: nn.init.normal_, nn.regularize.sparsity
---source: Martens 2010, "Deep learning via Hessian-free optimization"
function M.sparse_(t, opts)
  local o = options.read("sparse_", opts, { sparsity = { "number", 0.9 }, std = { "number", 0.01 } })
  if t.ndim ~= 2 then
    core.raise(("sparse_: needs a matrix, but the shape is %s"):format(tostring(t.shape)))
  end
  return quietly(function()
    local rows, cols = t:size(1), t:size(2)
    local zeros = math.ceil(o.sparsity * rows)
    t:normal_(0, o.std)
    for c = 1, cols do
      for _, r in ipairs(core.randperm(rows):narrow(1, 1, zeros):totable()) do
        t[{ r, c }] = 0
      end
    end
    return t
  end)
end

-- ---- gains ----

local known = {
  linear = 1, identity = 1, conv1d = 1, conv2d = 1, sigmoid = 1, tanh = 5 / 3, relu = math.sqrt(2), selu = 3 / 4,
}

---Gives a nonlinearity's gain: what a weight's deviation 1/sqrt(fan_in) is to be multiplied with, so that the next layer's
---inputs have the same second moment. For names PyTorch's values: linear and sigmoid 1, tanh 5/3, relu sqrt(2), leaky_relu
---sqrt(2 / (1 + a^2)), selu 3/4. For any function or layer 1 / sqrt(E f(z)^2) with z ~ N(0, 1), integrated numerically.
---@param nonlinearity string|function|nn.Module
---@param a? number the slope of leaky_relu, 0.01 by default
---@return number
---example:
---  > nn.init.calculate_gain "tanh"
---  1.6666666666667
---  > ("%.4f"):format(nn.init.calculate_gain(nn.GELU()))
---  1.5335
---see: nn.init.he_normal_, nn.init.glorot_normal_
function M.calculate_gain(nonlinearity, a)
  if type(nonlinearity) == "string" then
    if nonlinearity == "leaky_relu" then
      a = a or 0.01
      return math.sqrt(2 / (1 + a * a))
    elseif known[nonlinearity] then
      return known[nonlinearity]
    end
    local names = { "leaky_relu" }
    for name in pairs(known) do
      names[#names + 1] = name
    end
    table.sort(names)
    local near = core.nearest(nonlinearity, names)
    core.raise(("calculate_gain: '%s' has no known gain%s (known are %s; for others pass the function itself)"):format(
      nonlinearity, near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
  end
  -- trapezoids over +-12 deviations, where the density is below the last bit
  return quietly(function()
    local z = core.linspace(-12, 12, 48001, { dtype = "float64" })
    local f = require("nn.internal.options").gives_tensor("calculate_gain", "the function", nonlinearity, true)(z)
    local density = (z:square() * -0.5):exp() / math.sqrt(2 * math.pi)
    local moment = (f:to("float64"):square() * density):sum():item() * (24 / 48000)
    if not (moment > 0 and moment < math.huge) then
      core.raise(("calculate_gain: E f(z)^2 is %g, so there is no gain"):format(moment))
    end
    return 1 / math.sqrt(moment)
  end)
end

-- ---- whole models ----

---Gives the initializer of a name such as "he_normal"; of an unknown name, an error that names the nearest.
---@param who string for errors: who asks
---@param name string without the _ at the end
---@return function
---example:
---  > nn.init.by_name("my script", "ones")(nn.zeros(2))
---  tensor([1., 1.], shape=2, float32)
---see: nn.init.apply
function M.by_name(who, name)
  local f = rawget(M, name .. "_")
  if f then
    return f
  end
  local names = {}
  for n in pairs(M) do
    names[#names + 1] = n:match "^(.*)_$"
  end
  table.sort(names)
  local near = core.nearest(name, names)
  core.raise(("%s: there is no initializer '%s'%s (there are %s)"):format(who, name,
    near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
end

---Initializes a model's parameters by rules: an ordered list of {pattern, initializer, arguments...}. The pattern (PCRE2,
---see nn.rex) is looked for in the parameter's name; the first rule that matches is used; parameters that none matches stay
---as they are. The initializer is a name ("he_normal") or a function(tensor, name). A rule that matches nothing is an error.
---@param model nn.Module
---@param rules table[]
---@return nn.Module model
---example:
---  > model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
---  > nn.init.apply(model, {{"bias$", "zeros"}, {"^1\\.weight$", "normal", 0, 0.1}, {"weight$", "he_normal"}})
---  Sequential(
---    (1): Linear(2, 3)  9 parameters
---    (2): ReLU()
---    (3): Linear(3, 1)  4 parameters
---  )  13 parameters
---  > model[1].bias
---  tensor([0., 0., 0.], shape=3, float32, requires_grad)
---see: nn.init.he_normal_, nn.Module:named_parameters, nn.optim.groups
function M.apply(model, rules)
  if not module.is_module(model) or type(rules) ~= "table" then
    core.raise("init.apply: takes a model and a list of rules, e.g. nn.init.apply(model, {{\"weight$\", \"he_normal\"}})")
  end
  local rex, names = require "nn.rex", {}
  local prepared, used = {}, {}
  for i, rule in ipairs(rules) do
    rule = type(rule) == "table" and rule or {}
    local pattern, how = rule[1], rule[2]
    if type(pattern) ~= "string" or (type(how) ~= "string" and type(how) ~= "function") then
      core.raise(("init.apply: rule %d must be {pattern, initializer}, e.g. {\"weight$\", \"he_normal\"}"):format(i))
    end
    prepared[i] = {
      rex.new(pattern), type(how) == "function" and how or M.by_name("init.apply", how), { table.unpack(rule, 3) },
      by_name = type(how) == "string",
    }
  end
  for _, entry in ipairs(model:named_parameters()) do
    names[#names + 1] = entry[1]
    for i, rule in ipairs(prepared) do
      if rule[1]:find(entry[1]) then
        used[i] = true
        quietly(function()
          if rule.by_name then
            rule[2](entry[2], table.unpack(rule[3]))
          else
            rule[2](entry[2], entry[1])
          end
        end)
        break
      end
    end
  end
  for i, rule in ipairs(rules) do
    if not used[i] then
      core.raise(("init.apply: rule %d ('%s') is the first to match no parameter; the parameters are %s"):format(i, rule[1],
        table.concat(names, ", ")))
    end
  end
  return model
end

---Gives each layer outputs of variance 1 on real data: layer-sequential unit variance): orthogonal weights, then each
---layer's weight divided by the deviation of its outputs, in the order of the layers. Layers: Linear, Conv1d and Conv2d.
---Options: tolerance (0.02, of the variance), max_iterations (10 a layer), orthogonal (true; false: from the weights there
---are).
---@param model nn.Module
---@param x nn.Tensor a batch of inputs
---@param opts? {tolerance: number, max_iterations: integer, orthogonal: boolean}
---@return table[] {name, variance, iterations} for each layer
---example:
---  > model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
---  > report = nn.init.lsuv(model, nn.randn(100, 4))
---  > #report, math.abs(report[2].variance - 1) <= 0.02
---  2	true
---see: nn.init.orthogonal_, nn.init.he_normal_
---source: Mishkin & Matas 2016, "All you need is a good init"
function M.lsuv(model, x, opts)
  local o = options.read("lsuv", opts, {
    tolerance = { "number", 0.02 }, max_iterations = { "integer", 10 }, orthogonal = { "boolean", true },
  })
  local report = {}
  local kinds = { Linear = true, Conv1d = true, Conv2d = true }
  quietly(function()
    for _, entry in ipairs(model:named_modules()) do
      local layer = entry[2]
      if kinds[layer._name] then
        if o.orthogonal then
          M.orthogonal_(layer.weight)
        end
        local variance, iterations
        for i = 0, o.max_iterations do
          local seen
          local forward = layer.forward
          core.set_hidden(layer, "forward", function(self, input)
            seen = forward(self, input)
            return seen
          end)
          local ok, err = pcall(model, x)
          core.set_hidden(layer, "forward", nil)
          if not ok then
            error(err, 0)
          elseif not seen then
            core.raise(("lsuv: layer '%s' is not used by the model"):format(entry[1]))
          end
          variance, iterations = seen:var():item(), i
          if math.abs(variance - 1) <= o.tolerance or variance <= 0 or variance ~= variance then
            break
          end
          layer.weight:div_(math.sqrt(variance))
        end
        report[#report + 1] = { name = entry[1], variance = variance, iterations = iterations }
      end
    end
  end)
  return report
end

return options.namespace("nn.init", M)
