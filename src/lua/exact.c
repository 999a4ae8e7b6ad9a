/* What stands behind certificates, for our own Lua files: exact sums of products, and the nearest points of hulls, by
   floating point and by rational numbers. Points are float64 tensors, sides a string with a byte (0 or 1) for each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/interrupt.h"
#include "kernels/exact_dot.h"
#include "kernels/exact_hull.h"
#include "kernels/hull.h"
#include "lua/nl_lua.h"

#define HULL_TYPE "nn.ExactHull"

static double number_at(lua_State *L, int table, int64_t i) {
  lua_rawgeti(L, table, i);
  double v = lua_tonumber(L, -1);
  bool ok = lua_type(L, -1) == LUA_TNUMBER && isfinite(v);
  lua_pop(L, 1);
  if (!ok) {
    nl_lua_error(L, "exact: element %d is no finite number", (int)i);
  }
  return v;
}

/* A float64 tensor with `ndim` dims, without gaps. */
static nl_tensor *check_plain(lua_State *L, int index, const char *who, int ndim) {
  nl_tensor *t = nl_check_tensor(L, index, who, "x");
  nl_lua_no_reading(L, who);
  if (nl_tensor_dtype(t) != NL_F64 || t->ndim != ndim || !t->contiguous) {
    nl_lua_error(L, "%s: needs contiguous float64 tensors with %d dims", who, ndim);
  }
  return t;
}

static const uint8_t *check_sides(lua_State *L, int index, const char *who, const nl_tensor *x) {
  size_t n;
  const char *s = luaL_checklstring(L, index, &n);
  if ((int64_t)n != x->shape[0] || !memchr(s, 0, n) || !memchr(s, 1, n)) {
    nl_lua_error(L, "%s: needs the side of each point, 0 or 1, and points of both", who);
  }
  return (const uint8_t *)s;
}

static void *scratch(lua_State *L, int64_t count, size_t size) {
  void *p = lua_newuserdatauv(L, (size_t)count * size + 1, 0);
  memset(p, 0, (size_t)count * size + 1);
  return p;
}

static nl_tensor *push_numbers(lua_State *L, int ndim, const int64_t *shape) {
  nl_box *box = nl_push_box(L);
  nl_tensor *t = NULL;
  nl_lua_check(L, nl_tensor_new(NL_F64, ndim, shape, &t));
  nl_fill_box(L, -1, box, t);
  return t;
}

/* exact_sign(w, x, theta) -> the sign of w . x - theta, exactly; w and x are lists */
static int exact_sign(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  double theta = luaL_checknumber(L, 3), value;
  int64_t n = (int64_t)lua_rawlen(L, 1);
  luaL_argcheck(L, n == (int64_t)lua_rawlen(L, 2), 2, "of another length");
  luaL_argcheck(L, isfinite(theta), 3, "must be finite");
  double *w = scratch(L, 2 * n, sizeof *w);
  for (int64_t i = 0; i < n; i++) {
    w[i] = number_at(L, 1, i + 1);
    w[n + i] = number_at(L, 2, i + 1);
  }
  nl_exact_dots(1, n, w + n, 1, w, &theta, &value);
  lua_pushinteger(L, (value > 0) - (value < 0));
  return 1;
}

/* exact_dots(x, planes) -> for each row of x (n x d) the sum over the rows (w, theta) of planes (parts x (d + 1)) of
   w . x - theta, exactly, then rounded to float64 */
static int exact_dots(lua_State *L) {
  nl_tensor *x = check_plain(L, 1, "exact_dots", 2), *planes = check_plain(L, 2, "exact_dots", 2);
  int64_t n = x->shape[0], d = x->shape[1], parts = planes->shape[0];
  luaL_argcheck(L, planes->shape[1] == d + 1, 2, "of another width");
  double *w = scratch(L, parts * (d + 1), sizeof *w), *theta = w + parts * d;
  const double *from = nl_tensor_data(planes), *points = nl_tensor_data(x);
  for (int64_t p = 0; p < parts; p++) {
    memcpy(w + p * d, from + p * (d + 1), (size_t)d * sizeof *w);
    theta[p] = from[p * (d + 1) + d];
  }
  double *out = nl_tensor_data(push_numbers(L, 1, &n));
  for (int64_t i = 0; i < n; i++) {
    if (nl_interrupt_pending()) {
      nl_lua_check(L, nl_fail_interrupted());
    }
    nl_exact_dots(1, d, points + i * d, parts, w, theta, out + i);
  }
  return 1;
}

