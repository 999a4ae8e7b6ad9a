/* Ops that draw uniform, normal and whole numbers, permutations and masks of dropout. */
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

NL_ATTRS(randint, low, high, shape, dtype)
NL_ATTRS(randperm, n)
NL_ATTRS(normal, mean, std)
NL_ATTRS(bernoulli, p)
NL_ATTRS(dropout, p)

/* ---- random ---- */

enum { DRAW_UNIFORM, DRAW_NORMAL, DRAW_BERNOULLI, DRAW_INTEGER, DRAW_GRAIN = 16384 };

typedef struct draw {
  int kind;
  nl_dtype dtype;
  uint64_t seed, first;
  double a, b; /* lo and hi, or mean and deviation, or p */
  int64_t lo;
  uint64_t span;
  void *out;
} draw;

static void draw_range(void *ctx, int64_t begin, int64_t end) {
  const draw *d = ctx;
  const nl_random_kernels *k = nl_k->random;
  if (d->kind == DRAW_BERNOULLI) {
    k->bernoulli(d->seed, d->first, begin, end, d->a, d->out);
  } else if (d->kind == DRAW_INTEGER) {
    k->randint(d->seed, d->first, begin, end, d->lo, d->span, d->out);
  } else if (d->dtype == NL_F32) {
    (d->kind == DRAW_NORMAL ? k->normal_f32 : k->uniform_f32)(d->seed, d->first, begin, end, d->a, d->b, d->out);
  } else {
    (d->kind == DRAW_NORMAL ? k->normal_f64 : k->uniform_f64)(d->seed, d->first, begin, end, d->a, d->b, d->out);
  }
}

/* Fills n elements of a contiguous block; takes what it needs from the call's generator. */
static void fill_draw(nl_call *c, draw d, int64_t n) {
  nl_generator *g = nl_call_generator(c);
  uint64_t per_block = d.kind == DRAW_BERNOULLI ? 8 : (d.dtype == NL_F32 ? 4 : 2);
  uint64_t whole = d.kind == DRAW_BERNOULLI ? 128 : per_block; /* elements drawn together */
  d.seed = g->seed;
  d.first = nl_generator_take(g, ((uint64_t)n + whole - 1) / whole * (whole / per_block));
  nl_parallel_for(n, DRAW_GRAIN, draw_range, &d);
}

static nl_status want_float_result(nl_call *c) {
  if (!nl_dtype_is_float(c->desc[0].dtype)) {
    return nl_fail("draws floats, but the dtype is %s; draw float32 and convert", nl_dtype_name(c->desc[0].dtype));
  }
  return NL_OK;
}
static nl_status infer_rand(nl_call *c) {
  nl_status status = nl_infer_shape_dtype(c);
  return status == NL_OK ? want_float_result(c) : status;
}
static nl_status infer_rand_like(nl_call *c) {
  nl_status status = nl_infer_like(c);
  return status == NL_OK ? want_float_result(c) : status;
}
static void run_rand(nl_call *c) {
  nl_tensor *out = c->out[0];
  fill_draw(c,
            (draw){.kind = c->op->variant, .dtype = nl_tensor_dtype(out), .a = 0, .b = 1, .out = nl_tensor_data(out)},
            out->numel);
}

/* uniform_ and normal_ */
static nl_status infer_refill(nl_call *c) {
  nl_rule_like(c, 0, c->in[0], nl_tensor_dtype(c->in[0]));
  if (c->op->variant == DRAW_NORMAL && !(c->attr[normal_std].number >= 0)) {
    return nl_fail("std must be 0 or more, not %g", c->attr[normal_std].number);
  }
  if (c->op->variant == DRAW_BERNOULLI) {
    double p = c->attr[bernoulli_p].number;
    return p >= 0 && p <= 1 ? NL_OK : nl_fail("p must lie in 0..1, not %g", p);
  }
  return want_float_result(c);
}
static void run_refill(nl_call *c) {
  nl_tensor *out = c->out[0];
  bool normal = c->op->variant == DRAW_NORMAL;
  fill_draw(c,
            (draw){.kind = c->op->variant,
                   .dtype = nl_tensor_dtype(out),
                   .a = c->attr[normal ? normal_mean : nl_uniform_low].number,
                   .b = c->attr[normal ? normal_std : nl_uniform_high].number,
                   .out = nl_tensor_data(out)},
            out->numel);
}
static nl_status vjp_refill(nl_call *c, nl_vjp *g) {
  (void)c;
  g->gin[0] = nl_b_zeros(g->build, nl_tensor_dtype(g->gout[0]), g->gout[0]->ndim, g->gout[0]->shape);
  return g->build->status;
}

