/* Ops that make tensors from nothing, and ops that draw random numbers. */
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "ops/build.h"
#include "ops/iterate.h"
#include "ops/rules.h"

NL_OP(mul)

/* ---- constants and ramps ---- */

static nl_dtype dtype_attr(const nl_call *c, int attr, nl_dtype otherwise) {
  return c->attr[attr].set ? (nl_dtype)c->attr[attr].i : otherwise;
}

static nl_status checked_shape(nl_call *c, int count, const int64_t *shape, nl_dtype dtype) {
  if (count > NL_MAX_DIM) {
    return nl_fail("a tensor of %d dims was asked for; at most %d are possible", count, NL_MAX_DIM);
  }
  nl_rule_shape(c, 0, count, shape, dtype);
  return NL_OK;
}

/* shape, dtype */
static nl_status infer_shape_dtype(nl_call *c) {
  int count;
  const int64_t *shape = nl_call_list(c, 0, &count);
  return checked_shape(c, count, shape, dtype_attr(c, 1, NL_DEFAULT_FLOAT));
}

static nl_status infer_like(nl_call *c) {
  return checked_shape(c, c->in[0]->ndim, c->in[0]->shape, dtype_attr(c, 0, nl_tensor_dtype(c->in[0])));
}

static void run_nothing(nl_call *c) {
  (void)c;
}

static void run_constant(nl_call *c) {
  nl_tensor *out = c->out[0];
  if (c->op->variant == 0) {
    memset(nl_tensor_data(out), 0, out->storage->bytes);
    return;
  }
  nl_tensor one = {.storage = &(nl_storage){.data = &(double){1}}, .dtype = NL_F64, .numel = 1, .contiguous = true};
  nl_copy_values(out, &one);
}

/* full(shape, value, dtype): the value comes as a tensor so that a Lua integer stays one */
static nl_status infer_full(nl_call *c) {
  nl_tensor *value = c->in[0];
  if (value->numel != 1) {
    return nl_fail("the fill value must be one number, but has shape %s", nl_tensor_shape_string(value).s);
  }
  int count;
  const int64_t *shape = nl_call_list(c, 0, &count);
  return checked_shape(c, count, shape, dtype_attr(c, 1, nl_promote(1, c->in)));
}
static nl_status infer_full_like(nl_call *c) {
  if (c->in[1]->numel != 1) {
    return nl_fail("the fill value must be one number, but has shape %s", nl_tensor_shape_string(c->in[1]).s);
  }
  return infer_like(c);
}
static void run_full(nl_call *c) {
  nl_tensor flat = *c->rin[c->nin - 1];
  flat.ndim = 0;
  nl_copy_values(c->out[0], &flat);
}

/* [start, end) by step, start first: element i is start + i * step, computed in double */
static nl_status infer_arange(nl_call *c) {
  double start = c->attr[0].number, end = c->attr[1].number, step = c->attr[2].number;
  if (!c->attr[1].set) { /* one number: it is the end */
    end = start;
    start = 0;
    c->attr[0].number = 0;
  }
  if (step == 0 || step != step) {
    return nl_fail("step must not be %s", step == 0 ? "0" : "nan");
  }
  double count = ceil((end - start) / step);
  if (!(count < 1e15)) {
    return nl_fail("from %g to %g by %g is not a finite number of elements", start, end, step);
  }
  bool whole = start == floor(start) && end == floor(end) && step == floor(step);
  int64_t n = count > 0 ? (int64_t)count : 0;
  return checked_shape(c, 1, &n, dtype_attr(c, 3, whole ? NL_I64 : NL_DEFAULT_FLOAT));
}
static nl_status infer_linspace(nl_call *c) {
  int64_t n = c->attr[2].i;
  if (n < 0) {
    return nl_fail("steps must be 0 or more, not %lld", (long long)n);
  }
  return checked_shape(c, 1, &n, dtype_attr(c, 3, NL_DEFAULT_FLOAT));
}
static nl_status infer_eye(nl_call *c) {
  int64_t n = c->attr[0].i, m = c->attr[1].set ? c->attr[1].i : n;
  return checked_shape(c, 2, (int64_t[]){n, m}, dtype_attr(c, 2, NL_DEFAULT_FLOAT));
}
static void run_ramp(nl_call *c) {
  bool linspace = c->op->variant == 1;
  double start = c->attr[0].number, end = c->attr[1].number;
  int64_t n = c->out[0]->numel;
  double step = linspace ? (n > 1 ? (end - start) / (double)(n - 1) : 0) : c->attr[2].number;
  for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {
    /* from the nearer end, so that the last element is exact */
    double v = linspace && i >= n / 2 && n > 1 ? end - (double)(n - 1 - i) * step : start + (double)i * step;
    nl_tensor_set_double(c->out[0], i, v);
  }
}
static void run_eye(nl_call *c) {
  nl_tensor *out = c->out[0];
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  for (int64_t i = 0; i < out->shape[0] && i < out->shape[1]; i++) {
    nl_tensor_set_int(out, i * out->shape[1] + i, 1);
  }
}

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
  nl_status status = infer_shape_dtype(c);
  return status == NL_OK ? want_float_result(c) : status;
}
static nl_status infer_rand_like(nl_call *c) {
  nl_status status = infer_like(c);
  return status == NL_OK ? want_float_result(c) : status;
}
static void run_rand(nl_call *c) {
  nl_tensor *out = c->out[0];
  fill_draw(c,
            (draw){.kind = c->op->variant, .dtype = nl_tensor_dtype(out), .a = 0, .b = 1, .out = nl_tensor_data(out)},
            out->numel);
}

