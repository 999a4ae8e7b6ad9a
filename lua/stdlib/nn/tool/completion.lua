-- Tab in a shell: `source <(nnlua completion bash)` (or zsh; fish: nnlua completion fish | source)
-- completes commands, parameters of experiments and their choices.

local core = require "nn.core"
local experiments = require "nn.lab.experiment"
local params = require "nn.lab.params"

local M = {}

local bash = [[
_nnlua() {
  local words
  words=$("${COMP_WORDS[0]}" completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -o bashdefault -F _nnlua nnlua
]]

local zsh = [=[
#compdef nnlua
_nnlua() {
  local -a found
  found=(${(s: :)"$(${words[1]} completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -a found
  _files
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _nnlua "$@"
else
  compdef _nnlua nnlua
fi
]=]

local fish = [[
function __nnlua_words
  set -l words (commandline -opc) (commandline -ct)
  $words[1] completion words $words[2..-1] 2>/dev/null | string split ' '
end
complete -c nnlua -a '(__nnlua_words)'
]]

-- Options of the program itself.
local own = { "-e", "-i", "-l", "-v", "-E", "-W", "--threads", "--seed", "--max-memory", "--max-seconds", "--profile", "--out",
  "--sandbox", "--allow-read", "--allow-write", "--help", "--version" }

local commands = {
  list = {}, new = {}, runs = { "--where", "--sort", "--csv", "--json" }, compare = { "--figure", "--all" }, diff = {},
  resume = {}, report = { "-o" }, board = { "--port" }, completion = { "bash", "zsh", "fish" },
  check = { "--run" }, test = { "-p", "-v" }, doc = { "--html", "--search" },
  sweep = { "--set", "--seeds", "--jobs", "--search", "--max-trials", "--maximize", "--minimize", "--seconds", "--memory",
    "--threads", "--epochs", "--out", "--resume" },
}

-- The experiment of a file, without what it prints.
local function experiment_of(path)
  local text = path:find "%.lua$" and require("nn.lab.provenance").read_text(path)
  if not text or not text:find("experiment", 1, true) then
    return nil
  end
  local f = load(text, "@" .. path, "t", setmetatable({ print = function() end }, { __index = _G }))
  local ok, value = pcall(f or error, path)
  return ok and experiments.is_experiment(value) and value or nil
end

local function of_experiment(experiment, before)
  local p = before and experiment.params[(before:match "^%-%-(.*)$" or ""):gsub("%-", "_")]
  if p and p.choices then
    local out = {}
    for i, choice in ipairs(p.choices) do
      out[i] = params.text(choice)
    end
    return out
  elseif p and p.type ~= "boolean" then
    return {}
  end
  local out = { "--help", "--out", "--resume", "--no-record" }
  for _, name in ipairs(params.names(experiment.params)) do
    out[#out + 1] = "--" .. name
    if experiment.params[name].type == "boolean" then
      out[#out + 1] = "--no-" .. name
    end
  end
  return out
end

---What may stand at the last of these words.
---@param words string[]
---@return string[]
function M.words(words)
  local out = {}
  if #words <= 1 then
    for name in pairs(commands) do
      out[#out + 1] = name
    end
    table.sort(out)
    if words[1] and words[1]:find "^%-" then
      return own
    end
    return out
  end
  local experiment = experiment_of(words[1])
  if experiment then
    return of_experiment(experiment, words[#words - 1])
  elseif words[1] == "sweep" then
    if words[#words - 1] == "--search" then
      return { "grid", "random", "tpe", "halving" }
    end
    local swept = words[2] and experiment_of(words[2])
    if swept and words[#words - 1] == "--set" then
      for _, name in ipairs(params.names(swept.params)) do
        out[#out + 1] = name .. "="
      end
      return out
    end
  end
  return commands[words[1]] or {}
end

M.shells = { bash = bash, zsh = zsh, fish = fish }

---nnlua completion bash
function M.main(_, args)
  if M.shells[args[1]] then
    io.write(M.shells[args[1]])
  elseif args[1] == "words" then
    print(table.concat(M.words(table.move(args, 2, #args, 1, {})), " "))
  else
    core.raise(require("nn.tool.main").words.completion[2])
  end
end

return M
