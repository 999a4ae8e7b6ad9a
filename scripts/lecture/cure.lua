-- The experiment that scripts 15 to 18 share: a deep net that does not train, and the same net with one thing changed.

local L, p = ...
local nn = L.nn
local M = { depth = p.depth, width = p.width, epochs = p.epochs }


local function data(seed)
  return nn.data.teacher { n = L.size(4000, 1500), features = 16, outputs = 4, classes = true, seed = seed }
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

-- The gradient at the output of the first hidden layer over that of the last, by hooks on the layers' outputs.
local function ratio(net, x, y)
  local outs, h = {}, x
  for i = 1, #net - 1 do
    h = net[i](h)
    local kind = net[i]._name
    if kind == "Linear" or kind == "WeightNorm" or kind == "Highway" or kind == "Residual" then
      outs[#outs + 1] = h
    end
  end
  local g = nn.grad(nn.CrossEntropyLoss()(net[#net](h), y), outs)
  return g[1]:norm():item() / g[#g]:norm():item()
end

---Runs the patient and the cures {name, build} over the seeds, prints, checks that the patient does not learn. Gives the lists
---by name: accuracy, ratio (gradient first / last hidden layer before training); and the chance of guessing right.
function M.compare(cures)
  local all = { { "the patient: sigmoid", M.patient } }
  table.move(cures, 1, #cures, 2, all)
  local r = L.over(p, function(seed)
    local train = data(seed)
    local out = { chance = 0 }
    for c = 1, 4 do
      out.chance = math.max(out.chance, train.y:eq(c):to("float32"):mean():item())
    end
    for _, c in ipairs(all) do
      nn.manual_seed(seed)
      local net = c[2]()
      out[c[1] .. " ratio"] = ratio(net, train.x[{ { 1, 256 } }], train.y[{ { 1, 256 } }])
      local run = L.fit(net, train, { optimizer = nn.optim.SGD(net:parameters(), { lr = p.lr, momentum = 0.9 }),
        epochs = M.epochs, batch = 32 })
      out[c[1]] = run.history[#run.history].accuracy
    end
    return out
  end)
  local rows, names, lists = {}, {}, {}
  for i, c in ipairs(all) do
    rows[i] = { c[1], L.mean(r[c[1] .. " ratio"]), L.percent(r[c[1]]) }
    names[i], lists[i] = c[1], r[c[1]]
  end
  L.table({ ("%d layers"):format(M.depth), "gradient first / last", "training accuracy" }, rows)
  L.say("Always answering the most frequent class gets %.1f%%.", 100 * L.mean(r.chance))
  L.picture("bar", { L.bars(lists) }, names, { title = "Training accuracy after " .. M.epochs .. " epochs", yrange = { 0, 1 },
    hline = { L.mean(r.chance), "the most frequent class" } })
  -- 4 standard errors of a share over the training set
  L.check(math.abs(L.mean(r["the patient: sigmoid"]) - L.mean(r.chance)) < 4 * 0.5 / math.sqrt(L.size(4000,
    1500)) + 0.02, "the patient does not learn (chance %.2f)", L.mean(r.chance))
  M.chance = L.mean(r.chance)
  return r
end

---How much more accurate `name` is than `than` (the patient, by default).
function M.gain(r, name, than)
  than = than or "the patient: sigmoid"
  return L.compare(("accuracy: %s over %s"):format(name, than:gsub(": sigmoid", "")), r[name], r[than], { points = true })
end

---How many times larger the gradient's ratio first / last is.
function M.carries(r, name, than)
  than = than or "the patient: sigmoid"
  return L.compare(("gradient first / last: %s over %s"):format(name, than:gsub(": sigmoid", "")), r[name .. " ratio"], r[than
    .. " ratio"], { ratio = true })
end

return M
