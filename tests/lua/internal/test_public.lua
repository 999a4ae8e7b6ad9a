-- internal/public.lua is the one list of what users find in nn: it is what the files have, and no less.

local lu = require "luaunit"
local nn = require "nn"
local public = require "nn.internal.public"

TestPublic = {}

local root = debug.getinfo(nn.train.fit, "S").source:match "^@(.*)/train%.lua$" or "lua/stdlib/nn"

function TestPublic:test_names_are_there()
  for name, home in pairs(public.homes) do
    lu.assertNotNil(require(home)[name], ("%s has no %s"):format(home, name))
    lu.assertNotNil(nn[name], name)
  end
end

-- Files of rooms that are not public themselves, and names that serve other files.
local inner = { ["layers.builtin"] = true, ["layers.containers"] = true, ["layers.transformer"] = true }
local helpers = { children_of = true, is_field = true, is_module = true, is_module_class = true, is_tensor = true }

function TestPublic:test_nothing_is_missing()
  local missing = {}
  for path in io.popen(("find %s -name '*.lua' | sort"):format(root)):lines() do
    local file = path:sub(#root + 2):gsub("%.lua$", ""):gsub("/", ".")
    local room = file:match "^(%l+)%."
    if (room == "layers" or room == "models") and not inner[file] then
      for name in pairs(require("nn." .. file)) do
        if public.homes[name] ~= "nn." .. file and not helpers[name] then
          missing[#missing + 1] = file .. "." .. name
        end
      end
    elseif not room and not public.namespaces[file] then
      missing[#missing + 1] = file
    end
  end
  lu.assertEquals(missing, {})
end

-- What our own Lua files alone need is not in nn.
function TestPublic:test_core_is_not_public()
  local core = require "nn.core"
  for _, name in ipairs { "raise", "compiled", "tensor_methods", "set_stdlib", "ops" } do
    lu.assertNotNil(core[name], name)
    lu.assertNil(rawget(nn, name), name)
  end
  for _, op in ipairs(core.ops()) do
    local is_there = pcall(function() -- some load when first asked for
      return nn[op.name]
    end)
    lu.assertEquals(is_there, not op.internal and not op.inplace_only, op.name)
  end
end
