-- Remedies tried out on a copy: the network as it is and the network with the remedy train some steps from the same state, on the
-- same batches, with the same random numbers and optimizers of the same kind.

local core = require "nn.core"
local measure = require "nn.diagnose.measure"
local module = require "nn.layers.module"
local observe = require "nn.diagnose.observe"

local M = {}

-- ---- copies ----

---A copy whose forward is its own, or nil and why: a forward that calls a layer by a variable from outside calls the original.
function M.copy_of(model, x)
  local ok, copy = core.try(model.clone, model)
  if not ok then
    return nil, "the model cannot be copied: " .. tostring(copy)
  end
  local function called_in(m)
    local names, count = {}, 0
    local leaves = observe.leaves_of(m)
    local _, called = observe.traced(leaves, function()
      core.no_grad(m.forward, m, x)
    end)
    for leaf in pairs(called) do
      names[leaf.name], count = true, count + 1
    end
    return names, count
  end
  local here, n = called_in(model)
  local there, k = called_in(copy)
  for name in pairs(here) do
    if not there[name] then
      k = -1
    end
  end
  if n ~= k then
    return nil, "a copy of the model calls the layers of the original (its forward names them from outside)"
  end
  return copy
end

---An optimizer of the same kind and options for a copy's parameters, with the state the first one has if `state`.
---@param like nn.Optimizer|nil default: Adam with 1e-3
function M.optimizer_for(copy, like, of, factor, state)
  local nn = require "nn"
  local params = {}
  for _, p in ipairs(copy:parameters()) do
    params[#params + 1] = p.requires_grad and p or nil
  end
  if #params == 0 then
    return nil
  elseif not like then
    return nn.optim.Adam(params, { lr = 1e-3 * (factor or 1) })
  end
  local index, groups, theirs = {}, {}, copy:parameters()
  for i, p in ipairs(of:parameters()) do
    index[p] = i
  end
  local same = state and #theirs == #of:parameters()
  for g = 1, #like.param_groups do
    local group = {}
    for key, v in pairs(like.param_groups[g]) do
      group[key] = v
    end
    if same then
      local mine = {}
      for i = 1, #group.params do
        local at = index[group.params[i]]
        mine[i] = at and theirs[at] or nil
      end
      same = #mine == #group.params
      group.params = mine
    end
    groups[g] = group
  end
  if not same then
    -- layers were exchanged: one group with the options of the first
    groups = { groups[1] }
    groups[1].params = params
  end
  for _, group in ipairs(groups) do
    group.lr = group.lr and group.lr * (factor or 1)
    if type(group.betas) == "userdata" or type(group.betas) == "table" then
      group.betas = { group.betas[1], group.betas[2] }
    end
  end
  local opt = nn.optim[like.name](groups)
  if same and state then
    local before = {}
    for g = 1, #groups do
      before[g] = opt.param_groups[g].lr
    end
    opt:load_state_dict(like:state_dict())
    for g = 1, #groups do
      opt.param_groups[g].lr = before[g]
    end
  end
  return opt
end

local function step(net, opt, loss, x, y)
  return core.enable_grad(function()
    opt:zero_grad()
    local value = loss(net(x), y)
    if value.requires_grad then
      value:backward()
      opt:step()
    end
    return value:item()
  end)
end

---The sizes of an optimizer's steps, by parameter, seen on a copy of the model.
function M.updates(model, opt, batches, loss)
  local copy, why = M.copy_of(model, batches[1][1])
  if not copy then
    return nil, why
  end
  local mine = M.optimizer_for(copy, opt, model, 1, true)
  if not mine then
    return nil, "no parameter is trained"
  end
  copy:train()
  local updates = {}
  -- momentum needs some steps to have its size
  for k = 1, 5 do
    local batch = batches[(k - 1) % #batches + 1]
    local before = {}
    for i, entry in ipairs(copy:named_parameters()) do
      before[i] = entry[2]:detach():clone()
    end
    step(copy, mine, loss, batch[1], batch[2])
    for i, entry in ipairs(copy:named_parameters()) do
      local size = (entry[2]:detach() - before[i]):square():sum():sqrt():item()
      updates[entry[1]] = math.max(updates[entry[1]] or 0, size)
    end
  end
  return updates
end

-- ---- remedies ----

-- Puts another module in the place of those that f names: f(module, path) gives it, or nil.
local function exchange(net, f)
  local done, path_of = {}, {}
  for _, entry in ipairs(net:named_modules()) do
    path_of[entry[2]] = entry[1]
  end
  local owners = { net }
  for _, entry in ipairs(net:named_modules()) do
    owners[#owners + 1] = entry[2] ~= net and entry[2] or nil
  end
  for _, owner in ipairs(owners) do
    for _, child in ipairs(module.children_of(owner)) do
      if module.is_module(child.value) then
        local new = f(child.value, path_of[child.value])
        if new then
          child.owner[child.key] = new
          done[#done + 1] = path_of[child.value]
        end
      end
    end
  end
  return done
end

-- Weights drawn anew: He's where a ReLU or one of its kin follows, else Glorot's; biases 0; recurrent weights orthogonal.
local function draw_anew(net, rectifies)
  local init, count = require "nn.init", 0
  for _, entry in ipairs(net:named_modules()) do
    local m = entry[2]
    if observe.mixes(m._name) then
      (rectifies and init.he_normal_ or init.glorot_uniform_)(m.weight)
      if m.bias then
        init.zeros_(m.bias)
      end
      count = count + 1
    elseif m._name:find "^RNN" or m._name:find "^LSTM" or m._name:find "^GRU" then
      for name, p in pairs(m:state_dict()) do
        if name:find "weight_hh" then
          local h = p:size(2)
          for g = 1, p:size(1) // h do
            init.orthogonal_(p:narrow(1, (g - 1) * h + 1, h))
          end
        elseif name:find "bias" then
          init.zeros_(p)
          if m._name:find "^LSTM" and name:find "bias_ih" then
            p:narrow(1, p:numel() // 4 + 1, p:numel() // 4):fill_(1)
          end
        end
      end
      count = count + 1
    end
  end
  return count
end

local function rectifiers(report)
  for _, l in ipairs(report.layers) do
    if l.is_activation and not observe.squashing[l.kind] then
      return true
    end
  end
  return false
end

local remedies = {}

local function anew(net, report)
  local he = rectifiers(report)
  local count = draw_anew(net, he)
  if count == 0 then
    return nil, "no layer of the model has weights that could be drawn anew"
  end
  return ("weights drawn anew (%s), biases at 0"):format(he and "He's" or "Glorot's")
end
for _, name in ipairs { "symmetry", "dead units", "saturation", "exploding gradients", "vanishing activations",
  "exploding activations", "collapsed representations", "vanishing gradients through time" } do
  remedies[name] = anew
end

remedies["vanishing gradients"] = function(net, report)
  local nn = require "nn"
  local changed = exchange(net, function(m)
    return m._name == "Sigmoid" and nn.ReLU() or nil
  end)
  draw_anew(net, #changed > 0 or rectifiers(report))
  return #changed > 0 and "sigmoids exchanged for ReLU, He's weights" or "weights drawn anew, biases at 0"
end

remedies["exploding gradients through time"] = function(net, report, setting)
  setting.clip = 1
  local done = anew(net, report)
  return done and done .. ", gradients clipped to a norm of 1" or "gradients clipped to a norm of 1"
end

remedies["frozen layers"] = function(net)
  net:requires_grad_(true)
  return "all layers trained"
end

remedies["no activation between layers"] = function(net, report)
  local nn, first = require "nn", {}
  for _, p in ipairs(report.structure.straight) do
    first[p.first.name] = true
  end
  local done = exchange(net, function(m, path)
    return first[path] and nn.Sequential(m, nn.ReLU()) or nil
  end)
  if #done == 0 then
    return nil, "the layers stand in no container"
  end
  return "ReLU after " .. table.concat(done, ", ")
end

local function without_last(net, report, kinds)
  local nn, last = require "nn", report.layers[#report.layers]
  if not last or not kinds[last.kind] then
    return nil, "what squashes is written in forward, and must be taken out there"
  end
  local done = exchange(net, function(_, path)
    return path == last.name and nn.Identity() or nil
  end)
  if #done == 0 then
    return nil, "what squashes is written in forward, and must be taken out there"
  end
  return ("without %s (%s)"):format(last.name, last.kind)
end

remedies["activation before the loss"] = function(net, report)
  return without_last(net, report, { Softmax = true, [report.structure.squashed or "Softmax"] = true })
end

remedies["targets out of reach"] = function(net, report)
  return without_last(net, report, { [report.structure.kind] = true })
end

remedies["too much dropout"] = function(net)
  local count = 0
  for _, entry in ipairs(net:named_modules()) do
    local m = entry[2]
    if m._name:find "^Dropout" and m.p > 0.5 then
      m.p, count = 0.5, count + 1
    end
  end
  return count > 0 and "dropout with p = 0.5" or nil, "no dropout layer has a p above 0.5"
end

remedies["normalization with few samples"] = function(net)
  local nn = require "nn"
  local done = exchange(net, function(m)
    return m._name == "BatchNorm1d" and nn.LayerNorm(m.num_features) or nil
  end)
  return #done > 0 and "layer norm in the place of batch norm" or nil, "the batch norms stand in no container"
end

remedies["overconfident outputs"] = function(net, report)
  local last
  for _, l in ipairs(report.layers) do
    last = observe.mixes(l.kind) and l or last
  end
  for _, entry in ipairs(net:named_modules()) do
    if last and entry[1] == last.name then
      require("nn.init").glorot_uniform_(entry[2].weight)
      return "Glorot's weights in the last layer"
    end
  end
  return nil, "no last layer with weights was found"
end

local function scaled(_, report, setting)
  local x = core.cat(report.measured_x, 1)
  if x.ndim ~= 2 then
    local mean, std = report.input.mean, report.input.std
    setting.inputs = function(t)
      return (t - mean) / std
    end
    return "inputs shifted and scaled to mean 0 and deviation 1"
  end
  local mean, std = x:mean(1, true), x:std(1, 1, true)
  std = core.where(std:gt(0), std, core.ones_like(std))
  setting.inputs = function(t)
    return (t - mean) / std
  end
  return "each feature shifted and scaled to mean 0 and deviation 1"
end
remedies["inputs not normalized"], remedies["features on different scales"] = scaled, scaled

remedies["targets on another scale"] = function(_, report, setting)
  local y = core.cat(report.measured_y, 1)
  local mean, std = y:mean(1, true), y:std(1, 1, true)
  std = core.where(std:gt(0), std, core.ones_like(std))
  setting.targets = function(t)
    return (t - mean) / std
  end
  return "targets shifted and scaled to mean 0 and deviation 1"
end

remedies["updates too large"] = function(_, report, setting, d)
  if not report.optimizer then
    return nil, "the optimizer is not known: give it as optimizer = ..."
  end
  setting.factor = 10.0 ^ -math.ceil(math.log(d.evidence.ratio / 0.01, 10))
  return ("learning rate times %g"):format(setting.factor)
end

remedies["updates too small"] = function(_, report, setting, d)
  if not report.optimizer then
    return nil, "the optimizer is not known: give it as optimizer = ..."
  end
  setting.factor = 10.0 ^ math.min(5, math.ceil(math.log(3e-3 / math.max(d.evidence.progress or 0, 1e-8), 10)))
  return ("learning rate times %g"):format(setting.factor)
end

local by_hand = {
  ["layers never called"] = "which place in forward they belong to is not known",
  ["cut off from the loss"] = "what cuts them off is written in forward",
  ["labels unrelated to inputs"] = "the right targets are not known",
  ["gradient lost in noise"] = "the loader makes the batches",
  ["values that are not finite"] = "where they come from must be found first",
  ["badly conditioned normalization"] = "which units to remove is not known",
}

-- ---- the trial ----

-- A batch with what the remedy does to inputs and targets.
local function as_set(b, setting)
  return { setting.inputs and setting.inputs(b[1]) or b[1], setting.targets and setting.targets(b[2]) or b[2] }
end

local function evaluate(net, loss, batches, setting, training)
  net:train(training)
  local sum = 0
  core.no_grad(function()
    for _, b in ipairs(batches) do
      local s = as_set(b, setting)
      sum = sum + loss(net(s[1]), s[2]):item() / #batches
    end
  end)
  return sum
end

local function gradient_ratio(net, loss, batches, setting)
  local list, at = {}, 0
  for i = 1, math.min(2, #batches) do
    list[i] = as_set(batches[i], setting)
  end
  local report = measure.measure(net, function()
    at = at + 1
    return table.unpack(list[at] or {}, 1, 2)
  end, loss, { batches = #list, samples = 0, jacobian = false })
  local with = {}
  for _, l in ipairs(report.layers) do
    with[#with + 1] = observe.mixes(l.kind) and l.grad_rms or nil
  end
  local last = with[math.max(1, #with - 1)]
  return #with >= 2 and last > 0 and with[1] / last or nil
end

local function train(net, opt, loss, batches, o, setting, seed, counter)
  core.set_rng_state(seed, counter)
  net:train()
  for k = 1, opt and o.steps or 0 do
    local b = as_set(batches[(k - 1) % #batches + 1], setting)
    local x = b[1]
    if setting.clip then
      core.enable_grad(function()
        opt:zero_grad()
        loss(net(x), b[2]):backward()
        require("nn.optim").clip_grad_norm_(net:parameters(), setting.clip)
        opt:step()
      end)
    else
      step(net, opt, loss, x, b[2])
    end
  end
end

local function number(v)
  return v and ("%.3g"):format(v) or "none"
end

---Tries the remedy of each disease; d.trial says what came of it.
function M.run(model, loss, report, batches, o)
  local sample = batches[1][1]
  local seed, counter = core.rng_state()
  local normed = false
  for _, l in ipairs(report.layers) do
    normed = normed or l.norm ~= nil
  end
  local plain
  report.measured_x, report.measured_y = {}, {}
  for i, b in ipairs(batches) do
    report.measured_x[i], report.measured_y[i] = b[1], b[2]
  end
  -- the network as it is, once
  local function without()
    local copy, why = M.copy_of(model, sample)
    if not copy then
      return nil, why
    end
    local out = { before = evaluate(copy, loss, batches, {}, normed) }
    out.ratio = gradient_ratio(copy:clone(), loss, batches, {})
    train(copy, M.optimizer_for(copy, report.optimizer, model, 1), loss, batches, o, {}, seed, counter)
    out.after = evaluate(copy, loss, batches, {}, normed)
    return out
  end
  for _, d in ipairs(report.diseases) do
    local trial = { applied = false, steps = o.steps }
    d.trial = trial
    local why = by_hand[d.name] or not remedies[d.name] and "there is no remedy that could be applied by itself"
    if not why and not plain then
      plain, why = without()
    end
    if not why then
      local copy, setting = model:clone(), {}
      core.set_rng_state(seed, counter)
      local done
      done, why = core.no_grad(remedies[d.name], copy, report, setting, d)
      if done then
        trial.applied, trial.remedy = true, done
        local start = evaluate(copy, loss, batches, setting, normed)
        local ratio = gradient_ratio(copy:clone(), loss, batches, setting)
        local like = (setting.factor or report.optimizer) and report.optimizer or nil
        train(copy, M.optimizer_for(copy, like, model, setting.factor), loss, batches, o, setting, seed, counter)
        local after = evaluate(copy, loss, batches, setting, normed)
        trial.loss = { before = plain.before, without = plain.after, start = start, with = after }
        trial.gradient_ratio = { without = plain.ratio, with = ratio }
        trial.helped = after < plain.after
        trial.text = ("with the remedy (%s) %d steps bring the loss from %s to %s, without it from %s to %s"):format(done,
          o.steps, number(start), number(after), number(plain.before), number(plain.after))
        if plain.ratio or ratio then
          trial.text = ("%s; the first layer's gradient over the last hidden one's is %s with it and %s without"):format(
            trial.text, number(ratio), number(plain.ratio))
        end
        trial.text = trial.text .. (trial.helped and "" or "; it did not help here")
      end
    end
    if not trial.applied then
      trial.why_not = why
      trial.text = "not by itself: " .. why
    end
  end
  report.measured_x, report.measured_y = nil, nil
  report.trial = report.diseases[1] and report.diseases[1].trial or nil
end

return M
