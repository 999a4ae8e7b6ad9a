-- Calls random ops with wild arguments. Anything but a result or a Lua error ends the process, which is the finding.
--   ./nnlua tests/fuzz/api.lua [seed] [calls]

local nn = require "nn"
local core = require "nn.core"

local M = {}

function M.run(seed, calls)
  local g = nn.Generator(seed)
  local function pick(list)
    return list[g:integer(#list)]
  end
  local ops = core.ops()
  local dtypes = { "float32", "float64", "int64", "uint8", "bool" }
  local pool = {}
  local function new_tensor()
    local shape = {}
    for i = 1, g:integer(4) - 1 do
      shape[i] = pick { 0, 1, 1, 2, 3, 4, 5 }
    end
    if g:integer(5) == 1 then -- a square matrix, or a batch of them
      shape = pick { { 3, 3 }, { 2, 3, 3 }, { 1, 1 }, { 0, 0 }, { 4, 4 } }
    end
    local dtype = pick(dtypes)
    local t = nn.randn(shape, { generator = g }) * 3
    t = (dtype == "uint8" and t:abs() or t):to(dtype)
    if g:integer(4) == 1 and t.dtype == "int64" then -- positions that often fit
      t = t % 3 + 1
    end
    local how = g:integer(6)
    if how == 1 and t.ndim >= 2 then
      t = t:transpose(1, -1)
    elseif how == 2 and t.ndim >= 1 and #t > 1 then
      t = t[{ { 1, -1, 2 } }]
    elseif how == 3 and t.dtype:find "float" then
      t:requires_grad_()
    elseif how == 4 then
      t = t:expand(table.unpack { 2, table.unpack(t.shape) })
    end
    return t
  end
  for i = 1, 30 do
    pool[i] = new_tensor()
  end
  local closed = nn.zeros(3)
  getmetatable(closed).__close(closed)
  local nested = setmetatable({}, {
    __index = function()
      return nn.zeros(2)
    end,
    __len = function()
      return 1 << 40
    end,
  })
  local numbers = { 0, 1, 2, 3, -1, -2, 4, 7, 0.5, -1.5, math.huge, -math.huge, 0 / 0, 1 << 31, 1 << 62, math.mininteger,
    math.maxinteger, 1e300 }
  local words = { "mean", "sum", "none", "float32", "int64", "bool", "", "x", ("y"):rep(300) }
  local value
  local function list()
    local out = {}
    for i = 1, g:integer(5) - 1 do
      out[i] = g:integer(3) == 1 and value(1) or pick { 1, 2, 3, -1, 0 }
    end
    return out
  end
  local function options(op)
    local out = list()
    for _ = 1, g:integer(3) - 1 do
      local p = op.params[g:integer(math.max(1, #op.params))]
      out[p and p.name or "nothing"] = value(1)
    end
    return out
  end
  function value(depth)
    local kind = g:integer(depth and 9 or 14)
    if kind <= 3 then
      return pick(numbers)
    elseif kind <= 5 then
      return g:integer(4)
    elseif kind == 6 then
      return pick(words)
    elseif kind == 7 then
      return pick { true, false }
    elseif kind == 8 then
      return nil
    elseif kind == 9 then
      return pick { closed, nested, print, io.stdout, g }
    else
      return pick(pool)
    end
  end
  -- an argument that fits more often than not
  local function fitting(p)
    local r = g:integer(10)
    if r == 1 then
      return value()
    end
    if p.kind == "tensor" or p.kind == "operand" then
      return r <= 9 and pick(pool) or pick(numbers)
    elseif p.kind == "tensors" then
      local out = {}
      for i = 1, g:integer(4) - 1 do
        out[i] = pick(pool)
      end
      return out
    elseif p.kind == "int" or p.kind == "dim" then
      return pick { 1, 2, 3, -1, -2, 0 }
    elseif p.kind == "dims" or p.kind == "shape" then
      return r <= 6 and list() or pick { 1, 2, -1 }
    elseif p.kind == "numbers" then
      return g:integer(2) == 1 and pick { 0.5, 1, 2, 1.7 } or { 2, 0.5 }
    elseif p.kind == "dtype" then
      return pick(dtypes)
    elseif p.kind == "bool" then
      return pick { true, false }
    elseif p.kind == "choice" then
      local words_of = {}
      for word in p.choices:gmatch "[^|]+" do
        words_of[#words_of + 1] = word
      end
      return pick(words_of)
    end
    return pick(numbers)
  end
  local done, results = 0, 0
  nn.set_max_memory(nn.memory().live + (64 << 20)) -- huge tensors are refused, not made
  for i = 1, calls do
    local op = ops[g:integer(#ops)]
    local args, n = {}, 0
    for _, p in ipairs(op.params) do
      n = n + 1
      args[n] = fitting(p)
      if p.optional and g:integer(3) == 1 then
        break
      end
    end
    if g:integer(12) == 1 then
      n = g:integer(6) - 1
      for k = 1, n do
        args[k] = value()
      end
    end
    if g:integer(6) == 1 then
      n = n + 1
      args[n] = options(op)
    end
    local f = core[op.name]
    if op.inplace and (op.inplace_only or g:integer(3) == 1) then
      f = core.tensor_methods[op.inplace_only and op.name or op.name .. "_"]
    end
    local ok, result = pcall(f, table.unpack(args, 1, n))
    done = done + 1
    if ok and type(result) == "table" then
      result = result[1]
    end
    if ok then
      results = results + 1
      if nn.is_tensor(result) and result:numel() < 1000 then
        local also = g:integer(4)
        if also == 1 then
          pool[g:integer(#pool)] = result
        elseif also == 2 then
          pcall(function()
            result:sum():backward()
          end)
        elseif also == 3 then
          pcall(tostring, result)
        else
          pcall(function()
            local key = g:integer(2) == 1 and value() or { pick { 1, {}, { 1, 2 }, pick(pool), "..." }, pick { 1, {}, pick(pool), value() } }
            local part = result[key]
            result[key] = g:integer(2) == 1 and part or value()
          end)
        end
      end
    else
      assert(type(result) == "string" and #result < 4000, "an error must be a text")
    end
    if i % 200 == 0 then
      for k = 1, 10 do
        pool[g:integer(#pool)] = k and new_tensor()
      end
    end
  end
  nn.set_max_memory()
  return done, results
end

if arg and arg[0] and arg[0]:find "fuzz/api.lua$" then
  local seed, calls = math.tointeger(tonumber(arg[1] or os.time())), math.tointeger(tonumber(arg[2] or 100000))
  print("seed", seed)
  local began = nn.time()
  local done, results = M.run(seed, calls)
  print(("%d calls, %d results, %.0f calls a minute"):format(done, results, done / (nn.time() - began) * 60))
end

return M
