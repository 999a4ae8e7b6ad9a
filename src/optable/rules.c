/* Shared rules of shapes and dtypes. */
#include "optable/rules.h"

#include <string.h>

nl_status nl_rule_dim(int64_t written, int ndim, int *out) {
  int n = ndim > 0 ? ndim : 1;
  int64_t d = written < 0 ? written + n : written - 1;
  if (d < 0 || d >= n) {
    if (ndim == 0) {
      return nl_fail("dim %lld does not exist: the tensor has 0 dims", (long long)written);
    }
    return nl_fail("dim %lld does not exist: the tensor has %d dim%s (1 to %d, or -%d to -1)", (long long)written, ndim,
                   ndim == 1 ? "" : "s", ndim, ndim);
  }
  *out = (int)d;
  return NL_OK;
}

nl_status nl_rule_dims(const nl_call *c, int attr, int ndim, bool mask[NL_MAX_DIM]) {
  int count;
  const int64_t *dims = nl_call_list(c, attr, &count);
  memset(mask, !c->attr[attr].set, NL_MAX_DIM * sizeof *mask);
  for (int i = 0; i < count; i++) {
    int d = 0;
    nl_status status = nl_rule_dim(dims[i], ndim, &d);
    if (status != NL_OK) {
      return status;
    }
    if (mask[d]) {
      return nl_fail("dim %lld is named twice", (long long)dims[i]);
    }
    mask[d] = true;
  }
  return NL_OK;
}

void nl_rule_shape(nl_call *c, int i, int ndim, const int64_t *shape, nl_dtype dtype) {
  nl_out_desc *d = &c->desc[i];
  d->dtype = dtype;
  d->ndim = ndim;
  for (int k = 0; k < ndim; k++) {
    d->shape[k] = shape[k];
  }
  if (c->nout < i + 1) {
    c->nout = i + 1;
  }
}

void nl_rule_like(nl_call *c, int i, const nl_tensor *t, nl_dtype dtype) {
  nl_rule_shape(c, i, t->ndim, t->shape, dtype);
}

nl_dtype nl_rule_float(nl_dtype t) {
  return nl_dtype_is_float(t) ? t : NL_DEFAULT_FLOAT;
}

nl_status nl_rule_want_float(const nl_tensor *t, const char *what) {
  if (nl_dtype_is_float(nl_tensor_dtype(t))) {
    return NL_OK;
  }
  return nl_fail("%s is %s (shape %s) but a float tensor is needed; convert it with x:to(\"float32\")", what,
                 nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
}

nl_status nl_rule_view(nl_call *c, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset) {
  c->nout = 1;
  c->view = true;
  return nl_tensor_view(c->in[0], ndim, shape, strides, offset, &c->out[0]);
}

nl_around nl_rule_around(const nl_tensor *t, int dim) {
  nl_around a = {1, t->ndim ? t->shape[dim] : 1, 1};
  for (int i = 0; i < dim; i++) {
    a.outer *= t->shape[i];
  }
  for (int i = dim + 1; i < t->ndim; i++) {
    a.inner *= t->shape[i];
  }
  return a;
}

nl_dtype nl_rule_dtype(const nl_call *c, int attr, nl_dtype otherwise) {
  return c->attr[attr].set ? (nl_dtype)c->attr[attr].i : otherwise;
}

nl_status nl_rule_made(nl_call *c, int count, const int64_t *shape, nl_dtype dtype) {
  if (count > NL_MAX_DIM) {
    return nl_fail("a tensor of %d dims was asked for; at most %d are possible", count, NL_MAX_DIM);
  }
  nl_rule_shape(c, 0, count, shape, dtype);
  return NL_OK;
}

nl_status nl_infer_shape_dtype(nl_call *c) {
  int count;
  const int64_t *shape = nl_call_list(c, nl_made_shape, &count);
  return nl_rule_made(c, count, shape, nl_rule_dtype(c, nl_made_dtype, NL_DEFAULT_FLOAT));
}

nl_status nl_infer_like(nl_call *c) {
  return nl_rule_made(c, c->in[0]->ndim, c->in[0]->shape, nl_rule_dtype(c, nl_like_dtype, nl_tensor_dtype(c->in[0])));
}
