/* Lowering: from a trace to a program. Buffers and values are told apart, what dispatch does around an op (conversions,
   copies, workspace, writes in place) becomes instructions of its own, and constants are taken over.

   What holds when lowering is done, and is verified in builds with NL_DEBUG (verify.c):
   - every tensor of the trace has one value, every storage one buffer; a value lies inside its buffer;
   - instructions stand in the order of the trace, and each reads only what an instruction before it wrote, or what was
     there before the program began;
   - an instruction does one thing: runs an op on inputs of the dtype and layout that it asks for, copies, or runs an
     effect (an optimizer's step). Nothing happens implicitly at replay;
   - constants belong to the program. What was there before and may change is an external, read in place. */
#include <string.h>

#include "compile/fuse.h"
#include "compile/passes.h"
#include "compile/replay.h"
#include "compile/verify.h"
#include "core/map.h"
#include "core/memory.h"
#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/profile.h"

typedef struct lowering {
  nl_program *p;
  nl_trace *trace;
  nl_status status;
  nl_map buffers;   /* by storage */
  nl_map values;    /* by tensor */
  nl_map made;      /* tensors that steps made; storages that are written in place */
  nl_map externals; /* tensors that are in the program's list */
  nl_map escaping;  /* a constant's storage -> the buffer of the copy that leaves */
} lowering;

static void fail(lowering *w) {
  w->status = w->status == NL_OK ? NL_NOMEM : w->status;
}

/* Room for one more in one of the program's lists. */
static void *extend(lowering *w, void *array, int *count, size_t size) {
  int n = *count;
  if (n == 0 || (n >= 16 && (n & (n - 1)) == 0)) {
    void *more = nl_new((n ? 2 * (size_t)n : 16) * size);
    if (!more) {
      fail(w);
      return array;
    }
    if (n) {
      memcpy(more, array, (size_t)n * size);
    }
    nl_delete(array);
    array = more;
  }
  *count = n + 1;
  return array;
}

static nl_storage *new_proxy(lowering *w, size_t bytes) {
  nl_storage *s = nl_new(sizeof *s);
  if (!s) {
    fail(w);
    return NULL;
  }
  s->refs = 1;
  s->bytes = bytes;
  return s;
}

/* -1 on failure. Takes over the reference to `storage` where there is one. */
static int add_buffer(lowering *w, nl_location location, nl_storage *storage, size_t bytes, int number) {
  nl_program *p = w->p;
  int i = p->nbuffers;
  p->buffers = extend(w, p->buffers, &p->nbuffers, sizeof *p->buffers);
  if (p->nbuffers == i) {
    nl_storage_unref(storage);
    return -1;
  }
  p->buffers[i] = (nl_buffer){.location = location, .storage = storage, .bytes = bytes, .number = number};
  if (!storage) {
    p->buffers[i].storage = new_proxy(w, bytes);
  }
  return w->status == NL_OK ? i : -1;
}

static int new_value(lowering *w, const nl_tensor *like, int buffer, const int64_t *strides, int64_t offset) {
  nl_program *p = w->p;
  nl_tensor *t;
  if (w->status != NL_OK || buffer < 0 || nl_tensor_shell(like, &t) != NL_OK) {
    fail(w);
    return -1;
  }
  memcpy(t->strides, strides, (size_t)t->ndim * sizeof *strides);
  t->offset = offset;
  t->storage = p->buffers[buffer].storage;
  t->storage->refs++;
  nl_tensor_settle(t);
  int i = p->nvalues;
  p->values = extend(w, p->values, &p->nvalues, sizeof *p->values);
  if (p->nvalues == i) {
    nl_tensor_unref(t);
    return -1;
  }
  p->values[i] = (nl_value){.t = t, .buffer = buffer};
  return i;
}

static bool is_written(const lowering *w, const nl_storage *s) {
  return nl_map_get(&w->made, s) == 1;
}

/* The buffer of a storage that the trace saw. What an op made is entered when the op is lowered, so what comes here
   unknown came from somewhere else. */
