-- What a run goes by: one figure of its rows, and which way is better. The best row, the best weights, early stopping and
-- the schedules that watch a figure all ask here.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}
M.__index = M

local function a_number(x)
  return type(x) == "number" and x == x
end

-- The figures a row will have, and which way is better where that is known.
local function figures(metrics, has_valid)
  local names, modes = {}, {}
  for _, prefix in ipairs(has_valid and { "valid_", "" } or { "" }) do
    for _, m in ipairs(metrics) do
      if not m.tabular then -- a tensor is no figure
        names[#names + 1] = prefix .. m.name
        modes[prefix .. m.name] = m.mode
      end
    end
    names[#names + 1] = prefix .. "loss"
    modes[prefix .. "loss"] = "min"
  end
  return names, modes
end

local function check_figure(who, name, names)
  for _, known in ipairs(names) do
    if known == name then
      return
    end
  end
  local near = core.nearest(name, names)
  core.raise(("fit: %s '%s' is none of the figures of this run%s (they are: %s)"):format(who, name,
    near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
end

local function check_mode(who, mode)
  if mode ~= nil and mode ~= "min" and mode ~= "max" then
    core.raise(("fit: %s must be \"min\" or \"max\", but is %s"):format(who, core.describe(mode)))
  end
end

-- One of two places in which the same thing may be said.
local function one_of(what, a, b)
  if a ~= nil and b ~= nil and a ~= b then
    core.raise(("fit: %s is '%s' for the run and '%s' for early_stopping; a run goes by one figure"):format(what, a, b))
  end
  return a == nil and b or a
end

---@param o {monitor: string, mode: string, early_stopping: table} what the user gave
---@param metrics table[] as nn.train.metrics reads them
---@param has_valid boolean
function M.new(o, metrics, has_valid)
  local stopping = o.early_stopping and options.read("early_stopping", o.early_stopping, {
    patience = { "integer", 5 }, min_delta = { "number", 0 }, monitor = { "string" }, mode = { "string" },
    restore = { "boolean", true },
  })
  local names, modes = figures(metrics, has_valid)
  local name = one_of("monitor", o.monitor, stopping and stopping.monitor) or names[1]
  check_figure("monitor", name, names)
  local mode = one_of("mode", o.mode, stopping and stopping.mode)
  check_mode("mode", mode)
  mode = mode or modes[name]
  if not mode then
    core.raise(("fit: the best epoch goes by '%s', so say which way is better: metrics = {{\"%s\", f, \"min\"}} or \"max\"; or "
      .. "go by another figure: monitor = \"%s\""):format(name, (name:gsub("^valid_", "")),
      has_valid and "valid_loss" or "loss"))
  end
  return setmetatable({
    name = name, mode = mode, names = names, modes = modes, stopping = stopping, best = nil, reference = nil, waited = 0,
  }, M)
end

local function better(mode, value, than)
  return a_number(value) and (not a_number(than) or (mode == "min" and value < than) or (mode == "max" and value > than))
end

---True if the row is better than all before. What is no number is never better; any number is better than that.
function M:improved(row)
  if self.best == nil or better(self.mode, row[self.name], self.best[self.name]) then
    self.best = row
    return true
  end
  return false
end

---True if the run has waited long enough for a row that is better by min_delta.
function M:is_over(row)
  local s = self.stopping
  if not s then
    return false
  end
  local value = row[self.name]
  local shifted = a_number(value) and (self.mode == "min" and value + s.min_delta or value - s.min_delta)
  if a_number(value) and (self.reference == nil or better(self.mode, shifted, self.reference)) then
    self.reference, self.waited = value, 0
    return false
  end
  self.waited = self.waited + 1
  return self:waited_enough()
end

---True if no better row has come for as long as the patience is.
function M:waited_enough()
  return self.stopping ~= nil and self.waited >= self.stopping.patience
end

---The figure of a row for a schedule that falls when one does not get better: the monitored one; or, where the schedule was
---told the other way, the loss ("min") or the first metric of which more is better ("max").
function M:figure_for(schedule, row)
  local mode = schedule:watches(self.mode)
  if mode == self.mode then
    return row[self.name]
  end
  for _, name in ipairs(mode == "min" and { "valid_loss", "loss" } or self.names) do
    if self.modes[name] == mode and row[name] ~= nil then
      return row[name]
    end
  end
  core.raise(("fit: the schedule has mode \"%s\", but no figure of this run gets better that way (they are: %s)"):format(mode,
    table.concat(self.names, ", ")))
end

return M
