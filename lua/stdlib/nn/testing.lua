-- nn.testing: assertions for tensors, for tests of one's own (nnlua test). A failure is an error that says where the two differ.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- A failure: LuaUnit counts its own kind as failures, others as errors.
local function fail(text)
  local lu = package.loaded.luaunit
  if lu and lu.FAILURE_PREFIX then
    local ok, why = pcall(core.raise, text) -- with the user's file and line
    error(lu.FAILURE_PREFIX .. (ok and text or why), 0)
  end
  core.raise(text)
end

local defaults = { float32 = { 1.3e-6, 1e-5 }, float64 = { 1e-7, 1e-7 } }

-- Numbers as they are: whole ones as int64, others as float64.
local function as_tensor(who, name, v)
  if core.is_tensor(v) then
    return v
  elseif type(v) == "number" or type(v) == "boolean" or type(v) == "table" then
    local ok, t = core.try(core.tensor, v)
    if ok and t.dtype == "float32" then
      ok, t = core.try(core.tensor, v, { dtype = "float64" })
    end
    if ok then
      return t
    end
  end
  core.raise(("%s: %s must be a tensor, a number or nested lists, but is %s"):format(who, name, core.describe(v)))
end

-- The place of an element by its number from 0, as indices.
local function place_of(shape, n)
  local out = {}
  for d = #shape, 1, -1 do
    out[d] = n % shape[d] + 1
    n = n // shape[d]
  end
  return #out == 0 and "the value" or ("[{%s}]"):format(table.concat(out, ", "))
end

local function flat_list(t)
  local list = t:detach():flatten():totable()
  if t.dtype == "bool" then
    for i, v in ipairs(list) do
      list[i] = v and 1 or 0
    end
  end
  return list
end

-- Element by element in Lua, which compares whole numbers and floats by their exact values.
local function compare(who, actual, expected, opts)
  local o = options.read(who, opts, { rtol = { "number", least = 0 }, atol = { "number", least = 0 },
    equal_nan = { "boolean", false }, check_dtype = { "boolean", true }, message = { "string" } })
  local said = o.message and o.message .. ": " or ""
  local both = core.is_tensor(actual) and core.is_tensor(expected)
  local a, b = as_tensor(who, "actual", actual), as_tensor(who, "expected", expected)
  if tostring(a.shape) ~= tostring(b.shape) then
    fail(("%s%s: the shape is %s, but should be %s"):format(said, who, tostring(a.shape), tostring(b.shape)))
  elseif both and o.check_dtype and a.dtype ~= b.dtype then
    fail(("%s%s: the dtype is %s, but should be %s; {check_dtype = false} takes both"):format(said, who, a.dtype, b.dtype))
  end
  -- the tolerance of the tensor; of two, of the less exact one
  local default = { 0, 0 }
  for _, given in ipairs { actual, expected } do
    local own = core.is_tensor(given) and defaults[given.dtype]
    default = own and own[1] > default[1] and own or default
  end
  if not core.is_tensor(actual) and not core.is_tensor(expected) and (a.dtype == "float64" or b.dtype == "float64") then
    default = defaults.float64
  end
  local rtol, atol = o.rtol or default[1], o.atol or default[2]
  local x, y = flat_list(a), flat_list(b)
  local count, worst, largest = 0, nil, -1
  for i = 1, #x do
    local v, w = x[i], y[i]
    local fine = v == w or o.equal_nan and v ~= v and w ~= w
    local d = 0
    if not fine then
      d = math.abs(v + 0.0 - w)
      if math.type(v) == "integer" and math.type(w) == "integer" and d < 2 ^ 53 then
        d = math.abs(v - w) -- exact
      end
      local finite = v == v and w == w and v - v == 0 and w - w == 0
      fine = finite and (rtol > 0 or atol > 0) and d <= atol + rtol * math.abs(w)
    end
    if not fine then
      count = count + 1
      if d ~= d or largest == largest and d > largest then
        worst, largest = i, d
      end
    end
  end
  if count > 0 then
    fail(("%s%s: %d of %d elements differ; the largest difference is %.6g at %s: %.17g is not %.17g"):format(said, who, count, #x,
      largest, place_of(a.shape, worst - 1), x[worst], y[worst]))
  end
