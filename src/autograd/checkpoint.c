#include "autograd/checkpoint.h"

#include <string.h>

#include "autograd/node.h"
#include "core/map.h"
#include "core/memory.h"
#include "optable/iterate.h"

/* A storage that was there before the region and is used in it. */
typedef struct outsider {
  nl_storage *storage; /* a reference */
  uint32_t version;
  void *before; /* what it held before the function wrote to it; NULL: it did not */
} outsider;

typedef struct drawn {
  const nl_generator *g; /* only compared */
  nl_generator state;    /* when the function first drew from it */
} drawn;

typedef struct value {
  nl_tensor *t; /* or NULL */
  uint32_t version;
} value;

/* What a call of the function has done so far. */
typedef struct course {
  uint64_t sum;    /* of the ops it called, with their shapes, attributes and numbers */
  int values;      /* that its nodes save */
  int draws;       /* generators it drew from */
  uint64_t serial; /* storages with larger numbers were made by it */
} course;

struct nl_region {
  int64_t refs;
  nl_region *outer; /* that was innermost when this one was entered; valid while it is entered */
  nl_anchor *anchor, *function;
  nl_again_fn again;
  bool open, again_now;
  nl_status status; /* of what no caller could be told */
  course first, now;
  int nargs;
  nl_tensor **arg; /* kept, or shapes */
  nl_slot *arg_slot;
  uint32_t *arg_version;
  bool *arg_wants;
  nl_storage **arg_root; /* of arguments with slots: where they lie in this call; only compared, while it runs */
  value *value;          /* there while the region is open, and after it was computed again */
  int nvalues;
  outsider *outsiders;
  int noutsiders;
  nl_map by_storage;
  drawn *draws, *shadows; /* shadows: the generators of the second call */
  nl_region *next_filled;
  bool filled;
};

static _Thread_local nl_region *current;
static _Thread_local nl_region *filled; /* those with values that were computed again */

static course *course_of(nl_region *r) {
  return r->again_now ? &r->now : &r->first;
}

nl_region *nl_region_recording(void) {
  return current && !current->again_now ? current : NULL;
}

nl_anchor *nl_region_anchor(const nl_region *r) {
  return r->anchor;
}

bool nl_region_outside(const nl_tensor *t) {
  return current && t->storage->serial <= course_of(current)->serial;
}

/* ---- what a course consists of ---- */

static void mix(course *c, uint64_t word) {
  c->sum = (c->sum ^ word) * 0x9e3779b97f4a7c15u;
  c->sum ^= c->sum >> 29;
}

static void mix_tensor(course *c, const nl_tensor *t) {
  mix(c, t ? (uint64_t)t->dtype << 8 | t->ndim : 0xff);
  for (int d = 0; t && d < t->ndim; d++) {
    mix(c, (uint64_t)t->shape[d]);
  }
  if (t && t->wrapped_number) {
    uint64_t bits = 0;
    memcpy(&bits, nl_tensor_data(t), nl_dtype_size(nl_tensor_dtype(t)));
    mix(c, bits);
  }
}

static void mix_call(course *c, const nl_call *call) {
  mix(c, (uint64_t)(uintptr_t)call->op);
  mix(c, (uint64_t)call->nin << 1 | call->inplace);
  for (int i = 0; i < call->nin; i++) {
    mix_tensor(c, call->in[i]);
  }
  for (int i = 0; i < NL_MAX_PARAM; i++) {
    mix(c, (uint64_t)call->attr[i].set);
    mix(c, call->attr[i].set ? (uint64_t)call->attr[i].i : 0);
  }
  for (int i = 0; i < call->nints; i++) {
    mix(c, (uint64_t)call->ints[i]);
  }
}

/* ---- tensors from outside ---- */

static nl_storage *checkpoint_root(nl_storage *s) {
  return s->parent ? s->parent : s;
}

static nl_status other_tensor(const nl_tensor *t) {
  return nl_fail(
      "checkpoint: the function, called again on the way back, uses a tensor of shape %s that it did not use "
      "the first time; replace tensors it uses only after the backward",
      nl_tensor_shape_string(t).s);
}

/* An argument that a region around this one computes again is another tensor each time. */
static bool is_computed_argument(const nl_region *r, const nl_storage *root) {
  for (int i = 0; i < r->nargs; i++) {
    if (r->arg_root[i] == root) {
      return true;
    }
  }
  return false;
}

