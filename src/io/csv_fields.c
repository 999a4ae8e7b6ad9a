/* Fields of a table in text: what stands between separators and the ends of lines. */
#include "io/csv_fields.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/allowed.h"
#include "core/interrupt.h"
#include "core/memory.h"

/* ---- the text ---- */

static nl_status take_more(nl_csv_text *r, size_t used) {
  size_t room = 2 * r->room;
  char *more = nl_data_alloc(room);
  if (!more) {
    return NL_NOMEM;
  }
  memcpy(more, r->text, used);
  nl_data_free(r->text, r->room);
  r->text = more;
  r->room = room;
  return NL_OK;
}

static nl_status read_whole(nl_csv_text *r, gzFile f, size_t file_size) {
  r->room = file_size + 2;
  r->text = nl_data_alloc(r->room);
  size_t used = 0;
  if (!r->text) {
    return NL_NOMEM;
  }
  for (;;) {
    if (nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
    size_t piece = r->room - used - 1;
    piece = piece < (1u << 24) ? piece : 1u << 24;
    int got = gzread(f, r->text + used, (unsigned)piece);
    if (got < 0) {
      int code;
      return nl_fail("%s: damaged: %s", r->path, gzerror(f, &code));
    }
    if (got == 0) {
      break;
    }
    used += (size_t)got;
    nl_status status = r->room - used > 1 ? NL_OK : take_more(r, used);
    if (status != NL_OK) {
      return status;
    }
  }
  r->text[used] = 0;
  r->at = r->text;
  r->end = r->text + used;
  r->line = 1;
  return NL_OK;
}

static nl_status open_file(nl_csv_text *r) {
  struct stat st;
  if (nl_may_read(r->path) != NL_OK) {
    return NL_ERROR;
  }
  if (stat(r->path, &st) != 0) {
    return nl_fail("%s: %s", r->path, strerror(errno));
  }
  if (!S_ISREG(st.st_mode)) {
    return nl_fail("%s: not a regular file", r->path);
  }
  gzFile f = gzopen(r->path, "rb");
  if (!f) {
    return nl_fail("%s: %s", r->path, strerror(errno));
  }
  nl_status status = read_whole(r, f, (size_t)st.st_size);
  int closed = gzclose(f);
  if (status == NL_OK && closed == Z_BUF_ERROR) {
    status = nl_fail("%s: truncated: the compressed data has no end", r->path);
  }
  return status;
}

static bool is_end_of_line(char c) {
  return c == '\n' || c == '\r';
}

/* Over the end of a line at *p. */
static void next_line(nl_csv_text *r, char **p) {
  *p += **p == '\r' && *p + 1 < r->end && (*p)[1] == '\n' ? 2 : 1;
  r->line++;
}

static nl_status prepare_text(nl_csv_text *r) {
  size_t n = (size_t)(r->end - r->at);
  if (n >= 2 && (memcmp(r->at, "\xff\xfe", 2) == 0 || memcmp(r->at, "\xfe\xff", 2) == 0)) {
    return nl_fail("%s: is UTF-16; write it as UTF-8: iconv -f UTF-16 -t UTF-8", r->path);
  }
  if (n >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0) {
    r->at += 3;
  }
  if (memchr(r->at, 0, (size_t)(r->end - r->at))) {
    return nl_fail("%s: has zero bytes, so it is no text", r->path);
  }
  while (r->end > r->at && is_end_of_line(r->end[-1])) {
    r->end--;
  }
  return r->end > r->at ? NL_OK : nl_fail("%s: is empty", r->path);
}

nl_status nl_csv_open(nl_csv_text *r) {
  nl_status status = open_file(r);
  return status == NL_OK ? prepare_text(r) : status;
}

void nl_csv_close(nl_csv_text *r) {
  if (r->text) {
    nl_data_free(r->text, r->room);
  }
}

/* ---- fields ---- */

static bool is_blank(const nl_csv_text *r, char c) {
  return (c == ' ' || c == '\t') && c != r->separator;
}

static nl_status quoted_field(nl_csv_text *r, char **at, nl_csv_field *f) {
  char *p = *at + 1;
  f->p = p;
  f->quoted = true;
  while (p < r->end && (*p != '"' || (p + 1 < r->end && p[1] == '"'))) {
    if (*p == '"') {
      f->doubled = true;
      p += 2;
    } else if (is_end_of_line(*p)) {
      next_line(r, &p);
    } else {
      p++;
    }
  }
  if (p == r->end) {
    return nl_fail("%s: line %lld: a quote opens there and does not close", r->path, (long long)f->line);
  }
  f->n = (size_t)(p - f->p);
  p++;
  while (p < r->end && is_blank(r, *p)) {
    p++;
  }
  if (p < r->end && *p != r->separator && !is_end_of_line(*p)) {
    return nl_fail("%s: line %lld: there is '%c' behind the end of a quoted field; a quote within one stands twice",
                   r->path, (long long)r->line, isprint((unsigned char)*p) ? *p : '?');
  }
  *at = p;
  return NL_OK;
}

nl_status nl_csv_next(nl_csv_text *r, nl_csv_field *f, bool *last) {
  char *p = r->at;
  while (p < r->end && is_blank(r, *p)) {
    p++;
  }
  *f = (nl_csv_field){p, 0, r->line, false, false};
  if (p < r->end && *p == '"') {
    nl_status status = quoted_field(r, &p, f);
    if (status != NL_OK) {
      return status;
    }
  } else {
    while (p < r->end && *p != r->separator && !is_end_of_line(*p)) {
      p++;
    }
    f->n = (size_t)(p - f->p);
    while (f->n > 0 && is_blank(r, f->p[f->n - 1])) {
      f->n--;
    }
  }
  *last = p == r->end || *p != r->separator;
  if (p < r->end && *last) {
    next_line(r, &p);
  } else if (p < r->end) {
    p++;
  }
  r->at = p;
  return NL_OK;
}

bool nl_csv_has_row(nl_csv_text *r, bool one_column) {
  while (!one_column && r->at < r->end) {
    char *p = r->at;
    while (p < r->end && is_blank(r, *p)) {
      p++;
    }
    if (p < r->end && !is_end_of_line(*p)) {
      break;
    }
    if (p < r->end) {
      next_line(r, &p);
    }
    r->at = p;
  }
  return r->at < r->end;
}

void nl_csv_unquote(nl_csv_field *f) {
  size_t n = 0;
  for (size_t i = 0; f->doubled && i < f->n; i++) {
    f->p[n++] = f->p[i];
    i += f->p[i] == '"';
  }
  f->n = f->doubled ? n : f->n;
  f->doubled = false;
}

/* ---- numbers ---- */

enum { LONGEST_NUMBER = 512 };

/* Digits that 64 bits hold and a power of ten that is exact, as both are in nearly every file (Clinger 1990); strtod
   for all others. */
nl_csv_number nl_csv_number_of(const nl_csv_field *f, char decimal) {
  static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  nl_csv_number x = {0};
  const char *p = f->p, *end = p + f->n, *start;
  bool minus = p < end && *p == '-';
  p += p < end && (*p == '-' || *p == '+');
  size_t left = (size_t)(end - p);
  if ((left == 3 && (strncasecmp(p, "nan", 3) == 0 || strncasecmp(p, "inf", 3) == 0)) ||
      (left == 8 && strncasecmp(p, "infinity", 8) == 0)) {
    x.v = tolower((unsigned char)*p) == 'n' ? (double)NAN : minus ? -(double)INFINITY : (double)INFINITY;
    x.is = x.word = true;
    return x;
  }
  int count = 0, digits = 0, places = 0, power = 0;
  bool point = false, exponent = false;
  for (start = p; p < end; p++) {
    if (*p >= '0' && *p <= '9') {
      count++;
      digits += digits > 0 || *p != '0';
      x.digits = digits <= 19 ? x.digits * 10 + (uint64_t)(*p - '0') : x.digits;
      places += point;
    } else if (*p == decimal && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (count == 0) {
    return x;
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    exponent = true;
    bool down = ++p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    start = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
      power = power < 100000 ? power * 10 + (*p - '0') : power;
    }
    if (p == start) {
      return x;
    }
    power = down ? -power : power;
  }
  if (p < end || f->n >= LONGEST_NUMBER) {
    return x;
  }
  x.is = true;
  x.whole = !point && !exponent && digits <= 19;
  x.huge = !point && !exponent && digits > 19;
  power -= places;
  if (digits <= 19 && x.digits <= UINT64_C(1) << 53 && power >= -22 && power <= 22) {
    x.v = power < 0 ? (double)x.digits / ten[-power] : (double)x.digits * ten[power];
    x.v = minus ? -x.v : x.v;
    return x;
  }
  char text[LONGEST_NUMBER];
  memcpy(text, f->p, f->n);
  text[f->n] = 0;
  char *at = strchr(text, decimal);
  if (at) { /* what strtod reads is a matter of the locale */
    *at = *localeconv()->decimal_point;
  }
  x.v = strtod(text, NULL);
  return x;
}

bool nl_csv_looks_like_number(const nl_csv_field *f) {
  const char *p = f->p, *end = p + f->n;
  while (p < end && strchr("+-$", *p)) {
    p++;
  }
  if (p == end || !isdigit((unsigned char)*p)) {
    return false;
  }
  while (p < end && (isdigit((unsigned char)*p) || strchr(".,' %", *p))) {
    p++;
  }
  return p == end;
}
