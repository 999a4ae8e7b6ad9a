/* Convolution (cross-correlation, as in LeCun et al. 1989) of batch x channels x one to three dims, and its two
   gradients. All three are linear in each of their two inputs, and the gradient of each is made of the others: so there
   are gradients of any order. The gradient of the input is the transposed convolution. */
#include <limits.h>
#include <string.h>

#include "core/pool.h"
#include "kernels/conv.h"
#include "ops/convolution/geometry.h"
#include "optable/compose.h"
#include "optable/helpers.h"
#include "optable/rules.h"

NL_ATTRS(conv, stride, padding, dilation, groups)
NL_ATTRS(conv_input, size, stride, padding, dilation, groups)
NL_ATTRS(conv_weight, size, stride, padding, dilation, groups)

/* ---- the geometry ---- */

/* What x and weight (their shapes; NULL data is fine) and the attributes from `first` on say: all but out. */
static nl_status read_conv(const nl_call *c, int first, const nl_tensor *weight, int dims, nl_conv *g) {
  memset(g, 0, sizeof *g);
  g->dtype = nl_tensor_dtype(weight);
  g->groups = c->attr[first + 3].i;
  nl_status status = nl_read_sizes(c, first, dims, "stride", 1, 1, 1, g->stride);
  status = status == NL_OK ? nl_read_sizes(c, first + 1, dims, "padding", 0, 0, 0, g->padding) : status;
  status = status == NL_OK ? nl_read_sizes(c, first + 2, dims, "dilation", 1, 1, 1, g->dilation) : status;
  if (status == NL_OK && g->groups < 1) {
    status = nl_fail("groups must be at least 1, but is %lld", (long long)g->groups);
  }
  if (status == NL_OK && weight->shape[0] % g->groups) {
    status = nl_fail("the weight's first dim (%lld) must be a multiple of groups (%lld)", (long long)weight->shape[0],
                     (long long)g->groups);
  }
  if (status != NL_OK) {
    return status;
  }
  g->oc = weight->shape[0] / g->groups;
  g->ic = weight->shape[1];
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    int at = d - (NL_CONV_DIMS - dims);
    g->kernel[d] = at < 0 ? 1 : weight->shape[at + 2];
  }
  return NL_OK;
}

/* The sizes of the result, or an error where the kernel does not fit. */
static nl_status fit(nl_conv *g, const nl_tensor *x) {
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    int64_t reach = g->dilation[d] * (g->kernel[d] - 1) + 1, room = g->in[d] + 2 * g->padding[d];
    if (g->kernel[d] < 1 || reach > room) {
      return nl_fail("the kernel (%lld wide, with its dilation) does not fit into the padded input (%lld wide), whose "
                     "shape is %s",
                     (long long)reach, (long long)room, nl_tensor_shape_string(x).s);
    }
    g->out[d] = (room - reach) / g->stride[d] + 1;
  }
  return NL_OK;
}

static nl_status want_batch(const nl_tensor *x, const nl_tensor *weight, int dims, const char *what) {
  nl_status status = nl_rule_want_float(x, what);
  if (status == NL_OK && x->dtype != weight->dtype) {
    status = nl_fail("%s is %s, but the weight is %s; convert one of them", what, nl_dtype_name(nl_tensor_dtype(x)),
                     nl_dtype_name(nl_tensor_dtype(weight)));
  }
  if (status == NL_OK && x->ndim != dims + 2) {
    status = nl_fail("%s must be batch x channels x %s, but has shape %s", what, nl_dims_words(dims),
                     nl_tensor_shape_string(x).s);
  }
  if (status == NL_OK && !nl_thread_workspace()) {
    status = nl_fail_memory(NL_THREAD_WORKSPACE_BYTES + NL_THREAD_PANEL_BYTES);
  }
  return status;
}

static nl_status want_weight(const nl_tensor *weight, int dims) {
  if (weight->ndim != dims + 2) {
    return nl_fail("the weight must be out_channels x in_channels/groups x %d sizes of the kernel, but has shape %s",
                   dims, nl_tensor_shape_string(weight).s);
  }
  return NL_OK;
}

/* ---- conv ---- */