static int buffer_of(lowering *w, const nl_tensor *t) {
  int i = nl_map_get(&w->buffers, t->storage);
  if (i >= 0 || w->status != NL_OK) {
    return i;
  }
  bool external = t->storage->serial <= w->trace->serial;
  nl_storage *s = t->storage;
  if (external) {
    s->refs++;
  } else { /* what was made while recording may have been handed out since */
    s = nl_storage_new(t->storage->bytes);
    if (!s) {
      fail(w);
      return -1;
    }
    memcpy(s->data, t->storage->data, t->storage->bytes);
  }
  i = add_buffer(w, external ? NL_EXTERNAL : NL_CONSTANT, s, s->bytes, 0);
  if (i < 0 || nl_map_put(&w->buffers, t->storage, i) != NL_OK) {
    fail(w);
    return -1;
  }
  return i;
}

static void note_external(lowering *w, nl_tensor *t) {
  nl_program *p = w->p;
  if (nl_map_get(&w->made, t) >= 0 || nl_map_get(&w->externals, t) >= 0) {
    return;
  }
  if (nl_map_put(&w->externals, t, 1) != NL_OK) {
    fail(w);
    return;
  }
  int i = p->nexternals;
  p->externals = extend(w, p->externals, &p->nexternals, sizeof *p->externals);
  if (p->nexternals > i) {
    p->externals[i] = (nl_external){
        .t = nl_tensor_ref(t), .storage = t->storage, .requires_grad = t->requires_grad, .hooked = t->hooked};
  }
}

static int value_of_tensor(lowering *w, nl_tensor *t) {
  if (w->status != NL_OK || !t) {
    return -1;
  }
  int i = nl_map_get(&w->values, t);
  if (i >= 0) {
    return i;
  }
  int buffer = buffer_of(w, t);
  if (buffer < 0) {
    return -1;
  }
  if (w->p->buffers[buffer].location == NL_EXTERNAL) {
    note_external(w, t);
  }
  i = new_value(w, t, buffer, t->strides, t->offset);
  if (i < 0 || nl_map_put(&w->values, t, i) != NL_OK) {
    fail(w);
    return -1;
  }
  return i;
}

/* A contiguous temporary of a shape. */
static int new_temporary(lowering *w, nl_dtype dtype, int ndim, const int64_t *shape) {
  int64_t strides[NL_MAX_DIM];
  nl_shape_strides(ndim, shape, strides);
  nl_tensor like = {.dtype = (uint8_t)dtype, .ndim = (uint8_t)ndim, .numel = nl_shape_numel(ndim, shape)};
  like.shape = (int64_t *)(uintptr_t)shape;
  int buffer = add_buffer(w, NL_TEMPORARY, NULL, (size_t)like.numel * nl_dtype_size(dtype), 0);
  return new_value(w, &like, buffer, strides, 0);
}

static nl_instr *new_instr(lowering *w, const char *name, int step, int nreads, int nwrites) {
  nl_program *p = w->p;
  int i = p->ninstrs;
  p->instrs = extend(w, p->instrs, &p->ninstrs, sizeof *p->instrs);
  if (p->ninstrs == i) {
    return NULL;
  }
  nl_instr *in = &p->instrs[i];
  *in = (nl_instr){.name = name, .step = step, .workspace = -1};
  in->reads = nl_new(((size_t)nreads + (size_t)nwrites + 1) * sizeof *in->reads);
  if (!in->reads) {
    fail(w);
    return NULL;
  }
  in->writes = in->reads + nreads;
  return in;
}

static void add_copy(lowering *w, int step, int to, int from) {
  nl_instr *in = w->status == NL_OK && to >= 0 && from >= 0 ? new_instr(w, "copy", step, 1, 1) : NULL;
  if (in) {
    in->run = nl_replay_copy;
    in->to = w->p->values[to].t;
    in->from = w->p->values[from].t;
    in->reads[in->nreads++] = from;
    in->writes[in->nwrites++] = to;
  }
}

/* Input i as run wants it: converted and laid out as the op's flags ask. */
static int lowered_layout(lowering *w, int step, const nl_call *c, int from) {
  if (from < 0) {
    return -1;
  }
  nl_tensor *t = w->p->values[from].t;
  bool convert = (c->op->flags & NL_OP_PROMOTE) && t->dtype != c->dtype;
  bool copy = (c->op->flags & NL_OP_CONTIGUOUS) && !t->contiguous;
  if (!convert && !copy) {
    return from;
  }
  nl_dtype dtype = convert ? c->dtype : nl_tensor_dtype(t);
  if (w->p->buffers[w->p->values[from].buffer].location == NL_CONSTANT) { /* once and for all */
    nl_tensor *made;
    if (nl_tensor_new(dtype, t->ndim, t->shape, &made) != NL_OK) {
      fail(w);
      return -1;
    }
    nl_copy_values(made, t);
    made->storage->refs++;
    int buffer = add_buffer(w, NL_CONSTANT, made->storage, made->storage->bytes, 0);
    int v = new_value(w, made, buffer, made->strides, 0);
    nl_tensor_unref(made);
    return v;
  }
  int to = new_temporary(w, dtype, t->ndim, t->shape);
  add_copy(w, step, to, from);
  return to;
}

