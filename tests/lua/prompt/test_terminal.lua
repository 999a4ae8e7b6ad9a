-- The prompt as a person sees it: keys go to a terminal (tmux), and its screen is read.

local lu = require "luaunit"
local process = require "process"

TestTerminal = {}

-- Each session has a server of its own: one that was told to end may still take the next session, and lose it.
local base, sessions = os.tmpname(), 0
local socket = base .. ".0"
os.remove(base)

local function tmux(arguments)
  return process.run(("tmux -f /dev/null -S %s %s"):format(socket, arguments))
end

local function end_session()
  tmux "kill-server 2>/dev/null"
  os.remove(socket)
end

local Screen = {}
Screen.__index = Screen

local function screen_text()
  return (tmux "capture-pane -p -t s":gsub("[ \n]+$", ""))
end

-- The screen as soon as it has (or ends with) a text. At most ten seconds; sanitizers are slow.
function Screen:shows(text, plain)
  local now
  for _ = 1, 500 do
    now = screen_text()
    if now:find(text, 1, plain ~= false) then
      return now
    end
    os.execute "sleep 0.02"
  end
  lu.fail(("the screen does not show\n%s\nbut\n%s"):format(text, now))
end

-- The screen's last line, the one that is typed at, is this.
function Screen:at(line)
  local pattern = line:gsub("%p", "%%%0")
  return self:shows("%f[^\n\0]" .. pattern .. "$", false)
end

function Screen:key(...)
  tmux("send-keys -t s " .. table.concat({ ... }, " "))
end

function Screen:type(text)
  tmux("send-keys -t s -l -- " .. process.quote(text))
end

