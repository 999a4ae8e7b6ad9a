/* Constructors of built-in layers: settings are read by position and by name, checked, and made into what the entry
   says. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "lua/layer.h"
#include "nn/pass.h"

#define MAKING_TYPE "nn.Making"
#define CLASS_FINDER "nn.layer_class"

/* What is being made. It lies in a userdata, since its build must be let go of when something raises. */
typedef struct lua_making {
  nl_making m;
  lua_State *L;
  int first; /* where the settings' values stand on the stack, in their order */
} lua_making;

static lua_State *making_state(nl_making *m) {
  return ((lua_making *)(void *)m)->L;
}

static int release_making(lua_State *L) {
  lua_making *lm = nl_held(L, MAKING_TYPE);
  if (lm->L) {
    nl_build_free(&lm->m.build);
    lm->L = NULL;
  }
  return 0;
}

void nl_layer_push_class(lua_State *L, const char *name) {
  lua_getfield(L, LUA_REGISTRYINDEX, CLASS_FINDER);
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
}

/* ---- reading what was given ---- */

static const char *setting_name_at(void *ctx, int i) {
  const nl_fields *all = ctx;
  return i < all->settings ? all->field[i].name : NULL;
}

/* "in_features, out_features, bias, init, dtype" */
static void push_setting_list(lua_State *L, const nl_fields *all, bool positional) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  bool some = false;
  for (int i = 0; i < all->settings; i++) {
    if (!positional || !all->field[i].by_name) {
      luaL_addstring(&b, some ? ", " : "");
      luaL_addstring(&b, all->field[i].name);
      some = true;
    }
  }
  luaL_pushresult(&b);
}

static void refuse_name(lua_State *L, const nl_layer_entry *e, const nl_fields *all, const char *name) {
  const char *near = nl_nearest(name, setting_name_at, (void *)(uintptr_t)all);
  if (!near && nl_needless(name)) {
    nl_lua_error(L, "%s: '%s' is %s", e->name, name, nl_needless(name));
  }
  push_setting_list(L, all, false);
  const char *list = lua_tostring(L, -1);
  if (!*list) {
    nl_lua_error(L, "%s: takes no settings, but got '%.60s'", e->name, name);
  }
  nl_lua_error(L, "%s: has no option '%.60s'%s%s%s (it takes %s)", e->name, name, near ? "; did you mean '" : "",
               near ? near : "", near ? "'?" : "", list);
}

/* The options of a table at `index` to the settings' places; `named` tells which those are. */
static void read_named(lua_State *L, const nl_layer_entry *e, const nl_fields *all, int index, int first, bool *named) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      nl_lua_error(L, "%s: the table of settings has an element without a name: %s", e->name, nl_describe(L, -1).s);
    }
    const char *name = lua_tostring(L, -2);
    int i = 0;
    while (i < all->settings && strcmp(all->field[i].name, name) != 0) {
      i++;
    }
    if (i == all->settings) {
      refuse_name(L, e, all, name);
    } else if (!lua_isnil(L, first + i)) {
      nl_lua_error(L, "%s: %s is given twice, as argument %d and by name", e->name, name, i + 1);
    }
    lua_replace(L, first + i);
    named[i] = true;
  }
}

/* True if the last argument (at `last`, setting number `i`) is a table of settings by name. */
static bool is_options(lua_State *L, const nl_fields *all, int last, int i) {
  if (lua_type(L, last) != LUA_TTABLE || lua_getmetatable(L, last)) {
    return false;
  }
  bool wants_list =
      i < all->positional && (all->field[i].kind == NL_FIELD_SIZES || all->field[i].kind == NL_FIELD_LAYERS);
  return !wants_list || nl_lua_has_names(L, last);
}

/* All layers from argument `at` to `last` become one Sequential, in the place of the setting. */
static void gather_layers(lua_State *L, const nl_layer_entry *e, int at, int last, int to) {
  if (at > last) {
    nl_lua_error(L, "%s: needs at least one layer, e.g. nn.%s(nn.Linear(64, 64), nn.ReLU())", e->name, e->name);
  }
  nl_layer_push_class(L, "Sequential");
  for (int i = at; i <= last; i++) {
    lua_pushvalue(L, i);
  }
  lua_call(L, last - at + 1, 1);
  lua_replace(L, to);
}

