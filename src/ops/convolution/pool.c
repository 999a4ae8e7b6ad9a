/* Pooling: the largest value or the mean of each window. The mean is linear; the largest value is, where it is known
   which place was taken: so gradients of any order are made of four ops. */
#include <string.h>

#include "core/pool.h"
#include "kernels/kernels.h"
#include "ops/convolution/geometry.h"
#include "optable/compose.h"
#include "optable/helpers.h"
#include "optable/rules.h"

NL_ATTRS(max_pool, kernel_size, stride, padding, dilation, ceil_mode) /* of the internal op */
NL_ATTRS(max_pooled, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
NL_ATTRS(avg_pool, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
NL_ATTRS(max_pool_back, size)
NL_ATTRS(avg_pool_back, size, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

/* ---- the geometry: one plane ---- */

static nl_status find_out(nl_conv *g, bool ceil_mode, const nl_tensor *x) {
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    int64_t reach = g->dilation[d] * (g->kernel[d] - 1) + 1, room = g->in[d] + 2 * g->padding[d];
    if (g->padding[d] * 2 > g->kernel[d]) {
      return nl_fail("padding (%lld) can be half of kernel_size (%lld) at most", (long long)g->padding[d],
                     (long long)g->kernel[d]);
    }
    int64_t s = g->stride[d], free = room - reach + (ceil_mode ? s - 1 : 0);
    if (free < 0 || g->in[d] < 1) {
      return nl_fail("the window (%lld wide) does not fit into the padded input (%lld wide), whose shape is %s",
                     (long long)reach, (long long)room, nl_tensor_shape_string(x).s);
    }
    g->out[d] = free / s + 1;
    if (ceil_mode && (g->out[d] - 1) * s >= g->in[d] + g->padding[d]) {
      g->out[d]--; /* a window must begin in the input or in front of it */
    }
  }
  return NL_OK;
}

static nl_status read_pool(const nl_call *c, int first, bool dilated, const nl_tensor *x, int dims, nl_conv *g) {
  memset(g, 0, sizeof *g);
  int count;
  nl_call_list(c, first, &count);
  if (count == 0) {
    return nl_fail("kernel_size is missing");
  }
  nl_status status = nl_read_sizes(c, first, dims, "kernel_size", 1, 1, 1, g->kernel);
  status = status == NL_OK ? nl_read_sizes(c, first + 1, dims, "stride", 1, 1, 1, g->stride) : status;
  nl_call_list(c, first + 1, &count);
  if (count == 0) {
    memcpy(g->stride, g->kernel, sizeof g->stride);
  }
  status = status == NL_OK ? nl_read_sizes(c, first + 2, dims, "padding", 0, 0, 0, g->padding) : status;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    g->dilation[d] = 1;
  }
  if (dilated && status == NL_OK) {
    status = nl_read_sizes(c, first + 3, dims, "dilation", 1, 1, 1, g->dilation);
  }
  g->n = x->shape[0];
  g->ic = g->oc = g->groups = 1;
  return status;
}

static nl_status want_images(const nl_tensor *x, int dims) {
  nl_status status = nl_rule_want_float(x, "the input");
  if (status == NL_OK && (dims < 1 || dims > NL_CONV_DIMS || x->ndim != dims + 2)) {
    status = nl_fail("the input must be batch x channels x %s, but has shape %s", nl_dims_words(dims),
                     nl_tensor_shape_string(x).s);
  }
  return status;
}

static void give_shape(nl_call *c, int i, const nl_tensor *x, const int64_t *sizes, nl_dtype dtype) {
  int dims = x->ndim - 2;
  int64_t shape[NL_MAX_DIM] = {x->shape[0], x->shape[1]};
  memcpy(shape + 2, sizes + NL_CONV_DIMS - dims, (size_t)dims * sizeof *shape);
  nl_rule_shape(c, i, dims + 2, shape, dtype);
}

/* ---- planes, over the pool ---- */

typedef struct planes {
  const nl_conv *g;
  nl_dtype dtype;
  const char *from;
  char *to;
  int64_t *where;
  const double *scale;
  int64_t in_all, out_all;
  void (*each)(const struct planes *, int64_t i);
} planes;

static void do_planes(void *ctx, int64_t begin, int64_t end) {
  const planes *p = ctx;
  for (int64_t i = begin; i < end; i++) {
    p->each(p, i);
  }
}

static void run_planes(planes *p, const nl_conv *g, nl_dtype dtype, int64_t count,
                       void (*each)(const planes *, int64_t)) {
  p->g = g;
  p->dtype = dtype;
  p->each = each;
  p->in_all = g->in[0] * g->in[1] * g->in[2];
  p->out_all = g->out[0] * g->out[1] * g->out[2];
  int64_t work = p->in_all + p->out_all * g->kernel[0] * g->kernel[1] * g->kernel[2] + 1;
  nl_parallel_for(count, nl_even_grain(count, 1 + 25000 / work, 1), do_planes, p);
}

static const char *input(const planes *p, int64_t i, int64_t each) {
  return p->from + (size_t)(i * each) * nl_dtype_size(p->dtype);
}
static char *output(const planes *p, int64_t i, int64_t each) {
  return p->to + (size_t)(i * each) * nl_dtype_size(p->dtype);
}

static void each_max(const planes *p, int64_t i) {
  nl_k->window->max[p->dtype](p->g, input(p, i, p->in_all), output(p, i, p->out_all), p->where + i * p->out_all);
}
static void each_back(const planes *p, int64_t i) {
  nl_k->window->max_back[p->dtype](p->g, input(p, i, p->out_all), p->where + i * p->out_all, output(p, i, p->in_all));
}
static void each_pick(const planes *p, int64_t i) {
  nl_k->window->max_pick[p->dtype](p->g, input(p, i, p->in_all), p->where + i * p->out_all, output(p, i, p->out_all));
}
static void each_sum(const planes *p, int64_t i) {
  nl_k->window->sum[p->dtype](p->g, input(p, i, p->in_all), p->scale, output(p, i, p->out_all));
}
static void each_sum_back(const planes *p, int64_t i) {
  nl_k->window->sum_back[p->dtype](p->g, input(p, i, p->out_all), p->scale, output(p, i, p->in_all));
}

/* ---- the largest value ---- */

static int dims_of(const nl_call *c, const nl_tensor *x) {
  return c->op->variant ? c->op->variant : x->ndim - 2;
}

static nl_status find_max(const nl_call *c, nl_conv *g) {
  nl_tensor *x = c->in[0];
  int dims = dims_of(c, x);
  nl_status status = want_images(x, dims);
  status = status == NL_OK ? read_pool(c, max_pool_kernel_size, true, x, dims, g) : status;
  if (status == NL_OK) {
    nl_set_sizes(g->in, x, dims);
    status = find_out(g, c->attr[max_pool_ceil_mode].b, x);
  }
  return status;
}
static nl_status infer_max(nl_call *c) {
  nl_conv g;
  nl_status status = find_max(c, &g);
  if (status == NL_OK) {
    c->dtype = nl_tensor_dtype(c->in[0]);
    give_shape(c, 0, c->in[0], g.out, c->dtype);
    give_shape(c, 1, c->in[0], g.out, NL_I64);
  }
  return status;
}
static void run_max(nl_call *c) {
  nl_conv g;
  if (find_max(c, &g) == NL_OK) {
    nl_tensor *x = c->rin[0];
    planes p = {.from = nl_tensor_data(x), .to = nl_tensor_data(c->out[0]), .where = nl_tensor_data(c->out[1])};
    run_planes(&p, &g, c->dtype, x->shape[0] * x->shape[1], each_max);
  }
}
static nl_status vjp_max(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0];
  g->gin[0] = nl_b_do(b, op_max_pool_back(), "ttl", g->gout[0], c->out[1], x->ndim - 2, x->shape + 2);
  return b->status;
}

