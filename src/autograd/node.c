#include "autograd/node.h"

#include <string.h>

#include "autograd/checkpoint.h"
#include "core/memory.h"

static uint64_t next_seq = 1;

static const nl_line_finder *lines;

void nl_set_line_finder(const nl_line_finder *f) {
  lines = f;
}

const char *nl_node_line(const nl_node *n) {
  return lines ? lines->text(n->line) : NULL;
}

/* ---- making ---- */

nl_status nl_node_new(const nl_call *c, nl_node **out) {
  size_t nin = (size_t)c->nin;
  nl_region *region = nl_region_recording();
  size_t slots = region ? nin + (size_t)c->nout : 0;
  nl_node *n = nl_new(sizeof *n + nin * (sizeof(nl_edge) + sizeof(nl_tensor *) + sizeof(uint32_t)) +
                      slots * sizeof(nl_slot) + (size_t)c->nints * sizeof(int64_t));
  *out = n;
  if (!n) {
    return NL_NOMEM;
  }
  n->refs = 1;
  n->op = c->op;
  n->line = lines ? lines->find() : 0;
  n->nin = c->nin;
  n->nout = c->nout;
  n->dtype = c->dtype;
  n->nints = c->nints;
  n->edge = (nl_edge *)(n + 1);
  n->in = (nl_tensor **)(n->edge + nin);
  n->slot = slots ? (nl_slot *)(n->in + nin) : NULL;
  n->ints = slots ? (int64_t *)(n->slot + slots) : (int64_t *)(n->in + nin);
  n->in_version = (uint32_t *)(n->ints + c->nints);
  memcpy(n->attr, c->attr, sizeof n->attr);
  memcpy(n->ints, c->ints, (size_t)c->nints * sizeof *n->ints);
  return region ? nl_anchor_join(&n->anchor, nl_region_anchor(region)) : NL_OK;
}

void nl_node_number(nl_node *n) {
  n->seq = next_seq++;
}

uint64_t nl_last_history_number(void) {
  return next_seq - 1;
}

uint64_t nl_history_number(const nl_tensor *t) {
  const nl_meta *m = t->grad_meta, *base = t->base ? t->base->grad_meta : NULL;
  return m && m->node ? m->node->seq : (base && base->node ? base->node->seq : 0);
}

nl_status nl_node_link(nl_node *n, int i, nl_tensor *t) {
  nl_edge *e = &n->edge[i];
  nl_status status = nl_edge_of(t, e);
  if (status == NL_OK && (e->node || e->leaf)) {
    status = nl_anchor_join(&n->anchor, nl_anchor_of(e->leaf ? e->leaf : t));
  }
  return status;
}

/* A detached tensor with the value, or the leaf itself; of a value that will be computed again, a shape and a slot. */
static nl_status save(nl_tensor *t, nl_tensor **out, uint32_t *version, nl_slot *slot) {
  *version = nl_storage_version(t->storage);
  if (t->requires_grad && nl_is_leaf(t)) {
    *out = nl_tensor_ref(t->original ? t->original : t);
    return NL_OK;
  }
  nl_status status = nl_region_save(t, slot);
  if (status != NL_OK) {
    return status;
  }
  return slot->region ? nl_tensor_shell(t, out) : nl_detach(t, out);
}

nl_status nl_node_save_shape(nl_node *n, int i, nl_tensor *t) {
  return t ? nl_tensor_shell(t, &n->in[i]) : NL_OK;
}

nl_status nl_node_save_input(nl_node *n, int i, nl_tensor *t) {
  if (!t) {
    return NL_OK;
  }
  nl_slot none = {NULL, 0};
  return save(t, &n->in[i], &n->in_version[i], n->slot ? &n->slot[i] : &none);
}

