#include "compile/passes.h"

#include <string.h>

#include "compile/replay.h"
#include "core/memory.h"

static bool writes(const nl_program *p, const nl_instr *n, int buffer) {
  for (int k = 0; k < n->nwrites; k++) {
    if (nl_buffer_of(p, n->writes[k]) == buffer) {
      return true;
    }
  }
  return false;
}

/* Whether one of the instructions begin .. end writes a buffer. Most buffers are written once, and it is known where.
 */
static bool written_between(const nl_program *p, int buffer, int begin, int end) {
  const nl_buffer *b = &p->buffers[buffer];
  if (b->last_write < begin || b->first_write >= end) {
    return false;
  }
  for (int i = begin; i < end; i++) {
    if (!p->instrs[i].dead && writes(p, &p->instrs[i], buffer)) {
      return true;
    }
  }
  return false;
}

void nl_pass_find_writes(nl_program *p) {
  for (int b = 0; b < p->nbuffers; b++) {
    p->buffers[b].first_write = p->ninstrs;
    p->buffers[b].last_write = -1;
    p->buffers[b].values = p->buffers[b].last_value = -1;
  }
  for (int i = p->nvalues - 1; i >= 0; i--) {
    nl_buffer *b = &p->buffers[p->values[i].buffer];
    p->values[i].next = b->values;
    b->last_value = b->values < 0 ? i : b->last_value;
    b->values = i;
  }
  for (int i = 0; i < p->ninstrs; i++) {
    const nl_instr *n = &p->instrs[i];
    for (int k = 0; k < n->nwrites; k++) {
      nl_buffer *b = &p->buffers[nl_buffer_of(p, n->writes[k])];
      b->first_write = b->first_write < i ? b->first_write : i;
      b->last_write = i;
    }
  }
}

/* Lets every value of one buffer look into another, `shift` bytes further on. */
static void merge(nl_program *p, int from, int into, int64_t shift) {
  nl_storage *s = p->buffers[into].storage;
  nl_buffer *a = &p->buffers[into], *b = &p->buffers[from];
  a->first_write = a->first_write < b->first_write ? a->first_write : b->first_write;
  a->last_write = a->last_write > b->last_write ? a->last_write : b->last_write;
  for (int i = b->values; i >= 0; i = p->values[i].next) {
    nl_value *v = &p->values[i];
    v->buffer = into;
    v->t->storage->refs--; /* the buffer keeps its own reference, so this is never the last */
    v->t->storage = s;
    s->refs++;
    v->t->offset += shift / (int64_t)nl_dtype_size(nl_tensor_dtype(v->t));
  }
  if (b->values >= 0) { /* its list goes behind the other */
    *(a->values < 0 ? &a->values : &p->values[a->last_value].next) = b->values;
    a->last_value = b->last_value;
    b->values = b->last_value = -1;
  }
}

/* ---- common subexpression elimination ---- */

static bool same_constant(const nl_program *p, const nl_tensor *a, int ba, const nl_tensor *b, int bb) {
  const nl_buffer *x = &p->buffers[ba], *y = &p->buffers[bb];
  return x->location == NL_CONSTANT && y->location == NL_CONSTANT && a->numel == 1 && b->numel == 1 &&
         memcmp(nl_tensor_data(a), nl_tensor_data(b), nl_dtype_size(nl_tensor_dtype(a))) == 0;
}

static bool same_value(const nl_program *p, int v, int u) {
  if (v == u) {
    return true;
  }
  const nl_tensor *a = p->values[v].t, *b = p->values[u].t;
  int ba = nl_buffer_of(p, v), bb = nl_buffer_of(p, u);
  if (a->dtype != b->dtype || !nl_shape_equal(a, b)) {
    return false;
  }
  return same_constant(p, a, ba, b, bb) || (ba == bb && a->offset == b->offset &&
                                            memcmp(a->strides, b->strides, (size_t)a->ndim * sizeof *a->strides) == 0);
}

