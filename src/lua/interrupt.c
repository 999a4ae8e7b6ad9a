/* Ctrl-C as nn's own Lua files see it: what must be whole holds it back. */
#include "core/interrupt.h"

#include <stdio.h>
#include <string.h>

#include "lua/nl_lua.h"

/* The error that was raised last for it, to tell it from one that only looks like it. */
static char raised[512];
static lua_Integer count;

void nl_lua_note_interrupt(const char *text) {
  snprintf(raised, sizeof raised, "%s", text);
  count++;
}

/* Gives what the function gave, of which the first one stands at stack index 2; raises what it raised. */
static int hand_on(lua_State *L, int status) {
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* whole(f, ...): f(...), which Ctrl-C does not interrupt; it arrives afterwards */
static int whole(lua_State *L) {
  nl_interrupt_hold();
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  nl_interrupt_release();
  return hand_on(L, status);
}

/* admit(f, ...): f(...), which may be interrupted also where it is part of something whole */
static int admit(lua_State *L) {
  int depth = nl_interrupt_admit();
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  nl_interrupt_bar(depth);
  return hand_on(L, status);
}

/* try(f, ...): pcall(f, ...), but for Ctrl-C, which goes through */
static int try_call(lua_State *L) {
  lua_Integer before = count;
  lua_pushboolean(L, true);
  lua_insert(L, 1);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  if (status == LUA_OK) {
    return lua_gettop(L);
  }
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  if (text && count > before && strstr(text, raised)) {
    return lua_error(L);
  }
  lua_pushboolean(L, false);
  lua_insert(L, -2);
  return 2;
}

/* interrupts() -> how often Ctrl-C has become an error so far */
static int interrupts(lua_State *L) {
  lua_pushinteger(L, count);
  return 1;
}

/* is_interrupt(e, before): whether a caught error is that of a Ctrl-C or SIGTERM, of which there were `before` before;
   and whether the program is to end */
static int is_interrupt(lua_State *L) {
  const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
  lua_pushboolean(L, text && count > luaL_checkinteger(L, 2) && strstr(text, raised) != NULL);
  lua_pushboolean(L, nl_interrupt_ends());
  return 2;
}

void nl_open_interrupt(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"whole", whole}, {"admit", admit}, {"try", try_call}, {"interrupts", interrupts}, {"is_interrupt", is_interrupt},
      {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
