/* The fields of built-in layers: what may stand in them, and what C sees of them. */
#include "lua/layer.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- one value ---- */

/* "an integer of at least 1", "a number from 0 to 1" */
static void write_wanted(char *s, size_t size, const nl_field *f, const char *what) {
  char low[40] = "", high[40] = "";
  if (f->low > -INFINITY && f->high < INFINITY && !f->above && !f->below) {
    snprintf(low, sizeof low, " from %g to %g", f->low, f->high);
  } else {
    if (f->low > -INFINITY) {
      snprintf(low, sizeof low, f->above ? " above %g" : " of at least %g", f->low);
    }
    if (f->high < INFINITY) {
      snprintf(high, sizeof high, f->below ? "%s below %g" : "%s of at most %g", *low ? " and" : "", f->high);
    }
  }
  snprintf(s, size, "%s%s%s", what, low, high);
}

/* Whole numbers are sizes and places: two of them can be multiplied. */
static bool is_countable(int64_t v) {
  return v >= -INT32_MAX && v <= INT32_MAX;
}

static bool in_bounds(const nl_field *f, double v) {
  return v == v && (f->above ? v > f->low : v >= f->low) && (f->below ? v < f->high : v <= f->high);
}

static bool refuse_value(lua_State *L, int index, const nl_field *f, const char *wanted) {
  nl_fail("%s must be %s%s, but is %s", f->name, wanted, f->optional && !f->has_default ? ", or nil" : "",
          nl_describe(L, index).s);
  return false;
}

static bool read_sizes_value(lua_State *L, int index, const nl_field *f, nl_layer *l, nl_value *v) {
  char one[80], wanted[240];
  if (f->word && lua_type(L, index) == LUA_TSTRING) {
    const char *s = lua_tostring(L, index);
    v->list.count = -1;
    if (strlen(s) == (size_t)f->nword && memcmp(s, f->word, (size_t)f->nword) == 0) {
      return true;
    }
  }
  int64_t numbers[NL_MAX_DIM];
  int n = 0, most = f->count ? f->count : NL_MAX_DIM;
  bool table = lua_type(L, index) == LUA_TTABLE, right = table || lua_type(L, index) == LUA_TNUMBER;
  if (table) {
    n = (int)lua_rawlen(L, index);
    right = n > 0 && (f->count ? n == f->count : n <= most);
  }
  for (int i = 0; i < (table ? n : most) && right; i++) {
    if (table) {
      lua_rawgeti(L, index, i + 1);
    } else {
      lua_pushvalue(L, index);
    }
    int is_integer = 0;
    numbers[i] = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : 0;
    right = is_integer && in_bounds(f, (double)numbers[i]) && is_countable(numbers[i]);
    lua_pop(L, 1);
  }
  if (!table) {
    n = f->count ? f->count : 1;
  }
  if (!right || l->nints + n > NL_LAYER_INTS) {
    write_wanted(one, sizeof one, f, "an integer");
    char word[40] = "";
    if (f->word) {
      snprintf(word, sizeof word, ", or \"%.*s\"", f->nword, f->word);
    }
    if (f->count) {
      snprintf(wanted, sizeof wanted, "%s, or a list of %d such%s", one, f->count, word);
    } else {
      snprintf(wanted, sizeof wanted, "%s, or a list of such%s", one, word);
    }
    if (table && f->count) {
      nl_fail("%s must be %s, but is a list of %d", f->name, wanted, n);
      return false;
    }
    return refuse_value(L, index, f, wanted);
  }
  v->list.at = (int16_t)l->nints;
  v->list.count = (int16_t)n;
  memcpy(l->ints + l->nints, numbers, (size_t)n * sizeof *numbers);
  l->nints += n;
  return true;
}

static bool read_choice_value(lua_State *L, int index, const nl_field *f, nl_value *v) {
  const char *given = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "", *word;
  char wanted[160] = "";
  int n, last = 0;
  while (nl_choice_word(f, last + 1, &n)) {
    last++;
  }
  for (v->i = 0; (word = nl_choice_word(f, v->i, &n)); v->i++) {
    if (strlen(given) == (size_t)n && memcmp(given, word, (size_t)n) == 0) {
      return true;
    }
    size_t used = strlen(wanted);
    snprintf(wanted + used, sizeof wanted - used,
             v->i == 0 ? "\"%.*s\"" : (v->i == last ? " or \"%.*s\"" : ", \"%.*s\""), n, word);
  }
  return refuse_value(L, index, f, wanted);
}

static bool can_be_called(lua_State *L, int index) {
  return lua_isfunction(L, index) || (nl_to_object(L, index) && !nl_to_object(L, index)->is_class);
}

