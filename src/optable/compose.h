/* What ops that are composed of others share: the head of their function, their results, dims as users write them. */
#ifndef NL_OPTABLE_COMPOSE_H
#define NL_OPTABLE_COMPOSE_H

#include <math.h>

#include "optable/helpers.h"
#include "optable/rules.h"

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

/* Fails the build unless v, by which a tensor of this dtype is multiplied and divided, is a positive number that the
   dtype holds, as is 1 / v: else inf and 0 would meet and make nan without a word. */
static inline void want_scale(nl_build *b, const char *name, double v, nl_dtype dtype) {
  bool wide = dtype == NL_F64;
  double held = wide ? v : (double)(float)v, inverse = wide ? 1 / v : (double)(float)(1 / v);
  if (!(v > 0)) {
    nl_b_fail(b, "%s must be positive, not %g", name, v);
  } else if (held == 0 || held == INFINITY || inverse == 0 || inverse == INFINITY) {
    nl_b_fail(b, "%s must be a number that %s can hold, as must 1 / %s; it is %g", name, wide ? "float64" : "float32",
              name, v);
  }
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
