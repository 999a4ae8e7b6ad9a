/* The layer table, for our own Lua files: the words of its entries, and the methods of their classes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lua/layer.h"
#include "lua/observe.h"

/* ---- the table, for our own Lua files ---- */

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void push_layer_fields(lua_State *L, const nl_layer_entry *e) {
  static const char *const kinds[] = {[NL_FIELD_INT] = "int",
                                      [NL_FIELD_NUMBER] = "number",
                                      [NL_FIELD_BOOL] = "bool",
                                      [NL_FIELD_CHOICE] = "choice",
                                      [NL_FIELD_NAME] = "name",
                                      [NL_FIELD_DTYPE] = "dtype",
                                      [NL_FIELD_INITIALIZER] = "initializer",
                                      [NL_FIELD_SIZES] = "sizes",
                                      [NL_FIELD_TENSOR] = "tensor",
                                      [NL_FIELD_LAYER] = "layer",
                                      [NL_FIELD_LAYERS] = "layers",
                                      [NL_FIELD_PARAMETER] = "parameter",
                                      [NL_FIELD_BUFFER] = "buffer",
                                      [NL_FIELD_PART] = "part"};
  const nl_fields *all = nl_layer_fields(e);
  lua_createtable(L, all->count, 0);
  for (int i = 0; i < all->count; i++) {
    const nl_field *f = &all->field[i];
    lua_createtable(L, 0, 8);
    set_text(L, "name", f->name);
    set_text(L, "kind", kinds[f->kind]);
    lua_pushboolean(L, f->optional);
    lua_setfield(L, -2, "optional");
    lua_pushboolean(L, f->by_name);
    lua_setfield(L, -2, "by_name");
    lua_pushboolean(L, f->stored);
    lua_setfield(L, -2, "stored");
    lua_pushboolean(L, i < all->settings);
    lua_setfield(L, -2, "setting");
    lua_pushinteger(L, f->count);
    lua_setfield(L, -2, "count");
    lua_pushboolean(L, f->above);
    lua_setfield(L, -2, "above");
    lua_pushboolean(L, f->below);
    lua_setfield(L, -2, "below");
    lua_pushboolean(L, f->fixed);
    lua_setfield(L, -2, "fixed");
    lua_pushnumber(L, f->low);
    lua_setfield(L, -2, "low");
    lua_pushnumber(L, f->high);
    lua_setfield(L, -2, "high");
    if (f->has_default) {
      lua_pushlstring(L, f->words, (size_t)f->nwords);
      lua_setfield(L, -2, "default");
    }
    if (f->word) {
      lua_pushlstring(L, f->word, (size_t)f->nword);
      lua_setfield(L, -2, "word");
    }
    lua_rawseti(L, -2, i + 1);
  }
}

/* layer_predicts(name) -> what a model's output is to this loss: "scores", ..., or nil */
static const char *const predictions[] = {NULL, "scores", "logits", "probabilities", "values"};
static int predicts_of_layer(lua_State *L) {
  const nl_layer_entry *e = nl_layer_find(luaL_checkstring(L, 1));
  lua_pushstring(L, e ? predictions[e->predicts] : NULL);
  return 1;
}

static bool is_loss(const nl_layer_entry *e) {
  return nl_layer_fields(e)->count > 0 && strcmp(nl_layer_fields(e)->field[0].name, "reduction") == 0;
}

/* layers() -> {{name =, family =, settings =, fields = {...}, made_of =, inputs =, accepts =, doc =, formula =, source
   =, example
   =, predicts =, loss =, pointwise =}, ...}, in the table's order */
