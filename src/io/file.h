/* Writing files so that at any moment either the old one or the new one is there in full. */
#ifndef NL_IO_FILE_H
#define NL_IO_FILE_H

#include <stddef.h>

#include "core/error.h"

/* All of n bytes; errors name the path. */
nl_status nl_write_all(int fd, const char *path, const void *data, size_t n);

/* Calls contents(fd, path, ctx) with a temporary file beside path, syncs it and renames it. */
nl_status nl_write_file(const char *path, nl_status (*contents)(int fd, const char *path, void *ctx), void *ctx);

/* Syncs the finished file `temp` and puts it in the place of path; on failure temp is removed. */
nl_status nl_replace_file(const char *temp, const char *path);

#endif
