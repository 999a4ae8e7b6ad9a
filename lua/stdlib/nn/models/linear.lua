-- Linear models with exact solutions, to compare networks with: least squares, ridge, lasso, logistic regression. All in
-- float64. fit, predict, score; then weight, bias. Inputs n x d; targets n, n x 1 or (linear and ridge) n x outputs.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local function class(name)
  local C = options.class("nn." .. name)
  C._name = name
  return C
end

local function inputs(self, x)
  if not core.is_tensor(x) or x.ndim ~= 2 then
    core.raise(("%s: needs inputs as n x d, but got %s"):format(self._name, core.describe(x)))
  end
  return x:detach():to "float64"
end

local function pair(self, x, y)
  x = inputs(self, x)
  if not core.is_tensor(y) or y.ndim == 0 or #y ~= #x then
    core.raise(("%s: needs a target for each of %d inputs, but got %s"):format(self._name, #x, core.describe(y)))
  end
  return x, y:detach():to "float64"
end

local function fitted(self)
  if not self.weight then
    core.raise(("%s: call fit first"):format(self._name))
  end
end

-- ---- least squares ----

-- What regressions share: y ~ x . weight + bias. `solve` gets centered data (when there is an intercept).
local function regression(name, spec, solve)
  local C = class(name)
  spec.intercept = { "boolean", true }
  ---Fits weight and bias to samples and gives the model itself.
  ---@param x nn.Tensor n x d
  ---@param y nn.Tensor n, n x 1 or, but for the lasso, n x outputs
  ---@return table self
  ---example:
  ---  > m = nn.LinearRegression():fit(nn.tensor {{0.0}, {1.0}}, nn.tensor {1.0, 3.0})
  ---  > m
  ---  LinearRegression(weight 1, bias 1.0)
  ---see: nn.LinearRegression:predict, nn.LinearRegression:score
  function C:fit(x, y)
    x, y = pair(self, x, y)
    local flat = y.ndim == 1
    y = flat and y:unsqueeze(2) or y
    local mx, my = x:mean(1, true), y:mean(1, true)
    if not self.intercept then
      mx, my = mx * 0, my * 0
    end
    local w = solve(self, x - mx, y - my) -- d x outputs
    local b = (my - mx:matmul(w)):reshape(-1)
    self.weight, self.bias, self.flat = flat and w:squeeze(2) or w, flat and b:item() or b, flat
    return self
  end
  ---Gives x . weight + bias, of the shape that the targets had.
  ---@param x nn.Tensor n x d
  ---@return nn.Tensor
  ---example:
  ---  > m = nn.LinearRegression():fit(nn.tensor {{0.0}, {1.0}}, nn.tensor {1.0, 3.0})
  ---  > m:predict(nn.tensor {{2.0}})
  ---  tensor([5.0], shape=1, float64)
  ---see: nn.LinearRegression:fit
  function C:predict(x)
    fitted(self)
    return inputs(self, x):matmul(self.weight) + self.bias
  end
  ---Gives R^2, the share of the targets' variance that is explained: 1 - sum (y - prediction)^2 / sum (y - mean y)^2.
  ---@param x nn.Tensor
  ---@param y nn.Tensor
  ---@return number
  ---example:
  ---  > x, y = nn.tensor {{0.0}, {1.0}, {2.0}}, nn.tensor {1.0, 3.0, 5.0}
  ---  > nn.LinearRegression():fit(x, y):score(x, y)
  ---  1.0
  ---see: nn.train.metrics.R2, nn.LinearRegression:fit
  function C:score(x, y)
    x, y = pair(self, x, y)
    local res = (self:predict(x) - y):square():sum():item()
    return 1 - res / (y - y:mean(1, true)):square():sum():item()
  end
  function C:__tostring()
    return ("%s(%s)"):format(name, self.weight and ("weight %s, bias %s"):format(tostring(self.weight.shape),
      tostring(self.bias)) or "not fitted")
  end
  ---@param opts? table
  M[name] = function(opts)
    return setmetatable(options.read(name, opts, spec), C)
  end
end

---Makes least squares: min sum (x . w + b - y)^2, by QR. Fields after fit: weight, bias. All in float64.
---Options: intercept (true; false: b = 0).
---@param opts? {intercept: boolean}
---@return nn.LinearRegression
---example:
---  > m = nn.LinearRegression():fit(nn.tensor {{0.0}, {1.0}, {2.0}}, nn.tensor {1.0, 3.0, 5.0})
---  > m:predict(nn.tensor {{10.0}})
---  tensor([21.0], shape=1, float64)
---see: nn.RidgeRegression, nn.LassoRegression, nn.LinearRegression:fit, nn.linalg.lstsq
regression("LinearRegression", {}, function(self, x, y)
  if #x < x:size(2) then
    core.raise(("%s: %d samples do not determine %d weights; use nn.RidgeRegression"):format(self._name, #x, x:size(2)))
  end
  local q, r = core.qr(x)
  local w = core.solve(r, q:t():matmul(y))
  if w:ne(w):any():item() then
    core.raise(("%s: the inputs are linearly dependent; use nn.RidgeRegression"):format(self._name))
  end
  return w
end)

---Makes ridge regression: min sum (x . w + b - y)^2 + lambda sum w^2, the intercept not penalized: w = (X^T X + lambda I)^-1
---X^T y. Fields after fit: weight, bias. Options: lambda (1), intercept (true; false: b = 0).
---@param opts? {lambda: number, intercept: boolean}
---@return nn.RidgeRegression
---example:
---  > m = nn.RidgeRegression{lambda = 2}:fit(nn.tensor {{-1.0}, {1.0}}, nn.tensor {-2.0, 2.0})
---  > m.weight
---  tensor([1.], shape=1, float64)
---see: nn.LinearRegression, nn.LassoRegression, nn.regularize.l2
---source: Hoerl & Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems"
regression("RidgeRegression", { lambda = { "number", 1 } }, function(self, x, y)
  local d = x:size(2)
  return core.solve(x:t():matmul(x) + core.eye(d, { dtype = "float64" }) * self.lambda, x:t():matmul(y))
end)

-- One sweep after another over the coordinates, each at its minimum, until nothing moves by more than the tolerance.
local function lasso(self, x, y, start)
  if y:size(2) ~= 1 then
    core.raise(("%s: takes one target a sample, but the targets have shape %s"):format(self._name, tostring(y.shape)))
  end
  local d = x:size(2)
  local gram, xy = x:t():matmul(x):totable(), x:t():matmul(y):reshape(-1):totable()
  local w = start or {}
  for j = 1, d do
    w[j] = w[j] or 0.0
  end
  local half = self.lambda / 2
  for sweep = 1, self.max_iter do
    local moved, largest = 0.0, 0.0
    for j = 1, d do
      local rho, row = xy[j], gram[j]
      for k = 1, d do
        if k ~= j then
          rho = rho - row[k] * w[k]
        end
      end
      local new = 0.0
      if row[j] > 0 then
        new = rho > half and (rho - half) / row[j] or (rho < -half and (rho + half) / row[j] or 0.0)
      end
      moved, largest = math.max(moved, math.abs(new - w[j])), math.max(largest, math.abs(new))
      w[j] = new
    end
    self.sweeps = sweep
    if moved <= self.tolerance * math.max(1, largest) then
      break
    end
  end
  return core.tensor(w, { dtype = "float64" }):unsqueeze(2), w
end

---Makes the lasso: min sum (x . w + b - y)^2 + lambda sum |w|, by coordinate descent. Weights that do not pay are exactly 0.
---Fields after fit: weight, bias, sweeps. Options: lambda (1), intercept (true; false: b = 0), max_iter (10000 sweeps),
---tolerance (1e-10: it ends when no weight moves by more than this share).
---@param opts? {lambda: number, intercept: boolean, max_iter: integer, tolerance: number}
---@return nn.LassoRegression
---example:
---  > x = nn.tensor {{-1.0, 1.0}, {1.0, 1.0}, {-1.0, -1.0}, {1.0, -1.0}}
---  > m = nn.LassoRegression{lambda = 2}:fit(x, nn.tensor {-2.0, 2.1, -2.1, 2.0})
---  > m.weight
---  tensor([1.8, 0.0], shape=2, float64)
---see: nn.lasso_path, nn.RidgeRegression, nn.regularize.l1
---source: Tibshirani 1996; Friedman, Hastie & Tibshirani 2010
regression("LassoRegression", {
  lambda = { "number", 1 }, max_iter = { "integer", 10000 }, tolerance = { "number", 1e-10 },
}, function(self, x, y)
  return (lasso(self, x, y))
end)

---Gives the lasso's weights for a list of lambdas, to see in which order they become 0: a matrix lambdas x d.
---@param x nn.Tensor n x d
---@param y nn.Tensor n
---@param lambdas number[]
---@return nn.Tensor
---example:
---  > x = nn.tensor {{-1.0, 1.0}, {1.0, 1.0}, {-1.0, -1.0}, {1.0, -1.0}}
---  > nn.lasso_path(x, nn.tensor {-2.0, 3.0, -3.0, 2.0}, {20, 4, 0})
---  tensor([[0.0, 0.0],
---          [2.0, 0.0],
---          [2.5, 0.5]], shape=3x2, float64)
---see: nn.LassoRegression, nn.plot.line
function M.lasso_path(x, y, lambdas)
  local out = {}
  for i = 1, #lambdas do
    out[i] = M.LassoRegression({ lambda = lambdas[i] }):fit(x, y).weight:reshape(-1)
  end
  return core.stack(out, 1)
end

-- ---- logistic regression ----

local Logistic = class "LogisticRegression"

---Makes logistic regression, which classifies by a linear function. Two classes: sigmoid(x . w + b), by Newton's method
---(method = "newton", that is iteratively reweighted least squares) or gradient descent with a line search ("gradient"); more
---classes: softmax, by L-BFGS. Maximizes the likelihood less l2 / 2 sum w^2. Labels may be any numbers; predictions are of the
---same kind. Fields after fit: weight, bias, classes, converged. Options: method ("newton"), l2 (0), max_iter (100), tolerance
---(1e-9).
---@param opts? {method: string, l2: number, max_iter: integer, tolerance: number}
---@return nn.LogisticRegression
---example:
---  > data = nn.data.blobs{n = 40, classes = 2, std = 0.5}
---  > m = nn.LogisticRegression{l2 = 0.1}:fit(data.x, data.y)
---  > m:score(data.x, data.y), m.converged
---  1.0	true
---see: nn.LogisticRegression:fit, nn.Perceptron, nn.CrossEntropyLoss
function M.LogisticRegression(opts)
  local o = options.read("LogisticRegression", opts, {
    method = { "string", "newton" }, l2 = { "number", 0 }, max_iter = { "integer", 100 }, tolerance = { "number", 1e-9 },
  })
  if o.method ~= "newton" and o.method ~= "gradient" then
    core.raise(("LogisticRegression: method must be \"newton\" or \"gradient\", but is \"%s\""):format(o.method))
  end
  return setmetatable(o, Logistic)
end

-- The negative log-likelihood and the lecture's gradient sum (sigma_i - y_i) x_i; v has the bias at its end.
local function two_class(x1, y, v, l2)
  local z = x1:matmul(v)
  local free = v * (core.arange(#v):lt(#v - 1):to "float64") -- the bias is not penalized
  local loss = (core.softplus(z) - y * z):sum():item() + l2 / 2 * free:square():sum():item()
  local sigma = core.sigmoid(z)
  return loss, x1:t():matmul(sigma - y) + free * l2, sigma
end

local function fit_two(self, x, y)
  local x1 = core.cat({ x, core.ones({ #x, 1 }, { dtype = "float64" }) }, 2)
  local n = x1:size(2)
  local v = core.zeros(n, { dtype = "float64" })
  local loss, g, sigma = two_class(x1, y, v, self.l2)
  local ridge = core.eye(n, { dtype = "float64" }) * self.l2
  ridge[{ n, n }] = 0
  local step = 1
  self.history = { loss }
  for i = 1, self.max_iter do
    self.iterations = i
    local size = g:abs():max():item()
    if size <= self.tolerance * math.max(1, #x) then
      self.converged = true
      break
    end
    local d = -g
    if self.method == "newton" then
      local h = (x1 * (sigma * (1 - sigma)):unsqueeze(2)):t():matmul(x1) + ridge
      -- a little of the identity keeps separable data, where the likelihood has no maximum, from a singular matrix
      local jitter = 1e-12 * (1 + h:abs():max():item())
      d = core.solve(h + core.eye(n, { dtype = "float64" }) * jitter, -g)
      step = 1
    end
    local slope = (g * d):sum():item()
    local moved = false
    for _ = 1, 60 do
      local try = v + d * step
      local l2, g2, s2 = two_class(x1, y, try, self.l2)
      if l2 <= loss + 1e-4 * step * slope then
        v, loss, g, sigma, moved = try, l2, g2, s2, true
        step = step * 2
        break
      end
      step = step / 2
    end
    self.history[#self.history + 1] = loss
    if not moved then
      self.converged = true
      break
    end
  end
  self.weight, self.bias = v:narrow(1, 1, n - 1):clone(), v[n]:item()
  self.loss = loss
end

local function fit_many(self, x, class_of)
  local w = core.Parameter(core.zeros({ #self.classes, x:size(2) }, { dtype = "float64" }))
  local b = core.Parameter(core.zeros(#self.classes, { dtype = "float64" }))
  local opt = require("nn.optim").LBFGS({ w, b }, {
    line_search_fn = "strong_wolfe", max_iter = self.max_iter * 10, max_eval = self.max_iter * 20, tolerance_grad = 1e-7,
  })
  opt:step(function()
    opt:zero_grad()
    local loss = core.cross_entropy(core.linear(x, w, b), class_of, "sum") + w:square():sum() * (self.l2 / 2)
    loss:backward()
    self.loss = loss:item()
    return loss
  end)
  self.weight, self.bias, self.converged = w:detach(), b:detach(), true
end

---Fits weight and bias to samples and labels and gives the model itself.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return nn.LogisticRegression self
---example:
---  > data = nn.data.blobs{n = 30, classes = 3}
---  > nn.LogisticRegression{l2 = 1}:fit(data.x, data.y)
---  LogisticRegression(3 classes, weight 3x2)
---see: nn.LogisticRegression:predict, nn.LogisticRegression:predict_proba
function Logistic:fit(x, y)
  x, y = pair(self, x, y)
  local classes, index = require("nn.internal.labels").index("LogisticRegression", y:reshape(-1):totable())
  self.classes, self.converged = classes, false
  if #classes == 2 then
    fit_two(self, x, y:reshape(-1):eq(classes[2]):to "float64")
  else
    fit_many(self, x, core.tensor(index))
  end
  return self
end

---Gives the probability of the higher class (n), or of each class (n x classes).
---@param x nn.Tensor n x d
---@return nn.Tensor
---example:
---  > m = nn.LogisticRegression{l2 = 1}:fit(nn.tensor {{-1.0}, {1.0}}, nn.tensor {1, 2})
---  > m:predict_proba(nn.tensor {{0.0}})
---  tensor([0.5], shape=1, float64)
---see: nn.LogisticRegression:predict, nn.train.metrics.LogLoss
function Logistic:predict_proba(x)
  fitted(self)
  x = inputs(self, x)
  if #self.classes == 2 then
    return core.sigmoid(x:matmul(self.weight) + self.bias)
  end
  return core.softmax(core.linear(x, self.weight, self.bias), 2)
end

---Gives the likeliest class of each sample, as the labels that fit was given.
---@param x nn.Tensor n x d
---@return nn.Tensor n labels
---example:
---  > m = nn.LogisticRegression{l2 = 1}:fit(nn.tensor {{-1.0}, {1.0}}, nn.tensor {1, 2})
---  > m:predict(nn.tensor {{-2.0}, {0.5}})
---  tensor([1, 2], shape=2, int64)
---see: nn.LogisticRegression:predict_proba, nn.LogisticRegression:score
function Logistic:predict(x)
  local p = self:predict_proba(x)
  local index = p.ndim == 1 and p:gt(0.5):to "int64" + 1 or p:argmax(2)
  local labels = core.tensor(self.classes, { dtype = "float64" }):index_select(1, index)
  local whole = true
  for _, c in ipairs(self.classes) do
    whole = whole and c == math.floor(c)
  end
  return whole and labels:to "int64" or labels
end

---Gives the share of samples that get their label.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return number
---example:
---  > x, y = nn.tensor {{-1.0}, {1.0}}, nn.tensor {1, 2}
---  > nn.LogisticRegression{l2 = 1}:fit(x, y):score(x, y)
---  1.0
---see: nn.LogisticRegression:predict, nn.train.metrics.Accuracy
function Logistic:score(x, y)
  return self:predict(x):to("float64"):eq(y:reshape(-1):to "float64"):to("float64"):mean():item()
end

function Logistic:__tostring()
  return ("LogisticRegression(%s)"):format(self.weight and ("%d classes, weight %s"):format(#self.classes,
    tostring(self.weight.shape)) or "not fitted")
end

return M
