/* Nodes of the graph, for src/autograd: what a call leaves behind so that its gradient can be computed.

   What a node saved is detached: it shares memory but has no history (the edges have that), so that a tensor which is
   written to later and comes to depend on the node does not hold itself; a leaf that wants a gradient is saved as it
   is. Of inputs no gradient needs the shape is kept. A value that can be computed again (autograd/checkpoint.h) is kept
   as a shape and a slot. */
#ifndef NL_AUTOGRAD_NODE_H
#define NL_AUTOGRAD_NODE_H

#include "autograd/anchor.h"
#include "autograd/checkpoint.h"
#include "autograd/tape.h"

struct nl_visit;

/* A value kept for a user's function, with its history. */
typedef struct nl_kept {
  nl_tensor *t; /* NULL: given up */
  uint32_t version;
  nl_slot slot;
  int out;      /* it is this output of the node itself; -1: it is none */
  nl_edge edge; /* where its gradient goes, if it is no output */
} nl_kept;

struct nl_node {
  int64_t refs;
  uint64_t seq; /* larger than that of every node its edges lead to: descending order is an order backwards */
  const nl_op *op;
  int nin, nout;
  int line;      /* where the call stands in the user's program; see nl_set_line_finder */
  bool released; /* saved values were given up by a backward */
  nl_dtype dtype;
  nl_tensor **in; /* saved inputs, or shapes */
  uint32_t *in_version;
  nl_edge *edge;
  nl_tensor *out[NL_MAX_OUT]; /* saved outputs */
  uint32_t out_version[NL_MAX_OUT];
  nl_attr attr[NL_MAX_PARAM];
  int64_t *ints; /* the call's lists */
  int nints;
  nl_hook *hook[NL_MAX_OUT];
  nl_anchor *anchor;            /* what hooks and functions need from here backwards, or NULL */
  nl_slot *slot;                /* of inputs, then outputs; NULL: everything is kept here */
  nl_custom_fn custom;          /* in place of the op's vjp */
  nl_anchor *function;          /* custom's; a reference */
  nl_tensor *shape[NL_MAX_OUT]; /* of a custom node: its outputs' shapes */
  nl_kept *kept;                /* of a custom node */
  int nkept;
  struct nl_visit *visit; /* what the innermost running backward that met it knows of it (backward.c) */
  nl_node *next_dead;     /* while a chain of nodes is being freed */
};

/* What autograd keeps with a tensor. */
typedef struct nl_meta {
  nl_tensor *grad;
  nl_node *node;
  int nr;
  uint32_t version;     /* of a view: the storage's version its node belongs to */
  nl_hook *hooks;       /* of a leaf */
  nl_anchor *anchor;    /* what they need */
  nl_anchor *pinned[2]; /* what the gradient's history needs, and what a write in place made this one's need */
} nl_meta;

/* NULL: no memory. */
nl_meta *nl_meta_of(nl_tensor *);

/* The tensor holds what the anchor (or NULL) stands for, as one of its two, instead of what it held. */
enum { NL_PIN_GRADIENT, NL_PIN_HISTORY };
nl_status nl_meta_pin(nl_meta *, int which, nl_anchor *);

/* A node for a call, without saved values and edges. Error: memory. */
nl_status nl_node_new(const nl_call *, nl_node **out);

/* Edge i leads to where t's gradient goes. */
nl_status nl_node_link(nl_node *, int i, nl_tensor *t);

/* Saves input i; or its shape alone, where no gradient needs its values. */
nl_status nl_node_save_input(nl_node *, int i, nl_tensor *t);
nl_status nl_node_save_shape(nl_node *, int i, nl_tensor *t);
nl_status nl_node_save_outputs(nl_node *, nl_tensor *const out[]);

/* Makes a node's output the tensor's history; takes over the reference to the node. */
nl_status nl_node_attach(nl_node *, int nr, nl_tensor *t);

/* Its number, once its edges are known. */
void nl_node_number(nl_node *);

/* Keeps t for a user's function as number i of node->kept; out: it is that output, or -1. */
nl_status nl_node_keep(nl_node *, int i, nl_tensor *t, int out);

/* What was kept for a user's function, with its history where one is wanted. */
nl_status nl_node_kept(nl_node *, int i, bool history, nl_tensor **out);

/* Brings back what its region computes again, before a gradient is computed; and lets go of it after. */
nl_status nl_node_load(nl_node *);
void nl_node_unload(nl_node *);

/* ---- views (view.c) ---- */

/* Gives a view whose base was written to since a history that looks into the new base. */
nl_status nl_view_refresh(nl_tensor *view);

/* After a write through a view: the base gets nodes that put the view's new value into its old one. Takes over the edge
   to the value. */
nl_status nl_view_write_base(nl_tensor *view, nl_edge *new_value);

void nl_edge_drop(nl_edge *);

/* An error if a call, now over, made nan from inputs without nan (anomaly.c). */
nl_status nl_anomaly_check(const nl_call *);

/* ---- hooks (hook.c) ---- */

/* Lets go of a list and of what only it held. */
void nl_hooks_free(nl_hook *);

#endif
