-- Products without libraries: a processor for which none generates code, and no OpenBLAS. In a process of its own, since
-- what serves is settled when a program starts.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestProducts = {}

-- Whole numbers, so that every order of adding gives the same: int64 has loops of its own to compare with.
local script = [[
  local nn = require "nn"
  nn.manual_seed(3)
  local function whole(...)
    return nn.randint(-9, 9, { ... })
  end
  for _, size in ipairs { { 1, 1, 1 }, { 3, 5, 7 }, { 1, 300, 40 }, { 70, 300, 1 }, { 33, 65, 129 }, { 130, 40, 70 } } do
    local m, k, n = table.unpack(size)
    for form = 0, 3 do
      local a = form & 1 == 0 and whole(m, k) or whole(k, m):t()
      local b = form & 2 == 0 and whole(k, n) or whole(n, k):t()
      local bias = whole(n)
      local product = a:matmul(b)
      for _, dtype in ipairs { "float32", "float64" } do
        local x, y = a:to(dtype), b:to(dtype)
        local what = ("%dx%d x %dx%d, form %d, %s"):format(m, k, k, n, form, dtype)
        assert(x:matmul(y):long():equal(product), what)
        assert(nn.addmm(bias:to(dtype), x, y):long():equal(product + bias), what .. ", with a bias")
        local stacked = nn.stack { x, x * 2 }:matmul(y)
        assert(stacked[2]:long():equal(product * 2), what .. ", stacked")
        local w = x:clone():requires_grad_()
        w:matmul(y):sum():backward()
        assert(w.grad:long():equal(nn.ones(m, n):long():matmul(b:t())), what .. ", gradient")
      end
    end
  end
  print "all equal"
]]

local function without(isa)
  return process.run(("NNLUA_ISA=%s NNLUA_BLAS=/nonexistent %s -"):format(isa, process.nnlua), script)
end

function TestProducts:test_without_libraries()
  for _, isa in ipairs { "plain", "avx2", "avx512" } do -- the lower sets of kernels, then the best one
    local out, err, status = without(isa)
    lu.assertEquals(status, 0, isa .. ": " .. err)
    lu.assertStrContains(out, "all equal")
  end
end

function TestProducts:test_what_serves_is_said()
  local out = process.run("NNLUA_BLAS=/nonexistent " .. process.nnlua .. " --version")
  lu.assertStrContains(out, "no OpenBLAS")
end

-- Large products are cut into blocks that follow the number of threads; what is inside is not.
local large = [[
  local nn = require "nn"
  nn.manual_seed(2)
  for _, size in ipairs { { 520, 260, 520 }, { 1040, 800, 140 }, { 137, 1500, 393 }, { 264, 1000, 265 }, { 1100, 130, 450 } } do
    local m, k, n = table.unpack(size)
    for form = 0, 3 do
      local function matrix(make)
        local a = form & 1 == 0 and make(m, k) or make(k, m):t()
        return a, form & 2 == 0 and make(k, n) or make(n, k):t(), make(n)
      end
      local a, b, bias = matrix(function(...) return nn.randint(-9, 9, { ... }) end)
      local sums = a:matmul(b)
      local x, y, z = matrix(nn.randn)
      for _, dtype in ipairs { "float32", "float64" } do
        local what = ("%dx%d x %dx%d, form %d, %s"):format(m, k, k, n, form, dtype)
        assert(a:to(dtype):matmul(b:to(dtype)):long():equal(sums), what)
        assert(nn.addmm(bias:to(dtype), a:to(dtype), b:to(dtype)):long():equal(sums + bias), what .. ", with a bias")
        local first
        for _, threads in ipairs { 1, 2, 3, 7 } do
          nn.set_num_threads(threads)
          local c = nn.addmm(z:to(dtype), x:to(dtype), y:to(dtype))
          first = first or c
          assert(c:equal(first), what .. (", %d threads"):format(threads))
        end
        nn.set_num_threads(2)
      end
    end
  end
  print "all equal"
]]

function TestProducts:test_large()
  for _, isa in ipairs { "avx2", "avx512" } do
    local out, err, status = process.run(("NNLUA_ISA=%s %s -"):format(isa, process.nnlua), large)
    lu.assertEquals(status, 0, isa .. ": " .. err)
    lu.assertStrContains(out, "all equal")
  end
end

