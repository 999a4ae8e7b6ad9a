-- Bytes of a terminal into keys. A key is a name ("left", "ctrl-a", "alt-f", "enter", "tab"), or text that was typed, or pasted
-- text as a whole. Sequences are those of ECMA-48 as xterm, VTE, kitty, tmux, screen and the Linux console send them.

local M = {}

local csi = {
  A = "up", B = "down", C = "right", D = "left", H = "home", F = "end", Z = "shift-tab", ["1~"] = "home", ["4~"] = "end",
  ["7~"] = "home", ["8~"] = "end", ["2~"] = "insert", ["3~"] = "delete", ["5~"] = "page-up", ["6~"] = "page-down",
}
local modified = {
  ["2"] = "shift-", ["3"] = "alt-", ["4"] = "alt-shift-", ["5"] = "ctrl-", ["6"] = "ctrl-shift-", ["7"] = "ctrl-alt-",
}
local control = {
  [0x09] = "tab", [0x0d] = "enter", [0x0a] = "enter", [0x7f] = "backspace", [0x08] = "backspace", [0x1b] = "escape",
}

local function control_name(byte)
  return control[byte] or "ctrl-" .. (byte == 0 and "space" or byte < 27 and string.char(byte + 96) or string.char(byte + 64))
end

-- The sequence that begins with escape at `at`: the key and where it ends; nil: more bytes are wanted.
local function sequence(bytes, at)
  local second = bytes:sub(at + 1, at + 1)
  if second == "" then
    return nil
  elseif second == "[" then
    local parameters, final, stop = bytes:match("^([%d;:<=>?]*)[ -/]*([@-~])()", at + 2)
    if not final then
      return nil
    end
    if final == "~" then
      local number, modifier = parameters:match "^(%d+);?(%d*)$"
      if number == "200" then
        local first = bytes:find("\27[201~", stop, true)
        if not first then
          return nil
        end
        return { "paste", bytes:sub(stop, first - 1) }, first + 5
      end
      final, parameters = (number or "") .. "~", modifier and modifier ~= "" and "1;" .. modifier or ""
    end
    local modifier = parameters:match "^%d*;(%d+)"
    local name = csi[final]
    return name and { (modified[modifier or ""] or "") .. name } or { "unknown" }, stop - 1
  elseif second == "O" then
    local final = bytes:sub(at + 2, at + 2)
    if final == "" then
      return nil
    end
    return csi[final] and { csi[final] } or { "unknown" }, at + 2
  elseif second == "\27" then
    return { "escape" }, at
  end
  local byte = second:byte()
  if byte < 0x20 or byte == 0x7f then
    return { "alt-" .. control_name(byte) }, at + 1
  end
  local last = at + 1
  return { "alt-" .. second:lower() }, last
end

local length = function(byte)
  return byte < 0xc2 and 1 or byte < 0xe0 and 2 or byte < 0xf0 and 3 or byte < 0xf5 and 4 or 1
end

---A decoder. decoder:feed(bytes) gives the keys that are whole: {{name}, {"text", typed}, {"paste", pasted}}. What is not whole
---waits; decoder:waits() says that an escape does, which after a moment is the key itself: decoder:flush().
---@return table
function M.decoder()
  local d = { rest = "" }

  function d:feed(bytes)
    local all, out, at = self.rest .. bytes, {}, 1
    while at <= #all do
      local byte = all:byte(at)
      if byte == 0x1b then
        local key, stop = sequence(all, at)
        if not key then
          break
        end
        out[#out + 1] = key
        at = stop + 1
      elseif byte < 0x20 or byte == 0x7f then
        out[#out + 1] = { control_name(byte) }
        at = at + 1
      else
        local stop = at
        while stop <= #all do
          local b = all:byte(stop)
          if b < 0x20 or b == 0x7f or stop + length(b) - 1 > #all then
            break
          end
          stop = stop + length(b)
        end
        if stop == at then -- a character whose end is still to come
          break
        end
        out[#out + 1] = { "text", all:sub(at, stop - 1) }
        at = stop
      end
    end
    self.rest = all:sub(at)
    return out
  end

  function d:waits()
    return self.rest ~= "" and not self.rest:find("\27[200~", 1, true)
  end

  function d:flush()
    local rest = self.rest
    self.rest = ""
    if rest:sub(1, 1) ~= "\27" then
      return rest ~= "" and { { "text", rest } } or {}
    end
    local out = { { rest == "\27[" and "alt-[" or "escape" } }
    return out
  end

  return d
end

return M