bool nl_layer_read(lua_State *L, int index, const nl_field *f, nl_layer *l, nl_value *v) {
  char wanted[120];
  nl_box *box;
  int type = lua_type(L, index), is_integer = 0;
  *v = (nl_value){.set = type != LUA_TNIL};
  if (!v->set) {
    return true;
  }
  switch (f->kind) {
  case NL_FIELD_INT:
    v->i = type == LUA_TNUMBER ? lua_tointegerx(L, index, &is_integer) : 0;
    if (!is_integer || !in_bounds(f, (double)v->i) || !is_countable(v->i)) {
      write_wanted(wanted, sizeof wanted, f,
                   is_integer && !is_countable(v->i) ? "an integer of 32 bits" : "an integer");
      return refuse_value(L, index, f, wanted);
    }
    if (!lua_isinteger(L, index)) { /* 2.0 is 2 */
      lua_pushinteger(L, v->i);
      lua_replace(L, index);
    }
    return true;
  case NL_FIELD_NUMBER:
    v->number = type == LUA_TNUMBER ? lua_tonumber(L, index) : 0;
    if (type != LUA_TNUMBER || !in_bounds(f, v->number)) {
      write_wanted(wanted, sizeof wanted, f, "a number");
      return refuse_value(L, index, f, wanted);
    }
    return true;
  case NL_FIELD_BOOL:
    v->b = lua_toboolean(L, index);
    return type == LUA_TBOOLEAN || refuse_value(L, index, f, "a boolean");
  case NL_FIELD_CHOICE:
    return read_choice_value(L, index, f, v);
  case NL_FIELD_NAME:
  case NL_FIELD_INITIALIZER:
    v->name = type == LUA_TSTRING ? lua_tostring(L, index) : NULL;
    return v->name || refuse_value(L, index, f, "a string");
  case NL_FIELD_DTYPE: {
    nl_dtype dtype;
    v->i = NL_F32;
    if (type == LUA_TSTRING && nl_dtype_parse(lua_tostring(L, index), &dtype) && nl_dtype_is_float(dtype)) {
      v->i = dtype;
      return true;
    }
    return refuse_value(L, index, f, "\"float32\" or \"float64\"");
  }
  case NL_FIELD_SIZES:
    return read_sizes_value(L, index, f, l, v);
  case NL_FIELD_LAYER:
  case NL_FIELD_PART:
  case NL_FIELD_LAYERS:
    return can_be_called(L, index) || refuse_value(L, index, f, "a layer or a function");
  default: /* tensors */
    box = nl_to_box(L, index);
    if (!box) {
      return refuse_value(L, index, f, "a tensor");
    }
    v->tensor = &box->t; /* of a closed one NULL: the pass says so */
    return true;
  }
}

/* ---- assignment ---- */

/* Raises where the setting has another value than the one at stack index 3 already. */
static void refuse_fixed(lua_State *L, const nl_object *o, const char *name) {
  nl_object_push_fields(L, 1);
  lua_pushvalue(L, 2);
  bool settled = lua_rawget(L, -2) != LUA_TNIL ||
                 nl_layer_state_of((nl_object *)(uintptr_t)o)->made; /* nil may be what it was made with */
  if (settled && !nl_same_value(L, -1, 3)) {
    nl_lua_error(L, "%s: %s is settled when the layer is made; make a new one: nn.%s{..., %s = ...}", o->entry->name,
                 name, o->entry->name, name);
  }
  lua_pop(L, 2);
}

static const char *stored_name_at(void *ctx, int i) {
  const nl_fields *all = ctx;
  return i < all->count ? (all->field[i].stored ? all->field[i].name : "") : NULL;
}

static const nl_field *stored_field(const nl_fields *all, const char *name) {
  for (int i = 0; i < all->count; i++) {
    if (all->field[i].stored && strcmp(all->field[i].name, name) == 0) {
      return &all->field[i];
    }
  }
  return NULL;
}

/* A name that is nearly one of the entry's would change nothing, without a word. */
static void refuse_misspelt(lua_State *L, const nl_object *o, const nl_fields *all, const char *name) {
  nl_object_push_class(L, 1);
  const nl_object *class = nl_to_object(L, -1);
  lua_pop(L, 1);
  nl_object_push_fields(L, 1);
  lua_pushvalue(L, 2);
  bool there = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  int setting = nl_field_find(o->entry, name);
  if (!there && setting >= 0 && setting < all->settings) { /* told to the constructor, and no field */
    nl_lua_error(L, "%s: %s is settled when the layer is made%s", o->entry->name, name,
                 strcmp(name, "dtype") == 0 ? "; convert it with layer:to(\"float64\")" : "");
  }
  const char *near = !there && class && class->is_library && strlen(name) > 2 && *name != '_'
                         ? nl_nearest(name, stored_name_at, (void *)(uintptr_t)all)
                         : NULL;
  if (near) {
    nl_lua_error(L, "%s has no field '%.60s'; did you mean '%s'?", o->entry->name, name, near);
  }
}

