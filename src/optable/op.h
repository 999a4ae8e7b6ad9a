/* The op table. Everything that computes is an op; the Lua binding, the reference, gradcheck, the golden comparison
   and the fuzzer walk the table, so an op's name, arguments, doc, shapes and gradient stand nowhere else.

   A call goes: infer says what comes out, or explains what is wrong; the dispatcher converts and lays out inputs as
   the op's flags ask, allocates the results, runs the op, and offers the call to the recorders (autograd; the trace of
   a compiled function). */
#ifndef NL_OPTABLE_OP_H
#define NL_OPTABLE_OP_H

#include <string.h>

#include "core/random.h"
#include "tensor/tensor.h"

enum { NL_MAX_OUT = 4, NL_MAX_PARAM = 12, NL_SMALL_IN = 8, NL_MAX_INTS = 3 * NL_MAX_DIM };

struct nl_strip;
struct nl_build;
typedef struct nl_op nl_op;
typedef struct nl_call nl_call;
typedef struct nl_vjp nl_vjp;

/* What an argument can be. Written in an op's signature, e.g.
     "x: tensor, dim: dims?, keepdim: bool = false"
   `?` may be left out; `= value` is the default. Tensor kinds fill call->in in order, the others call->attr. */
typedef enum nl_kind {
  NL_KIND_TENSOR,  /* tensor */
  NL_KIND_OPERAND, /* tensor or number ("operand") */
  NL_KIND_TENSORS, /* a list of tensors ("tensors"); all inputs of the call */
  NL_KIND_INT,     /* int */
  NL_KIND_NUMBER,  /* number */
  NL_KIND_BOOL,    /* bool */
  NL_KIND_DIM,     /* one dim, 1-based or negative ("dim"); arrives as written */
  NL_KIND_DIMS,    /* dims: a dim or a list of dims */
  NL_KIND_SHAPE,   /* shape: integers or a list of integers; "shape|same": or that word, which arrives as {NL_WORD} */
  NL_KIND_DTYPE,   /* dtype: a name */
  NL_KIND_CHOICE,  /* one of the words of the default, "mean|sum|none"; the first is the default */
  NL_KIND_NUMBERS, /* numbers: a number or a list of numbers; read by nl_call_number */
} nl_kind;

#define NL_WORD INT64_MIN

typedef struct nl_param {
  char name[20];
  nl_kind kind;
  int slot; /* tensors: the position in call->in; others: in call->attr */
  bool optional;
  double default_number; /* of int, number, bool */
  const char *choices;   /* of choice, and the word of a shape: points into the signature */
} nl_param;

/* An op's signature, parsed. */
typedef struct nl_signature {
  int count;       /* params */
  int tensors;     /* how many of them are tensors */
  bool list;       /* the first param is a list of tensors */
  bool gives_list; /* the result is a list of tensors */
  int results;     /* tensors Lua can see at most */
  nl_param param[NL_MAX_PARAM];
} nl_signature;

typedef struct nl_attr {
  bool set;      /* false: left out and without default */
  bool is_whole; /* a number that was given as a whole one: `whole` has all of its digits */
  union {
    int64_t i; /* int, dim, choice (its position) and dtype */
    double number;
    bool b;
    struct {
      int16_t at, count; /* dims, shape and numbers: call->ints[at ...] */
    } list;
  };
  int64_t whole;
} nl_attr;

/* A number's whole part, as far as int64 goes. */
static inline int64_t nl_attr_whole(const nl_attr *a) {
  if (a->is_whole) {
    return a->whole;
  }
  return a->number >= 0x1p63 ? INT64_MAX : (a->number > -0x1p63 ? (int64_t)a->number : INT64_MIN);
}

typedef struct nl_out_desc {
  nl_dtype dtype;
  int ndim;
  int64_t shape[NL_MAX_DIM];
} nl_out_desc;

