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
  static void adam_##type(int64_t n, void *pw, const void *pg, void *pm, void *pv, void *pmost,                        \
                          const nl_adam_args *a) {                                                                     \
    type *w = pw, *ms = pm, *vs = pv, *most = pmost;                                                                   \
    const type *gs = pg;                                                                                               \
    const type b1 = (type)a->beta1, b2 = (type)a->beta2, c1 = (type)(1 - a->beta1), c2 = (type)(1 - a->beta2);         \
    const type step = (type)(a->lr / a->correction1), unroot = (type)(1 / sqrt(a->correction2)), eps = (type)a->eps;   \
    const type wd = (type)(a->decoupled ? 0 : a->weight_decay), sign = a->maximize ? -1 : 1;                           \
    const type keep = (type)(a->decoupled ? 1 - a->lr * a->weight_decay : 1);                                          \
    if (most) {                                                                                                        \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type x = w[i] * keep;                                                                                          \
        type g = sign * gs[i] + wd * x;                                                                                \
        type m = b1 * ms[i] + c1 * g;                                                                                  \
        type v = b2 * vs[i] + c2 * g * g;                                                                              \
        ms[i] = m;                                                                                                     \
        vs[i] = v;                                                                                                     \
        most[i] = v <= most[i] ? most[i] : v;                                                                          \
        w[i] = x - step * m / (SQRT(most[i]) * unroot + eps);                                                          \
      }                                                                                                                \
      return;                                                                                                          \
    }                                                                                                                  \
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

/* The rules that follow share their frame: the weight x, its gradient g (with its sign, and the decay added), states s0
   to s2, and the rule's numbers by name (NL_NUMBERS_... in kernels.h). */
#define NUMBER_float(name)                                                                                             \
  const float name = (float)k->name;                                                                                   \
  (void)name;
#define NUMBER_double(name)                                                                                            \
  const double name = k->name;                                                                                         \
  (void)name;
#define RULE_OF(rule, type, body)                                                                                      \
  static void rule##_##type(int64_t n, void *pw, const void *pg, void *const state[3], const nl_rule_numbers *all) {   \
    type *w = pw, *s0 = state[0], *s1 = state[1], *s2 = state[2];                                                      \
    const type *gs = pg;                                                                                               \
    const nl_##rule *k = &all->rule;                                                                                   \
    const type lr = (type)k->lr, decay = (type)k->decay, sign = (type)k->sign;                                         \
    NL_NUMBERS_##rule(NUMBER_##type);                                                                                  \
    (void)s0, (void)s1, (void)s2, (void)lr;                                                                            \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = w[i], g = sign * gs[i] + decay * x;                                                                     \
      body;                                                                                                            \
      w[i] = x;                                                                                                        \
    }                                                                                                                  \
  }
#define RULE(rule, body32, body64) RULE_OF(rule, float, body32) RULE_OF(rule, double, body64)

/* Duchi et al. 2011; start: what the accumulator begins with, at the first step */
#define ADAGRAD(SQRT)                                                                                                  \
  s0[i] += start + g * g;                                                                                              \
  x -= lr * g / (SQRT(s0[i]) + eps)
RULE(adagrad, ADAGRAD(sqrtf), ADAGRAD(sqrt))

/* Zeiler 2012 */
#define ADADELTA(type, SQRT)                                                                                           \
  s0[i] = rho * s0[i] + (1 - rho) * g * g;                                                                             \
  type delta = SQRT(s1[i] + eps) / SQRT(s0[i] + eps) * g;                                                              \
  s1[i] = rho * s1[i] + (1 - rho) * delta * delta;                                                                     \
  x -= lr * delta
RULE(adadelta, ADADELTA(float, sqrtf), ADADELTA(double, sqrt))

/* Tieleman & Hinton 2012, centered (1, else 0): Graves 2013. The variance is never below 0, as rounding would have it.
 */
#define RMSPROP(type, SQRT)                                                                                            \
  s0[i] = alpha * s0[i] + (1 - alpha) * g * g;                                                                         \
  s2[i] = s2[i] + centered * (1 - alpha) * (g - s2[i]);                                                                \
  type variance = centered != 0 ? s0[i] - s2[i] * s2[i] : s0[i];                                                       \
  variance = variance < 0 ? 0 : variance;                                                                              \
  s1[i] = momentum * s1[i] + g / (SQRT(variance) + eps);                                                               \
  x -= lr * s1[i]
RULE(rmsprop, RMSPROP(float, sqrtf), RMSPROP(double, sqrt))

/* Riedmiller & Braun 1993. s0: the gradient before, s1: step sizes, between least and largest; first: 1 at the first
   step */
