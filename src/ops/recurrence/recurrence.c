/* Recurrent layers over a sequence, in one direction: what is left of them when the input's products of all steps are
   done (kernels/recurrent.h). The layers of src/nn/recurrent.c call these. What a step leaves behind (its state and its
   gates) are results, so that the gradient needs no second way there, and can be differentiated itself. */
#include <string.h>

#include "core/pool.h"
#include "kernels/recurrent.h"
#include "optable/compose.h"

NL_ATTRS(recur, reverse, relu) /* of LSTM and GRU the first one only */
NL_ATTRS(gated, reverse)

enum { MOST_BLOCKS = 4 };

/* Which of a call's tensors are what; -1: there is none. */
typedef struct tensors_of {
  int z, weight, bias, h0, c0, lengths;
} tensors_of;
static const tensors_of places[] = {
    [NL_RNN] = {0, 1, -1, 2, -1, 3}, [NL_LSTM] = {0, 1, -1, 2, 3, 4}, [NL_GRU] = {0, 1, 2, 3, -1, 4}};

static nl_tensor *pick(nl_tensor *const *in, int i) {
  return i < 0 ? NULL : in[i];
}
static void *data_of(const nl_tensor *t) {
  return t ? nl_tensor_data(t) : NULL;
}

/* ---- forward ---- */

static nl_status check_state(const nl_tensor *t, const char *name, const nl_tensor *z, int64_t units) {
  if (t && (t->ndim != 2 || t->shape[0] != z->shape[1] || t->shape[1] != units || t->dtype != z->dtype)) {
    return nl_fail("%s must be batch x units (%lldx%lld, %s), but is %s of shape %s", name, (long long)z->shape[1],
                   (long long)units, nl_dtype_name(nl_tensor_dtype(z)), nl_dtype_name(nl_tensor_dtype(t)),
                   nl_tensor_shape_string(t).s);
  }
  return NL_OK;
}

/* z: steps x batch x (blocks units) and the weight, (blocks units) x units. */
static nl_status check_parts_of(int kind, const nl_tensor *z, const nl_tensor *weight, const nl_tensor *bias) {
  nl_status status = nl_rule_want_float(z, "the input's part");
  int64_t blocks = nl_recurrent_blocks(kind);
  if (status != NL_OK) {
    return status;
  }
  if (weight->ndim != 2 || weight->shape[0] != blocks * weight->shape[1] || weight->shape[1] < 1 ||
      weight->dtype != z->dtype) {
    return nl_fail("the weight must be (%lld units) x units, in the input's dtype (%s), but is %s of shape %s",
                   (long long)blocks, nl_dtype_name(nl_tensor_dtype(z)), nl_dtype_name(nl_tensor_dtype(weight)),
                   nl_tensor_shape_string(weight).s);
  }
  if (z->ndim != 3 || z->shape[2] != weight->shape[0]) {
    return nl_fail("the input's part must be length x batch x %lld, but has shape %s", (long long)weight->shape[0],
                   nl_tensor_shape_string(z).s);
  }
  if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0] || bias->dtype != z->dtype)) {
    return nl_fail("the bias must be %s of shape %lld, but is %s of shape %s", nl_dtype_name(nl_tensor_dtype(z)),
                   (long long)weight->shape[0], nl_dtype_name(nl_tensor_dtype(bias)), nl_tensor_shape_string(bias).s);
  }
  return nl_thread_workspace() ? NL_OK : nl_fail_memory(NL_THREAD_WORKSPACE_BYTES + NL_THREAD_PANEL_BYTES);
}

/* lengths: of each sequence of the batch, 1 .. steps; or NULL */
static nl_status check_sequence_lengths(const nl_tensor *lengths, const nl_tensor *z) {
  if (!lengths) {
    return NL_OK;
  }
  if (lengths->dtype != NL_I64 || lengths->ndim != 1 || lengths->shape[0] != z->shape[1]) {
    return nl_fail("lengths must be int64 of shape %lld, one for each sequence of the batch, but is %s of shape %s",
                   (long long)z->shape[1], nl_dtype_name(nl_tensor_dtype(lengths)), nl_tensor_shape_string(lengths).s);
  }
  for (int64_t i = 0; i < lengths->shape[0] && lengths->storage; i++) {
    int64_t n = nl_tensor_get_int(lengths, i);
    if (n < 1 || n > z->shape[0]) {
      return nl_fail("lengths[%lld] is %lld, but must be from 1 to the number of steps, %lld", (long long)i + 1,
                     (long long)n, (long long)z->shape[0]);
    }
  }
  return NL_OK;
}

