/* One call of a layer, and how forwards are written: over the ops of the op table, so that gradients of every order,
   compiled steps, the profile and devices follow. */
#ifndef NL_NN_PASS_H
#define NL_NN_PASS_H

#include <math.h>

#include "autograd/tape.h"
#include "nn/layer.h"
#include "optable/helpers.h"

/* An input of a layer that a forward calls: a tensor (NULL: left out), or where there is none by that name, a flag. */
typedef struct nl_given {
  const char *name; /* NULL: by position */
  nl_tensor *tensor;
  bool is_flag, flag;
} nl_given;

/* What only the border knows: the layers in fields, which may be written in Lua, and fields that no entry names. All of
   them do nothing and give NULL where the pass has failed. A forward reads its own tensors before it calls a layer,
   which may change them; what a layer in Lua raises is kept there and raised again.
 */
typedef struct nl_pass_host {
  /* The layer in a field, called. */
  nl_tensor *(*call)(nl_pass *, int field, nl_tensor *x);
  /* The same with more than one input: `given` of them, those with names behind the others. */
  nl_tensor *(*call_all)(nl_pass *, int field, int given, const nl_given *);
  /* The same, with another tensor in its field of the name that `name` says for the time of the call. */
  nl_tensor *(*call_with)(nl_pass *, int field, const char *name, nl_tensor *value, nl_tensor *x);
  /* The tensor that the layer in a field calls `name`; with field -1, this layer itself. NULL: there is none. */
  nl_tensor *(*tensor_in)(nl_pass *, int field, const char *name);
} nl_pass_host;

struct nl_pass {
  const nl_layer *layer;
  nl_build build;
  const nl_pass_host *host;
  bool recording; /* a function is being compiled: values are not looked at */
  bool told;      /* what went wrong is told in a layer's name already */
  int nin, nout;
  nl_tensor *in[NL_PASS_IN]; /* as the entry's inputs say; NULL: left out */
  bool flag[NL_PASS_FLAGS];
  int nlist; /* of the list of sizes that an entry may take; 0: not given */
  int64_t list[NL_MAX_DIM];
  nl_tensor *out[NL_PASS_OUT];
};

/* No input yet: tensors are NULL, and flags what they are where they are not given. */
void nl_pass_clear_inputs(nl_pass *);

/* Runs a layer on in[0 .. nin): checks the inputs, then forward. The build is the caller's, to be initialized before
   and freed after; it owns what comes out. */
nl_status nl_pass_run(nl_pass *);

/* The same for the weight that a layer computes (the entry's `weight`); NULL after a failure. */
nl_tensor *nl_pass_weight(nl_pass *);

/* ---- fields ---- */

static inline double number_of(const nl_pass *p, int field) {
  return p->layer->value[field].number;
}
static inline int64_t int_of(const nl_pass *p, int field) {
  return p->layer->value[field].i;
}
static inline bool flag_of(const nl_pass *p, int field) {
  return p->layer->value[field].b;
}
/* NULL: nil */
static inline nl_tensor *tensor_of(const nl_pass *p, int field) {
  return p->layer->value[field].set ? *p->layer->value[field].tensor : NULL;
}
static inline const int64_t *sizes_of(const nl_layer *l, int field, int *count) {
  *count = l->value[field].set ? l->value[field].list.count : 0;
  return l->ints + l->value[field].list.at;
}
static inline bool is_set(const nl_pass *p, int field) {
  return p->layer->value[field].set;
}

/* ---- messages ---- */

/* Fails the pass with "Linear(3, 4): " and the text. Returns NULL. */
nl_tensor *nl_pass_fail(nl_pass *, const char *fmt, ...) NL_PRINTF(2, 3);

/* Where the op `op` failed because something was out of range: says so in the layer's name, with `before` and `after`
   around it. */
void nl_pass_reword(nl_pass *, const char *op, const char *before, const nl_tensor *input, const char *after);

/* ---- what forwards share ---- */

/* The head of a forward with one result: b is its build, x its first input. */
#define NL_FORWARD(name)                                                                                               \
  static nl_tensor *name##_of(nl_pass *p, nl_build *b, nl_tensor *x);                                                  \
  static void forward_##name(nl_pass *p) {                                                                             \
    p->out[0] = name##_of(p, &p->build, p->in[0]);                                                                     \
    p->nout = 1;                                                                                                       \
  }                                                                                                                    \
  static nl_tensor *name##_of(nl_pass *p, nl_build *b, nl_tensor *x)

/* True where a forward that only works in training passes its input on. */
static inline bool is_resting(const nl_pass *p) {
  return !p->layer->training;
}

/* An op written into its first tensor, a buffer, without a gradient: b_into(b, op_mul(), buffer, x). */
void nl_b_into(nl_build *, const nl_op *, nl_tensor *buffer, nl_tensor *x);

/* x without its history, in the same memory. */
nl_tensor *nl_b_detach(nl_build *, nl_tensor *x);
static inline nl_tensor *b_mean(nl_build *b, nl_tensor *x, int ndims, const int64_t *dims, bool keepdim) {
  return dims ? nl_b_do(b, op_mean(), "tlb", x, ndims, dims, keepdim) : nl_b_do(b, op_mean(), "t", x);
}
static inline nl_tensor *b_total(nl_build *b, nl_tensor *x) {
  return nl_b_sum(b, x, 0, NULL, false);
}

/* A value for each channel (dim 2), shaped so that it broadcasts over x. */
nl_tensor *nl_along_channels(nl_build *, nl_tensor *t, const nl_tensor *x);

/* ---- making ---- */

/* What a constructor works on: the settings are read, the parts are still to be made. */
struct nl_making {
  const nl_layer *layer;
  nl_build build;
  nl_dtype dtype;          /* of the setting that says it, or float32 */
  const char *initializer; /* of the setting that says it, or NULL */
  /* Puts a tensor into a field as what the entry says it is; with field -1, into that of a name, as a parameter. */
  void (*put)(nl_making *, int field, const char *name, nl_tensor *);
  /* Fills the tensor by an initializer of nn.init. */
  void (*initialize)(nl_making *, const char *initializer, nl_tensor *);
  /* Makes a layer by its entry's name, its first settings (of any kind; nan: left out) and an initializer (or NULL),
     and puts it into a field. Gives the part's tensor `name`, if that is no NULL. */
  nl_tensor *(*part)(nl_making *, int field, const char *entry, int n, const double *settings, const char *initializer,
                     const char *name);
  /* The parameter `name` of the layer that a setting holds; fails where it has none. With `take`, it is a plain tensor
     of that layer from then on. */
  nl_tensor *(*want)(nl_making *, int field, const char *name, bool take);
};

static inline bool wants(const nl_making *m, int field) {
  return m->layer->value[field].b;
}
static inline double made_number(const nl_making *m, int field) {
  return m->layer->value[field].number;
}
static inline int64_t made_int(const nl_making *m, int field) {
  return m->layer->value[field].i;
}

/* A tensor of one value, or drawn from U(-bound, bound). */
nl_tensor *nl_made_full(nl_making *, int ndim, const int64_t *shape, double value);
nl_tensor *nl_made_uniform(nl_making *, int ndim, const int64_t *shape, double bound);
nl_tensor *nl_made_empty(nl_making *, int ndim, const int64_t *shape);

#endif
