/* Recording: leaves, edges, and what each call leaves behind. */
#include "autograd/tape.h"
#include "optable/helpers.h"

#include "autograd/checkpoint.h"
#include "autograd/node.h"
#include "core/memory.h"

static _Thread_local bool enabled = true;

bool nl_grad_enabled(void) {
  return enabled;
}

bool nl_grad_set_enabled(bool on) {
  bool was = enabled;
  enabled = on;
  return was;
}

/* ---- leaves ---- */

bool nl_requires_grad(const nl_tensor *t) {
  return t->requires_grad || (t->base && t->base->requires_grad);
}

bool nl_is_leaf(nl_tensor *t) {
  nl_meta *m = t->grad_meta;
  return !(m && m->node) && !(t->base && t->base->requires_grad);
}

nl_status nl_set_requires_grad(nl_tensor *t, bool on) {
  if (!nl_is_leaf(t)) {
    return nl_fail("requires_grad can only be set on leaves, but this tensor of shape %s was computed; detach() it",
                   nl_tensor_shape_string(t).s);
  }
  if (on && !nl_dtype_is_float(nl_tensor_dtype(t))) {
    return nl_fail("only float tensors can have gradients, but this one is %s; convert it with x:to(\"float32\")",
                   nl_dtype_name(nl_tensor_dtype(t)));
  }
  if (t->requires_grad != on) {
    t->requires_grad = on;
    nl_tensor_changes++;
  }
  return NL_OK;
}

static const nl_grad_watcher *watcher;

void nl_set_grad_watcher(const nl_grad_watcher *w) {
  watcher = w;
}

nl_tensor *nl_peek_grad(const nl_tensor *t) {
  const nl_meta *m = t->original ? t->original->grad_meta : t->grad_meta;
  return m ? m->grad : NULL;
}

nl_tensor *nl_grad_of(nl_tensor *t) {
  nl_tensor *grad = nl_peek_grad(t);
  if (watcher) {
    watcher->read(t->original ? t->original : t, grad);
  }
  return grad;
}

nl_status nl_meta_pin(nl_meta *m, int which, nl_anchor *a) {
  nl_anchor *old = m->pinned[which];
  if (a == old) {
    return NL_OK;
  }
  nl_status status = a ? nl_anchor_the_host->pin(a, 1) : NL_OK;
  if (status == NL_OK) {
    m->pinned[which] = nl_anchor_ref(a);
    if (old) {
      nl_anchor_the_host->pin(old, -1);
      nl_anchor_unref(old);
    }
  }
  return status;
}

nl_status nl_set_grad(nl_tensor *t, nl_tensor *grad) {
  t = t->original ? t->original : t;
  if (!grad && !t->grad_meta) {
    if (watcher) {
      watcher->set(t, NULL, NULL);
    }
    return NL_OK;
  }
  if (grad && (!nl_shape_equal(grad, t) || grad->dtype != t->dtype)) {
    return nl_fail("a gradient must have its tensor's shape and dtype (%s, %s), not %s, %s",
                   nl_tensor_shape_string(t).s, nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(grad).s,
                   nl_dtype_name(nl_tensor_dtype(grad)));
  }
  if (nl_region_outside(t)) {
    return nl_fail(
        "checkpoint: the function sets the gradient of a tensor from outside (shape %s), and would do so again "
        "on the way back; compute gradients inside it with nn.grad",
        nl_tensor_shape_string(t).s);
  }
  nl_meta *m = nl_meta_of(t);
  if (!m) {
    return NL_NOMEM;
  }
  nl_status status = nl_meta_pin(m, NL_PIN_GRADIENT, grad ? nl_anchor_of(grad) : NULL);
  if (status != NL_OK) {
    return status;
  }
  nl_tensor *old = m->grad;
  if (watcher) {
    watcher->set(t, old, grad);
  }
  m->grad = nl_tensor_ref(grad);
  nl_tensor_unref(old);
  return NL_OK;
}