/* An op whose inputs are all constant has computed its result already. */
static bool fold(lowering *w, nl_call *c, const int *in) {
  if ((c->op->flags & NL_OP_RANDOM) || c->inplace || c->view) {
    return false;
  }
  for (int i = 0; i < c->nin; i++) {
    if (in[i] >= 0 && w->p->buffers[w->p->values[in[i]].buffer].location != NL_CONSTANT) {
      return false;
    }
  }
  for (int i = 0; i < c->nout; i++) {
    if (is_written(w, c->out[i]->storage)) {
      return false;
    }
  }
  for (int i = 0; i < c->nout; i++) {
    value_of_tensor(w, c->out[i]); /* unknown, and made inside: a constant */
  }
  w->p->folded++;
  return true;
}

/* The buffers of an op's results. */
static void enter_results(lowering *w, nl_call *c) {
  for (int i = 0; i < c->nout && w->status == NL_OK; i++) {
    nl_storage *s = c->out[i]->storage;
    int buffer = add_buffer(w, NL_TEMPORARY, NULL, s->bytes, 0);
    if (buffer < 0 || nl_map_put(&w->buffers, s, buffer) != NL_OK) {
      fail(w);
    }
  }
}

static void lower_op(lowering *w, int step, int *in, int *rin) {
  nl_program *p = w->p;
  nl_call *c = w->trace->steps[step].call;
  p->ops += !c->view;
  for (int i = 0; i < c->nin; i++) {
    in[i] = value_of_tensor(w, c->in[i]);
  }
  if (w->status != NL_OK || c->view || fold(w, c, in)) {
    return; /* a view's values find the buffer through its storage */
  }
  for (int i = 0; i < c->nin; i++) {
    rin[i] = lowered_layout(w, step, c, in[i]);
  }
  bool direct = c->inplace && nl_writes_directly(c);
  int out[NL_MAX_OUT];
  if (!c->inplace) {
    enter_results(w, c);
  }
  for (int i = 0; i < c->nout; i++) {
    out[i] = !c->inplace ? value_of_tensor(w, c->out[i])
             : direct    ? in[0]
                         : new_temporary(w, c->desc[i].dtype, c->desc[i].ndim, c->desc[i].shape);
  }
  nl_instr *n = w->status == NL_OK ? new_instr(w, c->op->name, step, 2 * c->nin, c->nout + 1) : NULL;
  nl_call *call = n ? nl_new(sizeof *call + 2 * (size_t)c->nin * sizeof(nl_tensor *)) : NULL;
  if (!call) {
    fail(w);
    return;
  }
  n->call = call;
  bool checks = c->checks || (c->op->flags & NL_OP_CHECKS);
  n->flops = nl_call_flops(c);
  *call = *c;
  call->inplace = false;
  call->in = (nl_tensor **)(call + 1);
  call->rin = call->in + c->nin;
  for (int i = 0; i < c->nin; i++) {
    call->in[i] = in[i] >= 0 ? p->values[in[i]].t : NULL;
    call->rin[i] = rin[i] >= 0 ? p->values[rin[i]].t : NULL;
    if (rin[i] >= 0) {
      n->reads[n->nreads++] = rin[i];
    }
    if (checks && in[i] >= 0 && in[i] != rin[i]) {
      n->reads[n->nreads++] = in[i];
    }
  }
  for (int i = 0; i < c->nout; i++) {
    call->out[i] = p->values[out[i]].t;
    n->writes[n->nwrites++] = out[i];
  }
  if (c->workspace_bytes) {
    int64_t bytes = (int64_t)c->workspace_bytes;
    int v = new_temporary(w, NL_U8, 1, &bytes);
    if (v >= 0) {
      n->workspace = p->values[v].buffer;
      n->writes[n->nwrites++] = v;
      call->workspace = p->values[v].t;
    }
  }
  call->prepared = NULL;
  n->must = checks || (c->op->flags & NL_OP_RANDOM);
  n->run = checks ? nl_replay_checked_op : nl_replay_op;
  if (c->inplace && !direct) {
    add_copy(w, step, in[0], out[0]);
  }
}