/* in: a gradient (or, to be picked from, images of the same size), and places */
static nl_status read_places(const nl_call *c, const nl_tensor *g, const nl_tensor *where) {
  nl_status status = want_images(g, g->ndim - 2);
  if (status == NL_OK && (nl_tensor_dtype(where) != NL_I64 || where->ndim != g->ndim ||
                          where->shape[0] != g->shape[0] || where->shape[1] != g->shape[1])) {
    status =
        nl_fail("the places (%s, shape %s) do not go with the input's shape %s", nl_dtype_name(nl_tensor_dtype(where)),
                nl_tensor_shape_string(where).s, nl_tensor_shape_string(g).s);
  }
  (void)c;
  return status;
}
static nl_status find_back(const nl_call *c, nl_conv *g) {
  nl_tensor *up = c->in[0];
  nl_status status = read_places(c, up, c->in[1]);
  if (status == NL_OK && !nl_shape_equal(up, c->in[1])) {
    status = nl_fail("the places have shape %s, but the gradient %s", nl_tensor_shape_string(c->in[1]).s,
                     nl_tensor_shape_string(up).s);
  }
  if (status != NL_OK) {
    return status;
  }
  memset(g, 0, sizeof *g);
  int count, dims = up->ndim - 2;
  nl_call_list(c, max_pool_back_size, &count);
  if (count != dims) {
    return nl_fail("size must have %d numbers, but has %d", dims, count);
  }
  nl_set_sizes(g->out, up, dims);
  return nl_read_sizes(c, max_pool_back_size, dims, "size", 0, 0, 1, g->in);
}
static nl_status infer_back(nl_call *c) {
  nl_conv g;
  nl_status status = find_back(c, &g);
  if (status == NL_OK) {
    c->dtype = nl_tensor_dtype(c->in[0]);
    give_shape(c, 0, c->in[0], g.in, c->dtype);
  }
  return status;
}
static void run_back(nl_call *c) {
  nl_conv g;
  if (find_back(c, &g) == NL_OK) {
    nl_tensor *up = c->rin[0];
    planes p = {.from = nl_tensor_data(up), .to = nl_tensor_data(c->out[0]), .where = nl_tensor_data(c->rin[1])};
    run_planes(&p, &g, c->dtype, up->shape[0] * up->shape[1], each_back);
  }
}
static nl_status vjp_back(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b2(g->build, op_max_pool_pick(), g->gout[0], c->in[1]);
  return g->build->status;
}

