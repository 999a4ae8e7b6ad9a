-- nn.lab: experiments and their runs, as the commands `nnlua list`, `runs`, `compare`, `resume` show them, for scripts.

local options = require "nn.internal.options"

local M = {}

---The runs in a directory: a list of {directory, name, state, started, seconds, parameters, result, rows}. `rows` is how many
---were logged.
---
---    for _, r in ipairs(nn.lab.runs "runs/depth") do print(r.parameters.depth, r.result.accuracy) end
---@param directory? string default: "runs"
---@return table[]
function M.runs(directory)
  return require("nn.lab.index").runs(directory or "runs")
end

---One run: what `runs` says of it, and its history.
---@param directory string
---@return table
function M.run(directory)
  options.argument("lab.run", "directory", directory, "string")
  return require("nn.lab.index").run(directory, true)
end

return options.namespace("nn.lab", M)