static void release_meta(void *p) {
  nl_meta *m = p;
  nl_meta_pin(m, NL_PIN_GRADIENT, NULL);
  nl_meta_pin(m, NL_PIN_HISTORY, NULL);
  nl_hooks_free(m->hooks);
  nl_anchor_unref(m->anchor);
  nl_tensor_unref(m->grad);
  nl_node_unref(m->node);
  nl_delete(m);
}

/* ---- edges ---- */

nl_status nl_detach(nl_tensor *t, nl_tensor **out) {
  nl_status status = nl_tensor_view(t, t->ndim, t->shape, t->strides, t->offset, out);
  if (status == NL_OK) {
    nl_tensor_unref((*out)->base); /* detached: writing through it is not recorded */
    (*out)->base = NULL;
  }
  return status;
}

nl_status nl_edge_of(nl_tensor *t, nl_edge *edge) {
  *edge = (nl_edge){NULL, NULL, 0};
  if (!nl_requires_grad(t)) {
    return NL_OK;
  }
  nl_meta *m = t->grad_meta;
  if (t->base && t->base->requires_grad && (!m || !m->node || m->version != nl_storage_version(t->storage))) {
    nl_status status = nl_view_refresh(t);
    if (status != NL_OK) {
      return status;
    }
    m = t->grad_meta;
  }
  if (m && m->node) {
    m->node->refs++;
    edge->node = m->node;
    edge->nr = m->nr;
  } else {
    edge->leaf = nl_tensor_ref(t->original ? t->original : t);
  }
  return NL_OK;
}

nl_anchor *nl_anchor_of(const nl_tensor *t) {
  const nl_meta *m = t->grad_meta;
  return !m ? NULL : m->node ? m->node->anchor : m->anchor;
}

/* ---- watching calls ---- */

static bool wants_record(const nl_call *c) {
  if (!enabled || !c->op->vjp) {
    return false;
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i] && nl_requires_grad(c->in[i])) {
      return true;
    }
  }
  return false;
}

/* Whether the gradients that are wanted need the values of input i: those of x * 2 do not need x. */
static bool needs_input(const nl_call *c, int i) {
  if (i >= NL_SAVE_MOST || !(c->op->save & NL_SAVE_IN(i))) { /* of later ones, in lists, the shape is kept */
    return false;
  }
  unsigned mask = i < 2 ? c->op->saved_for[i] : 0;
  for (int k = 0; mask && k < c->nin; k++) {
    if ((mask >> k & 1) != 0 && c->in[k] && nl_requires_grad(c->in[k])) {
      return true;
    }
  }
  return !mask;
}

/* A node with its inputs saved and its edges. */
static nl_status begin_node(nl_call *c, nl_node **out) {
  nl_status status = nl_node_new(c, out);
  for (int i = 0; i < c->nin && status == NL_OK; i++) {
    nl_tensor *t = c->in[i], *kept = i < NL_SMALL_IN && c->saved_in[i] ? c->saved_in[i] : t;
    status = needs_input(c, i) ? nl_node_save_input(*out, i, kept) : nl_node_save_shape(*out, i, t);
    if (status == NL_OK && t) {
      status = nl_node_link(*out, i, t);
    }
  }
  if (status == NL_OK) {
    nl_node_number(*out);
  } else {
    nl_node_unref(*out);
    *out = NULL;
  }
  return status;
}

/* Of a write: what the new history needs of the host is held by the tensor, since its owners do not know of it. */
static nl_status end_write(nl_tensor *self, nl_node *n) {
  nl_tensor *owner = self->base ? self->base : self;
  nl_edge value = {.node = n};
  nl_tensor_changes += !owner->requires_grad;
  nl_status status = self->base ? nl_view_write_base(self, &value) : nl_node_attach(n, 0, self);
  nl_meta *m = owner->grad_meta;
  return status == NL_OK ? nl_meta_pin(m, NL_PIN_HISTORY, m->node->anchor) : status;
}

/* Saves the results and makes the node their history. Takes over the node. */
static nl_status end_node(nl_call *c, nl_node *n) {
  nl_status status = nl_node_save_outputs(n, c->out);
  if (status == NL_OK && c->inplace) {
    return end_write(c->in[0], n);
  }
  for (int i = 0; i < c->nout && status == NL_OK; i++) {
    if (nl_dtype_is_float(nl_tensor_dtype(c->out[i]))) {
      n->refs++;
      status = nl_node_attach(n, i, c->out[i]);
    }
  }
  nl_node_unref(n);
  return status;
}

