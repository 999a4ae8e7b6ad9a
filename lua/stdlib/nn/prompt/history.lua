-- What was typed, across sessions: one entry a chunk, the same text only once, where it was typed last. The file is that of
-- libedit and FreeBSD's shells (_HiStOrY_V2_, white space as \040), so that what was kept before stays readable. Each entry is
-- appended when it is typed: several prompts can share a file, and a crash loses nothing.

local M = {}

local HEAD, MOST = "_HiStOrY_V2_", 2000

local function encode(text)
  return (text:gsub("[%c \\]", function(c)
    return ("\\%03o"):format(c:byte())
  end))
end

local function decode(line)
  line = line:gsub("\\(\\?)(M?)(%-?)(%^?)(%d?%d?%d?)([^\\]?)", function(backslash, meta, dash, caret, digits, c)
    if backslash ~= "" then
      return nil
    elseif #digits == 3 and meta .. dash .. caret == "" then
      return string.char(tonumber(digits, 8) & 255) .. c
    elseif meta == "M" and c ~= "" then
      local code = c:byte()
      return string.char((caret ~= "" and code ~ 0x40 or code) | 0x80)
    end
  end)
  return (line:gsub("\\\\", "\\"))
end

local History = {}
History.__index = History

-- Puts a text at the end; it is nowhere else.
local function put(h, text)
  local at = h.places[text]
  if at then
    table.remove(h.entries, at)
    for i = at, #h.entries do
      h.places[h.entries[i]] = i
    end
  end
  h.entries[#h.entries + 1] = text
  h.places[text] = #h.entries
end

---Remembers a chunk; blank ones and repetitions are not written again.
---@param text string
function History:add(text)
  text = text:gsub("%s+$", "")
  if text == "" or self.entries[#self.entries] == text then
    return
  end
  put(self, text)
  local file = self.path and io.open(self.path, "a")
  if file then
    if file:seek "end" == 0 then
      file:write(HEAD, "\n")
    end
    file:write(encode(text), "\n")
    file:close()
  end
end

---The newest entry before place `at` (after it, where step is 1) that a test accepts: its place, or nil.
---@param at integer
---@param step integer
---@param accept fun(text: string): boolean
---@return integer?
function History:find(at, step, accept)
  local from = step < 0 and math.min(#self.entries, at + step) or math.max(1, at + step)
  for i = from, step < 0 and 1 or #self.entries, step do
    if accept(self.entries[i]) then
      return i
    end
  end
end

-- A file with many more lines than are kept is written anew, beside and then in its place.
local function shorten(h)
  local name = h.path .. ".new"
  local file = io.open(name, "w")
  if file then
    local lines = { HEAD }
    for _, text in ipairs(h.entries) do
      lines[#lines + 1] = encode(text)
    end
    local fine = file:write(table.concat(lines, "\n"), "\n")
    fine = file:close() and fine
    if not (fine and os.rename(name, h.path)) then
      os.remove(name)
    end
  end
end

---The history of a file; without a path it ends with the session.
---@param path? string
---@return table
function M.open(path)
  local h = setmetatable({ path = path, entries = {}, places = {} }, History)
  local file = path and io.open(path)
  local text = file and file:read "a" -- nil of a directory
  if file then
    local lines, last = {}, {}
    for line in (text or ""):gmatch "[^\n]+" do
      if line ~= HEAD then
        lines[#lines + 1] = decode(line)
        last[lines[#lines]] = #lines
      end
    end
    file:close()
    for i, entry in ipairs(lines) do
      if last[entry] == i then
        h.entries[#h.entries + 1] = entry
      end
    end
    if #h.entries > MOST then
      table.move(h.entries, #h.entries - MOST + 1, #h.entries, 1, h.entries)
      for i = #h.entries, MOST + 1, -1 do
        h.entries[i] = nil
      end
    end
    for i, entry in ipairs(h.entries) do
      h.places[entry] = i
    end
    if #lines > 2 * MOST then
      shorten(h)
    end
  end
  return h
end

return M
