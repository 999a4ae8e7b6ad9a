/* The optimization passes, in the order in which they run. Each looks at reads and writes of whole buffers, so that
   values which share memory are never taken for independent ones. */
#ifndef NL_COMPILE_PASSES_H
#define NL_COMPILE_PASSES_H

#include "compile/program.h"

/* Notes where each buffer is written, and what looks into it; before the passes that ask. */
void nl_pass_find_writes(nl_program *);

/* Common subexpression elimination: an op that computes what an earlier one has computed, from the same unchanged
   values, is removed. */
void nl_pass_cse(nl_program *);

/* Copy elision: a copy of something that nobody changes afterwards is removed, and its reader looks at the original. */
void nl_pass_elide_copies(nl_program *);

/* Dead code elimination: instructions whose results nobody reads are removed. */
void nl_pass_dce(nl_program *);

/* Scheduling: each effect (a part of an optimizer's step) moves to the first point at which its operands are final, so
   that a parameter is updated while its gradient is still in the cache. */
void nl_pass_schedule(nl_program *);

/* Memory planning: gives each temporary its offset in the arena (plan_memory.c), which is taken when the program first
   runs. Error: memory. */
nl_status nl_pass_plan_memory(nl_program *);

/* What each run has to look at: buffers with owners outside, where it begins to change what was there before, what ops
   prepare. Error: memory. */
nl_status nl_pass_make_ready(nl_program *);

#endif
