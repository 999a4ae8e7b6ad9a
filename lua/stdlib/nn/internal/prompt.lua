-- What the prompt does with results: they are shown, and kept in _, _1 and _2 (the last, the one before, and before that).

local show = require "nn.internal.show"

local M = {}

local kept = {}

---Shows the results of a line; nil alone is shown as Lua does, and is not kept.
---@param ... any
function M.results(...)
  local n, texts, long = select("#", ...), {}, false
  for i = 1, n do
    texts[i] = show.show((select(i, ...)))
    long = long or texts[i]:find "\n" ~= nil
  end
  print(table.concat(texts, long and "\n" or "\t"))
  local first = ...
  if first ~= nil then
    kept = { first, kept[1], kept[2] }
    for i, name in ipairs { "_", "_1", "_2" } do
      rawset(_G, name, kept[i])
    end
  end
end

return M