/* The arguments 2 ... n to the settings' places. */
static void read_given(lua_State *L, const nl_layer_entry *e, const nl_fields *all, int n, int first, bool *named) {
  int last = n;
  if (n >= 2 && is_options(L, all, n, n - 2)) {
    last--;
  }
  lua_settop(L, first + all->settings - 1);
  for (int at = 2; at <= last; at++) {
    int i = at - 2;
    if (i < all->positional && all->field[i].kind == NL_FIELD_LAYERS) {
      break;
    }
    if (i >= all->positional) {
      if (lua_isnil(L, at)) {
        continue;
      }
      push_setting_list(L, all, true);
      const char *list = lua_tostring(L, -1);
      if (all->settings == 0) {
        nl_lua_error(L, "%s: takes no arguments, but got %d: the last is %s", e->name, last - 1,
                     nl_describe(L, last).s);
      } else if (all->positional == 0) {
        nl_lua_error(L, "%s: takes settings by name, nn.%s{%s = ...}, but argument %d is %s%s", e->name, e->name,
                     all->field[0].name, i + 1, nl_describe(L, at).s,
                     nl_to_tensor(L, at) ? "; make it first, and call what it gives: criterion(input, target)" : "");
      }
      nl_lua_error(L, "%s: takes %s, and settings by name: nn.%s{...}; but argument %d is %s", e->name,
                   *list ? list : "no arguments", e->name, i + 1, nl_describe(L, at).s);
    }
    lua_pushvalue(L, at);
    lua_replace(L, first + i);
  }
  if (last < n) {
    read_named(L, e, all, n, first, named);
  }
  if (all->positional == 1 && all->field[0].kind == NL_FIELD_LAYERS && lua_isnil(L, first)) {
    gather_layers(L, e, 2, last, first);
  }
}

static void push_default(lua_State *L, const nl_field *f) {
  switch (f->kind) {
  case NL_FIELD_BOOL:
    lua_pushboolean(L, f->number != 0);
    break;
  case NL_FIELD_INT:
  case NL_FIELD_SIZES:
    lua_pushinteger(L, (lua_Integer)f->number);
    break;
  case NL_FIELD_NUMBER:
    if (f->number == (double)(lua_Integer)f->number) {
      lua_pushinteger(L, (lua_Integer)f->number); /* printed as users write it */
    } else {
      lua_pushnumber(L, f->number);
    }
    break;
  case NL_FIELD_CHOICE:
    lua_pushlstring(L, f->words, strcspn(f->words, "|, "));
    break;
  default:
    lua_pushlstring(L, f->words, (size_t)f->nwords);
  }
}

/* Every setting, given or not, checked and as a C value. */
static void read_settings(lua_State *L, const nl_layer_entry *e, const nl_fields *all, const bool *named, int first,
                          nl_layer *l) {
  for (int i = 0; i < all->settings; i++) {
    const nl_field *f = &all->field[i];
    if (lua_isnil(L, first + i)) {
      if (!f->has_default && !f->optional) {
        push_setting_list(L, all, false);
        nl_lua_error(L, "%s: %s is missing; it takes %s", e->name, f->name, lua_tostring(L, -1));
      } else if (f->has_default) {
        push_default(L, f);
        lua_replace(L, first + i);
      }
    } else if (f->kind == NL_FIELD_LAYER && nl_to_object(L, first + i) && nl_to_object(L, first + i)->is_class) {
      lua_pushvalue(L, first + i); /* nn.ReLU for nn.ReLU() */
      lua_call(L, 0, 1);
      lua_replace(L, first + i);
    }
    if (!nl_layer_read(L, first + i, f, l, &l->value[i])) {
      char text[400];
      snprintf(text, sizeof text, "%s", nl_error_message());
      nl_lua_error(L, "%s: %s%s", e->name, named[i] ? "option " : "", text);
    }
  }
  const char *wrong = e->refuse ? e->refuse(l) : NULL;
  if (wrong) {
    nl_lua_error(L, "%s: %s", e->name, wrong);
  }
}

