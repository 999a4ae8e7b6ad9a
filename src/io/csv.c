/* The text is gone through twice: to find out what the columns are, and to read them. */
#include "io/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "io/csv_fields.h"

typedef enum kind { NUMBERS, CLASSES } kind;

/* Names that were seen, in the order in which they were, found by their hash. */
typedef struct names {
  char **list;
  int count;
  int32_t *slots; /* numbers of names, from 1; as many as a power of two */
  size_t room;
} names;

typedef struct column {
  char *name;
  int place; /* in the result, from 1; 0: not read */
  kind kind;
  bool forced;
  int64_t numbers, texts;
  nl_csv_field text, like_number; /* the first ones */
  names seen;
} column;

typedef struct reader {
  nl_csv_text text;
  const nl_csv_options *o;
  column *columns;
  int count, chosen;
} reader;

static bool is_missing(const reader *r, const nl_csv_field *f) {
  for (int i = 0; i < r->o->missing_count; i++) {
    const char *m = r->o->missing[i];
    if (strlen(m) == f->n && memcmp(m, f->p, f->n) == 0) {
      return true;
    }
  }
  return false;
}

/* ---- messages ---- */

enum { SHOWN = 40 };

static nl_status fail_at(const reader *r, const column *c, int64_t line, const char *what) {
  int i = (int)(c - r->columns) + 1;
  if (c->name) {
    return nl_fail("%s: line %lld, column %d ('%.60s'): %s", r->text.path, (long long)line, i, c->name, what);
  }
  return nl_fail("%s: line %lld, column %d: %s", r->text.path, (long long)line, i, what);
}

static nl_status fail_field(const reader *r, const column *c, const nl_csv_field *f, const char *what) {
  char text[SHOWN + 256];
  int n = f->n > SHOWN ? SHOWN : (int)f->n;
  snprintf(text, sizeof text, "'%.*s%s' %s", n, f->p, f->n > SHOWN ? "..." : "", what);
  return fail_at(r, c, f->line, text);
}

/* ---- columns ---- */

static char *copy_text(const char *p, size_t n) {
  char *s = nl_new(n + 1);
  if (s) {
    memcpy(s, p, n);
  }
  return s;
}

static column *find_column(reader *r, const nl_csv_wish *w, nl_status *status) {
  column *found = NULL;
  for (int i = 0; i < r->count; i++) {
    column *c = &r->columns[i];
    if (w->name ? c->name && strcmp(c->name, w->name) == 0 : w->number == i + 1) {
      if (found) {
        *status =
            nl_fail("%s: two columns are called '%.60s'; give the number of the one you mean", r->text.path, w->name);
        return NULL;
      }
      found = c;
    }
  }
  if (!found && w->name) {
    char list[200] = "";
    size_t used = 0;
    for (int i = 0; i < r->count && r->columns[i].name && used < sizeof list - 1; i++) {
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%.40s", i > 0 ? ", " : "", r->columns[i].name);
    }
    *status = nl_fail("%s: there is no column '%.60s' (%s%s)", r->text.path, w->name,
                      *list ? "there are: " : "there is no header, so columns have numbers", list);
  } else if (!found) {
    *status = nl_fail("%s: there is no column %lld; there are %d", r->text.path, (long long)w->number, r->count);
  }
  return found;
}

static nl_status choose_columns(reader *r) {
  nl_status status = NL_OK;
  const nl_csv_options *o = r->o;
  for (int i = 0; i < o->column_count; i++) {
    column *c = find_column(r, &o->columns[i], &status);
    if (c && c->place) {
      return nl_fail("%s: column %d is asked for twice", r->text.path, (int)(c - r->columns) + 1);
    }
    if (!c) {
      return status;
    }
    c->place = i + 1;
  }
  for (int i = 0; i < r->count && o->column_count == 0; i++) {
    r->columns[i].place = i + 1;
  }
  r->chosen = o->column_count ? o->column_count : r->count;
  for (int i = 0; i < o->class_count; i++) {
    column *c = find_column(r, &o->classes[i], &status);
    if (!c) {
      return status;
    }
    c->forced = true;
  }
  return NL_OK;
}

