-- nnlua board: the runs of a directory in the browser, as they grow. Reading is all it does. A request is a coroutine: what
-- takes long gives way to the others every few milliseconds, so that one large run holds nobody up.

local core = require "nn.core"
local plain = require "nn.lab.plain"
local rows = require "nn.lab.rows"
local watch = require "nn.lab.watch"

local M = {}

local SLICE = 0.01                     -- seconds that a request works before others do
local MOST_UNSENT = 128 * 1024 * 1024  -- bytes of answers under way, above which large ones wait
local MOST_HISTORY = 256 * 1024 * 1024 -- bytes of a history in one answer
local MANY_ROWS = 20000                -- above which an answer is large
local MOST_TEXT = 1024 * 1024
local MOST_LOG = 256 * 1024
local MOST_DATA = 16 * 1024 * 1024     -- of layers.jsonl, samples.json, a figure

-- ---- addresses ----

-- The path and the query of an address as it was sent; nil where it is not one that this board ever gives.
local function read_uri(uri)
  local path, query = uri:match "^([^?#]*)%??([^#]*)$"
  if not path then
    return nil
  end
  local values = {}
  for part in query:gmatch "[^&]+" do
    local name, value = part:match "^([%a]+)=(.*)$"
    if not name or values[name] or value:gsub("%%%x%x", ""):find("%", 1, true) then
      return nil
    end
    values[name] = value:gsub("+", " "):gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  return path, values
end

