-- What NumPy's and PyTorch's names are called here: for the hints of error messages, and for docs/reference/names.md
-- (tools/names.lua), which takes the names themselves from tests/golden/names.json.

local M = {}

-- theirs = ours, as users write it. Names that work here, too, are in aliases.lua.
local renamed = [[
around=round array_equal=x:equal(y) digitize=bucketize average=(x*w):sum()/w:sum() clamp_max=x:clamp{max=m}
clamp_min=x:clamp{min=m} positive=x array=nn.tensor asarray=nn.tensor asanyarray=nn.tensor as_tensor=nn.tensor
scalar_tensor=nn.tensor from_numpy=nn.io.npy ascontiguousarray=x:contiguous() einsum=nn.einsum put_along_axis=scatter
loadtxt=nn.io.csv genfromtxt=nn.io.csv savetxt=nn.io.csv savez=nn.io.npz
savez_compressed=nn.io.npz(path,t,{compress=true}) set_printoptions=nn.set_printoptions
extract=x[mask] compress=x[mask] place=x[mask]=values putmask=x[mask]=values copyto=x:copy_(y)
percentile=quantile(q/100) nanpercentile=nanquantile(q/100) nancumsum=nn.where(x:isnan(),0,x):cumsum()
nancumprod=nn.where(x:isnan(),1,x):cumprod() nanprod=nn.where(x:isnan(),1,x):prod()
nanmax=nn.where(x:isnan(),-math.huge,x):max() nanmin=nn.where(x:isnan(),math.huge,x):min()
nanargmax=nn.where(x:isnan(),-math.huge,x):argmax() nanargmin=nn.where(x:isnan(),math.huge,x):argmin()
nanvar=(x-x:nanmean()):square():nanmean() nanstd=(x-x:nanmean()):square():nanmean():sqrt() ptp=x:max()-x:min()
flatnonzero=x:flatten():nonzero() msort=sort(1) rollaxis=moveaxis adjoint=transpose(-2,-1) ndim=x.ndim
ndimension=x.ndim shape=x.shape nelement=x:numel() tolist=x:totable() apply_along_axis=nn.func.vmap
broadcast_arrays=broadcast_tensors chain_matmul=multi_dot frobenius_norm=norm nuclear_norm=matrix_norm(x,"nuc")
triangular_solve=solve_triangular lu_solve=solve lu_factor=lu cholesky_ex=cholesky inv_ex=inv solve_ex=solve
lu_factor_ex=lu vecdot=(x*y):sum(-1) modf=trunc,frac divmod=x//y,x%y

gru=nn.GRU
lstm=nn.LSTM gru_cell=nn.GRUCell lstm_cell=nn.LSTMCell rnn_tanh=nn.RNN rnn_relu=nn.RNN rnn_tanh_cell=nn.RNNCell
rnn_relu_cell=nn.RNNCell get_rng_state=nn.rng_state initial_seed=nn.rng_state seed=nn.manual_seed
set_anomaly_enabled=nn.autograd.detect_anomaly is_anomaly_enabled=nn.autograd.detect_anomaly
is_anomaly_check_nan_enabled=nn.autograd.detect_anomaly retain_grad=x:register_hook(f) type_as=x:to(y.dtype)
type=x.dtype sum_to_size=sum new_empty=nn.empty new_full=nn.full new_ones=nn.ones new_zeros=nn.zeros new_tensor=nn.tensor
new=nn.tensor is_same_size=x.shape==y.shape is_floating_point=x.dtype:find"float" is_nonzero=x:item()~=0
log_ndtr=ndtr(x):log() rsub=y-x randint_like=randint is_tensor=nn.is_tensor append=cat array_equiv=x:equal(y)
diagflat=diag(x:flatten()) resize=reshape put=index_put range=arange(a,b+step/2,step) info=nn.help lookfor=nn.help
disp=print array_repr=tostring array_str=tostring array2string=tostring get_printoptions=nn.set_printoptions
printoptions=nn.set_printoptions numpy=nn.io.npy
]]

