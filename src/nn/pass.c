/* Running one call of a layer: its inputs are held against the entry, then it goes forward. */
#include "nn/pass.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tensor/tensor.h"

nl_tensor *nl_pass_fail(nl_pass *p, const char *fmt, ...) {
  if (p->build.status == NL_OK) {
    va_list args;
    va_start(args, fmt);
    p->build.status = nl_vfail(fmt, args);
    va_end(args);
    nl_error_prefix("%s(%s)", p->layer->entry->name, nl_layer_describe(p->layer).s);
  }
  return NULL;
}

void nl_pass_reword(nl_pass *p, const char *op, const char *before, const nl_tensor *input, const char *after) {
  const char *at = p->build.status == NL_ERROR ? strstr(nl_error_message(), op) : NULL;
  if (!at || !strstr(at, "out of range")) {
    return;
  }
  char text[300];
  snprintf(text, sizeof text, "%s", at + strlen(op) + strlen(": "));
  nl_fail("%s(%s): %s%s (input %s); %s", p->layer->entry->name, nl_layer_describe(p->layer).s, before, text,
          nl_tensor_shape_string(input).s, after);
}

/* ---- shapes that an entry accepts ---- */

typedef struct dim_word {
  const char *s;
  int n;
} dim_word;

/* The words between " x " of one alternative, up to " or " or the end; returns their number. */
static int split_dims(const char *s, dim_word *words, const char **rest) {
  int n = 0;
  for (;;) {
    int length = (int)strcspn(s, " ");
    words[n++] = (dim_word){s, length};
    s += length;
    if (strncmp(s, " x ", 3) != 0 || n == NL_MAX_DIM) {
      *rest = strncmp(s, " or ", 4) == 0 ? s + 4 : NULL;
      return n;
    }
    s += 3;
  }
}

/* The sizes that a word stands for: those of a setting of its name; returns how many, 0: a free word. */
static int sizes_of_word(const nl_layer *l, dim_word w, const int64_t **sizes) {
  char name[32];
  snprintf(name, sizeof name, "%.*s", w.n, w.s);
  int at = nl_field_find(l->entry, name), count;
  if (at < 0) {
    return 0;
  }
  if (nl_layer_fields(l->entry)->field[at].kind == NL_FIELD_SIZES) {
    *sizes = sizes_of(l, at, &count);
    return count;
  }
  *sizes = &l->value[at].i;
  return 1;
}

static bool is_dots(dim_word w) {
  return w.n == 3 && memcmp(w.s, "...", 3) == 0;
}

/* The sizes that the words ask for, in order; -1 for any. Returns how many. */
static int wanted_sizes(const nl_layer *l, const dim_word *words, int n, int64_t *out) {
  int total = 0;
  for (int i = 0; i < n; i++) {
    const int64_t *sizes;
    int count = is_dots(words[i]) ? 0 : sizes_of_word(l, words[i], &sizes);
    for (int k = 0; k < count && total < NL_MAX_DIM; k++) {
      out[total++] = sizes[k];
    }
    if (count == 0 && !is_dots(words[i]) && total < NL_MAX_DIM) {
      out[total++] = -1;
    }
  }
  return total;
}

/* "..." stands before or behind all others. */
static bool fits_dims(const nl_layer *l, const nl_tensor *x, const dim_word *words, int n) {
  int64_t sizes[NL_MAX_DIM];
  bool front = is_dots(words[0]), back = is_dots(words[n - 1]);
  int wanted = wanted_sizes(l, words, n, sizes), from = front ? x->ndim - wanted : 0;
  if (from < 0 || x->ndim < wanted || (!front && !back && x->ndim != wanted)) {
    return false;
  }
  for (int d = 0; d < wanted; d++) {
    if (sizes[d] >= 0 && x->shape[from + d] != sizes[d]) {
      return false;
    }
  }
  return true;
}

/* "batch x 3 x height x width" */
static void write_shape_words(char *out, size_t size, const nl_layer *l, const dim_word *words, int n) {
  *out = 0;
  for (int i = 0; i < n; i++) {
    const int64_t *sizes;
    int count = sizes_of_word(l, words[i], &sizes);
    for (int k = 0; k < count; k++) {
      size_t used = strlen(out);
      snprintf(out + used, size - used, "%s%lld", i + k > 0 ? " x " : "", (long long)sizes[k]);
    }
    if (count == 0) {
      size_t used = strlen(out);
      snprintf(out + used, size - used, "%s%.*s", i > 0 ? " x " : "", words[i].n, words[i].s);
    }
  }
}

