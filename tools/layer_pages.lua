-- The part of the reference that is made of the layer table: a page for each family of src/nn, and annotations for editors.

local core = require "nn.core"
local words = require "nn.internal.layer_help"

local M = {}

-- {family, title} of the files of src/nn.
local families = {}
for _, page in ipairs(require("nn.internal.manual").pages()) do
  if page.kind == "layers" then
    families[#families + 1] = { page.file:match "^layers%-(.*)$", page.title }
  end
end

local head = "<!-- Made by `make docs` from the layer table; edit the entries in src/nn. -->\n"

local function entry_text(entry, see)
  local out = { ("### %s\n"):format(entry.name), ("`nn.%s`\n"):format(words.signature(entry)), entry.doc .. "\n" }
  if entry.formula then
    out[#out + 1] = ("    %s\n"):format(entry.formula)
  end
  local settings = words.settings(entry)
  if #settings > 0 then
    out[#out + 1] = "- " .. table.concat(settings, "\n- ") .. "\n"
  end
  local makes = words.makes(entry)
  if makes then
    out[#out + 1] = ("Makes %s.\n"):format(makes)
  end
  if entry.inputs then
    local shape = entry.accepts and words.shape_words(entry):gsub("^(.-)([%w%.][^,]*)$", "%1`%2`") or ""
    out[#out + 1] = ("Takes `(%s)`%s.\n"):format(entry.inputs, shape)
  end
  local code, shown = words.example(entry)
  if code then
    out[#out + 1] = ("```lua\n> %s\n%s\n```\n"):format(code, shown)
  end
  out[#out + 1] = see(entry.name)
  if entry.source then
    out[#out + 1] = ("Source: %s.\n"):format(entry.source)
  end
  return table.concat(out, "\n")
end

local function by_family()
  local lists = {}
  for _, entry in ipairs(core.layers()) do
    lists[entry.family] = lists[entry.family] or {}
    table.insert(lists[entry.family], entry)
  end
  return lists
end

local function names_of(entries)
  local names = {}
  for i, entry in ipairs(entries) do
    names[i] = entry.name
  end
  return names
end

---The pages, by file name.
---@param see fun(name: string): string a line of related names
---@return table<string, string>
function M.pages(see)
  local lists, files = by_family(), {}
  for _, family in ipairs(families) do
    local entries, out = lists[family[1]], { head, ("# %s\n"):format(family[2]) }
    local links = {}
    for i, name in ipairs(names_of(entries)) do
      links[i] = ("[%s](#%s)"):format(name, name:lower())
    end
    out[#out + 1] = table.concat(links, " · ") .. "\n"
    for _, entry in ipairs(entries) do
      out[#out + 1] = entry_text(entry, see)
    end
    files[("layers-%s.md"):format(family[1])] = table.concat(out, "\n")
    lists[family[1]] = nil
  end
  assert(next(lists) == nil, "a family of layers has no title in lua/stdlib/nn/internal/manual.lua")
  return files
end

---Lines of the index.
function M.index()
  local lists, out = by_family(), {}
  for _, family in ipairs(families) do
    out[#out + 1] = ("- [%s](layers-%s.md): %s"):format(family[2], family[1], table.concat(names_of(lists[family[1]]), ", "))
  end
  return table.concat(out, "\n")
end

local cats = {
  int = "integer", number = "number", bool = "boolean", name = "string", initializer = "string", dtype = "nn.Dtype",
  sizes = "integer|integer[]", tensor = "nn.Tensor", layer = "nn.Module|function", layers = "nn.Module|function",
  parameter = "nn.Tensor", buffer = "nn.Tensor", part = "nn.Module",
}

local function type_of(f)
  if f.kind == "choice" then
    return '"' .. f.default:gsub("|", '"|"') .. '"'
  end
  return cats[f.kind] .. (f.word and ('|"%s"'):format(f.word) or "")
end

---Annotations of all layers, for docs/reference/nn.lua.
function M.annotations()
  local out = { "---@class nn.Module\n---@field training boolean\nlocal Module = {}\n" }
  for _, entry in ipairs(core.layers()) do
    local lines, params, options = {}, {}, {}
    lines[#lines + 1] = "---" .. entry.doc
    lines[#lines + 1] = ("---@class nn.%s: nn.Module"):format(entry.name)
    for _, f in ipairs(entry.fields) do
      if f.stored then
        lines[#lines + 1] = ("---@field %s %s%s"):format(f.name, type_of(f), f.optional and not f.default and "?" or "")
      end
    end
    lines[#lines + 1] = ""
    lines[#lines + 1] = "---" .. entry.doc
    if entry.example then
      lines[#lines + 1] = "---\n---    " .. entry.example
    end
    for _, f in ipairs(entry.fields) do
      if f.setting and not f.by_name and f.kind ~= "layers" then
        params[#params + 1] = f.name
        lines[#lines + 1] = ("---@param %s%s %s"):format(f.name, f.optional and "?" or "", type_of(f))
      elseif f.setting and f.by_name then
        options[#options + 1] = ("%s: %s"):format(f.name, type_of(f))
      elseif f.kind == "layers" then
        params[#params + 1] = "..."
        lines[#lines + 1] = "---@param ... nn.Module|function"
      end
    end
    if entry.made_of then
      for name, optional in entry.made_of:gmatch "([%w_.]+)(%??)" do
        params[#params + 1] = name
        lines[#lines + 1] = ("---@param %s%s any"):format(name, optional)
      end
    elseif #options > 0 and params[#params] ~= "..." then
      params[#params + 1] = "options"
      lines[#lines + 1] = ("---@param options? {%s}"):format(table.concat(options, ", "))
    end
    lines[#lines + 1] = ("---@return nn.%s"):format(entry.name)
    lines[#lines + 1] = ("function nn.%s(%s) end\n"):format(entry.name, table.concat(params, ", "))
    out[#out + 1] = table.concat(lines, "\n")
  end
  return table.concat(out, "\n")
end

return M
