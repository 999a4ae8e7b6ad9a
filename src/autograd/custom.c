/* Nodes whose way back is a function of the host language's. */
#include "autograd/node.h"
#include "core/memory.h"

static nl_status no_vjp(nl_call *c, nl_vjp *v) {
  (void)c;
  (void)v;
  return NL_OK;
}

static int position_of(const nl_custom *f, const nl_tensor *t) {
  for (int i = 0; i < f->nout; i++) {
    if (f->out[i] == t) {
      return i;
    }
  }
  return -1;
}

static nl_status fill_edges(nl_node *n, const nl_custom *f) {
  n->custom = f->backward;
  n->function = nl_anchor_ref(f->function);
  nl_status status = nl_anchor_join(&n->anchor, f->function);
  for (int i = 0; i < f->nin && status == NL_OK; i++) {
    status = nl_node_save_input(n, i, f->in[i]);
    status = status == NL_OK ? nl_node_link(n, i, f->in[i]) : status;
  }
  for (int i = 0; i < f->nout && status == NL_OK; i++) {
    status = nl_tensor_shell(f->out[i], &n->shape[i]);
  }
  n->kept = status == NL_OK && f->nkept ? nl_new((size_t)f->nkept * sizeof *n->kept) : NULL;
  if (status == NL_OK && f->nkept && !n->kept) {
    status = NL_NOMEM;
  }
  for (int i = 0; i < f->nkept && status == NL_OK; i++) {
    n->nkept = i + 1;
    status = nl_node_keep(n, i, f->kept[i], position_of(f, f->kept[i]));
  }
  return status;
}

nl_status nl_record_custom(const nl_custom *f) {
  static const nl_op op = {
      .name = "a function of the user's", .args = "", .returns = "tensor", .doc = "", .vjp = no_vjp};
  nl_call c = {.op = &op, .nin = f->nin, .nout = f->nout, .in = f->in};
  nl_node *n;
  nl_status status = nl_node_new(&c, &n);
  status = status == NL_OK ? fill_edges(n, f) : status;
  if (status == NL_OK) {
    nl_node_number(n);
  }
  for (int i = 0; i < f->nout && status == NL_OK; i++) {
    if (nl_dtype_is_float(nl_tensor_dtype(f->out[i]))) {
      n->refs++;
      status = nl_node_attach(n, i, f->out[i]);
    }
  }
  nl_node_unref(n);
  return status;
}
