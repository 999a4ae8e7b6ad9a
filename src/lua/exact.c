/* Exact arithmetic, for certificates: linear equations over the rationals (GMP), of which every double is one. */
#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/nl_lua.h"

#define EXACT_TYPE "nn.Exact"

enum { MOST = 512 }; /* rows and columns */

/* rows x (cols + 1) rationals: a system with its right side. A userdata, so that nothing leaks when Lua raises. */
typedef struct exact {
  int rows, cols;
  bool ready;
  mpq_t *q;
} exact;

static int exact_gc(lua_State *L) {
  exact *e = luaL_checkudata(L, 1, EXACT_TYPE);
  if (e->ready) {
    for (int i = 0; i < e->rows * (e->cols + 1); i++) {
      mpq_clear(e->q[i]);
    }
    free(e->q);
    e->ready = false;
  }
  return 0;
}

static double number_at(lua_State *L, int table, int i) {
  lua_rawgeti(L, table, i);
  double v = lua_tonumber(L, -1);
  bool ok = lua_type(L, -1) == LUA_TNUMBER && isfinite(v);
  lua_pop(L, 1);
  if (!ok) {
    nl_lua_error(L, "exact: element %d is no finite number", i);
  }
  return v;
}

static mpq_t *entry_at(const exact *e, int row, int col) {
  return &e->q[row * (e->cols + 1) + col];
}

/* Gauss-Jordan with `given` for the columns that get no pivot; pivot columns are tried in the order of `order`. Returns
   false where the equations contradict each other. */
static bool eliminate(exact *e, const int *order, int *pivot_row_of) {
  mpq_t factor, term;
  mpq_init(factor);
  mpq_init(term);
  int row = 0;
  for (int c = 0; c < e->cols; c++) {
    pivot_row_of[c] = -1;
  }
  for (int k = 0; k < e->cols && row < e->rows; k++) {
    int c = order[k], found = -1;
    for (int r = row; r < e->rows && found < 0; r++) {
      found = mpq_sgn(*entry_at(e, r, c)) != 0 ? r : -1;
    }
    if (found < 0) {
      continue;
    }
    for (int j = 0; j <= e->cols; j++) {
      if (found != row) {
        mpq_swap(*entry_at(e, found, j), *entry_at(e, row, j));
      }
    }
    mpq_inv(factor, *entry_at(e, row, c));
    for (int j = 0; j <= e->cols; j++) {
      mpq_mul(*entry_at(e, row, j), *entry_at(e, row, j), factor);
    }
    for (int r = 0; r < e->rows; r++) {
      if (r != row && mpq_sgn(*entry_at(e, r, c)) != 0) {
        mpq_set(factor, *entry_at(e, r, c));
        for (int j = 0; j <= e->cols; j++) {
          mpq_mul(term, factor, *entry_at(e, row, j));
          mpq_sub(*entry_at(e, r, j), *entry_at(e, r, j), term);
        }
      }
    }
    pivot_row_of[c] = row++;
  }
  bool consistent = true;
  for (int r = row; r < e->rows; r++) {
    consistent = consistent && mpq_sgn(*entry_at(e, r, e->cols)) == 0;
  }
  mpq_clear(factor);
  mpq_clear(term);
  return consistent;
}

/* exact_solve(rows, cols, values, right, given) -> numbers, texts, smallest sign; or nil where there is no solution.
   The exact solution of values (row-major) x = right in which unknowns that the equations leave free have the value
   given[i]; texts are fractions such as "1/2". Unknowns with larger |given| become the dependent ones. */
