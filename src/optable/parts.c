/* Lists of tensors that are joined. */
#include "core/memory.h"
#include "optable/helpers.h"

void nl_parts_add(nl_build *b, nl_parts *parts, nl_tensor *t) {
  if (b->status != NL_OK) {
    return;
  }
  nl_tensor **more = nl_grow(parts->t, parts->n, sizeof *more);
  if (!more) {
    b->status = NL_NOMEM;
    return;
  }
  parts->t = more;
  parts->t[parts->n++] = t;
}

nl_tensor *nl_parts_join(nl_build *b, nl_parts *parts, const nl_op *op, int64_t dim) {
  nl_tensor *out = NULL;
  if (b->status == NL_OK && parts->n == 1 && op == op_cat()) {
    out = parts->t[0];
  } else if (b->status == NL_OK && parts->n > 0) {
    nl_call c;
    nl_call_init(&c, op, parts->n, parts->t);
    c.attr[0] = (nl_attr){.set = true, .i = dim};
    out = nl_b_call(b, &c);
  }
  nl_delete(parts->t);
  *parts = (nl_parts){0};
  return out;
}
