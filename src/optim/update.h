/* Update rules applied to parameters in place. A parameter without a gradient is left alone. */
#ifndef NL_OPTIM_UPDATE_H
#define NL_OPTIM_UPDATE_H

#include "optim/rules.h"

/* An update is made in two parts: everything that can fail, for all parameters, before anything is changed; and then
   what cannot fail, so that a step is whole or did not happen. The caller holds the interrupt back in between
   (core/interrupt.h). Errors: a parameter or gradient of another dtype or layout than expected, memory. */
nl_status nl_rule_prepare(const nl_rule *, const nl_tensor *w, const nl_tensor *grad, nl_optim_slot *,
                          const double *options);
void nl_rule_apply(const nl_rule *, nl_tensor *w, nl_tensor *grad, nl_optim_slot *, const double *options);

/* Room for what the rule keeps for w; part of nl_rule_prepare. */
nl_status nl_rule_make_room(const nl_rule *, const nl_tensor *w, nl_optim_slot *, const double *options);

/* w -= lr * (momentum-filtered gradient); Sutskever et al. 2013 in PyTorch's form. args->first is set from the slot. */
void nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args);

/* Adam (Kingma & Ba 2015) or, with decoupled decay, AdamW (Loshchilov & Hutter 2019). The bias corrections are set
   from the slot's step. */
void nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args);

#endif
