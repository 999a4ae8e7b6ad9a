/* Files and JSON for nn.data and nn.io. What a reader holds sits in a userdata, so that an error in Lua frees it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "io/csv.h"
#include "io/file.h"
#include "io/idx.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/picture.h"
#include "io/safetensors.h"
#include "lua/observe.h"

static int idx_read(lua_State *L) {
  const char *path = nl_check_path(L, 1, "idx");
  nl_box *box = nl_push_box(L);
  if (nl_idx_read(path, &box->t) != NL_OK) {
    nl_error_prefix("idx");
    return nl_lua_raise(L);
  }
  return 1;
}

/* ---- csv ---- */

#define TABLE_TYPE "nn.TextTable"

enum { MOST_NAMES = 1 << 16 };

typedef struct text_table {
  nl_csv table;
  nl_csv_options options;
} text_table;

static int table_gc(lua_State *L) {
  text_table *t = nl_held(L, TABLE_TYPE);
  nl_csv_free(&t->table);
  nl_delete(t->options.missing);
  nl_delete(t->options.columns);
  nl_delete(t->options.classes);
  t->options = (nl_csv_options){0};
  return 0;
}

/* The list of a field of the options at index 2 on the stack; its strings live as long as it. */
static int push_list(lua_State *L, const char *field) {
  lua_getfield(L, 2, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, -1);
  luaL_argcheck(L, n <= MOST_NAMES, 2, "too many names");
  return (int)n;
}

static void *room_for(lua_State *L, int n, size_t size) {
  void *p = nl_new((size_t)(n + 1) * size);
  if (!p) {
    nl_lua_raise(L);
  }
  return p;
}

/* Columns by name or number. */
static void read_wishes(lua_State *L, const char *field, nl_csv_wish **out, int *count) {
  int n = push_list(L, field);
  *out = room_for(L, n, sizeof **out);
  for (int i = 0; i < n; i++) {
    if (lua_rawgeti(L, -1, i + 1) == LUA_TNUMBER) {
      (*out)[i].number = luaL_checkinteger(L, -1);
    } else {
      (*out)[i].name = nl_check_name(L, -1, "csv");
    }
    lua_pop(L, 1);
  }
  *count = n;
  lua_pop(L, 1);
}

static char character_of(lua_State *L, const char *field) {
  lua_getfield(L, 2, field);
  const char *s = luaL_optstring(L, -1, "");
  lua_pop(L, 1);
  return *s;
}

/* csv_read(path, {sep, decimal, header, dtype, missing, columns, classes}) -> values, {names} or nil, {[i] =
   {classes}}; the options were checked before */
static int csv_read(lua_State *L) {
  const char *path = nl_check_path(L, 1, "csv");
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  text_table *t = nl_push_hold(L, sizeof *t, TABLE_TYPE, "__gc", table_gc);
  nl_csv_options *o = &t->options;
  o->separator = character_of(L, "sep");
  o->decimal = character_of(L, "decimal");
  o->dtype = character_of(L, "dtype") == 'd' ? NL_F64 : NL_F32;
  int header = lua_getfield(L, 2, "header");
  o->header = header == LUA_TNIL ? NL_CSV_FIND : lua_toboolean(L, -1) ? NL_CSV_FIRST : NL_CSV_NONE;
  lua_pop(L, 1);
  int n = push_list(L, "missing");
  o->missing = room_for(L, n, sizeof *o->missing);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    o->missing[i] = nl_check_name(L, -1, "csv");
    lua_pop(L, 1);
  }
  o->missing_count = n;
  lua_pop(L, 1);
  read_wishes(L, "columns", &o->columns, &o->column_count);
  read_wishes(L, "classes", &o->classes, &o->class_count);
  if (nl_csv_read(path, o, &t->table) != NL_OK) {
    nl_error_prefix("csv");
    return nl_lua_raise(L);
  }
  nl_box *box = nl_push_box(L);
  box->t = nl_tensor_ref(t->table.values);
  bool named = t->table.columns[0].name != NULL;
  lua_createtable(L, t->table.count, 0);
  lua_newtable(L);
  for (int i = 0; i < t->table.count; i++) {
    nl_csv_column *c = &t->table.columns[i];
    if (named) {
      lua_pushstring(L, c->name);
      lua_rawseti(L, -3, i + 1);
    }
    if (c->classes) {
      lua_createtable(L, c->class_count, 0);
      for (int k = 0; k < c->class_count; k++) {
        lua_pushstring(L, c->classes[k]);
        lua_rawseti(L, -2, k + 1);
      }
      lua_rawseti(L, -2, i + 1);
    }
  }
  if (!named) {
    lua_pushnil(L);
    lua_replace(L, -3);
  }
  return 3;
}

