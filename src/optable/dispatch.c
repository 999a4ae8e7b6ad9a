/* How a call runs. See op.h for the order of things. */
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "kernels/lapack.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

static const nl_recorder *recorders[NL_RECORDERS];

void nl_set_recorder(int watcher, const nl_recorder *r) {
  recorders[watcher] = r;
}

nl_generator *nl_default_generator(void) {
  static nl_generator generator;
  static bool seeded;
  if (!seeded) {
    seeded = true;
    nl_generator_seed(&generator, nl_random_seed());
  }
  return &generator;
}

nl_generator *nl_call_generator(const nl_call *c) {
  return nl_generator_now(c->generator ? c->generator : nl_default_generator());
}

void nl_call_init(nl_call *c, const nl_op *op, int nin, nl_tensor **in) {
  memset(c, 0, offsetof(nl_call, small_in));
  c->op = op;
  c->nin = nin;
  c->in = in ? in : c->small_in;
  if (!in) {
    memset(c->small_in, 0, sizeof c->small_in);
  }
  const nl_signature *sig = nl_op_signature(op);
  for (int i = 0; i < sig->count; i++) {
    const nl_param *p = &sig->param[i];
    if (p->kind <= NL_KIND_TENSORS) {
      continue;
    }
    nl_attr *a = &c->attr[p->slot];
    a->set = p->choices != NULL && p->kind != NL_KIND_SHAPE; /* whose word is no default */
    switch (p->kind) {
    case NL_KIND_NUMBER:
      a->number = p->default_number;
      break;
    case NL_KIND_BOOL:
      a->b = p->default_number != 0;
      break;
    case NL_KIND_CHOICE:
      a->i = 0;
      break;
    default:
      a->i = (int64_t)p->default_number;
    }
  }
}

void nl_call_set_list(nl_call *c, int attr, int count, const int64_t *values) {
  c->attr[attr].set = true;
  c->attr[attr].list.at = (int16_t)c->nints;
  c->attr[attr].list.count = (int16_t)count;
  if (count > 0) {
    memcpy(c->ints + c->nints, values, (size_t)count * sizeof *values);
  }
  c->nints += count;
}

static void release(nl_tensor **t, int n) {
  for (int i = 0; i < n; i++) {
    nl_tensor_unref(t[i]);
    t[i] = NULL;
  }
}

/* The inputs as run wants them. `owned` gets the temporaries. */
static nl_status lay_out_inputs(nl_call *c, nl_tensor **rin, nl_tensor **owned) {
  unsigned flags = c->op->flags;
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = c->in[i];
    rin[i] = t;
    if (!t) {
      continue;
    }
    bool convert = (flags & NL_OP_PROMOTE) && t->dtype != c->dtype;
    bool copy = (flags & NL_OP_CONTIGUOUS) && !t->contiguous;
    if (!convert && !copy) {
      continue;
    }
    nl_tensor *temp;
    nl_status status = nl_tensor_new(convert ? c->dtype : nl_tensor_dtype(t), t->ndim, t->shape, &temp);
    if (status != NL_OK) {
      return status;
    }
    owned[i] = temp;
    rin[i] = temp;
    nl_copy_values(temp, t);
  }
  return NL_OK;
}

static nl_status allocate_outputs(nl_call *c) {
  for (int i = 0; i < c->nout; i++) {
    nl_status status = nl_tensor_new(c->desc[i].dtype, c->desc[i].ndim, c->desc[i].shape, &c->out[i]);
    if (status != NL_OK) {
      return status;
    }
  }
  if (c->workspace_bytes) {
    int64_t n = (int64_t)c->workspace_bytes;
    return nl_tensor_new(NL_U8, 1, &n, &c->workspace);
  }
  return NL_OK;
}

static nl_status run_op(nl_call *c) {
  nl_tensor *small_rin[NL_SMALL_IN], *small_owned[NL_SMALL_IN] = {NULL};
  nl_tensor **rin = small_rin, **owned = small_owned, **heap = NULL;
  if (c->nin > NL_SMALL_IN) {
    heap = nl_new(2 * (size_t)c->nin * sizeof *heap);
    if (!heap) {
      return NL_NOMEM;
    }
    rin = heap;
    owned = heap + c->nin;
  }
  nl_status status = lay_out_inputs(c, rin, owned);
  if (status == NL_OK) {
    c->rin = rin;
    c->wrote = c->inplace && c->out[0] == c->in[0];
    c->op->run(c);
    if (nl_interrupt_pending()) {
      status = nl_fail_interrupted();
    }
  }
  c->rin = NULL;
  release(owned, c->nin);
  nl_delete(heap);
  return status;
}

