-- The neuron behind the threshold unit: leaky integrate-and-fire.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "39_spiking_neuron",
  title = "The neuron behind the threshold unit", slide = "Neurophysiological background / Perceptrons / Some "
    .. "historical remarks", tools = "nn.Step, nn.plot.line",
  source = "Lapicque 1907; McCulloch & Pitts 1943; Minsky & Papert 1969; Rumelhart, Hinton & Williams 1986",
  says = "Electric charges of connected neurons may raise or lower this charge. As soon as the charge reaches a certain "
    .. "threshold, an electric impulse is transmitted. In analogy to the biological model: inputs => charges received, weights "
    .. "=> properties of the synaptic interface, "
    .. "output => impulse that is sent as soon as the charge exceeds the threshold. In 1986, Rumelhart, McClelland, Hinton "
    .. "first published the backpropagation algorithm.",
  does = "A leaky integrate-and-fire neuron, tau dV/dt = -V + I: its firing rate against its formula. Then ten synapses bring "
    .. "impulses, all 1,024 patterns of them: with impulses at the same time it must be the threshold unit W . x > theta. Then "
    .. "the impulses come spread over time: how often do the "
    .. "two still agree?",
  wrong = "A neuron does not add up charges for ever: they leak, so that only inputs within some tau count together, which the "
    .. "unit on the slide leaves out. And of the history: the 1986 paper in Nature is by Rumelhart, Hinton and Williams "
    .. "(McClelland edited the PDP volumes with Rumelhart), and it "
    .. "was not the first: Linnainmaa 1970 has the algorithm, Werbos 1974 its use for networks, as the slide itself says of "
    .. "Werbos. Minsky and Papert proved limits of single layers, and only guessed that many layers would be no better.",
  asks = {
    { "Two impulses of 0.6 arrive at a neuron with threshold 1. Does it fire?", "if the second comes before the first has "
      .. "leaked below 0.4, within tau log 1.5" },
    { "Which part of the threshold unit is the synapse, and which the membrane?", "the weights, and the sum "
      .. "compared with theta" },
  },
  seeds = { 20, small = 3 },
  params = { synapses = { 10, small = 8, min = 1, max = 14 }, tau = { 20.0, doc = "time constant of the membrane, ms",
    min = 1.0 } },
  run = function(p)
    local tau, dt = p.tau, 0.01
    -- the rate for a constant current: V goes to I; from 0 it takes tau log(I / (I - 1)) to reach the threshold 1
    local currents, simulated, formula, worst = {}, {}, {}, 0
    for _, current in ipairs { 1.05, 1.2, 1.5, 2, 3, 5 } do
      local v, spikes, first, last = 0, 0, nil, nil
      for step = 1, math.floor(1000 / dt) do
        v = v + dt / tau * (current - v)
        if v >= 1 then
          v, spikes = 0, spikes + 1
          first, last = first or step * dt, step * dt
        end
      end
      local rate, exact = 1000 * (spikes - 1) / (last - first), 1000 / (tau * math.log(current / (current - 1)))
      table.insert(currents, current)
      table.insert(simulated, rate)
      table.insert(formula, exact)
      worst = math.max(worst, math.abs(rate / exact - 1))
    end
    L.picture("line", { { x = currents, y = formula, label = "1 / (tau log(I / (I - 1)))" }, { x = currents, y = simulated,
      label = "simulated", style = "points" } },
      { title = "Firing rate of a leaky neuron", xlabel = "current (threshold 1)", ylabel = "impulses a second",
        hline = { 0, "below I = 1 it is silent" }, key = "top left" })
    L.check(worst < 0.01, "Euler steps of tau / 2000 give the rate to 1%%")

    local n, spreads, agree = p.synapses, { 0, 2, 5, 10, 20, 50 }, {}
    local r = L.over(p, function(seed)
      local g, out = nn.Generator(seed), {}
      local w = (nn.randn({ n }, { generator = g }) * 0.4 + 0.15):totable()
      local patterns = 1 << n
      -- each impulse raises the charge by its weight; between impulses it leaks: exact, event by event
      local function fires(code, times)
        local events = {}
        for i = 1, n do
          if code >> (i - 1) & 1 == 1 then
            events[#events + 1] = { times[i], w[i] }
          end
        end
        table.sort(events, function(a, b) return a[1] < b[1] end)
        local v, now = 0, 0
        local i = 1
        while i <= #events do
          v = v * math.exp(-(events[i][1] - now) / tau)
          now = events[i][1]
          while i <= #events and events[i][1] == now do -- those at the same instant together
            v = v + events[i][2]
            i = i + 1
          end
          if v > 1 then
            return true
          end
        end
        return false
      end
      local unit = nn.Sequential(nn.Linear(n, 1), nn.Step())
      nn.no_grad(function()
        unit[1].weight:copy_(nn.tensor { w })
        unit[1].bias:fill_(-1)
      end)
      local rows = {}
      for code = 0, patterns - 1 do
        local row = {}
        for i = 1, n do
          row[i] = (code >> (i - 1) & 1) * 1.0
        end
        rows[code + 1] = row
      end
      local threshold = unit(nn.tensor(rows)):reshape(-1):detach():totable()
      for _, spread in ipairs(spreads) do
        local same, missed, fired, extra = 0, 0, 0, 0
        for code = 0, patterns - 1 do
          local times = (nn.rand({ n }, { generator = g }) * spread):totable()
          local neuron = fires(code, times)
          same = same + (neuron == (threshold[code + 1] == 1) and 1 or 0)
          fired = fired + threshold[code + 1]
          extra = extra + (threshold[code + 1] == 0 and neuron and 1 or 0)
          missed = missed + (threshold[code + 1] == 1 and not neuron and 1 or 0)
        end
        out["agree_" .. spread] = same / patterns
        out["missed_" .. spread] = fired > 0 and missed / fired or 0
        out["extra_" .. spread], out["sent_" .. spread], out["unit"] = extra / patterns, (fired - missed + extra) / patterns,
          fired / patterns
      end
      return out
    end)
    local rows, y, e = {}, {}, {}
    for i, spread in ipairs(spreads) do
      rows[i] = { spread, L.percent(r["agree_" .. spread]), L.percent(r["missed_" .. spread]), L.percent(r["extra_" .. spread]) }
      agree[i] = r["agree_" .. spread]
      y[i], e[i] = L.mean(agree[i]), L.deviation(agree[i])
    end
    L.table({ "impulses spread over (ms)", "agrees with the threshold unit", "of its impulses, not sent", "sent where it is silent" }, rows,
      ("All %d patterns of %d synapses, tau = %g ms:"):format(1 << n, n, tau))
    L.picture("line", { x = spreads, y = y, error = e, style = "linespoints" }, { title = "A neuron is a threshold unit for "
      .. "inputs at the same time", xlabel = "impulses spread over (ms)", ylabel = "share of patterns that agree",
      yrange = { 0, 1.05 }, key = "bottom left" })
    for i = 1, p.seeds do
      L.check(r.agree_0[i] == 1, "for impulses at the same time the neuron is the threshold unit on every pattern")
    end
    local loss = L.compare("agreement: spread over 50 ms over at the same time", r.agree_50, r.agree_0, { points = true })
    L.expect(loss, "lower")
    L.say("Two things part them: the leak, which keeps impulses back; and the order: excitation that comes before inhibition "
      .. "sends one that the sum would not.")
    L.finding("on all %d patterns of impulses at the same time a leaky neuron is exactly the threshold unit; spread over %g ms "
      .. "(tau is %g ms) the agreement is %s; its rate for a constant current is the formula's to %.1f%%", 1 << n, 50, tau,
      tostring(loss), 100 * worst)
  end,
}
