-- The examples of nn.help: the lines of a text, what the prompt prints for them, and the names that have one. For
-- tests/lua/docs/test_examples.lua.

local core = require "nn.core"
local nn = require "nn"
local objects = require "nn.internal.objects"
local show = require "nn.internal.show"

local M = {}

M.names = require("nn.internal.manual").functions

---True where a name such as nn.optim.SGD, x:backward or nn.Dataset:split is there.
function M.exists(name)
  local owner, method = name:match "^([%w_.]+):([%w_]+)$"
  if owner == "x" then
    return core.tensor_methods[method] ~= nil
  elseif owner then
    local methods = objects.methods((owner:gsub("^nn%.", "")))
    return methods ~= nil and methods[method] ~= nil
  end
  local value = name:find "^nn%." and nn
  for part in name:gmatch "[^.]+" do
    if value ~= nn or part ~= "nn" then
      local ok, inner = pcall(function()
        return value[part]
      end)
      value = ok and inner or nil
    end
  end
  return value and true or false
end

---What nn.help prints.
---@param what any
---@return string
function M.help(what)
  return (require("nn.internal.help").text(what))
end

---The example of a text: steps {code, {lines that are printed}, run = true where it begins with ">"}; the names after "see:".
---@return table[]|nil steps
---@return string[]|nil see
function M.read(text)
  local steps, see, inside = nil, nil, false
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local mark, code = line:match "^  ([>$]) (.*)"
    if line:find "^%s*example:$" then
      steps, inside = {}, true
    elseif line:find "^%s*see: " then
      see, inside = {}, false
      for name in line:match("see: (.*)"):gmatch "[^, ]+" do
        see[#see + 1] = name
      end
    elseif line:find "^source: " or line:find "^defined in " then
      inside = false
    elseif inside and code then
      steps[#steps + 1] = { code, {}, run = mark == ">" }
    elseif inside and steps[1] then
      table.insert(steps[#steps][2], (line:gsub("^  ", "")))
    end
  end
  return steps, see
end

local function split(text, out)
  for line in (text .. "\n"):gmatch "(.-)\n" do
    out[#out + 1] = (line:gsub("%s+$", ""))
  end
end

---Runs steps as the prompt does and gives the lines that each prints.
---@return string[][]
function M.run(steps)
  local out, original = {}, print
  local env = setmetatable({ nn = nn }, { __index = _G })
  env._G = env
  nn.manual_seed(1)
  for i, step in ipairs(steps) do
    local lines = {}
    out[i] = lines
    if step.run then
      local f, why = load("return " .. step[1], "=prompt", "t", env)
      if not f then
        f, why = load(step[1], "=prompt", "t", env)
      end
      assert(f, why)
      _G.print = function(...) -- luacheck: ignore
        local texts = table.pack(...)
        for k = 1, texts.n do
          texts[k] = tostring(texts[k])
        end
        split(table.concat(texts, "\t"), lines)
      end
      local results = table.pack(pcall(f))
      _G.print = original -- luacheck: ignore
      if not results[1] then
        split("error: " .. tostring(results[2]):gsub("^prompt:1: ", ""), lines)
      elseif results.n > 2 or results[2] ~= nil then
        local texts, long = {}, false
        for k = 2, results.n do
          texts[k - 1] = show.show(results[k])
          long = long or texts[k - 1]:find "\n" ~= nil
        end
        split(table.concat(texts, long and "\n" or "\t"), lines)
      end
    end
  end
  return out
end

-- Numbers may differ in the last digits that are shown: other builds round in another way.
local function same_words(a, b)
  local x, y = {}, {}
  for list, text in pairs { [x] = a, [y] = b } do
    for word in text:gsub("[%[%]%(%){},=]", " %0 "):gmatch "%S+" do
      list[#list + 1] = word
    end
  end
  for i = 1, math.max(#x, #y) do
    local n, m = tonumber(x[i]), tonumber(y[i])
    local near = n and m and math.abs(n - m) <= 2e-4 * math.max(1e-3, math.abs(n))
    if x[i] ~= y[i] and not near then
      return false
    end
  end
  return true
end

---Whether a printed line is as written; "..." in the written one stands for anything.
function M.same(written, printed)
  if written:find("...", 1, true) then
    local pattern = written:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("%%%.%%%.%%%.", ".*")
    return printed:find("^" .. pattern .. "$") ~= nil
  end
  return same_words(written, printed)
end

---Whether printed lines are as written; a written line "..." stands for all that follow.
function M.fits(written, printed)
  for i = 1, math.max(#written, #printed) do
    if written[i] == "..." then
      return true
    elseif not written[i] or not printed[i] or not M.same(written[i], printed[i]) then
      return false
    end
  end
  return true
end

return M
