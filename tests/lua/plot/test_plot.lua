-- Pictures: every kind to a file (where gnuplot is) and to the terminal.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestPlot = {}

local script = [[
local nn = require "nn"
local p, ext = nn.plot, arg[1]
local function o(t) t = t or {}; if ext then kind = (kind or 0) + 1; t.file = kind .. "." .. ext end; return t end
local x = nn.linspace(-1, 1, 20)
p.line({ { x = x, y = x:sin(), label = "a 'quoted' \"label\"", error = x:abs() }, { y = { 1, 2, 0 / 0, math.huge, 3 } } }, o { title = "t_1 `touch ran`", xlabel = "it's \"x\"\nand" })
p.line({ x = { 1, 10, 100 }, y = { 1, 0.1, 0.001 } }, o { log = "xy" })
p.scatter(nn.randn(10, 2), o { classes = nn.randint(1, 3, { 10 }) })
p.bar({ 1, 2, 3 }, { "one", "two", "three" }, o())
p.hist(nn.randn(100), o())
p.heatmap(nn.randn(4, 5), o { diverging = true })
p.image(nn.rand(6, 6), o())
p.grid(nn.rand(5, 4, 4), o())
p.boundary(nn.Linear(2, 2), nn.randn(20, 2), nn.randint(1, 3, { 20 }), o())
p.quiver(nn.randn(5, 2), nn.randn(5, 2), o())
p.surface(nn.randn(5, 6), o())
p.surface(nn.randn(5, 6), o { contour = true })
p.graph(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Residual(nn.Linear(3, 3))), o())
nn.theory.plot_regions(nn.theory.linear_regions(nn.Sequential(nn.Linear(2, 3), nn.ReLU())), o())
]]

local function run(arguments)
  local dir = os.tmpname()
  os.remove(dir)
  os.execute("mkdir " .. dir)
  local f = assert(io.open(dir .. "/s.lua", "w"))
  f:write(script)
  f:close()
  local out, err, status = process.run(("%s --out %s %s/s.lua %s"):format(process.nnlua, dir, dir, arguments))
  return dir, out, err, status
end

function TestPlot:test_terminal()
  local dir, out, err, status = run ""
  lu.assertEquals(status, 0, err)
  lu.assertStrContains(out, "└")
  lu.assertStrContains(out, "one │")
  lu.assertStrContains(out, "1: Linear(2, 3)  9 parameters")
  os.execute("rm -r " .. dir)
end