/* A clone is a copy, and copies are what a pass knows to do without. */
static bool lower_clone(lowering *w, int step) {
  nl_call *c = w->trace->steps[step].call;
  int from = c->op == op_clone() && !c->inplace ? value_of_tensor(w, c->in[0]) : -1;
  if (from < 0 || w->p->buffers[w->p->values[from].buffer].location == NL_CONSTANT) {
    return false;
  }
  w->p->ops++;
  enter_results(w, c);
  add_copy(w, step, value_of_tensor(w, c->out[0]), from);
  return true;
}

static void lower_part(lowering *w, int step, nl_effect *e, int part) {
  nl_instr *n = new_instr(w, e->name, step, e->each, e->each);
  nl_tensor **operands = n ? nl_new(((size_t)e->each + 1) * sizeof *operands) : NULL;
  if (!operands) {
    fail(w);
    return;
  }
  n->effect = e;
  n->part = part;
  n->must = true;
  n->run = nl_replay_effect;
  n->operands = operands;
  for (int k = 0; k < e->each && w->status == NL_OK; k++) {
    int i = part * e->each + k, v = value_of_tensor(w, e->t[i]);
    if (v >= 0) {
      operands[k] = w->p->values[v].t;
      n->reads[n->nreads++] = v;
      if (e->writes[i]) {
        n->writes[n->nwrites++] = v;
      }
      n->flops += (double)e->t[i]->numel;
    }
  }
}

static void lower_effect(lowering *w, int step) {
  nl_effect *e = w->trace->steps[step].effect;
  for (int part = 0; part < e->count / e->each && w->status == NL_OK; part++) {
    lower_part(w, step, e, part);
  }
}

/* ---- what goes in and out ---- */

static void enter_arguments(lowering *w) {
  nl_trace *t = w->trace;
  for (int i = 0; i < t->nargs && w->status == NL_OK; i++) {
    if (t->args[i] && nl_map_get(&w->buffers, t->args[i]->storage) < 0) {
      int buffer = add_buffer(w, NL_ARGUMENT, NULL, t->args[i]->storage->bytes, i);
      if (buffer < 0 || nl_map_put(&w->buffers, t->args[i]->storage, buffer) != NL_OK) {
        fail(w);
      }
    }
  }
}

/* Which argument a leaf is, or -1; the trace knows arguments by their aliases, slots by what these stand for. */
static int argument_of(const nl_trace *t, const nl_tensor *leaf) {
  for (int i = 0; i < t->nargs; i++) {
    if (t->args[i] && t->args[i]->original == leaf) {
      return i;
    }
  }
  return -1;
}

static void enter_slots(lowering *w) {
  nl_program *p = w->p;
  nl_trace *t = w->trace;
  p->slots = nl_new(((size_t)t->nslots + 1) * sizeof *p->slots);
  if (!p->slots) {
    fail(w);
    return;
  }
  for (int i = 0; i < t->nslots && w->status == NL_OK; i++) {
    nl_grad_slot *from = &t->slots[i];
    if (from->leaf->storage->serial > t->serial) {
      continue; /* a leaf made inside: nobody can see its gradient afterwards */
    }
    int number = p->nslots++;
    nl_program_slot *c = &p->slots[number];
    *c = (nl_program_slot){.from = i,
                           .argument = -1,
                           .entry = -1,
                           .value = -1,
                           .next = -1,
                           .read_entry = from->read_entry,
                           .set = from->set};
    c->argument = argument_of(t, from->leaf);
    c->leaf = c->argument < 0 ? nl_tensor_ref(from->leaf) : NULL;
    c->had_entry = from->entry != NULL;
    c->pinned = from->pinned ? from->entry->storage->serial : 0;
    if (!from->read_entry || !from->entry) {
      continue;
    }
    c->entry_offset = from->entry->offset * (int64_t)nl_dtype_size(nl_tensor_dtype(from->entry));
    c->entry_strides = nl_new(((size_t)from->entry->ndim + 1) * sizeof *c->entry_strides);
    if (!c->entry_strides) {
      fail(w);
      return;
    }
    memcpy(c->entry_strides, from->entry->strides, (size_t)from->entry->ndim * sizeof *c->entry_strides);
    c->entry = nl_map_get(&w->buffers, from->entry->storage);
    c->follows = c->entry >= 0;
    if (!c->follows) {
      c->entry = add_buffer(w, NL_SLOT_ENTRY, NULL, from->entry->storage->bytes, number);
      if (c->entry < 0 || nl_map_put(&w->buffers, from->entry->storage, c->entry) != NL_OK) {
        fail(w);
      }
    }
  }
}

