/* The tensor userdata: properties, conversions, operators. Ops of the op table come from ops.c. */
#include <stdlib.h>
#include <string.h>

#include "autograd/tape.h"
#include "compile/trace.h"
#include "lua/nl_lua.h"
#include "optable/helpers.h"
#include "tensor/format.h"

/* ---- making ---- */

static const char *tensor_option_at(void *ctx, int i) {
  (void)ctx;
  static const char *const names[] = {"dtype", "requires_grad"};
  return i < 2 ? names[i] : NULL;
}

/* tensor(values, {dtype =, requires_grad =}): from a number, a boolean, nested tables, or another tensor (a copy) */
static int tensor_new(lua_State *L) {
  nl_lua_account(L);
  bool has_dtype = false, requires_grad = false;
  nl_dtype dtype = NL_DEFAULT_FLOAT;
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, 2)) {
      const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
      if (strcmp(name, "dtype") == 0) {
        has_dtype = nl_read_dtype(L, -1, "dtype", &dtype) == NL_OK;
        if (!has_dtype) {
          return nl_lua_error(L, "tensor: %s", nl_error_message());
        }
      } else if (strcmp(name, "requires_grad") == 0) {
        requires_grad = lua_toboolean(L, -1);
      } else {
        const char *near = nl_nearest(name, tensor_option_at, NULL);
        return nl_lua_error(L, "tensor: has no option '%s'%s%s%s", name, near ? "; did you mean '" : "",
                            near ? near : " (it takes dtype, requires_grad)", near ? "'?" : "");
      }
      lua_pop(L, 1);
    }
  } else if (!lua_isnil(L, 2)) {
    return nl_lua_error(L, "tensor: the options must be a table, e.g. {dtype = \"float64\"}, but are %s",
                        nl_describe(L, 2).s);
  }
  int type = lua_type(L, 1);
  nl_tensor *source = nl_to_tensor(L, 1);
  if (!source && type != LUA_TTABLE && type != LUA_TNUMBER && type != LUA_TBOOLEAN) {
    return nl_lua_error(L, "tensor: values must be a number or nested tables of numbers, but are %s",
                        nl_describe(L, 1).s);
  }
  nl_box *box = nl_push_box(L);
  if (source) {
    nl_call c;
    nl_call_init(&c, op_to(), 1, NULL);
    c.in[0] = source;
    c.attr[nl_to_dtype] = (nl_attr){.set = true, .i = has_dtype ? dtype : nl_tensor_dtype(source)};
    bool was = nl_grad_set_enabled(false);
    nl_status status = nl_dispatch(&c);
    nl_grad_set_enabled(was);
    nl_lua_check(L, status);
    box->t = c.out[0];
  } else {
    nl_status status = nl_tensor_from_table(L, 1, has_dtype ? &dtype : NULL, &box->t);
    if (status != NL_OK) {
      nl_error_prefix("tensor");
      return nl_lua_raise(L);
    }
  }
  if (requires_grad) {
    nl_lua_check(L, nl_set_requires_grad(box->t, true));
  }
  return 1;
}

/* ---- reading ---- */

static void push_element(lua_State *L, const nl_tensor *t, int64_t i) {
  switch (nl_tensor_dtype(t)) {
  case NL_BOOL:
    lua_pushboolean(L, nl_tensor_get_int(t, i) != 0);
    break;
  case NL_U8:
  case NL_I64:
    lua_pushinteger(L, nl_tensor_get_int(t, i));
    break;
  default:
    lua_pushnumber(L, nl_tensor_get_double(t, i));
  }
}

static int tensor_item(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "item", "x");
  nl_lua_no_reading(L, "item");
  if (t->numel != 1) {
    return nl_lua_error(L, "item: the tensor has %lld elements (shape %s); item is for one. Use totable, or reduce it",
                        (long long)t->numel, nl_tensor_shape_string(t).s);
  }
  push_element(L, t, 0);
  return 1;
}

