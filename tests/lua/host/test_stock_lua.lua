-- The same core in a stock lua5.4.

local lu = require "luaunit"
local process = require "process"

TestStockLua = {}

function TestStockLua:test_require_nn()
  local build = os.getenv "NNLUA_BUILD" or "build/gcc"
  if build:find "address" then
    lu.skip "a sanitized module needs a sanitized program"
  end
  local setting = ("LUA_PATH='lua/stdlib/?.lua;;' LUA_CPATH='%s/?.so;;'"):format(build)
  local out, err, status = process.run(setting .. [[ lua5.4 -e '
    local nn = require "nn"
    nn.manual_seed(1)
    local m = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    local loss = nn.MSELoss()(m(nn.ones(2, 3)), nn.zeros(2, 1))
    loss:backward()
    nn.optim.Adam(m:parameters()):step()
    print(nn.matmul(nn.ones(2, 3), nn.ones(3, 2)):sum():item(), m[1].weight.grad.shape, nn.time() > 0)
    print(pcall(nn.Linear, 3))']])
  lu.assertEquals(status, 0, err)
  lu.assertStrContains(out, "12.0\t4x3\ttrue")
  lu.assertStrContains(out, "Linear: out_features is missing")
end
