/* Layers of transformers (Vaswani et al. 2017), with PyTorch's names and defaults. How stacks of them are filled and
   called is written in Lua (lua/stdlib/nn/layers/transformer.lua). */
#include "nn/pass.h"

NL_FIELDS(encoder, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first,
          self_attn, linear1, _, linear2, norm1, norm2, dropout1, dropout2)
NL_FIELDS(decoder, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first,
          self_attn, multihead_attn, linear1, _, linear2, norm1, norm2, norm3, dropout1, dropout2, dropout3)

enum { encoder_dropout_part = encoder__, decoder_dropout_part = decoder__ }; /* the layer of the setting's name */
enum { GELU = 1 };

static void add_linear(nl_making *m, int field, int in, int out) {
  m->part(m, field, "Linear", 2, (double[]){(double)made_int(m, in), (double)made_int(m, out)}, NULL, NULL);
}
static void add_attention(nl_making *m, int field) {
  double settings[7] = {(double)made_int(m, encoder_d_model),
                        (double)made_int(m, encoder_nhead),
                        made_number(m, encoder_dropout),
                        true,
                        NAN,
                        NAN,
                        wants(m, encoder_batch_first)};
  m->part(m, field, "MultiheadAttention", 7, settings, NULL, NULL);
}
static void add_norm(nl_making *m, int field) {
  m->part(m, field, "LayerNorm", 2,
          (double[]){(double)made_int(m, encoder_d_model), made_number(m, encoder_layer_norm_eps)}, NULL, NULL);
}
static void add_dropout(nl_making *m, int field) {
  m->part(m, field, "Dropout", 1, (double[]){made_number(m, encoder_dropout)}, NULL, NULL);
}

static const char *refuse_transformer(const nl_layer *l) {
  return l->value[encoder_d_model].i % l->value[encoder_nhead].i ? "d_model must be a multiple of nhead" : NULL;
}

static void make_encoder(nl_making *m) {
  add_attention(m, encoder_self_attn);
  add_linear(m, encoder_linear1, encoder_d_model, encoder_dim_feedforward);
  add_dropout(m, encoder_dropout_part);
  add_linear(m, encoder_linear2, encoder_dim_feedforward, encoder_d_model);
  add_norm(m, encoder_norm1);
  add_norm(m, encoder_norm2);
  add_dropout(m, encoder_dropout1);
  add_dropout(m, encoder_dropout2);
}

static void make_decoder(nl_making *m) {
  add_attention(m, decoder_self_attn);
  add_attention(m, decoder_multihead_attn);
  add_linear(m, decoder_linear1, decoder_d_model, decoder_dim_feedforward);
  add_dropout(m, decoder_dropout_part);
  add_linear(m, decoder_linear2, decoder_dim_feedforward, decoder_d_model);
  for (int i = 0; i < 3; i++) {
    add_norm(m, decoder_norm1 + i);
  }
  for (int i = 0; i < 3; i++) {
    add_dropout(m, decoder_dropout1 + i);
  }
}

/* The fields of one kind of layer, by what they do. */
typedef struct blocks {
  int linear1, dropout, linear2;
} blocks;

static nl_tensor *feed_forward(nl_pass *p, nl_tensor *x, blocks f) {
  nl_build *b = &p->build;
  x = p->host->call(p, f.linear1, x);
  x = int_of(p, encoder_activation) == GELU ? nl_b_do(b, op_gelu(), "t", x) : b_relu(b, x);
  return p->host->call(p, f.linear2, p->host->call(p, f.dropout, x));
}

static nl_tensor *attend(nl_pass *p, int field, nl_tensor *x, nl_tensor *memory, nl_tensor *mask, nl_tensor *padding,
                         bool causal) {
  nl_given inputs[] = {{.tensor = x},
                       {.tensor = memory},
                       {.tensor = memory},
                       {.tensor = padding},
                       {.name = "attn_mask", .tensor = mask},
                       {.name = "need_weights", .is_flag = true},
                       {.name = "is_causal", .is_flag = true, .flag = causal}};
  return p->host->call_all(p, field, sizeof inputs / sizeof *inputs, inputs);
}

/* Around f(norm(x)), or norm(x + f(x)): what goes into f, and what comes of it. */
static nl_tensor *go_in(nl_pass *p, nl_tensor *x, int norm) {
  return flag_of(p, encoder_norm_first) ? p->host->call(p, norm, x) : x;
}
static nl_tensor *come_out(nl_pass *p, nl_tensor *x, nl_tensor *y, int dropout, int norm) {
  y = b_add(&p->build, x, p->host->call(p, dropout, y));
  return flag_of(p, encoder_norm_first) ? y : p->host->call(p, norm, y);
}

