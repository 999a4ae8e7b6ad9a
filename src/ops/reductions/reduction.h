/* What reductions over any dims share. The kernels see [outer][red][inner]; when the dims named are not neighbours,
   those at the end are done first, or the input is laid out with all of them last. */
#ifndef NL_OPS_REDUCTION_H
#define NL_OPS_REDUCTION_H

#include "kernels/kernels.h"
#include "optable/op.h"
#include "optable/rules.h"

typedef struct nl_reduction {
  nl_around around;
  bool permute;          /* the dims are not neighbours */
  int order[NL_MAX_DIM]; /* kept dims, then reduced ones */
  int64_t count;         /* elements of one reduction */
} nl_reduction;

/* That of a call, whose attribute `dims` names the dims. */
nl_reduction nl_reduction_of(const nl_call *, int dims);

/* Infers the result: dims in attribute `dims`, keepdim in attribute `keep`. c->dtype is what is computed in. `kernel`
   is what nl_reduce will be run with, or -1. */
nl_status nl_infer_reduction(nl_call *c, int dims, int keep, nl_dtype out, int kernel);

/* What elements of this dtype are reduced in. */
nl_dtype nl_reduction_dtype(nl_dtype);

/* x in c->dtype, contiguous, with the reduced dims last where they are no neighbours. */
const void *nl_reduction_input(nl_call *, const nl_reduction *);

/* A kernel's results, cut over the threads. */
typedef struct nl_reduction_job {
  nl_reduce_fn fn;
  nl_var_fn var; /* or this one */
  double correction;
  int64_t red, inner;
  int64_t results, grain;
  const void *x;
  void *out;
} nl_reduction_job;
void nl_size_reduction(nl_reduction_job *, const nl_reduction *);
void nl_run_sized_reduction(const nl_reduction_job *);
void nl_run_reduction(nl_reduction_job *, const nl_reduction *);

/* Runs the kernel over the call's input. */
void nl_reduce(nl_call *c, int kernel, int dims, void *out);

/* Extremes have the dtype of x, also where they are found among int64 (uint8, bool): infer calls nl_keep_dtype at its
   end; run writes result 0 of c->dtype where nl_found says, and calls nl_narrow. */
void nl_keep_dtype(nl_call *);
void *nl_found(const nl_call *);
void nl_narrow(nl_call *);

/* Whether a call, which needs no workspace, is but one job. */
bool nl_reduction_is_one_job(const nl_call *c, int kernel, const nl_reduction *);

#endif
