/* Panels of convolutions: a row for each channel and element of the kernel, with the inputs that they meet at some
   output positions; and the way back, which adds. Compiled once for each instruction set. */
#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "kernels/vectors.h"

/* Positions of a run in a row of the result, lo .. hi of them inside the image for the element kw of the kernel. */
static inline void edges(const nl_conv *g, int64_t w, int64_t count, int64_t *lo, int64_t *hi) {
  int64_t s = g->stride[2], room = g->in[2] - w;
  if (s == 1) {
    *lo = w >= 0 ? 0 : nl_smaller(-w, count);
    *hi = room <= 0 ? 0 : nl_smaller(room, count);
  } else {
    *lo = w >= 0 ? 0 : nl_smaller((-w + s - 1) / s, count);
    *hi = room <= 0 ? 0 : nl_smaller((room + s - 1) / s, count);
  }
  *hi = *hi < *lo ? *lo : *hi;
}

/* Each run q .. q+count of positions p .. end that lies in one row of the result, and each tap of the kernel: `body`
   sees also tap, and at, lo, hi: the first position's place in a channel, and which positions are inside the image. */
#define EACH_RUN(g, p, end, body)                                                                                      \
  for (int64_t q = (p), count; q < (end); q += count) {                                                                \
    int64_t ow = q % (g)->out[2], row = q / (g)->out[2], oh = row % (g)->out[1], od = row / (g)->out[1], tap = 0;      \
    count = nl_smaller((g)->out[2] - ow, (end)-q);                                                                     \
    int64_t d = od * (g)->stride[0] - (g)->padding[0], h0 = oh * (g)->stride[1] - (g)->padding[1];                     \
    int64_t w0 = ow * (g)->stride[2] - (g)->padding[2];                                                                \
    for (int64_t kd = 0; kd < (g)->kernel[0]; kd++, d += (g)->dilation[0]) {                                           \
      int64_t h = h0;                                                                                                  \
      for (int64_t kh = 0; kh < (g)->kernel[1]; kh++, h += (g)->dilation[1]) {                                         \
        bool there = d >= 0 && d < (g)->in[0] && h >= 0 && h < (g)->in[1];                                             \
        int64_t w = w0;                                                                                                \
        for (int64_t kw = 0; kw < (g)->kernel[2]; kw++, tap++, w += (g)->dilation[2]) {                                \
          int64_t lo = 0, hi = 0, at = 0;                                                                              \
          if (there) {                                                                                                 \
            at = (d * (g)->in[1] + h) * (g)->in[2] + w;                                                                \
            edges((g), w, count, &lo, &hi);                                                                            \
          }                                                                                                            \
          body;                                                                                                        \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }

/* ---- a run in a row of many channels: `all` apart in the image, `down` in the panel ---- */

typedef struct run {
  int64_t channels, all, down;
  int64_t stride, count, lo, hi; /* elements lo .. hi of the run's count are inside the image, `stride` apart there */
} run;

/* Vectors in which some lanes, lo .. hi of them, take part; the others are zero where they are loaded, and are left as
   they are where they are added to. */
#if defined(__AVX512F__)
#define HAVE_LANES
enum { LANES = 16 };
typedef __mmask16 lanes;
typedef __m512 vec;
static inline lanes lanes_between(int64_t lo, int64_t hi) {
  return first_of(hi) & (lanes)~first_of(lo);
}
static inline lanes every_second(lanes m) {
  return m & 0x5555;
}
static inline vec load_lanes(const float *x, lanes m) {
  return _mm512_maskz_loadu_ps(m, x);
}
static inline void save_all(float *y, vec v) {
  _mm512_storeu_ps(y, v);
}
static inline void add_lanes_to(float *y, vec v, lanes m) {
  _mm512_mask_storeu_ps(y, m, _mm512_add_ps(_mm512_maskz_loadu_ps(m, y), v));
}
/* Elements 0, 2, 4 .. of both, one behind the other. */
static inline vec evens_of(vec a, vec b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
}
/* Each element of the first half, or of the last, twice. */
static inline vec doubled(vec v, bool last) {
  __m512i first = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_permutexvar_ps(last ? _mm512_add_epi32(first, _mm512_set1_epi32(8)) : first, v);
}
#elif defined(__AVX2__)
#define HAVE_LANES
enum { LANES = 8 };
typedef __m256i lanes;
typedef __m256 vec;
static inline lanes lanes_between(int64_t lo, int64_t hi) {
  return _mm256_andnot_si256(first_of_f32(lo < 0 ? 0 : lo), first_of_f32(hi < 0 ? 0 : hi));
}
static inline lanes every_second(lanes m) {
  return _mm256_and_si256(m, _mm256_setr_epi32(-1, 0, -1, 0, -1, 0, -1, 0));
}
static inline vec load_lanes(const float *x, lanes m) {
  return _mm256_maskload_ps(x, m);
}
static inline void save_all(float *y, vec v) {
  _mm256_storeu_ps(y, v);
}
static inline void add_lanes_to(float *y, vec v, lanes m) {
  _mm256_maskstore_ps(y, m, _mm256_add_ps(_mm256_maskload_ps(y, m), v));
}
static inline vec evens_of(vec a, vec b) {
  return (__m256)_mm256_permute4x64_epi64((__m256i)_mm256_shuffle_ps(a, b, 0x88), 0xd8);
}
static inline vec doubled(vec v, bool last) {
  __m256i first = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
  return _mm256_permutevar8x32_ps(v, last ? _mm256_add_epi32(first, _mm256_set1_epi32(4)) : first);
}
#endif

#define PLAIN_RUNS(type, suffix)                                                                                       \
  static inline void plain_pack_##suffix(const run *r, const type *from, type *to) {                                   \
    for (int64_t i = 0; i < r->channels; i++, to += r->down, from += r->all) {                                         \
      for (int64_t j = 0; j < r->lo; j++) {                                                                            \
        to[j] = 0;                                                                                                     \
      }                                                                                                                \
      for (int64_t j = r->lo; j < r->hi; j++) {                                                                        \
        to[j] = from[j * r->stride];                                                                                   \
      }                                                                                                                \
      for (int64_t j = r->hi; j < r->count; j++) {                                                                     \
        to[j] = 0;                                                                                                     \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static inline void plain_unpack_##suffix(const run *r, const type *from, type *to) {                                 \
    for (int64_t i = 0; i < r->channels; i++, from += r->down, to += r->all) {                                         \
      for (int64_t j = r->lo; j < r->hi; j++) {                                                                        \
        to[j * r->stride] += from[j];                                                                                  \
      }                                                                                                                \
    }                                                                                                                  \
  }
PLAIN_RUNS(float, f32)
PLAIN_RUNS(double, f64)

/* Up to NL_PANEL_SLACK elements behind a run are written, too. Which lanes take part is the same for all channels. */
static inline void pack_run_f32(const run *r, const float *from, float *to) {
#if defined(HAVE_LANES)
  if (r->stride <= 2) {
    for (int64_t j = 0; j < r->count; j += LANES) {
      const float *x = from + j * r->stride;
      float *y = to + j;
      if (r->stride == 1) {
        lanes m = lanes_between(r->lo - j, r->hi - j);
        for (int64_t i = 0; i < r->channels; i++, x += r->all, y += r->down) {
          save_all(y, load_lanes(x, m));
        }
      } else {
        int64_t lo = 2 * (r->lo - j), hi = 2 * (r->hi - j) - 1;
        lanes a = lanes_between(lo, hi), b = lanes_between(lo - LANES, hi - LANES);
        for (int64_t i = 0; i < r->channels; i++, x += r->all, y += r->down) {
          save_all(y, evens_of(load_lanes(x, a), load_lanes(x + LANES, b)));
        }
      }
    }
    return;
  }
#endif
  plain_pack_f32(r, from, to);
}

static inline void unpack_run_f32(const run *r, const float *from, float *to) {
#if defined(HAVE_LANES)
  if (r->stride <= 2) {
    for (int64_t j = r->lo / LANES * LANES; j < r->hi; j += LANES) {
      const float *x = from + j;
      float *y = to + j * r->stride;
      lanes m = lanes_between(r->lo - j, r->hi - j);
      if (r->stride == 1) {
        for (int64_t i = 0; i < r->channels; i++, x += r->down, y += r->all) {
          add_lanes_to(y, load_lanes(x, m), m);
        }
      } else {
        int64_t lo = 2 * (r->lo - j), hi = 2 * (r->hi - j) - 1;
        lanes a = every_second(lanes_between(lo, hi)), b = every_second(lanes_between(lo - LANES, hi - LANES));
        for (int64_t i = 0; i < r->channels; i++, x += r->down, y += r->all) {
          vec v = load_lanes(x, m);
          add_lanes_to(y, doubled(v, false), a);
          add_lanes_to(y + LANES, doubled(v, true), b);
        }
      }
    }
    return;
  }
#endif
  plain_unpack_f32(r, from, to);
}

static inline void pack_run_f64(const run *r, const double *from, double *to) {
  plain_pack_f64(r, from, to);
}
static inline void unpack_run_f64(const run *r, const double *from, double *to) {
  plain_unpack_f64(r, from, to);
}

/* Channels that a run is moved for at once: their lines stay in the first-level cache until the kernel's next element
   meets them again. */
enum { TOGETHER = 8 };

#define PANELS(type, suffix)                                                                                           \
  static void pack_channels_##suffix(const nl_conv *g, run r, const type *image, int64_t p, int64_t end, type *panel,  \
                                     int64_t ld) {                                                                     \
    EACH_RUN(g, p, end, {                                                                                              \
      r.count = count;                                                                                                 \
      r.lo = lo;                                                                                                       \
      r.hi = hi;                                                                                                       \
      pack_run_##suffix(&r, image + at, panel + tap * ld + (q - p));                                                   \
    })                                                                                                                 \
  }                                                                                                                    \
  static void unpack_channels_##suffix(const nl_conv *g, run r, type *image, int64_t p, int64_t end,                   \
                                       const type *panel, int64_t ld) {                                                \
    EACH_RUN(g, p, end, {                                                                                              \
      r.count = count;                                                                                                 \
      r.lo = lo;                                                                                                       \
      r.hi = hi;                                                                                                       \
      if (lo < hi) {                                                                                                   \
        unpack_run_##suffix(&r, panel + tap * ld + (q - p), image + at);                                               \
      }                                                                                                                \
    })                                                                                                                 \
  }                                                                                                                    \
  static void pack_##suffix(const nl_conv *g, const void *image, int64_t channels, int64_t p, int64_t end,             \
                            void *panel, int64_t ld) {                                                                 \
    run r = run_of(g, ld);                                                                                             \
    for (int64_t i = 0; i < channels; i += TOGETHER) {                                                                 \
      r.channels = nl_smaller(TOGETHER, channels - i);                                                                 \
      pack_channels_##suffix(g, r, (const type *)image + i * r.all, p, end, (type *)panel + i * r.down, ld);           \
    }                                                                                                                  \
  }                                                                                                                    \
  static void unpack_##suffix(const nl_conv *g, void *image, int64_t channels, int64_t p, int64_t end,                 \
                              const void *panel, int64_t ld) {                                                         \
    run r = run_of(g, ld);                                                                                             \
    for (int64_t i = 0; i < channels; i += TOGETHER) {                                                                 \
      r.channels = nl_smaller(TOGETHER, channels - i);                                                                 \
      unpack_channels_##suffix(g, r, (type *)image + i * r.all, p, end, (const type *)panel + i * r.down, ld);         \
    }                                                                                                                  \
  }