struct nl_call {
  const nl_op *op;
  int nin, nout;
  nl_tensor **in;  /* as given; NULL for an optional tensor left out */
  nl_tensor **rin; /* as run sees them: converted and laid out as the flags ask; the same array when nothing was */
  nl_tensor *out[NL_MAX_OUT];
  nl_attr attr[NL_MAX_PARAM]; /* params that are no tensors, in their order */
  int nints;
  nl_dtype dtype;          /* the dtype the op computes in; infer sets it */
  bool inplace;            /* the result goes into in[0] */
  void *prepared;          /* what prepare settled; owned by the program that runs the call, or NULL */
  bool wrote;              /* the tensor of a call in place has been written to: it cannot be called once more */
  bool checks;             /* infer has looked at values: replays of this call run it again */
  bool view;               /* infer made out[0] as a view of in[0]; nothing runs */
  nl_generator *generator; /* of random ops; NULL: the default one */
  size_t workspace_bytes;  /* infer may ask for it */
  nl_tensor *workspace;
  nl_tensor **list;                 /* of an op that gives a list: its nout tensors (nl_call_push, nl_call_drop_list) */
  nl_tensor *saved_in[NL_SMALL_IN]; /* the tape's copies of what a write in place changes */
  struct nl_node *node;             /* the tape's, of a write in place: made before it, while what it reads is there */
  nl_tensor *small_in[NL_SMALL_IN];
  int64_t ints[NL_MAX_INTS];
  nl_out_desc desc[NL_MAX_OUT]; /* infer fills nout of them; view ops set out[] themselves */
};

typedef nl_status (*nl_infer_fn)(nl_call *);
typedef void (*nl_run_fn)(nl_call *);
typedef nl_status (*nl_vjp_fn)(nl_call *, nl_vjp *);

enum {
  NL_OP_VIEW = 1 << 0,         /* the result is a view of in[0] (of reshape: where that is possible) */
  NL_OP_ELEMENTWISE = 1 << 1,  /* result i depends on element i of the (broadcast) inputs alone: may write over them */
  NL_OP_PROMOTE = 1 << 2,      /* inputs are converted to call->dtype before run */
  NL_OP_CONTIGUOUS = 1 << 3,   /* run sees contiguous inputs */
  NL_OP_BROADCAST = 1 << 4,    /* gradients are summed back to the inputs' shapes by the engine */
  NL_OP_INPLACE = 1 << 5,      /* has a form with a trailing _ that writes into its first tensor */
  NL_OP_RANDOM = 1 << 6,       /* draws from call->generator */
  NL_OP_CREATE = 1 << 7,       /* makes a tensor from nothing; takes requires_grad */
  NL_OP_INTERNAL = 1 << 8,     /* serves gradients; reachable in Lua, not in the reference */
  NL_OP_INPLACE_ONLY = 1 << 9, /* the form with a trailing _ is the only one */
  NL_OP_CHECKS = 1 << 10,     /* infer also checks values (indices in range, say), so a replay must run infer again; ops
                                 that do so in some calls only set call->checks instead */
  NL_OP_DATA_SHAPE = 1 << 11, /* the result's shape depends on values */
  NL_OP_NO_GRAD = 1 << 12,    /* of a composed op: it has no gradient */
  NL_OP_LAPACK = 1 << 13,     /* runs LAPACK: without it, an error */
};

/* Which values the tape must keep for vjp: NL_SAVE_IN(i), NL_SAVE_OUT(i). Of the other inputs it keeps the shape. */
enum { NL_SAVE_MOST = 16 };
#define NL_SAVE_IN(i) (1u << (i))
#define NL_SAVE_OUT(i) (1u << (16 + (i)))
#define NL_SAVE_ALL_IN 0xffffu

/* Names for the attributes of an op, or of ops that share functions: NL_ATTRS(norm, p, dim, keepdim) makes the
   positions norm_p, norm_dim and norm_keepdim in call->attr, and norm_attrs for .attrs, which is held against the
   signature when that is parsed. */
#define NL_ATTRS(set, ...)                                                                                             \
  enum { NL_ATTRS_N(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1)(set, __VA_ARGS__) };                                          \
  static const char set##_attrs[] = #__VA_ARGS__;
