/* Attention: nn.MultiheadAttention, with PyTorch's names and layout of parameters. */
#include <stdio.h>

#include "nn/pass.h"

NL_FIELDS(mha, embed_dim, num_heads, dropout, bias, kdim, vdim, batch_first, _, in_proj_weight, q_proj_weight,
          k_proj_weight, v_proj_weight, in_proj_bias, out_proj)
enum { QUERY, KEY, VALUE, PADDING_MASK, ATTN_MASK };
enum { NEED_WEIGHTS, AVERAGE, CAUSAL };

static int64_t size_or(const nl_layer *l, int field, int64_t otherwise) {
  return l->value[field].set ? l->value[field].i : otherwise;
}

static const char *refuse_mha(const nl_layer *l) {
  static char text[120];
  if (l->value[mha_embed_dim].i % l->value[mha_num_heads].i) {
    snprintf(text, sizeof text, "embed_dim (%lld) must be a multiple of num_heads (%lld)",
             (long long)l->value[mha_embed_dim].i, (long long)l->value[mha_num_heads].i);
    return text;
  }
  return NULL;
}

/* U(-a, a) with a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010), as PyTorch has it here. */
static nl_tensor *glorot(nl_making *m, int64_t out, int64_t in) {
  return nl_made_uniform(m, 2, (int64_t[]){out, in}, sqrt(6 / (double)(out + in)));
}

static void make_mha(nl_making *m) {
  const nl_layer *l = m->layer;
  int64_t e = made_int(m, mha_embed_dim), k = size_or(l, mha_kdim, e), v = size_or(l, mha_vdim, e), all = 3 * e;
  if (k == e && v == e) {
    m->put(m, mha_in_proj_weight, NULL, glorot(m, all, e));
  } else {
    m->put(m, mha_q_proj_weight, NULL, glorot(m, e, e));
    m->put(m, mha_k_proj_weight, NULL, glorot(m, e, k));
    m->put(m, mha_v_proj_weight, NULL, glorot(m, e, v));
  }
  bool bias = wants(m, mha_bias);
  if (bias) {
    m->put(m, mha_in_proj_bias, NULL, nl_made_full(m, 1, &all, 0));
  }
  nl_tensor *out_bias =
      m->part(m, mha_out_proj, "Linear", 3, (double[]){(double)e, (double)e, bias}, NULL, bias ? "bias" : NULL);
  if (bias && m->build.status == NL_OK) {
    nl_b_into(&m->build, op_copy_(), out_bias, nl_made_full(m, 1, &e, 0));
  }
}

/* ---- inputs ---- */

/* Lengths: of the queries L, of the keys S; N in the batch, or 1. */
typedef struct attended {
  int64_t n, rows, keys, embed, heads;
  bool batched, batch_first;
} attended;

static bool check_mha_input(nl_pass *p, const attended *a, const nl_tensor *t, const char *name, int64_t features) {
  bool right = t->ndim == (a->batched ? 3 : 2) && t->shape[t->ndim - 1] == features;
  if (!right) {
    nl_pass_fail(p, "the %s must be %s x %lld, but has shape %s", name,
                 !a->batched ? "length" : (a->batch_first ? "batch x length" : "length x batch"), (long long)features,
                 nl_tensor_shape_string(t).s);
  }
  return right;
}

