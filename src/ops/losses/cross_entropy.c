/* The cross-entropy of softmax(logits) against classes, in one op. */
#include <math.h>

#include "core/pool.h"
#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/rules.h"

NL_ATTRS(cross_entropy, reduction, ignore_index)

enum { MEAN, SUM, NONE };

/* The dim of the classes; logits are classes, batch x classes or batch x classes x ... */
static int dim_of_classes(const nl_tensor *x) {
  return x->ndim > 1 ? 1 : 0;
}

static int64_t ignored(const nl_call *c) {
  return c->attr[cross_entropy_ignore_index].i;
}

static nl_status fail_label(const nl_call *c, const nl_tensor *target, int64_t i, int64_t label, int64_t classes) {
  return nl_fail("target %lld of %lld is %lld, but classes count from 1 to %lld%s", (long long)(i + 1),
                 (long long)target->numel, (long long)label, (long long)classes,
                 label == 0 ? "; if your labels start at 0, add 1: y + 1"
                 : label < 0
                     ? (ignored(c) == -100 ? "; targets that are not to count are -100, or what ignore_index says"
                                           : "; targets that are not to count are what ignore_index says")
                     : "");
}

static nl_status check_targets(nl_call *c, nl_tensor *x, nl_tensor *target) {
  nl_status status = nl_rule_want_float(x, "the logits");
  if (status != NL_OK) {
    return status;
  }
  if (x->ndim < 1) {
    return nl_fail("logits must have shape batch x classes (or classes, or batch x classes x ...), but are one number");
  }
  int dim = dim_of_classes(x);
  int64_t classes = x->shape[dim];
  if (target->dtype != NL_I64) {
    return nl_fail("targets are %s (shape %s) but must be int64 class labels from 1 to %lld; convert them with "
                   "y:to(\"int64\")",
                   nl_dtype_name(nl_tensor_dtype(target)), nl_tensor_shape_string(target).s, (long long)classes);
  }
  bool fits = target->ndim == x->ndim - 1;
  int64_t wanted[NL_MAX_DIM];
  for (int d = 0; d < x->ndim - 1; d++) {
    wanted[d] = x->shape[d < dim ? d : d + 1];
    fits = fits && target->shape[d] == wanted[d];
  }
  if (!fits && x->ndim <= 2) {
    int64_t rows = x->ndim == 2 ? x->shape[0] : 1;
    return nl_fail("logits of shape %s want %lld target%s, but the targets have shape %s", nl_tensor_shape_string(x).s,
                   (long long)rows, rows == 1 ? "" : "s", nl_tensor_shape_string(target).s);
  }
  if (!fits) {
    return nl_fail("logits of shape %s have %lld classes in dim 2 and want targets of shape %s, but these have shape "
                   "%s%s",
                   nl_tensor_shape_string(x).s, (long long)classes, nl_shape_string(x->ndim - 1, wanted).s,
                   nl_tensor_shape_string(target).s,
                   target->ndim == x->ndim - 1 && target->numel > 0 && x->numel % target->numel == 0
                       ? "; if the classes stand last, move them, e.g. x:movedim(-1, 2)"
                       : "");
  }
  for (int64_t i = 0; i < target->numel; i++) {
    int64_t label = target->contiguous ? ((const int64_t *)nl_tensor_data(target))[i] : nl_tensor_get_int(target, i);
    if ((label < 1 || label > classes) && label != ignored(c)) {
      return fail_label(c, target, i, label, classes);
    }
  }
  c->dtype = nl_tensor_dtype(x);
  return NL_OK;
}

static nl_status infer_cross_entropy(nl_call *c) {
  nl_tensor *x = c->in[0], *target = c->in[1];
  nl_status status = check_targets(c, x, target);
  if (status != NL_OK) {
    return status;
  }
  c->workspace_bytes = (size_t)(target->numel + 1) * nl_dtype_size(c->dtype);
  if (c->attr[cross_entropy_reduction].i == NONE) {
    nl_rule_like(c, 0, target, c->dtype);
  } else {
    nl_rule_shape(c, 0, 0, NULL, c->dtype);
  }
  return NL_OK;
}

/* ---- running ---- */

enum { PIECE = 512 }; /* columns */

