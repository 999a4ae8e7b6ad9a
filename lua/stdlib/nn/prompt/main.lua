-- The prompt: what src/host/repl.c asks for, which waits for keys, runs what was typed and prints errors. Everything else of it
-- is in this room: the editor, what lives on between chunks, completion, commands, and how results are shown.

local core = require "nn.core"
local session = require "nn.prompt.session"
local show = require "nn.internal.show"

local M = {}

-- ---- results ----

local kept = {}

-- "net.wieght" that is nil: the name may be wrong. What could be meant, or nil.
local function missing(text)
  local path, name = text:match "^%s*([%a_][%w_%.]*)%.([%a_][%w_]*)%s*$"
  local complete = require "nn.prompt.complete"
  if not path then
    name = text:match "^%s*([%a_][%w_]*)%s*$"
    local names = name and session.names() or {}
    for key in next, name and _G or {} do
      names[#names + 1] = type(key) == "string" and key or nil
    end
    local near = name and #name > 2 and core.nearest(name, names)
    return near and ("there is no '%s'; did you mean '%s'?"):format(name, near)
  end
  local v = complete.value_of(path)
  if v == nil then
    return nil
  end
  local near = #name > 2 and core.nearest(name, complete.fields(v))
  return near and near ~= name and ("'%s' has no '%s'; did you mean '%s'?"):format(path, name, near)
end

---Shows the results of a chunk. What is not nil is also kept: _ is the last, _1 the one before, _2 that before that.
---@param ... any
function M.results(...)
  local n, texts, long = select("#", ...), {}, false
  for i = 1, n do
    texts[i] = show.show((select(i, ...)))
    long = long or texts[i]:find "\n" ~= nil
  end
  print(table.concat(texts, long and "\n" or "\t"))
  local first = ...
  if first ~= nil then
    kept = { first, kept[1], kept[2] }
    for i, name in ipairs { "_", "_1", "_2" } do
      rawset(_G, name, kept[i])
    end
  elseif n == 1 and M.text then
    local ok, hint = core.try(missing, M.text)
    if ok and hint then
      print(hint)
    end
  end
end

-- ---- a chunk ----

---The chunks that were typed and worked, in order.
M.worked = {}

local pending

local function done()
  M.worked[#M.worked + 1] = pending
  pending = nil
end

local other_words = { True = "true", False = "false", None = "nil", null = "nil", NULL = "nil" }

-- Names that are nothing in Lua, and so would be taken for nil without a word.
local function foreign(text)
  for _, t in ipairs(require("nn.prompt.lexer").tokens(text)) do
    local word = t[1] == "name" and text:sub(t[2], t[3])
    if other_words[word] and session.value(word) == nil and not text:sub(1, t[2] - 1):find "[%.:]%s*$"
      and not text:sub(t[3] + 1):find "^%s*=[^=]" then
      print(("'%s' is nil here; Lua's word is %s"):format(word, other_words[word]))
    end
  end
end

---What was typed as a function; nil and a message where it is wrong; false: the session ends.
---@param text string
---@return function|false|nil f, string? why
function M.load(text)
  done()
  M.text = nil
  local plain = text:match "^%s*(.-)%s*$"
  local mark = plain:sub(1, 1)
  if mark == "?" then
    local name = plain:sub(2):match "^%s*(.*)$"
    name = name:sub(1, 1) == "?" and name or name:match "^[^%s;%(]*"
    return function()
      M.help(name)
    end
  elseif mark == "%" then
    return function()
      require("nn.prompt.commands").run(plain:sub(2))
    end
  elseif (plain == "quit" or plain == "exit" or plain == "quit()" or plain == "exit()")
    and session.value(plain:match "%a+") == nil then
    return false
  elseif plain == "help" and session.value "help" == nil then
    return function()
      require("nn.internal.help").help()
    end
  end
  if mark == "=" then
    text = text:gsub("^(%s*)=", "%1", 1)
  end
  M.text = text
  local f, why = session.load(text)
  local pieces = not f and text:find "\n" and session.pieces(text)
  if pieces then
    return function()
      for _, piece in ipairs(pieces) do
        M.run_text(piece)
      end
    end
  end
  if f then
    foreign(text)
  end
  pending = f and text:find "%S" and text or nil
  return f, why
end

---Runs a text as if it had been typed.
---@param text string
function M.run_text(text)
  local f, why = M.load(text)
  if not f then
    error(why or "", 0)
  end
  local results = table.pack(f())
  if results.n > 0 then
    M.results(table.unpack(results, 1, results.n))
  end
end

---Forgets the last results.
function M.forget()
  kept = {}
  for _, name in ipairs { "_", "_1", "_2" } do
    rawset(_G, name, nil)
  end
end

---?name: of a variable what it is, of another name what is written about it.
---@param name string
function M.help(name)
  local value, there = session.get(name)
  if not there and not name:find "^%?" and name ~= "" then
    value = rawget(_G, name)
    there = value ~= nil and require("nn.internal.public").homes[name] == nil and core.public[name] == nil
      and not package.loaded[name]
  end
  local help = require "nn.internal.help"
  local text = there and help.text(value) or help.text(name)
  print(text and M.wrapped(text, M.columns) or "nothing is written about " .. core.describe(value))
end

---Text in lines of at most so many columns, cut between words; what is cut off is indented a little more.
---@param text string
---@param columns? integer
---@return string
function M.wrapped(text, columns)
  local width = require "nn.prompt.width"
  if not columns then
    return text
  end
  local out = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local indent = #line:match "^ *" + 2
    if line:find "^  > " or line:find "^  %$ " then
      out[#out + 1] = line -- code is copied
    else
      while width.columns(line) > columns do
        local head = width.cut(line, columns)
        local at = head:match "^.*%S()%s+%S*$" or #head + 1
        if at <= indent then
          at = #head + 1
        end
        out[#out + 1] = line:sub(1, at - 1)
        line = (" "):rep(indent) .. line:sub(at):gsub("^%s+", "")
      end
      out[#out + 1] = line
    end
  end
  return table.concat(out, "\n")
end

M.unfinished = session.unfinished
M.load_file = session.load_file

---What is said of a failure; called where it happened, while the stack stands. Notes what can be looked into.
---@param message string
---@return string
function M.failed(message)
  pending = nil
  return session.explained(message)
end

---Of a script: notes the frames, so that the prompt opens at the error.
---@param message string
---@return string
function M.failed_script(message)
  local library = debug.getinfo(1, "S").source:match "^(.*)/prompt/main%.lua$"
  session.note_frames(function(info)
    return info.source:sub(1, #library) == library
  end)
  return message
end

---What the prompt says when it opens after a script that failed.
function M.at_error()
  if session.has_frames() then
    print(session.frame(0))
    print "%up and %down go to other frames; %where lists them"
  end
end

-- ---- the editor ----

local editor

local function known(word)
  return word == "nn"
end

---Opens the editor. `options`: {history = path or nil, color = boolean, ask = function(bytes) -> the terminal's answer}
function M.open(options)
  local history = require "nn.prompt.history"
  local screen = require "nn.prompt.screen"
  M.history = history.open(options.history)
  editor = require("nn.prompt.editor").new { history = M.history, unfinished = session.unfinished, known = known,
    theme = options.color and screen.themes.dark or screen.themes.plain, completer = function(text)
      local ok, words, typed = core.try(require("nn.prompt.complete").candidates, text)
      return ok and words or {}, ok and typed or ""
    end }
  M.editor = editor
  table.insert(require("nn.internal.mistakes").more, session.names)
  M.ask = options.ask
end

-- Pictures may be real ones where the terminal says so; it is asked before the first one. Keys typed meanwhile are kept.
local function ask(question)
  local answer = M.ask(question)
  local _, keys = require("nn.plot.images").understood(answer)
  if keys ~= "" then
    editor:type_ahead(keys)
  end
  return answer
end

---What nn.plot may ask the terminal with; nil where there is none.
function M.asker()
  return M.ask and ask
end

---A file of the user's that runs when the prompt opens: its globals are there, and it may add commands and keys.
function M.run_init()
  local base = os.getenv "XDG_CONFIG_HOME"
  local home = os.getenv "HOME"
  base = base and base ~= "" and base or home and home .. "/.config"
  local path = base and base .. "/nnlua/init.lua"
  local file = path and io.open(path)
  if file then
    file:close()
    local f, why = loadfile(path)
    if not f then
      error(why, 0)
    end
    f()
  end
end

local tensor_width = 100

-- Tensors are as wide as the window, unless the user has set a width.
function M.begin(columns, height, prompt, prompt2)
  M.columns = columns
  show.screen(columns, height)
  if core.line_width() == tensor_width and math.max(20, math.min(columns, 100)) ~= tensor_width then
    tensor_width = math.max(20, math.min(columns, 100))
    core.line_width(tensor_width)
  end
  return editor:begin { columns = columns, height = height, prompt = prompt, prompt2 = prompt2 }
end

---Bytes of the keyboard (none: a moment passed). See Editor:feed; what was typed is remembered.
function M.feed(bytes)
  local drawing, status, text = editor:feed(bytes)
  if status == "done" then
    M.history:add(text)
  elseif status == "suspend" then
    editor.waiting_text = text
  end
  local ahead, waits = editor:pending()
  return drawing, status, text, ahead, waits
end

function M.resize(columns, height)
  return editor:resize(columns, height)
end

---Ctrl-C: what was typed stays on the screen, and is dropped.
function M.cancel()
  return editor:finish "^C"
end

return M
