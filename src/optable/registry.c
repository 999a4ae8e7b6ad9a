/* The table: families in order, the lookup by name, and the parser of signatures. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optable/op.h"

enum { MAX_OPS = 1024, HASH_SIZE = 4096 };

static const nl_op *ops[MAX_OPS];
static const char *family_names[MAX_OPS], *pages[MAX_OPS];
static nl_signature *signatures; /* by position in ops */
static int16_t hash[HASH_SIZE];  /* position + 1 */
static int count;

static unsigned hash_name(const char *s) {
  unsigned h = 2166136261u;
  for (; *s; s++) {
    h = (h ^ (unsigned char)*s) * 16777619u;
  }
  return h % HASH_SIZE;
}

static void fill_table(void) {
#define FAMILY(page, name) {#page, &nl_ops_##name},
  static const struct {
    const char *page;
    const nl_op_family *family;
  } families[] = {NL_FAMILIES(FAMILY)};
#undef FAMILY
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    for (int i = 0; i < families[f].family->count && count < MAX_OPS; i++) {
      const nl_op *op = &families[f].family->ops[i];
      family_names[count] = families[f].family->name;
      pages[count] = families[f].page;
      ops[count++] = op;
      unsigned h = hash_name(op->name);
      while (hash[h]) {
        h = (h + 1) % HASH_SIZE;
      }
      hash[h] = (int16_t)count;
    }
  }
}

int nl_op_count(void) {
  if (count == 0) {
    fill_table();
  }
  return count;
}

const nl_op *nl_op_at(int i) {
  return i >= 0 && i < nl_op_count() ? ops[i] : NULL;
}

const char *nl_op_family_name(int i) {
  return i >= 0 && i < nl_op_count() ? family_names[i] : NULL;
}

const char *nl_op_page(int i) {
  return i >= 0 && i < nl_op_count() ? pages[i] : NULL;
}

static int position(const char *name) {
  if (nl_op_count() == 0) {
    return -1;
  }
  for (unsigned h = hash_name(name); hash[h]; h = (h + 1) % HASH_SIZE) {
    if (strcmp(ops[hash[h] - 1]->name, name) == 0) {
      return hash[h] - 1;
    }
  }
  return -1;
}

const nl_op *nl_op_find(const char *name) {
  int i = position(name);
  return i < 0 ? NULL : ops[i];
}

static nl_kind parse_kind(const char *s, size_t n) {
  static const char *const names[] = {"tensor", "operand", "tensors", "int",   "number", "bool",
                                      "dim",    "dims",    "shape",   "dtype", "choice", "numbers"};
  for (int k = 0; k <= NL_KIND_NUMBERS; k++) {
    if (strlen(names[k]) == n && memcmp(names[k], s, n) == 0) {
      return (nl_kind)k;
    }
  }
  abort(); /* an op written wrong: seen by the first test that runs */
}

static void parse_signature(const char *s, nl_signature *sig) {
  while (*s) {
    nl_param *p = &sig->param[sig->count++];
    size_t n = strcspn(s, ":");
    if (sig->count > NL_MAX_PARAM || n >= sizeof p->name) {
      abort();
    }
    memcpy(p->name, s, n);
    s += n + 1;
    s += strspn(s, " ");
    n = 0;
    while (isalpha((unsigned char)s[n])) {
      n++;
    }
    p->kind = parse_kind(s, n);
    s += n;
    if (p->kind == NL_KIND_SHAPE && *s == '|') {
      p->choices = ++s;
      while (isalpha((unsigned char)*s)) {
        s++;
      }
    }
    if (*s == '?') {
      p->optional = true;
      s++;
    }
    s += strspn(s, " ");
    if (*s == '=') {
      p->optional = true;
      s++;
      s += strspn(s, " ");
      p->choices = s;
      p->default_number = strncmp(s, "true", 4) == 0 ? 1 : (strncmp(s, "inf", 3) == 0 ? 1e308 * 10 : strtod(s, NULL));
      s += strcspn(s, ",");
    }
    s += strspn(s, ", ");
    bool tensor = p->kind <= NL_KIND_TENSORS;
    p->slot = tensor ? sig->tensors : sig->count - 1 - sig->tensors;
    if (tensor) {
      sig->tensors++;
      if (sig->tensors > NL_SMALL_IN) {
        abort();
      }
      sig->list = sig->list || p->kind == NL_KIND_TENSORS;
    }
  }
}

/* The names that C code has for an op's attributes are those of the signature, in its order; the last ones may lack. */
static void check_attrs(const nl_op *op, const nl_signature *sig) {
  const char *s = op->attrs ? op->attrs : "";
  bool fits = true;
  for (int i = 0; i < sig->count && fits && *s; i++) {
    const nl_param *p = &sig->param[i];
    if (p->kind > NL_KIND_TENSORS) {
      size_t n = strcspn(s, ",");
      fits = strlen(p->name) == n && memcmp(s, p->name, n) == 0;
      s += n;
      s += strspn(s, ", ");
    }
  }
  if (*s || !fits) {
    fprintf(stderr, "nnlua: the op %s(%s) has NL_ATTRS %s\n", op->name, op->args, op->attrs);
    abort(); /* seen by the first test that runs */
  }
}

/* Ops lie in a few arrays, so their addresses make a good hash. */
typedef struct known_op {
  const nl_op *op;
  const nl_signature *sig;
} known_op;
static known_op known[HASH_SIZE];

static const nl_signature *parsed(const nl_op *op);

const nl_signature *nl_op_signature(const nl_op *op) {
  known_op *k = &known[((uintptr_t)op >> 4) % HASH_SIZE];
  if (k->op != op) {
    *k = (known_op){op, parsed(op)}; /* an op that shares the place is parsed already, and found again */
  }
  return k->sig;
}

nl_status nl_op_begin(void) {
  if (!signatures) {
    signatures = calloc((size_t)nl_op_count(), sizeof *signatures);
  }
  return signatures ? NL_OK : nl_fail_memory((size_t)nl_op_count() * sizeof *signatures);
}

static const nl_signature *parsed(const nl_op *op) {
  nl_signature *sig = &signatures[position(op->name)];
  if (sig->count == 0 && *op->args) {
    parse_signature(op->args, sig);
    check_attrs(op, sig);
    sig->gives_list = strcmp(op->returns, "tensors") == 0;
    sig->results = 1;
    for (const char *s = op->returns; *s; s++) {
      sig->results += *s == ',';
    }
  }
  return sig;
}