static nl_status find_conv(const nl_call *c, nl_tensor *const *in, nl_conv *g) {
  const nl_tensor *x = in[0], *weight = in[1], *bias = in[2];
  int dims = x->ndim - 2;
  if (dims < 1 || dims > NL_CONV_DIMS) {
    return nl_fail("the input must be batch x channels x one to three dims, but has shape %s",
                   nl_tensor_shape_string(x).s);
  }
  nl_status status = want_batch(x, weight, dims, "the input");
  status = status == NL_OK ? want_weight(weight, dims) : status;
  status = status == NL_OK ? read_conv(c, conv_stride, weight, dims, g) : status;
  if (status == NL_OK && x->shape[1] != g->ic * g->groups) {
    status = nl_fail("the input has %lld channels (shape %s), but the weight (shape %s) takes %lld%s",
                     (long long)x->shape[1], nl_tensor_shape_string(x).s, nl_tensor_shape_string(weight).s,
                     (long long)(g->ic * g->groups), g->groups > 1 ? " with these groups" : "");
  }
  if (status == NL_OK && bias &&
      (bias->ndim != 1 || bias->shape[0] != weight->shape[0] || bias->dtype != weight->dtype)) {
    status =
        nl_fail("the bias (%s, shape %s) must be %s of shape %lld", nl_dtype_name(nl_tensor_dtype(bias)),
                nl_tensor_shape_string(bias).s, nl_dtype_name(nl_tensor_dtype(weight)), (long long)weight->shape[0]);
  }
  if (status != NL_OK) {
    return status;
  }
  g->n = x->shape[0];
  nl_set_sizes(g->in, x, dims);
  return fit(g, x);
}

static nl_status infer_conv(nl_call *c) {
  nl_conv g;
  nl_status status = find_conv(c, c->in, &g);
  if (status != NL_OK) {
    return status;
  }
  int dims = c->in[0]->ndim - 2;
  int64_t shape[NL_MAX_DIM] = {g.n, g.oc * g.groups};
  memcpy(shape + 2, g.out + NL_CONV_DIMS - dims, (size_t)dims * sizeof *shape);
  c->dtype = g.dtype;
  c->workspace_bytes = nl_conv_forward_work(&g);
  nl_rule_shape(c, 0, dims + 2, shape, g.dtype);
  return NL_OK;
}
static void run_conv(nl_call *c) {
  nl_conv g;
  if (find_conv(c, c->rin, &g) == NL_OK) {
    nl_conv_forward(&g, nl_tensor_data(c->rin[0]), nl_tensor_data(c->rin[1]),
                    c->rin[2] ? nl_tensor_data(c->rin[2]) : NULL, nl_tensor_data(c->out[0]),
                    c->workspace ? c->workspace->storage->data : NULL);
  }
}
static double conv_flops(const nl_call *c) {
  const nl_tensor *w = c->in[1];
  return 2.0 * (double)c->out[0]->numel * (w->shape[0] ? (double)w->numel / (double)w->shape[0] : 0);
}

/* A call of one of the three with the geometry of another, whose attributes begin at `first`. */
static nl_tensor *related(nl_build *b, const nl_op *op, nl_tensor *x, nl_tensor *y, const nl_call *from, int first,
                          const nl_tensor *size) {
  nl_call k;
  nl_call_init(&k, op, size ? 2 : 3, (nl_tensor *[]){x, y, NULL});
  nl_take_geometry(&k, size, from, first, 1);
  return b->status == NL_OK ? nl_b_call(b, &k) : NULL;
}

static nl_status vjp_conv(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *up = g->gout[0];
  if (g->need[0]) {
    g->gin[0] = related(b, op_conv_input(), up, c->in[1], c, conv_stride, c->in[0]);
  }
  if (g->need[1]) {
    g->gin[1] = related(b, op_conv_weight(), c->in[0], up, c, conv_stride, c->in[1]);
  }
  if (c->in[2] && g->need[2]) {
    int64_t dims[NL_MAX_DIM] = {1};
    for (int d = 3; d <= up->ndim; d++) {
      dims[d - 2] = d;
    }
    g->gin[2] = nl_b_sum(b, up, up->ndim - 1, dims, false);
  }
  return b->status;
}

