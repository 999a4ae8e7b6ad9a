/* What instructions do when a program runs. */
#ifndef NL_COMPILE_REPLAY_H
#define NL_COMPILE_REPLAY_H

#include "compile/program.h"

nl_status nl_replay_op(nl_program *, nl_instr *);
nl_status nl_replay_checked_op(nl_program *, nl_instr *); /* infer looks at values again */
nl_status nl_replay_copy(nl_program *, nl_instr *);
nl_status nl_replay_effect(nl_program *, nl_instr *);

#endif
