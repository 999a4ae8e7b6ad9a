/* Where gradients meet. */
#include "autograd/backward.h"
#include "core/memory.h"
#include "optable/helpers.h"

/* An op of the engine's own over tensors that the engine holds (y may be NULL): where there is no memory, once more
   after something was done about it. */
static nl_status run_relieved(const nl_op *op, nl_tensor *x, nl_tensor *y, bool inplace, nl_tensor **out) {
  nl_call c;
  nl_status status = NL_OK;
  for (int tries = 0; tries < 2; tries++) {
    nl_call_init(&c, op, y ? 2 : 1, NULL);
    c.in[0] = x;
    if (y) {
      c.in[1] = y;
    }
    c.inplace = inplace;
    status = nl_dispatch(&c);
    if (status != NL_NOMEM || c.wrote || tries > 0 || !nl_memory_relieve()) {
      break;
    }
  }
  *out = c.out[0];
  return status;
}

nl_status nl_add_into(nl_tensor **sum, nl_tensor *g, bool *made) {
  if (!*sum) {
    *sum = g;
    return NL_OK;
  }
  /* a sum that nobody else holds can take the addition itself */
  bool inplace = (*sum)->refs == 1 && (*sum)->storage->refs == 1 && (*sum)->contiguous && !nl_grad_enabled();
  nl_tensor *out;
  nl_status status = run_relieved(op_add(), *sum, g, inplace, &out);
  nl_tensor_unref(g);
  if (status == NL_OK) {
    *made = *made || !inplace;
    nl_tensor_unref(*sum);
    *sum = out;
  }
  return status;
}

nl_status nl_add_to_leaf(nl_tensor *leaf, nl_tensor *g, bool create_graph) {
  nl_tensor *have = nl_grad_of(leaf), *out = NULL;
  nl_status status = NL_OK;
  if (have) {
    nl_tensor_ref(have); /* where memory is short, anything may happen to .grad meanwhile */
    status = run_relieved(op_add(), have, g, !create_graph, &out);
    if (status == NL_OK) {
      status = create_graph ? nl_set_grad(leaf, out) : NL_OK;
      nl_tensor_unref(out);
    }
    nl_tensor_unref(have);
  } else if (create_graph || (g->refs == 1 && g->storage->refs == 1 && g->contiguous)) {
    status = nl_set_grad(leaf, g);
  } else {
    status = run_relieved(op_clone(), g, NULL, false, &out);
    if (status == NL_OK) {
      status = nl_set_grad(leaf, out);
      nl_tensor_unref(out);
    }
  }
  nl_tensor_unref(g);
  return status;
}
