/* The layer table. Every built-in layer and loss is an entry: its name, settings, what it makes, what inputs it takes,
   its forward over the ops of the op table, and the words about it. Constructors, checks, messages, printing, help, the
   reference, completion and the tests are made from the entries, so what stands here stands nowhere else.

   An object in Lua owns its fields (lua/layer.c): settings and parameters can be assigned, and each change is counted.
   What a forward sees is an nl_layer, those fields as C values, read again when the object's version says so. */
#ifndef NL_NN_LAYER_H
#define NL_NN_LAYER_H

#include "optable/build.h"

enum { NL_MAX_FIELDS = 24, NL_PASS_IN = 6, NL_PASS_FLAGS = 4, NL_PASS_OUT = 3, NL_LAYER_INTS = 32 };

typedef struct nl_layer_entry nl_layer_entry;
typedef struct nl_layer nl_layer;
typedef struct nl_making nl_making;
typedef struct nl_pass nl_pass;

/* What a field is. In an entry's settings, e.g.
     "p: number = 0.5 in 0..1, inverted: bool = true"
   `?` may be left out or nil; `= value` is the default (of choice: the first word); `in low..high` bounds numbers,
   where either end may lack; `in low<..<high` excludes them. `fixed` ends a setting on which what is made depends.
   Behind a `|` stand settings that are given by name only. In what it makes: "weight: parameter, bias: parameter?,
   running_mean: buffer?, linear: part". A setting of the same name says whether that part is made. */
typedef enum nl_field_kind {
  NL_FIELD_INT,
  NL_FIELD_NUMBER,
  NL_FIELD_BOOL,
  NL_FIELD_CHOICE,
  NL_FIELD_NAME,        /* any word */
  NL_FIELD_DTYPE,       /* of the parameters that are made; no field */
  NL_FIELD_INITIALIZER, /* the name of one in nn.init, for the weight; no field */
  NL_FIELD_SIZES,       /* "sizes(2)": so many integers, one for all of them being enough; "sizes": any number */
  NL_FIELD_TENSOR,
  NL_FIELD_LAYER,  /* or a function */
  NL_FIELD_LAYERS, /* all that is given in order from here on, as one Sequential */
  NL_FIELD_PARAMETER,
  NL_FIELD_BUFFER,
  NL_FIELD_PART /* a layer that it makes */
} nl_field_kind;

typedef struct nl_field {
  char name[24];
  nl_field_kind kind;
  bool optional; /* may be nil */
  bool by_name;  /* given by name only */
  bool stored;   /* a field of the object, and not only told to its constructor */
  bool fixed;    /* settled when the layer is made: what is made depends on it */
  bool has_default;
  double number;     /* the default of a number, int, bool, choice (which word) or sizes (each) */
  double low, high;  /* bounds of numbers, and of each size */
  bool above, below; /* low, or high, itself is no value */
  int count;         /* of sizes; 0: any number of them */
  const char *words; /* the default as text (of a choice: all words, "mean|sum|none"); points into the signature */
  int nwords;        /* and its length */
  const char *word;  /* of sizes: what may stand instead of them ("same"), or NULL; its length is nword */
  int nword;
} nl_field;

/* A field as C reads it. */
typedef struct nl_value {
  bool set; /* false: nil */
  union {
    int64_t i; /* int, and which of a choice's words */
    double number;
    bool b;
    const char *name;
    nl_tensor *const *tensor; /* where the object holds it; *tensor is NULL once it was closed */
    struct {
      int16_t at, count; /* sizes: layer->ints[at ...]; count -1: the word instead of them */
    } list;
  };
} nl_value;

struct nl_layer {
  const nl_layer_entry *entry;
  char name[40]; /* of the object's class */
  const struct nl_fields *fields;
  bool training;
  int nints;
  int64_t ints[NL_LAYER_INTS];
  nl_value value[NL_MAX_FIELDS]; /* in the order of the entry's fields */
};

/* One of the shapes that an entry accepts, parsed: `n` words, and "..." before or behind them. */
typedef struct nl_shape_rule {
  int n;
  bool dots_before, dots_behind;
  struct {
    int16_t field;    /* whose sizes (or int) stand here; -1: any size */
    int16_t at, size; /* the word in `accepts` */
  } word[NL_MAX_DIM];
} nl_shape_rule;

enum { NL_MAX_RULES = 2 };

