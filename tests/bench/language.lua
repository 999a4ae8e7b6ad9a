-- The tensor language beside PyTorch, on one thread each, in turn: ops on a thousand and on ten million elements, and the
-- cost of a call. Prints ratios of times (below 1: we are faster), what two threads give, and the share of the memory's
-- bandwidth (measured with clone) that plain ops reach.
--
--   ./nnlua tests/bench/language.lua [ROUNDS]

local nn = require "nn"
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local peers = require "peers"
local stats = require "stats"

local rounds = math.tointeger(tonumber(arg[1] and arg[1] ~= "" and arg[1] or 5))
local generator = nn.Generator(1)

-- name -> a function of n that gives the step; peer_torch.py has the same names
local makers = {}
local order = {}
local function op(name, bytes, make)
  order[#order + 1] = { name, bytes }
  makers[name] = make
end
local function vector(n)
  return nn.randn(n, { generator = generator })
end
local function matrix(n)
  return vector(n):reshape(n // 1000, 1000)
end
local function unary(name, f)
  op(name, 8, function(n)
    local x = vector(n)
    return function()
      return f(x)
    end
  end)
end
local function over_matrix(name, bytes, f)
  op(name, bytes, function(n)
    local x = matrix(n)
    return function()
      return f(x)
    end
  end)
end

unary("clone", nn.clone)
op("add", 12, function(n)
  local x, y = vector(n), vector(n)
  return function()
    return x + y
  end
end)
unary("mul number", function(x) return x * 2.5 end)
unary("relu", nn.relu)
unary("exp", nn.exp)
unary("tanh", nn.tanh)
unary("sin", nn.sin)
unary("erf", nn.erf)
unary("log1p", function(x) return nn.log1p(x) end)
unary("gelu", nn.gelu)
op("where", 13, function(n)
  local x, y = vector(n), vector(n)
  local mask = x:gt(0)
  return function()
    return nn.where(mask, x, y)
  end
end)
unary("to float64", function(x) return x:to "float64" end)
op("sum", 4, function(n)
  local x = vector(n)
  return function()
    return x:sum()
  end
end)
over_matrix("sum rows", 4, function(x) return x:sum(2) end)
over_matrix("sum columns", 4, function(x) return x:sum(1) end)
op("max", 4, function(n)
  local x = vector(n)
  return function()
    return x:max()
  end
end)
over_matrix("max rows", 4, function(x) return x:max(2) end)
over_matrix("argmax rows", 4, function(x) return x:argmax(2) end)
over_matrix("var rows", 4, function(x) return x:var(2) end)
over_matrix("prod rows", 4, function(x) return x:prod(2) end)
over_matrix("softmax", 8, function(x) return x:softmax(2) end)
over_matrix("transpose copy", 8, function(x) return x:t():contiguous() end)
over_matrix("cumsum rows", 8, function(x) return x:cumsum(2) end)
over_matrix("cumsum columns", 8, function(x) return x:cumsum(1) end)
op("cumsum", 8, function(n)
  local x = vector(n)
  return function()
    return x:cumsum()
  end
end)
op("sort", nil, function(n)
  local x = vector(n)
  return function()
    return x:sort()
  end
end)
over_matrix("sort rows", nil, function(x) return x:sort(2) end)
op("topk", nil, function(n)
  local x = vector(n)
  return function()
    return x:topk(10)
  end
end)
over_matrix("topk rows", nil, function(x) return x:topk(10, 2) end)
op("gather", nil, function(n)
  local x = matrix(n)
  local i = nn.randint(1, 1001, { n // 1000, 1000 }, { generator = generator })
  return function()
    return x:gather(2, i)
  end
end)
op("scatter_add", nil, function(n)
  local x = matrix(n)
  local i = nn.randint(1, 1001, { n // 1000, 1000 }, { generator = generator })
  local zeros = nn.zeros_like(x)
  return function()
    return zeros:scatter_add(2, i, x)
  end
end)
op("index_select", nil, function(n)
  local x = matrix(n)
  local i = nn.randint(1, n // 1000 + 1, { n // 1000 }, { generator = generator })
  return function()
    return x:index_select(1, i)
  end
end)

local calls = {
  { "call: a + b", false, function(a, b) return function() return a + b end end },
  { "call: a:exp()", false, function(a) return function() return a:exp() end end },
  { "call: a:sum()", false, function(a) return function() return a:sum() end end },
  { "call: a + b, recorded", true, function(a, b) return function() return a + b end end },
  { "call: a:exp(), recorded", true, function(a) return function() return a:exp() end end },
}

nn.set_num_threads(1)
local torch = peers.start_command(peers.torch(here))
print(torch and torch.version or "not here: PyTorch: apt-get install python3-torch")

local function measure(f, steps, name, two)
  local ours, theirs, doubled = {}, {}, {}
  stats.time(f, math.max(1, steps // 4))
  for _ = 1, rounds do
    collectgarbage()
    f() -- so that its memory is at hand
    ours[#ours + 1] = stats.time(f, steps)
    if torch then
      theirs[#theirs + 1] = torch:time(name, steps)
    end
    if two then
      nn.set_num_threads(2)
      f()
      doubled[#doubled + 1] = stats.time(f, steps)
      nn.set_num_threads(1)
    end
  end
  return ours, theirs, doubled
end

print(("\nMicroseconds, medians of %d rounds in turn, and ratios to PyTorch\n"):format(rounds))
print(("%-26s%12s%10s%14s%10s%12s%12s"):format("", "1e3", "ratio", "1e7", "ratio", "GB/s", "2 threads"))
for _, c in ipairs(calls) do
  local a, b = nn.tensor { 1.0 }, nn.tensor { 2.0 }
  if c[2] then
    a:requires_grad_()
  end
  local ours, theirs = measure(c[3](a, b), 20000, "op:" .. c[1]:gsub(" ", "_") .. ":1", false)
  print(("%-26s%12.3f%10s"):format(c[1], stats.median(ours), stats.number(stats.ratio(ours, theirs))))
end
for _, entry in ipairs(order) do
  local name, bytes = entry[1], entry[2]
  local cells = {}
  for _, n in ipairs { 1000, 10000000 } do
    local key = ("op:%s:%d"):format(name:gsub(" ", "_"), n)
    local ours, theirs, two = measure(makers[name](n), n == 1000 and 2000 or 2, key, true)
    cells[#cells + 1] = stats.median(ours)
    cells[#cells + 1] = stats.number(stats.ratio(ours, theirs))
    if n > 1000 then
      cells[#cells + 1] = bytes and ("%.1f"):format(bytes * n / stats.median(ours) / 1e3) or "-"
      cells[#cells + 1] = stats.number(stats.ratio(ours, two))
    end
  end
  print(("%-26s%12.2f%10s%14.0f%10s%12s%12s"):format(name, table.unpack(cells)))
end
if torch then
  torch:stop()
end
