-- Pictures in the terminal: lines and points in braille (2 x 4 dots a character), matrices in shades.

local M = {}

local braille = require "nn.internal.braille"

local columns, rows = 64, 16

local function canvas()
  return braille.canvas(columns, rows)
end

local function finite(v)
  return v == v and v < math.huge and v > -math.huge
end

local function text(v)
  return ("%.3g"):format(v)
end

-- Low and high of the values, or what the range says.
local function extent(values, range, log)
  local low, high = math.huge, -math.huge
  for _, v in ipairs(values) do
    if finite(v) and not (log and v <= 0) then
      low, high = math.min(low, v), math.max(high, v)
    end
  end
  if low > high then
    low, high = 0, 1
  end
  low, high = range and range[1] or low, range and range[2] or high
  if low == high then
    low, high = low - (log and low / 2 or 0.5), high + (log and low or 0.5)
  end
  return low, high
end

local function frame(c, o, x0, x1, y0, y1)
  local out = {}
  if o.title then
    out[#out + 1] = (" "):rep(10) .. o.title
  end
  for r = 0, rows - 1 do
    local label = r == 0 and text(y1) or (r == rows - 1 and text(y0) or "")
    out[#out + 1] = ("%9s │%s"):format(label, c:row(r))
  end
  out[#out + 1] = (" "):rep(10) .. "└" .. ("─"):rep(columns)
  local left, right = text(x0), text(x1)
  local middle = o.xlabel or ""
  local room = columns - #left - #right
  out[#out + 1] = (" "):rep(11) .. left .. (" "):rep(math.max(1, (room - #middle) // 2)) .. middle
    .. (" "):rep(math.max(1, room - #middle - (room - #middle) // 2)) .. right
  return out
end

local function show(lines)
  print(table.concat(lines, "\n"))
end

-- A letter for each curve with a name, where there are several.
local function letters_of(series)
  local list, n = {}, 0
  for k, s in ipairs(series) do
    if s.label then
      n = n + 1
      list[k] = n <= 26 and string.char(96 + n) or nil
    end
  end
  return n > 1 and list or {}
end

-- A histogram's bars between its edges: filled where it is alone, else the outline, since bars would hide each other. Edges and
-- tops are places on the canvas; base is the place of 0.
local function bars(c, edges, tops, base, alone, letter)
  local before = base
  for i, top in ipairs(tops) do
    local left, right = edges[i], edges[i + 1]
    c:line(left, before, left, top)
    c:line(left, top, right, top)
    before = top
    if alone and top < base then
      for column = math.floor(left + 0.5), math.floor(right + 0.5) do
        c:line(column, base, column, top)
      end
    end
    if letter and i % math.max(1, #tops // 4) == 0 then
      c:letter((left + right) / 2, top, letter)
    end
  end
  c:line(edges[#edges], before, edges[#edges], base)
end

---Lines or points.
function M.xy(series, o, style)
  local xs, ys = {}, {}
  for _, s in ipairs(series) do
    local x = s.edges or s.x
    table.move(x, 1, #x, #xs + 1, xs)
    table.move(s.y, 1, #s.y, #ys + 1, ys)
  end
  local logx, logy = o.log:find "x", o.log:find "y"
  ys[#ys + 1] = o.hline and o.hline[1]
  local x0, x1 = extent(xs, o.xrange, logx)
  local y0, y1 = extent(ys, o.yrange, logy)
  local c = canvas()
  local function place(v, low, high, log, size)
    if log then
      v, low, high = math.log(math.max(v, 1e-300)), math.log(low), math.log(high)
    end
    return (v - low) / (high - low) * (size - 1)
  end
  if o.hline and not (logy and o.hline[1] <= 0) then
    local y = c.height - 1 - place(o.hline[1], y0, y1, logy, c.height)
    for x = 0, c.width - 1, 4 do
      c:dot(x, y)
    end
  end
  local letters = letters_of(series)
  for k, s in ipairs(series) do
    local px, py
    local as_points = (s.style or style) == "points"
    if s.edges then
      local edges, tops, base = {}, {}, c.height - 1
      if not logy then
        base = math.max(0, math.min(base, base - place(0, y0, y1, false, c.height)))
      end
      for i, x in ipairs(s.edges) do
        edges[i] = place(x, x0, x1, logx, c.width)
      end
      for i, y in ipairs(s.y) do
        tops[i] = logy and y <= 0 and base or c.height - 1 - place(y, y0, y1, logy, c.height)
      end
      bars(c, edges, tops, base, #series == 1, letters[k])
    end
    for i = 1, s.edges and 0 or #s.x do
      if finite(s.x[i]) and finite(s.y[i]) and not (logy and s.y[i] <= 0) and not (logx and s.x[i] <= 0) then
        local x, y = place(s.x[i], x0, x1, logx, c.width), c.height - 1 - place(s.y[i], y0, y1, logy, c.height)
        if as_points or not px then
          c:dot(x, y)
        else
          c:line(px, py, x, y)
        end
        -- at four places along the curve, not the same ones for each
        if letters[k] and (i == #s.x or (i + k * #s.x // 16) % math.max(1, #s.x // 4) == 0) then
          c:letter(x, y, letters[k])
        end
        px, py = x, y
      else
        px = nil
      end
    end
  end
  local out = frame(c, o, x0, x1, y0, y1)
  for k, s in ipairs(series) do
    if s.label then
      out[#out + 1] = ("%11s%s%s%s"):format("", letters[k] and letters[k] .. " = " or "", s.label,
        s.edges and "" or (": from %s to %s"):format(text(s.y[1] or 0 / 0), text(s.y[#s.y] or 0 / 0)))
    end
  end
  if o.hline then
    out[#out + 1] = ("%11s┄ %s: %s"):format("", o.hline[2] or "dashed", text(o.hline[1]))
  end
  show(out)
end

---Arrows from columns x, y, dx, dy.
function M.arrows(c4, o)
  local series = {}
  for i = 1, #c4[1] do
    series[i] = { x = { c4[1][i], c4[1][i] + c4[3][i] }, y = { c4[2][i], c4[2][i] + c4[4][i] } }
  end
  M.xy(series, o, "lines")
end

---Bars, one a line.
function M.bars(series, names, o)
  local out, widest = { o.title }, 0
  for i = 1, #series[1].y do
    widest = math.max(widest, #tostring(names[i] or i))
  end
  local low, high = 0, 0
  for _, s in ipairs(series) do
    for _, v in ipairs(s.y) do
      if finite(v) then
        low, high = math.max(low, -1.0 * v), math.max(high, 1.0 * v) -- as floats: -v of the smallest integer is itself
      end
    end
  end
  local function cells(v)
    return low + high > 0 and finite(v) and math.floor(math.abs(0.5 * v) / (0.5 * low + 0.5 * high) * 48 + 0.5) or 0
  end
  local left = low > 0 and cells(low) or 0 -- what is below 0 stands to the left of a line
  for i = 1, #series[1].y do
    for k, s in ipairs(series) do
      local v = s.y[i] or 0 / 0
      local bar = ("█"):rep(cells(v))
      if left > 0 then
        bar = v < 0 and (" "):rep(left - cells(v)) .. bar .. "┊" or (" "):rep(left) .. "┊" .. bar
      end
      local name = k == 1 and tostring(names[i] or i) or ""
      local spread = s.error and s.error[i] and (" ± %s"):format(text(s.error[i])) or ""
      out[#out + 1] = ("%s%s │%s %s%s%s"):format((" "):rep(widest - #name), name, bar, text(v), spread,
        s.label and "  " .. s.label or "")
    end
  end
  if o.hline then
    local n = left > 0 and left + 1 + (o.hline[1] < 0 and -1 or 1) * cells(o.hline[1])
      or math.min(48, cells(o.hline[1]))
    out[#out + 1] = ("%s │%s┆ %s: %s"):format((" "):rep(widest), (" "):rep(math.max(0, n - 1)), o.hline[2] or "dashed",
      text(o.hline[1]))
  end
  show(out)
end

local shades = { " ", "░", "▒", "▓", "█" }

---A matrix in five shades, two characters a value where there is room.
function M.heatmap(matrix, o)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(matrix) do
    for _, v in ipairs(row) do
      if finite(v) then
        low, high = math.min(low, v), math.max(high, v)
      end
    end
  end
  if o.range then
    low, high = o.range[1], o.range[2]
  end
  local out = { o.title }
  local step = math.max(1, math.ceil(#matrix[1] / 72))
  local wide = #matrix[1] <= 36 and 2 or 1
  for r = 1, #matrix, step * (wide == 1 and 2 or 1) do
    local line = {}
    for c = 1, #matrix[r], step do
      local v = matrix[r][c]
      local share = high > low and (v - low) / (high - low) or 0
      line[#line + 1] = (v ~= v and "?" or shades[math.max(1, math.min(5, math.floor(share * 5) + 1))]):rep(wide)
    end
    out[#out + 1] = table.concat(line) .. (o.rows and "  " .. tostring(o.rows[r]) or "")
  end
  out[#out + 1] = ("%s = %s … █ = %s"):format("' '", text(low), text(high))
  show(out)
end

---Regions by class, with the points' classes over them.
function M.boundary(grid, points, labels, range, o)
  local out, down, across = { o.title }, #grid, #grid[1]
  local marks = {}
  for i, p in ipairs(points) do
    local c = math.floor((p[1] - range[1][1]) / (range[1][2] - range[1][1]) * (across - 1) + 1.5)
    local r = math.floor((p[2] - range[2][1]) / (range[2][2] - range[2][1]) * (down - 1) + 1.5)
    marks[r * 1000 + c] = labels[i]
  end
  local fill = { " ", "░", "▒", "▓" }
  for r = down, 1, -1 do
    local line = {}
    for c = 1, across do
      local mark = marks[r * 1000 + c]
      mark = mark == true and 2 or (mark == false and 1 or mark)
      line[c] = mark and tostring(mark):sub(1, 1) or fill[(grid[r][c] - 1) % 4 + 1]
    end
    out[#out + 1] = table.concat(line)
  end
  out[#out + 1] = "shades: what the model says; digits: the points' classes"
  show(out)
end

---Layers, one a line.
function M.outline(list)
  local out = {}
  for i, row in ipairs(list) do
    out[i] = ("%s%s%s%s"):format(("  "):rep(row[1]), row[2] ~= "" and row[2] .. ": " or "", row[3],
      row[4] > 0 and ("  %d parameters"):format(row[4]) or "")
  end
  show(out)
end

return M
