-- A sweep of many short trials: what it costs beside them, and, killed on the way (kill -9) and started again, that every
-- trial is there exactly once.
--   ./nnlua tests/faults/sweep.lua [TRIALS] [KILLS] [EPOCHS of a trial]

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"

local trials, kills, epochs = tonumber(arg[1] or 200), tonumber(arg[2] or 3), tonumber(arg[3] or 40)
local nnlua = core.program()
local folder = os.tmpname()
os.remove(folder)
core.make_directory(folder)
core.write_file(folder .. "/trial.lua", ([[
local nn = require "nn"
return nn.experiment{
  name = "trial", params = {lr = 0.1, width = 8},
  run = function(p, run)
    local x = nn.randn(512, 8)
    local y = (x:sum(2):tanh()):unsqueeze(2)
    local model = nn.Sequential(nn.Linear(8, p.width), nn.Tanh(), nn.Linear(p.width, 1))
    local fit = nn.train.fit{
      model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = p.lr}),
      train = nn.data.tensors(x, y):loader{batch_size = 32, shuffle = true}, epochs = EPOCHS, run = run, progress = "none",
    }
    return {loss = fit.best.loss}
  end,
}
]]):gsub("EPOCHS", tostring(epochs)) .. "")

local function command(...)
  return assert(core.start({ nnlua, ... }, folder .. "/output.txt"))
end
local function wait(p)
  local kind, number = p:poll()
  while not kind do
    core.sleep(0.002)
    kind, number = p:poll()
  end
  return kind, number
end

local values = {}
for i = 1, trials // 2 do
  values[i] = tostring(i / trials)
end
local argv = { "sweep", folder .. "/trial.lua", "--set", "lr=" .. table.concat(values, ","), "--set", "width=8,16", "--jobs", "2",
  "--out", folder .. "/runs" }
local began = core.time()
local p = command(table.unpack(argv))
local sweep = folder .. "/runs/trial/sweep-1"
for _ = 1, kills do
  core.sleep(0.3 + trials * 0.01 / (kills + 1))
  p:kill "kill"
  wait(p)
  p = command("sweep", "--resume", sweep)
end
local kind, status = wait(p)
local seconds = core.time() - began

local seen, wrong, own, lines = {}, 0, 0, 0
for line in io.lines(sweep .. "/trials.jsonl") do
  local t = assert(core.json_decode(line))
  lines = lines + 1
  local key = ("%s/%s/%s"):format(t.parameters.lr, t.parameters.width, t.parameters.seed)
  wrong = wrong + (seen[key] and 1 or 0)
  seen[key] = true
  local run = index.run(("%s/trials/%04d"):format(sweep, t.number), true)
  local right = run and run.state == "finished" and run.parameters.lr == t.parameters.lr and #run.history == epochs
  wrong = wrong + (right and 0 or 1)
  own = own + (right and run.seconds or 0)
  local known = {}
  for _, row in ipairs(run and run.history or {}) do
    wrong = wrong + (known[row.epoch] and 1 or 0)
    known[row.epoch] = true
  end
end
local whole = kind == "exit" and status == 0 and lines == trials and wrong == 0
print(("%d trials, %d kills: %d lines, %d wrong, exit %s %s; %.1f s, trials' own time / 2 = %.1f s, ratio %.2f"):format(trials,
  kills, lines, wrong, kind, status, seconds, own / 2, seconds / (own / 2)))
assert(plain.read(sweep .. "/sweep.json"))
if whole then
  os.execute("rm -r " .. folder)
end
os.exit(whole)