static nl_status infer_pick(nl_call *c) {
  nl_status status = read_places(c, c->in[0], c->in[1]);
  if (status == NL_OK) {
    c->dtype = nl_tensor_dtype(c->in[0]);
    nl_rule_like(c, 0, c->in[1], c->dtype);
  }
  return status;
}
static void run_pick(nl_call *c) {
  nl_tensor *x = c->rin[0];
  nl_conv g;
  memset(&g, 0, sizeof g);
  nl_set_sizes(g.in, x, x->ndim - 2);
  nl_set_sizes(g.out, c->rin[1], x->ndim - 2);
  planes p = {.from = nl_tensor_data(x), .to = nl_tensor_data(c->out[0]), .where = nl_tensor_data(c->rin[1])};
  run_planes(&p, &g, c->dtype, x->shape[0] * x->shape[1], each_pick);
}
static nl_status vjp_pick(nl_call *c, nl_vjp *g) {
  nl_tensor *x = c->in[0];
  g->gin[0] = nl_b_do(g->build, op_max_pool_back(), "ttl", g->gout[0], c->in[1], x->ndim - 2, x->shape + 2);
  return g->build->status;
}

/* ---- the mean ---- */

/* What each window's sum is multiplied by: 1 over its elements, or over the divisor that is given. With padding that
   counts, windows end where the padded input does. */
static void set_scale(const nl_conv *g, bool with_padding, const nl_attr *divisor, double *scale) {
  for (int64_t i = 0; divisor->set && i < g->out[0] * g->out[1] * g->out[2]; i++) {
    scale[i] = 1 / (double)divisor->i;
  }
  if (divisor->set) {
    return;
  }
  for (int64_t od = 0, i = 0; od < g->out[0]; od++) {
    for (int64_t oh = 0; oh < g->out[1]; oh++) {
      for (int64_t ow = 0; ow < g->out[2]; ow++, i++) {
        int64_t o[NL_CONV_DIMS] = {od, oh, ow}, count = 1;
        for (int d = 0; d < NL_CONV_DIMS; d++) {
          int64_t from = o[d] * g->stride[d] - g->padding[d],
                  to = nl_smaller(from + g->kernel[d], g->in[d] + g->padding[d]);
          if (!with_padding) {
            from = from < 0 ? 0 : from;
            to = nl_smaller(to, g->in[d]);
          }
          count *= to > from ? to - from : 0;
        }
        scale[i] = count > 0 ? 1 / (double)count : 0;
      }
    }
  }
}

static size_t scale_bytes(const nl_conv *g) {
  return (size_t)(g->out[0] * g->out[1] * g->out[2]) * sizeof(double) + 1;
}

static nl_status want_divisor(const nl_attr *divisor) {
  return divisor->set && divisor->i == 0 ? nl_fail("divisor_override must not be 0") : NL_OK;
}

