-- A canvas of dots for text: 2 across and 4 down in a character (Unicode's braille patterns), with letters over them.

local M = {}

local dots = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }

---A canvas of so many characters. Dots count from 0, the top left; those outside, and those that are not numbers, are dropped.
---@param columns integer
---@param rows integer
---@return table
function M.canvas(columns, rows)
  local cells, letters = {}, {}
  local c = { width = columns * 2, height = rows * 4 }

  local function place(x, y)
    x, y = math.floor(x + 0.5), math.floor(y + 0.5)
    if x >= 0 and y >= 0 and x < c.width and y < c.height then
      return y // 4 * columns + x // 2, x, y
    end
  end

  function c.dot(_, x, y)
    local at
    at, x, y = place(x, y)
    if at then
      cells[at] = (cells[at] or 0) | dots[y % 4 + 1][x % 2 + 1]
    end
  end

  function c:line(x0, y0, x1, y1)
    local n = math.min(2000, math.max(1, math.ceil(math.max(math.abs(x1 - x0), math.abs(y1 - y0)))))
    for i = 0, n do
      self:dot(x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n)
    end
  end

  function c.letter(_, x, y, text)
    local at = place(x, y)
    if at and not letters[at] then
      letters[at] = text
    end
  end

  ---A row of characters, from 0; `blank` stands where no dot is.
  function c.row(_, r, blank)
    local out = {}
    for k = 0, columns - 1 do
      local v = cells[r * columns + k]
      out[#out + 1] = letters[r * columns + k] or v and utf8.char(0x2800 + v) or blank or " "
    end
    return table.concat(out)
  end

  return c
end

return M