-- Where the same name means something else, or takes more there: whose it is, and what to write here.
M.differs = {
  ["numpy.cross"] = "cross(x, y, -1)",
  ["numpy.cumprod"] = "cumprod(x, dim), of the flattened tensor there without axis",
  ["numpy.cumsum"] = "cumsum(x, dim), of the flattened tensor there without axis",
  ["numpy.dot"] = "matmul; dot takes vectors",
  ["numpy.equal"] = "eq",
  ["numpy.flip"] = "flip(x, dims), of all dims there without axis",
  ["numpy.load"] = "nn.io.npy(path), nn.io.npz(path)",
  ["numpy.max"] = "amax; max with a dim gives the places, too",
  ["numpy.median"] = "quantile(0.5); median gives the lower one of two in the middle",
  ["numpy.meshgrid"] = "meshgrid(..., {indexing = \"xy\"})",
  ["numpy.min"] = "amin; min with a dim gives the places, too",
  ["numpy.nanmedian"] = "nanquantile(0.5)",
  ["numpy.nonzero"] = "nonzero, one tensor with a row for each element",
  ["numpy.outer"] = "outer(x:flatten(), y:flatten())",
  ["numpy.pad"] = "pad, whose numbers begin with the last dim",
  ["numpy.repeat"] = "repeat_interleave",
  ["numpy.save"] = "nn.io.npy(path, x)",
  ["numpy.select"] = "nn.where; x:select(dim, i) takes a slice",
  ["numpy.size"] = "x:numel()",
  ["numpy.sort"] = "sort, whose second result is the order",
  ["numpy.split"] = "tensor_split; split takes the size of the parts",
  ["numpy.std"] = "std with {correction = 0}",
  ["numpy.take"] = "index_select(dim, i); take goes by the flattened tensor",
  ["numpy.transpose"] = "permute, or x:t()",
  ["numpy.tril_indices"] = "tril_indices, one tensor of two rows",
  ["numpy.triu_indices"] = "triu_indices, one tensor of two rows",
  ["numpy.unique"] = "unique; the places of the values: searchsorted(unique(x), x)",
  ["numpy.var"] = "var with {correction = 0}",
  ["numpy.linalg.norm"] = "norm, or nn.linalg.norm",
  ["numpy.linalg.qr"] = "qr, the reduced form",
  ["numpy.linalg.svd"] = "svd, the reduced form; V is not transposed back: svd gives U, S, V",
  ["torch.cov"] = "cov, without weights",
  ["torch.diff"] = "diff; cat what is prepended or appended",
  ["torch.div"] = "div; with rounding_mode: floor_divide, or (x / y):trunc()",
  ["torch.equal"] = "x:equal(y), true or false",
  ["torch.load"] = "nn.load(path)",
  ["torch.nonzero"] = "nonzero; x[mask] for what as_tuple is used for",
  ["torch.qr"] = "qr, the reduced form",
  ["torch.randint"] = "randint(low, high, shape), low always given",
  ["torch.repeat"] = "tile",
  ["torch.round"] = "round; with decimals: (x * 10^n):round() / 10^n",
  ["torch.save"] = "nn.save(path, state)",
  ["torch.std"] = "std; unbiased = False is {correction = 0}",
  ["torch.std_mean"] = "std_mean; unbiased = False is {correction = 0}",
  ["torch.svd"] = "svd, the reduced form",
  ["torch.unique"] = "unique; the places of the values: searchsorted(unique(x), x)",
  ["torch.unique_consecutive"] = "unique_consecutive, the values",
  ["torch.var"] = "var; unbiased = False is {correction = 0}",
  ["torch.var_mean"] = "var_mean; unbiased = False is {correction = 0}",
  ["torch.linalg.qr"] = "qr, the reduced form",
  ["torch.linalg.solve"] = "solve; from the right: solve(a:t(), b:t()):t()",
  ["torch.linalg.svd"] = "svd, the reduced form (full_matrices = False)",
  ["torch.batch_norm"] = "batch_norm, without the last argument",
  ["torch.instance_norm"] = "instance_norm, without running statistics",
  ["torch.nn.functional.instance_norm"] = "instance_norm, without running statistics",
  ["torch.nn.functional.cross_entropy"] = "cross_entropy, classes from 1",
  ["torch.nn.functional.dropout"] = "dropout(x, p), which drops; {training = false} does not",
  ["torch.nn.functional.hardtanh"] = "hardtanh(x, min, max)",
  ["torch.nn.functional.unfold"] = "im2col; x:unfold(dim, size, step) has the windows of one dim",
  ["torch.nn.functional.interpolate"] = "interpolate, without antialias",
}