/* ---- making ---- */

/* self[name] = the value on top of the stack, popped; hidden: it is neither parameter nor setting. */
static void set_self(lua_State *L, const char *name, bool hidden) {
  lua_pushcfunction(L, hidden ? nl_object_set_hidden : nl_object_set);
  lua_insert(L, -2);
  lua_pushvalue(L, 1);
  lua_insert(L, -2);
  lua_pushstring(L, name);
  lua_insert(L, -2);
  lua_call(L, 3, 0);
}

/* A buffer's name among the object's buffers. */
static void note_buffer(lua_State *L, const char *name) {
  lua_newtable(L);
  nl_object_push_fields(L, 1);
  lua_pushliteral(L, "_buffers");
  if (lua_rawget(L, -2) == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -6);
    }
  }
  lua_pop(L, 2);
  lua_pushboolean(L, true);
  lua_setfield(L, -2, name);
  set_self(L, "_buffers", true);
}

static void put_made(nl_making *m, int field, const char *name, nl_tensor *t) {
  lua_State *L = making_state(m);
  if (m->build.status != NL_OK) {
    return;
  }
  const nl_field *f = field < 0 ? NULL : &nl_layer_fields(m->layer->entry)->field[field];
  luaL_checkstack(L, 12, NULL);
  if (f && f->kind == NL_FIELD_BUFFER) {
    note_buffer(L, f->name);
    nl_push_box(L)->t = nl_tensor_ref(t);
  } else {
    nl_push_parameter(L, t, true);
  }
  set_self(L, f ? f->name : name, false);
}

static void initialize_made(nl_making *m, const char *initializer, nl_tensor *t) {
  lua_State *L = making_state(m);
  if (m->build.status != NL_OK) {
    return;
  }
  luaL_checkstack(L, 8, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, CLASS_FINDER);
  lua_pushstring(L, initializer);
  nl_push_box(L)->t = nl_tensor_ref(t);
  lua_pushstring(L, m->layer->entry->name);
  lua_call(L, 3, 0);
}

static nl_tensor *make_part(nl_making *m, int field, const char *entry, int n, const double *settings,
                            const char *initializer, const char *name) {
  lua_State *L = making_state(m);
  if (m->build.status != NL_OK) {
    return NULL;
  }
  luaL_checkstack(L, 12 + n, NULL);
  nl_layer_push_class(L, entry);
  const nl_fields *all = nl_layer_fields(nl_layer_find(entry));
  for (int i = 0; i < n; i++) {
    nl_field_kind kind = all->field[i].kind;
    if (isnan(settings[i])) {
      lua_pushnil(L);
    } else if (kind == NL_FIELD_BOOL) {
      lua_pushboolean(L, settings[i] != 0);
    } else if (kind == NL_FIELD_NUMBER) {
      lua_pushnumber(L, settings[i]);
    } else {
      lua_pushinteger(L, (lua_Integer)settings[i]);
    }
  }
  bool typed = false; /* a part has the dtype of the whole */
  for (int i = 0; i < all->settings && m->dtype != NL_F32; i++) {
    typed = typed || all->field[i].kind == NL_FIELD_DTYPE;
  }
  if (initializer || typed) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, initializer);
    lua_setfield(L, -2, "init");
    lua_pushstring(L, typed ? nl_dtype_name(m->dtype) : NULL);
    lua_setfield(L, -2, "dtype");
  }
  lua_call(L, n + (initializer || typed), 1);
  nl_tensor *t = NULL;
  if (name) {
    lua_getfield(L, -1, name);
    t = nl_to_tensor(L, -1); /* the object keeps it */
    lua_pop(L, 1);
  }
  set_self(L, nl_layer_fields(m->layer->entry)->field[field].name, false);
  return t;
}

