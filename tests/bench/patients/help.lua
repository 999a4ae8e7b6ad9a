-- What the networks of the benchmark of nn.diagnose are made of.

local nn = require "nn"

local H = {}

H.ce, H.mse = nn.CrossEntropyLoss(), nn.MSELoss()

function H.fill(p, f)
  nn.no_grad(f, p)
  return p
end

---Classes that a teacher network gives to normal inputs.
function H.classes(seed, o)
  o = o or {}
  return (nn.data.teacher { n = o.n or 512, features = o.features or 16, outputs = o.outputs or 4, classes = true, seed = seed })
end

---Numbers that a teacher network gives, of mean 0 and deviation 1.
function H.numbers(seed, o)
  o = o or {}
  local d = nn.data.teacher { n = o.n or 512, features = o.features or 16, outputs = o.outputs or 1, seed = seed }
  return nn.data.tensors(d.x, (d.y - d.y:mean(1, true)) / d.y:std(1, 1, true))
end

---Images of 12 x 12 in one or more channels: a bar that lies or stands, with noise.
function H.images(seed, o)
  o = o or {}
  local g = nn.Generator(seed)
  local n, channels = o.n or 256, o.channels or 1
  local x = nn.randn({ n, channels, 12, 12 }, { generator = g }) * 0.7
  local y = nn.randint(1, 4, { n }, { generator = g })
  local label = y:totable()
  for i = 1, n do
    local at = g:integer(10)
    if label[i] == 1 then
      x[i]:narrow(2, at, 2):add_(1.5)
    elseif label[i] == 2 then
      x[i]:narrow(3, at, 2):add_(1.5)
    end
  end
  return nn.data.tensors(x, y)
end

---Sequences samples x steps x 3 whose class is told by the first or by the last step.
function H.sequences(seed, steps, o)
  o = o or {}
  local g = nn.Generator(seed)
  local n = o.n or 256
  local x = nn.randn({ n, steps, 3 }, { generator = g })
  local at = o.at == "first" and 1 or steps
  return nn.data.tensors(x, x:select(2, at):select(2, 1):gt(0):long() + 1)
end

---Sentences of tokens; the class is whether words of the first half prevail.
function H.tokens(seed, o)
  o = o or {}
  local g = nn.Generator(seed)
  local vocabulary = o.vocabulary or 500
  local x = nn.randint(1, vocabulary + 1, { o.n or 512, o.length or 12 }, { generator = g })
  return nn.data.tensors(x, x:le(vocabulary // 2):long():sum(2):gt((o.length or 12) // 2):long() + 1)
end

---Layers of Linear and an activation, and a Linear at the end.
function H.mlp(sizes, act, o)
  o = o or {}
  local net = nn.Sequential()
  for i = 1, #sizes - 2 do
    net:add(nn.Linear(sizes[i], sizes[i + 1], { init = o.init or "he_normal" }))
    nn.init.zeros_(net[#net].bias)
    if o.norm then
      net:add(o.norm(sizes[i + 1]))
    end
    net:add(act())
    if o.dropout then
      net:add(nn.Dropout(o.dropout))
    end
  end
  return net:add(nn.Linear(sizes[#sizes - 1], sizes[#sizes], { init = o.last or "glorot_uniform" }))
end

---n numbers {first, width, ..., last}
function H.sizes(first, width, depth, last)
  local s = { first }
  for i = 1, depth do
    s[i + 1] = width
  end
  s[#s + 1] = last
  return s
end

function H.scale(net, factor)
  nn.no_grad(function()
    for _, p in ipairs(nn.regularize.weights(net)) do
      p:mul_(factor)
    end
  end)
  return net
end

---A module of a forward and layers.
function H.module(name, layers, forward)
  local Class = nn.Module:extend(name)
  function Class:init()
    for key, layer in pairs(layers) do
      self[key] = layer
    end
  end
  Class.forward = forward
  return Class()
end

---Some steps of training.
function H.train(net, data, loss, opt, steps, o)
  o = o or {}
  local done = 0
  net:train()
  while done < steps do
    for x, y in data:loader { batch_size = o.batch or 64 } do
      opt:zero_grad()
      loss(net(x), y):backward()
      opt:step()
      if o.watch then
        o.watch.step()
      end
      done = done + 1
      if done >= steps then
        break
      end
    end
  end
  return net
end

---A case: what nn.diagnose is given.
function H.case(model, data, loss, o)
  o = o or {}
  local opts = { jacobian = false }
  for key, v in pairs(o.opts or {}) do
    opts[key] = v
  end
  opts.optimizer = o.optimizer
  return { model = model, loader = data:loader { batch_size = o.batch or 64 }, loss = loss, watch = o.watch, opts = opts }
end

---The last output of a recurrent layer, through a Linear.
function H.recurrent(rnn, hidden, outputs)
  return H.module("Recurrent", { rnn = rnn, out = nn.Linear(hidden, outputs) }, function(self, x)
    local y = self.rnn(x)
    return self.out(y:select(2, y:size(2)))
  end)
end

function H.orthogonal(rnn, factor)
  nn.no_grad(function()
    for name, p in pairs(rnn:state_dict()) do
      if name:find "weight_hh" then
        local h = p:size(2)
        for g = 1, p:size(1) // h do
          nn.init.orthogonal_(p:narrow(1, (g - 1) * h + 1, h))
        end
        p:mul_(factor or 1)
      end
    end
  end)
  return rnn
end

return H
