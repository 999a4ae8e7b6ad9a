/* Nodes are taken from a heap in descending order of their number: when a node comes up, everything that used its
   outputs has been seen. */
#include "autograd/backward.h"

#include <string.h>

#include "autograd/node.h"
#include "core/memory.h"
#include "optable/helpers.h"

/* What a backward knows of a node. A hook may run another backward over the same nodes: each has visits of its own, and
   node->visit is the innermost's, which remembers what stood there before. */
typedef struct nl_visit {
  struct engine *engine;
  nl_node *node;
  struct nl_visit *outer;
  nl_tensor *grad[NL_MAX_OUT];
  bool
      own[NL_MAX_OUT]; /* made here, for this node alone: may be added to in place, also while calls are written down */
  bool queued;
  bool needed; /* its gradients are: it leads to a leaf, or to one of the inputs asked for */
  bool wanted; /* it made one of these inputs */
  int next;    /* while it is looked at: the edge to follow next */
} visit;

enum { FIRST = 16, BLOCK = 256 };

/* Visits do not move: they lie in blocks. */
typedef struct block {
  struct block *before;
  int count;
  visit visit[BLOCK];
} block;

typedef struct engine {
  const nl_backward_args *args;
  visit **heap;
  int count, capacity, nfirst, nhooked;
  block *visits;
  nl_edge *wanted;                        /* the inputs' edges */
  nl_tensor **hooked, **hooked_sum;       /* leaves with hooks, and what has reached them: their hooks see the sum */
  visit *first_heap[FIRST], first[FIRST]; /* enough for a small net */
} engine;

/* ---- visits ---- */

static visit *new_visit(engine *e) {
  if (e->nfirst < FIRST) {
    return &e->first[e->nfirst++];
  }
  block *b = e->visits;
  if (!b || b->count == BLOCK) {
    b = nl_new(sizeof *b);
    if (!b) {
      return NULL;
    }
    b->before = e->visits;
    e->visits = b;
  }
  return &b->visit[b->count++];
}

/* NULL: no memory. */
static visit *visit_of(engine *e, nl_node *n) {
  if (n->visit && n->visit->engine == e) {
    return n->visit;
  }
  visit *v = new_visit(e);
  if (v) {
    *v = (visit){.engine = e, .node = n, .outer = n->visit, .needed = e->args->ninputs == 0};
    n->refs++;
    n->visit = v;
  }
  return v;
}

static void forget_grads(visit *v) {
  for (int i = 0; i < v->node->nout; i++) {
    nl_tensor_unref(v->grad[i]);
    v->grad[i] = NULL;
  }
}

static void end_visit(visit *v) {
  forget_grads(v);
  v->node->visit = v->outer;
  nl_node_unref(v->node);
}

static void end_visits(engine *e) {
  while (e->visits) {
    block *b = e->visits;
    e->visits = b->before;
    for (int i = 0; i < b->count; i++) {
      end_visit(&b->visit[i]);
    }
    nl_delete(b);
  }
  for (int i = 0; i < e->nfirst; i++) {
    end_visit(&e->first[i]);
  }
}

/* ---- what is needed ---- */

/* Of a node all of whose edges were followed. */
static bool leads_on(const engine *e, const nl_node *n) {
  for (int i = 0; i < n->nin; i++) {
    const nl_edge *edge = &n->edge[i];
    const visit *v = edge->node ? edge->node->visit : NULL;
    if (v && (v->needed || v->wanted)) {
      return true;
    }
    for (int k = 0; edge->leaf && k < e->args->ninputs; k++) {
      if (e->wanted[k].leaf == edge->leaf) {
        return true;
      }
    }
  }
  return false;
}

/* With inputs asked for, only nodes on a way to them are run (and freed): a walk from the root, each node after those
   its edges lead to. */
