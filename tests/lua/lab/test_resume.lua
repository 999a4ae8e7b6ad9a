-- Runs that are broken off and gone on with: the same bits. (More of it: tests/faults/resume.lua.)

local core = require "nn.core"
local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestLabResume = {}

local nnlua = core.real_path(process.nnlua)

function TestLabResume:test_broken_off_at_random()
  local out, err, status = process.run(("'%s' tests/faults/resume.lua %d 6"):format(nnlua, os.time() % 100000))
  lu.assertEquals(status, 0, out .. err)
end

-- fit without an experiment: interrupted by an error at some step, gone on with by resume = true.
function TestLabResume:test_fit_goes_on()
  local directory = os.tmpname()
  os.remove(directory)
  local function fit(stop_at, resume, out)
    nn.manual_seed(3)
    local model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
    local x, y = nn.randn(50, 4), nn.randn(50, 1)
    local opt = nn.optim.Adam(model:parameters(), { lr = 0.01 })
    local ok, run = pcall(nn.train.fit, {
      model = model, loss = nn.MSELoss(), optimizer = opt, epochs = 4, out = out, resume = resume, progress = "none",
      train = nn.data.tensors(x, y):loader { batch_size = 8, shuffle = true }, metrics = { "rmse" },
      checkpoint = { every_steps = 1 }, after_step = function(step)
        if step == stop_at then
          error "stopped"
        end
      end, ema = 0.9, scheduler = nn.sched.ExponentialLR(opt, { gamma = 0.9 }),
    })
    return ok, run, model
  end
  local _, whole, model = fit(nil, false, directory .. "/whole")
  for _, at in ipairs { 3, 7, 8, 20 } do
    local out = ("%s/%d"):format(directory, at)
    lu.assertFalse(fit(at, false, out))
    local ok, run, again = fit(nil, true, out)
    lu.assertTrue(ok, tostring(run))
    lu.assertEquals({ run.resumed.steps, run.steps }, { at - 1, whole.steps })
    for i, p in ipairs(again:parameters()) do
      lu.assertTrue(p:equal(model:parameters()[i]))
    end
    for i, row in ipairs(whole.history) do
      lu.assertEquals({ run.history[i].loss, run.history[i].rmse, run.history[i].lr }, { row.loss, row.rmse, row.lr })
    end
  end
  -- a second run does not destroy the first; one that is over is not run again
  fit(nil, false, directory .. "/whole")
  lu.assertTrue(core.file_exists(directory .. "/whole/earlier-1/best.safetensors"))
  local _, done = fit(nil, true, directory .. "/whole")
  lu.assertEquals(done.steps, whole.steps)
  os.execute(("rm -r '%s'"):format(directory))
end

