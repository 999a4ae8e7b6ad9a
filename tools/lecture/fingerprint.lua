-- A number for a text, the same as long as the text is (FNV-1a, 64 bits): whether a page was made of a script as it is now.
return function(text)
  local h = 0xcbf29ce484222325
  for i = 1, #text do
    h = (h ~ text:byte(i)) * 0x100000001b3
  end
  return ("%016x"):format(h)
end
