-- The blocks of the README and of docs/: scripts run, the session at the prompt gives what it shows.

local lu = require "luaunit"
local process = require "process"

TestReadme = {}

local function read(path)
  local f = assert(io.open(path))
  local all = f:read "a"
  f:close()
  return all
end
local text = read "README.md"

local function check_blocks(path, want_scripts, want_sessions)
  local scripts, sessions = 0, 0
  for block in read(path):gmatch "```lua\n(.-)```" do
    if block:sub(1, 2) == "> " then
      sessions = sessions + 1
      local input, want = {}, {}
      for line in block:gmatch "[^\n]+" do
        if line:sub(1, 2) == "> " then
          input[#input + 1] = line:sub(3)
        else
          want[#want + 1] = line
        end
      end
      local out, err = process.run(process.nnlua .. " -i", table.concat(input, "\n") .. "\n")
      local all = out .. err
      for _, line in ipairs(want) do
        lu.assertStrContains(all, line)
      end
    else
      scripts = scripts + 1
      local out, err, status = process.script(block)
      lu.assertEquals(status, 0, err)
      if block:find "best.valid_accuracy > 0.9" then
        lu.assertStrContains(out, "true")
      end
    end
  end
  lu.assertEquals({ scripts, sessions }, { want_scripts, want_sessions }, path)
end

function TestReadme:test_readme()
  check_blocks("README.md", 9, 1)
end

function TestReadme:test_performance()
  check_blocks("docs/performance.md", 1, 0)
end

function TestReadme:test_diagnose()
  check_blocks("docs/diagnose.md", 1, 0)
end

-- ---- the guide ----

-- A session of the guide: after each line, exactly what it shows.
local function check_session(path, block)
  local typed, shown = {}, {}
  for line in block:gmatch "[^\n]+" do
    if line:sub(1, 2) == "> " then
      typed[#typed + 1] = line:sub(3)
      shown[#typed] = {}
    else
      table.insert(shown[#typed], line)
    end
  end
  local input = { 'do _PROMPT, _PROMPT2 = "", ""; io.stdout:setvbuf "no" end' }
  for _, line in ipairs(typed) do
    input[#input + 1] = 'do print "@@@" end\n' .. line
  end
  local out = process.run(process.nnlua .. " -i 2>&1", table.concat(input, "\n") .. '\ndo print "@@@" end\n')
  local answers = {}
  for answer in out:gmatch "@@@\n(.-)%f[@\0]" do
    answers[#answers + 1] = answer
  end
  for i, line in ipairs(typed) do
    local want = table.concat(shown[i], "\n")
    lu.assertEquals(answers[i], want == "" and "" or want .. "\n", path .. ": > " .. line)
  end
end

-- A block of text that follows a script is what the script prints.
local function check_guide(name, want_scripts, want_sessions, want_outputs)
  local path = "docs/guide/" .. name
  local all, scripts, sessions, outputs = read(path), 0, 0, 0
  for block, after in all:gmatch "```lua\n(.-)```\n()" do
    if block:sub(1, 2) == "> " then
      sessions = sessions + 1
      check_session(path, block)
    else
      scripts = scripts + 1
      lu.assertStrContains(block, 'local nn = require "nn"')
      local out, err, status = process.script(block)
      lu.assertEquals(status, 0, path .. "\n" .. block .. err)
      local want = all:match("^\n```text\n(.-)```\n", after)
      if want then
        outputs = outputs + 1
        lu.assertEquals((out:gsub("\n+$", "\n")), want, path .. "\n" .. block)
      end
    end
  end
  lu.assertEquals({ scripts, sessions, outputs }, { want_scripts, want_sessions, want_outputs }, path)
end

-- For each page: scripts, sessions, outputs of scripts.
local guide = {
  ["01-tensors.md"] = { 0, 12, 0 },
  ["02-gradients.md"] = { 3, 9, 3 },
  ["03-layers.md"] = { 3, 6, 3 },
  ["04-training.md"] = { 7, 2, 7 },
  ["05-data.md"] = { 7, 3, 7 },
  ["06-looking-inside.md"] = { 4, 2, 4 },
  ["07-saving.md"] = { 3, 1, 3 },
  ["08-speed.md"] = { 2, 1, 2 },
  ["09-experiments.md"] = { 3, 1, 1 },
  ["10-coming-from.md"] = { 0, 3, 0 },
  ["11-images-sequences.md"] = { 4, 1, 4 },
  ["README.md"] = { 1, 2, 1 },
}
for name, counts in pairs(guide) do
  TestReadme["test_guide_" .. name:match "^%w+"] = function()
    check_guide(name, table.unpack(counts))
  end
end

-- No page is left out, and what pages link to is there.
function TestReadme:test_guide_is_whole()
  for path in io.popen("ls docs/guide/*.md"):lines() do
    local name = path:match "[^/]+$"
    lu.assertNotNil(guide[name], path .. " is not among the pages that are tested")
    for target in read(path):gmatch "%]%(([^)#:]+)[^)]*%)" do
      local f = io.open("docs/guide/" .. target)
      lu.assertNotNil(f, path .. " links to " .. target)
      f:close()
    end
  end
  for name in pairs(guide) do
    lu.assertNotNil(io.open("docs/guide/" .. name), name)
  end
  for path in io.popen("ls docs/guide/pictures/*"):lines() do
    local f = assert(io.open(path, "rb"))
    lu.assertTrue(f:seek "end" < 60000, path .. " is 60 kB or more")
    f:close()
  end
end

-- The commands it names exist.
function TestReadme:test_targets()
  local m = assert(io.open "Makefile")
  local makefile = m:read "a"
  m:close()
  for target in text:gmatch "`make ([%w-]+)" do
    lu.assertStrContains(makefile, "\n" .. target .. ":")
  end
end
