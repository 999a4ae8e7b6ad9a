-- Universal approximation: error against the number of units, in one dimension and in two, and who cannot.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "10_universal_approximation",
  title = "Universal approximation", slide = "Universal Approximation Theorem",
  tools = "nn.theory.constructive_net, random_feature_net, trained_net", source = "Cybenko 1989; Hornik 1991; Leshno, Lin, "
    .. "Pinkus & Schocken 1993",
  says = "For any continuous f on [0, 1]^m and epsilon > 0 there is F(x) = sum alpha_i phi(w_i . x + b_i) with "
    .. "|F(x) - f(x)| < epsilon for all x.",
  does = "Three ways to choose N units for f(x) = sin(2 pi x) + |x - 0.3|: weights written down (the idea of the proof), random "
    .. "hidden weights with a fitted output layer, and all weights trained. The largest error on a fine grid, against N. Then "
    .. "two dimensions, "
    .. "f(x, y) = sin(2 pi x) cos(pi y) + |x - y|, by random features of tanh, and of the polynomial z + z^2 + z^3: sums of N "
    .. "such units are polynomials of "
    .. "degree 3 however many there are, so that activation is not universal (Leshno).",
  asks = {
    { "A unit phi(z) = z^3. How small can the error get with a million units?", "not below that of the best polynomial "
      .. "of degree 3" },
    { "Does the theorem say that training finds the weights?", "no: it says that they exist; the table shows what two ways of "
      .. "finding them reach" },
  },
  seeds = { 8, small = 2 },
  params = { iterations = { 500, small = 100, doc = "of L-BFGS, for the trained nets", min = 1 }, scale = { 10.0,
    doc = "of the random weights", min = 0.0 } },
  run = function(p)
    local function f(x)
      return (x * (2 * math.pi)):sin() + (x - 0.3):abs()
    end
    local widths = L.size({ 2, 4, 8, 16, 32, 64, 128 }, { 4, 16 })
    local n, last = #widths, widths[#widths]
    local constructed = {}
    for i, width in ipairs(widths) do
      constructed[i] = nn.theory.sup_error(nn.theory.constructive_net(f, width), f)
      -- f changes by at most 2 pi + 1 per unit; the construction is off by at most that over N + 1 (half for the step, half for the
      -- smoothing)
      L.check(constructed[i] <= (2 * math.pi + 1) / (width + 1), "the construction keeps its bound K / (N + 1) with K = 2 pi "
        .. "+ 1 (N = %d)", width)
    end
    local rows, random, trained = {}, {}, {}
    for i, width in ipairs(widths) do
      local r = L.over(p, function(seed)
        return { random = nn.theory.sup_error(nn.theory.random_feature_net(f, width, { seed = seed, scale = p.scale }), f),
          trained = nn.theory.sup_error(nn.theory.trained_net(f, width, { seed = seed, iterations = p.iterations,
            scale = p.scale }), f) }
      end, ("units_%d_"):format(width))
      random[i], trained[i] = r.random, r.trained
      rows[i] = { width, constructed[i], L.mean(r.random), L.mean(r.trained) }
    end
    L.table({ "N", "constructed", "random features", "trained from there" }, rows, "max |F(x) - f(x)| in one dimension, mean "
      .. "of the seeds:")
    local function series(lists, label)
      return { x = widths, y = L.bars(lists).y, label = label, style = "linespoints" }
    end
    L.picture("line", { { x = widths, y = constructed, label = "constructed", style = "linespoints" },
      series(random, "random features"), series(trained, "trained") },
      { title = "Error against the number of units", xlabel = "N", ylabel = "largest error", log = "xy" })

    -- two dimensions: random hidden weights, the output layer by least squares
    local function surface(xy)
      local x, y = xy:select(2, 1), xy:select(2, 2)
      return (x * (2 * math.pi)):sin() * (y * math.pi):cos() + (x - y):abs()
    end
    local function grid(k)
      local t = nn.linspace(0, 1, k, { dtype = "float64" })
      return nn.stack({ t:unsqueeze(2):expand(k, k):reshape(-1), t:unsqueeze(1):expand(k, k):reshape(-1) }, 2)
    end
    local inside, fine = grid(L.size(41, 25)), grid(L.size(97, 49))
    local acts = { tanh = nn.tanh, polynomial = function(z) return z + z * z + z * z * z end }
    local function error_of(act, width, seed)
      local g = nn.Generator(seed)
      local w = nn.randn({ 2, width }, { generator = g, dtype = "float64" }) * 4
      local places = nn.rand({ 2, width }, { generator = g, dtype = "float64" })
      local function features(xy)
        return nn.cat({ acts[act](xy:matmul(w) - (w * places):sum(1)), nn.ones({ #xy, 1 }, { dtype = "float64" }) }, 2)
      end
      local u, s, v = nn.svd(features(inside))
      local kept = nn.where(s:gt(1e-10 * s[1]:item()), 1 / s, 0.0)
      local alpha = v:t():matmul(u:t():matmul(surface(inside)) * kept)
      return (features(fine):matmul(alpha) - surface(fine)):abs():max():item()
    end
    local plane_widths, plane_rows, plane = L.size({ 5, 10, 20, 50, 100, 200 }, { 5, 20, 60 }), {}, { tanh = {}, polynomial = {} }
    for i, width in ipairs(plane_widths) do
      local r = L.over(p, function(seed)
        return { tanh = error_of("tanh", width, seed), polynomial = error_of("polynomial", width, seed) }
      end, ("plane_%d_"):format(width))
      plane.tanh[i], plane.polynomial[i] = r.tanh, r.polynomial
      plane_rows[i] = { width, L.mean(r.tanh), L.mean(r.polynomial) }
    end
    L.table({ "N", "tanh", "z + z^2 + z^3" }, plane_rows, "max |F(x, y) - f(x, y)| in two dimensions, random features, mean "
      .. "of the seeds:")
    L.picture("line", { { x = plane_widths, y = L.bars(plane.tanh).y, label = "tanh", style = "linespoints" },
      { x = plane_widths, y = L.bars(plane.polynomial).y,
      label = "z + z^2 + z^3", style = "linespoints" } }, { title = "A polynomial is not universal", xlabel = "N",
        ylabel = "largest error", log = "xy" })
    local few, many = plane.polynomial[#plane_widths - 1], plane.polynomial[#plane_widths]
    local worst = 0
    for i = 1, p.seeds do
      worst = math.max(worst, math.abs(many[i] / few[i] - 1))
    end
    -- the ten polynomials of degree 3 or less are all there with ten units; the rest is rounding of a 10-dim least squares
    L.check(worst < 1e-4, "more units of a polynomial activation change nothing")
    L.expect(L.compare(("N = %d in the plane: tanh's error over the polynomial's"):format(plane_widths[#plane_widths]),
      plane.tanh[#plane_widths], many, { ratio = true }), "lower")
    L.expect(L.compare(("N = %d: random features' error over the construction's"):format(last), random[n], constructed[n],
      { ratio = true }), "lower")
    local by_training = L.compare(("N = %d: trained over random features"):format(last), trained[n], random[n], { ratio = true })
    local at_four = L.compare(("N = %d: trained over random features"):format(widths[L.size(2, 1)]), trained[L.size(2, 1)],
      random[L.size(2, 1)], { ratio = true })
    L.expect(at_four, "lower")
    L.say("Few units gain by training: there the places of the bends matter. With many, random places are near enough to all "
      .. "of them, and this training (of the squared error) found nothing better than the fitted output layer; what is left is "
      .. "at the kink of |x - 0.3|.")
    local slope = math.log(constructed[n] / constructed[n - 1]) / math.log(widths[n] / widths[n - 1])
    L.finding("the construction's error falls like N^%.2f in the end, to %.3g with %d units; with %d units the trained nets' "
      .. "error is %s "
      .. "as random features' error, with %d %s; in the plane tanh "
      .. "reaches %.2g with %d units, and a polynomial activation stays at %.2f", slope, constructed[n], last, widths[L.size(2,
      1)], tostring(at_four), last, tostring(by_training),
      L.mean(plane.tanh[#plane_widths]), plane_widths[#plane_widths], L.mean(many))
  end,
}
