function __nnlua_words
  set -l words (commandline -opc) (commandline -ct)
  $words[1] completion words $words[2..-1] 2>/dev/null | string split ' '
end
complete -c nnlua -a '(__nnlua_words)'
