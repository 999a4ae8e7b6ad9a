/* x[key] and x[key] = value:
     x[i]                     one index of the first dim
     x[{i, {2, 5}, {}, {1, -1, 2}}]  an index, a range (both ends included), all, a range with a step, dim by dim
     x[{"...", i}]            "..." stands for all dims that are not named
     x[mask]                  a bool tensor, over the first dims
     x[index]                 an int64 tensor: those slices of the first dim
     x[{{}, index, mask}]     tensors among the others; several are read together, and broadcast
   Indices and ranges give views, so assigning goes through them; tensors give copies. Where the dims that tensors pick
   from are neighbours, the result has the tensors' dims in their place, else in front (NumPy's rule; an index that is a
   number is applied before, as PyTorch does). */
#include <string.h>

#include "compile/trace.h"
#include "lua/nl_lua.h"
#include "optable/helpers.h"
#include "optable/iterate.h"

enum { MAX_PICKS = 4 }; /* tensors that the op `index` takes */

/* What a key says: a view, and the dims (from 1) of it that tensors pick from. */
typedef struct selection {
  nl_tensor *view;
  int picks, dim[MAX_PICKS];
  nl_tensor *index[MAX_PICKS];
} selection;

static nl_tensor *slice_of(nl_build *b, nl_tensor *x, int64_t dim, const int64_t range[3]) {
  return nl_b_do(b, op_slice(), "tiiii", x, dim, range[0], range[1], range[2]);
}

static void add_pick(nl_build *b, selection *p, int dim, nl_tensor *index) {
  if (p->picks == MAX_PICKS) {
    nl_b_fail(b, "at most %d dims can be picked from by tensors at once", MAX_PICKS);
    return;
  }
  p->dim[p->picks] = dim;
  p->index[p->picks++] = index;
}

/* A mask picks from as many dims as it has: by the positions where it holds. */
static void add_mask(nl_build *b, selection *p, int *dim, nl_tensor *mask) {
  const nl_tensor *x = p->view;
  bool fits = *dim - 1 + mask->ndim <= x->ndim && mask->ndim > 0;
  for (int d = 0; fits && d < mask->ndim; d++) {
    fits = mask->shape[d] == x->shape[*dim - 1 + d];
  }
  if (!fits) {
    nl_b_fail(b, "a mask of shape %s does not go with the dims from %d on of shape %s", nl_tensor_shape_string(mask).s,
              *dim, nl_tensor_shape_string(x).s);
    return;
  }
  nl_tensor *at = nl_b1(b, op_nonzero(), mask);
  for (int d = 0; d < mask->ndim && b->status == NL_OK; d++) {
    add_pick(b, p, (*dim)++, b_select(b, at, 2, d + 1));
  }
}

static void add_tensor(nl_build *b, selection *p, int *dim, nl_tensor *index) {
  if (index->dtype == NL_BOOL) {
    add_mask(b, p, dim, index);
  } else if (index->dtype == NL_I64) {
    add_pick(b, p, (*dim)++, index);
  } else {
    nl_b_fail(b, "an index tensor must be int64 (positions from 1) or bool (a mask), but is %s of shape %s",
              nl_dtype_name(nl_tensor_dtype(index)), nl_tensor_shape_string(index).s);
  }
}

/* How many dims an entry names: a mask as many as it has. */
static int dims_named(lua_State *L, int index) {
  const nl_tensor *t = nl_to_tensor(L, index);
  return t && t->dtype == NL_BOOL ? t->ndim : 1;
}

/* One entry of x[{...}], on top of the stack. *dim is where it applies, and then where the next one does. */
static void apply_key(lua_State *L, nl_build *b, selection *p, int *dim) {
  nl_tensor *x = p->view, *index = nl_to_tensor(L, -1);
  if (*dim > x->ndim) {
    nl_b_fail(b, "there are more indices than dims (shape %s)", nl_tensor_shape_string(x).s);
    return;
  }
  int ok = 0;
  lua_Integer i = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
  if (ok) {
    p->view = b_select(b, x, *dim, i);
    return;
  }
  if (index) {
    add_tensor(b, p, dim, index);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) {
    b->status =
        nl_fail("an index must be an integer, a range {first, last}, {} for all, \"...\", an int64 tensor or a bool "
                "mask, but is %s",
                nl_describe(L, -1).s);
    return;
  }
  int64_t range[3] = {1, -1, 1};
  int n = nl_read_ints(L, lua_gettop(L), range, 3);
  if (n < 0) {
    b->status = NL_ERROR;
    return;
  }
  if (n > 0) {
    range[1] = n == 1 ? range[0] : range[1];
    range[2] = n < 3 ? 1 : range[2];
    p->view = slice_of(b, x, *dim, range);
  }
  (*dim)++;
}

