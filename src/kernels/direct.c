#include "kernels/depthwise.h"

#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "kernels/kernels.h"

/* A thread's panel: the image in its border, then what else is needed. */
enum { IMAGE = NL_THREAD_PANEL_BYTES / 2, TAPS = 1024, OFFSETS = TAPS * 8, REST = NL_THREAD_PANEL_BYTES - IMAGE };

typedef struct depthwise {
  nl_conv g;
  size_t size;
  int64_t in_all, out_all, taps, parts;
  int64_t border[NL_CONV_DIMS]; /* sizes with the border */
  const char *x, *w, *bias, *grad;
  char *y;
} depthwise;

static void survey(depthwise *c, const nl_conv *g) {
  memset(c, 0, sizeof *c);
  c->g = *g;
  c->size = nl_dtype_size(g->dtype);
  c->in_all = c->out_all = c->taps = 1;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    c->in_all *= g->in[d];
    c->out_all *= g->out[d];
    c->taps *= g->kernel[d];
  }
}

/* The kernel runs behind the last row by less than NL_TAPS_SLACK steps. */
static bool border_fits(const int64_t *border, int64_t step, size_t size) {
  double all = (double)border[0] * (double)border[1] * (double)border[2] + NL_TAPS_SLACK * (double)step;
  return all * (double)size <= IMAGE;
}

/* Of the way back: an image's gradient, with zeros between the elements where the stride is more than 1. */
static void back_border(const nl_conv *g, int64_t *border) {
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    border[d] = g->in[d] + g->dilation[d] * (g->kernel[d] - 1);
  }
}
static void forth_border(const nl_conv *g, int64_t *border) {
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    border[d] = g->in[d] + 2 * g->padding[d];
  }
}

bool nl_depthwise_fits(const nl_conv *g) {
  depthwise c;
  survey(&c, g);
  int64_t back[NL_CONV_DIMS];
  forth_border(g, c.border);
  back_border(g, back);
  return g->ic == 1 && c.taps > 1 && c.taps <= TAPS && border_fits(c.border, g->stride[2], c.size) &&
         border_fits(back, 1, c.size);
}

/* Where each element of the kernel lies from the first one on. */
static void find_offsets(const depthwise *c, int64_t *to) {
  const nl_conv *g = &c->g;
  for (int64_t d = 0; d < g->kernel[0]; d++) {
    for (int64_t h = 0; h < g->kernel[1]; h++) {
      for (int64_t w = 0; w < g->kernel[2]; w++) {
        *to++ = (d * g->dilation[0] * c->border[1] + h * g->dilation[1]) * c->border[2] + w * g->dilation[2];
      }
    }
  }
}

/* What the rows are passed over with; `panel` is the thread's. */
static nl_taps taps_of(const depthwise *c, const int64_t *out, const int64_t *stride, char *panel) {
  nl_taps t = {.taps = c->taps, .row = c->border[2], .plane = c->border[1] * c->border[2]};
  int64_t *offsets = (int64_t *)(void *)(panel + IMAGE);
  find_offsets(c, offsets);
  t.offsets = offsets;
  memcpy(t.out, out, sizeof t.out);
  memcpy(t.stride, stride, sizeof t.stride);
  return t;
}

/* Copies an image of these sizes into zeros: its elements are `apart`, the first one at `first`; what lies outside of
   the border is left out. */
static void lay(const depthwise *c, const char *image, const int64_t *sizes, const int64_t *first, const int64_t *apart,
                char *to) {
  const int64_t *all = c->border;
  memset(to, 0, (size_t)(all[0] * all[1] * all[2] + NL_TAPS_SLACK * c->g.stride[2]) * c->size);
  int64_t lo = first[2] >= 0 ? 0 : (-first[2] + apart[2] - 1) / apart[2];
  int64_t hi = first[2] < all[2] ? nl_smaller(sizes[2], (all[2] - first[2] + apart[2] - 1) / apart[2]) : 0;
  for (int64_t d = 0; d < sizes[0] && lo < hi; d++) {
    int64_t td = first[0] + d * apart[0];
    for (int64_t h = 0; h < sizes[1] && td >= 0 && td < all[0]; h++) {
      int64_t th = first[1] + h * apart[1];
      if (th < 0 || th >= all[1]) {
        continue;
      }
      const char *from = image + (size_t)((d * sizes[1] + h) * sizes[2] + lo) * c->size;
      char *row = to + (size_t)((td * all[1] + th) * all[2] + first[2] + lo * apart[2]) * c->size;
      if (apart[2] == 1) {
        memcpy(row, from, (size_t)(hi - lo) * c->size);
        continue;
      }
      for (int64_t i = 0; i < hi - lo; i++) {
        memcpy(row + (size_t)(i * apart[2]) * c->size, from + (size_t)i * c->size, c->size);
      }
    }
  }
}

static const int64_t ones[NL_CONV_DIMS] = {1, 1, 1};

static int64_t images_at_once(const depthwise *c, int64_t each) {
  return 1 + 100000 / (c->out_all * c->taps * each + c->in_all + 1);
}

/* ---- forward: an image and a group ---- */

