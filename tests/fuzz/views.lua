-- Random programs of views, writes in place, hooks, checkpoints and functions with their own backward: gradients of first
-- and second order against finite differences, and gradients of inner values against those of the leaves they lead to.
--   ./nnlua tests/fuzz/views.lua SEED PROGRAMS
-- A program that fails is shrunk and printed as a script.

local nn = require "nn"

local M = {}

local f64 = { dtype = "float64" }
local prelude = [[
local nn = require "nn"
local f64 = { dtype = "float64" }
local Square = nn.autograd.Function {
  forward = function(ctx, x) ctx:save_for_backward(x) return x * x end,
  backward = function(ctx, g) return g * 2 * ctx:saved() end,
}
local Tanh = nn.autograd.Function {
  forward = function(ctx, x) local y = x:tanh() ctx:save_for_backward(y) return y end,
  backward = function(ctx, g) local y = ctx:saved() return g * (1 - y * y) end,
}
]]

-- ---- making programs ----

local function text(list)
  return "{" .. table.concat(list, ", ") .. "}"
end

local function numel(shape)
  local n = 1
  for _, s in ipairs(shape) do
    n = n * s
  end
  return n
end

-- Kinds of lines. Each gets the generator's state and gives a line, or nil where it does not fit. v[1] and v[2] are the
-- leaves; a line makes v[n], the next value, or writes to one that is there.
local function one(g, list)
  return list[g.r:integer(#list)]
end

local function operand(g)
  return g.r:integer(#g.shapes)
end

local function number(g)
  return ("%.2f"):format((g.r:integer(301) - 151) / 100)
end

-- Another value whose shape broadcasts to that of value i, as text, or a number.
local function fitting(g, i, exact)
  local fits = {}
  for k, shape in ipairs(g.shapes) do
    local ok = #shape <= #g.shapes[i]
    for d = 1, #shape do
      local mine = g.shapes[i][#g.shapes[i] - #shape + d]
      ok = ok and (shape[d] == mine or (shape[d] == 1 and not exact))
    end
    if ok and (not exact or #shape == #g.shapes[i]) then
      fits[#fits + 1] = ("v[%d]"):format(k)
    end
  end
  if #fits == 0 or (not exact and g.r:integer(4) == 1) then
    return number(g)
  end
  return one(g, fits)
end

local function written(g)
  local own = {}
  for k in ipairs(g.shapes) do
    if k > 2 and not g.expanded[k] then
      own[#own + 1] = k
    end
  end
  return #own > 0 and one(g, own) or nil
end

local views = {
  function(g, i, shape)
    local d = g.r:integer(#shape)
    local start = g.r:integer(shape[d])
    return ("v[%d]:narrow(%d, %d, %d)"):format(i, d, start, g.r:integer(shape[d] - start + 1))
  end,
  function(g, i, shape)
    local d = g.r:integer(#shape)
    return ("v[%d]:select(%d, %d)"):format(i, d, g.r:integer(shape[d]))
  end,
  function(g, i, shape)
    return ("v[%d]:transpose(%d, %d)"):format(i, g.r:integer(#shape), g.r:integer(#shape))
  end,
  function(_, i) return ("v[%d]:flatten()"):format(i) end,
  function(_, i) return ("v[%d]:reshape(-1)"):format(i) end,
  function(g, i, shape) return ("v[%d]:unsqueeze(%d)"):format(i, g.r:integer(#shape + 1)) end,
  function(_, i) return ("v[%d]:squeeze()"):format(i) end,
  function(g, i, shape)
    local first = g.r:integer(shape[1])
    return ("v[%d][{ { %d, %d } }]"):format(i, first, first - 1 + g.r:integer(shape[1] - first + 1))
  end,
  function(g, i, shape) return ("v[%d][%d]"):format(i, g.r:integer(shape[1])) end,
  function(g, i, shape) return ("v[%d]:unbind(1)[%d]"):format(i, g.r:integer(shape[1])) end,
  function(g, i, shape) return ("v[%d]:chunk(%d, 1)[1]"):format(i, g.r:integer(shape[1])) end,
  function(_, i) return ("v[%d]:diagonal()"):format(i) end,
}

local functions = { "sin", "tanh", "sigmoid", "square", "exp", "neg", "cos", "softplus" }

local kinds = {
  -- values of their own
  function(g)
    return ("v[%d] = v[%d]:%s()"):format(g.n, operand(g), one(g, functions))
  end,
  function(g)
    local i = operand(g)
    return ("v[%d] = v[%d] %s %s"):format(g.n, i, one(g, { "+", "-", "*" }), fitting(g, i))
  end,
  function(g)
    return ("v[%d] = v[%d] * %s"):format(g.n, operand(g), number(g))
  end,
  function(g)
    return ("v[%d] = %s(v[%d])"):format(g.n, one(g, { "Square", "Tanh" }), operand(g))
  end,
  function(g)
    local i = operand(g)
    return ("v[%d] = nn.cat({ v[%d], v[%d] * %s }, 1)"):format(g.n, i, i, number(g))
  end,
  function(g)
    return ("v[%d] = v[%d]:%s"):format(g.n, operand(g), one(g, { "clone()", "contiguous()", "cumsum(1)", "sum()" }))
  end,
  function(g)
    local i = operand(g)
    return ("v[%d] = nn.checkpoint(function(x) local y = x:%s() * %s; y:narrow(1, 1, 1):%s_(); return y * x end, v[%d])")
      :format(g.n, one(g, functions), fitting(g, i), one(g, functions), i)
  end,
  -- views
  function(g)
    local i = operand(g)
    return ("v[%d] = %s"):format(g.n, one(g, views)(g, i, g.shapes[i]))
  end,
  function(g)
    local i = operand(g)
    return ("v[%d] = %s"):format(g.n, one(g, views)(g, i, g.shapes[i]))
  end,
  function(g)
    local i = operand(g)
    local shape = { 2, table.unpack(g.shapes[i]) }
    return ("v[%d] = v[%d]:expand(%s)"):format(g.n, i, text(shape)), true
  end,
  -- writes in place
  function(g)
    local i = written(g)
    return i and ("v[%d]:%s_()"):format(i, one(g, functions))
  end,
  function(g)
    local i = written(g)
    return i and ("v[%d]:%s_(%s)"):format(i, one(g, { "add", "sub", "mul" }), fitting(g, i))
  end,
  function(g)
    local i = written(g)
    return i and ("%s:%s_(%s)"):format(one(g, views)(g, i, g.shapes[i]), one(g, { "add", "mul" }), number(g))
  end,
  function(g)
    local i = written(g)
    return i and ("v[%d]:copy_(%s)"):format(i, fitting(g, i, true))
  end,
  function(g)
    local i = written(g)
    local p = i and g.r:integer(g.shapes[i][1])
    return i and ("v[%d][%d] = %s"):format(i, p, one(g, { number(g), ("v[%d]:sum()"):format(operand(g)) }))
  end,
  function(g)
    local i = written(g)
    return i and ("v[%d]:%s"):format(i, one(g, { "fill_(0.7)", "zero_()", "floor_()", "sign_()", "add_(1.5)" }))
  end,
  function(g)
    local i = written(g)
    return i and ("nn.no_grad(function() v[%d]:add_(%s) end)"):format(i, number(g))
  end,
  -- hooks
  function(g)
    local i = operand(g)
    return ("if v[%d].requires_grad then v[%d]:register_hook(function(g) return g * 1 end) end"):format(i, i)
  end,
  function(g)
    local i, k = operand(g), operand(g)
    return ("hooked(v[%d], v[%d])"):format(i, k)
  end,
}

-- A function of the leaves (a list) that runs lines and gives the values. Unknown names are errors.
local function compile(lines)
  local code = prelude .. [[
local v, hooked = ...
]] .. table.concat(lines, "\n") .. "\nreturn v"
  return assert(load(code, "=program"))
end

-- A hook that runs a backward of its own over what is being gone through.
local function hooked(x, y)
  if x.requires_grad and y.requires_grad then
    local s = y:sum()
    x:register_hook(function()
      nn.grad(s, { y }, { retain_graph = true })
    end)
  end
end

local function leaves(values)
  local out = {}
  for i, w in ipairs(values) do
    out[i] = w:clone():requires_grad_()
  end
  return out
end

local function run(lines, v)
  return compile(lines)(v, hooked)
end

function M.make(r)
  local g = { r = r, shapes = {}, expanded = {}, n = 3 }
  local values = { nn.randn({ 2, 3 }, { dtype = "float64", generator = r }) * 0.7,
    nn.randn({ 3, 2 }, { dtype = "float64", generator = r }) * 0.7 }
  if r:integer(4) == 1 then -- a leaf that is laid out column by column
    values[1] = values[1]:t():contiguous():t()
  end
  local lines = {}
  local v = leaves(values)
  for i = 1, 2 do
    g.shapes[i] = { table.unpack(v[i].shape) }
  end
  for _ = 1, 3 + r:integer(14) do
    local line, expanded = kinds[r:integer(#kinds)](g)
    if line then
      local step = { line }
      local before = #v
      local ok, why = pcall(function()
        v = assert(load(prelude .. "local v, hooked = ...\n" .. line .. "\nreturn v", "=program"))(v, hooked)
      end)
      local last = v[#v]
      if ok and last and last:numel() > 0 and last:numel() <= 64 and last.ndim <= 4 then
        lines[#lines + 1] = step[1]
        if #v > before then
          local shape = { table.unpack(last.shape) }
          if #shape == 0 then
            v[#v] = last:reshape(1)
            lines[#lines] = line .. ("; v[%d] = v[%d]:reshape(1)"):format(#v, #v)
            shape = { 1 }
          end
          g.shapes[#v] = shape
          g.expanded[#v] = expanded
          g.n = #v + 1
        end
      else
        v[before + 1] = nil
        if not ok and not M.explained(why) then
          return { lines = { table.unpack(lines) }, values = values, broken = line .. ": " .. tostring(why) }
        end
        -- what a failed line left behind is unknown: begin again with the lines so far
        v = run(lines, leaves(values))
      end
    end
  end
  return { lines = lines, values = values, coefficient = { number(g), number(g), number(g) } }
end

-- ---- checking them ----

local allowed = { "changed in place", "cannot be changed in place", "does not fit into", "is expanded", "squeeze",
  "must be 1 to", "cannot be written into", "has no elements", "does not broadcast", "do not broadcast", "different shapes",
  "takes at least", "needs at least", "out of range", "requires no gradient", "does not depend", "has shape", "beyond", "must be",
  "cannot be viewed", "share one place", "does not exist" }

function M.explained(why)
  why = tostring(why)
  for _, part in ipairs(allowed) do
    if why:find(part, 1, true) then
      return true
    end
  end
  return false
end

local function loss_of(program, v)
  local total
  for k = 0, 2 do
    local y = v[#v - k]
    if y and #v - k > 2 then
      local c = nn.arange(1, y:numel() + 1, f64):sin():reshape(y.shape) * (tonumber(program.coefficient[k + 1]) + 0.3)
      total = total and total + (y * c):sum() or (y * c):sum()
    end
  end
  return total
end

local function value_at(program, values)
  local v = leaves(values)
  local loss = loss_of(program, run(program.lines, v))
  return loss, v
end

local function gradients(program, values, options)
  local loss, v = value_at(program, values)
  if not loss or not loss.requires_grad then
    return nil
  end
  local got = nn.grad(loss, { v[1], v[2] }, { create_graph = options and options.create_graph, allow_unused = true })
  for i = 1, 2 do
    got[i] = got[i] or nn.zeros_like(v[i])
  end
  return got, v, loss:item()
end

local function moved(values, direction, h)
  return { values[1] + direction[1] * h, values[2] + direction[2] * h }
end

local function along(a, b)
  return (a[1]:detach() * b[1]):sum():item() + (a[2]:detach() * b[2]):sum():item()
end

local function differs(a, b, scale)
  return not (math.abs(a - b) <= 2e-5 * (1 + math.abs(a) + math.abs(b) + scale))
end

-- Differences at three distances: a number is wrong when they agree with each other, and not with it.
local distances = { 1e-5, 1e-6, 3e-5 }

local function disagree(got, difference, scale)
  local all = {}
  for i, h in ipairs(distances) do
    all[i] = difference(h)
    if not (math.abs(all[i]) < 1e4) or not differs(got, all[i], scale) then
      return nil
    end
  end
  if differs(all[1], all[2], scale) or differs(all[1], all[3], scale) then
    return nil
  end
  return all[1]
end

-- nil: right; a text: what is wrong; false: nothing to compare
local function examine(program)
  local g, _, loss = gradients(program, program.values)
  if not g or math.abs(loss) > 1e4 or loss ~= loss then
    return false
  end
  local r = nn.Generator(7)
  local direction = { nn.randn({ 2, 3 }, { dtype = "float64", generator = r }), nn.randn({ 3, 2 }, { dtype = "float64", generator = r }) }
  local second = { nn.randn({ 2, 3 }, { dtype = "float64", generator = r }), nn.randn({ 3, 2 }, { dtype = "float64", generator = r }) }
  local want = disagree(along(g, direction), function(h)
    local up, down = value_at(program, moved(program.values, direction, h)), value_at(program, moved(program.values, direction, -h))
    return (up:item() - down:item()) / (2 * h)
  end, math.abs(loss) * 1e-3)
  if want then
    return ("first order: %.9g, by differences %.9g"):format(along(g, direction), want)
  end
  -- backward into the leaves gives the same bits
  local whole, v = value_at(program, program.values)
  whole:backward()
  for i = 1, 2 do
    local mine = v[i].grad or nn.zeros_like(v[i])
    if not mine:equal(g[i]:detach()) then
      return ("backward and nn.grad differ for leaf %d"):format(i)
    end
  end
  local g1, v1 = gradients(program, program.values, { create_graph = true })
  local s = (g1[1] * second[1]):sum() + (g1[2] * second[2]):sum()
  local got = 0
  if s.requires_grad then
    local twice = nn.grad(s, { v1[1], v1[2] }, { allow_unused = true })
    got = along({ twice[1] or nn.zeros_like(v1[1]), twice[2] or nn.zeros_like(v1[2]) }, direction)
  end
  want = disagree(got, function(h)
    local gu, gd = gradients(program, moved(program.values, direction, h)), gradients(program, moved(program.values, direction, -h))
    return (along(gu, second) - along(gd, second)) / (2 * h)
  end, math.abs(along(g, direction)) * 1e-3)
  if want then
    return ("second order: %.9g, by differences %.9g"):format(got, want)
  end
  return nil
end

-- nil or false as above, or what is wrong. An error that explains itself counts as nothing to compare.
function M.check(program)
  if program.broken then
    return program.broken
  end
  local ok, result = pcall(examine, program)
  if ok then
    return result
  end
  if M.explained(result) then
    return false
  end
  return tostring(result)
end

function M.shrink(program)
  local i = #program.lines
  while i >= 1 do
    local fewer = { lines = {}, values = program.values, coefficient = program.coefficient }
    for k, line in ipairs(program.lines) do
      if k ~= i then
        fewer.lines[#fewer.lines + 1] = line
      end
    end
    local ok, wrong = pcall(M.check, fewer)
    if ok and wrong and wrong:find "order" then
      program = fewer
    end
    i = i - 1
  end
  return program
end

---Runs programs and prints those that are wrong; gives their number, and how many could be compared.
function M.fuzz(seed, programs, say)
  local r = nn.Generator(seed)
  local wrong, compared = 0, 0
  for n = 1, programs do
    local program = M.make(r)
    local result = M.check(program)
    compared = compared + (result ~= false and 1 or 0)
    if result then
      wrong = wrong + 1
      say(("seed %d, program %d: %s"):format(seed, n, result))
      local least = result:find "order" and M.shrink(program) or program
      for i = 1, 2 do
        say(("v[%d] = nn.tensor(..., f64):requires_grad_()  -- %s"):format(i, tostring(least.values[i].shape)))
      end
      say(table.concat(least.lines, "\n"))
    end
  end
  return wrong, compared
end

M.numel = numel

if arg and arg[0] and arg[0]:find "views.lua$" then
  local seed, programs = math.tointeger(tonumber(arg[1] or 1)), math.tointeger(tonumber(arg[2] or 1000))
  local wrong, compared = M.fuzz(seed, programs, print)
  print(("seed %d: %d programs, %d compared, %d wrong"):format(seed, programs, compared, wrong))
  os.exit(wrong == 0)
end

return M
