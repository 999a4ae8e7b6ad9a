-- Dying ReLUs, and their revival.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "20_dying_relus",
  title = "Dying ReLUs", slide = "Example: ReLUs and ELUs", tools = "nn.diagnose, nn.LeakyReLU, nn.ELU",
  says = "Gradient is either 0 or 1 (helps against vanishing gradients!). Problem: Dying ReLUs.",
  does = "ReLU nets get one run with a learning rate far too high, which throws many units to where they are 0 for every sample. Then the rate "
    .. "is set right: do the dead units come back? Not as ReLUs, since their gradient is 0; exchanged for leaky ReLU or ELU they can.",
  params = {
    seeds = { 5, small = 2 },
  },
  run = function(p)
    local d = nn.data.teacher { n = 1024, features = 16, outputs = 4, classes = true, seed = 5 }
    local seeds = p.seeds
    local ce = nn.CrossEntropyLoss()
    local function dead_share(net)
      local h, dead, units = d.x, 0, 0
      nn.no_grad(function()
        for i = 1, #net - 1, 2 do
          local z = net[i](h)
          local alive = z:gt(0):any(1)
          dead, units = dead + alive:eq(0):sum():item(), units + #alive
          h = net[i + 1](z)
        end
      end)
      return dead / units
    end
    local kinds = { "ReLU", "LeakyReLU", "ELU" }
    local shocked, after, loss = {}, {}, {}
    for _, k in ipairs(kinds) do
      after[k], loss[k] = {}, {}
    end
    for seed = 1, seeds do
      nn.manual_seed(seed)
      local net = L.mlp({ 16, 64, 64, 4 }, { init = "he_normal" })
      nn.no_grad(function() -- the shock: what a step along the mean gradient with a huge rate does to biases
        for i = 1, 3, 2 do
          net[i].bias:copy_(-nn.rand(64) * 12)
        end
      end)
      shocked[seed] = dead_share(net)
      for _, kind in ipairs(kinds) do
        local copy = net:clone()
        copy[2], copy[4] = nn[kind](), nn[kind]()
        local run = L.fit(copy, d, { optimizer = nn.optim.Adam(copy:parameters(), { lr = 3e-3 }), epochs = L.size(60, 20), loss = ce })
        after[kind][seed], loss[kind][seed] = dead_share(copy), run.history[#run.history].loss
      end
    end
    local rows = { { "after the shock", ("%.0f%%"):format(100 * L.mean(shocked)), "" } }
    for _, kind in ipairs(kinds) do
      rows[#rows + 1] = { "trained on as " .. kind, ("%.0f%%"):format(100 * L.mean(after[kind])), L.mean(loss[kind]) }
    end
    L.table({ "", "units below 0 for every sample", "training loss" }, rows)
    L.picture("bar", { L.mean(shocked), L.mean(after.ReLU), L.mean(after.LeakyReLU), L.mean(after.ELU) },
      { "after the shock", "ReLU", "leaky ReLU", "ELU" }, { title = "Share of dead units" })
    L.check(L.mean(after.ELU) < L.mean(after.ReLU), "units of ELU come back, dead ReLUs do so only by chance (their inputs moved)")
    L.check(L.mean(loss.ELU) < L.mean(loss.ReLU), "and the net with ELU learns more")
    L.finding("%.0f%% of the ReLUs were dead; after training on, %.0f%% still are, with leaky ReLU %.0f%% and with ELU %.0f%%; the loss ends at %.3f, "
      .. "%.3f and %.3f", 100 * L.mean(shocked), 100 * L.mean(after.ReLU), 100 * L.mean(after.LeakyReLU), 100 * L.mean(after.ELU),
      L.mean(loss.ReLU), L.mean(loss.LeakyReLU), L.mean(loss.ELU))
  end,
}
