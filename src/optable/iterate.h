/* Walking tensors of any strides with kernels that know only contiguous runs, and the rules of broadcasting. */
#ifndef NL_OPTABLE_ITERATE_H
#define NL_OPTABLE_ITERATE_H

#include "kernels/kernels.h"
#include "tensor/tensor.h"

enum { NL_MAX_OPERANDS = 4 };

/* A run of n elements: data[0] is the result. Steps are 1, or 0 for an operand that stands still. */
typedef void (*nl_run_of)(void *ctx, int64_t n, void *const data[], const int step[]);

/* One elementwise loop: what nl_iterate is to call, and over which tensors; t[0] is the result. Ops that can say this
   have it said by nl_op.strip, so that a compiled program can run several loops strip by strip. */
typedef struct nl_strip {
  nl_run_of fn;
  union {
    nl_unary_fn unary;
    nl_binary_fn binary;
    struct {
      nl_unary_fn fn;
      nl_cast_fn cast;
      size_t size; /* of a result */
    } one;
    struct {
      nl_clamp_fn clamp;
      nl_elu_fn elu;
      nl_elu_backward_fn elu_backward;
      size_t size;
      double a, b;
    } with;
    struct {
      nl_select_fn select;
      nl_cast_fn cast_a, cast_b;
      size_t out_size, a_size, b_size;
    } choose;
  } ctx;
  int n;
  nl_tensor *t[NL_MAX_OPERANDS];
} nl_strip;

/* The loop of a conversion. */
void nl_strip_of_copy(nl_tensor *out, nl_tensor *x, nl_strip *);

/* Calls fn over all elements of t[0], with the other operands broadcast to its shape, in runs of contiguous elements;
   strided operands are gathered into, and a strided result scattered from, small buffers. Cuts the work over the pool
   by size. Every operand has its own dtype. At most NL_MAX_OPERANDS. */
void nl_iterate(int n, nl_tensor *const t[], nl_run_of fn, void *ctx);

/* For kernels without steps: out[0] was computed from an operand that stands still; the other n - 1 are its copies. */
void nl_repeat_first(void *out, size_t size, int64_t n);

/* out[...] = x broadcast, converted to out's dtype. */
void nl_copy_values(nl_tensor *out, nl_tensor *x);

/* The shape two operands broadcast to (NumPy's rule: trailing dims meet; equal, or one of them 1). */
nl_status nl_broadcast_shapes(int na, const int64_t *a, int nb, const int64_t *b, int *ndim, int64_t *shape);

#endif
