/* What losses share. */
#include "nn/loss.h"

nl_tensor *nl_loss_reduced(nl_pass *p, nl_tensor *values) {
  nl_build *b = &p->build;
  const nl_field *f = &p->layer->fields->field[loss_reduction];
  int n;
  const char *word = nl_choice_word(f, int_of(p, loss_reduction), &n);
  if (b->status != NL_OK || *word == 'n') {
    return values;
  }
  return *word == 's' ? b_total(b, values) : b_mean(b, values, 0, NULL, false);
}

bool nl_loss_equal(nl_pass *p, const nl_tensor *a, const nl_tensor *b) {
  if (!nl_shape_equal(a, b)) {
    nl_pass_fail(p, "the input has shape %s, but the target %s", nl_tensor_shape_string(a).s,
                 nl_tensor_shape_string(b).s);
  }
  return p->build.status == NL_OK;
}

bool nl_loss_classes(nl_pass *p, const nl_tensor *target, int64_t classes) {
  if (nl_tensor_dtype(target) != NL_I64) {
    nl_pass_fail(p,
                 "targets are a %s tensor of shape %s but must be int64 class labels from 1 to %lld; convert them with "
                 "y:to(\"int64\")",
                 nl_dtype_name(nl_tensor_dtype(target)), nl_tensor_shape_string(target).s, (long long)classes);
  }
  return p->build.status == NL_OK;
}

nl_tensor *nl_loss_pick(nl_pass *p, nl_tensor *x, int64_t dim, nl_tensor *t) {
  nl_build *b = &p->build;
  nl_tensor *picked = b_gather(b, x, dim, t);
  nl_pass_reword(p, "gather", "target ", x, "classes count from 1: if your labels start at 0, add 1: y + 1");
  return picked;
}

bool nl_loss_signs(nl_pass *p, const nl_tensor *y, const nl_tensor *pairs) {
  if (p->build.status == NL_OK && !nl_shape_equal(y, pairs)) {
    nl_pass_fail(p, "needs a third tensor of 1 and -1, one for each pair (shape %s), but it has shape %s",
                 nl_tensor_shape_string(pairs).s, nl_tensor_shape_string(y).s);
  }
  return p->build.status == NL_OK;
}

void nl_loss_within(nl_pass *p, nl_tensor *t, const char *what, double low, double high, const char *hint) {
  nl_build *b = &p->build;
  if (p->recording || b->status != NL_OK || t->numel == 0) {
    return;
  }
  nl_call c;
  nl_call_init(&c, op_aminmax(), 1, NULL);
  c.in[0] = nl_b_detach(b, t);
  nl_tensor *least = nl_b_call(b, &c), *most = b->status == NL_OK ? c.out[1] : NULL;
  least = nl_b_cast(b, least, NL_F64);
  most = nl_b_cast(b, most, NL_F64);
  if (b->status == NL_OK) {
    double from = *(double *)nl_tensor_data(least), to = *(double *)nl_tensor_data(most);
    if (from < low || to > high) {
      nl_pass_fail(p, "the input (shape %s) %s, but goes from %g to %g; %s", nl_tensor_shape_string(t).s, what, from,
                   to, hint);
    }
  }
}
