/* The way back. */
#ifndef NL_AUTOGRAD_BACKWARD_H
#define NL_AUTOGRAD_BACKWARD_H

#include "autograd/tape.h"

typedef struct nl_backward_args {
  nl_tensor *root;
  nl_tensor *grad;   /* of the root; NULL: 1, for a root of one element */
  bool retain_graph; /* keep what was saved, for another backward */
  bool create_graph; /* record the way back too, so that gradients have gradients */
  int ninputs;       /* > 0: gradients of these go into `grads`, and nothing is added to leaves */
  nl_tensor **inputs;
  nl_tensor **grads; /* out: owned by the caller; NULL where the root does not depend on the input */
} nl_backward_args;

/* Sends a gradient from the root through the graph. Without inputs, gradients are added to the leaves' .grad. Errors:
   no history, a root of many elements without a gradient, values freed or overwritten. */
nl_status nl_backward(const nl_backward_args *);

/* *sum += g, where *sum may be NULL. Takes over the reference to g. True in *made: the sum is a new tensor. */
nl_status nl_add_into(nl_tensor **sum, nl_tensor *g, bool *made);

/* Adds to a leaf's .grad, and takes over the reference to g. A gradient that nobody else holds becomes .grad itself. */
nl_status nl_add_to_leaf(nl_tensor *leaf, nl_tensor *g, bool create_graph);

#endif
