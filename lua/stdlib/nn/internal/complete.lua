-- What Tab can mean where it is no global or field: names after ?, commands after %, modules in require "...", and names of
-- options in the table of a known function or layer. The C side of the prompt completes the rest (src/host/repl.c).

local core = require "nn.core"

local M = {}

local function with_prefix(list, word, out)
  for _, name in ipairs(list) do
    if name:sub(1, #word) == word then
      out[#out + 1] = name
    end
  end
  return out
end

local function keys_of(...)
  local seen, list = {}, {}
  for _, t in ipairs { ... } do
    for key in pairs(t) do
      if type(key) == "string" and not key:find "^_" and not seen[key] then
        seen[key], list[#list + 1] = true, key
      end
    end
  end
  return list
end

-- "nn.optim" -> the value; only names and dots, and nothing is called but __index of nn.
local function value_of(path)
  local v = _G
  for part in path:gmatch "[%w_]+" do
    if type(v) ~= "table" then
      return nil
    end
    local ok, next_value = core.try(function()
      return v[part]
    end)
    v = ok and next_value or nil
  end
  return v
end

-- Names after ?: of nn itself and of its families.
local function help_names(word)
  local nn, public = require "nn", require "nn.internal.public"
  local path, last = word:match "^(.*)%.([%w_]*)$"
  local out = {}
  if path then
    local family = value_of(path:find "^nn%f[%A]" and path or "nn." .. path)
    local meta = type(family) == "table" and getmetatable(family)
    for _, name in ipairs(with_prefix(type(family) == "table" and keys_of(family, meta and meta.homes or {}) or {}, last, {})) do
      out[#out + 1] = path .. "." .. name
    end
    return out
  end
  return with_prefix(keys_of(nn, public.homes, public.namespaces, { layers = 1, losses = 1, activations = 1, optimizers = 1,
    schedules = 1, metrics = 1 }), word, out)
end

-- The names of the options that a function or layer takes in a table.
local function options_of(v)
  local help, contract = require "nn.internal.help", require "nn.internal.contract"
  local layer = core.entry_of(v)
  local out = {}
  if layer then
    for _, f in ipairs(require("nn.internal.layer_help").entry(layer).fields) do
      out[#out + 1] = f.setting and f.kind ~= "layers" and f.name or nil
    end
    return out
  elseif type(v) ~= "function" then
    return out
  end
  local text = contract.help[contract.original(v)]
  if text then -- nn.optim.Adam(params, {lr = 0.001, ...})
    local head = text():match("^[^\n]*"):match "{(.*)}%)$" or ""
    for part in (head:gsub("{.-}", "") .. ","):gmatch "%s*(.-)," do
      out[#out + 1] = part:match "^[%a_][%w_]*"
    end
    return out
  end
  return help.option_names(v)
end

---Words that may stand where `word` begins, in the line up to the cursor; nil: what is global, or a field, may.
---@param line string
---@param word string
---@return string[]?
function M.candidates(line, word)
  if line:find "^%?" then
    local plain = word:gsub("^%?+", "")
    local marks, out = word:match "^%?*", help_names(plain)
    for i, name in ipairs(out) do
      out[i] = marks .. name
    end
    return out
  elseif line:find "^%%[%w_]*$" then
    return with_prefix(keys_of(require("nn.internal.commands").commands), word, {})
  elseif line:find "require%s*%(?%s*[\"'][%w_%.]*$" then
    local names = {}
    for space, file in pairs(require("nn.internal.public").namespaces) do
      names[#names + 1] = space and file
    end
    names[#names + 1] = "nn"
    for name in pairs(package.loaded) do
      names[#names + 1] = not name:find "^nn%." and name or nil
    end
    return with_prefix(names, word, {})
  end
  -- an open { of a call: name(..., {a = 1, wo
  local head = line:sub(1, #line - #word)
  local depth, at = 0, nil
  for i = #head, 1, -1 do
    local c = head:sub(i, i)
    if c == "}" or c == ")" then
      depth = depth + 1
    elseif c == "{" or c == "(" then
      if depth == 0 then
        at = c == "{" and i or nil
        break
      end
      depth = depth - 1
    end
  end
  if not at or not head:sub(at):find "[{,;]%s*$" or word:find "[%.:]" then
    return nil
  end
  local before = head:sub(1, at - 1)
  local name = before:match "([%a_][%w_%.]*)%s*$" -- fit{ ...
  if not name then -- the ( that is open before it
    depth = 0
    for i = #before, 1, -1 do
      local c = before:sub(i, i)
      if c == ")" or c == "}" then
        depth = depth + 1
      elseif c == "(" and depth == 0 then
        name = before:sub(1, i - 1):match "([%a_][%w_%.]*)%s*$"
        break
      elseif c == "(" or c == "{" then
        depth = depth - 1
      end
    end
  end
  local value = name and value_of(name)
  if value == nil then
    return nil
  end
  local names = with_prefix(options_of(value), word, {})
  for i, option in ipairs(names) do
    names[i] = option .. " = "
  end
  return #names > 0 and names or nil
end

return M
