-- The experiment that scripts 15 to 18 share: a deep net that does not train, and the same net with one thing changed.

local L, p = ...
local nn = L.nn
local M = { depth = p.depth, width = 32, seeds = p.seeds, epochs = p.epochs }

local train = nn.data.teacher { n = L.size(4000, 1500), features = 16, outputs = 4, classes = true, seed = 3 }

---The gradient at the output of the first hidden layer over that of the last, from a diagnosis.
function M.ratio(report)
  local sizes = {}
  for _, l in ipairs(report.layers) do
    if l.kind == "Linear" and l.module.out_features == M.width and l.grad_rms then
      sizes[#sizes + 1] = l.grad_rms
    end
  end
  return sizes[1] / sizes[#sizes]
end

---Gradient ratio (first / last hidden layer) before training and training accuracy after it, over the seeds.
---@param build fun(): nn.Module
function M.measure(build)
  local ratios, accuracies = {}, {}
  for seed = 1, M.seeds do
    nn.manual_seed(seed)
    local net = build()
    local r = nn.diagnose(net, train:loader { batch_size = 128 }, nn.CrossEntropyLoss(), { batches = 2, jacobian = false })
    ratios[seed] = M.ratio(r)
    local run = L.fit(net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = 0.01, momentum = 0.9 }), epochs = M.epochs,
      batch = 32 })
    accuracies[seed] = run.history[#run.history].accuracy
  end
  return ratios, accuracies
end

---Sizes of the deep net.
function M.sizes()
  local s = { 16 }
  for i = 1, M.depth do
    s[i + 1] = M.width
  end
  s[#s + 1] = 4
  return s
end

---The patient: sigmoid units, PyTorch's default weights.
function M.patient(opts)
  return L.mlp(M.sizes(), opts or { act = nn.Sigmoid })
end

---The share of the most frequent class.
function M.chance()
  local best = 0
  for c = 1, 4 do
    best = math.max(best, train.y:eq(c):to("float32"):mean():item())
  end
  return best
end

---Runs the patient and the cures {name, build}, prints, checks that the named cure trains and the patient does not.
function M.compare(cures)
  local chance = M.chance()
  local all = { { "the patient: sigmoid", M.patient } }
  table.move(cures, 1, #cures, 2, all)
  local rows, result, bars, names = {}, {}, {}, {}
  for i, c in ipairs(all) do
    local ratios, acc = M.measure(c[2])
    rows[i] = { c[1], L.mean(ratios), L.pm(acc) }
    result[i] = { ratio = L.mean(ratios), accuracy = L.mean(acc) }
    bars[i], names[i] = L.mean(acc), c[1]
  end
  L.table({ ("%d layers"):format(M.depth), "gradient first / last", "training accuracy" }, rows)
  L.say("Always answering the most frequent class gets %.3f.", chance)
  L.picture("bar", bars, names, { title = "Training accuracy after " .. M.epochs .. " epochs" })
  -- 4 standard errors of a share over the training set
  local noise = 4 * 0.5 / math.sqrt(#train)
  L.check(result[1].accuracy < chance + noise + 0.02, "the patient does not learn (chance %.3f)", chance)
  return result, chance
end

return M
