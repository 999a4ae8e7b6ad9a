/* Storage, shape, strides, views. */
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

#include "core/assert.h"
#include "core/memory.h"

void (*nl_tensor_release_meta)(void *grad_meta);

uint64_t nl_tensor_changes;

static uint64_t serial;

uint64_t nl_storage_serial(void) {
  return serial;
}

uint64_t nl_storage_next_serial(void) {
  return ++serial;
}

int64_t nl_shape_numel(int ndim, const int64_t *shape) {
  int64_t n = 1; /* dims of 0 count as 1 here: what lies beside them must be countable too */
  bool empty = false;
  for (int i = 0; i < ndim; i++) {
    empty = empty || shape[i] == 0;
    if (shape[i] != 0 && __builtin_mul_overflow(n, shape[i], &n)) {
      return -1;
    }
  }
  return n > INT64_MAX / 16 ? -1 : (empty ? 0 : n);
}

void nl_shape_strides(int ndim, const int64_t *shape, int64_t *strides) {
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    strides[i] = step;
    /* without elements the sizes may multiply to anything; nobody steps then */
    step = (int64_t)((uint64_t)step * (uint64_t)(shape[i] > 1 ? shape[i] : 1));
  }
}

static nl_tensor *tensor_struct(nl_dtype dtype, int ndim, const int64_t *shape) {
  nl_tensor *t = nl_new(sizeof *t + 2 * (size_t)ndim * sizeof(int64_t));
  if (!t) {
    return NULL;
  }
  t->refs = 1;
  t->dtype = (uint8_t)dtype;
  t->ndim = (uint8_t)ndim;
  t->shape = (int64_t *)(t + 1);
  t->strides = t->shape + ndim;
  for (int i = 0; i < ndim; i++) {
    t->shape[i] = shape[i];
  }
  return t;
}

/* Small data lies behind its struct, in one block: half the work, and the struct is in the cache when the data is. */
enum { BESIDE = 1024, HEAD = 64 };
_Static_assert(sizeof(nl_storage) <= HEAD, "the data behind a storage begins after 64 bytes");

nl_storage *nl_storage_new(size_t bytes) {
  nl_storage *s = bytes <= BESIDE ? nl_data_alloc(HEAD + bytes) : nl_new(sizeof *s);
  void *data = s ? (bytes <= BESIDE ? (char *)s + HEAD : nl_data_alloc(bytes)) : NULL;
  if (!data) {
    nl_delete(s);
    return NULL;
  }
  *s = (nl_storage){.refs = 1, .bytes = bytes, .data = data, .serial = ++serial};
  return s;
}

void nl_storage_reserve(size_t bytes, int count) {
  if (bytes <= BESIDE) {
    nl_data_reserve(HEAD + bytes, count);
  }
}

nl_status nl_tensor_new(nl_dtype dtype, int ndim, const int64_t *shape, nl_tensor **out) {
  *out = NULL;
  if (ndim > NL_MAX_DIM) {
    return nl_fail("a tensor of %d dims was asked for; at most %d are possible", ndim, NL_MAX_DIM);
  }
  for (int i = 0; i < ndim; i++) {
    if (shape[i] < 0) {
      return nl_fail("a tensor cannot have shape %s: sizes must be 0 or more", nl_shape_string(ndim, shape).s);
    }
  }
  int64_t numel = nl_shape_numel(ndim, shape);
  if (numel < 0) {
    return nl_fail("a tensor of shape %s has more elements than can be counted", nl_shape_string(ndim, shape).s);
  }
  size_t bytes = (size_t)numel * nl_dtype_size(dtype);
  nl_tensor *t = tensor_struct(dtype, ndim, shape);
  nl_storage *storage = t ? nl_storage_new(bytes) : NULL;
  if (!storage) {
    nl_delete(t);
    return NL_NOMEM;
  }
  t->storage = storage;
  t->numel = numel;
  t->contiguous = true;
  nl_shape_strides(ndim, shape, t->strides);
  *out = t;
  return NL_OK;
}

