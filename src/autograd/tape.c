/* Recording. */
#include "autograd/tape.h"

#include <string.h>

#include "core/memory.h"
#include "ops/iterate.h"

/* What autograd keeps with a tensor. */
typedef struct meta {
  nl_tensor *grad;
  nl_node *node;
  int nr;
  uint32_t version; /* of a view: the storage's version its node belongs to */
  nl_hook *hooks;   /* of a leaf */
} meta;

static _Thread_local bool enabled = true;
static uint64_t next_seq = 1;

bool nl_grad_enabled(void) {
  return enabled;
}

bool nl_grad_set_enabled(bool on) {
  bool was = enabled;
  enabled = on;
  return was;
}

static const nl_place_finder *places;

void nl_set_place_finder(const nl_place_finder *f) {
  places = f;
}

const char *nl_node_place(const nl_node *n) {
  return places ? places->text(n->place) : NULL;
}

static meta *meta_of(nl_tensor *t) {
  if (!t->grad_meta) {
    t->grad_meta = nl_new(sizeof(meta));
  }
  return t->grad_meta;
}

static void free_hooks(nl_hook *h) {
  while (h) {
    nl_hook *next = h->next;
    if (h->ctx) {
      h->release(h->ctx);
    }
    nl_delete(h);
    h = next;
  }
}

static void release_meta(void *p) {
  meta *m = p;
  free_hooks(m->hooks);
  nl_tensor_unref(m->grad);
  nl_node_unref(m->node);
  nl_delete(m);
}

/* ---- nodes ---- */

static void release_ctx(nl_node *n) {
  void *ctx = n->ctx;
  n->ctx = NULL;
  if (ctx) {
    n->custom->release(ctx);
  }
}

static void drop_contents(nl_node *n) {
  for (int i = 0; i < n->nin; i++) {
    nl_tensor_unref(n->in[i]);
    nl_tensor_unref(n->edge[i].leaf);
  }
  for (int i = 0; i < n->nout; i++) {
    nl_tensor_unref(n->out[i]);
    free_hooks(n->hook[i]);
  }
  release_ctx(n);
}

/* Frees a chain without recursion: a graph can be as deep as a training run is long. Dropping what a node holds can
   free further nodes (through tensors); those arrive here again and are put on the same list. */
void nl_node_unref(nl_node *n) {
  static _Thread_local nl_node *dead;
  static _Thread_local bool sweeping;
  if (!n || --n->refs > 0) {
    return;
  }
  n->next_dead = dead;
  dead = n;
  if (sweeping) {
    return;
  }
  sweeping = true;
  while (dead) {
    nl_node *d = dead;
    dead = d->next_dead;
    drop_contents(d);
    for (int i = 0; i < d->nin; i++) {
      nl_node_unref(d->edge[i].node);
    }
    nl_delete(d);
  }
  sweeping = false;
}

void nl_node_release(nl_node *n) {
  n->released = n->released || n->ctx;
  release_ctx(n);
  for (int i = 0; i < n->nin; i++) {
    if (n->in[i] && n->in[i]->storage) {
      nl_tensor *shell;
      if (nl_tensor_shell(n->in[i], &shell) == NL_OK) {
        nl_tensor_unref(n->in[i]);
        n->in[i] = shell;
        n->released = true;
      }
    }
  }
  for (int i = 0; i < n->nout; i++) {
    n->released = n->released || n->out[i];
    nl_tensor_unref(n->out[i]);
    n->out[i] = NULL;
  }
}

nl_status nl_node_check(const nl_node *n) {
  if (n->released) {
    return nl_fail("the values this graph saved were freed by an earlier backward (found at '%s'); build the loss "
                   "again, or keep them with loss:backward{retain_graph = true} the first time",
                   n->op->name);
  }
  for (int i = 0; i < n->nin + n->nout; i++) {
    const nl_tensor *t = i < n->nin ? n->in[i] : n->out[i - n->nin];
    uint32_t version = i < n->nin ? n->in_version[i] : n->out_version[i - n->nin];
    if (t && t->storage && t->storage->version != version) {
      return nl_fail("a tensor of shape %s that '%s' needs for its gradient was changed in place after it was used "
                     "(version %u, now %u); use the form without _ or clone() it first",
                     nl_tensor_shape_string(t).s, n->op->name, version, t->storage->version);
    }
  }
  return NL_OK;
}

