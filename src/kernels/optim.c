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

extern const nl_optim_kernels NL_ISA(nl_optim_kernels);
const nl_optim_kernels NL_ISA(nl_optim_kernels) = {
    .sgd = {[NL_F32] = sgd_float, [NL_F64] = sgd_double},
    .adam = {[NL_F32] = adam_float, [NL_F64] = adam_double},
};
