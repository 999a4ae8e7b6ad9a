#include "io/json.h"

#include <stdlib.h>
#include <string.h>

char *nl_json_text(const json_t *value, size_t flags) {
  char *text = json_dumps(value, flags);
  json_error_t error;
  json_t *back = text ? json_loadb(text, strlen(text), JSON_DECODE_ANY, &error) : NULL;
  if (!back || !json_equal(value, back)) {
    free(text);
    text = NULL;
  }
  json_decref(back);
  return text;
}
