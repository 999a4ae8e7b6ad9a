/* Elementwise ops: one kernel over every element, operands broadcast. */
#include <math.h>

#include "ops/elementwise/elementwise.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

NL_ATTRS(clamp, min, max)
NL_ATTRS(elu, alpha)

static nl_status no_kernel(const nl_call *c) {
  return nl_fail("is not defined for %s tensors; convert first, e.g. x:to(\"%s\")", nl_dtype_name(c->dtype),
                 c->dtype == NL_BOOL || nl_dtype_is_float(c->dtype) ? "int64" : "float32");
}

/* ---- unary ---- */

nl_status nl_infer_unary(nl_call *c) {
  int id = c->op->kernel;
  c->dtype = nl_tensor_dtype(c->in[0]);
  if (!nl_unary_kernel(id, c->dtype)) {
    if ((c->dtype == NL_BOOL && nl_unary_kernel(id, NL_I64)) || !nl_unary_kernel(id, NL_F32)) {
      return no_kernel(c);
    }
    c->dtype = nl_rule_float(c->dtype);
  }
  bool question = id == NL_UN_NOT || (id >= NL_UN_ISNAN && id <= NL_UN_SIGNBIT);
  nl_rule_like(c, 0, c->in[0], question ? NL_BOOL : c->dtype);
  return NL_OK;
}

static void unary_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  const nl_strip *s = ctx;
  if (step[1]) {
    s->ctx.one.fn(n, data[0], data[1]);
  } else {
    s->ctx.one.fn(1, data[0], data[1]);
    nl_repeat_first(data[0], s->ctx.one.size, n);
  }
}

static void unary_strip(const nl_call *c, nl_unary_fn fn, nl_strip *s) {
  s->fn = unary_run;
  s->ctx.one.fn = fn;
  s->ctx.one.size = nl_dtype_size(nl_tensor_dtype(c->out[0]));
  s->n = 2;
  s->t[0] = c->out[0];
  s->t[1] = c->rin[0];
}

bool nl_strip_unary(const nl_call *c, nl_strip *s) {
  unary_strip(c, nl_unary_kernel(c->op->kernel, c->dtype), s);
  return true;
}

static nl_status vjp_neg(nl_call *c, nl_vjp *g) {
  (void)c;
  g->gin[0] = nl_b1(g->build, op_neg(), g->gout[0]);
  return g->build->status;
}
static nl_status vjp_abs(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_mul(), g->gout[0], nl_b1(g->build, op_sign(), c->in[0]));
  return g->build->status;
}
nl_status nl_vjp_zero(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b_zeros(g->build, nl_tensor_dtype(c->in[0]), c->in[0]->ndim, c->in[0]->shape);
  return g->build->status;
}
static nl_status vjp_square(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_mul(), g->gout[0], nl_b_scale(g->build, c->in[0], 2));
  return g->build->status;
}
static nl_status vjp_exponential(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_mul(), g->gout[0], c->out[0]);
  return g->build->status;
}
static nl_status vjp_log(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_div(), g->gout[0], c->in[0]);
  return g->build->status;
}
static nl_status vjp_log1p(nl_call *c, nl_vjp *g) {
  nl_tensor *d = nl_b2(g->build, op_add(), c->in[0], nl_b_number(g->build, 1));
  g->gin[0] = nl_b2(g->build, op_div(), g->gout[0], d);
  return g->build->status;
}
static nl_status vjp_sqrt(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_div(), g->gout[0], nl_b_scale(g->build, c->out[0], 2));
  return g->build->status;
}
static nl_status vjp_tanh(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_tanh_backward(), g->gout[0], c->out[0]);
  return g->build->status;
}
static nl_status vjp_sigmoid(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_sigmoid_backward(), g->gout[0], c->out[0]);
  return g->build->status;
}
static nl_status vjp_relu(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_relu_backward(), g->gout[0], c->out[0]);
  return g->build->status;
}
static nl_status vjp_softplus(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_mul(), g->gout[0], nl_b1(g->build, op_sigmoid(), c->in[0]));
  return g->build->status;
}

