-- What a diagnosis prints.

local options = require "nn.internal.options"

local Report = options.class "nn.Diagnosis"

local function short(v, format)
  if v == nil then
    return "-"
  elseif v == math.huge then
    return "inf"
  end
  return (format or "%.2g"):format(v)
end

local function percent(v)
  return v and ("%.0f%%"):format(100 * v) or "-"
end

local function mean_of(list)
  local sum = 0
  for _, v in ipairs(list) do
    sum = sum + v
  end
  return #list > 0 and sum / #list or 0
end

local function verdicts(self, out)
  if self.healthy then
    out[#out + 1] = "verdict: healthy. " .. self.summary
  end
  for i, d in ipairs(self.diseases) do
    out[#out + 1] = ("verdict %d: %s: %s. Try %s. Confidence: %s."):format(i, d.name, d.text, d.remedy, d.confidence)
    if d.trial then
      out[#out + 1] = "  tried: " .. d.trial.text .. "."
    end
  end
  for _, d in ipairs(self.consequences) do
    out[#out + 1] = ("  follows from %s: %s: %s."):format(d.cause, d.name, d.text)
  end
end

function Report:__tostring()
  local out = {}
  out[1] = ("%-24s %9s %9s %9s %6s %6s  %s"):format("layer", "mean", "std", "gradient", "satur.", "dead", "singular values")
  for _, l in ipairs(self.layers) do
    local s = l.singular
    out[#out + 1] = ("%-24s %9s %9s %9s %6s %6s  %s"):format((l.name .. " " .. l.text):sub(1, 24), short(l.mean), short(l.std),
      short(l.grad_rms), percent(l.saturated), percent(l.dead), s and ("%.2g .. %.2g, mean %.2g"):format(s[#s], s[1],
        mean_of(s)) or "")
  end
  out[#out + 1] = ("%-24s %9s %9s %9s %9s"):format("parameter", "weight", "gradient", "signal", "update")
  for _, p in ipairs(self.parameters) do
    out[#out + 1] = ("%-24s %9s %9s %9s %9s"):format((p.name .. " " .. p.shape):sub(1, 24), short(p.weight), short(p.grad),
      short(p.signal_to_noise), short(p.update_ratio))
  end
  if self.input_output then
    local s = self.input_output
    out[#out + 1] = ("input-output Jacobian: singular values %.2g .. %.2g"):format(s[#s], s[1])
  end
  out[#out + 1] = ("loss %.4g over %d batches of %d; inputs: mean %.2g, deviation %.2g"):format(self.loss, self.batches,
    self.batch_size, self.input.mean, self.input.std)
  verdicts(self, out)
  return table.concat(out, "\n")
end

return Report
