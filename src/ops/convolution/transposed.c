/* Transposed convolution: the gradient of a convolution as an op of its own (Zeiler et al. 2010). */
#include <string.h>

#include "ops/convolution/geometry.h"
#include "optable/compose.h"

NL_ATTRS(transposed, stride, padding, output_padding, groups, dilation)

/* The size of the result: that of the images of which a convolution with this geometry makes x, with `more` zeros
   behind it where output_padding is a stride or more. */
static bool find_size(nl_call *c, nl_build *b, const nl_tensor *x, const nl_tensor *w, int dims, int64_t *size,
                      int64_t *more) {
  int64_t stride[NL_CONV_DIMS], padding[NL_CONV_DIMS], extra[NL_CONV_DIMS], dilation[NL_CONV_DIMS];
  nl_status status = nl_read_sizes(c, transposed_stride, dims, "stride", 1, 1, 1, stride);
  status = status == NL_OK ? nl_read_sizes(c, transposed_padding, dims, "padding", 0, 0, 0, padding) : status;
  status =
      status == NL_OK ? nl_read_sizes(c, transposed_output_padding, dims, "output_padding", 0, 0, 0, extra) : status;
  status = status == NL_OK ? nl_read_sizes(c, transposed_dilation, dims, "dilation", 1, 1, 1, dilation) : status;
  for (int d = 0; d < dims && status == NL_OK; d++) {
    int at = NL_CONV_DIMS - dims + d;
    if (extra[at] >= stride[at] && extra[at] >= dilation[at]) {
      status = nl_fail("output_padding (%lld) must be smaller than stride (%lld) or dilation (%lld)",
                       (long long)extra[at], (long long)stride[at], (long long)dilation[at]);
    } else if (w->shape[d + 2] < 1 || x->shape[d + 2] < 1) {
      status = nl_fail("neither the input (shape %s) nor the kernel (of the weight, shape %s) may be empty",
                       nl_tensor_shape_string(x).s, nl_tensor_shape_string(w).s);
    } else {
      size[d] = (tame(x->shape[d + 2]) - 1) * stride[at] - 2 * padding[at] + dilation[at] * (w->shape[d + 2] - 1) +
                extra[at] + 1;
      more[d] = extra[at] / stride[at];
      if (size[d] < 1) {
        status = nl_fail("the result would be %lld wide: padding (%lld) takes more than there is (input %s, weight %s)",
                         (long long)size[d], (long long)padding[at], nl_tensor_shape_string(x).s,
                         nl_tensor_shape_string(w).s);
      }
    }
  }
  b->status = status;
  return status == NL_OK;
}

NL_COMPOSE(transposed) {
  nl_tensor *w = c->in[1], *bias = c->in[2];
  int dims = c->op->variant;
  int64_t groups = c->attr[transposed_groups].i, size[NL_CONV_DIMS], more[NL_CONV_DIMS], by[2 * NL_CONV_DIMS];
  if (x->ndim != dims + 2 || w->ndim != dims + 2) {
    nl_b_fail(b,
              "the input must be batch x channels x %s, and the weight in_channels x out_channels/groups x kernel, but "
              "their shapes are %s and %s",
              nl_dims_words(dims), nl_tensor_shape_string(x).s, nl_tensor_shape_string(w).s);
    return;
  } else if (x->shape[1] != w->shape[0]) {
    nl_b_fail(b, "the input has %lld channels (shape %s), but the weight (shape %s) takes %lld", (long long)x->shape[1],
              nl_tensor_shape_string(x).s, nl_tensor_shape_string(w).s, (long long)w->shape[0]);
    return;
  } else if (groups < 1 || w->shape[0] % groups) {
    nl_b_fail(b, "groups (%lld) must be at least 1 and divide in_channels (%lld)", (long long)groups,
              (long long)w->shape[0]);
    return;
  } else if (bias && (bias->ndim != 1 || bias->shape[0] != w->shape[1] * groups || bias->dtype != w->dtype)) {
    nl_b_fail(b, "the bias (%s, shape %s) must be %s of shape %lld", nl_dtype_name(nl_tensor_dtype(bias)),
              nl_tensor_shape_string(bias).s, nl_dtype_name(nl_tensor_dtype(w)), (long long)(w->shape[1] * groups));
    return;
  } else if (!find_size(c, b, x, w, dims, size, more)) {
    return;
  }
  bool longer = false;
  for (int d = 0; d < dims; d++) {
    by[2 * (dims - 1 - d)] = 0;
    by[2 * (dims - 1 - d) + 1] = more[d];
    longer = longer || more[d] > 0;
  }
  x = longer ? nl_b_do(b, op_pad(), "tl", x, 2 * dims, by) : x;
  if (b->status != NL_OK) {
    return;
  }
  nl_call k;
  nl_call_init(&k, op_conv_input(), 2, (nl_tensor *[]){x, w});
  nl_call_set_list(&k, 0, dims, size);
  static const int lists[] = {transposed_stride, transposed_padding, transposed_dilation};
  for (int i = 0; i < 3; i++) {
    int count;
    const int64_t *v = nl_call_list(c, lists[i], &count);
    if (count > 0) {
      nl_call_set_list(&k, i + 1, count, v);
    }
  }
  k.attr[4] = c->attr[transposed_groups];
  nl_tensor *y = nl_b_call(b, &k);
  if (bias) {
    int64_t shape[NL_MAX_DIM] = {-1, 1, 1, 1};
    y = b_add(b, y, nl_b_reshape(b, bias, dims + 1, shape));
  }
  nl_give(c, y);
}

#define TRANSPOSED(op_name, dims, words, shown)                                                                        \
  {                                                                                                                    \
    .name = op_name,                                                                                                   \
    .args = "x: tensor, weight: tensor, bias: tensor?, stride: shape?, padding: shape?, output_padding: shape?, "      \
            "groups: int = 1, dilation: shape?",                                                                       \
    .attrs = transposed_attrs, .returns = "tensor",                                                                    \
    .doc = "Transposed convolution (the gradient of a convolution for its input) of batch x channels x " words         \
           " with a weight of in_channels x out_channels/groups x kernel. padding takes from the result's sides, "     \
           "output_padding adds at its end.",                                                                          \
    .example = shown, .compose = compose_transposed, .variant = dims                                                   \
  }

static const nl_op ops[] = {
    TRANSPOSED("conv_transpose1d", 1, "length",
               "nn.conv_transpose1d(nn.tensor {{{1.0, 2.0}}}, nn.tensor {{{1.0, 1.0}}}, {stride = {2}})"),
    TRANSPOSED("conv_transpose2d", 2, "height x width",
               "nn.conv_transpose2d(nn.ones(1, 1, 2, 2), nn.ones(1, 1, 3, 3)).shape"),
    TRANSPOSED("conv_transpose3d", 3, "depth x height x width",
               "nn.conv_transpose3d(nn.ones(1, 1, 2, 2, 2), nn.ones(1, 2, 2, 2, 2)).shape"),
};

NL_FAMILY(transposed, ops);
