#include "lua/guard.h"

#include <string.h>

#include "autograd/tape.h"
#include "core/memory.h"

lua_Integer nl_compile_epoch;

nl_status nl_argument_of(nl_argument *a, const nl_tensor *t) {
  *a = (nl_argument){.tensor = t != NULL};
  if (!t) {
    return NL_OK;
  }
  a->requires_grad = t->requires_grad;
  a->dtype = nl_tensor_dtype(t);
  a->ndim = t->ndim;
  a->shape = nl_new(2 * ((size_t)t->ndim + 1) * sizeof *a->shape);
  if (!a->shape) {
    return NL_NOMEM;
  }
  a->strides = a->shape + t->ndim;
  memcpy(a->shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
  memcpy(a->strides, t->strides, (size_t)t->ndim * sizeof *t->strides);
  return NL_OK;
}

bool nl_argument_fits(const nl_argument *a, const nl_tensor *t) {
  size_t bytes = (size_t)a->ndim * sizeof *a->shape;
  return t->dtype == a->dtype && t->ndim == a->ndim && t->requires_grad == a->requires_grad &&
         memcmp(t->shape, a->shape, bytes) == 0 && memcmp(t->strides, a->strides, bytes) == 0;
}

/* ---- does a program fit this call? ---- */

/* Is the value at the top of the stack what it was? Strings are compared with the list's. */
static bool is_as_it_was(lua_State *L, const nl_watched *w, int list, int i) {
  if (lua_type(L, -1) != w->type) {
    return false;
  }
  switch (w->type) {
  case LUA_TNIL:
    return true;
  case LUA_TBOOLEAN:
    return lua_toboolean(L, -1) == w->b;
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1) != w->integer) {
      return false;
    }
    return w->integer ? lua_tointeger(L, -1) == w->i : lua_tonumber(L, -1) == w->number;
  case LUA_TSTRING: {
    lua_rawgeti(L, list, 3 * i + 3);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return same;
  }
  default:
    return lua_topointer(L, -1) == w->pointer;
  }
}

/* The first of the Lua values the function could see that is not what it was, or -1. The list is at stack index `list`,
   the function one above. */
static int first_change(lua_State *L, const nl_entry *e, int list) {
  for (int i = 0; i < e->nwatch; i++) {
    const nl_watched *w = &e->watch[i];
    if (w->object == 0) {
      lua_getupvalue(L, list + 1, w->upvalue);
    } else {
      lua_rawgeti(L, list, w->object);
      if (w->upvalue) {
        lua_getupvalue(L, -1, w->upvalue);
      } else {
        lua_rawgeti(L, list, w->object + 1);
        lua_rawget(L, -2);
      }
    }
    if (!is_as_it_was(L, w, list, i)) {
      return i;
    }
    lua_settop(L, list + 1);
  }
  return -1;
}

