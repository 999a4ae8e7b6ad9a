/* A Lua state as luaL_newstate makes it, but with our allocator from the first block on: what another one gave must not
   come to its lists, whose blocks are a little larger. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "host/host.h"

static int panic(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n", text ? text : "error object is not a string");
  fflush(stderr);
  return 0; /* and Lua aborts */
}

/* Warnings come in pieces; those that are one piece and begin with "@" are commands: on, off. */
static void warn(void *ud, const char *text, int more) {
  static bool on, within;
  (void)ud;
  if (!within && !more && *text == '@') {
    on = strcmp(text, "@on") == 0 || (on && strcmp(text, "@off") != 0);
    return;
  }
  if (on) {
    fprintf(stderr, "%s%s%s", within ? "" : "Lua warning: ", text, more ? "" : "\n");
    fflush(stderr);
  }
  within = more;
}

lua_State *nl_new_state(void) {
  lua_State *L = lua_newstate(nl_lua_alloc, NULL);
  if (L) {
    lua_atpanic(L, panic);
    lua_setwarnf(L, warn, NULL);
  }
  return L;
}
