-- Dropout: weights or activations must be scaled after training.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "29_dropout_scaling",
  title = "Dropout: masks, and scaling after training", slide = "Dropout", tools = "nn.Dropout(p, {inverted = false})",
    source = "Srivastava et al. 2014, section 4",
  says = "Different units for each sample and in each iteration. Implementation note: need to scale weights (or activations) "
    .. "after training.",
  does = "The masks of two samples of a batch and of two steps are compared. A net trained with dropout in the paper's form "
    .. "(no scaling while training) is evaluated with and without the factor 1 - p, and against the average over many random "
    .. "masks. Then the "
    .. "inverted form, which scales while training. Accuracy, loss, and how sure the net is.",
  asks = {
    { "Without the factor the accuracy hardly changes, but the loss does. Why?", "all outputs are about twice as large: the "
      .. "largest one stays the largest, but the net is far too sure" },
    { "nn.Dropout, like PyTorch's, needs no scaling after training. Why?", "it divides by 1 - p while training "
      .. "(inverted dropout)" },
  },
  seeds = { 6, small = 2 },
  params = { masks = { 100, small = 40, min = 10 }, rate = { 0.5, min = 0.05, max = 0.95 }, width = { 256, small = 64,
    min = 2 }, n = { 2000, small = 600, doc = "training images", min = 64 }, epochs = { 12, small = 4, min = 1 } },
  run = function(p)
    -- masks
    nn.manual_seed(p.seed)
    local drop, ones = nn.Dropout(p.rate), nn.ones(2, 10000)
    local one, two = drop(ones):gt(0), drop(ones):gt(0)
    local function same(a, b)
      return a:eq(b):to("float32"):mean():item()
    end
    local by_chance = p.rate ^ 2 + (1 - p.rate) ^ 2
    local samples, steps = same(one[1], one[2]), same(one[1], two[1])
    -- 5 standard errors of a share over 10,000 units
    L.check(math.abs(samples - by_chance) < 0.025 and math.abs(steps - by_chance) < 0.025, "masks of two samples, and of two "
      .. "steps, agree as often as independent ones")
    L.say("Two samples of a batch have the same mask in %.1f%% of the units, the same sample in two steps in %.1f%%; "
      .. "independent masks agree in %.1f%%.", 100 * samples, 100 * steps, 100 * by_chance)
    local ce, masks = nn.CrossEntropyLoss(), p.masks
    local function build(inverted)
      return nn.Sequential(nn.Linear(784, p.width), nn.ReLU(), nn.Dropout(p.rate, { inverted = inverted }), nn.Linear(p.width,
        10))
    end
    local kinds = { "no scaling", "activations x (1 - p)", "mean of masks", "inverted form" }
    local r = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, 1000)
      local out = {}
      local function judge(name, f)
        nn.no_grad(function()
          local z = f(test.x)
          out[name], out[name .. " loss"] = z:argmax(2):eq(test.y):to("float32"):mean():item(), ce(z, test.y):item()
          out[name .. " sure"] = (z:softmax(2):max(2)):mean():item()
        end)
      end
      local function trained(inverted)
        nn.manual_seed(seed)
        local net = build(inverted)
        L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = p.epochs })
        return net:eval()
      end
      local net = trained(false)
      judge(kinds[1], function(x) return net[4](net[2](net[1](x))) end)
      judge(kinds[2], net)
      judge(kinds[3], function(x)
        local sum
        net:train()
        for _ = 1, masks do
          local q = net(x):softmax(2)
          sum = sum and sum + q or q
        end
        net:eval()
        return (sum / masks):log()
      end)
      judge(kinds[4], trained(true))
      nn.no_grad(function()
        -- scaling the weights instead of the activations is the same
        local weights = nn.linear(net[2](net[1](test.x)), net[4].weight * (1 - p.rate), net[4].bias)
        out.by_weights = (weights - net(test.x)):abs():max():item()
        -- the layer after dropout is linear, so the mean of its outputs over all masks is exactly the scaled net's output
        net:train()
        local sum, square
        for _ = 1, masks do
          local z = net(test.x)
          sum, square = sum and sum + z or z, square and square + z:square() or z:square()
        end
        net:eval()
        local mean = sum / masks
        out.standard_error = ((square / masks - mean:square()):clamp { min = 0 } / masks):sqrt():mean():item()
        out.off_scaled, out.off_raw = (mean - net(test.x)):abs():mean():item(),
          (mean - net[4](net[2](net[1](test.x)))):abs():mean():item()
      end)
      return out
    end)
    local rows, losses = {}, {}
    for k, kind in ipairs(kinds) do
      rows[k] = { kind == "mean of masks" and ("mean of %d masks"):format(masks) or kind, L.percent(r[kind]), L.pm(r[kind
        .. " loss"]), L.percent(r[kind .. " sure"]) }
      losses[k] = r[kind .. " loss"]
    end
    L.table({ "evaluation", "test accuracy", "test loss", "mean of the largest probability" }, rows)
    L.picture("bar", { L.bars(losses) }, kinds, { title = "Test loss" })
    L.say("Mean |output - mean over masks|: %.3f with scaling, %.3f without; the standard error of the mean is %.3f.",
      L.mean(r.off_scaled), L.mean(r.off_raw), L.mean(r.standard_error))
    for i = 1, p.seeds do
      -- |N(0, s)| has mean 0.8 s; twice the standard error is far outside
      L.check(r.off_scaled[i] < 2 * r.standard_error[i]
        and r.off_raw[i] > 4 * r.standard_error[i], "the scaled outputs are the mean over masks, the others are not")
      L.check(r.by_weights[i] < 1e-4, "scaling weights or activations is the same, to rounding")
    end
    local loss = L.compare("test loss: no scaling over scaled", r["no scaling loss"], r["activations x (1 - p) loss"])
    local accuracy = L.compare("test accuracy: no scaling over scaled", r["no scaling"], r["activations x (1 - p)"],
      { points = true })
    local inverted = L.compare("test loss: inverted form over scaled", r["inverted form loss"], r["activations x (1 - p) loss"])
    L.expect(loss, "higher")
    L.finding("with the factor 1 - p the outputs are the mean over random masks (off by %.3f, its standard error %.3f), "
      .. "without it they are off by %.2f: the loss is %s, the accuracy %s, since outputs twice as large keep their order; the "
      .. "inverted form's loss is %s",
      L.mean(r.off_scaled), L.mean(r.standard_error), L.mean(r.off_raw), tostring(loss), tostring(accuracy), tostring(inverted))
  end,
}