/* What to do about an input that has all the features, but not in its last dim. */
static const char *flatten_hint(const nl_tensor *x, int64_t features) {
  int64_t n = x->numel;
  if (x->ndim > 2 && n == x->shape[0] * features) {
    return "; flatten it first, e.g. x:flatten(2)";
  }
  return x->ndim > 0 && n == features ? "; flatten it first, e.g. x:flatten()" : NULL;
}

static void refuse_shape(nl_pass *p, const nl_tensor *x) {
  const nl_layer *l = p->layer;
  const char *rest = l->entry->accepts;
  dim_word words[NL_MAX_DIM];
  const int64_t *sizes;
  char text[400] = "";
  int n = split_dims(rest, words, &rest);
  if (n == 2 && !rest && is_dots(words[0]) && sizes_of_word(l, words[1], &sizes) == 1) {
    const char *hint = flatten_hint(x, *sizes);
    char takes[48], has[40] = "no features";
    snprintf(takes, sizeof takes, "; it takes %lld", (long long)*sizes);
    if (x->ndim > 0) {
      snprintf(has, sizeof has, "%lld features", (long long)x->shape[x->ndim - 1]);
    }
    nl_pass_fail(p, "input has %s in its last dim (shape %s)%s", has, nl_tensor_shape_string(x).s, hint ? hint : takes);
    return;
  }
  for (rest = l->entry->accepts; rest;) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s", used ? " or " : "");
    used = strlen(text);
    n = split_dims(rest, words, &rest);
    write_shape_words(text + used, sizeof text - used, l, words, n);
  }
  nl_pass_fail(p, "input must be %s, but has shape %s", text, nl_tensor_shape_string(x).s);
}

static void check_shape(nl_pass *p) {
  const char *rest = p->layer->entry->accepts;
  const nl_tensor *x = p->in[0];
  while (rest) {
    dim_word words[NL_MAX_DIM];
    int n = split_dims(rest, words, &rest);
    if (fits_dims(p->layer, x, words, n)) {
      return;
    }
  }
  refuse_shape(p, x);
}

/* ---- the call ---- */

/* What a layer is made of must be there: it can be assigned nil. */
static void check_parts(nl_pass *p, const nl_fields *all) {
  for (int i = 0; i < all->count && p->build.status == NL_OK; i++) {
    const nl_field *f = &all->field[i];
    const nl_value *v = &p->layer->value[i];
    bool tensor = f->kind == NL_FIELD_TENSOR || f->kind == NL_FIELD_PARAMETER || f->kind == NL_FIELD_BUFFER;
    if (f->stored && !v->set && !f->optional) {
      nl_pass_fail(p, "%s is nil; it is needed", f->name);
    } else if (tensor && v->set && !*v->tensor) {
      nl_pass_fail(p, "%s was closed: its values are gone", f->name);
    }
  }
}

/* A layer that is an op: its fields are the op's attributes. */
static void run_layer_op(nl_pass *p, const nl_fields *all) {
  const nl_layer *l = p->layer;
  nl_call c;
  nl_call_init(&c, nl_op_find(l->entry->op), p->nin, NULL);
  memcpy(c.in, p->in, (size_t)p->nin * sizeof *p->in);
  for (int i = 0, attr = 0; i < all->settings; i++) {
    const nl_value *v = &l->value[i];
    nl_attr *a = &c.attr[attr++];
    a->set = true;
    if (all->field[i].kind == NL_FIELD_NUMBER) {
      a->number = v->number;
    } else if (all->field[i].kind == NL_FIELD_BOOL) {
      a->b = v->b;
    } else {
      a->i = v->i;
    }
  }
  p->out[0] = nl_b_call(&p->build, &c);
  p->nout = 1;
}

nl_status nl_pass_run(nl_pass *p) {
  const nl_layer_entry *e = p->layer->entry;
  const nl_fields *all = nl_layer_fields(e);
  check_parts(p, all);
  if (e->accepts && p->build.status == NL_OK) {
    check_shape(p);
  }
  if (p->build.status == NL_OK) {
    if (e->op) {
      run_layer_op(p, all);
    } else {
      e->forward(p);
    }
  }
  return p->build.status;
}

