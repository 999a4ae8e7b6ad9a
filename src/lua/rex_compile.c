/* Compiling patterns, keeping the last few hundred, and character tables of locales. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/rex.h"

enum { MOST_KEPT = 256, TELL_COLLECTOR = 1 << 20 };

nl_rex_machine *nl_rex_machine_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(NL_REX_MACHINE));
}

/* Has the value at index the metatable that is our upvalue? */
static bool is_a(lua_State *L, int index, int upvalue) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
    return false;
  }
  bool same = lua_rawequal(L, -1, lua_upvalueindex(upvalue));
  lua_pop(L, 1);
  return same;
}

nl_rex *nl_rex_at(lua_State *L, int index) {
  nl_rex *r = is_a(L, index, NL_REX_METATABLE) ? lua_touserdata(L, index) : NULL;
  return r && r->same ? r->same : r;
}

static nl_rex *check_open(lua_State *L, nl_rex *r, const char *who) {
  if (!r->code) {
    nl_lua_error(L, "rex.%s: the pattern was closed; compile it again with rex.new", who);
  }
  return r;
}

nl_rex *nl_rex_self(lua_State *L, const char *who) {
  nl_rex *r = nl_rex_at(L, 1);
  if (!r) {
    nl_lua_error(L, "rex.%s: must be called on a compiled pattern, as re:%s(...), but got %s", who, who,
                 nl_describe(L, 1).s);
  }
  return check_open(L, r, who);
}

/* ---- character tables ---- */

typedef struct character_tables {
  const uint8_t *bytes;
} character_tables;

static const character_tables *tables_at(lua_State *L, int index) {
  return is_a(L, index, NL_REX_TABLES_METATABLE) ? lua_touserdata(L, index) : NULL;
}

int nl_rex_tables_gc(lua_State *L) {
  character_tables *t = lua_touserdata(L, 1);
  if (tables_at(L, 1)) {
    pcre2_maketables_free(NULL, t->bytes);
    t->bytes = NULL;
  }
  return 0;
}

int nl_rex_tables_tostring(lua_State *L) {
  lua_pushfstring(L, "rex.maketables() (%p)", tables_at(L, 1) ? lua_topointer(L, 1) : NULL);
  return 1;
}

/* maketables() -> the character tables of the program's locale, for rex.new and others */
int nl_rex_maketables(lua_State *L) {
  character_tables *t = lua_newuserdatauv(L, sizeof *t, 0);
  t->bytes = NULL;
  lua_pushvalue(L, lua_upvalueindex(NL_REX_TABLES_METATABLE));
  lua_setmetatable(L, -2);
  t->bytes = pcre2_maketables(NULL);
  return t->bytes ? 1 : nl_lua_error(L, "rex.maketables: out of memory");
}

/* Gives r tables of its own: a copy of the tables at index, or those of the locale that is named there. */
static void set_tables(lua_State *L, nl_rex *r, const char *who, int index) {
  uint32_t size = 0;
  pcre2_config(PCRE2_CONFIG_TABLES_LENGTH, &size);
  const character_tables *given = tables_at(L, index);
  const uint8_t *bytes = given ? given->bytes : NULL;
  if (given && !bytes) {
    nl_lua_error(L, "rex.%s: the character tables were closed", who);
  }
  if (!given) {
    const char *name = lua_tostring(L, index);
    locale_t locale = newlocale(LC_CTYPE_MASK, name, (locale_t)0);
    if (!locale) {
      nl_lua_error(L, "rex.%s: there is no locale '%s' on this machine (see locale -a)", who, name);
    }
    locale_t before = uselocale(locale); /* of this thread alone */
    bytes = pcre2_maketables(NULL);
    uselocale(before);
    freelocale(locale);
  }
  r->tables = bytes ? malloc(size) : NULL;
  if (r->tables) {
    memcpy(r->tables, bytes, size);
  }
  if (!given) {
    pcre2_maketables_free(NULL, bytes);
  }
  if (!r->tables) {
    nl_lua_error(L, "rex.%s: out of memory", who);
  }
}

/* ---- compiling ---- */

nl_rex_how nl_rex_how_at(lua_State *L, const char *who, int flags, int locale) {
  nl_rex_how how = {.options = nl_rex_letters(L, flags, who)};
  if (!lua_isnoneornil(L, locale)) {
    if (!lua_isstring(L, locale) && !tables_at(L, locale)) {
      nl_lua_error(L, "rex.%s: the locale must be a name or rex.maketables(), but is %s", who,
                   nl_describe(L, locale).s);
    }
    how.locale = locale;
  }
  return how;
}

