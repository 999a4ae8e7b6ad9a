/* Sweeps over one parameter, cut over the pool. */
#include "optim/update.h"

#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "optable/iterate.h"

enum { GRAIN = 32768 };

void nl_optim_slot_free(nl_optim_slot *s) {
  for (int i = 0; i < NL_MAX_STATES; i++) {
    nl_tensor_unref(s->state[i]);
  }
  *s = (nl_optim_slot){.step = 0};
}

typedef struct sweep {
  nl_dtype dtype;
  char *w, *state[NL_MAX_STATES]; /* NULL where there is none */
  const char *g;
  const nl_sgd_args *sgd;
  const nl_adam_args *adam;
  nl_rule_fn rule;
  const nl_rule_numbers *numbers;
} sweep;

static void sweep_range(void *ctx, int64_t begin, int64_t end) {
  const sweep *s = ctx;
  size_t at = (size_t)begin * nl_dtype_size(s->dtype);
  int64_t n = end - begin;
  void *state[NL_MAX_STATES], *w = s->w + at;
  const void *g = s->g + at;
  for (int i = 0; i < NL_MAX_STATES; i++) {
    state[i] = s->state[i] ? s->state[i] + at : NULL;
  }
  if (s->rule) {
    s->rule(n, w, g, state, s->numbers);
  } else if (s->sgd) {
    nl_k->optim->sgd[s->dtype](n, w, g, state[0], s->sgd);
  } else {
    nl_k->optim->adam[s->dtype](n, w, g, state[0], state[1], s->adam);
  }
}

static nl_status check_pair(const nl_tensor *w, const nl_tensor *g) {
  if (!nl_dtype_is_float(nl_tensor_dtype(w)) || !w->contiguous) {
    return nl_fail("a parameter must be a contiguous float tensor, but one is %s of shape %s%s",
                   nl_dtype_name(nl_tensor_dtype(w)), nl_tensor_shape_string(w).s,
                   w->contiguous ? "" : " and not contiguous");
  }
  if (g->dtype != w->dtype || !nl_shape_equal(g, w)) {
    return nl_fail("a gradient has shape %s and dtype %s, but its parameter %s and %s", nl_tensor_shape_string(g).s,
                   nl_dtype_name(nl_tensor_dtype(g)), nl_tensor_shape_string(w).s, nl_dtype_name(nl_tensor_dtype(w)));
  }
  return NL_OK;
}

/* A zeroed tensor like w, unless there is one; that of a parameter which was converted since is converted, too. */
static nl_status ensure(nl_tensor **t, const nl_tensor *w) {
  nl_tensor *old = *t, *fresh;
  if (old && old->dtype == w->dtype && nl_shape_equal(old, w) && old->contiguous) {
    return NL_OK;
  }
  if (old && !nl_shape_equal(old, w)) {
    return nl_fail("the optimizer's state has shape %s, but its parameter %s", nl_tensor_shape_string(old).s,
                   nl_tensor_shape_string(w).s);
  }
  nl_status status = nl_tensor_new(nl_tensor_dtype(w), w->ndim, w->shape, &fresh);
  if (status != NL_OK) {
    return status;
  }
  if (old) {
    nl_copy_values(fresh, old);
  } else {
    memset(nl_tensor_data(fresh), 0, fresh->storage->bytes);
  }
  nl_tensor_unref(old);
  *t = fresh;
  return NL_OK;
}

/* The gradient as one block: itself, or a copy in *packed, which is the caller's. */
static nl_status pack_gradient(nl_tensor **g, nl_tensor **packed) {
  *packed = NULL;
  if ((*g)->contiguous) {
    return NL_OK;
  }
  nl_status status = nl_tensor_new(nl_tensor_dtype(*g), (*g)->ndim, (*g)->shape, packed);
  if (status == NL_OK) {
    nl_copy_values(*packed, *g);
    *g = *packed;
  }
  return status;
}

static void go_over(sweep *s, int64_t n) {
  if (n <= GRAIN) {
    sweep_range(s, 0, n);
  } else {
    nl_parallel_for_all(n, GRAIN, sweep_range, s); /* a step is made or not made */
  }
}

