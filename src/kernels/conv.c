/* How a convolution is done:
   - A block of output positions of one image (BLOCK of them, one after another) has a panel: a row for each channel and
     element of the kernel, with the inputs that they meet at these positions. Panels are packed row by row, mostly by
     copies of whole runs, and hold as many channels as fit into PANEL_BYTES.
   - forward: y[:, block] = w panel. Input: panel = w^T g[:, block], whose rows are added where they came from. Weight:
     w[:, chunk] += g[:, block] panel^T, with panels of more columns and fewer channels.
   - Images of few positions share panels, several of them at once.
   - A kernel of one element with stride 1 needs no panel: the image is it.
   - Few channels in a group: nothing is packed, the kernels pass over rows (direct.c).
   Tasks are cut by sizes alone, and each writes its own place. */
#include "kernels/conv.h"

#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "kernels/direct.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { BLOCK = 64, LONG_BLOCK = 256, FEW = 32, PANEL_BYTES = 192 << 10, HALF = NL_THREAD_PANEL_BYTES / 2, PARTS = 8 };

typedef struct conv {
  nl_conv g;
  size_t size;                   /* of an element */
  int64_t taps, in_all, out_all; /* elements of a kernel, of an image's channel, of a result's */
  int64_t block, blocks;         /* positions in a block, blocks in an image */
  int64_t chunk, chunks;         /* channels in a panel, panels of a group */
  int64_t ld;                    /* from one row of a panel to the next */
  int64_t together;              /* images whose positions share a panel: more than 1 where they have few */
  bool plain;                    /* the image is its own panel */
  bool huge;                     /* a panel of one channel does not fit: plain loops */
  const char *x, *w, *bias, *grad;
  char *y;
  int64_t parts; /* of images, in the gradient of the weight */
  char *sums;    /* of each part: a weight's gradient; of direct.c: taps ic x oc of each group */
} conv;

/* want: columns of a panel, where there is room for them; 0: as many as forward takes. */
static void measure_for(conv *c, const nl_conv *g, int64_t want) {
  memset(c, 0, sizeof *c);
  c->g = *g;
  c->size = nl_dtype_size(g->dtype);
  c->taps = c->in_all = c->out_all = 1;
  c->plain = true;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    c->taps *= g->kernel[d];
    c->in_all *= g->in[d];
    c->out_all *= g->out[d];
    c->plain = c->plain && g->kernel[d] == 1 && g->stride[d] == 1 && g->padding[d] == 0 && g->in[d] == g->out[d];
  }
  c->together = 1;
  int64_t columns = want ? want : BLOCK;
  if (c->out_all > 0 && 2 * c->out_all <= columns && g->oc * columns * (int64_t)c->size <= HALF) {
    c->together = nl_smaller(g->n > 0 ? g->n : 1, columns / c->out_all);
    c->plain = c->plain && c->together == 1;
  }
  int64_t room = PANEL_BYTES / (int64_t)c->size, most = room / c->taps - NL_PANEL_SLACK;
  columns = !want && !c->plain && c->taps * g->ic <= FEW ? LONG_BLOCK : columns; /* short columns: fewer calls pay */
  c->block = most < columns ? (most > 0 ? most : 1) : columns;
  if (c->together * c->out_all > c->block) {
    c->together = 1; /* a kernel so large that a panel has few columns */
  }
  c->block = nl_smaller(c->block, c->out_all > 0 ? c->together * c->out_all : 1);
  c->ld = (c->block + NL_PANEL_SLACK - 1) / NL_PANEL_SLACK * NL_PANEL_SLACK + NL_PANEL_SLACK;
  c->blocks = (c->out_all + c->block - 1) / c->block;
  c->chunk = c->plain ? g->ic : nl_smaller(g->ic, room / (c->taps * c->ld) > 0 ? room / (c->taps * c->ld) : 1);
  c->huge = !c->plain && c->taps * c->ld * (int64_t)c->size > HALF;
  c->chunk = c->chunk > 0 ? c->chunk : 1; /* without channels there is still the bias */
  c->chunks = (g->ic + c->chunk - 1) / c->chunk;
  c->chunk = c->chunks > 0 ? (g->ic + c->chunks - 1) / c->chunks : 1;
}

static void measure(conv *c, const nl_conv *g) {
  measure_for(c, g, 0);
}

/* ---- whether there is a panel: measured ---- */

/* Kernels of one element need no packing, but where there is one channel. */
static bool is_window(const nl_conv *g) {
  return g->ic == 1 || g->kernel[0] * g->kernel[1] * g->kernel[2] > 1;
}

