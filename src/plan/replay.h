/* What instructions do when a program runs. */
#ifndef NL_PLAN_REPLAY_H
#define NL_PLAN_REPLAY_H

#include "plan/program.h"

nl_status nl_replay_op(nl_program *, nl_instr *);
nl_status nl_replay_checked_op(nl_program *, nl_instr *); /* infer looks at values again */
nl_status nl_replay_copy(nl_program *, nl_instr *);
nl_status nl_replay_effect(nl_program *, nl_instr *);

#endif
