/* Convolution and pooling: layers that are only partly connected (ops of src/ops/convolution). */
#include <stdio.h>

#include <string.h>

#include "nn/pass.h"

enum { MAX_SPATIAL = 3 };

/* Windows over the spatial dims of batch x channels x ...: as the settings say, every list of `n` sizes. */
typedef struct window {
  int n;
  int64_t kernel[MAX_SPATIAL], stride[MAX_SPATIAL], padding[MAX_SPATIAL], dilation[MAX_SPATIAL];
  int64_t behind[MAX_SPATIAL]; /* of "same": one more element behind, where that is uneven */
} window;

static void read_sizes(const nl_layer *l, int field, int n, int64_t *out) {
  int count;
  const int64_t *v = sizes_of(l, field, &count);
  for (int i = 0; i < n; i++) {
    out[i] = v[i];
  }
}

/* ---- convolution ---- */

NL_FIELDS(conv, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, init,
          dtype, weight, _)
enum { conv_bias_part = conv__ };

/* The windows of a layer; false, with a reason, where padding = "same" cannot be. */
static const char *conv_window(const nl_layer *l, window *w) {
  w->n = l->entry->variant;
  read_sizes(l, conv_kernel_size, w->n, w->kernel);
  read_sizes(l, conv_stride, w->n, w->stride);
  read_sizes(l, conv_dilation, w->n, w->dilation);
  bool same = l->value[conv_padding].list.count < 0;
  if (!same) {
    read_sizes(l, conv_padding, w->n, w->padding);
  }
  memset(w->behind, 0, sizeof w->behind);
  for (int i = 0; i < w->n && same; i++) {
    int64_t extra = w->dilation[i] * (w->kernel[i] - 1);
    if (w->stride[i] != 1) {
      return "padding = \"same\" needs stride 1";
    }
    w->padding[i] = extra / 2;
    w->behind[i] = extra % 2;
  }
  return NULL;
}

static const char *refuse_conv(const nl_layer *l) {
  static char text[160];
  window w;
  int64_t groups = l->value[conv_groups].i, in = l->value[conv_in_channels].i, out = l->value[conv_out_channels].i;
  if (in % groups || out % groups) {
    snprintf(text, sizeof text, "in_channels (%lld) and out_channels (%lld) must be multiples of groups (%lld)",
             (long long)in, (long long)out, (long long)groups);
    return text;
  }
  return conv_window(l, &w);
}

/* U(-a, a) with a = 1 / sqrt(fan_in), or what the initializer gives. */
static void put_conv_weight(nl_making *m, int n, const int64_t *shape, int64_t fan_in, int field) {
  nl_tensor *weight;
  if (m->initializer) {
    weight = nl_made_empty(m, n + 2, shape);
    m->initialize(m, m->initializer, weight);
  } else {
    weight = nl_made_uniform(m, n + 2, shape, 1 / sqrt((double)fan_in));
  }
  m->put(m, field, NULL, weight);
}

static void make_conv(nl_making *m) {
  int n = m->layer->entry->variant;
  int64_t shape[NL_MAX_DIM] = {made_int(m, conv_out_channels),
                               made_int(m, conv_in_channels) / made_int(m, conv_groups)};
  read_sizes(m->layer, conv_kernel_size, n, shape + 2);
  int64_t fan_in = shape[1];
  for (int i = 0; i < n; i++) {
    fan_in *= shape[i + 2];
  }
  put_conv_weight(m, n, shape, fan_in, conv_weight);
  if (wants(m, conv_bias)) {
    m->put(m, conv_bias_part, NULL, nl_made_uniform(m, 1, shape, 1 / sqrt((double)fan_in)));
  }
}

