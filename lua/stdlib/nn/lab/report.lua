-- nnlua report RUN... -o report.html: runs as one page that needs nothing else, neither a server nor a network. The page itself
-- (web/lab) is made by `make page`; here the runs are put into it. A server sends the same page and the same data.
--
-- In the page each run has two blocks beside its line in the list: h-N, its history, and d-N, the rest; they are read when
-- they are looked at, so that thousands of runs open at once. Texts that several runs share stand there once (t-N).

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"
local provenance = require "nn.lab.provenance"

local M = {}

local marker = "<!--data-->"
local most_log, most_figure = 1 << 20, 8 << 20 -- bytes

-- ---- JSON ----

-- What a file holds may be no UTF-8; JSON must be.
local function clean(text)
  local parts, from = {}, 1
  while true do
    local length, bad = utf8.len(text, from)
    if length then
      parts[#parts + 1] = text:sub(from)
      return table.concat(parts)
    end
    parts[#parts + 1] = text:sub(from, bad - 1) .. "\u{FFFD}"
    from = bad + 1
    if from > #text then
      return table.concat(parts)
    end
  end
end

local function text_json(text)
  return core.json_encode(clean(text))
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

local words = { ["nan"] = '"nan"', ["inf"] = '"inf"', ["-inf"] = '"-inf"' }

-- Seven digits tell any two numbers of a curve apart that are not drawn in one place; the run's files have all.
local function value_json(v)
  if math.type(v) == "integer" then
    return ("%d"):format(v)
  elseif type(v) == "number" and v == v and v > -math.huge and v < math.huge then
    return ("%.7g"):format(v)
  end
  return words[v] or "null"
end

-- The rows of history.jsonl. All at once where they are whole, which is faster; half a line at the end is none: the run is
-- writing it, or was killed while it did.
local function read_rows(directory)
  local text = provenance.read_text(directory .. "/history.jsonl") or ""
  local whole = text:match "^(.*)\n$"
  local rows = whole and core.json_decode("[" .. whole:gsub("\n", ",") .. "]")
  if rows then
    for _, row in ipairs(rows) do
      if type(row) ~= "table" then
        rows = nil
        break
      end
    end
  end
  if not rows then
    rows = {}
    for line in text:gmatch "[^\n]+" do
      local row = core.json_decode(line)
      if type(row) ~= "table" then
        break
      end
      rows[#rows + 1] = row
    end
  end
  return rows
end

local many = 100
local many_numbers = ("%.7g,"):rep(many)

-- A column as JSON. Numbers only, they are formatted by hundreds.
local function column_json(column, n, plainly)
  local parts, from = {}, 1
  if plainly then
    while from + many - 1 <= n do
      parts[#parts + 1] = many_numbers:format(table.unpack(column, from, from + many - 1))
      from = from + many
    end
  end
  for i = from, n do
    parts[#parts + 1] = value_json(column[i])
    parts[#parts + 1] = ","
  end
  return "[" .. table.concat(parts):sub(1, -2) .. "]"
end

---Rows of a history from number `from` (0: the first) as columns: JSON {"columns":{...},"rows":n}, the names, and n. Numbers
---that JSON has no words for are "nan", "inf", "-inf"; null stands where a row has no such value, or none that is a number.
---@param directory string
---@param from? integer
---@return string json
---@return string[] names
---@return integer rows
function M.history(directory, from)
  from = from or 0
  local rows = read_rows(directory)
  local n = math.max(0, #rows - from)
  local columns, names, odd, filled = {}, {}, {}, {}
  for i = 1, n do
    for key, v in pairs(rows[from + i]) do
      local name = tostring(key) -- a line that is a list has numbers for names
      local column = columns[name]
      if not column then
        column = {}
        columns[name], filled[name] = column, 0
        names[#names + 1] = name
      end
      column[i] = v
      filled[name] = filled[name] + 1
      local kind = math.type(v)
      if not kind or kind == "integer" and (v >= 10000000 or v <= -10000000) then -- more digits than seven
        odd[name] = true
      end
    end
  end
  table.sort(names)
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = text_json(name) .. ":" .. column_json(columns[name], n, not odd[name] and filled[name] == n)
  end
  return ('{"columns":{%s},"rows":%d}'):format(table.concat(parts, ","), n), names, n
end

-- layers.jsonl: its lines as a list.
local function layers(directory)
  local lines = {}
  local f = io.open(directory .. "/layers.jsonl", "rb")
  if f then
    for line in f:lines() do
      if type(core.json_decode(line)) ~= "table" then
        break
      end
      lines[#lines + 1] = line
    end
    f:close()
  end
  return #lines > 0 and "[" .. table.concat(lines, ",") .. "]" or nil
end

local function samples(directory)
  local text = provenance.read_text(directory .. "/samples.json")
  return text and type(core.json_decode(text)) == "table" and text or nil
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

-- In the page, or where `address` (a function of the run's directory and a name) says.
local function figures(directory, address)
  local list = {}
  local names = core.is_directory(directory .. "/figures") and core.list_directory(directory .. "/figures") or {}
  table.sort(names)
  for _, name in ipairs(names) do
    local kind = kinds[(name:match "%.(%w+)$" or ""):lower()]
    if kind then
      local src
      if address then
        src = address(directory, name)
      else
        local bytes = provenance.read_text(("%s/figures/%s"):format(directory, name)) or ""
        if #bytes <= most_figure then
          src = ("data:%s;base64,%s"):format(kind, M.base64(bytes))
        else
          io.stderr:write(("report: %s/figures/%s is left out: it has more than %d MiB\n"):format(directory, name,
            most_figure >> 20))
        end
      end
      list[#list + 1] = src and object({ "name", text_json((name:gsub("%.%w+$", ""))) }, { "src", text_json(src) }) or nil
    end
  end
  return #list > 0 and "[" .. table.concat(list, ",") .. "]" or nil
end

local function log(directory)
  local text = provenance.read_text(directory .. "/log.txt")
  if text and #text > most_log then
    text = ("(the first %d bytes are left out; they are in log.txt)\n%s"):format(#text - most_log, text:sub(-most_log))
  end
  return text
end

-- What a list says of a run.
local function line(run, history)
  return { "id", text_json(run.directory) }, { "directory", text_json(run.directory) }, { "name", text_json(tostring(run.name)) },
    { "state", text_json(run.state) }, { "started", run.started and text_json(tostring(run.started)) },
    { "seconds", run.seconds and value_json(run.seconds) }, { "parameters", plain.encode(run.parameters) },
    { "result", plain.encode(run.result) }, { "error", run.error and text_json(tostring(run.error)) }, { "history", history }
end

local texts = { { "script", "script.lua" }, { "changes", "changes.diff" } }

-- The rest of it. `place` turns a text into its JSON.
local function rest(run, o, place)
  local d, pairs_ = run.directory, {}
  for _, t in ipairs(texts) do
    local text = provenance.read_text(d .. "/" .. t[2])
    pairs_[#pairs_ + 1] = { t[1], text and text ~= "" and place(text) }
  end
  local said = log(d)
  return { "layers", layers(d) }, { "samples", samples(d) }, { "figures", figures(d, o.figure) },
    { "log", said and said ~= "" and place(said) }, { "about", plain.encode(run.about) }, table.unpack(pairs_)
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
    local history, names, rows = M.history(run.directory)
    list[i] = object(line(run, ('{"rows":%d,"names":%s}'):format(rows, core.json_encode(names))))
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
