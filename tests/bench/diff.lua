-- make bench-diff REV=...: this build beside that of another revision, in turn, as ratios of times.
--
--   ./nnlua tests/bench/diff.lua OTHER_NNLUA [ROUNDS]
--
-- Both run on the same processor core, in turn: cores of a shared machine differ by more than builds do.

local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local peers = require "peers"
local stats = require "stats"
local workloads = require "workloads"

local rounds = math.tointeger(tonumber(arg[2] ~= "" and arg[2] or 11))
local builds = {}
for i, program in ipairs { arg[-1] or "./nnlua", arg[1] } do
  builds[i] = assert(peers.start_command(("taskset -c 0 %s %s/serve.lua 1"):format(program, here)), program .. " does not start")
end
print(("this build beside %s, one thread, %d rounds in turn: ratio of times (below 1: this one is faster)\n"):format(arg[1],
  rounds))
print(("%-48s %-30s %-30s %s"):format("", "this build, us", "the other, us", "ratio"))
for _, w in ipairs(workloads.list) do
  for _, mode in ipairs { "compiled", "eager" } do
    local samples = { {}, {} }
    for round = 1, w.rounds and math.min(rounds, w.rounds) or rounds do
      for k = 1, 2 do
        local i = round % 2 == 0 and 3 - k or k -- who goes first changes
        table.insert(samples[i], builds[i]:time(w.name .. ":" .. mode, mode == "eager" and math.max(1, w.steps // 4) or w.steps))
      end
    end
    print(("%-4s%-34s %-9s %-30s %-30s %s"):format(w.name, w.title:sub(1, 33), mode, stats.spread(samples[1]),
      stats.spread(samples[2]), stats.number(stats.ratio(samples[1], samples[2]))))
  end
end
for i = 1, 2 do
  builds[i]:stop()
end