NL_FORWARD(conv) {
  window w;
  const char *wrong = conv_window(p->layer, &w);
  if (wrong) {
    return nl_pass_fail(p, "%s", wrong);
  }
  int64_t mode = int_of(p, conv_padding_mode);
  bool uneven = false;
  for (int i = 0; i < w.n; i++) {
    uneven = uneven || w.behind[i] > 0;
  }
  if (mode > 0 || uneven) { /* the op's padding is zeros, on both sides as many */
    int64_t by[2 * MAX_SPATIAL];
    for (int i = 0; i < w.n; i++) {
      int d = w.n - 1 - i;
      by[2 * i] = w.padding[d];
      by[2 * i + 1] = w.padding[d] + w.behind[d];
      w.padding[d] = 0;
    }
    x = nl_b_do(b, op_pad(), "tli", x, 2 * w.n, by, mode);
  }
  return nl_b_do(b, op_conv(), "tttllli", x, tensor_of(p, conv_weight), tensor_of(p, conv_bias_part), w.n, w.stride,
                 w.n, w.padding, w.n, w.dilation, int_of(p, conv_groups));
}

/* ---- transposed convolution ---- */

NL_FIELDS(transposed, in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation,
          init, dtype, weight, _)
enum { transposed_bias_part = transposed__ };

static const char *refuse_transposed(const nl_layer *l) {
  int64_t groups = l->value[transposed_groups].i;
  return l->value[transposed_in_channels].i % groups || l->value[transposed_out_channels].i % groups
             ? "in_channels and out_channels must be multiples of groups"
             : NULL;
}

static void make_transposed(nl_making *m) {
  int n = m->layer->entry->variant;
  int64_t out = made_int(m, transposed_out_channels);
  int64_t shape[NL_MAX_DIM] = {made_int(m, transposed_in_channels), out / made_int(m, transposed_groups)};
  read_sizes(m->layer, transposed_kernel_size, n, shape + 2);
  int64_t fan_in = shape[1]; /* PyTorch's: of the weight as it lies */
  for (int i = 0; i < n; i++) {
    fan_in *= shape[i + 2];
  }
  put_conv_weight(m, n, shape, fan_in, transposed_weight);
  if (wants(m, transposed_bias)) {
    m->put(m, transposed_bias_part, NULL, nl_made_uniform(m, 1, &out, 1 / sqrt((double)fan_in)));
  }
}