/* 2 / sqrt(pi) exp(-x^2) */
static nl_status vjp_erf(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *square = nl_b1(b, op_square(), c->in[0]);
  nl_tensor *bell = nl_b1(b, op_exp(), nl_b_scale(b, square, -1));
  g->gin[0] = nl_b2(b, op_mul(), g->gout[0], nl_b_scale(b, bell, 1.12837916709551257390));
  return b->status;
}
static nl_status vjp_sin(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_mul(), g->gout[0], nl_b1(g->build, op_cos(), c->in[0]));
  return g->build->status;
}
static nl_status vjp_cos(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b1(g->build, op_neg(), nl_b2(g->build, op_mul(), g->gout[0], nl_b1(g->build, op_sin(), c->in[0])));
  return g->build->status;
}

/* ---- binary ---- */

nl_status nl_infer_pair_as(nl_call *c, nl_dtype out) {
  nl_tensor *a = c->in[0], *b = c->in[1];
  nl_out_desc *d = &c->desc[0];
  d->dtype = out;
  c->nout = 1;
  return nl_broadcast_shapes(a->ndim, a->shape, b->ndim, b->shape, &d->ndim, d->shape);
}

nl_status nl_infer_binary(nl_call *c) {
  int id = c->op->kernel;
  c->dtype = nl_promote(2, c->in);
  if (!nl_binary_kernel(id, c->dtype) && !(c->dtype == NL_BOOL && nl_binary_kernel(id, NL_I64))) {
    c->dtype = nl_rule_float(c->dtype);
  }
  if (!nl_binary_kernel(id, c->dtype)) {
    return no_kernel(c);
  }
  nl_status status = nl_rule_hold_all(c, 2, c->in); /* in the dtype that is computed in */
  return status == NL_OK ? nl_infer_pair_as(c, c->dtype) : status;
}

static nl_status infer_pow(nl_call *c) {
  nl_status status = nl_infer_binary(c);
  const nl_tensor *y = c->in[1];
  if (status != NL_OK || c->dtype != NL_I64 || y->dtype == NL_U8 || y->dtype == NL_BOOL) {
    return status;
  }
  c->checks = true;
  for (int64_t i = 0; i < y->numel; i++) {
    int64_t v = nl_tensor_get_int(y, i);
    if (v < 0) {
      return nl_fail("whole numbers to the power %lld are fractions; convert them first, e.g. x:float()", (long long)v);
    }
  }
  return NL_OK;
}

static void binary_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  ((const nl_strip *)ctx)->ctx.binary(n, data[0], data[1], step[1], data[2], step[2]);
}

void nl_strip_pair(const nl_call *c, nl_binary_fn fn, nl_strip *s) {
  s->fn = binary_run;
  s->ctx.binary = fn;
  s->n = 3;
  s->t[0] = c->out[0];
  s->t[1] = c->rin[0];
  s->t[2] = c->rin[1];
}

bool nl_strip_binary(const nl_call *c, nl_strip *s) {
  nl_strip_pair(c, nl_binary_kernel(c->op->kernel, c->dtype), s);
  return true;
}

/* An exponent of 2 or 1/2 needs no pow. It is looked at when the op runs, so this op is no plain loop. */
static void run_pow(nl_call *c) {
  const nl_elementwise_kernels *k = nl_k->elementwise;
  nl_tensor *y = c->rin[1];
  nl_strip s;
  nl_strip_binary(c, &s);
  if (y->numel == 1 && nl_dtype_is_float(c->dtype) && nl_shape_equal(c->rin[0], c->out[0])) {
    double e = nl_tensor_get_double(y, 0);
    nl_unary_fn fn = e == 2 ? k->unary[NL_UN_SQUARE][c->dtype] : (e == 0.5 ? k->unary[NL_UN_SQRT][c->dtype] : NULL);
    if (fn) {
      unary_strip(c, fn, &s);
    }
  }
  nl_iterate(s.n, s.t, s.fn, &s);
}

