/* Rows as functions, for code that is made of them: r_mul(b, x, y). After the first failure of the build they do
   nothing and return NULL, so a formula is written as one expression. */
#ifndef NL_OPS_ROWS_H
#define NL_OPS_ROWS_H

#include "ops/build.h"
#include "ops/rules.h"

#define NL_ROW(name)                                                                                                   \
  static inline const nl_op *use_##name(void) {                                                                        \
    static const nl_op *row;                                                                                           \
    return row ? row : (row = nl_op_find(#name));                                                                      \
  }
#define NL_ROW1(name)                                                                                                  \
  NL_ROW(name)                                                                                                         \
  static inline nl_tensor *r_##name(nl_build *b, nl_tensor *x) {                                                       \
    return nl_b1(b, use_##name(), x);                                                                                  \
  }
#define NL_ROW2(name)                                                                                                  \
  NL_ROW(name)                                                                                                         \
  static inline nl_tensor *r_##name(nl_build *b, nl_tensor *x, nl_tensor *y) {                                         \
    return nl_b2(b, use_##name(), x, y);                                                                               \
  }

NL_ROW1(neg)
NL_ROW1(abs)
NL_ROW1(sign)
NL_ROW1(square)
NL_ROW1(exp)
NL_ROW1(exp2)
NL_ROW1(expm1)
NL_ROW1(log)
NL_ROW1(log1p)
NL_ROW1(sqrt)
NL_ROW1(rsqrt)
NL_ROW1(reciprocal)
NL_ROW1(tanh)
NL_ROW1(sigmoid)
NL_ROW1(relu)
NL_ROW1(softplus)
NL_ROW1(erf)
NL_ROW1(erfc)
NL_ROW1(sin)
NL_ROW1(cos)
NL_ROW1(sinh)
NL_ROW1(cosh)
NL_ROW1(floor)
NL_ROW1(trunc)
NL_ROW1(digamma)
NL_ROW1(isnan)
NL_ROW1(isposinf)
NL_ROW1(isneginf)
NL_ROW1(logical_not)
NL_ROW1(clone)
NL_ROW1(det)
NL_ROW1(inv)
NL_ROW2(add)
NL_ROW2(sub)
NL_ROW2(mul)
NL_ROW2(div)
NL_ROW2(pow)
NL_ROW2(maximum)
NL_ROW2(minimum)
NL_ROW2(eq)
NL_ROW2(ne)
NL_ROW2(lt)
NL_ROW2(le)
NL_ROW2(gt)
NL_ROW2(ge)
NL_ROW2(logical_and)
NL_ROW2(logical_or)
NL_ROW2(polygamma)
NL_ROW2(matmul)
NL_ROW2(solve)
NL_ROW2(floor_divide)

NL_ROW(where)
NL_ROW(narrow)
NL_ROW(slice)
NL_ROW(select)
NL_ROW(unsqueeze)
NL_ROW(squeeze)
NL_ROW(permute)
NL_ROW(gather)
NL_ROW(scatter_add)
NL_ROW(index_select)
NL_ROW(cat)
NL_ROW(stack)
NL_ROW(sort)
NL_ROW(arange)
NL_ROW(eye)
NL_ROW(mean)
NL_ROW(all)
NL_ROW(any)
NL_ROW(norm)
NL_ROW(clamp_between)
NL_ROW(elu)
NL_ROW(logsumexp)
NL_ROW(softmax)
NL_ROW(rand)
NL_ROW(to)

static inline nl_tensor *r_where(nl_build *b, nl_tensor *condition, nl_tensor *x, nl_tensor *y) {
  return nl_b_do(b, use_where(), "ttt", condition, x, y);
}
/* Dims and indices from 1, as in Lua. */
static inline nl_tensor *r_narrow(nl_build *b, nl_tensor *x, int64_t dim, int64_t start, int64_t length) {
  return nl_b_do(b, use_narrow(), "tiii", x, dim, start, length);
}
static inline nl_tensor *r_unsqueeze(nl_build *b, nl_tensor *x, int64_t dim) {
  return nl_b_do(b, use_unsqueeze(), "ti", x, dim);
}
static inline nl_tensor *r_squeeze(nl_build *b, nl_tensor *x, int64_t dim) {
  return nl_b_do(b, use_squeeze(), "tl", x, 1, &dim);
}
static inline nl_tensor *r_index_select(nl_build *b, nl_tensor *x, int64_t dim, nl_tensor *index) {
  return nl_b_do(b, use_index_select(), "tti", x, index, dim);
}
static inline nl_tensor *r_gather(nl_build *b, nl_tensor *x, int64_t dim, nl_tensor *index) {
  return nl_b_do(b, use_gather(), "tti", x, index, dim);
}

/* Arithmetic with a number, which does not widen the dtype. */
static inline nl_tensor *r_plus(nl_build *b, nl_tensor *x, double k) {
  return r_add(b, x, nl_b_number(b, k));
}
static inline nl_tensor *r_times(nl_build *b, nl_tensor *x, double k) {
  return r_mul(b, x, nl_b_number(b, k));
}
/* k - x */
static inline nl_tensor *r_minus_from(nl_build *b, double k, nl_tensor *x) {
  return r_sub(b, nl_b_number(b, k), x);
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
  return nl_b_do(b, use_arange(), "nnni", (double)first, (double)(first + n * step), (double)step, (int64_t)NL_I64);
}

/* Sets a composed row's results. */
static inline void nl_give(nl_call *c, nl_tensor *t) {
  c->out[0] = t;
  c->nout = 1;
}
static inline void nl_give2(nl_call *c, nl_tensor *t, nl_tensor *u) {
  c->out[0] = t;
  c->out[1] = u;
  c->nout = 2;
}

/* What stands at the head of a composed row: x is its first tensor. */
#define NL_COMPOSE(name)                                                                                               \
  static void name##_of(nl_call *c, nl_build *b, nl_tensor *x);                                                        \
  static void compose_##name(nl_call *c, nl_build *b) {                                                                \
    name##_of(c, b, c->in[0]);                                                                                         \
  }                                                                                                                    \
  static void name##_of(nl_call *c, nl_build *b, nl_tensor *x)

#endif
