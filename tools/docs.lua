-- Makes docs/reference from the op table and the layer table: a page for each family, the table of NumPy's and PyTorch's
-- names, and nn.lua with annotations for editors (LuaCATS). `make docs` runs it; tests/lua/docs/test_reference.lua fails when
-- a file is stale.
--
-- As a module it gives the pages as texts; run as a script it writes them.

local nn = require "nn"
local core = require "nn.core"
local help = require "nn.internal.help"
local manual = require "nn.internal.manual"
local public = require "nn.internal.public"

local M = {}

local layers = dofile "tools/layer_pages.lua"

local head = "<!-- Made by `make docs` from the op table; edit the ops in src/ops. -->\n"

local function public_ops()
  local list = {}
  for _, op in ipairs(core.ops()) do
    if not op.internal then
      list[#list + 1] = op
    end
  end
  return list
end

local function op_text(op)
  local out = { ("### %s\n"):format(op.name), ("`nn.%s` → %s\n"):format(help.signature(op), op.returns) }
  if op.inplace_only then
    out[2] = ("`x:%s` → x\n"):format(help.signature(op):gsub("%(x, ?", "("):gsub("%(x%)", "()"))
  end
  out[#out + 1] = table.concat(help.describe(op), " ") .. "\n"
  local code, shown = help.example(op)
  if code then
    out[#out + 1] = ("```lua\n> %s\n%s\n```\n"):format(code, shown)
  end
  return table.concat(out, "\n")
end

-- "nn.exp, x:add_" as links where a page has them.
local function see_text(names, link_of)
  local out = {}
  for i, name in ipairs(names) do
    local link = link_of[name]
    out[i] = link and ("[%s](%s)"):format(name, link) or ("`%s`"):format(name)
  end
  return ("See also: %s.\n"):format(table.concat(out, ", "))
end

-- ---- functions ----

local function anchor(name)
  return (name:lower():gsub("[%.:]", ""))
end

-- Body lines as Markdown: sentences as they are, what is indented as a list.
local function body_text(lines)
  local out, inside = {}, false
  for _, line in ipairs(lines) do
    local blank, rest = line:match "^( *)(.*)$"
    local item = #blank >= 2 and rest:find "^[%w_%.]+%??: "
    if item then
      out[#out + 1] = (not inside and "\n" or "") .. (#blank >= 4 and "  " or "") .. "- `" .. rest:gsub(": ", "`: ", 1)
      inside = true
    elseif #blank >= 2 and rest:find "^gives " then
      out[#out + 1] = ("%s- %s"):format(inside and "" or "\n", rest)
      inside = true
    elseif inside and #blank >= 2 then
      out[#out] = out[#out] .. " " .. rest
    else
      out[#out + 1] = (inside and "\n" or "") .. rest
      inside = false
    end
  end
  return table.concat(out, "\n"):gsub("<", "&lt;") .. "\n"
end

local function function_text(name, link_of)
  local e = manual.entry(name)
  local out = { ("### %s\n"):format(name), ("`%s`\n"):format(e.head), body_text(e.body) }
  if #e.example > 0 then
    out[#out + 1] = ("```lua\n%s\n```\n"):format(table.concat(e.example, "\n"))
  end
  out[#out + 1] = see_text(e.see, link_of)
  if e.source then
    out[#out + 1] = ("Source: %s.\n"):format((e.source:gsub("%.$", "")))
  end
  return table.concat(out, "\n")
end

local function page_text(page, ops, link_of)
  local out = { head, ("# %s\n"):format(page.title) }
  local names = {}
  for _, op in ipairs(ops) do
    names[#names + 1] = ("[%s](#%s)"):format(op.name, op.name)
  end
  out[#out + 1] = table.concat(names, " · ") .. "\n"
  for _, op in ipairs(ops) do
    if public.homes[op.name] then -- a function that takes more stands in its place
      out[#out + 1] = function_text(op.name, link_of)
    else
      out[#out + 1] = op_text(op)
      out[#out + 1] = see_text(manual.see_of_op(op.name), link_of)
    end
  end
  return table.concat(out, "\n")
end

local function functions_page(page, link_of)
  local out, links = { (head:gsub("the op table; edit the ops in src/ops", "what stands above the functions in lua/stdlib/nn")),
    ("# %s\n"):format(page.title), page.intro .. "\n" }, {}
  for i, name in ipairs(page.names) do
    links[i] = ("[%s](#%s)"):format(name, anchor(name))
  end
  out[#out + 1] = table.concat(links, " · ") .. "\n"
  for _, name in ipairs(page.names) do
    out[#out + 1] = function_text(name, link_of)
  end
  return table.concat(out, "\n")
end

-- Every name -> the page and place where it stands.
local function all_links()
  local out = {}
  for _, page in ipairs(manual.pages()) do
    for _, name in ipairs(page.names) do
      local shown = name:find ":" and name or (name:find "_$" and page.kind == "ops") and "x:" .. name or "nn." .. name
      out[shown] = ("%s.md#%s"):format(page.file, anchor(name))
      if name:find "^%u%w*:" then
        out["nn." .. name] = out[shown]
      end
    end
  end
  return out
end

-- ---- the index ----

local function promotion_table()
  local dtypes = { "bool", "uint8", "int64", "float32", "float64" }
  local out = { "| | " .. table.concat(dtypes, " | ") .. " |", "| --- " .. ("| --- "):rep(#dtypes) .. "|" }
  for _, a in ipairs(dtypes) do
    local cells = {}
    for _, b in ipairs(dtypes) do
      cells[#cells + 1] = nn.where(nn.tensor { true }, nn.ones(1, { dtype = a }), nn.ones(1, { dtype = b })).dtype
    end
    out[#out + 1] = ("| **%s** | %s |"):format(a, table.concat(cells, " | "))
  end
  return table.concat(out, "\n")
end

local function index_text(pages, by_page, count)
  local out = { head, "# Reference\n", ("%d functions of tensors. Each is a function of `nn` and a method: `nn.sum(x, 2)` and"
    .. " `x:sum(2)`; options may stand in one last table: `x:sum {dim = 2, keepdim = true}`. At the prompt, `?sum` shows the"
    .. " same.\n"):format(count) }
  for _, page in ipairs(pages) do
    if page.kind == "ops" then
      local names = {}
      for _, op in ipairs(by_page[page.file]) do
        names[#names + 1] = op.name
      end
      out[#out + 1] = ("- [%s](%s.md): %s"):format(page.title, page.file, table.concat(names, ", "))
    end
  end
  out[#out + 1] = "\n## Layers and losses\n"
  out[#out + 1] = layers.index()
  out[#out + 1] = "\n## Functions, families and methods\n"
  for _, page in ipairs(pages) do
    if page.kind == "functions" then
      out[#out + 1] = ("- [%s](%s.md): %s"):format(page.title, page.file, table.concat(page.names, ", "))
    end
  end
  out[#out + 1] = [[

[names.md](names.md) tells what a name of NumPy or PyTorch is called here. [nn.lua](nn.lua) has annotations for editors that
know LuaCATS (lua-language-server).

## Operators

`+ - * / ^ // % & | ~ << >>` and unary `-` and `~` are ops: add, sub, mul, div, pow, floor_divide, remainder, bitwise_and,
bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift, neg, bitwise_not. `==` tells whether two values are the
same tensor, since Lua's `==` must give true or false; `x:eq(y)` compares the elements, `x:equal(y)` and `x:allclose(y)` give
true or false. `<` and `..` are errors that say what to write instead. `#x` is the size of dim 1, and `pairs(x)` goes over its
slices.

## Dtypes

A result of two tensors has the dtype below. Tensors without dims and numbers count only where their kind (bool, whole,
float) is higher: `int64 + 1.5` is float32, `float32 + 1.5` stays float32. Whole numbers divided by `/` give floats, by `//`
whole numbers; dividing those by 0 gives 0. Arithmetic of whole numbers wraps around on overflow.

What a dtype cannot hold is no number of it: `nn.tensor({300}, {dtype = "uint8"})`, `bytes + 300`, `x:to("int64")` of nan and
`whole[1] = 1.5` are errors (PyTorch gives 44, 44 more, any number, 1). `to` and `copy_` cut fractions off. Comparisons lose
no digits: `bytes:lt(300)`, and int64 against floats, are as exact as in Lua.
]]
  out[#out + 1] = promotion_table() .. "\n"
  out[#out + 1] = [[
16-bit floats are storage: files with float16 and bfloat16 are read as float32, and `nn.io.npy(path, x, {dtype = "float16"})`
writes them.
]]
  return table.concat(out, "\n")
end

-- ---- for editors ----

local cats = {
  tensor = "nn.Tensor", operand = "nn.Tensor|number|boolean", tensors = "nn.Tensor[]", int = "integer",
  number = "number", bool = "boolean", dim = "integer", dims = "integer|integer[]", shape = "integer|integer[]",
  numbers = "number|number[]", dtype = "nn.Dtype", choice = "string",
}
-- What stands in the head of nn.lua already.
local written_by_hand = {}
for name in ("item totable size numel backward detach requires_grad_ equal allclose register_hook tensor einsum"):gmatch "%S+" do
  written_by_hand[name] = true
end

local reserved = { ["end"] = "end_", ["repeat"] = "repeat_" }

local function annotation(op, method)
  local out = {}
  out[#out + 1] = "---" .. op.doc
  if op.example then
    out[#out + 1] = "---"
    out[#out + 1] = "---    " .. op.example
  end
  local names = {}
  for i, p in ipairs(op.params) do
    if not (method and i == 1) then
      local name = reserved[p.name] or p.name
      names[#names + 1] = name
      out[#out + 1] = ("---@param %s%s %s"):format(name, p.optional and "?" or "", cats[p.kind])
    end
  end
  if op.returns == "tensors" then
    out[#out + 1] = "---@return nn.Tensor[]"
  else
    for result in op.returns:gmatch "[^,%s]+" do
      out[#out + 1] = "---@return nn.Tensor" .. (result:find "%?" and "?" or "")
    end
  end
  return out, table.concat(names, ", ")
end

-- Functions written in Lua and in C, with the classes and families that have them.
local function functions_for_editors()
  local written = require "nn.internal.written"
  local out, made, classes = {}, { ["nn"] = true, ["x"] = true, ["Module"] = true }, {}
  local all = manual.functions()
  local names = {}
  for name in pairs(all) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local owner, sign, last = name:match "^(.-)([%.:]?)([%w_]+)$"
    local entry, lines = manual.entry(name), {}
    local annotations, of_options = written.annotations(all[name])
    for _, class in ipairs(of_options) do
      if not classes[class[1]] then
        classes[class[1]] = true
        out[#out + 1] = table.concat(class[2], "\n") .. "\n"
      end
    end
    for k, line in ipairs(entry.body) do
      if k > 1 and (line:find "^  " or line == "") then
        break
      end
      lines[#lines + 1] = "---" .. line:gsub("^ +", "")
    end
    local takes = {}
    for _, line in ipairs(annotations) do
      takes[#takes + 1] = line:match "^%-%-%-@param ([%w_%.]+)"
      lines[#lines + 1] = line
    end
    local known = table.concat(lines, "\n")
    if #takes == 0 and entry.head:find "%(.*%S.*%)" and not entry.head:find "%(%)" then
      takes[1] = "..."
    end
    local shown
    if sign == ":" and owner == "x" then
      shown = "Tensor:" .. last
    elseif sign == ":" then
      shown = owner .. ":" .. last
      if not made[owner] then
        made[owner] = true
        out[#out + 1] = ("---@class nn.%s\nlocal %s = {}\n"):format(owner, owner)
      end
    else
      shown = "nn." .. name
      local path = "nn"
      for part in owner:gmatch "[^%.]+" do
        path = path .. "." .. part
        if not made[path] then
          made[path] = true
          out[#out + 1] = ("%s = {}\n"):format(path)
        end
      end
    end
    if not (sign == ":" and owner == "x" and written_by_hand[last]) and not written_by_hand[name] then
      out[#out + 1] = ("%s\nfunction %s(%s) end\n"):format(known, shown, table.concat(takes, ", "))
    end
  end
  return table.concat(out, "\n")
end

local function editor_text(ops)
  local out = { [[
---@meta
-- Made by `make docs` from the op table and the layer table. For editors: nothing here runs.

---@alias nn.Dtype "bool"|"uint8"|"int64"|"float32"|"float64"

---@class nn.Tensor
---@field shape integer[]
---@field dtype nn.Dtype
---@field ndim integer
---@field grad nn.Tensor?
---@field requires_grad boolean
---@field is_leaf boolean
---@field T nn.Tensor
---@operator add(nn.Tensor|number): nn.Tensor
---@operator sub(nn.Tensor|number): nn.Tensor
---@operator mul(nn.Tensor|number): nn.Tensor
---@operator div(nn.Tensor|number): nn.Tensor
---@operator pow(nn.Tensor|number): nn.Tensor
---@operator idiv(nn.Tensor|number): nn.Tensor
---@operator mod(nn.Tensor|number): nn.Tensor
---@operator band(nn.Tensor|number): nn.Tensor
---@operator bor(nn.Tensor|number): nn.Tensor
---@operator bxor(nn.Tensor|number): nn.Tensor
---@operator shl(nn.Tensor|number): nn.Tensor
---@operator shr(nn.Tensor|number): nn.Tensor
---@operator unm: nn.Tensor
---@operator bnot: nn.Tensor
local Tensor = {}

---@return number|boolean
function Tensor:item() end
---@return table
function Tensor:totable() end
---@param dim? integer
---@return integer|integer[]
function Tensor:size(dim) end
---@return integer
function Tensor:numel() end
---@param gradient? nn.Tensor
---@param options? {retain_graph: boolean, create_graph: boolean}
function Tensor:backward(gradient, options) end
---@return nn.Tensor
function Tensor:detach() end
---@param on? boolean
---@return nn.Tensor
function Tensor:requires_grad_(on) end
---@param other nn.Tensor
---@return boolean
function Tensor:equal(other) end
---@param other nn.Tensor
---@return boolean
function Tensor:allclose(other) end
---@param f fun(gradient: nn.Tensor): nn.Tensor?
---@return fun() remove
function Tensor:register_hook(f) end

---@class nn
local nn = {}

---@param values number|boolean|table
---@param options? {dtype: nn.Dtype, requires_grad: boolean}
---@return nn.Tensor
function nn.tensor(values, options) end
---@param equation string
---@param ... nn.Tensor
---@return nn.Tensor
function nn.einsum(equation, ...) end
]] }
  for _, op in ipairs(ops) do
    if not op.inplace_only then
      local lines, names = annotation(op, false)
      out[#out + 1] = table.concat(lines, "\n")
      out[#out + 1] = ("function nn.%s(%s) end\n"):format(op.name, names)
    end
    local first = op.params[1]
    if first and (first.kind == "tensor" or first.kind == "operand") then
      local lines, names = annotation(op, true)
      if not op.inplace_only then
        out[#out + 1] = table.concat(lines, "\n")
        out[#out + 1] = ("function Tensor:%s(%s) end\n"):format(op.name, names)
      end
      if op.inplace then
        out[#out + 1] = "---" .. op.doc .. (op.inplace_only and "" or " In place.")
        local name = op.inplace_only and op.name or op.name .. "_"
        out[#out + 1] = ("---@return nn.Tensor\nfunction Tensor:%s(...) end\n"):format(name)
      end
    end
  end
  out[#out + 1] = layers.annotations()
  out[#out + 1] = functions_for_editors()
  out[#out + 1] = "return nn\n"
  return table.concat(out, "\n")
end

---All files, by name within docs/reference.
---@return table<string, string>
function M.files()
  local ops, pages = public_ops(), manual.pages()
  local by_page, link_of = {}, all_links()
  for _, op in ipairs(ops) do
    by_page[op.page] = by_page[op.page] or {}
    table.insert(by_page[op.page], op)
  end
  local files = { ["README.md"] = index_text(pages, by_page, #ops), ["nn.lua"] = editor_text(ops) }
  for _, page in ipairs(pages) do
    if page.kind == "ops" then
      files[page.file .. ".md"] = page_text(page, by_page[page.file], link_of)
    elseif page.kind == "functions" then
      files[page.file .. ".md"] = functions_page(page, link_of)
    end
  end
  for name, text in pairs(layers.pages(function(name)
    return see_text(manual.see_of_layer(name), link_of)
  end)) do
    files[name] = text
  end
  files["names.md"] = dofile("tools/names.lua")(ops, head)
  return files
end

---The manual page, docs/nnlua.1.
---@param program string
function M.man(program)
  return dofile("tools/man.lua").text(program)
end

if arg and arg[0] and arg[0]:find "docs%.lua$" then
  local page = assert(io.open("docs/nnlua.1", "w"))
  page:write(M.man "./nnlua")
  page:close()
  core.make_directory "tools/completion"
  for shell, text in pairs(require("nn.tool.completion").shells) do
    local f = assert(io.open("tools/completion/nnlua." .. shell, "w"))
    f:write(text)
    f:close()
  end
  core.make_directory "docs/reference"
  for name, text in pairs(M.files()) do
    local f = assert(io.open("docs/reference/" .. name, "w"))
    f:write(text)
    f:close()
  end
end

return M