-- A run that came to its end goes on where there is more to do than there was, and has the bits of one that had it from the start.
function TestLabResume:test_more_epochs()
  local directory = os.tmpname()
  os.remove(directory)
  local function fit(o)
    nn.manual_seed(3)
    local model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
    local x, y = nn.randn(50, 4), nn.randn(50, 1)
    local all = { model = model, loss = nn.MSELoss(), optimizer = nn.optim.Adam(model:parameters(), { lr = 0.01 }),
      train = nn.data.tensors(x, y):loader { batch_size = 8, shuffle = true }, progress = "none" }
    for name, value in pairs(o) do
      all[name] = value
    end
    return nn.train.fit(all), model
  end
  for i, kind in ipairs {
    { less = { epochs = 2 }, more = { epochs = 5 } },
    { less = { epochs = 2, ema = 0.9 }, more = { epochs = 5, ema = 0.9 } }, -- the model ends with the averaged weights
    { less = { epochs = 50, max_steps = 14 }, more = { epochs = 50, max_steps = 35 } },
    { less = { epochs = 6, max_steps = 5 }, more = { epochs = 6 }, within = true }, -- in the middle of an epoch
    { less = { epochs = 6, max_steps = 5, accumulate = 3 }, more = { epochs = 6, max_steps = 9, accumulate = 3 }, within = true },
    { less = { epochs = 50, early_stopping = { patience = 1 } }, more = { epochs = 50, early_stopping = { patience = 4 } } },
  } do
    local out = ("%s/%d"):format(directory, i)
    kind.less.out, kind.less.resume = out, true
    local first = fit(kind.less)
    lu.assertNil(first.resumed)
    local same = fit(kind.less)
    lu.assertTrue(same.resumed.over)
    lu.assertEquals({ same.steps, same.stopped, same.stopped_early }, { first.steps, first.stopped, first.stopped_early })
    local straight, model = fit(kind.more)
    kind.more.out, kind.more.resume = out, true
    local run, again = fit(kind.more)
    lu.assertEquals(run.resumed, { epoch = #first.history + (kind.within and 0 or 1), steps = first.steps })
    lu.assertEquals({ run.steps, run.stopped, run.stopped_early }, { straight.steps, straight.stopped, straight.stopped_early })
    lu.assertTrue(straight.steps > first.steps)
    for k, p in ipairs(again:parameters()) do
      lu.assertTrue(p:equal(model:parameters()[k]))
    end
  end
  os.execute(("rm -r '%s'"):format(directory))
end

-- Without a checkpoint it begins anew and says so; what an earlier run left is put aside, not overwritten.
function TestLabResume:test_nothing_to_go_on_with()
  local directory = os.tmpname()
  os.remove(directory)
  local script = os.tmpname()
  local f = assert(io.open(script, "w"))
  f:write([[local nn = require "nn"
    local model = nn.Linear(1, 1)
    nn.train.fit { model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters()), progress = "line",
      train = nn.data.tensors(nn.ones(2, 1), nn.ones(2, 1)):loader(), out = arg[1], resume = true }]])
  f:close()
  local command = ("%s %s %s"):format(process.nnlua, script, directory)
  local _, said = process.run(command)
  lu.assertStrContains(said, ("fit: there is no checkpoint in %s to go on with; begins with epoch 1"):format(directory))
  _, said = process.run(command)
  lu.assertStrContains(said, "fit: nothing is left to train: the run in")
  lu.assertStrContains(said, "came to its end in epoch 1; more epochs go on with it")
  os.remove(directory .. "/last.safetensors")
  _, said = process.run(command)
  lu.assertStrContains(said, "there is no checkpoint in")
  lu.assertTrue(core.file_exists(directory .. "/earlier-1/history.json"))
  os.remove(script)
  os.execute(("rm -r '%s'"):format(directory))
end

function TestLabResume:test_two_in_one_directory()
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  local lock = core.lock_file(directory .. "/.lock")
  local model = nn.Linear(1, 1)
  lu.assertErrorMsgContains("another run is under way in", nn.train.fit, { model = model, loss = nn.MSELoss(), out = directory,
    optimizer = nn.optim.SGD(model:parameters()), train = nn.data.tensors(nn.ones(2, 1), nn.ones(2, 1)):loader(), progress = "none" })
  lu.assertNotNil(lock)
  os.execute(("rm -r '%s'"):format(directory))
end

function TestLabResume:test_checkpoint_by_hand()
  local path = os.tmpname()
  os.remove(path)
  local model = nn.Linear(2, 1)
  local ck = nn.train.checkpoint(path, { model = model })
  lu.assertNil(ck:restore())
  nn.manual_seed(4)
  ck:save { step = 7 }
  local draw, weight = nn.rand(1):item(), model.weight:clone()
  nn.no_grad(function()
    model.weight:zero_()
  end)
  lu.assertEquals(ck:restore().step, 7)
  lu.assertTrue(model.weight:equal(weight))
  lu.assertEquals(nn.rand(1):item(), draw)
  lu.assertErrorMsgContains("has no state for 'other'", function()
    nn.train.checkpoint(path, { model = model, other = nn.Linear(1, 1) }):restore()
  end)
  lu.assertErrorMsgContains("which has no state_dict", nn.train.checkpoint, path, { model = 3 })
  os.remove(path)
end

-- A disk that is full ends the run with an explained error; the checkpoint before is whole, and the run goes on from it when there
-- is room again, to the same bits.
function TestLabResume:test_a_full_disk()
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory .. "/disk")
  core.write_file(directory .. "/full.lua", [[
    local nn = require "nn"
    return nn.experiment{ name = "full", run = function(p, run)
      local x = nn.rand{100, 2} * 2 - 1
      local y = ((x:select(2, 1) * x:select(2, 2)):gt(0)):to "int64" + 1
      local model = nn.Sequential(nn.Linear(2, 1000), nn.ReLU(), nn.Dropout(0.1), nn.Linear(1000, 2))
      local fit = nn.train.fit{ model = model, loss = nn.CrossEntropyLoss(), epochs = 60, run = run, progress = "none",
        optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}), checkpoint = {every_steps = 1},
        train = nn.data.tensors(x, y):loader{batch_size = 32, shuffle = true} }
      return {loss = fit.history[60].loss, sum = model[1].weight:double():sum():item()}
    end }
  ]])
  local out, err = process.run(([[
    if ! unshare -rm mount -t tmpfs -o size=160k none '%s/disk' 2>/dev/null; then echo "cannot mount"; exit; fi
    unshare -rm sh -c 'mount -t tmpfs -o size=160k none "%s/disk" && cd "%s/disk" && "%s" ../full.lua
      cat runs/full/*/result.json; mount -o remount,size=8m none "%s/disk"; "%s" resume runs/full/*; cat runs/full/*/result.json
      cat runs/full/*/history.jsonl | wc -l'
    cd '%s' && '%s' full.lua && cat runs/full/*/result.json]]):format(directory, directory, directory, nnlua, directory, nnlua,
    directory, nnlua))
  os.execute(("rm -r '%s'"):format(directory))
  lu.skipIf(out:find "cannot mount", "no small file system can be mounted here")
  lu.assertStrContains(err, "No space left on device")
  lu.assertStrContains(out, '"state":"failed"')
  lu.assertStrContains(out, "\n60\n")
  local resumed, whole = out:match '"result":(%b{}).*"result":(%b{})'
  lu.assertEquals(resumed, whole, out .. err)
