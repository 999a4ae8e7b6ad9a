-- What a script says of its optimizer, beside what a checkpoint says: a fit that goes on takes the checkpoint's, and says so.

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

---The settings of the optimizer's groups by name, as texts. Where a schedule changes lr, the lr that it begins with.
---@param o table fit's options
---@return table<string, string>
function M.of(o)
  local settings = {}
  local base = o.scheduler and o.scheduler:state_dict().base
  local groups = o.optimizer:state_dict().param_groups -- of one written in Lua anything, or nothing
  for i, group in ipairs(type(groups) == "table" and groups or {}) do
    for name, value in pairs(type(group) == "table" and group or {}) do
      if name == "lr" and o.scheduler then
        value = type(base) == "table" and base[i] or nil
      end
      if name ~= "params" and (type(value) == "number" or type(value) == "boolean" or type(value) == "table") then
        settings[i == 1 and name or ("%s of group %d"):format(name, i)] = text_of(value)
      end
    end
  end
  return settings
end

---A line for each setting that the script wants otherwise than it was when the checkpoint was written.
---@param wanted table<string, string>
---@param saved table<string, string>
---@return string[]
function M.differences(wanted, saved)
  local lines = {}
  for name, value in pairs(saved) do
    if wanted[name] and wanted[name] ~= value then
      local line = "fit: goes on with %s = %s, as it began, not with the %s of the script; begin anew to change it"
      lines[#lines + 1] = line:format(name, value, wanted[name])
    end
  end
  table.sort(lines)
  return lines
end

return M
