-- What NumPy's and PyTorch's names are called here: docs/reference/names.md. The names come from tests/golden/names.json
-- (made from the installed NumPy and PyTorch); those that are the same here need no entry below. A name that is neither
-- the same, nor below, nor left out with a reason is an error.

local nn = require "nn"
local core = require "nn.core"

-- theirs = ours (as users write it); names that work here too are in lua/stdlib/nn/aliases.lua
local renamed = [[
around=round equal=eq array_equal=x:equal(y) digitize=bucketize average=(x*w):sum()/w:sum() clamp_max=x:clamp{max=m}
clamp_min=x:clamp{min=m} positive=x array=nn.tensor asarray=nn.tensor asanyarray=nn.tensor as_tensor=nn.tensor
scalar_tensor=nn.tensor from_numpy=nn.io.npy ascontiguousarray=x:contiguous() einsum=nn.einsum put_along_axis=scatter
repeat=repeat_interleave(NumPy),tile(PyTorch) save=nn.io.npy load=nn.io.npy savez=nn.io.npz
savez_compressed=nn.io.npz(path,t,{compress=true}) set_printoptions=nn.set_printoptions extract=x[mask] compress=x[mask]
place=x[mask]=values putmask=x[mask]=values copyto=x:copy_(y) percentile=quantile(q/100)
nanpercentile=nanquantile(q/100) nancumsum=nn.where(x:isnan(),0,x):cumsum() nancumprod=nn.where(x:isnan(),1,x):cumprod()
nanprod=nn.where(x:isnan(),1,x):prod() nanmax=nn.where(x:isnan(),-math.huge,x):max()
nanmin=nn.where(x:isnan(),math.huge,x):min() nanargmax=nn.where(x:isnan(),-math.huge,x):argmax()
nanargmin=nn.where(x:isnan(),math.huge,x):argmin() nanvar=(x-x:nanmean()):square():nanmean()
nanstd=(x-x:nanmean()):square():nanmean():sqrt() ptp=x:max()-x:min() flatnonzero=x:flatten():nonzero() msort=sort(1)
rollaxis=moveaxis adjoint=transpose(-2,-1) ndim=x.ndim ndimension=x.ndim shape=x.shape nelement=x:numel()
tolist=x:totable() apply_along_axis=nn.func.vmap broadcast_arrays=broadcast_tensors chain_matmul=multi_dot
frobenius_norm=norm nuclear_norm=matrix_norm(x,"nuc") triangular_solve=solve_triangular lu_solve=solve lu_factor=lu
cholesky_ex=cholesky inv_ex=inv solve_ex=solve lu_factor_ex=lu vecdot=(x*y):sum(-1) modf=trunc,frac divmod=x//y,x%y
conv1d=nn.Conv1d conv2d=nn.Conv2d max_pool1d=nn.MaxPool1d max_pool2d=nn.MaxPool2d avg_pool1d=nn.AvgPool1d
avg_pool2d=nn.AvgPool2d adaptive_avg_pool1d=nn.AdaptiveAvgPool1d adaptive_avg_pool2d=nn.AdaptiveAvgPool2d
embedding=nn.Embedding layer_norm=nn.LayerNorm group_norm=nn.GroupNorm instance_norm=nn.InstanceNorm1d
local_response_norm=nn.LocalResponseNorm alpha_dropout=nn.AlphaDropout dropout1d=nn.Dropout1d dropout2d=nn.Dropout2d
rrelu=nn.RReLU gru=nn.GRU lstm=nn.LSTM gru_cell=nn.GRUCell lstm_cell=nn.LSTMCell rnn_tanh=nn.RNN rnn_relu=nn.RNN
rnn_tanh_cell=nn.RNNCell rnn_relu_cell=nn.RNNCell kl_div=nn.KLDivLoss l1_loss=nn.L1Loss nll_loss=nn.NLLLoss
huber_loss=nn.HuberLoss smooth_l1_loss=nn.SmoothL1Loss soft_margin_loss=nn.SoftMarginLoss
binary_cross_entropy=nn.BCELoss poisson_nll_loss=nn.PoissonNLLLoss gaussian_nll_loss=nn.GaussianNLLLoss
hinge_embedding_loss=nn.HingeEmbeddingLoss margin_ranking_loss=nn.MarginRankingLoss multi_margin_loss=nn.MultiMarginLoss
triplet_margin_loss=nn.TripletMarginLoss multilabel_margin_loss=nn.MultiLabelMarginLoss
multilabel_soft_margin_loss=nn.MultiLabelSoftMarginLoss cosine_embedding_loss=nn.CosineEmbeddingLoss
get_rng_state=nn.rng_state initial_seed=nn.rng_state seed=nn.manual_seed set_anomaly_enabled=nn.autograd.detect_anomaly
is_anomaly_enabled=nn.autograd.detect_anomaly is_anomaly_check_nan_enabled=nn.autograd.detect_anomaly
retain_grad=x:register_hook(f) type_as=x:to(y.dtype) type=x.dtype sum_to_size=sum new_empty=empty new_full=full
new_ones=ones new_zeros=zeros new_tensor=nn.tensor new=nn.tensor is_same_size=x.shape==y.shape
is_floating_point=x.dtype:find"float" is_nonzero=x:item()~=0 log_ndtr=ndtr(x):log() rsub=y-x randint_like=randint
is_tensor=nn.is_tensor append=cat array_equiv=x:equal(y) diagflat=diag(x:flatten()) resize=reshape put=index_put
range=arange info=nn.help lookfor=nn.help disp=print array_repr=tostring array_str=tostring array2string=tostring
get_printoptions=nn.set_printoptions printoptions=nn.set_printoptions numpy=nn.io.npy
]]

