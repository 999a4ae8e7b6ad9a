/* Update rules: one sweep over a parameter, its gradient and its state. */
#include <math.h>

#include "kernels/kernels.h"

/* SGD with momentum (Sutskever et al. 2013), in PyTorch's form: buf = momentum*buf + (1-dampening)*g; w -= lr*buf. */
#define SGD(type)                                                                                                      \
  static void sgd_##type(int64_t n, void *pw, const void *pg, void *pbuf, const nl_sgd_args *a) {                      \
    type *w = pw, *buf = pbuf;                                                                                         \
    const type *gs = pg;                                                                                               \
    const type lr = (type)a->lr, mu = (type)a->momentum, damp = (type)(1 - a->dampening), wd = (type)a->weight_decay;  \
    const type sign = a->maximize ? -1 : 1;                                                                            \
    if (!buf) {                                                                                                        \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        w[i] -= lr * (sign * gs[i] + wd * w[i]);                                                                       \
      }                                                                                                                \
    } else if (a->first) {                                                                                             \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type g = sign * gs[i] + wd * w[i];                                                                             \
        buf[i] = g;                                                                                                    \
        w[i] -= lr * (a->nesterov ? g + mu * g : g);                                                                   \
      }                                                                                                                \
    } else if (a->nesterov) {                                                                                          \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type g = sign * gs[i] + wd * w[i];                                                                             \
        type b = mu * buf[i] + damp * g;                                                                               \
        buf[i] = b;                                                                                                    \
        w[i] -= lr * (g + mu * b);                                                                                     \
      }                                                                                                                \
    } else {                                                                                                           \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type g = sign * gs[i] + wd * w[i];                                                                             \
        type b = mu * buf[i] + damp * g;                                                                               \
        buf[i] = b;                                                                                                    \
        w[i] -= lr * b;                                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
  }
SGD(float)
SGD(double)

/* Adam (Kingma & Ba 2015, algorithm 1); decoupled decay: AdamW (Loshchilov & Hutter 2019, algorithm 2). */
#define ADAM(type, SQRT)                                                                                               \
  static void adam_##type(int64_t n, void *pw, const void *pg, void *pm, void *pv, const nl_adam_args *a) {            \
    type *w = pw, *ms = pm, *vs = pv;                                                                                  \
    const type *gs = pg;                                                                                               \
    const type b1 = (type)a->beta1, b2 = (type)a->beta2, c1 = (type)(1 - a->beta1), c2 = (type)(1 - a->beta2);         \
    const type step = (type)(a->lr / a->correction1), unroot = (type)(1 / sqrt(a->correction2)), eps = (type)a->eps;   \
    const type wd = (type)(a->decoupled ? 0 : a->weight_decay), sign = a->maximize ? -1 : 1;                           \
    const type keep = (type)(a->decoupled ? 1 - a->lr * a->weight_decay : 1);                                          \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = w[i] * keep;                                                                                            \
      type g = sign * gs[i] + wd * x;                                                                                  \
      type m = b1 * ms[i] + c1 * g;                                                                                    \
      type v = b2 * vs[i] + c2 * g * g;                                                                                \
      ms[i] = m;                                                                                                       \
      vs[i] = v;                                                                                                       \
      w[i] = x - step * m / (SQRT(v) * unroot + eps);                                                                  \
    }                                                                                                                  \
  }
ADAM(float, sqrtf)
ADAM(double, sqrt)

/* The rules that follow share their frame: w, g (with its sign and the decay k[1] w added), states s0 to s2. k[0] is
   the step's size, k[2] the sign of the gradient. */
#define RULE(id, type, body)                                                                                           \
  static void id##_##type(int64_t n, void *pw, const void *pg, void *const state[3], const double *k) {                \
    type *w = pw, *s0 = state[0], *s1 = state[1], *s2 = state[2];                                                      \
    const type *gs = pg;                                                                                               \
    const type lr = (type)k[0], wd = (type)k[1], sign = (type)k[2];                                                    \
    const type a = (type)k[3], b = (type)k[4], c = (type)k[5], d = (type)k[6], e = (type)k[7];                         \
    (void)s0, (void)s1, (void)s2, (void)a, (void)b, (void)c, (void)d, (void)e, (void)lr;                               \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = w[i], g = sign * gs[i] + wd * x;                                                                        \
      body;                                                                                                            \
      w[i] = x;                                                                                                        \
    }                                                                                                                  \
  }
#define RULES(id, body32, body64) RULE(id, float, body32) RULE(id, double, body64)

/* Duchi et al. 2011; a: eps, b: what the accumulator begins with, at the first step */
#define ADAGRAD(SQRT)                                                                                                  \
  s0[i] += b + g * g;                                                                                                  \
  x -= lr * g / (SQRT(s0[i]) + a)
RULES(ADAGRAD, ADAGRAD(sqrtf), ADAGRAD(sqrt))

/* Zeiler 2012; a: rho, b: eps */
#define ADADELTA(type, SQRT)                                                                                           \
  s0[i] = a * s0[i] + (1 - a) * g * g;                                                                                 \
  type delta = SQRT(s1[i] + b) / SQRT(s0[i] + b) * g;                                                                  \
  s1[i] = a * s1[i] + (1 - a) * delta * delta;                                                                         \
  x -= lr * delta
