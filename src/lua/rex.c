/* Regular expressions: PCRE2 patterns as userdata. What users call (nn.rex) is Lua on top: lua/stdlib/nn/rex.lua. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "lua/nl_lua.h"

#define REX_TYPE "nn.Rex"

/* A hostile pattern stops after this many steps, with an error. */
enum { MATCH_LIMIT = 10000000, DEPTH_LIMIT = 250000, HEAP_LIMIT_KB = 65536, JIT_STACK = 1 << 20 };

typedef struct rex {
  pcre2_code *code;
  pcre2_match_data *data;
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
  uint32_t groups;
} rex;

static int rex_gc(lua_State *L) {
  rex *r = luaL_checkudata(L, 1, REX_TYPE);
  pcre2_match_data_free(r->data);
  pcre2_match_context_free(r->context);
  pcre2_jit_stack_free(r->stack);
  pcre2_code_free(r->code);
  memset(r, 0, sizeof *r);
  return 0;
}

static const char *reason(int code, char *text, size_t size) {
  return pcre2_get_error_message(code, (PCRE2_UCHAR *)text, size) < 0 ? "unknown error" : text;
}

/* compile(pattern, flags) -> rex */
static int rex_compile(lua_State *L) {
  size_t n;
  const char *pattern = luaL_checklstring(L, 1, &n);
  lua_Integer flags = luaL_checkinteger(L, 2);
  rex *r = lua_newuserdatauv(L, sizeof *r, 0);
  memset(r, 0, sizeof *r);
  luaL_setmetatable(L, REX_TYPE);
  int code;
  size_t at;
  char text[160];
  r->code = pcre2_compile((PCRE2_SPTR)pattern, n, (uint32_t)flags, &code, &at, NULL);
  if (!r->code) {
    return nl_lua_error(L, "rex: the pattern '%s' is wrong at position %d: %s", pattern, (int)at + 1,
                        reason(code, text, sizeof text));
  }
  r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
  r->context = pcre2_match_context_create(NULL);
  if (!r->data || !r->context) {
    return nl_lua_error(L, "rex: out of memory");
  }
  pcre2_set_match_limit(r->context, MATCH_LIMIT);
  pcre2_set_depth_limit(r->context, DEPTH_LIMIT);
  pcre2_set_heap_limit(r->context, HEAP_LIMIT_KB);
  if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0) { /* where there is no JIT, matching works without */
    r->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK, NULL);
    if (r->stack) {
      pcre2_jit_stack_assign(r->context, NULL, r->stack);
    }
  }
  pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
  return 1;
}

/* run(rex, subject, offset, flags) -> nil, or first, last, first1, last1, ... (from 1; false, false for groups that
   took no part) as a table */
static int rex_run(lua_State *L) {
  rex *r = luaL_checkudata(L, 1, REX_TYPE);
  size_t n;
  const char *subject = luaL_checklstring(L, 2, &n);
  lua_Integer offset = luaL_checkinteger(L, 3), flags = luaL_checkinteger(L, 4);
  if (!r->code || offset < 0 || (size_t)offset > n) {
    lua_pushnil(L);
    return 1;
  }
  int found = pcre2_match(r->code, (PCRE2_SPTR)subject, n, (size_t)offset, (uint32_t)flags, r->data, r->context);
  if (found == PCRE2_ERROR_NOMATCH || found == PCRE2_ERROR_PARTIAL) {
    lua_pushnil(L);
    return 1;
  }
  if (found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_DEPTHLIMIT || found == PCRE2_ERROR_HEAPLIMIT ||
      found == PCRE2_ERROR_JIT_STACKLIMIT) {
    return nl_lua_error(L,
                        "rex: the pattern needs more steps or memory on this text (%d bytes) than are allowed; "
                        "nested repeats such as (a+)+ are the usual reason, and possessive ones (a++) the cure",
                        (int)n);
  }
  if (found < 0) {
    char text[160];
    return nl_lua_error(L, "rex: matching failed: %s", reason(found, text, sizeof text));
  }
  const size_t *v = pcre2_get_ovector_pointer(r->data);
  lua_createtable(L, (int)(2 * r->groups + 2), 0);
  for (uint32_t g = 0; g <= r->groups; g++) {
    bool took_part = (int)g < found && v[2 * g] != PCRE2_UNSET;
    for (int side = 0; side < 2; side++) {
      if (took_part) {
        lua_pushinteger(L, (lua_Integer)v[2 * g + (size_t)side] + (side ? 0 : 1));
      } else {
        lua_pushboolean(L, false);
      }
      lua_rawseti(L, -2, (lua_Integer)(2 * g) + side + 1);
    }
  }
  return 1;
}