/* Packing pays where many channels of the result use what was packed; the weight's gradient goes through it twice. */
static bool is_direct(const nl_conv *g) {
  return g->ic < 32 && is_window(g) && nl_direct_fits(g);
}
static bool is_direct_weight(const nl_conv *g) {
  return g->ic <= 32 && is_window(g) && nl_direct_fits(g);
}

/* The way back to the input multiplies with the border, too, and with zeros between where windows are apart. */
static bool is_direct_input(const nl_conv *g) {
  int64_t in = 1, out = 1, apart = 1;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    in *= g->in[d];
    out *= g->out[d];
    apart *= g->stride[d];
  }
  bool some = g->ic <= 16 && apart == 1 && in <= 2 * out && (g->ic >= 4 || g->oc <= 16);
  return ((g->ic == 1 && g->oc <= 8) || some) && nl_direct_input_fits(g);
}

/* ---- panels (panel.c) ---- */

static void pack(const conv *c, const char *image, int64_t first, int64_t count, int64_t p, int64_t end, void *panel) {
  nl_k->panel->pack[c->g.dtype](&c->g, image + (size_t)(first * c->in_all) * c->size, count, p, end, panel, c->ld);
}
static void unpack(const conv *c, char *image, int64_t first, int64_t count, int64_t p, int64_t end,
                   const void *panel) {
  nl_k->panel->unpack[c->g.dtype](&c->g, image + (size_t)(first * c->in_all) * c->size, count, p, end, panel, c->ld);
}

enum { PLANS = 8 }; /* products of as many shapes are kept by a task */

/* ---- forward ---- */

static void fill_rows(const conv *c, char *y, const char *bias, int64_t columns) {
  for (int64_t o = 0; o < c->g.oc; o++) {
    if (c->g.dtype == NL_F32) {
      float *row = (float *)y + o * c->out_all, b = ((const float *)bias)[o];
      for (int64_t j = 0; j < columns; j++) {
        row[j] = b;
      }
    } else {
      double *row = (double *)y + o * c->out_all, b = ((const double *)bias)[o];
      for (int64_t j = 0; j < columns; j++) {
        row[j] = b;
      }
    }
  }
}

/* ---- kernels that are too large for panels ---- */

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

#define HUGE_LOOPS(type, suffix)                                                                                       \
  static void huge_forward_##suffix(void *ctx, int64_t begin, int64_t end) {                                           \
    const conv *c = ctx;                                                                                               \
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
  static void huge_input_##suffix(void *ctx, int64_t begin, int64_t end) {                                             \
    const conv *c = ctx;                                                                                               \
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
  static void huge_weight_##suffix(void *ctx, int64_t begin, int64_t end) {                                            \
    const conv *c = ctx;                                                                                               \
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
HUGE_LOOPS(float, f32)
HUGE_LOOPS(double, f64)

static void forward_tasks(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel();
  nl_gemm_kept products[PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t p = t % c->blocks * c->block, image = t / c->blocks / g->groups, group = t / c->blocks % g->groups;
    int64_t stop = nl_smaller(p + c->block, c->out_all), wide = stop - p;
    const char *x = c->x + (size_t)((image * g->groups + group) * g->ic * c->in_all) * c->size;
    char *y = c->y + (size_t)((image * g->groups + group) * g->oc * c->out_all + p) * c->size;
    const char *w = c->w + (size_t)(group * g->oc * depth) * c->size;
    if (c->bias) {
      fill_rows(c, y, c->bias + (size_t)(group * g->oc) * c->size, wide);
    }
    for (int64_t first = 0; first < g->ic; first += c->chunk) {
      int64_t count = nl_smaller(c->chunk, g->ic - first);
      nl_gemm_args args = {.dtype = g->dtype,
                           .m = g->oc,
                           .n = wide,
                           .k = count * c->taps,
                           .a = w + (size_t)(first * c->taps) * c->size,
                           .a_row = depth,
                           .a_col = 1,
                           .b = panel,
                           .b_row = c->ld,
                           .b_col = 1,
                           .c = y,
                           .c_row = c->out_all,
                           .accumulate = c->bias || first > 0};
      if (c->plain) {
        args.b = x + (size_t)p * c->size;
        args.b_row = c->in_all;
      } else {
        pack(c, x, first, count, p, stop, panel);
      }
      nl_gemm_again(&products[(wide < c->block) * 4 + (count < c->chunk) * 2 + args.accumulate], &args);
    }
  }
  nl_gemm_let_go(products, PLANS);
}

/* Tasks that are worth waking a thread for. */
static int64_t grain_of(double tasks, double flops) {
  return (int64_t)(4e6 / (flops / (tasks > 0 ? tasks : 1) + 1)) + 1;
}