static nl_recurrent recurrent_of(const nl_call *c, const nl_tensor *z, const nl_tensor *weight) {
  return (nl_recurrent){.dtype = nl_tensor_dtype(z),
                        .kind = c->op->variant,
                        .reverse = c->attr[recur_reverse].b,
                        .relu = c->op->variant == NL_RNN && c->attr[recur_relu].b,
                        .steps = z->shape[0],
                        .rows = z->shape[1],
                        .units = weight->shape[1]};
}

static nl_status infer_sequence(nl_call *c) {
  int kind = c->op->variant;
  tensors_of p = places[kind];
  const nl_tensor *z = c->in[p.z], *weight = c->in[p.weight];
  nl_status status = check_parts_of(kind, z, weight, pick(c->in, p.bias));
  int64_t units = status == NL_OK ? weight->shape[1] : 0;
  status = status == NL_OK ? check_state(pick(c->in, p.h0), "the state h", z, units) : status;
  status = status == NL_OK ? check_state(pick(c->in, p.c0), "the state c", z, units) : status;
  status = status == NL_OK ? check_sequence_lengths(c->in[p.lengths], z) : status;
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[3] = {z->shape[0], z->shape[1], units}, wide[3] = {z->shape[0], z->shape[1], 4 * units};
  c->dtype = nl_tensor_dtype(z);
  nl_recurrent r = recurrent_of(c, z, weight);
  c->workspace_bytes = nl_recurrent_work(&r);
  nl_rule_shape(c, 0, 3, shape, c->dtype);
  if (kind == NL_LSTM) {
    nl_rule_shape(c, 1, 3, shape, c->dtype);
  }
  if (kind != NL_RNN) {
    nl_rule_shape(c, kind == NL_LSTM ? 2 : 1, 3, wide, c->dtype);
  }
  return NL_OK;
}

static void run_sequence(nl_call *c) {
  int kind = c->op->variant;
  tensors_of p = places[kind];
  nl_recurrent r = recurrent_of(c, c->rin[p.z], c->rin[p.weight]);
  r.z = data_of(c->rin[p.z]);
  r.weight = data_of(c->rin[p.weight]);
  r.bias = data_of(pick(c->rin, p.bias));
  r.h0 = data_of(pick(c->rin, p.h0));
  r.c0 = data_of(pick(c->rin, p.c0));
  r.lengths = data_of(c->rin[p.lengths]);
  r.h = data_of(c->out[0]);
  r.c = kind == NL_LSTM ? data_of(c->out[1]) : NULL;
  r.gates = kind == NL_RNN ? NULL : data_of(c->out[kind == NL_LSTM ? 2 : 1]);
  r.work = c->workspace->storage->data;
  nl_recurrent_forward(&r);
}

static double sequence_flops(const nl_call *c) {
  const nl_tensor *z = c->in[0], *weight = c->in[1];
  return 2.0 * (double)z->shape[0] * (double)z->shape[1] * (double)weight->numel;
}

/* ---- the gradient, of single ops: has gradients itself ---- */

