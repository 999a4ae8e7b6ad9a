-- ??word: searches names, texts and examples of the manual.

local manual = require "nn.internal.manual"

local M = {}

-- {name, text in lower case, text} of all public names; made once.
local index

local function flat(text)
  return (text:gsub("%s+", " "))
end

local function make_index()
  index = {}
  for _, page in ipairs(manual.pages()) do
    for _, name in ipairs(page.names) do
      local entry = manual.entry(name)
      local text = flat(("%s %s %s"):format(table.concat(entry.body, " "), table.concat(entry.example, " "), entry.source or ""))
      local shown = name:find ":" and name or "nn." .. name
      index[#index + 1] = { shown, shown:lower():gsub("_", " "), text, text:lower():gsub("_", " ") }
    end
  end
end

-- How well an entry fits: less is better; nil: not at all. The whole phrase counts more than its words, a name more than a text.
local function weight_of(entry, phrase, words)
  local name, text = entry[2], entry[4]
  local last = name:match "[^%.:]+$"
  if last == phrase then
    return 1
  elseif last:find(phrase, 1, true) == 1 then
    return 2
  elseif name:find(phrase, 1, true) then
    return 3
  elseif text:find("%f[%w]" .. phrase:gsub("%p", "%%%0")) then
    return 4
  elseif text:find(phrase, 1, true) then
    return 5
  end
  for _, word in ipairs(words) do
    if not name:find(word, 1, true) and not text:find(word, 1, true) then
      return nil
    end
  end
  return #words > 1 and 6 or nil
end

---What is written about a word or words: names that have it first, then what is said of others.
---@param wanted string
---@param columns? integer of the screen
---@return string
function M.search(wanted, columns)
  if not index then
    make_index()
  end
  columns = columns or 98
  local phrase = flat(wanted:lower():gsub("_", " ")):match "^ ?(.-) ?$"
  local words, found = {}, {}
  for word in phrase:gmatch "%S+" do
    words[#words + 1] = word
  end
  for _, entry in ipairs(phrase ~= "" and index or {}) do
    local weight = weight_of(entry, phrase, words)
    if weight then
      found[#found + 1] = { weight, entry }
    end
  end
  table.sort(found, function(a, b)
    return a[1] < b[1] or a[1] == b[1] and a[2][1] < b[2][1]
  end)
  if #found == 0 then
    return ("nothing is written about '%s'"):format(wanted)
  end
  local out, widest, shown = {}, 0, math.min(#found, 20)
  for i = 1, shown do
    widest = math.max(widest, #found[i][2][1])
  end
  local room = math.max(20, columns - widest - 2)
  for i = 1, shown do
    local entry = found[i][2]
    local text = entry[3]
    -- where the words stand, if that is not in the beginning
    local at = found[i][1] >= 4 and (entry[4]:find(phrase, 1, true) or entry[4]:find(words[1], 1, true)) or 1
    text = at > room - 20 and "... " .. text:sub(at - 20):gsub("^%S*%s", "") or text
    out[i] = ("%-" .. widest .. "s  %s"):format(entry[1], #text > room and text:sub(1, room - 4) .. " ..." or text)
  end
  if #found > shown then
    out[#out + 1] = ("... and %d more"):format(#found - shown)
  end
  return table.concat(out, "\n")
end

return M
