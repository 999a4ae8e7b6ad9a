-- ReLU as a sum of sigmoids with shifted biases.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "19_relu_as_sigmoids",
  title = "ReLU as a sum of sigmoids", slide = "Example: ReLUs and ELUs", tools = "nn.sigmoid, nn.softplus, nn.theory.linear_regions",
  source = "Nair & Hinton 2010",
  says = "Idea: N sigmoids with shared weights but different biases: sum_i sigma(h - i + 0.5) ~ log(1 + e^h) ~ max(0, h). Gradient is "
    .. "either 0 or 1. ReLU nets learn a piecewise linear function.",
  does = "Both approximations are computed, with their largest errors. Then the linear pieces of a ReLU net of two inputs are "
    .. "counted exactly.",
  run = function()
    local h = nn.linspace(-10, 20, 30001, { dtype = "float64" })
    local sum = nn.zeros_like(h)
    for i = 1, 60 do
      sum = sum + nn.sigmoid(h - i + 0.5)
    end
    local soft, hard = nn.softplus(h), nn.relu(h)
    local first, second = (sum - soft):abs():max():item(), (soft - hard):abs():max():item()
    L.table({ "approximation", "largest error on -10 .. 20", "at h" }, {
      { "sum of sigmoids ~ log(1 + e^h)", first, h[(sum - soft):abs():argmax():item()]:item() },
      { "log(1 + e^h) ~ max(0, h)", second, h[(soft - hard):abs():argmax():item()]:item() },
    })
    L.picture("line", { { x = h, y = sum, label = "sum of sigmoids" }, { x = h, y = soft, label = "log(1 + e^h)" },
      { x = h, y = hard, label = "max(0, h)" } }, { title = "ReLU as a sum of sigmoids", xrange = { -4, 6 }, yrange = { 0, 6 }, key = "top left" })
    -- the sum is the midpoint rule with step 1 for the integral of sigma, whose error is about max |sigma'| / 24 = 1/96
    L.check(first < 1 / 48, "the midpoint rule's error is sigma'(h) / 24 <= 1/96, and terms of higher order that are smaller still")
    L.check(math.abs(second - math.log(2)) < 1e-12, "softplus differs most at 0, by log 2")
    nn.manual_seed(3)
    local rows, counts = {}, {}
    for _, sizes in ipairs { { 2, 8, 1 }, { 2, 16, 1 }, { 2, 8, 8, 1 }, { 2, 8, 8, 8, 1 } } do
      local net = L.mlp(sizes, { init = "he_normal" })
      nn.no_grad(function()
        for i = 1, #net - 1, 2 do
          nn.init.normal_(net[i].bias, 0, 0.3)
        end
      end)
      local r = nn.theory.linear_regions(net)
      counts[#counts + 1] = r.count
      rows[#rows + 1] = { table.concat(sizes, "-"), (net:parameter_count()), r.count }
      if #sizes == 5 then
        -- inside a piece the function is exactly linear: its gradient is one of `count` vectors
        local probe = nn.rand(2000, 2) * 2 - 1
        probe = probe:requires_grad_()
        local grads = nn.grad(net(probe):sum(), { probe })[1]:totable()
        local seen, n = {}, 0
        for _, gr in ipairs(grads) do
          local key = ("%.5f %.5f"):format(gr[1], gr[2])
          if not seen[key] then
            seen[key], n = true, n + 1
          end
        end
        L.say("2000 random points of the last net show %d different gradients; it has %d pieces.", n, r.count)
        L.check(n <= r.count, "there are no more gradients than pieces")
      end
    end
    L.table({ "net", "weights", "linear pieces in [-1, 1]^2" }, rows)
    L.finding("60 shifted sigmoids equal log(1 + e^h) to %.4f (the midpoint rule says about 1/96), which equals max(0, h) to log 2 = %.3f; a ReLU net with three "
      .. "layers of 8 units has %d linear pieces on a square", first, second, counts[4])
  end,
}
