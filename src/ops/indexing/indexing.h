/* What ops with index tensors share. */
#ifndef NL_OPS_INDEXING_H
#define NL_OPS_INDEXING_H

#include "optable/op.h"

/* Errors unless index is int64; with positions 1..n (negative ones from the end); or one that gather takes for this
   shape. */
nl_status nl_rule_int_index(const nl_tensor *index);
nl_status nl_rule_positions(const nl_tensor *index, int64_t n);
nl_status nl_rule_index(const nl_tensor *index, int ndim, const int64_t *shape, int dim);

/* to[at] += from[i]; whole numbers wrap, and bools are true where one of them is. */
void nl_add_element(nl_dtype, void *to, int64_t at, const void *from, int64_t i);

#endif
