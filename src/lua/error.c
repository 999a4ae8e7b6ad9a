/* Errors as Lua sees them. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "autograd/tape.h"
#include "core/interrupt.h"
#include "lua/nl_lua.h"
#include "lua/object.h"

/* The path prefix of our own Lua files: "@/usr/share/nnlua/nn". */
static char stdlib[1024];
static size_t stdlib_length;

static int set_stdlib(lua_State *L) {
  size_t n;
  const char *prefix = luaL_checklstring(L, 1, &n);
  stdlib_length = n < sizeof stdlib ? n : 0;
  memcpy(stdlib, prefix, stdlib_length);
  return 0;
}

static bool is_library_source(const char *source) {
  return stdlib_length > 0 && strncmp(source, stdlib, stdlib_length) == 0;
}

bool nl_lua_is_ours(const char *source) {
  return is_library_source(source);
}

/* is_ours(source) -> whether debug.getinfo's source is a file of the library */
static int is_ours(lua_State *L) {
  lua_pushboolean(L, is_library_source(luaL_checkstring(L, 1)));
  return 1;
}

/* The files through which classes are made say nothing of whose they are. */
bool nl_lua_in_library(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "S", &ar);
    const char *rest = is_library_source(ar.source) ? ar.source + stdlib_length : NULL;
    if (*ar.what != 'C' &&
        !(rest && (strcmp(rest, "/internal/class.lua") == 0 || strcmp(rest, "/layers/module.lua") == 0))) {
      return rest != NULL;
    }
  }
  return false;
}

void nl_lua_where(lua_State *L, char *text, size_t size) {
  *text = 0;
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0 && !is_library_source(ar.source)) {
      snprintf(text, size, "%s:%d", ar.short_src, ar.currentline);
      return;
    }
  }
}

/* ---- where calls stand, for the tape ---- */

/* A line is known by a number of a source (in a list that only grows) and a line. */
enum { MOST_SOURCES = 1024, LINE_BITS = 20, SAME = 64 };
static struct {
  const char *pointer; /* Lua's; may be dead, and is only compared */
  char start[SAME], name[LUA_IDSIZE];
} sources[MOST_SOURCES];
static int source_count, last_source;
static lua_State *running;

void nl_lua_set_running(lua_State *L) {
  running = L;
}

lua_State *nl_lua_running(void) {
  return running;
}

static int source_number(const lua_Debug *ar) {
  size_t n = ar->srclen < SAME - 1 ? ar->srclen : SAME - 1;
  for (int k = 0, i = last_source; k < source_count; k++, i = (i + 1) % source_count) {
    if (sources[i].pointer == ar->source && memcmp(sources[i].start, ar->source, n) == 0) {
      last_source = i;
      return i;
    }
  }
  if (source_count == MOST_SOURCES) {
    return -1;
  }
  sources[source_count].pointer = ar->source;
  memcpy(sources[source_count].start, ar->source, n);
  memcpy(sources[source_count].name, ar->short_src, LUA_IDSIZE);
  return last_source = source_count++;
}

static int find_line(void) {
  lua_State *L = running;
  lua_Debug ar;
  for (int level = 1; L && level < 16 && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "S", &ar);
    if (*ar.what == 'C' || is_library_source(ar.source)) {
      continue;
    }
    lua_getinfo(L, "l", &ar);
    if (ar.currentline > 0) {
      int source = source_number(&ar);
      return source < 0 || ar.currentline >= 1 << LINE_BITS ? 0 : (source << LINE_BITS | ar.currentline);
    }
  }
  return 0;
}

static const char *line_text(int line) {
  static char text[LUA_IDSIZE + 24];
  if (line == 0) {
    return NULL;
  }
  snprintf(text, sizeof text, "%s:%d", sources[line >> LINE_BITS].name, line & ((1 << LINE_BITS) - 1));
  return text;
}

/* Pushes "file:line: " of the nearest Lua frame that is the user's. */
static void push_where(lua_State *L) {
  char text[LUA_IDSIZE + 24];
  nl_lua_where(L, text, sizeof text);
  lua_pushfstring(L, *text ? "%s: " : "%s", text);
}

int nl_lua_raise(lua_State *L) {
  bool interrupted = nl_error_kind() == NL_INTERRUPTED;
  if (interrupted) {
    nl_interrupt_clear(); /* it has arrived */
  }
  push_where(L);
  lua_pushstring(L, nl_error_message());
  lua_concat(L, 2);
  if (interrupted) {
    nl_lua_note_interrupt(lua_tostring(L, -1));
  }
  return lua_error(L);
}

int nl_lua_error(lua_State *L, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  nl_vfail(fmt, args);
  va_end(args);
  return nl_lua_raise(L);
}

/* interrupt(): the error that a Ctrl-C is */
static int raise_interrupt(lua_State *L) {
  nl_fail_interrupted();
  return nl_lua_raise(L);
}

/* nn's own Lua files raise with this: error(message) that blames the user's line. */
static int raise_for_user(lua_State *L) {
  const char *message = luaL_checkstring(L, 1);
  return nl_lua_error(L, "%s", message);
}

