/* What must be true of a program after each pass. In builds with DEBUG=1 or SANITIZE=... it is looked at; elsewhere
   this does nothing. */
#ifndef NL_COMPILE_VERIFY_H
#define NL_COMPILE_VERIFY_H

#include "compile/program.h"

#ifdef NL_DEBUG
/* `after` names the pass. A program that is wrong ends the process with a message. */
void nl_program_verify(const nl_program *, const char *after);

/* The same for the arena, once memory is planned. */
void nl_program_verify_arena(const nl_program *);
#else
static inline void nl_program_verify(const nl_program *p, const char *after) {
  (void)p;
  (void)after;
}
static inline void nl_program_verify_arena(const nl_program *p) {
  (void)p;
}
#endif

#endif
