-- What Tab can mean: variables and fields; names after ?; commands after %; modules in require "..."; names of files in other
-- strings; and in the table of a known function or layer the names of its options, and their choices.

local core = require "nn.core"
local lexer = require "nn.prompt.lexer"
local session = require "nn.prompt.session"

local M = {}

-- Those of a list that begin with what is typed, sorted, each once. Names that begin with _ are asked for by that.
local function matching(list, typed)
  local out, seen = {}, {}
  for _, name in ipairs(list) do
    if not seen[name] and name:sub(1, #typed) == typed and (name:sub(1, 1) ~= "_" or typed:sub(1, 1) == "_") then
      seen[name], out[#out + 1] = true, name
    end
  end
  table.sort(out)
  return out
end

local function add_keys(t, out)
  for key in next, t do
    if type(key) == "string" and key:find "^[%a_][%w_]*$" and not lexer.keywords[key] then
      out[#out + 1] = key
    end
  end
end

---The names of a value's fields and methods, read without calling anything: of a table its keys, of what has a metatable also
---what that offers, loaded or not.
---@param v any
---@return string[]
function M.fields(v)
  local out, depth = {}, 0
  local own = core.fields(v)
  if own then
    add_keys(own, out)
  end
  while v ~= nil and depth < 10 do
    if type(v) == "table" then
      add_keys(v, out)
    end
    local meta = debug.getmetatable(v)
    if type(meta) ~= "table" then
      break
    end
    for _, more in ipairs { "homes", "namespaces", "methods", "properties" } do -- what is loaded when it is first touched
      local t = rawget(meta, more)
      if type(t) == "table" then
        add_keys(t, out)
      end
    end
    local index = rawget(meta, "__index")
    if type(index) == "function" and not rawget(meta, "methods") then -- a class whose methods stand in its metatable
      for key, value in next, meta do
        if type(key) == "string" and type(value) == "function" and not key:find "^_" then
          out[#out + 1] = key
        end
      end
    end
    v = type(index) == "table" and index or nil
    depth = depth + 1
  end
  return out
end

-- The value of "a.b[1].c"; nothing is called but __index.
local function value_of(path)
  local first, rest = path:match "^([%a_][%w_]*)(.*)$"
  if not first then
    return nil
  end
  local v = session.value(first)
  local at = 1
  while at <= #rest and v ~= nil do
    local key, stop = rest:match("^[%.:]([%a_][%w_]*)()", at)
    if not key then
      local number
      number, stop = rest:match("^%[(%d+)%]()", at)
      key = math.tointeger(tonumber(number))
    end
    if not key then
      key, stop = rest:match("^%[[\"']([^\"'%]]*)[\"']%]()", at)
    end
    if not key then
      return nil
    end
    local ok, value = core.try(function()
      return v[key]
    end)
    v, at = ok and value or nil, stop
  end
  return v
end
M.value_of = value_of

-- Names after ?: of nn itself, of its families, of variables.
local function help_names(word)
  local public = require "nn.internal.public"
  local path, last = word:match "^(.*)[%.:]([%w_]*)$"
  if path then
    local family = value_of(path) or value_of("nn." .. path)
    local out = matching(family ~= nil and M.fields(family) or {}, last)
    return out, last
  end
  local names = session.names()
  for _, t in ipairs { require "nn", public.homes, public.namespaces, require("nn.internal.help").lists(), _G } do
    add_keys(t, names)
  end
  return matching(names, word), word
end


---The names of the options that a function or layer takes in a table, and of those that are choices the words ("a|b").
---@param v any
---@return string[] names, table<string, string> choices
function M.options_of(v)
  local help, contract = require "nn.internal.help", require "nn.internal.contract"
  local layer = core.entry_of(v)
  local out, choices = {}, {}
  local function of_layer(entry)
    for _, f in ipairs(entry.fields) do
      out[#out + 1] = f.setting and f.kind ~= "layers" and f.name or nil
      choices[f.name] = f.kind == "choice" and f.default or f.kind == "dtype" and "float32|float64"
        or f.kind == "initializer" and table.concat(M.initializers(), "|") or nil
    end
    return out, choices
  end
  if layer then
    return of_layer(require("nn.internal.layer_help").entry(layer))
  elseif type(v) ~= "function" then
    return out, choices
  end
  local settings = contract.settings[contract.original(v)]
  if settings then -- nn.nll_loss(x, y, {weight = w})
    of_layer(settings.entry)
    for name in pairs(settings.more) do
      out[#out + 1] = name
    end
    out[#out + 1] = "training"
    table.sort(out)
    return out, choices
  end
  local text = contract.help[contract.original(v)]
  if text then -- nn.optim.Adam(params, {lr = 0.001, ...})
    local head = text():match("^[^\n]*"):match "{(.*)}%)$" or ""
    for part in (head:gsub("{.-}", "") .. ","):gmatch "%s*(.-)," do
      out[#out + 1] = part:match "^[%a_][%w_]*"
    end
    return out, choices
  end
  for name, kind, rest in help.arguments(v):gmatch "([%w_]+): (%w+)([^,]*)" do
    choices[name] = kind == "choice" and rest:match "= *(%S+)" or kind == "dtype" and "float32|float64|int64|uint8|bool" or nil
  end
  for name, said in pairs(help.option_texts(v)) do -- "auto" (default: ...), "line" or "none"
    local list = {}
    for word in said:gmatch '"([%w_]+)"' do
      list[#list + 1] = word
    end
    choices[name] = choices[name] or #list > 1 and table.concat(list, "|") or nil
  end
  return help.option_names(v), choices
end

---The names that `init = ` takes.
function M.initializers()
  local out = {}
  for _, name in ipairs(M.fields(require "nn.init")) do
    out[#out + 1] = name:match "^(%l[%w_]*[^_])_$"
  end
  return out
end

-- Where the bracket that is open at the end of a text stands, and which one it is.
local function open_bracket(text, tokens)
  local stack = {}
  for _, t in ipairs(tokens) do
    local c = t[1] == "op" and text:sub(t[2], t[3])
    if c == "(" or c == "{" or c == "[" then
      stack[#stack + 1] = { t[2], c }
    elseif c == ")" or c == "}" or c == "]" then
      stack[#stack] = nil
    end
  end
  return stack
end

-- The function or layer in whose table of options the text ends: name(..., {a = 1, | or name{ |
local function called_with_table(text, tokens)
  local stack = open_bracket(text, tokens)
  local last = stack[#stack]
  if not last or last[2] ~= "{" then
    return nil
  end
  local before = text:sub(1, last[1] - 1)
  local name = before:match "([%a_][%w_%.:%[%]]*)%s*$"
  local outer = stack[#stack - 1]
  if not name and outer and outer[2] == "(" and before:find "[,(]%s*$" then
    name = text:sub(1, outer[1] - 1):match "([%a_][%w_%.:%[%]]*)%s*$"
  end
  return name and value_of(name)
end

-- Names of files that begin with what is typed; folders end with /.
local function files(typed)
  local folder, start = typed:match "^(.*/)([^/]*)$"
  folder, start = folder or "", start or typed
  local home = os.getenv "HOME"
  local where = folder:gsub("^~/", (home or "~") .. "/")
  local ok, list = core.try(core.list_directory, where == "" and "." or where) -- in the sandbox it may be closed
  local out = {}
  for _, entry in ipairs(ok and list or {}) do
    if entry:sub(1, #start) == start and (entry:sub(1, 1) ~= "." or start:sub(1, 1) == ".") then
      out[#out + 1] = core.is_directory(where .. entry) and entry .. "/" or entry
    end
  end
  return out, start
end

---What may stand where the text ends: words, and the part of each that is typed already.
---@param text string up to the cursor
---@return string[] words, string typed
function M.candidates(text)
  local line = text:match "[^\n]*$"
  if line:find "^%s*%?" then
    return help_names(line:match "^%s*%?+%s*(.*)$")
  elseif line:find "^%s*%%[%w_]*$" then
    local typed = line:match "[%w_]*$"
    local names = {}
    add_keys(require("nn.prompt.commands").commands, names)
    return matching(names, typed), typed
  elseif line:find "^%s*%%" then
    local command, rest = line:match "^%s*%%([%w_]+)%s+(.*)$"
    local entry = require("nn.prompt.commands").commands[command]
    if entry and entry.takes == "file" then
      return files(rest:match "%S*$")
    elseif entry and type(entry.takes) == "table" then
      return matching(entry.takes, rest), rest
    end
    text = rest or ""
  end
  local tokens = lexer.tokens(text)
  local last = tokens[#tokens]
  if last and last[1] == "comment" and (not last[4] or last[3] == #text) then
    return {}, ""
  elseif last and last[1] == "string" and not last[4] and last[3] == #text then
    local typed = text:sub(last[2] + 1)
    local before = text:sub(1, last[2] - 1)
    if before:find "require%s*%(?%s*$" then
      local names = { "nn" }
      for _, file in pairs(require("nn.internal.public").namespaces) do
        names[#names + 1] = file
      end
      for name in pairs(package.loaded) do
        names[#names + 1] = not name:find "^nn%." and name or nil
      end
      for _, name in ipairs((files(""))) do
        names[#names + 1] = name:match "^([%w_]+)%.lua$"
      end
      return matching(names, typed), typed
    end
    local option = before:match "([%a_][%w_]*)%s*=%s*$"
    if option then
      local v = called_with_table(text:sub(1, last[2] - 1), table.move(tokens, 1, #tokens - 1, 1, {}))
      local names, choices = M.options_of(v)
      local words, known = {}, false
      for _, name in ipairs(names) do
        known = known or name == option
      end
      for word in (choices and choices[option] or ""):gmatch "[^|]+" do
        words[#words + 1] = word
      end
      if #words > 0 then
        return matching(words, typed), typed
      elseif known and not option:find "file" and not option:find "path" and option ~= "out" then
        return {}, typed -- files would mislead
      end
    end
    return files(typed)
  end
  local path, typed = text:match "([%a_][%w_%.:%[%]\"']*[%.:])([%a_]?[%w_]*)$"
  if path then
    local v = value_of(path:sub(1, -2))
    if v == nil or path:find "%.%.$" then
      return {}, typed
    end
    local names = M.fields(type(v) == "string" and string or v)
    if path:find ":$" and type(v) == "table" then -- only what can be called
      local callable = {}
      for _, name in ipairs(names) do
        local ok, field = core.try(function()
          return v[name]
        end)
        callable[#callable + 1] = ok and type(field) == "function" and name or nil
      end
      names = callable
    end
    return matching(names, typed), typed
  end
  typed = text:match "[%a_][%w_]*$" or ""
  if typed == "" and text:find "[%w_%)%]\"']$" then
    return {}, ""
  end
  local head = text:sub(1, #text - #typed)
  if head:find "[{,;]%s*$" then
    tokens = lexer.tokens(head)
    local v = called_with_table(head, tokens)
    local names = v ~= nil and matching((M.options_of(v)), typed) or {}
    for i, option in ipairs(names) do
      names[i] = option .. " = "
    end
    if #names > 0 then
      return names, typed
    end
  end
  if typed == "" then
    return {}, ""
  end
  local names = session.names()
  add_keys(_G, names)
  for word in pairs(lexer.keywords) do
    names[#names + 1] = word
  end
  return matching(names, typed), typed
end

return M
