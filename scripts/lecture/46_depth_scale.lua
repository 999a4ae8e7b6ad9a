-- How deep can a net be and still train? Mean-field theory against training.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

return L.experiment {
  name = "46_depth_scale",
  title = "Where the field went on: depth scales", slide = "Weight initialization",
    tools = "nn.theory.mean_field, nn.theory.edge_of_chaos", source = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein "
    .. "2017, figure 5",
  says = "Good initializations are able to train even 30+ layer nets.",
  does = "Mean-field theory says over how many layers xi two inputs become indistinguishable in an untrained tanh net with "
    .. "weights of variance sigma_w^2 / k; signals get through about 6 xi of them. Nets of 5 to 60 layers are trained for "
    .. "each sigma_w, and the deepest that learns is compared with 6 xi.",
  asks = {
    { "What is xi at the edge of chaos?", "infinite: there signals get through any depth" },
    { "sigma_w = 0.8: which nets learn?", "those that are not much deeper than 6 xi; the table has the number" },
  },
  seeds = { 5, small = 2 },
  params = { width = { 64, small = 32, min = 8 }, epochs = { 8, small = 3, min = 1 }, n = { 1000, small = 300, min = 64 },
    sigma_b = { 0.05, doc = "deviation of the biases", min = 0.0 } },
  run = function(p)
    local sigmas, depths = L.size({ 0.6, 0.8, 0.9, 1.0, 1.1 }, { 0.6, 1.0 }), L.size({ 5, 10, 20, 40, 60 }, { 5, 20 })
    local theory, learned = {}, {}
    for i, sigma in ipairs(sigmas) do
      theory[i] = nn.theory.mean_field(nn.tanh, { sigma_w = sigma, sigma_b = p.sigma_b })
    end
    local r = L.over(p, function(seed)
      local d, out = nn.data.teacher { n = p.n, features = 16, outputs = 2, classes = true, seed = seed }, {}
      local chance = math.max(d.y:eq(1):to("float32"):mean():item(), d.y:eq(2):to("float32"):mean():item())
      local within, beyond = {}, {}
      for i, sigma in ipairs(sigmas) do
        out["deepest_" .. i] = 0
        for _, depth in ipairs(depths) do
          nn.manual_seed(seed)
          local sizes = { 16 }
          for k = 1, depth do
            sizes[k + 1] = p.width
          end
          sizes[#sizes + 1] = 2
          local net = L.mlp(sizes, { act = nn.Tanh })
          nn.no_grad(function()
            for k = 1, #net, 2 do
              nn.init.normal_(net[k].weight, 0, sigma / math.sqrt(net[k].weight:size(2)))
              nn.init.normal_(net[k].bias, 0, p.sigma_b)
            end
          end)
          local run = L.fit(net, d, { optimizer = nn.optim.SGD(net:parameters(), { lr = 0.02, momentum = 0.9 }),
            epochs = p.epochs, batch = 32 })
          local gain = (run.history[p.epochs].accuracy - chance) / (1 - chance)
          out[("gain_%d_%d"):format(i, depth)] = gain
          local xi = theory[i].xi_c
          local group = depth <= 6 * xi and within or depth > 12 * xi and beyond or {}
          group[#group + 1] = gain
          if gain > 0.5 then -- half of what guessing leaves
            out["deepest_" .. i] = depth
          end
        end
      end
      out.within, out.beyond = L.mean(within), L.mean(beyond)
      return out
    end)
    local rows, matrix = {}, {}
    for i, sigma in ipairs(sigmas) do
      local xi = math.min(theory[i].xi_c, 1e6)
      learned[i] = r["deepest_" .. i]
      rows[i] = { sigma, theory[i].phase, theory[i].chi_1, xi, 6 * xi, L.pm(learned[i], 0) }
      for _, depth in ipairs(depths) do
        matrix[i] = matrix[i] or {}
        local list = r[("gain_%d_%d"):format(i, depth)]
        table.insert(matrix[i], math.max(0, L.mean(list)))
      end
    end
    L.table({ "sigma_w", "phase", "chi", "xi", "6 xi", ("deepest that learns, of %s"):format(table.concat(depths, ", ")) },
      rows, "A net learns if it reaches half of what guessing leaves:")
    local columns = {}
    for i, sigma in ipairs(sigmas) do
      columns[i] = { x = depths, y = matrix[i], label = ("sigma_w = %g, 6 xi = %.0f"):format(sigma,
        math.min(6 * theory[i].xi_c, 9999)), style = "linespoints" }
    end
    L.picture("line", columns, { title = "Training accuracy above chance, by depth", xlabel = "layers",
      ylabel = "accuracy - chance", log = "x", key = "bottom left" })
    L.say("The theory bounds the depth from above: at 12 xi layers and more no signal arrives; between 6 and 12 xi some still "
      .. "do. Near the edge, where it allows hundreds, other things end it first: here %d epochs at one learning rate.",
      p.epochs)
    L.say("Nets of at most 6 xi layers learn %.0f%% of what guessing leaves, those of more than 12 xi %.0f%%.",
      100 * L.mean(r.within),
      100 * L.mean(r.beyond))
    local depth = L.compare("share learned of what guessing leaves: nets of more than 12 xi layers over those of at most 6 xi",
      r.beyond, r.within,
      { points = true })
    L.expect(depth, "lower")
    -- the same depth, so that depth itself is no part of it
    local fixed = depths[L.size(3, 2)]
    local same = L.compare(("share learned at %d layers: sigma_w = %g over %g"):format(fixed, sigmas[L.size(4, 2)], sigmas[1]),
      r[("gain_%d_%d"):format(L.size(4, 2), fixed)], r[("gain_%d_%d"):format(1, fixed)], { points = true })
    L.expect(same, "higher")
    L.check(math.abs(L.mean(r.beyond)) < 0.05, "nets deeper than 12 xi learn nothing over guessing (5%%: their noise)")
    local last = L.size(4, 2)
    L.finding("with sigma_w = %g theory gives 6 xi = %.0f layers, and the deepest net that learns has %.0f; with %g it "
      .. "gives %.0f, "
      .. "and %.0f learn. Nets of more than 12 xi layers learn %.0f%% of what guessing leaves: %s than those of at most 6 xi; "
      .. "at %d layers the larger sigma_w's share is %s",
      sigmas[1],
      6 * theory[1].xi_c, L.mean(learned[1]), sigmas[last], math.min(6 * theory[last].xi_c, 99999), L.mean(learned[last]),
      math.abs(100 * L.mean(r.beyond)), tostring(depth), fixed, tostring(same))
  end,
}
