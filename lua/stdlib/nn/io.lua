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

-- ---- pictures ----

local kind_of_name = { png = "png", jpg = "jpeg", jpeg = "jpeg", ppm = "pnm", pgm = "pnm" }

-- A picture as it is written: uint8, channels x height x width.
local function as_bytes(x)
  x = x.ndim == 2 and x:unsqueeze(1) or x
  local channels = x.ndim == 3 and x:size(1) or 0
  if channels < 1 or channels > 4 or x:numel() == 0 then
    core.raise(("image: a picture is channels x height x width with 1 to 4 channels, or height x width, but has shape %s"):format(
      tostring(x.shape)))
  elseif x.dtype:find "float" then
    local low, high = x:min():item(), x:max():item()
    if low ~= low then
      core.raise "image: floats of a picture lie in 0..1, but some are nan"
    elseif low < 0 or high > 1 then
      core.raise(("image: floats of a picture lie in 0..1, but are in %g..%g; scale them, e.g. (x - x:min()) / (x:max() - "
        .. "x:min())"):format(low, high))
    end
    x = (x:detach() * 255):round()
  elseif x.dtype == "bool" then
    x = x:to("uint8") * 255
  end
  return x:to("uint8"):contiguous()
end

---Reads a picture (PNG, JPEG, PPM, PGM) as uint8 of channels x height x width, or writes one where a tensor is given: uint8, or
---floats in 0..1, of channels x height x width or height x width; the name's end says the format (.png, .jpg, .ppm, .pgm). Each
---element is one pixel. Channels are gray, gray and opacity, red green blue, or these and opacity.
---Options: channels (reading: 1, 2, 3 or 4; default as in the file; opacity that is not asked for is laid on white), quality
---(writing JPEG: 1 to 100, default 90).
---@param path string
---@param x? nn.Tensor|table a picture; or the options, where one is read
---@param opts? {channels: integer, quality: integer}
---@return nn.Tensor? uint8, channels x height x width
---example:
---  > nn.io.image("/tmp/nn-help-x.pgm", nn.tensor {{0.0, 0.5, 1.0}})
---  > nn.io.image("/tmp/nn-help-x.pgm")
---  tensor([[[  0, 128, 255]]], shape=1x1x3, uint8)
---  > nn.io.image("/tmp/nn-help-x.pgm", {channels = 3}):to "float32":div(255).shape
---  3x1x3
---see: nn.plot.image, nn.io.npy, nn.data.tensors
function M.image(path, x, opts)
  if type(path) ~= "string" then
    core.raise(("image: the path must be a string, but is %s"):format(core.describe(path)))
  end
  local reads = not core.is_tensor(x)
  if reads and opts == nil then
    x, opts = nil, x
  end
  if reads and x ~= nil then
    core.raise(("image: what is written must be a tensor, but is %s"):format(core.describe(x)))
  elseif reads then
    local o = options.read("image", opts, { channels = { "integer", 0, least = 1, most = 4 } })
    local file, why = io.open(path, "rb")
    local bytes = file and file:read "a"
    if file then
      file:close()
    end
    if not bytes then
      core.raise(("image: %s"):format(why or path .. ": cannot be read"))
    end
    return core.picture_decode(bytes, o.channels, path)
  end
  local o = options.read("image", opts, { quality = { "integer", 90, least = 1, most = 100 } })
  local ending = path:match "%.(%w+)$" or ""
  local kind = kind_of_name[ending:lower()]
  local picture = as_bytes(x)
  local channels = picture:size(1)
  if not kind then
    core.raise(("image: %s: the name must end in .png, .jpg, .ppm or .pgm, which says the format"):format(path))
  elseif kind ~= "png" and channels % 2 == 0 then
    core.raise(("image: %s: %d channels are with opacity, which only .png has"):format(path, channels))
  elseif ending:lower() == "pgm" and channels ~= 1 or ending:lower() == "ppm" and channels == 2 then
    core.raise(("image: %s: a .pgm has one channel, but the picture has %d; name it .ppm"):format(path, channels))
  end
  picture = ending:lower() == "ppm" and picture:expand(3, -1, -1):contiguous() or picture
  core.picture_write(path, picture, kind, o.quality)
