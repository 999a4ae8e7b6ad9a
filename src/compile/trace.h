/* Recording: while a trace is open, every op that runs is written down, with the tensors it read and made. What the
   ops cannot show (an optimizer's sweep, a gradient hung on a leaf) is written down by the rooms that do it.

   A trace holds a reference to every tensor it has seen, so that no address is used twice and every value that was
   constant can be taken over as it is. */
#ifndef NL_COMPILE_TRACE_H
#define NL_COMPILE_TRACE_H

#include "core/map.h"
#include "optable/op.h"

/* Work that is no op, in parts that do not depend on each other and may run at different times (an optimizer's
   parameters, each as soon as its gradient is there). run gets a part's tensors in their order; what else it needs, it
   reads where it lives, at each replay. */
typedef struct nl_effect {
  const char *name;
  nl_status (*run)(void *ctx, int part, nl_tensor *const t[]);
  void (*release)(void *ctx);
  void *ctx;
  int count;          /* tensors in all */
  int each;           /* tensors of a part */
  nl_tensor **t;      /* what it reads or writes; references */
  const bool *writes; /* of each, whether it is written */
} nl_effect;

typedef struct nl_step {
  nl_call *call;  /* an op; NULL: an effect */
  nl_tensor **in; /* the call's inputs; references */
  nl_effect *effect;
  char where[48]; /* "mlp.lua:14", or "" */
} nl_step;

/* A place that holds a tensor from call to call: a leaf's gradient. */
typedef struct nl_grad_slot {
  nl_tensor *leaf;
  bool read_entry;  /* what it held at the start matters */
  nl_tensor *entry; /* what it held then, or NULL */
  bool pinned;      /* which the function also uses by other means */
  bool set;
  nl_tensor *value; /* what it holds at the end, where it was set; or NULL */
} nl_grad_slot;

typedef struct nl_trace {
  nl_status status; /* memory ran out while recording */
  uint64_t serial;  /* storages made later were made while recording */
  int nargs, nsteps, nslots;
  nl_tensor **args; /* aliases of the arguments: what the function sees */
  nl_step *steps;
  nl_grad_slot *slots;
  nl_tensor **initial; /* pairs: a tensor made without an op that was written, and a copy of its first value */
  int ninitial;
  nl_tensor **saw; /* tensors from outside whose wish for a gradient was asked for */
  int nsaw;
  nl_map known;   /* storages of ops' results, arguments and `initial` */
  nl_map slot_of; /* leaf -> its slot */
  nl_map saw_at;
  bool lenient;                                      /* what cannot be replayed ends the recording, and is no error */
  char refused[640];                                 /* why it ended; where it is not lenient: the first such error */
  bool (*has_older_history)(const nl_tensor *);      /* was it computed from tensors that want gradients, before? */
  bool (*has_younger_history)(const nl_tensor *);    /* or during the recording? */
  void (*where)(void *ctx, char *text, size_t size); /* names the user's line */
  void *where_ctx;
} nl_trace;

/* Starts a recording over arguments; its aliases are then in trace->args. Error: memory. */
nl_status nl_trace_open(int nargs, nl_tensor *const args[], nl_trace **out);

/* Stops recording; the trace stays. */
void nl_trace_close(nl_trace *);
void nl_trace_free(nl_trace *);

/* Gives up the tensors; where each step was written, and the effects, stay. */
void nl_trace_let_go(nl_trace *);

/* The open trace, or NULL. */
nl_trace *nl_trace_current(void);

/* Nothing is recorded between pause and resume. */
nl_trace *nl_trace_pause(void);
void nl_trace_resume(nl_trace *);

/* What cannot be replayed has happened; the error waits. NL_OK: the recording has ended and the function goes on as it
   is; else the status of the error. */
nl_status nl_trace_refuse(void);

/* What the function does may depend on whether this tensor wants a gradient. */
void nl_trace_saw(nl_tensor *);

/* Writes down work that is no op; takes the effect over, also on failure. Called after it ran for the first time. */
nl_status nl_trace_effect(nl_effect *);

/* The leaf's gradient was asked for (it is `value`), or set. Want of memory is told by trace->status. */
void nl_trace_slot_read(nl_tensor *leaf, nl_tensor *value);
void nl_trace_slot_set(nl_tensor *leaf, nl_tensor *old, nl_tensor *value);

#endif
