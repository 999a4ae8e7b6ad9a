/* Every op of the table as a function of nn and as a method of tensors, and the table as data, from which the
   reference, gradcheck and the tests are made. */
#include <string.h>

#include "lua/nl_lua.h"
#include "optable/iterate.h"
#include "optable/promote.h"

/* x:add(y, {alpha = a}): the second operand is multiplied, and the option is gone. */
static void take_factor(lua_State *L, const nl_op *op) {
  if (lua_gettop(L) != 3 || !lua_istable(L, 3)) {
    return;
  }
  if (lua_getfield(L, 3, op->factor) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  lua_pushnil(L);
  for (int keys = 0; lua_next(L, 3); lua_pop(L, 1)) {
    if (++keys > 1) {
      nl_lua_error(L, "%s: has no option but %s beside its operands", op->name, op->factor);
    }
  }
  if (lua_type(L, 4) != LUA_TNUMBER) {
    nl_lua_error(L, "%s: %s must be a number, but is %s", op->name, op->factor, nl_describe(L, 4).s);
  }
  nl_tensor *both[] = {nl_to_tensor(L, 1), nl_to_tensor(L, 2)};
  bool number = lua_type(L, 2) == LUA_TNUMBER;
  if (both[0] && both[1] &&
      nl_promote(2, both) != nl_tensor_dtype(both[1])) { /* the product is of the result's dtype */
    lua_getfield(L, 2, "to");
    lua_pushvalue(L, 2);
    lua_pushstring(L, nl_dtype_name(nl_promote(2, both)));
    lua_call(L, 2, 1);
    lua_replace(L, 2);
  } else if (number && both[0] && nl_dtype_is_float(nl_tensor_dtype(both[0]))) {
    lua_pushnumber(L, lua_tonumber(L, 2)); /* whole numbers would wrap around */
    lua_replace(L, 2);
  }
  if (both[1] || number) { /* else the call says what is wrong */
    lua_pushvalue(L, 4);
    lua_pushvalue(L, 2);
    lua_arith(L, LUA_OPMUL);
    lua_replace(L, 2);
  }
  lua_settop(L, 2);
}

static int call(lua_State *L, bool inplace) {
  const nl_op *op = lua_touserdata(L, lua_upvalueindex(1));
  if (op->factor) {
    take_factor(L, op);
  }
  return nl_lua_call_op(L, op, inplace, 1);
}
static int call_op(lua_State *L) {
  return call(L, false);
}
static int call_op_inplace(lua_State *L) {
  return call(L, true);
}

static void push_op_function(lua_State *L, const nl_op *op, lua_CFunction fn) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, fn, 1);
}

static void set_flag(lua_State *L, const nl_op *op, unsigned flag, const char *name) {
  lua_pushboolean(L, (op->flags & flag) != 0);
  lua_setfield(L, -2, name);
}

static void push_params(lua_State *L, const nl_op *op) {
  static const char *const kinds[] = {"tensor", "operand", "tensors", "int",   "number", "bool",
                                      "dim",    "dims",    "shape",   "dtype", "choice", "numbers"};
  const nl_signature *sig = nl_op_signature(op);
  lua_createtable(L, sig->count, 0);
  for (int i = 0; i < sig->count; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, sig->param[i].name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, kinds[sig->param[i].kind]);
    lua_setfield(L, -2, "kind");
    if (sig->param[i].kind == NL_KIND_CHOICE) {
      lua_pushlstring(L, sig->param[i].choices, strcspn(sig->param[i].choices, ","));
      lua_setfield(L, -2, "choices");
    }
    lua_pushboolean(L, sig->param[i].optional);
    lua_setfield(L, -2, "optional");
    lua_rawseti(L, -2, i + 1);
  }
}

/* ops() -> a list of {name, args, returns, doc, params, differentiable, inplace, ...}, in the table's order */
static int list_ops(lua_State *L) {
  lua_createtable(L, nl_op_count(), 0);
  for (int i = 0; i < nl_op_count(); i++) {
    const nl_op *op = nl_op_at(i);
    lua_createtable(L, 0, 12);
    lua_pushstring(L, op->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, op->args);
    lua_setfield(L, -2, "args");
    lua_pushstring(L, op->returns);
    lua_setfield(L, -2, "returns");
    lua_pushstring(L, op->doc);
    lua_setfield(L, -2, "doc");
    lua_pushstring(L, nl_op_family_name(i));
    lua_setfield(L, -2, "family");
    lua_pushstring(L, nl_op_page(i));
    lua_setfield(L, -2, "page");
    lua_pushstring(L, op->example);
    lua_setfield(L, -2, "example");
    lua_pushboolean(L, op->vjp || (op->compose && !(op->flags & NL_OP_NO_GRAD)));
    lua_setfield(L, -2, "differentiable");
    push_params(L, op);
    lua_setfield(L, -2, "params");
    lua_pushboolean(L, op->compose != NULL);
    lua_setfield(L, -2, "composed");
    lua_pushstring(L, op->factor);
    lua_setfield(L, -2, "factor");
    set_flag(L, op, NL_OP_INPLACE, "inplace");
    set_flag(L, op, NL_OP_INPLACE_ONLY, "inplace_only");
    set_flag(L, op, NL_OP_VIEW, "view");
    set_flag(L, op, NL_OP_ELEMENTWISE, "elementwise");
    set_flag(L, op, NL_OP_RANDOM, "random");
    set_flag(L, op, NL_OP_CREATE, "create");
    set_flag(L, op, NL_OP_INTERNAL, "internal");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Sets the function on top in the module table at `core`, and where users find it. */
static void set_op_function(lua_State *L, int core, const nl_op *op, const char *name) {
  if (!(op->flags & NL_OP_INTERNAL)) {
    lua_getfield(L, core, "public");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
  }
  lua_setfield(L, core, name);
}

/* With the module table on top: functions into it, methods into the metatable's "methods". */
void nl_open_ops(lua_State *L) {
  int core = lua_gettop(L);
  luaL_getmetatable(L, NL_TENSOR_TYPE);
  lua_getfield(L, -1, "methods");
  lua_remove(L, -2);
  for (int i = 0; i < nl_op_count(); i++) {
    const nl_op *op = nl_op_at(i);
    const nl_signature *sig = nl_op_signature(op);
    bool method = sig->tensors > 0 && !sig->list && sig->param[0].kind <= NL_KIND_OPERAND;
    if (!(op->flags & NL_OP_INPLACE_ONLY)) {
      push_op_function(L, op, call_op);
      if (method && !(op->flags & NL_OP_INTERNAL)) {
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, op->name);
      }
      set_op_function(L, core, op, op->name);
    }
    if (op->flags & NL_OP_INPLACE) {
      char name[40];
      snprintf(name, sizeof name, (op->flags & NL_OP_INPLACE_ONLY) ? "%s" : "%s_", op->name);
      push_op_function(L, op, call_op_inplace);
      lua_setfield(L, -2, name);
    }
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, list_ops);
  lua_setfield(L, -2, "ops");
}
