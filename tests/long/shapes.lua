-- A million products of different shapes, and some of them again: resident memory stays flat, the same bits come again.
--   ./nnlua tests/long/shapes.lua [shapes]

local nn = require "nn"

local function resident()
  local f = assert(io.open "/proc/self/statm")
  local pages = f:read("a"):match "^%d+ (%d+)"
  f:close()
  return tonumber(pages) * 4096 >> 20
end

nn.manual_seed(1)
local shapes = math.tointeger(tonumber(arg[1] or 1000000))
local x = nn.randn(20000)

local function product(i)
  local m, k, n = 3 + i // (97 * 103) % 131, 20 + i // 97 % 103, 20 + i % 97
  return x:narrow(1, 1, m * k):view(m, k):matmul(x:narrow(1, 1, k * n):view(k, n)):norm():item()
end

local first, before = {}, nil
for i = 1, shapes do
  local value = product(i)
  if i % 97 == 0 then
    first[i] = value
  end
  before = before or (i == shapes // 10 and resident())
end
local wrong = 0
for i, value in pairs(first) do
  wrong = wrong + (product(i) == value and 0 or 1)
end
local grown = resident() - before
print(("%d shapes: resident memory grew by %d MB to %d MB, %d of %d differ the second time"):format(shapes, grown,
  resident(), wrong, shapes // 97))
os.exit(grown < 16 and wrong == 0)
