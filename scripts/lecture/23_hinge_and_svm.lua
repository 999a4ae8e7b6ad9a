-- The hinge loss makes a support vector machine; cross-entropy is likelihood.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "23_hinge_and_svm",
  title = "Cross-entropy is likelihood, the hinge loss a support vector machine", slide = "One word about loss functions",
    tools = "nn.HingeLoss, nn.CrossEntropyLoss, nn.theory.separable",
  source = "Cortes & Vapnik 1995", says = "Classification: cross-entropy => maximizing the likelihood of correct "
    .. "classification. Hinge loss (Support Vector Machines).",
  does = "That n times the cross-entropy is minus the logarithm of the product of the probabilities of the right classes is "
    .. "computed. Then a linear unit is trained with the hinge loss and a small penalty on its weights: its plane should "
    .. "be the one with the largest margin, which nn.theory.separable computes exactly. Which points hold it? And with "
    .. "cross-entropy?",
  asks = {
    { "Remove a point that is no support vector and train again. What changes?", "with the hinge loss nothing; with "
      .. "cross-entropy every point pulls" },
    { "A net says 0.9, 0.8 and 0.5 for the right classes. What is the likelihood, and what the "
      .. "cross-entropy?", "0.36, and -log(0.36) / 3 = 0.34" },
  },
  seeds = { 20, small = 2 },
  params = { n = { 200, small = 60, min = 10 }, margin = { 0.1, min = 0.001, max = 0.4 }, steps = { 20000, small = 6000,
    min = 100 } },
  run = function(p)
    nn.manual_seed(p.seed)
    local logits, y = nn.randn({ 12, 3 }, { dtype = "float64" }), nn.randint(1, 4, { 12 })
    local product = 1
    for i = 1, 12 do
      product = product * logits[i]:softmax(1)[y[i]:item()]:item()
    end
    local difference = math.abs(nn.CrossEntropyLoss()(logits, y):item() * 12 + math.log(product))
    L.check(difference < 1e-12, "n times cross-entropy is minus the log of the product of the right classes' probabilities")

    local kinds = { { "hinge, lambda = 1", 1 }, { "hinge, lambda = 0.1", 0.1 }, { "hinge, lambda = 0.01", 0.01 },
      { "cross-entropy, lambda = 0.01", 0.01, true } }
    local hinge = nn.HingeLoss { reduction = "sum" }
    local r = L.over(p, function(seed)
      local d = nn.data.separable { n = p.n, margin = p.margin, seed = seed }
      local best = nn.theory.separable(d.x, d.y).margin
      local x, target = d.x:to "float64", nn.where(d.y:eq(2), 1.0, -1.0):to "float64"
      local out = {}
      for k, kind in ipairs(kinds) do
        local w = nn.Parameter(nn.zeros({ 2 }, { dtype = "float64" }))
        local b = nn.Parameter(nn.zeros({ 1 }, { dtype = "float64" }))
        local opt = nn.optim.Adam({ w, b }, { lr = 0.05 })
        local step = nn.compile(function()
          opt:zero_grad()
          local f = x:matmul(w) + b
          local v = (kind[3] and nn.softplus(-(f * target)):sum() or hinge(f, target)) + kind[2] * w:square():sum()
          v:backward()
          opt:step()
          return v
        end)
        for i = 1, p.steps do
          opt.param_groups[1].lr = 0.05 * (1 - i / (p.steps + 1))
          step()
        end
        local f = ((x:matmul(w) + b):detach() * target)
        local share = f:min():item() / w:norm():item() / best
        L.check(share <= 1 + 1e-6, "no plane has more than the largest margin")
        out["margin_" .. k], out["support_" .. k] = share, f:lt(1.01):sum():item()
      end
      return out
    end)
    local rows = {}
    for k, kind in ipairs(kinds) do
      rows[k] = { kind[1], L.percent(r["margin_" .. k]), kind[3] and "all pull" or L.pm(r["support_" .. k], 1) }
    end
    L.table({ "loss", "margin, of the best", "points with y f(x) <= 1" }, rows)
    local t = nn.linspace(-3, 3, 200)
    L.picture("line", { { x = t, y = nn.relu(1 - t), label = "hinge" }, { x = t, y = nn.softplus(-t) / math.log(2),
      label = "cross-entropy (in bits)" },
      { x = t, y = t:lt(0):to "float32", label = "0/1 loss" } }, { title = "Losses against y f(x)", xlabel = "y f(x)" })
    local against = L.compare("margin: hinge over cross-entropy, lambda = 0.01", r.margin_3, r.margin_4, { scale = 100,
      unit = "points" })
    L.expect(against, "higher")
    L.check(L.mean(r.margin_3) > L.size(0.97, 0.85), "the hinge loss with a small penalty finds the largest margin to "
      .. "3%% on average")
    L.finding("n times cross-entropy is -log likelihood (to %.0e); with the hinge loss the plane has %.1f ± %.1f%% of the "
      .. "largest margin and is held by %.1f of %d points; its share is %s than with cross-entropy at the same penalty",
      difference, 100 * L.mean(r.margin_3), 100 * L.deviation(r.margin_3), L.mean(r.support_3), p.n, tostring(against))
  end,
}
