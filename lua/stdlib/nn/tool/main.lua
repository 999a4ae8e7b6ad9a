-- The words that nnlua knows beside scripts: nnlua runs, nnlua resume RUN, nnlua check FILE, ...

require "nn" -- errors know then which lines are the library's

local core = require "nn.core"

local M = {}

---Word -> {module whose main(word, arguments) it is, usage}. --help prints the usage; where there is none, the module does.
M.words = {
  list = { "nn.lab.library", "usage: nnlua list [DIR]   the experiments in DIR (default: experiments), with their parameters" },
  new = { "nn.lab.library",
    "usage: nnlua new NAME   makes NAME.lua, an experiment to begin with, e.g. nnlua new experiments/width" },
  runs = { "nn.lab.table" },
  compare = { "nn.lab.compare" },
  diff = { "nn.lab.compare", "usage: nnlua diff RUN RUN   what differs, with the texts of script and modules" },
  resume = { "nn.lab.resume",
    "usage: nnlua resume RUN...   goes on with runs that were broken off, e.g. runs/depth/2026-11-24T10-15-02-7f3a" },
  report = { "nn.lab.report" },
  board = { "nn.lab.board" },
  sweep = { "nn.lab.sweep" },
  completion = { "nn.tool.completion",
    "usage: source <(nnlua completion bash)   Tab completes commands, parameters and their choices; also zsh, fish" },
  check = { "nn.tool.check", require("nn.tool.usages").check },
  test = { "nn.tool.test", require("nn.tool.usages").test },
  doc = { "nn.tool.doc", require("nn.tool.usages").doc },
}

---Whether a word is one of them; the program asks where no file has this name.
---@param word string
---@return boolean
function M.is_word(word)
  return M.words[word] ~= nil
end

---nnlua WORD ...
---@param word string
function M.main(word, ...)
  local entry = M.words[word]
  if not entry then
    core.raise(("there is no command '%s'"):format(tostring(word)))
  elseif entry[2] and ((...) == "--help" or (...) == "-h") then
    print(entry[2])
    return
  end
  return require("nn.lab.command").plainly(require(entry[1]).main, word, { ... })
end

return M
