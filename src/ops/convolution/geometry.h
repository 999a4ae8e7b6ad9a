/* What convolution and pooling read alike. */
#ifndef NL_OPS_CONVOLUTION_GEOMETRY_H
#define NL_OPS_CONVOLUTION_GEOMETRY_H

#include "kernels/conv.h"
#include "optable/op.h"

/* One number for each of the last `dims` places, from a list that may have a single one, or none: `otherwise`. The
   places before get `other`. Less than `least` is an error. */
nl_status nl_read_sizes(const nl_call *, int attr, int dims, const char *name, int64_t least, int64_t otherwise,
                        int64_t other, int64_t *to);

/* The last `dims` sizes of t; 1 for those before. */
void nl_set_sizes(int64_t *to, const nl_tensor *t, int dims);

/* "height x width" of 2; "one to three dims" of any other number than 1 to 3. */
const char *nl_dims_words(int dims);

/* Gives k the sizes of t's images (where there is t), then three lists and `plain` other attributes of another call,
   from `first` on. */
void nl_take_geometry(nl_call *k, const nl_tensor *t, const nl_call *from, int first, int plain);

#endif
