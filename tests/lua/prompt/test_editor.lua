-- The editor without a terminal: bytes of a keyboard go in, the text and what is drawn come out.

local lu = require "luaunit"
local editor = require "nn.prompt.editor"
local history = require "nn.prompt.history"
local keys = require "nn.prompt.keys"
local lexer = require "nn.prompt.lexer"
local screen = require "nn.prompt.screen"
local session = require "nn.prompt.session"
local width = require "nn.prompt.width"

TestEditor = {}

local UP, DOWN, RIGHT, LEFT = "\27[A", "\27[B", "\27[C", "\27[D"

local function new(entries)
  local h = history.open(nil)
  for _, text in ipairs(entries or {}) do
    h:add(text)
  end
  local e = editor.new { history = h, unfinished = session.unfinished, theme = screen.themes.plain, completer = function(text)
    local words = {}
    local typed = text:match "[%w_]*$"
    for _, word in ipairs { "matmul", "matrix_exp", "mean" } do
      words[#words + 1] = word:sub(1, #typed) == typed and word or nil
    end
    return words, typed
  end }
  e:begin { columns = 40, height = 12, prompt = "> ", prompt2 = ">> " }
  return e
end

-- What the text is after these bytes; second: the place of the cursor, third: the status.
local function typed(bytes, entries, e)
  e = e or new(entries)
  local _, status, text = e:feed(bytes)
  return text or e.text, e.cursor, status
end

function TestEditor:test_moving_and_changing()
  for _, case in ipairs {
    { "abc" .. LEFT .. LEFT .. "x", "axbc" }, { "abc\1x", "xabc" }, { "abc\1\5x", "abcx" }, { "abc\127", "ab" },
    { "abc\1\27[3~", "bc" }, { "abc" .. LEFT .. "\4", "ab" }, { "a b c\23", "a b " }, { "abc" .. LEFT .. "\11", "ab" },
    { "abc" .. LEFT .. "\21", "c" }, { "abc\21\25\25", "abcabc" }, { "foo bar\27bx", "foo xbar" }, { "foo bar\1\27d", " bar" },
    { "foo bar\27[1;5Dx", "foo xbar" }, { "ab\20", "ba" }, { "abc\1\27[Cx", "axbc" }, { "ab\27OHx", "xab" },
    { "abc\23def\31", "" }, { "x = 1\31", "" }, { "äöü" .. LEFT .. LEFT .. "x", "äxöü" }, { "漢字\127", "漢" },
    { "e\204\129" .. LEFT .. "x", "xe\204\129" }, { "a\27[99;99Zb\27[?1;2cc", "abc" }, { "a\27Ob\27[200~xy\27[201~c", "axyc" },
  } do
    lu.assertEquals(typed(case[1]), case[2], ("%q"):format(case[1]))
  end
end

-- Bytes may come one by one, or in pieces that cut a character or a sequence in two.
function TestEditor:test_bytes_in_pieces()
  local all = "ä漢\27[D\27[200~p\nq\27[201~\27[1;5Dz😀"
  local whole = typed(all)
  for cut = 1, #all - 1 do
    local e = new()
    e:feed(all:sub(1, cut))
    e:feed(all:sub(cut + 1))
    lu.assertEquals(e.text, whole, cut)
  end
  local e = new()
  for i = 1, #all do
    e:feed(all:sub(i, i))
  end
  lu.assertEquals(e.text, whole)
end

function TestEditor:test_an_escape_alone()
  local e = new()
  e:feed "ab\27"
  local ahead, waits = e:pending()
  lu.assertEquals({ ahead, waits }, { false, true })
  e:feed(nil) -- a moment passed
  lu.assertEquals({ select(2, e:pending()) }, { false })
  lu.assertEquals(typed("c", nil, e), "abc")
end

function TestEditor:test_lines_that_go_on()
  local text, _, status = typed "for i = 1, 3 do\rprint(i)\rend\r"
  lu.assertEquals(status, "done")
  lu.assertEquals(text, "for i = 1, 3 do\n  print(i)\nend")
  text = typed "if a then\rb()\relse\rc()\rend\r"
  lu.assertEquals(text, "if a then\n  b()\nelse\n  c()\nend")
  text = typed "t = {\r1,\r}\r"
  lu.assertEquals(text, "t = {\n  1,\n}")
  -- in the middle of a text Enter makes a line, at its end it runs it
  text, _, status = typed("f(1)" .. "\27\r" .. "g(2)" .. UP .. "\r")
  lu.assertEquals(text, "f(1)\n\ng(2)")
  lu.assertNil(status)
  lu.assertEquals(select(3, typed "d = f(); d\r"), "done")
  lu.assertEquals(select(3, typed "x = = 3\r"), "done") -- wrong, not unfinished
  lu.assertNil((select(3, typed "x = \r")))
end

function TestEditor:test_pasting()
  local block = "local x = 1\r\nfor i = 1, 3 do\n\tx = x + i\nend\nprint(x)\n"
  local text, _, status = typed("\27[200~" .. block .. "\27[201~")
  lu.assertNil(status) -- it waits for Enter
  lu.assertEquals(text, "local x = 1\nfor i = 1, 3 do\n\tx = x + i\nend\nprint(x)")
  -- a session copied from a page: what was typed there
  lu.assertEquals(typed "\27[200~> x = 1\n> x\n1\n> for i = 1, 2 do\n>> end\n\27[201~", "x = 1\nx\nfor i = 1, 2 do\nend")
  lu.assertEquals(typed "\27[200~a\27[31mb\0\7c\27[201~", "abc") -- nothing that could move the cursor
end

function TestEditor:test_history()
  local entries = { "x = 1", "y = 2", "x = 3", "for i = 1, 2 do\n  f()\nend" }
  lu.assertEquals(typed(UP, entries), entries[4])
  lu.assertEquals(typed(UP .. UP .. UP .. UP, entries), "x = 3") -- first to the top of the text, then on
  lu.assertEquals(typed("x" .. UP, entries), "x = 3")
  lu.assertEquals(typed("x" .. UP .. UP, entries), "x = 1")
  lu.assertEquals(typed("x" .. UP .. UP .. DOWN, entries), "x = 3")
  lu.assertEquals(typed("x" .. UP .. DOWN, entries), "x")
  lu.assertEquals(typed("y = 2\5", entries), "y = 2")
  -- searching
  lu.assertEquals(typed("\18 = ", entries), "for i = 1, 2 do\n  f()\nend") -- the newest that has it
  lu.assertEquals(typed("\18 = \18", entries), "x = 3")
  lu.assertEquals(typed("\18y =\18\5!", entries), "y = 2!")
  lu.assertEquals(typed("abc\18y =\7", entries), "abc") -- Ctrl-G: as it was
  lu.assertEquals(select(3, typed("\18y\r", entries)), "done")
  lu.assertEquals(typed("\18x =\18\19", entries), "x = 3")
end

function TestEditor:test_tab()
  lu.assertEquals(typed "x:mat\t", "x:mat")
  lu.assertEquals(typed "x:matm\t", "x:matmul")
  lu.assertEquals(typed "x:me\t(1)", "x:mean(1)")
  lu.assertEquals(typed "zz\t!", "zz!")
  local e = new()
  local out = e:feed "x:m\t"
  lu.assertStrContains(out, "matmul")
  lu.assertStrContains(out, "mean")
  lu.assertNotStrContains((e:feed "a"), "matrix") -- the list goes with the next key
  lu.assertEquals(typed "for i = 1, 2 do\r\t", "for i = 1, 2 do\n    ") -- in front of a line it indents
end

function TestEditor:test_the_end()
  lu.assertEquals(select(3, typed "\4"), "end")
  lu.assertNil((select(3, typed "a\4")))
  lu.assertEquals(select(3, typed "a\26"), "suspend")
end

-- What is typed ahead, behind an Enter, is the next text.
function TestEditor:test_typing_ahead()
  local e = new()
  local _, status, text = e:feed "a = 1\rb = 2\rc"
  lu.assertEquals({ status, text }, { "done", "a = 1" })
  e:begin { columns = 40, height = 12, prompt = "> ", prompt2 = ">> " }
  _, status, text = e:feed(nil)
  lu.assertEquals({ status, text }, { "done", "b = 2" })
  e:begin { columns = 40, height = 12, prompt = "> ", prompt2 = ">> " }
  e:feed(nil)
  lu.assertEquals(e.text, "c")
end

-- ---- what is drawn ----

-- A terminal that understands what the editor sends: its rows and the cursor.
local function terminal(columns, height)
  local t = { rows = {}, row = 1, column = 0 }
  for r = 1, height do
    t.rows[r] = {}
  end
  function t:write(bytes)
    local at = 1
    while at <= #bytes do
      local number, final, stop = bytes:match("^\27%[%??([%d;]*)(%a)()", at)
      if final then
        local n = tonumber(number) or 1
        if final == "A" then
          self.row = math.max(1, self.row - n)
        elseif final == "C" then
          self.column = math.min(columns - 1, self.column + n)
        elseif final == "J" then
          for r = self.row, height do
            for c = r == self.row and self.column or 0, columns do
              self.rows[r][c] = nil
            end
          end
        elseif final == "H" then
          self.row, self.column = 1, 0
        end
        at = stop
      elseif bytes:sub(at, at) == "\r" then
        self.column, at = 0, at + 1
      elseif bytes:sub(at, at) == "\n" then
        if self.row == height then
          table.remove(self.rows, 1)
          self.rows[height] = {}
        else
          self.row = self.row + 1
        end
        at = at + 1
      else
        local last, wide, shown = width.character(bytes, at)
        assert(self.column + wide <= columns, ("a row of more than %d columns: %q"):format(columns, bytes))
        self.rows[self.row][self.column] = shown
        for c = 1, wide - 1 do
          self.rows[self.row][self.column + c] = ""
        end
        self.column, at = self.column + wide, last + 1
      end
    end
  end
  function t:text()
    local lines = {}
    for r = 1, height do
      local line = {}
      for c = 0, columns - 1 do
        line[#line + 1] = self.rows[r][c] or " "
      end
      lines[r] = table.concat(line):gsub("%s+$", "")
    end
    return (table.concat(lines, "\n"):gsub("\n+$", ""))
  end
  return t
end

-- Keys at a terminal of a size: what is on it then, and the cursor's row and column.
local function drawn(bytes, columns, height, prompt)
  local e = new()
  local t = terminal(columns, height)
  t:write(e:begin { columns = columns, height = height, prompt = prompt or "> ", prompt2 = ">> " })
  for _, part in ipairs(type(bytes) == "table" and bytes or { bytes }) do
    t:write((e:feed(part)))
  end
  return t:text(), t.row, t.column, e
end

function TestEditor:test_drawing()
  local text, row, column = drawn("abc" .. LEFT, 20, 5)
  lu.assertEquals({ text, row, column }, { "> abc", 1, 4 })
  text, row, column = drawn("0123456789abcdefghij", 20, 5) -- longer than a row
  lu.assertEquals({ text, row, column }, { "> 0123456789abcdefgh\nij", 2, 2 })
  text, row, column = drawn("0123456789abcdefgh", 20, 5) -- fills it: the cursor stands on the next one
  lu.assertEquals({ text, row, column }, { "> 0123456789abcdefgh", 2, 0 })
  text, row, column = drawn("漢字漢字漢字漢字漢字", 20, 5) -- no character is cut in two
  lu.assertEquals({ text, row, column }, { "> 漢字漢字漢字漢字漢\n字", 2, 2 })
  text, row, column = drawn("f(\r1,\r2)", 20, 5)
  lu.assertEquals({ text, row, column }, { "> f(\n>>   1,\n>>   2)", 3, 7 })
  text = drawn({ "abcdefghijklmnopqrstuvwxyz", "\21", "x" }, 20, 5) -- nothing of the longer text stays
  lu.assertEquals(text, "> x")
  text = drawn({ "x:m", "\t", "a" }, 40, 8)
  lu.assertEquals(text, "> x:ma")
  text = drawn({ "x:m", "\t" }, 40, 8)
  lu.assertEquals(text, "> x:m\nmatmul      matrix_exp  mean")
  lu.assertEquals((drawn("\255\1", 20, 5)), "> <ff>")
  lu.assertEquals((drawn("abc", 20, 5, "a prompt longer than the row> ")), "> abc")
end

-- A text of more rows than the terminal has: the part around the cursor.
function TestEditor:test_a_text_higher_than_the_screen()
  local lines = {}
  for i = 1, 30 do
    lines[i] = "line" .. i .. "()"
  end
  local text, row = drawn("\27[200~" .. table.concat(lines, "\n") .. "\27[201~", 20, 6)
  lu.assertStrContains(text, "line30()")
  lu.assertNotStrContains(text, "line20()")
  lu.assertEquals(row, 6)
  text, row = drawn({ "\27[200~" .. table.concat(lines, "\n") .. "\27[201~", "\27<" }, 20, 6)
  lu.assertStrContains(text, "line1()")
  lu.assertEquals(row, 1)
end

-- Whatever is typed: no error, the cursor stands where a character begins, no row is too long, and all bytes are in order.
function TestEditor:test_random_keys()
  local state = 7
  local function random(n)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % n + 1
  end
  local choices = { UP, DOWN, LEFT, RIGHT, "\r", "\127", "\4x", "\1", "\5", "\11", "\21", "\23", "\25", "\31", "\20", "\t", "\18",
    "\7", "a", "end ", "do ", "漢", "e\204\129", "\255", "(", "}", "'", "--[[", "\27[200~p\nq\27[201~", "\27b", "\27f", "\27d",
    "\27\r", "\27[3~", "\27", "\240\159\145\168\226\128\141\240\159\145\169", "\0", "local x = 1\r" }
  for _ = 1, 60 do
    local columns, height = random(30) + 8, random(8) + 2
    local e = new { "x = 1", "for i = 1, 2 do\n  漢()\nend" }
    local t = terminal(columns, height)
    local options = { columns = columns, height = height, prompt = "> ", prompt2 = ">> " }
    t:write(e:begin(options))
    for _ = 1, 60 do
      local out, status = e:feed(choices[random(#choices)])
      t:write(out)
      lu.assertTrue(e.cursor >= 1 and e.cursor <= #e.text + 1)
      if status then
        t:write(e:begin(options))
      end
    end
  end
end

-- ---- parts ----

function TestEditor:test_keys()
  local function names(bytes)
    local d, out = keys.decoder(), {}
    for _, key in ipairs(d:feed(bytes)) do
      out[#out + 1] = key[2] and ("%s %s"):format(key[1], key[2]) or key[1]
    end
    return table.concat(out, ", ")
  end
  lu.assertEquals(names "a\27[1;5Cb\9\27[Z\27[15~\27\27[A", "text a, ctrl-right, text b, tab, shift-tab, unknown, escape, up")
  lu.assertEquals(names "\27x\27\127\1\26\31\0", "alt-x, alt-backspace, ctrl-a, ctrl-z, ctrl-_, ctrl-space")
end

function TestEditor:test_widths()
  lu.assertEquals(width.columns "abc", 3)
  lu.assertEquals(width.columns "漢字", 4)
  lu.assertEquals(width.columns "e\204\129", 1)
  lu.assertEquals(width.columns "😀", 2)
  lu.assertEquals(width.columns "\240\159\145\168\226\128\141\240\159\145\169", 2) -- two that are joined to one
  lu.assertEquals(width.columns "\255", 4) -- <ff>
  lu.assertEquals(width.columns "\27[1;31mx\27[m", 1)
  lu.assertEquals(width.before("aé漢", 7), 4)
end

function TestEditor:test_tokens()
  local function kinds(text)
    local out = {}
    for _, t in ipairs(lexer.tokens(text)) do
      out[#out + 1] = t[1]:sub(1, 1) .. (t[4] and "" or "!") .. text:sub(t[2], t[3])
    end
    return table.concat(out, " ")
  end
  lu.assertEquals(kinds "local x = 0x1p4 .. 'a\\'b' -- c", "klocal nx o= n0x1p4 o.. s'a\\'b' c-- c")
  lu.assertEquals(kinds "[==[a]]b]==] 1e-3 ::l:: a//b 3..2", "s[==[a]]b]==] n1e-3 o:: nl o:: na o// nb n3. n.2")
  lu.assertEquals(kinds "'open", "s!'open")
  lu.assertEquals(kinds "--[[ open\nx", "c!--[[ open\nx")
  lu.assertEquals(kinds "x = [[open", "nx o= s![[open")
  lu.assertEquals(lexer.depth "function f() if x then g({", 4)
  lu.assertEquals((lexer.outer "local a, b <const>, c <close> = 1 local function d() local e end do local g end x = function() local h end"),
    { "a", "b", "d" })
end

function TestEditor:test_history_file()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write "_HiStOrY_V2_\nx\\040=\\0401\ny\nfor\\040i\\012end\ny\nback\\134slash\nold\\\\n\n"
  f:close()
  local h = history.open(path)
  lu.assertEquals(h.entries, { "x = 1", "for i\nend", "y", "back\\slash", "old\\n" })
  h:add "two\nlines\t'é'"
  h:add "two\nlines\t'é'"
  h:add "x = 1"
  h:add "  "
  local again = history.open(path)
  lu.assertEquals(again.entries, { "for i\nend", "y", "back\\slash", "old\\n", "two\nlines\t'é'", "x = 1" })
  for i = 1, 5000 do
    again:add("e" .. i)
  end
  local short = history.open(path)
  lu.assertEquals({ #short.entries, short.entries[1], short.entries[2000] }, { 2000, "e3001", "e5000" })
  local count = 0
  for _ in io.lines(path) do
    count = count + 1
  end
  lu.assertEquals(count, 2001)
  os.remove(path)
end
