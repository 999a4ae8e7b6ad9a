-- What a script says of its optimizer where a fit begins. A checkpoint holds it, so that a fit that goes on can say where the
-- script says something else by now.

local M = {}

local function text_of(v)
  if type(v) == "table" then
    local texts = {}
    for i, each in ipairs(v) do
      texts[i] = text_of(each)
    end
    return "{" .. table.concat(texts, ", ") .. "}"
  end
  return type(v) == "number" and ("%.6g"):format(v) or tostring(v)
end

---The settings of the optimizer's groups by name, as texts.
---@param optimizer table
---@return table<string, string>
function M.of(optimizer)
  local settings = {}
  local groups = optimizer.state_dict and optimizer:state_dict().param_groups -- of one written in Lua anything, or nothing
  for i, group in ipairs(type(groups) == "table" and groups or {}) do
    for name, value in pairs(type(group) == "table" and group or {}) do
      if name ~= "params" and (type(value) == "number" or type(value) == "boolean" or type(value) == "table") then
        settings[i == 1 and tostring(name) or ("%s of group %d"):format(name, i)] = text_of(value)
      end
    end
  end
  return settings
end

---A line for each setting that is another one now than when the fit began.
---@param began table<string, string>
---@param now table<string, string>
---@return string[]
function M.differences(began, now)
  local lines = {}
  for name, value in pairs(began) do
    if now[name] and now[name] ~= value then
      local line = "fit: %s was %s when the fit began, and is %s in the script now: it goes on as it was saved; "
        .. "begin anew to change it"
      lines[#lines + 1] = line:format(name, value, now[name])
    end
  end
  table.sort(lines)
  return lines
end

return M
