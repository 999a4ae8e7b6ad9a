-- nn.help: what a name means. Ops of the op table tell it themselves; of classes and functions written in Lua, the
-- comments above them in this library are shown.

local core = require "nn.core"
local written = require "nn.internal.written"

local M = {}

local ops, by_function

local written_help = {} -- functions in C -> text

local function load_ops()
  if not ops then
    local texts = require "nn.internal.core_help"
    for name, text in pairs(texts.functions) do
      written_help[core.public[name]] = text
    end
    for name, text in pairs(texts.methods) do
      written_help[core.tensor_methods[name]] = text
    end
    for kind, own in pairs(texts.objects or {}) do
      local methods = require("nn.internal.objects").methods(kind)
      for name, text in pairs(own) do
        written_help[methods[name]] = text
      end
    end
    ops, by_function = {}, {}
    for _, op in ipairs(core.ops()) do
      ops[op.name] = op
      by_function[core[op.name] or false] = op
      by_function[core.tensor_methods[op.name] or false] = op
    end
    by_function[false] = nil
  end
  return ops
end

---"x: tensor, dim: dims?" -> "x, dim?", with defaults
function M.signature(op)
  local parts = {}
  for part in (op.args .. ","):gmatch "%s*(.-)%s*," do
    local name, kind, rest = part:match "^([%w_]+): (%w+)(.*)$"
    if name then
      local default = rest:match "= *(.+)$"
      if kind == "choice" then
        default = default and ('"%s"'):format(default:match "^[^|]*")
      end
      parts[#parts + 1] = name .. (default and " = " .. default or rest:find "%?" and "?" or "")
    end
  end
  return ("%s(%s)"):format(op.name, table.concat(parts, ", "))
end

---An op's example and what it gives, as text.
function M.example(op)
  local nn = require "nn"
  local f = op.example and load("local nn = ... return " .. op.example, "example", "t")
  if not f then
    return nil
  end
  local results = table.pack(core.try(f, nn))
  local lines = {}
  for i = 2, results.n do
    local v = results[i]
    if type(v) == "table" and core.is_tensor(v[1]) then
      for _, x in ipairs(v) do
        lines[#lines + 1] = tostring(x)
      end
    else
      lines[#lines + 1] = tostring(v)
    end
  end
  return op.example, table.concat(lines, "\n")
end

---What an op's page and its help have in common.
---@return string[] lines
function M.describe(op)
  local lines = { op.doc }
  for part in (op.args .. ","):gmatch "%s*(.-)%s*," do
    local name, words = part:match "^([%w_]+): choice = (.+)$"
    if name then
      lines[#lines + 1] = ("%s is one of %s."):format(name, words:gsub("|", ", "))
    end
  end
  if op.factor then
    lines[#lines + 1] = ("Takes {%s = a}, by which y is multiplied first."):format(op.factor)
  end
  if op.random then
    lines[#lines + 1] = "Takes {generator = nn.Generator(seed)}."
  end
  if op.create then
    lines[#lines + 1] = "Takes {requires_grad = true}."
  end
  if op.inplace and not op.inplace_only then
    lines[#lines + 1] = ("In place: x:%s_(...)."):format(op.name)
  end
  if not op.differentiable and not op.create then
    lines[#lines + 1] = "No gradient."
  end
  return lines
end

local function help_of_op(op)
  local out = { ("%s%s -> %s"):format(op.inplace_only and "x:" or "nn.", op.inplace_only and M.signature(op):gsub("%(x, ?", "(")
    :gsub("%(x%)", "()") or M.signature(op), op.returns), "" }
  for _, line in ipairs(M.describe(op)) do
    out[#out + 1] = line
  end
  out[#out + 1] = ""
  out[#out + 1] = "arguments: " .. op.args
  local code, shown = M.example(op)
  if code then
    out[#out + 1] = "example:"
    out[#out + 1] = "  > " .. code
    out[#out + 1] = "  " .. shown:gsub("\n", "\n  ")
  end
  out[#out + 1] = "see: " .. table.concat(require("nn.internal.manual").see_of_op(op.name), ", ")
  return table.concat(out, "\n")
end

-- "Names: AveragedModel, LBFGS, ..." of a namespace, also of what is not loaded yet.
local function namespace_names(value)
  local meta = getmetatable(value)
  local names, seen = {}, {}
  for _, t in ipairs { value, type(meta) == "table" and meta.homes or {} } do
    for key in pairs(t) do
      if type(key) == "string" and not key:find "^[_*]" and not seen[key] then
        seen[key], names[#names + 1] = true, key
      end
    end
  end
  table.sort(names)
  return names
end

-- "nn.data.moons" for what was found as "data.moons".
local function called_as(name, value)
  local owner, method = (name or ""):match "^([%w_]+):([%w_]+)$"
  if owner then
    return name
  end
  local at = name and require "nn" or nil
  for part in (name or ""):gmatch "[^%.]+" do
    local ok, inner = core.try(function()
      return at[part]
    end)
    at = ok and inner or nil
  end
  if at ~= nil and at == value then
    return "nn." .. name
  end
  if name and rawget(core.fields(require("nn").Module), name) == value then
    return "Module:" .. name
  end
  return method or name
end

local function help_of_value(name, value)
  if by_function[value] then
    return help_of_op(by_function[value])
  end
  if type(value) == "function" then
    return written_help[value] or written.above(value, called_as(name, value))
  end
  if core.is_tensor(value) then
    return ("a %s tensor of shape %s. Its methods are the functions of nn, e.g. x:sum(2); nn.help \"sum\" tells more."):format(
      value.dtype, tostring(value.shape))
  end
  local layer = core.entry_of(value)
  local class = layer and (core.class_of(value) or value)
  if class and core.is_library(class) then
    local layer_help = require "nn.internal.layer_help"
    return layer_help.help(layer_help.entry(layer))
  end
  local fields = type(value) == "table" and value or core.fields(value)
  if fields then
    local names = namespace_names(type(value) == "table" and value or fields)
    value = fields
    local init = rawget(value, "init") or rawget(value, "new")
    local text = type(init) == "function" and written.above(init)
    return (text and text .. "\n" or "") .. (name and name .. " has: " or "it has: ") .. table.concat(names, ", ")
  end
end

---The head of an op's function, or nil.
function M.head(f)
  load_ops()
  local op = by_function[f]
  return op and (core[op.name] == f and "nn." or "x:") .. M.signature(op)
end

---The arguments of an op as its table has them; "" of other functions.
---@param f function
---@return string
function M.arguments(f)
  load_ops()
  return by_function[f] and by_function[f].args or ""
end

---What is said of each option of a function, by name.
---@param f function
---@return table<string, string>
function M.option_texts(f)
  load_ops()
  local out = {}
  for name, text in (not by_function[f] and written.above(f) or ""):gmatch "\n    ([%a_][%w_]*)%??: ([^\n]*)" do
    out[name] = text
  end
  return out
end

---The names of the options that a function takes in a table: of an op those that are no tensors, of a function with a class of
---options its fields.
---@return string[]
function M.option_names(f)
  load_ops()
  local out, op = {}, by_function[f]
  for name, kind, optional in (op and op.args or ""):gmatch "([%w_]+): (%w+)(%??)" do
    out[#out + 1] = (optional == "?" or kind ~= "tensor" and kind ~= "tensors") and name or nil
  end
  out[#out + 1] = op and op.random and "generator" or nil
  out[#out + 1] = op and op.factor
  out[#out + 1] = op and op.create and "requires_grad" or nil
  local text = not op and written.above(f) or ""
  for name in text:gmatch "\n    ([%a_][%w_]*)%??: " do
    out[#out + 1] = name
  end
  local kind = text:match "\n  opt%l*%??: ([^\n]*)" or ""
  for name in (kind:match "Options and ([%w_, ]*)" or ""):gmatch "[%w_]+" do -- nn.PlotOptions and range, scale
    out[#out + 1] = name
  end
  for line in text:gmatch "\n  [%w_]+%??: ([^\n]*)" do -- {n: integer, noise: number}, perhaps behind another kind
    local fields = line:match "^%b{}" or line:match "^[%w_%.]+|(%b{})" or ""
    for name in fields:gsub("^{", ""):gsub("%b{}", ""):gmatch "%f[%w_]([%a_][%w_]*)%??: " do
      out[#out + 1] = name
    end
  end
  return out
end

---Which argument of a function written in Lua its table of options is; nil where that is not fixed.
---@return integer?
function M.option_place(f)
  load_ops()
  local place = 0
  for name in (not by_function[f] and written.above(f) or ""):gmatch "\n  ([%a_.][%w_.]*)%??: " do
    place = place + 1
    if name:find "^opt" then
      return place
    end
  end
end

-- What a member of a family is, in a sentence.
local function sentence_of(name, value)
  local ok, text = core.try(help_of_value, name, value)
  text = ok and text or ""
  local op = by_function[value]
  if op then
    text = op.doc
  end
  for line in text:gmatch "[^\n]+" do
    if line:find "^%u" and not line:find "^%w+%(" then
      local rest = text:sub((text:find(line, 1, true)))
      local paragraph = rest:match "^(.-)\n%s*\n" or rest
      -- to the end of the first sentence; "et al." is none
      local flat = paragraph:gsub("%s*\n%s*", " "):gsub("al%. ", "al\1 ")
      return ((flat:match "^(.-[^%.%s]%.)%s" or flat):gsub("\1", "."))
    end
  end
  return ""
end

-- A sentence in so many bytes: what is before a colon or the like says what it is for, the rest more of it.
local function in_a_row(text, room)
  if #text <= room then
    return text
  end
  for _, mark in ipairs { ": ", "; ", ", in place" } do
    local at = text:find(mark, 18, true)
    local head = at and at <= room and text:sub(1, at - 1)
    if head and select(2, head:gsub("[%({]", "")) == select(2, head:gsub("[%)}]", "")) then
      return head .. "."
    end
  end
  return text:sub(1, room - 4) .. " ..."
end

---A namespace of nn (nn.optim) as text: its members, each with a sentence; nil of other tables.
function M.family(t)
  local meta = getmetatable(t)
  local name = type(meta) == "table" and rawget(meta, "__name")
  if name == "nn" and t == package.loaded.nn then
    local layers = core.layer_names()
    local families = {}
    for family in pairs(require("nn.internal.public").namespaces) do
      families[#families + 1] = "nn." .. family
    end
    table.sort(families)
    return ("nn: %d operations on tensors (nn.randn, nn.sum, ...: docs/reference), %d layers and losses (nn.Linear, ...), and "
      .. "families:\n  %s\n?softmax, ?Linear or ?nn.optim tell more; nn.<Tab> lists all."):format(#core.ops(), #layers,
      table.concat(families, " "):gsub("(nn%.plot) ", "%1\n  "))
  end
  if type(name) ~= "string" or not name:find "^nn%.%l" or not (rawget(meta, "homes") or rawget(meta, "__index")) then
    return nil
  end
  load_ops()
  local rows, widest = {}, 0
  for _, key in ipairs(namespace_names(t)) do
    local ok, value = core.try(function()
      return t[key]
    end)
    if ok and value ~= nil then
      rows[#rows + 1] = { key, sentence_of(key, value) }
      widest = math.max(widest, #key)
    end
  end
  local out = { ("%s  (?%s.%s tells more)"):format(name, name, rows[1] and rows[1][1] or "name") }
  for _, row in ipairs(rows) do
    out[#out + 1] = (("  %-" .. widest .. "s  %s"):format(row[1], in_a_row(row[2], 96 - widest)):gsub("%s+$", ""))
  end
  return table.concat(out, "\n")
end

-- "Dataset:split" or, of a global variable, "data:split".
local function method_of(owner, name)
  local methods = require("nn.internal.objects").methods(owner)
  if methods then
    return methods[name]
  end
  local ok, value = core.try(function()
    return not core.is_tensor(_G[owner]) and _G[owner][name]
  end)
  return ok and type(value) == "function" and value or nil
end

local function find(name)
  local nn = require "nn"
  local owner, method = name:gsub("^nn%.", ""):match "^([%w_]+):([%w_]+)$"
  local found = owner and method_of(owner, method)
  if found then
    return name, found
  end
  local plain = name:gsub("^nn%.", ""):gsub("^[%w_]+:", "")
  if load_ops()[plain] and not require("nn.internal.public").homes[plain] then
    return plain, ops[plain]
  end
  if plain:find "_$" and load_ops()[plain:sub(1, -2)] then
    return plain, ops[plain:sub(1, -2)]
  end
  local value = nn
  for part in plain:gmatch "[^%.]+" do
    local ok, v = core.try(function()
      return value[part]
    end)
    value = ok and v or nil
    if value == nil then -- a method of tensors or layers
      return plain, core.tensor_methods[plain] or rawget(core.fields(nn.Module), plain) or _G[plain]
    end
  end
  return plain, value
end

-- "optim.Adam" for "Adam".
local function in_a_namespace(name)
  local public = require "nn.internal.public"
  for space, file in pairs(public.namespaces) do
    local ok, value = core.try(function()
      return require(file)[name]
    end)
    if ok and value ~= nil then
      return space .. "." .. name
    end
  end
end

-- ---- lists and search ----

-- What `?layers` and the like name: the families of the layer table, and namespaces by what people call them.
local called = { optimizers = "optim", schedules = "sched", schedulers = "sched", datasets = "data", initializers = "init",
  plots = "plot", training = "train", metrics = "train.metrics" }

---What ?NAME lists: layers, losses, optimizers, ...
---@return table<string, boolean>
function M.lists()
  local out = { layers = true, losses = true }
  for name in pairs(called) do
    out[name] = true
  end
  for _, entry in ipairs(core.layers()) do
    out[entry.family] = true
  end
  return out
end

-- "layers", "losses", "activations": the layer table's entries by family.
local function layers_of(word)
  local layer_help = require "nn.internal.layer_help"
  local rows, families = {}, {}
  for _, entry in ipairs(core.layers()) do
    local is_loss = entry.name:find "Loss$" ~= nil
    if word == "layers" and not is_loss or word == "losses" and is_loss or entry.family == word then
      rows[#rows + 1] = entry
    end
    families[entry.family] = true
  end
  if #rows == 0 then
    return nil
  end
  local out, widest = {}, 0
  for _, entry in ipairs(rows) do
    widest = math.max(widest, #entry.name)
  end
  for _, entry in ipairs(rows) do
    local doc = entry.doc:match "^(.-[^%.%s]%.)%s" or entry.doc
    doc = #doc > 96 - widest and doc:sub(1, 92 - widest) .. " ..." or doc
    out[#out + 1] = ("  %-" .. widest .. "s  %s"):format(entry.name, doc)
  end
  local names = {}
  for family in pairs(families) do
    names[#names + 1] = family
  end
  table.sort(names)
  out[#out + 1] = ("?%s tells more. Of a kind: ?%s"):format(layer_help.entry(rows[1].name).name, table.concat(names, " ?"))
  return table.concat(out, "\n")
end

-- What belongs to Lua itself stands in its manual.
local function of_lua(name)
  local manual = "https://www.lua.org/manual/5.4/manual.html"
  local library, member = name:match "^(%l[%w]*)%.([%w_]+)$"
  if library and type(rawget(_G, library)) == "table" and rawget(rawget(_G, library), member) ~= nil
    and package.loaded[library] == rawget(_G, library) then
    return ("%s is Lua's own: %s#pdf-%s"):format(name, manual, name)
  elseif require("nn.prompt.lexer").keywords[name] then
    return ("'%s' is a word of Lua: %s#3.3"):format(name, manual)
  elseif type(rawget(_G, name)) == "function" and debug.getinfo(rawget(_G, name), "S").what == "C" then
    return ("%s is Lua's own: %s#pdf-%s"):format(name, manual, name)
  end
end

-- "Loader:state_dict" and the like for "state_dict".
local function owners_of(name)
  local found = {}
  for full in pairs(require("nn.internal.manual").functions()) do
    found[#found + 1] = full:match ":(.*)$" == name and full or nil
  end
  table.sort(found)
  return found
end

-- What methods of this name do: the text of one, or of several a list.
local function methods_called(name)
  local found = owners_of(name)
  if #found == 0 then
    return nil
  elseif #found == 1 then
    return (M.text(found[1]))
  end
  local out, widest = {}, 0
  for _, full in ipairs(found) do
    widest = math.max(widest, #full)
  end
  for i, full in ipairs(found) do
    local owner, method = full:match "^(.*):(.*)$"
    local f = method_of(owner, method)
    out[i] = ("  %-" .. widest .. "s  %s"):format(full, f and in_a_row(sentence_of(full, f), 96 - widest) or "")
  end
  return ("there is more than one:\n%s\n?%s tells more"):format(table.concat(out, "\n"), found[1])
end

---What is written about a word.
---@param word string
---@return string
function M.search(word)
  return require("nn.internal.search").search(word)
end

---Prints what a name, function, class or tensor is: signature, meaning, an example with its result, related names.
---At the prompt ?name does the same, ??word searches what is written. A method is named with its kind: "Dataset:split".
---@param what any "softmax", "optim.Adam", nn.softmax, nn.Linear, a tensor
---example:
---  > nn.help "is_tensor"
---  is_tensor(value) -> true or false
---  ...
---see: nn.versions
function M.help(what)
  local text = M.text(what)
  print(text or ("nothing is written about " .. core.describe(what)))
end

---The same as text; nil where nothing is written.
---@param what any
---@return string?
function M.text(what)
  load_ops()
  local text
  if type(what) == "string" and what:sub(1, 1) == "?" then
    text = M.search(what:match "^%?%s*(.-)%s*$")
  elseif what == nil or what == "" then
    text = "nn.help \"softmax\", nn.help(nn.Linear) or, at the prompt, ?softmax tell what something is.\n"
      .. "Lists: ?layers ?losses ?activations ?optimizers ?schedules ?data ?init ?plot ?train ?metrics; nn shows all families.\n"
      .. "??word searches what is written. At the prompt % lists commands. A shell's `nnlua doc` shows the reference."
  elseif type(what) == "string" then
    local name, found = find(what)
    if type(found) == "table" and ops[rawget(found, "name") or ""] == found then
      text = help_of_op(found)
    elseif type(found) == "table" and M.family(found) then
      text = M.family(found)
    elseif found ~= nil then
      text = help_of_value(name, found) or of_lua(what)
      local others = text and rawget(core.fields(require("nn").Module), name) == found and owners_of(name) or {}
      if #others > 1 then
        text = ("%s\nof other kinds: %s"):format(text, table.concat(others, ", "))
      end
    else
      local op_names, others, plain = {}, {}, name:gsub("^nn%.", "")
      for op_name in pairs(ops) do
        op_names[#op_names + 1] = op_name
      end
      for home in pairs(require("nn.internal.public").homes) do
        others[#others + 1] = home
      end
      local first, second = op_names, others
      if plain:find "^%u" then
        first, second = others, op_names
      end
      local home = in_a_namespace(plain)
      local lua = of_lua(what)
      if lua then
        text = lua
      elseif called[plain] then
        text = M.family(select(2, find(called[plain])))
      elseif home then
        text = help_of_value(home, select(2, find(home)))
        text = text and ("nn.%s:\n%s"):format(home, text)
      else
        text = layers_of(plain) or methods_called(plain)
      end
      if not text then
        local rest = {}
        for full in pairs(require("nn.internal.manual").functions()) do
          rest[#rest + 1] = full
        end
        local near = core.nearest(plain, first) or core.nearest(plain, second) or core.nearest(plain, rest)
        local written_there, answer = M.search(plain), require("nn.internal.names").answer("nn", plain)
        text = ("there is no '%s'"):format(what)
        if answer then
          text = ("%s; %s"):format(text, answer)
        elseif not written_there:find "^nothing" then
          text = ("%s; this is written about it:\n%s"):format(text, written_there)
        elseif near then
          text = ("%s; did you mean '%s'?"):format(text, near)
        end
      end
    end
  else
    text = help_of_value(nil, what)
  end
  return text
end

return M
