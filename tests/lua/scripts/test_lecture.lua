-- Every script of the lecture, small: each checks its own finding and stops with an error if it does not hold.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestLecture = {}

-- Under the sanitizers the scripts that train for more than a moment are left out; their layers are tested elsewhere.
local light = {
  ["01"] = true, ["02"] = true, ["03"] = true, ["04"] = true, ["06"] = true, ["07"] = true, ["11"] = true, ["12"] = true,
  ["19"] = true, ["30"] = true, ["34"] = true,
}
local sanitized = process.nnlua:find "address"

local count = 0
for path in io.popen("ls scripts/lecture/[0-9]*.lua"):lines() do
  local name = path:match "([^/]+)%.lua$"
  count = count + 1
  TestLecture["test_" .. name] = function()
    if sanitized and not light[name:match "^%d+"] then
      lu.skip "too slow under the sanitizers"
    end
    -- small, on images made up in the place of Fashion-MNIST, its nets have hardly begun to learn
    lu.skipIf(name == "38_summary" and not nn.data.has_fashion_mnist(), "dataset-fashion-mnist is not installed")
    local out, err, status = process.run(("%s %s --small --no-record"):format(process.nnlua, path))
    lu.assertEquals(status, 0, err .. out)
    lu.assertStrContains(out, "slide:")
    lu.assertNotNil(out:match "\nfinding: [^\n]*%d", out) -- with a number
  end
end

function TestLecture:test_the_page_has_every_script()
  local f = assert(io.open "docs/lecture.md")
  local page = f:read "a"
  f:close()
  for path in io.popen("ls scripts/lecture/[0-9]*.lua"):lines() do
    lu.assertStrContains(page, path:match "([^/]+)$")
  end
  for picture in page:gmatch "%]%((lecture/[^)]+)%)" do
    local p = io.open("docs/" .. picture)
    lu.assertNotNil(p, picture)
    p:close()
  end
  lu.assertTrue(count >= 38)
end
