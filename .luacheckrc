std = "lua54"
max_line_length = 130
-- In tests: suites are globals named Test..., long lines of data are fine, "not (x <= y)" is how nan is caught.
files["tests"] = { allow_defined_top = true, ignore = { "131", "111/Test.*", "112/Test.*", "631", "581", "212/self" } }
files["tests/lua/run.lua"] = { ignore = { "142" } }
-- Lecture scripts carry whole sentences; their tables of experiments read better on one line.
files["scripts/lecture"] = { max_line_length = 185 }
files["tools/lecture"] = { max_line_length = 145 }
files["tools/lecture/blocks.lua"] = { max_line_length = false }
-- It is there to replace what Lua has.
files["lua/stdlib/nn/internal/sandbox.lua"] = { ignore = { "121", "122" } }
-- As students write.
files["scripts/grade/student.lua"] = { ignore = { "111" } }
