/* Formatting: first one pass over the elements that will be shown decides one number format for all of them (integer,
   fixed with at most `precision` digits, or scientific) and the column width; then they are written. */
#include "tensor/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nl_print_options nl_print = {.precision = 4, .threshold = 1000, .edgeitems = 3, .linewidth = 100, .sci_mode = -1};

typedef struct writer {
  FILE *out;
  const nl_tensor *t;
  bool summarize;
  int width, digits, indent;
  bool scientific;
} writer;

static bool skipped(const writer *w, int64_t i, int64_t n) {
  return w->summarize && n > 2 * nl_print.edgeitems && i >= nl_print.edgeitems && i < n - nl_print.edgeitems;
}

static int cell(const writer *w, char *buf, size_t size, int64_t position) {
  const nl_tensor *t = w->t;
  switch (nl_tensor_dtype(t)) {
  case NL_BOOL:
    return snprintf(buf, size, "%s", nl_tensor_get_int(t, position) ? "true" : "false");
  case NL_U8:
  case NL_I64:
    return snprintf(buf, size, "%" PRId64, nl_tensor_get_int(t, position));
  default: {
    double v = nl_tensor_get_double(t, position);
    if (isnan(v)) {
      return snprintf(buf, size, "nan");
    }
    if (isinf(v)) {
      return snprintf(buf, size, v < 0 ? "-inf" : "inf");
    }
    return snprintf(buf, size, w->scientific ? "%.*e" : (w->digits ? "%.*f" : "%.*f."), w->digits, v);
  }
  }
}

/* Calls visit on each element shown, in order. */
static void walk_elements(writer *w, int dim, int64_t position, void (*visit)(writer *, int64_t, void *), void *ctx) {
  if (dim == w->t->ndim) {
    visit(w, position, ctx);
    return;
  }
  int64_t n = w->t->shape[dim];
  for (int64_t i = 0; i < n; i++) {
    if (skipped(w, i, n)) {
      i = n - nl_print.edgeitems;
    }
    walk_elements(w, dim + 1, position * n + i, visit, ctx);
  }
}

typedef struct range {
  double min, max;
  bool integral;
  bool any;
} range;

static void see_value(writer *w, int64_t position, void *ctx) {
  range *r = ctx;
  double v = fabs(nl_tensor_get_double(w->t, position));
  if (!isfinite(v)) {
    return;
  }
  r->integral = r->integral && v == floor(v);
  if (v > 0) {
    r->min = fmin(r->min, v);
  }
  r->max = fmax(r->max, v);
}

static void see_width(writer *w, int64_t position, void *ctx) {
  (void)ctx;
  char buf[512];
  int n = cell(w, buf, sizeof buf, position);
  if (n > w->width) {
    w->width = n;
  }
}

/* The fewest digits that show every element as well as `precision` digits do. */
static void see_digits(writer *w, int64_t position, void *ctx) {
  int *digits = ctx;
  double v = nl_tensor_get_double(w->t, position);
  if (!isfinite(v)) {
    return;
  }
  char buf[512];
  int used = nl_print.precision, n = snprintf(buf, sizeof buf, "%.*f", used, v);
  while (used > 1 && n > 0 && buf[n - 1] == '0') {
    used--;
    n--;
  }
  if (used > *digits) {
    *digits = used;
  }
}

static void choose_format(writer *w) {
  if (nl_dtype_is_float(nl_tensor_dtype(w->t))) {
    range r = {.min = INFINITY, .max = 0, .integral = true};
    walk_elements(w, 0, 0, see_value, &r);
    if (r.integral && r.max < 1e8) {
      w->digits = 0;
    } else if (nl_print.sci_mode == 1 ||
               (nl_print.sci_mode < 0 && (r.max >= 1e8 || r.min < 1e-4 || r.max / r.min > 1e5))) {
      w->scientific = true;
      w->digits = nl_print.precision;
    } else {
      int digits = nl_print.precision > 0 ? 1 : 0;
      walk_elements(w, 0, 0, see_digits, &digits);
      w->digits = digits;
    }
  }
  walk_elements(w, 0, 0, see_width, NULL);
}

static void write_dims(writer *w, int dim, int64_t position) {
  int64_t n = w->t->shape[dim];
  bool last = dim == w->t->ndim - 1;
  fputc('[', w->out);
  int column = w->indent + dim + 1;
  for (int64_t i = 0; i < n; i++) {
    if (i > 0) {
      fputc(',', w->out);
      if (last) {
        if (column + w->width + 2 > nl_print.linewidth) {
          fprintf(w->out, "\n%*s", w->indent + dim + 1, "");
          column = w->indent + dim + 1;
        } else {
          fputc(' ', w->out);
          column++;
        }
      } else {
        for (int k = 0; k < w->t->ndim - dim - 1; k++) {
          fputc('\n', w->out);
        }
        fprintf(w->out, "%*s", w->indent + dim + 1, "");
      }
    }
    if (skipped(w, i, n)) {
      fputs("...", w->out);
      if (last) {
        column += 3;
      }
      i = n - nl_print.edgeitems - 1;
      continue;
    }
    if (last) {
      char buf[512];
      cell(w, buf, sizeof buf, position * n + i);
      column += fprintf(w->out, "%*s", w->width, buf);
      if (i < n - 1) {
        column++;
      }
    } else {
      write_dims(w, dim + 1, position * n + i);
    }
  }
  fputc(']', w->out);
}

char *nl_tensor_format(const nl_tensor *t) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) {
    return NULL;
  }
  writer w = {.out = out, .t = t, .summarize = t->numel > nl_print.threshold, .indent = 7};
  fputs("tensor(", out);
  if (t->numel > 0) {
    choose_format(&w);
  }
  if (t->ndim == 0) {
    char buf[512];
    cell(&w, buf, sizeof buf, 0);
    fputs(buf, out);
  } else if (t->numel == 0) {
    fputs("[]", out);
  } else {
    write_dims(&w, 0, 0);
  }
  if (t->ndim > 0) {
    fprintf(out, ", shape=%s", nl_tensor_shape_string(t).s);
  }
  fprintf(out, ", %s", nl_dtype_name(nl_tensor_dtype(t)));
  if (t->requires_grad) {
    fputs(", requires_grad", out);
  }
  fputc(')', out);
  if (fclose(out) != 0) {
    free(text);
    return NULL;
  }
  return text;
}
