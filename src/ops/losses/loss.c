/* Softmax and losses. */
#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

NL_ATTRS(softmax, dim)
NL_ATTRS(loss, reduction)

/* ---- rows along any dim ---- */

typedef void (*row_fn1)(int64_t rows, int64_t n, const void *x, void *out);
typedef void (*row_fn2)(int64_t rows, int64_t n, const void *x, const void *y, void *out);

typedef struct row_job {
  row_fn1 fn1;
  row_fn2 fn2;
  int64_t n;
  size_t size;
  const char *in[2];
  char *out;
} row_job;

static void row_range(void *ctx, int64_t begin, int64_t end) {
  const row_job *j = ctx;
  size_t at = (size_t)(begin * j->n) * j->size;
  if (j->fn1) {
    j->fn1(end - begin, j->n, j->in[0] + at, j->out + at);
  } else {
    j->fn2(end - begin, j->n, j->in[0] + at, j->in[1] + at, j->out + at);
  }
}

/* t with dim and the last dim exchanged, as a struct on the caller's stack */
static nl_tensor exchanged(const nl_tensor *t, int dim, int64_t geometry[2][NL_MAX_DIM]) {
  nl_tensor v = *t;
  int last = t->ndim - 1;
  for (int d = 0; d <= last; d++) {
    int from = d == dim ? last : (d == last ? dim : d);
    geometry[0][d] = t->shape[from];
    geometry[1][d] = t->strides[from];
  }
  v.shape = geometry[0];
  v.strides = geometry[1];
  v.contiguous = t->contiguous && dim == last;
  return v;
}

static nl_status infer_rows(nl_call *c) {
  nl_status status = NL_OK;
  int dim;
  for (int i = 0; i < c->nin && status == NL_OK; i++) {
    status = nl_rule_want_float(c->in[i], "the input");
    if (status == NL_OK && (!nl_shape_equal(c->in[i], c->in[0]) || c->in[i]->dtype != c->in[0]->dtype)) {
      status =
          nl_fail("shapes %s and %s differ", nl_tensor_shape_string(c->in[0]).s, nl_tensor_shape_string(c->in[i]).s);
    }
  }
  status = status == NL_OK ? nl_rule_dim(c->attr[softmax_dim].i, c->in[0]->ndim, &dim) : status;
  if (status != NL_OK) {
    return status;
  }
  c->dtype = nl_tensor_dtype(c->in[0]);
  nl_rule_like(c, 0, c->in[0], c->dtype);
  bool copy = dim != c->in[0]->ndim - 1 && c->in[0]->ndim > 0;
  for (int i = 0; i < c->nin; i++) {
    copy = copy || !c->in[i]->contiguous;
  }
  c->workspace_bytes = copy ? (size_t)(c->nin + 1) * (size_t)c->in[0]->numel * nl_dtype_size(c->dtype) + 1 : 0;
  return NL_OK;
}

static void run_rows(nl_call *c, row_fn1 fn1, row_fn2 fn2) {
  nl_tensor *x = c->rin[0], *out = c->out[0];
  int dim = 0;
  nl_rule_dim(c->attr[softmax_dim].i, x->ndim, &dim);
  int64_t n = x->ndim ? x->shape[dim] : 1, rows = n ? x->numel / n : 0;
  row_job job = {fn1, fn2, n, nl_dtype_size(c->dtype), {NULL, NULL}, nl_tensor_data(out)};
  int64_t geometry[2][NL_MAX_DIM], plain[NL_MAX_DIM];
  nl_tensor packed = *x;
  if (c->workspace) {
    for (int i = 0; i <= c->nin; i++) {
      nl_tensor from = exchanged(i < c->nin ? c->rin[i] : out, dim, geometry);
      packed = from;
      packed.storage = c->workspace->storage;
      packed.offset = i * x->numel;
      nl_shape_strides(from.ndim, from.shape, plain);
      packed.strides = plain;
      packed.contiguous = true;
      if (i < c->nin) {
        nl_copy_values(&packed, &from);
        job.in[i] = nl_tensor_data(&packed);
      } else {
        job.out = nl_tensor_data(&packed);
      }
    }
  } else {
    for (int i = 0; i < c->nin; i++) {
      job.in[i] = nl_tensor_data(c->rin[i]);
    }
  }
  nl_parallel_for(rows, 1 + 8192 / (n ? n : 1), row_range, &job);
  if (c->workspace) {
    nl_tensor to = exchanged(out, dim, geometry);
    nl_copy_values(&to, &packed);
  }
}

