/* The C library's functions, many elements at a time. glibc has vector forms of most of them (libmvec, within 4 units
   in the last place); gcc calls those where a declaration says that they exist. Elsewhere the same loops call the
   scalar function.

   The vector form and the scalar one may differ in the last bit, so an element must not depend on where it stands:
   loops run over whole blocks, the last one filled up. */
#ifndef NL_KERNELS_LIBM_H
#define NL_KERNELS_LIBM_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__OPTIMIZE__) && !defined(__clang__) && __GLIBC_PREREQ(2, 35)
#define NL_VECTOR1(fn)                                                                                                 \
  __attribute__((simd("notinbranch"))) extern double fn(double);                                                       \
  __attribute__((simd("notinbranch"))) extern float fn##f(float);
#define NL_VECTOR2(fn)                                                                                                 \
  __attribute__((simd("notinbranch"))) extern double fn(double, double);                                               \
  __attribute__((simd("notinbranch"))) extern float fn##f(float, float);
NL_VECTOR1(exp)
NL_VECTOR1(log)
NL_VECTOR1(log1p)
NL_VECTOR1(tanh)
NL_VECTOR1(exp2)
NL_VECTOR1(expm1)
NL_VECTOR1(log2)
NL_VECTOR1(log10)
NL_VECTOR1(cbrt)
NL_VECTOR1(sin)
NL_VECTOR1(cos)
NL_VECTOR1(tan)
NL_VECTOR1(asin)
NL_VECTOR1(acos)
NL_VECTOR1(atan)
NL_VECTOR1(sinh)
NL_VECTOR1(cosh)
NL_VECTOR1(asinh)
NL_VECTOR1(acosh)
NL_VECTOR1(atanh)
NL_VECTOR1(erf)
NL_VECTOR1(erfc)
NL_VECTOR2(pow)
NL_VECTOR2(atan2)
NL_VECTOR2(hypot)
#endif

/* Elements of a block: one register of the widest instruction set. */
enum { NL_BLOCK_f32 = 16, NL_BLOCK_f64 = 8 };

/* One block is a function of its own, so that full and last blocks are the same instructions. */
#define NL_UNARY_BLOCKS(name, type, expr)                                                                              \
  __attribute__((noinline)) static void name##_block_##type(type *o, const type *xs) {                                 \
    NL_INDEPENDENT                                                                                                     \
    for (int k = 0; k < NL_BLOCK_##type; k++) {                                                                        \
      type x = xs[k];                                                                                                  \
      o[k] = (type)(expr);                                                                                             \
    }                                                                                                                  \
  }                                                                                                                    \
  static void name##_##type(int64_t n, void *out, const void *px) {                                                    \
    enum { B = NL_BLOCK_##type };                                                                                      \
    type *o = out;                                                                                                     \
    const type *xs = px;                                                                                               \
    for (; n >= B; n -= B, xs += B, o += B) {                                                                          \
      name##_block_##type(o, xs);                                                                                      \
    }                                                                                                                  \
    if (n > 0) {                                                                                                       \
      type rest[B] = {0};                                                                                              \
      memcpy(rest, xs, (size_t)n * sizeof *xs);                                                                        \
      name##_block_##type(rest, rest);                                                                                 \
      memcpy(o, rest, (size_t)n * sizeof *o);                                                                          \
    }                                                                                                                  \
  }

#define NL_BINARY_BLOCKS(name, type, expr)                                                                             \
  __attribute__((noinline)) static void name##_block_##type(type *o, const type *as, const type *bs) {                 \
    NL_INDEPENDENT                                                                                                     \
    for (int k = 0; k < NL_BLOCK_##type; k++) {                                                                        \
      type a = as[k], b = bs[k];                                                                                       \
      o[k] = (type)(expr);                                                                                             \
    }                                                                                                                  \
  }                                                                                                                    \
  static void name##_##type(int64_t n, void *out, const void *pa, int astep, const void *pb, int bstep) {              \
    enum { B = NL_BLOCK_##type };                                                                                      \
    type *o = out, arest[B] = {0}, brest[B] = {0};                                                                     \
    const type *as = pa, *bs = pb;                                                                                     \
    for (int k = 0; k < B && n > 0; k++) {                                                                             \
      arest[k] = *as;                                                                                                  \
      brest[k] = *bs;                                                                                                  \
    }                                                                                                                  \
    for (; n >= B; n -= B, as += astep * B, bs += bstep * B, o += B) {                                                 \
      name##_block_##type(o, astep ? as : arest, bstep ? bs : brest);                                                  \
    }                                                                                                                  \
    if (n > 0) {                                                                                                       \
      if (astep) {                                                                                                     \
        memcpy(arest, as, (size_t)n * sizeof *as);                                                                     \
      }                                                                                                                \
      if (bstep) {                                                                                                     \
        memcpy(brest, bs, (size_t)n * sizeof *bs);                                                                     \
      }                                                                                                                \
      name##_block_##type(arest, arest, brest);                                                                        \
      memcpy(o, arest, (size_t)n * sizeof *o);                                                                         \
    }                                                                                                                  \
  }

#endif
