-- The hinge loss makes a support vector machine.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "23_hinge_and_svm",
  title = "Hinge loss and the support vector machine", slide = "One word about loss functions", tools = "nn.HingeLoss, nn.CrossEntropyLoss, nn.theory.separable",
  source = "Cortes & Vapnik 1995", says = "Classification: cross-entropy => maximizing the likelihood of correct classification. Hinge loss (Support Vector Machines).",
  does = "A linear unit is trained with the hinge loss and a small penalty on its weights: its plane should be the one with the largest margin, which "
    .. "nn.theory.separable computes exactly. Which points hold it? And with cross-entropy?",
  run = function()
    local d = nn.data.separable { n = L.size(200, 60), margin = 0.1, seed = 4 }
    local best = nn.theory.separable(d.x, d.y)
    local x, target = d.x:to "float64", nn.where(d.y:eq(2), 1.0, -1.0):to "float64"
    local function train(loss, lambda)
      local w = nn.Parameter(nn.zeros({ 2 }, { dtype = "float64" }))
      local b = nn.Parameter(nn.zeros({ 1 }, { dtype = "float64" }))
      local opt = nn.optim.Adam({ w, b }, { lr = 0.05 })
      local step = nn.compile(function()
        opt:zero_grad()
        local v = loss(x:matmul(w) + b) + lambda * w:square():sum()
        v:backward()
        opt:step()
        return v
      end)
      local steps = L.size(20000, 4000)
      for i = 1, steps do
        opt.param_groups[1].lr = 0.05 * (1 - i / (steps + 1))
        step()
      end
      local f = (x:matmul(w) + b):detach()
      local distance = (f * target):min():item() / w:norm():item()
      return distance, f
    end
    local rows, hinge = {}, nn.HingeLoss { reduction = "sum" }
    local svm, f
    for _, lambda in ipairs { 1, 0.1, 0.01 } do
      local m, f2 = train(function(out) return hinge(out, target) end, lambda)
      rows[#rows + 1] = { ("hinge, lambda = %g"):format(lambda), m, ("%.0f%%"):format(100 * m / best.margin), f2:mul(target):lt(1.001):sum():item() }
      svm, f = m, f2
    end
    local ce = train(function(out) return nn.softplus(-(out * target)):sum() end, 0.01)
    rows[#rows + 1] = { "cross-entropy, lambda = 0.01", ce, ("%.0f%%"):format(100 * ce / best.margin), "all" }
    rows[#rows + 1] = { "largest margin (exact)", best.margin, "100%", "" }
    L.table({ "loss", "margin", "of the best", "points within the margin" }, rows)
    local t = nn.linspace(-3, 3, 200)
    L.picture("line", { { x = t, y = nn.relu(1 - t), label = "hinge" }, { x = t, y = nn.softplus(-t) / math.log(2), label = "cross-entropy (in bits)" },
      { x = t, y = t:lt(0):to "float32", label = "0/1 loss" } }, { title = "Losses against y f(x)", xlabel = "y f(x)" })
    local support = f:mul(target):lt(1.01):sum():item()
    L.check(svm > 0.97 * best.margin and svm <= best.margin * 1.000001, "the hinge loss with a small penalty finds the largest margin to 3%%")
    L.finding("with the hinge loss the plane has %.1f%% of the largest margin and is held by %d of %d points (the support vectors); with cross-entropy all points "
      .. "pull, and the margin is %.0f%% of the best", 100 * svm / best.margin, support, #d, 100 * ce / best.margin)
  end,
}
