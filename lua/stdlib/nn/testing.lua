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

local function as_tensor(who, name, v, other)
  if core.is_tensor(v) then
    return v
  elseif type(v) == "number" or type(v) == "boolean" or type(v) == "table" then
    local ok, t = core.try(core.tensor, v, core.is_tensor(other) and { dtype = other.dtype } or nil)
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
  local o = options.read("assert_close", opts, { rtol = { "number" }, atol = { "number" }, equal_nan = { "boolean", false },
    check_dtype = { "boolean", true }, message = { "string" } })
  local said = o.message and o.message .. ": " or ""
  local both = core.is_tensor(actual) and core.is_tensor(expected)
  local a, b = as_tensor("assert_close", "actual", actual, expected), as_tensor("assert_close", "expected", expected, actual)
  if tostring(a.shape) ~= tostring(b.shape) then
    fail(("%sassert_close: the shape is %s, but should be %s"):format(said, tostring(a.shape), tostring(b.shape)))
  elseif both and o.check_dtype and a.dtype ~= b.dtype then
    fail(("%sassert_close: the dtype is %s, but should be %s; {check_dtype = false} takes both"):format(said, a.dtype,
      b.dtype))
  end
  local default = defaults[a.dtype == "float32" and "float32" or b.dtype] or defaults[a.dtype] or { 0, 0 }
  local rtol, atol = o.rtol or default[1], o.atol or default[2]
  core.no_grad(function()
    local x, y = a:detach():to "float64":flatten(), b:detach():to "float64":flatten()
    local difference = (x - y):abs()
    local fine = core.logical_or(x:eq(y), core.logical_and(y:isfinite(), difference:le(y:abs() * rtol + atol)))
    if o.equal_nan then
      fine = core.logical_or(fine, core.logical_and(x:isnan(), y:isnan()))
    end
    local wrong = core.logical_not(fine):nonzero():flatten()
    if wrong:numel() == 0 then
      return
    end
    local worst, largest = wrong[1]:item(), -1
    for i = 1, math.min(wrong:numel(), 10000) do
      local at = wrong[i]:item()
      local d = difference[at]:item()
      if d ~= d then
        worst, largest = at, d
        break
      elseif d > largest then
        worst, largest = at, d
      end
    end
    fail(("%sassert_close: %d of %d elements differ; the largest difference is %.6g at %s: %.9g is not %.9g"):format(said,
      wrong:numel(), x:numel(), largest, place_of(a.shape, worst - 1), x[worst]:item(), y[worst]:item()))
  end)
end

---Fails unless two tensors have the same shape, dtype and elements, to the last bit of their values.
---@param actual any a tensor, a number or nested lists
---@param expected any
---@param message? string stands before what is said
---example:
---  > nn.testing.assert_equal(nn.arange(3), {0, 1, 2})
---  > nn.testing.assert_equal(nn.arange(3), {0, 1, 3})
---  error: ...assert_close: 1 of 3 elements differ; the largest difference is 1 at [{3}]: 2 is not 3
---see: nn.testing.assert_close, nn.equal
function M.assert_equal(actual, expected, message)
  M.assert_close(actual, expected, { rtol = 0, atol = 0, equal_nan = true, message = message })
end

---Fails unless a tensor has this shape; nil or -1 stands for any size.
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
  local ok, why = core.try(f, ...)
  if ok then
    fail(("assert_error: there was no error, but one with '%s' was expected"):format(text))
  elseif not tostring(why):find(text, 1, true) then
    fail(("assert_error: the error does not have '%s', but says: %s"):format(text, tostring(why)))
  end
end

return options.namespace("nn.testing", M, {})
