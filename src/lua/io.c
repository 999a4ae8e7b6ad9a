/* Files and JSON for nn.data and nn.io. What a reader holds sits in a userdata, so that an error in Lua frees it. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/allowed.h"
#include "core/interrupt.h"
#include "core/memory.h"
#include "io/file.h"
#include "io/idx.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "lua/observe.h"

/* A name in a file, which C would cut at a zero byte. */
static const char *check_member(lua_State *L, int index, const char *who) {
  size_t n;
  const char *s = luaL_checklstring(L, index, &n);
  if (strlen(s) != n) {
    nl_lua_error(L, "%s: a name with a zero byte (behind '%.60s') cannot be that of a file or of what is in one", who,
                 s);
  }
  return s;
}

/* The path of a file. */
static const char *check_path(lua_State *L, int index, const char *who) {
  const char *s = check_member(L, index, who);
  if (!*s) {
    nl_lua_error(L, "%s: the name of the file must not be empty", who);
  }
  return s;
}

static int idx_read(lua_State *L) {
  const char *path = check_path(L, 1, "idx");
  nl_box *box = nl_push_box(L);
  if (nl_idx_read(path, &box->t) != NL_OK) {
    nl_error_prefix("idx");
    return nl_lua_raise(L);
  }
  return 1;
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
  const char *path = check_path(L, 1, "npy");
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
  const char *path = check_path(L, 1, "npy");
  nl_tensor *t = nl_check_tensor(L, 2, "npy", "the array");
  if (nl_npy_write(path, t, lua_toboolean(L, 3) ? NL_EL_F16 : nl_element_of(nl_tensor_dtype(t))) != NL_OK) {
    nl_error_prefix("npy");
    return nl_lua_raise(L);
  }
  return 0;
}

