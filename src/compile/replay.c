/* Replay: memory that has owners outside is looked up or renewed, then the instructions run one by one.

   What may be assumed:
   - guards were compared before (lua/guard_check.c): shapes, dtypes and strides of arguments are those recorded, and
     externals lie where they lay;
   - nl_program_prepare may fail (memory) and then nothing has happened; once nl_program_run begins, only an
     interrupt, an effect or an op that looks at values (NL_OP_CHECKS) can end it early;
   - temporaries hold nothing between runs: every one is written before it is read;
   - memory of an escaping buffer that somebody outside still holds is never written to: the buffer gets other memory.
 */
#include "compile/replay.h"

#include <string.h>

#include "compile/fuse.h"
#include "core/interrupt.h"
#include "core/memory.h"
#include "optable/iterate.h"
#include "optable/profile.h"

nl_status nl_replay_op(nl_program *p, nl_instr *n) {
  (void)p;
  n->call->op->run(n->call);
  return NL_OK;
}

nl_status nl_replay_checked_op(nl_program *p, nl_instr *n) {
  (void)p;
  nl_status status = n->call->op->infer(n->call);
  if (status == NL_OK) {
    n->call->op->run(n->call);
  }
  return status;
}

nl_status nl_replay_copy(nl_program *p, nl_instr *n) {
  (void)p;
  nl_copy_values(n->to, n->from);
  return NL_OK;
}

nl_status nl_replay_effect(nl_program *p, nl_instr *n) {
  (void)p;
  return n->effect->run(n->effect->ctx, n->part, n->operands);
}

/* ---- memory with owners outside ---- */

/* A tensor with a value's geometry over memory that the value was lowered to lie in. */
static nl_status look_into(const nl_program *p, int value, nl_storage *s, int64_t shift, nl_tensor **out) {
  const nl_tensor *t = p->values[value].t;
  nl_status status = nl_tensor_shell(t, out);
  if (status == NL_OK) {
    nl_tensor *r = *out;
    r->storage = s;
    s->refs++;
    r->offset = t->offset + shift;
    r->contiguous = t->contiguous;
    r->wrapped_number = false;
    memcpy(r->strides, t->strides, (size_t)t->ndim * sizeof *r->strides);
  }
  return status;
}

/* True if somebody outside looks into the buffer, or the program itself reads what it hung there before. */
static bool is_held(const nl_program *p, const nl_buffer *b) {
  if (b->number < 0) {
    return b->real->refs > 1;
  }
  int64_t own = 1;
  for (int i = b->number; i >= 0; i = p->slots[i].next) {
    const nl_program_slot *c = &p->slots[i];
    own += c->tensor != NULL;
    if (c->attached && c->entry >= 0) {
      return true;
    }
    if (c->tensor && c->tensor->refs > 1 + c->attached) {
      return true;
    }
  }
  return b->real->refs > own;
}

/* Gives the buffer memory of its own, and new tensors to the slots that are set to look into it. */
static nl_status renew(nl_program *p, nl_buffer *b) {
  for (int i = b->number; i >= 0; i = p->slots[i].next) {
    nl_tensor_unref(p->slots[i].tensor);
    p->slots[i].tensor = NULL;
  }
  nl_storage_unref(b->real);
  b->real = NULL;
  nl_storage *fresh = nl_storage_new(b->bytes);
  nl_status status = fresh ? NL_OK : NL_NOMEM;
  for (int i = b->number; i >= 0 && status == NL_OK; i = p->slots[i].next) {
    status = look_into(p, p->slots[i].value, fresh, 0, &p->slots[i].tensor);
  }
  if (status != NL_OK) {
    nl_storage_unref(fresh);
    return status;
  }
  b->real = fresh;
  b->storage->data = fresh->data;
  return NL_OK;
}

/* ---- what slots hold at the start ---- */

static const nl_storage *buffer_root(const nl_storage *s) {
  return s->parent ? s->parent : s;
}

/* A storage that was once seen to be none of those from outside is none later: the program holds those. */
static bool is_outside(const nl_program *p, nl_program_slot *c, nl_storage *s) {
  if (s == c->seen) {
    return false;
  }
  for (int i = 0; i < p->nexternals; i++) {
    if (buffer_root(p->externals[i].storage) == buffer_root(s)) {
      return true;
    }
  }
  c->seen = s;
  return false;
}

/* What a slot holds shares memory with nothing that the program did not see it share memory with. Strangers are
   gradients that do not hang there by the program's own doing. */
static bool stands_alone(const nl_program *p, nl_program_slot *c, bool strangers) {
  int64_t at = c->now->offset * (int64_t)nl_dtype_size(nl_tensor_dtype(c->now));
  if (c->pinned ? c->now->storage->serial != c->pinned || at != c->entry_offset
                : !c->attached && is_outside(p, c, c->now->storage)) {
    return false;
  }
  for (const nl_program_slot *o = p->slots; o < c && strangers && !c->follows; o++) {
    if (o->read_entry && o->now && !(o->attached && c->attached) &&
        buffer_root(o->now->storage) == buffer_root(c->now->storage)) {
      return false;
    }
  }
  return true;
}

