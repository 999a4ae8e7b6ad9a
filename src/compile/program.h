/* A program: a trace turned into a flat list of instructions over buffers whose location is known before it runs.

   Values are tensors of fixed geometry; each looks into a buffer. Where a buffer's bytes lie:
     external    a tensor that was there before (a parameter, a running average): used in place
     constant    made while recording from nothing that can change; stays as it was
     argument    the caller's, looked up at each call
     slot entry  what a gradient slot (a leaf's gradient) holds when the call begins
     temporary   in the program's arena; buffers that are never needed at the same time share bytes
     escaping    results, and what gradient slots hold afterwards: memory with owners outside the program. It is used
                 again when nobody else holds it any more, and replaced otherwise, so that what a caller holds never
                 changes

   What leaves a program shares memory as it did when it was recorded: a result that is a gradient stays that gradient,
   two results that are views of one tensor stay so. */
#ifndef NL_COMPILE_PROGRAM_H
#define NL_COMPILE_PROGRAM_H

#include "compile/trace.h"

typedef enum nl_location {
  NL_EXTERNAL,
  NL_CONSTANT,
  NL_ARGUMENT,
  NL_SLOT_ENTRY,
  NL_TEMPORARY,
  NL_ESCAPING
} nl_location;

typedef struct nl_buffer {
  nl_location location;
  nl_storage *storage; /* what values look through: the tensor's own for externals and constants, else the program's */
  nl_storage *real;    /* escaping: the storage that owners outside share */
  size_t bytes;
  int number;   /* argument; slot entry: its slot; escaping: the first slot it is attached to (others: next), or -1 */
  bool written; /* by some instruction, after it was made */
  int first, last; /* the instructions that use it, as far as they are alive */
  int first_write, last_write;
  int values, last_value; /* the list of values that look into it, while passes run; -1: none */
  size_t at;              /* in the arena */
} nl_buffer;

typedef struct nl_value {
  nl_tensor *t;
  int buffer;
  int next; /* of the same buffer, while passes run; -1: none */
} nl_value;

typedef struct nl_program nl_program;
typedef struct nl_instr nl_instr;
typedef struct nl_fused nl_fused;

struct nl_instr {
  nl_status (*run)(nl_program *, nl_instr *);
  const char *name;
  nl_call *call; /* of an op */
  nl_effect *effect;
  int part;             /* of the effect */
  nl_fused *fused;      /* a fused group */
  nl_tensor **operands; /* of an effect */
  nl_tensor *to, *from; /* of a copy */
  int nreads, nwrites;
  int *reads, *writes; /* values */
  int workspace;       /* its buffer, or -1 */
  int step;            /* of the trace */
  bool dead;
  bool must; /* has an effect beyond what it writes: draws random numbers, looks at values */
  double flops;
  int64_t calls, nanoseconds; /* while profiling */
};

/* A slot as the program leaves it. */
typedef struct nl_program_slot {
  int from;        /* of the trace's slots */
  nl_tensor *leaf; /* NULL: an argument */
  int argument;
  bool read_entry, had_entry; /* the program is right only where the slot holds something, or nothing, as it did */
  int entry;                  /* the buffer of what it held, or -1 */
  int64_t entry_offset;       /* of the first element, in bytes */
  int64_t *entry_strides;
  bool follows;     /* entry is the buffer of an earlier slot, whose tensor shares memory with this one's */
  uint64_t pinned;  /* the serial of the storage it must lie in, since that is also used by other means; or 0 */
  nl_storage *seen; /* a storage that was seen to be none of those from outside; only compared */
  bool set;
  int value;         /* what it is set to; -1: nothing */
  int next;          /* the next slot whose value lies in the same buffer, or -1 */
  nl_tensor *tensor; /* what is attached to the slot; the program holds it, too */
  bool escaping;     /* which lies in an escaping buffer */
  bool attached;     /* and is attached when a call begins */
  nl_tensor *now;    /* what the slot holds when a call begins */
} nl_program_slot;

typedef struct nl_external {
  nl_tensor *t;
  nl_storage *storage;
  bool requires_grad, hooked;
  bool written;
} nl_external;

struct nl_program {
  nl_trace *trace; /* for where its lines come from */
  int nbuffers, nvalues, ninstrs, nslots, nexternals, nresults, nargs;
  nl_buffer *buffers;
  nl_value *values;
  nl_instr *instrs;
  nl_program_slot *slots;
  nl_external *externals; /* tensors that were there before; the program holds while they are as they were */
  int *results;           /* values */
  int *bound, nbound;     /* the buffers that are looked up or renewed before each run */
  int *bumped, nbumped;   /* those of externals that ops write: their versions grow */
  char *arena;
  size_t arena_bytes, unshared_bytes; /* the second: what temporaries would take without sharing */
  int ops, folded, dropped, shared;   /* of the trace: ops; constant; without use; computed twice */
  int whole_from; /* the first instruction that changes what is outside (parameters): from there to the end no Ctrl-C */
  bool writes_arguments;
  bool passes_on;     /* some slot is set to a tensor that lies in an argument or in what a slot held */
  bool *written_args; /* which */
  uint64_t changes;   /* nl_tensor_changes when `externals` was last seen to be as it was */
  bool profiling;
  int64_t runs, run_nanoseconds;
};

static inline int nl_buffer_of(const nl_program *p, int value) {
  return p->values[value].buffer;
}

/* True if t is all of its buffer, in order. */
static inline bool nl_is_whole(const nl_program *p, const nl_tensor *t, int buffer) {
  return t->contiguous && t->offset == 0 &&
         (size_t)t->numel * nl_dtype_size(nl_tensor_dtype(t)) == p->buffers[buffer].bytes;
}

/* Frees what an instruction owns. */
void nl_instr_free(nl_instr *);

/* Turns a trace into a program; takes the trace over, also on failure. results: what the function gave back, NULL where
   that was no tensor. Errors: memory. */
nl_status nl_program_build(nl_trace *, int nresults, nl_tensor *const results[], nl_program **out);
void nl_program_free(nl_program *);

/* True while every tensor from outside is as it was when the program was made. */
bool nl_program_holds(nl_program *);

/* The leaf a slot belongs to. */
static inline nl_tensor *nl_slot_leaf(const nl_program_slot *c, nl_tensor *const args[]) {
  return c->argument >= 0 ? args[c->argument] : c->leaf;
}

/* Looks at what the slots hold when a call begins, their `now` (which the caller sets). False: not all that the program
   reads of it lies as it did when it was recorded, or it shares memory with what it did not share it with. */
bool nl_program_enter(nl_program *);

/* Looks up the memory that has owners outside; to be done before each run. Error: memory, and then nothing has
   happened yet. */
nl_status nl_program_prepare(nl_program *, nl_tensor *const args[]);

/* Runs it. args[i] have the shapes they had; results[i] get references (NULL where there was no tensor), and so do the
   slots' `tensor`, which are to be attached. Errors: those of ops that look at values, memory, and Ctrl-C before
   anything outside of the program was changed; what was written until then stays written. */
nl_status nl_program_run(nl_program *, nl_tensor *const args[], nl_tensor *results[]);

/* The program as text: instructions, buffers, bytes, flops; with times where it was profiled. Freed by the caller;
   NULL when memory ran out. */
char *nl_program_format(const nl_program *, bool times);

#endif
