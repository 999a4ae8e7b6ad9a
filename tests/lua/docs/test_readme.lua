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

-- The commands it names exist.
function TestReadme:test_targets()
  local m = assert(io.open "Makefile")
  local makefile = m:read "a"
  m:close()
  for target in text:gmatch "`make ([%w-]+)" do
    lu.assertStrContains(makefile, "\n" .. target .. ":")
  end
end
