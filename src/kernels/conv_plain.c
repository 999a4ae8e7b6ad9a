/* Convolutions whose kernels are too large for panels, in plain loops. */
#include <string.h>

#include "core/interrupt.h"
#include "kernels/conv_cut.h"

/* Each product of the convolution: of output position (image, channel o of group) and input. `row` is a task's. */
#define EACH_PRODUCT(body)                                                                                             \
  for (int64_t od = 0; od < g->out[0]; od++)                                                                           \
    for (int64_t oh = 0; oh < g->out[1]; oh++)                                                                         \
      for (int64_t ow = 0; ow < g->out[2]; ow++)                                                                       \
        for (int64_t kd = 0; kd < g->kernel[0]; kd++)                                                                  \
          for (int64_t kh = 0; kh < g->kernel[1]; kh++)                                                                \
            for (int64_t kw = 0; kw < g->kernel[2]; kw++) {                                                            \
              int64_t d = od * g->stride[0] - g->padding[0] + kd * g->dilation[0];                                     \
              int64_t h = oh * g->stride[1] - g->padding[1] + kh * g->dilation[1];                                     \
              int64_t w = ow * g->stride[2] - g->padding[2] + kw * g->dilation[2];                                     \
              if (d >= 0 && d < g->in[0] && h >= 0 && h < g->in[1] && w >= 0 && w < g->in[2]) {                        \
                int64_t at = (d * g->in[1] + h) * g->in[2] + w;                                                        \
                int64_t to = (od * g->out[1] + oh) * g->out[2] + ow;                                                   \
                int64_t tap = (kd * g->kernel[1] + kh) * g->kernel[2] + kw;                                            \
                body;                                                                                                  \
              }                                                                                                        \
            }

#define PLAIN_LOOPS(type, suffix)                                                                                      \
  static void plain_forward_##suffix(void *ctx, int64_t begin, int64_t end) {                                          \
    const nl_conv_cut *c = ctx;                                                                                        \
    const nl_conv *g = &c->g;                                                                                          \
    for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {                                                 \
      int64_t channel = t % (g->groups * g->oc), image = t / (g->groups * g->oc), group = channel / g->oc;             \
      type *y = (type *)c->y + t * c->out_all;                                                                         \
      for (int64_t i = 0; i < c->out_all; i++) {                                                                       \
        y[i] = c->bias ? ((const type *)c->bias)[channel] : 0;                                                         \
      }                                                                                                                \
      for (int64_t i = 0; i < g->ic; i++) {                                                                            \
        const type *x = (const type *)c->x + ((image * g->groups + group) * g->ic + i) * c->in_all;                    \
        const type *weight = (const type *)c->w + (channel * g->ic + i) * c->taps;                                     \
        EACH_PRODUCT(y[to] += weight[tap] * x[at])                                                                     \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void plain_input_##suffix(void *ctx, int64_t begin, int64_t end) {                                            \
    const nl_conv_cut *c = ctx;                                                                                        \
    const nl_conv *g = &c->g;                                                                                          \
    for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {                                                 \
      int64_t i = t % g->ic, group = t / g->ic % g->groups, image = t / g->ic / g->groups;                             \
      type *dx = (type *)c->y + t * c->in_all;                                                                         \
      memset(dx, 0, (size_t)c->in_all * sizeof(type));                                                                 \
      for (int64_t o = 0; o < g->oc; o++) {                                                                            \
        const type *grad = (const type *)c->grad + ((image * g->groups + group) * g->oc + o) * c->out_all;             \
        const type *weight = (const type *)c->w + ((group * g->oc + o) * g->ic + i) * c->taps;                         \
        EACH_PRODUCT(dx[at] += weight[tap] * grad[to])                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void plain_weight_##suffix(void *ctx, int64_t begin, int64_t end) {                                           \
    const nl_conv_cut *c = ctx;                                                                                        \
    const nl_conv *g = &c->g;                                                                                          \
    for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {                                                 \
      int64_t i = t % g->ic, channel = t / g->ic, group = channel / g->oc;                                             \
      type *dw = (type *)c->y + t * c->taps;                                                                           \
      memset(dw, 0, (size_t)c->taps * sizeof(type));                                                                   \
      for (int64_t image = 0; image < g->n; image++) {                                                                 \
        const type *x = (const type *)c->x + ((image * g->groups + group) * g->ic + i) * c->in_all;                    \
        const type *grad = (const type *)c->grad + (image * g->groups * g->oc + channel) * c->out_all;                 \
        EACH_PRODUCT(dw[tap] += x[at] * grad[to])                                                                      \
      }                                                                                                                \
    }                                                                                                                  \
  }
PLAIN_LOOPS(float, f32)
PLAIN_LOOPS(double, f64)

void nl_conv_plain_forward(const nl_conv_cut *c) {
  const nl_conv *g = &c->g;
  nl_parallel_for(g->n * g->groups * g->oc, 1, g->dtype == NL_F32 ? plain_forward_f32 : plain_forward_f64,
                  (void *)(uintptr_t)c);
}

void nl_conv_plain_input(const nl_conv_cut *c) {
  const nl_conv *g = &c->g;
  nl_parallel_for(g->n * g->groups * g->ic, 1, g->dtype == NL_F32 ? plain_input_f32 : plain_input_f64,
                  (void *)(uintptr_t)c);
}

void nl_conv_plain_weight(const nl_conv_cut *c) {
  const nl_conv *g = &c->g;
  nl_parallel_for(g->groups * g->oc * g->ic, 1, g->dtype == NL_F32 ? plain_weight_f32 : plain_weight_f64,
                  (void *)(uintptr_t)c);
}
