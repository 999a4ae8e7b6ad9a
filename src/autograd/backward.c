/* Nodes are taken from a heap in descending order of their number: when a node comes up, everything that used its
   outputs has been seen. */
#include "autograd/backward.h"

#include <string.h>

#include "core/memory.h"
#include "ops/build.h"

NL_USE(add)
NL_USE(clone)

typedef struct engine {
  const nl_backward_args *args;
  nl_node **heap;
  int count, capacity;
  nl_edge *wanted;                  /* the inputs' edges */
  nl_tensor **hooked, **hooked_sum; /* leaves with hooks, and what has reached them: their hooks see the sum */
  int nhooked;
} engine;

/* ---- the heap ---- */

static nl_status push(engine *e, nl_node *n) {
  if (n->queued) {
    return NL_OK;
  }
  if (e->count == e->capacity) {
    int capacity = e->capacity ? 2 * e->capacity : 64;
    nl_node **more = nl_new((size_t)capacity * sizeof *more);
    if (!more) {
      return NL_NOMEM;
    }
    if (e->count) {
      memcpy(more, e->heap, (size_t)e->count * sizeof *more);
    }
    nl_delete(e->heap);
    e->heap = more;
    e->capacity = capacity;
  }
  n->queued = true;
  n->refs++;
  int i = e->count++;
  for (; i > 0 && e->heap[(i - 1) / 2]->seq < n->seq; i = (i - 1) / 2) {
    e->heap[i] = e->heap[(i - 1) / 2];
  }
  e->heap[i] = n;
  return NL_OK;
}

static nl_node *pop(engine *e) {
  nl_node *top = e->heap[0], *last = e->heap[--e->count];
  int i = 0;
  for (;;) {
    int child = 2 * i + 1;
    if (child >= e->count) {
      break;
    }
    if (child + 1 < e->count && e->heap[child + 1]->seq > e->heap[child]->seq) {
      child++;
    }
    if (e->heap[child]->seq <= last->seq) {
      break;
    }
    e->heap[i] = e->heap[child];
    i = child;
  }
  e->heap[i] = last;
  top->queued = false;
  return top;
}

static void forget_grads(nl_node *n) {
  for (int i = 0; i < NL_MAX_OUT; i++) {
    nl_tensor_unref(n->grad[i]);
    n->grad[i] = NULL;
  }
}

/* ---- gradients meet ---- */

/* *sum += g, where *sum may be NULL. Takes over the reference to g. */
static nl_status add_into(nl_tensor **sum, nl_tensor *g) {
  if (!*sum) {
    *sum = g;
    return NL_OK;
  }
  nl_call c;
  nl_call_init(&c, row_add(), 2, NULL);
  c.in[0] = *sum;
  c.in[1] = g;
  /* a sum that nobody else holds can take the addition itself */
  c.inplace = (*sum)->refs == 1 && (*sum)->storage->refs == 1 && (*sum)->contiguous && !nl_grad_enabled();
  nl_status status = nl_dispatch(&c);
  nl_tensor_unref(g);
  if (status == NL_OK) {
    nl_tensor_unref(*sum);
    *sum = c.out[0];
  }
  return status;
}

/* Adds to a leaf's .grad. A gradient that nobody else holds becomes .grad itself. */
static nl_status add_to_leaf(nl_tensor *leaf, nl_tensor *g, bool create_graph) {
  nl_tensor *have = nl_grad_of(leaf);
  nl_call c;
  nl_status status = NL_OK;
  if (have) {
    nl_call_init(&c, row_add(), 2, NULL);
    c.in[0] = have;
    c.in[1] = g;
    c.inplace = !create_graph;
    status = nl_dispatch(&c);
    if (status == NL_OK) {
      status = create_graph ? nl_set_grad(leaf, c.out[0]) : NL_OK;
      nl_tensor_unref(c.out[0]);
    }
  } else if (create_graph || (g->refs == 1 && g->storage->refs == 1 && g->contiguous)) {
    status = nl_set_grad(leaf, g);
  } else {
    nl_call_init(&c, row_clone(), 1, NULL);
    c.in[0] = g;
    status = nl_dispatch(&c);
    if (status == NL_OK) {
      status = nl_set_grad(leaf, c.out[0]);
      nl_tensor_unref(c.out[0]);
    }
  }
  nl_tensor_unref(g);
  return status;
}

