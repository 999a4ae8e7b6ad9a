-- What the prompt shows of values that are best looked at: a run and its history as curves and a table, samples that are images
-- as images in braille dots, a list of records as a table.

local braille = require "nn.internal.braille"
local core = require "nn.core"

local M = {}

local function is_finite(v)
  return type(v) == "number" and v == v and v > -math.huge and v < math.huge
end

---A curve in braille: lines of text. Values that are not finite leave a gap.
---@param values number[]
---@param columns integer characters
---@param rows integer characters
---@return string[]? lines, number? low, number? high
function M.curve(values, columns, rows)
  local low, high
  for _, v in ipairs(values) do
    if is_finite(v) then
      low, high = math.min(low or v, v), math.max(high or v, v)
    end
  end
  if not low then
    return nil
  end
  local canvas = braille.canvas(columns, rows)
  local n, x0, y0 = #values, nil, nil
  for i = 1, n do
    local v = values[i]
    if is_finite(v) then
      local x = n > 1 and (i - 1) / (n - 1) * (canvas.width - 1) or 0
      local y = high > low and (high - v) / (high - low) * (canvas.height - 1) or canvas.height // 2
      canvas:line(x0 or x, y0 or y, x, y)
      x0, y0 = x, y
    else
      x0, y0 = nil, nil
    end
  end
  local lines = {}
  for r = 1, rows do
    lines[r] = canvas:row(r - 1)
  end
  return lines, low, high
end

-- ---- records ----

local function plain(v)
  if math.type(v) == "float" and is_finite(v) then
    return ("%.4g"):format(v)
  end
  return tostring(v)
end