/* The entries of the list at stack index 2. */
static void apply_list(lua_State *L, nl_build *b, selection *p) {
  int dim = 1, n = (int)lua_rawlen(L, 2), named = 0;
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(L, 2, k);
    named += lua_type(L, -1) == LUA_TSTRING ? 0 : dims_named(L, -1);
    lua_pop(L, 1);
  }
  int rest = p->view->ndim - named;
  for (int k = 1; k <= n && b->status == NL_OK; k++) {
    lua_rawgeti(L, 2, k);
    if (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "...") == 0) {
      dim += rest > 0 ? rest : 0;
      rest = 0; /* a second one stands for none */
    } else {
      apply_key(L, b, p, &dim);
    }
    lua_pop(L, 1);
  }
}

/* What the key at stack index 2 names in x. */
static selection look_up(lua_State *L, nl_build *b, nl_tensor *x) {
  selection p = {.view = x};
  int ok = 0, dim = 1;
  lua_Integer i = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &ok) : 0;
  nl_tensor *index = nl_to_tensor(L, 2);
  if (ok) {
    p.view = b_select(b, x, 1, i);
  } else if (index && x->ndim == 0) {
    nl_b_fail(b, "a 0-dim tensor cannot be indexed; x:item() gives its value");
  } else if (index) {
    add_tensor(b, &p, &dim, index);
  } else if (lua_type(L, 2) == LUA_TTABLE) {
    apply_list(L, b, &p);
  } else {
    nl_b_fail(b,
              "an index must be an integer, a list such as {1, {2, 5}, {}}, a bool mask or an int64 tensor, "
              "but is %s",
              nl_describe(L, 2).s);
  }
  return p;
}

/* The dims that tensors pick from brought to the front. */
static nl_tensor *picked_first(nl_build *b, const selection *p) {
  int64_t order[NL_MAX_DIM];
  int n = 0;
  for (int k = 0; k < p->picks; k++) {
    order[n++] = p->dim[k];
  }
  for (int d = 1; d <= p->view->ndim; d++) {
    bool picked = false;
    for (int k = 0; k < p->picks; k++) {
      picked = picked || p->dim[k] == d;
    }
    if (!picked) {
      order[n++] = d;
    }
  }
  return b_permute(b, p->view, order);
}

/* How the result's dims lie: `joint` dims of the tensors, then the rest; where the picked dims are neighbours, `before`
   of the rest stand in front of them. */
typedef struct layout {
  int joint, rest, before;
} layout;

static layout find_layout(nl_build *b, const selection *p) {
  layout l = {.rest = p->view->ndim - p->picks};
  int64_t shape[NL_MAX_DIM];
  for (int k = 0; k < p->picks && b->status == NL_OK; k++) {
    int64_t so_far[NL_MAX_DIM];
    memcpy(so_far, shape, (size_t)l.joint * sizeof *shape);
    b->status = nl_broadcast_shapes(l.joint, so_far, p->index[k]->ndim, p->index[k]->shape, &l.joint, shape);
  }
  bool neighbours = true;
  for (int k = 1; k < p->picks; k++) {
    neighbours = neighbours && p->dim[k] == p->dim[k - 1] + 1;
  }
  l.before = neighbours ? p->dim[0] - 1 : 0;
  return l;
}

/* From the ops' order of dims (tensors' first) to the user's, or back. */
static nl_tensor *reordered(nl_build *b, nl_tensor *t, layout l, bool back) {
  if (l.before == 0) {
    return t;
  }
  int64_t order[NL_MAX_DIM];
  int first = back ? l.before : l.joint, second = back ? l.joint : l.before, n = 0;
  for (int d = 0; d < second; d++) {
    order[n++] = first + d + 1;
  }
  for (int d = 0; d < first; d++) {
    order[n++] = d + 1;
  }
  for (int d = n; d < l.joint + l.rest; d++) {
    order[n++] = d + 1;
  }
  return b_permute(b, t, order);
}

static nl_tensor *read_selection(nl_build *b, const selection *p) {
  if (b->status != NL_OK || p->picks == 0) {
    return p->view;
  }
  if (p->picks == 1 && p->index[0]->ndim == 1) {
    return b_index_select(b, p->view, p->dim[0], p->index[0]);
  }
  layout l = find_layout(b, p);
  nl_tensor *first = picked_first(b, p), *const *i = p->index;
  nl_call c;
  nl_call_init(&c, op_index(), 5, NULL);
  c.in[0] = first;
  for (int k = 0; k < p->picks; k++) {
    c.in[k + 1] = i[k];
  }
  return reordered(b, nl_b_call(b, &c), l, false);
}

static int finish(lua_State *L, nl_build *b, const char *what, nl_tensor *x) {
  nl_status status = b->status;
  nl_build_free(b);
  nl_lua_set_running(NULL);
  if (status != NL_OK) {
    if (status == NL_ERROR) {
      nl_error_prefix("%s (x has shape %s)", what, nl_tensor_shape_string(x).s);
    }
    return nl_lua_raise(L);
  }
  return 1;
}