-- Left out: a reason, and the names (Lua patterns).
local left_out = {
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
  { "layers that are not built yet", [[conv3d conv_.* .*pool3d.* adaptive_max_pool.* .*_with_indices.* .*unpool.* lp_pool.*
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

local function words(text)
  return text:gmatch "%S+"
end

local both = require "nn.aliases"
local alias = {}
for theirs, ours in pairs(both) do
  alias[theirs] = ours
end
for entry in words(renamed) do
  local theirs, ours = entry:match "^([%w_]+)=(.+)$"
  alias[theirs] = ours
end

local function reason_for(name)
  for _, group in ipairs(left_out) do
    for pattern in words(group[2]) do
      if name:find("^" .. pattern .. "$") then
        return group[1]
      end
    end
  end
end

return function(_, head)
  local f = assert(io.open "tests/golden/names.json")
  local data = assert(core.json_decode(f:read "a"))
  f:close()
  local out = { head, "# Names of NumPy and PyTorch\n", ([[
What the functions of NumPy %s and PyTorch %s are called here. The meaning is the same, with two exceptions: positions, dims
and classes count from 1, and a slice `{2, 5}` has both its ends. Options are named as in PyTorch (`dim`, `keepdim`).
]]):format(data.numpy_version, data.torch_version) }
  local order = { "numpy", "numpy.linalg", "torch", "torch.Tensor", "torch.nn.functional", "torch.linalg", "torch.special" }
  local same_count, unknown = 0, {}
  local reasons = {}
  for _, module in ipairs(order) do
    local same, others = {}, {}
    for _, name in ipairs(data.names[module]) do
      local here = core[name] and nn[name] or core.tensor_methods[name]
        or (module:find "linalg" and rawget(nn.linalg, name))
      if here and not alias[name] then
        same[#same + 1] = name
      elseif alias[name] then
        local here_too = both[name] and ", by both names" or ""
        others[#others + 1] = ("| %s | `%s`%s |"):format(name, (alias[name]:gsub("|", "\\|")), here_too)
      else
        local why = reason_for(name)
        if why then
          reasons[why] = reasons[why] or {}
          reasons[why][name] = true
        else
          unknown[#unknown + 1] = module .. "." .. name
        end
      end
    end
    same_count = same_count + #same
    out[#out + 1] = ("## %s\n\nThe same here (%d): %s.\n"):format(module, #same, table.concat(same, ", "))
    if #others > 0 then
      out[#out + 1] = ("| %s | here |\n| --- | --- |\n%s\n"):format(module, table.concat(others, "\n"))
    end
  end
  if #unknown > 0 then
    error("names without an answer (tools/names.lua): " .. table.concat(unknown, " "), 0)
  end
  out[#out + 1] = "## Left out\n"
  for _, group in ipairs(left_out) do
    local names = {}
    for name in pairs(reasons[group[1]] or {}) do
      names[#names + 1] = name
    end
    table.sort(names)
    if #names > 0 then
      out[#out + 1] = ("- **%s** (%d): %s"):format(group[1], #names, table.concat(names, ", "))
    end
  end
  return table.concat(out, "\n") .. "\n"
end
