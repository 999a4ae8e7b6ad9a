-- Glorot's initialization keeps variances in both directions.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "25_glorot_variances",
  title = "Glorot's variances", slide = "Weight initialization - newer schemes", tools = "nn.init.glorot_uniform_", source = "Glorot & Bengio 2010, figures 6 and 7",
  says = "Same variance between all layers in both forward pass (activations) and backward pass (delta errors). Boils down to k Var(W) = 1/3. Thus "
    .. "W ~ U(-sqrt 6 / sqrt(k + l), sqrt 6 / sqrt(k + l)).",
  does = "Their figures in kind: tanh nets of 5 hidden layers of unequal widths on images; the standard deviation of activations and of back-propagated gradients in every "
    .. "layer, with the old heuristic U(-1/sqrt k, 1/sqrt k), whose variance is 1/(3k), and with the normalized one. Five seeds.",
  run = function()
    local train = L.images(500, 0, 500)
    local x, y = train.x, train.y
    local sizes = L.size({ 784, 1000, 800, 1000, 700, 900, 10 }, { 784, 200, 150, 200, 120, 160, 10 })
    local seeds, table_rows, ratio = L.size(5, 3), {}, {}
    local act_series, grad_series = {}, {}
    local v = nn.zeros(500, 300)
    nn.init.uniform_(v, -1 / math.sqrt(300), 1 / math.sqrt(300))
    local k_var = 300 * v:var():item()
    for _, scheme in ipairs { "default_linear", "glorot_uniform" } do
      local acts, grads = {}, {}
      for seed = 1, seeds do
        nn.manual_seed(seed)
        local net = L.mlp(sizes, { act = nn.Tanh, init = scheme })
        local outs, h = {}, x
        for i = 1, #net do
          h = net[i](h)
          if net[i]._name == "Tanh" then
            outs[#outs + 1] = h
          end
        end
        local g = nn.grad(nn.CrossEntropyLoss()(h, y), outs)
        for i = 1, #outs do
          acts[i] = (acts[i] or 0) + outs[i]:std():item() / seeds
          grads[i] = (grads[i] or 0) + g[i]:std():item() / seeds
        end
      end
      local label = scheme == "default_linear" and "U(-1/sqrt k, 1/sqrt k)" or "Glorot"
      ratio[scheme] = { acts[5] / acts[1], grads[1] / grads[5] }
      for what, list in pairs { activations = acts, gradients = grads } do
        table_rows[#table_rows + 1] = { label, what, list[1], list[2], list[3], list[4], list[5] }
      end
      act_series[#act_series + 1] = { y = acts, label = label .. ", activations", style = "linespoints" }
      grad_series[#grad_series + 1] = { y = grads, label = label .. ", gradients", style = "linespoints" }
    end
    table.sort(table_rows, function(a, b)
      return a[2] .. a[1] < b[2] .. b[1]
    end)
    L.table({ "weights", "deviation of", "layer 1", "2", "3", "4", "5" }, table_rows)
    L.picture("line", act_series, { title = "Activations by layer", xlabel = "layer", ylabel = "deviation", yrange = { 0 } })
    L.picture("line", grad_series, { title = "Back-propagated gradients by layer", xlabel = "layer", ylabel = "deviation", log = "y" })
    L.say("k Var(W) of the old heuristic, measured: %.4f (1/3 on the slide).", k_var)
    L.check(math.abs(k_var - 1 / 3) < 0.01, "the variance of U(-a, a) is a^2 / 3; 150,000 draws give it to 0.5%%")
    L.check(ratio.default_linear[2] < 0.3, "with the old heuristic gradients fall by about sqrt(1/3) a layer: 0.58^4 = 0.11, less what tanh adds")
    L.check(ratio.glorot_uniform[2] > 3 * ratio.default_linear[2], "Glorot's keep them: by theory sqrt(3)^4 = 9 times more over 4 layers of equal width, at least a third of that with these")
    L.say("Agreement with the paper: both orderings are the same as in their figures 6 and 7. In ours, too, activations still shrink somewhat with Glorot's weights, because tanh is not linear.")
    L.finding("from layer 1 to 5 the activations' deviation is multiplied by %.2f with the old heuristic and by %.2f with Glorot's; the gradients' on the way back by %.3f and %.2f",
      ratio.default_linear[1], ratio.glorot_uniform[1], ratio.default_linear[2], ratio.glorot_uniform[2])
  end,
}
