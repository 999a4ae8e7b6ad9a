/* What a compiled function knows of the circumstances a program was recorded in, and whether they hold. */
#ifndef NL_LUA_GUARD_H
#define NL_LUA_GUARD_H

#include "lua/nl_lua.h"
#include "plan/program.h"

enum { NL_COMPILED_FUNCTION = 1, NL_COMPILED_DATA, NL_COMPILED_RECORDER }; /* user values of a compiled function */

typedef struct nl_argument {
  bool tensor, requires_grad;
  nl_dtype dtype;
  int ndim;
  int64_t *shape, *strides;
} nl_argument;

/* A Lua value the function could see, and what it was. */
typedef struct nl_watched {
  int object; /* its place in the list; 0: the compiled function itself, whose upvalue it is */
  int upvalue;
  int type;
  bool integer;
  union {
    const void *pointer; /* tables, functions, userdata: kept by the list */
    lua_Integer i;
    lua_Number number;
    bool b;
  };
} nl_watched;

typedef struct nl_entry {
  nl_program *p;
  int nargs, nwatch, neffects;
  bool grad_enabled;
  lua_Integer epoch;
  nl_argument *args;
  nl_watched *watch;
  nl_lua_effect **effects;
  int data; /* its list's key */
} nl_entry;

/* Grows when something changes that no other guard sees: a module's parameters are replaced, a layer is added. */
extern lua_Integer nl_compile_epoch;

/* Writes down an argument (NULL: no tensor). Error: memory. */
nl_status nl_argument_of(nl_argument *, const nl_tensor *);
bool nl_argument_fits(const nl_argument *, const nl_tensor *);

/* Turns the list {object, key, value, ...} at stack index `list` into what is compared at each call; the compiled
   function is at index 1. Error: memory. */
nl_status nl_entry_watch(lua_State *L, nl_entry *, int list, int count);

/* True if the program fits the call whose arguments stand at stack index 2 and above, and the compiled function at 1.
   Tells the program where the gradients lie that it starts from. */
bool nl_entry_fits(lua_State *L, nl_entry *, int nargs, nl_tensor *const args[]);

/* Arguments that share memory with each other, or with something from outside that the program writes: the program
   knows them as things apart, so where one of them is written the function has to be called as it is. */
bool nl_entry_clashes(const nl_entry *, int nargs, nl_tensor *const args[]);

/* Pushes what keeps the program from fitting this call, as a text. The list has the watched values' paths in `paths`.
 */
void nl_entry_push_why(lua_State *L, const nl_entry *, int nargs);

/* The leaf a cell belongs to. */
nl_tensor *nl_cell_leaf(const nl_program_cell *, nl_tensor *const args[]);

#endif
