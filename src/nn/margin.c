/* Losses of margins and of similarity. Classes count from 1. Names, settings and defaults are PyTorch's. */
#include "nn/loss.h"

NL_FIELDS(margin, reduction, margin)

/* -1 and 1, from -1 and 1 or 0 and 1 */
static nl_tensor *signs_of(nl_build *b, nl_tensor *y) {
  return b_where(b, b_gt(b, y, nl_b_int(b, 0)), nl_b_number(b, 1), nl_b_number(b, -1));
}
static nl_tensor *hinge_values_of(nl_pass *p, nl_build *b, nl_tensor *x, nl_tensor *y) {
  return b_relu(b, b_minus_from(b, number_of(p, margin_margin), b_mul(b, signs_of(b, y), x)));
}

NL_LOSS(hinge) {
  return hinge_values_of(p, b, x, y);
}
NL_LOSS(squared_hinge) {
  return b_square(b, hinge_values_of(p, b, x, y));
}
NL_LOSS(soft_margin) {
  (void)p;
  return b_softplus(b, b_mul(b, b_neg(b, y), x));
}
NL_LOSS(hinge_embedding) {
  nl_tensor *apart = b_relu(b, b_minus_from(b, number_of(p, margin_margin), x));
  return b_where(b, b_gt(b, y, nl_b_int(b, 0)), x, apart);
}

NL_FORWARD(ranking) {
  nl_tensor *other = p->in[1], *y = p->in[2];
  if (!nl_loss_equal(p, x, other) || !nl_loss_signs(p, y, x)) {
    return NULL;
  }
  nl_tensor *wrong = b_mul(b, b_neg(b, y), b_sub(b, x, other));
  return nl_loss_reduced(p, b_relu(b, b_plus(b, wrong, number_of(p, margin_margin))));
}

/* ---- several classes ---- */

NL_FIELDS(multi, reduction, p, margin, weight)

static const char *refuse_multi(const nl_layer *l) {
  return l->value[multi_p].i != 1 && l->value[multi_p].i != 2 ? "p must be the integer 1 or 2" : NULL;
}

NL_FORWARD(multi_margin) {
  nl_tensor *target = p->in[1], *weight = tensor_of(p, multi_weight);
  int64_t classes = x->ndim ? x->shape[x->ndim - 1] : 1, dim = 2;
  if (!nl_loss_classes(p, target, classes)) {
    return NULL;
  }
  nl_tensor *rows = nl_b_reshape(b, x, 2, (int64_t[]){-1, classes});
  nl_tensor *t = nl_b_reshape(b, target, 2, (int64_t[]){-1, 1});
  nl_tensor *own = nl_loss_pick(p, rows, 2, t);
  nl_tensor *over = b_relu(b, b_plus(b, b_sub(b, rows, own), number_of(p, multi_margin)));
  over = int_of(p, multi_p) == 2 ? b_square(b, over) : over;
  nl_tensor *places = nl_b_do(b, op_arange(), "nnni", 1.0, (double)classes + 1, 1.0, (int64_t)NL_I64);
  nl_tensor *others = nl_b_cast(b, b_ne(b, b_unsqueeze(b, places, 1), t), nl_tensor_dtype(x));
  over = b_mul(b, over, others);
  if (weight) {
    nl_tensor *share = b_index_select(b, weight, 1, nl_b_reshape(b, t, 1, (int64_t[]){-1}));
    over = b_mul(b, over, b_unsqueeze(b, share, 2));
  }
  nl_tensor *loss = b_div(b, nl_b_sum(b, over, 1, &dim, false), nl_b_int(b, classes));
  return nl_loss_reduced(p, loss);
}