static run run_of(const nl_conv *g, int64_t ld) {
  return (run){.down = g->kernel[0] * g->kernel[1] * g->kernel[2] * ld,
               .all = g->in[0] * g->in[1] * g->in[2],
               .stride = g->stride[2]};
}

PANELS(float, f32)
PANELS(double, f64)

/* An exponent of ones alone carries into the sign's place. */
static bool finite_f32(const void *weights, int64_t n) {
  uint32_t bits, carry = 0;
  for (int64_t i = 0; i < n; i++) {
    memcpy(&bits, (const float *)weights + i, sizeof bits);
    carry |= (bits & 0x7fffffffU) + 0x00800000U;
  }
  return !(carry >> 31);
}
static bool finite_f64(const void *weights, int64_t n) {
  uint64_t bits, carry = 0;
  for (int64_t i = 0; i < n; i++) {
    memcpy(&bits, (const double *)weights + i, sizeof bits);
    carry |= (bits & 0x7fffffffffffffffU) + 0x0010000000000000U;
  }
  return !(carry >> 63);
}

extern const nl_panel_kernels NL_ISA(nl_panel_kernels);
const nl_panel_kernels NL_ISA(nl_panel_kernels) = {
    .pack = {[NL_F32] = pack_f32, [NL_F64] = pack_f64},
    .unpack = {[NL_F32] = unpack_f32, [NL_F64] = unpack_f64},
    .finite = {[NL_F32] = finite_f32, [NL_F64] = finite_f64},
};