static void run_softmax(nl_call *c) {
  run_rows(c, nl_k->softmax->softmax[c->dtype], NULL);
}
static void run_log_softmax(nl_call *c) {
  run_rows(c, nl_k->softmax->log_softmax[c->dtype], NULL);
}
static void run_softmax_backward(nl_call *c) {
  run_rows(c, NULL, nl_k->softmax->softmax_backward[c->dtype]);
}
static void run_log_softmax_backward(nl_call *c) {
  run_rows(c, NULL, nl_k->softmax->log_softmax_backward[c->dtype]);
}

static nl_tensor *backward_row(nl_build *b, const nl_op *op, nl_tensor *g, nl_tensor *y, int64_t dim) {
  return nl_b_do(b, op, "tti", g, y, dim);
}
static nl_status vjp_softmax(nl_call *c, nl_vjp *g) {
  g->gin[0] = backward_row(g->build, op_softmax_backward(), g->gout[0], c->out[0], c->attr[softmax_dim].i);
  return g->build->status;
}
static nl_status vjp_log_softmax(nl_call *c, nl_vjp *g) {
  g->gin[0] = backward_row(g->build, op_log_softmax_backward(), g->gout[0], c->out[0], c->attr[softmax_dim].i);
  return g->build->status;
}
static nl_tensor *sum_along(nl_build *b, nl_tensor *t, int64_t dim) {
  return nl_b_sum(b, t, 1, &dim, true);
}
/* f(g, y) = (g - sum(g y)) y. For an incoming h: df/dg^T h = f(h, y); df/dy^T h = h (g - sum(g y)) - g sum(h y) */
static nl_status vjp_softmax_backward(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *g = c->in[0], *y = c->in[1], *h = v->gout[0];
  if (v->need[0]) {
    v->gin[0] = backward_row(b, op_softmax_backward(), h, y, c->attr[softmax_dim].i);
  }
  if (v->need[1]) {
    nl_tensor *gy = sum_along(b, nl_b2(b, op_mul(), g, y), c->attr[softmax_dim].i);
    nl_tensor *hy = sum_along(b, nl_b2(b, op_mul(), h, y), c->attr[softmax_dim].i);
    nl_tensor *left = nl_b2(b, op_mul(), h, nl_b2(b, op_sub(), g, gy));
    v->gin[1] = nl_b2(b, op_sub(), left, nl_b2(b, op_mul(), g, hy));
  }
  return b->status;
}
/* f(g, y) = g - exp(y) sum(g). df/dg^T h = h - sum(exp(y) h); df/dy^T h = -h exp(y) sum(g) */
static nl_status vjp_log_softmax_backward(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *h = v->gout[0];
  nl_tensor *eh = nl_b2(b, op_mul(), nl_b1(b, op_exp(), c->in[1]), h);
  if (v->need[0]) {
    v->gin[0] = nl_b2(b, op_sub(), h, sum_along(b, eh, c->attr[softmax_dim].i));
  }
  if (v->need[1]) {
    nl_tensor *d = nl_b2(b, op_mul(), eh, sum_along(b, c->in[0], c->attr[softmax_dim].i));
    v->gin[1] = nl_b1(b, op_neg(), d);
  }
  return b->status;
}

/* ---- reductions of losses ---- */

enum { MEAN, SUM, NONE };

static void reduce_loss(nl_call *c, const void *losses, int64_t n) {
  void *out = nl_tensor_data(c->out[0]);
  nl_k->reduce->reduce[NL_RED_SUM][c->dtype](n, 1, 0, 1, losses, out);
  if (c->attr[loss_reduction].i == MEAN) {
    if (c->dtype == NL_F32) {
      *(float *)out /= (float)n;
    } else {
      *(double *)out /= (double)n;
    }
  }
}

/* ---- cross-entropy ---- */