/* ---- safetensors ---- */

#define FILE_TYPE "nn.TensorFile"

static int file_gc(lua_State *L) {
  nl_tensor_file_free(nl_held(L, FILE_TYPE));
  return 0;
}

static nl_tensor_file *push_file(lua_State *L) {
  return nl_push_hold(L, sizeof(nl_tensor_file), FILE_TYPE, "__gc", file_gc);
}

/* npy_read(path) -> tensor */
static int npy_read(lua_State *L) {
  const char *path = nl_check_path(L, 1, "npy");
  nl_box *box = nl_push_box(L);
  if (nl_npy_read(path, &box->t) != NL_OK) {
    nl_error_prefix("npy");
    return nl_lua_raise(L);
  }
  return 1;
}

/* npy_write(path, tensor, half): half writes float16 */
static int npy_write(lua_State *L) {
  nl_lua_no_reading(L, "npy");
  const char *path = nl_check_path(L, 1, "npy");
  nl_tensor *t = nl_check_tensor(L, 2, "npy", "the array");
  if (nl_npy_write(path, t, lua_toboolean(L, 3) ? NL_EL_F16 : nl_element_of(nl_tensor_dtype(t))) != NL_OK) {
    nl_error_prefix("npy");
    return nl_lua_raise(L);
  }
  return 0;
}

/* picture_decode(bytes, channels, path) -> uint8, channels x height x width */
static int picture_decode(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  int channels = (int)luaL_checkinteger(L, 2);
  const char *path = luaL_checkstring(L, 3);
  luaL_argcheck(L, channels >= 0 && channels <= 4, 2, "0 to 4 channels");
  nl_box *box = nl_push_box(L);
  if (nl_picture_decode((const unsigned char *)bytes, n, channels, &box->t) != NL_OK) {
    nl_error_prefix("image: %s", path);
    return nl_lua_raise(L);
  }
  return 1;
}

/* picture_write(path, tensor, "png", "jpeg" or "pnm", quality) */
static int picture_write(lua_State *L) {
  static const char *const kinds[] = {"png", "jpeg", "pnm", NULL};
  nl_lua_no_reading(L, "image");
  const char *path = nl_check_path(L, 1, "image");
  const nl_tensor *t = nl_check_tensor(L, 2, "image", "the picture");
  luaL_argcheck(L, t->dtype == NL_U8 && t->ndim == 3 && t->contiguous && t->shape[0] >= 1 && t->shape[0] <= 4, 2,
                "uint8, channels x height x width");
  nl_picture_kind kind = (nl_picture_kind)luaL_checkoption(L, 3, NULL, kinds);
  if (nl_picture_write(path, t, kind, (int)luaL_checkinteger(L, 4)) != NL_OK) {
    nl_error_prefix("image");
    return nl_lua_raise(L);
  }
  return 0;
}

/* read_named_tensors(path, npz or not) -> {name = tensor}, note or nil */
static int read_named_tensors(lua_State *L, bool npz) {
  const char *path = nl_check_path(L, 1, npz ? "npz" : "load");
  nl_tensor_file *f = push_file(L);
  if ((npz ? nl_npz_read : nl_safetensors_read)(path, f) != NL_OK) {
    nl_error_prefix(npz ? "npz" : "load");
    return nl_lua_raise(L);
  }
  lua_createtable(L, 0, f->count);
  for (int i = 0; i < f->count; i++) {
    nl_box *box = nl_push_box(L);
    box->t = nl_tensor_ref(f->entries[i].tensor);
    lua_setfield(L, -2, f->entries[i].name);
  }
  lua_pushstring(L, f->note);
  return 2;
}

static int safetensors_read(lua_State *L) {
  return read_named_tensors(L, false);
}
static int npz_read(lua_State *L) {
  return read_named_tensors(L, true);
}

