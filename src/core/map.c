/* Open addressing; the table is never more than half full. */
#include "core/map.h"

#include <stdint.h>

#include "core/memory.h"

static size_t slot_of(const nl_map *m, const void *key) {
  size_t h = (size_t)((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15u;
  size_t i = (h >> 20) & (size_t)(m->capacity - 1);
  while (m->key[i] && m->key[i] != key) {
    i = (i + 1) & (size_t)(m->capacity - 1);
  }
  return i;
}

int nl_map_get(const nl_map *m, const void *key) {
  if (m->capacity == 0) {
    return -1;
  }
  size_t i = slot_of(m, key);
  return m->key[i] ? m->value[i] : -1;
}

nl_status nl_map_put(nl_map *m, const void *key, int value) {
  if (2 * (m->count + 1) > m->capacity) {
    nl_map bigger = {.capacity = m->capacity ? 2 * m->capacity : 64};
    bigger.key = nl_new((size_t)bigger.capacity * sizeof *bigger.key);
    bigger.value = nl_new((size_t)bigger.capacity * sizeof *bigger.value);
    if (!bigger.key || !bigger.value) {
      nl_delete(bigger.key);
      nl_delete(bigger.value);
      return NL_NOMEM;
    }
    for (int i = 0; i < m->capacity; i++) {
      if (m->key[i]) {
        size_t to = slot_of(&bigger, m->key[i]);
        bigger.key[to] = m->key[i];
        bigger.value[to] = m->value[i];
      }
    }
    bigger.count = m->count;
    nl_delete(m->key);
    nl_delete(m->value);
    *m = bigger;
  }
  size_t i = slot_of(m, key);
  m->count += !m->key[i];
  m->key[i] = key;
  m->value[i] = value;
  return NL_OK;
}

void nl_map_free(nl_map *m) {
  nl_delete(m->key);
  nl_delete(m->value);
}
