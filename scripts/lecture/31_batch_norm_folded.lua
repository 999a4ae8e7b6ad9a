-- Batch norm, Algorithm 2: population statistics, folded into an affine map.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "31_batch_norm_folded",
  title = "Batch norm after training (Algorithm 2)", slide = "Batch Normalization, Algorithm 2", tools = "nn.fold_batch_norm, nn.population_statistics", source = "Ioffe & Szegedy 2015, algorithm 2",
  says = "At test time, use average mean and deviation of the training set: E[x] <- E_B[mu_B], Var[x] <- m/(m-1) E_B[sigma_B^2]; replace BN by "
    .. "y = gamma / sqrt(Var + eps) x + (beta - gamma E[x] / sqrt(Var + eps)).",
  does = "A trained net with batch norm is put through Algorithm 2; its statistics are compared with the running averages, the folded net (which has no batch norm any more) with the one before: outputs, "
    .. "operations, time.",
  params = {
    width = { 256, small = 64 },
  },
  run = function(p)
    local train, _, test = L.images(L.size(5000, 1000), 0, L.size(5000, 1000))
    local width = p.width
    local function bn(_, n) return nn.BatchNorm1d(n) end
    local net = L.mlp({ 784, width, width, 10 }, { before = bn, init = "he_normal" })
    L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = L.size(6, 3) })
    local running = { net[2].running_mean:clone(), net[2].running_var:clone() }
    local running_accuracy = L.accuracy(net, test)
    local loader = train:loader { batch_size = 64, drop_last = true }
    -- by hand for the first norm: its inputs do not depend on other norms
    local means, vars, batches = 0, 0, 0
    nn.no_grad(function()
      for x in loader do
        local h = net[1](x)
        means, vars, batches = means + h:mean(1), vars + h:var(1, 0) * (64 / 63), batches + 1
      end
    end)
    local folded = nn.fold_batch_norm(net, loader)
    local off = math.max((net[2].running_mean - means / batches):abs():max():item(), ((net[2].running_var - vars / batches) / net[2].running_var):abs():max():item())
    net:eval()
    local difference = (net(test.x) - folded(test.x)):abs():max():item()
    local scale = net(test.x):abs():max():item()
    local function time(m)
      local best = math.huge
      for _ = 1, 5 do
        local t = nn.time()
        nn.no_grad(m.forward, m, test.x)
        best = math.min(best, nn.time() - t)
      end
      return best * 1e3
    end
    local count = { #net, #folded }
    L.table({ "", "layers", "test accuracy", "milliseconds" }, { { "running averages (PyTorch's way)", count[1], running_accuracy, "" },
      { "Algorithm 2", count[1], L.accuracy(net, test), time(net) }, { "Algorithm 2, folded", count[2], L.accuracy(folded, test), time(folded) } })
    L.picture("scatter", { { x = running[2], y = net[2].running_var, label = "units of the first norm" } },
      { title = "Variance: running average against Algorithm 2", xlabel = "running average", ylabel = "Algorithm 2", key = "top left" })
    L.check(off < 1e-4, "the statistics are the slide's formulas (float32 sums)")
    L.check(difference < 1e-4 * math.max(1, scale), "folding does not change the function: float32 rounding through three layers")
    L.check(count[2] == count[1] - 2, "both norms are gone")
    L.finding("the folded net has %d layers instead of %d and the same outputs (difference %.0e of %.0f); its statistics are Algorithm 2's to %.0e, and the test accuracy is %.4f, %.4f with running "
      .. "averages", count[2], count[1], difference, scale, off, L.accuracy(folded, test), running_accuracy)
  end,
}
