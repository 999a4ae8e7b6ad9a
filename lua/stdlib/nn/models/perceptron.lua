-- nn.Perceptron: the threshold unit g(x; W, theta) = 1 if W . x > theta, else 0, and Rosenblatt's rule for it.
--
--   local p = nn.Perceptron()
--   local report = p:fit(x, y)      -- labels of two classes; the higher one is the unit's 1
--   print(report.updates, report.bound, p:score(x, y))

local core = require "nn.core"
local options = require "nn.internal.options"

---@class nn.Perceptron
local Perceptron = options.class "nn.Perceptron"

local variants = { plain = true, averaged = true, voted = true, pocket = true }

---Makes Rosenblatt's perceptron: a threshold unit, 1 if W . x > theta, else 0, and his rule for it; with more than two classes,
---one unit each. Fields after fit: W, theta, classes.
---Options: variant ("plain", Rosenblatt 1958; "averaged" and "voted", Freund & Schapire 1999; "pocket", Gallant 1990, with
---ratchet: the weights that did best on the training data are kept), lr (1), epochs (1000 at most), init ("zeros", "random":
---N(0, 1), or a table {W = numbers, theta = number}), shuffle (false; true: the points in a new order each epoch), seed (1).
---@param opts? {variant: string, lr: number, epochs: integer, init: string|table, shuffle: boolean, seed: integer}
---@return nn.Perceptron
---example:
---  > data = nn.data.separable{n = 20, margin = 0.3}
---  > p = nn.Perceptron()
---  > report = p:fit(data.x, data.y)
---  > report.converged, report.updates <= report.bound
---  true	true
---  > p:score(data.x, data.y)
---  1.0
---see: nn.Perceptron:fit, nn.theory.margin, nn.LogisticRegression
---source: Rosenblatt 1958, "The perceptron: a probabilistic model for information storage and organization in the brain"
local function new(opts)
  local o = options.read("Perceptron", opts, {
    variant = { "string", "plain" }, lr = { "number", 1 }, epochs = { "integer", 1000 }, init = { "any", "zeros" },
    shuffle = { "boolean", false }, seed = { "integer", 1 },
  })
  if not variants[o.variant] then
    core.raise(("Perceptron: variant must be plain, averaged, voted or pocket, but is '%s'"):format(o.variant))
  end
  if o.lr <= 0 or o.lr ~= o.lr then
    core.raise(("Perceptron: lr must be above 0, but is %g"):format(o.lr))
  end
  return setmetatable({ options = o }, Perceptron)
end

