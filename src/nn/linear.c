/* Linear maps, and layers that only pass on or flatten. Names, meaning and defaults are PyTorch's.
 */
#include "nn/pass.h"

NL_FIELDS(linear, in_features, out_features, bias, init, dtype, weight, _)
enum { linear_bias_part = linear__ };

/* PyTorch's default, U(-1/sqrt(in), 1/sqrt(in)) for both: He et al. 2015 with a = sqrt(5). */
static void make_linear(nl_making *m) {
  int64_t in = made_int(m, linear_in_features), out = made_int(m, linear_out_features);
  double bound = 1 / sqrt((double)in);
  nl_tensor *w;
  if (m->initializer) {
    w = nl_made_empty(m, 2, (int64_t[]){out, in});
    m->initialize(m, m->initializer, w);
  } else {
    w = nl_made_uniform(m, 2, (int64_t[]){out, in}, bound);
  }
  m->put(m, linear_weight, NULL, w);
  if (wants(m, linear_bias)) {
    m->put(m, linear_bias_part, NULL, nl_made_uniform(m, 1, &out, bound));
  }
}

NL_FORWARD(linear_map) {
  return b_linear(b, x, tensor_of(p, linear_weight), tensor_of(p, linear_bias_part));
}

NL_FORWARD(identity) {
  (void)p, (void)b;
  return x;
}

/* ---- two inputs ---- */

NL_FIELDS(bilinear, in1_features, in2_features, out_features, bias, dtype, weight, _)
enum { bilinear_bias_part = bilinear__ };

static void make_bilinear(nl_making *m) {
  int64_t out = made_int(m, bilinear_out_features), in = made_int(m, bilinear_in1_features);
  double bound = 1 / sqrt((double)in);
  m->put(m, bilinear_weight, NULL,
         nl_made_uniform(m, 3, (int64_t[]){out, in, made_int(m, bilinear_in2_features)}, bound));
  if (wants(m, bilinear_bias)) {
    m->put(m, bilinear_bias_part, NULL, nl_made_uniform(m, 1, &out, bound));
  }
}

/* x1 W for all outputs as one product, then the sums over x2. */
NL_FORWARD(bilinear) {
  nl_tensor *y = p->in[1], *bias = tensor_of(p, bilinear_bias_part);
  int64_t in1 = int_of(p, bilinear_in1_features), in2 = int_of(p, bilinear_in2_features);
  int64_t out = int_of(p, bilinear_out_features), shape[NL_MAX_DIM];
  bool fits = y->ndim == x->ndim && y->shape[y->ndim - 1] == in2;
  for (int d = 0; d < x->ndim - 1 && fits; d++) {
    shape[d] = x->shape[d];
    fits = y->shape[d] == x->shape[d];
  }
  if (!fits) {
    return nl_pass_fail(p,
                        "the second input must be as the first (shape %s), with %lld features in the last dim, but has "
                        "shape %s",
                        nl_tensor_shape_string(x).s, (long long)in2, nl_tensor_shape_string(y).s);
  }
  nl_tensor *w = b_permute(b, tensor_of(p, bilinear_weight), (int64_t[]){2, 1, 3});
  nl_tensor *rows = nl_b_reshape(b, x, 2, (int64_t[]){-1, in1});
  nl_tensor *mixed = b_matmul(b, rows, nl_b_reshape(b, w, 2, (int64_t[]){in1, out * in2}));
  mixed = nl_b_reshape(b, mixed, 3, (int64_t[]){-1, out, in2});
  nl_tensor *other = nl_b_reshape(b, y, 3, (int64_t[]){-1, in2, 1});
  shape[x->ndim - 1] = out;
  nl_tensor *z = nl_b_reshape(b, b_matmul(b, mixed, other), x->ndim, shape);
  return bias ? b_add(b, z, bias) : z;
}

NL_FIELDS(unflatten, dim, unflattened_size)

NL_FORWARD(unflatten) {
  int n;
  const int64_t *sizes = sizes_of(p->layer, unflatten_unflattened_size, &n);
  return nl_b_do(b, op_unflatten(), "til", x, int_of(p, unflatten_dim), n, sizes);
}

static const nl_layer_entry entries[] = {
    {.name = "Linear",
     .settings =
         "in_features: int in 1.. fixed, out_features: int in 1.. fixed, bias: bool = true | init: initializer?, "
         "dtype: dtype = float32",
     .makes = "weight: parameter, bias: parameter?",
     .fields = linear_fields,
     .inputs = "x",
     .accepts = "... x in_features",
     .doc = "A linear map of the last dim. weight is out_features x in_features, bias has out_features; both are drawn "
            "from U(-1/sqrt(in_features), 1/sqrt(in_features)) unless init names an initializer of nn.init for the "
            "weight.",
     .formula = "y = x W^T + b",
     .source = "the default: He et al. 2015 with a = sqrt(5), as in PyTorch",
     .example = "nn.Linear(784, 256, {init = \"he_normal\"})",
     .make = make_linear,
     .forward = forward_linear_map},
    {.name = "Identity",
     .inputs = "x",
     .doc = "Gives its input back.",
     .formula = "y = x",
     .example = "nn.Identity()(nn.tensor {1, 2})",
     .forward = forward_identity},
    {.name = "Flatten",
     .settings = "start_dim: int = 2, end_dim: int = -1",
     .inputs = "x",
     .doc = "Joins the dims start_dim .. end_dim into one; by default all but the first, which is the batch.",
     .example = "nn.Flatten()(nn.zeros(32, 28, 28)).shape",
     .op = "flatten"},
    {.name = "Unflatten",
     .settings = "dim: int, unflattened_size: sizes",
     .fields = unflatten_fields,
     .inputs = "x",
     .doc = "Makes of one dim several: the way back from nn.Flatten. One of the sizes may be -1.",
     .example = "nn.Unflatten(2, {1, 4, 4})(nn.zeros(3, 16)).shape",
     .forward = forward_unflatten},
    {.name = "Bilinear",
     .settings = "in1_features: int in 1.. fixed, in2_features: int in 1.. fixed, out_features: int in 1.. fixed, "
                 "bias: bool = true | dtype: dtype = float32",
     .makes = "weight: parameter, bias: parameter?",
     .fields = bilinear_fields,
     .inputs = "input1, input2",
     .accepts = "... x in1_features",
     .doc = "A form that is linear in each of two inputs. weight is out_features x in1_features x in2_features.",
     .formula = "y[o] = x1^T W[o] x2 + b[o]",
     .example = "nn.Bilinear(2, 3, 4)(nn.ones(5, 2), nn.ones(5, 3)).shape",
     .make = make_bilinear,
     .forward = forward_bilinear},
};

NL_LAYERS(linear, entries);
