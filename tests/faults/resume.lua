-- Runs of an experiment that are broken off at random instants (kill -9, SIGTERM, Ctrl-C) and resumed until they end: their
-- weights, histories and results must be those of the run that was not broken off, compiled and not.
--   ./nnlua tests/faults/resume.lua SEED COUNT [kill|term|int|all]

local core = require "nn.core"
local nn = require "nn"
local plain = require "nn.lab.plain"

local seed, count = tonumber(arg[1] or 1), tonumber(arg[2] or 20)
local which = arg[3] or "all"
local nnlua = arg[-1] or core.program()
local random = nn.Generator(seed)
local folder = os.tmpname()
os.remove(folder)
core.make_directory(folder)

local experiment = [[
local nn = require "nn"
return nn.experiment{
  name = "trial", params = {compile = true, epochs = 6, kind = 1},
  run = function(p, run)
    local g = nn.Generator(5)
    local x = nn.randn({203, 12}, {generator = g})
    local y = (x:narrow(2, 1, 3):sum(2) * 2):tanh():unsqueeze(2) + nn.randn({203, 1}, {generator = g}) * 0.1
    local data = nn.data.tensors(x, y)
    local train = data:range(1, 150):loader{batch_size = 16, shuffle = true, generator = p.kind == 2 and nn.Generator(3) or nil}
    local valid = data:range(151, 203):loader{batch_size = 20}
    local model = nn.Sequential(nn.Linear(12, 24), nn.BatchNorm1d(24), nn.Tanh(), nn.Dropout(0.2), nn.Linear(24, 1))
    local opt = p.kind == 1 and nn.optim.Adam(model:parameters(), {lr = 0.01}) or nn.optim.SGD(model:parameters(),
      {lr = 0.05, momentum = 0.9})
    run:log{about = "before", r = nn.rand(1):item()}
    local options = {
      model = model, loss = nn.MSELoss(), optimizer = opt, train = train, valid = valid, epochs = p.epochs, run = run,
      metrics = {"mae", "r2", {"rmse"}}, checkpoint = {every_steps = 3}, compile = p.compile, progress = "none",
      scheduler = p.kind == 1 and nn.sched.StepLR(opt, {step_size = 2, gamma = 0.5})
        or nn.sched.OneCycleLR(opt, {max_lr = 0.1, total_steps = 100}),
      ema = p.kind == 1 and 0.9 or nil, accumulate = p.kind == 2 and 2 or nil, valid_every = 5,
      early_stopping = p.kind == 1 and {patience = 50} or nil, clip_grad_norm = p.kind == 2 and 1.0 or nil,
    }
    local first = nn.train.fit(options)
    local noise = nn.randn(3):sum():item()
    options.epochs, options.scheduler = 2, nil
    local second = nn.train.fit(options)
    nn.save(run:file "weights.safetensors", model:state_dict())
    local sum = 0
    for _, w in ipairs(model:parameters()) do sum = sum + w:to("float64"):square():sum():item() end
    return {sum = sum, noise = noise, draw = nn.rand(1):item(), best = first.best.valid_loss, last = second.history[2].loss}
  end,
}
]]
local script = folder .. "/trial.lua"
core.write_file(script, experiment)

local function wait(p)
  local kind, number = p:poll()
  while not kind do
    core.sleep(0.002)
    kind, number = p:poll()
  end
  return kind, number
end

local function text_of(path)
  local f = io.open(path, "rb")
  local text = f and f:read "a"
  if f then
    f:close()
  end
  return text
end

-- What must be equal: the result, the rows without times, the weights' bytes.
local function traces(directory)
  local result = assert(plain.read(directory .. "/result.json"))
  local rows = {}
  for line in io.lines(directory .. "/history.jsonl") do
    local row = assert(core.json_decode(line))
    row.seconds = nil
    rows[#rows + 1] = plain.encode(row)
  end
  return result.state, plain.encode(result.result or {}) .. "\n" .. table.concat(rows, "\n"),
    text_of(directory .. "/weights.safetensors")
end

local function only_run(out)
  local names = core.list_directory(out .. "/trial")
  return names and names[1] and ("%s/trial/%s"):format(out, names[1])
end

local wrong, broken_off, resumed = 0, 0, 0
local wanted, seconds = {}, {}
local arguments = {}
for kind = 1, 2 do
  for _, compile in ipairs { "true", "false" } do
    arguments[#arguments + 1] = { "--kind", tostring(kind), "--compile", compile }
  end
end

local function begin(args, out)
  return assert(core.start({ nnlua, "--threads", "1", script, "--out", out, table.unpack(args) }, folder .. "/log.txt"))
end

for i, args in ipairs(arguments) do
  local out = ("%s/whole-%d"):format(folder, i)
  local began = core.time()
  local kind, number = wait(begin(args, out))
  assert(kind == "exit" and number == 0, text_of(folder .. "/log.txt"))
  seconds[i] = core.time() - began
  local state, text, weights = traces(only_run(out))
  assert(state == "finished" and weights)
  wanted[i] = { text, weights }
end
-- compiled or not: the same
for i = 1, #arguments, 2 do
  if wanted[i][1] ~= wanted[i + 1][1] or wanted[i][2] ~= wanted[i + 1][2] then
    wrong = wrong + 1
    print("compiled and eager runs differ", i)
  end
end

local signals = which == "all" and { "kill", "term", "int" } or { which }
for n = 1, count do
  local i = random:integer(#arguments)
  local out = ("%s/run-%d"):format(folder, n)
  local process = begin(arguments[i], out)
  local directory
  for _ = 1, 60 do
    core.sleep(seconds[i] * (0.1 + 0.9 * random:integer(1000) / 1000))
    process:kill(signals[random:integer(#signals)])
    local kind, number = wait(process)
    directory = directory or only_run(out)
    if not directory or not core.file_exists(directory .. "/script.lua") then
      process = begin(arguments[i], out)
      directory = nil
      os.execute("rm -rf " .. out)
      process:kill "kill"
      wait(process)
      process = begin(arguments[i], out)
    else
      if kind == "exit" and number == 0 then
        break
      end
      broken_off = broken_off + 1
      process = assert(core.start({ nnlua, "--threads", "1", "resume", directory }, folder .. "/log.txt"))
      resumed = resumed + 1
    end
  end
  wait(process)
  if core.file_exists(directory .. "/result.json") == false or plain.read(directory .. "/result.json").state ~= "finished" then
    wait(assert(core.start({ nnlua, "--threads", "1", "resume", directory }, folder .. "/log.txt")))
  end
  local state, text, weights = traces(directory)
  if state ~= "finished" or text ~= wanted[i][1] or weights ~= wanted[i][2] then
    wrong = wrong + 1
    print(("run %d (%s): %s, %s"):format(n, table.concat(arguments[i], " "), state, directory))
    local got = text:gmatch "[^\n]+"
    for line in wanted[i][1]:gmatch "[^\n]+" do
      local other = got()
      if line ~= other then
        print(("  wanted %s\n  got    %s"):format(line:sub(1, 200), tostring(other):sub(1, 200)))
      end
    end
    print("  " .. tostring(plain.read(directory .. "/result.json").error))
    if wrong > 3 then
      break
    end
  else
    os.execute("rm -rf " .. out)
  end
end
print(("seed %d: %d runs, broken off %d times, resumed %d times, %d wrong"):format(seed, count, broken_off, resumed, wrong))
if wrong == 0 then
  os.execute("rm -rf " .. folder)
end
os.exit(wrong == 0)
