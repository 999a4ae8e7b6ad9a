-- Every script of the lecture, small: each checks its own finding and stops with an error if it does not hold. And its page: it
-- is of the scripts as they are, and no sentence and no script is missing.

local lu = require "luaunit"
local process = require "process"

TestLecture = {}

-- Under the sanitizers the scripts that train for more than a moment are left out; their layers are tested elsewhere.
local light = {
  ["01"] = true, ["02"] = true, ["03"] = true, ["04"] = true, ["06"] = true, ["11"] = true, ["12"] = true, ["30"] = true,
  ["34"] = true, ["42"] = true, ["44"] = true,
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
    local out, err, status = process.run(("%s %s --small --no-record"):format(process.nnlua, path))
    lu.assertEquals(status, 0, err .. out)
    lu.assertStrContains(out, "slide:")
    lu.assertNotNil(out:match "\nfinding: [^\n]*%d", out) -- with a number
  end
end

local function text_of(path)
  local f = assert(io.open(path))
  local text = f:read "a"
  f:close()
  return text
end

local function scripts()
  local list = {}
  for path in io.popen("ls scripts/lecture/[0-9]*.lua"):lines() do
    list[#list + 1] = path
  end
  return list
end

function TestLecture:test_the_page_is_of_the_scripts_as_they_are()
  local page, fingerprint = text_of "docs/lecture.md", dofile "tools/lecture/fingerprint.lua"
  for _, path in ipairs(scripts()) do
    local name = path:match "([^/]+)$"
    lu.assertTrue(page:find(("<!-- made from %s %s -->"):format(name, fingerprint(text_of(path))), 1, true) ~= nil,
      ("docs/lecture.md is not of this script as it is: make lecture LECTURE=%s"):format(name:match "^%d+"))
    local handout = ("docs/lecture/handouts/%s.html"):format(name:gsub("%.lua$", ""))
    lu.assertTrue(text_of(handout):find("</html>", 1, true) ~= nil, handout)
  end
  for picture in page:gmatch "%]%((lecture/[^)]+%.png)%)" do
    lu.assertEquals(text_of("docs/" .. picture):sub(2, 4), "PNG", picture)
  end
  lu.assertNil(page:find("%%", 1, true))
  lu.assertTrue(count >= 47)
end

function TestLecture:test_no_sentence_and_no_script_is_missing()
  local known, used = {}, {}
  for _, path in ipairs(scripts()) do
    known[path:match "(%d+)_[^/]*$"] = true
  end
  local sentences = 0
  for _, slide in ipairs(dofile "tools/lecture/sentences.lua") do
    for i = 2, #slide do
      local text, numbers, remark = table.unpack(slide[i], 1, 3)
      sentences = sentences + 1
      lu.assertTrue(numbers and numbers ~= "" or remark ~= nil, text)
      for number in (numbers or ""):gmatch "%S+" do
        lu.assertTrue(known[number], number .. " of: " .. text)
        used[number] = true
      end
    end
  end
  for number in pairs(known) do
    lu.assertTrue(used[number], "no sentence is checked by " .. number)
  end
  lu.assertTrue(sentences > 100)
  for _, e in ipairs(dofile "tools/lecture/errata.lua") do
    lu.assertTrue(known[e.script], e.says)
  end
end

-- A seed before the script's name is the experiment's, as one behind it is.
function TestLecture:test_seeds_stand_before_or_behind_the_name()
  local function finding(before, behind)
    return process.run(("%s %s scripts/lecture/03_solution_depends_on_start.lua --no-record --small --seeds 2 %s"):format(
      process.nnlua, before, behind)):match "finding: ([^\n]*)"
  end
  local behind = finding("", "--seed 41")
  lu.assertEquals(finding("--seed 41", ""), behind)
  lu.assertEquals(finding("--seed=41 --threads 1", ""), behind)
  lu.assertNotEquals(finding("", ""), behind)
end

-- ---- predict, then run ----

local right = { 2, 2, 2, 2, 2, 1, 3, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2 }
for n, e in ipairs(dofile "scripts/lecture/exercises.lua") do
  TestLecture[("test_exercise_%02d"):format(n)] = function()
    lu.skipIf(sanitized, "too slow under the sanitizers")
    lu.assertNotNil(e.choices[right[n]])
    local said = process.run(("%s scripts/exercises.lua %d --predict %d"):format(process.nnlua, n, right[n]))
    lu.assertStrContains(said, ("You were right: %d)"):format(right[n]))
    local wrong = right[n] % #e.choices + 1
    if n == 1 then
      said = process.run(("%s scripts/exercises.lua %d --predict %d"):format(process.nnlua, n, wrong))
      lu.assertStrContains(said, ("It is another: %d)"):format(right[n]))
    end
  end
end

-- ---- what may be said of differences ----

TestStats = {}

local stats = dofile "scripts/lecture/stats.lua"

function TestStats:test_quantiles_of_t() -- scipy.stats.t.ppf
  for _, case in ipairs { { 0.995, 1, 63.65674116 }, { 0.975, 2, 4.30265273 }, { 0.995, 4, 4.60409487 },
    { 0.995, 9, 3.24983554 }, { 0.995, 19, 2.86093461 }, { 0.95, 30, 1.69726089 } } do
    lu.assertAlmostEquals(stats.t_quantile(case[1], case[2]), case[3], 1e-6)
  end
end

function TestStats:test_intervals_hold_the_mean_as_often_as_they_say()
  local nn = require "nn"
  local g = nn.Generator(12)
  local inside, runs = 0, 2000
  for _ = 1, runs do
    local low, high = stats.interval(nn.randn({ 5 }, { generator = g, dtype = "float64" }):totable())
    inside = inside + (low < 0 and high > 0 and 1 or 0)
  end
  lu.assertAlmostEquals(inside / runs, 0.99, 4 * math.sqrt(0.99 * 0.01 / runs))
end

function TestStats:test_verdicts()
  local a, b = { 1.0, 2.0, 3.0, 2.2 }, { 0.5, 1.4, 2.6, 1.5 }
  local c = stats.compare("x", a, b, { scale = 100, unit = "points" })
  lu.assertEquals(c.verdict, "higher")
  lu.assertAlmostEquals(c.mean, 55, 1e-9)
  lu.assertEquals(tostring(c), "55 points higher (17 to 93)")
  lu.assertEquals(tostring(stats.compare("x", b, a, { scale = 100, unit = "points" })), "55 points lower (17 to 93)")
  local same = stats.compare("x", { 1.0, 2.0, 3.0 }, { 1.5, 1.4, 2.6 })
  lu.assertEquals(same.verdict, "within noise")
  lu.assertStrContains(tostring(same), "within noise (-")
  lu.assertEquals(tostring(stats.compare("x", a, a)), "exactly the same")
  local ratio = stats.compare("x", { 10.0, 20.0, 30.0 }, { 1.0, 2.0, 3.1 }, { ratio = true })
  lu.assertEquals(ratio.verdict, "higher")
  lu.assertStrContains(tostring(ratio), "times as large")
  lu.assertEquals(stats.compare("x", { 1.0 }, { 0.0 }).verdict, "within noise") -- one run says nothing
end
