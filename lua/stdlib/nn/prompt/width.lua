-- How many columns a text takes at a terminal, and where its characters begin. Ranges of Unicode 15: East Asian Width W and F
-- take two columns; marks that combine (general categories Mn, Me, and Cf) take none.

local M = {}

local wide = {
  0x1100, 0x115f, 0x231a, 0x231b, 0x2329, 0x232a, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3, 0x25fd, 0x25fe,
  0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1, 0x26aa, 0x26ab, 0x26bd, 0x26be,
  0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea, 0x26f2, 0x26f3, 0x26f5, 0x26f5, 0x26fa, 0x26fa,
  0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b, 0x2728, 0x2728, 0x274c, 0x274c, 0x274e, 0x274e, 0x2753, 0x2755,
  0x2757, 0x2757, 0x2795, 0x2797, 0x27b0, 0x27b0, 0x27bf, 0x27bf, 0x2b1b, 0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55,
  0x2e80, 0x303e, 0x3041, 0x33ff, 0x3400, 0x4dbf, 0x4e00, 0x9fff, 0xa000, 0xa4cf, 0xa960, 0xa97f, 0xac00, 0xd7a3,
  0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff01, 0xff60, 0xffe0, 0xffe6, 0x16fe0, 0x18cff, 0x1aff0, 0x1b2ff, 0x1f004, 0x1f004,
  0x1f0cf, 0x1f0cf, 0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f200, 0x1f320, 0x1f32d, 0x1f335, 0x1f337, 0x1f37c,
  0x1f37e, 0x1f393, 0x1f3a0, 0x1f3ca, 0x1f3cf, 0x1f3d3, 0x1f3e0, 0x1f3f0, 0x1f3f4, 0x1f3f4, 0x1f3f8, 0x1f43e,
  0x1f440, 0x1f440, 0x1f442, 0x1f4fc, 0x1f4ff, 0x1f53d, 0x1f54b, 0x1f54e, 0x1f550, 0x1f567, 0x1f57a, 0x1f57a,
  0x1f595, 0x1f596, 0x1f5a4, 0x1f5a4, 0x1f5fb, 0x1f64f, 0x1f680, 0x1f6c5, 0x1f6cc, 0x1f6cc, 0x1f6d0, 0x1f6d2,
  0x1f6d5, 0x1f6d7, 0x1f6dc, 0x1f6df, 0x1f6eb, 0x1f6ec, 0x1f6f4, 0x1f6fc, 0x1f7e0, 0x1f7eb, 0x1f7f0, 0x1f7f0,
  0x1f90c, 0x1f93a, 0x1f93c, 0x1f945, 0x1f947, 0x1f9ff, 0x1fa70, 0x1faff, 0x20000, 0x2fffd, 0x30000, 0x3fffd,
}
local none = {
  0x0300, 0x036f, 0x0483, 0x0489, 0x0591, 0x05bd, 0x0610, 0x061a, 0x064b, 0x065f, 0x06d6, 0x06dc, 0x0900, 0x0902,
  0x093c, 0x093c, 0x0941, 0x0948, 0x094d, 0x094d, 0x0e31, 0x0e31, 0x0e34, 0x0e3a, 0x0e47, 0x0e4e, 0x1ab0, 0x1aff,
  0x1dc0, 0x1dff, 0x200b, 0x200f, 0x202a, 0x202e, 0x2060, 0x2064, 0x20d0, 0x20f0, 0x302a, 0x302d, 0x3099, 0x309a,
  0xfe00, 0xfe0f, 0xfe20, 0xfe2f, 0xfeff, 0xfeff, 0x1f3fb, 0x1f3ff, 0xe0100, 0xe01ef,
}

local function within(ranges, code)
  local low, high = 1, #ranges // 2
  while low <= high do
    local middle = (low + high) // 2
    if code < ranges[2 * middle - 1] then
      high = middle - 1
    elseif code > ranges[2 * middle] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

---The columns of a code point: 0, 1 or 2.
---@param code integer
---@return integer
function M.of(code)
  if code < 0x300 then
    return 1
  end
  return within(none, code) and 0 or within(wide, code) and 2 or 1
end

---The character that begins at a byte: where it ends, its columns, and what is shown for it. Control characters are shown as
---^X, bytes that are no UTF-8 as <ff>; a character takes the marks behind it with it.
---@param text string
---@param at integer
---@return integer stop, integer columns, string shown
function M.character(text, at)
  local byte = text:byte(at)
  if byte >= 0x20 and byte < 0x7f then
    local after = text:byte(at + 1)
    if not after or after < 0x80 then
      return at, 1, string.char(byte)
    end
  elseif byte == 9 then
    return at, 2, "  "
  elseif byte < 0x20 or byte == 0x7f then
    return at, 2, "^" .. string.char(byte ~ 0x40)
  end
  local stop = at
  if byte >= 0x80 then
    local _, last = text:find("^[\xc2-\xf4][\x80-\xbf]+", at)
    last = last and math.min(last, at + (byte < 0xe0 and 1 or byte < 0xf0 and 2 or 3))
    if not last or not utf8.len(text:sub(at, last)) then
      return at, 4, ("<%02x>"):format(byte)
    end
    stop = last
  end
  local columns = M.of(utf8.codepoint(text, at))
  while true do -- marks
    local after = text:byte(stop + 1)
    if not after or after < 0xc2 then
      break
    end
    local ok = utf8.len(text:match("^[\xc2-\xf4][\x80-\xbf]*", stop + 1) or "\xff")
    if ok ~= 1 then
      break
    end
    local code = utf8.codepoint(text, stop + 1)
    if code == 0x200d then -- joins with what follows (families, professions)
      local next_one = text:match("^[\xc2-\xf4][\x80-\xbf]+", stop + 4) or ""
      stop = stop + 3 + (utf8.len(next_one) == 1 and #next_one or 0)
    elseif M.of(code) == 0 then
      stop = stop + #utf8.char(code)
    else
      break
    end
  end
  return stop, columns, text:sub(at, stop)
end

---Where the character before a byte begins.
---@param text string
---@param at integer
---@return integer
function M.before(text, at)
  -- from the line's beginning, since what belongs to a character is known only from its first byte on
  local line = text:sub(1, at - 1):match "^.*\n()" or 1
  local i = line < at and line or at - 1
  while true do
    local stop = M.character(text, i)
    if stop + 1 >= at then
      return i
    end
    i = stop + 1
  end
end

---The columns of a text of one line; escape sequences that colour take none.
---@param text string
---@return integer
function M.columns(text)
  text = text:gsub("\27%[[%d;]*%a", "")
  local at, total = 1, 0
  while at <= #text do
    local stop, columns = M.character(text, at)
    total, at = total + columns, stop + 1
  end
  return total
end

---The beginning of a text of one line that takes at most so many columns.
---@param text string
---@param columns integer
---@return string
function M.cut(text, columns)
  local at, total = 1, 0
  while at <= #text do
    local stop, columns_of = M.character(text, at)
    if total + columns_of > columns then
      return text:sub(1, at - 1)
    end
    total, at = total + columns_of, stop + 1
  end
  return text
end

return M