end

-- Ctrl-C ends a run also where a pcall of the user's catches it in an inner experiment or in a fit.
function TestLabResume:test_caught_interrupts()
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  core.write_file(directory .. "/e.lua", [[
    local nn = require "nn"
    local inner = nn.experiment{name = "inner", params = {n = 1}, run = function(p)
      local from = nn.time()
      while nn.time() - from < 0.2 do end
      return {n = p.n}
    end}
    return nn.experiment{name = "e", params = {fit = false}, run = function(p, run)
      local sum = 0
      local model = nn.Linear(1, 1)
      for i = 1, 4 do
        if p.fit then
          pcall(nn.train.fit, {model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters()), run = run,
            train = nn.data.tensors(nn.ones(9, 1), nn.ones(9, 1)):loader{batch_size = 1}, epochs = 300, progress = "none"})
        else
          local ok, r = pcall(inner, {n = i})
          sum = sum + (ok and r.n or 0)
        end
        pcall(run.log, run, {sum = sum})
      end
      return {sum = p.fit and model.weight:item() or sum}
    end}
  ]])
  local seen = {}
  for _, case in ipairs { { "--no-fit", 0.3 }, { "--no-fit", 0.6 }, { "--fit", 0.3 } } do
    local option = case[1]
    local out, err = process.run(("cd '%s' && rm -rf runs && timeout -s INT %g '%s' e.lua %s; '%s' resume runs/e/* && "
      .. "'%s' e.lua %s --no-record; cat runs/e/*/history.jsonl | wc -l"):format(directory, case[2], nnlua, option, nnlua, nnlua,
      option))
    if err:find "interrupted; go on with" then -- else it had not begun, or was over before
      seen[option] = true
      local resumed, whole, rows = out:match "^e: sum (%S+)\ne: sum (%S+)\n(%d+)\n$"
      lu.assertEquals({ resumed, rows }, { whole, option == "--fit" and "1204" or "4" }, out .. err)
    end
  end
  lu.assertTrue(seen["--no-fit"])
  os.execute(("rm -r '%s'"):format(directory))
