-- Backpropagation: the slide's products, factor by factor, against the tape.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "12_backpropagation_by_hand",
  title = "Backpropagation by hand", slide = "Backpropagation of errors", tools = "nn.grad, nn.theory.jacobian",
  says = "y = f(h5(h4(h3(h2(h1(x; W1); W2); W3); W4); W5); W6). Gradients multiply according to the chain rule: "
    .. "W1 <- W1 - eta dL/dh5 dh5/dh4 dh4/dh3 dh3/dh2 dh2/dh1 dh1/dW1.",
  does = "A net with six weight matrices. Every factor dh_k/dh_(k-1) = diag(1 - h_k^2) W_k is computed as a matrix, the product "
    .. "is built up from the left as on the slide, and each dL/dW_k is compared with what backward() gives.",
  asks = {
    { "Why is the product built from the left?", "then each factor costs a vector times a matrix; from the right it would be "
      .. "matrix times matrix" },
    { "How many factors does dL/dW1 have in a net of L layers?", "L + 1: each layer adds one, and each has |tanh'| <= 1 in it" },
  },
  seeds = { 10, small = 2 },
  run = function(p)
    local rows, norms
    local r = L.over(p, function(seed)
      local g = nn.Generator(seed)
      local widths = { 5, 7, 6, 8, 6, 7, 3 }
      local W = {}
      for k = 1, 6 do
        W[k] = (nn.randn({ widths[k + 1], widths[k] }, { generator = g,
          dtype = "float64" }) / math.sqrt(widths[k])):requires_grad_()
      end
      local x = nn.randn({ widths[1] }, { generator = g, dtype = "float64" })
      local target = nn.randn({ widths[7] }, { generator = g, dtype = "float64" })

      -- forward: h0 = x, h_k = tanh(W_k h_(k-1)), y = W6 h5, L = 1/2 |y - target|^2
      local h = { [0] = x }
      for k = 1, 5 do
        h[k] = nn.tanh(W[k]:matmul(h[k - 1]))
      end
      local y = W[6]:matmul(h[5])
      local loss = ((y - target):square():sum()) * 0.5
      loss:backward()

      -- backward by hand: the row vector dL/dh_k, and then dh_k/dW_k
      local worst = 0
      rows, norms = {}, {}
      local function compare(k, mine, factors, delta)
        local off = (mine - W[k].grad):abs():max():item() / W[k].grad:abs():max():item()
        worst = math.max(worst, off)
        norms[k] = mine:norm():item()
        table.insert(rows, { "dL/dW" .. k, factors, delta:norm():item(), norms[k], off })
      end
      local function no_tape(t)
        return t:detach()
      end
      local error_signal = no_tape(y) - target -- dL/dy
      compare(6, nn.outer(error_signal, no_tape(h[5])), "dL/dy dy/dW6", error_signal)
      local delta, factors = error_signal:matmul(no_tape(W[6])), "dL/dh5" -- dL/dh5
      for k = 5, 1, -1 do
        local slope = 1 - no_tape(h[k]):square() -- tanh'
        compare(k, nn.outer(delta * slope, no_tape(h[k - 1])), factors .. (" dh%d/dW%d"):format(k, k), delta)
        if k > 1 then
          local jacobian = slope:unsqueeze(2) * no_tape(W[k]) -- dh_k/dh_(k-1), a matrix
          local checked = nn.theory.jacobian(function(v)
            return nn.tanh(v:matmul(no_tape(W[k]):t()))
          end, no_tape(h[k - 1]))
          L.check((jacobian - checked):abs():max():item() < 1e-12, "the factor dh%d/dh%d is diag(1 - h^2) W", k, k - 1)
          delta = delta:matmul(jacobian)
          factors = factors .. (" dh%d/dh%d"):format(k, k - 1)
        end
      end
      return { worst = worst, output = rows[1][3], h1 = rows[6][3], fall = rows[6][3] / rows[1][3] }
    end)
    L.table({ "gradient", "product on the slide", "|dL/dh|", "|dL/dW|", "relative difference from backward()" }, rows)
    L.say("Each row has one more factor than the one above: this is all that backpropagation does, and the whole work is "
      .. "one product "
      .. "of a vector and a matrix a layer, because the product is built from the left.")
    L.picture("bar", { norms[1], norms[2], norms[3], norms[4], norms[5], norms[6] }, { "W1", "W2", "W3", "W4", "W5", "W6" },
      { title = "Size of the gradients", ylabel = "|dL/dW|" })
    local worst = math.max(table.unpack(r.worst))
    L.check(worst < 1e-12, "by hand and by the tape agree to float64's rounding")
    local fall = L.compare("|dL/dh1| over |dL/dy|", r.h1, r.output, { ratio = true })
    L.finding("the slide's six products agree with backward() to %.0e in %d nets; the signal dL/dh1 is %s as that "
      .. "at the output", worst, p.seeds, tostring(fall))
  end,
}
