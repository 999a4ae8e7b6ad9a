-- Signals in wide random networks: h = W phi(h') + b with W_ij ~ N(0, sigma_w^2 / fan_in), b_i ~ N(0, sigma_b^2). The
-- variance q of h and the correlation c of two inputs follow maps from layer to layer (Poole et al. 2016); perturbations
-- and gradients grow or shrink by chi_1 a layer (Schoenholz et al. 2017). Integrals are sums over a grid.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- Integrals over a Gaussian by the trapezoidal rule in t, z = a sinh(t): fine near 0, where steep functions turn (tanh with
-- sqrt(q) = 1000 turns within 0.001), and wide enough. An even number of points: none at 0, where ReLU has its corner.
local function make_grid(count, a)
  local top = math.log(10 / a + math.sqrt(100 / (a * a) + 1))
  local t = core.linspace(-top, top, count, { dtype = "float64" })
  local z = t:sinh() * a
  local weight = (z:square() * -0.5):exp() * t:cosh() * (a * 2 * top / (count - 1) / math.sqrt(2 * math.pi))
  return z, weight / weight:sum()
end
local points, density = make_grid(4000, 1e-6)

-- E f(sqrt(q) z)
local function expectation(f, q)
  return (f(points * math.sqrt(q)) * density):sum():item()
end

-- E f(u1) f(u2) for two Gaussians of variance q and correlation c
local plane_z, plane_weight = make_grid(400, 1e-3)
local function pair_expectation(f, q, c)
  local u = plane_z * math.sqrt(q)
  local first = f(u)
  local second = f((u:unsqueeze(2) * c + u:unsqueeze(1) * math.sqrt(math.max(1 - c * c, 0))):reshape(-1)):reshape(400, 400)
  return ((second * plane_weight:unsqueeze(1)):sum(2) * first * plane_weight):sum():item()
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

-- The fixed point of a map that signals of variance q0 come to: the nearest on the side to which the map leads. 0 and infinity
-- are the ends.
local function fixed_point(step, q0)
  local first = step(q0)
  if math.abs(first - q0) <= 1e-9 * q0 then -- there already; ReLU at the edge keeps any variance
    return q0
  end
  local up = first > q0
  local low, high = math.log(q0), nil
  local at = low
  for _ = 1, 400 do -- outwards until the map leads back
    at = at + (up and 0.1 or -0.1)
    if at < -40 then
      return 0
    elseif at > 40 then
      return math.huge
    end
    local q = math.exp(at)
    if (step(q) > q) ~= up then
      high = at
      break
    end
    low = at
  end
  if not high then
    return up and math.huge or 0
  end
  for _ = 1, 60 do
    local middle = (low + high) / 2
    local q = math.exp(middle)
    if (step(q) > q) == up then
      low = middle
    else
      high = middle
    end
  end
  return math.exp((low + high) / 2)
end

-- Where the correlation of two inputs that are nearly alike goes, and the slope of its map there. c = 1 is a fixed point always;
-- where it is not stable, the next one below is. after: the variance a layer later, which is q where q is finite.
local function correlation(phi, slope, q, after, w2, b2, chi)
  if chi * q / after <= 1 + 1e-9 then
    return 1, chi * q / after
  end
  local function step(c)
    return (w2 * pair_expectation(phi, q, c) + b2) / after
  end
  local high, low = 1 - 1e-6, nil
  for i = 1, 200 do
    local c = high - 0.01
    if c < -1 then
      break
    elseif step(c) >= c then
      low = c
      break
    end
    high = i == 1 and 0.99 or c
  end
  low = low or -1
  for _ = 1, 40 do
    local middle = (low + high) / 2
    if step(middle) >= middle then
      low = middle
    else
      high = middle
    end
  end
  local c = (low + high) / 2
  return c, w2 * pair_expectation(slope, q, c) * q / after
end

---Tells how signals go through a deep random net. Its weights have the variance sigma_w^2 / width, its biases sigma_b^2.
---Gives the fixed point q of the variance that signals of variance q0 come to, the slope chi_1 = sigma_w^2 E phi'(h)^2
---there, and the depth scales xi = -1 / log(slope) over which signals forget: xi_q of the variance, xi_c of correlations, at
---the correlation c that two inputs come to (1 in the ordered phase). phase: "ordered" (chi_1 < 1: inputs become alike,
---gradients vanish), "chaotic" (chi_1 > 1: gradients explode) or "edge". Some functions (GELU, SiLU) have two basins: say
---with q0 where signals begin. Options: sigma_w (1), sigma_b (0), q0 (1).
---@param phi fun(x: nn.Tensor): nn.Tensor
---@param opts {sigma_w: number, sigma_b: number, q0: number}
---@return table {q, chi_1, c, xi_q, xi_c, phase, gradient_depth}
---example:
---  > nn.theory.mean_field(nn.tanh, {sigma_w = 2}).phase
---  chaotic
---  > nn.theory.mean_field(nn.tanh, {sigma_w = 0.5, sigma_b = 0.1}).phase
---  ordered
---see: nn.theory.edge_of_chaos, nn.init.normal_
---source: Poole et al. 2016; Schoenholz et al. 2017, "Deep information propagation"
function M.mean_field(phi, opts)
  local o = options.read("mean_field", opts, { sigma_w = { "number", 1, least = 0 }, sigma_b = { "number", 0 },
    q0 = { "number", 1, above = 0 } })
  local w2, b2 = o.sigma_w ^ 2, o.sigma_b ^ 2
  phi = options.gives_tensor("mean_field", "phi", phi, true)
  local function step(q)
    return w2 * expectation(function(x)
      return phi(x):square()
    end, q) + b2
  end
  local q = fixed_point(step, o.q0)
  local slope = derivative(phi)
  local near = math.max(math.min(q, 1e16), 1e-16) -- where the slopes are looked at, at the ends
  local chi = w2 * expectation(function(x)
    return slope(x):square()
  end, near)
  local eps = near * 1e-4
  local chi_q = (step(near + eps) - step(near - eps)) / (2 * eps)
  local c, chi_c = correlation(phi, slope, near, step(near), w2, b2, chi)
  local function depth(x)
    x = math.abs(x)
    return x > 0 and x < 1 and -1 / math.log(x) or (x == 0 and 0 or math.huge)
  end
  return {
    q = q, chi_1 = chi, c = c, xi_q = depth(chi_q), xi_c = depth(chi_c),
    gradient_depth = chi ~= 1 and 1 / math.abs(math.log(math.max(chi, 1e-300))) or math.huge,
    phase = math.abs(chi - 1) < 1e-3 and "edge" or (chi < 1 and "ordered" or "chaotic"),
  }
end

---Gives the sigma_w at which chi_1 = 1 for a given sigma_b, by bisection: there signals and gradients go deepest.
---Options: low (0.1) and high (5), where it is looked for.
---@param phi fun(x: nn.Tensor): nn.Tensor
---@param sigma_b? number default 0
---@param opts? {low: number, high: number}
---@return number sigma_w
---example:
---  > ("%.3f"):format(nn.theory.edge_of_chaos(nn.relu, 0))
---  1.414
---see: nn.theory.mean_field, nn.init.he_normal_
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
