/* Scans: cumsum, cumprod, cummax, cummin, logcumsumexp, and the linear recurrence that their gradients are. */
#include "kernels/scan.h"

#include <math.h>

#include "core/pool.h"
#include "ops/reductions/reduction.h"
#include "optable/compose.h"
#include "optable/rules.h"

NL_ATTRS(scan, dim)
NL_ATTRS(linear, dim, reverse)

static nl_status infer_scan(nl_call *c) {
  nl_tensor *x = c->in[0];
  int dim, kind = c->op->kernel;
  nl_status status = nl_rule_dim(c->attr[scan_dim].i, x->ndim, &dim);
  if (status == NL_OK && (kind == NL_SCAN_LOGSUMEXP || kind == NL_SCAN_LINEAR)) {
    status = nl_rule_want_float(x, "the input");
  }
  if (status == NL_OK && kind == NL_SCAN_LINEAR && (!nl_shape_equal(x, c->in[1]) || x->dtype != c->in[1]->dtype)) {
    status = nl_fail("the factors (%s, shape %s) must be as the values (%s, shape %s)",
                     nl_dtype_name(nl_tensor_dtype(c->in[1])), nl_tensor_shape_string(c->in[1]).s,
                     nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s);
  }
  bool extreme = kind == NL_SCAN_MAX || kind == NL_SCAN_MIN;
  c->dtype = nl_dtype_is_float(nl_tensor_dtype(x)) ? nl_tensor_dtype(x) : NL_I64;
  if (status == NL_OK) {
    nl_rule_like(c, 0, x, c->dtype);
    if (extreme) {
      nl_rule_like(c, 1, x, NL_I64);
      nl_keep_dtype(c);
    }
  }
  return status;
}

static void scan_range(void *ctx, int64_t begin, int64_t end) {
  nl_scan(ctx, begin, end);
}
static void run_along(nl_call *c, bool reverse) {
  nl_tensor *x = c->rin[0];
  int dim = 0;
  nl_rule_dim(c->attr[scan_dim].i, x->ndim, &dim);
  nl_around a = nl_rule_around(x, dim);
  nl_scan_args args = {.kind = (nl_scan_kind)c->op->kernel,
                       .dtype = c->dtype,
                       .reverse = reverse,
                       .red = a.red,
                       .inner = a.inner,
                       .x = nl_tensor_data(x),
                       .a = c->nin > 1 ? nl_tensor_data(c->rin[1]) : NULL,
                       .out = c->nout > 1 ? nl_found(c) : nl_tensor_data(c->out[0]),
                       .at = c->nout > 1 ? nl_tensor_data(c->out[1]) : NULL};
  int64_t grain = 65536 / (a.red > 0 ? a.red : 1);
  grain = a.inner > 1 && grain < 64 ? 64 : (grain < 1 ? 1 : grain);
  nl_parallel_for(a.outer * a.inner, grain, scan_range, &args);
  if (c->nout > 1) {
    nl_narrow(c);
  }
}
static void run_scan(nl_call *c) {
  run_along(c, c->nin > 1 && c->attr[linear_reverse].b);
}
static void run_reverse(nl_call *c) {
  run_along(c, true);
}

/* x moved on by one along the dim: its neighbour before (or after), with `first` where there is none. */
static nl_tensor *neighbour(nl_build *b, nl_tensor *x, int64_t dim, bool after, double first) {
  int d = 0;
  if (x->ndim == 0 || nl_rule_dim(dim, x->ndim, &d) != NL_OK) {
    return nl_b_do(b, op_full_like(), "tt", x, nl_b_number(b, first));
  }
  int64_t n = x->shape[d], one[NL_MAX_DIM];
  if (n == 0) {
    return x;
  }
  for (int i = 0; i < x->ndim; i++) {
    one[i] = i == d ? 1 : x->shape[i];
  }
  nl_tensor *edge = b_plus(b, nl_b_zeros(b, nl_tensor_dtype(x), x->ndim, one), first);
  nl_tensor *rest = b_narrow(b, x, d + 1, after ? 2 : 1, n - 1);
  return b_cat(b, after ? rest : edge, after ? edge : rest, d + 1);
}
static nl_tensor *linear_scan(nl_build *b, nl_tensor *x, nl_tensor *a, int64_t dim, bool reverse) {
  return nl_b_do(b, op_linear_scan(), "ttib", x, a, dim, reverse);
}

