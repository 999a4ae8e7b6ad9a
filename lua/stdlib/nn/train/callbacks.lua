-- Functions that fit calls at named events: any number of them, in the order in which they were given.

local core = require "nn.core"

local M = {}
M.__index = M

-- The events, and what is told.
local events = {
  start = "(run)", step = "(step, loss, run), after each update", validation = "(row, run)", epoch = "(row, run)",
  checkpoint = "(path, run), before it is written", stop = "(reason, run)",
}

local function names()
  local list = {}
  for name in pairs(events) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

---@param given table|nil a list of tables {event = function, ...}; a function alone is called with each epoch's row
function M.new(given)
  local self = setmetatable({ lists = {} }, M)
  for i, one in ipairs(given or {}) do
    if type(one) == "function" then
      one = { epoch = one }
    elseif type(one) ~= "table" then
      core.raise(("fit: callback %d must be a table such as {epoch = function(row, run) ... end}, but is %s"):format(i,
        core.describe(one)))
    end
    for event, f in pairs(one) do
      if not events[event] then
        local near = core.nearest(tostring(event), names())
        core.raise(("fit: callback %d: there is no event '%s'%s (there are: %s)"):format(i, tostring(event),
          near and ("; did you mean '%s'?"):format(near) or "", table.concat(names(), ", ")))
      elseif type(f) ~= "function" then
        core.raise(("fit: callback %d: %s must be a function%s, but is %s"):format(i, event, events[event], core.describe(f)))
      end
      self:add(event, f)
    end
  end
  return self
end

function M:add(event, f)
  if f then
    self.lists[event] = self.lists[event] or {}
    table.insert(self.lists[event], f)
  end
end

---True if somebody wants to know.
function M:wants(event)
  return self.lists[event] ~= nil
end

---Calls all; false if one of them gave false: the run is to end.
function M:call(event, ...)
  local goes_on = true
  for _, f in ipairs(self.lists[event] or {}) do
    goes_on = f(...) ~= false and goes_on
  end
  return goes_on
end

return M