/* Raises where the new value (with its numbers in `with`) does not go with the other settings of the object at stack
   index 1. While it is made, or copied, not all of them are there. */
static void check_together(lua_State *L, nl_object *o, int field, const nl_value *v, const nl_layer *with) {
  if (!o->entry->refuse) {
    return;
  }
  nl_layer changed = *nl_layer_refresh(L, 1, o);
  changed.value[field] = *v;
  for (int i = 0; i < changed.fields->settings; i++) {
    const nl_field *f = &changed.fields->field[i];
    bool is_layer = f->kind == NL_FIELD_LAYER || f->kind == NL_FIELD_LAYERS;
    if (f->stored && !is_layer && (f->has_default || !f->optional) && !changed.value[i].set) {
      return;
    }
  }
  if (changed.fields->field[field].kind == NL_FIELD_SIZES && v->set && v->list.count > 0) {
    if (changed.nints + v->list.count > NL_LAYER_INTS) {
      return; /* looked at again when it is called */
    }
    memcpy(changed.ints + changed.nints, with->ints, (size_t)v->list.count * sizeof *with->ints);
    changed.value[field].list.at = (int16_t)changed.nints;
  }
  const char *wrong = o->entry->refuse(&changed);
  if (wrong) {
    nl_lua_error(L, "%s: %s", o->entry->name, wrong);
  }
}

void nl_layer_check_field(lua_State *L, nl_object *o) {
  if (lua_type(L, 2) != LUA_TSTRING) {
    return;
  }
  const char *name = lua_tostring(L, 2);
  const nl_fields *all = nl_layer_fields(o->entry);
  const nl_field *f = stored_field(all, name);
  if (!f) {
    refuse_misspelt(L, o, all, name);
    return;
  }
  nl_layer scratch = {.entry = o->entry};
  nl_value v;
  bool tensor = f->kind == NL_FIELD_PARAMETER || f->kind == NL_FIELD_BUFFER || f->kind == NL_FIELD_TENSOR;
  if (!nl_layer_read(L, 3, f, &scratch, &v)) {
    nl_error_prefix("%s", o->entry->name);
    nl_lua_raise(L);
  } else if (!v.set && (f->has_default || !f->optional) && !tensor && f->kind != NL_FIELD_LAYER &&
             f->kind != NL_FIELD_PART) {
    nl_lua_error(L, "%s: %s cannot be nil", o->entry->name, name);
  } else if (f->fixed) {
    refuse_fixed(L, o, name);
  }
  check_together(L, o, (int)(f - all->field), &v, &scratch);
  if (f->kind == NL_FIELD_SIZES && lua_type(L, 3) == LUA_TNUMBER) { /* a number stands for all of them */
    lua_createtable(L, v.list.count, 0);
    for (int i = 0; i < v.list.count; i++) {
      lua_pushinteger(L, scratch.ints[v.list.at + i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_replace(L, 3);
  }
}

/* ---- the fields as they are ---- */

nl_layer *nl_layer_refresh(lua_State *L, int index, nl_object *o) {
  nl_layer_state *s = nl_layer_state_of(o);
  if (s->version == o->version && !s->lists && s->version) {
    return &s->layer;
  }
  nl_layer *l = &s->layer;
  const nl_fields *all = nl_layer_fields(o->entry);
  s->version = 0;
  s->lists = false;
  l->nints = 0;
  luaL_checkstack(L, 8, NULL);
  nl_object_push_fields(L, index);
  for (int i = 0; i < all->count; i++) {
    const nl_field *f = &all->field[i];
    if (!f->stored) {
      continue;
    }
    lua_pushstring(L, f->name);
    lua_rawget(L, -2);
    if (!nl_layer_read(L, lua_gettop(L), f, l, &l->value[i])) {
      nl_error_prefix("%s", o->entry->name);
      nl_lua_raise(L);
    }
    s->lists = s->lists || (f->kind == NL_FIELD_SIZES && lua_type(L, -1) == LUA_TTABLE);
    lua_pop(L, 1);
  }
  lua_pushliteral(L, "training");
  lua_rawget(L, -2);
  l->training = lua_toboolean(L, -1);
  lua_pop(L, 2);
  nl_object_push_class(L, index);
  nl_object_push_fields(L, -1);
  lua_pushliteral(L, "_name");
  const char *class = lua_rawget(L, -2) == LUA_TSTRING ? lua_tostring(L, -1) : o->entry->name;
  snprintf(l->name, sizeof l->name, "%s", class);
  lua_pop(L, 3);
  s->version = o->version;
  return l;
}
