/* Recurrent layers over whole sequences: RNN (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997; Gers et al. 2000) and
   GRU (Cho et al. 2014). The input's products for all steps are there; here is what goes from step to step: a product
   with the weight, packed once, and what gates.c does. Rows of the batch do not depend on each other. */
#ifndef NL_KERNELS_RECURRENT_H
#define NL_KERNELS_RECURRENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

enum { NL_RNN, NL_LSTM, NL_GRU };

/* Blocks of units in a row of z and of the weight. */
static inline int64_t nl_recurrent_blocks(int kind) {
  return kind == NL_RNN ? 1 : (kind == NL_LSTM ? 4 : 3);
}

typedef struct nl_recurrent {
  nl_dtype dtype;
  int kind;
  bool relu;    /* RNN: in place of tanh */
  bool reverse; /* from the last step to the first */
  int64_t steps, rows, units;
  const void *z;          /* steps x rows x (blocks units): the input's part */
  const void *weight;     /* (blocks units) x units */
  const void *bias;       /* of the state's part, or NULL */
  const int64_t *lengths; /* of each row: its state stays as it is in later steps; NULL: all are as long as z */
  const void *h0, *c0;    /* rows x units, or NULL: zeros */
  void *h, *c, *gates;    /* steps x rows x units, and 4 units; gates of LSTM and GRU, c of LSTM */
  void *work;             /* nl_recurrent_work bytes */
  const void *g, *gc;     /* on the way back: gradients of h and c, or NULL */
  void *dz, *dproduct;    /* of z, and (GRU) of the state's part */
  void *dh0, *dc0;        /* of the first state; rows x units, always written */
} nl_recurrent;

size_t nl_recurrent_work(const nl_recurrent *);
void nl_recurrent_forward(const nl_recurrent *);
void nl_recurrent_backward(const nl_recurrent *);

#endif
