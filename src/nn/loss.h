/* What losses share. A loss of a user's own is a function(output, target) that gives a scalar tensor. */
#ifndef NL_NN_LOSS_H
#define NL_NN_LOSS_H

#include "nn/pass.h"

/* The first setting of every loss. */
enum { loss_reduction };
#define NL_REDUCTION "| reduction: choice = mean|sum|none"

/* The loss of a batch, as the reduction says. */
nl_tensor *nl_loss_reduced(nl_pass *, nl_tensor *values);

/* Fails unless two inputs are of one shape; true where they are. */
bool nl_loss_equal(nl_pass *, const nl_tensor *a, const nl_tensor *b);

/* Fails unless the target is int64 class labels; `classes`: how many there are. */
bool nl_loss_classes(nl_pass *, const nl_tensor *target, int64_t classes);

/* x at the places t along a dim (from 1), with the loss's name in the error for a class that is not there. */
nl_tensor *nl_loss_pick(nl_pass *, nl_tensor *x, int64_t dim, nl_tensor *t);

/* Fails unless y has a sign for each pair: a tensor of the pairs' shape. */
bool nl_loss_signs(nl_pass *, const nl_tensor *y, const nl_tensor *pairs);

/* Fails where an element of t lies outside low .. high; `hint` says what to do. Does nothing while a function is
   recorded, which does not look at values. */
void nl_loss_within(nl_pass *, nl_tensor *t, const char *what, double low, double high, const char *hint);

/* The head of a loss that is a formula for each element of input and target. */
#define NL_LOSS(name)                                                                                                  \
  static nl_tensor *name##_values(nl_pass *p, nl_build *b, nl_tensor *x, nl_tensor *y);                                \
  NL_FORWARD(name) {                                                                                                   \
    if (!nl_loss_equal(p, x, p->in[1])) {                                                                              \
      return NULL;                                                                                                     \
    }                                                                                                                  \
    return nl_loss_reduced(p, name##_values(p, b, b_wide(b, x), b_wide(b, p->in[1])));                                 \
  }                                                                                                                    \
  static nl_tensor *name##_values(nl_pass *p, nl_build *b, nl_tensor *x, nl_tensor *y)

#endif