enum { SRC, SRC_MASK, SRC_PADDING };
enum { TGT, MEMORY, TGT_MASK, MEMORY_MASK, TGT_PADDING, MEMORY_PADDING };
enum { IS_CAUSAL, MEMORY_IS_CAUSAL };

NL_FORWARD(encoder) {
  (void)b;
  nl_tensor *y = attend(p, encoder_self_attn, go_in(p, x, encoder_norm1), NULL, p->in[SRC_MASK], p->in[SRC_PADDING],
                        p->flag[IS_CAUSAL]);
  x = come_out(p, x, y, encoder_dropout1, encoder_norm1);
  y = feed_forward(p, go_in(p, x, encoder_norm2), (blocks){encoder_linear1, encoder_dropout_part, encoder_linear2});
  return come_out(p, x, y, encoder_dropout2, encoder_norm2);
}

NL_FORWARD(decoder) {
  (void)b;
  nl_tensor *y = attend(p, decoder_self_attn, go_in(p, x, decoder_norm1), NULL, p->in[TGT_MASK], p->in[TGT_PADDING],
                        p->flag[IS_CAUSAL]);
  x = come_out(p, x, y, decoder_dropout1, decoder_norm1);
  y = attend(p, decoder_multihead_attn, go_in(p, x, decoder_norm2), p->in[MEMORY], p->in[MEMORY_MASK],
             p->in[MEMORY_PADDING], p->flag[MEMORY_IS_CAUSAL]);
  x = come_out(p, x, y, decoder_dropout2, decoder_norm2);
  y = feed_forward(p, go_in(p, x, decoder_norm3), (blocks){decoder_linear1, decoder_dropout_part, decoder_linear2});
  return come_out(p, x, y, decoder_dropout3, decoder_norm3);
}

/* ---- positions ---- */

NL_FIELDS(positions, d_model, max_len, dropout, batch_first, kind, weight, pe)

/* sin and cos of position / 10000^(2i / d_model), beside each other (Vaswani et al. 2017, section 3.5). */
static nl_tensor *sinusoids(nl_making *m, int64_t length, int64_t width) {
  nl_tensor *t = nl_made_empty(m, 2, (int64_t[]){length, width});
  for (int64_t i = 0; t && i < length * width; i++) {
    double angle = (double)(i / width) * pow(10000, -(double)(i % width / 2 * 2) / (double)width);
    ((float *)nl_tensor_data(t))[i] = (float)(i % width % 2 ? cos(angle) : sin(angle));
  }
  return t;
}

static void make_positions(nl_making *m) {
  int64_t length = made_int(m, positions_max_len), width = made_int(m, positions_d_model);
  if (m->layer->value[positions_kind].i == 1) {
    nl_tensor *weight = nl_made_empty(m, 2, (int64_t[]){length, width});
    nl_b_do(&m->build, op_normal_(), "t", weight);
    m->put(m, positions_weight, NULL, weight);
  } else {
    m->put(m, positions_pe, NULL, sinusoids(m, length, width));
  }
}

NL_FORWARD(positions) {
  int64_t width = int_of(p, positions_d_model), most = int_of(p, positions_max_len);
  bool batch_first = flag_of(p, positions_batch_first), batched = x->ndim == 3;
  int64_t length = x->shape[batched && batch_first ? 1 : 0];
  if (length > most) {
    return nl_pass_fail(p, "the input has %lld positions (shape %s), but max_len is %lld", (long long)length,
                        nl_tensor_shape_string(x).s, (long long)most);
  }
  nl_tensor *table = tensor_of(p, is_set(p, positions_weight) ? positions_weight : positions_pe);
  if (!table) {
    return nl_pass_fail(p, "weight and pe are nil; one of them is needed");
  }
  table = b_narrow(b, table, 1, 1, length);
  table = batched && !batch_first ? nl_b_reshape(b, table, 3, (int64_t[]){length, 1, width}) : table;
  x = b_add(b, x, table);
  double rate = number_of(p, positions_dropout);
  return rate > 0 && p->layer->training ? nl_b_do(b, op_dropout(), "tn", x, rate) : x;
}

/* ---- the table ---- */

#define SETTINGS                                                                                                       \
  "d_model: int in 1.. fixed, nhead: int in 1.. fixed, dim_feedforward: int = 2048 in 1.. fixed, "                     \
  "dropout: number = 0.1 in 0..1 fixed, activation: choice = relu|gelu, layer_norm_eps: number = 1e-5 in 0.. fixed, "  \
  "batch_first: bool = false fixed, norm_first: bool = false"
