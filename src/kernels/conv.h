/* Convolution of batch x channels x (depth x height x width) without ever storing all windows: blocks of them are
   packed where the second-level cache holds them, and a block is one product with the weights. Lines and images are
   volumes of depth (and height) 1. */
#ifndef NL_KERNELS_CONV_H
#define NL_KERNELS_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"
#include "core/number.h"

enum { NL_CONV_DIMS = 3 };
enum { NL_PANEL_SLACK = 16 }; /* elements behind a run that packing may write */

typedef struct nl_conv {
  nl_dtype dtype; /* float32 or float64 */
  int64_t n, groups;
  int64_t ic, oc;                                        /* channels of a group */
  int64_t in[NL_CONV_DIMS], out[NL_CONV_DIMS];           /* sizes of an image and of its result */
  int64_t kernel[NL_CONV_DIMS], stride[NL_CONV_DIMS];    /* at least 1 */
  int64_t padding[NL_CONV_DIMS], dilation[NL_CONV_DIMS]; /* zeros in front; steps between the kernel's elements */
} nl_conv;

/* x: n x (groups ic) x in; w: (groups oc) x ic x kernel; y: n x (groups oc) x out; bias: groups oc, or NULL. All
   contiguous. The same bits for any number of threads. `work` has nl_conv_forward_work bytes. */
size_t nl_conv_forward_work(const nl_conv *);
void nl_conv_forward(const nl_conv *, const void *x, const void *w, const void *bias, void *y, void *work);

/* The gradient of the input, of g: n x (groups oc) x out: what the transposed convolution gives. Writes all of dx.
   `work` has nl_conv_input_work bytes. */
size_t nl_conv_input_work(const nl_conv *);
void nl_conv_input(const nl_conv *, const void *g, const void *w, void *dx, void *work);

/* The gradient of the weight. `work` has nl_conv_weight_work bytes. */
size_t nl_conv_weight_work(const nl_conv *);
void nl_conv_weight(const nl_conv *, const void *x, const void *g, void *dw, void *work);

#endif
