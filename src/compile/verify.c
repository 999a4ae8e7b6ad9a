/* The invariants of a program:

   - Each value looks into a buffer, within its bytes.
   - Each instruction is one of four: a call of an op, a part of an effect, a fused group, a copy.
   - A temporary or escaping buffer is written before it is read. A constant is never written.
   - What leaves the program (results, gradient slots) does not lie in a temporary.
   - Temporaries whose lifetimes overlap have no byte of the arena in common. One exception: an elementwise op may write
     its result over an input that is used there for the last time. */
#include "compile/verify.h"

#ifdef NL_DEBUG

#include "compile/replay.h"
#include "core/assert.h"
#include "core/memory.h"

static void verify_value(const nl_program *p, int i, const char *after) {
  const nl_value *v = &p->values[i];
  nl_assert(v->buffer >= 0 && v->buffer < p->nbuffers, "value %d after %s: buffer %d of %d", i, after, v->buffer,
            p->nbuffers);
  const nl_buffer *b = &p->buffers[v->buffer];
  int64_t first = v->t->offset, last = first;
  for (int d = 0; d < v->t->ndim; d++) {
    int64_t span = (v->t->shape[d] - 1) * v->t->strides[d];
    *(span < 0 ? &first : &last) += span;
  }
  int64_t size = (int64_t)nl_dtype_size(nl_tensor_dtype(v->t));
  nl_assert(v->t->numel == 0 || (first >= 0 && (last + 1) * size <= (int64_t)b->bytes),
            "value %d after %s: elements %lld .. %lld of %lld bytes in a buffer of %lld", i, after, (long long)first,
            (long long)last, (long long)size, (long long)b->bytes);
  nl_assert(v->t->storage == b->storage, "value %d after %s looks into another storage than its buffer's", i, after);
}

static void verify_reads(const nl_program *p, const nl_instr *n, const bool *ready, const char *after) {
  int at = (int)(n - p->instrs);
  for (int k = 0; k < n->nreads; k++) {
    nl_assert(n->reads[k] >= 0 && n->reads[k] < p->nvalues, "instruction %d after %s reads value %d of %d", at, after,
              n->reads[k], p->nvalues);
    nl_assert(ready[nl_buffer_of(p, n->reads[k])], "instruction %d after %s (%s) reads value %d before it is written",
              at, after, n->name, n->reads[k]);
  }
}

/* ready: the buffers that hold something by now. */
static void verify_instr(const nl_program *p, const nl_instr *n, bool *ready, const char *after) {
  int at = (int)(n - p->instrs), forms = (n->call != NULL) + (n->effect != NULL) + (n->fused != NULL) + (n->to != NULL);
  nl_assert(n->run && forms == 1, "instruction %d after %s (%s) has %d forms", at, after, n->name, forms);
  if (!n->fused) { /* within a fused group an op may read what an earlier one of the group wrote */
    verify_reads(p, n, ready, after);
  }
  for (int k = 0; k < n->nwrites; k++) {
    nl_assert(n->writes[k] >= 0 && n->writes[k] < p->nvalues, "instruction %d after %s writes value %d of %d", at,
              after, n->writes[k], p->nvalues);
    int b = nl_buffer_of(p, n->writes[k]);
    nl_assert(p->buffers[b].location != NL_CONSTANT, "instruction %d after %s (%s) writes a constant", at, after,
              n->name);
    ready[b] = true;
  }
  if (n->fused) {
    verify_reads(p, n, ready, after);
  }
}

static void verify_leaves(const nl_program *p, int value, bool *ready, const char *what, const char *after) {
  if (value >= 0) {
    nl_assert(value < p->nvalues && p->buffers[nl_buffer_of(p, value)].location != NL_TEMPORARY,
              "a %s after %s lies in a temporary", what, after);
    nl_assert(ready[nl_buffer_of(p, value)], "a %s after %s was never written", what, after);
  }
}

void nl_program_verify(const nl_program *p, const char *after) {
  bool *ready = nl_new((size_t)p->nbuffers + 1);
  if (!ready) {
    return;
  }
  for (int i = 0; i < p->nbuffers; i++) {
    ready[i] = p->buffers[i].location != NL_TEMPORARY && p->buffers[i].location != NL_ESCAPING;
  }
  for (int i = 0; i < p->nvalues; i++) {
    verify_value(p, i, after);
  }
  for (int i = 0; i < p->ninstrs; i++) {
    if (!p->instrs[i].dead) {
      verify_instr(p, &p->instrs[i], ready, after);
    }
  }
  for (int i = 0; i < p->nresults; i++) {
    verify_leaves(p, p->results[i], ready, "result", after);
  }
  for (int i = 0; i < p->nslots; i++) {
    verify_leaves(p, p->slots[i].set ? p->slots[i].value : -1, ready, "gradient", after);
  }
  nl_delete(ready);
}

static bool is_elementwise(const nl_instr *n) {
  return n->run == nl_replay_op && (n->call->op->flags & NL_OP_ELEMENTWISE) != 0;
}

void nl_program_verify_arena(const nl_program *p) {
  for (int i = 0; i < p->nbuffers; i++) {
    const nl_buffer *a = &p->buffers[i];
    if (a->location != NL_TEMPORARY || a->first < 0) {
      continue;
    }
    nl_assert(a->at % 64 == 0 && a->at + a->bytes <= p->arena_bytes, "buffer %d lies outside of the arena", i);
    for (int k = i + 1; k < p->nbuffers; k++) {
      const nl_buffer *b = &p->buffers[k];
      bool apart =
          b->location != NL_TEMPORARY || b->first < 0 || a->at + a->bytes <= b->at || b->at + b->bytes <= a->at;
      if (apart || a->last < b->first || b->last < a->first) {
        continue;
      }
      bool over = a->at == b->at && ((a->last == b->first && is_elementwise(&p->instrs[b->first])) ||
                                     (b->last == a->first && is_elementwise(&p->instrs[a->first])));
      nl_assert(over, "buffers %d (%d .. %d) and %d (%d .. %d) share bytes of the arena", i, a->first, a->last, k,
                b->first, b->last);
    }
  }
}

#endif
