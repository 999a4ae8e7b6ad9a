/* Losses between two tensors of one shape. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/promote.h"
#include "optable/rules.h"

NL_ATTRS(loss, reduction)

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

static double mean_scale(const nl_call *c, int64_t n) {
  return c->attr[loss_reduction].i == MEAN ? 1.0 / (double)n : 1.0;
}

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
