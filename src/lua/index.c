/* x[key] and x[key] = value:
     x[i]                     one index of the first dim
     x[{i, {2, 5}, {}, {1, -1, 2}}]  an index, a range (both ends included), all, a range with a step, dim by dim
     x[mask]                  a bool tensor
     x[index]                 an int64 tensor of one dim: those slices of the first dim
   Ranges and indices give views, so assigning goes through them. */
#include <string.h>

#include "lua/nl_lua.h"
#include "ops/build.h"
#include "plan/trace.h"

NL_USE(select)
NL_USE(slice)
NL_USE(copy_)
NL_USE(index_select)
NL_USE(masked_select)
NL_USE(masked_fill)
NL_USE(masked_scatter)

static nl_tensor *b_select(nl_build *b, nl_tensor *x, int dim, int64_t index) {
  nl_call c;
  nl_call_init(&c, row_select(), 1, NULL);
  c.in[0] = x;
  c.attr[0] = (nl_attr){.set = true, .i = dim};
  c.attr[1] = (nl_attr){.set = true, .i = index};
  return nl_b_call(b, &c);
}

static nl_tensor *b_slice(nl_build *b, nl_tensor *x, int dim, const int64_t range[3]) {
  nl_call c;
  nl_call_init(&c, row_slice(), 1, NULL);
  c.in[0] = x;
  c.attr[0] = (nl_attr){.set = true, .i = dim};
  for (int i = 0; i < 3; i++) {
    c.attr[i + 1] = (nl_attr){.set = true, .i = range[i]};
  }
  return nl_b_call(b, &c);
}

static nl_tensor *b_pick(nl_build *b, nl_tensor *x, int dim, nl_tensor *index) {
  nl_call c;
  nl_call_init(&c, row_index_select(), 2, NULL);
  c.in[0] = x;
  c.in[1] = index;
  c.attr[0] = (nl_attr){.set = true, .i = dim};
  return nl_b_call(b, &c);
}

/* One entry of x[{...}]. *dim is where the next entry applies. */
static nl_tensor *apply_entry(lua_State *L, nl_build *b, nl_tensor *x, int *dim, bool *copies) {
  if (*dim > x->ndim) {
    b->status = nl_fail("there are more indices than dims (shape %s)", nl_tensor_shape_string(x).s);
    return NULL;
  }
  nl_tensor *index = nl_to_tensor(L, -1);
  int ok = 0;
  lua_Integer i = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
  if (ok) {
    return b_select(b, x, *dim, i);
  }
  if (index && index->dtype == NL_I64) {
    *copies = true;
    return b_pick(b, x, (*dim)++, index);
  }
  if (lua_type(L, -1) != LUA_TTABLE) {
    b->status = nl_fail("an index must be an integer, a range {first, last}, {} for all, or an int64 tensor, but is %s",
                        nl_describe(L, -1).s);
    return NULL;
  }
  int64_t range[3] = {1, -1, 1};
  int n = nl_read_ints(L, lua_gettop(L), range, 3);
  if (n < 0) {
    b->status = NL_ERROR;
    return NULL;
  }
  if (n == 0) {
    (*dim)++;
    return x;
  }
  range[1] = n == 1 ? range[0] : range[1];
  range[2] = n < 3 ? 1 : range[2];
  return b_slice(b, x, (*dim)++, range);
}

/* x[key] for the key at stack index 2; *copies tells that the result is no view. */
static nl_tensor *look_up(lua_State *L, nl_build *b, nl_tensor *x, bool *copies) {
  *copies = false;
  int ok = 0;
  lua_Integer i = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &ok) : 0;
  if (ok) {
    return b_select(b, x, 1, i);
  }
  nl_tensor *index = nl_to_tensor(L, 2);
  if (index) {
    *copies = true;
    return index->dtype == NL_BOOL ? nl_b2(b, row_masked_select(), x, index) : b_pick(b, x, 1, index);
  }
  if (lua_type(L, 2) != LUA_TTABLE) {
    b->status = nl_fail("an index must be an integer, a list such as {1, {2, 5}, {}}, a bool mask or an int64 tensor, "
                        "but is %s",
                        nl_describe(L, 2).s);
    return NULL;
  }
  int dim = 1, n = (int)lua_rawlen(L, 2);
  nl_tensor *t = x;
  for (int k = 1; k <= n && t; k++) {
    lua_rawgeti(L, 2, k);
    t = apply_entry(L, b, t, &dim, copies);
    lua_pop(L, 1);
  }
  return t;
}

static int finish(lua_State *L, nl_build *b, const char *what, nl_tensor *x) {
  nl_status status = b->status;
  nl_build_free(b);
  if (status != NL_OK) {
    if (status == NL_ERROR) {
      nl_error_prefix("%s (x has shape %s)", what, nl_tensor_shape_string(x).s);
    }
    return nl_lua_raise(L);
  }
  return 1;
}

