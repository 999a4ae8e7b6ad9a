/* Vectors for symbols. Symbols count from 1. */
#include "nn/pass.h"

NL_FIELDS(embedding, num_embeddings, embedding_dim, padding_idx, weight)

static const char *refuse_padding(const nl_layer *l, int field) {
  const nl_value *padding = &l->value[field];
  int64_t n = l->value[embedding_num_embeddings].i;
  return padding->set && (padding->i > n || padding->i < -n || padding->i == 0)
             ? "padding_idx must be one of the symbols, counted from 1"
             : NULL;
}

static const char *refuse_embedding(const nl_layer *l) {
  return refuse_padding(l, embedding_padding_idx);
}

/* From 1, also where it is counted from the end. */
static int64_t padding_symbol_of(const nl_layer *l, int field) {
  int64_t i = l->value[field].i;
  return i < 0 ? i + l->value[embedding_num_embeddings].i + 1 : i;
}

/* 0 for the symbol that is padding, else 1: num_embeddings x 1 */
static nl_tensor *padding_mask(nl_build *b, const nl_layer *l, nl_dtype dtype) {
  int64_t n = l->value[embedding_num_embeddings].i;
  nl_tensor *places = nl_b_do(b, op_arange(), "nnni", 1.0, (double)n + 1, 1.0, (int64_t)NL_I64);
  nl_tensor *keep = b_ne(b, places, nl_b_int(b, padding_symbol_of(l, embedding_padding_idx)));
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
  int64_t n = int_of(p, embedding_num_embeddings);
  if (nl_tensor_dtype(x) != NL_I64 || x->ndim == NL_MAX_DIM) {
    return nl_pass_fail(p,
                        "the input must be an int64 tensor of symbols from 1 to %lld, but is a %s tensor of shape %s",
                        (long long)n, nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s);
  }
  nl_call c;
  nl_call_init(&c, op_embedding(), 2, (nl_tensor *[]){x, tensor_of(p, embedding_weight)});
  if (is_set(p, embedding_padding_idx)) {
    c.attr[0] = (nl_attr){.set = true, .i = int_of(p, embedding_padding_idx)};
  }
  nl_tensor *y = nl_b_call(b, &c);
  nl_pass_reword(p, "index_select", "", x, "");
  return y;
}

/* ---- bags of symbols ---- */

NL_FIELDS(bag, num_embeddings, embedding_dim, mode, padding_idx, include_last_offset, weight)
enum { BAG_MEAN, BAG_SUM, BAG_MAX };

