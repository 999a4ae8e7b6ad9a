#include "kernels/direct.h"

#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "kernels/kernels.h"

/* A thread's panel: images in their borders, where the elements of a kernel lie, then weights or sums. */
enum {
  IMAGE = NL_THREAD_PANEL_BYTES / 2,
  TAPS = 1024,
  OFFSETS = TAPS * 8,
  REST = NL_THREAD_PANEL_BYTES - IMAGE - OFFSETS
};
enum { TURNING = 8 };                      /* turning a result costs what so many elements of a kernel do */
enum { NEAR = 16 << 10, POSITIONS = 512 }; /* what the first-level cache holds of images and of gradients */

/* Images of `channels` in their border. Where windows are `phases` apart, every phases-th column stands in a plane of
   its own, so that neighbouring windows meet neighbours. */
typedef struct border {
  int64_t channels, phases;
  int64_t size[NL_CONV_DIMS];           /* with the border; the last one: of a phase */
  int64_t plane, phase, channel, image; /* from one to the next */
} border;

typedef struct direct {
  nl_conv g;
  size_t size;
  int64_t in_all, out_all, taps, parts;
  border laid;
  int64_t ld; /* where channels of the result stand side by side: from one position to the next; else 0 */
  const char *x, *w, *bias, *grad;
  char *y;
} direct;

static void survey(direct *c, const nl_conv *g) {
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

static border border_of(int64_t channels, int64_t phases, int64_t d, int64_t h, int64_t w) {
  border b = {.channels = channels, .phases = phases, .size = {d, h, (w + phases - 1) / phases}};
  b.plane = b.size[1] * b.size[2];
  b.phase = b.size[0] * b.plane;
  b.channel = phases * b.phase;
  b.image = channels * b.channel;
  return b;
}

/* Of an image; and of a result's gradient, with zeros between the elements where the stride is more than 1. */
static border forth_border(const nl_conv *g) {
  return border_of(g->ic, g->stride[2], g->in[0] + 2 * g->padding[0], g->in[1] + 2 * g->padding[1],
                   g->in[2] + 2 * g->padding[2]);
}
static border back_border(const nl_conv *g) {
  return border_of(g->oc, 1, g->in[0] + g->dilation[0] * (g->kernel[0] - 1),
                   g->in[1] + g->dilation[1] * (g->kernel[1] - 1), g->in[2] + g->dilation[2] * (g->kernel[2] - 1));
}

static bool border_fits(const border *b, size_t size) {
  double all = (double)b->size[0] * (double)b->size[1] * (double)b->size[2] * (double)b->phases * (double)b->channels;
  return (all + NL_TAPS_SLACK) * (double)size <= IMAGE;
}

/* From `from` channels to `to`, with this many elements of each kernel. */
static bool fits_panel(const direct *c, int64_t from, int64_t to, const border *b) {
  double taps = (double)from * (double)c->taps;
  return taps > 1 && taps <= TAPS && 2 * taps * (double)to * (double)c->size <= REST && border_fits(b, c->size);
}

bool nl_direct_fits(const nl_conv *g) {
  direct c;
  survey(&c, g);
  border b = forth_border(g);
  return fits_panel(&c, g->ic, g->oc, &b);
}

bool nl_direct_input_fits(const nl_conv *g) {
  direct c;
  survey(&c, g);
  border b = back_border(g);
  return fits_panel(&c, g->oc, g->ic, &b);
}

/* Sets ld where vectors of `channels` do less in vain than those of positions in rows of `wide`, which cost `more`, and
   there is room for `taps` of weights or sums, and for `positions`. */
static void choose_vectors(direct *c, int64_t channels, int64_t taps, int64_t wide, int64_t positions, double more) {
  int64_t lanes = nl_k->taps_channels->lanes[c->g.dtype], ld = (channels + lanes - 1) / lanes * lanes;
  double rows = (double)((wide + lanes - 1) / lanes * lanes) / (double)wide, across = (double)ld / (double)channels;
  double room = ((double)taps + (double)positions + NL_TAPS_SLACK) * (double)ld * (double)c->size;
  c->ld = (double)taps * across + TURNING < (double)taps * rows * more && room <= REST ? ld : 0;
}

/* Where each element of the kernel, of each channel, lies from the first one on: channel by channel, or row of the
   kernel by row, of all channels. */
static void find_offsets(const direct *c, bool by_lines, int64_t *to) {
  const nl_conv *g = &c->g;
  const border *b = &c->laid;
  int64_t inside = by_lines ? g->kernel[2] : c->taps, across = by_lines ? c->taps / g->kernel[2] : 1;
  for (int64_t line = 0; line < across; line++) {
    for (int64_t i = 0; i < b->channels; i++) {
      for (int64_t k = line * inside; k < (line + 1) * inside; k++) {
        int64_t w = k % g->kernel[2], h = k / g->kernel[2] % g->kernel[1], d = k / g->kernel[2] / g->kernel[1];
        int64_t column = w * g->dilation[2];
        *to++ = i * b->channel + column % b->phases * b->phase + d * g->dilation[0] * b->plane +
                h * g->dilation[1] * b->size[2] + column / b->phases;
      }
    }
  }
}

/* What the rows are passed over with, into `out` with these strides; `panel` is the thread's, whose border is cleared.
 */
static nl_taps taps_of(const direct *c, const int64_t *out, const int64_t *stride, int64_t images, bool by_lines,
                       char *panel) {
  const border *b = &c->laid;
  nl_taps t = {.taps = b->channels * c->taps,
               .apart = {stride[0] * b->plane, stride[1] * b->size[2]},
               .images = images,
               .image = b->image};
  int64_t *offsets = (int64_t *)(void *)(panel + IMAGE);
  find_offsets(c, by_lines, offsets);
  t.offsets = offsets;
  memcpy(t.out, out, sizeof t.out);
  memset(panel, 0, (size_t)(images * b->image + NL_TAPS_SLACK) * c->size);
  return t;
}

/* Every `step`-th element of n; they are `apart` there. */
#define SPREAD(type)                                                                                                   \
  static void spread_##type(int64_t n, const char *from, int64_t step, char *to, int64_t apart) {                      \
    const type *x = (const type *)(const void *)from;                                                                  \
    type *y = (type *)(void *)to;                                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      y[i * apart] = x[i * step];                                                                                      \
    }                                                                                                                  \
  }
