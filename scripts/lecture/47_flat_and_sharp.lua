-- Flat and sharp minima, and why sharpness alone says nothing.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "47_flat_and_sharp",
  title = "Where the field went on: flat and sharp minima", slide = "Regularization in Deep Neural Networks",
    tools = "nn.theory.hessian_eigenvalues, nn.theory.loss_line", source = "Hochreiter & Schmidhuber 1997; Keskar et al. 2017; "
    .. "Dinh et al. 2017",
  says = "Good regularization schemes needed. Weights around 0 correspond to low complexity models.",
  does = "A small net is trained by SGD with batches of 8 and of 512, at the same learning rate and for as many epochs, and "
    .. "with large batches for as many steps (which ends at another training loss): the largest eigenvalue of the loss's "
    .. "Hessian, the training loss "
    .. "and the test accuracy. Then a ReLU net's first layer is multiplied by "
    .. "10 and its second divided by it: the same function, another sharpness (Dinh et al.).",
  wrong = "Sharpness, like the size of the weights, depends on how a function is written down: a ReLU net can be rewritten so "
    .. "that the same function is as sharp as one likes (though not as flat). Comparisons need nets of the same scale.",
  asks = {
    { "Multiply W1 and b1 of a ReLU net by 10 and divide W2 by 10. Is it another function?", "no; but the Hessian's largest "
      .. "eigenvalue is another" },
    { "Large batches end in sharper minima, it is said. What has to be held fixed to say it?", "the training loss, and what "
      .. "the comparison is at: as many epochs, as many steps, or the same rate to batch; here they differ" },
  },
  seeds = { 8, small = 2 },
  params = { n = { 1024, small = 256, doc = "training samples", min = 64 }, epochs = { 30, small = 4, min = 1 }, lr = { 0.1,
    doc = "of SGD", min = 0.0 }, factor = { 10.0, doc = "of the rewriting", min = 1.0 } },
  run = function(p)
    local ce = nn.CrossEntropyLoss()
    local kinds = { { "batches of 8", 8, p.epochs }, { "batches of 512", 512, p.epochs }, { "batches of 512, as many steps",
      512, p.epochs * math.min(64, L.size(64, 8)) } }
    local lines
    local r = L.over(p, function(seed, run)
      local all = nn.data.teacher { n = p.n + 2000, features = 10, hidden = 8, outputs = 3, classes = true, seed = seed }
      local train, test = all:range(1, p.n), all:range(p.n + 1, p.n + 2000)
      local out, nets = {}, {}
      local function sharp(net)
        return nn.theory.hessian_eigenvalues(net, function() return ce(net(train.x), train.y) end, { k = 1 })[1]
      end
      for k, kind in ipairs(kinds) do
        nn.manual_seed(seed)
        local net = L.mlp({ 10, 24, 3 }, { init = "he_normal" })
        local fit = L.fit(net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = p.lr }), epochs = kind[3],
          batch = kind[2] })
        out["loss_" .. k], out["test_" .. k], out["sharp_" .. k] = fit.history[kind[3]].loss, L.accuracy(net, test), sharp(net)
        nets[k] = net
      end
      if run == 1 then
        lines = nets
      end
      local x = test.x[{ { 1, 200 } }]
      local before = nets[1](x):detach()
      local copy = nets[1]:clone()
      nn.no_grad(function()
        copy[1].weight:mul_(p.factor)
        copy[1].bias:mul_(p.factor)
        copy[3].weight:div_(p.factor)
      end)
      out.same = (copy(x) - before):abs():max():item() / before:abs():max():item()
      out.rewritten = sharp(copy)
      return out
    end)
    local rows = {}
    for k, kind in ipairs(kinds) do
      rows[k] = { kind[1], L.pm(r["loss_" .. k]), L.percent(r["test_" .. k]), L.pm(r["sharp_" .. k], 2) }
    end
    rows[#rows + 1] = { ("the first, W1 x %g, W2 / %g"):format(p.factor, p.factor), L.pm(r.loss_1), L.percent(r.test_1),
      L.pm(r.rewritten, 2) }
    L.table({ "", "training loss", "test accuracy", "largest eigenvalue of the Hessian" }, rows)
    local series = {}
    for k = 1, 2 do -- the loss along a random direction from each minimum
      local net, start = lines[k], {}
      nn.manual_seed(p.seed)
      local params, y, xs = net:parameters(), {}, {}
      for i, w in ipairs(params) do
        start[i] = { w:detach():clone(), nn.randn_like(w) * w:detach():norm() / math.sqrt(w:numel()) }
      end
      local d = nn.data.teacher { n = p.n + 2000, features = 10, hidden = 8, outputs = 3, classes = true,
        seed = p.seed }:range(1, p.n)
      for s = -10, 10 do
        nn.no_grad(function()
          for i, w in ipairs(params) do
            w:copy_(start[i][1] + start[i][2] * (s / 10))
          end
          xs[#xs + 1], y[#y + 1] = s / 10, ce(net(d.x), d.y):item()
        end)
      end
      series[k] = { x = xs, y = y, label = kinds[k][1] }
    end
    L.picture("line", series, { title = ("Loss along a random direction, seed %d"):format(p.seed),
      xlabel = "distance (1: as long as the weights)", ylabel = "training loss" })
    for i = 1, p.seeds do
      L.check(r.same[i] < 1e-5, "the rewritten net is the same function, to float32 rounding")
    end
    local rewritten = L.compare("largest eigenvalue: rewritten over as trained", r.rewritten, r.sharp_1, { ratio = true })
    local epochs = L.compare("largest eigenvalue: batches of 512 over 8, as many epochs", r.sharp_2, r.sharp_1, { ratio = true })
    local steps = L.compare("largest eigenvalue: batches of 512 over 8, as many steps", r.sharp_3, r.sharp_1, { ratio = true })
    local test = L.compare("test accuracy: batches of 512 over 8, as many steps", r.test_3, r.test_1, { points = true })
    L.expect(rewritten, "higher")
    L.finding("with batches of 512 the largest eigenvalue of the Hessian is %s as with batches of 8 after as many epochs, and "
      .. "%s after as many steps, where the test accuracy is %s; the first net rewritten, the same function to "
      .. "%.0e, has one %s", tostring(epochs), tostring(steps), tostring(test), math.max(table.unpack(r.same)),
      tostring(rewritten))
  end,
}