static bool same_op(const nl_program *p, const nl_instr *a, const nl_instr *b) {
  const nl_call *x = a->call, *y = b->call;
  if (!x || !y || x->op != y->op || a->nreads != b->nreads || x->dtype != y->dtype || x->nints != y->nints ||
      memcmp(x->attr, y->attr, sizeof x->attr) != 0 ||
      memcmp(x->ints, y->ints, (size_t)x->nints * sizeof *x->ints) != 0) {
    return false;
  }
  for (int k = 0; k < x->nin; k++) { /* an input left out on one side */
    if (!x->rin[k] != !y->rin[k]) {
      return false;
    }
  }
  for (int k = 0; k < a->nreads; k++) {
    if (!same_value(p, a->reads[k], b->reads[k])) {
      return false;
    }
  }
  return true;
}

/* True when the results of instruction i are made by it alone and changed by nobody. */
static bool made_once(const nl_program *p, int i) {
  const nl_instr *n = &p->instrs[i];
  for (int k = 0; k < n->call->nout; k++) {
    int b = nl_buffer_of(p, n->writes[k]);
    if (p->buffers[b].location != NL_TEMPORARY || written_between(p, b, 0, i) ||
        written_between(p, b, i + 1, p->ninstrs)) {
      return false;
    }
  }
  return true;
}

/* Ops farther apart than this are not compared: recording time should grow with the program's length alone. */
enum { FAR = 512 };

static bool can_stand_for(const nl_program *p, int early, int late) {
  const nl_instr *a = &p->instrs[early];
  for (int k = 0; k < a->nreads; k++) {
    if (written_between(p, nl_buffer_of(p, a->reads[k]), early, late)) {
      return false;
    }
  }
  return made_once(p, early) && made_once(p, late);
}

void nl_pass_cse(nl_program *p) {
  for (int i = 0; i < p->ninstrs; i++) {
    nl_instr *n = &p->instrs[i];
    if (n->run != nl_replay_op || n->must || n->dead) {
      continue;
    }
    for (int j = i - 1; j >= 0 && j > i - FAR; j--) {
      nl_instr *m = &p->instrs[j];
      if (m->dead || m->run != nl_replay_op || !same_op(p, m, n) || !can_stand_for(p, j, i)) {
        continue;
      }
      for (int k = 0; k < n->call->nout; k++) {
        merge(p, nl_buffer_of(p, n->writes[k]), nl_buffer_of(p, m->writes[k]), 0);
      }
      n->dead = true;
      p->shared++;
      break;
    }
  }
}

/* ---- copy elision ---- */

static void drop_copy(nl_program *p, int i) {
  nl_instr *n = &p->instrs[i];
  int to = nl_buffer_of(p, n->writes[0]), from = nl_buffer_of(p, n->reads[0]);
  nl_buffer *t = &p->buffers[to], *f = &p->buffers[from];
  if (to == from || n->to->dtype != n->from->dtype || n->to->numel != n->from->numel || !n->from->contiguous ||
      !nl_is_whole(p, n->to, to) || written_between(p, to, 0, i) || written_between(p, to, i + 1, p->ninstrs) ||
      written_between(p, from, i + 1, p->ninstrs)) {
    return;
  }
  if (t->location == NL_ESCAPING) {
    if (f->location != NL_TEMPORARY || !nl_is_whole(p, n->from, from)) {
      return;
    }
    f->location = NL_ESCAPING;
    f->number = t->number;
  } else if (t->location != NL_TEMPORARY) {
    return;
  }
  int64_t shift = n->from->offset * (int64_t)nl_dtype_size(nl_tensor_dtype(n->from));
  n->dead = true;
  t->location = NL_TEMPORARY;
  merge(p, to, from, shift);
}

void nl_pass_elide_copies(nl_program *p) {
  for (int i = 0; i < p->ninstrs; i++) {
    if (!p->instrs[i].dead && p->instrs[i].run == nl_replay_copy) {
      drop_copy(p, i);
    }
  }
}