/* Step t (from 0) of a tensor of steps x ..., or of what was before the first: `first`, or NULL. */
static nl_tensor *time_step(nl_build *b, nl_tensor *t, int64_t i) {
  return b_select(b, t, 1, i + 1);
}
static nl_tensor *before(nl_build *b, const nl_call *c, nl_tensor *t, nl_tensor *first, int64_t i) {
  bool reverse = c->attr[recur_reverse].b;
  bool begins = reverse ? i == t->shape[0] - 1 : i == 0;
  return begins ? first : time_step(b, t, reverse ? i + 1 : i - 1);
}
static nl_tensor *block(nl_build *b, nl_tensor *t, int k, int64_t n) {
  return b_narrow(b, t, -1, k * n + 1, n);
}
/* What may be NULL: zeros. */
static nl_tensor *plus_or_none(nl_build *b, nl_tensor *x, nl_tensor *y) {
  return !x ? y : (!y ? x : b_add(b, x, y));
}
static nl_tensor *times_or_none(nl_build *b, nl_tensor *x, nl_tensor *y) {
  return x && y ? b_mul(b, x, y) : NULL;
}
static nl_tensor *zeros_for(nl_build *b, nl_tensor *t, const nl_tensor *like) {
  return t ? t : nl_b_zeros(b, nl_tensor_dtype(like), like->ndim, like->shape);
}
/* s (1 - s) d, and (1 - t^2) d */
static nl_tensor *through_sigmoid(nl_build *b, nl_tensor *s, nl_tensor *d) {
  return d ? b_mul(b, d, b_mul(b, s, b_minus_from(b, 1, s))) : NULL;
}
static nl_tensor *through_tanh(nl_build *b, nl_tensor *t, nl_tensor *d) {
  return d ? b_mul(b, d, b_minus_from(b, 1, b_square(b, t))) : NULL;
}

/* One step back. dh, dc: gradients of the state behind it, replaced by those of the state before (of dh, without what
   goes through the product); dz and dp get `blocks` gradients, NULL standing for zeros. */
typedef struct step_back {
  nl_tensor *h, *h0, *c, *c0, *gates, *ggates, *dh, *dc;
  nl_tensor *dz[MOST_BLOCKS], *dp[MOST_BLOCKS];
  int64_t n;
  bool relu;
} step_back;

static nl_tensor *gate_back(nl_build *b, const step_back *s, int k) {
  return s->ggates ? block(b, s->ggates, k, s->n) : NULL;
}

static void rnn_back(nl_build *b, step_back *s) {
  if (s->relu) {
    s->dz[0] = s->dh ? b_mul(b, s->dh, nl_b_cast(b, b_gt(b, s->h, nl_b_number(b, 0)), nl_tensor_dtype(s->h))) : NULL;
  } else {
    s->dz[0] = through_tanh(b, s->h, s->dh);
  }
  s->dp[0] = s->dz[0];
  s->dh = NULL;
}

static void lstm_back(nl_build *b, step_back *s) {
  nl_tensor *in = block(b, s->gates, 0, s->n), *forget = block(b, s->gates, 1, s->n);
  nl_tensor *cell = block(b, s->gates, 2, s->n), *out = block(b, s->gates, 3, s->n), *t = b_tanh(b, s->c);
  nl_tensor *dc = plus_or_none(b, s->dc, through_tanh(b, t, times_or_none(b, s->dh, out)));
  s->dz[0] = through_sigmoid(b, in, plus_or_none(b, times_or_none(b, dc, cell), gate_back(b, s, 0)));
  s->dz[1] = through_sigmoid(b, forget, plus_or_none(b, times_or_none(b, dc, s->c0), gate_back(b, s, 1)));
  s->dz[2] = through_tanh(b, cell, plus_or_none(b, times_or_none(b, dc, in), gate_back(b, s, 2)));
  s->dz[3] = through_sigmoid(b, out, plus_or_none(b, times_or_none(b, s->dh, t), gate_back(b, s, 3)));
  memcpy(s->dp, s->dz, sizeof s->dp);
  s->dc = times_or_none(b, dc, forget);
  s->dh = NULL;
}

static void gru_back(nl_build *b, step_back *s) {
  nl_tensor *reset = block(b, s->gates, 0, s->n), *update = block(b, s->gates, 1, s->n);
  nl_tensor *fresh = block(b, s->gates, 2, s->n), *part = block(b, s->gates, 3, s->n), *d = s->dh;
  nl_tensor *change = s->h0 ? b_sub(b, s->h0, fresh) : b_neg(b, fresh);
  nl_tensor *dn = plus_or_none(b, times_or_none(b, d, b_minus_from(b, 1, update)), gate_back(b, s, 2));
  dn = through_tanh(b, fresh, dn);
  s->dz[0] = through_sigmoid(b, reset, plus_or_none(b, times_or_none(b, dn, part), gate_back(b, s, 0)));
  s->dz[1] = through_sigmoid(b, update, plus_or_none(b, times_or_none(b, d, change), gate_back(b, s, 1)));
  s->dz[2] = dn;
  s->dp[0] = s->dz[0];
  s->dp[1] = s->dz[1];
  s->dp[2] = plus_or_none(b, times_or_none(b, dn, reset), gate_back(b, s, 3));
  s->dh = times_or_none(b, d, update);
}

