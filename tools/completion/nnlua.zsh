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