/* Turns the list {object, key, value, ...} at stack index `list` into what first_change compares. */
nl_status nl_entry_watch(lua_State *L, nl_entry *e, int list, int count) {
  e->watch = nl_new(((size_t)count + 1) * sizeof *e->watch);
  if (!e->watch) {
    return NL_NOMEM;
  }
  e->nwatch = count;
  int top = lua_gettop(L);
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  for (int i = 0; i < count; i++) {
    nl_watched *w = &e->watch[i];
    w->object = 3 * i + 1;
    if (lua_rawgeti(L, list, w->object) == LUA_TFUNCTION) {
      lua_rawgeti(L, list, w->object + 1);
      w->upvalue = (int)lua_tointeger(L, -1);
      lua_pop(L, 1);
      w->object = lua_rawequal(L, -1, top + 1) ? 0 : w->object;
    }
    lua_rawgeti(L, list, 3 * i + 3);
    bool nil = lua_islightuserdata(L, -1) && !lua_touserdata(L, -1);
    w->type = nil ? LUA_TNIL : lua_type(L, -1);
    if (w->type == LUA_TBOOLEAN) {
      w->b = lua_toboolean(L, -1);
    } else if (w->type == LUA_TNUMBER && lua_isinteger(L, -1)) {
      w->integer = true;
      w->i = lua_tointeger(L, -1);
    } else if (w->type == LUA_TNUMBER) {
      w->number = lua_tonumber(L, -1);
    } else if (w->type != LUA_TNIL) {
      w->pointer = lua_topointer(L, -1);
    }
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
  return NL_OK;
}

static bool values_hold(lua_State *L, const nl_entry *e) {
  bool plain = true;
  for (int i = 0; i < e->nargs; i++) {
    plain = plain && e->args[i].tensor;
  }
  if (e->nwatch == 0 && plain) {
    return true;
  }
  int top = lua_gettop(L), list = top + 1;
  lua_getiuservalue(L, 1, NL_COMPILED_DATA);
  lua_rawgeti(L, -1, e->data);
  lua_replace(L, list);
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  bool same = first_change(L, e, list) < 0;
  for (int i = 0; i < e->nargs && same; i++) {
    if (!e->args[i].tensor) {
      lua_rawgeti(L, list, 3 * e->nwatch + 1 + i);
      bool nil = lua_islightuserdata(L, -1) && !lua_touserdata(L, -1);
      same = nil ? lua_isnoneornil(L, 2 + i) : lua_rawequal(L, -1, 2 + i);
      lua_pop(L, 1);
    }
  }
  lua_settop(L, top);
  return same;
}

nl_tensor *nl_cell_leaf(const nl_program_cell *c, nl_tensor *const args[]) {
  return c->argument >= 0 ? args[c->argument] : c->leaf;
}

/* Cells hold something, or nothing, as they did; tells the program where. */
static bool cells_hold(nl_entry *e, nl_tensor *const args[]) {
  for (int i = 0; i < e->p->ncells; i++) {
    nl_program_cell *c = &e->p->cells[i];
    nl_tensor *grad = nl_grad_of(nl_cell_leaf(c, args));
    c->hangs = grad && grad == c->tensor;
    if (c->read_entry) {
      if ((grad != NULL) != c->had_entry || (grad && !grad->contiguous)) {
        return false;
      }
      if (grad && !nl_program_set_entry(e->p, c, grad)) {
        return false;
      }
    }
  }
  return true;
}

bool nl_entry_fits(lua_State *L, nl_entry *e, int nargs, nl_tensor *const args[]) {
  if (e->nargs != nargs || e->grad_enabled != nl_grad_enabled() || e->epoch != nl_compile_epoch) {
    return false;
  }
  for (int i = 0; i < nargs; i++) {
    if (e->args[i].tensor ? !args[i] || !nl_argument_fits(&e->args[i], args[i]) : args[i] != NULL) {
      return false;
    }
  }
  return nl_program_holds(e->p) && values_hold(L, e) && cells_hold(e, args);
}

bool nl_entry_clashes(const nl_entry *e, int nargs, nl_tensor *const args[]) {
  for (int i = 0; i < nargs; i++) {
    for (int k = 0; args[i] && k < i && e->p->writes_arguments; k++) {
      if (args[k] && args[k]->storage == args[i]->storage) {
        return true;
      }
    }
    for (int k = 0; args[i] && k < e->p->noutside; k++) {
      const nl_outside *o = &e->p->outside[k];
      if (o->storage == args[i]->storage && (o->written || e->p->writes_arguments)) {
        return true;
      }
    }
  }
  return false;
}

void nl_entry_push_why(lua_State *L, const nl_entry *e, int nargs) {
  if (e->nargs != nargs) {
    lua_pushfstring(L, "it was called with %d arguments, then with %d", e->nargs, nargs);
    return;
  }
  for (int i = 0; i < nargs; i++) {
    const nl_tensor *t = nl_to_tensor(L, 2 + i);
    const nl_argument *a = &e->args[i];
    if (a->tensor && t && !nl_argument_fits(a, t)) {
      lua_pushfstring(L, "argument %d was a %s tensor of shape %s, then %s of shape %s", i + 1, nl_dtype_name(a->dtype),
                      nl_shape_string(a->ndim, a->shape).s, nl_dtype_name(nl_tensor_dtype(t)),
                      nl_tensor_shape_string(t).s);
      return;
    }
    if (!a->tensor || !t) {
      lua_pushfstring(L, "argument %d is no tensor and changed", i + 1);
      return;
    }
  }
  if (e->epoch != nl_compile_epoch) {
    lua_pushliteral(L, "a model got other parameters or layers, or an optimizer other groups");
    return;
  }
  if (!nl_program_holds(e->p)) {
    lua_pushliteral(L, "a tensor it uses was replaced, frozen or unfrozen");
    return;
  }
  lua_getiuservalue(L, 1, NL_COMPILED_DATA);
  lua_rawgeti(L, -1, e->data);
  lua_replace(L, -2);
  int list = lua_gettop(L);
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  int i = first_change(L, e, list);
  if (i < 0) {
    lua_pushliteral(L, "gradients were there in one call and not in another");
    return;
  }
  lua_getfield(L, list, "paths");
  lua_rawgeti(L, -1, i + 1);
  lua_pushfstring(L, "'%s' changed", luaL_tolstring(L, -1, NULL));
}
