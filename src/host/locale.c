/* os.setlocale, but that numbers keep their decimal point: with a comma, what is written for other programs (pictures
   for gnuplot, tables, texts of numbers) would be read as something else, and nothing would say so. */
#include <lauxlib.h>
#include <locale.h>
#include <string.h>

#include "host/host.h"

static int set_locale(lua_State *L) {
  lua_settop(L, 2);
  const char *category = luaL_optstring(L, 2, "all");
  bool numbers = !lua_isnil(L, 1) && strcmp(category, "numeric") == 0;
  if (numbers && strcmp(luaL_checkstring(L, 1), "C") != 0 && strcmp(lua_tostring(L, 1), "POSIX") != 0) {
    lua_pushnil(L); /* as for a locale that is not there */
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  setlocale(LC_NUMERIC, "C");
  return 1;
}

void nl_keep_decimal_point(lua_State *L) {
  lua_getglobal(L, "os");
  lua_getfield(L, -1, "setlocale");
  lua_pushcclosure(L, set_locale, 1);
  lua_setfield(L, -2, "setlocale");
  lua_pop(L, 1);
}
