/* What a graph needs of the host language: the functions that are called on the way back. The graph does not hold them:
   the host's collector cannot see through C, so a function that names a tensor of its own graph would never die.
   Instead every node knows the set of all that is needed from it backwards, its anchor, and who gives a tensor to the
   host has the host keep that set beside it (lua/anchor.c). */
#ifndef NL_AUTOGRAD_ANCHOR_H
#define NL_AUTOGRAD_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

typedef struct nl_anchor nl_anchor;

struct nl_anchor {
  int64_t refs;
  void *host;           /* of one thing: the host's, to find it again */
  nl_anchor *part[2];   /* of a union: what it joins. Both NULL: one thing of the host's, known by this address */
  nl_anchor *next_dead; /* while a chain of unions is being freed */
};

/* One thing. NULL: no memory. */
nl_anchor *nl_anchor_new(void *host);
nl_anchor *nl_anchor_ref(nl_anchor *);
void nl_anchor_unref(nl_anchor *);

/* *set becomes the union of *set and more (borrowed); either may be NULL. Error: memory. */
nl_status nl_anchor_join(nl_anchor **set, nl_anchor *more);

/* The host: `gone` is told of an anchor that is freed. `pin` asks to keep (by = 1) or no longer to keep (-1) what an
   anchor stands for, where something holds it that no tensor of the host's shows; pins are counted. Error: memory. */
typedef struct nl_anchor_host {
  void (*gone)(nl_anchor *);
  nl_status (*pin)(nl_anchor *, int by);
} nl_anchor_host;
extern const nl_anchor_host *nl_anchor_the_host;

#endif
