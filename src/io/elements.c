#include "io/elements.h"

#include <string.h>

size_t nl_element_size(nl_element e) {
  static const unsigned char size[NL_EL_COUNT] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
  return size[e];
}

nl_dtype nl_element_dtype(nl_element e) {
  static const unsigned char dtype[NL_EL_COUNT] = {NL_BOOL, NL_U8,  NL_I64, NL_I64, NL_I64, NL_I64, NL_I64,
                                                   NL_I64,  NL_I64, NL_F32, NL_F32, NL_F32, NL_F64};
  return (nl_dtype)dtype[e];
}

float nl_half_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1f, mantissa = h & 0x3ff, bits;
  if (exponent == 0x1f) {
    bits = sign | 0x7f800000u | mantissa << 13;
  } else if (exponent) {
    bits = sign | (exponent + 112) << 23 | mantissa << 13;
  } else { /* 0 and denormals: mantissa * 2^-24 */
    float f = (float)mantissa * 0x1p-24f;
    memcpy(&bits, &f, sizeof bits);
    bits |= sign;
  }
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

uint16_t nl_float_to_half(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t size = bits & 0x7fffffff;
  if (size > 0x7f800000) {
    return sign | 0x7e00;
  }
  if (size >= 0x477ff000) { /* rounds to 2^16 or more */
    return sign | 0x7c00;
  }
  if (size < 0x38800000) { /* below 2^-14: adding 1/2 makes the machine round to multiples of 2^-24 */
    float a;
    memcpy(&a, &size, sizeof a);
    a += 0.5f;
    memcpy(&size, &a, sizeof size);
    return (uint16_t)(sign | (size - 0x3f000000));
  }
  size += 0xfff + (size >> 13 & 1);
  return (uint16_t)(sign | ((size >> 13) - (112 << 10)));
}

float nl_bfloat_to_float(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

uint16_t nl_float_to_bfloat(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) {
    return (uint16_t)(bits >> 16 | 0x40);
  }
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* The first bytes of an element as a number in this machine's order. */
static uint64_t bits_of(const unsigned char *p, size_t size, bool swap) {
  uint64_t v = 0;
  for (size_t k = 0; k < size; k++) {
    v |= (uint64_t)p[swap ? size - 1 - k : k] << (8 * k);
  }
  return v;
}

bool nl_elements_read(nl_element e, bool swap, int64_t n, const unsigned char *from, void *to) {
  size_t size = nl_element_size(e);
  bool fits = true;
  for (int64_t i = 0; i < n; i++) {
    uint64_t v = bits_of(from + (size_t)i * size, size, swap);
    int64_t *whole = (int64_t *)to + i;
    uint32_t low = (uint32_t)v;
    switch (e) {
    case NL_EL_BOOL:
      ((uint8_t *)to)[i] = v != 0;
      break;
    case NL_EL_U8:
      ((uint8_t *)to)[i] = (uint8_t)v;
      break;
    case NL_EL_I8:
      *whole = (int8_t)v;
      break;
    case NL_EL_I16:
      *whole = (int16_t)v;
      break;
    case NL_EL_I32:
      *whole = (int32_t)v;
      break;
    case NL_EL_F16:
      ((float *)to)[i] = nl_half_to_float((uint16_t)v);
      break;
    case NL_EL_BF16:
      ((float *)to)[i] = nl_bfloat_to_float((uint16_t)v);
      break;
    case NL_EL_F32:
      memcpy((float *)to + i, &low, sizeof low);
      break;
    case NL_EL_F64:
      memcpy((double *)to + i, &v, sizeof v);
      break;
    case NL_EL_U64:
      fits = fits && v <= INT64_MAX;
      *whole = (int64_t)v;
      break;
    default:
      *whole = (int64_t)v;
    }
  }
  return fits;
}

void nl_elements_write(nl_element e, nl_dtype dtype, int64_t n, const void *from, unsigned char *to) {
  if (e != NL_EL_F16 && e != NL_EL_BF16) {
    memcpy(to, from, (size_t)n * nl_dtype_size(dtype));
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    float f = dtype == NL_F64 ? (float)((const double *)from)[i] : ((const float *)from)[i];
    uint16_t h = e == NL_EL_F16 ? nl_float_to_half(f) : nl_float_to_bfloat(f);
    memcpy(to + 2 * i, &h, sizeof h);
  }
}
