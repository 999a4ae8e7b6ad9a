-- What can be written as JSON and read again: numbers (nan and inf as strings, which JSON has no words for), strings,
-- booleans, and tables of them. Tensors become numbers and lists.

local core = require "nn.core"

local M = {}

local words = { ["nan"] = 0 / 0, ["inf"] = math.huge, ["-inf"] = -math.huge }

local function copy(who, value, path, depth)
  if core.is_tensor(value) then
    value = value:numel() == 1 and value:item() or value:detach():totable()
  end
  local kind = type(value)
  if kind == "number" or kind == "string" or kind == "boolean" then
    return value
  elseif kind ~= "table" or depth > 20 then
    core.raise(("%s: '%s' is %s; numbers, strings, booleans, tensors and tables of them can be written"):format(who, path,
      kind == "table" and "nested too deep" or core.describe(value)))
  end
  local out, list, names = {}, 0, 0
  for key, item in pairs(value) do
    if math.type(key) == "integer" then
      list = list + 1
    elseif type(key) == "string" then
      names = names + 1
    else
      core.raise(("%s: '%s' has a key that is neither a string nor an integer"):format(who, path))
    end
    out[key] = copy(who, item, ("%s%s%s"):format(path, path == "" and "" or ".", tostring(key)), depth + 1)
  end
  if list > 0 and (names > 0 or list ~= #out) then
    core.raise(("%s: '%s' is neither a list nor a table of names"):format(who, path == "" and "the table" or path))
  end
  return out
end

---A copy that can be written; raises with the name of what cannot.
function M.value(who, value)
  return copy(who, value, "", 0)
end

---Text that others wrote, as every reader of JSON takes it: what is not UTF-8, and zero bytes, become the sign for that.
function M.text(text)
  text = text:gsub("\0", "\u{fffd}")
  local ok, bad = utf8.len(text)
  if ok then
    return text
  end
  local parts, from = {}, 1
  while not ok do
    parts[#parts + 1] = text:sub(from, bad - 1)
    from = bad + 1
    ok, bad = utf8.len(text, from)
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts, "\u{fffd}")
end

---Such a text as a part of one line of a terminal: without what moves its cursor, colours it, or turns it round.
function M.line(text)
  return (M.text(text):gsub("%c", " "):gsub("\xc2[\x80-\x9f]", " "):gsub("\xe2\x80[\xaa-\xae]", "")
    :gsub("\xe2\x81[\xa6-\xa9]", ""))
end

local function with_words(value)
  if type(value) == "number" and (value ~= value or value == math.huge or value == -math.huge) then
    return value ~= value and "nan" or value > 0 and "inf" or "-inf"
  elseif type(value) == "string" then
    local text = M.text(value)
    return words[text:match "^\\*(.*)$"] and "\\" .. text or text -- a string that is such a word gets a backslash
  elseif type(value) ~= "table" then
    return value
  end
  local out = {}
  for key, item in pairs(value) do
    out[key] = with_words(item)
  end
  return setmetatable(out, getmetatable(value)) -- an empty list says that it is one
end

---One line of JSON, its keys sorted.
function M.encode(value)
  return core.json_encode(with_words(value))
end

---What was read, with the numbers that JSON has no words for.
function M.restore(value)
  if type(value) == "string" then
    local plain = value:match "^\\(\\*.*)$"
    return words[value] or plain and words[plain:match "^\\*(.*)$"] and plain or value
  elseif type(value) ~= "table" then
    return value
  end
  local out = {}
  for key, item in pairs(value) do
    out[key] = M.restore(item)
  end
  return setmetatable(out, getmetatable(value))
end

---Reads a file of JSON: its table, or nil and why not.
function M.read(path)
  local f, why = io.open(path, "rb")
  if not f then
    return nil, why
  end
  local text = f:read "a"
  f:close()
  local value, bad = core.json_decode(text or "")
  if type(value) ~= "table" then
    return nil, ("%s: %s"):format(path, tostring(bad or "no table"))
  end
  return M.restore(value)
end

return M
