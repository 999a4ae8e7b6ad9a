/* Connectionist temporal classification (Graves et al. 2006): the likelihood of a sequence of labels, summed over all
   ways to place it in a longer sequence of outputs, by the forward recursion of section 4.1 in logarithms. */
#include "nn/loss.h"

NL_FIELDS(ctc, reduction, blank, zero_infinity)
enum { IS_INPUT_LENGTHS = 1, IS_TARGET_LENGTHS, IS_SUM, IS_TARGET }; /* of op within */
enum { LOG_PROBS, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS };

static const double nothing = -1e30; /* the logarithm of 0, of which sums and differences are no nan */

static bool want_lengths(nl_pass *p, const nl_tensor *t, const char *name, int64_t n) {
  if (nl_tensor_dtype(t) != NL_I64 || t->ndim != 1 || t->shape[0] != n) {
    nl_pass_fail(p, "%s must be int64 of shape %lld, one for each sequence, but is %s of shape %s", name, (long long)n,
                 nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
    return false;
  }
  return true;
}

/* Blanks around all labels: n x (2 labels + 1). */
static nl_tensor *with_blanks(nl_build *b, nl_tensor *targets, int64_t n, int64_t labels, int64_t blank) {
  nl_tensor *blanks = nl_b_do(b, op_full(), "tli", nl_b_int(b, blank), 3, (int64_t[]){n, labels, 1}, (int64_t)NL_I64);
  nl_tensor *pairs = b_cat(b, blanks, b_unsqueeze(b, targets, 3), 3);
  pairs = nl_b_reshape(b, pairs, 2, (int64_t[]){n, 2 * labels});
  return b_cat(b, pairs, nl_b_do(b, op_full(), "tli", nl_b_int(b, blank), 2, (int64_t[]){n, 1}, (int64_t)NL_I64), 2);
}

/* Columns moved to the right by k; `empty` comes in. */
static nl_tensor *moved(nl_build *b, nl_tensor *t, int64_t k, double empty) {
  int64_t n = t ? t->shape[0] : 0, columns = t ? t->shape[1] : 0;
  if (columns <= k) {
    return t ? nl_b_do(b, op_full(), "tli", nl_b_number(b, empty), 2, t->shape, (int64_t)nl_tensor_dtype(t)) : NULL;
  }
  nl_tensor *in =
      nl_b_do(b, op_full(), "tli", nl_b_number(b, empty), 2, (int64_t[]){n, k}, (int64_t)nl_tensor_dtype(t));
  return b_cat(b, in, b_narrow(b, t, 2, 1, columns - k), 2);
}

/* Column `at` (n places, from 1; 0 stands for none) of each row. */
static nl_tensor *at_column(nl_build *b, nl_tensor *t, nl_tensor *at) {
  nl_tensor *place = b_unsqueeze(b, b_maximum(b, at, nl_b_int(b, 1)), 2);
  nl_tensor *value = b_squeeze(b, b_gather(b, t, 2, place), 2);
  return b_where(b, b_lt(b, at, nl_b_int(b, 1)), nl_b_number(b, nothing), value);
}

/* Targets that stand one behind another, as batch x labels; *sizes is cut to what can be told apart: a target of more
   labels than there are steps is impossible, whatever its labels are, so one more than the steps is kept of each. */
static nl_tensor *apart(nl_pass *p, nl_tensor *joined, int64_t steps, int64_t classes, nl_tensor **sizes) {
  nl_build *b = &p->build;
  int64_t all = joined->numel, labels = all < steps + 1 ? all : steps + 1, n = (*sizes)->numel;
  nl_tensor *each = nl_b_do(b, op_within(), "tiii", *sizes, (int64_t)0, all, (int64_t)IS_TARGET_LENGTHS);
  nl_pass_reword(p, "within", "", joined, "they say how many labels each target has");
  nl_tensor *sum =
      nl_b_do(b, op_within(), "tiii", nl_b_sum(b, each, 1, (int64_t[]){1}, true), all, all, (int64_t)IS_SUM);
  nl_pass_reword(p, "within", "", joined, "targets of one dim stand one behind another");
  joined = nl_b_do(b, op_within(), "tiii", joined, (int64_t)1, classes, (int64_t)IS_TARGET);
  nl_pass_reword(p, "within", "", p->in[0], "classes count from 1");
  *sizes = b_minimum(b, each, nl_b_int(b, labels));
  if (labels == 0 || !sum) {
    return nl_b_do(b, op_full(), "tli", nl_b_int(b, 1), 2, (int64_t[]){n, labels}, (int64_t)NL_I64);
  }
  nl_tensor *begins = b_sub(b, nl_b_do(b, op_cumsum(), "ti", each, (int64_t)1), each);
  nl_tensor *place = nl_b_do(b, op_arange(), "nnni", 1.0, (double)labels + 1, 1.0, (int64_t)NL_I64);
  nl_tensor *at = b_minimum(b, b_add(b, b_unsqueeze(b, begins, 2), place), sum);
  nl_tensor *picked = nl_b_do(b, op_index_select(), "tti", joined, nl_b_reshape(b, at, 1, (int64_t[]){-1}), (int64_t)1);
  return nl_b_reshape(b, picked, 2, (int64_t[]){n, labels});
}

NL_FORWARD(ctc) {
  nl_tensor *targets = p->in[TARGETS], *lengths = p->in[INPUT_LENGTHS], *sizes = p->in[TARGET_LENGTHS];
  if (x->ndim != 3 || !nl_dtype_is_float(nl_tensor_dtype(x)) || x->shape[0] < 1) {
    return nl_pass_fail(p, "log_probs must be length x batch x classes, but have shape %s",
                        nl_tensor_shape_string(x).s);
  }
  int64_t steps = x->shape[0], n = x->shape[1], classes = x->shape[2], blank = int_of(p, ctc_blank);
  bool joined = targets->ndim == 1;
  if (!(joined || (targets->ndim == 2 && targets->shape[0] == n)) || nl_tensor_dtype(targets) != NL_I64) {
    return nl_pass_fail(
        p,
        "targets must be int64, batch x labels (%lld x ..; shorter ones with any number behind their end) or all one "
        "behind another, but are %s of shape %s",
        (long long)n, nl_dtype_name(nl_tensor_dtype(targets)), nl_tensor_shape_string(targets).s);
  } else if (blank < 1 || blank > classes) {
    return nl_pass_fail(p, "blank must be one of the %lld classes, counted from 1, but is %lld", (long long)classes,
                        (long long)blank);
  } else if (!want_lengths(p, lengths, "input_lengths", n) || !want_lengths(p, sizes, "target_lengths", n)) {
    return NULL;
  }
  targets = joined ? apart(p, targets, steps, classes, &sizes) : targets;
  if (!targets) {
    return NULL;
  }
  int64_t labels = targets->shape[1], wide = 2 * labels + 1;
  lengths = nl_b_do(b, op_within(), "tiii", lengths, (int64_t)1, steps, (int64_t)IS_INPUT_LENGTHS);
  nl_pass_reword(p, "within", "", x, "they say how many steps of each sequence count");
  sizes = nl_b_do(b, op_within(), "tiii", sizes, (int64_t)0, labels, (int64_t)IS_TARGET_LENGTHS);
  nl_pass_reword(p, "within", "", targets, "they say how many labels of each target count");
  /* What stands behind a target's end is not looked at. */
  nl_tensor *place = nl_b_do(b, op_arange(), "nnni", 1.0, (double)labels + 1, 1.0, (int64_t)NL_I64);
  targets = b_where(b, b_le(b, place, b_unsqueeze(b, sizes, 2)), targets, nl_b_int(b, blank));
  targets = nl_b_do(b, op_within(), "tiii", nl_b_reshape(b, targets, 1, (int64_t[]){-1}), (int64_t)1, classes,
                    (int64_t)IS_TARGET);
  nl_pass_reword(p, "within", "", x, "classes count from 1");
  targets = nl_b_reshape(b, targets, 2, (int64_t[]){n, labels});
  nl_tensor *path = with_blanks(b, targets, n, labels, blank);
  nl_tensor *index = nl_b_expand(b, b_unsqueeze(b, path, 1), 3, (int64_t[]){steps, n, wide});
  nl_tensor *emitted = b_gather(b, x, 3, index);
  emitted = b_maximum(b, emitted, nl_b_number(b, nothing)); /* log 0 */
  /* A label may follow the one before the blank in front of it, if it is another one. */
  nl_tensor *places = nl_b_do(b, op_arange(), "nnni", 1.0, (double)wide + 1, 1.0, (int64_t)NL_I64);
  nl_tensor *two_before =
      path && wide > 2 ? b_cat(b, b_narrow(b, path, 2, 1, 2), b_narrow(b, path, 2, 1, wide - 2), 2) : path;
  nl_tensor *jump = b_logical_and(b, b_ne(b, path, nl_b_int(b, blank)), b_ne(b, path, two_before));
  jump = b_logical_and(b, jump, b_gt(b, places, nl_b_int(b, 2)));
  nl_tensor *empty = nl_b_number(b, nothing);
  nl_tensor *alpha = b_where(b, b_le(b, places, nl_b_int(b, 2)), b_select(b, emitted, 1, 1), empty);
  for (int64_t t = 2; t <= steps && b->status == NL_OK; t++) {
    nl_tensor *stay = nl_b2(b, op_logaddexp(), alpha, moved(b, alpha, 1, nothing));
    nl_tensor *over = b_where(b, jump, moved(b, alpha, 2, nothing), empty);
    nl_tensor *next = b_add(b, nl_b2(b, op_logaddexp(), stay, over), b_select(b, emitted, 1, t));
    next = b_maximum(b, next, empty);
    alpha = b_where(b, b_unsqueeze(b, b_ge(b, lengths, nl_b_int(b, t)), 2), next, alpha);
  }
  nl_tensor *end = b_mul(b, sizes, nl_b_int(b, 2)); /* the last label; one more: the blank behind it */
  nl_tensor *likelihood =
      nl_b2(b, op_logaddexp(), at_column(b, alpha, b_add(b, end, nl_b_int(b, 1))), at_column(b, alpha, end));
  /* not "greater": what is not a number stays so */
  nl_tensor *possible = b_logical_not(b, b_le(b, likelihood, nl_b_number(b, nothing / 2)));
  nl_tensor *loss =
      b_where(b, possible, b_neg(b, likelihood), nl_b_number(b, flag_of(p, ctc_zero_infinity) ? 0 : INFINITY));
  if (int_of(p, loss_reduction) == 0) { /* of each label, then of the batch */
    loss = b_div(b, loss, nl_b_cast(b, b_maximum(b, sizes, nl_b_int(b, 1)), nl_tensor_dtype(x)));
  }
  return nl_loss_reduced(p, loss);
}

static const nl_layer_entry entries[] = {
    {.name = "CTCLoss",
     .function = "ctc_loss",
     .settings = NL_REDUCTION ", blank: int = 1 in 1.., zero_infinity: bool = false",
     .fields = ctc_fields,
     .inputs = "log_probs, targets, input_lengths, target_lengths",
     .doc = "The negative log-likelihood of labels whose places in a longer sequence are not known. log_probs are "
            "length x batch x classes (of log_softmax); targets batch x labels, of which target_lengths count, or the "
            "labels of all targets one behind another. Classes count from 1, and one of them is the blank. The mean is "
            "one over the batch of the loss divided by the number of labels. What cannot be is inf, or 0 with "
            "zero_infinity, without a gradient.",
     .formula = "-log sum over all paths that spell the target of the product of their probabilities",
     .source = "Graves et al. 2006",
     .example = "nn.CTCLoss()(nn.zeros(4, 1, 3):log_softmax(3), nn.tensor {{2, 3}}, nn.tensor {4}, nn.tensor {2})",
     .forward = forward_ctc},
};

NL_LAYERS(ctc, entries);