local many_shapes = [[
  local nn = require "nn"
  nn.manual_seed(1)
  local function resident()
    local f = assert(io.open "/proc/self/statm")
    local pages = f:read("a"):match "^%d+ (%d+)"
    f:close()
    return tonumber(pages) * 4096 >> 20
  end
  local x, shapes, first = nn.randn(20000), tonumber(arg[1]), {}
  local function product(i)
    local m, k, n = 3 + i // 48 // 59 % 61, 33 + i // 48 % 59, 20 + i % 48
    return x:narrow(1, 1, m * k):view(m, k):matmul(x:narrow(1, 1, n * k):view(k, n)):norm():item()
  end
  for i = 1, shapes // 8 do -- tables and rooms of the program's own
    first[i] = product(i)
  end
  local before = resident()
  for i = 1, shapes do
    first[i] = product(i)
  end
  for i = 1, shapes do
    assert(product(i) == first[i], i)
  end
  print(resident() - before)
]]

-- Code for products is written for each shape: there is room for so much, and what comes again gives the same bits.
function TestProducts:test_many_shapes()
  local out, err, status = process.run(process.nnlua .. " - 40000", many_shapes)
  lu.assertEquals(status, 0, err)
  -- the sanitizers keep what was freed for a while
  lu.assertTrue(tonumber(out) < (process.nnlua:find "address" and 1000 or 64), out)
end

-- Views whose dims of one element keep the steps of where they come from.
function TestProducts:test_dims_of_one_element()
  nn.manual_seed(4)
  local function views(...)
    local list = {}
    for _, shape in ipairs { { 1, ... }, { ..., 1 }, { 1, 1, ... }, { ..., 1, 1 } } do
      local x = nn.randint(-9, 9, shape):float()
      for a = 1, #shape do
        for b = a + 1, #shape do
          list[#list + 1] = x:transpose(a, b)
          for c = 1, #shape do
            list[#list + 1] = x:transpose(a, b):transpose(b, c):unsqueeze(c)
          end
        end
      end
    end
    return list
  end
  local compared = 0
  for _, x in ipairs(views(7)) do
    for _, y in ipairs(views(7)) do
      for _, other in ipairs { y, y:squeeze() } do
        local k, rows = x:size(-1), other:size(other:dim() > 1 and -2 or 1)
        if k == rows and pcall(nn.matmul, x:clone(), other:clone()) then
          local a, b = x:detach():requires_grad_(), x:clone():requires_grad_()
          local p, q = a:matmul(other), b:matmul(other:clone())
          lu.assertTrue(p:equal(q), ("%s by %s"):format(table.concat(x.shape, "x"), table.concat(other.shape, "x")))
          p:sum():backward()
          q:sum():backward()
          lu.assertTrue(a.grad:equal(b.grad))
          compared = compared + 1
        end
      end
    end
  end
  lu.assertTrue(compared > 300, compared)
  local z = nn.arange(15000):float():reshape(1, 50, 300):transpose(1, 2)
  lu.assertTrue(z:matmul(nn.eye(300)):equal(z))
end

-- beta * input + alpha * product for extreme and for plain factors, and of integers.
function TestProducts:test_factors()
  local e = nn.eye(2)
  lu.assertEquals(nn.addmm(nn.ones(2, 2) * 1e10, e, e, 1, 1e-30):totable(), { { 1e10, 1e10 }, { 1e10, 1e10 } })
  lu.assertAlmostEquals(nn.addmm(nn.zeros(2, 2), e, e, 1, 1e-38)[{ 1, 1 }]:item(), 1e-38, 1e-44)
  for _, alpha in ipairs { 1, 3 } do -- with beta = 0 what input holds does not count
    lu.assertEquals(nn.addmm(nn.full({ 2, 2 }, 0 / 0), e, e, 0, alpha):totable(), { { alpha, 0 }, { 0, alpha } })
  end
  lu.assertEquals(nn.addmm(nn.ones(2), nn.ones(2, 300), nn.ones(300, 2), 2, 3):totable(), { { 902, 902 }, { 902, 902 } })
  lu.assertEquals(nn.addmm(nn.ones(2, 1), nn.ones(2, 0), nn.ones(0, 2), 2, 3):totable(), { { 2, 2 }, { 2, 2 } })
  local big = (1 << 24) + 1
  local i = nn.tensor { { big, 2 }, { 3, 4 } }
  for name, x in pairs { addr = nn.addr(i, i[2], i[2], 2, 3), addmv = nn.addmv(i[1], nn.eye(2):to "int64", i[1], 1, 2),
    baddbmm = nn.baddbmm(i:unsqueeze(1), i:unsqueeze(1), nn.eye(2):to("int64"):unsqueeze(1), 2, 1) } do
    lu.assertEquals(x.dtype, "int64", name)
  end
  lu.assertEquals(nn.addr(i, i[2], i[2], 2, 3):totable(), { { 2 * big + 27, 40 }, { 42, 56 } })
end
