/* Passes that Lua may be called from, and calls from C to layers; see layer_pass.c. */
#ifndef NL_LUA_LAYER_PASS_H
#define NL_LUA_LAYER_PASS_H

#include "lua/layer.h"
#include "nn/pass.h"

/* A pass of an object that stands at stack index `self`. */
typedef struct nl_lua_pass {
  nl_pass pass;
  lua_State *L;
  int self;
  bool raised; /* an error value waits on top of the stack */
} nl_lua_pass;

/* How a call of an object goes. */
typedef enum nl_way { NL_WAY_LUA, NL_WAY_LAYER, NL_WAY_CHAIN } nl_way;

/* Whether a call of the object at `index` is its entry's forward (LAYER), or Sequential's (CHAIN); LUA: it is for Lua
   to find out. While a function is recorded, what is looked at is observed. */
nl_way nl_layer_way(lua_State *L, int index, nl_object *o);

/* Prepares a pass of the object at `self`, whose fields are read; may raise. */
void nl_lua_pass_begin(lua_State *L, nl_lua_pass *, int self, nl_object *o);

/* Runs it, its inputs being set; raises what went wrong. The build is then to be freed by the caller. */
void nl_lua_pass_run(lua_State *L, nl_lua_pass *);

/* After a pass that failed: raises, in the user's line. */
void nl_lua_pass_raise(lua_State *L, nl_lua_pass *);

#endif
