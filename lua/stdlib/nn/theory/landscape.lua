-- The loss as a surface over the weights: along lines and planes, its curvature; and Jacobians.

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local function parameters(who, model)
  if module.is_module(model) then
    return model:parameters()
  elseif type(model) == "table" and core.is_tensor(model[1]) then
    for i, p in ipairs(model) do
      if not core.is_tensor(p) then
        core.raise(("%s: parameter %d must be a tensor, but is %s"):format(who, i, core.describe(p)))
      end
    end
    return model
  end
  core.raise(("%s: needs a model or a list of parameters, but got %s"):format(who, core.describe(model)))
end

local function values_of(list)
  local out = {}
  for i, p in ipairs(list) do
    out[i] = p:detach():clone()
  end
  return out
end

-- Runs f with parameters that are put back whatever happens.
local function put_back(params, f)
  local kept = values_of(params)
  local ok, err = xpcall(core.no_grad, function(e)
    return e
  end, f)
  core.no_grad(function()
    for i, p in ipairs(params) do
      p:copy_(kept[i])
    end
  end)
  if not ok then
    error(err, 0)
  end
end

local function as_number(who, v)
  if core.is_tensor(v) and v:numel() == 1 then
    return v:item()
  elseif type(v) ~= "number" then
    core.raise(("%s: loss must give a number or a tensor of one value, but gave %s"):format(who, core.describe(v)))
  end
  return v
end