/* Takes over the reference to g. */
static nl_status keep_for_hooks(engine *e, nl_tensor *leaf, nl_tensor *g) {
  for (int i = 0; i < e->nhooked; i++) {
    if (e->hooked[i] == leaf) {
      return add_into(&e->hooked_sum[i], g);
    }
  }
  nl_tensor **more = nl_new(2 * ((size_t)e->nhooked + 1) * sizeof *more);
  if (!more) {
    nl_tensor_unref(g);
    return NL_NOMEM;
  }
  nl_tensor **sums = more + e->nhooked + 1;
  for (int i = 0; i < e->nhooked; i++) {
    more[i] = e->hooked[i];
    sums[i] = e->hooked_sum[i];
  }
  nl_delete(e->hooked);
  e->hooked = more;
  e->hooked_sum = sums;
  e->hooked[e->nhooked] = nl_tensor_ref(leaf);
  e->hooked_sum[e->nhooked++] = g;
  return NL_OK;
}

/* At the end: each leaf's hooks, then the leaf. */
static nl_status finish_hooked(engine *e, nl_status status) {
  for (int i = 0; i < e->nhooked; i++) {
    if (status == NL_OK) {
      status = nl_run_hooks(nl_leaf_hooks(e->hooked[i]), &e->hooked_sum[i]);
    }
    if (status == NL_OK) {
      status = add_to_leaf(e->hooked[i], e->hooked_sum[i], e->args->create_graph);
    } else {
      nl_tensor_unref(e->hooked_sum[i]);
    }
    nl_tensor_unref(e->hooked[i]);
  }
  nl_delete(e->hooked);
  return status;
}

/* Hands g on along an edge. Takes over the reference. */
static nl_status deliver(engine *e, const nl_edge *edge, nl_tensor *g) {
  if (edge->node) {
    nl_status status = push(e, edge->node); /* first, so that what it holds is let go of after a failure */
    if (status != NL_OK) {
      nl_tensor_unref(g);
      return status;
    }
    return add_into(&edge->node->grad[edge->nr], g);
  }
  if (e->args->ninputs == 0) {
    return nl_leaf_hooks(edge->leaf) ? keep_for_hooks(e, edge->leaf, g)
                                     : add_to_leaf(edge->leaf, g, e->args->create_graph);
  }
  for (int i = 0; i < e->args->ninputs; i++) {
    if (e->wanted[i].leaf == edge->leaf) {
      nl_status status = add_into(&e->args->grads[i], nl_tensor_ref(g));
      if (status != NL_OK) {
        nl_tensor_unref(g);
        return status;
      }
    }
  }
  nl_tensor_unref(g);
  return NL_OK;
}

/* ---- one node ---- */

static bool edge_needed(const engine *e, const nl_edge *edge) {
  if (edge->node) {
    return true;
  }
  bool needed = edge->leaf && e->args->ninputs == 0;
  for (int i = 0; i < e->args->ninputs && edge->leaf; i++) {
    needed = needed || e->wanted[i].leaf == edge->leaf;
  }
  return needed;
}

/* The call as its vjp sees it. */
static nl_status restore_call(nl_node *n, nl_call *c, nl_tensor **in, bool with_history) {
  memset(c, 0, offsetof(nl_call, small_in));
  c->op = n->op;
  c->nin = n->nin;
  c->nout = n->nout;
  c->in = with_history ? in : n->in;
  for (int i = 0; i < n->nin && with_history; i++) {
    nl_status status = nl_node_input(n, i, &in[i]);
    if (status != NL_OK) {
      return status;
    }
  }
  c->dtype = n->dtype;
  memcpy(c->attr, n->attr, sizeof c->attr);
  memcpy(c->ints, n->ints, (size_t)n->nints * sizeof *c->ints);
  c->nints = n->nints;
  for (int i = 0; i < n->nout; i++) {
    if (n->out[i] && with_history) {
      nl_status status = nl_node_output(n, i, &c->out[i]);
      if (status != NL_OK) {
        return status;
      }
    } else {
      c->out[i] = nl_tensor_ref(n->out[i]);
    }
  }
  return NL_OK;
}

enum { SMALL = 8 };

