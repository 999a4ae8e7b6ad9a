-- Pictures written by gnuplot: data as blocks, options as settings, one run a picture.

local core = require "nn.core"

local M = {}

M.colours = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8A800" }
M.viridis = "defined (0 '#440154', 0.13 '#472c7a', 0.25 '#3b528b', 0.38 '#2c728e', 0.5 '#21918c', 0.63 '#28ae80', "
  .. "0.75 '#5ec962', 0.88 '#addc30', 1 '#fde725')"
M.diverging = "defined (0 '#0072B2', 0.5 '#f7f7f7', 1 '#D55E00')"

-- Single quotes: in double ones gnuplot would run what stands in backquotes.
function M.quoted(s)
  return "'" .. s:gsub("'", "''"):gsub("%c", " ") .. "'"
end

function M.number(v)
  if v ~= v or v == math.huge or v == -math.huge then
    return "NaN"
  end
  return ("%.9g"):format(v)
end

function M.is_there()
  if core.is_sandboxed() then -- no programs are started there
    return false
  end
  local p = io.popen "command -v gnuplot 2>/dev/null"
  local found = p and p:read "a" or ""
  if p then
    p:close()
  end
  return found ~= ""
end

local terminals = {
  png = "pngcairo size %d,%d font 'DejaVu Sans,%d' linewidth 1.3 enhanced",
  svg = "svg size %d,%d font 'DejaVu Sans,%d' linewidth 1.3 enhanced background rgb 'white'",
  pdf = "pdfcairo size %gin,%gin font 'DejaVu Sans,%d' linewidth 1.3 enhanced",
  sixel = "sixelgd size %d,%d font 'DejaVu Sans,%d' linewidth 1.3 enhanced", -- for terminals (images.lua)
}

-- directory: where files with relative names go, or false.
local function path_of(o, directory)
  local path = o.file
  directory = directory or os.getenv "NNLUA_OUT"
  if directory and path:sub(1, 1) ~= "/" then
    core.make_directory(directory)
    path = directory .. "/" .. path
  end
  -- what begins with '|' would be a command to gnuplot
  return path:find "^/" and path or "./" .. path
end

-- How files of each kind end. gnuplot says nothing of a disk that was full.
local ends = { png = "IEND\xaeB`\x82$", svg = "</svg>%s*$", pdf = "%%%%EOF%s*$", sixel = "\27\\%s*$" }

local function is_whole(path, kind)
  local f = io.open(path, "rb")
  if not f then
    return false
  end
  f:seek("end", -math.min(64, f:seek "end"))
  local tail = f:read "a" or ""
  f:close()
  return tail:find(ends[kind]) ~= nil
end

-- Runs gnuplot on a script, which stands in a file beside the picture meanwhile; gives what it said, and whether all went
-- well.
local function run_script(who, text, path)
  local name = core.temporary_name(path)
  local f, why = io.open(name, "w")
  local written = f and f:write(text)
  local closed, late
  if f then
    closed, late = f:close()
  end
  if not written or not closed then
    os.remove(name)
    why = why or late or "the disk is full"
    why = why:sub(1, #name) == name and why:sub(#name + 3) or why
    core.raise(("%s: could not write '%s': %s"):format(who, path, why))
  end
  local p = io.popen(("gnuplot '%s' 2>&1"):format((name:gsub("'", "'\\''"))))
  local said = p and p:read "a" or "it could not be started"
  local ok = p and p:close()
  os.remove(name)
  return said, ok
end

---Runs a script of these lines behind a head made of the options; returns the picture's path.
---@param o table options: file, title, xlabel, ylabel, log, xrange, yrange, columns, size, key
---@param lines string[]
---@param directory string|false where files with relative names go
---@return string path
function M.run(o, lines, directory)
  if core.is_sandboxed() then
    core.raise(("%s: the sandbox writes no pictures: gnuplot draws them, and no programs are started; leave `file` out to "
      .. "draw in the terminal"):format(o.who))
  elseif not M.is_there() then
    core.raise(("%s: writing a picture needs gnuplot; install it with: apt-get install gnuplot-nox"):format(o.who))
  end
  local path = path_of(o, directory)
  local kind = path:match "%.(%w+)$"
  if not terminals[kind] then
    core.raise(("%s: the file must end in .png, .svg or .pdf, but is '%s'"):format(o.who, o.file))
  end
  local width, height = 640, o.tall or 420
  if o.columns == 2 then
    width = 1100
  end
  if o.size then
    width, height = o.size[1], o.size[2]
  end
  if not o.key:find "^[%w%s]*$" then
    core.raise(("%s: key must be a place such as \"top left\" or \"above\", but is %s"):format(o.who, core.describe(o.key)))
  end
  if path:find "%c" then -- gnuplot cannot be told such a name
    core.raise(("%s: the name of a picture must have no control characters, but is %q"):format(o.who, path))
  end
  local temporary = core.temporary_name(path)
  local font = 11
  if kind == "pdf" then
    width, height = width / 96, height / 96
  end
  local script = {
    "set terminal " .. terminals[kind]:format(width, height, font), "set output " .. M.quoted(temporary),
    "set encoding utf8", "set border linewidth 0.7 linecolor '#555555'", "set tics nomirror",
    "set grid linecolor '#e0e0e0' linewidth 0.5", "set key samplen 1.5 " .. (o.key ~= "" and o.key or "top right"),
  }
  for i, colour in ipairs(M.colours) do
    script[#script + 1] = ("set linetype %d linecolor rgb '%s' linewidth 1.6 pointtype 7 pointsize 0.6"):format(i, colour)
  end
  local function add(format, ...)
    script[#script + 1] = format:format(...)
  end
  for _, name in ipairs { "title", "xlabel", "ylabel" } do
    if o[name] then
      add("set %s %s noenhanced", name, M.quoted(o[name]))
    end
  end
  for axis in o.log:gmatch "[xy]" do
    add("set logscale %s", axis)
    add("set format %s '10^{%%T}'", axis)
  end
  for _, axis in ipairs { "x", "y" } do
    local r = o[axis .. "range"]
    if r then
      add("set %srange [%s:%s]", axis, r[1] and M.number(r[1]) or "*", r[2] and M.number(r[2]) or "*")
    end
  end
  for _, line in ipairs(lines) do
    script[#script + 1] = line
  end
  local text, ok = run_script(o.who, table.concat(script, "\n") .. "\n", path)
  if not ok or not is_whole(temporary, kind) then
    os.remove(temporary)
    core.raise(("%s: gnuplot could not write '%s': %s"):format(o.who, path,
      text ~= "" and text:gsub("%s+$", "") or "what it wrote is not whole; the disk may be full"))
  end
  core.replace_file(temporary, path)
  return path
end

-- $name << EOD ... from columns
function M.block(lines, name, columns)
  lines[#lines + 1] = ("$%s << EOD"):format(name)
  for i = 1, #columns[1] do
    local cells = {}
    for k, column in ipairs(columns) do
      cells[k] = M.number(column[i])
    end
    lines[#lines + 1] = table.concat(cells, " ")
  end
  lines[#lines + 1] = "EOD"
end

function M.matrix_block(lines, name, rows)
  lines[#lines + 1] = ("$%s << EOD"):format(name)
  for _, row in ipairs(rows) do
    local cells = {}
    for k, v in ipairs(row) do
      cells[k] = M.number(v)
    end
    lines[#lines + 1] = table.concat(cells, " ")
  end
  lines[#lines + 1] = "EOD"
end

function M.titled(label)
  return label and ("title %s noenhanced"):format(M.quoted(label)) or "notitle"
end

return M
