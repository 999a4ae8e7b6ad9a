-- Batch norm, Algorithm 2: population statistics, folded into an affine map.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "31_batch_norm_folded",
  title = "Batch norm after training (Algorithm 2)", slide = "Batch Normalization, Algorithm 2",
    tools = "nn.fold_batch_norm, nn.population_statistics", source = "Ioffe & Szegedy 2015, algorithm 2",
  says = "At test time, use average mean and deviation of the training set: E[x] <- E_B[mu_B], Var[x] <- m/(m-1) "
    .. "E_B[sigma_B^2]; replace BN by "
    .. "y = gamma / sqrt(Var + eps) x + (beta - gamma E[x] / sqrt(Var + eps)).",
  does = "A trained net with batch norm is put through Algorithm 2; its statistics are compared with the running averages, the "
    .. "folded net (which has no batch norm any more) with the one before: outputs, "
    .. "operations, time.",
  wrong = "Two slides before, 'use average mean/std of training set': Algorithm 2 averages the variances, with the factor "
    .. "m/(m-1), and takes the root afterwards; the mean of the deviations is smaller. The table shows both.",
  asks = {
    { "A folded net has no batch norm. Where did gamma and beta go?", "into the weights and biases of the layer before" },
    { "Why m/(m-1)?", "a batch's variance is taken around its own mean, which makes it too small by (m-1)/m on average" },
  },
  seeds = { 5, small = 2 },
  params = { width = { 128, small = 48, min = 2 }, n = { 3000, small = 800, doc = "training images", min = 128 }, batch = { 64,
    doc = "m", min = 2 }, epochs = { 4, small = 2, min = 1 } },
  run = function(p)
    local width, kept = p.width, nil
    local r = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, L.size(3000, 800))
      nn.manual_seed(seed)
      local function bn(_, n) return nn.BatchNorm1d(n) end
      local net = L.mlp({ 784, width, width, 10 }, { before = bn, init = "he_normal" })
      L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = p.epochs })
      local running = { net[2].running_mean:clone(), net[2].running_var:clone() }
      local running_accuracy = L.accuracy(net, test)
      local loader = train:loader { batch_size = p.batch, drop_last = true }
      -- by hand for the first norm: its inputs do not depend on other norms
      local means, vars, stds, batches = 0, 0, 0, 0
      nn.no_grad(function()
        for x in loader do
          local h = net[1](x)
          means, stds, vars, batches = means + h:mean(1), stds + h:var(1, 0):sqrt(), vars + h:var(1,
            0) * (p.batch / (p.batch - 1)), batches + 1
        end
    end)
    local folded = nn.fold_batch_norm(net, loader)
    local off = math.max((net[2].running_mean - means / batches):abs():max():item(),
      ((net[2].running_var - vars / batches) / net[2].running_var):abs():max():item())
    net:eval()
    local difference = (net(test.x) - folded(test.x)):abs():max():item()
    local scale = net(test.x):abs():max():item()
    local count = { #net, #folded }
    kept = kept or { running = running[2], var = net[2].running_var:clone() }
    return { off = off, difference = difference / math.max(1, scale), before = count[1], layers = count[2],
      running = running_accuracy, population = L.accuracy(net, test), folded = L.accuracy(folded, test),
      of_std = ((stds / batches):square() / net[2].running_var):mean():item() }
    end)
    L.table({ "", "layers", "test accuracy" }, { { "running averages (PyTorch's way)", r.before[1], L.percent(r.running, 2) },
      { "Algorithm 2", r.before[1], L.percent(r.population, 2) }, { "Algorithm 2, folded", r.layers[1], L.percent(r.folded,
        2) } })
    L.say("The square of the averaged deviations is %.4f of Algorithm 2's variance.", L.mean(r.of_std))
    L.picture("scatter", { { x = kept.running, y = kept.var, label = "units of the first norm" } },
      { title = "Variance: running average against Algorithm 2", xlabel = "running average", ylabel = "Algorithm 2",
        key = "top left" })
    local off, difference = math.max(table.unpack(r.off)), math.max(table.unpack(r.difference))
    L.check(off < 1e-4, "the statistics are the slide's formulas (float32 sums)")
    L.check(difference < 1e-4, "folding does not change the function: float32 rounding through three layers")
    L.check(r.layers[1] == r.before[1] - 2, "both norms are gone")
    local gain = L.compare("test accuracy: Algorithm 2 over running averages", r.population, r.running, { points = true })
    L.finding("the folded net has %d layers instead of %d and the same outputs (relative difference %.0e); its statistics are "
      .. "Algorithm 2's to %.0e; the test accuracy with them is %s as with running averages; averaged deviations would give "
      .. "%.1f%% of the variance", r.layers[1], r.before[1], difference, off, tostring(gain), 100 * L.mean(r.of_std))
  end,
}
