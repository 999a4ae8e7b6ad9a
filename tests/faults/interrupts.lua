-- Ctrl-C at random instants of programs that train: an optimizer's step is whole or did not happen.
--   ./nnlua tests/faults/interrupts.lua SEED COUNT   each a process of its own: a second Ctrl-C would end it
--   ./nnlua tests/faults/interrupts.lua SEED one
-- A program is run once without being disturbed, and the bits of its parameters after each step are kept. Then signals
-- arrive while it runs; after each, the parameters are those after some step (and, where fit counts, after that step).
-- nn.train.fit, loops of one's own, compiled, in coroutines, with each kind of optimizer.

local nn = require "nn"
local core = require "nn.core"

local M = {}

-- SIGINT from outside at a random instant within the next `most` seconds. The shell says when it is done.
local function signal_soon(r, most)
  local f = assert(io.open "/proc/self/stat")
  local pid = f:read "n"
  f:close()
  return assert(io.popen(("sleep %.4f; kill -INT %d"):format(nn.rand({ 1 }, { generator = r }):item() * most, pid)))
end

local kinds = {
  { name = "SGD with momentum", make = function(p) return nn.optim.SGD(p, { lr = 0.01, momentum = 0.9 }) end },
  { name = "Adam", make = function(p) return nn.optim.Adam(p, { lr = 1e-3 }) end },
  { name = "LAMB", make = function(p) return nn.optim.LAMB(p, { lr = 1e-3 }) end },
  { name = "Lookahead", make = function(p) return nn.optim.Lookahead(nn.optim.Adam(p, { lr = 1e-3 }), { k = 2 }) end },
  { name = "LBFGS", make = function(p) return nn.optim.LBFGS(p, { lr = 0.1, max_iter = 3, line_search_fn = "strong_wolfe" }) end },
}

local function bits(model)
  local parts = {}
  for i, p in ipairs(model:parameters()) do
    parts[i] = ("%.17g/%.17g"):format(p:detach():to("float64"):sum():item(), p:detach():to("float64"):square():sum():item())
  end
  return table.concat(parts, " ")
end

-- A problem, the same for the same seed.
local function problem(seed, kind, wide)
  nn.manual_seed(seed)
  local model = nn.Sequential(nn.Linear(8, wide), nn.Tanh(), nn.Linear(wide, wide), nn.Tanh(), nn.Linear(wide, 2))
  local data = nn.data.tensors(nn.randn(64, 8), nn.randint(1, 2, { 64 }))
  return { model = model, opt = kind.make(model:parameters()), data = data, loss = nn.CrossEntropyLoss() }
end

-- Ways to train: each steps until told to end by `after`, called after each step.
local ways = {}

function ways.fit(p, after)
  local run = nn.train.fit { model = p.model, loss = p.loss, optimizer = p.opt, train = p.data:loader { batch_size = 16 },
    epochs = 1000, progress = "none", after_step = after }
  return run.steps
end

function ways.loop(p, after)
  local x, y = p.data.x, p.data.y
  local function gradient()
    p.opt:zero_grad()
    local loss = p.loss(p.model(x), y)
    loss:backward()
    return loss
  end
  for n = 1, 100000 do
    if p.opt.takes_closure then
      p.opt:step(gradient)
    else
      gradient()
      p.opt:step()
    end
    after(n)
  end
end

function ways.compiled(p, after)
  if p.opt.takes_closure or p.opt.name == "Lookahead" then
    return ways.loop(p, after)
  end
  local step = nn.compile(function(x, y)
    p.opt:zero_grad()
    local loss = p.loss(p.model(x), y)
    loss:backward()
    p.opt:step()
    return loss
  end)
  for n = 1, 100000 do
    step(p.data.x, p.data.y)
    after(n)
  end
end

ways["coroutine"] = function(p, after)
  local co = coroutine.wrap(function()
    ways.loop(p, function(n)
      after(n)
      if n % 3 == 0 then
        coroutine.yield()
      end
    end)
  end)
  while true do
    co()
  end
end

local stop = {}

-- Nil where all is well, else what is not.
local function one(seed)
  local r = nn.Generator(seed)
  local names = { "fit", "loop", "compiled", "coroutine" }
  local kind, way = kinds[r:integer(#kinds)], names[r:integer(#names)]
  local wide, start = ({ 16, 100, 400 })[r:integer(3)], r:integer(1 << 30)
  local p = problem(start, kind, wide)
  local began, steps = nn.time(), 0
  local before = core.interrupts()
  local began_well, signals = pcall(signal_soon, r, 0.05)
  if not began_well then
    return core.interrupts() == before and tostring(signals) or nil -- it came before there was anything to interrupt
  end
  local ok, told = pcall(ways[way], p, function()
    steps = steps + 1
  end)
  local _ = core.interrupts() == before and pcall(signals.close, signals) -- it came when all was over
  local got = bits(p.model)
  local function wrong(text, ...)
    return ("seed %d: %s, %s, %d wide, after %d steps: %s"):format(seed, way, kind.name, wide, steps, text:format(...))
  end
  if core.interrupts() == before or nn.time() - began > 5 then
    return wrong("no Ctrl-C arrived, or late")
  elseif not ok and not core.is_interrupt(told, before) then
    return wrong("another error: %s", told)
  end
  -- the same again, to where it was interrupted: `steps` is one behind where it came between a step and its counting here
  local q, made = problem(start, kind, wide), 0
  local first, last = steps, steps + 1
  if way == "fit" and not ok and steps == 0 then -- before fit had begun with the first
    last = 0
  elseif way == "fit" then
    if not ok or told < first or told > last then
      return wrong("fit says %s", told)
    end
    first, last = told, told
  end
  local found = first == 0 and bits(q.model) == got
  pcall(ways[way], q, function()
    made = made + 1
    found = found or (made >= first and bits(q.model) == got)
    if made == last then
      error(stop)
    end
  end)
  if not found then
    return wrong("the parameters are not those after step %d%s", first, last > first and " or the next" or ", as fit says")
  end
end

---Gives how many programs were left with parameters that no step had made.
function M.run(seed, count, say)
  local wrong = 0
  for n = 1, count do
    local f = assert(io.popen(("env --default-signal=INT %s tests/faults/interrupts.lua %d one 2>&1"):format(M.nnlua or arg[-1], seed * 100000 + n)))
    local text = f:read "a"
    local ok = f:close()
    if not ok or text ~= "well\n" then
      wrong = wrong + 1
      say(text)
    end
  end
  return wrong
end

if arg and arg[0] and arg[0]:find "interrupts.lua$" then
  local seed = math.tointeger(tonumber(arg[1] or 1))
  if arg[2] == "one" then
    local why = one(seed)
    print(why or "well")
    os.exit(why == nil)
  end
  local count = math.tointeger(tonumber(arg[2] or 100))
  local wrong = M.run(seed, count, print)
  print(("seed %d: %d programs interrupted, %d wrong"):format(seed, count, wrong))
  os.exit(wrong == 0)
end

return M