/* uniform_(lo, hi) and normal_(mean, std) */
static nl_status infer_refill(nl_call *c) {
  nl_rule_like(c, 0, c->in[0], nl_tensor_dtype(c->in[0]));
  if (c->op->variant == DRAW_NORMAL && !(c->attr[1].number >= 0)) {
    return nl_fail("std must be 0 or more, not %g", c->attr[1].number);
  }
  if (c->op->variant == DRAW_BERNOULLI) {
    double p = c->attr[0].number;
    return p >= 0 && p <= 1 ? NL_OK : nl_fail("p must lie in 0..1, not %g", p);
  }
  return want_float_result(c);
}
static void run_refill(nl_call *c) {
  nl_tensor *out = c->out[0];
  fill_draw(c,
            (draw){.kind = c->op->variant,
                   .dtype = nl_tensor_dtype(out),
                   .a = c->attr[0].number,
                   .b = c->attr[1].number,
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
  fill_draw(c, (draw){.kind = DRAW_BERNOULLI, .a = c->attr[0].number, .out = nl_tensor_data(&mask)}, mask.numel);
  nl_copy_values(c->out[0], &mask);
}

static nl_status infer_randint(nl_call *c) {
  int count;
  const int64_t *shape = nl_call_list(c, 2, &count);
  if (c->attr[1].i <= c->attr[0].i) {
    return nl_fail("high (%lld) must be above low (%lld); high itself is never drawn", (long long)c->attr[1].i,
                   (long long)c->attr[0].i);
  }
  nl_dtype dtype = dtype_attr(c, 3, NL_I64);
  c->workspace_bytes = 0;
  if (dtype != NL_I64) {
    int64_t n = nl_shape_numel(count < NL_MAX_DIM ? count : NL_MAX_DIM, shape);
    if (n > 0) {
      c->workspace_bytes = (size_t)n * sizeof(int64_t);
    }
  }
  return checked_shape(c, count, shape, dtype);
}
static void run_randint(nl_call *c) {
  nl_tensor *out = c->out[0];
  draw d = {.kind = DRAW_INTEGER,
            .dtype = NL_I64,
            .lo = c->attr[0].i,
            .span = (uint64_t)c->attr[1].i - (uint64_t)c->attr[0].i,
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
  int64_t n = c->attr[0].i;
  if (n < 0) {
    return nl_fail("n must be 0 or more, not %lld", (long long)n);
  }
  return checked_shape(c, 1, &n, NL_I64);
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
  double p = c->attr[0].number;
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
  double keep = 1 - c->attr[0].number;
  dropout_ctx ctx = {c->dtype, keep > 0 ? 1 / keep : 0};
  fill_draw(c, (draw){.kind = DRAW_BERNOULLI, .a = keep, .out = nl_tensor_data(c->out[1])}, c->out[1]->numel);
  nl_iterate(3, (nl_tensor *[]){c->out[0], c->rin[0], c->out[1]}, dropout_range, &ctx);
}
static nl_status vjp_dropout(nl_call *c, nl_vjp *g) {
  double keep = 1 - c->attr[0].number;
  nl_tensor *masked = nl_b2(g->build, op_mul(), g->gout[0], c->out[1]);
  g->gin[0] = nl_b_scale(g->build, masked, keep > 0 ? 1 / keep : 0);
  return g->build->status;
}

#define CREATE(n, a, text, i, r, k, e)                                                                                 \
  {                                                                                                                    \
    .name = n, .args = a, .returns = "tensor", .doc = text, .example = e, .infer = i, .run = r, .flags = NL_OP_CREATE, \
    .variant = k                                                                                                       \
  }
#define DRAW(n, a, text, i, r, k, e)                                                                                   \
  {                                                                                                                    \
    .name = n, .args = a, .returns = "tensor", .doc = text, .example = e, .infer = i, .run = r,                        \
    .flags = NL_OP_CREATE | NL_OP_RANDOM, .variant = k                                                                 \
  }
#define REFILL(n, a, text, i, r, k, e)                                                                                 \
  {                                                                                                                    \
    .name = n, .args = a, .returns = "tensor", .doc = text, .example = e, .infer = i, .run = r, .vjp = vjp_refill,     \
    .flags = NL_OP_RANDOM | NL_OP_INPLACE | NL_OP_INPLACE_ONLY, .variant = k                                           \
  }

static const nl_op ops[] = {
    CREATE("zeros", "shape: shape, dtype: dtype?", "A tensor of zeros.", infer_shape_dtype, run_constant, 0,
           "nn.zeros(2, 3)"),
    CREATE("ones", "shape: shape, dtype: dtype?", "A tensor of ones.", infer_shape_dtype, run_constant, 1,
           "nn.ones(2, {dtype = \"int64\"})"),
    CREATE("empty", "shape: shape, dtype: dtype?", "A tensor whose elements are whatever the memory held.",
           infer_shape_dtype, run_nothing, 0, "nn.empty(2, 3).shape"),
    CREATE("full", "shape: shape, value: operand, dtype: dtype?", "A tensor filled with one value: full({2, 3}, 7).",
           infer_full, run_full, 0, "nn.full({2}, 7)"),
    CREATE("zeros_like", "x: tensor, dtype: dtype?", "Zeros with the shape and dtype of x.", infer_like, run_constant,
           0, "nn.zeros_like(nn.tensor {-1.0, 0.0, 2.0})"),
    CREATE("ones_like", "x: tensor, dtype: dtype?", "Ones with the shape and dtype of x.", infer_like, run_constant, 1,
           "nn.ones_like(nn.tensor {-1.0, 0.0, 2.0})"),
    CREATE("empty_like", "x: tensor, dtype: dtype?", "Uninitialized, with the shape and dtype of x.", infer_like,
           run_nothing, 0, "nn.empty_like(nn.tensor {-1.0, 0.0, 2.0}).shape"),
    CREATE("full_like", "x: tensor, value: operand, dtype: dtype?", "One value, with the shape and dtype of x.",
           infer_full_like, run_full, 0, "nn.full_like(nn.tensor {-1.0, 0.0, 2.0}, 7)"),
    CREATE("arange", "start: number, end: number?, step: number = 1, dtype: dtype?",
           "start, start + step, ... below end; with one number, 0, 1, ... below it.", infer_arange, run_ramp, 0,
           "nn.arange(5)"),
    CREATE("linspace", "start: number, end: number, steps: int, dtype: dtype?",
           "steps numbers, evenly spaced from start to end, both included.", infer_linspace, run_ramp, 1,
           "nn.linspace(0, 1, 5)"),
    CREATE("eye", "n: int, m: int?, dtype: dtype?", "The n x m matrix with ones on its diagonal.", infer_eye, run_eye,
           0, "nn.eye(2)"),
    DRAW("rand", "shape: shape, dtype: dtype?", "Uniform random numbers in [0, 1).", infer_rand, run_rand, DRAW_UNIFORM,
         "nn.rand(3, {generator = nn.Generator(1)})"),
    DRAW("randn", "shape: shape, dtype: dtype?", "Normal random numbers with mean 0 and deviation 1.", infer_rand,
         run_rand, DRAW_NORMAL, "nn.randn(3, {generator = nn.Generator(1)})"),
    DRAW("rand_like", "x: tensor, dtype: dtype?", "rand with the shape and dtype of x.", infer_rand_like, run_rand,
         DRAW_UNIFORM, "nn.rand_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})"),
    DRAW("randn_like", "x: tensor, dtype: dtype?", "randn with the shape and dtype of x.", infer_rand_like, run_rand,
         DRAW_NORMAL, "nn.randn_like(nn.tensor {-1.0, 0.0, 2.0}, {generator = nn.Generator(1)})"),
    DRAW("randint", "low: int, high: int, shape: shape, dtype: dtype?", "Random integers from low to high - 1.",
         infer_randint, run_randint, 0, "nn.randint(1, 7, {4}, {generator = nn.Generator(1)})"),
    DRAW("randperm", "n: int", "The numbers 1 to n in random order (int64): a shuffled index.", infer_randperm,
         run_randperm, 0, "nn.randperm(5, {generator = nn.Generator(1)})"),
    REFILL("uniform_", "x: tensor, low: number = 0, high: number = 1", "Fills x with uniform random numbers.",
           infer_refill, run_refill, DRAW_UNIFORM, "nn.zeros(3):uniform_(-1, 1, {generator = nn.Generator(1)})"),
    REFILL("normal_", "x: tensor, mean: number = 0, std: number = 1", "Fills x with normal random numbers.",
           infer_refill, run_refill, DRAW_NORMAL, "nn.zeros(3):normal_(5, 0.1, {generator = nn.Generator(1)})"),
    REFILL("bernoulli_", "x: tensor, p: number = 0.5", "Fills x with 1 (with probability p) and 0.", infer_bernoulli,
           run_bernoulli, DRAW_BERNOULLI, "nn.zeros(4):bernoulli_(0.5, {generator = nn.Generator(1)})"),
    {.name = "dropout",
     .args = "x: tensor, p: number = 0.5",
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

NL_FAMILY(nl_ops_create, ops);