/* Notes a tensor that a call uses, if it was there before. */
static nl_status note(nl_region *r, const nl_tensor *t, bool written) {
  nl_storage *s = checkpoint_root(t->storage);
  if (t->storage->serial > course_of(r)->serial || is_computed_argument(r, s)) {
    return NL_OK;
  }
  int i = nl_map_get(&r->by_storage, s);
  if (r->again_now) {
    return i < 0 || (written && !r->outsiders[i].before) ? other_tensor(t) : NL_OK;
  }
  if (i < 0) {
    void *more = nl_grow(r->outsiders, r->noutsiders, sizeof *r->outsiders);
    if (!more) {
      return NL_NOMEM;
    }
    r->outsiders = more;
    if (nl_map_put(&r->by_storage, s, r->noutsiders) != NL_OK) {
      return NL_NOMEM;
    }
    i = r->noutsiders++;
    r->outsiders[i] = (outsider){.storage = s, .version = nl_storage_version(s)};
    s->refs++;
  }
  if (written && !r->outsiders[i].before) {
    void *before = nl_data_alloc(s->bytes);
    if (!before) {
      return NL_NOMEM;
    }
    memcpy(before, s->data, s->bytes);
    r->outsiders[i].before = before;
  }
  return NL_OK;
}

nl_status nl_region_sees(const nl_call *c) {
  nl_status status = NL_OK;
  for (nl_region *r = current; r && status == NL_OK; r = r->again_now ? NULL : r->outer) {
    for (int i = 0; i < c->nin && status == NL_OK; i++) {
      status = c->in[i] ? note(r, c->in[i], c->inplace && i == 0) : NL_OK;
    }
    mix_call(course_of(r), c);
  }
  return status;
}

/* Where a generator's numbers come from: the first time from itself, which is noted; then from a shadow of what it was.
 */
static nl_generator *redirect(nl_generator *g) {
  for (nl_region *r = current; r; r = r->outer) {
    course *c = course_of(r);
    drawn *list = r->again_now ? r->shadows : r->draws;
    int i = 0;
    while (i < c->draws && list[i].g != g) {
      i++;
    }
    if (r->again_now) {
      if (i == c->draws && i < r->first.draws) {
        list[i] = (drawn){g, r->draws[i].state};
        c->draws++;
      }
      return i < r->first.draws ? &list[i].state : g; /* one draw too many: the courses differ, which is told later */
    }
    if (i == c->draws) {
      void *more = nl_grow(r->draws, i, sizeof *r->draws);
      r->status = more ? r->status : NL_NOMEM;
      if (more) {
        r->draws = more;
        r->draws[i] = (drawn){g, *g};
        c->draws++;
      }
    }
  }
  return g;
}

/* ---- values ---- */

static nl_status store_recomputed(nl_region *r, int at, nl_tensor *t) {
  if (at == r->nvalues) {
    value *more = nl_grow(r->value, at, sizeof *more);
    if (!more) {
      return NL_NOMEM;
    }
    r->value = more;
    r->nvalues++;
  }
  r->value[at].version = nl_storage_version(t->storage);
  return nl_detach(t, &r->value[at].t);
}

nl_status nl_region_save(nl_tensor *t, nl_slot *slot) {
  *slot = (nl_slot){NULL, 0};
  nl_region *r = current;
  while (r && t->storage->serial <= course_of(r)->serial) {
    r = r->again_now ? NULL : r->outer;
  }
  if (!r) {
    return NL_OK;
  }
  int at = course_of(r)->values++;
  if (r->again_now) {
    return at < r->first.values ? store_recomputed(r, at, t) : NL_OK;
  }
  nl_status status = store_recomputed(r, at, t);
  if (status == NL_OK) {
    r->refs++;
    *slot = (nl_slot){r, at};
  }
  return status;
}

static void drop_values(nl_region *r) {
  for (int i = 0; i < r->nvalues; i++) {
    nl_tensor_unref(r->value[i].t);
    r->value[i].t = NULL;
  }
}

void nl_slot_drop(nl_slot *s) {
  nl_region *r = s->region;
  s->region = NULL;
  nl_region_unref(r);
}

void nl_regions_forget(void) {
  while (filled) {
    nl_region *r = filled;
    filled = r->next_filled;
    r->filled = false;
    drop_values(r);
    nl_region_unref(r);
  }
}

/* ---- in and out ---- */

static void enter_replay(nl_region *r) {
  r->outer = current;
  current = r;
  nl_generator_redirect = redirect;
}

static void leave_replay(nl_region *r) {
  current = r->outer;
  r->outer = NULL;
  nl_generator_redirect = current ? redirect : NULL;
}

static nl_status keep_argument(nl_region *r, int i, nl_tensor *t) {
  r->arg_version[i] = nl_storage_version(t->storage);
  r->arg_wants[i] = nl_requires_grad(t);
  if (r->arg_wants[i] && nl_is_leaf(t)) {
    r->arg[i] = nl_tensor_ref(t->original ? t->original : t);
    return NL_OK;
  }
  nl_status status = nl_region_save(t, &r->arg_slot[i]);
  if (status == NL_OK) {
    r->arg_root[i] = r->arg_slot[i].region ? checkpoint_root(t->storage) : NULL;
    status = r->arg_slot[i].region ? nl_tensor_shell(t, &r->arg[i]) : nl_detach(t, &r->arg[i]);
  }
  return status;
}