enum { LONGEST_NAME = 40 };

/* Optimal string alignment: insertions, deletions, changes, and exchanges of neighbours. Case is free. */
static int distance(const char *a, const char *b) {
  enum { MAX = LONGEST_NAME };
  size_t n = strlen(a), m = strlen(b);
  if (n >= MAX || m >= MAX) {
    return MAX;
  }
  int d[MAX + 1][MAX + 1];
  for (size_t i = 0; i <= n; i++) {
    for (size_t j = 0; j <= m; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = (int)(i + j);
        continue;
      }
      int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
      int best = d[i - 1][j - 1] + !same;
      best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
      best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best) {
        best = d[i - 2][j - 2] + 1;
      }
      d[i][j] = best;
    }
  }
  return d[n][m];
}

const char *nl_nearest(const char *wrong, const char *(*name_at)(void *ctx, int i), void *ctx) {
  const char *best = NULL;
  int length = (int)strlen(wrong), best_distance = length < 6 ? 1 : length / 3; /* more would mislead */
  const char *name;
  for (int i = 0; length < LONGEST_NAME && (name = name_at(ctx, i)) != NULL; i++) {
    int d = distance(wrong, name);
    if (d < best_distance || (d == best_distance && (!best || strcmp(name, best) < 0))) { /* no matter the order */
      best = name;
      best_distance = d;
    }
  }
  return best;
}

const char *nl_needless(const char *option) {
  static const char *const options[][2] = {
      {"inplace", "not needed here: compiled steps use memory again by themselves, and x:relu_() works in place"},
      {"foreach", "not needed here: all parameters are updated at once"},
      {"fused", "not needed here: all parameters are updated at once"},
      {"capturable", "not needed here: nn.compile records optimizers, too"},
      {"unbiased", "called otherwise here: unbiased = false is correction = 0"},
      {"device", "not needed here: all runs on the processor"},
      {"pin_memory", "not needed here: all runs on the processor"},
      {"num_workers", "not needed here: batches are views or copies of tensors in memory"},
      {"weights", "not here: nets come without weights; nn.io.torch_state reads PyTorch's"},
      {"pretrained", "not here: nets come without weights; nn.io.torch_state reads PyTorch's"},
  };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (strcmp(option, options[i][0]) == 0) {
      return options[i][1];
    }
  }
  return NULL;
}

/* needless(option) -> why an option of PyTorch is not there, or nil */
static int needless(lua_State *L) {
  lua_pushstring(L, nl_needless(luaL_checkstring(L, 1)));
  return 1;
}

typedef struct lua_names {
  lua_State *L;
} lua_names;

static const char *lua_name_at(void *ctx, int i) {
  lua_State *L = ((lua_names *)ctx)->L;
  lua_rawgeti(L, 2, i + 1);
  const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1); /* the list keeps it alive */
  return s;
}

/* nearest(wrong, {names}) -> name or nil */
static int nearest(lua_State *L) {
  const char *wrong = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushstring(L, nl_nearest(wrong, lua_name_at, &(lua_names){L}));
  return 1;
}

nl_value_text nl_describe(lua_State *L, int index) {
  nl_value_text text;
  char *s = text.s;
  size_t n = sizeof text.s;
  nl_tensor *t = nl_to_tensor(L, index);
  if (t) {
    snprintf(s, n, "a %s tensor of shape %s", nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
    return text;
  }
  switch (lua_type(L, index)) {
  case LUA_TNONE:
    snprintf(s, n, "missing");
    break;
  case LUA_TNIL:
    snprintf(s, n, "nil");
    break;
  case LUA_TBOOLEAN:
    snprintf(s, n, "%s", lua_toboolean(L, index) ? "true" : "false");
    break;
  case LUA_TNUMBER: {
    double v = lua_tonumber(L, index);
    snprintf(s, n, "the number %.14g", v != v ? (double)NAN : v); /* without the sign that a nan may have */
    break;
  }
  case LUA_TSTRING:
    snprintf(s, n, "the string '%.60s'", lua_tostring(L, index));
    break;
  default: {
    int name = luaL_getmetafield(L, index, "__name");
    const char *kind = name == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, index);
    kind = name != LUA_TSTRING && nl_to_object(L, index) ? "table" : kind; /* one whose changes are counted */
    snprintf(s, n, "%s %.100s", strchr("AEIOUaeiou", *kind) ? "an" : "a", kind);
    lua_pop(L, name != LUA_TNIL);
  }
  }
  return text;
}

static int describe(lua_State *L) {
  lua_pushstring(L, nl_describe(L, 1).s);
  return 1;
}

void nl_open_error(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"raise", raise_for_user}, {"interrupt", raise_interrupt}, {"nearest", nearest}, {"needless", needless},
      {"describe", describe},    {"set_stdlib", set_stdlib},     {"is_ours", is_ours}, {NULL, NULL}};
  static const nl_line_finder finder = {find_line, line_text};
  nl_set_line_finder(&finder);
  luaL_setfuncs(L, functions, 0);
}
