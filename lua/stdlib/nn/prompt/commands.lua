-- The prompt's own commands: %time, %who, ... A line that begins with % calls one; % alone lists them. Each is an entry of
-- `commands`: {what it does, function(text), takes = "file" or a list of words, for Tab}. An init file
-- (~/.config/nnlua/init.lua) adds one by
--
--   require("nn.prompt.commands").commands.shout = {"TEXT: prints it in capitals", function(text) print(text:upper()) end}

local core = require "nn.core"
local session = require "nn.prompt.session"
local show = require "nn.internal.show"

local M = { commands = {} }
local commands = M.commands

-- What is typed has no line worth a name.
local function refuse(text)
  error(text, 0)
end

-- Lua text as a function: an expression, or statements, with the prompt's locals.
local function compiled(text)
  local f, why = session.load(text)
  if not f then
    refuse((why:gsub("^%w+:%d+: ", "")))
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

local function main()
  return require "nn.prompt.main"
end

local function words_of(text)
  local words = {}
  for word in text:gmatch "%S+" do
    words[#words + 1] = word
  end
  return words
end

-- ---- measuring ----

commands.time = { "EXPRESSION: runs it once and says how long that took", function(text)
  local f = compiled(needs(text, "what to run", "%time nn.randn(500, 500):inv()"))
  local started = core.time()
  local results = table.pack(f())
  local took = core.time() - started
  if results.n > 0 then
    require("nn.prompt.main").results(table.unpack(results, 1, results.n))
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

commands.prof = { "EXPRESSION or FILE: runs it once and shows the time by operation and by line", function(text)
  local path = needs(text, "what to run", "%prof nn.randn(500, 500):inv()"):match "^%S+%.lua$"
  local f, why
  if path then
    f, why = loadfile(path)
    if not f then
      refuse(why)
    end
  else
    f = compiled(text)
  end
  local profile = require "nn.internal.profile"
  profile.start()
  local ok
  ok, why = core.try(f)
  print(profile.report())
  if not ok then
    error(why, 0)
  end
end }

-- ---- what is there ----

-- Names of variables that were made here: {name, value}, sorted.
local function variables()
  local list = {}
  for _, name in ipairs(session.names()) do
    list[#list + 1] = { name, (session.get(name)) }
  end
  for name, value in next, _G do
    local _, hidden = session.get(type(name) == "string" and name or "")
    if type(name) == "string" and not known[name] and not hidden then
      list[#list + 1] = { name, value }
    end
  end
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  return list
end

commands.who = { "the variables that were made here: shapes, types and bytes", function()
  local rows, total, widest = {}, 0, 0
  for i, variable in ipairs(variables()) do
    local name, v = variable[1], variable[2]
    local what, size
    if core.is_tensor(v) then
      size = v:numel() * element_bytes[v.dtype]
      what = ("tensor %s %s"):format(tostring(v.shape), v.dtype)
    elseif core.is_module(v) then
      local count = v:parameter_count()
      what = ("%s, %d parameters"):format(v._name, count)
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
  local m = core.memory()
  print(#rows == 0 and "nothing yet; x = nn.randn(3) makes a variable"
    or ("tensors here %s, all tensors %s, kept for reuse %s\nLua, graphs and compiled programs %s"):format(bytes(total),
      bytes(m.live), bytes(m.cached), bytes(m.script)))
end }

commands.all = { "EXPRESSION: shows all of a value, however long", function(text)
  local results = table.pack(compiled(needs(text, "what to show", "%all run.history"))())
  for i = 1, results.n do
    print(show.all(results[i]))
  end
end }

commands.mem = { "memory: of tensors, of what is kept for reuse, and of Lua", function()
  local m = core.memory()
  print(("tensors %s (at most %s), kept for reuse %s\nLua, graphs and compiled programs %s"):format(bytes(m.live), bytes(m.peak),
    bytes(m.cached), bytes(m.script)))
end }

commands.reset = { "forgets the variables that were made here", function()
  session.clear() -- first: a local may stand before a global of its name
  for _, variable in ipairs(variables()) do
    rawset(_G, variable[1], nil)
  end
  session.forget_frames()
  main().forget()
  collectgarbage()
  collectgarbage()
end }

-- ---- files ----

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function run_fresh(words)
  local parts = { quoted(core.program()) }
  for _, word in ipairs(words) do
    parts[#parts + 1] = quoted(word)
  end
  os.execute(table.concat(parts, " "))
end

commands.run = { "FILE [ARGUMENTS]: runs a script in this session, whose variables stay; %run -f FILE: in a fresh one",
  function(text)
  local words = words_of(needs(text, "the file", "%run experiment.lua"))
  if words[1] == "-f" then
    table.remove(words, 1)
    needs(words[1] or "", "the file", "%run -f experiment.lua")
    return run_fresh(words)
  end
  local f, why = session.load_file(words[1])
  if not f then
    refuse(why)
  end
  local before = rawget(_G, "arg")
  local given = { [0] = words[1] }
  table.move(words, 2, #words, 1, given)
  rawset(_G, "arg", given)
  local function note(message)
    return type(message) == "string" and main().failed_script(message) or message
  end
  local results = table.pack(xpcall(f, note, table.unpack(words, 2)))
  local meta = results[1] and getmetatable(results[2])
  if type(meta) == "table" and meta.__script then
    results = table.pack(xpcall(meta.__script, note, results[2], table.unpack(words, 2)))
  end
  rawset(_G, "arg", before)
  if not results[1] then
    main().at_error()
    error(results[2], 0)
  end
end, takes = "file" }

local function read(path)
  local file, why = io.open(path)
  if not file then
    refuse(why)
  end
  local text = file:read "a"
  file:close()
  return text
end

-- Text in the editor of $VISUAL or $EDITOR; gives what it became.
local function edited(path)
  local program = os.getenv "VISUAL" or os.getenv "EDITOR"
  program = program and program ~= "" and program or "vi"
  local fine = os.execute(program .. " " .. quoted(path))
  if not fine then
    refuse(("'%s' could not edit %s; set EDITOR, e.g. EDITOR=nano nnlua"):format(program, path))
  end
end

-- The last chunk that made a name.
local function chunk_of(name)
  local pattern = "%f[%w_]" .. name .. "%f[^%w_]"
  for i = #main().worked, 1, -1 do
    local text = main().worked[i]
    if text:find("function%s+" .. pattern) or text:find(pattern .. "%s*=[^=]") then
      return text
    end
  end
end

commands.edit = { "[NAME or FILE]: opens the editor of $EDITOR with the last chunk, or the one that made the name; then runs it",
  function(text)
    local path = text:find "[%./]" and text or text ~= "" and io.open(text) and text
    if path then
      edited(path)
      return commands.run[2](path)
    end
    local chunk = text == "" and (main().worked[#main().worked] or "") or chunk_of(text)
    if not chunk then
      refuse(("no chunk that was typed here makes '%s'; %%edit FILE.lua edits a file"):format(text))
    end
    local name = os.tmpname()
    os.remove(name)
    name = name .. ".lua"
    local file = assert(io.open(name, "w"))
    file:write(chunk, "\n")
    file:close()
    local ok, why = core.try(edited, name)
    local after = ok and read(name):gsub("%s+$", "")
    os.remove(name)
    if not ok then
      error(why, 0)
    end
    if after ~= "" then
      print(after)
      if main().history then
        main().history:add(after)
      end
      main().run_text(after)
    end
  end, takes = "file" }

---What was typed as a script. Expressions are printed; where _ is used, what they give is also kept.
---@param chunks string[]
---@return string
function M.script(chunks)
  local out, last = { 'local nn = require "nn"' }, false
  for _, chunk in ipairs(chunks) do
    last = last or chunk:find "%f[%w_]_[12]?%f[^%w_]" ~= nil
  end
  local shown = "print"
  if last then
    shown = "shown"
    out[2] = "local _, _1, _2 -- the last results, as at the prompt\nlocal function shown(...)\n  print(...)\n"
      .. "  if (...) ~= nil then\n    _, _1, _2 = (...), _, _1\n  end\nend"
  end
  for _, chunk in ipairs(chunks) do
    chunk = chunk:gsub("^%s*=", "")
    local call = shown .. "(%s\n)" -- a comment may stand at the end
    local text = load(chunk) and not load("return " .. chunk) and chunk
    if text and load(text .. "\n;local one_more") == nil then -- it ends with return
      text = chunk:gsub("^(.*)%f[%w_]return%f[^%w_]%s*(.-);?%s*$", "%1" .. shown .. "(%2\n)")
    end
    text = text or load("return " .. chunk) and (chunk:find "%)%s*$" and load(chunk) and chunk
      or call:format((chunk:gsub(";%s*$", "")))) or session.with_return(chunk, nil, call) or chunk
    text = text:find "^%s*%(" and ";" .. text or text
    out[#out + 1] = load(text) and text:gsub("\n%)$", ")") or "--[==[ " .. chunk .. " ]==]"
    if not load(out[#out]) then
      out[#out] = text
    end
  end
  return table.concat(out, "\n") .. "\n"
end

commands.save = { "FILE: writes what was typed and worked as a script; %save -f FILE: in place of one that is there",
  function(text)
  local over, path = text:match "^(%-f)%s+(.*)$"
  path = needs(path or text, "the file", "%save session.lua")
  local there = not over and io.open(path)
  if there then
    there:close()
    refuse(("%s is there; %%save -f %s writes it anew"):format(path, path))
  end
  local script = M.script(main().worked)
  local file, why = io.open(path, "w")
  if not file then
    refuse(why)
  end
  local fine
  fine, why = file:write(script)
  local closed, later = file:close()
  if not (fine and closed) then
    refuse(why or later)
  end
  print(("%d chunks in %s"):format(#main().worked, path))
end, takes = "file" }

commands.load = { "FILE: its text comes to the prompt, to be changed and run", function(text)
  local content = read(needs(text, "the file", "%load session.lua"))
  if not main().editor then
    refuse "there is no terminal to edit at; %run runs a file"
  end
  main().editor.waiting_text = content:gsub("^#[^\n]*\n", ""):gsub("%s+$", "")
end, takes = "file" }

commands.cd = { "[DIRECTORY]: goes there, or says where one is", function(text)
  local home = os.getenv "HOME"
  print(core.change_directory(text ~= "" and (text:gsub("^~", home or "~")) or nil))
end, takes = "file" }

-- ---- the prompt itself ----

commands.history = { "[WORD or NUMBER]: what was typed last, or what has the word", function(text)
  local entries = main().history and main().history.entries or main().worked
  local most = math.tointeger(tonumber(text)) or 20
  local list = {}
  for i = #entries, 1, -1 do
    if #list >= most then
      break
    elseif tonumber(text) or entries[i]:find(text, 1, true) then
      table.insert(list, 1, entries[i])
    end
  end
  print(table.concat(list, "\n"))
end }

commands.debug = { "on or off: errors show all frames, also the library's", function(text)
  if text ~= "on" and text ~= "off" then
    refuse "%debug on shows all frames of an error, %debug off yours only"
  end
  debug.getregistry()["nn.traceback"] = text == "on" and "all" or nil
end, takes = { "on", "off" } }

commands.theme = { "NAME: colours of what is typed: dark, light or plain", function(text)
  local themes = require("nn.prompt.screen").themes
  local names = {}
  for name in pairs(themes) do
    names[#names + 1] = name
  end
  table.sort(names)
  if not themes[text] then
    refuse(("the themes are %s, e.g. %%theme light"):format(table.concat(names, ", ")))
  elseif main().editor then
    main().editor.theme = themes[text]
  end
end, takes = { "dark", "light", "plain" } }

commands.where = { "after a script that failed: the frame one looks at, and its variables", function()
  print(session.frame())
end }
commands.up = { "after a script that failed: goes to the frame that called", function()
  print(session.frame(1))
end }
commands.down = { "after a script that failed: goes back to the frame that was called", function()
  print(session.frame(-1))
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
      local doc = type(commands[key]) == "table" and commands[key][1] or ""
      print((("%%%-" .. widest .. "s  %s"):format(key, doc):gsub("%s+$", "")))
    end
    print "?NAME tells what something is; ??WORD searches; _ is the last result; quit or Ctrl-D leaves."
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
  local act = type(command) == "table" and command[2] or command
  act(text)
end

return M