#define NL_ATTRS_N(a, b, c, d, e, f, g, h, n, ...) NL_ATTRS_##n
#define NL_ATTRS_1(set, a) set##_##a
#define NL_ATTRS_2(set, a, ...) set##_##a, NL_ATTRS_1(set, __VA_ARGS__)
#define NL_ATTRS_3(set, a, ...) set##_##a, NL_ATTRS_2(set, __VA_ARGS__)
#define NL_ATTRS_4(set, a, ...) set##_##a, NL_ATTRS_3(set, __VA_ARGS__)
#define NL_ATTRS_5(set, a, ...) set##_##a, NL_ATTRS_4(set, __VA_ARGS__)
#define NL_ATTRS_6(set, a, ...) set##_##a, NL_ATTRS_5(set, __VA_ARGS__)
#define NL_ATTRS_7(set, a, ...) set##_##a, NL_ATTRS_6(set, __VA_ARGS__)
#define NL_ATTRS_8(set, a, ...) set##_##a, NL_ATTRS_7(set, __VA_ARGS__)

struct nl_op {
  const char *name;
  const char *args;  /* the signature's text */
  const char *attrs; /* the names of those that are no tensors, by NL_ATTRS; NULL: C code uses none by name */
  const char *returns;
  const char *doc;     /* one line */
  const char *example; /* a Lua expression, shown with its value */
  nl_infer_fn infer;
  nl_run_fn run;
  nl_vjp_fn vjp;                    /* NULL: no gradient */
  double (*flops)(const nl_call *); /* of a call that has run; NULL: one for each result */
  /* Of an elementwise op: its loop (optable/iterate.h), as rin and out are laid out now; run is then nl_run_strip.
     False where this call is no plain loop. */
  bool (*strip)(const nl_call *, struct nl_strip *);
  /* An op made of other ops, in place of infer, run and vjp: sets out[] and nout (or calls nl_call_push) to tensors
     that the build owns. Its gradient, its compiled form and its profile are those of the ops it calls. */
  void (*compose)(nl_call *, struct nl_build *);
  unsigned flags;
  unsigned save;
  /* Of inputs 0 and 1 that are saved: a mask of the inputs whose gradients need their values; 0: all need them. */
  unsigned char saved_for[2];
  size_t prepared_bytes; /* room for what prepare settles */
  /* What can be decided once for a call that will run many times with the same shapes, strides and attributes, at other
     addresses: written to `prepared`, and found by run in call->prepared. False: nothing. */
  bool (*prepare)(const nl_call *, void *prepared);
  void (*release)(void *prepared); /* lets go what `prepared` holds, or NULL */
  int kernel;  /* of an op whose run is shared: which kernel it runs (NL_UN_..., NL_BIN_..., NL_RED_..., NL_SCAN_...) */
  int variant; /* of ops that share functions: which of them this is */
  int visible; /* results Lua sees; 0: all of them */
  /* An option in Lua: a number that the second operand is multiplied by before the call; or NULL. */
  const char *factor;
  bool (*all_visible)(const nl_call *); /* where this says so, all of them; or NULL */
};

/* ---- the table (registry.c) ---- */

/* Room for what is known of ops; before anything else is asked. Error: memory. */
nl_status nl_op_begin(void);

int nl_op_count(void);
const nl_op *nl_op_at(int i);
const nl_op *nl_op_find(const char *name); /* NULL if there is none */
const char *nl_op_family_name(int i);      /* of the op at i: "math", for src/ops/elementwise/math.c */
const char *nl_op_page(int i);             /* and its page in the reference: "elementwise" */
const nl_signature *nl_op_signature(const nl_op *);

/* Runs an op by its loop. */
void nl_run_strip(nl_call *);

/* ---- calls (dispatch.c) ---- */

/* Prepares a call with every attr at its default. `in` may be NULL: then small_in is used, for up to NL_SMALL_IN
 * inputs. */
void nl_call_init(nl_call *, const nl_op *, int nin, nl_tensor **in);

/* Copies a list into call->ints. */
void nl_call_set_list(nl_call *, int attr, int count, const int64_t *values);
static inline const int64_t *nl_call_list(const nl_call *c, int attr, int *count) {
  *count = c->attr[attr].set ? c->attr[attr].list.count : 0;
  return c->ints + c->attr[attr].list.at;
}

/* Of ops that give a list: adds a tensor to it, and lets go of it all. */
nl_status nl_call_push(nl_call *, nl_tensor *);
void nl_call_drop_list(nl_call *);

/* Number i of a list of them, whose bits lie among the integers. */
static inline double nl_call_number(const nl_call *c, int attr, int i) {
  double v;
  memcpy(&v, &c->ints[c->attr[attr].list.at + i], sizeof v);
  return v;
}

