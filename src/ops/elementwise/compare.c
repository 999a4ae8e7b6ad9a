/* Comparisons, and what is true of truth values. int64 and floats are compared as they are, as Lua does it: neither
   dtype holds all numbers of the other. */
#include "ops/elementwise/elementwise.h"
#include "optable/promote.h"
#include "optable/rules.h"

/* ---- int64 against floats ---- */

/* -1, 0, 1, or 2 where f is nan. */
static int order_of(int64_t a, double f) {
  if (f != f) {
    return 2;
  } else if (f >= 0x1p63 || f < -0x1p63) {
    return f < 0 ? 1 : -1;
  }
  int64_t whole = (int64_t)f;
  double rest = f - (double)whole;
  return a != whole ? (a < whole ? -1 : 1) : (rest > 0 ? -1 : rest < 0);
}

static bool holds(int kind, int order) {
  switch (kind) {
  case NL_CMP_EQ:
    return order == 0;
  case NL_CMP_NE:
    return order != 0;
  case NL_CMP_LT:
    return order == -1;
  case NL_CMP_LE:
    return order == -1 || order == 0;
  case NL_CMP_GT:
    return order == 1;
  default:
    return order == 1 || order == 0;
  }
}

typedef struct mixed {
  int kind;
  bool turned, narrow; /* the whole numbers stand second; the floats are float32 */
} mixed;

/* Up to here float64 holds all whole numbers. */
#define EXACT (INT64_C(1) << 53)

static void mixed_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  enum { BLOCK = 256 };
  const mixed *m = ctx;
  int of_wholes = m->turned ? 2 : 1, of_floats = 3 - of_wholes;
  double a[BLOCK], f[BLOCK];
  for (int64_t begin = 0; begin < n; begin += BLOCK) {
    int64_t count = n - begin < BLOCK ? n - begin : BLOCK;
    const int64_t *wholes = (const int64_t *)data[of_wholes] + (step[of_wholes] ? begin : 0);
    size_t at = step[of_floats] ? (size_t)begin : 0;
    const void *floats =
        m->narrow ? (const void *)((const float *)data[of_floats] + at) : (const double *)data[of_floats] + at;
    int64_t wide = step[of_wholes] ? count : 1, near = step[of_floats] ? count : 1;
    int large = 0;
    for (int64_t i = 0; i < wide; i++) {
      large |= wholes[i] > EXACT || wholes[i] < -EXACT;
      a[i] = (double)wholes[i];
    }
    for (int64_t i = 0; i < near; i++) {
      f[i] = m->narrow ? (double)((const float *)floats)[i] : ((const double *)floats)[i];
    }
    uint8_t *out = (uint8_t *)data[0] + begin;
    if (!large) {
      const double *first = m->turned ? f : a, *second = m->turned ? a : f;
      nl_k->elementwise->compare[m->kind][NL_F64](count, out, first, step[1], second, step[2]);
      continue;
    }
    for (int64_t i = 0; i < count; i++) {
      int order = order_of(wholes[step[of_wholes] ? i : 0], f[step[of_floats] ? i : 0]);
      out[i] = holds(m->kind, m->turned && order != 2 ? -order : order);
    }
  }
}

/* One operand is int64, and the other of floats; small ones are compared in float64 as they are. */
static bool is_mixed(const nl_call *c) {
  const nl_tensor *x = c->in[0], *y = c->in[1];
  return c->dtype == NL_F64 && (x->dtype == NL_I64) != (y->dtype == NL_I64) &&
         (nl_dtype_is_float(nl_tensor_dtype(x)) || nl_dtype_is_float(nl_tensor_dtype(y)));
}

/* ---- the ops ---- */

static nl_status infer_compare(nl_call *c) {
  nl_rule_comparable(c, 2, c->in);
  c->checks = is_mixed(c); /* the operands are wanted as they are: a program is to keep them */
  return nl_infer_pair_as(c, NL_BOOL);
}

static bool strip_compare(const nl_call *c, nl_strip *s) {
  nl_strip_pair(c, nl_k->elementwise->compare[c->op->kernel][c->dtype], s);
  return !is_mixed(c);
}

static void run_compare(nl_call *c) {
  if (!is_mixed(c)) {
    nl_run_strip(c);
    return;
  }
  bool turned = c->in[1]->dtype == NL_I64;
  mixed m = {c->op->kernel, turned, c->in[turned ? 0 : 1]->dtype == NL_F32};
  nl_iterate(3, (nl_tensor *[]){c->out[0], c->in[0], c->in[1]}, mixed_run, &m);
}

static nl_status infer_logical(nl_call *c) {
  c->dtype = NL_BOOL;
  return nl_infer_pair_as(c, NL_BOOL);
}

#define COMPARE(n, id, text, e)                                                                                        \
  {                                                                                                                    \
    .name = n, .args = "x: operand, y: operand", .returns = "tensor", .doc = text, .example = e,                       \
    .infer = infer_compare, .run = run_compare, .strip = strip_compare, .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE,    \
    .kernel = id                                                                                                       \
  }
#define LOGICAL(n, strip_fn, id, text, e)                                                                              \
  {                                                                                                                    \
    .name = n, .args = "x: operand, y: operand", .returns = "tensor", .doc = text, .example = e,                       \
    .infer = infer_logical, .run = nl_run_strip, .strip = strip_fn, .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE,        \
    .kernel = id                                                                                                       \
  }

static const nl_op ops[] = {
    COMPARE("eq", NL_CMP_EQ, "True where x equals y; Lua's == compares identity.", "nn.eq(nn.tensor {1, 2}, 2)"),
    COMPARE("ne", NL_CMP_NE, "True where x differs from y.", "nn.ne(nn.tensor {1, 2}, 2)"),
    COMPARE("lt", NL_CMP_LT, "True where x < y.", "nn.lt(nn.tensor {1, 2}, 2)"),
    COMPARE("le", NL_CMP_LE, "True where x <= y.", "nn.le(nn.tensor {1, 2}, 2)"),
    COMPARE("gt", NL_CMP_GT, "True where x > y.", "nn.gt(nn.tensor {1, 2}, 1)"),
    COMPARE("ge", NL_CMP_GE, "True where x >= y.", "nn.ge(nn.tensor {1, 2}, 2)"),
    LOGICAL("logical_and", nl_strip_binary, NL_BIN_MINIMUM, "True where both are not 0.",
            "nn.logical_and(nn.tensor {true, true}, nn.tensor {true, false})"),
    LOGICAL("logical_or", nl_strip_binary, NL_BIN_MAXIMUM, "True where one or both are not 0.",
            "nn.logical_or(nn.tensor {true, false}, nn.tensor {false, false})"),
    LOGICAL("logical_xor", strip_compare, NL_CMP_NE, "True where exactly one is not 0.",
            "nn.logical_xor(nn.tensor {true, true}, nn.tensor {true, false})"),
};

NL_FAMILY(compare, ops);
