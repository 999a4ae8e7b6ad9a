-- How a network is put together, read off its calls: what is never called, what the loss does not reach, what stands between two
-- layers with weights, and what stands before the loss.

local core = require "nn.core"
local observe = require "nn.diagnose.observe"

local M = {}

-- Does the second layer alone read what the first gave? Then the gradient there is what comes back through the second one.
-- Where a shortcut or another layer reads it, too, the first is no mere part of the second.
local function sole_reader(first, second, gradient_of)
  local here, there = gradient_of(first.y), gradient_of(second.y)
  if not here or not there or core.storage_id(first.y) ~= core.storage_id(second.x)
    or first.y.shape ~= second.x.shape then
    return true -- a layer that drops or norms stands between: not computed
  end
  local again = core.enable_grad(function()
    local x = first.y:detach():clone():requires_grad_()
    return core.grad(second.forward(second.leaf.module, x), { x }, { gradient = there })[1]
  end)
  return (again - here):abs():max():item() <= 1e-3 * here:abs():max():item()
end

-- Is x only y times a number, with some elements left out whatever their sign? So do functions that drop or scale; what bends
-- treats the signs differently, or its factor differs from element to element.
local function only_scaled(x, y)
  local kept, above = x:ne(0), y:gt(0)
  local function count(mask)
    return mask:to("float32"):sum():item()
  end
  local up, down = count(above), count(y:lt(0))
  local kept_up, kept_down = count(core.logical_and(kept, above)), count(core.logical_and(kept, y:lt(0)))
  if kept_up < 8 or kept_down < 8 or math.abs(kept_up / up - kept_down / down) > 0.2 then
    return false
  end
  local factor = (x / y):masked_select(core.logical_and(kept, y:ne(0)))
  return (factor:max() - factor:min()):item() <= 1e-3 * factor:abs():max():item()
end

-- Layers that leave a straight line a straight line.
local straight = {
  Identity = true, Flatten = true, Dropout = true, Dropout1d = true, Dropout2d = true, GaussianDropout = true,
  BatchNorm1d = true, BatchNorm2d = true, Affine = true,
}

local function width_of(m)
  return m._name == "Linear" and m.out_features or m.out_channels, m._name == "Linear" and m.in_features or m.in_channels
end

