-- Intermediate layers solve XOR: by hand with threshold units, and learned.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "05_intermediate_layers",
  title = "Intermediate layers solve XOR", slide = "Perceptrons and linear separability / Multi-layer perceptrons",
  tools = "nn.Step, nn.Sequential, nn.optim, nn.compile", source = "Rumelhart, Hinton & Williams 1986",
  says = "Solution of introducing intermediate layers: the outputs of the first layer are used as input of the first "
    .. "intermediate layer. The key idea is to replace the discontinuous threshold function by a differentiable function.",
  does = "First a net of three threshold units with weights written down by hand (OR and NAND, then AND). Then nets with 1 to "
    .. "8 hidden units learn XOR from random weights by backpropagation: how often do they succeed? With tanh units; with "
    .. "threshold units, whose "
    .. "derivative is 0, so that no gradient reaches the weights in front of them; and with threshold units that pretend a "
    .. "derivative of 1 near the "
    .. "threshold (straight-through, what nn.Step does).",
  asks = {
    { "Why do hidden threshold units learn nothing by backpropagation?", "their derivative is 0, so the first layer never "
      .. "moves; only the output layer learns, on the features that chance gave" },
    { "Two hidden units suffice by hand. Why are they not enough for learning each time?", "some starts are still on a plateau "
      .. "when the steps are over; more units make such a start unlikely" },
  },
  seeds = { 50, small = 8 },
  params = { steps = { 1500, small = 600, min = 1 }, lr = { 0.05, doc = "Adam's learning rate", min = 0.0 } },
  run = function(p)
    local d = nn.data.xor { targets = "float" }
    local hand = nn.Sequential(nn.Linear(2, 2), nn.Step(), nn.Linear(2, 1), nn.Step())
    nn.no_grad(function()
      hand[1].weight:copy_(nn.tensor { { 1.0, 1.0 }, { -1.0, -1.0 } }) -- OR, NAND
      hand[1].bias:copy_(nn.tensor { -0.5, 1.5 })
      hand[3].weight:copy_(nn.tensor { { 1.0, 1.0 } }) -- AND
      hand[3].bias:copy_(nn.tensor { -1.5 })
    end)
    local rows = {}
    local hidden, out = hand[2](hand[1](d.x)):detach(), hand(d.x):detach()
    for i = 1, 4 do
      rows[i] = { ("%g %g"):format(d.x[i][1]:item(), d.x[i][2]:item()), hidden[i][1]:item(), hidden[i][2]:item(), out[i]:item(),
        d.y[i]:item() }
    end
    L.table({ "x1 x2", "OR", "NAND", "AND of both", "XOR" }, rows, "By hand:")
    L.check(out:equal(d.y), "the net by hand is XOR")

    local shown
    local function train(width, act)
      local net = nn.Sequential(nn.Linear(2, width), act, nn.Linear(width, 1))
      local opt = nn.optim.Adam(net:parameters(), { lr = p.lr })
      local criterion = nn.BCEWithLogitsLoss()
      local before = net[1].weight:detach():clone()
      local step = nn.compile(function(x, y)
        opt:zero_grad()
        local loss = criterion(net(x), y)
        loss:backward()
        opt:step()
        return loss
      end)
      for _ = 1, p.steps do
        step(d.x, d.y)
      end
      shown = width == 8 and act._name == "Tanh" and net or shown
      local right = net(d.x):detach():gt(0):eq(d.y:gt(0.5)):all():item()
      return right and 1 or 0, (net[1].weight:detach() - before):abs():max():item()
    end
    local learned, tanh, threshold, through, widths = {}, {}, {}, {}, { 1, 2, 3, 4, 8 }
    for i, width in ipairs(widths) do
      local r = L.over(p, function(seed)
        local solved = train(width, nn.Tanh())
        nn.manual_seed(seed)
        local by_steps, moved = train(width, nn.Step(0)) -- the true derivative: 0
        L.check(moved == 0, "the weights in front of threshold units do not move at all")
        nn.manual_seed(seed)
        return { tanh = solved, threshold = by_steps, through = (train(width, nn.Step())) }
      end, ("units_%d_"):format(width))
      tanh[i], threshold[i], through[i] = r.tanh, r.threshold, r.through
      learned[i] = { width, L.mean(r.tanh), L.mean(r.threshold), L.mean(r.through) }
    end
    L.table({ "hidden units", "tanh", "threshold", "threshold, straight-through" }, learned, ("Learned: the share of %d starts "
      .. "that solve XOR"):format(p.seeds))
    local function with_error(lists, label)
      local s = { x = widths, y = {}, error = {}, label = label, style = "linespoints" }
      for i, list in ipairs(lists) do
        s.y[i] = L.mean(list)
        s.error[i] = math.sqrt(s.y[i] * (1 - s.y[i]) / #list)
      end
      return s
    end
    L.picture("line", { with_error(tanh, "tanh"), with_error(threshold, "threshold"), with_error(through, "straight-through") },
      { title = "Share of starts that learn XOR (band: one standard error)", xlabel = "hidden units", ylabel = "share",
        yrange = { 0, 1.05 }, key = "bottom right" })
    L.picture("boundary", shown, d.x, d.y:reshape(-1):to "int64" + 1, { title = "XOR learned with 8 hidden tanh units",
      margin = 0.5 })
    L.check(L.mean(tanh[1]) == 0, "one hidden unit never suffices: its net is a threshold on one line")
    -- a success rate of 0.97 gives less than 0.8 of 50 once in 10^8; of 8, less than 0.75 once in 500
    L.check(L.mean(tanh[5]) >= L.size(0.8, 0.75), "8 hidden tanh units suffice nearly always")
    L.expect(L.compare("share solved with 4 units: tanh over threshold", tanh[4], threshold[4], { points = true }), "higher")
    L.finding("two layers of threshold units are XOR exactly; learned from random weights, %.0f%% of the nets with 2 "
      .. "tanh units and "
      .. "%.0f%% of those with 8 solve it, and none with 1; with 4 units tanh's share is %s than that of threshold units, "
      .. "whose first layer never moves",
      100 * L.mean(tanh[2]), 100 * L.mean(tanh[5]), tostring(L.comparisons[1]))
  end,
}
