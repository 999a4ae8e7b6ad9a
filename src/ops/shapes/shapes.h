/* What ops of shapes share. */
#ifndef NL_OPS_SHAPES_H
#define NL_OPS_SHAPES_H

#include "optable/build.h"

/* x with dims of size 1 added until it has n of them. */
nl_tensor *nl_at_least(nl_build *, nl_tensor *x, int n);

#endif