static void (*const step_backs[])(nl_build *, step_back *) = {rnn_back, lstm_back, gru_back};

/* The blocks beside each other; like: a tensor of one block. */
static nl_tensor *join_blocks(nl_build *b, nl_tensor **parts, int n, const nl_tensor *like) {
  nl_tensor *all = NULL;
  for (int i = 0; i < n && b->status == NL_OK; i++) {
    nl_tensor *one = zeros_for(b, parts[i], like);
    all = all ? b_cat(b, all, one, -1) : one;
  }
  return all;
}

/* What the gradients of the state's part are made of, whichever way they came: of the weight, the bias and z. */
static void give_gradients(nl_call *c, nl_vjp *g, nl_tensor *dz, nl_tensor *dp, nl_tensor *dh0, nl_tensor *dc0) {
  nl_build *b = g->build;
  tensors_of p = places[c->op->variant];
  nl_tensor *h = c->out[0], *h0 = pick(c->in, p.h0);
  if (b->status != NL_OK) {
    return;
  }
  int64_t steps = h->shape[0], wide = dp->shape[2], n = h->shape[2];
  bool reverse = c->attr[recur_reverse].b;
  if (g->need[p.weight]) {
    nl_tensor *dw = NULL;
    if (steps > 1) { /* all steps but the first, each with the state before it */
      nl_tensor *later = b_narrow(b, dp, 1, reverse ? 1 : 2, steps - 1);
      nl_tensor *states = b_narrow(b, h, 1, reverse ? 2 : 1, steps - 1);
      later = nl_b_reshape(b, later, 2, (int64_t[]){-1, wide});
      states = nl_b_reshape(b, states, 2, (int64_t[]){-1, n});
      dw = b_matmul(b, nl_b_transpose(b, later, 1, 2), states);
    }
    if (h0) {
      dw = plus_or_none(b, dw, b_matmul(b, nl_b_transpose(b, time_step(b, dp, reverse ? steps - 1 : 0), 1, 2), h0));
    }
    g->gin[p.weight] = b->status == NL_OK ? zeros_for(b, dw, c->in[p.weight]) : NULL;
  }
  if (p.bias >= 0 && c->in[p.bias] && g->need[p.bias]) {
    g->gin[p.bias] = nl_b_sum(b, dp, 2, (int64_t[]){1, 2}, false);
  }
  g->gin[p.z] = dz;
  if (h0) {
    g->gin[p.h0] = dh0;
  }
  if (p.c0 >= 0 && c->in[p.c0]) {
    g->gin[p.c0] = dc0;
  }
}

