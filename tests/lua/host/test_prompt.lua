-- The prompt at a terminal, which `script` makes.

local lu = require "luaunit"
local process = require "process"

TestPrompt = {}

-- What appears when these keys are typed, and what the history file holds afterwards.
local function typed(keys, before)
  local history = os.tmpname()
  if before then
    local f = assert(io.open(history, "w"))
    f:write(before)
    f:close()
  else
    os.remove(history)
  end
  -- The keys come when the prompt is there, line by line, as a person's do. `exec`: Ctrl-C goes to a shell that waits,
  -- too, and some shells (dash) then end as interrupted, whatever the program did.
  local command = ([[( sleep 0.5; while IFS= read -r line; do printf '%%s\n' "$line"; sleep 0.2; done; sleep 0.3 ) |
    NNLUA_HISTORY=%s TERM=xterm timeout 30 script -qec 'exec %s' /dev/null]]):format(history, process.nnlua)
  local out, err, status = process.run(command, keys)
  lu.assertEquals(status, 0, err .. out)
  local f = io.open(history)
  local kept = f and f:read "a" or ""
  if f then
    f:close()
  end
  os.remove(history)
  return out, kept
end

function TestPrompt:test_values_and_lines_that_go_on()
  local out, kept = typed "nn.ones(2) * 3\nfor i = 1, 2 do\nprint('at', i)\nend\n1 + nil\nx = \n'not yet'\nx .. '!'\n"
  lu.assertStrContains(out, "tensor([3., 3.], shape=2, float32)")
  lu.assertStrContains(out, "at\t2")
  lu.assertStrContains(out, "stdin:1: attempt to perform arithmetic on a nil value")
  lu.assertStrContains(out, "not yet!")
  lu.assertStrContains(kept, "x\\040..\\040'!'")
end

function TestPrompt:test_help()
  lu.assertStrContains(typed "?cumsum\n", "Running sums along a dim")
end

function TestPrompt:test_tab()
  -- one that can be meant, two steps; what several have in common; a method; what is not there
  local out = typed("print(math.flo\t(2.5), 'one')\nprint(nn.optim.SG\t ~= nil, 'two')\nt = nn.ones(3)\n"
    .. "print(t:cumsu\t(1):sum():item(), 'three')\nprint(#'zzqq\t', 'four')\n")
  lu.assertStrContains(out, "2\tone")
  lu.assertStrContains(out, "true\ttwo")
  lu.assertStrContains(out, "6.0\tthree")
  lu.assertStrContains(out, "4\tfour")
end

function TestPrompt:test_history()
  local out, kept = typed("\27[A\n", "_HiStOrY_V2_\nprint('again',\\0406\\040*\\0407)\n")
  lu.assertStrContains(out, "again\t42")
  lu.assertStrContains(kept, "again")
end

-- Ctrl-C throws away what was typed, also of a chunk that is not finished, and the prompt goes on.
function TestPrompt:test_interrupt()
  local out = typed "print('no' .. 'where'\3\nprint('still ' .. 'here')\n"
  lu.assertStrContains(out, "^C")
  lu.assertStrContains(out, "still here")
  lu.assertNotStrContains(out, "nowhere")
  out = typed "for i = 1, 3 do\n\3\nprint('after ' .. 'all')\n"
  lu.assertStrContains(out, "after all")
end

-- What Tab and the prompt's own text call may never end: Ctrl-C ends it. What catches every Ctrl-C is ended by the fifth.
function TestPrompt:test_interrupt_of_endless_things()
  local out = typed("endless = setmetatable({}, {__index = function() while true do end end})\nprint(endless.a.b\t\3\n"
    .. "\3\nprint('after ' .. 'Tab')\n_PROMPT = setmetatable({}, {__tostring = function() while true do end end})\n"
    .. "\3_PROMPT = '> '\nprint('after ' .. 'all')\n")
  lu.assertStrContains(out, "after Tab")
  lu.assertStrContains(out, "after all")
end
