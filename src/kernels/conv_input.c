/* The input's gradient of a convolution: by panels that are added where they came from, or as a convolution of the
   result's gradient. */
#include <string.h>

#include "core/interrupt.h"
#include "kernels/conv_cut.h"
#include "kernels/direct.h"
#include "kernels/gemm.h"

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

static void input_together(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *tile = panel + NL_CONV_HALF;
  nl_gemm_kept products[NL_CONV_PLANS];
  memset(products, 0, sizeof products);
  int64_t depth = c->taps * g->ic;
  for (int64_t t = begin; t < end && !nl_interrupt_pending(); t++) {
    int64_t first = t % c->chunks * c->chunk, count = nl_smaller(c->chunk, g->ic - first);
    int64_t image = t / c->chunks / g->groups * c->together, group = t / c->chunks % g->groups;
    int64_t wide = nl_conv_images(c, image) * c->out_all;
    nl_conv_move_tile(c, image, group, tile, (char *)(uintptr_t)c->grad, false);
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
    for (int64_t k = 0; k < nl_conv_images(c, image); k++) {
      char *dx = c->y + nl_conv_image(c, image + k, group, g->ic, c->in_all);
      memset(dx + (size_t)(first * c->in_all) * c->size, 0, (size_t)(count * c->in_all) * c->size);
      nl_conv_unpack(c, dx, first, count, 0, c->out_all, panel + (size_t)(k * c->out_all) * c->size);
    }
  }
  nl_gemm_let_go(products, NL_CONV_PLANS);
}

static void input_tasks(void *ctx, int64_t begin, int64_t end) {
  const nl_conv_cut *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel();
  nl_gemm_kept products[NL_CONV_PLANS];
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
        nl_conv_unpack(c, dx, first, count, p, stop, panel);
      }
    }
  }
  nl_gemm_let_go(products, NL_CONV_PLANS);
}

/* ---- as a convolution ---- */

enum { LEAST_ROWS = 64, LEAST_POSITIONS = 512 };

/* Without strides it is a convolution from oc to ic channels, whose kernel goes backwards. That spares writing panels
   and adding them, but packs others, which pays where enough rows use what is packed; and it needs weights whose
   channels have changed places, which pays where there are many positions. */
static bool is_turned_input(const nl_conv *g) {
  int64_t positions = g->n, apart = 1;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    positions *= g->in[d];
    apart *= g->stride[d];
  }
  return apart == 1 && nl_conv_is_window(g) && g->ic >= LEAST_ROWS && g->ic >= g->oc && positions >= LEAST_POSITIONS &&
         !is_direct_input(g);
}

/* A result of few channels: from there the kernels pass over rows (direct.c). */
enum { FEW = 32, MORE = 16 };
static bool is_narrow_input(const nl_conv *g, nl_conv *swapped) {
  return g->oc < FEW && g->ic > MORE && nl_conv_swap(g, swapped) && !is_direct_input(g);
}

/* As nl_conv_swap, but the kernel goes backwards as it lies, and paddings may be negative. */
static nl_conv backwards(const nl_conv *g) {
  nl_conv back = *g;
  back.ic = g->oc;
  back.oc = g->ic;
  memcpy(back.in, g->out, sizeof back.in);
  memcpy(back.out, g->in, sizeof back.out);
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    back.padding[d] = -g->padding[d];
    back.dilation[d] = -g->dilation[d];
  }
  return back;
}

size_t nl_conv_input_work(const nl_conv *g) {
  nl_conv swapped;
  bool swaps = is_turned_input(g) || is_narrow_input(g, &swapped);
  return swaps ? nl_conv_weights(g) * nl_dtype_size(g->dtype) : 0;
}

static bool narrow_input(const nl_conv *g, const nl_conv *swapped, const void *grad, const void *w, void *dx,
                         void *work) {
  if (!nl_k->panel->finite[g->dtype](w, (int64_t)nl_conv_weights(g))) {
    return false;
  }
  nl_conv_swap_weights(g, w, work, true);
  nl_conv_forward(swapped, grad, work, NULL, dx, NULL);
  return true;
}

static bool turned_input(const nl_conv *g, const void *grad, const void *w, void *dx, void *work) {
  nl_conv_cut c;
  nl_conv back = backwards(g);
  nl_conv_measure(&c, &back, 0);
  if (c.huge || !nl_k->panel->finite[g->dtype](w, (int64_t)nl_conv_weights(g))) {
    return false;
  }
  nl_conv_swap_weights(g, w, work, false);
  c.x = grad, c.w = work, c.y = dx;
  nl_conv_forward_panels(&c);
  return true;
}

void nl_conv_input(const nl_conv *g, const void *grad, const void *w, void *dx, void *work) {
  nl_conv_cut c;
  nl_conv_measure(&c, g, 0);
  c.grad = grad, c.w = w, c.y = dx;
  bool together = c.together > 1;
  int64_t tasks = together ? nl_conv_sets(&c, c.chunks) : g->n * g->groups * c.chunks;
  if (c.in_all == 0 || c.out_all == 0 || g->oc == 0 || g->ic == 0) {
    memset(dx, 0, (size_t)(g->n * g->groups * g->ic * c.in_all) * c.size);
    return;
  }
  nl_conv swapped;
  if ((is_direct_input(g) && nl_direct_input(g, grad, w, dx)) ||
      (is_narrow_input(g, &swapped) && narrow_input(g, &swapped, grad, w, dx, work)) ||
      (is_turned_input(g) && turned_input(g, grad, w, dx, work))) {
    return;
  }
  if (c.huge) {
    nl_conv_plain_input(&c);
    return;
  }
  nl_parallel_for(tasks, nl_conv_grain((double)tasks, nl_conv_flops(&c)), together ? input_together : input_tasks, &c);
}