static nl_status vjp_by_steps(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  int kind = c->op->variant, blocks = (int)nl_recurrent_blocks(kind), last = kind == NL_LSTM ? 2 : 1;
  tensors_of p = places[kind];
  nl_tensor *h = c->out[0], *dh = NULL, *dc = NULL;
  bool reverse = c->attr[recur_reverse].b;
  int64_t steps = h->shape[0];
  nl_parts dz = {0}, dp = {0}; /* from the last step to the first */
  for (int64_t i = steps - 1; i >= 0 && b->status == NL_OK; i--) {
    int64_t t = reverse ? steps - 1 - i : i;
    step_back s = {.h = time_step(b, h, t),
                   .h0 = before(b, c, h, pick(c->in, p.h0), t),
                   .dh = plus_or_none(b, g->gout[0] ? time_step(b, g->gout[0], t) : NULL, dh),
                   .dc = dc,
                   .n = h->shape[2],
                   .relu = kind == NL_RNN && c->attr[recur_relu].b};
    if (kind != NL_RNN) {
      s.gates = time_step(b, c->out[last], t);
      s.ggates = g->gout[last] ? time_step(b, g->gout[last], t) : NULL;
    }
    if (kind == NL_LSTM) {
      s.c = time_step(b, c->out[1], t);
      s.c0 = before(b, c, c->out[1], pick(c->in, p.c0), t);
      s.dc = plus_or_none(b, g->gout[1] ? time_step(b, g->gout[1], t) : NULL, dc);
    }
    if (b->status != NL_OK) {
      break;
    }
    nl_tensor *like = s.h;
    nl_tensor *active = NULL, *behind_h = s.dh, *behind_c = s.dc; /* what a row that rests passes on */
    step_backs[kind](b, &s);
    if (c->in[p.lengths]) {
      active = b_unsqueeze(b, b_gt(b, c->in[p.lengths], nl_b_int(b, t)), 2);
      for (int q = 0; q < blocks; q++) {
        s.dz[q] = b_where(b, active, zeros_for(b, s.dz[q], like), nl_b_number(b, 0));
        s.dp[q] = b_where(b, active, zeros_for(b, s.dp[q], like), nl_b_number(b, 0));
      }
    }
    nl_tensor *parts = join_blocks(b, s.dp, blocks, like);
    nl_parts_add(b, &dz, kind == NL_GRU ? join_blocks(b, s.dz, blocks, like) : parts);
    if (kind == NL_GRU) {
      nl_parts_add(b, &dp, parts);
    }
    dh = plus_or_none(b, s.dh, b_matmul(b, parts, c->in[p.weight]));
    dc = s.dc;
    if (active) {
      dh = b_where(b, active, zeros_for(b, dh, like), zeros_for(b, behind_h, like));
      dc = kind == NL_LSTM ? b_where(b, active, zeros_for(b, dc, like), zeros_for(b, behind_c, like)) : NULL;
    }
  }
  for (int side = 0; side < 2; side++) { /* into the order of the steps */
    nl_parts *all = side ? &dp : &dz;
    for (int i = 0; !reverse && i < all->n / 2; i++) {
      nl_tensor *one = all->t[i];
      all->t[i] = all->t[all->n - 1 - i];
      all->t[all->n - 1 - i] = one;
    }
  }
  nl_tensor *whole_z = nl_parts_join(b, &dz, op_stack(), 1);
  nl_tensor *whole_p = kind == NL_GRU ? nl_parts_join(b, &dp, op_stack(), 1) : whole_z;
  if (b->status == NL_OK && whole_z) {
    give_gradients(c, g, whole_z, whole_p, dh, dc);
  }
  return b->status;
}

/* ---- the gradient ---- */

static const int last_of[] = {[NL_RNN] = 3, [NL_LSTM] = 6, [NL_GRU] = 5}; /* where the gradients' ops take lengths */

static nl_status vjp_sequence(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  int kind = c->op->variant;
  bool of_gates = kind != NL_RNN && g->gout[kind == NL_LSTM ? 2 : 1];
  if (g->differentiable || of_gates || c->out[0]->shape[0] == 0) {
    return vjp_by_steps(c, g);
  }
  tensors_of p = places[kind];
  nl_tensor *h0 = pick(c->in, p.h0), *weight = c->in[p.weight], *h = c->out[0], *up = zeros_for(b, g->gout[0], h);
  static const nl_op *(*const ops_of[])(void) = {op_rnn_sequence_backward, op_lstm_sequence_backward,
                                                 op_gru_sequence_backward};
  nl_call k;
  nl_call_init(&k, ops_of[kind](), last_of[kind] + 1, NULL);
  k.in[last_of[kind]] = c->in[p.lengths];
  k.in[0] = up;
  k.in[1] = weight;
  k.in[2] = kind == NL_LSTM ? c->out[1] : h;
  if (kind == NL_LSTM) {
    k.in[3] = c->out[2];
    k.in[4] = c->in[p.c0];
    k.in[5] = g->gout[1];
  } else if (kind == NL_GRU) {
    k.in[3] = c->out[1];
    k.in[4] = h0;
  }
  memcpy(k.attr, c->attr, (kind == NL_RNN ? 2 : 1) * sizeof *k.attr);
  nl_tensor *dz = b->status == NL_OK ? nl_b_call(b, &k) : NULL;
  if (b->status == NL_OK) {
    give_gradients(c, g, dz, kind == NL_GRU ? k.out[2] : dz, k.out[1], kind == NL_LSTM ? k.out[2] : NULL);
  }
  return b->status;
}

