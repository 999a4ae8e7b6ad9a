/* Ops called from C, by name: op_mul() is the op, b_mul(b, x, y) a call of it. All that C code calls stand here, so
   that a name is written in one way; one that the table lacks is found by the first test (tests/c/test_optable.c). */
#ifndef NL_OPTABLE_HELPERS_H
#define NL_OPTABLE_HELPERS_H

#include "optable/build.h"

// clang-format off

/* of one tensor and no attribute */
#define NL_OPS_OF_ONE(F) \
  F(abs) F(ceil) F(clone) F(cos) F(cosh) F(det) F(digamma) F(erf) F(erfc) F(exp) F(exp2) F(expm1) F(floor) F(inv)      \
  F(isnan) F(isneginf) F(isposinf) F(log) F(log1p) F(logical_not) F(neg) F(reciprocal) F(relu) F(round) F(rsqrt)       \
  F(sigmoid) F(sign) F(sin) F(sinh) F(softplus) F(sqrt) F(square) F(tan) F(gelu_erf) F(ndtr) F(tanh) F(trunc)

/* of two */
#define NL_OPS_OF_TWO(F) \
  F(add) F(sub) F(mul) F(div) F(pow) F(maximum) F(minimum) F(eq) F(ne) F(lt) F(le) F(gt) F(ge) F(logical_and)          \
  F(logical_or) F(polygamma) F(matmul) F(solve) F(floor_divide) F(copysign) F(xlogy) F(hypot)

/* others; some have helpers below, the rest are called by nl_b_do */
#define NL_OTHER_OPS(F) \
  F(adaptive_avg_pool1d) F(adaptive_avg_pool2d) F(adaptive_avg_pool3d) F(adaptive_max_pool1d) F(adaptive_max_pool2d) F(adaptive_max_pool3d) F(all) F(amax) F(amin) F(aminmax) F(any) F(arange) F(attention_backward) F(attention_kept) F(avg_pool) F(avg_pool_back) F(bags) F(argmax) F(as_strided) F(batch_standardize_backward) F(batch_standardize)     \
  F(bce_with_logits) F(bitwise_not) F(cat) F(cholesky_lower) F(clamp) F(conv_input) F(conv_weight) F(conv) F(clamp_between) F(class_range) F(copy_) F(col2im) F(conv_transpose1d) F(conv_transpose2d) F(conv_transpose3d) \
  F(cosine_similarity) F(cross_entropy) F(cross_entropy_backward) F(cumsum) F(cumsum_reverse) F(diag_embed)           \
  F(diagonal) F(dropout) F(eig) F(eigh_lower) F(elu) F(elu_backward) F(embedding) F(empty) F(expand) F(eye) F(flatten) F(full)     \
  F(full_like) F(gather) F(gelu) F(index) F(index_add) F(index_copy) F(index_places) F(index_put) F(index_select)     \
  F(im2col) F(interpolate) F(index_zeros) F(linear) F(linear_scan) F(log_softmax) F(log_softmax_backward) F(logaddexp) F(logsigmoid) F(logsumexp)           \
  F(masked_fill) F(masked_scatter) F(masked_select) F(masked_take) F(matrix_exp) F(matrix_norm) F(max) F(max_pool) F(max_pool_back) F(max_pool_pick) F(mean)        \
  F(min) F(mode_index) F(mse_loss) F(narrow) F(nonzero) F(group_norm) F(instance_norm) F(layer_norm) F(standardize) F(standardize_backward) F(gru_sequence) F(gru_sequence_backward) F(lstm_sequence) F(lstm_sequence_backward) F(norm) F(normal_) F(ones_like) F(pad) F(permute) F(pinv) F(prelu) F(prod)      \
  F(rand) F(rand_like) F(randn) F(randn_like) F(relu_backward) F(repeat_index) F(reshape) F(rnn_sequence) F(rnn_sequence_backward) F(scaled_dot_product_attention) F(scatter) F(scatter_add) F(scatter_reduce)   \
  F(scatter_zeros) F(searchsorted) F(select) F(sigmoid_backward) F(slice) F(slice_zeros) F(slogdet) F(softmax)        \
  F(softmax_backward) F(solve_triangular) F(sort) F(squeeze) F(stack) F(std) F(stop_gradient) F(strided_zeros)        \
  F(sum) F(svd) F(tanh_backward) F(to) F(transpose) F(tril) F(triu) F(triu_indices) F(unflatten) F(uniform_) F(unsqueeze) F(var)   \
  F(view_scatter) F(where) F(within) F(zeros) F(zeros_like)

#define NL_CALLED_OPS(F) NL_OPS_OF_ONE(F) NL_OPS_OF_TWO(F) NL_OTHER_OPS(F)

// clang-format on

