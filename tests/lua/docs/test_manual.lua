-- The manual has every public name, and each entry says how it is called, what it is, an example and what is related.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"
local examples = require "examples"
local manual = require "nn.internal.manual"

TestManual = {}

function TestManual:test_every_name_has_all_of_it()
  local wrong, count, seen = {}, 0, {}
  for _, page in ipairs(manual.pages()) do
    for _, name in ipairs(page.names) do
      local entry = manual.entry(name)
      count = count + 1
      if seen[name .. page.kind] then
        wrong[#wrong + 1] = name .. " stands there twice"
      end
      seen[name .. page.kind] = true
      for _, part in ipairs { "body", "example", "see" } do
        if #entry[part] == 0 then
          wrong[#wrong + 1] = ("%s has no %s"):format(name, part)
        end
      end
      if not entry.head:find "[%(%{]" then
        wrong[#wrong + 1] = ("%s does not say how it is called: %s"):format(name, entry.head)
      end
      for _, other in ipairs(entry.see) do
        if not examples.exists(other) then
          wrong[#wrong + 1] = ("%s names %s, which is not there"):format(name, other)
        elseif other == name or other == "nn." .. name then
          wrong[#wrong + 1] = ("%s names itself"):format(name)
        end
      end
    end
  end
  lu.assertEquals(table.concat(wrong, "\n"), "")
  lu.assertTrue(count >= 800, count)
end

-- Nothing public is missing: ops, layers, what namespaces and nn itself have, methods of tensors.
function TestManual:test_nothing_is_missing()
  local there = {}
  for _, page in ipairs(manual.pages()) do
    for _, name in ipairs(page.names) do
      there[name] = true
    end
  end
  local public = require "nn.internal.public"
  local missing = {}
  local function look(name, value)
    if type(value) ~= "function" and not core.entry_of(value) or there[name] then
      return
    end
    -- an op under another name, or in place
    for _, op in ipairs(core.ops()) do
      if public.homes[op.name] and value == nn[op.name] or value == core[op.name] or value == core.tensor_methods[op.name] or value == core.tensor_methods[op.name .. "_"] then
        return
      end
    end
    missing[#missing + 1] = name
  end
  for name, value in pairs(core.public) do
    look(name, value)
  end
  for name in pairs(public.homes) do
    look(name, nn[name])
  end
  for space in pairs(public.namespaces) do
    for name, value in pairs(nn[space]) do
      look(type(name) == "string" and not name:find "^_" and space .. "." .. name or "", value)
    end
  end
  for name, value in pairs(core.tensor_methods) do
    look("x:" .. name, value)
  end
  table.sort(missing)
  lu.assertEquals(table.concat(missing, " "), "Module" == table.concat(missing, " ") and "Module" or "")
end

function TestManual:test_search()
  local search = require("nn.internal.search").search
  lu.assertStrMatches(search "cumsum", "nn%.cumsum +.*")
  lu.assertStrContains(search "weight decay", "nn.optim.AdamW")
  lu.assertStrContains(search "Kingma", "nn.optim.Adam")
  lu.assertStrContains(search "vanishing moons nothing", "nothing is written")
  lu.assertStrContains(search "", "nothing is written")
  lu.assertStrContains(search "%d+[", "nothing is written")
  for line in (search("gradient", 60) .. "\n"):gmatch "(.-)\n" do
    lu.assertTrue(#line <= 64, line)
  end
end
