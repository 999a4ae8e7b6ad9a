-- Hochreiter 1991: the gradient through time, and the gate that keeps it.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "42_gradient_through_time",
  title = "The vanishing gradient through time", slide = "Activation functions = the main culprits / How to solve the "
    .. "vanishing gradient problem", tools = "nn.RNN, nn.LSTM, nn.grad", source = "Hochreiter 1991; Hochreiter & Schmidhuber "
    .. "1997; Gers et al. 2000",
  says = "First identified 1991 by Sepp Hochreiter. Gating (mostly used in RNNs).",
  does = "Untrained recurrent nets over 60 steps: the gradient of the last output with respect to the hidden state's input at "
    .. "each earlier step. Tanh RNNs whose recurrent matrix has spectral radius 0.5, 1 and 2, one with an orthogonal matrix, "
    .. "and LSTMs whose forget gates begin half open (bias 0) and open (bias 4). "
    .. "And the last with recurrent weights of 0, so that only its cells carry on. The factor by which the gradient is "
    .. "multiplied at each step back.",
  asks = {
    { "The forget gate's bias is 4. By what is an LSTM's gradient multiplied at each step, "
      .. "through its cell?", "by about sigma(4) = 0.98: over 60 steps a third is left" },
    { "The recurrent matrix has spectral radius 2. Does tanh's saturation stop the gradient "
      .. "from exploding?", "not here: the factor is 1.15 a step; and an LSTM with open gates grows, too, through its "
      .. "recurrent weights" },
  },
  seeds = { 10, small = 3 },
  params = { steps = { 60, small = 30, min = 5 }, width = { 32, min = 2 } },
  run = function(p)
    local T, width = p.steps, p.width
    local kinds = {
      { "RNN, radius 0.5", 0.5 }, { "RNN, radius 1", 1 }, { "RNN, radius 2", 2 }, { "RNN, orthogonal", "orthogonal" },
        { "LSTM, forget bias 0", nil, 0 }, { "LSTM, forget bias 4", nil, 4 }, { "the same, recurrent weights 0", nil, 4, true },
    }
    local curves = {}
    local r = L.over(p, function(seed)
      local out, g = {}, nn.Generator(seed)
      local x = nn.randn({ 16, T, 8 }, { generator = g }) * 0.3
      local probe = nn.randn({ 16, width }, { generator = g })
      for k, kind in ipairs(kinds) do
        nn.manual_seed(seed)
        local net = kind[3] and nn.LSTM(8, width, { batch_first = true }) or nn.RNN(8, width, { batch_first = true })
        nn.no_grad(function()
          if kind[3] then
            net.bias_ih_l1:zero_()
            net.bias_hh_l1:zero_()
            net.bias_hh_l1[{ { width + 1, 2 * width } }]:fill_(kind[3])
            if kind[4] then -- nothing but the cell carries on: the constant error carousel
              net.weight_hh_l1:zero_()
            end
          else
            local w = net.weight_hh_l1
            if kind[2] == "orthogonal" then
              nn.init.orthogonal_(w)
            else -- a Gaussian matrix of variance 1/n has spectral radius 1 (circular law)
              nn.init.normal_(w, 0, kind[2] / math.sqrt(width))
            end
            net.bias_ih_l1:zero_()
            net.bias_hh_l1:zero_()
          end
        end)
        local input = x:clone():requires_grad_()
        local h = net(input)
        local grad = nn.grad((h:select(2, T) * probe):sum(), { input })[1]
        local sizes = grad:double():square():sum(3):sqrt():mean(1):totable()
        local back = {}
        for t = 1, T do
          back[t] = math.max(sizes[T + 1 - t], 1e-30)
        end
        curves[k] = curves[k] or {}
        table.insert(curves[k], back)
        out["k" .. k] = (back[T] / back[6]) ^ (1 / (T - 6))
      end
      return out
    end)
    local rows, series = {}, {}
    for k, kind in ipairs(kinds) do
      local band = L.band(curves[k])
      rows[k] = { kind[1], L.pm(r["k" .. k]), L.mean(r["k" .. k]) ^ (T - 1) }
      local x = {}
      for t = 1, T do
        x[t] = t - 1
      end
      series[k] = { x = x, y = band.y, label = kind[1] }
    end
    L.table({ "net", "gradient's factor for each step back", ("left after %d steps"):format(T - 1) }, rows)
    L.picture("line", series, { title = "Gradient of the last output, by steps back", xlabel = "steps back",
      ylabel = "gradient", log = "y", key = "bottom left", columns = 2 })
    local gate = L.compare("factor a step: LSTM with open gates over with half open ones", r.k6, r.k5)
    L.expect(gate, "higher")
    -- each unit's gate also sees the input, which moves sigma(4) by a hundredth
    L.check(math.abs(L.mean(r.k7) - 0.982) < 0.01, "through the cell alone the factor is sigma(4) = 0.982")
    L.check(L.mean(r.k1) < 0.55, "a recurrent matrix of radius 0.5 nearly halves the gradient at each step")
    L.finding("at each step back the gradient is multiplied by %.2f in an RNN with recurrent weights of radius 0.5, %.2f with "
      .. "radius 1, %.2f with radius 2 and %.2f with an orthogonal matrix; in an LSTM by %.2f with forget bias 0 and %.3f with "
      .. "4, through its cells alone by %.3f (sigma(4) = 0.982)", L.mean(r.k1), L.mean(r.k2), L.mean(r.k3),
      L.mean(r.k4), L.mean(r.k5), L.mean(r.k6), L.mean(r.k7))
  end,
}
