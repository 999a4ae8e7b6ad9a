/* Where a run's time goes: every op, by name and by the user's line. Off unless started. */
#ifndef NL_OPTABLE_PROFILE_H
#define NL_OPTABLE_PROFILE_H

#include "optable/op.h"

typedef struct nl_profile_entry {
  char name[64];
  char where[48]; /* "mlp.lua:14" */
  int64_t calls, nanoseconds;
  double bytes; /* read and written */
  double flops;
} nl_profile_entry;

/* From now on ops are measured; `where` names the line that is running. */
void nl_profile_start(void (*where)(void *ctx, char *text, size_t size), void *ctx);
void nl_profile_stop(void);
bool nl_profile_on(void);

/* For work that does not go through nl_dispatch. */
void nl_profile_add(const char *name, const char *where, int64_t nanoseconds, double bytes, double flops);

int nl_profile_count(void);
const nl_profile_entry *nl_profile_at(int i);

/* Arithmetic of a call that has run: multiplications and additions of products, else one for each result. */
double nl_call_flops(const nl_call *);

/* Bytes of inputs and results. */
double nl_call_bytes(const nl_call *);

int64_t nl_nanoseconds(void);

#endif
