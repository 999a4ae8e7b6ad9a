/* All matches in turn: gmatch, split, count. */
#include "lua/observe.h"
#include "lua/rex.h"

/* ---- iterators ---- */

/* A userdata, with room for the offsets of the last match behind it. */
typedef struct iterator {
  nl_rex_search search;
  size_t piece; /* split: where the next part begins */
  bool ended;
  size_t v[];
} iterator;

/* The upvalues of an iterator's function after those all have: the userdata, and what it points to. */
enum { ITERATOR = NL_REX_UPVALUES + 1, SUBJECT, PATTERN };

static int begin_each(lua_State *L, const char *who, lua_CFunction step) {
  size_t n;
  nl_rex_subject(L, 1, who, true, &n);
  nl_rex_check_pattern(L, 2, who);
  nl_rex_how how = nl_rex_how_at(L, who, 3, 5);
  uint32_t options = nl_rex_bits(L, 4, who, "the match flags");
  nl_rex *r = nl_rex_get(L, 2, who, how);
  for (int i = 1; i <= NL_REX_UPVALUES; i++) {
    lua_pushvalue(L, lua_upvalueindex(i));
  }
  iterator *it = lua_newuserdatauv(L, sizeof *it + 2 * ((size_t)r->groups + 1) * sizeof(size_t), 0);
  it->piece = 0;
  it->ended = false;
  const char *s = lua_tolstring(L, 1, &n);
  nl_rex_begin(&it->search, nl_rex_machine_of(L), r, who, s, n, options, it->v);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, step, PATTERN);
  return 1;
}

static int gmatch_step(lua_State *L) {
  iterator *it = lua_touserdata(L, lua_upvalueindex(ITERATOR));
  int found = nl_rex_next(&it->search);
  nl_rex_check(L, &it->search, found);
  return found < 0 ? 0 : nl_rex_push_groups(L, &it->search, true);
}

/* gmatch(subject, pattern, compile flags, match flags, locale) -> an iterator over the groups of each match, or the
   whole match where the pattern has no groups */
int nl_rex_gmatch(lua_State *L) {
  return begin_each(L, "gmatch", gmatch_step);
}

/* An empty match where the last separator ended is none: the next one is looked for one character on. */
static int next_separator(iterator *it) {
  nl_rex_search *a = &it->search;
  while (a->at <= a->n) {
    int found = nl_rex_find(a, a->at);
    if (found < 0) {
      return found;
    }
    a->to = a->v[1] > it->piece ? a->v[1] : it->piece;
    a->from = a->v[0] < it->piece ? it->piece : a->v[0] > a->to ? a->to : a->v[0];
    if (a->to > a->from || a->to != a->last_end) {
      a->last_end = a->to;
      a->at = a->to > a->from ? a->to : nl_rex_step(a, a->to);
      return found;
    }
    a->at = nl_rex_step(a, a->at);
  }
  return PCRE2_ERROR_NOMATCH;
}

static int split_step(lua_State *L) {
  iterator *it = lua_touserdata(L, lua_upvalueindex(ITERATOR));
  nl_rex_search *a = &it->search;
  if (it->ended) {
    return 0;
  }
  int found = next_separator(it);
  nl_rex_check(L, a, found);
  size_t piece = it->piece;
  if (found < 0) {
    it->ended = true;
    lua_pushlstring(L, a->s + piece, a->n - piece);
    return 1;
  }
  it->piece = a->to;
  lua_pushlstring(L, a->s + piece, a->from - piece);
  return 1 + nl_rex_push_groups(L, a, true);
}

/* split(subject, separator, compile flags, match flags, locale) -> an iterator over the parts between separators: each
   with the separator's groups (or the separator), the last one alone */
int nl_rex_split(lua_State *L) {
  return begin_each(L, "split", split_step);
}

/* ---- counting ---- */

/* count(subject, pattern, compile flags, match flags, locale) -> how many matches there are */
int nl_rex_count(lua_State *L) {
  size_t n;
  const char *s = nl_rex_subject(L, 1, "count", false, &n);
  nl_rex_check_pattern(L, 2, "count");
  nl_rex_how how = nl_rex_how_at(L, "count", 3, 5);
  uint32_t options = nl_rex_bits(L, 4, "count", "the match flags");
  nl_rex *r = nl_rex_get(L, 2, "count", how);
  nl_rex_search a;
  size_t few[2 * (NL_REX_FEW + 1)];
  nl_rex_begin(&a, nl_rex_machine_of(L), r, "count", s, n, options, nl_rex_room(L, r, few));
  lua_Integer count = 0;
  int found;
  while ((found = nl_rex_next(&a)) >= 0) {
    count++;
  }
  nl_rex_check(L, &a, found);
  lua_pushinteger(L, count);
  return 1;
}

void nl_rex_open_each(void) {
  nl_observe_iterator(gmatch_step);
  nl_observe_iterator(split_step);
}