static nl_status vjp_cumsum(nl_call *c, nl_vjp *v) {
  v->gin[0] = nl_b_do(v->build, c->op->run == run_reverse ? op_cumsum() : op_cumsum_reverse(), "ti", v->gout[0],
                      c->attr[scan_dim].i);
  return v->build->status;
}
/* dL/dx_k = y_(k-1) s_k with s_k = g_k + x_(k+1) s_(k+1): no division, so zeros are no special case. */
static nl_status vjp_cumprod(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *x = c->in[0], *y = c->out[0];
  int64_t dim = c->attr[scan_dim].i;
  nl_tensor *s = linear_scan(b, v->gout[0], neighbour(b, x, dim, true, 0), dim, true);
  v->gin[0] = b_mul(b, s, neighbour(b, y, dim, false, 1));
  return b->status;
}
static nl_status vjp_cumextreme(nl_call *c, nl_vjp *v) {
  nl_tensor *x = c->in[0];
  if (x->ndim == 0) {
    v->gin[0] = v->gout[0];
    return NL_OK;
  }
  if (v->gout[0]) {
    v->gin[0] =
        nl_b_do(v->build, op_scatter_zeros(), "ttil", v->gout[0], c->out[1], c->attr[scan_dim].i, x->ndim, x->shape);
  }
  return v->build->status;
}
/* dy_k/dy_(k-1) = exp(y_(k-1) - y_k), dy_k/dx_k = exp(x_k - y_k), neither above 1 */
static nl_status vjp_logcumsumexp(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *x = c->in[0], *y = c->out[0];
  int64_t dim = c->attr[scan_dim].i;
  nl_tensor *carried = b_exp(b, b_sub(b, y, neighbour(b, y, dim, true, INFINITY)));
  nl_tensor *s = linear_scan(b, v->gout[0], carried, dim, true);
  v->gin[0] = b_mul(b, s, b_exp(b, b_sub(b, x, y)));
  return b->status;
}
/* y_k = x_k + a_k y_(k-1): with h the gradients, s_k = h_k + a_(k+1) s_(k+1); dx = s, da_k = s_k y_(k-1). */
static nl_status vjp_linear_scan(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  int64_t dim = c->attr[linear_dim].i;
  bool reverse = c->attr[linear_reverse].b;
  nl_tensor *s = linear_scan(b, v->gout[0], neighbour(b, c->in[1], dim, !reverse, 0), dim, !reverse);
  v->gin[0] = s;
  if (v->need[1]) {
    v->gin[1] = b_mul(b, s, neighbour(b, c->out[0], dim, reverse, 0));
  }
  return b->status;
}

#define SCAN(n, text, ret, k, r, v, s, f, e)                                                                           \
  {                                                                                                                    \
    .name = n, .args = "x: tensor, dim: dim = -1", .attrs = scan_attrs, .returns = ret, .doc = text,                   \
    .infer = infer_scan, .run = r, .vjp = v, .flags = NL_OP_CONTIGUOUS | NL_OP_PROMOTE | (f), .save = s, .kernel = k,  \
    .example = e                                                                                                       \
  }
#define NUMBERS "nn.tensor {3, 1, 2}"

static const nl_op ops[] = {
    SCAN("cumsum", "Running sums along a dim; of whole numbers and bools as int64.", "tensor", NL_SCAN_SUM, run_scan,
         vjp_cumsum, 0, NL_OP_INPLACE, "nn.cumsum(" NUMBERS ")"),
    SCAN("cumsum_reverse", "Running sums from the end: cumsum's gradient.", "tensor", NL_SCAN_SUM, run_reverse,
         vjp_cumsum, 0, NL_OP_INTERNAL, NULL),
    SCAN("cumprod", "Running products along a dim.", "tensor", NL_SCAN_PROD, run_scan, vjp_cumprod,
         NL_SAVE_IN(0) | NL_SAVE_OUT(0), NL_OP_INPLACE, "nn.cumprod(" NUMBERS ")"),
    SCAN("cummax", "The largest so far along a dim, and its position (from 1; the last of equals).", "tensor, tensor",
         NL_SCAN_MAX, run_scan, vjp_cumextreme, NL_SAVE_OUT(1), 0, "nn.cummax(" NUMBERS ")"),
    SCAN("cummin", "The smallest so far along a dim, and its position (from 1; the last of equals).", "tensor, tensor",
         NL_SCAN_MIN, run_scan, vjp_cumextreme, NL_SAVE_OUT(1), 0, "nn.cummin(" NUMBERS ")"),
    SCAN("logcumsumexp", "The logarithm of running sums of exp(x), without overflow.", "tensor", NL_SCAN_LOGSUMEXP,
         run_scan, vjp_logcumsumexp, NL_SAVE_IN(0) | NL_SAVE_OUT(0), 0, "nn.logcumsumexp(nn.tensor {1000.0, 1000.0})"),
    {.name = "linear_scan",
     .args = "x: tensor, a: tensor, dim: dim = -1, reverse: bool = false",
     .attrs = linear_attrs,
     .returns = "tensor",
     .doc = "The recurrence y_k = x_k + a_k y_(k-1) along a dim (from the end, with y_(k+1), if reverse).",
     .example = "nn.linear_scan(nn.ones(4), nn.full({4}, 0.5))",
     .infer = infer_scan,
     .run = run_scan,
     .vjp = vjp_linear_scan,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(1) | NL_SAVE_OUT(0),
     .kernel = NL_SCAN_LINEAR},
};

NL_FAMILY(scan, ops);
