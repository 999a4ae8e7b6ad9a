/* What ops' infer functions share: dims, dtypes and the sentences of their errors. */
#ifndef NL_OPTABLE_RULES_H
#define NL_OPTABLE_RULES_H

#include "optable/op.h"

/* A dim as users write it (1-based, negative from the end) to 0-based. A 0-dim tensor is treated as having one dim. */
nl_status nl_rule_dim(int64_t written, int ndim, int *out);

/* The set of dims named by attr (all of them when it was left out), as a mask. Naming one twice is an error. */
nl_status nl_rule_dims(const nl_call *, int attr, int ndim, bool mask[NL_MAX_DIM]);

/* desc[i] = the shape of t and a dtype; raises nout to i + 1. */
void nl_rule_like(nl_call *, int i, const nl_tensor *t, nl_dtype dtype);
void nl_rule_shape(nl_call *, int i, int ndim, const int64_t *shape, nl_dtype dtype);

/* Of ops that make tensors, whose shape a user wrote: result 0, or an error where it has too many dims. */
nl_status nl_rule_made(nl_call *, int ndim, const int64_t *shape, nl_dtype dtype);

/* What a dtype attribute says, or `otherwise` where it was left out. */
nl_dtype nl_rule_dtype(const nl_call *, int attr, nl_dtype otherwise);

/* Infers what takes (shape, dtype), and what takes (x, dtype) and is shaped as x. */
NL_ATTRS(nl_made, shape, dtype)
NL_ATTRS(nl_like, dtype)
nl_status nl_infer_shape_dtype(nl_call *);
nl_status nl_infer_like(nl_call *);

/* dtype itself if it is a float, else the default float. */
nl_dtype nl_rule_float(nl_dtype);

/* An error unless t is a float tensor. */
nl_status nl_rule_want_float(const nl_tensor *t, const char *what);

/* A view as result 0. */
nl_status nl_rule_view(nl_call *, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset);

/* x seen as [outer][red][inner] around dim d. */
typedef struct nl_around {
  int64_t outer, red, inner;
} nl_around;
nl_around nl_rule_around(const nl_tensor *t, int dim);

#endif