static void push_nested_table(lua_State *L, const nl_tensor *t, int dim, int64_t position) {
  if (dim == t->ndim) {
    push_element(L, t, position);
    return;
  }
  int64_t n = t->shape[dim];
  lua_createtable(L, n < 1 << 26 ? (int)n : 0, 0);
  for (int64_t i = 0; i < n; i++) {
    push_nested_table(L, t, dim + 1, position * n + i);
    lua_rawseti(L, -2, i + 1);
  }
}

static int tensor_totable(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "totable", "x");
  nl_lua_no_reading(L, "totable");
  luaL_checkstack(L, t->ndim + 4, NULL);
  push_nested_table(L, t, 0, 0);
  return 1;
}

static int shape_tostring(lua_State *L) {
  int64_t shape[NL_MAX_DIM];
  int n = lua_istable(L, 1) ? nl_read_ints(L, 1, shape, NL_MAX_DIM) : -1;
  lua_pushstring(L, n < 0 ? "?" : nl_shape_string(n, shape).s);
  return 1;
}

static int shape_eq(lua_State *L) {
  int64_t a[NL_MAX_DIM], b[NL_MAX_DIM];
  int n = lua_istable(L, 1) ? nl_read_ints(L, 1, a, NL_MAX_DIM) : -1;
  int m = lua_istable(L, 2) ? nl_read_ints(L, 2, b, NL_MAX_DIM) : -1;
  lua_pushboolean(L, n >= 0 && n == m && memcmp(a, b, (size_t)n * sizeof *a) == 0);
  return 1;
}

/* What a shape does not have: nil, but for 0, which is a slip of those who count from there; negative ones count back.
 */
static int shape_index(lua_State *L) {
  int is_integer;
  lua_Integer i = lua_tointegerx(L, 2, &is_integer), n = (lua_Integer)lua_rawlen(L, 1);
  if (is_integer && lua_type(L, 2) == LUA_TNUMBER && i == 0) {
    return nl_lua_error(L, "shape[0]: dims count from 1 here: shape[1] is the first, shape[-1] the last");
  }
  if (is_integer && lua_type(L, 2) == LUA_TNUMBER && i < 0 && -i <= n) {
    lua_rawgeti(L, 1, n + 1 + i);
    return 1;
  }
  lua_pushnil(L);
  return 1;
}

