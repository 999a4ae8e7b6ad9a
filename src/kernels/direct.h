/* Convolutions without packing: the image is copied into a border of zeros, and the kernels' elements pass over its
   rows. For few channels, where there is too little to multiply for products of matrices, and rows that fill vectors.
 */
#ifndef NL_KERNELS_DIRECT_H
#define NL_KERNELS_DIRECT_H

#include "kernels/conv.h"

/* Whether forward and weight, and input, are for it. It depends on sizes alone. */
bool nl_direct_fits(const nl_conv *);
bool nl_direct_input_fits(const nl_conv *);

void nl_direct_forward(const nl_conv *, const void *x, const void *w, const void *bias, void *y);

/* The gradient of the input. False, and nothing is done: the weights are not all finite, and those that meet only the
   border would not stay without effect. */
bool nl_direct_input(const nl_conv *, const void *grad, const void *w, void *dx);

/* The gradient of the weight in `parts` sums over images, each groups x (ic taps) x channels of a group. */
void nl_direct_weight(const nl_conv *, int64_t parts, const void *x, const void *grad, void *sums);

#endif