/* hull_nearest(x, sides or nil) -> indices, weights, w, rounds: see kernels/hull.h. The points of side 0 have their
   sign changed already. */
static int hull_nearest(lua_State *L) {
  nl_tensor *x = check_plain(L, 1, "hull_nearest", 2);
  nl_hull h = {.n = x->shape[0], .m = x->shape[1], .p = nl_tensor_data(x)};
  luaL_argcheck(L, h.n > 0, 1, "without points");
  h.side = lua_isnil(L, 2) ? NULL : check_sides(L, 2, "hull_nearest", x);
  h.room = h.n < h.m + 2 ? h.n : h.m + 2;
  h.index = scratch(L, h.room, sizeof *h.index);
  h.weight = scratch(L, h.room, sizeof *h.weight);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 0);
  h.w = nl_tensor_data(push_numbers(L, 1, &h.m));
  nl_lua_check(L, nl_hull_nearest(&h));
  for (int64_t i = 0; i < h.k; i++) {
    lua_pushinteger(L, h.index[i] + 1);
    lua_rawseti(L, -4, i + 1);
    lua_pushnumber(L, h.weight[i]);
    lua_rawseti(L, -3, i + 1);
  }
  lua_pushinteger(L, h.rounds);
  return 4;
}

/* hull_nearest_wide(x, sides, center, indices, weights) -> indices, weights (2 x k), w (2 x d), rounds: the same with
   more digits, beginning with these; the sum of the two rows is what was found. Signs are as they are. */
static int hull_nearest_wide(lua_State *L) {
  nl_tensor *x = check_plain(L, 1, "hull_nearest_wide", 2), *center = check_plain(L, 3, "hull_nearest_wide", 1);
  nl_hull h = {.n = x->shape[0], .m = x->shape[1], .p = nl_tensor_data(x), .center = nl_tensor_data(center)};
  h.side = check_sides(L, 2, "hull_nearest_wide", x);
  luaL_argcheck(L, center->shape[0] == h.m, 3, "of another width");
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_checktype(L, 5, LUA_TTABLE);
  h.room = h.n < h.m + 2 ? h.n : h.m + 2;
  h.start = (int64_t)lua_rawlen(L, 4);
  int64_t *start = scratch(L, h.start, sizeof *start);
  double *weight = scratch(L, h.start, sizeof *weight);
  for (int64_t i = 0; i < h.start; i++) {
    start[i] = (int64_t)number_at(L, 4, i + 1) - 1;
    weight[i] = number_at(L, 5, i + 1);
    luaL_argcheck(L, start[i] >= 0 && start[i] < h.n, 4, "no point has this index");
  }
  h.start_index = start;
  h.start_weight = weight;
  h.index = scratch(L, h.room, sizeof *h.index);
  h.weight = scratch(L, 2 * h.room, sizeof *h.weight);
  h.weight_low = h.weight + h.room;
  int64_t shape[2] = {2, h.m};
  lua_createtable(L, 0, 0);
  int list = lua_gettop(L);
  h.w = nl_tensor_data(push_numbers(L, 2, shape));
  h.w_low = h.w + h.m;
  nl_lua_check(L, nl_hull_nearest_wide(&h));
  for (int64_t i = 0; i < h.k; i++) {
    lua_pushinteger(L, h.index[i] + 1);
    lua_rawseti(L, list, i + 1);
  }
  shape[1] = h.k;
  double *weights = nl_tensor_data(push_numbers(L, 2, shape));
  memcpy(weights, h.weight, (size_t)h.k * sizeof *weights);
  memcpy(weights + h.k, h.weight_low, (size_t)h.k * sizeof *weights);
  lua_insert(L, -2);
  lua_pushinteger(L, h.rounds);
  return 4;
}