#define NL_DEFINE_OP(name)                                                                                             \
  static inline const nl_op *op_##name(void) {                                                                         \
    static const nl_op *op;                                                                                            \
    return op ? op : (op = nl_op_find(#name));                                                                         \
  }
NL_CALLED_OPS(NL_DEFINE_OP)

#define NL_DEFINE_OF_ONE(name)                                                                                         \
  static inline nl_tensor *b_##name(nl_build *b, nl_tensor *x) {                                                       \
    return nl_b1(b, op_##name(), x);                                                                                   \
  }
NL_OPS_OF_ONE(NL_DEFINE_OF_ONE)

#define NL_DEFINE_OF_TWO(name)                                                                                         \
  static inline nl_tensor *b_##name(nl_build *b, nl_tensor *x, nl_tensor *y) {                                         \
    return nl_b2(b, op_##name(), x, y);                                                                                \
  }
NL_OPS_OF_TWO(NL_DEFINE_OF_TWO)

/* Attributes of ops that calls are prepared for by hand, outside the files of their families. */
NL_ATTRS(nl_to, dtype)
NL_ATTRS(nl_uniform, low, high)
NL_ATTRS(nl_batch_standardize, eps)
NL_ATTRS(nl_sort, dim, descending)
NL_ATTRS(nl_strided, size, stride, storage_offset)
NL_ATTRS(nl_strided_zeros, size, stride, storage_offset, numel)

static inline nl_tensor *b_where(nl_build *b, nl_tensor *condition, nl_tensor *x, nl_tensor *y) {
  return nl_b_do(b, op_where(), "ttt", condition, x, y);
}
/* Dims and indices from 1, as in Lua. */
static inline nl_tensor *b_narrow(nl_build *b, nl_tensor *x, int64_t dim, int64_t start, int64_t length) {
  return nl_b_do(b, op_narrow(), "tiii", x, dim, start, length);
}
static inline nl_tensor *b_unsqueeze(nl_build *b, nl_tensor *x, int64_t dim) {
  return nl_b_do(b, op_unsqueeze(), "ti", x, dim);
}
static inline nl_tensor *b_squeeze(nl_build *b, nl_tensor *x, int64_t dim) {
  return nl_b_do(b, op_squeeze(), "tl", x, 1, &dim);
}
static inline nl_tensor *b_index_select(nl_build *b, nl_tensor *x, int64_t dim, nl_tensor *index) {
  return nl_b_do(b, op_index_select(), "tti", x, index, dim);
}
static inline nl_tensor *b_gather(nl_build *b, nl_tensor *x, int64_t dim, nl_tensor *index) {
  return nl_b_do(b, op_gather(), "tti", x, index, dim);
}

/* x W^T + bias; bias may be NULL. */
static inline nl_tensor *b_linear(nl_build *b, nl_tensor *x, nl_tensor *weight, nl_tensor *bias) {
  return nl_b_do(b, op_linear(), "ttt", x, weight, bias);
}

/* Arithmetic with a number, which does not widen the dtype. */
static inline nl_tensor *b_plus(nl_build *b, nl_tensor *x, double k) {
  return b_add(b, x, nl_b_number(b, k));
}
/* uint8 and bool as int64, so that differences do not wrap around. */
static inline nl_tensor *b_wide(nl_build *b, nl_tensor *t) {
  return t && (t->dtype == NL_U8 || t->dtype == NL_BOOL) ? nl_b_cast(b, t, NL_I64) : t;
}
/* Whole numbers as floats. */
static inline nl_tensor *b_float(nl_build *b, nl_tensor *t) {
  return t && !nl_dtype_is_float(nl_tensor_dtype(t)) ? nl_b_cast(b, t, NL_DEFAULT_FLOAT) : t;
}
static inline nl_tensor *b_times(nl_build *b, nl_tensor *x, double k) {
  return b_mul(b, x, nl_b_number(b, k));
}
/* k - x */
static inline nl_tensor *b_minus_from(nl_build *b, double k, nl_tensor *x) {
  return b_sub(b, nl_b_number(b, k), x);
}
static inline nl_tensor *b_select(nl_build *b, nl_tensor *x, int64_t dim, int64_t index) {
  return nl_b_do(b, op_select(), "tii", x, dim, index);
}
static inline nl_tensor *b_permute(nl_build *b, nl_tensor *x, const int64_t *order) {
  return nl_b_do(b, op_permute(), "tl", x, x ? x->ndim : 0, order);
}
static inline nl_tensor *b_scatter_add(nl_build *b, nl_tensor *x, int64_t dim, nl_tensor *index, nl_tensor *from) {
  return nl_b_do(b, op_scatter_add(), "ttti", x, index, from, dim);
}
static inline nl_tensor *b_index_copy(nl_build *b, nl_tensor *x, int64_t dim, nl_tensor *index, nl_tensor *from) {
  return nl_b_do(b, op_index_copy(), "ttti", x, index, from, dim);
}
/* x, then y */
static inline nl_tensor *b_cat(nl_build *b, nl_tensor *x, nl_tensor *y, int64_t dim) {
  return nl_b_do(b, op_cat(), "tti", x, y, dim);
}
static inline nl_tensor *b_ones_like(nl_build *b, nl_tensor *x, nl_dtype dtype) {
  return nl_b_do(b, op_ones_like(), "ti", x, (int64_t)dtype);
}
static inline nl_tensor *b_softmax(nl_build *b, nl_tensor *x, int64_t dim) {
  return nl_b_do(b, op_softmax(), "ti", x, dim);
}
/* n x n */
static inline nl_tensor *b_eye(nl_build *b, int64_t n, nl_dtype dtype) {
  return nl_b_do(b, op_eye(), "i-i", n, (int64_t)dtype);
}

/* Tensors to be joined by cat or stack; begins as {0}, and is let go of by the joining. */
typedef struct nl_parts {
  int n;
  nl_tensor **t;
} nl_parts;
void nl_parts_add(nl_build *, nl_parts *, nl_tensor *);
nl_tensor *nl_parts_join(nl_build *, nl_parts *, const nl_op *, int64_t dim);

#endif