/* ---- the input's gradient: the transposed convolution ---- */

/* in: g, weight; size: of the images that were convolved. */
static nl_status find_input(const nl_call *c, nl_tensor *const *in, nl_conv *g) {
  const nl_tensor *up = in[0], *weight = in[1];
  int dims = up->ndim - 2;
  if (dims < 1 || dims > NL_CONV_DIMS) {
    return nl_fail("the gradient must be batch x channels x one to three dims, but has shape %s",
                   nl_tensor_shape_string(up).s);
  }
  nl_status status = want_batch(up, weight, dims, "the gradient");
  status = status == NL_OK ? want_weight(weight, dims) : status;
  status = status == NL_OK ? read_conv(c, conv_input_stride, weight, dims, g) : status;
  status = status == NL_OK ? nl_read_sizes(c, conv_input_size, dims, "size", 0, 0, 1, g->in) : status;
  if (status != NL_OK) {
    return status;
  }
  int count;
  nl_call_list(c, conv_input_size, &count);
  if (count != dims) {
    return nl_fail("size must have %d numbers, but has %d", dims, count);
  }
  g->n = up->shape[0];
  status = fit(g, up);
  for (int d = 0; d < dims && status == NL_OK; d++) {
    if (g->out[NL_CONV_DIMS - dims + d] != up->shape[d + 2] || up->shape[1] != weight->shape[0]) {
      status =
          nl_fail("the gradient's shape %s is not what a convolution with the weight (shape %s) gives for this size",
                  nl_tensor_shape_string(up).s, nl_tensor_shape_string(weight).s);
    }
  }
  return status;
}

static nl_status infer_input(nl_call *c) {
  nl_conv g;
  nl_status status = find_input(c, c->in, &g);
  if (status == NL_OK) {
    int dims = c->in[0]->ndim - 2;
    int64_t shape[NL_MAX_DIM] = {g.n, g.ic * g.groups};
    memcpy(shape + 2, g.in + NL_CONV_DIMS - dims, (size_t)dims * sizeof *shape);
    c->dtype = g.dtype;
    c->workspace_bytes = nl_conv_input_work(&g);
    nl_rule_shape(c, 0, dims + 2, shape, g.dtype);
  }
  return status;
}
static void run_input(nl_call *c) {
  nl_conv g;
  if (find_input(c, c->rin, &g) == NL_OK) {
    nl_conv_input(&g, nl_tensor_data(c->rin[0]), nl_tensor_data(c->rin[1]), nl_tensor_data(c->out[0]),
                  c->workspace ? c->workspace->storage->data : NULL);
  }
}
static double input_flops(const nl_call *c) {
  const nl_tensor *w = c->in[1];
  return 2.0 * (double)c->in[0]->numel * (w->shape[0] ? (double)w->numel / (double)w->shape[0] : 0);
}
static nl_status vjp_input(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    g->gin[0] = related(b, op_conv(), g->gout[0], c->in[1], c, conv_input_stride, NULL);
  }
  if (g->need[1]) {
    g->gin[1] = related(b, op_conv_weight(), g->gout[0], c->in[0], c, conv_input_stride, c->in[1]);
  }
  return b->status;
}

/* ---- the weight's gradient ---- */

