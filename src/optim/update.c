/* Sweeps over one parameter, cut over the pool. */
#include "optim/update.h"

#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "ops/iterate.h"

enum { GRAIN = 32768 };

void nl_optim_slot_free(nl_optim_slot *s) {
  nl_tensor_unref(s->m);
  nl_tensor_unref(s->v);
  *s = (nl_optim_slot){NULL, NULL, 0};
}

typedef struct sweep {
  nl_dtype dtype;
  char *w, *m, *v;
  const char *g;
  const nl_sgd_args *sgd;
  const nl_adam_args *adam;
} sweep;

static void sweep_range(void *ctx, int64_t begin, int64_t end) {
  const sweep *s = ctx;
  size_t at = (size_t)begin * nl_dtype_size(s->dtype);
  if (s->sgd) {
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

/* A zeroed tensor like w, unless there is one. */
static nl_status ensure(nl_tensor **t, const nl_tensor *w) {
  if (*t) {
    bool fits = (*t)->dtype == w->dtype && nl_shape_equal(*t, w) && (*t)->contiguous;
    return fits ? NL_OK
                : nl_fail("the optimizer's state has shape %s, but its parameter %s", nl_tensor_shape_string(*t).s,
                          nl_tensor_shape_string(w).s);
  }
  nl_status status = nl_tensor_new(nl_tensor_dtype(w), w->ndim, w->shape, t);
  if (status == NL_OK) {
    memset(nl_tensor_data(*t), 0, (*t)->storage->bytes);
  }
  return status;
}

static nl_status run(nl_tensor *w, nl_tensor *g, nl_optim_slot *slot, const nl_sgd_args *sgd,
                     const nl_adam_args *adam) {
  nl_tensor *packed = NULL;
  if (!g->contiguous) {
    nl_status status = nl_tensor_new(nl_tensor_dtype(g), g->ndim, g->shape, &packed);
    if (status != NL_OK) {
      return status;
    }
    nl_copy_values(packed, g);
    g = packed;
  }
  sweep s = {.dtype = nl_tensor_dtype(w),
             .w = nl_tensor_data(w),
             .g = nl_tensor_data(g),
             .m = slot->m ? nl_tensor_data(slot->m) : NULL,
             .v = slot->v ? nl_tensor_data(slot->v) : NULL,
             .sgd = sgd,
             .adam = adam};
  if (w->numel <= GRAIN) {
    sweep_range(&s, 0, w->numel);
  } else {
    nl_parallel_for(w->numel, GRAIN, sweep_range, &s);
  }
  w->storage->version++;
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
