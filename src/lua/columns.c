/* Rows of a history (a JSON object a line) as columns: for each name the text of a list, for pages that draw it. A
   million rows never become Lua values. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "lua/observe.h"

enum { MOST_COLUMNS = 256, LONGEST_NAME = 200 };

typedef struct column {
  char *name, *text; /* text: a comma behind each value */
  size_t name_n, n, room;
  lua_Integer rows, seen; /* values so far; the last line that had one, to notice a name that comes twice */
} column;

typedef struct columns {
  column list[MOST_COLUMNS];
  int count, guess; /* guess: where the next name is, if lines are alike */
  bool left_out;    /* there were more names, or long ones */
  lua_Integer rows;
} columns;

/* A number in a line: its column and its text. */
typedef struct cell {
  column *of;
  const char *s;
  size_t n;
} cell;

#define COLUMNS_TYPE "nn.Columns"

static int columns_gc(lua_State *L) {
  columns *t = nl_held(L, COLUMNS_TYPE);
  for (int i = 0; i < t->count; i++) {
    free(t->list[i].name);
    free(t->list[i].text);
  }
  t->count = 0;
  return 0;
}

static nl_status append_text(column *c, const char *s, size_t n) {
  if (c->n + n > c->room) {
    size_t room = 2 * (c->n + n) + 1024;
    char *more = realloc(c->text, room);
    if (!more) {
      return nl_fail_memory(room);
    }
    c->text = more;
    c->room = room;
  }
  memcpy(c->text + c->n, s, n);
  c->n += n;
  return NL_OK;
}

/* Rows without a value have null. */
static nl_status fill_up(column *c, lua_Integer rows) {
  nl_status status = NL_OK;
  for (; c->rows < rows && status == NL_OK; c->rows++) {
    status = append_text(c, "null,", 5);
  }
  return status;
}

static nl_status put_cell(columns *t, const cell *value) {
  column *c = value->of;
  nl_status status = fill_up(c, t->rows);
  status = status == NL_OK ? append_text(c, value->s, value->n) : status;
  status = status == NL_OK ? append_text(c, ",", 1) : status;
  c->rows++;
  return status;
}

/* The column of a name, new or not; NULL: it is left out, or there is no memory (and status says so). */
static column *column_of(columns *t, const char *name, size_t n, nl_status *status) {
  for (int i = 0; i < t->count; i++) {
    int at = (t->guess + i) % t->count;
    if (t->list[at].name_n == n && memcmp(t->list[at].name, name, n) == 0) {
      t->guess = at + 1;
      return &t->list[at];
    }
  }
  if (t->count == MOST_COLUMNS || n > LONGEST_NAME) {
    t->left_out = true;
    return NULL;
  }
  column *c = &t->list[t->count];
  *c = (column){.name = malloc(n + 1), .name_n = n, .seen = -1};
  if (!c->name) {
    *status = nl_fail_memory(n);
    return NULL;
  }
  memcpy(c->name, name, n);
  t->count++;
  return c;
}

/* ---- lines as this program writes them: no space, no escapes, nothing nested ---- */

static const char *skip_digits(const char *p, const char *end) {
  while (p < end && *p >= '0' && *p <= '9') {
    p++;
  }
  return p;
}

/* Behind a number of JSON's grammar that surely is a finite double, or NULL. */
static const char *skip_number(const char *p, const char *end) {
  p += *p == '-';
  const char *from = p;
  p = skip_digits(p, end);
  if (p == from || p - from > 15 || (*from == '0' && p - from > 1)) {
    return NULL;
  }
  if (p < end && *p == '.') {
    from = ++p;
    p = skip_digits(p, end);
    if (p == from) {
      return NULL;
    }
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    p++;
    p += p < end && (*p == '+' || *p == '-');
    from = p;
    p = skip_digits(p, end);
    if (p == from || p - from > 2) {
      return NULL;
    }
  }
  return p;
}

/* Behind a string without escapes, from its first quote; NULL: it is none. */
static const char *skip_string(const char *p, const char *end) {
  if (*p != '"') {
    return NULL;
  }
  const char *from = ++p;
  for (; p < end && *p != '"'; p++) {
    if ((unsigned char)*p < 0x20 || *p == '\\') {
      return NULL;
    }
  }
  return p < end && nl_json_is_utf8(from, (size_t)(p - from)) ? p + 1 : NULL;
}

