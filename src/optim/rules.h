/* The table of optimizers' rules. Each is one entry: its name, source, options with defaults and bounds, what it keeps
   for a parameter, its kernel (kernels/optim.c), and how a step's numbers come from the options. nn.optim, its checks,
   its help and its files of state follow from the table. */
#ifndef NL_OPTIM_RULES_H
#define NL_OPTIM_RULES_H

#include "kernels/kernels.h"
#include "tensor/tensor.h"

enum { NL_MAX_OPTIONS = 10, NL_MAX_STATES = 3 };

/* What a rule keeps for one parameter. */
typedef struct nl_optim_slot {
  nl_tensor *state[NL_MAX_STATES]; /* in the order of the rule's names for them; NULL until they are needed */
  double product;                  /* NAdam: of the momenta so far, less 1 */
  int64_t step;                    /* updates made */
  bool fresh;                      /* the states are there, but no update has used them yet */
  nl_tensor *packed;               /* where a gradient that is no block is made one; NULL until it is needed */
} nl_optim_slot;

void nl_optim_slot_free(nl_optim_slot *);

/* An option of a group, read as a number (a boolean as 1 or 0). */
typedef struct nl_option {
  const char *name;
  int at; /* of a list such as betas: which of its numbers, from 1; 0: the option is no list */
  bool is_bool;
  double fallback;   /* the default */
  double low, below; /* low <= value < below; -INFINITY and INFINITY bound nothing */
} nl_option;

typedef struct nl_rule nl_rule;
struct nl_rule {
  const char *name;
  const char *doc;          /* what it is and its source */
  const nl_option *options; /* noptions of them */
  int noptions;
  const char *states[NL_MAX_STATES]; /* what it keeps for each element */
  /* How many of them it keeps with these options; left out: all. */
  int (*keeps)(const double *options);
  /* What is wrong with options that are each within their bounds, or NULL; may be left out. */
  const char *(*refuse)(const double *options);
  int kernel;
  /* The kernel's numbers for step t (from 1), from the options in their order. */
  void (*settle)(const double *options, double t, nl_optim_slot *, nl_rule_numbers *);
  /* Instead of both, for a rule whose kernel has a form of its own; as nl_rule_apply. */
  void (*update)(nl_tensor *w, nl_tensor *grad, nl_optim_slot *, const double *options);
};

int nl_rule_count(void);
const nl_rule *nl_rule_at(int i);
const nl_rule *nl_rule_find(const char *name); /* NULL: no such rule */

#endif