function TestPlot:test_files()
  if not nn.plot.available() then
    lu.skip "gnuplot is not installed"
  end
  local magic = { png = "\x89PNG", svg = "<?xml", pdf = "%PDF" }
  for kind, start in pairs(magic) do
    local dir, _, err, status = run(kind)
    lu.assertEquals(status, 0, err)
    for i = 1, 14 do
      local f = assert(io.open(("%s/%d.%s"):format(dir, i, kind), "rb"))
      lu.assertEquals(f:read(#start), start)
      f:close()
    end
    lu.assertNil(io.open(dir .. "/ran"))
    lu.assertNil(io.open "ran") -- titles are text, not commands
    os.execute("rm -r " .. dir)
  end
end

function TestPlot:test_refusals()
  lu.assertErrorMsgContains("plot.line: has no option 'titel'; did you mean 'title'?", nn.plot.line, { 1, 2 }, { titel = "x" })
  lu.assertErrorMsgContains("series 1 has 2 x and 3 y", nn.plot.line, { x = { 1, 2 }, y = { 1, 2, 3 } })
  lu.assertErrorMsgContains("needs a matrix, but the shape is 3", nn.plot.heatmap, nn.zeros(3))
  if nn.plot.available() then
    lu.assertErrorMsgContains("must end in .png, .svg or .pdf", nn.plot.line, { 1, 2 }, { file = "/tmp/x.gif" })
    lu.assertErrorMsgContains("could not write", nn.plot.line, { 1, 2 }, { file = "/nowhere/x.png" })
  else
    lu.assertErrorMsgContains("apt-get install gnuplot-nox", nn.plot.line, { 1, 2 }, { file = "/tmp/x.png" })
  end
end

-- What gnuplot leaves half-written, on a full disk, takes the place of nothing.
function TestPlot:test_half_a_picture()
  local dir = os.tmpname()
  os.remove(dir)
  os.execute("mkdir " .. dir)
  local function write(name, text)
    local f = assert(io.open(dir .. "/" .. name, "w"))
    f:write(text)
    f:close()
  end
  write("gnuplot", "#!/bin/sh\nout=$(sed -n \"s/^set output '\\(.*\\)'/\\1/p\" \"$1\")\nprintf '\\211PNG\\r\\n' >\"$out\"\n")
  os.execute("chmod +x " .. dir .. "/gnuplot")
  write("old.png", "the good old one")
  local line = ([[local nn = require "nn"; print(pcall(nn.plot.line, { 1, 2 }, { file = %q }))]]):format(dir .. "/old.png")
  local out = process.run(("PATH=%s:$PATH %s -e %s"):format(dir, process.nnlua, process.quote(line)))
  lu.assertStrContains(out, "what it wrote is not whole; the disk may be full")
  local f = assert(io.open(dir .. "/old.png"))
  lu.assertEquals(f:read "a", "the good old one")
  f:close()
  lu.assertEquals(io.popen("ls " .. dir):read "a", "gnuplot\nold.png\n")
  os.execute("rm -r " .. dir)
end

-- Names and options are no commands.
function TestPlot:test_no_commands()
  if not nn.plot.available() then
    lu.skip "gnuplot is not installed"
  end
  local mark = os.tmpname()
  os.remove(mark)
  local ok, why = pcall(nn.plot.line, { 1, 2 }, { file = "| touch " .. mark .. ".png" })
  lu.assertFalse(ok)
  lu.assertStrContains(why, "could not write './| touch")
  ok, why = pcall(nn.plot.line, { 1, 2 }, { file = mark .. ".png", key = "top\nsystem 'touch " .. mark .. "'" })
  lu.assertFalse(ok)
  lu.assertStrContains(why, "key must be a place")
  for _, name in ipairs { mark, mark .. ".png" } do
    lu.assertNil(io.open(name), name)
  end
end

-- The bars that a picture of a histogram has, {left, right, height} in its own units, from its svg.
local function bars_of(file, low, high)
  local f = assert(io.open(file))
  local text = f:read "a"
  f:close()
  local bars = {}
  for points in text:gmatch "<polygon fill = '[^']*' fill%-opacity = '0%.50*' points = '([^']*)'" do
    local x, y = {}, {}
    for a, b in points:gmatch "([%d.]+),([%d.]+)" do
      x[#x + 1], y[#y + 1] = tonumber(a), tonumber(b)
    end
    bars[#bars + 1] = { math.min(table.unpack(x)), math.max(table.unpack(x)), math.max(table.unpack(y)) - math.min(table.unpack(y)) }
  end
  table.sort(bars, function(a, b)
    return a[1] < b[1]
  end)
  local left, right = bars[1][1], bars[#bars][2]
  for _, b in ipairs(bars) do
    for k = 1, 2 do
      b[k] = low + (b[k] - left) / (right - left) * (high - low)
    end
  end
  return bars
end

-- Each bin has its bar, at its place; once the last one was missing, and the others stood half a bin too far right.
function TestPlot:test_histogram()
  if not nn.plot.available() then
    lu.skip "gnuplot is not installed"
  end
  local file = os.tmpname() .. ".svg"
  nn.plot.hist({ 1, 1, 1, 2, 2, 3, 3, 3, 3, 3 }, { bins = 3, file = file })
  local bars = bars_of(file, 1, 3)
  lu.assertEquals(#bars, 3)
  for i, count in ipairs { 3, 2, 5 } do
    lu.assertAlmostEquals(bars[i][1], 1 + (i - 1) * 2 / 3, 0.02)
    lu.assertAlmostEquals(bars[i][2], 1 + i * 2 / 3, 0.02)
    lu.assertAlmostEquals(bars[i][3] / bars[1][3], count / 3, 0.02)
  end
  -- beside an empty bin of a logarithmic axis, too
  nn.plot.hist({ 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 5 }, { bins = 5, log = "y", file = file })
  lu.assertEquals(#bars_of(file, 1, 5), 4)
  -- where all values are one, areas add up to 1 nevertheless
  nn.plot.hist({ 2, 2, 2, 0 / 0 }, { density = true, file = file })
  lu.assertEquals(#bars_of(file, 0, 1), 1)
  os.remove(file)
end

function TestPlot:test_histogram_in_the_terminal()
  local out = process.run(("%s -l nn -e 'nn.plot.hist({ 1, 1, 1, 2, 2, 3, 3, 3, 3, 3 }, { bins = 3 })'"):format(process.nnlua))
  local _, top = out:find "│([^\n]*)"
  lu.assertNotNil(top)
  lu.assertStrMatches(out:match "│([^\n]*)", "^ +[^ ]+$") -- the largest stands at the right
  local bottom = out:match "  0 │([^\n]*)"
  lu.assertEquals(bottom, ("⣿"):rep(64)) -- filled
end

-- What would be left out of a picture, or be drawn as something else, is refused.
function TestPlot:test_lengths()
  lu.assertErrorMsgContains("has 2 y and an error of 1", nn.plot.line, { y = { 1, 2 }, error = { 1 } }, { file = "/tmp/x.png" })
  lu.assertErrorMsgContains("each group must have 1 values, as the first, but group 2 has 2", nn.plot.bar,
    { { y = { 1 } }, { y = { 1, 2 } } })
  lu.assertErrorMsgContains("classes must be one for each of the 3 points, but there are 2", nn.plot.scatter, nn.ones(3, 2),
    { classes = { 1, 2 } })
  lu.assertErrorMsgContains("z has 3 columns, so x must be 3 numbers, but there are 2", nn.plot.surface, nn.ones(2, 3),
    { x = { 1, 2 }, file = "/tmp/x.png" })
end

-- Squares of a matrix meet: a chessboard of two greys has these two in its picture, and next to nothing between them.
function TestPlot:test_no_seams()
  if not nn.plot.available() then
    lu.skip "gnuplot is not installed"
  end
  local file = os.tmpname() .. ".png"
  nn.plot.image(nn.rand(84, 280), { file = file, size = { 700, 300 } })
  local f = assert(io.open(file, "rb"))
  local size = f:seek "end"
  f:close()
  os.remove(file)
  lu.assertTrue(size < 84 * 280 * 4, size) -- with a seam around each pixel it is twice that
end
