-- How often is nn.diagnose right? Many networks, sick and healthy, each made anew for every seed; prints what was expected beside
-- what was given, and writes both into docs/diagnose.md.
--
--   ./nnlua tests/bench/diagnose.lua [seeds] [part of a name] [--write]
--
-- Thresholds (lua/stdlib/nn/diagnose/thresholds.lua) were fitted on even seeds of the kinds that are not marked as late. Odd seeds
-- (from 1001 on), and the kinds that were written after the thresholds were fixed (late), were not looked at for that.

local here = debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", "")
package.path = here .. "?.lua;" .. package.path

local nn = require "nn"

local seeds, only, write = 4, nil, false
for _, a in ipairs(arg) do
  if a == "--write" then
    write = true
  elseif tonumber(a) then
    seeds = math.tointeger(tonumber(a))
  else
    only = a
  end
end

local function verdict_of(kind, seed)
  nn.manual_seed(seed * 7919)
  local c = kind.make(seed)
  local report = c.watch and c.watch:report(c.loader, c.loss, c.opts) or nn.diagnose(c.model, c.loader, c.loss, c.opts)
  local names = {}
  for i, d in ipairs(report.diseases) do
    names[i] = d.name
  end
  return names, report
end

-- right: the first disease named is one that is expected, or none is where none is expected.
local function judge(kind, names)
  if not kind.want then
    return #names == 0
  end
  for _, want in ipairs(kind.want) do
    if names[1] == want then
      return true
    end
  end
  return false
end

local halves = { { title = "even seeds (fitted)" }, { title = "odd seeds (not looked at)" } }
for _, h in ipairs(halves) do
  h.table, h.sick, h.sick_right, h.found, h.healthy, h.healthy_right, h.wrong = {}, 0, 0, 0, 0, 0, {}
end

local kinds, began = { {}, {} }, os.time()
for which, file in ipairs { "patients.sick", "patients.healthy" } do
  for _, kind in ipairs(require(file)) do
    if not only or kind.name:find(only, 1, true) then
      kinds[which][#kinds[which] + 1] = kind
      for seed = 1, seeds do
        local h = halves[seed % 2 + 1]
        local ok, names, report = pcall(verdict_of, kind, seed)
        if not ok then
          io.stderr:write(kind.name, ": ", tostring(names), "\n")
          names = { "an error" }
        end
        local right = judge(kind, names)
        local expected, given = kind.want and kind.want[1] or "healthy", names[1] or "healthy"
        if right and kind.want then
          given = expected
        end
        h.table[expected] = h.table[expected] or {}
        h.table[expected][given] = (h.table[expected][given] or 0) + 1
        if kind.want then
          h.sick, h.sick_right = h.sick + 1, h.sick_right + (right and 1 or 0)
          h.found = h.found + (#names > 0 and 1 or 0)
        else
          h.healthy, h.healthy_right = h.healthy + 1, h.healthy_right + (right and 1 or 0)
        end
        if not right then
          h.wrong[kind.name] = h.wrong[kind.name] or { want = expected, times = 0 }
          local w = h.wrong[kind.name]
          w.times, w.given = w.times + 1, #names > 0 and table.concat(names, ", ") or "healthy"
          io.stderr:write(("seed %d, %s (%s): %s\n"):format(seed, kind.name, expected, w.given))
          if only then
            print(report)
          end
        end
      end
    end
  end
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local out = {}
local function say(text, ...)
  out[#out + 1] = select("#", ...) > 0 and text:format(...) or text
end

say("%d sick and %d healthy networks, each over %d seeds.", #kinds[1], #kinds[2], seeds)
for i = 2, 1, -1 do
  local h = halves[i]
  say ""
  say("### %s", i == 2 and "Odd seeds: not looked at when thresholds were chosen" or "Even seeds: those that thresholds were fitted on")
  say ""
  say("Sick networks found sick: %d of %d (%.1f%%); with the right disease first: %d (%.1f%%). Healthy networks found healthy: "
    .. "%d of %d (%.1f%%).", h.found, h.sick, 100 * h.found / math.max(1, h.sick), h.sick_right,
    100 * h.sick_right / math.max(1, h.sick), h.healthy_right, h.healthy, 100 * h.healthy_right / math.max(1, h.healthy))
  say ""
  say "| expected | given (times) |"
  say "| --- | --- |"
  for _, expected in ipairs(sorted(h.table)) do
    local cells = {}
    for _, given in ipairs(sorted(h.table[expected])) do
      local n = h.table[expected][given]
      local text = given == expected and "right" or given
      table.insert(cells, given == expected and 1 or #cells + 1, ("%s (%d)"):format(text, n))
    end
    say("| %s | %s |", expected, table.concat(cells, ", "))
  end
  say ""
  say(next(h.wrong) and "What stays wrong:" or "None is wrong.")
  if next(h.wrong) then
    say ""
  end
  for _, name in ipairs(sorted(h.wrong)) do
    local w = h.wrong[name]
    say("- %s: expected %s, got %s (%d of %d)", name, w.want, w.given, w.times, (seeds + (i == 2 and 1 or 0)) // 2)
  end
end
print(table.concat(out, "\n"))
io.stderr:write(("%d seconds\n"):format(os.time() - began))

if write then
  assert(not only, "only the whole benchmark is written into docs/diagnose.md")
  local f = assert(io.open "docs/diagnose.md")
  local text = f:read "a"
  f:close()
  local first, last = "<!-- begin: tests/bench/diagnose.lua -->\n", "<!-- end -->"
  local a, b = text:find(first, 1, true)
  local c = text:find(last, b, true)
  f = assert(io.open("docs/diagnose.md", "w"))
  f:write(text:sub(1, b), table.concat(out, "\n"), "\n", text:sub(c))
  f:close()
  assert(a)
end
