-- make lecture: runs every script of scripts/lecture at full size and at two sets of seeds, the printed one (from 1) and a
-- fresh one that nobody chose, keeps the pictures of the first in docs/lecture/, and writes docs/lecture.md, docs/errata.md and
-- the handouts. It fails where a script does, or where a difference that was found lies on the other side at the fresh seeds.
--
--   nnlua tools/lecture/make.lua [NUMBER ...]     only these again; the others' records are kept in build/lecture/
--   LECTURE_SEED=N                                the fresh seeds begin at N, not at one that the clock gives

local nn = require "nn"
local core = require "nn.core"

local fingerprint = dofile "tools/lecture/fingerprint.lua"
local program = (arg[-1] and arg[-1]:sub(1, 1) ~= "-") and arg[-1] or "./nnlua"
local wanted = {}
for _, n in ipairs(arg) do
  wanted[n] = true
end
core.make_directory "build/lecture"
core.make_directory "docs/lecture"
core.make_directory "docs/lecture/handouts"
if not nn.plot.available() then
  io.stderr:write "make lecture draws with gnuplot: apt-get install gnuplot-nox\n"
  os.exit(1)
end

local fresh = tonumber(os.getenv "LECTURE_SEED") or 1000 + os.time() % 1000000
local function read(path)
  local f = io.open(path)
  local text = f and f:read "a"
  return f and f:close() and text or nil
end
local function read_json(path)
  local text = read(path)
  return text and core.json_decode(text)
end
local function write_json(path, value)
  local f = assert(io.open(path, "w"))
  f:write(core.json_encode(value))
  f:close()
end
local function command(text)
  local p = io.popen(text)
  local out = p:read "a"
  p:close()
  return (out:gsub("%s+$", ""))
end

local scripts, jobs = {}, {}
for path in io.popen("ls scripts/lecture/[0-9]*.lua"):lines() do
  local s = { path = path, name = path:match "([^/]+)%.lua$", records = {} }
  s.number = s.name:match "^%d+"
  scripts[#scripts + 1] = s
  local known = core.file_exists(("build/lecture/%s.1.json"):format(s.name))
    and core.file_exists(("build/lecture/%s.2.json"):format(s.name))
  s.run = next(wanted) == nil or wanted[s.number] or not known
  for set = 1, s.run and 2 or 0 do
    jobs[#jobs + 1] = { script = s, set = set, seed = set == 1 and 1 or fresh }
  end
end
-- the longest first, as far as earlier runs tell
table.sort(jobs, function(a, b)
  local function seconds(job)
    local r = read_json(("build/lecture/%s.%d.json"):format(job.script.name, job.set))
    return r and r.seconds or 0
  end
  a.seconds, b.seconds = a.seconds or seconds(a), b.seconds or seconds(b)
  return a.seconds > b.seconds or a.seconds == b.seconds and a.script.name .. a.set < b.script.name .. b.set
end)

local revision = command "git rev-parse --short HEAD 2>/dev/null"
local kernels = command(program .. " --version"):match "kernels[:%s]+([^\n]+)" or ""
local failed = 0
local function finish(job, status)
  local base = ("build/lecture/%s.%d"):format(job.script.name, job.set)
  local seconds = core.time() - job.started
  io.write(("%-34s seeds from %-7d %5.1f s  "):format(job.script.name, job.seed, seconds))
  if status ~= 0 then
    failed = failed + 1
    os.remove(base .. ".json")
    print("FAILED: " .. ((read(base .. ".txt") or ""):match "[^\n]*did not hold[^\n]*" or "see " .. base .. ".txt"))
    return
  end
  local record = read_json(base .. ".json")
  record.seconds, record.revision, record.kernels = seconds, revision, kernels
  record.citation, record.source = record.source, job.source
  write_json(base .. ".json", record)
  print(record.finding)
end

local running, next_job = {}, 1
while next_job <= #jobs or #running > 0 do
  while #running < 2 and next_job <= #jobs do
    local job = jobs[next_job]
    local base = ("build/lecture/%s.%d"):format(job.script.name, job.set)
    os.remove(base .. ".txt")
    job.started, job.source = core.time(), fingerprint(read(job.script.path))
    job.process = assert(core.start({ "env", "NNLUA_LECTURE=" .. base .. ".json", program, "--threads", "1", "--out",
      job.set == 1 and "docs/lecture" or "build/lecture", job.script.path, "--no-record", "--seed", tostring(job.seed) },
      base .. ".txt"))
    running[#running + 1] = job
    next_job = next_job + 1
  end
  for i = #running, 1, -1 do
    local how, status = running[i].process:poll()
    if how then
      finish(table.remove(running, i), how == "exit" and status or 1)
    end
  end
  core.sleep(0.02)
end

-- ---- does every finding survive? ----

local records = {}
for _, s in ipairs(scripts) do
  local one, two = read_json(("build/lecture/%s.1.json"):format(s.name)), read_json(("build/lecture/%s.2.json"):format(s.name))
  if one and two then
    one.again, one.fresh_seed = two.finding, two.seed
    one.turned = {}
    for i, c in ipairs(one.comparisons or {}) do
      local other = (two.comparisons or {})[i]
      if other and c.verdict ~= "within noise" and other.verdict ~= "within noise" and c.verdict ~= other.verdict then
        failed = failed + 1
        one.turned[#one.turned + 1] = c.what
        print(("%s: does not survive: %s: %s at the seeds from 1, %s from %d"):format(s.name, c.what, c.verdict, other.verdict,
          two.seed))
      end
    end
    records[#records + 1] = one
  end
end

local page = dofile "tools/lecture/page.lua"
page.lecture(records)
page.errata(records)
dofile("tools/lecture/handout.lua").all(records)
print(("docs/lecture.md, docs/errata.md, docs/lecture/handouts: %d scripts at the seeds from 1 and from %d, %d failed"):format(
  #records, fresh, failed))
os.exit(failed == 0 and 0 or 1)