static nl_status infer_cross_entropy_shapes(nl_call *c, nl_tensor *x, nl_tensor *target) {
  nl_status status = nl_rule_want_float(x, "the logits");
  if (status != NL_OK) {
    return status;
  }
  if (x->ndim != 2 && x->ndim != 1) {
    return nl_fail("logits must have shape batch x classes (or classes), but have %s; flatten them first",
                   nl_tensor_shape_string(x).s);
  }
  int64_t classes = x->shape[x->ndim - 1], rows = x->ndim == 2 ? x->shape[0] : 1;
  if (target->dtype != NL_I64) {
    return nl_fail("targets are %s (shape %s) but must be int64 class labels from 1 to %lld; convert them with "
                   "y:to(\"int64\")",
                   nl_dtype_name(nl_tensor_dtype(target)), nl_tensor_shape_string(target).s, (long long)classes);
  }
  if (target->ndim != x->ndim - 1 || target->numel != rows) {
    return nl_fail("logits of shape %s want %lld target%s, but the targets have shape %s", nl_tensor_shape_string(x).s,
                   (long long)rows, rows == 1 ? "" : "s", nl_tensor_shape_string(target).s);
  }
  for (int64_t i = 0; i < rows; i++) {
    int64_t label = target->contiguous ? ((const int64_t *)nl_tensor_data(target))[i] : nl_tensor_get_int(target, i);
    if (label < 1 || label > classes) {
      return nl_fail("target %lld of %lld is %lld, but classes count from 1 to %lld%s", (long long)(i + 1),
                     (long long)rows, (long long)label, (long long)classes,
                     label == 0 ? "; if your labels start at 0, add 1: y + 1" : "");
    }
  }
  c->dtype = nl_tensor_dtype(x);
  return NL_OK;
}

static nl_status infer_cross_entropy(nl_call *c) {
  nl_tensor *x = c->in[0], *target = c->in[1];
  nl_status status = infer_cross_entropy_shapes(c, x, target);
  if (status != NL_OK) {
    return status;
  }
  c->workspace_bytes = (size_t)(target->numel + 1) * nl_dtype_size(c->dtype);
  if (c->attr[loss_reduction].i == NONE) {
    nl_rule_like(c, 0, target, c->dtype);
  } else {
    nl_rule_shape(c, 0, 0, NULL, c->dtype);
  }
  return NL_OK;
}
static void run_cross_entropy(nl_call *c) {
  nl_tensor *x = c->rin[0], *target = c->rin[1];
  int64_t rows = target->numel;
  void *losses = c->attr[loss_reduction].i == NONE ? nl_tensor_data(c->out[0]) : c->workspace->storage->data;
  nl_k->softmax->cross_entropy[c->dtype](rows, x->shape[x->ndim - 1], nl_tensor_data(x), nl_tensor_data(target),
                                         losses);
  if (c->attr[loss_reduction].i != NONE) {
    reduce_loss(c, losses, rows);
  }
}
static nl_tensor *cross_entropy_backward(nl_build *b, nl_tensor *g, nl_tensor *x, nl_tensor *target,
                                         int64_t reduction) {
  return nl_b_do(b, op_cross_entropy_backward(), "ttti", g, x, target, reduction);
}
static nl_status vjp_cross_entropy(nl_call *c, nl_vjp *g) {
  g->gin[0] = cross_entropy_backward(g->build, g->gout[0], c->in[0], c->in[1], c->attr[loss_reduction].i);
  return g->build->status;
}

