-- Universal approximation in one dimension, three ways, as nets F(x) = sum alpha_i phi(w_i x + b_i) + c with N units.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local function net(n, activation)
  local nn = require "nn"
  return nn.Sequential(nn.Linear(1, n), activation, nn.Linear(n, 1))
end

local function grid(low, high, n)
  return core.linspace(low, high, n):unsqueeze(2)
end

---Gives the largest |F(x) - f(x)| on a grid over low .. high: how far a net is from the function that it approximates.
---Options: low (0), high (1), points (4001).
---@param model fun(x: nn.Tensor): nn.Tensor
---@param f fun(x: nn.Tensor): nn.Tensor
---@param opts? {low: number, high: number, points: integer}
---@return number
---example:
---  > nn.theory.sup_error(function(x) return x end, function(x) return x ^ 2 end)
---  0.25
---see: nn.theory.constructive_net
function M.sup_error(model, f, opts)
  local o = options.read("sup_error", opts, { low = { "number", 0 }, high = { "number", 1 }, points = { "integer", 4001 } })
  local x = grid(o.low, o.high, o.points)
  model, f = options.gives_tensor("sup_error", "the model", model, true), options.gives_tensor("sup_error", "f", f, true)
  return core.no_grad(function()
    return (model(x) - f(x)):abs():max():item()
  end)
end

---Writes down a net that approximates f on an interval, without training: N steep sigmoids, each a step at the border between
---two of N + 1 equal intervals, as high as f changes from one interval's middle to the next. For f with Lipschitz constant K
---the error is at most about K (high - low) / (N + 1).
---Options: low (0), high (1), steepness (12, of a sigmoid, in units of the intervals).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param n integer
---@param opts? {low: number, high: number, steepness: number}
---@return nn.Module
---example:
---  > f = function(x) return (x * 6):sin() end
---  > net = nn.theory.constructive_net(f, 50)
---  > nn.theory.sup_error(net, f) < 6 / 50
---  true
---see: nn.theory.sup_error, nn.theory.random_feature_net, nn.theory.trained_net
function M.constructive_net(f, n, opts)
  local o = options.read("constructive_net", opts, {
    low = { "number", 0 }, high = { "number", 1 }, steepness = { "number", 12 },
  })
  f = options.gives_tensor("constructive_net", "f", f, true)
  local model = net(n, require("nn").Sigmoid())
  local width = (o.high - o.low) / (n + 1)
  core.no_grad(function()
    local middles = core.arange(n + 1):to "float32" * width + (o.low + width / 2)
    local values = f(middles:unsqueeze(2)):reshape(-1)
    local borders = core.arange(n):to "float32" * width + (o.low + width)
    local k = o.steepness / width
    model[1].weight:fill_(k)
    model[1].bias:copy_(borders * -k)
    model[3].weight:copy_((values:narrow(1, 2, n) - values:narrow(1, 1, n)):unsqueeze(1))
    model[3].bias:copy_(values:narrow(1, 1, 1))
  end)
  return model
end

---Makes a net of random features: its hidden weights are random, the output layer alone is fitted, by ridge regression on a
---grid.
---Options: low (0), high (1), scale (10, of the hidden weights), points (1000, of the grid), seed (1).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param n integer hidden units
---@param opts? {low: number, high: number, scale: number, points: integer, seed: integer}
---@return nn.Module
---example:
---  > f = function(x) return (x * 6):sin() end
---  > net = nn.theory.random_feature_net(f, 20, {points = 200})
---  > nn.theory.sup_error(net, f) < 0.1
---  true
---see: nn.theory.trained_net, nn.theory.constructive_net
---source: Rahimi & Recht 2008
function M.random_feature_net(f, n, opts)
  local o = options.read("random_feature_net", opts, {
    low = { "number", 0 }, high = { "number", 1 }, scale = { "number", 10 }, points = { "integer", 1000 },
    seed = { "integer", 1 },
  })
  f = options.gives_tensor("random_feature_net", "f", f, true)
  local g = core.Generator(o.seed)
  local model = net(n, require("nn").Tanh())
  core.no_grad(function()
    local w = core.randn({ n, 1 }, { generator = g }) * o.scale
    local places = core.rand({ n }, { generator = g }) * (o.high - o.low) + o.low
    model[1].weight:copy_(w)
    model[1].bias:copy_(-(w:squeeze(2) * places))
    local x = grid(o.low, o.high, o.points)
    local features = core.tanh(model[1](x))
    local fit = require("nn.models.linear").RidgeRegression({ lambda = 1e-8 }):fit(features, f(x):reshape(-1))
    model[3].weight:copy_(fit.weight:to("float32"):unsqueeze(1))
    model[3].bias:fill_(fit.bias)
  end)
  return model
end

---Makes a net that approximates f, trained: all weights, by L-BFGS on a grid, from the random features.
---Options: low (0), high (1), scale (10, of the hidden weights), points (300, of the grid), seed (1), iterations (300).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param n integer hidden units
---@param opts? {low: number, high: number, scale: number, points: integer, seed: integer, iterations: integer}
---@return nn.Module
---example:
---  > f = function(x) return (x * 6):sin() end
---  > net = nn.theory.trained_net(f, 5, {points = 50, iterations = 20})
---  > nn.theory.sup_error(net, f) < 0.5
---  true
---see: nn.theory.random_feature_net, nn.optim.LBFGS
function M.trained_net(f, n, opts)
  local o = options.read("trained_net", opts, {
    low = { "number", 0 }, high = { "number", 1 }, scale = { "number", 10 }, points = { "integer", 300 },
    seed = { "integer", 1 }, iterations = { "integer", 300 },
  })
  f = options.gives_tensor("trained_net", "f", f, true)
  local iterations = o.iterations
  o.iterations = nil
  local model = M.random_feature_net(f, n, o):to "float64"
  local x = grid(o.low, o.high, o.points):to "float64"
  local y = f(x)
  local opt = require("nn.optim").LBFGS(model:parameters(), {
    line_search_fn = "strong_wolfe", max_iter = iterations, max_eval = 2 * iterations, tolerance_change = 1e-14,
  })
  opt:step(function()
    opt:zero_grad()
    local loss = core.mse_loss(model(x), y)
    loss:backward()
    return loss
  end)
  return model:to "float32"
end

return M
