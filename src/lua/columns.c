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
  lua_Integer rows; /* values so far */
} column;

typedef struct columns {
  column list[MOST_COLUMNS];
  int count, guess; /* guess: where the next name is, if lines are alike */
  bool left_out;    /* there were more names, or long ones */
  bool counting;    /* of rows alone, without their values */
  bool shortest;    /* numbers are written with as few digits as say the same double */
  lua_Integer rows, unreadable;
} columns;

/* A name in a line, to notice one that comes twice. */
typedef struct key {
  const char *s;
  size_t n;
} key;

/* A number in a line: its column and its text, which is a word in quotes for nan and infinities. */
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
  const char *s = value->s;
  size_t n = value->n;
  char text[40];
  if (t->shortest && n > 16 && *s != '"') {
    double v = strtod(s, NULL), again = v;
    for (int digits = 15; digits <= 17 && (digits == 15 || again != v); digits++) {
      snprintf(text, sizeof text, "%.*g", digits, v);
      again = strtod(text, NULL);
    }
    bool shorter = memchr(s, '.', n) || memchr(s, 'e', n) || memchr(s, 'E', n); /* integers stand as they are */
    n = shorter ? strlen(text) : n;
    s = shorter ? text : s;
  }
  nl_status status = fill_up(c, t->rows);
  status = status == NL_OK ? append_text(c, s, n) : status;
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
  *c = (column){.name = malloc(n + 1), .name_n = n};
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

/* Whether a text is what nn.lab.plain writes for a number that JSON has no word for. */
static bool is_word(const char *s, size_t n) {
  return (n == 5 && (memcmp(s, "\"nan\"", 5) == 0 || memcmp(s, "\"inf\"", 5) == 0)) ||
         (n == 6 && memcmp(s, "\"-inf\"", 6) == 0);
}

static bool is_among(const key *keys, int count, key name) {
  for (int i = 0; i < count; i++) {
    if (keys[i].n == name.n && memcmp(keys[i].s, name.s, name.n) == 0) {
      return true;
    }
  }
  return false;
}

/* The numbers of such a line; -1: another kind of line, of which nothing was taken. The end is a '}'. */
static int read_plain_line(columns *t, const char *p, const char *end, cell *cells, nl_status *status) {
  key keys[MOST_COLUMNS];
  int count = 0, names = 0;
  if (end - p < 2 || p[0] != '{' || end[-1] != '}') {
    return -1;
  }
  for (p++; p < end;) {
    key name = {p + 1, 0};
    p = skip_string(p, end);
    if (!p || p + 1 >= end || *p != ':' || names == MOST_COLUMNS) {
      return -1;
    }
    name.n = (size_t)(p - 1 - name.s);
    const char *value = ++p;
    bool number = *p == '-' || (*p >= '0' && *p <= '9');
    p = number ? skip_number(p, end) : skip_other(p, end);
    if (!p || p >= end || (*p != ',' && *p != '}') || (*p == '}') != (p == end - 1) || is_among(keys, names, name)) {
      return -1;
    }
    keys[names++] = name;
    number = number || is_word(value, (size_t)(p - value));
    column *c = t->counting ? NULL : column_of(t, name.s, name.n, status);
    if (*status != NL_OK) {
      return -1;
    }
    if (c && number) {
      cells[count++] = (cell){c, value, (size_t)(p - value)};
    }
    p++;
  }
  return count;
}

/* ---- any other line ---- */

