/* What PCRE2 says of itself and of a pattern: tables of numbers by name. */
#include <string.h>

#include "lua/observe.h"
#include "lua/rex.h"

typedef struct named {
  const char *name;
  uint32_t value;
} named;

#define NAME(name)                                                                                                     \
  { #name, (uint32_t)PCRE2_##name }

/* clang-format off */
static const named constants[] = {
    NAME(ANCHORED), NAME(NO_UTF_CHECK), NAME(ALLOW_EMPTY_CLASS), NAME(ALT_BSUX), NAME(AUTO_CALLOUT), NAME(CASELESS),
    NAME(DOLLAR_ENDONLY), NAME(DOTALL), NAME(DUPNAMES), NAME(ENDANCHORED), NAME(EXTENDED), NAME(EXTENDED_MORE),
    NAME(FIRSTLINE), NAME(LITERAL), NAME(MATCH_INVALID_UTF), NAME(MATCH_UNSET_BACKREF), NAME(MULTILINE),
    NAME(NEVER_UCP), NAME(NEVER_UTF), NAME(NO_AUTO_CAPTURE), NAME(NO_AUTO_POSSESS), NAME(NO_DOTSTAR_ANCHOR),
    NAME(NO_START_OPTIMIZE), NAME(UCP), NAME(UNGREEDY), NAME(UTF), NAME(NEVER_BACKSLASH_C), NAME(ALT_CIRCUMFLEX),
    NAME(ALT_VERBNAMES), NAME(USE_OFFSET_LIMIT), NAME(JIT_COMPLETE), NAME(JIT_PARTIAL_SOFT), NAME(JIT_PARTIAL_HARD),
    NAME(NOTBOL), NAME(NOTEOL), NAME(NOTEMPTY), NAME(NOTEMPTY_ATSTART), NAME(PARTIAL_SOFT), NAME(PARTIAL_HARD),
    NAME(DFA_RESTART), NAME(DFA_SHORTEST), NAME(NO_JIT), NAME(SUBSTITUTE_GLOBAL), NAME(SUBSTITUTE_EXTENDED),
    NAME(SUBSTITUTE_UNSET_EMPTY), NAME(SUBSTITUTE_UNKNOWN_UNSET), NAME(SUBSTITUTE_OVERFLOW_LENGTH),
    NAME(NEWLINE_CR), NAME(NEWLINE_LF), NAME(NEWLINE_CRLF), NAME(NEWLINE_ANY), NAME(NEWLINE_ANYCRLF),
    NAME(NEWLINE_NUL), NAME(BSR_UNICODE), NAME(BSR_ANYCRLF), NAME(INFO_ALLOPTIONS), NAME(INFO_ARGOPTIONS),
    NAME(INFO_BACKREFMAX), NAME(INFO_BSR), NAME(INFO_CAPTURECOUNT), NAME(INFO_FIRSTCODEUNIT),
    NAME(INFO_FIRSTCODETYPE), NAME(INFO_FIRSTBITMAP), NAME(INFO_HASCRORLF), NAME(INFO_JCHANGED), NAME(INFO_JITSIZE),
    NAME(INFO_LASTCODEUNIT), NAME(INFO_LASTCODETYPE), NAME(INFO_MATCHEMPTY), NAME(INFO_MATCHLIMIT),
    NAME(INFO_MAXLOOKBEHIND), NAME(INFO_MINLENGTH), NAME(INFO_NAMECOUNT), NAME(INFO_NAMEENTRYSIZE),
    NAME(INFO_NAMETABLE), NAME(INFO_NEWLINE), NAME(INFO_RECURSIONLIMIT), NAME(INFO_SIZE), NAME(INFO_HASBACKSLASHC)};

static const named errors[] = {
    NAME(ERROR_NOMATCH), NAME(ERROR_PARTIAL), NAME(ERROR_UTF8_ERR1), NAME(ERROR_UTF8_ERR2), NAME(ERROR_UTF8_ERR3),
    NAME(ERROR_UTF8_ERR4), NAME(ERROR_UTF8_ERR5), NAME(ERROR_UTF8_ERR6), NAME(ERROR_UTF8_ERR7),
    NAME(ERROR_UTF8_ERR8), NAME(ERROR_UTF8_ERR9), NAME(ERROR_UTF8_ERR10), NAME(ERROR_UTF8_ERR11),
    NAME(ERROR_UTF8_ERR12), NAME(ERROR_UTF8_ERR13), NAME(ERROR_UTF8_ERR14), NAME(ERROR_UTF8_ERR15),
    NAME(ERROR_UTF8_ERR16), NAME(ERROR_UTF8_ERR17), NAME(ERROR_UTF8_ERR18), NAME(ERROR_UTF8_ERR19),
    NAME(ERROR_UTF8_ERR20), NAME(ERROR_UTF8_ERR21), NAME(ERROR_UTF16_ERR1), NAME(ERROR_UTF16_ERR2),
    NAME(ERROR_UTF16_ERR3), NAME(ERROR_UTF32_ERR1), NAME(ERROR_UTF32_ERR2), NAME(ERROR_BADDATA),
    NAME(ERROR_MIXEDTABLES), NAME(ERROR_BADMAGIC), NAME(ERROR_BADMODE), NAME(ERROR_BADOFFSET),
    NAME(ERROR_BADOPTION), NAME(ERROR_BADREPLACEMENT), NAME(ERROR_BADUTFOFFSET), NAME(ERROR_CALLOUT),
    NAME(ERROR_DFA_BADRESTART), NAME(ERROR_DFA_RECURSE), NAME(ERROR_DFA_UCOND), NAME(ERROR_DFA_UFUNC),
    NAME(ERROR_DFA_UITEM), NAME(ERROR_DFA_WSSIZE), NAME(ERROR_INTERNAL), NAME(ERROR_JIT_BADOPTION),
    NAME(ERROR_JIT_STACKLIMIT), NAME(ERROR_MATCHLIMIT), NAME(ERROR_NOMEMORY), NAME(ERROR_NOSUBSTRING),
    NAME(ERROR_NOUNIQUESUBSTRING), NAME(ERROR_NULL), NAME(ERROR_RECURSELOOP), NAME(ERROR_RECURSIONLIMIT),
    NAME(ERROR_DEPTHLIMIT), NAME(ERROR_HEAPLIMIT), NAME(ERROR_UNAVAILABLE), NAME(ERROR_UNSET),
    NAME(ERROR_BADOFFSETLIMIT), NAME(ERROR_BADREPESCAPE), NAME(ERROR_REPMISSINGBRACE), NAME(ERROR_BADSUBSTITUTION),
    NAME(ERROR_BADSUBSPATTERN), NAME(ERROR_TOOMANYREPLACE), NAME(ERROR_BADSERIALIZEDDATA)};
/* clang-format on */

const char *nl_rex_error_name(int code) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if ((int)errors[i].value == code) {
      return errors[i].name;
    }
  }
  return NULL;
}