/* in: x, g; size: of the kernel. */
static nl_status find_weight(const nl_call *c, nl_tensor *const *in, nl_conv *g) {
  const nl_tensor *x = in[0], *up = in[1];
  int dims = x->ndim - 2, count;
  if (dims < 1 || dims > NL_CONV_DIMS || up->ndim != x->ndim) {
    return nl_fail("input and gradient must be batch x channels x one to three dims, but have shapes %s and %s",
                   nl_tensor_shape_string(x).s, nl_tensor_shape_string(up).s);
  }
  nl_call_list(c, conv_weight_size, &count);
  int64_t groups = c->attr[conv_weight_groups].i;
  if (count != dims || groups < 1 || x->shape[1] % groups || x->shape[0] != up->shape[0]) {
    return nl_fail("input (shape %s), gradient (shape %s), size and groups do not go together",
                   nl_tensor_shape_string(x).s, nl_tensor_shape_string(up).s);
  }
  nl_tensor weight = *up; /* its shape alone counts */
  nl_status status = want_batch(x, up, dims, "the input");
  int64_t size[NL_CONV_DIMS];
  status = status == NL_OK ? nl_read_sizes(c, conv_weight_size, dims, "size", 1, 1, 1, size) : status;
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM] = {up->shape[1], x->shape[1] / groups};
  memcpy(shape + 2, size + NL_CONV_DIMS - dims, (size_t)dims * sizeof *shape);
  weight.shape = shape;
  status = read_conv(c, conv_weight_stride, &weight, dims, g);
  if (status != NL_OK) {
    return status;
  }
  g->n = x->shape[0];
  nl_set_sizes(g->in, x, dims);
  status = fit(g, x);
  for (int d = 0; d < dims && status == NL_OK; d++) {
    if (g->out[NL_CONV_DIMS - dims + d] != up->shape[d + 2]) {
      status = nl_fail("the gradient's shape %s is not what a convolution of the input (shape %s) with this size gives",
                       nl_tensor_shape_string(up).s, nl_tensor_shape_string(x).s);
    }
  }
  return status;
}

static nl_status infer_weight(nl_call *c) {
  nl_conv g;
  nl_status status = find_weight(c, c->in, &g);
  if (status == NL_OK) {
    int dims = c->in[0]->ndim - 2;
    int64_t shape[NL_MAX_DIM] = {g.oc * g.groups, g.ic};
    memcpy(shape + 2, g.kernel + NL_CONV_DIMS - dims, (size_t)dims * sizeof *shape);
    c->dtype = g.dtype;
    c->workspace_bytes = nl_conv_weight_work(&g);
    nl_rule_shape(c, 0, dims + 2, shape, g.dtype);
  }
  return status;
}
static void run_weight(nl_call *c) {
  nl_conv g;
  if (find_weight(c, c->rin, &g) == NL_OK) {
    nl_conv_weight(&g, nl_tensor_data(c->rin[0]), nl_tensor_data(c->rin[1]), nl_tensor_data(c->out[0]),
                   c->workspace->storage->data);
  }
}
static double weight_flops(const nl_call *c) {
  const nl_tensor *w = c->out[0];
  return 2.0 * (double)c->in[1]->numel * (w->shape[0] ? (double)w->numel / (double)w->shape[0] : 0);
}
static nl_status vjp_weight(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    g->gin[0] = related(b, op_conv_input(), c->in[1], g->gout[0], c, conv_weight_stride, c->in[0]);
  }
  if (g->need[1]) {
    g->gin[1] = related(b, op_conv(), c->in[0], g->gout[0], c, conv_weight_stride, NULL);
  }
  return b->status;
}

/* ---- the table ---- */

/* padding = "same": as many zeros as keep the size, one more behind where that is uneven, which a convolution itself
   does not know. */
static nl_tensor *padded_same(nl_build *b, nl_tensor *x, const nl_tensor *weight, nl_call *k, int dims) {
  int64_t stride[NL_CONV_DIMS], dilation[NL_CONV_DIMS], padding[NL_MAX_DIM], behind[2 * NL_MAX_DIM];
  b->status = nl_read_sizes(k, conv_stride, dims, "stride", 1, 1, 1, stride);
  b->status = b->status == NL_OK ? nl_read_sizes(k, conv_dilation, dims, "dilation", 1, 1, 1, dilation) : b->status;
  bool uneven = false;
  for (int d = 0; b->status == NL_OK && d < dims; d++) {
    int at = d + NL_CONV_DIMS - dims;
    int64_t extra = dilation[at] * (weight->shape[d + 2] - 1);
    if (stride[at] != 1) {
      nl_b_fail(b, "padding = \"same\" needs stride 1");
    }
    padding[d] = extra > 0 ? extra / 2 : 0;
    behind[2 * (dims - 1 - d)] = 0;
    behind[2 * (dims - 1 - d) + 1] = extra % 2;
    uneven = uneven || extra % 2;
  }
  if (b->status == NL_OK) {
    nl_call_set_list(k, conv_padding, dims, padding);
  }
  return uneven && b->status == NL_OK ? nl_b_do(b, op_pad(), "tl", x, 2 * dims, behind) : x;
}

