/* Tensors: a small view (shape, strides, offset) over a reference-counted storage.
   Reference counts are not atomic: a tensor belongs to the thread of its Lua state. */
#ifndef NL_TENSOR_TENSOR_H
#define NL_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"
#include "core/error.h"

enum { NL_MAX_DIM = 32 };

typedef struct nl_storage {
  int64_t refs;
  size_t bytes;
  void *data;
  uint32_t version;          /* grows with every write in place; an alias has its parent's: see below */
  uint64_t serial;           /* later ones have larger numbers */
  struct nl_storage *parent; /* data lies inside this one's, which is kept and has no parent; NULL: data is its own */
} nl_storage;

/* The writes in place so far: a value that was saved and has changed since is noticed by it. */
static inline uint32_t nl_storage_version(const nl_storage *s) {
  return s->parent ? s->parent->version : s->version;
}
static inline void nl_storage_touch(nl_storage *s) {
  (s->parent ? s->parent : s)->version++;
}

typedef struct nl_tensor nl_tensor;

struct nl_tensor {
  int64_t refs;
  nl_storage *storage; /* NULL: shape and dtype only, no values */
  int64_t offset;      /* of the first element, in elements */
  int64_t numel;
  void *grad_meta;     /* autograd's: gradient, node; NULL when it has none */
  nl_tensor *base;     /* of a view: the tensor it looks into (never itself a view), else NULL */
  nl_tensor *original; /* of an alias: the tensor whose gradient it shares; kept */
  int64_t *shape;      /* ndim entries, in the same block of memory */
  int64_t *strides;    /* likewise, in elements */
  uint8_t ndim;
  uint8_t dtype;
  bool contiguous;      /* strides are those of a fresh row-major tensor */
  bool wrapped_number;  /* stands for a Lua number: weak in type promotion */
  bool requires_grad;   /* a leaf that wants a gradient, or a result that depends on one */
  bool is_parameter;    /* made by nn.Parameter */
  bool hooked;          /* a leaf whose gradient somebody looks at */
  bool unrecorded_view; /* a view made while nothing was recorded: it has no base that could learn of a write */
};

static inline nl_dtype nl_tensor_dtype(const nl_tensor *t) {
  return (nl_dtype)t->dtype;
}

/* First element. */
static inline void *nl_tensor_data(const nl_tensor *t) {
  return (char *)t->storage->data + (size_t)t->offset * nl_dtype_size(nl_tensor_dtype(t));
}

/* A fresh contiguous tensor, uninitialized. Errors: negative size, more than 32 dims, element count beyond int64,
   memory. On error *out is NULL. */
nl_status nl_tensor_new(nl_dtype dtype, int ndim, const int64_t *shape, nl_tensor **out);

/* Settles whether a tensor whose shape and strides were set is contiguous. The steps of dims of one element mean
   nothing; where it is, they become those of a fresh tensor, so that who has seen `contiguous` may count on all
   strides. */
void nl_tensor_settle(nl_tensor *);

/* A view over the same storage with its own geometry; the caller vouches that it stays inside. */
nl_status nl_tensor_view(nl_tensor *t, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset,
                         nl_tensor **out);

/* Shape and dtype without values: what the tape keeps of an input whose values no gradient needs. */
nl_status nl_tensor_shell(const nl_tensor *t, nl_tensor **out);

/* The same values and layout over a storage of its own, which keeps t's: a tensor that is told apart from t where calls
   are written down, and is t in all else: it shares memory, version and gradient. */
nl_status nl_tensor_alias(nl_tensor *t, nl_tensor **out);

/* t, which is no view, gets the values, dtype and layout of a fresh tensor of its shape, whose storage both share from
   then on. Its version grows: what was saved of t before is noticed. */
void nl_tensor_take_values(nl_tensor *t, const nl_tensor *from);

/* Grows when a tensor that was there gets other memory, or another wish for a gradient. */
extern uint64_t nl_tensor_changes;

/* Storages made so far. */
uint64_t nl_storage_serial(void);

/* A number for something that is no storage, to be told apart from those made before and after. */
uint64_t nl_storage_next_serial(void);

/* `bytes` of uninitialized data; NULL with the error slot written. */
nl_storage *nl_storage_new(size_t bytes);

/* Has memory for `count` more small storages of a size at hand. */
void nl_storage_reserve(size_t bytes, int count);

/* Gives up one reference to a storage. */
void nl_storage_unref(nl_storage *);

/* A 0-dim tensor that stands for a number written in Lua. */
nl_status nl_tensor_from_double(double value, nl_tensor **out);
nl_status nl_tensor_from_int(int64_t value, nl_tensor **out);
nl_status nl_tensor_from_bool(bool value, nl_tensor **out);

static inline nl_tensor *nl_tensor_ref(nl_tensor *t) {
  if (t) {
    t->refs++;
  }
  return t;
}
void nl_tensor_unref(nl_tensor *t);

static inline bool nl_shape_equal(const nl_tensor *a, const nl_tensor *b) {
  bool equal = a->ndim == b->ndim;
  for (int d = 0; d < a->ndim && equal; d++) {
    equal = a->shape[d] == b->shape[d];
  }
  return equal;
}

/* Elements of a shape; -1 when that, or the product of its sizes other than 0, is beyond what can be counted. */
int64_t nl_shape_numel(int ndim, const int64_t *shape);

/* Row-major strides of a shape. */
void nl_shape_strides(int ndim, const int64_t *shape, int64_t *strides);

/* "32x28x28" ("scalar" for 0 dims). */
typedef struct nl_shape_text {
  char s[96];
} nl_shape_text;
nl_shape_text nl_shape_string(int ndim, const int64_t *shape);
nl_shape_text nl_tensor_shape_string(const nl_tensor *t);

/* One element by its linear row-major position, converted. Slow; for printing, item() and tests. */
double nl_tensor_get_double(const nl_tensor *t, int64_t position);
int64_t nl_tensor_get_int(const nl_tensor *t, int64_t position);

/* Stores one number into element 0 of a fresh tensor's data at `position`. */
void nl_tensor_set_double(nl_tensor *t, int64_t position, double value);
void nl_tensor_set_int(nl_tensor *t, int64_t position, int64_t value);

/* Called with a tensor's grad_meta when the tensor dies; autograd sets it once. */
extern void (*nl_tensor_release_meta)(void *grad_meta);

#endif