-- Lines with Enter behind each; waits for the prompt.
function Screen:lines(...)
  for _, line in ipairs { ... } do
    self:type(line)
    self:shows(line:match "%S+$" and #line < 70 and line:sub(-8) or line:sub(-1)) -- it may be wrapped
    self:key "Enter"
  end
end

function Screen:paste(text)
  local name = os.tmpname()
  local f = assert(io.open(name, "w"))
  f:write(text)
  f:close()
  tmux("load-buffer " .. name)
  tmux "paste-buffer -p -t s"
  os.remove(name)
end

local function start(options)
  lu.skipIf(os.execute "command -v tmux >/dev/null" == nil, "needs tmux (apt-get install tmux)")
  options = options or {}
  end_session()
  sessions = sessions + 1
  socket = base .. "." .. sessions
  local history = options.history or "/dev/null"
  local command = ("cd '%s' && %s NNLUA_HISTORY=%s XDG_CONFIG_HOME=/nonexistent %s %s; echo left; cat"):format(
    io.popen("pwd"):read "l", options.env or "", history, process.nnlua, options.arguments or "")
  tmux(("new-session -d -s s -x %d -y %d %s"):format(options.columns or 80, options.rows or 24, process.quote(command)))
  local s = setmetatable({}, Screen)
  if options.wait ~= false then
    s:shows "Ctrl-D: leave"
    s:at ">"
  end
  return s
end

function TestTerminal:tearDown()
  end_session()
end

-- A session of sixty lines, as somebody types it who tries things. (tmux has made spaces of the tabs.)
function TestTerminal:test_a_session()
  local s = start { rows = 50 }
  s:lines("x = nn.tensor{1, 2, 3.5}", "x") -- 1, 2
  s:shows "> x\ntensor([1.0, 2.0, 3.5], shape=3, float32)\n>"
  s:lines("_ * 2", "_1") -- 3, 4
  s:shows "> _ * 2\ntensor([2., 4., 7.], shape=3, float32)\n> _1\ntensor([1.0, 2.0, 3.5], shape=3, float32)\n>"
  s:lines("{1, {a = 2}}", "d = 5; d", "= 1 + 1") -- 5, 6, 7
  s:shows "{1, {a = 2}}\n> d = 5; d\n5\n> = 1 + 1\n2\n>"
  s:lines("local function half(n)", "return n / 2", "end", "half(5)") -- 8 to 11: a chunk of three lines
  s:shows "> local function half(n)\n>>   return n / 2\n>> end\n> half(5)\n2.5\n>"
  s:lines("half", "nn.optim.Adam") -- 12, 13
  s:shows "function (n)  -- stdin:1\n"
  s:key "C-l"
  s:at ">"
  -- a network (14 to 22)
  s:lines("local net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))", "net")
  s:shows ")  17 parameters\n>"
  s:lines("opt = nn.optim.SGD(net:parameters(), {lr = 0.5})", "net(nn.ones(4, 2)).shape", "net[3].bias.shape")
  s:shows "> net(nn.ones(4, 2)).shape\n4x2\n> net[3].bias.shape\n2\n>"
  s:lines("h = {{epoch = 1, loss = 4.0}, {epoch = 2, loss = 2.0}, {epoch = 3, loss = 1.0}}", "h")
  s:shows "  epoch  loss\n      1     4\n      2     2\n      3     1\n>"
  s:lines("%who", "%mem", "?cumsum")
  s:shows "net   Sequential, 17 parameters"
  s:shows "Running sums along a dim"
  s:key "C-l"
  s:at ">"
  -- what is wrong (23 to 31)
  s:lines("pritn(3)", "nn.Linaer(2, 3)", "x = = 1", "net.wieght", "net(nn.ones(4, 3))")
  s:shows "(global 'pritn'); did you mean 'print'?\n  pritn(3)\n  ^\n"
  s:shows "nn has no 'Linaer'; did you mean 'nn.Linear'?\n"
  s:shows "unexpected symbol near '='\n  x = = 1\n      ^\n"
  s:shows "a layer has no 'wieght'; did you mean 'weight'?\n"
  s:shows "Linear(2, 3): input has 3 features"
  s:lines("%debug on", "nn.Linear(2)", "%debug off", "%tme")
  s:shows "stack traceback:"
  s:shows "there is no command %tme; did you mean %time?"
  s:key "C-l"
  s:at ">"
  -- measuring (32 to 36)
  s:lines("%time nn.ones(3):sum():item()", "%timeit nn.ones(3):sum()", "%prof nn.ones(5, 5):inv()")
  s:shows "3.0\ntook "
  s:shows "best of 7 rounds"
  s:shows "GFLOP/s of peak"
  s:lines("??weight decay", "%history 2")
  s:shows "nn.optim.AdamW"
  s:key "C-l"
  s:at ">"
  -- editing (37 to 48)
  s:type "abc"
  s:key("Left", "Left", "BSpace")
  s:at "> bc"
  s:key "C-e"
  s:type " = 7"
  s:key "Enter"
  s:type "b"
  s:key "Tab"
  s:shows "> b\nbc     break" -- two can be meant
  s:key("C-u", "Up", "Up")
  s:at "> %history 2"
  s:key("C-c")
  s:shows "%history 2^C\n>"
  s:key "C-r"
  s:type "half(n"
  s:shows "(search 'half(n') local function half(n)\n>>   return n / 2\n>> end"
  s:key("C-g")
  s:at ">"
  s:type "half"
  s:key "Up" -- what begins so
  s:at "> half(5)"
  s:key "Enter"
  s:shows "> half(5)\n2.5\n>"
  s:type "print('漢字ä', bc)"
  s:key("Left", "Left", "Left", "Left", "Left", "Left", "BSpace", "C-e", "Enter")
  s:shows "漢字"
  s:lines "for i = 1, 2 do"
  s:type "print('at', i)"
  s:key("Enter")
  s:type "end"
  s:at ">>   end" -- Enter puts it where it belongs
  s:key "Enter"
  s:shows "at      2\n>"
  -- Tab (49 to 55)
  s:type "nn.Lin"
  s:key "Tab"
  s:shows "> nn.Linear\nLinear            LinearRegression"
  s:type "(3, 4, {bi"
  s:key "Tab"
  s:at "> nn.Linear(3, 4, {bias ="
  s:key "C-u"
  s:type "%tim"
  s:key "Tab"
  s:shows "> %time\ntime    timeit"
  s:key "C-u"
  s:type "net[1].wei"
  s:key "Tab"
  s:at "> net[1].weight"
  s:type ":numel()"
  s:key "Enter"
  s:shows "net[1].weight:numel()\n6\n>"
  s:type "require 'nn.th"
  s:key "Tab"
  s:at "> require 'nn.theory"
  s:key "C-u"
  -- the end (56 to 60)
  s:lines("%save /tmp/nnlua-typed.lua", "%reset", "net, x, bc")
  s:shows "chunks in /tmp/nnlua-typed.lua"
  s:shows "nil     nil     nil\n>"
  os.remove "/tmp/nnlua-typed.lua"
  s:lines("-- nothing", "quit")
  s:shows "\nleft"
end

-- Ctrl-C: in a loop, in a kernel, in a coroutine, while typing, at an empty prompt; everything is alive after it.
function TestTerminal:test_interrupts()
  local s = start { rows = 40 }
  s:lines("kept = nn.ones(3)", "started = 0", "while true do started = started + 1 end")
  s:key "C-c"
  s:shows "interrupted!"
  s:at ">"
  s:lines "nn.randn(1500, 1500):svd()"
  os.execute "sleep 0.3"
  local before = os.time()
  s:key "C-c"
  s:shows "svd"
  s:at ">"
  lu.assertTrue(os.time() - before <= 3)
  s:lines("co = coroutine.wrap(function() while true do started = started + 1 end end)", "co()")
  s:key "C-c"
  s:at ">"
  -- the second one cannot be caught
  s:lines "while true do pcall(function() while true do end end) end"
  s:key "C-c"
  os.execute "sleep 0.2"
  s:key "C-c"
  s:at ">"
  s:lines "kept:sum():item() * 2"
  s:shows "6.0\n>"
  s:type "print('no' .. 'where')"
  s:shows "print('no' .. 'where')" -- Ctrl-C takes along what the terminal has not handed over
  s:key "C-c"
  s:shows "print('no' .. 'where')^C\n>"
  s:key "C-c"
  s:shows "> ^C\n>"
  s:lines "for i = 1, 3 do"
  s:shows "for i = 1, 3 do\n>>"
  s:key "C-c"
  s:shows ">>   ^C\n>"
  s:lines "kept:sum():item()"
  s:shows "3.0\n>"
  lu.assertNotStrContains(screen_text(), "\nnowhere")
  -- what Tab calls may never end
  s:lines "endless = setmetatable({}, {__index = function() while true do end end})"
  s:type "endless.a.b"
  s:key("Tab", "C-c")
  s:lines "'after ' .. 'Tab'"
  s:shows "after Tab"
  s:key "C-d"
  s:shows "\nleft"
end

-- A function of forty lines is pasted: it is one text, runs once, and is one entry of the history.
function TestTerminal:test_pasting()
  local history = os.tmpname()
  local s = start { rows = 30, columns = 60, history = history }
  local lines = { "count = (count or 0) + 1", "function long(n)", "\tlocal sum = 0" }
  for i = 1, 35 do
    lines[#lines + 1] = ("\tsum = sum + n * %d -- a line of some length, to be wrapped at 60"):format(i)
  end
  lines[#lines + 1] = "\treturn sum"
  lines[#lines + 1] = "end"
  s:paste(table.concat(lines, "\n") .. "\n")
  s:shows ">>   return sum\n>> end"
  s:key "Enter"
  s:shows ">> end\n>"
  s:lines("long(2), count")
  s:shows "1260    1\n>"
  s:key("Up", "Up")
  s:shows ">> end"
  s:key("C-c")
  s:lines "quit"
  s:shows "\nleft"
  local kept = {}
  for line in io.lines(history) do
    kept[#kept + 1] = line
  end
  lu.assertEquals(#kept, 4) -- the head and three entries
  -- another session brings it back
  s = start { rows = 30, columns = 60, history = history }
  s:type "count"
  s:key "Up"
  s:shows ">> end"
  s:key "C-c"
  s:key "C-d"
  os.remove(history)
end

function TestTerminal:test_sixty_columns()
  local s = start { rows = 30, columns = 60 }
  s:type "x = {one = 'a text that is so long that it does not fit', two = 2}"
  s:shows "> x = {one = 'a text that is so long that it does not fit',\ntwo = 2}" -- cut at the edge
  s:key("C-a", "C-k")
  s:at ">"
  s:lines("h = {{epoch = 1, loss = 1, accuracy = 0.5, valid_loss = 2, valid_accuracy = 0.25}, {epoch = 2, loss = 0.5}}", "h")
  s:shows "  epoch  loss"
  for line in (screen_text() .. "\n"):gmatch "(.-)\n" do
    lu.assertTrue(utf8.len(line) <= 60, line)
  end
  -- the window changes while one types
  s:type "abcdef"
  tmux "resize-window -t s -x 30 -y 20"
  s:type "g"
  s:shows "abcdefg"
  s:key "C-c"
  s:lines "1 + 1"
  s:shows "> 1 + 1\n2\n>"
end

-- Tensors, help and runs are as wide as the window; a session that is copied from a page is run line by line.
function TestTerminal:test_width()
  local s = start { rows = 50, columns = 50 }
  s:lines("nn.ones(2, 30)", "?nn.optim.Adam")
  s:shows "see: nn.optim.AdamW"
  for line in (screen_text() .. "\n"):gmatch "(.-)\n" do
    lu.assertTrue(utf8.len(line) <= 50, line)
  end
  lu.assertNotStrContains(screen_text(), "av\nerage") -- between words
  s:key "C-l"
  s:paste "> a = nn.tensor{1, 2}\n> a == a\ntrue\n> a:sum()\ntensor(3, int64)\n"
  s:shows ">> a == a\n>> a:sum()"
  s:key "Enter"
  s:shows "true\ntensor(3, int64)\n>"
end

function TestTerminal:test_suspending()
  local s = start { wait = false, arguments = "; :", env = "PS1='$ ' bash --norc -i; :" }
  s:shows "$"
  s:lines(("NNLUA_HISTORY=/dev/null %s"):format(process.nnlua))
  s:shows "Ctrl-D: leave"
  s:type "x = 'typed"
  s:shows "x = 'typed"
  s:key "C-z"
  s:shows "Stopped"
  s:lines "echo a$((1 + 1))b"
  s:shows "a2b"
  s:lines "fg"
  s:shows "> x = 'typed"
  s:type " on'"
  s:key "Enter"
  s:lines "x .. '!'"
  s:shows "typed on!"
  s:key "C-d"
  s:shows "$"
end

-- However the program ends, the terminal is as it was.
function TestTerminal:test_ends()
  for _, signal in ipairs { "TERM", "HUP" } do
    local s = start { env = "bash -c 'stty -a > /tmp/nnlua-stty-before'; ", arguments = "; stty -a > /tmp/nnlua-stty-after; cat" }
    s:type "x = 'typed"
    s:shows "x = 'typed"
    os.execute(("pkill -%s -P $(tmux -f /dev/null -S %s display-message -p -t s '#{pane_pid}') nnlua"):format(signal, socket))
    s:type "plain"
    s:shows "plain"
    local function read(path)
      local f = assert(io.open(path))
      local text = f:read "a"
      f:close()
      os.remove(path)
      return text
    end
    lu.assertEquals(read "/tmp/nnlua-stty-after", read "/tmp/nnlua-stty-before", signal)
  end
end

-- Where the terminal cannot move its cursor, and where there is none.
function TestTerminal:test_no_terminal()
  local s = start { env = "TERM=dumb" }
  s:lines("1 + 1", "for i = 1, 2 do", "print('at', i)", "end")
  s:shows "> 1 + 1\n2\n"
  s:shows "at      2"
  s:key "C-d"
  s:shows "left"
  local out, err, status = process.run(process.nnlua .. " -i", "1 + 1\nfor i = 1, 2 do\nprint(i)\nend\n'ä漢'")
  lu.assertEquals(status, 0, err)
  lu.assertStrContains(out, "> 2\n> >> >> 1\n2\n> ä漢\n> ")
  lu.assertNotStrContains(out, "\27")
end

-- Colours are the terminal's own; NO_COLOR has none.
function TestTerminal:test_colours()
  local s = start()
  s:type "local x = 'a' -- c"
  s:shows "local x = 'a' -- c"
  lu.assertStrContains((tmux "capture-pane -p -e -t s"), "35m\27[49mlocal")
  s:key("C-u")
  s:lines "%theme plain"
  s:type "local x = (1)"
  s:shows "local x = (1)"
  lu.assertNotStrContains((tmux "capture-pane -p -e -t s"), "35m\27[49mlocal\27[39m x = (")
  lu.assertStrContains((tmux "capture-pane -p -e -t s"), "\27[7m(") -- the partner of the bracket before the cursor
end