/* One of an entry's inputs: a tensor, a flag (true or false), or a list of sizes. */
typedef struct nl_input {
  const char *name;                          /* in `inputs` */
  int size;                                  /* its length */
  bool optional, by_name, flag, list, value; /* value: of a flag that is not given */
  int slot;                                  /* in pass->in, or in pass->flag; of a list: pass->list */
} nl_input;

/* An entry, parsed: its fields, settings first, then what it makes; its inputs and the shapes it accepts. */
typedef struct nl_fields {
  int count, settings, positional; /* positional: settings that may be given in their order */
  int inputs, needed;              /* tensors that may be given in their order, and how many must be */
  int tensors;                     /* with those that are given by name */
  int given;                       /* all of them, flags and a list */
  nl_input input[NL_PASS_IN + NL_PASS_FLAGS];
  int rules;
  const nl_op *op; /* of a layer that is one */
  nl_shape_rule rule[NL_MAX_RULES];
  nl_field field[NL_MAX_FIELDS];
} nl_fields;

/* What a model's output is to a loss: nn.train's accuracy goes by it. */
typedef enum nl_predicts {
  NL_PREDICTS_NOTHING,
  NL_PREDICTS_SCORES,        /* of classes along dim 2; the largest counts */
  NL_PREDICTS_LOGITS,        /* the sign counts */
  NL_PREDICTS_PROBABILITIES, /* above 1/2 */
  NL_PREDICTS_VALUES         /* nearer to which target */
} nl_predicts;

struct nl_layer_entry {
  const char *name;
  const char *settings; /* "" or a signature as above */
  const char *function; /* its name as a function of inputs and settings, where no op takes them all; or NULL */
  const char *made_of;  /* where it is made in Lua: what that takes, in words; else NULL */
  const char *makes;    /* NULL: nothing */
  const char *fields;   /* the names of settings and of what it makes, by NL_FIELDS; NULL: C code uses none by name */
  /* What forward takes: "x", "input, target", "x, h?, c?". What is optional may also come in a table in last
     place, where those behind a `|` always stand, tensors and flags: "x | mask?, need_weights: bool = true". */
  const char *inputs;
  /* Shapes of the first input, or NULL: any: "batch x in_channels x height x width", "... x in_features"; an integer
     setting's name is that number, other words any size, "..." any number of dims; "a or b". */
  const char *accepts;
  const char *doc;     /* what it is, in sentences */
  const char *formula; /* or NULL */
  const char *source;  /* who described it, or NULL */
  const char *example; /* a Lua expression, shown with its value */
  const char *op;      /* a layer that is an op: the settings that are fields are its attributes, in their order */
  int outputs;         /* tensors that forward gives; 0: one */
  int states;          /* of the inputs, the last so many may be given in one table: {h, c} */
  /* What is wrong with settings that are right one by one; may be NULL. Returns NULL where nothing is, else a text. */
  const char *(*refuse)(const nl_layer *);
  void (*make)(nl_making *); /* NULL: it makes nothing */
  void (*forward)(nl_pass *);
  int variant;    /* of entries that share functions: which of them this is */
  bool pointwise; /* an activation of units, element by element: nn.diagnose looks at these */
  nl_predicts predicts;
  /* Of a layer whose weight is computed: what it is now. Lua has it as the method `weight`. */
  nl_tensor *(*weight)(nl_pass *);
  /* Of a loss whose mean is over something else than the samples: over how much; may be NULL. */
  double (*mean_over)(nl_pass *, nl_tensor *target);
};

/* Names for an entry's fields, or those of entries that share functions: NL_FIELDS(linear, in_features, ...) makes the
   positions linear_in_features, ..., and linear_fields for .fields. The names are held against the entry when it is
   parsed. A field named _ is not used by name. */
#define NL_FIELDS(set, ...)                                                                                            \
  enum {                                                                                                               \
    NL_FIELDS_N(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2,       \
                1)(set, __VA_ARGS__)                                                                                   \
  };                                                                                                                   \
  static const char set##_fields[] = #__VA_ARGS__;
