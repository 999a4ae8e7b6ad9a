-- L1 puts weights exactly to 0, L2 only makes them small.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "36_l1_sparsity",
  title = "L1 against L2", slide = "L1 Weight Decay", tools = "nn.lasso_path, nn.LassoRegression, nn.regularize.proximal_l1_", source = "Tibshirani 1996",
  says = "L2 regularization -> small parameters. L1 regularization -> some parameters should be put exactly to 0. 'sparse' = 'contains many zeros'. LASSO, Laplace weight prior.",
  does = "A regression with 10 inputs of which 3 matter: the paths of all weights as lambda grows, with L1 (coordinate descent) and L2 (closed form); exact zeros are counted. Then a network whose first layer gets proximal L1 "
    .. "steps, or weight decay of the same strength: which inputs survive?",
  run = function()
    local g = nn.Generator(8)
    local x = nn.randn({ 100, 10 }, { generator = g, dtype = "float64" })
    local true_w = nn.tensor({ 3.0, -2.0, 1.0, 0, 0, 0, 0, 0, 0, 0 }, { dtype = "float64" })
    local y = x:matmul(true_w) + nn.randn({ 100 }, { generator = g, dtype = "float64" }) * 0.5
    local lambdas, rows = {}, {}
    for i = 0, L.size(40, 12) do
      lambdas[i + 1] = 10 ^ (-1 + 4 * i / L.size(40, 12))
    end
    local l1, l2 = nn.lasso_path(x, y, lambdas), {}
    for i, lambda in ipairs(lambdas) do
      l2[i] = nn.RidgeRegression({ lambda = lambda }):fit(x, y).weight
    end
    l2 = nn.stack(l2, 1)
    local z1, z2, exact = 0, l2:eq(0):sum():item(), nil
    for i, lambda in ipairs(lambdas) do
      local zeros = l1[i]:eq(0):sum():item()
      if i % math.max(1, #lambdas // 8) == 1 then
        rows[#rows + 1] = { lambda, zeros, l2[i]:eq(0):sum():item(), l1[i]:abs():max():item(), l2[i]:abs():max():item() }
      end
      z1 = math.max(z1, zeros)
      local others = l1[i][{ { 4, 10 } }]:eq(0):all():item()
      if others and l1[i][3]:item() ~= 0 then
        exact = exact or lambda
      end
    end
    L.table({ "lambda", "exact zeros L1", "exact zeros L2", "largest weight L1", "largest weight L2" }, rows)
    local paths = {}
    for j = 1, 10 do
      paths[j] = { x = lambdas, y = l1:select(2, j), label = j <= 3 and ("w%d (true %g)"):format(j, true_w[j]:item()) or nil }
    end
    L.picture("line", paths, { title = "L1: the path of each weight", xlabel = "lambda", ylabel = "weight", log = "x" })
    for j = 1, 10 do
      paths[j] = { x = lambdas, y = l2:select(2, j), label = paths[j].label }
    end
    L.picture("line", paths, { title = "L2: the path of each weight", xlabel = "lambda", ylabel = "weight", log = "x" })

    local fx, fy = x:to "float32", ((x:select(2, 1) * 2):sin() + x:select(2, 2):square() * 0.5):to("float32"):unsqueeze(2)
    local shares = {}
    for _, kind in ipairs { "L1", "L2" } do
      nn.manual_seed(1)
      local net = L.mlp({ 10, 16, 1 }, { act = nn.Tanh })
      local lambda, lr = 0.02, 0.02
      local opt = nn.optim.SGD({ { params = { net[1].weight }, weight_decay = kind == "L2" and 2 * lambda or 0 }, { params = { net[1].bias, net[3].weight, net[3].bias } } }, { lr = lr })
      for _ = 1, L.size(4000, 1200) do
        opt:zero_grad()
        nn.mse_loss(net(fx), fy):backward()
        opt:step()
        if kind == "L1" then
          nn.regularize.proximal_l1_(net[1].weight, lr * lambda)
        end
      end
      shares[kind] = { nn.regularize.sparsity(net[1].weight), net[1].weight:detach():abs():sum(1)[{ { 3, 10 } }]:eq(0):sum():item() }
    end
    L.table({ "network's first layer", "weights exactly 0", "of 8 useless inputs cut off entirely" }, { { "proximal L1", ("%.0f%%"):format(100 * shares.L1[1]), shares.L1[2] },
      { "weight decay (L2)", ("%.0f%%"):format(100 * shares.L2[1]), shares.L2[2] } })
    L.check(z2 == 0, "L2 never gives an exact zero")
    L.check(exact ~= nil, "there is a lambda at which L1 keeps exactly the three weights that matter")
    L.check(shares.L1[1] > 0.3 and shares.L2[1] == 0, "in the network, too, only L1 gives exact zeros")
    L.finding("at lambda = %.1f L1 keeps exactly the 3 of 10 weights that matter and puts 7 to 0; L2 has no zero at any lambda; in a network proximal L1 makes %.0f%% of the first layer exactly 0, weight decay none", exact, 100 * shares.L1[1])
  end,
}
