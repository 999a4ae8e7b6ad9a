-- The words that nnlua knows beside scripts: nnlua runs, nnlua resume RUN, ...

require "nn" -- errors know then which lines are the library's

local command = require "nn.lab.command"
local core = require "nn.core"

local words = {
  list = "nn.lab.library", new = "nn.lab.library", runs = "nn.lab.table", compare = "nn.lab.compare", diff = "nn.lab.compare",
  resume = "nn.lab.resume", report = "nn.lab.report", board = "nn.lab.board", sweep = "nn.lab.sweep",
  completion = "nn.lab.completion",
}

local function main(word, ...)
  if not words[word] then
    core.raise(("there is no command '%s'"):format(tostring(word)))
  end
  return command.plainly(require(words[word]).main, word, { ... })
end

return main
