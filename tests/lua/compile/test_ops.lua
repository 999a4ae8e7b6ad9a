-- Every op of the table, with the arguments of its golden data: compiled it gives the bits it gives eagerly, values and
-- first and second gradients, also for other values than those it was recorded with.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"
local golden = require "golden"

TestCompiledOps = {}

local by_op = golden.ops()
-- Ops whose result's shape is found in values cannot be replayed, and say so (some of them only with some arguments).
local depends_on_values = {
  masked_select = true, nonzero = true, unique = true, unique_consecutive = true, bincount = true, class_range = true,
  repeat_index = true, repeat_interleave = true, one_hot = true,
}
local ops = {}
for _, op in ipairs(core.ops()) do
  ops[op.name] = op
end

-- The tensors among a case's arguments, and a function that puts others in their places.
local function arguments(c)
  local tensors = {}
  local function place(t)
    tensors[#tensors + 1] = golden.tensor(t)
    return #tensors
  end
  local shape = {}
  for i, a in ipairs(c.args) do
    if a.t then
      shape[i] = { at = place(a.t) }
    elseif a.list then
      shape[i] = { list = {} }
      for k, t in ipairs(a.list) do
        shape[i].list[k] = place(t)
      end
    else
      shape[i] = { value = golden.value(a.v) }
    end
  end
  return tensors, function(given)
    local args = {}
    for i, s in ipairs(shape) do
      if s.at then
        args[i] = given[s.at]
      elseif s.list then
        args[i] = {}
        for k, at in ipairs(s.list) do
          args[i][k] = given[at]
        end
      else
        args[i] = s.value
      end
    end
    return table.unpack(args, 1, #c.args)
  end
end

-- The op, its gradients with regard to all float tensors, and the gradients of their sum.
local function program(c, in_place)
  local call = golden.functions[c.op]
  return function(...)
    local given, leaves = { ... }, {}
    if c.grads then
      for i, t in ipairs(given) do
        if t.dtype:find "float" then
          given[i] = t:clone():requires_grad_()
          leaves[#leaves + 1] = given[i]
        end
      end
    end
    local outs = golden.results(call(in_place(given)))
    if not c.grads then
      return table.unpack(outs)
    end
    local loss = (outs[1] * outs[1]):sum()
    local grads = nn.grad(loss, leaves, { create_graph = true, allow_unused = true })
    local total = nn.zeros({ dtype = loss.dtype })
    for _, g in ipairs(grads) do
      if g and g.requires_grad then
        total = total + g:sum()
      end
    end
    local second = total.requires_grad and nn.grad(total, leaves, { allow_unused = true }) or {}
    local results = { outs[1]:detach() }
    for _, list in ipairs { grads, second } do
      for _, g in ipairs(list) do
        results[#results + 1] = g and g:detach() or false
      end
    end
    return table.unpack(results)
  end
end

local function same_bits(a, b)
  if a.dtype:find "float" then -- nan equals nan here
    local x, y = a:ne(a), b:ne(b)
    return x:equal(y) and nn.where(x, 0, a):equal(nn.where(y, 0, b))
  end
  return a:equal(b)
end

for op, list in pairs(by_op) do
  if not (ops[op] and ops[op].random) then
    TestCompiledOps["test_" .. op] = function()
      for number, c in ipairs(list) do
        local tensors, in_place = arguments(c)
        local f = program(c, in_place)
        local compiled = nn.compile(f)
        for round = 1, 3 do
          local given = {}
          for i, t in ipairs(tensors) do
            given[i] = t.dtype:find "float" and t * (1 / round) or t
            given[i] = given[i]:to(t.dtype)
          end
          if depends_on_values[op] and not pcall(compiled, table.unpack(given)) then
            lu.assertErrorMsgContains("the shape of its result depends on values", compiled, table.unpack(given))
          else
            local want, got = { f(table.unpack(given)) }, { compiled(table.unpack(given)) }
            lu.assertEquals(#got, #want)
            for k, w in ipairs(want) do
              local name = ("%s case %d, round %d, result %d"):format(op, number, round, k)
              if w then
                lu.assertEquals(tostring(got[k].shape) .. got[k].dtype, tostring(w.shape) .. w.dtype, name)
                lu.assertTrue(same_bits(got[k], w), name)
              else
                lu.assertFalse(got[k], name)
              end
            end
          end
        end
        if not depends_on_values[op] then
          lu.assertEquals(compiled:recordings(), 1, op)
        end
      end
    end
  end
end
