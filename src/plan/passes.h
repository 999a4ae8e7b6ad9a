/* What makes a program smaller before it runs. Each pass looks at reads and writes of whole buffers, so that values
   which share memory are never taken for independent ones. */
#ifndef NL_PLAN_PASSES_H
#define NL_PLAN_PASSES_H

#include "plan/program.h"

/* Notes where each buffer is written, and what looks into it; before the passes that ask. */
void nl_pass_find_writes(nl_program *);

/* An op that computes what an earlier one has computed, from the same unchanged values, is dropped. */
void nl_pass_share(nl_program *);

/* A copy of something that nobody changes afterwards is dropped, and its reader looks at the original. */
void nl_pass_copies(nl_program *);

/* Instructions whose results nobody reads are dropped. */
void nl_pass_drop(nl_program *);

/* Effects go as far forward as what they touch allows: a parameter is updated while its gradient is still in the
   cache. */
void nl_pass_early(nl_program *);

/* Gives each temporary its place in the arena (place.c). Error: memory. */
nl_status nl_pass_place(nl_program *);

#endif
