-- Signals in wide random networks: h = W phi(h') + b with W_ij ~ N(0, sigma_w^2 / fan_in), b_i ~ N(0, sigma_b^2). The
-- variance q of h and the correlation c of two inputs follow maps from layer to layer (Poole et al. 2016); perturbations
-- and gradients grow or shrink by chi_1 a layer (Schoenholz et al. 2017). Integrals are sums over a grid.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local points = core.linspace(-8, 8, 1600, { dtype = "float64" }) -- an even number: no point at 0, where ReLU has its corner
local density = (points:square() * -0.5):exp() * ((16 / 1599) / math.sqrt(2 * math.pi))

-- E f(sqrt(q) z)
local function expectation(f, q)
  return (f(points * math.sqrt(q)) * density):sum():item()
end

local function derivative(phi)
  return function(x)
    return core.enable_grad(function()
      local leaf = x:detach():clone():requires_grad_()
      local y = phi(leaf):sum()
      if not y.requires_grad then
        return core.zeros_like(x)
      end
      return core.grad(y, { leaf }, { allow_unused = true })[1] or core.zeros_like(x)
    end)
  end
end

---The fixed point of the variance, the slope chi_1 = sigma_w^2 E phi'(h)^2 there, and the depth scales xi = -1 / log(slope)
---over which signals forget: xi_q of the variance, xi_c of correlations. phase: "ordered" (chi_1 < 1: inputs become alike,
---gradients vanish), "chaotic" (chi_1 > 1: gradients explode) or "edge".
---@param phi fun(x: nn.Tensor): nn.Tensor
---@param opts {sigma_w: number, sigma_b: number}
---@return table {q, chi_1, xi_q, xi_c, phase, gradient_depth}
function M.mean_field(phi, opts)
  local o = options.read("mean_field", opts, { sigma_w = { "number", 1 }, sigma_b = { "number", 0 } })
  local w2, b2 = o.sigma_w ^ 2, o.sigma_b ^ 2
  phi = options.gives_tensor("mean_field", "phi", phi, true)
  local function step(q)
    return w2 * expectation(function(x)
      return phi(x):square()
    end, q) + b2
  end
  -- the fixed point by bisection on the logarithm of q; outside these bounds q falls to 0 or grows without end
  local low, high = math.log(1e-12), math.log(1e8)
  if step(math.exp(low)) <= math.exp(low) then
    high = low
  elseif step(math.exp(high)) >= math.exp(high) then
    low = high
  end
  for _ = 1, 60 do
    if high - low < 1e-12 then
      break
    end
    local middle = (low + high) / 2
    if step(math.exp(middle)) > math.exp(middle) then
      low = middle
    else
      high = middle
    end
  end
  local q = math.exp((low + high) / 2)
  local slope = derivative(phi)
  local chi = w2 * expectation(function(x)
    return slope(x):square()
  end, q)
  local eps = math.max(q, 1e-9) * 1e-4
  local chi_q = q < 1e12 and (step(q + eps) - step(math.max(q - eps, 0))) / (q + eps - math.max(q - eps, 0)) or chi
  local function depth(x)
    return x > 0 and x < 1 and -1 / math.log(x) or (x <= 0 and 0 or math.huge)
  end
  return {
    q = q, chi_1 = chi, xi_q = depth(chi_q), xi_c = depth(chi),
    gradient_depth = chi ~= 1 and 1 / math.abs(math.log(math.max(chi, 1e-300))) or math.huge,
    phase = math.abs(chi - 1) < 1e-3 and "edge" or (chi < 1 and "ordered" or "chaotic"),
  }
end

---The sigma_w at which chi_1 = 1 for a given sigma_b, by bisection.
---@param phi fun(x: nn.Tensor): nn.Tensor
---@param sigma_b? number
---@param opts? {low: number, high: number}
---@return number sigma_w
function M.edge_of_chaos(phi, sigma_b, opts)
  local o = options.read("edge_of_chaos", opts, { low = { "number", 0.1 }, high = { "number", 5 } })
  local low, high = o.low, o.high
  local function above(s)
    return M.mean_field(phi, { sigma_w = s, sigma_b = sigma_b or 0 }).chi_1 > 1
  end
  if above(low) or not above(high) then
    core.raise(("edge_of_chaos: chi_1 does not pass 1 between sigma_w = %g and %g"):format(low, high))
  end
  for _ = 1, 40 do
    local middle = (low + high) / 2
    if above(middle) then
      high = middle
    else
      low = middle
    end
  end
  return (low + high) / 2
end

return M
