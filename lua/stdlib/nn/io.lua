-- nn.io, nn.save, nn.load: states in safetensors files. Nothing in such a file executes. A flat table of tensors becomes
-- a plain safetensors file that other programs read; a nested one (an optimizer's state) keeps its structure in a note.

local core = require "nn.core"
local is_tensor = require("nn.layers.module").is_tensor
local options = require "nn.internal.options"

local M = {}

-- Numbers that JSON has no word for.
local function number_apart(x)
  if x ~= x then
    return { ["$number"] = "nan" }
  elseif x == math.huge or x == -math.huge then
    return { ["$number"] = x > 0 and "inf" or "-inf" }
  end
  return x
end
local numbers = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

-- Strings that are no text go in hexadecimal digits.
local function is_text(s)
  return utf8.len(s) ~= nil and not s:find("\0", 1, true)
end
local function to_hex(s)
  return (s:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end
local function from_hex(s, path)
  if type(s) ~= "string" or s == "" or #s % 2 ~= 0 or s:find "[^0-9a-f]" then
    core.raise(("load: %s: its note is damaged"):format(path))
  end
  return (s:gsub("..", function(c)
    return string.char(tonumber(c, 16))
  end))
end

-- Keys keep their type in their first letter.
local function key_apart(key)
  if type(key) ~= "string" then
    return "i" .. tostring(key)
  end
  return is_text(key) and "s" .. key or "x" .. to_hex(key)
end
local function key_together(text, path)
  local kind, plain = tostring(text):match "^([six])(.*)$"
  if kind == "i" then
    plain = math.tointeger(tonumber(plain))
  elseif kind == "x" then
    plain = from_hex(plain, path)
  end
  return plain or core.raise(("load: %s: its note is damaged"):format(path))
end

-- Replaces tensors by references {["$tensor"] = name} and lists them. Names are paths, made unique: {a = {b = x}} and
-- {["a.b"] = x} may meet.
local function take_apart(value, path, list, depth)
  if is_tensor(value) then
    local name, n = path, 1
    while list.used[name] do
      n = n + 1
      name = ("%s#%d"):format(path, n)
    end
    list.used[name] = true
    list[#list + 1] = { name, value }
    return { ["$tensor"] = name }
  end
  local kind = type(value)
  if kind == "number" then
    return number_apart(value)
  elseif kind == "string" then
    return is_text(value) and value or { ["$bytes"] = to_hex(value) }
  elseif kind == "boolean" then
    return value
  end
  if kind ~= "table" then
    core.raise(("save: '%s' is %s; tables, tensors, numbers, strings and booleans can be saved"):format(path,
      core.describe(value)))
  end
  if depth > 50 then
    core.raise(("save: '%s' is nested too deep (or contains itself)"):format(path))
  end
  local keys = {}
  for key in pairs(value) do
    if type(key) ~= "string" and math.type(key) ~= "integer" then
      core.raise(("save: '%s' has a key that is neither a string nor an integer"):format(path))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then
      return a < b
    end
    return type(a) == "number"
  end)
  local out = {}
  for _, key in ipairs(keys) do
    local text = tostring(key)
    local part = is_text(text) and text or to_hex(text)
    out[key_apart(key)] = take_apart(value[key], path == "" and part or path .. "." .. part, list, depth + 1)
  end
  return out
end

local function put_together(value, tensors, path)
  if type(value) ~= "table" then
    return value
  end
  local name = value["$tensor"]
  if name then
    return tensors[name] or core.raise(("load: %s: its note names a tensor that is not there"):format(path))
  end
  local number = value["$number"]
  if number then
    return numbers[number] or core.raise(("load: %s: its note is damaged"):format(path))
  elseif value["$bytes"] then
    return from_hex(value["$bytes"], path)
  end
  local out = {}
  for key, item in pairs(value) do
    out[key_together(key, path)] = put_together(item, tensors, path)
  end
  return out
end

---Writes a state to a file: a table of tensors, numbers, strings, booleans and such tables. The file is there in full or not at
---all: it is written under another name, synced and renamed. It is a safetensors file, which other programs read, too.
---@param path string
---@param state table e.g. model:state_dict(), or {model = ..., optimizer = ...}
---example:
---  > model = nn.Linear(2, 1)
---  > nn.save("/tmp/nn-help-model.safetensors", model:state_dict())
---  > model:load_state_dict(nn.load "/tmp/nn-help-model.safetensors")
---  Linear(2, 1)  3 parameters
---see: nn.load, nn.Module:state_dict, nn.train.checkpoint, nn.io.safetensors
function M.save(path, state)
  if type(state) ~= "table" or require("nn.layers.module").is_module(state) then
    core.raise(("save: the second argument is a table such as model:state_dict(), but it is %s"):format(core.describe(state)))
  end
  local flat, names = true, {}
  for key, value in pairs(state) do
    flat = flat and type(key) == "string" and key ~= "__metadata__" and is_text(key) and is_tensor(value)
    names[#names + 1] = key
  end
  local list = { used = { ["__metadata__"] = true } }
  if flat then
    table.sort(names)
    for i, name in ipairs(names) do
      list[i] = { name, state[name] }
    end
    core.safetensors_write(path, list)
    return
  end
  local structure = take_apart(state, "", list, 0)
  core.safetensors_write(path, list, core.json_encode(structure))
end

---Reads what nn.save wrote, or any safetensors file. The names of a model's state are those of its parameters.
---@param path string
---@return table state
---example:
---  > nn.save("/tmp/nn-help-state.safetensors", {epoch = 3, weight = nn.ones(2)})
---  > nn.load("/tmp/nn-help-state.safetensors")
---  {epoch = 3, weight = tensor([1., 1.], shape=2, float32)}
---see: nn.save, nn.Module:load_state_dict
function M.load(path)
  local tensors, note = core.safetensors_read(path)
  if not note then
    return tensors
  end
  local structure, why = core.json_decode(note)
  if type(structure) ~= "table" then
    core.raise(("load: %s: its note is damaged: %s"):format(path, tostring(why)))
  end
  return put_together(structure, tensors, path)
end

local function named_list(who, tensors)
  local list = {}
  for name, x in pairs(tensors) do
    if type(name) ~= "string" or not is_tensor(x) then
      core.raise(("%s: the second argument is a table from names to tensors, but '%s' is %s"):format(who, tostring(name),
        core.describe(x)))
    end
    list[#list + 1] = { name, x }
  end
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  return list
end

---Reads a .npy file, NumPy's format of one array: or writes one, where a tensor is given. Any order of bytes, C or Fortran;
---float16 becomes float32, other integers int64. Options: dtype ("float16": writes 16-bit floats; default the tensor's).
---@param path string
---@param x? nn.Tensor
---@param opts? {dtype: "float16"} writes 16-bit floats
---@return nn.Tensor?
---example:
---  > nn.io.npy("/tmp/nn-help-x.npy", nn.tensor {1.5, 2.5})
---  > nn.io.npy("/tmp/nn-help-x.npy")
---  tensor([1.5, 2.5], shape=2, float32)
---see: nn.io.npz, nn.io.safetensors, nn.load
function M.npy(path, x, opts)
  if x == nil then
    return core.npy_read(path)
  end
  local o = options.read("npy", opts, { dtype = { "string" } })
  if o.dtype and not (o.dtype == "float16" and is_tensor(x) and x.dtype:find "float") then
    core.raise(("npy: dtype can be \"float16\", of a float tensor, but is '%s' for %s"):format(o.dtype, core.describe(x)))
  end
  core.npy_write(path, x, o.dtype == "float16")
end

---Reads a .npz file, NumPy's format of several arrays: as a table from names to tensors, or writes one where a table is
---given.
---Options: compress (false; true: deflated).
---@param path string
---@param tensors? table<string, nn.Tensor>
---@param opts? {compress: boolean}
---@return table<string, nn.Tensor>?
---example:
---  > nn.io.npz("/tmp/nn-help-x.npz", {x = nn.ones(2), y = nn.tensor {1, 2}})
---  > nn.io.npz("/tmp/nn-help-x.npz").y
---  tensor([1, 2], shape=2, int64)
---see: nn.io.npy, nn.io.safetensors
function M.npz(path, tensors, opts)
  if tensors == nil then
    return (core.npz_read(path))
  end
  local o = options.read("npz", opts, { compress = { "boolean", false } })
  core.npz_write(path, named_list("npz", tensors), o.compress)
end

---Reads a safetensors file, or writes one: as a table from names to tensors (16-bit floats become float32), or writes one
---where a table is given.
---@param path string
---@param tensors? table<string, nn.Tensor>
---@return table<string, nn.Tensor>?
---example:
---  > nn.io.safetensors("/tmp/nn-help-x.safetensors", {w = nn.ones(2)})
---  > nn.io.safetensors("/tmp/nn-help-x.safetensors").w
---  tensor([1., 1.], shape=2, float32)
---see: nn.save, nn.load, nn.io.npz
function M.safetensors(path, tensors)
  if tensors == nil then
    return (core.safetensors_read(path))
  end
  core.safetensors_write(path, named_list("safetensors", tensors))
end

---Reads an IDX file, the format of MNIST and Fashion-MNIST: plain or gzipped, as a tensor.
---@type fun(path: string): nn.Tensor
---example:
---  > f = io.open("/tmp/nn-help-labels", "wb")
---  > f:write "\0\0\8\1\0\0\0\3\5\0\4" f:close()
---  > nn.io.idx("/tmp/nn-help-labels")
---  tensor([5, 0, 4], shape=3, uint8)
---see: nn.data.fashion_mnist, nn.io.npy
M.idx = core.idx_read

for _, file in ipairs { "csv", "picture", "torch" } do
  for name, f in pairs(require("nn.io." .. file)) do
    M[name] = f
  end
end

return options.namespace("nn.io", M)
