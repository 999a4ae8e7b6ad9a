/* Ops that choose and copy elements: where, masked_fill, clone, to, and the writes copy_ and fill_. */
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

static nl_status want_bool(const nl_tensor *t, const char *what) {
  if (t->dtype == NL_BOOL) {
    return NL_OK;
  }
  return nl_fail("%s must be a bool tensor, but is %s (shape %s); compare, e.g. x:gt(0), or convert with "
                 "x:to(\"bool\")",
                 what, nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
}

static nl_status broadcast_values(nl_call *c) {
  nl_tensor *a = c->in[0], *b = c->in[1];
  nl_out_desc *d = &c->desc[0];
  d->dtype = c->dtype;
  c->nout = 1;
  return nl_broadcast_shapes(a->ndim, a->shape, b->ndim, b->shape, &d->ndim, d->shape);
}

static nl_status infer_where(nl_call *c) {
  nl_status status = want_bool(c->in[0], "the condition");
  status = status == NL_OK ? nl_rule_promote(c, 2, c->in + 1) : status;
  status = status == NL_OK ? broadcast_values(c) : status;
  if (status == NL_OK) {
    nl_out_desc *d = &c->desc[0], so_far = *d;
    status = nl_broadcast_shapes(so_far.ndim, so_far.shape, c->in[2]->ndim, c->in[2]->shape, &d->ndim, d->shape);
  }
  return status;
}

enum { SELECT_STRIP = 512 };

/* Operands may have other dtypes than the result: they are converted strip by strip. */
static void select_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  const nl_strip *s = ctx;
  double a[SELECT_STRIP], b[SELECT_STRIP];
  uint8_t still[SELECT_STRIP];
  for (int64_t i = 0; i < n; i += SELECT_STRIP) {
    int64_t m = n - i < SELECT_STRIP ? n - i : SELECT_STRIP;
    const uint8_t *cond = (const uint8_t *)data[1] + (step[1] ? i : 0);
    if (!step[1]) {
      for (int64_t j = 0; j < m; j++) {
        still[j] = cond[0];
      }
      cond = still;
    }
    s->ctx.choose.cast_a(step[2] ? m : 1, a, (const char *)data[2] + (size_t)(step[2] ? i : 0) * s->ctx.choose.a_size);
    s->ctx.choose.cast_b(step[3] ? m : 1, b, (const char *)data[3] + (size_t)(step[3] ? i : 0) * s->ctx.choose.b_size);
    s->ctx.choose.select(m, (char *)data[0] + (size_t)i * s->ctx.choose.out_size, cond, a, step[2], b, step[3]);
  }
}

static void choose_strip(nl_tensor *out, nl_tensor *cond, nl_tensor *a, nl_tensor *b, nl_strip *s) {
  s->fn = select_run;
  s->ctx.choose.select = nl_k->elementwise->select[out->dtype];
  s->ctx.choose.cast_a = nl_k->elementwise->cast[out->dtype][a->dtype];
  s->ctx.choose.cast_b = nl_k->elementwise->cast[out->dtype][b->dtype];
  s->ctx.choose.out_size = nl_dtype_size(nl_tensor_dtype(out));
  s->ctx.choose.a_size = nl_dtype_size(nl_tensor_dtype(a));
  s->ctx.choose.b_size = nl_dtype_size(nl_tensor_dtype(b));
  s->n = 4;
  s->t[0] = out;
  s->t[1] = cond;
  s->t[2] = a;
  s->t[3] = b;
}

static bool strip_where(const nl_call *c, nl_strip *s) {
  choose_strip(c->out[0], c->rin[0], c->rin[1], c->rin[2], s);
  return true;
}

static nl_status vjp_where(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[1]) {
    g->gin[1] = nl_b3(b, op_where(), c->in[0], g->gout[0], nl_b_number(b, 0));
  }
  if (g->need[2]) {
    g->gin[2] = nl_b3(b, op_where(), c->in[0], nl_b_number(b, 0), g->gout[0]);
  }
  return b->status;
}

