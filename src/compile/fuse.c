#include "compile/fuse.h"

#include <stdio.h>
#include <string.h>

#include "compile/replay.h"
#include "core/map.h"
#include "core/memory.h"
#include "core/pool.h"
#include "optable/iterate.h"

/* STRIP: elements; a register of float64 is 8 kB at most. GRAIN: what is worth a thread. */
enum { STRIP = 1024, GRAIN = 16 * STRIP, MOST = 24, REGISTERS = 16 };

typedef struct operand {
  int reg;  /* a register, or -1: memory */
  int step; /* 0: one value for all */
  size_t size;
  char *base; /* in memory, while it runs */
} operand;

typedef struct fused_op {
  nl_strip strip;
  operand operand[NL_MAX_OPERANDS];
  nl_instr *instr; /* as it was */
} fused_op;

struct nl_fused {
  int count;
  int64_t n;
  fused_op ops[];
};

/* ---- which instructions can stand in a fused group ---- */

static bool strip_of(const nl_instr *n, nl_strip *s) {
  if (n->run == nl_replay_copy) {
    nl_strip_of_copy(n->to, n->from, s);
    return true;
  }
  return n->run == nl_replay_op && n->call->op->strip && n->call->op->strip(n->call, s);
}

/* Every operand lies flat with as many elements as the result, or is one value. */
static bool is_flat(const nl_strip *s) {
  for (int k = 0; k < s->n; k++) {
    const nl_tensor *t = s->t[k];
    bool same = t->contiguous && t->numel == s->t[0]->numel && (k == 0 || nl_shape_equal(t, s->t[0]));
    if (!same && (k == 0 || t->numel != 1)) {
      return false;
    }
  }
  return s->t[0]->numel > 0;
}

/* Two operands in one storage must be the same elements in the same order, or be written by nobody. */
static bool in_step(const nl_tensor *a, const nl_tensor *b) {
  return a->storage != b->storage || (a->numel == b->numel &&
                                      a->offset * (int64_t)nl_dtype_size(nl_tensor_dtype(a)) ==
                                          b->offset * (int64_t)nl_dtype_size(nl_tensor_dtype(b)) &&
                                      nl_dtype_size(nl_tensor_dtype(a)) == nl_dtype_size(nl_tensor_dtype(b)));
}

/* Can `s` go behind the strips there are? What one writes, the others see in step with it. */
static bool fits(const nl_strip *strips, int count, const nl_strip *s) {
  if (s->t[0]->numel != strips[0].t[0]->numel) {
    return false;
  }
  for (int i = 0; i <= count; i++) {
    const nl_strip *other = i < count ? &strips[i] : s;
    for (int k = 0; k < s->n; k++) {
      if (!in_step(other->t[0], s->t[k])) {
        return false;
      }
    }
    for (int k = 0; k < other->n; k++) {
      if (!in_step(s->t[0], other->t[k])) {
        return false;
      }
    }
  }
  return true;
}

/* ---- making one ---- */

typedef struct maker {
  nl_program *p;
  int *first, *last; /* of each buffer, the instructions that use it */
  nl_map by_storage; /* buffers */
} maker;

static nl_status find_uses(maker *m) {
  const nl_program *p = m->p;
  nl_status status = NL_OK;
  for (int b = 0; b < p->nbuffers && status == NL_OK; b++) {
    m->first[b] = p->ninstrs;
    m->last[b] = -1;
    status = nl_map_put(&m->by_storage, p->buffers[b].storage, b);
  }
  for (int i = 0; i < p->ninstrs; i++) {
    const nl_instr *n = &p->instrs[i];
    for (int k = 0; k < n->nreads + n->nwrites; k++) {
      int b = p->values[k < n->nreads ? n->reads[k] : n->writes[k - n->nreads]].buffer;
      m->first[b] = i < m->first[b] ? i : m->first[b];
      m->last[b] = i;
    }
  }
  return status;
}

/* Temporaries that live inside the group alone get registers; one is free again after its last use. */
static void give_registers(maker *m, nl_fused *c, int begin) {
  int held[REGISTERS]; /* the buffer in each register, or -1 */
  for (int r = 0; r < REGISTERS; r++) {
    held[r] = -1;
  }
  int end = begin + c->count;
  for (int i = 0; i < c->count; i++) {
    fused_op *l = &c->ops[i];
    int freed[NL_MAX_OPERANDS], nfreed = 0;
    for (int k = l->strip.n - 1; k >= 0; k--) { /* inputs first: the result may take the place of one */
      const nl_tensor *t = l->strip.t[k];
      int b = nl_map_get(&m->by_storage, t->storage);
      bool inside = b >= 0 && m->p->buffers[b].location == NL_TEMPORARY && m->first[b] >= begin && m->last[b] < end &&
                    t->offset == 0 && t->numel == c->n;
      l->operand[k] = (operand){.reg = -1, .step = k == 0 || t->numel != 1, .size = nl_dtype_size(nl_tensor_dtype(t))};
      if (c->n == 1) {
        l->operand[k].step = k == 0;
      }
      if (!inside) {
        continue;
      }
      int at = -1, empty = -1;
      for (int r = 0; r < REGISTERS; r++) {
        at = held[r] == b ? r : at;
        empty = held[r] < 0 && empty < 0 ? r : empty;
      }
      if (at < 0 && k == 0) {
        at = empty;
      }
      if (at >= 0) {
        held[at] = b;
        l->operand[k].reg = at;
        if (m->last[b] == begin + i && k > 0) {
          freed[nfreed++] = at;
        }
      }
    }
    for (int k = 0; k < nfreed; k++) {
      held[freed[k]] = -1;
    }
  }
}

