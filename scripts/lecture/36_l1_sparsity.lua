-- L1 puts weights exactly to 0, L2 only makes them small; and why: the priors.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "36_l1_sparsity",
  title = "L1 against L2", slide = "L1 Weight Decay", tools = "nn.lasso_path, nn.RidgeRegression, nn.regularize.proximal_l1_",
    source = "Tibshirani 1996; Daubechies et al. 2004",
  says = "L2 regularization -> small parameters. L1 regularization -> some parameters should be put exactly to 0. 'sparse' = "
    .. "'contains many zeros'. LASSO, Laplace weight prior.",
  does = "Regressions with 10 inputs of which 3 matter: the paths of all weights as lambda grows, with L1 (coordinate descent) "
    .. "and L2 (closed form); exact zeros are counted, and whether some lambda keeps exactly the three. That the Laplace prior "
    .. "is the L1 penalty is computed. Then "
    .. "networks whose first layer gets proximal L1 steps, or weight decay of the same strength, or plain subgradient steps of "
    .. "L1: which weights are exactly 0?",
  wrong = "An L1 term in the loss, followed by plain gradient steps, does not put weights exactly to 0: they jump around it by "
    .. "the learning rate times lambda. Exact zeros need the proximal step (or coordinate descent).",
  asks = {
    { "The derivative of |w| at 0 is not defined. What does that do for sparsity?", "a weight stays at 0 as long as the loss "
      .. "pulls less than lambda; w^2 has no pull there at all, so any pull moves it" },
    { "You add 0.02 sum |w| to the loss and take plain gradient steps. How many weights "
      .. "are exactly 0?", "none; see the last table" },
  },
  seeds = { 20, small = 3 },
  params = { n = { 100, doc = "samples", min = 12 }, noise = { 0.5, min = 0.0 }, lambda = { 0.02,
    doc = "of the network's first layer", min = 0.0 }, nets = { 6, small = 2, doc = "networks", min = 1 } },
  run = function(p)
    local true_w = nn.tensor({ 3.0, -2.0, 1.0, 0, 0, 0, 0, 0, 0, 0 }, { dtype = "float64" })
    local lambdas, steps = {}, L.size(40, 12)
    for i = 0, steps do
      lambdas[i + 1] = 10 ^ (-1 + 4 * i / steps)
    end
    local function data(seed)
      local g = nn.Generator(seed)
      local x = nn.randn({ p.n, 10 }, { generator = g, dtype = "float64" })
      return x, x:matmul(true_w) + nn.randn({ p.n }, { generator = g, dtype = "float64" }) * p.noise
    end
    local paths, zeros_1, zeros_2 = nil, {}, {}
    local r = L.over(p, function(seed, run)
      local x, y = data(seed)
      local l1, l2 = nn.lasso_path(x, y, lambdas), {}
      for i, lambda in ipairs(lambdas) do
        l2[i] = nn.RidgeRegression({ lambda = lambda }):fit(x, y).weight
      end
      l2 = nn.stack(l2, 1)
      local out = { exactly = 0, wrong = 0, l2_zeros = l2:eq(0):sum():item() }
      for i = 1, #lambdas do
        local on = l1[i]:ne(0)
        local zeros = 10 - on:sum():item()
        zeros_1[i], zeros_2[i] = (zeros_1[i] or 0) + zeros / p.seeds, (zeros_2[i] or 0) + l2[i]:eq(0):sum():item() / p.seeds
        if on[{ { 1, 3 } }]:all():item() and zeros == 7 then
          out.exactly = 1
          out.lambda = out.lambda or lambdas[i]
          -- what L1 costs: the kept weights are too small, too
          out.shrunk = out.shrunk or (true_w[1] - l1[i][1]):item()
        end
      end
      out.lambda, out.shrunk = out.lambda or 0, out.shrunk or 0
      paths = run == 1 and { l1, l2 } or paths
      return out
    end)
    local rows = {}
    for i, lambda in ipairs(lambdas) do
      if i % math.max(1, #lambdas // 8) == 1 then
        rows[#rows + 1] = { lambda, zeros_1[i], zeros_2[i] }
      end
    end
    L.table({ "lambda", "exact zeros of 10: L1", "L2" }, rows, "Mean of the seeds:")
    for k, name in ipairs { "L1", "L2" } do
      local lines, useless = {}, {}
      for j = 1, 10 do
        local line = { x = lambdas, y = paths[k]:select(2, j), label = j <= 3 and ("w%d (true %g)"):format(j, true_w[j]:item())
          or j == 4 and "the seven that are 0" or nil }
        if j > 4 then
          useless[#useless + 1] = line
        else
          lines[#lines + 1] = line
        end
      end
      table.move(useless, 1, #useless, #lines + 1, lines)
      L.picture("line", lines, { title = ("%s: the path of each weight (seed %d)"):format(name, p.seed), xlabel = "lambda",
        ylabel = "weight", log = "x", hline = { 0 } })
    end
    -- the prior: -log of Laplace(w; 0, b) with b = 1 / lambda is lambda sum |w| and a constant
    nn.manual_seed(p.seed)
    local w, lambda = nn.randn({ 8 }, { dtype = "float64" }), 0.7
    local log_prior = (nn.log(nn.tensor({ lambda / 2 }, { dtype = "float64" })) - w:abs() * lambda):sum():item()
    local off = math.abs(-log_prior - (lambda * w:abs():sum():item() - 8 * math.log(lambda / 2)))
    L.check(off < 1e-12, "-log of the Laplace density with scale 1/lambda is lambda sum |w| and a constant")

    local kinds = { "proximal L1", "L1 in the loss", "weight decay (L2)" }
    local nets = L.over({ seed = p.seed, seeds = p.nets }, function(seed)
      local x = data(seed)
      local fx, fy = x:to "float32", ((x:select(2, 1) * 2):sin() + x:select(2, 2):square() * 0.5):to("float32"):unsqueeze(2)
      local out = {}
      for k in ipairs(kinds) do
        nn.manual_seed(seed)
        local net = L.mlp({ 10, 16, 1 }, { act = nn.Tanh })
        local lr = 0.02
        local opt = nn.optim.SGD({ { params = { net[1].weight }, weight_decay = k == 3 and 2 * p.lambda or 0 },
          { params = { net[1].bias, net[3].weight, net[3].bias } } }, { lr = lr })
        local step = nn.compile(function(a, b)
          opt:zero_grad()
          local loss = nn.mse_loss(net(a), b)
          if k == 2 then
            loss = loss + p.lambda * nn.regularize.l1(net[1].weight)
          end
          loss:backward()
          opt:step()
          if k == 1 then
            nn.regularize.proximal_l1_(net[1].weight, lr * p.lambda)
          end
          return loss
        end)
        for _ = 1, L.size(4000, 1200) do
          step(fx, fy)
        end
        out["zeros_" .. k] = nn.regularize.sparsity(net[1].weight)
        out["cut_" .. k] = net[1].weight:detach():abs():sum(1)[{ { 3, 10 } }]:eq(0):sum():item()
      end
      return out
    end, "nets_")
    local net_rows = {}
    for k, kind in ipairs(kinds) do
      net_rows[k] = { kind, L.percent(nets["zeros_" .. k], 0), L.pm(nets["cut_" .. k], 1) }
    end
    L.table({ "network's first layer", "weights exactly 0", "of 8 useless inputs cut off entirely" }, net_rows)
    L.check(math.max(table.unpack(r.l2_zeros)) == 0, "L2 never gives an exact zero")
    L.check(L.mean(r.exactly) > 0.5, "in most data sets there is a lambda at which L1 keeps exactly the three weights "
      .. "that matter")
    L.check(L.mean(nets.zeros_1) > 0.3 and L.mean(nets.zeros_2) == 0
      and L.mean(nets.zeros_3) == 0, "in the networks, too, only proximal L1 gives exact zeros")
    L.finding("in %.0f%% of %d data sets some lambda keeps exactly the 3 of 10 weights that matter (and makes the first %.2f "
      .. "too small); L2 has no zero at any lambda; in networks proximal L1 makes %.0f%% of the first layer exactly 0, the "
      .. "same penalty in the loss and weight decay none",
      100 * L.mean(r.exactly), p.seeds, L.mean(r.shrunk), 100 * L.mean(nets.zeros_1))
  end,
}