/* Puts the row, and where it was called, before the waiting error. */
static void name_node(const nl_node *n) {
  const char *place = nl_node_place(n);
  if (place) {
    nl_error_prefix("gradient of %s (called at %s)", n->op->name, place);
  } else {
    nl_error_prefix("gradient of %s", n->op->name);
  }
}

/* A user's function: its gradients, checked, and owned by the build. */
static nl_status run_custom(nl_node *n, nl_build *build, nl_tensor **gin, const bool *need) {
  nl_status status = n->custom->backward(n->ctx, n->nout, n->grad, n->nin, gin, need);
  for (int i = 0; i < n->nin; i++) {
    gin[i] = nl_b_own(build, gin[i]);
    if (status == NL_OK && gin[i] && !nl_shape_equal(gin[i], n->in[i])) {
      status = nl_fail("backward gave a gradient of shape %s for input %d, whose shape is %s",
                       nl_tensor_shape_string(gin[i]).s, i + 1, nl_tensor_shape_string(n->in[i]).s);
    }
  }
  return status;
}

/* nan in a gradient that came from gradients without nan */
static nl_status look_for_nan(const nl_node *n, nl_tensor *const *gin, const bool *need) {
  for (int i = 0; i < n->nout; i++) {
    if (nl_has_nan(n->grad[i])) {
      return NL_OK;
    }
  }
  for (int i = 0; i < n->nin; i++) {
    if (need[i] && nl_has_nan(gin[i])) {
      return nl_fail("made nan in the gradient of its input %d (shape %s)", i + 1, nl_tensor_shape_string(gin[i]).s);
    }
  }
  return NL_OK;
}

static nl_status run_node(engine *e, nl_node *n) {
  nl_status status = nl_node_check(n);
  if (status != NL_OK) {
    name_node(n);
    return status;
  }
  nl_tensor *small_gin[2 * SMALL] = {NULL}, **gin = small_gin, **in = small_gin + SMALL;
  bool small_need[SMALL] = {false}, *need = small_need, any = false;
  void *heap = NULL;
  if (n->nin > SMALL) {
    heap = nl_new((size_t)n->nin * (2 * sizeof *gin + sizeof *need));
    if (!heap) {
      return NL_NOMEM;
    }
    gin = heap;
    in = gin + n->nin;
    need = (bool *)(in + n->nin);
  }
  for (int i = 0; i < n->nin; i++) {
    need[i] = edge_needed(e, &n->edge[i]);
    any = any || need[i];
  }
  if (!any) {
    nl_delete(heap);
    return NL_OK;
  }
  nl_build build;
  nl_build_init(&build);
  nl_vjp v = {.build = &build, .gin = gin, .need = need, .differentiable = e->args->create_graph};
  memcpy(v.gout, n->grad, sizeof v.gout);
  nl_call c;
  status = restore_call(n, &c, in, e->args->create_graph);
  if (status == NL_OK && n->custom) {
    status = run_custom(n, &build, gin, need);
  } else if (status == NL_OK) {
    status = n->op->vjp(&c, &v);
  }
  if (status == NL_OK && nl_anomaly()) {
    status = look_for_nan(n, gin, need);
  }
  for (int i = 0; i < n->nin; i++) {
    if (status == NL_OK && gin[i] && need[i]) {
      gin[i] = nl_tensor_ref(nl_b_like(&build, gin[i], n->in[i]));
      status = build.status;
    } else {
      gin[i] = NULL;
    }
  }
  for (int i = 0; i < NL_MAX_OUT; i++) {
    nl_tensor_unref(c.out[i]);
  }
  for (int i = 0; i < n->nin; i++) {
    nl_tensor_unref(in[i]);
  }
  nl_build_free(&build);
  forget_grads(n); /* before delivering, so that a gradient passed through has one owner less */
  for (int i = 0; i < n->nin; i++) {
    if (gin[i]) {
      if (status == NL_OK) {
        status = deliver(e, &n->edge[i], gin[i]);
      } else {
        nl_tensor_unref(gin[i]);
      }
    }
  }
  nl_delete(heap);
  if (status != NL_OK && status != NL_INTERRUPTED) {
    name_node(n);
  }
  return status;
}

