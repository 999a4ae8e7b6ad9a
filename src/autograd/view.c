/* Views and writes in place. A view's geometry is that of its storage; what autograd needs is where its elements stand
   among those of its base. A base that is contiguous is the window itself; one that is not (the transposed view a
   parameter was made of) is first laid out as the stretch of storage between its first and its last element. */
#include <string.h>

#include "autograd/node.h"
#include "core/memory.h"
#include "optable/helpers.h"

/* Fills attributes of as_strided and its kin: t's geometry, seen from `origin`. */
static void set_geometry(nl_call *c, const nl_tensor *t, int64_t origin) {
  nl_call_set_list(c, nl_strided_size, t->ndim, t->shape);
  nl_call_set_list(c, nl_strided_stride, t->ndim, t->strides);
  c->attr[nl_strided_storage_offset] = (nl_attr){.set = true, .i = t->offset - origin};
}

/* Elements from t's first to its last. */
static int64_t span_of(const nl_tensor *t) {
  int64_t span = 1;
  for (int d = 0; d < t->ndim; d++) {
    span += (t->shape[d] - 1) * t->strides[d];
  }
  return t->numel == 0 ? 0 : span;
}

static bool is_expanded(const nl_tensor *t) {
  for (int d = 0; d < t->ndim; d++) {
    if (t->shape[d] > 1 && t->strides[d] == 0) {
      return true;
    }
  }
  return false;
}

/* A node of an op whose inputs are known by their shapes alone. Takes over the edges. */
static nl_status shape_node(nl_call *c, const nl_tensor *const shapes[], nl_edge *const edges[], nl_node **out) {
  nl_status status = nl_node_new(c, out);
  for (int i = 0; i < c->nin; i++) {
    if (status == NL_OK) {
      status = nl_tensor_shell(shapes[i], &(*out)->in[i]);
    }
    if (status == NL_OK) {
      nl_edge *to = &(*out)->edge[i];
      *to = *edges[i];
      *edges[i] = (nl_edge){NULL, NULL, 0};
      status = nl_anchor_join(&(*out)->anchor, to->node ? to->node->anchor : to->leaf ? nl_anchor_of(to->leaf) : NULL);
    }
  }
  for (int i = 0; i < c->nin; i++) {
    nl_edge_drop(edges[i]);
  }
  if (status == NL_OK) {
    nl_node_number(*out);
  } else {
    nl_node_unref(*out);
    *out = NULL;
  }
  return status;
}

/* A base as a window: contiguous elements among which its views' can be found. */
typedef struct window {
  nl_tensor like; /* its shape and dtype; no values */
  int64_t numel;  /* where like.shape points for a base that is not contiguous */
  int64_t origin; /* the storage's element it begins with */
  nl_edge edge;
} window;

/* The window of a base whose gradient goes along `edge`, which is taken over. */
static nl_status open_window(nl_tensor *base, nl_edge *edge, window *w) {
  *w = (window){.like = *base, .origin = base->offset, .edge = *edge};
  *edge = (nl_edge){NULL, NULL, 0};
  w->like.storage = NULL;
  if (base->contiguous) {
    return NL_OK;
  }
  if (is_expanded(base)) {
    nl_edge_drop(&w->edge);
    return nl_fail("a view of an expanded tensor (shape %s) was written to, or its base was: several of its elements "
                   "share one place, so there is no gradient; clone() the expanded tensor first",
                   nl_tensor_shape_string(base).s);
  }
  w->numel = span_of(base);
  nl_tensor like = {.dtype = base->dtype, .ndim = 1, .numel = w->numel, .contiguous = true};
  w->like = like;
  w->like.shape = &w->numel;
  if (!w->edge.node && !w->edge.leaf) {
    return NL_OK;
  }
  nl_call c;
  nl_call_init(&c, op_strided_zeros(), 1, NULL);
  c.nout = 1;
  set_geometry(&c, base, w->origin);
  c.attr[nl_strided_zeros_numel] = (nl_attr){.set = true, .i = w->numel};
  nl_node *n;
  nl_status status = shape_node(&c, (const nl_tensor *const[]){base}, (nl_edge *const[]){&w->edge}, &n);
  w->edge = (nl_edge){.node = n};
  return status;
}

/* A node that reads `t` from the window. */
static nl_status look_node(window *w, const nl_tensor *t, nl_node **out) {
  nl_call c;
  nl_call_init(&c, op_as_strided(), 1, NULL);
  c.nout = 1;
  set_geometry(&c, t, w->origin);
  return shape_node(&c, (const nl_tensor *const[]){&w->like}, (nl_edge *const[]){&w->edge}, out);
}

nl_status nl_view_refresh(nl_tensor *t) {
  nl_edge edge;
  window w;
  nl_node *n = NULL;
  nl_status status = nl_edge_of(t->base, &edge);
  status = status == NL_OK ? open_window(t->base, &edge, &w) : status;
  status = status == NL_OK ? look_node(&w, t, &n) : status;
  nl_tensor_changes += !t->requires_grad;
  return status == NL_OK ? nl_node_attach(n, 0, t) : status;
}

nl_status nl_view_write_base(nl_tensor *view, nl_edge *new_value) {
  nl_tensor *base = view->base;
  nl_edge edge;
  window w;
  nl_node *n = NULL;
  nl_status status = nl_edge_of(base, &edge);
  status = status == NL_OK ? open_window(base, &edge, &w) : status;
  if (status != NL_OK) {
    nl_edge_drop(new_value);
    return status;
  }
  nl_call c;
  nl_call_init(&c, op_view_scatter(), 2, NULL);
  c.nout = 1;
  set_geometry(&c, view, w.origin);
  status = shape_node(&c, (const nl_tensor *const[]){&w.like, view}, (nl_edge *const[]){&w.edge, new_value}, &n);
  if (status == NL_OK && !base->contiguous) {
    w.edge = (nl_edge){.node = n};
    status = look_node(&w, base, &n);
  }
  return status == NL_OK ? nl_node_attach(n, 0, base) : status;
}
