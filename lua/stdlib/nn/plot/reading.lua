-- What all pictures have in common: their options, how values are read, and the way to gnuplot.

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"
local images = require "nn.plot.images"
local options = require "nn.internal.options"

local M = {}

---@class nn.PlotOptions
---@field file? string "name.png", .svg or .pdf: drawn by gnuplot, and the path is given; default: drawn in the terminal
---@field title? string above the picture; default none
---@field xlabel? string what goes to the right; default none
---@field ylabel? string what goes up; default none
---@field log? string "x", "y" or "xy": axes with a logarithmic scale; default none
---@field xrange? number[] {low, high}; default what the values need
---@field yrange? number[] {low, high}; default what the values need
---@field columns? integer 1 (default: as wide as a column of a page) or 2 (as the page); of files
---@field size? integer[] {width, height} in pixels, instead of columns; of files
---@field key? string where the labels stand: "top left", "above"; default top right; of files

---Draws lines of gnuplot: into the file, whose path it gives, or on the terminal.
---@param o table what read gave
---@param lines string[]
---@return string?
function M.run(o, lines)
  local path = gnuplot.run(o, lines, require("nn.plot").directory)
  return not images.shown(path) and path or nil
end

local common = {
  file = { "string" }, title = { "string" }, xlabel = { "string" }, ylabel = { "string" }, log = { "string", "" },
  xrange = { "table" }, yrange = { "table" }, columns = { "integer", 1 }, size = { "table" }, key = { "string", "" },
}

function M.is_finite(v)
  return type(v) == "number" and v == v and v > -math.huge and v < math.huge
end

local function is_length(v)
  return type(v) == "number" and v >= 16 and v <= 20000
end

---The options of a kind of picture: those of all, and its own.
---@param who string
---@param opts? table
---@param own? table
---@return table o
function M.read(who, opts, own)
  local spec = {}
  for _, t in ipairs { common, own or {} } do
    for name, rule in pairs(t) do
      spec[name] = rule
    end
  end
  local o = options.read("plot." .. who, opts, spec)
  o.who = "plot." .. who
  for _, name in ipairs { "xrange", "yrange", "range" } do
    local r = o[name]
    local function is_end(v)
      return v == nil and name ~= "range" or M.is_finite(v)
    end
    if r and not (is_end(r[1]) and is_end(r[2])) then
      core.raise(("%s: %s must be {low, high}, two numbers, but is {%s, %s}"):format(o.who, name, core.describe(r[1]),
        core.describe(r[2])))
    end
  end
  if o.size and not (is_length(o.size[1]) and is_length(o.size[2])) then
    core.raise(("%s: size must be {width, height} in pixels, each from 16 to 20000, but is {%s, %s}"):format(o.who,
      core.describe(o.size[1]), core.describe(o.size[2])))
  end
  if not o.file then
    o.file = images.file()
  end
  return o
end

-- ---- values ----

-- A list of numbers from a tensor or a table.
function M.list(who, what, v)
  if core.is_tensor(v) then
    return v:detach():reshape(-1):to("float64"):totable()
  elseif type(v) == "table" then
    local out = {}
    for i = 1, #v do
      out[i] = v[i]
      if type(out[i]) ~= "number" then
        core.raise(("%s: %s must be numbers, but number %d is %s"):format(who, what, i, core.describe(out[i])))
      end
    end
    return out
  end
  core.raise(("%s: %s must be a tensor or a list, but is %s"):format(who, what, core.describe(v)))
end

-- Rows of numbers from a matrix.
function M.rows_of(who, v)
  if core.is_tensor(v) then
    if v.ndim ~= 2 then
      core.raise(("%s: needs a matrix, but the shape is %s"):format(who, tostring(v.shape)))
    end
    if v:numel() == 0 then
      core.raise(("%s: there are no values: the shape is %s"):format(who, tostring(v.shape)))
    end
    return v:detach():to("float64"):totable()
  elseif type(v) ~= "table" or type(v[1]) ~= "table" or #v[1] == 0 then
    core.raise(("%s: needs a matrix, but got %s"):format(who, core.describe(v)))
  end
  for r, row in ipairs(v) do
    if type(row) ~= "table" or #row ~= #v[1] then
      core.raise(("%s: each row must have %d numbers, as the first, but row %d is %s"):format(who, #v[1], r,
        type(row) == "table" and ("a list of %d"):format(#row) or core.describe(row)))
    end
    M.list(who, ("row %d"):format(r), row)
  end
  return v
end

-- Series {x =, y =, label =, ...} from what users give: one series or many, as tables or as bare values.
function M.series_of(who, given)
  -- a run, or its history: the losses
  local rows = type(given) == "table" and (rawget(given, "history") or given)
  if type(rows) == "table" and type(rows[1]) == "table" and type(rawget(rows[1], "loss")) == "number" then
    local out = {}
    for _, name in ipairs { "loss", "valid_loss" } do
      local y = {}
      for i, row in ipairs(rows) do
        y[i] = tonumber(row[name]) or 0 / 0
      end
      out[#out + 1] = rows[1][name] ~= nil and { y = y, label = name } or nil
    end
    given = out
  end
  if type(given) ~= "table" and not core.is_tensor(given) then
    core.raise(("%s: needs values, but got %s"):format(who, core.describe(given)))
  end
  if core.is_tensor(given) or type(given[1]) == "number" then
    given = { { y = given } }
  elseif given.y ~= nil then
    given = { given }
  end
  local out = {}
  for i = 1, #given do
    local s = given[i]
    if core.is_tensor(s) or type(s) == "table" and type(s[1]) == "number" then
      s = { y = s }
    end
    if type(s) ~= "table" or s.y == nil then
      core.raise(("%s: series %d must be a tensor, a list of numbers or {x =, y =, label =}, but is %s"):format(who, i,
        type(s) == "table" and "a table without y" or core.describe(s)))
    end
    local new = { label = s.label, style = s.style, error = s.error and M.list(who, "error", s.error) }
    new.y = M.list(who, "y", s.y)
    new.x = s.x and M.list(who, "x", s.x)
    if not new.x then
      new.x = {}
      for k = 1, #new.y do
        new.x[k] = k
      end
    end
    if #new.x ~= #new.y then
      core.raise(("%s: series %d has %d x and %d y"):format(who, i, #new.x, #new.y))
    elseif new.error and #new.error ~= #new.y then
      core.raise(("%s: series %d has %d y and an error of %d"):format(who, i, #new.y, #new.error))
    end
    out[i] = new
  end
  return out
end

return M
