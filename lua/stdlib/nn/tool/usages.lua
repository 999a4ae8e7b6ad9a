-- What the commands for scripts say of themselves.

return {
  check = [[
usage: nnlua check [--run] FILE... [-- ARGUMENTS]
  Says what is wrong with scripts, without running them: syntax, names that nobody defines, names of nn that are not there,
  options and choices that a layer or function does not have. Ends with status 1 where it finds something.
  --run    runs the script up to its first update: the shapes behind each layer, the loss, whether gradients arrive]],
  test = [[
usage: nnlua test [DIR or FILE...] [-p PATTERN] [-v]
  Runs suites of LuaUnit: all test_*.lua and *_test.lua below DIR (default: tests, or else here). A suite is a global table whose
  name begins with Test, with functions whose names begin with test. LuaUnit is `lu`, and nn.testing has assertions for tensors:

    local nn = require "nn"
    local lu = require "luaunit"
    TestMean = {}
    function TestMean:test_of_two()
      nn.testing.assert_close(nn.tensor{1.0, 3.0}:mean(), 2.0)
    end

  Modules beside the tests and in the directory above are found by require.
  -p PATTERN   only tests whose names have it
  -v           a line for each test]],
  doc = [[
usage: nnlua doc [NAME]
  nnlua doc NAME    prints what a name is, e.g. nnlua doc optim.Adam, nnlua doc softmax
  nnlua doc         writes the whole reference as one page, which can be searched, and opens it
  nnlua doc --html FILE    writes that page to FILE
  nnlua doc --search WORDS    what is written about words]],
}