#define BLOCK                                                                                                          \
  " With norm_first the norms stand before what is added, else behind the sum. Sequences are length x batch x "        \
  "d_model (batch x length x d_model with batch_first), or length x d_model. Bool masks are true where nothing is to " \
  "be seen, as in nn.MultiheadAttention; is_causal lets position i see 1 to i."

static const nl_layer_entry entries[] = {
    {.name = "TransformerEncoderLayer",
     .settings = SETTINGS,
     .makes = "self_attn: part, linear1: part, dropout: part, linear2: part, norm1: part, norm2: part, dropout1: part, "
              "dropout2: part",
     .fields = encoder_fields,
     .inputs = "src, src_mask?, src_key_padding_mask? | is_causal: bool = false",
     .doc = "Self-attention of nhead heads, then a net of one hidden layer of dim_feedforward units for each position; "
            "each is added to what went in, and normalized." BLOCK,
     .formula = "x = norm1(x + attention(x)); y = norm2(x + W_2 activation(W_1 x))",
     .source = "Vaswani et al. 2017; Xiong et al. 2020 (norm_first)",
     .example = "nn.TransformerEncoderLayer(8, 2, 16)(nn.zeros(5, 1, 8)).shape",
     .refuse = refuse_transformer,
     .make = make_encoder,
     .forward = forward_encoder},
    {.name = "TransformerDecoderLayer",
     .settings = SETTINGS,
     .makes = "self_attn: part, multihead_attn: part, linear1: part, dropout: part, linear2: part, norm1: part, "
              "norm2: part, norm3: part, dropout1: part, dropout2: part, dropout3: part",
     .fields = decoder_fields,
     .inputs = "tgt, memory, tgt_mask?, memory_mask?, tgt_key_padding_mask?, memory_key_padding_mask? | "
               "tgt_is_causal: bool = false, memory_is_causal: bool = false",
     .doc = "Self-attention, attention to memory (what an encoder gave), then a net of one hidden layer for each "
            "position; each is added to what went in, and normalized." BLOCK,
     .source = "Vaswani et al. 2017",
     .example = "nn.TransformerDecoderLayer(8, 2, 16)(nn.zeros(5, 1, 8), nn.zeros(7, 1, 8)).shape",
     .refuse = refuse_transformer,
     .make = make_decoder,
     .forward = forward_decoder},
    {.name = "TransformerEncoder",
     .made_of = "layer, num_layers, norm?",
     .doc = "num_layers copies of a layer, one after another, and a norm (a layer) at the end, if any. All copies "
            "begin with the layer's weights. Takes (src, mask?, src_key_padding_mask? | is_causal), as the layer does.",
     .source = "Vaswani et al. 2017",
     .example = "nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)(nn.zeros(5, 1, 8)).shape"},
    {.name = "TransformerDecoder",
     .made_of = "layer, num_layers, norm?",
     .doc =
         "num_layers copies of a layer, one after another, and a norm (a layer) at the end, if any. All copies begin "
         "with the layer's weights. Takes (tgt, memory, "
         "tgt_mask?, memory_mask?, tgt_key_padding_mask?, memory_key_padding_mask? | tgt_is_causal, memory_is_causal).",
     .source = "Vaswani et al. 2017",
     .example =
         "nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)(nn.zeros(5, 1, 8), nn.zeros(7, 1, 8)).shape"},
    {.name = "PositionalEncoding",
     .settings = "d_model: int in 1.. fixed, max_len: int = 5000 in 1.. fixed, dropout: number = 0 in 0..1, "
                 "batch_first: bool = false | kind: choice = sinusoidal|learned fixed",
     .makes = "weight: parameter?, pe: buffer?",
     .fields = positions_fields,
     .inputs = "x",
     .accepts = "length x d_model or length x batch x d_model",
     .doc = "Adds to each position of a sequence (length x batch x d_model, or batch x length x d_model with "
            "batch_first) a vector of its own, then drops: fixed sines and cosines of wavelengths from 2 pi to 10000 * "
            "2 pi, or with kind = \"learned\" a parameter, which begins as N(0, 1).",
     .formula = "pe[i, 2k] = sin(i / 10000^(2k / d_model)), pe[i, 2k + 1] = cos(i / 10000^(2k / d_model)), i from 0",
     .source = "Vaswani et al. 2017, section 3.5",
     .example = "nn.PositionalEncoding(4)(nn.zeros(3, 4))",
     .make = make_positions,
     .forward = forward_positions},
};

NL_LAYERS(transformer, entries);