SPREAD(float)
SPREAD(double)

/* Copies a row of n elements, which are `apart` in the border, the first at column `first`; what lies outside is left
   out. */
static void lay_row(const direct *c, const char *row, int64_t n, int64_t first, int64_t apart, char *to) {
  const border *b = &c->laid;
  int64_t all = b->size[2] * b->phases, lo = first >= 0 ? 0 : (-first + apart - 1) / apart;
  int64_t hi = first < all ? nl_smaller(n, (all - first + apart - 1) / apart) : 0;
  if (b->phases == 1 && apart == 1) {
    if (lo < hi) {
      memcpy(to + (size_t)(first + lo) * c->size, row + (size_t)lo * c->size, (size_t)(hi - lo) * c->size);
    }
    return;
  }
  for (int64_t i = lo; i < hi && i < lo + b->phases; i++) { /* those of a phase, one after another */
    int64_t column = first + i * apart, count = (hi - i + b->phases - 1) / b->phases;
    char *here = to + (size_t)(column % b->phases * b->phase + column / b->phases) * c->size;
    (c->size == sizeof(float) ? spread_float : spread_double)(count, row + (size_t)i * c->size, b->phases, here, apart);
  }
}

/* Copies the channels of an image of these sizes: its elements are `apart` in the border, the first one at `first`. */
static void lay(const direct *c, const char *image, const int64_t *sizes, const int64_t *first, const int64_t *apart,
                char *to) {
  const border *b = &c->laid;
  for (int64_t i = 0; i < b->channels; i++) {
    for (int64_t d = 0; d < sizes[0]; d++) {
      int64_t td = first[0] + d * apart[0];
      for (int64_t h = 0; h < sizes[1] && td >= 0 && td < b->size[0]; h++, image += (size_t)sizes[2] * c->size) {
        int64_t th = first[1] + h * apart[1];
        if (th >= 0 && th < b->size[1]) {
          lay_row(c, image, sizes[2], first[2], apart[2],
                  to + (size_t)(i * b->channel + td * b->plane + th * b->size[2]) * c->size);
        }
      }
      if (td < 0 || td >= b->size[0]) {
        image += (size_t)(sizes[1] * sizes[2]) * c->size;
      }
    }
  }
}

static const int64_t ones[NL_CONV_DIMS] = {1, 1, 1};

/* Images, group by group, that are worth a thread, with weights that are arranged once. */
static int64_t images_at_once(const direct *c) {
  const nl_conv *g = &c->g;
  double each = (double)c->out_all * (double)c->taps * (double)g->ic * (double)g->oc;
  return 1 + (int64_t)(2e6 / (each + (double)c->in_all * (double)g->ic + 1));
}

/* ---- forward ---- */

/* Weights channels x taps, at `w`, as passes takes them. */
static void arrange(const direct *c, const nl_taps *t, int64_t channels, const char *w, char *to) {
  (c->ld ? nl_k->taps_channels->arrange : nl_k->taps->arrange)[c->g.dtype](channels, t->taps, w, to);
}

