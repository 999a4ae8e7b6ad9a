-- Wild calls of everything reachable from nn: functions, classes, methods and metamethods of what comes back, with arguments
-- of every kind. Each gives a result or an error of ours; none crashes, runs without end, or blames a line of the library.
--   ./nnlua tests/fuzz/wild.lua SEED CALLS       in parts, each a process of its own, so that a crash is reported, too
--   ./nnlua tests/fuzz/wild.lua SEED CALLS part  in this process, naming calls that were wrong

local nn = require "nn"
local contract = require "nn.internal.contract"
local core = require "nn.core"
local public = require "nn.internal.public"

local M = {}

local stdlib = debug.getinfo(nn.train.fit, "S").source:match "^@(.*)/nn/" or "stdlib"

-- ---- what can be called ----

-- Not called: what ends or slows the process, or belongs to it as a whole.
local left_out = {
  ["nn.set_max_memory"] = true, ["nn.help"] = true, ["nn.plot"] = true, ["nn.theory.vc_dimension"] = true,
  ["nn.theory.shatters"] = true, ["nn.data.fashion_mnist"] = true, ["nn.scope"] = true,
}

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  return keys
end

-- All names of nn and its namespaces, as {path, value}.
local function find_roots()
  for name in pairs(public.homes) do -- they load when they are first touched
    local _ = nn[name]
  end
  local roots = {}
  local function add(path, value)
    local callable = type(value) == "function" or core.base_of(value) ~= nil
    if callable and not left_out[path] then
      roots[#roots + 1] = { path, value }
    end
  end
  for _, name in ipairs(sorted_keys(nn)) do
    add("nn." .. name, nn[name])
  end
  for _, space in ipairs(sorted_keys(public.namespaces)) do
    local listed = tostring(select(2, pcall(function()
      return nn[space].nonsense_
    end))):match "%(it has (.*)%)" or ""
    for name in listed:gmatch "[%w_]+" do
      pcall(function()
        return nn[space][name]
      end)
    end
    for _, name in ipairs(sorted_keys(nn[space])) do
      add(("nn.%s.%s"):format(space, name), nn[space][name])
    end
  end
  for _, name in ipairs(sorted_keys(nn.train.metrics)) do -- a namespace within one
    add("nn.train.metrics." .. name, nn.train.metrics[name])
  end
  return roots
end

-- Names of arguments and options, from the heads of the functions and from the files.
local function find_words(roots)
  local set = {}
  for _, root in ipairs(roots) do
    local f = contract.original(root[2])
    for i = 1, type(f) == "function" and debug.getinfo(f, "u").nparams or 0 do
      set[debug.getlocal(f, i)] = true
    end
  end
  for _, file in ipairs { "optim", "sched", "data", "train", "plot", "regularize", "data/synthetic", "init",
    "train/metrics/metric", "train/metrics/counts" } do
    local f = io.open(("%s/nn/%s.lua"):format(stdlib, file))
    for name in f:read "a":gmatch "([%a_][%w_]*) = { \"%a+\"" do
      set[name] = true
    end
    f:close()
  end
  for _, entry in ipairs(core.layers()) do
    for _, f in ipairs(entry.fields) do
      set[f.name] = true
    end
  end
  return sorted_keys(set)
end

-- ---- arguments ----

local numbers = { 0, 1, 2, 3, -1, -3, 7, 0.5, 1e-8, -0.25, 1e300, -1e300, math.huge, -math.huge, 0 / 0, 1 << 40, math.maxinteger,
  math.mininteger, 1e15, 3.0, 100, 1000000 }
local strings = { "", "x", "mean", "sum", "none", "float32", "float64", "int64", "bool", "max", "min", "weight", "a\0b", ("x"):rep(300),
  "%s%d%n", "(", "[a-", "../x", "/dev/null", "/nonexistent/x", "\xff\xfe", "same", "tanh", "zeros", "1", "nan" }
local shapes = { {}, { 1 }, { 0 }, { 3 }, { 2, 3 }, { 3, 2 }, { 0, 3 }, { 1, 1 }, { 2, 3, 4 }, { 4, 4 }, { 1, 2, 3, 4 }, { 2, 1, 1, 2, 1 } }
local dtypes = { "float32", "float64", "int64", "uint8", "bool", "float32", "float32" }

local world -- {r =, pool =, words =, roots =}

local function one(list)
  return list[world.r:integer(#list)]
end

local value

local function some_tensor()
  local x = nn.rand(one(shapes), { generator = world.r }):mul_(5):to(one(dtypes))
  local kind = world.r:integer(8)
  if kind == 1 and x.dtype:find "float" then
    x:requires_grad_()
  elseif kind == 2 and x.ndim >= 2 then
    x = x:transpose(1, 2)
  elseif kind == 3 and x.dtype:find "float" then
    x = (x * 1):mul_(0 / 0)
  end
  return x
end

local functions = {
  function() end,
  function(...)
    return ...
  end,
  function(x)
    return nn.is_tensor(x) and (x * 2):sum() or x
  end,
  function()
    error "mine"
  end,
  function()
    error { "a table" }
  end,
  function()
    return 1, "two", {}
  end,
  coroutine.create(print), io.stderr, -- no functions, to be told
}

local function some_table(depth)
  local t = {}
  for i = 1, world.r:integer(4) - 1 do
    t[i] = value(depth + 1)
  end
  if world.r:integer(3) == 1 then
    for _ = 1, world.r:integer(3) do
      t[one(world.words)] = value(depth + 1)
    end
  end
  if world.r:integer(12) == 1 then
    t[1] = t
  elseif world.r:integer(12) == 1 then
    setmetatable(t, { __index = function(_, k)
      return k
    end, __name = "odd" })
  end
  return t
end

local function some_object()
  return #world.pool > 0 and one(world.pool) or some_tensor()
end

function value(depth)
  local kind = world.r:integer(depth > 2 and 8 or 16)
  if kind == 1 then
    return nil
  elseif kind == 2 then
    return world.r:integer(2) == 1
  elseif kind <= 5 then
    return one(numbers)
  elseif kind == 6 then
    return one(strings)
  elseif kind <= 10 then
    return some_tensor()
  elseif kind <= 12 then
    return some_object()
  elseif kind == 13 then
    return one(functions)
  elseif kind == 14 then
    return one(world.roots)[2]
  end
  return some_table(depth)
end

-- ---- arguments of the kinds a function says it takes, so that calls get further ----

local sizes = { 1, 2, 3, 4, 5, 8, 3, 2 }

local function some_module()
  local makers = {
    function() return nn.Linear(one(sizes), one(sizes)) end,
    function() return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)) end,
    function() return nn.BatchNorm1d(one(sizes)) end,
    function() return nn.Dropout(0.5) end,
    function() return nn.LSTM(3, 2) end,
    function() return nn.Conv2d(1, 2, 2) end,
  }
  return one(makers)()
end

local makers = {
  number = function() return world.r:integer(2) == 1 and one(numbers) or world.r:integer(100) / 50 - 0.5 end,
  integer = function() return world.r:integer(4) == 1 and one(numbers) or one(sizes) end,
  string = function() return one(strings) end,
  boolean = function() return world.r:integer(2) == 1 end,
  ["nil"] = function() end,
  ["function"] = function() return one(functions) end,
  table = function() return some_table(1) end,
  ["nn.Tensor"] = some_tensor,
  ["nn.Tensor[]"] = function()
    local list = {}
    for i = 1, world.r:integer(4) - 1 do
      list[i] = some_tensor()
    end
    return list
  end,
  ["nn.Module"] = some_module,
  ["nn.Loader"] = function() return nn.data.tensors(nn.rand(6, 3), nn.rand(6, 2)):loader { batch_size = one(sizes) } end,
  ["nn.Dataset"] = function() return nn.data.tensors(nn.rand(6, 3), nn.rand(6, 2)) end,
  ["nn.Generator"] = function() return nn.Generator(one(sizes)) end,
  ["nn.Optimizer"] = function() return nn.optim.SGD({ nn.Parameter(nn.ones(3)) }, { lr = 0.1 }) end,
}

-- What suits the parameter, or anything.
local function suitable(annotations, name)
  local rule = annotations[name]
  if not rule or world.r:integer(8) == 1 then
    return value(0)
  elseif rule.optional and world.r:integer(3) == 1 then
    return nil
  end
  local make = makers[one(rule.kinds)]
  return make and make() or value(0)
end

-- ---- targets ----

-- Methods and metamethods of an object, by name.
local function methods_of(x)
  if nn.is_tensor(x) then
    return core.tensor_methods
  end
  local out = {}
  local class = core.class_of(x) or core.base_of(x) ~= nil and x
  while class do
    for name, f in pairs(core.fields(class)) do
      out[name] = out[name] or f
    end
    class = core.base_of(class)
  end
  local meta = debug.getmetatable(x)
  if type(meta) == "table" and type(x) ~= "string" then
    for name, f in pairs(meta) do
      if type(name) == "string" and name ~= "__gc" and name ~= "__close" then
        out[name] = f
      end
    end
    for name, f in pairs(type(meta.__index) == "table" and meta.__index or meta) do
      out[name] = out[name] or f
    end
  end
  return out
end

local function method_of(x)
  local methods, names = methods_of(x), {}
  for name, f in pairs(methods) do
    if type(name) == "string" and type(f) == "function" and name ~= "__gc" and not name:find "^_[^_]" and not (nn.is_tensor(x) and name == "register_hook") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local name = #names > 0 and one(names)
  return name, name and methods[name]
end

local function is_worth_keeping(v)
  local kind = type(v)
  return (kind == "table" or kind == "userdata") and v ~= world.r and not rawequal(v, nn) and getmetatable(v) ~= nil
end

local function describe(v)
  local ok, text = pcall(core.describe, v)
  return ok and text or type(v)
end

-- One call: returns its name, the packed outcome, and its arguments as text.
local function call()
  local path, f, inner, is_method
  local args, fair = { n = 0 }, true
  if world.r:integer(3) > 1 or #world.pool == 0 then
    path, f = table.unpack(one(world.roots))
    if core.base_of(f) ~= nil then
      local class = f
      inner = class.init
      f = function(...)
        return class(...)
      end
    end
  else
    local x = some_object()
    local name, method = method_of(x)
    if not name then
      return nil
    end
    path, f, args = ("(%s):%s"):format(describe(x), name), method, { x, n = 1 }
    is_method = true
    if world.r:integer(15) == 1 then -- a metamethod, or forward, with another self is nobody's mistake; it must not crash
      args[1], fair = value(0), not name:find "^_" and name ~= "forward" and name ~= "call"
    end
  end
  inner = contract.original(inner or f)
  if type(inner) == "function" and debug.getinfo(inner, "S").what ~= "C" and world.r:integer(3) > 1 then
    local annotations = contract.annotations(inner)
    local names = {}
    for i = 1, debug.getinfo(inner, "u").nparams do
      names[i] = debug.getlocal(inner, i)
    end
    for i = names[1] == "self" and 2 or args.n + 1, #names do
      args.n = args.n + 1
      args[args.n] = suitable(annotations, names[i])
    end
  else
    for _ = 1, world.r:integer(6) - 1 do
      args.n = args.n + 1
      args[args.n] = value(0)
    end
  end
  if is_method and path:find ":register_" or path:find ":__newindex" then -- an object within itself runs for ever
    for i = 2, args.n do
      if rawequal(args[i], args[1]) then
        return nil
      end
    end
  end
  local texts = {}
  for i = 1, args.n do
    texts[i] = describe(args[i])
  end
  local text = ("%s(%s)"):format(path, table.concat(texts, ", "))
  if world.journal then
    world.journal:seek "set"
    world.journal:write(text:gsub("[%c\x80-\xff]", "?"):sub(1, 400), "\n")
    world.journal:flush()
  end
  local started = core.time()
  debug.sethook(function()
    if core.time() - started > 5 then
      error("wild: ran longer than 5 seconds", 0)
    end
  end, "", 100000)
  local outcome = table.pack(pcall(f, table.unpack(args, 1, args.n)))
  debug.sethook()
  if is_method and type(outcome[2]) == "string" and outcome[2]:find "stack overflow" then
    fair = false -- an object that was made its own hook, say
  end
  return text, outcome, core.time() - started, fair
end

local function blames_library(message)
  return type(message) == "string" and (message:find(stdlib, 1, true) or message:find "error in error handling")
end

local function start(seed, journal)
  local roots = find_roots()
  world = { r = nn.Generator(seed), pool = {}, roots = roots, words = find_words(roots), journal = journal }
  nn.manual_seed(seed)
  nn.set_max_memory(512 << 20)
  math.randomseed(seed)
end

local function tidy()
  nn.set_num_threads(2)
  nn.set_grad_enabled(true)
  nn.set_printoptions { precision = 4, threshold = 1000, edgeitems = 3, linewidth = 80 }
end

---Runs calls in this process. Returns the numbers of calls, of results, and the wrong ones as texts.
function M.run(seed, calls, journal)
  start(seed, journal)
  local results, wrong, kinds = 0, {}, {}
  for n = 1, calls do
    local text, outcome, seconds, fair = call()
    if text and outcome[1] then
      results = results + 1
      for i = 2, outcome.n do
        if is_worth_keeping(outcome[i]) then
          world.pool[#world.pool < 60 and #world.pool + 1 or world.r:integer(60)] = outcome[i]
        end
      end
    elseif text and fair and blames_library(outcome[2]) or text and tostring(outcome[2]):find("^wild: ran longer") or (seconds or 0) > 8 then
      local what = tostring(outcome[2])
      local kind = what:gsub("%d+", "0"):sub(1, 120)
      kinds[kind] = (kinds[kind] or 0) + 1
      if kinds[kind] <= 2 then
        wrong[#wrong + 1] = ("seed %d, call %d: %s\n    %s"):format(seed, n, text:gsub("[%c]", "?"):sub(1, 300), what:sub(1, 300))
      end
    end
    if n % 50 == 0 then
      tidy()
    end
    if n % 500 == 0 then
      collectgarbage()
    end
  end
  tidy()
  nn.set_max_memory(math.huge)
  return calls, results, wrong
end

-- ---- in parts ----

local PART = 2000

local function in_parts(seed, calls)
  local program, script = arg[-1] or "./nnlua", arg[0]
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  local here = io.popen("pwd"):read "l"
  local function absolute(path)
    return path:sub(1, 1) == "/" and path or here .. "/" .. path
  end
  local done, results, failures = 0, 0, 0
  while done < calls do
    local part = math.min(PART, calls - done)
    local command = ("cd %s && timeout -k 5 300 %s %s %d %d part 2>&1 </dev/null"):format(directory, absolute(program),
      absolute(script), seed, part)
    local pipe = io.popen(command)
    local output = pipe:read "a"
    local ok = pipe:close()
    local given = output:match "\n?(%d+) results, %d+ wrong\n"
    for text in output:gmatch "wrong: (.-)\n\n" do
      failures = failures + 1
      print(text)
    end
    if not ok and not given then
      failures = failures + 1
      local journal = io.open(directory .. "/journal")
      print(("seed %d: the process ended at: %s\n    %s"):format(seed, journal and journal:read "l" or "?", output:sub(-300)))
      if journal then
        journal:close()
      end
    end
    results = results + (tonumber(given) or 0)
    done, seed = done + part, seed + 1
  end
  os.execute("rm -rf " .. directory)
  print(("%d calls, %d results, %d wrong"):format(done, results, failures))
  return failures
end

if arg and arg[0] and arg[0]:find "wild.lua$" then
  local seed, calls = math.tointeger(tonumber(arg[1] or 1)), math.tointeger(tonumber(arg[2] or 2000))
  if arg[3] == "part" then
    local _, results, wrong = M.run(seed, calls, io.open("journal", "w"))
    for _, text in ipairs(wrong) do
      print("wrong: " .. text .. "\n")
    end
    print(("%d results, %d wrong"):format(results, #wrong))
    os.exit(#wrong == 0)
  end
  os.exit(in_parts(seed, calls) == 0)
end

return M