/* {{name, tensor}, ...} to a file; argument 3: the note, or whether to compress */
static int write_tensors(lua_State *L, bool npz) {
  nl_lua_no_reading(L, "save");
  const char *path = nl_check_path(L, 1, npz ? "npz" : "save");
  luaL_checktype(L, 2, LUA_TTABLE);
  const char *note = npz ? NULL : luaL_optstring(L, 3, NULL);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
  nl_tensor_file *f = push_file(L);
  f->entries = nl_new(((size_t)n + 1) * sizeof *f->entries);
  f->note = note ? strdup(note) : NULL;
  if (!f->entries || (note && !f->note)) {
    nl_fail_memory(f->entries ? strlen(note) : (size_t)n);
    return nl_lua_raise(L);
  }
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 2, i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    const char *name = nl_check_name(L, -2, npz ? "npz" : "save");
    nl_tensor *t = nl_check_tensor(L, -1, "save", name);
    f->entries[i - 1].name = strdup(name);
    f->entries[i - 1].tensor = nl_tensor_ref(t);
    f->count++;
    if (!f->entries[i - 1].name) {
      nl_fail_memory(strlen(name));
      return nl_lua_raise(L);
    }
    lua_pop(L, 3);
  }
  if ((npz ? nl_npz_write(path, f, lua_toboolean(L, 3)) : nl_safetensors_write(path, f)) != NL_OK) {
    nl_error_prefix(npz ? "npz" : "save");
    return nl_lua_raise(L);
  }
  return 0;
}
static int safetensors_write(lua_State *L) {
  return write_tensors(L, false);
}
static int npz_write(lua_State *L) {
  return write_tensors(L, true);
}

/* ---- JSON ---- */

#define JSON_TYPE "nn.Json"

enum { MAX_JSON_DEPTH = 100 };

static int json_gc(lua_State *L) {
  json_t **box = nl_held(L, JSON_TYPE);
  json_decref(*box);
  *box = NULL;
  return 0;
}

static json_t **push_json(lua_State *L) {
  return nl_push_hold(L, sizeof(json_t *), JSON_TYPE, "__gc", json_gc);
}

#define EMPTY_LIST_TYPE "nn.EmptyList"

static void push_json_value(lua_State *L, const json_t *v, bool told) {
  luaL_checkstack(L, 4, "JSON is nested too deep");
  switch (json_typeof(v)) {
  case JSON_OBJECT: {
    const char *key;
    json_t *item;
    lua_newtable(L);
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
      push_json_value(L, item, told);
      lua_setfield(L, -2, key);
    }
    break;
  }
  case JSON_ARRAY:
    lua_newtable(L);
    if (told && json_array_size(v) == 0) {
      luaL_setmetatable(L, EMPTY_LIST_TYPE);
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
      push_json_value(L, json_array_get(v, i), told);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    break;
  case JSON_STRING:
    lua_pushlstring(L, json_string_value(v), json_string_length(v));
    break;
  case JSON_INTEGER:
    lua_pushinteger(L, json_integer_value(v));
    break;
  case JSON_REAL:
    lua_pushnumber(L, json_real_value(v));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    lua_pushboolean(L, json_is_true(v));
    break;
  default:
    lua_pushnil(L);
  }
}

/* json_decode(text[, theirs]) -> value, or nil and a message. theirs: another program may have written it, so numbers
   that do not fit are no error, and an empty list can be told from an empty object when it is written again. */
static int json_decode(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  lua_settop(L, 2);
  json_t **box = push_json(L);
  const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
  nl_status status =
      lua_toboolean(L, 2) ? nl_json_read_fitting(text, n, flags, box) : nl_json_read(text, n, flags, box);
  if (status == NL_NOMEM || status == NL_INTERRUPTED) {
    return nl_lua_raise(L);
  } else if (status != NL_OK) {
    lua_pushnil(L);
    lua_pushstring(L, nl_error_message());
    return 2;
  }
  push_json_value(L, *box, lua_toboolean(L, 2));
  return 1;
}

/* json_row(line) -> the table of a line that is an object, or nil. Numbers that do not fit are no error. */
static int json_row(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  json_t **box = push_json(L);
  nl_status status = nl_json_read_fitting(text, n, JSON_REJECT_DUPLICATES, box);
  if (status == NL_NOMEM || status == NL_INTERRUPTED) {
    return nl_lua_raise(L);
  } else if (status != NL_OK || !json_is_object(*box)) {
    lua_pushnil(L);
  } else {
    push_json_value(L, *box, false);
  }
  return 1;
}

