/* The weight's gradient of a convolution. */
#include <string.h>

#include "core/interrupt.h"
#include "kernels/conv_cut.h"
#include "kernels/direct.h"
#include "kernels/gemm.h"

enum { LONG_PANEL = 256, PARTS = 8 };

/* Packing goes through what it packs twice here. */
static bool is_direct_weight(const nl_conv *g) {
  return g->ic <= 32 && nl_conv_is_window(g) && nl_direct_fits(g);
}

/* A task is some channels of the input, whose columns of the weight it writes: as products of g and a panel, turned,
   over one block of positions after another. Panels have many columns, since each product reads and writes the result.
   Where there are few such tasks, parts of the images are summed apart. */
static void measure_weight(nl_conv_cut *c, const nl_conv *g) {
  int64_t want = LONG_PANEL, room = NL_CONV_HALF / (int64_t)(nl_dtype_size(g->dtype) * (size_t)(g->oc > 0 ? g->oc : 1));
  nl_conv_measure(c, g, want < room ? want : (room > 0 ? room : 1));
  int64_t tasks = g->groups * c->chunks, sets = (g->n + c->together - 1) / c->together;
  c->parts = tasks >= PARTS ? 1 : nl_smaller(sets > 0 ? sets : 1, (PARTS + tasks - 1) / (tasks > 0 ? tasks : 1));
}

/* A result of few channels is the image of the swapped convolution. */
enum { NARROW = 16, WIDE = 32 };
static bool is_narrow_weight(const nl_conv *g, nl_conv *swapped) {
  return g->oc <= NARROW && g->ic >= WIDE && nl_conv_swap(g, swapped) && is_direct_weight(swapped);
}

static size_t work_of(const nl_conv *g) {
  nl_conv_cut c;
  measure_weight(&c, g);
  size_t direct = (size_t)nl_smaller(g->n > 0 ? g->n : 1, PARTS), parts = c.parts > 1 ? (size_t)c.parts : 0;
  return (is_direct_weight(g) ? direct : parts) * nl_conv_weights(&c.g) * c.size + 64;
}

/* The swapped gradient, which stands in front. */
static size_t swapped_bytes(const nl_conv *g) {
  return (nl_conv_weights(g) * nl_dtype_size(g->dtype) + 63) / 64 * 64;
}

size_t nl_conv_weight_work(const nl_conv *g) {
  nl_conv swapped;
  size_t swaps = is_narrow_weight(g, &swapped) ? swapped_bytes(g) + work_of(&swapped) : 0, plain = work_of(g);
  return swaps > plain ? swaps : plain;
}

static void weight_tasks(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *turned = panel + NL_CONV_HALF;
  nl_gemm_kept products[NL_CONV_PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t chunk = t % c->chunks, group = t / c->chunks % g->groups, part = t / c->chunks / g->groups;
    int64_t first = chunk * c->chunk, count = nl_smaller(c->chunk, g->ic - first);
    char *to = (c->parts > 1 ? c->sums + (size_t)(part * (int64_t)nl_conv_weights(&c->g)) * c->size : c->y) +
               (size_t)(group * g->oc * depth + first * c->taps) * c->size;
    int64_t stop = (part + 1) * g->n / c->parts, images = 0;
    bool begun = false;
    for (int64_t image = part * g->n / c->parts; image < stop; image += images) {
      images = nl_smaller(c->together, stop - image);
      const char *grad = c->grad + nl_conv_image(c, image, group, g->oc, c->out_all);
      for (int64_t k = 0; k < images && c->together > 1; k++) {
        nl_conv_pack(c, c->x + nl_conv_image(c, image + k, group, g->ic, c->in_all), first, count, 0, c->out_all,
                     panel + (size_t)(k * c->out_all) * c->size);
        nl_k->transpose->transpose[g->dtype](g->oc, c->out_all,
                                             c->grad + nl_conv_image(c, image + k, group, g->oc, c->out_all),
                                             c->out_all, turned + (size_t)(k * c->out_all * g->oc) * c->size, g->oc);
      }
      for (int64_t p = 0; p < c->out_all; p += c->block) {
        int64_t wide = c->together > 1 ? images * c->out_all : nl_smaller(c->block, c->out_all - p);
        nl_gemm_args args = {.dtype = g->dtype,
                             .m = g->oc,
                             .n = count * c->taps,
                             .k = wide,
                             .a = turned,
                             .a_row = 1,
                             .a_col = g->oc,
                             .b = panel,
                             .b_row = 1,
                             .b_col = c->ld,
                             .c = to,
                             .c_row = depth,
                             .accumulate = begun};
        const char *x = c->x + nl_conv_image(c, image, group, g->ic, c->in_all);
        if (c->plain) {
          args.b = x + (size_t)(first * c->in_all + p) * c->size;
          args.b_col = c->in_all;
        } else if (c->together == 1) {
          nl_conv_pack(c, x, first, count, p, p + wide, panel);
        }
        if (c->together == 1) {
          args.a = grad + (size_t)p * c->size;
          args.a_row = c->out_all;
          args.a_col = 1;
        }
        if (c->together > 1 && wide < c->block) { /* of as many images as there happen to be */
          nl_gemm(&args);
        } else {
          nl_gemm_again(&products[(wide < c->block) * 4 + (count < c->chunk) * 2 + begun], &args);
        }
        begun = true;
        p = c->together > 1 ? c->out_all : p;
      }
    }
    for (int64_t o = 0; o < g->oc && !begun; o++) {
      memset(to + (size_t)(o * depth) * c->size, 0, (size_t)(count * c->taps) * c->size);
    }
  }
  nl_gemm_let_go(products, NL_CONV_PLANS);
}

