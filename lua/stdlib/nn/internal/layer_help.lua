-- Words about built-in layers and losses, made of the layer table: what help, the reference and the annotations for editors
-- say of them.

local core = require "nn.core"

local M = {}

local by_name

---The entry of a layer, or nil.
---@param name string
function M.entry(name)
  if not by_name then
    by_name = {}
    for _, entry in ipairs(core.layers()) do
      by_name[entry.name] = entry
    end
  end
  return by_name[name]
end

local function default_of(f)
  if f.kind == "choice" then
    return ('"%s"'):format(f.default:match "^[^|]*")
  elseif f.kind == "name" or f.kind == "dtype" then
    return ('"%s"'):format(f.default)
  end
  return f.default
end

---"Linear(in_features, out_features, bias = true, {init, dtype = "float32"})"
function M.signature(entry)
  local plain, named = {}, {}
  for _, f in ipairs(entry.fields) do
    if f.setting then
      local text = f.kind == "layers" and "..." or f.name .. (f.default and " = " .. default_of(f) or f.optional and "?" or "")
      table.insert(f.by_name and named or plain, text)
    end
  end
  if #named > 0 then
    plain[#plain + 1] = ("{%s}"):format(table.concat(named, ", "))
  end
  if entry.made_of then
    plain = { entry.made_of }
  end
  return ("%s(%s)"):format(entry.name, table.concat(plain, ", "))
end

local kinds = {
  int = "integer", number = "number", bool = "boolean", name = "string", initializer = "an initializer's name (nn.init)",
  dtype = '"float32" or "float64"', tensor = "tensor", layer = "layer or function", layers = "layers",
}

-- "at least 1", "0 to 1", "above 0"
local function range_of(f)
  local low = f.low > -math.huge and (f.above and "above %g" or "at least %g"):format(f.low)
  local high = f.high < math.huge and (f.below and "below %g" or "at most %g"):format(f.high)
  if low and high and not f.above and not f.below then
    return ("%g to %g"):format(f.low, f.high)
  end
  return low and high and low .. " and " .. high or low or high or nil
end

local function kind_of(f)
  if f.kind == "choice" then
    return '"' .. f.default:gsub("|", '" | "') .. '"'
  elseif f.kind == "sizes" then
    return (f.count > 0 and ("integer, or a list of %d"):format(f.count) or "integer, or a list")
      .. (f.word and (', or "%s"'):format(f.word) or "")
  end
  return kinds[f.kind]
end

---Lines "in_features: integer, at least 1" for each setting.
function M.settings(entry)
  local lines = {}
  for _, f in ipairs(entry.fields) do
    if f.setting then
      local words = { kind_of(f) }
      words[#words + 1] = range_of(f)
      if f.default then
        words[#words + 1] = "default " .. default_of(f)
      elseif f.optional then
        words[#words + 1] = "may be left out"
      end
      lines[#lines + 1] = ("%s: %s"):format(f.name, table.concat(words, ", "))
    end
  end
  return lines
end

---"weight, bias (parameters); running_mean (buffer)", or nil
function M.makes(entry)
  local parts = {}
  for _, f in ipairs(entry.fields) do
    if not f.setting then
      parts[#parts + 1] = ("%s (%s%s)"):format(f.name, f.kind == "part" and "layer" or f.kind, f.optional and ", if any" or "")
    end
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

---": batch x 3", of the first of several inputs or of the only one.
function M.shape_words(entry)
  return (entry.inputs:find "," and ", the first being " or ", ") .. entry.accepts
end

---The example, and what it gives as text.
function M.example(entry)
  local f = entry.example and load("local nn = ... return " .. entry.example, "example", "t")
  if not f then
    return nil
  end
  local state = { core.rng_state() }
  core.manual_seed(1)
  local results = table.pack(pcall(f, require "nn"))
  core.set_rng_state(table.unpack(state))
  local lines = {}
  for i = 2, results.n do
    lines[#lines + 1] = tostring(results[i])
  end
  return entry.example, table.concat(lines, "\n")
end

---The whole text of help.
function M.help(entry)
  local out = { "nn." .. M.signature(entry), "", entry.doc }
  if entry.formula then
    out[#out + 1] = "  " .. entry.formula
  end
  local settings = M.settings(entry)
  if #settings > 0 then
    out[#out + 1] = "settings:"
    for _, line in ipairs(settings) do
      out[#out + 1] = "  " .. line
    end
  end
  local makes = M.makes(entry)
  out[#out + 1] = makes and "makes: " .. makes or nil
  if entry.inputs then
    out[#out + 1] = ("takes: (%s)%s"):format(entry.inputs, entry.accepts and M.shape_words(entry) or "")
  end
  local code, shown = M.example(entry)
  if code then
    out[#out + 1] = "example:"
    out[#out + 1] = "  > " .. code
    out[#out + 1] = "  " .. shown:gsub("\n", "\n  ")
  end
  out[#out + 1] = "see: " .. table.concat(require("nn.internal.manual").see_of_layer(entry.name), ", ")
  if entry.source then
    out[#out + 1] = "source: " .. entry.source
  end
  return table.concat(out, "\n")
end

return M