local function escape(text)
  return (text:gsub("[^%w_.~/-]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

-- This machine by its own names: a page from elsewhere whose name was bent to 127.0.0.1 (DNS rebinding) has another.
local function is_here(host)
  local name = host and host:lower():gsub(":%d+$", "")
  return name == "localhost" or name == "127.0.0.1" or name == "[::1]"
end

-- ---- what is answered ----

local json, text_plain = { ["Content-Type"] = "application/json" }, { ["Content-Type"] = "text/plain; charset=utf-8" }

local function whole_number(text)
  return text:match "^%d+$" and #text <= 15 and math.tointeger(tonumber(text)) or nil
end

-- Text of a file, cut where it is long; nil where there is none. last: its end is wanted, not its beginning.
local function text_of(folder, path, most, last)
  local text, size = rows.text(folder, path, most, last)
  if not text then
    return nil
  end
  if size > most then
    local note = ("[%d of %d bytes are shown]"):format(#text, size)
    text = last and note .. "\n" .. text or text .. "\n" .. note
  end
  return core.json_encode(plain.text(text))
end

-- The text of a file of JSON, which stands in the answer as it is; nil where it is none, or too large.
local function json_of(folder, path)
  local text, size = folder:read(path, 0, MOST_DATA)
  return text and size <= MOST_DATA and core.json_decode(text) ~= nil and text or nil
end

local function lines_of(folder, path, pause)
  local list = {}
  if folder:status(path) ~= "file" then
    return nil
  end
  rows.lines(folder, path, 0, MOST_DATA, pause, function(text)
    for line in text:gmatch "([^\n]*)\n" do
      list[#list + 1] = core.json_row(line) and line or nil
    end
  end)
  return ("[%s]"):format(table.concat(list, ","))
end

local function figures_of(folder, id)
  local _, files = folder:list(id .. "/figures")
  local list = {}
  for _, name in ipairs(files or {}) do
    list[#list + 1] = name:find "^[%w_.-]+%.png$" and name or nil
  end
  table.sort(list)
  return list
end

-- One run in full, as the page wants it (nn.lab.report makes the same), in pieces.
local function run_pieces(board, run, pause)
  local folder, id, now = board.watch.folder, run.id, run.now
  local out = {}
  local function add(name, text)
    if text then
      out[#out + 1] = ('%s"%s":'):format(#out == 0 and "{" or ",", name)
      out[#out + 1] = text
    end
  end
  for _, name in ipairs { "name", "state", "started", "seconds", "parameters", "result", "error" } do
    add(name, now[name] ~= nil and plain.encode(now[name]) or nil)
  end
  add("id", core.json_encode(id))
  add("directory", core.json_encode(plain.text(now.directory)))
  add("about", plain.encode(now.about))
  add("history", "")
  board.watch:rows(run, 0, MOST_HISTORY, out, pause)
  add("layers", lines_of(folder, id .. "/layers.jsonl", pause))
  add("samples", json_of(folder, id .. "/samples.json"))
  pause()
  local figures = {}
  for i, name in ipairs(figures_of(folder, id)) do
    figures[i] = plain.encode { name = name:gsub("%.png$", ""), src = ("file?id=%s&name=figures/%s"):format(escape(id), name) }
  end
  add("figures", ("[%s]"):format(table.concat(figures, ",")))
  add("script", text_of(folder, id .. "/script.lua", MOST_TEXT))
  add("changes", text_of(folder, id .. "/changes.diff", MOST_TEXT))
  add("log", text_of(folder, id .. "/log.txt", MOST_LOG, true))
  out[#out + 1] = "}"
  return out
end

-- Large answers are made one after the other, and not while many bytes wait for their readers; others bear with more of them.
local function in_turn(board, pause, large, f, ...)
  local me, most = coroutine.running(), large and MOST_UNSENT or 4 * MOST_UNSENT
  while large and board.busy and coroutine.status(board.busy) ~= "dead" or board.server:unsent() > most do
    pause(true)
  end
  board.busy = large and me or board.busy
  local text = f(...)
  if large then
    board.busy = nil
    collectgarbage()
  end
  return text
end

local missing_page = [[<!doctype html><html lang="en"><meta charset="utf-8"><title>Runs</title>
<h1>Runs in %s</h1><p>The page with curves is not there yet; it is made by: <code>make page</code></p>
<table border="1" cellpadding="4"><tr><th>run<th>state<th>seconds<th>rows<th>parameters<th>result</tr>
%s</table></html>
]]

local function html(text)
  return (plain.text(tostring(text)):gsub("[&<>\"']", function(c)
    return ("&#%d;"):format(c:byte())
  end))
end

local function plain_page(board)
  local list, lines = {}, {}
  for _, run in pairs(board.watch.runs) do
    list[#list + 1] = run
  end
  table.sort(list, function(a, b)
    return a.now.started > b.now.started or a.now.started == b.now.started and a.id < b.id
  end)
  for i, run in ipairs(list) do
    local now = run.now
    lines[i] = ('<tr><td><a href="api/run?id=%s">%s</a><td>%s<td>%s<td>%d<td>%s<td>%s</tr>\n'):format(escape(run.id),
      html(run.id), html(now.state), html(now.seconds and ("%.1f"):format(now.seconds) or ""), run.history.rows,
      html(plain.encode(now.parameters)), html(plain.encode(now.result)))
  end
  return missing_page:format(html(board.watch.directory), table.concat(lines))
end

-- The page that nn.lab.report fills with runs, here without any: it asks for them. What it may load stands in it.
local function page(board)
  local name = debug.getinfo(1, "S").source:match "^@(.*/)board%.lua$"
  local file = name and io.open(name .. "page.html", "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  local policy = text and text:match '<meta http%-equiv="Content%-Security%-Policy" content="([^"%c]*)">'
  if not policy then
    text, policy = plain_page(board), "default-src 'none'; base-uri 'none'; form-action 'none'"
  end
  return 200, { ["Content-Type"] = "text/html; charset=utf-8",
    ["Content-Security-Policy"] = policy .. "; frame-ancestors 'none'" }, text
end

local none = function()
  return 404, text_plain, "There is nothing of that name here.\n"
end

local routes = {}

routes["/"] = function(board, _, pause)
  board.watch:refresh(pause)
  return page(board)
end

routes["/api/runs"] = function(board, query, pause)
  local since = whole_number(query.since or "0")
  if not since then
    return 400, text_plain, "since is the stamp of an earlier answer.\n"
  end
  board.watch:refresh(pause)
  return 200, json, board.watch:changes(since)
end

-- A run by its id, which must be one that was found.
local function for_run(f)
  return function(board, query, pause)
    board.watch:refresh(pause)
    local run = query.id and board.watch.runs[query.id]
    if not run then
      return none()
    end
    return f(board, run, query, pause)
  end
end

routes["/api/run"] = for_run(function(board, run, _, pause)
  return 200, json, in_turn(board, pause, run.history.rows > MANY_ROWS, run_pieces, board, run, pause)
end)

routes["/api/rows"] = for_run(function(board, run, query, pause)
  local from = whole_number(query.from or "0")
  if not from then
    return 400, text_plain, "from is a number of rows.\n"
  end
  local out = {}
  in_turn(board, pause, run.history.rows - from > MANY_ROWS, board.watch.rows, board.watch, run, from, MOST_HISTORY, out, pause)
  return 200, json, out
end)

routes["/file"] = for_run(function(board, run, query, pause)
  for _, name in ipairs(figures_of(board.watch.folder, run.id)) do
    if query.name == "figures/" .. name then
      local text = in_turn(board, pause, false, function()
        local bytes, size = board.watch.folder:read(run.id .. "/" .. query.name, 0, MOST_DATA)
        return bytes and size <= MOST_DATA and bytes
      end)
      if text then
        return 200, { ["Content-Type"] = "image/png" }, text
      end
    end
  end
  return none()
end)

-- ---- the loop ----

local function answer_to(board, uri, host, pause)
  if not is_here(host) then
    return 403, text_plain, "The board answers to the names localhost and 127.0.0.1 alone.\n"
  end
  local path, query = read_uri(uri)
  if not path then
    return 400, text_plain, "The address cannot be read.\n"
  end
  return (routes[path] or none)(board, query, pause)
end

local function new_job(board, request, uri, host)
  local job = { request = request }
  local function pause(now)
    if now or core.time() > job.until_ then
      job.waits = now
      coroutine.yield()
    end
  end
  job.run = coroutine.create(function()
    return answer_to(board, uri, host, pause)
  end)
  return job
end

-- Lets a request work for a slice; true when it is done with.
local function work(job, before)
  if not job.request:alive() then
    return true
  end
  job.until_ = core.time() + SLICE
  local ok, status, headers, text = coroutine.resume(job.run)
  if not ok and core.is_interrupt(status, before) then
    error(status, 0)
  elseif not ok then
    io.stderr:write(("board: %s\n"):format(tostring(status)))
    status, headers, text = 500, text_plain, "The board failed: " .. plain.text(tostring(status)) .. "\n"
  end
  if coroutine.status(job.run) ~= "dead" then
    return false
  end
  job.request:answer(status, headers, type(text) == "table" and text or { text })
  return true
end

local function loop(board, before, directory)
  print(("board: the runs in %s are at http://127.0.0.1:%d/ (Ctrl-C ends it)"):format(directory, board.server:port()))
  io.stdout:flush()
  local jobs, idle = {}, true
  while true do
    local request, uri, host = board.server:next(idle and 0.25 or 0)
    while request do
      jobs[#jobs + 1] = new_job(board, request, uri, host)
      request, uri, host = board.server:next(0)
    end
    local left = {}
    idle = true
    for _, job in ipairs(jobs) do
      if not work(job, before) then
        left[#left + 1] = job
        idle = idle and job.waits -- for readers of what was answered before
      end
    end
    jobs = left
  end
end

-- ---- beginning ----

local INSTALL = "apt-get install libmicrohttpd-dev && make"

-- The module that knows HTTP lies beside the program, or where an installed one has its modules.
local function load_http()
  local here = core.program():match "^(.*)/" or "."
  for _, path in ipairs { here .. "/nn_board.so", here .. "/../lib/lua/5.4/nn_board.so" } do
    if core.file_exists(path) then
      local open, why = package.loadlib(path, "luaopen_nn_board")
      return open and open() or core.raise(("board: %s (is libmicrohttpd there? as root: %s)"):format(why, INSTALL))
    end
  end
  core.raise(("board: libmicrohttpd was not there when nnlua was built; as root, in its directory: %s"):format(INSTALL))
end

---Serves the runs in a directory on 127.0.0.1 until Ctrl-C.
---@param directory string
---@param port integer 0: any that is free
---@param limits? table {connections, header_bytes, silence, request, answer}, of src/board/http.c
function M.serve(directory, port, limits)
  if core.is_sandboxed() then
    core.raise "board: there is no network in the sandbox"
  elseif not core.is_directory(directory) then
    core.raise(("board: %s is no directory; runs are kept in one when an experiment runs (nnlua FILE.lua), and another is "
      .. "named by: nnlua board DIR"):format(directory))
  elseif core.file_exists(directory .. "/run.json") then
    core.raise(("board: %s is one run; name the directory that it lies in, e.g. nnlua board runs"):format(directory))
  end
  local o = { port = port }
  for name, value in pairs(limits or {}) do
    o[name] = value
  end
  local server, why, kind = load_http().listen(o)
  if not server then
    core.raise(kind == "taken" and ("board: port %d is taken, perhaps by another board; try --port %d, or --port 0 for any that "
      .. "is free"):format(port, port % 65535 + 1)
      or kind == "forbidden" and ("board: port %d is not for ordinary users; try one from 1024 on, e.g. --port 8642"):format(port)
      or ("board: %s"):format(why))
  end
  local before = core.interrupts()
  local ok, err = pcall(loop, { server = server, watch = watch.new(directory) }, before, directory)
  server:close()
  if not ok and not core.is_interrupt(err, before) then
    error(err, 0)
  end
end

local USAGE = [[usage: nnlua board [DIR] [--port N]
shows the runs in DIR (default: runs) in the browser, as they grow; on this machine alone, and changes nothing
  --port N  where it listens (default: 8642; 0: any port that is free)]]
M.usage = USAGE

---nnlua board [DIR] [--port N]
function M.main(_, args)
  local directory, port, i = nil, 8642, 1
  while i <= #args do
    local arg = args[i]
    local value = arg:match "^%-%-port=(.*)$"
    if arg == "--help" then
      print(USAGE)
      return
    elseif arg == "--port" or value then
      i = value and i or i + 1
      value = value or args[i] or ""
      port = value:match "^%d+$" and #value <= 5 and math.tointeger(tonumber(value))
      if not port or port > 65535 then
        core.raise(("board: --port takes a number from 0 (any that is free) to 65535, e.g. --port 8642, but got '%s'"):format(
          value))
      end
    elseif arg:sub(1, 1) == "-" or arg == "" or directory then
      core.raise(("board: '%s' is not understood\n%s"):format(arg, USAGE))
    else
      directory = arg
    end
    i = i + 1
  end
  directory = (directory or "runs"):gsub("(.)/+$", "%1")
  M.serve(directory, port)
end

return M