/* cross_entropy_backward(g, x, target, reduction) = (softmax(x) - onehot(target)) * g, / rows for mean */
static nl_status infer_cross_entropy_backward(nl_call *c) {
  nl_tensor *g = c->in[0], *x = c->in[1], *target = c->in[2];
  nl_status status = infer_cross_entropy_shapes(c, x, target);
  if (status == NL_OK &&
      (g->dtype != x->dtype || g->numel != (c->attr[loss_reduction].i == NONE ? target->numel : 1))) {
    status = nl_fail("the gradient (%s, shape %s) does not go with the loss", nl_dtype_name(nl_tensor_dtype(g)),
                     nl_tensor_shape_string(g).s);
  }
  if (status == NL_OK) {
    nl_rule_like(c, 0, x, c->dtype);
  }
  return status;
}
static double mean_scale(const nl_call *c, int64_t n) {
  return c->attr[loss_reduction].i == MEAN ? 1.0 / (double)n : 1.0;
}
static void run_cross_entropy_backward(nl_call *c) {
  nl_tensor *x = c->rin[1], *target = c->rin[2];
  int64_t rows = target->numel;
  nl_k->softmax->cross_entropy_backward[c->dtype](
      rows, x->shape[x->ndim - 1], nl_tensor_data(x), nl_tensor_data(target), nl_tensor_data(c->rin[0]),
      c->attr[loss_reduction].i == NONE, mean_scale(c, rows), nl_tensor_data(c->out[0]));
}
/* For an incoming h: d/dg = sum(h (softmax - onehot)) = sum(h * backward(1)); d/dx = softmax_backward(h * g, p) */
static nl_status vjp_cross_entropy_backward(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *g = c->in[0], *x = c->in[1], *h = v->gout[0];
  if (v->need[0]) {
    nl_tensor *one = nl_b_zeros(b, nl_tensor_dtype(g), g->ndim, g->shape);
    one = nl_b2(b, op_add(), one, nl_b_number(b, 1));
    nl_tensor *slope = cross_entropy_backward(b, one, x, c->in[2], c->attr[loss_reduction].i);
    nl_tensor *t = nl_b2(b, op_mul(), h, slope);
    bool rows = c->attr[loss_reduction].i == NONE && x->ndim == 2;
    v->gin[0] = nl_b_sum(b, t, 1, rows ? (int64_t[]){2} : NULL, false);
  }
  if (v->need[1]) {
    nl_tensor *column =
        x->ndim == 2 && c->attr[loss_reduction].i == NONE ? nl_b_reshape(b, g, 2, (int64_t[]){g->numel, 1}) : g;
    nl_tensor *hg = nl_b2(b, op_mul(), h, column);
    hg = nl_b_scale(b, hg, mean_scale(c, c->in[2]->numel));
    nl_tensor *p = nl_b1(b, op_softmax(), x);
    v->gin[1] = backward_row(b, op_softmax_backward(), hg, p, -1);
  }
  return b->status;
}

/* ---- losses between two tensors of one shape ---- */

static nl_status infer_pair(nl_call *c) {
  nl_tensor *x = c->in[0], *y = c->in[1];
  nl_status status = nl_rule_want_float(x, "the input");
  if (status != NL_OK) {
    return status;
  }
  if (!nl_shape_equal(x, y)) {
    return nl_fail("input and target must have one shape, but have %s and %s%s", nl_tensor_shape_string(x).s,
                   nl_tensor_shape_string(y).s,
                   x->numel == y->numel ? "; reshape the target, e.g. y:reshape(-1, 1)" : "");
  }
  c->dtype = nl_promote(2, c->in); /* a target of more digits is not cut to the input's */
  c->workspace_bytes = (size_t)(x->numel + 1) * nl_dtype_size(c->dtype);
  if (c->attr[loss_reduction].i == NONE) {
    nl_rule_like(c, 0, x, c->dtype);
  } else {
    nl_rule_shape(c, 0, 0, NULL, c->dtype);
  }
  return NL_OK;
}
static void run_mse(nl_call *c) {
  nl_tensor *x = c->rin[0], *y = c->rin[1];
  int64_t n = x->numel;
  bool none = c->attr[loss_reduction].i == NONE;
  void *d = none ? nl_tensor_data(c->out[0]) : c->workspace->storage->data;
  nl_k->elementwise->binary[NL_BIN_SUB][c->dtype](n, d, nl_tensor_data(x), 1, nl_tensor_data(y), 1);
  if (none) {
    nl_k->elementwise->unary[NL_UN_SQUARE][c->dtype](n, d, d);
    return;
  }
  nl_k->reduce->reduce[NL_RED_SUMSQ][c->dtype](n, 1, 0, 1, d, nl_tensor_data(c->out[0]));
  if (c->attr[loss_reduction].i == MEAN) {
    nl_tensor_set_double(c->out[0], 0, nl_tensor_get_double(c->out[0], 0) / (double)n);
  }
}
static nl_status vjp_mse(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *d = nl_b2(b, op_sub(), c->in[0], c->in[1]);
  d = nl_b_scale(b, d, 2 * mean_scale(c, c->in[0]->numel));
  g->gin[0] = nl_b2(b, op_mul(), d, g->gout[0]);
  if (g->need[1]) {
    g->gin[1] = nl_b1(b, op_neg(), g->gin[0]);
  }
  return b->status;
}
static void run_bce(nl_call *c) {
  nl_tensor *x = c->rin[0], *y = c->rin[1];
  bool none = c->attr[loss_reduction].i == NONE;
  void *losses = none ? nl_tensor_data(c->out[0]) : c->workspace->storage->data;
  nl_k->softmax->bce_with_logits[c->dtype](x->numel, nl_tensor_data(x), nl_tensor_data(y), losses);
  if (!none) {
    reduce_loss(c, losses, x->numel);
  }
}
/* d/dx = sigmoid(x) - y, d/dy = -x */
static nl_status vjp_bce(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *up = nl_b_scale(b, g->gout[0], mean_scale(c, c->in[0]->numel));
  if (g->need[0]) {
    nl_tensor *d = nl_b2(b, op_sub(), nl_b1(b, op_sigmoid(), c->in[0]), c->in[1]);
    g->gin[0] = nl_b2(b, op_mul(), d, up);
  }
  if (g->need[1]) {
    nl_tensor *d = nl_b2(b, op_mul(), c->in[0], up);
    g->gin[1] = nl_b1(b, op_neg(), d);
  }
  return b->status;
}