local function read(who, x, y)
  if not core.is_tensor(x) or x.ndim ~= 2 or #x == 0 then
    core.raise(("Perceptron:%s: needs points as n x d, but got %s"):format(who, core.describe(x)))
  end
  if y ~= nil and (not core.is_tensor(y) or y:numel() ~= #x) then
    core.raise(("Perceptron:%s: needs %d labels, but got %s"):format(who, #x, core.describe(y)))
  end
  return x:detach():to("float64"):totable(), y and y:reshape(-1):to("float64"):totable()
end

-- One weight vector (with theta as its last entry, for an input -1) for each class but, with two classes, only one.
local function start(self, k, d, g)
  local o, w = self.options, {}
  for c = 1, k do
    w[c] = {}
    for i = 1, d + 1 do
      w[c][i] = 0.0
    end
    if o.init == "random" then
      w[c] = core.randn({ d + 1 }, { generator = g, dtype = "float64" }):totable()
    elseif type(o.init) == "table" then
      for i = 1, d do
        w[c][i] = assert(tonumber((o.init.W or {})[i]), "Perceptron: init.W needs a number for each input")
      end
      w[c][d + 1] = o.init.theta or 0.0
    elseif o.init ~= "zeros" then
      core.raise(("Perceptron: init must be \"zeros\", \"random\" or a table, but is %s"):format(core.describe(o.init)))
    end
  end
  return w
end

local function value(w, x)
  local d = #x
  local s = -w[d + 1]
  for i = 1, d do
    s = s + w[i] * x[i]
  end
  return s
end

-- The class (1 .. k) a set of weights gives.
local function decide(w, x)
  if #w == 1 then
    return value(w[1], x) > 0 and 2 or 1
  end
  local best, at = -math.huge, 1
  for c = 1, #w do
    local v = value(w[c], x)
    if v > best then
      best, at = v, c
    end
  end
  return at
end

local function add(w, x, step)
  local d = #x
  for i = 1, d do
    w[i] = w[i] + step * x[i]
  end
  w[d + 1] = w[d + 1] - step
end

local function copy(w)
  local out = {}
  for c, v in ipairs(w) do
    out[c] = table.move(v, 1, #v, 1, {})
  end
  return out
end

local function correct(w, rows, class)
  local n = 0
  for i, x in ipairs(rows) do
    n = n + (decide(w, x) == class[i] and 1 or 0)
  end
  return n
end

---Learns from points (n x d) and labels. Returns a report: converged (a whole epoch without a mistake), epochs, updates,
---accuracy and, for two classes, radius R = max |(x, -1)|, margin gamma (the largest one of a plane, 0 where there is
---none) and bound, which updates cannot exceed: (R / gamma)^2 from zeros (Novikoff 1962), and 2 |w0| / (lr gamma) more from w0:
---after k updates lr k gamma - |w0| <= |w| <= sqrt(|w0|^2 + lr^2 k R^2).
---@param x nn.Tensor
---@param y nn.Tensor
---@return table report
---example:
---  > p = nn.Perceptron{epochs = 10}
---  > data = nn.data.xor()
---  > p:fit(data.x, data.y).converged
---  false
---see: nn.Perceptron, nn.Perceptron:predict, nn.theory.margin
---source: Novikoff 1962, "On convergence proofs on perceptrons"
function Perceptron:fit(x, y)
  local rows, labels = read("fit", x, y)
  local o = self.options
  local classes, class = require("nn.internal.labels").index("Perceptron:fit", labels)
  local g = core.Generator(o.seed)
  local d, k = #rows[1], #classes == 2 and 1 or #classes
  local w = start(self, k, d, g)
  local length = 0
  for _, v in ipairs(w[1]) do
    length = length + v * v
  end
  local report = { updates = 0, epochs = 0, converged = false }
  local sum, voters, age = start({ options = { init = "zeros" } }, k, d), {}, 0
  local best, best_correct, run, best_run = copy(w), o.variant == "pocket" and correct(w, rows, class) or 0, 0, 0
  local seen = 0
  for epoch = 1, o.epochs do
    local mistakes, order = 0, nil
    if o.shuffle or o.variant == "pocket" then
      order = core.randperm(#rows, { generator = g }):totable()
    end
    for at = 1, #rows do
      local i = order and order[at] or at
      local said = decide(w, rows[i])
      seen = seen + 1
      if said ~= class[i] then
        mistakes = mistakes + 1
        if o.variant == "voted" and age > 0 then
          voters[#voters + 1] = { w = copy(w), age = age }
        end
        age, run = 0, 0
        if k == 1 then
          add(w[1], rows[i], class[i] == 2 and o.lr or -o.lr)
        else
          add(w[class[i]], rows[i], o.lr)
          add(w[said], rows[i], -o.lr)
        end
      else
        age, run = age + 1, run + 1
        if o.variant == "pocket" and run > best_run then
          local n = correct(w, rows, class)
          if n > best_correct then
            best, best_correct, best_run = copy(w), n, run
          end
        end
      end
      if o.variant == "averaged" then
        for c = 1, k do
          for j = 1, d + 1 do
            sum[c][j] = sum[c][j] + w[c][j]
          end
        end
      end
    end
    report.epochs, report.updates = epoch, report.updates + mistakes
    if mistakes == 0 then
      report.converged = true
      break
    end
  end
  if o.variant == "averaged" then
    for c = 1, k do
      for j = 1, d + 1 do
        sum[c][j] = sum[c][j] / seen
      end
    end
    w = sum
  elseif o.variant == "voted" then
    voters[#voters + 1] = { w = copy(w), age = math.max(1, age) }
    self.voters = voters
  elseif o.variant == "pocket" and not report.converged then
    w = best
  end
  self.classes, self.weights = classes, w
  self.label_dtype, self.label_shape = y.dtype, nil
  local matrix, thresholds = {}, {}
  for c = 1, k do
    matrix[c] = table.move(w[c], 1, d, 1, {})
    thresholds[c] = w[c][d + 1]
  end
  self.W = core.tensor(k == 1 and matrix[1] or matrix, { dtype = "float64" })
  self.theta = k == 1 and thresholds[1] or core.tensor(thresholds, { dtype = "float64" })
  if k == 1 then
    report.margin, report.radius = require("nn.theory.separable").margin(x, y)
    report.bound = report.margin > 0
      and (report.radius / report.margin) ^ 2 + 2 * math.sqrt(length) / (o.lr * report.margin) or math.huge
  end
  report.accuracy = self:score(x, y)
  return report
end

local function fitted(self, who)
  if not self.weights then
    core.raise(("Perceptron:%s: call fit first"):format(who))
  end
end

---Gives the labels of points, of the kind that fit was given.
---@param x nn.Tensor n x d
---@return nn.Tensor n labels
---example:
---  > p = nn.Perceptron()
---  > report = p:fit(nn.tensor {{-1.0}, {1.0}}, nn.tensor {1, 2})
---  > p:predict(nn.tensor {{-3.0}, {0.5}})
---  tensor([1, 2], shape=2, int64)
---see: nn.Perceptron:decision, nn.Perceptron:score
function Perceptron:predict(x)
  fitted(self, "predict")
  local rows, out = read("predict", x), {}
  for i, row in ipairs(rows) do
    local c
    if self.voters then
      local votes = {}
      for _, v in ipairs(self.voters) do
        local said = decide(v.w, row)
        votes[said] = (votes[said] or 0) + v.age
      end
      local most = -1
      for k = 1, #self.classes do
        if (votes[k] or 0) > most then
          most, c = votes[k] or 0, k
        end
      end
    else
      c = decide(self.weights, row)
    end
    out[i] = self.classes[c]
  end
  return core.tensor(out, { dtype = "float64" }):to(self.label_dtype)
end

---Gives W . x - theta, above 0 for the higher class; for more classes each one's, n x classes.
---@param x nn.Tensor n x d
---@return nn.Tensor
---example:
---  > p = nn.Perceptron()
---  > report = p:fit(nn.tensor {{-1.0}, {1.0}}, nn.tensor {1, 2})
---  > p:decision(nn.tensor {{2.0}})
---  tensor([3.], shape=1, float64)
---see: nn.Perceptron:predict
function Perceptron:decision(x)
  fitted(self, "decision")
  if not core.is_tensor(x) or x.ndim ~= 2 then
    core.raise(("Perceptron:decision: takes points x features, but got %s"):format(core.describe(x)))
  end
  x = x:to "float64"
  if self.W.ndim == 1 then
    return x:matmul(self.W) - self.theta
  end
  return x:matmul(self.W:t()) - self.theta
end

---Gives the share of points that get their label.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return number
---example:
---  > p, data = nn.Perceptron(), nn.data.separable{n = 10}
---  > report = p:fit(data.x, data.y)
---  > p:score(data.x, data.y)
---  1.0
---see: nn.Perceptron:predict, nn.train.metrics.Accuracy
function Perceptron:score(x, y)
  return self:predict(x):eq(y:reshape(-1)):to("float64"):mean():item()
end

function Perceptron:__tostring()
  if not self.weights then
    return ("Perceptron(%s)"):format(self.options.variant)
  end
  return ("Perceptron(%s, W = %s, theta = %s)"):format(self.options.variant, tostring(self.W), tostring(self.theta))
end

return { Perceptron = new }
