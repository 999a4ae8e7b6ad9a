/* What a function depends on, observed while it is recorded. Of the Lua code that runs, every read of something that
   was there before is noted: upvalues of the functions that are called, globals by their names, fields of tables and of
   objects (src/lua/object.c), those that are nil too, and the metatables through which they were found. These are the
   guards; later a program is right for a call exactly where they hold. A write to something that was there before, and
   a call of a C function that does what a replay would not do, are refused where they stand.

   "Old" is what was there before: the function itself with its upvalues, its arguments, and all that is read from old
   things. Tables and closures made during the recording are young, and nobody's business. Of the library's own code
   (the files of lua/stdlib) only what it reads from old tables and objects is noted, not its own variables.

   How it is done: a hook on each instruction and call (follow.c) that decodes the instruction (bytecode.c). Nothing
   that runs is changed by being looked at. */
#ifndef NL_LUA_OBSERVE_H
#define NL_LUA_OBSERVE_H

#include "core/map.h"
#include "lua/bytecode.h"
#include "lua/nl_lua.h"

typedef enum nl_guard_kind {
  NL_GUARD_UPVALUE, /* of a function; the key, and count, are its number */
  NL_GUARD_FIELD,   /* of a table or object */
  NL_GUARD_META,    /* which metatable a table or userdata has */
  NL_GUARD_LENGTH,  /* of a table's or object's list part */
  NL_GUARD_SIZE,    /* which fields a table has, in the order in which pairs gives them */
  NL_GUARD_KEYS     /* which fields an object has: its count of changes to that */
} nl_guard_kind;

/* The container, the key and the value (nil: a NULL lightuserdata) of guard i stand in a list with weak values, at 3 i
   + 1 and behind: a program does not keep alive what it was made from, and what is gone cannot come back. */
typedef struct nl_guard {
  nl_guard_kind kind;
  bool object;          /* the container is an object */
  bool again;           /* it is that of the guard before */
  const void *identity; /* the value's address, where it is a table, a userdata or a function; or NULL */
  uint64_t version;     /* of the object, when the guard was last seen to hold */
  int64_t count;        /* of LENGTH, SIZE and KEYS; the number of an upvalue */
} nl_guard;

typedef struct nl_observer {
  struct nl_observer *outer; /* of a recording inside a recording there is none; NULL */
  lua_State *L;              /* where the function is called */
  uint64_t object_serial;    /* objects with this number or a larger one are young */
  nl_guard *guards;
  int nguards;
  nl_code *codes; /* of the functions called, with whether they are the library's */
  bool *user;
  int ncodes, current;    /* current: the one that ran last */
  const void *closure_ci; /* a CLOSURE instruction ran last in this call: its result stands in closure_register */
  int closure_register;
  lua_Hook hook; /* what was hooked before */
  int hook_mask, hook_count;
} nl_observer;

/* The running one, or NULL. */
nl_observer *nl_observing(void);

/* Starts to observe a call of the function at stack index `root` (its arguments above it, up to the top). Raises
   without memory. To be ended by nl_observe_stop, whatever happens. */
void nl_observe_start(lua_State *L, nl_observer *o, int root);

/* Ends it, leaving its guards. */
void nl_observe_stop(nl_observer *o);

/* Pushes the list of guards, and a list of their names for messages. */
void nl_observe_push_lists(lua_State *L);

/* Pushes the raw value of a field of a table or object; returns its type. */
int nl_obs_push_raw(lua_State *L, int c, int k);

/* What a guard of LENGTH, SIZE or KEYS counts, or a number that stands for it. */
int64_t nl_guard_count(lua_State *L, nl_guard_kind kind, int c);

/* The first of the guards begin .. end - 1 that does not hold, or -1; their list stands at stack index `list`. */
int nl_first_change(lua_State *L, const nl_guard *w, int begin, int end, int list);

/* ---- for C code that reads or writes what users can change; all do nothing unless something is recorded ---- */

/* object[key] is read; stack indices. */
void nl_observe_read(lua_State *L, int object, int key);

/* All fields of an object, or of an old table and of the tables in it, are read. */
void nl_observe_whole(lua_State *L, int index);

/* #object is read. */
void nl_observe_length(lua_State *L, int index);

/* object[key] is about to change: refused, unless the object is young. */
void nl_observe_write(lua_State *L, uint64_t serial, int object, int key);

/* From `on` to off, object[key] has another value for the time of a call: not looked at. */
void nl_observe_override(lua_State *L, int object, int key, bool on);

/* f does not look into the tables it is given. */
void nl_observe_exempt(lua_CFunction f);

/* f is what an iterator's functions run: each call goes on from the call before. */
void nl_observe_iterator(lua_CFunction f);

/* A replay would not do what f does; why says what to do instead. Ends with a NULL function. */
typedef struct nl_not_replayed {
  lua_CFunction f;
  const char *name, *why;
} nl_not_replayed;
void nl_observe_refuse(const nl_not_replayed *list);

/* ---- inside ---- */

/* The tables an observation works with, in the registry. */
enum {
  NL_OBS_LIST = 1,   /* the guards' containers, keys, values */
  NL_OBS_PATHS,      /* their names */
  NL_OBS_SEEN,       /* container -> key -> true */
  NL_OBS_OLD,        /* old tables, and C functions that were read -> their names */
  NL_OBS_YOUNG,      /* young functions */
  NL_OBS_CELLS,      /* id of an old upvalue -> its place in OWNERS */
  NL_OBS_OWNERS,     /* function, number, function, number, ... */
  NL_OBS_CONSTANTS,  /* of codes */
  NL_OBS_FUNCTIONS,  /* functions that were called, so that they stay where they are */
  NL_OBS_WHOLE,      /* tables and objects all of whose fields are guarded */
  NL_OBS_OVERRIDDEN, /* object -> key -> how often */
  NL_OBS_ROOT        /* the function that is recorded */
};

/* Pushes one of them. */
void nl_obs_push(lua_State *L, int which);

bool nl_obs_is_old(lua_State *L, int index);

/* Marks the table or C function at index as old, with a name; an object gets the name only. */
void nl_obs_mark(lua_State *L, int index, const char *name);

/* c[k] is read the way Lua reads it, through metatables; stack indices. */
void nl_obs_read(lua_State *L, int c, int k);

/* Guards one raw field, unless it is guarded. */
void nl_obs_field(lua_State *L, int c, int k);

/* Guards the metatable of the value at index (unless the value is young) and one of its fields (unless the metatable
   is young); pushes that field. */
void nl_obs_event(lua_State *L, int index, const char *event);

/* The same for what Lua does with a value of any type; pushes nothing. Of an object its class is asked. */
void nl_obs_any_event(lua_State *L, int index, const char *event);

/* c[k] = v is about to happen: refused where that changes something old. */
void nl_obs_write(lua_State *L, int c, int k, int v);

/* The upvalue n of the function at index is read: guarded if it is old, and true. Or about to become the value at v. */
bool nl_obs_upvalue(lua_State *L, int function, int n);
void nl_obs_set_upvalue(lua_State *L, int function, int n, int v);

/* The upvalues of the function at index are old. */
void nl_obs_old_function(lua_State *L, int function);

void nl_follow(lua_State *L, lua_Debug *ar);

/* A C function is about to be called; ar: of the call hook, the function on top of the stack (known.c). */
void nl_obs_c_call(lua_State *L, lua_Debug *ar);

#endif