static nl_tensor *want_parameter(nl_making *m, int field, const char *name, bool take) {
  lua_making *lm = (lua_making *)(void *)m;
  lua_State *L = lm->L;
  int layer = lm->first + field;
  luaL_checkstack(L, 8, NULL);
  nl_tensor *t = NULL;
  if (nl_object_push_fields(L, layer)) {
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    t = nl_to_tensor(L, -1);
  }
  if (!t || (take && !t->is_parameter)) {
    nl_lua_error(L, "%s: the first argument must be a layer with a parameter '%s', but is %s", m->layer->entry->name,
                 name, nl_describe(L, layer).s);
    return NULL;
  }
  nl_b_own(&m->build, nl_tensor_ref(t));
  if (take) { /* no parameter of the layer any more */
    nl_box *box = nl_push_box(L);
    nl_lua_check(L, nl_detach(t, &box->t));
    lua_pushvalue(L, layer);
    lua_pushnil(L);
    lua_setfield(L, -2, name);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
  }
  return t;
}

static void store_settings(lua_State *L, const nl_fields *all, int first, bool layers) {
  for (int i = 0; i < all->settings; i++) {
    const nl_field *f = &all->field[i];
    bool is_layer = f->kind == NL_FIELD_LAYER || f->kind == NL_FIELD_LAYERS;
    if (f->stored && is_layer == layers && !lua_isnil(L, first + i)) {
      lua_pushvalue(L, first + i);
      set_self(L, f->name, false);
    }
  }
}

/* init(self, settings...); layers that are given are stored behind what is made, so that parameters come in the order
   of PyTorch's */
int nl_layer_init(lua_State *L) {
  const nl_layer_entry *e = lua_touserdata(L, lua_upvalueindex(1));
  nl_object *o = nl_to_object(L, 1);
  nl_layer_state *s = nl_layer_state_of(o);
  if (!s || o->entry != e) {
    return nl_lua_error(L, "%s: init is called on an object of the class, but was called on %s", e->name,
                        nl_describe(L, 1).s);
  }
  if (s->made) {
    return nl_lua_error(L, "%s: init was called on this layer before; make a new one: nn.%s(...)", e->name, e->name);
  }
  int n = lua_gettop(L), first = n + 1;
  const nl_fields *all = nl_layer_fields(e);
  luaL_checkstack(L, all->settings + 20, NULL);
  bool named[NL_MAX_FIELDS] = {false}; /* given in the table of options */
  read_given(L, e, all, n, first, named);
  nl_layer given = {.entry = e, .fields = all, .training = true}, *l = &given;
  read_settings(L, e, all, named, first, l);
  store_settings(L, all, first, false);
  if (e->make) {
    lua_making *lm = nl_push_hold(L, sizeof *lm, MAKING_TYPE, "__gc", release_making);
    nl_build_init(&lm->m.build);
    lm->L = L;
    lm->first = first;
    lm->m.layer = l;
    lm->m.dtype = NL_F32;
    for (int i = 0; i < all->settings; i++) {
      if (all->field[i].kind == NL_FIELD_DTYPE) {
        lm->m.dtype = (nl_dtype)l->value[i].i;
      } else if (all->field[i].kind == NL_FIELD_INITIALIZER && l->value[i].set) {
        lm->m.initializer = l->value[i].name;
      }
    }
    lm->m.put = put_made;
    lm->m.initialize = initialize_made;
    lm->m.part = make_part;
    lm->m.want = want_parameter;
    e->make(&lm->m);
    nl_status status = lm->m.build.status;
    nl_build_free(&lm->m.build);
    lm->L = NULL;
    if (status != NL_OK) {
      nl_error_prefix("%s", e->name);
      return nl_lua_raise(L);
    }
  }
  store_settings(L, all, first, true);
  s->made = true;
  return 0;
}

/* layer_finder(f): f(name) gives the class of a layer, f(initializer, tensor, who) fills a tensor */
static int set_finder(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, CLASS_FINDER);
  return 0;
}

void nl_open_layer_make(lua_State *L) {
  static const luaL_Reg functions[] = {{"layer_finder", set_finder}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
