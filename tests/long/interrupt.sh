#!/bin/sh
# How long Ctrl-C takes inside a product of 4096-cubed matrices: the time from the signal to the error, ten times.
# Usage: tests/long/interrupt.sh NNLUA
script=$(mktemp)
cat >"$script" <<'LUA'
local nn = require "nn"
nn.set_num_threads(1)
local x = nn.ones(4096, 4096)
local y = x:matmul(x)
local pid = io.open("/proc/self/stat"):read("n")
-- a helper sends the signal in the middle of a product and says when
local p = io.popen(("sleep 0.3; cat /proc/uptime; kill -INT %d"):format(pid))
local ok, err = pcall(function() while true do x:matmul(x) end end)
local now = io.open("/proc/uptime"):read("n")
local sent = p:read("n")
print(ok, err:match("interrupted!"), ("%.0f ms"):format((now - sent) * 1000))
os.exit(not ok and now - sent < 0.1)
LUA
failed=0
for i in 1 2 3 4 5 6 7 8 9 10; do
  env --default-signal=INT "$1" "$script" || failed=1
done
rm -f "$script"
exit $failed
