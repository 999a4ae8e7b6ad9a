-- What nn.help says of functions written in C that are no ops; ops say it in their table, functions in Lua above themselves.
-- tests/lua/docs/test_reference.lua holds the list against what there is, tests/lua/docs/test_examples.lua runs the examples.

local M = {}

---Functions of nn.
M.functions = {
  tensor = [=[tensor(values, {dtype =, requires_grad =}) -> tensor
  Makes a tensor: a copy of a number, a boolean, nested tables of numbers, or another tensor. Floats are float32, whole numbers
  int64, booleans bool, unless dtype says otherwise.
    dtype: "float32", "float64", "int64", "uint8" or "bool"
    requires_grad: whether it collects its gradient; default false
example:
  > nn.tensor {{1, 2}, {3, 4}}
  tensor([[1, 2],
          [3, 4]], shape=2x2, int64)
  > nn.tensor({1, 2}, {dtype = "float32"})
  tensor([1., 2.], shape=2, float32)
see: nn.zeros, nn.randn, nn.Parameter, x:totable]=],
  Parameter = [[Parameter(x) -> tensor
  Makes a leaf that shares x's values and wants a gradient. As a field of a module it is one of its parameters.
example:
  > w = nn.Parameter(nn.tensor {1.0, 2.0})
  > w.requires_grad, w.is_leaf
  true	true
see: nn.Module:parameters, nn.Module:register_buffer, x:requires_grad_]],
  equal = [[equal(x, y) -> true or false
  Tells whether both have the same shape and every element is equal. Elementwise: x:eq(y).
example:
  > nn.equal(nn.ones(2), nn.tensor {1.0, 1.0})
  true
see: nn.eq, nn.isclose, x:allclose]],
  is_tensor = [[is_tensor(value) -> true or false
  Tells whether a value is a tensor.
example:
  > nn.is_tensor(nn.zeros(2)), nn.is_tensor {0, 0}
  true	false
see: nn.tensor]],
  grad = [[grad(output, inputs, {create_graph =, retain_graph =, gradient =, allow_unused =}) -> gradients
  Gives the gradients of output for one tensor, or for a list of them (then a list). Leaves' .grad stay as they are.
    create_graph: the gradients have gradients themselves; default false
    retain_graph: the graph stays for another backward; default as create_graph
    gradient: of the output; needed unless it has one element
    allow_unused: nil for an input that the output does not depend on, instead of an error; default false
example:
  > x = nn.tensor({3.0}, {requires_grad = true})
  > dy = nn.grad((x * x):sum(), x, {create_graph = true})
  > dy:detach()
  tensor([6.], shape=1, float32)
  > nn.grad(dy:sum(), x)
  tensor([2.], shape=1, float32)
see: x:backward, nn.func.jacobian, nn.func.vjp]],
  no_grad = [[no_grad(f, ...) -> what f(...) gives
  Runs f without recording, so that nothing in it gets a gradient: for evaluation, and for changing weights by hand.
example:
  > w = nn.Parameter(nn.ones(2))
  > nn.no_grad(function() return w * 2 end).requires_grad
  false
see: nn.enable_grad, x:detach, nn.Module:eval]],
  enable_grad = [[enable_grad(f, ...) -> what f(...) gives
  Runs f with recording, also inside no_grad.
example:
  > w = nn.Parameter(nn.ones(2))
  > nn.no_grad(nn.enable_grad, function() return w * 2 end).requires_grad
  true
see: nn.no_grad, nn.set_grad_enabled]],
  is_grad_enabled = [[is_grad_enabled() -> true or false
  Tells whether operations are recorded for backward.
example:
  > nn.no_grad(nn.is_grad_enabled)
  false
see: nn.no_grad, nn.set_grad_enabled]],
  set_grad_enabled = [[set_grad_enabled(on) -> as it was before
  Turns recording on or off from here on. nn.no_grad(function() ... end) ends by itself.
example:
  > nn.set_grad_enabled(false)
  true
  > nn.is_grad_enabled()
  false
  > nn.set_grad_enabled(true)
  false
see: nn.no_grad, nn.is_grad_enabled]],
  Generator = [[Generator(seed?) -> generator
  Makes random numbers of their own. Random ops take one as {generator = g}; without a seed, one that nobody knows is taken.
    g:manual_seed(n), g:integer(n) -> 1..n, g:state() -> {seed =, counter =}, g:set_state(state)
example:
  > g = nn.Generator(1)
  > nn.randint(1, 7, {3}, {generator = g})
  tensor([6, 5, 6], shape=3, int64)
see: nn.manual_seed, nn.Generator:state, nn.randn]],
  manual_seed = [[manual_seed(n)
  Seeds the generator that is used where none is given. The same seed gives the same bits, on any number of threads.
example:
  > nn.manual_seed(1)
  > nn.rand(2)
  tensor([0.8903, 0.8947], shape=2, float32)
see: nn.Generator, nn.rng_state]],
  rng_state = [[rng_state() -> seed, counter
  Tells where the default generator stands; nn.set_rng_state(seed, counter) goes on from there.
example:
  > nn.manual_seed(7)
  > nn.rng_state()
  7	0
see: nn.set_rng_state, nn.manual_seed]],
  set_rng_state = [[set_rng_state(seed, counter)
  Sets the default generator to what nn.rng_state() gave.
example:
  > seed, counter = nn.rng_state()
  > a = nn.rand(2)
  > nn.set_rng_state(seed, counter)
  > nn.rand(2):equal(a)
  true
see: nn.rng_state, nn.manual_seed]],
  scope = [[scope(f, ...) -> what f(...) gives
  Calls f and gives the memory of all tensors that it left behind back at once. Tensors that it returns stay.
example:
  > nn.scope(function() return nn.ones(1000):sum():item() end)
  1000.0
see: nn.memory, nn.set_max_memory]],
  memory = [[memory() -> {live =, peak =, cached =, script =, limit =, from_system =}
  Tells how much memory is used, all in bytes.
    live         tensor data in use
    peak         the most that live has been
    cached       tensor data set aside for reuse
    script       Lua's values, graphs, compiled programs
    limit        what live, cached and script may be together (nil: no limit)
    from_system  how often the system was asked (a count)
example:
  > x = nn.zeros(1000)
  > nn.memory().live >= 4000
  true
see: nn.reset_peak_memory, nn.set_max_memory, nn.scope]],
  reset_peak_memory = [[reset_peak_memory()
  Lets nn.memory().peak count from here.
example:
  > nn.reset_peak_memory()
  > nn.memory().peak == nn.memory().live
  true
see: nn.memory]],
  set_max_memory = [[set_max_memory(bytes)
  Sets how much may be held in all: tensors, Lua's values, graphs, and what is set aside (which is given up first). More is an
  error from here on. nil: no limit. As --max-memory; in the sandbox that cannot be raised.
example:
  > nn.set_max_memory(8 << 30)
  > nn.memory().limit
  8589934592
  > nn.set_max_memory(nil)
see: nn.memory, nn.scope]],
  get_num_threads = [[get_num_threads() -> integer
  Tells how many threads large operations may use.
example:
  > nn.get_num_threads() >= 1
  true
see: nn.set_num_threads]],
  set_num_threads = [[set_num_threads(n)
  Sets how many threads large operations may use; 0: one for each processor. Results are the same bits for any number.
example:
  > nn.set_num_threads(nn.get_num_threads())
see: nn.get_num_threads]],
  set_printoptions = [[set_printoptions {precision =, threshold =, edgeitems =, linewidth =, sci_mode =}
  Sets how tensors are printed. Without arguments: as at the start.
    precision: digits after the point (4, 0 to 17)
    threshold: with more elements, the middle is left out (1000)
    edgeitems: how many elements are shown at each end then (3)
    linewidth: characters of a line (100)
    sci_mode: true: with exponents, false: without; default as needed
example:
  > nn.set_printoptions {precision = 2}
  > nn.tensor {1 / 3}
  tensor([0.33], shape=1, float32)
  > nn.set_printoptions()
see: nn.tensor]],
  time = [[time() -> seconds
  Gives the time of a clock that only goes on, for measuring: the difference of two calls.
example:
  > started = nn.time()
  > nn.time() >= started
  true
see: nn.compile]],
  versions = [[versions() -> {nnlua =, lua =, kernels =, gemm =, zlib =, jansson =}
  Tells what is built in: versions, the instructions that kernels use, and the libraries of matrix products.
example:
  > nn.versions().lua
  Lua 5.4...
see: nn.rex.version]],
}

