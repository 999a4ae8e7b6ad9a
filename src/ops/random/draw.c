/* Draws from distributions. Where a draw is a smooth function of its parameters (normal, exponential, laplace),
   gradients flow to them. In place forms fill a tensor. */
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "kernels/distribution.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

NL_ATTRS(distribution, shape)
NL_ATTRS(multinomial, num_samples, replacement)

/* Uniform (0) or normal (1) numbers of a shape from the call's generator. */
static nl_tensor *drawn(nl_call *c, nl_build *b, bool normal, nl_dtype dtype, int ndim, const int64_t *shape) {
  nl_call r;
  nl_call_init(&r, nl_op_find(normal ? "randn" : "rand"), 0, NULL);
  nl_call_set_list(&r, nl_made_shape, ndim, shape);
  r.attr[nl_made_dtype] = (nl_attr){.set = true, .i = dtype};
  r.generator = c->generator;
  return nl_b_call(b, &r);
}

/* The draw's shape: as the call says, or what the parameters broadcast to. Also the dtype. */
static bool draw_shape(nl_call *c, nl_build *b, int n, int *ndim, int64_t *shape, nl_dtype *dtype) {
  nl_tensor *p = c->in[0], *q = n > 1 ? c->in[1] : NULL;
  *dtype = nl_rule_float(nl_promote(n, c->in));
  int64_t both[NL_MAX_DIM];
  int k = p->ndim;
  memcpy(both, p->shape, (size_t)k * sizeof *both);
  if (q) {
    b->status = nl_broadcast_shapes(p->ndim, p->shape, q->ndim, q->shape, &k, both);
  }
  if (b->status == NL_OK && c->attr[distribution_shape].set) {
    const int64_t *wanted = nl_call_list(c, distribution_shape, ndim);
    memcpy(shape, wanted, (size_t)*ndim * sizeof *shape);
    int joined;
    int64_t check[NL_MAX_DIM];
    b->status = nl_broadcast_shapes(k, both, *ndim, wanted, &joined, check);
    if (b->status == NL_OK && (joined != *ndim || memcmp(check, wanted, (size_t)joined * sizeof *check) != 0)) {
      nl_b_fail(b, "parameters of shape %s do not fit into draws of shape %s", nl_shape_string(k, both).s,
                nl_shape_string(*ndim, wanted).s);
    }
    return b->status == NL_OK;
  }
  *ndim = k;
  memcpy(shape, both, (size_t)k * sizeof *shape);
  return b->status == NL_OK;
}

/* ---- formulas of uniform or normal numbers, which lie in [0, 1) ---- */

static nl_tensor *exponential(nl_build *b, nl_tensor *u) {
  return b_neg(b, b_log1p(b, b_neg(b, u)));
}
static nl_tensor *laplace(nl_build *b, nl_tensor *u) {
  nl_tensor *centred = b_plus(b, u, -0.5);
  nl_tensor *size = b_log1p(b, nl_b_do(b, op_clamp_between(), "tn", b_times(b, b_abs(b, centred), -2), -1 + 1e-7));
  return b_neg(b, b_mul(b, b_sign(b, centred), size));
}
static nl_tensor *cauchy(nl_build *b, nl_tensor *u) {
  return nl_b1(b, op_tan(), b_times(b, b_plus(b, u, -0.5), M_PI));
}

enum { NORMAL, EXPONENTIAL, LAPLACE, CAUCHY, LOG_NORMAL, GEOMETRIC, UNIFORM };

NL_COMPOSE(two_parameters) {
  int n;
  int64_t shape[NL_MAX_DIM];
  nl_dtype dtype;
  int kind = c->op->variant;
  if (!draw_shape(c, b, 2, &n, shape, &dtype)) {
    return;
  }
  nl_tensor *u = drawn(c, b, kind == NORMAL, dtype, n, shape);
  u = kind == LAPLACE ? laplace(b, u) : u;
  if (kind == UNIFORM) {
    nl_give(c, b_add(b, x, b_mul(b, b_sub(b, c->in[1], x), u)));
    return;
  }
  nl_give(c, b_add(b, x, b_mul(b, c->in[1], u)));
}
NL_COMPOSE(exponential) {
  int n;
  int64_t shape[NL_MAX_DIM];
  nl_dtype dtype;
  if (draw_shape(c, b, 1, &n, shape, &dtype)) {
    nl_give(c, b_div(b, exponential(b, drawn(c, b, false, dtype, n, shape)), x));
  }
}
NL_COMPOSE(bernoulli) {
  b->status = nl_rule_want_float(x, "the probabilities");
  nl_dtype dtype = nl_tensor_dtype(x);
  nl_tensor *u = drawn(c, b, false, dtype, x->ndim, x->shape), *hit = b_lt(b, u, x);
  nl_give(c, nl_b_cast(b, hit, dtype));
}

