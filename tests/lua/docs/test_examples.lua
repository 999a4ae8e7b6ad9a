-- Every public name that no table describes has a help text with a first sentence, an example that gives what it shows, and
-- related names that exist.

local lu = require "luaunit"
local nn = require "nn"
local examples = require "examples"

TestExamples = {}

local function sorted_names()
  local names = {}
  for name in pairs(examples.names()) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- The first sentence of a text: below the head, where there is one.
local function first_sentence(text)
  for line in text:gmatch "[^\n]+" do
    if not line:find "^[%w_.:]+[ ]?[%({].*[%)}]" and not line:find "^%a:[%w_]+%(" then
      local paragraph = text:sub((text:find(line, 1, true))):gsub("%s*\n%s*", " ")
      return paragraph:match "^%s*(%u.-[.:?])%f[%s]"
    end
  end
end

-- One line for each that is wrong.
local function problems_of(name)
  local text = examples.help(name)
  local steps, see = examples.read(text)
  local wrong = {}
  local function note(format, ...)
    wrong[#wrong + 1] = ("%s: "):format(name) .. format:format(...)
  end
  if not first_sentence(text) then
    note("has no first sentence:\n%s", text)
  end
  if not see then
    note "has no line see:"
  end
  for _, other in ipairs(see or {}) do
    if not examples.exists(other) then
      note("see: there is no %s", other)
    end
  end
  if not steps or #steps == 0 then
    note "has no example"
    return wrong, 0
  end
  local skipped = 0
  local printed = examples.run(steps)
  for i, step in ipairs(steps) do
    skipped = skipped + (step.run and 0 or 1)
    if step.run and not examples.fits(step[2], printed[i]) then
      note("> %s\nshows\n%s\nbut prints\n%s", step[1], table.concat(step[2], "\n"), table.concat(printed[i], "\n"))
    end
  end
  return wrong, skipped
end

function TestExamples:test_all()
  local wrong, skipped, count = {}, 0, 0
  for _, name in ipairs(sorted_names()) do
    local found, not_run = problems_of(name)
    table.move(found, 1, #found, #wrong + 1, wrong)
    skipped, count = skipped + not_run, count + 1
  end
  os.execute "rm -rf /tmp/nn-help-*" -- what the examples have written
  lu.assertEquals(table.concat(wrong, "\n\n"), "")
  lu.assertTrue(count >= 360, count .. " names")
  lu.assertTrue(skipped <= 5, skipped .. " lines that are not run")
end

-- What the test goes by.
function TestExamples:test_reading()
  local steps, see = examples.read("Says it.\n  x: a number\nexample:\n  > a = 1\n  > a\n  1\n  $ a(2)\nsee: nn.sum, x:item\n"
    .. "source: B")
  lu.assertEquals(steps, { { "a = 1", {}, run = true }, { "a", { "1" }, run = true }, { "a(2)", {}, run = false } })
  lu.assertEquals(see, { "nn.sum", "x:item" })
  lu.assertEquals(examples.run(steps), { {}, { "1" }, {} })
  lu.assertEquals(examples.run { { "print(1, nil) error 'no'", {}, run = true } }, { { "1\tnil", "error: no" } })
  lu.assertTrue(examples.fits({ "0.33331", "..." }, { "0.33333", "b", "c" }))
  lu.assertFalse(examples.fits({ "0.333" }, { "0.334" }))
  lu.assertFalse(examples.fits({ "a" }, { "a", "b" }))
  lu.assertFalse(examples.fits({ "a", "b" }, { "a" }))
  lu.assertTrue(examples.exists "nn.optim.SGD" and examples.exists "nn.Linear" and examples.exists "nn.Dataset:split")
  lu.assertFalse(examples.exists "nn.optim.SDG" or examples.exists "nn.Dataset:spilt" or examples.exists "x:backwards")
end

-- Methods are found by their kind, and by a global variable that has them.
function TestExamples:test_methods()
  lu.assertStrContains(examples.help "Dataset:split", "Cuts the samples at random")
  lu.assertStrContains(examples.help "nn.Module:train", "Sets training mode")
  _G.some_data = nn.data.xor()
  lu.assertStrContains(examples.help "some_data:loader", "Gives the samples in batches")
  _G.some_data = nil
end