/* bernoulli_ needs bytes first */
static nl_status infer_bernoulli(nl_call *c) {
  nl_status status = infer_refill(c);
  c->workspace_bytes = (size_t)c->in[0]->numel + 1;
  return status;
}
static void run_bernoulli(nl_call *c) {
  nl_tensor mask = *c->out[0];
  mask.storage = c->workspace->storage;
  mask.offset = 0;
  mask.dtype = NL_BOOL;
  fill_draw(c, (draw){.kind = DRAW_BERNOULLI, .a = c->attr[bernoulli_p].number, .out = nl_tensor_data(&mask)},
            mask.numel);
  nl_copy_values(c->out[0], &mask);
}

static nl_status infer_randint(nl_call *c) {
  int count;
  const int64_t *shape = nl_call_list(c, randint_shape, &count);
  if (c->attr[randint_high].i <= c->attr[randint_low].i) {
    return nl_fail("high (%lld) must be above low (%lld); high itself is never drawn",
                   (long long)c->attr[randint_high].i, (long long)c->attr[randint_low].i);
  }
  nl_dtype dtype = nl_rule_dtype(c, randint_dtype, NL_I64);
  if (dtype == NL_U8 && (c->attr[randint_low].i < 0 || c->attr[randint_high].i > 256)) {
    return nl_fail("numbers from %lld to %lld do not fit into uint8 (0 to 255)", (long long)c->attr[randint_low].i,
                   (long long)c->attr[randint_high].i - 1);
  }
  c->workspace_bytes = 0;
  if (dtype != NL_I64) {
    int64_t n = nl_shape_numel(count < NL_MAX_DIM ? count : NL_MAX_DIM, shape);
    if (n > 0) {
      c->workspace_bytes = (size_t)n * sizeof(int64_t);
    }
  }
  return nl_rule_made(c, count, shape, dtype);
}
static void run_randint(nl_call *c) {
  nl_tensor *out = c->out[0];
  draw d = {.kind = DRAW_INTEGER,
            .dtype = NL_I64,
            .lo = c->attr[randint_low].i,
            .span = (uint64_t)c->attr[randint_high].i - (uint64_t)c->attr[randint_low].i,
            .out = c->workspace ? c->workspace->storage->data : nl_tensor_data(out)};
  fill_draw(c, d, out->numel);
  if (c->workspace) {
    nl_tensor drawn = *out;
    drawn.storage = c->workspace->storage;
    drawn.offset = 0;
    drawn.dtype = NL_I64;
    nl_copy_values(out, &drawn);
  }
}

/* Fisher-Yates */
static nl_status infer_randperm(nl_call *c) {
  int64_t n = c->attr[randperm_n].i;
  if (n < 0) {
    return nl_fail("n must be 0 or more, not %lld", (long long)n);
  }
  return nl_rule_made(c, 1, &n, NL_I64);
}
static void run_randperm(nl_call *c) {
  nl_generator *g = nl_call_generator(c);
  int64_t n = c->out[0]->numel, *p = nl_tensor_data(c->out[0]);
  for (int64_t i = 0; i < n; i++) {
    p[i] = i + 1;
  }
  for (int64_t i = n - 1; i > 0 && !nl_interrupted_at(i); i--) {
    int64_t j = (int64_t)(((unsigned __int128)nl_generator_next(g) * (uint64_t)(i + 1)) >> 64);
    int64_t t = p[i];
    p[i] = p[j];
    p[j] = t;
  }
}

/* ---- dropout ---- */

/* y = x * mask / (1 - p) (Srivastava et al. 2014, inverted form); the mask is the second, hidden result */
static nl_status infer_dropout(nl_call *c) {
  double p = c->attr[dropout_p].number;
  if (!(p >= 0 && p <= 1)) {
    return nl_fail("p is the probability of dropping and must lie in 0..1, not %g", p);
  }
  nl_status status = nl_rule_want_float(c->in[0], "the input");
  if (status == NL_OK) {
    c->dtype = nl_tensor_dtype(c->in[0]);
    nl_rule_like(c, 0, c->in[0], c->dtype);
    nl_rule_like(c, 1, c->in[0], NL_BOOL);
  }
  return status;
}
typedef struct dropout_ctx {
  nl_dtype dtype;
  double scale;
} dropout_ctx;

