-- What may be said of numbers that several seeds gave: means, deviations, intervals, and the verdict on a difference.
--
-- A difference is paired: both sides come from the same seeds (the same data, the same first weights), and it is the
-- differences that are looked at. The interval is Student's t for 99%; where it holds 0 the verdict is "within noise", and
-- no sentence made of it can say more.

local M = { confidence = 0.99 }

function M.mean(list)
  local s = 0
  for _, v in ipairs(list) do
    s = s + v
  end
  return s / #list
end

---Standard deviation over runs (n - 1).
function M.deviation(list)
  local m, s = M.mean(list), 0
  for _, v in ipairs(list) do
    s = s + (v - m) ^ 2
  end
  return #list > 1 and math.sqrt(s / (#list - 1)) or 0
end

-- The logarithm of the gamma function (Lanczos, g = 7; relative error below 1e-14).
local lanczos = { 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7 }
local function log_gamma(x)
  local sum, t = 0.99999999999980993, x + 6.5
  for i, c in ipairs(lanczos) do
    sum = sum + c / (x + i - 1)
  end
  return 0.5 * math.log(2 * math.pi) + (x - 0.5) * math.log(t) - t + math.log(sum)
end

-- P(0 < T < t) of Student's t: Simpson's rule on the angle atan(t / sqrt(df)), where the density is cos^(df - 1).
local function t_area(t, df)
  local top, n, sum = math.atan(t / math.sqrt(df)), 400, 0
  for i = 0, n do
    local weight = (i == 0 or i == n) and 1 or i % 2 == 1 and 4 or 2
    sum = sum + weight * math.cos(top * i / n) ^ (df - 1)
  end
  return math.exp(log_gamma((df + 1) / 2) - log_gamma(df / 2)) / math.sqrt(math.pi) * sum * top / (3 * n)
end

local quantiles = {}

---The t below which lies the share p (above 1/2) of Student's distribution with df degrees of freedom.
function M.t_quantile(p, df)
  local key = ("%.17g %d"):format(p, df)
  if quantiles[key] then
    return quantiles[key]
  end
  local low, high = 0, 1
  while t_area(high, df) < p - 0.5 do
    high = high * 2
  end
  for _ = 1, 60 do
    local middle = (low + high) / 2
    if t_area(middle, df) < p - 0.5 then
      low = middle
    else
      high = middle
    end
  end
  quantiles[key] = (low + high) / 2
  return quantiles[key]
end

---The interval of the mean: low, high. Of one value it is everything.
function M.interval(list)
  if #list < 2 then
    return -math.huge, math.huge
  end
  local half = M.t_quantile((1 + M.confidence) / 2, #list - 1) * M.deviation(list) / math.sqrt(#list)
  return M.mean(list) - half, M.mean(list) + half
end

local Comparison = {}
Comparison.__index = Comparison

-- "0.123" with as many digits as tell the ends of the interval apart.
local function number(v, spread)
  if v ~= v or v == math.huge or v == -math.huge then
    return tostring(v)
  end
  local size = math.max(math.abs(spread), 1e-12)
  local largest = math.floor(math.log(math.max(math.abs(v), size), 10))
  local digits = math.max(0, math.min(6, 1 - math.floor(math.log(size, 10)), 3 - largest))
  v = math.abs(v) < 1e-6 * size and 0.0 or v
  if v == 0 and spread == 0 then
    return "0"
  end
  if math.abs(v) >= 1e5 or (v ~= 0 and math.abs(v) < 1e-4) then
    return ("%.1e"):format(v)
  end
  return ("%." .. digits .. "f"):format(v)
end

function Comparison:number(v)
  if self.ratio then -- its ends may be orders of magnitude apart
    local text = ("%.3g"):format(v)
    return text:find "e" and ("%.1e"):format(v) or text
  end
  local spread = (self.high - self.low) / 2
  return number(v, spread < math.huge and spread > 0 and spread or math.abs(self.mean))
end

---"2.1 points higher (1.7 to 2.5)", "3.0 times as large (2.5 to 3.6)" or "within noise (-0.3 to 0.4 points)"
function Comparison:__tostring()
  if self.deviation == 0 and self.verdict == "within noise" then
    return "exactly the same"
  end
  local low, high = self:number(self.low), self:number(self.high)
  if self.ratio then
    if self.verdict == "within noise" then
      return ("within noise (%s to %s times)"):format(low, high)
    end
    return ("%s times as large (%s to %s)"):format(self:number(self.mean), low, high)
  end
  local unit = self.unit ~= "" and " " .. self.unit or ""
  if self.verdict == "within noise" then
    return ("within noise (%s to %s%s)"):format(low, high, unit)
  elseif self.verdict == "higher" then
    return ("%s%s higher (%s to %s)"):format(self:number(self.mean), unit, low, high)
  end
  return ("%s%s lower (%s to %s)"):format(self:number(-self.mean), unit, self:number(-self.high), self:number(-self.low))
end

---@param what string of what: "test accuracy: dropout over none"
---@param a number[] by seed
---@param b number[]|number by the same seeds, or what is compared with
---@param opts? table unit = "points", scale = 100, share = true: of shares, which differ by 1 at most; ratio = true: a / b (by logarithms) in the place of a - b
---@return table comparison {what, mean, deviation, low, high, n, verdict}: verdict "higher", "lower" or "within noise"
function M.compare(what, a, b, opts)
  opts = opts or {}
  local d = {}
  for i = 1, #a do
    local other = type(b) == "table" and b[i] or b
    d[i] = opts.ratio and math.log(a[i] / other) or (a[i] - other) * (opts.scale or 1)
  end
  local c = setmetatable({ what = what, n = #d, unit = opts.unit or "", ratio = opts.ratio }, Comparison)
  c.mean, c.deviation = M.mean(d), M.deviation(d)
  c.low, c.high = M.interval(d)
  if opts.share then -- no more than all of them
    c.low, c.high = math.max(c.low, -(opts.scale or 1)), math.min(c.high, opts.scale or 1)
  end
  c.verdict = c.low > 0 and "higher" or c.high < 0 and "lower" or "within noise"
  if opts.ratio then
    c.mean, c.low, c.high = math.exp(c.mean), math.exp(c.low), math.exp(c.high)
  end
  return c
end

return M
