-- Glorot's initialization keeps variances in both directions; what the slide calls it does not.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "25_glorot_variances",
  title = "Glorot's variances", slide = "Weight initialization - newer schemes", tools = "nn.init.glorot_uniform_, "
    .. "he_uniform_, relu_uniform_, default_linear_",
  source = "Glorot & Bengio 2010, figures 6 and 7; He et al. 2015, eqs. 10 and 14",
  says = "Same variance between all layers in both forward pass (activations) and backward pass (delta errors). Boils down to "
    .. "k Var(W) = 1/3. Thus "
    .. "W ~ U(-sqrt 6 / sqrt(k + l), sqrt 6 / sqrt(k + l)). Note: for ReLU, use sqrt 3 instead of sqrt 6.",
  does = "Their figures in kind, on images: nets of 5 hidden layers of unequal widths; the standard deviation of activations "
    .. "and of back-propagated gradients in every "
    .. "layer. Tanh nets with the old heuristic U(-1/sqrt k, 1/sqrt k), which has k Var(W) = 1/3, and with Glorot's, which has "
    .. "1; ReLU nets with the slide's rule (sqrt 3, which has 1/2), with Glorot's, and with He's, which has 2. "
    .. "k Var(W) is measured for each.",
  wrong = "Two sentences. Keeping variances needs k Var(W) = 1 (and l Var(W) = 1), not 1/3: U(-a, a) has variance a^2/3, so a "
    .. "= sqrt(6/(k+l)) gives (k+l)/2 Var(W) = 1; the 1/3 is the old heuristic's, which "
    .. "the paper argues against. And for ReLU, half of the signal's second moment is lost, so 2 is needed (He et al.), a = "
    .. "sqrt(6/k): larger, not smaller. The slide's sqrt 3 gives 1/2.",
  asks = {
    { "What is the variance of U(-a, a)?", "a^2 / 3; so sqrt 6 / sqrt(k + l) gives 2 / (k + l)" },
    { "ReLU sets half of the outputs to 0. Must the weights be smaller or larger than tanh's?", "larger: twice the variance "
      .. "makes up for the half that is lost" },
  },
  seeds = { 8, small = 2 },
  params = { n = { 500, small = 200, doc = "images", min = 10 } },
  run = function(p)
    local sizes = L.size({ 784, 1000, 800, 1000, 700, 900, 10 }, { 784, 200, 150, 200, 120, 160, 10 })
    local cases = {
      { "tanh, U(±1/√k)", "Tanh", "default_linear" }, { "tanh, Glorot U(±√6/√(k+l))", "Tanh", "glorot_uniform" },
        { "ReLU, slide's U(±√3/√(k+l))", "ReLU", "relu_uniform" },
      { "ReLU, Glorot", "ReLU", "glorot_uniform" }, { "ReLU, He U(±√6/√k)", "ReLU", "he_uniform" },
    }
    local curves = {}
    local r = L.over(p, function(seed)
      local out = {}
      local train = L.images(seed, p.n)
      for c, case in ipairs(cases) do
        nn.manual_seed(seed)
        local net = L.mlp(sizes, { act = nn[case[2]], init = case[3] })
        local outs, h = {}, train.x
        for i = 1, #net do
          h = net[i](h)
          if net[i]._name == case[2] then
            outs[#outs + 1] = h
          end
        end
        local g = nn.grad(nn.CrossEntropyLoss()(h, train.y), outs)
        curves[c] = curves[c] or { acts = {}, grads = {} }
        local acts, grads = {}, {}
        for i = 1, #outs do
          acts[i], grads[i] = outs[i]:std():item(), g[i]:std():item()
        end
        table.insert(curves[c].acts, acts)
        table.insert(curves[c].grads, grads)
        local w = net[5].weight:detach()
        out["kvar_" .. c], out["acts_" .. c], out["grads_" .. c] = w:size(2) * w:var():item(), acts[5] / acts[1],
          grads[1] / grads[5]
      end
      return out
    end)
    local rows, acts, grads = {}, {}, {}
    for c, case in ipairs(cases) do
      rows[c] = { case[1], L.mean(r["kvar_" .. c]), L.pm(r["acts_" .. c], 2), L.pm(r["grads_" .. c], 3) }
      acts[c] = L.band(curves[c].acts, { label = case[1] })
      grads[c] = L.band(curves[c].grads, { label = case[1] })
    end
    L.table({ "weights", "k Var(W), layer 3 (k = " .. sizes[3]
      .. ")", "activations: layer 5 / layer 1", "gradients: layer 1 / layer 5" }, rows, "Standard deviations, measured:")
    L.picture("line", acts, { title = "Activations by layer", xlabel = "layer", ylabel = "deviation", log = "y",
      key = "bottom left" })
    L.picture("line", grads, { title = "Back-propagated gradients by layer", xlabel = "layer", ylabel = "deviation", log = "y",
      key = "bottom right" })
    L.check(math.abs(L.mean(r.kvar_1) - 1 / 3) < 0.01, "the variance of U(-a, a) is a^2 / 3; a layer's weights give it to 1%%")
    local function ratio(what, a, b)
      local c = L.compare(what, r[a], r[b], { ratio = true })
      L.expect(c, "higher")
      return c
    end
    local back = ratio("tanh, gradients kept: Glorot over the old heuristic", "grads_2", "grads_1")
    ratio("tanh, activations kept: Glorot over the old heuristic", "acts_2", "acts_1")
    local relu = ratio("ReLU, gradients kept: He over the slide's rule", "grads_5", "grads_3")
    ratio("ReLU, activations kept: He over the slide's rule", "acts_5", "acts_3")
    L.check(math.abs(math.log(L.mean(r.acts_5))) < math.abs(math.log(L.mean(r.acts_4)))
      and math.abs(math.log(L.mean(r.acts_4))) < math.abs(math.log(L.mean(r.acts_3))),
      "for ReLU He's weights are nearest to keeping the activations, then Glorot's, and the slide's are last")
    L.say("Agreement with the paper: both orderings are the same as in their figures 6 and 7. Activations still shrink "
      .. "somewhat with Glorot's weights, because tanh is not linear.")
    L.finding("over 4 layers the old heuristic (k Var(W) = %.2f) multiplies the gradient by %.3f, Glorot's (%.2f) by %.2f, %s; "
      .. "in ReLU nets the slide's sqrt 3 (%.2f) by %.4f, Glorot's by %.3f, and He's (%.2f) by %.2f",
      L.mean(r.kvar_1), L.mean(r.grads_1), L.mean(r.kvar_2), L.mean(r.grads_2), tostring(back), L.mean(r.kvar_3),
        L.mean(r.grads_3), L.mean(r.grads_4), L.mean(r.kvar_5), L.mean(r.grads_5), tostring(relu))
  end,
}