static double flops_of(const conv *c) {
  return 2.0 * (double)c->g.n * (double)c->g.groups * (double)c->g.oc * (double)c->out_all * (double)c->taps *
         (double)c->g.ic;
}

/* ---- images of few positions: several at once ---- */

/* Images i .. of a task, and where one's channels of a group begin. */
static int64_t images_at(const conv *c, int64_t i) {
  return nl_smaller(c->together, c->g.n - i);
}
static size_t image_at(const conv *c, int64_t image, int64_t group, int64_t channels, int64_t all) {
  return (size_t)((image * c->g.groups + group) * channels * all) * c->size;
}

static void pack_images(const conv *c, int64_t image, int64_t group, int64_t first, int64_t count, char *panel) {
  for (int64_t k = 0; k < images_at(c, image);
       k++) { /* in this order: what one writes behind its end, the next one corrects */
    pack(c, c->x + image_at(c, image + k, group, c->g.ic, c->in_all), first, count, 0, c->out_all,
         panel + (size_t)(k * c->out_all) * c->size);
  }
}

/* Between a tile, channels x (images positions), and the images of some channels, all of a group. */
static void move_tile(const conv *c, int64_t image, int64_t group, char *tile, char *images, bool to_images) {
  int64_t n = images_at(c, image), wide = n * c->out_all;
  size_t line = (size_t)c->out_all * c->size;
  for (int64_t k = 0; k < n; k++) {
    char *own = images + image_at(c, image + k, group, c->g.oc, c->out_all);
    for (int64_t o = 0; o < c->g.oc; o++) {
      char *in = tile + (size_t)(o * wide + k * c->out_all) * c->size, *out = own + (size_t)o * line;
      memcpy(to_images ? out : in, to_images ? in : out, line);
    }
  }
}

static void forward_together(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *tile = panel + HALF;
  nl_gemm_kept products[PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t image = t / g->groups * c->together, group = t % g->groups, wide = images_at(c, image) * c->out_all;
    for (int64_t o = 0; o < g->oc && c->bias; o++) {
      const char *bias = c->bias + (size_t)(group * g->oc + o) * c->size;
      for (int64_t k = 0; k < wide; k++) {
        memcpy(tile + (size_t)(o * wide + k) * c->size, bias, c->size);
      }
    }
    for (int64_t first = 0; first < g->ic; first += c->chunk) {
      int64_t count = nl_smaller(c->chunk, g->ic - first);
      pack_images(c, image, group, first, count, panel);
      nl_gemm_args args = {.dtype = g->dtype,
                           .m = g->oc,
                           .n = wide,
                           .k = count * c->taps,
                           .a = c->w + (size_t)(group * g->oc * depth + first * c->taps) * c->size,
                           .a_row = depth,
                           .a_col = 1,
                           .b = panel,
                           .b_row = c->ld,
                           .b_col = 1,
                           .c = tile,
                           .c_row = wide,
                           .accumulate = c->bias || first > 0};
      nl_gemm_again(&products[(wide < c->block) * 4 + (count < c->chunk) * 2 + args.accumulate], &args);
    }
    move_tile(c, image, group, tile, c->y, true);
  }
  nl_gemm_let_go(products, PLANS);
}

static void input_together(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *tile = panel + HALF;
  nl_gemm_kept products[PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t first = t % c->chunks * c->chunk, count = nl_smaller(c->chunk, g->ic - first);
    int64_t image = t / c->chunks / g->groups * c->together, group = t / c->chunks % g->groups;
    int64_t wide = images_at(c, image) * c->out_all;
    move_tile(c, image, group, tile, (char *)(uintptr_t)c->grad, false);
    nl_gemm_args args = {.dtype = g->dtype,
                         .m = count * c->taps,
                         .n = wide,
                         .k = g->oc,
                         .a = c->w + (size_t)(group * g->oc * depth + first * c->taps) * c->size,
                         .a_row = 1,
                         .a_col = depth,
                         .b = tile,
                         .b_row = wide,
                         .b_col = 1,
                         .c = panel,
                         .c_row = c->ld};
    nl_gemm_again(&products[(wide < c->block) * 4 + (count < c->chunk) * 2], &args);
    for (int64_t k = 0; k < images_at(c, image); k++) {
      char *dx = c->y + image_at(c, image + k, group, g->ic, c->in_all);
      memset(dx + (size_t)(first * c->in_all) * c->size, 0, (size_t)(count * c->in_all) * c->size);
      unpack(c, dx, first, count, 0, c->out_all, panel + (size_t)(k * c->out_all) * c->size);
    }
  }
  nl_gemm_let_go(products, PLANS);
}

