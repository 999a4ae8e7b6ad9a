-- The runs of a directory, kept in memory and looked at again when asked: what has not changed costs one look, and rows are
-- counted from where the counting ended. Reading is all. Long work calls pause(), so that it can be done between other work.

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"
local rows = require "nn.lab.rows"

local Watch = {}
Watch.__index = Watch

local M = {}

local DEPTH = 4                 -- folders between the directory and a run, as in nn.lab.index
local EVERY = 0.5               -- seconds before the files are looked at again
local SETTLES = 2e9             -- nanoseconds after which a second change of a file has another time
local MOST_GONE = 1000          -- runs that are gone and still told of one by one

---@param directory string
function M.new(directory)
  -- Stamps of a server that was started later are larger, so that pages which are open see all runs anew.
  return setmetatable({ directory = directory, runs = {}, gone = {}, count_gone = 0, forgotten = 0,
    stamp = os.time() * 1000, looked = -math.huge }, Watch)
end

-- ---- one run ----

local files = { "run.json", "result.json", "history.jsonl", "holder" }

-- What is seen of a run's files without opening them, and when the last of them changed.
local function signatures(folder, id)
  local list, latest = {}, 0
  for i, name in ipairs(files) do
    local kind, size, time, number = folder:status(id .. "/" .. name)
    list[i] = kind == "file" and ("%d %d %d"):format(size, time, number) or "none"
    latest = math.max(latest, kind == "file" and time or 0)
  end
  return list, latest
end

-- Bytes at both ends of what was counted: where they are others, the file was written anew.
local function ends_of(folder, path, read)
  local from = math.max(0, read - 64)
  return (folder:read(path, 0, math.min(64, read)) or "") .. (folder:read(path, from, read - from) or "")
end