end

local function kept(script, modules, f)
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  core.write_file(directory .. "/e.lua", script)
  for name, text in pairs(modules or {}) do
    core.write_file(directory .. "/" .. name, text)
  end
  f(directory, function(command)
    return process.run(("cd '%s' && nnlua() { '%s' \"$@\"; } && %s"):format(directory, nnlua, command))
  end)
  os.execute(("rm -r '%s'"):format(directory))
end

-- Rows that the user's own loop or functions within fit log are neither lost nor doubled.
function TestLabResume:test_rows_of_the_users()
  for _, body in ipairs {
    [[local ck = nn.train.checkpoint(run:file "loop.safetensors", {model = model})
      local at = ck:restore() or {epoch = 0}
      for epoch = at.epoch + 1, 6 do
        run:log{epoch = epoch, w = model.weight:sum():item()}
        nn.no_grad(function() model.weight:mul_(0.5) end)
        ck:save{epoch = epoch}
        die(epoch)
      end]],
    [[local function log(what) return function(n) run:log{what = what, n = type(n) == "number" and n or nil} end end
      local n = 0
      nn.train.fit{model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters()), epochs = 3, run = run,
        train = data:loader{batch_size = 4}, valid = data:loader{batch_size = 8}, valid_every = 2, progress = "none",
        checkpoint = {every_steps = 2}, before_step = log "before_step", on_epoch = log "on_epoch", callbacks = {{start = log "start",
        step = log "step", validation = log "validation", epoch = log "epoch", checkpoint = log "checkpoint"},
        {step = function(step) die(step) end}}}]],
  } do
    kept(([[
      local nn = require "nn"
      return nn.experiment{name = "e", params = {die = 0}, run = function(p, run)
        local marker = run:file "died"
        local function die(n)
          if n == p.die and not io.open(marker) then io.open(marker, "w"):close() os.execute "kill -9 $PPID" end
        end
        local model = nn.Linear(2, 1)
        local data = nn.data.tensors(nn.randn(16, 2), nn.randn(16, 1))
        %s
        return {w = model.weight:sum():item()}
      end}]]):format(body), nil, function(_, run)
      local function rows(die)
        local out = run(("rm -rf runs; nnlua e.lua --die %d > /dev/null 2>&1; nnlua resume runs/e/* > /dev/null 2>&1; "
          .. "sed 's/\"seconds\":[^,}]*//' runs/e/*/history.jsonl; cat runs/e/*/result.json | grep -o '\"result.*finished'"):format(die))
        return (out:gsub('"seconds.*', ""))
      end
      local whole = rows(0)
      for die = 1, 6 do
        lu.assertEquals(rows(die), whole, die .. body)
      end
    end)
  end
end

-- Modules are kept as they were when they were required, also within the run and by a name with a slash; each run has its own.
function TestLabResume:test_modules_of_runs()
  kept([[
    local nn = require "nn"
    return nn.experiment{name = "e", params = {die = true}, run = function(p, run)
      local v, w = require "h", require "lib/k"
      local marker = run:file "died"
      if not io.open(marker) then io.open(marker, "w"):close() os.execute "kill -9 $PPID" end
      return {v = v, w = w}
    end}]], { ["h.lua"] = "return 1" }, function(directory, run)
    core.make_directory(directory .. "/lib")
    core.write_file(directory .. "/lib/k.lua", "return 10")
    run "nnlua e.lua --out a"
    core.write_file(directory .. "/h.lua", "return 2")
    core.write_file(directory .. "/lib/k.lua", "return 20")
    run "nnlua e.lua --out b"
    core.write_file(directory .. "/h.lua", "return 3")
    local out = run "nnlua resume a/e/* b/e/*"
    lu.assertEquals(out, "e: v 1  w 10\ne: v 2  w 20\n")
  end)
