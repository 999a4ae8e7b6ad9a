/* Losses of classification, and divergences. Classes count from 1. Names, settings and defaults are PyTorch's. */
#include <math.h>
#include <stdio.h>

#include "nn/loss.h"

/* ---- labels ---- */

NL_FIELDS(nll, reduction, weight, ignore_index, label_smoothing)

/* The dim of the classes, from 1: logits are classes, batch x classes or batch x classes x ... */
static int64_t class_dim(const nl_tensor *x) {
  return x->ndim > 1 ? 2 : 1;
}

static int64_t classes_in(const nl_tensor *x) {
  return x->ndim == 0 ? 1 : x->shape[x->ndim > 1 ? 1 : 0];
}

/* Whether a label counts; *labels becomes one that can be looked up in any case. */
static nl_tensor *counted_labels(nl_pass *p, nl_tensor **labels) {
  nl_build *b = &p->build;
  nl_tensor *counts = b_ne(b, *labels, nl_b_int(b, int_of(p, nll_ignore_index)));
  *labels = b_where(b, counts, *labels, nl_b_int(b, 1));
  return counts;
}

/* A factor for each class, at the labels. */
static nl_tensor *at_labels(nl_build *b, nl_tensor *weight, nl_tensor *t) {
  nl_tensor *flat = b_index_select(b, weight, 1, nl_b_reshape(b, t, 1, (int64_t[]){-1}));
  return b->status == NL_OK ? nl_b_reshape(b, flat, t->ndim, t->shape) : NULL;
}

/* -sum of (1 - smoothing) w[t] logp[t] + smoothing / C sum_c w_c logp_c, as PyTorch reduces it. */
static nl_tensor *negative_likelihood(nl_pass *p, nl_tensor *logp, nl_tensor *target, double smoothing) {
  nl_build *b = &p->build;
  nl_tensor *weight = tensor_of(p, nll_weight);
  int64_t classes = classes_in(logp), dim = class_dim(logp), wanted[NL_MAX_DIM];
  int ndim = 0;
  for (int d = 0; d < logp->ndim; d++) {
    if (d + 1 != dim) {
      wanted[ndim++] = logp->shape[d];
    }
  }
  bool fits = logp->ndim > 0 && target->ndim == ndim;
  for (int d = 0; fits && d < ndim; d++) {
    fits = target->shape[d] == wanted[d];
  }
  if (!fits) {
    return nl_pass_fail(p, "the input has shape %s, but the target %s", nl_tensor_shape_string(logp).s,
                        nl_tensor_shape_string(target).s);
  }
  if (weight && weight->numel != classes) {
    return nl_pass_fail(p, "weight must have one element for each of the %lld classes, but has %lld",
                        (long long)classes, (long long)weight->numel);
  }
  nl_tensor *t = target, *counts = counted_labels(p, &t);
  nl_tensor *loss = b_squeeze(b, b_neg(b, nl_loss_pick(p, logp, dim, b_unsqueeze(b, t, dim))), dim), *share = NULL;
  if (weight) {
    share = at_labels(b, weight, t);
    loss = b_mul(b, loss, share);
  }
  nl_tensor *smooth = NULL;
  if (smoothing > 0) {
    nl_tensor *along = weight && logp->ndim > 1 ? nl_along_channels(b, weight, logp) : weight;
    smooth = b_neg(b, nl_b_sum(b, along ? b_mul(b, logp, along) : logp, 1, &dim, false));
  }
  /* what does not count is no factor of 0: 0 times inf is nan */
  loss = b_where(b, counts, loss, nl_b_number(b, 0));
  smooth = smooth ? b_where(b, counts, smooth, nl_b_number(b, 0)) : NULL;
  nl_tensor *on = nl_b_cast(b, counts, b->status == NL_OK ? nl_tensor_dtype(logp) : NL_F32);
  share = share ? b_mul(b, share, on) : on;
  if (smooth) {
    loss = b_times(b, loss, 1 - smoothing);
    loss = b_add(b, loss, b_times(b, smooth, smoothing / (double)classes));
  }
  if (int_of(p, loss_reduction) == 0) {
    /* where no target counts the mean is nan, but no weight is to learn that: it has no gradient */
    nl_tensor *total = b_total(b, loss), *counted = b_total(b, share), *none = b_eq(b, counted, nl_b_int(b, 0));
    total = b_div(b, total, b_where(b, none, nl_b_number(b, 1), counted));
    return b_where(b, none, nl_b_number(b, NAN), total);
  }
  return nl_loss_reduced(p, loss);
}

