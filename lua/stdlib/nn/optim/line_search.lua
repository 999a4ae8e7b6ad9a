-- What the optimizers that choose their own step length share: parameters as one vector, and a step length that meets the
-- strong Wolfe conditions.

local core = require "nn.core"
local optimizer = require "nn.optim.optimizer"

local M = {}

---Parameters as one vector (float64 arithmetic for float64 parameters, else float32).
local Vector = {}
Vector.__index = Vector

function M.vector(who, params)
  params = table.move(optimizer.list_of(who, params), 1, #params, 1, {})
  if not params[1] then
    core.raise(("%s: the list of parameters is empty"):format(who))
  end
  for i, p in ipairs(params) do
    if not core.is_tensor(p) or not p.is_leaf then
      core.raise(("%s: parameter %d must be a leaf tensor, but is %s"):format(who, i, core.describe(p)))
    end
  end
  return setmetatable({ who = who, params = params }, Vector)
end

---All gradients, zeros where there is none.
function Vector:gradient()
  local list = {}
  for i, p in ipairs(self.params) do
    list[i] = (p.grad or core.zeros_like(p)):detach():reshape(-1)
  end
  return core.cat(list, 1)
end

---Elements in all.
function Vector:size()
  local n = 0
  for _, p in ipairs(self.params) do
    n = n + p:numel()
  end
  return n
end

function Vector:get()
  local list = {}
  for i, p in ipairs(self.params) do
    list[i] = p:detach():reshape(-1)
  end
  return core.cat(list, 1):clone()
end

function Vector:set(x)
  core.no_grad(function()
    local at = 1
    for _, p in ipairs(self.params) do
      p:copy_(x:narrow(1, at, p:numel()):reshape(p.shape))
      at = at + p:numel()
    end
  end)
end

function Vector:zero_grad()
  for _, p in ipairs(self.params) do
    p.grad = nil
  end
end

---The closure's loss as a number, and the gradient.
function Vector:evaluate(closure)
  self:zero_grad()
  local loss = core.enable_grad(closure)
  if not core.is_tensor(loss) or loss:numel() ~= 1 then
    core.raise(("%s: step needs a function that computes the loss, calls loss:backward() and returns it, but it returned %s")
      :format(self.who, core.describe(loss)))
  end
  return loss:item(), self:gradient()
end

-- The minimum of the cubic through two points with slopes, inside the interval between them.
local function cubic(a, fa, ga, b, fb, gb, low, high)
  local d1 = ga + gb - 3 * (fa - fb) / (a - b)
  local square = d1 * d1 - ga * gb
  if square >= 0 then
    local d2 = math.sqrt(square)
    local t = a <= b and b - (b - a) * ((gb + d2 - d1) / (gb - ga + 2 * d2))
      or a - (a - b) * ((ga + d2 - d1) / (ga - gb + 2 * d2))
    if t == t then
      return math.min(math.max(t, low), high)
    end
  end
  return (low + high) / 2
end

---A step length t along direction d with f(t) <= f(0) + c1 t g0 and |slope(t)| <= c2 |g0|: Nocedal & Wright 2006,
---algorithms 3.5 and 3.6, with cubic interpolation. Leaves the parameters where the last evaluation was; the caller sets
---them.
---@param evaluate fun(t: number): number, nn.Tensor loss and gradient at x + t d
---@return number t, number loss, nn.Tensor gradient, integer evaluations
function M.strong_wolfe(evaluate, t, d, f0, g0, slope0, opts)
  local c1, c2, most = opts.c1 or 1e-4, opts.c2 or 0.9, opts.max_evaluations or 25
  local count = 0
  local function at(step)
    count = count + 1
    local f, g = evaluate(step)
    return { t = step, f = f, g = g, slope = (g * d):sum():item() }
  end
  local before = { t = 0, f = f0, g = g0, slope = slope0 }
  local low, high
  while count < most do
    local now = at(t)
    if now.f ~= now.f or now.f > f0 + c1 * t * slope0 or (count > 1 and now.f >= before.f) then
      low, high = before, now
      break
    elseif math.abs(now.slope) <= -c2 * slope0 then
      return now.t, now.f, now.g, count
    elseif now.slope >= 0 then
      low, high = now, before
      break
    end
    local next_t = cubic(before.t, before.f, before.slope, now.t, now.f, now.slope, t + 0.01 * (t - before.t), t * 10)
    before, t = now, next_t
  end
  if not low then
    return before.t, before.f, before.g, count
  end
  while count < most and math.abs(high.t - low.t) * math.abs(slope0) > 1e-12 do
    local left, right = math.min(low.t, high.t), math.max(low.t, high.t)
    local margin = 0.1 * (right - left)
    local try
    if high.f ~= high.f then
      try = (left + right) / 2
    else
      try = cubic(low.t, low.f, low.slope, high.t, high.f, high.slope, left + margin, right - margin)
    end
    local now = at(try)
    if now.f ~= now.f or now.f > f0 + c1 * try * slope0 or now.f >= low.f then
      high = now
    else
      if math.abs(now.slope) <= -c2 * slope0 then
        return now.t, now.f, now.g, count
      end
      if now.slope * (high.t - low.t) >= 0 then
        high = low
      end
      low = now
    end
  end
  return low.t, low.f, low.g, count
end

return M
