/* Hooks on gradients. A hook may take away hooks, itself too: lists stay as they are while one is gone through. */
#include "autograd/node.h"
#include "core/memory.h"

static _Thread_local int running;

static void unpin(nl_hook *h) {
  if (h->pinned) {
    h->pinned = false;
    nl_anchor_the_host->pin(h->function, -1);
  }
}

static void unlink_removed(nl_hook **at);

void nl_hook_remove(nl_tensor *t, nl_hook *h) {
  h->removed = true;
  unpin(h);
  t = t->original ? t->original : t;
  nl_meta *m = t->hooked ? t->grad_meta : NULL;
  if (m) {
    unlink_removed(&m->hooks);
    t->hooked = m->hooks != NULL;
    nl_tensor_changes++;
  }
}

void nl_hook_unref(nl_hook *h) {
  if (h && --h->refs == 0) {
    unpin(h);
    nl_anchor_unref(h->function);
    nl_delete(h);
  }
}

void nl_hooks_free(nl_hook *h) {
  while (h) {
    nl_hook *next = h->next;
    unpin(h);
    h->next = NULL;
    nl_hook_unref(h);
    h = next;
  }
}

static void unlink_removed(nl_hook **at) {
  while (*at && running == 0) {
    nl_hook *h = *at;
    if (!h->removed) {
      at = &h->next;
    } else {
      *at = h->next;
      nl_hook_unref(h);
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
  nl_meta *m = status == NL_OK && e.leaf ? nl_meta_of(e.leaf) : NULL;
  if (status == NL_OK && e.leaf && !m) {
    status = NL_NOMEM;
  }
  if (status == NL_OK) {
    status = nl_anchor_join(e.leaf ? &m->anchor : &e.node->anchor, hook->function);
  }
  /* one owner is the tensor (of a leaf: its box), one is the edge; others do not have the anchor and may outlive it */
  if (status == NL_OK && (e.node ? e.node->refs : e.leaf->refs) > 2) {
    status = nl_anchor_the_host->pin(hook->function, 1);
    hook->pinned = status == NL_OK;
  }
  if (status == NL_OK) {
    nl_hook **last = e.leaf ? &m->hooks : &e.node->hook[e.nr];
    unlink_removed(last);
    while (*last) {
      last = &(*last)->next;
    }
    *last = hook;
    hook->refs++;
    if (e.leaf) {
      e.leaf->hooked = true;
      nl_tensor_changes++;
    }
  }
  nl_edge_drop(&e);
  return status;
}

nl_hook *nl_leaf_hooks(nl_tensor *leaf) {
  const nl_meta *m = leaf->grad_meta;
  return m ? m->hooks : NULL;
}

nl_status nl_run_hooks(nl_hook *h, nl_tensor **grad) {
  nl_status status = NL_OK;
  running++;
  for (; h && status == NL_OK; h = h->next) {
    nl_tensor *out = NULL;
    if (h->removed || h->busy) { /* busy: the hook itself runs a backward that comes by here */
      continue;
    }
    h->busy = true;
    status = h->run(h->function, *grad, &out);
    h->busy = false;
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
  running--;
  return status;
}
