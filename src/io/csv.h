/* Tables of numbers as text, a row a line (RFC 4180, and what programs write instead): fields between separators, plain
   or in quotes, with \n, \r\n or \r at their ends, plain or gzipped. Columns of names become classes. */
#ifndef NL_IO_CSV_H
#define NL_IO_CSV_H

#include "tensor/tensor.h"

/* A column, by its name or, where that is NULL, by its number from 1. */
typedef struct nl_csv_wish {
  const char *name;
  int64_t number;
} nl_csv_wish;

typedef enum nl_csv_header { NL_CSV_FIND, NL_CSV_NONE, NL_CSV_FIRST } nl_csv_header;

typedef struct nl_csv_options {
  char separator;       /* 0: a comma, and a line that looks as if it had another one is an error */
  char decimal;         /* '.' or ',' */
  nl_csv_header header; /* FIND: the first row, if none of its fields is a number */
  nl_dtype dtype;       /* float32 or float64 */
  const char **missing; /* what stands in cells without a value, which become nan */
  int missing_count;
  nl_csv_wish *columns; /* those to be read, in this order; none: all */
  int column_count;
  nl_csv_wish *classes; /* columns of classes, whatever they look like */
  int class_count;
} nl_csv_options;

typedef struct nl_csv_column {
  char *name;     /* NULL without a header */
  char **classes; /* what its values from 1 on stand for, sorted; NULL: a column of numbers */
  int class_count;
} nl_csv_column;

typedef struct nl_csv {
  nl_tensor *values; /* rows x columns */
  nl_csv_column *columns;
  int count;
} nl_csv;

/* Reads a file into *out, which is empty. What is wrong is told with its line and column: a row of another length than
   the first, quotes that do not close, an empty cell, a text among numbers, a number that the dtype does not hold (a
   whole one that it would round, one beyond its range). *out is to be freed either way. */
nl_status nl_csv_read(const char *path, const nl_csv_options *, nl_csv *out);

void nl_csv_free(nl_csv *);

#endif
