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

---A tensor of zeros.
---
---    nn.zeros(2, 3)
---@param shape integer|integer[]
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.zeros(shape, dtype) end

---A tensor of ones.
---
---    nn.ones(2, {dtype = "int64"})
---@param shape integer|integer[]
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.ones(shape, dtype) end

---A tensor whose elements are whatever the memory held.
---
---    nn.empty(2, 3).shape
---@param shape integer|integer[]
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.empty(shape, dtype) end

---A tensor filled with one value: full({2, 3}, 7).
---
---    nn.full({2}, 7)
---@param shape integer|integer[]
---@param fill_value nn.Tensor|number|boolean
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.full(shape, fill_value, dtype) end

---Zeros with the shape and dtype of x.
---
---    nn.zeros_like(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.zeros_like(x, dtype) end

---Zeros with the shape and dtype of x.
---
---    nn.zeros_like(nn.tensor {-1.0, 0.0, 2.0})
---@param dtype? nn.Dtype
---@return nn.Tensor
function Tensor:zeros_like(dtype) end

---Ones with the shape and dtype of x.
---
---    nn.ones_like(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.ones_like(x, dtype) end

---Ones with the shape and dtype of x.
---
---    nn.ones_like(nn.tensor {-1.0, 0.0, 2.0})
---@param dtype? nn.Dtype
---@return nn.Tensor
function Tensor:ones_like(dtype) end

---Uninitialized, with the shape and dtype of x.
---
---    nn.empty_like(nn.tensor {-1.0, 0.0, 2.0}).shape
---@param x nn.Tensor
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.empty_like(x, dtype) end

---Uninitialized, with the shape and dtype of x.
---
---    nn.empty_like(nn.tensor {-1.0, 0.0, 2.0}).shape
---@param dtype? nn.Dtype
---@return nn.Tensor
function Tensor:empty_like(dtype) end

---One value, with the shape and dtype of x.
---
---    nn.full_like(nn.tensor {-1.0, 0.0, 2.0}, 7)
---@param x nn.Tensor
---@param fill_value nn.Tensor|number|boolean
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.full_like(x, fill_value, dtype) end

---One value, with the shape and dtype of x.
---
---    nn.full_like(nn.tensor {-1.0, 0.0, 2.0}, 7)
---@param fill_value nn.Tensor|number|boolean
---@param dtype? nn.Dtype
---@return nn.Tensor
function Tensor:full_like(fill_value, dtype) end

---start, start + step, ... below end; with one number, 0, 1, ... below it.
---
---    nn.arange(5)
---@param start number
---@param end_? number
---@param step? number
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.arange(start, end_, step, dtype) end

---steps numbers, evenly spaced from start to end, both included.
---
---    nn.linspace(0, 1, 5)
---@param start number
---@param end_ number
---@param steps integer
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.linspace(start, end_, steps, dtype) end

---The n x m matrix with ones on its diagonal.
---
---    nn.eye(2)
---@param n integer
---@param m? integer
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.eye(n, m, dtype) end

---Uniform random numbers in [0, 1).
---
---    nn.rand(3, {generator = nn.Generator(1)})
---@param shape integer|integer[]
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.rand(shape, dtype) end

---Normal random numbers with mean 0 and deviation 1.
---
---    nn.randn(3, {generator = nn.Generator(1)})
---@param shape integer|integer[]
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.randn(shape, dtype) end

---rand with the shape and dtype of x.
---
---    nn.rand_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})
---@param x nn.Tensor
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.rand_like(x, dtype) end

---rand with the shape and dtype of x.
---
---    nn.rand_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})
---@param dtype? nn.Dtype
---@return nn.Tensor
function Tensor:rand_like(dtype) end

---randn with the shape and dtype of x.
---
---    nn.randn_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})
---@param x nn.Tensor
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.randn_like(x, dtype) end

---randn with the shape and dtype of x.
---
---    nn.randn_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})
---@param dtype? nn.Dtype
---@return nn.Tensor
function Tensor:randn_like(dtype) end

---Random integers from low to high - 1.
---
---    nn.randint(1, 7, {4}, {generator = nn.Generator(1)})
---@param low integer
---@param high integer
---@param shape integer|integer[]
---@param dtype? nn.Dtype
---@return nn.Tensor
function nn.randint(low, high, shape, dtype) end

---The numbers 1 to n in random order (int64): a shuffled index.
---
---    nn.randperm(5, {generator = nn.Generator(1)})
---@param n integer
---@return nn.Tensor
function nn.randperm(n) end

---Fills x with uniform random numbers.
---@return nn.Tensor
function Tensor:uniform_(...) end

---Fills x with normal random numbers.
---@return nn.Tensor
function Tensor:normal_(...) end

---Fills x with 1 (with probability p) and 0.
---@return nn.Tensor
function Tensor:bernoulli_(...) end

---Sets elements to 0 with probability p and scales the others by 1 / (1 - p).
---
---    nn.dropout(nn.ones(4), 0.5, {generator = nn.Generator(1)})
---@param x nn.Tensor
---@param p? number
---@return nn.Tensor
function nn.dropout(x, p) end

---Sets elements to 0 with probability p and scales the others by 1 / (1 - p).
---
---    nn.dropout(nn.ones(4), 0.5, {generator = nn.Generator(1)})
---@param p? number
---@return nn.Tensor
function Tensor:dropout(p) end

---The negative of each element.
---
---    nn.neg(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.neg(x) end

---The negative of each element.
---
---    nn.neg(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:neg() end

---The negative of each element. In place.
---@return nn.Tensor
function Tensor:neg_(...) end

---The absolute value of each element. The gradient at 0 is 0.
---
---    nn.abs(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.abs(x) end

---The absolute value of each element. The gradient at 0 is 0.
---
---    nn.abs(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:abs() end

---The absolute value of each element. The gradient at 0 is 0. In place.
---@return nn.Tensor
function Tensor:abs_(...) end

----1, 0 or 1 for each element (0 for nan). Its gradient is 0.
---
---    nn.sign(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.sign(x) end

----1, 0 or 1 for each element (0 for nan). Its gradient is 0.
---
---    nn.sign(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:sign() end

----1, 0 or 1 for each element (0 for nan). Its gradient is 0. In place.
---@return nn.Tensor
function Tensor:sign_(...) end

---The square of each element.
---
---    nn.square(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.square(x) end

---The square of each element.
---
---    nn.square(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:square() end

---The square of each element. In place.
---@return nn.Tensor
function Tensor:square_(...) end

---e to the power of each element.
---
---    nn.exp(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.exp(x) end

---e to the power of each element.
---
---    nn.exp(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:exp() end

---e to the power of each element. In place.
---@return nn.Tensor
function Tensor:exp_(...) end

---The natural logarithm of each element; log(0) is -inf, of negative ones nan.
---
---    nn.log(nn.tensor {1.0, 10.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.log(x) end

---The natural logarithm of each element; log(0) is -inf, of negative ones nan.
---
---    nn.log(nn.tensor {1.0, 10.0})
---@return nn.Tensor
function Tensor:log() end

---The natural logarithm of each element; log(0) is -inf, of negative ones nan. In place.
---@return nn.Tensor
function Tensor:log_(...) end

---log(1 + x), exact for small x.
---
---    nn.log1p(nn.tensor {1e-6, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.log1p(x) end

---log(1 + x), exact for small x.
---
---    nn.log1p(nn.tensor {1e-6, 1.0})
---@return nn.Tensor
function Tensor:log1p() end

---log(1 + x), exact for small x. In place.
---@return nn.Tensor
function Tensor:log1p_(...) end

---The square root of each element.
---
---    nn.sqrt(nn.tensor {4.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.sqrt(x) end

---The square root of each element.
---
---    nn.sqrt(nn.tensor {4.0, 2.0})
---@return nn.Tensor
function Tensor:sqrt() end

---The square root of each element. In place.
---@return nn.Tensor
function Tensor:sqrt_(...) end

---The hyperbolic tangent of each element.
---
---    nn.tanh(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.tanh(x) end

---The hyperbolic tangent of each element.
---
---    nn.tanh(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:tanh() end

---The hyperbolic tangent of each element. In place.
---@return nn.Tensor
function Tensor:tanh_(...) end

---1 / (1 + exp(-x)), stable on both sides.
---
---    nn.sigmoid(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.sigmoid(x) end

---1 / (1 + exp(-x)), stable on both sides.
---
---    nn.sigmoid(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:sigmoid() end

---1 / (1 + exp(-x)), stable on both sides. In place.
---@return nn.Tensor
function Tensor:sigmoid_(...) end

---max(0, x). The gradient at 0 is 0.
---
---    nn.relu(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.relu(x) end

---max(0, x). The gradient at 0 is 0.
---
---    nn.relu(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:relu() end

---max(0, x). The gradient at 0 is 0. In place.
---@return nn.Tensor
function Tensor:relu_(...) end

---log(1 + exp(x)), stable on both sides.
---
---    nn.softplus(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.softplus(x) end

---log(1 + exp(x)), stable on both sides.
---
---    nn.softplus(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:softplus() end

---log(1 + exp(x)), stable on both sides. In place.
---@return nn.Tensor
function Tensor:softplus_(...) end

---The error function of each element.
---
---    nn.erf(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.erf(x) end

---The error function of each element.
---
---    nn.erf(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:erf() end

---The error function of each element. In place.
---@return nn.Tensor
function Tensor:erf_(...) end

---The sine of each element, in radians.
---
---    nn.sin(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.sin(x) end

---The sine of each element, in radians.
---
---    nn.sin(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:sin() end

---The sine of each element, in radians. In place.
---@return nn.Tensor
function Tensor:sin_(...) end

---The cosine of each element, in radians.
---
---    nn.cos(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.cos(x) end

---The cosine of each element, in radians.
---
---    nn.cos(nn.tensor {-1.0, 0.0, 2.0})
---@return nn.Tensor
function Tensor:cos() end

---The cosine of each element, in radians. In place.
---@return nn.Tensor
function Tensor:cos_(...) end

---The largest whole number that is not above. Its gradient is 0.
---
---    nn.floor(nn.tensor {-1.5, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.floor(x) end

---The largest whole number that is not above. Its gradient is 0.
---
---    nn.floor(nn.tensor {-1.5, 1.5})
---@return nn.Tensor
function Tensor:floor() end

---The largest whole number that is not above. Its gradient is 0. In place.
---@return nn.Tensor
function Tensor:floor_(...) end

---True where an element is 0.
---
---    nn.logical_not(nn.tensor {0, 3})
---@param x nn.Tensor
---@return nn.Tensor
function nn.logical_not(x) end

---True where an element is 0.
---
---    nn.logical_not(nn.tensor {0, 3})
---@return nn.Tensor
function Tensor:logical_not() end

---x + y, broadcast.
---
---    nn.add(nn.tensor {1, 2}, 10, {alpha = 3})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.add(x, y) end

---x + y, broadcast.
---
---    nn.add(nn.tensor {1, 2}, 10, {alpha = 3})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:add(y) end

---x + y, broadcast. In place.
---@return nn.Tensor
function Tensor:add_(...) end

---x - y, broadcast.
---
---    nn.sub(nn.tensor {1, 2}, 10)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.sub(x, y) end

---x - y, broadcast.
---
---    nn.sub(nn.tensor {1, 2}, 10)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:sub(y) end

---x - y, broadcast. In place.
---@return nn.Tensor
function Tensor:sub_(...) end

---x * y, elementwise, broadcast.
---
---    nn.mul(nn.tensor {1, 2}, nn.tensor {{1}, {10}})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.mul(x, y) end

---x * y, elementwise, broadcast.
---
---    nn.mul(nn.tensor {1, 2}, nn.tensor {{1}, {10}})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:mul(y) end

---x * y, elementwise, broadcast. In place.
---@return nn.Tensor
function Tensor:mul_(...) end

---x / y, broadcast; integers are divided as floats.
---
---    nn.div(nn.tensor {1, 2}, 4)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.div(x, y) end

---x / y, broadcast; integers are divided as floats.
---
---    nn.div(nn.tensor {1, 2}, 4)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:div(y) end

---x / y, broadcast; integers are divided as floats. In place.
---@return nn.Tensor
function Tensor:div_(...) end

---x to the power y, broadcast. Whole numbers to a negative power are an error.
---
---    nn.pow(nn.tensor {1, 2, 3}, 2)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.pow(x, y) end

---x to the power y, broadcast. Whole numbers to a negative power are an error.
---
---    nn.pow(nn.tensor {1, 2, 3}, 2)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:pow(y) end

---x to the power y, broadcast. Whole numbers to a negative power are an error. In place.
---@return nn.Tensor
function Tensor:pow_(...) end

---The larger of x and y, elementwise; nan wins.
---
---    nn.maximum(nn.tensor {-1.0, 0.0, 2.0}, 0.5)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.maximum(x, y) end

---The larger of x and y, elementwise; nan wins.
---
---    nn.maximum(nn.tensor {-1.0, 0.0, 2.0}, 0.5)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:maximum(y) end

---The larger of x and y, elementwise; nan wins. In place.
---@return nn.Tensor
function Tensor:maximum_(...) end

---The smaller of x and y, elementwise; nan wins.
---
---    nn.minimum(nn.tensor {-1.0, 0.0, 2.0}, 0.5)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.minimum(x, y) end

---The smaller of x and y, elementwise; nan wins.
---
---    nn.minimum(nn.tensor {-1.0, 0.0, 2.0}, 0.5)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:minimum(y) end

---The smaller of x and y, elementwise; nan wins. In place.
---@return nn.Tensor
function Tensor:minimum_(...) end

---x for x > 0, else alpha * (exp(x) - 1): Clevert, Unterthiner & Hochreiter 2015.
---
---    nn.elu(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@param alpha? number
---@return nn.Tensor
function nn.elu(x, alpha) end

---x for x > 0, else alpha * (exp(x) - 1): Clevert, Unterthiner & Hochreiter 2015.
---
---    nn.elu(nn.tensor {-1.0, 0.0, 2.0})
---@param alpha? number
---@return nn.Tensor
function Tensor:elu(alpha) end

---x for x > 0, else alpha * (exp(x) - 1): Clevert, Unterthiner & Hochreiter 2015. In place.
---@return nn.Tensor
function Tensor:elu_(...) end

---True where x equals y; Lua's == compares identity.
---
---    nn.eq(nn.tensor {1, 2}, 2)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.eq(x, y) end

---True where x equals y; Lua's == compares identity.
---
---    nn.eq(nn.tensor {1, 2}, 2)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:eq(y) end

---True where x differs from y.
---
---    nn.ne(nn.tensor {1, 2}, 2)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.ne(x, y) end

---True where x differs from y.
---
---    nn.ne(nn.tensor {1, 2}, 2)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:ne(y) end

---True where x < y.
---
---    nn.lt(nn.tensor {1, 2}, 2)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.lt(x, y) end

---True where x < y.
---
---    nn.lt(nn.tensor {1, 2}, 2)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:lt(y) end

---True where x <= y.
---
---    nn.le(nn.tensor {1, 2}, 2)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.le(x, y) end

---True where x <= y.
---
---    nn.le(nn.tensor {1, 2}, 2)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:le(y) end

---True where x > y.
---
---    nn.gt(nn.tensor {1, 2}, 1)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.gt(x, y) end

---True where x > y.
---
---    nn.gt(nn.tensor {1, 2}, 1)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:gt(y) end

---True where x >= y.
---
---    nn.ge(nn.tensor {1, 2}, 2)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.ge(x, y) end

---True where x >= y.
---
---    nn.ge(nn.tensor {1, 2}, 2)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:ge(y) end

---True where both are not 0.
---
---    nn.logical_and(nn.tensor {true, true}, nn.tensor {true, false})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.logical_and(x, y) end

---True where both are not 0.
---
---    nn.logical_and(nn.tensor {true, true}, nn.tensor {true, false})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:logical_and(y) end

---True where one or both are not 0.
---
---    nn.logical_or(nn.tensor {true, false}, nn.tensor {false, false})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.logical_or(x, y) end

---True where one or both are not 0.
---
---    nn.logical_or(nn.tensor {true, false}, nn.tensor {false, false})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:logical_or(y) end

---True where exactly one is not 0.
---
---    nn.logical_xor(nn.tensor {true, true}, nn.tensor {true, false})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.logical_xor(x, y) end

---True where exactly one is not 0.
---
---    nn.logical_xor(nn.tensor {true, true}, nn.tensor {true, false})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:logical_xor(y) end

---2 to the power of each element.
---
---    nn.exp2(nn.tensor {0.25, 1.0, 4.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.exp2(x) end

---2 to the power of each element.
---
---    nn.exp2(nn.tensor {0.25, 1.0, 4.0})
---@return nn.Tensor
function Tensor:exp2() end

---2 to the power of each element. In place.
---@return nn.Tensor
function Tensor:exp2_(...) end

---exp(x) - 1, exact for small x.
---
---    nn.expm1(nn.tensor {1e-6, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.expm1(x) end

---exp(x) - 1, exact for small x.
---
---    nn.expm1(nn.tensor {1e-6, 1.0})
---@return nn.Tensor
function Tensor:expm1() end

---exp(x) - 1, exact for small x. In place.
---@return nn.Tensor
function Tensor:expm1_(...) end

---The logarithm to base 2.
---
---    nn.log2(nn.tensor {0.25, 1.0, 4.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.log2(x) end

---The logarithm to base 2.
---
---    nn.log2(nn.tensor {0.25, 1.0, 4.0})
---@return nn.Tensor
function Tensor:log2() end

---The logarithm to base 2. In place.
---@return nn.Tensor
function Tensor:log2_(...) end

---The logarithm to base 10.
---
---    nn.log10(nn.tensor {0.1, 1.0, 100.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.log10(x) end

---The logarithm to base 10.
---
---    nn.log10(nn.tensor {0.1, 1.0, 100.0})
---@return nn.Tensor
function Tensor:log10() end

---The logarithm to base 10. In place.
---@return nn.Tensor
function Tensor:log10_(...) end

---The cube root, of negative numbers too.
---
---    nn.cbrt(nn.tensor {-8.0, 27.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.cbrt(x) end

---The cube root, of negative numbers too.
---
---    nn.cbrt(nn.tensor {-8.0, 27.0})
---@return nn.Tensor
function Tensor:cbrt() end

---The cube root, of negative numbers too. In place.
---@return nn.Tensor
function Tensor:cbrt_(...) end

---The tangent, of radians.
---
---    nn.tan(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.tan(x) end

---The tangent, of radians.
---
---    nn.tan(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:tan() end

---The tangent, of radians. In place.
---@return nn.Tensor
function Tensor:tan_(...) end

---The angle whose sine is x; nan outside [-1, 1].
---
---    nn.asin(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.asin(x) end

---The angle whose sine is x; nan outside [-1, 1].
---
---    nn.asin(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:asin() end

---The angle whose sine is x; nan outside [-1, 1]. In place.
---@return nn.Tensor
function Tensor:asin_(...) end

---The angle whose cosine is x; nan outside [-1, 1].
---
---    nn.acos(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.acos(x) end

---The angle whose cosine is x; nan outside [-1, 1].
---
---    nn.acos(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:acos() end

---The angle whose cosine is x; nan outside [-1, 1]. In place.
---@return nn.Tensor
function Tensor:acos_(...) end

---The angle whose tangent is x.
---
---    nn.atan(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.atan(x) end

---The angle whose tangent is x.
---
---    nn.atan(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:atan() end

---The angle whose tangent is x. In place.
---@return nn.Tensor
function Tensor:atan_(...) end

---The hyperbolic sine.
---
---    nn.sinh(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.sinh(x) end

---The hyperbolic sine.
---
---    nn.sinh(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:sinh() end

---The hyperbolic sine. In place.
---@return nn.Tensor
function Tensor:sinh_(...) end

---The hyperbolic cosine.
---
---    nn.cosh(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.cosh(x) end

---The hyperbolic cosine.
---
---    nn.cosh(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:cosh() end

---The hyperbolic cosine. In place.
---@return nn.Tensor
function Tensor:cosh_(...) end

---The inverse of sinh.
---
---    nn.asinh(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.asinh(x) end

---The inverse of sinh.
---
---    nn.asinh(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:asinh() end

---The inverse of sinh. In place.
---@return nn.Tensor
function Tensor:asinh_(...) end

---The inverse of cosh; nan below 1.
---
---    nn.acosh(nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.acosh(x) end

---The inverse of cosh; nan below 1.
---
---    nn.acosh(nn.tensor {1.0, 2.0})
---@return nn.Tensor
function Tensor:acosh() end

---The inverse of cosh; nan below 1. In place.
---@return nn.Tensor
function Tensor:acosh_(...) end

---The inverse of tanh; nan outside [-1, 1].
---
---    nn.atanh(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.atanh(x) end

---The inverse of tanh; nan outside [-1, 1].
---
---    nn.atanh(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:atanh() end

---The inverse of tanh; nan outside [-1, 1]. In place.
---@return nn.Tensor
function Tensor:atanh_(...) end

---1 - erf(x), exact where that is small.
---
---    nn.erfc(nn.tensor {0.0, 1.0, 5.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.erfc(x) end

---1 - erf(x), exact where that is small.
---
---    nn.erfc(nn.tensor {0.0, 1.0, 5.0})
---@return nn.Tensor
function Tensor:erfc() end

---1 - erf(x), exact where that is small. In place.
---@return nn.Tensor
function Tensor:erfc_(...) end

---1 / sqrt(x).
---
---    nn.rsqrt(nn.tensor {0.25, 1.0, 4.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.rsqrt(x) end

---1 / sqrt(x).
---
---    nn.rsqrt(nn.tensor {0.25, 1.0, 4.0})
---@return nn.Tensor
function Tensor:rsqrt() end

---1 / sqrt(x). In place.
---@return nn.Tensor
function Tensor:rsqrt_(...) end

---1 / x.
---
---    nn.reciprocal(nn.tensor {0.25, 1.0, 4.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.reciprocal(x) end

---1 / x.
---
---    nn.reciprocal(nn.tensor {0.25, 1.0, 4.0})
---@return nn.Tensor
function Tensor:reciprocal() end

---1 / x. In place.
---@return nn.Tensor
function Tensor:reciprocal_(...) end

---The inverse of erf; inf at 1, nan outside [-1, 1].
---
---    nn.erfinv(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.erfinv(x) end

---The inverse of erf; inf at 1, nan outside [-1, 1].
---
---    nn.erfinv(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:erfinv() end

---The inverse of erf; inf at 1, nan outside [-1, 1]. In place.
---@return nn.Tensor
function Tensor:erfinv_(...) end

---The logarithm of |gamma(x)|.
---
---    nn.lgamma(nn.tensor {0.5, 1.0, 5.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.lgamma(x) end

---The logarithm of |gamma(x)|.
---
---    nn.lgamma(nn.tensor {0.5, 1.0, 5.0})
---@return nn.Tensor
function Tensor:lgamma() end

---The logarithm of |gamma(x)|. In place.
---@return nn.Tensor
function Tensor:lgamma_(...) end

---The derivative of lgamma; nan at -1, -2, ...
---
---    nn.digamma(nn.tensor {0.5, 1.0, 5.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.digamma(x) end

---The derivative of lgamma; nan at -1, -2, ...
---
---    nn.digamma(nn.tensor {0.5, 1.0, 5.0})
---@return nn.Tensor
function Tensor:digamma() end

---The derivative of lgamma; nan at -1, -2, ... In place.
---@return nn.Tensor
function Tensor:digamma_(...) end

---sin(pi x) / (pi x), and 1 at 0.
---
---    nn.sinc(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.sinc(x) end

---sin(pi x) / (pi x), and 1 at 0.
---
---    nn.sinc(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:sinc() end

---sin(pi x) / (pi x), and 1 at 0. In place.
---@return nn.Tensor
function Tensor:sinc_(...) end

---The smallest whole number that is not below. Its gradient is 0.
---
---    nn.ceil(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.ceil(x) end

---The smallest whole number that is not below. Its gradient is 0.
---
---    nn.ceil(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@return nn.Tensor
function Tensor:ceil() end

---The smallest whole number that is not below. Its gradient is 0. In place.
---@return nn.Tensor
function Tensor:ceil_(...) end

---The nearest whole number; halves go to the even one. Its gradient is 0.
---
---    nn.round(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.round(x) end

---The nearest whole number; halves go to the even one. Its gradient is 0.
---
---    nn.round(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@return nn.Tensor
function Tensor:round() end

---The nearest whole number; halves go to the even one. Its gradient is 0. In place.
---@return nn.Tensor
function Tensor:round_(...) end

---The whole part, rounded towards 0. Its gradient is 0.
---
---    nn.trunc(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.trunc(x) end

---The whole part, rounded towards 0. Its gradient is 0.
---
---    nn.trunc(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@return nn.Tensor
function Tensor:trunc() end

---The whole part, rounded towards 0. Its gradient is 0. In place.
---@return nn.Tensor
function Tensor:trunc_(...) end

---x - trunc(x): what stands behind the point, with x's sign.
---
---    nn.frac(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.frac(x) end

---x - trunc(x): what stands behind the point, with x's sign.
---
---    nn.frac(nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5})
---@return nn.Tensor
function Tensor:frac() end

---x - trunc(x): what stands behind the point, with x's sign. In place.
---@return nn.Tensor
function Tensor:frac_(...) end

---The distance to the next float away from 0, with the sign of x.
---
---    nn.spacing(nn.tensor {1.0, 1e10}) * 2^23
---@param x nn.Tensor
---@return nn.Tensor
function nn.spacing(x) end

---The distance to the next float away from 0, with the sign of x.
---
---    nn.spacing(nn.tensor {1.0, 1e10}) * 2^23
---@return nn.Tensor
function Tensor:spacing() end

---The distance to the next float away from 0, with the sign of x. In place.
---@return nn.Tensor
function Tensor:spacing_(...) end

---True where an element is nan.
---
---    nn.isnan(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.isnan(x) end

---True where an element is nan.
---
---    nn.isnan(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@return nn.Tensor
function Tensor:isnan() end

---True where an element is inf or -inf.
---
---    nn.isinf(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.isinf(x) end

---True where an element is inf or -inf.
---
---    nn.isinf(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@return nn.Tensor
function Tensor:isinf() end

---True where an element is neither nan nor infinite.
---
---    nn.isfinite(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.isfinite(x) end

---True where an element is neither nan nor infinite.
---
---    nn.isfinite(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@return nn.Tensor
function Tensor:isfinite() end

---True where an element is inf.
---
---    nn.isposinf(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.isposinf(x) end

---True where an element is inf.
---
---    nn.isposinf(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@return nn.Tensor
function Tensor:isposinf() end

---True where an element is -inf.
---
---    nn.isneginf(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.isneginf(x) end

---True where an element is -inf.
---
---    nn.isneginf(nn.tensor {1.0, 0/0, 1/0, -1/0})
---@return nn.Tensor
function Tensor:isneginf() end

---True where the sign is set: of -0 too.
---
---    nn.signbit(nn.tensor {1.0, -0.0, -2.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.signbit(x) end

---True where the sign is set: of -0 too.
---
---    nn.signbit(nn.tensor {1.0, -0.0, -2.0})
---@return nn.Tensor
function Tensor:signbit() end

---All bits turned; of bools, not. The operator ~x.
---
---    nn.bitwise_not(nn.tensor {0, 5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.bitwise_not(x) end

---All bits turned; of bools, not. The operator ~x.
---
---    nn.bitwise_not(nn.tensor {0, 5})
---@return nn.Tensor
function Tensor:bitwise_not() end

---All bits turned; of bools, not. The operator ~x. In place.
---@return nn.Tensor
function Tensor:bitwise_not_(...) end

---The angle of the point with ordinate x and abscissa y, from -pi to pi.
---
---    nn.atan2(nn.tensor {1.0, -1.0}, nn.tensor {1.0, -1.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.atan2(x, y) end

---The angle of the point with ordinate x and abscissa y, from -pi to pi.
---
---    nn.atan2(nn.tensor {1.0, -1.0}, nn.tensor {1.0, -1.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:atan2(y) end

---The angle of the point with ordinate x and abscissa y, from -pi to pi. In place.
---@return nn.Tensor
function Tensor:atan2_(...) end

---sqrt(x^2 + y^2) without overflow.
---
---    nn.hypot(nn.tensor {3.0, 3e30}, nn.tensor {4.0, 4e30})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.hypot(x, y) end

---sqrt(x^2 + y^2) without overflow.
---
---    nn.hypot(nn.tensor {3.0, 3e30}, nn.tensor {4.0, 4e30})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:hypot(y) end

---sqrt(x^2 + y^2) without overflow. In place.
---@return nn.Tensor
function Tensor:hypot_(...) end

---The remainder of x / y with the sign of x, as C has it; of whole numbers by 0 it is 0.
---
---    nn.fmod(nn.tensor {-5, 5}, 3)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.fmod(x, y) end

---The remainder of x / y with the sign of x, as C has it; of whole numbers by 0 it is 0.
---
---    nn.fmod(nn.tensor {-5, 5}, 3)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:fmod(y) end

---The remainder of x / y with the sign of x, as C has it; of whole numbers by 0 it is 0. In place.
---@return nn.Tensor
function Tensor:fmod_(...) end

---The remainder of x / y with the sign of y, as Lua's % has it; of whole numbers by 0 it is 0. The operator x % y.
---
---    nn.remainder(nn.tensor {-5, 5}, 3)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.remainder(x, y) end

---The remainder of x / y with the sign of y, as Lua's % has it; of whole numbers by 0 it is 0. The operator x % y.
---
---    nn.remainder(nn.tensor {-5, 5}, 3)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:remainder(y) end

---The remainder of x / y with the sign of y, as Lua's % has it; of whole numbers by 0 it is 0. The operator x % y. In place.
---@return nn.Tensor
function Tensor:remainder_(...) end

---x / y rounded down, whole for whole numbers; those divided by 0 give 0. The operator x // y.
---
---    nn.floor_divide(nn.tensor {-5, 5}, 3)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.floor_divide(x, y) end

---x / y rounded down, whole for whole numbers; those divided by 0 give 0. The operator x // y.
---
---    nn.floor_divide(nn.tensor {-5, 5}, 3)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:floor_divide(y) end

---x / y rounded down, whole for whole numbers; those divided by 0 give 0. The operator x // y. In place.
---@return nn.Tensor
function Tensor:floor_divide_(...) end

---log(exp(x) + exp(y)) without overflow.
---
---    nn.logaddexp(nn.tensor {1000.0, 0.0}, nn.tensor {1000.0, 1.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.logaddexp(x, y) end

---log(exp(x) + exp(y)) without overflow.
---
---    nn.logaddexp(nn.tensor {1000.0, 0.0}, nn.tensor {1000.0, 1.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:logaddexp(y) end

---log(exp(x) + exp(y)) without overflow. In place.
---@return nn.Tensor
function Tensor:logaddexp_(...) end

---log2(2^x + 2^y) without overflow.
---
---    nn.logaddexp2(nn.tensor {3.0, 0.0}, nn.tensor {3.0, 1.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.logaddexp2(x, y) end

---log2(2^x + 2^y) without overflow.
---
---    nn.logaddexp2(nn.tensor {3.0, 0.0}, nn.tensor {3.0, 1.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:logaddexp2(y) end

---log2(2^x + 2^y) without overflow. In place.
---@return nn.Tensor
function Tensor:logaddexp2_(...) end

---x log(y), and 0 where x is 0.
---
---    nn.xlogy(nn.tensor {0.0, 2.0}, nn.tensor {0.0, 3.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.xlogy(x, y) end

---x log(y), and 0 where x is 0.
---
---    nn.xlogy(nn.tensor {0.0, 2.0}, nn.tensor {0.0, 3.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:xlogy(y) end

---x log(y), and 0 where x is 0. In place.
---@return nn.Tensor
function Tensor:xlogy_(...) end

---x log(1 + y), and 0 where x is 0.
---
---    nn.xlog1py(nn.tensor {0.0, 2.0}, nn.tensor {-1.0, 3.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.xlog1py(x, y) end

---x log(1 + y), and 0 where x is 0.
---
---    nn.xlog1py(nn.tensor {0.0, 2.0}, nn.tensor {-1.0, 3.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:xlog1py(y) end

---x log(1 + y), and 0 where x is 0. In place.
---@return nn.Tensor
function Tensor:xlog1py_(...) end

---|x| with the sign of y.
---
---    nn.copysign(nn.tensor {1.0, 2.0}, nn.tensor {-3.0, 3.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.copysign(x, y) end

---|x| with the sign of y.
---
---    nn.copysign(nn.tensor {1.0, 2.0}, nn.tensor {-3.0, 3.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:copysign(y) end

---|x| with the sign of y. In place.
---@return nn.Tensor
function Tensor:copysign_(...) end

---The next number that a float can hold, from x towards y.
---
---    nn.nextafter(nn.tensor {1.0}, 2) - 1
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.nextafter(x, y) end

---The next number that a float can hold, from x towards y.
---
---    nn.nextafter(nn.tensor {1.0}, 2) - 1
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:nextafter(y) end

---The next number that a float can hold, from x towards y. In place.
---@return nn.Tensor
function Tensor:nextafter_(...) end

---The larger of x and y; where one is nan, the other.
---
---    nn.fmax(nn.tensor {1.0, 0/0}, nn.tensor {2.0, 3.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.fmax(x, y) end

---The larger of x and y; where one is nan, the other.
---
---    nn.fmax(nn.tensor {1.0, 0/0}, nn.tensor {2.0, 3.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:fmax(y) end

---The larger of x and y; where one is nan, the other. In place.
---@return nn.Tensor
function Tensor:fmax_(...) end

---The smaller of x and y; where one is nan, the other.
---
---    nn.fmin(nn.tensor {1.0, 0/0}, nn.tensor {2.0, 3.0})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.fmin(x, y) end

---The smaller of x and y; where one is nan, the other.
---
---    nn.fmin(nn.tensor {1.0, 0/0}, nn.tensor {2.0, 3.0})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:fmin(y) end

---The smaller of x and y; where one is nan, the other. In place.
---@return nn.Tensor
function Tensor:fmin_(...) end

---0 for negative x, 1 for positive, and y where x is 0.
---
---    nn.heaviside(nn.tensor {-2.0, 0.0, 3.0}, 0.5)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.heaviside(x, y) end

---0 for negative x, 1 for positive, and y where x is 0.
---
---    nn.heaviside(nn.tensor {-2.0, 0.0, 3.0}, 0.5)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:heaviside(y) end

---0 for negative x, 1 for positive, and y where x is 0. In place.
---@return nn.Tensor
function Tensor:heaviside_(...) end

---The greatest common divisor of whole numbers.
---
---    nn.gcd(nn.tensor {12, 18}, 8)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.gcd(x, y) end

---The greatest common divisor of whole numbers.
---
---    nn.gcd(nn.tensor {12, 18}, 8)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:gcd(y) end

---The greatest common divisor of whole numbers. In place.
---@return nn.Tensor
function Tensor:gcd_(...) end

---The least common multiple of whole numbers.
---
---    nn.lcm(nn.tensor {4, 6}, 10)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.lcm(x, y) end

---The least common multiple of whole numbers.
---
---    nn.lcm(nn.tensor {4, 6}, 10)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:lcm(y) end

---The least common multiple of whole numbers. In place.
---@return nn.Tensor
function Tensor:lcm_(...) end

---The bits set in both; of bools, and. The operator x & y.
---
---    nn.bitwise_and(nn.tensor {12, 10}, 6)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.bitwise_and(x, y) end

---The bits set in both; of bools, and. The operator x & y.
---
---    nn.bitwise_and(nn.tensor {12, 10}, 6)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:bitwise_and(y) end

---The bits set in both; of bools, and. The operator x & y. In place.
---@return nn.Tensor
function Tensor:bitwise_and_(...) end

---The bits set in one or both; of bools, or. The operator x | y.
---
---    nn.bitwise_or(nn.tensor {12, 10}, 6)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.bitwise_or(x, y) end

---The bits set in one or both; of bools, or. The operator x | y.
---
---    nn.bitwise_or(nn.tensor {12, 10}, 6)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:bitwise_or(y) end

---The bits set in one or both; of bools, or. The operator x | y. In place.
---@return nn.Tensor
function Tensor:bitwise_or_(...) end

---The bits set in exactly one. The operator x ~ y.
---
---    nn.bitwise_xor(nn.tensor {12, 10}, 6)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.bitwise_xor(x, y) end

---The bits set in exactly one. The operator x ~ y.
---
---    nn.bitwise_xor(nn.tensor {12, 10}, 6)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:bitwise_xor(y) end

---The bits set in exactly one. The operator x ~ y. In place.
---@return nn.Tensor
function Tensor:bitwise_xor_(...) end

---x times 2^y, bits that leave at the top lost; 0 for y beyond the width or negative. The operator x << y.
---
---    nn.bitwise_left_shift(nn.tensor {1, 5}, 3)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.bitwise_left_shift(x, y) end

---x times 2^y, bits that leave at the top lost; 0 for y beyond the width or negative. The operator x << y.
---
---    nn.bitwise_left_shift(nn.tensor {1, 5}, 3)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:bitwise_left_shift(y) end

---x times 2^y, bits that leave at the top lost; 0 for y beyond the width or negative. The operator x << y. In place.
---@return nn.Tensor
function Tensor:bitwise_left_shift_(...) end

---x / 2^y rounded down; 0 (-1 for negative x) for y beyond the width or negative. The operator x >> y.
---
---    nn.bitwise_right_shift(nn.tensor {16, -16}, 3)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.bitwise_right_shift(x, y) end

---x / 2^y rounded down; 0 (-1 for negative x) for y beyond the width or negative. The operator x >> y.
---
---    nn.bitwise_right_shift(nn.tensor {16, -16}, 3)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:bitwise_right_shift(y) end

---x / 2^y rounded down; 0 (-1 for negative x) for y beyond the width or negative. The operator x >> y. In place.
---@return nn.Tensor
function Tensor:bitwise_right_shift_(...) end

---The n-th derivative of digamma, for x > 0.
---
---    nn.polygamma(1, nn.tensor {0.5, 1.0})
---@param n nn.Tensor|number|boolean
---@param x nn.Tensor|number|boolean
---@return nn.Tensor
function nn.polygamma(n, x) end

---The n-th derivative of digamma, for x > 0.
---
---    nn.polygamma(1, nn.tensor {0.5, 1.0})
---@param x nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:polygamma(x) end

---Limits each element to [min, max], numbers or tensors; either may be left out.
---
---    nn.clamp(nn.tensor {-2.0, 0.5, 3.0}, -1, 1)
---@param x nn.Tensor
---@param min? nn.Tensor|number|boolean
---@param max? nn.Tensor|number|boolean
---@return nn.Tensor
function nn.clamp(x, min, max) end

---Limits each element to [min, max], numbers or tensors; either may be left out.
---
---    nn.clamp(nn.tensor {-2.0, 0.5, 3.0}, -1, 1)
---@param min? nn.Tensor|number|boolean
---@param max? nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:clamp(min, max) end

---Limits each element to [min, max], numbers or tensors; either may be left out. In place.
---@return nn.Tensor
function Tensor:clamp_(...) end

---log(x / (1 - x)), the inverse of sigmoid; eps first limits x to [eps, 1 - eps].
---
---    nn.logit(nn.tensor {0.25, 0.5, 0.75})
---@param x nn.Tensor
---@param eps? number
---@return nn.Tensor
function nn.logit(x, eps) end

---log(x / (1 - x)), the inverse of sigmoid; eps first limits x to [eps, 1 - eps].
---
---    nn.logit(nn.tensor {0.25, 0.5, 0.75})
---@param eps? number
---@return nn.Tensor
function Tensor:logit(eps) end

---log(x / (1 - x)), the inverse of sigmoid; eps first limits x to [eps, 1 - eps]. In place.
---@return nn.Tensor
function Tensor:logit_(...) end

---Degrees to radians.
---
---    nn.deg2rad(nn.tensor {0.0, 90.0, 180.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.deg2rad(x) end

---Degrees to radians.
---
---    nn.deg2rad(nn.tensor {0.0, 90.0, 180.0})
---@return nn.Tensor
function Tensor:deg2rad() end

---Degrees to radians. In place.
---@return nn.Tensor
function Tensor:deg2rad_(...) end

---Radians to degrees.
---
---    nn.rad2deg(nn.tensor {0.0, 1.0, math.pi})
---@param x nn.Tensor
---@return nn.Tensor
function nn.rad2deg(x) end

---Radians to degrees.
---
---    nn.rad2deg(nn.tensor {0.0, 1.0, math.pi})
---@return nn.Tensor
function Tensor:rad2deg() end

---Radians to degrees. In place.
---@return nn.Tensor
function Tensor:rad2deg_(...) end

---x + weight (end - x).
---
---    nn.lerp(nn.tensor {0.0, 10.0}, nn.tensor {1.0, 20.0}, 0.25)
---@param x nn.Tensor
---@param end_ nn.Tensor
---@param weight nn.Tensor|number|boolean
---@return nn.Tensor
function nn.lerp(x, end_, weight) end

---x + weight (end - x).
---
---    nn.lerp(nn.tensor {0.0, 10.0}, nn.tensor {1.0, 20.0}, 0.25)
---@param end_ nn.Tensor
---@param weight nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:lerp(end_, weight) end

---x + weight (end - x). In place.
---@return nn.Tensor
function Tensor:lerp_(...) end

---x + value y z.
---
---    nn.addcmul(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {3.0}, 0.5)
---@param x nn.Tensor
---@param y nn.Tensor|number|boolean
---@param z nn.Tensor|number|boolean
---@param value? number
---@return nn.Tensor
function nn.addcmul(x, y, z, value) end

---x + value y z.
---
---    nn.addcmul(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {3.0}, 0.5)
---@param y nn.Tensor|number|boolean
---@param z nn.Tensor|number|boolean
---@param value? number
---@return nn.Tensor
function Tensor:addcmul(y, z, value) end

---x + value y z. In place.
---@return nn.Tensor
function Tensor:addcmul_(...) end

---x + value y / z.
---
---    nn.addcdiv(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {4.0}, 0.5)
---@param x nn.Tensor
---@param y nn.Tensor|number|boolean
---@param z nn.Tensor|number|boolean
---@param value? number
---@return nn.Tensor
function nn.addcdiv(x, y, z, value) end

---x + value y / z.
---
---    nn.addcdiv(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {4.0}, 0.5)
---@param y nn.Tensor|number|boolean
---@param z nn.Tensor|number|boolean
---@param value? number
---@return nn.Tensor
function Tensor:addcdiv(y, z, value) end

---x + value y / z. In place.
---@return nn.Tensor
function Tensor:addcdiv_(...) end

---nan, inf and -inf replaced: by 0, the largest and the smallest float, unless said otherwise.
---
---    nn.nan_to_num(nn.tensor {1.0, 0/0, 1/0, -1/0}, 0, 9, -9)
---@param x nn.Tensor
---@param nan? number
---@param posinf? number
---@param neginf? number
---@return nn.Tensor
function nn.nan_to_num(x, nan, posinf, neginf) end

---nan, inf and -inf replaced: by 0, the largest and the smallest float, unless said otherwise.
---
---    nn.nan_to_num(nn.tensor {1.0, 0/0, 1/0, -1/0}, 0, 9, -9)
---@param nan? number
---@param posinf? number
---@param neginf? number
---@return nn.Tensor
function Tensor:nan_to_num(nan, posinf, neginf) end

---nan, inf and -inf replaced: by 0, the largest and the smallest float, unless said otherwise. In place.
---@return nn.Tensor
function Tensor:nan_to_num_(...) end

---True where |x - y| <= atol + rtol |y|; x:allclose(y) says it of all.
---
---    nn.isclose(nn.tensor {1.0, 1.0}, nn.tensor {1.0 + 1e-6, 1.1})
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@param rtol? number
---@param atol? number
---@param equal_nan? boolean
---@return nn.Tensor
function nn.isclose(x, y, rtol, atol, equal_nan) end

---True where |x - y| <= atol + rtol |y|; x:allclose(y) says it of all.
---
---    nn.isclose(nn.tensor {1.0, 1.0}, nn.tensor {1.0 + 1e-6, 1.1})
---@param y nn.Tensor|number|boolean
---@param rtol? number
---@param atol? number
---@param equal_nan? boolean
---@return nn.Tensor
function Tensor:isclose(y, rtol, atol, equal_nan) end

---x to the power y in float64.
---
---    nn.float_power(nn.tensor {2, 3}, -1)
---@param x nn.Tensor
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.float_power(x, y) end

---x to the power y in float64.
---
---    nn.float_power(nn.tensor {2, 3}, -1)
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:float_power(y) end

---x times 2^y.
---
---    nn.ldexp(nn.tensor {1.0, 3.0}, nn.tensor {4, -1})
---@param x nn.Tensor
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.ldexp(x, y) end

---x times 2^y.
---
---    nn.ldexp(nn.tensor {1.0, 3.0}, nn.tensor {4, -1})
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:ldexp(y) end

---x times 2^y. In place.
---@return nn.Tensor
function Tensor:ldexp_(...) end

----x log(x), the summand of entropy: 0 at 0, -inf below.
---
---    nn.entr(nn.tensor {0.0, 0.5, 1.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.entr(x) end

----x log(x), the summand of entropy: 0 at 0, -inf below.
---
---    nn.entr(nn.tensor {0.0, 0.5, 1.0})
---@return nn.Tensor
function Tensor:entr() end

----x log(x), the summand of entropy: 0 at 0, -inf below. In place.
---@return nn.Tensor
function Tensor:entr_(...) end

---The area under the standard normal curve up to x.
---
---    nn.ndtr(nn.tensor {-1.96, 0.0, 1.96})
---@param x nn.Tensor
---@return nn.Tensor
function nn.ndtr(x) end

---The area under the standard normal curve up to x.
---
---    nn.ndtr(nn.tensor {-1.96, 0.0, 1.96})
---@return nn.Tensor
function Tensor:ndtr() end

---The area under the standard normal curve up to x. In place.
---@return nn.Tensor
function Tensor:ndtr_(...) end

---limit tanh(x / limit): x near 0, bent smoothly to stay between -limit and limit (logit soft-capping).
---
---    nn.softclip(nn.tensor {-10.0, 0.5, 3.0}, 2)
---@param x nn.Tensor
---@param limit? number
---@return nn.Tensor
function nn.softclip(x, limit) end

---limit tanh(x / limit): x near 0, bent smoothly to stay between -limit and limit (logit soft-capping).
---
---    nn.softclip(nn.tensor {-10.0, 0.5, 3.0}, 2)
---@param limit? number
---@return nn.Tensor
function Tensor:softclip(limit) end

---limit tanh(x / limit): x near 0, bent smoothly to stay between -limit and limit (logit soft-capping). In place.
---@return nn.Tensor
function Tensor:softclip_(...) end

---x for x > 0, else negative_slope x: Maas, Hannun & Ng 2013.
---
---    nn.leaky_relu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@param negative_slope? number
---@return nn.Tensor
function nn.leaky_relu(x, negative_slope) end

---x for x > 0, else negative_slope x: Maas, Hannun & Ng 2013.
---
---    nn.leaky_relu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param negative_slope? number
---@return nn.Tensor
function Tensor:leaky_relu(negative_slope) end

---x for x > 0, else negative_slope x: Maas, Hannun & Ng 2013. In place.
---@return nn.Tensor
function Tensor:leaky_relu_(...) end

---x for x > 0, else weight x, with one weight or one a channel (dim 2): He et al. 2015.
---
---    nn.prelu(nn.tensor {-2.0, -0.5, 0.0, 1.5}, nn.tensor {0.25})
---@param x nn.Tensor
---@param weight nn.Tensor
---@return nn.Tensor
function nn.prelu(x, weight) end

---x for x > 0, else weight x, with one weight or one a channel (dim 2): He et al. 2015.
---
---    nn.prelu(nn.tensor {-2.0, -0.5, 0.0, 1.5}, nn.tensor {0.25})
---@param weight nn.Tensor
---@return nn.Tensor
function Tensor:prelu(weight) end

---x for x > 0, else weight x, with one weight or one a channel (dim 2): He et al. 2015. In place.
---@return nn.Tensor
function Tensor:prelu_(...) end

---min(max(0, x), 6).
---
---    nn.relu6(nn.tensor {-1.0, 3.0, 8.0})
---@param x nn.Tensor
---@return nn.Tensor
function nn.relu6(x) end

---min(max(0, x), 6).
---
---    nn.relu6(nn.tensor {-1.0, 3.0, 8.0})
---@return nn.Tensor
function Tensor:relu6() end

---min(max(0, x), 6). In place.
---@return nn.Tensor
function Tensor:relu6_(...) end

---1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1: Klambauer et al. 2017.
---
---    nn.selu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.selu(x) end

---1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1: Klambauer et al. 2017.
---
---    nn.selu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:selu() end

---1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1: Klambauer et al. 2017. In place.
---@return nn.Tensor
function Tensor:selu_(...) end

---alpha elu(x / alpha), smooth for every alpha: Barron 2017.
---
---    nn.celu(nn.tensor {-2.0, -0.5, 0.0, 1.5}, 0.5)
---@param x nn.Tensor
---@param alpha? number
---@return nn.Tensor
function nn.celu(x, alpha) end

---alpha elu(x / alpha), smooth for every alpha: Barron 2017.
---
---    nn.celu(nn.tensor {-2.0, -0.5, 0.0, 1.5}, 0.5)
---@param alpha? number
---@return nn.Tensor
function Tensor:celu(alpha) end

---alpha elu(x / alpha), smooth for every alpha: Barron 2017. In place.
---@return nn.Tensor
function Tensor:celu_(...) end

---x times the normal distribution's area up to x: Hendrycks & Gimpel 2016.
---
---    nn.gelu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@param approximate? string
---@return nn.Tensor
function nn.gelu(x, approximate) end

---x times the normal distribution's area up to x: Hendrycks & Gimpel 2016.
---
---    nn.gelu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param approximate? string
---@return nn.Tensor
function Tensor:gelu(approximate) end

---x times the normal distribution's area up to x: Hendrycks & Gimpel 2016. In place.
---@return nn.Tensor
function Tensor:gelu_(...) end

---x sigmoid(x): Elfwing, Uchibe & Doya 2017; also called swish.
---
---    nn.silu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.silu(x) end

---x sigmoid(x): Elfwing, Uchibe & Doya 2017; also called swish.
---
---    nn.silu(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:silu() end

---x sigmoid(x): Elfwing, Uchibe & Doya 2017; also called swish. In place.
---@return nn.Tensor
function Tensor:silu_(...) end

---x tanh(softplus(x)): Misra 2019.
---
---    nn.mish(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.mish(x) end

---x tanh(softplus(x)): Misra 2019.
---
---    nn.mish(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:mish() end

---x tanh(softplus(x)): Misra 2019. In place.
---@return nn.Tensor
function Tensor:mish_(...) end

---x / (1 + |x|).
---
---    nn.softsign(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.softsign(x) end

---x / (1 + |x|).
---
---    nn.softsign(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:softsign() end

---x / (1 + |x|). In place.
---@return nn.Tensor
function Tensor:softsign_(...) end

---x limited to [min_val, max_val].
---
---    nn.hardtanh(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@param min_val? number
---@param max_val? number
---@return nn.Tensor
function nn.hardtanh(x, min_val, max_val) end

---x limited to [min_val, max_val].
---
---    nn.hardtanh(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param min_val? number
---@param max_val? number
---@return nn.Tensor
function Tensor:hardtanh(min_val, max_val) end

---x limited to [min_val, max_val]. In place.
---@return nn.Tensor
function Tensor:hardtanh_(...) end

---relu6(x + 3) / 6.
---
---    nn.hardsigmoid(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.hardsigmoid(x) end

---relu6(x + 3) / 6.
---
---    nn.hardsigmoid(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:hardsigmoid() end

---relu6(x + 3) / 6. In place.
---@return nn.Tensor
function Tensor:hardsigmoid_(...) end

---x relu6(x + 3) / 6: Howard et al. 2019.
---
---    nn.hardswish(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.hardswish(x) end

---x relu6(x + 3) / 6: Howard et al. 2019.
---
---    nn.hardswish(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:hardswish() end

---x relu6(x + 3) / 6: Howard et al. 2019. In place.
---@return nn.Tensor
function Tensor:hardswish_(...) end

---x - tanh(x).
---
---    nn.tanhshrink(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.tanhshrink(x) end

---x - tanh(x).
---
---    nn.tanhshrink(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:tanhshrink() end

---x - tanh(x). In place.
---@return nn.Tensor
function Tensor:tanhshrink_(...) end

---x moved towards 0 by lambd, and 0 where it is nearer.
---
---    nn.softshrink(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@param lambd? number
---@return nn.Tensor
function nn.softshrink(x, lambd) end

---x moved towards 0 by lambd, and 0 where it is nearer.
---
---    nn.softshrink(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param lambd? number
---@return nn.Tensor
function Tensor:softshrink(lambd) end

---x moved towards 0 by lambd, and 0 where it is nearer. In place.
---@return nn.Tensor
function Tensor:softshrink_(...) end

---x where |x| > lambd, else 0.
---
---    nn.hardshrink(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@param lambd? number
---@return nn.Tensor
function nn.hardshrink(x, lambd) end

---x where |x| > lambd, else 0.
---
---    nn.hardshrink(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param lambd? number
---@return nn.Tensor
function Tensor:hardshrink(lambd) end

---x where |x| > lambd, else 0. In place.
---@return nn.Tensor
function Tensor:hardshrink_(...) end

---x where it is above the threshold, else value.
---
---    nn.threshold(nn.tensor {-2.0, -0.5, 0.0, 1.5}, 0.1, 20)
---@param x nn.Tensor
---@param threshold number
---@param value number
---@return nn.Tensor
function nn.threshold(x, threshold, value) end

---x where it is above the threshold, else value.
---
---    nn.threshold(nn.tensor {-2.0, -0.5, 0.0, 1.5}, 0.1, 20)
---@param threshold number
---@param value number
---@return nn.Tensor
function Tensor:threshold(threshold, value) end

---x where it is above the threshold, else value. In place.
---@return nn.Tensor
function Tensor:threshold_(...) end

---The first half along a dim times sigmoid of the second: Dauphin et al. 2016.
---
---    nn.glu(nn.tensor {1.0, 2.0, 0.0, 3.0})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.glu(x, dim) end

---The first half along a dim times sigmoid of the second: Dauphin et al. 2016.
---
---    nn.glu(nn.tensor {1.0, 2.0, 0.0, 3.0})
---@param dim? integer
---@return nn.Tensor
function Tensor:glu(dim) end

---log(sigmoid(x)), exact on both sides.
---
---    nn.logsigmoid(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@return nn.Tensor
function nn.logsigmoid(x) end

---log(sigmoid(x)), exact on both sides.
---
---    nn.logsigmoid(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tensor
function Tensor:logsigmoid() end

---log(sigmoid(x)), exact on both sides. In place.
---@return nn.Tensor
function Tensor:logsigmoid_(...) end

---softmax(-x) along a dim.
---
---    nn.softmin(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.softmin(x, dim) end

---softmax(-x) along a dim.
---
---    nn.softmin(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param dim? integer
---@return nn.Tensor
function Tensor:softmin(dim) end

---A random draw, near one-hot for small tau, through which gradients flow: Jang, Gu & Poole 2017.
---
---    nn.gumbel_softmax(nn.tensor {0.0, 5.0}, 0.5, true, {generator = nn.Generator(1)})
---@param logits nn.Tensor
---@param tau? number
---@param hard? boolean
---@param dim? integer
---@return nn.Tensor
function nn.gumbel_softmax(logits, tau, hard, dim) end

---A random draw, near one-hot for small tau, through which gradients flow: Jang, Gu & Poole 2017.
---
---    nn.gumbel_softmax(nn.tensor {0.0, 5.0}, 0.5, true, {generator = nn.Generator(1)})
---@param tau? number
---@param hard? boolean
---@param dim? integer
---@return nn.Tensor
function Tensor:gumbel_softmax(tau, hard, dim) end

---x where the condition holds, else y; all three broadcast.
---
---    nn.where(nn.tensor {-1.0, 0.0, 2.0}:gt(0), 1, -1)
---@param condition nn.Tensor
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function nn.where(condition, x, y) end

---x where the condition holds, else y; all three broadcast.
---
---    nn.where(nn.tensor {-1.0, 0.0, 2.0}:gt(0), 1, -1)
---@param x nn.Tensor|number|boolean
---@param y nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:where(x, y) end

---x with value where the bool mask holds.
---
---    nn.masked_fill(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:lt(0), 9)
---@param x nn.Tensor
---@param mask nn.Tensor
---@param value nn.Tensor|number|boolean
---@return nn.Tensor
function nn.masked_fill(x, mask, value) end

---x with value where the bool mask holds.
---
---    nn.masked_fill(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:lt(0), 9)
---@param mask nn.Tensor
---@param value nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:masked_fill(mask, value) end

---x with value where the bool mask holds. In place.
---@return nn.Tensor
function Tensor:masked_fill_(...) end

---A copy with its own memory; gradients flow through.
---
---    nn.clone(nn.tensor {1, 2})
---@param x nn.Tensor
---@return nn.Tensor
function nn.clone(x) end

---A copy with its own memory; gradients flow through.
---
---    nn.clone(nn.tensor {1, 2})
---@return nn.Tensor
function Tensor:clone() end

---A copy that no gradient flows through.
---
---    nn.stop_gradient(nn.ones(2))
---@param x nn.Tensor
---@return nn.Tensor
function nn.stop_gradient(x) end

---A copy that no gradient flows through.
---
---    nn.stop_gradient(nn.ones(2))
---@return nn.Tensor
function Tensor:stop_gradient() end

---x converted to another dtype; x itself when it has that dtype already.
---
---    nn.to(nn.tensor {1, 2}, "float64")
---@param x nn.Tensor
---@param dtype nn.Dtype
---@return nn.Tensor
function nn.to(x, dtype) end

---x converted to another dtype; x itself when it has that dtype already.
---
---    nn.to(nn.tensor {1, 2}, "float64")
---@param dtype nn.Dtype
---@return nn.Tensor
function Tensor:to(dtype) end

---Writes src, broadcast and converted, into x.
---@return nn.Tensor
function Tensor:copy_(...) end

---Writes one value into all of x.
---@return nn.Tensor
function Tensor:fill_(...) end

---The sum over the dims named, or over all. Integers and bools are summed as int64.
---
---    nn.sum(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.sum(x, dim, keepdim) end

---The sum over the dims named, or over all. Integers and bools are summed as int64.
---
---    nn.sum(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:sum(dim, keepdim) end

---The mean over the dims named, or over all.
---
---    nn.mean(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.mean(x, dim, keepdim) end

---The mean over the dims named, or over all.
---
---    nn.mean(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:mean(dim, keepdim) end

---The product over the dims named, or over all.
---
---    nn.prod(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.prod(x, dim, keepdim) end

---The product over the dims named, or over all.
---
---    nn.prod(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:prod(dim, keepdim) end

---log(sum(exp(x))) over the dims named, or over all, without overflow.
---
---    nn.logsumexp(nn.tensor {1000.0, 1000.0})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.logsumexp(x, dim, keepdim) end

---log(sum(exp(x))) over the dims named, or over all, without overflow.
---
---    nn.logsumexp(nn.tensor {1000.0, 1000.0})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:logsumexp(dim, keepdim) end

---The largest element over the dims named, or over all; equals share the gradient.
---
---    nn.amax(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, {1, 2})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.amax(x, dim, keepdim) end

---The largest element over the dims named, or over all; equals share the gradient.
---
---    nn.amax(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, {1, 2})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:amax(dim, keepdim) end

---The smallest element over the dims named, or over all; equals share the gradient.
---
---    nn.amin(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.amin(x, dim, keepdim) end

---The smallest element over the dims named, or over all; equals share the gradient.
---
---    nn.amin(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:amin(dim, keepdim) end

---True where all elements over the dims named are not 0.
---
---    nn.all(nn.tensor {true, false})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.all(x, dim, keepdim) end

---True where all elements over the dims named are not 0.
---
---    nn.all(nn.tensor {true, false})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:all(dim, keepdim) end

---True where any element over the dims named is not 0.
---
---    nn.any(nn.tensor {true, false})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.any(x, dim, keepdim) end

---True where any element over the dims named is not 0.
---
---    nn.any(nn.tensor {true, false})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:any(dim, keepdim) end

---The variance over the dims named, or over all; the divisor is count - correction.
---
---    nn.var(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
function nn.var(x, dim, correction, keepdim) end

---The variance over the dims named, or over all; the divisor is count - correction.
---
---    nn.var(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:var(dim, correction, keepdim) end

---The standard deviation: the square root of var.
---
---    nn.std(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
function nn.std(x, dim, correction, keepdim) end

---The standard deviation: the square root of var.
---
---    nn.std(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:std(dim, correction, keepdim) end

---The p-norm over the dims named, or over all: (sum |x|^p)^(1/p); math.huge gives the largest |x|, -math.huge the smallest, 0 counts those that are not 0.
---
---    nn.norm(nn.tensor {3.0, 4.0})
---@param x nn.Tensor
---@param p? number
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.norm(x, p, dim, keepdim) end

---The p-norm over the dims named, or over all: (sum |x|^p)^(1/p); math.huge gives the largest |x|, -math.huge the smallest, 0 counts those that are not 0.
---
---    nn.norm(nn.tensor {3.0, 4.0})
---@param p? number
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:norm(p, dim, keepdim) end

---The largest element; with dim, the largest along it and their positions.
---
---    nn.max(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function nn.max(x, dim, keepdim) end

---The largest element; with dim, the largest along it and their positions.
---
---    nn.max(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function Tensor:max(dim, keepdim) end

---The smallest element; with dim, the smallest along it and their positions.
---
---    nn.min(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function nn.min(x, dim, keepdim) end

---The smallest element; with dim, the smallest along it and their positions.
---
---    nn.min(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function Tensor:min(dim, keepdim) end

---The position (from 1) of the largest element along dim; without dim, in the flattened tensor.
---
---    nn.argmax(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
function nn.argmax(x, dim, keepdim) end

---The position (from 1) of the largest element along dim; without dim, in the flattened tensor.
---
---    nn.argmax(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:argmax(dim, keepdim) end

---The position (from 1) of the smallest element along dim; without dim, in the flattened tensor.
---
---    nn.argmin(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
function nn.argmin(x, dim, keepdim) end

---The position (from 1) of the smallest element along dim; without dim, in the flattened tensor.
---
---    nn.argmin(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:argmin(dim, keepdim) end

---Running sums along a dim; of whole numbers and bools as int64.
---
---    nn.cumsum(nn.tensor {3, 1, 2})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.cumsum(x, dim) end

---Running sums along a dim; of whole numbers and bools as int64.
---
---    nn.cumsum(nn.tensor {3, 1, 2})
---@param dim? integer
---@return nn.Tensor
function Tensor:cumsum(dim) end

---Running sums along a dim; of whole numbers and bools as int64. In place.
---@return nn.Tensor
function Tensor:cumsum_(...) end

---Running products along a dim.
---
---    nn.cumprod(nn.tensor {3, 1, 2})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.cumprod(x, dim) end

---Running products along a dim.
---
---    nn.cumprod(nn.tensor {3, 1, 2})
---@param dim? integer
---@return nn.Tensor
function Tensor:cumprod(dim) end

---Running products along a dim. In place.
---@return nn.Tensor
function Tensor:cumprod_(...) end

---The largest so far along a dim, and its position (from 1; the last of equals).
---
---    nn.cummax(nn.tensor {3, 1, 2})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
---@return nn.Tensor
function nn.cummax(x, dim) end

---The largest so far along a dim, and its position (from 1; the last of equals).
---
---    nn.cummax(nn.tensor {3, 1, 2})
---@param dim? integer
---@return nn.Tensor
---@return nn.Tensor
function Tensor:cummax(dim) end

---The smallest so far along a dim, and its position (from 1; the last of equals).
---
---    nn.cummin(nn.tensor {3, 1, 2})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
---@return nn.Tensor
function nn.cummin(x, dim) end

---The smallest so far along a dim, and its position (from 1; the last of equals).
---
---    nn.cummin(nn.tensor {3, 1, 2})
---@param dim? integer
---@return nn.Tensor
---@return nn.Tensor
function Tensor:cummin(dim) end

---The logarithm of running sums of exp(x), without overflow.
---
---    nn.logcumsumexp(nn.tensor {1000.0, 1000.0})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.logcumsumexp(x, dim) end

---The logarithm of running sums of exp(x), without overflow.
---
---    nn.logcumsumexp(nn.tensor {1000.0, 1000.0})
---@param dim? integer
---@return nn.Tensor
function Tensor:logcumsumexp(dim) end

---The recurrence y_k = x_k + a_k y_(k-1) along a dim (from the end, with y_(k+1), if reverse).
---
---    nn.linear_scan(nn.ones(4), nn.full({4}, 0.5))
---@param x nn.Tensor
---@param a nn.Tensor
---@param dim? integer
---@param reverse? boolean
---@return nn.Tensor
function nn.linear_scan(x, a, dim, reverse) end

---The recurrence y_k = x_k + a_k y_(k-1) along a dim (from the end, with y_(k+1), if reverse).
---
---    nn.linear_scan(nn.ones(4), nn.full({4}, 0.5))
---@param a nn.Tensor
---@param dim? integer
---@param reverse? boolean
---@return nn.Tensor
function Tensor:linear_scan(a, dim, reverse) end

---The elements in order along a dim, and their positions (from 1). Stable; nan counts as largest.
---
---    nn.sort(nn.tensor {3, 1, 2})
---@param x nn.Tensor
---@param dim? integer
---@param descending? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.sort(x, dim, descending) end

---The elements in order along a dim, and their positions (from 1). Stable; nan counts as largest.
---
---    nn.sort(nn.tensor {3, 1, 2})
---@param dim? integer
---@param descending? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:sort(dim, descending) end

---The k largest (or smallest) elements along a dim, in order, and their positions (from 1).
---
---    nn.topk(nn.tensor {3, 1, 2}, 2)
---@param x nn.Tensor
---@param k integer
---@param dim? integer
---@param largest? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.topk(x, k, dim, largest) end

---The k largest (or smallest) elements along a dim, in order, and their positions (from 1).
---
---    nn.topk(nn.tensor {3, 1, 2}, 2)
---@param k integer
---@param dim? integer
---@param largest? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:topk(k, dim, largest) end

---The middle element, the lower of two; nan wins. With dim, those along it and their positions.
---
---    nn.median(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function nn.median(x, dim, keepdim) end

---The middle element, the lower of two; nan wins. With dim, those along it and their positions.
---
---    nn.median(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function Tensor:median(dim, keepdim) end

---median without nan.
---
---    nn.nanmedian(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}, 2)
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function nn.nanmedian(x, dim, keepdim) end

---median without nan.
---
---    nn.nanmedian(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}, 2)
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor?
function Tensor:nanmedian(dim, keepdim) end

---The most frequent element along a dim (the smallest of equals), and its last position.
---
---    nn.mode(nn.tensor {2, 1, 2, 1, 3})
---@param x nn.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.mode(x, dim, keepdim) end

---The most frequent element along a dim (the smallest of equals), and its last position.
---
---    nn.mode(nn.tensor {2, 1, 2, 1, 3})
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:mode(dim, keepdim) end

---The value below which a share q of the elements lies; a vector of shares gives a first dim. nan wins.
---
---    nn.quantile(nn.tensor {3.0, 1.0, 2.0, 10.0}, nn.tensor {0.25, 0.5})
---@param x nn.Tensor
---@param q nn.Tensor|number|boolean
---@param dim? integer
---@param keepdim? boolean
---@param interpolation? string
---@return nn.Tensor
function nn.quantile(x, q, dim, keepdim, interpolation) end

---The value below which a share q of the elements lies; a vector of shares gives a first dim. nan wins.
---
---    nn.quantile(nn.tensor {3.0, 1.0, 2.0, 10.0}, nn.tensor {0.25, 0.5})
---@param q nn.Tensor|number|boolean
---@param dim? integer
---@param keepdim? boolean
---@param interpolation? string
---@return nn.Tensor
function Tensor:quantile(q, dim, keepdim, interpolation) end

---quantile without nan.
---
---    nn.nanquantile(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}, 0.5, 2)
---@param x nn.Tensor
---@param q nn.Tensor|number|boolean
---@param dim? integer
---@param keepdim? boolean
---@param interpolation? string
---@return nn.Tensor
function nn.nanquantile(x, q, dim, keepdim, interpolation) end

---quantile without nan.
---
---    nn.nanquantile(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}, 0.5, 2)
---@param q nn.Tensor|number|boolean
---@param dim? integer
---@param keepdim? boolean
---@param interpolation? string
---@return nn.Tensor
function Tensor:nanquantile(q, dim, keepdim, interpolation) end

---The sum without nan.
---
---    nn.nansum(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.nansum(x, dim, keepdim) end

---The sum without nan.
---
---    nn.nansum(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:nansum(dim, keepdim) end

---The mean without nan.
---
---    nn.nanmean(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}, 2)
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.nanmean(x, dim, keepdim) end

---The mean without nan.
---
---    nn.nanmean(nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}, 2)
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:nanmean(dim, keepdim) end

---How many elements are not 0.
---
---    nn.count_nonzero(nn.tensor {0, 3, 4})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.count_nonzero(x, dim, keepdim) end

---How many elements are not 0.
---
---    nn.count_nonzero(nn.tensor {0, 3, 4})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:count_nonzero(dim, keepdim) end

---The smallest and the largest, over the dims named or all.
---
---    nn.aminmax(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.aminmax(x, dim, keepdim) end

---The smallest and the largest, over the dims named or all.
---
---    nn.aminmax(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:aminmax(dim, keepdim) end

---The variance and the mean.
---
---    nn.var_mean(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.var_mean(x, dim, correction, keepdim) end

---The variance and the mean.
---
---    nn.var_mean(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:var_mean(dim, correction, keepdim) end

---The standard deviation and the mean.
---
---    nn.std_mean(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param x nn.Tensor
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.std_mean(x, dim, correction, keepdim) end

---The standard deviation and the mean.
---
---    nn.std_mean(nn.tensor {3.0, 1.0, 2.0, 10.0})
---@param dim? integer|integer[]
---@param correction? number
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:std_mean(dim, correction, keepdim) end

---The differences of neighbours along a dim, n times over.
---
---    nn.diff(nn.tensor {1, 4, 9, 16})
---@param x nn.Tensor
---@param n? integer
---@param dim? integer
---@return nn.Tensor
function nn.diff(x, n, dim) end

---The differences of neighbours along a dim, n times over.
---
---    nn.diff(nn.tensor {1, 4, 9, 16})
---@param n? integer
---@param dim? integer
---@return nn.Tensor
function Tensor:diff(n, dim) end

---The area under values along a dim, by the trapezoidal rule; they stand dx apart, or at the places named.
---
---    nn.trapezoid(nn.tensor {0.0, 1.0, 4.0})
---@param x nn.Tensor
---@param at? nn.Tensor
---@param dx? number
---@param dim? integer
---@return nn.Tensor
function nn.trapezoid(x, at, dx, dim) end

---The area under values along a dim, by the trapezoidal rule; they stand dx apart, or at the places named.
---
---    nn.trapezoid(nn.tensor {0.0, 1.0, 4.0})
---@param at? nn.Tensor
---@param dx? number
---@param dim? integer
---@return nn.Tensor
function Tensor:trapezoid(at, dx, dim) end

---How many elements lie in each of equal bins from min to max (both 0: all of them).
---
---    nn.histc(nn.tensor {3.0, 1.0, 2.0, 10.0}, 3)
---@param x nn.Tensor
---@param bins? integer
---@param min? number
---@param max? number
---@return nn.Tensor
function nn.histc(x, bins, min, max) end

---How many elements lie in each of equal bins from min to max (both 0: all of them).
---
---    nn.histc(nn.tensor {3.0, 1.0, 2.0, 10.0}, 3)
---@param bins? integer
---@param min? number
---@param max? number
---@return nn.Tensor
function Tensor:histc(bins, min, max) end

---How often 1, 2, 3, ... occur in a vector, or the sums of their weights.
---
---    nn.bincount(nn.tensor {1, 3, 3})
---@param x nn.Tensor
---@param weights? nn.Tensor
---@param minlength? integer
---@return nn.Tensor
function nn.bincount(x, weights, minlength) end

---How often 1, 2, 3, ... occur in a vector, or the sums of their weights.
---
---    nn.bincount(nn.tensor {1, 3, 3})
---@param weights? nn.Tensor
---@param minlength? integer
---@return nn.Tensor
function Tensor:bincount(weights, minlength) end

---The same elements in another shape; -1 is worked out. A view if it can be, else a copy.
---
---    nn.reshape(nn.arange(6), 2, -1)
---@param x nn.Tensor
---@param shape integer|integer[]
---@return nn.Tensor
function nn.reshape(x, shape) end

---The same elements in another shape; -1 is worked out. A view if it can be, else a copy.
---
---    nn.reshape(nn.arange(6), 2, -1)
---@param shape integer|integer[]
---@return nn.Tensor
function Tensor:reshape(shape) end

---reshape that never copies: an error where the layout does not allow it.
---
---    nn.view(nn.arange(6), 3, 2)
---@param x nn.Tensor
---@param shape integer|integer[]
---@return nn.Tensor
function nn.view(x, shape) end

---reshape that never copies: an error where the layout does not allow it.
---
---    nn.view(nn.arange(6), 3, 2)
---@param shape integer|integer[]
---@return nn.Tensor
function Tensor:view(shape) end

---Joins the dims start_dim .. end_dim into one.
---
---    nn.flatten(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param x nn.Tensor
---@param start_dim? integer
---@param end_dim? integer
---@return nn.Tensor
function nn.flatten(x, start_dim, end_dim) end

---Joins the dims start_dim .. end_dim into one.
---
---    nn.flatten(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})
---@param start_dim? integer
---@param end_dim? integer
---@return nn.Tensor
function Tensor:flatten(start_dim, end_dim) end

---Drops dims of one element: all of them, or those named.
---
---    nn.squeeze(nn.zeros(1, 2, 1)).shape
---@param x nn.Tensor
---@param dim? integer|integer[]
---@return nn.Tensor
function nn.squeeze(x, dim) end

---Drops dims of one element: all of them, or those named.
---
---    nn.squeeze(nn.zeros(1, 2, 1)).shape
---@param dim? integer|integer[]
---@return nn.Tensor
function Tensor:squeeze(dim) end

---A new dim of one element at this place.
---
---    nn.unsqueeze(nn.zeros(2), 1).shape
---@param x nn.Tensor
---@param dim integer
---@return nn.Tensor
function nn.unsqueeze(x, dim) end

---A new dim of one element at this place.
---
---    nn.unsqueeze(nn.zeros(2), 1).shape
---@param dim integer
---@return nn.Tensor
function Tensor:unsqueeze(dim) end

---Exchanges two dims.
---
---    nn.transpose(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1, 2)
---@param x nn.Tensor
---@param dim0 integer
---@param dim1 integer
---@return nn.Tensor
function nn.transpose(x, dim0, dim1) end

---Exchanges two dims.
---
---    nn.transpose(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1, 2)
---@param dim0 integer
---@param dim1 integer
---@return nn.Tensor
function Tensor:transpose(dim0, dim1) end

---Puts the dims in the order named.
---
---    nn.permute(nn.zeros(2, 3, 4), 3, 1, 2).shape
---@param x nn.Tensor
---@param dims integer|integer[]
---@return nn.Tensor
function nn.permute(x, dims) end

---Puts the dims in the order named.
---
---    nn.permute(nn.zeros(2, 3, 4), 3, 1, 2).shape
---@param dims integer|integer[]
---@return nn.Tensor
function Tensor:permute(dims) end

---Repeats dims of one element without copying; -1 keeps a size.
---
---    nn.expand(nn.tensor {{1}, {2}}, 2, 3)
---@param x nn.Tensor
---@param shape integer|integer[]
---@return nn.Tensor
function nn.expand(x, shape) end

---Repeats dims of one element without copying; -1 keeps a size.
---
---    nn.expand(nn.tensor {{1}, {2}}, 2, 3)
---@param shape integer|integer[]
---@return nn.Tensor
function Tensor:expand(shape) end

---One index along a dim; the dim is gone.
---
---    nn.select(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, -1)
---@param x nn.Tensor
---@param dim integer
---@param index integer
---@return nn.Tensor
function nn.select(x, dim, index) end

---One index along a dim; the dim is gone.
---
---    nn.select(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, -1)
---@param dim integer
---@param index integer
---@return nn.Tensor
function Tensor:select(dim, index) end

---Indices first to last along a dim, both included.
---
---    nn.slice(nn.arange(6), 1, 2, 6, 2)
---@param x nn.Tensor
---@param dim integer
---@param first? integer
---@param last? integer
---@param step? integer
---@return nn.Tensor
function nn.slice(x, dim, first, last, step) end

---Indices first to last along a dim, both included.
---
---    nn.slice(nn.arange(6), 1, 2, 6, 2)
---@param dim integer
---@param first? integer
---@param last? integer
---@param step? integer
---@return nn.Tensor
function Tensor:slice(dim, first, last, step) end

---length indices along a dim, from start on.
---
---    nn.narrow(nn.arange(6), 1, 2, 3)
---@param x nn.Tensor
---@param dim integer
---@param start integer
---@param length integer
---@return nn.Tensor
function nn.narrow(x, dim, start, length) end

---length indices along a dim, from start on.
---
---    nn.narrow(nn.arange(6), 1, 2, 3)
---@param dim integer
---@param start integer
---@param length integer
---@return nn.Tensor
function Tensor:narrow(dim, start, length) end

---The elements in reverse order along the dims named, or all.
---
---    nn.flip(nn.arange(6):reshape(2, 3), 2)
---@param x nn.Tensor
---@param dims? integer|integer[]
---@return nn.Tensor
function nn.flip(x, dims) end

---The elements in reverse order along the dims named, or all.
---
---    nn.flip(nn.arange(6):reshape(2, 3), 2)
---@param dims? integer|integer[]
---@return nn.Tensor
function Tensor:flip(dims) end

---The columns in reverse order.
---
---    nn.fliplr(nn.arange(6):reshape(2, 3))
---@param x nn.Tensor
---@return nn.Tensor
function nn.fliplr(x) end

---The columns in reverse order.
---
---    nn.fliplr(nn.arange(6):reshape(2, 3))
---@return nn.Tensor
function Tensor:fliplr() end

---The rows in reverse order.
---
---    nn.flipud(nn.arange(6):reshape(2, 3))
---@param x nn.Tensor
---@return nn.Tensor
function nn.flipud(x) end

---The rows in reverse order.
---
---    nn.flipud(nn.arange(6):reshape(2, 3))
---@return nn.Tensor
function Tensor:flipud() end

---The elements moved on along the dims, those that leave come in again; without dims, flattened.
---
---    nn.roll(nn.arange(5), 2)
---@param x nn.Tensor
---@param shifts integer|integer[]
---@param dims? integer|integer[]
---@return nn.Tensor
function nn.roll(x, shifts, dims) end

---The elements moved on along the dims, those that leave come in again; without dims, flattened.
---
---    nn.roll(nn.arange(5), 2)
---@param shifts integer|integer[]
---@param dims? integer|integer[]
---@return nn.Tensor
function Tensor:roll(shifts, dims) end

---Turned by k quarters, from the first of two dims towards the second.
---
---    nn.rot90(nn.arange(6):reshape(2, 3))
---@param x nn.Tensor
---@param k? integer
---@param dims? integer|integer[]
---@return nn.Tensor
function nn.rot90(x, k, dims) end

---Turned by k quarters, from the first of two dims towards the second.
---
---    nn.rot90(nn.arange(6):reshape(2, 3))
---@param k? integer
---@param dims? integer|integer[]
---@return nn.Tensor
function Tensor:rot90(k, dims) end

---x put next to itself, so many times along each dim; PyTorch's repeat.
---
---    nn.tile(nn.tensor {1, 2}, {2, 2})
---@param x nn.Tensor
---@param dims integer|integer[]
---@return nn.Tensor
function nn.tile(x, dims) end

---x put next to itself, so many times along each dim; PyTorch's repeat.
---
---    nn.tile(nn.tensor {1, 2}, {2, 2})
---@param dims integer|integer[]
---@return nn.Tensor
function Tensor:tile(dims) end

---Each element so many times: one number, or one for each; without dim, flattened.
---
---    nn.repeat_interleave(nn.tensor {1, 2}, nn.tensor {3, 1})
---@param x nn.Tensor
---@param repeats nn.Tensor|number|boolean
---@param dim? integer
---@return nn.Tensor
function nn.repeat_interleave(x, repeats, dim) end

---Each element so many times: one number, or one for each; without dim, flattened.
---
---    nn.repeat_interleave(nn.tensor {1, 2}, nn.tensor {3, 1})
---@param repeats nn.Tensor|number|boolean
---@param dim? integer
---@return nn.Tensor
function Tensor:repeat_interleave(repeats, dim) end

---One dim cut into several; -1 is worked out.
---
---    nn.unflatten(nn.arange(6), 1, {2, -1})
---@param x nn.Tensor
---@param dim integer
---@param sizes integer|integer[]
---@return nn.Tensor
function nn.unflatten(x, dim, sizes) end

---One dim cut into several; -1 is worked out.
---
---    nn.unflatten(nn.arange(6), 1, {2, -1})
---@param dim integer
---@param sizes integer|integer[]
---@return nn.Tensor
function Tensor:unflatten(dim, sizes) end

---Dims moved to other places, the rest in order.
---
---    nn.moveaxis(nn.zeros(2, 3, 4), 1, 3).shape
---@param x nn.Tensor
---@param source integer|integer[]
---@param destination integer|integer[]
---@return nn.Tensor
function nn.moveaxis(x, source, destination) end

---Dims moved to other places, the rest in order.
---
---    nn.moveaxis(nn.zeros(2, 3, 4), 1, 3).shape
---@param source integer|integer[]
---@param destination integer|integer[]
---@return nn.Tensor
function Tensor:moveaxis(source, destination) end

---Exchanges two dims, as transpose does.
---
---    nn.swapaxes(nn.arange(6):reshape(2, 3), 1, 2)
---@param x nn.Tensor
---@param dim0 integer
---@param dim1 integer
---@return nn.Tensor
function nn.swapaxes(x, dim0, dim1) end

---Exchanges two dims, as transpose does.
---
---    nn.swapaxes(nn.arange(6):reshape(2, 3), 1, 2)
---@param dim0 integer
---@param dim1 integer
---@return nn.Tensor
function Tensor:swapaxes(dim0, dim1) end

---x repeated to a shape without copying, as expand does.
---
---    nn.broadcast_to(nn.tensor {1, 2}, {2, 2})
---@param x nn.Tensor
---@param shape integer|integer[]
---@return nn.Tensor
function nn.broadcast_to(x, shape) end

---x repeated to a shape without copying, as expand does.
---
---    nn.broadcast_to(nn.tensor {1, 2}, {2, 2})
---@param shape integer|integer[]
---@return nn.Tensor
function Tensor:broadcast_to(shape) end

---x expanded to the shape of y.
---
---    nn.expand_as(nn.tensor {1, 2}, nn.zeros(2, 2))
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.expand_as(x, y) end

---x expanded to the shape of y.
---
---    nn.expand_as(nn.tensor {1, 2}, nn.zeros(2, 2))
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:expand_as(y) end

---x in the shape of y.
---
---    nn.reshape_as(nn.arange(4), nn.zeros(2, 2))
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.reshape_as(x, y) end

---x in the shape of y.
---
---    nn.reshape_as(nn.arange(4), nn.zeros(2, 2))
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:reshape_as(y) end

---x as one dim; a view if it can be.
---
---    nn.ravel(nn.arange(6):reshape(2, 3))
---@param x nn.Tensor
---@return nn.Tensor
function nn.ravel(x) end

---x as one dim; a view if it can be.
---
---    nn.ravel(nn.arange(6):reshape(2, 3))
---@return nn.Tensor
function Tensor:ravel() end

---x with at least one dim.
---
---    nn.atleast_1d(nn.tensor(7))
---@param x nn.Tensor
---@return nn.Tensor
function nn.atleast_1d(x) end

---x with at least one dim.
---
---    nn.atleast_1d(nn.tensor(7))
---@return nn.Tensor
function Tensor:atleast_1d() end

---x with at least two dims; a vector becomes a row.
---
---    nn.atleast_2d(nn.tensor {1, 2})
---@param x nn.Tensor
---@return nn.Tensor
function nn.atleast_2d(x) end

---x with at least two dims; a vector becomes a row.
---
---    nn.atleast_2d(nn.tensor {1, 2})
---@return nn.Tensor
function Tensor:atleast_2d() end

---x with at least three dims.
---
---    nn.atleast_3d(nn.tensor {1, 2}).shape
---@param x nn.Tensor
---@return nn.Tensor
function nn.atleast_3d(x) end

---x with at least three dims.
---
---    nn.atleast_3d(nn.tensor {1, 2}).shape
---@return nn.Tensor
function Tensor:atleast_3d() end

---Joins tensors along a dim.
---
---    nn.cat {nn.tensor {1, 2}, nn.tensor {3}}
---@param tensors nn.Tensor[]
---@param dim? integer
---@return nn.Tensor
function nn.cat(tensors, dim) end

---Joins tensors of equal shape along a new dim.
---
---    nn.stack {nn.tensor {1, 2}, nn.tensor {3, 4}}
---@param tensors nn.Tensor[]
---@param dim? integer
---@return nn.Tensor
function nn.stack(tensors, dim) end

---A list of the slices along a dim, which is gone in them.
---
---    nn.unbind(nn.arange(6):reshape(2, 3))[2]
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor[]
function nn.unbind(x, dim) end

---A list of the slices along a dim, which is gone in them.
---
---    nn.unbind(nn.arange(6):reshape(2, 3))[2]
---@param dim? integer
---@return nn.Tensor[]
function Tensor:unbind(dim) end

---A list of pieces along a dim: of one size (the last may be shorter), or of the sizes listed.
---
---    nn.split(nn.arange(5), 2)[3]
---@param x nn.Tensor
---@param split_size integer|integer[]
---@param dim? integer
---@return nn.Tensor[]
function nn.split(x, split_size, dim) end

---A list of pieces along a dim: of one size (the last may be shorter), or of the sizes listed.
---
---    nn.split(nn.arange(5), 2)[3]
---@param split_size integer|integer[]
---@param dim? integer
---@return nn.Tensor[]
function Tensor:split(split_size, dim) end

---A list of at most `chunks` pieces of equal size along a dim (the last may be shorter).
---
---    #nn.chunk(nn.arange(5), 2)
---@param x nn.Tensor
---@param chunks integer
---@param dim? integer
---@return nn.Tensor[]
function nn.chunk(x, chunks, dim) end

---A list of at most `chunks` pieces of equal size along a dim (the last may be shorter).
---
---    #nn.chunk(nn.arange(5), 2)
---@param chunks integer
---@param dim? integer
---@return nn.Tensor[]
function Tensor:chunk(chunks, dim) end

---A list of so many pieces along a dim, as equal as can be; a list of positions cuts behind each of them.
---
---    nn.tensor_split(nn.arange(5), {1, 3})[2]
---@param x nn.Tensor
---@param sections integer|integer[]
---@param dim? integer
---@return nn.Tensor[]
function nn.tensor_split(x, sections, dim) end

---A list of so many pieces along a dim, as equal as can be; a list of positions cuts behind each of them.
---
---    nn.tensor_split(nn.arange(5), {1, 3})[2]
---@param sections integer|integer[]
---@param dim? integer
---@return nn.Tensor[]
function Tensor:tensor_split(sections, dim) end

---tensor_split along dim 2 (of a vector, dim 1).
---
---    nn.hsplit(nn.arange(6):reshape(2, 3), 3)[1]
---@param x nn.Tensor
---@param sections integer|integer[]
---@return nn.Tensor[]
function nn.hsplit(x, sections) end

---tensor_split along dim 2 (of a vector, dim 1).
---
---    nn.hsplit(nn.arange(6):reshape(2, 3), 3)[1]
---@param sections integer|integer[]
---@return nn.Tensor[]
function Tensor:hsplit(sections) end

---tensor_split along dim 1.
---
---    nn.vsplit(nn.arange(6):reshape(2, 3), 2)[1]
---@param x nn.Tensor
---@param sections integer|integer[]
---@return nn.Tensor[]
function nn.vsplit(x, sections) end

---tensor_split along dim 1.
---
---    nn.vsplit(nn.arange(6):reshape(2, 3), 2)[1]
---@param sections integer|integer[]
---@return nn.Tensor[]
function Tensor:vsplit(sections) end

---tensor_split along dim 3.
---
---    nn.dsplit(nn.zeros(1, 1, 4), 2)[1].shape
---@param x nn.Tensor
---@param sections integer|integer[]
---@return nn.Tensor[]
function nn.dsplit(x, sections) end

---tensor_split along dim 3.
---
---    nn.dsplit(nn.zeros(1, 1, 4), 2)[1].shape
---@param sections integer|integer[]
---@return nn.Tensor[]
function Tensor:dsplit(sections) end

---Joins side by side: along dim 2, vectors along dim 1.
---
---    nn.hstack {nn.tensor {1}, nn.tensor {2, 3}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.hstack(tensors) end

---Joins one below the other, vectors as rows.
---
---    nn.vstack {nn.tensor {1, 2}, nn.tensor {3, 4}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.vstack(tensors) end

---Joins along dim 3.
---
---    nn.dstack {nn.tensor {1, 2}, nn.tensor {3, 4}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.dstack(tensors) end

---Joins side by side, vectors as columns.
---
---    nn.column_stack {nn.tensor {1, 2}, nn.tensor {3, 4}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.column_stack(tensors) end

---A matrix with these along its diagonal.
---
---    nn.block_diag {nn.tensor {1, 2}, nn.tensor {{3}}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.block_diag(tensors) end

---A list of the tensors, all expanded to the shape they broadcast to.
---
---    nn.broadcast_tensors {nn.zeros(2, 1), nn.zeros(3)}[1].shape
---@param tensors nn.Tensor[]
---@return nn.Tensor[]
function nn.broadcast_tensors(tensors) end

---A list of grids, one for each vector: its values along its own dim. xy exchanges the first two dims.
---
---    nn.meshgrid {nn.arange(2), nn.arange(3)}[2]
---@param tensors nn.Tensor[]
---@param indexing? string
---@return nn.Tensor[]
function nn.meshgrid(tensors, indexing) end

---All combinations of one element from each vector, one a row.
---
---    nn.cartesian_prod {nn.tensor {1, 2}, nn.tensor {3, 4}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.cartesian_prod(tensors) end

---A copy of the diagonal in two dims, as the last dim; offset > 0 lies above.
---
---    nn.diagonal(nn.arange(9):reshape(3, 3), 1)
---@param x nn.Tensor
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return nn.Tensor
function nn.diagonal(x, offset, dim1, dim2) end

---A copy of the diagonal in two dims, as the last dim; offset > 0 lies above.
---
---    nn.diagonal(nn.arange(9):reshape(3, 3), 1)
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return nn.Tensor
function Tensor:diagonal(offset, dim1, dim2) end

---Zeros with the last dim of x as diagonal in two dims.
---
---    nn.diag_embed(nn.tensor {1, 2})
---@param x nn.Tensor
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return nn.Tensor
function nn.diag_embed(x, offset, dim1, dim2) end

---Zeros with the last dim of x as diagonal in two dims.
---
---    nn.diag_embed(nn.tensor {1, 2})
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return nn.Tensor
function Tensor:diag_embed(offset, dim1, dim2) end

---The matrix with this diagonal, or a matrix's diagonal.
---
---    nn.diag(nn.tensor {1, 2})
---@param x nn.Tensor
---@param diagonal? integer
---@return nn.Tensor
function nn.diag(x, diagonal) end

---The matrix with this diagonal, or a matrix's diagonal.
---
---    nn.diag(nn.tensor {1, 2})
---@param diagonal? integer
---@return nn.Tensor
function Tensor:diag(diagonal) end

---The sum of the diagonal.
---
---    nn.trace(nn.arange(9):reshape(3, 3))
---@param x nn.Tensor
---@return nn.Tensor
function nn.trace(x) end

---The sum of the diagonal.
---
---    nn.trace(nn.arange(9):reshape(3, 3))
---@return nn.Tensor
function Tensor:trace() end

---x with its diagonal replaced.
---
---    nn.diagonal_scatter(nn.arange(9):reshape(3, 3), nn.tensor {9, 9, 9})
---@param x nn.Tensor
---@param src nn.Tensor
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return nn.Tensor
function nn.diagonal_scatter(x, src, offset, dim1, dim2) end

---x with its diagonal replaced.
---
---    nn.diagonal_scatter(nn.arange(9):reshape(3, 3), nn.tensor {9, 9, 9})
---@param src nn.Tensor
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return nn.Tensor
function Tensor:diagonal_scatter(src, offset, dim1, dim2) end

---The lower triangle, up to a diagonal; 0 above.
---
---    nn.tril(nn.arange(9):reshape(3, 3))
---@param x nn.Tensor
---@param diagonal? integer
---@return nn.Tensor
function nn.tril(x, diagonal) end

---The lower triangle, up to a diagonal; 0 above.
---
---    nn.tril(nn.arange(9):reshape(3, 3))
---@param diagonal? integer
---@return nn.Tensor
function Tensor:tril(diagonal) end

---The upper triangle, from a diagonal on; 0 below.
---
---    nn.triu(nn.arange(9):reshape(3, 3), 1)
---@param x nn.Tensor
---@param diagonal? integer
---@return nn.Tensor
function nn.triu(x, diagonal) end

---The upper triangle, from a diagonal on; 0 below.
---
---    nn.triu(nn.arange(9):reshape(3, 3), 1)
---@param diagonal? integer
---@return nn.Tensor
function Tensor:triu(diagonal) end

---x with a margin: {left, right} of the last dim, then of the one before, and so on; negative numbers cut.
---
---    nn.pad(nn.tensor {1, 2, 3}, {2, 1}, "reflect")
---@param x nn.Tensor
---@param pad integer|integer[]
---@param mode? string
---@param value? number
---@return nn.Tensor
function nn.pad(x, pad, mode, value) end

---x with a margin: {left, right} of the last dim, then of the one before, and so on; negative numbers cut.
---
---    nn.pad(nn.tensor {1, 2, 3}, {2, 1}, "reflect")
---@param pad integer|integer[]
---@param mode? string
---@param value? number
---@return nn.Tensor
function Tensor:pad(pad, mode, value) end

---A copy of all windows of a size along a dim, as a new last dim.
---
---    nn.unfold(nn.arange(5), 1, 3, 2)
---@param x nn.Tensor
---@param dim integer
---@param size integer
---@param step? integer
---@return nn.Tensor
function nn.unfold(x, dim, size, step) end

---A copy of all windows of a size along a dim, as a new last dim.
---
---    nn.unfold(nn.arange(5), 1, 3, 2)
---@param dim integer
---@param size integer
---@param step? integer
---@return nn.Tensor
function Tensor:unfold(dim, size, step) end

---x with one slice replaced.
---
---    nn.select_scatter(nn.arange(6):reshape(2, 3), nn.tensor {8, 9}, 2, 1)
---@param x nn.Tensor
---@param src nn.Tensor
---@param dim integer
---@param index integer
---@return nn.Tensor
function nn.select_scatter(x, src, dim, index) end

---x with one slice replaced.
---
---    nn.select_scatter(nn.arange(6):reshape(2, 3), nn.tensor {8, 9}, 2, 1)
---@param src nn.Tensor
---@param dim integer
---@param index integer
---@return nn.Tensor
function Tensor:select_scatter(src, dim, index) end

---x with the slices start .. end (both of them, by step) along a dim replaced.
---
---    nn.slice_scatter(nn.zeros(5), nn.ones(2), 1, 2, 3)
---@param x nn.Tensor
---@param src nn.Tensor
---@param dim? integer
---@param start? integer
---@param end_? integer
---@param step? integer
---@return nn.Tensor
function nn.slice_scatter(x, src, dim, start, end_, step) end

---x with the slices start .. end (both of them, by step) along a dim replaced.
---
---    nn.slice_scatter(nn.zeros(5), nn.ones(2), 1, 2, 3)
---@param src nn.Tensor
---@param dim? integer
---@param start? integer
---@param end_? integer
---@param step? integer
---@return nn.Tensor
function Tensor:slice_scatter(src, dim, start, end_, step) end

---Powers of a vector's elements, one a column, falling unless increasing.
---
---    nn.vander(nn.tensor {1, 2, 3})
---@param x nn.Tensor
---@param N? integer
---@param increasing? boolean
---@return nn.Tensor
function nn.vander(x, N, increasing) end

---Powers of a vector's elements, one a column, falling unless increasing.
---
---    nn.vander(nn.tensor {1, 2, 3})
---@param N? integer
---@param increasing? boolean
---@return nn.Tensor
function Tensor:vander(N, increasing) end

---All choices of r elements of a vector, one a row.
---
---    nn.combinations(nn.tensor {1, 2, 3})
---@param x nn.Tensor
---@param r? integer
---@param with_replacement? boolean
---@return nn.Tensor
function nn.combinations(x, r, with_replacement) end

---All choices of r elements of a vector, one a row.
---
---    nn.combinations(nn.tensor {1, 2, 3})
---@param r? integer
---@param with_replacement? boolean
---@return nn.Tensor
function Tensor:combinations(r, with_replacement) end

---For each element of index (int64, from 1), the element of x at that place along dim.
---
---    nn.gather(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, nn.tensor {{3}, {1}})
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@return nn.Tensor
function nn.gather(x, dim, index) end

---For each element of index (int64, from 1), the element of x at that place along dim.
---
---    nn.gather(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, nn.tensor {{3}, {1}})
---@param dim integer
---@param index nn.Tensor
---@return nn.Tensor
function Tensor:gather(dim, index) end

---x plus each element of src at the place along dim that index names.
---
---    nn.scatter_add(nn.zeros(3), 1, nn.tensor {1, 1, 3}, nn.tensor {1.0, 2.0, 3.0})
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@param src nn.Tensor
---@return nn.Tensor
function nn.scatter_add(x, dim, index, src) end

---x plus each element of src at the place along dim that index names.
---
---    nn.scatter_add(nn.zeros(3), 1, nn.tensor {1, 1, 3}, nn.tensor {1.0, 2.0, 3.0})
---@param dim integer
---@param index nn.Tensor
---@param src nn.Tensor
---@return nn.Tensor
function Tensor:scatter_add(dim, index, src) end

---x plus each element of src at the place along dim that index names. In place.
---@return nn.Tensor
function Tensor:scatter_add_(...) end

---A row of the weight (symbols x features) for each of x's int64 symbols, from 1. The row of the symbol padding_idx gets no gradient.
---
---    nn.embedding(nn.tensor {2, 1}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param x nn.Tensor
---@param weight nn.Tensor
---@param padding_idx? integer
---@return nn.Tensor
function nn.embedding(x, weight, padding_idx) end

---A row of the weight (symbols x features) for each of x's int64 symbols, from 1. The row of the symbol padding_idx gets no gradient.
---
---    nn.embedding(nn.tensor {2, 1}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param weight nn.Tensor
---@param padding_idx? integer
---@return nn.Tensor
function Tensor:embedding(weight, padding_idx) end

---The slices of x along dim that index (int64, from 1) names, in its order.
---
---    nn.index_select(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, nn.tensor {3, 1})
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@return nn.Tensor
function nn.index_select(x, dim, index) end

---The slices of x along dim that index (int64, from 1) names, in its order.
---
---    nn.index_select(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, nn.tensor {3, 1})
---@param dim integer
---@param index nn.Tensor
---@return nn.Tensor
function Tensor:index_select(dim, index) end

---The elements of x where the bool mask holds, in order; x[mask] is the same.
---
---    nn.masked_select(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:ge(0))
---@param x nn.Tensor
---@param mask nn.Tensor
---@return nn.Tensor
function nn.masked_select(x, mask) end

---The elements of x where the bool mask holds, in order; x[mask] is the same.
---
---    nn.masked_select(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:ge(0))
---@param mask nn.Tensor
---@return nn.Tensor
function Tensor:masked_select(mask) end

---x with the places where the mask holds taken, in order, from source.
---
---    nn.masked_scatter(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:le(0), nn.tensor {8.0, 9.0})
---@param x nn.Tensor
---@param mask nn.Tensor
---@param source nn.Tensor
---@return nn.Tensor
function nn.masked_scatter(x, mask, source) end

---x with the places where the mask holds taken, in order, from source.
---
---    nn.masked_scatter(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:le(0), nn.tensor {8.0, 9.0})
---@param mask nn.Tensor
---@param source nn.Tensor
---@return nn.Tensor
function Tensor:masked_scatter(mask, source) end

---x with the places where the mask holds taken, in order, from source. In place.
---@return nn.Tensor
function Tensor:masked_scatter_(...) end

---The elements of the flattened x at these positions.
---
---    nn.take(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1, 6})
---@param x nn.Tensor
---@param index nn.Tensor
---@return nn.Tensor
function nn.take(x, index) end

---The elements of the flattened x at these positions.
---
---    nn.take(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1, 6})
---@param index nn.Tensor
---@return nn.Tensor
function Tensor:take(index) end

---gather whose operands broadcast in the other dims.
---
---    nn.take_along_dim(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {{3}, {1}}, 2)
---@param x nn.Tensor
---@param indices nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.take_along_dim(x, indices, dim) end

---gather whose operands broadcast in the other dims.
---
---    nn.take_along_dim(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {{3}, {1}}, 2)
---@param indices nn.Tensor
---@param dim? integer
---@return nn.Tensor
function Tensor:take_along_dim(indices, dim) end

---x with the places along dim that index names set to the elements of src, or to a number; of equal places the last counts.
---
---    nn.scatter(nn.zeros(2, 3), 2, nn.tensor {{3}, {1}}, 7.0)
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@param src nn.Tensor|number|boolean
---@return nn.Tensor
function nn.scatter(x, dim, index, src) end

---x with the places along dim that index names set to the elements of src, or to a number; of equal places the last counts.
---
---    nn.scatter(nn.zeros(2, 3), 2, nn.tensor {{3}, {1}}, 7.0)
---@param dim integer
---@param index nn.Tensor
---@param src nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:scatter(dim, index, src) end

---x with the places along dim that index names set to the elements of src, or to a number; of equal places the last counts. In place.
---@return nn.Tensor
function Tensor:scatter_(...) end

---x with the elements of src joined to the places along dim that index names.
---
---    nn.scatter_reduce(nn.zeros(2), 1, nn.tensor {1, 1, 2}, nn.tensor {3.0, 5.0, 7.0}, "amax")
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@param src nn.Tensor
---@param reduce? string
---@param include_self? boolean
---@return nn.Tensor
function nn.scatter_reduce(x, dim, index, src, reduce, include_self) end

---x with the elements of src joined to the places along dim that index names.
---
---    nn.scatter_reduce(nn.zeros(2), 1, nn.tensor {1, 1, 2}, nn.tensor {3.0, 5.0, 7.0}, "amax")
---@param dim integer
---@param index nn.Tensor
---@param src nn.Tensor
---@param reduce? string
---@param include_self? boolean
---@return nn.Tensor
function Tensor:scatter_reduce(dim, index, src, reduce, include_self) end

---x with the elements of src joined to the places along dim that index names. In place.
---@return nn.Tensor
function Tensor:scatter_reduce_(...) end

---x plus alpha times each slice of source at the place along dim that index names.
---
---    nn.index_add(nn.zeros(3), 1, nn.tensor {1, 1, 3}, nn.tensor {1.0, 2.0, 3.0})
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@param source nn.Tensor
---@param alpha? number
---@return nn.Tensor
function nn.index_add(x, dim, index, source, alpha) end

---x plus alpha times each slice of source at the place along dim that index names.
---
---    nn.index_add(nn.zeros(3), 1, nn.tensor {1, 1, 3}, nn.tensor {1.0, 2.0, 3.0})
---@param dim integer
---@param index nn.Tensor
---@param source nn.Tensor
---@param alpha? number
---@return nn.Tensor
function Tensor:index_add(dim, index, source, alpha) end

---x plus alpha times each slice of source at the place along dim that index names. In place.
---@return nn.Tensor
function Tensor:index_add_(...) end

---x with the slices along dim that index names replaced by those of source.
---
---    nn.index_copy(nn.zeros(3), 1, nn.tensor {3, 1}, nn.tensor {7.0, 8.0})
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@param source nn.Tensor
---@return nn.Tensor
function nn.index_copy(x, dim, index, source) end

---x with the slices along dim that index names replaced by those of source.
---
---    nn.index_copy(nn.zeros(3), 1, nn.tensor {3, 1}, nn.tensor {7.0, 8.0})
---@param dim integer
---@param index nn.Tensor
---@param source nn.Tensor
---@return nn.Tensor
function Tensor:index_copy(dim, index, source) end

---x with the slices along dim that index names replaced by those of source. In place.
---@return nn.Tensor
function Tensor:index_copy_(...) end

---x with the slices along dim that index names set to a number.
---
---    nn.index_fill(nn.zeros(3), 1, nn.tensor {1, 3}, 5)
---@param x nn.Tensor
---@param dim integer
---@param index nn.Tensor
---@param value nn.Tensor|number|boolean
---@return nn.Tensor
function nn.index_fill(x, dim, index, value) end

---x with the slices along dim that index names set to a number.
---
---    nn.index_fill(nn.zeros(3), 1, nn.tensor {1, 3}, 5)
---@param dim integer
---@param index nn.Tensor
---@param value nn.Tensor|number|boolean
---@return nn.Tensor
function Tensor:index_fill(dim, index, value) end

---x with the slices along dim that index names set to a number. In place.
---@return nn.Tensor
function Tensor:index_fill_(...) end

---The elements (or slices) of x at the places that index tensors for its first dims name together; x[{i, j}] is the same.
---
---    nn.index(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1, 2}, nn.tensor {3, 1})
---@param x nn.Tensor
---@param i nn.Tensor
---@param j? nn.Tensor
---@param k? nn.Tensor
---@param l? nn.Tensor
---@return nn.Tensor
function nn.index(x, i, j, k, l) end

---The elements (or slices) of x at the places that index tensors for its first dims name together; x[{i, j}] is the same.
---
---    nn.index(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1, 2}, nn.tensor {3, 1})
---@param i nn.Tensor
---@param j? nn.Tensor
---@param k? nn.Tensor
---@param l? nn.Tensor
---@return nn.Tensor
function Tensor:index(i, j, k, l) end

---x with those places set to values, or with values added; x[{i, j}] = values does it in place.
---
---    nn.index_put(nn.zeros(2, 3), 9, nn.tensor {1, 2}, nn.tensor {3, 1})
---@param x nn.Tensor
---@param values nn.Tensor|number|boolean
---@param i nn.Tensor
---@param j? nn.Tensor
---@param k? nn.Tensor
---@param l? nn.Tensor
---@param accumulate? boolean
---@return nn.Tensor
function nn.index_put(x, values, i, j, k, l, accumulate) end

---x with those places set to values, or with values added; x[{i, j}] = values does it in place.
---
---    nn.index_put(nn.zeros(2, 3), 9, nn.tensor {1, 2}, nn.tensor {3, 1})
---@param values nn.Tensor|number|boolean
---@param i nn.Tensor
---@param j? nn.Tensor
---@param k? nn.Tensor
---@param l? nn.Tensor
---@param accumulate? boolean
---@return nn.Tensor
function Tensor:index_put(values, i, j, k, l, accumulate) end

---x with those places set to values, or with values added; x[{i, j}] = values does it in place. In place.
---@return nn.Tensor
function Tensor:index_put_(...) end

---The positions of the elements that are not 0, one a row; NumPy's argwhere.
---
---    nn.nonzero(nn.tensor {{0, 3}, {4, 0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.nonzero(x) end

---The positions of the elements that are not 0, one a row; NumPy's argwhere.
---
---    nn.nonzero(nn.tensor {{0, 3}, {4, 0}})
---@return nn.Tensor
function Tensor:nonzero() end

---The positions that put x in order along a dim. Stable.
---
---    nn.argsort(nn.tensor {3, 1, 2})
---@param x nn.Tensor
---@param dim? integer
---@param descending? boolean
---@return nn.Tensor
function nn.argsort(x, dim, descending) end

---The positions that put x in order along a dim. Stable.
---
---    nn.argsort(nn.tensor {3, 1, 2})
---@param dim? integer
---@param descending? boolean
---@return nn.Tensor
function Tensor:argsort(dim, descending) end

---The k-th smallest along a dim, and its position.
---
---    nn.kthvalue(nn.tensor {3, 1, 2}, 2)
---@param x nn.Tensor
---@param k integer
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.kthvalue(x, k, dim, keepdim) end

---The k-th smallest along a dim, and its position.
---
---    nn.kthvalue(nn.tensor {3, 1, 2}, 2)
---@param k integer
---@param dim? integer
---@param keepdim? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:kthvalue(k, dim, keepdim) end

---Where each value would have to stand to keep sorted in order (from 1), before its equals, or behind them if right.
---
---    nn.searchsorted(nn.tensor {1, 3, 5}, nn.tensor {3, 4, 9})
---@param sorted nn.Tensor
---@param values nn.Tensor|number|boolean
---@param right? boolean
---@return nn.Tensor
function nn.searchsorted(sorted, values, right) end

---Where each value would have to stand to keep sorted in order (from 1), before its equals, or behind them if right.
---
---    nn.searchsorted(nn.tensor {1, 3, 5}, nn.tensor {3, 4, 9})
---@param values nn.Tensor|number|boolean
---@param right? boolean
---@return nn.Tensor
function Tensor:searchsorted(values, right) end

---searchsorted with its arguments exchanged.
---
---    nn.bucketize(nn.tensor {3, 4, 9}, nn.tensor {1, 3, 5})
---@param x nn.Tensor
---@param boundaries nn.Tensor
---@param right? boolean
---@return nn.Tensor
function nn.bucketize(x, boundaries, right) end

---searchsorted with its arguments exchanged.
---
---    nn.bucketize(nn.tensor {3, 4, 9}, nn.tensor {1, 3, 5})
---@param boundaries nn.Tensor
---@param right? boolean
---@return nn.Tensor
function Tensor:bucketize(boundaries, right) end

---True where an element is one of test_elements (is none of them, if invert).
---
---    nn.isin(nn.tensor {1, 2, 3}, nn.tensor {3, 1})
---@param x nn.Tensor
---@param test_elements nn.Tensor
---@param invert? boolean
---@return nn.Tensor
function nn.isin(x, test_elements, invert) end

---True where an element is one of test_elements (is none of them, if invert).
---
---    nn.isin(nn.tensor {1, 2, 3}, nn.tensor {3, 1})
---@param test_elements nn.Tensor
---@param invert? boolean
---@return nn.Tensor
function Tensor:isin(test_elements, invert) end

---The distinct elements in order, where each element of x stands among them (from 1), and how often each occurs.
---
---    nn.unique(nn.tensor {3, 1, 3})
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.unique(x) end

---The distinct elements in order, where each element of x stands among them (from 1), and how often each occurs.
---
---    nn.unique(nn.tensor {3, 1, 3})
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function Tensor:unique() end

---unique that only joins neighbours.
---
---    nn.unique_consecutive(nn.tensor {3, 3, 1, 3})
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.unique_consecutive(x) end

---unique that only joins neighbours.
---
---    nn.unique_consecutive(nn.tensor {3, 3, 1, 3})
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function Tensor:unique_consecutive() end

---1 at each class (from 1) and 0 elsewhere, along a new last dim.
---
---    nn.one_hot(nn.tensor {1, 3}, 3)
---@param x nn.Tensor
---@param num_classes? integer
---@return nn.Tensor
function nn.one_hot(x, num_classes) end

---1 at each class (from 1) and 0 elsewhere, along a new last dim.
---
---    nn.one_hot(nn.tensor {1, 3}, 3)
---@param num_classes? integer
---@return nn.Tensor
function Tensor:one_hot(num_classes) end

---Rows and columns (from 1) of a matrix's lower triangle: two rows of numbers.
---
---    nn.tril_indices(2)
---@param rows integer
---@param cols? integer
---@param offset? integer
---@return nn.Tensor
function nn.tril_indices(rows, cols, offset) end

---Rows and columns (from 1) of a matrix's upper triangle: two rows of numbers.
---
---    nn.triu_indices(2)
---@param rows integer
---@param cols? integer
---@param offset? integer
---@return nn.Tensor
function nn.triu_indices(rows, cols, offset) end

---The matrix product of vectors, matrices, or batches of matrices (leading dims broadcast).
---
---    nn.matmul(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1.0, 0.0, -1.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.matmul(x, y) end

---The matrix product of vectors, matrices, or batches of matrices (leading dims broadcast).
---
---    nn.matmul(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1.0, 0.0, -1.0})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:matmul(y) end

---x weight^T + bias over the last dim; weight has shape out x in.
---
---    nn.linear(nn.ones(1, 2), nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {10.0, 20.0})
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@return nn.Tensor
function nn.linear(x, weight, bias) end

---x weight^T + bias over the last dim; weight has shape out x in.
---
---    nn.linear(nn.ones(1, 2), nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {10.0, 20.0})
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@return nn.Tensor
function Tensor:linear(weight, bias) end

---beta * input + alpha * (x y), for matrices x and y.
---
---    nn.addmm(nn.ones(2), nn.eye(2), nn.eye(2))
---@param input nn.Tensor
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function nn.addmm(input, x, y, beta, alpha) end

---beta * input + alpha * (x y), for matrices x and y.
---
---    nn.addmm(nn.ones(2), nn.eye(2), nn.eye(2))
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function Tensor:addmm(x, y, beta, alpha) end

---beta * input + alpha * (x y), for matrices x and y. In place.
---@return nn.Tensor
function Tensor:addmm_(...) end

---The matrix of all products of elements of two vectors.
---
---    nn.outer(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 10.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.outer(x, y) end

---The matrix of all products of elements of two vectors.
---
---    nn.outer(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 10.0})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:outer(y) end

---Products of the matrices of two batches.
---
---    nn.bmm(nn.ones(2, 1, 3), nn.ones(2, 3, 1)).shape
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.bmm(x, y) end

---Products of the matrices of two batches.
---
---    nn.bmm(nn.ones(2, 1, 3), nn.ones(2, 3, 1)).shape
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:bmm(y) end

---A matrix times a vector.
---
---    nn.mv(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.mv(x, y) end

---A matrix times a vector.
---
---    nn.mv(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:mv(y) end

---A matrix times a matrix.
---
---    nn.mm(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.mm(x, y) end

---A matrix times a matrix.
---
---    nn.mm(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:mm(y) end

---The sum of the products of two vectors.
---
---    nn.dot(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.dot(x, y) end

---The sum of the products of two vectors.
---
---    nn.dot(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 2.0})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:dot(y) end

---dot of the flattened tensors.
---
---    nn.vdot(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.vdot(x, y) end

---dot of the flattened tensors.
---
---    nn.vdot(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:vdot(y) end

---Sums of products over the last dims.
---
---    nn.inner(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.inner(x, y) end

---Sums of products over the last dims.
---
---    nn.inner(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:inner(y) end

---Sums of products over so many dims (the last of x, the first of y; 2 unless said), or over two lists of dims.
---
---    nn.tensordot(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, {2}, {1})
---@param x nn.Tensor
---@param y nn.Tensor
---@param dims? integer|integer[]
---@param dims_y? integer|integer[]
---@return nn.Tensor
function nn.tensordot(x, y, dims, dims_y) end

---Sums of products over so many dims (the last of x, the first of y; 2 unless said), or over two lists of dims.
---
---    nn.tensordot(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, {2}, {1})
---@param y nn.Tensor
---@param dims? integer|integer[]
---@param dims_y? integer|integer[]
---@return nn.Tensor
function Tensor:tensordot(y, dims, dims_y) end

---Kronecker's product: every element of x times all of y.
---
---    nn.kron(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 10.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@return nn.Tensor
function nn.kron(x, y) end

---Kronecker's product: every element of x times all of y.
---
---    nn.kron(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 10.0})
---@param y nn.Tensor
---@return nn.Tensor
function Tensor:kron(y) end

---The cross product of vectors of 3 elements along a dim.
---
---    nn.cross(nn.tensor {1.0, 0.0, 0.0}, nn.tensor {0.0, 1.0, 0.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.cross(x, y, dim) end

---The cross product of vectors of 3 elements along a dim.
---
---    nn.cross(nn.tensor {1.0, 0.0, 0.0}, nn.tensor {0.0, 1.0, 0.0})
---@param y nn.Tensor
---@param dim? integer
---@return nn.Tensor
function Tensor:cross(y, dim) end

---beta input + alpha x y for batches of matrices.
---
---    nn.baddbmm(nn.ones(1, 1), nn.ones(2, 1, 3), nn.ones(2, 3, 1)).shape
---@param input nn.Tensor
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function nn.baddbmm(input, x, y, beta, alpha) end

---beta input + alpha x y for batches of matrices.
---
---    nn.baddbmm(nn.ones(1, 1), nn.ones(2, 1, 3), nn.ones(2, 3, 1)).shape
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function Tensor:baddbmm(x, y, beta, alpha) end

---beta input + alpha times the sum of the products of the matrices of two batches.
---
---    nn.addbmm(nn.ones(1, 1), nn.ones(2, 1, 3), nn.ones(2, 3, 1))
---@param input nn.Tensor
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function nn.addbmm(input, x, y, beta, alpha) end

---beta input + alpha times the sum of the products of the matrices of two batches.
---
---    nn.addbmm(nn.ones(1, 1), nn.ones(2, 1, 3), nn.ones(2, 3, 1))
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function Tensor:addbmm(x, y, beta, alpha) end

---beta input + alpha x y for a matrix and a vector.
---
---    nn.addmv(nn.tensor {1.0, 2.0}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param input nn.Tensor
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function nn.addmv(input, x, y, beta, alpha) end

---beta input + alpha x y for a matrix and a vector.
---
---    nn.addmv(nn.tensor {1.0, 2.0}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function Tensor:addmv(x, y, beta, alpha) end

---beta input + alpha times the outer product of two vectors.
---
---    nn.addr(nn.zeros(2, 2), nn.tensor {1.0, 2.0}, nn.tensor {1.0, 2.0})
---@param input nn.Tensor
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function nn.addr(input, x, y, beta, alpha) end

---beta input + alpha times the outer product of two vectors.
---
---    nn.addr(nn.zeros(2, 2), nn.tensor {1.0, 2.0}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param beta? number
---@param alpha? number
---@return nn.Tensor
function Tensor:addr(x, y, beta, alpha) end

---A square matrix multiplied n times; of negative n, its inverse.
---
---    nn.matrix_power(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, 3)
---@param x nn.Tensor
---@param n integer
---@return nn.Tensor
function nn.matrix_power(x, n) end

---A square matrix multiplied n times; of negative n, its inverse.
---
---    nn.matrix_power(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, 3)
---@param n integer
---@return nn.Tensor
function Tensor:matrix_power(n) end

---The product of a list of matrices, in the order that costs least.
---
---    nn.multi_dot {nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0}}
---@param tensors nn.Tensor[]
---@return nn.Tensor
function nn.multi_dot(tensors) end

---The distances (p-norm) between all rows of x and all rows of y.
---
---    nn.cdist(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.zeros(1, 2))
---@param x nn.Tensor
---@param y nn.Tensor
---@param p? number
---@return nn.Tensor
function nn.cdist(x, y, p) end

---The distances (p-norm) between all rows of x and all rows of y.
---
---    nn.cdist(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.zeros(1, 2))
---@param y nn.Tensor
---@param p? number
---@return nn.Tensor
function Tensor:cdist(y, p) end

---The distances between all pairs of rows, in the order of combinations.
---
---    nn.pdist(nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param x nn.Tensor
---@param p? number
---@return nn.Tensor
function nn.pdist(x, p) end

---The distances between all pairs of rows, in the order of combinations.
---
---    nn.pdist(nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param p? number
---@return nn.Tensor
function Tensor:pdist(p) end

---The p-norm of x - y + eps over the last dim.
---
---    nn.pairwise_distance(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param p? number
---@param eps? number
---@param keepdim? boolean
---@return nn.Tensor
function nn.pairwise_distance(x, y, p, eps, keepdim) end

---The p-norm of x - y + eps over the last dim.
---
---    nn.pairwise_distance(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param y nn.Tensor
---@param p? number
---@param eps? number
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:pairwise_distance(y, p, eps, keepdim) end

---The p-norm of x - y over all elements.
---
---    nn.dist(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param p? number
---@return nn.Tensor
function nn.dist(x, y, p) end

---The p-norm of x - y over all elements.
---
---    nn.dist(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param y nn.Tensor
---@param p? number
---@return nn.Tensor
function Tensor:dist(y, p) end

---The cosine of the angle between vectors along a dim; norms below eps count as eps.
---
---    nn.cosine_similarity(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param dim? integer
---@param eps? number
---@return nn.Tensor
function nn.cosine_similarity(x, y, dim, eps) end

---The cosine of the angle between vectors along a dim; norms below eps count as eps.
---
---    nn.cosine_similarity(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {1.0, 2.0})
---@param y nn.Tensor
---@param dim? integer
---@param eps? number
---@return nn.Tensor
function Tensor:cosine_similarity(y, dim, eps) end

---x divided by its p-norm along a dim.
---
---    nn.normalize(nn.tensor {{3.0, 4.0}})
---@param x nn.Tensor
---@param p? number
---@param dim? integer
---@param eps? number
---@return nn.Tensor
function nn.normalize(x, p, dim, eps) end

---x divided by its p-norm along a dim.
---
---    nn.normalize(nn.tensor {{3.0, 4.0}})
---@param p? number
---@param dim? integer
---@param eps? number
---@return nn.Tensor
function Tensor:normalize(p, dim, eps) end

---The covariances of variables (rows) over observations (columns).
---
---    nn.cov(nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param x nn.Tensor
---@param correction? number
---@return nn.Tensor
function nn.cov(x, correction) end

---The covariances of variables (rows) over observations (columns).
---
---    nn.cov(nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param correction? number
---@return nn.Tensor
function Tensor:cov(correction) end

---The correlations of variables (rows) over observations (columns).
---
---    nn.corrcoef(nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.corrcoef(x) end

---The correlations of variables (rows) over observations (columns).
---
---    nn.corrcoef(nn.tensor {{1.0, 2.0}, {3.0, 4.0}})
---@return nn.Tensor
function Tensor:corrcoef() end

---Cross-correlation of batch x channels x length with a weight of out_channels x in_channels/groups x kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. padding = "same" keeps the size (with stride 1).
---
---    nn.conv1d(nn.tensor {{{1.0, 2.0, 3.0, 4.0}}}, nn.tensor {{{1.0, -1.0}}})
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param groups? integer
---@return nn.Tensor
function nn.conv1d(x, weight, bias, stride, padding, dilation, groups) end

---Cross-correlation of batch x channels x length with a weight of out_channels x in_channels/groups x kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. padding = "same" keeps the size (with stride 1).
---
---    nn.conv1d(nn.tensor {{{1.0, 2.0, 3.0, 4.0}}}, nn.tensor {{{1.0, -1.0}}})
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param groups? integer
---@return nn.Tensor
function Tensor:conv1d(weight, bias, stride, padding, dilation, groups) end

---Cross-correlation of batch x channels x height x width with a weight of out_channels x in_channels/groups x kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. padding = "same" keeps the size (with stride 1).
---
---    nn.conv2d(nn.ones(1, 1, 3, 3), nn.ones(1, 1, 2, 2), {stride = {1}}).shape
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param groups? integer
---@return nn.Tensor
function nn.conv2d(x, weight, bias, stride, padding, dilation, groups) end

---Cross-correlation of batch x channels x height x width with a weight of out_channels x in_channels/groups x kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. padding = "same" keeps the size (with stride 1).
---
---    nn.conv2d(nn.ones(1, 1, 3, 3), nn.ones(1, 1, 2, 2), {stride = {1}}).shape
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param groups? integer
---@return nn.Tensor
function Tensor:conv2d(weight, bias, stride, padding, dilation, groups) end

---Cross-correlation of batch x channels x depth x height x width with a weight of out_channels x in_channels/groups x kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. padding = "same" keeps the size (with stride 1).
---
---    nn.conv3d(nn.ones(1, 1, 3, 3, 3), nn.ones(2, 1, 2, 2, 2)).shape
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param groups? integer
---@return nn.Tensor
function nn.conv3d(x, weight, bias, stride, padding, dilation, groups) end

---Cross-correlation of batch x channels x depth x height x width with a weight of out_channels x in_channels/groups x kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. padding = "same" keeps the size (with stride 1).
---
---    nn.conv3d(nn.ones(1, 1, 3, 3, 3), nn.ones(2, 1, 2, 2, 2)).shape
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param groups? integer
---@return nn.Tensor
function Tensor:conv3d(weight, bias, stride, padding, dilation, groups) end

---Transposed convolution (the gradient of a convolution for its input) of batch x channels x length with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, output_padding adds at its end.
---
---    nn.conv_transpose1d(nn.tensor {{{1.0, 2.0}}}, nn.tensor {{{1.0, 1.0}}}, {stride = {2}})
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param dilation? integer|integer[]
---@return nn.Tensor
function nn.conv_transpose1d(x, weight, bias, stride, padding, output_padding, groups, dilation) end

---Transposed convolution (the gradient of a convolution for its input) of batch x channels x length with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, output_padding adds at its end.
---
---    nn.conv_transpose1d(nn.tensor {{{1.0, 2.0}}}, nn.tensor {{{1.0, 1.0}}}, {stride = {2}})
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param dilation? integer|integer[]
---@return nn.Tensor
function Tensor:conv_transpose1d(weight, bias, stride, padding, output_padding, groups, dilation) end

---Transposed convolution (the gradient of a convolution for its input) of batch x channels x height x width with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, output_padding adds at its end.
---
---    nn.conv_transpose2d(nn.ones(1, 1, 2, 2), nn.ones(1, 1, 3, 3)).shape
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param dilation? integer|integer[]
---@return nn.Tensor
function nn.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation) end

---Transposed convolution (the gradient of a convolution for its input) of batch x channels x height x width with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, output_padding adds at its end.
---
---    nn.conv_transpose2d(nn.ones(1, 1, 2, 2), nn.ones(1, 1, 3, 3)).shape
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param dilation? integer|integer[]
---@return nn.Tensor
function Tensor:conv_transpose2d(weight, bias, stride, padding, output_padding, groups, dilation) end

---Transposed convolution (the gradient of a convolution for its input) of batch x channels x depth x height x width with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, output_padding adds at its end.
---
---    nn.conv_transpose3d(nn.ones(1, 1, 2, 2, 2), nn.ones(1, 2, 2, 2, 2)).shape
---@param x nn.Tensor
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param dilation? integer|integer[]
---@return nn.Tensor
function nn.conv_transpose3d(x, weight, bias, stride, padding, output_padding, groups, dilation) end

---Transposed convolution (the gradient of a convolution for its input) of batch x channels x depth x height x width with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, output_padding adds at its end.
---
---    nn.conv_transpose3d(nn.ones(1, 1, 2, 2, 2), nn.ones(1, 2, 2, 2, 2)).shape
---@param weight nn.Tensor
---@param bias? nn.Tensor
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param dilation? integer|integer[]
---@return nn.Tensor
function Tensor:conv_transpose3d(weight, bias, stride, padding, output_padding, groups, dilation) end

---The largest value of each window of batch x channels x length, with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding alone). stride is kernel_size unless it is given; with ceil_mode windows may reach over the end.
---
---    nn.max_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0}}}, {2})
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param ceil_mode? boolean
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.max_pool1d(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices) end

---The largest value of each window of batch x channels x length, with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding alone). stride is kernel_size unless it is given; with ceil_mode windows may reach over the end.
---
---    nn.max_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0}}}, {2})
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param ceil_mode? boolean
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:max_pool1d(kernel_size, stride, padding, dilation, ceil_mode, return_indices) end

---The largest value of each window of batch x channels x height x width, with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding alone). stride is kernel_size unless it is given; with ceil_mode windows may reach over the end.
---
---    nn.max_pool2d(nn.arange(16):float():reshape(1, 1, 4, 4), {2})
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param ceil_mode? boolean
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices) end

---The largest value of each window of batch x channels x height x width, with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding alone). stride is kernel_size unless it is given; with ceil_mode windows may reach over the end.
---
---    nn.max_pool2d(nn.arange(16):float():reshape(1, 1, 4, 4), {2})
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param ceil_mode? boolean
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:max_pool2d(kernel_size, stride, padding, dilation, ceil_mode, return_indices) end

---The largest value of each window of batch x channels x depth x height x width, with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding alone). stride is kernel_size unless it is given; with ceil_mode windows may reach over the end.
---
---    nn.max_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param ceil_mode? boolean
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.max_pool3d(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices) end

---The largest value of each window of batch x channels x depth x height x width, with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding alone). stride is kernel_size unless it is given; with ceil_mode windows may reach over the end.
---
---    nn.max_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param ceil_mode? boolean
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:max_pool3d(kernel_size, stride, padding, dilation, ceil_mode, return_indices) end

---The mean of each window of batch x channels x length. stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.avg_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0}}}, {2})
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.Tensor
function nn.avg_pool1d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of batch x channels x length. stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.avg_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0}}}, {2})
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.Tensor
function Tensor:avg_pool1d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of batch x channels x height x width. stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.avg_pool2d(nn.arange(16):float():reshape(1, 1, 4, 4), {2})
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.Tensor
function nn.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of batch x channels x height x width. stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.avg_pool2d(nn.arange(16):float():reshape(1, 1, 4, 4), {2})
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.Tensor
function Tensor:avg_pool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of batch x channels x depth x height x width. stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.avg_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.Tensor
function nn.avg_pool3d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of batch x channels x depth x height x width. stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.avg_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.Tensor
function Tensor:avg_pool3d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each of output_size parts of batch x channels x length, which are as equal as can be.
---
---    nn.adaptive_avg_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0, 4.0}}}, {2})
---@param x nn.Tensor
---@param output_size integer|integer[]
---@return nn.Tensor
function nn.adaptive_avg_pool1d(x, output_size) end

---The mean of each of output_size parts of batch x channels x length, which are as equal as can be.
---
---    nn.adaptive_avg_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0, 4.0}}}, {2})
---@param output_size integer|integer[]
---@return nn.Tensor
function Tensor:adaptive_avg_pool1d(output_size) end

---The mean of each of output_size parts of batch x channels x height x width, which are as equal as can be.
---
---    nn.adaptive_avg_pool2d(nn.ones(1, 1, 5, 7), {2, 3}).shape
---@param x nn.Tensor
---@param output_size integer|integer[]
---@return nn.Tensor
function nn.adaptive_avg_pool2d(x, output_size) end

---The mean of each of output_size parts of batch x channels x height x width, which are as equal as can be.
---
---    nn.adaptive_avg_pool2d(nn.ones(1, 1, 5, 7), {2, 3}).shape
---@param output_size integer|integer[]
---@return nn.Tensor
function Tensor:adaptive_avg_pool2d(output_size) end

---The mean of each of output_size parts of batch x channels x depth x height x width, which are as equal as can be.
---
---    nn.adaptive_avg_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param x nn.Tensor
---@param output_size integer|integer[]
---@return nn.Tensor
function nn.adaptive_avg_pool3d(x, output_size) end

---The mean of each of output_size parts of batch x channels x depth x height x width, which are as equal as can be.
---
---    nn.adaptive_avg_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param output_size integer|integer[]
---@return nn.Tensor
function Tensor:adaptive_avg_pool3d(output_size) end

---The largest value of each of output_size parts of batch x channels x length, which are as equal as can be; with return_indices also its place in the channel, counted from 1.
---
---    nn.adaptive_max_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0, 4.0}}}, {2})
---@param x nn.Tensor
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.adaptive_max_pool1d(x, output_size, return_indices) end

---The largest value of each of output_size parts of batch x channels x length, which are as equal as can be; with return_indices also its place in the channel, counted from 1.
---
---    nn.adaptive_max_pool1d(nn.tensor {{{1.0, 5.0, 2.0, 3.0, 4.0}}}, {2})
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:adaptive_max_pool1d(output_size, return_indices) end

---The largest value of each of output_size parts of batch x channels x height x width, which are as equal as can be; with return_indices also its place in the channel, counted from 1.
---
---    nn.adaptive_max_pool2d(nn.ones(1, 1, 5, 7), {2, 3}).shape
---@param x nn.Tensor
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.adaptive_max_pool2d(x, output_size, return_indices) end

---The largest value of each of output_size parts of batch x channels x height x width, which are as equal as can be; with return_indices also its place in the channel, counted from 1.
---
---    nn.adaptive_max_pool2d(nn.ones(1, 1, 5, 7), {2, 3}).shape
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:adaptive_max_pool2d(output_size, return_indices) end

---The largest value of each of output_size parts of batch x channels x depth x height x width, which are as equal as can be; with return_indices also its place in the channel, counted from 1.
---
---    nn.adaptive_max_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param x nn.Tensor
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function nn.adaptive_max_pool3d(x, output_size, return_indices) end

---The largest value of each of output_size parts of batch x channels x depth x height x width, which are as equal as can be; with return_indices also its place in the channel, counted from 1.
---
---    nn.adaptive_max_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.Tensor
---@return nn.Tensor
function Tensor:adaptive_max_pool3d(output_size, return_indices) end

---Images (batch x channels x one to three dims) in another size, which size or scale_factor says (a number, or one for each dim): the nearest element, or a mean of those around, weighted by their nearness (linear, bilinear, trilinear for one, two, three dims; bicubic: of sixteen), or of all that it stands for (area). align_corners puts the outermost elements one on another.
---
---    nn.interpolate(nn.tensor {{{1.0, 2.0}}}, {scale_factor = 2, mode = "linear"})
---@param x nn.Tensor
---@param size? integer|integer[]
---@param scale_factor? number|number[]
---@param mode? string
---@param align_corners? boolean
---@return nn.Tensor
function nn.interpolate(x, size, scale_factor, mode, align_corners) end

---Images (batch x channels x one to three dims) in another size, which size or scale_factor says (a number, or one for each dim): the nearest element, or a mean of those around, weighted by their nearness (linear, bilinear, trilinear for one, two, three dims; bicubic: of sixteen), or of all that it stands for (area). align_corners puts the outermost elements one on another.
---
---    nn.interpolate(nn.tensor {{{1.0, 2.0}}}, {scale_factor = 2, mode = "linear"})
---@param size? integer|integer[]
---@param scale_factor? number|number[]
---@param mode? string
---@param align_corners? boolean
---@return nn.Tensor
function Tensor:interpolate(size, scale_factor, mode, align_corners) end

---The windows of batch x channels x height x width as columns: batch x (channels * kernel) x windows. What PyTorch calls functional.unfold.
---
---    nn.im2col(nn.arange(9):float():reshape(1, 1, 3, 3), {2})
---@param x nn.Tensor
---@param kernel_size integer|integer[]
---@param dilation? integer|integer[]
---@param padding? integer|integer[]
---@param stride? integer|integer[]
---@return nn.Tensor
function nn.im2col(x, kernel_size, dilation, padding, stride) end

---The windows of batch x channels x height x width as columns: batch x (channels * kernel) x windows. What PyTorch calls functional.unfold.
---
---    nn.im2col(nn.arange(9):float():reshape(1, 1, 3, 3), {2})
---@param kernel_size integer|integer[]
---@param dilation? integer|integer[]
---@param padding? integer|integer[]
---@param stride? integer|integer[]
---@return nn.Tensor
function Tensor:im2col(kernel_size, dilation, padding, stride) end

---Columns, batch x (channels * kernel) x windows, added where they lie in images of output_size: the gradient of im2col. What PyTorch calls functional.fold.
---
---    nn.col2im(nn.ones(1, 4, 4), {3, 3}, {2})
---@param x nn.Tensor
---@param output_size integer|integer[]
---@param kernel_size integer|integer[]
---@param dilation? integer|integer[]
---@param padding? integer|integer[]
---@param stride? integer|integer[]
---@return nn.Tensor
function nn.col2im(x, output_size, kernel_size, dilation, padding, stride) end

---Columns, batch x (channels * kernel) x windows, added where they lie in images of output_size: the gradient of im2col. What PyTorch calls functional.fold.
---
---    nn.col2im(nn.ones(1, 4, 4), {3, 3}, {2})
---@param output_size integer|integer[]
---@param kernel_size integer|integer[]
---@param dilation? integer|integer[]
---@param padding? integer|integer[]
---@param stride? integer|integer[]
---@return nn.Tensor
function Tensor:col2im(output_size, kernel_size, dilation, padding, stride) end

---softmax(query key^T * scale + attn_mask) value, of ... x length x features, without storing the scores. A bool mask says which keys may be attended to, another one is added; is_causal lets position i see 1 to i; scale is 1/sqrt(features) unless it is given. dropout_p drops weights, always. A query that sees no key gives 0.
---
---    nn.scaled_dot_product_attention(nn.eye(2), nn.eye(2), nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, {is_causal = true})
---@param query nn.Tensor
---@param key nn.Tensor
---@param value nn.Tensor
---@param attn_mask? nn.Tensor
---@param dropout_p? number
---@param is_causal? boolean
---@param scale? number
---@return nn.Tensor
function nn.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale) end

---softmax(query key^T * scale + attn_mask) value, of ... x length x features, without storing the scores. A bool mask says which keys may be attended to, another one is added; is_causal lets position i see 1 to i; scale is 1/sqrt(features) unless it is given. dropout_p drops weights, always. A query that sees no key gives 0.
---
---    nn.scaled_dot_product_attention(nn.eye(2), nn.eye(2), nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, {is_causal = true})
---@param key nn.Tensor
---@param value nn.Tensor
---@param attn_mask? nn.Tensor
---@param dropout_p? number
---@param is_causal? boolean
---@param scale? number
---@return nn.Tensor
function Tensor:scaled_dot_product_attention(key, value, attn_mask, dropout_p, is_causal, scale) end

---exp(x) / sum(exp(x)) along a dim, without overflow.
---
---    nn.softmax(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.softmax(x, dim) end

---exp(x) / sum(exp(x)) along a dim, without overflow.
---
---    nn.softmax(nn.tensor {-1.0, 0.0, 2.0})
---@param dim? integer
---@return nn.Tensor
function Tensor:softmax(dim) end

---The logarithm of softmax, without overflow.
---
---    nn.log_softmax(nn.tensor {-1.0, 0.0, 2.0})
---@param x nn.Tensor
---@param dim? integer
---@return nn.Tensor
function nn.log_softmax(x, dim) end

---The logarithm of softmax, without overflow.
---
---    nn.log_softmax(nn.tensor {-1.0, 0.0, 2.0})
---@param dim? integer
---@return nn.Tensor
function Tensor:log_softmax(dim) end

----log softmax(logits)[target] over batch x classes, or batch x classes x ... with targets batch x ...; targets are int64 classes from 1, or ignore_index where nothing is to count.
---
---    nn.cross_entropy(nn.tensor {{2.0, 0.0, 0.0}}, nn.tensor {1})
---@param logits nn.Tensor
---@param target nn.Tensor
---@param reduction? string
---@param ignore_index? integer
---@return nn.Tensor
function nn.cross_entropy(logits, target, reduction, ignore_index) end

----log softmax(logits)[target] over batch x classes, or batch x classes x ... with targets batch x ...; targets are int64 classes from 1, or ignore_index where nothing is to count.
---
---    nn.cross_entropy(nn.tensor {{2.0, 0.0, 0.0}}, nn.tensor {1})
---@param target nn.Tensor
---@param reduction? string
---@param ignore_index? integer
---@return nn.Tensor
function Tensor:cross_entropy(target, reduction, ignore_index) end

---The squared difference, averaged (or summed, or as it is).
---
---    nn.mse_loss(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 4.0})
---@param input nn.Tensor
---@param target nn.Tensor
---@param reduction? string
---@return nn.Tensor
function nn.mse_loss(input, target, reduction) end

---The squared difference, averaged (or summed, or as it is).
---
---    nn.mse_loss(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 4.0})
---@param target nn.Tensor
---@param reduction? string
---@return nn.Tensor
function Tensor:mse_loss(target, reduction) end

---Binary cross-entropy on logits: max(x, 0) - x y + log(1 + exp(-|x|)), averaged.
---
---    nn.bce_with_logits(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})
---@param logits nn.Tensor
---@param target nn.Tensor
---@param reduction? string
---@return nn.Tensor
function nn.bce_with_logits(logits, target, reduction) end

---Binary cross-entropy on logits: max(x, 0) - x y + log(1 + exp(-|x|)), averaged.
---
---    nn.bce_with_logits(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})
---@param target nn.Tensor
---@param reduction? string
---@return nn.Tensor
function Tensor:bce_with_logits(target, reduction) end

---Normalizes each sample over its last dims, whose sizes are normalized_shape, to mean 0 and variance 1; then scales and moves it: Ba, Kiros & Hinton 2016.
---
---    nn.layer_norm(nn.tensor {{1.0, 3.0}, {5.0, 9.0}}, {2})
---@param x nn.Tensor
---@param normalized_shape integer|integer[]
---@param weight? nn.Tensor
---@param bias? nn.Tensor
---@param eps? number
---@return nn.Tensor
function nn.layer_norm(x, normalized_shape, weight, bias, eps) end

---Normalizes each sample over its last dims, whose sizes are normalized_shape, to mean 0 and variance 1; then scales and moves it: Ba, Kiros & Hinton 2016.
---
---    nn.layer_norm(nn.tensor {{1.0, 3.0}, {5.0, 9.0}}, {2})
---@param normalized_shape integer|integer[]
---@param weight? nn.Tensor
---@param bias? nn.Tensor
---@param eps? number
---@return nn.Tensor
function Tensor:layer_norm(normalized_shape, weight, bias, eps) end

---Normalizes each sample over groups of its channels (dim 2); weight and bias are of the channels: Wu & He 2018.
---
---    nn.group_norm(nn.tensor {{1.0, 3.0, 5.0, 9.0}}, 2)
---@param x nn.Tensor
---@param num_groups integer
---@param weight? nn.Tensor
---@param bias? nn.Tensor
---@param eps? number
---@return nn.Tensor
function nn.group_norm(x, num_groups, weight, bias, eps) end

---Normalizes each sample over groups of its channels (dim 2); weight and bias are of the channels: Wu & He 2018.
---
---    nn.group_norm(nn.tensor {{1.0, 3.0, 5.0, 9.0}}, 2)
---@param num_groups integer
---@param weight? nn.Tensor
---@param bias? nn.Tensor
---@param eps? number
---@return nn.Tensor
function Tensor:group_norm(num_groups, weight, bias, eps) end

---Normalizes each channel (dim 2) of each sample over its positions (running_mean and running_var stand where PyTorch has them, and must be left out): Ulyanov, Vedaldi & Lempitsky 2016.
---
---    nn.instance_norm(nn.tensor {{{1.0, 3.0}, {5.0, 9.0}}})
---@param x nn.Tensor
---@param running_mean? nn.Tensor
---@param running_var? nn.Tensor
---@param weight? nn.Tensor
---@param bias? nn.Tensor
---@param eps? number
---@return nn.Tensor
function nn.instance_norm(x, running_mean, running_var, weight, bias, eps) end

---Normalizes each channel (dim 2) of each sample over its positions (running_mean and running_var stand where PyTorch has them, and must be left out): Ulyanov, Vedaldi & Lempitsky 2016.
---
---    nn.instance_norm(nn.tensor {{{1.0, 3.0}, {5.0, 9.0}}})
---@param running_mean? nn.Tensor
---@param running_var? nn.Tensor
---@param weight? nn.Tensor
---@param bias? nn.Tensor
---@param eps? number
---@return nn.Tensor
function Tensor:instance_norm(running_mean, running_var, weight, bias, eps) end

---x = q r with orthonormal columns in q and an upper triangular r. A gradient where there are no more columns than rows.
---
---    select(2, nn.qr(nn.tensor {{3.0, 1.0}, {4.0, 2.0}})):abs()
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.qr(x) end

---x = q r with orthonormal columns in q and an upper triangular r. A gradient where there are no more columns than rows.
---
---    select(2, nn.qr(nn.tensor {{3.0, 1.0}, {4.0, 2.0}})):abs()
---@return nn.Tensor
---@return nn.Tensor
function Tensor:qr() end

---x = u diag(s) vt: singular values s, largest first, with their vectors (thin form). The gradient of the vectors needs distinct values.
---
---    select(2, nn.svd(nn.tensor {{3.0, 0.0}, {4.0, 5.0}}))
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.svd(x) end

---x = u diag(s) vt: singular values s, largest first, with their vectors (thin form). The gradient of the vectors needs distinct values.
---
---    select(2, nn.svd(nn.tensor {{3.0, 0.0}, {4.0, 5.0}}))
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function Tensor:svd() end

---The x with a x = b, for a square a and one or more right sides; nan where a is singular.
---
---    nn.solve(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, nn.tensor {2.0, 5.0})
---@param a nn.Tensor
---@param b nn.Tensor
---@return nn.Tensor
function nn.solve(a, b) end

---The x with a x = b, for a square a and one or more right sides; nan where a is singular.
---
---    nn.solve(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, nn.tensor {2.0, 5.0})
---@param b nn.Tensor
---@return nn.Tensor
function Tensor:solve(b) end

---x = p l u: a permutation, a lower triangle with ones on its diagonal, an upper triangle.
---
---    nn.lu(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.lu(x) end

---x = p l u: a permutation, a lower triangle with ones on its diagonal, an upper triangle.
---
---    nn.lu(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function Tensor:lu() end

---Eigenvalues (smallest first) and eigenvectors (columns) of a symmetric matrix. The gradient of the vectors needs distinct values.
---
---    nn.eigh(nn.tensor {{2.0, 1.0}, {1.0, 2.0}})
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.eigh(x) end

---Eigenvalues (smallest first) and eigenvectors (columns) of a symmetric matrix. The gradient of the vectors needs distinct values.
---
---    nn.eigh(nn.tensor {{2.0, 1.0}, {1.0, 2.0}})
---@return nn.Tensor
---@return nn.Tensor
function Tensor:eigh() end

---The eigenvalues of a symmetric matrix, smallest first.
---
---    nn.eigvalsh(nn.tensor {{2.0, 1.0}, {1.0, 2.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.eigvalsh(x) end

---The eigenvalues of a symmetric matrix, smallest first.
---
---    nn.eigvalsh(nn.tensor {{2.0, 1.0}, {1.0, 2.0}})
---@return nn.Tensor
function Tensor:eigvalsh() end

---The lower triangular L with L L^T = x, for a symmetric positive definite x; nan for others.
---
---    nn.cholesky(nn.tensor {{2.0, 1.0}, {1.0, 2.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.cholesky(x) end

---The lower triangular L with L L^T = x, for a symmetric positive definite x; nan for others.
---
---    nn.cholesky(nn.tensor {{2.0, 1.0}, {1.0, 2.0}})
---@return nn.Tensor
function Tensor:cholesky() end

---The x with L L^T x = y.
---
---    nn.cholesky_solve(nn.ones(2, 1), nn.cholesky(nn.tensor {{2.0, 1.0}, {1.0, 2.0}}))
---@param y nn.Tensor
---@param l nn.Tensor
---@return nn.Tensor
function nn.cholesky_solve(y, l) end

---The x with L L^T x = y.
---
---    nn.cholesky_solve(nn.ones(2, 1), nn.cholesky(nn.tensor {{2.0, 1.0}, {1.0, 2.0}}))
---@param l nn.Tensor
---@return nn.Tensor
function Tensor:cholesky_solve(l) end

---The inverse of L L^T.
---
---    nn.cholesky_inverse(nn.cholesky(nn.tensor {{2.0, 1.0}, {1.0, 2.0}}))
---@param l nn.Tensor
---@return nn.Tensor
function nn.cholesky_inverse(l) end

---The inverse of L L^T.
---
---    nn.cholesky_inverse(nn.cholesky(nn.tensor {{2.0, 1.0}, {1.0, 2.0}}))
---@return nn.Tensor
function Tensor:cholesky_inverse() end

---The x with t x = y (t^T x = y, if transpose), of a triangular t; the other triangle is not read. nan where t is singular.
---
---    nn.solve_triangular(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, nn.tensor {{2.0}, {5.0}})
---@param t nn.Tensor
---@param y nn.Tensor
---@param upper? boolean
---@param transpose? boolean
---@param unitriangular? boolean
---@return nn.Tensor
function nn.solve_triangular(t, y, upper, transpose, unitriangular) end

---The x with t x = y (t^T x = y, if transpose), of a triangular t; the other triangle is not read. nan where t is singular.
---
---    nn.solve_triangular(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, nn.tensor {{2.0}, {5.0}})
---@param y nn.Tensor
---@param upper? boolean
---@param transpose? boolean
---@param unitriangular? boolean
---@return nn.Tensor
function Tensor:solve_triangular(y, upper, transpose, unitriangular) end

---The sign of the determinant, and the logarithm of its size; 0 and -inf where x is singular.
---
---    nn.slogdet(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.slogdet(x) end

---The sign of the determinant, and the logarithm of its size; 0 and -inf where x is singular.
---
---    nn.slogdet(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
---@return nn.Tensor
function Tensor:slogdet() end

---The determinant; its gradient is nan where x is singular.
---
---    nn.det(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.det(x) end

---The determinant; its gradient is nan where x is singular.
---
---    nn.det(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
function Tensor:det() end

---The logarithm of the determinant; nan where that is negative.
---
---    nn.logdet(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.logdet(x) end

---The logarithm of the determinant; nan where that is negative.
---
---    nn.logdet(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
function Tensor:logdet() end

---The inverse of a square matrix; nan where it is singular. To solve x y = b use solve.
---
---    nn.inv(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.inv(x) end

---The inverse of a square matrix; nan where it is singular. To solve x y = b use solve.
---
---    nn.inv(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
function Tensor:inv() end

---The pseudoinverse (Moore and Penrose's); singular values below rtol times the largest count as 0.
---
---    nn.pinv(nn.tensor {{1.0, 0.0}, {0.0, 0.0}, {0.0, 2.0}})
---@param x nn.Tensor
---@param rtol? number
---@return nn.Tensor
function nn.pinv(x, rtol) end

---The pseudoinverse (Moore and Penrose's); singular values below rtol times the largest count as 0.
---
---    nn.pinv(nn.tensor {{1.0, 0.0}, {0.0, 0.0}, {0.0, 2.0}})
---@param rtol? number
---@return nn.Tensor
function Tensor:pinv(rtol) end

---The w (the shortest, if there are several) for which |x w - y| is smallest, and the sums of the squared errors.
---
---    nn.lstsq(nn.tensor {{1.0, 1.0}, {1.0, 2.0}, {1.0, 3.0}}, nn.tensor {1.0, 2.0, 4.0})
---@param x nn.Tensor
---@param y nn.Tensor
---@param rtol? number
---@return nn.Tensor
---@return nn.Tensor
function nn.lstsq(x, y, rtol) end

---The w (the shortest, if there are several) for which |x w - y| is smallest, and the sums of the squared errors.
---
---    nn.lstsq(nn.tensor {{1.0, 1.0}, {1.0, 2.0}, {1.0, 3.0}}, nn.tensor {1.0, 2.0, 4.0})
---@param y nn.Tensor
---@param rtol? number
---@return nn.Tensor
---@return nn.Tensor
function Tensor:lstsq(y, rtol) end

---Eigenvalues and eigenvectors (columns) of any square matrix: real and imaginary values, real and imaginary vectors.
---
---    select(2, nn.eig(nn.tensor {{0.0, -1.0}, {1.0, 0.0}}))
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.eig(x) end

---Eigenvalues and eigenvectors (columns) of any square matrix: real and imaginary values, real and imaginary vectors.
---
---    select(2, nn.eig(nn.tensor {{0.0, -1.0}, {1.0, 0.0}}))
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function Tensor:eig() end

---The eigenvalues of any square matrix: real and imaginary parts.
---
---    nn.eigvals(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
---@return nn.Tensor
function nn.eigvals(x) end

---The eigenvalues of any square matrix: real and imaginary parts.
---
---    nn.eigvals(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
---@return nn.Tensor
function Tensor:eigvals() end

---The singular values, largest first.
---
---    nn.svdvals(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.svdvals(x) end

---The singular values, largest first.
---
---    nn.svdvals(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@return nn.Tensor
function Tensor:svdvals() end

---How many singular values are above rtol times the largest.
---
---    nn.matrix_rank(nn.ones(3, 3))
---@param x nn.Tensor
---@param rtol? number
---@return nn.Tensor
function nn.matrix_rank(x, rtol) end

---How many singular values are above rtol times the largest.
---
---    nn.matrix_rank(nn.ones(3, 3))
---@param rtol? number
---@return nn.Tensor
function Tensor:matrix_rank(rtol) end

---Frobenius' norm of matrices, the nuclear one, the largest (smallest) column sum 1 (-1), row sum inf (-inf), or singular value 2 (-2).
---
---    nn.matrix_norm(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, 1)
---@param x nn.Tensor
---@param ord? string
---@param keepdim? boolean
---@return nn.Tensor
function nn.matrix_norm(x, ord, keepdim) end

---Frobenius' norm of matrices, the nuclear one, the largest (smallest) column sum 1 (-1), row sum inf (-inf), or singular value 2 (-2).
---
---    nn.matrix_norm(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, 1)
---@param ord? string
---@param keepdim? boolean
---@return nn.Tensor
function Tensor:matrix_norm(ord, keepdim) end

---The condition number |x| |x^-1| in a matrix_norm.
---
---    nn.cond(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param x nn.Tensor
---@param ord? string
---@return nn.Tensor
function nn.cond(x, ord) end

---The condition number |x| |x^-1| in a matrix_norm.
---
---    nn.cond(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})
---@param ord? string
---@return nn.Tensor
function Tensor:cond(ord) end

---The exponential 1 + x + x x / 2 + ... of a square matrix: Higham 2005.
---
---    nn.matrix_exp(nn.tensor {{0.0, 1.0}, {0.0, 0.0}})
---@param x nn.Tensor
---@return nn.Tensor
function nn.matrix_exp(x) end

---The exponential 1 + x + x x / 2 + ... of a square matrix: Higham 2005.
---
---    nn.matrix_exp(nn.tensor {{0.0, 1.0}, {0.0, 0.0}})
---@return nn.Tensor
function Tensor:matrix_exp() end

---Normal numbers; gradients flow to mean and std. The shape is that of the parameters unless given.
---
---    nn.normal(10, 0.1, {3}, {generator = nn.Generator(1)})
---@param mean nn.Tensor|number|boolean
---@param std nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function nn.normal(mean, std, shape) end

---Normal numbers; gradients flow to mean and std. The shape is that of the parameters unless given.
---
---    nn.normal(10, 0.1, {3}, {generator = nn.Generator(1)})
---@param std nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function Tensor:normal(std, shape) end

---Uniform numbers in [low, high); gradients flow to both.
---
---    nn.uniform(5, 6, {3}, {generator = nn.Generator(1)})
---@param low nn.Tensor|number|boolean
---@param high nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function nn.uniform(low, high, shape) end

---Uniform numbers in [low, high); gradients flow to both.
---
---    nn.uniform(5, 6, {3}, {generator = nn.Generator(1)})
---@param high nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function Tensor:uniform(high, shape) end

---Numbers from Laplace's distribution; gradients flow to both.
---
---    nn.laplace(0, 1, {3}, {generator = nn.Generator(1)})
---@param loc nn.Tensor|number|boolean
---@param scale nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function nn.laplace(loc, scale, shape) end

---Numbers from Laplace's distribution; gradients flow to both.
---
---    nn.laplace(0, 1, {3}, {generator = nn.Generator(1)})
---@param scale nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function Tensor:laplace(scale, shape) end

---Exponential numbers with mean 1 / rate; gradients flow to it.
---
---    nn.exponential(2, {3}, {generator = nn.Generator(1)})
---@param rate nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function nn.exponential(rate, shape) end

---Exponential numbers with mean 1 / rate; gradients flow to it.
---
---    nn.exponential(2, {3}, {generator = nn.Generator(1)})
---@param shape? integer|integer[]
---@return nn.Tensor
function Tensor:exponential(shape) end

---1 with the probability that each element says, else 0.
---
---    nn.bernoulli(nn.tensor {0.0, 0.5, 1.0}, {generator = nn.Generator(1)})
---@param p nn.Tensor
---@return nn.Tensor
function nn.bernoulli(p) end

---1 with the probability that each element says, else 0.
---
---    nn.bernoulli(nn.tensor {0.0, 0.5, 1.0}, {generator = nn.Generator(1)})
---@return nn.Tensor
function Tensor:bernoulli() end

---Gamma numbers with mean concentration / rate: Marsaglia & Tsang 2000. No gradient for the concentration.
---
---    nn.gamma(2, 1, {3}, {generator = nn.Generator(1)})
---@param concentration nn.Tensor|number|boolean
---@param rate nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function nn.gamma(concentration, rate, shape) end

---Gamma numbers with mean concentration / rate: Marsaglia & Tsang 2000. No gradient for the concentration.
---
---    nn.gamma(2, 1, {3}, {generator = nn.Generator(1)})
---@param rate nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function Tensor:gamma(rate, shape) end

---Beta numbers in (0, 1) with mean a / (a + b).
---
---    nn.beta(2, 2, {3}, {generator = nn.Generator(1)})
---@param a nn.Tensor|number|boolean
---@param b nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function nn.beta(a, b, shape) end

---Beta numbers in (0, 1) with mean a / (a + b).
---
---    nn.beta(2, 2, {3}, {generator = nn.Generator(1)})
---@param b nn.Tensor|number|boolean
---@param shape? integer|integer[]
---@return nn.Tensor
function Tensor:beta(b, shape) end

---Counts of events with these mean rates: Hormann 1993.
---
---    nn.poisson(nn.tensor {0.5, 4.0, 100.0}, {generator = nn.Generator(1)})
---@param rate nn.Tensor
---@return nn.Tensor
function nn.poisson(rate) end

---Counts of events with these mean rates: Hormann 1993.
---
---    nn.poisson(nn.tensor {0.5, 4.0, 100.0}, {generator = nn.Generator(1)})
---@return nn.Tensor
function Tensor:poisson() end

---Classes (from 1) drawn with probabilities in proportion to the weights, from each row.
---
---    nn.multinomial(nn.tensor {1.0, 0.0, 3.0}, 4, true, {generator = nn.Generator(1)})
---@param weights nn.Tensor
---@param num_samples integer
---@param replacement? boolean
---@return nn.Tensor
function nn.multinomial(weights, num_samples, replacement) end

---Classes (from 1) drawn with probabilities in proportion to the weights, from each row.
---
---    nn.multinomial(nn.tensor {1.0, 0.0, 3.0}, 4, true, {generator = nn.Generator(1)})
---@param num_samples integer
---@param replacement? boolean
---@return nn.Tensor
function Tensor:multinomial(num_samples, replacement) end

---Fills x with exponential random numbers.
---@return nn.Tensor
function Tensor:exponential_(...) end

---Fills x with numbers from Laplace's distribution.
---@return nn.Tensor
function Tensor:laplace_(...) end

---Fills x with numbers from Cauchy's distribution.
---@return nn.Tensor
function Tensor:cauchy_(...) end

---Fills x with numbers whose logarithms are normal.
---@return nn.Tensor
function Tensor:log_normal_(...) end

---Fills x with the number of trials up to the first success.
---@return nn.Tensor
function Tensor:geometric_(...) end

---A copy of the elements of x, taken as contiguous, at offset + index . strides, counted from 0; all must lie inside.
---
---    nn.as_strided(nn.arange(6), {2, 2}, {1, 2})
---@param x nn.Tensor
---@param size integer|integer[]
---@param stride integer|integer[]
---@param storage_offset? integer
---@return nn.Tensor
function nn.as_strided(x, size, stride, storage_offset) end

---A copy of the elements of x, taken as contiguous, at offset + index . strides, counted from 0; all must lie inside.
---
---    nn.as_strided(nn.arange(6), {2, 2}, {1, 2})
---@param size integer|integer[]
---@param stride integer|integer[]
---@param storage_offset? integer
---@return nn.Tensor
function Tensor:as_strided(size, stride, storage_offset) end

---@class nn.Module
---@field training boolean
local Module = {}

---A linear map of the last dim. weight is out_features x in_features, bias has out_features; both are drawn from U(-1/sqrt(in_features), 1/sqrt(in_features)) unless init names an initializer of nn.init for the weight.
---@class nn.Linear: nn.Module
---@field in_features integer
---@field out_features integer
---@field weight nn.Tensor
---@field bias nn.Tensor?

---A linear map of the last dim. weight is out_features x in_features, bias has out_features; both are drawn from U(-1/sqrt(in_features), 1/sqrt(in_features)) unless init names an initializer of nn.init for the weight.
---
---    nn.Linear(784, 256, {init = "he_normal"})
---@param in_features integer
---@param out_features integer
---@param bias? boolean
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.Linear
function nn.Linear(in_features, out_features, bias, options) end

---Gives its input back.
---@class nn.Identity: nn.Module

---Gives its input back.
---
---    nn.Identity()(nn.tensor {1, 2})
---@return nn.Identity
function nn.Identity() end

---Joins the dims start_dim .. end_dim into one; by default all but the first, which is the batch.
---@class nn.Flatten: nn.Module
---@field start_dim integer
---@field end_dim integer

---Joins the dims start_dim .. end_dim into one; by default all but the first, which is the batch.
---
---    nn.Flatten()(nn.zeros(32, 28, 28)).shape
---@param start_dim? integer
---@param end_dim? integer
---@return nn.Flatten
function nn.Flatten(start_dim, end_dim) end

---Makes of one dim several: the way back from nn.Flatten. One of the sizes may be -1.
---@class nn.Unflatten: nn.Module
---@field dim integer
---@field unflattened_size integer|integer[]

---Makes of one dim several: the way back from nn.Flatten. One of the sizes may be -1.
---
---    nn.Unflatten(2, {1, 4, 4})(nn.zeros(3, 16)).shape
---@param dim integer
---@param unflattened_size integer|integer[]
---@return nn.Unflatten
function nn.Unflatten(dim, unflattened_size) end

---A form that is linear in each of two inputs. weight is out_features x in1_features x in2_features.
---@class nn.Bilinear: nn.Module
---@field in1_features integer
---@field in2_features integer
---@field out_features integer
---@field weight nn.Tensor
---@field bias nn.Tensor?

---A form that is linear in each of two inputs. weight is out_features x in1_features x in2_features.
---
---    nn.Bilinear(2, 3, 4)(nn.ones(5, 2), nn.ones(5, 3)).shape
---@param in1_features integer
---@param in2_features integer
---@param out_features integer
---@param bias? boolean
---@param options? {dtype: nn.Dtype}
---@return nn.Bilinear
function nn.Bilinear(in1_features, in2_features, out_features, bias, options) end

---A vector for each of num_embeddings symbols: int64 symbols of any shape, from 1, to shape x embedding_dim. The vector of the symbol padding_idx is 0 at the start, and gets no gradient.
---@class nn.Embedding: nn.Module
---@field num_embeddings integer
---@field embedding_dim integer
---@field padding_idx integer?
---@field weight nn.Tensor

---A vector for each of num_embeddings symbols: int64 symbols of any shape, from 1, to shape x embedding_dim. The vector of the symbol padding_idx is 0 at the start, and gets no gradient.
---
---    nn.Embedding(10, 3)(nn.tensor {1, 2}).shape
---@param num_embeddings integer
---@param embedding_dim integer
---@param options? {padding_idx: integer}
---@return nn.Embedding
function nn.Embedding(num_embeddings, embedding_dim, options) end

---The mean, sum or largest values of the vectors of each bag of symbols: bags x length, or all symbols one after another with offsets, the place where each bag begins, from 1 (with include_last_offset also that behind the last). padding_idx does not count; an empty bag gives 0. per_sample_weights are factors of the symbols (mode = "sum").
---@class nn.EmbeddingBag: nn.Module
---@field num_embeddings integer
---@field embedding_dim integer
---@field mode "mean"|"sum"|"max"
---@field padding_idx integer?
---@field include_last_offset boolean
---@field weight nn.Tensor

---The mean, sum or largest values of the vectors of each bag of symbols: bags x length, or all symbols one after another with offsets, the place where each bag begins, from 1 (with include_last_offset also that behind the last). padding_idx does not count; an empty bag gives 0. per_sample_weights are factors of the symbols (mode = "sum").
---
---    nn.EmbeddingBag(10, 3)(nn.tensor {1, 2, 4, 5}, nn.tensor {1, 3}).shape
---@param num_embeddings integer
---@param embedding_dim integer
---@param options? {mode: "mean"|"sum"|"max", padding_idx: integer, include_last_offset: boolean}
---@return nn.EmbeddingBag
function nn.EmbeddingBag(num_embeddings, embedding_dim, options) end

---The rectifier.
---@class nn.ReLU: nn.Module

---The rectifier.
---
---    nn.ReLU()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.ReLU
function nn.ReLU() end

---The hyperbolic tangent, between -1 and 1.
---@class nn.Tanh: nn.Module

---The hyperbolic tangent, between -1 and 1.
---
---    nn.Tanh()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tanh
function nn.Tanh() end

---The logistic function, between 0 and 1.
---@class nn.Sigmoid: nn.Module

---The logistic function, between 0 and 1.
---
---    nn.Sigmoid()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Sigmoid
function nn.Sigmoid() end

---Exponential below 0, where it goes to -alpha.
---@class nn.ELU: nn.Module
---@field alpha number

---Exponential below 0, where it goes to -alpha.
---
---    nn.ELU(0.5)(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param alpha? number
---@return nn.ELU
function nn.ELU(alpha) end

---A rectifier that lets a little through below 0.
---@class nn.LeakyReLU: nn.Module
---@field negative_slope number

---A rectifier that lets a little through below 0.
---
---    nn.LeakyReLU(0.1)(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param negative_slope? number
---@return nn.LeakyReLU
function nn.LeakyReLU(negative_slope) end

---A leaky rectifier whose slope is learned: one for all, or one a channel (dim 2).
---@class nn.PReLU: nn.Module
---@field num_parameters integer
---@field init number
---@field weight nn.Tensor

---A leaky rectifier whose slope is learned: one for all, or one a channel (dim 2).
---
---    nn.PReLU()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param num_parameters? integer
---@param init? number
---@return nn.PReLU
function nn.PReLU(num_parameters, init) end

---A leaky rectifier whose slope is drawn from U(lower, upper) for each element while training; their mean in evaluation.
---@class nn.RReLU: nn.Module
---@field lower number
---@field upper number

---A leaky rectifier whose slope is drawn from U(lower, upper) for each element while training; their mean in evaluation.
---
---    nn.RReLU():eval()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param lower? number
---@param upper? number
---@return nn.RReLU
function nn.RReLU(lower, upper) end

---A rectifier that ends at 6.
---@class nn.ReLU6: nn.Module

---A rectifier that ends at 6.
---
---    nn.ReLU6()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.ReLU6
function nn.ReLU6() end

---ELU with the constants for which activations keep mean 0 and variance 1.
---@class nn.SELU: nn.Module

---ELU with the constants for which activations keep mean 0 and variance 1.
---
---    nn.SELU()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.SELU
function nn.SELU() end

---ELU with a continuous slope for every alpha.
---@class nn.CELU: nn.Module
---@field alpha number

---ELU with a continuous slope for every alpha.
---
---    nn.CELU(0.5)(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param alpha? number
---@return nn.CELU
function nn.CELU(alpha) end

---x times the normal distribution's area up to x, or its approximation by tanh.
---@class nn.GELU: nn.Module
---@field approximate "none"|"tanh"

---x times the normal distribution's area up to x, or its approximation by tanh.
---
---    nn.GELU()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param approximate? "none"|"tanh"
---@return nn.GELU
function nn.GELU(approximate) end

---x gated by its own sigmoid; also called swish.
---@class nn.SiLU: nn.Module

---x gated by its own sigmoid; also called swish.
---
---    nn.SiLU()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.SiLU
function nn.SiLU() end

---A smooth rectifier with a dip below 0.
---@class nn.Mish: nn.Module

---A smooth rectifier with a dip below 0.
---
---    nn.Mish()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Mish
function nn.Mish() end

---A smooth rectifier. It is stable for every x, so threshold is not needed, and only taken for PyTorch's scripts.
---@class nn.Softplus: nn.Module
---@field beta number
---@field threshold number

---A smooth rectifier. It is stable for every x, so threshold is not needed, and only taken for PyTorch's scripts.
---
---    nn.Softplus()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param beta? number
---@param threshold? number
---@return nn.Softplus
function nn.Softplus(beta, threshold) end

---Like tanh, with tails that fall off more slowly.
---@class nn.Softsign: nn.Module

---Like tanh, with tails that fall off more slowly.
---
---    nn.Softsign()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Softsign
function nn.Softsign() end

---The logarithm of the sigmoid, stable.
---@class nn.LogSigmoid: nn.Module

---The logarithm of the sigmoid, stable.
---
---    nn.LogSigmoid()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.LogSigmoid
function nn.LogSigmoid() end

---x limited to min_val .. max_val.
---@class nn.Hardtanh: nn.Module
---@field min_val number
---@field max_val number

---x limited to min_val .. max_val.
---
---    nn.Hardtanh()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param min_val? number
---@param max_val? number
---@return nn.Hardtanh
function nn.Hardtanh(min_val, max_val) end

---A sigmoid of three straight lines.
---@class nn.Hardsigmoid: nn.Module

---A sigmoid of three straight lines.
---
---    nn.Hardsigmoid()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Hardsigmoid
function nn.Hardsigmoid() end

---x gated by its hard sigmoid.
---@class nn.Hardswish: nn.Module

---x gated by its hard sigmoid.
---
---    nn.Hardswish()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Hardswish
function nn.Hardswish() end

---Sets what is near 0 to 0.
---@class nn.Hardshrink: nn.Module
---@field lambd number

---Sets what is near 0 to 0.
---
---    nn.Hardshrink()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param lambd? number
---@return nn.Hardshrink
function nn.Hardshrink(lambd) end

---Moves x towards 0 by lambd, and to 0 what is nearer.
---@class nn.Softshrink: nn.Module
---@field lambd number

---Moves x towards 0 by lambd, and to 0 what is nearer.
---
---    nn.Softshrink()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param lambd? number
---@return nn.Softshrink
function nn.Softshrink(lambd) end

---What tanh takes away.
---@class nn.Tanhshrink: nn.Module

---What tanh takes away.
---
---    nn.Tanhshrink()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@return nn.Tanhshrink
function nn.Tanhshrink() end

---x above a threshold, else a value.
---@class nn.Threshold: nn.Module
---@field threshold number
---@field value number

---x above a threshold, else a value.
---
---    nn.Threshold(0.1, 20)(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param threshold number
---@param value number
---@return nn.Threshold
function nn.Threshold(threshold, value) end

---The threshold unit. Its derivative is 0 almost everywhere, so the straight-through gradient stands in: 1 where |x| <= width, else 0. width = math.huge passes every gradient.
---@class nn.Step: nn.Module
---@field width number

---The threshold unit. Its derivative is 0 almost everywhere, so the straight-through gradient stands in: 1 where |x| <= width, else 0. width = math.huge passes every gradient.
---
---    nn.Step()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param width? number
---@return nn.Step
function nn.Step(width) end

---Positive, and of sum 1 along a dim.
---@class nn.Softmax: nn.Module
---@field dim integer

---Positive, and of sum 1 along a dim.
---
---    nn.Softmax()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param dim? integer
---@return nn.Softmax
function nn.Softmax(dim) end

---Softmax over the channels of each place of an image.
---@class nn.Softmax2d: nn.Module

---Softmax over the channels of each place of an image.
---
---    nn.Softmax2d()(nn.zeros(1, 2, 1, 3))
---@return nn.Softmax2d
function nn.Softmax2d() end

---The logarithm of softmax, stable.
---@class nn.LogSoftmax: nn.Module
---@field dim integer

---The logarithm of softmax, stable.
---
---    nn.LogSoftmax()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param dim? integer
---@return nn.LogSoftmax
function nn.LogSoftmax(dim) end

---Softmax of -x.
---@class nn.Softmin: nn.Module
---@field dim integer

---Softmax of -x.
---
---    nn.Softmin()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param dim? integer
---@return nn.Softmin
function nn.Softmin(dim) end

---The first half of a dim, gated by the second.
---@class nn.GLU: nn.Module
---@field dim integer

---The first half of a dim, gated by the second.
---
---    nn.GLU()(nn.tensor {-2.0, -0.5, 0.0, 1.5})
---@param dim? integer
---@return nn.GLU
function nn.GLU(dim) end

---The largest of `pieces` linear maps, for each output.
---@class nn.Maxout: nn.Module
---@field in_features integer
---@field out_features integer
---@field pieces integer
---@field linear nn.Module

---The largest of `pieces` linear maps, for each output.
---
---    nn.Maxout(4, 3, 2)
---@param in_features integer
---@param out_features integer
---@param pieces? integer
---@return nn.Maxout
function nn.Maxout(in_features, out_features, pieces) end

---While training, sets each element to 0 with probability p, anew for each unit of each sample. inverted = true (the default, and PyTorch's form) scales the others by 1/(1-p) at once and does nothing in evaluation; inverted = false is the paper's and the lecture's form: no scaling while training, times 1-p in evaluation.
---@class nn.Dropout: nn.Module
---@field p number
---@field inverted boolean

---While training, sets each element to 0 with probability p, anew for each unit of each sample. inverted = true (the default, and PyTorch's form) scales the others by 1/(1-p) at once and does nothing in evaluation; inverted = false is the paper's and the lecture's form: no scaling while training, times 1-p in evaluation.
---
---    nn.Dropout(0.3):eval()(nn.ones(3))
---@param p? number
---@param options? {inverted: boolean}
---@return nn.Dropout
function nn.Dropout(p, options) end

---Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).
---@class nn.Dropout1d: nn.Module
---@field p number

---Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).
---
---    nn.Dropout1d(0.2)
---@param p? number
---@return nn.Dropout1d
function nn.Dropout1d(p) end

---Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).
---@class nn.Dropout2d: nn.Module
---@field p number

---Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).
---
---    nn.Dropout2d(0.2)
---@param p? number
---@return nn.Dropout2d
function nn.Dropout2d(p) end

---Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).
---@class nn.Dropout3d: nn.Module
---@field p number

---Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).
---
---    nn.Dropout3d(0.2)
---@param p? number
---@return nn.Dropout3d
function nn.Dropout3d(p) end

---Dropout for SELU nets: units are set to SELU's negative limit, and the result is moved and scaled so that mean and variance stay.
---@class nn.AlphaDropout: nn.Module
---@field p number

---Dropout for SELU nets: units are set to SELU's negative limit, and the result is moved and scaled so that mean and variance stay.
---
---    nn.AlphaDropout(0.1)
---@param p? number
---@return nn.AlphaDropout
function nn.AlphaDropout(p) end

---x times noise from N(1, p / (1 - p)), the Gaussian with dropout's variance, while training.
---@class nn.GaussianDropout: nn.Module
---@field p number

---x times noise from N(1, p / (1 - p)), the Gaussian with dropout's variance, while training.
---
---    nn.GaussianDropout(0.2)
---@param p? number
---@return nn.GaussianDropout
function nn.GaussianDropout(p) end

---x plus noise from N(0, std^2) while training; for small noise, a penalty on the slope.
---@class nn.GaussianNoise: nn.Module
---@field std number

---x plus noise from N(0, std^2) while training; for small noise, a penalty on the slope.
---
---    nn.GaussianNoise(0.05)
---@param std? number
---@return nn.GaussianNoise
function nn.GaussianNoise(std) end

---A layer whose weights, not units, are dropped: a mask over its weight for each batch, scaled by 1/(1-p); the mean weights in evaluation. (The paper draws a mask for each sample.)
---@class nn.DropConnect: nn.Module
---@field layer nn.Module|function
---@field p number

---A layer whose weights, not units, are dropped: a mask over its weight for each batch, scaled by 1/(1-p); the mean weights in evaluation. (The paper draws a mask for each sample.)
---
---    nn.DropConnect(nn.Linear(3, 4), 0.3)
---@param layer nn.Module|function
---@param p? number
---@return nn.DropConnect
function nn.DropConnect(layer, p) end

---While training, normalizes each feature by the batch's mean and (biased) variance; in evaluation by their running averages, where the variance is the unbiased one. Then scales and moves it.
---@class nn.BatchNorm1d: nn.Module
---@field num_features integer
---@field eps number
---@field momentum number
---@field affine boolean
---@field track_running_stats boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?
---@field running_mean nn.Tensor?
---@field running_var nn.Tensor?
---@field num_batches_tracked nn.Tensor?

---While training, normalizes each feature by the batch's mean and (biased) variance; in evaluation by their running averages, where the variance is the unbiased one. Then scales and moves it.
---
---    nn.BatchNorm1d(3)
---@param num_features integer
---@param eps? number
---@param momentum? number
---@param affine? boolean
---@param track_running_stats? boolean
---@param options? {dtype: nn.Dtype}
---@return nn.BatchNorm1d
function nn.BatchNorm1d(num_features, eps, momentum, affine, track_running_stats, options) end

---While training, normalizes each channel by the batch's mean and (biased) variance; in evaluation by their running averages, where the variance is the unbiased one. Then scales and moves it.
---@class nn.BatchNorm2d: nn.Module
---@field num_features integer
---@field eps number
---@field momentum number
---@field affine boolean
---@field track_running_stats boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?
---@field running_mean nn.Tensor?
---@field running_var nn.Tensor?
---@field num_batches_tracked nn.Tensor?

---While training, normalizes each channel by the batch's mean and (biased) variance; in evaluation by their running averages, where the variance is the unbiased one. Then scales and moves it.
---
---    nn.BatchNorm2d(3)
---@param num_features integer
---@param eps? number
---@param momentum? number
---@param affine? boolean
---@param track_running_stats? boolean
---@param options? {dtype: nn.Dtype}
---@return nn.BatchNorm2d
function nn.BatchNorm2d(num_features, eps, momentum, affine, track_running_stats, options) end

---While training, normalizes each channel by the batch's mean and (biased) variance; in evaluation by their running averages, where the variance is the unbiased one. Then scales and moves it.
---@class nn.BatchNorm3d: nn.Module
---@field num_features integer
---@field eps number
---@field momentum number
---@field affine boolean
---@field track_running_stats boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?
---@field running_mean nn.Tensor?
---@field running_var nn.Tensor?
---@field num_batches_tracked nn.Tensor?

---While training, normalizes each channel by the batch's mean and (biased) variance; in evaluation by their running averages, where the variance is the unbiased one. Then scales and moves it.
---
---    nn.BatchNorm3d(3)
---@param num_features integer
---@param eps? number
---@param momentum? number
---@param affine? boolean
---@param track_running_stats? boolean
---@param options? {dtype: nn.Dtype}
---@return nn.BatchNorm3d
function nn.BatchNorm3d(num_features, eps, momentum, affine, track_running_stats, options) end

---Normalizes each sample over its last dims, which are of the given shape (a number, or a list).
---@class nn.LayerNorm: nn.Module
---@field normalized_shape integer|integer[]
---@field eps number
---@field elementwise_affine boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?

---Normalizes each sample over its last dims, which are of the given shape (a number, or a list).
---
---    nn.LayerNorm(2)(nn.tensor {{1.0, 3.0}, {5.0, 9.0}})
---@param normalized_shape integer|integer[]
---@param eps? number
---@param elementwise_affine? boolean
---@return nn.LayerNorm
function nn.LayerNorm(normalized_shape, eps, elementwise_affine) end

---Divides by the root of the mean square over the last dims.
---@class nn.RMSNorm: nn.Module
---@field normalized_shape integer|integer[]
---@field eps number
---@field elementwise_affine boolean
---@field weight nn.Tensor?

---Divides by the root of the mean square over the last dims.
---
---    nn.RMSNorm(2)(nn.tensor {{3.0, 4.0}})
---@param normalized_shape integer|integer[]
---@param eps? number
---@param elementwise_affine? boolean
---@return nn.RMSNorm
function nn.RMSNorm(normalized_shape, eps, elementwise_affine) end

---Normalizes each sample over groups of channels.
---@class nn.GroupNorm: nn.Module
---@field num_groups integer
---@field num_channels integer
---@field eps number
---@field affine boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?

---Normalizes each sample over groups of channels.
---
---    nn.GroupNorm(2, 4)
---@param num_groups integer
---@param num_channels integer
---@param eps? number
---@param affine? boolean
---@return nn.GroupNorm
function nn.GroupNorm(num_groups, num_channels, eps, affine) end

---Normalizes each channel of each sample over its positions.
---@class nn.InstanceNorm1d: nn.Module
---@field num_features integer
---@field eps number
---@field affine boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?

---Normalizes each channel of each sample over its positions.
---
---    nn.InstanceNorm1d(3)
---@param num_features integer
---@param eps? number
---@param options? {affine: boolean}
---@return nn.InstanceNorm1d
function nn.InstanceNorm1d(num_features, eps, options) end

---Normalizes each channel of each sample over its positions.
---@class nn.InstanceNorm2d: nn.Module
---@field num_features integer
---@field eps number
---@field affine boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?

---Normalizes each channel of each sample over its positions.
---
---    nn.InstanceNorm2d(3)
---@param num_features integer
---@param eps? number
---@param options? {affine: boolean}
---@return nn.InstanceNorm2d
function nn.InstanceNorm2d(num_features, eps, options) end

---Normalizes each channel of each sample over its positions.
---@class nn.InstanceNorm3d: nn.Module
---@field num_features integer
---@field eps number
---@field affine boolean
---@field weight nn.Tensor?
---@field bias nn.Tensor?

---Normalizes each channel of each sample over its positions.
---
---    nn.InstanceNorm3d(3)
---@param num_features integer
---@param eps? number
---@param options? {affine: boolean}
---@return nn.InstanceNorm3d
function nn.InstanceNorm3d(num_features, eps, options) end

---Divides by the activity of neighbouring channels.
---@class nn.LocalResponseNorm: nn.Module
---@field size integer
---@field alpha number
---@field beta number
---@field k number

---Divides by the activity of neighbouring channels.
---
---    nn.LocalResponseNorm(2)
---@param size integer
---@param alpha? number
---@param beta? number
---@param k? number
---@return nn.LocalResponseNorm
function nn.LocalResponseNorm(size, alpha, beta, k) end

---A scale and a shift for each feature (dim 2): what batch norm is after training.
---@class nn.Affine: nn.Module
---@field num_features integer
---@field weight nn.Tensor
---@field bias nn.Tensor

---A scale and a shift for each feature (dim 2): what batch norm is after training.
---
---    nn.Affine(3)
---@param num_features integer
---@return nn.Affine
function nn.Affine(num_features) end

---A layer whose parameter `name` has its length and its direction trained apart, one length for each place of dim `dim` (the outputs). weight() gives the weight as it is now.
---@class nn.WeightNorm: nn.Module
---@field layer nn.Module|function
---@field name string
---@field dim integer
---@field weight_g nn.Tensor
---@field weight_v nn.Tensor

---A layer whose parameter `name` has its length and its direction trained apart, one length for each place of dim `dim` (the outputs). weight() gives the weight as it is now.
---
---    nn.WeightNorm(nn.Linear(10, 5))
---@param layer nn.Module|function
---@param options? {name: string, dim: integer}
---@return nn.WeightNorm
function nn.WeightNorm(layer, options) end

---A layer whose parameter `name` is divided by its largest singular value, found by power iteration while training. weight() gives the weight as it is now.
---@class nn.SpectralNorm: nn.Module
---@field layer nn.Module|function
---@field name string
---@field n_power_iterations integer
---@field eps number
---@field weight_orig nn.Tensor
---@field weight_u nn.Tensor
---@field weight_v nn.Tensor

---A layer whose parameter `name` is divided by its largest singular value, found by power iteration while training. weight() gives the weight as it is now.
---
---    nn.SpectralNorm(nn.Linear(10, 5))
---@param layer nn.Module|function
---@param options? {name: string, n_power_iterations: integer, eps: number}
---@return nn.SpectralNorm
function nn.SpectralNorm(layer, options) end

---Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "same" keeps the size (with stride 1); padding_mode says what stands around the input.
---@class nn.Conv1d: nn.Module
---@field in_channels integer
---@field out_channels integer
---@field kernel_size integer|integer[]
---@field stride integer|integer[]
---@field padding integer|integer[]|"same"
---@field dilation integer|integer[]
---@field groups integer
---@field padding_mode "zeros"|"reflect"|"replicate"|"circular"
---@field weight nn.Tensor
---@field bias nn.Tensor?

---Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "same" keeps the size (with stride 1); padding_mode says what stands around the input.
---
---    nn.Conv1d(3, 8, 5)(nn.zeros(2, 3, 20)).shape
---@param in_channels integer
---@param out_channels integer
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]|"same"
---@param dilation? integer|integer[]
---@param groups? integer
---@param bias? boolean
---@param padding_mode? "zeros"|"reflect"|"replicate"|"circular"
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.Conv1d
function nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, options) end

---Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "same" keeps the size (with stride 1); padding_mode says what stands around the input.
---@class nn.Conv2d: nn.Module
---@field in_channels integer
---@field out_channels integer
---@field kernel_size integer|integer[]
---@field stride integer|integer[]
---@field padding integer|integer[]|"same"
---@field dilation integer|integer[]
---@field groups integer
---@field padding_mode "zeros"|"reflect"|"replicate"|"circular"
---@field weight nn.Tensor
---@field bias nn.Tensor?

---Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "same" keeps the size (with stride 1); padding_mode says what stands around the input.
---
---    nn.Conv2d(1, 6, 5, {padding = 2})(nn.zeros(8, 1, 28, 28)).shape
---@param in_channels integer
---@param out_channels integer
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]|"same"
---@param dilation? integer|integer[]
---@param groups? integer
---@param bias? boolean
---@param padding_mode? "zeros"|"reflect"|"replicate"|"circular"
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.Conv2d
function nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, options) end

---Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "same" keeps the size (with stride 1); padding_mode says what stands around the input.
---@class nn.Conv3d: nn.Module
---@field in_channels integer
---@field out_channels integer
---@field kernel_size integer|integer[]
---@field stride integer|integer[]
---@field padding integer|integer[]|"same"
---@field dilation integer|integer[]
---@field groups integer
---@field padding_mode "zeros"|"reflect"|"replicate"|"circular"
---@field weight nn.Tensor
---@field bias nn.Tensor?

---Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "same" keeps the size (with stride 1); padding_mode says what stands around the input.
---
---    nn.Conv3d(1, 4, 3)(nn.zeros(2, 1, 5, 6, 7)).shape
---@param in_channels integer
---@param out_channels integer
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]|"same"
---@param dilation? integer|integer[]
---@param groups? integer
---@param bias? boolean
---@param padding_mode? "zeros"|"reflect"|"replicate"|"circular"
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.Conv3d
function nn.Conv3d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, options) end

---Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the stride leaves open, for this call.
---@class nn.ConvTranspose1d: nn.Module
---@field in_channels integer
---@field out_channels integer
---@field kernel_size integer|integer[]
---@field stride integer|integer[]
---@field padding integer|integer[]
---@field output_padding integer|integer[]
---@field groups integer
---@field dilation integer|integer[]
---@field weight nn.Tensor
---@field bias nn.Tensor?

---Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the stride leaves open, for this call.
---
---    nn.ConvTranspose1d(3, 8, 4, 2)(nn.zeros(2, 3, 10)).shape
---@param in_channels integer
---@param out_channels integer
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param bias? boolean
---@param dilation? integer|integer[]
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.ConvTranspose1d
function nn.ConvTranspose1d(in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, options) end

---Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the stride leaves open, for this call.
---@class nn.ConvTranspose2d: nn.Module
---@field in_channels integer
---@field out_channels integer
---@field kernel_size integer|integer[]
---@field stride integer|integer[]
---@field padding integer|integer[]
---@field output_padding integer|integer[]
---@field groups integer
---@field dilation integer|integer[]
---@field weight nn.Tensor
---@field bias nn.Tensor?

---Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the stride leaves open, for this call.
---
---    nn.ConvTranspose2d(3, 8, 4, 2, 1)(nn.zeros(2, 3, 8, 8)).shape
---@param in_channels integer
---@param out_channels integer
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param bias? boolean
---@param dilation? integer|integer[]
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.ConvTranspose2d
function nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, options) end

---Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the stride leaves open, for this call.
---@class nn.ConvTranspose3d: nn.Module
---@field in_channels integer
---@field out_channels integer
---@field kernel_size integer|integer[]
---@field stride integer|integer[]
---@field padding integer|integer[]
---@field output_padding integer|integer[]
---@field groups integer
---@field dilation integer|integer[]
---@field weight nn.Tensor
---@field bias nn.Tensor?

---Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the stride leaves open, for this call.
---
---    nn.ConvTranspose3d(1, 2, 2, 2)(nn.zeros(1, 1, 3, 3, 3)).shape
---@param in_channels integer
---@param out_channels integer
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param output_padding? integer|integer[]
---@param groups? integer
---@param bias? boolean
---@param dilation? integer|integer[]
---@param options? {init: string, dtype: nn.Dtype}
---@return nn.ConvTranspose3d
function nn.ConvTranspose3d(in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, options) end

---The largest value of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from 1.
---@class nn.MaxPool1d: nn.Module
---@field kernel_size integer|integer[]
---@field stride integer|integer[]?
---@field padding integer|integer[]
---@field dilation integer|integer[]
---@field return_indices boolean
---@field ceil_mode boolean

---The largest value of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from 1.
---
---    nn.MaxPool1d(2)
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param return_indices? boolean
---@param ceil_mode? boolean
---@return nn.MaxPool1d
function nn.MaxPool1d(kernel_size, stride, padding, dilation, return_indices, ceil_mode) end

---The largest value of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from 1.
---@class nn.MaxPool2d: nn.Module
---@field kernel_size integer|integer[]
---@field stride integer|integer[]?
---@field padding integer|integer[]
---@field dilation integer|integer[]
---@field return_indices boolean
---@field ceil_mode boolean

---The largest value of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from 1.
---
---    nn.MaxPool2d(2)
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param return_indices? boolean
---@param ceil_mode? boolean
---@return nn.MaxPool2d
function nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode) end

---The largest value of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from 1.
---@class nn.MaxPool3d: nn.Module
---@field kernel_size integer|integer[]
---@field stride integer|integer[]?
---@field padding integer|integer[]
---@field dilation integer|integer[]
---@field return_indices boolean
---@field ceil_mode boolean

---The largest value of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from 1.
---
---    nn.MaxPool3d(2)
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param dilation? integer|integer[]
---@param return_indices? boolean
---@param ceil_mode? boolean
---@return nn.MaxPool3d
function nn.MaxPool3d(kernel_size, stride, padding, dilation, return_indices, ceil_mode) end

---The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---@class nn.AvgPool1d: nn.Module
---@field kernel_size integer|integer[]
---@field stride integer|integer[]?
---@field padding integer|integer[]
---@field ceil_mode boolean
---@field count_include_pad boolean
---@field divisor_override integer?

---The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.AvgPool1d(2)
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.AvgPool1d
function nn.AvgPool1d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---@class nn.AvgPool2d: nn.Module
---@field kernel_size integer|integer[]
---@field stride integer|integer[]?
---@field padding integer|integer[]
---@field ceil_mode boolean
---@field count_include_pad boolean
---@field divisor_override integer?

---The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.AvgPool2d(2)
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.AvgPool2d
function nn.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---@class nn.AvgPool3d: nn.Module
---@field kernel_size integer|integer[]
---@field stride integer|integer[]?
---@field padding integer|integer[]
---@field ceil_mode boolean
---@field count_include_pad boolean
---@field divisor_override integer?

---The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode windows may reach over the end; zeros of the padding count, unless count_include_pad is false; divisor_override is what sums are divided by instead.
---
---    nn.AvgPool3d(2)
---@param kernel_size integer|integer[]
---@param stride? integer|integer[]
---@param padding? integer|integer[]
---@param ceil_mode? boolean
---@param count_include_pad? boolean
---@param divisor_override? integer
---@return nn.AvgPool3d
function nn.AvgPool3d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

---The mean of each of output_size equal parts of the input, along each dim.
---@class nn.AdaptiveAvgPool1d: nn.Module
---@field output_size integer|integer[]

---The mean of each of output_size equal parts of the input, along each dim.
---
---    nn.AdaptiveAvgPool1d(1)
---@param output_size integer|integer[]
---@return nn.AdaptiveAvgPool1d
function nn.AdaptiveAvgPool1d(output_size) end

---The mean of each of output_size equal parts of the input, along each dim.
---@class nn.AdaptiveAvgPool2d: nn.Module
---@field output_size integer|integer[]

---The mean of each of output_size equal parts of the input, along each dim.
---
---    nn.AdaptiveAvgPool2d(1)
---@param output_size integer|integer[]
---@return nn.AdaptiveAvgPool2d
function nn.AdaptiveAvgPool2d(output_size) end

---The mean of each of output_size equal parts of the input, along each dim.
---@class nn.AdaptiveAvgPool3d: nn.Module
---@field output_size integer|integer[]

---The mean of each of output_size equal parts of the input, along each dim.
---
---    nn.AdaptiveAvgPool3d(1)
---@param output_size integer|integer[]
---@return nn.AdaptiveAvgPool3d
function nn.AdaptiveAvgPool3d(output_size) end

---The largest value of each of output_size equal parts of the input, along each dim; with return_indices also the places in the channel, from 1.
---@class nn.AdaptiveMaxPool1d: nn.Module
---@field output_size integer|integer[]
---@field return_indices boolean

---The largest value of each of output_size equal parts of the input, along each dim; with return_indices also the places in the channel, from 1.
---
---    nn.AdaptiveMaxPool1d(1)
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.AdaptiveMaxPool1d
function nn.AdaptiveMaxPool1d(output_size, return_indices) end

---The largest value of each of output_size equal parts of the input, along each dim; with return_indices also the places in the channel, from 1.
---@class nn.AdaptiveMaxPool2d: nn.Module
---@field output_size integer|integer[]
---@field return_indices boolean

---The largest value of each of output_size equal parts of the input, along each dim; with return_indices also the places in the channel, from 1.
---
---    nn.AdaptiveMaxPool2d(1)
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.AdaptiveMaxPool2d
function nn.AdaptiveMaxPool2d(output_size, return_indices) end

---The largest value of each of output_size equal parts of the input, along each dim; with return_indices also the places in the channel, from 1.
---@class nn.AdaptiveMaxPool3d: nn.Module
---@field output_size integer|integer[]
---@field return_indices boolean

---The largest value of each of output_size equal parts of the input, along each dim; with return_indices also the places in the channel, from 1.
---
---    nn.AdaptiveMaxPool3d(1)
---@param output_size integer|integer[]
---@param return_indices? boolean
---@return nn.AdaptiveMaxPool3d
function nn.AdaptiveMaxPool3d(output_size, return_indices) end

---Makes of r x r channels one that is r times as high and as wide, r being the upscale_factor.
---@class nn.PixelShuffle: nn.Module
---@field upscale_factor integer

---Makes of r x r channels one that is r times as high and as wide, r being the upscale_factor.
---
---    nn.PixelShuffle(2)(nn.arange(4):reshape(1, 4, 1, 1))
---@param upscale_factor integer
---@return nn.PixelShuffle
function nn.PixelShuffle(upscale_factor) end

---The way back from nn.PixelShuffle: makes of each channel r x r, which are r times less high and wide.
---@class nn.PixelUnshuffle: nn.Module
---@field downscale_factor integer

---The way back from nn.PixelShuffle: makes of each channel r x r, which are r times less high and wide.
---
---    nn.PixelUnshuffle(2)(nn.arange(4):reshape(1, 1, 2, 2)).shape
---@param downscale_factor integer
---@return nn.PixelUnshuffle
function nn.PixelUnshuffle(downscale_factor) end

---Images in another size, size or scale_factor times as large: by the nearest element, or by a mean of those around (linear, bilinear, trilinear for one, two, three dims; bicubic: of sixteen; area: of all that it stands for).
---@class nn.Upsample: nn.Module
---@field size integer|integer[]?
---@field scale_factor number?
---@field mode "nearest"|"linear"|"bilinear"|"trilinear"|"bicubic"|"area"
---@field align_corners boolean

---Images in another size, size or scale_factor times as large: by the nearest element, or by a mean of those around (linear, bilinear, trilinear for one, two, three dims; bicubic: of sixteen; area: of all that it stands for).
---
---    nn.Upsample {scale_factor = 2}(nn.tensor {{{1.0, 2.0, 3.0}}})
---@param size? integer|integer[]
---@param scale_factor? number
---@param mode? "nearest"|"linear"|"bilinear"|"trilinear"|"bicubic"|"area"
---@param align_corners? boolean
---@return nn.Upsample
function nn.Upsample(size, scale_factor, mode, align_corners) end

---Puts a margin around the last dims, filled with zeros. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ZeroPad1d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with zeros. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ZeroPad1d(1)(nn.tensor {{{1.0, 2.0, 3.0}}})
---@param padding integer|integer[]
---@return nn.ZeroPad1d
function nn.ZeroPad1d(padding) end

---Puts a margin around the last dims, filled with zeros. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ZeroPad2d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with zeros. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ZeroPad2d({1, 2, 0, 0})(nn.ones(1, 1, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.ZeroPad2d
function nn.ZeroPad2d(padding) end

---Puts a margin around the last dims, filled with zeros. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ZeroPad3d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with zeros. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ZeroPad3d(1)(nn.ones(1, 1, 3, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.ZeroPad3d
function nn.ZeroPad3d(padding) end

---Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ConstantPad1d: nn.Module
---@field padding integer|integer[]
---@field value number

---Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ConstantPad1d(1, 9)(nn.tensor {{{1.0, 2.0, 3.0}}})
---@param padding integer|integer[]
---@param value number
---@return nn.ConstantPad1d
function nn.ConstantPad1d(padding, value) end

---Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ConstantPad2d: nn.Module
---@field padding integer|integer[]
---@field value number

---Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ConstantPad2d({1, 2, 0, 0}, 9)(nn.ones(1, 1, 3, 3)).shape
---@param padding integer|integer[]
---@param value number
---@return nn.ConstantPad2d
function nn.ConstantPad2d(padding, value) end

---Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ConstantPad3d: nn.Module
---@field padding integer|integer[]
---@field value number

---Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ConstantPad3d(1, 9)(nn.ones(1, 1, 3, 3, 3)).shape
---@param padding integer|integer[]
---@param value number
---@return nn.ConstantPad3d
function nn.ConstantPad3d(padding, value) end

---Puts a margin around the last dims, filled with the mirrored input (its edge once). padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ReflectionPad1d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the mirrored input (its edge once). padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ReflectionPad1d(2)(nn.tensor {{{1.0, 2.0, 3.0}}})
---@param padding integer|integer[]
---@return nn.ReflectionPad1d
function nn.ReflectionPad1d(padding) end

---Puts a margin around the last dims, filled with the mirrored input (its edge once). padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ReflectionPad2d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the mirrored input (its edge once). padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ReflectionPad2d(1)(nn.ones(1, 1, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.ReflectionPad2d
function nn.ReflectionPad2d(padding) end

---Puts a margin around the last dims, filled with the mirrored input (its edge once). padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ReflectionPad3d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the mirrored input (its edge once). padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ReflectionPad3d(1)(nn.ones(1, 1, 3, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.ReflectionPad3d
function nn.ReflectionPad3d(padding) end

---Puts a margin around the last dims, filled with the nearest element. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ReplicationPad1d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the nearest element. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ReplicationPad1d(2)(nn.tensor {{{1.0, 2.0, 3.0}}})
---@param padding integer|integer[]
---@return nn.ReplicationPad1d
function nn.ReplicationPad1d(padding) end

---Puts a margin around the last dims, filled with the nearest element. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ReplicationPad2d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the nearest element. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ReplicationPad2d(1)(nn.ones(1, 1, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.ReplicationPad2d
function nn.ReplicationPad2d(padding) end

---Puts a margin around the last dims, filled with the nearest element. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.ReplicationPad3d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the nearest element. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.ReplicationPad3d(1)(nn.ones(1, 1, 3, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.ReplicationPad3d
function nn.ReplicationPad3d(padding) end

---Puts a margin around the last dims, filled with the other end. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.CircularPad1d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the other end. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.CircularPad1d(1)(nn.tensor {{{1.0, 2.0, 3.0}}})
---@param padding integer|integer[]
---@return nn.CircularPad1d
function nn.CircularPad1d(padding) end

---Puts a margin around the last dims, filled with the other end. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.CircularPad2d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the other end. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.CircularPad2d(1)(nn.ones(1, 1, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.CircularPad2d
function nn.CircularPad2d(padding) end

---Puts a margin around the last dims, filled with the other end. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---@class nn.CircularPad3d: nn.Module
---@field padding integer|integer[]

---Puts a margin around the last dims, filled with the other end. padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.
---
---    nn.CircularPad3d(1)(nn.ones(1, 1, 3, 3, 3)).shape
---@param padding integer|integer[]
---@return nn.CircularPad3d
function nn.CircularPad3d(padding) end

---The windows of images as columns: batch x (channels * kernel) x windows.
---@class nn.Unfold: nn.Module
---@field kernel_size integer|integer[]
---@field dilation integer|integer[]
---@field padding integer|integer[]
---@field stride integer|integer[]

---The windows of images as columns: batch x (channels * kernel) x windows.
---
---    nn.Unfold(2)(nn.ones(1, 1, 3, 3)).shape
---@param kernel_size integer|integer[]
---@param dilation? integer|integer[]
---@param padding? integer|integer[]
---@param stride? integer|integer[]
---@return nn.Unfold
function nn.Unfold(kernel_size, dilation, padding, stride) end

---Columns, batch x (channels * kernel) x windows, added where they lie in images of output_size.
---@class nn.Fold: nn.Module
---@field output_size integer|integer[]
---@field kernel_size integer|integer[]
---@field dilation integer|integer[]
---@field padding integer|integer[]
---@field stride integer|integer[]

---Columns, batch x (channels * kernel) x windows, added where they lie in images of output_size.
---
---    nn.Fold(3, 2)(nn.ones(1, 4, 4))
---@param output_size integer|integer[]
---@param kernel_size integer|integer[]
---@param dilation? integer|integer[]
---@param padding? integer|integer[]
---@param stride? integer|integer[]
---@return nn.Fold
function nn.Fold(output_size, kernel_size, dilation, padding, stride) end

---A simple recurrent net over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a single one, length x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. States, (num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are left out. lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, and the last state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.
---@class nn.RNN: nn.Module
---@field input_size integer
---@field hidden_size integer
---@field num_layers integer
---@field bias boolean
---@field batch_first boolean
---@field dropout number
---@field bidirectional boolean
---@field nonlinearity "tanh"|"relu"

---A simple recurrent net over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a single one, length x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. States, (num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are left out. lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, and the last state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.
---
---    nn.RNN(3, 4)(nn.zeros(5, 2, 3)).shape
---@param input_size integer
---@param hidden_size integer
---@param num_layers? integer
---@param bias? boolean
---@param batch_first? boolean
---@param dropout? number
---@param bidirectional? boolean
---@param options? {nonlinearity: "tanh"|"relu"}
---@return nn.RNN
function nn.RNN(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, options) end

---One step of a simple recurrent net. Gives the new state; a state that is left out is 0.
---@class nn.RNNCell: nn.Module
---@field input_size integer
---@field hidden_size integer
---@field bias boolean
---@field nonlinearity "tanh"|"relu"
---@field weight_ih nn.Tensor
---@field weight_hh nn.Tensor
---@field bias_ih nn.Tensor?
---@field bias_hh nn.Tensor?

---One step of a simple recurrent net. Gives the new state; a state that is left out is 0.
---
---    nn.RNNCell(3, 4)(nn.zeros(2, 3)).shape
---@param input_size integer
---@param hidden_size integer
---@param bias? boolean
---@param options? {nonlinearity: "tanh"|"relu"}
---@return nn.RNNCell
function nn.RNNCell(input_size, hidden_size, bias, options) end

---Long short-term memory over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a single one, length x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. States, (num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are left out. lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, and the last state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.
---@class nn.LSTM: nn.Module
---@field input_size integer
---@field hidden_size integer
---@field num_layers integer
---@field bias boolean
---@field batch_first boolean
---@field dropout number
---@field bidirectional boolean

---Long short-term memory over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a single one, length x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. States, (num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are left out. lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, and the last state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.
---
---    nn.LSTM(3, 4)(nn.zeros(5, 2, 3)).shape
---@param input_size integer
---@param hidden_size integer
---@param num_layers? integer
---@param bias? boolean
---@param batch_first? boolean
---@param dropout? number
---@param bidirectional? boolean
---@return nn.LSTM
function nn.LSTM(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional) end

---One step of long short-term memory. Gives the new state; a state that is left out is 0.
---@class nn.LSTMCell: nn.Module
---@field input_size integer
---@field hidden_size integer
---@field bias boolean
---@field weight_ih nn.Tensor
---@field weight_hh nn.Tensor
---@field bias_ih nn.Tensor?
---@field bias_hh nn.Tensor?

---One step of long short-term memory. Gives the new state; a state that is left out is 0.
---
---    nn.LSTMCell(3, 4)(nn.zeros(2, 3)).shape
---@param input_size integer
---@param hidden_size integer
---@param bias? boolean
---@return nn.LSTMCell
function nn.LSTMCell(input_size, hidden_size, bias) end

---Gated recurrent units over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a single one, length x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. States, (num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are left out. lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, and the last state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.
---@class nn.GRU: nn.Module
---@field input_size integer
---@field hidden_size integer
---@field num_layers integer
---@field bias boolean
---@field batch_first boolean
---@field dropout number
---@field bidirectional boolean

---Gated recurrent units over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a single one, length x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. States, (num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are left out. lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, and the last state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.
---
---    nn.GRU(3, 4)(nn.zeros(5, 2, 3)).shape
---@param input_size integer
---@param hidden_size integer
---@param num_layers? integer
---@param bias? boolean
---@param batch_first? boolean
---@param dropout? number
---@param bidirectional? boolean
---@return nn.GRU
function nn.GRU(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional) end

---One step of gated recurrent units. Gives the new state; a state that is left out is 0.
---@class nn.GRUCell: nn.Module
---@field input_size integer
---@field hidden_size integer
---@field bias boolean
---@field weight_ih nn.Tensor
---@field weight_hh nn.Tensor
---@field bias_ih nn.Tensor?
---@field bias_hh nn.Tensor?

---One step of gated recurrent units. Gives the new state; a state that is left out is 0.
---
---    nn.GRUCell(3, 4)(nn.zeros(2, 3)).shape
---@param input_size integer
---@param hidden_size integer
---@param bias? boolean
---@return nn.GRUCell
function nn.GRUCell(input_size, hidden_size, bias) end

---Attention of num_heads heads. Inputs are length x batch x embed_dim (batch x length x embed_dim with batch_first), or length x embed_dim; the key is the query, and the value the key, where they are left out. Gives the result and, unless need_weights is false (which is faster, and stores no scores), the weights, averaged over the heads. Masks are true where nothing is to be seen, or numbers that are added to the scores: key_padding_mask is batch x keys, attn_mask queries x keys (or that for each head of the batch). is_causal lets position i see 1 to i. A query that sees nothing gets 0 for its sum of values.
---@class nn.MultiheadAttention: nn.Module
---@field embed_dim integer
---@field num_heads integer
---@field dropout number
---@field bias boolean
---@field kdim integer?
---@field vdim integer?
---@field batch_first boolean
---@field in_proj_weight nn.Tensor?
---@field q_proj_weight nn.Tensor?
---@field k_proj_weight nn.Tensor?
---@field v_proj_weight nn.Tensor?
---@field in_proj_bias nn.Tensor?
---@field out_proj nn.Module

---Attention of num_heads heads. Inputs are length x batch x embed_dim (batch x length x embed_dim with batch_first), or length x embed_dim; the key is the query, and the value the key, where they are left out. Gives the result and, unless need_weights is false (which is faster, and stores no scores), the weights, averaged over the heads. Masks are true where nothing is to be seen, or numbers that are added to the scores: key_padding_mask is batch x keys, attn_mask queries x keys (or that for each head of the batch). is_causal lets position i see 1 to i. A query that sees nothing gets 0 for its sum of values.
---
---    nn.MultiheadAttention(8, 2)(nn.zeros(5, 1, 8), {need_weights = false}).shape
---@param embed_dim integer
---@param num_heads integer
---@param dropout? number
---@param bias? boolean
---@param kdim? integer
---@param vdim? integer
---@param batch_first? boolean
---@param options? {dtype: nn.Dtype}
---@return nn.MultiheadAttention
function nn.MultiheadAttention(embed_dim, num_heads, dropout, bias, kdim, vdim, batch_first, options) end

---Self-attention of nhead heads, then a net of one hidden layer of dim_feedforward units for each position; each is added to what went in, and normalized. With norm_first the norms stand before what is added, else behind the sum. Sequences are length x batch x d_model (batch x length x d_model with batch_first), or length x d_model. Bool masks are true where nothing is to be seen, as in nn.MultiheadAttention; is_causal lets position i see 1 to i.
---@class nn.TransformerEncoderLayer: nn.Module
---@field d_model integer
---@field nhead integer
---@field dim_feedforward integer
---@field activation "relu"|"gelu"
---@field layer_norm_eps number
---@field batch_first boolean
---@field norm_first boolean
---@field self_attn nn.Module
---@field linear1 nn.Module
---@field dropout nn.Module
---@field linear2 nn.Module
---@field norm1 nn.Module
---@field norm2 nn.Module
---@field dropout1 nn.Module
---@field dropout2 nn.Module

---Self-attention of nhead heads, then a net of one hidden layer of dim_feedforward units for each position; each is added to what went in, and normalized. With norm_first the norms stand before what is added, else behind the sum. Sequences are length x batch x d_model (batch x length x d_model with batch_first), or length x d_model. Bool masks are true where nothing is to be seen, as in nn.MultiheadAttention; is_causal lets position i see 1 to i.
---
---    nn.TransformerEncoderLayer(8, 2, 16)(nn.zeros(5, 1, 8)).shape
---@param d_model integer
---@param nhead integer
---@param dim_feedforward? integer
---@param dropout? number
---@param activation? "relu"|"gelu"
---@param layer_norm_eps? number
---@param batch_first? boolean
---@param norm_first? boolean
---@return nn.TransformerEncoderLayer
function nn.TransformerEncoderLayer(d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first) end

---Self-attention, attention to memory (what an encoder gave), then a net of one hidden layer for each position; each is added to what went in, and normalized. With norm_first the norms stand before what is added, else behind the sum. Sequences are length x batch x d_model (batch x length x d_model with batch_first), or length x d_model. Bool masks are true where nothing is to be seen, as in nn.MultiheadAttention; is_causal lets position i see 1 to i.
---@class nn.TransformerDecoderLayer: nn.Module
---@field d_model integer
---@field nhead integer
---@field dim_feedforward integer
---@field activation "relu"|"gelu"
---@field layer_norm_eps number
---@field batch_first boolean
---@field norm_first boolean
---@field self_attn nn.Module
---@field multihead_attn nn.Module
---@field linear1 nn.Module
---@field dropout nn.Module
---@field linear2 nn.Module
---@field norm1 nn.Module
---@field norm2 nn.Module
---@field norm3 nn.Module
---@field dropout1 nn.Module
---@field dropout2 nn.Module
---@field dropout3 nn.Module

---Self-attention, attention to memory (what an encoder gave), then a net of one hidden layer for each position; each is added to what went in, and normalized. With norm_first the norms stand before what is added, else behind the sum. Sequences are length x batch x d_model (batch x length x d_model with batch_first), or length x d_model. Bool masks are true where nothing is to be seen, as in nn.MultiheadAttention; is_causal lets position i see 1 to i.
---
---    nn.TransformerDecoderLayer(8, 2, 16)(nn.zeros(5, 1, 8), nn.zeros(7, 1, 8)).shape
---@param d_model integer
---@param nhead integer
---@param dim_feedforward? integer
---@param dropout? number
---@param activation? "relu"|"gelu"
---@param layer_norm_eps? number
---@param batch_first? boolean
---@param norm_first? boolean
---@return nn.TransformerDecoderLayer
function nn.TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first) end

---num_layers copies of a layer, one after another, and a norm (a layer) at the end, if any. All copies begin with the layer's weights. Takes (src, mask?, src_key_padding_mask? | is_causal), as the layer does.
---@class nn.TransformerEncoder: nn.Module

---num_layers copies of a layer, one after another, and a norm (a layer) at the end, if any. All copies begin with the layer's weights. Takes (src, mask?, src_key_padding_mask? | is_causal), as the layer does.
---
---    nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)(nn.zeros(5, 1, 8)).shape
---@param layer any
---@param num_layers any
---@param norm? any
---@return nn.TransformerEncoder
function nn.TransformerEncoder(layer, num_layers, norm) end

---num_layers copies of a layer, one after another, and a norm (a layer) at the end, if any. All copies begin with the layer's weights. Takes (tgt, memory, tgt_mask?, memory_mask?, tgt_key_padding_mask?, memory_key_padding_mask? | tgt_is_causal, memory_is_causal).
---@class nn.TransformerDecoder: nn.Module

---num_layers copies of a layer, one after another, and a norm (a layer) at the end, if any. All copies begin with the layer's weights. Takes (tgt, memory, tgt_mask?, memory_mask?, tgt_key_padding_mask?, memory_key_padding_mask? | tgt_is_causal, memory_is_causal).
---
---    nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)(nn.zeros(5, 1, 8), nn.zeros(7, 1, 8)).shape
---@param layer any
---@param num_layers any
---@param norm? any
---@return nn.TransformerDecoder
function nn.TransformerDecoder(layer, num_layers, norm) end

---Adds to each position of a sequence (length x batch x d_model, or batch x length x d_model with batch_first) a vector of its own, then drops: fixed sines and cosines of wavelengths from 2 pi to 10000 * 2 pi, or with kind = "learned" a parameter, which begins as N(0, 1).
---@class nn.PositionalEncoding: nn.Module
---@field d_model integer
---@field max_len integer
---@field dropout number
---@field batch_first boolean
---@field kind "sinusoidal"|"learned"
---@field weight nn.Tensor?
---@field pe nn.Tensor?

---Adds to each position of a sequence (length x batch x d_model, or batch x length x d_model with batch_first) a vector of its own, then drops: fixed sines and cosines of wavelengths from 2 pi to 10000 * 2 pi, or with kind = "learned" a parameter, which begins as N(0, 1).
---
---    nn.PositionalEncoding(4)(nn.zeros(3, 4))
---@param d_model integer
---@param max_len? integer
---@param dropout? number
---@param batch_first? boolean
---@param options? {kind: "sinusoidal"|"learned"}
---@return nn.PositionalEncoding
function nn.PositionalEncoding(d_model, max_len, dropout, batch_first, options) end

---A layer with a gate that decides what of it, and what of the input, goes on. The gate's bias starts at -1, so that a deep stack starts as (nearly) the identity. activation is a ReLU unless it is given.
---@class nn.Highway: nn.Module
---@field features integer
---@field activation nn.Module|function?
---@field gate_bias number
---@field transform nn.Module
---@field gate nn.Module

---A layer with a gate that decides what of it, and what of the input, goes on. The gate's bias starts at -1, so that a deep stack starts as (nearly) the identity. activation is a ReLU unless it is given.
---
---    nn.Highway(8, {activation = nn.Tanh()})
---@param features integer
---@param options? {activation: nn.Module|function, gate_bias: number, init: string}
---@return nn.Highway
function nn.Highway(features, options) end

---Layers with a shortcut around them, which {projection = layer} gives a layer of its own.
---@class nn.Residual: nn.Module
---@field body nn.Module|function
---@field projection nn.Module|function?

---Layers with a shortcut around them, which {projection = layer} gives a layer of its own.
---
---    nn.Residual(nn.Linear(8, 8), nn.ReLU())
---@param ... nn.Module|function
---@return nn.Residual
function nn.Residual(...) end

---Layers one after another, given in order or as a list; functions of a tensor are layers, too. net[1] is the first, #net their number, net:add(layer) appends, net[2] = nn.Tanh() replaces.
---@class nn.Sequential: nn.Module

---Layers one after another, given in order or as a list; functions of a tensor are layers, too. net[1] is the first, #net their number, net:add(layer) appends, net[2] = nn.Tanh() replaces.
---
---    nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
---@param ... any
---@return nn.Sequential
function nn.Sequential(...) end

---A list of layers, for a forward of your own to go through: list[1], #list, ipairs(list), list:add(layer). Their parameters belong to the module that holds the list. (In a field, a plain table does the same; here a change is counted, and what is no layer is refused.)
---@class nn.ModuleList: nn.Module

---A list of layers, for a forward of your own to go through: list[1], #list, ipairs(list), list:add(layer). Their parameters belong to the module that holds the list. (In a field, a plain table does the same; here a change is counted, and what is no layer is refused.)
---
---    nn.ModuleList {nn.Linear(4, 4), nn.Linear(4, 2)}
---@param ... any
---@return nn.ModuleList
function nn.ModuleList(...) end

---Layers by name, for a forward of your own: dict.name, dict:keys(). Made of {name = layer}, which is put in the order of the names, or of {{name, layer}, ...}, in this order.
---@class nn.ModuleDict: nn.Module

---Layers by name, for a forward of your own: dict.name, dict:keys(). Made of {name = layer}, which is put in the order of the names, or of {{name, layer}, ...}, in this order.
---
---    nn.ModuleDict {left = nn.Linear(4, 2), right = nn.Tanh()}
---@param ... any
---@return nn.ModuleDict
function nn.ModuleDict(...) end

---A list of parameters that belong to the module which holds it: list[1], #list, list:add(p).
---@class nn.ParameterList: nn.Module

---A list of parameters that belong to the module which holds it: list[1], #list, list:add(p).
---
---    nn.ParameterList {nn.Parameter(nn.ones(3))}
---@param ... any
---@return nn.ParameterList
function nn.ParameterList(...) end

---The squared difference: the negative log-likelihood of Gaussian noise, up to constants.
---@class nn.MSELoss: nn.Module
---@field reduction "mean"|"sum"|"none"

---The squared difference: the negative log-likelihood of Gaussian noise, up to constants.
---
---    nn.MSELoss()(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})
---@param options? {reduction: "mean"|"sum"|"none"}
---@return nn.MSELoss
function nn.MSELoss(options) end

---The absolute difference: the negative log-likelihood of Laplace noise, up to constants.
---@class nn.L1Loss: nn.Module
---@field reduction "mean"|"sum"|"none"

---The absolute difference: the negative log-likelihood of Laplace noise, up to constants.
---
---    nn.L1Loss()(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})
---@param options? {reduction: "mean"|"sum"|"none"}
---@return nn.L1Loss
function nn.L1Loss(options) end

---Quadratic within delta, linear beyond.
---@class nn.HuberLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field delta number

---Quadratic within delta, linear beyond.
---
---    nn.HuberLoss()(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})
---@param options? {reduction: "mean"|"sum"|"none", delta: number}
---@return nn.HuberLoss
function nn.HuberLoss(options) end

---Huber's loss with delta = beta, divided by it.
---@class nn.SmoothL1Loss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field beta number

---Huber's loss with delta = beta, divided by it.
---
---    nn.SmoothL1Loss()(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})
---@param options? {reduction: "mean"|"sum"|"none", beta: number}
---@return nn.SmoothL1Loss
function nn.SmoothL1Loss(options) end

---Between the square and the absolute value, smooth.
---@class nn.LogCoshLoss: nn.Module
---@field reduction "mean"|"sum"|"none"

---Between the square and the absolute value, smooth.
---
---    nn.LogCoshLoss()(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})
---@param options? {reduction: "mean"|"sum"|"none"}
---@return nn.LogCoshLoss
function nn.LogCoshLoss(options) end

---Its minimum is the target's q-quantile.
---@class nn.QuantileLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field q number

---Its minimum is the target's q-quantile.
---
---    nn.QuantileLoss()(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})
---@param options? {reduction: "mean"|"sum"|"none", q: number}
---@return nn.QuantileLoss
function nn.QuantileLoss(options) end

---Targets are counts. log_input: the input is the logarithm of the rate, else the rate; full: with Stirling's term.
---@class nn.PoissonNLLLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field log_input boolean
---@field full boolean
---@field eps number

---Targets are counts. log_input: the input is the logarithm of the rate, else the rate; full: with Stirling's term.
---
---    nn.PoissonNLLLoss()(nn.tensor {0.0, 1.0}, nn.tensor {1.0, 3.0})
---@param options? {reduction: "mean"|"sum"|"none", log_input: boolean, full: boolean, eps: number}
---@return nn.PoissonNLLLoss
function nn.PoissonNLLLoss(options) end

---The negative log-likelihood of Gaussian noise whose variance (at least eps) is an output, too; full adds log(2 pi) / 2.
---@class nn.GaussianNLLLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field full boolean
---@field eps number

---The negative log-likelihood of Gaussian noise whose variance (at least eps) is an output, too; full adds log(2 pi) / 2.
---
---    nn.GaussianNLLLoss()(nn.zeros(2), nn.ones(2), nn.ones(2))
---@param options? {reduction: "mean"|"sum"|"none", full: boolean, eps: number}
---@return nn.GaussianNLLLoss
function nn.GaussianNLLLoss(options) end

---The negative log-likelihood of Laplace noise whose scale (at least eps) is an output, too; full adds log 2.
---@class nn.LaplaceNLLLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field full boolean
---@field eps number

---The negative log-likelihood of Laplace noise whose scale (at least eps) is an output, too; full adds log 2.
---
---    nn.LaplaceNLLLoss()(nn.zeros(2), nn.ones(2), nn.ones(2))
---@param options? {reduction: "mean"|"sum"|"none", full: boolean, eps: number}
---@return nn.LaplaceNLLLoss
function nn.LaplaceNLLLoss(options) end

---The cross-entropy of softmax(logits) against classes (int64, from 1) or against probabilities of the logits' shape. Input: batch x classes, or batch x classes x ... with targets batch x .... weight: a factor for each class; label_smoothing: this share of each target is spread over all classes (Szegedy et al. 2016); ignore_index: targets with this value do not count; those of a padded sequence, say.
---@class nn.CrossEntropyLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field weight nn.Tensor?
---@field ignore_index integer
---@field label_smoothing number

---The cross-entropy of softmax(logits) against classes (int64, from 1) or against probabilities of the logits' shape. Input: batch x classes, or batch x classes x ... with targets batch x .... weight: a factor for each class; label_smoothing: this share of each target is spread over all classes (Szegedy et al. 2016); ignore_index: targets with this value do not count; those of a padded sequence, say.
---
---    nn.CrossEntropyLoss()(nn.tensor {{2.0, 0.0, 0.0}}, nn.tensor {1})
---@param options? {reduction: "mean"|"sum"|"none", weight: nn.Tensor, ignore_index: integer, label_smoothing: number}
---@return nn.CrossEntropyLoss
function nn.CrossEntropyLoss(options) end

---The negative log-likelihood: as CrossEntropyLoss, but the input is log-probabilities.
---@class nn.NLLLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field weight nn.Tensor?
---@field ignore_index integer

---The negative log-likelihood: as CrossEntropyLoss, but the input is log-probabilities.
---
---    nn.NLLLoss()(nn.tensor {{-0.1, -2.5}}, nn.tensor {1})
---@param options? {reduction: "mean"|"sum"|"none", weight: nn.Tensor, ignore_index: integer}
---@return nn.NLLLoss
function nn.NLLLoss(options) end

---The binary cross-entropy of sigmoid(logits) against targets in 0..1, stable. pos_weight: a factor for the targets' side of 1; weight: one for each element.
---@class nn.BCEWithLogitsLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field pos_weight nn.Tensor?
---@field weight nn.Tensor?

---The binary cross-entropy of sigmoid(logits) against targets in 0..1, stable. pos_weight: a factor for the targets' side of 1; weight: one for each element.
---
---    nn.BCEWithLogitsLoss()(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none", pos_weight: nn.Tensor, weight: nn.Tensor}
---@return nn.BCEWithLogitsLoss
function nn.BCEWithLogitsLoss(options) end

---The binary cross-entropy of probabilities; logarithms end at -100. Numbers outside of 0..1 are an error (in a compiled function the loss is nan then).
---@class nn.BCELoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field weight nn.Tensor?

---The binary cross-entropy of probabilities; logarithms end at -100. Numbers outside of 0..1 are an error (in a compiled function the loss is nan then).
---
---    nn.BCELoss()(nn.tensor {0.5, 0.9}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none", weight: nn.Tensor}
---@return nn.BCELoss
function nn.BCELoss(options) end

---The binary cross-entropy of logits, where samples that are easy count less. alpha: the weight of the targets that are 1; negative: none.
---@class nn.FocalLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field gamma number
---@field alpha number

---The binary cross-entropy of logits, where samples that are easy count less. alpha: the weight of the targets that are 1; negative: none.
---
---    nn.FocalLoss()(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none", gamma: number, alpha: number}
---@return nn.FocalLoss
function nn.FocalLoss(options) end

---The Kullback-Leibler divergence; the input is log-probabilities, the target probabilities, or with log_target their logarithms. reduction "batchmean" is the divergence itself.
---@class nn.KLDivLoss: nn.Module
---@field reduction "mean"|"batchmean"|"sum"|"none"
---@field log_target boolean

---The Kullback-Leibler divergence; the input is log-probabilities, the target probabilities, or with log_target their logarithms. reduction "batchmean" is the divergence itself.
---
---    nn.KLDivLoss {reduction = "batchmean"}(nn.tensor {{-1.0, -0.5}}, nn.tensor {{0.5, 0.5}})
---@param options? {reduction: "mean"|"batchmean"|"sum"|"none", log_target: boolean}
---@return nn.KLDivLoss
function nn.KLDivLoss(options) end

---The support vector machine's loss; targets are -1 and 1, or 0 and 1.
---@class nn.HingeLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field margin number

---The support vector machine's loss; targets are -1 and 1, or 0 and 1.
---
---    nn.HingeLoss()(nn.tensor {0.5, -2.0}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none", margin: number}
---@return nn.HingeLoss
function nn.HingeLoss(options) end

---The square of the hinge loss.
---@class nn.SquaredHingeLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field margin number

---The square of the hinge loss.
---
---    nn.SquaredHingeLoss()(nn.tensor {0.5, -2.0}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none", margin: number}
---@return nn.SquaredHingeLoss
function nn.SquaredHingeLoss(options) end

---A smooth hinge; targets are -1 and 1.
---@class nn.SoftMarginLoss: nn.Module
---@field reduction "mean"|"sum"|"none"

---A smooth hinge; targets are -1 and 1.
---
---    nn.SoftMarginLoss()(nn.tensor {0.5, -2.0}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none"}
---@return nn.SoftMarginLoss
function nn.SoftMarginLoss(options) end

---For distances: small where the target is 1, large where it is -1.
---@class nn.HingeEmbeddingLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field margin number

---For distances: small where the target is 1, large where it is -1.
---
---    nn.HingeEmbeddingLoss()(nn.tensor {0.5, -2.0}, nn.tensor {1.0, 1.0})
---@param options? {reduction: "mean"|"sum"|"none", margin: number}
---@return nn.HingeEmbeddingLoss
function nn.HingeEmbeddingLoss(options) end

---Which of two should be larger: the first where the target is 1, the second where it is -1.
---@class nn.MarginRankingLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field margin number

---Which of two should be larger: the first where the target is 1, the second where it is -1.
---
---    nn.MarginRankingLoss()(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {1.0})
---@param options? {reduction: "mean"|"sum"|"none", margin: number}
---@return nn.MarginRankingLoss
function nn.MarginRankingLoss(options) end

---The hinge loss of several classes; targets are int64 classes from 1.
---@class nn.MultiMarginLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field p integer
---@field margin number
---@field weight nn.Tensor?

---The hinge loss of several classes; targets are int64 classes from 1.
---
---    nn.MultiMarginLoss()(nn.tensor {{2.0, 1.5}}, nn.tensor {1})
---@param options? {reduction: "mean"|"sum"|"none", p: integer, margin: number, weight: nn.Tensor}
---@return nn.MultiMarginLoss
function nn.MultiMarginLoss(options) end

---Several classes a sample: each row of the target lists its classes, then 0.
---@class nn.MultiLabelMarginLoss: nn.Module
---@field reduction "mean"|"sum"|"none"

---Several classes a sample: each row of the target lists its classes, then 0.
---
---    nn.MultiLabelMarginLoss()(nn.tensor {{0.1, 0.8, 0.3}}, nn.tensor {{2, 0, 0}})
---@param options? {reduction: "mean"|"sum"|"none"}
---@return nn.MultiLabelMarginLoss
function nn.MultiLabelMarginLoss(options) end

---The mean over classes of the binary cross-entropy of each logit.
---@class nn.MultiLabelSoftMarginLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field weight nn.Tensor?

---The mean over classes of the binary cross-entropy of each logit.
---
---    nn.MultiLabelSoftMarginLoss()(nn.tensor {{1.0, -1.0}}, nn.tensor {{1.0, 0.0}})
---@param options? {reduction: "mean"|"sum"|"none", weight: nn.Tensor}
---@return nn.MultiLabelSoftMarginLoss
function nn.MultiLabelSoftMarginLoss(options) end

---The angle between vectors: small where the target is 1, not too small where it is -1.
---@class nn.CosineEmbeddingLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field margin number

---The angle between vectors: small where the target is 1, not too small where it is -1.
---
---    nn.CosineEmbeddingLoss()(nn.tensor {{1.0, 0.0}}, nn.tensor {{1.0, 1.0}}, nn.tensor {1.0})
---@param options? {reduction: "mean"|"sum"|"none", margin: number}
---@return nn.CosineEmbeddingLoss
function nn.CosineEmbeddingLoss(options) end

---The anchor should be nearer to the positive than to the negative. swap: the negative's distance is the smaller one of those to anchor and positive.
---@class nn.TripletMarginLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field margin number
---@field p number
---@field eps number
---@field swap boolean

---The anchor should be nearer to the positive than to the negative. swap: the negative's distance is the smaller one of those to anchor and positive.
---
---    nn.TripletMarginLoss()(nn.tensor {{0.0, 0.0}}, nn.tensor {{0.0, 1.0}}, nn.tensor {{3.0, 0.0}})
---@param options? {reduction: "mean"|"sum"|"none", margin: number, p: number, eps: number, swap: boolean}
---@return nn.TripletMarginLoss
function nn.TripletMarginLoss(options) end

---The negative log-likelihood of labels whose places in a longer sequence are not known. log_probs are length x batch x classes (of log_softmax); targets batch x labels, of which target_lengths count, or the labels of all targets one behind another. Classes count from 1, and one of them is the blank. The mean is one over the batch of the loss divided by the number of labels. What cannot be is inf, or 0 with zero_infinity, without a gradient.
---@class nn.CTCLoss: nn.Module
---@field reduction "mean"|"sum"|"none"
---@field blank integer
---@field zero_infinity boolean

---The negative log-likelihood of labels whose places in a longer sequence are not known. log_probs are length x batch x classes (of log_softmax); targets batch x labels, of which target_lengths count, or the labels of all targets one behind another. Classes count from 1, and one of them is the blank. The mean is one over the batch of the loss divided by the number of labels. What cannot be is inf, or 0 with zero_infinity, without a gradient.
---
---    nn.CTCLoss()(nn.zeros(4, 1, 3):log_softmax(3), nn.tensor {{2, 3}}, nn.tensor {4}, nn.tensor {2})
---@param options? {reduction: "mean"|"sum"|"none", blank: integer, zero_infinity: boolean}
---@return nn.CTCLoss
function nn.CTCLoss(options) end

---@class nn.AveragedModel
local AveragedModel = {}

---Goes on from what state_dict gave: averages, their number and the decay.
---@param state any what state_dict gave
function AveragedModel:load_state_dict(state) end

---Gives what is needed to go on later: the averages, and of how many updates they are.
---@return table state
function AveragedModel:state_dict() end

---Takes the model's weights into the average. Buffers (running statistics) are copied.
---@return nn.AveragedModel self
function AveragedModel:update() end

---@class nn.Checkpoint
local Checkpoint = {}

---Puts everything back as it was saved, and gives what save was given; nil where there is no checkpoint yet.
---@return table|nil extra what save was given; nil where there is no checkpoint
function Checkpoint:restore() end

---Writes the states of all parts, the random numbers, and numbers of one's own. The file is there whole or not at all.
---@param extra? table what the loop needs to know to go on, e.g. {step = 100}
function Checkpoint:save(extra) end

---@class nn.Compiled
local Compiled = {}

---Names what the i-th program of a compiled function depends on: when one of these has changed, a call records again.
function Compiled:guards(...) end

---Calls the function with these arguments for about half a second and gives the program with the time of each
---instruction and its share. The function does what it does: a training step trains.
---@param ... any arguments
---@return string
function Compiled:profile(...) end

---Tells how often a compiled function was recorded, and how many programs it holds.
function Compiled:recordings() end

---Tells why a function that was compiled with {fallback = true} is called as it is; nil where it is compiled.
function Compiled:refused() end

---Forgets all programs, so that the next call records again.
function Compiled:reset() end

---@class nn.ConjugateGradient
local ConjugateGradient = {}

---Is an error: this optimizer has one group of parameters, which it is made with.
function ConjugateGradient:add_param_group() end

---Gives the text that print shows: the number of parameter tensors.
---@return string
function ConjugateGradient:describe() end

---Goes on from what state_dict gave. Where it does not fit the parameters, it is an error and nothing is changed.
---@param saved any what state_dict gave
function ConjugateGradient:load_state_dict(saved) end

---Gives what is needed to go on later: the options, and what was learned of the curvature.
---@return table state
function ConjugateGradient:state_dict() end

---Makes up to max_iter iterations; the closure clears the gradients, computes the loss, calls backward and gives the loss.
---@param closure fun(): nn.Tensor
---@return number loss before the step
function ConjugateGradient:step(closure) end

---@class nn.Context
local Context = {}

---Keeps tensors for backward; there, ctx:saved() gives them (ctx.saved_tensors as a list). Arguments and results keep their
---history, so that backward can be differentiated in turn; what is changed in place before then is an error there. Other values
---can be fields of ctx.
function Context:save_for_backward() end

---Gives the tensors that forward kept with save_for_backward, in their order. Without any it is an error.
---@return nn.Tensor ...
function Context:saved() end

---Says whether backward gets zeros (true, as at the start) or nil as the gradient of a result that nothing depends on.
---@param on boolean
function Context:set_materialize_grads(on) end

---@class nn.Dataset
local Dataset = {}

---Gives the samples in batches: `for x, y in loader do` goes once over all of them, #loader is the number of batches.
---Options: batch_size (32), shuffle (false: in order; true: a new order each pass), drop_last (false; true: a last batch that
---is smaller is left out), generator of the orders (default: the one that nn.manual_seed seeds).
---@param opts? {batch_size: integer, shuffle: boolean, drop_last: boolean, generator: nn.Generator}
---@return nn.Loader
function Dataset:loader(opts) end

---Gives samples first .. last (from 1, both included) as a data set. Its tensors are views of the same memory.
---@param first integer
---@param last integer
---@return nn.Dataset
function Dataset:range(first, last) end

---Cuts the samples at random into two data sets, the given share and the rest: for a validation set.
---Samples are copied. Options: generator (default: the one that nn.manual_seed seeds). A part that would be empty is an error.
---@param share number a share between 0 and 1 (0.8), or a number of samples (800)
---@param opts? {generator: nn.Generator}
---@return nn.Dataset part, nn.Dataset rest
function Dataset:split(share, opts) end

---@class nn.Experiment
local Experiment = {}

---Gives the same experiment with other defaults.
---@param values table name -> value
---@return nn.Experiment
function Experiment:with(values) end

---Makes random numbers of their own. Random ops take one as {generator = g}; without a seed, one that nobody knows is taken.
function nn.Generator(...) end

---@class nn.Generator
local Generator = {}

---Draws an integer from 1 to n, each as likely.
function Generator:integer(...) end

---Starts the generator anew from a seed.
function Generator:manual_seed(...) end

---Goes on from where g:state() was.
function Generator:set_state(...) end

---Tells where the generator stands; g:set_state goes on from there.
function Generator:state() end

---@class nn.LBFGS
local LBFGS = {}

---Is an error: this optimizer has one group of parameters, which it is made with.
function LBFGS:add_param_group() end

---Gives the text that print shows: the number of parameter tensors.
---@return string
function LBFGS:describe() end

---Goes on from what state_dict gave. Where it does not fit the parameters, it is an error and nothing is changed.
---@param saved any what state_dict gave
function LBFGS:load_state_dict(saved) end

---Gives what is needed to go on later: the options, and what was learned of the curvature.
---@return table state
function LBFGS:state_dict() end

---Makes up to max_iter iterations; the closure clears the gradients, computes the loss, calls backward and gives the loss.
---@param closure fun(): nn.Tensor
---@return number loss before the step
function LBFGS:step(closure) end

---Makes the lasso: min sum (x . w + b - y)^2 + lambda sum |w|, by coordinate descent. Weights that do not pay are exactly 0.
---Fields after fit: weight, bias, sweeps. Options: lambda (1), intercept (true; false: b = 0), max_iter (10000 sweeps),
---tolerance (1e-10: it ends when no weight moves by more than this share).
---@param opts? {lambda: number, intercept: boolean, max_iter: integer, tolerance: number}
---@return nn.LassoRegression
function nn.LassoRegression(opts) end

---@class nn.LassoRegression
local LassoRegression = {}

---Fits weight and bias to samples and gives the model itself.
---@param x nn.Tensor n x d
---@param y nn.Tensor n, n x 1 or, but for the lasso, n x outputs
---@return table self
function LassoRegression:fit(x, y) end

---Gives x . weight + bias, of the shape that the targets had.
---@param x nn.Tensor n x d
---@return nn.Tensor
function LassoRegression:predict(x) end

---Gives R^2, the share of the targets' variance that is explained: 1 - sum (y - prediction)^2 / sum (y - mean y)^2.
---@param x nn.Tensor
---@param y nn.Tensor
---@return number
function LassoRegression:score(x, y) end

---@class nn.LevenbergMarquardt
local LevenbergMarquardt = {}

---Is an error: this optimizer has one group of parameters, which it is made with.
function LevenbergMarquardt:add_param_group() end

---Gives the text that print shows: the number of parameter tensors.
---@return string
function LevenbergMarquardt:describe() end

---Goes on from what state_dict gave. Where it does not fit the parameters, it is an error and nothing is changed.
---@param saved any what state_dict gave
function LevenbergMarquardt:load_state_dict(saved) end

---Gives what is needed to go on later: the options, and what was learned of the curvature.
---@return table state
function LevenbergMarquardt:state_dict() end

---Makes up to max_iter iterations and gives half the sum of squares before, and after.
---@param closure fun(): nn.Tensor the residuals
---@return number before, number after
function LevenbergMarquardt:step(closure) end

---Makes least squares: min sum (x . w + b - y)^2, by QR. Fields after fit: weight, bias. All in float64.
---Options: intercept (true; false: b = 0).
---@param opts? {intercept: boolean}
---@return nn.LinearRegression
function nn.LinearRegression(opts) end

---@class nn.LinearRegression
local LinearRegression = {}

---Fits weight and bias to samples and gives the model itself.
---@param x nn.Tensor n x d
---@param y nn.Tensor n, n x 1 or, but for the lasso, n x outputs
---@return table self
function LinearRegression:fit(x, y) end

---Gives x . weight + bias, of the shape that the targets had.
---@param x nn.Tensor n x d
---@return nn.Tensor
function LinearRegression:predict(x) end

---Gives R^2, the share of the targets' variance that is explained: 1 - sum (y - prediction)^2 / sum (y - mean y)^2.
---@param x nn.Tensor
---@param y nn.Tensor
---@return number
function LinearRegression:score(x, y) end

---@class nn.Loader
local Loader = {}

---Gives an iterator over one pass: each call gives the next batch x, y (and what else the data set has), and nil at the end.
---@return fun(): nn.Tensor?, nn.Tensor?, ...
function Loader:batches() end

---Lets the next pass go on where the saved one was. The loader must have the same number of samples and the same options.
---@param saved any what state_dict gave
function Loader:load_state_dict(saved) end

---Gives what is needed to go on in the middle of a pass: the order of the samples, how many batches were given, and the state
---of the loader's generator. Without a generator, the order of later passes is drawn from what nn.rng_state() gives.
---@return table state
function Loader:state_dict() end

---Makes logistic regression, which classifies by a linear function. Two classes: sigmoid(x . w + b), by Newton's method
---(method = "newton", that is iteratively reweighted least squares) or gradient descent with a line search ("gradient"); more
---classes: softmax, by L-BFGS. Maximizes the likelihood less l2 / 2 sum w^2. Labels may be any numbers; predictions are of the
---same kind. Fields after fit: weight, bias, classes, converged. Options: method ("newton"), l2 (0), max_iter (100), tolerance
---(1e-9).
---@param opts? {method: string, l2: number, max_iter: integer, tolerance: number}
---@return nn.LogisticRegression
function nn.LogisticRegression(opts) end

---@class nn.LogisticRegression
local LogisticRegression = {}

---Fits weight and bias to samples and labels and gives the model itself.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return nn.LogisticRegression self
function LogisticRegression:fit(x, y) end

---Gives the likeliest class of each sample, as the labels that fit was given.
---@param x nn.Tensor n x d
---@return nn.Tensor n labels
function LogisticRegression:predict(x) end

---Gives the probability of the higher class (n), or of each class (n x classes).
---@param x nn.Tensor n x d
---@return nn.Tensor
function LogisticRegression:predict_proba(x) end

---Gives the share of samples that get their label.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return number
function LogisticRegression:score(x, y) end

---@class nn.Lookahead
local Lookahead = {}

---Adds a group to the inner optimizer; its slow weights begin where it is at the next k-th step.
---@param group any {params = {...}}, and options of its own
function Lookahead:add_param_group(group) end

---Gives the text that print shows: k, alpha and the inner optimizer.
---@return string
function Lookahead:describe() end

---Goes on from what state_dict gave. Where the slow weights do not fit the parameters, it is an error and nothing changes.
---@param saved any what state_dict gave
function Lookahead:load_state_dict(saved) end

---Gives what is needed to go on later: the inner optimizer's state, the slow weights and the steps since they moved.
---@return table state
function Lookahead:state_dict() end

---Makes the inner optimizer's step; after every k-th, the slow weights move and the fast ones start from them.
function Lookahead:step() end

---@class nn.Metric
local Metric = {}

---Adds a batch: what the model gave, and the targets.
---@param output nn.Tensor
---@param target nn.Tensor
---@return nn.Metric self
function Metric:add(output, target) end

---Goes on from a state of the same metric.
---@param state table
---@return nn.Metric self
function Metric:load_state_dict(state) end

---Forgets all batches.
---@return nn.Metric self
function Metric:reset() end

---Gives what was counted so far, for nn.save.
---@return table state
function Metric:state_dict() end

---Gives the metric over all batches that were added: a number, or of a confusion matrix and of average = "none" a tensor.
---Where it is nan, a second value says why.
---@return number|nn.Tensor value, string? why
function Metric:value() end

---Calls f on this module and all below it, the inner ones first.
---@param f fun(m: nn.Module)
---@return nn.Module self
function Module:apply(f) end

---Computes the output: what m(...) does, with the hooks.
function Module:call(...) end

---Gives a copy with parameters, buffers and sub-modules of its own; what was shared within the module is shared within the
---copy.
---@return nn.Module
function Module:clone() end

---Gives the text that print shows: the layer, or the layers within it, with their numbers of parameters.
---@return string
function Module:describe() end

---Sets evaluation mode for this module and all below it: dropout does nothing, batch norm uses its running averages. It does
---not turn off gradients; nn.no_grad does.
---@return nn.Module self
function Module:eval() end

---Makes a class of layers or networks: give it init, which makes the parts, and forward, which computes.
---@param name string shown by print
---@return nn.Module class
function Module:extend(name) end

---Computes the output: a class defines it, and a call of the module, net(x), calls it with the hooks. Without one it is an
---error.
function Module:forward() end

---Copies values from a state into parameters and buffers. Names and shapes must agree: what is missing, left over or
---of another shape is an error, and then nothing was changed. Options: strict (true; false: names that are missing or left over
---are no error, and a second result lists them: {missing = {...}, unexpected = {...}}).
---@param state table<string, nn.Tensor>
---@param options? {strict: boolean}
---@return nn.Module self, {missing: string[], unexpected: string[]}? names
function Module:load_state_dict(state, options) end

---Gives pairs {name, buffer}, in order: tensors that are saved but not trained, such as a batch norm's running averages.
---@return table[]
function Module:named_buffers() end

---Gives pairs {name, module}, this one first, with the name "".
---@return table[]
function Module:named_modules() end

---Gives pairs {name, parameter}, in order; names are paths such as "1.weight", as in state_dict.
---@return table[]
function Module:named_parameters() end

---object. Parameters, layers, and lists of layers that are assigned to self belong to it. nn.help "Module:state_dict" and the
---like tell what a method does.
function Module:new(...) end

---Gives the number of parameters (all elements), and how many of them are trained.
---@return integer all, integer trained
function Module:parameter_count() end

---Gives all parameters, sub-modules' included, in the order in which they were assigned: what an optimizer is made of.
---@return nn.Tensor[]
function Module:parameters() end

---Makes a tensor part of the module that is saved with it but not trained, such as a running average. It is the field
---self[name].
---@param name string
---@param value nn.Tensor
function Module:register_buffer(name, value) end

---Calls f(module, output, ...) after each forward, with the arguments of forward behind the output, to look at a layer's outputs
---or to change them; what it returns takes the output's place. Of a layer with several outputs (nn.LSTM) `output` is a table
---of them, and so is what takes their place. Gives a function that takes the hook away again.
---@param f function
---@return fun() remove takes the hook away again
function Module:register_forward_hook(f) end

---Calls f(module, ...) with the arguments before each forward; what it returns takes their place. Gives a function that takes
---the hook away again.
---@param f function
---@return fun() remove takes the hook away again
function Module:register_forward_pre_hook(f) end

---Turns gradients of all parameters on or off: off, the module is frozen, and an optimizer leaves it as it is.
---@param on? boolean default true
---@return nn.Module self
function Module:requires_grad_(on) end

---Gives all parameters and buffers by name, for nn.save. The tensors share memory with the module: clone what is to stay.
---@return table<string, nn.Tensor>
function Module:state_dict() end

---Converts parameters, their gradients and float buffers to another float dtype, in place: they stay the objects they are,
---so optimizers made before go on, and what was shared stays shared.
---@param dtype string "float32" or "float64"
---@return nn.Module self
function Module:to(dtype) end

---Sets training mode for this module and all below it: dropout drops, batch norm uses the batch. Modules begin in it.
---@param on? boolean default true; false: evaluation mode
---@return nn.Module self
function Module:train(on) end

---Forgets the gradients of all parameters, which backward would otherwise add to.
function Module:zero_grad() end

---@class nn.Optimizer
local Optimizer = {}

---Adds a group of parameters: {params = {...}} with options of its own; those left out are the optimizer's.
---@param group any {params = {...}}, and options of its own
function Optimizer:add_param_group(group) end

---Gives the text that print shows: a line for each group, with its options.
---@return string
function Optimizer:describe() end

---Goes on from a state_dict of an optimizer of the same kind over parameters of the same shapes. Where it does not fit, it is
---an error and nothing is changed.
---@param saved any what state_dict gave
function Optimizer:load_state_dict(saved) end

---Gives what is needed to go on later: options of the groups and, for each parameter, the number of steps and its averages.
---@return table state
function Optimizer:state_dict() end

---Makes one update of all parameters that have gradients. A closure, if one is given, is called before and computes them: it
---does what a training step does (zero_grad, forward, backward) and returns the loss, which step then gives back.
---@param closure? fun(): nn.Tensor
function Optimizer:step(closure) end

---Forgets all gradients, which backward would otherwise add to. Call it before each backward.
function Optimizer:zero_grad() end

---Makes a leaf that shares x's values and wants a gradient. As a field of a module it is one of its parameters.
function nn.Parameter(...) end

---Makes Rosenblatt's perceptron: a threshold unit, 1 if W . x > theta, else 0, and his rule for it; with more than two classes,
---one unit each. Fields after fit: W, theta, classes.
---Options: variant ("plain", Rosenblatt 1958; "averaged" and "voted", Freund & Schapire 1999; "pocket", Gallant 1990, with
---ratchet: the weights that did best on the training data are kept), lr (1), epochs (1000 at most), init ("zeros", "random":
---N(0, 1), or a table {W = numbers, theta = number}), shuffle (false; true: the points in a new order each epoch), seed (1).
---@param opts? {variant: string, lr: number, epochs: integer, init: string|table, shuffle: boolean, seed: integer}
---@return nn.Perceptron
function nn.Perceptron(opts) end

---@class nn.Perceptron
local Perceptron = {}

---Gives W . x - theta, above 0 for the higher class; for more classes each one's, n x classes.
---@param x nn.Tensor n x d
---@return nn.Tensor
function Perceptron:decision(x) end

---Learns from points (n x d) and labels. Returns a report: converged (a whole epoch without a mistake), epochs, updates,
---accuracy and, for two classes, radius R = max |(x, -1)|, margin gamma (the largest one of a plane, 0 where there is
---none) and bound, which updates cannot exceed: (R / gamma)^2 from zeros (Novikoff 1962), and 2 |w0| / (lr gamma) more from w0:
---after k updates lr k gamma - |w0| <= |w| <= sqrt(|w0|^2 + lr^2 k R^2).
---@param x nn.Tensor
---@param y nn.Tensor
---@return table report
function Perceptron:fit(x, y) end

---Gives the labels of points, of the kind that fit was given.
---@param x nn.Tensor n x d
---@return nn.Tensor n labels
function Perceptron:predict(x) end

---Gives the share of points that get their label.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels
---@return number
function Perceptron:score(x, y) end

---@class nn.ReduceLROnPlateau
local ReduceLROnPlateau = {}

---Takes the figure of this epoch and lets the rate fall if it has not improved for too long.
---@param value number|nn.Tensor the figure to watch
function ReduceLROnPlateau:step(value) end

---@class nn.Regex
local Regex = {}

---Gives where the first match begins, where all matches from there end (the longest first), and how many there are; 0: more than
function Regex:dfa_exec(...) end

---Gives the first and last position, and a table of the groups' first and last positions.
function Regex:exec(...) end

---Gives the first and last position of the first match, then its groups; nil where there is none.
function Regex:find(...) end

---Gives what PCRE2 knows of the pattern, with the pattern's PATTERN, NAMES and JIT.
function Regex:fullinfo() end

---Translates the pattern to machine code; patterns are without asking where that is possible.
function Regex:jit_compile(...) end

---Gives the groups of the first match (or the whole match, where the pattern has none); nil where there is none.
function Regex:match(...) end

---Gives what PCRE2 knows of the pattern, such as its number of groups.
function Regex:patterninfo() end

---Gives the first and last position, and a table of the groups by number and, for named groups, by name.
function Regex:tfind(...) end

---Makes ridge regression: min sum (x . w + b - y)^2 + lambda sum w^2, the intercept not penalized: w = (X^T X + lambda I)^-1
---X^T y. Fields after fit: weight, bias. Options: lambda (1), intercept (true; false: b = 0).
---@param opts? {lambda: number, intercept: boolean}
---@return nn.RidgeRegression
function nn.RidgeRegression(opts) end

---@class nn.RidgeRegression
local RidgeRegression = {}

---Fits weight and bias to samples and gives the model itself.
---@param x nn.Tensor n x d
---@param y nn.Tensor n, n x 1 or, but for the lasso, n x outputs
---@return table self
function RidgeRegression:fit(x, y) end

---Gives x . weight + bias, of the shape that the targets had.
---@param x nn.Tensor n x d
---@return nn.Tensor
function RidgeRegression:predict(x) end

---Gives R^2, the share of the targets' variance that is explained: 1 - sum (y - prediction)^2 / sum (y - mean y)^2.
---@param x nn.Tensor
---@param y nn.Tensor
---@return number
function RidgeRegression:score(x, y) end

---@class nn.Run
local Run = {}

---Makes a picture: calls draw with the name of a file (figures/NAME.png), or with nil where the run is not recorded, so that
---nn.plot draws in the terminal.
---@param name string
---@param draw fun(file: string|nil)
function Run:figure(name, draw) end

---Gives the path of a file of the run by its name, or nil where the run is not recorded. Folders are made.
---@param name string e.g. "samples.npy"
---@return string|nil
function Run:file(name) end

---Adds a row to the run's history: any names, numbers, strings or booleans. A recorded run has it in history.jsonl.
---@param row table
function Run:log(row) end

---@class nn.Scheduler
local Scheduler = {}

---Gives the learning rates as they are now, one a group.
---@return number[]
function Scheduler:get_last_lr() end

---Goes on from the state of a scheduler of the same kind over an optimizer with as many groups.
---@param state any what state_dict gave
function Scheduler:load_state_dict(state) end

---Gives what is needed to go on later: the step, the base rates, what the scheduler has seen, and the options of the groups as
---they are now.
---@return table state
function Scheduler:state_dict() end

---Goes one step on, an epoch or a batch as you like, and sets the learning rate of every group. Call it after the optimizer's.
function Scheduler:step() end

---@class nn.StandardScaler
local StandardScaler = {}

---Takes mean and deviation from these samples: those of the training set.
---@param x nn.Tensor
---@return nn.StandardScaler self
function StandardScaler:fit(x) end

---Does both: fit(x), and gives x transformed.
---@param x nn.Tensor
---@return nn.Tensor
function StandardScaler:fit_transform(x) end

---Undoes transform, x * std + mean: predictions in the units of the targets.
---@param x nn.Tensor
---@return nn.Tensor
function StandardScaler:inverse_transform(x) end

---Goes on with what state_dict gave.
---@param saved any
---@return nn.StandardScaler self
function StandardScaler:load_state_dict(saved) end

---Gives mean and std, for nn.save beside the model.
---@return table
function StandardScaler:state_dict() end

---Shifts and scales x by what was fitted: (x - mean) / std.
---@param x nn.Tensor
---@return nn.Tensor
function StandardScaler:transform(x) end

---@class nn.Watch
local Watch = {}

---Gives the diagnosis with the updates that were seen. Options: those of nn.diagnose.look.
---@param loader nn.Loader
---@param loss fun(output: any, target: any): nn.Tensor a loss layer, or a function
---@param opts? table those of nn.diagnose
---@return nn.Diagnosis
function Watch:report(loader, loss, opts) end

---Is nn.AlphaDropout as a function. Dropout for SELU nets: units are set to SELU's negative limit, and the result is moved and scaled so that mean and variance stay.
function nn.alpha_dropout(...) end

nn.autograd = {}

---Makes an operation with a gradient of one's own: its forward and backward are Lua functions. backward gets a gradient for
---each result (zeros where nothing depends on it) and gives one for each argument (nil for those that are no tensors).
---Written with operations that have gradients, it can be differentiated in turn. ctx.needs_input_grad[i] tells whether argument i
---wants a gradient.
---@param definition {forward: function, backward: function}
---@return nn.autograd.Function
function nn.autograd.Function(definition) end

---Saves memory in a backward pass: calls f(...) without keeping what its gradients need, and again on the way back, when the
---first of these is needed: memory for time. The graph is that of the plain call, so gradients of any order and for any
---tensor are, too. Random numbers are drawn the same again, and running averages that f changes are changed once. f must do
---the same when it is called again; where it does not, the backward is an error that says so.
---@param f function
---@param ... any tensors and others
---@return any ... f's results
function nn.autograd.checkpoint(f, ...) end

---Looks for where nan begins: while f runs, an op that makes nan from inputs without nan is an error which names it, its
---line, and on the way back the line of the forward pass. Slow: every result is looked at. What nn.compile replays is not:
---look at the plain function.
---@param f function
---@param ... any its arguments
---@return any ... its results
function nn.autograd.detect_anomaly(f, ...) end

---Runs f with recording, also inside no_grad.
function nn.autograd.enable_grad(...) end

---Gives the gradients of output for one tensor, or for a list of them (then a list). Leaves' .grad stay as they are.
function nn.autograd.grad(...) end

---Holds the gradients of f against central differences, in float64: true, or an error that names the first element where they
---differ, and both numbers. They may differ by atol + rtol * |difference quotient|.
---inputs: a tensor, or a list of what f is called with; of the float tensors among them those that require a gradient are
---looked at, or all if none does. They are copied to float64; what else f uses must be float64 already. Random numbers (dropout)
---are the same in each call. At a kink, such as ReLU at 0, the two rightly differ. It takes a backward for each element of the
---results, and two calls for each element of the inputs.
---@param f function
---@param inputs nn.Tensor|table
---@param opts? {eps: number, atol: number, rtol: number} 1e-6, 1e-5, 1e-3
---@return boolean true
function nn.autograd.gradcheck(f, inputs, opts) end

---Holds the gradients of gradients of f against differences, as gradcheck does: for its inputs, and for the gradients that come
---in to its results (random ones).
---@param f function
---@param inputs nn.Tensor|table
---@param opts? {eps: number, atol: number, rtol: number} 1e-6, 1e-5, 1e-3
---@return boolean true
function nn.autograd.gradgradcheck(f, inputs, opts) end

---Runs f without recording, so that nothing in it gets a gradient: for evaluation, and for changing weights by hand.
function nn.autograd.no_grad(...) end

---Calls f with x's gradient whenever one arrives: to look at it or to change it; what f returns takes its place. Of a
---leaf, that is the whole gradient of one backward. Also x:register_hook(f). Gives a function that takes the hook away again.
---@param x nn.Tensor
---@param f fun(gradient: nn.Tensor): nn.Tensor?
---@return fun() remove
function nn.autograd.register_hook(x, f) end

---Normalizes each channel (dim 2: a column, or a plane of every image) by running_mean and running_var, then scales and shifts
---it. With training = true by the mean and the variance of the batch, which the running ones then follow (they may be left out).
---@param x nn.Tensor batch x channels (x ...)
---@param running_mean? nn.Tensor|table of the channels; changed in place while training; or all options by name
---@param running_var? nn.Tensor
---@param opts? {weight: nn.Tensor, bias: nn.Tensor, training: boolean, momentum: number, eps: number} false, 0.1, 1e-5; weight
---@return nn.Tensor
function nn.batch_norm(x, running_mean, running_var, opts) end

---Is nn.BCELoss as a function. The binary cross-entropy of probabilities; logarithms end at -100. Numbers outside of 0..1 are an error (in a compiled function the loss is nan then).
function nn.binary_cross_entropy(...) end

---Saves memory in a backward pass: calls f(...) without keeping what its gradients need, and again on the way back, when the
---first of these is needed: memory for time. The graph is that of the plain call, so gradients of any order and for any
---tensor are, too. Random numbers are drawn the same again, and running averages that f changes are changed once. f must do
---the same when it is called again; where it does not, the backward is an error that says so.
---@param f function
---@param ... any tensors and others
---@return any ... f's results
function nn.checkpoint(f, ...) end

---Makes a function of tensors faster: it records itself when first called and is replayed from then on.
---@param f function
---@param opts? {fallback: boolean}
---@return nn.Compiled
function nn.compile(f, opts) end

---Is nn.CosineEmbeddingLoss as a function. The angle between vectors: small where the target is 1, not too small where it is -1.
function nn.cosine_embedding_loss(...) end

---Is nn.CTCLoss as a function. The negative log-likelihood of labels whose places in a longer sequence are not known. log_probs are length x batch x classes (of log_softmax); targets batch x labels, of which target_lengths count, or the labels of all targets one behind another. Classes count from 1, and one of them is the blank. The mean is one over the batch of the loss divided by the number of labels. What cannot be is inf, or 0 with zero_infinity, without a gradient.
function nn.ctc_loss(...) end

nn.data = {}

---Shifts and scales columns to mean 0 and deviation 1, by what the training set says, and back, as scikit-learn's:
---fit, transform, fit_transform, inverse_transform, state_dict and load_state_dict; what they give are new tensors.
---The deviation is that of the samples (divided by their number). A constant column is only shifted.
---@param opts? {dim: integer|integer[]} the dims that mean and deviation are taken over: 1, the samples; {1, 3, 4} gives one for
---@return nn.StandardScaler
function nn.data.StandardScaler(opts) end

---Makes Gaussian clouds, one class each: around centers that are uniform in -spread .. spread.
---Options: n (300 points in all), classes (3), features (2), std (1, of a cloud), spread (5), seed (1).
---@param opts? {n: integer, classes: integer, features: integer, std: number, spread: number, seed: integer}
---@return nn.Dataset
function nn.data.blobs(opts) end

---Makes the two classes of a chess board: points in the square -1 .. 1 whose class (1 or 2) changes from field to field.
---Options: n (1000), fields (4 a side), noise (0, a standard deviation of x), seed (1).
---@param opts? {n: integer, fields: integer, noise: number, seed: integer}
---@return nn.Dataset
function nn.data.checkerboard(opts) end

---Makes two circles in the plane: one of radius 1 (class 1) and one inside it (class 2).
---Options: n (400 points in all), noise (0.05, a standard deviation), factor (0.5, the inner one's radius), seed (1).
---@param opts? {n: integer, noise: number, factor: number, seed: integer}
---@return nn.Dataset
function nn.data.circles(opts) end

---Reads Fashion-MNIST (Xiao et al. 2017): 60,000 training and 10,000 test images of clothes, 28 x 28, in 10 classes.
---x is float32 in 0..1, samples x 784 (or samples x 28 x 28), y is int64 in 1..10, `classes` names them.
---Options: root (default: $NNLUA_DATA, else nn.data.fashion_mnist_directory), flatten (true; false: samples x 28 x 28),
---normalize (false; true: subtract the training set's mean and divide by its deviation, both parts by the same numbers).
---Where the files are not there, the error says how to get them.
---@param opts? {root: string, flatten: boolean, normalize: boolean}
---@return nn.Dataset train, nn.Dataset test
function nn.data.fashion_mnist(opts) end

---Cuts one Gaussian cloud into shells: of equal numbers, by the distance from its middle; shell i is class i.
---Options: n (600), classes (3), features (2), seed (1).
---@param opts? {n: integer, classes: integer, features: integer, seed: integer}
---@return nn.Dataset
function nn.data.gaussian_quantiles(opts) end

---Tells whether the files of Fashion-MNIST are there: so that a script can take other data instead.
---Options: root, their directory (default: $NNLUA_DATA, else nn.data.fashion_mnist_directory).
---@param opts? {root: string}
---@return boolean
function nn.data.has_fashion_mnist(opts) end

---Makes two half circles that reach into each other: one class each; no line separates them, a small net does.
---Options: n (400 points in all), noise (0.1, a standard deviation), seed (1).
---@param opts? {n: integer, noise: number, seed: integer}
---@return nn.Dataset
function nn.data.moons(opts) end

---Draws n numbers of noise around 0 of a kind and scale: "gaussian" (scale is the deviation), "laplace" (deviation sqrt(2)
---scale), "uniform" (-scale .. scale), "student" (t with 3 degrees of freedom, times scale: far outliers) or "none" (zeros).
---Options: seed (1).
---@param kind any a string
---@param n any an integer
---@param scale? any a number; needed unless kind is "none"
---@param opts? {seed: integer}
---@return nn.Tensor n
function nn.data.noise(kind, n, scale, opts) end

---Brings x to mean 0 and deviation 1, in place: of the first data set, over all its elements, and the others by the same
---numbers. So give the training set first: the test set must not have a say in it.
---@param train nn.Dataset
---@param ... nn.Dataset
---@return number mean, number deviation
function nn.data.normalize(train, ...) end

---Makes bits and whether their number is odd (class 2): all 2^bits of them, or n drawn at random. x is n x bits, of 0 and 1.
---Options: bits (4, at most 24), n (default all), seed (1).
---@param opts? {bits: integer, n: integer, seed: integer}
---@return nn.Dataset
function nn.data.parity(opts) end

---Makes two classes with a plane between them: no point is nearer than `margin` to the plane w.x = theta, and the nearest of
---each class is exactly that far. Classes 1 (below) and 2 (above). Second result: {w = unit vector, theta, margin}.
---Options: n (100), features (2), margin (0.1), theta (0), seed (1).
---@param opts? {n: integer, features: integer, margin: number, theta: number, seed: integer}
---@return nn.Dataset, table plane
function nn.data.separable(opts) end

---Makes a regression of one number: x uniform in low .. high (n x 1), y = sin(2 pi frequency x) + noise (n x 1).
---Options: n (200), frequency (1), noise ("gaussian"; see nn.data.noise), scale (0.1, of the noise), low (-1), high (1), seed
---(1).
---@param opts? {n: integer, frequency: number, noise: string, scale: number, low: number, high: number, seed: integer}
---@return nn.Dataset
function nn.data.sines(opts) end

---Makes arms that wind around the origin, one class each: hard for a small net (Lang & Witbrock 1988 with two arms).
---Options: n (400 points in all), arms (2), turns (1.5), noise (0.02, a standard deviation), seed (1).
---@param opts? {n: integer, arms: integer, turns: number, noise: number, seed: integer}
---@return nn.Dataset
function nn.data.spirals(opts) end

---Makes a regression of a staircase: x uniform in low .. high (n x 1), y from 0 to 1 in `steps` equal steps, with noise (n x
---1).
---Options: n (200), steps (4), noise ("gaussian"; see nn.data.noise), scale (0.1, of the noise), low (-1), high (1), seed (1).
---@param opts? {n: integer, steps: integer, noise: string, scale: number, low: number, high: number, seed: integer}
---@return nn.Dataset
function nn.data.steps(opts) end

---Makes a sheet rolled up in three dims: x is n x 3, y (n x 1) the place along the roll, from 1.5 pi to 4.5 pi.
---Options: n (1000), noise (0, a standard deviation of x), seed (1).
---@param opts? {n: integer, noise: number, seed: integer}
---@return nn.Dataset
function nn.data.swiss_roll(opts) end

---Makes ten classes of 28 x 28 images, for machines without Fashion-MNIST: each class is a smooth random pattern, each image
---its class's pattern shifted by up to 2 pixels, scaled, with noise. x is float32, samples x 784, y int64 in 1..10.
---Options: train (10000 images), test (2000), seed (1), noise (2.5, the deviation of a pixel's noise).
---@param opts? {train: integer, test: integer, seed: integer, noise: number}
---@return nn.Dataset train, nn.Dataset test
function nn.data.synthetic_images(opts) end

---Makes the targets of a random network: it is known that a net can meet them. Inputs N(0, 1), outputs of a tanh net with
---one hidden layer whose weights are drawn once. Second result: the teacher.
---Options: n (1000), features (10), hidden (5 units), outputs (1), classes (false; true: labels, the largest of the outputs),
---noise (0, a standard deviation added to the outputs), seed (1).
---@param opts? {n: integer, features: integer, hidden: integer, outputs: integer, classes: boolean, noise: number, seed:
---@return nn.Dataset, nn.Module teacher
function nn.data.teacher(opts) end

---Makes a data set from inputs and targets, sample by sample along dim 1. The tensors are not copied. More tensors may follow:
---the loader's batches then have them, too (x, y, and so on), for loops that are written by hand.
---Options: classes, the names of the classes by label (default none). An error where the first dims differ.
---@param x nn.Tensor inputs: samples x ...
---@param y nn.Tensor targets: samples ...
---@param ... any further tensors, samples x ...; last {classes: string[]}
---@return nn.Dataset
function nn.data.tensors(x, y, ...) end

---Makes the exclusive or of two bits, which no line separates: the four points, or n points around them with noise. y is 0 or 1
---as float32 with targets = "float" (n x 1), else classes 1 and 2.
---Options: n (4), noise (0, a standard deviation), targets ("class" or "float"), seed (1).
---@param opts? {n: integer, noise: number, targets: string, seed: integer}
---@return nn.Dataset
function nn.data.xor(opts) end

nn.diagnose = {}

---Looks for what ails a model: measures it over some batches of a loader, without changing it, the loader or the random
---numbers, and says in words what is wrong and what helps. nn.diagnose(model, loader, loss, opts) is the same, and
---nn.diagnose{model =, loader =, loss =, ...}. A disease is {name, text, remedy, confidence, evidence, trial}.
---Options: batches (8), samples (2048: how many are asked whether the targets follow from the inputs; 0: none), jacobian (true:
---whether the input-output Jacobian is measured), largest_jacobian (512: the most inputs or outputs of it), updates (sizes by
---parameter, which watch has), optimizer (its steps are measured on a copy; default none), try (false; true: remedies are
---tried on a copy), steps (30: for so many steps).
---@param model nn.Module
---@param loader nn.Loader gives x, y
---@param loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@param opts? {batches: integer, samples: integer, jacobian: boolean, largest_jacobian: integer, updates: table,
---@return table report layers, parameters, input, loss, input_output, diseases, consequences, healthy, summary
function nn.diagnose.look(model, loader, loss, opts) end

---Follows the updates of a model's weights during training: call watch.step after each optimizer step (fit's after_step takes
---it); watch:report gives the diagnosis with them.
---@param model nn.Module
---@return nn.Watch
function nn.diagnose.watch(model) end

---Is nn.Dropout1d as a function. Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p). {training = false} is what it does in evaluation.
function nn.dropout1d(...) end

---Is nn.Dropout2d as a function. Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p). {training = false} is what it does in evaluation.
function nn.dropout2d(...) end

---Is nn.Dropout3d as a function. Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p). {training = false} is what it does in evaluation.
function nn.dropout3d(...) end

---Runs f with recording, also inside no_grad.
function nn.enable_grad(...) end

---Declares an experiment: what it is called, what can be varied, and what is done.
---@param spec {name: string, doc: string, params: table, run: function, file: string} file: of the script, where `run` is not
---@return nn.Experiment
function nn.experiment(spec) end

---Is nn.FocalLoss as a function. The binary cross-entropy of logits, where samples that are easy count less. alpha: the weight of the targets that are 1; negative: none.
function nn.focal_loss(...) end

---Makes the network for inference: a copy of the model in which every batch norm is
---folded into the Linear or Conv layer before it, or is an Affine layer where there is none. Same outputs as the model
---in evaluation, fewer operations. With a loader, the population's statistics are taken from it first (and also set in
---the model); without, the running averages are used.
---@param model nn.Module
---@param loader? nn.Loader over the training set
---@return nn.Module
function nn.fold_batch_norm(model, loader) end

nn.func = {}

---Gives the matrix of second derivatives: of a function with one number as result, of shape input x input.
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor
---@return nn.Tensor
function nn.func.hessian(f, x) end

---Gives the matrix of derivatives of f's output by x, of shape output x input. Options: create_graph (false; true: it can be
---differentiated in turn).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor
---@param opts? {create_graph: boolean}
---@return nn.Tensor
function nn.func.jacobian(f, x, opts) end

---Gives f(...) and J t for tangents t, one for each argument: the change of f along a direction. Computed by differentiating
---v^T J, which is linear in v.
---@param f function
---@param primals nn.Tensor[]
---@param tangents nn.Tensor[]
---@return nn.Tensor output
---@return nn.Tensor tangent
function nn.func.jvp(f, primals, tangents) end

---Gives the gradients of each sample's loss by a module's parameters: a table from a parameter's name to a tensor whose dim 1
---goes over the samples.
---@param model nn.Module
---@param loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@param x nn.Tensor samples along dim 1
---@param y nn.Tensor targets along dim 1
---@return table<string, nn.Tensor>
function nn.func.per_sample_gradients(model, loss, x, y) end

---Gives f(...) and a function that takes a cotangent v to v^T J: one gradient for each float argument.
---@param f function
---@param ... nn.Tensor
---@return nn.Tensor output
---@return fun(v: nn.Tensor): nn.Tensor ...
function nn.func.vjp(f, ...) end

---Turns a function of one sample into one of a batch: it applies f to each slice of dim 1 of its arguments and stacks the
---results (of each result). in_dims names other dims, one for each argument; false: the argument is passed as it is. Default:
---dim 1 of each.
---@param f function
---@param in_dims? (integer|false)[]
---@return function
function nn.func.vmap(f, in_dims) end

---Is nn.GaussianNLLLoss as a function. The negative log-likelihood of Gaussian noise whose variance (at least eps) is an output, too; full adds log(2 pi) / 2.
function nn.gaussian_nll_loss(...) end

---Tells how many threads large operations may use.
function nn.get_num_threads() end

---Gives the gradients of output for one tensor, or for a list of them (then a list). Leaves' .grad stay as they are.
function nn.grad(...) end

---Prints what a name, function, class or tensor is: signature, meaning, an example with its result, related names.
---At the prompt ?name does the same, ??word searches what is written. A method is named with its kind: "Dataset:split".
---@param what any "softmax", "optim.Adam", nn.softmax, nn.Linear, a tensor
function nn.help(what) end

---Is nn.HingeEmbeddingLoss as a function. For distances: small where the target is 1, large where it is -1.
function nn.hinge_embedding_loss(...) end

---Is nn.HingeLoss as a function. The support vector machine's loss; targets are -1 and 1, or 0 and 1.
function nn.hinge_loss(...) end

---Is nn.HuberLoss as a function. Quadratic within delta, linear beyond.
function nn.huber_loss(...) end

nn.init = {}

---Initializes a model's parameters by rules: an ordered list of {pattern, initializer, arguments...}. The pattern (PCRE2,
---see nn.rex) is looked for in the parameter's name; the first rule that matches is used; parameters that none matches stay
---as they are. The initializer is a name ("he_normal") or a function(tensor, name). A rule that matches nothing is an error.
---@param model nn.Module
---@param rules table[]
---@return nn.Module model
function nn.init.apply(model, rules) end

---Gives the initializer of a name such as "he_normal"; of an unknown name, an error that names the nearest.
---@param who string for errors: who asks
---@param name string without the _ at the end
---@return function
function nn.init.by_name(who, name) end

---Gives a nonlinearity's gain: what a weight's deviation 1/sqrt(fan_in) is to be multiplied with, so that the next layer's
---inputs have the same second moment. For names PyTorch's values: linear and sigmoid 1, tanh 5/3, relu sqrt(2), leaky_relu
---sqrt(2 / (1 + a^2)), selu 3/4. For any function or layer 1 / sqrt(E f(z)^2) with z ~ N(0, 1), integrated numerically.
---@param nonlinearity string|function|nn.Module
---@param a? number the slope of leaky_relu, 0.01 by default
---@return number
function nn.init.calculate_gain(nonlinearity, a) end

---Fills a tensor with one number, in place.
---@param t nn.Tensor
---@param value number
---@return nn.Tensor t
function nn.init.constant_(t, value) end

---Fills a weight as nn.Linear and PyTorch do where nothing else is said, in place: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
---@param t nn.Tensor
function nn.init.default_linear_(t) end

---Makes a convolution that passes its channels on unchanged, in place: a one in the middle of kernel (i, i), zeros elsewhere.
---Of a matrix, eye_. Also identity_ and delta_. Options: groups (1).
---@param t nn.Tensor
---@param opts? {groups: integer}
function nn.init.delta_(t, opts) end

---Makes a convolution that passes its channels on unchanged, in place: a one in the middle of kernel (i, i), zeros elsewhere.
---Of a matrix, eye_. Also identity_ and delta_. Options: groups (1).
---@param t nn.Tensor
---@param opts? {groups: integer}
function nn.init.dirac_(t, opts) end

---Fills a matrix with ones on the diagonal and zeros elsewhere, in place: a linear layer that passes its inputs on.
---@param t nn.Tensor
function nn.init.eye_(t) end

---Gives fan_in and fan_out of a weight: the numbers of inputs and outputs of a unit: its second and first dim, times the
---receptive field of the dims after.
---@param weight nn.Tensor
---@return integer fan_in, integer fan_out
function nn.init.fans(weight) end

---Fills a weight with variance gain^2 2 / (fan_in + fan_out), in place, for tanh and linear layers: glorot_normal_ (also
---xavier_normal_) from a normal, glorot_uniform_ (xavier_uniform_) from a uniform distribution.
---Options: gain (1), mode ("fan_avg"; or "fan_in", "fan_out"), nonlinearity and a (another way to say the gain: see
---nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.glorot_normal_(t, opts) end

---Fills a weight with variance gain^2 2 / (fan_in + fan_out), in place, for tanh and linear layers: glorot_normal_ (also
---xavier_normal_) from a normal, glorot_uniform_ (xavier_uniform_) from a uniform distribution.
---Options: gain (1), mode ("fan_avg"; or "fan_in", "fan_out"), nonlinearity and a (another way to say the gain: see
---nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.glorot_uniform_(t, opts) end

---Fills a weight with variance gain^2 / fan, for ReLU 2 / fan_in, in place: he_normal_ (also kaiming_normal_) from a normal,
---he_uniform_ (kaiming_uniform_) from a uniform distribution.
---Options: mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity ("relu"; a name, function or layer that sets the gain) and a
---(0.01, the slope of "leaky_relu"), gain (instead of these).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.he_normal_(t, opts) end

---Fills a weight with variance gain^2 / fan, for ReLU 2 / fan_in, in place: he_normal_ (also kaiming_normal_) from a normal,
---he_uniform_ (kaiming_uniform_) from a uniform distribution.
---Options: mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity ("relu"; a name, function or layer that sets the gain) and a
---(0.01, the slope of "leaky_relu"), gain (instead of these).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.he_uniform_(t, opts) end

---Makes a convolution that passes its channels on unchanged, in place: a one in the middle of kernel (i, i), zeros elsewhere.
---Of a matrix, eye_. Also identity_ and delta_. Options: groups (1).
---@param t nn.Tensor
---@param opts? {groups: integer}
function nn.init.identity_(t, opts) end

---Fills a weight from U(-1/k, 1/k) with k = fan_in, in place: the lecture's heuristic.
---@param t nn.Tensor
function nn.init.inverse_uniform_(t) end

---Fills a weight with variance gain^2 / fan, for ReLU 2 / fan_in, in place: he_normal_ (also kaiming_normal_) from a normal,
---he_uniform_ (kaiming_uniform_) from a uniform distribution.
---Options: mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity ("relu"; a name, function or layer that sets the gain) and a
---(0.01, the slope of "leaky_relu"), gain (instead of these).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.kaiming_normal_(t, opts) end

---Fills a weight with variance gain^2 / fan, for ReLU 2 / fan_in, in place: he_normal_ (also kaiming_normal_) from a normal,
---he_uniform_ (kaiming_uniform_) from a uniform distribution.
---Options: mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity ("relu"; a name, function or layer that sets the gain) and a
---(0.01, the slope of "leaky_relu"), gain (instead of these).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.kaiming_uniform_(t, opts) end

---Fills a weight with variance 1 / fan_in, in place: lecun_normal_ from a normal, lecun_uniform_ from a uniform distribution,
---so that the outputs of a linear layer have the variance of its inputs.
---Options: gain (1; the deviation is multiplied with it), mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity and a (another
---way to say the gain: see nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.lecun_normal_(t, opts) end

---Fills a weight with variance 1 / fan_in, in place: lecun_normal_ from a normal, lecun_uniform_ from a uniform distribution,
---so that the outputs of a linear layer have the variance of its inputs.
---Options: gain (1; the deviation is multiplied with it), mode ("fan_in"; or "fan_out", "fan_avg"), nonlinearity and a (another
---way to say the gain: see nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.lecun_uniform_(t, opts) end

---Gives each layer outputs of variance 1 on real data: layer-sequential unit variance): orthogonal weights, then each
---layer's weight divided by the deviation of its outputs, in the order of the layers. Layers: Linear, Conv1d and Conv2d.
---Options: tolerance (0.02, of the variance), max_iterations (10 a layer), orthogonal (true; false: from the weights there
---are).
---@param model nn.Module
---@param x nn.Tensor a batch of inputs
---@param opts? {tolerance: number, max_iterations: integer, orthogonal: boolean}
---@return table[] {name, variance, iterations} for each layer
function nn.init.lsuv(model, x, opts) end

---Fills a tensor with numbers from the normal distribution N(mean, std^2), in place.
---@param t nn.Tensor
---@param mean? number default 0
---@param std? number default 1
---@return nn.Tensor t
function nn.init.normal_(t, mean, std) end

---Fills a tensor with 1, in place; usual for the scales of norms.
---@param t nn.Tensor
---@return nn.Tensor t
function nn.init.ones_(t) end

---Makes a weight orthogonal, in place: its rows (or columns, whichever are fewer) are orthonormal, times gain. Dims after
---the first count as one. Options: gain (1).
---@param t nn.Tensor
---@param opts? {gain: number}
function nn.init.orthogonal_(t, opts) end

---Fills a weight from U(-a, a) with a = sqrt(3) / sqrt(fan_in + fan_out), in place: the lecture's form for ReLU, the Glorot
---form with sqrt(3) instead of sqrt(6).
---@param t nn.Tensor
function nn.init.relu_uniform_(t) end

---Fills a tensor from N(0, variance) with a small variance, in place: the lecture's simplest scheme. Options: variance (0.01).
---@param t nn.Tensor
---@param opts? {variance: number}
function nn.init.small_normal_(t, opts) end

---Sets a share of each column to 0 and fills the rest from N(0, std^2), in place: units with few inputs.
---Options: sparsity (0.9, the share), std (0.01).
---@param t nn.Tensor
---@param opts? {sparsity: number, std: number}
function nn.init.sparse_(t, opts) end

---Fills a tensor from a truncated normal distribution, in place: N(mean, std^2) without what lies outside a .. b (in units
---of t, as in PyTorch), drawn anew until it lies inside. Options: mean (0), std (1), a (-2), b (2).
---@param t nn.Tensor
---@param opts? {mean: number, std: number, a: number, b: number}
function nn.init.trunc_normal_(t, opts) end

---Fills a tensor with numbers from the uniform distribution U(low, high), in place.
---@param t nn.Tensor
---@param low? number default 0
---@param high? number default 1
---@return nn.Tensor t
function nn.init.uniform_(t, low, high) end

---Fills a weight with variance gain^2 2 / (fan_in + fan_out), in place, for tanh and linear layers: glorot_normal_ (also
---xavier_normal_) from a normal, glorot_uniform_ (xavier_uniform_) from a uniform distribution.
---Options: gain (1), mode ("fan_avg"; or "fan_in", "fan_out"), nonlinearity and a (another way to say the gain: see
---nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.xavier_normal_(t, opts) end

---Fills a weight with variance gain^2 2 / (fan_in + fan_out), in place, for tanh and linear layers: glorot_normal_ (also
---xavier_normal_) from a normal, glorot_uniform_ (xavier_uniform_) from a uniform distribution.
---Options: gain (1), mode ("fan_avg"; or "fan_in", "fan_out"), nonlinearity and a (another way to say the gain: see
---nn.init.calculate_gain).
---@param t nn.Tensor a weight, outputs x inputs x ...
---@param opts? {gain: number, mode: string, nonlinearity: string|function, a: number}
---@return nn.Tensor t
function nn.init.xavier_uniform_(t, opts) end

---Fills a tensor with 0, in place; usual for biases. (Weights of hidden layers that are all 0 stay equal: they must differ.)
---@param t nn.Tensor
---@return nn.Tensor t
function nn.init.zeros_(t) end

---@class nn.CsvOptions
---@field header? boolean whether the first row has the names; default: where none of its fields is a number
---@field sep? string default ","
---@field decimal? string "." (default) or ","; with "," fields are separated by ";"
---@field dtype? string "float32" (default) or "float64"
---@field columns? table a list of names or numbers: these, in this order; default all
---@field missing? table a list of texts such as {"", "NA"}: these cells are nan; default none
---@field classes? table {NAME = true}: names, also where they look like numbers; {NAME = {"lily", "rose"}}: numbered in this

nn.io = {}

---Reads a table of numbers from text, one row a line, plain or gzipped; or writes one: nn.io.csv(path, x, {names = {...}}).
---A column of names becomes numbers from 1, in the order of the sorted names; classes[NAME] lists them. Fields may stand in
---quotes. What is not sure is an error that names line and column: a row with more or fewer fields than the first, an empty cell,
---a text among numbers, a whole number that the dtype would round.
---Without a header, columns have numbers. Options for writing: names, sep (",").
---@param path string
---@param x? nn.Tensor|nn.CsvOptions what is written; or the options for reading
---@param opts? {names: string[], sep: string}
---@return nn.Tensor? x rows x columns
---@return string[]? names those of the columns, if there is a header
---@return table? classes by the column's name
function nn.io.csv(path, x, opts) end

---Reads an IDX file, the format of MNIST and Fashion-MNIST: plain or gzipped, as a tensor.
function nn.io.idx() end

---Reads a picture (PNG, JPEG, PPM, PGM) as uint8 of channels x height x width, or writes one where a tensor is given: uint8, or
---floats in 0..1, of channels x height x width or height x width; the name's end says the format (.png, .jpg, .ppm, .pgm). Each
---element is one pixel. Channels are gray, gray and opacity, red green blue, or these and opacity.
---Options: channels (reading: 1, 2, 3 or 4; default as in the file; opacity that is not asked for is laid on white), quality
---(writing JPEG: 1 to 100, default 90).
---@param path string
---@param x? nn.Tensor|table a picture; or the options, where one is read
---@param opts? {channels: integer, quality: integer}
---@return nn.Tensor? uint8, channels x height x width
function nn.io.image(path, x, opts) end

---Reads what nn.save wrote, or any safetensors file. The names of a model's state are those of its parameters.
---@param path string
---@return table state
function nn.io.load(path) end

---Reads a .npy file, NumPy's format of one array: or writes one, where a tensor is given. Any order of bytes, C or Fortran;
---float16 becomes float32, other integers int64. Options: dtype ("float16": writes 16-bit floats; default the tensor's).
---@param path string
---@param x? nn.Tensor
---@param opts? {dtype: "float16"} writes 16-bit floats
---@return nn.Tensor?
function nn.io.npy(path, x, opts) end

---Reads a .npz file, NumPy's format of several arrays: as a table from names to tensors, or writes one where a table is
---given.
---Options: compress (false; true: deflated).
---@param path string
---@param tensors? table<string, nn.Tensor>
---@param opts? {compress: boolean}
---@return table<string, nn.Tensor>?
function nn.io.npz(path, tensors, opts) end

---Reads a safetensors file, or writes one: as a table from names to tensors (16-bit floats become float32), or writes one
---where a table is given.
---@param path string
---@param tensors? table<string, nn.Tensor>
---@return table<string, nn.Tensor>?
function nn.io.safetensors(path, tensors) end

---Writes a state to a file: a table of tensors, numbers, strings, booleans and such tables. The file is there in full or not at
---all: it is written under another name, synced and renamed. It is a safetensors file, which other programs read, too.
---@param path string
---@param state table e.g. model:state_dict(), or {model = ..., optimizer = ...}
function nn.io.save(path, state) end

---Gives a state of PyTorch's the names that a model has here: lists count from 1 (0.weight is 1.weight) and so do layers of
---recurrent nets (weight_ih_l0 is weight_ih_l1); the "module." of DataParallel goes. What the model has and the state lacks, or
---the other way round, is an error. Options: strict (true; false: what is on one side only is left out, for
---model:load_state_dict(state, {strict = false})). Without a state: the model's own under PyTorch's names, for files that Python
---reads.
---@param model nn.Module
---@param state? table<string, nn.Tensor> what nn.load gives of a safetensors file that PyTorch wrote
---@param opts? {strict: boolean}
---@return table<string, nn.Tensor> state for model:load_state_dict
function nn.io.torch_state(model, state, opts) end

---Tells whether operations are recorded for backward.
function nn.is_grad_enabled() end

---Tells whether a value is a tensor.
function nn.is_tensor(...) end

---Is nn.KLDivLoss as a function. The Kullback-Leibler divergence; the input is log-probabilities, the target probabilities, or with log_target their logarithms. reduction "batchmean" is the divergence itself.
function nn.kl_div(...) end

---Is nn.L1Loss as a function. The absolute difference: the negative log-likelihood of Laplace noise, up to constants.
function nn.l1_loss(...) end

nn.lab = {}

---Reads one run: what `nn.lab.runs` says of it, and its history.
---@param directory string
---@return table
function nn.lab.run(directory) end

---Lists the runs in a directory, the oldest first: {directory, name, state, started, seconds, parameters, result, rows}.
---`rows` is how many were logged.
---@param directory? string default: "runs"
---@return table[]
function nn.lab.runs(directory) end

---Is nn.LaplaceNLLLoss as a function. The negative log-likelihood of Laplace noise whose scale (at least eps) is an output, too; full adds log 2.
function nn.laplace_nll_loss(...) end

---Gives the lasso's weights for a list of lambdas, to see in which order they become 0: a matrix lambdas x d.
---@param x nn.Tensor n x d
---@param y nn.Tensor n
---@param lambdas number[]
---@return nn.Tensor
function nn.lasso_path(x, y, lambdas) end

nn.linalg = {}

---As NumPy's: of a vector (or of one dim) a vector_norm, of a matrix (or of two dims) a matrix_norm; without ord the
---2-norm of all elements.
---@param x nn.Tensor
---@param ord? number|string 2, 1, math.huge, "fro", "nuc", ...
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return nn.Tensor
function nn.linalg.norm(x, ord, dim, keepdim) end

---Reads what nn.save wrote, or any safetensors file. The names of a model's state are those of its parameters.
---@param path string
---@return table state
function nn.load(path) end

---Is nn.LocalResponseNorm as a function. Divides by the activity of neighbouring channels.
function nn.local_response_norm(...) end

---Is nn.LogCoshLoss as a function. Between the square and the absolute value, smooth.
function nn.log_cosh_loss(...) end

---Seeds the generator that is used where none is given. The same seed gives the same bits, on any number of threads.
function nn.manual_seed(...) end

---Is nn.MarginRankingLoss as a function. Which of two should be larger: the first where the target is 1, the second where it is -1.
function nn.margin_ranking_loss(...) end

---Tells how much memory is used, all in bytes.
function nn.memory() end

nn.models = {}

---Makes a residual net of 18 layers for images of some 224 x 224 (small ones work, too). Options: num_classes (1000),
---in_channels (3).
---@param opts? {num_classes: integer, in_channels: integer}
---@return nn.Module
function nn.models.resnet18(opts) end

---Makes a residual net of 34 layers, as nn.models.resnet18 does.
---@param opts? {num_classes: integer, in_channels: integer}
---@return nn.Module
function nn.models.resnet34(opts) end

---Makes a VGG net of 11 layers for images of some 224 x 224 (32 x 32 at least). Options: num_classes (1000), in_channels (3),
---batch_norm (false), dropout (0.5).
---@param opts? {num_classes: integer, in_channels: integer, batch_norm: boolean, dropout: number}
---@return nn.Module
function nn.models.vgg11(opts) end

---Makes a VGG net of 16 layers, as nn.models.vgg11 does.
---@param opts? {num_classes: integer, in_channels: integer, batch_norm: boolean, dropout: number}
---@return nn.Module
function nn.models.vgg16(opts) end

---Is nn.MultiMarginLoss as a function. The hinge loss of several classes; targets are int64 classes from 1.
function nn.multi_margin_loss(...) end

---Is nn.MultiLabelMarginLoss as a function. Several classes a sample: each row of the target lists its classes, then 0.
function nn.multilabel_margin_loss(...) end

---Is nn.MultiLabelSoftMarginLoss as a function. The mean over classes of the binary cross-entropy of each logit.
function nn.multilabel_soft_margin_loss(...) end

---Is nn.NLLLoss as a function. The negative log-likelihood: as CrossEntropyLoss, but the input is log-probabilities.
function nn.nll_loss(...) end

---Runs f without recording, so that nothing in it gets a gradient: for evaluation, and for changing weights by hand.
function nn.no_grad(...) end

nn.optim = {}

---Goes down the gradient and averages the weights (Polyak & Juditsky 1992).
---The average, which is what to use in the end, is the second result of opt.state:get(parameter).
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.ASGD(params, opts) end

---Scales steps by the steps before, without a rate (Zeiler 2012).
---w <- w - lr d with d = g sqrt(average d^2 + eps) / sqrt(average g^2 + eps).
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.Adadelta(params, opts) end

---Lowers rates where gradients were large (Duchi, Hazan & Singer 2011).
---w <- w - lr g / (sqrt(sum of g^2) + eps).
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.Adagrad(params, opts) end

---Scales steps by averages of gradient and square (Kingma & Ba 2015; amsgrad: Reddi et al. 2018).
---w <- w - lr m' / (sqrt(v') + eps) with m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
---and m', v' without the bias of their beginning at 0.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.Adam(params, opts) end

---Is Adam with decoupled weight decay (Loshchilov & Hutter 2019).
---w <- (1 - lr wd) w - lr m' / (sqrt(v') + eps), as Adam; the usual choice for transformers.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.AdamW(params, opts) end

---Is Adam with the largest gradient (Kingma & Ba 2015, algorithm 2).
---w <- w - lr m' / (u + eps), u <- max(b2 u, |g|).
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.Adamax(params, opts) end

---Keeps a model whose weights are the average of another's: equal weights over all update() calls (stochastic weight
---averaging), or an exponential average with `decay`. Calling it calls the averaged model, which is its field model.
---@param model nn.Module
---@param opts? {decay: number}
function nn.optim.AveragedModel(model, opts) end

---Minimizes by nonlinear conjugate gradients: Polak & Ribiere's, with restarts where the factor would be negative, and a
---line search: for full batches. Each step takes a closure and calls it several times.
---Options: max_iter (20 iterations a step), tolerance_grad (1e-7: the largest gradient element at which it ends), lr (1: the
---first step's length).
---@param params nn.Tensor[]
---@param opts? {max_iter: integer, tolerance_grad: number, lr: number} lr: the first step's length
function nn.optim.ConjugateGradient(params, opts) end

---Is Adam with layer-wise rates, for large batches (You et al. 2020).
---As AdamW, but each tensor's step is scaled by |w| / |step|, so that layers move by a like share.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.LAMB(params, opts) end

---Minimizes by limited-memory BFGS: it learns the curvature from the last steps; for small nets and full batches. Each step
---takes a closure and calls it several times. Settings and their meaning are PyTorch's.
---Options: lr (1), max_iter (20 iterations a step), max_eval (5/4 max_iter: calls of the closure), tolerance_grad (1e-7: the
---largest gradient element at which it ends), tolerance_change (1e-9), history_size (100 pairs), line_search_fn (none, or
---"strong_wolfe", which is what to use unless you know better).
---@param params nn.Tensor[]
---@param opts? {lr: number, max_iter: integer, max_eval: integer, tolerance_grad: number, tolerance_change: number,
function nn.optim.LBFGS(params, opts) end

---Minimizes a sum of squares of a small net: (J^T J + mu diag) d = -J^T r, with mu falling when the step helped. The closure
---returns the residuals r (output - target), a tensor of any shape, without calling backward. Memory and time grow with
---residuals times parameters. nn.train.fit does not take it.
---Options: mu (1e-3 at first), factor (10: mu is divided by it or multiplied with it), max_mu (1e10), max_iter (1 iteration a
---step), tolerance (1e-12).
---@param params nn.Tensor[]
---@param opts? {mu: number, factor: number, max_mu: number, max_iter: integer, tolerance: number}
function nn.optim.LevenbergMarquardt(params, opts) end

---Steps by the sign of an average gradient (Chen et al. 2023).
---w <- (1 - lr wd) w - lr sign(b1 m + (1 - b1) g), then m <- b2 m + (1 - b2) g.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.Lion(params, opts) end

---Wraps any optimizer: every k steps the slow weights go a share alpha of the way to the fast ones, which then start from
---there. Its groups and learning rates are the inner one's. It cannot stand in a compiled function.
---Options: k (5), alpha (0.5).
---@param inner nn.Optimizer
---@param opts? {k: integer, alpha: number}
function nn.optim.Lookahead(inner, opts) end

---Is Adam with Nesterov's momentum (Dozat 2016).
---As Adam, with this batch's gradient in place of the oldest part of the average; as the paper has it (PyTorch 1.13 multiplies by b1 once more).
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.NAdam(params, opts) end

---Is Adam that warms up by itself (Liu et al. 2020).
---As Adam, but by m' alone until the average square is sure enough to divide by.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.RAdam(params, opts) end

---Divides gradients by their root mean square (Tieleman & Hinton 2012).
---w <- w - lr g / (sqrt(v) + eps), v <- alpha v + (1 - alpha) g^2; centered: Graves 2013.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.RMSprop(params, opts) end

---Steps by signs, each weight with its own size (Riedmiller & Braun 1993).
---w <- w - size sign(g); the size grows while the sign stays, and shrinks when it changes. For full batches.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.Rprop(params, opts) end

---Goes down the gradient; momentum and Nesterov's form as in Sutskever et al. 2013.
---w <- w - lr g; with momentum w <- w - lr v, v <- momentum v + g.
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.SGD(params, opts) end

---Steps by the sign of the gradient or its average (Bernstein et al. 2018).
---w <- (1 - lr wd) w - lr sign(m), m <- momentum m + (1 - momentum) g (Signum); without momentum sign(g).
---@param params table parameters, or groups {params = ..., lr = ...}
---@param opts? table
function nn.optim.SignSGD(params, opts) end

---Limits the joint norm of all gradients: scales them together so that it is at most max_norm, against steps that are too
---large. The direction stays. Reads no value, so it can stand in a compiled function. Call it between backward and step.
---@param params nn.Tensor[]
---@param max_norm number
---@param norm_type? number which p-norm: default 2, the Euclidean one; math.huge: the largest absolute value
---@return nn.Tensor the norm before, a scalar
function nn.optim.clip_grad_norm_(params, max_norm, norm_type) end

---Limits each element of all gradients: to -limit .. limit, which changes their direction. Call it between backward and
---step.
---@param params nn.Tensor[]
---@param limit number
function nn.optim.clip_grad_value_(params, limit) end

---Makes parameter groups by names: so that biases, say, have no weight decay. An ordered list of rules {pattern, option =
---value, ...}; the first pattern (PCRE2) that matches decides; a parameter that none matches, and a rule that matches none,
---are errors.
---@param model nn.Module
---@param rules table[]
---@return table[] groups for an optimizer
function nn.optim.groups(model, rules) end

---Is nn.PixelShuffle as a function. Makes of r x r channels one that is r times as high and as wide, r being the upscale_factor.
function nn.pixel_shuffle(...) end

---Is nn.PixelUnshuffle as a function. The way back from nn.PixelShuffle: makes of each channel r x r, which are r times less high and wide.
function nn.pixel_unshuffle(...) end

nn.plot = {}

---Tells whether pictures can be written to files, that is, whether gnuplot is there. In the terminal they can always be drawn.
---@return boolean
function nn.plot.available() end

---@class nn.PlotOptions
---@field file? string "name.png", .svg or .pdf: drawn by gnuplot, and the path is given; default: drawn in the terminal
---@field title? string above the picture; default none
---@field xlabel? string what goes to the right; default none
---@field ylabel? string what goes up; default none
---@field log? string "x", "y" or "xy": axes with a logarithmic scale; default none
---@field xrange? number[] {low, high}; default what the values need
---@field yrange? number[] {low, high}; default what the values need
---@field columns? integer 1 (default: as wide as a column of a page) or 2 (as the page); of files
---@field size? integer[] {width, height} in pixels, instead of columns; of files
---@field key? string where the labels stand: "top left", "above"; default top right; of files

---Draws bars: values with names, beside each other for groups. Options also: hline, {value, label}: a dashed line (default
---none).
---@param values nn.Tensor|table numbers, or a list of groups {label =, y = numbers, error = numbers}
---@param names? string[] default 1, 2, ...
---@param opts? nn.PlotOptions and hline
---@return string|nil path of the file
function nn.plot.bar(values, names, opts) end

---Draws what a classifier says of each point in the plane, with the samples over it. f: a model or function from n x 2 to
---scores (n x classes), or to one number a point, whose sign decides. Options also: resolution (160 points a side, of a file),
---margin (0.15, the share of the points' range that is shown beyond them).
---@param f function|nn.Module
---@param points nn.Tensor n x 2
---@param labels nn.Tensor n classes
---@param opts? nn.PlotOptions and resolution, margin
---@return string|nil path of the file
function nn.plot.boundary(f, points, labels, opts) end

---Draws a model's layers as boxes, from input (top) to output, with their parameters; in the terminal as lines.
---@param model nn.Module
---@param opts? nn.PlotOptions
---@return string|nil path of the file
function nn.plot.graph(model, opts) end

---Draws images beside each other, n x height x width, in grey. Options also: across (how many in a row; default the root of n).
---@param images nn.Tensor
---@param opts? nn.PlotOptions and across
---@return string|nil path of the file
function nn.plot.grid(images, opts) end

---Draws a matrix in colours, such as a confusion matrix, its first row on top. Options also: names (of the columns), rows
---(names of the rows), range ({low, high} of the colours; default those of the values), diverging (false; true: blue over
---white to red).
---@param matrix nn.Tensor|table rows x columns
---@param opts? nn.PlotOptions and names, rows, range, diverging
---@return string|nil path of the file
function nn.plot.heatmap(matrix, opts) end

---Draws a histogram of one or more sets of values: how many fall into each of equal bins. Options also: bins (40), density
---(false; true: shares divided by the width, so that the area is 1).
---@param given nn.Tensor|table a set of values, or a list of sets {y =, label =}
---@param opts? nn.PlotOptions and bins, density
---@return string|nil path of the file
function nn.plot.hist(given, opts) end

---Draws an image, height x width, in grey. Options also: range ({black, white}; default the lowest and the highest value).
---@param matrix nn.Tensor|table
---@param opts? nn.PlotOptions and range
---@return string|nil path of the file
function nn.plot.image(matrix, opts) end

---Draws lines, such as the losses of a training run. Series: y, or {x =, y =, label =, error =}, or a list of such; error
---draws a band of y +- error. Of a run, or a run's history, it draws the losses: nn.plot.line(run). Values are tensors or
---lists; x is 1, 2, ... where it is not given. Options also: hline, {value, label}: a dashed line across, such as what
---guessing reaches (default none).
---@param series nn.Tensor|table
---@param opts? nn.PlotOptions and hline
---@return string|nil path of the file
function nn.plot.line(series, opts) end

---Draws arrows, such as gradients: points n x 2, directions n x 2. Options also: scale (1; directions are multiplied with it).
---@param points nn.Tensor|table
---@param directions nn.Tensor|table
---@param opts? nn.PlotOptions and scale
---@return string|nil path of the file
function nn.plot.quiver(points, directions, opts) end

---Draws points in the plane: n x 2, with options classes (n labels, one colour each) and labels (the classes' names); or
---series as in nn.plot.line. Options also: hline, {value, label}: a dashed line across (default none).
---@param given nn.Tensor|table
---@param opts? nn.PlotOptions and classes, labels, hline
---@return string|nil path of the file
function nn.plot.scatter(given, opts) end

---Draws a surface over the plane, such as a loss over two weights: z is rows x columns. In the terminal it is a map in shades.
---Options also: x and y (the columns' and rows' places; default 1, 2, ...), zlabel, contour (false; true: only the map seen
---from above, with contours), logz (false; true: a logarithmic scale of z).
---@param z nn.Tensor|table
---@param opts? nn.PlotOptions and x, y, zlabel, contour, logz
---@return string|nil path of the file
function nn.plot.surface(z, opts) end

---Is nn.PoissonNLLLoss as a function. Targets are counts. log_input: the input is the logarithm of the rate, else the rate; full: with Stirling's term.
function nn.poisson_nll_loss(...) end

---Sets the running statistics of every batch norm of a model to those of the training set:
---the mean over mini-batches of the batch's mean, and m/(m-1) times the mean of its variance, m being the number of
---values of a feature in a batch. Batches of another size count by it. Dropout is off meanwhile.
---@param model nn.Module
---@param loader nn.Loader
---@return nn.Module model
function nn.population_statistics(model, loader) end

---Is nn.QuantileLoss as a function. Its minimum is the target's q-quantile.
function nn.quantile_loss(...) end

nn.regularize = {}

---Cuts a square out of each image: size x size pixels are 0, at a random place that may reach over the edge. x: batch x
---height x width, or batch x channels x height x width. Options: generator (default: the one that nn.manual_seed seeds).
---@param x nn.Tensor
---@param size integer
---@param opts? {generator: nn.Generator}
function nn.regularize.cutout(x, size, opts) end

---Gives the elastic net's penalty, to be added to a loss: l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param l1_ratio? number from 0 (l2 alone) to 1 (l1 alone)
---@param pattern? string
---@return nn.Tensor scalar
function nn.regularize.elastic_net(model, l1_ratio, pattern) end

---Gives the penalty sum |w|, to be added to a loss: it makes weights small. With gradients they do not become exactly 0;
---proximal_l1_ does that.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor scalar
function nn.regularize.l1(model, pattern) end

---Gives the penalty sum w^2, to be added to a loss: loss + lambda * nn.regularize.l2(model). The gradient is 2 lambda w, so an
---optimizer's weight_decay of 2 lambda is the same.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor scalar
function nn.regularize.l2(model, pattern) end

---Gives the lambda that belongs to a constraint: for it, minimizing loss + lambda sum w^2 and minimizing the loss under sum
---w^2 <= T have the same solution, at a solution: there the loss's gradient is -2 lambda w. From the gradients of the loss
---alone, which must have been computed: lambda = -<g, w> / (2 sum w^2). Second result: |g + 2 lambda w| / |g|, 0 at an exact
---solution.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return number lambda, number residual
function nn.regularize.lambda_of_constraint(model, pattern) end

---Limits the norm of each unit's incoming weights, in place: rows of a larger norm are scaled down to `limit`. After each
---step.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param limit number
---@param pattern? string
function nn.regularize.max_norm_(model, limit, pattern) end

---Mixes each sample with another of the batch: x' = m x + (1 - m) x[p], and the targets alike, with m ~ Beta(alpha, alpha).
---Gives inputs and probabilities for CrossEntropyLoss. Options: alpha (0.2; 0: no mixing), generator (default: the one that
---nn.manual_seed seeds).
---@param x nn.Tensor
---@param y nn.Tensor int64 classes or probabilities
---@param classes integer
---@param opts? {alpha: number, generator: nn.Generator}
---@return nn.Tensor x, nn.Tensor y batch x classes
function nn.regularize.mixup(x, y, classes, opts) end

---Gives x plus noise from N(0, std^2), new at each call: against learning the samples by heart.
---@param x nn.Tensor
---@param std number
---@return nn.Tensor
function nn.regularize.noise(x, std) end

---Turns labels into probabilities, batch x classes: 1 for the label's class, 0 elsewhere. classes: by default the largest
---label.
---@param y nn.Tensor labels from 1
---@param classes? integer
---@return nn.Tensor
function nn.regularize.one_hot(y, classes) end

---Brings all weights together back to sum w^2 <= T, the nearest such point, in place. After each optimizer step this minimizes
---the loss under that constraint (projected gradients). Gives whether they were outside.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@param T number
---@return boolean projected
function nn.regularize.project_l2_(model, pattern, T) end

---Makes the elastic net's proximal step, in place: of t (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2), in place.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param t number
---@param l1_ratio number
---@param pattern? string
function nn.regularize.proximal_elastic_net_(model, t, l1_ratio, pattern) end

---Makes the proximal step of t sum |w|, in place: every weight moves t towards 0 and stays there if it would pass it. After
---each optimizer step on the loss alone, with t = lr * lambda, this minimizes loss + lambda sum |w| and gives exact zeros
---(ISTA).
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@param t number
function nn.regularize.proximal_l1_(model, pattern, t) end

---Smooths labels for CrossEntropyLoss: the share `epsilon` of each target is spread over all classes. Gives targets for
---CrossEntropyLoss, batch x classes; its option label_smoothing does the same.
---@param y nn.Tensor labels from 1
---@param classes integer
---@param epsilon number
function nn.regularize.smooth_labels(y, classes, epsilon) end

---Gives the share of weights that are exactly 0.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return number
function nn.regularize.sparsity(model, pattern) end

---Gives the parameters that a penalty is of: those whose name a pattern (PCRE2) matches; without a pattern those with 2 or more
---dims, which leaves out biases and the scales of norms. The other functions of this family choose theirs so.
---@param model nn.Module|nn.Tensor[]|nn.Tensor
---@param pattern? string
---@return nn.Tensor[]
function nn.regularize.weights(model, pattern) end

---Lets nn.memory().peak count from here.
function nn.reset_peak_memory() end

nn.rex = {}

---Gives how PCRE2 was built. Fills t, or a new table.
function nn.rex.config() end

---Gives the number of matches.
function nn.rex.count() end

---Finds the first match as positions: the first and last, and a table of the groups' first and last positions (and named
---groups' texts by name).
function nn.rex.exec() end

---Gives the first and last position of the first match, then its groups; nil where there is none.
function nn.rex.find() end

---Gives PCRE2's constants by name (without PCRE2_): flags for compiling and matching, codes of errors. Fills t, or a new table.
function nn.rex.flags() end

---Gives an iterator over the matches: their groups, or the whole match.
function nn.rex.gmatch() end

---Replaces the matches of a pattern: gsub(s, patt, repl, n, cf, ef, lo) gives the result, the number of matches, the number of
---replacements.
---repl: a string (%0 the match, %1 .. %9 groups, %% a percent sign), a table (by the first group), or a function (of the
---groups); false or nil leaves the match as it is.
---n: how many matches at most, or a function(first, last, replacement). Its first result: true takes the replacement, a
---string that string, false or nil leaves the match; its second: a number is how many matches more without asking, true
---all others without asking.
function nn.rex.gsub() end

---Gives character tables of the present locale: see os.setlocale; for the argument lo.
function nn.rex.maketables() end

---Gives the groups of the first match (or the whole match, where the pattern has none); nil where there is none.
function nn.rex.match() end

---Compiles a pattern of Perl's regular expressions (PCRE2), for one that is used often. cf: compile flags, a sum of rex.flags()
---or letters: i caseless, m multi-line, s dot matches newlines, x extended, U ungreedy, u UTF-8. lo: a locale's name.
function nn.rex.new() end

---Gives an iterator over the parts between matches of `sep`: each part with the separator's groups (or the separator), the
---last part alone.
function nn.rex.split() end

---Finds the first match with a table of groups: the first and last position, and a table of the groups by number and, for
---named groups, by name.
function nn.rex.tfind() end

---Gives PCRE2's version.
function nn.rex.version() end

---Tells where the default generator stands; nn.set_rng_state(seed, counter) goes on from there.
function nn.rng_state() end

---Is nn.RReLU as a function. A leaky rectifier whose slope is drawn from U(lower, upper) for each element while training; their mean in evaluation. {training = false} is what it does in evaluation.
function nn.rrelu(...) end

---Writes a state to a file: a table of tensors, numbers, strings, booleans and such tables. The file is there in full or not at
---all: it is written under another name, synced and renamed. It is a safetensors file, which other programs read, too.
---@param path string
---@param state table e.g. model:state_dict(), or {model = ..., optimizer = ...}
function nn.save(path, state) end

nn.sched = {}

---Applies several schedules at once: each one's result is the next one's base rate. They must be those of one optimizer.
---@param list table[] schedulers
function nn.sched.ChainedScheduler(list) end

---Begins with a lower rate: lr = base * factor for the first total_iters steps.
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.ConstantLR(opt, opts) end

---Lets the rate fall along half a cosine: from base to eta_min in T_max steps, then back (Loshchilov & Hutter 2017).
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.CosineAnnealingLR(opt, opts) end

---Lets the rate fall along cosines that start again: after T_0, T_0 * T_mult, ... steps (Loshchilov & Hutter 2017).
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.CosineAnnealingWarmRestarts(opt, opts) end

---Lets the rate fall by gamma with each step: lr = base * gamma^t.
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.ExponentialLR(opt, opts) end

---Sets the rate by a function of yours: lr = base * f(t), t being the number of step() calls, from 0.
---@param opt any an optimizer
---@param f any function(t) -> number
function nn.sched.LambdaLR(opt, f) end

---Moves the rate along a straight line: from base * start_factor to base * end_factor in total_iters steps, a warm-up.
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.LinearLR(opt, opts) end

---Lets the rate fall by gamma at each milestone: lr = base * gamma^(number of milestones reached).
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.MultiStepLR(opt, opts) end

---Moves the rate along one cycle, a step a batch: up from max_lr / div_factor to max_lr over pct_start of the steps, then down
---to max_lr / (div_factor * final_div_factor); momentum (or Adam's beta1) goes the other way, from max_momentum to
---base_momentum and back.
---Options: max_lr (needed), total_steps (or epochs and steps_per_epoch; needed), pct_start (0.3), anneal_strategy ("cos" or
---"linear"), cycle_momentum (true), base_momentum (0.85), max_momentum (0.95), div_factor (25), final_div_factor (1e4),
---three_phase (false; true: down as long as up, then to the end).
---@param opt nn.Optimizer
---@param opts {max_lr: number, total_steps: integer, epochs: integer, steps_per_epoch: integer, pct_start: number,
function nn.sched.OneCycleLR(opt, opts) end

---Lets the rate fall to 0 along a power: lr = base * (1 - t / total_iters)^power.
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.PolynomialLR(opt, opts) end

---Lets the rate fall when a figure stops improving: by `factor`, when it has not improved by `threshold` for more than
---`patience` steps: give it the figure, schedule:step(loss). nn.train.fit does so with the figure that the run goes by.
---Options: mode ("min", the default, where lower is better, or "max"; in fit that of the figure), factor (0.1), patience (10),
---threshold (1e-4), threshold_mode ("rel": a share of the best, or "abs"), cooldown (0 steps of rest after a fall), min_lr (0),
---eps (1e-8: smaller changes are not made).
---@param opt nn.Optimizer
---@param opts? {mode: string, factor: number, patience: integer, threshold: number, threshold_mode: string,
function nn.sched.ReduceLROnPlateau(opt, opts) end

---Applies schedules one after another: milestones[i] is the step at which scheduler i + 1 begins, with a count of its own.
---@param list table[] schedulers of one optimizer
---@param milestones integer[] one fewer than there are schedulers, rising
function nn.sched.SequentialLR(list, milestones) end

---Lets the rate fall by gamma every step_size steps: lr = base * gamma^floor(t / step_size).
---lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
---@param opt nn.Optimizer
---@param opts? table
function nn.sched.StepLR(opt, opts) end

---Calls f and gives the memory of all tensors that it left behind back at once. Tensors that it returns stay.
function nn.scope(...) end

---Turns recording on or off from here on. nn.no_grad(function() ... end) ends by itself.
function nn.set_grad_enabled(...) end

---Sets how much may be held in all: tensors, Lua's values, graphs, and what is set aside (which is given up first). More is an
function nn.set_max_memory(...) end

---Sets how many threads large operations may use; 0: one for each processor. Results are the same bits for any number.
function nn.set_num_threads(...) end

---Sets how tensors are printed. Without arguments: as at the start.
function nn.set_printoptions() end

---Sets the default generator to what nn.rng_state() gave.
function nn.set_rng_state(...) end

---Is nn.SmoothL1Loss as a function. Huber's loss with delta = beta, divided by it.
function nn.smooth_l1_loss(...) end

---Is nn.SoftMarginLoss as a function. A smooth hinge; targets are -1 and 1.
function nn.soft_margin_loss(...) end

---Is nn.SquaredHingeLoss as a function. The square of the hinge loss.
function nn.squared_hinge_loss(...) end

---@class nn.SweepOptions
---@field experiment nn.Experiment what is run; it must stand in a file of its own
---@field set? table name of a parameter -> a list of values, or a range: "log(1e-4,1e-1)", "uniform(16,256)", of a grid with

---Runs a sweep to its end: many trials of an experiment, each a process with a run of its own. Gives the directory, the trials
---and the best of them.
---@param opts nn.SweepOptions
---@return table {directory, trials = {{parameters, value, state, error}...}, best}
function nn.sweep(opts) end

nn.testing = {}

---Fails unless two tensors are equal up to rounding: same shape and dtype, and |actual - expected| <= atol + rtol |expected|
---in each element. nan equals nan where equal_nan says so; infinities equal themselves.
---Options: rtol and atol (1.3e-6 and 1e-5 of float32, 1e-7 both of float64, 0 of whole numbers; as in PyTorch), equal_nan
---(false), check_dtype (true), message (none).
---@param actual any a tensor, a number or nested lists
---@param expected any
---@param opts? {rtol: number, atol: number, equal_nan: boolean, check_dtype: boolean, message: string}
function nn.testing.assert_close(actual, expected, opts) end

---Fails unless two tensors have the same shape, dtype and elements. nan equals nan, 0 equals -0.
---@param actual any a tensor, a number or nested lists
---@param expected any
---@param message? string stands before what is said
function nn.testing.assert_equal(actual, expected, message) end

---Fails unless calling a function is an error whose message has a text: for tests of one's own checks.
---@param text string part of the message
---@param f function
---@param ... any its arguments
function nn.testing.assert_error(text, f, ...) end

---Fails unless a tensor has this shape; -1 stands for any size.
---@param x nn.Tensor
---@param shape integer[] with -1 for any size
function nn.testing.assert_shape(x, shape) end

nn.theory = {}

---Writes down a net that approximates f on an interval, without training: N steep sigmoids, each a step at the border between
---two of N + 1 equal intervals, as high as f changes from one interval's middle to the next. For f with Lipschitz constant K
---the error is at most about K (high - low) / (N + 1).
---Options: low (0), high (1), steepness (12, of a sigmoid, in units of the intervals).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param n integer
---@param opts? {low: number, high: number, steepness: number}
---@return nn.Module
function nn.theory.constructive_net(f, n, opts) end

---Counts the labellings that half-spaces give: of n points in general position, half-spaces through the origin of d dims give
---2 sum_{k < d} C(n - 1, k). With a threshold, use d + 1.
---@param n integer
---@param d integer
---@return number
function nn.theory.cover_count(n, d) end

---Gives the share of labellings that half-spaces give: of all 2^n of n points in general position, through the origin of d
---dims; 1/2 at n = 2 d, the capacity of a perceptron.
---@param n integer
---@param d integer
---@return number
function nn.theory.cover_probability(n, d) end

---Gives the sigma_w at which chi_1 = 1 for a given sigma_b, by bisection: there signals and gradients go deepest.
---Options: low (0.1) and high (5), where it is looked for.
---@param phi fun(x: nn.Tensor): nn.Tensor
---@param sigma_b? number default 0
---@param opts? {low: number, high: number}
---@return number sigma_w
function nn.theory.edge_of_chaos(phi, sigma_b, opts) end

---Gives the largest eigenvalues of the loss's Hessian: by size, each as often as it occurs, by Lanczos' method with full
---orthogonalization on Hessian-vector products: one space holds a value once, so others follow that are orthogonal to what
---was found, until they find nothing that belongs among the largest.
---Options: k (5 values), iterations (40 products in each space), seed (1).
---@param model nn.Module|nn.Tensor[]
---@param loss fun(): nn.Tensor the loss, with gradients
---@param opts? {k: integer, iterations: integer, seed: integer}
---@return number[] values largest size first
---@return number[] residuals how far each may be off: |H v - value v|
function nn.theory.hessian_eigenvalues(model, loss, opts) end

---Gives the derivative of f's outputs by its inputs at one point: outputs x inputs.
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor a sample, without a batch dim
---@return nn.Tensor
function nn.theory.jacobian(f, x) end

---Cuts a square of the plane into the regions where a net is affine. The net is a Sequential of
---Linear and ReLU, LeakyReLU or PReLU layers on two inputs. Regions are counted by the pattern of active units.
---Options: low (-1), high (1): the square; most (200000: more regions are an error).
---@param model nn.Sequential
---@param opts? {low: number, high: number, most: integer}
---@return table {count, polygons = lists of {x, y}}
function nn.theory.linear_regions(model, opts) end

---Gives the loss along the straight line between two solutions: loss() is evaluated with weights (1 - t) a + t b. The weights
---are put back. Options: steps (25 places), from (0), to (1).
---@param model nn.Module|nn.Tensor[]
---@param a nn.Tensor[] parameter values, e.g. of model:parameters() of another run
---@param b nn.Tensor[]
---@param loss fun(): nn.Tensor|number
---@param opts? {steps: integer, from: number, to: number}
---@return number[] t, number[] losses
function nn.theory.loss_line(model, a, b, loss, opts) end

---Gives the loss over a plane through the present weights: along two random directions whose rows have the norms of the
---weights' rows, or along directions given. The weights are put back.
---Options: steps (15 places a side), radius (1, in units of the directions), directions (two lists of tensors; default random),
---seed (1).
---@param model nn.Module|nn.Tensor[]
---@param loss fun(): nn.Tensor
---@param opts? {steps: integer, radius: number, directions: table, seed: integer}
---@return nn.Tensor losses steps x steps, number[] places
function nn.theory.loss_plane(model, loss, opts) end

---Gives the largest margin of a plane through the origin: max over unit vectors u of min_i s_i u . x_i, with s_i = 1 for the
---higher class and -1 for the other. With bias = true (the default) the points get a last coordinate -1, so that u's last
---entry is the threshold: the margin of the perceptron's convergence theorem. 0 where there is none. What
---a plane was seen to have, without rounding errors that make it too large.
---@param x nn.Tensor n x d
---@param y nn.Tensor n
---@param opts? {bias: boolean}
---@return number margin, number radius the largest norm of a point (with its -1)
function nn.theory.margin(x, y, opts) end

---Tells how signals go through a deep random net. Its weights have the variance sigma_w^2 / width, its biases sigma_b^2.
---Gives the fixed point q of the variance that signals of variance q0 come to, the slope chi_1 = sigma_w^2 E phi'(h)^2
---there, and the depth scales xi = -1 / log(slope) over which signals forget: xi_q of the variance, xi_c of correlations, at
---the correlation c that two inputs come to (1 in the ordered phase). phase: "ordered" (chi_1 < 1: inputs become alike,
---gradients vanish), "chaotic" (chi_1 > 1: gradients explode) or "edge". Some functions (GELU, SiLU) have two basins: say
---with q0 where signals begin. Options: sigma_w (1), sigma_b (0), q0 (1).
---@param phi fun(x: nn.Tensor): nn.Tensor
---@param opts {sigma_w: number, sigma_b: number, q0: number}
---@return table {q, chi_1, c, xi_q, xi_c, phase, gradient_depth}
function nn.theory.mean_field(phi, opts) end

---Finds the point of smallest norm in a convex hull: of points that are only known through an oracle. A point is {p = {x1,
---x2, ...}, key = what tells it from the others, ...}; two points of one key are the same.
---@param oracle fun(x: number[]): table the point with the smallest p . x
---@param first table some point
---@return number[] x, table[] set the points with their weights {p, key, weight, ...}
function nn.theory.min_norm_point(oracle, first) end

---Draws the edges of the regions that linear_regions found. Options: those of nn.plot.line.
---@param regions table what linear_regions gives
---@param opts? table
---@return string|nil path of the file
function nn.theory.plot_regions(regions, opts) end

---Gives the Rademacher complexity of finitely many functions: the empirical one, of functions given by their values on n
---points (functions x n): E max_f 1/n sum s_i f(x_i), by Monte Carlo; second result: Massart's bound max |f| sqrt(2 log
---functions) / n.
---Options: draws (500), seed (1).
---@param values nn.Tensor functions x points
---@param opts? {draws: integer, seed: integer}
---@return number complexity, number bound
function nn.theory.rademacher_finite(values, opts) end

---Gives the Rademacher complexity of linear functions: the empirical one, of {x -> w . x : |w| <= norm} on points: norm / n
---E|sum s_i x_i|, by Monte Carlo; second result: the bound norm sqrt(sum |x_i|^2) / n. Options: norm (1), draws (500), seed
---(1).
---@param x nn.Tensor points x dims
---@param opts? {norm: number, draws: integer, seed: integer}
---@return number complexity, number bound
function nn.theory.rademacher_linear(x, opts) end

---Makes a net of random features: its hidden weights are random, the output layer alone is fitted, by ridge regression on a
---grid.
---Options: low (0), high (1), scale (10, of the hidden weights), points (1000, of the grid), seed (1).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param n integer hidden units
---@param opts? {low: number, high: number, scale: number, points: integer, seed: integer}
---@return nn.Module
function nn.theory.random_feature_net(f, n, opts) end

---Tells whether a plane separates two classes of points, with a certificate. Touching classes are not separable.
---separable = true: w (float64), theta, margin: w . x > theta for the class with the higher label, w . x < theta for the
---other, and no point is nearer to the plane than margin (in units of x; a lower bound that holds, rounding and all). No
---plane has more than margin_most: where the two agree to some 1e-9, and they nearly always do, the plane is the best.
---rest, seldom there: a list of {w, theta} to be added, for classes so near to each other that one float64 a number is not
---enough. separable = false: higher and lower, lists of {index, weight, text, within}: convex weights of points of each
---class that give the same point; text is the exact fraction where within = 0, else the exact weight, which is above 0, is
---as near as within. exact = true: proved, without rounding. separable = nil, very seldom: not decided; reason says why.
---@param x nn.Tensor n x d
---@param y nn.Tensor n labels of two classes
---@return table certificate
function nn.theory.separable(x, y) end

---Tells whether a class gives all 2^n labellings of n points (20 at most); else also the first labelling that it does not give.
---class: as in vc_dimension.
---@param class string|fun(points: number[][], labels: boolean[]): boolean
---@param points number[][]
---@return boolean, boolean[]|nil the first labelling that the class does not give
function nn.theory.shatters(class, points) end

---Gives the singular values of f's Jacobian at one point, largest first: by how much f stretches directions there.
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor a sample, without a batch dim
---@return nn.Tensor
function nn.theory.singular_values(f, x) end

---Gives the largest |F(x) - f(x)| on a grid over low .. high: how far a net is from the function that it approximates.
---Options: low (0), high (1), points (4001).
---@param model fun(x: nn.Tensor): nn.Tensor
---@param f fun(x: nn.Tensor): nn.Tensor
---@param opts? {low: number, high: number, points: integer}
---@return number
function nn.theory.sup_error(model, f, opts) end

---Makes a net that approximates f, trained: all weights, by L-BFGS on a grid, from the random features.
---Options: low (0), high (1), scale (10, of the hidden weights), points (300, of the grid), seed (1), iterations (300).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param n integer hidden units
---@param opts? {low: number, high: number, scale: number, points: integer, seed: integer, iterations: integer}
---@return nn.Module
function nn.theory.trained_net(f, n, opts) end

---Gives bounds on the VC dimension of a network: of W weights (biases counted), M computing units, L layers of weights and d
---inputs, by kind of unit: a list of {kind = "upper" | "lower", value, formula, source}. Of a bound that is known up to a
---constant only (order = true) there is no value, but `scale`: the formula without its constant, for how it grows.
---Options: weights and units (needed), layers (2), activation ("threshold"; "relu" and other piecewise linear ones; "sigmoid"
---and tanh).
---@param opts {weights: integer, units: integer, layers: integer, activation: string}
---@return table[]
function nn.theory.vc_bounds(opts) end

---Gives the size of the largest subset of `points` that a class shatters: its VC dimension, if the points are general enough
---(what they leave out can only raise it). Searches all subsets, smallest first.
---class: "halfspaces", "intervals" (of the first coordinate), "rectangles" (with sides along the axes), or a function(points,
---labels) that tells whether the class has a member with these labels. Options: most (8: stop at this size).
---@param class string|function
---@param points nn.Tensor|number[][]
---@param opts? {most: integer}
---@return integer dimension, number[][] a shattered subset
function nn.theory.vc_dimension(class, points, opts) end

---Gives the time of a clock that only goes on, for measuring: the difference of two calls.
function nn.time() end

nn.train = {}

---Makes a checkpoint for a loop of one's own: it keeps what has a state, by name, and the random numbers, so that a loop that
---was broken off goes on with the same bits. Within an experiment its path is run:file "loop.safetensors"; where the run is not
---recorded that is nil, and the checkpoint does nothing.
---@param path string|nil
---@param parts table name -> model, optimizer, schedule, loader, average: whatever has state_dict and load_state_dict
---@return nn.Checkpoint
function nn.train.checkpoint(path, parts) end

---Gives the mean loss and metrics of a model over a loader: in evaluation mode, without gradients. A second table has what
---is no number (a confusion matrix), a third says of metrics that are nan why they are. Each module's mode is put back
---afterwards.
---Options: loss (default none), metrics (default {}; as fit's).
---@param model nn.Module|fun(x: nn.Tensor): nn.Tensor
---@param loader nn.Loader
---@param opts? {loss: function, metrics: table}
---@return table row {loss =, accuracy =, ...}
---@return table<string, nn.Tensor> tables {confusion =, ...}
---@return table<string, string> why {auc = "all targets are of one class, ..."}
function nn.train.evaluate(model, loader, opts) end

---@class nn.FitOptions
---@field model nn.Module layers that were set to model[i]:eval() stay so
---@field loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor a loss layer, or a function; gives one number
---@field optimizer nn.Optimizer also LBFGS and ConjugateGradient, which take several looks at a batch
---@field train nn.Loader or a function that gives the next batch x, y, and nil at the end of each epoch
---@field valid? nn.Loader looked at after each epoch, in evaluation mode; default none
---@field epochs? integer how often to go over the training set; default 1
---@field metrics? table names ("accuracy", "auc", ...), {"f1", average = "macro"}, nn.train.metrics.AUC(), or your own as

---Trains a model on the batches of a loader and returns what happened, the run.
---A run goes by one figure, `monitor`: by default the first metric, or the loss where there is none; of the validation set
---if there is one. run.best is the row where it was best; best.safetensors, early stopping and ReduceLROnPlateau go by it,
---too. Whether more or less of it is better is known of the loss and of nn's own metrics; of yours, say it.
---Fields of the run: history (a row an epoch: epoch, loss, metrics, valid_loss, valid_..., seconds, lr), best and best_epoch,
---tables and best_tables (metrics that are tensors, such as confusion and valid_confusion, of the last epoch and of the best),
---monitor and mode, steps, interrupted, stopped_early (the epoch, if so), stopped (why, if before the last epoch), within (rows
---of valid_every), resumed ({epoch, steps, over} where it went on; over: nothing was left to train), compiled (whether the
---step was, to the end) and not_compiled (why it was not). A loss that is not finite is an error that names the step. Ctrl-C
---ends the run and returns what was reached; SIGTERM ends the run and the program; with `out`, both leave the weights in
---interrupted.safetensors. The loss of a row is the mean over its samples; with reduction = "sum", the sum divided by their
---number. valid_loss is what the same loss function gives: a penalty inside it is part of both, and of what best and early
---stopping go by. (weight_decay is in neither; a figure without the penalty: metrics = {{"plain", f, "min"}},
---monitor = "valid_plain".)
---@param opts nn.FitOptions
---@return table run
function nn.train.fit(opts) end

---Looks for a learning rate by the range test: the rate grows by a factor at each step; where the loss falls fastest
---is a good rate, where it is lowest it is too large already. The model, the optimizer and random numbers stay as they were.
---Options beside fit's model, loss, optimizer and train: low (1e-6), high (10), steps (100, at least 10), file (a picture;
---default none).
---@param opts {model: nn.Module, loss: function, optimizer: nn.Optimizer, train: nn.Loader, low: number, high: number, steps:
---@return table {suggestion = rate or nil, lowest = rate, rates, losses (smoothed)}
function nn.train.lr_range_test(opts) end

---@class nn.RankingOptions
---@field average? string "macro" (default), "weighted" or "none": of several classes, or answers a sample
---@field input_is? string what the output is, where no loss tells: "scores" (of classes), "logits", "probabilities", "values"
---@field ignore_index? integer targets with this value do not count; default the loss's
---@field name? string in a row

nn.train.metrics = {}

---Measures the area under the ROC curve: of all pairs of a yes and a no, the share in which the yes has the higher score; equal
---scores count half. Of several classes, each against the rest, by softmax's probabilities; of these the mean.
---All scores are kept until the end of the epoch. Where a class has no targets, or all of them, it is nan. In fit "auc".
---@param opts? nn.RankingOptions
---@return nn.Metric
function nn.train.metrics.AUC(opts) end

---Measures accuracy, the share of targets that are met. In fit "accuracy".
---Options: input_is (what the output is, as the loss says in fit), name (in a row).
---@param opts? {input_is: "scores"|"logits"|"probabilities", name: string}
---@return nn.Metric
function nn.train.metrics.Accuracy(opts) end

---Measures the area under precision over recall: the curve's, as a sum over its steps, without interpolation. Classes and
---options as AUC's. Where a class has no targets it is nan. In fit "average_precision".
---@param opts? nn.RankingOptions
---@return nn.Metric
function nn.train.metrics.AveragePrecision(opts) end

---Measures the accuracy of yes or no: an output above the threshold means a target of 1. In fit "binary_accuracy".
---Options: threshold (0, which is right for logits), name (in a row).
---@param opts? {threshold: number, name: string}
---@return nn.Metric
function nn.train.metrics.BinaryAccuracy(opts) end

---Measures the accuracy of scores of classes (dim 2): the largest is that of the target. In fit "categorical_accuracy".
---Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
function nn.train.metrics.CategoricalAccuracy(opts) end

---Counts the confusion matrix: how often a target of class i (row) was taken for class j (column); an int64 tensor. Of yes or
---no, the no is class 1. Rows of a history hold numbers only: fit has it in run.tables, evaluate gives it in a second table.
---In fit "confusion". Options: threshold (above it an output is a yes: 0 of logits, 1/2 of probabilities), input_is,
---ignore_index, name.
---@param opts? {threshold: number, input_is: string, ignore_index: integer, name: string}
---@return nn.Metric
function nn.train.metrics.Confusion(opts) end

---@class nn.DecisionOptions
---@field average? string "binary" (of two classes), "macro" (of more), "micro", "weighted" or "none"
---@field threshold? number above it an output is a yes: default 0 of logits, 1/2 of probabilities
---@field input_is? string what the output is, where no loss tells: "scores" (of classes), "logits", "probabilities", "values"
---@field ignore_index? integer targets with this value do not count; default the loss's
---@field name? string in a row, e.g. "f1_micro"

---Measures F1, the harmonic mean of precision and recall: 2 right / (predicted + true); 0 where that is 0 / 0. In fit "f1".
---Options as Precision's. The average is that of the classes' F1, as scikit-learn has it, not the F1 of averages.
---@param opts? nn.DecisionOptions
---@return nn.Metric
function nn.train.metrics.F1(opts) end

---Measures the mean negative log-likelihood of the targets: without weights and label smoothing. Logarithms of probabilities
---end at -100, as BCELoss's do. In fit "log_loss".
---Options: input_is (what the output is, as the loss says in fit), ignore_index, name (in a row).
---@param opts? {input_is: "scores"|"logits"|"probabilities", ignore_index: integer, name: string}
---@return nn.Metric
function nn.train.metrics.LogLoss(opts) end

---Measures the mean absolute error. In fit "mae". Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
function nn.train.metrics.MAE(opts) end

---Measures the mean squared error. In fit "mse". Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
function nn.train.metrics.MSE(opts) end

---Measures the perplexity of a language model, over tokens: exp of the mean negative log-likelihood of the targets. Class
---weights and ignore_index, the loss's or its own, count as they do in the loss; label smoothing does not. In fit "perplexity".
---Options: input_is (what the output is, as the loss says in fit), ignore_index, weight (of the classes), name (in a row).
---@param opts? {input_is: "scores"|"probabilities", ignore_index: integer, weight: nn.Tensor, name: string}
---@return nn.Metric
function nn.train.metrics.Perplexity(opts) end

---Measures precision: of what was taken for a class, the share that is of it. In fit "precision".
---One yes or no, and two classes, give the figure of the yes (target 1, or label 2). Of several classes, or several answers a
---sample (dim 2), average says how their figures become one: "macro" (the default) is the mean, "weighted" counts each class
---as often as it occurs, "micro" counts all decisions in one, "none" gives a tensor with all of them, which is no figure of a
---row. As with scikit-learn's zero_division = 0, the figure of a class that was never predicted is 0; a class that neither
---occurs nor was predicted is left out of the macro average.
---@param opts? nn.DecisionOptions
---@return nn.Metric
function nn.train.metrics.Precision(opts) end

---Measures the share of the targets' variance that is explained: 1 - sum (y - output)^2 / sum (y - mean y)^2, computed in
---float64 by Chan, Golub & LeVeque's formula (1979). Of several values a sample it is the mean over these. Where all targets
---are equal it is nan. In fit "r2". Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
function nn.train.metrics.R2(opts) end

---Measures the root of the mean squared error: of all values together, in the units of the targets. In fit "rmse".
---Options: name (in a row).
---@param opts? {name: string}
---@return nn.Metric
function nn.train.metrics.RMSE(opts) end

---Measures recall: of what is of a class, the share that was taken for it; of a class that does not occur it is 0. In fit
---"recall".
---Options as Precision's.
---@param opts? nn.DecisionOptions
---@return nn.Metric
function nn.train.metrics.Recall(opts) end

---Measures how often the target is among the k best scores. Classes are dim 2; of equal scores the first counts as better, as
---argmax has it. In fit {"top_k", k = 3}; the row calls it top_3. Options: k (5), ignore_index (default the loss's), name (in a
---row).
---@param k? integer|table default 5; or the options, with k among them
---@param opts? {k: integer, ignore_index: integer, name: string}
---@return nn.Metric
function nn.train.metrics.TopK(k, opts) end

---Counts how many samples of a batch are taken for the class they are of. What the output means, the loss says: scores of
---classes (CrossEntropyLoss, NLLLoss, MultiMarginLoss: the largest counts), a logit (BCEWithLogitsLoss, HingeLoss and their
---kin: its sign), a probability (BCELoss: above 1/2), a value (MSELoss and its kin: nearer to which of the targets 0 and 1, or
---1 and 1; coding is halfway between them).
---@param output nn.Tensor
---@param target nn.Tensor
---@param loss? any
---@param coding? number
---@return nn.Tensor sum, nn.Tensor|nil count
function nn.train.metrics.accuracy(output, target, loss, coding) end

---Counts how often an output above the threshold meets a target of 1: 0 for logits (the default), 1/2 for probabilities.
---@param output nn.Tensor
---@param target nn.Tensor
---@param threshold? any
---@return nn.Tensor sum
function nn.train.metrics.binary_accuracy(output, target, threshold) end

---Counts how often the output's largest score (dim 2) is that of the target: labels from 1, or one-hot rows.
---@param output nn.Tensor
---@param target nn.Tensor
---@param loss? any its ignore_index counts
---@return nn.Tensor sum, nn.Tensor|nil count
function nn.train.metrics.categorical_accuracy(output, target, loss) end

---Gives the sum over a batch of each sample's mean absolute error.
---@param output nn.Tensor
---@param target nn.Tensor
---@return nn.Tensor sum
function nn.train.metrics.mae(output, target) end

---Gives the sum over a batch of each sample's mean squared error.
---@param output nn.Tensor
---@param target nn.Tensor
---@return nn.Tensor sum
function nn.train.metrics.mse(output, target) end

---Asks whether the model can learn one batch by heart. One that cannot has a mistake in it: in the loss, the labels, the
---architecture, a frozen layer. The model and the optimizer stay as they were.
---Options beside fit's model, loss, optimizer and train: steps (at most so many: 500), share (learned when the loss is below
---this share of the first: 0.05).
---@param opts {model: nn.Module, loss: function, optimizer: nn.Optimizer, train: nn.Loader, steps: integer, share: number}
---@return table {learned = boolean, first, last, steps, losses, why = string or nil}
function nn.train.overfit_batch(opts) end

---Is nn.TripletMarginLoss as a function. The anchor should be nearer to the positive than to the negative. swap: the negative's distance is the smaller one of those to anchor and positive.
function nn.triplet_margin_loss(...) end

---Tells what is built in: versions, the instructions that kernels use, and the libraries of matrix products.
function nn.versions() end

---Gives the tensor as bool: false where it is 0; itself, where it is one.
---@return nn.Tensor
function Tensor:bool() end

---Gives the tensor as uint8, integers from 0 to 255, e.g. for images; itself, where it is one.
---@return nn.Tensor
function Tensor:byte() end

---Gives x itself where its elements lie row by row, else a copy that does.
function Tensor:contiguous() end

---Gives the number of dims; also x.ndim.
function Tensor:dim() end

---Gives the tensor as float64; itself, where it is one.
---@return nn.Tensor
function Tensor:double() end

---Gives the tensor as float32; itself, where it is one.
---@return nn.Tensor
function Tensor:float() end

---Tells whether the elements lie in memory row by row, without gaps.
function Tensor:is_contiguous() end

---Gives the tensor as int64, without the digits after the point, e.g. for labels; itself, where it is one.
---@return nn.Tensor
function Tensor:long() end

---Gives how many elements there are in memory from one position of a dim to the next.
function Tensor:stride() end

---Gives the transpose of a matrix, in the same memory.
function Tensor:t() end

---Sets every element to 0, in place.
---@return nn.Tensor x
function Tensor:zero_() end

return nn