static bool measure_mha(nl_pass *p, nl_tensor *q, nl_tensor *k, nl_tensor *v, attended *a) {
  const nl_layer *l = p->layer;
  *a = (attended){.embed = int_of(p, mha_embed_dim),
                  .heads = int_of(p, mha_num_heads),
                  .batched = q->ndim == 3,
                  .batch_first = flag_of(p, mha_batch_first)};
  if (q->ndim != 2 && q->ndim != 3) {
    nl_pass_fail(p, "the query must be %s x %lld (or length x %lld), but has shape %s",
                 a->batch_first ? "batch x length" : "length x batch", (long long)a->embed, (long long)a->embed,
                 nl_tensor_shape_string(q).s);
    return false;
  }
  if (!check_mha_input(p, a, q, "query", a->embed) ||
      !check_mha_input(p, a, k, "key", size_or(l, mha_kdim, a->embed)) ||
      !check_mha_input(p, a, v, "value", size_or(l, mha_vdim, a->embed))) {
    return false;
  }
  int length = a->batched && a->batch_first ? 1 : 0, batch = 1 - length;
  a->n = a->batched ? q->shape[batch] : 1;
  a->rows = q->shape[length];
  a->keys = k->shape[length];
  if (v->shape[length] != a->keys || (a->batched && (k->shape[batch] != a->n || v->shape[batch] != a->n))) {
    nl_pass_fail(p, "query, key and value do not go together: their shapes are %s, %s and %s",
                 nl_tensor_shape_string(q).s, nl_tensor_shape_string(k).s, nl_tensor_shape_string(v).s);
    return false;
  }
  return true;
}

/* What the three are projected to, as batch x heads x length x features. */
static nl_tensor *by_heads(nl_build *b, const attended *a, nl_tensor *t, int64_t length) {
  int64_t d = a->embed / a->heads;
  if (a->batched && !a->batch_first) {
    t = nl_b_reshape(b, t, 4, (int64_t[]){length, a->n, a->heads, d});
    return b_permute(b, t, (int64_t[]){2, 3, 1, 4});
  }
  t = nl_b_reshape(b, t, 4, (int64_t[]){a->n, length, a->heads, d});
  return nl_b_transpose(b, t, 2, 3);
}

/* And back. */
static nl_tensor *by_positions(nl_build *b, const attended *a, nl_tensor *t) {
  if (!a->batched) {
    return nl_b_reshape(b, nl_b_transpose(b, t, 2, 3), 2, (int64_t[]){a->rows, a->embed});
  } else if (a->batch_first) {
    return nl_b_reshape(b, nl_b_transpose(b, t, 2, 3), 3, (int64_t[]){a->n, a->rows, a->embed});
  }
  return nl_b_reshape(b, b_permute(b, t, (int64_t[]){3, 1, 2, 4}), 3, (int64_t[]){a->rows, a->n, a->embed});
}

static nl_tensor *third(nl_build *b, nl_tensor *t, int64_t dim, int i, int64_t size) {
  return t ? b_narrow(b, t, dim, i * size + 1, size) : NULL;
}

/* ---- masks: bool masks are true where nothing is to be seen, as PyTorch has it for this layer ---- */

/* A mask with dims for batch, heads, queries and keys, true where something may be seen, or to be added. */
static nl_tensor *mask_of(nl_pass *p, const attended *a) {
  nl_build *b = &p->build;
  nl_tensor *padding = p->in[PADDING_MASK], *mask = p->in[ATTN_MASK];
  if (padding) {
    bool right = padding->ndim == (a->batched ? 2 : 1) && padding->shape[padding->ndim - 1] == a->keys &&
                 (!a->batched || padding->shape[0] == a->n);
    if (!right) {
      return nl_pass_fail(p, "key_padding_mask must be %s (%s%lld), but has shape %s",
                          a->batched ? "batch x keys" : "of the keys' length", "", (long long)a->keys,
                          nl_tensor_shape_string(padding).s);
    }
    padding = nl_b_reshape(b, padding, 4, (int64_t[]){a->n, 1, 1, a->keys});
  }
  if (mask) {
    bool whole = mask->ndim == 3 && mask->shape[0] == a->n * a->heads;
    if (!(mask->ndim == 2 || whole) || mask->shape[mask->ndim - 2] != a->rows ||
        mask->shape[mask->ndim - 1] != a->keys) {
      return nl_pass_fail(
          p, "attn_mask must be queries x keys (%lldx%lld), or (batch * heads) x queries x keys, but has shape %s",
          (long long)a->rows, (long long)a->keys, nl_tensor_shape_string(mask).s);
    }
    mask = nl_b_reshape(b, mask, 4, (int64_t[]){whole ? a->n : 1, whole ? a->heads : 1, a->rows, a->keys});
  }
  nl_dtype dtype = nl_tensor_dtype(p->in[QUERY]);
  for (int i = 0; i < 2 && b->status == NL_OK; i++) {
    const nl_tensor *t = i ? mask : padding;
    if (t && t->dtype != NL_BOOL && t->dtype != dtype) {
      return nl_pass_fail(p, "%s must be bool (true: not to be seen) or %s (added), not %s",
                          i ? "attn_mask" : "key_padding_mask", nl_dtype_name(dtype),
                          nl_dtype_name(nl_tensor_dtype(t)));
    }
  }
  if (b->status != NL_OK || (!padding && !mask)) {
    return NULL;
  }
  bool bools = (!padding || padding->dtype == NL_BOOL) && (!mask || mask->dtype == NL_BOOL);
  nl_tensor *part[2] = {padding, mask}, *all = NULL;
  for (int i = 0; i < 2; i++) {
    nl_tensor *t = part[i];
    if (!t) {
      continue;
    }
    if (bools) {
      t = b_logical_not(b, t);
    } else if (t->dtype == NL_BOOL) {
      t = nl_b_do(b, op_masked_fill(), "ttt", nl_b_zeros(b, dtype, t->ndim, t->shape), t, nl_b_number(b, -INFINITY));
    }
    all = !all ? t : (bools ? b_logical_and(b, all, t) : b_add(b, all, t));
  }
  return all;
}