-- Left out: a reason, and the names (Lua patterns).
M.left_out = {
  { "complex numbers: there is no complex dtype", [[angle conj.* imag .*real.* .*complex.* polar resolve_.* sort_complex
    view_as_complex.* is_conj is_neg chalf cfloat cdouble .*stft ]] },
  { "types and strings of Python: Lua has its own, dtypes are five names", [[add_.* as.*array.* base_repr binary_repr can_cast
    common_type find_common_type get_array_wrap get_include getbufsize isfortran isscalar issc.* issubs.* issubd.* iterable
    maximum_sctype
    min_scalar_type mintypecode obj2sctype promote_types result_type safe_eval sctype2char set_numeric_ops set_string_function
    setbufsize typename who format_float.* compare_chararrays deprecate.* source show_.* byte_bounds fastCopyAndTranspose
    frompyfunc vectorize typename obj candidate classproperty merge_type.* parse_.* unify_type_list get_file_path import_ir.*
    may_share_memory shares_memory is_signed isnat as_subclass char int short half bfloat16 float double long
    iscomplex.* bmat mat .*matrix asmatrix nested_iters get_default_dtype set_default_.* ]] },
  { "floating point errors as settings: `nn.autograd.detect_anomaly` looks for nan", [[.*seterr.* .*geterr.*
    set_flush_denormal]] },
  { "dates and business days", [[.*busday.* datetime.*]] },
  { "text and raw files: `io` and `string` of Lua read them", [[.*txt .*from.* recfrom.* getbuffer]] },
  { "memory of tensors seen from outside", [[.*data_ptr .*storage.* from_dlpack to_dlpack frombuffer .*_copy .*_inference.*
    element_size is_set_to is_shared is_pinned pin_memory record_stream alias_copy .*empty_strided resize_as .*unsafe.*
    has_names
    .*rename.* refine_names align.* is_distributed reinforce ]] },
  { "devices: all runs on the processor", [[cpu cuda ipu xpu get_device to_mkldnn .*cudnn.* .*mkldnn.* miopen.* is_vulkan.*
    .*autocast.* compiled_with.* .*deterministic.* .*num_interop.* init_num_threads fork wait .*vital.* .*warn_always.*
    .*matmul_precision prepare_multi.* ]] },
  { "quantized tensors", [[.*quant.* q_.* qscheme int_repr fbgemm.* .*fake_quant.* dequantize choose_qparams.*]] },
  { "sparse tensors", [[.*sparse.* crow.* ccol.* col_indices.* row_indices.* indices values.* coalesce is_coalesced
    dense_dim to_dense hspmm hsmm smm dsmm spmm saddmm sspaddmm to_padded_tensor]] },
  { "inner parts of PyTorch, not meant to be called", [[batch_norm_.* native_.* .*torch_function.* boolean_dispatch assert_int.*
    norm_except_dim is_storage convolution constant_pad_nd ]] },
  { "signal processing", [[bartlett.* blackman.* hamming.* hann.* kaiser.* convolve correlate .*fft.*]] },
  { "polynomials: `nn.vander` and `nn.linalg.lstsq` fit them", [[poly.* roots ]] },
  { "layers that are not built yet", [[conv_.* adaptive_.*pool3d.* adaptive_max_pool.* .*_with_indices.* .*unpool.* lp_pool.*
    fractional.* bilinear upsample.* interpolate affine_grid.* grid_sampl.* fold .*pixel_.* .*channel_shuffle ctc_loss
    embedding_bag feature_.*dropout dropout3d multi_head_attention_forward triplet_margin_with.* ]] },
  { "special functions that are not built yet", [[airy_ai .*bessel.* .*polynomial.* erfcx gammainc.* i0.* i1.* igamma.*
    mvlgamma multigammaln ndtri zeta frexp spacing]] },
  { "bits and characters in bytes", [[packbits unpackbits]] },
  { "sets: `unique` and `isin` make them", [[union1d intersect1d setdiff1d setxor1d ediff1d trim_zeros]] },
  { "not built yet", [[apply_over_axes block broadcast_shapes delete fromfunction gradient insert unwrap argpartition partition
    choose diag_indices.* geomspace logspace histogram.* interp
    lexsort mask_indices piecewise ravel_multi_index unravel_index require tri .*_indices_from fill_diagonal select
    tensorinv tensorsolve einsum_path cumulative_trapezoid as_strided_scatter renorm sgn index_reduce binomial
    householder_product geqrf orgqr ormqr ldl.* lobpcg .*_lowrank lu_unpack segment_reduce nextafter fill tril_indices.*
    triu_indices.* ]] },
}

