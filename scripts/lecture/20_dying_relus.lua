-- Dying ReLUs: how learning rates kill them, and what revives them.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "20_dying_relus",
  title = "Dying ReLUs", slide = "Example: ReLUs and ELUs", tools = "nn.ReLU, nn.LeakyReLU, nn.ELU",
  says = "Gradient is either 0 or 1 (helps against vanishing gradients!). Problem: Dying ReLUs.",
  does = "Nets of three hidden layers are trained by Adam at learning rates from right to far too high: the share of units "
    .. "that end below 0 for every sample, and the loss. "
    .. "Then the nets of a rate that killed many are trained on at a right one: do the dead units come back? As ReLUs, whose "
    .. "gradient is 0 there; exchanged for leaky ReLU; exchanged for ELU; "
    .. "and, as a control, nets that never had the high rate, for as many epochs.",
  asks = {
    { "A ReLU is 0 for all samples. What moves its own weights?", "nothing; only the layers before it can, by "
      .. "moving its inputs" },
    { "Do ELUs die?", "fewer of them end below 0 for all samples, and with a gradient there, so those come back" },
  },
  seeds = { 10, small = 2 },
  params = {
    width = { 64, small = 32, min = 2 }, epochs = { 10, small = 4, doc = "at the high rate", min = 1 }, more = { 30, small = 8,
      doc = "epochs at the right rate", min = 1 },
    high = { 0.1, doc = "the high learning rate of Adam", min = 0.0 }, right = { 3e-3, doc = "the right one", min = 0.0 },
  },
  run = function(p)
    local function data(seed)
      return nn.data.teacher { n = 1024, features = 16, outputs = 4, classes = true, seed = seed }
    end
    local function dead_share(net, x)
      local h, dead, units = x, 0, 0
      nn.no_grad(function()
        for i = 1, #net - 1, 2 do
          local z = net[i](h)
          dead, units = dead + z:gt(0):any(1):eq(0):sum():item(), units + z:size(2)
          h = net[i + 1](z)
        end
      end)
      return dead / units
    end
    local function train(net, d, lr, epochs)
      local run = L.fit(net, d, { optimizer = nn.optim.Adam(net:parameters(), { lr = lr }), epochs = epochs })
      return run.history[#run.history].loss
    end
    local function fresh(seed, act)
      nn.manual_seed(seed)
      return L.mlp({ 16, p.width, p.width, p.width, 4 }, { init = "he_normal", act = nn[act] })
    end
    local kinds = { "ReLU", "LeakyReLU", "ELU" }
    local rates, rows, shares = L.size({ 1e-3, 1e-2, 3e-2, p.high, 3 * p.high }, { 1e-3, p.high }), {}, {}
    for i, lr in ipairs(rates) do
      local r = L.over(p, function(seed)
        local out, d = {}, data(seed)
        for _, kind in ipairs(kinds) do
          local net = fresh(seed, kind)
          out[kind .. "_loss"] = train(net, d, lr, p.epochs)
          out[kind .. "_dead"] = dead_share(net, d.x)
        end
        return out
      end, ("rate_%g_"):format(lr))
      rows[i] = { lr }
      shares[i] = r.ReLU_dead
      for _, kind in ipairs(kinds) do
        table.insert(rows[i], L.percent(r[kind .. "_dead"], 0))
        table.insert(rows[i], L.pm(r[kind .. "_loss"], 2))
      end
    end
    L.table({ "learning rate", "ReLU: below 0", "loss", "leaky ReLU: below 0", "loss", "ELU: below 0", "loss" }, rows,
      ("Share of units below 0 for every sample, and training loss, after %d epochs of Adam:"):format(p.epochs))
    local band = L.bars(shares)
    L.picture("line", { x = rates, y = band.y, error = band.error, style = "linespoints" },
      { title = "ReLUs that are dead after training", xlabel = "learning rate of Adam", ylabel = "share", log = "x" })

    local r = L.over(p, function(seed)
      local d, out = data(seed), {}
      local shocked = fresh(seed, "ReLU")
      train(shocked, d, p.high, p.epochs)
      out.shocked = dead_share(shocked, d.x)
      for _, kind in ipairs(kinds) do
        local copy = shocked:clone()
        copy[2], copy[4], copy[6] = nn[kind](), nn[kind](), nn[kind]()
        nn.manual_seed(seed)
        out[kind .. "_loss"] = train(copy, d, p.right, p.more)
        out[kind .. "_dead"] = dead_share(copy, d.x)
      end
      local control = fresh(seed, "ReLU")
      out.control_loss = train(control, d, p.right, p.more)
      out.control_dead = dead_share(control, d.x)
      return out
    end, "after_")
    L.table({ ("after %d epochs at the rate %g"):format(p.more, p.right), "units below 0 for every sample", "training loss" }, {
      { "before: what the high rate left", L.percent(r.shocked, 0), "" }, { "trained on as ReLU", L.percent(r.ReLU_dead, 0),
        L.pm(r.ReLU_loss) },
      { "trained on as leaky ReLU", L.percent(r.LeakyReLU_dead, 0), L.pm(r.LeakyReLU_loss) }, { "trained on as ELU",
        L.percent(r.ELU_dead, 0), L.pm(r.ELU_loss) },
      { "never had the high rate", L.percent(r.control_dead, 0), L.pm(r.control_loss) },
    })
    L.picture("bar", { L.bars { r.shocked, r.ReLU_dead, r.LeakyReLU_dead, r.ELU_dead, r.control_dead } },
      { "high rate", "ReLU", "leaky ReLU", "ELU", "control" },
      { title = "Share of units below 0 for every sample", yrange = { 0 } })
    local killed = L.compare(("dead ReLUs: rate %g over %g"):format(p.high, rates[1]), shares[L.size(4, 2)], shares[1],
      { points = true })
    local revived = L.compare("units below 0: trained on as ELU over as ReLU", r.ELU_dead, r.ReLU_dead, { points = true })
    local elu = L.compare("loss: trained on as ELU over as ReLU", r.ELU_loss, r.ReLU_loss)
    local leaky = L.compare("loss: trained on as leaky ReLU over as ReLU", r.LeakyReLU_loss, r.ReLU_loss)
    local lost = L.compare("loss: ReLU after the high rate over never had it", r.ReLU_loss, r.control_loss, { ratio = true })
    L.expect(killed, "higher")
    L.expect(revived, "lower")
    L.expect(lost, "higher")
    L.finding("Adam at a rate of %g leaves %.0f%% of the ReLUs dead; trained on at %g, %.0f%% still are, and the loss is %s as in "
      .. "nets that never had that rate. Exchanged for ELU %.0f%% stay below 0 (the loss, against ReLUs: %s), for leaky ReLU "
      .. "%.0f%% (%s)", p.high, 100 * L.mean(r.shocked), p.right, 100 * L.mean(r.ReLU_dead), tostring(lost),
      100 * L.mean(r.ELU_dead), tostring(elu), 100 * L.mean(r.LeakyReLU_dead), tostring(leaky))
  end,
}