/* What output_size asks for beyond the smallest result; strides reach several sizes by as many places of the kernel. */
static bool find_output_padding(nl_pass *p, int n, const int64_t *stride, const int64_t *padding,
                                const int64_t *dilation, int64_t *extra) {
  const nl_tensor *x = p->in[0], *weight = tensor_of(p, transposed_weight);
  if (p->nlist != n && p->nlist != n + 2) {
    nl_pass_fail(p, "output_size must have %d sizes (or %d, with batch and channels), but has %d", n, n + 2, p->nlist);
    return false;
  }
  const int64_t *size = p->list + p->nlist - n;
  for (int i = 0; i < n; i++) {
    int64_t least = (x->shape[i + 2] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (weight->shape[i + 2] - 1) + 1;
    extra[i] = size[i] - least;
    if (extra[i] < 0 || extra[i] >= stride[i]) {
      nl_pass_fail(p, "output_size %lld (dim %d) is not possible: an input of %lld becomes %lld to %lld there",
                   (long long)size[i], i + 3, (long long)x->shape[i + 2], (long long)least,
                   (long long)(least + stride[i] - 1));
      return false;
    }
  }
  return true;
}

NL_FORWARD(transposed) {
  static const nl_op *(*const ops[])(void) = {op_conv_transpose1d, op_conv_transpose2d, op_conv_transpose3d};
  int n = p->layer->entry->variant;
  int64_t stride[MAX_SPATIAL], padding[MAX_SPATIAL], extra[MAX_SPATIAL], dilation[MAX_SPATIAL];
  read_sizes(p->layer, transposed_stride, n, stride);
  read_sizes(p->layer, transposed_padding, n, padding);
  read_sizes(p->layer, transposed_output_padding, n, extra);
  read_sizes(p->layer, transposed_dilation, n, dilation);
  if (p->nlist && !find_output_padding(p, n, stride, padding, dilation, extra)) {
    return NULL;
  }
  return nl_b_do(b, ops[n - 1](), "tttlllil", x, tensor_of(p, transposed_weight), tensor_of(p, transposed_bias_part), n,
                 stride, n, padding, n, extra, int_of(p, transposed_groups), n, dilation);
}

/* ---- pooling ---- */

NL_FIELDS(max_pool, kernel_size, stride, padding, dilation, return_indices, ceil_mode)
NL_FIELDS(avg_pool, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

static void pool_window(const nl_layer *l, window *w) {
  w->n = l->entry->variant;
  read_sizes(l, max_pool_kernel_size, w->n, w->kernel);
  read_sizes(l, l->value[max_pool_stride].set ? max_pool_stride : max_pool_kernel_size, w->n, w->stride);
  read_sizes(l, max_pool_padding, w->n, w->padding);
}

static const char *refuse_pool(const nl_layer *l) {
  window w;
  pool_window(l, &w);
  for (int i = 0; i < w.n; i++) {
    if (w.padding[i] * 2 > w.kernel[i]) {
      return "padding can be half of the kernel's size at most";
    }
  }
  return NULL;
}

/* The results of an op of the input and lists of sizes; a second one only where it is wanted. */
static void give_results(nl_pass *p, nl_call *c, bool both) {
  p->out[0] = p->build.status == NL_OK ? nl_b_call(&p->build, c) : NULL;
  p->out[1] = both ? c->out[1] : NULL;
  p->nout = both ? 2 : 1;
}

static void forward_max_pool(nl_pass *p) {
  window w;
  pool_window(p->layer, &w);
  read_sizes(p->layer, max_pool_dilation, w.n, w.dilation);
  nl_call c;
  nl_call_init(&c, op_max_pool(), 1, p->in);
  const int64_t *lists[] = {w.kernel, w.stride, w.padding, w.dilation};
  for (int i = 0; i < 4; i++) {
    nl_call_set_list(&c, i, w.n, lists[i]);
  }
  c.attr[4].b = flag_of(p, max_pool_ceil_mode);
  give_results(p, &c, flag_of(p, max_pool_return_indices));
}

NL_FORWARD(avg_pool) {
  window w;
  pool_window(p->layer, &w);
  bool divided = is_set(p, avg_pool_divisor_override);
  return nl_b_do(b, op_avg_pool(), divided ? "tlllbbi" : "tlllbb", x, w.n, w.kernel, w.n, w.stride, w.n, w.padding,
                 flag_of(p, avg_pool_ceil_mode), flag_of(p, avg_pool_count_include_pad),
                 divided ? int_of(p, avg_pool_divisor_override) : (int64_t)0);
}

NL_FIELDS(adaptive, output_size, return_indices)

static void forward_adaptive(nl_pass *p, const nl_op *op, bool both) {
  int n;
  const int64_t *sizes = sizes_of(p->layer, adaptive_output_size, &n);
  nl_call c;
  nl_call_init(&c, op, 1, p->in);
  nl_call_set_list(&c, 0, n, sizes);
  give_results(p, &c, both);
}
static void forward_adaptive_avg(nl_pass *p) {
  static const nl_op *(*const ops[])(void) = {op_adaptive_avg_pool1d, op_adaptive_avg_pool2d, op_adaptive_avg_pool3d};
  forward_adaptive(p, ops[p->layer->entry->variant - 1](), false);
}
static void forward_adaptive_max(nl_pass *p) {
  static const nl_op *(*const ops[])(void) = {op_adaptive_max_pool1d, op_adaptive_max_pool2d, op_adaptive_max_pool3d};
  forward_adaptive(p, ops[p->layer->entry->variant - 1](), flag_of(p, adaptive_return_indices));
}

/* ---- the table ---- */

#define CONV(layer, spatial, shape, ex)                                                                                \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "in_channels: int in 1.. fixed, out_channels: int in 1.. fixed, kernel_size: sizes(" #spatial          \
                ") in 1.. fixed, "                                                                                     \
                "stride: sizes(" #spatial ") = 1 in 1.., padding: sizes(" #spatial ") or same = 0 in 0.., "            \
                "dilation: sizes(" #spatial ") = 1 in 1.., groups: int = 1 in 1.. fixed, bias: bool = true, "          \
                "padding_mode: choice = zeros|reflect|replicate|circular | "                                           \
                "init: initializer?, dtype: dtype = float32",                                                          \
    .makes = "weight: parameter, bias: parameter?", .fields = conv_fields, .inputs = "x", .accepts = shape,            \
    .doc = "Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "    \
           "\"same\" keeps the size (with stride 1); padding_mode says what stands around the input.",                 \
    .formula = "y[o] = b[o] + sum_i w[o, i] * x[i]", .source = "LeCun et al. 1989", .example = "nn." layer ex,         \
    .refuse = refuse_conv, .make = make_conv, .forward = forward_conv, .variant = spatial                              \
  }
#define TRANSPOSED(layer, spatial, shape, ex)                                                                          \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "in_channels: int in 1.. fixed, out_channels: int in 1.. fixed, kernel_size: sizes(" #spatial          \
                ") in 1.. fixed, "                                                                                     \
                "stride: sizes(" #spatial ") = 1 in 1.., padding: sizes(" #spatial ") = 0 in 0.., "                    \
                "output_padding: sizes(" #spatial ") = 0 in 0.., groups: int = 1 in 1.. fixed, bias: bool = true, "    \
                "dilation: sizes(" #spatial ") = 1 in 1.. | init: initializer?, dtype: dtype = float32",               \
    .makes = "weight: parameter, bias: parameter?", .fields = transposed_fields, .inputs = "x | output_size: sizes",   \
    .accepts = shape,                                                                                                  \
    .doc = "Transposed convolution, which is to a convolution what its gradient is: with a stride it makes images "    \
           "larger. weight is in_channels x out_channels/groups x kernel; padding takes from the result's sides, "     \
           "output_padding adds at its end. layer(x, {output_size = {14, 10}}) picks one of the sizes that the "       \
           "stride leaves open, for this call.",                                                                       \
    .source = "Zeiler et al. 2010", .example = "nn." layer ex, .refuse = refuse_transposed, .make = make_transposed,   \
    .forward = forward_transposed, .variant = spatial                                                                  \
  }
