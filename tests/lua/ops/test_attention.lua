-- scaled_dot_product_attention against the same from single ops: lengths below and above a tile, masks, layouts, rows that see
-- nothing, dropout, gradients of both orders; threads.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestAttention = {}

local gen = nn.Generator(5)
local function pick(low, high)
  return nn.randint(low, high + 1, { 1 }, { generator = gen }):item()
end
local function randn(dtype, ...)
  return nn.randn({ ... }, { dtype = dtype, generator = gen })
end

-- keep: what the weights are multiplied by, or nil
local function reference(q, k, v, mask, causal, scale, keep)
  local s = q:matmul(k:transpose(-1, -2)) * (scale or 1 / math.sqrt(q.shape[q.ndim]))
  if mask then
    s = mask.dtype == "bool" and nn.where(mask, s, -math.huge) or s + mask
  end
  if causal then
    s = nn.where(nn.ones(s.shape[s.ndim - 1], s.shape[s.ndim]):tril():bool(), s, -math.huge)
  end
  local nothing = s:eq(-math.huge):all(-1, true)
  local p = nn.where(nothing, 0, nn.where(nothing, 0, s):softmax(-1))
  return (keep and p * keep or p):matmul(v)
end

local function apart(a, b)
  return ((a - b):abs() / (b:abs() + 1)):max():item()
end

local function make(case, dtype)
  local long = case % 6 == 0
  local L, S = long and pick(65, 140) or pick(1, 12), long and pick(250, 540) or pick(1, 12)
  local E, V, B, H = pick(1, 9), pick(1, 9), pick(1, 3), pick(1, 3)
  local q = randn(dtype, B, L, H, E):transpose(2, 3)
  local k = case % 4 == 0 and randn(dtype, 1, H, E, S):transpose(3, 4) or randn(dtype, B, H, S, E)
  local v = case % 3 == 0 and randn(dtype, B, H, S, V * 2)[{ {}, {}, {}, { V + 1, 2 * V } }] or randn(dtype, B, H, S, V)
  local mask
  if case % 5 == 1 then
    mask = nn.rand({ L, S }, { generator = gen }):gt(0.4)
  elseif case % 5 == 2 then
    mask = randn(dtype, B, 1, 1, S)
  elseif case % 5 == 3 then
    mask = nn.rand({ B, H, L, 1 }, { generator = gen }):gt(0.3)
  end
  return { q, k, v, mask = mask, causal = case % 3 == 1, scale = case % 7 == 0 and 0.3 or nil }
end

function TestAttention:test_against_single_ops()
  for case = 1, 60 do
    local dtype = case % 2 == 0 and "float32" or "float64"
    local bound = dtype == "float32" and 3e-5 or 1e-12
    local c = make(case, dtype)
    local leaves = {}
    for i = 1, 3 do
      leaves[i] = c[i]:detach():requires_grad_()
    end
    if c.mask and c.mask.dtype ~= "bool" and case % 2 == 1 then
      c.mask = c.mask:detach():requires_grad_()
      leaves[4] = c.mask
    end
    local what = ("case %d, %s"):format(case, dtype)
    local y = nn.scaled_dot_product_attention(leaves[1], leaves[2], leaves[3],
      { attn_mask = c.mask, is_causal = c.causal, scale = c.scale })
    local z = reference(leaves[1], leaves[2], leaves[3], c.mask, c.causal, c.scale)
    lu.assertTrue(apart(y, z) < bound, what)
    local g = randn(dtype, table.unpack(y.shape))
    local ours, theirs = nn.grad((y * g):sum(), leaves), nn.grad((z * g):sum(), leaves)
    for i = 1, #leaves do
      lu.assertTrue(apart(ours[i], theirs[i]) < bound * 10, ("%s, gradient %d"):format(what, i))
    end
    if dtype == "float64" and case % 6 ~= 3 then
      local function second(f)
        local total = 0
        for _, d in ipairs(nn.grad((f() * g):sum(), leaves, { create_graph = true })) do
          total = total + (d ^ 2):sum()
        end
        return nn.grad(total, leaves)
      end
      local a = second(function()
        return nn.scaled_dot_product_attention(leaves[1], leaves[2], leaves[3],
          { attn_mask = c.mask, is_causal = c.causal, scale = c.scale })
      end)
      local b = second(function()
        return reference(leaves[1], leaves[2], leaves[3], c.mask, c.causal, c.scale)
      end)
      for i = 1, #leaves do
        lu.assertTrue(apart(a[i], b[i]) < 1e-9, ("%s, second order %d"):format(what, i))
      end
    end
  end
end

