/* Positions whose values are checked, in replays of compiled functions too: what layers ask of lengths and offsets. */
#include <string.h>

#include "optable/rules.h"

NL_ATTRS(within, low, high, what)
NL_ATTRS(bags, count, ends)

static nl_status want_line(const nl_tensor *t, const char *what) {
  if (t->dtype != NL_I64 || t->ndim != 1) {
    return nl_fail("%s must be int64 with one dim, but are %s of shape %s", what, nl_dtype_name(nl_tensor_dtype(t)),
                   nl_tensor_shape_string(t).s);
  }
  return NL_OK;
}

/* within(x, low, high, what) -> x, or an error that says what x is */
static const char *const whats[] = {"",
                                    "input_lengths: ", "target_lengths: ", "the sum of target_lengths: ", "target "};
static nl_status infer_within(nl_call *c) {
  const nl_tensor *x = c->in[0];
  int64_t low = c->attr[within_low].i, high = c->attr[within_high].i;
  nl_status status = want_line(x, "the numbers");
  for (int64_t i = 0; i < x->numel && status == NL_OK; i++) {
    int64_t v = nl_tensor_get_int(x, i);
    if (v < low || v > high) {
      status = nl_fail("%s%lld (element %lld) is out of range %lld..%lld", whats[c->attr[within_what].i], (long long)v,
                       (long long)i + 1, (long long)low, (long long)high);
    }
  }
  nl_rule_like(c, 0, x, NL_I64);
  return status;
}
static void run_within(nl_call *c) {
  memcpy(nl_tensor_data(c->out[0]), nl_tensor_data(c->rin[0]), (size_t)c->out[0]->numel * sizeof(int64_t));
}

/* bags(offsets, count, ends): of each of `count` places the number of the last offset that is not behind it */
static nl_status infer_bags(nl_call *c) {
  const nl_tensor *offsets = c->in[0];
  int64_t count = c->attr[bags_count].i, before = 1;
  nl_status status = want_line(offsets, "offsets");
  bool ends = c->attr[bags_ends].b;
  if (status == NL_OK && (count < 0 || offsets->numel < (ends ? 2 : 1))) {
    status = nl_fail("there must be an offset for each bag%s, but there are %lld", ends ? " and one for the end" : "",
                     (long long)offsets->numel);
  }
  for (int64_t i = 0; i < offsets->numel && status == NL_OK; i++) {
    int64_t v = nl_tensor_get_int(offsets, i);
    if (v < before || v > count + 1 || (i == 0 && v != 1)) {
      status =
          nl_fail("offset %lld is %lld, but offsets must begin with 1, ascend and lie within 1..%lld (they say where "
                  "each bag begins, counted from 1)",
                  (long long)i + 1, (long long)v, (long long)count + 1);
    }
    before = v;
  }
  if (status == NL_OK) {
    nl_rule_shape(c, 0, 1, &count, NL_I64);
  }
  return status;
}
static void run_bags(nl_call *c) {
  const int64_t *offsets = nl_tensor_data(c->rin[0]);
  int64_t *to = nl_tensor_data(c->out[0]), n = c->rin[0]->numel, bag = 1;
  for (int64_t i = 0; i < c->out[0]->numel; i++) {
    while (bag < n && offsets[bag] <= i + 1) {
      bag++;
    }
    to[i] = bag;
  }
}

static const nl_op ops[] = {
    {.name = "within",
     .args = "x: tensor, low: int, high: int, what: choice = numbers|input_lengths|target_lengths|sum|target",
     .attrs = within_attrs,
     .returns = "tensor",
     .doc = "x, whose whole numbers must lie within low and high.",
     .infer = infer_within,
     .run = run_within,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL | NL_OP_CHECKS},
    {.name = "bags",
     .args = "offsets: tensor, count: int, ends: bool = false",
     .attrs = bags_attrs,
     .returns = "tensor",
     .doc = "Of each of `count` places the bag it is in; ends: the last offset is where the last bag ends.",
     .infer = infer_bags,
     .run = run_bags,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL | NL_OP_CHECKS},
};

NL_FAMILY(checked, ops);