static nl_status keep_arguments(nl_region *r, int nargs, nl_tensor *const args[]) {
  size_t n = (size_t)nargs + 1;
  r->arg = nl_new(n * sizeof *r->arg);
  r->arg_slot = nl_new(n * sizeof *r->arg_slot);
  r->arg_version = nl_new(n * sizeof *r->arg_version);
  r->arg_wants = nl_new(n * sizeof *r->arg_wants);
  r->arg_root = nl_new(n * sizeof(nl_storage *));
  nl_status status = r->arg && r->arg_slot && r->arg_version && r->arg_wants && r->arg_root ? NL_OK : NL_NOMEM;
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    r->nargs = i + 1;
    status = keep_argument(r, i, args[i]);
  }
  return status;
}

nl_status nl_region_open(nl_anchor *function, nl_again_fn again, int nargs, nl_tensor *const args[], nl_region **out) {
  nl_region *r = nl_new(sizeof *r);
  *out = NULL;
  if (!r) {
    return NL_NOMEM;
  }
  r->refs = 1;
  r->again = again;
  r->function = nl_anchor_ref(function);
  nl_region *around = nl_region_recording();
  nl_status status = nl_anchor_join(&r->anchor, around ? around->anchor : NULL);
  status = status == NL_OK ? nl_anchor_join(&r->anchor, function) : status;
  status = status == NL_OK ? keep_arguments(r, nargs, args) : status;
  r->first.serial = nl_storage_serial();
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    status = note(r, args[i], false);
  }
  if (status != NL_OK) {
    nl_region_unref(r);
    return status;
  }
  r->open = true;
  enter_replay(r);
  *out = r;
  return NL_OK;
}

nl_status nl_region_close(nl_region *r) {
  leave_replay(r);
  r->open = false;
  drop_values(r);
  return r->status;
}

void nl_region_unref(nl_region *r) {
  if (!r || --r->refs > 0) {
    return;
  }
  drop_values(r);
  for (int i = 0; i < r->nargs; i++) {
    nl_tensor_unref(r->arg[i]);
    nl_slot_drop(&r->arg_slot[i]);
  }
  for (int i = 0; i < r->noutsiders; i++) {
    if (r->outsiders[i].before) {
      nl_data_free(r->outsiders[i].before, r->outsiders[i].storage->bytes);
    }
    nl_storage_unref(r->outsiders[i].storage);
  }
  nl_map_free(&r->by_storage);
  nl_delete(r->outsiders);
  nl_delete(r->draws);
  nl_delete(r->shadows);
  nl_delete(r->value);
  nl_delete(r->arg);
  nl_delete(r->arg_slot);
  nl_delete(r->arg_version);
  nl_delete(r->arg_wants);
  nl_delete(r->arg_root);
  nl_anchor_unref(r->function);
  nl_anchor_unref(r->anchor);
  nl_delete(r);
}

/* ---- computing again ---- */

static nl_status input_changed(nl_tensor *t) {
  return nl_fail(
      "checkpoint: a tensor of shape %s that the function was called with or uses was changed in place since; "
      "change it after the backward, or give the function a clone()",
      t ? nl_tensor_shape_string(t).s : "?");
}

static nl_status check_outsiders(const nl_region *r) {
  for (int i = 0; i < r->noutsiders; i++) {
    const outsider *o = &r->outsiders[i];
    if (!o->before && nl_storage_version(o->storage) != o->version) {
      for (int k = 0; k < r->nargs; k++) {
        if (r->arg[k]->storage && checkpoint_root(r->arg[k]->storage) == o->storage) {
          return input_changed(r->arg[k]);
        }
      }
      return nl_fail(
          "checkpoint: a tensor of %zu bytes that the function uses was changed in place since (an optimizer's "
          "step, perhaps); change it after the backward",
          o->storage->bytes);
    }
  }
  return NL_OK;
}

/* An argument for the second call: the leaf it was, or its values; as it was no leaf then, it is none now. */
static nl_status argument(nl_region *r, int i, nl_tensor **out) {
  static const nl_op op = {.name = "checkpoint", .args = "", .returns = "tensor", .doc = ""};
  nl_tensor *t = r->arg[i];
  uint32_t version = r->arg_version[i];
  nl_status status = NL_OK;
  *out = NULL;
  if (r->arg_slot[i].region) {
    status = nl_slot_take(&r->arg_slot[i], &t, &version);
    if (status == NL_OK && nl_storage_version(t->storage) != version) {
      status = input_changed(t);
      nl_tensor_unref(t);
    }
    if (status != NL_OK) {
      return status;
    }
  } else {
    nl_tensor_ref(t);
  }
  if (r->arg_wants[i] && nl_is_leaf(t) && t->requires_grad) {
    *out = t;
    return NL_OK;
  }
  status = nl_detach(t, out);
  nl_tensor_unref(t);
  if (status == NL_OK && r->arg_wants[i]) {
    nl_call c = {.op = &op, .nout = 1};
    nl_node *n;
    status = nl_node_new(&c, &n);
    if (status == NL_OK) {
      nl_node_number(n);
      status = nl_node_attach(n, 0, *out);
    }
  }
  return status;
}