static int exact_solve(lua_State *L) {
  int rows = (int)luaL_checkinteger(L, 1), cols = (int)luaL_checkinteger(L, 2);
  luaL_argcheck(L, rows > 0 && rows <= MOST && cols > 0 && cols <= MOST, 1, "too large for exact arithmetic");
  for (int i = 3; i <= 5; i++) {
    luaL_checktype(L, i, LUA_TTABLE);
  }
  double given[MOST];
  int order[MOST], pivot[MOST];
  for (int c = 0; c < cols; c++) {
    given[c] = number_at(L, 5, c + 1);
    int k = c;
    while (k > 0 && fabs(given[order[k - 1]]) < fabs(given[c])) {
      order[k] = order[k - 1];
      k--;
    }
    order[k] = c;
  }
  exact *e = lua_newuserdatauv(L, sizeof *e, 0);
  *e = (exact){.rows = rows, .cols = cols};
  luaL_setmetatable(L, EXACT_TYPE);
  e->q = calloc((size_t)rows * ((size_t)cols + 1), sizeof(mpq_t));
  if (!e->q) {
    return nl_lua_error(L, "exact: out of memory");
  }
  for (int i = 0; i < rows * (cols + 1); i++) {
    mpq_init(e->q[i]);
  }
  e->ready = true;
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < cols; c++) {
      mpq_set_d(*entry_at(e, r, c), number_at(L, 3, r * cols + c + 1));
    }
    mpq_set_d(*entry_at(e, r, cols), number_at(L, 4, r + 1));
  }
  if (!eliminate(e, order, pivot)) {
    lua_pushnil(L);
    return 1;
  }
  /* the free unknowns' share is taken from the right sides: column `cols` becomes the dependent unknowns */
  mpq_t value, term;
  mpq_init(value);
  mpq_init(term);
  for (int c = 0; c < cols; c++) {
    if (pivot[c] < 0) {
      mpq_set_d(value, given[c]);
      for (int r = 0; r < rows; r++) {
        mpq_mul(term, *entry_at(e, r, c), value);
        mpq_sub(*entry_at(e, r, cols), *entry_at(e, r, cols), term);
      }
    }
  }
  mpq_clear(value);
  mpq_clear(term);
  int smallest = 1;
  lua_createtable(L, cols, 0);
  lua_createtable(L, cols, 0);
  for (int c = 0; c < cols; c++) {
    char small[400];
    int sign;
    if (pivot[c] >= 0) {
      mpq_t *v = entry_at(e, pivot[c], cols);
      sign = mpq_sgn(*v);
      lua_pushnumber(L, mpq_get_d(*v));
      bool fits = mpz_sizeinbase(mpq_numref(*v), 10) + mpz_sizeinbase(mpq_denref(*v), 10) + 4 < sizeof small;
      lua_pushstring(L, fits ? mpq_get_str(small, 10, *v) : "a long fraction");
    } else {
      sign = (given[c] > 0) - (given[c] < 0);
      lua_pushnumber(L, given[c]);
      snprintf(small, sizeof small, "%.17g", given[c]);
      lua_pushstring(L, small);
    }
    smallest = sign < smallest ? sign : smallest;
    lua_rawseti(L, -3, c + 1);
    lua_rawseti(L, -3, c + 1);
  }
  /* texts were set into the upper table by the first rawseti, numbers into the lower by the second */
  lua_pushinteger(L, smallest);
  return 3;
}

/* exact_sign(w, x, theta) -> the sign of w . x - theta, exactly */
static int exact_sign(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  double theta = luaL_checknumber(L, 3);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  luaL_argcheck(L, n == (lua_Integer)lua_rawlen(L, 2), 2, "of another length");
  exact *e = lua_newuserdatauv(L, sizeof *e, 0);
  *e = (exact){.rows = 1, .cols = 2};
  luaL_setmetatable(L, EXACT_TYPE);
  e->q = calloc(3, sizeof(mpq_t));
  if (!e->q) {
    return nl_lua_error(L, "exact: out of memory");
  }
  for (int i = 0; i < 3; i++) {
    mpq_init(e->q[i]);
  }
  e->ready = true;
  mpq_set_d(e->q[0], -theta);
  for (int i = 1; i <= n; i++) {
    mpq_set_d(e->q[1], number_at(L, 1, i));
    mpq_set_d(e->q[2], number_at(L, 2, i));
    mpq_mul(e->q[1], e->q[1], e->q[2]);
    mpq_add(e->q[0], e->q[0], e->q[1]);
  }
  lua_pushinteger(L, mpq_sgn(e->q[0]));
  return 1;
}

void nl_open_exact(lua_State *L) {
  static const luaL_Reg functions[] = {{"exact_solve", exact_solve}, {"exact_sign", exact_sign}, {NULL, NULL}};
  luaL_newmetatable(L, EXACT_TYPE);
  lua_pushcfunction(L, exact_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
