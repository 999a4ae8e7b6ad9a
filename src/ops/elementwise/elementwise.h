/* What the families of elementwise ops share. */
#ifndef NL_OPS_ELEMENTWISE_H
#define NL_OPS_ELEMENTWISE_H

#include "optable/iterate.h"
#include "optable/op.h"

/* An op with .kernel = NL_UN_... or NL_BIN_...: dtypes without a kernel become floats, where those have one. */
nl_status nl_infer_unary(nl_call *);
bool nl_strip_unary(const nl_call *, nl_strip *);
nl_status nl_infer_binary(nl_call *);
bool nl_strip_binary(const nl_call *, nl_strip *);

/* Of two operands that broadcast, a result of this dtype; and the loop of a kernel over them. */
nl_status nl_infer_pair_as(nl_call *, nl_dtype out);
void nl_strip_pair(const nl_call *, nl_binary_fn, nl_strip *);

/* Flat everywhere. */
nl_status nl_vjp_zero(nl_call *, nl_vjp *);

#endif
