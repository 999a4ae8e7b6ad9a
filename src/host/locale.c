/* os.setlocale, but that numbers keep their decimal point: with a comma, what is written for other programs (pictures
   for gnuplot, tables, texts of numbers) would be read as something else, and nothing would say so. */
#include <lauxlib.h>
#include <locale.h>
#include <string.h>

#include "host/host.h"

static int set_locale(lua_State *L) {
  static const char *const categories[] = {"all", "collate", "ctype", "monetary", "numeric", "time", NULL};
  lua_settop(L, 2);
  const char *locale = luaL_optstring(L, 1, NULL);
  const char *category = categories[luaL_checkoption(L, 2, "all", categories)];
  if (locale && strcmp(category, "numeric") == 0 && strcmp(locale, "C") != 0 && strcmp(locale, "POSIX") != 0) {
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
