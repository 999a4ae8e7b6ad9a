-- nn.io.csv: tables of text in and out (src/io/csv.c reads them).

local core = require "nn.core"
local is_tensor = require("nn.layers.module").is_tensor
local options = require "nn.internal.options"

local M = {}

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

return M