-- PyTorch's classes that are called otherwise here, and other names that people try.
local everywhere = {
  ParameterDict = "a plain table of nn.Parameter", Container = "nn.Module",
  Unflatten = "x:unflatten(dim, sizes)", Softmax2d = "nn.Softmax(2)", CosineSimilarity = "nn.cosine_similarity",
  PairwiseDistance = "(x - y):norm(2, -1)", NLLLoss2d = "nn.NLLLoss", CrossMapLRN2d = "nn.LocalResponseNorm",
  ConstantPad1d = "nn.pad", ConstantPad2d = "nn.pad", ZeroPad2d = "nn.pad", ReflectionPad1d = "nn.pad",
  ReflectionPad2d = "nn.pad", ReplicationPad1d = "nn.pad", ReplicationPad2d = "nn.pad", LazyLinear = "nn.Linear",
  LazyConv1d = "nn.Conv1d", LazyConv2d = "nn.Conv2d", LazyBatchNorm1d = "nn.BatchNorm1d",
  LazyBatchNorm2d = "nn.BatchNorm2d", LazyInstanceNorm1d = "nn.InstanceNorm1d", LazyInstanceNorm2d = "nn.InstanceNorm2d",
  FeatureAlphaDropout = "nn.AlphaDropout", DataParallel = "nn.set_num_threads", Tensor = "nn.tensor",
  FloatTensor = "nn.tensor", LongTensor = "nn.tensor(x, {dtype = \"int64\"})", Adam = "nn.optim.Adam",
  AdamW = "nn.optim.AdamW", SGD = "nn.optim.SGD", DataLoader = "data:loader{batch_size = 32}",
  TensorDataset = "nn.data.tensors(x, y)", random_split = "data:split(0.8)", functional = "nn itself", F = "nn itself",
  generate_square_subsequent_mask = "not needed: layer(x, {is_causal = true}), or nn.ones(n, n):triu(1):bool()",
  pad_sequence = "nn.pad and nn.stack", lr_scheduler = "nn.sched", Dataset = "nn.data.tensors(x, y)", inf = "math.huge",
  UpsamplingNearest2d = "nn.Upsample{scale_factor = 2}", pack_padded_sequence = "not needed: lstm(x, {lengths = lengths})",
  pad_packed_sequence = "not needed: lstm(x, {lengths = lengths}) gives a padded tensor",
  clip_grad_norm_ = "nn.optim.clip_grad_norm_", clip_grad_value_ = "nn.optim.clip_grad_value_", utils = "nn.optim, nn.data",
  weight_norm = "nn.WeightNorm(layer)", spectral_norm = "nn.SpectralNorm(layer)", float32 = "the string \"float32\"",
  float64 = "the string \"float64\"", int64 = "the string \"int64\"", int32 = "the string \"int64\"",
  uint8 = "the string \"uint8\"", bool = "the string \"bool\"", fit = "nn.train.fit", evaluate = "nn.train.evaluate",
  save_image = "nn.io.image(path, x)", read_image = "nn.io.image(path)", vision = "nn.io.image for pictures, nn.models for nets",
  amp = "not needed: numbers are float32", frombuffer = "nn.io.npy(path), or nn.tensor of a table",
  mse_loss = "nn.mse_loss or nn.MSELoss", device = "not needed: all runs on the processor",
}
local members = {
  optim = {
    lr_scheduler = "nn.sched", SparseAdam = "nn.optim.Adam", Optimizer = "one of the optimizers",
    swa_utils = "nn.optim.AveragedModel",
    SWA = "nn.optim.AveragedModel", clip_grad_norm = "nn.optim.clip_grad_norm_",
  },
  sched = { MultiplicativeLR = "nn.sched.LambdaLR", CyclicLR = "nn.sched.OneCycleLR", LRScheduler = "one of the schedules" },
  data = { DataLoader = "data:loader{batch_size = 32}", TensorDataset = "nn.data.tensors(x, y)", random_split = "data:split(0.8)",
    mnist = "nn.data.fashion_mnist", MNIST = "nn.data.fashion_mnist", FashionMNIST = "nn.data.fashion_mnist" },
  train = { Trainer = "nn.train.fit", train = "nn.train.fit", test = "nn.train.evaluate", predict = "model(x)" },
  tensor = {
    T = "x:t()", mT = "x:transpose(-2, -1)", H = "x:t()", device = "not needed: all runs on the processor",
    cuda = "not needed: all runs on the processor", cpu = "not needed: all runs on the processor",
    grad_fn = "not there; x.is_leaf tells whether there is a history", numpy = "x:totable(), or nn.io.npy(path, x)",
    half = "not a dtype of tensors here (float16 is one of files: nn.io.npy(path, x, {dtype = \"float16\"}))",
    int = "x:to(\"int64\")", short = "x:to(\"int64\")", astype = "x:to(dtype)",
    detach_ = "x:detach()",
    apply_ = "written with tensor ops", nbytes = "x:numel() times the dtype's size", len = "#x", append = "nn.cat({x, y})",
  },
  module = {
    cuda = "not needed: all runs on the processor", cpu = "not needed: all runs on the processor",
    half = "not a dtype of tensors here (float16 is one of files: nn.io.npy(path, x, {dtype = \"float16\"}))",
    double = "model:to(\"float64\")", float = "model:to(\"float32\")", type = "model:to(dtype)",
    count_parameters = "model:parameter_count()", num_params = "model:parameter_count()",
    children = "model:named_modules()", named_children = "model:named_modules()", modules = "model:named_modules()",
    buffers = "model:named_buffers()", add_module = "model.name = layer", register_module = "model.name = layer",
    register_parameter = "model.name = nn.Parameter(x)", get_parameter = "model.name", get_submodule = "model.name",
    get_buffer = "model.name", register_full_backward_hook = "x:register_hook(f)", fit = "nn.train.fit",
    register_backward_hook = "x:register_hook(f)", extra_repr = "a method called extra", predict = "model(x)",
    summary = "print(model)", compile = "nn.compile(model)", save = "nn.save(path, model:state_dict())",
    load = "model:load_state_dict(nn.load(path))",
  },
}
-- Torch7's names, whose users have the same language.
local torch7 = {
  nn = {
    SpatialConvolution = "nn.Conv2d(channels_in, channels_out, {height, width})", SpatialConvolutionMM = "nn.Conv2d",
    SpatialMaxPooling = "nn.MaxPool2d", SpatialAveragePooling = "nn.AvgPool2d", SpatialBatchNormalization = "nn.BatchNorm2d",
    SpatialAdaptiveAveragePooling = "nn.AdaptiveAvgPool2d",
    SpatialDropout = "nn.Dropout2d", SpatialZeroPadding = "nn.pad",
    SpatialCrossMapLRN = "nn.LocalResponseNorm", SpatialSoftMax = "nn.Softmax(2)", TemporalConvolution = "nn.Conv1d",
    TemporalMaxPooling = "nn.MaxPool1d", BatchNormalization = "nn.BatchNorm1d", LookupTable = "nn.Embedding",
    SoftMax = "nn.Softmax", LogSoftMax = "nn.LogSoftmax", SoftPlus = "nn.Softplus", SoftSign = "nn.Softsign",
    HardTanh = "nn.Hardtanh", View = "nn.Flatten, or x:reshape(...) in a function",
    Reshape = "nn.Flatten, or x:reshape(...) in a function", Concat = "a class whose forward gives nn.cat({a(x), b(x)}, dim)",
    ConcatTable = "a class whose forward calls both: self.a(x), self.b(x)", ParallelTable = "a class whose forward calls both",
    CAddTable = "x + y in a forward", CMulTable = "x * y in a forward", JoinTable = "nn.cat({x, y}, dim)",
    gModule = "a class with a forward", MSECriterion = "nn.MSELoss", ClassNLLCriterion = "nn.NLLLoss",
    CrossEntropyCriterion = "nn.CrossEntropyLoss", BCECriterion = "nn.BCELoss", AbsCriterion = "nn.L1Loss",
    SmoothL1Criterion = "nn.SmoothL1Loss", DistKLDivCriterion = "nn.KLDivLoss", MarginCriterion = "nn.HingeLoss",
    MultiMarginCriterion = "nn.MultiMarginLoss", MultiLabelMarginCriterion = "nn.MultiLabelMarginLoss",
    SoftMarginCriterion = "nn.SoftMarginLoss", CosineEmbeddingCriterion = "nn.CosineEmbeddingLoss",
    HingeEmbeddingCriterion = "nn.HingeEmbeddingLoss", MarginRankingCriterion = "nn.MarginRankingLoss",
    SpatialClassNLLCriterion = "nn.NLLLoss", manualSeed = "nn.manual_seed", setnumthreads = "nn.set_num_threads",
    DoubleTensor = "nn.tensor(x, {dtype = \"float64\"})", IntTensor = "nn.tensor(x, {dtype = \"int64\"})",
    ByteTensor = "nn.tensor(x, {dtype = \"uint8\"})", StochasticGradient = "nn.train.fit",
  },
  optim = { sgd = "nn.optim.SGD", adam = "nn.optim.Adam", adagrad = "nn.optim.Adagrad", rmsprop = "nn.optim.RMSprop",
    lbfgs = "nn.optim.LBFGS", adadelta = "nn.optim.Adadelta", adamax = "nn.optim.Adamax", cg = "nn.optim.ConjugateGradient" },
  tensor = {
    nElement = "x:numel()", nDimension = "x:dim()", cmul = "x * y, or x:mul_(y)", cdiv = "x / y, or x:div_(y)",
    cadd = "x + y, or x:add_(y)", csub = "x - y, or x:sub_(y)", cpow = "x ^ y", isSameSizeAs = "x.shape == y.shape",
    typeAs = "x:to(y.dtype)", isContiguous = "x:is_contiguous()", isTensor = "nn.is_tensor(x)", expandAs = "x:expand(y.shape)",
    viewAs = "x:reshape(y.shape)", resizeAs = "x:reshape(y.shape)", maskedSelect = "x[mask]",
    maskedFill = "x:masked_fill(mask, v)", indexSelect = "x:index_select(dim, i)", repeatTensor = "x:tile(...)",
    map = "tensor ops", apply = "tensor ops", fill = "x:fill_(v)", zero = "x:zero_()",
    storage = "not there: a tensor shares its memory with its views",
  },
  module = {
    zeroGradParameters = "model:zero_grad(), or opt:zero_grad()", updateParameters = "opt:step()", evaluate = "model:eval()",
    getParameters = "model:parameters()", updateOutput = "forward", updateGradInput = "not needed: autograd finds the way back",
    accGradParameters = "not needed: autograd finds the way back", backward = "loss:backward()", get = "net[i]",
    gradWeight = "layer.weight.grad", gradBias = "layer.bias.grad", reset = "nn.init", listModules = "model:named_modules()",
    findModules = "model:named_modules()", replace = "net[i] = layer", clearState = "not needed: layers keep no outputs",
    output = "what model(x) gives", gradInput = "x.grad",
  },
}
local missing = [[
AdaptiveLogSoftmaxWithLoss ChannelShuffle FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d MaxUnpool1d
MaxUnpool2d MaxUnpool3d SyncBatchNorm Transformer TripletMarginWithDistanceLoss UpsamplingBilinear2d
UpsamplingNearest2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyBatchNorm3d
LazyInstanceNorm3d RNNBase RNNCellBase
]]

