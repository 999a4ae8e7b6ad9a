/* Convolutions of one channel a group (depthwise ones, and those of gray images): there is too little to multiply for
   products of matrices, so the image is copied into a border of zeros and the kernel's elements pass over its rows. */
#ifndef NL_KERNELS_DEPTHWISE_H
#define NL_KERNELS_DEPTHWISE_H

#include "kernels/conv.h"

/* Whether these are for it. It depends on sizes alone. */
bool nl_depthwise_fits(const nl_conv *);

void nl_depthwise_forward(const nl_conv *, const void *x, const void *w, const void *bias, void *y);

/* The gradient of the input. False, and nothing is done: the weights are not all finite, and those that meet only the
   border would not stay without effect. */
bool nl_depthwise_input(const nl_conv *, const void *grad, const void *w, void *dx);

/* The gradient of the weight in `parts` sums over images, each groups x taps x channels of a group. */
void nl_depthwise_weight(const nl_conv *, int64_t parts, const void *x, const void *grad, void *sums);

#endif
