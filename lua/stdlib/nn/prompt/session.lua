-- What lives on from one chunk typed at the prompt to the next. Globals do by themselves; the locals of a chunk, too, and as they
-- are: the next chunk, and functions made in this one, share the same variables, since a chunk is compiled inside of a function
-- that has them and debug.upvaluejoin then makes them one.

local lexer = require "nn.prompt.lexer"

local M = {}

-- name -> {f, i}: the variable is upvalue i of f
local cells = {}
-- the chunk that runs, its text and what it is called: for errors
local running
local script -- the function that a file became

M.NAME = "stdin"

---The value of a kept local; second: whether there is one.
---@param name string
---@return any value, boolean there
function M.get(name)
  local cell = cells[name]
  if not cell then
    return nil, false
  end
  local _, value = debug.getupvalue(cell[1], cell[2])
  return value, true
end

---Makes a local with a value, as if a chunk had made it.
---@param name string
---@param value any
function M.set(name, value)
  local f = function()
    return value
  end
  cells[name] = { f, 1 }
end

---The names of the kept locals, sorted.
---@return string[]
function M.names()
  local list = {}
  for name in pairs(cells) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

---A kept local, or else a global.
---@param name string
function M.value(name)
  local value, there = M.get(name)
  if there then
    return value
  end
  return rawget(_G, name)
end

---Forgets the locals.
function M.clear()
  cells = {}
end

local MOST = 150 -- Lua has 200 local variables in a function, which may make some itself

-- What a chunk calls before it ends: its locals are the upvalues of the function it gives. Constants are no variables.
local function keep(f, constants)
  local i = 1
  while true do
    local name = debug.getupvalue(f, i)
    if not name then
      break
    end
    cells[name] = { f, i }
    i = i + 1
  end
  for name, value in pairs(constants) do
    M.set(name, value)
  end
end

-- A name that the text does not have, for the function that keeps its locals.
local function unused_name(text)
  local name = "keep_locals_"
  while text:find(name, 1, true) do
    name = name .. "_"
  end
  return name
end

