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
#include "kernels/conv_cut.h"
#include "kernels/direct.h"
#include "kernels/gemm.h"

enum { BLOCK = 64, LONG_BLOCK = 256, FEW = 32, PANEL_BYTES = 192 << 10 };

void nl_conv_measure(nl_conv_cut *c, const nl_conv *g, int64_t want) {
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
  if (c->out_all > 0 && 2 * c->out_all <= columns && g->oc * columns * (int64_t)c->size <= NL_CONV_HALF) {
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
  c->huge = !c->plain && c->taps * c->ld * (int64_t)c->size > NL_CONV_HALF;
  c->chunk = c->chunk > 0 ? c->chunk : 1; /* without channels there is still the bias */
  c->chunks = (g->ic + c->chunk - 1) / c->chunk;
  c->chunk = c->chunks > 0 ? (g->ic + c->chunks - 1) / c->chunks : 1;
}

bool nl_conv_is_window(const nl_conv *g) {
  return g->ic == 1 || g->kernel[0] * g->kernel[1] * g->kernel[2] > 1;
}

int64_t nl_conv_grain(double tasks, double flops) {
  return nl_even_grain((int64_t)tasks, (int64_t)(4e6 / (flops / (tasks > 0 ? tasks : 1) + 1)) + 1, 1);
}

double nl_conv_flops(const nl_conv_cut *c) {
  return 2.0 * (double)c->g.n * (double)c->g.groups * (double)c->g.oc * (double)c->out_all * (double)c->taps *
         (double)c->g.ic;
}

void nl_conv_move_tile(const nl_conv_cut *c, int64_t image, int64_t group, char *tile, char *images, bool to_images) {
  int64_t n = nl_conv_images(c, image), wide = n * c->out_all;
  size_t line = (size_t)c->out_all * c->size;
  for (int64_t k = 0; k < n; k++) {
    char *own = images + nl_conv_image(c, image + k, group, c->g.oc, c->out_all);
    for (int64_t o = 0; o < c->g.oc; o++) {
      char *in = tile + (size_t)(o * wide + k * c->out_all) * c->size, *out = own + (size_t)o * line;
      memcpy(to_images ? out : in, to_images ? in : out, line);
    }
  }
}

/* ---- forward ---- */

/* Packing pays where many channels of the result use what was packed. */
static bool is_direct(const nl_conv *g) {
  return g->ic < 32 && nl_conv_is_window(g) && nl_direct_fits(g);
}

static void fill_rows(const nl_conv_cut *c, char *y, const char *bias, int64_t columns) {
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

static void forward_tasks(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel();
  nl_gemm_kept products[NL_CONV_PLANS];
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
        nl_conv_pack(c, x, first, count, p, stop, panel);
      }
      nl_gemm_again(&products[(wide < c->block) * 4 + (count < c->chunk) * 2 + args.accumulate], &args);
    }
  }
  nl_gemm_let_go(products, NL_CONV_PLANS);
}

/* ---- images of few positions ---- */

static void pack_images(const nl_conv_cut *c, int64_t image, int64_t group, int64_t first, int64_t count, char *panel) {
  for (int64_t k = 0; k < nl_conv_images(c, image);
       k++) { /* in this order: what one writes behind its end, the next one corrects */
    nl_conv_pack(c, c->x + nl_conv_image(c, image + k, group, c->g.ic, c->in_all), first, count, 0, c->out_all,
                 panel + (size_t)(k * c->out_all) * c->size);
  }
}

static void forward_together(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *tile = panel + NL_CONV_HALF;
  nl_gemm_kept products[NL_CONV_PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t image = t / g->groups * c->together, group = t % g->groups, wide = nl_conv_images(c, image) * c->out_all;
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
    nl_conv_move_tile(c, image, group, tile, c->y, true);
  }
  nl_gemm_let_go(products, NL_CONV_PLANS);
}

void nl_conv_forward_panels(const nl_conv_cut *c) {
  bool together = c->together > 1;
  int64_t tasks = together ? nl_conv_sets(c, 1) : c->g.n * c->g.groups * c->blocks;
  nl_parallel_for(tasks, nl_conv_grain((double)tasks, nl_conv_flops(c)), together ? forward_together : forward_tasks,
                  (void *)(uintptr_t)c);
}

/* ---- a result of few channels: the way back from it is the faster one ---- */

enum { NARROW = 8, WIDE = 32 };

static bool is_narrow(const nl_conv *g, nl_conv *swapped) {
  return g->oc <= NARROW && g->ic >= WIDE && nl_conv_swap(g, swapped);
}

size_t nl_conv_forward_work(const nl_conv *g) {
  nl_conv swapped;
  return is_narrow(g, &swapped) ? nl_conv_weights(g) * nl_dtype_size(g->dtype) : 0;
}

static void add_bias(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  int64_t channels = c->g.groups * c->g.oc;
  for (int64_t i = begin; i < end; i++) {
    if (c->g.dtype == NL_F32) {
      float *y = (float *)c->y + i * c->out_all, b = ((const float *)c->bias)[i % channels];
      for (int64_t k = 0; k < c->out_all; k++) {
        y[k] += b;
      }
    } else {
      double *y = (double *)c->y + i * c->out_all, b = ((const double *)c->bias)[i % channels];
      for (int64_t k = 0; k < c->out_all; k++) {
        y[k] += b;
      }
    }
  }
}

static bool forward_narrow(const nl_conv_cut *c, const nl_conv *swapped, void *work) {
  const nl_conv *g = &c->g;
  if (!nl_k->panel->finite[g->dtype](c->w, (int64_t)nl_conv_weights(g))) {
    return false;
  }
  nl_conv_swap_weights(g, c->w, work, true);
  nl_conv_input(swapped, c->x, work, c->y, NULL);
  if (c->bias) {
    nl_parallel_for(g->n * g->groups * g->oc, 1 + 16384 / (c->out_all + 1), add_bias, (void *)(uintptr_t)c);
  }
  return true;
}

void nl_conv_forward(const nl_conv *g, const void *x, const void *w, const void *bias, void *y, void *work) {
  if (is_direct(g)) {
    nl_direct_forward(g, x, w, bias, y);
    return;
  }
  nl_conv_cut c;
  nl_conv swapped;
  nl_conv_measure(&c, g, 0);
  c.x = x, c.w = w, c.bias = bias, c.y = y;
  if (is_narrow(g, &swapped) && forward_narrow(&c, &swapped, work)) {
    return;
  }
  if (c.huge || g->ic == 0) { /* the plain loops begin with the bias, or 0 */
    nl_conv_plain_forward(&c);
  } else {
    nl_conv_forward_panels(&c);
  }
}
