-- Makes docs/nnlua.1, the manual page, from what `nnlua --help` and its commands say of themselves. `make docs` runs it;
-- tests/lua/docs/test_reference.lua fails when it is stale.

local M = {}

local function escaped(text)
  return (text:gsub("\\", "\\e"):gsub("-", "\\-"):gsub("^([.'])", "\\&%1"))
end

-- A text as it stands, line by line.
local function literal(text)
  local out = { ".nf" }
  for line in (text .. "\n"):gmatch "(.-)\n" do
    out[#out + 1] = line == "" and "" or escaped(line)
  end
  out[#out + 1] = ".fi"
  return table.concat(out, "\n")
end

-- Options of a help text: "  --name VALUE  what it does" as .TP entries; other lines as they stand.
local function options_of(help)
  local out = {}
  for line in help:gmatch "[^\n]+" do
    local left, right = line:match "^  (%-.-)%s%s+(.*)$"
    if not left then
      left, right = line:match "^  (%-%-%S+ %S+) (.*)$"
    end
    if left then
      out[#out + 1] = (".TP\n.B %s\n%s"):format(escaped(left), escaped(right))
    elseif line:find "^%S.*:$" and not line:find "^usage" then
      out[#out + 1] = (".SS %s"):format(escaped((line:gsub(":$", ""))))
    end
  end
  return table.concat(out, "\n")
end

---The page, of what the program prints for --help and its version.
---@param help string
---@param version string
---@return string
function M.page(help, version)
  local words = require("nn.tool.main").words
  local names = {}
  for name in pairs(words) do
    names[#names + 1] = name
  end
  table.sort(names)
  local options = help:match "^(.-)\nexperiments and their runs"
  local out = { (".TH NNLUA 1 \"\" \"nnlua %s\" \"User Commands\""):format(version), [==[
.SH NAME
nnlua \- a Lua interpreter that knows neural networks
.SH SYNOPSIS
.B nnlua
.RI [ options ]
.RI [ script
.RI [ arguments ]]
.br
.B nnlua
.I command
.RI [ arguments ]
.SH DESCRIPTION
Runs a Lua script in which
.B require \(dqnn\(dq
gives tensors, layers, losses, optimizers and training; without a script it is a prompt, where
.B ?name
tells what something is,
.B ??words
searches, and
.B %
lists commands. Options are those of
.BR lua (1),
and some of its own.
.SH OPTIONS]==], options_of(options), [[
.SH COMMANDS
In the place of a script; each takes
.BR \-\-help .]] }
  for _, name in ipairs(names) do
    local usage = words[name][2] or require(words[name][1]).usage
    out[#out + 1] = (".SS %s\n%s"):format(name, literal((usage:gsub("^usage: ", ""))))
  end
  out[#out + 1] = [[
.SH ENVIRONMENT
.TP
.B LUA_INIT
as for
.BR lua (1)
.TP
.B NNLUA_ISA
avx512, avx2 or plain: lower kernels than the processor has
.TP
.B NNLUA_OUT
a directory for pictures, as \-\-out
.TP
.B NNLUA_DATA
a directory with the files of Fashion\-MNIST
.TP
.B NNLUA_HISTORY
the file with what was typed at the prompt
.TP
.B NNLUA_TRACEBACK
all: errors show the library's frames, too
.TP
.B NO_COLOR
anything: the prompt has no colours
.SH FILES
.TP
.I ~/.nnlua_history
what was typed at the prompt
.TP
.I ~/.config/nnlua/init.lua
runs when the prompt opens; may add commands and keys
.SH EXIT STATUS
0; 1 where the script ends with an error; 124 where \-\-max\-seconds has passed.
.SH EXAMPLES
.nf
nnlua \-\-seed 1 experiment.lua
nnlua \-i experiment.lua
nnlua check \-\-run experiment.lua
nnlua sweep experiments/mlp.lua \-\-set hidden=64,256 \-\-seeds 3
.fi
.SH SEE ALSO
.BR lua (1)
]]
  return table.concat(out, "\n")
end

---The page of this program.
---@param program string its path
function M.text(program)
  local p = assert(io.popen(program .. " --help"))
  local help = p:read "a"
  p:close()
  return M.page(help, require("nn.core").versions().nnlua)
end

return M
