/* The rules. Options are listed once for each: the list makes the struct that `settle` reads, and the descriptions that
   users' groups are read and checked by. */
#include "optim/rules.h"

#include <math.h>
#include <string.h>

#include "optim/update.h"

// clang-format off
/* N(name, default, least): a number; U(name, default, low, below): one with an upper bound; B(name): a boolean, false by
   default; L(field, list, at, default, low, below): a number of a list, counted from 1. */
#define OPTIONS_sgd(N, U, B, L) \
  N(lr, 1e-3, 0) N(momentum, 0, 0) N(dampening, 0, -INFINITY) N(weight_decay, 0, 0) B(nesterov) B(maximize)
#define BETAS(L, second) L(beta1, betas, 1, 0.9, 0, 1) L(beta2, betas, 2, second, 0, 1)
#define ADAM_LIKE(N, U, B, L, rate, epsilon, decay) \
  N(lr, rate, 0) BETAS(L, 0.999) N(eps, epsilon, 0) N(weight_decay, decay, 0) B(maximize)
#define OPTIONS_adam(N, U, B, L)   ADAM_LIKE(N, U, B, L, 1e-3, 1e-8, 0) B(amsgrad)
#define OPTIONS_adamw(N, U, B, L)  ADAM_LIKE(N, U, B, L, 1e-3, 1e-8, 1e-2) B(amsgrad)
#define OPTIONS_adamax(N, U, B, L) ADAM_LIKE(N, U, B, L, 2e-3, 1e-8, 0)
#define OPTIONS_nadam(N, U, B, L)  ADAM_LIKE(N, U, B, L, 2e-3, 1e-8, 0) N(momentum_decay, 4e-3, 0)
#define OPTIONS_radam(N, U, B, L)  ADAM_LIKE(N, U, B, L, 1e-3, 1e-8, 0)
#define OPTIONS_lamb(N, U, B, L)   ADAM_LIKE(N, U, B, L, 1e-3, 1e-6, 0)
#define OPTIONS_lion(N, U, B, L)   N(lr, 1e-4, 0) BETAS(L, 0.99) N(weight_decay, 0, 0) B(maximize)
#define OPTIONS_signsgd(N, U, B, L) N(lr, 1e-3, 0) U(momentum, 0.9, 0, 1) N(weight_decay, 0, 0) B(maximize)
#define OPTIONS_adagrad(N, U, B, L) \
  N(lr, 1e-2, 0) N(lr_decay, 0, 0) N(weight_decay, 0, 0) N(initial_accumulator_value, 0, 0) N(eps, 1e-10, 0) B(maximize)
#define OPTIONS_adadelta(N, U, B, L) N(lr, 1, 0) U(rho, 0.9, 0, 1) N(eps, 1e-6, 0) N(weight_decay, 0, 0) B(maximize)
#define OPTIONS_rmsprop(N, U, B, L) \
  N(lr, 1e-2, 0) N(alpha, 0.99, 0) N(eps, 1e-8, 0) N(weight_decay, 0, 0) N(momentum, 0, 0) B(centered) B(maximize)
#define OPTIONS_rprop(N, U, B, L) \
  N(lr, 1e-2, 0) L(eta_minus, etas, 1, 0.5, 0, INFINITY) L(eta_plus, etas, 2, 1.2, 0, INFINITY) \
  L(least, step_sizes, 1, 1e-6, 0, INFINITY) L(largest, step_sizes, 2, 50, 0, INFINITY) B(maximize)
#define OPTIONS_asgd(N, U, B, L) \
  N(lr, 1e-2, 0) N(lambd, 1e-4, 0) N(alpha, 0.75, -INFINITY) N(t0, 1e6, 0) N(weight_decay, 0, 0) B(maximize)
// clang-format on

#define FIELD_N(name, fallback, least) double name;
#define FIELD_U(name, fallback, low, below) double name;
#define FIELD_B(name) double name;
#define FIELD_L(field, list, at, fallback, low, below) double field;
#define SAY_N(name, fallback, least) {#name, 0, false, fallback, least, INFINITY},
#define SAY_U(name, fallback, low, below) {#name, 0, false, fallback, low, below},
#define SAY_B(name) {#name, 0, true, 0, -INFINITY, INFINITY},
#define SAY_L(field, list, at, fallback, low, below) {#list, at, false, fallback, low, below},
#define OPTIONS(rule)                                                                                                  \
  typedef struct rule##_options {                                                                                      \
    OPTIONS_##rule(FIELD_N, FIELD_U, FIELD_B, FIELD_L)                                                                 \
  } rule##_options;                                                                                                    \
  static const nl_option options_of_##rule[] = {OPTIONS_##rule(SAY_N, SAY_U, SAY_B, SAY_L)};

OPTIONS(sgd)
OPTIONS(adam)
OPTIONS(adamw)

/* ---- a step's numbers ---- */

/* The head of a rule's function: o are its options, t the step from 1, k its kernel's numbers. Of these lr, decay and
   what the kernel names are 0 unless they are set; the sign follows from maximize. */