---Gives the loss along the straight line between two solutions: loss() is evaluated with weights (1 - t) a + t b. The weights
---are put back. Options: steps (25 places), from (0), to (1).
---@param model nn.Module|nn.Tensor[]
---@param a nn.Tensor[] parameter values, e.g. of model:parameters() of another run
---@param b nn.Tensor[]
---@param loss fun(): nn.Tensor|number
---@param opts? {steps: integer, from: number, to: number}
---@return number[] t, number[] losses
---example:
---  > w = nn.Parameter(nn.zeros(1))
---  > t, losses = nn.theory.loss_line({w}, {nn.zeros(1)}, {nn.ones(1)}, function() return (w * w):sum() end, {steps = 3})
---  > losses
---  {0.0, 0.25, 1.0}
---see: nn.theory.loss_plane, nn.plot.line
function M.loss_line(model, a, b, loss, opts)
  local o = options.read("loss_line", opts, { steps = { "integer", 25 }, from = { "number", 0 }, to = { "number", 1 } })
  local params, ts, losses = parameters("loss_line", model), {}, {}
  if #a ~= #params or #b ~= #params then
    core.raise(("loss_line: the model has %d parameters, the ends %d and %d"):format(#params, #a, #b))
  end
  for _, ends in ipairs { a, b } do
    for i, p in ipairs(params) do
      if not core.is_tensor(ends[i]) or ends[i].shape ~= p.shape then
        core.raise(("loss_line: parameter %d has shape %s, but an end has %s"):format(i, tostring(p.shape),
          core.describe(ends[i])))
      end
    end
  end
  put_back(params, function()
    for s = 0, o.steps - 1 do
      local t = o.from + (o.to - o.from) * s / math.max(1, o.steps - 1)
      for i, p in ipairs(params) do
        p:copy_(a[i]:detach() * (1 - t) + b[i]:detach() * t)
      end
      ts[#ts + 1], losses[#losses + 1] = t, as_number("loss_line", loss())
    end
  end)
  return ts, losses
end

---Gives the loss over a plane through the present weights: along two random directions whose rows have the norms of the
---weights' rows, or along directions given. The weights are put back.
---Options: steps (15 places a side), radius (1, in units of the directions), directions (two lists of tensors; default random),
---seed (1).
---@param model nn.Module|nn.Tensor[]
---@param loss fun(): nn.Tensor
---@param opts? {steps: integer, radius: number, directions: table, seed: integer}
---@return nn.Tensor losses steps x steps, number[] places
---example:
---  > model, x, y = nn.Linear(2, 1), nn.randn(4, 2), nn.randn(4, 1)
---  > losses, places = nn.theory.loss_plane(model, function() return nn.mse_loss(model(x), y) end, {steps = 3})
---  > losses.shape, places
---  3x3	{-1.0, 0.0, 1.0}
---see: nn.plot.surface, nn.theory.loss_line
---source: Li et al. 2018, "Visualizing the loss landscape of neural nets"
function M.loss_plane(model, loss, opts)
  local o = options.read("loss_plane", opts, {
    steps = { "integer", 15 }, radius = { "number", 1 }, directions = { "table" }, seed = { "integer", 1 },
  })
  local params = parameters("loss_plane", model)
  local g, d = core.Generator(o.seed), o.directions
  local center = values_of(params)
  if not d then
    d = { {}, {} }
    for k = 1, 2 do
      for i, p in ipairs(center) do
        local r = core.randn(p.shape, { generator = g, dtype = p.dtype })
        if p.ndim >= 2 then
          local size = p:flatten(2):square():sum(2, true):sqrt()
          local own = r:flatten(2):square():sum(2, true):sqrt() + 1e-12
          d[k][i] = (r:flatten(2) * (size / own)):reshape(p.shape)
        else
          d[k][i] = r * 0
        end
      end
    end
  end
  local places, rows = {}, {}
  for s = 1, o.steps do
    places[s] = o.radius * (2 * (s - 1) / math.max(1, o.steps - 1) - 1)
  end
  put_back(params, function()
    for r = 1, o.steps do
      rows[r] = {}
      for c = 1, o.steps do
        for i, p in ipairs(params) do
          p:copy_(center[i] + d[1][i] * places[c] + d[2][i] * places[r])
        end
        rows[r][c] = as_number("loss_plane", loss())
      end
    end
  end)
  return core.tensor(rows, { dtype = "float64" }), places
end

local function flat(list, params)
  local parts = {}
  for i, p in ipairs(params) do
    parts[i] = (list[i] or core.zeros_like(p)):reshape(-1)
  end
  return core.cat(parts, 1)
end

-- Lanczos' method with full orthogonalization, also against `locked` vectors. Where the space that a start spans is used up, it
-- goes on with another direction. Gives values by size, vectors (a function of the place in the list), residuals.
local function lanczos(product, n, steps, start, locked, random)
  local basis, alpha, beta = {}, {}, {}
  local function orthogonal(w)
    for _ = 1, 2 do
      for _, list in ipairs { locked, basis } do
        for _, b in ipairs(list) do
          w = w - b * (w * b):sum()
        end
      end
    end
    return w
  end
  local v = orthogonal(start)
  v = v / v:norm()
  local scale = 0
  steps = math.min(steps, n - #locked)
  for i = 1, steps do
    basis[i] = v
    local w = product(v)
    alpha[i] = (w * v):sum():item()
    scale = math.max(scale, w:norm():item())
    w = orthogonal(w)
    beta[i] = w:norm():item()
    if i == steps then
      break
    elseif beta[i] <= 1e-7 * scale then
      beta[i] = 0
      w = orthogonal(random())
      local length = w:norm():item()
      if length < 1e-6 then
        break
      end
      v = w / length
    else
      v = w / beta[i]
    end
  end
  local m = #basis
  local t = core.zeros({ m, m }, { dtype = "float64" })
  for i = 1, m do
    t[{ i, i }] = alpha[i]
    if i < m then
      t[{ i + 1, i }], t[{ i, i + 1 }] = beta[i], beta[i]
    end
  end
  local values, vectors = core.eigh(t)
  local order = {}
  for i = 1, m do
    order[i] = i
  end
  local list = values:totable()
  table.sort(order, function(p, q)
    return math.abs(list[p]) > math.abs(list[q])
  end)
  local out, residuals = {}, {}
  for i, k in ipairs(order) do
    out[i], residuals[i] = list[k], math.abs(beta[m] * vectors[{ m, k }]:item())
  end
  return out, function(i)
    local sum = basis[1] * vectors[{ 1, order[i] }]:item()
    for j = 2, m do
      sum = sum + basis[j] * vectors[{ j, order[i] }]:item()
    end
    return sum / sum:norm()
  end, residuals
end

---Gives the largest eigenvalues of the loss's Hessian: by size, each as often as it occurs, by Lanczos' method with full
---orthogonalization on Hessian-vector products: one space holds a value once, so others follow that are orthogonal to what
---was found, until they find nothing that belongs among the largest.
---Options: k (5 values), iterations (40 products in each space), seed (1).
---@param model nn.Module|nn.Tensor[]
---@param loss fun(): nn.Tensor the loss, with gradients
---@param opts? {k: integer, iterations: integer, seed: integer}
---@return number[] values largest size first
---@return number[] residuals how far each may be off: |H v - value v|
---example:
---  > w = nn.Parameter(nn.tensor({1.0, 1.0}, {dtype = "float64"}))
---  > scale = nn.tensor({3.0, 0.5}, {dtype = "float64"})
---  > values = nn.theory.hessian_eigenvalues({w}, function() return (scale * w ^ 2):sum() end, {k = 2})
---  > ("%.3f %.3f"):format(values[1], values[2])
---  6.000 1.000
---see: nn.func.hessian, nn.theory.loss_plane
---source: Pearlmutter 1994, "Fast exact multiplication by the Hessian"
function M.hessian_eigenvalues(model, loss, opts)
  local o = options.read("hessian_eigenvalues", opts, {
    k = { "integer", 5, least = 1 }, iterations = { "integer", 40, least = 1 }, seed = { "integer", 1 },
  })
  local params = parameters("hessian_eigenvalues", model)
  local value = core.enable_grad(options.gives_tensor("hessian_eigenvalues", "loss", loss))
  local grads = flat(core.grad(value, params, { create_graph = true, allow_unused = true }), params)
  local function product(v)
    local inner = (grads * v):sum()
    if not inner.requires_grad then -- the loss is linear in its parameters
      return core.zeros_like(v)
    end
    return flat(core.grad(inner, params, { retain_graph = true, allow_unused = true }), params):detach()
  end
  local n, generator = #grads, core.Generator(o.seed)
  local function random()
    return core.randn({ n }, { generator = generator, dtype = grads.dtype })
  end
  local k = math.min(o.k, n)
  local found, locked = {}, {}
  local function add(values, vector, residuals, count)
    for i = 1, count do
      found[#found + 1] = { values[i], residuals[i] }
      locked[#locked + 1] = vector(i)
    end
    table.sort(found, function(a, b)
      return math.abs(a[1]) > math.abs(b[1])
    end)
  end
  local values, vector, residuals = lanczos(product, n, math.max(o.iterations, k), random(), locked, random)
  local last = #values == n -- the whole space: nothing is left to be found
  add(values, vector, residuals, math.min(k, #values))
  while not last and #locked < n do
    values, vector, residuals = lanczos(product, n, o.iterations, random(), locked, random)
    if #values == 0 or #found >= k and math.abs(values[1]) <= math.abs(found[k][1]) * (1 + 1e-6) then
      break
    end
    add(values, vector, residuals, 1)
  end
  local out, off = {}, {}
  for i = 1, math.min(k, #found) do
    out[i], off[i] = found[i][1], found[i][2]
  end
  return out, off
end

---Gives the derivative of f's outputs by its inputs at one point: outputs x inputs.
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor a sample, without a batch dim
---@return nn.Tensor
---example:
---  > nn.theory.jacobian(nn.tanh, nn.tensor {0.0, 1.0})
---  tensor([[1.00, 0.00],
---          [0.00, 0.42]], shape=2x2, float32)
---see: nn.theory.singular_values, nn.func.jacobian
function M.jacobian(f, x)
  f = options.gives_tensor("jacobian", "f", f)
  return core.enable_grad(function()
    local leaf = x:detach():clone():requires_grad_()
    local y = f(leaf:unsqueeze(1)):reshape(-1)
    local rows = {}
    for i = 1, #y do
      local d = core.grad(y[i], { leaf }, { retain_graph = true, allow_unused = true })[1]
      rows[i] = (d or core.zeros_like(leaf)):detach():reshape(-1)
    end
    return core.stack(rows, 1)
  end)
end

---Gives the singular values of f's Jacobian at one point, largest first: by how much f stretches directions there.
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor a sample, without a batch dim
---@return nn.Tensor
---example:
---  > nn.theory.singular_values(function(x) return x * nn.tensor {3.0, 0.5} end, nn.tensor {1.0, 1.0})
---  tensor([3.0, 0.5], shape=2, float64)
---see: nn.theory.jacobian, nn.linalg.svdvals
function M.singular_values(f, x)
  local _, s = core.svd(M.jacobian(f, x):to "float64")
  return s
end

return M