end

-- ---- csv ----

-- A list of what `check` lets pass.
local function check_list(name, list, what, check)
  local n = 0
  for key, value in pairs(list) do
    n = n + 1
    if math.type(key) ~= "integer" or key < 1 or key > #list or not check(value) then
      core.raise(("csv: option %s must be a list of %s, but has %s at [%s]"):format(name, what, core.describe(value),
        tostring(key)))
    end
  end
  return n
end

local function is_text_field(v)
  return type(v) == "string"
end

local function is_column(v)
  return type(v) == "string" or math.type(v) == "integer"
end

local function read_csv_options(given)
  local o = options.read("csv", given, {
    header = { "boolean" }, sep = { "string" }, decimal = { "string", ".", one_of = { ".", "," } },
    dtype = { "string", "float32", one_of = { "float32", "float64" } }, missing = { "table", {} }, columns = { "table", {} },
    classes = { "table", {} },
  })
  if o.sep and (#o.sep ~= 1 or o.sep:find '[%w"%.%+%-\r\n\0\128-\255]') then
    core.raise(("csv: option sep must be one character between fields, such as \",\", \";\" or \"\\t\", but is %q"):format(o.sep))
  elseif o.decimal == (o.sep or ",") then
    if o.sep then
      core.raise(("csv: sep and decimal are both %q"):format(o.sep))
    end
    o.sep = ";" -- what programs write where the comma is the decimal one
  end
  check_list("missing", o.missing, "strings", is_text_field)
  if given and given.columns and check_list("columns", o.columns, "names or numbers of columns", is_column) == 0 then
    core.raise "csv: option columns is empty; leave it out to read all columns"
  end
  return o
end

-- {NAME = true or a list of classes} to the list of columns that C is told.
local function read_class_options(o)
  local list = {}
  for column, value in pairs(o.classes) do
    if not is_column(column) or value ~= true and type(value) ~= "table" then
      core.raise(("csv: option classes must be {COLUMN = true} or {COLUMN = {\"lily\", \"rose\"}}, but has %s at [%s]"):format(
        core.describe(value), tostring(column)))
    elseif type(value) == "table" then
      check_list(("classes.%s"):format(column), value, "names", is_text_field)
    end
    list[#list + 1] = column
  end
  return list
end

-- The numbers of a column's classes, by the order of a list that the user gave.
local function renumber(path, name, values, at, found, wanted)
  local places, map = {}, {}
  for k, class in ipairs(wanted) do
    if places[class] then
      core.raise(("csv: %s: '%s' stands twice in the classes of column '%s'"):format(path, tostring(class), name))
    end
    places[class] = k
  end
  for k, class in ipairs(found) do
    map[k] = places[class] or core.raise(("csv: %s: column '%s' has '%s', which is none of the classes given for it"):format(path,
      name, class))
  end
  local column = values:select(2, at)
  local there = column:isnan():logical_not()
  column[there] = core.tensor(map):to(values.dtype):index_select(1, column[there]:to "int64")
end

local function read_csv(path, given)
  local o = read_csv_options(given)
  local wanted = o.classes
  o.classes = read_class_options(o)
  o.dtype = o.dtype == "float64" and "double" or "single"
  local values, names, found = core.csv_read(path, o)
  local classes = {}
  for at, list in pairs(found) do
    local number = o.columns[at] or at
    local name = names and names[at] or number
    local given_list = wanted[name] or wanted[number]
    if type(given_list) == "table" then
      renumber(path, tostring(name), values, at, list, given_list)
      list = table.move(given_list, 1, #given_list, 1, {})
    end
    if classes[name] ~= nil then
      core.raise(("csv: %s: two columns are called '%s', and both hold names of classes"):format(path, name))
    end
    classes[name] = list
  end
  return values, names, classes
end

local function quoted(text)
  return text:find '[",;\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text:find "^%s" and '"' .. text .. '"' or text
end

local function write_csv(path, x, given)
  local o = options.read("csv", given, { names = { "table" }, sep = { "string", "," } })
  if x.ndim ~= 2 then
    core.raise(("csv: the table must have rows and columns, but its shape is %s"):format(tostring(x.shape)))
  elseif o.names and check_list("names", o.names, "strings", is_text_field) ~= x:size(2) then
    core.raise(("csv: there are %d names for %d columns"):format(#o.names, x:size(2)))
  elseif #o.sep ~= 1 or o.sep:find '[%w"%.%+%-\r\n]' then
    core.raise(("csv: option sep must be one character between fields, but is %q"):format(o.sep))
  end
  local lines = {}
  if o.names then
    local head = {}
    for i, name in ipairs(o.names) do
      head[i] = name:find(o.sep, 1, true) and not name:find '[",;\r\n]' and '"' .. name .. '"' or quoted(name)
    end
    lines[1] = table.concat(head, o.sep)
  end
  local point = ("%.1f"):format(0):match "^0(.)0$" -- a matter of the locale
  local format = x.dtype == "float32" and "%.9g" or x.dtype == "float64" and "%.17g" or "%d"
  for _, row in ipairs(x:detach():to(x.dtype == "bool" and "int64" or x.dtype):totable()) do
    for i, v in ipairs(row) do
      local text = v ~= v and "nan" or format:format(v)
      row[i] = point == "." and text or text:gsub("%" .. point, ".")
    end
    lines[#lines + 1] = table.concat(row, o.sep)
  end
  lines[#lines + 1] = ""
  core.write_file(path, table.concat(lines, "\n"))
end

---@class nn.CsvOptions
---@field header? boolean whether the first row has the names; default: where none of its fields is a number
---@field sep? string default ","
---@field decimal? string "." (default) or ","; with "," fields are separated by ";"
---@field dtype? string "float32" (default) or "float64"
---@field columns? table a list of names or numbers: these, in this order; default all
---@field missing? table a list of texts such as {"", "NA"}: these cells are nan; default none
---@field classes? table {NAME = true}: names, also where they look like numbers; {NAME = {"lily", "rose"}}: numbered in this
---order, and others are errors, as for a test set

---Reads a table of numbers from text, one row a line, plain or gzipped; or writes one: nn.io.csv(path, x, {names = {...}}).
---A column of names becomes numbers from 1, in the order of the sorted names; classes[NAME] lists them. Fields may stand in
---quotes. What is not sure is an error that names line and column: a row with more or fewer fields than the first, an empty cell,
---a text among numbers, a whole number that the dtype would round.
---Without a header, columns have numbers. Options for writing: names, sep (",").
---@param path string
---@param x? nn.Tensor|nn.CsvOptions what is written; or the options for reading
---@param opts? {names: string[], sep: string}
---@return nn.Tensor? x rows x columns
---@return string[]? names those of the columns, if there is a header
---@return table? classes by the column's name
---example:
---  > f = io.open("/tmp/nn-help-flowers.csv", "w")
---  > f:write "width,kind\n1.5,rose\n2,lily\n" f:close()
---  > x, names, classes = nn.io.csv "/tmp/nn-help-flowers.csv"
---  > x
---  tensor([[1.5, 2.0],
---          [2.0, 1.0]], shape=2x2, float32)
---  > classes
---  {kind = {"lily", "rose"}}
---see: nn.data.tensors, nn.data.StandardScaler, nn.io.npy
function M.csv(path, x, opts)
  if is_tensor(x) then
    write_csv(path, x, opts)
  elseif opts ~= nil then
    core.raise "csv: a third argument is for writing, nn.io.csv(path, x, {names = ...}), but the second is no tensor"
  else
    return read_csv(path, x)
  end
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

-- What PyTorch calls a parameter of a model: places of lists and layers of recurrent nets count from 0 there. Keys of a
-- ModuleDict are names, whatever they look like.
local function torch_name(model, name)
  local parts, at = {}, model
  for part in name:gmatch "[^.]+" do
    local place = math.tointeger(part)
    parts[#parts + 1] = place and core.entry_of(at) ~= "ModuleDict" and tostring(place - 1) or part
    local fields = core.fields(at) or type(at) == "table" and at or {}
    at = rawget(fields, part) or rawget(fields, place or part)
  end
  return (table.concat(parts, "."):gsub("([a-z]_[ih]h_l)(%d+)", function(stem, digits)
    return stem .. tostring(math.tointeger(digits) - 1)
  end))
end

-- What PyTorch's DataParallel puts before each name.
local function without_prefix(model, state)
  local out = {}
  for name, tensor in pairs(state) do
    local rest = tostring(name):match "^module%.(.+)$"
    if not rest or rawget(core.fields(model), "module") ~= nil then
      return state
    end
    out[rest] = tensor
  end
  return out
end

---Gives a state of PyTorch's the names that a model has here: lists count from 1 (0.weight is 1.weight) and so do layers of
---recurrent nets (weight_ih_l0 is weight_ih_l1); the "module." of DataParallel goes. What the model has and the state lacks, or
---the other way round, is an error. Options: strict (true; false: what is on one side only is left out, for
---model:load_state_dict(state, {strict = false})). Without a state: the model's own under PyTorch's names, for files that Python
---reads.
---@param model nn.Module
---@param state? table<string, nn.Tensor> what nn.load gives of a safetensors file that PyTorch wrote
---@param opts? {strict: boolean}
---@return table<string, nn.Tensor> state for model:load_state_dict
---example:
---  > model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
---  > theirs = {["0.weight"] = nn.ones(3, 2), ["0.bias"] = nn.zeros(3), ["2.weight"] = nn.ones(1, 3), ["2.bias"] = nn.zeros(1)}
---  > model = model:load_state_dict(nn.io.torch_state(model, theirs))
---  > model(nn.ones(1, 2)):item()
---  6.0
---see: nn.Module:load_state_dict, nn.load, nn.io.safetensors
function M.torch_state(model, state, opts)
  if not core.is_module(model) then
    core.raise(("torch_state: the first argument must be a model, but is %s"):format(core.describe(model)))
  end
  local own = model:state_dict()
  if state == nil then
    local out = {}
    for name, tensor in pairs(own) do
      out[torch_name(model, name)] = tensor
    end
    return out
  elseif type(state) ~= "table" then
    core.raise(("torch_state: the state must be a table of tensors, but is %s"):format(core.describe(state)))
  end
  opts = options.read("torch_state", opts, { strict = { "boolean", true } })
  state = without_prefix(model, state)
  local out, used, missing = {}, {}, {}
  for name, tensor in pairs(own) do
    local theirs = torch_name(model, name)
    if state[theirs] ~= nil then
      out[name], used[theirs] = state[theirs], true
    elseif name:find "num_batches_tracked$" then
      out[name] = tensor
    else
      missing[#missing + 1] = ("'%s' (here '%s')"):format(theirs, name)
    end
  end
  local left = {}
  for name in pairs(state) do
    if not used[name] and not tostring(name):find "num_batches_tracked$" then
      left[#left + 1] = ("'%s'"):format(tostring(name))
    end
  end
  table.sort(missing)
  table.sort(left)
  if opts.strict and #missing + #left > 0 then
    local why = {}
    for words, list in pairs { ["it lacks "] = missing, ["the model lacks "] = left } do
      why[#why + 1] = #list > 0 and words .. table.concat(list, ", ", 1, math.min(6, #list)) or nil
    end
    table.sort(why)
    core.raise(("torch_state: the state does not fit the %s: %s; {strict = false} takes what fits"):format(model._name,
      table.concat(why, "; ")))
  end
  return out
end

return options.namespace("nn.io", M)
