/* Memory planning: offsets of temporaries in the arena, where buffers whose lifetimes do not overlap share bytes. */
#include <string.h>

#include "compile/passes.h"
#include "compile/replay.h"
#include "core/memory.h"

typedef struct hole {
  size_t at, bytes;
} hole;

typedef struct layout {
  hole *holes; /* in order of their offset */
  int count;
  size_t end;
} layout;

static size_t take_place(layout *l, size_t bytes) {
  int best = -1;
  for (int i = 0; i < l->count; i++) {
    if (l->holes[i].bytes >= bytes && (best < 0 || l->holes[i].bytes < l->holes[best].bytes)) {
      best = i;
    }
  }
  if (best < 0) {
    hole *last = l->count ? &l->holes[l->count - 1] : NULL;
    if (last && last->at + last->bytes == l->end) { /* what is free at the end grows */
      size_t at = last->at;
      l->count--;
      l->end = at + bytes;
      return at;
    }
    l->end += bytes;
    return l->end - bytes;
  }
  size_t at = l->holes[best].at;
  l->holes[best].at += bytes;
  l->holes[best].bytes -= bytes;
  if (l->holes[best].bytes == 0) {
    memmove(&l->holes[best], &l->holes[best + 1], (size_t)(l->count - best - 1) * sizeof *l->holes);
    l->count--;
  }
  return at;
}

static void give(layout *l, size_t at, size_t bytes) {
  int i = 0;
  while (i < l->count && l->holes[i].at < at) {
    i++;
  }
  memmove(&l->holes[i + 1], &l->holes[i], (size_t)(l->count - i) * sizeof *l->holes);
  l->holes[i] = (hole){at, bytes};
  l->count++;
  for (int k = i > 0 ? i - 1 : 0; k + 1 < l->count && k <= i + 1;) {
    if (l->holes[k].at + l->holes[k].bytes == l->holes[k + 1].at) {
      l->holes[k].bytes += l->holes[k + 1].bytes;
      memmove(&l->holes[k + 1], &l->holes[k + 2], (size_t)(l->count - k - 2) * sizeof *l->holes);
      l->count--;
    } else {
      k++;
    }
  }
}

static size_t padded(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

/* An elementwise op may write over an input that nobody reads afterwards. */
static int written_over(const nl_program *p, int i, int out) {
  const nl_instr *n = &p->instrs[i];
  if (n->run != nl_replay_op || !(n->call->op->flags & NL_OP_ELEMENTWISE) || n->call->nout != 1 ||
      nl_buffer_of(p, n->writes[0]) != out) {
    return -1;
  }
  const nl_tensor *o = n->call->out[0];
  for (int k = 0; k < n->nreads; k++) {
    int b = nl_buffer_of(p, n->reads[k]);
    const nl_tensor *t = p->values[n->reads[k]].t;
    bool fits = p->buffers[b].location == NL_TEMPORARY && p->buffers[b].last == i && nl_is_whole(p, t, b) &&
                nl_is_whole(p, o, out) && nl_shape_equal(t, o) &&
                nl_dtype_size(nl_tensor_dtype(t)) == nl_dtype_size(nl_tensor_dtype(o));
    for (int m = 0; m < n->nreads && fits; m++) { /* in no other guise */
      fits = m == k || nl_buffer_of(p, n->reads[m]) != b || n->reads[m] == n->reads[k];
    }
    if (fits) {
      return b;
    }
  }
  return -1;
}

static void find_spans(nl_program *p) {
  for (int b = 0; b < p->nbuffers; b++) {
    p->buffers[b].first = -1;
    p->buffers[b].written = false;
  }
  for (int i = 0; i < p->ninstrs; i++) {
    const nl_instr *n = &p->instrs[i];
    for (int k = 0; k < n->nreads + n->nwrites; k++) {
      nl_buffer *b = &p->buffers[nl_buffer_of(p, n->reads[k < n->nreads ? k : 0])];
      if (k >= n->nreads) {
        b = &p->buffers[nl_buffer_of(p, n->writes[k - n->nreads])];
        b->written = b->written || !n->effect;
      }
      b->first = b->first < 0 ? i : b->first;
      b->last = i;
    }
  }
}

nl_status nl_pass_plan_memory(nl_program *p) {
  find_spans(p);
  layout l = {.holes = nl_new(((size_t)p->nbuffers + 2) * sizeof(hole))};
  bool *gone = nl_new((size_t)p->nbuffers + 1); /* its place was handed on */
  if (!l.holes || !gone) {
    nl_delete(l.holes);
    nl_delete(gone);
    return NL_NOMEM;
  }
  for (int i = 0; i < p->ninstrs; i++) {
    const nl_instr *n = &p->instrs[i];
    for (int k = 0; k < n->nwrites; k++) {
      int out = nl_buffer_of(p, n->writes[k]);
      nl_buffer *b = &p->buffers[out];
      if (b->location != NL_TEMPORARY || b->first != i) {
        continue;
      }
      p->unshared_bytes += padded(b->bytes);
      int over = written_over(p, i, out);
      if (over >= 0 && !gone[over]) {
        b->at = p->buffers[over].at;
        gone[over] = true;
      } else {
        b->at = take_place(&l, padded(b->bytes));
      }
      b->first = i;
    }
    for (int k = 0; k < n->nreads + n->nwrites; k++) {
      int v = k < n->nreads ? n->reads[k] : n->writes[k - n->nreads];
      nl_buffer *b = &p->buffers[nl_buffer_of(p, v)];
      if (b->location == NL_TEMPORARY && b->last == i && !gone[nl_buffer_of(p, v)]) {
        gone[nl_buffer_of(p, v)] = true;
        give(&l, b->at, padded(b->bytes));
      }
    }
  }
  p->arena_bytes = l.end ? l.end : 64;
  nl_delete(l.holes);
  nl_delete(gone);
  return NL_OK;
}