static nl_status find_avg(const nl_call *c, nl_conv *g) {
  nl_tensor *x = c->in[0];
  int dims = dims_of(c, x);
  nl_status status = want_images(x, dims);
  status = status == NL_OK ? read_pool(c, avg_pool_kernel_size, false, x, dims, g) : status;
  if (status == NL_OK) {
    nl_set_sizes(g->in, x, dims);
    status = find_out(g, c->attr[avg_pool_ceil_mode].b, x);
  }
  return status == NL_OK ? want_divisor(&c->attr[avg_pool_divisor_override]) : status;
}
static nl_status infer_avg(nl_call *c) {
  nl_conv g;
  nl_status status = find_avg(c, &g);
  if (status == NL_OK) {
    c->dtype = nl_tensor_dtype(c->in[0]);
    c->workspace_bytes = scale_bytes(&g);
    give_shape(c, 0, c->in[0], g.out, c->dtype);
  }
  return status;
}
static void run_avg(nl_call *c) {
  nl_conv g;
  if (find_avg(c, &g) == NL_OK) {
    nl_tensor *x = c->rin[0];
    double *scale = c->workspace->storage->data;
    set_scale(&g, c->attr[avg_pool_count_include_pad].b, &c->attr[avg_pool_divisor_override], scale);
    planes p = {.from = nl_tensor_data(x), .to = nl_tensor_data(c->out[0]), .scale = scale};
    run_planes(&p, &g, c->dtype, x->shape[0] * x->shape[1], each_sum);
  }
}

/* A call of op with the windows of another call, whose attributes begin at `first`. */
static nl_tensor *with_windows(nl_build *b, const nl_op *op, nl_tensor *x, const nl_call *from, int first,
                               const nl_tensor *size) {
  nl_call k;
  nl_call_init(&k, op, 1, (nl_tensor *[]){x});
  nl_take_geometry(&k, size, from, first, 3);
  return b->status == NL_OK ? nl_b_call(b, &k) : NULL;
}

static nl_status vjp_avg(nl_call *c, nl_vjp *g) {
  g->gin[0] = with_windows(g->build, op_avg_pool_back(), g->gout[0], c, avg_pool_kernel_size, c->in[0]);
  return g->build->status;
}

static nl_status find_avg_back(const nl_call *c, nl_conv *g) {
  nl_tensor *up = c->in[0];
  int dims = up->ndim - 2, count;
  nl_status status = want_images(up, dims);
  status = status == NL_OK ? read_pool(c, avg_pool_back_kernel_size, false, up, dims, g) : status;
  nl_call_list(c, avg_pool_back_size, &count);
  if (status == NL_OK && count != dims) {
    status = nl_fail("size must have %d numbers, but has %d", dims, count);
  }
  status = status == NL_OK ? nl_read_sizes(c, avg_pool_back_size, dims, "size", 0, 0, 1, g->in) : status;
  status = status == NL_OK ? find_out(g, c->attr[avg_pool_back_ceil_mode].b, up) : status;
  status = status == NL_OK ? want_divisor(&c->attr[avg_pool_back_divisor_override]) : status;
  for (int d = 0; d < dims && status == NL_OK; d++) {
    if (g->out[NL_CONV_DIMS - dims + d] != up->shape[d + 2]) {
      status = nl_fail("the gradient's shape %s is not what pooling gives for this size", nl_tensor_shape_string(up).s);
    }
  }
  return status;
}
static nl_status infer_avg_back(nl_call *c) {
  nl_conv g;
  nl_status status = find_avg_back(c, &g);
  if (status == NL_OK) {
    c->dtype = nl_tensor_dtype(c->in[0]);
    c->workspace_bytes = scale_bytes(&g);
    give_shape(c, 0, c->in[0], g.in, c->dtype);
  }
  return status;
}
static void run_avg_back(nl_call *c) {
  nl_conv g;
  if (find_avg_back(c, &g) == NL_OK) {
    nl_tensor *up = c->rin[0];
    double *scale = c->workspace->storage->data;
    set_scale(&g, c->attr[avg_pool_back_count_include_pad].b, &c->attr[avg_pool_back_divisor_override], scale);
    planes p = {.from = nl_tensor_data(up), .to = nl_tensor_data(c->out[0]), .scale = scale};
    run_planes(&p, &g, c->dtype, up->shape[0] * up->shape[1], each_sum_back);
  }
}
static nl_status vjp_avg_back(nl_call *c, nl_vjp *g) {
  g->gin[0] = with_windows(g->build, op_avg_pool(), g->gout[0], c, avg_pool_back_kernel_size, NULL);
  return g->build->status;
}

/* ---- the table ---- */

static bool wants_places(const nl_call *c) {
  return c->attr[max_pooled_return_indices].b;
}