static nl_status infer_masked_fill(nl_call *c) {
  nl_tensor *x = c->in[0], *mask = c->in[1], *value = c->in[2];
  nl_status status = want_bool(mask, "the mask");
  if (status != NL_OK) {
    return status;
  }
  if (value->numel != 1) {
    return nl_fail("the value must be one number, but has shape %s", nl_tensor_shape_string(value).s);
  }
  c->dtype = nl_tensor_dtype(x);
  nl_rule_like(c, 0, x, c->dtype);
  int n;
  int64_t shape[NL_MAX_DIM];
  status = nl_rule_holds(c, value, c->dtype);
  if (status != NL_OK) {
    return status;
  }
  status = nl_broadcast_shapes(x->ndim, x->shape, mask->ndim, mask->shape, &n, shape);
  if (status == NL_OK && n != x->ndim) {
    return nl_fail("the mask has more dims (shape %s) than the tensor (shape %s)", nl_tensor_shape_string(mask).s,
                   nl_tensor_shape_string(x).s);
  }
  for (int i = 0; status == NL_OK && i < n; i++) {
    if (shape[i] != x->shape[i]) {
      return nl_fail("the mask's shape %s is larger than the tensor's %s", nl_tensor_shape_string(mask).s,
                     nl_tensor_shape_string(x).s);
    }
  }
  return status;
}

static void run_masked_fill(nl_call *c) {
  nl_tensor flat = *c->rin[2]; /* any shape of one element stands for a 0-dim one */
  flat.ndim = 0;
  nl_strip s;
  choose_strip(c->out[0], c->rin[1], &flat, c->rin[0], &s);
  nl_iterate(s.n, s.t, s.fn, &s);
}

static nl_status vjp_masked_fill(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    g->gin[0] = nl_b3(b, op_masked_fill(), g->gout[0], c->in[1], nl_b_number(b, 0));
  }
  if (g->need[2]) {
    g->gin[2] = nl_b3(b, op_where(), c->in[1], g->gout[0], nl_b_number(b, 0));
  }
  return b->status;
}

/* clone: x as it is; to: in another dtype */
static nl_status infer_clone(nl_call *c) {
  nl_rule_like(c, 0, c->in[0], nl_tensor_dtype(c->in[0]));
  return NL_OK;
}
static nl_status infer_to(nl_call *c) {
  nl_dtype dtype = (nl_dtype)c->attr[nl_to_dtype].i;
  nl_rule_like(c, 0, c->in[0], dtype);
  return nl_rule_holds(c, c->in[0], dtype);
}
static void run_clone(nl_call *c) {
  nl_copy_values(c->out[0], c->rin[0]);
}
static bool strip_to(const nl_call *c, nl_strip *s) {
  nl_strip_of_copy(c->out[0], c->rin[0], s);
  return true;
}
static nl_status vjp_same(nl_call *c, nl_vjp *g) {
  (void)c;
  g->gin[0] = g->gout[0];
  return NL_OK;
}

/* copy_ and fill_: values of the second broadcast into the first */
static nl_status infer_copy(nl_call *c) {
  nl_tensor *x = c->in[0], *src = c->in[1];
  nl_rule_like(c, 0, x, nl_tensor_dtype(x));
  int n;
  int64_t shape[NL_MAX_DIM];
  int lead = 0; /* leading dims of one element in the source do not matter */
  while (src->ndim - lead > x->ndim && src->shape[lead] == 1) {
    lead++;
  }
  nl_status status = nl_broadcast_shapes(x->ndim, x->shape, src->ndim - lead, src->shape + lead, &n, shape);
  bool fits = status == NL_OK && n == x->ndim;
  for (int i = 0; fits && i < n; i++) {
    fits = shape[i] == x->shape[i];
  }
  if (!fits) {
    return nl_fail("values of shape %s do not fit into shape %s", nl_tensor_shape_string(src).s,
                   nl_tensor_shape_string(x).s);
  }
  return nl_rule_holds(c, src, nl_tensor_dtype(x));
}
static void run_copy_into(nl_call *c) {
  nl_tensor src = *c->rin[1];
  while (src.ndim > c->out[0]->ndim) {
    src.shape++;
    src.strides++;
    src.ndim--;
  }
  nl_copy_values(c->out[0], &src);
}
static nl_status vjp_copy(nl_call *c, nl_vjp *g) {
  (void)c;
  if (g->need[0]) {
    g->gin[0] = nl_b_zeros(g->build, nl_tensor_dtype(g->gout[0]), g->gout[0]->ndim, g->gout[0]->shape);
  }
  g->gin[1] = g->gout[0];
  return g->build->status;
}