static nl_status find_needed(engine *e, nl_node *root) {
  for (int i = 0; i < e->args->ninputs; i++) {
    if (e->wanted[i].node) {
      visit *v = visit_of(e, e->wanted[i].node);
      if (!v) {
        return NL_NOMEM;
      }
      v->wanted = true;
    }
  }
  visit *v = visit_of(e, root), **stack = NULL;
  int depth = 0;
  nl_status status = NL_OK;
  while (v) {
    nl_node *n = v->node;
    while (v->next < n->nin &&
           (!n->edge[v->next].node || (n->edge[v->next].node->visit && n->edge[v->next].node->visit->engine == e &&
                                       n->edge[v->next].node->visit->next > 0))) {
      v->next++;
    }
    if (v->next < n->nin) {
      visit *further = visit_of(e, n->edge[v->next++].node), **more = nl_grow(stack, depth, sizeof *stack);
      if (!further || !more) {
        status = NL_NOMEM;
        break;
      }
      stack = more;
      stack[depth++] = v;
      v = further;
    } else {
      v->next = n->nin + 1; /* seen, even without edges */
      v->needed = leads_on(e, n);
      v = depth > 0 ? stack[--depth] : NULL;
    }
  }
  nl_delete(stack);
  return status;
}

/* ---- the heap ---- */

static nl_status push_ready(engine *e, visit *v) {
  if (v->queued) {
    return NL_OK;
  }
  if (e->count == e->capacity) {
    visit **more = nl_new(2 * (size_t)e->capacity * sizeof *more);
    if (!more) {
      return NL_NOMEM;
    }
    memcpy(more, e->heap, (size_t)e->count * sizeof *more);
    if (e->heap != e->first_heap) {
      nl_delete(e->heap);
    }
    e->heap = more;
    e->capacity *= 2;
  }
  v->queued = true;
  int i = e->count++;
  for (; i > 0 && e->heap[(i - 1) / 2]->node->seq < v->node->seq; i = (i - 1) / 2) {
    e->heap[i] = e->heap[(i - 1) / 2];
  }
  e->heap[i] = v;
  return NL_OK;
}

static visit *pop(engine *e) {
  visit *top = e->heap[0], *last = e->heap[--e->count];
  int i = 0;
  for (;;) {
    int child = 2 * i + 1;
    if (child >= e->count) {
      break;
    }
    if (child + 1 < e->count && e->heap[child + 1]->node->seq > e->heap[child]->node->seq) {
      child++;
    }
    if (e->heap[child]->node->seq <= last->node->seq) {
      break;
    }
    e->heap[i] = e->heap[child];
    i = child;
  }
  e->heap[i] = last;
  top->queued = false;
  return top;
}

/* ---- gradients meet ---- */

/* Takes over the reference to g. */
static nl_status keep_for_hooks(engine *e, nl_tensor *leaf, nl_tensor *g) {
  bool made = false;
  for (int i = 0; i < e->nhooked; i++) {
    if (e->hooked[i] == leaf) {
      return nl_add_into(&e->hooked_sum[i], g, &made);
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
      status = nl_add_to_leaf(e->hooked[i], e->hooked_sum[i], e->args->create_graph);
    } else {
      nl_tensor_unref(e->hooked_sum[i]);
    }
    nl_tensor_unref(e->hooked[i]);
  }
  nl_delete(e->hooked);
  return status;
}

/* Gradients asked for of leaves with hooks pass through these, too. */
static nl_status hook_inputs(engine *e) {
  nl_status status = NL_OK;
  for (int i = 0; i < e->args->ninputs && status == NL_OK; i++) {
    nl_tensor *leaf = e->wanted[i].leaf, **grads = e->args->grads;
    nl_hook *hooks = leaf && grads[i] ? nl_leaf_hooks(leaf) : NULL;
    int same = 0;
    while (same < i && e->wanted[same].leaf != leaf) {
      same++;
    }
    if (hooks && same < i) {
      nl_tensor_unref(grads[i]);
      grads[i] = nl_tensor_ref(grads[same]);
    } else if (hooks) {
      status = nl_run_hooks(hooks, &grads[i]);
    }
  }
  return status;
}