/* The kernels pass over the image in the panel; `all` is what a channel of the result has. */
static void pass(const direct *c, const nl_taps *t, const char *panel, int64_t channels, char *weights,
                 const char *bias, char *y, int64_t all) {
  nl_dtype dtype = c->g.dtype;
  if (!c->ld) {
    nl_k->taps->correlate[dtype](t, panel, channels, weights, bias, y, all);
    return;
  }
  char *turned = weights + (size_t)(t->taps * c->ld) * c->size;
  nl_k->taps_channels->correlate[dtype](t, panel, channels, weights, bias, turned, c->ld);
  nl_k->transpose->transpose[dtype](all, channels, turned, c->ld, y, all);
}

static void forward_images(void *ctx, int64_t begin, int64_t end) {
  const direct *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *weights = panel + IMAGE + OFFSETS;
  nl_taps t = taps_of(c, g->out, g->stride, 1, false, panel);
  for (int64_t i = begin; i < end && !nl_interrupt_pending(); i++) {
    int64_t group = i / g->n, image = i % g->n, channel = group * g->oc, at = image * g->groups + group;
    if (i == begin || image == 0) {
      arrange(c, &t, g->oc, c->w + (size_t)(channel * t.taps) * c->size, weights);
    }
    lay(c, c->x + (size_t)(at * g->ic * c->in_all) * c->size, g->in, g->padding, ones, panel);
    pass(c, &t, panel, g->oc, weights, c->bias ? c->bias + (size_t)channel * c->size : NULL,
         c->y + (size_t)(at * g->oc * c->out_all) * c->size, c->out_all);
  }
}

void nl_direct_forward(const nl_conv *g, const void *x, const void *w, const void *bias, void *y) {
  direct c;
  survey(&c, g);
  c.laid = forth_border(g);
  choose_vectors(&c, g->oc, c.taps * g->ic, g->out[2], c.out_all, 1);
  c.x = x, c.w = w, c.bias = bias, c.y = y;
  nl_parallel_for(g->n * g->groups, nl_even_grain(g->n * g->groups, images_at_once(&c), 1), forward_images, &c);
}

/* ---- the input's gradient: the kernels, turned round, pass over that of the result ---- */

/* ic x (lines oc columns) of oc x (ic taps), each kernel turned round: row by row, of all channels. */
static void turn_weights(const direct *c, const char *w, char *to) {
  const nl_conv *g = &c->g;
  int64_t wide = g->kernel[2];
  for (int64_t i = 0; i < g->ic; i++) {
    for (int64_t line = 0; line < c->taps / wide; line++) {
      for (int64_t o = 0; o < g->oc; o++) {
        for (int64_t k = line * wide; k < (line + 1) * wide; k++, to += c->size) {
          memcpy(to, w + (size_t)((o * g->ic + i) * c->taps + c->taps - 1 - k) * c->size, c->size);
        }
      }
    }
  }
}

static void input_images(void *ctx, int64_t begin, int64_t end) {
  const direct *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *weights = panel + IMAGE + OFFSETS;
  nl_taps t = taps_of(c, g->in, ones, 1, true, panel);
  int64_t first[NL_CONV_DIMS];
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    first[d] = g->dilation[d] * (g->kernel[d] - 1) - g->padding[d];
  }
  if (g->in[0] == 1 && g->kernel[0] == 1 && !c->ld) { /* rows of the kernel that meet the border alone are left out */
    t.line = g->kernel[2] * g->oc;
    t.lines = g->kernel[1];
    t.dilation = g->dilation[1];
    t.top = first[1];
    t.rows = (g->out[1] - 1) * g->stride[1] + 1;
  }
  for (int64_t i = begin; i < end && !nl_interrupt_pending(); i++) {
    int64_t group = i / g->n, image = i % g->n, at = image * g->groups + group;
    if (i == begin || image == 0) {
      char *turned = weights + REST - (size_t)(g->ic * t.taps) * c->size;
      turn_weights(c, c->w + (size_t)(group * g->oc * g->ic * c->taps) * c->size, turned);
      arrange(c, &t, g->ic, turned, weights);
    }
    lay(c, c->grad + (size_t)(at * g->oc * c->out_all) * c->size, g->out, first, g->stride, panel);
    pass(c, &t, panel, g->ic, weights, NULL, c->y + (size_t)(at * g->ic * c->in_all) * c->size, c->in_all);
  }
}

bool nl_direct_input(const nl_conv *g, const void *grad, const void *w, void *dx) {
  direct c;
  survey(&c, g);
  c.laid = back_border(g);
  choose_vectors(&c, g->ic, c.taps * g->oc, g->in[2], c.in_all + c.taps * g->oc, 1);
  c.grad = grad, c.w = w, c.y = dx;
  if (!nl_k->panel->finite[g->dtype](w, g->groups * g->oc * g->ic * c.taps)) {
    return false;
  }
  nl_parallel_for(g->n * g->groups, nl_even_grain(g->n * g->groups, images_at_once(&c), 1), input_images, &c);
  return true;
}

