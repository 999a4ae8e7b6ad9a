/* Convolution and pooling: layers that are only partly connected (ops of src/ops/convolution). */
#include <stdio.h>

#include "nn/pass.h"

enum { MAX_SPATIAL = 2 };

/* Windows over the spatial dims of batch x channels x ...: as the settings say, every list of `n` sizes. */
typedef struct window {
  int n;
  int64_t kernel[MAX_SPATIAL], stride[MAX_SPATIAL], padding[MAX_SPATIAL], dilation[MAX_SPATIAL];
} window;

static void read_sizes(const nl_layer *l, int field, int n, int64_t *out) {
  int count;
  const int64_t *v = sizes_of(l, field, &count);
  for (int i = 0; i < n; i++) {
    out[i] = v[i];
  }
}

/* ---- convolution ---- */

NL_FIELDS(conv, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, init, dtype, weight, _)
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
  for (int i = 0; i < w->n && same; i++) {
    int64_t extra = w->dilation[i] * (w->kernel[i] - 1);
    if (extra % 2 == 1 || w->stride[i] != 1) {
      return "padding = \"same\" needs an odd kernel and stride 1";
    }
    w->padding[i] = extra / 2;
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

static void make_conv(nl_making *m) {
  int n = m->layer->entry->variant;
  int64_t shape[NL_MAX_DIM] = {made_int(m, conv_out_channels),
                               made_int(m, conv_in_channels) / made_int(m, conv_groups)};
  read_sizes(m->layer, conv_kernel_size, n, shape + 2);
  int64_t fan_in = shape[1];
  for (int i = 0; i < n; i++) {
    fan_in *= shape[i + 2];
  }
  double bound = 1 / sqrt((double)fan_in);
  nl_tensor *weight;
  if (m->initializer) {
    weight = nl_made_empty(m, n + 2, shape);
    m->initialize(m, m->initializer, weight);
  } else {
    weight = nl_made_uniform(m, n + 2, shape, bound);
  }
  m->put(m, conv_weight, NULL, weight);
  if (wants(m, conv_bias)) {
    m->put(m, conv_bias_part, NULL, nl_made_uniform(m, 1, shape, bound));
  }
}

NL_FORWARD(conv) {
  window w;
  const char *wrong = conv_window(p->layer, &w);
  if (wrong) {
    return nl_pass_fail(p, "%s", wrong);
  }
  return nl_b_do(b, op_conv(), "tttllli", x, tensor_of(p, conv_weight), tensor_of(p, conv_bias_part), w.n, w.stride,
                 w.n, w.padding, w.n, w.dilation, int_of(p, conv_groups));
}

/* ---- pooling ---- */

NL_FIELDS(pool, kernel_size, stride, padding)

static void pool_window(const nl_layer *l, window *w) {
  w->n = l->entry->variant;
  read_sizes(l, pool_kernel_size, w->n, w->kernel);
  read_sizes(l, l->value[pool_stride].set ? pool_stride : pool_kernel_size, w->n, w->stride);
  read_sizes(l, pool_padding, w->n, w->padding);
  for (int i = 0; i < w->n; i++) {
    w->dilation[i] = 1;
  }
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

NL_FORWARD(max_pool) {
  window w;
  pool_window(p->layer, &w);
  return nl_b_do(b, op_max_pool(), "tlll", x, w.n, w.kernel, w.n, w.stride, w.n, w.padding);
}

NL_FORWARD(avg_pool) {
  window w;
  pool_window(p->layer, &w);
  return nl_b_do(b, op_avg_pool(), "tlll", x, w.n, w.kernel, w.n, w.stride, w.n, w.padding);
}

NL_FIELDS(adaptive, output_size)

NL_FORWARD(adaptive_avg) {
  int n;
  const int64_t *sizes = sizes_of(p->layer, adaptive_output_size, &n);
  for (int i = 0; i < n && b->status == NL_OK; i++) {
    int64_t d = i + 3, count = sizes[i], size = x->shape[i + 2];
    nl_parts parts = {0};
    for (int64_t k = 0; k < count && b->status == NL_OK; k++) {
      int64_t first = k * size / count, last = ((k + 1) * size + count - 1) / count;
      nl_parts_add(b, &parts, b_mean(b, b_narrow(b, x, d, first + 1, last - first), 1, &d, true));
    }
    x = nl_parts_join(b, &parts, op_cat(), d);
  }
  return b->status == NL_OK ? x : NULL;
}

/* ---- channels as pixels ---- */

NL_FIELDS(shuffle, upscale_factor)

NL_FORWARD(pixel_shuffle) {
  int64_t r = int_of(p, shuffle_upscale_factor), channels = x->shape[1] / (r * r);
  if (x->shape[1] % (r * r)) {
    return nl_pass_fail(p, "the channels must be a multiple of %lld, but the input has shape %s", (long long)(r * r),
                        nl_tensor_shape_string(x).s);
  }
  int64_t n = x->shape[0], height = x->shape[2], width = x->shape[3];
  nl_tensor *parts = nl_b_reshape(b, x, 6, (int64_t[]){n, channels, r, r, height, width});
  parts = b_permute(b, parts, (int64_t[]){1, 2, 5, 3, 6, 4});
  return nl_b_reshape(b, parts, 4, (int64_t[]){n, channels, height * r, width * r});
}

/* ---- the table ---- */

#define CONV(layer, spatial, shape, ex)                                                                                \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "in_channels: int in 1.. fixed, out_channels: int in 1.. fixed, kernel_size: sizes(" #spatial          \
                ") in 1.. fixed, "                                                                                     \
                "stride: sizes(" #spatial ") = 1 in 1.., padding: sizes(" #spatial ") or same = 0 in 0.., "            \
                "dilation: sizes(" #spatial ") = 1 in 1.., groups: int = 1 in 1.. fixed, bias: bool = true | "         \
                "init: initializer?, dtype: dtype = float32",                                                          \
    .makes = "weight: parameter, bias: parameter?", .fields = conv_fields, .inputs = "x", .accepts = shape,            \
    .doc = "Cross-correlation over the last dims. weight is out_channels x in_channels/groups x kernel; padding = "    \
           "\"same\" keeps the size (stride 1, odd kernels).",                                                         \
    .formula = "y[o] = b[o] + sum_i w[o, i] * x[i]", .source = "LeCun et al. 1989", .example = "nn." layer ex,         \
    .refuse = refuse_conv, .make = make_conv, .forward = forward_conv, .variant = spatial                              \
  }
#define POOL(layer, spatial, shape, what, function)                                                                    \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "kernel_size: sizes(" #spatial ") in 1.., stride: sizes(" #spatial ")? in 1.., "                       \
                "padding: sizes(" #spatial ") = 0 in 0..",                                                             \
    .fields = pool_fields, .inputs = "x", .accepts = shape,                                                            \
    .doc = "The " what " of each window of each channel. stride is the kernel's size unless it is given.",             \
    .source = "LeCun et al. 1998", .example = "nn." layer "(2)", .refuse = refuse_pool, .forward = function,           \
    .variant = spatial                                                                                                 \
  }