---Pairs of layers with weights between which nothing bends. Where the layer between is narrower than both ends (a bottleneck) or
---convolves channel by channel, the two together are a matrix that one layer could not be made of so cheaply: that is meant.
function M.straight_pairs(calls, gradient_of)
  local made, pairs_found, seen = {}, {}, {}
  for i, c in ipairs(calls) do
    local kind = c.leaf.module._name
    if observe.mixes(kind) then
      local from, x, read = nil, c.x, c.read
      for _ = 1, #calls do
        from = made[core.storage_id(x)]
        if not from or from.wrote ~= read or from.y:numel() ~= x:numel() or not straight[from.leaf.module._name] then
          break
        end
        x, read = from.x, from.read
      end
      local before = calls[i - 1]
      if not from and before and before.y.shape == x.shape and only_scaled(x:detach(), before.y:detach()) then
        from, read = before, before.wrote
      end
      if from and from.wrote == read and from.y:numel() == x:numel() and observe.mixes(from.leaf.module._name)
        and from.leaf ~= c.leaf and not seen[c.leaf] then
        local middle, first = width_of(from.leaf.module)
        local last = width_of(c.leaf.module)
        local grouped = (from.leaf.module.groups or 1) > 1 or (c.leaf.module.groups or 1) > 1
        if not grouped and not (middle < first and middle < last) and sole_reader(from, c, gradient_of) then
          pairs_found[#pairs_found + 1] = { first = from.leaf, second = c.leaf }
          seen[c.leaf] = true
        end
      end
    end
    -- a view of what came in (Identity, Flatten) is still what the layer before gave
    if core.storage_id(c.x) ~= core.storage_id(c.y) then
      made[core.storage_id(c.y)] = c
    end
  end
  return pairs_found
end

---What of the parameters the loss does not reach: {never, cut, frozen}, lists of names of layers.
---@param leaves table[]
---@param called table<table, boolean>
---@param params table[] {name, parameter, got} got: whether it got a gradient
function M.reach(leaves, called, params)
  local of_parameter, out = {}, { never = {}, cut = {}, frozen = {} }
  for _, p in ipairs(params) do
    of_parameter[p.parameter] = p
  end
  local owned = {}
  for _, leaf in ipairs(leaves) do
    local all, trained, reached = 0, 0, 0
    for _, p in ipairs(leaf.module:parameters()) do
      local known = of_parameter[p]
      owned[p] = true
      all = all + 1
      trained = trained + (p.requires_grad and 1 or 0)
      reached = reached + (known and known.got and 1 or 0)
    end
    if all > 0 and trained == 0 then
      out.frozen[#out.frozen + 1] = leaf.name
    elseif all > 0 and reached == 0 then
      local list = called[leaf] and out.cut or out.never
      list[#list + 1] = leaf.name
    end
  end
  for _, p in ipairs(params) do
    if not owned[p.parameter] then
      if not p.parameter.requires_grad then
        out.frozen[#out.frozen + 1] = p.name
      elseif not p.got then
        out.never[#out.never + 1] = p.name
      end
    end
  end
  return out
end

---What a loss says of its input ("scores", "logits", "values"), or nil.
function M.wants(loss)
  if core.is_module(loss) then
    local ok, what = core.try(function()
      return loss.input_is
    end)
    return ok and what or nil
  end
end

-- The reach of an activation's values, where it ends.
local ranges = {
  Sigmoid = { 0, 1 }, Tanh = { -1, 1 }, Softsign = { -1, 1 }, Hardsigmoid = { 0, 1 }, Softmax = { 0, 1 }, ReLU = { 0, math.huge },
  ReLU6 = { 0, 6 }, Softplus = { 0, math.huge }, Hardtanh = { -1, 1 },
}

---What stands before the loss: {softmax = bool, squashed = kind, beyond = share of targets out of reach}.
function M.before_loss(calls, out, loss, y)
  local found = {}
  if not core.is_tensor(out) or not out.dtype:find "float" or not core.is_tensor(y) then
    return found
  end
  out = out:detach()
  local last = calls[#calls]
  local made_by = last and core.storage_id(last.y) == core.storage_id(out) and last.y:numel() == out:numel()
    and last.wrote == core.storage_version(out) and last.leaf.module._name or nil
  if not made_by and last and last.y.shape == out.shape then
    -- a function of forward shows by its values
    local y_last = last.y:detach()
    for kind, f in pairs { Sigmoid = core.sigmoid, Tanh = core.tanh, ReLU = core.relu } do
      made_by = out:equal(f(y_last)) and kind or made_by
    end
  end
  local wants = M.wants(loss)
  if wants == "values" and y.dtype:find "float" and y.shape == out.shape then
    found.target_rms, found.output_rms = y:square():mean():sqrt():item(), out:square():mean():sqrt():item()
  end
  core.try(core.no_grad, function()
    -- a loss that does not change when all scores rise by one has a softmax of its own
    local here, shifted = loss(out, y), loss(out + 1, y)
    found.own_softmax = y.dtype == "int64"
      and math.abs((here - shifted):item()) < 1e-4 * math.max(1, math.abs(here:item()))
  end)
  if found.own_softmax and out.ndim >= 2 and out:size(2) > 1 then
    local sums = out:sum(2)
    found.softmax = out:min():item() >= 0 and (sums - 1):abs():max():item() < 1e-3
    found.squashed = not found.softmax and made_by and ranges[made_by] and made_by or nil
  elseif wants == "logits" then
    found.squashed = made_by and ranges[made_by] and made_by or nil
  elseif wants == "values" and made_by and ranges[made_by] and y.dtype:find "float" and y:numel() == out:numel() then
    local range = ranges[made_by]
    found.beyond = core.logical_or(y:lt(range[1]), y:gt(range[2])):to("float32"):mean():item()
    found.kind = made_by
  end
  return found
end

return M