static nl_status vjp_add(nl_call *c, nl_vjp *g) {
  (void)c;
  g->gin[0] = g->gin[1] = g->gout[0];
  return NL_OK;
}
static nl_status vjp_sub(nl_call *c, nl_vjp *g) {
  (void)c;
  g->gin[0] = g->gout[0];
  if (g->need[1]) {
    g->gin[1] = nl_b1(g->build, op_neg(), g->gout[0]);
  }
  return g->build->status;
}
static nl_status vjp_mul(nl_call *c, nl_vjp *g) {
  for (int i = 0; i < 2; i++) {
    if (g->need[i]) {
      g->gin[i] = nl_b2(g->build, op_mul(), g->gout[0], c->in[1 - i]);
    }
  }
  return g->build->status;
}
static nl_status vjp_div(nl_call *c, nl_vjp *g) {
  nl_tensor *over = nl_b2(g->build, op_div(), g->gout[0], c->in[1]);
  g->gin[0] = over;
  if (g->need[1]) {
    nl_tensor *ratio = nl_b2(g->build, op_div(), c->in[0], c->in[1]);
    g->gin[1] = nl_b1(g->build, op_neg(), nl_b2(g->build, op_mul(), over, ratio));
  }
  return g->build->status;
}
static nl_status vjp_pow(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0], *y = c->in[1];
  if (g->need[0]) {
    nl_tensor *lower = nl_b2(b, op_pow(), x, nl_b2(b, op_sub(), y, nl_b_number(b, 1)));
    /* y = 0 gives 0, where x^(y-1) may be infinite */
    nl_tensor *d = nl_b2(b, op_mul(), y, lower);
    nl_tensor *zero = nl_b2(b, op_eq(), y, nl_b_number(b, 0));
    d = nl_b3(b, op_where(), zero, nl_b_number(b, 0), d);
    g->gin[0] = nl_b2(b, op_mul(), g->gout[0], d);
  }
  if (g->need[1]) {
    /* 0^y has gradient 0 for y, where log(0) is infinite */
    nl_tensor *zero = nl_b2(b, op_eq(), x, nl_b_number(b, 0));
    nl_tensor *ln = nl_b1(b, op_log(), x);
    ln = nl_b3(b, op_masked_fill(), ln, zero, nl_b_number(b, 0));
    nl_tensor *p = nl_b2(b, op_pow(), x, y);
    g->gin[1] = nl_b2(b, op_mul(), g->gout[0], nl_b2(b, op_mul(), p, ln));
  }
  return b->status;
}
/* The larger one gets the gradient; equal ones get half each. */
static nl_status vjp_maximum(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *half = nl_b2(b, op_eq(), c->in[0], c->in[1]);
  for (int i = 0; i < 2; i++) {
    if (g->need[i]) {
      bool max = c->op->kernel == NL_BIN_MAXIMUM;
      nl_tensor *win = nl_b2(b, op_gt(), c->in[max ? i : 1 - i], c->in[max ? 1 - i : i]);
      nl_tensor *w = nl_b_cast(b, win, nl_tensor_dtype(g->gout[0]));
      nl_tensor *h = nl_b_cast(b, half, nl_tensor_dtype(g->gout[0]));
      g->gin[i] = nl_b2(b, op_mul(), g->gout[0], nl_b2(b, op_add(), w, nl_b_scale(b, h, 0.5)));
    }
  }
  return b->status;
}
/* h * (1 - y^2) and h * y * (1 - y), as functions of (h, y) */
static nl_status vjp_tanh_backward(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    g->gin[0] = nl_b2(b, op_tanh_backward(), g->gout[0], c->in[1]);
  }
  if (g->need[1]) {
    g->gin[1] = nl_b_scale(b, nl_b2(b, op_mul(), nl_b2(b, op_mul(), g->gout[0], c->in[0]), c->in[1]), -2);
  }
  return b->status;
}
static nl_status vjp_sigmoid_backward(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    g->gin[0] = nl_b2(b, op_sigmoid_backward(), g->gout[0], c->in[1]);
  }
  if (g->need[1]) {
    nl_tensor *slope = nl_b2(b, op_sub(), nl_b_number(b, 1), nl_b_scale(b, c->in[1], 2));
    g->gin[1] = nl_b2(b, op_mul(), nl_b2(b, op_mul(), g->gout[0], c->in[0]), slope);
  }
  return b->status;
}
static nl_status vjp_relu_backward(nl_call *c, nl_vjp *g) {
  if (g->need[0]) {
    g->gin[0] = nl_b2(g->build, op_relu_backward(), g->gout[0], c->in[1]);
  }
  return g->build->status;
}