/* ---- forward ---- */

/* The weights, stored: softmax(q k^T / sqrt(d)), 0 in rows that see nothing; what the op does not give. */
static nl_tensor *weights_of_all(nl_pass *p, const attended *a, nl_tensor *q, nl_tensor *k, nl_tensor *mask,
                                 bool causal) {
  nl_build *b = &p->build;
  nl_tensor *scores = b_matmul(b, q, nl_b_transpose(b, k, -1, -2)), *hidden = nl_b_number(b, -INFINITY);
  scores = nl_b_scale(b, scores, 1 / sqrt((double)(a->embed / a->heads)));
  if (mask && b->status == NL_OK) {
    scores = mask->dtype == NL_BOOL ? b_where(b, mask, scores, hidden) : b_add(b, scores, mask);
  }
  if (causal) {
    nl_tensor *ones =
        nl_b_do(b, op_full(), "tli", nl_b_number(b, 1), 2, (int64_t[]){a->rows, a->keys}, (int64_t)NL_BOOL);
    scores = b_where(b, nl_b1(b, op_tril(), ones), scores, hidden);
  }
  if (!mask) {
    return b_softmax(b, scores, -1);
  }
  nl_tensor *nothing = nl_b_do(b, op_all(), "tlb", b_isneginf(b, scores), 1, (int64_t[]){-1}, true);
  nl_tensor *zero = nl_b_number(b, 0);
  return b_where(b, nothing, zero, b_softmax(b, b_where(b, nothing, zero, scores), -1));
}

