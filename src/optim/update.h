/* Update rules applied to parameters in place. A parameter without a gradient is left alone. */
#ifndef NL_OPTIM_UPDATE_H
#define NL_OPTIM_UPDATE_H

#include "optim/rules.h"

/* One update by a rule. Errors: a parameter or gradient of another dtype or layout than expected, memory. */
nl_status nl_rule_update(const nl_rule *, nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options);

/* w -= lr * (momentum-filtered gradient); Sutskever et al. 2013 in PyTorch's form. args->first is set from the slot. */
nl_status nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args);

/* Adam (Kingma & Ba 2015) or, with decoupled decay, AdamW (Loshchilov & Hutter 2019). The bias corrections are set
   from the slot's step. */
nl_status nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args);

#endif