/* Against probabilities of the logits' shape. */
static nl_tensor *soft_cross_entropy(nl_pass *p, nl_tensor *logits, nl_tensor *target) {
  nl_build *b = &p->build;
  int64_t dim = class_dim(logits);
  double smoothing = number_of(p, nll_label_smoothing);
  nl_tensor *logp = nl_b_do(b, op_log_softmax(), "ti", logits, dim), *weight = tensor_of(p, nll_weight);
  if (weight) {
    weight = logits->ndim > 1 ? nl_along_channels(b, weight, logits) : weight;
    logp = b_mul(b, logp, weight);
  }
  if (smoothing > 0) {
    target = b_plus(b, b_times(b, target, 1 - smoothing), smoothing / (double)classes_in(logits));
  }
  return nl_loss_reduced(p, b_neg(b, nl_b_sum(b, b_mul(b, logp, target), 1, &dim, false)));
}

NL_FORWARD(cross_entropy_loss) {
  nl_tensor *target = p->in[1];
  double smoothing = number_of(p, nll_label_smoothing);
  if (nl_dtype_is_float(nl_tensor_dtype(target)) && nl_shape_equal(target, x) && x->ndim > 0) {
    return soft_cross_entropy(p, x, target);
  }
  if (!is_set(p, nll_weight) && smoothing == 0) {
    return nl_b_do(b, op_cross_entropy(), "ttii", x, target, int_of(p, loss_reduction), int_of(p, nll_ignore_index));
  }
  if (!nl_loss_classes(p, target, classes_in(x))) {
    return NULL;
  }
  nl_tensor *logp = nl_b_do(b, op_log_softmax(), "ti", x, class_dim(x));
  return b->status == NL_OK ? negative_likelihood(p, logp, target, smoothing) : NULL;
}

NL_FORWARD(nll) {
  (void)b;
  return nl_loss_classes(p, p->in[1], classes_in(x)) ? negative_likelihood(p, x, p->in[1], 0) : NULL;
}

/* The weights of the targets that count. */
static double weight_of_targets(nl_pass *p, nl_tensor *target) {
  nl_build *b = &p->build;
  if (nl_tensor_dtype(target) != NL_I64) {
    return -1;
  }
  nl_tensor *weight = tensor_of(p, nll_weight), *t = target, *counts = counted_labels(p, &t);
  if (weight) {
    nl_tensor *share = at_labels(b, nl_b_detach(b, weight), t);
    counts = b_mul(b, share, nl_b_cast(b, counts, nl_tensor_dtype(weight)));
  }
  nl_tensor *total = nl_b_cast(b, b_total(b, counts), NL_F64);
  return b->status == NL_OK ? *(double *)nl_tensor_data(total) : -1;
}

/* ---- two classes ---- */

NL_FIELDS(bce, reduction, pos_weight, weight)
NL_FORWARD(bce_logits) {
  nl_tensor *y = p->in[1], *positive = tensor_of(p, bce_pos_weight), *weight = tensor_of(p, bce_weight);
  if (!positive && !weight) {
    return nl_b_do(b, op_bce_with_logits(), "tti", x, y, int_of(p, loss_reduction));
  }
  if (!nl_loss_equal(p, x, y)) {
    return NULL;
  }
  nl_tensor *one = nl_b_int(b, 1), *factor = NULL;
  if (positive) {
    factor = b_add(b, b_mul(b, y, b_sub(b, positive, one)), one);
  }
  nl_tensor *low = b_softplus(b, b_neg(b, x));
  nl_tensor *loss = b_mul(b, b_sub(b, one, y), x);
  loss = b_add(b, loss, factor ? b_mul(b, low, factor) : low);
  return nl_loss_reduced(p, weight ? b_mul(b, loss, weight) : loss);
}