/* (g, weight, h of RNN and GRU or c of LSTM, gates, c0 of LSTM or h0 of GRU, gradient of c) -> dz, dh0, and dc0 of LSTM
   or the gradient of the state's part of GRU */
static nl_status infer_back_in_time(nl_call *c) {
  int kind = c->op->variant;
  const nl_tensor *g = c->in[0], *weight = c->in[1], *states = c->in[2];
  nl_status status = nl_rule_want_float(g, "the gradient");
  int64_t blocks = nl_recurrent_blocks(kind);
  if (status != NL_OK) {
    return status;
  }
  bool fits = g->ndim == 3 && weight->ndim == 2 && weight->shape[0] == blocks * weight->shape[1] &&
              g->shape[2] == weight->shape[1] && weight->shape[1] > 0 && weight->dtype == g->dtype &&
              nl_shape_equal(states, g) && states->dtype == g->dtype;
  if (fits && kind != NL_RNN) {
    const nl_tensor *gates = c->in[3], *first = c->in[4];
    fits = gates->ndim == 3 && gates->shape[0] == g->shape[0] && gates->shape[1] == g->shape[1] &&
           gates->shape[2] == 4 * g->shape[2] && gates->dtype == g->dtype;
    fits = fits && (!first || (first->ndim == 2 && first->shape[0] == g->shape[1] && first->shape[1] == g->shape[2] &&
                               first->dtype == g->dtype));
  }
  const nl_tensor *gc = kind == NL_LSTM ? c->in[5] : NULL;
  fits = fits && (!gc || (nl_shape_equal(gc, g) && gc->dtype == g->dtype));
  if (!fits) {
    return nl_fail("the gradient (shape %s), the weight (shape %s) and what the steps left do not go together",
                   nl_tensor_shape_string(g).s, nl_tensor_shape_string(weight).s);
  }
  status = check_sequence_lengths(c->in[last_of[kind]], g);
  if (status == NL_OK && !nl_thread_workspace()) {
    status = nl_fail_memory(NL_THREAD_WORKSPACE_BYTES + NL_THREAD_PANEL_BYTES);
  }
  if (status != NL_OK) {
    return status;
  }
  int64_t wide[3] = {g->shape[0], g->shape[1], weight->shape[0]};
  c->dtype = nl_tensor_dtype(g);
  nl_recurrent r = recurrent_of(c, g, weight);
  c->workspace_bytes = nl_recurrent_work(&r);
  nl_rule_shape(c, 0, 3, wide, c->dtype);
  nl_rule_shape(c, 1, 2, g->shape + 1, c->dtype);
  if (kind == NL_LSTM) {
    nl_rule_shape(c, 2, 2, g->shape + 1, c->dtype);
  } else if (kind == NL_GRU) {
    nl_rule_shape(c, 2, 3, wide, c->dtype);
  }
  return NL_OK;
}

static void run_back_in_time(nl_call *c) {
  int kind = c->op->variant;
  nl_recurrent r = recurrent_of(c, c->rin[0], c->rin[1]);
  r.g = data_of(c->rin[0]);
  r.weight = data_of(c->rin[1]);
  r.dz = data_of(c->out[0]);
  r.dh0 = data_of(c->out[1]);
  r.lengths = data_of(c->rin[last_of[kind]]);
  r.work = c->workspace->storage->data;
  if (kind == NL_LSTM) {
    r.c = data_of(c->rin[2]);
    r.gates = data_of(c->rin[3]);
    r.c0 = data_of(c->rin[4]);
    r.gc = data_of(c->rin[5]);
    r.dc0 = data_of(c->out[2]);
  } else {
    r.h = data_of(c->rin[2]);
  }
  if (kind == NL_GRU) {
    r.gates = data_of(c->rin[3]);
    r.h0 = data_of(c->rin[4]);
    r.dproduct = data_of(c->out[2]);
  }
  if (r.steps == 0) { /* nothing between the state and itself */
    for (int i = 1; i < (kind == NL_LSTM ? 3 : 2); i++) {
      memset(nl_tensor_data(c->out[i]), 0, (size_t)c->out[i]->numel * nl_dtype_size(c->dtype));
    }
    return;
  }
  nl_recurrent_backward(&r);
}

