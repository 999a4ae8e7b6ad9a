/* One step of recurrent layers, element by element, and its gradient. Formulas as in PyTorch:
     RNN   h = f(z + p)
     LSTM  i, f, o = sigmoid(z + p), g = tanh(z + p); c = f c0 + i g; h = o tanh(c)
     GRU   r, u = sigmoid(z + p), n = tanh(z + r p); h = (1 - u) n + u h0
   z is the input's part, p the state's part with its bias. Compiled once for each instruction set. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/vmath.h"

typedef float f32;
typedef double f64;

/* Row r of what may be missing. */
#define ROW(type, p, r, width) ((p) ? (const type *)(p) + (r) * (width) : NULL)

#define GATES(type, SIGMOID, TANH)                                                                                     \
  /* out = z + p + bias; what is missing is 0 */                                                                       \
  static inline void join_parts_##type(int64_t n, const type *z, const type *p, const type *bias, type *out) {         \
    if (p && bias) {                                                                                                   \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        out[i] = z[i] + (p[i] + bias[i]);                                                                              \
      }                                                                                                                \
    } else if (p || bias) {                                                                                            \
      const type *one = p ? p : bias;                                                                                  \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        out[i] = z[i] + one[i];                                                                                        \
      }                                                                                                                \
    } else {                                                                                                           \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        out[i] = z[i];                                                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void rnn_forward_##type(const nl_gates_step *s) {                                                             \
    int64_t n = s->n;                                                                                                  \
    for (int64_t r = 0; r < s->rows; r++) {                                                                            \
      type *h = (type *)s->h + r * n;                                                                                  \
      join_parts_##type(n, (const type *)s->z + r * n, ROW(type, s->product, r, n), s->bias, h);                       \
      if (s->relu) {                                                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          h[i] = h[i] < 0 ? 0 : h[i];                                                                                  \
        }                                                                                                              \
      } else {                                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          h[i] = TANH(h[i]);                                                                                           \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  /* d, which comes from behind (not in the last step), and what comes from outside */                                 \
  static inline void merge_##type(int64_t n, const type *outside, bool last, type *d) {                                \
    if (last || outside) {                                                                                             \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        d[i] = outside ? (last ? outside[i] : d[i] + outside[i]) : 0;                                                  \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void rnn_backward_##type(const nl_gates_step *s) {                                                            \
    int64_t n = s->n;                                                                                                  \
    for (int64_t r = 0; r < s->rows; r++) {                                                                            \
      const type *h = (const type *)s->h + r * n;                                                                      \
      type *dh = (type *)s->dh + r * n, *dz = (type *)s->dz + r * n;                                                   \
      merge_##type(n, ROW(type, s->g, r, n), s->last, dh);                                                             \
      if (s->relu) {                                                                                                   \
        NL_INDEPENDENT                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          dz[i] = h[i] > 0 ? dh[i] : 0;                                                                                \
        }                                                                                                              \
      } else {                                                                                                         \
        NL_INDEPENDENT                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          dz[i] = dh[i] * (1 - h[i] * h[i]);                                                                           \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void lstm_forward_##type(const nl_gates_step *s) {                                                            \
    int64_t n = s->n;                                                                                                  \
    for (int64_t r = 0; r < s->rows; r++) {                                                                            \
      const type *c0 = ROW(type, s->c0, r, n);                                                                         \
      type *a = (type *)s->gates + r * 4 * n, *c = (type *)s->c + r * n, *h = (type *)s->h + r * n;                    \
      join_parts_##type(4 * n, (const type *)s->z + r * 4 * n, ROW(type, s->product, r, 4 * n), s->bias, a);           \
      for (int64_t i = 0; i < 2 * n; i++) {                                                                            \
        a[i] = SIGMOID(a[i]);                                                                                          \
      }                                                                                                                \
      for (int64_t i = 2 * n; i < 3 * n; i++) {                                                                        \
        a[i] = TANH(a[i]);                                                                                             \
      }                                                                                                                \
      for (int64_t i = 3 * n; i < 4 * n; i++) {                                                                        \
        a[i] = SIGMOID(a[i]);                                                                                          \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type cell = a[i] * a[2 * n + i];                                                                               \
        c[i] = c0 ? a[n + i] * c0[i] + cell : cell;                                                                    \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        h[i] = a[3 * n + i] * TANH(c[i]);                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void lstm_backward_##type(const nl_gates_step *s) {                                                           \
    int64_t n = s->n;                                                                                                  \
    for (int64_t r = 0; r < s->rows; r++) {                                                                            \
      const type *a = (const type *)s->gates + r * 4 * n, *c = (const type *)s->c + r * n;                             \
      const type *c0 = ROW(type, s->c0, r, n);                                                                         \
      type *dh = (type *)s->dh + r * n, *dc = (type *)s->dc + r * n, *dz = (type *)s->dz + r * 4 * n;                  \
      merge_##type(n, ROW(type, s->g, r, n), s->last, dh);                                                             \
      merge_##type(n, ROW(type, s->gc, r, n), s->last, dc);                                                            \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type in = a[i], cell = a[2 * n + i], out = a[3 * n + i], t = TANH(c[i]), d = dh[i];                            \
        type e = dc[i] + d * out * (1 - t * t);                                                                        \
        dz[i] = e * cell * in * (1 - in);                                                                              \
        dz[2 * n + i] = e * in * (1 - cell * cell);                                                                    \
        dz[3 * n + i] = d * t * out * (1 - out);                                                                       \
        dc[i] = e;                                                                                                     \
      }                                                                                                                \
      if (c0) {                                                                                                        \
        NL_INDEPENDENT                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          dz[n + i] = dc[i] * c0[i] * a[n + i] * (1 - a[n + i]);                                                       \
        }                                                                                                              \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        dc[i] *= a[n + i];                                                                                             \
      }                                                                                                                \
      for (int64_t i = 0; i < n && !c0; i++) {                                                                         \
        dz[n + i] = 0;                                                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void gru_forward_##type(const nl_gates_step *s) {                                                             \
    int64_t n = s->n;                                                                                                  \
    for (int64_t r = 0; r < s->rows; r++) {                                                                            \
      const type *h0 = ROW(type, s->h0, r, n), *z = (const type *)s->z + r * 3 * n;                                    \
      const type *p = ROW(type, s->product, r, 3 * n), *bias = s->bias;                                                \
      type *a = (type *)s->gates + r * 4 * n, *h = (type *)s->h + r * n;                                               \
      join_parts_##type(2 * n, z, p, bias, a);                                                                         \
      for (int64_t i = 0; i < 2 * n; i++) {                                                                            \
        a[i] = SIGMOID(a[i]);                                                                                          \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        a[3 * n + i] = (p ? p[2 * n + i] : 0) + (bias ? bias[2 * n + i] : 0);                                          \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        a[2 * n + i] = TANH(z[2 * n + i] + a[i] * a[3 * n + i]);                                                       \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type fresh = (1 - a[n + i]) * a[2 * n + i];                                                                    \
        h[i] = h0 ? fresh + a[n + i] * h0[i] : fresh;                                                                  \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void gru_backward_##type(const nl_gates_step *s) {                                                            \
    int64_t n = s->n;                                                                                                  \
    for (int64_t r = 0; r < s->rows; r++) {                                                                            \
      const type *a = (const type *)s->gates + r * 4 * n, *h0 = ROW(type, s->h0, r, n);                                \
      type *dh = (type *)s->dh + r * n, *dz = (type *)s->dz + r * 3 * n, *dp = (type *)s->dproduct + r * 3 * n;        \
      merge_##type(n, ROW(type, s->g, r, n), s->last, dh);                                                             \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type reset = a[i], fresh = a[2 * n + i], part = a[3 * n + i];                                                  \
        type dn = dh[i] * (1 - a[n + i]) * (1 - fresh * fresh), dr = dn * part * reset * (1 - reset);                  \
        dz[i] = dr;                                                                                                    \
        dp[i] = dr;                                                                                                    \
        dz[2 * n + i] = dn;                                                                                            \
        dp[2 * n + i] = dn * reset;                                                                                    \
      }                                                                                                                \
      if (h0) {                                                                                                        \
        NL_INDEPENDENT                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          type update = a[n + i];                                                                                      \
          dz[n + i] = dh[i] * (h0[i] - a[2 * n + i]) * update * (1 - update);                                          \
        }                                                                                                              \
      } else {                                                                                                         \
        NL_INDEPENDENT                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          type update = a[n + i];                                                                                      \
          dz[n + i] = -dh[i] * a[2 * n + i] * update * (1 - update);                                                   \
        }                                                                                                              \
      }                                                                                                                \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        dp[n + i] = dz[n + i];                                                                                         \
        dh[i] *= a[n + i];                                                                                             \
      }                                                                                                                \
    }                                                                                                                  \
  }
GATES(f32, nl_sigmoidf, nl_tanhf)
GATES(f64, nl_sigmoid, tanh)

#define FLOATS(id)                                                                                                     \
  { [NL_F32] = id##_f32, [NL_F64] = id##_f64 }

extern const nl_gates_kernels NL_ISA(nl_gates_kernels);
const nl_gates_kernels NL_ISA(nl_gates_kernels) = {
    .forward = {FLOATS(rnn_forward), FLOATS(lstm_forward), FLOATS(gru_forward)},
    .backward = {FLOATS(rnn_backward), FLOATS(lstm_backward), FLOATS(gru_backward)},
};