/* A tensor written without having been made by an op begins each run with a copy of what it was. */
static void enter_initial(lowering *w) {
  for (int i = 0; i < w->trace->ninitial && w->status == NL_OK; i++) {
    nl_tensor *whole = w->trace->initial[2 * i], *copy = w->trace->initial[2 * i + 1];
    int buffer = add_buffer(w, NL_TEMPORARY, NULL, whole->storage->bytes, 0);
    if (buffer < 0 || nl_map_put(&w->buffers, whole->storage, buffer) != NL_OK) {
      fail(w);
      return;
    }
    int to = value_of_tensor(w, whole), from = value_of_tensor(w, copy);
    add_copy(w, -1, to, from);
  }
}

/* A buffer of its own with what a constant one holds: what leaves the program may be written by others. */
static int kept_constant(lowering *w, int buffer, nl_dtype dtype) {
  nl_storage *s = w->p->buffers[buffer].storage;
  int known = nl_map_get(&w->escaping, s);
  if (known >= 0) {
    return known;
  }
  int64_t n = (int64_t)(s->bytes / nl_dtype_size(dtype)), one = 1;
  nl_tensor like = {.dtype = (uint8_t)dtype, .ndim = 1, .numel = n, .shape = &n};
  int from = new_value(w, &like, buffer, &one, 0), to = new_temporary(w, dtype, 1, &n);
  add_copy(w, -1, to, from);
  known = to >= 0 ? w->p->values[to].buffer : -1;
  if (known < 0 || nl_map_put(&w->escaping, s, known) != NL_OK) {
    fail(w);
    return -1;
  }
  return known;
}

/* The value by which a tensor leaves the program; what left before by the same memory is seen to change with it. */
static int leaving(lowering *w, nl_tensor *t) {
  int v = value_of_tensor(w, t);
  if (v < 0) {
    return -1;
  }
  nl_program *p = w->p;
  int buffer = p->values[v].buffer;
  if (p->buffers[buffer].location == NL_CONSTANT) {
    buffer = kept_constant(w, buffer, nl_tensor_dtype(t));
    v = buffer >= 0 ? new_value(w, t, buffer, t->strides, t->offset) : -1;
  }
  if (v >= 0 && p->buffers[buffer].location == NL_TEMPORARY) {
    p->buffers[buffer].location = NL_ESCAPING;
    p->buffers[buffer].number = -1;
  }
  return v;
}

static void lower_ends(lowering *w, int nresults, nl_tensor *const results[]) {
  nl_program *p = w->p;
  for (int i = 0; i < p->nslots && w->status == NL_OK; i++) {
    nl_program_slot *c = &p->slots[i];
    nl_tensor *value = w->trace->slots[c->from].value;
    c->value = c->set && value ? leaving(w, value) : -1;
    nl_buffer *b = c->value >= 0 ? &p->buffers[p->values[c->value].buffer] : NULL;
    if (b && b->location == NL_EXTERNAL) {
      c->tensor = nl_tensor_ref(value); /* a tensor that was there before is hung in as it is */
    } else if (b && b->location == NL_ESCAPING) {
      c->escaping = true;
      c->next = b->number;
      b->number = i;
    } else if (b) {
      p->passes_on = true;
    }
  }
  p->results = nl_new(((size_t)nresults + 1) * sizeof *p->results);
  if (!p->results) {
    fail(w);
    return;
  }
  p->nresults = nresults;
  for (int i = 0; i < nresults && w->status == NL_OK; i++) {
    p->results[i] = leaving(w, results[i]);
  }
}

