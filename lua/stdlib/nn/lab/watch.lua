-- The runs of a directory, kept in memory and looked at again when asked: what has not changed costs one look, and rows are
-- counted from where the counting ended. Reading is all. Long work calls pause(), so that it can be done between other work.

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"

local Watch = {}
Watch.__index = Watch

local M = {}

local DEPTH = 4                 -- folders between the directory and a run, as in nn.lab.index
local BLOCK = 256 * 1024        -- bytes that are read between two pauses
local LONGEST_LINE = 1024 * 1024
local LARGEST_JSON = 4 * 1024 * 1024
local EVERY = 0.5               -- seconds before the files are looked at again
local SETTLES = 2e9             -- nanoseconds after which a second change of a directory has another time

---@param directory string
function M.new(directory)
  -- Stamps of a server that was started later are larger, so that pages which are open see all runs anew.
  return setmetatable({ directory = directory, runs = {}, gone = {}, stamp = os.time() * 1000, looked = -math.huge }, Watch)
end

-- ---- one run ----

local function signature(folder, path)
  local kind, size, time, number = folder:status(path)
  return kind == "file" and ("%d %d %d"):format(size, time, number) or nil, size, number
end

-- A table from a file of JSON, and its text; nil where it is none.
local function read_json(folder, path, most)
  local text, size = folder:read(path, 0, most)
  if not text or size > most then
    return nil
  end
  local value = core.json_decode(text)
  if type(value) == "table" then
    return plain.restore(value), text
  end
end

-- Counts the rows that were written since. Every now and then a mark says where a row begins.
local function count_rows(run, folder, pause)
  local path = run.id .. "/history.jsonl"
  local kind, size, _, number = folder:status(path)
  if kind ~= "file" then
    size, number = 0, nil
  end
  local h = run.history
  if not h or h.number ~= number or size < h.read then
    h = { number = number, rows = 0, read = 0, marks = { { rows = 0, at = 0 } } }
  end
  while h.read < size do
    local rows, behind, got = folder:lines(path, h.read, math.min(BLOCK, size - h.read))
    if not rows or got == 0 then
      break
    end
    h.read = h.read + got
    h.rows = h.rows + rows
    local last = h.marks[#h.marks]
    if behind and behind - last.at >= BLOCK // 2 then
      h.marks[#h.marks + 1] = { rows = h.rows, at = behind }
    end
    pause()
  end
  run.history = h
end

local function begun(text)
  local year, month, day, hour, min, sec = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)"
  return year and os.time { year = year, month = month, day = day, hour = hour, min = min, sec = sec }
end

-- What /api/runs says of a run.
local function entry(run)
  local now = run.now
  local since = now.state == "running" and begun(now.started)
  return plain.encode {
    id = run.id, name = now.name, state = now.state, started = now.started, parameters = now.parameters, result = now.result,
    seconds = now.seconds or since and math.max(0, os.time() - since) or nil, rows = run.history.rows,
  }
end

-- Looks at the files of a run; false where it is none any more, else whether something is new.
local function look(self, run, folder, pause)
  local kind, _, changed, number = folder:status(run.id)
  if kind ~= "directory" then
    return nil
  end
  local own = ("%d %d"):format(changed, number)
  if run.settled == own then
    return false
  end
  local about = signature(folder, run.id .. "/run.json")
  if about ~= run.about_is or not run.about then
    run.about_is = about
    run.about = about and read_json(folder, run.id .. "/run.json", LARGEST_JSON)
    run.done_is = nil
  end
  if not run.about then
    return nil
  end
  local done = signature(folder, run.id .. "/result.json")
  if done ~= run.done_is then
    run.done_is = done
    run.done = done and read_json(folder, run.id .. "/result.json", LARGEST_JSON)
  end
  count_rows(run, folder, pause)
  local held = not run.done and folder:held(run.id .. "/lock")
  run.now = index.of(("%s/%s"):format(self.directory, run.id), run.about, run.done, held)
  -- With a result nothing more is written, unless the run is resumed, which takes the result away: that changes the directory.
  run.settled = run.done and os.time() * 1000000000 - changed > SETTLES and own or nil
  local state = ("%s|%s|%s|%d"):format(run.about_is, run.done_is, run.now.state, run.history.rows)
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
    run.entry = entry(run)
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
  local directories, files = scan.folder:list(path)
  for _, name in ipairs(directories and files or {}) do
    if name == "run.json" and path ~= "" then
      see(self, scan, path)
      return
    end
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
      self.gone[id] = scan.stamp
      scan.changed = true
    end
  end
  for id in pairs(scan.seen) do
    self.gone[id] = nil
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

---The JSON text of what has changed since a stamp: {"runs":[...],"gone":[ids],"stamp":n}.
function Watch:changes(since)
  local runs, gone = {}, {}
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
  return ('{"gone":[%s],"runs":[%s],"stamp":%d%s}'):format(table.concat(gone, ","), table.concat(runs, ","), self.stamp, missing)
end

-- ---- what a run says ----

-- The end of the line that begins at byte `at`, and how long it is; nil: it has none.
local function skip_line(folder, path, at, pause)
  while true do
    local text = folder:read(path, at, BLOCK)
    if not text or text == "" then
      return nil
    end
    local stop = text:find("\n", 1, true)
    if stop then
      return at + stop
    end
    at = at + #text
    pause()
  end
end

-- n more values of a column, with null for the rows before them that had none.
local function add_values(c, rows, values, n)
  if c.rows < rows then
    c[#c + 1] = (#c > 0 and "," or "") .. ("null,"):rep(rows - c.rows):sub(1, -2)
  end
  if values then
    c[#c + 1] = #c > 0 and "," or nil
    c[#c + 1] = values
  end
  c.rows = rows + (n or 0)
end

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
  local row, at = h.marks[low].rows, h.marks[low].at
  local first, columns, given, last, size = at, {}, 0, h.rows, BLOCK
  while row < last and at - first < most do
    local text = folder:read(path, at, size)
    local stop = text and text:match "^.*()\n" or 0
    if not text or text == "" then
      break
    elseif stop == 0 and #text >= LONGEST_LINE then
      text = "\n"
      at = skip_line(folder, path, at, pause)
      if not at then
        break
      end
    elseif stop == 0 then
      if #text < size then
        break
      end
      size, text = LONGEST_LINE, nil
    else
      text = text:sub(1, stop)
      at = at + stop
    end
    if text then
      size = BLOCK
      local begin = 1
      while row < from and begin <= #text do
        begin = text:find("\n", begin, true) + 1
        row = row + 1
      end
      local n, block = core.json_columns(text:sub(begin))
      row = row + n
      for name, values in pairs(block) do
        local c = columns[name] or { rows = 0 }
        columns[name] = c
        add_values(c, given, values, n)
      end
      given = given + n
    end
    pause()
  end
  local names = {}
  for name in pairs(columns) do
    names[#names + 1] = name
  end
  table.sort(names)
  out[#out + 1] = '{"columns":{'
  for i, name in ipairs(names) do
    add_values(columns[name], given)
    out[#out + 1] = ("%s%s:["):format(i > 1 and "," or "", core.json_encode(name))
    table.move(columns[name], 1, #columns[name], #out + 1, out)
    out[#out + 1] = "]"
  end
  out[#out + 1] = ('},"rows":%d}'):format(given)
end

return M