-- A call that keeps these locals as they are.
local function call_for(keeper, names, constant)
  local variables, constants = {}, {}
  for _, name in ipairs(names) do
    local list = constant[name] and constants or variables
    list[#list + 1] = constant[name] and ("%s = %s"):format(name, name) or name
  end
  return ("%s(function() return %s end, {%s})"):format(keeper, table.concat(variables, ", "), table.concat(constants, ", "))
end

local LONG = 20000 -- bytes; beyond, locals are kept at the end alone

-- The text with a call behind each statement that makes locals, so that they are kept also where a later one fails; or where
-- that place is not sure, with one call at its end. nil: it makes none.
local function keeping(text, keeper, names, return_at, constant, statements)
  if #names == 0 then
    return nil
  end
  local out, from = {}, 1
  for _, statement in ipairs(#text <= LONG and statements or {}) do
    local place
    for _, at in ipairs(statement.behind) do
      if load(text:sub(1, at - 1), "=stdin", "t") then
        place = at
        break
      end
    end
    if #statement.names > 0 then
      if place then
        out[#out + 1] = text:sub(from, place - 1)
        out[#out + 1] = ";" .. call_for(keeper, statement.names, constant) .. "; "
        from = place
      else -- the last one
        out[#out + 1] = text:sub(from)
        out[#out + 1] = "\n;" .. call_for(keeper, statement.names, constant)
        return table.concat(out)
      end
    end
  end
  if #out > 0 then
    return table.concat(out) .. text:sub(from)
  end
  local call = call_for(keeper, names, constant)
  if return_at then
    return ("%s;%s; %s"):format(text:sub(1, return_at - 1), call, text:sub(return_at))
  end
  return ("%s\n;%s"):format(text, call)
end

-- A text inside of a function that has the kept locals it names; nil and a message where that does not compile.
local function inside(text, keeper, tokens, name)
  local used, seen = { keeper }, {}
  if cells._ENV then -- which every global is a field of
    seen._ENV, used[2] = true, "_ENV"
  end
  for _, t in ipairs(tokens) do
    local word = t[1] == "name" and text:sub(t[2], t[3])
    if word and cells[word] and not seen[word] then
      seen[word], used[#used + 1] = true, word
    end
  end
  if #used > MOST then
    return nil, ("%s: a chunk can use at most %d of the prompt's locals, but names %d; make them globals or fields"):format(
      M.NAME, MOST - 1, #used - 1)
  end
  local outer, why = load(("local %s = ... return function(...) %s\nend"):format(table.concat(used, ", "), text), name, "t")
  if not outer then
    return nil, why
  end
  local f = outer(keep)
  local i = 1
  while true do
    local upvalue = debug.getupvalue(f, i)
    if not upvalue then
      return f
    end
    if cells[upvalue] and seen[upvalue] then
      debug.upvaluejoin(f, i, cells[upvalue][1], cells[upvalue][2])
    end
    i = i + 1
  end
end

local MARK = "<eof>"

-- Only for whether it compiles.
local function compiled(text)
  return load(text, "=" .. M.NAME, "t")
end

---Whether a text is only the beginning of a chunk.
---@param text string
---@return boolean
function M.unfinished(text)
  if text:find "^%s*[%?%%]" or compiled("return " .. text) then
    return false
  end
  local f, why = compiled(text)
  if f or why:sub(-#MARK) ~= MARK then
    return false
  end
  local tokens = lexer.tokens(text)
  local last = tokens[#tokens]
  if last and last[1] == "string" and not last[4] and text:find("^[\"']", last[2]) then
    return false -- no line that follows can close a quote
  end
  return not M.with_return(text, tokens)
end

---A text whose last statement is an expression ("d = f(); d"), with the `return` that shows it, or with it in `form`; nil where
---there is none.
---@param text string
---@param tokens? table[]
---@param form? string "print(%s)"
---@return string?
function M.with_return(text, tokens, form)
  if compiled(text) then
    return nil
  end
  local _, _, places = lexer.outer(text, tokens)
  for i = #places, math.max(2, #places - 100), -1 do
    local head, last = text:sub(1, places[i] - 1), text:sub(places[i])
    if compiled(("%s return %s"):format(head, last)) then
      return head .. (form or " return %s"):format(last)
    end
  end
end

-- A text that compiles, with the locals of those before it, which keeps its own.
local function linked(text, name, typed)
  local tokens = lexer.tokens(text)
  local names, return_at, _, constant, statements = lexer.outer(text, tokens)
  local keeper = unused_name(text)
  local kept = keeping(text, keeper, names, return_at, constant, statements)
  local f, why
  if kept then
    f = inside(kept, keeper, tokens, name)
  end
  if not f then
    f, why = inside(text, keeper, tokens, name)
  end
  running = { f = f, text = typed, names = names }
  return f, why
end

---Several lines that are no chunk together, but each by itself ("1 + 1", then "x"): the chunks; nil where it is not so.
---@param text string
---@return string[]?
function M.pieces(text)
  local out, piece = {}, nil
  for line in (text .. "\n"):gmatch "(.-)\n" do
    piece = piece and piece .. "\n" .. line or line
    if not piece:find "%S" then
      piece = nil
    elseif not M.unfinished(piece) then
      if not (piece:find "^%s*[%?%%]" or compiled("return " .. piece) or compiled(piece) or M.with_return(piece)) then
        return nil
      end
      out[#out + 1] = piece
      piece = nil
    end
  end
  return not piece and #out > 1 and out or nil
end

---Compiles what was typed: a function; nil and a message where it is wrong.
---@param text string
---@return function? f, string? why
function M.load(text)
  local f, why = compiled(text)
  local expression, unfinished = compiled("return " .. text)
  local shown = expression and "return " .. text or f and text or M.with_return(text)
  if not shown then
    if unfinished and unfinished:sub(-#MARK) == MARK and text:find "%S" then
      return nil, ("%s: it ends too early: %s"):format(M.NAME, unfinished:match "^[^:]*:%d+: (.*)$" or unfinished)
    end
    return nil, M.where_wrong(text, why)
  end
  return linked(shown, "=" .. M.NAME, text)
end

---Compiles a script whose locals stay at the prompt (`-i`): a function; nil and a message where it is wrong.
---@param path string
---@return function? f, string? why
function M.load_file(path)
  local f, why = loadfile(path)
  local file = f and io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  if not text or text:find "^#?[^\n]*\n?\27" then
    return f, why
  end
  text = text:gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", "")
  script = linked(text, "@" .. path, text) or f
  running = nil
  return script, why
end

-- ---- errors ----

local function line_of(text, number)
  local at = 1
  for line in (text .. "\n"):gmatch "(.-)\n" do
    if at == number then
      return line
    end
    at = at + 1
  end
end

local function with_caret(text, number, column)
  local line = line_of(text, number)
  if not line or not line:find "%S" then
    return nil
  end
  local blank = #(line:match "^%s*")
  local out = "  " .. line:sub(blank + 1)
  if column then
    out = ("%s\n  %s^"):format(out, (" "):rep(require("nn.prompt.width").columns(line:sub(blank + 1, column - 1))))
  end
  return out
end

-- What people write who come from other languages, and what it is in Lua: at the token where the compiler gave up.
local elsewhere = {
  { "^!=", "'not equal' is ~=" }, { "^!", "'not' is the word not" }, { "^[%+%-%*/]=", "there is no += here: x = x + 1" },
  { "^%+%+", "there is no ++ here: x = x + 1" }, { "^%*%*", "a power is x ^ y" }, { "^@", "a matrix product is x:matmul(y)" },
  { "^&&", "'and' is the word and" }, { "^||", "'or' is the word or" }, { "^%?", "a choice is: c and a or b" },
}
local words = {
  import = 'a module is taken by: local nn = require "nn"', from = 'a module is taken by: local nn = require "nn"',
  def = "a function is: function f(x) ... end", elif = "it is elseif", except = "errors are caught by pcall(f, ...)",
  print = "print is a function: print(x)", lambda = "a function without a name is: function(x) return x + 1 end",
  with = "there is no with: nn.no_grad(function() ... end)", try = "errors are caught by pcall(f, ...)",
  class = 'a layer of your own is: local Net = nn.Module:extend "Net"', del = "x = nil lets go of a value",
}

local function hint_at(text, at)
  local here, before = text:sub(at), text:sub(1, at - 1)
  for _, case in ipairs(elsewhere) do
    if here:find(case[1]) or before:match "[%+%-%*/&|]$" and (before:sub(-1) .. here):find(case[1]) then
      return case[2]
    end
  end
  if here:sub(1, 1) == ":" and before:find "%[[^%]]*$" then
    return "a slice is x[{{first, last}, {}}], both ends included"
  end
  local word = before:match "%f[%w_]([%a_][%w_]*)%s+$" or before:match "%f[%w_]([%a_][%w_]*)%s+[%w_%.]+%s*$"
  return word and words[word] or words[here:match "^[%a_]+" or ""]
end

---A message of the compiler with the line and a caret under the token at which it gave up.
---@param text string
---@param why string
---@return string
function M.where_wrong(text, why)
  local tokens = lexer.tokens(text)
  local low, high = 1, #tokens -- the first token with which the beginning is wrong, not only unfinished
  if #tokens == 0 or #tokens > 2000 then
    return why
  end
  local function wrong(k)
    local f, message = compiled(text:sub(1, tokens[k][3]))
    return not f and message:sub(-#MARK) ~= MARK
  end
  if not wrong(high) then
    return why
  end
  while low < high do
    local middle = (low + high) // 2
    if wrong(middle) then
      high = middle
    else
      low = middle + 1
    end
  end
  local at = tokens[low][2]
  local before = text:sub(1, at - 1)
  local number = select(2, before:gsub("\n", "")) + 1
  local shown = with_caret(text, number, at - #(before:match "^.*\n" or ""))
  local hint = hint_at(text, at)
  why = hint and ("%s; %s"):format(why, hint) or why
  return shown and why .. "\n" .. shown or why
end

-- Whether the chunk itself is the innermost function that was typed: line numbers of others are those of chunks before it.
-- "return f()" leaves no frame.
local function in_chunk()
  for level = 3, 60 do -- deeper is no chunk's own mistake
    local info = running and debug.getinfo(level, "Sf")
    if not running then
      return false
    elseif not info or info.func == running.f then
      return true
    elseif info.source == "=" .. M.NAME then
      return false
    end
  end
end

---A message of a chunk that ran, with its line where it has several, and a caret where the message names what stands there once.
---Called while the stack still stands.
---@param message string
---@return string
function M.explained(message)
  if not in_chunk() then
    return message
  end
  local number, rest = message:match("^" .. M.NAME .. ":(%d+): (.*)")
  local line = line_of(running.text, tonumber(number) or not running.text:find "\n" and 1)
  if not line then
    return message
  end
  local name = message:match "%(%a+ '([%a_][%w_]*)'%)" or (rest or message):match "^([%a_][%w_]*)[:%(]"
  local column
  for _, t in ipairs(lexer.tokens(line)) do
    if name and t[1] == "name" and line:sub(t[2], t[3]) == name then
      column = not column and t[2] or false
    end
  end
  local shown = (column or running.text:find "\n") and with_caret(running.text, tonumber(number) or 1, column or nil)
  return shown and message .. "\n" .. shown or message
end

-- ---- looking into what failed ----

local frames, frame_at = {}, 0
local hidden = {} -- name -> the cell that a frame's variable stands before, or false

-- The prompt's own locals as they were.
local function leave_frames()
  for name, cell in pairs(hidden) do
    cells[name], hidden[name] = cell or nil, nil
  end
end

---Notes the frames of an error that are the user's, with their variables: {where, {{name, value}, ...}}.
---@param is_ours fun(info: table): boolean
function M.note_frames(is_ours)
  leave_frames()
  frames, frame_at = {}, 0
  for level = 2, 200 do
    local info = debug.getinfo(level, "Slnf")
    if not info then
      return
    end
    if info.what ~= "C" and info.currentline > 0 and not is_ours(info) then
      local variables = {}
      for i = 1, 250 do
        local name, value = debug.getlocal(level, i)
        if not name then
          break
        elseif name:find "^[%a_]" and not name:find "^keep_locals_" then
          variables[#variables + 1] = { name, value }
        end
      end
      for i = 1, 250 do
        local name, value = debug.getupvalue(info.func, i)
        if not name then
          break
        elseif name ~= "_ENV" and not name:find "^keep_locals_" then
          table.insert(variables, 1, { name, value })
        end
      end
      local main = info.what == "main" or info.func == script
      local called = main and "the script" or info.name or ("function of line %d"):format(info.linedefined)
      frames[#frames + 1] = { ("%s:%d, in %s"):format(info.short_src, info.currentline, called), variables }
    end
  end
end

---Goes to a frame of the last error: its variables, and those of the frames around it that have other names, are locals of the
---prompt. Gives what can be printed.
---@param step? integer 0: the innermost one; 1: further out; -1: back; nil: stays
---@return string
function M.frame(step)
  if #frames == 0 then
    return "no error was kept; `nnlua -i script.lua` and `%run script.lua` keep the variables of the one that ends a script"
  end
  frame_at = math.max(1, math.min(#frames, step == 0 and 1 or frame_at + (step or 0)))
  local names = {}
  leave_frames()
  for k = #frames, frame_at, -1 do
    for _, variable in ipairs(frames[k][2]) do
      if hidden[variable[1]] == nil then
        hidden[variable[1]] = cells[variable[1]] or false
      end
      M.set(variable[1], variable[2])
    end
  end
  for _, variable in ipairs(frames[frame_at][2]) do
    names[#names + 1] = not names[variable[1]] and variable[1] or nil
    names[variable[1]] = true
  end
  local text = ("frame %d of %d: %s"):format(frame_at, #frames, frames[frame_at][1])
  return ("%s\n  %s"):format(text, #names > 0 and "its variables: " .. table.concat(names, ", ") or "no variables")
end

---Whether an error's frames are there to look into.
function M.has_frames()
  return #frames > 0
end

---Forgets them, and the values they hold.
function M.forget_frames()
  leave_frames()
  frames, frame_at = {}, 0
end

return M
