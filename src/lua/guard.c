/* Guards: when a cached program may be replayed.

   - A program fits a call when all that it depends on is as it was while it was recorded; whatever is not sure to be
     unchanged does not fit, and the function is recorded again.
   - Comparing runs no Lua code and allocates nothing, so nothing can change between the last comparison and the
     replay.
   - The tables, objects and functions that it compares with are held weakly; a program one of whose guards is gone can
     never fit again and is dropped. Only what the program itself uses (externals, effects) is kept. */
#include "lua/guard.h"

#include <string.h>

#include "autograd/tape.h"
#include "core/memory.h"
#include "lua/object.h"

void nl_cached_unref(nl_cached *e) {
  if (!e || --e->refs > 0) {
    return;
  }
  nl_program_free(e->p);
  for (int i = 0; e->args && i < e->nargs; i++) {
    nl_delete(e->args[i].shape);
    nl_tensor_unref(e->args[i].pinned);
  }
  nl_delete(e->args);
  nl_delete(e->guards);
  nl_delete(e->effects);
  nl_delete(e);
}

/* ---- arguments ---- */

nl_status nl_argument_of(nl_argument *a, const nl_tensor *t) {
  *a = (nl_argument){.tensor = t != NULL};
  if (!t) {
    return NL_OK;
  }
  a->requires_grad = t->requires_grad;
  a->hooked = t->hooked;
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
  bool fits = t->dtype == a->dtype && t->ndim == a->ndim && t->requires_grad == a->requires_grad &&
              t->hooked == a->hooked && (!a->pinned || a->pinned == t);
  for (int d = 0; d < a->ndim && fits; d++) {
    fits = t->shape[d] == a->shape[d] && t->strides[d] == a->strides[d];
  }
  return fits;
}

static bool arguments_fit(const nl_cached *e, int nargs, nl_tensor *const args[]) {
  for (int i = 0; i < nargs; i++) {
    const nl_argument *a = &e->args[i];
    if (a->tensor ? !args[i] || !nl_argument_fits(a, args[i]) : args[i] != NULL) {
      return false;
    }
    int same = 0;
    while (args[same] != args[i]) {
      same++;
    }
    if (args[i] && same != a->same) {
      return false;
    }
  }
  return true;
}