/* In place: x's shape and dtype, two numbers, which each op names otherwise. */
NL_COMPOSE(fill) {
  b->status = nl_rule_want_float(x, "the tensor to fill");
  int kind = c->op->variant;
  double p = c->attr[0].number, q = c->attr[1].number;
  bool bad = kind == EXPONENTIAL ? !(p > 0) : (kind == GEOMETRIC ? !(p > 0 && p < 1) : !(q > 0));
  if (b->status == NL_OK && bad) {
    nl_b_fail(b,
              kind == EXPONENTIAL
                  ? "rate must be positive, not %g"
                  : (kind == GEOMETRIC ? "p must lie between 0 and 1, not %g" : "the scale must be positive, not %g"),
              kind == EXPONENTIAL || kind == GEOMETRIC ? p : q);
  }
  nl_tensor *u = drawn(c, b, kind == LOG_NORMAL, nl_tensor_dtype(x), x->ndim, x->shape), *t;
  switch (kind) {
  case EXPONENTIAL:
    t = b_times(b, exponential(b, u), 1 / p);
    break;
  case GEOMETRIC:
    t = nl_b1(b, op_ceil(), b_times(b, b_log1p(b, b_neg(b, u)), 1 / log1p(-p)));
    t = b_maximum(b, t, nl_b_number(b, 1));
    break;
  default:
    t = kind == LAPLACE ? laplace(b, u) : (kind == CAUCHY ? cauchy(b, u) : u);
    t = b_plus(b, b_times(b, t, q), p);
    t = kind == LOG_NORMAL ? b_exp(b, t) : t;
  }
  nl_give(c, t);
}

/* ---- gamma, poisson: a stream for each element ---- */

static nl_status infer_stream(nl_call *c) {
  c->dtype = nl_rule_float(nl_tensor_dtype(c->in[0]));
  nl_rule_like(c, 0, c->in[0], c->dtype);
  return NL_OK;
}
typedef struct stream_job {
  uint64_t seed, draw;
  nl_call *c;
} stream_job;
static void stream_range(void *ctx, int64_t begin, int64_t end) {
  const stream_job *j = ctx;
  for (int64_t i = begin; i < end; i++) {
    nl_stream s;
    nl_stream_start(&s, j->seed, j->draw, (uint64_t)i);
    double p = nl_tensor_get_double(j->c->rin[0], i);
    nl_tensor_set_double(j->c->out[0], i, j->c->op->variant ? nl_stream_poisson(&s, p) : nl_stream_gamma(&s, p));
  }
}
static void run_stream(nl_call *c) {
  nl_generator *g = nl_call_generator(c);
  stream_job job = {g->seed, nl_generator_take(g, 1), c};
  nl_parallel_for(c->out[0]->numel, 1024, stream_range, &job);
}
/* Standard draws with the parameter expanded to the draw's shape. */
static nl_tensor *standard(nl_call *c, nl_build *b, const char *op, nl_tensor *p, nl_dtype dtype, int n,
                           const int64_t *shape) {
  nl_call k;
  nl_call_init(&k, nl_op_find(op), 1, NULL);
  k.in[0] = nl_b_expand(b, nl_b_cast(b, p, dtype), n, shape);
  k.generator = c->generator;
  return nl_b_call(b, &k);
}
NL_COMPOSE(gamma) {
  int n;
  int64_t shape[NL_MAX_DIM];
  nl_dtype dtype;
  if (draw_shape(c, b, 2, &n, shape, &dtype)) {
    nl_give(c, b_div(b, standard(c, b, "standard_gamma", x, dtype, n, shape), c->in[1]));
  }
}
/* a / (a + b) of two gammas */
NL_COMPOSE(beta) {
  int n;
  int64_t shape[NL_MAX_DIM];
  nl_dtype dtype;
  if (draw_shape(c, b, 2, &n, shape, &dtype)) {
    nl_tensor *g = standard(c, b, "standard_gamma", x, dtype, n, shape);
    nl_tensor *h = standard(c, b, "standard_gamma", c->in[1], dtype, n, shape);
    nl_give(c, b_div(b, g, b_add(b, g, h)));
  }
}

/* ---- multinomial ---- */

/* Weights as the leaves of a binary tree whose inner nodes are the sums of both children: node 1 is the root, the
   children of i are 2i and 2i + 1. A draw and a change take one way between root and leaf. */