static double back_in_time_flops(const nl_call *c) {
  const nl_tensor *g = c->in[0], *weight = c->in[1];
  return 2.0 * (double)g->shape[0] * (double)g->shape[1] * (double)weight->numel;
}

/* ---- the table ---- */

#define SEQUENCE(op_name, kind, takes, gives, keeps, text)                                                             \
  {                                                                                                                    \
    .name = op_name, .args = takes, .attrs = kind == NL_RNN ? recur_attrs : gated_attrs, .returns = gives,             \
    .doc = text, .infer = infer_sequence, .run = run_sequence, .flops = sequence_flops, .vjp = vjp_sequence,           \
    .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL | NL_OP_CHECKS, .save = keeps, .variant = kind                          \
  }
#define BACKWARD(op_name, kind, takes, gives)                                                                          \
  {                                                                                                                    \
    .name = op_name, .args = takes, .attrs = kind == NL_RNN ? recur_attrs : gated_attrs, .returns = gives,             \
    .doc = "The gradients of a recurrent layer's part over time.", .infer = infer_back_in_time,                        \
    .run = run_back_in_time, .flops = back_in_time_flops, .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL | NL_OP_CHECKS,   \
    .variant = kind                                                                                                    \
  }

static const nl_op ops[] = {
    SEQUENCE("rnn_sequence", NL_RNN,
             "z: tensor, weight: tensor, h0: tensor?, lengths: tensor?, reverse: bool = false, relu: bool = false",
             "tensor", NL_SAVE_IN(1) | NL_SAVE_IN(2) | NL_SAVE_IN(3) | NL_SAVE_OUT(0),
             "The states of a simple recurrent layer, from the input's part of all steps."),
    SEQUENCE("lstm_sequence", NL_LSTM,
             "z: tensor, weight: tensor, h0: tensor?, c0: tensor?, lengths: tensor?, reverse: bool = false",
             "tensor, tensor, tensor",
             NL_SAVE_IN(1) | NL_SAVE_IN(2) | NL_SAVE_IN(3) | NL_SAVE_IN(4) | NL_SAVE_OUT(0) | NL_SAVE_OUT(1) |
                 NL_SAVE_OUT(2),
             "The states h and c and the gates of an LSTM, from the input's part of all steps."),
    SEQUENCE("gru_sequence", NL_GRU,
             "z: tensor, weight: tensor, bias: tensor?, h0: tensor?, lengths: tensor?, reverse: bool = false",
             "tensor, tensor",
             NL_SAVE_IN(1) | NL_SAVE_IN(2) | NL_SAVE_IN(3) | NL_SAVE_IN(4) | NL_SAVE_OUT(0) | NL_SAVE_OUT(1),
             "The states and gates of a GRU, from the input's part of all steps; bias: of the state's part."),
    BACKWARD("rnn_sequence_backward", NL_RNN,
             "grad: tensor, weight: tensor, h: tensor, lengths: tensor?, reverse: bool = false, relu: bool = false",
             "tensor, tensor"),
    BACKWARD("lstm_sequence_backward", NL_LSTM,
             "grad: tensor, weight: tensor, c: tensor, gates: tensor, c0: tensor?, grad_c: tensor?, lengths: tensor?, "
             "reverse: bool = false",
             "tensor, tensor, tensor"),
    BACKWARD(
        "gru_sequence_backward", NL_GRU,
        "grad: tensor, weight: tensor, h: tensor, gates: tensor, h0: tensor?, lengths: tensor?, reverse: bool = false",
        "tensor, tensor, tensor"),
};

NL_FAMILY(recurrence, ops);
