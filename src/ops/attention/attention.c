/* Scaled dot-product attention (Vaswani et al. 2017, equation 1), and its gradient. */
#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "kernels/attention.h"
#include "optable/compose.h"
#include "optable/iterate.h"

NL_ATTRS(attention, dropout_p, is_causal, scale)

enum { Q, K, V, MASK, LSE, DELTA, STREAM, OPERANDS = 4 };

/* ---- what a call is about ---- */

/* Dims before the last two, broadcast over the operands (those of the mask may only be fewer). */
typedef struct leads {
  int n;
  int64_t shape[NL_MAX_DIM];
  int64_t count;
} leads;

static nl_status join_leads(leads *l, const nl_tensor *t) {
  int64_t joined[NL_MAX_DIM];
  int n;
  nl_status status = nl_broadcast_shapes(l->n, l->shape, t->ndim > 2 ? t->ndim - 2 : 0, t->shape, &n, joined);
  if (status == NL_OK) {
    l->n = n;
    memcpy(l->shape, joined, (size_t)n * sizeof *joined);
  }
  return status;
}

static nl_status check_scores_mask(const nl_tensor *mask, const nl_tensor *q, const leads *l, int64_t rows,
                                   int64_t keys) {
  if (mask->dtype != NL_BOOL && mask->dtype != q->dtype) {
    return nl_fail("attn_mask must be bool (true: may be attended to) or %s (added to the scores), not %s",
                   nl_dtype_name(nl_tensor_dtype(q)), nl_dtype_name(nl_tensor_dtype(mask)));
  }
  bool fits = mask->ndim >= 2 && mask->ndim <= l->n + 2;
  for (int d = 1; d <= mask->ndim && fits; d++) {
    int64_t have = mask->shape[mask->ndim - d], want = d == 1 ? keys : (d == 2 ? rows : l->shape[l->n + 2 - d]);
    fits = have == want || have == 1;
  }
  if (!fits) {
    int64_t whole[NL_MAX_DIM];
    memcpy(whole, l->shape, (size_t)l->n * sizeof *whole);
    whole[l->n] = rows;
    whole[l->n + 1] = keys;
    return nl_fail("attn_mask has shape %s, which does not broadcast to that of the scores, %s (... x queries x keys)",
                   nl_tensor_shape_string(mask).s, nl_shape_string(l->n + 2, whole).s);
  }
  return NL_OK;
}