/* What stands behind the first 0 of a row of the target does not count. */
NL_FORWARD(multi_label) {
  nl_tensor *target = p->in[1];
  int64_t classes = x->ndim ? x->shape[x->ndim - 1] : 1, flat[2] = {-1, classes}, dim = 2;
  if (!nl_loss_equal(p, x, target) || !nl_loss_classes(p, target, classes)) {
    return NULL;
  }
  nl_dtype dtype = nl_tensor_dtype(x);
  nl_tensor *rows = nl_b_reshape(b, x, 2, flat), *t = nl_b_reshape(b, target, 2, flat), *zero = nl_b_int(b, 0);
  nl_tensor *places = nl_b_do(b, op_arange(), "nnni", 1.0, (double)classes + 1, 1.0, (int64_t)NL_I64);
  places = b_unsqueeze(b, places, 1);
  /* a label is on where no label up to it is 0 */
  nl_tensor *ended = nl_b_cast(b, b_le(b, t, zero), NL_I64);
  nl_tensor *on = nl_b_cast(b, b_eq(b, nl_b_do(b, op_cumsum(), "ti", ended, (int64_t)2), zero), dtype);
  nl_tensor *listed = NULL, *loss = NULL;
  for (int64_t k = 1; k <= classes && b->status == NL_OK; k++) {
    nl_tensor *here = nl_b_cast(b, b_eq(b, places, b_narrow(b, t, 2, k, 1)), dtype);
    here = b_mul(b, here, b_narrow(b, on, 2, k, 1));
    listed = listed ? b_add(b, listed, here) : here;
  }
  nl_tensor *other = b_minus_from(b, 1, listed);
  for (int64_t k = 1; k <= classes && b->status == NL_OK; k++) {
    nl_tensor *label = b_narrow(b, t, 2, k, 1);
    nl_tensor *some = b_where(b, b_gt(b, label, zero), label, nl_b_int(b, 1));
    nl_tensor *lead = b_sub(b, nl_loss_pick(p, rows, 2, some), rows);
    nl_tensor *over = b_mul(b, b_relu(b, b_minus_from(b, 1, lead)), other);
    nl_tensor *part = b_mul(b, nl_b_sum(b, over, 1, &dim, false), b_select(b, on, 2, k));
    loss = loss ? b_add(b, loss, part) : part;
  }
  loss = b_div(b, loss, nl_b_int(b, classes));
  return nl_loss_reduced(p, x->ndim < 2 ? nl_b_reshape(b, loss, 0, NULL) : loss);
}

NL_FIELDS(multi_soft, reduction, weight)
NL_FORWARD(multi_soft) {
  int64_t last = -1;
  nl_tensor *y = p->in[1], *weight = tensor_of(p, multi_soft_weight);
  if (!nl_loss_equal(p, x, y)) {
    return NULL;
  }
  nl_tensor *loss = nl_b_do(b, op_bce_with_logits(), "tti", x, y, (int64_t)2);
  loss = weight ? b_mul(b, loss, weight) : loss;
  return nl_loss_reduced(p, b_mean(b, loss, 1, &last, false));
}

/* ---- similarity ---- */

NL_FORWARD(cosine) {
  nl_tensor *other = p->in[1], *y = p->in[2];
  if (!nl_loss_equal(p, x, other)) {
    return NULL;
  }
  nl_tensor *angle = nl_b_do(b, op_cosine_similarity(), "ttin", x, other, (int64_t)-1, 1e-12);
  if (b->status != NL_OK || !nl_loss_signs(p, y, angle)) {
    return NULL;
  }
  nl_tensor *same = b_minus_from(b, 1, angle);
  nl_tensor *apart = b_relu(b, b_sub(b, angle, nl_b_number(b, number_of(p, margin_margin))));
  return nl_loss_reduced(p, b_where(b, b_gt(b, y, nl_b_int(b, 0)), same, apart));
}

NL_FIELDS(triplet, reduction, margin, p, eps, swap)

/* |x - y + eps| in the p-norm over the last dim */
static nl_tensor *distance_of(nl_pass *p, nl_tensor *x, nl_tensor *y) {
  nl_build *b = &p->build;
  int64_t last = -1;
  nl_tensor *d = b_plus(b, b_sub(b, x, y), number_of(p, triplet_eps));
  return nl_b_do(b, op_norm(), "tnl", d, number_of(p, triplet_p), 1, &last);
}

NL_FORWARD(triplet) {
  nl_tensor *positive = p->in[1], *negative = p->in[2];
  if (!nl_loss_equal(p, x, positive) || !nl_loss_equal(p, x, negative)) {
    return NULL;
  }
  nl_tensor *near = distance_of(p, x, positive), *far = distance_of(p, x, negative);
  if (flag_of(p, triplet_swap)) {
    far = b_minimum(b, far, distance_of(p, positive, negative));
  }
  return nl_loss_reduced(p, b_relu(b, b_plus(b, b_sub(b, near, far), number_of(p, triplet_margin))));
}

#define MARGIN(loss, width, takes, what, form, from, ex, function, kind)                                               \
  {                                                                                                                    \
    .name = loss, .settings = NL_REDUCTION ", margin: number = " width, .fields = margin_fields, .inputs = takes,      \
    .doc = what, .formula = form, .source = from, .example = "nn." loss "()" ex, .forward = function, .predicts = kind \
  }
#define SIGNS "(nn.tensor {0.5, -2.0}, nn.tensor {1.0, 1.0})"
#define PAIRS "(nn.tensor {{1.0, 0.0}}, nn.tensor {{1.0, 1.0}}, nn.tensor {1.0})"