-- Dropout: what is kept is the same on the way back, of single ops too, and another one in each call.
function TestAttention:test_dropout()
  local q, k, v = randn("float64", 2, 70, 3):requires_grad_(), randn("float64", 2, 300, 3):requires_grad_(),
    randn("float64", 2, 300, 2):requires_grad_()
  local generator = nn.Generator(3)
  local y = nn.scaled_dot_product_attention(q, k, v, { dropout_p = 0.3, generator = generator })
  generator = nn.Generator(3)
  local again = nn.scaled_dot_product_attention(q, k, v, { dropout_p = 0.3, generator = generator })
  lu.assertTrue(y:equal(again))
  lu.assertFalse(y:equal(nn.scaled_dot_product_attention(q, k, v, { dropout_p = 0.3, generator = generator })))
  local keep = core.attention_kept(nn.tensor({ 3, 0 }, { dtype = "int64" }), 0.3, { 2, 70, 300 }, "float64")
  lu.assertAlmostEquals(keep:gt(0):double():mean():item(), 0.7, 0.01)
  local z = reference(q, k, v, nil, false, nil, keep)
  lu.assertTrue(apart(y, z) < 1e-12)
  local g = randn("float64", 2, 70, 2)
  local ours, theirs = nn.grad((y * g):sum(), { q, k, v }), nn.grad((z * g):sum(), { q, k, v })
  generator = nn.Generator(3)
  local composed = nn.grad((nn.scaled_dot_product_attention(q, k, v, { dropout_p = 0.3, generator = generator }) * g):sum(),
    { q, k, v }, { create_graph = true })
  for i = 1, 3 do
    lu.assertTrue(apart(ours[i], theirs[i]) < 1e-11, i)
    lu.assertTrue(apart(composed[i], theirs[i]) < 1e-11, i)
  end
  lu.assertEquals(nn.scaled_dot_product_attention(q, k, v, { dropout_p = 1 }):abs():sum():item(), 0)
end

function TestAttention:test_rows_that_see_nothing()
  local q, v = randn("float32", 3, 2):requires_grad_(), randn("float32", 4, 2):requires_grad_()
  local mask = nn.ones(3, 4):bool()
  mask[2] = false
  local y = nn.scaled_dot_product_attention(q, v, v, { attn_mask = mask })
  lu.assertEquals(y[2]:abs():sum():item(), 0)
  y:sum():backward()
  lu.assertEquals(q.grad[2]:abs():sum():item(), 0)
  lu.assertTrue(v.grad:isfinite():all():item())
  local none = nn.scaled_dot_product_attention(nn.ones(2, 3), nn.ones(0, 3), nn.ones(0, 4))
  lu.assertEquals(none:totable(), { { 0, 0, 0, 0 }, { 0, 0, 0, 0 } })
  -- and in the layer, with and without weights
  local layer = nn.MultiheadAttention(4, 2)
  local x, pad = randn("float32", 3, 2, 4), nn.zeros(2, 3):bool()
  pad[1] = true
  local a, b = layer(x, { key_padding_mask = pad }), layer(x, { key_padding_mask = pad, need_weights = false })
  lu.assertTrue(apart(a, b) < 1e-6)
  lu.assertTrue(a:isfinite():all():item())
end

-- nan and infinities spoil their own rows alone.
function TestAttention:test_nan()
  local q, k, v = randn("float32", 3, 2), randn("float32", 5, 2), randn("float32", 5, 2)
  q[2][1] = 0 / 0
  local y = nn.scaled_dot_product_attention(q, k, v)
  lu.assertEquals(y:isnan():any(2):totable(), { false, true, false })
end

function TestAttention:test_threads()
  local c = { randn("float32", 2, 130, 8), randn("float32", 2, 300, 8), randn("float32", 2, 300, 8) }
  local threads, got = nn.get_num_threads(), {}
  for i, n in ipairs { 1, 2, 3 } do
    nn.set_num_threads(n)
    local leaves = {}
    for k = 1, 3 do
      leaves[k] = c[k]:detach():requires_grad_()
    end
    local y = nn.scaled_dot_product_attention(leaves[1], leaves[2], leaves[3],
      { dropout_p = 0.1, generator = nn.Generator(2), is_causal = true })
    got[i] = { y, table.unpack(nn.grad((y ^ 2):sum(), leaves)) }
  end
  nn.set_num_threads(threads)
  for i = 2, 3 do
    for k = 1, 4 do
      lu.assertTrue(got[i][k]:equal(got[1][k]))
    end
  end
end

function TestAttention:test_refused()
  local x = nn.randn(2, 3, 4)
  for _, c in ipairs {
    { "queries have 4 features", x, nn.randn(2, 3, 5), x }, { "there are 3 keys", x, x, nn.randn(2, 5, 4) },
    { "dims before the last two", x, nn.randn(3, 3, 4), x }, { "the key must be", x, x:double(), x },
    { "attn_mask has shape 2x2", x, x, x, { attn_mask = nn.zeros(2, 2) } },
    { "attn_mask must be bool", x, x, x, { attn_mask = nn.zeros(3, 3):to "int64" } },
    { "dropout_p", x, x, x, { dropout_p = 1.5 } }, { "a float tensor is needed", x:to "int64", x, x },
  } do
    local ok, why = pcall(nn.scaled_dot_product_attention, table.unpack(c, 2))
    lu.assertFalse(ok, c[1])
    lu.assertStrContains(why, c[1])
  end
end

-- Scores that are huge and equal, as a mask of finite numbers makes them: the logarithm of their sum is lost beside them.
function TestAttention:test_huge_equal_scores()
  for _, masked in ipairs { -1e4, -1e6, -1e9, -3e38 } do
    for _, of_mask in ipairs { false, true } do -- in tiles, and of single ops
      local q, k = nn.zeros(1, 2, 4), nn.zeros(1, 3, 4)
      local v, mask = nn.ones(1, 3, 4):requires_grad_(true), nn.full({ 2, 3 }, masked):requires_grad_(of_mask)
      nn.scaled_dot_product_attention(q, k, v, mask):sum():backward()
      lu.assertAlmostEquals(v.grad:sum():item(), 8, 1e-5, masked)
    end
  end
end
