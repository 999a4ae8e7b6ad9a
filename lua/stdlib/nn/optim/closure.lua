-- Optimizers that evaluate the loss several times a step: opt:step(closure), where closure computes the loss, calls
-- backward and returns the loss. For full batches; they are not for compiled steps.

local class = require "nn.internal.class"
local core = require "nn.core"
local line_search = require "nn.optim.line_search"
local optimizer = require "nn.optim.optimizer"
local options = require "nn.internal.options"

local M = {}

-- A step that raises (Ctrl-C while the closure runs, say) did not happen: parameters and memory are what they were.
local function step_or_nothing(step, self, closure)
  local x, memory = self.vector:get(), {}
  for key, value in pairs(self.memory) do
    memory[key] = type(value) == "table" and table.move(value, 1, #value, 1, {}) or value
  end
  local results = table.pack(pcall(step, self, function()
    return core.admit(closure)
  end))
  if not results[1] then
    self.vector:set(x)
    core.set_hidden(self, "memory", memory)
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

-- A kind of optimizer that has one group and, in `names`, what it keeps from step to step: numbers, tensors and lists of
-- tensors. gives: what the function that step takes gives back.
local function kind_of(name, gives, names)
  local Kind = class.new(name, optimizer.Optimizer)
  Kind.takes_closure = gives
  ---Is an error: this optimizer has one group of parameters, which it is made with.
  ---example:
  ---  > opt = nn.optim.LBFGS {nn.Parameter(nn.zeros(1))}
  ---  > (pcall(opt.add_param_group, opt, {params = {nn.Parameter(nn.zeros(2))}}))
  ---  false
  ---see: nn.optim.LBFGS, nn.Optimizer:add_param_group
  function Kind.add_param_group()
    core.raise(("%s: has one group of parameters, all of which it moves together"):format(name))
  end
  ---Gives the text that print shows: the number of parameter tensors.
  ---@return string
  ---example:
  ---  > nn.optim.LBFGS {nn.Parameter(nn.zeros(1)), nn.Parameter(nn.zeros(2))}
  ---  LBFGS(2 parameters)
  ---see: nn.Optimizer:describe
  function Kind:describe()
    return ("%s(%d parameters)"):format(name, #self.vector.params)
  end
  ---Gives what is needed to go on later: the options, and what was learned of the curvature.
  ---@return table state
  ---example:
  ---  > nn.optim.LBFGS({nn.Parameter(nn.zeros(1))}):state_dict().name
  ---  LBFGS
  ---see: nn.LBFGS:load_state_dict, nn.Optimizer:state_dict
  function Kind:state_dict()
    local memory = {}
    for _, key in ipairs(names) do
      local value = self.memory[key]
      if core.is_tensor(value) then
        value = value:clone()
      elseif type(value) == "table" then
        value = table.move(value, 1, #value, 1, {})
      end
      memory[key] = value
    end
    local group = class.plain(self.param_groups[1])
    group.params = {}
    for i in ipairs(self.vector.params) do
      group.params[i] = i
    end
    return { name = name, param_groups = { group }, memory = memory }
  end
  ---Goes on from what state_dict gave. Where it does not fit the parameters, it is an error and nothing is changed.
  ---@param saved any what state_dict gave
  ---example:
  ---  > opt = nn.optim.LBFGS {nn.Parameter(nn.zeros(1))}
  ---  > opt:load_state_dict(opt:state_dict())
  ---see: nn.LBFGS:state_dict
  function Kind:load_state_dict(saved)
    if type(saved) ~= "table" or type(saved.memory) ~= "table" or type(saved.param_groups) ~= "table" then
      core.raise(("%s: load_state_dict needs what state_dict gave, but got %s"):format(name, core.describe(saved)))
    elseif saved.name ~= name then
      core.raise(("%s: the state is that of %s"):format(name, tostring(saved.name)))
    end
    local size, memory, given = self.vector:size(), {}, {}
    for key, value in pairs(saved.param_groups[1] or {}) do
      if key ~= "params" then
        given[key] = value
      end
    end
    local o = options.read(name, given, self.spec)
    for _, key in ipairs(names) do
      local value = saved.memory[key]
      for _, t in ipairs(core.is_tensor(value) and { value } or type(value) == "table" and value or {}) do
        if not core.is_tensor(t) or t:numel() ~= size then
          core.raise(("%s: load_state_dict: '%s' is %s, but the parameters have %d elements"):format(name, key, core.describe(t),
            size))
        end
      end
      memory[key] = type(value) == "table" and table.move(value, 1, #value, 1, {}) or value
    end
    for key, value in pairs(o) do
      self.param_groups[1][key] = value
    end
    core.set_hidden(self, "memory", memory)
  end
  return Kind
end

-- An optimizer of a kind; `memory` is what it keeps, from the start.
local function new(Kind, name, params, spec, o, memory)
  local self = optimizer.new(Kind, name, spec, nil, o)
  core.set_hidden(self, "vector", line_search.vector(name, params))
  core.set_hidden(self, "memory", memory)
  local group = { params = self.vector.params }
  for key, value in pairs(o) do
    group[key] = value
  end
  self.param_groups[1] = group
  return self
end

-- ---- L-BFGS ----

local LBFGS = kind_of("LBFGS", "loss", { "old_s", "old_y", "iterations", "scale", "d", "t", "previous" })

---Minimizes by limited-memory BFGS: it learns the curvature from the last steps; for small nets and full batches. Each step
---takes a closure and calls it several times. Settings and their meaning are PyTorch's.
---Options: lr (1), max_iter (20 iterations a step), max_eval (5/4 max_iter: calls of the closure), tolerance_grad (1e-7: the
---largest gradient element at which it ends), tolerance_change (1e-9), history_size (100 pairs), line_search_fn (none, or
---"strong_wolfe", which is what to use unless you know better).
---@param params nn.Tensor[]
---@param opts? {lr: number, max_iter: integer, max_eval: integer, tolerance_grad: number, tolerance_change: number,
---history_size: integer, line_search_fn: string}
---example:
---  > w = nn.Parameter(nn.tensor {1.0, -2.0})
---  > opt = nn.optim.LBFGS({w}, {line_search_fn = "strong_wolfe"})
---  > function closure() opt:zero_grad() local loss = ((w - 3) ^ 2):sum() loss:backward() return loss end
---  > opt:step(closure)
---  29.0
---  > w:detach()
---  tensor([3.0, 3.0], shape=2, float32)
---see: nn.optim.ConjugateGradient, nn.optim.LevenbergMarquardt, nn.train.fit
---source: Nocedal 1980; Nocedal & Wright 2006, "Numerical Optimization", algorithm 7.5
function M.LBFGS(params, opts)
  local spec = {
    lr = { "number", 1 }, max_iter = { "integer", 20 }, max_eval = { "integer" }, tolerance_grad = { "number", 1e-7 },
    tolerance_change = { "number", 1e-9 }, history_size = { "integer", 100 }, line_search_fn = { "string" },
  }
  local o = options.read("LBFGS", opts, spec)
  if o.line_search_fn and o.line_search_fn ~= "strong_wolfe" then
    core.raise(("LBFGS: line_search_fn must be \"strong_wolfe\" or left out, but is \"%s\""):format(o.line_search_fn))
  end
  o.max_eval = o.max_eval or o.max_iter * 5 // 4
  return new(LBFGS, "LBFGS", params, spec, o, { old_s = {}, old_y = {}, iterations = 0, scale = 1 })
end

-- -H g by the two loops
local function direction(m, g)
  local q, alpha = -g, {}
  for i = #m.old_s, 1, -1 do
    local rho = 1 / (m.old_y[i] * m.old_s[i]):sum():item()
    alpha[i] = rho * (m.old_s[i] * q):sum():item()
    q = q - m.old_y[i] * alpha[i]
  end
  local r = q * m.scale
  for i = 1, #m.old_s do
    local rho = 1 / (m.old_y[i] * m.old_s[i]):sum():item()
    local beta = rho * (m.old_y[i] * r):sum():item()
    r = r + m.old_s[i] * (alpha[i] - beta)
  end
  return r
end

local function lbfgs_step(self, closure)
  local o, v, m = self.param_groups[1], self.vector, self.memory
  local loss, g = v:evaluate(closure)
  local first, evaluations = loss, 1
  if g:abs():max():item() <= o.tolerance_grad then
    return first
  end
  for n = 1, o.max_iter do
    m.iterations = m.iterations + 1
    if m.iterations == 1 then
      m.d, m.scale = -g, 1
      m.old_s, m.old_y = {}, {}
    else
      local y, s = g - m.previous, m.d * m.t
      local ys = (y * s):sum():item()
      if ys > 1e-10 then
        if #m.old_s == o.history_size then
          table.remove(m.old_s, 1)
          table.remove(m.old_y, 1)
        end
        table.insert(m.old_s, s)
        table.insert(m.old_y, y)
        m.scale = ys / y:square():sum():item()
      end
      m.d = direction(m, g)
    end
    m.previous = g
    local previous_loss = loss
    m.t = m.iterations == 1 and math.min(1, 1 / g:abs():sum():item()) * o.lr or o.lr
    local slope = (g * m.d):sum():item()
    if slope > -o.tolerance_change then
      break
    end
    local x = v:get()
    if o.line_search_fn then
      local count
      m.t, loss, g, count = line_search.strong_wolfe(function(t)
        v:set(x + m.d * t)
        return v:evaluate(closure)
      end, m.t, m.d, loss, g, slope, {})
      v:set(x + m.d * m.t)
      evaluations = evaluations + count
    else
      v:set(x + m.d * m.t)
      if n ~= o.max_iter then -- the last point is evaluated by the next step
        loss, g = v:evaluate(closure)
        evaluations = evaluations + 1
      end
    end
    if n == o.max_iter or evaluations >= o.max_eval or g:abs():max():item() <= o.tolerance_grad
      or (m.d * m.t):abs():max():item() <= o.tolerance_change or math.abs(loss - previous_loss) < o.tolerance_change then
      break
    end
  end
  return first
end

---Makes up to max_iter iterations; the closure clears the gradients, computes the loss, calls backward and gives the loss.
---@param closure fun(): nn.Tensor
---@return number loss before the step
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.LBFGS({w}, {line_search_fn = "strong_wolfe"})
---  > opt:step(function() opt:zero_grad() local loss = (w * w):sum() loss:backward() return loss end)
---  1.0
---see: nn.optim.LBFGS, nn.Optimizer:step
function LBFGS:step(closure)
  return core.whole(step_or_nothing, lbfgs_step, self, closure)
end

-- ---- conjugate gradients ----

local CG = kind_of("ConjugateGradient", "loss", { "previous", "d", "t", "last_slope" })

---Minimizes by nonlinear conjugate gradients: Polak & Ribiere's, with restarts where the factor would be negative, and a
---line search: for full batches. Each step takes a closure and calls it several times.
---Options: max_iter (20 iterations a step), tolerance_grad (1e-7: the largest gradient element at which it ends), lr (1: the
---first step's length).
---@param params nn.Tensor[]
---@param opts? {max_iter: integer, tolerance_grad: number, lr: number} lr: the first step's length
---example:
---  > w = nn.Parameter(nn.tensor {1.0, -2.0})
---  > opt = nn.optim.ConjugateGradient({w})
---  > function closure() opt:zero_grad() local loss = ((w - 3) ^ 2):sum() loss:backward() return loss end
---  > opt:step(closure)
---  29.0
---  > w:detach()
---  tensor([3., 3.], shape=2, float32)
---see: nn.optim.LBFGS, nn.optim.LevenbergMarquardt
---source: Polak & Ribiere 1969; Nocedal & Wright 2006, "Numerical Optimization", section 5.2
function M.ConjugateGradient(params, opts)
  local spec = { max_iter = { "integer", 20 }, tolerance_grad = { "number", 1e-7 }, lr = { "number", 1 } }
  return new(CG, "ConjugateGradient", params, spec, options.read("ConjugateGradient", opts, spec), {})
end

local function cg_step(self, closure)
  local o, v, m = self.param_groups[1], self.vector, self.memory
  local loss, g = v:evaluate(closure)
  local first = loss
  for _ = 1, o.max_iter do
    if g:abs():max():item() <= o.tolerance_grad then
      break
    end
    local d = -g
    if m.previous then
      local beta = (g * (g - m.previous)):sum():item() / m.previous:square():sum():item()
      if beta > 0 then
        d = d + m.d * beta
      end
    end
    local slope = (g * d):sum():item()
    if slope >= 0 then
      d = -g
      slope = -g:square():sum():item()
    end
    -- a first guess from the last step's decrease (Nocedal & Wright, eq. 3.60)
    local t = m.last_slope and math.min(10 * m.t, m.t * m.last_slope / slope) or o.lr / math.sqrt(-slope)
    local x = v:get()
    m.previous, m.d = g, d
    local taken
    taken, loss, g = line_search.strong_wolfe(function(step)
      v:set(x + d * step)
      return v:evaluate(closure)
    end, t, d, loss, g, slope, { c2 = 0.1 })
    v:set(x + d * taken)
    if taken == 0 then
      m.previous, m.last_slope = nil, nil
      break
    end
    m.t, m.last_slope = taken, slope
  end
  return first
end

---Makes up to max_iter iterations; the closure clears the gradients, computes the loss, calls backward and gives the loss.
---@param closure fun(): nn.Tensor
---@return number loss before the step
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.ConjugateGradient {w}
---  > opt:step(function() opt:zero_grad() local loss = (w * w):sum() loss:backward() return loss end)
---  1.0
---see: nn.optim.ConjugateGradient, nn.Optimizer:step
function CG:step(closure)
  return core.whole(step_or_nothing, cg_step, self, closure)
end

-- ---- Levenberg-Marquardt ----

local LM = kind_of("LevenbergMarquardt", "residuals", { "mu" })

---Minimizes a sum of squares of a small net: (J^T J + mu diag) d = -J^T r, with mu falling when the step helped. The closure
---returns the residuals r (output - target), a tensor of any shape, without calling backward. Memory and time grow with
---residuals times parameters. nn.train.fit does not take it.
---Options: mu (1e-3 at first), factor (10: mu is divided by it or multiplied with it), max_mu (1e10), max_iter (1 iteration a
---step), tolerance (1e-12).
---@param params nn.Tensor[]
---@param opts? {mu: number, factor: number, max_mu: number, max_iter: integer, tolerance: number}
---example:
---  > w = nn.Parameter(nn.tensor {1.0, -2.0})
---  > opt = nn.optim.LevenbergMarquardt({w}, {max_iter = 5})
---  > before, after = opt:step(function() return w - nn.tensor {3.0, 5.0} end)
---  > before, after < 1e-6
---  26.5	true
---see: nn.optim.LBFGS, nn.func.jacobian
---source: Levenberg 1944; Marquardt 1963; for networks Hagan & Menhaj 1994
function M.LevenbergMarquardt(params, opts)
  local spec = {
    mu = { "number", 1e-3 }, factor = { "number", 10 }, max_mu = { "number", 1e10 }, max_iter = { "integer", 1 },
    tolerance = { "number", 1e-12 },
  }
  local o = options.read("LevenbergMarquardt", opts, spec)
  return new(LM, "LevenbergMarquardt", params, spec, o, { mu = o.mu })
end

local function residuals(closure)
  local r = closure()
  if not core.is_tensor(r) then
    core.raise(("LevenbergMarquardt: step needs a function that returns the residuals, but it returned %s"):format(
      core.describe(r)))
  end
  return r:reshape(-1)
end

local function lm_step(self, closure)
  local o, v, m = self.param_groups[1], self.vector, self.memory
  local first, cost
  for _ = 1, o.max_iter do
    local r = core.enable_grad(residuals, closure)
    local rows = {}
    for i = 1, #r do
      local grads = core.grad(r[i], v.params, { retain_graph = true, allow_unused = true })
      for k, p in ipairs(v.params) do
        grads[k] = (grads[k] or core.zeros_like(p)):detach():reshape(-1)
      end
      rows[i] = core.cat(grads, 1):to "float64"
    end
    local j, res = core.stack(rows, 1), r:detach():to "float64"
    cost = res:square():sum():item() / 2
    first = first or cost
    local jtj, jtr = j:t():matmul(j), j:t():matmul(res)
    local n = #jtr
    local eye = core.eye(n, { dtype = "float64" })
    local x, improved = v:get(), false
    while m.mu <= o.max_mu do
      local d = core.solve(jtj + eye * m.mu, -jtr)
      v:set(x + d:to(x.dtype))
      local now = core.no_grad(residuals, closure):to("float64"):square():sum():item() / 2
      if now < cost then
        improved = cost - now > o.tolerance * cost
        m.mu, cost = math.max(m.mu / o.factor, 1e-20), now
        break
      end
      v:set(x)
      m.mu = m.mu * o.factor
    end
    if not improved then
      m.mu = math.min(m.mu, o.max_mu)
      break
    end
  end
  return first, cost
end

---Makes up to max_iter iterations and gives half the sum of squares before, and after.
---@param closure fun(): nn.Tensor the residuals
---@return number before, number after
---example:
---  > w = nn.Parameter(nn.tensor {2.0})
---  > opt = nn.optim.LevenbergMarquardt {w}
---  > before = opt:step(function() return w * 1 end)
---  > before
---  2.0
---see: nn.optim.LevenbergMarquardt
function LM:step(closure)
  return core.whole(step_or_nothing, lm_step, self, closure)
end

return M
