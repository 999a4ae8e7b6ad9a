/* Sweeps over one parameter, cut over the pool. */
#include "optim/update.h"

#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "optable/iterate.h"

enum { GRAIN = 32768 };

void nl_optim_slot_free(nl_optim_slot *s) {
  nl_tensor_unref(s->m);
  nl_tensor_unref(s->v);
  nl_tensor_unref(s->u);
  *s = (nl_optim_slot){.m = NULL};
}

typedef struct sweep {
  nl_dtype dtype;
  char *w, *m, *v, *u;
  const char *g;
  const nl_sgd_args *sgd;
  const nl_adam_args *adam;
  nl_rule_fn rule;
  const double *k;
} sweep;

static void sweep_range(void *ctx, int64_t begin, int64_t end) {
  const sweep *s = ctx;
  size_t at = (size_t)begin * nl_dtype_size(s->dtype);
  if (s->rule) {
    void *const state[3] = {s->m ? s->m + at : NULL, s->v ? s->v + at : NULL, s->u ? s->u + at : NULL};
    s->rule(end - begin, s->w + at, s->g + at, state, s->k);
  } else if (s->sgd) {
    nl_k->optim->sgd[s->dtype](end - begin, s->w + at, s->g + at, s->m ? s->m + at : NULL, s->sgd);
  } else {
    nl_k->optim->adam[s->dtype](end - begin, s->w + at, s->g + at, s->m + at, s->v + at, s->adam);
  }
}

static nl_status check(const nl_tensor *w, const nl_tensor *g) {
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
static nl_status pack(nl_tensor **g, nl_tensor **packed) {
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
    nl_parallel_for(n, GRAIN, sweep_range, s);
  }
}

static nl_status run(nl_tensor *w, nl_tensor *g, nl_optim_slot *slot, const nl_sgd_args *sgd,
                     const nl_adam_args *adam) {
  nl_tensor *packed;
  nl_status status = pack(&g, &packed);
  if (status != NL_OK) {
    return status;
  }
  sweep s = {.dtype = nl_tensor_dtype(w),
             .w = nl_tensor_data(w),
             .g = nl_tensor_data(g),
             .m = slot->m && !(sgd && sgd->momentum == 0) ? nl_tensor_data(slot->m) : NULL,
             .v = slot->v ? nl_tensor_data(slot->v) : NULL,
             .sgd = sgd,
             .adam = adam};
  go_over(&s, w->numel);
  nl_storage_touch(w->storage);
  slot->step++;
  nl_tensor_unref(packed);
  return NL_OK;
}

nl_status nl_sgd_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_sgd_args *args) {
  nl_status status = check(w, grad);
  nl_sgd_args a = *args;
  a.first = slot->m == NULL;
  if (status == NL_OK && a.momentum != 0) {
    status = ensure(&slot->m, w);
  }
  return status == NL_OK ? run(w, grad, slot, &a, NULL) : status;
}

nl_status nl_adam_update(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const nl_adam_args *args) {
  nl_status status = check(w, grad);
  status = status == NL_OK ? ensure(&slot->m, w) : status;
  status = status == NL_OK ? ensure(&slot->v, w) : status;
  nl_adam_args a = *args;
  a.correction1 = 1 - pow(a.beta1, (double)(slot->step + 1));
  a.correction2 = 1 - pow(a.beta2, (double)(slot->step + 1));
  return status == NL_OK ? run(w, grad, slot, NULL, &a) : status;
}

/* ---- the other rules ---- */

/* k: step size, decay, sign of the gradient, then the kernel's own numbers */
static void begin(double *k, double lr, double decay, double maximize) {
  k[0] = lr;
  k[1] = decay;
  k[2] = maximize != 0 ? -1 : 1;
}

/* lr, lr_decay, weight_decay, initial_accumulator_value, eps, maximize */
static void settle_adagrad(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)slot;
  begin(k, o[0] / (1 + (t - 1) * o[1]), o[2], o[5]);
  k[3] = o[4];
  k[4] = t == 1 ? o[3] : 0;
}
/* lr, rho, eps, weight_decay, maximize */
static void settle_adadelta(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)t, (void)slot;
  begin(k, o[0], o[3], o[4]);
  k[3] = o[1];
  k[4] = o[2];
}
/* lr, alpha, eps, weight_decay, momentum, centered, maximize */
static void settle_rmsprop(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)t, (void)slot;
  begin(k, o[0], o[3], o[6]);
  k[3] = o[1];
  k[4] = o[2];
  k[5] = o[4];
  k[6] = o[5];
}
/* lr, eta minus, eta plus, least step, largest step, maximize */
static void settle_rprop(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)slot;
  begin(k, o[0], 0, o[5]);
  memcpy(k + 3, o + 1, 4 * sizeof *k);
  k[7] = t == 1;
}
/* lr, beta1, beta2, eps, weight_decay, maximize */
static void settle_adamax(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)slot;
  begin(k, o[0] / (1 - pow(o[1], t)), o[4], o[5]);
  memcpy(k + 3, o + 1, 3 * sizeof *k);
}
/* lr, beta1, beta2, eps, weight_decay, maximize, momentum_decay */
static void settle_nadam(const double *o, double t, nl_optim_slot *slot, double *k) {
  double mu = o[1] * (1 - 0.5 * pow(0.96, t * o[6])), next = o[1] * (1 - 0.5 * pow(0.96, (t + 1) * o[6]));
  double product = (slot->product + 1) * mu;
  slot->product = product - 1;
  begin(k, o[0] * (1 - mu) / (1 - product), o[4], o[5]);
  memcpy(k + 3, o + 1, 3 * sizeof *k);
  k[6] = 1 / (1 - pow(o[2], t));
  k[7] = o[0] * next / (1 - product * next);
}
/* lr, beta1, beta2, eps, weight_decay, maximize */
static void settle_radam(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)slot;
  double correction2 = 1 - pow(o[2], t), limit = 2 / (1 - o[2]) - 1;
  double rho = limit - 2 * t * pow(o[2], t) / correction2;
  begin(k, o[0] / (1 - pow(o[1], t)), o[4], o[5]);
  memcpy(k + 3, o + 1, 3 * sizeof *k);
  k[7] = rho > 5;
  k[6] = rho > 5 ? sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho) * correction2) : 0;
}
/* lr, beta1, beta2, weight_decay, maximize */
static void settle_lion(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)t, (void)slot;
  begin(k, o[0], 0, o[4]);
  k[3] = o[1];
  k[4] = o[2];
  k[5] = 1 - o[0] * o[3];
}
/* lr, lambd, alpha, t0, weight_decay, maximize */
static void settle_asgd(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)slot;
  double eta = o[0] / pow(1 + o[1] * o[0] * (t - 1), o[2]);
  begin(k, eta, o[4], o[5]);
  k[3] = 1 - o[1] * eta;
  k[4] = t == 1 ? 1 : 1 / fmax(1, t - 1 - o[3]);
}
/* lr, beta1, beta2, eps, weight_decay, maximize */
static void settle_lamb(const double *o, double t, nl_optim_slot *slot, double *k) {
  (void)slot;
  begin(k, o[0], o[4], o[5]);
  memcpy(k + 3, o + 1, 3 * sizeof *k);
  k[6] = 1 / (1 - pow(o[1], t));
  k[7] = 1 / (1 - pow(o[2], t));
}

