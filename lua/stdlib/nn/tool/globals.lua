-- The globals that a Lua function reads and sets, with their lines, from its dump: the compiler's own word on what is global.
-- The format is that of Lua 5.4's ldump.c.

local M = {}

local LOADK, LOADKX, GETUPVAL, GETTABUP, GETTABLE, GETFIELD, SETTABUP, SETTABLE, SETFIELD = 3, 4, 9, 11, 12, 14, 15, 16, 18

-- Reads a dump from the front.
local function reader(text)
  local r = { at = 1 }
  function r:unpack(format)
    local value
    value, self.at = string.unpack(format, text, self.at)
    return value
  end
  -- sizes and integers: 7 bits a byte, the last one has the high bit
  function r:size()
    local value = 0
    while true do
      local byte = text:byte(self.at)
      self.at = self.at + 1
      value = value << 7 | byte & 0x7f
      if byte & 0x80 ~= 0 then
        return value
      end
    end
  end
  function r:string()
    local size = self:size()
    if size == 0 then
      return nil
    end
    local value = text:sub(self.at, self.at + size - 2)
    self.at = self.at + size - 1
    return value
  end
  return r
end

local function read_function(r, parent_upvalues, found)
  r:string() -- source
  local first = r:size()
  r:size()
  r.at = r.at + 3 -- parameters, vararg, registers
  local code, constants, upvalues = {}, {}, {}
  for i = 1, r:size() do
    code[i] = r:unpack "<I4"
  end
  for i = 1, r:size() do
    local kind = r:unpack "B"
    if kind == 3 then
      r:unpack "<i8"
    elseif kind == 19 then
      r:unpack "<d"
    elseif kind == 4 or kind == 20 then
      constants[i] = r:string()
    end
  end
  for i = 1, r:size() do
    local in_stack, index, _ = r:unpack "B", r:unpack "B", r:unpack "B"
    upvalues[i] = { in_stack ~= 0, index }
  end
  -- the functions inside come before this one's names, which they need: they are read twice
  local inside = r:size()
  local inside_from = r.at
  for _ = 1, inside do
    read_function(r, nil, {})
  end
  local lines, n = {}, r:size()
  for i = 1, n do
    lines[i] = r:unpack "b"
  end
  local absolute = {}
  for _ = 1, r:size() do
    local pc = r:size()
    absolute[pc] = r:size()
  end
  for _ = 1, r:size() do
    r:string()
    r:size()
    r:size()
  end
  for i = 1, r:size() do
    upvalues[i][3] = r:string()
  end
  local stop = r.at
  for _, u in ipairs(upvalues) do
    u.is_globals = u[3] == "_ENV" or not u[1] and parent_upvalues and parent_upvalues[u[2] + 1].is_globals
  end
  local line = first
  local holds = {} -- register -> true: the globals' table; a string: a constant. Beyond 255 constants names come so
  for i, word in ipairs(code) do
    line = absolute[i - 1] or lines[i] ~= -128 and line + (lines[i] or 0) or line
    local op, a, b, c = word & 0x7f, word >> 7 & 0xff, word >> 16 & 0xff, word >> 24 & 0xff
    if op == GETTABUP and upvalues[b + 1].is_globals then
      found[#found + 1] = { name = constants[c + 1], line = line, set = false }
    elseif op == SETTABUP and upvalues[a + 1].is_globals then
      found[#found + 1] = { name = constants[b + 1], line = line, set = true }
    elseif (op == GETTABLE or op == GETFIELD) and holds[b] == true then
      local name = op == GETFIELD and constants[c + 1] or op == GETTABLE and holds[c]
      found[#found + 1] = type(name) == "string" and { name = name, line = line, set = false } or nil
    elseif (op == SETTABLE or op == SETFIELD) and holds[a] == true then
      local name = op == SETFIELD and constants[b + 1] or op == SETTABLE and holds[b]
      found[#found + 1] = type(name) == "string" and { name = name, line = line, set = true } or nil
    end
    if op == GETUPVAL then
      holds[a] = upvalues[b + 1].is_globals or nil
    elseif op == LOADK then
      holds[a] = constants[(word >> 15) + 1]
    elseif op == LOADKX then
      holds[a] = constants[(code[i + 1] >> 7) + 1]
    elseif op ~= SETTABUP and op ~= SETTABLE and op ~= SETFIELD then
      holds[a] = nil -- (what writes no register loses nothing by it but a rare name)
    end
  end
  r.at = inside_from
  for _ = 1, inside do
    read_function(r, upvalues, found)
  end
  r.at = stop
end

---The globals of a function and of those inside of it: {name, line, set}; nil where this Lua has another format.
---@param f function
---@return table[]?
function M.of(f)
  local text = string.dump(f)
  if text:sub(1, 6) ~= "\27Lua\x54\0" then
    return nil
  end
  local r = reader(text)
  r.at = 1 + 4 + 1 + 1 + 6 + 3 + 8 + 8 -- behind signature, version, format, data, sizes, an integer and a number
  r:unpack "B" -- upvalues of the main function
  local found = {}
  local ok = pcall(read_function, r, nil, found)
  return ok and found or nil
end

return M
