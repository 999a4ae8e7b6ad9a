#include "optable/profile.h"

#include <string.h>
#include <time.h>

#include "core/memory.h"

static struct {
  bool on;
  void (*where)(void *ctx, char *text, size_t size);
  void *ctx;
  nl_profile_entry *entries;
  int count, capacity;
  int64_t began;
} profile;

int64_t nl_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double nl_call_flops(const nl_call *c) {
  double results = c->nout && c->out[0] ? (double)c->out[0]->numel : 0;
  return c->op->flops ? c->op->flops(c) : results;
}

double nl_call_bytes(const nl_call *c) {
  double bytes = 0;
  for (int i = 0; i < c->nin + c->nout; i++) {
    const nl_tensor *t = i < c->nin ? c->in[i] : c->out[i - c->nin];
    int64_t n = t ? t->numel : 0;
    bool picks = i == 0 && c->nout == 1 && (c->op->flags & NL_OP_CHECKS) && c->out[0]->numel > 1;
    n = picks && c->out[0]->numel < n ? c->out[0]->numel : n; /* it reads only what its index names */
    bytes += t ? (double)n * (double)nl_dtype_size(nl_tensor_dtype(t)) : 0;
  }
  return bytes;
}

void nl_profile_add(const char *name, const char *where, int64_t nanoseconds, double bytes, double flops) {
  nl_profile_entry *e = NULL;
  for (int i = 0; i < profile.count && !e; i++) {
    bool same = strcmp(profile.entries[i].name, name) == 0 && strcmp(profile.entries[i].where, where) == 0;
    e = same ? &profile.entries[i] : NULL;
  }
  if (!e) {
    if (profile.count == profile.capacity) {
      int capacity = profile.capacity ? 2 * profile.capacity : 256;
      nl_profile_entry *more = nl_new((size_t)capacity * sizeof *more);
      if (!more) {
        return; /* measuring must not fail what it measures */
      }
      if (profile.count) {
        memcpy(more, profile.entries, (size_t)profile.count * sizeof *more);
      }
      nl_delete(profile.entries);
      profile.entries = more;
      profile.capacity = capacity;
    }
    e = &profile.entries[profile.count++];
    *e = (nl_profile_entry){.calls = 0};
    strncpy(e->name, name, sizeof e->name - 1);
    strncpy(e->where, where, sizeof e->where - 1);
  }
  e->calls++;
  e->nanoseconds += nanoseconds;
  e->bytes += bytes;
  e->flops += flops;
}

static nl_status profile_begin(nl_call *c) {
  (void)c;
  profile.began = nl_nanoseconds();
  return NL_OK;
}

static nl_status end(nl_call *c) {
  int64_t took = nl_nanoseconds() - profile.began;
  char where[sizeof profile.entries->where];
  profile.where(profile.ctx, where, sizeof where);
  nl_profile_add(c->op->name, where, took, c->view ? 0 : nl_call_bytes(c), c->view ? 0 : nl_call_flops(c));
  return NL_OK;
}

void nl_profile_start(void (*where)(void *ctx, char *text, size_t size), void *ctx) {
  static const nl_recorder recorder = {profile_begin, end, NULL};
  profile.on = true;
  profile.where = where;
  profile.ctx = ctx;
  profile.count = 0;
  nl_set_recorder(NL_RECORDS_PROFILE, &recorder);
}

void nl_profile_stop(void) {
  profile.on = false;
  nl_set_recorder(NL_RECORDS_PROFILE, NULL);
}

bool nl_profile_on(void) {
  return profile.on;
}

int nl_profile_count(void) {
  return profile.count;
}

const nl_profile_entry *nl_profile_at(int i) {
  return &profile.entries[i];
}