static bool strides_are_contiguous(int ndim, const int64_t *shape, const int64_t *strides) {
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    if (shape[i] != 1) {
      if (strides[i] != step) {
        return false;
      }
      step *= shape[i] ? shape[i] : 1;
    }
  }
  return true;
}

void nl_tensor_settle(nl_tensor *t) {
  t->contiguous = t->numel == 0 || strides_are_contiguous(t->ndim, t->shape, t->strides);
  if (t->contiguous) {
    nl_shape_strides(t->ndim, t->shape, t->strides);
  }
}

nl_status nl_tensor_view(nl_tensor *t, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset,
                         nl_tensor **out) {
  *out = NULL;
  int64_t numel = nl_shape_numel(ndim, shape);
  if (numel < 0) {
    return nl_fail("a tensor of shape %s has more elements than can be counted", nl_shape_string(ndim, shape).s);
  }
  nl_tensor *v = tensor_struct(nl_tensor_dtype(t), ndim, shape);
  *out = v;
  if (!v) {
    return NL_NOMEM;
  }
  for (int i = 0; i < ndim; i++) {
    v->strides[i] = strides[i];
  }
  v->storage = t->storage;
  t->storage->refs++;
  v->offset = offset;
  v->numel = numel;
  nl_tensor_settle(v);
  v->base = nl_tensor_ref(t->base ? t->base : t);
  v->wrapped_number = t->wrapped_number;
  return NL_OK;
}

nl_status nl_tensor_shell(const nl_tensor *t, nl_tensor **out) {
  nl_tensor *s = tensor_struct(nl_tensor_dtype(t), t->ndim, t->shape);
  *out = s;
  if (!s) {
    return NL_NOMEM;
  }
  s->numel = t->numel;
  s->wrapped_number = t->wrapped_number;
  return NL_OK;
}

nl_status nl_tensor_from_double(double value, nl_tensor **out) {
  nl_status status = nl_tensor_new(NL_F64, 0, NULL, out);
  if (status == NL_OK) {
    *(double *)(*out)->storage->data = value;
    (*out)->wrapped_number = true;
  }
  return status;
}

nl_status nl_tensor_from_int(int64_t value, nl_tensor **out) {
  nl_status status = nl_tensor_new(NL_I64, 0, NULL, out);
  if (status == NL_OK) {
    *(int64_t *)(*out)->storage->data = value;
    (*out)->wrapped_number = true;
  }
  return status;
}

nl_status nl_tensor_from_bool(bool value, nl_tensor **out) {
  nl_status status = nl_tensor_new(NL_BOOL, 0, NULL, out);
  if (status == NL_OK) {
    *(uint8_t *)(*out)->storage->data = value;
    (*out)->wrapped_number = true;
  }
  return status;
}

void nl_storage_unref(nl_storage *s) {
  if (!s || --s->refs > 0) {
    return;
  }
  if (!s->parent && s->bytes <= BESIDE) {
    nl_data_free(s, HEAD + s->bytes);
    return;
  }
  if (s->parent) {
    nl_storage_unref(s->parent);
  } else {
    nl_data_free(s->data, s->bytes);
  }
  nl_delete(s);
}

nl_status nl_tensor_alias(nl_tensor *t, nl_tensor **out) {
  nl_status status = nl_tensor_shell(t, out);
  nl_storage *s = status == NL_OK ? nl_new(sizeof *s) : NULL;
  if (!s) {
    nl_tensor_unref(*out);
    *out = NULL;
    return NL_NOMEM;
  }
  nl_storage *root = t->storage->parent ? t->storage->parent : t->storage;
  *s = (nl_storage){.refs = 1, .data = nl_tensor_data(t), .serial = ++serial, .parent = root};
  s->bytes = t->storage->bytes - (size_t)t->offset * nl_dtype_size(nl_tensor_dtype(t));
  root->refs++;
  nl_tensor *a = *out;
  a->original = nl_tensor_ref(t->original ? t->original : t);
  a->storage = s;
  memcpy(a->strides, t->strides, (size_t)t->ndim * sizeof *a->strides);
  a->contiguous = t->contiguous;
  return NL_OK;
}