/* A private copy of a saved input that a write in place is about to change. */
static nl_status keep_original(nl_call *c, int i) {
  nl_call clone; /* an op, so that whoever watches sees it */
  nl_call_init(&clone, op_clone(), 1, NULL);
  clone.in[0] = c->in[i];
  bool was = nl_grad_set_enabled(false);
  nl_status status = nl_dispatch(&clone);
  nl_grad_set_enabled(was);
  c->saved_in[i] = status == NL_OK ? clone.out[0] : NULL;
  return status;
}

static nl_status refuse_write_of_leaf(nl_tensor *self) {
  nl_tensor *owner = self->base ? self->base : self;
  for (int i = 0; i < 2; i++) {
    nl_tensor *t = i ? self : owner;
    if (t->requires_grad && nl_is_leaf(t)) {
      return nl_fail("a leaf that requires a gradient (shape %s) cannot be changed in place while gradients are "
                     "recorded; wrap the change in nn.no_grad(function() ... end), or compute a new tensor",
                     nl_tensor_shape_string(t).s);
    }
  }
  return NL_OK;
}

/* The node of a write is made before it, from what its inputs are now. */
static nl_status begin_write(nl_call *c) {
  nl_tensor *self = c->in[0];
  nl_status status = refuse_write_of_leaf(self);
  if (status != NL_OK || !wants_record(c)) {
    return status;
  }
  if (self->unrecorded_view || (self->base && self->base->unrecorded_view)) {
    return nl_fail("a view of shape %s that was made while nothing was recorded cannot be changed in place now that "
                   "gradients are: the tensor it looks into would not learn of it; make the view where gradients are "
                   "recorded, or detach() it if the change is to have no gradient there",
                   nl_tensor_shape_string(self).s);
  }
  for (int i = 0; i < c->nin && i < NL_SMALL_IN && status == NL_OK; i++) {
    if (needs_input(c, i) && c->in[i] && c->in[i]->storage == self->storage) {
      status = keep_original(c, i);
    }
  }
  return status == NL_OK ? begin_node(c, &c->node) : status;
}

static nl_status tape_check(nl_call *c) {
  nl_status status = nl_region_sees(c);
  return status == NL_OK && c->inplace && enabled ? begin_write(c) : status;
}

static void tape_drop(nl_call *c) {
  nl_node_unref(c->node);
  c->node = NULL;
}

/* An op without a gradient has written over what the tensor's gradient was that of. */
static nl_status forget_history(nl_tensor *t) {
  if (t->base) {
    nl_edge none = {NULL, NULL, 0};
    return nl_view_write_base(t, &none);
  }
  nl_meta *m = t->grad_meta;
  nl_node_unref(m ? m->node : NULL);
  if (m) {
    m->node = NULL;
  }
  t->requires_grad = false;
  nl_tensor_changes++;
  return NL_OK;
}

/* A view made while nothing is recorded is detached: it has no base. */
static void forget_base(nl_tensor *view) {
  nl_tensor_unref(view->base);
  view->base = NULL;
  view->unrecorded_view = true;
}

static nl_status tape_record(nl_call *c) {
  nl_status status = nl_anomaly() ? nl_anomaly_check(c) : NL_OK;
  if (status != NL_OK) {
    return status;
  }
  if (c->view && !enabled) {
    forget_base(c->out[0]);
  }
  nl_node *n = c->node;
  c->node = NULL;
  if (c->inplace && enabled && !c->op->vjp && nl_requires_grad(c->in[0])) {
    return forget_history(c->in[0]);
  }
  if (!c->inplace && wants_record(c)) {
    status = begin_node(c, &n);
  }
  return status == NL_OK && n ? end_node(c, n) : status;
}

void nl_autograd_init(void) {
  static const nl_recorder recorder = {tape_check, tape_record, tape_drop};
  nl_tensor_release_meta = release_meta;
  nl_set_recorder(NL_RECORDS_AUTOGRAD, &recorder);
}
