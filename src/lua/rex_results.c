/* What searches give: strings and positions of the first match, and all ends of matches at one place. */
#include <string.h>

#include "lua/rex.h"

enum { DFA_ENDS = 100, DFA_WORKSPACE = 50, LEAST_WORKSPACE = 20, MOST_NUMBERS = 1 << 26 };

size_t *nl_rex_room(lua_State *L, const nl_rex *r, size_t *few) {
  return r->groups <= NL_REX_FEW ? few : lua_newuserdatauv(L, 2 * ((size_t)r->groups + 1) * sizeof *few, 0);
}

void nl_rex_push(lua_State *L, const nl_rex_search *a, uint32_t g) {
  size_t from = a->v[2 * g], to = a->v[2 * g + 1];
  if ((int)g < a->found && from != PCRE2_UNSET) {
    lua_pushlstring(L, a->s + from, to > from ? to - from : 0); /* \K may set the start behind the end */
  } else {
    lua_pushboolean(L, false);
  }
}

int nl_rex_push_groups(lua_State *L, const nl_rex_search *a, bool whole) {
  if (a->groups == 0) {
    if (whole) {
      nl_rex_push(L, a, 0);
    }
    return whole;
  }
  if (!lua_checkstack(L, (int)a->groups + LUA_MINSTACK)) {
    nl_lua_error(L, "rex.%s: %d groups are more values than Lua's stack takes", a->who, (int)a->groups);
  }
  for (uint32_t g = 1; g <= a->groups; g++) {
    nl_rex_push(L, a, g);
  }
  return (int)a->groups;
}

