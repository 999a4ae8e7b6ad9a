-- Dropout: weights or activations must be scaled after training.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "29_dropout_scaling",
  title = "Dropout: scaling after training", slide = "Dropout", tools = "nn.Dropout(p, {inverted = false})",
  says = "Implementation note: need to scale weights (or activations) after training.",
  does = "A net trained with dropout in the paper's form (no scaling while training) is evaluated with and without the factor 1 - p, and against the average over many random masks. Then the "
    .. "inverted form, which scales while training.",
  params = {
    masks = { 200, small = 40 },
  },
  run = function(p)
    local train, _, test = L.images(L.size(3000, 800), 0, 1000)
    nn.manual_seed(1)
    local rate, width = 0.5, L.size(256, 96)
    local function build(inverted)
      return nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Dropout(rate, { inverted = inverted }), nn.Linear(width, 10))
    end
    local net = build(false)
    L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = L.size(12, 5) })
    net:eval()
    local ce = nn.CrossEntropyLoss()
    local function judge(f)
      return nn.no_grad(function()
        local out = f(test.x)
        return out:argmax(2):eq(test.y):to("float32"):mean():item(), ce(out, test.y):item()
      end)
    end
    local scaled_acc, scaled_loss = judge(net)
    local raw_acc, raw_loss = judge(function(x) return net[4](net[2](net[1](x))) end)
    local masks = p.masks
    local mc_acc, mc_loss = judge(function(x)
      local sum
      net:train()
      for _ = 1, masks do
        local q = net(x):softmax(2)
        sum = sum and sum + q or q
      end
      net:eval()
      return (sum / masks):log()
    end)
    -- scaling the weights instead of the activations is the same
    local by_weights = nn.no_grad(function()
      return (nn.linear(net[2](net[1](test.x)), net[4].weight * (1 - rate), net[4].bias) - net(test.x)):abs():max():item()
    end)
    nn.manual_seed(1)
    local inverted = build(true)
    L.fit(inverted, train, { optimizer = nn.optim.Adam(inverted:parameters(), { lr = 1e-3 }), epochs = L.size(12, 5) })
    inverted:eval()
    local inv_acc, inv_loss = judge(inverted)
    L.table({ "evaluation", "test accuracy", "test loss" }, {
      { "no scaling", raw_acc, raw_loss }, { "activations x (1 - p)", scaled_acc, scaled_loss }, { ("mean of %d masks"):format(masks), mc_acc, mc_loss },
      { "inverted form, nothing to do", inv_acc, inv_loss },
    })
    L.picture("bar", { raw_loss, scaled_loss, mc_loss, inv_loss }, { "no scaling", "scaled", "mean of masks", "inverted" }, { title = "Test loss" })
    -- the layer after dropout is linear, so the mean of its outputs over all masks is exactly the scaled net's output
    local off, error_of_mean = nn.no_grad(function()
      net:train()
      local sum, square
      for _ = 1, masks do
        local z = net(test.x)
        sum, square = sum and sum + z or z, square and square + z:square() or z:square()
      end
      net:eval()
      local mean = sum / masks
      local deviation = ((square / masks - mean:square()):clamp { min = 0 } / masks):sqrt():mean():item()
      local raw = net[4](net[2](net[1](test.x)))
      return { (mean - net(test.x)):abs():mean():item(), (mean - raw):abs():mean():item() }, deviation
    end)
    L.say("Mean |output - mean over masks|: %.3f with scaling, %.3f without; the standard error of the mean is %.3f.", off[1], off[2], error_of_mean)
    -- |N(0, s)| has mean 0.8 s; twice the standard error is far outside
    L.check(off[1] < 2 * error_of_mean and off[2] > 4 * error_of_mean, "the scaled outputs are the mean over masks, the others are not")
    L.check(by_weights < 1e-4, "scaling weights or activations is the same, to rounding")
    L.finding("with the factor 1 - p the outputs are the mean over random masks (off by %.3f, its standard error %.3f), without it they are off by %.2f; scaling the weights instead gives the "
      .. "same outputs (difference %.0e)", off[1], error_of_mean, off[2], by_weights)
  end,
}
