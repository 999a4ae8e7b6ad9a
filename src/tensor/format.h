/* Printing tensors as NumPy does: aligned columns, summarized when large, shape and dtype named. */
#ifndef NL_TENSOR_FORMAT_H
#define NL_TENSOR_FORMAT_H

#include "tensor/tensor.h"

/* How numbers are written; nn.set_printoptions changes it. */
typedef struct nl_print_options {
  int precision; /* digits behind the point, 0 .. 17 */
  int threshold; /* more elements are summarized */
  int edgeitems; /* by the first and last so many of each dim */
  int linewidth; /* characters */
  int sci_mode;  /* 1: always 1.0e+00, 0: never, -1: where sizes differ much */
} nl_print_options;
extern nl_print_options nl_print;

/* The text of a tensor, to be freed with free(); NULL when memory is short. Bounded: at most `threshold` elements are
   written, more are summarized. */
char *nl_tensor_format(const nl_tensor *t);

#endif