/* Whether ipairs asks: a function of C between this one and the loop. */
static bool asked_by_ipairs(lua_State *L) {
  lua_Debug ar;
  return lua_isinteger(L, 2) && lua_getstack(L, 1, &ar) && lua_getinfo(L, "nS", &ar) && *ar.what == 'C' && ar.name &&
         strcmp(ar.name, "for iterator") == 0;
}

int nl_tensor_index(lua_State *L) {
  nl_lua_account(L);
  nl_lua_set_running(L);
  nl_tensor *x = nl_check_tensor(L, 1, "x[...]", "x");
  luaL_checkstack(L, 8, NULL);
  nl_box *box = nl_push_box(L);
  nl_build b;
  nl_build_init(&b);
  nl_tensor *mask = nl_to_tensor(L, 2), *t;
  if (mask && mask->dtype == NL_BOOL) { /* one pass over the values */
    t = nl_b2(&b, op_masked_select(), x, mask);
  } else {
    selection p = look_up(L, &b, x);
    t = read_selection(&b, &p);
  }
  box->t = b.status == NL_OK ? nl_tensor_ref(t) : NULL;
  if (b.status == NL_ERROR && asked_by_ipairs(L)) {
    nl_fail("%s; ipairs does not end with the last slice: use pairs(x)", nl_error_message());
  }
  finish(L, &b, "x[...]", x);
  nl_fill_box(L, -1, box, box->t);
  return 1;
}

/* The value to assign, at stack index 3, as a tensor owned by the build or borrowed from the stack. */
static nl_tensor *assigned_value(lua_State *L, nl_build *b, const nl_tensor *x) {
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
    nl_dtype dtype = nl_tensor_dtype(x);
    b->status = nl_tensor_from_table(L, 3, &dtype, &t);
  } else {
    nl_b_fail(b, "the value must be a number, a tensor or a table of numbers, but is %s", nl_describe(L, 3).s);
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

/* x[index] = value for a vector of positions: slice by slice, without a copy of x */
static void assign_slices(nl_build *b, nl_tensor *x, nl_tensor *index, nl_tensor *value) {
  bool each = value->ndim == x->ndim && value->ndim > 0 && value->shape[0] == index->numel;
  for (int64_t i = 0; i < index->numel && b->status == NL_OK; i++) {
    nl_tensor *to = b_select(b, x, 1, nl_tensor_get_int(index, i));
    nl_tensor *from = each ? b_select(b, value, 1, i + 1) : value;
    assign(b, op_copy_(), to, from, NULL);
  }
}

static void write_selection(nl_build *b, const selection *p, nl_tensor *value) {
  if (b->status != NL_OK || p->picks == 0) {
    assign(b, op_copy_(), p->view, value, NULL);
    return;
  }
  layout l = find_layout(b, p);
  if (b->status == NL_OK && l.before > 0 && value->ndim > 0) {
    int64_t wide[NL_MAX_DIM];
    int missing = l.joint + l.rest - value->ndim;
    if (missing < 0) {
      b->status =
          nl_fail("a value of shape %s does not fit into %d dims", nl_tensor_shape_string(value).s, l.joint + l.rest);
      return;
    }
    for (int d = 0; d < l.joint + l.rest; d++) {
      wide[d] = d < missing ? 1 : value->shape[d - missing];
    }
    value = reordered(b, nl_b_reshape(b, value, l.joint + l.rest, wide), l, true);
  }
  if (b->status != NL_OK) {
    return;
  }
  nl_call c;
  nl_call_init(&c, op_index_put(), 6, NULL);
  c.in[0] = picked_first(b, p);
  c.in[1] = value;
  for (int k = 0; k < p->picks; k++) {
    c.in[k + 2] = p->index[k];
  }
  c.inplace = true;
  nl_b_call(b, &c);
}

int nl_tensor_newindex(lua_State *L) {
  nl_lua_account(L);
  nl_lua_set_running(L);
  nl_tensor *x = nl_check_tensor(L, 1, "x[...] = value", "x");
  luaL_checkstack(L, NL_MAX_DIM + 8, NULL);
  nl_build b;
  nl_build_init(&b);
  nl_tensor *value = assigned_value(L, &b, x), *index = nl_to_tensor(L, 2);
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
      assign(&b, op_masked_fill(), x, mask, value);
    } else {
      assign(&b, op_masked_scatter(), x, index, nl_b_cast(&b, value, nl_tensor_dtype(x)));
    }
  } else if (value && index && index->ndim == 1 && index->dtype == NL_I64 && !nl_trace_current()) {
    assign_slices(&b, x, index, value);
  } else if (value) {
    selection p = look_up(L, &b, x);
    write_selection(&b, &p, value);
  }
  finish(L, &b, "x[...] = value", x);
  return 0;
}