/* ---- clamp ---- */

static nl_status infer_clamp(nl_call *c) {
  c->dtype = nl_tensor_dtype(c->in[0]);
  if (!c->attr[clamp_min].set && !c->attr[clamp_max].set) {
    return nl_fail("min, max or both are needed, e.g. x:clamp{min = 0}");
  }
  bool fraction = (c->attr[clamp_min].set && floor(c->attr[clamp_min].number) != c->attr[clamp_min].number) ||
                  (c->attr[clamp_max].set && floor(c->attr[clamp_max].number) != c->attr[clamp_max].number);
  if (fraction) {
    c->dtype = nl_rule_float(c->dtype);
  }
  if (!nl_k->elementwise->clamp[c->dtype]) {
    return no_kernel(c);
  }
  for (int i = clamp_min; i <= clamp_max; i++) { /* bounds beyond the dtype on the side where all would become them */
    double v = c->attr[i].set ? c->attr[i].number : 0;
    bool low = i == clamp_min, bytes = c->dtype == NL_U8;
    if (!nl_dtype_is_float(c->dtype) && (low ? v >= (bytes ? 256 : 0x1p63) : v < (bytes ? 0 : -0x1p63))) {
      return nl_fail("%s is %.14g, which does not fit into %s", low ? "min" : "max", v,
                     bytes ? "uint8 (0 to 255)" : "int64");
    }
  }
  nl_rule_like(c, 0, c->in[0], c->dtype);
  return NL_OK;
}

static void clamp_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  const nl_strip *s = ctx;
  s->ctx.with.clamp(step[1] ? n : 1, data[0], data[1], s->ctx.with.a, s->ctx.with.b);
  if (!step[1]) {
    nl_repeat_first(data[0], s->ctx.with.size, n);
  }
}

static bool strip_clamp(const nl_call *c, nl_strip *s) {
  s->fn = clamp_run;
  s->ctx.with.clamp = nl_k->elementwise->clamp[c->dtype];
  s->ctx.with.size = nl_dtype_size(c->dtype);
  s->ctx.with.a = c->attr[clamp_min].set ? c->attr[clamp_min].number : -INFINITY;
  s->ctx.with.b = c->attr[clamp_max].set ? c->attr[clamp_max].number : INFINITY;
  s->n = 2;
  s->t[0] = c->out[0];
  s->t[1] = c->rin[0];
  return true;
}

static nl_status vjp_clamp(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *d = g->gout[0];
  for (int i = clamp_min; i <= clamp_max; i++) {
    if (c->attr[i].set) {
      nl_tensor *in = nl_b2(b, i == clamp_max ? op_le() : op_ge(), c->in[0], nl_b_number(b, c->attr[i].number));
      d = nl_b2(b, op_mul(), d, in);
    }
  }
  g->gin[0] = d;
  return b->status;
}

/* ---- elu ---- */

static nl_status infer_elu(nl_call *c) {
  c->dtype = nl_rule_float(nl_tensor_dtype(c->in[0]));
  nl_rule_like(c, 0, c->in[0], c->dtype);
  return NL_OK;
}

static void elu_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  const nl_strip *s = ctx;
  s->ctx.with.elu(step[1] ? n : 1, data[0], data[1], s->ctx.with.a);
  if (!step[1]) {
    nl_repeat_first(data[0], s->ctx.with.size, n);
  }
}

