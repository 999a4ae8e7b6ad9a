-- How often is nn.diagnose right? Many networks, sick and healthy, each made anew for every seed; prints what was expected beside
-- what was given, and writes both into docs/diagnose.md.
--
--   ./nnlua tests/bench/diagnose.lua [seeds] [part of a name] [--write]
--
-- Thresholds (lua/stdlib/nn/diagnose/thresholds.lua) were fitted on even seeds. Odd seeds (from 1001 on) were not looked at for that.
-- The kinds of patients/late_*.lua were written after it; two rules were added for what they showed. Those of patients/last_*.lua were
-- written after that. What each gave in its first run, before anything was mended for it, stands in docs/diagnose.md.

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

-- The parts: {title, a seed from a number, files}.
local parts = {
  {
    title = "Kinds written last (what their first run gave is said above)", files = { "last_sick", "last_healthy" },
    seed = function(i)
      return 3000 + i
    end,
  },
  {
    title = "Kinds written after the thresholds were fixed; some verdicts were mended for them", files = { "late_sick", "late_healthy" },
    seed = function(i)
      return 2000 + i
    end,
  },
  {
    title = "Odd seeds: not looked at when thresholds were chosen", files = { "sick", "healthy" },
    seed = function(i)
      return 999 + 2 * i
    end,
  },
  {
    title = "Even seeds: those that thresholds were fitted on", files = { "sick", "healthy" },
    seed = function(i)
      return 2 * i
    end,
  },
}

local began = os.time()
for _, part in ipairs(parts) do
  part.table, part.sick, part.right, part.found, part.healthy, part.wrong = {}, 0, 0, 0, 0, {}
  part.healthy_right, part.kinds = 0, { 0, 0 }
  for which, file in ipairs(part.files) do
    for _, kind in ipairs(require("patients." .. file)) do
      local wanted = not only or kind.name:find(only, 1, true)
      part.kinds[which] = part.kinds[which] + (wanted and 1 or 0)
      for i = 1, wanted and seeds or 0 do
        local seed = part.seed(i)
        local ok, names, report = pcall(verdict_of, kind, seed)
        if not ok then
          io.stderr:write(kind.name, ": ", tostring(names), "\n")
          names = { "an error" }
        end
        local right = judge(kind, names)
        local expected, given = kind.want and kind.want[1] or "healthy", names[1] or "healthy"
        given = right and expected or given
        part.table[expected] = part.table[expected] or {}
        part.table[expected][given] = (part.table[expected][given] or 0) + 1
        if kind.want then
          part.sick, part.right = part.sick + 1, part.right + (right and 1 or 0)
          part.found = part.found + (#names > 0 and 1 or 0)
        else
          part.healthy, part.healthy_right = part.healthy + 1, part.healthy_right + (right and 1 or 0)
        end
        if not right then
          local w = part.wrong[kind.name] or { want = expected, times = 0 }
          part.wrong[kind.name] = w
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

local function percent(n, of)
  return of > 0 and ("%d of %d (%.1f%%)"):format(n, of, 100 * n / of) or "none"
end

say("%d kinds of sick networks and %d of healthy ones; in each part each kind is made anew for %d seeds.",
  parts[1].kinds[1] + parts[2].kinds[1] + parts[3].kinds[1], parts[1].kinds[2] + parts[2].kinds[2] + parts[3].kinds[2], seeds)
say ""
say "| part | sick found sick | right disease first | healthy found healthy |"
say "| --- | --- | --- | --- |"
for _, p in ipairs(parts) do
  say("| %s | %s | %s | %s |", p.title, percent(p.found, p.sick), percent(p.right, p.sick), percent(p.healthy_right, p.healthy))
end
for _, p in ipairs(parts) do
  say ""
  say("### %s", p.title)
  say ""
  say "| expected | given (times) |"
  say "| --- | --- |"
  for _, expected in ipairs(sorted(p.table)) do
    local cells = {}
    for _, given in ipairs(sorted(p.table[expected])) do
      local n = p.table[expected][given]
      table.insert(cells, given == expected and 1 or #cells + 1, ("%s (%d)"):format(given == expected and "right" or given, n))
    end
    say("| %s | %s |", expected, table.concat(cells, ", "))
  end
  say ""
  say(next(p.wrong) and "What stays wrong:" or "None is wrong.")
  if next(p.wrong) then
    say ""
  end
  for _, name in ipairs(sorted(p.wrong)) do
    local w = p.wrong[name]
    say("- %s: expected %s, got %s (%d of %d)", name, w.want, w.given, w.times, seeds)
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
