-- The prompt's own commands: %time, %who, ... A line that begins with % calls one; % alone lists them. Each is an entry of
-- `commands`: {doc, function(text)}, so that others can be added.

local core = require "nn.core"
local show = require "nn.internal.show"

local M = { commands = {} }
local commands = M.commands

-- What is typed has no line worth a name.
local function refuse(text)
  error(text, 0)
end

-- Lua text as a function: an expression, or statements.
local function compiled(text)
  local f, why = load("return " .. text, "=(typed)")
  if not f then
    f, why = load(text, "=(typed)")
  end
  if not f then
    refuse((why:gsub("^%(typed%):%d+: ", "")))
  end
  return f
end

local function needs(text, what, example)
  if text == "" then
    refuse(("%s is missing, e.g. %s"):format(what, example))
  end
  return text
end

local element_bytes = { float32 = 4, float64 = 8, int64 = 8, bool = 1, uint8 = 1 }

local function seconds(s)
  for _, unit in ipairs { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "us" } } do
    if s >= unit[1] then
      return ("%.3g %s"):format(s / unit[1], unit[2])
    end
  end
  return ("%.3g ns"):format(s * 1e9)
end

local function bytes(n)
  for _, unit in ipairs { { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" } } do
    if n >= unit[1] then
      return ("%.1f %s"):format(n / unit[1], unit[2])
    end
  end
  return ("%d bytes"):format(n)
end

commands.time = { "EXPRESSION: runs it once and says how long that took", function(text)
  local f = compiled(needs(text, "what to run", "%time nn.randn(500, 500):inv()"))
  local started = core.time()
  local results = table.pack(f())
  local took = core.time() - started
  if results.n > 0 then
    require("nn.internal.prompt").results(table.unpack(results, 1, results.n))
  end
  print(("took %s"):format(seconds(took)))
end }

commands.timeit = { "EXPRESSION: runs it many times: the best, the middle and the worst of seven rounds", function(text)
  local f = compiled(needs(text, "what to run", "%timeit nn.randn(100, 100):sum()"))
  local function round(n)
    local started = core.time()
    for _ = 1, n do
      f()
    end
    return core.time() - started
  end
  local n = 1
  while round(n) < 0.02 and n < 10000000 do -- also warms it up
    n = n * 4
  end
  local rounds = {}
  for i = 1, 7 do
    rounds[i] = round(n) / n
  end
  table.sort(rounds)
  print(("%s best of 7 rounds, %s middle, %s worst; %d time%s a round"):format(seconds(rounds[1]), seconds(rounds[4]),
    seconds(rounds[7]), n, n == 1 and "" or "s"))
end }

-- Global names that nobody made here.
local known = {}
for name in ([[_G _VERSION assert collectgarbage coroutine debug dofile error getmetatable io ipairs load loadfile math next os
  package pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type utf8
  warn xpcall arg nn _ _1 _2 _PROMPT _PROMPT2]]):gmatch "%S+" do
  known[name] = true
end

commands.who = { "the variables that were made here: shapes, types and bytes", function()
  local names, rows, total = {}, {}, 0
  for name in next, _G do
    if type(name) == "string" and not known[name] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local widest = 0
  for i, name in ipairs(names) do
    local v = rawget(_G, name)
    local what, size
    if core.is_tensor(v) then
      size = v:numel() * element_bytes[v.dtype]
      what = ("tensor %s %s"):format(tostring(v.shape), v.dtype)
    elseif core.is_module(v) then
      local count = v:parameter_count()
      size, what = nil, ("%s, %d parameters"):format(v._name, count)
    elseif type(v) == "table" or type(v) == "number" or type(v) == "string" or type(v) == "boolean" then
      local text = show.show(v):gsub("%s*\n%s*", " ")
      what = ("%s %s"):format(type(v), #text > 60 and text:sub(1, 56) .. " ..." or text)
    elseif type(v) == "function" then
      what = show.func(v, name)
    else
      what = tostring(v):match "^[^\n]*"
    end
    total = total + (size or 0)
    rows[i] = { name, what, size and bytes(size) or "" }
    widest = math.max(widest, #name)
  end
  for _, row in ipairs(rows) do
    print((("%-" .. widest .. "s  %-50s %s"):format(row[1], row[2], row[3]):gsub("%s+$", "")))
  end
  print(#rows == 0 and "nothing yet; x = nn.randn(3) makes a variable (without `local`, which ends with its line)"
    or ("tensors here: %s"):format(bytes(total)))
end }

commands.run = { "FILE [ARGUMENTS]: runs a script in this session; its globals stay", function(text)
  local words = {}
  for word in needs(text, "the file", "%run experiment.lua"):gmatch "%S+" do
    words[#words + 1] = word
  end
  local f, why = loadfile(words[1])
  if not f then
    refuse(why)
  end
  local before = rawget(_G, "arg")
  local given = { [0] = words[1] }
  table.move(words, 2, #words, 1, given)
  rawset(_G, "arg", given)
  local results = table.pack(pcall(f, table.unpack(words, 2)))
  local meta = results[1] and getmetatable(results[2])
  if type(meta) == "table" and meta.__script then
    results = table.pack(pcall(meta.__script, results[2], table.unpack(words, 2)))
  end
  rawset(_G, "arg", before)
  if not results[1] then
    error(results[2], 0)
  end
end }

commands.prof = { "EXPRESSION: runs it once and shows the time by operation and by line", function(text)
  local f = compiled(needs(text, "what to run", "%prof nn.randn(500, 500):inv()"))
  local profile = require "nn.internal.profile"
  profile.start()
  local ok, why = pcall(f)
  print(profile.report())
  if not ok then
    error(why, 0)
  end
end }

commands.mem = { "memory: of tensors, of what is kept for reuse, and of Lua", function()
  local m = core.memory()
  print(("tensors %s (at most %s), kept for reuse %s, Lua %s"):format(bytes(m.live), bytes(m.peak), bytes(m.cached),
    bytes(math.floor(collectgarbage "count" * 1024))))
end }

---Runs a line without its %.
---@param line string
function M.run(line)
  local name, text = line:match "^%s*([%w_]*)%s*(.-)%s*$"
  if name == "" then
    local names, widest = {}, 0
    for key in pairs(commands) do
      names[#names + 1] = key
      widest = math.max(widest, #key)
    end
    table.sort(names)
    for _, key in ipairs(names) do
      print((("%%%-" .. widest .. "s  %s"):format(key, commands[key][1])))
    end
    print "?NAME tells what something is; _ is the last result."
    return
  end
  local command = commands[name]
  if not command then
    local names = {}
    for key in pairs(commands) do
      names[#names + 1] = key
    end
    local near = core.nearest(name, names)
    refuse(("there is no command %%%s%s; %% alone lists them"):format(name, near and ("; did you mean %%%s?"):format(near) or ""))
  end
  command[2](text)
end

return M