#define MAX_POOL(op_name, dims, words, shown)                                                                          \
  {                                                                                                                    \
    .name = op_name,                                                                                                   \
    .args = "x: tensor, kernel_size: shape, stride: shape?, padding: shape?, dilation: shape?, "                       \
            "ceil_mode: bool = false, return_indices: bool = false",                                                   \
    .attrs = max_pooled_attrs, .returns = "tensor, tensor",                                                            \
    .doc = "The largest value of each window of batch x channels x " words                                             \
           ", with return_indices also its place in the channel, counted from 1 (0: the window lies in the padding "   \
           "alone). stride is "                                                                                        \
           "kernel_size unless it is given; with ceil_mode "                                                           \
           "windows may reach over the end.",                                                                          \
    .example = shown, .infer = infer_max, .run = run_max, .vjp = vjp_max, .flags = NL_OP_CONTIGUOUS,                   \
    .save = NL_SAVE_OUT(1), .variant = dims, .visible = 1, .all_visible = wants_places                                 \
  }
#define AVG_POOL(op_name, dims, words, shown)                                                                          \
  {                                                                                                                    \
    .name = op_name,                                                                                                   \
    .args = "x: tensor, kernel_size: shape, stride: shape?, padding: shape?, ceil_mode: bool = false, "                \
            "count_include_pad: bool = true, divisor_override: int?",                                                  \
    .attrs = avg_pool_attrs, .returns = "tensor",                                                                      \
    .doc = "The mean of each window of batch x channels x " words                                                      \
           ". stride is kernel_size unless it is given; zeros of the padding count, unless count_include_pad is "      \
           "false; divisor_override is what sums are divided by instead.",                                             \
    .example = shown, .infer = infer_avg, .run = run_avg, .vjp = vjp_avg, .flags = NL_OP_CONTIGUOUS, .variant = dims   \
  }
#define LINE "(nn.tensor {{{1.0, 5.0, 2.0, 3.0}}}, {2})"

static const nl_op ops[] = {
    MAX_POOL("max_pool1d", 1, "length", "nn.max_pool1d" LINE),
    MAX_POOL("max_pool2d", 2, "height x width", "nn.max_pool2d(nn.arange(16):float():reshape(1, 1, 4, 4), {2})"),
    MAX_POOL("max_pool3d", 3, "depth x height x width", "nn.max_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape"),
    AVG_POOL("avg_pool1d", 1, "length", "nn.avg_pool1d" LINE),
    AVG_POOL("avg_pool2d", 2, "height x width", "nn.avg_pool2d(nn.arange(16):float():reshape(1, 1, 4, 4), {2})"),
    AVG_POOL("avg_pool3d", 3, "depth x height x width", "nn.avg_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape"),
    {.name = "max_pool_back",
     .args = "grad: tensor, where: tensor, size: shape",
     .attrs = max_pool_back_attrs,
     .returns = "tensor",
     .doc = "The gradient of pooled images of this size, which goes to the places that were taken.",
     .infer = infer_back,
     .run = run_back,
     .vjp = vjp_back,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(1)},
    {.name = "max_pool_pick",
     .args = "x: tensor, where: tensor",
     .returns = "tensor",
     .doc = "The values at places of each channel; 0 at place 0.",
     .infer = infer_pick,
     .run = run_pick,
     .vjp = vjp_pick,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(1)},
    {.name = "avg_pool",
     .args = "x: tensor, kernel_size: shape, stride: shape?, padding: shape?, ceil_mode: bool = false, "
             "count_include_pad: bool = true, divisor_override: int?",
     .attrs = avg_pool_attrs,
     .returns = "tensor",
     .doc = "The means of windows over as many dims as x has behind batch and channels.",
     .infer = infer_avg,
     .run = run_avg,
     .vjp = vjp_avg,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
    {.name = "max_pool",
     .args = "x: tensor, kernel_size: shape, stride: shape?, padding: shape?, dilation: shape?, "
             "ceil_mode: bool = false",
     .attrs = max_pool_attrs,
     .returns = "tensor, tensor",
     .doc = "The largest values of windows over as many dims as x has behind batch and channels, and their places.",
     .infer = infer_max,
     .run = run_max,
     .vjp = vjp_max,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_OUT(1)},
    {.name = "avg_pool_back",
     .args = "grad: tensor, size: shape, kernel_size: shape, stride: shape?, padding: shape?, ceil_mode: bool = false, "
             "count_include_pad: bool = true, divisor_override: int?",
     .attrs = avg_pool_back_attrs,
     .returns = "tensor",
     .doc = "The gradient of images of this size whose windows' means were taken.",
     .infer = infer_avg_back,
     .run = run_avg_back,
     .vjp = vjp_avg_back,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
};

NL_FAMILY(pool, ops);
