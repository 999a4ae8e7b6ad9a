-- How files of runs are read, which somebody else may have written, or be writing: through a folder of which nothing outside
-- is seen and no pipe is waited for, and no more of them than is said. Here alone it is decided what a row is: a line that
-- is an object of JSON, the last one also without an end. Other lines are no rows, and are counted; what stands behind the
-- last end of a line and is no object is half a line, which somebody is writing or was writing when he was killed.

local core = require "nn.core"
local plain = require "nn.lab.plain"

local M = {}

M.BLOCK = 256 * 1024               -- bytes that are read between two pauses
M.LONGEST_LINE = 1024 * 1024       -- a longer one is no row
M.LARGEST_JSON = 4 * 1024 * 1024   -- of run.json, result.json
M.MOST_COLUMNS = 256               -- the first of a history; others are left out
local DEEPEST = 64

local function nothing() end

-- Why a value that was read cannot be written again, or nil.
local function fault(value, depth)
  if type(value) ~= "table" then
    return nil
  elseif depth > DEEPEST then
    return ("it is nested deeper than %d"):format(DEEPEST)
  end
  local items, last = 0, 0
  for key, item in pairs(value) do
    if math.type(key) == "integer" then
      items, last = items + 1, math.max(last, key)
    end
    local why = fault(item, depth + 1)
    if why then
      return why
    end
  end
  return items ~= last and "a list in it has null" or nil
end

---A table from a file of JSON; nil, why not, and whether there is no such file.
function M.json(folder, path)
  local text, size, missing = folder:read(path, 0, M.LARGEST_JSON)
  if not text then
    return nil, size, missing
  elseif size > M.LARGEST_JSON then
    return nil, ("%s: it has more than %d MiB"):format(path, M.LARGEST_JSON >> 20), false
  end
  local value, bad = core.json_decode(text, true)
  bad = (type(value) ~= "table" or not text:find "^%s*{") and (bad or "no object") or fault(value, 0)
  if bad then
    return nil, ("%s: %s"):format(path, bad), false
  end
  return plain.restore(value)
end

---The text of a file, at most so many bytes of it (the last ones, where that is said), and its size; or nil and why not.
function M.text(folder, path, most, last)
  local size = last and select(2, folder:status(path)) or 0
  return folder:read(path, math.max(0, size - most), most)
end

-- The end of the line that begins at byte `at`; nil: it has none.
local function skip_line(folder, path, at, pause)
  while true do
    local text = folder:read(path, at, M.BLOCK)
    if not text or text == "" then
      return nil
    end
    local stop = text:find("\n", 1, true)
    if stop then
      return at + stop
    end
    at = at + #text
    pause()
  end
end

---Gives the whole lines of a file from byte `at` on to use(text, behind), some at a time, until it returns true or `most`
---bytes are through. A line that is too long is given as an empty one.
---@return integer behind the byte behind the last whole line
---@return string|nil tail what stands behind it; nil: there may be more lines
function M.lines(folder, path, at, most, pause, use)
  local first, size = at, M.BLOCK
  while at - first < most do
    local text = folder:read(path, at, size)
    if not text or text == "" then
      return at, ""
    end
    local stop, ends = text:match "^.*()\n", false
    if stop then
      at = at + stop
      ends = use(text:sub(1, stop), at)
      size = M.BLOCK
    elseif #text < size then
      return at, text
    elseif size < M.LONGEST_LINE then
      size = M.LONGEST_LINE
    else
      local behind = skip_line(folder, path, at, pause)
      if not behind then
        return at, ""
      end
      at, size = behind, M.BLOCK
      ends = use("\n", at)
    end
    if ends then
      return at
    end
    pause()
  end
  return at
end

---The rows of a file as tables, with the numbers that JSON has no words for.
---@return table[] rows
---@return integer unreadable how many lines are no rows
---@return integer[] ends for each row the byte behind it
---@return boolean whole whether the last row has an end
function M.read(directory, name)
  local list, ends, unreadable, whole = {}, {}, 0, true
  local folder = core.open_folder(directory)
  if not folder then
    return list, 0, ends, true
  end
  local behind, tail = M.lines(folder, name, 0, math.huge, nothing, function(text, behind)
    local at = behind - #text
    for line in text:gmatch "([^\n]*)\n" do
      at = at + #line + 1
      local row = core.json_row(line)
      if row then
        list[#list + 1], ends[#ends + 1] = plain.restore(row), at
      else
        unreadable = unreadable + 1
      end
    end
  end)
  local row = core.json_row(tail or "")
  if row then
    list[#list + 1], ends[#ends + 1], whole = plain.restore(row), behind + #tail, false
  end
  folder:close()
  return list, unreadable, ends, whole
end

---What is said where lines of a file could not be read; nil: nothing is to be said.
function M.remark(path, unreadable)
  return unreadable > 0 and ("%d %s of %s could not be read\n"):format(unreadable, unreadable == 1 and "line" or "lines",
    plain.line(path)) or nil
end

-- ---- columns ----

local Columns = {}
Columns.__index = Columns

---Rows as columns of JSON; shortest: numbers with as few digits as say the same.
function M.columns(shortest)
  return setmetatable({ list = {}, names = {}, others = {}, rows = 0, unreadable = 0, left_out = false, shortest = shortest },
    Columns)
end

-- n more values of a column, with null for the rows before them that had none.
local function add_values(c, rows, values, n)
  if c.rows < rows then
    c[#c + 1] = (#c > 0 and "," or "") .. ("null,"):rep(rows - c.rows):sub(1, -2)
  end
  if values then
    c[#c + 1] = #c > 0 and "," or nil
    c[#c + 1] = values
  end
  c.rows = rows + (n or 0)
end

---More lines.
function Columns:add(text)
  local n, block, left_out, unreadable, others = core.json_columns(text, self.shortest)
  local new = {}
  for name, values in pairs(block) do
    if self.list[name] then
      add_values(self.list[name], self.rows, values, n)
    else
      new[#new + 1] = name
    end
  end
  table.sort(new)
  for _, name in ipairs(new) do
    if #self.names < M.MOST_COLUMNS then
      self.names[#self.names + 1] = name
      self.list[name] = { rows = 0 }
      add_values(self.list[name], self.rows, block[name], n)
    else
      left_out = true
    end
  end
  local count = 0
  for name in pairs(self.others) do
    count = count + 1
    self.others[name] = not self.list[name] or nil
  end
  for name in pairs(others) do
    if not self.list[name] and not self.others[name] and count < M.MOST_COLUMNS then
      self.others[name], count = true, count + 1
    end
  end
  self.rows, self.unreadable = self.rows + n, self.unreadable + unreadable
  self.left_out = self.left_out or left_out
end

---{"columns":{...},"rows":n}, in pieces at the end of a list; "others": names that never had a number.
function Columns:write(out)
  local others = {}
  for name in pairs(self.others) do
    others[#others + 1] = name
  end
  table.sort(others)
  table.sort(self.names)
  out[#out + 1] = '{"columns":{'
  for i, name in ipairs(self.names) do
    local c = self.list[name]
    add_values(c, self.rows)
    out[#out + 1] = ("%s%s:["):format(i > 1 and "," or "", core.json_encode(name))
    table.move(c, 1, #c, #out + 1, out)
    out[#out + 1] = "]"
  end
  out[#out + 1] = ('},"rows":%d%s%s}'):format(self.rows, self.left_out and ',"left_out":true' or "",
    #others > 0 and ',"others":' .. core.json_encode(others) or "")
end

return M
