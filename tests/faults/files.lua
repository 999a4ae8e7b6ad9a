-- What the scripts about files under faults share.

local nn = require "nn"

local M = {}

---A new directory of one's own, to be removed by M.remove.
function M.directory()
  local path = os.tmpname()
  os.remove(path)
  require("nn.core").make_directory(path)
  return path
end

function M.remove(directory)
  os.execute(("rm -rf '%s'"):format(directory))
end

---All names in a directory, a line each.
function M.names(directory)
  local p = assert(io.popen(("ls -A '%s'"):format(directory)))
  local text = p:read "a"
  p:close()
  return text
end

---Whether two tables from names to tensors hold the same.
function M.same(a, b)
  for _, pair in ipairs { { a, b }, { b, a } } do
    for name, t in pairs(pair[1]) do
      local other = pair[2][name]
      if not other or other.shape ~= t.shape or not nn.equal(other, t) then
        return false
      end
    end
  end
  return true
end

return M
