-- What a training run shows: on a terminal a live line with rate and time left; elsewhere one line an epoch. All of it
-- goes to standard error, so that standard output is the script's own.

local core = require "nn.core"

local M = {}
M.__index = M

---@param kind string "auto", "line" (one line an epoch, also on a terminal) or "none"
---@param epochs integer
---@param steps? integer steps in an epoch; nil where that is not known
function M.new(kind, epochs, steps)
  if kind ~= "auto" and kind ~= "line" and kind ~= "none" then
    core.raise(("fit: progress must be \"auto\", \"line\" or \"none\", but is \"%s\""):format(tostring(kind)))
  end
  return setmetatable({
    quiet = kind == "none", live = kind == "auto" and core.terminal_width() ~= nil, epochs = epochs, steps = steps,
    width = #tostring(epochs),
  }, M)
end

local function duration(seconds)
  if seconds < 100 then
    return ("%.1fs"):format(seconds)
  elseif seconds < 6000 then
    return ("%dm%02ds"):format(seconds // 60, seconds % 60 // 1)
  end
  return ("%dh%02dm"):format(seconds // 3600, seconds % 3600 // 60)
end

-- The course of the loss in one line of text: the lowest value is the lowest block.
local blocks = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local function curve(values, width)
  local low, high, out = math.huge, -math.huge, {}
  for _, v in ipairs(values) do
    if v - v == 0 then
      low, high = math.min(low, v), math.max(high, v)
    end
  end
  if #values < 2 or high <= low or width < 4 then
    return ""
  end
  width = math.min(width, #values)
  for i = 1, width do
    local v = values[1 + (i - 1) * (#values - 1) // math.max(width - 1, 1)]
    out[i] = v - v == 0 and blocks[1 + math.floor((v - low) / (high - low) * 7 + 0.5)] or "!"
  end
  return table.concat(out)
end

-- At most so many characters of a text.
local function cut(text, width)
  local n = utf8.len(text)
  if not n or n <= width then
    return text
  end
  return text:sub(1, (utf8.offset(text, width + 1) or #text + 1) - 1)
end

local function write(text)
  io.stderr:write(text)
  io.stderr:flush()
end

function M:clear()
  if self.shown then
    write "\r\27[K"
    self.shown = false
  end
end

function M:say(text)
  if not self.quiet then
    self:clear()
    write(text .. "\n")
  end
end

function M:begin_epoch(epoch)
  self.epoch, self.done, self.samples = epoch, 0, 0
  self.started = core.time()
  self.run_started = self.run_started or self.started
  self.next_show = self.started + 0.1
end

function M:step(samples, loss)
  self.done = self.done + 1
  self.samples = self.samples + samples
  if not self.live or self.quiet then
    return
  end
  local now = core.time()
  if now < self.next_show then
    return
  end
  self.next_show = now + 0.1
  self.losses = self.losses or {}
  self.losses[#self.losses + 1] = loss
  if #self.losses > 400 then -- every other one: the whole course stays in sight
    local half = {}
    for i = 2, #self.losses, 2 do
      half[#half + 1] = self.losses[i]
    end
    self.losses = half
  end
  local rate = self.samples / (now - self.started)
  local bar, left = ("step %d"):format(self.done), ""
  if self.steps then
    local all = (self.epoch - 1) * self.steps + self.done
    local filled = math.min(self.done * 20 // self.steps, 20)
    bar = ("[%s%s]"):format(("="):rep(filled), (" "):rep(20 - filled))
    left = ("  %s left"):format(duration(math.max((now - self.run_started) / all * (self.epochs * self.steps - all), 0)))
  end
  local width = (core.terminal_width() or 80) - 1
  local line = ("epoch %" .. self.width .. "d/%d %s loss %.4f%s  %.0f samples/s%s"):format(self.epoch, self.epochs, bar, loss,
    self.figures or "", rate, left)
  line = line .. "  " .. curve(self.losses, math.min(24, width - utf8.len(line) - 2))
  write("\r" .. cut(line, width) .. "\27[K")
  self.shown = true
end

function M:end_epoch(row)
  if self.quiet then
    return
  end
  self:clear()
  local names = {}
  for name in pairs(row) do
    if name ~= "epoch" and name ~= "seconds" and name ~= "lr" and name ~= "loss" then
      names[#names + 1] = name
    end
  end
  -- training first, then validation; loss before metrics
  table.sort(names, function(a, b)
    local va, vb = a:find "^valid_" ~= nil, b:find "^valid_" ~= nil
    if va ~= vb then
      return vb
    end
    local la, lb = a:find "loss$" ~= nil, b:find "loss$" ~= nil
    if la ~= lb then
      return la
    end
    return a < b
  end)
  -- what is known of the last epoch stands in the live line of the next
  self.figures = ""
  for _, name in ipairs(names) do
    self.figures = name:find "^valid_" and #self.figures < 40 and ("%s  %s %.4f"):format(self.figures, name, row[name])
      or self.figures
  end
  local parts = { ("loss %.4f"):format(row.loss) }
  for _, name in ipairs(names) do
    parts[#parts + 1] = ("%s %.4f"):format(name, row[name])
  end
  write(("epoch %" .. self.width .. "d/%d  %s  (%s)\n"):format(row.epoch, self.epochs, table.concat(parts, "  "),
    duration(row.seconds)))
end

function M:finish()
  self:clear()
end

return M
