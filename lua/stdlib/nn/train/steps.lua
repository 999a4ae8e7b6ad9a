-- One update of fit: forward, backward, clipping, the optimizer's step; compiled where that can be.

local compile = require "nn.internal.compile"
local core = require "nn.core"
local evaluate = require "nn.train.evaluate"
local finite = require "nn.train.finite"
local metrics = require "nn.train.metrics"
local module = require "nn.layers.module"

local M = {}

-- f compiled, as long as it can be; where it cannot, f itself, from within the call in which that comes out. found(why) is
-- called once, then.
local function compiled_step(f, found)
  local c, told = compile.compile(f, { fallback = true }), false
  local function tell(why, ...)
    if why and not told then
      told = true
      found(why)
    end
    return ...
  end
  local function after(...)
    return tell(c:refused(), ...)
  end
  return function(x, y)
    if module.is_tensor(x) and module.is_tensor(y) then
      return after(c(x, y))
    end
    return tell("batches are not pairs of tensors", f(x, y))
  end
end

-- What is done after a backward and before the update.
local function clipping(o)
  local clip = require "nn.optim"
  local model, norm, value = o.model, o.clip_grad_norm, o.clip_grad_value
  return norm and function()
    clip.clip_grad_norm_(model:parameters(), norm)
  end or value and function()
    clip.clip_grad_value_(model:parameters(), value)
  end or nil
end

-- zero_grad (of the first batch of an update), forward, backward: gives the loss, the output, and the metrics' values.
local function training_step(o, list, first, share, clip)
  local model, loss_fn, opt = o.model, o.loss, o.optimizer
  return function(x, y)
    if first then
      opt:zero_grad()
    end
    local output = model(x)
    local loss = loss_fn(output, y)
    if not module.is_tensor(loss) or loss:numel() ~= 1 then
      evaluate.loss_value("fit", loss)
    end
    if share then
      (loss * share):backward()
    else
      loss:backward()
    end
    if clip then
      clip()
    end
    output = output:detach()
    return loss, output, metrics.values(list, output, y)
  end
end

---The steps of training and validation; what comes of compiling them is told in the run.
---@return table steps {first, next, valid, clip}: the first batch of an update, the others, a batch of validation
function M.make(o, model, list, valid_list, run, say)
  local share = o.accumulate > 1 and 1 / o.accumulate or nil
  local clip = clipping(o)
  local within = not share and clip or nil -- clipping is of an update's gradients, not of a batch's
  local steps = {
    first = training_step(o, list, true, share, within), next = share and training_step(o, list, false, share),
    valid = evaluate.step(model, o.loss, valid_list), clip = share and clip,
  }
  run.compiled = o.compile
  if not o.compile then
    run.not_compiled = "compile = false"
    return steps
  end
  local function found(why)
    if run.compiled then
      run.compiled, run.not_compiled = false, why
      say("fit: not compiled: " .. why)
    end
  end
  steps.first = compiled_step(steps.first, found)
  steps.next = steps.next and compiled_step(steps.next, found)
  steps.valid = compiled_step(steps.valid, function(why)
    if why ~= run.not_compiled then
      say("fit: validation is not compiled: " .. why)
    end
  end)
  return steps
end

-- A step's loss. Where no target of the batch counts (ignore_index), the mean is nan; it has no gradient, and is told as 0.
local function loss_of(o, values, y)
  local value = values[1]:item()
  local nothing = value ~= value and module.is_module(o.loss) and core.is_tensor(y) and core.mean_over(o.loss, y) == 0
  return nothing and 0 or value
end

local function check_finite(o, value, step, epoch, x, y)
  if value ~= value or value == math.huge or value == -math.huge then
    core.raise(("fit: the loss is %s at step %d (epoch %d): training stopped before the update%s. Try a smaller learning "
      .. "rate, or look for log(0), 0/0 or inputs that are not finite"):format(value ~= value and "nan" or tostring(value), step,
      epoch, finite.explain(o, x, y)))
  end
end

-- The optimizer's step and what is counted with it: all of it, or nothing.
local function take_step(o, run, average, ...)
  o.optimizer:step(...)
  run.steps = run.steps + 1
  if o.scheduler and o.scheduler.per == "step" then
    o.scheduler:step()
  end
  if average then
    average:update()
  end
end

-- The gradients of a group that the epoch's end cut short are the mean of those that are there.
local function rescale(o, by)
  local done = {}
  local function each(params)
    for _, p in ipairs(params) do
      if p.grad and not done[p] then
        done[p] = true
        p.grad:mul_(by)
      end
    end
  end
  core.no_grad(function()
    each(o.model:parameters())
    for _, group in ipairs(o.optimizer.param_groups or {}) do -- those of a loss, too
      each(group.params)
    end
  end)
end

---One update, of one batch or of o.accumulate. add(values, loss, y) is called for each batch. Returns the mean of their
---losses, or nil at the end of the epoch.
function M.update(o, steps, run, epoch, average, next_batch, add)
  local number, losses, batches = run.steps + 1, 0, 0
  local x, y = next_batch()
  if x == nil then
    return nil
  end
  if o.optimizer.takes_closure then -- the loss is computed as often as the optimizer asks; what is told is the first
    local values
    core.whole(take_step, o, run, average, function()
      local again = table.pack(steps.first(x, y))
      if not values then
        values = again
        check_finite(o, loss_of(o, again, y), number, epoch, x, y)
      end
      return again[1]
    end)
    local loss = loss_of(o, values, y)
    add(values, loss, y)
    return loss
  end
  local step = steps.first
  while x ~= nil do
    local values = table.pack(step(x, y))
    local loss = loss_of(o, values, y)
    check_finite(o, loss, number, epoch, x, y)
    add(values, loss, y)
    losses, batches, step = losses + loss, batches + 1, steps.next
    if batches == o.accumulate then
      break
    end
    x, y = next_batch()
  end
  if batches < o.accumulate then
    rescale(o, o.accumulate / batches)
  end
  if steps.clip then
    steps.clip()
  end
  if o.before_step then
    o.before_step(number)
  end
  core.whole(take_step, o, run, average)
  return losses / batches
end

return M