static bool in_memory(const nl_program *p, const nl_fused *c, int buffer, bool written) {
  for (int i = 0; i < c->count; i++) {
    const fused_op *l = &c->ops[i];
    for (int k = written ? 0 : 1; k < (written ? 1 : l->strip.n); k++) {
      if (l->operand[k].reg < 0 && l->strip.t[k]->storage == p->buffers[buffer].storage) {
        return true;
      }
    }
  }
  return false;
}

static int collect(const nl_program *p, const nl_fused *c, bool writes, int *out) {
  int n = 0;
  for (int i = 0; i < c->count; i++) {
    const nl_instr *from = c->ops[i].instr;
    for (int k = 0; k < (writes ? from->nwrites : from->nreads); k++) {
      int v = writes ? from->writes[k] : from->reads[k];
      bool seen = !in_memory(p, c, p->values[v].buffer, writes);
      for (int j = 0; j < n && !seen; j++) {
        seen = out[j] == v;
      }
      if (!seen) {
        out[n++] = v;
      }
    }
  }
  return n;
}

static nl_status replay_fused(nl_program *, nl_instr *);

static nl_status make_chain(maker *m, int begin, int count, const nl_strip *strips) {
  nl_program *p = m->p;
  nl_fused *c = nl_new(sizeof *c + (size_t)count * sizeof *c->ops);
  nl_instr *kept = nl_new((size_t)count * sizeof *kept);
  nl_instr made = {.name = "fused", .run = replay_fused, .fused = c, .workspace = -1, .step = p->instrs[begin].step};
  made.reads = nl_new((size_t)count * 4 * NL_MAX_OPERANDS * sizeof *made.reads);
  if (!c || !kept || !made.reads) {
    nl_delete(c);
    nl_delete(kept);
    nl_delete(made.reads);
    return NL_NOMEM;
  }
  c->count = count;
  c->n = strips[0].t[0]->numel;
  for (int i = 0; i < count; i++) {
    kept[i] = p->instrs[begin + i];
    c->ops[i].strip = strips[i];
    c->ops[i].instr = &kept[i];
    made.flops += kept[i].flops;
  }
  give_registers(m, c, begin);
  made.nreads = collect(p, c, false, made.reads);
  made.writes = made.reads + made.nreads;
  made.nwrites = collect(p, c, true, made.writes);
  p->instrs[begin] = made;
  for (int i = 1; i < count; i++) {
    p->instrs[begin + i] = (nl_instr){.dead = true};
  }
  return NL_OK;
}

nl_status nl_pass_fuse(nl_program *p) {
  maker m = {.p = p, .first = nl_new(2 * ((size_t)p->nbuffers + 1) * sizeof(int))};
  if (!m.first) {
    return NL_NOMEM;
  }
  m.last = m.first + p->nbuffers;
  nl_status status = find_uses(&m);
  for (int i = 0; i < p->ninstrs && status == NL_OK;) {
    nl_strip strips[MOST];
    int count = 0;
    while (count < MOST && i + count < p->ninstrs && strip_of(&p->instrs[i + count], &strips[count]) &&
           is_flat(&strips[count]) && fits(strips, count, &strips[count])) {
      count++;
    }
    if (count > 1) {
      status = make_chain(&m, i, count, strips);
    }
    i += count > 1 ? count : 1;
  }
  nl_delete(m.first);
  nl_map_free(&m.by_storage);
  int kept = 0;
  for (int i = 0; i < p->ninstrs; i++) {
    if (!p->instrs[i].dead) {
      p->instrs[kept++] = p->instrs[i];
    }
  }
  p->ninstrs = kept;
  return status;
}

/* ---- running ---- */

static void fused_range(void *ctx, int64_t begin, int64_t end) {
  const nl_fused *c = ctx;
  char *registers = nl_thread_workspace();
  for (int64_t at = begin; at < end; at += STRIP) {
    int64_t n = end - at < STRIP ? end - at : STRIP;
    for (int i = 0; i < c->count; i++) {
      const fused_op *l = &c->ops[i];
      void *data[NL_MAX_OPERANDS];
      int step[NL_MAX_OPERANDS];
      for (int k = 0; k < l->strip.n; k++) {
        const operand *o = &l->operand[k];
        step[k] = o->step;
        data[k] = o->reg >= 0 ? registers + (size_t)o->reg * STRIP * sizeof(double)
                              : o->base + (o->step ? (size_t)at * o->size : 0);
      }
      l->strip.fn((void *)(uintptr_t)&l->strip, n, data, step);
    }
  }
}

static nl_status replay_fused(nl_program *p, nl_instr *n) {
  (void)p;
  nl_fused *c = n->fused;
  if (!nl_thread_workspace()) {
    return nl_fail_memory(NL_THREAD_WORKSPACE_BYTES);
  }
  for (int i = 0; i < c->count; i++) {
    fused_op *l = &c->ops[i];
    for (int k = 0; k < l->strip.n; k++) {
      l->operand[k].base = l->operand[k].reg < 0 ? nl_tensor_data(l->strip.t[k]) : NULL;
    }
  }
  nl_parallel_for(c->n, GRAIN, fused_range, c);
  return NL_OK;
}

void nl_fused_free(nl_fused *c) {
  if (c) {
    for (int i = 0; i < c->count; i++) {
      nl_instr_free(c->ops[i].instr);
    }
    nl_delete(c->ops[0].instr); /* they lie in one block */
    nl_delete(c);
  }
}

void nl_fused_names(const nl_fused *c, char *text, size_t size) {
  size_t used = 0;
  *text = 0;
  for (int i = 0; i < c->count && used + 4 < size; i++) {
    used += (size_t)snprintf(text + used, size - used, i ? " + %s" : "%s", c->ops[i].instr->name);
  }
}