static bool enter_slot(nl_program *p, nl_program_slot *c, bool strangers) {
  const nl_tensor *now = c->now;
  if ((now != NULL) != c->had_entry) {
    return false;
  }
  if (!now) {
    return true;
  }
  if (memcmp(now->strides, c->entry_strides, (size_t)now->ndim * sizeof *now->strides) != 0 ||
      !stands_alone(p, c, strangers)) {
    return false;
  }
  char *base = (char *)nl_tensor_data(now) - c->entry_offset;
  nl_storage *s = p->buffers[c->entry].storage;
  bool fits = !c->follows || s->data == base;
  s->data = base;
  return fits;
}

bool nl_program_enter(nl_program *p) {
  bool strangers = false, read = false;
  for (int i = 0; i < p->nslots; i++) {
    nl_program_slot *c = &p->slots[i];
    c->attached = c->now && c->now == c->tensor && c->escaping;
    read = read || c->read_entry;
  }
  for (int i = 0; i < p->nslots && read; i++) {
    nl_program_slot *c = &p->slots[i];
    strangers = strangers || (c->read_entry && c->now && !c->attached);
  }
  for (int i = 0; i < p->nslots && read; i++) {
    nl_program_slot *c = &p->slots[i];
    if (c->read_entry && !enter_slot(p, c, strangers)) {
      return false;
    }
  }
  return true;
}

bool nl_program_holds(nl_program *p) {
  if (p->changes == nl_tensor_changes) {
    return true;
  }
  for (int i = 0; i < p->nexternals; i++) {
    const nl_external *o = &p->externals[i];
    if (o->t->storage != o->storage || o->t->requires_grad != o->requires_grad || o->t->hooked != o->hooked) {
      return false;
    }
  }
  p->changes = nl_tensor_changes;
  return true;
}

/* ---- what leaves ---- */

static nl_status leave_program(nl_program *p, int value, nl_tensor *const args[], nl_tensor **out) {
  const nl_buffer *b = &p->buffers[p->values[value].buffer];
  nl_tensor *now;
  switch (b->location) {
  case NL_ARGUMENT:
    return look_into(p, value, args[b->number]->storage, args[b->number]->offset, out);
  case NL_SLOT_ENTRY:
    now = p->slots[b->number].now;
    return look_into(p, value, now->storage,
                     now->offset - p->slots[b->number].entry_offset / (int64_t)nl_dtype_size(nl_tensor_dtype(now)),
                     out);
  default:
    return look_into(p, value, b->location == NL_ESCAPING ? b->real : b->storage, 0, out);
  }
}

static nl_status leave_all(nl_program *p, nl_tensor *const args[], nl_tensor *results[]) {
  nl_status status = NL_OK;
  for (int i = 0; i < p->nresults && status == NL_OK; i++) {
    status = p->results[i] >= 0 ? leave_program(p, p->results[i], args, &results[i]) : NL_OK;
  }
  for (int i = 0; i < p->nslots && p->passes_on && status == NL_OK; i++) { /* the other slots' tensors are there */
    nl_program_slot *c = &p->slots[i];
    nl_location location = c->value >= 0 ? p->buffers[p->values[c->value].buffer].location : NL_ESCAPING;
    if (location == NL_ARGUMENT || location == NL_SLOT_ENTRY) {
      nl_tensor_unref(c->tensor);
      c->tensor = NULL;
      status = leave_program(p, c->value, args, &c->tensor);
    }
  }
  return status;
}

/* ---- running ---- */

static double bytes_of(const nl_program *p, const nl_instr *n) {
  double bytes = 0;
  for (int k = 0; k < n->nreads + n->nwrites; k++) {
    const nl_tensor *t = p->values[k < n->nreads ? n->reads[k] : n->writes[k - n->nreads]].t;
    bytes += (double)t->numel * (double)nl_dtype_size(nl_tensor_dtype(t));
  }
  return bytes;
}

/* What an instruction took goes into the program's own account, and into the run's. */
static void account(const nl_program *p, nl_instr *n, int64_t took) {
  n->nanoseconds += took;
  n->calls++;
  if (nl_profile_on()) {
    char names[64];
    if (n->fused) {
      nl_fused_names(n->fused, names, sizeof names);
    }
    nl_profile_add(n->fused ? names : n->name, n->step >= 0 ? p->trace->steps[n->step].where : "", took, bytes_of(p, n),
                   n->flops);
  }
}