/* Tasks of the two: `of_a_group` for each group of some images. */
static int64_t tasks_together(const conv *c, int64_t of_a_group) {
  return (c->g.n + c->together - 1) / c->together * c->g.groups * of_a_group;
}

void nl_conv_forward(const nl_conv *g, const void *x, const void *w, const void *bias, void *y) {
  if (is_direct(g)) {
    nl_direct_forward(g, x, w, bias, y);
    return;
  }
  conv c;
  measure(&c, g);
  c.x = x, c.w = w, c.bias = bias, c.y = y;
  if (c.huge || g->ic == 0) { /* the plain loops begin with the bias, or 0 */
    nl_parallel_for(g->n * g->groups * g->oc, 1, g->dtype == NL_F32 ? huge_forward_f32 : huge_forward_f64, &c);
    return;
  }
  bool together = c.together > 1;
  int64_t tasks = together ? tasks_together(&c, 1) : g->n * g->groups * c.blocks;
  nl_parallel_for(tasks, grain_of((double)tasks, flops_of(&c)), together ? forward_together : forward_tasks, &c);
}

/* ---- the input's gradient ---- */

static void input_tasks(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel();
  nl_gemm_kept products[PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t first = t % c->chunks * c->chunk, count = nl_smaller(c->chunk, g->ic - first);
    int64_t image = t / c->chunks / g->groups, group = t / c->chunks % g->groups;
    char *dx = c->y + (size_t)((image * g->groups + group) * g->ic * c->in_all) * c->size;
    const char *grad = c->grad + (size_t)((image * g->groups + group) * g->oc * c->out_all) * c->size;
    const char *w = c->w + (size_t)(group * g->oc * depth + first * c->taps) * c->size;
    if (!c->plain) {
      memset(dx + (size_t)(first * c->in_all) * c->size, 0, (size_t)(count * c->in_all) * c->size);
    }
    for (int64_t p = 0; p < c->out_all; p += c->block) {
      int64_t stop = nl_smaller(p + c->block, c->out_all), wide = stop - p;
      nl_gemm_args args = {.dtype = g->dtype,
                           .m = count * c->taps,
                           .n = wide,
                           .k = g->oc,
                           .a = w,
                           .a_row = 1,
                           .a_col = depth,
                           .b = grad + (size_t)p * c->size,
                           .b_row = c->out_all,
                           .b_col = 1,
                           .c = panel,
                           .c_row = c->ld};
      if (c->plain) {
        args.c = dx + (size_t)(first * c->in_all + p) * c->size;
        args.c_row = c->in_all;
      }
      nl_gemm_again(&products[(wide < c->block) * 4 + (count < c->chunk) * 2], &args);
      if (!c->plain) {
        unpack(c, dx, first, count, p, stop, panel);
      }
    }
  }
  nl_gemm_let_go(products, PLANS);
}

void nl_conv_input(const nl_conv *g, const void *grad, const void *w, void *dx) {
  conv c;
  measure(&c, g);
  c.grad = grad, c.w = w, c.y = dx;
  bool together = c.together > 1;
  int64_t tasks = together ? tasks_together(&c, c.chunks) : g->n * g->groups * c.chunks;
  if (c.in_all == 0 || c.out_all == 0 || g->oc == 0 || g->ic == 0) {
    memset(dx, 0, (size_t)(g->n * g->groups * g->ic * c.in_all) * c.size);
    return;
  }
  if (is_direct_input(g) && nl_direct_input(g, grad, w, dx)) {
    return;
  }
  if (c.huge) {
    nl_parallel_for(g->n * g->groups * g->ic, 1, g->dtype == NL_F32 ? huge_input_f32 : huge_input_f64, &c);
    return;
  }
  nl_parallel_for(tasks, grain_of((double)tasks, flops_of(&c)), together ? input_together : input_tasks, &c);
}

/* ---- the weight's gradient ---- */

/* A task is some channels of the input, whose columns of the weight it writes: as products of g and a panel, turned,
   over one block of positions after another. Panels have many columns, since each product reads and writes the result.
   Where there are few such tasks, parts of the images are summed apart. */
static void measure_weight(conv *c, const nl_conv *g) {
  int64_t want = LONG_BLOCK, room = HALF / (int64_t)(nl_dtype_size(g->dtype) * (size_t)(g->oc > 0 ? g->oc : 1));
  measure_for(c, g, want < room ? want : (room > 0 ? room : 1));
  int64_t tasks = g->groups * c->chunks, sets = (g->n + c->together - 1) / c->together;
  c->parts = tasks >= PARTS ? 1 : nl_smaller(sets > 0 ? sets : 1, (PARTS + tasks - 1) / (tasks > 0 ? tasks : 1));
}

