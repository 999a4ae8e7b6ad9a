#include "plan/trace.h"

#include <string.h>

#include "core/memory.h"
#include "ops/iterate.h"

static nl_trace *current;

nl_trace *nl_trace_current(void) {
  return current;
}

/* Room for one more in an array that doubles. */
static nl_status grow(void **array, int count, size_t size) {
  if (count && (count < 16 || (count & (count - 1)))) {
    return NL_OK;
  }
  void *more = nl_new((count ? 2 * (size_t)count : 16) * size);
  if (!more) {
    return NL_NOMEM;
  }
  if (count) {
    memcpy(more, *array, (size_t)count * size);
  }
  nl_delete(*array);
  *array = more;
  return NL_OK;
}

static nl_status new_step(nl_trace *t, nl_step **out) {
  void *steps = t->steps;
  nl_status status = grow(&steps, t->nsteps, sizeof *t->steps);
  t->steps = steps;
  if (status == NL_OK) {
    *out = &t->steps[t->nsteps++];
    memset(*out, 0, sizeof **out);
    if (t->where) {
      t->where(t->where_ctx, (*out)->where, sizeof(*out)->where);
    }
  }
  return status;
}

/* ---- rows ---- */

static bool made_inside(const nl_trace *t, const nl_tensor *x) {
  return x->storage->serial > t->serial;
}

static bool made_by_row(const nl_trace *t, const nl_storage *s) {
  for (int i = t->nsteps - 1; i >= 0; i--) {
    const nl_call *c = t->steps[i].call;
    for (int k = 0; c && !c->view && !c->inplace && k < c->nout; k++) {
      if (c->out[k]->storage == s) {
        return true;
      }
    }
  }
  return false;
}

static bool is_argument(const nl_trace *t, const nl_storage *s) {
  for (int i = 0; i < t->nargs; i++) {
    if (t->args[i] && t->args[i]->storage == s) {
      return true;
    }
  }
  return false;
}

/* A tensor that came to be without a row (nn.tensor{...}) is a constant, unless it is written: then each replay must
   start from what it was. */
static nl_status keep_initial(nl_trace *t, nl_tensor *x) {
  nl_storage *s = x->storage;
  for (int i = 0; i < t->ninitial; i++) {
    if (t->initial[2 * i]->storage == s) {
      return NL_OK;
    }
  }
  if (!made_inside(t, x) || is_argument(t, s) || made_by_row(t, s)) {
    return NL_OK;
  }
  int64_t n = (int64_t)(s->bytes / nl_dtype_size(nl_tensor_dtype(x))), one = 1;
  nl_tensor *whole, *copy;
  nl_status status = nl_tensor_view(x, 1, &n, &one, 0, &whole);
  if (status != NL_OK) {
    return status;
  }
  status = nl_tensor_new(nl_tensor_dtype(x), 1, &n, &copy);
  void *initial = t->initial;
  status = status == NL_OK ? grow(&initial, t->ninitial, 2 * sizeof *t->initial) : status;
  t->initial = initial;
  if (status != NL_OK) {
    nl_tensor_unref(whole);
    nl_tensor_unref(copy);
    return status;
  }
  nl_copy_values(copy, whole);
  t->initial[2 * t->ninitial] = whole;
  t->initial[2 * t->ninitial++ + 1] = copy;
  return NL_OK;
}

static nl_status check(nl_call *c) {
  if (c->op->flags & NL_OP_DATA_SHAPE) {
    return nl_fail(
        "the shape of its result depends on values, so a compiled function cannot replay it; multiply by the "
        "mask or use nn.where, which keep the shape, or leave this line out of the compiled function");
  }
  return c->inplace ? keep_initial(current, c->in[0]) : NL_OK;
}

static nl_status record(nl_call *c) {
  nl_trace *t = current;
  nl_step *s;
  nl_status status = new_step(t, &s);
  if (status != NL_OK) {
    return status;
  }
  s->call = nl_new(sizeof *s->call);
  s->in = nl_new(((size_t)c->nin + 1) * sizeof *s->in);
  if (!s->call || !s->in) {
    nl_delete(s->call);
    nl_delete(s->in);
    t->nsteps--;
    return NL_NOMEM;
  }
  *s->call = *c;
  s->call->in = s->in;
  s->call->rin = NULL;
  s->call->scratch = NULL;
  memset(s->call->saved_in, 0, sizeof s->call->saved_in);
  for (int i = 0; i < c->nin; i++) {
    s->in[i] = nl_tensor_ref(c->in[i]);
  }
  for (int i = 0; i < c->nout; i++) {
    nl_tensor_ref(c->out[i]);
  }
  return NL_OK;
}

static const nl_recorder recorder = {check, record, NULL};

/* ---- what is no row ---- */

