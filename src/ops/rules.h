/* What ops' infer functions share: dims, dtypes and the sentences of their errors. */
#ifndef NL_OPS_RULES_H
#define NL_OPS_RULES_H

#include "ops/op.h"

/* A dim as users write it (1-based, negative from the end) to 0-based. A 0-dim tensor is treated as having one dim. */
nl_status nl_rule_dim(int64_t written, int ndim, int *out);

/* The set of dims named by attr (all of them when it was left out), as a mask. Naming one twice is an error. */
nl_status nl_rule_dims(const nl_call *, int attr, int ndim, bool mask[NL_MAX_DIM]);

/* desc[i] = the shape of t and a dtype; raises nout to i + 1. */
void nl_rule_like(nl_call *, int i, const nl_tensor *t, nl_dtype dtype);
void nl_rule_shape(nl_call *, int i, int ndim, const int64_t *shape, nl_dtype dtype);

/* dtype itself if it is a float, else the default float. */
nl_dtype nl_rule_float(nl_dtype);

/* An error unless t is a float tensor. */
nl_status nl_rule_want_float(const nl_tensor *t, const char *what);

/* A view as result 0. */
nl_status nl_rule_view(nl_call *, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset);

/* Errors unless index is int64 with positions 1..n (negative ones from the end); or one that gather takes for this
 * shape. */
nl_status nl_rule_positions(const nl_tensor *index, int64_t n);
nl_status nl_rule_index(const nl_tensor *index, int ndim, const int64_t *shape, int dim);

/* to[at] += from[i]; whole numbers wrap. */
void nl_add_element(nl_dtype, void *to, int64_t at, const void *from, int64_t i);

/* x seen as [outer][red][inner] around dim d. */
typedef struct nl_around {
  int64_t outer, red, inner;
} nl_around;
nl_around nl_rule_around(const nl_tensor *t, int dim);

#endif
