/* A map from addresses to numbers of 0 and more. */
#ifndef NL_CORE_MAP_H
#define NL_CORE_MAP_H

#include "core/error.h"

typedef struct nl_map { /* all 0: empty */
  const void **key;
  int *value;
  int count, capacity;
} nl_map;

/* -1: not there. */
int nl_map_get(const nl_map *, const void *key);

/* Error: memory. */
nl_status nl_map_put(nl_map *, const void *key, int value);
void nl_map_free(nl_map *);

#endif