static void push_shape(lua_State *L, const nl_tensor *t) {
  lua_createtable(L, t->ndim, 0);
  for (int i = 0; i < t->ndim; i++) {
    lua_pushinteger(L, t->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
  if (luaL_newmetatable(L, "nn.Shape")) {
    lua_pushcfunction(L, shape_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, shape_eq);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, shape_index);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
}

/* size() -> the shape; size(dim) -> one size */
static int tensor_size(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "size", "x");
  if (lua_isnoneornil(L, 2)) {
    push_shape(L, t);
    return 1;
  }
  int ok;
  lua_Integer dim = lua_tointegerx(L, 2, &ok);
  lua_Integer d = dim < 0 ? dim + t->ndim : dim - 1;
  if (!ok || d < 0 || d >= t->ndim) {
    return nl_lua_error(L, "size: dim must be 1 to %d or -%d to -1 for shape %s, but is %s", t->ndim, t->ndim,
                        nl_tensor_shape_string(t).s, nl_describe(L, 2).s);
  }
  lua_pushinteger(L, t->shape[d]);
  return 1;
}

/* is_tensor(value) -> true for tensors */
static int is_tensor(lua_State *L) {
  lua_pushboolean(L, nl_to_tensor(L, 1) != NULL);
  return 1;
}

/* has_features(value, n) -> true for tensors whose last dim has n elements: what layers ask first */
static int has_features(lua_State *L) {
  const nl_tensor *t = nl_to_tensor(L, 1);
  lua_pushboolean(L, t && t->ndim > 0 && t->shape[t->ndim - 1] == lua_tointeger(L, 2));
  return 1;
}

static int tensor_numel(lua_State *L) {
  lua_pushinteger(L, nl_check_tensor(L, 1, "numel", "x")->numel);
  return 1;
}

static int tensor_dim(lua_State *L) {
  lua_pushinteger(L, nl_check_tensor(L, 1, "dim", "x")->ndim);
  return 1;
}

static int tensor_stride(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "stride", "x");
  lua_createtable(L, t->ndim, 0);
  for (int i = 0; i < t->ndim; i++) {
    lua_pushinteger(L, t->strides[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int tensor_is_contiguous(lua_State *L) {
  lua_pushboolean(L, nl_check_tensor(L, 1, "is_contiguous", "x")->contiguous);
  return 1;
}

/* x itself when it is laid out row by row already, else a copy that is */
static int tensor_contiguous(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "contiguous", "x");
  lua_settop(L, 1);
  return t->contiguous ? 1 : nl_lua_call_op(L, op_clone(), false, 1);
}

static int tensor_to(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "to", "x");
  nl_dtype dtype;
  if (lua_gettop(L) == 2 && lua_type(L, 2) == LUA_TSTRING && nl_dtype_parse(lua_tostring(L, 2), &dtype) &&
      dtype == nl_tensor_dtype(t)) {
    lua_settop(L, 1);
    return 1;
  }
  return nl_lua_call_op(L, op_to(), false, 1);
}

static int tensor_t(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "t", "x");
  if (t->ndim > 2) {
    return nl_lua_error(L, "t: transposes matrices, but the shape is %s; use transpose(dim0, dim1)",
                        nl_tensor_shape_string(t).s);
  }
  lua_settop(L, 1);
  if (t->ndim < 2) {
    return 1;
  }
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  return nl_lua_call_op(L, op_transpose(), false, 1);
}

/* True if both have the same shape and every element is equal. */
static int tensor_equal(lua_State *L) {
  nl_tensor *a = nl_check_tensor(L, 1, "equal", "x"), *b = nl_check_tensor(L, 2, "equal", "y");
  nl_lua_no_reading(L, "equal");
  bool same = nl_shape_equal(a, b);
  if (same && a->numel > 0) {
    nl_box *box = nl_push_box(L);
    nl_call c;
    nl_call_init(&c, op_eq(), 2, NULL);
    c.in[0] = a;
    c.in[1] = b;
    nl_lua_check(L, nl_dispatch(&c));
    box->t = c.out[0];
    same = memchr(nl_tensor_data(box->t), 0, (size_t)a->numel) == NULL;
  }
  lua_pushboolean(L, same);
  return 1;
}

/* line_width(n?) -> columns that printed tensors take at most; sets them */
static int line_width(lua_State *L) {
  lua_pushinteger(L, nl_print.linewidth);
  if (!lua_isnoneornil(L, 1)) {
    lua_Integer n = luaL_checkinteger(L, 1);
    nl_print.linewidth = n < 10 ? 10 : (n > 10000 ? 10000 : (int)n);
  }
  return 1;
}

/* set_printoptions{precision =, threshold =, edgeitems =, linewidth =, sci_mode =}; without arguments, as at the start
 */
static const char *print_option_at(void *ctx, int i) {
  (void)ctx;
  static const char *const names[] = {"precision", "threshold", "edgeitems", "linewidth", "sci_mode"};
  return i < 5 ? names[i] : NULL;
}
static int set_printoptions(lua_State *L) {
  nl_print_options o = {.precision = 4, .threshold = 1000, .edgeitems = 3, .linewidth = 100, .sci_mode = -1};
  if (lua_isnoneornil(L, 1)) {
    nl_print = o;
    return 0;
  }
  if (lua_type(L, 1) != LUA_TTABLE) {
    return nl_lua_error(L, "set_printoptions: takes a table, e.g. {precision = 6}, but got %s", nl_describe(L, 1).s);
  }
  o = nl_print;
  int *const at[] = {&o.precision, &o.threshold, &o.edgeitems, &o.linewidth};
  static const int least[] = {0, 0, 1, 20}, most[] = {17, 1 << 24, 1 << 20, 1 << 20};
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    int which = 0, ok = 0;
    while (which < 5 && strcmp(name, print_option_at(NULL, which)) != 0) {
      which++;
    }
    if (which == 5) {
      const char *near = nl_nearest(name, print_option_at, NULL);
      return nl_lua_error(
          L,
          "set_printoptions: has no option '%s'%s%s%s (it takes precision, threshold, edgeitems, linewidth, "
          "sci_mode)",
          name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (which == 4) {
      o.sci_mode = lua_toboolean(L, -1);
    } else {
      lua_Integer v = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
      if (!ok || v < least[which] || v > most[which]) {
        return nl_lua_error(L, "set_printoptions: %s must be an integer from %d to %d, but is %s", name, least[which],
                            most[which], nl_describe(L, -1).s);
      }
      *at[which] = (int)v;
    }
    lua_pop(L, 1);
  }
  nl_print = o;
  return 0;
}

static int push_shown_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

static int tensor_tostring(lua_State *L) {
  nl_tensor *t = nl_to_tensor(L, 1);
  if (!t) {
    lua_pushliteral(L, "tensor(closed)");
    return 1;
  }
  nl_lua_no_reading(L, "tostring");
  char *text = nl_tensor_format(t);
  if (!text) {
    return luaL_error(L, "not enough memory to print a tensor");
  }
  lua_pushcfunction(L, push_shown_text); /* protected, so that the text is freed whatever happens */
  lua_pushlightuserdata(L, text);
  int status = lua_pcall(L, 1, 1, 0);
  free(text);
  return status == LUA_OK ? 1 : lua_error(L);
}

static int tensor_len(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "#", "x");
  if (t->ndim == 0) {
    return nl_lua_error(L, "#: a 0-dim tensor has no length; x:item() gives its value");
  }
  lua_pushinteger(L, t->shape[0]);
  return 1;
}

/* == is identity, since Lua's == must give a boolean. */
static int tensor_eq(lua_State *L) {
  nl_tensor *a = nl_to_tensor(L, 1), *b = nl_to_tensor(L, 2);
  nl_lua_refuse_comparison(L, 1, 2);
  lua_pushboolean(L, a && a == b);
  return 1;
}

static int no_order(lua_State *L) {
  return nl_lua_error(L, "tensors have no single order: Lua's < and <= must give true or false; use x:lt(y), x:le(y), "
                         "x:gt(y) or x:ge(y), which compare element by element");
}

static int no_concat(lua_State *L) {
  return nl_lua_error(L, "a tensor cannot be joined to a string; use tostring(x), or x:item() for one number");
}

/* Lua passes the operand of a unary operator twice. */
static int tensor_unm(lua_State *L) {
  lua_settop(L, 1);
  return nl_lua_call_op(L, op_neg(), false, 1);
}
static int tensor_bnot(lua_State *L) {
  lua_settop(L, 1);
  return nl_lua_call_op(L, op_bitwise_not(), false, 1);
}

/* ---- properties ---- */

static const char *const properties[] = {"shape",        "dtype", "grad", "requires_grad", "is_leaf",
                                         "is_parameter", "ndim",  "T",    "data",          NULL};

static int find_property(const char *name) {
  for (int i = 0; properties[i]; i++) {
    if (strcmp(properties[i], name) == 0) {
      return i;
    }
  }
  return -1;
}

static int push_property(lua_State *L, nl_tensor *t, int which) {
  switch (which) {
  case 0:
    push_shape(L, t);
    return 1;
  case 1:
    lua_pushstring(L, nl_dtype_name(nl_tensor_dtype(t)));
    return 1;
  case 2:
    if (!nl_grad_of(t)) {
      lua_pushnil(L);
    } else {
      nl_box *box = nl_push_box(L);
      nl_fill_box(L, -1, box, nl_tensor_ref(nl_grad_of(t)));
    }
    return 1;
  case 3:
    nl_trace_saw(t->base ? t->base : t);
    nl_trace_saw(t);
    lua_pushboolean(L, nl_requires_grad(t));
    return 1;
  case 4:
    nl_trace_saw(t);
    lua_pushboolean(L, nl_is_leaf(t));
    return 1;
  case 5:
    lua_pushboolean(L, t->is_parameter);
    return 1;
  case 6:
    lua_pushinteger(L, t->ndim);
    return 1;
  case 8: /* the values without their history */
    lua_settop(L, 1);
    lua_getfield(L, 1, "detach");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
  default:
    lua_settop(L, 1);
    return tensor_t(L);
  }
}

/* convert(x, dtype): a leaf, and its gradient, become another float dtype and stay what they are */
static int convert(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "to", "the parameter");
  nl_dtype dtype;
  if (!nl_dtype_parse(luaL_checkstring(L, 2), &dtype) || dtype == nl_tensor_dtype(t)) {
    return 0;
  }
  if (!nl_is_leaf(t) || t->base) {
    return nl_lua_error(L, "to: a tensor of shape %s was computed, and only leaves can be converted in place",
                        nl_tensor_shape_string(t).s);
  }
  nl_lua_refuse(L, "to: a module would be converted only once; do it outside");
  nl_tensor *grad = nl_grad_of(t), *both[2] = {t, grad}, *made[2] = {NULL, NULL};
  bool was = nl_grad_set_enabled(false);
  nl_status status = NL_OK;
  for (int i = 0; i < 2 && status == NL_OK; i++) {
    nl_call c;
    nl_call_init(&c, op_to(), 1, NULL);
    c.in[0] = both[i];
    c.attr[nl_to_dtype] = (nl_attr){.set = true, .i = dtype};
    status = both[i] ? nl_dispatch(&c) : NL_OK;
    made[i] = both[i] && status == NL_OK ? c.out[0] : NULL;
  }
  nl_grad_set_enabled(was);
  status = status == NL_OK ? nl_set_grad(t, NULL) : status;
  if (status == NL_OK) {
    nl_tensor_take_values(t, made[0]);
    status = made[1] ? nl_set_grad(t, made[1]) : NL_OK;
  }
  nl_tensor_unref(made[0]);
  nl_tensor_unref(made[1]);
  nl_lua_check(L, status);
  return 0;
}