#define MAX_POOL(layer, spatial, shape)                                                                                \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "kernel_size: sizes(" #spatial ") in 1.., stride: sizes(" #spatial ")? in 1.., "                       \
                "padding: sizes(" #spatial ") = 0 in 0.., dilation: sizes(" #spatial ") = 1 in 1.., "                  \
                "return_indices: bool = false, ceil_mode: bool = false",                                               \
    .fields = max_pool_fields, .inputs = "x", .accepts = shape, .outputs = 2,                                          \
    .doc = "The largest value of each window of each channel. stride is the kernel's size unless it is given; with "   \
           "ceil_mode windows may reach over the end; with return_indices also gives the places in the channel, from " \
           "1.",                                                                                                       \
    .source = "LeCun et al. 1998", .example = "nn." layer "(2)", .refuse = refuse_pool, .forward = forward_max_pool,   \
    .variant = spatial                                                                                                 \
  }
#define AVG_POOL(layer, spatial, shape)                                                                                \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "kernel_size: sizes(" #spatial ") in 1.., stride: sizes(" #spatial ")? in 1.., "                       \
                "padding: sizes(" #spatial ") = 0 in 0.., ceil_mode: bool = false, count_include_pad: bool = true, "   \
                "divisor_override: int? in 1..",                                                                       \
    .fields = avg_pool_fields, .inputs = "x", .accepts = shape,                                                        \
    .doc = "The mean of each window of each channel. stride is the kernel's size unless it is given; with ceil_mode "  \
           "windows may reach over the end; zeros of the padding count, unless count_include_pad is false; "           \
           "divisor_override is what sums are divided by instead.",                                                    \
    .source = "LeCun et al. 1998", .example = "nn." layer "(2)", .refuse = refuse_pool, .forward = forward_avg_pool,   \
    .variant = spatial                                                                                                 \
  }