/* Pushes a table of a cached program's data. */
static void push_data(lua_State *L, const nl_cached *e, const char *which) {
  lua_getiuservalue(L, 1, NL_COMPILED_DATA);
  lua_rawgeti(L, -1, e->data);
  lua_getfield(L, -1, which);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* Pushes the list of guards. */
static void push_guard_list(lua_State *L, const nl_cached *e) {
  lua_getiuservalue(L, 1, NL_COMPILED_LISTS);
  lua_rawgeti(L, -1, e->data);
  lua_replace(L, -2);
}

/* The first argument that is no tensor and not what it was, from 1; 0: there is none. */
static int changed_argument(lua_State *L, const nl_cached *e) {
  if (!e->plain_args) {
    return 0;
  }
  push_data(L, e, "args");
  int changed = 0;
  for (int i = 0; i < e->nargs && !changed; i++) {
    if (!e->args[i].tensor) {
      lua_rawgeti(L, -1, i + 1);
      bool nil = lua_islightuserdata(L, -1) && !lua_touserdata(L, -1);
      bool same = nil ? lua_isnoneornil(L, 2 + i) : nl_same_value(L, -1, 2 + i);
      changed = same ? 0 : i + 1;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return changed;
}

/* ---- guards ---- */

/* Which guard stands where in a cached program: those of objects behind the others, whose number it gives. */
static int order_watches(const nl_observer *o, int *order) {
  int nplain = 0;
  for (int i = 0; i < o->nguards; i++) {
    nplain += !o->guards[i].object;
  }
  for (int i = 0, plain = 0, object = nplain; i < o->nguards; i++) {
    order[o->guards[i].object ? object++ : plain++] = i;
  }
  return nplain;
}

nl_status nl_cached_guard(lua_State *L, nl_cached *e, const nl_observer *o, int list, int paths) {
  luaL_checkstack(L, 8, NULL);
  int top = lua_gettop(L);
  int *order = lua_newuserdatauv(L, ((size_t)o->nguards + 1) * sizeof *order, 0);
  lua_createtable(L, 3 * o->nguards, 0);
  lua_createtable(L, o->nguards, 0);
  e->guards = nl_new(((size_t)o->nguards + 1) * sizeof *e->guards);
  if (!e->guards) {
    return NL_NOMEM;
  }
  e->nplain = order_watches(o, order);
  e->nguards = o->nguards;
  e->epoch = nl_object_epoch;
  /* the lists are put in the same order, through copies */
  for (int i = 0; i < o->nguards; i++) {
    e->guards[i] = o->guards[order[i]];
    for (int k = 1; k <= 3; k++) {
      lua_rawgeti(L, list, 3 * order[i] + k);
      lua_rawseti(L, top + 2, 3 * i + k);
    }
    lua_rawgeti(L, list, 3 * order[i] + 1);
    lua_rawgeti(L, list, 3 * order[i > 0 ? i - 1 : 0] + 1);
    e->guards[i].again = i > 0 && lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    lua_rawgeti(L, paths, order[i] + 1);
    lua_rawseti(L, top + 3, i + 1);
  }
  for (int i = 1; i <= 3 * o->nguards; i++) {
    lua_rawgeti(L, top + 2, i);
    lua_rawseti(L, list, i);
  }
  for (int i = 1; i <= o->nguards; i++) {
    lua_rawgeti(L, top + 3, i);
    lua_rawseti(L, paths, i);
  }
  lua_settop(L, top);
  return NL_OK;
}

/* The object of guard i, or NULL where it is gone. */
static const nl_object *object_of(lua_State *L, int list, int i) {
  lua_rawgeti(L, list, 3 * i + 1);
  const nl_object *o = nl_to_object(L, -1);
  lua_pop(L, 1);
  return o;
}

/* Objects whose version is what it was need no further look. What was seen to hold is only noted when all of it does.
 */
static bool objects_hold(lua_State *L, nl_cached *e, int list) {
  for (int i = e->nplain; i < e->nguards; i++) {
    const nl_object *o = object_of(L, list, i);
    if ((!o || o->version != e->guards[i].version) && nl_first_change(L, e->guards, i, i + 1, list) >= 0) {
      return false;
    }
  }
  for (int i = e->nplain; i < e->nguards; i++) {
    e->guards[i].version = object_of(L, list, i)->version;
  }
  e->epoch = nl_object_epoch;
  return true;
}

static bool guards_hold(lua_State *L, nl_cached *e) {
  bool objects = e->epoch != nl_object_epoch && e->nguards > e->nplain;
  if (e->nplain == 0 && !objects) {
    return true;
  }
  push_guard_list(L, e);
  int list = lua_gettop(L);
  bool hold = nl_first_change(L, e->guards, 0, e->nplain, list) < 0 && (!objects || objects_hold(L, e, list));
  lua_settop(L, list - 1);
  return hold;
}

bool nl_cached_is_dead(lua_State *L, const nl_cached *e) {
  push_guard_list(L, e);
  bool dead = false;
  for (int i = 1; i <= 3 * e->nguards && !dead; i++) {
    dead = lua_rawgeti(L, -1, i) == LUA_TNIL;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return dead;
}

static bool gradients_fit(nl_program *p, nl_tensor *const args[]) {
  for (int i = 0; i < p->nslots; i++) {
    p->slots[i].now = nl_peek_grad(nl_slot_leaf(&p->slots[i], args));
  }
  return nl_program_enter(p);
}

bool nl_cached_fits(lua_State *L, nl_cached *e, int nargs, nl_tensor *const args[]) {
  if (e->nargs != nargs || e->grad_enabled != nl_grad_enabled() || !arguments_fit(e, nargs, args)) {
    return false;
  }
  if (e->p && !nl_program_holds(e->p)) {
    return false;
  }
  return !changed_argument(L, e) && guards_hold(L, e) && (!e->p || gradients_fit(e->p, args));
}

/* ---- clashes ---- */

static const nl_storage *guard_root(const nl_storage *s) {
  return s->parent ? s->parent : s;
}

/* A storage that was once seen to be none of the program's is none later: those of the program stay what they are. */
static bool shares_outside(const nl_cached *e, nl_argument *a, const nl_tensor *t) {
  const nl_storage *s = guard_root(t->storage);
  if (s == a->seen[0] || s == a->seen[1]) {
    return false;
  }
  for (int k = 0; k < e->p->nexternals; k++) {
    const nl_external *o = &e->p->externals[k];
    if (guard_root(o->storage) == s) {
      return o->written || e->p->writes_arguments || t->requires_grad;
    }
  }
  a->seen[1] = a->seen[0];
  a->seen[0] = (nl_storage *)(uintptr_t)s;
  return false;
}

static bool is_leaf_of(const nl_cached *e, nl_argument *a, const nl_tensor *t) {
  for (int k = 0; k < e->p->nslots && a->met != t; k++) {
    if (e->p->slots[k].leaf == t) {
      return true;
    }
  }
  a->met = t;
  return false;
}

/* Nobody else holds the tensor or its memory. */
static bool is_alone(const nl_tensor *t) {
  return t->refs == 1 && t->storage->refs == 1 && !t->storage->parent;
}

nl_clash nl_cached_clashes(nl_cached *e, int nargs, nl_tensor *const args[]) {
  bool all_alone = true;
  for (int i = 0; i < nargs; i++) {
    if (!args[i] || is_alone(args[i])) {
      continue;
    }
    all_alone = false;
    if (shares_outside(e, &e->args[i], args[i]) || is_leaf_of(e, &e->args[i], args[i])) {
      return NL_CLASH_OUTSIDE;
    }
    for (int k = 0; k < i && e->p->writes_arguments; k++) {
      if (args[k] && args[k] != args[i] && guard_root(args[k]->storage) == guard_root(args[i]->storage)) {
        return NL_CLASH_ARGUMENTS;
      }
    }
  }
  for (int k = 0; k < e->p->nslots && !all_alone; k++) {
    const nl_tensor *grad = e->p->slots[k].now;
    const nl_storage *s = grad ? guard_root(grad->storage) : NULL;
    for (int i = 0; s && i < nargs; i++) {
      if (args[i] && s == guard_root(args[i]->storage)) {
        return NL_CLASH_GRADIENT;
      }
    }
  }
  return NL_NO_CLASH;
}

/* ---- what changed, in words ---- */

/* Pushes how an argument differs from what it was. */
static void push_other_argument(lua_State *L, int i, const nl_argument *a, const nl_tensor *t) {
  bool alike =
      t->dtype == a->dtype && t->ndim == a->ndim && memcmp(t->shape, a->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
  if (!alike) {
    lua_pushfstring(L, "argument %d was a %s tensor of shape %s, then %s of shape %s", i, nl_dtype_name(a->dtype),
                    nl_shape_string(a->ndim, a->shape).s, nl_dtype_name(nl_tensor_dtype(t)),
                    nl_tensor_shape_string(t).s);
  } else if (t->requires_grad != a->requires_grad) {
    lua_pushfstring(L, "argument %d %s a gradient, and then %s", i, a->requires_grad ? "wanted" : "did not want",
                    t->requires_grad ? "did" : "did not");
  } else if (t->hooked != a->hooked) {
    lua_pushfstring(L, "argument %d had %s, and then %s", i, a->hooked ? "a hook" : "no hook",
                    t->hooked ? "one" : "none");
  } else if (a->pinned && a->pinned != t) {
    lua_pushfstring(L,
                    "argument %d was another tensor, and one whose gradient is looked at must stay the same; keep one "
                    "and copy the values into it: x:copy_(values)",
                    i);
  } else {
    lua_pushfstring(L, "argument %d was laid out in another way in memory (its strides); pass x:contiguous()", i);
  }
}

void nl_cached_push_why(lua_State *L, const nl_cached *e, int nargs) {
  if (e->nargs != nargs) {
    lua_pushfstring(L, "it was called with %d arguments, then with %d", e->nargs, nargs);
    return;
  }
  for (int i = 0; i < nargs; i++) {
    const nl_tensor *t = nl_to_tensor(L, 2 + i);
    const nl_argument *a = &e->args[i];
    if (a->tensor && t && !nl_argument_fits(a, t)) {
      push_other_argument(L, i + 1, a, t);
      return;
    }
    if (a->tensor != (t != NULL)) {
      lua_pushfstring(L, "argument %d was %s tensor, and then not", i + 1, a->tensor ? "a" : "no");
      return;
    }
  }
  int changed = changed_argument(L, e);
  if (changed && lua_istable(L, 1 + changed)) {
    lua_pushfstring(L, "argument %d is another table in each call; give the tensors in it as arguments of their own",
                    changed);
    return;
  }
  if (changed) {
    lua_pushliteral(L, "an argument that is no tensor changed");
    return;
  }
  if (e->p && !nl_program_holds(e->p)) {
    lua_pushliteral(L, "a tensor it uses was replaced, frozen or unfrozen");
    return;
  }
  push_guard_list(L, e);
  int i = nl_first_change(L, e->guards, 0, e->nguards, lua_gettop(L));
  lua_pop(L, 1);
  if (i < 0) {
    lua_pushliteral(L, "gradients were there in one call and not in another");
    return;
  }
  static const char *const texts[] = {
      [NL_GUARD_UPVALUE] = "'%s' changed",
      [NL_GUARD_FIELD] = "'%s' changed",
      [NL_GUARD_META] = "'%s' got another metatable",
      [NL_GUARD_LENGTH] = "the length of '%s' changed",
      [NL_GUARD_SIZE] = "fields were added to '%s', taken away or put in another order",
      [NL_GUARD_KEYS] = "fields were added to '%s', or taken away",
  };
  push_data(L, e, "paths");
  lua_rawgeti(L, -1, i + 1);
  lua_pushfstring(L, texts[e->guards[i].kind], luaL_tolstring(L, -1, NULL));
}
