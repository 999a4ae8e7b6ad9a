-- nnlua check FILE...: what is wrong with a script before it runs: syntax, names that nobody defines, names of nn that are not
-- there, options and choices that do not exist. --run also takes one batch through the model.

local complete = require "nn.prompt.complete"
local contract = require "nn.internal.contract"
local core = require "nn.core"
local globals = require "nn.tool.globals"
local help = require "nn.internal.help"
local lexer = require "nn.prompt.lexer"

local M = {}

-- ---- names ----

local function keys_of(t)
  local out = {}
  for key in next, t do
    out[#out + 1] = type(key) == "string" and key or nil
  end
  return out
end

-- Names that scripts for several Luas ask for.
local maybe = {}
for name in ("arg jit unpack loadstring setfenv getfenv bit bit32 module love"):gmatch "%S+" do
  maybe[name] = true
end

-- Globals that are read but nowhere set.
local function undefined(f, note)
  local found = globals.of(f)
  local set, told = {}, {}
  for _, g in ipairs(found or {}) do
    set[g.name or ""] = set[g.name or ""] or g.set or nil
  end
  local public = require "nn.internal.public"
  for _, g in ipairs(found or {}) do
    local name = g.name
    if name and not g.set and not set[name] and rawget(_G, name) == nil and not maybe[name] and not told[name] then
      told[name] = true
      local names = keys_of(_G)
      for other in pairs(set) do
        names[#names + 1] = other
      end
      local near = #name > 2 and core.nearest(name, names)
      local of_nn = core.public[name] or public.homes[name] or public.namespaces[name]
      local word = ({ True = "true", False = "false", None = "nil", null = "nil" })[name]
      local hint = word and ("; Lua's word is %s"):format(word)
        or name == "nn" and '; begin with: local nn = require "nn"'
        or of_nn and ("; did you mean 'nn.%s'?"):format(name)
        or near and ("; did you mean '%s'?"):format(near) or ""
      note(g.line, ("nobody defines '%s'%s"):format(name, hint))
    end
  end
end

-- The value of nn.a.b as far as it is there; second: the part that is missing, third: what has it not.
local function look_up(root, path)
  local at, where = require "nn", "nn"
  if root ~= "nn" then
    at, where = rawget(_G, root), root
  end
  for part in path:gmatch "%.([%a_][%w_]*)" do
    local ok, value = core.try(function()
      return at[part]
    end)
    if not ok or value == nil then
      return nil, part, where, at, not ok and value or nil
    end
    at, where = value, where .. "." .. part
    if type(at) ~= "table" then
      break
    end
  end
  return at
end

-- "nn" by the names that the script gives it: local nn = require "nn", local optim = require "nn.optim", local L = nn.Linear.
local function aliases(text)
  local out = { nn = "nn" }
  for _, name in ipairs { "string", "table", "math", "io", "os", "coroutine", "utf8", "debug", "package" } do
    out[name] = name
  end
  for name, module in text:gmatch "([%a_][%w_]*)%s*=%s*require%s*%(?%s*[\"'](nn[%w_%.]*)[\"']" do
    out[name] = (module == "nn" or require("nn.internal.public").namespaces[module:sub(4)]) and module or nil
  end
  for name, path in text:gmatch "local%s+([%a_][%w_]*)%s*=%s*(nn%.[%w_%.]+)%s*[\n;]" do
    out[name] = path
  end
  return out
end

-- The keys of the table that opens at token i, with the strings they have: {{name, line, choice}}.
local function keys_in(text, tokens, i)
  local depth, out = 0, {}
  local function word(k)
    return tokens[k] and text:sub(tokens[k][2], tokens[k][3])
  end
  for k = i, #tokens do
    local this = tokens[k][1] ~= "string" and tokens[k][1] ~= "comment" and word(k)
    depth = depth + (lexer.opens[this] and 1 or 0) - (lexer.closes[this] and 1 or 0)
    if depth == 0 then
      return out, k
    elseif depth == 1 and tokens[k][1] == "name" and word(k + 1) == "=" and (word(k - 1) == "{" or word(k - 1) == ","
      or word(k - 1) == ";") then
      local alone = word(k + 3) == "," or word(k + 3) == "}" or word(k + 3) == ";"
      local choice = tokens[k + 2] and tokens[k + 2][1] == "string" and alone
      out[#out + 1] = { this, tokens[k][2], choice and word(k + 2):match "^[\"'](.*)[\"']$" }
    end
  end
  return out, #tokens
end

-- nn.name and nn.name(..., {option = ...}) in the text.
local function names_of_nn(text, note)
  local tokens = lexer.tokens(text)
  local alias = aliases(text)
  local function word(k)
    return tokens[k] and tokens[k][1] ~= "comment" and text:sub(tokens[k][2], tokens[k][3]) or nil
  end
  local function line_at(at)
    return select(2, text:sub(1, at - 1):gsub("\n", "")) + 1
  end
  local i = 1
  while i <= #tokens do
    local root = tokens[i][1] == "name" and alias[word(i)]
    local before = word(i - 1)
    if root and before ~= "." and before ~= ":" and before ~= "local" and word(i + 1) ~= "=" then
      local path, k = root:match "^nn(.*)$", i + 1
      root, path = path and "nn" or root, path or ""
      while word(k) == "." and tokens[k + 1] and tokens[k + 1][1] == "name" do
        path, k = path .. "." .. word(k + 1), k + 2
      end
      local value, missing, where, owner, why = look_up(root, path)
      if missing and word(k) ~= "=" then -- (what is assigned is the script's own)
        local near = not why and core.nearest(missing, complete.fields(owner))
        note(line_at(tokens[i][2]), why and tostring(why):gsub("^[^\n]-:%d+: ", "") or ("%s has no '%s'%s"):format(where, missing,
          near and ("; did you mean '%s.%s'?"):format(where, near) or ""))
      elseif root == "nn" and value ~= nil and (word(k) == "(" or word(k) == "{") then
        local options, choices = complete.options_of(value)
        local known = {}
        for _, name in ipairs(options) do
          known[name] = true
        end
        -- the last table directly among the arguments
        local depth, at, opens, place = 0, k, word(k) == "{" and k or nil, 1
        while word(k) == "(" and at <= #tokens do
          local this = tokens[at][1] ~= "string" and word(at)
          if depth == 1 and this == "{" then
            opens = at
          elseif depth == 1 and this ~= ")" and this ~= "," then
            opens = nil
          end
          place = place + (depth == 1 and this == "," and 1 or 0)
          depth = depth + (lexer.opens[this] and 1 or 0) - (lexer.closes[this] and 1 or 0)
          if opens == at then
            local _, stop = keys_in(text, tokens, at)
            at, depth = stop, depth - 1
          end
          if depth == 0 then
            break
          end
          at = at + 1
        end
        local wanted = type(value) == "function" and help.option_place(contract.original(value)) or place
        for _, key in ipairs(opens and wanted == place and #options > 0 and keys_in(text, tokens, opens) or {}) do
          local name, choice = key[1], key[3]
          if not known[name] then
            local near = core.nearest(name, options)
            note(line_at(key[2]), ("nn%s has no option '%s'%s"):format(path, name, near and ("; did you mean '%s'?"):format(near)
              or "; it takes " .. table.concat(options, ", ")))
          elseif choice and choices and choices[name] then
            local list = {}
            for one in choices[name]:gmatch "[^|]+" do
              list[#list + 1] = one
              list[one] = true
            end
            if not list[choice] then
              local near = core.nearest(choice, list)
              note(line_at(key[2]), ("nn%s: %s = \"%s\" is none of its choices%s"):format(path, name, choice,
                near and ("; did you mean \"%s\"?"):format(near) or ": " .. table.concat(list, ", ")))
            end
          end
        end
      end
      i = k
    else
      i = i + 1
    end
  end
end

---Names, options and choices of nn in a piece of text that do not exist: note(line, what).
---@param text string need not be a whole script
---@param note fun(line: integer, what: string)
function M.names(text, note)
  names_of_nn(text, note)
end

---What is wrong with a script: {{line, text}}, sorted.
---@param path string
---@return table[]
function M.problems(path)
  local file, why = io.open(path)
  if not file then
    return { { 0, why } }
  end
  local text
  text, why = file:read "a"
  file:close()
  if not text then
    return { { 0, why or "cannot be read" } }
  end
  text = text:gsub("^\xef\xbb\xbf", "")
  local found = {}
  local function note(line, what)
    found[#found + 1] = { line, what }
  end
  text = text:gsub("^#[^\n]*", "")
  local f
  f, why = load(text, "@" .. path, "t")
  if not f then
    local line, what = why:match ":(%d+): (.*)$"
    note(tonumber(line) or 0, what or why)
    return found
  end
  undefined(f, note)
  names_of_nn(text, note)
  table.sort(found, function(a, b)
    return a[1] < b[1] or a[1] == b[1] and a[2] < b[2]
  end)
  return found
end

-- ---- --run ----

local Done = { __tostring = function(d)
  return d.text
end }

local function finish()
  error(setmetatable({ text = "" }, Done), 0)
end

-- What the gradients of parameters look like.
local function gradients_text(parameters)
  local none, zero, bad = 0, 0, 0
  for _, p in ipairs(parameters) do
    local g = p.grad
    if g == nil then
      none = none + 1
    elseif not g:isfinite():all():item() then
      bad = bad + 1
    elseif g:abs():max():item() == 0 then
      zero = zero + 1
    end
  end
  local out = {}
  for _, case in ipairs { { none, "got no gradient" }, { zero, "got a gradient of zeros" },
    { bad, "got a gradient that is not finite" } } do
    if case[1] > 0 then
      out[#out + 1] = ("%d of %d parameters %s"):format(case[1], #parameters, case[2])
    end
  end
  return #out == 0 and ("gradients reach all %d parameters"):format(#parameters) or table.concat(out, "; "), #out == 0
end

local function shape_of(v)
  return core.is_tensor(v) and ("%s %s"):format(tostring(v.shape), v.dtype) or type(v)
end

-- Shows the shapes behind each layer of a model for this input; gives the output.
local function through(model, x)
  local names, widest = {}, 5
  for _, pair in ipairs(model:named_modules()) do
    names[#names + 1] = { pair[1], pair[2] }
  end
  local rows = { { "input", shape_of(x) } }
  local removes = {}
  for _, pair in ipairs(names) do
    local name, layer = pair[1], pair[2]
    if layer ~= model or #names == 1 then
      removes[#removes + 1] = layer:register_forward_hook(function(_, output)
        output = type(output) == "table" and output[1] or output -- the first of several
        local what = tostring(layer):match "^[^\n]*":gsub("%s+[%d,]+ parameters$", "")
        rows[#rows + 1] = { name, ("%-24s %s"):format(shape_of(output), what) }
      end)
    end
  end
  local ok, output = core.try(model, x)
  for _, remove in ipairs(removes) do
    remove()
  end
  for _, row in ipairs(rows) do
    widest = math.max(widest, #row[1])
  end
  for _, row in ipairs(rows) do
    print(("  %-" .. widest .. "s  %s"):format(row[1], row[2]))
  end
  if not ok then
    error(output, 0)
  end
  return output
end

local function fit_once(opts)
  local x, y = opts.train() -- a loader's pass, or a function's first batch
  if x == nil then
    core.raise "check --run: the loader gives no batch"
  end
  print(("the first batch: x %s, y %s"):format(shape_of(x), shape_of(y)))
  local output = through(opts.model, x)
  local loss = opts.loss(output, y)
  opts.optimizer:zero_grad()
  loss:backward()
  local text, fine = gradients_text(opts.model:parameters())
  print(("loss %.6g; %s"):format(loss:item(), text))
  M.fine = fine and loss:isfinite():all():item()
  finish()
end

-- Runs a script until its first update.
local function run(path, arguments)
  local nn = require "nn"
  nn.compile = function(f)
    return f
  end
  require("nn.train").fit = fit_once
  local fields = core.fields(require("nn.optim.optimizer").Optimizer)
  local step = fields.step
  rawset(fields, "step", function(optimizer, ...)
    if not require("nn.optim.optimizer").is_optimizer(optimizer) then
      return step(optimizer, ...) -- says what is wrong
    end
    local parameters = {}
    for _, group in ipairs(optimizer.param_groups) do
      for _, p in ipairs(group.params) do
        parameters[#parameters + 1] = p
      end
    end
    local text, fine = gradients_text(parameters)
    print("the first update: " .. text)
    M.fine = fine
    finish()
  end)
  local f, why = loadfile(path)
  if not f then
    error(why, 0)
  end
  _G.arg = table.move(arguments, 1, #arguments, 1, { [0] = path }) -- luacheck: ignore 122
  M.fine = true
  local ok, problem = core.try(function()
    local value = f(table.unpack(arguments))
    local meta = debug.getmetatable(value)
    if type(meta) == "table" and meta.__script then
      meta.__script(value, "--no-record", table.unpack(arguments))
    end
  end)
  if ok then
    print "the script ended without an update"
  elseif debug.getmetatable(problem) ~= Done and not tostring(problem):find "^$" then
    error(problem, 0)
  end
  return M.fine
end

---nnlua check
function M.main(_, args)
  local paths, arguments, with_run, rest = {}, {}, false, false
  for _, word in ipairs(args) do
    if rest then
      arguments[#arguments + 1] = word
    elseif word == "--run" then
      with_run = true
    elseif word == "--" then
      rest = true
    elseif word:find "^%-" then
      core.raise(("there is no option '%s'\n%s"):format(word, require("nn.tool.usages").check))
    else
      paths[#paths + 1] = word
    end
  end
  if #paths == 0 then
    core.raise(require("nn.tool.usages").check)
  end
  local count = 0
  for _, path in ipairs(paths) do
    for _, problem in ipairs(M.problems(path)) do
      print(("%s:%s %s"):format(path, problem[1] > 0 and problem[1] .. ":" or "", problem[2]))
      count = count + 1
    end
  end
  local fine = count == 0
  if fine and with_run then
    fine = run(paths[1], arguments)
  end
  if not fine then
    os.exit(1, true)
  end
  print(("%s: nothing found"):format(#paths > 3 and #paths .. " files" or table.concat(paths, ", ")))
end

return M
