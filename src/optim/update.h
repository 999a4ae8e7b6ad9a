/* Update rules applied to parameters in place. A parameter without a gradient is left alone. */
#ifndef NL_OPTIM_UPDATE_H
#define NL_OPTIM_UPDATE_H

#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* What a rule keeps for one parameter. */
typedef struct nl_optim_slot {
  nl_tensor *m;   /* SGD: the momentum buffer. Adam: the first moment */
  nl_tensor *v;   /* Adam: the second moment */
  nl_tensor *u;   /* a third state, of rules that need one */
  double product; /* NAdam: of the momenta so far, less 1 */
  int64_t step;   /* updates made */
} nl_optim_slot;

void nl_optim_slot_free(nl_optim_slot *);

/* w -= lr * (momentum-filtered gradient); Sutskever et al. 2013 in PyTorch's form. args->first is set from the slot.
   Errors: a parameter or gradient of another dtype or layout than expected, memory. */
nl_status nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args);

/* Adam (Kingma & Ba 2015) or, with decoupled decay, AdamW (Loshchilov & Hutter 2019). The bias corrections are set
   from the slot's step. */
nl_status nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args);

/* ---- the other rules: a list, one entry each ---- */

enum { NL_MAX_OPTIONS = 10 };

typedef struct nl_rule {
  const char *name;
  /* Options as users name them; "betas.1" is the first number of the list betas. */
  const char *options[NL_MAX_OPTIONS];
  int kernel, states; /* states: how many of m, v, u the rule keeps */
  /* The kernel's numbers for step t (from 1), from the options in their order. */
  void (*settle)(const double *options, double t, nl_optim_slot *slot, double *k);
} nl_rule;

/* NULL: no such rule. */
const nl_rule *nl_rule_find(const char *name);

/* One update by a rule; sources beside each kernel (kernels/optim.c). Errors as above. */
nl_status nl_rule_update(const nl_rule *, nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options);

#endif