typedef struct method_names {
  lua_State *L;
} method_names;

/* Names of methods in some order, then properties. */
static const char *member_at(void *ctx, int i) {
  lua_State *L = ((method_names *)ctx)->L;
  lua_Integer n = (lua_Integer)lua_rawlen(L, lua_upvalueindex(2));
  if (i < n) {
    lua_rawgeti(L, lua_upvalueindex(2), i + 1);
    const char *s = lua_tostring(L, -1);
    lua_pop(L, 1);
    return s;
  }
  return properties[i - n];
}

static const char hint_key = 0;

static int unknown_member(lua_State *L, const char *name) {
  lua_newtable(L); /* the list of names, made only for this message */
  lua_Integer n = 0;
  lua_pushnil(L);
  while (lua_next(L, lua_upvalueindex(1))) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, ++n);
  }
  lua_replace(L, lua_upvalueindex(2));
  const char *near = nl_nearest(name, member_at, &(method_names){L});
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hint_key) == LUA_TFUNCTION) {
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
  }
  if (lua_type(L, -1) == LUA_TSTRING) {
    return nl_lua_error(L, "a tensor has no '%s'; %s", name, lua_tostring(L, -1));
  }
  return nl_lua_error(L, "a tensor has no '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                      near ? "'?" : "");
}

