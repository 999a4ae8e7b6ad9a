-- The gradient of logistic regression is sum (sigma_i - y_i) x_i.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "11_logistic_gradient",
  title = "The gradient of logistic regression", slide = "Gradients for Logistic Regression",
    tools = "nn.grad, nn.bce_with_logits",
  says = "dL/dW = sum_i (sigma_i - y_i) x_i, derived line by line with d sigma / dz = sigma (1 - sigma).",
  does = "Each line of the derivation is computed for random data and compared with the next, with what the tape gives and "
    .. "with differences of the loss.",
  wrong = "Every line is right. What is left out: the bias b of the slide before, whose gradient is sum_i (sigma_i - y_i); and "
    .. "that log(1 - sigma) as written is log 0 as soon as sigma rounds to 1 (W . x above 17 in float32, 37 in float64), where "
    .. "nn.bce_with_logits, the same loss, still has its gradient.",
  asks = {
    { "Which inputs pull hardest on W?", "those that are answered wrong with confidence: |sigma - y| is near 1" },
    { "And what is the gradient at the optimum?", "0: the errors are uncorrelated with every input" },
  },
  seeds = { 10, small = 2 },
  params = { n = { 50, doc = "samples", min = 2 }, features = { 6, min = 1 } },
  run = function(p)
    local n, d, found = p.n, p.features, nil
    local r = L.over(p, function(seed)
      local g = nn.Generator(seed)
      local x = nn.randn({ n, d }, { generator = g, dtype = "float64" })
      local y = nn.rand({ n }, { generator = g }):ge(0.5):to "float64"
      local w = nn.randn({ d }, { generator = g, dtype = "float64" }):requires_grad_()
      local function loss(v)
        local s = nn.sigmoid(x:matmul(v))
        return -(y * s:log() + (1 - y) * (1 - s):log()):sum()
      end
      local s = nn.sigmoid(x:matmul(w:detach()))
      local function sum(v)
        return -(v:unsqueeze(2) * x):sum(1)
      end
      local lines = {
        { "-sum (y/s s(1-s) x - (1-y)/(1-s) s(1-s) x)", sum(y / s * s * (1 - s) - (1 - y) / (1 - s) * s * (1 - s)) },
        { "-sum (y (1-s) x - (1-y) s x)", sum(y * (1 - s) - (1 - y) * s) },
        { "-sum (y - y s - s + s y) x", sum(y - y * s - s + s * y) }, { "sum (s - y) x", ((s - y):unsqueeze(2) * x):sum(1) },
      }
      local tape = nn.grad(loss(w), { w })[1]
      local stable = nn.grad(nn.bce_with_logits(x:matmul(w), y, "sum"), { w })[1]
      local h, numeric = 1e-6, {}
      for i = 1, d do
        local e = nn.zeros(d, { dtype = "float64" })
        e[i] = h
        numeric[i] = nn.no_grad(function()
          return (loss(w + e) - loss(w - e)):item() / (2 * h)
        end)
      end
      lines[#lines + 1] = { "the tape, on the loss as written", tape }
      lines[#lines + 1] = { "the tape, on nn.bce_with_logits", stable }
      lines[#lines + 1] = { "differences of the loss", nn.tensor(numeric, { dtype = "float64" }) }
      -- where |W . x| is 200: the loss as written is inf, the stable one is not
      local far = nn.grad(nn.bce_with_logits(x:matmul(w) * 200, y, "sum"), { w })[1]
      L.check(far:isfinite():all():item(), "the stable form has finite gradients at |W . x| of some hundreds")
      local want, rows, worst = lines[4][2], {}, 0
      for i, line in ipairs(lines) do
        local off = (line[2] - want):abs():max():item() / want:abs():max():item()
        rows[i] = { line[1], line[2][1]:item(), line[2][2]:item(), off }
        L.check(off < (i == #lines and 1e-6 or 1e-12), "line %d agrees to rounding (differences: to 1e-6)", i)
        worst = i < #lines and math.max(worst, off) or worst
      end
      found = { rows = rows, x = x, y = y }
      return { worst = worst, differences = rows[#rows][4] }
    end)
    local x, y, rows = found.x, found.y, found.rows
    L.table({ "dL/dW by", "first element", "second", "relative difference from sum (s - y) x" }, rows)
    local fit = nn.LogisticRegression():fit(x, y)
    local at_best = (nn.sigmoid(x:matmul(fit.weight) + fit.bias) - y):unsqueeze(2) * x
    L.say("At the optimum (Newton's method, %d steps) the gradient is %.1e: the errors are uncorrelated with every input.",
      fit.iterations,
      at_best:sum(1):abs():max():item())
    local steps = {}
    for i, v in ipairs(fit.history) do
      steps[i] = v - fit.loss + 1e-16
    end
    L.picture("line", { y = steps, style = "linespoints" }, { title = "Newton's method: loss above its minimum",
      xlabel = "step", log = "y" })
    L.finding("all four lines of the derivation and the tape agree to %.0e on %d data sets, differences of the loss to %.0e; "
      .. "sum (sigma_i - y_i) x_i is the gradient", math.max(table.unpack(r.worst)), p.seeds,
      math.max(table.unpack(r.differences)))
  end,
}
