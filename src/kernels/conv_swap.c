/* Convolutions without strides whose two sides change places: what leads from oc to ic channels, with the kernel turned
   round, is a convolution as well. Where one of the two sides has few channels, the other way is the faster one. */
#include "kernels/conv_cut.h"

bool nl_conv_swap(const nl_conv *g, nl_conv *swapped) {
  *swapped = *g;
  swapped->ic = g->oc;
  swapped->oc = g->ic;
  bool fits = nl_conv_is_window(g) && g->n > 0;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    swapped->in[d] = g->out[d];
    swapped->out[d] = g->in[d];
    swapped->padding[d] = g->dilation[d] * (g->kernel[d] - 1) - g->padding[d];
    fits = fits && g->stride[d] == 1 && swapped->padding[d] >= 0 && g->in[d] > 0 && g->out[d] > 0;
  }
  return fits;
}

typedef struct swap_job {
  const nl_conv *g;
  const char *from;
  char *to;
  int64_t taps;
  bool reversed;
} swap_job;

/* Rows begin .. end of the swapped weights, group after group. */
#define SWAP_ROWS(type)                                                                                                \
  static void swap_rows_##type(void *ctx, int64_t begin, int64_t end) {                                                \
    const swap_job *j = ctx;                                                                                           \
    int64_t ic = j->g->ic, oc = j->g->oc, taps = j->taps;                                                              \
    for (int64_t i = begin; i < end; i++) {                                                                            \
      const type *from = (const type *)(const void *)j->from + (i / ic * oc * ic + i % ic) * taps;                     \
      type *to = (type *)(void *)j->to + i * oc * taps;                                                                \
      for (int64_t o = 0; o < oc; o++, from += ic * taps, to += taps) {                                                \
        for (int64_t k = 0; k < taps; k++) {                                                                           \
          to[k] = from[j->reversed ? taps - 1 - k : k];                                                                \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
SWAP_ROWS(float)
SWAP_ROWS(double)

void nl_conv_swap_weights(const nl_conv *g, const void *w, void *to, bool reversed) {
  swap_job job = {
      .g = g, .from = w, .to = to, .taps = g->kernel[0] * g->kernel[1] * g->kernel[2], .reversed = reversed};
  nl_parallel_for(g->groups * g->ic, 16, g->dtype == NL_F32 ? swap_rows_float : swap_rows_double, &job);
}
