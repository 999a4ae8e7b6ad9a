/* The build: an autorelease list around nl_dispatch. */
#include "optable/build.h"
#include "optable/helpers.h"

#include <stdarg.h>
#include <string.h>

#include "core/assert.h"
#include "core/memory.h"

void nl_build_init(nl_build *b) {
  b->status = NL_OK;
  b->count = 0;
  b->capacity = (int)(sizeof b->small / sizeof *b->small);
  b->owned = b->small;
  b->find_memory = NULL;
}

void nl_build_free(nl_build *b) {
  for (int i = 0; i < b->count; i++) {
    nl_tensor_unref(b->owned[i]);
  }
  if (b->owned != b->small) {
    nl_delete(b->owned);
  }
  nl_build_init(b);
}

nl_tensor *nl_b_own(nl_build *b, nl_tensor *t) {
  if (!t) {
    return NULL;
  }
  if (b->count == b->capacity) {
    nl_tensor **more = nl_new(2 * (size_t)b->capacity * sizeof *more);
    if (!more) {
      nl_tensor_unref(t);
      b->status = NL_NOMEM;
      return NULL;
    }
    memcpy(more, b->owned, (size_t)b->count * sizeof *more);
    if (b->owned != b->small) {
      nl_delete(b->owned);
    }
    b->owned = more;
    b->capacity *= 2;
  }
  b->owned[b->count++] = t;
  return t;
}

/* Dispatches, and once more after finding memory: the call as it was, since infer settles attributes. */
static nl_status dispatch_patiently(nl_build *b, nl_call *c) {
  nl_attr attr[NL_MAX_PARAM];
  int64_t ints[NL_MAX_INTS];
  nl_tensor *in[NL_SMALL_IN], **list = c->in == c->small_in ? NULL : c->in;
  int nints = c->nints;
  nl_generator *generator = c->generator, *g = nl_call_generator(c), before = *g;
  memcpy(attr, c->attr, sizeof attr);
  memcpy(in, c->small_in, sizeof in);
  memcpy(ints, c->ints, (size_t)nints * sizeof *ints);
  nl_status status = nl_dispatch(c);
  if (status == NL_NOMEM && !c->wrote) {
    bool inplace = c->inplace;
    if (c->op->flags & NL_OP_RANDOM) {
      *g = before; /* the call did not happen */
    }
    b->find_memory(b);
    if (b->status != NL_OK) {
      return b->status;
    }
    nl_call_init(c, c->op, c->nin, list);
    memcpy(c->attr, attr, sizeof attr);
    memcpy(c->small_in, in, sizeof in);
    memcpy(c->ints, ints, (size_t)nints * sizeof *ints);
    c->nints = nints;
    c->generator = generator;
    c->inplace = inplace;
    status = nl_dispatch(c);
  }
  return status;
}

nl_tensor *nl_b_call(nl_build *b, nl_call *c) {
  if (b->status != NL_OK) {
    return NULL;
  }
  b->status = b->find_memory ? dispatch_patiently(b, c) : nl_dispatch(c);
  if (b->status != NL_OK) {
    return NULL;
  }
  for (int i = 0; i < c->nout && !c->list; i++) {
    nl_tensor *t = nl_b_own(b, c->out[i]);
    c->out[i] = t;
  }
  return c->out[0];
}

nl_tensor *nl_b_result(nl_build *b, const nl_op *op, nl_tensor *x, int which) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_call c;
  nl_call_init(&c, op, 1, NULL);
  c.in[0] = x;
  nl_b_call(b, &c);
  return b->status == NL_OK ? c.out[which] : NULL;
}

nl_tensor *nl_b3(nl_build *b, const nl_op *op, nl_tensor *x, nl_tensor *y, nl_tensor *z) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_call c;
  nl_call_init(&c, op, z ? 3 : (y ? 2 : 1), NULL);
  c.in[0] = x;
  c.in[1] = y;
  c.in[2] = z;
  return nl_b_call(b, &c);
}

nl_tensor *nl_b2(nl_build *b, const nl_op *op, nl_tensor *x, nl_tensor *y) {
  return nl_b3(b, op, x, y, NULL);
}

nl_tensor *nl_b1(nl_build *b, const nl_op *op, nl_tensor *x) {
  return nl_b3(b, op, x, NULL, NULL);
}

nl_tensor *nl_b_number(nl_build *b, double value) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_tensor *t;
  b->status = nl_tensor_from_double(value, &t);
  return nl_b_own(b, t);
}

nl_tensor *nl_b_int(nl_build *b, int64_t value) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_tensor *t;
  b->status = nl_tensor_from_int(value, &t);
  return nl_b_own(b, t);
}

nl_tensor *nl_b_fail(nl_build *b, const char *fmt, ...) {
  if (b->status == NL_OK) {
    va_list args;
    va_start(args, fmt);
    b->status = nl_vfail(fmt, args);
    va_end(args);
  }
  return NULL;
}