/* ---- the weight's gradient: a part of the images and a group ---- */

/* Puts images of a group, so many from `image` on, into the panel. */
static void lay_images(const direct *c, int64_t image, int64_t images, int64_t group, char *panel) {
  const nl_conv *g = &c->g;
  for (int64_t k = 0; k < images; k++) {
    lay(c, c->x + (size_t)(((image + k) * g->groups + group) * g->ic * c->in_all) * c->size, g->in, g->padding, ones,
        panel + (size_t)(k * c->laid.image) * c->size);
  }
}

/* Images at once, of which there is little enough to stay near. */
static int64_t images_together(const direct *c) {
  int64_t laid = c->laid.image * (int64_t)c->size;
  return nl_smaller(laid < NEAR ? NEAR / laid : 1, 1 + POSITIONS / c->out_all);
}

static void weight_rows(void *ctx, int64_t begin, int64_t end) {
  const direct *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *lanes = panel + IMAGE + OFFSETS;
  int64_t depth = g->ic * c->taps, each = depth * NL_TAPS_LANES, most = images_together(c);
  int64_t fit = REST / ((int64_t)c->size * each); /* channels whose sums fit beside each other */
  nl_taps t = taps_of(c, g->out, g->stride, most, false, panel);
  for (int64_t i = begin; i < end; i++) {
    int64_t part = i / g->groups, group = i % g->groups;
    int64_t from = part * g->n / c->parts, to = (part + 1) * g->n / c->parts;
    for (int64_t o0 = 0; o0 < g->oc; o0 += fit) {
      int64_t channels = nl_smaller(fit, g->oc - o0);
      memset(lanes, 0, (size_t)(channels * each) * c->size);
      for (int64_t image = from; image < to && !nl_interrupt_pending(); image += most) {
        t.images = nl_smaller(most, to - image);
        lay_images(c, image, t.images, group, panel);
        int64_t channel = (image * g->groups + group) * g->oc + o0;
        nl_k->taps->collect[g->dtype](&t, panel, channels, c->grad + (size_t)(channel * c->out_all) * c->size,
                                      c->out_all, g->groups * g->oc * c->out_all, lanes);
      }
      nl_k->taps->add_lanes[g->dtype](channels, depth, lanes, c->y + (size_t)(i * depth * g->oc + o0) * c->size, g->oc);
    }
  }
}

static void weight_channels(void *ctx, int64_t begin, int64_t end) {
  const direct *c = ctx;
  const nl_conv *g = &c->g;
  char *panel = nl_thread_panel(), *sums = panel + IMAGE + OFFSETS;
  int64_t depth = g->ic * c->taps, most = images_together(c);
  char *turned = sums + (size_t)(depth * c->ld) * c->size;
  most = nl_smaller(most, (REST / (int64_t)c->size - depth * c->ld) / (c->out_all * c->ld));
  nl_taps t = taps_of(c, g->out, g->stride, most, false, panel);
  memset(turned, 0, (size_t)(most * c->out_all * c->ld) * c->size); /* channels that there are not */
  for (int64_t i = begin; i < end; i++) {
    int64_t part = i / g->groups, group = i % g->groups;
    int64_t from = part * g->n / c->parts, to = (part + 1) * g->n / c->parts;
    memset(sums, 0, (size_t)(depth * c->ld) * c->size);
    for (int64_t image = from; image < to && !nl_interrupt_pending(); image += most) {
      t.images = nl_smaller(most, to - image);
      lay_images(c, image, t.images, group, panel);
      for (int64_t k = 0; k < t.images; k++) {
        const char *grad = c->grad + (size_t)(((image + k) * g->groups + group) * g->oc * c->out_all) * c->size;
        nl_k->transpose->transpose[g->dtype](g->oc, c->out_all, grad, c->out_all,
                                             turned + (size_t)(k * c->out_all * c->ld) * c->size, c->ld);
      }
      nl_k->taps_channels->collect[g->dtype](&t, panel, g->oc, turned, sums, c->ld);
    }
    for (int64_t k = 0; k < depth; k++) {
      memcpy(c->y + (size_t)((i * depth + k) * g->oc) * c->size, sums + (size_t)(k * c->ld) * c->size,
             (size_t)g->oc * c->size);
    }
  }
}

void nl_direct_weight(const nl_conv *g, int64_t parts, const void *x, const void *grad, void *sums) {
  direct c;
  survey(&c, g);
  c.laid = forth_border(g);
  choose_vectors(&c, g->oc, c.taps * g->ic, g->out[2], c.out_all, 1.2);
  c.x = x, c.grad = grad, c.y = sums, c.parts = parts;
  int64_t grain = 1 + images_at_once(&c) / (1 + g->n / (parts > 0 ? parts : 1));
  nl_parallel_for(parts * g->groups, grain, c.ld ? weight_channels : weight_rows, &c);
}
