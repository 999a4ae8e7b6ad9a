-- nn.io.image: PNG, JPEG and anymaps in and out, and what is none.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestPicture = {}

local path = os.tmpname()

function TestPicture:tearDown()
  for _, ending in ipairs { "", ".png", ".jpg", ".ppm", ".pgm" } do
    os.remove(path .. ending)
  end
end

local function contents(name)
  local f = assert(io.open(name, "rb"))
  local bytes = f:read "a"
  f:close()
  return bytes
end

local function golden()
  return assert(core.json_decode(contents "tests/golden/pictures.json"))
end

-- Files that were written without any library.
function TestPicture:test_golden()
  local count = 0
  for name, want in pairs(golden()) do
    local x = nn.io.image("tests/golden/pictures/" .. name)
    lu.assertEquals(x.dtype, "uint8", name)
    lu.assertEquals(x:totable(), nn.tensor(want.values):reshape(want.shape):totable(), name)
    count = count + 1
  end
  lu.assertEquals(count, 14)
end

function TestPicture:test_channels()
  local folder = "tests/golden/pictures/"
  local gray, color = nn.io.image(folder .. "gray.png"), nn.io.image(folder .. "color.png")
  lu.assertTrue(nn.io.image(folder .. "gray.png", { channels = 3 }):equal(gray:expand(3, -1, -1)))
  lu.assertEquals(tostring(nn.io.image(folder .. "color.png", { channels = 1 }).shape), "1x11x6")
  lu.assertTrue(nn.io.image(folder .. "color.png", { channels = 4 })[{ { 1, 3 } }]:equal(color))
  -- on white
  local clear = nn.cat { nn.zeros({ 3, 1, 1 }, { dtype = "uint8" }), nn.zeros({ 1, 1, 1 }, { dtype = "uint8" }) }
  nn.io.image(path .. ".png", clear)
  lu.assertEquals(nn.io.image(path .. ".png", { channels = 3 }):reshape(-1):totable(), { 255, 255, 255 })
  local p = nn.io.image(folder .. "color.ppm"):to "float64"
  local y = (p[1] * 0.299 + p[2] * 0.587 + p[3] * 0.114):round()
  lu.assertTrue(nn.io.image(folder .. "color.ppm", { channels = 1 })[1]:to("float64"):equal(y))
  lu.assertErrorMsgContains("has no opacity", nn.io.image, folder .. "color.ppm", { channels = 4 })
end

function TestPicture:test_round_trips()
  for channels = 1, 4 do
    local x = nn.randint(0, 256, { channels, 9, 13 }, { dtype = "uint8" })
    nn.io.image(path .. ".png", x)
    lu.assertTrue(nn.io.image(path .. ".png"):equal(x))
    if channels % 2 == 1 then
      local ending = channels == 1 and ".pgm" or ".ppm"
      nn.io.image(path .. ending, x)
      lu.assertTrue(nn.io.image(path .. ending):equal(x))
    end
  end
  local smooth = nn.linspace(0, 1, 64):reshape(1, 64):expand(40, 64)
  for _, x in ipairs { smooth, smooth:t(), smooth:expand(3, 40, 64), smooth:gt(0.5) } do
    nn.io.image(path .. ".jpg", x, { quality = 100 })
    local y = nn.io.image(path .. ".jpg"):to "float32" / 255
    lu.assertEquals(y.ndim, 3)
    lu.assertTrue((y - x:to "float32"):abs():max():item() < 0.05)
    nn.io.image(path .. ".png", x)
    lu.assertTrue((nn.io.image(path .. ".png"):to "float32" / 255 - x:to "float32"):abs():max():item() < 0.0021)
  end
  nn.io.image(path .. ".ppm", smooth)
  lu.assertEquals(tostring(nn.io.image(path .. ".ppm").shape), "3x40x64")
end

function TestPicture:test_errors()
  local x = nn.ones(2, 2)
  for text, f in pairs {
    ["must end in .png, .jpg, .ppm or .pgm"] = function() nn.io.image(path .. ".gif", x) end,
    ["floats of a picture lie in 0..1, but are in 2..2"] = function() nn.io.image(path .. ".png", x * 2) end,
    ["lie in 0..1, but some are nan"] = function() nn.io.image(path .. ".png", x * (0 / 0)) end,
    ["which only .png has"] = function() nn.io.image(path .. ".jpg", nn.ones(4, 2, 2)) end,
    ["a .pgm has one channel, but the picture has 3"] = function() nn.io.image(path .. ".pgm", nn.ones(3, 2, 2)) end,
    ["but has shape 5x2x2"] = function() nn.io.image(path .. ".png", nn.ones(5, 2, 2)) end,
    ["300, which uint8 (0 to 255) cannot hold"] = function() nn.io.image(path .. ".png", nn.full({ 2, 2 }, 300)) end,
    ["an interlaced PNG of 16 bits"] = function() nn.io.image "tests/golden/pictures/interlaced16.bin" end,
    ["without zeros"] = function() nn.io.image "a\0b.png" end,
    ["No such file"] = function() nn.io.image "/nowhere/x.png" end,
    ["no picture that is known here"] = function() nn.io.image "README.md" end,
    ["option quality must be at most 100"] = function() nn.io.image(path .. ".jpg", x, { quality = 101 }) end,
    ["option channels must be"] = function() nn.io.image(path .. ".png", { channels = 5 }) end,
    ["read it by nn.io.image(path)"] = function() nn.load "tests/golden/pictures/gray.png" end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
end

-- Damaged files give a picture or an error, and nothing else.
function TestPicture:test_damaged()
  nn.io.image(path .. ".jpg", nn.rand(3, 16, 16))
  local files, g = { path .. ".jpg" }, nn.Generator(4)
  for name in pairs(golden()) do
    files[#files + 1] = "tests/golden/pictures/" .. name
  end
  table.sort(files)
  local read, failed = 0, 0
  for _, name in ipairs(files) do
    local whole = contents(name)
    for i = 1, 60 do
      local bytes = whole
      if i % 3 == 0 then
        bytes = bytes:sub(1, g:integer(#bytes) - 1)
      else
        for _ = 1, i % 3 do
          local at = g:integer(#bytes)
          bytes = bytes:sub(1, at - 1) .. string.char(g:integer(256) - 1) .. bytes:sub(at + 1)
        end
      end
      local f = assert(io.open(path, "wb"))
      f:write(bytes)
      f:close()
      local ok, x = pcall(nn.io.image, path)
      if ok then
        read = read + 1
        lu.assertTrue(x:numel() > 0)
      else
        failed = failed + 1
        lu.assertStrContains(x, "image: ")
      end
    end
  end
  lu.assertTrue(read > 20 and failed > 100, read .. " " .. failed)
end

return TestPicture