/* All parts together, in order. */
static void join_parts(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  int64_t each = (int64_t)nl_conv_weights(&c->g);
  for (int64_t part = 0; part < c->parts; part++) {
    for (int64_t i = begin; i < end; i++) {
      if (c->g.dtype == NL_F32) {
        float v = ((const float *)c->sums)[part * each + i], *y = (float *)c->y + i;
        *y = part ? *y + v : v;
      } else {
        double v = ((const double *)c->sums)[part * each + i], *y = (double *)c->y + i;
        *y = part ? *y + v : v;
      }
    }
  }
}

/* The same for sums of (ic taps) x oc, which are turned. Channels go side by side. */
#define JOIN_TURNED(type)                                                                                              \
  static void join_turned_##type(void *ctx, int64_t begin, int64_t end) {                                              \
    enum { ROOM = 64 };                                                                                                \
    const nl_conv_cut *c = ctx;                                                                                        \
    int64_t depth = c->taps * c->g.ic, each = (int64_t)nl_conv_weights(&c->g), oc = c->g.oc;                           \
    for (int64_t i = begin; i < end; i++) {                                                                            \
      int64_t group = i / depth, k = i % depth;                                                                        \
      type *to = (type *)c->y + group * oc * depth + k;                                                                \
      for (int64_t o0 = 0; o0 < oc; o0 += ROOM) {                                                                      \
        int64_t n = nl_smaller(ROOM, oc - o0);                                                                         \
        type sum[ROOM] = {0};                                                                                          \
        for (int64_t part = 0; part < c->parts; part++) {                                                              \
          const type *from = (const type *)c->sums + part * each + (group * depth + k) * oc + o0;                      \
          for (int64_t o = 0; o < n; o++) {                                                                            \
            sum[o] += from[o];                                                                                         \
          }                                                                                                            \
        }                                                                                                              \
        for (int64_t o = 0; o < n; o++) {                                                                              \
          to[(o0 + o) * depth] = sum[o];                                                                               \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
JOIN_TURNED(float)
JOIN_TURNED(double)

void nl_conv_weight(const nl_conv *g, const void *x, const void *grad, void *dw, void *work) {
  nl_conv swapped;
  if (is_narrow_weight(g, &swapped)) { /* multiplies x with zeros around the gradient: inf and nan show in the result */
    nl_conv_weight(&swapped, grad, x, work, (char *)work + swapped_bytes(g));
    if (nl_k->panel->finite[g->dtype](work, (int64_t)nl_conv_weights(g))) {
      nl_conv_swap_weights(&swapped, work, dw, true);
      return;
    }
  }
  nl_conv_cut c;
  measure_weight(&c, g);
  c.x = x, c.grad = grad, c.y = dw, c.sums = work;
  if (g->ic == 0) {
    return; /* of no elements */
  }
  if (is_direct_weight(g)) {
    c.parts = nl_smaller(g->n, PARTS);
    nl_direct_weight(g, c.parts, x, grad, work);
    nl_parallel_for(g->groups * c.taps * g->ic, 1 + 8000 / (c.parts * g->oc + 1),
                    g->dtype == NL_F32 ? join_turned_float : join_turned_double, &c);
    return;
  }
  if (c.huge) {
    nl_conv_plain_weight(&c);
    return;
  }
  int64_t tasks = c.parts * g->groups * c.chunks;
  nl_parallel_for(tasks, nl_conv_grain((double)tasks, nl_conv_flops(&c)), weight_tasks, &c);
  if (c.parts > 1) {
    nl_parallel_for((int64_t)nl_conv_weights(&c.g), 1 << 14, join_parts, &c);
  }
}