static int list_layers(lua_State *L) {
  lua_createtable(L, nl_layer_count(), 0);
  for (int i = 0; i < nl_layer_count(); i++) {
    const nl_layer_entry *e = nl_layer_at(i);
    lua_createtable(L, 0, 14);
    set_text(L, "name", e->name);
    set_text(L, "family", nl_layer_family(i));
    set_text(L, "settings", e->settings ? e->settings : "");
    set_text(L, "made_of", e->made_of);
    set_text(L, "inputs", e->inputs);
    set_text(L, "accepts", e->accepts);
    set_text(L, "doc", e->doc);
    set_text(L, "formula", e->formula);
    set_text(L, "source", e->source);
    set_text(L, "example", e->example);
    set_text(L, "predicts", predictions[e->predicts]);
    lua_pushboolean(L, is_loss(e));
    lua_setfield(L, -2, "loss");
    lua_pushboolean(L, e->pointwise);
    lua_setfield(L, -2, "pointwise");
    push_layer_fields(L, e);
    lua_setfield(L, -2, "fields");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* entry_of(object) -> the name of the built-in layer that it is, or that its class is derived from; or nil */
static int entry_of_layer(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  lua_pushstring(L, o && o->entry ? o->entry->name : NULL);
  return 1;
}

/* Whether an op of this name takes all settings of the layer, too. */
static bool is_covered(const nl_layer_entry *e, const nl_op *op) {
  const nl_fields *fields = nl_layer_fields(e);
  const nl_signature *sig = nl_op_signature(op);
  for (int i = 0; i < fields->settings; i++) {
    bool there = false;
    for (int k = 0; k < sig->count; k++) {
      there = there || strcmp(sig->param[k].name, fields->field[i].name) == 0;
    }
    if (!there) {
      return false;
    }
  }
  return true;
}

/* The name of an entry as a function: its own, or of a loss "huber_loss" of HuberLoss; false: there is none, or an op
   of that name does the same. */
static bool name_of_function(const nl_layer_entry *e, char *name, size_t size) {
  size_t n = 0;
  *name = 0;
  if (e->function) {
    snprintf(name, size, "%s", e->function);
  } else if (is_loss(e)) {
    for (const char *s = e->name; *s && n + 2 < size; s++) {
      bool begins = isupper((unsigned char)*s) && s > e->name && !isupper((unsigned char)s[-1]);
      name[n] = '_';
      n += begins;
      name[n++] = (char)tolower((unsigned char)*s);
    }
    name[n] = 0;
  }
  const nl_op *op = nl_op_find(name);
  return *name && e->inputs && !(op && (!e->function || is_covered(e, op)));
}

/* layer_functions() -> {name of a function = name of its layer, ...} */
static int list_functions(lua_State *L) {
  char name[64];
  lua_createtable(L, 0, 40);
  for (int i = 0; i < nl_layer_count(); i++) {
    if (name_of_function(nl_layer_at(i), name, sizeof name)) {
      set_text(L, name, nl_layer_at(i)->name);
    }
  }
  return 1;
}

/* layer_names() -> a list */
static int list_names(lua_State *L) {
  lua_createtable(L, nl_layer_count(), 0);
  for (int i = 0; i < nl_layer_count(); i++) {
    lua_pushstring(L, nl_layer_at(i)->name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* layer_family(name) -> "norm", or nil: there is no such layer */
static int family_of_layer(lua_State *L) {
  const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
  for (int i = 0; i < nl_layer_count(); i++) {
    if (strcmp(nl_layer_at(i)->name, name) == 0) {
      lua_pushstring(L, nl_layer_family(i));
      return 1;
    }
  }
  return 0;
}

/* extra(self): what print shows between the brackets */
static int layer_extra(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  if (!nl_layer_state_of(o)) {
    return nl_lua_error(L, "extra: self must be a layer, but is %s", nl_describe(L, 1).s);
  }
  nl_observe_whole(L, 1);
  lua_pushstring(L, nl_layer_describe(nl_layer_refresh(L, 1, o)).s);
  return 1;
}

/* layer_methods(class, name) -> {init =, forward =, extra =, weight =}; the class is the entry's from now on */
static int bind_layer(lua_State *L) {
  nl_object *class = nl_to_object(L, 1);
  const nl_layer_entry *e = nl_layer_find(luaL_checkstring(L, 2));
  if (!class || !class->is_class || !e) {
    return nl_lua_error(L, "layer_methods: wants a class and the name of a layer");
  }
  class->entry = e;
  const struct {
    const char *name;
    lua_CFunction f;
    bool there;
  } methods[] = {{"init", nl_layer_init, true},
                 {"forward", e->forward || e->op ? nl_layer_forward : nl_chain_forward, e->inputs != NULL},
                 {"extra", layer_extra, true},
                 {"weight", nl_layer_weight, e->weight != NULL}};
  lua_createtable(L, 0, 4);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (methods[i].there) {
      lua_pushlightuserdata(L, (void *)(uintptr_t)e);
      lua_pushcclosure(L, methods[i].f, 1);
      lua_setfield(L, -2, methods[i].name);
    }
  }
  return 1;
}

void nl_open_layer(lua_State *L) {
  static const luaL_Reg functions[] = {{"layers", list_layers},
                                       {"layer_names", list_names},
                                       {"layer_functions", list_functions},
                                       {"entry_of", entry_of_layer},
                                       {"layer_family", family_of_layer},
                                       {"layer_predicts", predicts_of_layer},
                                       {"layer_methods", bind_layer},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  nl_observe_exempt(layer_extra);
}