static bool strip_elu(const nl_call *c, nl_strip *s) {
  s->fn = elu_run;
  s->ctx.with.elu = nl_k->elementwise->elu[c->dtype];
  s->ctx.with.size = nl_dtype_size(c->dtype);
  s->ctx.with.a = c->attr[elu_alpha].number;
  s->n = 2;
  s->t[0] = c->out[0];
  s->t[1] = c->rin[0];
  return true;
}

static nl_tensor *elu_backward(nl_build *b, nl_tensor *g, nl_tensor *x, nl_tensor *y, double alpha) {
  return nl_b_do(b, op_elu_backward(), "tttn", g, x, y, alpha);
}

static nl_status vjp_elu(nl_call *c, nl_vjp *g) {
  g->gin[0] = elu_backward(g->build, g->gout[0], c->in[0], c->out[0], c->attr[elu_alpha].number);
  return g->build->status;
}

/* elu_backward(g, x, y) = g where x > 0, else g (y + alpha) */
static nl_status infer_elu_backward(nl_call *c) {
  c->dtype = nl_rule_float(nl_promote(3, c->in));
  if (!nl_shape_equal(c->in[0], c->in[1]) || !nl_shape_equal(c->in[1], c->in[2])) {
    return nl_fail("needs three tensors of one shape, but got %s, %s and %s", nl_tensor_shape_string(c->in[0]).s,
                   nl_tensor_shape_string(c->in[1]).s, nl_tensor_shape_string(c->in[2]).s);
  }
  nl_rule_like(c, 0, c->in[0], c->dtype);
  return NL_OK;
}

static void elu_backward_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  const nl_strip *s = ctx;
  s->ctx.with.elu_backward(n, data[0], data[1], step[1], data[2], step[2], data[3], step[3], s->ctx.with.a);
}

static bool strip_elu_backward(const nl_call *c, nl_strip *s) {
  s->fn = elu_backward_run;
  s->ctx.with.elu_backward = nl_k->elementwise->elu_backward[c->dtype];
  s->ctx.with.a = c->attr[elu_alpha].number;
  s->n = 4;
  s->t[0] = c->out[0];
  for (int i = 0; i < 3; i++) {
    s->t[i + 1] = c->rin[i];
  }
  return true;
}

/* h * slope for g, h g for y where x <= 0, and nothing for x, whose part comes through y */
static nl_status vjp_elu_backward(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    g->gin[0] = elu_backward(b, g->gout[0], c->in[1], c->in[2], c->attr[elu_alpha].number);
  }
  if (g->need[2]) {
    nl_tensor *low = nl_b2(b, op_le(), c->in[1], nl_b_number(b, 0));
    nl_tensor *d = nl_b2(b, op_mul(), g->gout[0], c->in[0]);
    g->gin[2] = nl_b3(b, op_where(), low, d, nl_b_number(b, 0));
  }
  return b->status;
}

#define E (NL_OP_ELEMENTWISE | NL_OP_PROMOTE | NL_OP_INPLACE)
#define EB (E | NL_OP_BROADCAST)
#define UNARY(n, id, text, v, s, e)                                                                                    \
  {                                                                                                                    \
    .name = n, .args = "x: tensor", .returns = "tensor", .doc = text, .example = e, .infer = nl_infer_unary,           \
    .run = nl_run_strip, .strip = nl_strip_unary, .vjp = v, .flags = E, .save = s, .kernel = id                        \
  }
/* Each input for the other's gradient; x / y: x for that of y. */
#define SAVE_CROSSED NL_SAVE_ALL_IN, .saved_for = {1 << 1, 1 << 0}
#define SAVE_DIVIDED NL_SAVE_ALL_IN, .saved_for = {1 << 1, 0}
#define BINARY(n, id, text, v, s, e)                                                                                   \
  {                                                                                                                    \
    .name = n, .args = "x: operand, y: operand", .returns = "tensor", .doc = text, .example = e,                       \
    .infer = nl_infer_binary, .run = nl_run_strip, .strip = nl_strip_binary, .vjp = v, .flags = EB, .save = s,         \
    .kernel = id                                                                                                       \
  }