---Theirs -> ours, of functions.
M.renamed = {}
for entry in renamed:gmatch "%S+" do
  local theirs, ours = entry:match "^([%w_]+)=(.+)$"
  M.renamed[theirs] = ours
end

---What a name that is not here is called here, for an error message; nil where nobody knows.
---@param where string "nn", "optim", "sched", "init", "data", "train", "tensor", "module"
---@param name string
function M.answer(where, name)
  local ours = members[where] and members[where][name]
  if where == "nn" then
    ours = everywhere[name] or M.renamed[name]
  elseif where == "tensor" then
    ours = ours or M.renamed[name]
  elseif where == "init" then
    ours = rawget(require "nn.init", name .. "_") and ("nn.init.%s_"):format(name)
  end
  local whose = "PyTorch"
  if not ours and torch7[where] then
    whose, ours = "Torch7", torch7[where][name]
  end
  if ours and ours:find "^not " then
    return ("%s's %s is %s"):format(whose, name, ours)
  elseif ours then
    return ("what %s calls %s is here %s"):format(whose, name, ours)
  end
  for known in (where == "nn" and missing or ""):gmatch "%S+" do
    if known == name then
      return ("PyTorch's %s is not built here yet"):format(name)
    end
  end
  for _, group in ipairs(where == "nn" and M.left_out or {}) do
    for pattern in (group[1]:find "not built yet" and group[2] or ""):gmatch "%S+" do
      if name:find("^" .. pattern .. "$") then
        return ("PyTorch's %s is not built here yet"):format(name)
      end
    end
  end
end

return M
