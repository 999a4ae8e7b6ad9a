/* Recurrent layers: RNN (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000)
   and GRU (Cho et al. 2014, in PyTorch's form), and their cells. Inputs are length x batch x features, or batch x
   length x features with batch_first. Parameter names count layers from 1: weight_ih_l1, weight_hh_l1, bias_ih_l1,
   bias_hh_l1, and with _reverse for the way back. Gates lie in PyTorch's order: LSTM input, forget, cell, output; GRU
   reset, update, new. */
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "nn/pass.h"

enum { RNN, LSTM, GRU };
static const int gates_of[] = {1, 4, 3}, states_of[] = {1, 2, 1};
static const char *const state_names[] = {"h", "c"};

enum { MOST_STATES = 2 };

/* ---- one direction of one layer ---- */

typedef struct direction {
  nl_tensor *weight_ih, *weight_hh, *bias_ih, *bias_hh;
  nl_tensor *h0, *c0; /* NULL: zeros */
  nl_tensor *lengths; /* or NULL */
  bool relu, reverse;
} direction;

/* Over x (length x batch x features): the outputs; state gets the last ones, of a row with a length that at its end. */
static nl_tensor *run_direction(nl_build *b, int kind, nl_tensor *x, const direction *d, nl_tensor **state) {
  nl_tensor *bias = d->bias_ih; /* both biases of all gates are added at once, but for GRU's, of which one is reset */
  if (kind != GRU && bias && d->bias_hh && b->status == NL_OK && !nl_shape_equal(bias, d->bias_hh)) {
    return nl_b_fail(b, "bias_ih has shape %s, but bias_hh %s", nl_tensor_shape_string(bias).s,
                     nl_tensor_shape_string(d->bias_hh).s);
  }
  if (kind != GRU && d->bias_hh) {
    bias = bias ? b_add(b, bias, d->bias_hh) : d->bias_hh;
  }
  nl_tensor *z = b_linear(b, x, d->weight_ih, bias), *out, *cells = NULL;
  if (kind == RNN) {
    out = nl_b_do(b, op_rnn_sequence(), "ttttbb", z, d->weight_hh, d->h0, d->lengths, d->reverse, d->relu);
  } else if (kind == GRU) {
    out = nl_b_do(b, op_gru_sequence(), "tttttb", z, d->weight_hh, d->bias_hh, d->h0, d->lengths, d->reverse);
  } else if (b->status == NL_OK) {
    nl_call c;
    nl_call_init(&c, op_lstm_sequence(), 5, (nl_tensor *[]){z, d->weight_hh, d->h0, d->c0, d->lengths});
    c.attr[0] = (nl_attr){.set = true, .b = d->reverse};
    out = nl_b_call(b, &c);
    cells = c.out[1];
  } else {
    return NULL;
  }
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t last = d->reverse ? 1 : x->shape[0];
  state[0] = b_select(b, out, 1, last);
  state[1] = cells ? b_select(b, cells, 1, last) : NULL;
  return out;
}

/* The states that were given, in in[1 ...]: all or none of them, each of the shape that the layer's are of. Returns
   false where there are none, or after a failure. */
static bool check_states(nl_pass *p, int kind, int ndim, const int64_t *shape, const char *words) {
  int given = 0, n = states_of[kind];
  nl_dtype dtype = nl_tensor_dtype(p->in[0]);
  for (int i = 0; i < n; i++) {
    given += p->in[1 + i] != NULL;
  }
  for (int i = 0; i < n && given > 0; i++) {
    const nl_tensor *t = p->in[1 + i];
    if (!t) {
      nl_pass_fail(p, "the state %s is given without %s", state_names[1 - i], state_names[i]);
      return false;
    }
    if (t->ndim != ndim || memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) != 0 || nl_tensor_dtype(t) != dtype) {
      nl_pass_fail(p, "the state %s must be %s (%s, %s), but is a %s tensor of shape %s", state_names[i], words,
                   nl_shape_string(ndim, shape).s, nl_dtype_name(dtype), nl_dtype_name(nl_tensor_dtype(t)),
                   nl_tensor_shape_string(t).s);
      return false;
    }
  }
  return given > 0;
}

static nl_tensor *drawn_weight(nl_making *m, int64_t hidden, int ndim, int64_t rows, int64_t cols) {
  return nl_made_uniform(m, ndim, (int64_t[]){rows, cols}, 1 / sqrt((double)hidden));
}