end

---Fails unless two tensors are equal up to rounding: same shape and dtype, and |actual - expected| <= atol + rtol |expected|
---in each element. nan equals nan where equal_nan says so; infinities equal themselves.
---Options: rtol and atol (1.3e-6 and 1e-5 of float32, 1e-7 both of float64, 0 of whole numbers; as in PyTorch), equal_nan
---(false), check_dtype (true), message (none).
---@param actual any a tensor, a number or nested lists
---@param expected any
---@param opts? {rtol: number, atol: number, equal_nan: boolean, check_dtype: boolean, message: string}
---example:
---  > nn.testing.assert_close(nn.tensor {1.0, 3.0}:mean(), 2.0)
---  > nn.testing.assert_close(nn.tensor {1.0, 2.0}, {1.0, 2.5})
---  error: ...assert_close: 1 of 2 elements differ; the largest difference is 0.5 at [{2}]: 2 is not 2.5
---see: nn.testing.assert_shape, nn.testing.assert_equal
function M.assert_close(actual, expected, opts)
  compare("assert_close", actual, expected, opts)
end

---Fails unless two tensors have the same shape, dtype and elements. nan equals nan, 0 equals -0.
---@param actual any a tensor, a number or nested lists
---@param expected any
---@param message? string stands before what is said
---example:
---  > nn.testing.assert_equal(nn.arange(3), {0, 1, 2})
---  > nn.testing.assert_equal(nn.arange(3), {0, 1, 3})
---  error: ...assert_equal: 1 of 3 elements differ; the largest difference is 1 at [{3}]: 2 is not 3
---see: nn.testing.assert_close, nn.equal
function M.assert_equal(actual, expected, message)
  compare("assert_equal", actual, expected, { rtol = 0, atol = 0, equal_nan = true, message = message })
end

local function want_sizes(shape)
  for d = 1, #shape do
    if math.type(shape[d]) ~= "integer" then
      core.raise(("assert_shape: shape must be a list of integers, such as {2, -1}, but its element %d is %s"):format(d,
        core.describe(shape[d])))
    end
  end
end

---Fails unless a tensor has this shape; -1 stands for any size.
---@param x nn.Tensor
---@param shape integer[] with -1 for any size
---example:
---  > nn.testing.assert_shape(nn.ones(2, 3), {2, -1})
---  > nn.testing.assert_shape(nn.ones(2, 3), {3, 2})
---  error: ...assert_shape: the shape is 2x3, but should be 3x2
---see: nn.testing.assert_close
function M.assert_shape(x, shape)
  if not core.is_tensor(x) then
    core.raise(("assert_shape: x must be a tensor, but is %s"):format(core.describe(x)))
  end
  want_sizes(shape)
  local fits = x.ndim == #shape
  local words = {}
  for d = 1, #shape do
    fits = fits and (shape[d] == -1 or x.shape[d] == shape[d])
    words[d] = shape[d] == -1 and "any" or tostring(shape[d])
  end
  if not fits then
    fail(("assert_shape: the shape is %s, but should be %s"):format(tostring(x.shape),
      #words > 0 and table.concat(words, "x") or "that of a scalar"))
  end
end

---Fails unless calling a function is an error whose message has a text: for tests of one's own checks.
---@param text string part of the message
---@param f function
---@param ... any its arguments
---example:
---  > nn.testing.assert_error("do not multiply", nn.matmul, nn.ones(2), nn.ones(3))
---  > nn.testing.assert_error("no", function() end)
---  error: ...assert_error: there was no error, but one with 'no' was expected
---see: nn.testing.assert_close
function M.assert_error(text, f, ...)
  if type(text) ~= "string" then
    core.raise(("assert_error: text must be a string, a part of the message, but is %s"):format(core.describe(text)))
  end
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    core.raise(("assert_error: f must be a function, but is %s; it is called with what follows"):format(core.describe(f)))
  end
  local ok, why = core.try(f, ...)
  if ok then
    fail(("assert_error: there was no error, but one with '%s' was expected"):format(text))
  elseif not tostring(why):find(text, 1, true) then
    fail(("assert_error: the error does not have '%s', but says: %s"):format(text, tostring(why)))
  end
end

return options.namespace("nn.testing", M, {})
