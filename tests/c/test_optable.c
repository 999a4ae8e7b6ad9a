/* The op table as C sees it: each name that C code calls is an op, and every signature parses. */
#include "check.h"
#include "optable/helpers.h"

static void test_called_ops(void) {
#define CHECK_OP(name) CHECK(nl_op_find(#name) != NULL, "helpers.h calls '%s', which is no op", #name);
  NL_CALLED_OPS(CHECK_OP)
}

static void test_of_one_and_two(void) {
#define CHECK_ONE(name) CHECK(nl_op_signature(op_##name())->tensors == 1, "'%s' takes one tensor", #name);
  NL_OPS_OF_ONE(CHECK_ONE)
#define CHECK_TWO(name) CHECK(nl_op_signature(op_##name())->tensors == 2, "'%s' takes two tensors", #name);
  NL_OPS_OF_TWO(CHECK_TWO)
}

static void test_table(void) {
  for (int i = 0; i < nl_op_count(); i++) {
    const nl_op *op = nl_op_at(i);
    CHECK(nl_op_find(op->name) == op, "'%s' stands twice in the table", op->name);
    CHECK(nl_op_signature(op)->count > 0, "'%s' takes nothing", op->name);
    CHECK(op->compose ? !op->run && !op->infer && !op->vjp : op->infer != NULL, "'%s' is made of ops or runs",
          op->name);
  }
}

int main(void) {
  CHECK(nl_op_begin() == NL_OK, "no memory");
  test_called_ops();
  test_of_one_and_two();
  test_table();
  return finish();
}
