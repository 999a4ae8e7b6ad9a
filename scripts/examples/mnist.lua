-- Shows: two convolutions with dropout, trained by Adadelta, name the images of Fashion-MNIST (mnist of pytorch/examples).
--
--   ./nnlua --seed 1 scripts/examples/mnist.lua [--epochs 14] [--batch_size 64] [--lr 1] [--gamma 0.7] [--limit 60000]
--
-- Net, loss, optimizer and schedule are those of PyTorch's example, which learns digits; here are clothes, and so it gets
-- 92% instead of 99%. --limit N takes the first N training images, and N // 6 test images: 2000 take some seconds.
-- An epoch of all images takes about a minute on one processor. A recorded run keeps the weights.

local nn = require "nn"

local Net = nn.Module:extend "Net"
function Net:init()
  self.conv1 = nn.Conv2d(1, 32, 3)
  self.conv2 = nn.Conv2d(32, 64, 3)
  self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
  self.fc1 = nn.Linear(9216, 128)
  self.fc2 = nn.Linear(128, 10)
end
function Net:forward(x) -- batch x 1 x 28 x 28 to batch x 10 logarithms of probabilities
  x = self.conv1(x):relu()
  x = nn.max_pool2d(self.conv2(x):relu(), 2)
  x = self.dropout1(x):flatten(2)
  x = self.dropout2(self.fc1(x):relu())
  return self.fc2(x):log_softmax(2)
end

return nn.experiment {
  name = "mnist", doc = "A small convolutional net on Fashion-MNIST (mnist of pytorch/examples)",
  params = {
    epochs = { 14, min = 1 }, batch_size = { 64, min = 1 }, test_batch_size = { 1000, min = 1 },
    lr = { 1.0, min = 0, doc = "Adadelta's factor, in the first epoch" },
    gamma = { 0.7, min = 0, doc = "the factor of lr after each epoch" },
    limit = { 60000, min = 6, max = 60000, doc = "training images that are used" },
  },
  run = function(p, run)
    local train, test = nn.data.fashion_mnist { flatten = false, normalize = true }
    for _, part in ipairs { train, test } do
      part.x = part.x:unsqueeze(2) -- one channel
    end
    train, test = train:range(1, p.limit), test:range(1, p.limit // 6)
    local model = Net()
    print(model)

    local criterion = nn.NLLLoss()
    local opt = nn.optim.Adadelta(model:parameters(), { lr = p.lr })
    local schedule = nn.sched.StepLR(opt, { step_size = 1, gamma = p.gamma })
    local loader = train:loader { batch_size = p.batch_size, shuffle = true }
    local step = nn.compile(function(x, y)
      opt:zero_grad()
      local loss = criterion(model(x), y)
      loss:backward()
      opt:step()
      return loss
    end)

    local begun, result = nn.time(), nil
    for epoch = 1, p.epochs do
      local started, sum = nn.time(), 0
      model:train()
      for x, y in loader do
        sum = sum + step(x, y):item()
      end
      schedule:step()
      result = nn.train.evaluate(model, test:loader { batch_size = p.test_batch_size },
        { loss = criterion, metrics = { "accuracy" } })
      run:log { epoch = epoch, loss = sum / #loader, test_loss = result.loss, test_accuracy = result.accuracy }
      print(("epoch %d  loss %.4f  test_loss %.4f  test_accuracy %.4f  %.1f s"):format(epoch, sum / #loader, result.loss,
        result.accuracy, nn.time() - started))
    end
    local file = run:file "model.safetensors"
    if file then
      nn.save(file, model:state_dict())
    end
    return { accuracy = result.accuracy, loss = result.loss, seconds = nn.time() - begun, parameters = model:parameter_count() }
  end,
}
