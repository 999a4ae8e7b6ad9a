/* The tape: reverse-mode differentiation over ops. Each call whose inputs want gradients leaves a node that keeps what
   the op's vjp needs and edges to where the gradients go. A tensor points to the node that made it.

   Views and writes in place: a view knows its base; a write through a view becomes a new node of the base, and views
   made before look through the new base when next used. The node of a write is made before it, while its inputs'
   histories are those of the values it reads. Every write raises the storage's version; a node remembers the versions
   of what it saved, so that a gradient from overwritten values is an error, never a wrong number. */
#ifndef NL_AUTOGRAD_TAPE_H
#define NL_AUTOGRAD_TAPE_H

#include "optable/op.h"

typedef struct nl_node nl_node;
struct nl_anchor;

typedef struct nl_edge {
  nl_node *node;   /* where the gradient goes on, or NULL */
  nl_tensor *leaf; /* the leaf it is added to, or NULL; both NULL: this input wants none */
  int nr;          /* which of the node's outputs this was */
} nl_edge;

/* Called with a gradient on its way: a tensor's hook. May leave a replacement (a reference) in *out. A hook belongs to
   the list it stands in, and to who can take it away. */
typedef struct nl_hook {
  int64_t refs;
  struct nl_hook *next;
  nl_status (*run)(struct nl_anchor *function, nl_tensor *grad, nl_tensor **out);
  struct nl_anchor *function; /* the host's; a reference */
  bool pinned;                /* it came after others had begun to use the tensor, and these do not know of it */
  bool removed;               /* skipped, and unlinked later */
  bool busy;                  /* running now */
} nl_hook;

/* The way back of a user's function: gin[i] (references, NULL: none) where need[i], from gout[i] (NULL: nothing flows).
 */
typedef struct nl_custom_call {
  int nout, nin, nkept;
  nl_tensor *const *gout, *const *shape; /* shape: of the outputs, without values */
  nl_tensor *const *kept;                /* what the function kept, with history when the way back is recorded */
  nl_tensor **gin;
  const bool *need;
} nl_custom_call;
typedef nl_status (*nl_custom_fn)(struct nl_anchor *function, const nl_custom_call *);

/* What tells where the running call stands, as a number that `text` understands; the tape notes it for each
   node, so that errors on the way back can name the line of the forward pass. NULL: nobody knows. */
typedef struct nl_line_finder {
  int (*find)(void);
  const char *(*text)(int line); /* "train.lua:14", or NULL */
} nl_line_finder;
void nl_set_line_finder(const nl_line_finder *);

/* The text of a node's line, or NULL. */
const char *nl_node_line(const nl_node *);

/* Makes autograd watch every call. Called once at start. */
void nl_autograd_init(void);

/* Recording on or off for this thread; returns what it was. */
bool nl_grad_enabled(void);
bool nl_grad_set_enabled(bool on);

/* True if t wants a gradient, itself or through its base. */
bool nl_requires_grad(const nl_tensor *t);

/* A leaf was made by nobody: it is where gradients end up. */
bool nl_is_leaf(nl_tensor *t);

/* Turns a leaf's wish for a gradient on or off. Errors: not a leaf, not a float tensor. */
nl_status nl_set_requires_grad(nl_tensor *t, bool on);

/* The gradient collected in a leaf (borrowed), or NULL; and setting it (NULL clears). Error: wrong shape or dtype. */
nl_tensor *nl_grad_of(nl_tensor *t);
nl_tensor *nl_peek_grad(const nl_tensor *t); /* without telling the watcher */
nl_status nl_set_grad(nl_tensor *t, nl_tensor *grad);

/* Who is told when a leaf's gradient is asked for or set: the trace of a compiled function, while it records. NULL:
 * nobody. */
typedef struct nl_grad_watcher {
  void (*read)(nl_tensor *leaf, nl_tensor *grad);
  void (*set)(nl_tensor *leaf, nl_tensor *old, nl_tensor *grad);
} nl_grad_watcher;
void nl_set_grad_watcher(const nl_grad_watcher *);

/* The same values without history. */
nl_status nl_detach(nl_tensor *t, nl_tensor **out);

/* Where t's gradient goes: its node or, for a leaf that wants one, itself (of an alias: its original). */
nl_status nl_edge_of(nl_tensor *t, nl_edge *edge);

/* The number of the node that made t, or its base: later calls have larger ones. 0: nobody made it. */
uint64_t nl_history_number(const nl_tensor *t);
uint64_t nl_last_history_number(void);

/* What hooks and functions a backward from t would call, or NULL (borrowed). */
struct nl_anchor *nl_anchor_of(const nl_tensor *t);

/* A hook for t's gradient. On success the list has a reference of its own. Error: t wants no gradient. */
nl_status nl_add_hook(nl_tensor *t, nl_hook *hook);
void nl_hook_remove(nl_tensor *t, nl_hook *);
void nl_hook_unref(nl_hook *);
nl_hook *nl_leaf_hooks(nl_tensor *leaf);

/* Runs hooks over *grad (a reference), which they may replace. */
nl_status nl_run_hooks(nl_hook *hooks, nl_tensor **grad);

/* Makes all of out depend on all of in through a node of its own, which keeps the values of `kept`. A kept tensor that
   is one of out keeps this node as its history. Errors: memory. */
typedef struct nl_custom {
  int nin, nout, nkept;
  nl_tensor **in, **out, **kept;
  nl_custom_fn backward;
  struct nl_anchor *function; /* borrowed */
} nl_custom;
nl_status nl_record_custom(const nl_custom *);

/* With anomalies watched, a call that makes nan from inputs without nan is an error, forward and backward. */
void nl_set_anomaly(bool on, bool infinities_too);
bool nl_anomaly(void);
bool nl_has_nan(const nl_tensor *t);

void nl_node_unref(nl_node *);

/* Gives up the saved values of a node. */
void nl_node_release(nl_node *);

/* An error if something the node saved was overwritten or given up. */
nl_status nl_node_check(const nl_node *);

/* A tensor with the values of saved input i, and its history; or, where nothing leads further, what was saved. */
nl_status nl_node_input(nl_node *, int i, nl_tensor **out);

/* A tensor with the values of saved output i whose history is this node (for gradients of gradients). */
nl_status nl_node_output(nl_node *, int i, nl_tensor **out);

#endif
