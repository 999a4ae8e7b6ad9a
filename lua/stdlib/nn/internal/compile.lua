-- nn.compile: a function of tensors, recorded once and then replayed without Lua.

local core = require "nn.core"

local options = require "nn.internal.options"

local M = {}

---Makes a function of tensors faster: it records itself when first called and is replayed from then on.
---
---    local step = nn.compile(function(x, y)
---      opt:zero_grad()
---      local loss = criterion(model(x), y)
---      loss:backward()
---      opt:step()
---      return loss
---    end)
---
---What the function depends on is observed while it is recorded: the functions it calls with their upvalues, globals, fields
---of tables, layers and optimizers, shapes and dtypes. A call where any of it has changed records again. Parameters are used
---in place; results are fresh tensors without history. What can be neither watched nor replayed (reading a value, printing,
---changing a Lua variable) is an error that names the line, or, with {fallback = true}, the end of compiling: the function
---goes on as it is, and step:refused() says why. `print(step)` shows the program, `step:guards(1)` what it depends on,
---`step:profile(...)` where the time goes, step:reset() forgets all programs.
---Options: fallback (false).
---@param f function
---@param opts? {fallback: boolean}
---@return nn.Compiled
---example:
---  > f = nn.compile(function(x) return (x * 2 + 1):sum() end)
---  > f(nn.ones(3))
---  tensor(9., float32)
---  > f:recordings()
---  1	1
---see: nn.train.fit, nn.Compiled:refused, nn.Compiled:profile
function M.compile(f, opts)
  local o = options.read("compile", opts, { fallback = { "boolean", false } })
  local fn = f
  if type(f) ~= "function" then
    fn = function(...)
      return f(...)
    end
  end
  return core.compiled(fn, o.fallback)
end

-- ---- looking at it ----

local meta = getmetatable(core.compiled(print))

function meta.__tostring(self)
  local why = self:refused()
  if why then
    return "compiled function, called as it is: " .. why
  end
  local recordings, programs = self:recordings()
  if programs == 0 then
    return "compiled function, not recorded yet: call it once"
  end
  local parts = { ("compiled function: %d program%s, recorded %d time%s"):format(programs, programs == 1 and "" or "s",
    recordings, recordings == 1 and "" or "s") }
  for i = 1, programs do
    local info = self:_info(i)
    parts[#parts + 1] = ("(%s): %s"):format(table.concat(info.args, ", "), self:_text(i, false))
  end
  return table.concat(parts, "\n")
end

---Calls the function with these arguments for about half a second and gives the program with the time of each
---instruction and its share. The function does what it does: a training step trains.
---@param ... any arguments
---@return string
---example:
---  > f = nn.compile(function(x) return (x * 2 + 1):sum() end)
---  $ print(f:profile(nn.ones(1000)))
---see: nn.compile, nn.Compiled:recordings
function meta.__index.profile(self, ...)
  if getmetatable(self) ~= meta then
    core.raise(("profile: must be called on a compiled function, as f:profile(...), but got %s"):format(core.describe(self)))
  end
  self(...)
  self(...)
  self:_profiling(true)
  local stop = core.time() + 0.5
  repeat
    self(...)
  until core.time() > stop
  local text = self:_text(1, true) or tostring(self)
  self:_profiling(false)
  return text
end

return M