void nl_tensor_take_values(nl_tensor *t, const nl_tensor *from) {
  nl_storage *old = t->storage;
  nl_tensor_changes++;
  from->storage->version = nl_storage_version(old) + 1;
  from->storage->refs++;
  t->storage = from->storage;
  t->dtype = from->dtype;
  t->offset = from->offset;
  t->contiguous = from->contiguous;
  memcpy(t->strides, from->strides, (size_t)t->ndim * sizeof *t->strides);
  nl_storage_unref(old);
}

void nl_tensor_unref(nl_tensor *t) {
  if (!t || --t->refs > 0) {
    return;
  }
  if (t->grad_meta) {
    nl_tensor_release_meta(t->grad_meta);
  }
  nl_storage_unref(t->storage);
  nl_tensor *base = t->base, *original = t->original;
  nl_assert(!base || !base->base, "a base is never a view");
  nl_assert(!original || !original->original, "an original is no alias");
  nl_delete(t);
  nl_tensor_unref(base); /* one level deep, as asserted */
  nl_tensor_unref(original);
}

nl_shape_text nl_shape_string(int ndim, const int64_t *shape) {
  nl_shape_text text;
  if (ndim == 0) {
    snprintf(text.s, sizeof text.s, "scalar");
    return text;
  }
  size_t used = 0;
  for (int i = 0; i < ndim && used < sizeof text.s - 24; i++) {
    used += (size_t)snprintf(text.s + used, sizeof text.s - used, i ? "x%lld" : "%lld", (long long)shape[i]);
  }
  return text;
}

nl_shape_text nl_tensor_shape_string(const nl_tensor *t) {
  return nl_shape_string(t->ndim, t->shape);
}

/* The element at a linear row-major position. */
static const void *element(const nl_tensor *t, int64_t position) {
  int64_t at = t->offset;
  for (int i = t->ndim - 1; i >= 0; i--) {
    at += position % t->shape[i] * t->strides[i];
    position /= t->shape[i];
  }
  return (const char *)t->storage->data + (size_t)at * nl_dtype_size(nl_tensor_dtype(t));
}

double nl_tensor_get_double(const nl_tensor *t, int64_t position) {
  const void *p = element(t, position);
  switch (nl_tensor_dtype(t)) {
  case NL_F32:
    return *(const float *)p;
  case NL_F64:
    return *(const double *)p;
  default:
    return (double)nl_tensor_get_int(t, position);
  }
}

int64_t nl_tensor_get_int(const nl_tensor *t, int64_t position) {
  const void *p = element(t, position);
  switch (nl_tensor_dtype(t)) {
  case NL_I64:
    return *(const int64_t *)p;
  case NL_U8:
  case NL_BOOL:
    return *(const uint8_t *)p;
  default: {
    double v = nl_tensor_get_double(t, position);
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
  }
  }
}

void nl_tensor_set_double(nl_tensor *t, int64_t position, double value) {
  void *p = (void *)(uintptr_t)element(t, position);
  switch (nl_tensor_dtype(t)) {
  case NL_F32:
    *(float *)p = (float)value;
    break;
  case NL_F64:
    *(double *)p = value;
    break;
  case NL_BOOL:
    *(uint8_t *)p = value != 0;
    break;
  default:
    nl_tensor_set_int(t, position, value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN);
  }
}

void nl_tensor_set_int(nl_tensor *t, int64_t position, int64_t value) {
  void *p = (void *)(uintptr_t)element(t, position);
  switch (nl_tensor_dtype(t)) {
  case NL_I64:
    *(int64_t *)p = value;
    break;
  case NL_U8:
    *(uint8_t *)p = (uint8_t)value;
    break;
  case NL_BOOL:
    *(uint8_t *)p = value != 0;
    break;
  default:
    nl_tensor_set_double(t, position, (double)value);
  }
}