/* Begins a sweep over w and its gradient, with the states that the slot has; *packed is the caller's. */
static nl_status begin_sweep(sweep *s, nl_tensor *w, nl_tensor *g, const nl_optim_slot *slot, nl_tensor **packed) {
  nl_status status = pack_gradient(&g, packed);
  if (status == NL_OK) {
    *s = (sweep){.dtype = nl_tensor_dtype(w), .w = nl_tensor_data(w), .g = nl_tensor_data(g)};
    for (int i = 0; i < NL_MAX_STATES; i++) {
      s->state[i] = slot->state[i] ? nl_tensor_data(slot->state[i]) : NULL;
    }
  }
  return status;
}

static nl_status end_sweep(nl_tensor *w, nl_optim_slot *slot, nl_tensor *packed) {
  nl_storage_touch(w->storage);
  slot->step++;
  nl_tensor_unref(packed);
  return NL_OK;
}

nl_status nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args) {
  nl_tensor *packed = NULL;
  sweep s;
  nl_sgd_args a = *args;
  a.first = slot->state[0] == NULL;
  nl_status status = check_pair(w, grad);
  if (status == NL_OK && a.momentum != 0) {
    status = ensure(&slot->state[0], w);
  }
  status = status == NL_OK ? begin_sweep(&s, w, grad, slot, &packed) : status;
  if (status != NL_OK) {
    return status;
  }
  s.sgd = &a;
  s.state[0] = a.momentum != 0 ? s.state[0] : NULL;
  go_over(&s, w->numel);
  return end_sweep(w, slot, packed);
}

nl_status nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args) {
  nl_tensor *packed = NULL;
  sweep s;
  nl_status status = check_pair(w, grad);
  status = status == NL_OK ? ensure(&slot->state[0], w) : status;
  status = status == NL_OK ? ensure(&slot->state[1], w) : status;
  status = status == NL_OK ? begin_sweep(&s, w, grad, slot, &packed) : status;
  if (status != NL_OK) {
    return status;
  }
  nl_adam_args a = *args;
  a.correction1 = 1 - pow(a.beta1, (double)(slot->step + 1));
  a.correction2 = 1 - pow(a.beta2, (double)(slot->step + 1));
  s.adam = &a;
  go_over(&s, w->numel);
  return end_sweep(w, slot, packed);
}

/* ---- the other rules ---- */

/* The Euclidean norm, whose order of additions is fixed. Squares that float32 does not hold are added in double. */
static double norm_of(nl_dtype dtype, int64_t n, const void *x) {
  double sum = 0;
  float sum32 = 0;
  bool narrow = dtype == NL_F32;
  nl_k->reduce->reduce[NL_RED_SUMSQ][dtype](n, 1, 0, 1, x, narrow ? (void *)&sum32 : (void *)&sum);
  if (narrow) {
    sum = (double)sum32;
  }
  if (narrow && !(sum > 1e-30 && sum < 1e38)) {
    sum = 0;
    for (int64_t i = 0; i < n; i++) {
      double v = (double)((const float *)x)[i];
      sum += v * v;
    }
  }
  return sqrt(sum);
}

nl_status nl_rule_update(const nl_rule *rule, nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot,
                         const double *options) {
  if (rule->update) {
    return rule->update(w, grad, slot, options);
  }
  nl_tensor *packed = NULL;
  sweep s;
  nl_status status = check_pair(w, grad);
  for (int i = 0; i < NL_MAX_STATES && rule->states[i] && status == NL_OK; i++) {
    status = ensure(&slot->state[i], w);
  }
  status = status == NL_OK ? begin_sweep(&s, w, grad, slot, &packed) : status;
  if (status != NL_OK) {
    return status;
  }
  nl_rule_numbers k = {.lr = 0};
  rule->settle(options, (double)slot->step + 1, slot, &k);
  s.numbers = &k;
  s.rule = nl_k->optim->rule[rule->kernel][s.dtype];
  go_over(&s, w->numel);
  if (rule->kernel == NL_RULE_lamb && w->numel > 0) {
    double weight = norm_of(s.dtype, w->numel, s.w), update = norm_of(s.dtype, w->numel, s.state[2]);
    k.lr *= weight > 0 && update > 0 ? weight / update : 1;
    s.rule = nl_k->optim->rule[NL_RULE_lamb_apply][s.dtype];
    go_over(&s, w->numel);
  }
  return end_sweep(w, slot, packed);
}