#define ADAPTIVE(layer, spatial, shape)                                                                                \
  {                                                                                                                    \
    .name = layer, .settings = "output_size: sizes(" #spatial ") in 1..65536", .fields = adaptive_fields,              \
    .inputs = "x", .accepts = shape,                                                                                   \
    .doc = "The mean of each of output_size equal parts of the input, along each dim.", .example = "nn." layer "(1)",  \
    .forward = forward_adaptive_avg, .variant = spatial                                                                \
  }
#define LENGTH(channels) "batch x " channels " x length"
#define IMAGE(channels) "batch x " channels " x height x width"

static const nl_layer_entry entries[] = {
    CONV("Conv1d", 1, LENGTH("in_channels"), "(3, 8, 5)(nn.zeros(2, 3, 20)).shape"),
    CONV("Conv2d", 2, IMAGE("in_channels"), "(1, 6, 5, {padding = 2})(nn.zeros(8, 1, 28, 28)).shape"),
    POOL("MaxPool1d", 1, LENGTH("channels"), "largest value", forward_max_pool),
    POOL("MaxPool2d", 2, IMAGE("channels"), "largest value", forward_max_pool),
    POOL("AvgPool1d", 1, LENGTH("channels"), "mean", forward_avg_pool),
    POOL("AvgPool2d", 2, IMAGE("channels"), "mean", forward_avg_pool),
    ADAPTIVE("AdaptiveAvgPool1d", 1, LENGTH("channels")),
    ADAPTIVE("AdaptiveAvgPool2d", 2, IMAGE("channels")),
    {.name = "PixelShuffle",
     .settings = "upscale_factor: int in 1..1024",
     .fields = shuffle_fields,
     .inputs = "x",
     .accepts = IMAGE("channels"),
     .doc = "Makes of r x r channels one that is r times as high and as wide, r being the upscale_factor.",
     .source = "Shi et al. 2016",
     .example = "nn.PixelShuffle(2)(nn.arange(4):reshape(1, 4, 1, 1))",
     .forward = forward_pixel_shuffle},
};

NL_LAYERS(convolution, entries);