/* read_named_tensors(path, npz or not) -> {name = tensor}, note or nil */
static int read_named_tensors(lua_State *L, bool npz) {
  const char *path = check_path(L, 1, npz ? "npz" : "load");
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
  const char *path = check_path(L, 1, npz ? "npz" : "save");
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
    const char *name = check_member(L, -2, npz ? "npz" : "save");
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

static void push_json_value(lua_State *L, const json_t *v) {
  luaL_checkstack(L, 4, "JSON is nested too deep");
  switch (json_typeof(v)) {
  case JSON_OBJECT: {
    const char *key;
    json_t *item;
    lua_newtable(L);
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
      push_json_value(L, item);
      lua_setfield(L, -2, key);
    }
    break;
  }
  case JSON_ARRAY:
    lua_newtable(L);
    for (size_t i = 0; i < json_array_size(v); i++) {
      push_json_value(L, json_array_get(v, i));
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

/* json_decode(text) -> value, or nil and a message */
static int json_decode(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  json_t **box = push_json(L);
  nl_status status = nl_json_read(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, box);
  if (status == NL_NOMEM || status == NL_INTERRUPTED) {
    return nl_lua_raise(L);
  } else if (status != NL_OK) {
    lua_pushnil(L);
    lua_pushstring(L, nl_error_message());
    return 2;
  }
  push_json_value(L, *box);
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
  json_t *result = n > 0 ? json_array() : json_object();
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
  if (n == 0) {
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

/* ---- the file system ---- */

/* make_directory(path): with its parents; raises with the reason */
static int make_directory(lua_State *L) {
  const char *path = check_path(L, 1, "make_directory");
  if (!*path) {
    return nl_lua_error(L, "the name of a directory must not be empty");
  }
  size_t n = strlen(path);
  char *copy = lua_newuserdatauv(L, n + 1, 0);
  memcpy(copy, path, n + 1);
  while (n > 1 && copy[n - 1] == '/') {
    copy[--n] = 0;
  }
  nl_lua_check(L, nl_may_write(copy)); /* what is above it is there already, or allowed as well */
  for (char *p = copy + 1;; p++) {
    if (*p == '/' || *p == 0) {
      char was = *p;
      *p = 0;
      if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
        return nl_lua_error(L, "%s: %s", copy, strerror(errno));
      }
      *p = was;
      if (was == 0) {
        break;
      }
    }
  }
  return 0;
}

typedef struct text {
  const char *s;
  size_t n;
} text;

static nl_status put_text(int fd, const char *path, void *ctx) {
  const text *t = ctx;
  return nl_write_all(fd, path, t->s, t->n);
}

/* write_file(path, text): the old file or the new one is there at any moment, and the new one is on the disk in the end
 */
static int write_file(lua_State *L) {
  text t;
  const char *path = check_path(L, 1, "write_file");
  t.s = luaL_checklstring(L, 2, &t.n);
  nl_lua_check(L, nl_write_file(path, put_text, &t));
  return 0;
}

/* replace_file(temp, path): puts a finished file in the place of another; raises, and temp is gone, where it cannot */
static int replace_file(lua_State *L) {
  nl_lua_check(L, nl_replace_file(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 0;
}

/* temporary_name(path) -> a name beside it for a file that is to take its place */
static int temporary_name(lua_State *L) {
  const char *path = check_path(L, 1, "temporary_name");
  char *room = lua_newuserdatauv(L, strlen(path) + 64, 0); /* to be Lua's without a way to lose it */
  char *name = nl_temporary_name(path);
  if (!name) {
    return nl_lua_raise(L);
  }
  strcpy(room, name);
  free(name);
  lua_pushstring(L, room);
  return 1;
}

/* file_exists(path) -> whether it does; for what the sandbox hides: false and the reason */
static int file_exists(lua_State *L) {
  struct stat st;
  const char *path = check_path(L, 1, "file_exists");
  bool may = nl_may_read(path) == NL_OK;
  lua_pushboolean(L, may && stat(path, &st) == 0);
  lua_pushstring(L, may ? NULL : nl_error_message());
  return 2;
}

/* For what the sandbox puts in the place of io and os: true, or nil and the reason. A zero byte would hide the end of a
   name from one of the two that look at it. */
static int judge(lua_State *L, nl_status (*may)(const char *path)) {
  size_t n;
  const char *path = luaL_checklstring(L, 1, &n);
  nl_status status = strlen(path) == n ? may(path) : nl_fail("a name of a file has no zero byte");
  if (status == NL_OK) {
    lua_pushboolean(L, true);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, nl_error_message());
  return 2;
}
static int may_read(lua_State *L) {
  return judge(L, nl_may_read);
}
static int may_load(lua_State *L) {
  return judge(L, nl_may_load);
}
static int may_write(lua_State *L) {
  return judge(L, nl_may_write);
}
static int may_rename(lua_State *L) {
  return judge(L, nl_may_rename);
}

static int is_sandboxed(lua_State *L) {
  lua_pushboolean(L, nl_sandboxed());
  return 1;
}

void nl_open_io(lua_State *L) {
  static const luaL_Reg functions[] = {{"idx_read", idx_read},
                                       {"safetensors_read", safetensors_read},
                                       {"safetensors_write", safetensors_write},
                                       {"npy_read", npy_read},
                                       {"npy_write", npy_write},
                                       {"npz_read", npz_read},
                                       {"npz_write", npz_write},
                                       {"json_decode", json_decode},
                                       {"json_encode", json_encode},
                                       {"make_directory", make_directory},
                                       {"file_exists", file_exists},
                                       {"write_file", write_file},
                                       {"temporary_name", temporary_name},
                                       {"replace_file", replace_file},
                                       {"may_read", may_read},
                                       {"may_load", may_load},
                                       {"may_write", may_write},
                                       {"may_rename", may_rename},
                                       {"is_sandboxed", is_sandboxed},
                                       {NULL, NULL}};
#define ONCE "files would be touched only once; do it outside"
  static const nl_not_replayed refused[] = {
      {idx_read, "data", ONCE},         {npy_read, "io.npy", ONCE},    {npy_write, "io.npy", ONCE},
      {safetensors_read, "load", ONCE}, {npz_read, "io.npz", ONCE},    {safetensors_write, "save", ONCE},
      {npz_write, "io.npz", ONCE},      {make_directory, "fit", ONCE}, {file_exists, "data", ONCE},
      {write_file, "fit", ONCE},        {replace_file, "plot", ONCE},  {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  luaL_setfuncs(L, functions, 0);
}
