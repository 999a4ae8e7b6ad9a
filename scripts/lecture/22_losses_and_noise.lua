-- The loss is an assumption about the noise: Gaussian gives MSE, Laplace gives L1, and what is known goes in.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "22_losses_and_noise",
  title = "Losses and noise", slide = "One word about loss functions", tools = "nn.MSELoss, nn.L1Loss, nn.GaussianNLLLoss, "
    .. "nn.LaplaceNLLLoss, nn.data.noise",
  source = "Huber 1964; Lange, Little & Taylor 1989",
  says = "Mean-squared error for Gaussian noise assumption, absolute error for Laplace noise assumption. If specific "
    .. "information about noise is known the loss "
    .. "function can be adapted.",
  does = "That the likelihoods are these losses is computed. Then straight lines are fitted to many data sets at once, with "
    .. "every loss at its exact optimum (reweighted least squares), for each kind of noise: whose "
    .. "estimates are nearer to the truth? And with specific information: the loss of Student's t where the noise is t with 3 "
    .. "degrees of freedom, and a Gaussian likelihood with the known deviation of each sample.",
  asks = {
    { "The noise is Laplace's. How many fewer samples does L1 need than MSE?", "in the limit of many samples half as many; "
      .. "with 100 it is about 0.6" },
    { "You know that half of the samples are ten times noisier. What do you do?", "weigh each by 1/sigma^2: nn.GaussianNLLLoss "
      .. "with its variance" },
  },
  seeds = { 20, small = 4 },
  params = { sets = { 60, small = 25, doc = "data sets in each run", min = 2 }, n = { 100, doc = "samples in a data set",
    min = 5 } },
  run = function(p)
    nn.manual_seed(p.seed)
    local x, y = nn.randn({ 1000 }, { dtype = "float64" }), nn.randn({ 1000 }, { dtype = "float64" })
    local one = nn.ones_like(x)
    local gauss = (nn.GaussianNLLLoss()(x, y, one) - nn.MSELoss()(x, y) / 2):abs():item()
    local laplace = (nn.LaplaceNLLLoss()(x, y, one) - nn.L1Loss()(x, y)):abs():item()
    L.check(gauss < 1e-12 and laplace < 1e-12, "the negative log-likelihoods are MSE / 2 and L1, up to constants")

    -- Each loss as weights of a least-squares fit that are computed again from its residuals (iteratively reweighted least
    -- squares); all data sets of a run at once.
    local weights = {
      MSE = function(r) return nn.ones_like(r) end,
      L1 = function(r) return 1 / r:abs():clamp { min = 1e-7 } end,
      Huber = function(r) return (1.0 / r:abs()):clamp { max = 1.0 } end,
      ["Student t"] = function(r) return 4 / (3 + (r / math.sqrt(1 / 3)):square()) end, -- 3 degrees of freedom, deviation 1
    }
    local function fit(a, b, loss, known)
      local w = known and 1 / known:square() or nn.ones_like(a)
      local slope, offset
      for _ = 1, (known or loss == "MSE") and 1 or 60 do
        local sum = w:sum(2, true)
        local ma, mb = (w * a):sum(2, true) / sum, (w * b):sum(2, true) / sum
        slope = (w * (a - ma) * (b - mb)):sum(2, true) / (w * (a - ma):square()):sum(2, true)
        offset = mb - slope * ma
        w = known and w or weights[loss](b - slope * a - offset)
      end
      return ((slope - 2):square() + (offset - 1):square()):mean():item()
    end
    local scale = { laplace = math.sqrt(0.5), uniform = math.sqrt(3), student = math.sqrt(1 / 3), gaussian = 1 }
    local function errors(seed, kind, n)
      local g = nn.Generator(seed)
      local a = nn.rand({ p.sets, n }, { generator = g, dtype = "float64" }) * 2 - 1
      local noise, known
      if kind == "two sizes" then
        known = nn.where(nn.rand({ p.sets, n }, { generator = g }):lt(0.5), 0.2, 2.0):to "float64"
        noise = nn.randn({ p.sets, n }, { generator = g, dtype = "float64" }) * known
      else
        noise = nn.data.noise(kind, p.sets * n, scale[kind], { seed = seed }):to("float64"):reshape(p.sets, n)
      end
      local b, out = a * 2 + 1 + noise, {}
      for loss in pairs(weights) do
        out[loss] = fit(a, b, loss)
      end
      out.known = known and fit(a, b, "MSE", known)
      return out
    end
    local kinds, losses, rows, lists = { "gaussian", "laplace", "uniform", "student", "two sizes" },
      { "MSE", "L1", "Huber", "Student t", "known" }, {}, {}
    for k, kind in ipairs(kinds) do
      lists[kind] = L.over(p, function(seed)
        return errors(seed, kind, p.n)
      end, kind:gsub(" ", "_") .. "_")
      rows[k] = { kind }
      for l, loss in ipairs(losses) do
        rows[k][l + 1] = lists[kind][loss] and math.sqrt(L.mean(lists[kind][loss])) or ""
      end
    end
    L.table({ "noise (deviation 1)", "MSE", "L1", "Huber", "Student t", "deviation known" }, rows,
      ("Root mean square error of the two coefficients over %d data sets of %d samples (two sizes: deviation 0.2 or 2, known "
        .. "for each sample):"):format(p.sets * p.seeds, p.n))
    local series = {}
    for l, loss in ipairs { "MSE", "L1", "Student t" } do
      series[l] = { y = {}, label = loss }
      for k, kind in ipairs { "gaussian", "laplace", "uniform", "student" } do
        series[l].y[k] = math.sqrt(L.mean(lists[kind][loss]))
      end
    end
    L.picture("bar", series, { "Gaussian", "Laplace", "uniform", "Student t" }, { title = "Error of the estimates" })
    -- how the limits are approached
    local sizes, growth = L.size({ 25, 100, 400, 1600 }, { 25, 100 }), {}
    for i, n in ipairs(sizes) do
      local g = L.over(p, function(seed)
        local e, f = errors(seed + 10000, "laplace", n), errors(seed + 20000, "gaussian", n)
        return { laplace = e.L1 / e.MSE, gaussian = f.L1 / f.MSE }
      end, ("n_%d_"):format(n))
      growth[i] = { n, L.pm(g.laplace, 2), L.pm(g.gaussian, 2) }
    end
    L.table({ "samples", "Laplace noise", "Gaussian noise" }, growth, "Squared error of L1 over that of MSE; for many samples "
      .. "theory says 1/2 and pi/2 = 1.57:")
    local function ratio(what, kind, a, b)
      return L.compare(what, lists[kind][a], lists[kind][b], { ratio = true })
    end
    local g = ratio("Gaussian noise: L1's squared error over MSE's", "gaussian", "L1", "MSE")
    local l = ratio("Laplace noise: L1's squared error over MSE's", "laplace", "L1", "MSE")
    local t = ratio("t noise: the t likelihood's over MSE's", "student", "Student t", "MSE")
    local h = ratio("two known deviations: weighted over plain MSE", "two sizes", "known", "MSE")
    L.expect(g, "higher")
    L.expect(l, "lower")
    L.expect(t, "lower")
    L.expect(h, "lower")
    L.finding("with %d samples and Gaussian noise L1's squared error is %s as MSE's, with Laplace noise %s (the limits for "
      .. "many samples are 1.57 and 0.5); the likelihood of Student's t is %s where the noise is that, and "
      .. "known deviations make the squared error %s", p.n, tostring(g), tostring(l), tostring(t), tostring(h))
  end,
}
