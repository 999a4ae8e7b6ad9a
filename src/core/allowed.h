/* Which files a script may touch. Without nl_allow_only everything is allowed. Afterwards one mechanism decides on
   every path that a script can name: it is resolved (links followed, ".." gone) and held against the list of what is
   allowed. Between this look and the opening somebody else could put a link in the way; that race is the kernel's to
   hold (host/sandbox.c): its rules go by what is opened, not by names. */
#ifndef NL_CORE_ALLOWED_H
#define NL_CORE_ALLOWED_H

#include <stdbool.h>

#include "core/error.h"

typedef enum nl_access {
  NL_ALLOW_LOAD, /* files ending in .lua may be loaded as code, nothing else */
  NL_ALLOW_READ,
  NL_ALLOW_WRITE, /* and read: a state that was saved is loaded again */
} nl_access;

typedef struct nl_allowed {
  char *path; /* resolved; owned */
  nl_access access;
} nl_allowed;

/* Adds a directory with all below it, or (unless for writing) a single file. Errors: it is not there. */
nl_status nl_allow(const char *path, nl_access);

/* From now on only what was added. There is no way back. */
void nl_allow_only(void);
bool nl_sandboxed(void);

/* What was added; NULL behind the last. */
const nl_allowed *nl_allowed_at(int i);

/* NL_OK, or an error that names the path and the option to give. A path that is not there is judged by where it would
   be. read, load: what the name leads to. write: the same, for a file that is opened. rename: the name itself, where a
   file is put, replaced, moved or removed. */
nl_status nl_may_read(const char *path);
nl_status nl_may_load(const char *path);
nl_status nl_may_write(const char *path);
nl_status nl_may_rename(const char *path);

#endif
