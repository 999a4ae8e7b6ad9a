-- Intermediate layers solve XOR: by hand with threshold units, and learned.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "05_intermediate_layers",
  title = "Intermediate layers solve XOR", slide = "Perceptrons and linear separability / Multi-layer perceptrons",
  tools = "nn.Step, nn.Sequential, nn.optim",
  says = "Solution of introducing intermediate layers: the outputs of the first layer are used as input of the first "
    .. "intermediate layer. The key idea is to replace the discontinuous threshold function by a differentiable function.",
  does = "First a net of three threshold units with weights written down by hand (OR and NAND, then AND). Then nets with 2 to "
    .. "8 tanh units learn XOR from random weights by backpropagation: how often do they succeed?",
  params = {
    runs = { 50, small = 8 },
    steps = { 2000, small = 600 },
  },
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

    local runs, steps = p.runs, p.steps
    local learned, shares = {}, {}
    for _, width in ipairs { 1, 2, 3, 4, 8 } do
      local solved = 0
      for seed = 1, runs do
        nn.manual_seed(seed)
        local net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))
        local opt = nn.optim.Adam(net:parameters(), { lr = 0.05 })
        local criterion = nn.BCEWithLogitsLoss()
        local step = nn.compile(function(x, y)
          opt:zero_grad()
          local loss = criterion(net(x), y)
          loss:backward()
          opt:step()
          return loss
        end)
        for _ = 1, steps do
          step(d.x, d.y)
        end
        local right = net(d.x):detach():gt(0):eq(d.y:gt(0.5)):all():item()
        solved = solved + (right and 1 or 0)
      end
      shares[width] = solved / runs
      learned[#learned + 1] = { width, solved, runs, shares[width] }
    end
    L.table({ "hidden units", "solved", "of", "share" }, learned, "Learned:")
    local net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    local opt = nn.optim.Adam(net:parameters(), { lr = 0.05 })
    for _ = 1, 500 do
      opt:zero_grad()
      nn.BCEWithLogitsLoss()(net(d.x), d.y):backward()
      opt:step()
    end
    L.picture("boundary", net, d.x, d.y:reshape(-1):to "int64" + 1, { title = "XOR learned with 8 hidden units", margin = 0.5 })
    L.check(shares[1] == 0, "one hidden unit never suffices: its net is a threshold on one line")
    -- with 8 runs, an interval of 3 standard errors around a success rate of 0.97 ends above 0.75
    L.check(shares[8] >= 0.75, "8 hidden units suffice nearly always")
    L.finding("two layers of threshold units are XOR exactly; learned from random weights, %.0f%% of the nets with 2 hidden units and "
      .. "%.0f%% of those with 8 solve it, and none with 1", 100 * shares[2], 100 * shares[8])
  end,
}