typedef struct entropy_job {
  nl_dtype dtype;
  nl_around a;
  int64_t pieces, ignore;
  const char *x, *g;
  const int64_t *target;
  char *out; /* losses, or the gradient */
  int gstep;
  double scale;
} entropy_job;

static void entropy_range(void *ctx, int64_t begin, int64_t end) {
  const entropy_job *j = ctx;
  size_t size = nl_dtype_size(j->dtype);
  int64_t n = j->a.red, inner = j->a.inner;
  if (inner == 1) {
    size_t at = (size_t)(begin * n) * size;
    const int64_t *target = j->target + begin;
    if (j->g) {
      nl_k->softmax->cross_entropy_backward[j->dtype](end - begin, n, j->x + at, target, j->ignore,
                                                      j->g + (j->gstep ? (size_t)begin * size : 0), j->gstep, j->scale,
                                                      j->out + at);
    } else {
      nl_k->softmax->cross_entropy[j->dtype](end - begin, n, j->x + at, target, j->ignore,
                                             j->out + (size_t)begin * size);
    }
    return;
  }
  for (int64_t i = begin; i < end; i++) {
    int64_t image = i / j->pieces, from = i % j->pieces * PIECE, to = from + PIECE < inner ? from + PIECE : inner;
    size_t at = (size_t)(image * n * inner) * size, row = (size_t)(image * inner) * size;
    const int64_t *target = j->target + image * inner;
    if (j->g) {
      nl_k->softmax_columns->cross_entropy_backward[j->dtype](n, inner, from, to, j->x + at, target, j->ignore,
                                                              j->g + (j->gstep ? row : 0), j->gstep, j->scale,
                                                              j->out + at);
    } else {
      nl_k->softmax_columns->cross_entropy[j->dtype](n, inner, from, to, j->x + at, target, j->ignore, j->out + row);
    }
  }
}

static void run_entropy(const nl_tensor *x, entropy_job *j) {
  j->a = nl_rule_around(x, dim_of_classes(x));
  j->pieces = (j->a.inner + PIECE - 1) / PIECE;
  int64_t each = j->a.red * (j->a.inner < PIECE ? j->a.inner : PIECE);
  if (j->a.outer * j->a.inner > 0) {
    nl_parallel_for(j->a.outer * j->pieces, 1 + 8192 / (each ? each : 1), entropy_range, j);
  }
}

/* How many targets count. */
static int64_t count_of(const nl_call *c, const nl_tensor *target) {
  const int64_t *label = nl_tensor_data(target);
  int64_t ignore = ignored(c), n = 0;
  for (int64_t i = 0; i < target->numel; i++) {
    n += label[i] != ignore;
  }
  return n;
}

static void run_cross_entropy(nl_call *c) {
  nl_tensor *target = c->rin[1];
  int reduction = (int)c->attr[cross_entropy_reduction].i;
  void *losses = reduction == NONE ? nl_tensor_data(c->out[0]) : c->workspace->storage->data;
  entropy_job j = {.dtype = c->dtype,
                   .ignore = ignored(c),
                   .x = nl_tensor_data(c->rin[0]),
                   .target = nl_tensor_data(target),
                   .out = losses};
  run_entropy(c->rin[0], &j);
  if (reduction == NONE) {
    return;
  }
  void *out = nl_tensor_data(c->out[0]);
  nl_k->reduce->reduce[NL_RED_SUM][c->dtype](target->numel, 1, 0, 1, losses, out);
  if (reduction == MEAN) {
    int64_t n = count_of(c, target);
    if (c->dtype == NL_F32) {
      *(float *)out /= (float)n;
    } else {
      *(double *)out /= (double)n;
    }
  }
}

static nl_tensor *cross_entropy_backward(nl_build *b, const nl_call *c, nl_tensor *g, nl_tensor *x, nl_tensor *target) {
  return nl_b_do(b, op_cross_entropy_backward(), "tttii", g, x, target, c->attr[cross_entropy_reduction].i, ignored(c));
}
static nl_status vjp_cross_entropy(nl_call *c, nl_vjp *g) {
  g->gin[0] = cross_entropy_backward(g->build, c, g->gout[0], c->in[0], c->in[1]);
  return g->build->status;
}

