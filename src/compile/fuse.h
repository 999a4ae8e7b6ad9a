/* Fusion: elementwise instructions that follow each other become one instruction, which runs them all strip by strip,
   so that what goes from one to the next stays in the first-level cache. The loops are those of the ops (nl_op.strip):
   a fused group gives the same bits as its ops one after another. */
#ifndef NL_COMPILE_FUSE_H
#define NL_COMPILE_FUSE_H

#include "compile/program.h"

/* Finds fused groups and makes them; runs before memory is planned. Error: memory. */
nl_status nl_pass_fuse(nl_program *);

void nl_fused_free(nl_fused *);

/* "tanh_backward + mul"; for printing. */
void nl_fused_names(const nl_fused *, char *text, size_t size);

#endif
