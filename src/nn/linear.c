/* Linear maps, vectors for symbols, and layers that only pass on or flatten. Names, meaning and defaults are PyTorch's.
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

/* ---- symbols ---- */

NL_FIELDS(embedding, num_embeddings, embedding_dim, padding_idx, weight)

static const char *refuse_embedding(const nl_layer *l) {
  const nl_value *padding = &l->value[embedding_padding_idx];
  int64_t n = l->value[embedding_num_embeddings].i;
  return padding->set && (padding->i > n || padding->i < -n || padding->i == 0)
             ? "padding_idx must be one of the symbols, counted from 1"
             : NULL;
}

/* From 1, also where it is counted from the end. */
static int64_t padding_symbol(const nl_layer *l) {
  int64_t i = l->value[embedding_padding_idx].i;
  return i < 0 ? i + l->value[embedding_num_embeddings].i + 1 : i;
}

/* 0 for the symbol that is padding, else 1: num_embeddings x 1 */
static nl_tensor *padding_mask(nl_build *b, const nl_layer *l, nl_dtype dtype) {
  int64_t n = l->value[embedding_num_embeddings].i;
  nl_tensor *places = nl_b_do(b, op_arange(), "nnni", 1.0, (double)n + 1, 1.0, (int64_t)NL_I64);
  nl_tensor *keep = b_ne(b, places, nl_b_int(b, padding_symbol(l)));
  return nl_b_cast(b, b_unsqueeze(b, keep, 2), dtype);
}

static void make_embedding(nl_making *m) {
  int64_t shape[2] = {made_int(m, embedding_num_embeddings), made_int(m, embedding_embedding_dim)};
  nl_build *b = &m->build;
  nl_tensor *w = nl_b_do(b, op_randn(), "li", 2, shape, (int64_t)m->dtype);
  if (m->layer->value[embedding_padding_idx].set) {
    w = b_mul(b, w, padding_mask(b, m->layer, m->dtype));
  }
  m->put(m, embedding_weight, NULL, w);
}

NL_FORWARD(embedding) {
  int64_t n = int_of(p, embedding_num_embeddings), shape[NL_MAX_DIM];
  if (nl_tensor_dtype(x) != NL_I64 || x->ndim == NL_MAX_DIM) {
    return nl_pass_fail(p,
                        "the input must be an int64 tensor of symbols from 1 to %lld, but is a %s tensor of shape %s",
                        (long long)n, nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s);
  }
  nl_tensor *w = tensor_of(p, embedding_weight);
  if (is_set(p, embedding_padding_idx)) { /* no gradient for this one */
    w = b_mul(b, w, padding_mask(b, p->layer, nl_tensor_dtype(w)));
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d];
  }
  shape[x->ndim] = int_of(p, embedding_embedding_dim);
  nl_tensor *rows = b_index_select(b, w, 1, nl_b_reshape(b, x, 1, (int64_t[]){-1}));
  nl_pass_reword(p, "index_select", "", x, "");
  return nl_b_reshape(b, rows, x->ndim + 1, shape);
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
    {.name = "Embedding",
     .settings = "num_embeddings: int in 1.. fixed, embedding_dim: int in 1.. fixed | padding_idx: int?",
     .makes = "weight: parameter",
     .fields = embedding_fields,
     .inputs = "x",
     .doc =
         "A vector for each of num_embeddings symbols: int64 symbols of any shape, from 1, to shape x embedding_dim. "
         "The vector of the symbol padding_idx is 0 and stays so.",
     .formula = "y = W[x]",
     .source = "Bengio et al. 2003",
     .example = "nn.Embedding(10, 3)(nn.tensor {1, 2}).shape",
     .refuse = refuse_embedding,
     .make = make_embedding,
     .forward = forward_embedding},
};

NL_LAYERS(linear, entries);