---Methods of tensors.
M.methods = {
  backward = [[x:backward(gradient?, {retain_graph =, create_graph =})
  Adds the gradient of x to the .grad of every leaf it depends on. gradient: of x; needed unless x has one element.
    retain_graph: the graph stays for another backward; default as create_graph
    create_graph: the gradients have gradients themselves; default false
example:
  > w = nn.tensor({1.0, 2.0}, {requires_grad = true})
  > (w * w):sum():backward()
  > w.grad
  tensor([2., 4.], shape=2, float32)
see: nn.grad, nn.Optimizer:zero_grad, nn.no_grad]],
  detach = [[x:detach() -> tensor
  Gives the same values, in the same memory, without history.
example:
  > w = nn.tensor({1.0}, {requires_grad = true})
  > (w * 2):detach().requires_grad
  false
see: nn.no_grad, nn.clone]],
  requires_grad_ = [[x:requires_grad_(on?) -> x
  Has a leaf collect its gradient in x.grad; false: no longer.
example:
  > nn.zeros(2):requires_grad_()
  tensor([0., 0.], shape=2, float32, requires_grad)
see: nn.Parameter, nn.Module:requires_grad_, x:backward]],
  contiguous = [[x:contiguous() -> tensor
  Gives x itself where its elements lie row by row, else a copy that does.
example:
  > nn.zeros(2, 3):t():contiguous():stride()
  {2, 1}
see: x:is_contiguous, x:stride, nn.clone]],
  is_contiguous = [[x:is_contiguous() -> true or false
  Tells whether the elements lie in memory row by row, without gaps.
example:
  > nn.zeros(2, 3):is_contiguous(), nn.zeros(2, 3):t():is_contiguous()
  true	false
see: x:contiguous, x:stride]],
  dim = [[x:dim() -> integer
  Gives the number of dims; also x.ndim.
example:
  > nn.zeros(2, 3):dim()
  2
see: x:size, x:numel]],
  numel = [[x:numel() -> integer
  Gives the number of elements.
example:
  > nn.zeros(2, 3):numel()
  6
see: x:size, x:dim]],
  size = [[x:size() -> shape; x:size(dim) -> integer
  Gives the shape, or the length of one dim, counted from 1 (from the end: -1). Also x.shape, and #x for the first dim.
example:
  > nn.zeros(2, 3):size()
  2x3
  > nn.zeros(2, 3):size(-1)
  3
see: x:dim, x:numel, nn.reshape]],
  stride = [[x:stride() -> list of integers; x:stride(dim) -> integer
  Gives how many elements there are in memory from one position of a dim to the next.
example:
  > nn.zeros(2, 3):stride()
  {3, 1}
see: x:is_contiguous, nn.as_strided]],
  item = [[x:item() -> number or boolean
  Gives the value of a tensor of one element as Lua's; of more elements it is an error.
example:
  > nn.tensor {1.0, 2.0} :sum():item()
  3.0
see: x:totable, nn.tensor]],
  totable = [[x:totable() -> nested tables of numbers
  Gives the values as Lua's, a table for each dim; of a scalar the number.
example:
  > nn.tensor({{1, 2}, {3, 4}}):totable()
  {{1, 2}, {3, 4}}
see: x:item, nn.tensor]],
  t = [=[x:t() -> tensor
  Gives the transpose of a matrix, in the same memory.
example:
  > nn.tensor({{1, 2}, {3, 4}}):t()
  tensor([[1, 3],
          [2, 4]], shape=2x2, int64)
see: nn.transpose, nn.permute]=],
  equal = [[x:equal(y) -> true or false
  Tells whether both have the same shape and every element is equal. Elementwise: x:eq(y).
example:
  > nn.ones(2):equal(nn.ones(3))
  false
see: nn.eq, x:allclose]],
}