#define NL_FIELDS_N(a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, t, u, v, w, x, y, n, ...) NL_FIELDS_##n
#define NL_FIELDS_1(set, a) set##_##a
#define NL_FIELDS_2(set, a, ...) set##_##a, NL_FIELDS_1(set, __VA_ARGS__)
#define NL_FIELDS_3(set, a, ...) set##_##a, NL_FIELDS_2(set, __VA_ARGS__)
#define NL_FIELDS_4(set, a, ...) set##_##a, NL_FIELDS_3(set, __VA_ARGS__)
#define NL_FIELDS_5(set, a, ...) set##_##a, NL_FIELDS_4(set, __VA_ARGS__)
#define NL_FIELDS_6(set, a, ...) set##_##a, NL_FIELDS_5(set, __VA_ARGS__)
#define NL_FIELDS_7(set, a, ...) set##_##a, NL_FIELDS_6(set, __VA_ARGS__)
#define NL_FIELDS_8(set, a, ...) set##_##a, NL_FIELDS_7(set, __VA_ARGS__)
#define NL_FIELDS_9(set, a, ...) set##_##a, NL_FIELDS_8(set, __VA_ARGS__)
#define NL_FIELDS_10(set, a, ...) set##_##a, NL_FIELDS_9(set, __VA_ARGS__)
#define NL_FIELDS_11(set, a, ...) set##_##a, NL_FIELDS_10(set, __VA_ARGS__)
#define NL_FIELDS_12(set, a, ...) set##_##a, NL_FIELDS_11(set, __VA_ARGS__)
#define NL_FIELDS_13(set, a, ...) set##_##a, NL_FIELDS_12(set, __VA_ARGS__)
#define NL_FIELDS_14(set, a, ...) set##_##a, NL_FIELDS_13(set, __VA_ARGS__)
#define NL_FIELDS_15(set, a, ...) set##_##a, NL_FIELDS_14(set, __VA_ARGS__)
#define NL_FIELDS_16(set, a, ...) set##_##a, NL_FIELDS_15(set, __VA_ARGS__)
#define NL_FIELDS_17(set, a, ...) set##_##a, NL_FIELDS_16(set, __VA_ARGS__)
#define NL_FIELDS_18(set, a, ...) set##_##a, NL_FIELDS_17(set, __VA_ARGS__)
#define NL_FIELDS_19(set, a, ...) set##_##a, NL_FIELDS_18(set, __VA_ARGS__)
#define NL_FIELDS_20(set, a, ...) set##_##a, NL_FIELDS_19(set, __VA_ARGS__)
#define NL_FIELDS_21(set, a, ...) set##_##a, NL_FIELDS_20(set, __VA_ARGS__)
#define NL_FIELDS_22(set, a, ...) set##_##a, NL_FIELDS_21(set, __VA_ARGS__)
#define NL_FIELDS_23(set, a, ...) set##_##a, NL_FIELDS_22(set, __VA_ARGS__)
#define NL_FIELDS_24(set, a, ...) set##_##a, NL_FIELDS_23(set, __VA_ARGS__)

/* ---- the table (table.c) ---- */

int nl_layer_count(void);
const nl_layer_entry *nl_layer_at(int i);
const char *nl_layer_family(int i);                    /* "norm", for src/nn/norm.c; of losses "losses" and the like */
const nl_layer_entry *nl_layer_find(const char *name); /* NULL: there is none */
const nl_fields *nl_layer_fields(const nl_layer_entry *);

/* The position of a field, a setting before a part of the same name; or that of a part; or -1. */
int nl_field_find(const nl_layer_entry *, const char *name);
int nl_field_find_part(const nl_layer_entry *, const char *name);

/* A choice's word number i: its start; *n its length; NULL: there is none. */
const char *nl_choice_word(const nl_field *, int64_t i, int *n);

/* "784, 256, bias = false": what print shows between the brackets. */
typedef struct nl_layer_text {
  char s[256];
} nl_layer_text;
nl_layer_text nl_layer_describe(const nl_layer *);

/* ---- families ---- */

typedef struct nl_layer_family_entries {
  const nl_layer_entry *entries;
  int count;
} nl_layer_family_entries;

// clang-format off
#define NL_LAYER_FAMILIES(F) \
  F(linear) F(embedding) F(activations) F(dropout) F(norm) F(convolution) F(resample) F(recurrent) F(attention) F(transformer) F(blocks) F(containers) \
  F(regression) F(classification) F(margin) F(ctc)
// clang-format on

#define NL_LAYER_FAMILY_DECLARATION(name) extern const nl_layer_family_entries nl_layers_##name;
NL_LAYER_FAMILIES(NL_LAYER_FAMILY_DECLARATION)

/* Ends a family's file: NL_LAYERS(norm, entries). */
#define NL_LAYERS(name, array) const nl_layer_family_entries nl_layers_##name = {array, sizeof(array) / sizeof *(array)}

#endif