#define SETTLE(rule)                                                                                                   \
  OPTIONS(rule)                                                                                                        \
  static void rule##_of(const rule##_options *o, double t, nl_optim_slot *slot, nl_##rule *k);                         \
  static void settle_##rule(const double *options, double t, nl_optim_slot *slot, nl_rule_numbers *k) {                \
    rule##_options o;                                                                                                  \
    memcpy(&o, options, sizeof o);                                                                                     \
    k->sign = o.maximize != 0 ? -1 : 1;                                                                                \
    rule##_of(&o, t, slot, &k->rule);                                                                                  \
  }                                                                                                                    \
  static void rule##_of(const rule##_options *o, double t, nl_optim_slot *slot, nl_##rule *k)

SETTLE(adagrad) {
  (void)slot;
  k->lr = o->lr / (1 + (t - 1) * o->lr_decay);
  k->decay = o->weight_decay;
  k->eps = o->eps;
  k->start = t == 1 ? o->initial_accumulator_value : 0;
}
SETTLE(adadelta) {
  (void)t, (void)slot;
  k->lr = o->lr;
  k->decay = o->weight_decay;
  k->rho = o->rho;
  k->eps = o->eps;
}
SETTLE(rmsprop) {
  (void)t, (void)slot;
  k->lr = o->lr;
  k->decay = o->weight_decay;
  k->alpha = o->alpha;
  k->eps = o->eps;
  k->momentum = o->momentum;
  k->centered = o->centered;
}
SETTLE(rprop) {
  (void)slot;
  k->lr = o->lr;
  k->eta_minus = o->eta_minus;
  k->eta_plus = o->eta_plus;
  k->least = o->least;
  k->largest = o->largest;
  k->first = t == 1;
}
SETTLE(adamax) {
  (void)slot;
  k->lr = o->lr / (1 - pow(o->beta1, t));
  k->decay = o->weight_decay;
  k->beta1 = o->beta1;
  k->beta2 = o->beta2;
  k->eps = o->eps;
}
SETTLE(nadam) {
  double mu = o->beta1 * (1 - 0.5 * pow(0.96, t * o->momentum_decay));
  double next = o->beta1 * (1 - 0.5 * pow(0.96, (t + 1) * o->momentum_decay));
  double product = (slot->product + 1) * mu;
  slot->product = product - 1;
  k->lr = o->lr * (1 - mu) / (1 - product);
  k->decay = o->weight_decay;
  k->beta1 = o->beta1;
  k->beta2 = o->beta2;
  k->eps = o->eps;
  k->unbias2 = 1 / (1 - pow(o->beta2, t));
  k->average = o->lr * next / (1 - product * next);
}
SETTLE(radam) {
  (void)slot;
  double correction2 = 1 - pow(o->beta2, t), limit = 2 / (1 - o->beta2) - 1;
  double rho = limit - 2 * t * pow(o->beta2, t) / correction2;
  k->lr = o->lr / (1 - pow(o->beta1, t));
  k->decay = o->weight_decay;
  k->beta1 = o->beta1;
  k->beta2 = o->beta2;
  k->eps = o->eps;
  k->is_rectified = rho > 5;
  k->rectified = rho > 5 ? sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho) * correction2) : 0;
}
SETTLE(lion) {
  (void)t, (void)slot;
  k->lr = o->lr;
  k->beta1 = o->beta1;
  k->beta2 = o->beta2;
  k->keep = 1 - o->lr * o->weight_decay;
}
SETTLE(signsgd) {
  (void)t, (void)slot;
  k->lr = o->lr;
  k->momentum = o->momentum;
  k->keep = 1 - o->lr * o->weight_decay;
}
SETTLE(asgd) {
  (void)slot;
  k->lr = o->lr / pow(1 + o->lambd * o->lr * (t - 1), o->alpha);
  k->decay = o->weight_decay;
  k->keep = 1 - o->lambd * k->lr;
  k->share = t == 1 ? 1 : 1 / fmax(1, t - 1 - o->t0);
}
SETTLE(lamb) {
  (void)slot;
  k->lr = o->lr;
  k->decay = o->weight_decay;
  k->beta1 = o->beta1;
  k->beta2 = o->beta2;
  k->eps = o->eps;
  k->unbias1 = 1 / (1 - pow(o->beta1, t));
  k->unbias2 = 1 / (1 - pow(o->beta2, t));
}

/* ---- rules whose kernels have a form of their own ---- */