nl_status nl_node_save_outputs(nl_node *n, nl_tensor *const out[]) {
  nl_status status = NL_OK;
  for (int i = 0; i < n->nout && status == NL_OK; i++) {
    nl_slot none = {NULL, 0};
    if (n->op->save & NL_SAVE_OUT(i)) {
      status = save(out[i], &n->out[i], &n->out_version[i], n->slot ? &n->slot[n->nin + i] : &none);
    }
  }
  return status;
}

nl_status nl_node_keep(nl_node *n, int i, nl_tensor *t, int out) {
  nl_kept *k = &n->kept[i];
  k->out = -1;
  nl_status status = save(t, &k->t, &k->version, &k->slot);
  if (status == NL_OK && out >= 0) {
    k->out = out;
  } else if (status == NL_OK) {
    status = nl_edge_of(t, &k->edge);
    status = status == NL_OK ? nl_anchor_join(&n->anchor, nl_anchor_of(t)) : status;
  }
  return status;
}

nl_meta *nl_meta_of(nl_tensor *t) {
  if (!t->grad_meta) {
    t->grad_meta = nl_new(sizeof(nl_meta));
  }
  return t->grad_meta;
}

nl_status nl_node_attach(nl_node *n, int nr, nl_tensor *t) {
  nl_meta *m = nl_meta_of(t);
  if (!m) {
    nl_node_unref(n);
    return NL_NOMEM;
  }
  nl_node *old = m->node;
  m->node = n;
  m->nr = nr;
  m->version = nl_storage_version(t->storage);
  t->requires_grad = true;
  nl_node_unref(old);
  return NL_OK;
}

/* ---- reading ---- */

/* A tensor with the values of `saved` whose history is the output nr of a node. */
static nl_status with_history(nl_tensor *saved, nl_node *from, int nr, nl_tensor **out) {
  nl_status status = nl_detach(saved, out);
  if (status == NL_OK && nl_dtype_is_float(nl_tensor_dtype(*out))) {
    from->refs++;
    status = nl_node_attach(from, nr, *out);
  }
  return status;
}

nl_status nl_node_input(nl_node *n, int i, nl_tensor **out) {
  nl_node *from = n->edge[i].node;
  if (!from || !n->in[i] || !n->in[i]->storage) {
    *out = nl_tensor_ref(n->in[i]);
    return NL_OK;
  }
  return with_history(n->in[i], from, n->edge[i].nr, out);
}

nl_status nl_node_output(nl_node *n, int i, nl_tensor **out) {
  return with_history(n->out[i], n, i, out);
}

nl_status nl_node_kept(nl_node *n, int i, bool history, nl_tensor **out) {
  nl_kept *k = &n->kept[i];
  nl_node *from = k->out >= 0 ? n : k->edge.node;
  if (history && from) {
    return with_history(k->t, from, k->out >= 0 ? k->out : k->edge.nr, out);
  }
  *out = nl_tensor_ref(k->t);
  return NL_OK;
}

static nl_status value_changed(const nl_node *n, const nl_tensor *t, uint32_t version) {
  return nl_fail("a tensor of shape %s that '%s' needs for its gradient was changed in place after it was used "
                 "(version %u, now %u); use the form without _ or clone() it first",
                 nl_tensor_shape_string(t).s, n->op->name, version, nl_storage_version(t->storage));
}

static bool is_changed(const nl_tensor *t, uint32_t version) {
  return t && t->storage && nl_storage_version(t->storage) != version;
}

nl_status nl_node_check(const nl_node *n) {
  if (n->released) {
    return nl_fail("the values this graph saved were freed by an earlier backward; build the loss again, or keep them "
                   "with loss:backward{retain_graph = true} the first time");
  }
  for (int i = 0; i < n->nin; i++) {
    if (is_changed(n->in[i], n->in_version[i])) {
      return value_changed(n, n->in[i], n->in_version[i]);
    }
  }
  for (int i = 0; i < n->nout; i++) {
    if (is_changed(n->out[i], n->out_version[i])) {
      return value_changed(n, n->out[i], n->out_version[i]);
    }
  }
  for (int i = 0; i < n->nkept; i++) {
    if (is_changed(n->kept[i].t, n->kept[i].version)) {
      return value_changed(n, n->kept[i].t, n->kept[i].version);
    }
  }
  return NL_OK;
}

