-- The wall in Lua around a script that nobody trusts (--sandbox). The program runs this file before the script, with the
-- directory of the script or nil; `require` does not know it. What could reach files, programs or other code than Lua
-- text is replaced in its table, so that no name leads to the functions as they were. These are upvalues here, which
-- nothing can read without debug.getupvalue. No method of a string is called: the script can change those.

local script_directory = ...

local core = require "nn.core"
local error, pcall, type, select, pairs, rawget = error, pcall, type, select, pairs, rawget
local find, gsub, gmatch = string.find, string.gsub, string.gmatch
local may_read, may_load, may_write, may_rename = core.may_read, core.may_load, core.may_write, core.may_rename

-- Raises in the line that called the function of this name.
local function refuse(who, why)
  error(who .. ": " .. why, 3)
end

local function hand_on(who, ok, ...)
  if ok then
    return ...
  end
  local why = ...
  error(type(why) == "string" and gsub(why, "to '%?'", "to '" .. who .. "'") or why, 2)
end

-- Calls a function as it was. Tail calls all the way, so that what it says of its arguments is said in the script's line.
local function as_was(who, f, ...)
  return hand_on(who, pcall(f, ...))
end

local function never(who, why)
  return function()
    refuse(who, "the sandbox " .. why)
  end
end

-- ---- io ----

local open, close, lines, input, output = io.open, io.close, io.lines, io.input, io.output

-- Why a file may not be opened so, or nil.
local function why_not_open(path, mode)
  local reads = find(mode, "r", 1, true) or find(mode, "+", 1, true)
  local ok, why = true, nil
  if mode ~= "r" and mode ~= "rb" then
    ok, why = may_write(path)
  end
  if ok and reads then
    ok, why = may_read(path)
  end
  return not ok and why or nil
end

-- A path as io takes it: numbers are names, too.
local function is_path(path)
  return type(path) == "string" or type(path) == "number"
end

function io.open(path, mode)
  if is_path(path) and (mode == nil or type(mode) == "string") then
    local why = why_not_open(path, mode or "r")
    if why then
      return nil, "io.open: " .. why, 13 -- EACCES, as where the system refuses
    end
  end
  return as_was("io.open", open, path, mode)
end

function io.lines(path, ...)
  local ok, why = true, nil
  if is_path(path) then
    ok, why = may_read(path)
  end
  if not ok then
    refuse("io.lines", why)
  end
  return as_was("io.lines", lines, path, ...)
end

local function default_file(who, original, may)
  return function(file, ...)
    local ok, why = true, nil
    if is_path(file) then
      ok, why = may(file)
    end
    if not ok then
      refuse(who, why)
    end
    if file == nil then
      return original()
    end
    return as_was(who, original, file, ...)
  end
end
io.input = default_file("io.input", input, may_read)
io.output = default_file("io.output", output, may_write)
io.popen = never("io.popen", "starts no programs")
io.tmpfile = never("io.tmpfile", "has no place for temporary files; give --allow-write DIR and open a file there")

-- ---- os ----

local remove, rename, getenv, setlocale = os.remove, os.rename, os.getenv, os.setlocale

function os.remove(path)
  local ok, why = true, nil
  if is_path(path) then
    ok, why = may_rename(path)
  end
  if not ok then
    return nil, "os.remove: " .. why, 13
  end
  return as_was("os.remove", remove, path)
end

function os.rename(from, to)
  local ok, why = true, nil
  if is_path(from) and is_path(to) then
    ok, why = may_rename(from)
    if ok then
      ok, why = may_rename(to)
    end
  end
  if not ok then
    return nil, "os.rename: " .. why, 13
  end
  return as_was("os.rename", rename, from, to)
end

-- What says how to show things, and where our own data sets lie.
local shown = { LANG = true, LC_ALL = true, TERM = true, COLUMNS = true, LINES = true, TZ = true, NNLUA_DATA = true,
  NNLUA_OUT = true, NNLUA_ISA = true }