/* set_tensor_hint(f): f(name) -> what a name that tensors do not have is called here, or nil */
static int set_tensor_hint(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &hint_key);
  return 0;
}

/* upvalues: methods; room for a list of names */
static int tensor_index_event(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
      return 1;
    }
    const char *name = lua_tostring(L, 2);
    int property = find_property(name);
    if (property < 0) {
      return unknown_member(L, name);
    }
    return push_property(L, nl_check_tensor(L, 1, name, "x"), property);
  }
  return nl_tensor_index(L);
}

static int tensor_newindex_event(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) {
    return nl_tensor_newindex(L);
  }
  const char *name = lua_tostring(L, 2);
  nl_tensor *t = nl_check_tensor(L, 1, name, "x");
  if (strcmp(name, "grad") == 0) {
    nl_tensor *g = lua_isnil(L, 3) ? NULL : nl_check_tensor(L, 3, "grad", "the gradient");
    nl_lua_check(L, nl_set_grad(t, g));
    return 0;
  }
  if (strcmp(name, "requires_grad") == 0) {
    nl_lua_refuse_setting(L, t, lua_toboolean(L, 3));
    nl_lua_check(L, nl_set_requires_grad(t, lua_toboolean(L, 3)));
    return 0;
  }
  if (strcmp(name, "data") == 0) {
    lua_settop(L, 3);
    nl_check_tensor(L, 3, "data", "the value");
    lua_getfield(L, 1, "data");
    lua_getfield(L, -1, "copy_");
    lua_insert(L, -2);
    lua_pushvalue(L, 3);
    lua_call(L, 2, 0);
    return 0;
  }
  return nl_lua_error(
      L, "a tensor's '%s' cannot be set; data, grad and requires_grad can, and elements as x[i] = value", name);
}