static int64_t weights_in(const conv *c) {
  return c->g.groups * c->g.oc * c->g.ic * c->taps;
}

size_t nl_conv_weight_work(const nl_conv *g) {
  conv c;
  measure_weight(&c, g);
  size_t direct = (size_t)nl_smaller(g->n > 0 ? g->n : 1, PARTS), parts = c.parts > 1 ? (size_t)c.parts : 0;
  return (is_direct_weight(g) ? direct : parts) * (size_t)weights_in(&c) * c.size + 64;
}

static void weight_tasks(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *turned = panel + HALF;
  nl_gemm_kept products[PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t chunk = t % c->chunks, group = t / c->chunks % g->groups, part = t / c->chunks / g->groups;
    int64_t first = chunk * c->chunk, count = nl_smaller(c->chunk, g->ic - first);
    char *to = (c->parts > 1 ? c->sums + (size_t)(part * weights_in(c)) * c->size : c->y) +
               (size_t)(group * g->oc * depth + first * c->taps) * c->size;
    int64_t stop = (part + 1) * g->n / c->parts, images = 0;
    bool begun = false;
    for (int64_t image = part * g->n / c->parts; image < stop; image += images) {
      images = nl_smaller(c->together, stop - image);
      const char *grad = c->grad + image_at(c, image, group, g->oc, c->out_all);
      for (int64_t k = 0; k < images && c->together > 1; k++) {
        pack(c, c->x + image_at(c, image + k, group, g->ic, c->in_all), first, count, 0, c->out_all,
             panel + (size_t)(k * c->out_all) * c->size);
        nl_k->transpose->transpose[g->dtype](g->oc, c->out_all,
                                             c->grad + image_at(c, image + k, group, g->oc, c->out_all), c->out_all,
                                             turned + (size_t)(k * c->out_all * g->oc) * c->size, g->oc);
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
        const char *x = c->x + image_at(c, image, group, g->ic, c->in_all);
        if (c->plain) {
          args.b = x + (size_t)(first * c->in_all + p) * c->size;
          args.b_col = c->in_all;
        } else if (c->together == 1) {
          pack(c, x, first, count, p, p + wide, panel);
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
  nl_gemm_let_go(products, PLANS);
}

/* All parts together, in order. */
static void join_parts(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  int64_t each = weights_in(c);
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

/* The same for sums of (ic taps) x oc, which are turned. */
static void join_turned(void *ctx, int64_t begin, int64_t end) {
  const conv *c = ctx;
  int64_t depth = c->taps * c->g.ic, each = weights_in(c), oc = c->g.oc;
  for (int64_t i = begin; i < end; i++) {
    int64_t group = i / depth, k = i % depth;
    for (int64_t o = 0; o < oc; o++) {
      int64_t at = (group * depth + k) * oc + o, to = (group * oc + o) * depth + k;
      if (c->g.dtype == NL_F32) {
        float sum = 0;
        for (int64_t part = 0; part < c->parts; part++) {
          sum += ((const float *)c->sums)[part * each + at];
        }
        ((float *)c->y)[to] = sum;
      } else {
        double sum = 0;
        for (int64_t part = 0; part < c->parts; part++) {
          sum += ((const double *)c->sums)[part * each + at];
        }
        ((double *)c->y)[to] = sum;
      }
    }
  }
}

void nl_conv_weight(const nl_conv *g, const void *x, const void *grad, void *dw, void *work) {
  conv c;
  measure_weight(&c, g);
  c.x = x, c.grad = grad, c.y = dw, c.sums = work;
  if (g->ic == 0) {
    return; /* of no elements */
  }
  if (is_direct_weight(g)) {
    c.parts = nl_smaller(g->n, PARTS);
    nl_direct_weight(g, c.parts, x, grad, work);
    nl_parallel_for(g->groups * c.taps * g->ic, 1 + 20000 / (c.parts * g->oc + 1), join_turned, &c);
    return;
  }
  if (c.huge) {
    nl_parallel_for(g->groups * g->oc * g->ic, 1, g->dtype == NL_F32 ? huge_weight_f32 : huge_weight_f64, &c);
    return;
  }
  int64_t tasks = c.parts * g->groups * c.chunks;
  nl_parallel_for(tasks, grain_of((double)tasks, flops_of(&c)), weight_tasks, &c);
  if (c.parts > 1) {
    nl_parallel_for(weights_in(&c), 1 << 14, join_parts, &c);
  }
}
