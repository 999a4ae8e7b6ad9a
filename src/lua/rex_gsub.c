/* gsub. The functions it calls may yield, raise, and use the same pattern: its state is a userdata at a fixed place of
   the stack, and goes on where it was. */
#include <stdlib.h>
#include <string.h>

#include "lua/rex.h"

#define GSUB_TYPE "nn.rex.gsub"

enum { SUBJECT = 1, PATTERN, REPLACEMENT, CONTROL, STATE = 8 };

typedef struct gsub {
  nl_rex_search search;
  nl_rex_text *out; /* what is done of the result */
  nl_rex_text own;
  const char *with; /* a replacement that is a string */
  size_t with_size;
  bool marks;       /* there are %s in it */
  bool control;     /* a function decides */
  lua_Integer most; /* matches to look for; negative: all */
  lua_Integer found, replaced;
  size_t done; /* of the subject */
  size_t v[];
} gsub;

static int gsub_gc(lua_State *L) {
  gsub *g = luaL_checkudata(L, 1, GSUB_TYPE);
  free(g->own.p);
  g->own = (nl_rex_text){NULL, 0, 0};
  return 0;
}

static void add_bytes(lua_State *L, gsub *g, const char *s, size_t n) {
  nl_rex_text *t = g->out;
  if (n >= t->size - t->n) { /* never without a buffer */
    size_t size = 2 * (t->n + n) + 256;
    char *p = size > n ? realloc(t->p, size) : NULL;
    if (!p) {
      nl_lua_error(L, "rex.gsub: out of memory (the result has %lld bytes so far)", (long long)t->n);
    }
    t->p = p;
    t->size = size;
  }
  memcpy(t->p + t->n, s, n);
  t->n += n;
}

/* ---- replacements that are strings ---- */

/* Raises where the string names a group that the pattern does not have. */
static void check_marks(lua_State *L, gsub *g) {
  const char *p = g->with, *end = p + g->with_size;
  while ((p = memchr(p, '%', (size_t)(end - p))) && p + 1 < end) {
    g->marks = true;
    int group = p[1] - '0';
    if (group >= 0 && group <= 9 && (uint32_t)group > g->search.groups && !(group == 1 && g->search.groups == 0)) {
      nl_lua_error(L, "rex.gsub: %%%d in the replacement, but the pattern has %d groups", group, (int)g->search.groups);
    }
    p += 2;
  }
  g->marks = g->marks || p;
}

static void add_group(lua_State *L, gsub *g, uint32_t group) {
  const nl_rex_search *a = &g->search;
  size_t from = a->v[2 * group], to = a->v[2 * group + 1];
  if (group == 0) {
    add_bytes(L, g, a->s + a->from, a->to - a->from);
  } else if ((int)group < a->found && from != PCRE2_UNSET && to > from) {
    add_bytes(L, g, a->s + from, to - from);
  }
}

static void add_filled(lua_State *L, gsub *g) {
  const char *p = g->with, *end = p + g->with_size, *mark;
  while (g->marks && (mark = memchr(p, '%', (size_t)(end - p)))) {
    add_bytes(L, g, p, (size_t)(mark - p));
    p = mark + 1;
    if (p == end) {
      return; /* a percent sign at the end means nothing */
    }
    if (*p >= '0' && *p <= '9') {
      add_group(L, g, g->search.groups ? (uint32_t)(*p - '0') : 0);
    } else {
      add_bytes(L, g, p, 1);
    }
    p++;
  }
  add_bytes(L, g, p, (size_t)(end - p));
}

/* ---- matches in turn ---- */

/* Where to go on: with the next match; with the value of the replacement on the stack; with that and the two results of
   the function that decides. */
enum { SEARCH, VALUE, DECISION };

static int substitute(lua_State *L, gsub *g, int next);

static int go_on(lua_State *L, int status, lua_KContext next) {
  (void)status;
  return substitute(L, lua_touserdata(L, STATE), (int)next);
}

static void push_match(lua_State *L, const gsub *g) {
  lua_pushlstring(L, g->search.s + g->search.from, g->search.to - g->search.from);
}