#define RPROP(type)                                                                                                    \
  type turn = g * s0[i];                                                                                               \
  type size = first != 0 ? lr : s1[i];                                                                                 \
  size *= turn > 0 ? eta_plus : (turn < 0 ? eta_minus : 1);                                                            \
  size = size < least ? least : (size > largest ? largest : size);                                                     \
  g = turn < 0 ? 0 : g;                                                                                                \
  x -= size * (type)((g > 0) - (g < 0));                                                                               \
  s0[i] = g;                                                                                                           \
  s1[i] = size
RULE(rprop, RPROP(float), RPROP(double))

/* Kingma & Ba 2015, algorithm 2 */
#define ADAMAX(type, ABS)                                                                                              \
  s0[i] = beta1 * s0[i] + (1 - beta1) * g;                                                                             \
  type old = beta2 * s1[i];                                                                                            \
  type now = ABS(g) + eps;                                                                                             \
  s1[i] = old > now ? old : now;                                                                                       \
  x -= lr * s0[i] / s1[i]
RULE(adamax, ADAMAX(float, fabsf), ADAMAX(double, fabs))

/* Dozat 2016; lr and average: the factors of the gradient and of the average, unbias2: 1 / (1 - beta2^t) */
#define NADAM(SQRT)                                                                                                    \
  s0[i] = beta1 * s0[i] + (1 - beta1) * g;                                                                             \
  s1[i] = beta2 * s1[i] + (1 - beta2) * g * g;                                                                         \
  x -= (lr * g + average * s0[i]) / (SQRT(s1[i] * unbias2) + eps)
RULE(nadam, NADAM(sqrtf), NADAM(sqrt))

/* Liu et al. 2020; rectified: the factor, where is_rectified is 1 */
#define RADAM(SQRT)                                                                                                    \
  s0[i] = beta1 * s0[i] + (1 - beta1) * g;                                                                             \
  s1[i] = beta2 * s1[i] + (1 - beta2) * g * g;                                                                         \
  x -= lr * s0[i] * (is_rectified != 0 ? rectified / (SQRT(s1[i]) + eps) : 1)
RULE(radam, RADAM(sqrtf), RADAM(sqrt))

/* Chen et al. 2023, algorithm 2; keep: 1 - lr * decay */
#define LION(type)                                                                                                     \
  type u = beta1 * s0[i] + (1 - beta1) * g;                                                                            \
  x = keep * x - lr * (type)((u > 0) - (u < 0));                                                                       \
  s0[i] = beta2 * s0[i] + (1 - beta2) * g
RULE(lion, LION(float), LION(double))

/* Bernstein et al. 2018, algorithm 2 (Signum); keep: 1 - lr * decay */
#define SIGNSGD(type)                                                                                                  \
  s0[i] = momentum * s0[i] + (1 - momentum) * g;                                                                       \
  x = keep * x - lr * (type)((s0[i] > 0) - (s0[i] < 0))
RULE(signsgd, SIGNSGD(float), SIGNSGD(double))

/* Polyak & Juditsky 1992 in Bottou's form; keep: 1 - lambd * lr, share: the newest weight's in the average, s0 */
#define AVERAGED_STEP                                                                                                  \
  x = keep * x - lr * g;                                                                                               \
  s0[i] += share * (x - s0[i])
RULE(asgd, AVERAGED_STEP, AVERAGED_STEP)

/* You et al. 2020; unbias: 1 / (1 - beta^t). The direction goes to s2, which lamb_apply takes with the layer's rate. */
#define LAMB(SQRT)                                                                                                     \
  g = sign * gs[i];                                                                                                    \
  s0[i] = beta1 * s0[i] + (1 - beta1) * g;                                                                             \
  s1[i] = beta2 * s1[i] + (1 - beta2) * g * g;                                                                         \
  s2[i] = s0[i] * unbias1 / (SQRT(s1[i] * unbias2) + eps) + decay * x
RULE(lamb, LAMB(sqrtf), LAMB(sqrt))
#define TAKE_DIRECTION                                                                                                 \
  (void)g;                                                                                                             \
  x -= lr * s2[i]
RULE(lamb_apply, TAKE_DIRECTION, TAKE_DIRECTION)

#define RULE_ENTRY(rule) [NL_RULE_##rule] = {[NL_F32] = rule##_float, [NL_F64] = rule##_double},

extern const nl_optim_kernels NL_ISA(nl_optim_kernels);
const nl_optim_kernels NL_ISA(nl_optim_kernels) = {
    .rule = {NL_RULES(RULE_ENTRY)},
    .sgd = {[NL_F32] = sgd_float, [NL_F64] = sgd_double},
    .adam = {[NL_F32] = adam_float, [NL_F64] = adam_double},
};
