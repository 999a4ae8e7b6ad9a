-- How the matrices look: shapes, pictures, and what training does to their singular values.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "41_how_matrices_look",
  title = "How the matrices look", slide = "One word how the matrices look like? / Neural networks are nested structures",
    tools = "nn.svd, nn.plot.grid, nn.plot.heatmap", source = "Marchenko & Pastur 1967",
  says = "Neural networks are nested structures: y = f(h5(h4(h3(h2(h1(x; W1); W2); W3); W4); W5); W6). One word: how do the "
    .. "matrices look like?",
  does = "A net 784-64-64-10 is trained on images. The shape of each W, as many rows as the layer has units and as many "
    .. "columns as it has inputs, and that the product of shapes fits together; the rows of W1 as images before and after "
    .. "training; and the singular values of W2 beside those of a random matrix: "
    .. "what training adds stands out of the random ones.",
  asks = {
    { "h has 64 units, x has 784 numbers. Is W1 64 x 784 or 784 x 64?", "64 x 784 for W x; a row is what one unit looks for" },
    { "What do the rows of W1 look like before training?", "noise: neighbouring pixels have nothing to do with each other" },
  },
  seeds = { 6, small = 2 },
  params = { n = { 3000, small = 600, doc = "training images", min = 64 }, epochs = { 6, small = 2, min = 1 }, width = { 64,
    small = 32, min = 4 } },
  run = function(p)
    local width, shown = p.width, nil
    -- correlation between horizontally neighbouring pixels of the rows
    local function smooth(w)
      local img = w:reshape(-1, 28, 28)
      local a, b = img[{ {}, {}, { 1, 27 } }]:reshape(-1), img[{ {}, {}, { 2, 28 } }]:reshape(-1)
      a, b = a - a:mean(), b - b:mean()
      return (a * b):sum():item() / (a:norm():item() * b:norm():item())
    end
    local function top(w)
      local _, s = nn.svd(w)
      return s
    end
    local r = L.over(p, function(seed)
      local train = L.images(seed, p.n)
      nn.manual_seed(seed)
      local net = L.mlp({ 784, width, width, 10 })
      local before = { net[1].weight:detach():clone(), net[3].weight:detach():clone() }
      L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }), epochs = p.epochs })
      local after = { net[1].weight:detach(), net[3].weight:detach() }
      -- U(-a, a) of variance v: the largest singular value of a random width x width matrix is near 2 sqrt(width v)
      local edge = 2 * math.sqrt(width * before[2]:var():item())
      local s0, s1 = top(before[2]), top(after[2])
      shown = shown or { before = before, after = after, s0 = s0, s1 = s1, net = net }
      return { smooth_before = smooth(before[1]), smooth_after = smooth(after[1]), edge_before = s0[1]:item() / edge,
        edge_after = s1[1]:item() / edge, out_before = s0:gt(1.1 * edge):sum():item(),
        out_after = s1:gt(1.1 * edge):sum():item(), moved = (after[2] - before[2]):norm():item() / before[2]:norm():item() }
    end)
    local rows, inputs = {}, { "x (784)", ("h1 (%d)"):format(width), ("h2 (%d)"):format(width) }
    for k = 1, 3 do
      local w = shown.net[2 * k - 1].weight
      rows[k] = { "W" .. k, ("%d x %d"):format(w:size(1), w:size(2)), inputs[k], w:numel() }
    end
    L.table({ "matrix", "rows x columns", "is multiplied with", "weights" }, rows)
    L.table({ "", "before training", "after" }, {
      { "neighbouring pixels of W1's rows, correlation", L.pm(r.smooth_before), L.pm(r.smooth_after) },
        { "W2's largest singular value / the edge of a random matrix", L.pm(r.edge_before, 2), L.pm(r.edge_after, 2) },
      { "singular values of W2 above 1.1 times the edge", L.pm(r.out_before, 1), L.pm(r.out_after, 1) },
    })
    L.picture("grid", shown.before[1][{ { 1, 16 } }]:reshape(16, 28, 28), { title = "16 rows of W1 before training", across = 8 })
    L.picture("grid", shown.after[1][{ { 1, 16 } }]:reshape(16, 28, 28), { title = "The same rows after training", across = 8 })
    L.picture("line", { { y = shown.s0, label = "before training", style = "points" }, { y = shown.s1, label = "after",
      style = "points" } }, { title = "Singular values of W2", xlabel = "number", ylabel = "singular value" })
    local smoother = L.compare("correlation of neighbouring pixels: after over before", r.smooth_after, r.smooth_before)
    local outliers = L.compare("singular values above the random edge: after over before", r.out_after, r.out_before)
    L.expect(smoother, "higher")
    L.expect(outliers, "higher")
    L.finding("W1 is %d x 784, W2 %d x %d, W3 10 x %d; before training W1's rows are noise (correlation of neighbours %.2f), "
      .. "after it %s; of W2's singular values %.1f stand out of those of a random matrix after training, %.1f before", width,
      width, width, width, L.mean(r.smooth_before), tostring(smoother),
      L.mean(r.out_after), L.mean(r.out_before))
  end,
}