#ifdef NL_DEBUG
/* Whether the letters after the tensors say what the op's signature says. */
static bool format_fits(const nl_op *op, const char *format) {
  static const char letters[] = {
      [NL_KIND_INT] = 'i',   [NL_KIND_NUMBER] = 'n', [NL_KIND_BOOL] = 'b',
      [NL_KIND_DIM] = 'i',   [NL_KIND_DIMS] = 'l',   [NL_KIND_SHAPE] = 'l',
      [NL_KIND_DTYPE] = 'i', [NL_KIND_CHOICE] = 'i', [NL_KIND_NUMBERS] = 'l',
  };
  const nl_signature *s = nl_op_signature(op);
  size_t tensors = strspn(format, "t"), attrs = strlen(format) - tensors;
  for (int i = 0; i < s->count; i++) {
    const nl_param *p = &s->param[i];
    if (p->kind <= NL_KIND_TENSORS) {
      tensors -= s->list || tensors == 0 ? 0 : 1; /* optional ones may be left out */
    } else if (p->slot < (int)attrs) {
      char letter = format[strlen(format) - attrs + (size_t)p->slot];
      if (letter != '-' && letter != letters[p->kind]) {
        return false;
      }
    }
  }
  return (tensors == 0 || s->list) && attrs <= (size_t)(s->count - s->tensors);
}
#endif

nl_tensor *nl_b_do(nl_build *b, const nl_op *op, const char *format, ...) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_assert(format_fits(op, format), "nl_b_do: the format is not the op's signature");
  nl_call c;
  int tensors = (int)strspn(format, "t"), attr = 0, in = 0;
  nl_call_init(&c, op, tensors, NULL);
  va_list args;
  va_start(args, format);
  for (const char *f = format; *f; f++) {
    if (*f == 't') {
      c.in[in++] = va_arg(args, nl_tensor *);
      continue;
    }
    nl_attr *a = &c.attr[attr];
    if (*f == 'i') {
      *a = (nl_attr){.set = true, .i = va_arg(args, int64_t)};
    } else if (*f == 'n') {
      *a = (nl_attr){.set = true, .number = va_arg(args, double)};
    } else if (*f == 'b') {
      *a = (nl_attr){.set = true, .b = va_arg(args, int)};
    } else if (*f == 'l') {
      int count = va_arg(args, int);
      nl_call_set_list(&c, attr, count, va_arg(args, const int64_t *));
    }
    attr++;
  }
  va_end(args);
  return nl_b_call(b, &c);
}

nl_tensor *nl_b_sum(nl_build *b, nl_tensor *x, int ndims, const int64_t *dims, bool keepdim) {
  return dims ? nl_b_do(b, op_sum(), "tlb", x, ndims, dims, keepdim) : nl_b_do(b, op_sum(), "t-b", x, keepdim);
}

nl_tensor *nl_b_reshape(nl_build *b, nl_tensor *x, int ndim, const int64_t *shape) {
  return nl_b_do(b, op_reshape(), "tl", x, ndim, shape);
}

nl_tensor *nl_b_expand(nl_build *b, nl_tensor *x, int ndim, const int64_t *shape) {
  return nl_b_do(b, op_expand(), "tl", x, ndim, shape);
}

nl_tensor *nl_b_transpose(nl_build *b, nl_tensor *x, int64_t d0, int64_t d1) {
  return nl_b_do(b, op_transpose(), "tii", x, d0, d1);
}

nl_tensor *nl_b_cast(nl_build *b, nl_tensor *x, nl_dtype dtype) {
  if (b->status != NL_OK || nl_tensor_dtype(x) == dtype) {
    return x;
  }
  return nl_b_do(b, op_to(), "ti", x, (int64_t)dtype);
}

nl_tensor *nl_b_zeros(nl_build *b, nl_dtype dtype, int ndim, const int64_t *shape) {
  return nl_b_do(b, op_zeros(), "li", ndim, shape, (int64_t)dtype);
}

nl_tensor *nl_b_like(nl_build *b, nl_tensor *g, const nl_tensor *input) {
  if (b->status != NL_OK || !g) {
    return NULL;
  }
  if (!nl_shape_equal(g, input)) {
    int lead = g->ndim - input->ndim;
    int64_t dims[NL_MAX_DIM];
    int n = 0;
    for (int d = 0; d < g->ndim; d++) {
      if (d < lead || (input->shape[d - lead] == 1 && g->shape[d] != 1)) {
        dims[n++] = d + 1;
      }
    }
    if (n > 0) {
      g = nl_b_sum(b, g, n, dims, true);
    }
    if (b->status == NL_OK && !nl_shape_equal(g, input)) {
      g = nl_b_reshape(b, g, input->ndim, input->shape);
    }
  }
  return b->status == NL_OK ? nl_b_cast(b, g, nl_tensor_dtype(input)) : NULL;
}

nl_tensor *nl_b_scale(nl_build *b, nl_tensor *x, double factor) {
  return nl_b2(b, op_mul(), x, nl_b_number(b, factor));
}