void nl_open_tensor(lua_State *L) {
  static const luaL_Reg methods[] = {{"item", tensor_item},
                                     {"totable", tensor_totable},
                                     {"size", tensor_size},
                                     {"numel", tensor_numel},
                                     {"dim", tensor_dim},
                                     {"stride", tensor_stride},
                                     {"is_contiguous", tensor_is_contiguous},
                                     {"contiguous", tensor_contiguous},
                                     {"t", tensor_t},
                                     {"equal", tensor_equal},
                                     {NULL, NULL}};
  static const luaL_Reg events[] = {{"__tostring", tensor_tostring},
                                    {"__len", tensor_len},
                                    {"__eq", tensor_eq},
                                    {"__lt", no_order},
                                    {"__le", no_order},
                                    {"__concat", no_concat},
                                    {NULL, NULL}};
  static const luaL_Reg functions[] = {{"tensor", tensor_new},
                                       {"equal", tensor_equal},
                                       {"set_printoptions", set_printoptions},
                                       {"is_tensor", is_tensor},
                                       {NULL, NULL}};
  static const luaL_Reg ours[] = {{"convert", convert},
                                  {"line_width", line_width},
                                  {"has_features", has_features},
                                  {"set_tensor_hint", set_tensor_hint},
                                  {NULL, NULL}};
  static const char *const operators[][2] = {{"__add", "add"},
                                             {"__sub", "sub"},
                                             {"__mul", "mul"},
                                             {"__div", "div"},
                                             {"__pow", "pow"},
                                             {"__idiv", "floor_divide"},
                                             {"__mod", "remainder"},
                                             {"__band", "bitwise_and"},
                                             {"__bor", "bitwise_or"},
                                             {"__bxor", "bitwise_xor"},
                                             {"__shl", "bitwise_left_shift"},
                                             {"__shr", "bitwise_right_shift"}};
  luaL_getmetatable(L, NL_TENSOR_TYPE);
  luaL_setfuncs(L, events, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods");
  lua_pushvalue(L, -1);
  lua_newtable(L);
  lua_pushcclosure(L, tensor_index_event, 2);
  lua_setfield(L, -3, "__index");
  lua_pushcfunction(L, tensor_newindex_event);
  lua_setfield(L, -3, "__newindex");
  lua_pop(L, 1);   /* methods */
  lua_newtable(L); /* for completion */
  for (int i = 0; properties[i]; i++) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, properties[i]);
  }
  lua_setfield(L, -2, "properties");
  lua_pop(L, 1); /* metatable */
  nl_open_ops(L);
  luaL_getmetatable(L, NL_TENSOR_TYPE);
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    lua_getfield(L, -2, operators[i][1]);
    lua_setfield(L, -2, operators[i][0]);
  }
  lua_getfield(L, -1, "methods");
  lua_pushcfunction(L, tensor_to);
  lua_setfield(L, -2, "to");
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "tensor_methods"); /* for methods written in Lua */
  lua_pushcfunction(L, tensor_unm);
  lua_setfield(L, -3, "__unm");
  lua_pushcfunction(L, tensor_bnot);
  lua_setfield(L, -3, "__bnot");
  lua_pop(L, 2);
  nl_publish(L, functions);
  luaL_setfuncs(L, ours, 0);
}
