-- Factorizations: what was taken apart gives the matrix again, and a matrix without a factorization gives nan.

local lu = require "luaunit"
local nn = require "nn"

TestLinalg = {}

local function close(got, want, bound)
  local d = (got - want):abs():max():item()
  lu.assertTrue(d <= (bound or 1e-12), ("differs by %g"):format(d))
end

local function matrices(f)
  for seed, size in ipairs { { 1, 1 }, { 5, 3 }, { 3, 5 }, { 40, 40 }, { 2, 3, 4 } } do
    f(nn.randn(size, { dtype = "float64", generator = nn.Generator(seed) }), size)
  end
end

local function diagonal(s)
  return s:unsqueeze(-2) * nn.eye(s:size(-1), { dtype = s.dtype })
end

function TestLinalg:test_qr()
  matrices(function(x)
    local q, r = nn.qr(x)
    close(q:matmul(r), x, 1e-12)
    close(q:transpose(-2, -1):matmul(q), nn.eye(q:size(-1), { dtype = "float64" }), 1e-12)
  end)
end

function TestLinalg:test_svd()
  matrices(function(x)
    local u, s, vt = nn.svd(x)
    close(u:matmul(diagonal(s)):matmul(vt), x, 1e-12)
    lu.assertTrue(s:ge(0):all():item())
  end)
end

function TestLinalg:test_eigh_and_cholesky()
  for n = 1, 12, 3 do
    local a = nn.randn({ n, n + 1 }, { dtype = "float64", generator = nn.Generator(n) })
    local x = a:matmul(a:t())
    local values, vectors = nn.eigh(x)
    close(vectors:matmul(diagonal(values)):matmul(vectors:t()), x, 1e-11)
    local l = nn.cholesky(x)
    close(l:matmul(l:t()), x, 1e-11)
  end
end

function TestLinalg:test_what_has_no_factorization_is_nan()
  local singular = nn.tensor { { 1.0, 2.0 }, { 2.0, 4.0 } }
  lu.assertTrue(nn.solve(singular, nn.tensor { 1.0, 1.0 }):ne(nn.solve(singular, nn.tensor { 1.0, 1.0 })):all():item())
  local l = nn.cholesky(nn.tensor { { 1.0, 0.0 }, { 0.0, -1.0 } })
  lu.assertTrue(l:ne(l):any():item())
  local s = select(2, nn.svd(nn.tensor { { 0 / 0, 1.0 } }))
  lu.assertTrue(s:ne(s):all():item())
end

function TestLinalg:test_empty_and_wrong_shapes()
  lu.assertEquals(tostring(nn.qr(nn.zeros(0, 3)).shape), "0x0")
  lu.assertEquals(#nn.solve(nn.zeros(0, 0), nn.zeros(0, 2)), 0)
  lu.assertErrorMsgContains("needs a square matrix, but got shape 2x3", nn.cholesky, nn.zeros(2, 3))
  lu.assertErrorMsgContains("does not go with the matrix", nn.solve, nn.eye(2), nn.zeros(3))
  lu.assertErrorMsgContains("needs a matrix", nn.svd, nn.zeros(3))
end

-- Without OpenBLAS linear algebra is an error that says what to install; products have loops of our own.
function TestLinalg:test_without_the_library()
  local process = require "process"
  local script = [[
local nn = require "nn"
local a = nn.eye(2)
for name, f in pairs {
  qr = nn.qr, svd = nn.svd, eigh = nn.eigh, cholesky = nn.cholesky, inv = nn.inv, lu = nn.lu, slogdet = nn.slogdet, pinv = nn.pinv,
  eig = nn.eig, matrix_exp = nn.matrix_exp, solve = function(m) return nn.solve(m, m) end,
  solve_triangular = function(m) return nn.solve_triangular(m, m) end,
} do
  local ok, why = pcall(f, a)
  if ok or not why:find("install it with: sudo apt install libopenblas0", 1, true) then
    print(name, ok, why)
  end
end
print(nn.ones(3, 4):matmul(nn.ones(4, 5)):sum():item())
]]
  local out, err = process.run(("NNLUA_BLAS=/nonexistent %s -"):format(process.nnlua), script)
  lu.assertEquals(out, "60.0\n", err)
end