-- Counts the rows that were written since. Every now and then a mark says where a row begins.
local function count_rows(run, folder, pause)
  local path = run.id .. "/history.jsonl"
  local kind, size, _, number = folder:status(path)
  if kind ~= "file" then
    size, number = 0, nil
  end
  local h = run.history
  if not h or h.number ~= number or size < h.read or h.ends ~= ends_of(folder, path, h.read) then
    h = { number = number, whole = 0, unreadable = 0, read = 0, marks = { { rows = 0, at = 0 } } }
  end
  local behind, tail = rows.lines(folder, path, h.read, math.max(0, size - h.read), pause, function(text, behind)
    local n, unreadable = core.json_rows(text)
    h.whole, h.unreadable, h.read = h.whole + n, h.unreadable + unreadable, behind
    if behind - h.marks[#h.marks].at >= rows.BLOCK // 2 then
      h.marks[#h.marks + 1] = { rows = h.whole, at = behind }
    end
  end)
  h.read = behind
  h.rows = h.whole + (core.json_rows(tail or ""))
  h.ends = ends_of(folder, path, h.read)
  run.history = h
end

local function begun(text)
  local year, month, day, hour, min, sec = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)"
  return year and os.time { year = year, month = month, day = day, hour = hour, min = min, sec = sec }
end

-- Seconds of a run that is under way: of its sessions before, and since this one began.
local function seconds_so_far(run, folder)
  local _, since, before = index.holder(folder:read(run.id .. "/holder", 0, 100))
  since = since or begun(run.now.started)
  return since and before + math.max(0, core.wall_clock() - since)
end

-- What /api/runs says of a run.
local function entry(run, folder)
  local now = run.now
  return plain.encode {
    id = run.id, name = now.name, state = now.state, started = now.started, parameters = now.parameters, result = now.result,
    seconds = now.seconds or now.state == "running" and seconds_so_far(run, folder) or nil, rows = run.history.rows,
    unreadable = run.history.unreadable > 0 and run.history.unreadable or nil, error = now.error,
  }
end

-- Looks at the files of a run; nil where it is none any more, else whether something is new.
local function look(self, run, folder, pause)
  if folder:status(run.id) ~= "directory" then
    return nil
  end
  local now, latest = signatures(folder, run.id)
  local own = table.concat(now, "|")
  if run.settled == own and (not run.under_way or folder:held(run.id .. "/lock") == run.held) then
    return false
  end
  local about, about_why, missing = rows.json(folder, run.id .. "/run.json")
  if missing then
    return nil
  end
  local done, done_why, under_way = rows.json(folder, run.id .. "/result.json")
  count_rows(run, folder, pause)
  local held = under_way and folder:held(run.id .. "/lock")
  run.under_way, run.held = under_way, held
  run.now = index.of(("%s/%s"):format(self.directory, run.id), about, done, held,
    not about and about_why or not done and not under_way and done_why or nil)
  run.settled = os.time() * 1000000000 - latest > SETTLES and own or nil
  local state = ("%s|%s|%s|%d|%d"):format(own, run.now.state, run.now.error, run.history.rows, run.history.unreadable)
  local new = state ~= run.state
  run.state = state
  return new
end

-- ---- all runs ----

local function see(self, scan, id)
  local run = self.runs[id] or { id = id }
  local new = look(self, run, scan.folder, scan.pause)
  if new == nil then
    return false
  end
  if new then
    run.stamp = scan.stamp
    run.entry = entry(run, scan.folder)
    scan.changed = true
  end
  self.runs[id] = run
  scan.seen[id] = true
  scan.pause()
  return true
end

local function visit(self, scan, path, depth)
  if self.runs[path] and see(self, scan, path) then
    return
  end
  local directories, plain_files, others = scan.folder:list(path)
  if directories and path ~= "" and index.is_run(plain_files, directories, others) then
    see(self, scan, path)
    return
  end
  for _, name in ipairs(depth > 0 and directories or {}) do
    local below = path == "" and name or path .. "/" .. name
    if utf8.len(name) then -- other names cannot be told in JSON
      visit(self, scan, below, depth - 1)
    end
  end
  scan.pause()
end

local function scan_all(self, pause)
  local folder, why = core.open_folder(self.directory)
  if folder and self.folder and select(4, folder:status "") == select(4, self.folder:status "") then
    folder:close() -- others may be reading in the one that is open
    folder = self.folder
  end
  self.folder, self.missing = folder, why
  local scan = { folder = folder, pause = pause, stamp = self.stamp + 1, seen = {} }
  if folder then
    visit(self, scan, "", DEPTH)
  end
  for id in pairs(self.runs) do
    if not scan.seen[id] then
      self.runs[id] = nil
      self.count_gone = self.count_gone + (self.gone[id] and 0 or 1)
      self.gone[id] = scan.stamp
      scan.changed = true
    end
  end
  for id in pairs(scan.seen) do
    self.count_gone = self.count_gone - (self.gone[id] and 1 or 0)
    self.gone[id] = nil
  end
  if self.count_gone > MOST_GONE then -- who asks with an older stamp is given all
    self.gone, self.count_gone, self.forgotten = {}, 0, scan.stamp
  end
  self.stamp = scan.changed and scan.stamp or self.stamp
end

---Looks at the directory, unless somebody just did; several coroutines may ask at once.
function Watch:refresh(pause)
  while self.scanner and coroutine.status(self.scanner) ~= "dead" do
    pause(true)
  end
  if core.time() - self.looked < EVERY then
    return
  end
  self.scanner = coroutine.running()
  scan_all(self, pause)
  self.looked, self.scanner = core.time(), nil
end

---The JSON text of what has changed since a stamp: {"runs":[...],"gone":[ids],"stamp":n}; with "whole":true they are all that
---there is, and what else was known is gone.
function Watch:changes(since)
  local runs, gone = {}, {}
  local whole = since < self.forgotten
  since = whole and 0 or since
  for _, run in pairs(self.runs) do
    if run.stamp > since then
      runs[#runs + 1] = run.entry
    end
  end
  for id, stamp in pairs(self.gone) do
    if stamp > since then
      gone[#gone + 1] = core.json_encode(id)
    end
  end
  local missing = self.missing and (',"missing":%s'):format(core.json_encode(plain.text(self.missing))) or ""
  missing = missing .. (whole and ',"whole":true' or "")
  return ('{"gone":[%s],"runs":[%s],"stamp":%d%s}'):format(table.concat(gone, ","), table.concat(runs, ","), self.stamp, missing)
end

-- ---- what a run says ----

---Rows from number `from` on (0: all): {"columns":{...},"rows":n}, where n is how many are given. Not more than `most` bytes
---of the file at once: whoever wants the others asks again, until n is 0.
---@param out string[] the text goes to the end of this list, in pieces
function Watch:rows(run, from, most, out, pause)
  local h, folder, path = run.history, self.folder, run.id .. "/history.jsonl"
  local low, high = 1, #h.marks
  while low < high do
    local middle = (low + high + 1) // 2
    if h.marks[middle].rows <= from then
      low = middle
    else
      high = middle - 1
    end
  end
  local row, columns = h.marks[low].rows, rows.columns()
  local function use(text)
    local begin = 1
    while row < from and begin <= #text do
      local stop = text:find("\n", begin, true) or #text
      row = row + (core.json_rows(text:sub(begin, stop)))
      begin = stop + 1
    end
    if begin <= #text then
      columns:add(text:sub(begin))
    end
    return columns.rows + from >= h.rows
  end
  local _, tail = rows.lines(folder, path, h.marks[low].at, most, pause, use)
  if tail and tail ~= "" then
    use(tail)
  end
  columns:write(out)
end

return M