/* The table to fill: the argument, or a new one. */
static void push_flag_table(lua_State *L, const char *who) {
  if (!lua_isnoneornil(L, 1) && lua_type(L, 1) != LUA_TTABLE) {
    nl_lua_error(L, "rex.%s: wants a table to fill or nothing, but got %s", who, nl_describe(L, 1).s);
  }
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  } else if (nl_observing() && nl_obs_is_old(L, 1)) {
    nl_lua_refuse(
        L, "rex.%s: it fills a table that was there before, and replays would not fill it again; do it outside", who);
  }
}

/* Fills the table on top, without asking its metatable. */
static void set_number(lua_State *L, const char *name, lua_Integer value) {
  lua_pushstring(L, name);
  lua_pushinteger(L, value);
  lua_rawset(L, -3);
}

/* flags(table) -> the table, or a new one, with PCRE2's constants by name. The topmost of 32 bits is a sign, as lrexlib
   has it. */
int nl_rex_flags(lua_State *L) {
  push_flag_table(L, "flags");
  set_number(L, "MAJOR", PCRE2_MAJOR);
  set_number(L, "MINOR", PCRE2_MINOR);
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    set_number(L, constants[i].name, (int32_t)constants[i].value);
  }
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    set_number(L, errors[i].name, (int32_t)errors[i].value);
  }
  return 1;
}

/* config(table) -> the table, or a new one, with how PCRE2 was built: by lrexlib's names and without PCRE2_CONFIG_ */
int nl_rex_config(lua_State *L) {
  static const named numbers[] = {NAME(CONFIG_BSR),          NAME(CONFIG_DEPTHLIMIT),  NAME(CONFIG_HEAPLIMIT),
                                  NAME(CONFIG_JIT),          NAME(CONFIG_LINKSIZE),    NAME(CONFIG_MATCHLIMIT),
                                  NAME(CONFIG_NEWLINE),      NAME(CONFIG_PARENSLIMIT), NAME(CONFIG_RECURSIONLIMIT),
                                  NAME(CONFIG_STACKRECURSE), NAME(CONFIG_UNICODE)};
  static const named texts[] = {NAME(CONFIG_JITTARGET), NAME(CONFIG_UNICODE_VERSION), NAME(CONFIG_VERSION)};
  push_flag_table(L, "config");
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    uint32_t value = 0;
    if (pcre2_config(numbers[i].value, &value) >= 0) {
      set_number(L, numbers[i].name + strlen("CONFIG_"), value);
      lua_pushfstring(L, "PCRE2_%s", numbers[i].name);
      lua_pushinteger(L, value);
      lua_rawset(L, 1);
    }
  }
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char text[128] = "";
    int n = pcre2_config(texts[i].value, NULL);
    if (n > 0 && n < (int)sizeof text && pcre2_config(texts[i].value, text) > 0) {
      lua_pushfstring(L, "PCRE2_%s", texts[i].name);
      lua_pushstring(L, text);
      lua_rawset(L, 1);
    }
  }
  return 1;
}