---Methods of other objects, by their kind in internal/objects.lua.
M.objects = {
  Generator = {
  manual_seed = [[g:manual_seed(n) -> g
  Starts the generator anew from a seed.
example:
  > nn.Generator(1):manual_seed(2)
  Generator(seed=2, counter=0)
see: nn.manual_seed, nn.Generator]],
  integer = [[g:integer(n) -> integer
  Draws an integer from 1 to n, each as likely.
example:
  > nn.Generator(1):integer(6)
  6
see: nn.randint, nn.Generator]],
  state = [[g:state() -> {seed =, counter =}
  Tells where the generator stands; g:set_state goes on from there.
example:
  > nn.Generator(1):state()
  {counter = 0, seed = 1}
see: nn.Generator:set_state, nn.rng_state]],
  set_state = [[g:set_state(state)
  Goes on from where g:state() was.
example:
  > g = nn.Generator(1)
  > state, n = g:state(), g:integer(1000)
  > g:set_state(state)
  > g:integer(1000) == n
  true
see: nn.Generator:state, nn.set_rng_state]],
  },
  Compiled = {
  guards = [[f:guards(i) -> list of names
  Names what the i-th program of a compiled function depends on: when one of these has changed, a call records again.
example:
  > scale = nn.tensor(2.0)
  > f = nn.compile(function(x) return x * scale end)
  > y = f(nn.ones(2))
  > #f:guards(1) > 0
  true
see: nn.compile, nn.Compiled:recordings]],
  recordings = [[f:recordings() -> integer, integer
  Tells how often a compiled function was recorded, and how many programs it holds.
example:
  > f = nn.compile(function(x) return x * 2 end)
  > y = f(nn.ones(2)), f(nn.ones(3))
  > f:recordings()
  2	2
see: nn.compile, nn.Compiled:guards, nn.Compiled:reset]],
  refused = [[f:refused() -> string or nil
  Tells why a function that was compiled with {fallback = true} is called as it is; nil where it is compiled.
example:
  > f = nn.compile(function(x) return x:sum():item() end, {fallback = true})
  > y = f(nn.ones(2))
  > f:refused() ~= nil
  true
see: nn.compile]],
  reset = [[f:reset()
  Forgets all programs, so that the next call records again.
example:
  > f = nn.compile(function(x) return x * 2 end)
  > y = f(nn.ones(2))
  > f:reset()
  > f
  compiled function, not recorded yet: call it once
see: nn.compile, nn.Compiled:recordings]],
  },
  Module = {
  call = [[m:call(...) -> what forward gives
  Computes the output: what m(...) does, with the hooks.
example:
  > nn.ReLU():call(nn.tensor {-1.0, 1.0})
  tensor([0., 1.], shape=2, float32)
see: nn.Module:forward, nn.Module:register_forward_hook]],
  },
  Regex = {
  match = [[r:match(s, init?, ef?) -> groups
  Gives the groups of the first match (or the whole match, where the pattern has none); nil where there is none.
example:
  > nn.rex.new("(\\w)=(\\d)"):match "a=1"
  a	1
see: nn.rex.match, nn.Regex:find]],
  find = [[r:find(s, init?, ef?) -> first, last, groups
  Gives the first and last position of the first match, then its groups; nil where there is none.
example:
  > nn.rex.new("\\d+"):find "ab12"
  3	4
see: nn.rex.find, nn.Regex:match]],
  tfind = [[r:tfind(s, init?, ef?) -> first, last, table of groups
  Gives the first and last position, and a table of the groups by number and, for named groups, by name.
example:
  > nn.rex.new("(\\w)=(\\d)"):tfind "a=1"
  1	3	{"a", "1"}
see: nn.rex.tfind, nn.Regex:exec]],
  exec = [[r:exec(s, init?, ef?) -> first, last, table of positions
  Gives the first and last position, and a table of the groups' first and last positions.
example:
  > nn.rex.new("(\\w)=(\\d)"):exec "a=1"
  1	3	{1, 1, 3, 3}
see: nn.rex.exec, nn.Regex:tfind]],
  dfa_exec = [[r:dfa_exec(s, init?, ef?, ovecsize?, wscount?) -> first, list of ends, count
  Gives where the first match begins, where all matches from there end (the longest first), and how many there are; 0: more than
  ovecsize / 2. It has no groups.
example:
  > nn.rex.new("a+?"):dfa_exec("aaa")
  1	{3, 2, 1}	3
see: nn.Regex:exec, nn.rex.new]],
  fullinfo = [[r:fullinfo() -> table
  Gives what PCRE2 knows of the pattern, with the pattern's PATTERN, NAMES and JIT.
example:
  > nn.rex.new("(a)(b)"):fullinfo().PATTERN
  (a)(b)
see: nn.Regex:patterninfo]],
  patterninfo = [[r:patterninfo() -> table
  Gives what PCRE2 knows of the pattern, such as its number of groups.
example:
  > nn.rex.new("(a)(b)"):patterninfo().CAPTURECOUNT
  2
see: nn.Regex:fullinfo]],
  jit_compile = [[r:jit_compile(options?) -> true, or false and why not
  Translates the pattern to machine code; patterns are without asking where that is possible.
example:
  > type(nn.rex.new("a+"):jit_compile())
  boolean
see: nn.rex.new, nn.rex.config]],
  },
}

return M
