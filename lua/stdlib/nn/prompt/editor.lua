-- A line editor: keys in, bytes to draw out. It knows no terminal: src/host/terminal.c waits for keys and writes what it is
-- given, so that all of it can be tried without one. A chunk of several lines is one text, edited as one.
--
-- Why not a library: libedit (BSD) edits single lines, cannot colour them, and knows no bracketed paste; GNU readline (GPL)
-- would bind everything that is linked with this program, and edits single lines, too; replxx (BSD) can do it but is no Debian
-- package. What a terminal needs to be told is standard (ECMA-48), and this is a few hundred lines of Lua that cannot crash.

local core = require "nn.core"
local keys = require "nn.prompt.keys"
local lexer = require "nn.prompt.lexer"
local screen = require "nn.prompt.screen"
local width = require "nn.prompt.width"

local M = {}

local Editor = {}
Editor.__index = Editor

-- ---- the text ----

-- What Ctrl-_ goes back to; a run of typed characters is one step.
function Editor:note(kind)
  if kind ~= "typed" or self.last ~= "typed" then
    self.undo[#self.undo + 1] = { self.text, self.cursor }
    if #self.undo > 200 then
      table.remove(self.undo, 1)
    end
  end
  self.last = kind
end

function Editor:insert(text, kind)
  self:note(kind or "insert")
  self.text = self.text:sub(1, self.cursor - 1) .. text .. self.text:sub(self.cursor)
  self.cursor = self.cursor + #text
end

-- Takes bytes from..to-1 out; `kept` says that Ctrl-Y brings them back.
function Editor:cut(from, to, kept)
  if from >= to then
    return
  end
  self:note "cut"
  if kept then
    self.killed = self.text:sub(from, to - 1)
  end
  self.text = self.text:sub(1, from - 1) .. self.text:sub(to)
  self.cursor = from
end

function Editor:line_begin()
  return self.text:sub(1, self.cursor - 1):match "^.*\n()" or 1
end

function Editor:line_end()
  return self.text:find("\n", self.cursor, true) or #self.text + 1
end

function Editor:left_of(at)
  return at > 1 and width.before(self.text, at) or 1
end

function Editor:right_of(at)
  return at <= #self.text and width.character(self.text, at) + 1 or at
end

function Editor:word_left()
  local head = self.text:sub(1, self.cursor - 1)
  return (head:find "[%w_\x80-\xff]+[^%w_\x80-\xff]*$") or 1
end

function Editor:word_right()
  return (select(2, self.text:find("[^%w_\x80-\xff]*[%w_\x80-\xff]+", self.cursor)) or #self.text) + 1
end

-- One line up or down in the text, as far right as before; false: there is none.
function Editor:vertical(step)
  local from = self:line_begin()
  local columns = width.columns(self.text:sub(from, self.cursor - 1))
  local target
  if step < 0 then
    if from == 1 then
      return false
    end
    target = self.text:sub(1, from - 2):match "^.*\n()" or 1
  else
    local stop = self:line_end()
    if stop > #self.text then
      return false
    end
    target = stop + 1
  end
  while columns > 0 and target <= #self.text and self.text:byte(target) ~= 10 do
    local stop, wide = width.character(self.text, target)
    columns = columns - wide
    if columns < 0 then
      break
    end
    target = stop + 1
  end
  self.cursor = target
  return true
end

-- ---- history ----

function Editor:show_entry(at)
  self.at = at
  self.text = at and self.history.entries[at] or self.draft
  self.cursor = #self.text + 1
  self.last = nil
end

-- The entry before or after that begins with what stood before the cursor when one began to look.
function Editor:recall(step)
  if not self.at and not self.wanted then
    self.draft, self.wanted = self.text, self.text:sub(1, self.cursor - 1)
  end
  local shown = self.text
  local found = self.history:find(self.at or #self.history.entries + 1, step, function(text)
    return text:sub(1, #self.wanted) == self.wanted and text ~= shown
  end)
  if found or step > 0 and self.at then
    self:show_entry(found)
  end
end

-- ---- searching backwards for what is typed (Ctrl-R) ----

local function contains(word)
  return function(text)
    return text:find(word, 1, true) ~= nil
  end
end

function Editor:search_step(step)
  local s = self.search
  local found = s.word ~= "" and self.history:find(s.at or #self.history.entries + 1, step, contains(s.word))
  s.failed = s.word ~= "" and not found
  if found then
    s.at = found
    self.text = self.history.entries[found]
    self.cursor = self.text:find(s.word, 1, true)
  end
end

-- A key while searching; true: it was for the search.
function Editor:search_key(name, text)
  local s = self.search
  if name == "text" or name == "paste" then
    s.word, s.at = s.word .. text:gsub("\n.*", ""), s.at and s.at + 1
    self:search_step(-1)
  elseif name == "backspace" then
    s.word, s.at = s.word:sub(1, (utf8.offset(s.word, -1) or 1) - 1), nil
    self:search_step(-1)
  elseif name == "ctrl-r" then
    s.word = s.word == "" and self.searched or s.word
    self:search_step(-1)
  elseif name == "ctrl-s" then
    self:search_step(1)
  elseif name == "ctrl-g" or name == "escape" then
    self.text, self.cursor, self.search = s.text, s.cursor, nil
  else
    self.searched, self.search, self.at, self.wanted = s.word, nil, s.at, nil
    self.draft = s.text
    return false
  end
  return true
end

-- ---- Tab ----

local function common_prefix(words)
  local prefix = words[1]
  for _, word in ipairs(words) do
    while word:sub(1, #prefix) ~= prefix do
      prefix = prefix:sub(1, -2)
    end
  end
  return prefix
end

function Editor:complete()
  local from = self:line_begin()
  local before = self.text:sub(from, self.cursor - 1)
  if from > 1 and before:find "^%s*$" or before == "" and self.text ~= "" then
    self:insert "  "
    return
  end
  local words, typed = self.completer(self.text:sub(1, self.cursor - 1))
  if not words or #words == 0 then
    return
  end
  local prefix = common_prefix(words)
  if #prefix > #typed then
    self:note "insert"
    self.text = self.text:sub(1, self.cursor - 1 - #typed) .. prefix .. self.text:sub(self.cursor)
    self.cursor = self.cursor - #typed + #prefix
  end
  if #words > 1 then
    self.listing = words
  end
end

-- ---- lines ----

-- A line that begins with what closes a block stands where the block began.
function Editor:dedent_line()
  local from, stop = self:line_begin(), self:line_end()
  local line = self.text:sub(from, stop - 1)
  local blank, rest = line:match "^(%s*)(.*)$"
  local word = rest:match "^%a+" or rest:sub(1, 1)
  local middle = word == "else" or word == "elseif"
  if from > 1 and (lexer.closes[word] or middle) then
    local depth = math.max(0, lexer.depth(self.text:sub(1, from - 1)) - 1)
    local wanted = ("  "):rep(depth)
    self.text = self.text:sub(1, from - 1) .. wanted .. rest .. self.text:sub(stop)
    self.cursor = math.max(from, self.cursor + #wanted - #blank)
  end
end

function Editor:newline()
  self:note "insert"
  self:dedent_line()
  local head = self.text:sub(1, self.cursor - 1)
  local depth = lexer.depth(head)
  local rest = self.text:sub(self.cursor):gsub("^[ \t]+", "")
  self.text = head .. "\n" .. ("  "):rep(depth) .. rest
  self.cursor = #head + 2 + 2 * depth
end

function Editor:enter()
  local last_line = self.text:find("\n", self.cursor, true) == nil
  if not last_line or self.unfinished(self.text) then
    self:newline()
    return
  end
  self:dedent_line()
  return "done"
end

-- Pasted text is text: it runs when one says so, as a whole. Of a session that is copied from a page, the lines that were typed.
function Editor:paste(text)
  text = text:gsub("\r\n?", "\n"):gsub("\27%[[%d;]*%a", ""):gsub("[\0-\8\11-\31\127]", "")
  if text:find "^> " and self.text == "" then
    local typed = {}
    for line in text:gmatch "[^\n]+" do
      typed[#typed + 1] = line:match "^>>? (.*)"
    end
    text = table.concat(typed, "\n")
  end
  self:insert((text:gsub("\n+$", "")))
end

-- ---- keys ----

---What a key does: {name = function(editor)}; what gives "done", "end" or "suspend" ends the line. A user's init file may add to
---it: require("nn.prompt.editor").bind["ctrl-t"] = function(e) e:insert "nn.tensor" end
M.bind = {}
local bind = M.bind

bind["left"] = function(e)
  e.cursor = e:left_of(e.cursor)
end
bind["right"] = function(e)
  e.cursor = e:right_of(e.cursor)
end
bind["home"] = function(e)
  e.cursor = e:line_begin()
end
bind["end"] = function(e)
  e.cursor = e:line_end()
end
bind["ctrl-left"] = function(e)
  e.cursor = e:word_left()
end
bind["ctrl-right"] = function(e)
  e.cursor = e:word_right()
end
bind["alt-<"] = function(e)
  e.cursor = 1
end
bind["alt->"] = function(e)
  e.cursor = #e.text + 1
end
bind["up"] = function(e)
  if not e:vertical(-1) then
    e:recall(-1)
  end
end
bind["down"] = function(e)
  if not e:vertical(1) then
    e:recall(1)
  end
end
bind["page-up"] = function(e)
  e:recall(-1)
end
bind["page-down"] = function(e)
  e:recall(1)
end
bind["backspace"] = function(e)
  local from = e:line_begin()
  local before = e.text:sub(from, e.cursor - 1)
  if from > 1 and #before >= 2 and before:find "^ +$" then -- a step of the indentation
    e:cut(e.cursor - 2, e.cursor)
  else
    e:cut(e:left_of(e.cursor), e.cursor)
  end
end
bind["delete"] = function(e)
  e:cut(e.cursor, e:right_of(e.cursor))
end
bind["ctrl-d"] = function(e)
  if e.text == "" then
    return "end"
  end
  bind["delete"](e)
end
bind["ctrl-k"] = function(e)
  local stop = e:line_end()
  e:cut(e.cursor, stop == e.cursor and stop <= #e.text and stop + 1 or stop, true)
end
bind["ctrl-u"] = function(e)
  e:cut(e:line_begin(), e.cursor, true)
end
bind["ctrl-w"] = function(e)
  local head = e.text:sub(1, e.cursor - 1)
  e:cut(head:find "%S+%s*$" or 1, e.cursor, true)
end
bind["alt-backspace"] = function(e)
  e:cut(e:word_left(), e.cursor, true)
end
bind["alt-d"] = function(e)
  local at = e.cursor
  e:cut(at, e:word_right(), true)
end
bind["ctrl-y"] = function(e)
  e:insert(e.killed or "")
end
bind["ctrl-t"] = function(e)
  local middle = e.cursor > #e.text and e:left_of(e.cursor) or e.cursor
  local first = e:left_of(middle)
  if first < middle then
    local last = e:right_of(middle)
    e:note "insert"
    e.text = e.text:sub(1, first - 1) .. e.text:sub(middle, last - 1) .. e.text:sub(first, middle - 1) .. e.text:sub(last)
    e.cursor = last
  end
end
bind["ctrl-_"] = function(e)
  local before = table.remove(e.undo)
  if before then
    e.text, e.cursor, e.last = before[1], before[2], nil
  end
end
bind["ctrl-l"] = function(e)
  e.clear = true
end
bind["ctrl-r"] = function(e)
  e.search = { word = "", text = e.text, cursor = e.cursor }
end
bind["ctrl-z"] = function()
  return "suspend"
end
bind["tab"] = function(e)
  e:complete()
end
bind["enter"] = function(e)
  return e:enter()
end
bind["alt-enter"] = function(e)
  e:newline()
end
for other, name in pairs { ["ctrl-b"] = "left", ["ctrl-f"] = "right", ["ctrl-a"] = "home", ["ctrl-e"] = "end", ["ctrl-p"] = "up",
  ["ctrl-n"] = "down", ["ctrl-h"] = "backspace", ["alt-b"] = "ctrl-left", ["alt-f"] = "ctrl-right", ["alt-left"] = "ctrl-left",
  ["alt-right"] = "ctrl-right", ["ctrl-home"] = "alt-<", ["ctrl-end"] = "alt->", ["shift-tab"] = "tab" } do
  bind[other] = bind[name]
end

local keep_place = {}
for _, name in ipairs { "up", "down", "ctrl-p", "ctrl-n", "page-up", "page-down" } do
  keep_place[name] = true
end

function Editor:key(name, text)
  self.listing = nil
  if self.search and self:search_key(name, text) then
    return
  end
  if name == "text" then
    self.wanted, self.at = nil, nil
    self:insert(text, "typed")
    return
  elseif name == "paste" then
    self.wanted, self.at = nil, nil
    self:paste(text)
    return
  end
  local act = bind[name]
  if act then
    if not keep_place[name] then
      self.wanted, self.at = nil, nil
    end
    local ok, status = core.try(act, self)
    if not ok then -- a key of the user's own
      self.listing = { ("the key %s fails: %s"):format(name, tostring(status):match "^[^\n]*") }
    end
    return ok and status or nil
  end
end

-- ---- drawing ----

function Editor:paint(finished)
  local columns, height = self.columns, self.height
  local prompt = self.prompt
  if self.search then
    prompt = ("(%s '%s') "):format(self.search.failed and "not found" or "search", self.search.word)
  end
  local rows, row, column = screen.layout(self.text, finished and #self.text + 1 or self.cursor, { columns = columns,
    prompt = prompt, prompt2 = self.prompt2, theme = self.theme, known = self.known, finished = finished })
  if self.listing and not finished then
    for _, line in ipairs(screen.list(self.listing, columns, math.max(3, height - #rows - 1))) do
      rows[#rows + 1] = line
    end
  end
  local out, at = screen.draw(rows, row, column, self.row, height)
  self.row = at
  if self.clear then
    out = "\27[H\27[2J" .. screen.draw(rows, row, column, 0, height)
    self.clear = nil
  end
  return out
end

---Begins a text: the bytes that draw it. `options`: columns, height, prompt, prompt2.
function Editor:begin(options)
  self.columns, self.height = options.columns, options.height
  self.prompt, self.prompt2 = options.prompt, options.prompt2
  self.text, self.cursor, self.undo, self.row = "", 1, {}, 0
  self.at, self.wanted, self.search, self.listing, self.last = nil, nil, nil, nil, nil
  if self.waiting_text then
    self.text, self.waiting_text = self.waiting_text, nil
    self.cursor = #self.text + 1
  end
  -- what a line left unfinished on the screen stays: the mark goes to the next row where the cursor is not in the first column
  local mark = "\27[7m%\27[m" .. (" "):rep(self.columns - 1) .. "\r"
  return "\27[?2004h" .. mark .. self:paint()
end

---Bytes of the keyboard, or nil where a moment passed without any: what to draw, and "done", "end", "suspend" or nil; "done"
---with the text. What was typed ahead waits for the next text.
---@param bytes? string
---@return string drawing, string? status, string? text
function Editor:feed(bytes)
  local list = self.ahead or {}
  self.ahead = nil
  for _, key in ipairs(bytes and self.decoder:feed(bytes) or not bytes and self.decoder:flush() or {}) do
    list[#list + 1] = key
  end
  for i, key in ipairs(list) do
    local status = self:key(key[1], key[2])
    if status == "done" or status == "end" or status == "suspend" then
      self.ahead = i < #list and table.move(list, i + 1, #list, 1, {}) or nil
      return self:finish(), status, self.text
    end
  end
  return self:paint()
end

---Bytes that came while something else read the keyboard.
---@param bytes string
function Editor:type_ahead(bytes)
  local list = self.ahead or {}
  for _, key in ipairs(self.decoder:feed(bytes)) do
    list[#list + 1] = key
  end
  self.ahead = #list > 0 and list or nil
end

---Whether keys wait that were typed ahead, and whether the decoder waits for the rest of one.
function Editor:pending()
  return self.ahead ~= nil, self.decoder:waits()
end

---The cursor on a row of its own below the text.
---@param mark? string what stands behind the text
function Editor:finish(mark)
  self.search, self.listing = nil, nil
  return ("%s%s\r\n\27[?2004l"):format(self:paint(true), mark or "")
end

---The terminal has another size.
function Editor:resize(columns, height)
  self.columns, self.height = columns, height
  return self:paint()
end

---@param options table {history =, completer = function(text) -> words, typed, unfinished = function(text) -> boolean, theme =}
---@return table
function M.new(options)
  return setmetatable({ decoder = keys.decoder(), history = options.history, completer = options.completer,
    unfinished = options.unfinished, theme = options.theme, known = options.known, text = "", cursor = 1, undo = {}, row = 0,
    columns = 80, height = 24 }, Editor)
end

return M