RULES(ADADELTA, ADADELTA(float, sqrtf), ADADELTA(double, sqrt))

/* Tieleman & Hinton 2012, centered: Graves 2013; a: alpha, b: eps, c: momentum, d: 1 if centered */
#define RMSPROP(SQRT)                                                                                                  \
  s0[i] = a * s0[i] + (1 - a) * g * g;                                                                                 \
  s2[i] = s2[i] + d * (1 - a) * (g - s2[i]);                                                                           \
  s1[i] = c * s1[i] + g / (SQRT(s0[i] - s2[i] * s2[i]) + b);                                                           \
  x -= lr * s1[i]
RULES(RMSPROP, RMSPROP(sqrtf), RMSPROP(sqrt))

/* Riedmiller & Braun 1993; a: eta minus, b: eta plus, c: least step, d: largest step, e: 1 at the first step.
   s0: the gradient before, s1: step sizes */
#define RPROP(type)                                                                                                    \
  type turn = g * s0[i];                                                                                               \
  type size = e != 0 ? lr : s1[i];                                                                                     \
  size *= turn > 0 ? b : (turn < 0 ? a : 1);                                                                           \
  size = size < c ? c : (size > d ? d : size);                                                                         \
  g = turn < 0 ? 0 : g;                                                                                                \
  x -= size * (type)((g > 0) - (g < 0));                                                                               \
  s0[i] = g;                                                                                                           \
  s1[i] = size
RULES(RPROP, RPROP(float), RPROP(double))

/* Kingma & Ba 2015, algorithm 2; a: beta1, b: beta2, c: eps */
#define ADAMAX(type, ABS)                                                                                              \
  s0[i] = a * s0[i] + (1 - a) * g;                                                                                     \
  type old = b * s1[i];                                                                                                \
  type now = ABS(g) + c;                                                                                               \
  s1[i] = old > now ? old : now;                                                                                       \
  x -= lr * s0[i] / s1[i]
RULES(ADAMAX, ADAMAX(float, fabsf), ADAMAX(double, fabs))

/* Dozat 2016; a: beta1, b: beta2, c: eps, d: 1 / correction2, e: the average's factor; lr: the gradient's */
#define NADAM(SQRT)                                                                                                    \
  s0[i] = a * s0[i] + (1 - a) * g;                                                                                     \
  s1[i] = b * s1[i] + (1 - b) * g * g;                                                                                 \
  x -= (lr * g + e * s0[i]) / (SQRT(s1[i] * d) + c)
RULES(NADAM, NADAM(sqrtf), NADAM(sqrt))

/* Liu et al. 2020; a: beta1, b: beta2, c: eps, d: the rectified factor, e: 1 if it is used */
#define RADAM(SQRT)                                                                                                    \
  s0[i] = a * s0[i] + (1 - a) * g;                                                                                     \
  s1[i] = b * s1[i] + (1 - b) * g * g;                                                                                 \
  x -= lr * s0[i] * (e != 0 ? d / (SQRT(s1[i]) + c) : 1)
RULES(RADAM, RADAM(sqrtf), RADAM(sqrt))

/* Chen et al. 2023, algorithm 2; a: beta1, b: beta2, c: 1 - lr * decay */
#define LION(type)                                                                                                     \
  type u = a * s0[i] + (1 - a) * g;                                                                                    \
  x = c * x - lr * (type)((u > 0) - (u < 0));                                                                          \
  s0[i] = b * s0[i] + (1 - b) * g
RULES(LION, LION(float), LION(double))

/* Polyak & Juditsky 1992 in Bottou's form; a: 1 - lambda * eta, b: the average's share. s0: the average */
#define AVERAGED_STEP                                                                                                  \
  x = a * x - lr * g;                                                                                                  \
  s0[i] += b * (x - s0[i])
RULES(ASGD, AVERAGED_STEP, AVERAGED_STEP)

/* You et al. 2020; a: beta1, b: beta2, c: eps, d, e: 1 / corrections; the direction goes to s2, which LAMB_APPLY
   takes with the layer's rate */
#define LAMB(SQRT)                                                                                                     \
  g = sign * gs[i];                                                                                                    \
  s0[i] = a * s0[i] + (1 - a) * g;                                                                                     \
  s1[i] = b * s1[i] + (1 - b) * g * g;                                                                                 \
  s2[i] = s0[i] * d / (SQRT(s1[i] * e) + c) + wd * x
RULES(LAMB, LAMB(sqrtf), LAMB(sqrt))
#define TAKE_DIRECTION                                                                                                 \
  (void)g;                                                                                                             \
  x -= lr * s2[i]
RULES(LAMB_APPLY, TAKE_DIRECTION, TAKE_DIRECTION)

#define RULE_ENTRY(id) [NL_RULE_##id] = {[NL_F32] = id##_float, [NL_F64] = id##_double},

extern const nl_optim_kernels NL_ISA(nl_optim_kernels);
const nl_optim_kernels NL_ISA(nl_optim_kernels) = {
    .rule = {NL_RULE_LIST(RULE_ENTRY)},
    .sgd = {[NL_F32] = sgd_float, [NL_F64] = sgd_double},
    .adam = {[NL_F32] = adam_float, [NL_F64] = adam_double},
};
