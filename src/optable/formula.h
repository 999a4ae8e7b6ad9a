/* Ops as functions, for ops that are composed of others: b_mul(b, x, y). After the first failure of the build they do
   nothing and return NULL, so a formula is written as one expression. */
#ifndef NL_OPTABLE_FORMULA_H
#define NL_OPTABLE_FORMULA_H

#include "optable/build.h"
#include "optable/rules.h"

#define NL_OP1(name)                                                                                                   \
  NL_OP(name)                                                                                                          \
  static inline nl_tensor *b_##name(nl_build *b, nl_tensor *x) {                                                       \
    return nl_b1(b, op_##name(), x);                                                                                   \
  }
#define NL_OP2(name)                                                                                                   \
  NL_OP(name)                                                                                                          \
  static inline nl_tensor *b_##name(nl_build *b, nl_tensor *x, nl_tensor *y) {                                         \
    return nl_b2(b, op_##name(), x, y);                                                                                \
  }

NL_OP1(neg)
NL_OP1(abs)
NL_OP1(sign)
NL_OP1(square)
NL_OP1(exp)
NL_OP1(exp2)
NL_OP1(expm1)
NL_OP1(log)
NL_OP1(log1p)
NL_OP1(sqrt)
NL_OP1(rsqrt)
NL_OP1(reciprocal)
NL_OP1(tanh)
NL_OP1(sigmoid)
NL_OP1(relu)
NL_OP1(softplus)
NL_OP1(erf)
NL_OP1(erfc)
NL_OP1(sin)
NL_OP1(cos)
NL_OP1(sinh)
NL_OP1(cosh)
NL_OP1(floor)
NL_OP1(trunc)
NL_OP1(digamma)
NL_OP1(isnan)
NL_OP1(isposinf)
NL_OP1(isneginf)
NL_OP1(logical_not)
NL_OP1(clone)
NL_OP1(det)
NL_OP1(inv)
NL_OP2(add)
NL_OP2(sub)
NL_OP2(mul)
NL_OP2(div)
NL_OP2(pow)
NL_OP2(maximum)
NL_OP2(minimum)
NL_OP2(eq)
NL_OP2(ne)
NL_OP2(lt)
NL_OP2(le)
NL_OP2(gt)
NL_OP2(ge)
NL_OP2(logical_and)
NL_OP2(logical_or)
NL_OP2(polygamma)
NL_OP2(matmul)
NL_OP2(solve)
NL_OP2(floor_divide)

NL_OP(where)
NL_OP(narrow)
NL_OP(slice)
NL_OP(select)
NL_OP(unsqueeze)
NL_OP(squeeze)
NL_OP(permute)
NL_OP(gather)
NL_OP(scatter_add)
NL_OP(index_select)
NL_OP(cat)
NL_OP(stack)
NL_OP(sort)
NL_OP(arange)
NL_OP(eye)
NL_OP(mean)
NL_OP(all)
NL_OP(any)
NL_OP(norm)
NL_OP(clamp_between)
NL_OP(elu)
NL_OP(logsumexp)
NL_OP(softmax)
NL_OP(rand)
NL_OP(to)

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

/* Arithmetic with a number, which does not widen the dtype. */
static inline nl_tensor *b_plus(nl_build *b, nl_tensor *x, double k) {
  return b_add(b, x, nl_b_number(b, k));
}
static inline nl_tensor *b_times(nl_build *b, nl_tensor *x, double k) {
  return b_mul(b, x, nl_b_number(b, k));
}
/* k - x */
static inline nl_tensor *b_minus_from(nl_build *b, double k, nl_tensor *x) {
  return b_sub(b, nl_b_number(b, k), x);
}

/* A dim written by a user, as a position from 0; fails the build. */
static inline int dim_at(nl_build *b, int64_t written, int ndim) {
  int d = 0;
  if (b->status == NL_OK) {
    b->status = nl_rule_dim(written, ndim, &d);
  }
  return d;
}
static inline int64_t size_at(const nl_tensor *x, int d) {
  return x->ndim ? x->shape[d] : 1;
}

/* A number that the user wrote, limited so that sums of a few do not overflow; no tensor is that long. */
static inline int64_t tame(int64_t v) {
  const int64_t most = (int64_t)1 << 46;
  return v > most ? most : (v < -most ? -most : v);
}

/* first, first + step, ... : n of them, as int64 */
static inline nl_tensor *ramp(nl_build *b, int64_t first, int64_t n, int64_t step) {
  return nl_b_do(b, op_arange(), "nnni", (double)first, (double)(first + n * step), (double)step, (int64_t)NL_I64);
}

/* Sets a composed op's results. */
static inline void nl_give(nl_call *c, nl_tensor *t) {
  c->out[0] = t;
  c->nout = 1;
}
static inline void nl_give2(nl_call *c, nl_tensor *t, nl_tensor *u) {
  c->out[0] = t;
  c->out[1] = u;
  c->nout = 2;
}

/* What stands at the head of a composed op: x is its first tensor. */
#define NL_COMPOSE(name)                                                                                               \
  static void name##_of(nl_call *c, nl_build *b, nl_tensor *x);                                                        \
  static void compose_##name(nl_call *c, nl_build *b) {                                                                \
    name##_of(c, b, c->in[0]);                                                                                         \
  }                                                                                                                    \
  static void name##_of(nl_call *c, nl_build *b, nl_tensor *x)

#endif
