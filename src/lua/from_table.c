/* Tensors from nested Lua tables. The shape is read along the first elements; a second pass compares and fills. */
#include <math.h>
#include <string.h>

#include "lua/nl_lua.h"
#include "optable/promote.h"

typedef struct reader {
  lua_State *L;
  int ndim;
  int64_t shape[NL_MAX_DIM];
  bool floats, bools, numbers; /* what was seen */
  nl_tensor *out;
  int64_t at;
} reader;

/* True for the `n` that table.pack writes. */
static bool is_count(lua_State *L, int key, int value, lua_Integer n) {
  return lua_type(L, key) == LUA_TSTRING && strcmp(lua_tostring(L, key), "n") == 0 && lua_isinteger(L, value) &&
         lua_tointeger(L, value) == n;
}

nl_status nl_check_list(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  if (luaL_getmetafield(L, index, "__len") != LUA_TNIL) {
    lua_pop(L, 1);
    return nl_fail("a function (__len) says how long the table is; give a plain table of its elements");
  }
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if ((key < 1 || key > n) && !is_count(L, -2, -1, n)) {
      nl_value_text text = nl_describe(L, -2);
      lua_pop(L, 2);
      return n == 0 ? nl_fail("the table is no list: it has no element 1, but as a key %s", text.s)
                    : nl_fail("the table has more than its elements 1 to %lld: as a key %s", (long long)n, text.s);
    }
  }
  return NL_OK;
}

static nl_status measure_table(reader *r, int index) {
  lua_State *L = r->L;
  int top = lua_gettop(L);
  lua_pushvalue(L, index);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (r->ndim == NL_MAX_DIM) {
      lua_settop(L, top);
      return nl_fail("the table is nested deeper than %d levels", NL_MAX_DIM);
    }
    r->shape[r->ndim++] = (int64_t)lua_rawlen(L, -1);
    if (lua_rawlen(L, -1) == 0) {
      break;
    }
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_settop(L, top);
  return NL_OK;
}

/* Calls itself once for each level, at most NL_MAX_DIM deep. Without `out` it only looks. */
static nl_status visit_element(reader *r, int index, int depth) {
  lua_State *L = r->L;
  int type = lua_type(L, index);
  if (depth == r->ndim) {
    if (type == LUA_TNUMBER) {
      r->numbers = true;
      r->floats = r->floats || !lua_isinteger(L, index);
    } else if (type == LUA_TBOOLEAN) {
      r->bools = true;
    } else if (nl_to_tensor(L, index)) {
      return nl_fail("the table holds tensors; join them with nn.stack or nn.cat");
    } else {
      return nl_fail("the table holds %s where a number should be", nl_describe(L, index).s);
    }
    bool held = !r->out || (lua_isinteger(L, index) && r->out->dtype == NL_I64);
    nl_status status =
        held ? NL_OK : nl_rule_element(lua_tonumber(L, index), nl_tensor_dtype(r->out), "the table holds");
    if (status != NL_OK) {
      return status;
    }
    if (r->out && type == LUA_TBOOLEAN) {
      nl_tensor_set_int(r->out, r->at++, lua_toboolean(L, index));
    } else if (r->out && lua_isinteger(L, index)) {
      nl_tensor_set_int(r->out, r->at++, lua_tointeger(L, index));
    } else if (r->out) {
      nl_tensor_set_double(r->out, r->at++, lua_tonumber(L, index));
    }
    return NL_OK;
  }
  if (type != LUA_TTABLE) {
    return nl_fail("the table is uneven: at level %d there is %s where a table of %lld elements should be", depth + 1,
                   nl_describe(L, index).s, (long long)r->shape[depth]);
  }
  int64_t n = (int64_t)lua_rawlen(L, index);
  nl_status status = r->out ? NL_OK : nl_check_list(L, index);
  if (status != NL_OK) {
    return status;
  }
  if (n != r->shape[depth]) {
    return nl_fail("the table is uneven: at level %d one part has %lld elements and another %lld", depth + 1,
                   (long long)r->shape[depth], (long long)n);
  }
  for (int64_t i = 1; i <= n && status == NL_OK; i++) {
    lua_rawgeti(L, index, i);
    status = visit_element(r, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
  return status;
}

nl_status nl_tensor_from_table(lua_State *L, int index, const nl_dtype *dtype, nl_tensor **out) {
  *out = NULL;
  if (!lua_checkstack(L, NL_MAX_DIM + 8)) {
    return nl_fail("the Lua stack is full");
  }
  reader r = {.L = L};
  nl_status status = measure_table(&r, index);
  status = status == NL_OK ? visit_element(&r, index, 0) : status;
  if (status != NL_OK) {
    return status;
  }
  nl_dtype type = r.floats || !(r.numbers || r.bools) ? NL_DEFAULT_FLOAT : (r.numbers ? NL_I64 : NL_BOOL);
  status = nl_tensor_new(dtype ? *dtype : type, r.ndim, r.shape, out);
  if (status == NL_OK) {
    r.out = *out;
    status = visit_element(&r, index, 0);
  }
  if (status != NL_OK) {
    nl_tensor_unref(*out);
    *out = NULL;
  }
  return status;
}