end

-- Runs within runs: names that could be mistaken, what a finished one says, what cannot be resumed alone.
function TestLabResume:test_runs_within()
  kept([[
    local nn = require "nn"
    local function make(name)
      return nn.experiment{name = name, params = {k = 1}, run = function(p, run)
        run:log{k = p.k}
        return {v = p.k}
      end}
    end
    local x, y = make "x", make "x-2"
    return nn.experiment{name = "outer", params = {die = true}, run = function(p, run)
      local a, ar = x{k = 1}
      local b = y{k = 22}
      local c, cr = x{k = 3}
      local marker = run:file "died"
      if p.die and not io.open(marker) then io.open(marker, "w"):close() os.execute "kill -9 $PPID" end
      return {a = a.v, b = b.v, c = c.v, rows = #ar.history + #cr.history, k = cr.history[1].k,
        name = tostring(ar):match "^Run%(x, 1 rows"}
    end}]], nil, function(_, run)
    local whole = run "nnlua e.lua --no-die --no-record"
    run "nnlua e.lua"
    lu.assertStrContains((run "nnlua resume runs/outer/*/runs/x"), "is finished") -- told, not run as the outer one
    lu.assertEquals(run "nnlua resume runs/outer/*", whole)
    lu.assertEquals(whole, "outer: a 1  b 22  c 3  k 3  name Run(x, 1 rows  rows 2\n")
  end)
end

-- A line that is broken costs no row behind it, half a row at the end does not grow together with the next one, and the seconds
-- of all sessions are told, also where one was killed and left none.
function TestLabResume:test_rows_and_seconds()
  local directory = os.tmpname()
  os.remove(directory)
  core.make_directory(directory)
  core.write_file(directory .. "/e.lua", [[
    local nn = require "nn"
    return nn.experiment{name = "e", run = function(p, run)
      for i = 1, 4 do
        run:log{step = i}
        if i == 3 and not run.resuming then error "stopped" end
      end
      return {}
    end}]])
  local function run(words)
    return process.run(("cd '%s' && %s"):format(directory, words:gsub("nnlua", nnlua)))
  end
  local read = require("nn.lab.plain").read
  for _, case in ipairs { { "finished", 1000 }, { "killed", 600 } } do
    run "rm -rf runs; nnlua e.lua"
    local place = directory .. "/" .. run "printf %s runs/e/*"
    lu.assertEquals(read(place .. "/result.json").state, "failed")
    core.write_file(place .. "/history.jsonl", '{"step":1}\nbroken\n{"step":2}\n{"step":3}')
    core.write_file(place .. "/result.json", '{"state":"failed","seconds":1000}')
    if case[1] == "killed" then
      os.remove(place .. "/result.json")
      core.write_file(place .. "/holder", "1 1700000000.000 500.000\n")
      process.run(("touch -d @1700000100 '%s/history.jsonl' && touch -d @1600000000 '%s/log.txt'"):format(place, place))
    end
    local _, err, status = run("nnlua resume " .. place)
    lu.assertEquals(status, 0, err)
    lu.assertStrContains(err, "1 line of " .. place .. "/history.jsonl could not be read")
    local f = assert(io.open(place .. "/history.jsonl"))
    lu.assertEquals(f:read "a", '{"step":1}\nbroken\n{"step":2}\n{"step":3}\n{"step":4}\n')
    f:close()
    local seconds = read(place .. "/result.json").seconds
    lu.assertTrue(seconds >= case[2] and seconds < case[2] + 300, seconds)
  end
  os.execute(("rm -r '%s'"):format(directory))
end