static nl_status new_node(const nl_call *c, nl_node **out) {
  size_t nin = (size_t)c->nin;
  nl_node *n = nl_new(sizeof *n + nin * (sizeof(nl_edge) + sizeof(nl_tensor *) + sizeof(uint64_t)) +
                      (size_t)c->nints * sizeof(int64_t));
  *out = n;
  if (!n) {
    return NL_NOMEM;
  }
  n->refs = 1;
  n->seq = next_seq++;
  n->op = c->op;
  n->place = places ? places->find() : 0;
  n->nin = c->nin;
  n->nout = c->nout;
  n->dtype = c->dtype;
  n->nints = c->nints;
  n->edge = (nl_edge *)(n + 1);
  n->in = (nl_tensor **)(n->edge + nin);
  n->ints = (int64_t *)(n->in + nin);
  n->in_version = (uint32_t *)(n->ints + c->nints);
  memcpy(n->attr, c->attr, sizeof n->attr);
  memcpy(n->ints, c->ints, (size_t)c->nints * sizeof *n->ints);
  return NL_OK;
}

/* Saves input i: the value, or the shape alone. A value is saved without its history, which the edge has: a tensor that
   is written to later may come to depend on this node, and would hold itself. (A leaf that wants a gradient is not
   written to.) */
static nl_status save_input(nl_node *n, int i, nl_tensor *t) {
  if (!t) {
    return NL_OK;
  }
  if (n->op->save & NL_SAVE_IN(i)) {
    n->in_version[i] = t->storage->version;
    if (t->requires_grad && nl_is_leaf(t)) {
      n->in[i] = nl_tensor_ref(t);
      return NL_OK;
    }
    return nl_detach(t, &n->in[i]);
  }
  return nl_tensor_shell(t, &n->in[i]);
}

nl_status nl_detach(nl_tensor *t, nl_tensor **out) {
  nl_status status = nl_tensor_view(t, t->ndim, t->shape, t->strides, t->offset, out);
  if (status == NL_OK) {
    nl_tensor_unref((*out)->base); /* a look without history: writing through it is not recorded */
    (*out)->base = NULL;
  }
  return status;
}

static nl_status save_outputs(nl_node *n, nl_call *c) {
  for (int i = 0; i < c->nout; i++) {
    if (n->op->save & NL_SAVE_OUT(i)) {
      nl_status status = nl_detach(c->out[i], &n->out[i]);
      if (status != NL_OK) {
        return status;
      }
      n->out_version[i] = c->out[i]->storage->version;
    }
  }
  return NL_OK;
}

/* Sets a tensor's node; takes over the reference. */
static nl_status set_node(nl_tensor *t, nl_node *n, int nr) {
  meta *m = meta_of(t);
  if (!m) {
    nl_node_unref(n);
    return NL_NOMEM;
  }
  nl_node *old = m->node;
  m->node = n;
  m->nr = nr;
  m->version = t->storage->version;
  t->requires_grad = true;
  nl_node_unref(old);
  return NL_OK;
}

nl_status nl_node_input(nl_node *n, int i, nl_tensor **out) {
  nl_node *from = n->edge[i].node;
  if (!from || !n->in[i] || !n->in[i]->storage) {
    *out = nl_tensor_ref(n->in[i]);
    return NL_OK;
  }
  nl_status status = nl_detach(n->in[i], out);
  if (status == NL_OK) {
    from->refs++;
    status = set_node(*out, from, n->edge[i].nr);
  }
  return status;
}

nl_status nl_node_output(nl_node *n, int i, nl_tensor **out) {
  nl_status status = nl_detach(n->out[i], out);
  if (status == NL_OK && nl_dtype_is_float(nl_tensor_dtype(*out))) {
    n->refs++;
    status = set_node(*out, n, i);
  }
  return status;
}

/* ---- leaves and edges ---- */

bool nl_requires_grad(const nl_tensor *t) {
  return t->requires_grad || (t->base && t->base->requires_grad);
}

NL_USE(as_strided)
NL_USE(clone)
NL_USE(view_scatter)

