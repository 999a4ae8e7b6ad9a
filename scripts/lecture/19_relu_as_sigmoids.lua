-- ReLU as a sum of sigmoids with shifted biases.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "19_relu_as_sigmoids",
  title = "ReLU as a sum of sigmoids", slide = "Example: ReLUs and ELUs", tools = "nn.sigmoid, nn.softplus, "
    .. "nn.theory.linear_regions",
  source = "Nair & Hinton 2010",
  says = "Idea: N sigmoids with shared weights but different biases: sum_i sigma(h - i + 0.5) ~ log(1 + e^h) ~ max(0, h). "
    .. "Gradient is "
    .. "either 0 or 1. ReLU nets learn a piecewise linear function.",
  does = "Both approximations are computed, with their largest errors, and the sum with only N = 5 sigmoids beside the one "
    .. "with 60. Then the linear pieces of ReLU nets of two inputs are "
    .. "counted exactly.",
  wrong = "The sum runs to N, and its units are bounded: above h = N it stays at N. The approximation needs N larger than "
    .. "every h that occurs; in the paper the sum is infinite. "
    .. "And at 0 itself ReLU has no gradient; programs take 0 there.",
  asks = {
    { "What is the sum of 5 shifted sigmoids at h = 20?", "5: each is at 1" },
    { "24 units in one layer or in three of 8: which ReLU net has more pieces?", "see the verdict; depth could make "
      .. "exponentially many, random weights do not (Hanin & Rolnick 2019)" },
  },
  seeds = { 10, small = 2 },
  params = { width = { 8, min = 1 } },
  run = function(p)
    local h = nn.linspace(-10, 20, 30001, { dtype = "float64" })
    local sum = nn.zeros_like(h)
    for i = 1, 60 do
      sum = sum + nn.sigmoid(h - i + 0.5)
    end
    local few = nn.zeros_like(h)
    for i = 1, 5 do
      few = few + nn.sigmoid(h - i + 0.5)
    end
    local soft, hard = nn.softplus(h), nn.relu(h)
    local first, second = (sum - soft):abs():max():item(), (soft - hard):abs():max():item()
    L.table({ "approximation", "largest error on -10 .. 20", "at h" }, {
      { "sum of 5 sigmoids ~ log(1 + e^h)", (few - soft):abs():max():item(), h[(few - soft):abs():argmax():item()]:item() },
      { "sum of 60 sigmoids ~ log(1 + e^h)", first, h[(sum - soft):abs():argmax():item()]:item() },
      { "log(1 + e^h) ~ max(0, h)", second, h[(soft - hard):abs():argmax():item()]:item() },
    })
    L.picture("line", { { x = h, y = sum, label = "sum of 60 sigmoids" }, { x = h, y = few, label = "of 5" }, { x = h,
      y = soft, label = "log(1 + e^h)" },
      { x = h, y = hard, label = "max(0, h)" } }, { title = "ReLU as a sum of sigmoids", xrange = { -4, 10 }, yrange = { 0,
        10 }, key = "top left" })
    -- the sum is the midpoint rule with step 1 for the integral of sigma, whose error is about max |sigma'| / 24 = 1/96
    L.check(first < 1 / 48, "the midpoint rule's error is sigma'(h) / 24 <= 1/96, and terms of higher order that are "
      .. "smaller still")
    L.check(math.abs(second - math.log(2)) < 1e-12, "softplus differs most at 0, by log 2")
    local w = p.width
    local kinds, rows = { { 2, w, 1 }, { 2, 3 * w, 1 }, { 2, w, w, 1 }, { 2, w, w, w, 1 } }, {}
    local r = L.over(p, function(seed)
      local out = {}
      for k, sizes in ipairs(kinds) do
        nn.manual_seed(seed)
        local net = L.mlp(sizes, { init = "he_normal" })
        nn.no_grad(function()
          for i = 1, #net - 1, 2 do
            nn.init.normal_(net[i].bias, 0, 0.3)
          end
        end)
        out["net_" .. k] = nn.theory.linear_regions(net).count
        rows[k] = { table.concat(sizes, "-"), (net:parameter_count()) }
        if k == 4 then
          -- inside a piece the function is exactly linear: its gradient is one of `count` vectors
          local probe = (nn.rand(2000, 2) * 2 - 1):requires_grad_()
          local seen, n = {}, 0
          for _, gr in ipairs(nn.grad(net(probe):sum(), { probe })[1]:totable()) do
            local key = ("%.5f %.5f"):format(gr[1], gr[2])
            if not seen[key] then
              seen[key], n = true, n + 1
            end
          end
          out.gradients = n
          L.check(n <= out.net_4, "there are no more gradients than pieces")
        end
      end
      return out
    end)
    for k, row in ipairs(rows) do
      row[3], row[4] = L.pm(r["net_" .. k], 0), math.max(table.unpack(r["net_" .. k]))
    end
    L.table({ "net", "weights", "linear pieces in [-1, 1]^2", "most" }, rows)
    L.say("2000 random points of the last net show %.0f different gradients on average.", L.mean(r.gradients))
    local deeper = L.compare("pieces: three layers over one of as many units", r.net_4, r.net_2, { ratio = true })
    L.finding("60 shifted sigmoids equal log(1 + e^h) to %.4f (the midpoint rule says about 1/96), which equals max(0, h) to "
      .. "log 2 = %.3f; ReLU nets with three layers of %d units have %.0f ± %.0f linear pieces on a square; one layer of as "
      .. "many units has %.0f: three layers have %s as many", first, second, w, L.mean(r.net_4), L.deviation(r.net_4),
      L.mean(r.net_2), tostring(deeper))
  end,
}
