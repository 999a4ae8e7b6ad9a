/* Names of the element types. */
#include "core/dtype.h"

#include <string.h>

static const char *const names[NL_DTYPE_COUNT] = {"bool", "uint8", "int64", "float32", "float64"};

const char *nl_dtype_name(nl_dtype t) {
  return names[t];
}

bool nl_dtype_parse(const char *name, nl_dtype *out) {
  static const struct {
    const char *alias;
    nl_dtype dtype;
  } aliases[] = {{"float", NL_F32}, {"double", NL_F64}, {"long", NL_I64}, {"byte", NL_U8}};
  for (int i = 0; i < NL_DTYPE_COUNT; i++) {
    if (strcmp(name, names[i]) == 0) {
      *out = (nl_dtype)i;
      return true;
    }
  }
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
    if (strcmp(name, aliases[i].alias) == 0) {
      *out = aliases[i].dtype;
      return true;
    }
  }
  return false;
}
