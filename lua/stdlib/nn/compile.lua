-- nn.compile: a function of tensors, recorded once and then replayed without Lua.

local core = require "nn.core"
local module = require "nn.module"

local M = {}

-- ---- what the function can see ----

-- Replays do not run Lua, so whatever Lua value the function may have looked at has to be as it was. These limits keep
-- the look around short.
local most_objects, most_fields = 4096, 256

local known_globals = {}
for name in pairs(_G) do
  known_globals[name] = true
end

local function is_library(t)
  if t == _G then
    return true
  end
  for _, loaded in pairs(package.loaded) do
    if loaded == t then
      return true
    end
  end
  return false
end

local primitive = { ["nil"] = true, boolean = true, number = true, string = true }

-- A list of what f and its arguments can see: {object, key, value, path} with functions (the key is an upvalue's
-- number) and tables as objects.
local function look_around(f, args)
  local seen, list, counts = {}, {}, {}
  local visited = 0
  local visit

  local function note(object, key, value, path)
    list[#list + 1] = { object, key, value, path }
  end

  -- Globals of the script that the function can name: their names are among its constants.
  local function visit_globals(fn)
    local code = string.dump(fn, true)
    for global, value in pairs(_G) do
      if not known_globals[global] and type(global) == "string" and code:find(global, 1, true) then
        note(_G, global, value, global)
        visit(value, global)
      end
    end
  end

  local function visit_function(fn, path)
    local info = debug.getinfo(fn, "S")
    if info.what == "C" then
      return
    end
    for i = 1, 255 do
      local name, value = debug.getupvalue(fn, i)
      if not name then
        break
      end
      if name == "_ENV" then
        if value == _G then
          visit_globals(fn)
        end
      else
        note(fn, i, value, path == "" and name or path .. " > " .. name)
        visit(value, path == "" and name or path .. " > " .. name)
      end
    end
  end

  local function visit_module(m, path)
    local static = rawget(getmetatable(m), "_static")
    for key, value in next, m do
      if type(key) == "string" and (not static or static[key]) then
        note(m, key, value, path .. "." .. key)
      end
      if type(key) ~= "table" then -- that is the fields' order
        visit(value, path .. "." .. tostring(key))
      end
    end
  end

  local function visit_table(t, path)
    local n = 0
    for _ in next, t do
      n = n + 1
      if n > most_fields then
        return -- data, rather than settings
      end
    end
    for key, value in next, t do
      if type(key) == "string" or type(key) == "number" then
        note(t, key, value, path .. "." .. tostring(key))
      end
      visit(value, path .. "." .. tostring(key))
    end
    counts[#counts + 1] = { t, n, path }
  end

  function visit(value, path)
    local kind = type(value)
    if (kind ~= "table" and kind ~= "function") or seen[value] or visited > most_objects then
      return
    end
    seen[value] = true
    visited = visited + 1
    if kind == "function" then
      visit_function(value, path)
    elseif is_library(value) or rawget(value, "_is_module_class") then
      return
    elseif module.is_module(value) then
      visit_module(value, path)
    else
      local meta = getmetatable(value)
      if not (type(meta) == "table" and rawget(meta, "_is_optimizer")) then
        visit_table(value, path)
      end
    end
  end

  visit(f, "")
  for i = 1, args.n do
    visit(args[i], "argument " .. i)
  end
  return list, counts
end

local function now(object, key)
  if type(object) == "function" then
    local _, value = debug.getupvalue(object, key)
    return value
  end
  return rawget(object, key)
end

local function same(a, b)
  return rawequal(a, b) and math.type(a) == math.type(b) or (a ~= a and b ~= b)
end

-- A side effect that replays would not have.
local function refuse_changes(list, counts, from)
  for _, entry in ipairs(list) do
    local value = now(entry[1], entry[2])
    if not same(value, entry[3]) then
      local change = primitive[type(value)] and (" from %s to %s"):format(tostring(entry[3]), tostring(value)) or ""
      return ("compile: the function (%s) changed '%s'%s while it was recorded, and replays would not change it again; "
        .. "keep what changes from call to call in a tensor (t:add_(1) is replayed), or change it outside"):format(
        from, entry[4], change)
    end
  end
  for _, entry in ipairs(counts) do
    local n = 0
    for _ in next, entry[1] do
      n = n + 1
    end
    if n ~= entry[2] then
      return ("compile: the function (%s) added or removed a field of '%s' while it was recorded, and replays would not; "
        .. "return the value and store it outside"):format(from, entry[3])
    end
  end
end

-- ---- what cannot be replayed ----

local forbidden = {
  { _G, "print", "printing would happen only once; return the value and print it outside" },
  { io, "write", "writing would happen only once; return the value and write it outside" },
  { io, "read", "reading would happen only once; read outside and pass the value as a tensor" },
  { math, "random", "the number drawn now would be used in every replay; draw with nn.rand, which is replayed" },
  { math, "randomseed", "seeding would happen only once; do it outside" },
  { os, "time", "the time read now would be used in every replay; read it outside" },
  { os, "clock", "the time read now would be used in every replay; read it outside" },
  { core, "manual_seed", "seeding would happen only once; do it outside" },
  { core, "Generator", "the generator would be made only once; make it outside" },
  { coroutine, "yield", "it cannot stop half-way" },
}

local function forbid()
  local kept = {}
  for i, entry in ipairs(forbidden) do
    local where, name, why = entry[1], entry[2], entry[3]
    kept[i] = rawget(where, name)
    rawset(where, name, function()
      core.raise(("%s: a compiled function runs in Lua only while it is recorded, so %s"):format(name, why))
    end)
  end
  return function()
    for i, entry in ipairs(forbidden) do
      rawset(entry[1], entry[2], kept[i])
    end
  end
end

-- ---- recording ----

local function place_of(f)
  local info = debug.getinfo(f, "S")
  return ("%s:%d"):format(info.short_src, info.linedefined)
end

local thrashing = 9

local function record(self, f, ...)
  local args = table.pack(...)
  local before, counts = look_around(f, args)
  local why = self:_why(...)
  local seen = table.pack(self:_open(...))
  local allow = forbid()
  local out = table.pack(xpcall(f, function(e)
    return e
  end, table.unpack(seen, 1, seen.n)))
  allow()
  if not out[1] then
    self:_abort()
    error(out[2], 0)
  end
  for i = 2, out.n do
    if type(out[i]) == "table" or type(out[i]) == "function" then
      self:_abort()
      core.raise(("compile: result %d of the function is a %s; a compiled function gives back tensors, numbers, strings, "
        .. "booleans and nil (several of them, if you like: return loss, output)"):format(i - 1, type(out[i])))
    end
  end
  local change = refuse_changes(before, counts, place_of(f))
  if change then
    self:_abort()
    core.raise(change)
  end
  local watched = { paths = {} }
  for i, entry in ipairs(before) do
    local n = 3 * (i - 1)
    watched.paths[i] = entry[4]
    watched[n + 1], watched[n + 2] = entry[1], entry[2]
    if entry[3] == nil then
      watched[n + 3] = core.null
    else
      watched[n + 3] = entry[3]
    end
  end
  local results = table.pack(table.unpack(out, 2, out.n))
  results.n = out.n - 1
  local back = table.pack(self:_close(watched, args, results))
  if self:recordings() == thrashing then
    io.stderr:write(("nnlua: the compiled function at %s was recorded %d times, because its circumstances keep changing: "
      .. "%s. Pass changing numbers as tensors, and keep shapes the same (drop_last = true in the loader)\n"):format(
      place_of(f), thrashing, why or "?"))
  end
  return table.unpack(back, 1, back.n)
end

---Makes a function of tensors that records itself when first called and is replayed from then on.
---
---    local step = nn.compile(function(x, y)
---      opt:zero_grad()
---      local loss = criterion(model(x), y)
---      loss:backward()
---      opt:step()
---      return loss
---    end)
---
---A call with other shapes, dtypes or modes records again. Parameters are used in place; results are fresh tensors
---without history. What cannot be replayed (reading a value, printing, changing a Lua variable) is an error that names
---the line. `print(step)` shows the program, `step:profile(...)` where the time goes.
---@param f function
---@return nn.Compiled
function M.compile(f)
  if type(f) ~= "function" and not module.is_module(f) then
    core.raise(("compile: takes a function or a module, but got %s"):format(core.describe(f)))
  end
  local fn = f
  if type(f) ~= "function" then
    fn = function(...)
      return f(...)
    end
  end
  return core.compiled(fn, record)
end

-- ---- looking at it ----

local meta = getmetatable(core.compiled(print, print))

function meta.__tostring(self)
  local recordings, programs = self:recordings()
  if programs == 0 then
    return "compiled function, not recorded yet: call it once"
  end
  local parts = { ("compiled function: %d program%s, recorded %d time%s"):format(programs, programs == 1 and "" or "s",
    recordings, recordings == 1 and "" or "s") }
  for i = 1, programs do
    local info = self:_info(i)
    parts[#parts + 1] = ("(%s): %s"):format(table.concat(info.args, ", "), self:_text(i, false))
  end
  return table.concat(parts, "\n")
end

---Calls the function with these arguments for about half a second and gives the program with the time of each
---instruction and its share. The function does what it does: a training step trains.
---@param ... any arguments
---@return string
function meta.__index.profile(self, ...)
  self(...)
  self(...)
  self:_profiling(true)
  local stop = core.time() + 0.5
  repeat
    self(...)
  until core.time() > stop
  local text = self:_text(1, true)
  self:_profiling(false)
  return text
end

return M
