/* Scaled dot-product attention, head by head, without ever storing all scores of a head: softmax(q k^T scale + mask) v
   in tiles, whose sums are carried on (Milakov & Gimelshein 2018; Dao et al. 2022), and its gradient, for which the
   tiles are made again. */
#ifndef NL_KERNELS_ATTENTION_H
#define NL_KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"

/* The matrices of one operand: a matrix for each head, whose rows are contiguous. */
typedef struct nl_heads {
  const void *p;
  int64_t row;       /* elements from one row to the next */
  const int64_t *at; /* of each head's first element; NULL: `each` apart */
  int64_t each;
} nl_heads;

typedef struct nl_attention {
  nl_dtype dtype;
  int64_t heads, rows, keys, width, value_width; /* q: rows x width, k: keys x width, v: keys x value_width */
  double scale;
  bool causal; /* row i sees keys 0 .. i */
  nl_heads q, k, v;
  nl_heads mask; /* p NULL: none */
  bool mask_bytes;
  int64_t mask_col;
  double drop;          /* the probability of being dropped */
  uint64_t seed, first; /* of the generator's stream */
} nl_attention;

/* Blocks of the generator's stream that dropping takes. */
uint64_t nl_attention_blocks(const nl_attention *);

/* out: heads x rows x value_width; lse: 2 x heads x rows, each row's largest score, and the logarithm of its sum of
   exp(score - largest). A row that sees no key gives 0, and 0 and inf. Threads must have their workspace (core/pool.h).
 */
void nl_attention_forward(const nl_attention *, void *out, void *lse);

/* g: of out; delta: heads x rows, the sum of g * out less the gradient of lse's second half. Gradients of q, k, v,
   contiguous; all of them are written. */
void nl_attention_backward(const nl_attention *, const nl_heads *g, const void *lse, const void *delta, void *dq,
                           void *dk, void *dv);

/* keep: heads x rows x keys numbers, 0 or 1 / (1 - drop). */
void nl_attention_kept(const nl_attention *, void *keep);

#endif
