/* Compiled functions, for the files that make them up: compile.c calls and replays, record.c records, guard.c knows
   when a program fits, observe.c what it depends on. */
#ifndef NL_LUA_COMPILE_H
#define NL_LUA_COMPILE_H

#include "lua/guard.h"

#define NL_COMPILED_TYPE "nn.Compiled"

enum { NL_MOST_ARGUMENTS = 32, NL_MOST_PROGRAMS = 32, NL_CALLS_A_COLLECTION = 256 };

typedef struct nl_compiled {
  uint64_t magic; /* tells a compiled function from other userdata */
  int count, recordings;
  int last_data;                       /* the number of the youngest program's data */
  bool lenient;                        /* what cannot be recorded is run as it is */
  bool refused;                        /* and that has happened: from now on it is not compiled */
  nl_cached *cached[NL_MOST_PROGRAMS]; /* the last one used first */
  nl_trace *trace;                     /* while recording */
  nl_observer observer;
  int since_collection;
} nl_compiled;

/* The compiled function at index; raises for anything else. */
nl_compiled *nl_check_compiled(lua_State *L, int index);

/* Lets go of programs that can never fit again. The compiled function is at index 1. */
void nl_compiled_purge(lua_State *L, nl_compiled *);

/* Takes a program over, to be looked at first. */
void nl_compiled_keep(lua_State *L, nl_compiled *, nl_cached *);

/* Calls the function with its arguments, at 2 and above, while what happens is recorded; the compiled function is at 1.
   Leaves the results on the stack and gives their number. */
int nl_record(lua_State *L, nl_compiled *);

#endif
