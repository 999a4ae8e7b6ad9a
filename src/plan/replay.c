/* Running a program: memory that has owners outside is looked up or renewed, then the instructions go one by one. */
#include "plan/replay.h"

#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "ops/iterate.h"
#include "ops/profile.h"
#include "plan/chain.h"

nl_status nl_replay_row(nl_program *p, nl_instr *n) {
  (void)p;
  n->call->op->run(n->call);
  return NL_OK;
}

nl_status nl_replay_checked_row(nl_program *p, nl_instr *n) {
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

static nl_status renew(nl_program *p, nl_buffer *b) {
  nl_program_cell *cell = b->number >= 0 ? &p->cells[b->number] : NULL;
  nl_tensor *hung = cell ? cell->tensor : NULL;
  bool held = b->real && (b->real->refs > 1 + (hung != NULL) || (hung && hung->refs > 1 + cell->hangs));
  held = held || (cell && cell->entry >= 0 && cell->hangs); /* the program reads what hangs there */
  if (!b->real || held) {
    nl_storage *fresh = nl_storage_new(b->bytes);
    if (!fresh) {
      return NL_NOMEM;
    }
    if (cell) {
      nl_tensor_unref(cell->tensor);
      cell->tensor = NULL;
    }
    nl_storage_unref(b->real);
    b->real = fresh;
  }
  if (cell && !cell->tensor) {
    nl_status status = nl_tensor_shell(p->values[cell->value].t, &cell->tensor);
    if (status != NL_OK) {
      return status;
    }
    nl_tensor *t = cell->tensor;
    t->storage = b->real;
    b->real->refs++;
    t->contiguous = true;
    nl_shape_strides(t->ndim, t->shape, t->strides);
  }
  b->storage->data = b->real->data;
  return NL_OK;
}

bool nl_program_set_entry(nl_program *p, nl_program_cell *c, const nl_tensor *entry) {
  char *base = (char *)nl_tensor_data(entry) - c->entry_offset;
  nl_storage *s = p->buffers[c->entry].storage;
  if (c->follows) {
    return s->data == base;
  }
  s->data = base;
  return true;
}

bool nl_program_holds(nl_program *p) {
  if (p->changes == nl_tensor_changes) {
    return true;
  }
  for (int i = 0; i < p->noutside; i++) {
    const nl_outside *o = &p->outside[i];
    if (o->t->storage != o->storage || o->t->requires_grad != o->requires_grad || o->t->hooked != o->hooked) {
      return false;
    }
  }
  p->changes = nl_tensor_changes;
  return true;
}

static nl_status make_result(nl_program *p, int value, nl_tensor *const args[], nl_tensor **out) {
  const nl_tensor *t = p->values[value].t;
  const nl_buffer *b = &p->buffers[p->values[value].buffer];
  nl_status status = nl_tensor_shell(t, out);
  if (status == NL_OK) {
    const nl_tensor *arg = b->place == NL_ARGUMENT ? args[b->number] : NULL;
    nl_tensor *r = *out;
    r->storage = arg ? arg->storage : (b->place == NL_KEPT ? b->real : b->storage);
    r->storage->refs++;
    r->offset = t->offset + (arg ? arg->offset : 0);
    r->contiguous = t->contiguous;
    r->wrapped_number = false;
    memcpy(r->strides, t->strides, (size_t)t->ndim * sizeof *r->strides);
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
    if (n->chain) {
      nl_chain_names(n->chain, names, sizeof names);
    }
    nl_profile_add(n->chain ? names : n->name, n->step >= 0 ? p->trace->steps[n->step].where : "", took, bytes_of(p, n),
                   n->flops);
  }
}

static nl_status run_instrs(nl_program *p) {
  bool timed = p->profiling || nl_profile_on();
  for (nl_instr *n = p->instrs, *end = n + p->ninstrs; n < end; n++) {
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
    nl_storage_touch(p->buffers[p->bumped[i]].storage);
  }
}

nl_status nl_program_prepare(nl_program *p, nl_tensor *const args[]) {
  nl_status status = NL_OK;
  for (int i = 0; i < p->nbound && status == NL_OK; i++) {
    nl_buffer *b = &p->buffers[p->bound[i]];
    if (b->place == NL_KEPT) {
      status = renew(p, b);
    } else {
      b->storage->data = nl_tensor_data(args[b->number]);
    }
  }
  return status;
}

nl_status nl_program_run(nl_program *p, nl_tensor *const args[], nl_tensor *results[]) {
  int64_t from = p->profiling ? nl_nanoseconds() : 0;
  memset(results, 0, (size_t)p->nresults * sizeof *results);
  nl_status status = run_instrs(p);
  bump(p, args);
  for (int i = 0; i < p->nresults && status == NL_OK; i++) {
    status = p->results[i] >= 0 ? make_result(p, p->results[i], args, &results[i]) : NL_OK;
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
    nl_delete(n->call->prepared);
  }
  nl_chain_free(n->chain);
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
  for (int i = 0; i < p->ncells; i++) {
    nl_tensor_unref(p->cells[i].leaf);
    nl_tensor_unref(p->cells[i].tensor);
  }
  for (int i = 0; i < p->noutside; i++) {
    nl_tensor_unref(p->outside[i].t);
  }
  for (int i = 0; i < p->nvalues; i++) {
    nl_tensor_unref(p->values[i].t);
  }
  for (int i = 0; i < p->nbuffers; i++) {
    nl_buffer *b = &p->buffers[i];
    nl_storage_unref(b->real);
    if (b->place == NL_OUTSIDE || b->place == NL_CONSTANT) {
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
  nl_delete(p->cells);
  nl_delete(p->outside);
  nl_delete(p->results);
  nl_delete(p->bound);
  nl_delete(p->written_args);
  nl_delete(p);
}
