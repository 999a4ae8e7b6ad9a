-- nnlua --profile script.lua: where the time of a run went, by operation and by line.

local core = require "nn.core"

local M = {}

local started, processor

function M.start()
  started, processor = core.time(), os.clock()
  core.profile_start()
end

local function sum_by(entries, key)
  local sums, list = {}, {}
  for _, e in ipairs(entries) do
    local s = sums[e[key]]
    if not s then
      s = { key = e[key], calls = 0, seconds = 0, bytes = 0, flops = 0 }
      sums[e[key]] = s
      list[#list + 1] = s
    end
    for _, name in ipairs { "calls", "seconds", "bytes", "flops" } do
      s[name] = s[name] + e[name]
    end
  end
  table.sort(list, function(a, b)
    return a.seconds > b.seconds
  end)
  return list
end

local function amount(x, units)
  local i = 1
  while x >= 1000 and i < #units do
    x, i = x / 1000, i + 1
  end
  return ("%.3g %s"):format(x, units[i])
end

local byte_units = { "B", "kB", "MB", "GB", "TB" }

local function write_table(out, title, list, all, peak, most)
  out[#out + 1] = ("%-28s %8s %9s %6s %8s %8s %7s"):format(title, "calls", "ms", "share", "moved", "GFLOP/s", "of peak")
  for i, s in ipairs(list) do
    if i > most then
      out[#out + 1] = ("... and %d more"):format(#list - most)
      break
    end
    local rate = s.seconds > 0 and s.flops / s.seconds or 0
    out[#out + 1] = ("%-28s %8d %9.2f %5.1f%% %8s %8.2f %6.1f%%"):format(s.key == "" and "(no line)" or s.key:sub(-28),
      s.calls, s.seconds * 1e3, 100 * s.seconds / all, amount(s.bytes, byte_units), rate / 1e9, 100 * rate / peak)
  end
end

---Ends the measuring and gives the report.
---@return string
function M.report()
  local all = core.time() - started
  local busy = os.clock() - processor
  local entries = core.profile_stop()
  local peak = core.peak_flops()
  local inside = 0
  for _, e in ipairs(entries) do
    inside = inside + e.seconds
  end
  local out = {
    ("%.3f s in all (%.3f s of processor time); %.3f s (%.1f%%) in operations, the rest in Lua and in what is not measured")
      :format(all, busy, inside, 100 * inside / all),
    ("peak of one thread: %.1f GFLOP/s in float32, measured now"):format(peak / 1e9), "",
  }
  write_table(out, "operation", sum_by(entries, "name"), all, peak, 30)
  out[#out + 1] = ""
  write_table(out, "line", sum_by(entries, "where"), all, peak, 30)
  return table.concat(out, "\n") .. "\n"
end

return M