int nl_tensor_index(lua_State *L) {
  nl_lua_account(L);
  nl_tensor *x = nl_check_tensor(L, 1, "x[...]", "x");
  luaL_checkstack(L, 8, NULL);
  nl_box *box = nl_push_box(L);
  nl_build b;
  nl_build_init(&b);
  bool copies;
  nl_tensor *t = look_up(L, &b, x, &copies);
  box->t = b.status == NL_OK ? nl_tensor_ref(t) : NULL;
  return finish(L, &b, "x[...]", x);
}

/* The value to assign, at stack index 3, as a tensor owned by the build or borrowed from the stack. */
static nl_tensor *value_of(lua_State *L, nl_build *b) {
  nl_tensor *t = nl_to_tensor(L, 3);
  if (t) {
    return t;
  }
  if (lua_type(L, 3) == LUA_TNUMBER) {
    b->status = lua_isinteger(L, 3) ? nl_tensor_from_int(lua_tointeger(L, 3), &t)
                                    : nl_tensor_from_double(lua_tonumber(L, 3), &t);
  } else if (lua_type(L, 3) == LUA_TBOOLEAN) {
    b->status = nl_tensor_from_bool(lua_toboolean(L, 3), &t);
  } else if (lua_type(L, 3) == LUA_TTABLE) {
    b->status = nl_tensor_from_table(L, 3, NULL, &t);
  } else {
    b->status = nl_fail("the value must be a number, a tensor or a table of numbers, but is %s", nl_describe(L, 3).s);
  }
  return b->status == NL_OK ? nl_b_own(b, t) : NULL;
}

static void assign(nl_build *b, const nl_op *op, nl_tensor *x, nl_tensor *second, nl_tensor *third) {
  if (b->status == NL_OK) {
    nl_call c;
    nl_call_init(&c, op, third ? 3 : 2, NULL);
    c.in[0] = x;
    c.in[1] = second;
    c.in[2] = third;
    c.inplace = true;
    nl_b_call(b, &c);
  }
}

/* x[index] = value for an int64 tensor: slice by slice */
static void assign_slices(nl_build *b, nl_tensor *x, nl_tensor *index, nl_tensor *value) {
  bool each = value->ndim == x->ndim && value->ndim > 0 && value->shape[0] == index->numel;
  if (index->dtype != NL_I64 || index->ndim != 1) {
    b->status = nl_fail("an index tensor must be int64 with one dim, or a bool mask, but is %s of shape %s",
                        nl_dtype_name(nl_tensor_dtype(index)), nl_tensor_shape_string(index).s);
  }
  for (int64_t i = 0; i < index->numel && b->status == NL_OK; i++) {
    nl_tensor *to = b_select(b, x, 1, nl_tensor_get_int(index, i));
    nl_tensor *from = each ? b_select(b, value, 1, i + 1) : value;
    assign(b, row_copy_(), to, from, NULL);
  }
}

int nl_tensor_newindex(lua_State *L) {
  nl_lua_account(L);
  nl_tensor *x = nl_check_tensor(L, 1, "x[...] = value", "x");
  luaL_checkstack(L, NL_MAX_DIM + 8, NULL);
  nl_build b;
  nl_build_init(&b);
  nl_tensor *value = value_of(L, &b), *index = nl_to_tensor(L, 2);
  if (value && index && index->dtype == NL_BOOL) {
    if (value->numel == 1) {
      nl_tensor *mask = index;
      if (mask->ndim < x->ndim && mask->ndim > 0) { /* a mask over first dims broadcasts from the left */
        int64_t shape[NL_MAX_DIM];
        for (int d = 0; d < x->ndim; d++) {
          shape[d] = d < mask->ndim ? mask->shape[d] : 1;
        }
        mask = nl_b_reshape(&b, mask, x->ndim, shape);
      }
      assign(&b, row_masked_fill(), x, mask, value);
    } else {
      assign(&b, row_masked_scatter(), x, index, nl_b_cast(&b, value, nl_tensor_dtype(x)));
    }
  } else if (value && index && nl_trace_current()) {
    b.status = nl_fail("assigning to the slices an index tensor names cannot be recorded; use index_select, or "
                       "scatter_add, which can");
  } else if (value && index) {
    assign_slices(&b, x, index, value);
  } else if (value) {
    bool copies;
    nl_tensor *place = look_up(L, &b, x, &copies);
    if (b.status == NL_OK && copies) {
      b.status = nl_fail("index tensors among ranges can be read but not assigned to; assign with x[index] = value");
    }
    assign(&b, row_copy_(), place, value, NULL);
  }
  finish(L, &b, "x[...] = value", x);
  return 0;
}
