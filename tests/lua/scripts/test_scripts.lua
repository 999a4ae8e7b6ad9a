-- The scripts run as they stand and find what they say they show.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestScripts = {}

function TestScripts:test_xor()
  local out, err, status = process.run(process.nnlua .. " scripts/xor.lua")
  lu.assertEquals(status, 0, err)
  local straight, bent = out:match "regression gets (%d) of 4 right, the network (%d) of 4"
  lu.assertTrue(tonumber(straight) < 4)
  lu.assertEquals(bent, "4")
end

local function accuracy(command)
  local out, err, status = process.run(command)
  lu.assertEquals(status, 0, err)
  return tonumber(out:match "test accuracy:? ([01]%.%d%d%d%d)\n$"), out
end

function TestScripts:test_fashion_mnist()
  if not nn.data.has_fashion_mnist() then
    lu.skip "dataset-fashion-mnist is not installed"
  end
  if process.nnlua:find "address" then
    lu.skip "too slow under the sanitizers; loop.lua's path is covered by the other suites"
  end
  local command = process.nnlua .. " --threads %d --seed 1 scripts/fashion_mnist.lua --epochs 1 --hidden 64"
  local one = accuracy(command:format(1))
  lu.assertTrue(one > 0.8, "accuracy " .. one) -- one epoch of a small net
  lu.assertEquals(accuracy(command:format(2)), one)
  lu.assertTrue(accuracy(process.nnlua .. " --seed 1 scripts/loop.lua 1") > 0.8)
end

function TestScripts:test_without_the_data()
  if process.nnlua:find "address" then
    lu.skip "too slow under the sanitizers"
  end
  local value, out = accuracy("NNLUA_DATA=/nowhere " .. process.nnlua .. " --seed 1 scripts/fashion_mnist.lua --epochs 1")
  lu.assertStrContains(out, "apt-get install dataset-fashion-mnist")
  lu.assertStrContains(out, "synthetic")
  lu.assertTrue(value > 0.5)
end

function TestScripts:test_convnet()
  if not nn.data.has_fashion_mnist() or process.nnlua:find "address" then
    lu.skip "needs dataset-fashion-mnist, and no sanitizers"
  end
  local out, err, status = process.run(process.nnlua .. " --seed 1 scripts/convnet.lua --no-record --width 3 --epochs 1 --hold 30000")
  lu.assertEquals(status, 0, err)
  lu.assertTrue(tonumber(out:match "test accuracy: ([%d.]+)") > 0.75, out)
end

-- A few steps on a text that a trigram model knows well: the losses are numbers, and the untrained net is no better than chance.
function TestScripts:test_char_lm()
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write(("the cat sat on the mat. "):rep(80))
  f:close()
  for _, net in ipairs { "transformer", "lstm" } do
    local out, err, status = process.run(("%s --seed 1 scripts/char_lm.lua %s --file %s --net %s --steps 120 --width 16 "
      .. "--context 16 --layers 1 --sample 24"):format(process.nnlua, "--no-record", path, net))
    lu.assertEquals(status, 0, err)
    local unigram, trigram = out:match "unigram ([%d.]+) bits a character, trigram ([%d.]+)"
    local bits = out:match "step 120 .-valid ([%d.]+) bits"
    lu.assertTrue(tonumber(trigram) < 1 and tonumber(unigram) > 2.5, out)
    lu.assertTrue(tonumber(bits) < tonumber(unigram) - 1, out)
  end
  os.remove(path)
end

-- The programs of pytorch/examples, as small as they go: they run to their end and give numbers.
function TestScripts:test_examples()
  if not nn.data.has_fashion_mnist() or process.nnlua:find "address" then
    lu.skip "needs dataset-fashion-mnist, and no sanitizers"
  end
  for script, case in pairs {
    mnist = { "--limit 600 --epochs 1", "test_accuracy ([%d.]+)" },
    siamese_network = { "--limit 600 --epochs 1 --batch_size 100", "test_loss ([%d.]+)" },
    dcgan = { "--limit 64 --epochs 1 --batch_size 8 --ngf 4 --ndf 4", "loss_G ([%d.]+)" },
    fast_neural_style = { "--limit 2 --epochs 1 --batch_size 1 --image_size 16", "total ([%d.e+]+)" },
    word_language_model = { "--epochs 1 --limit 1500 --emsize 16 --nhid 16 --words 3", "test_perplexity ([%d.]+)" },
  } do
    local out, err, status = process.run(("%s --seed 1 scripts/examples/%s.lua --no-record %s"):format(process.nnlua, script, case[1]))
    lu.assertEquals(status, 0, script .. ": " .. err)
    lu.assertTrue(tonumber(out:match(case[2])) < math.huge, script .. ": " .. out)
  end
end

function TestScripts:test_wrong_options()
  local _, err, status = process.run(process.nnlua .. " scripts/fashion_mnist.lua --epoch 3")
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "--epochs 5")
end
