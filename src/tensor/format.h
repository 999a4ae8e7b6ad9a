/* Printing tensors as NumPy does: aligned columns, summarized when large, shape and dtype named. */
#ifndef NL_TENSOR_FORMAT_H
#define NL_TENSOR_FORMAT_H

#include "tensor/tensor.h"

/* The text of a tensor, to be freed with free(); NULL when memory is short. Bounded: at most 1000 elements are
   written, more are summarized by the first and last three of each dim. */
char *nl_tensor_format(const nl_tensor *t);

#endif