void nl_run_strip(nl_call *c) {
  nl_strip s;
  c->op->strip(c, &s);
  nl_iterate(s.n, s.t, s.fn, &s);
}

/* The result must fit into the first tensor as it is: same shape, and a dtype it can hold. */
static nl_status check_inplace(const nl_call *c) {
  nl_tensor *self = c->in[0];
  const nl_out_desc *d = &c->desc[0];
  if (d->ndim != self->ndim || memcmp(d->shape, self->shape, (size_t)d->ndim * sizeof *d->shape) != 0) {
    return nl_fail("the result has shape %s and does not fit into the tensor of shape %s it should be written to",
                   nl_shape_string(d->ndim, d->shape).s, nl_tensor_shape_string(self).s);
  }
  bool to_float = nl_dtype_is_float(nl_tensor_dtype(self));
  bool loses = (nl_dtype_is_float(d->dtype) && !to_float) || (self->dtype == NL_BOOL && d->dtype != NL_BOOL) ||
               (self->dtype == NL_U8 && d->dtype == NL_I64);
  if (loses) {
    return nl_fail("the result is %s and cannot be written into a %s tensor; convert it first, e.g. x = x:to(\"%s\")",
                   nl_dtype_name(d->dtype), nl_dtype_name(nl_tensor_dtype(self)), nl_dtype_name(d->dtype));
  }
  for (int i = 0; i < self->ndim && self->numel > 0; i++) {
    if (self->shape[i] > 1 && self->strides[i] == 0) {
      return nl_fail("the tensor of shape %s is expanded: several elements share one place; clone() it first",
                     nl_tensor_shape_string(self).s);
    }
  }
  return NL_OK;
}

/* True when t and self share memory in a way that writing self element by element could disturb reading t. */
static bool overlaps(const nl_tensor *self, const nl_tensor *t) {
  if (!t || t == self || t->storage != self->storage) {
    return false;
  }
  return t->offset != self->offset || !nl_shape_equal(t, self) ||
         memcmp(t->strides, self->strides, (size_t)t->ndim * sizeof *t->strides) != 0;
}

bool nl_writes_directly(const nl_call *c) {
  const nl_tensor *self = c->in[0];
  bool direct = (c->op->flags & NL_OP_ELEMENTWISE) && c->desc[0].dtype == self->dtype && c->nout == 1;
  for (int i = 1; i < c->nin && direct; i++) {
    direct = !overlaps(self, c->in[i]);
  }
  return direct;
}

static nl_status run_inplace(nl_call *c) {
  nl_tensor *self = c->in[0];
  nl_status status = check_inplace(c);
  if (status != NL_OK) {
    return status;
  }
  if (nl_writes_directly(c)) {
    c->out[0] = nl_tensor_ref(self);
    status = run_op(c);
  } else {
    status = allocate_outputs(c);
    if (status == NL_OK) {
      status = run_op(c);
    }
    if (status == NL_OK) {
      c->wrote = true;
      nl_copy_values(self, c->out[0]);
      nl_tensor_unref(c->out[0]);
      c->out[0] = nl_tensor_ref(self);
    }
  }
  nl_storage_touch(self->storage);
  return status;
}

/* ---- ops made of ops ---- */

nl_status nl_call_push(nl_call *c, nl_tensor *t) {
  int n = c->nout;
  if ((n & (n - 1)) == 0) { /* room doubles at each power of two */
    nl_tensor **more = nl_new((size_t)(n ? 2 * n : 1) * sizeof *more);
    if (!more) {
      return NL_NOMEM;
    }
    if (n) {
      memcpy(more, c->list, (size_t)n * sizeof *more);
    }
    nl_delete(c->list);
    c->list = more;
  }
  c->list[c->nout++] = nl_tensor_ref(t);
  return NL_OK;
}

void nl_call_drop_list(nl_call *c) {
  for (int i = 0; c->list && i < c->nout; i++) {
    nl_tensor_unref(c->list[i]);
  }
  nl_delete(c->list);
  c->list = NULL;
}

