-- Recurrent layers: RNN (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000) and
-- GRU (Cho et al. 2014, in PyTorch's form). Inputs are length x batch x features, or batch x length x features with
-- batch_first. Parameter names count layers from 1: weight_ih_l1, weight_hh_l1, bias_ih_l1, bias_hh_l1, and with
-- _reverse for the way back. Gates lie in PyTorch's order: LSTM input, forget, cell, output; GRU reset, update, new.

local core = require "nn.core"
local layer = require "nn.layers.builtin"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local linear, sigmoid, tanh = core.linear, core.sigmoid, core.tanh

-- One step of each kind: from the input's part (W_ih x + b_ih) and the state (a list) to the new state, the output first.
local steps = {
  RNN = function(from_x, state, w, b, activation)
    return { activation(from_x + linear(state[1], w, b)) }
  end,
  LSTM = function(from_x, state, w, b)
    local z = from_x + linear(state[1], w, b)
    local n = z:size(-1) // 4
    local i, f = sigmoid(z:narrow(-1, 1, n)), sigmoid(z:narrow(-1, n + 1, n))
    local g, o = tanh(z:narrow(-1, 2 * n + 1, n)), sigmoid(z:narrow(-1, 3 * n + 1, n))
    local c = f * state[2] + i * g
    return { o * tanh(c), c }
  end,
  GRU = function(from_x, state, w, b)
    local h = state[1]
    local from_h = linear(h, w, b)
    local n = h:size(-1)
    local r = sigmoid(from_x:narrow(-1, 1, n) + from_h:narrow(-1, 1, n))
    local z = sigmoid(from_x:narrow(-1, n + 1, n) + from_h:narrow(-1, n + 1, n))
    local new = tanh(from_x:narrow(-1, 2 * n + 1, n) + r * from_h:narrow(-1, 2 * n + 1, n))
    return { (1 - z) * new + z * h }
  end,
}
local gates = { RNN = 1, LSTM = 4, GRU = 3 }
local states = { RNN = 1, LSTM = 2, GRU = 1 }

local activations = { tanh = core.tanh, relu = core.relu }

local function uniform_parameter(hidden, ...)
  local bound = 1 / math.sqrt(hidden)
  return core.Parameter(require("nn.init").uniform_(core.empty(...), -bound, bound))
end

local function activation_of(who, name)
  return activations[name]
    or core.raise(("%s: nonlinearity must be \"tanh\" or \"relu\", but is \"%s\""):format(who, name))
end

-- The states as they are given: tensors one after the other, or PyTorch's way, {h, c}; all or none of them, each of the shape
-- that the layer's are of.
local function given_states(self, kind, h, c, shape, words, dtype)
  local names = states[kind] == 2 and { "h", "c" } or { "h" }
  if type(h) == "table" and not getmetatable(h) then
    if c ~= nil or #h ~= states[kind] then
      layer.fail(self, "takes the states as tensors or as {%s}, but got a table of %d%s", table.concat(names, ", "), #h,
        c ~= nil and " and another value" or "")
    end
    h, c = h[1], h[2]
  end
  if h == nil and c == nil then
    return nil
  end
  local given, wanted = { h, c }, table.concat(shape, "x")
  if c ~= nil and not names[2] then
    layer.fail(self, "has one state, h, but got two")
  end
  for i, name in ipairs(names) do
    local t = given[i]
    if t == nil then
      layer.fail(self, "the state %s is given without %s", names[3 - i], name)
    elseif not core.is_tensor(t) then
      layer.fail(self, "the state %s must be a tensor, but is %s", name, core.describe(t))
    elseif tostring(t.shape) ~= wanted or t.dtype ~= dtype then
      layer.fail(self, "the state %s must be %s (%s, %s), but is %s", name, words, wanted, dtype, core.describe(t))
    end
  end
  return given
end

-- ---- cells: one step ----

local function cell(kind)
  local name = kind .. "Cell"
  local Cell = module.Module:extend(name)
  M[name] = Cell

  ---@param input_size integer
  ---@param hidden_size integer
  ---@param opts? {bias: boolean, nonlinearity: string}
  function Cell:init(input_size, hidden_size, opts)
    local o = options.read(name, opts, { bias = { "boolean", true }, nonlinearity = { "string", "tanh" } })
    self.input_size = options.argument(name, "input_size", input_size, "integer", 1)
    self.hidden_size = options.argument(name, "hidden_size", hidden_size, "integer", 1)
    self.nonlinearity = o.nonlinearity
    activation_of(name, o.nonlinearity)
    local rows = gates[kind] * hidden_size
    self.weight_ih = uniform_parameter(hidden_size, rows, input_size)
    self.weight_hh = uniform_parameter(hidden_size, rows, hidden_size)
    if o.bias then
      self.bias_ih = uniform_parameter(hidden_size, rows)
      self.bias_hh = uniform_parameter(hidden_size, rows)
    end
  end

  function Cell:extra()
    return ("%d, %d"):format(self.input_size, self.hidden_size)
  end

  ---x: batch x input_size; h (and c, for LSTM; also as {h, c}): batch x hidden_size, zeros when left out. Returns h (and c).
  function Cell:forward(x, h, c)
    if not core.is_tensor(x) then
      layer.want_tensor(self, x)
    elseif x.ndim ~= 2 or x:size(2) ~= self.input_size then
      layer.fail(self, "the input must be batch x %d, but has shape %s", self.input_size, tostring(x.shape))
    end
    local state = given_states(self, kind, h, c, { #x, self.hidden_size }, "batch x hidden_size", x.dtype) or {}
    for i = 1, states[kind] do
      state[i] = state[i] or core.zeros({ #x, self.hidden_size }, { dtype = x.dtype })
    end
    return table.unpack(steps[kind](linear(x, self.weight_ih, self.bias_ih), state, self.weight_hh, self.bias_hh,
      activations[self.nonlinearity]))
  end
end

-- ---- layers: whole sequences ----

local function recurrent(kind)
  local Layer = module.Module:extend(kind)
  M[kind] = Layer

  ---@param input_size integer
  ---@param hidden_size integer
  ---@param opts? {num_layers: integer, bias: boolean, batch_first: boolean, dropout: number, bidirectional: boolean,
  ---nonlinearity: string} dropout acts between layers
  function Layer:init(input_size, hidden_size, opts)
    local o = options.read(kind, opts, {
      num_layers = { "integer", 1 }, bias = { "boolean", true }, batch_first = { "boolean", false },
      dropout = { "number", 0 }, bidirectional = { "boolean", false }, nonlinearity = { "string", "tanh" },
    })
    self.input_size = options.argument(kind, "input_size", input_size, "integer", 1)
    self.hidden_size = options.argument(kind, "hidden_size", hidden_size, "integer", 1)
    self.num_layers = options.argument(kind, "num_layers", o.num_layers, "integer", 1)
    self.batch_first, self.dropout, self.nonlinearity = o.batch_first, o.dropout, o.nonlinearity
    self.directions = o.bidirectional and { "", "_reverse" } or { "" }
    activation_of(kind, o.nonlinearity)
    local rows = gates[kind] * hidden_size
    for l = 1, o.num_layers do
      local width = l == 1 and input_size or hidden_size * #self.directions
      for _, way in ipairs(self.directions) do
        local tail = ("_l%d%s"):format(l, way)
        self["weight_ih" .. tail] = uniform_parameter(hidden_size, rows, width)
        self["weight_hh" .. tail] = uniform_parameter(hidden_size, rows, hidden_size)
        if o.bias then
          self["bias_ih" .. tail] = uniform_parameter(hidden_size, rows)
          self["bias_hh" .. tail] = uniform_parameter(hidden_size, rows)
        end
      end
    end
  end

  function Layer:extra()
    return ("%d, %d%s%s"):format(self.input_size, self.hidden_size,
      self.num_layers > 1 and (", num_layers = %d"):format(self.num_layers) or "",
      #self.directions > 1 and ", bidirectional" or "")
  end

  -- One direction of one layer over x (length x batch x features): outputs and the last state.
  local function pass(self, x, state, tail, backwards)
    local w, b = self["weight_hh" .. tail], self["bias_hh" .. tail]
    local from_x = linear(x, self["weight_ih" .. tail], self["bias_ih" .. tail])
    local activation, step, out = activations[self.nonlinearity], steps[kind], {}
    local n = #x
    for t = backwards and n or 1, backwards and 1 or n, backwards and -1 or 1 do
      state = step(from_x[t], state, w, b, activation)
      out[t] = state[1]
    end
    return core.stack(out, 1), state
  end

  ---x: length x batch x input_size. h (and c; also as {h, c}): (num_layers * directions) x batch x hidden_size, zeros when
  ---left out. Returns the outputs, length x batch x (directions * hidden_size), and the last h (and c).
  function Layer:forward(x, h, c)
    if not core.is_tensor(x) then
      layer.want_tensor(self, x)
    end
    if x.ndim ~= 3 or x:size(3) ~= self.input_size then
      layer.fail(self, "the input must be %s x %d, but has shape %s",
        self.batch_first and "batch x length" or "length x batch", self.input_size, tostring(x.shape))
    end
    x = self.batch_first and x:transpose(1, 2) or x
    if #x == 0 then
      layer.fail(self, "the sequence is empty (shape %s)", tostring(x.shape))
    end
    local given = given_states(self, kind, h, c, { self.num_layers * #self.directions, x:size(2), self.hidden_size },
      "(num_layers * directions) x batch x hidden_size", x.dtype) or {}
    local last, at = {}, 0
    for l = 1, self.num_layers do
      local outs = {}
      for _, way in ipairs(self.directions) do
        at = at + 1
        local state = {}
        for i = 1, states[kind] do
          state[i] = given[i] and given[i][at] or core.zeros({ x:size(2), self.hidden_size }, { dtype = x.dtype })
        end
        outs[#outs + 1], state = pass(self, x, state, ("_l%d%s"):format(l, way), way ~= "")
        for i = 1, states[kind] do
          last[i] = last[i] or {}
          last[i][at] = state[i]
        end
      end
      x = #outs > 1 and core.cat(outs, -1) or outs[1]
      if l < self.num_layers and self.dropout > 0 and self.training then
        x = core.dropout(x, self.dropout)
      end
    end
    for i = 1, #last do
      last[i] = core.stack(last[i], 1)
    end
    return self.batch_first and x:transpose(1, 2) or x, table.unpack(last)
  end
end

for _, kind in ipairs { "RNN", "LSTM", "GRU" } do
  cell(kind)
  recurrent(kind)
end

return M