NL_FIELDS(probabilities, reduction, weight)

/* log x, or -100 where it is less. Its slope is 1 / x, or 1e12 where x is below 1e-12: of 0 and 1 it is finite, too. */
static nl_tensor *limited_log(nl_build *b, nl_tensor *x) {
  nl_tensor *least = nl_b_do(b, op_clamp(), "tt", x, nl_b_number(b, 1e-12));
  nl_tensor *slope = b_log(b, b_add(b, x, nl_b_detach(b, b_sub(b, least, x))));
  nl_tensor *value = nl_b_do(b, op_clamp(), "tt", b_log(b, x), nl_b_int(b, -100));
  return b_add(b, slope, nl_b_detach(b, b_sub(b, value, slope)));
}

NL_LOSS(bce_of_probabilities) {
  nl_tensor *one = nl_b_int(b, 1), *weight = tensor_of(p, probabilities_weight);
  nl_tensor *is = b_mul(b, y, limited_log(b, x));
  nl_tensor *is_not = b_mul(b, b_sub(b, one, y), limited_log(b, b_sub(b, one, x)));
  nl_tensor *loss = b_neg(b, b_add(b, is, is_not));
  return weight ? b_mul(b, loss, weight) : loss;
}

/* Numbers outside of 0..1 are an error; in a compiled function, which does not look at values, the loss is nan then. */
static void forward_bce(nl_pass *p) {
  nl_loss_within(p, p->in[0], "must be probabilities in 0..1", 0, 1,
                 "end the model with nn.Sigmoid(), or use nn.BCEWithLogitsLoss, which takes logits");
  if (p->build.status == NL_OK) {
    forward_bce_of_probabilities(p);
  }
}

NL_FIELDS(focal, reduction, gamma, alpha)
NL_LOSS(focal) {
  double alpha = number_of(p, focal_alpha);
  nl_tensor *one = nl_b_int(b, 1), *each = nl_b_do(b, op_bce_with_logits(), "tti", x, y, (int64_t)2);
  nl_tensor *hit = b_sigmoid(b, x), *other = b_sub(b, one, y);
  nl_tensor *is = b_mul(b, hit, y), *is_not = b_mul(b, b_sub(b, one, hit), other);
  nl_tensor *miss = b_sub(b, one, b_add(b, is, is_not));
  nl_tensor *loss = b_mul(b, each, b_pow(b, miss, nl_b_number(b, number_of(p, focal_gamma))));
  if (alpha >= 0) {
    loss = b_mul(b, loss, b_add(b, b_times(b, y, alpha), b_times(b, other, 1 - alpha)));
  }
  return loss;
}

NL_FIELDS(kl, reduction, log_target)
enum { KL_MEAN, KL_BATCHMEAN };

NL_FORWARD(kl) {
  nl_tensor *y = p->in[1], *loss;
  if (!nl_loss_equal(p, x, y)) {
    return NULL;
  }
  if (flag_of(p, kl_log_target)) {
    nl_tensor *probability = b_exp(b, y);
    loss = b_mul(b, probability, b_sub(b, y, x));
  } else {
    nl_tensor *positive = b_gt(b, y, nl_b_int(b, 0));
    nl_tensor *logarithm = b_log(b, b_where(b, positive, y, nl_b_int(b, 1)));
    loss = b_where(b, positive, b_mul(b, y, b_sub(b, logarithm, x)), nl_b_int(b, 0));
  }
  if (int_of(p, loss_reduction) == KL_BATCHMEAN) {
    int64_t n = x->ndim ? x->shape[0] : 1;
    return b_div(b, b_total(b, loss), nl_b_int(b, n));
  }
  return nl_loss_reduced(p, loss);
}

/* ---- the table ---- */

