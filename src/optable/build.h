/* Composing ops in C: gradients, losses and initializers are written with this. A build owns every tensor made in
   it and lets them go together; after the first failure every later call does nothing, so that a formula can be
   written as one expression and the status asked once. */
#ifndef NL_OPTABLE_BUILD_H
#define NL_OPTABLE_BUILD_H

#include "optable/op.h"

typedef struct nl_build {
  nl_status status;
  int count, capacity;
  nl_tensor **owned;
  nl_tensor *small[16];
  /* Called when memory ran out, to find some: an op that has written nothing yet is then tried once more.
     NULL: it is not. */
  void (*find_memory)(struct nl_build *);
} nl_build;

void nl_build_init(nl_build *);

/* Releases everything made here; tensors to be kept must be referenced before. */
void nl_build_free(nl_build *);

/* Gives a reference to the build. NULL is passed through. */
nl_tensor *nl_b_own(nl_build *, nl_tensor *);

/* Dispatches a prepared call and returns its first result (borrowed), or NULL. */
nl_tensor *nl_b_call(nl_build *, nl_call *);

/* Result `which`, from 0, of an op of one tensor. */
nl_tensor *nl_b_result(nl_build *, const nl_op *, nl_tensor *, int which);

nl_tensor *nl_b1(nl_build *, const nl_op *, nl_tensor *);
nl_tensor *nl_b2(nl_build *, const nl_op *, nl_tensor *, nl_tensor *);
nl_tensor *nl_b3(nl_build *, const nl_op *, nl_tensor *, nl_tensor *, nl_tensor *);

/* Any call: what each letter of `format` says is taken from the arguments, tensors first, then attributes in order.
     t tensor (NULL: left out)   i int64_t: int, dim, choice or dtype   n double   b int: bool
     l int, const int64_t *: a list   - : an attribute left at its default
   nl_b_do(b, op_narrow(), "tiii", x, (int64_t)1, start, length). Integers must be int64_t. */
nl_tensor *nl_b_do(nl_build *, const nl_op *, const char *format, ...);

/* Fails the build as nl_fail does, unless it has failed before: the first reason stands. Returns NULL. */
nl_tensor *nl_b_fail(nl_build *, const char *fmt, ...) NL_PRINTF(2, 3);

/* A Lua-like number. */
nl_tensor *nl_b_number(nl_build *, double);
nl_tensor *nl_b_int(nl_build *, int64_t);

/* Ops that take attributes. Dims are 1-based or negative, as in Lua. */
nl_tensor *nl_b_sum(nl_build *, nl_tensor *, int ndims, const int64_t *dims, bool keepdim);
nl_tensor *nl_b_reshape(nl_build *, nl_tensor *, int ndim, const int64_t *shape);
nl_tensor *nl_b_expand(nl_build *, nl_tensor *, int ndim, const int64_t *shape);
nl_tensor *nl_b_transpose(nl_build *, nl_tensor *, int64_t d0, int64_t d1);
nl_tensor *nl_b_cast(nl_build *, nl_tensor *, nl_dtype);
nl_tensor *nl_b_zeros(nl_build *, nl_dtype, int ndim, const int64_t *shape);

/* Sums a gradient back to the shape an input had before broadcasting, and brings it to the input's dtype. */
nl_tensor *nl_b_like(nl_build *, nl_tensor *g, const nl_tensor *input);

/* Scales by a number without promoting. */
nl_tensor *nl_b_scale(nl_build *, nl_tensor *, double);

#endif
