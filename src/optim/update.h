/* Update rules applied to parameters in place. A parameter without a gradient is left alone. */
#ifndef NL_OPTIM_UPDATE_H
#define NL_OPTIM_UPDATE_H

#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* What a rule keeps for one parameter. */
typedef struct nl_optim_slot {
  nl_tensor *m; /* SGD: the momentum buffer. Adam: the first moment */
  nl_tensor *v; /* Adam: the second moment */
  int64_t step; /* updates made */
} nl_optim_slot;

void nl_optim_slot_free(nl_optim_slot *);

/* w -= lr * (momentum-filtered gradient); Sutskever et al. 2013 in PyTorch's form. args->first is set from the slot.
   Errors: a parameter or gradient of another dtype or layout than expected, memory. */
nl_status nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args);

/* Adam (Kingma & Ba 2015) or, with decoupled decay, AdamW (Loshchilov & Hutter 2019). The bias corrections are set
   from the slot's step. */
nl_status nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args);

#endif