static int64_t leaves_for(int64_t classes) {
  int64_t n = 1;
  while (n < classes) {
    n *= 2;
  }
  return n;
}
static nl_status infer_multinomial(nl_call *c) {
  nl_tensor *w = c->in[0];
  int64_t n = c->attr[multinomial_num_samples].i;
  nl_status status = nl_rule_want_float(w, "the weights");
  if (status != NL_OK) {
    return status;
  }
  if (w->ndim < 1 || w->ndim > 2 || n < 1) {
    return nl_fail("takes a row of weights or a matrix of rows (shape %s), and draws at least one, not %lld",
                   nl_tensor_shape_string(w).s, (long long)n);
  }
  int64_t classes = w->shape[w->ndim - 1], rows = w->ndim == 2 ? w->shape[0] : 1;
  for (int64_t r = 0; r < rows; r++) {
    int64_t positive = 0;
    for (int64_t k = 0; k < classes; k++) {
      double v = nl_tensor_get_double(w, r * classes + k);
      if (!(v >= 0 && v < INFINITY)) {
        return nl_fail("weight %lld of row %lld is %g; weights are finite and not negative", (long long)k + 1,
                       (long long)r + 1, v);
      }
      positive += v > 0;
    }
    if (positive < (c->attr[multinomial_replacement].b ? 1 : n)) {
      return nl_fail("row %lld has %lld positive weights, but %lld different draws were asked for%s", (long long)r + 1,
                     (long long)positive, (long long)(c->attr[multinomial_replacement].b ? 1 : n),
                     c->attr[multinomial_replacement].b ? "" : "; {replacement = true} draws again");
    }
  }
  int64_t shape[2] = {rows, n};
  nl_rule_shape(c, 0, w->ndim, w->ndim == 2 ? shape : shape + 1, NL_I64);
  c->workspace_bytes = 2 * (size_t)leaves_for(classes) * sizeof(double);
  return NL_OK;
}
static int64_t pick_leaf(const double *tree, int64_t leaves, double at) {
  int64_t i = 1;
  while (i < leaves) {
    bool right = at >= tree[2 * i] && tree[2 * i + 1] > 0;
    at -= right ? tree[2 * i] : 0;
    i = 2 * i + right;
  }
  return i - leaves;
}
static void take_leaf(double *tree, int64_t leaves, int64_t leaf) {
  int64_t i = leaves + leaf;
  tree[i] = 0;
  for (i /= 2; i > 0; i /= 2) {
    tree[i] = tree[2 * i] + tree[2 * i + 1];
  }
}
static void run_multinomial(nl_call *c) {
  enum { LOOK_EVERY = 1 << 14 };
  nl_tensor *w = c->rin[0];
  nl_generator *g = nl_call_generator(c);
  uint64_t draw = nl_generator_take(g, 1);
  int64_t classes = w->shape[w->ndim - 1], rows = w->ndim == 2 ? w->shape[0] : 1,
          n = c->attr[multinomial_num_samples].i, *out = nl_tensor_data(c->out[0]), leaves = leaves_for(classes);
  bool again = c->attr[multinomial_replacement].b;
  double *tree = c->workspace->storage->data;
  for (int64_t r = 0; r < rows && !nl_interrupt_pending(); r++) {
    nl_stream s;
    nl_stream_start(&s, g->seed, draw, (uint64_t)r);
    for (int64_t k = 0; k < leaves; k++) {
      tree[leaves + k] = k < classes ? nl_tensor_get_double(w, r * classes + k) : 0;
    }
    for (int64_t i = leaves - 1; i > 0; i--) {
      tree[i] = tree[2 * i] + tree[2 * i + 1];
    }
    for (int64_t i = 0; i < n && (i % LOOK_EVERY != 0 || !nl_interrupt_pending()); i++) {
      int64_t pick = pick_leaf(tree, leaves, nl_stream_uniform(&s) * tree[1]);
      out[r * n + i] = pick + 1;
      if (!again) {
        take_leaf(tree, leaves, pick);
      }
    }
  }
}

#define TWO(n, a, text, f, k, e)                                                                                       \
  {                                                                                                                    \
    .name = n, .args = a ", shape: shape?", .attrs = distribution_attrs, .returns = "tensor", .doc = text,             \
    .compose = compose_##f, .variant = k, .flags = NL_OP_RANDOM, .example = e                                          \
  }
#define FILL(n, a, text, k, e)                                                                                         \
  {                                                                                                                    \
    .name = n, .args = "x: tensor, " a, .returns = "tensor", .doc = text, .example = e, .compose = compose_fill,       \
    .variant = k, .flags = NL_OP_RANDOM | NL_OP_INPLACE | NL_OP_INPLACE_ONLY | NL_OP_NO_GRAD                           \
  }
