/* Writing files so that at any moment either the old one or the new one is there in full. */
#ifndef NL_IO_FILE_H
#define NL_IO_FILE_H

#include <stddef.h>

#include "core/error.h"

/* All of n bytes; errors name the path. */
nl_status nl_write_all(int fd, const char *path, const void *data, size_t n);

/* A name beside path for a file that is to take its place, to be freed; NULL: no memory. It tells whose it is, and what
   a program that was killed has left behind under such a name is removed the first time that another one writes to the
   directory. */
char *nl_temporary_name(const char *path);

/* Calls contents(fd, path, ctx) with a temporary file beside path, which has no name where the file system can do
   without, syncs it and puts it in the place of path. */
nl_status nl_write_file(const char *path, nl_status (*contents)(int fd, const char *path, void *ctx), void *ctx);

/* May this script write a file in the place of path, and of what path is a link to? */
nl_status nl_may_replace(const char *path);

/* Syncs the finished file `temp` and puts it in the place of path; on failure temp is removed. */
nl_status nl_replace_file(const char *temp, const char *path);

#endif
