-- Orthogonal weights, and Saxe's exact dynamics of learning in deep linear nets.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

local double = { dtype = "float64" }

local function randn(g, ...)
  return nn.randn({ ... }, { generator = g, dtype = "float64" })
end

return L.experiment {
  name = "26_orthogonal_and_linear_nets",
  title = "Orthogonal weights and deep linear nets", slide = "Weight initialization - newer schemes (Saxe 2014)",
    tools = "nn.init.orthogonal_, nn.svd, nn.linalg.slogdet",
  source = "Saxe, McClelland & Ganguli 2014, eqs. 6 and 7, figures 2 and 4",
  says = "Initialize with random orthogonal matrices. Reasoning comes from analyzing linear nets. Essential idea: keep "
    .. "determinant of Jacobian close to 1, then you won't lose "
    .. "much information.",
  does = "A linear net with one hidden layer learns a map with known singular values s; Saxe's solution says that each mode's "
    .. "strength follows "
    .. "u(t) = s e^(2st/tau) / (e^(2st/tau) - 1 + s/u0). Gradient descent is compared with it from Saxe's aligned start, where "
    .. "it holds by construction, and from small random weights, where it is an approximation. Then deep products of Gaussian, "
    .. "orthogonal and of Gaussian matrices scaled to determinant 1: determinant and singular values. Then Saxe's reason, that "
    .. "orthogonal weights make learning time independent of depth: steps to learn a map, for depths 2 to 32.",
  wrong = "A determinant of 1 is not enough: it is the product of the singular values. diag(1000, 1/1000) has determinant 1, "
    .. "and makes one direction a million times shorter than the other, where noise of a millionth of the signal drowns it. "
    .. "What keeps information is all singular values near 1 (dynamical isometry).",
  asks = {
    { "Twenty Gaussian matrices, each scaled to |det| = 1, are multiplied. The product has determinant 1. Does it keep "
      .. "information?", "no: a few directions are stretched by thousands, and beside those the others vanish; see the table" },
    { "Which is learned first, the strong mode or the weak one?", "the strong one: the time is proportional to 1/s" },
  },
  seeds = { 10, small = 2 },
  params = { u0 = { 0.001, doc = "strength of the modes at the start", min = 0.0 }, lr = { 0.005,
    doc = "of gradient descent, for the modes", min = 0.0 } },
  run = function(p)
    local n, strengths, u0, lr, steps = 8, { 3, 2, 1 }, p.u0, p.lr, L.size(2000, 1500)
    local series, halves = {}, {}
    local r = L.over(p, function(seed, run)
      local out = {}
      for _, start in ipairs { "aligned", "random" } do
        local g = nn.Generator(seed)
        local U, V, R = nn.qr(randn(g, n, n)), nn.qr(randn(g, n, n)), nn.qr(randn(g, n, n))
        local s = nn.zeros({ n }, double)
        for i, v in ipairs(strengths) do
          s[i] = v
        end
        local map = (U * s):matmul(V:t())
        local W1, W2
        if start == "aligned" then -- Saxe's decoupled start: modes aligned with the map's, all of strength u0
          local small = nn.eye(n, double) * math.sqrt(u0)
          W1, W2 = nn.Parameter(R:matmul(small):matmul(V:t())), nn.Parameter(U:matmul(small):matmul(R:t()))
        else -- small random weights: the product's entries along the modes have deviation u0
          local size = math.sqrt(u0) / n ^ 0.25
          W1, W2 = nn.Parameter(randn(g, n, n) * size), nn.Parameter(randn(g, n, n) * size)
        end
        local opt = nn.optim.SGD({ W1, W2 }, { lr = lr })
        -- inputs with covariance 1: the mean square error is |W2 W1 - map|^2 / 2
        local step = nn.compile(function()
          opt:zero_grad()
          local loss = (W2:matmul(W1) - map):square():sum() * 0.5
          loss:backward()
          opt:step()
          return loss
        end)
        local worst, half = 0, {}
        for t = 1, steps do
          step()
          if t % 10 == 0 then
            local strength = (U:t():matmul(W2:detach()):matmul(W1:detach()):matmul(V) * nn.eye(n, double)):sum(1):totable()
            for i, target in ipairs(strengths) do
              local e = math.exp(2 * target * t * lr)
              local exact = target * e / (e - 1 + target / u0)
              worst = math.max(worst, math.abs(strength[i] - exact) / target)
              half[i] = half[i] or strength[i] >= target / 2 and t or nil
              if run == 1 then
                local k = start == "aligned" and i or i + 3
                series[k] = series[k] or { x = {}, y = {}, label = ("s = %g, %s start"):format(target, start) }
                table.insert(series[k].x, t)
                table.insert(series[k].y, strength[i])
                if start == "aligned" and t % 60 == 0 then
                  series[i + 6] = series[i + 6] or { x = {}, y = {}, label = ("s = %g, Saxe's equation"):format(target),
                    style = "points" }
                  table.insert(series[i + 6].x, t)
                  table.insert(series[i + 6].y, exact)
                end
              end
            end
          end
        end
        out[start] = worst
        for i in ipairs(strengths) do
          out[start .. i] = half[i] or steps
        end
      end
      return out
    end)
    for i, target in ipairs(strengths) do
      halves[i] = { target, math.log(target / u0 - 1) / (2 * target * lr), L.pm(r["aligned" .. i], 0), L.pm(r["random" .. i], 0) }
    end
    L.table({ "mode's strength s", "half learned after (steps), by the equation", "aligned start", "small random start" }, halves)
    L.say("Largest deviation from the equation, of a mode's strength: %s from the aligned start, %s from small "
      .. "random weights.", L.percent(r.aligned), L.percent(r.random))
    L.picture("line", series, { title = "Modes are learned one after another", xlabel = "step", ylabel = "strength",
      key = "above maxrows 3", columns = 2 })
    -- gradient descent with step h follows the flow up to O(h s): half a step's growth, h * 2 s = 0.03 relative, at the steepest place
    L.check(math.max(table.unpack(r.aligned)) < 0.04, "discrete steps differ from the equation by about lr * 2 s = 0.03 at "
      .. "most from the aligned start")
    local off = L.compare("largest deviation from the equation: random over aligned start", r.random, r.aligned, { ratio = true })
    L.expect(off, "higher")

    -- products: determinant and singular values
    local kinds, depths, rows, spread = { "Gaussian", "Gaussian, |det| = 1", "orthogonal" }, L.size({ 1, 5, 10, 20 }, { 1,
      10 }), {}, nil
    for _, depth in ipairs(depths) do
      local s = L.over(p, function(seed)
        local out = {}
        for k in ipairs(kinds) do
          local g, log_det = nn.Generator(seed), 0
          local product = nn.eye(32, double)
          for _ = 1, depth do
            local w = randn(g, 32, 32) / math.sqrt(32)
            if k == 3 then
              w = nn.qr(w)
            end
            local _, log = nn.linalg.slogdet(w)
            if k == 2 then
              w = w * math.exp(-log:item() / 32)
            end
            log_det = log_det + (k == 2 and 0 or log:item())
            product = w:matmul(product)
          end
          local _, sv = nn.svd(product)
          out["det" .. k], out["high" .. k], out["kept" .. k] = log_det / 32, sv[1]:item(),
            sv:gt(0.01 * sv[1]:item()):sum():item()
        end
        return out
      end, ("product_%d_"):format(depth))
      spread = s
      for k, kind in ipairs(kinds) do
        rows[#rows + 1] = { depth, kind, math.exp(L.mean(s["det" .. k])), L.mean(s["high" .. k]), L.pm(s["kept" .. k], 0) }
      end
    end
    L.table({ "layers", "weights (32 x 32)", "|det|^(1/32)", "largest singular value", "directions within a factor 100 of it" }, rows, "Products of weight matrices:")
    L.check(math.abs(L.mean(spread.high3) - 1) < 1e-9 and L.mean(spread.kept3) == 32, "orthogonal products keep every length")
    L.expect(L.compare("directions kept: determinant 1 over orthogonal", spread.kept2, spread.kept3), "lower")

    -- learning time against depth: the best of several learning rates for each
    local function learn(seed, depth, kind)
      local best = math.huge
      for _, rate in ipairs(L.size({ 0.5, 0.2, 0.1, 0.05, 0.02, 0.01 }, { 0.1, 0.02 })) do
        local g = nn.Generator(seed)
        local target, ws = nn.qr(randn(g, 16, 16)), {}
        for k = 1, depth do
          local w = randn(g, 16, 16) / 4
          ws[k] = nn.Parameter(kind == "orthogonal" and nn.qr(w) or w)
        end
        local opt = nn.optim.SGD(ws, { lr = rate / depth })
        local step = nn.compile(function()
          opt:zero_grad()
          local product = ws[1]
          for k = 2, depth do
            product = ws[k]:matmul(product)
          end
          local loss = (product - target):square():sum() / 32 -- 1 for a product that is unrelated and of the same size
          loss:backward()
          opt:step()
          return loss
        end)
        for t = 1, math.min(best - 1, L.size(2000, 400)) do
          local loss = step():item()
          if loss ~= loss or loss > 1e6 then
            break
          elseif loss < 0.1 then
            best = t
            break
          end
        end
      end
      return best < math.huge and best or L.size(2000, 400)
    end
    local learn_depths, learned, learn_rows, curves = L.size({ 2, 4, 8, 16, 32 }, { 2, 8 }), {}, {}, { orthogonal = {},
      gaussian = {} }
    for i, depth in ipairs(learn_depths) do
      learned[i] = L.over(p, function(seed)
        return { orthogonal = learn(seed, depth, "orthogonal"), gaussian = learn(seed, depth, "gaussian") }
      end, ("learn_%d_"):format(depth))
      learn_rows[i] = { depth, L.pm(learned[i].orthogonal, 0), L.pm(learned[i].gaussian, 0) }
      curves.orthogonal[i], curves.gaussian[i] = learned[i].orthogonal, learned[i].gaussian
    end
    L.table({ "layers", "orthogonal", "Gaussian" }, learn_rows, ("Steps until a linear net has learned an orthogonal map (loss "
      .. "below 0.1), at the best of its learning rates (at most %d):"):format(L.size(2000, 400)))
    L.picture("line", { L.bars(curves.orthogonal, { x = learn_depths, label = "orthogonal" }), L.bars(curves.gaussian,
      { x = learn_depths, label = "Gaussian" }) },
      { title = "Learning time against depth", xlabel = "layers", ylabel = "steps", log = "xy", key = "top left" })
    local last = #learn_depths
    local faster = L.compare(("%d layers: steps, Gaussian over orthogonal"):format(learn_depths[last]), learned[last].gaussian,
      learned[last].orthogonal, { ratio = true })
    local growth = L.compare(("orthogonal: steps at %d layers over %d"):format(learn_depths[last], learn_depths[1]),
      learned[last].orthogonal, learned[1].orthogonal, { ratio = true })
    local late = L.compare(("orthogonal: steps at %d layers over %d"):format(learn_depths[last],
      learn_depths[(last + 1) // 2]), learned[last].orthogonal, learned[(last + 1) // 2].orthogonal, { ratio = true })
    L.expect(faster, "higher")
    local never = 0
    for _, steps_taken in ipairs(learned[last].gaussian) do
      never = never + (steps_taken >= L.size(2000, 400) and 1 or 0)
    end
    L.finding("gradient descent follows Saxe's equation within %.1f%% of a mode's strength from his aligned start, from small "
      .. "random weights it is off by up to %.0f%%; of a product of %d Gaussian matrices with determinant 1 only %.0f of 32 "
      .. "directions "
      .. "are left within a factor 100 of the longest, of orthogonal ones all; %d of %d Gaussian nets of %d layers did not "
      .. "learn within %d steps at any rate (that is %s as orthogonal ones take, at least); the orthogonal ones' steps at %d "
      .. "layers are %s as at %d, and %s as at %d",
      100 * math.max(table.unpack(r.aligned)), 100 * math.max(table.unpack(r.random)), depths[#depths],
      L.mean(spread.kept2), never, p.seeds, learn_depths[last], L.size(2000, 400), tostring(faster), learn_depths[last],
        tostring(growth), learn_depths[1],
        tostring(late), learn_depths[(last + 1) // 2])
  end,
}
