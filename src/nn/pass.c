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
    nl_error_prefix("%s(%s)", p->layer->name, nl_layer_describe(p->layer).s);
    p->told = true;
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
  p->told = true;
  nl_fail("%s(%s): %s%s (input %s)%s%s", p->layer->name, nl_layer_describe(p->layer).s, before, text,
          nl_tensor_shape_string(input).s, *after ? "; " : "", after);
}

/* ---- shapes that an entry accepts ---- */

/* The sizes that a word stands for: those of a setting of its name; returns how many, 0: any size. */
static int sizes_of_word(const nl_layer *l, int field, const int64_t **sizes) {
  int count;
  if (field < 0) {
    return 0;
  }
  if (l->fields->field[field].kind == NL_FIELD_SIZES) {
    *sizes = sizes_of(l, field, &count);
    return count;
  }
  *sizes = &l->value[field].i;
  return 1;
}

/* The sizes that a rule asks for, in order; -1 for any. Returns how many. */
static int wanted_sizes(const nl_layer *l, const nl_shape_rule *r, int64_t *out) {
  int total = 0;
  for (int i = 0; i < r->n; i++) {
    const int64_t *sizes;
    int count = sizes_of_word(l, r->word[i].field, &sizes);
    for (int k = 0; k < count && total < NL_MAX_DIM; k++) {
      out[total++] = sizes[k];
    }
    if (count == 0 && total < NL_MAX_DIM) {
      out[total++] = -1;
    }
  }
  return total;
}

static bool fits_rule(const nl_layer *l, const nl_tensor *x, const nl_shape_rule *r) {
  int64_t sizes[NL_MAX_DIM];
  int wanted = wanted_sizes(l, r, sizes), from = r->dots_before ? x->ndim - wanted : 0;
  if (x->ndim < wanted || (!r->dots_before && !r->dots_behind && x->ndim != wanted)) {
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
static void write_rule(char *out, size_t size, const nl_layer *l, const nl_shape_rule *r) {
  snprintf(out, size, r->dots_before ? "..." : "");
  for (int i = 0; i < r->n; i++) {
    const int64_t *sizes;
    int count = sizes_of_word(l, r->word[i].field, &sizes);
    for (int k = 0; k < (count ? count : 1); k++) {
      size_t used = strlen(out);
      const char *x = used ? " x " : "";
      if (count) {
        snprintf(out + used, size - used, "%s%lld", x, (long long)sizes[k]);
      } else {
        snprintf(out + used, size - used, "%s%.*s", x, r->word[i].size, l->entry->accepts + r->word[i].at);
      }
    }
  }
  size_t used = strlen(out);
  snprintf(out + used, size - used, r->dots_behind ? " x ..." : "");
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
  const nl_fields *all = l->fields;
  const nl_shape_rule *r = all->rule;
  const int64_t *sizes;
  char text[400] = "";
  if (all->rules == 1 && r->dots_before && r->n == 1 && sizes_of_word(l, r->word[0].field, &sizes) == 1) {
    const char *hint = flatten_hint(x, *sizes);
    char takes[48], has[40] = "no features";
    snprintf(takes, sizeof takes, "; it takes %lld", (long long)*sizes);
    if (x->ndim > 0) {
      snprintf(has, sizeof has, "%lld features", (long long)x->shape[x->ndim - 1]);
    }
    nl_pass_fail(p, "input has %s in its last dim (shape %s)%s", has, nl_tensor_shape_string(x).s, hint ? hint : takes);
    return;
  }
  for (int i = 0; i < all->rules; i++) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s", used ? " or " : "");
    used = strlen(text);
    write_rule(text + used, sizeof text - used, l, &all->rule[i]);
  }
  nl_pass_fail(p, "input must be %s, but has shape %s", text, nl_tensor_shape_string(x).s);
}

static void check_shape(nl_pass *p) {
  const nl_fields *all = p->layer->fields;
  for (int i = 0; i < all->rules; i++) {
    if (fits_rule(p->layer, p->in[0], &all->rule[i])) {
      return;
    }
  }
  refuse_shape(p, p->in[0]);
}

/* ---- the call ---- */

/* What a layer is made of must be there: it can be assigned nil. */
static void check_parts(nl_pass *p, const nl_fields *all) {
  for (int i = 0; i < all->count && p->build.status == NL_OK; i++) {
    const nl_field *f = &all->field[i];
    const nl_value *v = &p->layer->value[i];
    bool tensor = f->kind == NL_FIELD_TENSOR || f->kind == NL_FIELD_PARAMETER || f->kind == NL_FIELD_BUFFER;
    if (f->stored && !v->set && (f->has_default || !f->optional)) {
      bool setting = i < all->settings && f->kind != NL_FIELD_LAYER && f->kind != NL_FIELD_LAYERS;
      if (setting) { /* none can be set to nil: it was never made */
        nl_pass_fail(p, "%s is nil; the class's init must call nn.%s.init(self, ...)", f->name, p->layer->entry->name);
      } else {
        nl_pass_fail(p, "%s is nil; it is needed", f->name);
      }
    } else if (tensor && v->set && !*v->tensor) {
      nl_pass_fail(p, "%s was closed: its values are gone", f->name);
    }
  }
}

/* A layer that is an op: its fields are the op's attributes. */
static void run_layer_op(nl_pass *p, const nl_fields *all) {
  const nl_layer *l = p->layer;
  nl_call c;
  nl_call_init(&c, all->op, p->nin, NULL);
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

/* What an op says is said in the layer's name. */
static nl_status end_pass(nl_pass *p) {
  if (p->build.status == NL_ERROR && !p->told) {
    nl_error_prefix("%s(%s)", p->layer->name, nl_layer_describe(p->layer).s);
    p->told = true;
  }
  return p->build.status;
}

void nl_pass_clear_inputs(nl_pass *p) {
  const nl_fields *all = p->layer->fields;
  for (int i = 0; i < all->given; i++) {
    if (all->input[i].flag) {
      p->flag[all->input[i].slot] = all->input[i].value;
    } else if (!all->input[i].list) {
      p->in[all->input[i].slot] = NULL;
    }
  }
  p->nlist = 0;
  p->nin = all->tensors;
}

nl_status nl_pass_run(nl_pass *p) {
  const nl_layer_entry *e = p->layer->entry;
  const nl_fields *all = p->layer->fields;
  check_parts(p, all);
  if (all->rules && p->build.status == NL_OK) {
    check_shape(p);
  }
  if (p->build.status == NL_OK) {
    if (e->op) {
      run_layer_op(p, all);
    } else {
      e->forward(p);
    }
  }
  return end_pass(p);
}

nl_tensor *nl_pass_weight(nl_pass *p) {
  check_parts(p, p->layer->fields);
  nl_tensor *w = p->build.status == NL_OK ? p->layer->entry->weight(p) : NULL;
  return end_pass(p) == NL_OK ? w : NULL;
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

nl_tensor *nl_along_channels(nl_build *b, nl_tensor *t, const nl_tensor *x) {
  int64_t shape[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == 1 ? -1 : 1;
  }
  return nl_b_reshape(b, t, x->ndim, shape);
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
