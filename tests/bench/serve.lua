-- One build of nnlua as a peer: lines "NAME:MODE STEPS" with MODE eager or compiled are answered by the microseconds a
-- step took, or "-" where the build cannot. For diff.lua, which compares two builds.

local nn = require "nn"
package.path = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/?.lua;" .. package.path
local workloads = require "workloads"
local time = require("stats").time

nn.set_num_threads(tonumber(arg[1] or 1))
local steps = {}
print("ready nnlua " .. nn.versions().nnlua)
io.stdout:flush()
for line in io.lines() do
  local name, mode, count = line:match "^(%w+):(%w+) (%d+)$"
  local key = name .. mode
  if steps[key] == nil then
    nn.manual_seed(1)
    for _, w in ipairs(workloads.list) do
      if w.name == name then
        local ok, step = pcall(function()
          return mode == "compiled" and nn.compile(w.make()) or w.make()
        end)
        steps[key] = ok and step
        if ok then
          time(step, 3)
        else
          io.stderr:write(key, ": ", tostring(step), "\n")
        end
      end
    end
  end
  print(steps[key] and time(steps[key], tonumber(count)) or "-")
  io.stdout:flush()
end