/* The first row: how many columns there are, and their names if it has them. */
static nl_status read_first_row(reader *r) {
  nl_csv_field f;
  bool last = false, other = false;
  int numbers = 0;
  if (!nl_csv_has_row(&r->text, r->count == 1)) {
    return nl_fail("%s: is empty", r->text.path);
  }
  char *start = r->text.at;
  int64_t line = r->text.line;
  for (int count = 0; !last; count++) {
    nl_status status = nl_csv_next(&r->text, &f, &last);
    if (status != NL_OK) {
      return status;
    }
    numbers += nl_csv_number_of(&f, r->o->decimal).is;
    other = !f.quoted && (memchr(f.p, ';', f.n) || memchr(f.p, '\t', f.n));
    column *more = nl_grow(r->columns, count, sizeof *more);
    if (!more) {
      return NL_NOMEM;
    }
    r->columns = more;
    r->count = count + 1;
  }
  if (r->count == 1 && other && !r->o->separator) {
    return nl_fail(
        "%s: has one column where ',' separates them, but line %lld has ';' or tabs; say sep = \";\" or \"\\t\"",
        r->text.path, (long long)line);
  }
  if (r->o->header == NL_CSV_FIND && numbers > 0 && numbers < r->count) {
    return nl_fail("%s: %d of the %d fields of line %lld are numbers: is that a header, or the first row? say header = "
                   "true or false",
                   r->text.path, numbers, r->count, (long long)line);
  }
  bool header = r->o->header == NL_CSV_FIRST || (r->o->header == NL_CSV_FIND && numbers == 0);
  char *behind = r->text.at;
  r->text.at = start;
  int64_t line_behind = r->text.line;
  r->text.line = line;
  for (int i = 0; header && i < r->count; i++) {
    nl_status status = nl_csv_next(&r->text, &f, &last);
    if (status != NL_OK) {
      return status;
    }
    nl_csv_unquote(&f);
    if (!(r->columns[i].name = copy_text(f.p, f.n))) {
      return NL_NOMEM;
    }
  }
  if (header) {
    r->text.at = behind;
    r->text.line = line_behind;
  }
  return NL_OK;
}

static nl_status look_at_field(reader *r, column *c, const nl_csv_field *f) {
  if (is_missing(r, f)) {
    return NL_OK;
  }
  if (f->n == 0) {
    return fail_at(r, c, f->line, "is empty; missing = {\"\"} reads such cells as nan");
  }
  if (c->forced) {
    c->texts++;
  } else if (nl_csv_number_of(f, r->o->decimal).is) {
    c->numbers++;
  } else {
    c->text = c->texts == 0 ? *f : c->text;
    c->like_number = !c->like_number.p && nl_csv_looks_like_number(f) ? *f : c->like_number;
    c->texts++;
  }
  return NL_OK;
}

/* A row, held against the first: calls each(r, column, field, row) for its fields. */
static nl_status read_row(reader *r, int64_t row,
                          nl_status (*each)(reader *, column *, nl_csv_field *, int64_t, void *), void *ctx) {
  bool last = false;
  int64_t line = r->text.line;
  int i = 0;
  if ((row & 0xfff) == 0 && nl_interrupt_pending()) {
    return nl_fail_interrupted();
  }
  for (; !last; i++) {
    nl_csv_field f;
    nl_status status = nl_csv_next(&r->text, &f, &last);
    column *c = i < r->count ? &r->columns[i] : NULL;
    if (status == NL_OK && c && c->place) {
      status = each(r, c, &f, row, ctx);
    }
    if (status != NL_OK) {
      return status;
    }
  }
  return i == r->count ? NL_OK
                       : nl_fail("%s: line %lld has %d field%s, but the first has %d", r->text.path, (long long)line, i,
                                 i == 1 ? "" : "s", r->count);
}

static nl_status look_at_cell(reader *r, column *c, nl_csv_field *f, int64_t row, void *ctx) {
  (void)row;
  (void)ctx;
  return look_at_field(r, c, f);
}

static nl_status judge_columns(reader *r) {
  for (int i = 0; i < r->count; i++) {
    column *c = &r->columns[i];
    if (c->numbers > 0 && c->texts > 0) {
      return fail_field(r, c, &c->text,
                        "is no number, as others of this column are; missing = {...} lists what stands for no value, "
                        "classes = {NAME = true} reads all of a column as names");
    }
    if (c->like_number.p) {
      return fail_field(r, c, &c->like_number,
                        "is no number as it stands; decimal = \",\" reads 1,5, and classes = {NAME = true} reads a "
                        "column as names");
    }
    c->kind = c->texts > 0 ? CLASSES : NUMBERS;
  }
  return NL_OK;
}

