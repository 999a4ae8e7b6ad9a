-- Functions that take no more arguments than they name: what is given beyond is an error, not ignored.

local core = require "nn.core"

local M = {}

local source = debug.getinfo(1, "S").source
local library = source:gsub("arity%.lua$", "")

-- Wrappers -> what they wrap, and functions that are not to be wrapped -> true.
local inner = setmetatable({}, { __mode = "k" })

local makers = {}

-- A function that makes wrappers of functions with n parameters: without a call more than that of the function itself.
local function maker(n)
  if not makers[n] then
    local list = {}
    for i = 1, n do
      list[i] = "a" .. i
    end
    local names = table.concat(list, ", ")
    local first = n > 0 and names .. ", " or ""
    makers[n] = load(([[
      local f, complain = ...
      return function(%s...)
        if ... ~= nil then
          complain(%s...)
        end
        return f(%s)
      end]]):format(first, first, names), source, "t")
  end
  return makers[n]
end

---True for a function of this library that takes a number of arguments that is known.
local function is_limited(f)
  if type(f) ~= "function" or inner[f] then
    return false
  end
  local info = debug.getinfo(f, "Su")
  return info.what == "Lua" and not info.isvararg and info.source:sub(1, #library) == library
end

---What stands behind a wrapper: the function as it was written.
function M.original(f)
  return inner[f] or f
end

---The function, which raises when it is given more arguments than it names. What is no function of this library's, or
---takes any number, is given back as it is.
---@param who string what it is called in errors
---@param f any
function M.strict(who, f)
  if not is_limited(f) then
    return f
  end
  local n = debug.getinfo(f, "u").nparams
  local names = {}
  for i = 1, n do
    names[i] = debug.getlocal(f, i)
  end
  local method = names[1] == "self"
  if method then
    table.remove(names, 1)
  end
  local wrapper = maker(n)(f, function(...)
    local given = select("#", ...) - (method and 1 or 0)
    core.raise(("%s: takes %s, but got %d: the last is %s"):format(who, #names == 0 and "no arguments"
      or ("at most %d argument%s (%s)"):format(#names, #names == 1 and "" or "s", table.concat(names, ", ")), given,
      core.describe((select(-1, ...)))))
  end)
  inner[wrapper] = f
  return wrapper
end

---How many arguments a method of this library takes behind self, or nil where any number is fine.
function M.most(f)
  if is_limited(f) then
    return debug.getinfo(f, "u").nparams - 1
  end
end

return M
