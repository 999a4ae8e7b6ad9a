/* The kernel table: loops over plain pointers, compiled once for each instruction set from the same C source.
   Kernels know no tensor and no Lua, allocate nothing and cannot fail. `nl_k` points to the table for this processor.

   Elementwise kernels see contiguous runs; the caller cuts tensors into runs and gathers strided ones. A binary
   kernel's operand has step 1, or 0 when one value stands for all. */
#ifndef NL_KERNELS_KERNELS_H
#define NL_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

/* X(id): one list, from which the enums and the tables' order come. */
#define NL_UNARY_LIST(X)                                                                                               \
  X(NEG)                                                                                                               \
  X(ABS)                                                                                                               \
  X(SIGN)                                                                                                              \
  X(SQUARE) X(EXP) X(LOG) X(LOG1P) X(SQRT) X(TANH) X(SIGMOID) X(RELU) X(SOFTPLUS) X(ERF) X(SIN) X(COS) X(FLOOR) X(NOT)
#define NL_BINARY_LIST(X)                                                                                              \
  X(ADD) X(SUB) X(MUL) X(DIV) X(POW) X(MAXIMUM) X(MINIMUM) X(TANH_BACKWARD) X(SIGMOID_BACKWARD) X(RELU_BACKWARD)
/* The kernels of math.c. Their enum values follow those of the lists above, so that one number names a kernel of either
   file. ISNAN to SIGNBIT give bools. */
#define NL_MATH_UNARY_LIST(X)                                                                                          \
  X(EXP2)                                                                                                              \
  X(EXPM1)                                                                                                             \
  X(LOG2)                                                                                                              \
  X(LOG10)                                                                                                             \
  X(CBRT)                                                                                                              \
  X(TAN)                                                                                                               \
  X(ASIN)                                                                                                              \
  X(ACOS)                                                                                                              \
  X(ATAN)                                                                                                              \
  X(SINH)                                                                                                              \
  X(COSH)                                                                                                              \
  X(ASINH)                                                                                                             \
  X(ACOSH)                                                                                                             \
  X(ATANH)                                                                                                             \
  X(ERFC)                                                                                                              \
  X(RSQRT)                                                                                                             \
  X(RECIPROCAL)                                                                                                        \
  X(ERFINV)                                                                                                            \
  X(LGAMMA)                                                                                                            \
  X(DIGAMMA)                                                                                                           \
  X(GELU)                                                                                                              \
  X(SPACING)                                                                                                           \
  X(SINC) X(CEIL) X(ROUND) X(TRUNC) X(FRAC) X(ISNAN) X(ISINF) X(ISFINITE) X(ISPOSINF) X(ISNEGINF) X(SIGNBIT) X(BITNOT)
#define NL_MATH_BINARY_LIST(X)                                                                                         \
  X(ATAN2)                                                                                                             \
  X(HYPOT)                                                                                                             \
  X(FMOD)                                                                                                              \
  X(REMAINDER)                                                                                                         \
  X(FLOOR_DIVIDE)                                                                                                      \
  X(LOGADDEXP)                                                                                                         \
  X(LOGADDEXP2)                                                                                                        \
  X(XLOGY)                                                                                                             \
  X(XLOG1PY)                                                                                                           \
  X(COPYSIGN)                                                                                                          \
  X(NEXTAFTER) X(FMAX) X(FMIN) X(HEAVISIDE) X(GCD) X(LCM) X(BITAND) X(BITOR) X(BITXOR) X(SHL) X(SHR) X(POLYGAMMA)
#define NL_COMPARE_LIST(X) X(EQ) X(NE) X(LT) X(LE) X(GT) X(GE)

