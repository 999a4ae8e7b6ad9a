-- nn.lab: experiments and their runs, as the commands `nnlua list`, `runs`, `compare`, `resume` show them, for scripts.

local options = require "nn.internal.options"

local M = {}

---Lists the runs in a directory, the oldest first: {directory, name, state, started, seconds, parameters, result, rows}.
---`rows` is how many were logged.
---
---    for _, r in ipairs(nn.lab.runs "runs/depth") do print(r.parameters.depth, r.result.accuracy) end
---@param directory? string default: "runs"
---@return table[]
---example:
---  > e = nn.experiment{name = "help", params = {x = 1}, run = function(p) return {loss = p.x} end}
---  > result, run = e({x = 3}, {out = "/tmp/nn-help-runs"})
---  > runs = nn.lab.runs "/tmp/nn-help-runs/help"
---  > runs[#runs].parameters.x, runs[#runs].state
---  3	finished
---see: nn.lab.run, nn.experiment
function M.runs(directory)
  return require("nn.lab.index").runs(directory or "runs")
end

---Reads one run: what `nn.lab.runs` says of it, and its history.
---@param directory string
---@return table
---example:
---  > e = nn.experiment{name = "help", run = function(p, run) run:log{loss = 0.5} end}
---  > result, run = e({}, {out = "/tmp/nn-help-runs"})
---  > nn.lab.run(run.directory).history
---  {{loss = 0.5}}
---see: nn.lab.runs, nn.Run:log
function M.run(directory)
  options.argument("lab.run", "directory", directory, "string")
  return require("nn.lab.index").run(directory, true)
end

return options.namespace("nn.lab", M)
