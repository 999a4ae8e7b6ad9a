/* Fields of a table in text, for io/csv.c. */
#ifndef NL_IO_CSV_FIELDS_H
#define NL_IO_CSV_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* A file's text, and the place in it from which the next field is read. */
typedef struct nl_csv_text {
  const char *path;
  char separator;
  char *text, *at, *end;
  size_t room;
  int64_t line;
} nl_csv_text;

typedef struct nl_csv_field {
  char *p;
  size_t n;
  int64_t line;
  bool quoted, doubled; /* has quotes, which stand twice */
} nl_csv_field;

typedef struct nl_csv_number {
  double v;
  bool is, word, whole; /* word: nan or inf; whole: of digits alone, at most 19, which are `digits` */
  bool huge;            /* of more digits alone than that */
  uint64_t digits;
} nl_csv_number;

/* Reads the file of .path; to be closed either way. */
nl_status nl_csv_open(nl_csv_text *);
void nl_csv_close(nl_csv_text *);

/* Whether there is another row. Blank lines are none, but in a table of one column, where they are empty cells. */
bool nl_csv_has_row(nl_csv_text *, bool one_column);

/* The next field of a row; *last: it was the row's last one. */
nl_status nl_csv_next(nl_csv_text *, nl_csv_field *, bool *last);

/* The field as text, with single quotes again; only where it is not read again. */
void nl_csv_unquote(nl_csv_field *);

nl_csv_number nl_csv_number_of(const nl_csv_field *, char decimal);

/* "1,5", "1.000,50", "12 %", "$3": not a name, but a number written otherwise. */
bool nl_csv_looks_like_number(const nl_csv_field *);

#endif
