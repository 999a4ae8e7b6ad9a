/* The traceback of an error: the user's frames. Those of our own library say nothing to somebody who does not work on
   it; NNLUA_TRACEBACK=all shows them. Where there are none, it is Lua's own traceback. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

/* Is a frame's source a file of the library in this directory? */
static bool from_library(const lua_Debug *ar, const char *directory) {
  size_t n = directory ? strlen(directory) : 0;
  return n > 0 && ar->source[0] == '@' && strncmp(ar->source + 1, directory, n) == 0 &&
         strncmp(ar->source + 1 + n, "/nn", 3) == 0;
}

static void add_name(luaL_Buffer *b, lua_State *L, const lua_Debug *ar) {
  if (*ar->namewhat) {
    bool global = strcmp(ar->namewhat, "global") == 0;
    lua_pushfstring(L, "%s '%s'", global ? "function" : ar->namewhat, ar->name);
  } else if (*ar->what == 'm') {
    lua_pushliteral(L, "main chunk");
  } else {
    lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
  }
  luaL_addvalue(b);
}

enum { NEAR = 60, FAR = 40, SHOWN = 22 };

/* The number of levels: each question walks the stack from its top, so there are few. */
static int depth_of(lua_State *L) {
  lua_Debug ar;
  int low = 1, high = 1;
  while (lua_getstack(L, high, &ar)) {
    low = high;
    high *= 2;
  }
  while (low < high) {
    int middle = (low + high) / 2;
    if (lua_getstack(L, middle, &ar)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void nl_push_traceback(lua_State *L, const char *text) {
  const char *wanted = getenv("NNLUA_TRACEBACK");
  bool prompt = !nl_program, library = prompt;
  lua_getfield(L, LUA_REGISTRYINDEX, NL_TRACEBACK); /* %debug on */
  wanted = lua_type(L, -1) == LUA_TSTRING ? "all" : wanted;
  lua_pop(L, 1);
  nl_push_library(L);
  int at = lua_gettop(L);
  const char *directory = lua_tostring(L, at);
  lua_Debug ar;
  for (int level = 1; !library && level < NEAR && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "S", &ar);
    library = from_library(&ar, directory);
  }
  if (!library || (wanted && strcmp(wanted, "all") == 0)) {
    luaL_traceback(L, L, text, 1);
    lua_remove(L, at);
    return;
  }
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, text);
  bool any = false;
  int depth = depth_of(L), shown = 0;
  for (int level = 1; level < depth && lua_getstack(L, level, &ar); level++) {
    if ((level == NEAR || shown == SHOWN / 2) && depth > NEAR + FAR && level < depth - FAR / 2) {
      lua_pushfstring(L, "\n\t... (%d levels)", depth - FAR / 2 - level);
      luaL_addvalue(&b);
      level = depth - FAR / 2 - 1;
      shown = SHOWN; /* from here on all */
      continue;
    }
    lua_getinfo(L, "Sln", &ar);
    /* the line that one has just typed, and what the prompt makes of one */
    bool typed = prompt && !*ar.namewhat && strcmp(ar.source, "=stdin") == 0;
    if (ar.currentline <= 0 || typed || from_library(&ar, directory)) {
      continue;
    }
    luaL_addstring(&b, any ? "\n\t" : "\nstack traceback:\n\t");
    any = true;
    shown++;
    lua_pushfstring(L, "%s:%d: in ", ar.short_src, ar.currentline);
    luaL_addvalue(&b);
    add_name(&b, L, &ar);
  }
  luaL_pushresult(&b);
  lua_remove(L, at);
}
