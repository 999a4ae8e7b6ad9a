-- nnlua report RUN... -o report.html: runs as one page that needs nothing else, neither a server nor a network. The page itself
-- (web/lab) is made by `make page`; here the runs are put into it. A server sends the same page and the same data.
--
-- In the page each run has two blocks beside its line in the list: h-N, its history, and d-N, the rest; they are read when
-- they are looked at, so that thousands of runs open at once. Texts that several runs share stand there once (t-N).

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"
local provenance = require "nn.lab.provenance"
local rows = require "nn.lab.rows"

local M = {}

local marker = "<!--data-->"
local most_text, most_figure, most_data = 1 << 20, 8 << 20, 16 << 20 -- bytes

-- ---- JSON ----

local function text_json(text)
  return core.json_encode(plain.text(text))
end

-- Members of an object, from {name, JSON text or nil}...; in this order.
local function object(...)
  local parts = {}
  for _, pair in ipairs { ... } do
    if pair[2] then
      parts[#parts + 1] = ("%s:%s"):format(text_json(pair[1]), pair[2])
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Within a script element nothing may end it or open another; "<" stands only in strings of JSON.
local function embedded(json)
  return (json:gsub("<", "\\u003c"):gsub("\u{2028}", "\\u2028"):gsub("\u{2029}", "\\u2029"))
end

-- ---- parts of a run ----

local function nothing() end

---A history as columns: JSON {"columns":{...},"rows":n}, and the columns (nn.lab.rows). Numbers that JSON has no words for are
---"nan", "inf", "-inf"; null stands where a row has no such value, or none that is a number.
---@param directory string
---@return string json
---@return table columns {names, rows, unreadable, left_out}
function M.history(directory)
  local columns, out = rows.columns(true), {}
  local folder = core.open_folder(directory)
  if folder then
    local _, tail = rows.lines(folder, "history.jsonl", 0, math.huge, nothing, function(text)
      columns:add(text)
    end)
    columns:add(tail)
    folder:close()
  end
  columns:write(out)
  return table.concat(out), columns
end

-- layers.jsonl: its lines as a list.
local function layers(folder)
  local lines = {}
  rows.lines(folder, "layers.jsonl", 0, most_data, nothing, function(text)
    for line in text:gmatch "([^\n]*)\n" do
      lines[#lines + 1] = core.json_row(line) and line or nil
    end
  end)
  return #lines > 0 and "[" .. table.concat(lines, ",") .. "]" or nil
end

local function samples(folder)
  local text, size = folder:read("samples.json", 0, most_data)
  return text and size <= most_data and type(core.json_decode(text)) == "table" and text or nil
end

local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

---Base64 (RFC 4648, section 4).
function M.base64(bytes)
  local parts = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    local out = {}
    for k = 1, 4 do
      local at = (bits >> (24 - 6 * k) & 63) + 1
      out[k] = letters:sub(at, at)
    end
    parts[#parts + 1] = out[1] .. out[2] .. (b and out[3] or "=") .. (c and out[4] or "=")
  end
  return table.concat(parts)
end

local kinds = { png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg", svg = "image/svg+xml", webp = "image/webp" }

local function figure_bytes(folder, directory, name)
  local bytes, size = folder:read("figures/" .. name, 0, most_figure)
  if not bytes or size > most_figure then
    io.stderr:write(("report: %s/figures/%s is left out: %s\n"):format(plain.line(directory), plain.line(name),
      bytes and ("it has more than %d MiB"):format(most_figure >> 20) or plain.line(size)))
    return nil
  end
  return bytes
end

-- In the page, or where `address` (a function of the run's directory and a name) says.
local function figures(folder, directory, address)
  local list = {}
  local _, names = folder:list "figures"
  names = type(names) == "table" and names or {}
  table.sort(names)
  for _, name in ipairs(names) do
    local kind = kinds[(name:match "%.(%w+)$" or ""):lower()]
    local src = kind and address and address(directory, name)
    local bytes = kind and not address and figure_bytes(folder, directory, name)
    src = bytes and ("data:%s;base64,%s"):format(kind, M.base64(bytes)) or src
    list[#list + 1] = src and object({ "name", text_json((name:gsub("%.%w+$", ""))) }, { "src", text_json(src) }) or nil
  end
  return #list > 0 and "[" .. table.concat(list, ",") .. "]" or nil
end

local texts = { { "script", "script.lua" }, { "changes", "changes.diff" }, { "log", "log.txt", true } }

-- A text, its beginning or (of a log) its end.
local function text_of(folder, name, last)
  local text, size = rows.text(folder, name, most_text, last)
  if text and size > #text then
    local note = ("(%d bytes are left out; they are in %s)"):format(size - #text, name)
    text = last and note .. "\n" .. text or text .. "\n" .. note
  end
  return text and text ~= "" and text or nil
end

-- What a list says of a run.
local function line(run, history)
  return { "id", text_json(run.directory) }, { "directory", text_json(run.directory) }, { "name", text_json(tostring(run.name)) },
    { "state", text_json(run.state) }, { "started", run.started and text_json(tostring(run.started)) },
    { "seconds", run.seconds and plain.encode(run.seconds) }, { "parameters", plain.encode(run.parameters) },
    { "result", plain.encode(run.result) }, { "error", run.error and text_json(tostring(run.error)) }, { "history", history }
end

-- The rest of it. `place` turns a text into its JSON.
local function rest(run, o, place)
  local folder = core.open_folder(run.directory)
  if not folder then -- it is gone meanwhile
    return { "about", plain.encode(run.about) }
  end
  local parts = { { "layers", layers(folder) }, { "samples", samples(folder) },
    { "figures", figures(folder, run.directory, o.figure) }, { "about", plain.encode(run.about) } }
  for _, t in ipairs(texts) do
    local text = text_of(folder, t[2], t[3])
    parts[#parts + 1] = { t[1], text and place(text) }
  end
  folder:close()
  return table.unpack(parts)
end

-- ---- the data ----

local function join(a, b) -- two lists of pairs as one object
  table.move(b, 1, #b, #a + 1, a)
  return object(table.unpack(a))
end

---One run, whole, as JSON: what a server answers for it.
---@param run table from nn.lab.index
---@param options? {figure: fun(directory: string, name: string): string} where a figure is; else it is in the data
function M.run(run, options)
  local history = M.history(run.directory)
  return join({ line(run, history) }, { rest(run, options or {}, text_json) })
end

---Runs, whole, as JSON: {"title","generated","live","runs":[...]}.
---@param runs table[] from nn.lab.index
---@param options? {title: string, live: boolean, figure: function}
function M.data(runs, options)
  local o, list = options or {}, {}
  for i, run in ipairs(runs) do
    list[i] = M.run(run, o)
  end
  return object({ "title", text_json(M.title(runs, o)) }, { "generated", text_json(os.date "%Y-%m-%dT%H:%M:%S") },
    { "live", o.live and "true" or "false" }, { "runs", "[" .. table.concat(list, ",") .. "]" })
end

---What the page is called where nobody says: as its experiments are.
function M.title(runs, o)
  if o and o.title then
    return o.title
  end
  local seen, names = {}, {}
  for _, run in ipairs(runs) do
    local name = tostring(run.name)
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  return #names == 0 and "Runs" or #names > 4 and ("%d experiments"):format(#names) or table.concat(names, ", ")
end

---The page without runs. As it stands it asks the server that it came from; `for_file` is the one that asks nobody.
---@param for_file? boolean
function M.page(for_file)
  local here = debug.getinfo(1, "S").source:match "^@(.*)report%.lua$" or ""
  local page = provenance.read_text(here .. "page.html")
  if not page then
    core.raise(("report: the page is not built: %spage.html is missing; in nnlua's source, run: make page"):format(here))
  elseif for_file then
    for own, none in pairs { ["connect-src 'self'"] = "connect-src 'none'", ["img-src 'self' data:"] = "img-src data:" } do
      local first, last = page:find(own, 1, true)
      if not first then
        core.raise(("report: %spage.html is not of this nnlua; in its source, run: make page"):format(here))
      end
      page = page:sub(1, first - 1) .. none .. page:sub(last + 1)
    end
  end
  return page
end

local function block(id, json)
  return ('<script type="application/json" id="%s">%s</script>\n'):format(id, embedded(json))
end

---Writes runs as one page.
---@param path string
---@param runs table[] from nn.lab.index
---@param options? {title: string, page: string} page: the page without runs; default: ours
---@return integer bytes
function M.write(path, runs, options)
  local page = options and options.page or M.page(true)
  local first, last = page:find(marker, 1, true)
  if not first then
    core.raise "report: page.html has no place for the runs; in nnlua's source, run: make page"
  end
  local blocks, list, known, count = {}, {}, {}, 0
  local function place(text)
    if not known[text] then
      known[text] = ('{"text":%d}'):format(count)
      blocks[#blocks + 1] = block(("t-%d"):format(count), text_json(text))
      count = count + 1
    end
    return known[text]
  end
  for i, run in ipairs(runs) do
    local history, columns = M.history(run.directory)
    local remark = rows.remark(run.directory .. "/history.jsonl", columns.unreadable)
    if remark then
      io.stderr:write("report: ", remark)
    end
    if columns.left_out then
      io.stderr:write(("report: %s/history.jsonl has more than %d columns: the others are left out\n"):format(
        plain.line(run.directory), rows.MOST_COLUMNS))
    end
    list[i] = object(line(run, ('{"rows":%d,"unreadable":%d,"names":%s}'):format(columns.rows, columns.unreadable,
      core.json_encode(columns.names))))
    blocks[#blocks + 1] = block(("h-%d"):format(i - 1), history)
    local detail = object(rest(run, {}, place)) -- before its own place is counted: it may add blocks of texts
    blocks[#blocks + 1] = block(("d-%d"):format(i - 1), detail)
  end
  local data = block("data", object({ "title", text_json(M.title(runs, options)) },
    { "generated", text_json(os.date "%Y-%m-%dT%H:%M:%S") }, { "live", "false" },
    { "runs", "[" .. table.concat(list, ",") .. "]" }))
  local text = page:sub(1, first - 1) .. data .. table.concat(blocks) .. page:sub(last + 1)
  core.write_file(path, text)
  return #text
end

-- ---- the command ----

local usage = [[
usage: nnlua report RUN... [-o FILE]   runs as one page for a browser
  RUN         a run's directory, a directory with runs in it, or the end of a run's name in runs/ (7f3a)
  -o FILE     where it is written (default: report.html)
  --title T   what the page is called
  --nested    with the runs within runs]]
M.usage = usage

local function nested(run, list)
  local path = run.directory .. "/runs"
  if core.is_directory(path) then
    for _, inner in ipairs(index.runs(path)) do
      list[#list + 1] = inner
      nested(inner, list)
    end
  end
end

---The runs that the words of a command line mean, each once.
function M.find(names, with_nested)
  local list, seen = {}, {}
  local function add(run)
    local place = core.real_path(run.directory) or run.directory
    if not seen[place] then
      seen[place] = true
      list[#list + 1] = run
    end
  end
  for _, name in ipairs(names) do
    local found
    if core.is_directory(name) and not core.file_exists(name .. "/run.json") then
      found = index.runs(name)
      if #found == 0 then
        core.raise(("report: there are no runs in %s"):format(name))
      end
    else
      found = { index.find(name) }
    end
    for _, run in ipairs(found) do
      add(run)
      local inner = {}
      if with_nested then
        nested(run, inner)
      end
      for _, r in ipairs(inner) do
        add(r)
      end
    end
  end
  return list
end

local function size_text(bytes)
  return bytes < 1 << 20 and ("%d KiB"):format(bytes >> 10) or ("%.1f MiB"):format(bytes / (1 << 20))
end

---nnlua report RUN... -o FILE
function M.main(_, args)
  local names, o, i = {}, { out = "report.html" }, 1
  local function take(option)
    i = i + 1
    return args[i] or core.raise(("report: %s needs a value\n%s"):format(option, usage))
  end
  while i <= #args do
    local a = args[i]
    local attached = a:match "^%-%-title=(.*)$"
    if a == "-o" or a == "--out" then
      o.out = take(a)
    elseif a == "--title" or attached then
      o.title = attached or take(a)
    elseif a == "--nested" then
      o.nested = true
    elseif a == "--help" or a == "-h" then
      print(usage)
      return
    elseif a:find "^%-" then
      core.raise(("report: there is no option %s\n%s"):format(a, usage))
    else
      names[#names + 1] = a
    end
    i = i + 1
  end
  if #names == 0 then
    core.raise(usage)
  end
  local runs = M.find(names, o.nested)
  local bytes = M.write(o.out, runs, { title = o.title })
  print(("%s: %d %s, %s; open it in a browser"):format(o.out, #runs, #runs == 1 and "run" or "runs", size_text(bytes)))
end

return M