/* q, k, v and mask of a call (of the gradient too, where they follow g). */
static nl_status check_operands(nl_tensor *const *in, leads *l) {
  static const char *const names[] = {"the query", "the key", "the value"};
  const nl_tensor *q = in[Q], *k = in[K], *v = in[V];
  for (int i = Q; i <= V; i++) {
    const nl_tensor *t = in[i];
    nl_status status = nl_rule_want_float(t, names[i]);
    if (status == NL_OK && (t->ndim < 2 || t->dtype != q->dtype)) {
      status =
          nl_fail("%s must be ... x length x features, in the dtype of the query (%s), but is %s of shape %s", names[i],
                  nl_dtype_name(nl_tensor_dtype(q)), nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
    }
    if (status != NL_OK) {
      return status;
    }
  }
  if (q->shape[q->ndim - 1] != k->shape[k->ndim - 1]) {
    return nl_fail("queries have %lld features (shape %s), but keys %lld (shape %s)", (long long)q->shape[q->ndim - 1],
                   nl_tensor_shape_string(q).s, (long long)k->shape[k->ndim - 1], nl_tensor_shape_string(k).s);
  }
  if (k->shape[k->ndim - 2] != v->shape[v->ndim - 2]) {
    return nl_fail("there are %lld keys (shape %s), but %lld values (shape %s)", (long long)k->shape[k->ndim - 2],
                   nl_tensor_shape_string(k).s, (long long)v->shape[v->ndim - 2], nl_tensor_shape_string(v).s);
  }
  l->n = 0;
  for (int i = Q; i <= V; i++) {
    if (join_leads(l, in[i]) != NL_OK) {
      nl_error_prefix("dims before the last two of query, key and value (shapes %s, %s and %s)",
                      nl_tensor_shape_string(q).s, nl_tensor_shape_string(k).s, nl_tensor_shape_string(v).s);
      return NL_ERROR;
    }
  }
  l->count = nl_shape_numel(l->n, l->shape);
  nl_status status = in[MASK] ? check_scores_mask(in[MASK], q, l, q->shape[q->ndim - 2], k->shape[k->ndim - 2]) : NL_OK;
  if (status == NL_OK && l->count < 0) {
    status = nl_fail("there are more heads than can be counted");
  }
  if (status == NL_OK && !nl_thread_workspace()) {
    status = nl_fail_memory(NL_THREAD_WORKSPACE_BYTES + NL_THREAD_PANEL_BYTES);
  }
  return status;
}

static nl_status check_attrs_of(const nl_call *c) {
  double p = c->attr[attention_dropout_p].number;
  if (!(p >= 0 && p <= 1)) {
    return nl_fail("dropout_p is the probability of dropping and must lie in 0..1, not %g", p);
  }
  return NL_OK;
}

static double scale_of(const nl_call *c, const nl_tensor *q) {
  return c->attr[attention_scale].set ? c->attr[attention_scale].number : 1 / sqrt((double)q->shape[q->ndim - 1]);
}

/* ---- the operands, as the kernels take them ---- */

/* Rows lie apart, and each one's elements beside each other. */
static bool taken(const nl_tensor *t) {
  int64_t rows = t->shape[t->ndim - 2], width = t->shape[t->ndim - 1];
  return (t->strides[t->ndim - 1] == 1 || width <= 1) && (t->strides[t->ndim - 2] >= width || rows <= 1);
}

static size_t whole_lines(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

static size_t bytes_in(const nl_tensor *t) {
  return (size_t)t->numel * nl_dtype_size(nl_tensor_dtype(t));
}

/* Where heads begin, and copies of what is not taken. */
static size_t work_bytes(nl_tensor *const *in, const leads *l) {
  size_t bytes = OPERANDS * whole_lines((size_t)l->count * sizeof(int64_t));
  for (int i = Q; i <= V; i++) {
    bytes += taken(in[i]) ? 0 : whole_lines(bytes_in(in[i]));
  }
  return bytes + 1;
}

typedef struct workspace {
  char *p;
} workspace;

static void *cut(workspace *w, size_t bytes) {
  void *p = w->p;
  w->p += whole_lines(bytes);
  return p;
}

/* t's numbers one after another. */
static const void *laid_flat(const nl_tensor *t, workspace *w) {
  if (t->contiguous) {
    return nl_tensor_data(t);
  }
  int64_t strides[NL_MAX_DIM];
  nl_storage storage = *t->storage;
  nl_tensor copy = *t;
  nl_shape_strides(t->ndim, t->shape, strides);
  storage.data = cut(w, bytes_in(t));
  copy.storage = &storage;
  copy.offset = 0;
  copy.strides = strides;
  copy.contiguous = true;
  nl_copy_values(&copy, (nl_tensor *)(uintptr_t)t);
  return storage.data;
}

/* The first element of each head, by the tensor's strides. */
static const int64_t *starts_of(const nl_tensor *t, const int64_t *strides, const leads *l, workspace *w) {
  int64_t *at = cut(w, (size_t)l->count * sizeof *at);
  for (int64_t i = 0; i < l->count; i++) {
    int64_t rest = i;
    at[i] = 0;
    for (int d = 1; d <= l->n; d++) {
      int64_t n = l->shape[l->n - d], k = rest % n;
      int own = t->ndim - 2 - d;
      rest /= n;
      at[i] += own >= 0 && t->shape[own] > 1 ? k * strides[own] : 0;
    }
  }
  return at;
}

static nl_heads heads_of(const nl_tensor *t, const leads *l, workspace *w) {
  int rows = t->ndim - 2;
  int64_t strides[NL_MAX_DIM];
  nl_heads h = {.p = nl_tensor_data(t), .row = t->strides[rows]};
  if (taken(t)) {
    h.at = starts_of(t, t->strides, l, w);
  } else {
    nl_shape_strides(t->ndim, t->shape, strides);
    h = (nl_heads){.p = laid_flat(t, w), .row = strides[rows], .at = starts_of(t, strides, l, w)};
  }
  h.row = t->shape[rows] == 1 ? t->shape[rows + 1] : h.row;
  return h;
}

/* A mask's rows and columns may be one for all. */
static void set_mask(nl_attention *a, const nl_tensor *mask, const leads *l, workspace *w) {
  int rows = mask->ndim - 2;
  a->mask = (nl_heads){.p = nl_tensor_data(mask),
                       .row = mask->shape[rows] == 1 ? 0 : mask->strides[rows],
                       .at = starts_of(mask, mask->strides, l, w)};
  a->mask_col = mask->shape[rows + 1] == 1 ? 0 : mask->strides[rows + 1];
  a->mask_bytes = mask->dtype == NL_BOOL;
}

static nl_attention attention_of(const nl_call *c, nl_tensor *const *in, const leads *l, workspace *w) {
  const nl_tensor *q = in[Q], *k = in[K], *v = in[V];
  nl_attention a = {.dtype = c->dtype,
                    .heads = l->count,
                    .rows = q->shape[q->ndim - 2],
                    .keys = k->shape[k->ndim - 2],
                    .width = q->shape[q->ndim - 1],
                    .value_width = v->shape[v->ndim - 1],
                    .scale = scale_of(c, q),
                    .causal = c->attr[attention_is_causal].b,
                    .drop = c->attr[attention_dropout_p].number};
  a.q = heads_of(q, l, w);
  a.k = heads_of(k, l, w);
  a.v = heads_of(v, l, w);
  if (in[MASK]) {
    set_mask(&a, in[MASK], l, w);
  }
  return a;
}

/* ---- forward ---- */

static void give_heads(nl_call *c, int i, const leads *l, int n, const int64_t *last) {
  int64_t shape[NL_MAX_DIM + 2];
  memcpy(shape, l->shape, (size_t)l->n * sizeof *shape);
  memcpy(shape + l->n, last, (size_t)n * sizeof *shape);
  nl_rule_shape(c, i, l->n + n, shape, c->dtype);
}

/* The second result: two numbers for each row, of all rows the first, then the second. */
static void give_lines(nl_call *c, const leads *l, int64_t rows) {
  int64_t shape[NL_MAX_DIM + 2] = {2};
  memcpy(shape + 1, l->shape, (size_t)l->n * sizeof *shape);
  shape[l->n + 1] = rows;
  nl_rule_shape(c, 1, l->n + 2, shape, c->dtype);
}

static nl_status infer_attention(nl_call *c) {
  leads l;
  nl_status status = check_operands(c->in, &l);
  status = status == NL_OK ? check_attrs_of(c) : status;
  if (status != NL_OK) {
    return status;
  }
  const nl_tensor *q = c->in[Q], *v = c->in[V];
  c->dtype = nl_tensor_dtype(q);
  c->workspace_bytes = work_bytes(c->in, &l);
  give_heads(c, 0, &l, 2, (int64_t[]){q->shape[q->ndim - 2], v->shape[v->ndim - 1]});
  give_lines(c, &l, q->shape[q->ndim - 2]);
  nl_rule_shape(c, 2, 1, (int64_t[]){2}, NL_I64);
  return NL_OK;
}

static void run_attention(nl_call *c) {
  leads l;
  if (check_operands(c->rin, &l) != NL_OK) {
    return;
  }
  workspace w = {c->workspace->storage->data};
  nl_attention a = attention_of(c, c->rin, &l, &w);
  int64_t *stream = nl_tensor_data(c->out[2]);
  stream[0] = stream[1] = 0;
  if (a.drop > 0) {
    nl_generator *g = nl_call_generator(c);
    a.seed = g->seed;
    a.first = nl_generator_take(g, nl_attention_blocks(&a));
    stream[0] = (int64_t)a.seed;
    stream[1] = (int64_t)a.first;
  }
  nl_attention_forward(&a, nl_tensor_data(c->out[0]), nl_tensor_data(c->out[1]));
}

static double attention_flops(const nl_call *c) {
  const nl_tensor *q = c->in[Q], *k = c->in[K], *out = c->out[0];
  double scores = (double)c->out[1]->numel / 2 * (double)k->shape[k->ndim - 2];
  double all = 2 * scores * (double)(q->shape[q->ndim - 1] + out->shape[out->ndim - 1]);
  return c->attr[attention_is_causal].b ? all / 2 : all;
}

/* ---- backward ---- */

/* P again, of single ops. */
static nl_tensor *weights_of(nl_call *c, nl_build *b, int64_t rows, int64_t keys) {
  nl_tensor *scores = b_matmul(b, c->in[Q], nl_b_transpose(b, c->in[K], -1, -2));
  scores = nl_b_scale(b, scores, scale_of(c, c->in[Q]));
  nl_tensor *mask = c->in[MASK], *hidden = nl_b_number(b, -INFINITY);
  if (mask) {
    scores = mask->dtype == NL_BOOL ? b_where(b, mask, scores, hidden) : b_add(b, scores, mask);
  }
  if (c->attr[attention_is_causal].b) {
    nl_tensor *ones = nl_b_do(b, op_full(), "tli", nl_b_number(b, 1), 2, (int64_t[]){rows, keys}, (int64_t)NL_BOOL);
    scores = b_where(b, nl_b1(b, op_tril(), ones), scores, hidden);
  }
  nl_tensor *lines = b_unsqueeze(b, c->out[1], -1), *most = nl_b1(b, op_stop_gradient(), b_select(b, lines, 1, 1));
  return b_exp(b, b_sub(b, b_sub(b, scores, most), b_select(b, lines, 1, 2)));
}

/* The gradients of single ops, which have gradients themselves; that of the mask, too. */
static nl_status vjp_composed_attention(nl_call *c, nl_vjp *g, nl_tensor *delta) {
  nl_build *b = g->build;
  const nl_tensor *q = c->in[Q], *k = c->in[K];
  nl_tensor *up = g->gout[0], *p = weights_of(c, b, q->shape[q->ndim - 2], k->shape[k->ndim - 2]), *kept = p;
  nl_tensor *dp = up ? b_matmul(b, up, nl_b_transpose(b, c->in[V], -1, -2)) : NULL;
  if (up && c->attr[attention_dropout_p].number > 0 && p) {
    nl_tensor *keep = nl_b_do(b, op_attention_kept(), "tnli", c->out[2], c->attr[attention_dropout_p].number, p->ndim,
                              p->shape, (int64_t)c->dtype);
    kept = b_mul(b, p, keep);
    dp = b_mul(b, dp, keep);
  }
  delta = b_unsqueeze(b, delta, -1);
  nl_tensor *ds = b_mul(b, p, dp ? b_sub(b, dp, delta) : b_neg(b, delta));
  double scale = scale_of(c, q);
  if (g->need[Q]) {
    g->gin[Q] = nl_b_scale(b, b_matmul(b, ds, c->in[K]), scale);
  }
  if (g->need[K]) {
    g->gin[K] = nl_b_scale(b, b_matmul(b, nl_b_transpose(b, ds, -1, -2), c->in[Q]), scale);
  }
  if (g->need[V]) {
    g->gin[V] = up ? b_matmul(b, nl_b_transpose(b, kept, -1, -2), up) : NULL;
  }
  if (c->in[MASK] && g->need[MASK]) {
    g->gin[MASK] = ds;
  }
  return b->status;
}

static nl_status vjp_attention(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *up = g->gout[0], *delta = NULL; /* of each row: the sum of up * out, less the gradient of lse */
  if (!up && !g->gout[1]) {
    return NL_OK;
  }
  if (up) {
    delta = nl_b_sum(b, b_mul(b, up, c->out[0]), 1, (int64_t[]){-1}, false);
  }
  if (g->gout[1]) {
    nl_tensor *of_lse = b_select(b, g->gout[1], 1, 2);
    delta = delta ? b_sub(b, delta, of_lse) : b_neg(b, of_lse);
  }
  if (g->differentiable || !up || (c->in[MASK] && g->need[MASK])) {
    return vjp_composed_attention(c, g, delta);
  }
  nl_call k;
  nl_call_init(&k, op_attention_backward(), 8,
               (nl_tensor *[]){up, c->in[Q], c->in[K], c->in[V], c->in[MASK], c->out[1], delta, c->out[2]});
  memcpy(k.attr, c->attr, 3 * sizeof *k.attr);
  if (b->status != NL_OK) {
    return b->status;
  }
  g->gin[Q] = nl_b_call(b, &k);
  g->gin[K] = k.out[1];
  g->gin[V] = k.out[2];
  return b->status;
}

/* attention_backward(g, query, key, value, mask?, lse, delta, stream) -> dquery, dkey, dvalue */
static nl_status infer_attention_backward(nl_call *c) {
  leads l;
  nl_tensor *const *in = c->in + 1;
  nl_status status = check_operands(in, &l);
  status = status == NL_OK ? check_attrs_of(c) : status;
  if (status != NL_OK) {
    return status;
  }
  const nl_tensor *g = c->in[0], *q = in[Q], *k = in[K], *v = in[V];
  int64_t rows = q->shape[q->ndim - 2], keys = k->shape[k->ndim - 2], ev = v->shape[v->ndim - 1];
  bool fits = g->dtype == q->dtype && g->ndim == l.n + 2 && g->numel == l.count * rows * ev;
  for (int d = 0; d < g->ndim && fits; d++) {
    fits = g->shape[d] == (d < l.n ? l.shape[d] : d == l.n ? rows : ev);
  }
  for (int i = LSE; i <= DELTA; i++) {
    fits = fits && in[i]->dtype == q->dtype && in[i]->numel == (i == LSE ? 2 : 1) * l.count * rows;
  }
  if (!fits || in[STREAM]->dtype != NL_I64 || in[STREAM]->numel != 2) {
    return nl_fail("the gradient (shape %s), lse, delta and stream do not go with the query (shape %s)",
                   nl_tensor_shape_string(g).s, nl_tensor_shape_string(q).s);
  }
  c->dtype = nl_tensor_dtype(q);
  c->workspace_bytes = work_bytes(in, &l) + whole_lines((size_t)l.count * sizeof(int64_t)) + whole_lines(bytes_in(g)) +
                       whole_lines(bytes_in(in[LSE])) + whole_lines(bytes_in(in[DELTA])) + 64;
  give_heads(c, 0, &l, 2, (int64_t[]){rows, q->shape[q->ndim - 1]});
  give_heads(c, 1, &l, 2, (int64_t[]){keys, q->shape[q->ndim - 1]});
  give_heads(c, 2, &l, 2, (int64_t[]){keys, ev});
  return NL_OK;
}

static void run_attention_backward(nl_call *c) {
  leads l;
  nl_tensor *const *in = c->rin + 1;
  if (check_operands(in, &l) != NL_OK) {
    return;
  }
  workspace w = {c->workspace->storage->data};
  nl_attention a = attention_of(c, in, &l, &w);
  const int64_t *stream = laid_flat(in[STREAM], &w);
  a.seed = (uint64_t)stream[0];
  a.first = (uint64_t)stream[1];
  nl_heads g = heads_of(c->rin[0], &l, &w);
  nl_attention_backward(&a, &g, laid_flat(in[LSE], &w), laid_flat(in[DELTA], &w), nl_tensor_data(c->out[0]),
                        nl_tensor_data(c->out[1]), nl_tensor_data(c->out[2]));
}

static double attention_back_flops(const nl_call *c) {
  const nl_tensor *q = c->in[1], *k = c->in[2], *v = c->in[3];
  double scores = (double)c->in[6]->numel * (double)k->shape[k->ndim - 2];
  double all = scores * (6 * (double)q->shape[q->ndim - 1] + 4 * (double)v->shape[v->ndim - 1]);
  return c->attr[attention_is_causal].b ? all / 2 : all;
}

/* ---- what was kept ---- */

/* attention_kept(stream, dropout_p, shape, dtype): of single scores, 0 or 1 / (1 - p) */
NL_ATTRS(kept, dropout_p, shape, dtype)

static nl_status infer_kept(nl_call *c) {
  const nl_tensor *stream = c->in[0];
  int n;
  const int64_t *shape = nl_call_list(c, kept_shape, &n);
  nl_dtype dtype = nl_rule_dtype(c, kept_dtype, NL_F32);
  double p = c->attr[kept_dropout_p].number;
  if (stream->dtype != NL_I64 || stream->numel != 2 || !stream->contiguous || n < 2 || !(p >= 0 && p <= 1) ||
      !nl_dtype_is_float(dtype)) {
    return nl_fail("takes the stream of an attention (two int64), p in 0..1, the scores' shape and a float dtype");
  }
  if (!nl_thread_workspace()) {
    return nl_fail_memory(NL_THREAD_WORKSPACE_BYTES + NL_THREAD_PANEL_BYTES);
  }
  c->dtype = dtype;
  return nl_rule_made(c, n, shape, dtype);
}
static void run_kept(nl_call *c) {
  const nl_tensor *out = c->out[0];
  const int64_t *stream = nl_tensor_data(c->rin[0]);
  int64_t rows = out->shape[out->ndim - 2], keys = out->shape[out->ndim - 1];
  nl_attention a = {.dtype = c->dtype,
                    .heads = rows && keys ? out->numel / rows / keys : 0,
                    .rows = rows,
                    .keys = keys,
                    .drop = c->attr[kept_dropout_p].number,
                    .seed = (uint64_t)stream[0],
                    .first = (uint64_t)stream[1]};
  nl_attention_kept(&a, nl_tensor_data(out));
}

static const nl_op ops[] = {
    {.name = "scaled_dot_product_attention",
     .args = "query: tensor, key: tensor, value: tensor, attn_mask: tensor?, dropout_p: number = 0, "
             "is_causal: bool = false, scale: number?",
     .attrs = attention_attrs,
     .returns = "tensor",
     .doc = "softmax(query key^T * scale + attn_mask) value, of ... x length x features, without storing the scores. A "
            "bool mask says which keys may be attended to, another one is added; is_causal lets position i see 1 to i; "
            "scale is 1/sqrt(features) unless it is given. dropout_p drops weights, always. A query that sees no key "
            "gives 0.",
     .example = "nn.scaled_dot_product_attention(nn.eye(2), nn.eye(2), nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, "
                "{is_causal = true})",
     .infer = infer_attention,
     .run = run_attention,
     .flops = attention_flops,
     .vjp = vjp_attention,
     .flags = NL_OP_BROADCAST | NL_OP_RANDOM,
     .save = NL_SAVE_IN(0) | NL_SAVE_IN(1) | NL_SAVE_IN(2) | NL_SAVE_IN(3) | NL_SAVE_OUT(0) | NL_SAVE_OUT(1) |
             NL_SAVE_OUT(2),
     .visible = 1},
    {.name = "attention_backward",
     .args = "grad: tensor, query: tensor, key: tensor, value: tensor, attn_mask: tensor?, lse: tensor, delta: tensor, "
             "stream: tensor, dropout_p: number = 0, is_causal: bool = false, scale: number?",
     .attrs = attention_attrs,
     .returns = "tensor, tensor, tensor",
     .doc = "The gradients of scaled_dot_product_attention for query, key and value.",
     .infer = infer_attention_backward,
     .run = run_attention_backward,
     .flops = attention_back_flops,
     .flags = NL_OP_INTERNAL},
    {.name = "attention_kept",
     .args = "stream: tensor, dropout_p: number = 0, shape: shape, dtype: dtype?",
     .attrs = kept_attrs,
     .returns = "tensor",
     .doc = "What attention with this stream of random numbers multiplied its weights by.",
     .infer = infer_kept,
     .run = run_kept,
     .flags = NL_OP_INTERNAL},
};

NL_FAMILY(attention, ops);