static const char *reason(int code, char *text, size_t size) {
  return pcre2_get_error_message(code, (PCRE2_UCHAR *)text, size) < 0 ? "unknown error" : text;
}

/* NULL with a code where the pattern is wrong. The text's encoding is always checked: matching with a text or pattern
   that is no UTF-8 may crash PCRE2. */
static pcre2_code *compile(const nl_rex *r, uint32_t more, int *code, size_t *at) {
  *code = PCRE2_ERROR_NOMEMORY;
  *at = 0;
  pcre2_compile_context *context = r->tables ? pcre2_compile_context_create(NULL) : NULL;
  if (r->tables && !context) {
    return NULL;
  }
  if (context) {
    pcre2_set_character_tables(context, r->tables);
  }
  uint32_t options = (r->options & ~(uint32_t)PCRE2_NO_UTF_CHECK) | more;
  pcre2_code *made = pcre2_compile((PCRE2_SPTR)r->text, r->length, options, code, at, context);
  pcre2_compile_context_free(context);
  return made;
}

static size_t size_of(const pcre2_code *code) {
  size_t size = 0, jit = 0;
  pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
  pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &jit);
  return size + jit;
}

bool nl_rex_make_careful(nl_rex_machine *m, nl_rex *r) {
  if (!r->careful && !r->no_careful) {
    int code;
    size_t at;
    r->careful = compile(r, PCRE2_AUTO_CALLOUT, &code, &at);
    r->no_careful = !r->careful;
    if (r->careful && r->jit && !r->calls) { /* the JIT does not notice a group that calls itself for ever */
      pcre2_jit_compile(r->careful, PCRE2_JIT_COMPLETE);
    }
    m->compiled += r->careful ? size_of(r->careful) : 0;
  }
  return r->careful != NULL;
}

/* The part of the pattern around a position, for messages. */
static const char *part_of(const nl_rex *r, size_t at, char *text, size_t size) {
  size_t first = at > size / 2 ? at - size / 2 : 0, n = r->length - first;
  n = n < size - 1 ? n : size - 1;
  memcpy(text, r->text + first, n);
  text[n] = 0;
  return text;
}

nl_rex *nl_rex_compile(lua_State *L, int index, const char *who, nl_rex_how how) {
  nl_rex_machine *m = nl_rex_machine_of(L);
  nl_rex *r = lua_newuserdatauv(L, sizeof *r, 1);
  memset(r, 0, sizeof *r);
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
  r->text = lua_tolstring(L, index, &r->length);
  r->options = how.options;
  lua_pushvalue(L, lua_upvalueindex(NL_REX_METATABLE));
  lua_setmetatable(L, -2);
  if (how.locale) {
    set_tables(L, r, who, how.locale);
  }
  int code;
  size_t at;
  r->code = compile(r, PCRE2_USE_OFFSET_LIMIT, &code, &at);
  if (!r->code) {
    char text[160], part[80];
    nl_lua_error(L, "rex.%s: the pattern '%s' is wrong at position %lld: %s", who, part_of(r, at, part, sizeof part),
                 (long long)at + 1, reason(code, text, sizeof text));
  }
  r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
  if (!r->data || !nl_rex_machine_start(m)) {
    nl_lua_error(L, "rex.%s: out of memory", who);
  }
  nl_rex_read_traits(r);
  r->jit = !r->no_jit && pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0; /* without it matching is slower */
  m->compiled += size_of(r->code);
  if (m->compiled > TELL_COLLECTOR && lua_gc(L, LUA_GCISRUNNING)) {
    int kilobytes = (int)(m->compiled / 1024);
    m->compiled = 0;
    lua_gc(L, LUA_GCSTEP, kilobytes);
  }
  return r;
}

int nl_rex_gc(lua_State *L) {
  nl_rex *r = is_a(L, 1, NL_REX_METATABLE) ? lua_touserdata(L, 1) : NULL;
  if (r) {
    pcre2_match_data_free(r->data);
    pcre2_match_data_free(r->ends);
    pcre2_code_free(r->careful);
    pcre2_code_free(r->code);
    free(r->tables);
    memset(r, 0, sizeof *r);
  }
  return 0;
}