/* Gradients of inputs that are no leaves are taken when their node comes up. */
static nl_status collect_inputs(engine *e, nl_node *n) {
  for (int i = 0; i < e->args->ninputs; i++) {
    if (e->wanted[i].node == n) {
      nl_tensor *g = n->grad[e->wanted[i].nr];
      nl_status status = g ? add_into(&e->args->grads[i], nl_tensor_ref(g)) : NL_OK;
      if (status != NL_OK) {
        return status;
      }
    }
  }
  return NL_OK;
}

static nl_status root_gradient(const nl_backward_args *a, nl_tensor **out) {
  nl_tensor *root = a->root;
  *out = NULL;
  if (a->grad) {
    if (!nl_shape_equal(a->grad, root) || a->grad->dtype != root->dtype) {
      return nl_fail("the gradient must have the tensor's shape and dtype (%s, %s), not %s, %s",
                     nl_tensor_shape_string(root).s, nl_dtype_name(nl_tensor_dtype(root)),
                     nl_tensor_shape_string(a->grad).s, nl_dtype_name(nl_tensor_dtype(a->grad)));
    }
    *out = nl_tensor_ref(a->grad);
    return NL_OK;
  }
  if (root->numel != 1) {
    return nl_fail("starts from one number, but the tensor has shape %s; reduce it first, e.g. loss:mean(), or give a "
                   "gradient of that shape",
                   nl_tensor_shape_string(root).s);
  }
  nl_status status = nl_tensor_new(nl_tensor_dtype(root), root->ndim, root->shape, out);
  if (status == NL_OK) {
    nl_tensor_set_double(*out, 0, 1);
  }
  return status;
}

static void drop_edge(nl_edge *e) {
  nl_node_unref(e->node);
  nl_tensor_unref(e->leaf);
}

static nl_status run_all(engine *e) {
  const nl_backward_args *a = e->args;
  nl_edge start = {NULL, NULL, 0};
  nl_status status = nl_edge_of(a->root, &start);
  if (status == NL_OK && !start.node && !start.leaf) {
    status = nl_fail("this tensor has no history: nothing it was computed from requires a gradient (were they made "
                     "under no_grad, or detached?)");
  }
  nl_tensor *g = NULL;
  status = status == NL_OK ? root_gradient(a, &g) : status;
  status = status == NL_OK ? deliver(e, &start, g) : status;
  while (status == NL_OK && e->count > 0) {
    nl_node *n = pop(e);
    for (int i = 0; i < n->nout && status == NL_OK; i++) {
      status = n->hook[i] && n->grad[i] ? nl_run_hooks(n->hook[i], &n->grad[i]) : NL_OK;
    }
    status = status == NL_OK ? collect_inputs(e, n) : status;
    status = status == NL_OK ? run_node(e, n) : status;
    if (status == NL_OK && !a->retain_graph && !a->create_graph) {
      nl_node_release(n);
    }
    forget_grads(n);
    nl_node_unref(n);
  }
  while (e->count > 0) { /* after a failure */
    nl_node *n = pop(e);
    forget_grads(n);
    nl_node_unref(n);
  }
  drop_edge(&start);
  return finish_hooked(e, status);
}

nl_status nl_backward(const nl_backward_args *args) {
  engine e = {.args = args};
  bool was = nl_grad_set_enabled(args->create_graph);
  nl_status status = NL_OK;
  if (args->ninputs > 0) {
    e.wanted = nl_new((size_t)args->ninputs * sizeof *e.wanted);
    status = e.wanted ? NL_OK : NL_NOMEM;
    for (int i = 0; i < args->ninputs && status == NL_OK; i++) {
      status = nl_edge_of(args->inputs[i], &e.wanted[i]);
      if (status == NL_OK && !e.wanted[i].node && !e.wanted[i].leaf) {
        status = nl_fail("input %d does not require a gradient", i + 1);
      }
    }
  }
  if (status == NL_OK) {
    status = run_all(&e);
  }
  for (int i = 0; i < args->ninputs; i++) {
    if (e.wanted) {
      drop_edge(&e.wanted[i]);
    }
    if (status != NL_OK) {
      nl_tensor_unref(args->grads[i]);
      args->grads[i] = NULL;
    }
  }
  nl_delete(e.wanted);
  nl_delete(e.heap);
  nl_grad_set_enabled(was);
  return status;
}