-- The keys of a list of records with numbers, strings and booleans alone, the same in all (but for what is missing); nil: it is
-- no such list.
local function columns_of(list, first)
  local n = rawlen(list)
  if n < 2 or debug.getmetatable(list) then
    return nil
  end
  for key in next, list do
    if math.type(key) ~= "integer" or key < 1 or key > n then
      return nil
    end
  end
  local seen, keys = {}, {}
  for i = 1, n do
    local row = rawget(list, i)
    if type(row) ~= "table" or debug.getmetatable(row) or next(row) == nil or #row > 0 then
      return nil
    end
    for key, v in next, row do
      if type(key) ~= "string" or type(v) == "table" or type(v) == "function" or type(v) == "userdata" or type(v) == "string"
        and (#v > 40 or v:find "[%c]") then
        return nil
      end
      if not seen[key] then
        seen[key], keys[#keys + 1] = 0, key
      end
      seen[key] = seen[key] + 1
    end
  end
  for _, key in ipairs(keys) do
    if 2 * seen[key] < n then
      return nil
    end
  end
  local rank = { epoch = 1, step = 2, loss = 4, valid_loss = 5, seconds = 20, lr = 19 }
  if first then
    rank[first] = 3
  end
  table.sort(keys, function(a, b)
    local ra, rb = rank[a] or 10, rank[b] or 10
    return ra < rb or ra == rb and a < b
  end)
  return #keys <= 12 and keys or nil
end

-- Rows of a table, with "..." where some are left out.
local function table_text(list, keys, most, mark)
  local picked = {}
  for i = 1, #list do
    if #list <= most or i <= most // 2 or i > #list - most // 2 or i == mark then
      picked[#picked + 1] = i
    end
  end
  local widths, lines = {}, {}
  for k, key in ipairs(keys) do
    widths[k] = #key
    for _, i in ipairs(picked) do
      local v = list[i][key]
      widths[k] = math.max(widths[k], #(v == nil and "" or plain(v)))
    end
  end
  local function line(cells)
    local out = {}
    for k, cell in ipairs(cells) do
      out[k] = (" "):rep(widths[k] - #cell) .. cell
    end
    return table.concat(out, "  ")
  end
  lines[1] = "  " .. line(keys)
  for p, i in ipairs(picked) do
    if p > 1 and picked[p - 1] ~= i - 1 then
      lines[#lines + 1] = "  ..."
    end
    local cells = {}
    for k, key in ipairs(keys) do
      local v = list[i][key]
      cells[k] = v == nil and "" or plain(v)
    end
    lines[#lines + 1] = (i == mark and "* " or "  ") .. line(cells)
  end
  return lines
end

-- Curves of the columns that a reader looks for first.
local function curves_text(rows, width)
  local out, columns = {}, math.max(10, math.min(40, width - 24))
  for _, key in ipairs { "loss", "valid_loss" } do
    local values, any = {}, 0
    for i, row in ipairs(rows) do
      values[i] = type(row[key]) == "number" and row[key] or 0 / 0
      any = any + (is_finite(values[i]) and 1 or 0)
    end
    local lines, low, high
    if any > 1 then
      lines, low, high = M.curve(values, columns, 3)
    end
    if lines then
      lines[1] = ("  %-10s %8s %s"):format(key, plain(high), lines[1])
      lines[2] = ("  %-10s %8s %s"):format("", "", lines[2])
      lines[3] = ("  %-10s %8s %s"):format("", plain(low), lines[3])
      for _, line in ipairs(lines) do
        out[#out + 1] = line
      end
    end
  end
  return out
end

---A list of records as text, or nil: of runs' histories with curves.
---@param list table
---@param width integer columns of the screen
---@param mark? integer the row that is marked with *
---@param first? string the column that must be seen
function M.records(list, width, mark, first)
  local keys = columns_of(list, first)
  if not keys then
    return nil
  end
  local room, shown = width, {}
  for _, key in ipairs(keys) do
    room = room - math.max(#key, 9) - 2
    if room < 2 then
      break
    end
    shown[#shown + 1] = key
  end
  if #shown == 0 then
    return nil
  end
  local left_out = table.concat(keys, ", ", #shown + 1)
  local lines = { ("%d rows%s"):format(#list, left_out ~= "" and "; also " .. left_out or "") }
  keys = shown
  for _, part in ipairs { curves_text(list, width), table_text(list, keys, 10, mark) } do
    for _, line in ipairs(part) do
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

-- ---- runs ----

local function is_run(v)
  return type(v) == "table" and type(rawget(v, "history")) == "table" and type(rawget(v, "best")) == "table"
    and rawget(v, "steps") ~= nil
end

local function run_text(run, show, width)
  local rows = run.history
  local lines = { ("a run of %d epoch%s, %s steps%s"):format(#rows, #rows == 1 and "" or "s", plain(run.steps),
    run.interrupted and ", interrupted" or "") }
  local table_of = M.records(rows, width, run.best_epoch, run.monitor)
  if table_of then
    lines[#lines + 1] = table_of:match "\n(.*)$"
    lines[#lines + 1] = "  (* the best row: run.best; all of them: run.history)"
  else
    lines[#lines + 1] = "best: " .. show(run.best)
  end
  local rest = {}
  for key, v in next, run do
    if key ~= "history" and key ~= "best" and key ~= "best_epoch" and key ~= "steps" and key ~= "interrupted" then
      rest[key] = v
    end
  end
  if next(rest) ~= nil then
    lines[#lines + 1] = "also: " .. show(rest)
  end
  return table.concat(lines, "\n")
end

-- ---- images ----

-- Rows and columns of a sample that is an image, and the sample as a matrix; nil: it is none.
local function image_of(x)
  local shape = x.shape
  local n = x.ndim
  local rows, columns
  if n == 1 then
    rows = math.tointeger(math.sqrt(shape[1]))
    if not rows or rows < 8 then
      return nil
    end
    columns = rows
  elseif n == 2 or n == 3 and (shape[1] == 1 or shape[1] == 3) then
    rows, columns = shape[n - 1], shape[n]
    x = n == 3 and x:float():mean(1) or x
  end
  if not rows or rows < 8 or columns < 8 or rows > 64 or columns > 64 then
    return nil
  end
  return x:float():reshape(rows, columns):totable(), rows, columns
end

-- Lines of an image, its dots by error diffusion (Floyd & Steinberg 1976): as many as it is bright.
local function drawn(image, rows, columns)
  local low, high = math.huge, -math.huge
  for r = 1, rows do
    for c = 1, columns do
      local v = image[r][c]
      if not is_finite(v) then
        return {}
      end
      low, high = math.min(low, v), math.max(high, v)
    end
  end
  local canvas = braille.canvas((columns + 1) // 2, (rows + 3) // 4)
  for r = 1, rows do
    for c = 1, columns do
      local v = high > low and (image[r][c] - low) / (high - low) or 0
      local on = v >= 0.5
      if on then
        canvas:dot(c - 1, r - 1)
      end
      local rest = (on and v - 1 or v) * (high - low)
      local function give(dr, dc, share)
        local row = image[r + dr]
        if row and row[c + dc] then
          row[c + dc] = row[c + dc] + rest * share
        end
      end
      give(0, 1, 7 / 16)
      give(1, -1, 3 / 16)
      give(1, 0, 5 / 16)
      give(1, 1, 1 / 16)
    end
  end
  local lines = {}
  for r = 1, (rows + 3) // 4 do
    lines[r] = canvas:row(r - 1)
  end
  return lines
end

-- A sample of each of the first classes, side by side.
local function thumbnails(data, width)
  local x, y = data.x, data.y
  if not (core.is_tensor(x) and x.ndim >= 2 and #x > 0) then
    return nil
  end
  local one, _, columns = image_of(x[1])
  if not one then
    return nil
  end
  local each = (columns + 1) // 2 + 2
  local most = math.max(1, math.min(8, width // each))
  local places, labels = {}, {}
  local classes = core.is_tensor(y) and y.ndim == 1 and y.dtype == "int64" and y or nil
  if classes then
    local seen, list = {}, classes[{ { 1, math.min(#classes, 200) } }]:totable()
    for i, label in ipairs(list) do
      if not seen[label] and #places < most then
        seen[label], places[#places + 1] = true, i
        labels[#places] = data.classes and data.classes[label] or tostring(label)
      end
    end
  else
    for i = 1, math.min(most, #x) do
      places[i], labels[i] = i, ""
    end
  end
  local parts, height = {}, 0
  for k, i in ipairs(places) do
    parts[k] = drawn(image_of(x[i]))
    height = math.max(height, #parts[k])
  end
  local lines = {}
  for r = 1, height do
    local line = {}
    for k in ipairs(places) do
      line[k] = parts[k][r] or (" "):rep(each - 2)
    end
    lines[r] = table.concat(line, "  ")
  end
  local names = {}
  for k, label in ipairs(labels) do
    names[k] = (label:sub(1, each - 1) .. (" "):rep(each)):sub(1, each)
  end
  lines[#lines + 1] = table.concat(names):gsub("%s+$", "")
  return table.concat(lines, "\n")
end

-- Classes of a data set: how many samples each has.
local function classes_text(data)
  local y = data.y
  if not (core.is_tensor(y) and y.ndim == 1 and y.dtype == "int64" and #y > 0 and #y <= 1000000) then
    return nil
  end
  local low, high = y:min():item(), y:max():item()
  if low < 1 or high > 20 then
    return nil
  end
  local counts = y:bincount():totable()
  local parts = {}
  local shift = #counts - high -- bincount counts from 0 or from 1
  for label = 1, high do
    local name = data.classes and data.classes[label] or tostring(label)
    parts[label] = ("%s %d"):format(name, counts[label + shift] or 0)
  end
  local text = "classes: " .. table.concat(parts, ", ")
  return #text <= 300 and text or nil
end

---The text of a value that is best looked at, or nil.
---@param v any
---@param show fun(v: any): string
---@param width integer columns of the screen
---@return string?
function M.of(v, show, width)
  if is_run(v) then
    return run_text(v, show, width)
  elseif type(v) ~= "table" then
    return nil
  end
  local meta = debug.getmetatable(v)
  if type(meta) == "table" and rawget(meta, "__name") == "nn.Dataset" then
    local lines = { tostring(v) }
    lines[#lines + 1] = classes_text(v)
    lines[#lines + 1] = thumbnails(v, width)
    return table.concat(lines, "\n")
  end
  return M.records(v, width)
end

return M
