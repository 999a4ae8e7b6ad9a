#include "autograd/anchor.h"

#include "core/memory.h"

const nl_anchor_host *nl_anchor_the_host;

nl_anchor *nl_anchor_new(void *host) {
  nl_anchor *a = nl_new(sizeof *a);
  if (a) {
    a->refs = 1;
    a->host = host;
  }
  return a;
}

nl_anchor *nl_anchor_ref(nl_anchor *a) {
  if (a) {
    a->refs++;
  }
  return a;
}

/* Without recursion: unions can be as deep as a graph. */
void nl_anchor_unref(nl_anchor *a) {
  nl_anchor *dead = NULL;
  if (a && --a->refs == 0) {
    dead = a;
  }
  while (dead) {
    nl_anchor *d = dead;
    dead = d->next_dead;
    for (int i = 0; i < 2; i++) {
      nl_anchor *part = d->part[i];
      if (part && --part->refs == 0) {
        part->next_dead = dead;
        dead = part;
      }
    }
    if (nl_anchor_the_host) {
      nl_anchor_the_host->gone(d);
    }
    nl_delete(d);
  }
}

static bool holds_anchor(const nl_anchor *set, const nl_anchor *more) {
  return set == more || set->part[0] == more || set->part[1] == more;
}

nl_status nl_anchor_join(nl_anchor **set, nl_anchor *more) {
  if (!more || (*set && holds_anchor(*set, more))) {
    return NL_OK;
  }
  if (!*set || holds_anchor(more, *set)) {
    nl_anchor *old = *set;
    *set = nl_anchor_ref(more);
    nl_anchor_unref(old);
    return NL_OK;
  }
  nl_anchor *both = nl_anchor_new((*set)->host);
  if (!both) {
    return NL_NOMEM;
  }
  both->part[0] = *set; /* its reference goes over */
  both->part[1] = nl_anchor_ref(more);
  *set = both;
  return NL_OK;
}
