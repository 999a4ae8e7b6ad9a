-- Real pictures in a terminal that says that it can show them: kitty's graphics protocol, or sixels. It is asked, never guessed,
-- and only at the prompt, which can wait for the answer. Elsewhere pictures are drawn in characters.
-- https://sw.kovidgoyal.net/kitty/graphics-protocol/ and DEC's VT330/VT340 manual (sixels: 4 among the device attributes).

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"

local M = {}

-- What the prompt gives, if there is one: ask(bytes) writes them to the terminal and gives what it answers.
local function asker()
  local prompt = package.loaded["nn.prompt.main"]
  return M.ask or prompt and prompt.asker and prompt.asker()
end

local own = {} -- files that were named here
local kind -- "kitty", "sixel", false (neither), nil (not asked yet)

-- A picture of one dot that kitty's terminals answer for, then the attributes, which every terminal answers.
local QUESTION = "\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\\27[c"

---What the answer to the question says: "kitty", "sixel" or false; second: bytes that are no answer (keys typed meanwhile).
---@param answer string
---@return string|false kind, string rest
function M.understood(answer)
  local rest = answer:gsub("\27_G.-\27\\", ""):gsub("\27%[%?[%d;]*c", "")
  if answer:find "\27_Gi=31;OK\27\\" then
    return "kitty", rest
  end
  local attributes = answer:match "\27%[%?([%d;]*)c"
  return (";" .. (attributes or "") .. ";"):find(";4;", 1, true) and "sixel" or false, rest
end

local function known()
  local ask = kind == nil and asker()
  if ask then
    local ok, answer = core.try(ask, QUESTION) -- Ctrl-C goes through
    kind = ok and M.understood(answer) or false
    if kind and not gnuplot.is_there() then
      kind = false
    end
  end
  return kind
end

---Where a picture for the terminal is to be drawn first; nil: it cannot show one.
---@return string?
function M.file()
  local this = known()
  if not this then
    return nil
  end
  local name = os.tmpname()
  os.remove(name)
  name = name .. (this == "kitty" and ".png" or ".sixel")
  own[name] = true
  return name
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- RFC 4648
local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    local four = {}
    for k = 0, 3 do
      local at = (n >> (18 - 6 * k) & 63) + 1
      four[k + 1] = alphabet:sub(at, at)
    end
    four[3], four[4] = b and four[3] or "=", c and four[4] or "="
    out[#out + 1] = table.concat(four)
  end
  return table.concat(out)
end
M.base64 = base64

---The bytes that show a PNG in kitty's way: in pieces of at most 4096.
---@param png string
---@return string
function M.kitty(png)
  local data, out = base64(png), {}
  for at = 1, #data, 4096 do
    local more = at + 4096 <= #data and 1 or 0
    local head = at == 1 and ("a=T,f=100,q=2,m=%d"):format(more) or ("m=%d"):format(more)
    out[#out + 1] = ("\27_G%s;%s\27\\"):format(head, data:sub(at, at + 4095))
  end
  return table.concat(out) .. "\n"
end

---Shows a picture that was drawn into M.file(), and removes it. false: it is the user's.
---@param path string
---@return boolean
function M.shown(path)
  if not own[path] then
    return false
  end
  own[path] = nil
  local file = io.open(path, "rb")
  if file then
    local bytes = file:read "a"
    file:close()
    io.stdout:write(kind == "kitty" and M.kitty(bytes) or bytes .. "\n")
    io.stdout:flush()
  end
  os.remove(path)
  return true
end

---Forgets what was asked; for tests.
---@param ask? fun(bytes: string): string
function M.reset(ask)
  kind, M.ask = nil, ask
end

return M
