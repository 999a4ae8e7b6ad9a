-- Lua text cut into tokens, finished or not: for colours, for matching brackets, and to know which locals a chunk makes.

local M = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while")
  :gmatch "%a+" do
  keywords[word] = true
end
M.keywords = keywords

-- Where a long bracket that opens at `at` ends, or the end of the text; second: whether it is closed. nil: none opens here.
local function long_bracket(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then
    return nil
  end
  local _, stop = text:find("]" .. level .. "]", at + #level + 2, true)
  return stop or #text, stop ~= nil
end

-- Where a string in quotes ends; it is not closed where the line ends first.
local function quoted(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" then
      local skipped = text:match("^z%s*()", i + 1)
      i = skipped or i + 2
    elseif c == quote then
      return i, true
    elseif c == "\n" then
      return i - 1, false
    else
      i = i + 1
    end
  end
  return #text, false
end

---The tokens of a text: {kind, start, stop, closed}. Kinds: keyword, name, number, string, comment, op, other. White space is
---left out; `closed` is false of strings and comments that the text does not end.
---@param text string
---@return table[]
function M.tokens(text)
  local list, at = {}, 1
  local function put(kind, stop, closed)
    list[#list + 1] = { kind, at, stop, closed ~= false }
    at = stop + 1
  end
  while true do
    at = text:find("%S", at)
    if not at then
      return list
    end
    local c = text:sub(at, at)
    local stop, closed
    if c:find "[%a_]" then
      stop = select(2, text:find("^[%w_]+", at))
      put(keywords[text:sub(at, stop)] and "keyword" or "name", stop)
    elseif text:find("^%.?%d", at) then
      stop = select(2, text:find("^0[xX][%x%.]*", at))
      if stop then
        stop = select(2, text:find("^[pP][+-]?%d+", stop + 1)) or stop
      else
        stop = select(2, text:find("^%d*%.?%d*", at))
        stop = select(2, text:find("^[eE][+-]?%d+", stop + 1)) or stop
      end
      put("number", stop)
    elseif text:find("^%-%-", at) then
      stop, closed = long_bracket(text, at + 2)
      if not stop then
        stop = (text:find("\n", at, true) or #text + 1) - 1
      end
      put("comment", stop, closed)
    elseif c == '"' or c == "'" then
      put("string", quoted(text, at))
    elseif long_bracket(text, at) then
      put("string", long_bracket(text, at))
    else
      stop = select(2, text:find("^%.%.%.?", at)) or select(2, text:find("^[=~<>]=", at)) or select(2, text:find("^//", at))
        or select(2, text:find("^::", at)) or select(2, text:find("^<<", at)) or select(2, text:find("^>>", at))
        or select(2, text:find("^" .. utf8.charpattern, at)) or at
      put(c:find "%p" and "op" or "other", stop)
    end
  end
end

local opens = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true, ["("] = true, ["{"] = true, ["["] = true }
local closes = { ["end"] = true, ["until"] = true, [")"] = true, ["}"] = true, ["]"] = true }
M.opens, M.closes = opens, closes

---How many blocks and brackets are open at the end of a text (never below 0).
---@param text string
---@param tokens? table[]
---@return integer
function M.depth(text, tokens)
  local depth = 0
  for _, t in ipairs(tokens or M.tokens(text)) do
    if t[1] == "keyword" or t[1] == "op" then
      local word = text:sub(t[2], t[3])
      depth = math.max(0, depth + (opens[word] and 1 or 0) - (closes[word] and 1 or 0))
    end
  end
  return depth
end

local starters = {}
for word in ("local if for while repeat function return goto break do"):gmatch "%a+" do
  starters[word] = true
end

---What a chunk has outside of all its blocks: the names of its locals in the order they are made (to-be-closed ones are left
---out), the place of a `return`, the places where an expression or statement might begin, which names are constants, and of
---each statement that makes locals {names, behind = places where the next statement may begin}.
---@param text string
---@param tokens? table[]
---@return string[] locals, integer? return_at, integer[] places, table<string, boolean> constant, table[] statements
function M.outer(text, tokens)
  tokens = tokens or M.tokens(text)
  local locals, seen, return_at, places, constant, depth = {}, {}, nil, {}, {}, 0
  local statements = {}
  local i = 1
  local function word(k)
    local t = tokens[k]
    return t and t[1] ~= "string" and t[1] ~= "comment" and text:sub(t[2], t[3]) or nil
  end
  local function keep(name, is_constant)
    if not seen[name] then
      seen[name], locals[#locals + 1] = true, name
    end
    constant[name] = is_constant
    local made = statements[#statements].names
    made[#made + 1] = name
  end
  while i <= #tokens do
    local t = tokens[i]
    local this = word(i)
    if depth == 0 and t[1] ~= "comment" then
      places[#places + 1] = t[2]
      local last = statements[#statements]
      if last and i > last.from and (t[1] == "name" or starters[this] or this == "::" or this == ";") then
        last.behind[#last.behind + 1] = t[2]
      end
    end
    if t[1] == "keyword" or t[1] == "op" then
      if depth == 0 and this == "return" then
        return_at = t[2]
      elseif depth == 0 and this == "local" then
        statements[#statements + 1] = { names = {}, behind = {}, from = i + 1 }
        if word(i + 1) == "function" then
          keep(word(i + 2) or "")
          statements[#statements].from = i + 2
        else
          local k = i + 1
          while tokens[k] and tokens[k][1] == "name" do
            local name, attribute = word(k), nil
            if word(k + 1) == "<" then
              attribute = word(k + 2)
              k = k + 3
            end
            if attribute ~= "close" then
              keep(name, attribute == "const" or nil)
            end
            statements[#statements].from = k
            k = k + 1
            if word(k) ~= "," then
              break
            end
            k = k + 1
          end
        end
      end
      depth = math.max(0, depth + (opens[this] and 1 or 0) - (closes[this] and 1 or 0))
    end
    i = i + 1
  end
  return locals, return_at, places, constant, statements
end

return M
