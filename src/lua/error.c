/* Errors as Lua sees them. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/interrupt.h"
#include "lua/nl_lua.h"

/* The registry key of the path prefix of our own Lua files: "@/usr/share/nnlua/nn". */
static const char stdlib_key = 0;

static int set_stdlib(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &stdlib_key);
  return 0;
}

void nl_lua_where(lua_State *L, char *text, size_t size) {
  *text = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &stdlib_key);
  const char *ours = lua_tostring(L, -1);
  size_t n = ours ? strlen(ours) : 0;
  lua_pop(L, 1);
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0 && !(ours && strncmp(ar.source, ours, n) == 0)) {
      snprintf(text, size, "%s:%d", ar.short_src, ar.currentline);
      return;
    }
  }
}

/* Pushes "file:line: " of the nearest Lua frame that is the user's. */
static void push_where(lua_State *L) {
  char text[LUA_IDSIZE + 24];
  nl_lua_where(L, text, sizeof text);
  lua_pushfstring(L, *text ? "%s: " : "%s", text);
}

int nl_lua_raise(lua_State *L) {
  if (strcmp(nl_error_message(), "interrupted!") == 0) {
    nl_interrupt_clear(); /* it has arrived */
  }
  push_where(L);
  lua_pushstring(L, nl_error_message());
  lua_concat(L, 2);
  return lua_error(L);
}

int nl_lua_error(lua_State *L, const char *fmt, ...) {
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  nl_fail("%s", text);
  return nl_lua_raise(L);
}

/* nn's own Lua files raise with this: error(message) that blames the user's line. */
static int raise_for_user(lua_State *L) {
  const char *message = luaL_checkstring(L, 1);
  return nl_lua_error(L, "%s", message);
}

/* Optimal string alignment: insertions, deletions, changes, and exchanges of neighbours. Case is free. */
static int distance(const char *a, const char *b) {
  enum { MAX = 40 };
  size_t n = strlen(a), m = strlen(b);
  if (n >= MAX || m >= MAX) {
    return MAX;
  }
  int d[MAX + 1][MAX + 1];
  for (size_t i = 0; i <= n; i++) {
    for (size_t j = 0; j <= m; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = (int)(i + j);
        continue;
      }
      int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
      int best = d[i - 1][j - 1] + !same;
      best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
      best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best) {
        best = d[i - 2][j - 2] + 1;
      }
      d[i][j] = best;
    }
  }
  return d[n][m];
}

const char *nl_nearest(const char *wrong, const char *(*name_at)(void *ctx, int i), void *ctx) {
  const char *best = NULL;
  int best_distance = (int)strlen(wrong) / 3 + 1;
  const char *name;
  for (int i = 0; (name = name_at(ctx, i)) != NULL; i++) {
    int d = distance(wrong, name);
    if (d < best_distance || (d == best_distance && (!best || strcmp(name, best) < 0))) { /* no matter the order */
      best = name;
      best_distance = d;
    }
  }
  return best;
}

typedef struct lua_names {
  lua_State *L;
} lua_names;

static const char *lua_name_at(void *ctx, int i) {
  lua_State *L = ((lua_names *)ctx)->L;
  lua_rawgeti(L, 2, i + 1);
  const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1); /* the list keeps it alive */
  return s;
}

/* nearest(wrong, {names}) -> name or nil */
static int nearest(lua_State *L) {
  const char *wrong = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushstring(L, nl_nearest(wrong, lua_name_at, &(lua_names){L}));
  return 1;
}

nl_value_text nl_describe(lua_State *L, int index) {
  nl_value_text text;
  char *s = text.s;
  size_t n = sizeof text.s;
  nl_tensor *t = nl_to_tensor(L, index);
  if (t) {
    snprintf(s, n, "a %s tensor of shape %s", nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
    return text;
  }
  switch (lua_type(L, index)) {
  case LUA_TNONE:
    snprintf(s, n, "missing");
    break;
  case LUA_TNIL:
    snprintf(s, n, "nil");
    break;
  case LUA_TBOOLEAN:
    snprintf(s, n, "%s", lua_toboolean(L, index) ? "true" : "false");
    break;
  case LUA_TNUMBER:
    snprintf(s, n, "the number %.14g", lua_tonumber(L, index));
    break;
  case LUA_TSTRING:
    snprintf(s, n, "the string '%.60s'", lua_tostring(L, index));
    break;
  default:
    snprintf(s, n, "a %s", luaL_typename(L, index));
  }
  return text;
}

static int describe(lua_State *L) {
  lua_pushstring(L, nl_describe(L, 1).s);
  return 1;
}

void nl_open_error(lua_State *L) {
  static const luaL_Reg functions[] = {{"raise", raise_for_user},
                                       {"nearest", nearest},
                                       {"describe", describe},
                                       {"set_stdlib", set_stdlib},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