static const nl_rule rules[] = {
    {"Adagrad",
     {"lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps", "maximize"},
     NL_RULE_ADAGRAD,
     1,
     settle_adagrad},
    {"Adadelta", {"lr", "rho", "eps", "weight_decay", "maximize"}, NL_RULE_ADADELTA, 2, settle_adadelta},
    {"RMSprop",
     {"lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize"},
     NL_RULE_RMSPROP,
     3,
     settle_rmsprop},
    {"Rprop", {"lr", "etas.1", "etas.2", "step_sizes.1", "step_sizes.2", "maximize"}, NL_RULE_RPROP, 2, settle_rprop},
    {"Adamax", {"lr", "betas.1", "betas.2", "eps", "weight_decay", "maximize"}, NL_RULE_ADAMAX, 2, settle_adamax},
    {"NAdam",
     {"lr", "betas.1", "betas.2", "eps", "weight_decay", "maximize", "momentum_decay"},
     NL_RULE_NADAM,
     2,
     settle_nadam},
    {"RAdam", {"lr", "betas.1", "betas.2", "eps", "weight_decay", "maximize"}, NL_RULE_RADAM, 2, settle_radam},
    {"Lion", {"lr", "betas.1", "betas.2", "weight_decay", "maximize"}, NL_RULE_LION, 1, settle_lion},
    {"ASGD", {"lr", "lambd", "alpha", "t0", "weight_decay", "maximize"}, NL_RULE_ASGD, 1, settle_asgd},
    {"LAMB", {"lr", "betas.1", "betas.2", "eps", "weight_decay", "maximize"}, NL_RULE_LAMB, 3, settle_lamb},
};

const nl_rule *nl_rule_find(const char *name) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    if (strcmp(rules[i].name, name) == 0) {
      return &rules[i];
    }
  }
  return NULL;
}

/* The Euclidean norm, whose order of additions is fixed. */
static double norm_of(nl_dtype dtype, int64_t n, const void *x) {
  double sum = 0;
  float sum32 = 0;
  bool narrow = dtype == NL_F32;
  nl_k->reduce->reduce[NL_RED_SUMSQ][dtype](n, 1, 0, 1, x, narrow ? (void *)&sum32 : (void *)&sum);
  return sqrt(narrow ? (double)sum32 : sum);
}

nl_status nl_rule_update(const nl_rule *rule, nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot,
                         const double *options) {
  nl_tensor *packed = NULL, **place[3] = {&slot->m, &slot->v, &slot->u};
  nl_status status = check(w, grad);
  for (int i = 0; i < rule->states && status == NL_OK; i++) {
    status = ensure(place[i], w);
  }
  status = status == NL_OK ? pack(&grad, &packed) : status;
  if (status != NL_OK) {
    return status;
  }
  double k[8] = {0};
  rule->settle(options, (double)slot->step + 1, slot, k);
  nl_dtype dtype = nl_tensor_dtype(w);
  sweep s = {.dtype = dtype,
             .w = nl_tensor_data(w),
             .g = nl_tensor_data(grad),
             .m = slot->m ? nl_tensor_data(slot->m) : NULL,
             .v = slot->v ? nl_tensor_data(slot->v) : NULL,
             .u = slot->u ? nl_tensor_data(slot->u) : NULL,
             .rule = nl_k->optim->rule[rule->kernel][dtype],
             .k = k};
  go_over(&s, w->numel);
  if (rule->kernel == NL_RULE_LAMB && w->numel > 0) {
    double weight = norm_of(dtype, w->numel, s.w), update = norm_of(dtype, w->numel, s.u);
    k[0] *= weight > 0 && update > 0 ? weight / update : 1;
    s.rule = nl_k->optim->rule[NL_RULE_LAMB_APPLY][dtype];
    go_over(&s, w->numel);
  }
  nl_storage_touch(w->storage);
  slot->step++;
  nl_tensor_unref(packed);
  return NL_OK;
}