/* Exchanges what the function wrote to for what it was before. */
static nl_status go_back(nl_region *r, void **now, uint32_t *versions) {
  for (int i = 0; i < r->noutsiders; i++) {
    nl_storage *s = r->outsiders[i].storage;
    versions[i] = s->version;
    if (r->outsiders[i].before) {
      now[i] = nl_data_alloc(s->bytes);
      if (!now[i]) {
        return NL_NOMEM;
      }
      memcpy(now[i], s->data, s->bytes);
    }
  }
  for (int i = 0; i < r->noutsiders; i++) {
    if (r->outsiders[i].before) {
      memcpy(r->outsiders[i].storage->data, r->outsiders[i].before, r->outsiders[i].storage->bytes);
    }
  }
  return NL_OK;
}

static void come_back(nl_region *r, void **now, const uint32_t *versions, bool went) {
  for (int i = 0; i < r->noutsiders; i++) {
    nl_storage *s = r->outsiders[i].storage;
    if (now[i]) {
      if (went) {
        memcpy(s->data, now[i], s->bytes);
        s->version = versions[i];
      }
      nl_data_free(now[i], s->bytes);
    }
  }
}

static nl_status recompute(nl_region *r, nl_tensor **args) {
  nl_status status = NL_OK;
  for (int i = 0; i < r->nargs && status == NL_OK; i++) {
    status = argument(r, i, &args[i]);
    r->arg_root[i] = status == NL_OK && r->arg_slot[i].region ? checkpoint_root(args[i]->storage) : NULL;
  }
  if (status != NL_OK) {
    return status;
  }
  nl_delete(r->shadows);
  r->shadows = nl_new(((size_t)r->first.draws + 1) * sizeof *r->shadows);
  if (!r->shadows) {
    return NL_NOMEM;
  }
  drop_values(r);
  r->now = (course){.serial = nl_storage_serial()};
  r->again_now = true;
  enter_replay(r);
  bool was = nl_grad_set_enabled(true);
  status = r->again(r->function, r->nargs, args);
  nl_grad_set_enabled(was);
  leave_replay(r);
  r->again_now = false;
  if (status == NL_OK && (r->now.values != r->first.values || r->now.sum != r->first.sum)) {
    status =
        nl_fail("checkpoint: the function, called again on the way back, did not do what it did the first time; it "
                "must depend on nothing that changes in between (math.random, a counter, train and eval)");
  }
  if (status != NL_OK) {
    drop_values(r);
  }
  return status;
}

static nl_status compute(nl_region *r) {
  if (r->again_now) {
    return nl_fail("checkpoint: a backward inside the function needs what the function is just computing");
  }
  nl_status status = check_outsiders(r);
  if (status != NL_OK) {
    return status;
  }
  size_t n = (size_t)r->noutsiders + 1;
  nl_tensor **args = nl_new(((size_t)r->nargs + 1) * sizeof *args);
  void **now = nl_new(n * sizeof *now);
  uint32_t *versions = nl_new(n * sizeof *versions);
  status = args && now && versions ? NL_OK : NL_NOMEM;
  if (status == NL_OK) {
    status = go_back(r, now, versions);
    bool went = status == NL_OK;
    status = went ? recompute(r, args) : status;
    come_back(r, now, versions, went);
  }
  for (int i = 0; args && i < r->nargs; i++) {
    nl_tensor_unref(args[i]);
  }
  nl_delete(args);
  nl_delete(now);
  nl_delete(versions);
  if (status == NL_OK && !r->filled) {
    r->filled = true;
    r->refs++;
    r->next_filled = filled;
    filled = r;
  }
  return status;
}

nl_status nl_slot_take(const nl_slot *slot, nl_tensor **t, uint32_t *version) {
  nl_region *r = slot->region;
  nl_status status = r->value[slot->at].t ? NL_OK : compute(r);
  *t = NULL;
  if (status == NL_OK) {
    *t = r->value[slot->at].t;
    *version = r->value[slot->at].version;
    if (r->open) {
      nl_tensor_ref(*t);
    } else {
      r->value[slot->at].t = NULL;
    }
  }
  return status;
}
