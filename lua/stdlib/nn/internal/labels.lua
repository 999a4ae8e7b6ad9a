-- Labels of any kind as classes 1 .. k: what perceptrons and logistic regression share.

local core = require "nn.core"

local M = {}

---The distinct labels in order, and for each label the place of its own among them. One class alone is an error.
---@param who string
---@param labels number[]
---@return number[] classes, integer[] index
function M.index(who, labels)
  local known, classes = {}, {}
  for i, l in ipairs(labels) do
    if l ~= l then
      core.raise(("%s: label %d is nan"):format(who, i))
    elseif not known[l] then
      known[l] = true
      classes[#classes + 1] = l
    end
  end
  table.sort(classes)
  if #classes < 2 then
    core.raise(("%s: there is only one class"):format(who))
  end
  local place, index = {}, {}
  for c, l in ipairs(classes) do
    place[l] = c
  end
  for i, l in ipairs(labels) do
    index[i] = place[l]
  end
  return classes, index
end

return M