/* Hands g on along an edge. Takes over the reference. fresh: nobody else has it. */
static nl_status deliver(engine *e, const nl_edge *edge, nl_tensor *g, bool fresh) {
  bool made = false;
  if (edge->node) {
    visit *v = visit_of(e, edge->node);
    nl_status status = !v ? NL_NOMEM : v->needed || v->wanted ? push_ready(e, v) : NL_OK;
    if (status != NL_OK || !v->queued) {
      nl_tensor_unref(g);
      return status;
    }
    bool first = !v->grad[edge->nr];
    status = nl_add_into(&v->grad[edge->nr], g, &v->own[edge->nr]);
    v->own[edge->nr] = first ? fresh : v->own[edge->nr];
    return status;
  }
  if (e->args->ninputs == 0) {
    return nl_leaf_hooks(edge->leaf) ? keep_for_hooks(e, edge->leaf, g)
                                     : nl_add_to_leaf(edge->leaf, g, e->args->create_graph);
  }
  for (int i = 0; i < e->args->ninputs; i++) {
    if (e->wanted[i].leaf == edge->leaf) {
      nl_status status = nl_add_into(&e->args->grads[i], nl_tensor_ref(g), &made);
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
  if (edge->node && e->args->ninputs > 0) {
    const visit *v = edge->node->visit;
    return v && v->engine == e && (v->needed || v->wanted);
  }
  bool needed = edge->node || (edge->leaf && e->args->ninputs == 0);
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

/* Puts the op, and where it was called, before the waiting error. */
static void name_node(const nl_node *n) {
  const char *line = nl_node_line(n);
  if (line) {
    nl_error_prefix("gradient of %s (called at %s)", n->op->name, line);
  } else {
    nl_error_prefix("gradient of %s", n->op->name);
  }
}

/* A user's function: its gradients, checked, and owned by the build. */
static nl_status run_custom(engine *e, visit *v, nl_build *build, nl_tensor **gin, const bool *need) {
  nl_node *n = v->node;
  nl_tensor **kept = nl_new(((size_t)n->nkept + 1) * sizeof *kept);
  nl_status status = kept ? NL_OK : NL_NOMEM;
  for (int i = 0; i < n->nkept && status == NL_OK; i++) {
    status = nl_node_kept(n, i, e->args->create_graph, &kept[i]);
  }
  if (status == NL_OK) {
    status = n->custom(n->function, &(nl_custom_call){.nout = n->nout,
                                                      .nin = n->nin,
                                                      .nkept = n->nkept,
                                                      .gout = v->grad,
                                                      .shape = n->shape,
                                                      .kept = kept,
                                                      .gin = gin,
                                                      .need = need});
  }
  for (int i = 0; kept && i < n->nkept; i++) {
    nl_tensor_unref(kept[i]);
  }
  nl_delete(kept);
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
static nl_status look_for_nan(const visit *v, nl_tensor *const *gin, const bool *need) {
  const nl_node *n = v->node;
  for (int i = 0; i < n->nout; i++) {
    if (nl_has_nan(v->grad[i])) {
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

/* What has reached an edge's node, where it can be added to in place. */
static nl_tensor *sum_so_far(const engine *e, const nl_edge *edge) {
  const visit *v = edge->node ? edge->node->visit : NULL;
  nl_tensor *sum = v && v->engine == e && v->own[edge->nr] ? v->grad[edge->nr] : NULL;
  return sum && sum->contiguous && !nl_grad_enabled() ? sum : NULL;
}

/* The gradients of a node's inputs that are needed, in gin, which the caller holds; NULL where there is none, and all
   of them after a failure. in: room. */
static nl_status find_gradients(engine *e, visit *at, nl_tensor **gin, nl_tensor **in, const bool *need, bool *fresh) {
  nl_node *n = at->node;
  nl_build build;
  nl_build_init(&build);
  nl_vjp v = {.build = &build, .gin = gin, .need = need, .differentiable = e->args->create_graph};
  memcpy(v.gout, at->grad, sizeof v.gout);
  v.sum = n->op->flags & NL_OP_VIEW ? sum_so_far(e, &n->edge[0]) : NULL;
  nl_call c;
  nl_status status = restore_call(n, &c, in, e->args->create_graph);
  if (status == NL_OK && n->custom) {
    status = run_custom(e, at, &build, gin, need);
  } else if (status == NL_OK) {
    status = n->op->vjp(&c, &v);
  }
  if (status == NL_OK && nl_anomaly()) {
    status = look_for_nan(at, gin, need);
  }
  for (int i = 0; i < n->nin; i++) {
    if (status == NL_OK && gin[i] && need[i] && gin[i] != v.sum) {
      nl_tensor *like = nl_b_like(&build, gin[i], n->in[i]);
      v.fresh = v.fresh && like == gin[i];
      gin[i] = nl_tensor_ref(like);
      status = build.status;
    } else {
      gin[i] = NULL;
    }
  }
  for (int i = 0; i < n->nout; i++) {
    nl_tensor_unref(c.out[i]);
  }
  for (int i = 0; i < n->nin; i++) {
    nl_tensor_unref(in[i]);
    in[i] = NULL;
  }
  nl_build_free(&build);
  *fresh = v.fresh;
  for (int i = 0; i < n->nin && status != NL_OK; i++) {
    nl_tensor_unref(gin[i]);
    gin[i] = NULL;
  }
  return status;
}

static nl_status run_node(engine *e, visit *at) {
  nl_node *n = at->node;
  nl_status status = nl_node_load(n);
  status = status == NL_OK ? nl_node_check(n) : status;
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
  bool fresh = false;
  status = find_gradients(e, at, gin, in, need, &fresh);
  if (status == NL_NOMEM && !n->custom && nl_memory_relieve()) { /* a function of the user is called once */
    status = nl_node_check(n); /* finalizers may have run a backward of their own, or changed values */
    status = status == NL_OK ? find_gradients(e, at, gin, in, need, &fresh) : status;
  }
  forget_grads(at); /* before delivering, so that a gradient passed through has one owner less */
  for (int i = 0; i < n->nin; i++) {
    if (gin[i]) {
      if (status == NL_OK) {
        status = deliver(e, &n->edge[i], gin[i], fresh && i == 0);
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
static nl_status collect_inputs(engine *e, const visit *v) {
  for (int i = 0; i < e->args->ninputs; i++) {
    if (e->wanted[i].node == v->node) {
      nl_tensor *g = v->grad[e->wanted[i].nr];
      bool made = false;
      nl_status status = g ? nl_add_into(&e->args->grads[i], nl_tensor_ref(g), &made) : NL_OK;
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

/* One node: hooks, the inputs it made, its gradients, and what it saved. */
static nl_status visit_node(engine *e, visit *v) {
  nl_node *n = v->node;
  nl_status status = NL_OK;
  for (int i = 0; i < n->nout && status == NL_OK; i++) {
    status = n->hook[i] && v->grad[i] ? nl_run_hooks(n->hook[i], &v->grad[i]) : NL_OK;
  }
  status = status == NL_OK ? collect_inputs(e, v) : status;
  if (status == NL_OK && v->needed) {
    status = run_node(e, v);
    if (status == NL_OK && !e->args->retain_graph && !e->args->create_graph) {
      nl_node_release(n);
    } else {
      nl_node_unload(n);
    }
  }
  forget_grads(v);
  return status;
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
  if (status == NL_OK && start.node && a->ninputs > 0) {
    status = find_needed(e, start.node);
  }
  if (status == NL_OK) {
    status = deliver(e, &start, g, false);
  } else {
    nl_tensor_unref(g);
  }
  while (status == NL_OK && e->count > 0) {
    status = visit_node(e, pop(e));
  }
  nl_edge_drop(&start);
  status = status == NL_OK ? hook_inputs(e) : status;
  return finish_hooked(e, status);
}

nl_status nl_backward(const nl_backward_args *args) {
  static _Thread_local int running; /* a hook may run another one */
  engine e;
  memset(&e, 0, offsetof(engine, first_heap));
  e.args = args;
  e.heap = e.first_heap;
  e.capacity = FIRST;
  running++;
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
      nl_edge_drop(&e.wanted[i]);
    }
    if (status != NL_OK) {
      nl_tensor_unref(args->grads[i]);
      args->grads[i] = NULL;
    }
  }
  nl_delete(e.wanted);
  end_visits(&e);
  if (e.heap != e.first_heap) {
    nl_delete(e.heap);
  }
  nl_grad_set_enabled(was);
  if (--running == 0) {
    nl_regions_forget();
  }
  return status;
}
