-- What is written about functions: in the comment above each, as annotations for editors (LuaCATS) with an example below them.
--
--   ---Says what it is for, in a sentence.
--   ---@param x nn.Tensor what it takes
--   ---example:
--   ---  > nn.f(nn.ones(2))
--   ---  2
--   ---see: nn.g, nn.Linear
--   ---source: Somebody 2016, eq. 3

local M = {}

local class_files -- class of options -> the file that says its fields

-- The file where a class of options stands: the function's own, or another one of the same room.
local function file_of_class(path, kind)
  if not class_files then
    class_files = {}
    local core = require "nn.core"
    local root = debug.getinfo(1, "S").source:match "^@(.*)internal/written%.lua$"
    for _, room in ipairs { "plot/reading.lua", "lab/sweep.lua", "train.lua" } do
      if core.real_path(root .. room) then
        for line in io.lines(root .. room) do
          local name = line:match "^%-%-%-@class (nn%.%u%w+Options)"
          if name then
            class_files[name] = root .. room
          end
        end
      end
    end
  end
  return class_files[kind] or path
end

-- The fields that a class of options has, from the annotations.
local function append_fields(path, kind, out)
  path = file_of_class(path, kind)
  local inside = false
  for line in io.lines(path) do
    if line == "---@class " .. kind then
      inside = true
    elseif inside and not line:find "^%-%-%-" then
      return
    elseif inside then
      local name, rest = line:match "^%-%-%-@field (%S+) (.*)"
      out[#out + 1] = name and ("    %s: %s"):format(name, rest) or "      " .. line:match "^%-%-%-%s*(.*)"
    end
  end
end

-- Functions that are made elsewhere, in C or in a loop, have their comment above the line that names them: file -> the table
-- that has them, where that is loaded.
local naming = { ["rex.lua"] = "nn.rex", ["io.lua"] = "nn.io", ["data/synthetic.lua"] = "nn.data.synthetic",
  ["init.lua"] = "nn.init", ["plot.lua"] = "nn.plot", ["models/linear.lua"] = "nn.models.linear" }
local places = {} -- function -> {path, line}

local function look_for_places()
  local contract = require "nn.internal.contract"
  local root = debug.getinfo(1, "S").source:match "^@(.*)internal/written%.lua$"
  for name, home in pairs(naming) do
    local t = package.loaded[home]
    local file = type(t) == "table" and io.open(root .. name)
    if file then
      naming[name] = nil
      local number = 0
      for line in file:lines() do
        number = number + 1
        local named = line:match "^M%.([%w_]+) = " or line:match '^%l+%("([%w_]+)"' or ""
        for _, ending in ipairs { "", "_normal_", "_uniform_" } do
          local f = rawget(t, named .. ending)
          if type(f) == "function" then
            places[contract.original(f)] = { root .. name, number }
          end
        end
      end
      file:close()
    end
  end
end

-- The lines of a file up to a line, and the number of the first comment line above that.
local function read_above(path, number)
  local file = path and number > 0 and io.open(path)
  if not file then
    return nil
  end
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line
    if #lines == number then
      break
    end
  end
  file:close()
  local first = #lines
  while first > 1 and lines[first - 1]:find "^%s*%-%-" do
    first = first - 1
  end
  return lines, first
end

---What is written about a function in the comment above it, with its head where `name` says how it is called. From "example:"
---on lines are kept as they are, after the fields of options. nil: nothing.
---@param f function
---@param name? string "nn.data.moons", "Dataset:split"
---@return string?
function M.above(f, name)
  local contract = require "nn.internal.contract"
  f = contract.original(f)
  if contract.help[f] then
    return contract.help[f]()
  end
  look_for_places()
  local info = debug.getinfo(f, "S")
  local path, number = table.unpack(places[f] or { info.source:match "^@(.*)", info.linedefined })
  local lines, first = read_above(path, number)
  if not lines then
    return nil
  end
  local out, tail, into, within, takes = {}, {}, nil, false, {}
  for i = first, #lines - 1 do
    local bare = lines[i]:gsub("^%s*%-%-%-?", "")
    into = into or bare:find "^%s*example:" and tail or bare:find "^see: " and tail
    local text = bare:gsub("^%-* ?", "")
    local parameter, rest = text:match "^@param (%S+) (.*)"
    if into then
      text = bare
    elseif parameter then
      takes[#takes + 1] = parameter
      text = ("  %s: %s"):format(parameter, rest)
    elseif text:find "^@" then
      within = true
      text = text:gsub("^@return (.*)", "  gives %1"):gsub("^@type (.*)", "  %1"):gsub("^@.*", "")
    elseif within and text ~= "" then -- of a parameter or a result, on more than one line
      text = "      " .. text:gsub("^ +", "")
    end
    within = within or parameter ~= nil
    local list = into or out
    list[#list + 1] = (text ~= "" or into) and text or nil
  end
  for kind in table.concat(out, "\n"):gmatch "nn%.%u%w+Options" do
    append_fields(path, kind, out)
  end
  if name then
    table.insert(out, 1, ("%s(%s)"):format(name, table.concat(takes, ", ")))
  end
  table.move(tail, 1, #tail, #out + 1, out)
  out[#out + 1] = ("defined in %s:%d"):format(path, number)
  return table.concat(out, "\n")
end

---The annotations above a function as they stand ("---@param x nn.Tensor ..."), and the classes of options that they name:
---{name, lines}. For editors.
---@param f function
---@return string[] lines, {[1]: string, [2]: string[]}[] classes
function M.annotations(f)
  f = require("nn.internal.contract").original(f)
  look_for_places()
  local info = debug.getinfo(f, "S")
  local path, number = table.unpack(places[f] or { info.source:match "^@(.*)", info.linedefined })
  local lines, first = read_above(path, number)
  local out, classes = {}, {}
  for i = first or 1, lines and #lines - 1 or 0 do
    if lines[i]:find "^%s*%-%-%-@param" or lines[i]:find "^%s*%-%-%-@return" then
      out[#out + 1] = lines[i]:match "^%s*(.*)"
    end
  end
  for kind in table.concat(out, "\n"):gmatch "nn%.%u%w+Options" do
    local fields = {}
    for line in io.lines(file_of_class(path, kind)) do
      if line == "---@class " .. kind then
        fields[1] = line
      elseif #fields > 0 and not line:find "^%-%-%-@field" then
        break
      elseif #fields > 0 then
        fields[#fields + 1] = line
      end
    end
    classes[#classes + 1] = #fields > 0 and { kind, fields } or nil
  end
  return out, classes
end

return M
