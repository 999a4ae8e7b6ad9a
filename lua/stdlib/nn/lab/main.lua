-- The words that nnlua knows beside scripts: nnlua runs, nnlua resume RUN, ...

require "nn" -- errors know then which lines are the library's

local command = require "nn.lab.command"
local core = require "nn.core"

local words = {
  list = "nn.lab.library", new = "nn.lab.library", runs = "nn.lab.table", compare = "nn.lab.compare", diff = "nn.lab.compare",
  resume = "nn.lab.resume", report = "nn.lab.report", board = "nn.lab.board", sweep = "nn.lab.sweep",
  completion = "nn.lab.completion",
}

local usages = {
  list = "usage: nnlua list [DIR]   the experiments in DIR (default: experiments), with their parameters",
  new = "usage: nnlua new NAME   makes NAME.lua, an experiment to begin with, e.g. nnlua new experiments/width",
  resume = "usage: nnlua resume RUN...   goes on with runs that were broken off, e.g. runs/depth/2026-11-24T10-15-02-7f3a",
  diff = "usage: nnlua diff RUN RUN   what differs, with the texts of script and modules",
}

local function main(word, ...)
  if not words[word] then
    core.raise(("there is no command '%s'"):format(tostring(word)))
  elseif usages[word] and ((...) == "--help" or (...) == "-h") then
    print(usages[word])
    return
  end
  return command.plainly(require(words[word]).main, word, { ... })
end

return main
