-- What the editor shows: the text with its prompts and colours cut into rows of the terminal, and the bytes that draw it.

local lexer = require "nn.prompt.lexer"
local width = require "nn.prompt.width"

local M = {}

---Colours of a kind of token: SGR parameters of ECMA-48. `%theme` chooses one.
M.themes = {
  dark = {
    keyword = "35", string = "32", number = "36", comment = "90", open = "31", match = "1;7", known = "34", prompt = "1",
  },
  light = {
    keyword = "34", string = "31", number = "35", comment = "90", open = "31", match = "1;7", known = "36", prompt = "1",
  },
  plain = { match = "7" },
}

-- A kind of each byte where a token begins, and where it ends.
local function styles_of(text, cursor, theme, known)
  local begins, ends = {}, {}
  if text:find "^%s*[%?%%]" then
    return begins, ends
  end
  local tokens, stack, pairs_of = lexer.tokens(text), {}, {}
  for i, t in ipairs(tokens) do
    local kind = t[1]
    local word = text:sub(t[2], t[3])
    if kind == "name" and known and known(word) then
      kind = "known"
    elseif kind == "string" and not t[4] then
      kind = "open"
    elseif kind == "op" and word:find "^[%(%[{]$" then
      stack[#stack + 1] = i
    elseif kind == "op" and word:find "^[%)%]}]$" and #stack > 0 then
      local from = table.remove(stack)
      pairs_of[from], pairs_of[i] = i, from
    end
    local style = theme[kind]
    if style then
      begins[t[2]], ends[t[3]] = style, true
    end
  end
  if cursor then -- the bracket under the cursor, or else before it, and its partner
    for _, place in ipairs { cursor, cursor - 1 } do
      for i, partner in pairs(pairs_of) do
        if tokens[i][2] == place then
          for _, k in ipairs { i, partner } do
            begins[tokens[k][2]], ends[tokens[k][3]] = theme.match, true
          end
          return begins, ends
        end
      end
    end
  end
  return begins, ends
end

---The rows of a text: {rows, cursor_row, cursor_column}, counted from 1 and 0.
---@param text string
---@param cursor integer the byte that the cursor stands on
---@param options table {columns =, prompt =, prompt2 =, theme =, known =, plain_cursor =}
function M.layout(text, cursor, options)
  local columns, theme = math.max(options.columns, 8), options.theme
  local begins, ends = styles_of(text, not options.finished and cursor or nil, theme, options.known)
  local plain_prompt, plain_prompt2 = options.prompt, options.prompt2
  if width.columns(plain_prompt) > columns - 6 then -- one that leaves no room
    plain_prompt = "> "
  end
  if width.columns(plain_prompt2) > columns - 6 then
    plain_prompt2 = ""
  end
  local function prompt_of(p)
    return theme.prompt and p ~= "" and not p:find "\27" and ("\27[%sm%s\27[m"):format(theme.prompt, p) or p
  end
  local rows, parts, column, style = {}, { prompt_of(plain_prompt) }, width.columns(plain_prompt), nil
  local row_at, column_at
  local function finish()
    if style then
      parts[#parts + 1] = "\27[m"
    end
    rows[#rows + 1] = table.concat(parts)
    parts, column = style and { ("\27[%sm"):format(style) } or {}, 0
  end
  local at = 1
  while at <= #text do
    local newline = text:byte(at) == 10
    local stop, wide, shown
    if newline then
      stop, wide, shown = at, 0, nil
    else
      stop, wide, shown = width.character(text, at)
    end
    if column + wide > columns or newline and at == cursor and column == columns then
      finish()
    end
    if cursor >= at and cursor <= stop then
      row_at, column_at = #rows + 1, column
    end
    if begins[at] then
      style = begins[at]
      parts[#parts + 1] = ("\27[%sm"):format(style)
    end
    if newline then
      finish()
      table.insert(parts, 1, prompt_of(plain_prompt2))
      column = width.columns(plain_prompt2)
    else
      parts[#parts + 1] = shown
      column = column + wide
    end
    for i = at, stop do
      if ends[i] and style then
        parts[#parts + 1] = "\27[m"
        style = nil
      end
    end
    at = stop + 1
  end
  if not row_at and column >= columns then
    finish()
  end
  row_at, column_at = row_at or #rows + 1, column_at or column
  style = nil
  finish()
  return rows, row_at, column_at
end

---Words in columns, as rows of at most `columns`; no more than `most` rows.
---@param words string[]
---@param columns integer
---@param most integer
---@return string[]
function M.list(words, columns, most)
  local widest = 0
  for _, word in ipairs(words) do
    widest = math.max(widest, width.columns(word))
  end
  local each = widest + 2
  local across = math.max(1, columns // each)
  local down = (#words + across - 1) // across
  local rows = {}
  for i = 1, math.min(down, most) do
    local parts = {}
    for k = 0, across - 1 do
      local word = words[i + k * down]
      if word then
        parts[#parts + 1] = word .. (" "):rep(each - width.columns(word))
      end
    end
    rows[i] = width.cut(table.concat(parts):gsub("%s+$", ""), columns)
  end
  if down > most then
    rows[most] = width.cut(("... %d in all; go on typing"):format(#words), columns)
  end
  return rows
end

---The bytes that draw rows over what was drawn before, with the cursor on its row and column; never more rows than the terminal
---has. Second: the row of the cursor from the first one drawn, for the next time.
---@param rows string[]
---@param row integer
---@param column integer
---@param before integer the row of the cursor, from the first one drawn the last time
---@param height integer
function M.draw(rows, row, column, before, height)
  local first = 1
  if #rows > height then
    first = math.max(1, math.min(#rows - height + 1, row - height // 2))
    rows = table.move(rows, first, first + height - 1, 1, {})
  end
  local out = { before > 0 and ("\27[%dA"):format(before) or "", "\r\27[J", table.concat(rows, "\r\n") }
  local at = row - first
  if #rows - 1 > at then
    out[#out + 1] = ("\27[%dA"):format(#rows - 1 - at)
  end
  out[#out + 1] = "\r" .. (column > 0 and ("\27[%dC"):format(column) or "")
  return table.concat(out), at
end

return M