/* ---- values that are computed again ---- */

static nl_status load(const nl_slot *slot, nl_tensor **t, uint32_t *version) {
  if (!slot->region) {
    return NL_OK;
  }
  nl_tensor *value;
  nl_status status = nl_slot_take(slot, &value, version);
  if (status == NL_OK) {
    nl_tensor_unref(*t);
    *t = value;
  }
  return status;
}

nl_status nl_node_load(nl_node *n) {
  nl_status status = NL_OK;
  for (int i = 0; n->slot && i < n->nin && status == NL_OK; i++) {
    status = load(&n->slot[i], &n->in[i], &n->in_version[i]);
  }
  for (int i = 0; n->slot && i < n->nout && status == NL_OK; i++) {
    status = load(&n->slot[n->nin + i], &n->out[i], &n->out_version[i]);
  }
  for (int i = 0; i < n->nkept && status == NL_OK; i++) {
    status = load(&n->kept[i].slot, &n->kept[i].t, &n->kept[i].version);
  }
  return status;
}

/* The value gives way to its shape. False: no memory; the value stays, which is right, too. */
static bool to_shape(nl_tensor **t) {
  nl_tensor *shell;
  if (!*t || !(*t)->storage || nl_tensor_shell(*t, &shell) != NL_OK) {
    return false;
  }
  nl_tensor_unref(*t);
  *t = shell;
  return true;
}

void nl_node_unload(nl_node *n) {
  for (int i = 0; n->slot && i < n->nin + n->nout; i++) {
    if (n->slot[i].region) {
      to_shape(i < n->nin ? &n->in[i] : &n->out[i - n->nin]);
    }
  }
  for (int i = 0; i < n->nkept; i++) {
    if (n->kept[i].slot.region) {
      to_shape(&n->kept[i].t);
    }
  }
}

/* ---- the end ---- */

void nl_node_release(nl_node *n) {
  n->released = n->released || n->custom;
  for (int i = 0; i < n->nin; i++) {
    n->released = to_shape(&n->in[i]) || n->released;
  }
  for (int i = 0; i < n->nout; i++) {
    n->released = n->released || n->out[i];
    nl_tensor_unref(n->out[i]);
    n->out[i] = NULL;
  }
  for (int i = 0; i < n->nkept; i++) {
    nl_tensor_unref(n->kept[i].t);
    n->kept[i].t = NULL;
  }
}

void nl_edge_drop(nl_edge *e) {
  nl_node_unref(e->node);
  nl_tensor_unref(e->leaf);
  *e = (nl_edge){NULL, NULL, 0};
}

static void drop_contents(nl_node *n) {
  for (int i = 0; i < n->nin; i++) {
    nl_tensor_unref(n->in[i]);
    nl_edge_drop(&n->edge[i]);
  }
  for (int i = 0; i < n->nout; i++) {
    nl_tensor_unref(n->out[i]);
    nl_tensor_unref(n->shape[i]);
    nl_hooks_free(n->hook[i]);
  }
  for (int i = 0; i < n->nkept; i++) {
    nl_tensor_unref(n->kept[i].t);
    nl_slot_drop(&n->kept[i].slot);
    nl_edge_drop(&n->kept[i].edge);
  }
  nl_delete(n->kept);
  nl_anchor_unref(n->function);
  nl_anchor_unref(n->anchor);
  for (int i = 0; n->slot && i < n->nin + n->nout; i++) {
    nl_slot_drop(&n->slot[i]);
  }
}

/* Frees a chain without recursion: a graph can be as deep as a training run is long. Dropping what a node holds can
   free further nodes (by its edges, and through tensors); those arrive here again and are put on the same list. */
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
    nl_delete(d);
  }
  sweeping = false;
}