static void forward_mha(nl_pass *p) {
  nl_build *b = &p->build;
  nl_tensor *q = p->in[QUERY], *k = p->in[KEY] ? p->in[KEY] : q, *v = p->in[VALUE] ? p->in[VALUE] : k;
  attended a;
  if (!measure_mha(p, q, k, v, &a)) {
    return;
  }
  nl_tensor *mask = mask_of(p, &a), *weight = tensor_of(p, mha_in_proj_weight), *bias = tensor_of(p, mha_in_proj_bias);
  if (b->status != NL_OK) {
    return;
  }
  if (q == k && k == v && weight) {
    nl_tensor *all = b_linear(b, q, weight, bias);
    q = third(b, all, -1, 0, a.embed);
    k = third(b, all, -1, 1, a.embed);
    v = third(b, all, -1, 2, a.embed);
  } else {
    if ((weight && (weight->ndim != 2 || weight->shape[0] != 3 * a.embed)) ||
        (bias && (bias->ndim != 1 || bias->shape[0] != 3 * a.embed))) {
      nl_pass_fail(p, "in_proj_weight and in_proj_bias must have %lld rows, but their shapes are %s and %s",
                   (long long)(3 * a.embed), weight ? nl_tensor_shape_string(weight).s : "nil",
                   bias ? nl_tensor_shape_string(bias).s : "nil");
      return;
    }
    nl_tensor *own[3] = {tensor_of(p, mha_q_proj_weight), tensor_of(p, mha_k_proj_weight),
                         tensor_of(p, mha_v_proj_weight)};
    for (int i = 0; i < 3; i++) {
      own[i] = weight ? third(b, weight, 1, i, a.embed) : own[i];
      if (!own[i] && b->status == NL_OK) {
        nl_pass_fail(p, "in_proj_weight is nil, and so is one of q_proj_weight, k_proj_weight and v_proj_weight");
        return;
      }
    }
    q = b_linear(b, q, own[0], third(b, bias, 1, 0, a.embed));
    k = b_linear(b, k, own[1], third(b, bias, 1, 1, a.embed));
    v = b_linear(b, v, own[2], third(b, bias, 1, 2, a.embed));
  }
  q = by_heads(b, &a, q, a.rows);
  k = by_heads(b, &a, k, a.keys);
  v = by_heads(b, &a, v, a.keys);
  double drop = p->layer->training ? number_of(p, mha_dropout) : 0;
  bool causal = p->flag[CAUSAL];
  nl_tensor *y, *weights = NULL;
  if (p->flag[NEED_WEIGHTS]) {
    weights = weights_of_all(p, &a, q, k, mask, causal);
    weights = drop > 0 ? nl_b_do(b, op_dropout(), "tn", weights, drop) : weights;
    y = b_matmul(b, weights, v);
    weights = p->flag[AVERAGE] ? b_mean(b, weights, 1, (int64_t[]){2}, false) : weights;
    weights = a.batched ? weights : b_squeeze(b, weights, 1);
  } else {
    y = nl_b_do(b, op_scaled_dot_product_attention(), "ttttnb", q, k, v, mask, drop, causal);
  }
  p->out[0] = p->host->call(p, mha_out_proj, by_positions(b, &a, y));
  p->out[1] = weights;
  p->nout = weights ? 2 : 1;
}

static const nl_layer_entry entries[] = {
    {.name = "MultiheadAttention",
     .settings =
         "embed_dim: int in 1.. fixed, num_heads: int in 1.. fixed, dropout: number = 0 in 0..1, bias: bool = true "
         "fixed, kdim: int? in 1.. fixed, vdim: int? in 1.. fixed, batch_first: bool = false | dtype: dtype = float32",
     .makes = "in_proj_weight: parameter?, q_proj_weight: parameter?, k_proj_weight: parameter?, "
              "v_proj_weight: parameter?, in_proj_bias: parameter?, out_proj: part",
     .fields = mha_fields,
     .inputs = "query, key?, value?, key_padding_mask? | attn_mask?, need_weights: bool = true, "
               "average_attn_weights: bool = true, is_causal: bool = false",
     .doc =
         "Attention of num_heads heads. Inputs are length x batch x embed_dim (batch x length x embed_dim with "
         "batch_first), or length x embed_dim; the key is the query, and the value the key, where they are left out. "
         "Gives the result and, unless need_weights is false (which is faster, and stores no scores), the weights, "
         "averaged over the heads. Masks are true where nothing is to be seen, or numbers that are added to the "
         "scores: key_padding_mask is batch x keys, attn_mask queries x keys (or that for each head of the batch). "
         "is_causal lets position i see 1 to i. A query that sees nothing gets 0 for its sum of values.",
     .formula = "y = concat(softmax(Q_h K_h^T / sqrt(d)) V_h) W_o^T + b_o",
     .source = "Vaswani et al. 2017",
     .example = "nn.MultiheadAttention(8, 2)(nn.zeros(5, 1, 8), {need_weights = false}).shape",
     .outputs = 2,
     .refuse = refuse_mha,
     .make = make_mha,
     .forward = forward_mha},
};

NL_LAYERS(attention, entries);