/* Fills the geometry attributes of as_strided and its kin. */
static void set_geometry(nl_call *c, const nl_tensor *view) {
  nl_call_set_list(c, 0, view->ndim, view->shape);
  nl_call_set_list(c, 1, view->ndim, view->strides);
  c->attr[2] = (nl_attr){.set = true, .i = view->offset};
}

/* A view whose base was written to since: its value is now a look into the new base. */
static nl_status refresh_view(nl_tensor *t) {
  nl_call c;
  nl_call_init(&c, row_as_strided(), 1, NULL);
  c.in[0] = t->base;
  c.nout = 1;
  set_geometry(&c, t);
  nl_node *n;
  nl_status status = new_node(&c, &n);
  if (status != NL_OK) {
    return status;
  }
  status = save_input(n, 0, t->base);
  status = status == NL_OK ? nl_edge_of(t->base, &n->edge[0]) : status;
  if (status != NL_OK) {
    nl_node_unref(n);
    return status;
  }
  return set_node(t, n, 0);
}

nl_status nl_edge_of(nl_tensor *t, nl_edge *edge) {
  *edge = (nl_edge){NULL, NULL, 0};
  if (!nl_requires_grad(t)) {
    return NL_OK;
  }
  meta *m = t->grad_meta;
  if (t->base && t->base->requires_grad && (!m || !m->node || m->version != t->storage->version)) {
    nl_status status = refresh_view(t);
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
    edge->leaf = nl_tensor_ref(t);
  }
  return NL_OK;
}

bool nl_is_leaf(nl_tensor *t) {
  meta *m = t->grad_meta;
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
  t->requires_grad = on;
  return NL_OK;
}

static const nl_grad_watcher *watcher;

void nl_set_grad_watcher(const nl_grad_watcher *w) {
  watcher = w;
}

nl_tensor *nl_grad_of(nl_tensor *t) {
  const meta *m = t->grad_meta;
  nl_tensor *grad = m ? m->grad : NULL;
  if (watcher) {
    watcher->read(t, grad);
  }
  return grad;
}

nl_status nl_set_grad(nl_tensor *t, nl_tensor *grad) {
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
  meta *m = meta_of(t);
  if (!m) {
    return NL_NOMEM;
  }
  nl_tensor *old = m->grad;
  if (watcher) {
    watcher->set(t, old, grad);
  }
  m->grad = nl_tensor_ref(grad);
  nl_tensor_unref(old);
  return NL_OK;
}

/* ---- hooks and nodes of their own ---- */

/* Hooks may take away hooks, themselves too: lists stay as they are while one is gone through. */
static _Thread_local int running_hooks;

static void unlink_dead(nl_hook **at) {
  while (*at && running_hooks == 0) {
    nl_hook *h = *at;
    if (h->ctx) {
      at = &h->next;
    } else {
      *at = h->next;
      nl_delete(h);
    }
  }
}

nl_status nl_add_hook(nl_tensor *t, nl_hook *hook) {
  nl_edge e;
  nl_status status = nl_edge_of(t, &e);
  if (status == NL_OK && !e.node && !e.leaf) {
    status = nl_fail("this tensor of shape %s requires no gradient, so there is none to look at",
                     nl_tensor_shape_string(t).s);
  }
  meta *m = status == NL_OK && e.leaf ? meta_of(t) : NULL;
  if (status == NL_OK && e.leaf && !m) {
    status = NL_NOMEM;
  }
  if (status == NL_OK) {
    nl_hook **last = e.leaf ? &m->hooks : &e.node->hook[e.nr];
    unlink_dead(last);
    while (*last) {
      last = &(*last)->next;
    }
    *last = hook;
  }
  nl_node_unref(e.node);
  nl_tensor_unref(e.leaf);
  return status;
}

void nl_remove_hook(nl_tensor *t, const void *ctx) {
  meta *m = t->grad_meta;
  nl_hook **first = !m ? NULL : (m->node ? &m->node->hook[m->nr] : &m->hooks);
  for (nl_hook *h = first ? *first : NULL; h; h = h->next) {
    if (h->ctx == ctx) {
      h->release(h->ctx);
      h->ctx = NULL;
      unlink_dead(first);
      return;
    }
  }
}