static const nl_layer_entry entries[] = {
    {.name = "CrossEntropyLoss",
     .function = "cross_entropy",
     .settings = NL_REDUCTION ", weight: tensor?, ignore_index: int = -100, label_smoothing: number = 0 in 0..1",
     .fields = nll_fields,
     .inputs = "input, target",
     .doc =
         "The cross-entropy of softmax(logits) against classes (int64, from 1) or against probabilities of the logits' "
         "shape. Input: batch x classes, or batch x classes x ... with targets batch x .... weight: a factor for each "
         "class; label_smoothing: this share of each target is spread over all classes (Szegedy et al. 2016); "
         "ignore_index: targets with this value do not count; those of a padded sequence, say.",
     .formula = "-log softmax(input)[target]",
     .source = "Bridle 1990",
     .example = "nn.CrossEntropyLoss()(nn.tensor {{2.0, 0.0, 0.0}}, nn.tensor {1})",
     .forward = forward_cross_entropy_loss,
     .predicts = NL_PREDICTS_SCORES,
     .mean_over = weight_of_targets},
    {.name = "NLLLoss",
     .function = "nll_loss",
     .settings = NL_REDUCTION ", weight: tensor?, ignore_index: int = -100",
     .fields = "reduction, weight, ignore_index",
     .inputs = "input, target",
     .doc = "The negative log-likelihood: as CrossEntropyLoss, but the input is log-probabilities.",
     .formula = "-input[target]",
     .example = "nn.NLLLoss()(nn.tensor {{-0.1, -2.5}}, nn.tensor {1})",
     .forward = forward_nll,
     .predicts = NL_PREDICTS_SCORES,
     .mean_over = weight_of_targets},
    {.name = "BCEWithLogitsLoss",
     .function = "bce_with_logits",
     .settings = NL_REDUCTION ", pos_weight: tensor?, weight: tensor?",
     .fields = bce_fields,
     .inputs = "input, target",
     .doc = "The binary cross-entropy of sigmoid(logits) against targets in 0..1, stable. pos_weight: a factor for the "
            "targets' side of 1; weight: one for each element.",
     .formula = "-(target log p + (1 - target) log(1 - p)), p = sigmoid(input)",
     .example = "nn.BCEWithLogitsLoss()(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})",
     .forward = forward_bce_logits,
     .predicts = NL_PREDICTS_LOGITS},
    {.name = "BCELoss",
     .function = "binary_cross_entropy",
     .settings = NL_REDUCTION ", weight: tensor?",
     .fields = probabilities_fields,
     .inputs = "input, target",
     .doc =
         "The binary cross-entropy of probabilities; logarithms end at -100. Numbers outside of 0..1 are an error (in "
         "a compiled function the loss is nan then).",
     .formula = "-(target log input + (1 - target) log(1 - input))",
     .example = "nn.BCELoss()(nn.tensor {0.5, 0.9}, nn.tensor {1.0, 1.0})",
     .forward = forward_bce,
     .predicts = NL_PREDICTS_PROBABILITIES},
    {.name = "FocalLoss",
     .function = "focal_loss",
     .settings = NL_REDUCTION ", gamma: number = 2 in 0.., alpha: number = 0.25 in -1..1",
     .fields = focal_fields,
     .inputs = "input, target",
     .doc = "The binary cross-entropy of logits, where samples that are easy count less. alpha: the weight of the "
            "targets that are 1; negative: none.",
     .formula = "alpha (1 - p_t)^gamma times the cross-entropy",
     .source = "Lin et al. 2017",
     .example = "nn.FocalLoss()(nn.tensor {0.0, 3.0}, nn.tensor {1.0, 1.0})",
     .forward = forward_focal,
     .predicts = NL_PREDICTS_LOGITS},
    {.name = "KLDivLoss",
     .function = "kl_div",
     .settings = "| reduction: choice = mean|batchmean|sum|none, log_target: bool = false",
     .fields = kl_fields,
     .inputs = "input, target",
     .doc = "The Kullback-Leibler divergence; the input is log-probabilities, the target probabilities, or with "
            "log_target their logarithms. reduction \"batchmean\" is the divergence itself.",
     .formula = "target (log target - input)",
     .source = "Kullback & Leibler 1951",
     .example = "nn.KLDivLoss {reduction = \"batchmean\"}(nn.tensor {{-1.0, -0.5}}, nn.tensor {{0.5, 0.5}})",
     .forward = forward_kl},
};

NL_LAYERS(classification, entries);