static void update_sgd(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options) {
  sgd_options o;
  memcpy(&o, options, sizeof o);
  nl_sgd_update(w, grad, slot,
                &(nl_sgd_args){.lr = o.lr,
                               .momentum = o.momentum,
                               .dampening = o.dampening,
                               .weight_decay = o.weight_decay,
                               .nesterov = o.nesterov != 0,
                               .maximize = o.maximize != 0});
}
static int sgd_keeps(const double *options) {
  sgd_options o;
  memcpy(&o, options, sizeof o);
  return o.momentum != 0;
}
static const char *refuse_sgd(const double *options) {
  sgd_options o;
  memcpy(&o, options, sizeof o);
  return o.nesterov != 0 && (o.momentum == 0 || o.dampening != 0) ? "nesterov needs momentum above 0 and no dampening"
                                                                  : NULL;
}
static int adam_keeps(const double *options) {
  adam_options o;
  memcpy(&o, options, sizeof o);
  return o.amsgrad != 0 ? 3 : 2;
}
static void adam_with(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options, bool decoupled) {
  adam_options o;
  memcpy(&o, options, sizeof o);
  nl_adam_update(w, grad, slot,
                 &(nl_adam_args){.lr = o.lr,
                                 .beta1 = o.beta1,
                                 .beta2 = o.beta2,
                                 .eps = o.eps,
                                 .weight_decay = o.weight_decay,
                                 .decoupled = decoupled,
                                 .amsgrad = o.amsgrad != 0,
                                 .maximize = o.maximize != 0});
}
static void update_adam(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options) {
  adam_with(w, grad, slot, options, false);
}
static void update_adamw(nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const double *options) {
  _Static_assert(sizeof(adamw_options) == sizeof(adam_options), "AdamW has Adam's options, with another default");
  adam_with(w, grad, slot, options, true);
}

/* ---- the table ---- */

#define HAS(rule) .options = options_of_##rule, .noptions = sizeof options_of_##rule / sizeof *options_of_##rule
#define RUNS(rule) HAS(rule), .kernel = NL_RULE_##rule, .settle = settle_##rule

static const nl_rule rules[] = {
    {.name = "SGD",
     .doc = "Goes down the gradient; momentum and Nesterov's form as in Sutskever et al. 2013.",
     HAS(sgd),
     .states = {"the momentum buffer"},
     .keeps = sgd_keeps,
     .refuse = refuse_sgd,
     .update = update_sgd},
    {.name = "Adam",
     .doc = "Scales steps by averages of gradient and square (Kingma & Ba 2015; amsgrad: Reddi et al. 2018).",
     HAS(adam),
     .states = {"the average gradient", "the average square of it", "the largest average square, with amsgrad"},
     .keeps = adam_keeps,
     .update = update_adam},
    {.name = "AdamW",
     .doc = "Is Adam with decoupled weight decay (Loshchilov & Hutter 2019).",
     HAS(adamw),
     .states = {"the average gradient", "the average square of it", "the largest average square, with amsgrad"},
     .keeps = adam_keeps,
     .update = update_adamw},
    {.name = "Adagrad",
     .doc = "Lowers rates where gradients were large (Duchi, Hazan & Singer 2011).",
     RUNS(adagrad),
     .states = {"the sum of squared gradients"}},
    {.name = "Adadelta",
     .doc = "Scales steps by the steps before, without a rate (Zeiler 2012).",
     RUNS(adadelta),
     .states = {"the average squared gradient", "the average squared step"}},
    {.name = "RMSprop",
     .doc = "Divides gradients by their root mean square (Tieleman & Hinton 2012).",
     RUNS(rmsprop),
     .states = {"the average squared gradient", "the momentum buffer", "the average gradient, where centered"}},
    {.name = "Rprop",
     .doc = "Steps by signs, each weight with its own size (Riedmiller & Braun 1993).",
     RUNS(rprop),
     .states = {"the gradient before", "the step sizes"}},
    {.name = "Adamax",
     .doc = "Is Adam with the largest gradient (Kingma & Ba 2015, algorithm 2).",
     RUNS(adamax),
     .states = {"the average gradient", "the largest gradient, fading"}},
    {.name = "NAdam",
     .doc = "Is Adam with Nesterov's momentum (Dozat 2016).",
     RUNS(nadam),
     .states = {"the average gradient", "the average square of it"}},
    {.name = "RAdam",
     .doc = "Is Adam that warms up by itself (Liu et al. 2020).",
     RUNS(radam),
     .states = {"the average gradient", "the average square of it"}},
    {.name = "LAMB",
     .doc = "Is Adam with layer-wise rates, for large batches (You et al. 2020).",
     RUNS(lamb),
     .states = {"the average gradient", "the average square of it", "the direction"}},
    {.name = "Lion",
     .doc = "Steps by the sign of an average gradient (Chen et al. 2023).",
     RUNS(lion),
     .states = {"the average gradient"}},
    {.name = "SignSGD",
     .doc = "Steps by the sign of the gradient or its average (Bernstein et al. 2018).",
     RUNS(signsgd),
     .states = {"the average gradient"}},
    {.name = "ASGD",
     .doc = "Goes down the gradient and averages the weights (Polyak & Juditsky 1992).",
     RUNS(asgd),
     .states = {"the average weight"}},
};

int nl_rule_count(void) {
  return (int)(sizeof rules / sizeof *rules);
}

const nl_rule *nl_rule_at(int i) {
  return i >= 0 && i < nl_rule_count() ? &rules[i] : NULL;
}

const nl_rule *nl_rule_find(const char *name) {
  for (int i = 0; i < nl_rule_count(); i++) {
    if (strcmp(rules[i].name, name) == 0) {
      return &rules[i];
    }
  }
  return NULL;
}
