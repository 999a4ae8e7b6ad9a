/* The element types. They stand in core because kernels, which know no tensor, choose by them. */
#ifndef NL_CORE_DTYPE_H
#define NL_CORE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nl_dtype { NL_BOOL, NL_U8, NL_I64, NL_F32, NL_F64, NL_DTYPE_COUNT } nl_dtype;

#define NL_DEFAULT_FLOAT NL_F32

/* Bytes of one element. */
static inline size_t nl_dtype_size(nl_dtype t) {
  static const size_t size[NL_DTYPE_COUNT] = {1, 1, 8, 4, 8};
  return size[t];
}

static inline bool nl_dtype_is_float(nl_dtype t) {
  return t == NL_F32 || t == NL_F64;
}

/* The name users write: "float32". */
const char *nl_dtype_name(nl_dtype t);

/* Finds a dtype by name or by one of the field's aliases ("float", "double", "long"); false if unknown. */
bool nl_dtype_parse(const char *name, nl_dtype *out);

#endif