static void free_effect(nl_effect *e) {
  if (e) {
    for (int i = 0; i < e->count; i++) {
      nl_tensor_unref(e->t[i]);
    }
    if (e->release) {
      e->release(e->ctx);
    }
    nl_delete(e);
  }
}

nl_status nl_trace_effect(nl_effect *e) {
  nl_step *s = NULL;
  nl_status status = new_step(current, &s);
  if (status != NL_OK) {
    free_effect(e);
    return status;
  }
  s->effect = e;
  return NL_OK;
}

static nl_cell *cell_of(nl_tensor *leaf, nl_tensor *entry) {
  nl_trace *t = current;
  for (int i = 0; i < t->ncells; i++) {
    if (t->cells[i].leaf == leaf) {
      return &t->cells[i];
    }
  }
  void *cells = t->cells;
  nl_status status = grow(&cells, t->ncells, sizeof *t->cells);
  t->cells = cells;
  if (status != NL_OK) {
    t->status = status;
    return NULL;
  }
  nl_cell *cell = &t->cells[t->ncells++];
  *cell = (nl_cell){.leaf = nl_tensor_ref(leaf), .entry = nl_tensor_ref(entry)};
  return cell;
}

void nl_trace_cell_read(nl_tensor *leaf, nl_tensor *value) {
  nl_cell *cell = current ? cell_of(leaf, value) : NULL;
  if (cell && !cell->set) {
    cell->read_entry = true;
  }
}

void nl_trace_cell_set(nl_tensor *leaf, nl_tensor *old, nl_tensor *value) {
  nl_cell *cell = current ? cell_of(leaf, old) : NULL;
  if (cell) {
    cell->set = true;
    nl_tensor *before = cell->value;
    cell->value = nl_tensor_ref(value);
    nl_tensor_unref(before);
  }
}

/* ---- open and shut ---- */

nl_status nl_trace_open(int nargs, nl_tensor *const args[], nl_trace **out) {
  nl_trace *t = nl_new(sizeof *t);
  *out = t;
  if (!t) {
    return NL_NOMEM;
  }
  t->serial = nl_storage_serial();
  t->args = nl_new(((size_t)nargs + 1) * sizeof *t->args);
  nl_status status = t->args ? NL_OK : NL_NOMEM;
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    status = args[i] ? nl_tensor_alias(args[i], &t->args[i]) : NL_OK;
    t->nargs = i + 1;
  }
  if (status != NL_OK) {
    nl_trace_free(t);
    *out = NULL;
    return status;
  }
  current = t;
  nl_set_recorder(NL_WATCH_PLAN, &recorder);
  return NL_OK;
}

nl_trace *nl_trace_pause(void) {
  nl_trace *t = current;
  current = NULL;
  nl_set_recorder(NL_WATCH_PLAN, NULL);
  return t;
}

void nl_trace_resume(nl_trace *t) {
  current = t;
  nl_set_recorder(NL_WATCH_PLAN, t ? &recorder : NULL);
}

void nl_trace_close(nl_trace *t) {
  if (current == t) {
    nl_trace_pause();
  }
}

void nl_trace_let_go(nl_trace *t) {
  for (int i = 0; i < t->nsteps; i++) {
    nl_step *s = &t->steps[i];
    for (int k = 0; s->call && k < s->call->nin; k++) {
      nl_tensor_unref(s->in[k]);
    }
    for (int k = 0; s->call && k < s->call->nout; k++) {
      nl_tensor_unref(s->call->out[k]);
    }
    nl_delete(s->call);
    nl_delete(s->in);
    s->call = NULL;
    s->in = NULL;
    for (int k = 0; s->effect && k < s->effect->count; k++) {
      nl_tensor_unref(s->effect->t[k]);
      s->effect->t[k] = NULL;
    }
  }
  for (int i = 0; i < t->ncells; i++) {
    nl_tensor_unref(t->cells[i].leaf);
    nl_tensor_unref(t->cells[i].entry);
    nl_tensor_unref(t->cells[i].value);
  }
  for (int i = 0; i < 2 * t->ninitial; i++) {
    nl_tensor_unref(t->initial[i]);
  }
  for (int i = 0; i < t->nargs; i++) {
    nl_tensor_unref(t->args[i]);
  }
  t->ncells = t->ninitial = t->nargs = 0;
}

void nl_trace_free(nl_trace *t) {
  if (!t) {
    return;
  }
  nl_trace_close(t);
  nl_trace_let_go(t);
  for (int i = 0; i < t->nsteps; i++) {
    free_effect(t->steps[i].effect);
  }
  nl_delete(t->steps);
  nl_delete(t->cells);
  nl_delete(t->initial);
  nl_delete(t->args);
  nl_delete(t);
}
