-- A value as the prompt shows it: tables by what is in them, functions by their heads, families by their members. What has a
-- __tostring of its own (tensors, models, data sets) speaks for itself. Nothing is longer than a screen.

local core = require "nn.core"

local M = {}

local WIDTH, LINES, DEPTH, ITEMS = 100, 36, 4, 100

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil
end

local function number(v)
  if math.type(v) == "float" and v == v and v ~= math.huge and v ~= -math.huge then
    local text = ("%.14g"):format(v)
    return text:find "^-?%d+$" and text .. ".0" or text
  end
  return tostring(v)
end

---"function f(x, y)  -- experiments/depth.lua:12", "function nn.softmax(x, dim)"
function M.func(f, name)
  local known = require("nn.internal.help").head(f)
  if known then
    return "function " .. known
  end
  local info = debug.getinfo(require("nn.internal.contract").original(f), "Su")
  if info.what == "C" then
    return ("function %s(...)  -- in C"):format(name or "")
  end
  local names = {}
  for i = 1, info.nparams do
    names[i] = debug.getlocal(require("nn.internal.contract").original(f), i)
  end
  names[#names + 1] = info.isvararg and "..." or nil
  return ("function %s(%s)  -- %s:%d"):format(name or "", table.concat(names, ", "), info.short_src, info.linedefined)
end

-- Keys in an order that does not change: numbers, names, the rest.
local function sorted_keys(t, n)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      keys[#keys + 1] = key
    end
  end
  local rank = { number = 1, string = 2 }
  table.sort(keys, function(a, b)
    local ra, rb = rank[type(a)] or 3, rank[type(b)] or 3
    if ra ~= rb then
      return ra < rb
    elseif ra == 3 then
      return tostring(a) < tostring(b)
    end
    return a < b
  end)
  return keys
end

local show

local function own_text(v)
  local meta = debug.getmetatable(v)
  return type(meta) == "table" and rawget(meta, "__tostring") ~= nil
end

-- What a value inside a table looks like, on one line where that is possible.
local function inside(v, depth, seen)
  if type(v) == "string" then
    local text = ("%q"):format(#v > 200 and v:sub(1, 200) or v):gsub("\\\n", "\\n")
    text = text:gsub("[\r\t]", { ["\r"] = "\\r", ["\t"] = "\\t" })
    return #v > 200 and ("%s... (%d bytes)"):format(text:sub(1, -2), #v) or text
  elseif type(v) == "number" then
    return number(v)
  elseif type(v) == "function" then
    return (M.func(v):gsub("  %-%- ", " at "))
  elseif core.is_tensor(v) and v:numel() > 4 then
    return ("tensor %s %s"):format(tostring(v.shape), v.dtype)
  elseif type(v) == "table" and not own_text(v) then
    return show(v, depth, seen)
  end
  local ok, text = core.try(tostring, v)
  text = ok and text or ("<%s whose __tostring fails>"):format(type(v))
  local first = text:match "^[^\n]*"
  return #first < #text and first .. " ..." or #first > WIDTH and first:sub(1, WIDTH - 4) .. " ..." or first
end

-- Rows to one line, or below one another.
local function joined(parts, depth)
  local total = 2
  for _, part in ipairs(parts) do
    total = total + #part + 2
  end
  local one = "{" .. table.concat(parts, ", ") .. "}"
  if total + 2 * depth <= WIDTH and not one:find "\n" then
    return one
  end
  local pad = ("  "):rep(depth + 1)
  return "{\n" .. pad .. table.concat(parts, ",\n" .. pad) .. "\n" .. ("  "):rep(depth) .. "}"
end

-- Numbers alone: as many on a line as there is room for.
local function numbers_alone(t, n)
  for i = 1, n do
    if type(t[i]) ~= "number" then
      return false
    end
  end
  return n > 8
end

local function filled(parts, depth)
  local lines, line = {}, ""
  for i, part in ipairs(parts) do
    local text = part .. (i < #parts and ", " or "")
    if #line + #text + 2 * depth > WIDTH - 2 and line ~= "" then
      lines[#lines + 1] = line
      line = ""
    end
    line = line .. text
  end
  lines[#lines + 1] = line
  if #lines == 1 then
    return "{" .. lines[1] .. "}"
  end
  local pad = ("  "):rep(depth + 1)
  for i, text in ipairs(lines) do
    lines[i] = pad .. text:gsub("%s+$", "")
  end
  return "{\n" .. table.concat(lines, "\n") .. "\n" .. ("  "):rep(depth) .. "}"
end

function show(t, depth, seen)
  if seen[t] then
    return "{the table above}"
  elseif next(t) == nil then
    return "{}"
  end
  local n = rawlen(t)
  local keys = sorted_keys(t, n)
  if depth >= DEPTH then
    return ("{... %d}"):format(n + #keys)
  end
  seen[t] = true
  local parts, most = {}, depth == 0 and ITEMS or math.max(20, ITEMS - 80)
  for i = 1, math.min(n, most) do
    parts[#parts + 1] = inside(rawget(t, i), depth + 1, seen)
  end
  local shown = math.min(n, most)
  for _, key in ipairs(keys) do
    if shown >= most then
      break
    end
    shown = shown + 1
    local name = is_name(key) and key or ("[%s]"):format(inside(key, depth + 1, seen))
    parts[#parts + 1] = ("%s = %s"):format(name, inside(rawget(t, key), depth + 1, seen))
  end
  if shown < n + #keys then
    parts[#parts + 1] = ("... %d more, %d in all"):format(n + #keys - shown, n + #keys)
  end
  seen[t] = nil
  return #keys == 0 and numbers_alone(t, math.min(n, most)) and filled(parts, depth) or joined(parts, depth)
end

---The size of the screen: nothing that is shown is longer.
---@param columns integer
---@param rows integer
function M.screen(columns, rows)
  WIDTH, LINES = math.max(20, math.min(columns, 100)), math.max(10, math.min(rows - 3, 36))
end

-- At most a screen; says what it left out.
local function cut(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = line
  end
  if #lines <= LINES then
    return text
  end
  local last = lines[#lines]
  local rest = ("\n... %d more lines; %%all shows everything\n"):format(#lines - LINES + 1)
  return table.concat(lines, "\n", 1, LINES - 2) .. rest .. last
end

---A value as text.
---@param v any
---@return string
function M.show(v)
  if type(v) == "function" then
    return M.func(v)
  elseif type(v) == "table" then
    local ok, portrait = core.try(require("nn.internal.portrait").of, v, M.show, WIDTH)
    if ok and portrait then
      return portrait
    end
    if not own_text(v) then
      local family = require("nn.internal.help").family(v)
      local prompt = family and package.loaded["nn.prompt.main"]
      return prompt and prompt.wrapped(family, prompt.columns) or family or cut(show(v, 0, {}))
    end
  end
  return tostring(v)
end

---A table as text, all of it.
---@param v any
---@return string
function M.all(v)
  if type(v) ~= "table" or own_text(v) then
    return M.show(v)
  end
  local items, depth = ITEMS, DEPTH
  ITEMS, DEPTH = math.huge, 100
  local ok, text = core.try(show, v, 0, {})
  ITEMS, DEPTH = items, depth
  if not ok then
    error(text, 0)
  end
  return text
end

return M
