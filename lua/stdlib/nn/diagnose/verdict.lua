-- From measurements to words: which diseases a network shows, causes first, each with its evidence, how sure it is, and a remedy.

local at = require "nn.diagnose.thresholds"
local labels = require "nn.diagnose.labels"
local observe = require "nn.diagnose.observe"

local M = {}

-- What follows from what. A disease whose cause was found is told as its consequence, not as a disease of its own.
local explains = {
  ["values that are not finite"] = "*",
  ["updates too large"] = {
    "dead units", "saturation", "exploding activations", "exploding gradients", "vanishing gradients", "overconfident outputs",
    "collapsed representations", "vanishing activations", "labels unrelated to inputs", "gradient lost in noise",
  },
  ["targets on another scale"] = { "updates too small", "exploding gradients", "gradient lost in noise" },
  ["features on different scales"] = {
    "inputs not normalized", "saturation", "dead units", "overconfident outputs", "exploding activations", "updates too large",
    "vanishing gradients", "updates too small",
  },
  ["inputs not normalized"] = { "saturation", "dead units", "overconfident outputs", "updates too large", "updates too small",
    "collapsed representations", "vanishing gradients" },
  ["cut off from the loss"] = { "vanishing gradients" },
  ["symmetry"] = { "collapsed representations", "vanishing gradients", "dead units", "updates too small" },
  ["saturation"] = { "overconfident outputs" },
  ["exploding activations"] = { "overconfident outputs", "dead units" },
  ["exploding gradients"] = { "overconfident outputs", "updates too large", "dead units" },
  ["vanishing gradients"] = { "updates too small" },
  ["dead units"] = { "updates too small" },
}

local function power(first, last, steps)
  return steps > 0 and first > 0 and last > 0 and (first / last) ^ (1 / steps) or 1
end

-- high: ten times beyond the threshold; medium: twice; low: less. What follows from how the network is put together is high.
local function by_excess(factor)
  return factor >= 10 and "high" or factor >= 2 and "medium" or "low"
end

-- Of shares, whose end is 1: half of the way from the threshold on is high, a tenth medium.
local function by_share(share, threshold)
  local part = (share - threshold) / (1 - threshold)
  return part >= 0.5 and "high" or part >= 0.1 and "medium" or "low"
end