/* Adds the texts of named groups to the table on top. */
static void add_names(lua_State *L, const nl_rex_search *a) {
  uint32_t count = 0, size = 0;
  PCRE2_SPTR table = NULL;
  pcre2_pattern_info(a->r->code, PCRE2_INFO_NAMECOUNT, &count);
  pcre2_pattern_info(a->r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
  pcre2_pattern_info(a->r->code, PCRE2_INFO_NAMETABLE, &table);
  for (uint32_t i = 0; i < count && a->r->code; i++) { /* a finalizer may close the pattern */
    PCRE2_SPTR entry = table + (size_t)i * size;
    uint32_t g = (uint32_t)entry[0] << 8 | entry[1];
    lua_pushstring(L, (const char *)entry + 2);
    nl_rex_push(L, a, g);
    lua_rawset(L, -3);
  }
}

static void push_positions(lua_State *L, const nl_rex_search *a, uint32_t g) {
  lua_pushinteger(L, (lua_Integer)a->v[2 * g] + 1);
  lua_pushinteger(L, (lua_Integer)a->v[2 * g + 1]);
}

static void push_texts_table(lua_State *L, const nl_rex_search *a) {
  lua_createtable(L, (int)a->groups, 0);
  for (uint32_t g = 1; g <= a->groups; g++) {
    nl_rex_push(L, a, g);
    lua_rawseti(L, -2, (lua_Integer)g);
  }
}

static void push_positions_table(lua_State *L, const nl_rex_search *a) {
  lua_createtable(L, 2 * (int)a->groups, 0);
  for (uint32_t g = 1; g <= a->groups; g++) {
    if ((int)g < a->found && a->v[2 * g] != PCRE2_UNSET) {
      push_positions(L, a, g);
    } else {
      lua_pushboolean(L, false);
      lua_pushboolean(L, false);
    }
    lua_rawseti(L, -3, 2 * (lua_Integer)g);
    lua_rawseti(L, -2, 2 * (lua_Integer)g - 1);
  }
}

typedef enum { MATCH, FIND, TFIND, EXEC } kind;
static const char *const names[] = {"match", "find", "tfind", "exec"};

static int search_from(lua_State *L, kind what, nl_rex *r, const char *s, size_t n, size_t at, uint32_t options) {
  nl_rex_search a;
  size_t few[2 * (NL_REX_FEW + 1)];
  nl_rex_begin(&a, nl_rex_machine_of(L), r, names[what], s, n, options, nl_rex_room(L, r, few));
  int found = nl_rex_find(&a, at);
  nl_rex_check(L, &a, found);
  if (found < 0) {
    lua_pushnil(L);
    return 1;
  }
  if (what == MATCH) {
    return nl_rex_push_groups(L, &a, true);
  }
  push_positions(L, &a, 0);
  if (what == FIND) {
    return 2 + nl_rex_push_groups(L, &a, false);
  }
  if (what == TFIND) {
    push_texts_table(L, &a);
  } else {
    push_positions_table(L, &a);
  }
  add_names(L, &a);
  return 3;
}

/* (subject, pattern, init, compile flags, match flags, locale); a place beyond the text has no match of any pattern */
static int function(lua_State *L, kind what) {
  const char *who = names[what];
  size_t n;
  const char *s = nl_rex_subject(L, 1, who, false, &n);
  nl_rex_check_pattern(L, 2, who);
  size_t at = nl_rex_offset(L, 3, who, n);
  nl_rex_how how = nl_rex_how_at(L, who, 4, 6);
  uint32_t options = nl_rex_bits(L, 5, who, "the match flags");
  if (at > n) {
    lua_pushnil(L);
    return 1;
  }
  return search_from(L, what, nl_rex_get(L, 2, who, how), s, n, at, options);
}

/* re:method(subject, init, match flags) */
static int method(lua_State *L, kind what) {
  const char *who = names[what];
  nl_rex_self(L, who);
  size_t n;
  const char *s = nl_rex_subject(L, 2, who, false, &n);
  size_t at = nl_rex_offset(L, 3, who, n);
  uint32_t options = nl_rex_bits(L, 4, who, "the match flags");
  if (at > n) {
    lua_pushnil(L);
    return 1;
  }
  return search_from(L, what, nl_rex_self(L, who), s, n, at, options); /* the subject's methods may have closed it */
}

int nl_rex_match_function(lua_State *L) {
  return function(L, MATCH);
}

int nl_rex_find_function(lua_State *L) {
  return function(L, FIND);
}

int nl_rex_tfind_function(lua_State *L) {
  return function(L, TFIND);
}

int nl_rex_exec_function(lua_State *L) {
  return function(L, EXEC);
}

int nl_rex_match_method(lua_State *L) {
  return method(L, MATCH);
}

int nl_rex_find_method(lua_State *L) {
  return method(L, FIND);
}

int nl_rex_tfind_method(lua_State *L) {
  return method(L, TFIND);
}

int nl_rex_exec_method(lua_State *L) {
  return method(L, EXEC);
}

static size_t size_argument(lua_State *L, int index, const char *name, lua_Integer otherwise, lua_Integer least) {
  lua_Integer i = nl_rex_integer(L, index, "dfa_exec", name, otherwise);
  if (i < least || i > MOST_NUMBERS) {
    nl_lua_error(L, "rex.dfa_exec: %s must be from %d to %d, but is %lld", name, (int)least, (int)MOST_NUMBERS,
                 (long long)i);
  }
  return (size_t)i;
}

/* re:dfa_exec(subject, init, match flags, ovecsize, wscount) -> first position, {last positions, the longest match
   first}, what pcre2_dfa_match returned; or nil */
int nl_rex_dfa_exec(lua_State *L) {
  nl_rex_self(L, "dfa_exec");
  size_t n;
  const char *s = nl_rex_subject(L, 2, "dfa_exec", false, &n);
  size_t at = nl_rex_offset(L, 3, "dfa_exec", n);
  uint32_t options = nl_rex_bits(L, 4, "dfa_exec", "the match flags");
  uint32_t pairs = (uint32_t)size_argument(L, 5, "ovecsize", DFA_ENDS, 0) / 2;
  size_t words = size_argument(L, 6, "wscount", DFA_WORKSPACE, LEAST_WORKSPACE);
  int *workspace = lua_newuserdatauv(L, NL_REX_WORKSPACES * words * sizeof *workspace, 0);
  size_t *v = lua_newuserdatauv(L, 2 * ((size_t)pairs + 1) * sizeof *v, 0);
  nl_rex *r = nl_rex_self(L, "dfa_exec");
  if (!r->ends || r->ends_count != pairs) {
    pcre2_match_data_free(r->ends);
    r->ends = pcre2_match_data_create(pairs, NULL);
    r->ends_count = pairs;
  }
  if (!r->ends) {
    return nl_lua_error(L, "rex.dfa_exec: out of memory");
  }
  nl_rex_search a;
  nl_rex_begin(&a, nl_rex_machine_of(L), r, "dfa_exec", s, n, options, v);
  a.workspace = workspace;
  a.words = words;
  int found = at > n ? PCRE2_ERROR_BADOFFSET : nl_rex_find(&a, at);
  if (found != PCRE2_ERROR_PARTIAL) {
    nl_rex_check(L, &a, found);
  }
  if (found == PCRE2_ERROR_NOMATCH) {
    lua_pushnil(L);
    return 1;
  }
  int count = found > 0 ? found : found == 0 ? (int)pairs : 1;
  memcpy(v, pcre2_get_ovector_pointer(r->ends), 2 * ((size_t)count + !count) * sizeof *v);
  lua_pushinteger(L, (lua_Integer)v[0] + 1);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushinteger(L, (lua_Integer)v[2 * i + 1]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushinteger(L, found);
  return 3;
}
