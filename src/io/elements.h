/* Element types of files: ours, and those that become ours when they are read (16-bit floats become float32, other
   integers int64). Bytes may stand in either order. */
#ifndef NL_IO_ELEMENTS_H
#define NL_IO_ELEMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor/tensor.h"

typedef enum nl_element {
  NL_EL_BOOL,
  NL_EL_U8,
  NL_EL_I8,
  NL_EL_U16,
  NL_EL_I16,
  NL_EL_U32,
  NL_EL_I32,
  NL_EL_U64,
  NL_EL_I64,
  NL_EL_F16,
  NL_EL_BF16,
  NL_EL_F32,
  NL_EL_F64,
  NL_EL_COUNT
} nl_element;

size_t nl_element_size(nl_element);

/* The dtype it becomes. */
nl_dtype nl_element_dtype(nl_element);

/* n elements from bytes to data of that dtype. False: a uint64 beyond int64. */
bool nl_elements_read(nl_element, bool swap, int64_t n, const unsigned char *from, void *to);

/* n elements of a dtype to bytes of a type (their own, or 16-bit floats), in this machine's order. */
void nl_elements_write(nl_element, nl_dtype, int64_t n, const void *from, unsigned char *to);

/* 16-bit floats, rounded to nearest, ties to even. */
float nl_half_to_float(uint16_t);
uint16_t nl_float_to_half(float);
float nl_bfloat_to_float(uint16_t);
uint16_t nl_float_to_bfloat(float);

#endif