/* The functions are called in such a way that they may yield. A table with a metatable is indexed by a function in Lua,
   for the same reason. */
static void push_replacement(lua_State *L, gsub *g) {
  const nl_rex_search *a = &g->search;
  if (g->with) {
    size_t start = g->out->n;
    add_filled(L, g);
    lua_pushlstring(L, g->out->p + start, g->out->n - start);
    g->out->n = start;
    return;
  }
  if (lua_type(L, REPLACEMENT) == LUA_TFUNCTION) {
    lua_pushvalue(L, REPLACEMENT);
    int groups = a->groups ? nl_rex_push_groups(L, a, false) : (push_match(L, g), 1);
    lua_callk(L, groups, 1, VALUE, go_on);
    return;
  }
  bool plain = !lua_getmetatable(L, REPLACEMENT);
  lua_settop(L, STATE);
  if (!plain) {
    lua_getiuservalue(L, lua_upvalueindex(NL_REX_MACHINE), NL_REX_INDEX);
    lua_pushvalue(L, REPLACEMENT);
  }
  if (a->groups > 0) {
    nl_rex_push(L, a, 1);
  } else {
    push_match(L, g);
  }
  if (plain) {
    lua_rawget(L, REPLACEMENT);
  } else {
    lua_callk(L, 2, 1, VALUE, go_on);
  }
}

/* Adds the string at index, or the match as it is where there is none. */
static void add_replacement(lua_State *L, gsub *g, int index) {
  if (index && lua_isstring(L, index)) {
    size_t n;
    const char *s = lua_tolstring(L, index, &n);
    add_bytes(L, g, s, n);
    g->replaced++;
  } else {
    add_bytes(L, g, g->search.s + g->search.from, g->search.to - g->search.from);
  }
}

/* The function's first result says what is put in: a string; true: the replacement; false or nil: the match. The second
   says what comes after: a number: so many matches more, without asking; true: all others, without asking. */
static void decide_match(lua_State *L, gsub *g) {
  enum { REPLACEMENT_VALUE = STATE + 1, FIRST, SECOND };
  add_replacement(L, g, lua_isstring(L, FIRST) ? FIRST : lua_toboolean(L, FIRST) ? REPLACEMENT_VALUE : 0);
  if (lua_type(L, SECOND) == LUA_TNUMBER) {
    lua_Integer more = nl_rex_integer(L, SECOND, "gsub", "a number as second result of the control function", 0);
    g->most = g->found + (more < 0 ? 0 : more < LUA_MAXINTEGER - g->found ? more : LUA_MAXINTEGER - g->found);
    g->control = false;
  } else if (lua_toboolean(L, SECOND)) {
    g->control = false;
  }
}

/* Looks for the next match and copies what lies before it; false where there is none. */
static bool next_match(lua_State *L, gsub *g) {
  nl_rex_search *a = &g->search;
  if (g->most >= 0 && g->found >= g->most) {
    return false;
  }
  int found = nl_rex_next(a);
  nl_rex_check(L, a, found);
  if (found >= 0) {
    g->found++;
    add_bytes(L, g, a->s + g->done, a->from - g->done);
    g->done = a->to;
  }
  return found >= 0;
}

static int substitute(lua_State *L, gsub *g, int next) {
  nl_rex_search *a = &g->search;
  for (;;) {
    if (next == SEARCH) {
      if (!next_match(L, g)) {
        break;
      }
      if (g->with && !g->control) {
        add_filled(L, g);
        g->replaced++;
        continue;
      }
      push_replacement(L, g);
      next = VALUE;
    }
    if (next == VALUE) {
      if (!lua_isstring(L, -1) && lua_toboolean(L, -1)) {
        nl_lua_error(L, "rex.gsub: a replacement must be a string or false, but is %s", nl_describe(L, -1).s);
      }
      if (g->control) {
        lua_tolstring(L, -1, NULL); /* a number goes on as a string */
        lua_pushvalue(L, CONTROL);
        lua_pushinteger(L, (lua_Integer)a->from + 1);
        lua_pushinteger(L, (lua_Integer)a->to);
        lua_pushvalue(L, STATE + 1);
        lua_callk(L, 3, 2, DECISION, go_on);
        next = DECISION;
      } else {
        add_replacement(L, g, STATE + 1);
      }
    }
    if (next == DECISION) {
      decide_match(L, g);
    }
    lua_settop(L, STATE);
    next = SEARCH;
  }
  if (g->replaced == 0) {
    lua_pushvalue(L, SUBJECT);
  } else {
    add_bytes(L, g, a->s + g->done, a->n - g->done);
    lua_pushlstring(L, g->out->p, g->out->n);
  }
  lua_pushinteger(L, g->found);
  lua_pushinteger(L, g->replaced);
  return 3;
}

