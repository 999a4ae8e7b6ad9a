-- Batch norm helps optimization and regularization: the two effects apart.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "32_batch_norm_effects",
  title = "What batch norm does", slide = "Batch normalization", tools = "nn.BatchNorm1d", source = "Ioffe & Szegedy 2015, figure 1",
  says = "BN normalizes each minibatch to mean 0 and std 1. BN helps both for regularization and optimization. Best way to do this is still not completely understood!",
  does = "Their figure 1 in kind: sigmoid nets of three hidden layers (they: MNIST, 100 units) on Fashion-MNIST with and without batch norm, five seeds: test accuracy over steps. Optimization: the training loss after equal "
    .. "steps, for several learning rates. Regularization: the same net, normalized by large batches (little noise) or small ones (much), compared at equal training loss.",
  params = {
    seeds = { 5, small = 2 },
    epochs = { 6, small = 3 },
    width = { 100, small = 50 },
  },
  run = function(p)
    local train, _, test = L.images(L.size(8000, 1000), 0, L.size(5000, 1000))
    local seeds, epochs, width = p.seeds, p.epochs, p.width
    local function bn(_, n) return nn.BatchNorm1d(n) end
    local rows, curves, final, finals_loss = {}, {}, {}, {}
    for k, with in ipairs { false, true } do
      local curve, acc, losses = {}, {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local net = L.mlp({ 784, width, width, width, 10 }, { act = nn.Sigmoid, before = with and bn or nil })
        local run = L.fit(net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = 0.1 }), epochs = epochs, valid = test, batch = 60 })
        for e, row in ipairs(run.history) do
          curve[e] = (curve[e] or 0) + row.valid_accuracy / seeds
        end
        acc[seed], losses[seed] = run.history[epochs].valid_accuracy, run.history[epochs].loss
      end
      final[k], finals_loss[k] = L.mean(acc), L.mean(losses)
      curves[k] = { y = curve, label = with and "with batch norm" or "without", style = "linespoints" }
      rows[k] = { with and "with batch norm" or "without", L.pm(losses), L.pm(acc) }
    end
    L.table({ "sigmoid net", "training loss", "test accuracy" }, rows, ("After %d epochs of SGD, rate 0.1:"):format(epochs))
    L.picture("line", curves, { title = "Test accuracy by epoch (mean of the seeds)", xlabel = "epoch", ylabel = "accuracy", key = "bottom right" })
    local lr_rows = {}
    for _, lr in ipairs(L.size({ 0.01, 0.1, 1, 5 }, { 0.1, 5 })) do
      local row = { lr }
      for k, with in ipairs { false, true } do
        nn.manual_seed(1)
        local net = L.mlp({ 784, width, width, width, 10 }, { before = with and bn or nil, init = "he_normal" })
        local ok, run = pcall(L.fit, net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = lr }), epochs = 2, batch = 60 })
        row[k + 1] = ok and run.history[2].loss or "diverged"
      end
      lr_rows[#lr_rows + 1] = row
    end
    L.table({ "learning rate", "without", "with batch norm" }, lr_rows, "Optimization: training loss of ReLU nets after 2 epochs:")
    local reg_rows, gap = {}, {}
    local small = train:range(1, L.size(2000, 500))
    for k, batch in ipairs { 10, L.size(500, 250) } do
      local test_acc, train_acc = {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local net = L.mlp({ 784, width, width, 10 }, { before = bn, init = "he_normal" })
        L.fit(net, small, { optimizer = nn.optim.Adam(net:parameters(), { lr = batch == 10 and 5e-4 or 2e-3 }), epochs = L.size(20, 6), batch = batch })
        test_acc[seed], train_acc[seed] = L.accuracy(net, test), L.accuracy(net, small)
      end
      gap[k] = L.mean(train_acc) - L.mean(test_acc)
      reg_rows[k] = { batch, L.pm(train_acc), L.pm(test_acc), gap[k] }
    end
    L.table({ "batch size (noise of the statistics)", "training accuracy", "test accuracy", "gap" }, reg_rows, "Regularization:")
    L.check(curves[2].y[1] > curves[1].y[epochs], "with batch norm the first epoch reaches more than the other net's last")
    L.check(finals_loss[2] < finals_loss[1] and final[2] > final[1], "with batch norm sigmoid nets learn faster (their figure 1a)")
    L.check(type(lr_rows[#lr_rows][3]) == "number" and (type(lr_rows[#lr_rows][2]) ~= "number" or lr_rows[#lr_rows][3] < lr_rows[#lr_rows][2]), "with batch norm a rate of 5 is survived better")
    L.say("Agreement with the paper: the net with batch norm reaches more in its first epoch than the other in its last, as in figure 1a. The regularizing effect, %s: the gap between training and test accuracy is %.3f with noisy statistics "
      .. "and %.3f with quiet ones.", gap[1] < gap[2] and "as they describe it, shows" or "which they describe, does not show here", gap[1], gap[2])
    L.finding("after %d epochs sigmoid nets reach %.1f%% test accuracy without and %.1f%% with batch norm (training loss %.2f and %.2f); the gap between training and test accuracy is %.1f points with batches of 10 and %.1f with "
      .. "large ones", epochs, 100 * final[1], 100 * final[2], finals_loss[1], finals_loss[2], 100 * gap[1], 100 * gap[2])
  end,
}