NL_COMPOSE(conv_of_dims) {
  nl_tensor *weight = c->in[1];
  int dims = c->op->variant, count;
  if (x->ndim != dims + 2 || weight->ndim != dims + 2) {
    b->status = x->ndim == dims + 2 ? want_weight(weight, dims)
                                    : nl_fail("the input must be batch x channels x %s, but has shape %s",
                                              nl_dims_words(dims), nl_tensor_shape_string(x).s);
    return;
  }
  nl_call k;
  nl_call_init(&k, op_conv(), 3, NULL);
  memcpy(k.attr, c->attr, sizeof k.attr);
  memcpy(k.ints, c->ints, sizeof k.ints);
  k.nints = c->nints;
  const int64_t *padding = nl_call_list(c, conv_padding, &count);
  k.in[0] = count == 1 && padding[0] == NL_WORD ? padded_same(b, x, weight, &k, dims) : x;
  k.in[1] = weight;
  k.in[2] = c->in[2];
  nl_give(c, b->status == NL_OK ? nl_b_call(b, &k) : NULL);
}

#define CONV(op_name, dims, words, shown)                                                                              \
  {                                                                                                                    \
    .name = op_name,                                                                                                   \
    .args = "x: tensor, weight: tensor, bias: tensor?, stride: shape?, padding: shape|same?, dilation: shape?, "       \
            "groups: int = 1",                                                                                         \
    .attrs = conv_attrs, .returns = "tensor",                                                                          \
    .doc = "Cross-correlation of batch x channels x " words " with a weight of out_channels x in_channels/groups x "   \
           "kernel; stride, padding (zeros on both sides) and dilation are numbers, or lists of one for each dim. "    \
           "padding = \"same\" keeps the size (with stride 1).",                                                       \
    .example = shown, .compose = compose_conv_of_dims, .variant = dims                                                 \
  }

static const nl_op ops[] = {
    CONV("conv1d", 1, "length", "nn.conv1d(nn.tensor {{{1.0, 2.0, 3.0, 4.0}}}, nn.tensor {{{1.0, -1.0}}})"),
    CONV("conv2d", 2, "height x width", "nn.conv2d(nn.ones(1, 1, 3, 3), nn.ones(1, 1, 2, 2), {stride = {1}}).shape"),
    CONV("conv3d", 3, "depth x height x width", "nn.conv3d(nn.ones(1, 1, 3, 3, 3), nn.ones(2, 1, 2, 2, 2)).shape"),
    {.name = "conv",
     .args = "x: tensor, weight: tensor, bias: tensor?, stride: shape?, padding: shape?, dilation: shape?, "
             "groups: int = 1",
     .attrs = conv_attrs,
     .returns = "tensor",
     .doc = "A convolution over as many dims as x has behind batch and channels.",
     .infer = infer_conv,
     .run = run_conv,
     .flops = conv_flops,
     .vjp = vjp_conv,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(0) | NL_SAVE_IN(1),
     .saved_for = {1 << 1, 1 << 0}},
    {.name = "conv_input",
     .args = "grad: tensor, weight: tensor, size: shape, stride: shape?, padding: shape?, dilation: shape?, "
             "groups: int = 1",
     .attrs = conv_input_attrs,
     .returns = "tensor",
     .doc = "The gradient of a convolution's input, whose images have this size.",
     .infer = infer_input,
     .run = run_input,
     .flops = input_flops,
     .vjp = vjp_input,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(0) | NL_SAVE_IN(1),
     .saved_for = {1 << 1, 1 << 0}},
    {.name = "conv_weight",
     .args = "x: tensor, grad: tensor, size: shape, stride: shape?, padding: shape?, dilation: shape?, groups: int = 1",
     .attrs = conv_weight_attrs,
     .returns = "tensor",
     .doc = "The gradient of a convolution's weight, whose kernel has this size.",
     .infer = infer_weight,
     .run = run_weight,
     .flops = weight_flops,
     .vjp = vjp_weight,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(0) | NL_SAVE_IN(1),
     .saved_for = {1 << 1, 1 << 0}},
};

NL_FAMILY(conv, ops);
