/* The search for where a nan was made. */
#include "autograd/node.h"

static bool on, infinities;

void nl_set_anomaly(bool wanted, bool infinities_too) {
  on = wanted;
  infinities = infinities_too;
}
bool nl_anomaly(void) {
  return on;
}

bool nl_has_nan(const nl_tensor *t) {
  if (!t || !t->storage || !nl_dtype_is_float(nl_tensor_dtype(t))) {
    return false;
  }
  for (int64_t i = 0; i < t->numel; i++) {
    double v = nl_tensor_get_double(t, i);
    if (v != v || (infinities && v - v != 0)) {
      return true;
    }
  }
  return false;
}

nl_status nl_anomaly_check(const nl_call *c) {
  bool made = false;
  if (c->inplace || c->view || (c->op->flags & NL_OP_INTERNAL)) {
    return NL_OK;
  }
  for (int i = 0; i < c->nout; i++) {
    made = made || nl_has_nan(c->out[i]);
  }
  for (int i = 0; i < c->nin && made; i++) {
    made = !nl_has_nan(c->in[i]);
  }
  if (made) {
    return nl_fail("made %s (the first has shape %s)",
                   infinities ? "nan or infinity from finite inputs" : "nan from inputs without nan",
                   c->nin && c->in[0] ? nl_tensor_shape_string(c->in[0]).s : "-");
  }
  return NL_OK;
}