#define SEED "{generator = nn.Generator(1)}"

static const nl_op ops[] = {
    TWO("normal", "mean: operand, std: operand",
        "Normal numbers; gradients flow to mean and std. The shape is that of the parameters unless given.",
        two_parameters, NORMAL, "nn.normal(10, 0.1, {3}, " SEED ")"),
    TWO("uniform", "low: operand, high: operand", "Uniform numbers in [low, high); gradients flow to both.",
        two_parameters, UNIFORM, "nn.uniform(5, 6, {3}, " SEED ")"),
    TWO("laplace", "loc: operand, scale: operand", "Numbers from Laplace's distribution; gradients flow to both.",
        two_parameters, LAPLACE, "nn.laplace(0, 1, {3}, " SEED ")"),
    TWO("exponential", "rate: operand", "Exponential numbers with mean 1 / rate; gradients flow to it.", exponential, 0,
        "nn.exponential(2, {3}, " SEED ")"),
    {.name = "bernoulli",
     .args = "p: tensor",
     .returns = "tensor",
     .doc = "1 with the probability that each element says, else 0.",
     .compose = compose_bernoulli,
     .flags = NL_OP_RANDOM | NL_OP_NO_GRAD,
     .example = "nn.bernoulli(nn.tensor {0.0, 0.5, 1.0}, " SEED ")"},
    {.name = "standard_gamma",
     .args = "shape: tensor",
     .returns = "tensor",
     .doc = "Gamma numbers with rate 1.",
     .infer = infer_stream,
     .run = run_stream,
     .flags = NL_OP_RANDOM | NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
    {.name = "gamma",
     .args = "concentration: operand, rate: operand, shape: shape?",
     .attrs = distribution_attrs,
     .returns = "tensor",
     .doc = "Gamma numbers with mean concentration / rate: Marsaglia & Tsang 2000. No gradient for the concentration.",
     .compose = compose_gamma,
     .flags = NL_OP_RANDOM,
     .example = "nn.gamma(2, 1, {3}, " SEED ")"},
    {.name = "beta",
     .args = "a: operand, b: operand, shape: shape?",
     .attrs = distribution_attrs,
     .returns = "tensor",
     .doc = "Beta numbers in (0, 1) with mean a / (a + b).",
     .compose = compose_beta,
     .flags = NL_OP_RANDOM | NL_OP_NO_GRAD,
     .example = "nn.beta(2, 2, {3}, " SEED ")"},
    {.name = "poisson",
     .args = "rate: tensor",
     .returns = "tensor",
     .doc = "Counts of events with these mean rates: Hormann 1993.",
     .infer = infer_stream,
     .run = run_stream,
     .flags = NL_OP_RANDOM | NL_OP_CONTIGUOUS,
     .variant = 1,
     .example = "nn.poisson(nn.tensor {0.5, 4.0, 100.0}, " SEED ")"},
    {.name = "multinomial",
     .args = "weights: tensor, num_samples: int, replacement: bool = false",
     .attrs = multinomial_attrs,
     .returns = "tensor",
     .doc = "Classes (from 1) drawn with probabilities in proportion to the weights, from each row.",
     .infer = infer_multinomial,
     .run = run_multinomial,
     .flags = NL_OP_RANDOM | NL_OP_CONTIGUOUS | NL_OP_CHECKS,
     .example = "nn.multinomial(nn.tensor {1.0, 0.0, 3.0}, 4, true, " SEED ")"},
    FILL("exponential_", "lambd: number = 1", "Fills x with exponential random numbers.", EXPONENTIAL,
         "nn.zeros(3):exponential_(2, {generator = nn.Generator(1)})"),
    FILL("laplace_", "loc: number = 0, scale: number = 1", "Fills x with numbers from Laplace's distribution.", LAPLACE,
         "nn.zeros(3):laplace_(0, 1, {generator = nn.Generator(1)})"),
    FILL("cauchy_", "median: number = 0, sigma: number = 1", "Fills x with numbers from Cauchy's distribution.", CAUCHY,
         "nn.zeros(3):cauchy_(0, 1, {generator = nn.Generator(1)})"),
    FILL("log_normal_", "mean: number = 1, std: number = 2", "Fills x with numbers whose logarithms are normal.",
         LOG_NORMAL, "nn.zeros(3):log_normal_(0, 1, {generator = nn.Generator(1)})"),
    FILL("geometric_", "p: number", "Fills x with the number of trials up to the first success.", GEOMETRIC,
         "nn.zeros(3):geometric_(0.5, {generator = nn.Generator(1)})"),
};

NL_FAMILY(draw, ops);