static const nl_op ops[] = {
    {.name = "where",
     .args = "condition: tensor, x: operand, y: operand",
     .returns = "tensor",
     .doc = "x where the condition holds, else y; all three broadcast.",
     .example = "nn.where(nn.tensor {-1.0, 0.0, 2.0}:gt(0), 1, -1)",
     .infer = infer_where,
     .run = nl_run_strip,
     .strip = strip_where,
     .vjp = vjp_where,
     .flags = NL_OP_BROADCAST,
     .save = NL_SAVE_IN(0)},
    {.name = "masked_fill",
     .args = "x: tensor, mask: tensor, value: operand",
     .returns = "tensor",
     .doc = "x with value where the bool mask holds.",
     .example = "nn.masked_fill(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:lt(0), 9)",
     .infer = infer_masked_fill,
     .run = run_masked_fill,
     .vjp = vjp_masked_fill,
     .flags = NL_OP_BROADCAST | NL_OP_INPLACE | NL_OP_ELEMENTWISE,
     .save = NL_SAVE_IN(1)},
    {.name = "clone",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "A copy with its own memory; gradients flow through.",
     .example = "nn.clone(nn.tensor {1, 2})",
     .infer = infer_clone,
     .run = run_clone,
     .vjp = vjp_same,
     .flags = NL_OP_ELEMENTWISE},
    {.name = "stop_gradient",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "A copy that no gradient flows through.",
     .example = "nn.stop_gradient(nn.ones(2))",
     .infer = infer_clone,
     .run = run_clone,
     .flags = NL_OP_ELEMENTWISE},
    {.name = "to",
     .args = "x: tensor, dtype: dtype",
     .attrs = nl_to_attrs,
     .returns = "tensor",
     .doc = "x converted to another dtype; x itself when it has that dtype already.",
     .example = "nn.to(nn.tensor {1, 2}, \"float64\")",
     .infer = infer_to,
     .run = run_clone,
     .strip = strip_to,
     .vjp = vjp_same,
     .flags = NL_OP_ELEMENTWISE | NL_OP_BROADCAST},
    {.name = "copy_",
     .args = "x: tensor, src: operand",
     .returns = "tensor",
     .doc = "Writes src, broadcast and converted, into x.",
     .example = "nn.zeros(2, 2):copy_(nn.tensor {1.0, 2.0})",
     .infer = infer_copy,
     .run = run_copy_into,
     .vjp = vjp_copy,
     .flags = NL_OP_ELEMENTWISE | NL_OP_BROADCAST | NL_OP_INPLACE | NL_OP_INPLACE_ONLY},
    {.name = "fill_",
     .args = "x: tensor, value: operand",
     .returns = "tensor",
     .doc = "Writes one value into all of x.",
     .example = "nn.zeros(2):fill_(7)",
     .infer = infer_copy,
     .run = run_copy_into,
     .vjp = vjp_copy,
     .flags = NL_OP_ELEMENTWISE | NL_OP_BROADCAST | NL_OP_INPLACE | NL_OP_INPLACE_ONLY},
};

NL_FAMILY(select, ops);
