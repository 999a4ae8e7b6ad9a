-- What nn.help says of functions written in C that are no ops; ops say it in their table, functions in Lua above themselves.
-- tests/lua/docs/test_reference.lua holds the list against what there is.

local M = {}

---Functions of nn.
M.functions = {
  tensor = [[tensor(values, {dtype =, requires_grad =}) -> tensor
  A copy of a number, a boolean, nested tables of numbers, or another tensor. Floats are float32, whole numbers int64,
  booleans bool, unless dtype says otherwise.
  > nn.tensor {{1, 2}, {3, 4}}]],
  Parameter = [[Parameter(x) -> tensor
  A leaf that shares x's values and wants a gradient. As a field of a module it is one of its parameters.]],
  equal = [[equal(x, y) -> true or false
  Whether both have the same shape and every element is equal. Elementwise: x:eq(y).]],
  is_tensor = [[is_tensor(value) -> true or false]],
  grad = [[grad(output, inputs, {create_graph =, retain_graph =, gradient =, allow_unused =}) -> gradients
  The gradients of output for one tensor, or for a list of them (then a list). Leaves' .grad stay as they are.
    create_graph: the gradients have gradients themselves
    retain_graph: the graph stays for another backward
    gradient: of the output; needed unless it has one element
    allow_unused: nil for an input that the output does not depend on, instead of an error]],
  no_grad = [[no_grad(f, ...) -> what f(...) gives
  Runs f without recording, so that nothing in it gets a gradient.]],
  enable_grad = [[enable_grad(f, ...) -> what f(...) gives
  Runs f with recording, also inside no_grad.]],
  is_grad_enabled = [[is_grad_enabled() -> true or false]],
  set_grad_enabled = [[set_grad_enabled(on)
  Recording on or off from here on. nn.no_grad(function() ... end) ends by itself.]],
  Generator = [[Generator(seed?) -> generator
  Random numbers of their own. Random ops take one as {generator = g}.
    g:manual_seed(n), g:integer(n) -> 1..n, g:state() -> seed, counter, g:set_state(seed, counter)]],
  manual_seed = [[manual_seed(n)
  Seeds the generator that is used where none is given. The same seed gives the same bits.]],
  rng_state = [[rng_state() -> seed, counter
  Where the default generator stands; nn.set_rng_state(seed, counter) goes on from there.]],
  set_rng_state = [[set_rng_state(seed, counter)
  Sets the default generator to what nn.rng_state() gave.]],
  scope = [[scope(f, ...) -> what f(...) gives
  Calls f and gives the memory of all tensors that it left behind back at once.]],
  memory = [[memory() -> {live =, peak =, cached =, script =, limit =, from_system =}
  All in bytes.
    live         tensor data in use
    peak         the most that live has been
    cached       tensor data set aside for reuse
    script       Lua's values, graphs, compiled programs
    limit        what live, cached and script may be together (nil: no limit)
    from_system  how often the system was asked (a count)]],
  reset_peak_memory = [[reset_peak_memory()
  nn.memory().peak counts from here.]],
  set_max_memory = [[set_max_memory(bytes)
  From here on it is an error to hold more than so many bytes in all: tensors, Lua's values, graphs, and what is set aside
  (which is given up first). nil: no limit. As --max-memory; in the sandbox that cannot be raised.]],
  get_num_threads = [[get_num_threads() -> integer]],
  set_num_threads = [[set_num_threads(n)
  Threads that large operations may use; 0: one for each processor. Results are the same bits for any number.]],
  set_printoptions = [[set_printoptions {precision =, threshold =, edgeitems =, linewidth =, sci_mode =}
  How tensors are printed. Without arguments: as at the start.]],
  time = [[time() -> seconds
  Of a clock that only goes on; for measuring.]],
  versions = [[versions() -> {nnlua =, lua =, kernels =, gemm =, zlib =, jansson =}
  What is built in.]],
}

---Methods of tensors.
M.methods = {
  backward = [[x:backward(gradient?, {retain_graph =, create_graph =})
  Adds the gradient of x to the .grad of every leaf it depends on. gradient: of x; needed unless x has one element.]],
  detach = [[x:detach() -> tensor
  The same values, in the same memory, without history.]],
  requires_grad_ = [[x:requires_grad_(on?) -> x
  Has a leaf collect its gradient in x.grad; false: no longer.]],
  contiguous = [[x:contiguous() -> tensor
  x itself where its elements lie row by row, else a copy that does.]],
  is_contiguous = [[x:is_contiguous() -> true or false]],
  dim = [[x:dim() -> integer
  The number of dims; also x.ndim.]],
  numel = [[x:numel() -> integer
  The number of elements.]],
  size = [[x:size() -> shape; x:size(dim) -> integer]],
  stride = [[x:stride() -> list of integers; x:stride(dim) -> integer
  Elements from one position of a dim to the next.]],
  item = [[x:item() -> number or boolean
  The value of a tensor of one element.]],
  totable = [[x:totable() -> nested tables of numbers]],
  t = [[x:t() -> tensor
  The transpose of a matrix.]],
  equal = [[x:equal(y) -> true or false
  Whether both have the same shape and every element is equal. Elementwise: x:eq(y).]],
}

return M
