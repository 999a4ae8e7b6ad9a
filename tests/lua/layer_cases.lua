-- An object of each entry of the layer table, and inputs for it, made from what the entry says of itself: for tests and fuzzers
-- that go through the table.

local core = require "nn.core"
local nn = require "nn"

local M = {}

local WIDTH, BATCH, LENGTH = 4, 3, 6

-- A value for a setting that must be given.
local function needed(f)
  if f.kind == "int" then
    return f.name == "num_groups" and 2 or WIDTH
  elseif f.kind == "sizes" then
    return f.name == "normalized_shape" and { WIDTH } or 2
  elseif f.kind == "number" then
    return 0.5
  elseif f.kind == "layer" then
    return nn.Linear(WIDTH, WIDTH)
  end
end

-- Settings without which there is no layer, or none that takes what is tried.
local always = { Upsample = { scale_factor = 2 }, Unflatten = { dim = 2, unflattened_size = { 2, 2 } },
  PixelUnshuffle = { downscale_factor = 2 }, Fold = { output_size = { 2, 4 }, kernel_size = { 1, 2 } } }

---The object that the entry's constructor makes of what must be given and of `options`, by name.
function M.make(entry, options)
  local class = nn[entry.name]
  if entry.family == "transformer" and entry.made_of then
    return class(nn[entry.name .. "Layer"](WIDTH, 2, WIDTH), 2)
  end
  if entry.family == "containers" then
    if entry.name == "ModuleDict" then
      return class { a = nn.Linear(WIDTH, WIDTH) }
    elseif entry.name == "ParameterList" then
      return class { nn.Parameter(nn.ones(2)) }
    end
    return class(nn.Linear(WIDTH, WIDTH), nn.Tanh())
  end
  local args = {}
  for name, value in pairs(always[entry.name] or {}) do
    args[name] = value
  end
  for _, f in ipairs(entry.fields) do
    if f.kind == "layers" then
      args[#args + 1] = nn.Linear(WIDTH, WIDTH)
    elseif f.setting and not f.optional and not f.default and args[f.name] == nil and not (options and options[f.name] ~= nil) then
      args[f.name] = needed(f)
    end
  end
  for name, value in pairs(options or {}) do
    args[name] = value
  end
  if args[1] then
    local layer = table.remove(args, 1)
    return class(layer, args)
  end
  return class(args)
end

-- A shape for the first of the shapes that an entry accepts.
local function shape_of(entry, object, channels)
  local shape = {}
  for word in ((entry.accepts or "batch x features"):match "^(.-) or " or entry.accepts or "batch x features"):gmatch "[^ x][^ ]*" do
    local ok, value = pcall(function()
      return object[word]
    end)
    if type(value) == "table" then
      table.move(value, 1, #value, #shape + 1, shape)
    elseif ok and math.type(value) == "integer" then
      shape[#shape + 1] = value
    elseif word ~= "..." then
      shape[#shape + 1] = word == "batch" and BATCH or word == "channels" and channels or word == "features" and WIDTH or LENGTH
    elseif #shape == 0 then
      shape[1] = BATCH
    end
  end
  return shape
end

-- What an input may be, for tries in turn: of the given shape.
local kinds = {
  function(shape) return nn.randn(shape) end,
  function(shape) return nn.rand(shape) * 0.8 + 0.1 end,
  function(shape) return nn.randint(1, WIDTH + 1, { shape[1] }) end,
  function(shape) return nn.randint(1, WIDTH + 1, shape) end,
  function(shape) return nn.randn(shape[1]):sign() end,
}

-- Inputs that are not found by trying.
local special = {
  CTCLoss = function()
    return { nn.randn(LENGTH, BATCH, WIDTH):log_softmax(3), nn.randint(2, WIDTH + 1, { BATCH, 2 }),
      nn.tensor { LENGTH, LENGTH, LENGTH - 1 }, nn.tensor { 2, 1, 2 } }
  end,
}

---Inputs that the object takes: for an entry whose inputs are all needed, found by trying. nil: it takes none.
function M.inputs(entry, object)
  if not entry.inputs then
    return nil
  elseif special[entry.name] then
    return special[entry.name]()
  end
  local shape, names = nil, {}
  for name in entry.inputs:gsub("|.*", ""):gmatch "[%w_]+%f[^%w_]" do
    if not entry.inputs:find(name .. "?", 1, true) then
      names[#names + 1] = name
    end
  end
  local function try(i, given)
    if i > #names then
      return (pcall(object, table.unpack(given)))
    end
    for k, kind in ipairs(kinds) do
      if k == 1 and (names[i] == "variance" or names[i] == "scale") then
        kind = kinds[2] -- positive
      end
      given[i] = kind(shape)
      if try(i + 1, given) then
        return true
      end
      given[i] = nil
    end
    return false
  end
  for _, channels in ipairs { WIDTH, WIDTH * WIDTH } do
    shape = entry.family == "recurrent" and not entry.accepts and { LENGTH, BATCH, WIDTH } or shape_of(entry, object, channels)
    local given = {}
    if try(1, given) then
      return given
    end
  end
end

-- Values that a setting may have beside its default.
local others = {
  int = { 1, 2, 3, 4, -1 }, number = { 0.3, 0.7, 2, 0.1 }, bool = { true, false }, sizes = { 1, 2, 3 }, name = {}, dtype = {},
  initializer = { "he_normal", "zeros" },
}

---Values to try for a setting: some may not fit the others.
function M.values(f)
  if f.kind == "choice" then
    local list = {}
    for word in f.default:gmatch "[^|]+" do
      list[#list + 1] = word
    end
    return list
  elseif f.kind == "tensor" then
    return { nn.rand(WIDTH) + 0.5 }
  elseif f.kind == "layer" then
    return { nn.Linear(WIDTH, WIDTH), nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh()) }
  end
  local list = { table.unpack(others[f.kind] or {}) }
  list[#list + 1] = f.word
  return list
end

---Calls f(entry) for each entry of the table.
function M.each(f)
  for _, entry in ipairs(core.layers()) do
    f(entry)
  end
end

return M