/* Behind a value that is no number. */
static const char *skip_other(const char *p, const char *end) {
  static const char *const words[] = {"true", "false", "null"};
  for (int i = 0; i < 3; i++) {
    size_t n = strlen(words[i]);
    if ((size_t)(end - p) >= n && memcmp(p, words[i], n) == 0) {
      return p + n;
    }
  }
  return skip_string(p, end);
}

/* The numbers of such a line; -1: another kind of line, of which nothing was taken. The end is a '}'. */
static int read_plain_line(columns *t, const char *p, const char *end, cell *cells, nl_status *status) {
  int count = 0;
  if (end - p < 2 || p[0] != '{' || end[-1] != '}') {
    return -1;
  }
  for (p++; p < end;) {
    if (count == MOST_COLUMNS) {
      return -1;
    }
    const char *name = p + 1;
    p = skip_string(p, end);
    if (!p || p + 1 >= end || *p != ':') {
      return -1;
    }
    size_t n = (size_t)(p - 1 - name);
    const char *value = ++p;
    bool number = *p == '-' || (*p >= '0' && *p <= '9');
    p = number ? skip_number(p, end) : skip_other(p, end);
    if (!p || p >= end || (*p != ',' && *p != '}') || (*p == '}') != (p == end - 1)) {
      return -1;
    }
    column *c = number ? column_of(t, name, n, status) : NULL;
    if (*status != NL_OK || (c && c->seen == t->rows)) {
      return -1;
    }
    if (c) {
      c->seen = t->rows;
      cells[count++] = (cell){c, value, (size_t)(p - value)};
    }
    p++;
  }
  return count;
}

/* ---- any other line ---- */

static nl_status read_any_line(columns *t, const char *line, size_t n, json_t **box) {
  nl_status status = nl_json_read(line, n, JSON_REJECT_DUPLICATES, box);
  if (status != NL_OK) {
    return status == NL_ERROR ? NL_OK : status; /* a line that is no JSON has no values */
  }
  const char *key;
  json_t *value;
  json_object_foreach(*box, key, value) { /* nothing, where it is no object */
    char text[64];
    if (json_is_integer(value)) {
      snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
      snprintf(text, sizeof text, "%.17g", json_real_value(value));
    } else {
      continue;
    }
    column *c = column_of(t, key, strlen(key), &status);
    if (c) {
      status = put_cell(t, &(cell){c, text, strlen(text)});
    }
    if (status != NL_OK) {
      return status;
    }
  }
  json_decref(*box);
  *box = NULL;
  return NL_OK;
}

#define LINE_TYPE "nn.JsonLine"

static int line_gc(lua_State *L) {
  json_t **box = nl_held(L, LINE_TYPE);
  json_decref(*box);
  *box = NULL;
  return 0;
}

static nl_status take_line(columns *t, const char *line, size_t n, json_t **box) {
  cell cells[MOST_COLUMNS];
  nl_status status = NL_OK;
  int count = read_plain_line(t, line, line + n, cells, &status);
  if (count < 0 && status == NL_OK) {
    status = read_any_line(t, line, n, box);
  }
  for (int i = 0; i < count && status == NL_OK; i++) {
    status = put_cell(t, &cells[i]);
  }
  t->rows++;
  return status;
}

/* json_columns(text) -> the number of lines, {name = "1,null,0.5"} with a value for each line, and whether names were
   left out. Numbers stand as in the text; what is no number (also "nan") and lines that are no objects give null. */
static int json_columns(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n), *end = text + n;
  lua_settop(L, 1);
  columns *t = nl_push_hold(L, sizeof *t, COLUMNS_TYPE, "__gc", columns_gc);
  json_t **box = nl_push_hold(L, sizeof *box, LINE_TYPE, "__gc", line_gc);
  for (const char *p = text; p < end;) {
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    stop = stop ? stop : end;
    nl_lua_check(L, take_line(t, p, (size_t)(stop - p), box));
    p = stop + 1;
  }
  lua_pushinteger(L, t->rows);
  lua_createtable(L, 0, t->count);
  for (int i = 0; i < t->count; i++) {
    column *c = &t->list[i];
    if (c->rows == 0) { /* of a line that turned out to be wrong */
      continue;
    }
    nl_lua_check(L, fill_up(c, t->rows));
    lua_pushlstring(L, c->name, c->name_n);
    lua_pushlstring(L, c->text, c->n - 1);
    lua_rawset(L, -3);
    free(c->text); /* the text may be large, and Lua's collector comes late */
    c->text = NULL;
  }
  lua_pushboolean(L, t->left_out);
  return 3;
}

void nl_open_columns(lua_State *L) {
  static const luaL_Reg functions[] = {{"json_columns", json_columns}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
