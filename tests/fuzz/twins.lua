-- What the fuzzers of compiled functions share: two equal worlds made from one source, one of which calls its function as it
-- is, the other compiled. What is done to one is done to the other, and after each call all that can be seen is compared.
--
-- A world is Lua source that sets globals of its own, among them `step`, a function. Deeds are lines of Lua source run in
-- both worlds; the deed "call" calls step(x, y).

local nn = require "nn"

local M = {}

local function run(world, source, name)
  return assert(load(source, "=" .. name, "t", world.env))()
end

-- A world: an environment in which globals that are not there are those of Lua.
local function new_world(source, compiled, seed)
  local world = { env = setmetatable({}, { __index = _G }), seed = seed }
  world.env.nn = nn
  nn.manual_seed(seed)
  run(world, source, "world")
  world.f = compiled and nn.compile(world.env.step, world.env.options) or world.env.step
  world.generator = nn.Generator(seed)
  return world
end

local function same(a, b)
  if nn.is_tensor(a) ~= nn.is_tensor(b) or a == nil or b == nil then
    return a == nil and b == nil
  elseif not nn.is_tensor(a) then
    return a == b and math.type(a) == math.type(b) or (a ~= a and b ~= b)
  end
  if a.shape ~= b.shape or a.dtype ~= b.dtype then
    return false
  end
  if not a.dtype:find "float" then
    return a:equal(b)
  end
  return a:ne(a):equal(b:ne(b)) and nn.where(a:ne(a), 0, a):equal(nn.where(b:ne(b), 0, b))
end

-- All tensors that a world shows: parameters, gradients and buffers of its models, and the tensors it lists.
local function visible(world)
  local list = {}
  local function add(name, t)
    list[#list + 1] = { name, t }
  end
  for _, name in ipairs { "model", "other" } do
    local m = rawget(world.env, name)
    if m then
      for _, entry in ipairs(m:named_parameters()) do
        add(name .. "." .. entry[1], entry[2]:detach())
        add(name .. "." .. entry[1] .. ".grad", entry[2].grad and entry[2].grad:detach() or nil)
      end
      for _, entry in ipairs(m:named_buffers()) do
        add(name .. "." .. entry[1], entry[2])
      end
    end
  end
  for i, t in ipairs(rawget(world.env, "shown") or {}) do
    add("shown " .. i, nn.is_tensor(t) and t:detach() or t)
    add("shown grad " .. i, nn.is_tensor(t) and t.grad and t.grad:detach() or nil)
  end
  return list
end

local explained = { "recorded", "replay", "compiled function" }

local function is_refusal(message)
  for _, part in ipairs(explained) do
    if tostring(message):find(part, 1, true) then
      return true
    end
  end
  return false
end

-- Without the place, the words that recording puts before, and what was changed in place: a checkpoint, which recording
-- does without, says that in other words.
local function bare(message)
  return (tostring(message):gsub("^[^:]*:%d+: ", ""):gsub(" %(recorded at [^)]*%)", ""):gsub("(gradient of %w+ %().*changed in place.*", "%1"))
end

-- Calls step in both worlds. Returns nil; what is wrong; or false when the worlds can go no further.
local function call_both(eager, compiled, number)
  local results = {}
  for i, world in ipairs { eager, compiled } do
    nn.manual_seed(1000 * eager.seed + number)
    results[i] = table.pack(pcall(function()
      return world.f(world.env.arguments(number))
    end))
  end
  local a, b = results[1], results[2]
  if not b[1] and is_refusal(b[2]) then
    return false
  elseif a[1] ~= b[1] then
    return ("call %d: %s, compiled: %s"):format(number, a[1] and "fine" or tostring(a[2]), b[1] and "fine" or tostring(b[2]))
  elseif not a[1] then
    return bare(a[2]) ~= bare(b[2]) and ("call %d: '%s', compiled '%s'"):format(number, bare(a[2]), bare(b[2])) or false
  end
  for i = 2, math.max(a.n, b.n) do
    if not same(a[i], b[i]) then
      return ("call %d: result %d is %s, compiled %s"):format(number, i - 1, tostring(a[i]), tostring(b[i]))
    end
  end
  for i, world in ipairs { eager, compiled } do -- results of compiled functions have no history
    world.env.last = results[i][2]:detach()
    world.env.kept = world.env.kept or {}
    table.insert(world.env.kept, nn.is_tensor(results[i][3]) and results[i][3]:detach() or results[i][3])
  end
  local one, two = visible(eager), visible(compiled)
  for i, entry in ipairs(one) do
    if not two[i] or two[i][1] ~= entry[1] or not same(entry[2], two[i][2]) then
      return ("call %d: %s is %s, compiled %s"):format(number, entry[1], tostring(entry[2]), tostring(two[i] and two[i][2]))
    end
  end
  return nil
end

---Makes the worlds and does the deeds. Returns nil, or what is wrong; and the numbers of calls compared and of recordings.
function M.play(source, deeds, seed)
  local ok, eager = pcall(new_world, source, false, seed)
  if not ok then
    return "the world cannot be made: " .. tostring(eager), 0, 0
  end
  local compiled = new_world(source, true, seed)
  local calls, number = 0, 0
  for _, deed in ipairs(deeds) do
    number = number + 1
    if deed == "call" then
      local wrong = call_both(eager, compiled, number)
      if wrong ~= nil then
        return wrong or nil, calls, (compiled.f:recordings())
      end
      calls = calls + 1
    else
      local outcome = {}
      for i, world in ipairs { eager, compiled } do
        nn.manual_seed(seed + 7 * number)
        outcome[i] = { pcall(run, world, deed, "deed") }
      end
      if outcome[1][1] ~= outcome[2][1] then
        return ("deed %d (%s): %s, in the compiled world: %s"):format(number, deed, tostring(outcome[1][2]),
          tostring(outcome[2][2])), calls, (compiled.f:recordings())
      end
    end
  end
  return nil, calls, (compiled.f:recordings())
end

---Leaves out deeds as long as something stays wrong.
function M.shrink(source, deeds, seed)
  local i = #deeds
  while i >= 1 do
    local fewer = table.move(deeds, 1, i - 1, 1, {})
    table.move(deeds, i + 1, #deeds, #fewer + 1, fewer)
    if M.play(source, fewer, seed) then
      deeds = fewer
    end
    i = i - 1
  end
  return deeds
end

---Runs `count` plays that make(r) gives (source, deeds). Returns how many were wrong, and the totals.
function M.fuzz(make, seed, count, say)
  local r = nn.Generator(seed)
  local wrong, calls, recordings = 0, 0, 0
  for n = 1, count do
    local source, deeds = make(r)
    local what, c, k = M.play(source, deeds, seed + n)
    calls, recordings = calls + c, recordings + k
    if what then
      wrong = wrong + 1
      local least = M.shrink(source, deeds, seed + n)
      say(("seed %d, play %d (seed of the worlds %d): %s"):format(seed, n, seed + n, M.play(source, least, seed + n) or what))
      say(source)
      say("-- then:\n" .. table.concat(least, "\n"))
    end
    if n % 50 == 0 then
      collectgarbage()
    end
  end
  return wrong, calls, recordings
end

return M