/* ---- cells ---- */

NL_FIELDS(cell, input_size, hidden_size, bias, weight_ih, weight_hh, bias_ih, bias_hh)
NL_FIELDS(rnn_cell, input_size, hidden_size, bias, nonlinearity, weight_ih, weight_hh, bias_ih, bias_hh)

/* An RNNCell has one setting more, before what it makes. */
static int cell_part(const nl_layer *l, int part) {
  return part + (l->entry->variant == RNN ? rnn_cell_weight_ih - cell_weight_ih : 0);
}

static void make_cell(nl_making *m) {
  const nl_layer *l = m->layer;
  int64_t hidden = made_int(m, cell_hidden_size), rows = gates_of[l->entry->variant] * hidden;
  m->put(m, cell_part(l, cell_weight_ih), NULL, drawn_weight(m, hidden, 2, rows, made_int(m, cell_input_size)));
  m->put(m, cell_part(l, cell_weight_hh), NULL, drawn_weight(m, hidden, 2, rows, hidden));
  if (wants(m, cell_bias)) {
    m->put(m, cell_part(l, cell_bias_ih), NULL, drawn_weight(m, hidden, 1, rows, 0));
    m->put(m, cell_part(l, cell_bias_hh), NULL, drawn_weight(m, hidden, 1, rows, 0));
  }
}

static void forward_cell(nl_pass *p) {
  nl_build *b = &p->build;
  const nl_layer *l = p->layer;
  int kind = l->entry->variant;
  nl_tensor *x = p->in[0], *state[MOST_STATES] = {NULL};
  int64_t shape[2] = {x->shape[0], int_of(p, cell_hidden_size)};
  bool given = check_states(p, kind, 2, shape, "batch x hidden_size");
  direction d = {.weight_ih = tensor_of(p, cell_part(l, cell_weight_ih)),
                 .weight_hh = tensor_of(p, cell_part(l, cell_weight_hh)),
                 .bias_ih = tensor_of(p, cell_part(l, cell_bias_ih)),
                 .bias_hh = tensor_of(p, cell_part(l, cell_bias_hh)),
                 .h0 = given ? p->in[1] : NULL,
                 .c0 = given && kind == LSTM ? p->in[2] : NULL,
                 .relu = kind == RNN && int_of(p, rnn_cell_nonlinearity) == 1};
  run_direction(b, kind, b_unsqueeze(b, x, 1), &d, state);
  for (int i = 0; i < states_of[kind]; i++) {
    p->out[p->nout++] = state[i];
  }
}

/* ---- whole sequences ---- */

