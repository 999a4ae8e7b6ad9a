-- Random training steps: every optimizer with random options, accumulation, clipping, freezing, shared weights, second order,
-- writes in place, kept results, arguments that are one another, parameters or gradients. Compiled they give the bits they
-- give eagerly.
--   ./nnlua tests/fuzz/steps.lua SEED PLAYS

package.path = (arg and arg[0] or ""):match "^(.-)[^/]*$" .. "?.lua;tests/fuzz/?.lua;" .. package.path
local core = require "nn.core"
local twins = require "twins"

local M = {}

local function one(r, list)
  return list[r:integer(#list)]
end

local function number(r, low, high)
  return ("%.3g"):format(low + (high - low) * r:integer(1000) / 1000)
end

-- Options that optimizers may be given; those of others follow from their bounds.
local rules = {
  SGD = { lr = { 0.001, 0.1 }, momentum = { 0.1, 0.95 }, dampening = { 0, 0.5 }, weight_decay = { 0, 0.1 }, maximize = "bool" },
  Adam = { lr = { 0.001, 0.05 }, eps = { 1e-8, 1e-3 }, weight_decay = { 0, 0.1 }, maximize = "bool", betas = "betas" },
  AdamW = { lr = { 0.001, 0.05 }, weight_decay = { 0, 0.1 }, betas = "betas" },
  Adagrad = { lr = { 0.001, 0.1 }, lr_decay = { 0, 0.1 }, initial_accumulator_value = { 0, 0.5 } },
  Adadelta = { lr = { 0.1, 1 }, rho = { 0.5, 0.95 }, weight_decay = { 0, 0.1 } },
  RMSprop = { lr = { 0.001, 0.05 }, alpha = { 0.5, 0.99 }, momentum = { 0, 0.9 }, centered = "bool" },
  Rprop = { lr = { 0.001, 0.05 } },
  Adamax = { lr = { 0.001, 0.05 }, betas = "betas" },
  NAdam = { lr = { 0.001, 0.05 }, momentum_decay = { 0.001, 0.01 } },
  RAdam = { lr = { 0.001, 0.05 }, weight_decay = { 0, 0.1 } },
  LAMB = { lr = { 0.001, 0.05 }, weight_decay = { 0, 0.1 } },
  Lion = { lr = { 0.0005, 0.01 }, weight_decay = { 0, 0.1 } },
  ASGD = { lr = { 0.001, 0.05 }, lambd = { 1e-5, 1e-3 }, t0 = { 1, 10 } },
}
local rule_names = {}
for i, rule in ipairs(core.optimizers()) do
  rule_names[i] = rule.name
  if not rules[rule.name] then
    rules[rule.name] = {}
    for _, o in ipairs(rule.options) do
      if o.boolean then
        rules[rule.name][o.name] = "bool"
      elseif o.at == 0 then
        rules[rule.name][o.name] = o.default > 0 and { o.default / 2, math.min(2 * o.default, 0.9 * o.below) } or { 0, 0.1 }
      end
    end
  end
end
table.sort(rule_names)

local function make_optimizer(r)
  local name = one(r, rule_names)
  local names, parts = {}, {}
  for option in pairs(rules[name]) do
    names[#names + 1] = option
  end
  table.sort(names)
  for _, option in ipairs(names) do
    local range = rules[name][option]
    if r:integer(2) == 1 then
      if range == "bool" then
        parts[#parts + 1] = option .. " = true"
      elseif range == "betas" then
        parts[#parts + 1] = ("betas = { %s, %s }"):format(number(r, 0.5, 0.95), number(r, 0.8, 0.99))
      else
        parts[#parts + 1] = ("%s = %s"):format(option, number(r, range[1], range[2]))
      end
    end
  end
  local what = one(r, { "model:parameters()", "{ { params = model[1]:parameters(), lr = 0.01 }, { params = rest() } }",
    "nn.optim.groups(model, { { 'bias$' }, { '.*', lr = 0.02 } })" })
  return ("nn.optim.%s(%s, { %s })"):format(name, what, table.concat(parts, ", "))
end

local layers = { "nn.Tanh()", "nn.ReLU()", "nn.ELU()", "nn.Dropout(0.3)", "nn.LayerNorm(4)", "nn.BatchNorm1d(4)", "nn.Linear(4, 4)",
  "nn.Residual(nn.Linear(4, 4), nn.GELU())", "shared", "nn.Highway(4)", "nn.SpectralNorm(nn.Linear(4, 4))", "nn.SiLU()",
  "nn.GroupNorm(2, 4)", "nn.Softplus()", "nn.AlphaDropout(0.2)" }

local losses = { "nn.MSELoss()", "nn.L1Loss()", "nn.HuberLoss()", "nn.SmoothL1Loss()", "nn.LogCoshLoss()", "nn.MSELoss({ reduction = 'sum' })" }

-- Parts of a step. `a` and `b` are its arguments, `h` the model's output.
local before = {
  "opt:zero_grad()", "model:zero_grad()", "for _, p in ipairs(model:parameters()) do p.grad = nil end", "w.grad = nil",
  "for _, p in ipairs(model:parameters()) do if p.grad then p.grad:zero_() end end", "", "opt:zero_grad(); w.grad = nil",
  "local t = nn.zeros(4); t:add_(1); t[2] = 5", "state:mul_(0.9):add_(a:mean(1))", "nn.no_grad(function() w:add_(0.001) end)",
}
local middle = {
  "h = h + w", "h = h * a", "h = h + b.grad", "h = h + (w.grad and w.grad:detach() or 0)", "h = h * state", "h = h + nn.rand(4)",
  "h = h:clone(); h:mul_(1.1)", "h = h + a:t():t()", "h[1] = 0", "h = nn.cat({ h, h * 2 }, 1):narrow(1, 1, #h)",
  "h:narrow(2, 1, 2):tanh_()", "h = nn.checkpoint(function(v) return v:tanh() * w end, h)", "h = nn.where(h:gt(0), h, h * 0.1)",
  "local c = nn.full({ 4 }, 0.5); h = h * c; c:add_(1)", "h = h - h:mean(1, true):detach()", "h = h + nn.dropout(a, 0.5):detach()",
  "h = h + (g and g * 0.1 or 0)", "h = h + (leaf2.grad or 0)", "if g then g:mul_(0.9) end", "local l = leaf.grad; if l then l:add_(0.1) end",
  "h = h:unbind(2)[1]:unsqueeze(2) + h", "h = h * nn.arange(4):to('float32')",
}
local after = {
  "loss:backward()", "loss:backward()", "loss:backward{ retain_graph = true }; loss:backward()",
  "(loss * 0.5):backward{ retain_graph = true }; (loss * 0.5):backward()",
  "local g = nn.grad(loss, model:parameters(), { create_graph = true, allow_unused = true }); local s = loss; "
    .. "for _, x in ipairs(g) do if x then s = s + x:square():sum() * 0.01 end end; s:backward()",
  "loss:backward(); w.grad = w.grad and w.grad * 0.5 or nil", "loss:backward(); leaf2.grad = w.grad", "loss:backward(); w.grad = a:detach()",
  "loss:backward(); leaf.grad = nn.full({ 5, 4 }, 2.)[{ { 2, 4 } }]", "loss:backward(); leaf.grad, leaf2.grad = leaf2.grad, leaf.grad",
  "loss:backward(); leaf.grad = h:detach():t():contiguous():t()", "loss:backward(); leaf2.grad = big[{ { 1, 3 } }]",
}
local then_ = {
  "opt:step()", "opt:step()", "nn.optim.clip_grad_norm_(model:parameters(), 0.3); opt:step()",
  "nn.optim.clip_grad_value_(model:parameters(), 0.05); opt:step()", "opt:step(); opt:step()", "",
  "nn.no_grad(function() for _, p in ipairs(model:parameters()) do if p.grad then p:sub_(p.grad * 0.01) end end end)",
  "opt:step(); opt:zero_grad()", "opt:step(); nn.no_grad(function() w:mul_(0.99) end)",
}

local arguments = {
  "return fresh(n, 1), fresh(n, 2)", "local x = fresh(n, 1); return x, x", "return fresh(n, 1), w", "return w, w",
  "return leaf, fresh(n, 2)", "return leaf, leaf", "return leaf, leaf2", "return big[{ { 1, 3 } }], big[{ { 2, 4 } }]",
  "return leaf2.grad or fresh(n, 1), fresh(n, 2)", "return g or fresh(n, 1), fresh(n, 2)",
  "return big[{ { 1, 3 } }], big[{ { 1, 3 } }]", "return fresh(n, 1):t():contiguous():t(), fresh(n, 2)",
  "return fresh(n, 1), w.grad and w.grad:expand(3, 4):clone() or fresh(n, 2)", "return w.grad or w:detach(), fresh(n, 2)",
  "return state:expand(3, 4), fresh(n, 2)", "return last_output or fresh(n, 1), fresh(n, 2)",
}

local deeds = {
  "w.grad = nil", "if w.grad then w.grad:mul_(0.5) end", "for _, p in ipairs(model:parameters()) do if p.grad then p.grad:mul_(0) end end",
  "if last then last:detach():mul_(0) end", "for _, t in ipairs(kept or {}) do if nn.is_tensor(t) then t:detach():add_(1) end end",
  "model:eval()", "model:train()", "model[1]:requires_grad_(false)", "model:requires_grad_(true)", "leaf.grad = nil; leaf2.grad = nil",
  "opt.param_groups[1].lr = opt.param_groups[1].lr * 0.9", "opt:load_state_dict(opt:state_dict())", "state:fill_(0.5)",
  "nn.no_grad(function() w:fill_(0.2) end)", "leaf:detach():mul_(0.5)", "big:add_(0.1)", "model:zero_grad()",
  "last_output = kept and kept[#kept]", "last_output = nil", "collectgarbage()", "grads = {}; for i, p in ipairs(model:parameters()) do "
    .. "grads[i] = p.grad end", "for i, p in ipairs(model:parameters()) do p.grad = grads and grads[i] or nil end",
  "if leaf.grad then leaf.grad:add_(1) end", "leaf.grad = leaf2.grad", "leaf.grad = big[{ { 2, 4 } }]", "w.grad = state:expand(3, 4):clone()",
  "g = w.grad", "g = nil", "w.grad = g", "leaf2.grad = g", "leaf.grad = last_output and last_output:clone() or nil", "if g then g:add_(0.5) end",
  "leaf.grad, leaf2.grad = leaf2.grad, leaf.grad", "w.grad = nn.randn(4, 3):t()", "leaf.grad = last_output", "model:load_state_dict(model:state_dict())",
}

function M.make(r)
  local list = { "nn.Linear(4, 4)" }
  for i = 1, r:integer(3) do
    list[i + 1] = one(r, layers)
  end
  local body = {}
  for _ = 1, r:integer(4) - 1 do
    body[#body + 1] = "  " .. one(r, middle)
  end
  local lines = {
    "shared = nn.Linear(4, 4)",
    ("model = nn.Sequential(%s)"):format(table.concat(list, ", ")),
    "function rest() local all, first = { nn.Parameter(nn.zeros(1)) }, {}; for _, p in ipairs(model[1]:parameters()) do first[p] = true end; "
      .. "for _, p in ipairs(model:parameters()) do if not first[p] then all[#all + 1] = p end end; return all end",
    "w = nn.randn(3, 4):mul_(0.1):requires_grad_()",
    "leaf, leaf2 = nn.randn(3, 4):requires_grad_(), nn.randn(3, 4):requires_grad_()",
    "big, state = nn.randn(4, 4), nn.randn(4)",
    "shown = { w, leaf, leaf2, big, state }",
    "opt = " .. make_optimizer(r),
    "crit = " .. one(r, losses),
    "function fresh(n, k) return nn.randn({ 3, 4 }, { generator = nn.Generator(10 * n + k) }) end",
    ("function arguments(n) if n %% 3 == 0 then %s end %s end"):format(one(r, arguments), one(r, arguments)),
    "function step(a, b)",
    "  " .. one(r, before),
    r:integer(3) == 1 and "  " .. one(r, before) or "",
    "  local h = model(a)",
    table.concat(body, "\n"),
    "  local loss = crit(h, b.requires_grad and b or b:detach())",
    "  " .. one(r, after),
    "  " .. one(r, then_),
    "  " .. one(r, { "return loss, h:detach()", "return loss:detach(), h:detach(), 3", "return loss, a, b", "return loss, w", "return loss, w.grad",
      "return loss, h:detach(), h:detach()[1]", "return loss, leaf.grad, leaf2.grad", "local c = nn.full({ 4 }, 2.); return loss, c, c[{ { 2, 3 } }]",
      "return loss, a[1], a" }),
    "end",
  }
  local list_of_deeds = { "call" }
  for _ = 1, 5 + r:integer(8) do
    for _ = 1, r:integer(3) - 1 do
      list_of_deeds[#list_of_deeds + 1] = one(r, deeds)
    end
    list_of_deeds[#list_of_deeds + 1] = "call"
  end
  return table.concat(lines, "\n"), list_of_deeds
end

if arg and arg[0] and arg[0]:find "steps.lua$" then
  local seed, plays = math.tointeger(tonumber(arg[1] or 1)), math.tointeger(tonumber(arg[2] or 200))
  local wrong, calls, recordings = twins.fuzz(M.make, seed, plays, print)
  print(("seed %d: %d plays, %d calls compared, %d recordings, %d wrong"):format(seed, plays, calls, recordings, wrong))
  os.exit(wrong == 0)
end

return M