/* cross_entropy_backward(g, x, target, ...) = (softmax(x) - onehot(target)) * g, / targets that count for mean */
static nl_status infer_entropy_backward(nl_call *c) {
  nl_tensor *g = c->in[0], *x = c->in[1], *target = c->in[2];
  nl_status status = check_targets(c, x, target);
  if (status == NL_OK &&
      (g->dtype != x->dtype || g->numel != (c->attr[cross_entropy_reduction].i == NONE ? target->numel : 1))) {
    status = nl_fail("the gradient (%s, shape %s) does not go with the loss", nl_dtype_name(nl_tensor_dtype(g)),
                     nl_tensor_shape_string(g).s);
  }
  if (status == NL_OK) {
    nl_rule_like(c, 0, x, c->dtype);
  }
  return status;
}
static void run_entropy_backward(nl_call *c) {
  int reduction = (int)c->attr[cross_entropy_reduction].i;
  int64_t n = reduction == MEAN ? count_of(c, c->rin[2]) : 1;
  entropy_job j = {.dtype = c->dtype,
                   .ignore = ignored(c),
                   .x = nl_tensor_data(c->rin[1]),
                   .g = nl_tensor_data(c->rin[0]),
                   .target = nl_tensor_data(c->rin[2]),
                   .out = nl_tensor_data(c->out[0]),
                   .gstep = reduction == NONE,
                   .scale = n > 0 ? 1.0 / (double)n : 0};
  run_entropy(c->rin[1], &j);
}

/* For an incoming h: d/dg = sum(h (softmax - onehot)) = sum(h * backward(1)); d/dx = softmax_backward(h * g, p), where
   the target counts. */
static nl_status vjp_entropy_backward(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *g = c->in[0], *x = c->in[1], *target = c->in[2], *h = v->gout[0];
  int64_t dim = dim_of_classes(x) + 1;
  bool none = c->attr[cross_entropy_reduction].i == NONE;
  if (v->need[0]) {
    nl_tensor *one = b_ones_like(b, g, nl_tensor_dtype(g));
    nl_tensor *slope = cross_entropy_backward(b, c, one, x, target);
    v->gin[0] = nl_b_sum(b, nl_b2(b, op_mul(), h, slope), none ? 1 : 0, none ? &dim : NULL, false);
  }
  if (v->need[1]) {
    nl_tensor *counts = nl_b_cast(b, b_ne(b, target, nl_b_int(b, ignored(c))), nl_tensor_dtype(x));
    nl_tensor *each = nl_b2(b, op_mul(), counts, g);
    if (c->attr[cross_entropy_reduction].i == MEAN && b->status == NL_OK) {
      nl_tensor *n = nl_b_sum(b, counts, 0, NULL, false);
      each = b_div(b, each, b_maximum(b, n, nl_b_number(b, 1)));
    }
    nl_tensor *hg = nl_b2(b, op_mul(), h, b_unsqueeze(b, each, dim));
    nl_tensor *p = nl_b_do(b, op_softmax(), "ti", x, dim);
    v->gin[1] = nl_b_do(b, op_softmax_backward(), "tti", hg, p, dim);
  }
  return b->status;
}

#define SETTINGS "reduction: choice = mean|sum|none, ignore_index: int = -100"

static const nl_op ops[] = {
    {.name = "cross_entropy",
     .args = "logits: tensor, target: tensor, " SETTINGS,
     .attrs = cross_entropy_attrs,
     .returns = "tensor",
     .doc = "-log softmax(logits)[target] over batch x classes, or batch x classes x ... with targets batch x ...; "
            "targets are int64 classes from 1, or ignore_index where nothing is to count.",
     .example = "nn.cross_entropy(nn.tensor {{2.0, 0.0, 0.0}}, nn.tensor {1})",
     .infer = infer_cross_entropy,
     .run = run_cross_entropy,
     .vjp = vjp_cross_entropy,
     .flags = NL_OP_CONTIGUOUS | NL_OP_CHECKS,
     .save = NL_SAVE_ALL_IN},
    {.name = "cross_entropy_backward",
     .args = "g: tensor, logits: tensor, target: tensor, " SETTINGS,
     .attrs = cross_entropy_attrs,
     .returns = "tensor",
     .doc = "(softmax(logits) - onehot(target)) g.",
     .infer = infer_entropy_backward,
     .run = run_entropy_backward,
     .vjp = vjp_entropy_backward,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL | NL_OP_CHECKS,
     .save = NL_SAVE_ALL_IN},
};

NL_FAMILY(cross_entropy, ops);