static nl_status run_instrs(nl_program *p) {
  const bool timed = p->profiling || nl_profile_on();
  const nl_instr *whole_from = p->instrs + p->whole_from;
  for (nl_instr *n = p->instrs, *end = n + p->ninstrs; n < end; n++) {
    if (n == whole_from) {
      nl_interrupt_hold();
    }
    int64_t from = timed ? nl_nanoseconds() : 0;
    nl_status status = n->run(p, n);
    if (status != NL_OK) {
      const char *where = n->step >= 0 ? p->trace->steps[n->step].where : "";
      nl_error_prefix(*where ? "%s (recorded at %s)" : "%s", n->name, where);
      return status;
    }
    if (nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
    if (timed) {
      account(p, n, nl_nanoseconds() - from);
    }
  }
  return NL_OK;
}

/* Versions grow where tensors of others were written, also by a run that did not come to its end. */
static void bump(nl_program *p, nl_tensor *const args[]) {
  for (int i = 0; i < p->nargs && p->writes_arguments; i++) {
    if (p->written_args[i]) {
      nl_storage_touch(args[i]->storage);
    }
  }
  for (int i = 0; i < p->nbumped; i++) {
    const nl_buffer *b = &p->buffers[p->bumped[i]];
    nl_storage_touch(b->location == NL_SLOT_ENTRY ? p->slots[b->number].now->storage : b->storage);
  }
}

enum { WORTH_TRIMMING = 4 << 20 };

/* The memory of temporaries, taken when the program first runs: what the recorded call needed has gone by then, and its
   place is given back first, so that there is never room for both. */
static nl_status take_arena(nl_program *p) {
  if (p->arena_bytes >= WORTH_TRIMMING) {
    nl_memory_trim();
  }
  p->arena = nl_data_alloc(p->arena_bytes);
  for (int b = 0; b < p->nbuffers && p->arena; b++) {
    if (p->buffers[b].location == NL_TEMPORARY) {
      p->buffers[b].storage->data = p->arena + p->buffers[b].at;
    }
  }
  return p->arena ? NL_OK : NL_NOMEM;
}

nl_status nl_program_prepare(nl_program *p, nl_tensor *const args[]) {
  nl_status status = p->arena ? NL_OK : take_arena(p);
  for (int i = 0; i < p->nbound && status == NL_OK; i++) {
    nl_buffer *b = &p->buffers[p->bound[i]];
    if (b->location == NL_ESCAPING) {
      status = !b->real || is_held(p, b) ? renew(p, b) : NL_OK;
    } else {
      b->storage->data = nl_tensor_data(args[b->number]);
    }
  }
  return status;
}

nl_status nl_program_run(nl_program *p, nl_tensor *const args[], nl_tensor *results[]) {
  int64_t from = p->profiling ? nl_nanoseconds() : 0;
  memset(results, 0, (size_t)p->nresults * sizeof *results);
  int held = nl_interrupt_depth();
  nl_status status = run_instrs(p);
  bump(p, args);
  status = status == NL_OK ? leave_all(p, args, results) : status;
  if (nl_interrupt_depth() > held) {
    nl_interrupt_release();
  }
  if (status != NL_OK) {
    for (int i = 0; i < p->nresults; i++) {
      nl_tensor_unref(results[i]);
      results[i] = NULL;
    }
  }
  p->runs++;
  p->run_nanoseconds += p->profiling ? nl_nanoseconds() - from : 0;
  return status;
}

/* ---- the end ---- */

void nl_instr_free(nl_instr *n) {
  if (n->call) {
    if (n->call->prepared && n->call->op->release) {
      n->call->op->release(n->call->prepared);
    }
    nl_delete(n->call->prepared);
  }
  nl_fused_free(n->fused);
  nl_delete(n->call);
  nl_delete(n->reads);
  nl_delete(n->operands);
}

void nl_program_free(nl_program *p) {
  if (!p) {
    return;
  }
  for (int i = 0; i < p->ninstrs; i++) {
    nl_instr_free(&p->instrs[i]);
  }
  for (int i = 0; i < p->nslots; i++) {
    nl_tensor_unref(p->slots[i].leaf);
    nl_tensor_unref(p->slots[i].tensor);
    nl_delete(p->slots[i].entry_strides);
  }
  for (int i = 0; i < p->nexternals; i++) {
    nl_tensor_unref(p->externals[i].t);
  }
  for (int i = 0; i < p->nvalues; i++) {
    nl_tensor_unref(p->values[i].t);
  }
  for (int i = 0; i < p->nbuffers; i++) {
    nl_buffer *b = &p->buffers[i];
    nl_storage_unref(b->real);
    if (b->location == NL_EXTERNAL || b->location == NL_CONSTANT) {
      nl_storage_unref(b->storage);
    } else {
      nl_delete(b->storage); /* its data belongs to others */
    }
  }
  if (p->arena) {
    nl_data_free(p->arena, p->arena_bytes);
  }
  nl_trace_free(p->trace);
  nl_delete(p->buffers);
  nl_delete(p->values);
  nl_delete(p->instrs);
  nl_delete(p->slots);
  nl_delete(p->externals);
  nl_delete(p->results);
  nl_delete(p->bound);
  nl_delete(p->written_args);
  nl_delete(p);
}
