#include "compile/trace.h"

#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "optable/iterate.h"

static nl_trace *current;

nl_trace *nl_trace_current(void) {
  return current;
}

static nl_status new_step(nl_trace *t, nl_step **out) {
  void *more = nl_grow(t->steps, t->nsteps, sizeof *t->steps);
  if (!more) {
    return NL_NOMEM;
  }
  t->steps = more;
  *out = &t->steps[t->nsteps++];
  memset(*out, 0, sizeof **out);
  if (t->where) {
    t->where(t->where_ctx, (*out)->where, sizeof(*out)->where);
  }
  return NL_OK;
}

nl_status nl_trace_refuse(void) {
  nl_trace *t = current;
  char where[96] = "";
  if (t->where) {
    t->where(t->where_ctx, where, sizeof where);
  }
  if (!t->refused[0]) {
    snprintf(t->refused, sizeof t->refused, "%s%s%s", where, *where ? ": " : "", nl_error_message());
  }
  if (!t->lenient) {
    return NL_ERROR;
  }
  nl_trace_close(t);
  return NL_OK;
}

/* ---- ops ---- */

static bool made_inside(const nl_trace *t, const nl_tensor *x) {
  return x->storage->serial > t->serial;
}

/* A tensor that came to be without an op (nn.tensor{...}) is a constant, unless it is written: then each replay must
   start from what it was. */
static nl_status keep_initial(nl_trace *t, nl_tensor *x) {
  nl_storage *s = x->storage;
  if (!made_inside(t, x) || nl_map_get(&t->known, s) >= 0) {
    return NL_OK;
  }
  int64_t n = (int64_t)(s->bytes / nl_dtype_size(nl_tensor_dtype(x))), one = 1;
  nl_tensor *whole, *copy;
  nl_status status = nl_tensor_view(x, 1, &n, &one, 0, &whole);
  if (status != NL_OK) {
    return status;
  }
  status = nl_tensor_new(nl_tensor_dtype(x), 1, &n, &copy);
  void *initial = status == NL_OK ? nl_grow(t->initial, t->ninitial, 2 * sizeof *t->initial) : NULL;
  t->initial = initial ? initial : t->initial;
  status = initial ? nl_map_put(&t->known, s, 1) : (status == NL_OK ? NL_NOMEM : status);
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

static nl_status trace_check(nl_call *c) {
  if (c->op->flags & NL_OP_DATA_SHAPE) {
    nl_fail(
        "the shape of its result depends on values, so a compiled function cannot replay it; multiply by the mask or "
        "use nn.where, which keep the shape, or leave this line out of the compiled function");
    return nl_trace_refuse();
  }
  for (int i = 0; i < c->nin; i++) {
    const nl_tensor *t = c->in[i];
    if (t && t->requires_grad && !made_inside(current, t) && current->has_older_history(t)) {
      nl_fail(
          "a tensor of shape %s that was computed outside from tensors that want gradients is used, and a replay could "
          "not go back there; detach() it, or compute it inside",
          nl_tensor_shape_string(t).s);
      return nl_trace_refuse();
    }
  }
  return c->inplace ? keep_initial(current, c->in[0]) : NL_OK;
}

/* A tensor of others that gets a history here would have it after a replay, too, and cannot. */
static nl_status check_write(const nl_call *c) {
  const nl_tensor *t = c->inplace ? c->in[0] : NULL;
  if (!t || (made_inside(current, t) && !t->storage->parent)) {
    return NL_OK;
  }
  if ((t->requires_grad || t->base) && current->has_younger_history(t)) {
    nl_fail(
        "a tensor of shape %s from outside is changed to something that has a gradient, and a replay could not give it "
        "that history; wrap the change in nn.no_grad, or compute a new tensor",
        nl_tensor_shape_string(t).s);
    return nl_trace_refuse();
  }
  return NL_OK;
}

static nl_status trace_record(nl_call *c) {
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
  s->call->workspace = NULL;
  memset(s->call->saved_in, 0, sizeof s->call->saved_in);
  for (int i = 0; i < c->nin; i++) {
    s->in[i] = nl_tensor_ref(c->in[i]);
  }
  for (int i = 0; i < c->nout; i++) {
    nl_tensor_ref(c->out[i]);
  }
  for (int i = 0; i < c->nout && status == NL_OK && !c->view && !c->inplace; i++) {
    status = nl_map_put(&t->known, c->out[i]->storage, 1);
  }
  return status == NL_OK ? check_write(c) : status;
}

static const nl_recorder recorder = {trace_check, trace_record, NULL};

/* ---- what is no op ---- */

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

static nl_grad_slot *slot_of_leaf(nl_tensor *leaf, nl_tensor *entry) {
  nl_trace *t = current;
  int known = nl_map_get(&t->slot_of, leaf);
  if (known >= 0) {
    return &t->slots[known];
  }
  void *slots = nl_grow(t->slots, t->nslots, sizeof *t->slots);
  t->slots = slots ? slots : t->slots;
  if (!slots || nl_map_put(&t->slot_of, leaf, t->nslots) != NL_OK) {
    t->status = NL_NOMEM;
    return NULL;
  }
  nl_grad_slot *slot = &t->slots[t->nslots++];
  *slot = (nl_grad_slot){.leaf = nl_tensor_ref(leaf), .entry = nl_tensor_ref(entry)};
  return slot;
}

void nl_trace_slot_read(nl_tensor *leaf, nl_tensor *value) {
  nl_grad_slot *slot = current ? slot_of_leaf(leaf, value) : NULL;
  if (slot && !slot->set) {
    slot->read_entry = true;
  }
}

void nl_trace_slot_set(nl_tensor *leaf, nl_tensor *old, nl_tensor *value) {
  nl_grad_slot *slot = current ? slot_of_leaf(leaf, old) : NULL;
  if (slot) {
    slot->set = true;
    nl_tensor *before = slot->value;
    slot->value = nl_tensor_ref(value);
    nl_tensor_unref(before);
  }
}

void nl_trace_saw(nl_tensor *x) {
  nl_trace *t = current;
  if (!t || made_inside(t, x) || nl_map_get(&t->saw_at, x) >= 0) {
    return;
  }
  void *saw = nl_grow(t->saw, t->nsaw, sizeof *t->saw);
  t->saw = saw ? saw : t->saw;
  if (!saw || nl_map_put(&t->saw_at, x, t->nsaw) != NL_OK) {
    t->status = NL_NOMEM;
    return;
  }
  t->saw[t->nsaw++] = nl_tensor_ref(x);
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
    int same = 0;
    while (args[same] != args[i]) {
      same++;
    }
    t->nargs = i + 1;
    if (args[i] && same < i) { /* one tensor twice is one tensor */
      t->args[i] = nl_tensor_ref(t->args[same]);
    } else if (args[i]) {
      status = nl_tensor_alias(args[i], &t->args[i]);
      status = status == NL_OK ? nl_map_put(&t->known, t->args[i]->storage, 1) : status;
    }
  }
  if (status != NL_OK) {
    nl_trace_free(t);
    *out = NULL;
    return status;
  }
  current = t;
  nl_set_recorder(NL_RECORDS_TRACE, &recorder);
  return NL_OK;
}