NL_FORWARD(bag) {
  nl_tensor *offsets = p->in[1], *shares = p->in[2], *bags = NULL;
  int64_t mode = int_of(p, bag_mode), width = int_of(p, bag_embedding_dim), n, last;
  if (nl_tensor_dtype(x) != NL_I64 || !(x->ndim == 2 ? !offsets : x->ndim == 1 && offsets)) {
    return nl_pass_fail(
        p,
        "takes int64 symbols, either bags x length, or all of them with offsets (where each bag begins, "
        "from 1), but got %s of shape %s%s",
        nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s, offsets ? " and offsets" : "");
  } else if (shares && (mode != BAG_SUM || !nl_shape_equal(shares, x))) {
    return nl_pass_fail(p,
                        "per_sample_weights go with mode = \"sum\" and have the input's shape (%s), but theirs is %s",
                        nl_tensor_shape_string(x).s, nl_tensor_shape_string(shares).s);
  }
  nl_tensor *w = tensor_of(p, bag_weight), *flat = nl_b_reshape(b, x, 1, (int64_t[]){-1});
  nl_tensor *rows = b_index_select(b, w, 1, flat), *counts = b_ones_like(b, flat, nl_tensor_dtype(w));
  nl_pass_reword(p, "index_select", "", x, "");
  if (shares) {
    rows = b_mul(b, rows, nl_b_reshape(b, shares, 2, (int64_t[]){-1, 1}));
  }
  nl_tensor *inside = NULL; /* symbols that count */
  if (is_set(p, bag_padding_idx)) {
    inside = b_ne(b, flat, nl_b_int(b, padding_symbol_of(p->layer, bag_padding_idx)));
    counts = nl_b_cast(b, inside, nl_tensor_dtype(w));
    inside = b_unsqueeze(b, inside, 2);
    rows = b_where(b, inside, rows, nl_b_number(b, mode == BAG_MAX ? -INFINITY : 0));
  }
  if (b->status != NL_OK) {
    return NULL;
  }
  if (offsets) {
    bool ends = flag_of(p, bag_include_last_offset);
    bags = nl_b_do(b, op_bags(), "tib", offsets, flat->numel, ends);
    n = offsets->ndim == 1 ? offsets->numel : 1; /* with the end: one more, for what stands behind it */
    last = ends ? n - 1 : n;
  } else {
    n = last = x->shape[0];
    nl_tensor *each = nl_b_do(b, op_arange(), "nnni", 1.0, (double)n + 1, 1.0, (int64_t)NL_I64);
    bags = nl_b_reshape(b, nl_b_expand(b, b_unsqueeze(b, each, 2), 2, x->shape), 1, (int64_t[]){-1});
  }
  nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(w), 2, (int64_t[]){n, width});
  if (mode == BAG_MAX) {
    nl_tensor *places = nl_b_expand(b, b_unsqueeze(b, bags, 2), 2, rows ? rows->shape : NULL);
    nl_tensor *most = nl_b_do(b, op_scatter_reduce(), "tttiib", zeros, places, rows, (int64_t)1, (int64_t)3, false);
    if (inside) { /* bags in which nothing counts */
      nl_tensor *none = nl_b_zeros(b, nl_tensor_dtype(w), 1, &n);
      nl_tensor *sizes = nl_b_do(b, op_index_add(), "ttti", none, bags, counts, (int64_t)1);
      most = b_where(b, b_unsqueeze(b, b_eq(b, sizes, nl_b_number(b, 0)), 2), nl_b_number(b, 0), most);
    }
    return last < n ? b_narrow(b, most, 1, 1, last) : most;
  }
  nl_tensor *sums = nl_b_do(b, op_index_add(), "ttti", zeros, bags, rows, (int64_t)1);
  if (mode == BAG_MEAN) {
    nl_tensor *none = nl_b_zeros(b, nl_tensor_dtype(w), 1, &n);
    counts = nl_b_do(b, op_index_add(), "ttti", none, bags, counts, (int64_t)1);
    sums = b_div(b, sums, b_unsqueeze(b, b_maximum(b, counts, nl_b_number(b, 1)), 2));
  }
  return last < n ? b_narrow(b, sums, 1, 1, last) : sums;
}

static const char *refuse_bag(const nl_layer *l) {
  return refuse_padding(l, bag_padding_idx);
}

static void make_bag(nl_making *m) {
  int64_t shape[2] = {made_int(m, bag_num_embeddings), made_int(m, bag_embedding_dim)};
  m->put(m, bag_weight, NULL, nl_b_do(&m->build, op_randn(), "li", 2, shape, (int64_t)m->dtype));
}

static const nl_layer_entry entries[] = {
    {.name = "Embedding",
     .settings = "num_embeddings: int in 1.. fixed, embedding_dim: int in 1.. fixed | padding_idx: int?",
     .makes = "weight: parameter",
     .fields = embedding_fields,
     .inputs = "x",
     .doc =
         "A vector for each of num_embeddings symbols: int64 symbols of any shape, from 1, to shape x embedding_dim. "
         "The vector of the symbol padding_idx is 0 at the start, and gets no gradient.",
     .formula = "y = W[x]",
     .source = "Bengio et al. 2003",
     .example = "nn.Embedding(10, 3)(nn.tensor {1, 2}).shape",
     .refuse = refuse_embedding,
     .make = make_embedding,
     .forward = forward_embedding},
    {.name = "EmbeddingBag",
     .settings = "num_embeddings: int in 1.. fixed, embedding_dim: int in 1.. fixed | mode: choice = mean|sum|max, "
                 "padding_idx: int?, include_last_offset: bool = false",
     .makes = "weight: parameter",
     .fields = bag_fields,
     .inputs = "input, offsets?, per_sample_weights?",
     .doc = "The mean, sum or largest values of the vectors of each bag of symbols: bags x length, or all symbols one "
            "after another with offsets, the place where each bag begins, from 1 (with include_last_offset also that "
            "behind the last). padding_idx does not count; an empty bag gives 0. per_sample_weights are factors of the "
            "symbols (mode = \"sum\").",
     .example = "nn.EmbeddingBag(10, 3)(nn.tensor {1, 2, 4, 5}, nn.tensor {1, 3}).shape",
     .refuse = refuse_bag,
     .make = make_bag,
     .forward = forward_bag},
};

NL_LAYERS(embedding, entries);