/* ---- values ---- */

static uint32_t hash_of(const char *p, size_t n) { /* FNV-1a */
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) {
    h = (h ^ (unsigned char)p[i]) * 16777619u;
  }
  return h;
}

static bool is_name(const char *name, const nl_csv_field *f) {
  return strncmp(name, f->p, f->n) == 0 && name[f->n] == 0;
}

static void enter_class(names *t, int number) {
  const char *s = t->list[number - 1];
  size_t at = hash_of(s, strlen(s)) & (t->room - 1);
  while (t->slots[at]) {
    at = (at + 1) & (t->room - 1);
  }
  t->slots[at] = number;
}

static nl_status more_slots(names *t) {
  size_t room = t->room ? 2 * t->room : 64;
  int32_t *slots = nl_new(room * sizeof *slots);
  if (!slots) {
    return NL_NOMEM;
  }
  nl_delete(t->slots);
  t->slots = slots;
  t->room = room;
  for (int i = 1; i <= t->count; i++) {
    enter_class(t, i);
  }
  return NL_OK;
}

/* The number of a name, which gets one if it is new. */
static nl_status number_of_name(names *t, const nl_csv_field *f, int *number) {
  if (2 * (size_t)(t->count + 1) > t->room) {
    nl_status status = more_slots(t);
    if (status != NL_OK) {
      return status;
    }
  }
  for (size_t at = hash_of(f->p, f->n) & (t->room - 1); t->slots[at]; at = (at + 1) & (t->room - 1)) {
    if (is_name(t->list[t->slots[at] - 1], f)) {
      *number = t->slots[at];
      return NL_OK;
    }
  }
  char **list = nl_grow(t->list, t->count, sizeof *list);
  if (!list) {
    return NL_NOMEM;
  }
  t->list = list;
  if (!(list[t->count] = copy_text(f->p, f->n))) {
    return NL_NOMEM;
  }
  *number = ++t->count;
  enter_class(t, t->count);
  return NL_OK;
}

static void put(nl_tensor *t, int64_t i, double v) {
  if (nl_tensor_dtype(t) == NL_F32) {
    ((float *)nl_tensor_data(t))[i] = (float)v;
  } else {
    ((double *)nl_tensor_data(t))[i] = v;
  }
}

static nl_status check_held(const reader *r, const column *c, const nl_csv_field *f, const nl_csv_number *x) {
  bool single = r->o->dtype == NL_F32;
  double held = single ? (double)(float)x->v : x->v;
  if (isinf(held) && !x->word) {
    return fail_field(r, c, f, single ? "is beyond float32; say dtype = \"float64\"" : "is beyond float64");
  }
  double size = fabs(held);
  /* programs write identifiers as 16777217.0 or 1.6777217e7, too */
  bool written_as_float = !x->whole && !x->huge && fabs(x->v) < 0x1p53 && x->v == floor(x->v) && held != x->v;
  if (written_as_float || x->huge || (x->whole && !(size < 0x1p64 && (uint64_t)size == x->digits))) {
    return fail_field(r, c, f,
                      single
                          ? "is a whole number that float32 rounds; say dtype = \"float64\", or leave the column out: "
                            "columns = {...}"
                          : "is a whole number that float64 rounds; leave the column out: columns = {...}, or read it "
                            "as names: classes = {NAME = true}");
  }
  return NL_OK;
}

