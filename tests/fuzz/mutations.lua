-- Random mutations: between calls of a compiled function all that it depends on is changed at random (a model, its settings
-- and classes, its optimizer, upvalues, globals, tables, modules, arguments), and every result, gradient and weight is that
-- of the same function called as it is, or the call is an error that explains itself.
--   ./nnlua tests/fuzz/mutations.lua SEED PLAYS

package.path = (arg and arg[0] or ""):match "^(.-)[^/]*$" .. "?.lua;tests/fuzz/?.lua;" .. package.path
local twins = require "twins"

local M = {}

local function one(r, list)
  return list[r:integer(#list)]
end

local table_layers = require "layers"
local layers = table_layers.sources()
for _, text in ipairs {
  "nn.ELU(0.7)", "nn.LeakyReLU(0.2)", "nn.Linear(4, 4, { bias = false })", "Scale(4)", "nn.Softplus(2)", "nn.WeightNorm(nn.Linear(4, 4))",
  "nn.Dropout(0.3)", "nn.BatchNorm1d(4)", "nn.Linear(4, 4)", "nn.Dropout { p = 0.2, inverted = false }",
} do
  layers[#layers + 1] = text
end
local optimizers = {
  "nn.optim.SGD(%s, { lr = 0.05 })", "nn.optim.SGD(%s, { lr = 0.05, momentum = 0.9, nesterov = true })",
  "nn.optim.Adam(%s, { lr = 0.01 })", "nn.optim.AdamW(%s, { lr = 0.01 })", "nn.optim.RMSprop(%s, { lr = 0.01, momentum = 0.5 })",
  "nn.optim.NAdam(%s)", "nn.optim.RAdam(%s)", "nn.optim.Adagrad(%s)", "nn.optim.Lion(%s)", "nn.optim.Adamax(%s)",
}
local losses = { "nn.MSELoss()", "nn.L1Loss()", "nn.HuberLoss({ delta = 0.8 })", "nn.SmoothL1Loss()", "nn.LogCoshLoss()",
  "nn.QuantileLoss { q = 0.3 }", "nn.KLDivLoss()", "nn.PoissonNLLLoss()", "nn.BCEWithLogitsLoss()", "nn.FocalLoss()", "nn.HingeLoss()",
  "nn.SquaredHingeLoss()", "nn.SoftMarginLoss()", "nn.HingeEmbeddingLoss()", "nn.MultiLabelSoftMarginLoss()", "nn.CrossEntropyLoss()" }

-- Lines that may stand in the step, each of which depends on something.
local sites = {
  "h = h * cfg.scale",
  "if cfg.flag then h = h + cfg.shift end",
  "for _, l in ipairs(extra) do h = l(h) end",
  "h = h * gain",
  "h = util.apply(h)",
  "h = h + count_of(things)",
  "for name, v in pairs(weights) do h = h + v end",
  "h = h * (absent or 1.5)",
  "h = h * box.value",
  "h = adder(h)",
  "h = h * #list / 3",
  "if model.training then h = h * 1.01 end",
  "h = h * opt.param_groups[1].lr * 20",
  "local scale = function(v) return v * cfg.inner.k end; h = scale(h)",
  "h = h + (w.requires_grad and 0.25 or -0.25)",
  "h = h + w",
  "h = h + select(2, table.unpack(list))",
  "h = nested(h)",
  "h = h * keyed[key]",
  "h = other(h)",
  "h = h + nn.randn(4) * 0.01",
  "if w.grad then h = h * 1.001 end",
  "local n = 0; for _ in next, weights do n = n + 1 end; h = h + n / 10",
  "h = h:reshape(shape)",
  "h = h * (rawget(cfg, 'raw') or 0.9)",
  "h = h * derived.field",
  "h = counter(h)",
  "local mod = require 'fuzz_module'; h = mod.f(h) * mod.k",
  "h = h * string_setting:len()",
  "h = nn.checkpoint(function(v) return v * cfg.scale end, h)",
  "h = h + inner(x)",
}

local world_head = table_layers.head .. [[
fuzz_mutate = require("layers").mutate
Scale = nn.Module:extend "Scale"
Scale.factor = 1.1
local bonus = 0.5
function set_bonus(v) bonus = v end
function Scale:init(n) self.gain = nn.Parameter(nn.ones(n)); self.power = 2 end
function Scale:forward(x) return x * self.gain * self.factor + bonus + (self.absent or 0) end
cfg = { scale = 1.2, flag = true, shift = 0.1, inner = { k = 0.8 } }
extra = {}
gain = 0.9
util = { apply = function(h) return h * 1.05 end }
things = { 1, 2, 3 }
function count_of(t) local n = 0; for _, v in ipairs(t) do n = n + v end; return n / 10 end
weights = { a = 0.1, b = -0.2 }
box = setmetatable({}, { __index = { value = 1.1 } })
local k = 0.3
function set_k(v) k = v end
function adder(h) return h + k end
list = { 1, 0.5, 2 }
key = {}
keyed = { [key] = 1.1, [true] = 2 }
w = nn.ones(4):requires_grad_()
local depth = { v = 0.2 }
function nested(h) local function f(x) return x + depth.v end; return f(h) end
function set_depth(v) depth = { v = v } end
other = nn.Linear(4, 4)
shape = { -1, 4 }
local Base = { field = 0.95 }
Base.__index = Base
derived = setmetatable({}, Base)
base = Base
function counter(h) return h * (things.n or 1) end
fuzz_module = { f = function(h) return h end, k = 1 }
package.loaded.fuzz_module = fuzz_module
string_setting = "a"
local inner_k = 0.7
function set_inner(v) inner_k = v end
inner = nn.compile(function(h) return h * inner_k end)
rows = 3
function arguments(n)
  package.loaded.fuzz_module = fuzz_module
  local g = nn.Generator(n)
  return nn.randn({ rows, 4 }, { generator = g }), nn.randn({ rows, 4 }, { generator = g }), mode
end
shown = { w }
]]

-- Changes. %n is a number between -1 and 2, %l a layer, %k a whole number, %i the index of one of the model's layers.
local changes = {
  "pcall(fuzz_mutate, model[%i], %k, %k)", "pcall(fuzz_mutate, model[%i], %k, %k)", "pcall(fuzz_mutate, model[%i], %k, %k)",
  "pcall(fuzz_mutate, model[%i], %k, %k)", "pcall(fuzz_mutate, model[%i], %k, %k)", "pcall(fuzz_mutate, model[%i], %k, %k)",
  "pcall(fuzz_mutate, crit, %k, %k)",
  "cfg.scale = %n", "cfg.flag = not cfg.flag", "cfg.shift = %n", "cfg = { scale = %n, flag = true, shift = %n, inner = { k = %n } }",
  "cfg.inner.k = %n", "cfg.inner = { k = %n }", "cfg.raw = %n", "cfg.raw = nil", "gain = %n", "absent = %n", "absent = nil",
  "extra[#extra + 1] = %l", "table.remove(extra)", "extra = { %l }", "util.apply = function(h) return h * %n end",
  "util = { apply = function(h) return h + %n end }", "things[#things + 1] = %n", "things[1] = %n", "things = { %n }", "things.n = %n",
  "weights.a = %n", "weights.c = %n", "weights.b = nil", "box.value = %n", "box.value = nil", "getmetatable(box).__index.value = %n",
  "setmetatable(box, { __index = function() return %n end })", "set_k(%n)", "set_bonus(%n)", "set_depth(%n)", "set_inner(%n)",
  "list[2] = %n", "list[4] = %n", "list[4] = nil", "keyed[key] = %n", "base.field = %n", "derived.field = %n", "derived.field = nil",
  "Scale.factor = %n", "function Scale:forward(x) return x * self.gain + %n end", "Scale.absent = %n",
  "model[%i] = %l", "model:add(%l)", "model[#model] = nil", "model:eval()", "model:train()", "model[%i]:eval()",
  "model[%i].forward = function(_, x) return x * %n end", "model[%i].forward = nil", "model[%i].bias = nil",
  "if model[%i].weight and nn.is_tensor(model[%i].weight) then model[%i].weight = nn.Parameter(model[%i].weight * %n) end",
  "if model[%i].bias then model[%i].bias = nn.Parameter(model[%i].bias:detach() + %n) end",
  "if model[%i].alpha then model[%i].alpha = %n end", "if model[%i].p then model[%i].p = 0.4 end",
  "if model[%i].negative_slope then model[%i].negative_slope = %n end", "if model[%i].eps then model[%i].eps = 0.01 end",
  "if model[%i].momentum then model[%i].momentum = 0.3 end", "if model[%i].beta then model[%i].beta = 1.5 end",
  "if model[%i].running_mean then model[%i].running_mean = nn.ones(4) end",
  "if model[%i].running_mean then model[%i].running_mean:fill_(%n) end",
  "for _, p in ipairs(model[%i]:parameters()) do p.requires_grad = not p.requires_grad end",
  "nn.no_grad(function() for _, p in ipairs(model[%i]:parameters()) do p:mul_(0.9) end end)",
  "model[%i]:requires_grad_(false)", "model:requires_grad_(true)", "model:zero_grad()", "w.requires_grad = not w.requires_grad",
  "w = nn.ones(4) * %n", "w.grad = nil", "w.grad = nn.ones(4)", "if w.grad then w.grad:mul_(0.5) end", "shown = { w }",
  "for _, p in ipairs(model:parameters()) do if p.grad then p.grad:mul_(0.5) end end",
  "for _, p in ipairs(model:parameters()) do p.grad = nil end",
  "opt.param_groups[1].lr = 0.02", "opt.param_groups[1].weight_decay = 0.1", "opt.param_groups[1].lr = opt.param_groups[1].lr * 0.5",
  "opt = OPT", "opt.param_groups[1].params[1] = nil", "table.remove(opt.param_groups[1].params)",
  "pcall(opt.add_param_group, opt, { params = { w }, lr = 0.03 })", "opt.param_groups = { { params = {}, lr = 0.1 } }",
  "opt:load_state_dict(opt:state_dict())", "opt.step = function() end", "opt.step = nil",
  "crit = LOSS", "crit.reduction = crit.reduction == 'mean' and 'sum' or 'mean'", "if crit.delta then crit.delta = 0.3 end",
  "other = nn.Linear(4, 4)", "other.weight:detach():mul_(0.5)", "other = nn.Sequential(nn.Linear(4, 4), nn.Tanh())",
  "shape = { -1, 2, 4 }", "shape = { -1, 4 }", "rows = 5", "rows = 3", "mode = %n", "mode = nil", "mode = 'a'",
  "hook = model[%i]:register_forward_hook(function(_, y) return y * %n end)", "if hook then hook(); hook = nil end",
  "hook2 = model[%i]:register_forward_pre_hook(function(_, v) return v + 0.1 end)", "if hook2 then hook2(); hook2 = nil end",
  "fuzz_module = { f = function(h) return h * %n end, k = 1 }", "fuzz_module.k = %n", "string_setting = 'ab'", "string_setting = 'b'",
  "model = nn.Sequential(%l, %l); opt = OPT", "for _, t in ipairs(kept or {}) do if nn.is_tensor(t) then t:mul_(0) end end",
  "nn.manual_seed(5)", "collectgarbage()", "nn.Tanh.forward, old = function(_, x) return x * 0.5 end, nn.Tanh.forward; "
    .. "package.loaded.fuzz_old = package.loaded.fuzz_old or old; nn.Tanh.forward = package.loaded.fuzz_old",
  "model:load_state_dict(model:state_dict())", "model = model:clone(); opt = OPT",
}

local function fill(r, text, world)
  text = text:gsub("OPT", function() return world.optimizer end):gsub("LOSS", function() return one(r, losses) end)
  local i = tostring(r:integer(3))
  return (text:gsub("%%(%a)", function(c)
    if c == "n" then
      return ("%.2f"):format((r:integer(301) - 101) / 100)
    elseif c == "l" then
      return one(r, layers)
    elseif c == "k" then
      return tostring(r:integer(60))
    end
    return i
  end))
end

function M.make(r)
  local world = { optimizer = one(r, optimizers):format "all_parameters()" }
  local parts = {}
  for i = 1, 3 do
    parts[i] = one(r, layers)
  end
  local body = {}
  for _ = 1, 1 + r:integer(5) do
    body[#body + 1] = "  " .. one(r, sites)
  end
  local style = r:integer(4)
  local lines = {
    world_head,
    ("model = nn.Sequential(%s)"):format(table.concat(parts, ", ")),
    "function all_parameters() local all = model:parameters(); all[#all + 1] = nn.Parameter(nn.zeros(1)); return all end",
    "opt = " .. world.optimizer,
    "crit = " .. one(r, losses),
    "function step(x, y, extra_argument)",
    style > 1 and (style == 2 and "  opt:zero_grad()" or "  model:zero_grad()") or "",
    "  local h = model(x)",
    table.concat(body, "\n"),
    "  if extra_argument == 'a' then h = h * 2 elseif extra_argument then h = h * extra_argument end",
    "  local loss = crit(h:reshape(y.shape[1], -1), y)",
    style == 4 and "" or "  if loss.requires_grad then loss:backward() end",
    style == 3 and "  nn.optim.clip_grad_norm_(model:parameters(), 0.5)" or "",
    style < 4 and "  opt:step()" or "",
    "  return loss:detach(), h:detach()",
    "end",
  }
  local deeds = { "call" }
  for _ = 1, 6 + r:integer(14) do
    for _ = 1, r:integer(2) do
      deeds[#deeds + 1] = fill(r, one(r, changes), world)
    end
    deeds[#deeds + 1] = "call"
    if r:integer(3) == 1 then
      deeds[#deeds + 1] = "call"
    end
  end
  return table.concat(lines, "\n"), deeds
end

if arg and arg[0] and arg[0]:find "mutations.lua$" then
  local seed, plays = math.tointeger(tonumber(arg[1] or 1)), math.tointeger(tonumber(arg[2] or 200))
  local wrong, calls, recordings = twins.fuzz(M.make, seed, plays, print)
  print(("seed %d: %d plays, %d calls compared, %d recordings, %d wrong"):format(seed, plays, calls, recordings, wrong))
  os.exit(wrong == 0)
end

return M