NL_FIELDS(recurrent, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
NL_FIELDS(rnn, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, nonlinearity)

static const char *const ways[] = {"", "_reverse"};

/* "weight_ih_l1_reverse" */
typedef struct part_name {
  char s[48];
} part_name;
static part_name recurrent_name(const char *what, int64_t layer, int way) {
  part_name name;
  snprintf(name.s, sizeof name.s, "%s_l%lld%s", what, (long long)layer, ways[way]);
  return name;
}

static void make_recurrent(nl_making *m) {
  const nl_layer *l = m->layer;
  int64_t hidden = made_int(m, recurrent_hidden_size), rows = gates_of[l->entry->variant] * hidden;
  int directions = wants(m, recurrent_bidirectional) ? 2 : 1;
  for (int64_t layer = 1; layer <= made_int(m, recurrent_num_layers) && m->build.status == NL_OK; layer++) {
    int64_t width = layer == 1 ? made_int(m, recurrent_input_size) : hidden * directions;
    for (int way = 0; way < directions; way++) {
      m->put(m, -1, recurrent_name("weight_ih", layer, way).s, drawn_weight(m, hidden, 2, rows, width));
      m->put(m, -1, recurrent_name("weight_hh", layer, way).s, drawn_weight(m, hidden, 2, rows, hidden));
      if (wants(m, recurrent_bias)) {
        m->put(m, -1, recurrent_name("bias_ih", layer, way).s, drawn_weight(m, hidden, 1, rows, 0));
        m->put(m, -1, recurrent_name("bias_hh", layer, way).s, drawn_weight(m, hidden, 1, rows, 0));
      }
    }
  }
}

static nl_tensor *recurrent_part(nl_pass *p, const char *what, int64_t layer, int way, bool needed) {
  part_name name = recurrent_name(what, layer, way);
  nl_tensor *t = p->build.status == NL_OK ? p->host->tensor_in(p, -1, name.s) : NULL;
  if (!t && needed && p->build.status == NL_OK) {
    nl_pass_fail(p, "%s is nil; it is needed", name.s);
  }
  return t;
}

static direction direction_of(nl_pass *p, int64_t layer, int way) {
  return (direction){.weight_ih = recurrent_part(p, "weight_ih", layer, way, true),
                     .weight_hh = recurrent_part(p, "weight_hh", layer, way, true),
                     .bias_ih = recurrent_part(p, "bias_ih", layer, way, false),
                     .bias_hh = recurrent_part(p, "bias_hh", layer, way, false),
                     .reverse = way == 1,
                     .relu = p->layer->entry->variant == RNN && int_of(p, rnn_nonlinearity) == 1};
}

/* True in the steps of each sequence: length x batch x 1. */
static nl_tensor *steps_inside(nl_build *b, nl_tensor *lengths, int64_t steps) {
  nl_tensor *step = nl_b_do(b, op_arange(), "nnni", 0.0, (double)steps, 1.0, (int64_t)NL_I64);
  return b_unsqueeze(b, b_lt(b, b_unsqueeze(b, step, 2), lengths), 3);
}

/* x: length x batch x input_size. Gives the outputs, length x batch x (directions * hidden_size), and the last states,
   (num_layers * directions) x batch x hidden_size. */
static void forward_recurrent(nl_pass *p) {
  nl_build *b = &p->build;
  int kind = p->layer->entry->variant, nstates = states_of[kind];
  int directions = flag_of(p, recurrent_bidirectional) ? 2 : 1;
  bool batch_first = flag_of(p, recurrent_batch_first);
  int64_t layers = int_of(p, recurrent_num_layers);
  nl_tensor *x = p->in[0];
  bool single = x->ndim == 2; /* one sequence: a batch of one, which does not show */
  for (int i = 0; i <= nstates && single; i++) {
    p->in[i] = p->in[i] && p->in[i]->ndim == 2 ? b_unsqueeze(b, p->in[i], i == 0 && batch_first ? 1 : 2) : p->in[i];
  }
  x = b->status == NL_OK ? p->in[0] : x;
  if (x->ndim != 3 || x->shape[2] != int_of(p, recurrent_input_size)) {
    nl_pass_fail(p, "the input must be %s x %lld (or length x that), but has shape %s",
                 batch_first ? "batch x length" : "length x batch", (long long)int_of(p, recurrent_input_size),
                 nl_tensor_shape_string(x).s);
    return;
  }
  x = batch_first ? nl_b_transpose(b, x, 1, 2) : x;
  if (b->status == NL_OK && x->shape[0] == 0) {
    nl_pass_fail(p, "the sequence is empty (shape %s)", nl_tensor_shape_string(p->in[0]).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  int64_t shape[3] = {layers * directions, x->shape[1], int_of(p, recurrent_hidden_size)}, at = 0;
  bool given = check_states(p, kind, 3, shape, "(num_layers * directions) x batch x hidden_size");
  nl_parts last[MOST_STATES] = {{0}, {0}};
  nl_tensor *lengths = p->in[1 + nstates];
  int64_t steps = x->shape[0];
  if (lengths && (nl_tensor_dtype(lengths) != NL_I64 || lengths->ndim != 1 || lengths->numel != x->shape[1])) {
    nl_pass_fail(p, "lengths must be int64, one for each of the %lld sequences, but are %s of shape %s",
                 (long long)x->shape[1], nl_dtype_name(nl_tensor_dtype(lengths)), nl_tensor_shape_string(lengths).s);
    return;
  }
  if (lengths) { /* what stands behind the end has no part in the weights' gradients, whatever it is */
    x = b_where(b, steps_inside(b, lengths, steps), x, nl_b_number(b, 0));
  }
  for (int64_t layer = 1; layer <= layers && b->status == NL_OK; layer++) {
    nl_tensor *outs[2] = {NULL};
    for (int way = 0; way < directions && b->status == NL_OK; way++) {
      nl_tensor *state[MOST_STATES] = {NULL};
      direction d = direction_of(p, layer, way);
      at++;
      d.lengths = lengths;
      d.h0 = given ? b_select(b, p->in[1], 1, at) : NULL;
      d.c0 = given && kind == LSTM ? b_select(b, p->in[2], 1, at) : NULL;
      outs[way] = run_direction(b, kind, x, &d, state);
      for (int i = 0; i < nstates; i++) {
        nl_parts_add(b, &last[i], state[i]);
      }
    }
    x = directions == 2 ? b_cat(b, outs[0], outs[1], -1) : outs[0];
    if (lengths) {
      x = b_where(b, steps_inside(b, lengths, steps), x, nl_b_number(b, 0));
    }
    if (layer < layers && number_of(p, recurrent_dropout) > 0 && p->layer->training) {
      x = nl_b_do(b, op_dropout(), "tn", x, number_of(p, recurrent_dropout));
    }
  }
  p->out[0] = batch_first ? nl_b_transpose(b, x, 1, 2) : x;
  for (int i = 0; i < nstates; i++) {
    p->out[1 + i] = nl_parts_join(b, &last[i], op_stack(), 1);
  }
  for (int i = 0; i <= nstates && single && b->status == NL_OK; i++) {
    p->out[i] = b_squeeze(b, p->out[i], i == 0 && batch_first ? 1 : 2);
  }
  p->nout = 1 + nstates;
}

/* ---- the table ---- */

#define CELL(layer, kind, names, more, takes, gives, what, from)                                                       \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "input_size: int in 1.. fixed, hidden_size: int in 1.. fixed, bias: bool = true fixed" more,           \
    .makes = "weight_ih: parameter, weight_hh: parameter, bias_ih: parameter?, bias_hh: parameter?",                   \
    .fields = names##_fields, .inputs = takes, .accepts = "batch x input_size", .outputs = gives, .states = gives,     \
    .doc = "One step of " what ". Gives the new state; a state that is left out is 0.", .source = from,                \
    .example = "nn." layer "(3, 4)(nn.zeros(2, 3)).shape", .make = make_cell, .forward = forward_cell, .variant = kind \
  }
#define SEQUENCE(layer, kind, names, more, takes, nstates, what, from)                                                 \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "input_size: int in 1.. fixed, hidden_size: int in 1.. fixed, num_layers: int = 1 in 1.. fixed, "      \
                "bias: bool = true fixed, "                                                                            \
                "batch_first: bool = false, dropout: number = 0 in 0..1, bidirectional: bool = false fixed" more,      \
    .fields = names##_fields, .inputs = takes " | lengths?", .outputs = 1 + nstates, .states = nstates,                \
    .doc = what                                                                                                        \
        " over sequences, length x batch x input_size (batch x length x input_size with batch_first), or over a "      \
        "single one, length x input_size. Gives "                                                                      \
        "the outputs, length x batch x (directions * hidden_size), and the last state of each layer and direction. "   \
        "States, "                                                                                                     \
        "(num_layers * directions) x batch x hidden_size (for an LSTM h and c, also as {h, c}), are 0 where they are " \
        "left out. "                                                                                                   \
        "lengths (int64, one for each sequence of the batch) says how many steps count: outputs behind them are 0, "   \
        "and the last "                                                                                                \
        "state is that of each one's own last step. dropout acts between layers. Parameters are called weight_ih_l1, " \
        "weight_hh_l1, bias_ih_l1 and bias_hh_l1, and on with _reverse for the way back.",                             \
    .source = from, .example = "nn." layer "(3, 4)(nn.zeros(5, 2, 3)).shape", .make = make_recurrent,                  \
    .forward = forward_recurrent, .variant = kind                                                                      \
  }
#define NONLINEARITY " | nonlinearity: choice = tanh|relu"
#define ELMAN "Elman 1990"
#define LONG_MEMORY "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000"
#define GATED "Cho et al. 2014"

static const nl_layer_entry entries[] = {
    SEQUENCE("RNN", RNN, rnn, NONLINEARITY, "x, h?", 1, "A simple recurrent net", ELMAN),
    CELL("RNNCell", RNN, rnn_cell, NONLINEARITY, "x, h?", 1, "a simple recurrent net", ELMAN),
    SEQUENCE("LSTM", LSTM, recurrent, "", "x, h?, c?", 2, "Long short-term memory", LONG_MEMORY),
    CELL("LSTMCell", LSTM, cell, "", "x, h?, c?", 2, "long short-term memory", LONG_MEMORY),
    SEQUENCE("GRU", GRU, recurrent, "", "x, h?", 1, "Gated recurrent units", GATED),
    CELL("GRUCell", GRU, cell, "", "x, h?", 1, "gated recurrent units", GATED),
};

NL_LAYERS(recurrent, entries);