nl_trace *nl_trace_pause(void) {
  nl_trace *t = current;
  current = NULL;
  nl_set_recorder(NL_RECORDS_TRACE, NULL);
  return t;
}

void nl_trace_resume(nl_trace *t) {
  current = t;
  nl_set_recorder(NL_RECORDS_TRACE, t ? &recorder : NULL);
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
  for (int i = 0; i < t->nslots; i++) {
    nl_tensor_unref(t->slots[i].leaf);
    nl_tensor_unref(t->slots[i].entry);
    nl_tensor_unref(t->slots[i].value);
  }
  for (int i = 0; i < 2 * t->ninitial; i++) {
    nl_tensor_unref(t->initial[i]);
  }
  for (int i = 0; i < t->nargs; i++) {
    nl_tensor_unref(t->args[i]);
  }
  for (int i = 0; i < t->nsaw; i++) {
    nl_tensor_unref(t->saw[i]);
  }
  t->nslots = t->ninitial = t->nargs = t->nsaw = 0;
  nl_map_free(&t->known);
  nl_map_free(&t->slot_of);
  nl_map_free(&t->saw_at);
  t->known = t->slot_of = t->saw_at = (nl_map){.count = 0};
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
  nl_delete(t->slots);
  nl_delete(t->initial);
  nl_delete(t->args);
  nl_delete(t->saw);
  nl_delete(t);
}