#define NL_ENUM_UN(id) NL_UN_##id,
#define NL_ENUM_BIN(id) NL_BIN_##id,
#define NL_ENUM_CMP(id) NL_CMP_##id,
enum {
  NL_UNARY_LIST(NL_ENUM_UN) NL_UN_COUNT,
  NL_MATH_UNARY = NL_UN_COUNT,
  NL_UN_BEFORE = NL_UN_COUNT - 1,
  NL_MATH_UNARY_LIST(NL_ENUM_UN) NL_UN_END
};
enum {
  NL_BINARY_LIST(NL_ENUM_BIN) NL_BIN_COUNT,
  NL_MATH_BINARY = NL_BIN_COUNT,
  NL_BIN_BEFORE = NL_BIN_COUNT - 1,
  NL_MATH_BINARY_LIST(NL_ENUM_BIN) NL_BIN_END
};
enum { NL_COMPARE_LIST(NL_ENUM_CMP) NL_CMP_COUNT };

typedef void (*nl_unary_fn)(int64_t n, void *out, const void *x);
typedef void (*nl_binary_fn)(int64_t n, void *out, const void *a, int astep, const void *b, int bstep);
/* out[i] = cond[i] ? a[i] : b[i] */
typedef void (*nl_select_fn)(int64_t n, void *out, const uint8_t *cond, const void *a, int astep, const void *b,
                             int bstep);
/* x for x > 0, else alpha * (exp(x) - 1) */
typedef void (*nl_elu_fn)(int64_t n, void *out, const void *x, double alpha);
/* g for x > 0, else g * (y + alpha) */
typedef void (*nl_elu_backward_fn)(int64_t n, void *out, const void *g, int gstep, const void *x, int xstep,
                                   const void *y, int ystep, double alpha);
typedef void (*nl_clamp_fn)(int64_t n, void *out, const void *x, double lo, double hi);
/* Converts n elements; out and x are contiguous. */
typedef void (*nl_cast_fn)(int64_t n, void *out, const void *x);

typedef struct nl_elementwise_kernels {
  nl_unary_fn unary[NL_UN_COUNT][NL_DTYPE_COUNT]; /* NULL: not for this dtype */
  nl_binary_fn binary[NL_BIN_COUNT][NL_DTYPE_COUNT];
  nl_binary_fn compare[NL_CMP_COUNT][NL_DTYPE_COUNT]; /* out is bool */
  nl_clamp_fn clamp[NL_DTYPE_COUNT];
  nl_elu_fn elu[NL_DTYPE_COUNT];
  nl_elu_backward_fn elu_backward[NL_DTYPE_COUNT];
  nl_select_fn select[NL_DTYPE_COUNT];
  nl_cast_fn cast[NL_DTYPE_COUNT][NL_DTYPE_COUNT]; /* [to][from] */
} nl_elementwise_kernels;

typedef struct nl_math_kernels {
  nl_unary_fn unary[NL_UN_END - NL_MATH_UNARY][NL_DTYPE_COUNT];
  nl_binary_fn binary[NL_BIN_END - NL_MATH_BINARY][NL_DTYPE_COUNT];
} nl_math_kernels;

/* Reductions of x, seen as [outer][red][inner], over red. The order of additions is fixed: blocks of 128, joined
   pairwise. var: two passes; divisor red - correction. */
#define NL_REDUCE_LIST(X)                                                                                              \
  X(SUM) X(PROD) X(MAX) X(MIN) X(ARGMAX) X(ARGMIN) X(SUMSQ) X(SUMABS) X(MAXABS) X(LOGSUMEXP) X(ALL) X(ANY)
#define NL_ENUM_RED(id) NL_RED_##id,
enum { NL_REDUCE_LIST(NL_ENUM_RED) NL_RED_COUNT };

/* Rows [begin, end) of outer*inner results. ARGMAX and ARGMIN write int64, 0-based; ALL and ANY write bool. */
typedef void (*nl_reduce_fn)(int64_t red, int64_t inner, int64_t begin, int64_t end, const void *x, void *out);
typedef void (*nl_var_fn)(int64_t red, int64_t inner, int64_t begin, int64_t end, double correction, const void *x,
                          void *out);