/* Which tensors steps made, and which storages are written in place. */
static void scan_trace(lowering *w) {
  for (int i = 0; i < w->trace->nsteps && w->status == NL_OK; i++) {
    const nl_step *s = &w->trace->steps[i];
    for (int k = 0; s->call && k < s->call->nout; k++) {
      nl_tensor *t = s->call->out[k];
      nl_status status = s->call->inplace ? nl_map_put(&w->made, t->storage, 1)
                                          : (nl_map_get(&w->made, t) < 0 ? nl_map_put(&w->made, t, 0) : NL_OK);
      w->status = w->status == NL_OK ? status : w->status;
    }
    for (int k = 0; s->effect && k < s->effect->count; k++) {
      if (s->effect->writes[k] && nl_map_put(&w->made, s->effect->t[k]->storage, 1) != NL_OK) {
        fail(w);
      }
    }
  }
}

static void lower_steps(lowering *w) {
  int most = 1;
  for (int i = 0; i < w->trace->nsteps; i++) {
    const nl_call *c = w->trace->steps[i].call;
    most = c && c->nin > most ? c->nin : most;
  }
  int *operands = nl_new(2 * (size_t)most * sizeof *operands);
  if (!operands) {
    fail(w);
    return;
  }
  for (int i = 0; i < w->trace->nsteps && w->status == NL_OK; i++) {
    if (w->trace->steps[i].call) {
      if (!lower_clone(w, i)) {
        lower_op(w, i, operands, operands + most);
      }
    } else {
      lower_effect(w, i);
    }
  }
  nl_delete(operands);
}

/* What is written of what the caller can see. */
static void mark_writes(nl_program *p) {
  for (int i = 0; i < p->ninstrs; i++) {
    const nl_instr *n = &p->instrs[i];
    for (int k = 0; k < n->nwrites; k++) {
      const nl_buffer *b = &p->buffers[p->values[n->writes[k]].buffer];
      if (b->location == NL_ARGUMENT) {
        p->writes_arguments = p->written_args[b->number] = true;
      }
      for (int j = 0; b->location == NL_EXTERNAL && j < p->nexternals; j++) {
        p->externals[j].written = p->externals[j].written || p->externals[j].storage == b->storage;
      }
    }
  }
}

nl_status nl_program_build(nl_trace *trace, int nresults, nl_tensor *const results[], nl_program **out) {
  nl_program *p = nl_new(sizeof *p);
  *out = NULL;
  if (!p) {
    nl_trace_free(trace);
    return NL_NOMEM;
  }
  p->trace = trace;
  p->nargs = trace->nargs;
  p->written_args = nl_new((size_t)trace->nargs + 1);
  if (!p->written_args) {
    nl_program_free(p);
    return NL_NOMEM;
  }
  lowering w = {.p = p, .trace = trace, .status = trace->status};
  scan_trace(&w);
  enter_arguments(&w);
  enter_slots(&w);
  enter_initial(&w);
  lower_steps(&w);
  lower_ends(&w, nresults, results);
  for (int i = 0; i < trace->nsaw && w.status == NL_OK; i++) {
    note_external(&w, trace->saw[i]);
  }
  nl_map_free(&w.externals);
  nl_map_free(&w.escaping);
  nl_map_free(&w.buffers);
  nl_map_free(&w.values);
  nl_map_free(&w.made);
  if (w.status == NL_OK) {
    nl_program_verify(p, "lowering");
    mark_writes(p);
    nl_pass_find_writes(p);
    nl_pass_cse(p);
    nl_program_verify(p, "common subexpression elimination");
    nl_pass_elide_copies(p);
    nl_program_verify(p, "copy elision");
    nl_pass_dce(p);
    nl_program_verify(p, "dead code elimination");
    nl_pass_schedule(p);
    nl_program_verify(p, "scheduling");
    w.status = nl_pass_fuse(p);
    nl_program_verify(p, "fusion");
    w.status = w.status == NL_OK ? nl_pass_plan_memory(p) : w.status;
    if (w.status == NL_OK) {
      nl_program_verify_arena(p);
    }
    w.status = w.status == NL_OK ? nl_pass_make_ready(p) : w.status;
  }
  if (w.status != NL_OK) {
    nl_program_free(p);
    return w.status;
  }
  p->changes = nl_tensor_changes;
  nl_trace_let_go(trace);
  *out = p;
  return NL_OK;
}