#define SUM(n, id, text, v, e)                                                                                         \
  {                                                                                                                    \
    .name = n, .args = "x: operand, y: operand", .returns = "tensor", .doc = text, .example = e,                       \
    .infer = nl_infer_binary, .run = nl_run_strip, .strip = nl_strip_binary, .vjp = v, .flags = EB, .kernel = id,      \
    .factor = "alpha"                                                                                                  \
  }
#define BACKWARD(n, id, text, v, e)                                                                                    \
  {                                                                                                                    \
    .name = n, .args = "g: tensor, y: tensor", .returns = "tensor", .doc = text, .example = e,                         \
    .infer = nl_infer_binary, .run = nl_run_strip, .strip = nl_strip_binary, .vjp = v,                                 \
    .flags = (EB & ~NL_OP_INPLACE) | NL_OP_INTERNAL, .save = NL_SAVE_ALL_IN, .kernel = id                              \
  }

static const nl_op ops[] = {
    UNARY("neg", NL_UN_NEG, "The negative of each element.", vjp_neg, 0, "nn.neg(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("abs", NL_UN_ABS, "The absolute value of each element. The gradient at 0 is 0.", vjp_abs, NL_SAVE_IN(0),
          "nn.abs(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("sign", NL_UN_SIGN, "-1, 0 or 1 for each element (0 for nan). Its gradient is 0.", nl_vjp_zero, 0,
          "nn.sign(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("square", NL_UN_SQUARE, "The square of each element.", vjp_square, NL_SAVE_IN(0),
          "nn.square(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("exp", NL_UN_EXP, "e to the power of each element.", vjp_exponential, NL_SAVE_OUT(0),
          "nn.exp(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("log", NL_UN_LOG, "The natural logarithm of each element; log(0) is -inf, of negative ones nan.", vjp_log,
          NL_SAVE_IN(0), "nn.log(nn.tensor {1.0, 10.0})"),
    UNARY("log1p", NL_UN_LOG1P, "log(1 + x), exact for small x.", vjp_log1p, NL_SAVE_IN(0),
          "nn.log1p(nn.tensor {1e-6, 1.0})"),
    UNARY("sqrt", NL_UN_SQRT, "The square root of each element.", vjp_sqrt, NL_SAVE_OUT(0),
          "nn.sqrt(nn.tensor {4.0, 2.0})"),
    UNARY("tanh", NL_UN_TANH, "The hyperbolic tangent of each element.", vjp_tanh, NL_SAVE_OUT(0),
          "nn.tanh(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("sigmoid", NL_UN_SIGMOID, "1 / (1 + exp(-x)), stable on both sides.", vjp_sigmoid, NL_SAVE_OUT(0),
          "nn.sigmoid(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("relu", NL_UN_RELU, "max(0, x). The gradient at 0 is 0.", vjp_relu, NL_SAVE_OUT(0),
          "nn.relu(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("softplus", NL_UN_SOFTPLUS, "log(1 + exp(x)), stable on both sides.", vjp_softplus, NL_SAVE_IN(0),
          "nn.softplus(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("erf", NL_UN_ERF, "The error function of each element.", vjp_erf, NL_SAVE_IN(0),
          "nn.erf(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("sin", NL_UN_SIN, "The sine of each element, in radians.", vjp_sin, NL_SAVE_IN(0),
          "nn.sin(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("cos", NL_UN_COS, "The cosine of each element, in radians.", vjp_cos, NL_SAVE_IN(0),
          "nn.cos(nn.tensor {-1.0, 0.0, 2.0})"),
    UNARY("floor", NL_UN_FLOOR, "The largest whole number that is not above. Its gradient is 0.", nl_vjp_zero, 0,
          "nn.floor(nn.tensor {-1.5, 1.5})"),
    {.name = "logical_not",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "True where an element is 0.",
     .example = "nn.logical_not(nn.tensor {0, 3})",
     .infer = nl_infer_unary,
     .run = nl_run_strip,
     .strip = nl_strip_unary,
     .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE,
     .kernel = NL_UN_NOT},
    SUM("add", NL_BIN_ADD, "x + y, broadcast.", vjp_add, "nn.add(nn.tensor {1, 2}, 10, {alpha = 3})"),
    SUM("sub", NL_BIN_SUB, "x - y, broadcast.", vjp_sub, "nn.sub(nn.tensor {1, 2}, 10)"),
    BINARY("mul", NL_BIN_MUL, "x * y, elementwise, broadcast.", vjp_mul, SAVE_CROSSED,
           "nn.mul(nn.tensor {1, 2}, nn.tensor {{1}, {10}})"),
    BINARY("div", NL_BIN_DIV, "x / y, broadcast; integers are divided as floats.", vjp_div, SAVE_DIVIDED,
           "nn.div(nn.tensor {1, 2}, 4)"),
    {.name = "pow",
     .args = "x: operand, y: operand",
     .returns = "tensor",
     .doc = "x to the power y, broadcast. Whole numbers to a negative power are an error.",
     .example = "nn.pow(nn.tensor {1, 2, 3}, 2)",
     .infer = infer_pow,
     .run = run_pow,
     .vjp = vjp_pow,
     .flags = EB,
     .save = NL_SAVE_ALL_IN,
     .kernel = NL_BIN_POW},
    BINARY("maximum", NL_BIN_MAXIMUM, "The larger of x and y, elementwise; nan wins.", vjp_maximum, NL_SAVE_ALL_IN,
           "nn.maximum(nn.tensor {-1.0, 0.0, 2.0}, 0.5)"),
    BINARY("minimum", NL_BIN_MINIMUM, "The smaller of x and y, elementwise; nan wins.", vjp_maximum, NL_SAVE_ALL_IN,
           "nn.minimum(nn.tensor {-1.0, 0.0, 2.0}, 0.5)"),
    BACKWARD("tanh_backward", NL_BIN_TANH_BACKWARD, "g * (1 - y^2).", vjp_tanh_backward, NULL),
    BACKWARD("sigmoid_backward", NL_BIN_SIGMOID_BACKWARD, "g * y * (1 - y).", vjp_sigmoid_backward, NULL),
    BACKWARD("relu_backward", NL_BIN_RELU_BACKWARD, "g where y > 0, else 0.", vjp_relu_backward, NULL),
    {.name = "elu",
     .args = "x: tensor, alpha: number = 1",
     .attrs = elu_attrs,
     .returns = "tensor",
     .doc = "x for x > 0, else alpha * (exp(x) - 1): Clevert, Unterthiner & Hochreiter 2015.",
     .example = "nn.elu(nn.tensor {-1.0, 0.0, 2.0})",
     .infer = infer_elu,
     .run = nl_run_strip,
     .strip = strip_elu,
     .vjp = vjp_elu,
     .flags = E,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {.name = "elu_backward",
     .args = "g: tensor, x: tensor, y: tensor, alpha: number = 1",
     .attrs = elu_attrs,
     .returns = "tensor",
     .doc = "g where x > 0, else g (y + alpha), with y = elu(x).",
     .infer = infer_elu_backward,
     .run = nl_run_strip,
     .strip = strip_elu_backward,
     .vjp = vjp_elu_backward,
     .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE | NL_OP_INTERNAL,
     .save = NL_SAVE_ALL_IN},
    {.name = "clamp_between",
     .args = "x: tensor, min: number?, max: number?",
     .attrs = clamp_attrs,
     .returns = "tensor",
     .doc = "clamp with numbers as bounds.",
     .infer = infer_clamp,
     .run = nl_run_strip,
     .strip = strip_clamp,
     .vjp = vjp_clamp,
     .flags = E | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(0)},
};

NL_FAMILY(arithmetic, ops);
