-- From measurements to words: which diseases a network shows, in order of weight, each with a remedy. A threshold's reason
-- stands beside it.

local M = {}

local function gmean_ratio(first, last, steps)
  return steps > 0 and first > 0 and last > 0 and (first / last) ^ (1 / steps) or 1
end

local function names_of(layers, kinds)
  local found = {}
  for _, l in ipairs(layers) do
    if kinds[l.kind] then
      found[l.kind] = true
    end
  end
  return found
end

---Fills report.diseases ({name, text, remedy}), report.healthy and report.summary.
function M.judge(report)
  local diseases = {}
  local function sick(name, remedy, text, ...)
    diseases[#diseases + 1] = { name = name, text = text:format(...), remedy = remedy }
  end
  local acts, depth = {}, 0
  for _, l in ipairs(report.layers) do
    if l.is_activation then
      acts[#acts + 1] = l
    end
    if l.kind == "Linear" or l.kind:find "^Conv" then
      depth = depth + 1
    end
  end
  local squashing = names_of(report.layers, { Sigmoid = true, Tanh = true, Softsign = true, Hardtanh = true, Hardsigmoid = true })
  local normed = false
  for _, l in ipairs(report.layers) do
    normed = normed or l.kind:find "Norm" ~= nil
  end

  -- numbers that are none: nothing else can be judged
  local broken
  for _, l in ipairs(report.layers) do
    if (l.nonfinite or 0) > 0 and not broken then
      broken = l
      sick("values that are not finite", "a smaller learning rate, clipping the gradient's norm, or looking for log(0) and 0/0",
        "%d values of layer %s (%s) are nan or infinite", l.nonfinite, l.name, l.kind)
    end
  end

  if not broken then
    -- units that are all the same stay so: their gradients are equal
    for _, p in ipairs(report.parameters) do
      if p.identical_units and p.trained then
        sick("symmetry", "random weights, e.g. {init = \"he_normal\"}, or nn.init.apply(model, {{\"weight$\", \"he_normal\"}})",
          "all units of '%s' (%s) have the same weights, so they get the same gradient and never differ", p.name, p.shape)
        break
      end
    end

    -- inputs far from mean 0 and deviation 1 make the first layer's problem badly conditioned (LeCun et al. 1998)
    local input = report.input
    if input.std > 10 or (input.std > 0 and math.abs(input.mean) > 5 * input.std) or (input.std > 0 and input.std < 0.02) then
      sick("inputs not normalized", "nn.data.normalize(train, test)",
        "the inputs have mean %.3g and deviation %.3g; layers expect about 0 and 1", input.mean, input.std)
    end

    -- saturation: a random unit at rest has its derivative near the largest; two in five below a tenth of it is no accident
    local worst
    for _, l in ipairs(acts) do
      if l.saturated and l.saturated > 0.4 and (not worst or l.saturated > worst.saturated) then
        worst = l
      end
    end
    if worst then
      sick("saturation", "smaller initial weights (Glorot's), batch norm before the activation, or ReLU with He initialization",
        "%.0f%% of the %s units of layer %s are saturated, where their derivative is below a tenth of its largest value",
        100 * worst.saturated, worst.kind:lower(), worst.name)
    end

    -- dead units never get a gradient again
    local dead
    for _, l in ipairs(acts) do
      if l.dead and l.dead > 0.4 and (not dead or l.dead > dead.dead) then
        dead = l
      end
    end
    if dead then
      sick("dead units", "a smaller learning rate, He initialization with biases at 0, batch norm, or leaky ReLU or ELU",
        "%.0f%% of the %s units of layer %s are 0 for every sample seen and get no gradient", 100 * dead.dead,
        dead.kind, dead.name)
    end

    -- gradients by depth: compared at the outputs of the layers with weights
    local with = {}
    for _, l in ipairs(report.layers) do
      if (l.kind == "Linear" or l.kind:find "^Conv") and l.grad_rms then
        with[#with + 1] = l
      end
    end
    if #with >= 3 then
      local first, last = with[1].grad_rms, with[#with - 1].grad_rms
      local ratio = gmean_ratio(first, last, #with - 2)
      -- below 1/100 in all, and at least a fifth lost a layer: the first layers learn a hundred times slower
      if first == 0 or (first < last / 100 and ratio < 0.8) then
        local why = ""
        if worst then
          why = ("; %s units are %.0f%% saturated"):format(worst.kind:lower(), 100 * worst.saturated)
        elseif squashing.Sigmoid then
          why = "; a sigmoid's derivative is at most 1/4"
        end
        sick("vanishing gradients",
          squashing.Sigmoid and "He initialization with ReLU or ELU, or batch norm before the activation"
          or (normed and "shortcuts (nn.Residual), or larger initial weights"
            or "larger initial weights (He's for ReLU, Glorot's for tanh, orthogonal), batch norm, or shortcuts (nn.Residual)"),
          "gradients fall by %.2g per layer from output to input: %.2g at the last hidden layer, %.2g at the first%s",
          first == 0 and 0 or ratio, last, first, why)
      elseif first > last * 100 and ratio > 1.25 then
        sick("exploding gradients",
          "smaller initial weights (He's for ReLU, Glorot's for tanh), batch norm, or nn.optim.clip_grad_norm_",
          "gradients grow by %.2g per layer from output to input: %.2g at the last hidden layer, %.2g at the first", ratio,
            last, first)
      end
    end

    -- forward: the signal itself
    if #acts >= 3 then
      local first, last = acts[1].rms, acts[#acts].rms
      local ratio = gmean_ratio(last, first, #acts - 1)
      if last < first / 100 then
        sick("vanishing activations", "larger initial weights: He's for ReLU, Glorot's for tanh, or nn.init.lsuv(model, batch)",
          "activations fall by %.2g per layer: %.2g after the first, %.2g after the last", ratio, first, last)
      elseif last > first * 100 then
        sick("exploding activations", "smaller initial weights: He's for ReLU, Glorot's for tanh, or layer or batch norm",
          "activations grow by %.2g per layer: %.2g after the first, %.2g after the last", ratio, first, last)
      end
      -- all inputs look alike in the last layer: what differs is a thousandth of the signal
      local collapsed = acts[#acts]
      if collapsed.between_samples < 1e-3 and collapsed.rms > 0 and not (dead and dead.dead >= 1) then
        sick("collapsed representations", "smaller biases and larger weights (see nn.theory.edge_of_chaos), or batch norm",
          "after %d layers all inputs look alike: %.2g of the activations' power differs between samples", depth,
          collapsed.between_samples)
      end
    end

    -- signal and noise, over all weights: below 1/20, hundreds of batches are needed for one direction
    local signal, n = 0, 0
    for _, p in ipairs(report.parameters) do
      if p.signal_to_noise and p.signal_to_noise < math.huge and p.shape:find "x" then
        signal, n = math.max(signal, p.signal_to_noise), n + 1
      end
    end
    if n > 0 and report.batches >= 4 and signal < 0.05 and #diseases == 0 then
      sick("gradient lost in noise", "larger batches, a smaller learning rate with momentum, or checking that the labels "
        .. "belong to the inputs (at the end of training this is normal)",
        "the gradient's mean over batches is %.2g of its deviation, for the best weight", signal)
    end

    -- updates: about 1/1000 of the weights is usual; a tenth throws them about, a millionth does nothing
    local large, small, count = nil, 0, 0
    for _, p in ipairs(report.parameters) do
      if p.update_ratio and p.shape:find "x" then
        count = count + 1
        if p.update_ratio > 0.1 and (not large or p.update_ratio > large.update_ratio) then
          large = p
        elseif p.update_ratio < 1e-6 then
          small = small + 1
        end
      end
    end
    if large then
      sick("updates too large", "a learning rate ten times smaller", "each step changes '%s' by %.2g of its size", large.name,
        large.update_ratio)
    elseif count > 0 and small == count then
      sick("updates too small", "a larger learning rate", "each step changes every weight by less than a millionth of its size")
    end

    -- normalization
    for _, l in ipairs(report.layers) do
      if l.norm and report.batch_size < 8 then
        sick("normalization with few samples",
          "batches of 16 or more, or nn.LayerNorm or nn.GroupNorm, which do not look at the batch",
          "batch norm %s estimates mean and variance from %d samples", l.name, report.batch_size)
        break
      end
      if l.norm and l.norm.batches > 0 and l.norm.smallest < 1e-8 * math.max(l.norm.largest, 1e-30) then
        sick("badly conditioned normalization", "removing units that never change, or a larger eps",
          "batch norm %s divides by variances from %.2g to %.2g", l.name, l.norm.smallest, l.norm.largest)
        break
      end
    end

    -- classes: a loss far above chance before training means that outputs are large and wrong
    if report.target_classes and report.outputs > 1 and report.loss > 5 * math.log(report.outputs) and #diseases == 0 then
      sick("overconfident outputs", "smaller weights in the last layer",
        "the loss is %.3g, where equal probabilities give %.3g", report.loss, math.log(report.outputs))
    end
  end

  report.diseases, report.healthy = diseases, #diseases == 0
  if report.healthy then
    local parts = { "gradients reach every layer" }
    local most_dead, most_saturated
    for _, l in ipairs(acts) do
      most_dead = l.dead and math.max(most_dead or 0, l.dead) or most_dead
      most_saturated = l.saturated and math.max(most_saturated or 0, l.saturated) or most_saturated
    end
    if most_dead then
      parts[#parts + 1] = ("at most %.0f%% of a layer's units are dead"):format(100 * most_dead)
    end
    if most_saturated then
      parts[#parts + 1] = ("at most %.0f%% are saturated"):format(100 * most_saturated)
    end
    report.summary = table.concat(parts, ", ")
  end
end

return M