local function list(names)
  local shown = table.concat(names, ", ", 1, math.min(4, #names))
  return #names > 4 and ("%s and %d more"):format(shown, #names - 4) or shown
end

-- Each rule looks at the report and calls sick(name, confidence, remedy, evidence, text, ...).
local rules = {}

function rules.finite(report, sick)
  if (report.input.nonfinite or 0) > 0 then
    sick("values that are not finite", "high", "looking for what made them, or leaving these samples out",
      { values = report.input.nonfinite, layer = "inputs" }, "%d values of the inputs are nan or infinite",
      report.input.nonfinite)
    return
  end
  for _, l in ipairs(report.layers) do
    if (l.nonfinite or 0) > 0 then
      sick("values that are not finite", "high",
        "a smaller learning rate, clipping the gradient's norm, or looking for log(0) and 0/0",
        { values = l.nonfinite, layer = l.name },
        "%d values of layer %s (%s) are nan or infinite", l.nonfinite, l.name, l.kind)
      return
    end
  end
  if report.loss ~= report.loss or math.abs(report.loss) == math.huge then
    sick("values that are not finite", "high", "looking for log(0) and 0/0 in the loss and for nan in the targets",
      { loss = report.loss }, "the loss is %g, while all layers give finite values", report.loss)
  end
end

function rules.reach(report, sick)
  local reach = report.reach
  if #reach.never > 0 then
    sick("layers never called", "high", "calling them in forward, or taking them out of the model", { layers = reach.never },
      "%s %s weights, but forward does not use them", list(reach.never), #reach.never > 1 and "have" or "has")
  end
  if #reach.cut > 0 then
    sick("cut off from the loss", "high",
      "looking for detach, no_grad, item or a rounding between them and the loss, and for results that are thrown away",
      { layers = reach.cut }, "no gradient reaches %s: they are called, but what they give does not lead to the loss",
      list(reach.cut))
  end
  if #reach.frozen > 0 then
    sick("frozen layers", "medium", "requires_grad_(true) on them, unless they are meant to stay as they are",
      { layers = reach.frozen }, "%s %s not trained: requires_grad is false", list(reach.frozen),
      #reach.frozen > 1 and "are" or "is")
  end
end

function rules.structure(report, sick)
  local s = report.structure
  if #s.straight > 0 then
    local names = {}
    for i, p in ipairs(s.straight) do
      names[i] = p.first.name .. " and " .. p.second.name
    end
    sick("no activation between layers", "high", "an activation between them, e.g. nn.ReLU(), or one layer in the place of both",
      { pairs = names }, "nothing bends between %s: together they are one linear map", list(names))
  end
  if s.softmax or s.squashed then
    local what = s.softmax and "probabilities" or "the values of " .. s.squashed
    sick("activation before the loss", "high",
      s.softmax and "the model without its softmax: the loss has one of its own (or nn.NLLLoss of the logarithms)"
      or "leaving the last activation out: the loss takes scores of any size",
      { softmax = s.softmax or false, kind = s.squashed },
      "the model gives %s, and the loss squashes them again: its gradient is small and it cannot come near 0", what)
  end
  if (s.beyond or 0) > at.out_of_reach then
    sick("targets out of reach", by_share(s.beyond, at.out_of_reach),
      "no activation after the last layer, or targets scaled to its range", { share = s.beyond, kind = s.kind },
      "%.0f%% of the targets lie where the last %s cannot reach", 100 * s.beyond, s.kind)
  end
  if s.target_rms and s.target_rms > at.target_scale * math.max(1, s.output_rms) then
    sick("targets on another scale", by_excess(s.target_rms / at.target_scale / math.max(1, s.output_rms)),
      "shifting and scaling the targets to mean 0 and deviation 1", { targets = s.target_rms, outputs = s.output_rms },
      "the targets are of size %.3g, the outputs of size %.2g: the last layer must grow before anything else is learnt",
      s.target_rms, s.output_rms)
  end
  local most
  for _, l in ipairs(report.layers) do
    if l.dropped and l.dropped > at.dropped and (not most or l.dropped > most.dropped) then
      most = l
    end
  end
  if most then
    sick("too much dropout", by_share(most.dropped, at.dropped), "p = 0.5 or less",
      { share = most.dropped, layer = most.name, noise = most.dropped / (1 - most.dropped) },
      "layer %s drops %.0f%% of its inputs: what it adds as noise has %.0f times the power of what is left", most.name,
      100 * most.dropped, most.dropped / math.max(1e-9, 1 - most.dropped))
  end
end

function rules.symmetry(report, sick)
  -- units with the same weights, bias and gradient stay the same; with other gradients they part in the first step
  for _, p in ipairs(report.parameters) do
    if p.twins and p.twins >= at.twins and p.size > 2 then
      sick("symmetry", by_share(p.twins, at.twins * 0.9),
        "random weights, e.g. {init = \"he_normal\"}, or nn.init.apply(model, {{\"weight$\", \"he_normal\"}})",
        { share = p.twins, parameter = p.name },
        "%.0f%% of the units of '%s' (%s) have the same weights and the same gradient as another, so they never differ",
        100 * p.twins, p.name, p.shape)
      return
    end
  end
end

function rules.inputs(report, sick)
  local input = report.input
  if input.discrete or input.tokens then
    return -- numbers that name something have no scale
  end
  local s = input.scales
  if s and s.smallest > 0 and s.largest / s.smallest > at.feature_scales then
    sick("features on different scales", by_excess(s.largest / s.smallest / at.feature_scales),
      "scaling each feature by its own mean and deviation", { ratio = s.largest / s.smallest },
      "feature %d reaches %.3g from its mean, feature %d only %.3g: the small ones do not count, and one learning rate cannot "
        .. "serve both", s.large_at, s.largest, s.small_at, s.smallest)
  end
  local off = input.std > 0 and math.abs(input.mean) / input.std or 0
  if input.std > at.input_std_high or off > at.input_mean or (input.std > 0 and input.std < at.input_std_low) then
    local excess = math.max(input.std / at.input_std_high, off / at.input_mean,
      input.std > 0 and at.input_std_low / input.std or 0)
    sick("inputs not normalized", by_excess(excess), "nn.data.normalize(train, test)", { mean = input.mean, std = input.std },
      "the inputs have mean %.3g and deviation %.3g; layers expect about 0 and 1", input.mean, input.std)
  end
end

local function worst_of(layers, key)
  local worst
  for _, l in ipairs(layers) do
    if l[key] and (not worst or l[key] > worst[key]) then
      worst = l
    end
  end
  return worst
end

function rules.units(_, sick, facts)
  local worst = worst_of(facts.acts, "saturated")
  if worst and worst.saturated > at.saturated then
    facts.saturated = worst
    sick("saturation", by_share(worst.saturated, at.saturated),
      "smaller initial weights (Glorot's), batch norm before the activation, or ReLU with He initialization",
      { share = worst.saturated, layer = worst.name },
      "%.0f%% of the %s units of layer %s are saturated, where their derivative is below a tenth of its largest value",
      100 * worst.saturated, worst.kind:lower(), worst.name)
  end
  -- of layers with some units: of 4 two are dead by chance
  local wide, dead, units = {}, 0, 0
  for _, l in ipairs(facts.acts) do
    if l.dead then
      dead, units = dead + l.dead * l.units, units + l.units
      if l.units >= 8 or l.dead == 1 then
        wide[#wide + 1] = l
      end
    end
  end
  local all, remedy = units > 0 and dead / units or 0,
    "a smaller learning rate, He initialization with biases at 0, batch norm, or leaky ReLU or ELU"
  local most = worst_of(wide, "dead")
  local many = units >= 32 and all > at.dead_in_every_layer
  if most and (most.dead > at.dead or many) then
    facts.dead = most
    sick("dead units", by_share(math.max(most.dead, all), many and at.dead_in_every_layer or at.dead), remedy,
      { share = most.dead, all = all, layer = most.name },
      "%.0f%% of the %s units of layer %s (%.0f%% of all layers') have no slope for any sample seen and get no gradient",
      100 * most.dead, most.kind, most.name, 100 * all)
    return
  end
  -- activations that are functions, not layers, show by what does not come back through them: the last layer without a gradient
  -- before one that has it
  local with = facts.weighted
  for i = #with - 1, 1, -1 do
    local l, next_one = with[i], with[i + 1]
    if l.unreached and l.unreached > at.dead and l.units >= 8 and (next_one.unreached or 0) < at.dead then
      facts.dead = { dead = l.unreached, units = l.units }
      sick("dead units", by_share(l.unreached, at.dead), remedy, { share = l.unreached, layer = l.name },
        "no sample's gradient comes back to %.0f%% of the outputs of layer %s, though it reaches layer %s: what stands between "
          .. "is flat there", 100 * l.unreached, l.name, next_one.name)
      return
    end
  end
  local after = worst_of(facts.weighted, "saturated_after")
  if not facts.saturated and after and after.saturated_after > at.saturated then
    facts.saturated = { kind = "function", saturated = after.saturated_after }
    sick("saturation", by_share(after.saturated_after, at.saturated),
      "smaller initial weights (Glorot's), batch norm before the activation, or ReLU with He initialization",
      { share = after.saturated_after, layer = after.name },
      "%.0f%% of the values that are made of layer %s's outputs are at their end, where next to no gradient comes back",
      100 * after.saturated_after, after.name)
  end
end

-- Gradients by depth: compared at the outputs of the layers with weights, without the last.
function rules.depth(_, sick, facts)
  local with = {}
  for _, l in ipairs(facts.weighted) do
    with[#with + 1] = l.grad_rms and not l.time and l or nil
  end
  if #with < 3 or facts.dead and facts.dead.dead == 1 then
    return
  end
  local first, last = with[1].grad_rms, with[#with - 1].grad_rms
  local ratio = power(first, last, #with - 2)
  local evidence = { first = first, last = last, ratio = first / last, per_layer = ratio }
  if first == 0 and last > 0 or first < last * at.depth_ratio and ratio < at.depth_per_layer then
    local why, sigmoid = "", facts.kinds.Sigmoid
    if facts.saturated then
      why = ("; %s units are %.0f%% saturated"):format(facts.saturated.kind:lower(), 100 * facts.saturated.saturated)
    elseif sigmoid then
      why = "; a sigmoid's derivative is at most 1/4"
    end
    sick("vanishing gradients", first == 0 and "high" or by_excess(last * at.depth_ratio / first),
      sigmoid and "He initialization with ReLU or ELU, or batch norm before the activation"
      or (facts.normed and "shortcuts (nn.Residual), or larger initial weights"
        or "larger initial weights (He's for ReLU, Glorot's for tanh, orthogonal), batch norm, or shortcuts (nn.Residual)"),
      evidence, "gradients fall by %.2g per layer from output to input: %.2g at the last hidden layer, %.2g at the first%s",
      first == 0 and 0 or ratio, last, first, why)
  elseif first > last / at.depth_ratio and ratio > 1 / at.depth_per_layer then
    sick("exploding gradients", by_excess(first * at.depth_ratio / last),
      "smaller initial weights (He's for ReLU, Glorot's for tanh), batch norm, or nn.optim.clip_grad_norm_", evidence,
      "gradients grow by %.2g per layer from output to input: %.2g at the last hidden layer, %.2g at the first", ratio, last,
      first)
  end
end

function rules.time(report, sick)
  for _, l in ipairs(report.layers) do
    local t = l.time
    if t and t.largest > 0 then
      local evidence = { first = t.first, last = t.last, steps = t.steps, layer = l.name }
      if t.first < t.largest * at.time_ratio then
        sick("vanishing gradients through time", t.first == 0 and "high" or by_excess(t.largest * at.time_ratio / t.first),
          "recurrent weights that are orthogonal, an LSTM or GRU with forget gates open (bias 1 or more), or shorter sequences",
          evidence, "over %d steps of layer %s the gradient falls from %.2g to %.2g at the first step", t.steps, l.name,
          t.largest, t.first)
        return
      elseif t.last > 0 and t.first > t.last * at.time_explodes then
        sick("exploding gradients through time", by_excess(t.first / (t.last * at.time_explodes)),
          "nn.optim.clip_grad_norm_, smaller recurrent weights (orthogonal), or shorter sequences", evidence,
          "over %d steps of layer %s the gradient grows from %.2g at the last step to %.2g at the first", t.steps, l.name, t.last,
            t.first)
        return
      end
    end
  end
end

-- The signal itself, from the first activation to the last.
function rules.forward(_, sick, facts)
  local acts = facts.acts
  if #acts < 3 then
    -- activations that are functions: what they give is what the layers with weights read
    acts = {}
    for i = 2, #facts.weighted do
      acts[#acts + 1] = not facts.weighted[i].time and facts.weighted[i].reads or nil
    end
  end
  if #acts < 3 then
    return
  end
  local first, last = acts[1].rms, acts[#acts].rms
  local ratio = power(last, first, #acts - 1)
  local evidence = { first = first, last = last, per_layer = ratio }
  if last < first * at.activations_ratio and not (facts.dead and facts.dead.dead == 1) then
    sick("vanishing activations", by_excess(first * at.activations_ratio / math.max(last, 1e-300)),
      "larger initial weights: He's for ReLU, Glorot's for tanh, or nn.init.lsuv(model, batch)", evidence,
      "activations fall by %.2g per layer: %.2g after the first, %.2g after the last", ratio, first, last)
  elseif last > first / at.activations_ratio then
    sick("exploding activations", by_excess(last * at.activations_ratio / first),
      "smaller initial weights: He's for ReLU, Glorot's for tanh, or layer or batch norm", evidence,
      "activations grow by %.2g per layer: %.2g after the first, %.2g after the last", ratio, first, last)
  end
  -- all inputs look alike in the last layer
  local end_of = acts[#acts]
  if end_of.between_samples < at.collapsed and end_of.rms > 0 and not (facts.dead and facts.dead.dead == 1) then
    sick("collapsed representations", by_excess(at.collapsed / math.max(end_of.between_samples, 1e-12)),
      "smaller biases and larger weights (see nn.theory.edge_of_chaos), or batch norm", { share = end_of.between_samples },
      "after %d layers all inputs look alike: %.2g of the activations' power differs between samples", #facts.weighted,
      end_of.between_samples)
  end
end

function rules.updates(report, sick, facts)
  local large, count, tiny, most, progress, largest = nil, 0, 0, 0, 0, 0
  for _, p in ipairs(report.parameters) do
    if p.update and p.matrix then
      count = count + 1
      -- weights that start at 0 are compared with fresh ones
      local ratio = p.update / math.max(p.weight, 0.3 * p.fresh)
      largest = math.max(largest, ratio)
      if ratio > at.update_large and (not large or ratio > most) then
        large, most = p, ratio
      elseif ratio < at.update_small then
        tiny = tiny + 1
      end
    end
    if p.update and p.grad then
      -- the part of the gradient that is no noise
      local s = p.signal_to_noise or math.huge
      progress = progress + p.update * (s == math.huge and p.grad or p.grad * s / math.sqrt(1 + s * s))
    end
  end
  if large then
    sick("updates too large", by_excess(most / at.update_large), "a learning rate ten times smaller",
      { ratio = most, parameter = large.name }, "each step changes '%s' by %.2g of its size", large.name, most)
    return
  end
  report.progress = count > 0 and report.loss > 0 and progress / report.loss or nil
  report.largest_update = count > 0 and largest or nil
  local finished = report.chance and report.loss < at.unfinished * report.chance
  local slow = report.progress and report.progress < at.progress and largest < at.update_slow and facts.signal > 0.2
  if count > 0 and (tiny == count or slow) and not finished then
    sick("updates too small", tiny == count and "high" or by_excess(at.progress / math.max(report.progress, 1e-300)),
      "a larger learning rate", { progress = report.progress, largest = largest },
      tiny == count and "each step changes every weight by less than a millionth of its size"
      or "each step can lower the loss by at most %.2g of its size, though the gradient is clear", report.progress)
  end
end

function rules.normalization(report, sick)
  for _, l in ipairs(report.layers) do
    if l.norm and report.batch_size < at.norm_batch and l.kind == "BatchNorm1d" then
      sick("normalization with few samples", by_excess(at.norm_batch / report.batch_size),
        "batches of 16 or more, or nn.LayerNorm or nn.GroupNorm, which do not look at the batch", { batch = report.batch_size },
        "batch norm %s estimates mean and variance from %d samples", l.name, report.batch_size)
      return
    end
    if l.norm and l.norm.batches > 0 and l.norm.smallest < at.norm_conditioning * math.max(l.norm.largest, 1e-30) then
      sick("badly conditioned normalization", "medium", "removing units that never change, or a larger eps",
        { smallest = l.norm.smallest, largest = l.norm.largest }, "batch norm %s divides by variances from %.2g to %.2g", l.name,
        l.norm.smallest, l.norm.largest)
      return
    end
  end
end

-- What is asked only where nothing else was found: a sick network's gradients and outputs say little about its data.
local function last_questions(report, sick, facts)
  local l = report.labels
  if l and l.relation < labels.clear and (not l.learnt or l.learnt < labels.learnt) then
    sick("labels unrelated to inputs", l.samples >= 512 and "high" or l.samples >= 128 and "medium" or "low",
      "checking that each target belongs to its input (order, shuffling, an index that is off by one)",
      { samples = l.samples, relation = l.relation, learnt = l.learnt },
      "in %d samples the targets follow from the inputs no more than chance would have it (%.1f deviations; %s)", l.samples,
      l.relation, l.learnt and ("a copy trained on two thirds knows the rest at %.1f"):format(l.learnt) or "not trained")
  elseif not l and report.batches >= 4 and facts.counted > 0 and report.chance and report.loss > 0.9 * report.chance
    and facts.signal < math.max(at.signal, at.signal_noise / math.sqrt(report.batches)) then
    sick("gradient lost in noise", "low", "larger batches, a smaller learning rate with momentum, or checking that the labels "
      .. "belong to the inputs", { signal = facts.signal, loss = report.loss, chance = report.chance },
      "the gradient's mean over batches is %.2g of its deviation, for the best weight, and the loss is that of guessing (%.3g)",
      facts.signal, report.chance)
  end
  -- a loss far above chance before training means that outputs are large and wrong
  if report.target_classes and report.outputs > 1 and report.loss > at.overconfident * math.log(report.outputs) then
    local chance = math.log(report.outputs)
    sick("overconfident outputs", by_excess(report.loss / (at.overconfident * chance)), "smaller weights in the last layer",
      { loss = report.loss, chance = chance }, "the loss is %.3g, where equal probabilities give %.3g", report.loss, chance)
  end
end

local function facts_of(report)
  local facts = { acts = {}, weighted = {}, kinds = {}, signal = 0, counted = 0 }
  for _, l in ipairs(report.layers) do
    facts.acts[#facts.acts + 1] = l.is_activation and l or nil
    facts.weighted[#facts.weighted + 1] = observe.mixes(l.kind) and l or nil
    facts.kinds[l.kind] = true
    facts.normed = facts.normed or l.kind:find "Norm" ~= nil
  end
  for _, p in ipairs(report.parameters) do
    if p.signal_to_noise and p.signal_to_noise < math.huge and p.matrix then
      facts.signal, facts.counted = math.max(facts.signal, p.signal_to_noise), facts.counted + 1
    end
  end
  return facts
end

local function summary_of(facts, report)
  local parts = { "gradients reach every layer" }
  local dead, saturated = worst_of(facts.acts, "dead"), worst_of(facts.acts, "saturated")
  if dead then
    parts[#parts + 1] = ("at most %.0f%% of a layer's units are dead"):format(100 * dead.dead)
  end
  if saturated then
    parts[#parts + 1] = ("at most %.0f%% are saturated"):format(100 * saturated.saturated)
  end
  if report.labels then
    parts[#parts + 1] = ("the targets follow from the inputs (%.0f deviations above chance)"):format(
      math.max(report.labels.relation, report.labels.learnt or 0))
  end
  if report.started_at_zero then
    parts[#parts + 1] = ("%s %s at 0, which a step ends"):format(list(report.started_at_zero),
      #report.started_at_zero > 1 and "start" or "starts")
  end
  return table.concat(parts, ", ")
end

---Fills report.diseases and report.consequences ({name, text, remedy, confidence, evidence}), report.healthy and report.summary.
---@param report table
---@param train fun(): number|nil trains a copy to see whether the targets can be learnt; asked only where that is in doubt
function M.judge(report, train)
  local found, facts = {}, facts_of(report)
  local function sick(name, confidence, remedy, evidence, text, ...)
    found[#found + 1] = { name = name, text = text:format(...), remedy = remedy, confidence = confidence, evidence = evidence }
  end
  rules.finite(report, sick)
  if #found == 0 then
    for _, rule in ipairs { "updates", "reach", "structure", "symmetry", "inputs", "units", "depth", "time", "forward",
      "normalization" } do
      rules[rule](report, sick, facts)
    end
    if #found == 0 then
      local l = report.labels
      if l and l.relation < labels.clear and train then
        l.learnt = train()
      end
      last_questions(report, sick, facts)
    end
  end
  local follows = {}
  for _, d in ipairs(found) do
    for _, name in ipairs(type(explains[d.name]) == "table" and explains[d.name] or {}) do
      follows[name] = follows[name] or d.name
    end
  end
  report.diseases, report.consequences = {}, {}
  for _, d in ipairs(found) do
    d.cause = follows[d.name]
    local to = d.cause and report.consequences or report.diseases
    to[#to + 1] = d
  end
  report.healthy = #report.diseases == 0
  report.summary = report.healthy and summary_of(facts, report) or nil
end

return M