/* independent_rows(a, tolerance) -> a list of at most as many rows as a has columns; see kernels/hull.h */
static int independent_rows(lua_State *L) {
  nl_tensor *a = check_plain(L, 1, "independent_rows", 2);
  int64_t rows = a->shape[0], cols = a->shape[1];
  luaL_argcheck(L, rows >= cols, 1, "with more columns than rows");
  double *copy = scratch(L, rows * cols, sizeof *copy);
  int64_t *chosen = scratch(L, cols, sizeof *chosen);
  memcpy(copy, nl_tensor_data(a), (size_t)(rows * cols) * sizeof *copy);
  int64_t found = nl_independent_rows(rows, cols, copy, luaL_checknumber(L, 2), chosen);
  if (nl_interrupt_pending()) {
    nl_lua_check(L, nl_fail_interrupted());
  }
  lua_createtable(L, (int)found, 0);
  for (int64_t i = 0; i < found; i++) {
    lua_pushinteger(L, chosen[i] + 1);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int drop_hull(lua_State *L) {
  nl_exact_hull_free(nl_held(L, HULL_TYPE));
  return 0;
}

/* exact_hull(x, sides, indices, weights, limit) -> nil (more than limit active points), or "apart" or "meet", indices,
   weights, texts, parts, tries, margin: see kernels/exact_hull.h. Signs are as they are. */
static int exact_hull(lua_State *L) {
  nl_tensor *x = check_plain(L, 1, "exact_hull", 2);
  const uint8_t *side = check_sides(L, 2, "exact_hull", x);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TTABLE);
  int limit = (int)luaL_checkinteger(L, 5);
  int64_t start = (int64_t)lua_rawlen(L, 3), shape[2] = {NL_EXACT_PARTS, x->shape[1] + 1};
  luaL_argcheck(L, limit >= 2 && limit <= 1000, 5, "out of range");
  int64_t *index = scratch(L, start + limit, sizeof *index);
  double *weight = scratch(L, start + limit, sizeof *weight);
  for (int64_t i = 0; i < start; i++) {
    index[i] = (int64_t)number_at(L, 3, i + 1) - 1;
    weight[i] = number_at(L, 4, i + 1);
    luaL_argcheck(L, index[i] >= 0 && index[i] < x->shape[0], 3, "no point has this index");
  }
  /* the texts' array lies in the same block, which is let go of last */
  nl_exact_hull *h = nl_push_hold(L, sizeof *h + (size_t)limit * sizeof(char *), HULL_TYPE, "__gc", drop_hull);
  *h = (nl_exact_hull){.n = x->shape[0],
                       .d = x->shape[1],
                       .x = nl_tensor_data(x),
                       .side = side,
                       .start = start,
                       .start_index = index,
                       .start_weight = weight,
                       .limit = limit,
                       .text = (char **)(h + 1),
                       .index = index + start,
                       .weight = weight + start};
  int at = lua_gettop(L);
  h->parts = nl_tensor_data(push_numbers(L, 2, shape));
  shape[0] = NL_EXACT_TRIES;
  h->tries = nl_tensor_data(push_numbers(L, 2, shape));
  nl_lua_check(L, nl_exact_hull_nearest(h));
  if (h->answer == NL_EXACT_TOO_LARGE) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushstring(L, h->answer == NL_EXACT_APART ? "apart" : "meet");
  for (int i = 0; i < 3; i++) {
    lua_createtable(L, h->k, 0);
  }
  for (int i = 0; i < h->k; i++) {
    lua_pushinteger(L, h->index[i] + 1);
    lua_rawseti(L, -4, i + 1);
    lua_pushnumber(L, h->weight[i]);
    lua_rawseti(L, -3, i + 1);
    lua_pushstring(L, h->text[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushvalue(L, at + 1);
  lua_pushvalue(L, at + 2);
  lua_pushnumber(L, h->margin);
  return 7;
}

void nl_open_exact(lua_State *L) {
  static const luaL_Reg functions[] = {{"exact_sign", exact_sign},
                                       {"exact_dots", exact_dots},
                                       {"hull_nearest", hull_nearest},
                                       {"hull_nearest_wide", hull_nearest_wide},
                                       {"independent_rows", independent_rows},
                                       {"exact_hull", exact_hull},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
