-- Optimizers that evaluate the loss several times a step: opt:step(closure), where closure computes the loss, calls
-- backward and returns the loss. For full batches; they are not for compiled steps.

local core = require "nn.core"
local line_search = require "nn.optim.line_search"
local options = require "nn.options"

local M = {}

local function class(name)
  local Class = { name = name }
  Class.__index = Class
  Class.__name = "nn.optim." .. name
  function Class:zero_grad()
    self.vector:zero_grad()
  end
  function Class:__tostring()
    return ("%s(%d parameters)"):format(name, #self.vector.params)
  end
  return Class
end

-- ---- L-BFGS ----

local LBFGS = class "LBFGS"

---Limited-memory BFGS: Nocedal 1980; Nocedal & Wright 2006, algorithm 7.5. Settings and their meaning are PyTorch's;
---line_search_fn = "strong_wolfe" is what to use unless you know better.
---@param params nn.Tensor[]
---@param opts? {lr: number, max_iter: integer, max_eval: integer, tolerance_grad: number, tolerance_change: number,
---history_size: integer, line_search_fn: string}
function M.LBFGS(params, opts)
  local o = options.read("LBFGS", opts, {
    lr = { "number", 1 }, max_iter = { "integer", 20 }, max_eval = { "integer" }, tolerance_grad = { "number", 1e-7 },
    tolerance_change = { "number", 1e-9 }, history_size = { "integer", 100 }, line_search_fn = { "string" },
  })
  if o.line_search_fn and o.line_search_fn ~= "strong_wolfe" then
    core.raise(("LBFGS: line_search_fn must be \"strong_wolfe\" or left out, but is \"%s\""):format(o.line_search_fn))
  end
  o.max_eval = o.max_eval or o.max_iter * 5 // 4
  return setmetatable({
    vector = line_search.vector("LBFGS", params), param_groups = { o }, old_s = {}, old_y = {}, iterations = 0, scale = 1,
  }, LBFGS)
end

-- -H g by the two loops
local function direction(self, g)
  local q, alpha = -g, {}
  for i = #self.old_s, 1, -1 do
    local rho = 1 / (self.old_y[i] * self.old_s[i]):sum():item()
    alpha[i] = rho * (self.old_s[i] * q):sum():item()
    q = q - self.old_y[i] * alpha[i]
  end
  local r = q * self.scale
  for i = 1, #self.old_s do
    local rho = 1 / (self.old_y[i] * self.old_s[i]):sum():item()
    local beta = rho * (self.old_y[i] * r):sum():item()
    r = r + self.old_s[i] * (alpha[i] - beta)
  end
  return r
end

---Up to max_iter iterations.
---@param closure fun(): nn.Tensor
---@return number loss before the step
function LBFGS:step(closure)
  local o, v = self.param_groups[1], self.vector
  local loss, g = v:evaluate(closure)
  local first, evaluations = loss, 1
  if g:abs():max():item() <= o.tolerance_grad then
    return first
  end
  for n = 1, o.max_iter do
    self.iterations = self.iterations + 1
    if self.iterations == 1 then
      self.d, self.scale = -g, 1
      self.old_s, self.old_y = {}, {}
    else
      local y, s = g - self.previous, self.d * self.t
      local ys = (y * s):sum():item()
      if ys > 1e-10 then
        if #self.old_s == o.history_size then
          table.remove(self.old_s, 1)
          table.remove(self.old_y, 1)
        end
        table.insert(self.old_s, s)
        table.insert(self.old_y, y)
        self.scale = ys / y:square():sum():item()
      end
      self.d = direction(self, g)
    end
    self.previous = g
    local previous_loss = loss
    self.t = self.iterations == 1 and math.min(1, 1 / g:abs():sum():item()) * o.lr or o.lr
    local slope = (g * self.d):sum():item()
    if slope > -o.tolerance_change then
      break
    end
    local x = v:get()
    if o.line_search_fn then
      local count
      self.t, loss, g, count = line_search.strong_wolfe(function(t)
        v:set(x + self.d * t)
        return v:evaluate(closure)
      end, self.t, self.d, loss, g, slope, {})
      v:set(x + self.d * self.t)
      evaluations = evaluations + count
    else
      v:set(x + self.d * self.t)
      if n ~= o.max_iter then -- the last point is evaluated by the next step
        loss, g = v:evaluate(closure)
        evaluations = evaluations + 1
      end
    end
    if n == o.max_iter or evaluations >= o.max_eval or g:abs():max():item() <= o.tolerance_grad
      or (self.d * self.t):abs():max():item() <= o.tolerance_change or math.abs(loss - previous_loss) < o.tolerance_change then
      break
    end
  end
  return first
end

-- ---- conjugate gradients ----

local CG = class "ConjugateGradient"

---Nonlinear conjugate gradients by Polak & Ribiere 1969 with restarts where its factor would be negative, and a line
---search (Nocedal & Wright 2006, section 5.2).
---@param params nn.Tensor[]
---@param opts? {max_iter: integer, tolerance_grad: number, lr: number} lr: the first step's length
function M.ConjugateGradient(params, opts)
  local o = options.read("ConjugateGradient", opts, {
    max_iter = { "integer", 20 }, tolerance_grad = { "number", 1e-7 }, lr = { "number", 1 },
  })
  return setmetatable({ vector = line_search.vector("ConjugateGradient", params), param_groups = { o } }, CG)
end

function CG:step(closure)
  local o, v = self.param_groups[1], self.vector
  local loss, g = v:evaluate(closure)
  local first = loss
  for _ = 1, o.max_iter do
    if g:abs():max():item() <= o.tolerance_grad then
      break
    end
    local d = -g
    if self.previous then
      local beta = (g * (g - self.previous)):sum():item() / self.previous:square():sum():item()
      if beta > 0 then
        d = d + self.d * beta
      end
    end
    local slope = (g * d):sum():item()
    if slope >= 0 then
      d = -g
      slope = -g:square():sum():item()
    end
    -- a first guess from the last step's decrease (Nocedal & Wright, eq. 3.60)
    local t = self.last_slope and math.min(10 * self.t, self.t * self.last_slope / slope) or o.lr / math.sqrt(-slope)
    local x = v:get()
    self.previous, self.d = g, d
    local taken
    taken, loss, g = line_search.strong_wolfe(function(step)
      v:set(x + d * step)
      return v:evaluate(closure)
    end, t, d, loss, g, slope, { c2 = 0.1 })
    v:set(x + d * taken)
    if taken == 0 then
      self.previous, self.last_slope = nil, nil
      break
    end
    self.t, self.last_slope = taken, slope
  end
  return first
end

-- ---- Levenberg-Marquardt ----

local LM = class "LevenbergMarquardt"

---For sums of squares of small nets: (J^T J + mu diag) d = -J^T r, with mu falling when the step helped (Levenberg 1944,
---Marquardt 1963; Hagan & Menhaj 1994 for networks). The closure returns the residuals (output - target), a tensor of any
---shape, without calling backward. Memory and time grow with residuals times parameters.
---@param params nn.Tensor[]
---@param opts? {mu: number, factor: number, max_mu: number, max_iter: integer, tolerance: number}
function M.LevenbergMarquardt(params, opts)
  local o = options.read("LevenbergMarquardt", opts, {
    mu = { "number", 1e-3 }, factor = { "number", 10 }, max_mu = { "number", 1e10 }, max_iter = { "integer", 1 },
    tolerance = { "number", 1e-12 },
  })
  return setmetatable({ vector = line_search.vector("LevenbergMarquardt", params), param_groups = { o }, mu = o.mu }, LM)
end

local function residuals(closure)
  local r = closure()
  if not core.is_tensor(r) then
    core.raise(("LevenbergMarquardt: step needs a function that returns the residuals, but it returned %s"):format(
      core.describe(r)))
  end
  return r:reshape(-1)
end

---Half the sum of squares before, and after.
---@return number before, number after
function LM:step(closure)
  local o, v = self.param_groups[1], self.vector
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
    while self.mu <= o.max_mu do
      local d = core.solve(jtj + eye * self.mu, -jtr)
      v:set(x + d:to(x.dtype))
      local now = core.no_grad(residuals, closure):to("float64"):square():sum():item() / 2
      if now < cost then
        improved = cost - now > o.tolerance * cost
        self.mu, cost = math.max(self.mu / o.factor, 1e-20), now
        break
      end
      v:set(x)
      self.mu = self.mu * o.factor
    end
    if not improved then
      self.mu = math.min(self.mu, o.max_mu)
      break
    end
  end
  return first, cost
end

return M