/* Runs a call. On success out[0 .. nout) hold references that are the caller's. On failure there is nothing to free
   and the error slot says why, with the op's name. Inputs stay the caller's. An op that gives a list leaves list (nout
   references, or NULL) instead of out. */
nl_status nl_dispatch(nl_call *);

/* What stands behind the op's name as users write this call: "_" of a form in place. Ops that have no other form
   carry it in their name. */
static inline const char *nl_call_suffix(const nl_call *c) {
  return c->inplace && !(c->op->flags & NL_OP_INPLACE_ONLY) ? "_" : "";
}

/* True if a call in place may write its first tensor element by element; otherwise the result is made apart and copied
   over. */
bool nl_writes_directly(const nl_call *);

/* Who records calls: autograd always, the trace of a compiled function, the profile when asked for; in this order.
   `check` runs before the op does, and may refuse; `record` after. `drop` (or NULL) lets go of what check left in a
   call that then failed. NULL: nobody. */
typedef struct nl_recorder {
  nl_status (*check)(nl_call *);
  nl_status (*record)(nl_call *);
  void (*drop)(nl_call *);
} nl_recorder;
enum { NL_RECORDS_AUTOGRAD, NL_RECORDS_TRACE, NL_RECORDS_PROFILE, NL_RECORDERS };
void nl_set_recorder(int which, const nl_recorder *);

/* The generator that random ops use when none is given. */
nl_generator *nl_default_generator(void);

/* The generator a random call draws from. */
nl_generator *nl_call_generator(const nl_call *);

/* ---- gradients ---- */

/* A vjp reads the call (with what was saved), the gradients of the outputs (gout[i], NULL where nothing flows), and
   sets gin[i] for inputs with need[i]. It composes ops through nl_build (build.h), which owns every temporary; gin
   are borrowed from there too. Shapes of broadcast inputs and dtypes are brought back by the engine. */
struct nl_vjp {
  struct nl_build *build;
  nl_tensor *gout[NL_MAX_OUT];
  nl_tensor **gin;
  const bool *need;
  bool differentiable; /* the way back is recorded too: only ops with gradients of their own may be used */
  /* Of views: the sum of gradients that has reached in[0] so far, or NULL. A vjp that knows where its part lies may add
     it there and set gin[0] to this very tensor. */
  nl_tensor *sum;
  bool fresh; /* gin[0] was made by the vjp and is held by nobody else: it can become such a sum */
};

/* ---- families ---- */

/* The ops of one file of src/ops, which lies in the folder of their page in the reference. */
typedef struct nl_op_family {
  const char *name;
  const nl_op *ops;
  int count;
} nl_op_family;

/* All families, in the table's order: F(page, name). */
// clang-format off
#define NL_FAMILIES(F) \
  F(creation, create) \
  F(random, random) \
  F(elementwise, arithmetic) F(elementwise, compare) F(elementwise, math) \
  F(activations, activation) \
  F(elementwise, select) \
  F(reductions, reduce) F(reductions, scan) F(reductions, sort) F(reductions, statistic) \
  F(shapes, shape) F(shapes, arrange) F(shapes, join) F(shapes, place) \
  F(indexing, index) F(indexing, slices) F(indexing, mask) F(indexing, pick) F(indexing, search) F(indexing, checked) \
  F(products, matmul) F(products, product) \
  F(convolution, conv) F(convolution, transposed) F(convolution, pool) F(convolution, resample) \
  F(attention, attention) F(recurrence, recurrence) \
  F(losses, softmax) F(losses, cross_entropy) F(losses, loss) F(losses, norm) F(losses, standardize) \
  F(linalg, factorize) F(linalg, matrix) F(linalg, spectral) \
  F(random, draw) \
  F(shapes, strided)
// clang-format on

#define NL_FAMILY_DECLARATION(page, name) extern const nl_op_family nl_ops_##name;
NL_FAMILIES(NL_FAMILY_DECLARATION)

/* Ends a family's file: NL_FAMILY(create, ops). */
#define NL_FAMILY(name, array) const nl_op_family nl_ops_##name = {#name, array, sizeof(array) / sizeof *(array)}

#endif
