-- Real pictures on terminals that say that they can show them.

local lu = require "luaunit"
local nn = require "nn"
local images = require "nn.plot.images"
local gnuplot = require "nn.plot.gnuplot"

TestImages = {}

function TestImages:tearDown()
  images.reset(nil)
end

function TestImages:test_answers()
  for _, case in ipairs {
    { "\27_Gi=31;OK\27\\\27[?62;c", "kitty", "" }, { "\27_Gi=31;OK\27\\ab\27[?62;4c", "kitty", "ab" },
    { "\27[?62;4;6;9;22c", "sixel", "" }, { "\27[?4c", "sixel", "" }, { "x\27[?62;4cy", "sixel", "xy" },
    { "\27[?62;14;44c", false, "" }, { "", false, "" }, { "\27_Gi=31;ENOTSUPPORTED\27\\\27[?1;2c", false, "" }, { "typed", false, "typed" },
  } do
    lu.assertEquals({ images.understood(case[1]) }, { case[2], case[3] }, ("%q"):format(case[1]))
  end
end

function TestImages:test_base64()
  -- RFC 4648, section 10
  for text, wanted in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
    foobar = "Zm9vYmFy", ["\255\254\0"] = "//4A" } do
    lu.assertEquals(images.base64(text), wanted)
  end
  local data = images.kitty(("x"):rep(8000))
  local pieces = {}
  for head, piece in data:gmatch "\27_G([^;]*);([^\27]*)\27\\" do
    pieces[#pieces + 1] = head
    lu.assertTrue(#piece <= 4096)
  end
  lu.assertEquals(pieces, { "a=T,f=100,q=2,m=1", "m=1", "m=0" })
end

-- What a picture writes to the terminal.
local function written(answer, draw)
  local path = os.tmpname()
  local before, f = io.stdout, assert(io.open(path, "w"))
  io.stdout = f -- luacheck: ignore 122
  images.reset(function()
    return answer
  end)
  local ok, result = pcall(draw)
  io.stdout = before -- luacheck: ignore 122
  f:close()
  f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  os.remove(path)
  lu.assertTrue(ok, result)
  return text, result
end

function TestImages:test_pictures()
  lu.skipIf(not gnuplot.is_there(), "needs gnuplot")
  local text, path = written("\27_Gi=31;OK\27\\\27[?62c", function()
    return nn.plot.line { 1, 4, 9 }
  end)
  lu.assertNil(path)
  lu.assertStrMatches(text:sub(1, 40), "\27_Ga=T,f=100,q=2,m=1;iVBORw0KGgo.*") -- a PNG
  text = written("\27[?62;4c", function()
    nn.plot.grid(nn.rand(4, 8, 8))
  end)
  lu.assertStrMatches(text:sub(1, 10), "\27P.*q.*")
  lu.assertStrMatches(text:sub(-4), ".*\27\\\n")
  local chars = {}
  local original = print
  _G.print = function(...) -- luacheck: ignore 121
    chars[#chars + 1] = table.concat({ ... }, "\t")
  end
  text = written("\27[?62c", function()
    nn.plot.line { 1, 4, 9 }
  end)
  _G.print = original -- luacheck: ignore 121
  lu.assertEquals(text, "")
  lu.assertStrContains(table.concat(chars), "│")
end
