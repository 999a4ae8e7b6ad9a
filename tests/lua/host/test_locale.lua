-- A locale changes words and letters, never numbers.

local lu = require "luaunit"
local process = require "process"

TestLocale = {}

local words = [[
print(os.setlocale "de_DE.UTF-8" ~= nil, os.date("%A", 0))
print(1.5, ("%.2f"):format(2.25), tonumber "0.5", os.setlocale(nil, "numeric"))
print(os.setlocale("de_DE.UTF-8", "numeric"), os.setlocale("C", "numeric"))
print(require "nn".tensor {1.5, 2.25})
local all = os.setlocale()
print(os.setlocale "C", os.setlocale(all) == all, 1.5)
print(pcall(os.setlocale, "C", "nothing"))
]]

function TestLocale:test_numbers_keep_their_point()
  local dir = os.tmpname()
  os.remove(dir)
  os.execute("mkdir " .. dir)
  local _, _, status = process.run(("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8"):format(dir))
  if status ~= 0 then
    os.execute("rm -r " .. dir)
    lu.skip "the sources of locales are not here: apt-get install locales"
  end
  local f = assert(io.open(dir .. "/script.lua", "w"))
  f:write(words)
  f:close()
  local out, errors = process.run(("LOCPATH=%s %s %s/script.lua"):format(dir, process.nnlua, dir))
  os.execute("rm -r " .. dir)
  lu.assertEquals(errors, "")
  lu.assertEquals(out, "true\tDonnerstag\n1.5\t2.25\t0.5\tC\nnil\tC\ntensor([1.50, 2.25], shape=2, float32)\nC\ttrue\t1.5\n"
    .. "false\tbad argument #2 to 'os.setlocale' (invalid option 'nothing')\n")
end

-- Also where there is no other locale at all.
function TestLocale:test_what_is_there_everywhere()
  local out = process.script [[
    print(os.setlocale(), os.setlocale "C", os.setlocale("C", "ctype"), os.setlocale "no such one", os.setlocale("no such one", "numeric"))
  ]]
  lu.assertEquals(out, "C\tC\tC\tnil\tnil\n")
end