static const nl_layer_entry entries[] = {
    MARGIN("HingeLoss", "1", "input, target", "The support vector machine's loss; targets are -1 and 1, or 0 and 1.",
           "max(0, margin - target input)", "Cortes & Vapnik 1995", SIGNS, forward_hinge, NL_PREDICTS_LOGITS),
    MARGIN("SquaredHingeLoss", "1", "input, target", "The square of the hinge loss.", "max(0, margin - target input)^2",
           "Cortes & Vapnik 1995", SIGNS, forward_squared_hinge, NL_PREDICTS_LOGITS),
    {.name = "SoftMarginLoss",
     .function = "soft_margin_loss",
     .settings = NL_REDUCTION,
     .inputs = "input, target",
     .doc = "A smooth hinge; targets are -1 and 1.",
     .formula = "log(1 + exp(-target input))",
     .example = "nn.SoftMarginLoss()" SIGNS,
     .forward = forward_soft_margin,
     .predicts = NL_PREDICTS_LOGITS},
    MARGIN("HingeEmbeddingLoss", "1", "input, target",
           "For distances: small where the target is 1, large where it is -1.",
           "input where target = 1, max(0, margin - input) where it is -1", "Hadsell, Chopra & LeCun 2006", SIGNS,
           forward_hinge_embedding, NL_PREDICTS_NOTHING),
    MARGIN("MarginRankingLoss", "0", "input, other, target",
           "Which of two should be larger: the first where the target is 1, the second where it is -1.",
           "max(0, -target (input - other) + margin)", "Herbrich, Graepel & Obermayer 2000",
           "(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {1.0})", forward_ranking, NL_PREDICTS_NOTHING),
    {.name = "MultiMarginLoss",
     .function = "multi_margin_loss",
     .settings = NL_REDUCTION ", p: int = 1, margin: number = 1, weight: tensor?",
     .fields = multi_fields,
     .inputs = "input, target",
     .doc = "The hinge loss of several classes; targets are int64 classes from 1.",
     .formula = "mean over classes i other than y of max(0, margin - x_y + x_i)^p",
     .source = "Crammer & Singer 2001",
     .example = "nn.MultiMarginLoss()(nn.tensor {{2.0, 1.5}}, nn.tensor {1})",
     .refuse = refuse_multi,
     .forward = forward_multi_margin,
     .predicts = NL_PREDICTS_SCORES},
    {.name = "MultiLabelMarginLoss",
     .function = "multilabel_margin_loss",
     .settings = NL_REDUCTION,
     .inputs = "input, target",
     .doc = "Several classes a sample: each row of the target lists its classes, then 0.",
     .formula = "mean over pairs of (a listed class, another) of max(0, 1 - (x_listed - x_other))",
     .example = "nn.MultiLabelMarginLoss()(nn.tensor {{0.1, 0.8, 0.3}}, nn.tensor {{2, 0, 0}})",
     .forward = forward_multi_label},
    {.name = "MultiLabelSoftMarginLoss",
     .function = "multilabel_soft_margin_loss",
     .settings = NL_REDUCTION ", weight: tensor?",
     .fields = multi_soft_fields,
     .inputs = "input, target",
     .doc = "The mean over classes of the binary cross-entropy of each logit.",
     .example = "nn.MultiLabelSoftMarginLoss()(nn.tensor {{1.0, -1.0}}, nn.tensor {{1.0, 0.0}})",
     .forward = forward_multi_soft,
     .predicts = NL_PREDICTS_LOGITS},
    MARGIN("CosineEmbeddingLoss", "0", "input, other, target",
           "The angle between vectors: small where the target is 1, not too small where it is -1.",
           "1 - cos where target = 1, max(0, cos - margin) where it is -1", NULL, PAIRS, forward_cosine,
           NL_PREDICTS_NOTHING),
    {.name = "TripletMarginLoss",
     .function = "triplet_margin_loss",
     .settings =
         NL_REDUCTION ", margin: number = 1, p: number = 2 in 0<.., eps: number = 1e-6 in 0.., swap: bool = false",
     .fields = triplet_fields,
     .inputs = "anchor, positive, negative",
     .doc = "The anchor should be nearer to the positive than to the negative. swap: the negative's distance is the "
            "smaller one of those to anchor and positive.",
     .formula = "max(0, d(a, p) - d(a, n) + margin)",
     .source = "Schroff et al. 2015",
     .example = "nn.TripletMarginLoss()(nn.tensor {{0.0, 0.0}}, nn.tensor {{0.0, 1.0}}, nn.tensor {{3.0, 0.0}})",
     .forward = forward_triplet},
};

NL_LAYERS(margin, entries);
