/* Sweeps over one parameter, cut over the pool. */
#include "optim/update.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "optable/iterate.h"

enum { GRAIN = 32768 };

void nl_optim_slot_free(nl_optim_slot *s) {
  for (int i = 0; i < NL_MAX_STATES; i++) {
    nl_tensor_unref(s->state[i]);
  }
  nl_tensor_unref(s->packed);
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
    nl_k->optim->adam[s->dtype](n, w, g, state[0], state[1], s->adam->amsgrad ? state[2] : NULL, s->adam);
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
static nl_status ensure(nl_tensor **t, const nl_tensor *w, bool *fresh) {
  nl_tensor *old = *t, *made;
  if (old && old->dtype == w->dtype && nl_shape_equal(old, w) && old->contiguous) {
    return NL_OK;
  }
  if (old && !nl_shape_equal(old, w)) {
    return nl_fail("the optimizer's state has shape %s, but its parameter %s", nl_tensor_shape_string(old).s,
                   nl_tensor_shape_string(w).s);
  }
  nl_status status = nl_tensor_new(nl_tensor_dtype(w), w->ndim, w->shape, &made);
  if (status != NL_OK) {
    return status;
  }
  if (old) {
    nl_copy_values(made, old);
  } else {
    memset(nl_tensor_data(made), 0, made->storage->bytes);
    *fresh = true;
  }
  nl_tensor_unref(old);
  *t = made;
  return NL_OK;
}

nl_status nl_rule_make_room(const nl_rule *rule, const nl_tensor *w, nl_optim_slot *slot, const double *options) {
  nl_status status = NL_OK;
  int most = rule->keeps ? rule->keeps(options) : NL_MAX_STATES;
  for (int i = 0; i < most && rule->states[i] && status == NL_OK; i++) {
    status = ensure(&slot->state[i], w, &slot->fresh);
  }
  return status;
}

nl_status nl_rule_prepare(const nl_rule *rule, const nl_tensor *w, const nl_tensor *grad, nl_optim_slot *slot,
                          const double *options) {
  nl_status status = check_pair(w, grad);
  status = status == NL_OK ? nl_rule_make_room(rule, w, slot, options) : status;
  if (status == NL_OK && !grad->contiguous) {
    bool fresh;
    status = ensure(&slot->packed, w, &fresh);
  }
  return status;
}

static void go_over(sweep *s, int64_t n) {
  if (n <= GRAIN) {
    sweep_range(s, 0, n);
  } else {
    nl_parallel_for(n, nl_even_grain(n, GRAIN, NL_POOL_LANES), sweep_range, s);
  }
}

/* In place: a struct that is returned is copied in words that the processor has only just written in halves, which
   takes as long as a small parameter's whole update. */
static void begin_sweep(sweep *s, nl_tensor *w, nl_tensor *g, const nl_optim_slot *slot) {
  if (!g->contiguous) {
    nl_copy_values(slot->packed, g);
    g = slot->packed;
  }
  s->dtype = nl_tensor_dtype(w);
  s->w = nl_tensor_data(w);
  s->g = nl_tensor_data(g);
  for (int i = 0; i < NL_MAX_STATES; i++) {
    s->state[i] = slot->state[i] ? nl_tensor_data(slot->state[i]) : NULL;
  }
  s->sgd = NULL;
  s->adam = NULL;
  s->rule = NULL;
  s->numbers = NULL;
}

static void end_sweep(nl_tensor *w, nl_optim_slot *slot) {
  nl_storage_touch(w->storage);
  slot->step++;
  slot->fresh = false;
}

void nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args) {
  sweep s;
  begin_sweep(&s, w, grad, slot);
  nl_sgd_args a = *args;
  a.first = slot->fresh;
  s.sgd = &a;
  s.state[0] = a.momentum != 0 ? s.state[0] : NULL;
  bool unused = slot->fresh && a.momentum == 0; /* it was set to 0 after room was made */
  go_over(&s, w->numel);
  end_sweep(w, slot);
  slot->fresh = unused;
}

void nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args) {
  sweep s;
  begin_sweep(&s, w, grad, slot);
  nl_adam_args a = *args;
  a.correction1 = 1 - pow(a.beta1, (double)(slot->step + 1));
  a.correction2 = 1 - pow(a.beta2, (double)(slot->step + 1));
  s.adam = &a;
  go_over(&s, w->numel);
  end_sweep(w, slot);
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

void nl_rule_apply(const nl_rule *rule, nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options) {
  if (rule->update) {
    rule->update(w, grad, slot, options);
    return;
  }
  sweep s;
  begin_sweep(&s, w, grad, slot);
  nl_rule_numbers k = {.lr = 0};
  rule->settle(options, (double)slot->step + 1, slot, &k);
  s.numbers = &k;
  s.rule = nl_k->optim->rule[rule->kernel][s.dtype];
  go_over(&s, w->numel);
  if (rule->kernel == NL_RULE_lamb && w->numel > 0) {
    double weight = norm_of(s.dtype, w->numel, s.w), update = norm_of(s.dtype, w->numel, s.state[2]);
    double rate = k.lr * (weight > 0 && update > 0 ? weight / update : 1);
    /* a direction so small that its rate overflows is none: where gradients vanish, moments end as subnormal numbers */
    k.lr = rate <= (s.dtype == NL_F32 ? (double)FLT_MAX : DBL_MAX) ? rate : k.lr;
    s.rule = nl_k->optim->rule[NL_RULE_lamb_apply][s.dtype];
    go_over(&s, w->numel);
  }
  end_sweep(w, slot);
}