function os.getenv(name)
  return shown[name] and getenv(name) or nil
end

-- Other locales are read from files.
function os.setlocale(locale, category)
  if locale == nil or locale == "C" then
    return as_was("os.setlocale", setlocale, locale, category)
  end
  return nil
end
os.execute = never("os.execute", "starts no programs")
os.tmpname = never("os.tmpname", "has no place for temporary files; give --allow-write DIR and choose a name there")

-- ---- code: text only, since Lua does not check bytecode and wrong bytecode can do anything ----

local plain_load, plain_loadfile = load, loadfile

local function wants_bytecode(mode)
  return type(mode) == "string" and not find(mode, "t", 1, true)
end

function load(chunk, name, mode, ...)
  if wants_bytecode(mode) then
    return nil, "load: the sandbox loads no bytecode, only text"
  end
  return as_was("load", plain_load, chunk, name, "t", ...)
end

function loadfile(path, mode, ...)
  if wants_bytecode(mode) then
    return nil, "loadfile: the sandbox loads no bytecode, only text"
  end
  if is_path(path) then
    local ok, why = may_load(path)
    if not ok then
      return nil, "loadfile: " .. why
    end
  end
  return as_was("loadfile", plain_loadfile, path, "t", ...)
end

function dofile(path)
  local ok, why = true, nil
  if is_path(path) then
    ok, why = may_load(path)
  end
  if not ok then
    refuse("dofile", why)
  end
  local f
  f, why = plain_loadfile(path, "t")
  if not f then
    error(why, 0)
  end
  return f()
end
string.dump = never("string.dump", "makes no bytecode")

-- ---- modules: those of nnlua, and Lua files where code may be loaded from ----

-- Follows package.path as Lua's own searcher does, but looks only at what may be loaded.
local function search(name)
  local path, tried = rawget(package, "path"), ""
  if type(path) ~= "string" then
    error "'package.path' must be a string"
  end
  local file = gsub(name, "%.", "/")
  for template in gmatch(path, "[^;]+") do
    local candidate = gsub(template, "%?", function()
      return file
    end)
    local ok, why = may_load(candidate)
    local f = ok and open(candidate)
    if f then
      close(f)
      local chunk, wrong = plain_loadfile(candidate, "t")
      return chunk or error(("error loading module '" .. name .. "' from file '" .. candidate .. "':\n\t" .. wrong), 0), candidate
    end
    tried = tried .. "\n\t" .. (ok and "no file '" .. candidate .. "'" or why)
  end
  return tried
end

package.searchers[3] = search -- after package.preload and nnlua's own library
for i = #package.searchers, 4, -1 do
  package.searchers[i] = nil
end
package.path = script_directory and script_directory .. "/?.lua;" .. script_directory .. "/?/init.lua" or ""
package.cpath = ""
package.loadlib = never("package.loadlib", "loads no native modules")
package.searchpath = never("package.searchpath", "looks for no files")

-- ---- debug: what only tells about code ----

local getinfo, getlocal, traceback = debug.getinfo, debug.getlocal, debug.traceback

for name in pairs(debug) do
  debug[name] = nil
end
debug.traceback = traceback
debug.getmetatable = getmetatable

local function without_functions(info)
  if info then
    info.func = nil
  end
  return info
end

-- Without functions: one on the stack may be ours, or another script's.
function debug.getinfo(f, what, ...)
  if select("#", ...) > 0 or type(f) == "thread" then
    refuse("debug.getinfo", "the sandbox shows no coroutines")
  end
  if type(f) == "number" then
    f = f > 0 and f + 1 or f
  end
  local info = getinfo(f, what or "nSltur") -- no tail call: it would take this level away
  return without_functions(info)
end

-- The names of parameters, but no values.
function debug.getlocal(f, n)
  if type(f) ~= "function" then
    refuse("debug.getlocal", "the sandbox shows no variables, only the names of a function's parameters")
  end
  return (getlocal(f, n))
end