/* The value at the top of the stack as JSON, or NULL with the error waiting. */
static json_t *to_json(lua_State *L, int depth) {
  int index = lua_gettop(L);
  switch (lua_type(L, index)) {
  case LUA_TSTRING: {
    size_t n;
    const char *s = lua_tolstring(L, index, &n);
    json_t *v = json_stringn(s, n);
    if (!v && !nl_json_is_utf8(s, n)) {
      nl_fail("a string that is not UTF-8 cannot be written as JSON");
    }
    return v;
  }
  case LUA_TNUMBER: {
    if (lua_isinteger(L, index)) {
      return json_integer(lua_tointeger(L, index));
    }
    double number = lua_tonumber(L, index);
    bool finite = number - number == 0;
    return finite ? json_real(number) : json_null(); /* JSON has no nan and no infinity */
  }
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(L, index));
  case LUA_TTABLE:
    break;
  default:
    nl_fail("%s cannot be written as JSON", nl_describe(L, index).s);
    return NULL;
  }
  if (depth == MAX_JSON_DEPTH || !lua_checkstack(L, 4)) {
    nl_fail("the table is nested too deep (or contains itself)");
    return NULL;
  }
  lua_Unsigned n = lua_rawlen(L, index);
  if (luaL_getmetafield(L, index, "__len") != LUA_TNIL) {
    lua_pop(L, 1);
    n = 1; /* it says that it is a list */
  }
  if (n > 0 && nl_check_list(L, index) != NL_OK) {
    return NULL;
  }
  bool empty_list = false;
  if (n == 0 && lua_getmetatable(L, index)) {
    luaL_getmetatable(L, EMPTY_LIST_TYPE);
    empty_list = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  json_t *result = n > 0 || empty_list ? json_array() : json_object();
  bool ok = result != NULL;
  for (lua_Unsigned i = 1; i <= n && ok; i++) {
    if ((i & 0xffff) == 0 && nl_interrupt_pending()) {
      nl_fail_interrupted();
      json_decref(result);
      return NULL;
    }
    lua_rawgeti(L, index, (lua_Integer)i);
    ok = json_array_append_new(result, to_json(L, depth + 1)) == 0;
    lua_pop(L, 1);
  }
  if (n == 0 && !empty_list) {
    lua_pushnil(L);
    while (ok && lua_next(L, index)) {
      ok = lua_type(L, -2) == LUA_TSTRING;
      if (!ok) {
        nl_fail("a table with keys that are no strings cannot be written as JSON");
      }
      ok = ok && json_object_set_new(result, lua_tostring(L, -2), to_json(L, depth + 1)) == 0;
      lua_pop(L, 1);
    }
    lua_settop(L, index);
  }
  if (!ok) {
    json_decref(result);
    return NULL;
  }
  return result;
}

/* json_encode(value) -> text */
static int json_encode(lua_State *L) {
  lua_settop(L, 1);
  json_t **box = push_json(L);
  lua_pushvalue(L, 1);
  nl_fail("not enough memory for JSON"); /* unless another reason is found */
  *box = to_json(L, 0);
  if (!*box) {
    return nl_lua_raise(L);
  }
  char *text;
  nl_lua_check(L, nl_json_write(*box, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT, &text));
  json_t *as_string = json_string(text); /* the box holds the text until it is Lua's */
  free(text);
  if (!as_string) {
    return luaL_error(L, "not enough memory for JSON");
  }
  json_decref(*box);
  *box = as_string;
  lua_pushlstring(L, json_string_value(as_string), json_string_length(as_string));
  return 1;
}

void nl_open_io(lua_State *L) {
  static const luaL_Reg functions[] = {{"idx_read", idx_read},
                                       {"csv_read", csv_read},
                                       {"safetensors_read", safetensors_read},
                                       {"safetensors_write", safetensors_write},
                                       {"npy_read", npy_read},
                                       {"npy_write", npy_write},
                                       {"npz_read", npz_read},
                                       {"npz_write", npz_write},
                                       {"picture_decode", picture_decode},
                                       {"picture_write", picture_write},
                                       {"json_decode", json_decode},
                                       {"json_encode", json_encode},
                                       {"json_row", json_row},
                                       {NULL, NULL}};
#define ONCE "files would be touched only once; do it outside"
  static const nl_not_replayed refused[] = {{idx_read, "data", ONCE},
                                            {csv_read, "io.csv", ONCE},
                                            {npy_read, "io.npy", ONCE},
                                            {npy_write, "io.npy", ONCE},
                                            {safetensors_read, "load", ONCE},
                                            {npz_read, "io.npz", ONCE},
                                            {safetensors_write, "save", ONCE},
                                            {npz_write, "io.npz", ONCE},
                                            {picture_decode, "io.image", ONCE},
                                            {picture_write, "io.image", ONCE},
                                            {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, EMPTY_LIST_TYPE);
  lua_pop(L, 1);
}