typedef struct nl_reduce_kernels {
  nl_reduce_fn reduce[NL_RED_COUNT][NL_DTYPE_COUNT]; /* float32, float64, int64; others are converted first */
  nl_var_fn var[NL_DTYPE_COUNT];
} nl_reduce_kernels;

/* Row-wise kernels: rows of n contiguous elements. */
typedef struct nl_softmax_kernels {
  void (*softmax[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *x, void *out);
  void (*log_softmax[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *x, void *out);
  void (*softmax_backward[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *g, const void *y, void *out);
  void (*log_softmax_backward[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *g, const void *y, void *out);
  /* target: 1-based classes. loss[r] = logsumexp(x[r]) - x[r][target]; 0 where the target is `ignore`. */
  void (*cross_entropy[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *x, const int64_t *target, int64_t ignore,
                                        void *loss);
  /* out = (softmax(x) - onehot(target)) * g[r * gstep] * scale; 0 where the target is `ignore` */
  void (*cross_entropy_backward[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *x, const int64_t *target,
                                                 int64_t ignore, const void *g, int gstep, double scale, void *out);
  /* loss = max(x,0) - x*y + log1p(exp(-|x|)), elementwise */
  void (*bce_with_logits[NL_DTYPE_COUNT])(int64_t n, const void *x, const void *y, void *out);
} nl_softmax_kernels;

/* The same for columns [begin, end) of n lines of `inner` elements. */
typedef struct nl_softmax_columns_kernels {
  void (*softmax[NL_DTYPE_COUNT])(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *x, void *out);
  void (*log_softmax[NL_DTYPE_COUNT])(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *x, void *out);
  void (*softmax_backward[NL_DTYPE_COUNT])(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *g,
                                           const void *y, void *out);
  void (*log_softmax_backward[NL_DTYPE_COUNT])(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *g,
                                               const void *y, void *out);
  void (*cross_entropy[NL_DTYPE_COUNT])(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *x,
                                        const int64_t *target, int64_t ignore, void *loss);
  void (*cross_entropy_backward[NL_DTYPE_COUNT])(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *x,
                                                 const int64_t *target, int64_t ignore, const void *g, int gstep,
                                                 double scale, void *out);
} nl_softmax_columns_kernels;

/* Random draws: element i comes from block first + i/4 (float32) of the generator's stream. Same bits on every
   instruction set: only operations that IEEE 754 rounds exactly, and no contraction. begin and end are multiples of
   16 or the end of the draw. */
typedef struct nl_random_kernels {
  void (*uniform_f32)(uint64_t seed, uint64_t first, int64_t begin, int64_t end, double lo, double hi, float *out);
  void (*uniform_f64)(uint64_t seed, uint64_t first, int64_t begin, int64_t end, double lo, double hi, double *out);
  void (*normal_f32)(uint64_t seed, uint64_t first, int64_t begin, int64_t end, double mean, double std, float *out);
  void (*normal_f64)(uint64_t seed, uint64_t first, int64_t begin, int64_t end, double mean, double std, double *out);
  /* out[i] is true with probability p; begin is a multiple of 128, and eight elements share a block */
  void (*bernoulli)(uint64_t seed, uint64_t first, int64_t begin, int64_t end, double p, uint8_t *out);
  /* integers in [lo, lo + span) */
  void (*randint)(uint64_t seed, uint64_t first, int64_t begin, int64_t end, int64_t lo, uint64_t span, int64_t *out);
} nl_random_kernels;

typedef struct nl_sgd_args {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, first, maximize;
} nl_sgd_args;

typedef struct nl_adam_args {
  double lr, beta1, beta2, eps, weight_decay;
  double correction1, correction2; /* 1 - beta^t */
  bool decoupled, maximize;        /* decoupled: AdamW */
  bool amsgrad;                    /* divides by the largest average so far (Reddi, Kale & Kumar 2018) */
} nl_adam_args;

/* The other rules have up to three state tensors, and for each step some numbers: its size, the decay, the gradient's
   sign (-1 to maximize), and those listed here, which optim/rules.c settles. */
// clang-format off
#define NL_NUMBERS_adagrad(N)    N(eps) N(start)
#define NL_NUMBERS_adadelta(N)   N(rho) N(eps)
#define NL_NUMBERS_rmsprop(N)    N(alpha) N(eps) N(momentum) N(centered)
#define NL_NUMBERS_rprop(N)      N(eta_minus) N(eta_plus) N(least) N(largest) N(first)
#define NL_NUMBERS_adamax(N)     N(beta1) N(beta2) N(eps)
#define NL_NUMBERS_nadam(N)      N(beta1) N(beta2) N(eps) N(unbias2) N(average)
#define NL_NUMBERS_radam(N)      N(beta1) N(beta2) N(eps) N(rectified) N(is_rectified)
#define NL_NUMBERS_lion(N)       N(beta1) N(beta2) N(keep)
#define NL_NUMBERS_signsgd(N)    N(momentum) N(keep)
#define NL_NUMBERS_asgd(N)       N(keep) N(share)
#define NL_NUMBERS_lamb(N)       N(beta1) N(beta2) N(eps) N(unbias1) N(unbias2)
#define NL_NUMBERS_lamb_apply(N)
#define NL_RULES(R) \
  R(adagrad) R(adadelta) R(rmsprop) R(rprop) R(adamax) R(nadam) R(radam) R(lion) R(signsgd) R(asgd) R(lamb) R(lamb_apply)
// clang-format on

#define NL_NUMBER_FIELD(name) double name;
#define NL_NUMBERS_OF(rule)                                                                                            \
  typedef struct nl_##rule {                                                                                           \
    double lr, decay, sign;                                                                                            \
    NL_NUMBERS_##rule(NL_NUMBER_FIELD)                                                                                 \
  } nl_##rule;
NL_RULES(NL_NUMBERS_OF)
#define NL_RULE_ID(rule) NL_RULE_##rule,
enum { NL_RULES(NL_RULE_ID) NL_RULE_COUNT };

/* The numbers of any rule; all begin with the same three. */
#define NL_NUMBERS_MEMBER(rule) nl_##rule rule;
typedef union nl_rule_numbers {
  struct {
    double lr, decay, sign;
  };
  NL_RULES(NL_NUMBERS_MEMBER)
} nl_rule_numbers;

typedef void (*nl_rule_fn)(int64_t n, void *w, const void *g, void *const state[3], const nl_rule_numbers *);

/* One parameter's update, in place. */
typedef struct nl_optim_kernels {
  nl_rule_fn rule[NL_RULE_COUNT][NL_DTYPE_COUNT];
  void (*sgd[NL_DTYPE_COUNT])(int64_t n, void *w, const void *g, void *momentum_buffer, const nl_sgd_args *);
  void (*adam[NL_DTYPE_COUNT])(int64_t n, void *w, const void *g, void *m, void *v, void *most, const nl_adam_args *);
} nl_optim_kernels;

/* Products too small, or too thin, for the libraries. */
struct nl_gemm_args;
typedef struct nl_product_kernels {
  /* at most 256 multiplications */
  void (*small[NL_DTYPE_COUNT])(const struct nl_gemm_args *);
  /* c[i * step] (+)= rows[i][0 .. k) . x[0 .. k) */
  void (*dots[NL_DTYPE_COUNT])(int64_t m, int64_t k, const void *rows, int64_t ld, const void *x, void *c, int64_t step,
                               bool accumulate);
  /* x[0 .. k) -= the sum over i of c[i] * rows[i][0 .. k) */
  void (*subtract)(int64_t m, int64_t k, const double *rows, int64_t ld, const double *c, double *x);
  /* (x, y) becomes (c x + s y, c y - s x): a Givens rotation of two rows */
  void (*rotate)(int64_t n, double *x, double *y, double c, double s);
  /* float32 arithmetic in registers, as much as n rounds give; returns the operations done */
  double (*spin)(int64_t n, float *sink);
} nl_product_kernels;

typedef struct nl_transpose_kernels {
  /* to[c][r] = from[r][c]; ld and ldto are the rows' strides, in elements */
  void (*transpose[NL_DTYPE_COUNT])(int64_t rows, int64_t cols, const void *from, int64_t ld, void *to, int64_t ldto);
} nl_transpose_kernels;

/* Batch norm; see norm.c for the formulas. */
typedef struct nl_norm_kernels {
  void (*apply[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *x, const void *mean, const void *scale,
                                const void *shift, void *y);
  void (*sums[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *g, const void *x, const void *mean, const void *inv,
                               void *sum_g, void *sum_gx);
  void (*backward[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *g, const void *x, const void *mean,
                                   const void *inv, const void *scale, const void *sum_g, const void *sum_gx, void *dx);
  /* One channel of images: `runs` runs of n elements, `step` elements from one to the next. */
  /* the sums of x - shift and of their squares */
  void (*channel_moments[NL_DTYPE_COUNT])(int64_t runs, int64_t n, int64_t step, const void *x, double shift,
                                          double *sum, double *square);
  void (*channel_apply[NL_DTYPE_COUNT])(int64_t runs, int64_t n, int64_t step, const void *x, double mean, double scale,
                                        double shift, void *y);
  void (*channel_sums[NL_DTYPE_COUNT])(int64_t runs, int64_t n, int64_t step, const void *g, const void *x, double mean,
                                       double inv, double *sum_g, double *sum_gx);
  void (*channel_backward[NL_DTYPE_COUNT])(int64_t runs, int64_t n, int64_t step, const void *g, const void *x,
                                           double mean, double inv, double scale, double mean_g, double mean_gx,
                                           void *dx);
} nl_norm_kernels;

/* A tile of attention's scores (scores.c): `rows` of `cols` numbers, ld apart; ld is a multiple of NL_SCORES_LANES, and
   what stands behind the columns is written, too. Of each row `max`, its largest score, and `sum`, of exp(score - max),
   or lse, the logarithm of that. */
enum { NL_SCORES_LANES = 16 };
typedef struct nl_scores {
  int64_t rows, cols, ld;
  double scale;
  const void *mask; /* NULL: none; bytes (0: hidden) or numbers that are added */
  bool mask_bytes;
  int64_t mask_row, mask_col; /* strides */
  int64_t visible;            /* row i sees columns up to i + visible; INT64_MAX: all */
} nl_scores;
typedef struct nl_scores_kernels {
  /* s = s * scale + mask, -inf where hidden and behind the columns */
  void (*place[NL_DTYPE_COUNT])(const nl_scores *, void *s);
  /* s = exp(s - max), where max takes the tile's values in, as sum does; factor: what came before is to be multiplied
   * by */
  void (*join[NL_DTYPE_COUNT])(const nl_scores *, void *s, void *max, void *sum, void *factor);
  /* s = exp(s - max - lse) */
  void (*again[NL_DTYPE_COUNT])(const nl_scores *, void *s, const void *max, const void *lse);
  /* s = keep ? s * scale : 0; rows of keep have cols bytes */
  void (*drop[NL_DTYPE_COUNT])(const nl_scores *, void *s, const uint8_t *keep, double scale);
  /* d = p * (d - delta) * scale */
  void (*differ[NL_DTYPE_COUNT])(const nl_scores *, const void *p, void *d, const void *delta);
  /* rows of n numbers times factor */
  void (*stretch[NL_DTYPE_COUNT])(int64_t rows, int64_t n, const void *factor, void *x);
  /* factor = 1 / sum, lse = log(sum); where sum is 0: 0, and inf, and max = 0 */
  void (*close[NL_DTYPE_COUNT])(int64_t rows, void *max, const void *sum, void *factor, void *lse);
} nl_scores_kernels;

/* What recurrent layers do in one step between their products (gates.c), of `rows` rows of n units, which lie next to
   each other. Blocks of gates are beside each other in a row: of LSTM input, forget, cell, output; of GRU reset,
   update, new. z: the input's part; product: the state's part, and of GRU also what the new state's is without the
   reset. NULL: zeros. */
typedef struct nl_gates_step {
  int64_t rows, n;
  bool relu;
  const void *z, *product, *bias; /* bias: of the state's part, or NULL */
  const void *h0, *c0;            /* the state before, or NULL: zeros */
  void *h, *c, *gates; /* after it; gates: activated; GRU's fourth block is the state's part of the new state */
  /* on the way back */
  const void *g, *gc; /* the gradients of h and of c (NULL: none) from outside */
  void *dh, *dc; /* what comes from the step behind; becomes what goes to the step before (dh lacks the products) */
  bool last;     /* nothing comes from behind: dh and dc are written only */
  void *dz, *dproduct; /* GRU: two; else dproduct is dz */
} nl_gates_step;
typedef struct nl_gates_kernels {
  void (*forward[3][NL_DTYPE_COUNT])(const nl_gates_step *); /* RNN, LSTM, GRU */
  void (*backward[3][NL_DTYPE_COUNT])(const nl_gates_step *);
} nl_gates_kernels;

/* Panels of convolutions (panel.c): `channels` of an image from its first one on, at output positions p .. end; rows of
   a panel have `wide` elements. */
struct nl_conv;
typedef struct nl_panel_kernels {
  void (*pack[NL_DTYPE_COUNT])(const struct nl_conv *, const void *image, int64_t channels, int64_t p, int64_t end,
                               void *panel, int64_t wide);
  void (*unpack[NL_DTYPE_COUNT])(const struct nl_conv *, void *image, int64_t channels, int64_t p, int64_t end,
                                 const void *panel, int64_t wide);
  /* whether none of n weights is inf or nan: ways that multiply with zeros which are not there count on that */
  bool (*finite[NL_DTYPE_COUNT])(const void *weights, int64_t n);
} nl_panel_kernels;

/* Windows of one plane (window.c). where: of each result the place in the plane that it was taken from, from 1; 0:
   none. scale: of each result. */
typedef struct nl_window_kernels {
  void (*max[NL_DTYPE_COUNT])(const struct nl_conv *, const void *x, void *y, int64_t *where);
  void (*max_back[NL_DTYPE_COUNT])(const struct nl_conv *, const void *g, const int64_t *where, void *dx);
  void (*max_pick[NL_DTYPE_COUNT])(const struct nl_conv *, const void *x, const int64_t *where, void *y);
  void (*sum[NL_DTYPE_COUNT])(const struct nl_conv *, const void *x, const double *scale, void *y);
  void (*sum_back[NL_DTYPE_COUNT])(const struct nl_conv *, const void *g, const double *scale, void *dx);
} nl_window_kernels;

/* The elements of kernels over an image in its border (taps.c). Loads may go NL_TAPS_SLACK elements behind a row. */
enum { NL_TAPS_LANES = 16, NL_TAPS_SLACK = 16 };
typedef struct nl_taps {
  int64_t taps;
  const int64_t *offsets;   /* of each element, from the first one on */
  int64_t out[3], apart[2]; /* the result's sizes; in the image, from one of its planes, and rows, to the next */
  int64_t images, image;    /* how many there are, and from one to the next: for collect */
  /* Of an image with height, for correlate: elements in a row of all kernels, which stand one behind the other (0: they
     do not), the rows of a kernel and their dilation, where the image begins in its border, and its rows. */
  int64_t line, lines, dilation, top, rows;
} nl_taps;
typedef struct nl_taps_kernels {
  /* Weights channels x taps in the order in which correlate takes them. */
  void (*arrange[NL_DTYPE_COUNT])(int64_t channels, int64_t taps, const void *w, void *to);
  /* y[channel * ld ..] = start[channel] (or 0) + the sum over taps of w times what they meet. */
  void (*correlate[NL_DTYPE_COUNT])(const nl_taps *, const void *image, int64_t channels, const void *arranged,
                                    const void *start, void *y, int64_t ld);
  /* Adds, of each channel and tap, g times what it meets, in NL_TAPS_LANES numbers that are to be added: lanes are
     channels x taps, aligned. g[channel * ld + image * ld_image ..] */
  void (*collect[NL_DTYPE_COUNT])(const nl_taps *, const void *image, int64_t channels, const void *g, int64_t ld,
                                  int64_t ld_image, void *lanes);
  /* sums[tap * step + channel] = the sum of those */
  void (*add_lanes[NL_DTYPE_COUNT])(int64_t channels, int64_t taps, const void *lanes, void *sums, int64_t step);
} nl_taps_kernels;

/* The same with the result's channels side by side (taps_channels.c): `ld` elements from one position to the next, room
   for whole vectors of `lanes` channels, and for NL_TAPS_SLACK positions behind the last one. */
typedef struct nl_taps_channels_kernels {
  int lanes[NL_DTYPE_COUNT];
  void (*arrange[NL_DTYPE_COUNT])(int64_t channels, int64_t taps, const void *w, void *to); /* whole vectors */
  void (*correlate[NL_DTYPE_COUNT])(const nl_taps *, const void *image, int64_t channels, const void *arranged,
                                    const void *start, void *y, int64_t ld);
  /* sums[tap * ld + channel] += g times what it meets, over all images */
  void (*collect[NL_DTYPE_COUNT])(const nl_taps *, const void *image, int64_t channels, const void *g, void *sums,
                                  int64_t ld);
} nl_taps_channels_kernels;

/* Places that an index names: 1 .. n, or -n .. -1 from the end. */
typedef struct nl_places_kernels {
  bool (*all)(int64_t count, const int64_t *ids, int64_t n); /* whether each is one */
  /* to[i] = the element of from, which has n, at place ids[i]; by the size of an element: 1, 4, 8 */
  void (*pick[9])(int64_t count, const int64_t *ids, int64_t n, const void *from, void *to);
} nl_places_kernels;

typedef struct nl_kernels {
  const nl_elementwise_kernels *elementwise;
  const nl_math_kernels *math;
  const nl_reduce_kernels *reduce;
  const nl_softmax_kernels *softmax;
  const nl_softmax_columns_kernels *softmax_columns;
  const nl_random_kernels *random;
  const nl_optim_kernels *optim;
  const nl_transpose_kernels *transpose;
  const nl_norm_kernels *norm;
  const nl_scores_kernels *scores;
  const nl_gates_kernels *gates;
  const nl_product_kernels *product;
  const nl_places_kernels *places;
  const nl_panel_kernels *panel;
  const nl_window_kernels *window;
  const nl_taps_kernels *taps;
  const nl_taps_channels_kernels *taps_channels;
} nl_kernels;

extern const nl_kernels *nl_k;

/* A kernel of either list; NULL: not for this dtype. */
static inline nl_unary_fn nl_unary_kernel(int id, nl_dtype t) {
  return id < NL_UN_COUNT ? nl_k->elementwise->unary[id][t] : nl_k->math->unary[id - NL_MATH_UNARY][t];
}
static inline nl_binary_fn nl_binary_kernel(int id, nl_dtype t) {
  return id < NL_BIN_COUNT ? nl_k->elementwise->binary[id][t] : nl_k->math->binary[id - NL_MATH_BINARY][t];
}

/* Chooses the table for nl_cpu_isa(). Called once at start. */
void nl_kernels_init(void);

/* Before a loop whose result i depends on elements i alone: the result may then stand in the place of an operand, which
   the compiler would otherwise test for and take as a reason not to vectorize. */
#if defined(__clang__)
#define NL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define NL_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* NL_ISA(x) is x with the name of the instruction set this file is being compiled for. */
#ifdef NL_ISA_NAME
#define NL_ISA_JOIN2(a, b) a##_##b
#define NL_ISA_JOIN(a, b) NL_ISA_JOIN2(a, b)
#define NL_ISA(name) NL_ISA_JOIN(name, NL_ISA_NAME)
#endif

#endif