static void dropout_range(void *ctx, int64_t n, void *const data[], const int step[]) {
  const dropout_ctx *k = ctx;
  const nl_elementwise_kernels *kernels = nl_k->elementwise;
  const float scale32 = (float)k->scale;
  const double zero = 0; /* all bits 0, so it serves both dtypes */
  const void *scale = k->dtype == NL_F32 ? (const void *)&scale32 : (const void *)&k->scale;
  kernels->binary[NL_BIN_MUL][k->dtype](n, data[0], data[1], step[1], scale, 0);
  kernels->select[k->dtype](n, data[0], data[2], data[0], 1, &zero, 0);
}
static void run_dropout(nl_call *c) {
  double keep = 1 - c->attr[dropout_p].number;
  dropout_ctx ctx = {c->dtype, keep > 0 ? 1 / keep : 0};
  fill_draw(c, (draw){.kind = DRAW_BERNOULLI, .a = keep, .out = nl_tensor_data(c->out[1])}, c->out[1]->numel);
  nl_iterate(3, (nl_tensor *[]){c->out[0], c->rin[0], c->out[1]}, dropout_range, &ctx);
}
static nl_status vjp_dropout(nl_call *c, nl_vjp *g) {
  double keep = 1 - c->attr[dropout_p].number;
  nl_tensor *masked = nl_b2(g->build, op_mul(), g->gout[0], c->out[1]);
  g->gin[0] = nl_b_scale(g->build, masked, keep > 0 ? 1 / keep : 0);
  return g->build->status;
}

#define DRAW(n, a, set, text, i, r, k, e)                                                                              \
  {                                                                                                                    \
    .name = n, .args = a, .attrs = set##_attrs, .returns = "tensor", .doc = text, .example = e, .infer = i, .run = r,  \
    .flags = NL_OP_CREATE | NL_OP_RANDOM, .variant = k                                                                 \
  }
#define REFILL(n, a, set, text, i, r, k, e)                                                                            \
  {                                                                                                                    \
    .name = n, .args = a, .attrs = set##_attrs, .returns = "tensor", .doc = text, .example = e, .infer = i, .run = r,  \
    .vjp = vjp_refill, .flags = NL_OP_RANDOM | NL_OP_INPLACE | NL_OP_INPLACE_ONLY, .variant = k                        \
  }

static const nl_op ops[] = {
    DRAW("rand", "shape: shape, dtype: dtype?", nl_made, "Uniform random numbers in [0, 1).", infer_rand, run_rand,
         DRAW_UNIFORM, "nn.rand(3, {generator = nn.Generator(1)})"),
    DRAW("randn", "shape: shape, dtype: dtype?", nl_made, "Normal random numbers with mean 0 and deviation 1.",
         infer_rand, run_rand, DRAW_NORMAL, "nn.randn(3, {generator = nn.Generator(1)})"),
    DRAW("rand_like", "x: tensor, dtype: dtype?", nl_like, "rand with the shape and dtype of x.", infer_rand_like,
         run_rand, DRAW_UNIFORM, "nn.rand_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})"),
    DRAW("randn_like", "x: tensor, dtype: dtype?", nl_like, "randn with the shape and dtype of x.", infer_rand_like,
         run_rand, DRAW_NORMAL, "nn.randn_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})"),
    DRAW("randint", "low: int, high: int, shape: shape, dtype: dtype?", randint,
         "Random integers from low to high - 1.", infer_randint, run_randint, 0,
         "nn.randint(1, 7, {4}, {generator = nn.Generator(1)})"),
    DRAW("randperm", "n: int", randperm, "The numbers 1 to n in random order (int64): a shuffled index.",
         infer_randperm, run_randperm, 0, "nn.randperm(5, {generator = nn.Generator(1)})"),
    REFILL("uniform_", "x: tensor, low: number = 0, high: number = 1", nl_uniform,
           "Fills x with uniform random numbers.", infer_refill, run_refill, DRAW_UNIFORM,
           "nn.zeros(3):uniform_(-1, 1, {generator = nn.Generator(1)})"),
    REFILL("normal_", "x: tensor, mean: number = 0, std: number = 1", normal, "Fills x with normal random numbers.",
           infer_refill, run_refill, DRAW_NORMAL, "nn.zeros(3):normal_(5, 0.1, {generator = nn.Generator(1)})"),
    REFILL("bernoulli_", "x: tensor, p: number = 0.5", bernoulli, "Fills x with 1 (with probability p) and 0.",
           infer_bernoulli, run_bernoulli, DRAW_BERNOULLI,
           "nn.zeros(4):bernoulli_(0.5, {generator = nn.Generator(1)})"),
    {.name = "dropout",
     .args = "x: tensor, p: number = 0.5",
     .attrs = dropout_attrs,
     .returns = "tensor",
     .doc = "Sets elements to 0 with probability p and scales the others by 1 / (1 - p).",
     .example = "nn.dropout(nn.ones(4), 0.5, {generator = nn.Generator(1)})",
     .infer = infer_dropout,
     .run = run_dropout,
     .vjp = vjp_dropout,
     .flags = NL_OP_RANDOM,
     .save = NL_SAVE_OUT(1),
     .visible = 1},
};
NL_FAMILY(random, ops);