/* ---- the call ---- */

/* n: how many matches at most, or a function that decides. */
static void read_n(lua_State *L, gsub *g) {
  int exact = 0;
  g->most = -1;
  g->control = lua_type(L, CONTROL) == LUA_TFUNCTION;
  if (g->control || lua_isnil(L, CONTROL)) {
    return;
  }
  lua_Integer n = lua_tointegerx(L, CONTROL, &exact);
  if (!exact) {
    nl_lua_error(L, "rex.gsub: n must be an integer (how many matches at most), a function or nil, but is %s",
                 nl_describe(L, CONTROL).s);
  }
  g->most = n < 0 ? 0 : n;
}

static void read_replacement(lua_State *L, gsub *g) {
  switch (lua_type(L, REPLACEMENT)) {
  case LUA_TSTRING:
  case LUA_TNUMBER:
    g->with = lua_tolstring(L, REPLACEMENT, &g->with_size);
    return;
  case LUA_TTABLE:
  case LUA_TFUNCTION:
    return;
  default:
    nl_lua_error(L, "rex.gsub: the replacement must be a string, table or function, but is %s",
                 nl_describe(L, REPLACEMENT).s);
  }
}

/* Without functions to call, the state is on C's stack, and the result grows in a text that all calls use. */
static int run_at_once(lua_State *L, gsub *g) {
  enum { KEEP = 1 << 20 };
  nl_rex_text *text = g->out = &nl_rex_machine_of(L)->text;
  text->n = 0;
  int results = substitute(L, g, SEARCH);
  if (text->size > KEEP) {
    free(text->p);
    *text = (nl_rex_text){NULL, 0, 0};
  }
  return results;
}

/* gsub(subject, pattern, replacement, n, compile flags, match flags, locale) -> result, matches, replacements */
int nl_rex_gsub(lua_State *L) {
  gsub head = {0};
  lua_settop(L, STATE - 1);
  size_t n;
  nl_rex_subject(L, SUBJECT, "gsub", true, &n);
  nl_rex_check_pattern(L, PATTERN, "gsub");
  read_replacement(L, &head);
  read_n(L, &head);
  nl_rex_how how = nl_rex_how_at(L, "gsub", 5, 7);
  uint32_t options = nl_rex_bits(L, 6, "gsub", "the match flags");
  nl_rex *r = nl_rex_get(L, PATTERN, "gsub", how);
  const char *s = lua_tolstring(L, SUBJECT, &n);
  bool at_once = head.with && !head.control;
  size_t few[2 * (NL_REX_FEW + 1)], *v = few;
  gsub *g = &head;
  if (at_once) {
    v = nl_rex_room(L, r, few);
  } else {
    g = lua_newuserdatauv(L, sizeof *g + 2 * ((size_t)r->groups + 1) * sizeof *v, 0);
    *g = head;
    g->out = &g->own;
    v = g->v;
    luaL_setmetatable(L, GSUB_TYPE);
    lua_toclose(L, STATE); /* an error lets go of the result at once */
  }
  nl_rex_begin(&g->search, nl_rex_machine_of(L), r, "gsub", s, n, options, v);
  if (g->with) {
    check_marks(L, g);
  }
  return at_once ? run_at_once(L, g) : substitute(L, g, SEARCH);
}

void nl_rex_open_gsub(lua_State *L) {
  luaL_newmetatable(L, GSUB_TYPE);
  lua_pushcfunction(L, gsub_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, gsub_gc);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