int nl_rex_tostring(lua_State *L) {
  nl_rex *r = nl_rex_at(L, 1);
  if (!r) {
    nl_lua_error(L, "rex: tostring wants a compiled pattern, but got %s", nl_describe(L, 1).s);
  }
  if (!r->code) {
    lua_pushliteral(L, "rex(closed)");
    return 1;
  }
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "rex(\"");
  for (size_t i = 0; i < r->length; i++) {
    unsigned char c = (unsigned char)r->text[i];
    char text[8] = {(char)c};
    if (c == '"' || c == '\\') {
      snprintf(text, sizeof text, "\\%c", c);
    } else if (c < ' ' || c == 127) {
      snprintf(text, sizeof text, "\\%03d", c);
    }
    luaL_addstring(&b, text);
  }
  luaL_addstring(&b, "\")");
  luaL_pushresult(&b);
  return 1;
}

void nl_rex_check_pattern(lua_State *L, int index, const char *who) {
  if (!lua_isstring(L, index) && !nl_rex_at(L, index)) {
    nl_lua_error(L, "rex.%s: the pattern must be a string or a compiled pattern, but is %s", who,
                 nl_describe(L, index).s);
  }
}

/* Patterns are kept by their options and their text: kept[options][text]. */
nl_rex *nl_rex_get(lua_State *L, int index, const char *who, nl_rex_how how) {
  nl_rex *r = nl_rex_at(L, index);
  if (r) {
    return check_open(L, r, who);
  }
  if (how.locale) { /* a name may mean another locale tomorrow */
    r = nl_rex_compile(L, index, who, how);
    lua_replace(L, index);
    return r;
  }
  lua_tolstring(L, index, NULL); /* a number is a string from here on */
  nl_rex_machine *m = nl_rex_machine_of(L);
  int top = lua_gettop(L);
  lua_getiuservalue(L, lua_upvalueindex(NL_REX_MACHINE), NL_REX_KEPT);
  if (lua_rawgeti(L, -1, how.options) == LUA_TTABLE) {
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    r = lua_touserdata(L, -1);
  }
  if (!r || !r->code) {
    r = nl_rex_compile(L, index, who, how);
    if (m->kept >= MOST_KEPT) {
      lua_newtable(L);
      lua_pushvalue(L, -1);
      lua_setiuservalue(L, lua_upvalueindex(NL_REX_MACHINE), NL_REX_KEPT);
      lua_replace(L, top + 1);
      m->kept = 0;
    }
    if (lua_rawgeti(L, top + 1, how.options) != LUA_TTABLE) {
      lua_newtable(L);
      lua_pushvalue(L, -1);
      lua_rawseti(L, top + 1, how.options);
      lua_replace(L, -2);
    }
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    m->kept++;
    lua_pop(L, 1);
  }
  lua_replace(L, index);
  lua_settop(L, top);
  return r;
}

/* new(pattern, flags, locale) -> compiled pattern: an object of its own, though it stands for a kept pattern where
   there is one. (Without the JIT it does not, because re:jit_compile can change such a pattern.) */
int nl_rex_new(lua_State *L) {
  if (!lua_isstring(L, 1)) {
    nl_lua_error(L, "rex.new: the pattern must be a string, but is %s",
                 nl_rex_at(L, 1) ? "a compiled one already" : nl_describe(L, 1).s);
  }
  lua_settop(L, 3);
  nl_rex_how how = nl_rex_how_at(L, "new", 2, 3);
  lua_pushvalue(L, 1);
  nl_rex *kept = how.locale ? NULL : nl_rex_get(L, 4, "new", how);
  if (!kept || !kept->jit) {
    nl_rex_compile(L, 1, "new", how);
    return 1;
  }
  nl_rex *r = lua_newuserdatauv(L, sizeof *r, 1);
  memset(r, 0, sizeof *r);
  r->same = kept;
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, lua_upvalueindex(NL_REX_METATABLE));
  lua_setmetatable(L, -2);
  return 1;
}

/* re:jit_compile(options) -> true, or false and why not. The JIT took the pattern when it was compiled, if it can. */
int nl_rex_jit_compile(lua_State *L) {
  nl_rex *r = nl_rex_self(L, "jit_compile");
  uint32_t options = lua_isnoneornil(L, 2) ? PCRE2_JIT_COMPLETE : nl_rex_bits(L, 2, "jit_compile", "the options");
  int code = pcre2_jit_compile(r->code, options);
  nl_rex_read_traits(r); /* one of the JIT's options changes them */
  lua_pushboolean(L, code == 0);
  if (code == 0) {
    return 1;
  }
  char text[160];
  lua_pushstring(L, reason(code, text, sizeof text));
  return 2;
}