nl_hook *nl_leaf_hooks(nl_tensor *leaf) {
  const meta *m = leaf->grad_meta;
  return m ? m->hooks : NULL;
}

nl_status nl_run_hooks(nl_hook *h, nl_tensor **grad) {
  nl_status status = NL_OK;
  running_hooks++;
  for (; h && status == NL_OK; h = h->next) {
    nl_tensor *out = NULL;
    status = h->ctx ? h->run(h->ctx, *grad, &out) : NL_OK;
    if (status == NL_OK && out) {
      if (!nl_shape_equal(out, *grad) || out->dtype != (*grad)->dtype) {
        status = nl_fail("a hook must give a gradient of shape %s and dtype %s, but gave %s and %s",
                         nl_tensor_shape_string(*grad).s, nl_dtype_name(nl_tensor_dtype(*grad)),
                         nl_tensor_shape_string(out).s, nl_dtype_name(nl_tensor_dtype(out)));
        nl_tensor_unref(out);
      } else {
        nl_tensor_unref(*grad);
        *grad = out;
      }
    }
  }
  running_hooks--;
  return status;
}

static nl_status nothing(nl_call *c, nl_vjp *v) {
  (void)c;
  (void)v;
  return NL_OK;
}

nl_status nl_record_custom(int nin, nl_tensor **in, int nout, nl_tensor **out, const nl_custom *custom, void *ctx) {
  static const nl_op row = {
      .name = "a function of the user's", .args = "", .returns = "tensor", .doc = "", .vjp = nothing};
  nl_call c = {.op = &row, .nin = nin, .nout = nout, .in = in};
  nl_node *n;
  nl_status status = new_node(&c, &n);
  if (status != NL_OK) {
    custom->release(ctx);
    return status;
  }
  n->custom = custom;
  n->ctx = ctx;
  for (int i = 0; i < nin && status == NL_OK; i++) {
    status = save_input(n, i, in[i]);
    status = status == NL_OK ? nl_edge_of(in[i], &n->edge[i]) : status;
  }
  for (int i = 0; i < nout && status == NL_OK; i++) {
    if (nl_dtype_is_float(nl_tensor_dtype(out[i]))) {
      n->refs++;
      status = set_node(out[i], n, i);
    }
  }
  nl_node_unref(n);
  return status;
}

/* ---- anomalies ---- */

static bool anomaly;

void nl_set_anomaly(bool on) {
  anomaly = on;
}
bool nl_anomaly(void) {
  return anomaly;
}

bool nl_has_nan(const nl_tensor *t) {
  if (!t || !t->storage || !nl_dtype_is_float(nl_tensor_dtype(t))) {
    return false;
  }
  for (int64_t i = 0; i < t->numel; i++) {
    double v = nl_tensor_get_double(t, i);
    if (v != v) {
      return true;
    }
  }
  return false;
}

static nl_status check_anomaly(const nl_call *c) {
  bool made = false;
  for (int i = 0; i < c->nout; i++) {
    made = made || nl_has_nan(c->out[i]);
  }
  for (int i = 0; i < c->nin && made; i++) {
    made = !nl_has_nan(c->in[i]);
  }
  if (made) {
    return nl_fail("made nan from inputs without nan (the first has shape %s)",
                   c->nin && c->in[0] ? nl_tensor_shape_string(c->in[0]).s : "-");
  }
  return NL_OK;
}

/* ---- watching calls ---- */

static bool wants_record(const nl_call *c) {
  if (!enabled) {
    return false;
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i] && nl_requires_grad(c->in[i])) {
      return true;
    }
  }
  return false;
}

/* A private copy of a saved input that a write in place is about to change. It keeps the input's history. */
static nl_status keep_original(nl_call *c, int i) {
  nl_tensor *t = c->in[i], *copy;
  nl_call clone; /* a row, so that whoever watches sees it */
  nl_call_init(&clone, row_clone(), 1, NULL);
  clone.in[0] = t;
  bool was = nl_grad_set_enabled(false);
  nl_status status = nl_dispatch(&clone);
  nl_grad_set_enabled(was);
  if (status != NL_OK) {
    return status;
  }
  c->saved_in[i] = copy = clone.out[0];
  nl_edge e;
  status = nl_edge_of(t, &e);
  if (status == NL_OK && e.node) {
    return set_node(copy, e.node, e.nr);
  }
  nl_tensor_unref(e.leaf);
  return status;
}

