-- Every block of docs/lab.md, in its order, in one directory: files are written, scripts run, commands give what is shown.

local core = require "nn.core"
local lu = require "luaunit"
local process = require "process"

TestLabPage = {}

local nnlua = core.real_path(process.nnlua)

-- The lines in their order; "..." stands for anything.
local function shows(out, wanted, command)
  local at = 1
  for _, line in ipairs(wanted) do
    local pattern = line:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".-")
    local _, to = out:find(pattern, at)
    lu.assertNotNil(to, ("%s\nshould show: %s\n%s"):format(command, line, out))
    at = to + 1
  end
end

local function run_commands(directory, block)
  local command, wanted = nil, {}
  local function finish()
    if command then
      local quoted = command:gsub("=[%w]+%b()", function(s)
        return s:gsub("[()]", "\\%0")
      end)
      local out, err = process.run(("cd '%s' && nnlua() { '%s' \"$@\"; } && %s"):format(directory, nnlua, quoted))
      shows(out .. err, wanted, command)
    end
  end
  for line in block:gmatch "[^\n]+" do
    if line:sub(1, 2) == "$ " then
      finish()
      command, wanted = line:sub(3), {}
    else
      wanted[#wanted + 1] = line
    end
  end
  finish()
end

function TestLabPage:test_blocks()
  local f = assert(io.open "docs/lab.md")
  local text = f:read "a"
  f:close()
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory .. "/experiments")
  local counts = { lua = 0, sh = 0, files = 0 }
  for kind, block in text:gmatch "```(%l+)\n(.-)```" do
    local name = block:match "^%-%- (experiments/[%w_]+%.lua)\n"
    counts[name and "files" or kind] = counts[name and "files" or kind] + 1
    if name then
      core.write_file(directory .. "/" .. name, block)
    elseif kind == "lua" then
      core.write_file(directory .. "/script.lua", block)
      local out, err, status = process.run(("cd '%s' && '%s' script.lua"):format(directory, nnlua))
      lu.assertEquals(status, 0, block .. out .. err)
    else
      run_commands(directory, block)
    end
  end
  lu.assertEquals(counts, { lua = 5, sh = 4, files = 1 })
  os.execute(("rm -r '%s'"):format(directory))
end