/* The result in the place of the first tensor. */
static nl_status copy_over(nl_call *c, nl_tensor *result) {
  nl_rule_like(c, 0, result, nl_tensor_dtype(result));
  nl_status status = check_inplace(c);
  if (status == NL_OK) {
    nl_call copy;
    nl_call_init(&copy, op_copy_(), 2, NULL);
    copy.in[0] = c->in[0];
    copy.in[1] = result;
    copy.inplace = true;
    status = nl_dispatch(&copy);
    c->wrote = copy.wrote;
    c->out[0] = status == NL_OK ? copy.out[0] : NULL;
  }
  return status;
}

/* In place, ops of the composition may save the tensor that is about to be written, which would then depend on itself:
   where gradients may be recorded they see a copy. */
static bool wants_copy(const nl_call *c) {
  bool wants = false;
  for (int i = 0; i < c->nin && c->inplace; i++) {
    const nl_tensor *t = c->in[i];
    wants = wants || (t && (t->requires_grad || (t->base && t->base->requires_grad)));
  }
  return wants;
}

/* How many compositions are running: within one, an internal op's name says nothing to a user. */
static _Thread_local int composing;

static nl_status run_composed(nl_call *c) {
  nl_build b;
  nl_build_init(&b);
  nl_tensor *given[NL_SMALL_IN] = {NULL};
  bool copies = wants_copy(c); /* ops on lists have no form in place */
  for (int i = 0; i < c->nin && copies; i++) {
    given[i] = c->in[i];
    if (given[i] && given[i]->storage == given[0]->storage) {
      c->in[i] = nl_b1(&b, op_clone(), given[i]);
    }
  }
  if (b.status == NL_OK) {
    composing++;
    c->op->compose(c, &b);
    composing--;
  }
  for (int i = 0; i < c->nin && copies; i++) {
    c->in[i] = given[i];
  }
  nl_status status = b.status;
  if (c->list && status != NL_OK) {
    nl_call_drop_list(c);
  } else if (c->inplace && status == NL_OK) {
    nl_tensor *result = c->out[0];
    c->out[0] = NULL;
    status = copy_over(c, result);
  } else {
    for (int i = 0; !c->list && i < c->nout; i++) {
      c->out[i] = status == NL_OK ? nl_tensor_ref(c->out[i]) : NULL;
    }
  }
  nl_build_free(&b);
  if (status != NL_OK) {
    memset(c->out, 0, sizeof c->out);
    if (status != NL_INTERRUPTED) {
      nl_error_prefix("%s%s", c->op->name, nl_call_suffix(c));
    }
  }
  return status;
}

nl_status nl_dispatch(nl_call *c) {
  const nl_op *op = c->op;
  if (op->compose) {
    return run_composed(c);
  }
  nl_status status = op->infer(c);
  if ((op->flags & NL_OP_LAPACK) && status == NL_OK && !nl_lapack_ready()) {
    status = nl_fail("linear algebra needs OpenBLAS, which could not be loaded; install it with: sudo apt install "
                     "libopenblas0");
  }
  for (int i = 0; i < NL_RECORDERS && status == NL_OK; i++) {
    status = recorders[i] ? recorders[i]->check(c) : NL_OK;
  }
  if (status == NL_OK && !c->view) {
    if (c->inplace) {
      status = run_inplace(c);
    } else {
      status = allocate_outputs(c);
      if (status == NL_OK) {
        status = run_op(c);
      }
    }
  }
  for (int i = 0; i < NL_RECORDERS && status == NL_OK; i++) {
    status = recorders[i] ? recorders[i]->record(c) : NL_OK;
  }
  nl_tensor_unref(c->workspace);
  c->workspace = NULL;
  for (int i = 0; i < NL_RECORDERS && status != NL_OK; i++) {
    if (recorders[i] && recorders[i]->drop) {
      recorders[i]->drop(c);
    }
  }
  release(c->saved_in, NL_SMALL_IN);
  if (status != NL_OK) {
    release(c->out, NL_MAX_OUT);
    if (status != NL_INTERRUPTED && !(composing && (op->flags & NL_OP_INTERNAL))) {
      nl_error_prefix("%s%s", op->name, nl_call_suffix(c));
    }
  }
  return status;
}