#define ADAPTIVE_AVG(layer, spatial, shape)                                                                            \
  {                                                                                                                    \
    .name = layer, .settings = "output_size: sizes(" #spatial ") in 1..65536", .fields = adaptive_avg_fields,          \
    .inputs = "x", .accepts = shape,                                                                                   \
    .doc = "The mean of each of output_size equal parts of the input, along each dim.", .example = "nn." layer "(1)",  \
    .forward = forward_adaptive_avg, .variant = spatial                                                                \
  }
#define ADAPTIVE_MAX(layer, spatial, shape)                                                                            \
  {                                                                                                                    \
    .name = layer, .settings = "output_size: sizes(" #spatial ") in 1..65536, return_indices: bool = false",           \
    .fields = adaptive_fields, .inputs = "x", .accepts = shape, .outputs = 2,                                          \
    .doc = "The largest value of each of output_size equal parts of the input, along each dim; with return_indices "   \
           "also the places in the channel, from 1.",                                                                  \
    .example = "nn." layer "(1)", .forward = forward_adaptive_max, .variant = spatial                                  \
  }
#define LENGTH(channels) "batch x " channels " x length"
#define IMAGE(channels) "batch x " channels " x height x width"
#define VOLUME(channels) "batch x " channels " x depth x height x width"

NL_FIELDS(adaptive_avg, output_size)

static const nl_layer_entry entries[] = {
    CONV("Conv1d", 1, LENGTH("in_channels"), "(3, 8, 5)(nn.zeros(2, 3, 20)).shape"),
    CONV("Conv2d", 2, IMAGE("in_channels"), "(1, 6, 5, {padding = 2})(nn.zeros(8, 1, 28, 28)).shape"),
    CONV("Conv3d", 3, VOLUME("in_channels"), "(1, 4, 3)(nn.zeros(2, 1, 5, 6, 7)).shape"),
    TRANSPOSED("ConvTranspose1d", 1, LENGTH("in_channels"), "(3, 8, 4, 2)(nn.zeros(2, 3, 10)).shape"),
    TRANSPOSED("ConvTranspose2d", 2, IMAGE("in_channels"), "(3, 8, 4, 2, 1)(nn.zeros(2, 3, 8, 8)).shape"),
    TRANSPOSED("ConvTranspose3d", 3, VOLUME("in_channels"), "(1, 2, 2, 2)(nn.zeros(1, 1, 3, 3, 3)).shape"),
    MAX_POOL("MaxPool1d", 1, LENGTH("channels")),
    MAX_POOL("MaxPool2d", 2, IMAGE("channels")),
    MAX_POOL("MaxPool3d", 3, VOLUME("channels")),
    AVG_POOL("AvgPool1d", 1, LENGTH("channels")),
    AVG_POOL("AvgPool2d", 2, IMAGE("channels")),
    AVG_POOL("AvgPool3d", 3, VOLUME("channels")),
    ADAPTIVE_AVG("AdaptiveAvgPool1d", 1, LENGTH("channels")),
    ADAPTIVE_AVG("AdaptiveAvgPool2d", 2, IMAGE("channels")),
    ADAPTIVE_AVG("AdaptiveAvgPool3d", 3, VOLUME("channels")),
    ADAPTIVE_MAX("AdaptiveMaxPool1d", 1, LENGTH("channels")),
    ADAPTIVE_MAX("AdaptiveMaxPool2d", 2, IMAGE("channels")),
    ADAPTIVE_MAX("AdaptiveMaxPool3d", 3, VOLUME("channels")),
};

NL_LAYERS(convolution, entries);
