-- The README's blocks: scripts run, the session at the prompt gives what it shows.

local lu = require "luaunit"
local process = require "process"

TestReadme = {}

local f = assert(io.open "README.md")
local text = f:read "a"
f:close()

function TestReadme:test_blocks()
  local scripts, sessions = 0, 0
  for block in text:gmatch "```lua\n(.-)```" do
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
  lu.assertEquals({ scripts, sessions }, { 3, 1 })
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