/* version() -> PCRE2's version and its date */
int nl_rex_version(lua_State *L) {
  char text[64] = "";
  pcre2_config(PCRE2_CONFIG_VERSION, text);
  lua_pushstring(L, text);
  return 1;
}

/* ---- patterns ---- */

/* A table of what PCRE2 knows of a pattern, which lies on the stack. */
static void push_info(lua_State *L, const nl_rex *r) {
  static const named numbers[] = {
      NAME(INFO_ALLOPTIONS),    NAME(INFO_ARGOPTIONS),    NAME(INFO_BACKREFMAX),    NAME(INFO_BSR),
      NAME(INFO_CAPTURECOUNT),  NAME(INFO_DEPTHLIMIT),    NAME(INFO_FIRSTCODETYPE), NAME(INFO_FIRSTCODEUNIT),
      NAME(INFO_HASBACKSLASHC), NAME(INFO_HASCRORLF),     NAME(INFO_HEAPLIMIT),     NAME(INFO_JCHANGED),
      NAME(INFO_LASTCODETYPE),  NAME(INFO_LASTCODEUNIT),  NAME(INFO_MATCHEMPTY),    NAME(INFO_MATCHLIMIT),
      NAME(INFO_MAXLOOKBEHIND), NAME(INFO_MINLENGTH),     NAME(INFO_NAMECOUNT),     NAME(INFO_NAMEENTRYSIZE),
      NAME(INFO_NEWLINE),       NAME(INFO_RECURSIONLIMIT)};
  static const named sizes[] = {NAME(INFO_JITSIZE), NAME(INFO_SIZE)};
  uint32_t values[sizeof numbers / sizeof *numbers], ours = PCRE2_USE_OFFSET_LIMIT & ~r->options;
  bool known[sizeof numbers / sizeof *numbers];
  size_t bytes[2] = {0, 0};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) { /* before Lua allocates and may close the pattern */
    known[i] = pcre2_pattern_info(r->code, numbers[i].value, &values[i]) == 0; /* a limit may not be set */
    if (numbers[i].value == PCRE2_INFO_ALLOPTIONS || numbers[i].value == PCRE2_INFO_ARGOPTIONS) {
      values[i] = (values[i] & ~ours) | (r->options & PCRE2_NO_UTF_CHECK);
    }
  }
  for (int i = 0; i < 2; i++) {
    pcre2_pattern_info(r->code, sizes[i].value, &bytes[i]);
  }
  lua_createtable(L, 0, 32);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (known[i]) {
      set_number(L, numbers[i].name + strlen("INFO_"), values[i]);
    }
  }
  for (int i = 0; i < 2; i++) {
    set_number(L, sizes[i].name + strlen("INFO_"), (lua_Integer)bytes[i]);
  }
}

/* re:patterninfo() -> a table */
int nl_rex_patterninfo(lua_State *L) {
  push_info(L, nl_rex_self(L, "patterninfo"));
  return 1;
}

/* {name = group, ...} */
static void push_names(lua_State *L, const nl_rex *r) {
  uint32_t count = 0, size = 0;
  PCRE2_SPTR table = NULL;
  lua_newtable(L);
  pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &count);
  pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
  pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
  for (uint32_t i = 0; i < count && r->code; i++) {
    PCRE2_SPTR entry = table + (size_t)i * size;
    lua_pushinteger(L, entry[0] << 8 | entry[1]);
    lua_setfield(L, -2, (const char *)entry + 2);
  }
}

/* re:fullinfo() -> the same, with the pattern (PATTERN), the groups of names (NAMES), and whether the just-in-time
   compiler took it (JIT) */
int nl_rex_fullinfo(lua_State *L) {
  const nl_rex *r = nl_rex_self(L, "fullinfo");
  bool jit = r->jit;
  push_info(L, r);
  push_names(L, r);
  lua_setfield(L, -2, "NAMES");
  lua_pushlstring(L, r->text ? r->text : "", r->length);
  lua_setfield(L, -2, "PATTERN");
  lua_pushboolean(L, jit);
  lua_setfield(L, -2, "JIT");
  return 1;
}
