-- VC dimension: how many points a class can label in every way.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "09_vc_dimension",
  title = "VC dimension", slide = "How powerful are neural networks?", tools = "nn.theory.vc_dimension, vc_bounds, cover_count",
  says = "A measure of what a machine can learn is the VC dimension; for a neural network d_VC <= O(W log(c M)), with W weights "
    .. "and M units. VC dimensions of neural networks are much higher than for e.g. logistic regression.",
  does = "Exact VC dimensions by search: which points can be labelled in all 2^n ways by intervals, rectangles and half-spaces "
    .. "(every 'no' is a proof)? For networks with one hidden layer: how many random points can training label in every way? "
    .. "And Cover's count against what random labels show.",
  wrong = "The bound O(W log(c M)) is Baum & Haussler's, for threshold units. Sigmoid nets have a lower bound of order W^2 "
    .. "(Koiran & Sontag 1997), so it cannot hold for them; the known upper bound is of order (W M)^2 (Karpinski & "
    .. "Macintyre 1997).",
  asks = {
    { "Three points in the plane can be labelled in all ways by half-planes. Can four?", "no: of any four points one labelling "
      .. "is an XOR (Radon's theorem)" },
    { "Of how many of the labellings of n = 2d points in d dimensions does a plane through "
      .. "0 give each?", "of exactly half (Cover 1965)" },
  },
  seeds = { 5, small = 1 },
  params = { draws = { 200, small = 30, doc = "random labellings for Cover's count", min = 10 }, tries = { 6,
    doc = "starts of training for each labelling", min = 1 } },
  run = function(p)
    local grid = nn.tensor { { 0.0, 0.0 }, { 1.0, 0.1 }, { 0.2, 1.0 }, { -0.9, 0.3 }, { 0.3, -1.0 }, { 0.5, 0.4 } }
    local intervals = nn.theory.vc_dimension("intervals", { { 1 }, { 2 }, { 3 }, { 4 } })
    local rectangles = nn.theory.vc_dimension("rectangles", grid)
    local halves = nn.theory.vc_dimension("halfspaces", grid)
    L.table({ "class", "VC dimension (search)", "theory" }, {
      { "intervals on a line", intervals, 2 }, { "rectangles in the plane", rectangles, 4 },
      { "half-planes: perceptron, logistic regression", halves, 3 },
    })
    L.check(intervals == 2 and rectangles == 4 and halves == 3, "the search finds the known dimensions")

    -- A net shatters n points if training finds weights for each labelling.
    local function shatters(n, width, tries, seed)
      local g = nn.Generator(seed)
      local x = nn.randn({ n, 2 }, { generator = g })
      for code = 0, (1 << (n - 1)) - 1 do -- the other half by symmetry
        local bits = {}
        for i = 1, n do
          bits[i] = code >> (i - 1) & 1
        end
        local y = nn.tensor(bits):to("float32"):unsqueeze(2)
        local solved = false
        for try = 1, tries do
          nn.manual_seed(1000 * seed + try)
          local net = nn.Sequential(nn.Linear(2, width, { init = "he_normal" }), nn.Tanh(), nn.Linear(width, 1))
          local opt = nn.optim.LBFGS(net:parameters(), { line_search_fn = "strong_wolfe", max_iter = 200,
            tolerance_change = 1e-7 })
          nn.no_grad(function()
            net[1].weight:mul_(2)
          end)
          opt:step(function()
            opt:zero_grad()
            local loss = nn.bce_with_logits(net(x), y)
            loss:backward()
            return loss
          end)
          if net(x):detach():gt(0):eq(y:gt(0.5)):all():item() then
            solved = true
            break
          end
        end
        if not solved then
          return false
        end
      end
      return true
    end
    local rows, reached = {}, {}
    for _, width in ipairs(L.size({ 1, 2, 3 }, { 1, 2 })) do
      local weights, most = 4 * width + 1, 0
      local r = L.over(p, function(seed)
        local n = 1
        while n < L.size(8, 5) and shatters(n + 1, width, p.tries, seed) do
          n = n + 1
        end
        most = math.max(most, n)
        return { shattered = n }
      end, ("units_%d_"):format(width))
      reached[width] = most
      local threshold = nn.theory.vc_bounds { weights = weights, units = width + 1, activation = "threshold" }[1]
      local sigmoid = nn.theory.vc_bounds { weights = weights, units = width + 1, activation = "sigmoid" }[1]
      rows[#rows + 1] = { width, weights, L.mean(r.shattered), most, threshold.value, sigmoid.value }
    end
    L.table({ "hidden units", "W", "points, mean", "most", "threshold units: 2 W log2(e M)", "sigmoid units: Karpinski "
      .. "& Macintyre" }, rows,
      "Nets 2-M-1 of tanh units: random points that training labels in every way (a lower bound; the "
        .. "search stops at " .. L.size(8, 5)
        .. "). The slide's bound is for threshold units, tanh units have the last column's:")
    L.check(reached[2] > halves, "two hidden units shatter more points than any half-plane")

    -- Cover: the share of random labellings of n points in d dims that a plane through 0 gives
    local d, draws = 10, p.draws
    local shares, theory, ns = {}, {}, {}
    for _, n in ipairs { 5, 10, 15, 20, 25, 30 } do
      local g, hits = nn.Generator(100 * p.seed + n), 0
      for _ = 1, draws do
        local x = nn.randn({ n, d }, { generator = g, dtype = "float64" })
        local y = nn.rand({ n }, { generator = g }):ge(0.5):to "int64"
        local mixed = y:min():item() ~= y:max():item()
        -- through the origin: the margin without a threshold is above 0
        local z = mixed and nn.theory.margin(x, y, { bias = false }) or nn.theory.margin(nn.cat({ x, -x }, 1),
          nn.cat({ nn.ones(n), nn.zeros(n) }, 1), { bias = false })
        hits = hits + (z > 1e-9 and 1 or 0)
      end
      ns[#ns + 1], shares[#shares + 1], theory[#theory + 1] = n, hits / draws, nn.theory.cover_probability(n, d)
    end
    local worst = 0
    for i = 1, #ns do
      worst = math.max(worst, math.abs(shares[i] - theory[i]))
    end
    L.picture("line", { { x = ns, y = theory, label = "Cover 1965" }, { x = ns, y = shares, label = "random labels",
      style = "points" } },
      { title = "Share of labellings a plane in 10 dims gives", xlabel = "points", ylabel = "share" })
    -- six shares; 4.5 standard errors of a share at 1/2 are passed once in 25,000 runs
    L.check(worst < 4.5 * 0.5 / math.sqrt(draws), "the measured shares agree with Cover's count within 4.5 standard errors")
    L.result { worst_off_cover = worst }
    L.finding("half-planes have VC dimension %d; a net with 2 tanh units (9 weights) labels %d random points in every way (the "
      .. "slide's bound, %.0f, is for "
      .. "threshold units; for tanh only %.0f is proved); and at n = 2d points a plane gives half of all labellings (measured "
      .. "%.2f, Cover %.2f)", halves, reached[2],
      rows[2][5], rows[2][6], shares[4], theory[4])
  end,
}