static nl_status take(reader *r, column *c, nl_csv_field *f, int64_t row, void *ctx) {
  nl_tensor *values = ctx;
  int64_t at = row * r->chosen + c->place - 1;
  if (is_missing(r, f)) {
    put(values, at, (double)NAN);
    return NL_OK;
  }
  if (c->kind == CLASSES) {
    int which = 0;
    nl_csv_unquote(f);
    nl_status status = number_of_name(&c->seen, f, &which);
    put(values, at, which);
    return status;
  }
  nl_csv_number x = nl_csv_number_of(f, r->o->decimal);
  put(values, at, x.v);
  return check_held(r, c, f, &x);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Classes in the order of their names, so that the order of the rows does not matter. */
static nl_status sort_classes(reader *r, column *c, nl_tensor *values) {
  names *t = &c->seen;
  char **sorted = nl_new((size_t)t->count * sizeof *sorted);
  int32_t *now = nl_new((size_t)t->count * sizeof *now);
  if (sorted && now) {
    memcpy(sorted, t->list, (size_t)t->count * sizeof *sorted);
    qsort(sorted, (size_t)t->count, sizeof *sorted, by_name);
    for (int i = 0; i < t->count; i++) {
      char **found = bsearch(&t->list[i], sorted, (size_t)t->count, sizeof *sorted, by_name);
      now[i] = (int32_t)(found - sorted) + 1;
    }
    for (int64_t i = c->place - 1; i < values->numel; i += r->chosen) {
      double v = nl_tensor_dtype(values) == NL_F32 ? (double)((float *)nl_tensor_data(values))[i]
                                                   : ((double *)nl_tensor_data(values))[i];
      if (v == v) {
        put(values, i, now[(int)v - 1]);
      }
    }
    memcpy(t->list, sorted, (size_t)t->count * sizeof *sorted);
  }
  nl_status status = sorted && now ? NL_OK : NL_NOMEM;
  nl_delete(sorted);
  nl_delete(now);
  return status;
}

static nl_status hand_over(reader *r, nl_csv *out) {
  out->columns = nl_new((size_t)r->chosen * sizeof *out->columns);
  if (!out->columns) {
    return NL_NOMEM;
  }
  out->count = r->chosen;
  for (int i = 0; i < r->count; i++) {
    column *c = &r->columns[i];
    if (c->place) {
      out->columns[c->place - 1] = (nl_csv_column){c->name, c->seen.list, c->seen.count};
      c->name = NULL;
      c->seen.list = NULL;
      c->seen.count = 0;
    }
  }
  return NL_OK;
}

static nl_status read_table(reader *r, nl_csv *out) {
  nl_status status = read_first_row(r);
  status = status == NL_OK ? choose_columns(r) : status;
  char *start = r->text.at;
  int64_t line = r->text.line, rows = 0;
  while (status == NL_OK && nl_csv_has_row(&r->text, r->count == 1)) {
    status = read_row(r, rows++, look_at_cell, NULL);
  }
  if (status == NL_OK && rows == 0) {
    status = nl_fail("%s: has no rows behind its header", r->text.path);
  }
  status = status == NL_OK ? judge_columns(r) : status;
  if (status == NL_OK) {
    int64_t shape[] = {rows, r->chosen};
    status = nl_tensor_new(r->o->dtype, 2, shape, &out->values);
  }
  r->text.at = start;
  r->text.line = line;
  for (int64_t row = 0; status == NL_OK && row < rows && nl_csv_has_row(&r->text, r->count == 1); row++) {
    status = read_row(r, row, take, out->values);
  }
  for (int i = 0; i < r->count && status == NL_OK; i++) {
    column *c = &r->columns[i];
    if (c->place && c->seen.count > 0) {
      status = sort_classes(r, c, out->values);
    }
  }
  return status == NL_OK ? hand_over(r, out) : status;
}

static void free_names(char **list, int count) {
  for (int i = 0; i < count; i++) {
    nl_delete(list[i]);
  }
  nl_delete(list);
}

nl_status nl_csv_read(const char *path, const nl_csv_options *o, nl_csv *out) {
  reader r = {.text = {.path = path, .separator = o->separator ? o->separator : ','}, .o = o};
  nl_status status = nl_csv_open(&r.text);
  status = status == NL_OK ? read_table(&r, out) : status;
  for (int i = 0; i < r.count; i++) {
    nl_delete(r.columns[i].name);
    nl_delete(r.columns[i].seen.slots);
    free_names(r.columns[i].seen.list, r.columns[i].seen.count);
  }
  nl_delete(r.columns);
  nl_csv_close(&r.text);
  return status;
}

void nl_csv_free(nl_csv *t) {
  nl_tensor_unref(t->values);
  for (int i = 0; i < t->count; i++) {
    nl_delete(t->columns[i].name);
    free_names(t->columns[i].classes, t->columns[i].class_count);
  }
  nl_delete(t->columns);
  *t = (nl_csv){0};
}