static void forward_images(void *ctx, int64_t begin, int64_t end) {
  const depthwise *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel();
  nl_taps t = taps_of(c, g->out, g->stride, panel);
  for (int64_t i = begin; i < end && !nl_interrupt_pending(); i++) {
    lay(c, c->x + (size_t)(i * c->in_all) * c->size, g->in, g->padding, ones, panel);
    for (int64_t o = 0; o < g->oc; o++) {
      int64_t channel = i % g->groups * g->oc + o;
      nl_k->taps->correlate[g->dtype](&t, panel, c->w + (size_t)(channel * c->taps) * c->size,
                                      c->bias ? c->bias + (size_t)channel * c->size : NULL, false,
                                      c->y + (size_t)((i * g->oc + o) * c->out_all) * c->size);
    }
  }
}

void nl_depthwise_forward(const nl_conv *g, const void *x, const void *w, const void *bias, void *y) {
  depthwise c;
  survey(&c, g);
  forth_border(g, c.border);
  c.x = x, c.w = w, c.bias = bias, c.y = y;
  nl_parallel_for(g->n * g->groups, images_at_once(&c, g->oc), forward_images, &c);
}

/* ---- the input's gradient: the kernel, turned round, passes over that of the result ---- */

static void input_images(void *ctx, int64_t begin, int64_t end) {
  const depthwise *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *turned = panel + IMAGE + OFFSETS;
  nl_taps t = taps_of(c, g->in, ones, panel);
  int64_t first[NL_CONV_DIMS];
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    first[d] = g->dilation[d] * (g->kernel[d] - 1) - g->padding[d];
  }
  for (int64_t i = begin; i < end && !nl_interrupt_pending(); i++) {
    for (int64_t o = 0; o < g->oc; o++) {
      const char *w = c->w + (size_t)((i % g->groups * g->oc + o) * c->taps) * c->size;
      for (int64_t k = 0; k < c->taps; k++) {
        memcpy(turned + (size_t)k * c->size, w + (size_t)(c->taps - 1 - k) * c->size, c->size);
      }
      lay(c, c->grad + (size_t)((i * g->oc + o) * c->out_all) * c->size, g->out, first, g->stride, panel);
      nl_k->taps->correlate[g->dtype](&t, panel, turned, NULL, o > 0, c->y + (size_t)(i * c->in_all) * c->size);
    }
  }
}

static bool all_finite(nl_dtype dtype, const void *w, int64_t n) {
  bool finite = true;
  for (int64_t i = 0; i < n && finite; i++) {
    finite = dtype == NL_F32 ? isfinite(((const float *)w)[i]) : isfinite(((const double *)w)[i]);
  }
  return finite;
}

bool nl_depthwise_input(const nl_conv *g, const void *grad, const void *w, void *dx) {
  depthwise c;
  survey(&c, g);
  back_border(g, c.border);
  c.grad = grad, c.w = w, c.y = dx;
  if (!all_finite(g->dtype, w, g->groups * g->oc * c.taps)) {
    return false;
  }
  nl_parallel_for(g->n * g->groups, images_at_once(&c, g->oc), input_images, &c);
  return true;
}

/* ---- the weight's gradient: a part of the images and a group ---- */

static void weight_images(void *ctx, int64_t begin, int64_t end) {
  const depthwise *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *lanes = panel + IMAGE + OFFSETS;
  nl_taps t = taps_of(c, g->out, g->stride, panel);
  /* channels whose sums fit beside each other */
  int64_t fit = (REST - OFFSETS) / ((int64_t)c->size * NL_TAPS_LANES * c->taps);
  for (int64_t i = begin; i < end; i++) {
    int64_t part = i / g->groups, group = i % g->groups;
    int64_t from = part * g->n / c->parts, to = (part + 1) * g->n / c->parts;
    for (int64_t o0 = 0; o0 < g->oc; o0 += fit) {
      int64_t channels = nl_smaller(fit, g->oc - o0), each = c->taps * NL_TAPS_LANES;
      memset(lanes, 0, (size_t)(channels * each) * c->size);
      for (int64_t image = from; image < to && !nl_interrupt_pending(); image++) {
        lay(c, c->x + (size_t)((image * g->groups + group) * c->in_all) * c->size, g->in, g->padding, ones, panel);
        for (int64_t o = 0; o < channels; o++) {
          int64_t channel = (image * g->groups + group) * g->oc + o0 + o;
          nl_k->taps->collect[g->dtype](&t, panel, c->grad + (size_t)(channel * c->out_all) * c->size,
                                        lanes + (size_t)(o * each) * c->size);
        }
      }
      for (int64_t o = 0; o < channels; o++) {
        nl_k->taps->add_lanes[g->dtype](c->taps, lanes + (size_t)(o * each) * c->size,
                                        c->y + (size_t)(i * c->taps * g->oc + o0 + o) * c->size, g->oc);
      }
    }
  }
}

void nl_depthwise_weight(const nl_conv *g, int64_t parts, const void *x, const void *grad, void *sums) {
  depthwise c;
  survey(&c, g);
  forth_border(g, c.border);
  c.x = x, c.grad = grad, c.y = sums, c.parts = parts;
  nl_parallel_for(parts * g->groups, images_at_once(&c, g->oc * (g->n / (parts > 0 ? parts : 1) + 1)), weight_images,
                  &c);
}