/* names(rex) -> {name = group, ...} */
static int rex_names(lua_State *L) {
  rex *r = luaL_checkudata(L, 1, REX_TYPE);
  lua_newtable(L);
  uint32_t count = 0, size = 0;
  PCRE2_SPTR table = NULL;
  if (r->code) {
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
  }
  for (uint32_t i = 0; i < count; i++) {
    PCRE2_SPTR entry = table + (size_t)i * size;
    lua_pushinteger(L, entry[0] << 8 | entry[1]);
    lua_setfield(L, -2, (const char *)entry + 2);
  }
  return 1;
}

/* groups(rex) -> number of groups, whether the JIT compiled it */
static int rex_groups(lua_State *L) {
  rex *r = luaL_checkudata(L, 1, REX_TYPE);
  size_t jit = 0;
  if (r->code) {
    pcre2_pattern_info(r->code, PCRE2_INFO_JITSIZE, &jit);
  }
  lua_pushinteger(L, r->groups);
  lua_pushboolean(L, jit > 0);
  return 2;
}

#define FLAG(name)                                                                                                     \
  { #name, PCRE2_##name }
static const struct {
  const char *name;
  uint32_t value;
} flags[] = {FLAG(ANCHORED),
             FLAG(ALLOW_EMPTY_CLASS),
             FLAG(ALT_BSUX),
             FLAG(ALT_CIRCUMFLEX),
             FLAG(ALT_VERBNAMES),
             FLAG(AUTO_CALLOUT),
             FLAG(CASELESS),
             FLAG(DOLLAR_ENDONLY),
             FLAG(DOTALL),
             FLAG(DUPNAMES),
             FLAG(ENDANCHORED),
             FLAG(EXTENDED),
             FLAG(EXTENDED_MORE),
             FLAG(FIRSTLINE),
             FLAG(LITERAL),
             FLAG(MATCH_UNSET_BACKREF),
             FLAG(MULTILINE),
             FLAG(NEVER_BACKSLASH_C),
             FLAG(NEVER_UCP),
             FLAG(NEVER_UTF),
             FLAG(NO_AUTO_CAPTURE),
             FLAG(NO_AUTO_POSSESS),
             FLAG(NO_DOTSTAR_ANCHOR),
             FLAG(NO_START_OPTIMIZE),
             FLAG(NO_UTF_CHECK),
             FLAG(UCP),
             FLAG(UNGREEDY),
             FLAG(UTF),
             FLAG(NOTBOL),
             FLAG(NOTEOL),
             FLAG(NOTEMPTY),
             FLAG(NOTEMPTY_ATSTART),
             FLAG(PARTIAL_SOFT),
             FLAG(PARTIAL_HARD),
             FLAG(NO_JIT)};

static int rex_flags(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    lua_pushinteger(L, flags[i].value);
    lua_setfield(L, -2, flags[i].name);
  }
  return 1;
}

static const struct {
  const char *name;
  uint32_t what;
} settings[] = {{"JIT", PCRE2_CONFIG_JIT},
                {"LINKSIZE", PCRE2_CONFIG_LINKSIZE},
                {"MATCHLIMIT", PCRE2_CONFIG_MATCHLIMIT},
                {"NEWLINE", PCRE2_CONFIG_NEWLINE},
                {"PARENSLIMIT", PCRE2_CONFIG_PARENSLIMIT},
                {"DEPTHLIMIT", PCRE2_CONFIG_DEPTHLIMIT},
                {"UNICODE", PCRE2_CONFIG_UNICODE}};

static int rex_config(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    uint32_t value = 0;
    pcre2_config(settings[i].what, &value);
    lua_pushinteger(L, value);
    lua_setfield(L, -2, settings[i].name);
  }
  return 1;
}

static int rex_version(lua_State *L) {
  char text[64] = "";
  pcre2_config(PCRE2_CONFIG_VERSION, text);
  lua_pushstring(L, text);
  return 1;
}

void nl_open_rex(lua_State *L) {
  static const luaL_Reg functions[] = {{"compile", rex_compile}, {"run", rex_run},     {"names", rex_names},
                                       {"groups", rex_groups},   {"flags", rex_flags}, {"config", rex_config},
                                       {"version", rex_version}, {NULL, NULL}};
  luaL_newmetatable(L, REX_TYPE);
  lua_pushcfunction(L, rex_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "rex");
}
