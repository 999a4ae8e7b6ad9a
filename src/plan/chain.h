/* Chains: elementwise instructions that stand together become one, which runs them all strip by strip, so that what
   goes from one to the next stays in the first-level cache. The loops are those of the ops (nl_op.strip): a chain
   gives the same bits as its links one after another. */
#ifndef NL_PLAN_CHAIN_H
#define NL_PLAN_CHAIN_H

#include "plan/program.h"

/* Finds and makes them; before places are given. Error: memory. */
nl_status nl_pass_chain(nl_program *);

void nl_chain_free(nl_chain *);

/* "tanh_backward + mul"; for printing. */
void nl_chain_names(const nl_chain *, char *text, size_t size);

#endif