#define REDUCTION "reduction: choice = mean|sum|none"

static const nl_op ops[] = {
    {.name = "softmax",
     .args = "x: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "exp(x) / sum(exp(x)) along a dim, without overflow.",
     .example = "nn.softmax(nn.tensor {-1.0, 0.0, 2.0})",
     .infer = infer_rows,
     .run = run_softmax,
     .vjp = vjp_softmax,
     .save = NL_SAVE_OUT(0)},
    {.name = "log_softmax",
     .args = "x: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "The logarithm of softmax, without overflow.",
     .example = "nn.log_softmax(nn.tensor {-1.0, 0.0, 2.0})",
     .infer = infer_rows,
     .run = run_log_softmax,
     .vjp = vjp_log_softmax,
     .save = NL_SAVE_OUT(0)},
    {.name = "softmax_backward",
     .args = "g: tensor, y: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "(g - sum(g y)) y.",
     .infer = infer_rows,
     .run = run_softmax_backward,
     .vjp = vjp_softmax_backward,
     .flags = NL_OP_INTERNAL,
     .save = NL_SAVE_ALL_IN},
    {.name = "log_softmax_backward",
     .args = "g: tensor, y: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "g - exp(y) sum(g).",
     .infer = infer_rows,
     .run = run_log_softmax_backward,
     .vjp = vjp_log_softmax_backward,
     .flags = NL_OP_INTERNAL,
     .save = NL_SAVE_ALL_IN},
    {.name = "cross_entropy",
     .args = "logits: tensor, target: tensor, " REDUCTION,
     .attrs = loss_attrs,
     .returns = "tensor",
     .doc = "-log softmax(logits)[target] over batch x classes; targets are int64 classes from 1.",
     .example = "nn.cross_entropy(nn.tensor {{2.0, 0.0, 0.0}}, nn.tensor {1})",
     .infer = infer_cross_entropy,
     .run = run_cross_entropy,
     .vjp = vjp_cross_entropy,
     .flags = NL_OP_CONTIGUOUS | NL_OP_CHECKS,
     .save = NL_SAVE_ALL_IN},
    {.name = "cross_entropy_backward",
     .args = "g: tensor, logits: tensor, target: tensor, " REDUCTION,
     .attrs = loss_attrs,
     .returns = "tensor",
     .doc = "(softmax(logits) - onehot(target)) g.",
     .infer = infer_cross_entropy_backward,
     .run = run_cross_entropy_backward,
     .vjp = vjp_cross_entropy_backward,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL | NL_OP_CHECKS,
     .save = NL_SAVE_ALL_IN},
    {.name = "mse_loss",
     .args = "input: tensor, target: tensor, " REDUCTION,
     .attrs = loss_attrs,
     .returns = "tensor",
     .doc = "The squared difference, averaged (or summed, or as it is).",
     .example = "nn.mse_loss(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 4.0})",
     .infer = infer_pair,
     .run = run_mse,
     .vjp = vjp_mse,
     .flags = NL_OP_CONTIGUOUS | NL_OP_PROMOTE,
     .save = NL_SAVE_ALL_IN},
    {.name = "bce_with_logits",
     .args = "logits: tensor, target: tensor, " REDUCTION,
     .attrs = loss_attrs,
     .returns = "tensor",
     .doc = "Binary cross-entropy on logits: max(x, 0) - x y + log(1 + exp(-|x|)), averaged.",
     .example = "nn.bce_with_logits(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})",
     .infer = infer_pair,
     .run = run_bce,
     .vjp = vjp_bce,
     .flags = NL_OP_CONTIGUOUS | NL_OP_PROMOTE,
     .save = NL_SAVE_ALL_IN},
};

NL_FAMILY(loss, ops);