static nl_status check(nl_call *c) {
  if (!c->inplace || !enabled) {
    return NL_OK;
  }
  nl_tensor *self = c->in[0], *owner = self->base ? self->base : self;
  if (owner->requires_grad && nl_is_leaf(owner)) {
    return nl_fail("a leaf that requires a gradient (shape %s) cannot be changed in place while gradients are "
                   "recorded; wrap the change in nn.no_grad(function() ... end), or compute a new tensor",
                   nl_tensor_shape_string(owner).s);
  }
  if (!wants_record(c) || !c->op->vjp) {
    return NL_OK;
  }
  for (int i = 0; i < c->nin && i < NL_SMALL_IN; i++) {
    if ((c->op->save & NL_SAVE_IN(i)) && c->in[i] && c->in[i]->storage == self->storage) {
      nl_status status = keep_original(c, i);
      if (status != NL_OK) {
        return status;
      }
    }
  }
  return NL_OK;
}

/* After a write through a view: the base gets a node that puts the view's new value into the base's old one. */
static nl_status record_base_write(nl_tensor *view, nl_edge *new_value) {
  nl_call c;
  nl_call_init(&c, row_view_scatter(), 2, NULL);
  c.in[0] = view->base;
  c.in[1] = view;
  c.nout = 1;
  set_geometry(&c, view);
  nl_node *n;
  nl_status status = new_node(&c, &n);
  if (status != NL_OK) {
    return status;
  }
  for (int i = 0; i < 2 && status == NL_OK; i++) {
    status = save_input(n, i, c.in[i]);
  }
  status = status == NL_OK ? nl_edge_of(view->base, &n->edge[0]) : status;
  n->edge[1] = *new_value;
  *new_value = (nl_edge){NULL, NULL, 0};
  if (status != NL_OK) {
    nl_node_unref(n);
    return status;
  }
  return set_node(view->base, n, 0);
}

static nl_status record_node(nl_call *c) {
  nl_node *n;
  nl_status status = new_node(c, &n);
  if (status != NL_OK) {
    return status;
  }
  for (int i = 0; i < c->nin && status == NL_OK; i++) {
    nl_tensor *t = c->in[i];
    nl_tensor *kept = i < NL_SMALL_IN && c->saved_in[i] ? c->saved_in[i] : t;
    status = save_input(n, i, kept);
    if (status == NL_OK && t) {
      status = nl_edge_of(t, &n->edge[i]);
    }
  }
  status = status == NL_OK ? save_outputs(n, c) : status;
  if (status != NL_OK) {
    nl_node_unref(n);
    return status;
  }
  if (c->inplace && c->in[0]->base) {
    nl_edge value = {.node = n};
    status = record_base_write(c->in[0], &value);
    nl_node_unref(value.node);
    return status;
  }
  for (int i = 0; i < c->nout && status == NL_OK; i++) {
    if (nl_dtype_is_float(nl_tensor_dtype(c->out[i]))) {
      n->refs++;
      status = set_node(c->out[i], n, i);
    }
  }
  nl_node_unref(n);
  return status;
}

/* A view made while nothing is recorded is a plain look, like a detached tensor. */
static void forget_base(nl_tensor *view) {
  nl_tensor_unref(view->base);
  view->base = NULL;
}

static nl_status record(nl_call *c) {
  nl_status status = anomaly && !c->inplace && !c->view && !(c->op->flags & NL_OP_INTERNAL) ? check_anomaly(c) : NL_OK;
  bool wanted = wants_record(c);
  if (status != NL_OK) {
    return status;
  }
  if (c->view && !enabled) {
    forget_base(c->out[0]);
  }
  if (wanted && c->op->vjp) {
    status = record_node(c);
  }
  return status;
}

void nl_autograd_init(void) {
  static const nl_recorder recorder = {check, record};
  nl_tensor_release_meta = release_meta;
  nl_set_recorder(NL_WATCH_AUTOGRAD, &recorder);
}
