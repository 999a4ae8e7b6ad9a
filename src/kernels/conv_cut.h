/* How a convolution is cut into panels and tasks: what its three directions share. */
#ifndef NL_KERNELS_CONV_CUT_H
#define NL_KERNELS_CONV_CUT_H

#include "core/pool.h"
#include "kernels/conv.h"
#include "kernels/kernels.h"

enum {
  NL_CONV_HALF = NL_THREAD_PANEL_BYTES / 2, /* of a thread's panel: the other half is a tile, or something turned */
  NL_CONV_PLANS = 8                         /* products of as many shapes are kept by a task */
};

typedef struct nl_conv_cut {
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
} nl_conv_cut;

/* want: columns of a panel, where there is room for them; 0: as many as forward takes. */
void nl_conv_measure(nl_conv_cut *, const nl_conv *, int64_t want);

/* Kernels of one element need no packing, but where there is one channel. */
bool nl_conv_is_window(const nl_conv *);

static inline size_t nl_conv_weights(const nl_conv *g) {
  return (size_t)(g->groups * g->oc * g->ic * g->kernel[0] * g->kernel[1] * g->kernel[2]);
}

/* Tasks that are worth waking a thread for. */
int64_t nl_conv_grain(double tasks, double flops);
double nl_conv_flops(const nl_conv_cut *);

/* Channels first .. first+count of an image, at positions p .. end, into a panel; and the way back, which adds. */
static inline void nl_conv_pack(const nl_conv_cut *c, const char *image, int64_t first, int64_t count, int64_t p,
                                int64_t end, void *panel) {
  nl_k->panel->pack[c->g.dtype](&c->g, image + (size_t)(first * c->in_all) * c->size, count, p, end, panel, c->ld);
}
static inline void nl_conv_unpack(const nl_conv_cut *c, char *image, int64_t first, int64_t count, int64_t p,
                                  int64_t end, const void *panel) {
  nl_k->panel->unpack[c->g.dtype](&c->g, image + (size_t)(first * c->in_all) * c->size, count, p, end, panel, c->ld);
}

/* nl_conv_forward by panels; `padding` may be negative. */
void nl_conv_forward_panels(const nl_conv_cut *);

/* ---- the two sides change places (conv_swap.c) ---- */

/* The convolution from oc to ic channels that undoes g's geometry. False: g has strides, more padding than kernel,
   or no images.
 */
bool nl_conv_swap(const nl_conv *g, nl_conv *swapped);

/* g's weights, groups x oc x (ic taps), as groups x ic x (oc taps); the kernels reversed or as they are. */
void nl_conv_swap_weights(const nl_conv *g, const void *w, void *to, bool reversed);

/* ---- images of few positions: several at once ---- */

/* Images i .. of a task, and where one's channels of a group begin. */
static inline int64_t nl_conv_images(const nl_conv_cut *c, int64_t i) {
  return nl_smaller(c->together, c->g.n - i);
}
static inline size_t nl_conv_image(const nl_conv_cut *c, int64_t image, int64_t group, int64_t channels, int64_t all) {
  return (size_t)((image * c->g.groups + group) * channels * all) * c->size;
}

/* Tasks: `of_a_group` for each group of some images. */
static inline int64_t nl_conv_sets(const nl_conv_cut *c, int64_t of_a_group) {
  return (c->g.n + c->together - 1) / c->together * c->g.groups * of_a_group;
}

/* Between a tile, channels x (images positions), and the images of some channels, all of a group. */
void nl_conv_move_tile(const nl_conv_cut *, int64_t image, int64_t group, char *tile, char *images, bool to_images);

/* ---- kernels that are too large for panels: plain loops, over channels of images, or of the weight ---- */

void nl_conv_plain_forward(const nl_conv_cut *);
void nl_conv_plain_input(const nl_conv_cut *);
void nl_conv_plain_weight(const nl_conv_cut *);

#endif