/* ---- what forwards share ---- */

void nl_b_into(nl_build *b, const nl_op *op, nl_tensor *buffer, nl_tensor *x) {
  if (b->status != NL_OK) {
    return;
  }
  nl_call c;
  nl_call_init(&c, op, 2, NULL);
  c.in[0] = buffer;
  c.in[1] = x;
  c.inplace = true;
  bool was = nl_grad_set_enabled(false);
  nl_b_call(b, &c);
  nl_grad_set_enabled(was);
}

nl_tensor *nl_b_detach(nl_build *b, nl_tensor *x) {
  nl_tensor *out = NULL;
  if (b->status == NL_OK) {
    b->status = nl_detach(x, &out);
  }
  return b->status == NL_OK ? nl_b_own(b, out) : NULL;
}

void nl_parts_add(nl_build *b, nl_parts *parts, nl_tensor *t) {
  if (b->status != NL_OK) {
    return;
  }
  nl_tensor **more = nl_grow(parts->t, parts->n, sizeof *more);
  if (!more) {
    b->status = NL_NOMEM;
    return;
  }
  parts->t = more;
  parts->t[parts->n++] = t;
}

nl_tensor *nl_parts_join(nl_build *b, nl_parts *parts, const nl_op *op, int64_t dim) {
  nl_tensor *out = NULL;
  if (b->status == NL_OK && parts->n > 0) {
    nl_call c;
    nl_call_init(&c, op, parts->n, parts->t);
    c.attr[0] = (nl_attr){.set = true, .i = dim};
    out = nl_b_call(b, &c);
  }
  nl_delete(parts->t);
  *parts = (nl_parts){0};
  return out;
}

nl_tensor *nl_along_channels(nl_build *b, nl_tensor *t, const nl_tensor *x) {
  int64_t shape[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == 1 ? -1 : 1;
  }
  return nl_b_reshape(b, t, x->ndim, shape);
}

nl_tensor *nl_channel_rows(nl_build *b, nl_tensor *x) {
  int n = x->ndim;
  if (n == 2) {
    return x;
  }
  int64_t order[NL_MAX_DIM] = {1};
  for (int d = 3; d <= n; d++) {
    order[d - 2] = d;
  }
  order[n - 1] = 2;
  return nl_b_reshape(b, b_permute(b, x, order), 2, (int64_t[]){-1, x->shape[1]});
}

nl_tensor *nl_from_channel_rows(nl_build *b, nl_tensor *rows, const nl_tensor *x) {
  int n = x->ndim;
  if (n == 2) {
    return rows;
  }
  int64_t shape[NL_MAX_DIM] = {x->shape[0]}, back[NL_MAX_DIM] = {1, n};
  for (int d = 2; d < n; d++) {
    shape[d - 1] = x->shape[d];
    back[d] = d;
  }
  shape[n - 1] = x->shape[1];
  return b_permute(b, nl_b_reshape(b, rows, n, shape), back);
}

/* ---- making ---- */

nl_tensor *nl_made_empty(nl_making *m, int ndim, const int64_t *shape) {
  return nl_b_do(&m->build, op_empty(), "li", ndim, shape, (int64_t)m->dtype);
}

nl_tensor *nl_made_full(nl_making *m, int ndim, const int64_t *shape, double value) {
  return nl_b_do(&m->build, op_full(), "tli", nl_b_number(&m->build, value), ndim, shape, (int64_t)m->dtype);
}

nl_tensor *nl_made_uniform(nl_making *m, int ndim, const int64_t *shape, double bound) {
  nl_tensor *t = nl_made_empty(m, ndim, shape);
  if (!t) {
    return NULL;
  }
  nl_call c;
  nl_call_init(&c, op_uniform_(), 1, NULL);
  c.in[0] = t;
  c.attr[nl_uniform_low] = (nl_attr){.set = true, .number = -bound};
  c.attr[nl_uniform_high] = (nl_attr){.set = true, .number = bound};
  c.inplace = true;
  return nl_b_call(&m->build, &c) ? t : NULL;
}