/* ---- dead code elimination ---- */

void nl_pass_dce(nl_program *p) {
  bool *needed = nl_new((size_t)p->nbuffers + 1);
  if (!needed) {
    return; /* a program with dead ops is right, too */
  }
  for (int b = 0; b < p->nbuffers; b++) {
    needed[b] = p->buffers[b].location != NL_TEMPORARY;
  }
  int kept = p->ninstrs;
  for (int i = p->ninstrs - 1; i >= 0; i--) {
    nl_instr *n = &p->instrs[i];
    bool live = n->must;
    for (int k = 0; k < n->nwrites; k++) {
      live = live || needed[nl_buffer_of(p, n->writes[k])];
    }
    if (!live || n->dead) {
      p->dropped += !n->dead;
      n->dead = true;
      continue;
    }
    for (int k = 0; k < n->nreads; k++) {
      needed[nl_buffer_of(p, n->reads[k])] = true;
    }
  }
  nl_delete(needed);
  kept = 0;
  for (int i = 0; i < p->ninstrs; i++) {
    if (p->instrs[i].dead) {
      nl_instr_free(&p->instrs[i]);
    } else {
      p->instrs[kept++] = p->instrs[i];
    }
  }
  p->ninstrs = kept;
}

/* ---- scheduling ---- */

/* Where the effects go: behind the instruction after[i], or -1 to the front. Checks come first, so that an update is
   not made before an error is found. Effects keep their order where they share memory. */
static void find_places(const nl_program *p, int *after, int *last_use, int *last_write) {
  int last_check = -1;
  for (int b = 0; b < p->nbuffers; b++) {
    last_use[b] = last_write[b] = -1;
  }
  for (int i = 0; i < p->ninstrs; i++) {
    const nl_instr *n = &p->instrs[i];
    int at = last_check;
    for (int k = 0; k < n->nreads + n->nwrites && n->effect; k++) {
      bool write = k >= n->nreads;
      int b = nl_buffer_of(p, write ? n->writes[k - n->nreads] : n->reads[k]);
      int behind = write ? last_use[b] : last_write[b];
      at = behind > at ? behind : at;
    }
    after[i] = n->effect ? at : i;
    last_check = n->must && !n->effect ? i : last_check;
    for (int k = 0; k < n->nreads + n->nwrites; k++) {
      int b = nl_buffer_of(p, k < n->nreads ? n->reads[k] : n->writes[k - n->nreads]);
      last_use[b] = after[i] > last_use[b] ? after[i] : last_use[b];
      if (k >= n->nreads) {
        last_write[b] = after[i] > last_write[b] ? after[i] : last_write[b];
      }
    }
  }
}

void nl_pass_schedule(nl_program *p) {
  if (p->ninstrs == 0) {
    return;
  }
  size_t n = (size_t)p->ninstrs + 1;
  int *after = nl_new((2 * n + 2 * (size_t)p->nbuffers) * sizeof *after), *first = after ? after + n : NULL;
  nl_instr *moved = nl_new(n * sizeof *moved);
  if (after && moved) {
    find_places(p, after, first + n, first + n + p->nbuffers);
    /* a stable sort by place: the instruction itself, then the effects behind it */
    memset(first, 0, n * sizeof *first);
    for (int i = 0; i < p->ninstrs; i++) {
      first[after[i] + 1]++;
    }
    for (int i = 0, total = 0; i <= p->ninstrs; i++) {
      int count = first[i];
      first[i] = total;
      total += count;
    }
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < p->ninstrs; i++) {
        if ((pass == 1) == (p->instrs[i].effect != NULL)) {
          moved[first[after[i] + 1]++] = p->instrs[i];
        }
      }
    }
    memcpy(p->instrs, moved, (size_t)p->ninstrs * sizeof *moved);
  }
  nl_delete(after);
  nl_delete(moved);
}
