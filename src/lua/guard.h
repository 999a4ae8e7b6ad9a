/* What a compiled function knows of the circumstances a program was recorded in, and whether they hold. */
#ifndef NL_LUA_GUARD_H
#define NL_LUA_GUARD_H

#include "compile/program.h"
#include "lua/nl_lua.h"
#include "lua/observe.h"

enum {
  NL_COMPILED_FUNCTION = 1,
  NL_COMPILED_DATA,
  NL_COMPILED_WHY,
  NL_COMPILED_LISTS
}; /* user values of a compiled function */

typedef struct nl_argument {
  bool tensor, requires_grad, hooked;
  nl_dtype dtype;
  int ndim;
  int same; /* the first argument that is the same tensor; its own number, mostly */
  int64_t *shape, *strides;
  nl_tensor *pinned;    /* it must be this tensor; a reference */
  nl_storage *seen[2];  /* storages that were seen to be nobody else's; only compared */
  const nl_tensor *met; /* likewise, a tensor that was seen to be no leaf of the program's */
} nl_argument;

/* Why a function is called as it is, though it was recorded: its arguments share memory with what it uses otherwise. */
typedef enum nl_clash { NL_NO_CLASH, NL_CLASH_OUTSIDE, NL_CLASH_ARGUMENTS, NL_CLASH_GRADIENT } nl_clash;

/* A recorded program and when it fits. Its Lua values stand in the compiled function's data, a table at `data`: paths
   (the guards' names), args (those that are no tensors, weak), results (likewise, not weak), kept (what the program
   uses); the list of guards, with weak values, at `data` of its lists. */
typedef struct nl_cached {
  int64_t refs;
  nl_program *p;  /* NULL: under these circumstances the function is called as it is */
  nl_clash clash; /* and why */
  int nargs, neffects;
  bool plain_args; /* some argument is no tensor */
  bool grad_enabled, busy;
  nl_argument *args;
  nl_guard *guards; /* first those of tables and functions, then those of objects */
  int nguards, nplain;
  uint64_t epoch; /* nl_object_epoch when the objects were last seen to be as they were */
  nl_lua_effect **effects;
  int data;
} nl_cached;

void nl_cached_unref(nl_cached *);

/* Writes down an argument (NULL: no tensor). Error: memory. */
nl_status nl_argument_of(nl_argument *, const nl_tensor *);
bool nl_argument_fits(const nl_argument *, const nl_tensor *);

/* Takes over the guards of an observation, whose list and names stand at these stack indices; they are put in order.
   Error: memory. */
nl_status nl_cached_guard(lua_State *L, nl_cached *, const nl_observer *, int list, int paths);

/* True if the program fits the call whose arguments stand at stack index 2 and above, and the compiled function at 1.
   Tells the program where the gradients lie that it starts from. */
bool nl_cached_fits(lua_State *L, nl_cached *, int nargs, nl_tensor *const args[]);

/* True if it can never fit again: something it was recorded with is gone. */
bool nl_cached_is_dead(lua_State *L, const nl_cached *);

/* Arguments that share memory with each other, or with something from outside that the program uses: the program knows
   them as things apart, so where one of them is written, or has a gradient, the function is called as it is. */
nl_clash nl_cached_clashes(nl_cached *, int nargs, nl_tensor *const args[]);

/* Pushes what keeps the program from fitting this call, as a text. */
void nl_cached_push_why(lua_State *L, const nl_cached *, int nargs);

#endif