/* The text of a value that is a number; false: it is none. */
static bool number_text(const json_t *value, char *text, size_t room) {
  if (json_is_integer(value)) {
    snprintf(text, room, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  } else if (json_is_real(value)) {
    snprintf(text, room, "%.17g", json_real_value(value));
  } else if (json_is_string(value)) {
    snprintf(text, room, "\"%.10s\"", json_string_value(value));
    return is_word(text, strlen(text)) && json_string_length(value) == strlen(text) - 2;
  }
  return json_is_number(value);
}

static nl_status read_any_line(columns *t, const char *line, size_t n, json_t **box, bool *is_row) {
  nl_status status = nl_json_read_fitting(line, n, JSON_REJECT_DUPLICATES, box);
  *is_row = status == NL_OK && json_is_object(*box);
  if (status != NL_OK) {
    return status == NL_ERROR ? NL_OK : status; /* a line that is no JSON is no row */
  }
  const char *name;
  json_t *value;
  json_object_foreach(*box, name, value) { /* nothing, where it is no object */
    char text[64];
    bool number = number_text(value, text, sizeof text);
    column *c = t->counting ? NULL : column_of(t, name, strlen(name), &status);
    if (c && number) {
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

/* Names of a line that turned out to be of another kind take no place. */
static void forget_names(columns *t, int known) {
  while (t->count > known) {
    free(t->list[--t->count].name);
  }
}

/* whole: it has an end. What stands behind the last one and is no object may be half a line that is being written. */
static nl_status take_line(columns *t, const char *line, size_t n, bool whole, json_t **box) {
  cell cells[MOST_COLUMNS];
  nl_status status = NL_OK;
  int known = t->count, count = read_plain_line(t, line, line + n, cells, &status);
  bool is_row = count >= 0;
  if (count < 0 && status == NL_OK) {
    forget_names(t, known);
    status = read_any_line(t, line, n, box, &is_row);
  }
  for (int i = 0; i < count && status == NL_OK; i++) {
    status = put_cell(t, &cells[i]);
  }
  t->rows += is_row;
  t->unreadable += !is_row && whole;
  return status;
}

static columns *take_lines(lua_State *L, bool counting, bool shortest) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n), *end = text + n;
  columns *t = nl_push_hold(L, sizeof *t, COLUMNS_TYPE, "__gc", columns_gc);
  json_t **box = nl_push_hold(L, sizeof *box, LINE_TYPE, "__gc", line_gc);
  t->counting = counting;
  t->shortest = shortest;
  for (const char *p = text; p < end;) {
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    nl_lua_check(L, take_line(t, p, (size_t)((stop ? stop : end) - p), stop != NULL, box));
    p = stop ? stop + 1 : end;
  }
  return t;
}

/* json_rows(text) -> how many of its lines are objects, and how many others there are */
static int json_rows(lua_State *L) {
  const columns *t = take_lines(L, true, false);
  lua_pushinteger(L, t->rows);
  lua_pushinteger(L, t->unreadable);
  return 2;
}

/* json_columns(text[, shortest]) -> the number of lines that are objects, {name = '1,null,"nan"'} with a value for each
   of these, whether names were left out, and how many lines are no objects: those are no rows. Numbers stand as in the
   text, or with as few digits as say the same; what is no number gives null. */
static int json_columns(lua_State *L) {
  columns *t = take_lines(L, false, lua_toboolean(L, 2));
  lua_pushinteger(L, t->rows);
  lua_createtable(L, 0, t->count);
  lua_newtable(L);
  for (int i = 0; i < t->count; i++) {
    column *c = &t->list[i];
    lua_pushlstring(L, c->name, c->name_n);
    if (c->rows == 0) {
      lua_pushboolean(L, true);
      lua_rawset(L, -3);
      continue;
    }
    nl_lua_check(L, fill_up(c, t->rows));
    lua_pushlstring(L, c->text, c->n - 1);
    lua_rawset(L, -4);
    free(c->text); /* the text may be large, and Lua's collector comes late */
    c->text = NULL;
  }
  lua_pushboolean(L, t->left_out);
  lua_pushinteger(L, t->unreadable);
  lua_rotate(L, -3, 2); /* the names without numbers go to the end */
  return 5;
}

void nl_open_columns(lua_State *L) {
  static const luaL_Reg functions[] = {{"json_columns", json_columns}, {"json_rows", json_rows}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
